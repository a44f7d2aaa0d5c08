//! What somebody had at an instant: what the readings showed until then, and what we did ourselves after the last of them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use sqlx::{Row as _, any::AnyRow};

use super::{
    AppKey, Entry, SeenValues, Store, StoreError,
    error::Fault,
    ledger::{COVERED, ENTRIES},
    row::{self, nanos, tame},
    statement::{FromRow, none, of},
};
use crate::model::{AccountStatus, Email, Verb};

/// What one account of an app was at some instant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Holding {
    /// The app.
    #[serde(flatten)]
    pub key: AppKey,
    /// The account's id.
    #[serde(rename = "id")]
    pub account: Arc<str>,
    /// Its address.
    pub email: Email,
    /// Whether it could be used.
    #[serde(serialize_with = "as_text")]
    pub status: AccountStatus,
    /// Its fields.
    pub values: SeenValues,
    /// Since when it was seen like this.
    pub since: Timestamp,
    /// Its groups, by name.
    pub groups: Vec<HoldingGroup>,
}

/// A group that an account was in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HoldingGroup {
    /// The group's id.
    #[serde(rename = "id")]
    pub group: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Whether the membership could be used.
    #[serde(serialize_with = "as_text")]
    pub status: AccountStatus,
    /// Its fields.
    pub values: SeenValues,
    /// Since when it was seen like this.
    pub since: Timestamp,
}

/// A status that is not known is the app's own word.
fn as_text<S: Serializer>(status: &AccountStatus, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(status)
}

/// What somebody had.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// The accounts, sorted by app, as far as our own changes leave no doubt about them.
    pub holdings: Vec<Holding>,
    /// Changes of ours that no reading had shown by then, oldest first.
    pub unread: Vec<Entry>,
}

/// What the readings of one app showed last.
#[derive(Debug, Clone, PartialEq)]
pub struct LastSeen {
    /// When the app was read last.
    pub at: Timestamp,
    /// Whether any reading showed all accounts.
    pub has_all: bool,
    /// The accounts, sorted by id.
    pub holdings: Vec<Holding>,
    /// What we did that no reading of all accounts has shown since, oldest first.
    pub unread: Vec<Entry>,
}

impl FromRow for Holding {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        Ok(Self {
            key: AppKey::from_row(row)?,
            account: row::shared(row, "account")?,
            email: Email::lenient(row.try_get("email")?),
            status: row::status(row)?,
            values: row::fields(row)?,
            since: row::time(row, "seen_from")?,
            groups: Vec::new(),
        })
    }
}

impl FromRow for HoldingGroup {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        Ok(Self {
            group: row::shared(row, "group_id")?,
            name: row::shared(row, "group_name")?,
            status: row::status(row)?,
            values: row::fields(row)?,
            since: row::time(row, "seen_from")?,
        })
    }
}

