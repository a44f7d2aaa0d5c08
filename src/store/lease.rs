//! One writer per app: leases.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{Store, StoreError};

/// Names an app for all that is stored about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppKey {
    /// Its name in the files.
    pub app: Arc<str>,
    /// The origin of its url: `https://developer.api.autodesk.com`.
    pub origin: Arc<str>,
}

impl AppKey {
    /// The app called `app` at `origin`.
    pub fn new(app: impl Into<Arc<str>>, origin: impl Into<Arc<str>>) -> Self {
        Self { app: app.into(), origin: origin.into() }
    }
}

/// The right to write to an app, until it ends or someone else claims it. Clones are the same lease. With SQLite a lock of
/// the operating system goes with it, which is freed when the last clone is dropped or the process dies.
#[derive(Debug, Clone)]
pub struct Lease {
    key: AppKey,
    owner: Arc<str>,
    epoch: i64,
    ttl: Duration,
}

/// What came of claiming an app.
#[derive(Debug)]
pub enum Claim {
    /// It is ours.
    Held(Lease),
    /// Someone else has it.
    Busy {
        /// Who.
        owner: String,
        /// Until when, unless they renew it, on the caller's clock. In the past where the owner's process lives on without
        /// having renewed it.
        until: Timestamp,
    },
}

impl Lease {
    /// The app.
    pub fn key(&self) -> &AppKey {
        &self.key
    }

    /// Who holds it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Raised by every claim.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// How long it lasts, from an instant that lies between the call that claimed or last renewed it and its return. Measure
    /// from before the call, on a monotonic clock.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }
}

impl Store {
    /// Claims an app for `owner` (a text for people: host, process, command), for `ttl`.
    ///
    /// # Errors
    /// When the store fails; that someone else has it is no error.
    pub async fn claim(
        &self,
        _key: &AppKey,
        _owner: &str,
        _ttl: Duration,
        _now: Timestamp,
    ) -> Result<Claim, StoreError> {
        unimplemented!()
    }

    /// Claims the app that is due for the longest time and free, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim_due(&self, _owner: &str, _ttl: Duration, _now: Timestamp) -> Result<Option<Lease>, StoreError> {
        unimplemented!()
    }

    /// Lets a lease last for `ttl` from now on.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease) when someone else has claimed the app.
    pub async fn renew(&self, _lease: &Lease, _ttl: Duration, _now: Timestamp) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Gives a lease back. One that was lost already is given back without complaint.
    ///
    /// # Errors
    /// When the store fails; the lease then ends by itself.
    pub async fn release(&self, _lease: Lease) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Says when an app is to be taken up next (`None`: not by itself). The app need not be claimed, so that a daemon can
    /// enter all its apps.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_next_due(
        &self,
        _key: &AppKey,
        _due: Option<Timestamp>,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// When an app is to be taken up next, on the caller's clock.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next_due(&self, _key: &AppKey, _now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        unimplemented!()
    }
}
