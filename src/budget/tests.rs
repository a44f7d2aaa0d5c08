//! The budget on a virtual clock.

use super::*;

mod counting;
mod order;
mod refusals;
mod restart;
mod servers;
mod table;
mod told;

const HOUR: Duration = Duration::from_secs(3600);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn quota(requests: u32, per: Duration, concurrency: u32) -> Quota {
    let scopes = vec![Scope { covers: Covers::All, requests, per }];
    Quota { scopes, concurrency: Some(concurrency), keep_free: 0.0 }
}

/// A budget that goes on where a stored one stopped, `elapsed` ago.
fn resumed(quota: &Quota, saved: &Saved, now: Duration, elapsed: Duration) -> Budget {
    let mut budget = Budget::new(quota);
    budget.resume(saved, now, elapsed);
    budget
}

fn heard(outcome: Outcome, remaining: Option<u32>, reset_in: Option<Duration>) -> Feedback {
    Feedback { outcome, told: vec![Told { remaining, reset_in, ..Told::default() }], retry_after: None }
}

/// An answer that tells what is left, and until when.
fn said(remaining: u32, reset_in: Duration) -> Feedback {
    heard(Outcome::Answered, Some(remaining), Some(reset_in))
}
