//! One quota scope: how much of it is spent, by our own count and by the server's.

use std::{collections::VecDeque, time::Duration};

use super::{Covers, Feedback, Kind, Outcome, Scope};

/// How long a server's count is believed when it names no reset. Long enough not to ask all the time, short enough
/// that little is lost when the window began anew meanwhile.
const BELIEVED: Duration = Duration::from_secs(60);

/// Resets that differ by less name the same window; servers round to seconds, and so does the `Date` they are measured by.
const SAME_WINDOW: Duration = Duration::from_secs(3);

/// Part of the time to the reset in which a paced bucket spends what remains. Below one, so that delays lose nothing.
const PACE: f64 = 0.8;

/// The state of one scope.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) covers: Covers,
    /// Requests per window; `None` when only the server knows.
    pub(super) requests: Option<u32>,
    pub(super) per: Duration,
    /// Requests left to other users of the API.
    reserve: i64,
    /// Requests of ours that left and are not answered.
    pub(super) in_flight: i64,
    /// When each answered request stops counting, ascending.
    pub(super) spent: VecDeque<Duration>,
    /// What the server said is left.
    pub(super) server: Option<ServerCount>,
    /// When the server's window begins anew.
    pub(super) reset: Option<Duration>,
    /// The reset that the server names moves with the time, so that the window slides.
    slides: bool,
    /// Before this instant nothing but removals leaves, to make what remains last until the reset.
    pace_until: Duration,
}

/// The server's count, less what was sent since and got no count of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerCount {
    pub(super) remaining: i64,
    pub(super) until: Duration,
}

impl Window {
    pub(super) fn new(scope: Scope, keep_free: f64) -> Self {
        // Rounded down and never everything: a quota of one must still be usable.
        let share = (f64::from(scope.requests) * keep_free.clamp(0.0, 1.0)).floor();
        let reserve = (share as i64).min(i64::from(scope.requests) - 1).max(0);
        Self { requests: Some(scope.requests), reserve, ..Self::unlimited(scope.covers, scope.per) }
    }

    /// Leaves no more than `scope` does as well.
    pub(super) fn narrow(&mut self, scope: Scope, keep_free: f64) {
        let other = Self::new(scope, keep_free);
        self.requests = self.requests.into_iter().chain(other.requests).min();
        self.reserve = self.reserve.max(other.reserve).min(self.requests.map_or(0, |all| i64::from(all) - 1)).max(0);
    }

    /// A scope whose size only the server knows.
    pub(super) fn unlimited(covers: Covers, per: Duration) -> Self {
        Self {
            covers,
            requests: None,
            per,
            reserve: 0,
            in_flight: 0,
            spent: VecDeque::new(),
            server: None,
            reset: None,
            slides: false,
            pace_until: Duration::ZERO,
        }
    }

    pub(super) fn counts(&self, kind: Kind) -> bool {
        self.covers.includes(kind)
    }

    /// Forgets what no longer counts. True when a named reset passed, so that the window should be new.
    pub(super) fn refresh(&mut self, now: Duration) -> bool {
        while self.spent.front().is_some_and(|free_at| *free_at <= now) {
            self.spent.pop_front();
        }
        if self.reset.is_some_and(|reset| reset <= now) {
            self.begin_anew();
            return true;
        }
        if let Some(server) = self.server.filter(|server| server.until <= now) {
            // A server that named no reset and had nothing left is asked with a single request.
            let nothing_left = server.remaining <= self.reserve;
            self.server = nothing_left
                .then_some(ServerCount { remaining: self.reserve + 1, until: now.saturating_add(BELIEVED) });
        }
        false
    }

    /// A new window: nothing of it is spent yet.
    fn begin_anew(&mut self) {
        self.reset = None;
        self.server = None;
        self.pace_until = Duration::ZERO;
        self.spent.clear();
    }

    /// Requests that may still leave, by the smaller of the two counts.
    fn free(&self) -> i64 {
        self.own_free().min(self.server.map_or(i64::MAX, |server| server.remaining - self.in_flight))
    }

