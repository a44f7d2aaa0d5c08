//! What took effect of late, and what of that again and again.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    AppKey, Entry, Store, StoreError,
    ledger::{COVERED, ENTRIES},
    row::{column, nanos},
    statement::of,
};

impl Store {
    /// Actions of ours that took effect since an instant, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn done_since(&self, key: &AppKey, since: Timestamp) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "{ENTRIES}
             WHERE app = $1 AND origin = $2 AND at >= $3 AND kind = 'action' AND result = 'done' AND {COVERED} ORDER BY seq"
        );
        self.find("looking up what was done of late", &sql, of(key).and(nanos(since))).await
    }

    /// The names of actions that took effect at least `times` times since an instant.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn done_repeatedly(
        &self,
        key: &AppKey,
        since: Timestamp,
        times: usize,
    ) -> Result<BTreeSet<String>, StoreError> {
        let sql = format!(
            "SELECT action FROM ledger
             WHERE app = $1 AND origin = $2 AND at >= $3 AND kind = 'action' AND result = 'done'
               AND action IS NOT NULL AND {COVERED}
             GROUP BY action HAVING COUNT(*) >= $4"
        );
        let params = of(key).and(nanos(since)).and(column(times));
        let names: Vec<(String,)> = self.find("looking up what was done again and again", &sql, params).await?;
        Ok(names.into_iter().map(|(name,)| name).collect())
    }
}
