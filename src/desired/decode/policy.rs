//! `policy`, wherever it stands: what one level says; levels are laid over each other in `resolve`.

use std::time::Duration;

use crate::{
    desired::{
        report::{Draft, Report, Span},
        spec,
        tree::{Entry, Kind},
    },
    model::{Aliases, Cap, Freeze, Irreversible, Policy, RemoveWith, Unlisted},
};

use super::{
    Decoder,
    fields::Fields,
    values::{duration, share},
};

/// What one `policy` says; everything else is left to the level above.
#[derive(Debug, Default)]
pub(in crate::desired) struct PolicyPatch {
    unlisted: Option<(Unlisted, Span)>,
    aliases: Option<(Aliases, Span)>,
    remove_with: Option<(RemoveWith, Span)>,
    delete_after: Option<(Option<Duration>, Span)>,
    irreversible: Option<(Irreversible, Span)>,
    protect: Option<(Vec<String>, Span)>,
    max_removals: Option<(Cap, Span)>,
    max_creates: Option<(Cap, Span)>,
    min_admins: Option<(u32, Span)>,
    freeze: Option<(Vec<Freeze>, Span)>,
}

impl PolicyPatch {
    /// `below`, with what this says laid over it.
    pub(in crate::desired) fn over(&self, below: &Policy, report: &Report<'_>) -> Policy {
        let mut policy = below.clone();
        macro_rules! lay {
            ($($field:ident),+) => {$(
                if let Some((value, span)) = &self.$field {
                    policy.$field = value.clone();
                    policy.places.insert(stringify!($field), report.place(*span));
                }
            )+};
        }
        lay!(unlisted, aliases, remove_with, delete_after, irreversible);
        lay!(protect, max_removals, max_creates, min_admins, freeze);
        policy
    }
}

/// The `policy` among `fields`.
pub(super) fn decode<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> PolicyPatch {
    let Some(fields) = fields.object(d, "policy") else { return PolicyPatch::default() };
    PolicyPatch {
        unlisted: fields.word(d, "unlisted"),
        aliases: fields.word(d, "aliases"),
        remove_with: fields.word(d, "remove_with"),
        delete_after: fields.parsed(d, "delete_after", |text| duration(text).map(Some)),
        irreversible: fields.word(d, "irreversible"),
        protect: protect(d, &fields),
        max_removals: cap(d, fields.entry("max_removals")),
        max_creates: cap(d, fields.entry("max_creates")),
        min_admins: fields.count(d, "min_admins"),
        freeze: freeze(d, &fields),
    }
}

fn protect<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<(Vec<String>, Span)> {
    let entry = fields.entry("protect")?;
    let mut globs = Vec::new();
    for (text, span) in fields.texts(d, "protect") {
        match globset::Glob::new(text) {
            Ok(_) => globs.push(text.to_owned()),
            Err(error) => {
                let message = format!("`{text}` is not {}: {}", spec::GLOB.what, error.kind());
                d.report.push(
                    Draft::error("bad-value", message).at(span, "").hint("`*` stands for any characters, `?` for one"),
                );
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
    match cap {
        Ok(cap) => Some((cap, entry.span)),
        Err(_) => {
            let message = format!("`{text}` is not {}", spec::CAP_TEXT.what);
            d.bad_value(entry.value.span, message, "write `10%`, `5`, or `{ share: 10%, at_least: 3 }`");
            None
        }
    }
}

fn freeze<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Option<(Vec<Freeze>, Span)> {
    let entry = fields.entry("freeze")?;
    let mut freezes = Vec::new();
    for one in fields.objects(d, "freeze") {
        let window = d.window(&one);
        let reason = one.text(d, "reason").map(|(text, _)| text.to_owned());
        if one.entry("from").is_none() && one.entry("until").is_none() {
            d.bad_value(
                one.span,
                "a freeze without `from` and `until` never ends",
                "say from when or until when; `mode: observe` stops an app for good",
            );
            continue;
        }
        freezes.push(Freeze { window, reason, place: d.report.place(one.span) });
    }
    Some((freezes, entry.span))
}
