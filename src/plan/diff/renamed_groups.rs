//! Groups whose name changed, in the app or in the files: the id that they had says which group is meant.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::found::Found;
use crate::{
    model::{Finding, FindingCode, GroupState, Guard, LiveGroup},
    plan::{Context, repair},
};

/// Every group that is known to be declared, by id, with its name in the files. One that no line declares any more is
/// remembered until it is gone.
pub(in crate::plan) fn declared_groups(cx: &Context<'_>) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut known = before(cx).cloned().unwrap_or_default();
    // Where no line declares a group, nobody asks the app for any.
    let all_seen = !cx.app.groups.is_empty()
        && cx.app.semantics.groups.list
        && cx.live.groups_coverage.is_complete()
        && cx.live.alone().is_none();
    known.retain(|id, _| !all_seen || cx.groups.contains_key(id));
    for desired in cx.app.groups.values() {
        let mut live = cx.groups.values().filter(|group| desired.is(group));
        // Of several with one name nobody knows which is meant.
        if let (Some(one), None) = (live.next(), live.next()) {
            known.insert(one.id.clone(), desired.name.clone());
        }
    }
    known
}

fn before<'a>(cx: &Context<'a>) -> Option<&'a BTreeMap<Arc<str>, Arc<str>>> {
    cx.past.and_then(|past| past.history).map(|history| &history.declared_groups)
}

/// Holds what is about a declared group that is not there under its name, while a group that was known by that name is there
/// under another: a new one would leave the old one behind, with its members and rights.
pub(super) fn hold(cx: &Context<'_>, all: &mut BTreeMap<&Arc<str>, Found<'_>>) {
    let Some(known) = before(cx) else { return };
    let taken: BTreeSet<Arc<str>> = all.values().filter_map(|found| found.id.clone()).collect();
    for found in all.values_mut() {
        let desired = found.desired;
        if found.id.is_some() || desired.state != GroupState::Present {
            continue;
        }
        let was = known.iter().filter(|(id, name)| **name == desired.name && !taken.contains(*id));
        let there: Vec<&LiveGroup> = was.filter_map(|(id, _)| cx.groups.get(id).copied()).collect();
        let Some(first) = there.first().filter(|first| first.name != desired.name) else { continue };
        let list: Vec<String> = there.iter().map(|group| format!("{} (id {})", group.name, group.id)).collect();
        let again = match cx.app.semantics.groups.rename {
            true => format!(", and rosterd calls it {} again", desired.name),
            false => String::new(),
        };
        found.doubt = Some((
            Guard::Ambiguous,
            format!("{} is called {} now, so no second one is made", desired.name, list.join(" and ")),
            format!(
                "write `{}` as the name of {}; or, to keep the name, add `id: {}` there{again}",
                repair::scalar(&first.name),
                repair::group(cx, &desired.name, &desired.place),
                repair::scalar(&first.id),
            ),
        ));
    }
}

/// Groups that the files declared before and that no line declares any more. They are there still, as far as anybody knows.
pub(super) fn forgotten(cx: &Context<'_>, all: &BTreeMap<&Arc<str>, Found<'_>>) -> Vec<Finding> {
    let is_declared = |id: &Arc<str>, name: &Arc<str>| {
        all.values().any(|found| {
            // One that was not found is another matter: it is held, or looked for by its name.
            found.id.as_ref() == Some(id) || (found.id.is_none() && found.desired.name == *name)
        })
    };
    let known = declared_groups(cx);
    let lost = known.iter().filter(|(id, name)| !is_declared(id, name));
    lost.map(|(id, name)| {
        let called = cx.groups.get(id).map_or(name, |group| &group.name);
        let (key, pin) = (repair::scalar(called), repair::scalar(id));
        let message = format!(
            "{called} (id {id}) was declared before, and no line declares it any more, so whoever is in it keeps what it \
             gives them; if it has another name in the files now, add `id: {pin}` to that entry; if it is to go, add \
             `{key}: {{ id: {pin}, state: absent }}` to apps.{}.groups; or declare it again",
            cx.app.name
        );
        Finding::warning(FindingCode::GroupForgotten, message).group(called)
    })
    .collect()
}
