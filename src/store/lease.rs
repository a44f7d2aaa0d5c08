//! One writer per app: leases.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::{
    Store, StoreError, Trouble,
    error::Fault,
    lock::Held,
    open::Tx,
    row::{self, nanos, timestamp},
    statement::{FromRow, none, of},
};

/// How PostgreSQL locks the row of an app that is only read.
///
/// A renewal comes by a connection of its own and changes no key, so that it does not wait for this lock; a claim does.
pub(super) const FOR_SHARE: &str = " FOR KEY SHARE";

/// The same for one that is going to be written.
pub(super) const FOR_UPDATE: &str = " FOR UPDATE";

/// Names an app for all that is stored about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

impl FromRow for AppKey {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        Ok(Self { app: row::shared(row, "app")?, origin: row::shared(row, "origin")? })
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
    held: Arc<Held>,
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
    pub async fn claim(&self, key: &AppKey, owner: &str, ttl: Duration, now: Timestamp) -> Result<Claim, StoreError> {
        self.writing("claiming an app", async |tx| {
            enter_app(tx, key).await?;
            let lock = tx.lock_rows(FOR_UPDATE);
            let sql = format!("SELECT owner, lease_until FROM apps WHERE app = $1 AND origin = $2{lock}");
            let (holder, until): (Option<String>, Option<i64>) = tx.one(&sql, of(key)).await?;
            let clock = clock(tx, now).await?;
            let until = until.unwrap_or(i64::MIN);
            let free = !tx.is_postgres() || holder.is_none() || until <= clock;
            let held = if free { self.locks().take(key)? } else { None };
            Ok(match held {
                Some(held) => Claim::Held(raise(tx, key, owner, ttl, clock, held).await?),
                None => Claim::Busy {
                    owner: holder.unwrap_or_else(|| "another process".into()),
                    until: if until == i64::MIN { now } else { timestamp(local(until, clock, now)) },
                },
            })
        })
        .await
    }

    /// Gives a lease back. One that was lost already is given back without complaint.
    ///
    /// # Errors
    /// When the store fails; the lease then ends by itself.
    pub async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let released = self.writing("giving a lease back", async |tx| {
            let sql = "UPDATE apps SET owner = NULL, lease_until = NULL WHERE app = $1 AND origin = $2 AND epoch = $3";
            tx.run(sql, of(&lease.key).and(lease.epoch)).await.map(drop)
        });
        let released = released.await;
        // Other clones write nothing any more: without an owner, none of them has the lease.
        lease.held.free();
        released
    }

    /// Makes sure that a lease still holds.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease) when someone else has claimed the app.
    pub async fn check_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        self.writing("looking whether a claim still holds", async |tx| check(tx, lease, FOR_SHARE).await).await
    }

    /// Does `work` in a transaction that writes under a lease, which holds until the transaction ends.
    pub(super) async fn leased<T>(
        &self,
        doing: &str,
        lease: &Lease,
        work: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.writing(doing, async |tx| {
            check(tx, lease, FOR_SHARE).await?;
            work(tx).await
        })
        .await
    }
}

/// Enters an app that was never heard of.
pub(super) async fn enter_app(tx: &mut Tx<'_>, key: &AppKey) -> Result<(), Fault> {
    let sql =
        "INSERT INTO apps (app, origin, epoch, intents) VALUES ($1, $2, 0, 0) ON CONFLICT (app, origin) DO NOTHING";
    tx.run(sql, of(key)).await.map(drop)
}

/// Makes `owner` the one who has the app.
async fn raise(
    tx: &mut Tx<'_>,
    key: &AppKey,
    owner: &str,
    ttl: Duration,
    clock: i64,
    held: Held,
) -> Result<Lease, Fault> {
    let sql = "UPDATE apps SET epoch = epoch + 1, owner = $3, lease_until = $4 WHERE app = $1 AND origin = $2
               RETURNING epoch";
    let epoch = tx.value(sql, of(key).and(owner).and(clock.saturating_add(length(ttl)))).await?;
    Ok(Lease { key: key.clone(), owner: owner.into(), epoch, ttl, held: Arc::new(held) })
}

/// Makes sure that a lease still holds, and that it does until the transaction ends: the app's row is locked as
/// `lock` says.
pub(super) async fn check(tx: &mut Tx<'_>, lease: &Lease, lock: &'static str) -> Result<(), Fault> {
    let lock = tx.lock_rows(lock);
    let sql = format!("SELECT owner, epoch FROM apps WHERE app = $1 AND origin = $2{lock}");
    match tx.row::<(Option<String>, i64)>(&sql, of(&lease.key)).await?.unwrap_or_default() {
        (Some(_), epoch) if epoch == lease.epoch => Ok(()),
        (owner, epoch) => Err(lost(lease, owner, epoch)),
    }
}

fn lost(lease: &Lease, owner: Option<String>, epoch: i64) -> Fault {
    let by = match owner {
        Some(owner) => format!("{owner} has it now"),
        None if epoch > lease.epoch => "another process took it over meanwhile, and has given it back since".to_owned(),
        None if epoch == lease.epoch => "it was given back".to_owned(),
        None => "the store does not know of it; it is an earlier state of itself, or another one".to_owned(),
    };
    Fault::new(Trouble::LostLease, format!("{} no longer has {}: {by}", lease.owner, lease.key.app))
}

/// The time by which leases are measured: the server's, where several machines share one, and the caller's otherwise.
pub(super) async fn clock(tx: &mut Tx<'_>, now: Timestamp) -> Result<i64, Fault> {
    if !tx.is_postgres() {
        return Ok(nanos(now));
    }
    let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";
    Ok(tx.value::<i64>(sql, none()).await?.saturating_mul(1000))
}

/// A time on that clock, as the caller's clock shows it.
pub(super) fn local(at: i64, clock: i64, now: Timestamp) -> i64 {
    nanos(now).saturating_add(at.saturating_sub(clock))
}

pub(super) fn length(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX)
}
