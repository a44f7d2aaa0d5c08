//! What budgets had spent, so that a restart does not overspend.

use jiff::Timestamp;

use super::{
    Store, StoreError,
    row::{nanos, timestamp},
    statement::none,
};
use crate::budget::Saved;

impl Store {
    /// What a bucket had spent when it was saved, and when that was. `key` names a credential and a scope without being a
    /// secret.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load_budget(&self, key: &str) -> Result<Option<(Saved, Timestamp)>, StoreError> {
        self.reading("looking up what a budget had spent", async |tx| {
            let found = tx.row("SELECT body, saved_at FROM budgets WHERE bucket = $1", none().and(key)).await?;
            let Some((body, at)) = found else { return Ok(None) };
            let body: String = body;
            Ok(Some((serde_json::from_str(&body)?, timestamp(at))))
        })
        .await
    }

    /// Saves what a bucket has spent.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn save_budget(&self, key: &str, saved: &Saved, at: Timestamp) -> Result<(), StoreError> {
        self.writing("saving what a budget has spent", async |tx| {
            let sql = "INSERT INTO budgets (bucket, body, saved_at) VALUES ($1, $2, $3)
                       ON CONFLICT (bucket) DO UPDATE SET body = excluded.body, saved_at = excluded.saved_at";
            tx.run(sql, none().and(key).and(serde_json::to_string(saved)?).and(nanos(at))).await.map(drop)
        })
        .await
    }
}
