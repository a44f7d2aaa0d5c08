//! What was seen, and from when until when.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    AppKey, Lease, Store, StoreError,
    error::Fault,
    intervals, lease,
    open::Tx,
    row::{self, nanos},
};
use crate::model::{AccountStatus, Email, FieldName, FieldValue, LiveApp, LiveGroup};

/// Fields that were seen. No key: not known, so that what was known before still holds. `None`: known to be empty.
pub type SeenValues = BTreeMap<FieldName, Option<FieldValue>>;

/// One reading of an app.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// How many requests it took.
    pub requests: u64,
    /// Accounts that were seen.
    pub accounts: Vec<SeenAccount>,
    /// Memberships that were seen.
    pub memberships: Vec<SeenMembership>,
    /// What it proves by not showing it.
    pub covered: Covered,
}

/// What a reading proves by not showing it. Only what is covered can end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Covered {
    /// Everything that matters was seen.
    pub complete: bool,
    /// All accounts were seen. An account that was not is gone, and its memberships with it.
    pub accounts: bool,
    /// Addresses that were looked for one by one and have no account.
    pub absent: BTreeSet<Email>,
    /// Ids of all groups there are, if all were seen. Memberships in others are gone.
    pub all_groups: Option<BTreeSet<Arc<str>>>,
    /// Ids of groups all of whose members were seen.
    pub groups: BTreeSet<Arc<str>>,
    /// Ids of accounts all of whose memberships were seen.
    pub memberships_of: BTreeSet<Arc<str>>,
    /// Ids of accounts whose memberships are not known, whatever else is covered.
    pub unread: BTreeSet<Arc<str>>,
}

/// An account that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenAccount {
    /// The app's immutable id.
    pub id: Arc<str>,
    /// Its address, as the app spells it.
    pub email: Email,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// Its fields.
    pub values: SeenValues,
}

/// A membership that was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenMembership {
    /// The account's id.
    pub account: Arc<str>,
    /// The group's id.
    pub group: Arc<str>,
    /// The group's name.
    pub group_name: Arc<str>,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// Its fields.
    pub values: SeenValues,
}

impl From<&LiveApp> for Reading {
    /// What a reading says. Whether everything that matters was seen depends on which groups the files declare; here it is
    /// everything but the members of groups, which [`Covered::groups`] tells one by one.
    fn from(live: &LiveApp) -> Self {
        let accounts = live.accounts.iter().map(|account| SeenAccount {
            id: account.id.clone(),
            email: account.email.clone(),
            status: account.status.clone(),
            values: account.values.clone(),
        });
        let memberships = live.groups.iter().flat_map(|group| {
            group.members.iter().map(|member| SeenMembership {
                account: member.account.clone(),
                group: group.id.clone(),
                group_name: group.name.clone(),
                status: member.status.clone(),
                values: member.values.clone(),
            })
        });
        Self {
            requests: live.requests,
            accounts: accounts.collect(),
            memberships: memberships.collect(),
            covered: Covered::from(live),
        }
    }
}

impl From<&LiveApp> for Covered {
    fn from(live: &LiveApp) -> Self {
        let ids = |groups: &mut dyn Iterator<Item = &LiveGroup>| groups.map(|group| group.id.clone()).collect();
        // What is remembered holds as far as anybody knows, and proves nothing.
        let extent = &live.extent;
        let unread = live.unread_memberships.iter().chain(live.unread_accounts.keys());
        let unread: BTreeSet<Arc<str>> =
            unread.chain(&extent.memberships_to_come).chain(extent.remembered.keys()).cloned().collect();
        let accounts = live.accounts_coverage.is_complete();
        let all_groups = live.groups_coverage.is_complete();
        Self {
            complete: accounts && all_groups && unread.is_empty() && extent.accounts_to_come.is_empty(),
            accounts,
            absent: live.absent.clone(),
            // Where no group was asked for, none was seen, and that says nothing about groups.
            all_groups: (all_groups && !live.groups.is_empty()).then(|| ids(&mut live.groups.iter())),
            groups: ids(&mut live.groups.iter().filter(|group| group.coverage.is_complete())),
            memberships_of: BTreeSet::new(),
            unread,
        }
    }
}

impl Store {
    /// Enters a reading that was finished at `at`. Only what is different from before is written.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn record_reading(&self, lease: &Lease, at: Timestamp, reading: &Reading) -> Result<(), StoreError> {
        self.drive("entering what was seen", async {
            let mut tx = self.write().await?;
            lease::check(&mut tx, lease).await?;
            let key = lease.key();
            let at = enter(&mut tx, key, nanos(at), reading).await?;
            let before = intervals::current(&mut tx, key).await?;
            let changes = before.compare(reading)?;
            intervals::write(&mut tx, key, at, &changes).await?;
            tx.commit().await
        })
        .await
    }
}

/// Enters that there was a reading, and returns the instant it counts for: later than any before, whatever clocks say.
async fn enter(tx: &mut Tx<'_>, key: &AppKey, at: i64, reading: &Reading) -> Result<i64, Fault> {
    let last = sqlx::query("SELECT MAX(at) AS at FROM readings WHERE app = $1 AND origin = $2")
        .bind(&*key.app)
        .bind(&*key.origin)
        .fetch_one(tx.connection()?)
        .await?;
    let at = at.max(row::optional_number(&last, "at")?.map_or(i64::MIN, |last| last.saturating_add(1)));
    let sql = "INSERT INTO readings (app, origin, at, complete, all_accounts, accounts, requests)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(sql)
        .bind(&*key.app)
        .bind(&*key.origin)
        .bind(at)
        .bind(i64::from(reading.covered.complete))
        .bind(i64::from(reading.covered.accounts))
        .bind(row::column(reading.accounts.len()))
        .bind(row::column(reading.requests))
        .execute(tx.connection()?)
        .await?;
    Ok(at)
}
