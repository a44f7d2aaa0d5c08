//! The tasks of the daemon on a virtual clock.

mod fights;
mod live;
mod neighbors;
mod rivals;
mod sharing;
mod town;
mod weather;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::time::Instant;

use super::{
    InForce, Sharing, Undelivered, World,
    http::{metrics, page, status},
    notify,
    report::{CycleResult, Standing},
    status::{DaemonStatus, State},
    workers::Workers,
};
use crate::{
    connectors::{Error, ErrorKind, Registry},
    desired::{self, Loaded, Problems},
    execute::Stop,
    model::{DesiredApp, SecretRef},
    reconcile::{Keeper, Reconciler},
};

const MINUTE: Duration = Duration::from_secs(60);

/// Apps that nobody can connect to, on a clock that begins on 1 December 2026.
struct Nowhere {
    began: Instant,
    connected: Mutex<Vec<String>>,
    /// Making a way to this app panics, so many times.
    panics: Mutex<BTreeMap<String, u32>>,
    /// What the webhook was told, and in which second; it takes nothing while it is `deaf`.
    told: Mutex<Vec<(u64, String)>>,
    deaf: AtomicBool,
    sharing: Option<Sharing>,
}

impl Nowhere {
    fn new(panics: BTreeMap<String, u32>, sharing: Option<Sharing>) -> Self {
        let began = Instant::now();
        let panics = Mutex::new(panics);
        Self {
            began,
            connected: Mutex::default(),
            panics,
            told: Mutex::default(),
            deaf: AtomicBool::new(false),
            sharing,
        }
    }
}

#[async_trait::async_trait]
impl World for Nowhere {
    fn directory(&self) -> &Path {
        Path::new("nowhere")
    }

    fn load(&self) -> Result<Loaded, Problems> {
        unreachable!("tests bring files into force themselves")
    }

    fn wants(&self, _: &DesiredApp) -> bool {
        true
    }

    fn reconciler(&self, files: &InForce, app: &str, _: bool) -> Reconciler {
        self.connected.lock().unwrap().push(app.to_owned());
        let mut panics = self.panics.lock().unwrap();
        if let Some(left) = panics.get_mut(app).filter(|left| **left > 0) {
            *left -= 1;
            drop(panics);
            panic!("as the test wants it");
        }
        let refuse = |app: &DesiredApp| {
            Err(Error {
                kind: ErrorKind::Setup,
                app: app.name.to_string(),
                request: "connecting".into(),
                status: None,
                detail: "there is <nothing> here".into(),
                hint: None,
            })
        };
        Reconciler::new(files.desired.clone(), files.digest.clone(), |other| &*other.name == app, refuse)
    }

    async fn tell(&self, _: &SecretRef, body: &serde_json::Value) -> Result<(), Undelivered> {
        let deaf = self.deaf.load(Ordering::Relaxed);
        let text = if deaf { "nothing".to_owned() } else { body["text"].as_str().unwrap().to_owned() };
        self.told.lock().unwrap().push((self.began.elapsed().as_secs(), text));
        if deaf { Err(Undelivered { why: "it is deaf".into(), lasting: false }) } else { Ok(()) }
    }

    fn secret(&self, _: &SecretRef) -> Result<SecretString, String> {
        Err("there are no secrets here".into())
    }

    fn sharing(&self) -> Option<&Sharing> {
        self.sharing.as_ref()
    }

    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        start.checked_add(self.began.elapsed()).unwrap()
    }
}

/// A workers at work, with its status.
struct Ship {
    world: Arc<Nowhere>,
    status: Arc<DaemonStatus>,
    workers: Workers,
    ask: tokio::sync::watch::Sender<u8>,
}

fn files(schedule: &str, apps: &[&str]) -> Arc<InForce> {
    let apps: String = apps
        .iter()
        .map(|app| {
            format!(
                "  {app}:\n    connector: workiva\n    url: https://api.example.com\n    auth: {{ client_id: {{ env: A }}, \
                 client_secret: {{ env: B }} }}\n"
            )
        })
        .collect();
    let text = format!("settings:\n  schedule: {schedule}\napps:\n{apps}");
    let loaded = desired::parse(vec![("all.yaml".into(), text)], &Registry::default()).unwrap();
    let since = "2026-12-01T00:00:00Z".parse().unwrap();
    // Each of them is newer than the one before.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    Arc::new(InForce::new(loaded, since, NUMBER.fetch_add(1, Ordering::Relaxed)))
}

