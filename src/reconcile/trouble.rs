//! The store's trouble, apart from the app's: nothing was learnt about the app, and it is no reason to leave it alone.

use std::sync::{Arc, Mutex, PoisonError};

use super::{connect::Reconciler, memory::Memory};
use crate::store::StoreError;

/// The first failure of the store since somebody last asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    fn note(&self, error: &StoreError) {
        // A whole value is put in.
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| format!("the {error}"));
    }
}

impl Memory {
    /// Notes that the store failed, if it is that: a lease that somebody else holds is not.
    pub(super) fn failed(&self, error: &StoreError) {
        if error.is_of_the_store() {
            self.trouble.note(error);
        }
    }
}

impl Reconciler {
    /// What was wrong with the store in this round, as a sentence. It is told once.
    pub fn take_store_trouble(&self) -> Option<String> {
        let memory = self.memory.as_ref()?;
        memory.trouble.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
