//! Daemons that share a store.

use super::*;
use crate::{
    connectors::Clock,
    daemon::turns,
    store::{AppKey, Daemon, DaemonId, OpenOptions, Store, TurnClaim, Why},
};

async fn store() -> Store {
    let options = OpenOptions { blocking: true, ..OpenOptions::default() };
    Store::open_with("sqlite::memory:", &options).await.unwrap()
}

fn clock() -> Clock {
    let (began, start) = (Instant::now(), "2026-12-01T00:00:00Z".parse::<Timestamp>().unwrap());
    Clock::new(move || start.checked_add(began.elapsed()).unwrap())
}

/// Daemons at work with one store, all of one start.
fn fleet<const N: usize>(store: &Store, files: &Arc<InForce>) -> [Ship; N] {
    std::array::from_fn(|number| {
        let sharing =
            Sharing::new(store.clone(), format!("daemon {number}"), |store, id| Keeper::of_daemon(store, clock(), id));
        let ship = Ship::sharing(files.clone(), &[], Some(sharing));
        tokio::spawn(turns::follow(ship.world.clone(), ship.status.clone()));
        ship
    })
}

fn cycles(ship: &Ship, app: &str) -> u64 {
    ship.status.snapshot().apps[app].cycles.values().sum()
}

fn all_cycles(ships: &[Ship], app: &str) -> u64 {
    ships.iter().map(|ship| cycles(ship, app)).sum()
}

#[tokio::test(start_paused = true)]
async fn three_daemons_go_through_the_cycles_of_one_whether_or_not_the_app_can_be_read() {
    for (every, minutes) in
        [("{ every: 10m }", 120), ("{ every: 1m, jitter: 30s }", 45), ("{ cron: \"*/5 * * * *\" }", 60)]
    {
        let files = files(every, &["a", "b"]);
        let (alone, shared) = (store().await, store().await);
        let one = fleet::<1>(&alone, &files);
        let three = fleet::<3>(&shared, &files);
        tokio::time::sleep(minutes * MINUTE).await;
        for app in ["a", "b"] {
            let [expected, cycles] = [all_cycles(&one, app), all_cycles(&three, app)];
            // Chance decides on the back-off.
            assert!(expected > 3 && cycles.abs_diff(expected) <= 2, "{every}: {cycles} of {expected}");
            let standings = three.each_ref().map(|ship| ship.status.snapshot().apps[app].standing());
            assert_eq!(standings, [Standing::Unreadable; 3], "each of them knows");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_whose_daemon_died_in_mid_cycle_is_taken_over_within_a_minute() {
    let (store, files) = (store().await, files("{ every: 1h }", &["a"]));
    let [ship] = fleet(&store, &files);
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(cycles(&ship, "a"), 1);
    // Somebody asks another daemon for a cycle, and it dies.
    let (key, id) = (AppKey::new("a", "https://api.example.com"), DaemonId::new());
    let other = Daemon { id: &id, name: "another", files: &files.meaning, revision: None, writes: true };
    let claim = store.take_turn(&key, other, Why::Asked, Keeper::ttl(), ship.world.now()).await.unwrap();
    assert!(matches!(claim, TurnClaim::Ours { .. }));
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(cycles(&ship, "a"), 1, "it may still live");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(cycles(&ship, "a"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cycle_that_somebody_asks_for_waits_for_that_of_another_daemon_and_is_not_forgotten() {
    let (store, files) = (store().await, files("{ every: 1h }", &["a"]));
    let [one, two] = fleet(&store, &files);
    tokio::time::sleep(10 * MINUTE).await;
    let ships = [one, two];
    assert_eq!(all_cycles(&ships, "a"), 1);
    for ship in &ships {
        ship.status.nudge(None);
        tokio::time::sleep(MINUTE).await;
    }
    assert_eq!(all_cycles(&ships, "a"), 3, "whoever asks gets one");
    let (key, id) = (AppKey::new("a", "https://api.example.com"), DaemonId::new());
    let other = Daemon { id: &id, name: "another", files: &files.meaning, revision: None, writes: true };
    let claim = store.take_turn(&key, other, Why::Asked, Keeper::ttl(), ships[0].world.now()).await.unwrap();
    let TurnClaim::Ours { turn, .. } = claim else { panic!("{claim:?}") };
    ships[0].status.nudge(None);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(all_cycles(&ships, "a"), 3);
    let cycle = serde_json::json!({});
    let due = ships[0].world.now().checked_add(60 * MINUTE).unwrap();
    let (files, cycle) = (&*files.meaning, Some(&cycle));
    let ended = crate::store::TurnEnd { files, next_due: due, cycle };
    store.end_turn(&turn, ended, ships[0].world.now()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(all_cycles(&ships, "a"), 4);
}
