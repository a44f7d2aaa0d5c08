//! What a pause holds.

use super::{check, fixture::*};
use crate::model::{Mode, Pause};

/// Something to add, somebody whom no line grants anything, and somebody who left.
fn busy() -> World {
    let world = World::full().grant("ann@x.io").active("1", "ann@x.io").grant("new@x.io").person("bob@x.io");
    world.left("lea@x.io").active("2", "bob@x.io").active("3", "lea@x.io")
}

/// A pause of every app, until the midnight before a day of November.
fn pause(until: i8, holds_leavers: bool) -> Pause {
    let window = days(Some(20), Some(until));
    let (since, until) = (window.from.unwrap(), window.until.unwrap());
    Pause { app: None, since, until, by: "ann on vm-1".into(), reason: "the app is moved".into(), holds_leavers }
}

fn paused(pauses: &[Pause]) -> World {
    busy().history(|history| history.pauses = pauses.to_vec())
}

#[test]
fn a_pause_lets_only_leavers_through() {
    check!(paused(&[pause(29, false)]), @"
    held a/create/new@x.io [paused]: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved
    held a/deactivate/bob@x.io [paused]: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved
    ready a/deactivate/lea@x.io
    ! paused: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved; nothing but what cuts off people who left is written; `rosterd pause --end` ends it
    ");
}

#[test]
fn a_pause_that_says_so_holds_leavers_too() {
    check!(paused(&[pause(29, true)]), @"
    held a/create/new@x.io [paused]: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved
    held a/deactivate/bob@x.io [paused]: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved
    held a/deactivate/lea@x.io [paused]: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved
    ! paused: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved; nothing is written; `rosterd pause --end` ends it
    ");
    check!(paused(&[pause(29, false), pause(28, true)]), @"
    held a/create/new@x.io [paused]: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved
    held a/deactivate/bob@x.io [paused]: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved
    held a/deactivate/lea@x.io [paused]: paused until 2026-11-28 00:00 UTC by ann on vm-1: the app is moved
    ! paused: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved; nothing is written; `rosterd pause --end` ends it
    ");
}

#[test]
fn a_pause_ends_by_itself() {
    assert_eq!(paused(&[pause(21, true)]).show(), paused(&[]).show());
}

#[test]
fn a_pause_shows_even_where_there_is_nothing_to_hold() {
    let world = World::full().grant("ann@x.io").active("1", "ann@x.io");
    check!(world.history(|history| history.pauses = vec![pause(29, false)]), @"! paused: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved; nothing but what cuts off people who left is written; `rosterd pause --end` ends it");
}

#[test]
fn what_the_mode_holds_is_shown_as_held_by_the_mode() {
    check!(paused(&[pause(29, false)]).app(|app| app.mode = Mode::Observe), @"
    held a/create/new@x.io [mode +paused]: nothing is written in `mode: observe`
    held a/deactivate/bob@x.io [mode +paused]: nothing is written in `mode: observe`
    held a/deactivate/lea@x.io [mode]: nothing is written in `mode: observe`
    ! paused: paused until 2026-11-29 00:00 UTC by ann on vm-1: the app is moved; nothing but what cuts off people who left is written; `rosterd pause --end` ends it
    ");
}

#[test]
fn a_pause_prints_the_command_that_ends_it() {
    let of_app = Pause { app: Some("a".into()), ..pause(29, false) };
    for (pause, command) in [(pause(29, false), "`rosterd pause --end`"), (of_app, "`rosterd pause --end --app a`")] {
        let plan = paused(&[pause]).plan();
        let held = plan.actions.iter().find_map(|action| action.held.as_ref()).unwrap();
        let repair = held.repair.as_deref().unwrap();
        assert!(held.release.is_none() && repair.ends_with(command), "{repair}");
    }
}
