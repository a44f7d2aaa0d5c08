//! Caps on how many people a run may touch, per app and per declared group. Past a cap all removals (or gains) of that
//! scope are held, never an arbitrary part of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    model::{AccountStatus, ApprovedBy, DesiredGroup, Email, Guard, Status, Verb, escape},
    plan::{
        Context,
        approvals::{Approvals, approved_by, covers, is_used_for},
        draft::{Draft, Drafts, Hold, Release},
        many,
    },
};

/// The app itself, or one of its groups.
type Scope = Option<Arc<str>>;

pub(super) fn check(cx: &Context<'_>, approvals: &Approvals<'_>, guard: Guard, drafts: &mut Drafts) {
    let counted: Vec<Counted<'_>> = drafts
        .actions
        .iter()
        .enumerate()
        .filter(|(_, draft)| counts(draft, guard))
        .map(|(index, draft)| Counted { index, draft, name: draft.action.name.to_string() })
        .collect();
    let check = Check { cx, guard, counted: &counted, earlier: earlier(cx, guard) };
    let approved = check.approved(approvals);
    let mut scopes: BTreeMap<Scope, Vec<&Counted<'_>>> = BTreeMap::new();
    for one in &counted {
        scopes.entry(None).or_default().push(one);
        if let Some(group) = &one.draft.action.name.group {
            scopes.entry(Some(group.clone())).or_default().push(one);
        }
    }
    let mut holds: Vec<(usize, Hold)> = Vec::new();
    let mut needed: BTreeMap<usize, ApprovedBy> = BTreeMap::new();
    for (scope, members) in &scopes {
        let Some(reason) = check.objection(scope, members) else { continue };
        let (passing, rest): (Vec<_>, Vec<_>) =
            members.iter().copied().partition(|one| approved.contains_key(&one.index));
        needed.extend(passing.into_iter().map(|one| (one.index, approved[&one.index].clone())));
        holds.extend(check.hold(&reason, rest));
    }
    for (index, hold) in holds {
        drafts.actions[index].holds.push(hold);
    }
    for (index, approved) in needed {
        drafts.actions[index].action.approved_by.push(approved);
    }
}

/// Who was touched earlier within the day, per scope.
fn earlier<'a>(cx: &Context<'a>, guard: Guard) -> BTreeMap<Scope, BTreeSet<&'a Email>> {
    let mut earlier: BTreeMap<Scope, BTreeSet<&Email>> = BTreeMap::new();
    let Some(history) = cx.history else { return earlier };
    let log = if guard == Guard::MaxRemovals { &history.lost_today } else { &history.gained_today };
    for (email, group) in log {
        earlier.entry(None).or_default().insert(email);
        earlier.entry(group.clone()).or_default().insert(email);
    }
    earlier
}

/// One cap at work.
struct Check<'a> {
    cx: &'a Context<'a>,
    guard: Guard,
    counted: &'a [Counted<'a>],
    earlier: BTreeMap<Scope, BTreeSet<&'a Email>>,
}

/// An action that counts against a cap.
struct Counted<'a> {
    /// Where it is among the drafts.
    index: usize,
    draft: &'a Draft,
    /// Its name as approvals spell it.
    name: String,
}

impl<'a> Check<'a> {
    /// Actions, by their index, that an approval lets pass: all it covers, as long as they are no more people than it names.
    /// They still count, so that what nobody approved does not slip through in their place.
    fn approved(&self, approvals: &Approvals<'_>) -> BTreeMap<usize, ApprovedBy> {
        let mut out = BTreeMap::new();
        for (approval, left, used) in approvals.with_numbers(self.guard) {
            let mut covered = self.covered_by(&approval.allow);
            covered.retain(|one| !is_used_for(used, &one.name));
            if people(&covered).len() <= left {
                for one in covered {
                    out.entry(one.index).or_insert_with(|| approved_by(approval));
                }
            }
        }
        out
    }

    /// What an approval for `allow` covers. A count for removals never covers a deletion, which has to be named by its
    /// verb.
    fn covered_by(&self, allow: &str) -> Vec<&'a Counted<'a>> {
        let by_verb = allow.trim_end_matches('/').contains('/');
        let covered = |one: &&Counted<'_>| covers(allow, &one.name) && (by_verb || !deletes(one.draft.verb()));
        self.counted.iter().filter(covered).collect()
    }

    /// What there is against the actions of a scope, if they touch more people than its cap allows, with all who were touched
    /// earlier within the day.
    fn objection(&self, scope: &Scope, members: &[&'a Counted<'a>]) -> Option<String> {
        let (limit, active) = self.limit(scope)?;
        let mut touched = people(members);
        touched.extend(self.earlier.get(scope).into_iter().flatten());
        if touched.len() <= limit {
            return None;
        }
        let people = many(touched.len(), "person", "people");
        let what = if self.guard == Guard::MaxRemovals { "lose" } else { "gain" };
        let place = scope.as_ref().unwrap_or(&self.cx.app.name);
        let of = active.map_or_else(String::new, |active| format!(" of {active} active"));
        Some(format!("{people} would {what} something in {place} within a day, and the cap is {limit}{of}"))
    }

