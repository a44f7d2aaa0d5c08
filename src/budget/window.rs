//! One quota scope: how much of it is spent, by our own count and by the server's.

mod heard;

use std::{collections::VecDeque, time::Duration};

use super::{Covers, Kind, Scope};

/// How long a server's count is believed when it names no reset. Long enough not to ask all the time, short enough
/// that little is lost when the window began anew meanwhile.
const BELIEVED: Duration = Duration::from_secs(60);

/// Resets that differ by more cannot name the same window: they are rounded to seconds, and so is the `Date` they are measured by.
const SAME_WINDOW: Duration = Duration::from_secs(3);

/// A reset may be rounded by this much.
const ROUNDING: Duration = Duration::from_secs(1);

/// To a shorter window a second of rounding is so much that we count its length from our own answers and ask then, instead
/// of waiting for the latest that a rounded reset can mean.
const SHORT: Duration = Duration::from_secs(10);

/// To one this short even the rounding of its length is too much: we believe the shorter one until we are refused.
const SHORTEST: Duration = Duration::from_secs(5);

/// So many refusals of requests that left too early make us wait longer, each by a second.
const MOST_EARLY: u32 = 3;

/// Part of the time to the reset in which a paced bucket spends what remains. Below one, so that delays lose nothing.
const PACE: f64 = 0.8;

/// The state of one scope.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    pub(super) covers: Covers,
    /// Requests per window; `None` when only the server knows.
    pub(super) requests: Option<u32>,
    pub(super) per: Duration,
    /// Requests left to other users of the API, of `requests`.
    reserve: i64,
    /// The share of the server's limit that is left to them.
    pub(super) keep_free: f64,
    /// How many requests the server allows in a window, if it says so or we have seen it.
    limit: Option<u32>,
    names_limit: bool,
    /// A new window was seen, so that the most that we saw left is all of it.
    turned: bool,
    /// The server says that its windows are as long as `per`.
    pub(super) named: bool,
    /// The longest time to a reset that the server named.
    told: Duration,
    /// What had left a window of the declared length was free again.
    proven: bool,
    /// How often it refused a request that left when its window should have been over.
    early: u32,
    /// Requests that others sent between an answer to us and our next request, at most, as refusals showed.
    margin: i64,
    /// Requests of ours that left and are not answered.
    pub(super) in_flight: i64,
    /// When each answered request stops counting, ascending.
    pub(super) spent: VecDeque<Duration>,
    /// When each request was answered that the server has counted, ascending.
    counted: VecDeque<Duration>,
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ServerCount {
    pub(super) remaining: i64,
    pub(super) until: Duration,
    /// When we heard it. Only what left later is sure to have been counted later.
    pub(super) heard: Duration,
    /// Since when it is out of date, so that one request may find out how much is left.
    pub(super) stale: Option<Duration>,
}

impl Window {
    pub(super) fn new(scope: Scope, keep_free: f64) -> Self {
        let reserve = share(scope.requests, keep_free);
        let unlimited = Self::unlimited(scope.covers, scope.per, keep_free);
        Self { requests: Some(scope.requests), reserve, ..unlimited }
    }

    /// Leaves no more than `scope` does as well.
    pub(super) fn narrow(&mut self, scope: Scope, keep_free: f64) {
        let other = Self::new(scope, keep_free);
        self.requests = self.requests.into_iter().chain(other.requests).min();
        self.reserve = self.reserve.max(other.reserve).min(self.requests.map_or(0, |all| i64::from(all) - 1)).max(0);
        self.keep_free = self.keep_free.max(keep_free);
    }

    /// A scope whose size only the server knows.
    pub(super) fn unlimited(covers: Covers, per: Duration, keep_free: f64) -> Self {
        Self { covers, per, keep_free, ..Self::default() }
    }

    pub(super) fn counts(&self, kind: Kind) -> bool {
        self.covers.includes(kind)
    }

    /// Forgets what no longer counts. True when a named reset passed and nothing was left until then: the window should be
    /// new, and one request goes ahead and finds out.
    pub(super) fn refresh(&mut self, now: Duration) -> bool {
        while self.spent.front().is_some_and(|free_at| *free_at <= now) {
            self.spent.pop_front();
        }
        // What the server counted a window ago it counts no more, whatever kind of window it has.
        let length = self.length();
        let old = |answered: &Duration| answered.saturating_add(length) <= now;
        let aged = self.counted.iter().take_while(|answered| old(answered)).count();
        self.counted.drain(..aged);
        let passed = self.reset.take_if(|reset| *reset <= now);
        let blocked = passed.is_some_and(|reset| self.begin_anew(reset));
        let (ages, sure) = (aged > 0 && self.ages(), self.proven && self.names_limit && self.fits());
        if let Some(server) = &mut self.server {
            server.remaining += if sure { aged as i64 } else { 0 };
            if ages && !sure || passed.is_some() || server.until <= now {
                server.stale = server.stale.or(Some(now));
            }
        }
        blocked
    }

    /// Whether the age of what the server counted says when some of it is free again. Of a long window that was not declared
    /// its reset says more, and it is no use with a server that proved it wrong.
    fn ages(&self) -> bool {
        self.early < MOST_EARLY && (self.told < SHORT || self.reset.is_none() || self.fits())
    }

    /// Whether the server's window seems to be the declared one.
    fn fits(&self) -> bool {
        let declared = self.requests.is_some() && self.per >= ROUNDING;
        declared && self.early == 0 && self.told.abs_diff(self.per) <= SHORTEST
    }

