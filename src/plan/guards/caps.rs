//! Caps on how many people a run may touch, per app and per declared group. Past a cap all removals (or gains) of that
//! scope are held, never an arbitrary part of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    model::{AccountStatus, Cap, Email, Guard, Status, Verb},
    plan::{
        Context,
        approvals::{Approvals, covers},
        draft::{Draft, Drafts, Hold, Release},
    },
};

/// The app itself, or one of its groups.
type Scope = Option<Arc<str>>;

pub(super) fn check(cx: &Context<'_>, approvals: &Approvals<'_>, guard: Guard, drafts: &mut Drafts) {
    let counted: Vec<usize> =
        (0..drafts.actions.len()).filter(|index| counts(&drafts.actions[*index], guard)).collect();
    let approved = approved(approvals, guard, &counted, drafts);
    let mut scopes: BTreeMap<Scope, Vec<usize>> = BTreeMap::new();
    for index in counted.iter().copied().filter(|index| !approved.contains(index)) {
        scopes.entry(None).or_default().push(index);
        if let Some(group) = &drafts.actions[index].action.name.group {
            scopes.entry(Some(group.clone())).or_default().push(index);
        }
    }
    let past: Vec<(Hold, Vec<usize>)> = scopes
        .into_iter()
        .filter_map(|(scope, members)| Some((objection(cx, guard, &scope, &members, &counted, drafts)?, members)))
        .collect();
    for (hold, members) in past {
        for index in members {
            drafts.actions[index].holds.push(hold.clone());
        }
    }
}

/// Whether an action counts against a cap: it would be done, and someone gains or loses by it.
fn counts(draft: &Draft, guard: Guard) -> bool {
    let touches = if guard == Guard::MaxRemovals { draft.action.reduces_access } else { draft.gains };
    // What a person does by hand is not ours to count. What waits for an invitation will be done, and counts.
    touches && draft.holds.is_empty() && matches!(draft.action.status, Status::Ready | Status::Waiting)
}

fn objection(
    cx: &Context<'_>,
    guard: Guard,
    scope: &Scope,
    members: &[usize],
    counted: &[usize],
    drafts: &Drafts,
) -> Option<Hold> {
    let earlier = earlier(cx, guard, scope);
    let people: BTreeSet<Subject<'_>> = members
        .iter()
        .map(|index| subject(&drafts.actions[*index]))
        .chain(earlier.iter().map(Subject::Person))
        .collect();
    let people = people.len() + group_sizes(cx, members, drafts);
    let (cap, active) = cap(cx, guard, scope);
    let limit = cap.limit(active);
    if people <= limit {
        return None;
    }
    let what = if guard == Guard::MaxRemovals { "lose" } else { "gain" };
    let place = scope.as_ref().map_or_else(|| cx.app.name.to_string(), ToString::to_string);
    let allow = common_prefix(cx, members, drafts);
    let covered = counted.iter().filter(|index| covers(&allow, &drafts.actions[**index].action.name.to_string()));
    let up_to = covered.map(|index| subject(&drafts.actions[*index])).collect::<BTreeSet<_>>().len();
    Some(Hold {
        guard,
        reason: format!(
            "{people} people would {what} something in {place} within a day, and the cap is {limit} of {active} active"
        ),
        repair: None,
        release: Some(Release { allow, up_to: Some(up_to) }),
    })
}

/// Who an action touches: a person, or everyone in a group that goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject<'a> {
    Person(&'a Email),
    Group(&'a Arc<str>),
}

fn subject(draft: &Draft) -> Subject<'_> {
    match (&draft.identity, &draft.action.name.group) {
        (Some(identity), _) => Subject::Person(identity),
        (None, Some(group)) => Subject::Group(group),
        // An action is on an account or on a group; its app stands in for neither.
        (None, None) => Subject::Group(&draft.action.name.app),
    }
}

/// A group that is deleted counts as one subject above, and here for its remaining members.
fn group_sizes(cx: &Context<'_>, members: &[usize], drafts: &Drafts) -> usize {
    let deleted = members.iter().map(|index| &drafts.actions[*index]).filter(|draft| draft.verb() == Verb::DeleteGroup);
    deleted
        .map(|draft| {
            let id = draft.action.target.group_id.as_ref();
            let live = cx.live.groups.iter().find(|group| Some(&group.id) == id);
            live.map_or(0, |group| group.members.len().saturating_sub(1))
        })
        .sum()
}

fn cap(cx: &Context<'_>, guard: Guard, scope: &Scope) -> (Cap, usize) {
    let group = scope.as_ref().and_then(|name| cx.app.groups.get(name));
    let policy = group.map_or(&cx.app.policy, |group| &group.policy);
    let cap = if guard == Guard::MaxRemovals { policy.max_removals } else { policy.max_creates };
    let active = match group {
        None => cx.history.and_then(|history| history.active_at_day_start).unwrap_or_else(|| {
            cx.live.accounts.iter().filter(|account| account.status == AccountStatus::Active).count()
        }),
        Some(group) => {
            let live = cx
                .live
                .groups
                .iter()
                .find(|live| group.id.as_ref().map_or(live.name == group.name, |id| live.id == *id));
            live.map_or(0, |live| live.members.len())
        }
    };
    (cap, active)
}

fn earlier(cx: &Context<'_>, guard: Guard, scope: &Scope) -> Vec<Email> {
    let Some(history) = cx.history else { return Vec::new() };
    let log = if guard == Guard::MaxRemovals { &history.lost_today } else { &history.gained_today };
    log.iter().filter(|(_, group)| scope.is_none() || group == scope).map(|(email, _)| email.clone()).collect()
}

/// The narrowest name that covers all of a scope's held actions: the app with the verb they share, or the app.
fn common_prefix(cx: &Context<'_>, members: &[usize], drafts: &Drafts) -> String {
    if let [one] = members {
        return drafts.actions[*one].action.name.to_string();
    }
    let verbs: BTreeSet<Verb> = members.iter().map(|index| drafts.actions[*index].verb()).collect();
    let app = cx.app.name.replace('/', "%2F");
    match verbs.first().filter(|_| verbs.len() == 1) {
        Some(verb) => format!("{app}/{verb}"),
        None => app,
    }
}

/// Actions that an approval takes out of the count: all it covers, as long as they are no more people than it names. A
/// count for removals never covers a deletion, which has to be named by its verb.
fn approved(approvals: &Approvals<'_>, guard: Guard, counted: &[usize], drafts: &Drafts) -> BTreeSet<usize> {
    let mut out = BTreeSet::new();
    for approval in approvals.of_guard(guard) {
        let covered: Vec<usize> = counted
            .iter()
            .copied()
            .filter(|index| {
                let draft = &drafts.actions[*index];
                let by_verb = approval.allow.trim_end_matches('/').contains('/');
                let deletes = matches!(draft.verb(), Verb::Delete | Verb::DeleteGroup);
                covers(&approval.allow, &draft.action.name.to_string()) && (!deletes || by_verb)
            })
            .collect();
        let people: BTreeSet<Subject<'_>> = covered.iter().map(|index| subject(&drafts.actions[*index])).collect();
        // Without a number an approval is for one person: an override of a cap names how many.
        if people.len() <= approval.up_to.unwrap_or(1) as usize {
            out.extend(covered);
        }
    }
    out
}
