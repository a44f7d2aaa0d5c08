//! Groups: which declared ones exist, and which do not.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{fields, found::Found, reasons, renamed_groups};
use crate::{
    model::{
        Change, Coverage, DesiredGroup, Email, FieldValue, Finding, FindingCode, GroupState, Guard, LiveGroup,
        MemberRead, NAME, Reach, Step,
    },
    plan::{
        Context,
        draft::{Draft, Drafts},
        identity::Matched,
        repair,
        wanted::{Standing, Wanted, Wish},
    },
};

/// Who is granted membership in a group that is there and can be joined.
pub(super) fn joinable<'a>(cx: &Context<'_>, wanted: &Wanted<'a>) -> HashSet<&'a Email> {
    let there = |name: &Arc<str>| {
        let desired = cx.app.groups.get(name);
        desired.and_then(|desired| cx.live_group(desired)).is_some_and(|group| group.reach == Reach::Full)
    };
    let open = wanted.members.iter().filter(|(name, _)| there(name));
    open.flat_map(|(_, wishes)| wishes)
        .filter(|(_, wish)| matches!(wish, Wish::Granted(_)))
        .map(|(identity, _)| *identity)
        .collect()
}

/// Finds the live counterpart of every declared group, and the actions on groups themselves.
pub(super) fn diff<'a>(
    cx: &Context<'a>,
    matched: &Matched<'_>,
    drafts: &mut Drafts,
) -> BTreeMap<&'a Arc<str>, Found<'a>> {
    let mut by_name: BTreeMap<&str, Vec<&'a LiveGroup>> = BTreeMap::new();
    for group in cx.groups.values() {
        by_name.entry(&group.name).or_default().push(group);
    }
    let mut all: BTreeMap<&'a Arc<str>, Found<'a>> =
        cx.app.groups.values().map(|desired| (&desired.name, find(cx, desired, &by_name))).collect();
    doubt_shared(cx, &mut all);
    renamed_groups::hold(cx, &mut all);
    drafts.findings.extend(renamed_groups::forgotten(cx, &all));
    for found in all.values() {
        report(cx, found, drafts);
        act(cx, matched, found, drafts);
    }
    all
}

/// Two declared groups that turn out to be the same live one would undo each other's work.
fn doubt_shared(cx: &Context<'_>, all: &mut BTreeMap<&Arc<str>, Found<'_>>) {
    let mut names: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
    for (name, found) in all.iter() {
        if let Some(id) = &found.id {
            names.entry(id.clone()).or_default().push((*name).clone());
        }
    }
    for found in all.values_mut() {
        let Some(id) = &found.id else { continue };
        let Some(names) = names.get(id).filter(|names| names.len() > 1) else { continue };
        found.doubt = Some((
            Guard::Ambiguous,
            format!("{} are all the group with the id {id}", names.join(" and ")),
            format!("declare it once, or correct the `id` of one of them under apps.{}.groups", cx.app.name),
        ));
    }
}

fn find<'a>(cx: &Context<'a>, desired: &'a DesiredGroup, by_name: &BTreeMap<&str, Vec<&'a LiveGroup>>) -> Found<'a> {
    let mut found = Found { desired, live: None, id: desired.id.clone(), doubt: None };
    if let Some(pin) = &desired.id {
        found.live = cx.groups.get(pin).copied();
        let gone = found.live.is_none() && cx.app.semantics.groups.list && cx.live.groups_coverage.is_complete();
        if gone && desired.state == GroupState::Present {
            found.doubt = Some((
                Guard::Ambiguous,
                format!("{} is pinned to the id {pin}, which is not there", desired.name),
                format!(
                    "correct the `id` of {}, or remove it: then the group is looked for by its name",
                    repair::group(cx, &desired.name, &desired.place)
                ),
            ));
        }
        return found;
    }
    let named = by_name.get(&*desired.name).map_or(&[][..], Vec::as_slice);
    if let (true, Some(made)) = (named.is_empty(), made(cx, desired)) {
        found.doubt = Some(renamed(cx, desired, made));
        return found;
    }
    match named {
        [] if !cx.app.semantics.groups.list && desired.state == GroupState::Present => {
            found.doubt = Some((
                Guard::Incomplete,
                format!(
                    "the API cannot list groups, and nobody seen is a member of {}, so its id is unknown",
                    desired.name
                ),
                format!(
                    "make one account a member in the app, which shows the id; or, if you know it, pin it: add `id: ID` to {}",
                    repair::group(cx, &desired.name, &desired.place)
                ),
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
                format!(
                    "pin the right one, for the first one: add `id: {}` to {}; or rename the other in the app",
                    repair::scalar(ids[0]),
                    repair::group(cx, &desired.name, &desired.place)
                ),
            ));
        }
    }
    found
}

