//! What a run made or saw itself, for the actions that follow.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::model::{Email, LiveAccount};

/// A row that is no older than this needs no second reading before a removal: as much time may pass between that reading and
/// the write.
const JUST_NOW: Duration = Duration::from_secs(10);

/// Ids of what this process itself made in one app: for the actions that follow, and so that no later round makes it again
/// merely because a list does not show it yet. And rows that it read a moment ago.
#[derive(Debug, Default)]
pub struct CreatedIds {
    accounts: Mutex<BTreeMap<Email, Arc<str>>>,
    groups: Mutex<BTreeMap<Arc<str>, Arc<str>>>,
    /// Addresses that accounts were given, by id.
    addresses: Mutex<BTreeMap<Arc<str>, Email>>,
    /// Rows that were read just now, by id, and when.
    seen: Mutex<BTreeMap<Arc<str>, (Instant, LiveAccount)>>,
}

impl CreatedIds {
    /// Remembers a row that was asked for at this instant: a removal that follows at once has re-read it.
    pub fn saw_account(&self, at: Instant, account: LiveAccount) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(account.id.clone(), (at, account));
    }

    /// The account's row, if it was read just now. It is good for one action, which may change it.
    pub(super) fn just_seen(&self, id: &str) -> Option<LiveAccount> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        seen.filter(|(at, _)| at.elapsed() <= JUST_NOW).map(|(_, account)| account)
    }

    /// Remembers the id of an account that was made.
    pub fn remember_account(&self, email: Email, id: Arc<str>) {
        // A poisoned lock still holds whole entries: inserting one cannot leave the map half-changed.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).insert(email, id);
    }

    /// Remembers the id of a group that was made.
    pub fn remember_group(&self, name: Arc<str>, id: Arc<str>) {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).insert(name, id);
    }

    /// Remembers that an account was given another address, by which those actions know it no longer that were planned before.
    pub fn remember_address(&self, id: Arc<str>, address: Email) {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).insert(id, address);
    }

    /// The address that an account was given.
    pub(super) fn address_of(&self, id: &str) -> Option<Email> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// The id of an account that was made.
    pub fn account_of(&self, email: &Email) -> Option<Arc<str>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).get(email).cloned()
    }

    /// The id of a group that was made.
    pub fn group_of(&self, name: &str) -> Option<Arc<str>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}
