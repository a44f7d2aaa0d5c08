//! Caps on how many people a run may touch, per app and per declared group. Past a cap all removals (or gains) of that
//! scope are held, never an arbitrary part of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    model::{AccountStatus, ApprovedBy, Cap, DesiredGroup, Email, Guard, Status, Verb, escape},
    plan::{
        Context,
        approvals::{Approvals, approved_by, covers, is_used_for},
        draft::{Draft, Drafts, Hold, Release},
        history::Oversight,
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
        .filter_map(|(index, draft)| {
            let part = Part::of(cx, draft, guard)?;
            Some(Counted { index, draft, part, name: draft.action.name.to_string() })
        })
        .collect();
    let check = Check { cx, guard, counted: &counted, earlier: earlier(cx, guard) };
    let approved = check.approved(approvals);
    let mut holds: Vec<(usize, Hold)> = Vec::new();
    let mut needed: BTreeMap<usize, ApprovedBy> = BTreeMap::new();
    let mut hold = |reason: &str, members: Vec<&Counted<'_>>| {
        let (passing, rest): (Vec<_>, Vec<_>) = members.into_iter().partition(|one| approved.contains_key(&one.index));
        needed.extend(passing.into_iter().map(|one| (one.index, approved[&one.index].clone())));
        let any = !rest.is_empty();
        holds.extend(check.hold(reason, rest));
        any
    };
    for scope in check.scopes() {
        let members = check.members(&scope, Part::Touched);
        let Some(reason) = check.objection(&scope, &members) else { continue };
        if hold(&reason, members) {
            let strangers = check.members(&scope, Part::LetIn);
            hold(&check.suspicion(&scope, &reason), strangers);
        }
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
    part: Part,
    /// Its name as approvals spell it.
    name: String,
}

/// How many people a cap allows.
struct Limit {
    people: usize,
    /// Of how many it is a share, where that is known.
    of: Option<usize>,
    /// It is less than the files say, because the last day is not on record.
    begins: bool,
}

/// Why an action matters to a cap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// It touches somebody whom the cap counts.
    Touched,
    /// It lets in somebody whom the app does not know. It is not counted, and is held where removals are: the files of a wrong
    /// branch take many people away, and let others in.
    LetIn,
}

impl Part {
    fn of(cx: &Context<'_>, draft: &Draft, guard: Guard) -> Option<Self> {
        if !would_be_done(draft) {
            return None;
        }
        let removes = guard == Guard::MaxRemovals;
        if if removes { draft.action.reduces_access } else { draft.action.adds_access } {
            return Some(Self::Touched);
        }
        (removes && lets_in_stranger(cx, draft)).then_some(Self::LetIn)
    }
}

impl<'a> Check<'a> {
    /// The app and its groups in which somebody is touched.
    fn scopes(&self) -> BTreeSet<Scope> {
        let touched = self.counted.iter().filter(|one| one.part == Part::Touched);
        touched.flat_map(|one| [None, one.draft.action.name.group.clone()]).collect()
    }

