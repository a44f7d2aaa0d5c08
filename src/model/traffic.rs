//! Requests that were sent: how they were answered, and how long that took.

use std::collections::BTreeMap;

/// Upper bounds of how long answers took, in milliseconds: from a quick API to the longest that a request may take.
pub const BOUNDS_MS: [u64; 9] = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

/// By the HTTP status; none where no answer came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic(pub BTreeMap<Option<u16>, Latency>);

/// How long requests took that were answered alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// How many took no longer than each of [`BOUNDS_MS`].
    pub within: [u64; BOUNDS_MS.len()],
    /// How many there were.
    pub count: u64,
    /// How long all of them took together.
    pub sum_ms: u64,
}

impl Traffic {
    /// Counts a request.
    pub fn count(&mut self, status: Option<u16>, ms: u64) {
        let latency = self.0.entry(status).or_default();
        latency.count += 1;
        latency.sum_ms += ms;
        for (within, bound) in latency.within.iter_mut().zip(BOUNDS_MS) {
            *within += u64::from(ms <= bound);
        }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        for (status, more) in &other.0 {
            let latency = self.0.entry(*status).or_default();
            *latency = latency.with(more, u64::saturating_add);
        }
    }

    /// What came since `before`, which was counted in the same way.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let less = |(status, now): (&Option<u16>, &Latency)| {
            let before = before.0.get(status).copied().unwrap_or_default();
            (*status, now.with(&before, u64::saturating_sub))
        };
        Self(self.0.iter().map(less).collect())
    }
}

impl Latency {
    fn with(&self, other: &Self, join: fn(u64, u64) -> u64) -> Self {
        let mut joined =
            Self { count: join(self.count, other.count), sum_ms: join(self.sum_ms, other.sum_ms), ..*self };
        for (within, more) in joined.within.iter_mut().zip(other.within) {
            *within = join(*within, more);
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_adds_up_and_can_be_told_from_what_came_before() {
        let mut first = Traffic::default();
        first.count(Some(200), 70);
        let before = first.clone();
        first.count(Some(200), 40_000);
        first.count(None, 30_000);
        let since = first.since(&before);
        assert_eq!(since.0[&Some(200)].within, [0; 9]);
        assert_eq!((since.0[&Some(200)].count, since.0[&Some(200)].sum_ms), (1, 40_000));
        assert_eq!(since.0[&None].within, [0, 0, 0, 0, 0, 0, 0, 0, 1]);
        let mut all = before;
        all.add(&since);
        assert_eq!(all, first);
    }
}
