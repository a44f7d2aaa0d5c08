//! The engine as one process after the other, which share a store in memory.

use std::sync::Arc;

use rosterd::{
    connectors::{Clock, Outside, Override, ProcessSecrets, Registry},
    desired,
    execute::{Jitter, Quiet, Stop},
    model::{Desired, Email, Outcome, Plan},
    observe::ObserveProgress,
    reconcile::{Author, BudgetKeeper, Memory, Reconciler, Watch},
    sandbox::DEFAULT_CLIENT_SECRET,
    store::{OpenOptions, Store},
};

use super::{cast::Cast, truth::TENANT, wire::Wire};
use crate::chance::mix;

struct Nobody;

impl Watch for Nobody {
    fn seen(&self, _: &str, _: ObserveProgress) {}
}

/// A store in memory that is worked in at once, so that the simulated clock stands still meanwhile.
pub(super) async fn store() -> Store {
    let options = OpenOptions { blocking: true, max_pages: None };
    Store::open_with("sqlite::memory:", &options).await.unwrap()
}

/// The files of one half of a story, understood once for all processes.
#[derive(Clone)]
pub(super) struct Files {
    desired: Arc<Desired>,
    digest: String,
}

fn registry(cast: &Cast, outside: Outside) -> Registry {
    let (path, manifest) = cast.manifest();
    let source = move |name: &str| (name == path).then(|| manifest.clone()).ok_or_else(|| "there is none".to_owned());
    Registry::with_manifests(Box::new(source)).within(outside)
}

impl Files {
    pub(super) fn of(cast: &Cast, turned: bool) -> Self {
        let text = cast.files(turned);
        let files = vec![("all.yaml".to_owned(), text.clone())];
        let loaded = desired::parse(files, &registry(cast, Outside::default()))
            .unwrap_or_else(|problems| panic!("the files are wrong:\n{}\n{text}", problems.render(false, 120)));
        Self { digest: loaded.fingerprint(), desired: loaded.desired.into() }
    }
}

/// One process.
pub(super) struct Process {
    reconciler: Reconciler,
    clock: Clock,
    keeper: BudgetKeeper,
}

impl Process {
    pub(super) async fn start(cast: &Cast, files: &Files, wire: &Wire, store: &Store, seed: u64) -> Self {
        let clock = wire.clock();
        let outside = Outside { clock: clock.clone(), network: Some(Arc::new(wire.clone())), seed: Some(seed) };
        let registry = Arc::new(registry(cast, outside));
        let url = cast.dialect.url();
        let reconciler = Reconciler::new(
            files.desired.clone(),
            files.digest.clone(),
            |_| true,
            |app| {
                let client_id = format!("sandbox.{TENANT}");
                let client_secret = DEFAULT_CLIENT_SECRET.to_owned().into();
                let instead = Override { url: url.parse().unwrap(), client_id, client_secret };
                registry.connect(app, &ProcessSecrets::default(), Some(&instead))
            },
        )
        .with_jitter(Jitter::seeded(mix(seed, "jitter")));
        let author = Author { command: "apply".into(), commit: None, host: "here".into(), pid: 1 };
        let memory = Memory::writing(store.clone(), author, clock.clone());
        let reconciler = reconciler.remembering(memory, Some(&cast.dialect.url()));
        let keeper = BudgetKeeper::begin(registry, store.clone(), clock.clone()).await.unwrap();
        Self { reconciler, clock, keeper }
    }

    /// Reads the app and plans.
    pub(super) async fn look(&self) -> Plan {
        let readings = self.reconciler.observe(&Nobody).await;
        self.reconciler.plan(&readings, self.clock.now())
    }

    /// Reads what one person takes, and plans for them alone.
    pub(super) async fn look_for(&self, email: &str) -> Plan {
        let readings = self.reconciler.observe_only(&Email::lenient(email), &Nobody).await;
        self.reconciler.plan(&readings, self.clock.now())
    }

    /// Carries out what is ready.
    pub(super) async fn act(&self, plan: &Plan) -> Outcome {
        self.reconciler.execute(plan, &Stop::never(), &Quiet).await
    }

    /// The process ends as it should.
    pub(super) async fn end(self, outcome: &Outcome) {
        self.reconciler.end(outcome, false).await.unwrap();
        self.keeper.end().await.unwrap();
    }
}
