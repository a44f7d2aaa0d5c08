//! What the engine may do by itself, and who allowed it more: `policy`, wherever it stands, and the section `approvals`.

use crate::{
    desired::{
        report::Span,
        spec,
        tree::{Entry, Kind},
    },
    model::{Approval, Cap, Freeze, Guard, Policy},
};

use super::{
    Decoder,
    fields::Fields,
    values::{duration, moment, share},
};

/// `below`, with the `policy` among `fields` laid over it.
pub(super) fn decode<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>, below: &Policy) -> Policy {
    let mut policy = below.clone();
    let Some(fields) = fields.object(d, "policy") else { return policy };
    let delete_after = fields.parsed(d, "delete_after", |text| duration(text).map(Some));
    let said = [
        ("unlisted", lay(&mut policy.unlisted, fields.word(d, "unlisted"))),
        ("aliases", lay(&mut policy.aliases, fields.word(d, "aliases"))),
        ("remove_with", lay(&mut policy.remove_with, fields.word(d, "remove_with"))),
        ("delete_after", lay(&mut policy.delete_after, delete_after)),
        ("irreversible", lay(&mut policy.irreversible, fields.word(d, "irreversible"))),
        ("protect", lay(&mut policy.protect, protect(d, &fields))),
        ("max_removals", lay(&mut policy.max_removals, cap(d, fields.entry("max_removals")))),
        ("max_creates", lay(&mut policy.max_creates, cap(d, fields.entry("max_creates")))),
        ("min_admins", lay(&mut policy.min_admins, fields.count(d, "min_admins"))),
        ("freeze", lay(&mut policy.freeze, freeze(d, &fields))),
    ];
    policy.places.extend(said.into_iter().filter_map(|(key, span)| Some((key, d.report.place(span?)))));
    policy
}

/// Sets a rule to what is said, and tells where that is.
fn lay<T>(rule: &mut T, said: Option<(T, Span)>) -> Option<Span> {
    let (value, span) = said?;
    *rule = value;
    Some(span)
}

fn protect<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<(Vec<String>, Span)> {
    let entry = fields.entry("protect")?;
    let mut globs = Vec::new();
    for (text, span) in fields.texts(d, "protect") {
        match globset::Glob::new(text) {
            Ok(_) => globs.push(text.to_owned()),
            Err(error) => {
                let message = format!("`{text}` is not {}: {}", spec::GLOB.what, error.kind());
                d.bad_value(span, message, "`*` stands for any characters, `?` for one");
            }
        }
    }
    Some((globs, entry.span))
}

/// `10%`, a count, or `{ share, at_least }`.
fn cap<'s>(d: &mut Decoder<'_, 's>, entry: Option<&Entry<'s>>) -> Option<(Cap, Span)> {
    let entry = entry?;
    if let Kind::Map(_) = entry.value.kind {
        let fields = Fields::open(d, &entry.value, &spec::CAP, entry.span);
        let share_percent = fields.parsed(d, "share", share).map_or(0.0, |(share, _)| share);
        let at_least = fields.count(d, "at_least").map_or(0, |(count, _)| count);
        return Some((Cap { share_percent, at_least }, entry.span));
    }
    let text = d.text(&entry.value, &spec::CAP_TEXT)?;
    let cap = match text.parse() {
        Ok(at_least) => Ok(Cap { share_percent: 0.0, at_least }),
        Err(_) => share(text).map(|share_percent| Cap { share_percent, at_least: 0 }),
    };
    if cap.is_err() {
        let message = format!("`{text}` is not {}", spec::CAP_TEXT.what);
        d.bad_value(entry.value.span, message, "write `10%`, `5`, or `{ share: 10%, at_least: 3 }`");
    }
    Some((cap.ok()?, entry.span))
}

fn freeze<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<(Vec<Freeze>, Span)> {
    let entry = fields.entry("freeze")?;
    let mut freezes = Vec::new();
    for one in fields.objects(d, "freeze") {
        let window = d.window(&one);
        let reason = one.text(d, "reason").map(|(text, _)| text.to_owned());
        if one.entry("from").is_none() && one.entry("until").is_none() {
            let hint = "say from when or until when; `mode: observe` stops an app for good";
            d.bad_value(one.span, "a freeze without `from` and `until` never ends", hint);
        } else {
            freezes.push(Freeze { window, reason, place: d.report.place(one.span) });
        }
    }
    Some((freezes, entry.span))
}

/// One approval, with where its `allow` stands; whether that names anything is settled in `resolve`.
pub(super) fn approval<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<(Approval, Span)> {
    let zone = d.zone.clone();
    let allow = fields.text(d, "allow");
    let guard = guard(d, fields);
    let up_to = fields.count(d, "up_to");
    let until = fields.parsed(d, "until", |text| moment(text, &zone, true));
    let reason = fields.text(d, "reason").map(|(text, _)| text.to_owned());
    for key in ["allow", "guard"] {
        fields.require(
            d,
            key,
            format!("this approval has no `{key}`"),
            "`- { allow: APP/VERB/EMAIL, guard: irreversible, until: 2026-12-31, reason: … }`; a held action's line in the plan can be copied",
        );
    }
    match (guard, up_to) {
        (Some(guard), Some((_, span))) if !guard.takes_number() => {
            d.bad_value(span, "`up_to` is for the guards max-removals, max-creates and identity", "remove it");
        }
        (Some(cap), None) if cap.counts_people() && fields.entry("up_to").is_none() => {
            let message = format!("this approval of {cap} names no number, so it covers one person");
            d.report.warning("no-number", fields.span, message).hint("write `up_to: N`");
        }
        _ => {}
    }
    if fields.entry("until").is_none() {
        let draft = d.report.warning("no-expiry", fields.span, "this approval never expires");
        draft.hint("add `until: DATE`, so that it does not release something else later");
    }
    let (text, span) = allow?;
    let approval = Approval {
        allow: text.to_owned(),
        guard: guard?,
        up_to: up_to.map(|(count, _)| count),
        until: until.map(|(at, _)| at),
        reason,
        place: d.report.place(fields.span),
    };
    Some((approval, span))
}

fn guard<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<Guard> {
    let (text, span) = fields.text(d, "guard")?;
    if let Ok(guard) = text.parse::<Guard>() {
        if guard.releasable() {
            return Some(guard);
        }
        let message = format!("the guard `{guard}` cannot be released by an approval");
        d.bad_value(span, message, "what it found has to be fixed; the plan says how");
        return None;
    }
    d.word("guard", text, span, &spec::GUARD).and_then(|word| word.parse().ok())
}
