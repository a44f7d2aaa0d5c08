//! A daemon's tasks with a simulated app, a store and two clocks, one of which can be set.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    connectors::{
        Clock, Outside, Override, ProcessSecrets, Registry,
        http::transport::{Transport, WireAnswer, WireFailure, WireRequest},
    },
    daemon::{InForce, Undelivered, World, notify, status::DaemonStatus, turns, workers::Workers},
    desired::{self, Loaded, Problems},
    execute::Stop,
    model::{DesiredApp, SecretRef},
    reconcile::{Author, Memory, Reconciler},
    sandbox::{Config, DEFAULT_CLIENT_SECRET, NewAccount, Reply, Sandbox},
    store::{OpenOptions, Store},
};

pub(super) const BEGINS: &str = "2026-12-01T00:00:00Z";

/// The network to the app.
#[derive(Clone)]
pub(super) struct Wire {
    sandbox: Arc<Sandbox>,
    /// How long each request takes, in milliseconds.
    pub takes: Arc<AtomicU64>,
    /// The app takes requests and never answers.
    pub silent: Arc<AtomicBool>,
    /// When requests were sent.
    pub sent: Arc<Mutex<Vec<Instant>>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

#[async_trait::async_trait]
impl Transport for Wire {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireFailure> {
        self.sent.lock().unwrap().push(Instant::now());
        let path = request.url.path();
        let target = request.url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let headers: Vec<(String, String)> =
            request.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect();
        let body = request.body.as_ref().map(|body| body.expose_secret().as_bytes().to_vec()).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(self.takes.load(Ordering::Relaxed))).await;
        if self.silent.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        match self.sandbox.call(request.method.as_str(), &target, &headers, &body).answer() {
            Reply::Whole(answer) | Reply::Late(_, answer) | Reply::CutOff(answer) => {
                Ok(WireAnswer { status: answer.status, headers: answer.headers, body: Ok(answer.body) })
            }
            Reply::Reset => Err(WireFailure::Lost("connection reset".into())),
        }
    }
}

/// The app `intranet` with its accounts, and what the daemon knows it by.
pub(super) struct Town {
    pub sandbox: Arc<Sandbox>,
    pub wire: Wire,
    pub store: Store,
    /// By how many seconds the time of day was set.
    pub off: Arc<AtomicI64>,
    /// What the webhook was told.
    pub told: Mutex<Vec<String>>,
    began: Instant,
    registry: Registry,
    dir: tempfile::TempDir,
}

impl Town {
    /// With these accounts, each of whose requests takes so long.
    pub(super) async fn of(accounts: &[&str], takes: Duration) -> Arc<Self> {
        let config = Config { begins: Some(BEGINS.parse().unwrap()), empty: true, ..Config::default() };
        let sandbox = Arc::new(Sandbox::without_network(config).unwrap());
        for email in accounts {
            let account = NewAccount {
                email: (*email).to_owned(),
                given_name: Some("A".into()),
                family_name: Some("B".into()),
                status: None,
                role: None,
            };
            sandbox.add_account("scim", "intranet", account).unwrap();
        }
        let takes = Arc::new(AtomicU64::new(takes.as_millis().try_into().unwrap()));
        let wire = Wire { sandbox: sandbox.clone(), takes, silent: Arc::default(), sent: Arc::default() };
        let (began, off) = (Instant::now(), Arc::new(AtomicI64::new(0)));
        let clock = clock(began, off.clone());
        let outside = Outside { clock, network: Some(Arc::new(wire.clone())), seed: Some(7) };
        let registry = Registry::new(None).within(outside);
        let dir = tempfile::TempDir::new().unwrap();
        let url = format!("sqlite:{}", dir.path().join("state.db").display());
        // In step with the simulated clock.
        let store = Store::open_with(&url, &OpenOptions { blocking: true, max_pages: None }).await.unwrap();
        Arc::new(Self { sandbox, wire, store, off, told: Mutex::default(), began, registry, dir })
    }

    /// Whether an account can be used.
    pub(super) fn is_active(&self, email: &str) -> bool {
        self.sandbox.account("scim", "intranet", email).unwrap().status == "active"
    }

    /// Takes the store's file away, or brings it back.
    pub(super) fn store_is_away(&self, away: bool) {
        let [here, elsewhere] = ["state.db", "elsewhere.db"].map(|name| self.dir.path().join(name));
        let (from, to) = if away { (here, elsewhere) } else { (elsewhere, here) };
        std::fs::rename(from, to).unwrap();
    }

