//! All chance of a simulated world, from its seed. Each purpose draws from a stream of its own, so that one more draw for
//! one of them does not change everything else.

use std::{ops::Range, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

pub(crate) struct Chance(StdRng);

impl Chance {
    pub(crate) fn of(seed: u64, purpose: &str) -> Self {
        Self(StdRng::seed_from_u64(mix(seed, purpose)))
    }

    /// Whether something happens that happens with this probability.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end.max(1))
    }

    pub(crate) fn between(&mut self, range: Range<u64>) -> u64 {
        self.0.random_range(range)
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    pub(crate) fn word(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len())]
    }

    /// A duration of any order of magnitude in the range, each as likely as the others.
    pub(crate) fn duration(&mut self, range: Range<Duration>) -> Duration {
        let (low, high) = (range.start.as_secs_f64().max(0.001).ln(), range.end.as_secs_f64().ln());
        Duration::from_secs_f64((low + (high - low) * self.0.random::<f64>()).exp())
    }
}

/// A number of its own for each purpose.
pub(crate) fn mix(seed: u64, purpose: &str) -> u64 {
    purpose
        .bytes()
        .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
