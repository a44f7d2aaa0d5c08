//! What is read in which run, what is remembered, and what is believed.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::fake::{Fake, email};
use crate::{
    model::*,
    observe::{Before, Observation, Pending, Rotation, concerned, observe_in_rotation, touched},
    plan::{Inputs, plan},
};

const START: Timestamp = Timestamp::UNIX_EPOCH;

/// Between two runs.
const CYCLE: SignedDuration = SignedDuration::from_mins(15);

/// Sixteen requests for what comes one account at a time, where the list takes one.
const SIXTEEN: Rotation = Rotation::Share { allowance: 33, first: 0 };

/// An app that is read again and again, with what is remembered in between.
struct Runs<'a> {
    fake: &'a Fake,
    app: DesiredApp,
    facts: Facts,
    pending: Pending,
    rotation: Rotation,
    now: Timestamp,
}

impl<'a> Runs<'a> {
    fn of(fake: &'a Fake, rotation: Rotation) -> Self {
        let app = fake.app(&[]);
        Self { fake, app, facts: Facts::default(), pending: Pending::default(), rotation, now: START }
    }

    async fn run(&mut self) -> Observation {
        self.now += CYCLE;
        let (facts, pending, aliases) = (&self.facts, &self.pending, &BTreeMap::new());
        let before = Before { facts, pending, rotation: self.rotation, aliases, remembered: &[] };
        let seen = observe_in_rotation(self.fake, &self.app, self.now, &before, &|_| {}).await.unwrap();
        self.remember(&seen);
        seen
    }

    fn remember(&mut self, seen: &Observation) {
        // Through text and back, as a store would keep it.
        let learnt = serde_json::to_string(&seen.learnt).unwrap();
        self.facts.forget(&seen.lapsed);
        self.facts.learn(serde_json::from_str(&learnt).unwrap());
    }
}

pub(super) fn ids(n: usize) -> impl Iterator<Item = String> {
    (0..n).map(|n| format!("u{n:03}"))
}

fn account<'a>(seen: &'a Observation, id: &str) -> &'a LiveAccount {
    seen.live.accounts.iter().find(|account| &*account.id == id).unwrap()
}

fn role(seen: &Observation, id: &str) -> Option<String> {
    account(seen, id).values.get("role").map(|role| role.as_ref().unwrap().to_string())
}

#[tokio::test(start_paused = true)]
async fn a_run_reads_its_share_and_the_rest_is_unknown_until_its_turn_comes() {
    let fake = Fake::new(ids(12));
    let mut runs = Runs::of(&fake, SIXTEEN);
    let seen = runs.run().await;
    assert_eq!((fake.asked().len(), seen.live.requests, seen.live.oldest_s), (16, 17, 0));
    let extent = &seen.live.extent;
    assert_eq!((extent.accounts_to_come.len(), extent.memberships_to_come.len(), extent.remembered.len()), (4, 4, 0));
    assert!(seen.live.unread_accounts.is_empty(), "nothing failed");
    assert_eq!(role(&seen, "u000").as_deref(), Some("user"));
    assert_eq!(role(&seen, "u011"), None);
    assert_eq!(seen.live.unread_memberships, extent.memberships_to_come);

    let seen = runs.run().await;
    assert_eq!((fake.asked().len(), seen.live.requests), (16, 17));
    assert_eq!(seen.live.extent.accounts_to_come.len() + seen.live.extent.memberships_to_come.len(), 0);
    assert_eq!(role(&seen, "u011").as_deref(), Some("user"));
    // Of the twelve, those read again are fresh; the oldest fact is one run old.
    assert_eq!((seen.live.extent.remembered.len(), seen.live.oldest_s), (4, 15 * 60));
    assert_eq!(seen.learnt.accounts.len() + seen.learnt.memberships.len(), 16);
    assert_eq!(runs.facts.accounts["u011"].seen.email, Email::lenient(&email("u011")));
}