    /// How long the server's window is, as far as we know.
    fn length(&self) -> Duration {
        if self.named || self.fits() {
            return self.per;
        }
        let doubled = 1 << self.early.min(16);
        let length = match (self.told, self.requests) {
            // Nothing is known but what may be declared: we ask at longer and longer intervals.
            (Duration::ZERO, None) => return ROUNDING * doubled,
            (Duration::ZERO, Some(_)) => return (self.per.min(BELIEVED) * doubled).min(self.per.max(BELIEVED)),
            (told, _) if told < SHORTEST => told.saturating_sub(ROUNDING).max(ROUNDING),
            (told, _) if told < SHORT => told,
            (told, _) => told + ROUNDING,
        };
        let whole = Duration::from_secs(length.as_millis().div_ceil(1000) as u64);
        whole + ROUNDING * self.early.min(MOST_EARLY)
    }

    /// The named reset passed. True when nothing could leave before.
    fn begin_anew(&mut self, reset: Duration) -> bool {
        self.pace_until = Duration::ZERO;
        let blocked = self.usable() == 0;
        if self.is_ours() {
            if self.server.is_none() {
                // Without a count the reset is all we know; what was answered just before may lie in the new window.
                let old = |free_at: &Duration| *free_at <= (reset + self.per).saturating_sub(SAME_WINDOW);
                let old = self.spent.iter().take_while(|free_at| old(free_at)).count();
                self.spent.drain(..old);
            }
            while self.own_free() <= self.reserve && self.spent.pop_front().is_some() {}
        }
        blocked
    }

    /// Whether the windows that the server names may be the declared ones, so that their resets free what we counted. A much
    /// shorter window with another limit is a second quota, and says nothing about the declared one.
    fn is_ours(&self) -> bool {
        let limits = self.limit.zip(self.requests);
        // The first answers that we hear need not be the first of the window, so that a tenth may be missing.
        let same_limit = limits.is_some_and(|(named, declared)| named.abs_diff(declared) * 10 <= declared);
        !self.slides && (self.length() * 10 >= self.per || same_limit)
    }

    fn own_free(&self) -> i64 {
        // A count of requests never comes near the limits of its type.
        self.requests.map_or(i64::MAX, |requests| i64::from(requests) - self.in_flight - self.spent.len() as i64)
    }

    fn server_free(&self) -> i64 {
        let Some(server) = self.server else { return i64::MAX };
        // What the server says is left may lag behind.
        let limit = self.limit.filter(|_| self.names_limit);
        let uncounted = limit.map_or(i64::MAX, |limit| i64::from(limit) - self.counted.len() as i64);
        let remaining = server.remaining.min(uncounted);
        let remaining = if server.stale.is_some() { remaining.max(self.server_reserve() + 1) } else { remaining };
        remaining - self.in_flight
    }

    /// What the server allows in a window, as it says or as a whole window showed.
    pub(super) fn known_limit(&self) -> Option<u32> {
        self.limit.filter(|_| self.names_limit || self.turned)
    }

    /// Takes over what an earlier process knew of it.
    pub(super) fn recall_limit(&mut self, limit: Option<u32>) {
        self.turned |= limit.is_some();
        self.limit = self.limit.or(limit);
    }

    /// The share kept free of what the server allows, where that is less than what is declared.
    fn server_reserve(&self) -> i64 {
        let kept = match (self.known_limit(), self.requests) {
            (Some(limit), Some(requests)) => share(limit, self.keep_free).min(share(requests, self.keep_free)),
            (Some(limit), None) => share(limit, self.keep_free),
            (None, _) => self.reserve.min(self.limit.map_or(i64::MAX, |most| i64::from(most) / 2)),
        };
        kept.max(self.margin)
    }

    /// What may leave without touching the shares kept free.
    pub(super) fn usable(&self) -> i64 {
        let own = self.own_free().saturating_sub(self.reserve);
        own.min(self.server_free().saturating_sub(self.server_reserve())).max(0)
    }

    /// Whether a request may leave now.
    pub(super) fn admits(&self, now: Duration, removal: bool, demand: u64) -> bool {
        if removal {
            return self.own_free().min(self.server_free()) > 0;
        }
        self.usable() > 0 && !self.is_paced(now, demand)
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
        let (own_reserve, server_reserve) = if removal { (0, 0) } else { (self.reserve, self.server_reserve()) };
        let missing = own_reserve + 1 - self.own_free();
        let own = if missing <= 0 {
            Some(now)
        } else {
            let by_age = usize::try_from(missing - 1).ok().and_then(|index| self.spent.get(index)).copied();
            by_age.into_iter().chain(self.reset.filter(|_| self.is_ours())).min()
        };
        let server = match self.server {
            Some(server) if self.server_free() <= server_reserve => {
                let first = self.counted.front().filter(|_| self.ages());
                first.map_or(server.until, |answered| server.until.min(answered.saturating_add(self.length())))
            }
            _ => now,
        };
        let pace = if !removal && self.is_paced(now, demand) { self.pace_until } else { now };
        own.map(|own| own.max(server).max(pace))
    }

    pub(super) fn sent(&mut self, now: Duration, demand: u64) {
        self.in_flight += 1;
        let usable = self.usable();
        if let Some(reset) = self.reset.filter(|reset| reset.saturating_sub(now) >= SHORT)
            && i64::try_from(demand).unwrap_or(i64::MAX) > usable
        {
            let left = reset.saturating_sub(now).mul_f64(PACE);
            self.pace_until = now.saturating_add(left.div_f64(usable as f64 + 1.0));
        }
    }
}

/// The share of a limit that is kept free: rounded down and never everything, because a quota of one must still be usable.
fn share(limit: u32, keep_free: f64) -> i64 {
    let share = (f64::from(limit) * keep_free.clamp(0.0, 1.0)).floor();
    (share as i64).min(i64::from(limit) - 1).max(0)
}
