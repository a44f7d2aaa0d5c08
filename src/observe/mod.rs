//! Reading an app: exactly what planning needs, and how much of it was really seen.
//!
//! A failure of one read makes one fact unknown, with its reason; only a list of accounts that cannot be read at all fails
//! the app. What can only be read one account at a time is read in rotation ([`rotation`]) and remembered in between.

mod accounts;
mod everything;
mod fact_log;
mod memberships;
mod missing;
mod only;
mod probe;
mod refresh;
mod rotation;
#[cfg(test)]
mod tests;

pub use everything::observe_everything;
pub use only::{Sought, observe_only};
pub use probe::{Tried, probe};
pub use refresh::{concerned, touched};
pub use rotation::Rotation;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt, stream};
use jiff::Timestamp;

use crate::{
    connectors::{Error, Lane, Looked, Reader},
    model::{AppPlan, DesiredApp, Email, FactIds, Facts, LiveAccount, LiveApp, Notice, Severity, Vocabulary},
};
use fact_log::{Clock, FactLog};
use missing::Listed;
use rotation::{What, choose};

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

/// What is known before a reading.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// What earlier readings learnt.
    pub facts: &'a Facts,
    /// Who has pending changes.
    pub pending: &'a Pending,
    /// How much is read now.
    pub rotation: Rotation,
    /// Whom an address belongs to: every person's aliases.
    pub aliases: &'a BTreeMap<Email, Email>,
    /// Ids of accounts that are there as far as anybody remembers, the most important first.
    pub remembered: &'a [Arc<str>],
}

/// Accounts with pending changes, which are read first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    /// By their ids.
    pub ids: BTreeSet<Arc<str>>,
    /// By their addresses, where no id is known.
    pub emails: BTreeSet<Email>,
}

impl Pending {
    /// Everyone whom the last plan is about.
    pub fn of(plan: &AppPlan) -> Self {
        let mut pending = Self::default();
        for step in plan.actions.iter().map(|action| &action.step) {
            match (step.account_id(), step.email()) {
                (Some(id), _) => drop(pending.ids.insert(id.clone())),
                (None, Some(email)) => drop(pending.emails.insert(email.clone())),
                (None, None) => {}
            }
        }
        pending
    }

    fn contains(&self, account: &LiveAccount) -> bool {
        self.ids.contains(&account.id) || self.emails.contains(&account.email)
    }
}

/// What came of a reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The app as it was seen.
    pub live: LiveApp,
    /// Facts that this reading learnt, which is all that a store has to write.
    pub learnt: Facts,
    /// Facts that nobody should remember any longer.
    pub lapsed: FactIds,
    /// When it began.
    began: Timestamp,
    /// Fingerprints of the rows of the list.
    fingerprints: BTreeMap<Arc<str>, Arc<str>>,
    /// Accounts whose rows do not hold all that is needed.
    sparse: BTreeSet<Arc<str>>,
}

/// Reads all of an app, at `now`.
///
/// # Errors
/// When its accounts cannot be listed at all.
pub async fn observe(
    reader: &dyn Reader,
    app: &DesiredApp,
    aliases: &BTreeMap<Email, Email>,
    now: Timestamp,
    progress: OnProgress<'_>,
) -> Result<LiveApp, Error> {
    let (facts, pending) = (&Facts::default(), &Pending::default());
    let before = Before { facts, pending, rotation: Rotation::Everything, aliases, remembered: &[] };
    Ok(observe_in_rotation(reader, app, now, &before, progress).await?.live)
}

/// Reads the lists of an app, at `now`, and of what takes a request for each account as much as its turn has come for. The
/// rest is remembered from `before`, or unknown.
///
/// # Errors
/// As [`observe`].
pub async fn observe_in_rotation(
    reader: &dyn Reader,
    app: &DesiredApp,
    now: Timestamp,
    before: &Before<'_>,
    progress: OnProgress<'_>,
) -> Result<Observation, Error> {
    let clock = Clock::starting(now);
    let requests = reader.requests();
    let mut listed = Listed::of(reader.accounts(Lane::Read).await?);
    progress(ObserveProgress::Listed { accounts: listed.accounts.len() });
    listed.look_by_id(reader, before.remembered).await;
    let absent = listed.look_for_granted(reader, app, before.aliases).await;
    let Listed { mut accounts, coverage: accounts_coverage } = listed;
    let mut groups = memberships::list(reader, app, progress).await;

    let mut log = FactLog::new(before.facts, app, &accounts, clock);
    let mut turns = accounts::turns(reader, app, &accounts, &log);
    let sparse = turns.iter().map(|turn| turn.id.clone()).collect();
    turns.extend(memberships::turns(reader, app, &accounts, &log));
    for turn in &mut turns {
        let account = accounts.binary_search_by(|account| account.id.cmp(&turn.id));
        turn.pending = account.is_ok_and(|index| before.pending.contains(&accounts[index]));
    }
    let chosen = choose(turns, before.rotation, reader.requests() - requests, now);
    let chosen = |what: What| chosen.iter().filter(move |turn| turn.what == what).map(|turn| turn.id.clone());

    let of_accounts = chosen(What::Account).collect();
    let unread_accounts = accounts::complete(reader, app, &mut accounts, of_accounts, &mut log, progress).await;
    let of_memberships = chosen(What::Memberships).collect();
    groups.join(reader, app, &accounts, of_memberships, &mut log, progress).await;

    let (vocabulary, unread_words) = vocabulary(reader, app).await;
    let mut notices = reader.notices();
    notices.extend(unread_words);
    let lapsed = log.lapsed(accounts_coverage.is_complete());
    let mut live = LiveApp {
        observed_at: clock.now(),
        accounts,
        accounts_coverage,
        unread_accounts,
        absent,
        own_account: reader.own_account(),
        vocabulary,
        notices,
        requests: reader.requests() - requests,
        oldest_s: clock.oldest(&log.extent, now),
        extent: log.extent,
        ..LiveApp::default()
    };
    groups.enter_into(&mut live);
    Ok(Observation { live, lapsed, learnt: log.learnt, began: now, fingerprints: log.fingerprints, sparse })
}

/// Sends these reads, [`AT_ONCE`] at a time, and tells after each how many of how many are done.
async fn each<R: Future>(
    reads: impl ExactSizeIterator<Item = R>,
    mut take: impl FnMut(R::Output),
    progress: impl Fn(usize, usize),
) {
    let of = reads.len();
    let mut reads = stream::iter(reads).buffer_unordered(AT_ONCE).enumerate();
    while let Some((before, read)) = reads.next().await {
        take(read);
        progress(before + 1, of);
    }
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
