//! Saved plans: what of a fresh plan is still what was looked at.

use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::fixture::*;
use crate::{
    model::*,
    plan::saved::{narrow, steps},
};

/// What is done when the plan of `fresh` is cut down to the saved one of `before`, and what is stale.
fn show(before: &World, fresh: &World, apart: Option<&str>) -> String {
    let mut plan = fresh.whole_plan();
    let apart: BTreeMap<_, _> = apart.iter().map(|why| ("a".into(), (*why).to_owned())).collect();
    let stale = narrow(&mut plan, &steps(&before.whole_plan()), &apart);
    let done =
        plan.apps.iter().flat_map(|app| &app.actions).map(|action| format!("{:?} {}", action.status, action.name));
    let stale = stale.into_iter().map(|one| format!("{:?} {}: {}", one.leaves, one.name, one.why));
    done.chain(stale).collect::<Vec<_>>().join("\n")
}

/// Ann is to be made and put into a group, and Bob has to go.
fn world() -> World {
    let world =
        World::full().member("G", "ann@x.io").live_group("g", "G", &[]).grant("cat@x.io").active("3", "cat@x.io");
    world.left("bob@x.io").active("2", "bob@x.io")
}

#[test]
fn what_is_the_same_is_done() {
    assert_snapshot!(show(&world(), &world(), None), @r"
    Ready a/add-member/ann@x.io/G
    Ready a/create/ann@x.io
    Ready a/deactivate/bob@x.io
    ");
}

#[test]
fn what_follows_something_that_is_not_done_is_not_done_either() {
    let other = world().grant_as("ann@x.io", "viewer", Window::ALWAYS);
    assert_snapshot!(show(&world(), &other, None), @r"
    Ready a/deactivate/bob@x.io
    Missed a/create/ann@x.io: what it does, or to whom, is not what the plan was saved with
    Missed a/add-member/ann@x.io/G: it follows a/create/ann@x.io, which is not done
    ");
}

#[test]
fn the_lines_that_ask_for_a_step_and_an_approval_of_it_do_not_make_it_another_one() {
    let moved = world().app(|app| {
        for claim in app.groups.values_mut().flat_map(|group| group.members.values_mut()).flatten() {
            claim.because = vec![Place::new("elsewhere.yaml", 7, 1)];
        }
    });
    let moved = moved.approve("a", Guard::Irreversible, None);
    assert_eq!(show(&world(), &moved, None), show(&world(), &world(), None));
}

#[test]
fn what_a_reading_does_not_show_may_be_needed_still() {
    let gone = |coverage: Coverage| {
        world().seen(|live| {
            live.accounts.retain(|account| &*account.id != "2");
            live.accounts_coverage = coverage;
        })
    };
    assert_snapshot!(show(&world(), &gone(Coverage::Complete), None), @r"
    Ready a/add-member/ann@x.io/G
    Ready a/create/ann@x.io
    Nothing a/deactivate/bob@x.io: it is not needed any more
    ");
    assert_snapshot!(show(&world(), &gone(Coverage::Incomplete("a page is missing".into())), None), @r"
    Waiting a/add-member/ann@x.io/G
    Held a/create/ann@x.io
    Missed a/create/ann@x.io: it is held now: not all accounts were seen (a page is missing), so this one may exist already
    Missed a/deactivate/bob@x.io: it is not in the fresh plan, and not all of the app was read, so that it may be needed still
    Missed a/add-member/ann@x.io/G: it is waiting now: comes after a/create/ann@x.io, which is held
    ");
}

#[test]
fn nothing_is_done_in_an_app_that_is_left_alone() {
    assert_snapshot!(show(&world(), &world(), Some("it moved")), @r"
    Missed a/create/ann@x.io: it moved
    Missed a/deactivate/bob@x.io: it moved
    Missed a/add-member/ann@x.io/G: it moved
    ");
}
