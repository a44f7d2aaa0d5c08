//! Readings that did not go all the way: turns that have not come, and facts that are remembered.

use insta::assert_snapshot;

use super::fixture::*;
use crate::model::*;

/// Two people and a group of one-at-a-time facts, deleted by the files if `absent`.
fn world(absent: bool) -> World {
    let world = World::full().semantics(|semantics| semantics.members.read = MemberRead::PerAccount);
    let world = world.member("G", "ann@x.io").grant("bob@x.io").active("1", "ann@x.io").active("2", "bob@x.io");
    let world = world.live_group("g", "G", &["1"]);
    world.edit_group("G", |group| {
        if absent {
            group.state = GroupState::Absent;
            group.members.clear();
        }
    })
}

#[test]
fn those_whose_turn_has_not_come_are_told_of_together_and_nothing_is_guessed_about_them() {
    let world = world(false).member("G", "bob@x.io").seen(|live| {
        for account in &mut live.accounts {
            account.values.clear();
            live.extent.accounts_to_come.insert(account.id.clone());
        }
        live.groups[0].members.clear();
        live.extent.memberships_to_come = ["1".into(), "2".into()].into();
        live.unread_memberships = live.extent.memberships_to_come.clone();
    });
    let plan = world.plan();
    assert!(!plan.complete);
    assert_snapshot!(show(&plan), @r"
    held a/add-member/ann@x.io/G [incomplete]: whether the account is a member already is not known: the groups of ann@x.io have not been read yet
    held a/add-member/bob@x.io/G [incomplete]: whether the account is a member already is not known: the groups of bob@x.io have not been read yet
    ! not-read-yet: the fields and memberships of 2 of 2 accounts have not been read yet: the app shows them one account at a time, and each run reads as many as its share of the budget allows; what needs certainty about them is held
    ");
}

#[test]
fn what_is_remembered_is_planned_with_and_does_not_make_the_reading_incomplete() {
    let world = world(false).seen(|live| live.extent.remembered = [("1".into(), at("2026-11-22T08:00:00Z"))].into());
    let plan = world.plan();
    assert!(plan.complete && plan.actions.is_empty(), "{}", show(&plan));
}

#[test]
fn a_group_does_not_go_while_who_is_in_it_is_only_remembered() {
    assert_snapshot!(world(true).show(), @r"
    ready a/deactivate/ann@x.io
    held a/delete-group/G after a/remove-member/ann@x.io/G (MembersBeforeGroupGoes) [irreversible]: this cannot be undone, and no one has approved it
    ready a/remove-member/ann@x.io/G
    ");
    let remembered = |live: &mut LiveApp| live.extent.remembered = [("2".into(), at("2026-11-22T08:00:00Z"))].into();
    assert_snapshot!(world(true).seen(remembered).show(), @r"
    ready a/deactivate/ann@x.io
    held a/delete-group/G after a/remove-member/ann@x.io/G (MembersBeforeGroupGoes) [incomplete +irreversible]: not all members were seen (the groups of 1 account(s) are remembered from earlier runs), and they leave before their group goes
    ready a/remove-member/ann@x.io/G
    ");
}
