//! Caps on how many people a run may touch, per app and per declared group. Past a cap all removals (or gains) of that
//! scope are held, never an arbitrary part of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    model::{AccountStatus, ApprovedBy, Cap, Email, Guard, Status, Verb},
    plan::{
        Context,
        approvals::{Approvals, approved_by, covers, is_used_for},
        draft::{Draft, Drafts, Hold, Release},
    },
};

/// The app itself, or one of its groups.
type Scope = Option<Arc<str>>;

pub(super) fn check(cx: &Context<'_>, approvals: &Approvals<'_>, guard: Guard, drafts: &mut Drafts) {
    let check = Check::new(cx, guard, drafts);
    let approved = check.approved(approvals);
    let mut scopes: BTreeMap<Scope, Vec<usize>> = BTreeMap::new();
    for counted in 0..check.counted.len() {
        scopes.entry(None).or_default().push(counted);
        if let Some(group) = &check.counted[counted].draft.action.name.group {
            scopes.entry(Some(group.clone())).or_default().push(counted);
        }
    }
    let past: Vec<_> = scopes.iter().filter(|(scope, members)| check.is_past(scope, members)).collect();
    let holds: Vec<(usize, Hold)> =
        past.iter().flat_map(|(scope, members)| check.object(scope, members, &approved)).collect();
    let needed: BTreeMap<usize, ApprovedBy> = past
        .iter()
        .flat_map(|(_, members)| *members)
        .filter_map(|counted| Some((check.counted[*counted].index, approved.get(counted)?.clone())))
        .collect();
    for (index, hold) in holds {
        drafts.actions[index].holds.push(hold);
    }
    for (index, approved) in needed {
        drafts.actions[index].action.approved_by.push(approved);
    }
}

