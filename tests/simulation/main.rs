//! A deterministic simulation of everything at once: engine, budgets, apps, network and clocks under one seed.
//!
//! A seed makes a world and everything that goes wrong in it. The judges look at the apps and at the requests that reached
//! them; the same seed tells the same story.
//!
//! ```console
//! $ cargo test --test simulation                                  # a few
//! $ SEEDS=10000 cargo test --release --test simulation many_seeds_lose # what `make soak` does
//! $ SEED=17 cargo test --test simulation one -- --nocapture       # what happens in one
//! $ cargo test --test simulation golden                           # nothing has changed; see golden.rs
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever runs it")]

mod belief;
mod chance;
mod engine;
mod golden;
mod judge;
mod meddler;
mod network;
mod story;
mod weather;
mod world;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use story::{Ending, tell};

/// As many as are worth a minute of everybody's time before each commit; `make soak` takes many more.
const FEW: u64 = 100;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

fn safely(seed: u64, trace: bool) -> Result<Ending, String> {
    catch_unwind(AssertUnwindSafe(|| tell(seed, trace))).map_err(|panic| said(&*panic))
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "a panic".into())
}

#[test]
fn many_seeds_lose_nothing_repeat_nothing_and_come_to_rest() {
    let (first, seeds) = (number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(FEW));
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let failed = AtomicU64::new(0);
    let sum = Mutex::new((0_u64, Duration::ZERO, 0_u32, 0_u64));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        break;
                    }
                    let verdicts = match safely(seed, false) {
                        Err(panic) => vec![format!("panicked: {panic}")],
                        Ok(ending) => {
                            let mut sum = sum.lock().unwrap();
                            sum.0 += ending.requests;
                            sum.1 += ending.passed;
                            sum.2 += ending.kills;
                            sum.3 += ending.faults;
                            ending.verdicts
                        }
                    };
                    if !verdicts.is_empty() {
                        let some: Vec<_> = verdicts.into_iter().take(8).collect();
                        println!(
                            "\nSEED={seed} cargo test --test simulation one -- --nocapture\n  {}",
                            some.join("\n  ")
                        );
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (requests, passed, kills, faults) = *sum.lock().unwrap();
    println!(
        "{seeds} seeds in {:.1} s: {requests} requests, {faults} of them struck by a fault, {} days of simulated time, {kills} \
         processes killed",
        began.elapsed().as_secs_f64(),
        passed.as_secs() / 86_400,
    );
    let failed = failed.into_inner();
    assert_eq!(failed, 0, "so many of {seeds} seeds failed");
}

#[test]
fn one_seed_tells_the_same_story_every_time() {
    let seeds = number("SEED").map_or_else(|| (0..12).collect(), |seed| vec![seed]);
    for seed in seeds {
        let ending = safely(seed, std::env::var_os("SEED").is_some()).unwrap_or_else(|panic| panic!("{seed}: {panic}"));
        ending.trace.iter().for_each(|line| println!("{line}"));
        let again = safely(seed, false).unwrap();
        assert_eq!(
            (ending.requests, ending.passed, ending.print),
            (again.requests, again.passed, again.print),
            "{seed}"
        );
        assert_eq!(ending.verdicts, Vec::<String>::new(), "{seed}");
    }
}