    /// Holds actions for `reason`, by their index. Deletions take an approval of their own.
    fn hold(&self, reason: &str, members: Vec<&'a Counted<'a>>) -> Vec<(usize, Hold)> {
        let mut kinds: BTreeMap<Option<Verb>, Vec<&Counted<'_>>> = BTreeMap::new();
        for one in members {
            kinds.entry(Some(one.draft.verb()).filter(|verb| deletes(*verb))).or_default().push(one);
        }
        let mut holds = Vec::new();
        for kind in kinds.into_values() {
            let allow = self.common_prefix(&kind);
            let up_to = Some(people(&self.covered_by(&allow)).len());
            let release = Some(Release { allow, up_to });
            let hold = Hold { guard: self.guard, reason: reason.to_owned(), repair: None, release };
            holds.extend(kind.into_iter().map(|one| (one.index, hold.clone())));
        }
        holds
    }

    /// How many people a scope's cap allows, and of how many. None where nobody knows: of a reading that was about one person
    /// alone no share can be told, and caps are there for the many. A plain count holds for one person as well.
    fn limit(&self, scope: &Scope) -> Option<(usize, Option<usize>)> {
        let policy = self.cx.policy(scope.as_ref());
        let cap = if self.guard == Guard::MaxRemovals { policy.max_removals } else { policy.max_creates };
        let active = self.active(scope);
        (active.is_some() || cap.share_percent <= 0.0).then(|| (cap.limit(active.unwrap_or(0)), active))
    }

    /// How many people a scope's cap is a share of, where that is known.
    fn active(&self, scope: &Scope) -> Option<usize> {
        let cx = self.cx;
        let alone = cx.live.alone().is_some();
        let Some(group) = scope.as_ref().and_then(|name| cx.app.groups.get(name)) else {
            let at_day_start = cx.history.and_then(|history| history.active_at_day_start);
            return at_day_start.or_else(|| (!alone).then(|| self.active_today()));
        };
        (!alone).then(|| self.members_today(group))
    }

    /// Members of a group, and those whom something took out of it today, for the same reason as with accounts.
    fn members_today(&self, group: &DesiredGroup) -> usize {
        let cx = self.cx;
        let members = cx.live_group(group).into_iter().flat_map(|live| &live.members);
        let members: BTreeSet<&Arc<str>> = members.map(|member| &member.account).collect();
        let lost = cx.history.into_iter().flat_map(|history| &history.lost_today);
        let mut lost: BTreeSet<&Email> =
            lost.filter(|(_, of)| of.as_ref() == Some(&group.name)).map(|(email, _)| email).collect();
        for account in cx.accounts.iter().filter(|account| members.contains(&account.id)) {
            lost.remove(cx.identity(&account.email));
        }
        members.len() + lost.len()
    }

    /// Active accounts, and those that were before something took them away today. Counted where no reading is old enough to
    /// tell how many there were at the start of the day: what a run takes away must not lower its own limit.
    fn active_today(&self) -> usize {
        let cx = self.cx;
        let active = cx.accounts.iter().filter(|account| account.status == AccountStatus::Active);
        let lost = cx.history.into_iter().flat_map(|history| &history.lost_today);
        let lost = lost.filter(|(_, group)| group.is_none()).map(|(email, _)| email);
        let people: BTreeSet<&Email> = active.map(|account| cx.identity(&account.email)).chain(lost).collect();
        people.len()
    }

    /// The narrowest name that covers all of a scope's held actions: the app with the verb they share, or the app.
    fn common_prefix(&self, members: &[&Counted<'_>]) -> String {
        if let [one] = members {
            return one.name.clone();
        }
        let app = escape(&self.cx.app.name);
        let verbs: BTreeSet<Verb> = members.iter().map(|one| one.draft.verb()).collect();
        match verbs.first().filter(|_| verbs.len() == 1) {
            Some(verb) => format!("{app}/{verb}"),
            None => app,
        }
    }
}

fn people<'a>(counted: &[&'a Counted<'a>]) -> BTreeSet<&'a Email> {
    counted.iter().flat_map(|one| one.draft.people()).collect()
}

/// Whether an action counts against a cap: it would be done, and someone gains or loses by it.
fn counts(draft: &Draft, guard: Guard) -> bool {
    let touches = if guard == Guard::MaxRemovals { draft.action.reduces_access } else { draft.action.adds_access };
    // What a person does by hand is not ours to count. What waits for an invitation will be done, and counts.
    touches && draft.holds.is_empty() && matches!(draft.action.status, Status::Ready | Status::Waiting)
}

fn deletes(verb: Verb) -> bool {
    matches!(verb, Verb::Delete | Verb::DeleteGroup)
}
