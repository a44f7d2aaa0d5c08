//! Transactions, which everything else is made of.

use sqlx::AnyConnection;
use tokio::sync::MutexGuard;

use super::{Inner, Slot};
use crate::store::{Trouble, address::Address, error::Fault};

/// A transaction. It counts only once it is committed.
pub(in crate::store) struct Tx<'a> {
    pub(super) slot: MutexGuard<'a, Slot>,
    pub(super) inner: &'a Inner,
}

impl Tx<'_> {
    /// What to send statements to.
    pub(in crate::store) fn connection(&mut self) -> Result<&mut AnyConnection, Fault> {
        self.slot.connection.as_mut().ok_or_else(|| Fault::new(Trouble::Connect, "the connection is gone"))
    }

    /// Does `work`, and makes it count.
    pub(in crate::store) async fn through<T>(
        mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let done = work(&mut self).await?;
        self.commit().await?;
        Ok(done)
    }

    /// What makes PostgreSQL lock the rows that are read; SQLite has one writer at a time as it is.
    pub(in crate::store) fn lock_rows(&self, clause: &'static str) -> &'static str {
        if self.is_postgres() { clause } else { "" }
    }

    pub(in crate::store) fn is_postgres(&self) -> bool {
        matches!(self.inner.address, Address::Postgres(_))
    }

    /// Makes it count. It does where the database still is afterwards.
    pub(in crate::store) async fn commit(mut self) -> Result<(), Fault> {
        sqlx::query("COMMIT").execute(self.connection()?).await?;
        self.slot.dirty = false;
        self.inner.is_still_there()
    }

    /// Undoes it.
    pub(in crate::store) async fn roll_back(mut self) -> Result<(), Fault> {
        sqlx::query("ROLLBACK").execute(self.connection()?).await?;
        self.slot.dirty = false;
        Ok(())
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        // What is in memory would be lost with its connection, and is rolled back before the next transaction instead.
        if self.slot.dirty && self.inner.address != Address::Memory {
            self.slot.connection = None;
            self.slot.dirty = false;
        }
    }
}
