//! A second opinion on every executed action: the rules and guards of the planner, written once more from the words of
//! the design and without its code.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::fixture::World;
use crate::model::*;

/// Watches one run.
pub(super) struct Inspector {
    /// The world as the plan saw it.
    start: World,
    /// Who lost and gained something in this run: by person and group.
    lost: BTreeSet<(Email, Option<std::sync::Arc<str>>)>,
    gained: BTreeSet<(Email, Option<std::sync::Arc<str>>)>,
    /// Actions by whether they take away, for the caps.
    removals: Vec<(Action, Vec<Email>)>,
    gains: Vec<(Action, Vec<Email>)>,
    reactivated: Vec<std::sync::Arc<str>>,
}

/// What some lines say at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Nothing,
    Later,
    Now,
}

fn says(claims: &[Claim], now: Timestamp) -> Says {
    let one = |claim: &Claim| match (claim.window.from, claim.window.until) {
        (_, Some(until)) if until <= now => Says::Nothing,
        (Some(from), _) if from > now => Says::Later,
        _ => Says::Now,
    };
    claims.iter().map(one).max().unwrap_or(Says::Nothing)
}

fn app(world: &World) -> &DesiredApp {
    &world.desired.apps["a"]
}

fn says_of_member(world: &World, group: &str, who: &Email) -> Says {
    let group = &app(world).groups[group];
    if group.state == GroupState::Absent {
        return Says::Nothing;
    }
    group.members.get(who).map_or(Says::Nothing, |claims| says(claims, world.now))
}

fn says_of_account(world: &World, who: &Email) -> Says {
    let own = app(world).accounts.get(who).map_or(Says::Nothing, |account| says(&account.claims, world.now));
    app(world).groups.keys().map(|group| says_of_member(world, group, who)).fold(own, Says::max)
}

fn has_left(world: &World, who: &Email) -> bool {
    world.desired.people.get(who).is_some_and(|person| {
        person.status == PersonStatus::Left || person.window.until.is_some_and(|until| until <= world.now)
    })
}

fn is_suspended(world: &World, who: &Email) -> bool {
    world.desired.people.get(who).is_some_and(|person| person.status == PersonStatus::Suspended)
        && !has_left(world, who)
}

/// The person behind a live account.
fn owner(world: &World, account: &LiveAccount) -> Email {
    let pinned = app(world).ids.iter().find(|(_, (id, _))| *id == account.id).map(|(who, _)| who.clone());
    pinned.unwrap_or_else(|| world.desired.aliases.get(&account.email).unwrap_or(&account.email).clone())
}

fn is_admin(account: &LiveAccount) -> bool {
    account.values.get("role").is_some_and(|role| *role == Some("admin".into()))
}

fn admins(world: &World) -> usize {
    world.live.accounts.iter().filter(|account| account.status == AccountStatus::Active && is_admin(account)).count()
}

fn approved(world: &World, action: &Action, guard: Guard) -> bool {
    world.desired.approvals.iter().any(|approval| approval.guard == guard && below(&action.name, &approval.allow))
}

fn below(name: &ActionName, allow: &str) -> bool {
    // Addresses are compared without case, and nothing else here differs in case alone.
    let (name, allow) = (name.to_string().to_lowercase(), allow.to_lowercase());
    name == allow || name.starts_with(&(allow + "/"))
}

/// Whether a change of role may take something away or give something.
fn weigh(action: &Action, ranked: &[std::sync::Arc<str>]) -> (bool, bool) {
    let rank = |value: &Option<FieldValue>| match value {
        Some(FieldValue::Text(role)) => ranked.iter().position(|ranked| ranked == role),
        _ => None,
    };
    action.changes.iter().filter(|change| &*change.field == "role").fold(
        (false, false),
        |(takes, gives), change| match (rank(&change.from), rank(&change.to)) {
            (Some(from), Some(to)) => (takes || to < from, gives || to > from),
            _ => (takes || change.from.is_some(), gives || change.to.is_some()),
        },
    )
}

fn readdresses(action: &Action) -> bool {
    action.changes.iter().any(|change| &*change.field == "email")
}

