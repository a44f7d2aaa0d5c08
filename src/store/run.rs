//! Runs: one command, or one cycle of the daemon.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{Store, StoreError};

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id, which no other run has had.
    pub id: Arc<str>,
    /// `apply`, `daemon`.
    pub command: String,
    /// When it began.
    pub started_at: Timestamp,
    /// The commit of the files, if they are in a repository.
    pub commit: Option<String>,
    /// The plan's fingerprint.
    pub fingerprint: Option<String>,
    /// The machine it runs on.
    pub host: String,
    /// Its process.
    pub pid: u32,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    /// How, in a word: `done`, `failed`, `interrupted`.
    pub how: String,
    /// What there is to say about it.
    pub message: Option<String>,
    /// How many actions ended how, by the words of [`Ending`](super::Ending).
    pub counts: BTreeMap<String, u64>,
}

/// A run, past or present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How it began.
    pub begun: NewRun,
    /// How it ended; none of a run that was cut off or is still under way.
    pub ended: Option<RunEnd>,
}

impl Store {
    /// Enters a run, in the ledger as well.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_run(&self, _run: &NewRun) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Enters how a run ended, in the ledger as well.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_run(&self, _id: &str, _end: &RunEnd) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// The last `limit` runs, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn runs(&self, _limit: u32) -> Result<Vec<Run>, StoreError> {
        unimplemented!()
    }

    /// Runs that have no end, oldest first: cut off, or still under way somewhere.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unfinished_runs(&self) -> Result<Vec<Run>, StoreError> {
        unimplemented!()
    }
}
