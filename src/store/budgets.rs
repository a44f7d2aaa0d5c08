//! What budgets had spent, so that a restart does not overspend.

use jiff::Timestamp;

use super::{Store, StoreError, row};
use crate::budget::Saved;

impl Store {
    /// What a bucket had spent when it was saved, and when that was. `key` names a credential and a scope without being a
    /// secret.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load_budget(&self, key: &str) -> Result<Option<(Saved, Timestamp)>, StoreError> {
        self.drive("looking up what a budget had spent", async {
            let mut tx = self.read().await?;
            let found = sqlx::query("SELECT body, saved_at FROM budgets WHERE bucket = $1")
                .bind(key)
                .fetch_optional(tx.connection()?)
                .await?;
            tx.commit().await?;
            let Some(found) = found else { return Ok(None) };
            Ok(Some((serde_json::from_str(&row::text(&found, "body")?)?, row::time(&found, "saved_at")?)))
        })
        .await
    }

    /// Saves what a bucket has spent.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn save_budget(&self, key: &str, saved: &Saved, at: Timestamp) -> Result<(), StoreError> {
        self.drive("saving what a budget has spent", async {
            let mut tx = self.write().await?;
            let sql = "INSERT INTO budgets (bucket, body, saved_at) VALUES ($1, $2, $3)
                       ON CONFLICT (bucket) DO UPDATE SET body = excluded.body, saved_at = excluded.saved_at";
            sqlx::query(sql)
                .bind(key)
                .bind(serde_json::to_string(saved)?)
                .bind(row::nanos(at))
                .execute(tx.connection()?)
                .await?;
            tx.commit().await
        })
        .await
    }
}
