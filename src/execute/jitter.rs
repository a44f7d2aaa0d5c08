//! Chance, from one seed, so that a simulated run can be repeated.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// Pause before the second attempt; it doubles from there, with full jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// A source of pauses.
#[derive(Debug)]
pub struct Jitter(Mutex<StdRng>);

impl Jitter {
    /// Draws from `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Exponential back-off with full jitter, so that many failed actions do not come back together.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let ceiling = LONGEST_PAUSE.min(FIRST_PAUSE * 2u32.saturating_pow(attempt));
        // A poisoned generator still generates.
        ceiling.mul_f64(self.0.lock().unwrap_or_else(PoisonError::into_inner).random::<f64>())
    }
}

impl Default for Jitter {
    fn default() -> Self {
        Self::seeded(rand::random())
    }
}
