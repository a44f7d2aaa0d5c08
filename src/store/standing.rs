//! What somebody had at an instant: what the readings showed until then, and what we did ourselves after the last of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Entry, Holding, Store, StoreError,
    ledger::{self, COVERED, ENTRIES},
    row::{nanos, tame},
};
use crate::model::{AccountStatus, Email, Verb};

/// What somebody had.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// The accounts, sorted by app, as far as our own changes leave no doubt about them.
    pub holdings: Vec<Holding>,
    /// Changes of ours that no reading had shown by then, oldest first.
    pub unread: Vec<Entry>,
}

impl Store {
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
            holdings.extend(self.holdings_at(None, address, at).await?);
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
        self.drive("looking up what we did since", async {
            let mut tx = self.read().await?;
            let sql = format!(
                "{ENTRIES}
                 WHERE seq IN (SELECT seq FROM ledger_people WHERE person = $1)
                   AND kind = 'action' AND result = 'done' AND at <= $2
                   AND NOT EXISTS (
                       SELECT 1 FROM readings WHERE readings.app = ledger.app AND readings.origin = ledger.origin
                         AND all_accounts = 1 AND readings.at > ledger.at AND readings.at <= $2)
                   AND {COVERED} ORDER BY seq"
            );
            let query = sqlx::query(&sql).bind(tame(email.key()).into_owned()).bind(nanos(at));
            let rows = query.fetch_all(tx.connection()?).await?;
            tx.commit().await?;
            rows.iter().map(ledger::read).collect()
        })
        .await
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
