//! The ledger: what was done, when, why and with what result, as a chain of hashes.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AppKey, Lease, Store, StoreError};
use crate::model::{ActionResult, Change};

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A run began.
    RunBegun,
    /// A run ended.
    RunEnded,
    /// An action ended.
    Action,
    /// Something was noticed, such as a change that somebody else made.
    Note,
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It took effect.
    Done,
    /// It did not take effect.
    Failed,
    /// Nobody can tell whether it did.
    Unknown,
    /// A person must do it.
    Manual,
    /// It was not tried, because of another action.
    Skipped,
    /// It was not tried, because the app had changed.
    Stale,
    /// It was not tried, because the run ended.
    NotStarted,
}

impl Ending {
    /// The word in the ledger and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Manual => "manual",
            Self::Skipped => "skipped",
            Self::Stale => "stale",
            Self::NotStarted => "not-started",
        }
    }
}

impl From<&ActionResult> for Ending {
    fn from(result: &ActionResult) -> Self {
        match result {
            ActionResult::Done { .. } => Self::Done,
            ActionResult::Failed { .. } => Self::Failed,
            ActionResult::Manual { .. } => Self::Manual,
            ActionResult::Skipped { .. } => Self::Skipped,
            ActionResult::Stale { .. } => Self::Stale,
            ActionResult::NotStarted { .. } => Self::NotStarted,
        }
    }
}

/// What is entered. `Default` is a note about nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// When it happened.
    pub at: Timestamp,
    /// In which run.
    pub run: Option<Arc<str>>,
    /// What it is about.
    pub kind: EntryKind,
    /// The action's name.
    pub action: Option<String>,
    /// Its verb.
    pub verb: Option<String>,
    /// The account, as the action's name spells it.
    pub account: Option<Arc<str>>,
    /// The account's id.
    pub account_id: Option<Arc<str>>,
    /// The group, by name.
    pub group: Option<Arc<str>>,
    /// The group's id.
    pub group_id: Option<Arc<str>>,
    /// The addresses of people who can do less or more afterwards, where that is not just `account`.
    pub people: Vec<Arc<str>>,
    /// Someone can do less afterwards.
    pub reduces_access: bool,
    /// Someone can do more afterwards.
    pub gains: bool,
    /// The lines that ask for it: `teams/design.yaml:9`.
    pub because: Vec<String>,
    /// The commit of the files.
    pub commit: Option<String>,
    /// `change`, `drift` or `time`, where it is known.
    pub cause: Option<String>,
    /// Method and path of the request: `PATCH /users/user-123`.
    pub request: Option<String>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// How it ended.
    pub result: Option<Ending>,
    /// The sentence that goes with it.
    pub message: Option<String>,
    /// What the app showed when it was read back.
    pub read_back: Option<Value>,
    /// Fields, old and new.
    pub changes: Vec<Change>,
    /// When the request was about to be sent, where that was written down.
    pub sent_at: Option<Timestamp>,
    /// It was settled by looking at the app, without an answer to the request.
    pub by_looking: bool,
}

impl Default for NewEntry {
    fn default() -> Self {
        Self {
            at: Timestamp::UNIX_EPOCH,
            run: None,
            kind: EntryKind::Note,
            action: None,
            verb: None,
            account: None,
            account_id: None,
            group: None,
            group_id: None,
            people: Vec::new(),
            reduces_access: false,
            gains: false,
            because: Vec::new(),
            commit: None,
            cause: None,
            request: None,
            status: None,
            result: None,
            message: None,
            read_back: None,
            changes: Vec::new(),
            sent_at: None,
            by_looking: false,
        }
    }
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place in the ledger, from 1, without gaps.
    pub seq: u64,
    /// The app's name and origin; none for entries about runs.
    pub key: Option<AppKey>,
    /// The hash of the entry before it, in hexadecimal.
    pub prev: String,
    /// Its own hash.
    pub hash: String,
    /// The text that is hashed, together with `prev`: canonical JSON.
    pub text: String,
    /// What it says.
    pub entry: NewEntry,
}

/// Which entries to show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// About this account or these people, compared as addresses are.
    pub account: Option<String>,
    /// About this app, by name.
    pub app: Option<String>,
    /// About actions of this name or below it, as in approvals: `autodesk/deactivate`.
    pub action: Option<String>,
    /// In this run.
    pub run: Option<String>,
    /// Not before this instant.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// After this place in the ledger.
    pub after: Option<u64>,
    /// At most so many, the newest.
    pub limit: Option<u32>,
}

/// Whether the ledger is what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// Every link holds.
    Whole {
        /// How many entries there are.
        entries: u64,
        /// The hash of the last one. Whoever keeps it elsewhere can prove later that nothing was cut off or written anew.
        head: String,
    },
    /// A link does not hold.
    Broken {
        /// The first entry that is wrong.
        seq: u64,
        /// What is wrong with it, as a sentence.
        why: String,
    },
}

impl Store {
    /// Enters what took no intent: an action that was never sent, something that was noticed.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn enter(&self, _lease: &Lease, _entries: &[NewEntry]) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Entries that pass the filter, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn entries(&self, _filter: &Filter) -> Result<Vec<Entry>, StoreError> {
        unimplemented!()
    }

    /// Checks the whole chain.
    ///
    /// # Errors
    /// When the store fails; a broken chain is no error.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        unimplemented!()
    }
}
