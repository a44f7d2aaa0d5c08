//! `rosterd daemon`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::SecretString;
use tracing::{debug, info, warn};
use url::Url;

use super::{
    args::{Storage, Target},
    context,
    exit::{Exit, Failure},
    folder, storage, terminal, texts,
};
use crate::{
    connectors::{Clock, Error, ProcessSecrets, Registry, SecretSource as _, Writer, http::webhook},
    daemon::{Daemon, InForce, Sharing, Signals, Undelivered, Watch, World},
    desired::{self, Loaded, Problems},
    git::{self, Head, Lineage},
    model::{ConnectorCatalogue as _, DesiredApp, SecretRef},
    reconcile::{BudgetKeeper, Keeper, Memory, Pace, Reconciler, resume},
    sandbox::Sandbox,
    store::Store,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    storage: Storage,
}

pub(super) async fn run(args: Args) -> Result<Exit, Failure> {
    let unheard = |error| Failure::new(format!("signals cannot be heard: {error}"));
    let (signals, mut early) = (Signals::new().map_err(unheard)?, Signals::new().map_err(unheard)?);
    tokio::spawn(Signals::new().map_err(unheard)?.hold_to_the_deadline());
    let Started { daemon, budgets, sandbox } = tokio::select! {
        started = start(args, signals) => started?,
        // A store that is being opened, or a disk, may take any time.
        () = early.end() => {
            info!("ended before it began to work: nothing was read and nothing was sent");
            return Ok(Exit::Fine);
        }
    };
    daemon.run().await;
    match tokio::time::timeout(FAREWELL, budgets.end()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(%error, "what the budgets have spent was not written down"),
        Err(_) => warn!("what the budgets have spent was not written down: the store took too long"),
    }
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    Ok(Exit::Fine)
}

/// A daemon that is about to work.
struct Started {
    daemon: Daemon,
    budgets: BudgetKeeper,
    sandbox: Option<Sandbox>,
}

async fn start(args: Args, signals: Signals) -> Result<Started, Failure> {
    // There is nothing good to go on with yet, so that a start with bad files ends here.
    let first = async || context::load_for_plan(&args.target, &[]);
    let first = Watch::new(&args.target.dir).whole(|| (), first).await?;
    let (sandbox, base) = context::sandbox(&args.target, &first.desired).await?;
    let url = storage::store_url(&first.desired.settings.store, &args.storage, base.is_some(), &args.target.dir)?;
    let store = storage::open(&url).await?;
    let registry = Arc::new(context::registry(&args.target.dir));
    let budgets = BudgetKeeper::begin(registry.clone(), store.clone(), Clock::default()).await.map_err(Failure::new)?;
    let author = storage::author("daemon", None);
    let site = Site {
        sharing: Sharing::new(store.clone(), author.name(), |store, id| Keeper::of_daemon(store, Clock::default(), id)),
        registry,
        secrets: folder::secrets(&args.target.dir),
        sandbox: base,
        store,
        private: url == storage::PRIVATE,
        commits: Commits { dir: args.target.dir.clone(), known: Arc::default() },
        target: args.target,
    };
    let seen = site.commits.seen();
    site.commits.keep(&first, seen);
    let daemon = Daemon::new(Arc::new(site), first, signals).await;
    let daemon = daemon.map_err(|refused| Failure::new(&refused).hinted(refused.hint()))?;
    terminal::print(&format!("http://{}\n", daemon.address()))?;
    Ok(Started { daemon, budgets, sandbox })
}

/// Writing down what the budgets have spent may take this long at the end. What is lost is covered by the share kept free.
const FAREWELL: Duration = Duration::from_secs(1);

/// Files in a directory, and the apps they name or simulated ones in their place.
struct Site {
    target: Target,
    /// Kept for as long as the daemon lives, because budgets are in it.
    registry: Arc<Registry>,
    secrets: ProcessSecrets,
    sandbox: Option<Url>,
    store: Store,
    sharing: Sharing,
    /// The store lives no longer than this process.
    private: bool,
    commits: Commits,
}

/// Which commits the files in a directory are and were of.
#[derive(Clone)]
struct Commits {
    dir: PathBuf,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    /// By the hash of the files that were loaded: those in force may have been replaced by others that are not valid.
    of: BTreeMap<String, Seen>,
    /// What was in the way of telling, as it was said last.
    trouble: Option<String>,
}

/// What was in the directory when files were loaded.
#[derive(Clone)]
struct Seen {
    /// Tells whether it still is.
    fingerprint: Option<String>,
    commit: Option<String>,
}

impl Commits {
    /// What is in the directory now.
    fn seen(&self) -> Seen {
        Seen { fingerprint: desired::fingerprint(&self.dir).ok(), commit: self.head() }
    }

    fn keep(&self, loaded: &Loaded, seen: Seen) {
        self.known().of.insert(loaded.fingerprint(), seen);
    }

