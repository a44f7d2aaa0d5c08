//! A fixed-window request quota, as API gateways keep them.

use std::time::Duration;

use jiff::Timestamp;

use super::clock;

/// The window in force and what is left of it.
#[derive(Debug)]
pub(crate) struct Window {
    limit: u32,
    length: Duration,
    used: u32,
    ends: Option<Timestamp>,
}

/// What a quota tells a client: the limit, what remains of it, and when (sandbox time) the window ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) resets: Timestamp,
}

impl Window {
    pub(crate) fn new(limit: u32, length: Duration) -> Self {
        Self { limit, length, used: 0, ends: None }
    }

    /// Spends one request: `Ok` when there was one left. A refused request costs nothing.
    pub(crate) fn take(&mut self, now: Timestamp) -> Result<Standing, Standing> {
        let standing = self.look(now);
        if standing.remaining == 0 {
            return Err(standing);
        }
        self.ends = Some(standing.resets);
        self.used += 1;
        Ok(Standing { remaining: standing.remaining - 1, ..standing })
    }

    /// The standing without spending anything.
    pub(crate) fn look(&mut self, now: Timestamp) -> Standing {
        if self.ends.is_none_or(|ends| now >= ends) {
            self.ends = None;
            self.used = 0;
        }
        let resets = self.ends.or_else(|| clock::later(now, self.length)).unwrap_or(Timestamp::MAX);
        Standing { limit: self.limit, remaining: self.limit - self.used, resets }
    }
}