/// The live group that we made for this line, where no line means it by the name that it has now.
fn made<'a>(cx: &Context<'a>, desired: &DesiredGroup) -> Option<&'a LiveGroup> {
    let history = cx.past?.history?;
    let live = cx.groups.get(history.groups_made.get(&desired.name)?)?;
    (!cx.app.declares(live)).then_some(live)
}

fn renamed(cx: &Context<'_>, desired: &DesiredGroup, made: &LiveGroup) -> (Guard, String, String) {
    (
        Guard::Ambiguous,
        format!("rosterd made {} as {}, but the app calls it {}", desired.name, made.id, made.name),
        format!(
            "add `id: {}` to {}; or declare the group under the name {}",
            repair::scalar(&made.id),
            repair::group(cx, &desired.name, &desired.place),
            repair::scalar(&made.name)
        ),
    )
}

/// Why some of the group's members may not have been seen.
fn unseen(cx: &Context<'_>, live: &LiveGroup) -> Option<String> {
    if let Some(why) = live.coverage.gap() {
        return Some(why.to_owned());
    }
    let (unread, remembered) = (cx.live.unread_memberships.len(), cx.live.extent.remembered.len());
    if unread > 0 {
        return Some(format!("the groups of {unread} account(s) could not be read"));
    }
    // Somebody may have joined since.
    (cx.app.semantics.members.read == MemberRead::PerAccount && remembered > 0)
        .then(|| format!("the groups of {remembered} account(s) are remembered from earlier runs"))
}

fn report(cx: &Context<'_>, found: &Found<'_>, drafts: &mut Drafts) {
    let DesiredGroup { name, place, .. } = found.desired;
    let mut find = |finding: Finding| drafts.findings.push(finding.group(name).because([place.clone()]));
    if let Some((guard, reason, repair)) = &found.doubt {
        let known = *guard == Guard::Ambiguous && (found.live.is_some() || found.id.is_none());
        let code = if known { FindingCode::AmbiguousGroup } else { FindingCode::UnknownGroup };
        find(Finding::error(code, format!("{reason}; {repair}")));
    }
    if let Some(how) = found.gone() {
        let message = format!("{name} is out of reach, so nothing about it is planned: {how}");
        find(Finding::warning(FindingCode::GroupGone, message));
    }
    if let Some(why) = found.read_only() {
        find(Finding::note(FindingCode::GroupReadOnly, format!("{name} can only be read: {why}")));
    }
    let renames = |live: &LiveGroup| found.desired.state == GroupState::Present && new_name(cx, found, live).is_some();
    if let Some(live) = found.live.filter(|live| live.name != *name && !renames(live)) {
        find(Finding::warning(FindingCode::GroupName, other_name(cx, found.desired, live)));
    }
}

fn other_name(cx: &Context<'_>, desired: &DesiredGroup, live: &LiveGroup) -> String {
    format!("{} is pinned to {}, which is called {} in {}", desired.name, live.id, live.name, cx.app.name)
}

fn act(cx: &Context<'_>, matched: &Matched<'_>, found: &Found<'_>, drafts: &mut Drafts) {
    if found.gone().is_some() {
        return;
    }
    let rules = &cx.app.semantics.groups;
    let is_new = found.desired.id.is_none() && found.doubt.is_none();
    let (made, can) = match (found.desired.state, found.live) {
        (GroupState::Present, None) if is_new => (Some(create(cx, found)), rules.create),
        (GroupState::Present, Some(live)) => (update(cx, found, live), rules.update || rules.rename),
        (GroupState::Absent, Some(live)) => (Some(delete(cx, matched, found, live)), rules.delete),
        _ => return,
    };
    let Some(mut draft) = made else { return };
    found.by_hand(cx, &mut draft, can);
    drafts.actions.push(draft);
}

