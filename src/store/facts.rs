//! Facts that can only be read one account at a time, kept so that they can be read in rotation.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use super::{AppKey, Lease, Store, StoreError, error::Fault, lease, row};

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// The account itself.
    Account,
    /// Its memberships.
    Memberships,
}

/// What was read of one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The account's id.
    pub account: Arc<str>,
    /// What it is about.
    pub kind: FactKind,
    /// What was read, in whatever form the reader chooses.
    pub body: Value,
    /// When.
    pub read_at: Timestamp,
}

impl FactKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Memberships => "memberships",
        }
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "account" => Ok(Self::Account),
            "memberships" => Ok(Self::Memberships),
            other => Err(Fault::corrupt(format!("`{other}` is no kind of fact"))),
        }
    }
}

impl Store {
    /// All facts of an app, by account and kind.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn facts(&self, key: &AppKey) -> Result<Vec<Fact>, StoreError> {
        self.drive("looking up what is remembered", async {
            let mut tx = self.read().await?;
            let sql = "SELECT account, kind, body, read_at FROM facts WHERE app = $1 AND origin = $2";
            let rows = sqlx::query(sql).bind(&*key.app).bind(&*key.origin).fetch_all(tx.connection()?).await?;
            tx.commit().await?;
            let mut facts = Vec::with_capacity(rows.len());
            for found in rows {
                facts.push(Fact {
                    account: row::shared(&found, "account")?,
                    kind: FactKind::parse(&row::text(&found, "kind")?)?,
                    body: serde_json::from_str(&row::text(&found, "body")?)?,
                    read_at: row::time(&found, "read_at")?,
                });
            }
            // Databases disagree about the order of texts.
            facts.sort_by(|a, b| (&a.account, a.kind).cmp(&(&b.account, b.kind)));
            Ok(facts)
        })
        .await
    }

    /// Keeps facts, in the place of older ones about the same.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn put_facts(&self, lease: &Lease, facts: &[Fact]) -> Result<(), StoreError> {
        // One statement cannot write the same row twice; the last one counts.
        let newest: BTreeMap<_, _> = facts.iter().map(|fact| ((&fact.account, fact.kind), fact)).collect();
        let newest: Vec<&Fact> = newest.into_values().collect();
        self.drive("keeping what was read", async {
            let mut tx = self.write().await?;
            lease::check(&mut tx, lease).await?;
            for chunk in newest.chunks(row::ROWS) {
                let sql = format!(
                    "INSERT INTO facts (app, origin, account, kind, body, read_at) VALUES {}
                     ON CONFLICT (app, origin, account, kind)
                     DO UPDATE SET body = excluded.body, read_at = excluded.read_at",
                    row::placeholders(1, chunk.len(), 6)
                );
                let mut query = sqlx::query(&sql).persistent(false);
                for fact in chunk {
                    query = query
                        .bind(&*lease.key().app)
                        .bind(&*lease.key().origin)
                        .bind(&*fact.account)
                        .bind(fact.kind.as_str())
                        .bind(serde_json::to_string(&fact.body)?)
                        .bind(row::nanos(fact.read_at));
                }
                query.execute(tx.connection()?).await?;
            }
            tx.commit().await
        })
        .await
    }

    /// Forgets all facts about these accounts.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn forget_facts(&self, lease: &Lease, accounts: &[Arc<str>]) -> Result<(), StoreError> {
        self.drive("forgetting what no longer holds", async {
            let mut tx = self.write().await?;
            lease::check(&mut tx, lease).await?;
            for chunk in accounts.chunks(row::ROWS) {
                let sql = format!(
                    "DELETE FROM facts WHERE app = $1 AND origin = $2 AND account IN {}",
                    row::placeholders(3, 1, chunk.len())
                );
                let mut query = sqlx::query(&sql).persistent(false).bind(&*lease.key().app).bind(&*lease.key().origin);
                for account in chunk {
                    query = query.bind(&**account);
                }
                query.execute(tx.connection()?).await?;
            }
            tx.commit().await
        })
        .await
    }
}
