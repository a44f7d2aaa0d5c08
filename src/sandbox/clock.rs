//! The sandbox's clock: starts at the real time, runs `time_scale` times as fast, and can be moved forward. It stands on the
//! runtime's clock, so that it stands still with it in a simulation.
//!
//! Two times exist here and must not be mixed up. *Sandbox time* decides what the simulated apps do: when an
//! invitation is accepted, a token expires or a quota window ends. *Real time* is what a client lives in, so every
//! duration or moment told to a client in a header is converted before it is sent.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock that only moves forward.
#[derive(Debug)]
pub(crate) struct Clock {
    started_at: Timestamp,
    started: Instant,
    scale: f64,
    advanced: Duration,
    /// Whether the time of day was made up.
    simulated: bool,
}

impl Clock {
    /// Starts now, at the real time of day or at another. `scale` must be finite and above zero; whoever makes a sandbox
    /// checks that.
    pub(crate) fn start(scale: f64, begins: Option<Timestamp>) -> Self {
        Self {
            started_at: begins.unwrap_or_else(Timestamp::now),
            started: Instant::now(),
            scale,
            advanced: Duration::ZERO,
            simulated: begins.is_some(),
        }
    }

    /// The sandbox time.
    pub(crate) fn now(&self) -> Timestamp {
        let elapsed = Duration::try_from_secs_f64(self.started.elapsed().as_secs_f64() * self.scale)
            .unwrap_or(Duration::MAX)
            .saturating_add(self.advanced);
        // The end of jiff's calendar stands in for anything later: nothing in a simulation reaches the year 9999.
        later(self.started_at, elapsed).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock forward by so much sandbox time.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.advanced = self.advanced.saturating_add(by);
    }

    /// The time of day where the client is.
    pub(crate) fn time_of_day(&self) -> Timestamp {
        if self.simulated {
            later(self.started_at, self.started.elapsed()).unwrap_or(Timestamp::MAX)
        } else {
            Timestamp::now()
        }
    }

    /// How long a client has to wait, in real time, until the sandbox time `moment`.
    pub(crate) fn real_wait(&self, moment: Timestamp) -> Duration {
        self.real(Duration::try_from(moment.duration_since(self.now())).unwrap_or(Duration::ZERO))
    }

    /// A length of sandbox time as a client experiences it.
    pub(crate) fn real(&self, sandbox: Duration) -> Duration {
        Duration::try_from_secs_f64(sandbox.as_secs_f64() / self.scale).unwrap_or(Duration::MAX)
    }

    /// Sandbox seconds per real second.
    pub(crate) fn scale(&self) -> f64 {
        self.scale
    }
}

/// `moment + by`, or nothing when that lies beyond the calendar, which callers read as "never".
pub(crate) fn later(moment: Timestamp, by: Duration) -> Option<Timestamp> {
    SignedDuration::try_from(by).ok().and_then(|by| moment.checked_add(by).ok())
}

/// Whole seconds, rounded up, so that a client which waits that long never comes back too early.
pub(crate) fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}
