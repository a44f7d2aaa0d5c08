//! Reading accounts one by one, where the list does not hold all that is needed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    ObserveProgress, OnProgress, each,
    fact_log::FactLog,
    rotation::{Turn, What},
};
use crate::{
    connectors::{Error, Lane, Reader, STATUS_NOT_SHOWN},
    model::{AccountStatus, DesiredApp, FieldName, LiveAccount, Semantics},
};

/// The accounts whose rows lack something that is needed, each with what is remembered of it.
pub(super) fn turns(reader: &dyn Reader, app: &DesiredApp, accounts: &[LiveAccount], log: &FactLog<'_>) -> Vec<Turn> {
    let semantics = reader.semantics();
    let needed = needed_fields(app, semantics);
    let sparse = accounts.iter().filter(|account| lacks(account, &needed, semantics));
    let turn = |account: &LiveAccount| {
        let fact = log.account(&account.id);
        let lacking = fact.is_some_and(|fact| {
            let mut whole = account.clone();
            complete_with(&mut whole, fact.seen.clone());
            lacks(&whole, &needed, semantics)
        });
        let read_at = fact.map(|fact| fact.read_at);
        Turn { id: account.id.clone(), what: What::Account, pending: false, read_at, lacking }
    };
    sparse.map(turn).collect()
}

/// Reads the `chosen` accounts, and completes the others from what is remembered. What cannot be read stays unknown, and
/// stops only the account's own actions: that the account is there, the list has shown. Returns why, by the account's id.
pub(super) async fn complete(
    reader: &dyn Reader,
    app: &DesiredApp,
    accounts: &mut [LiveAccount],
    chosen: Vec<Arc<str>>,
    log: &mut FactLog<'_>,
    progress: OnProgress<'_>,
) -> BTreeMap<Arc<str>, String> {
    let asked: BTreeSet<Arc<str>> = chosen.iter().cloned().collect();
    let clock = log.clock();
    let reads = chosen.into_iter().map(|id| async move {
        let at = clock.now();
        let read = reader.account(&id, Lane::Read).await;
        (id, at, read)
    });
    let mut full = BTreeMap::new();
    let mut unread = BTreeMap::new();
    let take = |(id, at, read): (Arc<str>, _, Result<Option<LiveAccount>, Error>)| match read {
        Ok(Some(account)) => {
            log.learn_account(&id, at, account.clone());
            full.insert(id, account);
        }
        Ok(None) => drop(unread.insert(id, NOT_THERE.to_owned())),
        Err(error) => drop(unread.insert(id, error.to_string())),
    };
    each(reads, take, |done, of| progress(ObserveProgress::Accounts { done, of })).await;
    let needed = needed_fields(app, reader.semantics());
    for account in accounts {
        let id = account.id.clone();
        if let Some(full) = full.remove(&id) {
            complete_with(account, full);
        } else if !asked.contains(&id) && lacks(account, &needed, reader.semantics()) {
            if let Some(fact) = log.account(&id) {
                complete_with(account, fact.seen.clone());
                log.extent.remembered.insert(id.clone(), fact.read_at);
            }
            if lacks(account, &needed, reader.semantics()) {
                log.extent.accounts_to_come.insert(id);
            }
        }
    }
    unread
}

/// Why an account is unknown that may have gone since it was listed, or that the app shows in its list alone. To believe
/// that it is gone would be to make it again; the next reading tells.
pub(super) const NOT_THERE: &str = "it is listed, but not there when read on its own";

/// What the single read shows wins, because it is newer; what only the list showed is kept.
pub(super) fn complete_with(account: &mut LiveAccount, full: LiveAccount) {
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
pub(super) fn needed_fields(app: &DesiredApp, semantics: &Semantics) -> BTreeSet<FieldName> {
    let mut needed: BTreeSet<_> = app.managed.intersection(&semantics.fields).cloned().collect();
    // Admins that no line makes admin are a finding whatever is managed.
    needed.extend(semantics.role.iter().filter(|role| !role.admin.is_empty()).map(|role| role.field()));
    needed
}

/// Whether something that is needed was not seen of an account.
pub(super) fn lacks(account: &LiveAccount, needed: &BTreeSet<FieldName>, semantics: &Semantics) -> bool {
    let invited_when = account.status == AccountStatus::Pending
        && account.created_at.is_none()
        && semantics.create.as_ref().is_some_and(|create| create.becomes == AccountStatus::Pending);
    let status = account.status == AccountStatus::Unknown(STATUS_NOT_SHOWN.into());
    invited_when || status || needed.iter().any(|field| !account.values.contains_key(field))
}
