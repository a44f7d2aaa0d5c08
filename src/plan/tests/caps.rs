//! Caps on how many people lose or gain something.

use super::{check, fixture::*};
use crate::model::{AccountStatus::*, Cap, Email, Guard, Irreversible, RemoveWith, Window};

/// Ten people with accounts, `gone` of them without a grant.
fn ten(world: World, gone: usize) -> World {
    (0..10).fold(world, |world, n| {
        let who = format!("p{n}@x.io");
        let world = if n < gone { world.person(&who) } else { world.grant(&who) };
        world.active(&n.to_string(), &who)
    })
}

fn cap(share_percent: f64, at_least: u32) -> Cap {
    Cap { share_percent, at_least }
}

#[test]
fn within_the_cap_everybody_goes_and_past_it_nobody() {
    check!(ten(World::full(), 3), @"
    ready a/deactivate/p0@x.io
    ready a/deactivate/p1@x.io
    ready a/deactivate/p2@x.io
    ");
    check!(ten(World::full(), 4).grant("p9@x.io"), @"
    held a/deactivate/p0@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p2@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p3@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    ");
    check!(ten(World::full(), 4).released("a/deactivate/p0@x.io"), @"
    allow a/deactivate: max-removals up to 4
    - held a/deactivate/p0@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    - held a/deactivate/p1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    - held a/deactivate/p2@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    - held a/deactivate/p3@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    + ready a/deactivate/p0@x.io
    + ready a/deactivate/p1@x.io
    + ready a/deactivate/p2@x.io
    + ready a/deactivate/p3@x.io
    ");
}

#[test]
fn the_share_counts_where_it_is_more() {
    check!(ten(World::full(), 4).policy(|policy| policy.max_removals = cap(40.0, 3)), @"
    ready a/deactivate/p0@x.io
    ready a/deactivate/p1@x.io
    ready a/deactivate/p2@x.io
    ready a/deactivate/p3@x.io
    ");
}

#[test]
fn a_demotion_counts_and_a_promotion_does_not() {
    let world = |from: &str, to: &str| {
        let world = ten(World::full(), 3).grant_as("eve@x.io", to, Window::ALWAYS);
        world
            .live_as("e", "eve@x.io", Active, from)
            .app(|app| drop(app.defaults.insert("role".into(), "user".into())))
            .seen(|live| {
                live.accounts
                    .iter_mut()
                    .take(10)
                    .for_each(|a| drop(a.values.insert("role".into(), Some("user".into()))))
            })
    };
    check!(world("user", "viewer"), @"
    held a/deactivate/p0@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 11 active
    held a/deactivate/p1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 11 active
    held a/deactivate/p2@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 11 active
    held a/update/eve@x.io role:user>viewer [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 11 active
    ");
    check!(world("viewer", "user"), @"
    ready a/deactivate/p0@x.io
    ready a/deactivate/p1@x.io
    ready a/deactivate/p2@x.io
    ready a/update/eve@x.io role:viewer>user
    ");
}

#[test]
fn people_are_counted_not_actions() {
    let world = ten(World::full(), 0).group("G").group("H").live_group("g", "G", &["0", "1", "2", "9"]);
    let world = world.live_group("h", "H", &["0", "1", "2", "9"]).member("G", "p9@x.io").member("H", "p9@x.io");
    check!(world, @"
    ready a/remove-member/p0@x.io/G
    ready a/remove-member/p0@x.io/H
    ready a/remove-member/p1@x.io/G
    ready a/remove-member/p1@x.io/H
    ready a/remove-member/p2@x.io/G
    ready a/remove-member/p2@x.io/H
    ");
}

#[test]
fn a_group_has_a_cap_of_its_own() {
    let world = ten(World::full(), 1).group("G").live_group("g", "G", &["1", "2", "3", "9"]).member("G", "p9@x.io");
    let world = world.edit_group("G", |group| group.policy.max_removals = cap(0.0, 2));
    check!(world, @"
    held a/deactivate/p0@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/remove-member/p1@x.io/G [max-removals]: 3 people would lose something in G within a day, and the cap is 2 of 4 active
    held a/remove-member/p2@x.io/G [max-removals]: 3 people would lose something in G within a day, and the cap is 2 of 4 active
    held a/remove-member/p3@x.io/G [max-removals]: 3 people would lose something in G within a day, and the cap is 2 of 4 active
    ");
    check!(world.released("a/remove-member/p1@x.io/G"), @"
    allow a/remove-member: max-removals up to 3
    - held a/remove-member/p1@x.io/G [max-removals]: 3 people would lose something in G within a day, and the cap is 2 of 4 active
    - held a/remove-member/p2@x.io/G [max-removals]: 3 people would lose something in G within a day, and the cap is 2 of 4 active
    - held a/remove-member/p3@x.io/G [max-removals]: 3 people would lose something in G within a day, and the cap is 2 of 4 active
    + ready a/remove-member/p1@x.io/G
    + ready a/remove-member/p2@x.io/G
    + ready a/remove-member/p3@x.io/G
    ");
}

fn mail(who: &str) -> Email {
    email(who)
}

#[test]
fn the_day_counts_and_a_person_counts_once() {
    let earlier = |who: &str| {
        let lost = [(mail(who), None), (mail("y@x.io"), None)];
        ten(World::full(), 2).history(|history| history.lost_today = lost.into())
    };
    check!(earlier("z@x.io"), @"
    held a/deactivate/p0@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 12 active
    held a/deactivate/p1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 12 active
    ");
    check!(earlier("p0@x.io"), @"
    ready a/deactivate/p0@x.io
    ready a/deactivate/p1@x.io
    ");
    check!(earlier("z@x.io").released("a/deactivate/p0@x.io"), @"
    allow a/deactivate: max-removals up to 2
    - held a/deactivate/p0@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 12 active
    - held a/deactivate/p1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 12 active
    + ready a/deactivate/p0@x.io
    + ready a/deactivate/p1@x.io
    ");
}

#[test]
fn the_share_is_of_those_active_at_the_start_of_the_day() {
    let world = ten(World::full(), 4).history(|history| history.active_at_day_start = Some(40));
    check!(world, @"
    ready a/deactivate/p0@x.io
    ready a/deactivate/p1@x.io
    ready a/deactivate/p2@x.io
    ready a/deactivate/p3@x.io
    ");
}

#[test]
fn an_approval_that_names_fewer_people_releases_none() {
    let world = ten(World::full(), 4);
    assert_eq!(world.clone().approve("a", Guard::MaxRemovals, Some(3)).show_actions(), world.show_actions());
    assert_eq!(world.clone().approve("a", Guard::MaxRemovals, None).show_actions(), world.show_actions());
    assert_ne!(world.clone().approve("a", Guard::MaxRemovals, Some(4)).show_actions(), world.show_actions());
}

#[test]
fn an_approval_for_one_person_leaves_the_others_to_the_cap() {
    check!(ten(World::full(), 4).approve("a/deactivate/p0@x.io", Guard::MaxRemovals, None), @"
    ready a/deactivate/p0@x.io
    held a/deactivate/p1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p2@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p3@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    ");
    check!(ten(World::full(), 5).approve("a/deactivate/p0@x.io", Guard::MaxRemovals, None), @"
    ready a/deactivate/p0@x.io
    held a/deactivate/p1@x.io [max-removals]: 5 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p2@x.io [max-removals]: 5 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p3@x.io [max-removals]: 5 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p4@x.io [max-removals]: 5 people would lose something in a within a day, and the cap is 3 of 10 active
    ");
}

#[test]
fn a_count_of_removals_covers_no_deletion() {
    let world = ten(World::full(), 4).policy(|policy| {
        policy.remove_with = RemoveWith::Delete;
        policy.irreversible = Irreversible::Allow;
    });
    let world = world.group("G").member("G", "p9@x.io").live_group("g", "G", &["8", "7", "9"]);
    assert_eq!(
        world.clone().approve("a", Guard::MaxRemovals, Some(99)).plan().actions[0].status,
        crate::model::Status::Held
    );
    check!(world, @"
    held a/delete/p0@x.io [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/delete/p1@x.io [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/delete/p2@x.io [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/delete/p3@x.io [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/remove-member/p7@x.io/G [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/remove-member/p8@x.io/G [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    ");
    check!(world.released("a/delete/p0@x.io"), @"
    allow a/delete: max-removals up to 4
    - held a/delete/p0@x.io [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    - held a/delete/p1@x.io [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    - held a/delete/p2@x.io [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    - held a/delete/p3@x.io [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    + ready a/delete/p0@x.io
    + ready a/delete/p1@x.io
    + ready a/delete/p2@x.io
    + ready a/delete/p3@x.io
    ");
    check!(world.released("a/remove-member/p7@x.io/G"), @"
    allow a/remove-member: max-removals up to 2
    - held a/remove-member/p7@x.io/G [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    - held a/remove-member/p8@x.io/G [max-removals]: 6 people would lose something in a within a day, and the cap is 3 of 10 active
    + ready a/remove-member/p7@x.io/G
    + ready a/remove-member/p8@x.io/G
    ");
}

#[test]
fn leaving_does_not_lift_the_cap() {
    let world = (0..4).fold(ten(World::one_way(), 0), |world, n| world.left(&format!("p{n}@x.io")));
    check!(world, @"
    held a/deactivate/p0@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p2@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p3@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    ");
}

#[test]
fn gains_have_a_cap_too() {
    let world =
        ten(World::full(), 1).policy(|policy| policy.max_creates = cap(0.0, 1)).grant("n1@x.io").grant("n2@x.io");
    check!(world, @"
    held a/create/n1@x.io [max-creates]: 2 people would gain something in a within a day, and the cap is 1 of 10 active
    held a/create/n2@x.io [max-creates]: 2 people would gain something in a within a day, and the cap is 1 of 10 active
    ready a/deactivate/p0@x.io
    ");
    check!(world.released("a/create/n1@x.io"), @"
    allow a/create: max-creates up to 2
    - held a/create/n1@x.io [max-creates]: 2 people would gain something in a within a day, and the cap is 1 of 10 active
    - held a/create/n2@x.io [max-creates]: 2 people would gain something in a within a day, and the cap is 1 of 10 active
    + ready a/create/n1@x.io
    + ready a/create/n2@x.io
    ");
}

#[test]
fn a_new_account_and_its_memberships_are_one_person() {
    let world = World::one_way().policy(|policy| policy.max_creates = cap(0.0, 1)).member("G", "n1@x.io");
    check!(world.live_group("g", "G", &[]).member("H", "n1@x.io").live_group("h", "H", &[]), @"
    waiting a/add-member/n1@x.io/G after a/create/n1@x.io (AccountBeforeMembership): the invitation has to be sent and accepted first
    waiting a/add-member/n1@x.io/H after a/create/n1@x.io (AccountBeforeMembership): the invitation has to be sent and accepted first
    ready a/create/n1@x.io
    ");
}

#[test]
fn what_is_held_anyway_does_not_use_up_the_cap() {
    let world = ten(World::one_way(), 4).left("p0@x.io");
    check!(world, @"
    ready a/deactivate/p0@x.io
    held a/deactivate/p1@x.io [irreversible]: this cannot be undone, and no one has approved it
    held a/deactivate/p2@x.io [irreversible]: this cannot be undone, and no one has approved it
    held a/deactivate/p3@x.io [irreversible]: this cannot be undone, and no one has approved it
    ");
}

#[test]
fn a_new_admin_whom_a_cap_holds_replaces_nobody() {
    let world = World::full().semantics(|semantics| {
        let role = semantics.role.as_mut().expect("it has roles");
        role.ranked.clear();
    });
    let world = world.grant_as("new@x.io", "admin", Window::ALWAYS).live_as("1", "new@x.io", Active, "user");
    let world = world.person("old@x.io").live_as("2", "old@x.io", Active, "admin");
    let world = world.policy(|policy| policy.max_removals = cap(0.0, 0));
    check!(world.approve("a/deactivate/old@x.io", Guard::MaxRemovals, None), @"
    held a/deactivate/old@x.io [min-admins]: 0 admin(s) would remain, and `min_admins` asks for 1
    held a/update/new@x.io role:user>admin [max-removals]: 2 people would lose something in a within a day, and the cap is 0 of 2 active
    ! unexpected-admin: old@x.io is an admin, and no line makes this account one
    ");
}

#[test]
fn nobody_new_comes_in_while_too_many_would_go() {
    let world = ten(World::full(), 4).grant("n1@x.io").grant("n2@x.io").grant("back@x.io");
    let world = world.history(|history| drop(history.seen_under.insert(email("back@x.io"), vec!["77".into()])));
    check!(world, @"
    ready a/create/back@x.io
    held a/create/n1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active; the files of a wrong branch look like that, so nobody new is let into a until that is settled
    held a/create/n2@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active; the files of a wrong branch look like that, so nobody new is let into a until that is settled
    held a/deactivate/p0@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p2@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    held a/deactivate/p3@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    ");
    // Whoever was held because of the removals goes with them.
    check!(world.released("a/deactivate/p0@x.io"), @"
    allow a/deactivate: max-removals up to 4
    - held a/create/n1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active; the files of a wrong branch look like that, so nobody new is let into a until that is settled
    - held a/create/n2@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active; the files of a wrong branch look like that, so nobody new is let into a until that is settled
    - held a/deactivate/p0@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    - held a/deactivate/p1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    - held a/deactivate/p2@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    - held a/deactivate/p3@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active
    + ready a/create/n1@x.io
    + ready a/create/n2@x.io
    + ready a/deactivate/p0@x.io
    + ready a/deactivate/p1@x.io
    + ready a/deactivate/p2@x.io
    + ready a/deactivate/p3@x.io
    ");
    check!(world.released("a/create/n1@x.io"), @"
    allow a/create: max-removals up to 2
    - held a/create/n1@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active; the files of a wrong branch look like that, so nobody new is let into a until that is settled
    - held a/create/n2@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 10 active; the files of a wrong branch look like that, so nobody new is let into a until that is settled
    + ready a/create/n1@x.io
    + ready a/create/n2@x.io
    ");
    // An approval of the removals of the whole app counts no creates.
    let all = world.approve("a", Guard::MaxRemovals, Some(4)).show_actions();
    assert!(!all.contains("held"), "{all}");
}

#[test]
fn a_group_that_is_swapped_for_strangers_gets_none_while_its_removals_are_held() {
    let world = (0..6).fold(World::full().group("G"), |world, n| {
        world.grant(&format!("p{n}@x.io")).active(&n.to_string(), &format!("p{n}@x.io"))
    });
    let world = world.live_group("g", "G", &["0", "1", "2", "3"]).member("G", "p4@x.io").member("G", "new@x.io");
    check!(world, @"
    held a/add-member/new@x.io/G after a/create/new@x.io (AccountBeforeMembership) [max-removals]: 4 people would lose something in G within a day, and the cap is 3 of 4 active; the files of a wrong branch look like that, so nobody new is let into G until that is settled
    ready a/add-member/p4@x.io/G
    held a/create/new@x.io [max-removals]: 4 people would lose something in a within a day, and the cap is 3 of 6 active; the files of a wrong branch look like that, so nobody new is let into a until that is settled
    held a/remove-member/p0@x.io/G [max-removals]: 4 people would lose something in G within a day, and the cap is 3 of 4 active
    held a/remove-member/p1@x.io/G [max-removals]: 4 people would lose something in G within a day, and the cap is 3 of 4 active
    held a/remove-member/p2@x.io/G [max-removals]: 4 people would lose something in G within a day, and the cap is 3 of 4 active
    held a/remove-member/p3@x.io/G [max-removals]: 4 people would lose something in G within a day, and the cap is 3 of 4 active
    ");
}

#[test]
fn where_the_last_day_is_not_on_record_and_nobody_looks_only_the_floor_counts() {
    let world = ten(World::full(), 4).policy(|policy| policy.max_removals = cap(50.0, 3)).read_before();
    let known = |world: World| world.history(|history| history.active_at_day_start = Some(10));
    assert!(!known(world.clone().unseen()).show_actions().contains("held"), "a day is on record");
    assert!(!world.show_actions().contains("held"), "a person looks");
    let held = world.clone().unseen().show_actions();
    assert!(
        held.lines().all(|line| line.starts_with("held") && line.contains("no reading of the app that is a day old"))
    );
    let after = world.unseen().released("a/deactivate/p0@x.io").after.show_actions();
    assert!(!after.contains("held"), "{after}");
    let fewer = ten(World::full(), 3).policy(|policy| policy.max_removals = cap(50.0, 3)).read_before();
    assert!(!fewer.unseen().show_actions().contains("held"), "the floor is for everybody");
    // Of a store that lives no longer than its process it is never known.
    let nothing = ten(World::full(), 4).policy(|policy| policy.max_removals = cap(50.0, 3));
    assert!(nothing.unseen().show_actions().contains("held a/deactivate/p0@x.io [max-removals]"));
}
