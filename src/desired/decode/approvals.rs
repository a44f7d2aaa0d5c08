//! The section `approvals`.

use jiff::Timestamp;

use crate::{
    desired::{
        report::{Draft, Span},
        spec,
        tree::Entry,
    },
    model::Guard,
};

use super::{Decoder, Named, fields::Fields, values::moment};

/// One approval; whether its `allow` names anything is settled in `resolve`.
#[derive(Debug)]
pub(in crate::desired) struct Approval {
    pub allow: Named<String>,
    pub guard: Guard,
    pub up_to: Option<u32>,
    pub until: Option<Timestamp>,
    pub reason: Option<String>,
    pub span: Span,
}

pub(super) fn decode<'s>(d: &mut Decoder<'_, 's>, section: Option<&Entry<'s>>) -> Vec<Approval> {
    let Some(section) = section else { return Vec::new() };
    let objects = d.objects(section, &spec::APPROVAL);
    objects.iter().filter_map(|fields| approval(d, fields)).collect()
}

fn approval<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<Approval> {
    let zone = d.zone.clone();
    let allow = fields.text(d, "allow");
    let guard = guard(d, fields);
    let up_to = fields.count(d, "up_to");
    let until = fields.parsed(d, "until", |text| moment(text, &zone, true));
    let reason = fields.text(d, "reason").map(|(text, _)| text.to_owned());
    for key in ["allow", "guard"] {
        if fields.entry(key).is_none() {
            let draft = Draft::error("missing", format!("this approval has no `{key}`"))
                .at(fields.span, "")
                .hint("`- { allow: APP/VERB/EMAIL, guard: irreversible, until: 2026-12-31, reason: … }`; a held action's line in the plan can be copied");
            d.report.push(draft);
        }
    }
    if let Some((_, span)) = up_to
        && guard.is_some_and(|guard| !guard.counts_people())
    {
        d.bad_value(span, "`up_to` is for the guards max-removals and max-creates", "remove it");
    }
    if let Some(cap) = guard.filter(|guard| guard.counts_people())
        && fields.entry("up_to").is_none()
    {
        let message = format!("this approval of {cap} names no number, so it covers one person");
        d.report.push(Draft::warning("no-number", message).at(fields.span, "").hint("write `up_to: N`"));
    }
    if fields.entry("until").is_none() {
        let draft = Draft::warning("no-expiry", "this approval never expires")
            .at(fields.span, "")
            .hint("add `until: DATE`, so that it does not release something else later");
        d.report.push(draft);
    }
    let (text, span) = allow?;
    Some(Approval {
        allow: Named { name: text.to_owned(), span },
        guard: guard?,
        up_to: up_to.map(|(count, _)| count),
        until: until.map(|(at, _)| at),
        reason,
        span: fields.span,
    })
}

fn guard<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<Guard> {
    let (text, span) = fields.text(d, "guard")?;
    if let Ok(guard) = text.parse::<Guard>() {
        if guard.releasable() {
            return Some(guard);
        }
        let message = format!("the guard `{guard}` cannot be released by an approval");
        d.bad_value(span, message, "what it found has to be mended; the plan says how");
        return None;
    }
    d.word("guard", text, span, &spec::GUARD).and_then(|word| word.parse().ok())
}
