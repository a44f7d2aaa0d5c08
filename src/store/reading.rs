//! What was seen, and from when until when.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Lease, Store, StoreError};
use crate::model::{AccountStatus, Email, FieldName, FieldValue, LiveApp};

/// Fields that were seen. No key: not known, so that what was known before still holds. `None`: known to be empty.
pub type SeenValues = BTreeMap<FieldName, Option<FieldValue>>;

/// One reading of an app.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// How many requests it took.
    pub requests: u64,
    /// Accounts that were seen.
    pub accounts: Vec<SeenAccount>,
    /// Memberships that were seen.
    pub memberships: Vec<SeenMembership>,
    /// What it proves by not showing it.
    pub covered: Covered,
}

/// What a reading proves by not showing it. Only what is covered can end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Covered {
    /// Everything that matters was seen.
    pub complete: bool,
    /// All accounts were seen. An account that was not is gone, and its memberships with it.
    pub accounts: bool,
    /// Addresses that were looked for one by one and have no account.
    pub absent: BTreeSet<Email>,
    /// Ids of all groups there are, if all were seen. Memberships in others are gone.
    pub all_groups: Option<BTreeSet<Arc<str>>>,
    /// Ids of groups all of whose members were seen.
    pub groups: BTreeSet<Arc<str>>,
    /// Ids of accounts all of whose memberships were seen.
    pub memberships_of: BTreeSet<Arc<str>>,
    /// Ids of accounts whose memberships are not known, whatever else is covered.
    pub unread: BTreeSet<Arc<str>>,
}

/// An account that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenAccount {
    /// The app's immutable id.
    pub id: Arc<str>,
    /// Its address, as the app spells it.
    pub email: Email,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// Its fields.
    pub values: SeenValues,
}

/// A membership that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenMembership {
    /// The account's id.
    pub account: Arc<str>,
    /// The group's id.
    pub group: Arc<str>,
    /// The group's name.
    pub group_name: Arc<str>,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// Its fields.
    pub values: SeenValues,
}

impl From<&LiveApp> for Reading {
    fn from(_live: &LiveApp) -> Self {
        unimplemented!()
    }
}

impl Store {
    /// Enters a reading that was finished at `at`. Only what is different from before is written.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn record_reading(&self, _lease: &Lease, _at: Timestamp, _reading: &Reading) -> Result<(), StoreError> {
        unimplemented!()
    }
}
