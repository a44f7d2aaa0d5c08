//! Whose account is it: aliases, pins and accounts that nobody can tell apart.

use std::sync::Arc;

use super::{check, fixture::*};
use crate::model::{AccountStatus::*, Aliases, Cap, Mode, RemoveWith, Unlisted};

#[test]
fn an_alias_is_the_same_person() {
    let world = World::full().grant_as("ann@x.io", "admin", days(None, None)).alias("ann@x.io", "a.old@x.io");
    check!(world.live_as("1", "A.Old@X.io", Active, "user"), @"ready a/update/ann@x.io email:A.Old@X.io>ann@x.io role:user>admin");
}

#[test]
fn addresses_compare_without_case() {
    check!(World::full().grant("ann@x.io").active("1", "Ann@X.IO"), @"");
}

#[test]
fn names_are_spelt_as_in_the_files() {
    let world = World::full().grant("bob@x.io").person("Ann@x.io").active("1", "ANN@X.IO").active("2", "BOB@x.io");
    check!(world.group("G").member("G", "cat@x.io").active("3", "cat@x.io").live_group("g", "G", &["2", "3"]), @"
    ready a/deactivate/Ann@x.io
    ready a/remove-member/bob@x.io/G
    ");
}

#[test]
fn a_pin_that_agrees_changes_nothing() {
    check!(World::full().grant("ann@x.io").pin("ann@x.io", "1").active("1", "ann@x.io"), @"");
}

#[test]
fn a_pin_finds_an_account_whose_address_changed_and_nothing_is_done_on_a_guess() {
    let world = World::full().grant_as("ann@x.io", "admin", days(None, None)).pin("ann@x.io", "1");
    check!(world.live_as("1", "ann.new@x.io", Active, "user"), @"
    held a/update/ann@x.io role:user>admin [ambiguous]: pins.yaml:1 pins ann@x.io to account 1, but that account's address is ann.new@x.io
    ! ambiguous-account: pins.yaml:1 pins ann@x.io to account 1, but that account's address is ann.new@x.io; if the account is still ann@x.io's, add `aliases: [ann.new@x.io]` to ann@x.io (people.yaml:1); if not, remove the pin at pins.yaml:1
    ");
}

#[test]
fn a_pin_to_somebody_elses_account_holds_both() {
    let world = World::full().grant("ann@x.io").grant("bob@x.io").pin("ann@x.io", "2");
    check!(world.active("1", "ann@x.io").live("2", "bob@x.io", Inactive), @r#"
    held a/create/bob@x.io [ambiguous]: pins.yaml:1 pins ann@x.io to account 2, but that account's address is bob@x.io
    held a/reactivate/ann@x.io [ambiguous +reactivation]: pins.yaml:1 pins ann@x.io to account 2, but that account's address is bob@x.io
    ! ambiguous-account: pins.yaml:1 pins ann@x.io to account 2, but that account's address is bob@x.io; bob@x.io is somebody else in the files: write `ann@x.io: "1"` at pins.yaml:1, or remove the pin at pins.yaml:1
    ! ambiguous-account: pins.yaml:1 pins ann@x.io to account 2, but that account's address is bob@x.io; bob@x.io is somebody else in the files: write `ann@x.io: "1"` at pins.yaml:1, or remove the pin at pins.yaml:1
    "#);
}

#[test]
fn two_pins_to_one_account_hold_both_people() {
    let world = World::full().grant("ann@x.io").grant("bob@x.io").pin("ann@x.io", "1").pin("bob@x.io", "1");
    check!(world.active("1", "ann@x.io"), @"
    held a/create/ann@x.io [ambiguous]: pins.yaml:1 and pins.yaml:1 pin ann@x.io and bob@x.io to the same account 1
    ! ambiguous-account: pins.yaml:1 and pins.yaml:1 pin ann@x.io and bob@x.io to the same account 1; correct one of the two pins
    ! ambiguous-account: pins.yaml:1 and pins.yaml:1 pin ann@x.io and bob@x.io to the same account 1; correct one of the two pins
    ");
}

#[test]
fn a_pin_to_nothing_holds_the_creation() {
    let world = World::full().grant("ann@x.io").pin("ann@x.io", "7");
    check!(world, @"
    held a/create/ann@x.io [ambiguous]: pins.yaml:1 pins account 7, which is not there
    ! ambiguous-account: pins.yaml:1 pins account 7, which is not there; remove the pin at pins.yaml:1; the account is then made anew in a
    ");
    check!(world.active("1", "ann@x.io").seen(|live| live.accounts[0].status = Inactive), @r#"
    held a/reactivate/ann@x.io [ambiguous +reactivation]: pins.yaml:1 pins account 7, which is not there, while ann@x.io has id 1
    ! ambiguous-account: pins.yaml:1 pins account 7, which is not there, while ann@x.io has id 1; if ann@x.io is the right account, write `ann@x.io: "1"` at pins.yaml:1
    "#);
}

#[test]
fn two_accounts_of_one_person_are_left_alone() {
    let world = World::full().grant_as("ann@x.io", "admin", days(None, None)).alias("ann@x.io", "old@x.io");
    let world = world.live_as("1", "ann@x.io", Active, "user").live_as("2", "old@x.io", Active, "user");
    check!(world, @r#"
    held a/update/ann@x.io role:user>admin [ambiguous]: ann@x.io has 2 accounts: ann@x.io (active, id 1) and old@x.io (active, id 2)
    ! ambiguous-account: ann@x.io has 2 accounts: ann@x.io (active, id 1) and old@x.io (active, id 2); say which one counts: for ann@x.io (id 1) add `ids: { ann@x.io: "1" }` to apps.a (apps.yaml:1), or for old@x.io (id 2) add `ids: { ann@x.io: "2" }` to apps.a (apps.yaml:1); or remove the other in the app
    "#);
}

#[test]
fn a_pin_settles_which_of_two_accounts_counts() {
    let world = World::full().grant_as("ann@x.io", "admin", days(None, None)).alias("ann@x.io", "old@x.io");
    let world = world.live_as("1", "ann@x.io", Active, "user").live_as("2", "old@x.io", Active, "user");
    check!(world.pin("ann@x.io", "2"), @"
    ready a/update/ann@x.io role:user>admin
    ! second-account: ann@x.io has further accounts beside the pinned one: ann@x.io (1)
    ");
}

#[test]
fn who_left_loses_all_accounts_that_are_certainly_theirs() {
    let world = World::full().grant("bob@x.io").active("5", "bob@x.io").left("ann@x.io").alias("ann@x.io", "old@x.io");
    check!(world.active("1", "ann@x.io").active("2", "old@x.io").active("3", "ANN@x.io"), @r#"
    ready a/deactivate/ann@x.io (1)
    ready a/deactivate/ann@x.io (3)
    ready a/deactivate/old@x.io
    ! ambiguous-account: ann@x.io has 3 accounts: ann@x.io (active, id 1) and old@x.io (active, id 2) and ANN@x.io (active, id 3); say which one counts: for ann@x.io (id 1) add `ids: { ann@x.io: "1" }` to apps.a (apps.yaml:1), or for old@x.io (id 2) add `ids: { ann@x.io: "2" }` to apps.a (apps.yaml:1), or for ANN@x.io (id 3) add `ids: { ann@x.io: "3" }` to apps.a (apps.yaml:1); or remove the others in the app
    "#);
}

#[test]
fn who_left_keeps_an_account_that_may_be_somebody_elses() {
    let world = World::full().grant("bob@x.io").active("5", "bob@x.io").left("ann@x.io").pin("ann@x.io", "1");
    check!(world.active("1", "eve@x.io"), @"
    held a/deactivate/ann@x.io [ambiguous]: pins.yaml:1 pins ann@x.io to account 1, but that account's address is eve@x.io
    ! ambiguous-account: pins.yaml:1 pins ann@x.io to account 1, but that account's address is eve@x.io; if the account is still ann@x.io's, add `aliases: [eve@x.io]` to ann@x.io (people.yaml:1); if not, remove the pin at pins.yaml:1
    ");
}

#[test]
fn who_has_two_accounts_and_no_grant_waits_for_a_person() {
    let world = World::full().grant("bob@x.io").active("5", "bob@x.io").person("ann@x.io");
    check!(world.active("1", "ann@x.io").active("2", "ANN@x.io"), @r#"
    held a/deactivate/ann@x.io (1) [ambiguous]: ann@x.io has 2 accounts: ann@x.io (active, id 1) and ANN@x.io (active, id 2)
    held a/deactivate/ann@x.io (2) [ambiguous]: ann@x.io has 2 accounts: ann@x.io (active, id 1) and ANN@x.io (active, id 2)
    ! ambiguous-account: ann@x.io has 2 accounts: ann@x.io (active, id 1) and ANN@x.io (active, id 2); say which one counts: for ann@x.io (id 1) add `ids: { ann@x.io: "1" }` to apps.a (apps.yaml:1), or for ANN@x.io (id 2) add `ids: { ann@x.io: "2" }` to apps.a (apps.yaml:1); or remove the other in the app
    "#);
}

#[test]
fn strangers_with_one_address_have_names_of_their_own() {
    let world = World::full().grant("bob@x.io").active("5", "bob@x.io");
    let world = world.active("1", "zoe@x.io").active("2", "Zoe@x.io").active("3", "").active("4", " ");
    check!(world, @"
    ! unlisted-account: (3) (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ! unlisted-account: (4) (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ! unlisted-account: zoe@x.io (1) (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ! unlisted-account: zoe@x.io (2) (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ");
    check!(world.clone().policy(|policy| policy.unlisted = Unlisted::Remove), @"
    held a/deactivate/(3) [ambiguous]: nobody can tell whose account it is, because it has no address (id 3, 4)
    held a/deactivate/(4) [ambiguous]: nobody can tell whose account it is, because it has no address (id 3, 4)
    held a/deactivate/zoe@x.io (1) [ambiguous]: zoe@x.io has 2 accounts: zoe@x.io (active, id 1) and Zoe@x.io (active, id 2)
    held a/deactivate/zoe@x.io (2) [ambiguous]: zoe@x.io has 2 accounts: zoe@x.io (active, id 1) and Zoe@x.io (active, id 2)
    ! ambiguous-account: nobody can tell whose account it is, because it has no address (id 3, 4); give the account an address in the app; or, if you know whose it is, pin it to that person under `ids` of apps.a (apps.yaml:1), by its id
    ! ambiguous-account: zoe@x.io has 2 accounts: zoe@x.io (active, id 1) and Zoe@x.io (active, id 2); remove all but one in the app; or, to have all of them removed, add `zoe@x.io: { status: left }` to `people`
    ");
    // As the repairs say.
    let mended = world.policy(|policy| policy.unlisted = Unlisted::Remove).left("zoe@x.io");
    let plan = mended.seen(|live| live.accounts.retain(|account| !account.email.key().is_empty())).plan();
    let statuses: Vec<_> = plan.actions.iter().map(|action| (action.name.to_string(), action.status)).collect();
    let ready = |name: &str| (name.to_owned(), crate::model::Status::Ready);
    assert_eq!(statuses, [ready("a/deactivate/zoe@x.io (1)"), ready("a/deactivate/zoe@x.io (2)")]);
}

#[test]
fn names_stay_with_their_accounts_when_one_of_two_is_deactivated() {
    let world = World::full().grant("bob@x.io").active("5", "bob@x.io").left("ann@x.io");
    let world = world.active("1", "ann@x.io").active("2", "Ann@x.io");
    let world = world.policy(|policy| policy.remove_with = RemoveWith::Delete);
    check!(world, @r#"
    held a/delete/ann@x.io (1) [irreversible]: this cannot be undone, and no one has approved it
    held a/delete/ann@x.io (2) [irreversible]: this cannot be undone, and no one has approved it
    ! ambiguous-account: ann@x.io has 2 accounts: ann@x.io (active, id 1) and Ann@x.io (active, id 2); say which one counts: for ann@x.io (id 1) add `ids: { ann@x.io: "1" }` to apps.a (apps.yaml:1), or for Ann@x.io (id 2) add `ids: { ann@x.io: "2" }` to apps.a (apps.yaml:1); or remove the other in the app
    "#);
    check!(world.seen(|live| live.accounts[1].status = Inactive), @r#"
    held a/delete/ann@x.io (1) [irreversible]: this cannot be undone, and no one has approved it
    held a/delete/ann@x.io (2) [irreversible]: this cannot be undone, and no one has approved it
    ! ambiguous-account: ann@x.io has 2 accounts: ann@x.io (inactive, id 1) and Ann@x.io (active, id 2); say which one counts: for ann@x.io (id 1) add `ids: { ann@x.io: "1" }` to apps.a (apps.yaml:1), or for Ann@x.io (id 2) add `ids: { ann@x.io: "2" }` to apps.a (apps.yaml:1); or remove the other in the app
    "#);
}

#[test]
fn nobody_removes_an_account_without_an_address() {
    let world = World::full().grant("bob@x.io").active("5", "bob@x.io").active("3", "");
    check!(world.clone().policy(|policy| policy.unlisted = Unlisted::Remove), @"
    held a/deactivate/(3) [ambiguous]: nobody can tell whose account it is, because it has no address (id 3)
    ! ambiguous-account: nobody can tell whose account it is, because it has no address (id 3); give the account an address in the app; or, if you know whose it is, pin it to that person under `ids` of apps.a (apps.yaml:1), by its id
    ");
    check!(world.policy(|policy| policy.unlisted = Unlisted::Remove).grant("ann@x.io").pin("ann@x.io", "3"), @"");
}

#[test]
fn a_person_renamed_without_an_alias_is_not_made_anew_and_removed() {
    let world = World::full().grant("bob@x.io").active("5", "bob@x.io").grant("jane.roe@x.io");
    let world = world.called("jane.roe@x.io", "Jane", "Doe").active("1", "jane.doe@x.io").seen_as("1", "jane", "DOE");
    check!(world, @"
    held a/create/jane.roe@x.io [ambiguous]: jane.roe@x.io is new and has the same names as jane.doe@x.io, whom the files do not know
    ! renamed-person: jane.roe@x.io is new and has the same names as jane.doe@x.io, whom the files do not know; if they are one person, add `aliases: [jane.doe@x.io]` to jane.roe@x.io (people.yaml:1); if they are two, add `jane.doe@x.io:` to apps.a.accounts (apps.yaml:1); if the other one has left, add `jane.doe@x.io: { status: left }` to `people`
    ! unlisted-account: jane.doe@x.io (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ");
    // Of two namesakes nobody can tell which it would be.
    let namesakes = world.clone().active("2", "j.doe@x.io").seen_as("2", "Jane", "Doe").show_actions();
    assert!(namesakes.starts_with("ready a/create/jane.roe@x.io\n! renamed-person"), "{namesakes}");
    let mended = world.clone().left("jane.doe@x.io");
    check!(mended, @"
    ready a/create/jane.roe@x.io
    ready a/deactivate/jane.doe@x.io
    ");
    let strict = world.policy(|policy| policy.unlisted = Unlisted::Remove);
    check!(strict, @"
    held a/create/jane.roe@x.io [ambiguous]: jane.roe@x.io is new and has the same names as jane.doe@x.io, whom the files do not know
    held a/deactivate/jane.doe@x.io [ambiguous]: jane.roe@x.io is new and has the same names as jane.doe@x.io, whom the files do not know
    ! renamed-person: jane.roe@x.io is new and has the same names as jane.doe@x.io, whom the files do not know; if they are one person, add `aliases: [jane.doe@x.io]` to jane.roe@x.io (people.yaml:1); if they are two, add `jane.doe@x.io:` to apps.a.accounts (apps.yaml:1); if the other one has left, add `jane.doe@x.io: { status: left }` to `people`
    ");
    check!(strict.clone().alias("jane.roe@x.io", "jane.doe@x.io"), @"ready a/update/jane.roe@x.io email:jane.doe@x.io>jane.roe@x.io");
    check!(strict.left("jane.doe@x.io"), @"
    ready a/create/jane.roe@x.io
    ready a/deactivate/jane.doe@x.io
    ");
}

#[test]
fn an_address_that_leads_to_another_account_than_before_is_held_until_somebody_pins_it() {
    let world = World::full().grant_as("ann@x.io", "admin", days(None, None)).live_as("2", "ann@x.io", Active, "user");
    let seen = |ids: &[&str]| {
        let ids = ids.iter().map(|id| Arc::from(*id)).collect();
        world.clone().history(|history| drop(history.seen_under.insert(email("ann@x.io"), ids)))
    };
    assert_eq!(seen(&["2"]).show(), world.clone().history(|_| ()).show(), "the account that was there before");
    check!(seen(&["1", "2"]), @r#"
    held a/update/ann@x.io role:user>admin [ambiguous]: ann@x.io was the address of account 1, and now it is that of 2, which was not made by rosterd: it may be somebody else's by now
    ! ambiguous-account: ann@x.io was the address of account 1, and now it is that of 2, which was not made by rosterd: it may be somebody else's by now; if it is ann@x.io's all the same, add `ids: { ann@x.io: "2" }` to apps.a (apps.yaml:1); if it is somebody else's, give it another address in the app
    "#);
    let pinned = seen(&["1", "2"]).pin("ann@x.io", "2");
    check!(pinned, @"ready a/update/ann@x.io role:user>admin");
    let ours = seen(&["1"]).history(|history| {
        history.made_by_us.insert("2".into());
    });
    assert_eq!(ours.show(), seen(&["2"]).show(), "an account of our making is no stranger's");
}

/// Somebody whose account 1 was seen as `bob@x.io` and is called `robert@x.io` in the app by now.
fn readdressed(bob: World) -> World {
    let world = bob.grant("ann@x.io").active("5", "ann@x.io").active("1", "robert@x.io");
    world.history(|history| {
        history.seen_under.insert(email("bob@x.io"), vec!["1".into()]);
        // A reading since has shown the new address.
        history.seen_under.insert(email("robert@x.io"), vec!["1".into()]);
    })
}

#[test]
fn who_left_does_not_escape_by_another_address_in_the_app() {
    let world = readdressed(World::full().left("bob@x.io"));
    check!(world, @"
    held a/deactivate/bob@x.io [ambiguous]: account 1 was bob@x.io's when rosterd saw it earlier, but that account's address is robert@x.io now
    ! ambiguous-account: account 1 was bob@x.io's when rosterd saw it earlier, but that account's address is robert@x.io now; if the account is still bob@x.io's, add `aliases: [robert@x.io]` to bob@x.io (people.yaml:1); if it is somebody else's, add `robert@x.io:` to apps.a.accounts (apps.yaml:1); if they have left, add `robert@x.io: { status: left }` to `people`
    ");
    // As the repairs say.
    check!(world.clone().alias("bob@x.io", "robert@x.io"), @"ready a/deactivate/bob@x.io");
    check!(world.clone().person("robert@x.io").grant("robert@x.io"), @"");
    check!(world.seen(|live| live.accounts[1].status = Inactive), @"");
}

#[test]
fn nobody_gets_a_second_account_beside_one_whose_address_was_changed_in_the_app() {
    let world = readdressed(World::full().grant_as("bob@x.io", "admin", days(None, None)));
    check!(world, @"
    held a/update/bob@x.io role:->admin [ambiguous]: account 1 was bob@x.io's when rosterd saw it earlier, but that account's address is robert@x.io now
    ! ambiguous-account: account 1 was bob@x.io's when rosterd saw it earlier, but that account's address is robert@x.io now; if the account is still bob@x.io's, add `aliases: [robert@x.io]` to bob@x.io (people.yaml:1); if it is somebody else's, add `robert@x.io:` to apps.a.accounts (apps.yaml:1); if they have left, add `robert@x.io: { status: left }` to `people`
    ");
    let lapsed = readdressed(World::full().grant("bob@x.io")).seen(|live| live.accounts[1].status = Inactive);
    check!(lapsed, @"
    held a/reactivate/bob@x.io [ambiguous +reactivation]: account 1 was bob@x.io's when rosterd saw it earlier, but that account's address is robert@x.io now
    ! ambiguous-account: account 1 was bob@x.io's when rosterd saw it earlier, but that account's address is robert@x.io now; if the account is still bob@x.io's, add `aliases: [robert@x.io]` to bob@x.io (people.yaml:1); if it is somebody else's, add `robert@x.io:` to apps.a.accounts (apps.yaml:1); if they have left, add `robert@x.io: { status: left }` to `people`
    ");
    // Another account that is certainly theirs, and an id that is somebody else's by the files, are in no doubt.
    let own = readdressed(World::full().grant("bob@x.io")).active("7", "bob@x.io");
    assert!(!own.show().contains("robert@x.io now"), "{}", own.show());
    let pinned = readdressed(World::full().grant("bob@x.io")).pin("bob@x.io", "7");
    assert!(pinned.show().contains("pins account 7, which is not there"), "{}", pinned.show());
}

/// Ann, whom the app still knows as `a.old@x.io`.
fn renamed() -> World {
    World::full().grant("ann@x.io").alias("ann@x.io", "a.old@x.io").active("1", "a.old@x.io")
}

#[test]
fn an_account_that_goes_by_an_alias_gets_the_address_of_its_person() {
    check!(renamed(), @"ready a/update/ann@x.io email:a.old@x.io>ann@x.io");
    // By hand where the API cannot.
    let fixed = |world: World| world.semantics(|semantics| semantics.fixed = ["email".into()].into());
    check!(fixed(renamed()), @"manual a/update/ann@x.io email:a.old@x.io>ann@x.io: the full API cannot change email; do it in the app's admin pages");
    check!(fixed(renamed().pin("ann@x.io", "1")), @"");
    check!(renamed().pin("ann@x.io", "1"), @"ready a/update/ann@x.io email:a.old@x.io>ann@x.io");
    let lead = World::full().grant_as("ann@x.io", "lead", days(None, None)).alias("ann@x.io", "a.old@x.io");
    check!(fixed(lead.live_as("1", "a.old@x.io", Active, "user")), @"
    ready a/update/ann@x.io role:user>lead
    ! fixed-field: ann@x.io goes by the alias a.old@x.io in a: the full API cannot change email; do it in the app's admin pages
    ");
    // Not where the files say that it stays so.
    check!(renamed().policy(|policy| policy.aliases = Aliases::Keep), @"");
    // An account that is made active again follows suit; one that nobody is to use, or has accepted yet, stays as it is.
    let ours = renamed().history(|past| assert!(past.deactivated_by_us.insert("1".into())));
    check!(ours.seen(|live| live.accounts[0].status = Inactive), @"
    ready a/reactivate/ann@x.io
    ready a/update/ann@x.io email:a.old@x.io>ann@x.io after a/reactivate/ann@x.io (ReactivationFirst)
    ");
    check!(renamed().seen(|live| live.accounts[0].status = Pending), @"");
    check!(renamed().suspended("ann@x.io"), @"ready a/deactivate/ann@x.io");
    check!(renamed().left("ann@x.io"), @"ready a/deactivate/ann@x.io");
}

#[test]
fn an_address_that_another_account_of_the_person_has_is_not_given_twice() {
    let two = renamed().active("2", "ann@x.io");
    check!(two.clone(), @r#"! ambiguous-account: ann@x.io has 2 accounts: a.old@x.io (active, id 1) and ann@x.io (active, id 2); say which one counts: for a.old@x.io (id 1) add `ids: { ann@x.io: "1" }` to apps.a (apps.yaml:1), or for ann@x.io (id 2) add `ids: { ann@x.io: "2" }` to apps.a (apps.yaml:1); or remove the other in the app"#);
    check!(two.clone().pin("ann@x.io", "2"), @"! second-account: ann@x.io has further accounts beside the pinned one: a.old@x.io (1)");
    check!(two.pin("ann@x.io", "1"), @"! second-account: ann@x.io has further accounts beside the pinned one: ann@x.io (2)");
}

#[test]
fn guards_look_at_who_gets_another_address() {
    check!(renamed().policy(|policy| policy.protect = vec!["a.old@*".into()]), @"held a/update/ann@x.io email:a.old@x.io>ann@x.io [protected]: a `protect` policy covers this address");
    check!(renamed().app(|app| app.self_account = Some(email("a.old@x.io"))), @"held a/update/ann@x.io email:a.old@x.io>ann@x.io [self]: our own credential acts as this account, and may not be able to sign in by another address");
    check!(renamed().app(|app| app.mode = Mode::Observe), @"held a/update/ann@x.io email:a.old@x.io>ann@x.io [mode]: nothing is written in `mode: observe`");
    check!(renamed().app(|app| app.mode = Mode::Add), @"ready a/update/ann@x.io email:a.old@x.io>ann@x.io");
    // Whoever has the address can do what the account can.
    check!(renamed().policy(|policy| policy.max_creates = Cap { share_percent: 0.0, at_least: 0 }), @"held a/update/ann@x.io email:a.old@x.io>ann@x.io [max-creates]: 1 person would gain something in a within a day, and the cap is 0 of 1 active");
}

#[test]
fn an_account_that_got_the_address_of_one_that_is_gone_is_still_its_persons() {
    let seen = |world: World, address: &'static str, ids: &[&str]| {
        let ids = ids.iter().map(|id| Arc::from(*id)).collect();
        world.history(|history| drop(history.seen_under.insert(email(address), ids)))
    };
    let now = World::full().grant("ann@x.io").alias("ann@x.io", "a.old@x.io").active("1", "ann@x.io");
    let used_again = seen(now, "ann@x.io", &["0", "1"]);
    assert!(used_again.show().contains("ann@x.io was the address of account 0"), "{}", used_again.show());
    check!(seen(used_again, "a.old@x.io", &["1"]), @"");
}

#[test]
fn an_address_that_rosterd_gave_needs_no_alias_any_more() {
    let seen = |address: &'static str| {
        let world = World::full().grant("ann@x.io").active("1", "ann@x.io");
        world.history(|history| {
            history.seen_under.insert(email("ann@x.io"), vec!["0".into(), "1".into()]);
            history.seen_under.insert(email("a.old@x.io"), vec!["1".into()]);
            history.readdressed_by_us.insert(("1".into(), email(address)));
        })
    };
    check!(seen("Ann@x.io"), @"");
    // Another address that it once got says nothing about this one.
    assert!(seen("a.old@x.io").show().contains("ann@x.io was the address of account 0"));
}

#[test]
fn a_new_address_never_holds_up_what_takes_a_role_away() {
    let user = World::full().grant_as("ann@x.io", "user", days(None, None)).alias("ann@x.io", "a.old@x.io");
    let admins = user.clone().live_as("1", "a.old@x.io", Active, "admin").policy(|policy| {
        policy.min_admins = 0;
        policy.max_creates = Cap { share_percent: 0.0, at_least: 0 };
        policy.max_removals = Cap { share_percent: 0.0, at_least: 1 };
    });
    check!(admins.clone(), @"
    ready a/update/ann@x.io role:admin>user
    ! unexpected-admin: a.old@x.io is an admin, and no line makes this account one
    ! address-later: ann@x.io goes by the alias a.old@x.io in a until this account has lost what it is to lose; the plan after that gives it the new address
    ");
    let fixed = |world: World| world.semantics(|semantics| semantics.update = false);
    check!(fixed(admins), @"
    manual a/update/ann@x.io email:a.old@x.io>ann@x.io role:admin>user: the full API has no way to change an account; do it in the app's admin pages
    ! unexpected-admin: a.old@x.io is an admin, and no line makes this account one
    ");
    // What gives goes together.
    check!(user.live_as("1", "a.old@x.io", Active, "viewer"), @"ready a/update/ann@x.io email:a.old@x.io>ann@x.io role:viewer>user");
}
