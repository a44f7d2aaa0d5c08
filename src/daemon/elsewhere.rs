//! What daemons that share a store let each other know of an app.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::report::Standing;
use crate::store::DaemonId;

/// A cycle of another daemon.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Elsewhere {
    pub daemon: DaemonId,
    /// The daemon that went through the cycle, for people.
    pub by: Arc<str>,
    /// The meaning of the files by which it went. An earlier version said nothing of that.
    #[serde(default)]
    pub files: Arc<str>,
    /// When it ended.
    pub ended: Timestamp,
    /// How the app stands by it.
    pub standing: String,
    /// Whether it came to its end.
    pub finished: bool,
    /// How long the next one may take to end, in seconds.
    pub patience_s: u64,
    /// How many cycles in a row could not read the app.
    pub failures: u32,
}

impl Elsewhere {
    /// How the app stands by it.
    pub(super) fn standing(&self) -> Standing {
        self.standing.parse().unwrap_or(Standing::Unknown)
    }
}
