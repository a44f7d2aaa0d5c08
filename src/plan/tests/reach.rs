//! What an app lets rosterd do with a group or a name, and what it lets joining do.

use super::{check, fixture::*};
use crate::model::{AccountStatus::*, Coverage, Email, Reach, Seats, Window, Words};

fn reach(reach: Reach) -> World {
    let world = World::full().member("G", "ann@x.io").member("G", "bob@x.io").active("1", "ann@x.io");
    let world = world.active("2", "bob@x.io").person("cid@x.io").grant("cid@x.io").active("3", "cid@x.io");
    world.live_group("g", "G", &["1", "3"]).seen(|live| live.groups[0].reach = reach)
}

#[test]
fn a_group_that_can_only_be_read_is_a_persons_work() {
    check!(reach(Reach::ReadOnly("it is an old project".into())), @"
    manual a/add-member/bob@x.io/G: it is an old project; add a member in the app
    manual a/remove-member/cid@x.io/G: it is an old project; remove a member in the app
    ! group-read-only: G can only be read: it is an old project
    ");
}

#[test]
fn a_group_that_the_app_withdrew_is_left_alone_and_told() {
    check!(reach(Reach::Gone("the app answered 410".into())), @"! group-gone: G is out of reach, so nothing about it is planned: the app answered 410");
}

#[test]
fn a_membership_that_cannot_be_used_is_told() {
    let world = World::full().member("G", "ann@x.io").active("1", "ann@x.io").live_group("g", "G", &["1"]);
    check!(world.seen(|live| live.groups[0].members[0].status = Inactive), @"! unusable-membership: the membership of ann@x.io in G is inactive, which no line asks for; look at it in the app");
}

fn named(role: &str) -> World {
    let words = Words {
        known: ["7".into(), "8".into(), "Analyst".into()].into(),
        ambiguous: [("Editor".into(), vec!["7".into(), "8".into()])].into(),
        repair: "write one of its roles".into(),
    };
    let world = World::full().grant_as("ann@x.io", role, Window::ALWAYS).active("1", "ann@x.io");
    world.seen(|live| drop(live.vocabulary.accounts.insert("role".into(), words)))
}

#[test]
fn a_name_that_stands_for_nothing_or_for_several_things_is_never_sent() {
    check!(named("Analyst"), @"ready a/update/ann@x.io role:->Analyst");
    check!(named("Editor"), @"held a/update/ann@x.io role:->Editor [ambiguous]: a has 2 roles called Editor: 7, 8");
    check!(named("Analist"), @"held a/update/ann@x.io role:->Analist [ambiguous]: a shows no role called Analist");
}

/// Joining makes accounts and carries the names of people.
fn joining() -> World {
    World::full().semantics(|semantics| {
        semantics.members.creates_account = true;
        semantics.members.creates_with = ["given_name".into(), "family_name".into()].into();
    })
}

#[test]
fn joining_makes_the_account_when_it_carries_all_that_is_asked() {
    let world = joining().called("ann@x.io", "Ann", "Ash").member("G", "ann@x.io").live_group("g", "G", &[]);
    check!(world.clone(), @"ready a/add-member/ann@x.io/G");
    // More than a name takes a create of its own.
    check!(world.clone().grant_as("ann@x.io", "admin", Window::ALWAYS), @"
    ready a/add-member/ann@x.io/G after a/create/ann@x.io (AccountBeforeMembership)
    ready a/create/ann@x.io role:->admin
    ");
    // Where the group cannot be joined, nothing makes the account but a create.
    check!(world.seen(|live| live.groups[0].reach = Reach::ReadOnly("it is an old project".into())), @"
    manual a/add-member/ann@x.io/G after a/create/ann@x.io (AccountBeforeMembership): it is an old project; add a member in the app
    ready a/create/ann@x.io
    ! group-read-only: G can only be read: it is an old project
    ");
}

#[test]
fn somebody_who_joins_two_groups_takes_one_seat() {
    let world = joining().member("G", "ann@x.io").member("H", "ann@x.io").member("G", "bob@x.io");
    let world = world.live_group("g", "G", &[]).live_group("h", "H", &[]);
    check!(world.clone().app(|app| app.seats = Some(2)), @"
    ready a/add-member/ann@x.io/G
    ready a/add-member/ann@x.io/H
    ready a/add-member/bob@x.io/G
    ");
    let world = world.app(|app| app.seats = Some(1));
    assert_eq!(world.plan().forecast.seats, Some(Seats { needed: 2, free: 1 }));
    check!(world, @"
    ready a/add-member/ann@x.io/G
    ready a/add-member/ann@x.io/H
    waiting a/add-member/bob@x.io/G: no seat: all 1 are taken
    ");
}

#[test]
fn a_query_that_finds_nobody_outweighs_a_list_that_broke_off() {
    let world = World::full().grant("ann@x.io").grant("bob@x.io").alias("bob@x.io", "rob@x.io").seen(|live| {
        live.accounts_coverage = Coverage::Incomplete("page 2 failed".into());
        live.absent = ["ann@x.io", "bob@x.io"].map(Email::lenient).into();
    });
    // Nobody asked for the address that bob had before.
    check!(world, @"
    ready a/create/ann@x.io
    held a/create/bob@x.io [incomplete]: not all accounts were seen (page 2 failed), so this one may exist already
    ! incomplete-read: the accounts could not be read to the end: page 2 failed; what needs certainty is held
    ");
}