impl Ship {
    fn new(files: Arc<InForce>, panics: &[(&str, u32)]) -> Self {
        Self::sharing(files, panics, None)
    }

    fn sharing(files: Arc<InForce>, panics: &[(&str, u32)], sharing: Option<Sharing>) -> Self {
        let panics = panics.iter().map(|(app, times)| ((*app).to_owned(), *times)).collect();
        let world = Arc::new(Nowhere::new(panics, sharing));
        let status = Arc::new(DaemonStatus::new(world.now()));
        tokio::spawn(notify::run(world.clone(), status.on_webhook_failure(), status.follow()));
        let (ask, stop) = Stop::new();
        status.in_force(&files);
        let mut workers = Workers::new(world.clone(), status.clone(), stop, files);
        workers.begin();
        Self { world, status, workers, ask }
    }

    /// In which minutes cycles of an app began, over a time; tasks that died are replaced.
    async fn begun(&mut self, app: &str, minutes: u32) -> Vec<u64> {
        let mut seen: Vec<Timestamp> = Vec::new();
        // The status shows the last cycle until the next one has ended.
        let last = |status: &DaemonStatus| status.snapshot().apps.get(app).and_then(|app| app.last.clone());
        let before = last(&self.status).map(|last| last.began);
        let end = Instant::now() + minutes * MINUTE;
        while Instant::now() < end {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
                () = self.workers.one_ended() => self.workers.start_missing(),
            }
            let last = last(&self.status).filter(|last| Some(last.began) != before);
            if let Some(last) = last.filter(|last| seen.last() != Some(&last.began)) {
                seen.push(last.began);
            }
        }
        let start: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        seen.iter().map(|at| at.duration_since(start).as_secs().unsigned_abs() / 60).collect()
    }

    async fn end(mut self) -> State {
        self.ask.send(1).unwrap();
        self.workers.ended().await;
        self.status.snapshot()
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_that_cannot_be_read_is_left_alone_for_longer_and_longer() {
    let mut ship = Ship::new(files("{ every: 10m }", &["a"]), &[]);
    let begun = ship.begun("a", 250).await;
    // 10, 20, 40, then an hour; each longer pause may be a tenth longer still.
    assert_eq!(begun[..2], [0, 10]);
    let pauses: Vec<u64> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (pause, expected) in pauses.iter().zip([10, 20, 40, 60, 60]) {
        assert!((expected..=expected + expected / 10).contains(pause), "{begun:?}");
    }
    let state = ship.end().await;
    let app = &state.apps["a"];
    assert_eq!(app.cycles, BTreeMap::from([(CycleResult::Unread, begun.len() as u64)]));
    assert_eq!(app.failures as usize, begun.len());
    assert_eq!(app.last.as_ref().unwrap().standing(), Standing::Unreadable);
    assert_eq!(state.unready().unwrap(), "1 of 1 apps had no cycle that ended in time");
}

#[tokio::test(start_paused = true)]
async fn a_request_and_new_files_begin_a_cycle_at_once_whatever_the_back_off() {
    let mut ship = Ship::new(files("{ every: 1h }", &["a", "b"]), &[]);
    assert_eq!(ship.begun("a", 10).await, [0]);
    assert_eq!(ship.status.nudge(Some("a")), ["a".into()]);
    assert_eq!(ship.begun("a", 10).await, [10]);
    assert!(ship.status.nudge(Some("c")).is_empty());
    ship.workers.use_files(files("{ every: 2h }", &["b", "c"]));
    let begun = ship.begun("b", 10).await;
    assert_eq!(begun, [20], "it had been left alone");
    let state = ship.end().await;
    assert_eq!(state.apps.keys().map(|name| &**name).collect::<Vec<_>>(), ["b", "c"]);
    assert!(state.apps["c"].last.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_dies_is_begun_anew_and_takes_no_other_with_it() {
    let mut ship = Ship::new(files("{ every: 10m }", &["a", "b"]), &[("a", 2)]);
    let begun = ship.begun("a", 5).await;
    assert_eq!(begun, [1], "twice half a minute later");
    assert_eq!(ship.world.connected.lock().unwrap().iter().filter(|app| *app == "a").count(), 3);
    let state = ship.end().await;
    assert_eq!(state.apps["b"].cycles[&CycleResult::Unread], 1);
}

#[tokio::test(start_paused = true)]
async fn cron_says_when_all_apps_begin() {
    let mut ship = Ship::new(files("{ cron: \"*/30 * * * *\" }", &["a"]), &[]);
    // At once, at the half hour and, after the second failure, when an hour has passed.
    assert_eq!(ship.begun("a", 100).await, [0, 30, 90]);
    ship.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_is_the_same_everywhere_and_nothing_in_it_is_markup() {
    let mut ship = Ship::new(files("{ every: 10m }", &["a"]), &[]);
    ship.begun("a", 5).await;
    ship.status.bad("error: `<b>` is not a word".into(), ship.world.now());
    let now = ship.world.now();
    let state = ship.end().await;
    let page = page::page(&state, now).unwrap();
    assert!(
        page.contains("there is &lt;nothing&gt; here") && page.contains("error: `&lt;b&gt;` is not a word"),
        "{page}"
    );
    assert!(!page.contains("<nothing>") && !page.contains("<b>` is"), "{page}");
    let json = status::status(&state, now);
    assert_eq!(json["apps"][0]["standing"], "unreadable");
    assert_eq!(json["apps"][0]["last"]["result"], "unread");
    assert_eq!(json["files"]["valid"], false);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("metrics", metrics::metrics(&state, now)));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_begin_when_it_is_due_is_found() {
    let mut ship = Ship::new(files("{ every: 10m }", &["a"]), &[]);
    ship.begun("a", 1).await;
    assert_eq!(ship.status.snapshot().sickness(), [""; 0]);
    let state = ship.status.snapshot();
    tokio::time::sleep(20 * MINUTE).await;
    let sick = state.sickness().join("\n");
    assert!(sick.contains("the main loop has not been seen for") && sick.contains("a has been due for"), "{sick}");
    ship.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_is_told_of_an_outage_once_and_of_files_when_they_turn_bad_and_good_again() {
    let every = "{ every: 10m }\n  notify: [ { url: { env: HOOK } } ]";
    let mut ship = Ship::new(files(every, &["a"]), &[]);
    ship.begun("a", 120).await;
    ship.status.bad("error: `peple` is not a word".into(), ship.world.now());
    ship.begun("a", 1).await;
    ship.status.bad("error: `peple` is not a word".into(), ship.world.now());
    ship.begun("a", 1).await;
    assert!(ship.status.recovered_from_bad_files());
    ship.begun("a", 1).await;
    let told = ship.world.told.lock().unwrap().clone();
    let [outage, bad, good] = &told[..] else { panic!("{told:#?}") };
    assert!(outage.1.contains("*a* cannot be worked with") && outage.1.contains("there is &lt;nothing&gt; here"));
    assert_eq!(outage.0, 0, "after the first cycle, and not after each of those that followed");
    assert!(bad.1.contains("The newest files have mistakes") && bad.1.contains("'peple' is not a word"), "{bad:?}");
    assert_eq!(good.1, ":white_check_mark: The files are valid again");
    ship.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_takes_nothing_delays_no_cycle_and_is_told_when_it_hears_again() {
    let every = "{ every: 10m }\n  notify: [ { url: { env: HOOK }, on: [failure] } ]";
    let mut ship = Ship::new(files(every, &["a"]), &[]);
    ship.world.deaf.store(true, Ordering::Relaxed);
    assert_eq!(ship.begun("a", 15).await, [0, 10]);
    let tries = std::mem::take(&mut *ship.world.told.lock().unwrap());
    let seconds: Vec<u64> = tries.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds.len(), 6, "three times after each cycle: {tries:?}");
    assert_eq!(seconds[..3], [0, 2, 17]);
    ship.world.deaf.store(false, Ordering::Relaxed);
    ship.begun("a", 120).await;
    let told = ship.world.told.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "{told:?}");
    ship.end().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_what_they_did_not_ask_for() {
    let every = "{ every: 10m }\n  notify: [ { url: { env: HOOK }, on: [drift, held] } ]";
    let mut ship = Ship::new(files(every, &["a"]), &[]);
    ship.begun("a", 120).await;
    assert_eq!(*ship.world.told.lock().unwrap(), []);
    ship.end().await;
}
