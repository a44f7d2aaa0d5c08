//! Facts that can only be read one account at a time, kept so that they can be read in rotation.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{AppKey, Lease, Store, StoreError};

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// The account itself.
    Account,
    /// Its memberships.
    Memberships,
}

/// What was read of one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The account's id.
    pub account: Arc<str>,
    /// What it is about.
    pub kind: FactKind,
    /// What was read, in whatever form the reader chooses.
    pub body: Value,
    /// When.
    pub read_at: Timestamp,
}

impl Store {
    /// All facts of an app, by account and kind.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn facts(&self, _key: &AppKey) -> Result<Vec<Fact>, StoreError> {
        unimplemented!()
    }

    /// Keeps facts, in the place of older ones about the same.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn put_facts(&self, _lease: &Lease, _facts: &[Fact]) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Forgets all facts about these accounts.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn forget_facts(&self, _lease: &Lease, _accounts: &[Arc<str>]) -> Result<(), StoreError> {
        unimplemented!()
    }
}