    /// How often an account was switched off.
    pub(super) fn switched_off(&self) -> usize {
        let log = self.sandbox.log();
        let writes = log.iter().filter(|request| request.effect && ["PATCH", "PUT"].contains(&&*request.method));
        // Nothing else about an account is true or false.
        writes.filter(|request| request.body.to_string().contains("false")).count()
    }

    /// The time of day.
    pub(super) fn clock(&self) -> Clock {
        clock(self.began, self.off.clone())
    }

    /// Seconds since the beginning.
    pub(super) fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Seconds at which requests were sent.
    pub(super) fn sent(&self) -> Vec<u64> {
        self.wire.sent.lock().unwrap().iter().map(|at| at.duration_since(self.began).as_secs()).collect()
    }
}

fn clock(began: Instant, off: Arc<AtomicI64>) -> Clock {
    let start: Timestamp = BEGINS.parse().unwrap();
    Clock::new(move || start + began.elapsed() + SignedDuration::from_secs(off.load(Ordering::Relaxed)))
}

#[async_trait::async_trait]
impl World for Town {
    fn directory(&self) -> &Path {
        Path::new("nowhere")
    }

    fn load(&self) -> Result<Loaded, Problems> {
        unreachable!("tests bring files into force themselves")
    }

    fn wants(&self, _: &DesiredApp) -> bool {
        true
    }

    fn reconciler(&self, files: &InForce, app: &str, looking: bool) -> Reconciler {
        let origin = self.sandbox.url();
        let connect = |app: &DesiredApp| {
            let url = self.sandbox.app_url(&app.connector, &app.name).parse().unwrap();
            let client_id = format!("sandbox.{}", app.name);
            let instead = Override { url, client_id, client_secret: DEFAULT_CLIENT_SECRET.to_owned().into() };
            self.registry.connect(app, &ProcessSecrets::default(), Some(&instead))
        };
        let memory = self.memory(files, looking).unwrap();
        Reconciler::new(files.desired.clone(), files.digest.clone(), |other| &*other.name == app, connect)
            .remembering(memory, Some(&origin))
    }

    fn memory(&self, _: &InForce, looking: bool) -> Option<Memory> {
        let clock = self.clock();
        let author = Author { command: "daemon".into(), commit: None, host: "here".into(), pid: 1 };
        let (store, writes) = (self.store.clone(), !looking);
        Some(if writes { Memory::writing(store, author, clock) } else { Memory::of(store, clock) })
    }

    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }

    async fn tell(&self, _: &SecretRef, body: &serde_json::Value) -> Result<(), Undelivered> {
        self.told.lock().unwrap().push(body["text"].as_str().unwrap().to_owned());
        Ok(())
    }

    fn secret(&self, _: &SecretRef) -> Result<SecretString, String> {
        Err("there are no secrets here".into())
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }
}

/// Files, the `number`-th of this daemon.
pub(super) fn files(schedule: &str, people: &str, app: &str, number: u64) -> Arc<InForce> {
    let text = format!(
        "settings:\n  schedule: {schedule}\npeople:\n{people}\napps:\n  intranet:\n    connector: scim\n    \
         url: https://x.example\n    auth: {{ token: {{ env: T }} }}\n    policy: {{ max_removals: 500 }}\n{app}"
    );
    let loaded = desired::parse(vec![("all.yaml".into(), text)], &Registry::default());
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    Arc::new(InForce::new(loaded, BEGINS.parse().unwrap(), number))
}

/// The tasks at work.
pub(super) struct Tasks {
    pub status: Arc<DaemonStatus>,
    pub workers: Workers,
    ask: tokio::sync::watch::Sender<u8>,
    /// Ends with it.
    _beside: JoinSet<()>,
}

impl Tasks {
    pub(super) fn begin(town: &Arc<Town>, files: Arc<InForce>) -> Self {
        Self::within(town.clone(), files)
    }

    pub(super) fn within(world: Arc<dyn World>, files: Arc<InForce>) -> Self {
        let status = Arc::new(DaemonStatus::new(world.now()));
        let (ask, stop) = Stop::new();
        let mut beside = JoinSet::new();
        beside.spawn(notify::run(world.clone(), status.on_webhook_failure(), status.follow()));
        beside.spawn(turns::follow(world.clone(), status.clone()));
        status.in_force(&files);
        let mut workers = Workers::new(world, status.clone(), stop, files);
        workers.begin();
        Self { status, workers, ask, _beside: beside }
    }

    pub(super) async fn end(mut self) {
        self.ask.send(1).unwrap();
        self.workers.ended().await;
    }
}
