//! Whose account it is: what counts as accepted, what is held until somebody approves, and what that line says.

use super::{check, fixture::*};
use crate::model::{AccountStatus::*, Aliases, ClaimedBy, Guard, Irreversible, Unlisted};

/// Noor, whose entry has an alias that is the address of an account that she never had.
fn takeover() -> World {
    World::full().doubting().grant("noor@x.io").alias("noor@x.io", "jobs@x.io").active("1", "jobs@x.io").read_before()
}

/// `ACCOUNT IDENTITY BY` of every claim that is accepted by the plan.
fn accepted(world: &World) -> Vec<String> {
    let claims = world.plan().claims.accepted;
    claims
        .into_iter()
        .map(|accepted| {
            let by = if accepted.approved.is_some() { " approved" } else { "" };
            format!("{} {} {}{by}", accepted.claim.account, accepted.claim.identity, accepted.claim.by)
        })
        .collect()
}

/// The world after a run that wrote down what its plan accepts, and the uses of approvals.
fn after_a_run(world: &World) -> World {
    let mut next = world.clone();
    for accepted in world.plan().claims.accepted {
        next = next.accepted(&accepted.claim.account, accepted.claim.identity.as_str());
        if let Some((approved, action)) = accepted.approved {
            let used = next.used.entry(approved.approval).or_default();
            used.actions.insert(action);
            used.people += 1;
        }
    }
    next
}