#[tokio::test(start_paused = true)]
async fn whoever_has_pending_changes_is_read_first() {
    let fake = Fake::new(ids(40));
    let mut runs = Runs::of(&fake, SIXTEEN);
    runs.pending.ids.insert("u039".into());
    runs.pending.emails.insert(Email::lenient(&email("u038")));
    for _ in 0..3 {
        runs.run().await;
        let asked = fake.asked();
        assert_eq!(asked.len(), 16);
        let pending = asked.iter().filter(|line| line.ends_with("u038") || line.ends_with("u039"));
        assert_eq!(pending.count(), 4, "{asked:?}");
        assert!(asked[0].starts_with("account u038"), "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_changed_is_believed_no_more_even_when_it_changes_back() {
    let fake = Fake::new(ids(8));
    let mut runs = Runs::of(&fake, Rotation::Everything);
    runs.run().await;
    // Two accounts are renamed and another is deactivated; this time only four single reads are sent.
    runs.rotation = Rotation::Share { allowance: 5, first: 0 };
    for id in ["u005", "u006", "u007"] {
        fake.put(id, |account| account.email = format!("new-{id}@example.com"));
    }
    fake.asked();
    let seen = runs.run().await;
    assert_eq!(fake.asked(), ["account u005", "account u000", "groups u005", "groups u000"]);
    assert_eq!(role(&seen, "u005").as_deref(), Some("user"));
    assert_eq!((role(&seen, "u006"), role(&seen, "u001").as_deref()), (None, Some("user")));
    assert!(seen.live.unread_memberships.contains("u006") && !seen.live.unread_memberships.contains("u001"));
    let lapsed: Vec<_> = seen.lapsed.accounts.iter().map(|id| &**id).collect();
    assert_eq!(lapsed, ["u006", "u007"]);

    for id in ["u006", "u007"] {
        fake.put(id, |account| account.email = email(id));
    }
    let seen = runs.run().await;
    let known = |id| role(&seen, id).is_some();
    assert!(known("u006") && !known("u007"), "one of them has been read since, and the other is not remembered");
}

#[tokio::test(start_paused = true)]
async fn what_we_changed_ourselves_is_not_remembered() {
    let fake = Fake::new(ids(3));
    let mut runs = Runs::of(&fake, Rotation::Everything);
    runs.app = fake.app(&["u001"]);
    let seen = runs.run().await;
    let plan = planned(&runs, &seen.live);
    assert_eq!(shown(&plan), ["ready a/add-member/u001@example.com/DESIGN"]);
    let ids = touched(&plan, &runs.facts);
    runs.facts.forget(&ids);
    assert!(!runs.facts.accounts.contains_key("u001") && !runs.facts.memberships.contains_key("u001"));
    assert_eq!(runs.facts.accounts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn accounts_that_a_whole_list_no_longer_shows_are_forgotten_and_those_of_half_a_list_are_not() {
    let fake = Fake::new(ids(4));
    let mut runs = Runs::of(&fake, Rotation::Everything);
    runs.run().await;
    fake.world().cut_off = true;
    assert_eq!(runs.run().await.lapsed, FactIds::default());
    fake.world().cut_off = false;
    fake.world().accounts.remove("u003");
    let seen = runs.run().await;
    assert_eq!(seen.lapsed.accounts.len() + seen.lapsed.memberships.len(), 2);
    assert_eq!(runs.facts.accounts.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_makes_the_account_unknown_whatever_is_remembered() {
    let fake = Fake::new(ids(3));
    let mut runs = Runs::of(&fake, Rotation::Everything);
    runs.run().await;
    fake.world().broken.insert("u001".into());
    let seen = runs.run().await;
    assert_eq!(role(&seen, "u001"), None);
    assert_eq!(seen.live.unread_accounts.keys().map(|id| &**id).collect::<Vec<_>>(), ["u001"]);
    assert!(seen.live.unread_memberships.contains("u001"));
    assert!(seen.live.extent.remembered.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_command_reads_everything_where_it_can_and_believes_a_day_at_most_where_it_cannot() {
    let fake = Fake::new(ids(20));
    let mut runs = Runs::of(&fake, Rotation::Afford { allowance: 41, oldest: Duration::from_secs(24 * 3600) });
    runs.run().await;
    assert_eq!(fake.asked().len(), 40);
    runs.run().await;
    assert_eq!(fake.asked().len(), 40, "it can be afforded, so that nothing is believed");
    // One account more is one too many.
    fake.put("u020", |_| {});
    let seen = runs.run().await;
    assert_eq!(fake.asked().len(), 20, "half of what the list leaves; the new account among it");
    assert!(role(&seen, "u020").is_some());
    runs.now += SignedDuration::from_hours(25);
    runs.run().await;
    assert_eq!(fake.asked().len(), 42, "too old, at any cost");
}

pub(super) fn desired(app: &DesiredApp, left: &[&str]) -> Desired {
    let person = |id: &str, status| {
        let place = Place::new("people.yaml", 1, 1);
        let email = Email::lenient(&email(id));
        let (given_name, family_name, status_place) = (None, None, Some(place.clone()));
        let attributes = BTreeMap::new();
        let aliases = Vec::new();
        let window = Window::ALWAYS;
        (
            email.clone(),
            Person {
                email,
                given_name,
                family_name,
                aliases,
                attributes,
                window,
                status,
                place,
                status_place,
                until_place: None,
            },
        )
    };
    let people: BTreeMap<_, _> = ids(40).map(|id| person(&id, PersonStatus::Active)).collect();
    let mut desired = Desired {
        named: people.keys().cloned().collect(),
        people,
        aliases: BTreeMap::new(),
        teams: Default::default(),
        apps: [(app.name.clone(), app.clone())].into(),
        approvals: Vec::new(),
        settings: Settings::default(),
    };
    desired.people.extend(left.iter().map(|id| person(id, PersonStatus::Left)));
    desired
}

fn planned_with(runs: &Runs<'_>, live: &LiveApp, left: &[&str]) -> AppPlan {
    let live = Live { apps: [("a".into(), Ok(live.clone()))].into() };
    let mut app = runs.app.clone();
    // Everybody may have an account.
    let claim = Claim { window: Window::ALWAYS, values: Values::new(), because: Vec::new(), reason: None };
    app.accounts =
        ids(40).map(|id| (Email::lenient(&email(&id)), DesiredAccount { claims: vec![claim.clone()] })).collect();
    let desired = desired(&app, left);
    let inputs = Inputs {
        desired: &desired,
        desired_digest: "",
        live: &live,
        history: None,
        base: None,
        others: None,
        now: runs.now,
    };
    let mut plan = plan(&inputs).apps.remove(0);
    plan.actions.retain(|action| action.name.verb != Verb::Create);
    plan
}

fn planned(runs: &Runs<'_>, live: &LiveApp) -> AppPlan {
    planned_with(runs, live, &[])
}

fn shown(plan: &AppPlan) -> Vec<String> {
    plan.actions.iter().map(|action| format!("{} {}", action.status.as_str(), action.name)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_plan_would_change_is_read_afresh_and_planned_again() {
    let fake = Fake::new(ids(40));
    fake.put("u000", |account| account.role = "admin".into());
    fake.put("u020", |account| account.role = "admin".into());
    let mut runs = Runs::of(&fake, Rotation::Everything);
    runs.app = fake.app(&["u030"]);
    runs.run().await;

    // Behind our back one of the admins is made a user, and somebody joins.
    fake.put("u020", |account| account.role = "user".into());
    fake.put("u030", |account| account.teams.extend(["design".into()]));
    runs.rotation = Rotation::Share { allowance: 5, first: 0 };
    let mut seen = runs.run().await;
    fake.asked();
    let plan = planned_with(&runs, &seen.live, &["u000"]);
    assert_eq!(shown(&plan), ["ready a/add-member/u030@example.com/DESIGN", "ready a/deactivate/u000@example.com"]);
    let ids = concerned(&plan, &seen.live, &runs.app.semantics);
    assert!(seen.refresh(&fake, &runs.app, runs.now, &ids).await);
    let mut asked = fake.asked();
    asked.sort();
    // The leaver was read in this run already; the other admin counts, and only the role of that one is in doubt.
    assert_eq!(asked, ["account u020", "account u030", "groups u020", "groups u030"]);
    let plan = planned_with(&runs, &seen.live, &["u000"]);
    assert_eq!(shown(&plan), ["held a/deactivate/u000@example.com"]);
    assert_eq!(plan.actions[0].held.as_ref().unwrap().guard, Guard::MinAdmins);
    runs.remember(&seen);
    assert_eq!(runs.facts.accounts["u020"].seen.values["role"], Some("user".into()));
    let again = concerned(&plan, &seen.live, &runs.app.semantics);
    assert!(!seen.refresh(&fake, &runs.app, runs.now, &again).await, "everything about them is fresh now");
}

#[tokio::test(start_paused = true)]
async fn planning_goes_on_until_nothing_is_changed_because_of_a_memory() {
    let fake = Fake::new(ids(40));
    for id in ["u020", "u021", "u022"] {
        fake.put(id, |account| account.role = "admin".into());
    }
    let mut runs = Runs::of(&fake, Rotation::Everything);
    runs.app = fake.app(&["u030"]);
    runs.run().await;
    // Two of the three admins are users by now, so that the third cannot go: seen only once these were read again.
    for id in ["u021", "u022"] {
        fake.put(id, |account| account.role = "user".into());
    }
    runs.rotation = Rotation::Share { allowance: 5, first: 0 };
    let mut seen = runs.run().await;
    fake.asked();
    let now = runs.now;
    let plan = |live: &LiveApp| planned_with(&runs, live, &["u020"]);
    seen.make_certain(&fake, &runs.app, &BTreeMap::new(), now, &plan).await;
    assert_eq!(
        shown(&plan(&seen.live)),
        ["ready a/add-member/u030@example.com/DESIGN", "held a/deactivate/u020@example.com"]
    );
    let asked = fake.asked();
    assert_eq!(asked.len(), 8, "the leaver, the two who seemed to be admins, and who joins: {asked:?}");
    seen.make_certain(&fake, &runs.app, &BTreeMap::new(), now, &plan).await;
    assert!(fake.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_leaves_nothing_to_be_believed() {
    let fake = Fake::new(ids(40));
    fake.put("u039", |account| account.teams.extend(["design".into()]));
    let mut runs = Runs::of(&fake, Rotation::Everything);
    runs.run().await;
    runs.rotation = Rotation::Share { allowance: 5, first: 0 };
    let mut seen = runs.run().await;
    fake.world().broken.insert("u039".into());
    assert_eq!(seen.live.groups[0].members.len(), 1);
    seen.refresh(&fake, &runs.app, runs.now, &["u039".into()].into()).await;
    assert_eq!((role(&seen, "u039"), seen.live.groups[0].members.len()), (None, 0));
    assert!(seen.live.unread_accounts.contains_key("u039") && seen.live.unread_memberships.contains("u039"));
    runs.remember(&seen);
    assert!(!runs.facts.accounts.contains_key("u039") && !runs.facts.memberships.contains_key("u039"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Runs over an app that changes all the time: nothing is ever shown that was not true at the time it claims, and what
    /// is shown is never older than the rotation allows.
    #[test]
    fn everything_shown_was_true_when_it_was_read_and_is_not_old(
        people in 1usize..40,
        allowance in 20u64..90,
        changes in prop::collection::vec((0usize..40, 0usize..5, 0usize..40), 30..120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let fake = Fake::new(ids(people));
            let mut runs = Runs::of(&fake, Rotation::Share { allowance, first: 0 });
            let mut truth: BTreeMap<Timestamp, BTreeMap<String, super::fake::Account>> = BTreeMap::new();
            let share = ((allowance - 1) / 2).max(4) as usize;
            let bound = (2 * people).div_ceil(share / 4) + 1;
            for (who, what, pending) in changes {
                let id = format!("u{:03}", who % people);
                fake.put(&id, |account| match what {
                    0 => account.role = if account.role == "user" { "admin".into() } else { "user".into() },
                    1 => account.teams.extend(["design".into()]),
                    2 => account.teams.clear(),
                    3 => account.email = if account.email.starts_with("new") { email(&id) } else { format!("new-{}", email(&id)) },
                    _ => {}
                });
                runs.pending.ids = [format!("u{pending:03}").into()].into();
                let seen = runs.run().await;
                truth.insert(runs.now, fake.world().accounts.clone());
                prop_assert!(fake.asked().len() <= share);
                prop_assert!(seen.live.oldest_s <= bound as u64 * 15 * 60, "{} s, {bound} runs", seen.live.oldest_s);
                for account in &seen.live.accounts {
                    if let Some(Some(role)) = account.values.get("role") {
                        let at = runs.facts.accounts[&account.id].read_at;
                        prop_assert_eq!(&role.to_string(), &truth[&at][&*account.id].role);
                    }
                }
                for id in truth[&runs.now].keys().filter(|id| !seen.live.unread_memberships.contains(id.as_str())) {
                    let at = runs.facts.memberships[id.as_str()].read_at;
                    let shown = seen.live.groups.iter().any(|group| group.members.iter().any(|one| *one.account == **id));
                    prop_assert_eq!(shown, !truth[&at][id].teams.is_empty());
                }
            }
            Ok(())
        })?;
    }
}