    /// The commit of what is in the directory now. What is in the way is said once, not by every run.
    fn head(&self) -> Option<String> {
        let Head { commit, trouble } = git::head(&self.dir);
        let mut known = self.known();
        if let Some(trouble) = trouble.as_ref().filter(|trouble| known.trouble.as_ref() != Some(trouble)) {
            warn!("{trouble}");
        }
        known.trouble = trouble;
        commit
    }

    /// The commit of the files in force. As long as they are what is in the directory, it is looked up anew: they may have
    /// been committed since they were read.
    fn of(&self, digest: &str) -> Option<String> {
        let seen = self.known().of.get(digest).cloned()?;
        if seen.fingerprint.is_none() || seen.fingerprint != desired::fingerprint(&self.dir).ok() {
            return seen.commit;
        }
        let commit = self.head();
        self.known().of = [(digest.to_owned(), Seen { commit: commit.clone(), ..seen })].into();
        commit
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // A whole value is put in.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site {
    /// What a run remembers with: one that only looks leaves the store as it is, and keeps nobody from the app.
    fn memory(&self, digest: &str, looking: bool) -> Memory {
        let (store, clock) = (self.store.clone(), Clock::default());
        let memory = if looking {
            Memory::of(store, clock)
        } else {
            let (commits, digest) = (self.commits.clone(), digest.to_owned());
            let author = storage::author("daemon", None);
            let memory = Memory::writing(store, author, clock).kept_by(self.sharing.keeper());
            memory.looking_up(move || commits.of(&digest))
        };
        let memory = if self.private && self.sandbox.is_some() { memory.overseen() } else { memory };
        if self.private { memory.private() } else { memory }
    }
}

#[async_trait]
impl World for Site {
    fn directory(&self) -> &Path {
        &self.target.dir
    }

    fn load(&self) -> Result<Loaded, Problems> {
        let seen = self.commits.seen();
        let loaded = texts::load(&self.target.dir, &self.registry)?;
        self.commits.keep(&loaded, seen);
        Ok(loaded)
    }

    fn wants(&self, app: &DesiredApp) -> bool {
        let asked = self.target.wants(&app.name);
        let played = self.sandbox.is_none() || self.registry.names().contains(&app.connector.to_string());
        asked && played
    }

    fn renew(&self) {
        self.registry.buckets.renew();
    }

    fn reconciler(&self, files: &InForce, app: &str, looking: bool) -> Reconciler {
        let connect = |app: &DesiredApp| -> Result<Arc<dyn Writer>, Error> {
            let instead = self.sandbox.as_ref().map(|base| context::simulated(base, app));
            self.registry.connect(app, &self.secrets, instead.as_ref())
        };
        let origin = self.sandbox.as_ref().map(|base| base.origin().ascii_serialization());
        Reconciler::new(files.desired.clone(), files.digest.clone(), |other| &*other.name == app, connect)
            .remembering(self.memory(&files.digest, looking), origin.as_deref())
            .at_pace(Pace::Every(files.timetable.interval(files.since)))
    }

    fn memory(&self, files: &InForce, looking: bool) -> Option<Memory> {
        Some(Self::memory(self, &files.digest, looking))
    }

    fn commit(&self, digest: &str) -> Option<String> {
        self.commits.known().of.get(digest)?.commit.clone()
    }

    async fn revision(&self, files: &InForce) -> Option<String> {
        // Files may be committed after they were read.
        let is_marked = files.commit.as_ref().is_some_and(|commit| commit.contains('+'));
        if !is_marked {
            return files.commit.clone();
        }
        let (commits, digest) = (self.commits.clone(), files.digest.clone());
        // Git is a program that takes its time. One that panics has found nothing.
        tokio::task::spawn_blocking(move || commits.of(&digest)).await.unwrap_or_default()
    }

    async fn lineage(&self, commit: &str, others: Vec<String>) -> Vec<Lineage> {
        let (dir, commit) = (self.target.dir.clone(), commit.to_owned());
        let found = move || others.iter().map(|other| git::lineage(&dir, &commit, other)).collect();
        tokio::task::spawn_blocking(found).await.unwrap_or_default()
    }

    async fn resume(&self) {
        if let Err(error) = resume(&self.registry, &self.store, &Clock::default()).await {
            // A store that fails is told by the cycle that finds it so, and once.
            debug!(%error, "what others have spent of the budgets is not known");
        }
    }

    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }

    fn sharing(&self) -> Option<&Sharing> {
        Some(&self.sharing)
    }

    fn origin(&self, app: &DesiredApp) -> String {
        self.sandbox.as_ref().unwrap_or(&app.url).origin().ascii_serialization()
    }

    async fn tell(&self, url: &SecretRef, body: &serde_json::Value) -> Result<(), Undelivered> {
        let address = self.secrets.resolve(url).map_err(|why| Undelivered { why, lasting: true })?;
        webhook::tell(&address, body).await.map_err(|untold| Undelivered { why: untold.why, lasting: untold.lasting })
    }

    fn secret(&self, secret: &SecretRef) -> Result<SecretString, String> {
        self.secrets.resolve(secret)
    }
}
