//! The engine in a simulated world: one process after the other, each of which reads, plans and executes. Most remember what
//! they did in a store, which outlives them.

use std::{path::Path, sync::Arc, time::Duration};

use rosterd::{
    connectors::{Clock, Outside, Override, ProcessSecrets, Registry},
    desired,
    execute::{Jitter, Quiet, Stop},
    model::{Outcome, Plan},
    observe::ObserveProgress,
    reconcile::{Author, BudgetKeeper, Memory, Pace, Reconciler, Watch},
    report,
    sandbox::DEFAULT_CLIENT_SECRET,
    store::{AppKey, OpenOptions, Store, Verified},
};

use super::{
    chance::{Chance, mix},
    network::Network,
    world::{BEGINS, World},
};

/// One process.
pub(crate) struct Engine {
    reconciler: Reconciler,
    clock: Clock,
    remembers: Option<(Store, BudgetKeeper)>,
}

struct Nobody;

impl Watch for Nobody {
    fn seen(&self, _: &str, _: ObserveProgress) {}
}

/// A clock that is off by so many seconds.
pub(crate) fn clock(network: &Network, off: i64) -> Clock {
    let network = network.clone();
    let begins: jiff::Timestamp = BEGINS.parse().unwrap();
    Clock::new(move || {
        let passed = jiff::SignedDuration::try_from(network.elapsed()).unwrap();
        begins + passed + jiff::SignedDuration::from_secs(off)
    })
}

/// A database that is worked in at once, so that the simulated clock stands still meanwhile.
async fn open(file: &Path) -> Store {
    let options = OpenOptions { blocking: true, max_pages: None };
    Store::open_with(&format!("sqlite:{}", file.display()), &options).await.unwrap()
}

impl Engine {
    /// A process that remembers in a database file, or nothing.
    pub(crate) async fn start(world: &World, network: &Network, off: i64, process: u64, file: Option<&Path>) -> Self {
        let files = vec![("all.yaml".to_owned(), world.files())];
        Self::with_files(files, world.seed, network, off, process, file).await
    }

    /// A process with these files, by name and content.
    pub(crate) async fn with_files(
        files: Vec<(String, String)>,
        seed: u64,
        network: &Network,
        off: i64,
        process: u64,
        file: Option<&Path>,
    ) -> Self {
        let seed = mix(seed, &format!("process {process}"));
        let clock = clock(network, off);
        let outside = Outside { clock: clock.clone(), network: Some(Arc::new(network.clone())), seed: Some(seed) };
        let registry = Arc::new(Registry::new(None).within(outside));
        let loaded = desired::parse(files, &*registry)
            .unwrap_or_else(|problems| panic!("the files are wrong:\n{}", problems.render(false, 120)));
        let digest = loaded.fingerprint();
        let mut reconciler = Reconciler::new(
            loaded.desired,
            digest,
            |_| true,
            |app| {
                let url = network.sandbox().app_url(&app.connector, &app.name).parse().unwrap();
                let client_id = format!("sandbox.{}", app.name);
                let instead = Override { url, client_id, client_secret: DEFAULT_CLIENT_SECRET.to_owned().into() };
                registry.connect(app, &ProcessSecrets::default(), Some(&instead))
            },
        )
        .with_jitter(Jitter::seeded(seed))
        .with_clock(clock.clone());
        if mix(seed, "pace").is_multiple_of(2) {
            reconciler = reconciler.at_pace(Pace::Every(Duration::from_secs(900)));
        }
        let mut remembers = None;
        if let Some(file) = file {
            let store = open(file).await;
            let pid = u32::try_from(process).unwrap();
            let author = Author { command: "apply".into(), commit: None, host: "here".into(), pid };
            let memory = Memory::writing(store.clone(), author, clock.clone());
            reconciler = reconciler.remembering(memory, Some(&network.sandbox().url()));
            let keeper = BudgetKeeper::begin(registry, store.clone(), clock.clone()).await.unwrap();
            remembers = Some((store, keeper));
        }
        Self { reconciler, clock, remembers }
    }

    /// Reads all apps and plans.
    pub(crate) async fn look(&self) -> Plan {
        let readings = self.reconciler.observe(&Nobody).await;
        self.reconciler.plan(&readings, self.clock.now())
    }

    /// Carries out what is ready.
    pub(crate) async fn act(&self, plan: &Plan) -> Outcome {
        self.reconciler.execute(plan, &Stop::never(), &Quiet).await
    }

    /// From now on not one more page of the database can be had, or as many as are needed.
    pub(crate) async fn disk_is_full(&self, full: bool) {
        if let Some((store, _)) = &self.remembers {
            store.set_max_pages(full.then_some(1)).await.unwrap();
        }
    }

    /// The process ends as it should.
    pub(crate) async fn end(self, outcome: &Outcome) {
        self.reconciler.end(outcome, false).await.unwrap();
        if let Some((_, keeper)) = self.remembers {
            keeper.end().await.unwrap();
        }
    }
}

/// A plan as other programs get it.
pub(crate) fn plan_text(plan: &Plan) -> String {
    report::json::plan(plan)
}

/// An outcome as other programs get it.
pub(crate) fn outcome_text(outcome: &Outcome, plan: &Plan) -> String {
    report::outcome::to_json(outcome, plan, None)
}

/// What is wrong with what was remembered, once all is over.
pub(crate) async fn remembered(world: &World, network: &Network, file: &Path) -> Vec<String> {
    let store = open(file).await;
    let mut verdicts = Vec::new();
    for app in &world.apps {
        let key = AppKey::new(app.name.as_str(), network.sandbox().url());
        let open = store.open_intents(&key).await.unwrap();
        let lost = open.iter().map(|intent| format!("what became of {} was never found out", intent.intent.action));
        verdicts.extend(lost);
    }
    if let Verified::Broken { seq, why } = store.verify().await.unwrap() {
        verdicts.push(format!("the ledger is broken at entry {seq:?}: {why}"));
    }
    verdicts
}

/// A pause between two rounds.
pub(crate) fn pause(chance: &mut Chance) -> Duration {
    chance.duration(Duration::from_secs(1)..Duration::from_secs(1800))
}