impl Store {
    /// What the accounts under an address were at `at`, sorted by app.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holdings_at(&self, email: &Email, at: Timestamp) -> Result<Vec<Holding>, StoreError> {
        self.reading("looking up who had what", async |tx| {
            let sql = "SELECT app, origin, account, email, status, fields, seen_from FROM seen_accounts
                       WHERE email_key = $1 AND seen_from <= $2 AND (seen_to IS NULL OR seen_to > $2)";
            let mut holdings: Vec<Holding> = tx.rows(sql, none().and(&*tame(email.key())).and(nanos(at))).await?;
            for Holding { key, account, groups, .. } in &mut holdings {
                let sql = "SELECT group_id, group_name, status, fields, seen_from FROM seen_members
                           WHERE app = $1 AND origin = $2 AND account = $3
                             AND seen_from <= $4 AND (seen_to IS NULL OR seen_to > $4)";
                *groups = tx.rows(sql, of(key).and(&**account).and(nanos(at))).await?;
                groups.sort_by(|a, b| (&a.name, &a.group).cmp(&(&b.name, &b.group)));
            }
            holdings.sort_by(|a, b| (&a.key, &a.account).cmp(&(&b.key, &b.account)));
            Ok(holdings)
        })
        .await
    }

    /// Everything that the readings of an app showed last, and what we did since; none where it was never read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_seen(&self, key: &AppKey) -> Result<Option<LastSeen>, StoreError> {
        let read = self.reading("looking up what was seen last", async |tx| {
            let sql = "SELECT MAX(at) AS at, MAX(all_accounts) AS has_all FROM readings WHERE app = $1 AND origin = $2";
            let (Some(at), has_all): (Option<i64>, Option<i64>) = tx.row(sql, of(key)).await?.unwrap_or_default()
            else {
                return Ok(None);
            };
            let sql = "SELECT app, origin, account, email, status, fields, seen_from FROM seen_accounts
                       WHERE app = $1 AND origin = $2 AND seen_to IS NULL ORDER BY account";
            let mut holdings: Vec<Holding> = tx.rows(sql, of(key)).await?;
            let sql = "SELECT account, group_id, group_name, status, fields, seen_from FROM seen_members
                       WHERE app = $1 AND origin = $2 AND seen_to IS NULL ORDER BY account, group_id";
            let mut members: BTreeMap<Arc<str>, Vec<HoldingGroup>> = BTreeMap::new();
            for row in tx.found(sql, of(key)).await? {
                members.entry(row::shared(&row, "account")?).or_default().push(HoldingGroup::from_row(&row)?);
            }
            for holding in &mut holdings {
                holding.groups = members.remove(&holding.account).unwrap_or_default();
            }
            Ok(Some((row::timestamp(at), has_all == Some(1), holdings)))
        });
        let Some((at, has_all, holdings)) = read.await? else { return Ok(None) };
        let sql = format!(
            "{ENTRIES}
             WHERE app = $1 AND origin = $2 AND kind = 'action' AND result = 'done'
               AND NOT EXISTS (
                   SELECT 1 FROM readings WHERE readings.app = ledger.app AND readings.origin = ledger.origin
                     AND all_accounts = 1 AND readings.at > ledger.at)
               AND {COVERED} ORDER BY seq"
        );
        let unread = self.find("looking up what we did since", &sql, of(key)).await?;
        Ok(Some(LastSeen { at, has_all, holdings, unread }))
    }

    /// What the accounts under these addresses were at `at`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn standing_at(
        &self,
        addresses: impl IntoIterator<Item = &Email>,
        at: Timestamp,
    ) -> Result<Standing, StoreError> {
        let (mut holdings, mut unread) = (Vec::new(), BTreeMap::new());
        for address in addresses {
            holdings.extend(self.holdings_at(address, at).await?);
            // One that names two addresses of a person is one change.
            unread.extend(self.unread_at(address, at).await?.into_iter().map(|entry| (entry.seq, entry)));
        }
        holdings.sort_by(|a, b| (&a.key, &a.account).cmp(&(&b.key, &b.account)));
        let unread = unread.into_values().filter(|entry| is_later(entry, &holdings)).collect::<Vec<_>>();
        unread.iter().for_each(|entry| apply(entry, &mut holdings));
        Ok(Standing { holdings, unread })
    }

    /// What we did about an address, and what no reading of all accounts showed before `at`.
    async fn unread_at(&self, email: &Email, at: Timestamp) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "{ENTRIES}
             WHERE seq IN (SELECT seq FROM ledger_people WHERE person = $1)
               AND kind = 'action' AND result = 'done' AND at <= $2
               AND NOT EXISTS (
                   SELECT 1 FROM readings WHERE readings.app = ledger.app AND readings.origin = ledger.origin
                     AND all_accounts = 1 AND readings.at > ledger.at AND readings.at <= $2)
               AND {COVERED} ORDER BY seq"
        );
        let person = tame(email.key());
        self.find("looking up what we did since", &sql, none().and(&*person).and(nanos(at))).await
    }
}

/// Whether an entry is about this account.
fn is_about(entry: &Entry, holding: &Holding) -> bool {
    let id = entry.entry.event.action().and_then(|action| action.deed.account_id.as_ref());
    entry.key.as_ref() == Some(&holding.key) && id.is_none_or(|id| *id == holding.account)
}

/// A reading of single accounts may have shown this one since.
fn is_later(entry: &Entry, holdings: &[Holding]) -> bool {
    holdings.iter().all(|holding| !is_about(entry, holding) || holding.since <= entry.entry.at)
}

/// What a change did to accounts that were seen. What it made is known by name only.
fn apply(entry: &Entry, holdings: &mut Vec<Holding>) {
    let Some(deed) = entry.entry.event.action().map(|action| &action.deed) else { return };
    let about = |holding: &&mut Holding| is_about(entry, holding);
    let mut put = |status: AccountStatus| {
        for holding in holdings.iter_mut().filter(about) {
            (holding.status, holding.since) = (status.clone(), entry.entry.at);
        }
    };
    match deed.verb {
        Verb::Deactivate => put(AccountStatus::Inactive),
        Verb::Reactivate => put(AccountStatus::Active),
        Verb::Delete => holdings.retain(|holding| !is_about(entry, holding)),
        Verb::RemoveMember | Verb::DeleteGroup => {
            for holding in holdings.iter_mut().filter(about) {
                holding.groups.retain(|group| match &deed.group_id {
                    Some(id) => *id != group.group,
                    None => deed.group.as_ref() != Some(&group.name),
                });
            }
        }
        _ => {}
    }
}
