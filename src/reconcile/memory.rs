//! What a run remembers with: the store, under whose name it writes there, and the right to do so.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::debug;

use super::{
    keeper::{Keeper, LEASE, Upkeep},
    trouble::Trouble,
};
use crate::{
    connectors::{Clock, http::Leave},
    plan::Oversight,
    store::{AppKey, Claim, Lease, RunBegun, RunEnded, Store, StoreError},
};

/// Under whose name something is written down.
#[derive(Debug, Clone, Default)]
pub struct Author {
    /// The command: `apply`, `daemon`.
    pub command: String,
    /// The commit of the files, where they are in a repository.
    pub commit: Option<String>,
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
}

impl Author {
    /// Under which it is known to those who find an app claimed.
    pub fn name(&self) -> String {
        let Self { command, host, pid, .. } = self;
        format!("rosterd {command} on {host}, process {pid}")
    }
}

/// A store to remember with.
#[derive(Clone)]
pub struct Memory {
    pub(super) store: Store,
    /// None for a run that only looks: it uses what is known and writes nothing.
    author: Option<Arc<Author>>,
    clock: Clock,
    keeper: Keeper,
    /// The store lives no longer than this process.
    private: bool,
    oversight: Oversight,
    /// The run that is under way, once it is entered.
    run: Arc<tokio::sync::Mutex<Option<Arc<str>>>>,
    /// Where the commit is looked up for every run, in the place of the author's.
    look_up: Option<LookUp>,
    /// What was found for the run that is under way.
    found: Arc<Mutex<Option<String>>>,
    /// What is wrong with the store.
    pub(super) trouble: Trouble,
}

/// Looks up the commit of the files.
type LookUp = Arc<dyn Fn() -> Option<String> + Send + Sync>;

impl Memory {
    /// Looks into `store` and leaves it as it is.
    pub fn of(store: Store, clock: Clock) -> Self {
        Self::new(store, None, clock)
    }

    /// Writes everything down.
    pub fn writing(store: Store, author: Author, clock: Clock) -> Self {
        Self::new(store, Some(Arc::new(author)), clock)
    }

    fn new(store: Store, author: Option<Arc<Author>>, clock: Clock) -> Self {
        let keeper = Keeper::new(&store, clock.clone());
        Self {
            store,
            author,
            clock,
            keeper,
            private: false,
            oversight: Oversight::default(),
            run: Arc::default(),
            look_up: None,
            found: Arc::default(),
            trouble: Trouble::default(),
        }
    }

    /// The same, whose leases are renewed with others of this process.
    #[must_use]
    pub fn kept_by(self, keeper: Keeper) -> Self {
        Self { keeper, ..self }
    }

    /// The same, whose files may be committed while it lives: every run looks up their commit when it is entered.
    #[must_use]
    pub fn looking_up(self, commit: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self { look_up: Some(Arc::new(commit)), ..self }
    }

    /// The same, of which it is known that it began with this process.
    #[must_use]
    pub fn private(self) -> Self {
        Self { private: true, ..self }
    }

    /// The same, for plans that a person sees before anything is done.
    #[must_use]
    pub fn overseen(self) -> Self {
        Self { oversight: Oversight::Person, ..self }
    }

    pub(super) fn oversight(&self) -> Oversight {
        self.oversight
    }

    pub(super) fn is_private(&self) -> bool {
        self.private
    }

    /// The store failed, or somebody else was faster, which is no trouble of the store.
    pub(super) fn failed(&self, error: &StoreError) {
        self.trouble.note(error);
    }

    /// The same run as `other`, whose files are looked up for it from now on.
    pub(super) async fn continuing(self, other: &Self) -> Self {
        let (run, found, trouble) = (other.run.clone(), other.found.clone(), other.trouble.clone());
        let memory = Self { run, found, trouble, ..self };
        if memory.run.lock().await.is_some() {
            memory.find_commit().await;
        }
        memory
    }

