//! Keeping what a process holds in the store: every lease and every turn is renewed by one statement, again and again, until
//! it is given back.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::Instant;
use tracing::warn;

use crate::{
    connectors::{Clock, http::WRITE_TIMEOUT},
    store::{DaemonId, Held, Lease, Store, Turn},
};

/// How long a lease or a turn lasts unless it is renewed. A machine that dies keeps others from its apps for no longer than
/// this; with SQLite its lock goes with the process, at once.
pub(super) const LEASE: Duration = Duration::from_secs(45);

/// All is renewed this often, and a renewal that takes longer is given up.
const RENEW: Duration = Duration::from_secs(10);

/// A request is sent only while the lease lasts longer than the request may take, by this much: clocks of two machines tick
/// almost equally fast.
const MARGIN: Duration = Duration::from_secs(3);

/// One renewal may fail, and requests go on all the same.
const _: () = assert!(2 * RENEW.as_secs() + WRITE_TIMEOUT.as_secs() + MARGIN.as_secs() < LEASE.as_secs());

/// Renews what a process holds. Clones are the same.
#[derive(Clone)]
pub struct Keeper {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    daemon: Option<DaemonId>,
    held: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    last: u64,
    all: BTreeMap<u64, Entry>,
    /// Whether a task renews them.
    at_work: bool,
}

#[derive(Clone)]
struct Entry {
    held: Own,
    state: Arc<Mutex<State>>,
}

#[derive(Clone)]
enum Own {
    Lease(Lease),
    Turn(Turn),
}

#[derive(Debug)]
struct State {
    /// Until when it surely lasts, on a clock that nobody sets.
    until: Instant,
    /// Why it is over.
    lost: Option<String>,
}

/// Something that is renewed until this is dropped.
pub struct Upkeep {
    keeper: Keeper,
    number: u64,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Upkeep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Upkeep").field(&self.number).finish()
    }
}

impl Keeper {
    /// Renews what is held in `store`.
    pub fn new(store: &Store, clock: Clock) -> Self {
        Self::of(store, clock, None)
    }

    /// The same for a daemon, which lets others know that it lives, for as long as it holds a clone of this.
    pub fn of_daemon(store: &Store, clock: Clock, daemon: DaemonId) -> Self {
        let keeper = Self::of(store, clock, Some(daemon));
        keeper.work();
        keeper
    }

    fn of(store: &Store, clock: Clock, daemon: Option<DaemonId>) -> Self {
        Self { inner: Arc::new(Inner { store: store.beside(), clock, daemon, held: Mutex::default() }) }
    }

    /// How long what is claimed lasts unless it is renewed.
    pub const fn ttl() -> Duration {
        LEASE
    }

    pub(super) fn keep_lease(&self, lease: &Lease, before: Instant) -> Upkeep {
        self.keep(Own::Lease(lease.clone()), before)
    }

    /// Keeps a turn that was asked for at `before`.
    pub fn keep_turn(&self, turn: &Turn, before: Instant) -> Upkeep {
        self.keep(Own::Turn(turn.clone()), before)
    }

    fn keep(&self, held: Own, before: Instant) -> Upkeep {
        let state = Arc::new(Mutex::new(State { until: before + LEASE, lost: None }));
        let mut entries = self.inner.entries();
        entries.last += 1;
        let number = entries.last;
        entries.all.insert(number, Entry { held, state: state.clone() });
        drop(entries);
        self.work();
        Upkeep { keeper: self.clone(), number, state }
    }

    /// Begins the task that renews, unless there is one.
    fn work(&self) {
        if !std::mem::replace(&mut self.inner.entries().at_work, true) {
            tokio::spawn(work(Arc::downgrade(&self.inner)));
        }
    }
}

impl Upkeep {
    /// Why a request that may take as long as `longest` must not leave now.
    pub(super) fn may_send(&self, longest: Duration) -> Result<(), String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.lost {
            Some(why) => Err(why.clone()),
            None if Instant::now() + longest + MARGIN < state.until => Ok(()),
            None => {
                Err("the claim on this app could not be renewed in time, so that somebody else may write to it by \
                         now; nothing more is sent"
                    .into())
            }
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.keeper.inner.entries().all.remove(&self.number);
    }
}

