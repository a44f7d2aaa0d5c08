//! What holds for every plan, whatever the world: it converges, passes no guard, breaks no rule of order, and depends on
//! nothing but its inputs.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    fixture::World,
    inspector::Inspector,
    random::{any_world, willing_world},
    simulated::{accept_invitations, carry_out, mix},
};
use crate::model::{Action, Guard, Status};

/// More rounds than any chain of steps takes: an invitation, its acceptance, a membership, a clean-up.
const ROUNDS: usize = 12;

/// Enough to find the rare combinations in a nightly run with `PROPTEST_CASES=20000`; few enough for every build.
fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(320);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Shows the plan under which something went wrong.
struct Witness(String);

impl Drop for Witness {
    #[allow(clippy::print_stderr, reason = "a panic in a test")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the plan was:\n{}\n", self.0);
        }
    }
}

/// Plans and applies until nothing is ready, under an inspector's eyes.
fn settle(mut world: World, seed: u64) -> World {
    for _ in 0..ROUNDS {
        let _witness = Witness(world.show());
        let mut inspector = Inspector::new(&world);
        let done = carry_out(&mut world, seed, |before, action| inspector.allow(before, action));
        inspector.finish(&mut world);
        if accept_invitations(&mut world) + done == 0 {
            return world;
        }
    }
    panic!("still at work after {ROUNDS} rounds:\n{}", world.show());
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_plan_converges_and_passes_no_guard(world in any_world(), seed: u64) {
        let settled = settle(world, seed);
        let plan = settled.whole_plan();
        prop_assert_eq!(format!("{plan:?}"), format!("{:?}", settled.whole_plan()));
        for action in &plan.apps[0].actions {
            prop_assert_ne!(action.status, Status::Ready, "{}", action.name);
            prop_assert!(action.obstacle().is_some(), "{} says not what stands in its way", action.name);
            prop_assert_eq!(action.held.is_some(), action.status == Status::Held, "{}", action.name);
        }
    }

    #[test]
    fn whatever_takes_something_away_says_why_and_nothing_else_does(world in any_world()) {
        for action in world.plan().actions {
            prop_assert_eq!(action.takes_away(), action.reason.is_some(), "{}", action.name);
        }
    }

    #[test]
    fn where_everything_is_allowed_nothing_is_left_to_do(world in willing_world(), seed: u64) {
        let settled = settle(world, seed);
        let actions = settled.plan().actions;
        prop_assert!(actions.is_empty(), "left:\n{}", settled.show());
    }

    #[test]
    fn the_order_of_the_input_says_nothing(world in any_world(), seed: u64) {
        let mut other = world.clone();
        other.live.accounts.sort_by_key(|account| mix(seed, &account.id));
        other.live.groups.sort_by_key(|group| mix(seed, &group.id));
        for group in &mut other.live.groups {
            group.members.sort_by_key(|member| mix(seed, &member.account));
        }
        other.desired.approvals.reverse();
        let other = other.app(|app| {
            app.accounts.values_mut().for_each(|account| account.claims.reverse());
            app.groups.values_mut().flat_map(|group| group.members.values_mut()).for_each(|claims| claims.reverse());
        });
        prop_assert_eq!(world.whole_plan(), other.whole_plan());
    }

    #[test]
    fn every_action_has_a_name_of_its_own(world in any_world()) {
        let plan = world.plan();
        let names: Vec<String> = plan.actions.iter().map(|action| action.name.to_string()).collect();
        let distinct: BTreeSet<&String> = names.iter().collect();
        prop_assert_eq!(names.len(), distinct.len(), "{:?}", names);
        // Nor does one name lie below another, where an approval for this one would cover that one.
        for name in &names {
            prop_assert!(names.iter().all(|other| !other.starts_with(&format!("{name}/"))), "{}", name);
        }
    }

    #[test]
    fn a_printed_approval_releases_its_guard_and_nothing_else(world in any_world()) {
        let plan = world.plan();
        for action in plan.actions.iter().filter(|action| action.held.as_ref().is_some_and(|held| held.release.is_some())) {
            let name = action.name.to_string();
            let approval = world.printed(&name);
            let guard = action.held.as_ref().map(|held| held.guard);
            let after = world.released(&name).after.plan();
            prop_assert_eq!(after.actions.len(), after.actions.iter().map(|action| &action.name).collect::<BTreeSet<_>>().len());
            let now = after.actions.iter().find(|other| other.name == action.name);
            prop_assert!(
                now.is_none_or(|now| now.held.as_ref().map(|held| held.guard) != guard),
                "{} is still held by {:?}", name, guard
            );
            for other in &after.actions {
                let text = other.name.to_string();
                let covered = text == approval.allow || text.starts_with(&format!("{}/", approval.allow));
                let before = plan.actions.iter().find(|before| before.name == other.name);
                let held = before.and_then(|before| before.held.as_ref()).map(|held| held.guard);
                // Once a new admin may come, the old one may go: that guard has nothing more to say.
                let replaced = held == Some(Guard::MinAdmins) && guard != held;
                // A cap counts what nothing else holds: two admins of whom one was protected may now both be held by
                // `min-admins`, and whom the cap held with them is few enough by themselves.
                let counted = matches!(held, Some(Guard::MaxRemovals | Guard::MaxCreates));
                let fewer = counted && plan.actions.iter().any(|before| {
                    let now = after.actions.iter().find(|now| now.name == before.name);
                    let by = |action: &Action| action.held.as_ref().map(|held| held.guard);
                    by(before) == held && now.and_then(by).is_some_and(|now| Some(now) != held)
                });
                // Strangers are held because removals are, and come in once these may go.
                let suspected = guard == Some(Guard::MaxRemovals) && held == guard && !other.reduces_access;
                // Whose an account is, is said of all actions on it.
                let claimed = guard == Some(Guard::Identity) && held == guard;
                let claimed = claimed && other.step.account_id() == action.step.account_id();
                prop_assert!(
                    covered || claimed || suspected || held.is_none() || replaced || fewer || other.status == Status::Held,
                    "{} released {}", name, text
                );
            }
        }
    }
}
