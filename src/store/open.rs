//! Opening a store.

use std::sync::Arc;

use super::StoreError;

/// How to open a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Every operation is driven to its end on the calling thread instead of being awaited, so that a paused clock cannot
    /// advance while the database works. For simulations; SQLite only.
    pub blocking: bool,
    /// The largest number of pages the database may have, so that a full disk can be had at will; SQLite only. See also
    /// [`Store::set_max_pages`].
    pub max_pages: Option<u32>,
}

/// An open store. Clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {}

impl Store {
    /// Opens `sqlite:PATH` (made when it is not there, with its folder), `sqlite::memory:` or `postgres://…`, and brings its
    /// schema up to date.
    ///
    /// # Errors
    /// When it cannot be reached or is of a newer version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, &OpenOptions::default()).await
    }

    /// The same, with options.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(_url: &str, _options: &OpenOptions) -> Result<Self, StoreError> {
        unimplemented!()
    }

    /// Its address, without a password.
    pub fn name(&self) -> &str {
        unimplemented!()
    }

    /// Bounds the number of pages from now on; `None`: no bound. SQLite only. A bound below what is used already means that
    /// not one more page can be had.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_max_pages(&self, _pages: Option<u32>) -> Result<(), StoreError> {
        unimplemented!()
    }
}
