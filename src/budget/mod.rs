//! Request budgets as a state machine: how many requests may leave, when, and in which order. The caller passes `now`, a
//! duration since any fixed start, so that the same machine runs live, in tests and, on a virtual clock, in forecasts.
//!
//! One [`Budget`] stands for one credential. Callers [`ask`](Budget::ask) with a ticket, call [`next`](Budget::next)
//! until it grants nothing more, and report every [`answered`](Budget::answered) request with what the server said about
//! its quota. It counts a request from the moment it leaves until one window after its answer: the server counted it
//! somewhere in between, so that no interval of a window's length can hold more than the quota, whatever the latency.

mod bucket;
mod headers;
mod saved;
mod window;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use bucket::Budget;
pub(crate) use bucket::PARK_AFTER;
pub(crate) use headers::{retry_after, told};
pub use saved::{Saved, SavedCount, SavedScope};

/// In which order waiting requests leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Removals of access, with every read they need. They may use the share kept free.
    Removal,
    /// Writes, with every read they need; those that more other actions wait for go first.
    Write {
        /// How many other actions wait for this one.
        unblocks: u32,
    },
    /// Observation.
    Read,
}

/// What a request does, because APIs count reads and writes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It changes nothing.
    Read,
    /// It may change something.
    Write,
    /// It gets an access token. Counts as a read where reads are counted apart.
    Token,
}

/// Names a request; the caller chooses it and never uses one twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// How much a credential may send.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Quota {
    /// Each counts its own requests; a request draws on every scope that covers it. None: as many as one likes.
    pub scopes: Vec<Scope>,
    /// Requests that may be under way at once.
    pub concurrency: Option<u32>,
    /// Share of each scope, from 0 to 1, that is left to other users of the API. Removals may use it.
    pub keep_free: f64,
}

/// One limit of `requests` per window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// What it covers.
    pub covers: Covers,
    /// Requests per window.
    pub requests: u32,
    /// The window.
    pub per: Duration,
}

/// Which requests count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Covers {
    /// All of them.
    #[default]
    All,
    /// Those that only read, token calls included.
    Reads,
    /// Those that change something.
    Writes,
}

impl Covers {
    fn includes(self, kind: Kind) -> bool {
        match self {
            Self::All => true,
            Self::Reads => kind != Kind::Write,
            Self::Writes => kind == Kind::Write,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send this request now, and ask again.
    Grant(Ticket),
    /// Nothing may leave before this instant, unless an answer arrives or someone asks.
    WaitUntil(Duration),
    /// Nothing waits, or what waits needs an answer to arrive first.
    Idle,
}

/// What became of a request, and what the server said about its quotas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Feedback {
    /// What became of it.
    pub outcome: Outcome,
    /// What the server said about each of its quotas.
    pub told: Vec<Told>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

/// What a server says about one of its quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// Requests that it allows in a window.
    pub limit: Option<u32>,
    /// Requests left in its window.
    pub remaining: Option<u32>,
    /// When its window begins anew, rounded to seconds by most servers, one way or the other.
    pub reset_in: Option<Duration>,
    /// How long its windows are.
    pub per: Option<Duration>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// It was answered, or may have reached the server.
    #[default]
    Answered,
    /// No answer came, and the server may be at work on it all the same: its place stays taken for a moment, because
    /// whoever counts requests at once there would count one more than we do.
    Lost,
    /// It never left.
    NotSent,
    /// The server has had too much (429, 503): the whole bucket pauses.
    Overloaded,
}
