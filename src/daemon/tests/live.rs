//! The daemon works, whatever commits, clocks and stores do meanwhile.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use secrecy::SecretString;

use super::town::{Tasks, Town, files};
use crate::{
    connectors::Registry,
    daemon::{
        InForce, Undelivered, World,
        files::Files,
        report::{CycleResult, Standing},
        status::DaemonStatus,
    },
    desired::{self, Loaded, Problems},
    model::{DesiredApp, SecretRef},
    reconcile::Reconciler,
};

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
        let sick = tasks.status.snapshot().sickness();
        assert!(!sick.iter().any(|sick| sick.contains("has been due")), "{sick:?}");
        tasks.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_stores_trouble_costs_the_app_no_back_off_and_is_told_as_the_stores() {
    let town = Town::of(&ALL, Duration::from_millis(10)).await;
    let tasks = Tasks::begin(&town, files("{ every: 1m }", &people("A", ""), ACCOUNTS, 0));
    seconds(5).await;
    assert_eq!(tasks.status.snapshot().unready(), None);
    town.store_is_away(true);
    seconds(400).await;
    let state = tasks.status.snapshot();
    let app = &state.apps["intranet"];
    assert_eq!((app.failures, app.last.as_ref().unwrap().result), (0, CycleResult::Store));
    let note = app.last.as_ref().unwrap().note.clone().unwrap();
    assert!(note.starts_with("the store "), "{note}");
    let unready = state.unready().unwrap();
    assert!(unready.contains("the store"), "{unready}");
    assert_eq!(app.standing(), Standing::Behind, "nobody knows how it stands");
    // It is tried every few seconds, and not every second.
    let tries = app.cycles[&CycleResult::Store];
    assert!((50..=80).contains(&tries), "{tries}");
    town.store_is_away(false);
    let back = town.seconds();
    seconds(8).await;
    let state = tasks.status.snapshot();
    let last = state.apps["intranet"].last.clone().unwrap();
    assert_eq!(last.result, CycleResult::Ok, "{:?}", last.note);
    assert!(town.sent().iter().any(|at| (back..back + 8).contains(at)));
    assert_eq!(state.unready(), None);
    tasks.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_app_that_answers_nothing_is_told_after_one_time_limit() {
    let town = Town::of(&ALL, Duration::from_millis(10)).await;
    let tasks = Tasks::begin(&town, files("{ every: 10m }", &people("A", ""), ACCOUNTS, 0));
    seconds(5).await;
    assert_eq!(tasks.status.snapshot().apps["intranet"].standing(), Standing::InSync);
    town.wire.silent.store(true, Ordering::Relaxed);
    tasks.status.nudge(None);
    seconds(35).await;
    let app = tasks.status.snapshot().apps["intranet"].clone();
    let last = app.last.clone().unwrap();
    assert_eq!((last.result, app.standing()), (CycleResult::Unread, Standing::Unreadable));
    let note = last.note.clone().unwrap();
    assert!(note.contains("takes requests, and answered none within 30 s"), "{note}");
    town.wire.silent.store(false, Ordering::Relaxed);
    seconds(620).await;
    assert_eq!(tasks.status.snapshot().apps["intranet"].standing(), Standing::InSync);
    tasks.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_only_a_person_can_put_right_is_not_in_sync_and_does_not_fail_readiness() {
    let town = Town::of(&["jane@example.com", "jane@old.example"], Duration::from_millis(10)).await;
    let people = "  jane@example.com: { given_name: A, family_name: B, aliases: [jane@old.example] }\n";
    let app = "    accounts: { jane@example.com: }\n";
    let tasks = Tasks::begin(&town, files("{ every: 10m }", people, app, 0));
    seconds(5).await;
    let state = tasks.status.snapshot();
    assert_eq!(state.apps["intranet"].standing(), Standing::NeedsPerson, "{:?}", state.apps["intranet"].last);
    assert_eq!(state.unready(), None);
    tasks.end().await;
}

/// Files that are read, and nothing else.
struct Disk {
    dir: tempfile::TempDir,
    reads: AtomicU64,
}

#[async_trait::async_trait]
impl World for Disk {
    fn directory(&self) -> &Path {
        self.dir.path()
    }

    fn load(&self) -> Result<Loaded, Problems> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let text = "apps:\n  a: { connector: workiva, url: https://x.example, auth: { client_id: { env: A }, client_secret: { env: B } } }\n";
        desired::parse(vec![("all.yaml".into(), text.into())], &Registry::default())
    }

    fn wants(&self, _: &DesiredApp) -> bool {
        true
    }

    fn reconciler(&self, _: &InForce, _: &str, _: bool) -> Reconciler {
        unreachable!("nothing works here")
    }

    async fn tell(&self, _: &SecretRef, _: &serde_json::Value) -> Result<(), Undelivered> {
        Ok(())
    }

    fn secret(&self, _: &SecretRef) -> Result<SecretString, String> {
        Err("there are no secrets here".into())
    }
}

#[tokio::test(start_paused = true)]
async fn however_often_the_files_are_asked_for_each_reading_comes_to_its_end() {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("all.yaml"), "apps: {}\n").unwrap();
    let disk = Arc::new(Disk { dir, reads: AtomicU64::new(0) });
    let status = DaemonStatus::new(disk.now());
    let world: Arc<dyn World> = disk.clone();
    let (mut files, following) = Files::follow(&world, &status);
    tokio::pin!(following);
    let (mut came, mut forced) = (0, 0);
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    let mut storm = tokio::time::interval(Duration::from_millis(50));
    while tokio::time::Instant::now() < end {
        tokio::select! {
            _ = storm.tick() => files.ask(),
            (_, asked) = files.next() => {
                came += 1;
                forced += u64::from(asked);
            }
            () = &mut following => {}
        }
    }
    assert!(came > 10 && forced >= came - 1, "{came} came, {forced} of them asked for");
    assert!(disk.reads.load(Ordering::Relaxed) <= came + 1);
}