impl Inspector {
    pub(super) fn new(world: &World) -> Self {
        Self {
            start: world.clone(),
            lost: BTreeSet::new(),
            gained: BTreeSet::new(),
            removals: Vec::new(),
            gains: Vec::new(),
            reactivated: Vec::new(),
        }
    }

    /// Judges an action that is about to be done to `world`.
    pub(super) fn allow(&mut self, world: &World, action: &Action) {
        let account = world.live.accounts.iter().find(|account| Some(&account.id) == action.step.account_id());
        let who = account.map(|account| owner(world, account)).or_else(|| action.step.email().cloned());
        let semantics = &app(world).semantics;
        let ranked = match action.name.verb {
            Verb::ChangeMember => semantics.members.role.as_ref(),
            _ => semantics.role.as_ref(),
        };
        let ranked = ranked.map_or(&[][..], |rule| &rule.ranked);
        let (takes, gives) = match action.name.verb {
            // Whoever has the new address gains what the account can do.
            Verb::Update if readdresses(action) => (weigh(action, ranked).0, true),
            Verb::Update | Verb::ChangeMember => weigh(action, ranked),
            Verb::Deactivate | Verb::Delete | Verb::RemoveMember | Verb::DeleteGroup => (true, false),
            Verb::Create | Verb::Reactivate | Verb::AddMember => (false, true),
            Verb::CreateGroup | Verb::UpdateGroup => (false, false),
        };
        let people: Vec<Email> = who.iter().cloned().collect();
        if takes && !people.is_empty() {
            self.lost.extend(people.iter().map(|who| (who.clone(), action.name.group.clone())));
            self.removals.push((action.clone(), people.clone()));
        }
        if gives {
            self.gained.extend(people.iter().map(|who| (who.clone(), action.name.group.clone())));
            self.gains.push((action.clone(), people.clone()));
        }
        if action.name.verb == Verb::Reactivate {
            self.reactivated.extend(action.step.account_id().cloned());
        }
        let leaver = takes && who.as_ref().is_some_and(|who| has_left(world, who));
        self.certain(world, action, account, who.as_ref(), takes, leaver);
        self.permitted(world, action, account, who.as_ref(), takes, leaver);
        self.meant(world, action, who.as_ref());
        self.in_order(world, action);
    }

    /// Ambiguous, unknown-status, incomplete, shrank, desired-empty.
    fn certain(
        &self,
        world: &World,
        action: &Action,
        account: Option<&LiveAccount>,
        who: Option<&Email>,
        takes: bool,
        leaver: bool,
    ) {
        let name = &action.name;
        if let Some(account) = account {
            assert!(!matches!(account.status, AccountStatus::Unknown(_)), "{name}: unknown status");
        }
        if let Some(who) = who {
            let theirs: Vec<&LiveAccount> =
                self.start.live.accounts.iter().filter(|account| owner(&self.start, account) == *who).collect();
            let pin = app(world).ids.get(who).map(|(id, _)| id);
            let pinned = pin.is_some_and(|pin| theirs.iter().any(|account| account.id == *pin));
            let shared = app(world).ids.iter().any(|(other, (id, _))| other != who && Some(id) == pin);
            let foreign = theirs.iter().any(|account| {
                let by_address = world.desired.aliases.get(&account.email).unwrap_or(&account.email);
                by_address != who && !by_address.key().is_empty()
            });
            assert!(!shared && !foreign, "{name}: the pin does not fit");
            assert!(leaver || theirs.len() < 2 || pinned, "{name}: several accounts");
            assert!(
                leaver || pin.is_none() || pinned || !world.live.accounts_coverage.is_complete(),
                "{name}: lost pin"
            );
            let stranger = !world.desired.named.contains(who);
            if stranger && takes {
                assert!(!who.key().is_empty(), "{name}: nobody's account");
                assert!(world.live.accounts_coverage.is_complete(), "{name}: a stranger, and an incomplete read");
            }
        }
        if name.verb == Verb::Create {
            assert!(world.live.accounts_coverage.is_complete(), "{name}: may exist already");
        }
        if let Some(live) = self.start.live.groups.iter().find(|live| Some(&live.id) == action.step.group_id()) {
            let unread = account.is_some_and(|account| world.live.unread_memberships.contains(&account.id));
            if name.verb == Verb::AddMember {
                assert!(account.is_none() || live.coverage.is_complete() && !unread, "{name}: may be a member already");
            }
            if name.verb == Verb::DeleteGroup {
                assert!(
                    live.coverage.is_complete() && world.live.unread_memberships.is_empty(),
                    "{name}: unseen members"
                );
            }
        }
        let last_seen = world.history.as_ref().and_then(|history| history.accounts_last_seen);
        let count = self.start.live.accounts.len();
        if last_seen.is_some_and(|before| count * 4 < before * 3 && before - count >= 5) {
            let held = takes || name.verb == Verb::Create;
            let empty_group = name.verb == Verb::DeleteGroup;
            assert!(!held || empty_group || approved(world, action, Guard::Shrank), "{name}: the app shrank");
        }
        let named = world.desired.named.iter().any(|who| says_of_account(world, who) > Says::Nothing);
        let usable = self.start.live.accounts.iter().any(|account| account.status != AccountStatus::Inactive);
        assert!(
            named || !usable || !takes || leaver || name.verb == Verb::DeleteGroup,
            "{name}: the files grant nothing"
        );
    }