impl Inner {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Whole entries are put in and taken out.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews everything once.
    async fn renew(&self) {
        let before = Instant::now();
        let entries: Vec<Entry> = self.entries().all.values().cloned().collect();
        let held: Vec<Held<'_>> = entries.iter().map(|entry| entry.held.borrow()).collect();
        let now = self.clock.now();
        let renewing = self.store.renew_all(&held, self.daemon.as_ref(), LEASE, now);
        let kept = match tokio::time::timeout(RENEW, renewing).await {
            Ok(Ok(kept)) => kept,
            // The database may be back before the leases end.
            Ok(Err(error)) => return warn!(%error, "the claims on apps were not renewed"),
            Err(_) => return warn!("the claims on apps were not renewed: the store does not answer"),
        };
        for (entry, kept) in entries.iter().zip(kept) {
            let lost = if kept { None } else { Some(self.why_lost(&entry.held).await) };
            let mut state = entry.state.lock().unwrap_or_else(PoisonError::into_inner);
            match lost {
                None => state.until = before + LEASE,
                Some(why) => state.lost = Some(format!("{why}; nothing more is sent")),
            }
        }
    }

    async fn why_lost(&self, held: &Own) -> String {
        let Own::Lease(lease) = held else { return "another daemon has taken this app over".into() };
        match self.store.check_lease(lease).await {
            Err(error) => error.to_string(),
            Ok(()) => "the claim on this app was lost".into(),
        }
    }
}

impl Own {
    fn borrow(&self) -> Held<'_> {
        match self {
            Self::Lease(lease) => Held::Lease(lease),
            Self::Turn(turn) => Held::Turn(turn),
        }
    }
}

/// Renews for as long as anything is held, or the daemon lives.
async fn work(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(RENEW).await;
        let Some(inner) = inner.upgrade() else { return };
        {
            let mut entries = inner.entries();
            if entries.all.is_empty() && inner.daemon.is_none() {
                entries.at_work = false;
                return;
            }
        }
        inner.renew().await;
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::{AppKey, Claim, OpenOptions};

    async fn store() -> Store {
        let options = OpenOptions { blocking: true, ..OpenOptions::default() };
        Store::open_with("sqlite::memory:", &options).await.unwrap()
    }

    async fn claim(store: &Store, owner: &str) -> Lease {
        let key = AppKey::new("a", "https://a.example.com");
        match store.claim(&key, owner, LEASE, Timestamp::UNIX_EPOCH).await.unwrap() {
            Claim::Held(lease) => lease,
            Claim::Busy { owner, .. } => panic!("{owner} has it"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_leaves_only_while_the_lease_outlasts_it() {
        let (store, clock) = (store().await, Clock::new(|| Timestamp::UNIX_EPOCH));
        let lease = claim(&store, "one").await;
        let keeper = Keeper::new(&store, clock);
        // As after a process was stopped for this long between the claim and the request.
        let stopped_for = |seconds| keeper.keep_lease(&lease, Instant::now() - Duration::from_secs(seconds));
        assert_eq!(stopped_for(21).may_send(WRITE_TIMEOUT), Ok(()));
        let late = stopped_for(22);
        assert!(late.may_send(WRITE_TIMEOUT).unwrap_err().contains("could not be renewed in time"));
        assert_eq!(late.may_send(Duration::from_secs(10)), Ok(()));
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(late.may_send(WRITE_TIMEOUT), Ok(()), "it was renewed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_somebody_else_had_meanwhile_is_lost_and_it_is_said_who_has_it() {
        let (store, clock) = (store().await, Clock::new(|| Timestamp::UNIX_EPOCH));
        let lease = claim(&store, "one").await;
        let kept = Keeper::new(&store, clock).keep_lease(&lease, Instant::now());
        store.release(lease).await.unwrap();
        let other = claim(&store, "two").await;
        tokio::time::sleep(2 * RENEW).await;
        let why = kept.may_send(Duration::ZERO).unwrap_err();
        assert!(why.contains("one no longer has a: two has it now") && why.ends_with("nothing more is sent"), "{why}");
        store.release(other).await.unwrap();
    }
}
