//! Whoever waits for a run is told at once for what and how long.

use std::{sync::Mutex, time::Duration};

use rosterd::{
    connectors::Clock,
    observe::ObserveProgress,
    reconcile::{Author, Memory, Reconciler, Watch},
    sandbox::Config,
    store::{AppKey, Claim, Lease, NewIntent, OpenOptions, Store},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::in_process::Company;

/// Hears what is told, each with how long after the start.
struct Listener {
    since: Instant,
    heard: Mutex<Vec<(Duration, String)>>,
}

impl Watch for Listener {
    fn seen(&self, _: &str, _: ObserveProgress) {}

    fn told(&self, app: &str, sentence: &str) {
        self.heard.lock().unwrap().push((self.since.elapsed(), format!("{app}: {sentence}")));
    }
}

/// The app of the example that takes two minutes to show whom it let in, and a store.
struct Scene {
    company: Company,
    store: Store,
    key: AppKey,
    _dir: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let (company, dir) = (Company::new(Config::default(), Duration::ZERO), TempDir::new().unwrap());
        let options = OpenOptions { blocking: true, ..OpenOptions::default() };
        let url = format!("sqlite:{}", dir.path().join("state.db").display());
        let store = Store::open_with(&url, &options).await.unwrap();
        let desired = company.example();
        let app = desired.apps.values().find(|app| &*app.connector == "acc").expect("the example has one");
        let key = AppKey::new(app.name.clone(), app.origin());
        Self { company, store, key, _dir: dir }
    }

    async fn claim(&self) -> Lease {
        match self.store.claim(&self.key, "rosterd apply on vm-1, process 7", Duration::from_secs(90), self.now()).await
        {
            Ok(Claim::Held(lease)) => lease,
            other => panic!("{other:?}"),
        }
    }

    fn now(&self) -> jiff::Timestamp {
        self.company.sandbox.now()
    }

    /// Reads the app, and returns what was told meanwhile.
    async fn told(&self) -> Vec<(Duration, String)> {
        let sandbox = self.company.sandbox.clone();
        let author = Author { command: "apply".into(), commit: None, host: "vm-2".into(), pid: 8 };
        let memory = Memory::writing(self.store.clone(), author, Clock::new(move || sandbox.now()));
        let wanted = |app: &rosterd::model::DesiredApp| app.name == self.key.app;
        let connect = |app: &rosterd::model::DesiredApp| self.company.connect(app);
        let reconciler = Reconciler::new(self.company.example(), String::new(), wanted, connect);
        let reconciler = reconciler.remembering(memory, None);
        let listener = Listener { since: Instant::now(), heard: Mutex::default() };
        reconciler.observe(&listener).await;
        listener.heard.into_inner().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_run_left_under_way_is_told_before_it_is_waited_for() {
    let scene = Scene::new().await;
    let lease = scene.claim().await;
    let intent: NewIntent = serde_json::from_value(json!({
        "run": "run-1", "action": "x/create/ann@example.com", "verb": "create", "payload": {}, "at": scene.now(),
    }))
    .unwrap();
    scene.store.open_batch(&lease, &[intent]).await.unwrap();
    scene.store.release(lease).await.unwrap();
    let told = scene.told().await;
    let [(after, sentence)] = &told[..] else { panic!("{told:?}") };
    assert!(after.is_zero(), "{told:?}");
    assert!(sentence.contains("cut off with 1 request(s) under way") && sentence.contains("60 s"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn that_somebody_else_writes_to_an_app_is_told_at_once() {
    let scene = Scene::new().await;
    let _lease = scene.claim().await;
    let told = scene.told().await;
    let [(after, sentence)] = &told[..] else { panic!("{told:?}") };
    assert!(
        after.is_zero() && sentence.contains("rosterd apply on vm-1, process 7 is writing to this app"),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_with_nothing_to_wait_for_tells_nothing() {
    assert!(Scene::new().await.told().await.is_empty());
}