    /// Mode, freeze, pause, self, protected, irreversible, reactivation.
    fn permitted(
        &self,
        world: &World,
        action: &Action,
        account: Option<&LiveAccount>,
        who: Option<&Email>,
        takes: bool,
        leaver: bool,
    ) {
        let (name, app) = (&action.name, app(world));
        let group = name.group.as_ref().map(|group| &app.groups[group]);
        for mode in [Some(app.mode), group.map(|group| group.mode)].into_iter().flatten() {
            assert_ne!(mode, Mode::Observe, "{name}: writes while observing");
            assert!(mode == Mode::Enforce || !takes || leaver, "{name}: takes away in mode add");
        }
        assert!(app.policy.freeze.is_empty() || leaver, "{name}: frozen");
        for pause in world.history.iter().flat_map(|history| &history.pauses) {
            assert!(leaver && !pause.holds_leavers, "{name}: paused");
        }
        if let Some(own) = &app.self_account {
            assert!(!(takes || readdresses(action)) || who != Some(own), "{name}: cuts ourselves off");
        }
        let guarded = !app.policy.protect.is_empty()
            && (takes || readdresses(action))
            && [who.cloned(), account.map(|account| account.email.clone())]
                .into_iter()
                .flatten()
                .any(|email| email.key() == "p1@x.io");
        assert!(!guarded || approved(world, action, Guard::Protected), "{name}: protected");
        let semantics = &app.semantics;
        let for_good = match name.verb {
            Verb::Deactivate => semantics.deactivate.as_ref().is_some_and(|rule| rule.irreversible),
            Verb::Delete => semantics.delete.as_ref().is_some_and(|rule| rule.irreversible),
            Verb::DeleteGroup => true,
            _ => false,
        };
        let said = name.verb == Verb::Deactivate
            && who.and_then(|who| world.desired.people.get(who)).is_some_and(|p| p.status == PersonStatus::Left);
        let allowed = app.policy.irreversible == Irreversible::Allow || approved(world, action, Guard::Irreversible);
        assert!(!for_good || said || allowed, "{name}: irreversible");
        self.known(world, action, account, who, takes, for_good);
        if let (Verb::Reactivate, Some(history), Some(account)) = (name.verb, &self.start.history, account) {
            let ours = history.deactivated_by_us.contains(&account.id);
            assert!(ours || approved(world, action, Guard::Reactivation), "{name}: somebody else's deactivation");
        }
    }

