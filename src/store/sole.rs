//! One daemon for a store in a file.

use std::fs::File;

use super::{Store, StoreError, files, lock::Locks, statement::none};

/// That no other daemon works with the same store, where only one may. Freed when it is dropped, or with the process.
#[derive(Debug)]
pub struct SoleDaemon {
    _lock: Option<File>,
}

impl Store {
    /// Makes this process the daemon of a store in a file; none while another process is. What an earlier one had under way
    /// when it died is due at once. Daemons that share a server share the work, and each of them may.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn be_sole_daemon(&self) -> Result<Option<SoleDaemon>, StoreError> {
        let Locks::Files(database) = self.locks() else { return Ok(Some(SoleDaemon { _lock: None })) };
        let doing = "looking whether another daemon works with it";
        let lock =
            files::try_lock(&files::lock_of(database, "daemon")).map_err(|fault| fault.at(self.name(), doing))?;
        let Some(lock) = lock else { return Ok(None) };
        self.writing("taking over from an earlier daemon", async |tx| {
            tx.run("UPDATE apps SET turn_until = 0 WHERE turn_of IS NOT NULL", none()).await?;
            tx.run("DELETE FROM daemons", none()).await.map(drop)
        })
        .await?;
        Ok(Some(SoleDaemon { _lock: Some(lock) }))
    }
}