    /// What is about a scope, for the same reason.
    fn members(&self, scope: &Scope, part: Part) -> Vec<&'a Counted<'a>> {
        let of_scope = |one: &&Counted<'_>| match scope {
            // Who joins a group of an app needs an account there first.
            None if part == Part::LetIn => makes_account(one.draft),
            None => true,
            Some(_) => one.draft.action.name.group == *scope,
        };
        self.counted.iter().filter(|one| one.part == part).filter(of_scope).collect()
    }

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

    /// What an approval for `allow` covers. A count for removals never covers a deletion, nor whom an action lets in: those
    /// have to be named by their verb.
    fn covered_by(&self, allow: &str) -> Vec<&'a Counted<'a>> {
        let by_verb = allow.trim_end_matches('/').contains('/');
        let covered = |one: &&Counted<'_>| covers(allow, &one.name) && (by_verb || !one.takes_its_verb());
        self.counted.iter().filter(covered).collect()
    }

    /// What there is against the actions of a scope, if they touch more people than its cap allows, with all who were touched
    /// earlier within the day.
    fn objection(&self, scope: &Scope, members: &[&'a Counted<'a>]) -> Option<String> {
        let mut touched = people(members);
        touched.extend(self.earlier.get(scope).into_iter().flatten());
        self.limits(scope).into_iter().find_map(|limit| {
            // What happened to an account since we made it is on record.
            let ours = if limit.begins { self.made_for() } else { BTreeSet::new() };
            let counted = touched.difference(&ours).count();
            (counted > limit.people).then(|| self.over(scope, counted, &limit))
        })
    }

    /// People for whom we made an account.
    fn made_for(&self) -> BTreeSet<&'a Email> {
        let history = self.cx.past.and_then(|past| past.history);
        history.into_iter().flat_map(|history| history.made_for.values()).collect()
    }

    fn over(&self, scope: &Scope, touched: usize, &Limit { people: limit, of, begins }: &Limit) -> String {
        let people = many(touched, "person", "people");
        let what = if self.guard == Guard::MaxRemovals { "lose" } else { "gain" };
        let place = self.place(scope);
        let of = of.map_or_else(String::new, |active| format!(" of {active} active"));
        let begins = if begins {
            ": the store has no reading of the app that is a day old, so that nobody knows what was taken away before; a plan \
             that a person saw, by `rosterd apply` with a typed `yes` or by `apply --plan FILE`, is done without an approval"
        } else {
            ""
        };
        format!("{people} would {what} something in {place} within a day, and the cap is {limit}{of}{begins}")
    }

    /// Why strangers are not let in while `reason` holds removals.
    fn suspicion(&self, scope: &Scope, reason: &str) -> String {
        let place = self.place(scope);
        format!(
            "{reason}; the files of a wrong branch look like that, so nobody new is let into {place} until that is settled"
        )
    }

    fn place(&self, scope: &'a Scope) -> &'a Arc<str> {
        scope.as_ref().unwrap_or(&self.cx.app.name)
    }

    /// Whether nobody looks at the plan of an app whose last day is not on record. What others, or a store that was lost, took
    /// away today cannot be counted then.
    fn begins_unseen(&self) -> bool {
        let Some(past) = self.cx.past.filter(|past| past.oversight == Oversight::Nobody) else { return false };
        let known = past.history.is_some_and(|history| history.active_at_day_start.is_some());
        self.guard == Guard::MaxRemovals && !known && self.cx.live.alone().is_none()
    }

    /// Holds actions for `reason`, by their index. Deletions take an approval of their own.
    fn hold(&self, reason: &str, members: Vec<&'a Counted<'a>>) -> Vec<(usize, Hold)> {
        let mut kinds: BTreeMap<Option<Verb>, Vec<&Counted<'_>>> = BTreeMap::new();
        for one in members {
            kinds.entry(Some(one.draft.verb()).filter(|_| one.takes_its_verb())).or_default().push(one);
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

    /// How many people a scope's cap allows, the strictest first. None where nobody knows: of a reading that was about one
    /// person alone no share can be told, and caps are there for the many. A plain count holds for one person as well.
    fn limits(&self, scope: &Scope) -> Vec<Limit> {
        let policy = self.cx.policy(scope.as_ref());
        let cap = if self.guard == Guard::MaxRemovals { policy.max_removals } else { policy.max_creates };
        let of = self.active(scope);
        let people = cap.limit(of.unwrap_or(0));
        // A mere share has a floor as well.
        let floor = people.min(Cap::REMOVALS.at_least as usize).max(cap.at_least as usize);
        // Where everybody may go there is nothing to count.
        let begins = floor < people && cap.share_percent < 100.0 && self.begins_unseen();
        let first = begins.then_some(Limit { people: floor, of: None, begins: true });
        let known = of.is_some() || cap.share_percent <= 0.0;
        first.into_iter().chain(known.then_some(Limit { people, of, begins: false })).collect()
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

impl Counted<'_> {
    /// Whether only an approval that names its verb covers it.
    fn takes_its_verb(&self) -> bool {
        self.part == Part::LetIn || deletes(self.draft.verb())
    }
}

fn people<'a>(counted: &[&'a Counted<'a>]) -> BTreeSet<&'a Email> {
    counted.iter().flat_map(|one| one.draft.people()).collect()
}

/// Whether it counts that someone gains or loses by an action.
fn would_be_done(draft: &Draft) -> bool {
    // What a person does by hand is not ours to count. What waits for an invitation will be done, and counts.
    draft.holds.is_empty() && matches!(draft.action.status, Status::Ready | Status::Waiting)
}

/// Whether an action lets in somebody who has no account, and of whom the app never showed one.
fn lets_in_stranger(cx: &Context<'_>, draft: &Draft) -> bool {
    let Some(identity) = draft.identity.as_ref().filter(|_| draft.action.adds_access) else { return false };
    let was_seen = |email: &Email| cx.history.is_some_and(|history| history.seen_under.contains_key(email));
    draft.action.step.account().is_none() && !cx.addresses(identity).any(was_seen)
}

fn makes_account(draft: &Draft) -> bool {
    draft.verb() == Verb::Create || draft.makes_account
}

fn deletes(verb: Verb) -> bool {
    matches!(verb, Verb::Delete | Verb::DeleteGroup)
}
