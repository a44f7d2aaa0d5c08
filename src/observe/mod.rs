//! Reading an app: exactly what planning needs, and how much of it was really seen.
//!
//! A failure of one read makes one fact unknown, with its reason; only a list of accounts that cannot be read at all fails
//! the app.

mod memberships;
mod probe;

pub use probe::{Tried, probe};

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, stream};
use jiff::Timestamp;

use crate::{
    connectors::{Error, Lane, Looked, Reader, STATUS_NOT_SHOWN},
    model::{
        AccountStatus, Coverage, DesiredApp, Email, FieldName, Find, LiveAccount, LiveApp, Notice, Semantics, Severity,
        Vocabulary,
    },
};

/// Reads that are prepared at once. The budget's gate decides how many leave; this only has to keep it busy.
const AT_ONCE: usize = 64;

/// How far the reading of an app is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObserveProgress {
    /// All accounts were listed.
    Listed {
        /// How many there are.
        accounts: usize,
    },
    /// Single accounts are being read, because the list does not hold what is needed.
    Accounts {
        /// How many are read.
        done: usize,
        /// Of how many.
        of: usize,
    },
    /// Memberships are being read.
    Memberships {
        /// How many accounts or groups are read.
        done: usize,
        /// Of how many.
        of: usize,
    },
}

/// A hook that hears of progress.
pub type OnProgress<'a> = &'a (dyn Fn(ObserveProgress) + Sync);

/// Reads an app, at `now`.
///
/// # Errors
/// When its accounts cannot be listed at all.
pub async fn observe(
    reader: &dyn Reader,
    app: &DesiredApp,
    now: Timestamp,
    progress: OnProgress<'_>,
) -> Result<LiveApp, Error> {
    let start = tokio::time::Instant::now();
    let requests = reader.requests();
    let listing = reader.accounts(Lane::Read).await?;
    progress(ObserveProgress::Listed { accounts: listing.rows.len() });
    let accounts_coverage = listing.coverage;
    let mut accounts = listing.rows;
    let unread_accounts = complete_accounts(reader, app, &mut accounts, progress).await;

    let absent = look_for_missing(reader, app, &accounts, &accounts_coverage).await;
    let memberships = memberships::read(reader, app, &accounts, progress).await;
    let (vocabulary, unread_words) = vocabulary(reader, app).await;
    let mut notices = reader.notices();
    notices.extend(unread_words);
    accounts.sort_by(|a, b| a.id.cmp(&b.id));
    accounts.dedup_by(|a, b| a.id == b.id);
    Ok(LiveApp {
        observed_at: now,
        accounts,
        accounts_coverage,
        groups: memberships.groups,
        groups_coverage: memberships.coverage,
        unread_accounts,
        unread_memberships: memberships.unread,
        absent,
        own_account: reader.own_account(),
        vocabulary,
        notices,
        requests: reader.requests() - requests,
        oldest_s: whole_seconds(start.elapsed()),
    })
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs()
}

/// Where the list broke off and the API has a query, asks for each granted account that was not seen: what a query shows
/// to be missing can be made all the same. Every address of the person is asked for.
async fn look_for_missing(
    reader: &dyn Reader,
    app: &DesiredApp,
    accounts: &[LiveAccount],
    coverage: &Coverage,
) -> BTreeSet<Email> {
    if coverage.is_complete() || reader.semantics().find != Find::Query {
        return BTreeSet::new();
    }
    let seen: BTreeSet<&Email> = accounts.iter().map(|account| &account.email).collect();
    let members = app.groups.values().flat_map(|group| group.members.keys());
    let wanted: BTreeSet<&Email> = app.accounts.keys().chain(members).filter(|email| !seen.contains(email)).collect();
    let asks = wanted.into_iter().map(|email| async move {
        let found = reader.find(email, Lane::Read).await;
        let none = found.is_ok_and(|listing| listing.rows.is_empty() && listing.coverage.is_complete());
        none.then(|| email.clone())
    });
    stream::iter(asks).buffer_unordered(AT_ONCE).filter_map(|absent| async { absent }).collect().await
}

