//! The daemon works, whatever commits, clocks and stores do meanwhile.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use super::town::{Tasks, Town, files};
use crate::daemon::{World as _, report::CycleResult};

const ACCOUNTS: &str = "    accounts: { jane@example.com: , leo@example.com: , sam@example.com: }\n";

fn people(jane: &str, leo: &str) -> String {
    format!(
        "  jane@example.com: {{ given_name: {jane}, family_name: B }}\n  \
         leo@example.com: {{ given_name: A, family_name: B{leo} }}\n  \
         sam@example.com: {{ given_name: A, family_name: B }}\n"
    )
}

const ALL: [&str; 3] = ["jane@example.com", "leo@example.com", "sam@example.com"];

async fn seconds(number: u64) {
    tokio::time::sleep(Duration::from_secs(number)).await;
}

/// A commit each second for ten minutes, as `commit` makes the n-th of them: people and app. Leo leaves in the hundredth.
async fn check(commit: impl Fn(u64, &str) -> (String, String)) -> BTreeMap<CycleResult, u64> {
    let town = Town::of(&ALL, Duration::from_secs(2)).await;
    let every = "{ every: 1m }";
    let of = |n: u64| {
        let (people, app) = commit(n, if n >= 100 { ", status: left" } else { "" });
        files(every, &people, &app, n)
    };
    let mut tasks = Tasks::begin(&town, of(0));
    let mut cut_off = None;
    for n in 1..=600 {
        seconds(1).await;
        tasks.workers.use_files(of(n));
        if cut_off.is_none() && !town.is_active("leo@example.com") {
            cut_off = Some(n);
        }
    }
    let cut_off = cut_off.expect("he is cut off");
    assert!((100..100 + 2 * 60 + 40).contains(&cut_off), "{cut_off}");
    let cycles = tasks.status.snapshot().apps["intranet"].cycles.clone();
    tasks.end().await;
    cycles
}

#[tokio::test(start_paused = true)]
async fn commits_every_second_end_no_cycle_and_keep_no_leaver_in() {
    // Somebody's name changes with every commit.
    let cycles = check(|n, leo| (people(&format!("J{n}"), leo), ACCOUNTS.into())).await;
    assert_eq!(cycles.keys().collect::<Vec<_>>(), [&CycleResult::Ok], "{cycles:?}");
    assert!((9..60).contains(&cycles[&CycleResult::Ok]), "{cycles:?}");
}

#[tokio::test(start_paused = true)]
async fn grants_that_come_and_go_with_every_commit_end_no_cycle_either() {
    let cycles = check(|n, leo| {
        let accounts = if n % 2 == 0 { ACCOUNTS } else { "    accounts: { jane@example.com: , leo@example.com: }\n" };
        let groups = format!("    groups: {{ Group {}: {{ members: [jane@example.com] }} }}\n", n % 3);
        (people("A", leo), format!("{accounts}{groups}"))
    })
    .await;
    assert!(!cycles.contains_key(&CycleResult::Stopped), "{cycles:?}");
    assert!(cycles.values().sum::<u64>() >= 9, "{cycles:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_delays_no_cycle_and_one_that_is_set_forward_skips_none() {
    for (schedule, jump) in [("{ every: 10m }", -3600), ("{ every: 10m }", 3600), ("{ cron: \"*/10 * * * *\" }", -3600)]
    {
        let town = Town::of(&ALL, Duration::from_millis(10)).await;
        let tasks = Tasks::begin(&town, files(schedule, &people("A", ""), ACCOUNTS, 0));
        seconds(330).await;
        let before = town.sent().len();
        town.off.fetch_add(jump, Ordering::Relaxed);
        seconds(45).await;
        let next = tasks.status.snapshot().apps["intranet"].next.unwrap().at;
        let ahead = next.duration_since(town.now()).as_secs();
        assert!((0..=600).contains(&ahead), "{schedule} {jump}: due in {ahead} s");
        seconds(600 - 375 + 15).await;
        let after = town.sent()[before..].to_vec();
        assert!(!after.is_empty(), "{schedule} {jump}");
        assert!(after[0] <= 605, "{schedule} {jump}: {after:?}");
        assert!(tasks.status.snapshot().sickness().is_empty());
        tasks.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_stores_trouble_costs_the_app_no_back_off_and_is_told_as_the_stores() {
    let town = Town::of(&ALL, Duration::from_millis(10)).await;
    let tasks = Tasks::begin(&town, files("{ every: 1m }", &people("A", ""), ACCOUNTS, 0));
    seconds(5).await;
    assert_eq!(tasks.status.snapshot().unready(), None);
    town.disk_is_full(true).await;
    seconds(400).await;
    let state = tasks.status.snapshot();
    let app = &state.apps["intranet"];
    assert_eq!((app.failures, app.last.as_ref().unwrap().result), (0, CycleResult::Store));
    let note = app.last.as_ref().unwrap().note.clone().unwrap();
    assert!(note.starts_with("the store ") && note.contains("full"), "{note}");
    let unready = state.unready().unwrap();
    assert!(unready.contains("the store"), "{unready}");
    // It is tried every few seconds, and not every second.
    let tries = app.cycles[&CycleResult::Store];
    assert!((50..=80).contains(&tries), "{tries}");
    town.disk_is_full(false).await;
    let back = town.seconds();
    seconds(8).await;
    let state = tasks.status.snapshot();
    let last = state.apps["intranet"].last.clone().unwrap();
    assert_eq!(last.result, CycleResult::Ok, "{:?}", last.note);
    assert!(town.sent().iter().any(|at| (back..back + 8).contains(at)));
    assert_eq!(state.unready(), None);
    tasks.end().await;
}
