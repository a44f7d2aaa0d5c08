//! Plans for one person alone.

use insta::assert_snapshot;

use super::fixture::*;
use crate::model::*;

/// Nobody but `who` was looked for, whose groups were.
fn alone(world: World, who: &str) -> World {
    world.seen(|live| {
        let about = About { alone: true, ..About::among_all(email(who)) };
        live.accounts_coverage = Coverage::Incomplete(format!("only {who} was looked for"));
        live.extent.about = Some(about);
    })
}

/// Ten people with accounts and a group of two, of whom only the leaver was seen.
fn leaver(role: &str) -> World {
    let world = (0..10).fold(World::full(), |world, n| world.grant(&format!("p{n}@x.io")));
    let world = world.member("G", "p1@x.io").member("H", "ann@x.io").grant_as("ann@x.io", role, Window::ALWAYS);
    alone(world.left("ann@x.io").live_as("1", "ann@x.io", AccountStatus::Active, role), "ann@x.io")
}

#[test]
fn nobody_else_is_in_it_although_nobody_else_was_seen() {
    assert_snapshot!(leaver("user").show(), @r"
    ready a/deactivate/ann@x.io
    ! only-one-person: Only ann@x.io was looked for: nothing is said about anybody else, and caps that are a share of everybody are not judged.
    ");
}

#[test]
fn a_share_of_everybody_does_not_stop_one_person_and_a_plain_count_does() {
    let share = |world: World, share_percent, at_least| {
        world.policy(|policy| policy.max_removals = Cap { share_percent, at_least })
    };
    let first = |world: World| world.show().lines().next().unwrap_or_default().to_owned();
    assert_snapshot!(first(share(leaver("user"), 10.0, 0)), @"ready a/deactivate/ann@x.io");
    assert_snapshot!(first(share(leaver("user"), 0.0, 0)), @"held a/deactivate/ann@x.io [max-removals]: 1 person would lose something in a within a day, and the cap is 0");
    // A ledger knows how many there were, and who went today.
    let today = |active: usize| {
        share(leaver("user"), 10.0, 0).history(|history| {
            history.active_at_day_start = Some(active);
            history.lost_today.insert((email("p1@x.io"), None));
        })
    };
    assert_snapshot!(first(today(20)), @"ready a/deactivate/ann@x.io");
    assert_snapshot!(first(today(19)), @"held a/deactivate/ann@x.io [max-removals]: 2 people would lose something in a within a day, and the cap is 1 of 19 active");
}

#[test]
fn an_admin_goes_only_by_approval_because_the_others_were_not_counted() {
    let world = leaver("admin");
    assert_snapshot!(world.show(), @r"
    held a/deactivate/ann@x.io [min-admins]: whether other admins remain is not known, because only ann@x.io was looked for, and `min_admins` asks for 1
    ! unexpected-admin: ann@x.io is an admin, and no line makes this account one
    ! only-one-person: Only ann@x.io was looked for: nothing is said about anybody else, and caps that are a share of everybody are not judged.
    ");
    assert_snapshot!(world.released("a/deactivate/ann@x.io").show(), @r"
    allow a/deactivate/ann@x.io: min-admins
    - held a/deactivate/ann@x.io [min-admins]: whether other admins remain is not known, because only ann@x.io was looked for, and `min_admins` asks for 1
    + ready a/deactivate/ann@x.io
    ");
}

#[test]
fn a_reading_of_one_is_no_reading_that_shrank() {
    let world = leaver("user").history(|history| history.accounts_last_seen = Some(10_000));
    assert_snapshot!(world.show().lines().next().unwrap_or_default(), @"ready a/deactivate/ann@x.io");
}

#[test]
fn an_id_that_was_asked_for_and_is_not_there_makes_nobody_anew() {
    let world = || alone(World::full().grant("ann@x.io").pin("ann@x.io", "9"), "ann@x.io");
    let absent = |live: &mut LiveApp| live.absent = [email("ann@x.io")].into();
    assert_snapshot!(world().seen(absent).show().lines().next().unwrap_or_default(), @"ready a/create/ann@x.io");
    let missing = |live: &mut LiveApp| {
        absent(live);
        live.extent.about.as_mut().expect("it is about one").missing.insert("9".into());
    };
    assert_snapshot!(world().seen(missing).show(), @r"
    held a/create/ann@x.io [ambiguous]: pins.yaml:1 pins account 9, which is not there
    ! ambiguous-account: pins.yaml:1 pins account 9, which is not there; remove the pin at pins.yaml:1; the account is then made anew in a
    ! only-one-person: Only ann@x.io was looked for: nothing is said about anybody else, and caps that are a share of everybody are not judged.
    ");
}

#[test]
fn a_newcomer_needs_a_seat_that_is_known_to_be_free_and_a_group_that_is_there() {
    let world = alone(World::full().grant("ann@x.io").member("G", "ann@x.io").member("G", "bob@x.io"), "ann@x.io");
    let world = world.seen(|live| live.absent = [email("ann@x.io")].into());
    assert_snapshot!(world.show(), @r"
    held a/add-member/ann@x.io/G after a/create/ann@x.io (AccountBeforeMembership) [incomplete]: the group is not there, and this plan is about one person alone
    ready a/create/ann@x.io
    ! only-one-person: Only ann@x.io was looked for: nothing is said about anybody else, and caps that are a share of everybody are not judged.
    ");
    let world = world.live_group("g", "G", &[]).app(|app| app.seats = Some(40));
    assert_snapshot!(world.show(), @r"
    waiting a/add-member/ann@x.io/G after a/create/ann@x.io (AccountBeforeMembership): comes after a/create/ann@x.io, which waits itself
    waiting a/create/ann@x.io: whether one of the 40 seats is free is not known, because only ann@x.io was looked for; run without `--only`
    ! only-one-person: Only ann@x.io was looked for: nothing is said about anybody else, and caps that are a share of everybody are not judged.
    ");
}

#[test]
fn a_membership_that_no_line_grants_goes_while_the_files_keep_somebody_in_the_group() {
    let world = World::full().grant("ann@x.io").active("1", "ann@x.io").live_group("g", "G", &["1"]);
    let world = alone(world, "ann@x.io").group("G");
    assert_snapshot!(world.clone().member("G", "bob@x.io").show().lines().next().unwrap_or_default(), @"ready a/remove-member/ann@x.io/G");
    assert_snapshot!(world.show().lines().next().unwrap_or_default(), @"held a/remove-member/ann@x.io/G [desired-empty]: no line grants membership in G, and this would leave it empty");
}

#[test]
fn among_all_a_plan_for_one_is_judged_with_everybody_counted() {
    let world = (0..10).fold(World::full(), |world, n| {
        let who = format!("p{n}@x.io");
        world.grant_as(&who, if n == 0 { "admin" } else { "user" }, Window::ALWAYS).live_as(
            &n.to_string(),
            &who,
            AccountStatus::Active,
            if n == 0 { "admin" } else { "user" },
        )
    });
    // Everyone has left, which no cap would let pass.
    let world = (0..10).fold(world, |world, n| world.left(&format!("p{n}@x.io")));
    let only = |n: u8| {
        let who = About::among_all(email(&format!("p{n}@x.io")));
        world.clone().seen(|live| live.extent.about = Some(who)).show()
    };
    assert_snapshot!(only(1), @"ready a/deactivate/p1@x.io");
    assert_snapshot!(only(0), @r"
    held a/deactivate/p0@x.io [min-admins]: 0 admin(s) would remain, and `min_admins` asks for 1
    ! unexpected-admin: p0@x.io is an admin, and no line makes this account one
    ");
}