    /// Nobody is taken for somebody on the word of an alias or a pin that no one accepted.
    fn known(
        &self,
        world: &World,
        action: &Action,
        account: Option<&LiveAccount>,
        who: Option<&Email>,
        takes: bool,
        for_good: bool,
    ) {
        let (Some(account), Some(who)) = (account, who) else { return };
        let by_key = account.email == *who;
        let is_judged = if by_key {
            let read_before = self.start.history.as_ref().is_some_and(|past| past.accounts_last_seen.is_some());
            read_before && world.desired.people.contains_key(who)
        } else {
            !self.start.trusting && world.desired.named.contains(who)
        };
        let is_approved = world.desired.approvals.iter().any(|approval| approval.guard == Guard::Identity);
        if is_judged && !is_approved {
            // As the plan saw it: another step of the same plan may have made it an admin since.
            let seen = self.start.live.accounts.iter().find(|seen| seen.id == account.id).unwrap_or(account);
            let grave = for_good || app(world).semantics.is_admin(seen);
            let touches = grave || (!by_key && (takes || readdresses(action)));
            assert!(!touches, "{}: nobody accepted that {} is {who}'s", action.name, account.id);
        }
    }

    /// Nothing granted, or granted later, is taken away; nobody gets what no line grants; strangers only by policy.
    fn meant(&self, world: &World, action: &Action, who: Option<&Email>) {
        let (name, app) = (&action.name, app(world));
        let Some(who) = who else { return };
        let out = has_left(world, who);
        let out_or_suspended = out || is_suspended(world, who);
        let named = world.desired.named.contains(who);
        let of_group = || says_of_member(world, name.group.as_ref().expect("a membership has a group"), who);
        match name.verb {
            Verb::Deactivate | Verb::Delete => {
                assert!(out_or_suspended || says_of_account(world, who) == Says::Nothing, "{name}: is granted");
                assert!(named || app.policy.unlisted == Unlisted::Remove, "{name}: a stranger");
                let wanted = app.policy.remove_with == RemoveWith::Delete && !is_suspended(world, who);
                let withdrawn = action.step.account().is_some_and(|account| account.status == AccountStatus::Pending);
                assert!(name.verb == Verb::Deactivate || wanted || withdrawn, "{name}: deletes without being told to");
            }
            Verb::RemoveMember => {
                assert!(out || of_group() == Says::Nothing, "{name}: is granted");
                let group = &app.groups[name.group.as_ref().expect("a membership has a group")];
                let by_policy = group.policy.unlisted == Unlisted::Remove || group.state == GroupState::Absent;
                assert!(named || by_policy, "{name}: a stranger");
            }
            Verb::AddMember | Verb::ChangeMember => {
                assert!(!out_or_suspended && of_group() == Says::Now, "{name}: is not granted");
            }
            Verb::Update if readdresses(action) => {
                assert!(!out_or_suspended && says_of_account(world, who) == Says::Now, "{name}: is not granted");
                assert_eq!(action.step.address(), Some(who), "{name}: gets somebody else's address");
                assert_eq!(app.policy.aliases, Aliases::Rename, "{name}: keeps its alias");
                let taken = world.live.accounts.iter().any(|account| account.email == *who);
                assert!(!taken, "{name}: the address is taken");
            }
            _ => assert!(!out_or_suspended && says_of_account(world, who) == Says::Now, "{name}: is not granted"),
        }
    }

