//! What budgets had spent, so that a restart does not overspend.

use jiff::Timestamp;

use super::{Store, StoreError};
use crate::budget::Saved;

impl Store {
    /// What a bucket had spent when it was saved, and when that was. `key` names a credential and a scope without being a
    /// secret.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load_budget(&self, _key: &str) -> Result<Option<(Saved, Timestamp)>, StoreError> {
        unimplemented!()
    }

    /// Saves what a bucket has spent.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn save_budget(&self, _key: &str, _saved: &Saved, _at: Timestamp) -> Result<(), StoreError> {
        unimplemented!()
    }
}
