//! Granted, ungranted and unlisted; windows; people who are suspended or left.

use super::{check, fixture::*};
use crate::model::{AccountStatus::*, RemoveWith, Unlisted, Window};

#[test]
fn what_is_granted_and_live_needs_nothing() {
    check!(World::full().member("G", "ann@x.io").active("1", "ann@x.io").live_group("g", "G", &["1"]), @"");
}

#[test]
fn who_is_granted_gets_an_account_and_memberships() {
    check!(World::full().grant("ann@x.io").member("G", "ann@x.io").live_group("g", "G", &[]), @"
    ready a/add-member/ann@x.io/G after a/create/ann@x.io (AccountBeforeMembership)
    ready a/create/ann@x.io
    ");
}

#[test]
fn who_is_named_without_a_grant_loses_account_and_membership() {
    let world = World::full().grant("ann@x.io").person("bob@x.io").member("G", "ann@x.io");
    let world = world.active("1", "ann@x.io").active("2", "bob@x.io").live_group("g", "G", &["1", "2"]);
    check!(world, @"
    ready a/deactivate/bob@x.io
    ready a/remove-member/bob@x.io/G after a/deactivate/bob@x.io (InactiveFirst)
    ");
}

#[test]
fn who_keeps_the_account_loses_only_the_ungranted_membership() {
    let world = World::full().grant("ann@x.io").member("G", "bob@x.io");
    let world = world.active("1", "ann@x.io").active("2", "bob@x.io").live_group("g", "G", &["1", "2"]);
    check!(world, @"ready a/remove-member/ann@x.io/G");
}

fn with_strangers() -> World {
    let world = World::full().grant("ann@x.io").member("G", "ann@x.io");
    world.active("1", "ann@x.io").active("9", "zoe@x.io").live_group("g", "G", &["1", "9"])
}

#[test]
fn strangers_are_reported() {
    check!(with_strangers(), @"
    ! unlisted-account: zoe@x.io (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ! unlisted-member: zoe@x.io is a member of G and named nowhere in the files
    ");
}

#[test]
fn strangers_are_removed_where_the_policy_says_so() {
    check!(with_strangers().policy(|policy| policy.unlisted = Unlisted::Remove), @"
    ready a/deactivate/zoe@x.io
    ready a/remove-member/zoe@x.io/G after a/deactivate/zoe@x.io (InactiveFirst)
    ");
}

#[test]
fn strangers_are_ignored_where_the_policy_says_so() {
    check!(with_strangers().policy(|policy| policy.unlisted = Unlisted::Ignore), @"");
}

#[test]
fn a_group_may_remove_strangers_that_the_app_only_reports() {
    check!(with_strangers().edit_group("G", |group| group.policy.unlisted = Unlisted::Remove), @"
    ready a/remove-member/zoe@x.io/G
    ! unlisted-account: zoe@x.io (active) is named nowhere in the files; list the person, or set `unlisted: remove`
    ");
}

#[test]
fn groups_that_no_line_declares_are_left_alone() {
    check!(World::full().grant("ann@x.io").active("1", "ann@x.io").live_group("h", "H", &["1", "2"]), @"");
}

#[test]
fn what_begins_later_is_not_added_yet() {
    let later = days(Some(30), None);
    check!(World::full().grant("bob@x.io").grant_as("ann@x.io", "", later).member_as("G", "cat@x.io", "", later)
        .active("2", "bob@x.io").live_group("g", "G", &[]), @"");
}

#[test]
fn what_begins_later_and_is_there_already_is_not_removed() {
    let later = days(Some(30), None);
    check!(World::full().grant_as("ann@x.io", "admin", later).member_as("G", "ann@x.io", "", later)
        .live_as("1", "ann@x.io", Active, "user").live_group("g", "G", &["1"]), @"");
}

#[test]
fn what_has_ended_is_removed() {
    let over = days(None, Some(22));
    check!(World::full().grant("ann@x.io").member("G", "ann@x.io").member_as("G", "bob@x.io", "", over)
        .grant_as("cat@x.io", "", over)
        .active("1", "ann@x.io").active("2", "bob@x.io").active("3", "cat@x.io").live_group("g", "G", &["1", "2"]), @"
    ready a/deactivate/bob@x.io
    ready a/deactivate/cat@x.io
    ready a/remove-member/bob@x.io/G after a/deactivate/bob@x.io (InactiveFirst)
    ");
}

#[test]
fn a_window_holds_from_its_first_instant_to_before_its_last() {
    let (begins, ends) = (Window { from: Some(at(NOW)), until: None }, Window { from: None, until: Some(at(NOW)) });
    check!(World::full().grant_as("ann@x.io", "", begins).grant_as("bob@x.io", "", ends)
        .active("2", "bob@x.io"), @"
    ready a/create/ann@x.io
    ready a/deactivate/bob@x.io
    ");
}

#[test]
fn an_ended_grant_beside_one_that_holds_takes_nothing_away() {
    check!(World::full().grant_as("ann@x.io", "admin", days(None, Some(2))).grant_as("ann@x.io", "user", Window::ALWAYS)
        .live_as("1", "ann@x.io", Active, "user"), @"");
}

#[test]
fn a_suspension_deactivates_and_keeps_the_memberships() {
    let world = World::full().member("G", "ann@x.io").member("G", "bob@x.io").suspended("ann@x.io");
    let world = world.active("1", "ann@x.io").active("2", "bob@x.io").live_group("g", "G", &["1", "2"]);
    check!(world.clone().policy(|policy| policy.remove_with = RemoveWith::Delete), @"ready a/deactivate/ann@x.io");
    check!(world.seen(|live| live.accounts[0].status = Inactive), @"");
}

#[test]
fn a_suspension_takes_away_memberships_that_no_line_grants_while_the_account_cannot_be_closed() {
    let world = World::one_way().suspended("ann@x.io").member("G", "bob@x.io");
    let world = world.active("1", "ann@x.io").active("2", "bob@x.io").live_group("g", "G", &["1", "2"]);
    check!(world, @"
    held a/deactivate/ann@x.io [irreversible]: this cannot be undone, and no one has approved it
    manual a/remove-member/ann@x.io/G: remove the member in the admin pages
    ");
}

#[test]
fn who_left_loses_everything_and_an_inactive_account_is_enough() {
    let world = World::full().grant("bob@x.io").member("G", "ann@x.io").left("ann@x.io").member("G", "bob@x.io");
    let world = world.active("1", "ann@x.io").active("2", "bob@x.io").live_group("g", "G", &["1", "2"]);
    check!(world, @"
    ready a/deactivate/ann@x.io
    ready a/remove-member/ann@x.io/G after a/deactivate/ann@x.io (InactiveFirst)
    ");
    check!(world.seen(|live| live.accounts[0].status = Inactive), @"
    ready a/remove-member/ann@x.io/G
    ");
}

#[test]
fn who_left_is_not_added_anywhere() {
    check!(World::full().grant("ann@x.io").member("G", "ann@x.io").left("ann@x.io").live_group("g", "G", &[]), @"");
}

#[test]
fn who_lapsed_counts_as_having_left() {
    let world = World::full().grant("bob@x.io").grant("ann@x.io").lapsed("ann@x.io");
    check!(world.active("1", "ann@x.io").active("2", "bob@x.io"), @"ready a/deactivate/ann@x.io");
}

#[test]
fn removal_deletes_where_the_policy_says_so_inactive_accounts_too() {
    let world = World::full().grant("bob@x.io").person("ann@x.io").person("cat@x.io").active("1", "ann@x.io");
    let world = world.active("2", "bob@x.io").live("3", "cat@x.io", Inactive);
    check!(world.policy(|policy| policy.remove_with = RemoveWith::Delete), @"
    held a/delete/ann@x.io [irreversible]: this cannot be undone, and no one has approved it
    held a/delete/cat@x.io [irreversible]: this cannot be undone, and no one has approved it
    ");
}

#[test]
fn deletion_never_stands_in_for_deactivation() {
    let world = World::full().semantics(|semantics| semantics.deactivate = None);
    check!(world.grant("bob@x.io").person("ann@x.io").active("1", "ann@x.io").active("2", "bob@x.io"), @"manual a/deactivate/ann@x.io: the full API has no way to deactivate an account; do it in the app's admin pages; or let it be deleted: `policy: { remove_with: delete }` under apps.a");
}
