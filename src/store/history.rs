//! What the past says: who had what, who was seen when, what was ours.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{AppKey, SeenValues, Store, StoreError};
use crate::model::{AccountStatus, Email};

/// What one account of an app was at some instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The app.
    pub key: AppKey,
    /// The account's id.
    pub account: Arc<str>,
    /// Its address.
    pub email: Email,
    /// Whether it could be used.
    pub status: AccountStatus,
    /// Its fields.
    pub values: SeenValues,
    /// Since when it was seen like this.
    pub since: Timestamp,
    /// Its groups, by name.
    pub groups: Vec<HoldingGroup>,
}

/// A group that an account was in.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldingGroup {
    /// The group's id.
    pub group: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Whether the membership could be used.
    pub status: AccountStatus,
    /// Its fields.
    pub values: SeenValues,
    /// Since when it was seen like this.
    pub since: Timestamp,
}

/// When and how an account was last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// The account's id.
    pub account: Arc<str>,
    /// Its address.
    pub email: Email,
    /// Its status then.
    pub status: AccountStatus,
    /// Since when it had been seen like that.
    pub since: Timestamp,
    /// When it was last seen, at least: an incomplete reading may have shown it later.
    pub last_seen: Timestamp,
    /// The first reading that proved it to be gone.
    pub gone_since: Option<Timestamp>,
}

/// People who lost or gained something by what we did, with the group (`None`: the account itself).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moved {
    /// Who lost something.
    pub lost: BTreeSet<(Email, Option<Arc<str>>)>,
    /// Who gained something.
    pub gained: BTreeSet<(Email, Option<Arc<str>>)>,
}

/// A deactivation of ours that is still the last thing that happened to the account's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnDeactivation {
    /// When.
    pub at: Timestamp,
    /// When a reading first showed that somebody changed the account afterwards, its status aside.
    pub touched_at: Option<Timestamp>,
}

/// An account that we made, which in many apps is an invitation.
#[derive(Debug, Clone, PartialEq)]
pub struct Invitation {
    /// The address it was made for, as the files spell it.
    pub email: Email,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The action that made it.
    pub action: String,
    /// The account's id, where the app told it.
    pub account_id: Option<Arc<str>>,
    /// What the readings say about it since; none when no reading has shown it.
    pub seen: Option<Sighting>,
}

impl Store {
    /// What the accounts under an address were at `at`, in one app or in all that are stored; sorted by app.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holdings_at(
        &self,
        _key: Option<&AppKey>,
        _email: &Email,
        _at: Timestamp,
    ) -> Result<Vec<Holding>, StoreError> {
        unimplemented!()
    }

    /// The account that was last seen under an address: first one that is there still, then the latest.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn seen_account_by_email(&self, _key: &AppKey, _email: &Email) -> Result<Option<Sighting>, StoreError> {
        unimplemented!()
    }

    /// Ids of all accounts that were ever seen under an address, with when each last was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn previous_owner_ids(
        &self,
        _key: &AppKey,
        _email: &Email,
    ) -> Result<BTreeMap<Arc<str>, Timestamp>, StoreError> {
        unimplemented!()
    }

    /// How many accounts the last reading that showed all of them showed; none when there was no such reading.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn accounts_last_seen(&self, _key: &AppKey) -> Result<Option<usize>, StoreError> {
        unimplemented!()
    }

    /// How many active accounts there were at `at`; none when no reading had shown all accounts by then.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn active_at(&self, _key: &AppKey, _at: Timestamp) -> Result<Option<usize>, StoreError> {
        unimplemented!()
    }

    /// Accounts, by id, whose last deactivation was ours.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn own_deactivations(&self, _key: &AppKey) -> Result<BTreeMap<Arc<str>, OwnDeactivation>, StoreError> {
        unimplemented!()
    }

    /// People who lost or gained something since an instant, by actions of ours that took effect.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn moved_since(&self, _key: &AppKey, _since: Timestamp) -> Result<Moved, StoreError> {
        unimplemented!()
    }

    /// Accounts that we made, and memberships that made one, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn invitations(&self, _key: &AppKey) -> Result<Vec<Invitation>, StoreError> {
        unimplemented!()
    }
}