/// The names of values that the app knows by id, of managed fields. What cannot be read leaves the names unchecked, and the
/// write itself finds out.
async fn vocabulary(reader: &dyn Reader, app: &DesiredApp) -> (Vocabulary, Option<Notice>) {
    let semantics = reader.semantics();
    let accounts = app.managed.intersection(&semantics.fields).cloned().collect();
    let members =
        app.groups.values().flat_map(|group| group.managed.intersection(&semantics.members.fields).cloned()).collect();
    match reader.vocabulary(&Looked { accounts: &accounts, members: &members }, Lane::Read).await {
        Ok(vocabulary) => (vocabulary, None),
        Err(error) => {
            let message =
                format!("the names of roles and the like could not be read, so they are not checked: {error}");
            (Vocabulary::default(), Some(Notice { severity: Severity::Warning, group: None, message }))
        }
    }
}

/// Reads the accounts whose rows lack something that is needed. What cannot be read stays unknown, and stops only the
/// account's own actions: that the account is there, the list has shown. Returns why, by the account's id.
async fn complete_accounts(
    reader: &dyn Reader,
    app: &DesiredApp,
    accounts: &mut Vec<LiveAccount>,
    progress: OnProgress<'_>,
) -> BTreeMap<Arc<str>, String> {
    let semantics = reader.semantics();
    let needed = needed_fields(app, semantics);
    let sparse: Vec<_> = accounts
        .iter()
        .filter(|account| lacks(account, &needed, semantics))
        .map(|account| account.id.clone())
        .collect();
    let of = sparse.len();
    let reads = sparse.into_iter().map(|id| async move {
        let read = reader.account(&id, Lane::Read).await;
        (id, read)
    });
    let mut reads = stream::iter(reads).buffer_unordered(AT_ONCE);
    let mut full = BTreeMap::new();
    let mut unread = BTreeMap::new();
    let mut done = 0;
    while let Some((id, read)) = reads.next().await {
        match read {
            Ok(Some(account)) => drop(full.insert(id, account)),
            // It may have gone since it was listed, or the app may show it in its list alone. To believe that it is gone
            // would be to make it again; the next reading tells.
            Ok(None) => drop(unread.insert(id, "it is listed, but not there when read on its own".to_owned())),
            Err(error) => drop(unread.insert(id, error.to_string())),
        }
        done += 1;
        progress(ObserveProgress::Accounts { done, of });
    }
    for account in accounts {
        if let Some(full) = full.remove(&account.id) {
            complete(account, full);
        }
    }
    unread
}

/// What the single read shows wins, because it is newer; what only the list showed is kept.
fn complete(account: &mut LiveAccount, full: LiveAccount) {
    // An address that is hidden here was not given up.
    if !full.email.key().is_empty() {
        account.email = full.email;
    }
    if full.status != AccountStatus::Unknown(STATUS_NOT_SHOWN.into()) {
        account.status = full.status;
    }
    account.values.extend(full.values);
    account.created_at = full.created_at.or(account.created_at);
}

/// Fields that planning compares.
fn needed_fields(app: &DesiredApp, semantics: &Semantics) -> BTreeSet<FieldName> {
    let mut needed: BTreeSet<_> = app.managed.intersection(&semantics.fields).cloned().collect();
    // Admins that no line makes admin are a finding whatever is managed.
    needed.extend(semantics.role.iter().filter(|role| !role.admin.is_empty()).map(|role| role.field()));
    needed
}

fn lacks(account: &LiveAccount, needed: &BTreeSet<FieldName>, semantics: &Semantics) -> bool {
    let invited_when = account.status == AccountStatus::Pending
        && account.created_at.is_none()
        && semantics.create.as_ref().is_some_and(|create| create.becomes == AccountStatus::Pending);
    let status = account.status == AccountStatus::Unknown(STATUS_NOT_SHOWN.into());
    invited_when || status || needed.iter().any(|field| !account.values.contains_key(field))
}
