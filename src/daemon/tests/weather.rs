//! Liveness under one seed. Trouble comes in random order: commits, leavers, clocks that are set, a store that is away, a silent app, and a
//! second daemon, which may have older files and may be killed. Then the weather turns good. A person who leaves in good weather loses
//! access within two intervals plus the time of the requests. Everyone who left before has lost it by then, and nobody loses it twice.
//!
//! `SEEDS=1000 FROM=0 cargo test --lib weather` takes more seeds than everybody's tests do. With `RUST_LOG` it says what happens.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{
    neighbors::{Daemon, numbers},
    town::{Town, files},
};
use crate::daemon::InForce;

/// Enough for every kind of trouble to meet every other one in each run of the tests.
const FEW: u64 = 12;

const INTERVAL: Duration = Duration::from_secs(60);

/// How many things go wrong before the weather is good.
const TROUBLES: usize = 40;

const CROWD: usize = 12;

/// A cycle reads the app and switches one account off, in fewer requests than this.
const REQUESTS: u32 = 10;

/// A request of a silent app ends after this, and what a daemon held that was killed lapses after less; so does the time until the
/// store is tried again.
const LAST_OF_THE_TROUBLE: Duration = Duration::from_secs(60 + 30);

/// What the files say, and whether the store is there.
struct Author {
    names: u64,
    left: BTreeSet<usize>,
    commits: u64,
    store_is_away: bool,
    /// The files of every commit.
    log: Vec<Arc<InForce>>,
}

fn email(person: usize) -> String {
    format!("p{person}@example.com")
}

impl Author {
    /// Takes the store away, or brings it back.
    fn takes_store(&mut self, town: &Town, away: bool) {
        if std::mem::replace(&mut self.store_is_away, away) != away {
            town.store_is_away(away);
        }
    }

    fn commit(&mut self) -> Arc<InForce> {
        self.commits += 1;
        let (mut people, mut accounts) = (String::new(), String::from("    accounts:\n"));
        for person in 0..CROWD {
            let (who, left) = (email(person), self.left.contains(&person));
            let name = if person == 0 { self.names } else { 0 };
            let status = if left { ", status: left" } else { "" };
            writeln!(people, "  {who}: {{ given_name: A{name}, family_name: B{status} }}").unwrap();
            writeln!(accounts, "      {who}:").unwrap();
        }
        let files = files("{ every: 1m, jitter: 5s }", &people, &accounts, self.commits);
        let files = Arc::into_inner(files).expect("nobody else has it");
        // Commits are compared as text.
        let files = Arc::new(InForce { commit: Some(format!("{:08}", self.commits)), ..files });
        self.log.push(files.clone());
        files
    }
}

/// The daemon that follows every commit, and one that comes and goes.
struct Daemons {
    first: Daemon,
    second: Option<Daemon>,
}

/// What goes wrong next, and for how long the world goes on with it.
async fn trouble(random: &mut StdRng, town: &Arc<Town>, daemons: &mut Daemons, author: &mut Author) {
    let which = random.random_range(0..14);
    tracing::info!(second = town.seconds(), which, "trouble");
    match which {
        0..=3 => {
            author.names += 1;
            daemons.first.use_files(author.commit());
        }
        4 => {
            let stays: Vec<usize> = (1..CROWD - 1).filter(|person| !author.left.contains(person)).collect();
            if let Some(person) = stays.get(random.random_range(0..stays.len().max(1))) {
                author.left.insert(*person);
                daemons.first.use_files(author.commit());
            }
        }
        5 => drop(town.off.fetch_add(random.random_range(-7200..7200), Ordering::Relaxed)),
        6 | 7 => author.takes_store(town, !author.store_is_away),
        8 => town.wire.silent.store(true, Ordering::Relaxed),
        9 => town.wire.silent.store(false, Ordering::Relaxed),
        10 => {
            // By the newest files or by any before.
            let files = author.log[random.random_range(0..author.log.len())].clone();
            daemons.second.get_or_insert_with(|| Daemon::begin(town, "second", &files, numbers)).use_files(files);
        }
        // The second one is killed, or ends; the first one is killed, and begins anew.
        11 => drop(daemons.second.take()),
        12 => {
            if let Some(second) = daemons.second.take() {
                second.end().await;
            }
        }
        _ => daemons.first.begin_anew(town, author.log.last().expect("the first commit")),
    }
    let longest = if random.random_bool(0.3) { 300_000 } else { 3_000 };
    tokio::time::sleep(Duration::from_millis(random.random_range(100..longest))).await;
}

/// What is wrong with the story of this seed.
async fn story(seed: u64) -> Vec<String> {
    let mut random = StdRng::seed_from_u64(seed);
    let people: Vec<String> = (0..CROWD).map(email).collect();
    let takes = Duration::from_millis(random.random_range(1..2_000));
    let town = Town::of(&people.iter().map(String::as_str).collect::<Vec<_>>(), takes).await;
    let mut author = Author { names: 0, left: BTreeSet::new(), commits: 0, store_is_away: false, log: Vec::new() };
    let first = Daemon::begin(&town, "first", &author.commit(), numbers);
    let mut daemons = Daemons { first, second: None };
    for _ in 0..TROUBLES {
        trouble(&mut random, &town, &mut daemons, &mut author).await;
    }
    author.takes_store(&town, false);
    town.wire.silent.store(false, Ordering::Relaxed);
    tokio::time::sleep(LAST_OF_THE_TROUBLE).await;
    author.left.insert(CROWD - 1);
    daemons.first.use_files(author.commit());
    tokio::time::sleep(2 * INTERVAL + REQUESTS * takes).await;
    let mut wrong: Vec<String> = Vec::new();
    for person in 0..CROWD {
        let (active, left) = (town.is_active(&email(person)), author.left.contains(&person));
        if active == left {
            wrong.push(format!("{} is {}", email(person), if left { "not cut off" } else { "cut off" }));
        }
    }
    let offs = town.switched_off();
    if offs > author.left.len() {
        wrong.push(format!("{offs} times somebody was switched off, and {} left", author.left.len()));
    }
    if let Some(why) = daemons.first.tasks.status.snapshot().unready() {
        wrong.push(format!("not ready in good weather: {why}"));
    }
    for daemon in std::iter::once(daemons.first).chain(daemons.second) {
        daemon.end().await;
    }
    wrong
}

#[test]
fn in_good_weather_every_leaver_is_cut_off_whatever_was_before() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if std::env::var_os("RUST_LOG").is_some() {
        tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    }
    let (first, seeds) = (number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(FEW));
    let mut failed = Vec::new();
    for seed in first..first + seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let wrong = runtime.block_on(story(seed));
        if !wrong.is_empty() {
            failed.push(format!("FROM={seed} SEEDS=1: {}", wrong.join("; ")));
        }
    }
    assert_eq!(failed, [""; 0]);
}
