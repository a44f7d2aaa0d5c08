//! The store's trouble, apart from the app's: nothing was learnt about the app, and it is no reason to leave it alone.

use std::sync::{Arc, Mutex, PoisonError};

use crate::store::StoreError;

/// The first failure of the store since somebody last asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// Notes that the store failed, if it is that: a lease that somebody else holds is not.
    pub(super) fn note(&self, error: &StoreError) {
        if !error.is_of_the_store() {
            return;
        }
        // A whole value is put in.
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| format!("the {error}"));
    }

    /// What was noted, once.
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