#[test]
fn an_alias_moves_nobodys_account_until_somebody_approves() {
    check!(takeover(), @"held a/update/noor@x.io email:jobs@x.io>noor@x.io [identity]: nobody has accepted account 1 as noor@x.io's: only the alias jobs@x.io says so");
    check!(takeover().released("a/update/noor@x.io"), @"
    allow a/update/noor@x.io: identity
    - held a/update/noor@x.io email:jobs@x.io>noor@x.io [identity]: nobody has accepted account 1 as noor@x.io's: only the alias jobs@x.io says so
    + ready a/update/noor@x.io email:jobs@x.io>noor@x.io
    ");
}

#[test]
fn a_takeover_is_still_held_a_thousand_cycles_later() {
    let first = takeover();
    let mut world = first.clone();
    for cycle in 0..1000 {
        world.now = world.now.checked_add(jiff::ToSpan::minutes(15)).unwrap();
        world.live.observed_at = world.now;
        let plan = world.plan();
        let [action] = &plan.actions[..] else { panic!("{cycle}: {plan:?}") };
        assert_eq!(action.held.as_ref().map(|held| held.guard), Some(Guard::Identity), "{cycle}");
        assert_eq!(plan.claims.accepted, [], "{cycle}");
        world = after_a_run(&world).read_before();
    }
    assert_eq!(world.history.unwrap().claims, first.history.unwrap().claims);
}

#[test]
fn an_approval_accepts_a_claim_for_good_and_for_this_account_alone() {
    let line = takeover().printed("a/update/noor@x.io");
    let mut world = takeover();
    world.desired.approvals.push(line);
    assert_eq!(accepted(&world), ["1 noor@x.io alias approved"]);
    let mut later = after_a_run(&world);
    insta::assert_snapshot!(later.show_actions(), @"ready a/update/noor@x.io email:jobs@x.io>noor@x.io");
    later.desired.approvals.clear();
    check!(later, @"ready a/update/noor@x.io email:jobs@x.io>noor@x.io");
    // The line is used up: another account under the same address is another claim.
    let mut other = after_a_run(&world);
    other.live.accounts[0].id = "2".into();
    assert!(other.show().starts_with("held a/update/noor@x.io"), "{}", other.show());
}

#[test]
fn what_ties_an_account_to_a_person_says_what_is_held() {
    let alias = |world: World| world.alias("ann@x.io", "old@x.io").live_as("1", "old@x.io", Active, "user").doubting();
    let key = |world: World| world.live_as("1", "ann@x.io", Active, "user").doubting().read_before();
    let pin = |world: World| world.pin("ann@x.io", "1").live_as("1", "", Active, "user").doubting();
    let kept = |world: World| world.policy(|policy| policy.aliases = Aliases::Keep);
    let user = || World::full().grant_as("ann@x.io", "user", days(None, None));
    let viewer = || World::full().grant_as("ann@x.io", "viewer", days(None, None));
    let held = |world: World| {
        let plan = world.plan();
        let held = plan.actions.iter().any(|action| action.held.as_ref().is_some_and(|h| h.guard == Guard::Identity));
        (held, plan.actions.len())
    };
    // A new address.
    assert_eq!(held(alias(user())), (true, 1));
    // Less access.
    assert_eq!(held(kept(alias(viewer()))), (true, 1));
    assert_eq!(held(pin(viewer())), (true, 1));
    assert_eq!(held(key(viewer())), (false, 1));
    let out = || World::full().suspended("ann@x.io").grant("zed@x.io").active("9", "zed@x.io");
    assert_eq!(held(alias(out())), (true, 1));
    assert_eq!(held(key(out())), (false, 1));
    // What cannot be undone.
    assert_eq!(held(alias(World::one_way().left("ann@x.io"))), (true, 1));
    assert_eq!(held(key(World::one_way().left("ann@x.io"))), (true, 1));
    // More access takes nothing from whoever it is.
    let joins = || viewer().member("G", "ann@x.io").live_group("g", "G", &[]);
    assert_eq!(held(kept(alias(joins()).seen(|live| live.accounts[0].values.clear()))), (false, 1));
    // Whoever can administer the app.
    let admin = |world: World| {
        world.seen(|live| {
            let ann = live.accounts.iter_mut().find(|account| &*account.id == "1").unwrap();
            ann.values = live_values("admin");
        })
    };
    assert_eq!(held(admin(key(out().policy(|policy| policy.min_admins = 0)))), (true, 1));
    assert_eq!(
        held(admin(kept(alias(World::full().grant("ann@x.io").member("G", "ann@x.io").live_group("g", "G", &[]))))),
        (true, 1)
    );
}

#[test]
fn somebody_who_was_a_person_before_is_cut_off_at_once_and_nobody_else_is() {
    let left = |world: World| world.left("ann@x.io").active("1", "ann@x.io").doubting();
    let before = World::one_way().grant("ann@x.io").active("1", "ann@x.io").doubting().read_before();
    assert_eq!(accepted(&before), ["1 ann@x.io key"]);
    check!(left(World::one_way()).read_before().accepted("1", "ann@x.io"), @"ready a/deactivate/ann@x.io");
    // A service that only an app's own lines name has never been a person.
    let service = World::one_way().grant("ann@x.io").active("1", "ann@x.io").doubting().read_before();
    let service = World {
        desired: {
            let mut desired = service.desired.clone();
            desired.people.clear();
            desired
        },
        ..service
    };
    assert_eq!(accepted(&service), Vec::<String>::new());
    check!(left(World::one_way()).read_before(), @"held a/deactivate/ann@x.io [identity]: nobody has accepted account 1 as ann@x.io's: no earlier run of a saw it under an entry of theirs");
    check!(left(World::one_way()).read_before().released("a/deactivate/ann@x.io"), @"
    allow a/deactivate/ann@x.io: identity
    - held a/deactivate/ann@x.io [identity]: nobody has accepted account 1 as ann@x.io's: no earlier run of a saw it under an entry of theirs
    + ready a/deactivate/ann@x.io
    ");
    // The first run has nothing to compare with, and says so.
    check!(left(World::one_way()), @"ready a/deactivate/ann@x.io");
    assert!(left(World::one_way()).whole_plan().guards_unchecked.contains(&Guard::Identity));
    assert!(!left(World::one_way()).read_before().whole_plan().guards_unchecked.contains(&Guard::Identity));
    // Aliases are not accepted for want of a past.
    let alias = World::one_way().left("ann@x.io").alias("ann@x.io", "bot@x.io").active("1", "bot@x.io").doubting();
    assert!(alias.show().starts_with("held a/deactivate/ann@x.io [identity"), "{}", alias.show());
}

#[test]
fn always_hold_takes_an_approval_for_leavers_too() {
    let world = World::one_way().left("ann@x.io").active("1", "ann@x.io").accepted("1", "ann@x.io").read_before();
    check!(world.clone(), @"ready a/deactivate/ann@x.io");
    let strict = world.policy(|policy| policy.irreversible = Irreversible::AlwaysHold);
    check!(strict.clone(), @"held a/deactivate/ann@x.io [irreversible]: this cannot be undone, and no one has approved it");
    assert!(strict.approve("a/deactivate/ann@x.io", Guard::Irreversible, None).show().starts_with("ready"));
}

#[test]
fn what_a_run_saw_under_a_persons_key_is_accepted_unless_it_held_it() {
    let seen = |world: World| accepted(&world.active("1", "ann@x.io").doubting().read_before());
    assert_eq!(seen(World::full().grant("ann@x.io")), ["1 ann@x.io key"]);
    assert_eq!(seen(World::full().suspended("ann@x.io")), ["1 ann@x.io key"]);
    assert_eq!(seen(World::full().left("ann@x.io")), Vec::<String>::new());
    assert_eq!(seen(World::full().lapsed("ann@x.io")), Vec::<String>::new());
    assert_eq!(seen(World::full()), Vec::<String>::new());
    // Somebody who suspends an admin whom only guarded lines name has to be approved, however long it takes.
    let admin = World::full().suspended("ann@x.io").live_as("1", "ann@x.io", Active, "admin").doubting().read_before();
    assert_eq!(accepted(&admin), Vec::<String>::new());
    // The first run takes everything under a key as it is, because it does everything as well.
    assert_eq!(accepted(&World::full().left("ann@x.io").active("1", "ann@x.io").doubting()), ["1 ann@x.io key"]);
}

#[test]
fn what_rosterd_made_for_a_person_is_theirs_and_not_that_of_a_new_key() {
    let made = |key: &str| {
        let world = World::full().grant(key).alias(key, "ann.old@x.io").active("1", "ann.old@x.io").doubting();
        world.read_before().history(|past| drop(past.made_for.insert("1".into(), email("ann@x.io"))))
    };
    check!(made("ann@x.io"), @"ready a/update/ann@x.io email:ann.old@x.io>ann@x.io");
    // Whoever renames the key and keeps the old one as an alias moves what was made for the old one.
    let moved = World::full().grant("eve@x.io").alias("eve@x.io", "ann@x.io").active("1", "ann@x.io").doubting();
    let moved = moved.read_before().accepted("1", "ann@x.io");
    let moved = moved.history(|past| drop(past.made_for.insert("1".into(), email("ann@x.io"))));
    assert!(moved.show().starts_with("held a/update/eve@x.io email:ann@x.io>eve@x.io [identity]"), "{}", moved.show());
}

#[test]
fn an_approval_covers_a_prefix_for_as_many_people_as_it_says_and_never_some_of_them() {
    let domain = |people: usize| {
        let named = |world: World, n: usize| {
            let (who, old) = (format!("p{n}@new.io"), format!("p{n}@old.io"));
            world.grant(&who).alias(&who, &old).active(&n.to_string(), &old)
        };
        (0..people).fold(World::full().doubting(), named).read_before()
    };
    let told = domain(4).show();
    insta::assert_snapshot!(told.lines().last().unwrap(), @"! claim-not-accepted: 4 accounts in a are claimed by aliases, pins or new entries that nobody has accepted: those of p0@new.io, p1@new.io, p2@new.io and 1 more; to accept all of them, add `- { allow: a/update, guard: identity, up_to: 4, until: 2026-11-29 }` under `approvals:`");
    let held = |world: &World| world.plan().actions.iter().filter(|action| action.held.is_some()).count();
    for (allow, up_to, left) in [
        ("a", Some(4), 0),
        ("a/update", Some(4), 0),
        ("a/update", Some(5), 0),
        ("a/update", Some(3), 4),
        ("a/update", None, 4),
        ("a/deactivate", Some(4), 4),
        ("a/update/p1@new.io", None, 3),
        ("b/update", Some(4), 4),
    ] {
        assert_eq!(held(&domain(4).approve(allow, Guard::Identity, up_to)), left, "{allow} {up_to:?}");
    }
    // What it was used for is used up, however many more come.
    let mut world = after_a_run(&domain(4).approve("a/update", Guard::Identity, Some(4)));
    assert_eq!(held(&world), 0);
    world = world.grant("eve@new.io").alias("eve@new.io", "boss@old.io").active("9", "boss@old.io");
    assert_eq!(held(&world), 1);
}

#[test]
fn a_claim_can_be_approved_before_anything_depends_on_it() {
    let quiet = takeover().policy(|policy| policy.aliases = Aliases::Keep);
    check!(quiet, @"! claim-not-accepted: nobody has accepted account 1 as noor@x.io's: only the alias jobs@x.io says so; until somebody does, nothing is taken from it, and it keeps its address: to accept it, add `- { allow: a/update/noor@x.io, guard: identity, until: 2026-11-29 }` under `approvals:`");
    let line = quiet.plan().claims.open[0].1.clone();
    let mut approved = quiet.clone();
    approved.desired.approvals.push(parse_approval(&line));
    check!(approved, @"");
    assert_eq!(accepted(&approved), ["1 noor@x.io alias approved"]);
    assert_eq!(quiet.plan().claims.open[0].0.by, ClaimedBy::Alias);
}

#[test]
fn what_an_earlier_version_saw_is_accepted_once() {
    let world = takeover().history(|past| past.inherited = ["1".into()].into());
    assert!(world.show().starts_with("ready a/update/noor@x.io"), "{}", world.show());
    assert_eq!(accepted(&world), ["1 noor@x.io alias"]);
    let new = takeover().history(|past| past.inherited = ["2".into()].into());
    assert!(new.show().starts_with("held a/update/noor@x.io"), "{}", new.show());
}

#[test]
fn what_the_version_compared_with_claims_is_accepted_in_what_is_shown_of_a_change() {
    let base = takeover();
    let same = World { base: Some(base.desired.clone()), ..base.clone() };
    assert!(same.show().starts_with("ready a/update/noor@x.io"), "{}", same.show());
    let without = World::full().grant("noor@x.io");
    let brings = World { base: Some(without.desired), ..base };
    assert!(brings.show().starts_with("held a/update/noor@x.io"), "{}", brings.show());
    // Without any store the version compared with says who has been a person before.
    let left = World::one_way().left("bot@x.io").active("1", "bot@x.io").doubting();
    let service = World { base: Some(World::one_way().desired), ..left.clone() };
    assert!(service.show().starts_with("held a/deactivate/bot@x.io [identity]"), "{}", service.show());
    assert!(!service.whole_plan().guards_unchecked.contains(&Guard::Identity));
    let person = World { base: Some(World::one_way().person("bot@x.io").desired), ..left };
    assert!(person.show().starts_with("ready a/deactivate/bot@x.io"), "{}", person.show());
}

#[test]
fn strangers_are_nobodys_claim() {
    let world = World::full().grant("ann@x.io").active("1", "eve@x.io").doubting().read_before();
    let world = world.policy(|policy| policy.unlisted = Unlisted::Remove);
    assert!(world.show().contains("ready a/deactivate/eve@x.io"), "{}", world.show());
    assert_eq!(accepted(&world), Vec::<String>::new());
}
