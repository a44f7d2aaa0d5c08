//! Every kind of removal gives its reason, and cites the line that explains it.

use super::fixture::*;
use crate::{
    model::{AccountStatus::*, Former, GroupState, Known, Person, Place, RemoveWith, Unlisted, Verb, Window},
    plan::AppHistory,
};

/// `NAME: reason, LINES` of everything that takes something away.
fn check(world: World, expect: &[&str]) {
    let actions = world.plan().actions;
    let told: Vec<String> = actions
        .iter()
        .filter(|action| action.takes_away())
        .map(|action| {
            let reason = action.reason.as_ref().map(ToString::to_string);
            let lines: Vec<String> = action.because.iter().map(ToString::to_string).collect();
            format!("{}: {} [{}]", action.name, reason.unwrap_or_default(), lines.join(", "))
        })
        .collect();
    assert_eq!(told, expect);
}

/// Bob has an account and is in a group, where Ann is too and may be.
fn bob_is_in() -> World {
    let world = World::full().grant("ann@x.io").member("G", "ann@x.io");
    world.active("1", "ann@x.io").active("2", "bob@x.io").live_group("g", "G", &["1", "2"])
}

#[test]
fn who_left_or_is_suspended_loses_the_account_by_the_line_that_says_so() {
    let world = |change: fn(&mut Person)| bob_is_in().left("bob@x.io").entry("bob@x.io", change);
    let line = |person: &mut Person| person.status_place = Some(Place::new("people.yaml", 7, 1));
    check(
        world(line),
        &["a/deactivate/bob@x.io: left [people.yaml:7]", "a/remove-member/bob@x.io/G: left [people.yaml:7]"],
    );
    check(bob_is_in().suspended("bob@x.io"), &["a/deactivate/bob@x.io: suspended [people.yaml:1]"]);
}

#[test]
fn whose_time_is_over_loses_it_by_the_line_of_the_date() {
    let world = bob_is_in().lapsed("bob@x.io");
    let dated = world.entry("bob@x.io", |person| person.until_place = Some(Place::new("people.yaml", 8, 1)));
    check(
        dated,
        &[
            "a/deactivate/bob@x.io: until 2026-10-31 [people.yaml:8]",
            "a/remove-member/bob@x.io/G: until 2026-10-31 [people.yaml:8]",
        ],
    );
}

#[test]
fn a_grant_that_is_over_says_when_it_ended() {
    let over = days(None, Some(20));
    let world = bob_is_in().grant_as("bob@x.io", "", over).member_as("G", "bob@x.io", "", over);
    check(
        world,
        &[
            "a/deactivate/bob@x.io: until 2026-11-19 [grants.yaml:1]",
            "a/remove-member/bob@x.io/G: until 2026-11-19 [grants.yaml:1]",
        ],
    );
}

#[test]
fn what_no_line_grants_cites_no_line_about_who_the_person_is() {
    check(
        bob_is_in().person("bob@x.io"),
        &[
            "a/deactivate/bob@x.io: no line grants it []",
            "a/remove-member/bob@x.io/G: no line grants it [groups.yaml:1]",
        ],
    );
    let known = Former { places: vec![Place::new("teams/a.yaml", 9, 1)], known: Known::AtCommit("3f2c1a7d00".into()) };
    let past = |history: &mut AppHistory| {
        history.granted_before.insert("a/deactivate/bob@x.io".into(), known);
    };
    check(
        bob_is_in().person("bob@x.io").history(past),
        &[
            "a/deactivate/bob@x.io: no line grants it (teams/a.yaml:9 did at commit 3f2c1a7) []",
            "a/remove-member/bob@x.io/G: no line grants it [groups.yaml:1]",
        ],
    );
}

#[test]
fn strangers_are_named_nowhere() {
    let remove = bob_is_in().policy(|policy| {
        policy.unlisted = Unlisted::Remove;
        policy.places.insert("unlisted".into(), Place::new("settings.yaml", 3, 1));
    });
    let nowhere = "no line grants it (named nowhere in the files) [settings.yaml:3]";
    let (account, member) = ("a/deactivate/bob@x.io", "a/remove-member/bob@x.io/G");
    check(remove, &[&format!("{account}: {nowhere}"), &format!("{member}: {nowhere}")]);
}

#[test]
fn a_group_that_is_given_up_takes_its_members_along() {
    let world = bob_is_in().grant("bob@x.io").edit_group("G", |group| group.state = GroupState::Absent);
    check(
        world,
        &[
            "a/delete-group/G: state: absent [groups.yaml:1]",
            "a/remove-member/ann@x.io/G: state: absent [groups.yaml:1]",
            "a/remove-member/bob@x.io/G: state: absent [groups.yaml:1]",
        ],
    );
}

#[test]
fn a_deletion_gives_the_same_reasons() {
    let world = bob_is_in().left("bob@x.io").policy(|policy| policy.remove_with = RemoveWith::Delete);
    check(world, &["a/delete/bob@x.io: left [people.yaml:1]", "a/remove-member/bob@x.io/G: left [people.yaml:1]"]);
}

#[test]
fn an_invitation_is_withdrawn_for_the_same_reasons() {
    let world = World::full().semantics(|semantics| semantics.cancel_pending = Some(Verb::Delete));
    check(world.person("bob@x.io").live("2", "bob@x.io", Pending), &["a/delete/bob@x.io: no line grants it []"]);
}

#[test]
fn a_role_that_is_taken_away_says_what_became_of_its_line() {
    let admin = || World::full().live_as("1", "ann@x.io", Active, "admin").live_as("2", "max@x.io", Active, "admin");
    let with = |world: World| world.grant_as("max@x.io", "admin", Window::ALWAYS);
    check(
        with(admin().grant_as("ann@x.io", "user", Window::ALWAYS)),
        &["a/update/ann@x.io: no line grants it [grants.yaml:1]"],
    );
    let over = admin().grant_as("ann@x.io", "user", Window::ALWAYS).grant_as("ann@x.io", "admin", days(None, Some(20)));
    check(with(over), &["a/update/ann@x.io: until 2026-11-19 [grants.yaml:1]"]);
}
