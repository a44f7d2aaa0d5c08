//! What the readings say about single accounts.

use std::sync::Arc;

use sqlx::{Row as _, any::AnyRow};

use super::{
    AppKey, SeenValues, Sighting,
    error::Fault,
    open::Tx,
    row::{self, tame, timestamp},
    statement::{FromRow, of},
};
use crate::model::{AccountStatus, Email, FieldName, FieldValue};

/// A row of `seen_accounts`.
pub(super) struct Span {
    account: Arc<str>,
    email: String,
    pub(super) status: AccountStatus,
    fields: SeenValues,
    pub(super) from: i64,
    pub(super) to: Option<i64>,
}

impl FromRow for Span {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        Ok(Self {
            account: row::shared(row, "account")?,
            email: row.try_get("email")?,
            status: row::status(row)?,
            fields: row::fields(row)?,
            from: row.try_get("seen_from")?,
            to: row.try_get("seen_to")?,
        })
    }
}

impl Span {
    /// Whether something of what both show is different, the status aside. What was merely learnt since is not.
    pub(super) fn differs(&self, later: &Self) -> bool {
        self.email != later.email || later.fields.iter().any(|(name, value)| self.held_otherwise(name, value))
    }

    /// The same across a deactivation, which may take away what gives access, such as the role. Another role instead is
    /// somebody's doing, as is another name.
    pub(super) fn differs_beside_access(&self, later: &Self) -> bool {
        let differs =
            |(name, value): (&FieldName, &Option<FieldValue>)| value.is_some() && self.held_otherwise(name, value);
        self.email != later.email || later.fields.iter().any(differs)
    }

    fn held_otherwise(&self, name: &FieldName, value: &Option<FieldValue>) -> bool {
        self.fields.get(name).is_some_and(|before| before != value)
    }
}

/// All rows of an account, oldest first.
pub(super) async fn spans_of(tx: &mut Tx<'_>, key: &AppKey, account: &str) -> Result<Vec<Span>, Fault> {
    spans(tx, key, "account", &tame(account)).await
}

/// The rows in which a column has a value, by account, each account's oldest first.
async fn spans(tx: &mut Tx<'_>, key: &AppKey, column: &'static str, value: &str) -> Result<Vec<Span>, Fault> {
    let sql = format!(
        "SELECT account, email, status, fields, seen_from, seen_to FROM seen_accounts
         WHERE app = $1 AND origin = $2 AND {column} = $3 ORDER BY account, seen_from"
    );
    tx.rows(&sql, of(key).and(value)).await
}

/// Every account that was seen under an address.
pub(super) async fn under(tx: &mut Tx<'_>, key: &AppKey, email: &Email) -> Result<Vec<Sighting>, Fault> {
    group(tx, key, "email_key", &tame(email.key())).await
}

/// An account by its id.
pub(super) async fn of_account(tx: &mut Tx<'_>, key: &AppKey, account: &str) -> Result<Vec<Sighting>, Fault> {
    group(tx, key, "account", &tame(account)).await
}

async fn group(tx: &mut Tx<'_>, key: &AppKey, column: &'static str, value: &str) -> Result<Vec<Sighting>, Fault> {
    let spans = spans(tx, key, column, value).await?;
    let mut seen = Vec::new();
    for spans in spans.chunk_by(|a, b| a.account == b.account) {
        let Some(last) = spans.last() else { continue };
        // How far back it had that status without a gap.
        let mut since = last.from;
        for pair in spans.windows(2).rev() {
            if pair[0].to != Some(since) || pair[0].status != last.status {
                break;
            }
            since = pair[0].from;
        }
        let shown = last_full_reading(tx, key, last.to).await?;
        seen.push(Sighting {
            account: last.account.clone(),
            email: Email::lenient(&last.email),
            status: last.status.clone(),
            since: timestamp(since),
            last_seen: timestamp(shown.map_or(last.from, |shown| shown.max(last.from))),
            gone_since: last.to.map(timestamp),
        });
    }
    Ok(seen)
}

/// First one that is there still, then the latest.
pub(super) fn latest(seen: Vec<Sighting>) -> Option<Sighting> {
    seen.into_iter().max_by(|a, b| {
        let order = |seen: &Sighting| (seen.gone_since.is_none(), seen.last_seen, seen.since);
        order(a).cmp(&order(b)).then_with(|| b.account.cmp(&a.account))
    })
}

/// The last reading that showed all accounts, before an instant or at all.
async fn last_full_reading(tx: &mut Tx<'_>, key: &AppKey, before: Option<i64>) -> Result<Option<i64>, Fault> {
    let sql = "SELECT MAX(at) FROM readings WHERE app = $1 AND origin = $2 AND all_accounts = 1 AND at < $3";
    tx.value(sql, of(key).and(before.unwrap_or(i64::MAX))).await
}
