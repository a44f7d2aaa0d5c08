//! The journal: what is about to be sent, until it is known what came of it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{ApprovalUse, Ending, Lease, Store, StoreError};
use crate::model::Change;
use crate::store::AppKey;

/// What is about to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIntent {
    /// The run that sends it.
    pub run: Arc<str>,
    /// The action's name. An app has at most one open intent for each.
    pub action: String,
    /// Its verb.
    pub verb: String,
    /// The account it is about, as the action's name spells it.
    pub account: Option<Arc<str>>,
    /// The account's id, where it is known.
    pub account_id: Option<Arc<str>>,
    /// The group it is about, by name.
    pub group: Option<Arc<str>>,
    /// The group's id, where it is known.
    pub group_id: Option<Arc<str>>,
    /// The addresses of people who can do less or more afterwards, where that is not just `account`.
    pub people: Vec<Arc<str>>,
    /// Someone can do less afterwards.
    pub reduces_access: bool,
    /// Someone can do more afterwards.
    pub gains: bool,
    /// What is sent, and whatever else it takes to find out later whether it arrived. No secrets.
    pub payload: Value,
    /// Fields, old and new.
    pub changes: Vec<Change>,
    /// The lines that ask for it: `teams/design.yaml:9`.
    pub because: Vec<String>,
    /// The commit of the files.
    pub commit: Option<String>,
    /// `change`, `drift` or `time`, where it is known.
    pub cause: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Names an intent of one app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub(super) i64);

/// An intent of which it is not known what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// The app.
    pub key: AppKey,
    /// The lease under which it was opened. A current lease with another epoch has to look before it repeats anything.
    pub epoch: i64,
    /// How many complete readings did not show what it makes.
    pub absences: u32,
    /// What was about to be sent.
    pub intent: NewIntent,
}

/// What came of an intent. The rest of its ledger entry is known from the intent.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// When it was known.
    pub at: Timestamp,
    /// The run that found it out, which after a crash is a later one.
    pub run: Arc<str>,
    /// What came of it.
    pub ending: Ending,
    /// The sentence that goes with it.
    pub message: Option<String>,
    /// Method and path of the request: `PATCH /users/user-123`.
    pub request: Option<String>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// What the app showed when it was read back.
    pub read_back: Option<Value>,
    /// The account's id, where it became known by this.
    pub account_id: Option<Arc<str>>,
    /// The group's id, likewise.
    pub group_id: Option<Arc<str>>,
    /// It was settled by looking at the app, without an answer to the request.
    pub by_looking: bool,
    /// Approvals that are used up by it.
    pub approvals: Vec<ApprovalUse>,
}

impl Store {
    /// Writes down what is about to be sent. It is durable when this returns.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), [`Trouble::AlreadyOpen`](super::Trouble::AlreadyOpen), or when the
    /// store fails; nothing may be sent then.
    pub async fn open_intent(&self, _lease: &Lease, _intent: &NewIntent) -> Result<IntentId, StoreError> {
        unimplemented!()
    }

    /// The same for several that leave in one request: all or none.
    ///
    /// # Errors
    /// As [`Store::open_intent`].
    pub async fn open_batch(&self, _lease: &Lease, _intents: &[NewIntent]) -> Result<Vec<IntentId>, StoreError> {
        unimplemented!()
    }

    /// Settles an intent and enters it in the ledger, at once.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease) or [`Trouble::NotOpen`](super::Trouble::NotOpen), or when the store
    /// fails; the intent is still open then.
    pub async fn close_intent(&self, _lease: &Lease, _id: IntentId, _settled: &Settled) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// The same for several: all or none.
    ///
    /// # Errors
    /// As [`Store::close_intent`].
    pub async fn close_batch(&self, _lease: &Lease, _settled: &[(IntentId, Settled)]) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Intents of which it is not known what came of them, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open_intents(&self, _key: &AppKey) -> Result<Vec<Intent>, StoreError> {
        unimplemented!()
    }

    /// Notes that one more complete reading, begun after the request, did not show what the intent makes. Returns how many
    /// there have been.
    ///
    /// # Errors
    /// As [`Store::close_intent`].
    pub async fn note_absence(&self, _lease: &Lease, _id: IntentId) -> Result<u32, StoreError> {
        unimplemented!()
    }
}
