//! What was seen, and from when until when.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    AppKey, Lease, Store, StoreError,
    error::Fault,
    groups, intervals,
    open::Tx,
    row::{column, nanos},
    statement::of,
};
use crate::model::{AccountStatus, Email, FieldName, FieldValue, LiveAccount, LiveApp, LiveGroup};

/// Fields that were seen. No key: not known, so that what was known before still holds. `None`: known to be empty.
pub type SeenValues = BTreeMap<FieldName, Option<FieldValue>>;

/// One reading of an app.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// How many requests it took.
    pub requests: u64,
    /// Accounts that were seen.
    pub accounts: Vec<LiveAccount>,
    /// Memberships that were seen.
    pub memberships: Vec<SeenMembership>,
    /// What it proves by not showing it.
    pub covered: Covered,
    /// Every group that is known to be declared, by id, with its name in the files; none where that stays as it was.
    pub declared_groups: Option<BTreeMap<Arc<str>, Arc<str>>>,
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
    /// Ids of accounts whose memberships are not known, whatever else is covered.
    pub unread: BTreeSet<Arc<str>>,
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
            accounts: live.accounts.clone(),
            memberships: memberships.collect(),
            covered: Covered::from(live),
            declared_groups: None,
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
        self.leased("entering what was seen", lease, async |tx| {
            let at = enter(tx, lease.key(), nanos(at), reading).await?;
            if let Some(declared) = &reading.declared_groups {
                groups::keep(tx, lease.key(), declared).await?;
            }
            intervals::write(tx, lease.key(), at, reading).await
        })
        .await
    }
}

/// Enters that there was a reading, and returns the instant it counts for: later than any before, whatever clocks say.
async fn enter(tx: &mut Tx<'_>, key: &AppKey, at: i64, reading: &Reading) -> Result<i64, Fault> {
    let last: Option<i64> = tx.value("SELECT MAX(at) FROM readings WHERE app = $1 AND origin = $2", of(key)).await?;
    let at = at.max(last.map_or(i64::MIN, |last| last.saturating_add(1)));
    let sql = "INSERT INTO readings (app, origin, at, complete, all_accounts, accounts, requests)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let params = of(key).and(at).and(i64::from(reading.covered.complete)).and(i64::from(reading.covered.accounts));
    tx.run(sql, params.and(column(reading.accounts.len())).and(column(reading.requests))).await?;
    Ok(at)
}
