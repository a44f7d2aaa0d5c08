//! The engine in a simulated world: one process after the other, each of which reads, plans and executes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rosterd::{
    connectors::{self, Clock, Outside, Override, ProcessSecrets, Registry, Writer},
    desired,
    execute::{Jitter, Made, NoJournal, Quiet, Stop, Tools, execute},
    model::{Desired, Live, Outcome, Plan, ReadFailure},
    observe::observe,
    reconcile::plan_against,
    sandbox::DEFAULT_CLIENT_SECRET,
};

use super::{
    chance::{Chance, mix},
    network::Network,
    world::{BEGINS, World},
};

/// One process.
pub struct Engine {
    desired: Desired,
    digest: String,
    apps: BTreeMap<Arc<str>, (Arc<dyn Writer>, Made)>,
    jitter: Jitter,
    clock: Clock,
}

/// A clock that may be off, by up to an hour or more and for good.
pub fn clock(seed: u64) -> (Clock, i64) {
    let mut chance = Chance::of(seed, "clock");
    let off = *chance.pick(&[0, 0, 0, 3600, -3600, 300, -300, 5]);
    let began = tokio::time::Instant::now();
    let begins: jiff::Timestamp = BEGINS.parse().unwrap();
    let clock = Clock::new(move || {
        let passed = jiff::SignedDuration::try_from(began.elapsed()).unwrap();
        begins + passed + jiff::SignedDuration::from_secs(off)
    });
    (clock, off)
}

impl Engine {
    pub fn start(world: &World, network: &Network, clock: Clock, process: u64) -> Self {
        let seed = mix(world.seed, &format!("process {process}"));
        let outside = Outside { clock: clock.clone(), network: Some(Arc::new(network.clone())), seed: Some(seed) };
        let registry = Registry::new(None).within(outside);
        let loaded = desired::parse(vec![("all.yaml".into(), world.files())], &registry)
            .unwrap_or_else(|problems| panic!("the files are wrong:\n{}", problems.render(false, 120)));
        let digest = loaded.fingerprint();
        let apps = loaded.desired.apps.values().map(|app| {
            let url = network.sandbox().app_url(&app.connector, &app.name).parse().unwrap();
            let client_id = format!("sandbox.{}", app.name);
            let instead = Override { url, client_id, client_secret: DEFAULT_CLIENT_SECRET.to_owned().into() };
            let writer = registry.connect(app, &ProcessSecrets, Some(&instead)).unwrap();
            (app.name.clone(), (writer, Made::default()))
        });
        let apps = apps.collect();
        Self { desired: loaded.desired, digest, apps, jitter: Jitter::seeded(seed), clock }
    }

    /// Reads all apps and plans.
    pub async fn look(&self) -> Plan {
        let reads = self.desired.apps.values().map(|app| async {
            let read = observe(&*self.apps[&app.name].0, app, self.clock.now(), &|_| {}).await;
            (app.name.clone(), read.map_err(|error| ReadFailure { message: error.to_string() }))
        });
        let live = Live { apps: futures::future::join_all(reads).await.into_iter().collect() };
        plan_against(&self.desired, &self.digest, &live, self.clock.now())
    }

    /// Carries out what is ready.
    pub async fn act(&self, plan: &Plan) -> Outcome {
        let runs = plan.apps.iter().filter(|app| app.error.is_none()).map(|app| {
            let (writer, made) = &self.apps[&app.app];
            let desired = &self.desired.apps[&app.app];
            let quota = connectors::quota(&desired.budget, &desired.semantics.limits);
            let tools = Tools { writer: writer.clone(), made, quota, journal: &NoJournal, jitter: &self.jitter };
            async move { execute(app, &tools, Stop::never(), &Quiet).await }
        });
        Outcome { apps: futures::future::join_all(runs).await }
    }
}

/// A pause between two rounds.
pub fn pause(chance: &mut Chance) -> Duration {
    chance.duration(Duration::from_secs(1)..Duration::from_secs(1800))
}