    /// Admins and seats, at every moment; members leave before the group goes.
    fn in_order(&self, world: &World, action: &Action) {
        let (name, app) = (&action.name, app(world));
        let after = {
            let mut after = world.live.clone();
            let id = action.step.account_id();
            match name.verb {
                Verb::Create => after.accounts.push(LiveAccount {
                    other_addresses: Default::default(),
                    id: "x".into(),
                    email: Email::lenient("x"),
                    status: app.semantics.create.as_ref().expect("it can").becomes.clone(),
                    values: BTreeMap::new(),
                    created_at: None,
                }),
                Verb::Delete => after.accounts.retain(|account| Some(&account.id) != id),
                verb => {
                    for account in after.accounts.iter_mut().filter(|account| Some(&account.id) == id) {
                        match verb {
                            Verb::Deactivate => account.status = AccountStatus::Inactive,
                            Verb::Reactivate => account.status = AccountStatus::Active,
                            Verb::Update => account
                                .values
                                .extend(action.step.values().iter().map(|(k, v)| (k.clone(), Some(v.clone())))),
                            _ => {}
                        }
                    }
                }
            }
            World { live: after, ..world.clone() }
        };
        // Somebody who becomes an admin by reactivation, only to be demoted at once, was none to begin with.
        let least = admins(&self.start).min(app.policy.min_admins as usize);
        if admins(&after) < admins(world) && admins(&after) < least {
            assert!(approved(world, action, Guard::MinAdmins), "{name}: too few admins remain");
        }
        let used = |world: &World| {
            let keeps = app.semantics.inactive_keeps_seat;
            world.live.accounts.iter().filter(|account| keeps || account.status != AccountStatus::Inactive).count()
        };
        if let Some(seats) = app.seats {
            assert!(used(&after) <= used(world) || used(&after) <= seats as usize, "{name}: there is no seat");
        }
        if name.verb == Verb::DeleteGroup {
            let live = world.live.groups.iter().find(|group| Some(&group.id) == action.step.group_id());
            for member in &live.expect("the group is there").members {
                let account = world.live.accounts.iter().find(|account| account.id == member.account);
                let own = account.is_some_and(|account| Some(owner(world, account)) == app.self_account);
                assert!(own, "{name}: has members");
            }
        }
    }

    /// Judges the run as a whole, and writes down what a ledger would know of it.
    pub(super) fn finish(self, world: &mut World) {
        for (guard, actions, earlier) in [
            (Guard::MaxRemovals, &self.removals, world.history.as_ref().map(|history| &history.lost_today)),
            (Guard::MaxCreates, &self.gains, world.history.as_ref().map(|history| &history.gained_today)),
        ] {
            let scopes: BTreeSet<_> =
                actions.iter().map(|(action, _)| action.name.group.clone()).chain([None]).collect();
            for scope in scopes {
                let inside: Vec<_> =
                    actions.iter().filter(|(action, _)| scope.is_none() || action.name.group == scope).collect();
                let mut people: BTreeSet<&Email> = inside.iter().flat_map(|(_, people)| people).collect();
                let before = earlier.into_iter().flatten().filter(|(_, group)| scope.is_none() || *group == scope);
                people.extend(before.map(|(who, _)| who));
                let policy = &app(world).policy;
                let cap = if guard == Guard::MaxRemovals { policy.max_removals } else { policy.max_creates };
                let active = match &scope {
                    None => self.start.history.as_ref().and_then(|history| history.active_at_day_start).unwrap_or_else(
                        || self.start.live.accounts.iter().filter(|one| one.status == AccountStatus::Active).count(),
                    ),
                    Some(name) => {
                        let id = app(world).groups[name].id.clone();
                        let mut live = self.start.live.groups.iter();
                        let live = live.find(|live| id.as_ref().map_or(live.name == *name, |id| live.id == *id));
                        live.map_or(0, |live| live.members.len())
                    }
                };
                let limit = ((active as f64) * cap.share_percent / 100.0).floor().max(f64::from(cap.at_least)) as usize;
                if people.len() > limit {
                    for (action, _) in inside {
                        assert!(approved(world, action, guard), "{}: past the cap of {scope:?}", action.name);
                    }
                }
            }
        }
        for id in &self.reactivated {
            let account = self.start.live.accounts.iter().find(|account| account.id == *id).expect("it was there");
            let who = owner(&self.start, account);
            for group in app(&self.start).groups.values() {
                let live = self.start.live.groups.iter().find(|live| match &group.id {
                    Some(id) => live.id == *id,
                    None => live.name == group.name,
                });
                let member = live.is_some_and(|live| live.members.iter().any(|member| member.account == *id));
                let surplus = member && says_of_member(&self.start, &group.name, &who) == Says::Nothing;
                let planned = self.start.plan().actions.iter().any(|action| {
                    action.name.verb == Verb::RemoveMember
                        && action.name.group.as_ref() == Some(&group.name)
                        && action.step.account_id() == Some(id)
                });
                assert!(!surplus || planned, "{who} has {} again, and nobody takes it away", group.name);
            }
        }
        if let Some(history) = &mut world.history {
            history.lost_today.extend(self.lost);
            history.gained_today.extend(self.gained);
        }
    }
}
