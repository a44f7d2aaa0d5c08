//! How long three thousand actions take at an API's quota, and how often it has to refuse: `cargo bench --bench makespan`.
//! Hours pass in no time, because everything runs on the runtime's paused clock.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever runs it")]

mod race;

use race::{ACTIONS, Finish, Race};

fn main() {
    println!("{ACTIONS} actions, answers within {:?}", race::LATENCY);
    println!(
        "{:>10} {:>8} {:>9} {:>11} {:>7} {:>9} {:>7}",
        "quota", "at once", "client", "makespan", "bound", "of bound", "429s"
    );
    for race in Race::ALL {
        let bound = race.bound().as_secs_f64();
        for (client, Finish { makespan, refused }) in
            [("rosterd", run(race::ours(race))), ("naive", run(race::naive(race)))]
        {
            let makespan = makespan.as_secs_f64();
            println!(
                "{:>8}/h {:>8} {client:>9} {makespan:>9.1} s {bound:>5.0} s {:>8.3}x {refused:>7}",
                race.requests,
                race.at_once,
                makespan / bound
            );
        }
    }
}

fn run(race: impl Future<Output = Finish>) -> Finish {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime of one thread can always be made").block_on(race)
}
