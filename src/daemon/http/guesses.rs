//! Wrong tokens: each is answered late, and the log tells of them without being flooded.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tracing::warn;

/// How long a wrong token waits for its answer. As many can wait at once as there are places, so that this bounds how many
/// tokens can be tried in a second, and nobody else waits.
const SLOWDOWN: Duration = Duration::from_secs(1);

/// The log has one line about wrong tokens in this time.
const QUIET: Duration = Duration::from_secs(60);

/// Wrong tokens that were shown.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    /// When the log last told.
    last: Option<Instant>,
    /// How many came since then.
    since: u64,
}

impl Guesses {
    /// Takes in a wrong token, and returns once it may be answered.
    pub(super) async fn slow_down(&self, from: IpAddr) {
        if let Some(guesses) = self.to_tell() {
            warn!(%from, guesses, "a wrong token was shown; if that was nobody of yours, find out who reaches the daemon's port");
        }
        tokio::time::sleep(SLOWDOWN).await;
    }

    /// How many wrong tokens the log has to tell of now, with this one.
    fn to_tell(&self) -> Option<u64> {
        // Counting does not panic.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.since += 1;
        if told.last.is_some_and(|last| last.elapsed() < QUIET) {
            return None;
        }
        told.last = Some(Instant::now());
        Some(std::mem::take(&mut told.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn wrong_tokens_wait_side_by_side() {
        let guesses = Guesses::default();
        let before = Instant::now();
        let from = [127, 0, 0, 1].into();
        futures::future::join_all((0..50).map(|_| guesses.slow_down(from))).await;
        assert_eq!(before.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_counts_what_it_does_not_tell_one_by_one() {
        let guesses = Guesses::default();
        assert_eq!(guesses.to_tell(), Some(1));
        let untold: Vec<_> = (0..500).filter_map(|_| guesses.to_tell()).collect();
        assert_eq!(untold, [0; 0]);
        tokio::time::advance(QUIET).await;
        assert_eq!(guesses.to_tell(), Some(501));
    }
}
