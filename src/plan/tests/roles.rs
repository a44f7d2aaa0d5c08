//! Roles, admins and seats.

use super::{check, fixture::*};
use crate::model::{AccountStatus::*, FindingCode, Seats, Window};

const ALWAYS: Window = Window::ALWAYS;

#[test]
fn a_promotion_gives_and_a_demotion_takes() {
    let world = World::full().grant_as("ann@x.io", "user", ALWAYS).grant_as("bob@x.io", "viewer", ALWAYS);
    let world = world.live_as("1", "ann@x.io", Active, "viewer").live_as("2", "bob@x.io", Active, "user");
    let shown: Vec<(String, bool)> =
        world.plan().actions.iter().map(|action| (action.name.to_string(), action.reduces_access)).collect();
    assert_eq!(shown, [("a/update/ann@x.io".into(), false), ("a/update/bob@x.io".into(), true)]);
    check!(world, @"
    ready a/update/ann@x.io role:viewer>user
    ready a/update/bob@x.io role:user>viewer
    ");
}

#[test]
fn the_higher_of_two_granted_roles_wins() {
    let world = World::full().grant_as("ann@x.io", "viewer", ALWAYS).grant_as("ann@x.io", "user", ALWAYS);
    check!(world.live_as("1", "ann@x.io", Active, ""), @"ready a/update/ann@x.io role:->user");
}

#[test]
fn a_managed_field_gets_its_default() {
    let world = World::full().grant_as("ann@x.io", "user", ALWAYS).grant("bob@x.io");
    let world = world.app(|app| drop(app.defaults.insert("role".into(), "viewer".into())));
    check!(world.live_as("1", "ann@x.io", Active, "user").live_as("2", "bob@x.io", Active, "user"), @"ready a/update/bob@x.io role:user>viewer");
}

#[test]
fn a_role_that_no_line_manages_is_left_alone() {
    check!(World::full().grant("ann@x.io").live_as("1", "ann@x.io", Active, "user"), @"");
}

#[test]
fn a_role_that_was_not_seen_is_not_changed() {
    let world = World::full().grant_as("ann@x.io", "user", ALWAYS).member_as("G", "ann@x.io", "lead", ALWAYS);
    let world = world.active("1", "ann@x.io").live_group("g", "G", &["1"]);
    check!(world.seen(|live| {
        live.accounts[0].values.clear();
        live.groups[0].members[0].values.clear();
    }), @"
    ! unread-fields: role of ann@x.io could not be read, so nothing is known about it and nothing is changed
    ! unread-fields: role of ann@x.io in G could not be read, so nothing is known about it and nothing is changed
    ");
}

#[test]
fn an_app_that_takes_nobody_without_a_role_gets_the_one_that_it_has_for_that() {
    let world =
        World::full().member("G", "ann@x.io").member("G", "bob@x.io").active("1", "ann@x.io").active("2", "bob@x.io");
    let world = world.live_group_as("g", "G", &[("2", "lead")]);
    // Whoever is in already keeps what they are: no line says anything about it.
    check!(world.semantics(|semantics| semantics.members.joins_as = values("member")), @"ready a/add-member/ann@x.io/G role:->member");
}

#[test]
fn what_is_fixed_on_creation_is_a_persons_work() {
    let world = World::full().grant_as("ann@x.io", "user", ALWAYS).live_as("1", "ann@x.io", Active, "viewer");
    check!(world.semantics(|semantics| semantics.fixed = ["role".into()].into()), @"manual a/update/ann@x.io role:viewer>user: the full API cannot change role; do it in the app's admin pages");
}

#[test]
fn roles_of_memberships_change_as_the_app_allows() {
    let world = |world: World| {
        world.member_as("G", "ann@x.io", "lead", ALWAYS).active("1", "ann@x.io").live_group_as(
            "g",
            "G",
            &[("1", "member")],
        )
    };
    check!(world(World::full()), @"ready a/change-member/ann@x.io/G role:member>lead");
    check!(world(World::one_way()), @"manual a/change-member/ann@x.io/G role:member>lead: the one-way API has no way to change a membership; do it in the app's admin pages");
}

#[test]
fn an_admin_that_no_line_makes_one_is_always_found() {
    let world = World::full().grant("ann@x.io").left("bob@x.io").live_as("1", "ann@x.io", Active, "admin");
    let world = world.live_as("2", "bob@x.io", Active, "admin").live_as("3", "zoe@x.io", Pending, "admin");
    check!(world.policy(|policy| policy.unlisted = crate::model::Unlisted::Ignore), @"
    ready a/deactivate/bob@x.io
    ! unexpected-admin: ann@x.io is an admin, and no line makes this account one
    ! unexpected-admin: bob@x.io is an admin, and no line makes this account one
    ! unexpected-admin: zoe@x.io is an admin, and no line makes this account one
    ");
}

fn last_admin_leaves() -> World {
    World::full().grant("ann@x.io").left("old@x.io").active("1", "ann@x.io").live_as("9", "old@x.io", Active, "admin")
}

#[test]
fn the_last_admin_is_kept_until_somebody_approves() {
    check!(last_admin_leaves(), @"
    held a/deactivate/old@x.io [min-admins]: 0 admin(s) would remain, and `min_admins` asks for 1
    ! unexpected-admin: old@x.io is an admin, and no line makes this account one
    ");
    check!(last_admin_leaves().released("a/deactivate/old@x.io"), @"
    allow a/deactivate/old@x.io: min-admins
    - held a/deactivate/old@x.io [min-admins]: 0 admin(s) would remain, and `min_admins` asks for 1
    + ready a/deactivate/old@x.io
    ");
}

#[test]
fn a_new_admin_comes_before_the_old_one_goes() {
    let promoted = World::full().left("old@x.io").live_as("9", "old@x.io", Active, "admin");
    let promoted = promoted.grant_as("ann@x.io", "admin", ALWAYS).live_as("1", "ann@x.io", Active, "user");
    check!(promoted, @"
    ready a/deactivate/old@x.io after a/update/ann@x.io (NewAdminFirst)
    ready a/update/ann@x.io role:user>admin
    ! unexpected-admin: old@x.io is an admin, and no line makes this account one
    ");
    let promoted = promoted.history(|past| assert!(past.deactivated_by_us.insert("1".into())));
    check!(promoted.seen(|live| live.accounts[1].status = Inactive), @"
    ready a/deactivate/old@x.io after a/update/ann@x.io (NewAdminFirst)
    ready a/reactivate/ann@x.io
    ready a/update/ann@x.io role:user>admin after a/reactivate/ann@x.io (ReactivationFirst)
    ! unexpected-admin: old@x.io is an admin, and no line makes this account one
    ");
}

#[test]
fn a_new_admin_whose_invitation_is_open_is_none_yet() {
    let world = World::one_way().left("old@x.io").live_as("9", "old@x.io", Active, "admin");
    check!(world.grant_as("ann@x.io", "admin", ALWAYS), @"
    ready a/create/ann@x.io role:->admin
    held a/deactivate/old@x.io [min-admins]: 0 admin(s) would remain, and `min_admins` asks for 1
    ! unexpected-admin: old@x.io is an admin, and no line makes this account one
    ");
}

#[test]
fn admins_go_at_once_where_enough_stay() {
    let world = last_admin_leaves().grant_as("eve@x.io", "admin", ALWAYS).live_as("2", "eve@x.io", Active, "admin");
    check!(world.grant_as("fay@x.io", "admin", ALWAYS).live_as("3", "fay@x.io", Active, "user"), @"
    ready a/deactivate/old@x.io
    ready a/update/fay@x.io role:user>admin
    ! unexpected-admin: old@x.io is an admin, and no line makes this account one
    ");
}

#[test]
fn an_update_that_leaves_the_role_alone_makes_no_admin_go() {
    let world = World::full().grant("ann@x.io").live_as("1", "ann@x.io", Active, "admin");
    let world = world.semantics(|semantics| semantics.fields.extend(["title".into()]));
    check!(world.app(|app| {
        app.managed.insert("title".into());
        app.defaults.insert("title".into(), "Ms".into());
    }).seen(|live| drop(live.accounts[0].values.insert("title".into(), None))), @"
    ready a/update/ann@x.io title:->Ms
    ! unexpected-admin: ann@x.io is an admin, and no line makes this account one
    ");
}

#[test]
fn a_seat_is_freed_before_it_is_taken_and_who_finds_none_waits() {
    let world = World::full().grant("new1@x.io").grant("new2@x.io").member("G", "new2@x.io").live_group("g", "G", &[]);
    let world = world.person("old@x.io").active("9", "old@x.io").live("8", "bob@x.io", Pending).grant("bob@x.io");
    let world = world.app(|app| app.seats = Some(2));
    assert_eq!(world.plan().forecast.seats, Some(Seats { needed: 2, free: 1 }));
    check!(world, @"
    waiting a/add-member/new2@x.io/G after a/create/new2@x.io (AccountBeforeMembership): comes after a/create/new2@x.io, which waits itself
    ready a/create/new1@x.io after a/deactivate/old@x.io (SeatFreedFirst)
    waiting a/create/new2@x.io: no seat: all 2 are taken
    ready a/deactivate/old@x.io
    ");
}

#[test]
fn seats_that_are_owed_are_not_given_away() {
    let world = World::full().grant("ann@x.io").active("1", "ann@x.io").person("o1@x.io").person("o2@x.io");
    let world = world.active("8", "o1@x.io").active("9", "o2@x.io").grant("new1@x.io").grant("new2@x.io");
    check!(world.app(|app| app.seats = Some(2)), @"
    ready a/create/new1@x.io after a/deactivate/o1@x.io (SeatFreedFirst) after a/deactivate/o2@x.io (SeatFreedFirst)
    waiting a/create/new2@x.io: no seat: all 2 are taken
    ready a/deactivate/o1@x.io
    ready a/deactivate/o2@x.io
    ");
}

#[test]
fn a_new_admin_takes_the_seat_of_who_is_no_admin() {
    let world = World::full().person("a.old@x.io").live_as("1", "a.old@x.io", Active, "admin").person("b.old@x.io");
    let world = world.active("2", "b.old@x.io").grant_as("new@x.io", "admin", ALWAYS);
    check!(world.app(|app| app.seats = Some(2)), @"
    ready a/create/new@x.io role:->admin after a/deactivate/b.old@x.io (SeatFreedFirst)
    ready a/deactivate/a.old@x.io after a/create/new@x.io (NewAdminFirst)
    ready a/deactivate/b.old@x.io
    ! unexpected-admin: a.old@x.io is an admin, and no line makes this account one
    ");
}

#[test]
fn an_old_admin_stays_while_the_new_one_finds_no_seat() {
    let world = World::full().person("old@x.io").live_as("1", "old@x.io", Active, "admin");
    let world = world.grant("ann@x.io").active("2", "ann@x.io").grant("bob@x.io").active("3", "bob@x.io");
    check!(world.grant_as("new@x.io", "admin", ALWAYS).app(|app| app.seats = Some(1)), @"
    waiting a/create/new@x.io role:->admin: no seat: all 1 are taken
    waiting a/deactivate/old@x.io after a/create/new@x.io (NewAdminFirst): comes after a/create/new@x.io, which waits itself
    ! unexpected-admin: old@x.io is an admin, and no line makes this account one
    ");
}

#[test]
fn where_the_only_seat_is_the_old_admins_a_cycle_is_found() {
    let world = World::full().person("old@x.io").live_as("1", "old@x.io", Active, "admin");
    check!(world.grant_as("new@x.io", "admin", ALWAYS).app(|app| app.seats = Some(1)), @"
    waiting a/create/new@x.io role:->admin after a/deactivate/old@x.io (SeatFreedFirst): these actions wait for each other: a/create/new@x.io, a/deactivate/old@x.io; do one of them by hand
    waiting a/deactivate/old@x.io after a/create/new@x.io (NewAdminFirst): these actions wait for each other: a/create/new@x.io, a/deactivate/old@x.io; do one of them by hand
    ! cycle: these actions wait for each other: a/create/new@x.io, a/deactivate/old@x.io; do one of them by hand
    ! unexpected-admin: old@x.io is an admin, and no line makes this account one
    ");
}

#[test]
fn whose_role_was_not_seen_may_be_the_last_admin() {
    let unseen = |world: World| {
        world
            .seen(|live| live.accounts.iter_mut().filter(|one| &*one.id == "1").for_each(|one| one.values.clear()))
            .plan()
    };
    let world = World::full().person("ann@x.io").grant("bob@x.io").active("1", "ann@x.io");
    let plan = unseen(world.clone().live_as("2", "bob@x.io", Active, "user"));
    let held = plan.actions[0].held.as_ref().map(|held| held.guard);
    assert_eq!(held, Some(crate::model::Guard::MinAdmins), "{plan:?}");
    let told =
        |plan: &crate::model::AppPlan| plan.findings.iter().any(|finding| finding.code == FindingCode::UnreadFields);
    assert!(told(&plan), "{plan:?}");
    let plan = unseen(world.live_as("2", "bob@x.io", Active, "admin"));
    assert!(plan.actions[0].held.is_none() && told(&plan), "{plan:?}");
}
