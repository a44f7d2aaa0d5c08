//! What is remembered of accounts that can only be read one at a time, and for how long that has been so.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountGroup, LiveAccount};

/// What single reads showed of one app's accounts, by the accounts' ids. Plain data: whoever keeps a store keeps it between
/// runs, and without one it is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The accounts themselves.
    #[serde(default)]
    pub accounts: BTreeMap<Arc<str>, Fact<LiveAccount>>,
    /// The groups they are in, where memberships are read account by account.
    #[serde(default)]
    pub memberships: BTreeMap<Arc<str>, Fact<Vec<AccountGroup>>>,
}

/// One thing that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact<T> {
    /// When it was asked for: never later than what it shows.
    pub read_at: Timestamp,
    /// A fingerprint of the account's row in the list at that time. Under another row the fact says nothing any more.
    pub row: Arc<str>,
    /// What was seen.
    pub seen: T,
}

/// Facts by what they are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactIds {
    /// Ids of accounts whose own fact is meant.
    pub accounts: BTreeSet<Arc<str>>,
    /// Ids of accounts whose memberships are meant.
    pub memberships: BTreeSet<Arc<str>>,
}

impl Facts {
    /// Takes in newer facts.
    pub fn learn(&mut self, newer: Self) {
        self.accounts.extend(newer.accounts);
        self.memberships.extend(newer.memberships);
    }

    /// Forgets what no longer holds.
    pub fn forget(&mut self, lapsed: &FactIds) {
        self.accounts.retain(|id, _| !lapsed.accounts.contains(id));
        self.memberships.retain(|id, _| !lapsed.memberships.contains(id));
    }
}

impl FactIds {
    /// Means everything about an account.
    pub fn insert(&mut self, id: &Arc<str>) {
        self.accounts.insert(id.clone());
        self.memberships.insert(id.clone());
    }
}
