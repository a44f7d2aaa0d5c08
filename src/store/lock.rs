//! Locks that go with leases in SQLite. The operating system frees them when a process dies, however it dies, so that an
//! app is free at once after a kill; and it does not free them before, so that no process that lives is ever overtaken.

use std::{
    collections::BTreeSet,
    fs::File,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use super::{AppKey, error::Fault, files, row};

/// Where a store's locks are.
pub(super) enum Locks {
    /// Files beside the database.
    Files(PathBuf),
    /// In memory, as the store is.
    Memory(Arc<Mutex<BTreeSet<AppKey>>>),
    /// The server has none: a lease on it ends by the clock.
    None,
}

/// A lock that is held, or was.
#[derive(Debug)]
pub(super) struct Held(Mutex<Option<Hold>>);

#[derive(Debug)]
enum Hold {
    /// Closing the file frees it.
    File {
        _open: File,
    },
    Memory(Arc<Mutex<BTreeSet<AppKey>>>, AppKey),
    Nothing,
}

impl Locks {
    /// Takes an app's lock, unless somebody else has it.
    pub(super) fn take(&self, key: &AppKey) -> Result<Option<Held>, Fault> {
        let hold = match self {
            Self::Files(database) => {
                let id = row::hash(&[&key.app, &key.origin]);
                files::try_lock(&files::lock_of(database, &id[..16]))?.map(|file| Hold::File { _open: file })
            }
            Self::Memory(taken) => {
                let mut held = taken.lock().unwrap_or_else(PoisonError::into_inner);
                held.insert(key.clone()).then(|| Hold::Memory(taken.clone(), key.clone()))
            }
            Self::None => Some(Hold::Nothing),
        };
        Ok(hold.map(|hold| Held(Mutex::new(Some(hold)))))
    }
}

impl Held {
    /// Frees it before the last clone of its lease is gone.
    pub(super) fn free(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Self::Memory(taken, key) = self {
            taken.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        }
    }
}