/// One cap at work.
struct Check<'a> {
    cx: &'a Context<'a>,
    guard: Guard,
    /// Every action that counts.
    counted: Vec<Counted<'a>>,
    /// Who was touched earlier within the day, per scope.
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
    fn new(cx: &'a Context<'a>, guard: Guard, drafts: &'a Drafts) -> Self {
        let counted = drafts
            .actions
            .iter()
            .enumerate()
            .filter(|(_, draft)| counts(draft, guard))
            .map(|(index, draft)| Counted { index, draft, name: draft.action.name.to_string() })
            .collect();
        let mut earlier: BTreeMap<Scope, BTreeSet<&Email>> = BTreeMap::new();
        if let Some(history) = cx.history {
            let log = if guard == Guard::MaxRemovals { &history.lost_today } else { &history.gained_today };
            for (email, group) in log {
                earlier.entry(None).or_default().insert(email);
                if group.is_some() {
                    earlier.entry(group.clone()).or_default().insert(email);
                }
            }
        }
        Self { cx, guard, counted, earlier }
    }

    /// Actions that an approval lets pass: all it covers, as long as they are no more people than it names. They still
    /// count, so that what nobody approved does not slip through in their place.
    fn approved(&self, approvals: &Approvals<'_>) -> BTreeMap<usize, ApprovedBy> {
        let mut out = BTreeMap::new();
        for (approval, left, used) in approvals.of_cap(self.guard) {
            let mut covered = self.covered_by(&approval.allow);
            covered.retain(|counted| !is_used_for(used, &self.counted[*counted].name));
            if self.people(&covered).len() <= left {
                for counted in covered {
                    out.entry(counted).or_insert_with(|| approved_by(approval));
                }
            }
        }
        out
    }

    /// What an approval for `allow` covers. A count for removals never covers a deletion, which has to be named by its
    /// verb.
    fn covered_by(&self, allow: &str) -> Vec<usize> {
        let by_verb = allow.trim_end_matches('/').contains('/');
        (0..self.counted.len())
            .filter(|counted| {
                let Counted { draft, name, .. } = &self.counted[*counted];
                covers(allow, name) && (by_verb || !deletes(draft.verb()))
            })
            .collect()
    }

    fn people(&self, counted: &[usize]) -> BTreeSet<&'a Email> {
        counted.iter().flat_map(|counted| self.counted[*counted].draft.people()).collect()
    }

    /// Everyone touched in a scope, by its actions and earlier within the day.
    fn touched(&self, scope: &Scope, members: &[usize]) -> usize {
        let mut people = self.people(members);
        people.extend(self.earlier.get(scope).into_iter().flatten());
        people.len()
    }

    fn is_past(&self, scope: &Scope, members: &[usize]) -> bool {
        self.limit(scope).is_some_and(|(limit, _)| self.touched(scope, members) > limit)
    }

    /// The objections to the actions of a scope that is past its cap, by the index of their drafts.
    fn object(&self, scope: &Scope, members: &[usize], approved: &BTreeMap<usize, ApprovedBy>) -> Vec<(usize, Hold)> {
        let Some((limit, active)) = self.limit(scope) else { return Vec::new() };
        let what = if self.guard == Guard::MaxRemovals { "lose" } else { "gain" };
        let place = scope.as_ref().map_or_else(|| self.cx.app.name.to_string(), ToString::to_string);
        let people = match self.touched(scope, members) {
            1 => "1 person".to_owned(),
            many => format!("{many} people"),
        };
        let of = active.map_or_else(String::new, |active| format!(" of {active} active"));
        let reason = format!("{people} would {what} something in {place} within a day, and the cap is {limit}{of}");
        // Deletions take an approval of their own.
        let mut kinds: BTreeMap<Option<Verb>, Vec<usize>> = BTreeMap::new();
        for counted in members.iter().filter(|counted| !approved.contains_key(counted)) {
            let verb = self.counted[*counted].draft.verb();
            kinds.entry(Some(verb).filter(|verb| deletes(*verb))).or_default().push(*counted);
        }
        kinds
            .into_values()
            .flat_map(|kind| {
                let allow = self.common_prefix(&kind);
                let up_to = Some(self.people(&self.covered_by(&allow)).len());
                let release = Some(Release { allow, up_to });
                let hold = Hold { guard: self.guard, reason: reason.clone(), repair: None, release };
                kind.into_iter().map(move |counted| (counted, hold.clone()))
            })
            .map(|(counted, hold)| (self.counted[counted].index, hold))
            .collect()
    }

    /// How many people a scope's cap allows, and of how many. None where nobody knows: of a reading that was about one person
    /// alone no share can be told, and caps are there for the many. A plain count holds for one person as well.
    fn limit(&self, scope: &Scope) -> Option<(usize, Option<usize>)> {
        let (cap, active) = self.cap(scope);
        match active {
            Some(active) => Some((cap.limit(active), Some(active))),
            None if cap.share_percent > 0.0 => None,
            None => Some((cap.limit(0), None)),
        }
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

    /// A scope's cap, and how many people it is a share of, where that is known.
    fn cap(&self, scope: &Scope) -> (Cap, Option<usize>) {
        let cx = self.cx;
        let policy = cx.policy(scope.as_ref());
        let cap = if self.guard == Guard::MaxRemovals { policy.max_removals } else { policy.max_creates };
        let active = match scope.as_ref().and_then(|name| cx.app.groups.get(name)) {
            None => cx
                .history
                .and_then(|history| history.active_at_day_start)
                .or_else(|| cx.live.alone().is_none().then(|| self.active_today())),
            Some(_) if cx.live.alone().is_some() => None,
            Some(group) => {
                let live = match &group.id {
                    Some(id) => cx.groups.get(id).copied(),
                    None => cx.groups.values().copied().find(|live| live.name == group.name),
                };
                let members: BTreeSet<_> =
                    live.into_iter().flat_map(|live| &live.members).map(|member| &member.account).collect();
                Some(members.len())
            }
        };
        (cap, active)
    }

    /// The narrowest name that covers all of a scope's held actions: the app with the verb they share, or the app.
    fn common_prefix(&self, members: &[usize]) -> String {
        if let [one] = members {
            return self.counted[*one].name.clone();
        }
        let verbs: BTreeSet<Verb> = members.iter().map(|counted| self.counted[*counted].draft.verb()).collect();
        // Every name starts with the app's, escaped.
        let app = self.counted.first().map_or_else(String::new, |counted| {
            counted.name.split_once('/').map_or(&*counted.name, |(app, _)| app).to_owned()
        });
        match verbs.first().filter(|_| verbs.len() == 1) {
            Some(verb) => format!("{app}/{verb}"),
            None => app,
        }
    }
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
