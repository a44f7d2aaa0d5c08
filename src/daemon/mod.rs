//! The daemon: the same reconciliation again and again.
//!
//! It is level-triggered. Each cycle of an app reads, plans and carries out afresh, so that an event that was missed costs
//! time and never correctness. Each app has a task of its own, which waits for its turn (`schedule`), goes
//! through one `cycle`, and writes the result into the `status`; `http` shows it. `watch` sees the files change.
//! Files with mistakes never come into force: the last good ones stay.

mod cycle;
mod elsewhere;
mod files;
mod http;
mod notify;
mod pauses;
mod report;
mod rivals;
mod schedule;
mod signals;
mod standby;
mod status;
#[cfg(test)]
mod tests;
mod turns;
mod watch;
mod worker;
mod workers;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::{sync::watch::Sender, task::JoinHandle};
use tracing::{info, warn};

use crate::{
    desired::{Loaded, Problems},
    execute::Stop,
    git::Lineage,
    model::{Desired, DesiredApp, SecretRef},
    reconcile::{Memory, Reconciler},
    store::Store,
};

use files::{Files, taken};
use http::Door;
pub(crate) use notify::Undelivered;
use schedule::Timetable;
use signals::Signal;
pub(crate) use signals::Signals;
use standby::Standby;
use status::DaemonStatus;
pub(crate) use turns::Sharing;
pub(crate) use watch::Watch;
use workers::Workers;

/// What is in flight when the daemon is told to end may take this long. Service managers are told to wait for ten seconds,
/// and the rest is for dropping what is still not done by then.
const GRACE: Duration = Duration::from_secs(7);

/// What the last cycles have to tell takes a request. Together with the rest it stays below what service managers wait.
const FAREWELL: Duration = Duration::from_millis(500);

/// What was dropped ends at its next pause, so that this is plenty.
const DROP: Duration = Duration::from_millis(500);

/// What the daemon works on. The command line knows where the files and the apps are; tests make up both.
#[async_trait]
pub(crate) trait World: Send + Sync + 'static {
    /// Where the files are.
    fn directory(&self) -> &Path;

    /// Reads the files.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    fn load(&self) -> Result<Loaded, Problems>;

    /// Whether an app of the files is for this daemon.
    fn wants(&self, app: &DesiredApp) -> bool;

    /// New files are about to come into force: budgets may have changed with them.
    fn renew(&self) {}

    /// A way to one app, which writes unless it is only `looking`.
    fn reconciler(&self, files: &InForce, app: &str, looking: bool) -> Reconciler;

    /// What cycles by these files remember with; none where nothing is remembered.
    fn memory(&self, _files: &InForce, _looking: bool) -> Option<Memory> {
        None
    }

    /// The commit of files that were loaded, where they are in a repository.
    fn commit(&self, _digest: &str) -> Option<String> {
        None
    }

    /// The commit of files that are in force, as far as it is known that they are just what it says.
    async fn revision(&self, files: &InForce) -> Option<String> {
        files.commit.clone()
    }

    /// How a commit of the files stands to each of these other ones.
    async fn lineage(&self, _commit: &str, others: Vec<String>) -> Vec<Lineage> {
        vec![Lineage::Unrelated; others.len()]
    }

    /// A cycle is about to begin: others may have used the same credentials since the last one.
    async fn resume(&self) {}

    /// What cycles remember with, and where pauses are kept; none where nothing is.
    fn store(&self) -> Option<&Store> {
        None
    }

    /// This daemon among others that share the store; none where nobody else can.
    fn sharing(&self) -> Option<&Sharing> {
        None
    }

    /// By which origin an app is known there.
    fn origin(&self, app: &DesiredApp) -> String {
        app.origin()
    }

    /// A secret of the daemon's own.
    ///
    /// # Errors
    /// Why there is none, as the end of a sentence.
    fn secret(&self, secret: &SecretRef) -> Result<SecretString, String>;

    /// Tells the webhook whose address is in `url` something, once.
    ///
    /// # Errors
    /// When it was not taken.
    async fn tell(&self, url: &SecretRef, body: &serde_json::Value) -> Result<(), Undelivered>;

    /// The time.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Whoever reaches the address could see who has which access, and trigger cycles.
    #[error("`settings.daemon.listen: {0}` is reachable by others, and there is no token that they would have to show")]
    Open(SocketAddr),
    /// A token is not there, or can be guessed.
    #[error("{0}")]
    Token(String),
    /// The address cannot be had.
    #[error("cannot serve on {0}: {1}")]
    Bind(SocketAddr, std::io::Error),
}

impl Refused {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Open(_) => Some(
                "listen on 127.0.0.1, or set `settings.daemon.token: { env: NAME }`; put TLS in front of it either way",
            ),
            Self::Bind(..) => Some("choose another address with `settings.daemon.listen`"),
            Self::Token(_) => None,
        }
    }
}

