//! Groups: which declared ones exist, and which do not.

use std::{collections::BTreeMap, sync::Arc};

use super::fields;
use crate::{
    model::{Coverage, DesiredGroup, Finding, GroupState, Guard, LiveGroup, Severity, Verb},
    plan::{
        Context,
        draft::{Draft, Drafts, group_action},
        wanted::Standing,
    },
};

/// A declared group and what is known of it.
pub(super) struct Found<'a> {
    pub desired: &'a DesiredGroup,
    /// The live group, when it was seen.
    pub live: Option<&'a LiveGroup>,
    /// Its id, by pin or as seen.
    pub id: Option<Arc<str>>,
    /// Why nobody knows which group is meant, and what to do about it.
    pub doubt: Option<(Guard, String, String)>,
}

/// Finds the live counterpart of every declared group, and the actions on groups themselves.
pub(super) fn diff<'a>(cx: &Context<'a>, drafts: &mut Drafts) -> BTreeMap<&'a Arc<str>, Found<'a>> {
    let mut by_name: BTreeMap<&str, Vec<&'a LiveGroup>> = BTreeMap::new();
    for group in &cx.live.groups {
        by_name.entry(&group.name).or_default().push(group);
    }
    cx.app
        .groups
        .values()
        .map(|desired| {
            let found = find(cx, desired, &by_name);
            report(cx, &found, drafts);
            act(cx, &found, drafts);
            (&desired.name, found)
        })
        .collect()
}

fn find<'a>(cx: &Context<'a>, desired: &'a DesiredGroup, by_name: &BTreeMap<&str, Vec<&'a LiveGroup>>) -> Found<'a> {
    let mut found = Found { desired, live: None, id: desired.id.clone(), doubt: None };
    if let Some(pin) = &desired.id {
        found.live = cx.live.groups.iter().find(|group| group.id == *pin);
        return found;
    }
    match by_name.get(&*desired.name).map_or(&[][..], Vec::as_slice) {
        [] if !cx.app.semantics.groups.list => {
            found.doubt = Some((
                Guard::Incomplete,
                format!(
                    "the API cannot list groups, and nobody seen is a member of {}, so its id is unknown",
                    desired.name
                ),
                format!("pin it: `id: …` under apps.{}.groups.{}", cx.app.name, desired.name),
            ));
        }
        [] => {}
        [one] => {
            found.live = Some(one);
            found.id = Some(one.id.clone());
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|group| &*group.id).collect();
            found.doubt = Some((
                Guard::Ambiguous,
                format!("{} groups are called {}: {}", several.len(), desired.name, ids.join(", ")),
                format!("pin the right one: `id: {}` under apps.{}.groups.{}", ids[0], cx.app.name, desired.name),
            ));
        }
    }
    found
}

fn report(cx: &Context<'_>, found: &Found<'_>, drafts: &mut Drafts) {
    let finding = |severity, code, message| Finding {
        severity,
        code,
        account: None,
        group: Some(found.desired.name.clone()),
        message,
        because: vec![found.desired.place.clone()],
    };
    if let Some((guard, reason, repair)) = &found.doubt {
        let code = if *guard == Guard::Ambiguous { "ambiguous-group" } else { "unknown-group" };
        drafts.find(finding(Severity::Error, code, format!("{reason}; {repair}")));
    }
    if let Some(live) = found.live.filter(|live| live.name != found.desired.name) {
        drafts.find(finding(
            Severity::Warning,
            "group-name",
            format!(
                "{} is pinned to {}, which is called {} in {}",
                found.desired.name, live.id, live.name, cx.app.name
            ),
        ));
    }
    if found.desired.id.is_some() && found.live.is_none() && cx.app.semantics.groups.list {
        drafts.find(finding(
            Severity::Error,
            "unknown-group",
            format!("{} is pinned to an id that is not there; correct the pin or remove it", found.desired.name),
        ));
    }
}

fn act(cx: &Context<'_>, found: &Found<'_>, drafts: &mut Drafts) {
    let semantics = &cx.app.semantics;
    let (desired, rules) = (found.desired, &semantics.groups);
    let pinned = desired.id.is_some();
    let verb = match (desired.state, found.live) {
        (GroupState::Present, None) if !pinned && found.doubt.is_none() => Verb::CreateGroup,
        (GroupState::Present, Some(_)) => Verb::UpdateGroup,
        (GroupState::Absent, Some(_)) => Verb::DeleteGroup,
        _ => return,
    };
    let mut draft = Draft::new(group_action(&cx.app.name, verb, &desired.name), Standing::Active, None)
        .because(vec![desired.place.clone()]);
    draft.action.target.group_id = found.id.clone();
    let can = match (verb, found.live) {
        (Verb::CreateGroup, _) => {
            draft.action.target.values = desired.values.clone();
            draft = draft.changes(fields::from_nothing(&desired.values));
            if let Coverage::Incomplete(why) = &cx.live.groups_coverage {
                draft.hold(
                    Guard::Incomplete,
                    format!("not all groups were seen ({why}), so this one may exist already"),
                    "plan again once the app can be read to the end",
                );
            }
            rules.create
        }
        (Verb::UpdateGroup, Some(live)) => {
            let managed = desired.values.keys().cloned().collect();
            let compared = fields::compare(&managed, &desired.values, &live.values);
            if compared.changes.is_empty() {
                return;
            }
            draft.action.target.values = fields::new_values(&compared.changes);
            draft = draft.changes(compared.changes);
            rules.update
        }
        _ => {
            draft.action.reduces_access = found.live.is_some_and(|live| !live.members.is_empty());
            draft.action.irreversible = true;
            rules.delete
        }
    };
    if !can {
        draft.manual(semantics.manual_text(verb));
    }
    drafts.actions.push(draft);
}
