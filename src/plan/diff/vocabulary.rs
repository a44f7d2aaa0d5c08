//! Values that an app knows by id and people know by name: a name that stands for nothing, or for several things, is
//! never sent.

use std::sync::Arc;

use crate::{
    model::{FieldName, FieldValue, Guard, Verb, Words},
    plan::{
        Context,
        draft::{Draft, Drafts},
    },
};

/// Known names that a message lists, so that a long list does not bury the sentence.
const NAMES_SHOWN: usize = 8;

/// Names that are at least as alike as this may be misspellings of one another.
const LIKE: f64 = 0.85;

/// Holds every action that would send such a name.
pub(super) fn hold_unknown(cx: &Context<'_>, drafts: &mut Drafts) {
    let vocabulary = &cx.live.vocabulary;
    for draft in &mut drafts.actions {
        let fields = match draft.verb() {
            Verb::Create | Verb::Update => &vocabulary.accounts,
            Verb::AddMember | Verb::ChangeMember => &vocabulary.members,
            _ => continue,
        };
        let values = draft.action.step.values().clone();
        for (field, words) in fields {
            for name in values.get(field).filter(|value| !value.is_empty()).into_iter().flat_map(FieldValue::texts) {
                check(cx, field, words, name, draft);
            }
        }
    }
}

fn check(cx: &Context<'_>, field: &FieldName, words: &Words, name: &Arc<str>, draft: &mut Draft) {
    let what = singular(field);
    if let Some(ids) = words.ambiguous.get(name) {
        let (first, all) = (ids.first().map_or("", |id| id), ids.join(", "));
        draft.hold(
            Guard::Ambiguous,
            format!("{} has {} {what}s called {name}: {all}", cx.app.name, ids.len()),
            format!("write the id of the one that is meant, such as `{first}`, or rename one of them in the app"),
        );
    } else if !words.known.contains(name) {
        let near = words.known.iter().map(|known| (strsim::jaro_winkler(known, name), known));
        let near = near.filter(|(likeness, _)| *likeness > LIKE).max_by(|a, b| a.0.total_cmp(&b.0));
        let near = near.map_or_else(String::new, |(_, known)| format!("did you mean {known}? Otherwise "));
        let known: Vec<&str> = words.known.iter().take(NAMES_SHOWN).map(|name| &**name).collect();
        let more = if words.known.len() > NAMES_SHOWN { ", …" } else { "" };
        let there = if known.is_empty() { String::new() } else { format!("; there are {}{more}", known.join(", ")) };
        draft.hold(
            Guard::Ambiguous,
            format!("{} shows no {what} called {name}", cx.app.name),
            format!("{near}{}{there}", words.repair),
        );
    }
}

/// `roles` holds roles, each of which is a role.
fn singular(field: &str) -> &str {
    field.strip_suffix('s').unwrap_or(field)
}