/// Files without mistakes, by which cycles go.
#[derive(Debug)]
pub(crate) struct InForce {
    /// What they ask for.
    pub desired: Arc<Desired>,
    /// Hash of all of them and of the manifests that they name.
    pub digest: String,
    /// Hash of what they ask for: other comments or another layout do not change it.
    pub meaning: String,
    /// Their commit, where they are in a repository.
    pub commit: Option<String>,
    /// When they were read.
    pub since: Timestamp,
    /// How many files there are.
    pub count: usize,
    /// When cycles begin.
    pub timetable: Timetable,
    /// Counts what was in force in this process. Files that mean the same have the same number.
    pub number: u64,
}

impl InForce {
    /// What was loaded.
    fn new(loaded: Loaded, since: Timestamp, number: u64) -> Self {
        let (digest, meaning, count) = (loaded.fingerprint(), loaded.meaning, loaded.files.len());
        let timetable = Timetable::new(&loaded.desired.settings);
        Self { desired: Arc::new(loaded.desired), digest, meaning, commit: None, since, count, timetable, number }
    }
}

/// A daemon that is ready to work.
pub(crate) struct Daemon {
    world: Arc<dyn World>,
    status: Arc<DaemonStatus>,
    door: Door,
    signals: Signals,
    files: Arc<InForce>,
    standby: Standby,
}

impl Daemon {
    /// Opens the door, so that whatever keeps the daemon from working is told before it does anything. `signals` are heard from
    /// the start of the process.
    ///
    /// # Errors
    /// When it could not work as the files say.
    pub(crate) async fn new(world: Arc<dyn World>, first: Loaded, signals: Signals) -> Result<Self, Refused> {
        let mut files = InForce::new(first, world.now(), 0);
        files.commit = world.commit(&files.digest);
        let files = Arc::new(files);
        let mut standby = Standby::begin(&*world).await;
        let door = standby.open(&*world, &files.desired.settings.daemon).await?;
        let status = Arc::new(DaemonStatus::new(world.now()));
        Ok(Self { world, status, door, signals, files, standby })
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// Works until it is told to end.
    pub(crate) async fn run(self) {
        let Self { world, status, door, mut signals, files, mut standby } = self;
        let (ask, stop) = Stop::new();
        let access = door.access.clone();
        let mut workers = Workers::new(world.clone(), status.clone(), stop.clone(), files.clone());
        let served = tokio::spawn(door.serve(world.clone(), status.clone(), stop));
        let telling = tokio::spawn(notify::run(world.clone(), status.on_webhook_failure(), status.follow()));
        status.in_force(&files);
        let pauses = tokio::spawn(pauses::follow(world.clone(), status.clone()));
        let turns = tokio::spawn(turns::follow(world.clone(), status.clone()));
        status.stands_by(standby.waits());
        if !standby.waits() {
            workers.begin();
        }
        let (mut reading, following) = Files::follow(&world, &status);
        tokio::pin!(following);
        let (first, mut current) = (files.clone(), files);
        loop {
            tokio::select! {
                read = reading.next() => {
                    let Some(next) = taken(read, &*world, &status, &current) else { continue };
                    tell_what_waits_for_a_restart(&first, &next);
                    access.renew(&*world, &next.desired.settings.daemon);
                    if next.number != current.number {
                        world.renew();
                    }
                    status.in_force(&next);
                    workers.use_files(next.clone());
                    current = next;
                }
                signal = signals.next() => match signal {
                    Signal::Reload => reading.ask(),
                    Signal::End => break,
                },
                () = workers.one_ended() => workers.start_missing(),
                () = standby.over(&*world), if standby.waits() => workers.begin(),
                () = &mut following => {}
            }
        }
        info!("ending: what is in flight is finished first");
        end(&ask, &mut workers, &mut signals).await;
        served.abort();
        [pauses, turns].iter().for_each(JoinHandle::abort);
        turns::leave(&*world).await;
        status.no_more_news();
        let stop_telling = telling.abort_handle();
        // Whoever was not told by now is told by the next daemon, if it is still so.
        if tokio::time::timeout(FAREWELL, telling).await.is_err() {
            stop_telling.abort();
        }
        info!("ended");
    }
}

/// Some settings are used once, at the start.
fn tell_what_waits_for_a_restart(first: &InForce, next: &InForce) {
    let [first, next] = [first, next].map(|files| &files.desired.settings);
    if first.store != next.store {
        warn!("`settings.store` is another one; the store of the start stays in use until a restart");
    }
    if first.daemon.listen != next.daemon.listen {
        warn!("`settings.daemon.listen` is another one; the address of the start stays in use until a restart");
    }
}

/// Lets everybody finish what is in flight, and drops what takes too long.
async fn end(ask: &Sender<u8>, workers: &mut Workers, signals: &mut Signals) {
    // Nobody listens any more when everybody has ended already.
    let _ = ask.send(1);
    let impatient = async {
        tokio::select! {
            () = tokio::time::sleep(GRACE) => {}
            () = async { while signals.next().await == Signal::Reload {} } => {}
        }
    };
    tokio::select! {
        () = workers.ended() => return,
        () = impatient => {}
    }
    warn!("not all that is in flight came to an end in time; the next run looks at it before it does anything");
    let _ = ask.send(2);
    // Whoever does not end even so is ended with the process.
    let _ = tokio::time::timeout(DROP, workers.ended()).await;
}