    fn own_free(&self) -> i64 {
        // A count of requests never comes near the limits of its type.
        self.requests.map_or(i64::MAX, |requests| i64::from(requests) - self.in_flight - self.spent.len() as i64)
    }

    fn needed(&self, removal: bool) -> i64 {
        if removal { 1 } else { self.reserve + 1 }
    }

    /// What may leave without touching the share kept free.
    fn usable(&self) -> i64 {
        self.free().saturating_sub(self.reserve).max(0)
    }

    /// Whether a request may leave now.
    pub(super) fn admits(&self, now: Duration, removal: bool, demand: u64) -> bool {
        self.free() >= self.needed(removal) && (removal || !self.is_paced(now, demand))
    }

    fn is_paced(&self, now: Duration, demand: u64) -> bool {
        // Towards a reset that moves away all the time there is nothing to spread.
        self.reset.is_some()
            && !self.slides
            && self.pace_until > now
            && i64::try_from(demand).unwrap_or(i64::MAX) > self.usable()
    }

    /// When a request may leave that may not now; `None` when that depends on answers.
    pub(super) fn opens_at(&self, now: Duration, removal: bool, demand: u64) -> Option<Duration> {
        let needed = self.needed(removal);
        let missing = needed - self.own_free();
        let own = if missing <= 0 {
            Some(now)
        } else {
            let by_age = usize::try_from(missing - 1).ok().and_then(|index| self.spent.get(index)).copied();
            by_age.into_iter().chain(self.reset).min()
        };
        let server = match self.server {
            Some(server) if server.remaining - self.in_flight < needed => server.until,
            _ => now,
        };
        let pace = if !removal && self.is_paced(now, demand) { self.pace_until } else { now };
        own.map(|own| own.max(server).max(pace))
    }

    pub(super) fn sent(&mut self, now: Duration, demand: u64) {
        self.in_flight += 1;
        let usable = self.usable();
        if let Some(reset) = self.reset
            && i64::try_from(demand).unwrap_or(i64::MAX) > usable
        {
            let left = reset.saturating_sub(now).mul_f64(PACE);
            self.pace_until = now.saturating_add(left.div_f64(usable as f64 + 1.0));
        }
    }

    /// A request came back; `counts` says whether the quota headers speak of this scope.
    pub(super) fn answered(&mut self, now: Duration, feedback: &Feedback, counts: bool) {
        self.in_flight -= 1;
        if feedback.outcome == Outcome::NotSent {
            return;
        }
        let reset = feedback.reset_in.filter(|_| counts).map(|reset_in| now.saturating_add(reset_in));
        let same_window = match (self.reset, reset) {
            (Some(old), Some(new)) => old.abs_diff(new) <= SAME_WINDOW,
            // Not naming the reset again does not start a new window.
            (Some(_), None) => true,
            (None, _) => false,
        };
        if let (Some(old), Some(new), false) = (self.reset, reset, same_window) {
            if now.saturating_add(SAME_WINDOW) >= old {
                // The window began anew a moment before we thought so.
                self.begin_anew();
            } else if new > old {
                self.slides = true;
            }
        }
        if self.requests.is_some() {
            self.spent.push_back(now.saturating_add(self.per));
        }
        // A refusal that names only when the window ends says that nothing is left in it.
        let over =
            feedback.outcome == Outcome::Overloaded && feedback.retry_after.is_none() && feedback.reset_in.is_some();
        let said = feedback.remaining.or(over.then_some(0)).filter(|_| counts);
        if said.is_none()
            && let Some(server) = &mut self.server
        {
            server.remaining -= 1;
        }
        if !counts {
            return;
        }
        if !same_window {
            self.reset = reset;
        }
        if let Some(remaining) = said {
            let remaining = i64::from(remaining);
            let until = self.reset.unwrap_or_else(|| now.saturating_add(self.per.min(BELIEVED)));
            // Within one window a count only falls; a larger one is an answer that was overtaken.
            let remaining = match self.server {
                Some(server) if same_window => server.remaining.min(remaining),
                _ => remaining,
            };
            self.server = Some(ServerCount { remaining, until });
        }
    }
}
