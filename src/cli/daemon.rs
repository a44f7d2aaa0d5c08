//! `rosterd daemon`.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use secrecy::SecretString;
use tracing::warn;
use url::Url;

use super::{
    args, context,
    exit::{Exit, Failure},
    storage, terminal,
};
use crate::{
    connectors::{Clock, Error, ProcessSecrets, Registry, SecretSource as _, Writer, http::webhook},
    daemon::{Daemon, InForce, Undelivered, Watch, World},
    desired::{self, Loaded, Problems},
    model::{ConnectorCatalogue as _, DesiredApp, SecretRef},
    reconcile::{Author, BudgetKeeper, Memory, Pace, Reconciler, resume},
    store::Store,
};

pub(super) async fn run(args: &args::Daemon) -> Result<Exit, Failure> {
    // There is nothing good to go on with yet, so that a start with bad files ends here.
    let first = async || context::load_for_plan(&args.dir, &args.target, &[]);
    let first = Watch::new(&args.dir.dir).whole(|| (), first).await?;
    let (sandbox, base) = context::sandbox(&args.target, &first.desired).await?;
    let url = storage::store_url(&first.desired.settings.store, &args.storage, base.is_some())?;
    let store = storage::open(&url).await?;
    let registry = Arc::new(context::registry(&args.dir.dir));
    let budgets = BudgetKeeper::begin(registry.clone(), store.clone(), Clock::default()).await.map_err(Failure::new)?;
    let site = Site {
        dir: args.dir.dir.clone(),
        apps: args.target.apps.clone(),
        registry,
        sandbox: base,
        store,
        private: url == storage::PRIVATE,
        commit: Mutex::new(storage::commit(&args.dir.dir)),
    };
    let daemon = Daemon::new(Arc::new(site), first).await.map_err(|refused| {
        let failure = Failure::new(&refused);
        match refused.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    terminal::print(&format!("http://{}\n", daemon.address()))?;
    daemon.run().await;
    if let Err(error) = budgets.end().await {
        warn!(%error, "what the budgets have spent was not written down");
    }
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    Ok(Exit::Fine)
}

/// Files in a directory, and the apps they name or simulated ones in their place.
struct Site {
    dir: PathBuf,
    /// Only these, unless there are none.
    apps: Vec<String>,
    /// Kept for as long as the daemon lives, because budgets are in it.
    registry: Arc<Registry>,
    sandbox: Option<Url>,
    store: Store,
    /// The store lives no longer than this process.
    private: bool,
    /// The commit of the files that were read last.
    commit: Mutex<Option<String>>,
}

impl Site {
    fn commit(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        // A whole value is put in.
        self.commit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a run remembers with: one that only looks leaves the store as it is, and keeps nobody from the app.
    fn memory(&self, looking: bool) -> Memory {
        let (store, clock) = (self.store.clone(), Clock::default());
        let memory = if looking {
            Memory::of(store, clock)
        } else {
            let (commit, host, pid) = (self.commit().clone(), storage::host(), std::process::id());
            Memory::writing(store, Author { command: "daemon".into(), commit, host, pid }, clock)
        };
        if self.private { memory.private() } else { memory }
    }
}

#[async_trait]
impl World for Site {
    fn directory(&self) -> &Path {
        &self.dir
    }

    fn load(&self) -> Result<Loaded, Problems> {
        let commit = storage::commit(&self.dir);
        let loaded = desired::load(&self.dir, &*self.registry)?;
        *self.commit() = commit;
        Ok(loaded)
    }

    fn wants(&self, app: &DesiredApp) -> bool {
        let asked = self.apps.is_empty() || self.apps.iter().any(|name| **name == *app.name);
        let played = self.sandbox.is_none() || self.registry.names().contains(&app.connector.to_string());
        asked && played
    }

    fn renew(&self) {
        self.registry.renew();
    }

    fn reconciler(&self, files: &InForce, app: &str, looking: bool) -> Reconciler {
        let connect = |app: &DesiredApp| -> Result<Arc<dyn Writer>, Error> {
            let instead = self.sandbox.as_ref().map(|base| context::simulated(base, app));
            self.registry.connect(app, &ProcessSecrets, instead.as_ref())
        };
        let origin = self.sandbox.as_ref().map(|base| base.origin().ascii_serialization());
        Reconciler::new(files.desired.clone(), files.digest.clone(), |other| &*other.name == app, connect)
            .remembering(self.memory(looking), origin.as_deref())
            .at_pace(Pace::Every(files.timetable.interval(files.since)))
    }

    async fn resume(&self) {
        if let Err(error) = resume(&self.registry, &self.store, &Clock::default()).await {
            warn!(%error, "what others have spent of the budgets is not known");
        }
    }

    async fn tell(&self, url: &SecretRef, body: &serde_json::Value) -> Result<(), Undelivered> {
        let address = ProcessSecrets.resolve(url).map_err(|why| Undelivered { why, lasting: true })?;
        webhook::tell(&address, body).await.map_err(|untold| Undelivered { why: untold.why, lasting: untold.lasting })
    }

    fn secret(&self, secret: &SecretRef) -> Result<SecretString, String> {
        ProcessSecrets.resolve(secret)
    }
}