    /// The same, for another run.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { run: Arc::default(), found: Arc::default(), ..self.clone() }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether anything is written down.
    pub fn writes(&self) -> bool {
        self.author.is_some()
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn commit(&self) -> Option<String> {
        match &self.look_up {
            // A whole value is put in.
            Some(_) => self.found.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            None => self.author.as_ref().and_then(|author| author.commit.clone()),
        }
    }

    /// This run's id, if it was entered.
    pub(super) async fn begun(&self) -> Option<Arc<str>> {
        self.run.lock().await.clone()
    }

    /// This run's id; it is entered in the store when it is first asked for.
    pub(super) async fn run(&self, fingerprint: Option<&str>) -> Result<Arc<str>, StoreError> {
        let mut run = self.run.lock().await;
        if let Some(run) = &*run {
            return Ok(run.clone());
        }
        self.find_commit().await;
        let now = self.now();
        let Author { command, host, pid, .. } = self.author();
        let fingerprint = fingerprint.map(str::to_owned);
        let begun = RunBegun { command, host, pid, commit: self.commit(), fingerprint };
        let id: Arc<str> = run_id(now).into();
        self.store.begin_run(&id, now, &begun).await?;
        Ok(run.insert(id).clone())
    }

    async fn find_commit(&self) {
        let Some(commit) = self.look_up.clone() else { return };
        // Git is a program that takes its time. One that panics has found nothing.
        let found = tokio::task::spawn_blocking(move || commit()).await.unwrap_or_default();
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// Enters how the run ended, if it ever began. What follows is another one.
    pub(super) async fn end_run(&self, ended: &RunEnded) -> Result<(), StoreError> {
        match self.run.lock().await.take() {
            Some(run) => self.store.end_run(&run, self.now(), ended).await,
            None => Ok(()),
        }
    }

    fn author(&self) -> Author {
        self.author.as_deref().cloned().unwrap_or_default()
    }

    /// Claims an app.
    pub(super) async fn claim(&self, key: &AppKey) -> Result<Result<Tenure, Busy>, StoreError> {
        let owner = self.author().name();
        let before = Instant::now();
        match self.store.claim(key, &owner, LEASE, self.now()).await? {
            Claim::Held(lease) => {
                let kept = self.keeper.keep_lease(&lease, before);
                Ok(Ok(Tenure { lease, kept: Arc::new(kept) }))
            }
            Claim::Busy { owner, until } => Ok(Err(Busy { owner, until })),
        }
    }
}

/// When, and something that no other run of that second has: ids sort by time.
fn run_id(now: Timestamp) -> String {
    let chance: u32 = rand::random();
    format!("{}-{chance:08x}", now.strftime("%Y%m%dT%H%M%SZ"))
}

/// Somebody else writes to the app.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{owner} is writing to this app, and only one may at a time; try again when it has ended (unless it goes on, its claim \
     ends at {until:.0})"
)]
pub(super) struct Busy {
    owner: String,
    until: Timestamp,
}

/// The time for which an app is ours. It is renewed until this is dropped.
#[derive(Debug)]
pub(super) struct Tenure {
    lease: Lease,
    kept: Arc<Upkeep>,
}

impl Tenure {
    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Why a request that may take as long as `longest` must not leave now.
    pub(super) fn may_send(&self, longest: Duration) -> Result<(), String> {
        self.kept.may_send(longest)
    }

    /// The same, for whoever asks later.
    pub(super) fn leave(&self) -> Leave {
        let kept = self.kept.clone();
        Arc::new(move |longest| kept.may_send(longest))
    }

    /// Gives the app back.
    pub(super) async fn end(self, store: &Store) {
        let Self { lease, kept } = self;
        drop(kept);
        let app = lease.key().app.clone();
        if let Err(error) = store.release(lease).await {
            // It ends by itself.
            debug!(%error, app = &*app, "the claim on this app could not be given back");
        }
    }
}
