//! What an engine believes without proof, an app can use against it. Each seed is an app that misbehaves in one way that was
//! met in the field (a family), spoken to by one of the built-in connectors or a generated manifest, without sockets.
//!
//! The judge looks at what the app really holds and at the requests that reached it. Nobody has a second account, no group
//! is there twice, nobody who stays is cut off, and whoever left is active no longer, or the engine does not call the app
//! in sync.
//!
//! ```console
//! $ cargo test --test simulation beliefs                                   # 2,000 seeds
//! $ SEEDS=100000 cargo test --release --test simulation beliefs_of_many    # what `make soak` does
//! $ FAMILY=RowsAreNull SEEDS=50000 cargo test --test simulation beliefs_of_many  # one family
//! $ SEED=17 cargo test --test simulation beliefs_of_one -- --nocapture     # what happens in one
//! ```

mod call;
mod cast;
mod dialect;
mod engine;
mod family;
mod judge;
mod lies;
mod mine;
mod shapes;
mod story;
mod truth;
mod wire;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use family::Family;
use story::{Ending, tell};

use super::{number, said};

/// As many as are worth a minute of everybody's time before each commit; `make soak` takes many more.
const FEW: u64 = 2_000;

/// What the seeds of one family came to.
#[derive(Default)]
struct Sum {
    seeds: u64,
    /// In so many of them the misbehavior was met.
    met: u64,
    /// Plans that called the app in sync.
    claims: u64,
    requests: u64,
    failed: u64,
}

fn safely(seed: u64, trace: bool) -> Result<Ending, String> {
    catch_unwind(AssertUnwindSafe(|| tell(seed, trace))).map_err(|panic| said(&*panic))
}

/// Tells a story, adds it to its family's, and returns what was wrong with it.
fn take(seed: u64, sums: &Mutex<BTreeMap<Family, Sum>>) -> Vec<String> {
    let ending = safely(seed, false);
    let mut sums = sums.lock().unwrap();
    let sum = sums.entry(story::of(seed).0).or_default();
    sum.seeds += 1;
    let verdicts = match ending {
        Ok(ending) => {
            sum.met += u64::from(ending.met > 0);
            sum.claims += ending.claims;
            sum.requests += ending.requests;
            ending.verdicts
        }
        Err(panic) => vec![format!("panicked: {panic}")],
    };
    sum.failed += u64::from(!verdicts.is_empty());
    verdicts
}

#[test]
fn beliefs_of_many_seeds_make_nobody_twice_and_leave_nobody_active() {
    let (first, seeds) = (number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(FEW));
    let only = std::env::var("FAMILY").ok();
    let (began, next, sums) = (Instant::now(), AtomicU64::new(first), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        break;
                    }
                    if only.as_ref().is_some_and(|only| *only != format!("{:?}", story::of(seed).0)) {
                        continue;
                    }
                    let verdicts: Vec<_> = take(seed, &sums).into_iter().take(5).collect();
                    if !verdicts.is_empty() {
                        let (family, dialect) = story::of(seed);
                        println!(
                            "\nSEED={seed} cargo test --test simulation beliefs_of_one -- --nocapture\n  {family:?}, \
                             {dialect:?}\n  {}",
                            verdicts.join("\n  ")
                        );
                    }
                }
            });
        }
    });
    let sums = sums.into_inner().unwrap();
    for (family, Sum { seeds, met, claims, requests, failed }) in &sums {
        println!(
            "{family:?}: {seeds} seeds, met in {met}, called in sync {claims} times, {requests} requests, {failed} failed"
        );
    }
    println!("{seeds} seeds in {:.1} s", began.elapsed().as_secs_f64());
    let failed: u64 = sums.values().map(|sum| sum.failed).sum();
    assert_eq!(failed, 0, "so many of {seeds} seeds failed");
    // A family that is never met tests nothing.
    let idle: Vec<_> =
        sums.iter().filter(|(_, sum)| sum.met == 0 && sum.seeds >= 20).map(|(family, _)| family).collect();
    assert_eq!(idle, [&Family::Mark; 0], "families that nothing ever came of");
}

#[test]
fn beliefs_of_one_seed_are_the_same_every_time() {
    let seeds = number("SEED").map_or_else(|| (0..30).collect(), |seed| vec![seed]);
    for seed in seeds {
        let ending = safely(seed, std::env::var_os("SEED").is_some()).unwrap_or_else(|panic| panic!("{seed}: {panic}"));
        ending.trace.iter().for_each(|line| println!("{line}"));
        assert_eq!(ending.print, safely(seed, false).unwrap().print, "{seed}");
        assert_eq!(ending.verdicts, Vec::<String>::new(), "{seed}, {:?}", ending.family);
    }
}