fn draft(cx: &Context<'_>, found: &Found<'_>, step: Step) -> Draft {
    let DesiredGroup { name, place, .. } = found.desired;
    let mut draft = Draft::new(cx, step, None, Some(name), Standing::Active).because(vec![place.clone()]);
    found.hold_doubtful(&mut draft);
    draft
}

fn create(cx: &Context<'_>, found: &Found<'_>) -> Draft {
    let (desired, rules) = (found.desired, &cx.app.semantics.groups);
    let step = Step::CreateGroup { name: desired.name.clone(), values: desired.values.clone() };
    let mut draft = draft(cx, found, step).changes(fields::from_nothing(&desired.values));
    if let Coverage::Incomplete(why) = &cx.live.groups_coverage {
        draft.hold_unseen(format!("not all groups were seen ({why}), so this one may exist already"));
    }
    let lacking = rules.require.iter().find(|field| !desired.values.contains_key(*field));
    if let (Some(field), true) = (lacking, rules.create) {
        draft.hold(
            Guard::Incomplete,
            format!("{} takes a `{field}` to make a group, and the files give it none", cx.app.name),
            format!("add `{field}: …` to {}", repair::group(cx, &desired.name, &desired.place)),
        );
    }
    draft
}

fn update(cx: &Context<'_>, found: &Found<'_>, live: &LiveGroup) -> Option<Draft> {
    let wanted = &found.desired.values;
    let mut changes = fields::compare(&wanted.keys().cloned().collect(), wanted, &live.values).changes;
    changes.extend(new_name(cx, found, live));
    let step = Step::UpdateGroup { group: found.group_ref(), values: fields::new_values(&changes) };
    (!changes.is_empty()).then(|| draft(cx, found, step).changes(changes))
}

/// What gives a pinned group the name that the files call it by, where the API can. Not where another group has that name:
/// nobody could tell the two apart.
fn new_name(cx: &Context<'_>, found: &Found<'_>, live: &LiveGroup) -> Option<Change> {
    let name = &found.desired.name;
    // A name that several groups have, and one that carries the id, are the files' own way to tell them apart.
    let is_free = || {
        let namesakes = cx.groups.values().filter(|other| other.name == live.name).count();
        let is_label = **name == *format!("{} ({})", live.name, live.id);
        namesakes == 1 && !is_label && cx.groups.values().all(|other| other.name != *name)
    };
    let renames = cx.app.semantics.groups.rename && cx.live.groups_coverage.is_complete() && live.reach == Reach::Full;
    (live.name != *name && renames && is_free()).then(|| Change {
        field: NAME.into(),
        from: Some(FieldValue::text(&*live.name)),
        to: Some(FieldValue::text(&**name)),
    })
}

fn delete(cx: &Context<'_>, matched: &Matched<'_>, found: &Found<'_>, live: &LiveGroup) -> Draft {
    let desired = found.desired;
    let mut draft = draft(cx, found, Step::DeleteGroup(found.group_ref())).takes(reasons::of_group(desired));
    // Whoever is in it loses it, a member that is not among the accounts too.
    let identity = |id| matched.by_id(id).map_or_else(|| Email::lenient(id), |(_, who)| who.clone());
    draft.members = live.members.iter().map(|member| identity(&member.account)).collect();
    draft.action.reduces_access = !draft.members.is_empty();
    draft.action.irreversible = true;
    // A wrong pin must not cost another group its life.
    if live.name != desired.name {
        draft.hold(
            Guard::Ambiguous,
            other_name(cx, desired, live),
            format!(
                "correct the `id` of {}, or declare the group under the name it has",
                repair::group(cx, &desired.name, &desired.place)
            ),
        );
    }
    if let Some(why) = unseen(cx, live) {
        draft.hold_unseen(format!("not all members were seen ({why}), and they leave before their group goes"));
    }
    draft
}
