//! The files that are in force.

use std::sync::Arc;

use jiff::Timestamp;

use super::schedule::Timetable;
use crate::{desired::Loaded, model::Desired};

/// Files without mistakes, by which cycles go.
#[derive(Debug)]
pub(crate) struct InForce {
    /// What they ask for.
    pub desired: Arc<Desired>,
    /// Hash of all of them and of the manifests that they name.
    pub digest: String,
    /// When they were read.
    pub since: Timestamp,
    /// How many files there are.
    pub count: usize,
    /// When cycles begin.
    pub timetable: Timetable,
    /// Counts the files that were in force in this process.
    pub number: u64,
}

impl InForce {
    /// What was loaded.
    ///
    /// # Errors
    /// When the settings make no sense to the daemon.
    pub(crate) fn new(loaded: Loaded, now: Timestamp) -> Result<Self, String> {
        let digest = loaded.fingerprint();
        let timetable = Timetable::new(&loaded.desired.settings)?;
        let count = loaded.files.len();
        Ok(Self { desired: Arc::new(loaded.desired), digest, since: now, count, timetable, number: 0 })
    }
}
