//! What was remembered before a reading, and what the reading adds to it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::model::{AccountGroup, DesiredApp, Extent, Fact, FactIds, Facts, LiveAccount};

/// Hexadecimal digits of a fingerprint: enough that no two rows of one account ever share one.
const DIGITS: usize = 16;

/// A reading that takes less than this is as good as a single look; that it took a second more or less is no news.
const QUICK: SignedDuration = SignedDuration::from_mins(1);

/// Facts that are known, facts that are learnt, and which rows they belong to.
pub(super) struct FactLog<'a> {
    known: &'a Facts,
    /// Fingerprints of the rows of the list.
    pub(super) fingerprints: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) learnt: Facts,
    /// What is remembered and what is to come.
    pub(super) extent: Extent,
    clock: Clock,
}

/// The time of day, counted on from one instant by a clock that nobody sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    began: Timestamp,
    at: Instant,
}

impl Clock {
    pub(super) fn starting(now: Timestamp) -> Self {
        Self { began: now, at: Instant::now() }
    }

    pub(super) fn now(self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.at.elapsed()).unwrap_or(SignedDuration::MAX);
        self.began.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// The age, in whole seconds, of the oldest fact of a reading that began at `began`: what is remembered, or what was read
    /// first. A quick reading shows one moment.
    pub(super) fn oldest(self, extent: &Extent, began: Timestamp) -> u64 {
        let oldest = extent.remembered.values().copied().fold(began, Ord::min);
        let age = self.now().duration_since(oldest);
        if extent.remembered.is_empty() && age < QUICK { 0 } else { age.as_secs().try_into().unwrap_or(0) }
    }
}

impl<'a> FactLog<'a> {
    pub(super) fn new(known: &'a Facts, app: &DesiredApp, accounts: &[LiveAccount], clock: Clock) -> Self {
        let fingerprints = accounts.iter().map(|account| (account.id.clone(), fingerprint(app, account))).collect();
        Self { known, fingerprints, learnt: Facts::default(), extent: Extent::default(), clock }
    }

    /// What is remembered of an account, where its row is what it was.
    pub(super) fn account(&self, id: &str) -> Option<&'a Fact<LiveAccount>> {
        self.known.accounts.get(id).filter(|fact| self.fingerprints.get(id) == Some(&fact.row))
    }

    /// What is remembered of an account's memberships, likewise.
    pub(super) fn memberships(&self, id: &str) -> Option<&'a Fact<Vec<AccountGroup>>> {
        self.known.memberships.get(id).filter(|fact| self.fingerprints.get(id) == Some(&fact.row))
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) fn learn_account(&mut self, id: &Arc<str>, read_at: Timestamp, seen: LiveAccount) {
        if let Some(row) = self.fingerprints.get(id).cloned() {
            self.learnt.accounts.insert(id.clone(), Fact { read_at, row, seen });
        }
    }

    pub(super) fn learn_memberships(&mut self, id: &Arc<str>, read_at: Timestamp, seen: Vec<AccountGroup>) {
        if let Some(row) = self.fingerprints.get(id).cloned() {
            self.learnt.memberships.insert(id.clone(), Fact { read_at, row, seen });
        }
    }

    /// What nobody should remember any longer: facts under another row than today's, even if that row ever came back, and
    /// facts about accounts that a complete list no longer shows.
    pub(super) fn lapsed(&self, complete: bool) -> FactIds {
        let holds = |id: &Arc<str>, row: &Arc<str>, learnt: bool| match self.fingerprints.get(id) {
            Some(now) => learnt || now == row,
            None => !complete,
        };
        FactIds {
            accounts: (self.known.accounts.iter())
                .filter(|(id, fact)| !holds(id, &fact.row, self.learnt.accounts.contains_key(*id)))
                .map(|(id, _)| id.clone())
                .collect(),
            memberships: (self.known.memberships.iter())
                .filter(|(id, fact)| !holds(id, &fact.row, self.learnt.memberships.contains_key(*id)))
                .map(|(id, _)| id.clone())
                .collect(),
        }
    }
}

/// A fingerprint of a row, and of the way in which it was read: another connector or other options may see the same account
/// in other words.
fn fingerprint(app: &DesiredApp, row: &LiveAccount) -> Arc<str> {
    let way = (env!("CARGO_PKG_VERSION"), &app.connector, &app.options);
    // Plain data with text keys always serialises.
    let text = serde_json::to_vec(&(way, row)).unwrap_or_default();
    hex::encode(&Sha256::digest(&text)[..DIGITS / 2]).into()
}
