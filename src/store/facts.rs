//! Facts that can only be read one account at a time, kept so that they can be read in rotation.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Row as _, any::AnyRow};
use strum::{EnumString, IntoStaticStr};

use super::{
    AppKey, Lease, Store, StoreError,
    error::Fault,
    row,
    statement::{FromRow, none, of},
};

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
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

impl FromRow for Fact {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        let kind: &str = row.try_get("kind")?;
        Ok(Self {
            account: row::shared(row, "account")?,
            kind: kind.parse().map_err(|_| Fault::corrupt(format!("`{kind}` is no kind of fact")))?,
            body: serde_json::from_str(row.try_get("body")?)?,
            read_at: row::time(row, "read_at")?,
        })
    }
}

impl Store {
    /// All facts of an app, by account and kind.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn facts(&self, key: &AppKey) -> Result<Vec<Fact>, StoreError> {
        let sql = "SELECT account, kind, body, read_at FROM facts WHERE app = $1 AND origin = $2";
        let mut facts: Vec<Fact> = self.find("looking up what is remembered", sql, of(key)).await?;
        // Databases disagree about the order of texts.
        facts.sort_by(|a, b| (&a.account, a.kind).cmp(&(&b.account, b.kind)));
        Ok(facts)
    }

    /// Keeps facts, in the place of older ones about the same.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn put_facts(&self, lease: &Lease, facts: &[Fact]) -> Result<(), StoreError> {
        // One statement cannot write the same row twice; the last one counts.
        let newest: BTreeMap<_, _> = facts.iter().map(|fact| ((&fact.account, fact.kind), fact)).collect();
        let newest: Vec<&Fact> = newest.into_values().collect();
        self.leased("keeping what was read", lease, async |tx| {
            let sql = "INSERT INTO facts (app, origin, account, kind, body, read_at) VALUES {}
                       ON CONFLICT (app, origin, account, kind)
                       DO UPDATE SET body = excluded.body, read_at = excluded.read_at";
            let AppKey { app, origin } = lease.key();
            tx.run_each(sql, none, &newest, |params, fact| {
                let params = params.and(&**app).and(&**origin).and(&*fact.account).and(<&str>::from(fact.kind));
                Ok(params.and(fact.body.to_string()).and(row::nanos(fact.read_at)))
            })
            .await
            .map(drop)
        })
        .await
    }

    /// Forgets all facts about these accounts.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn forget_facts(&self, lease: &Lease, accounts: &[Arc<str>]) -> Result<(), StoreError> {
        self.leased("forgetting what no longer holds", lease, async |tx| {
            let sql = "DELETE FROM facts WHERE app = $1 AND origin = $2 AND account IN {}";
            tx.run_each(sql, || of(lease.key()), accounts, |params, account| Ok(params.and(&**account))).await.map(drop)
        })
        .await
    }
}
