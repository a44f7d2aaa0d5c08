//! What the daemon knows about itself: written by its tasks, shown over HTTP.

mod app;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use tokio::{
    sync::{
        Notify,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
    time::Instant,
};

use tracing::{info, warn};

use super::{
    InForce,
    notify::News,
    report::{CycleResult, Report, Trigger},
    schedule::Due,
};
use crate::{
    model::{ActionResult, Pause, Verb},
    reconcile::Reconciler,
};
pub(super) use app::App;
use app::Running;

/// The main loop looks at the files every second, and reads them when they changed, which takes seconds for the largest.
/// After so long it is stuck.
const STUCK: Duration = Duration::from_secs(120);

/// A task whose turn came so long ago and that has not begun is stuck.
const OVERDUE: Duration = Duration::from_secs(120);

/// Everything there is to show.
pub(super) struct DaemonStatus {
    state: Mutex<State>,
    /// Who follows the news, if anybody does.
    follower: Mutex<Option<UnboundedSender<News>>>,
    /// Held from before pauses are looked up until they are in the status, so that none is overwritten by an older look.
    pub looking: tokio::sync::Mutex<()>,
}

/// All of it at one moment. What is large is shared.
#[derive(Clone)]
pub(super) struct State {
    /// When the daemon began.
    pub started: Timestamp,
    /// The files in force.
    pub files: Option<Arc<InForce>>,
    /// What is wrong with the newest files, while others stay in force.
    pub bad: Option<Bad>,
    /// Pauses that were in force when it was last looked.
    pub pauses: Vec<Pause>,
    /// What is wrong with the store, while it is.
    pub store: Option<StoreTrouble>,
    /// How often a webhook could not be told something.
    pub webhook_failures: u64,
    /// How often new files came into force.
    pub taken_up: u64,
    /// How often bad files were turned away.
    pub refused: u64,
    /// By name.
    pub apps: BTreeMap<Arc<str>, App>,
    /// Another daemon works with the same store, and this one waits until that one has ended.
    pub stands_by: bool,
    /// When the main loop was last seen.
    beat: Instant,
}

/// Files that did not come into force.
#[derive(Clone)]
pub(super) struct Bad {
    pub problems: Arc<str>,
    pub since: Timestamp,
}

/// The store cannot be used.
#[derive(Clone)]
pub(super) struct StoreTrouble {
    pub why: Arc<str>,
    pub since: Timestamp,
    /// The apps whose last cycle found it so.
    apps: BTreeSet<Arc<str>>,
}

/// How the pauses in force differ from those that were known before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub begun: Vec<Pause>,
    /// What is over, and was not replaced by another pause of the same app.
    pub ended: Vec<Pause>,
}

impl Turn {
    pub(super) fn between(before: &[Pause], now: &[Pause]) -> Self {
        let begun = now.iter().filter(|pause| !before.contains(pause));
        let over = before.iter().filter(|pause| !now.iter().any(|other| other.app == pause.app));
        Self { begun: begun.cloned().collect(), ended: over.cloned().collect() }
    }
}

impl DaemonStatus {
    pub(super) fn new(now: Timestamp) -> Self {
        let state = State {
            started: now,
            files: None,
            bad: None,
            pauses: Vec::new(),
            store: None,
            webhook_failures: 0,
            taken_up: 0,
            refused: 0,
            apps: BTreeMap::new(),
            stands_by: false,
            beat: Instant::now(),
        };
        Self { state: Mutex::new(state), follower: Mutex::new(None), looking: tokio::sync::Mutex::default() }
    }

    /// From now on, everything that matters to people as it comes in.
    pub(super) fn follow(&self) -> UnboundedReceiver<News> {
        let (sender, receiver) = unbounded_channel();
        *self.follower.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    /// Nothing more comes in.
    pub(super) fn no_more_news(&self) {
        *self.follower.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn spread(&self, news: News) {
        if let Some(follower) = &*self.follower.lock().unwrap_or_else(PoisonError::into_inner) {
            // Whoever does not listen any more misses nothing that they want.
            let _ = follower.send(news);
        }
    }

    pub(super) fn snapshot(&self) -> State {
        self.state().clone()
    }

    /// The main loop is alive.
    pub(super) fn beat(&self) {
        self.state().beat = Instant::now();
    }

    pub(super) fn in_force(&self, files: &Arc<InForce>) {
        let mut state = self.state();
        state.files = Some(files.clone());
        state.bad = None;
        state.taken_up += 1;
        drop(state);
        self.spread(News::InForce(files.clone()));
    }

    /// Whether another daemon works in this one's place.
    pub(super) fn stands_by(&self, stands_by: bool) {
        self.state().stands_by = stands_by;
    }

    /// New files cannot be used.
    pub(super) fn bad(&self, problems: String, now: Timestamp) {
        let mut state = self.state();
        state.refused += 1;
        let since = state.bad.as_ref().map_or(now, |bad| bad.since);
        let problems: Arc<str> = problems.into();
        state.bad = Some(Bad { problems: problems.clone(), since });
        drop(state);
        self.spread(News::Bad(problems));
    }

    /// The files can be used; whether they could not be before.
    pub(super) fn recovered_from_bad_files(&self) -> bool {
        let mended = self.state().bad.take().is_some();
        if mended {
            self.spread(News::Mended);
        }
        mended
    }

    /// These pauses are in force. Returns what is new about them.
    pub(super) fn paused(&self, pauses: Vec<Pause>) -> Turn {
        let mut state = self.state();
        let turn = Turn::between(&state.pauses, &pauses);
        state.pauses.clone_from(&pauses);
        drop(state);
        if turn != Turn::default() {
            self.spread(News::Paused(pauses));
        }
        turn
    }

    /// Counts webhooks that could not be told something.
    pub(super) fn on_webhook_failure(self: &Arc<Self>) -> Box<dyn Fn() + Send + Sync> {
        let status = self.clone();
        Box::new(move || status.state().webhook_failures += 1)
    }

    /// The organisation's, as far as files are in force.
    pub(super) fn time_zone(&self) -> TimeZone {
        self.state().time_zone()
    }

    /// Only these apps are there.
    pub(super) fn keep(&self, wanted: impl Fn(&str) -> bool) {
        let mut state = self.state();
        state.apps.retain(|name, _| wanted(name));
        if let Some(store) = &mut state.store {
            store.apps.retain(|name| wanted(name));
        }
    }

    /// The app is there.
    pub(super) fn enter(&self, app: &Arc<str>, connector: &Arc<str>) {
        self.state().apps.entry(app.clone()).or_default().connector = connector.clone();
    }

    /// What wakes the app's task.
    pub(super) fn nudge_of(&self, app: &str) -> Option<Arc<Notify>> {
        self.state().apps.get(app).map(|entry| entry.nudge.clone())
    }

    /// Wakes the tasks of one app, or of all; their names, none when there is no such app.
    pub(super) fn nudge(&self, app: Option<&str>) -> Vec<Arc<str>> {
        let state = self.state();
        let meant = state.apps.iter().filter(|(name, _)| app.is_none_or(|app| app == &***name));
        meant
            .map(|(name, entry)| {
                entry.nudge.notify_one();
                name.clone()
            })
            .collect()
    }

    pub(super) fn begins(&self, app: &str, since: Timestamp, trigger: Trigger, reconciler: &Arc<Reconciler>) {
        let (reconciler, sent_before, traffic_before) =
            (reconciler.clone(), reconciler.requests(), reconciler.traffic());
        let running = Running { since, trigger, doing: "beginning".into(), reconciler, sent_before, traffic_before };
        self.with(app, |entry| entry.running = Some(running));
    }

    pub(super) fn doing(&self, app: &str, what: impl FnOnce() -> String) {
        self.with(app, |entry| {
            if let Some(running) = &mut entry.running {
                running.doing = what().into();
            }
        });
    }

    pub(super) fn action_ended(&self, app: &str, verb: Verb, result: &ActionResult) {
        self.with(app, |entry| *entry.actions.entry((verb, result.as_str())).or_default() += 1);
    }

    /// A cycle has ended. The next one should have come to its end within `patience`.
    pub(super) fn ended(&self, app: &str, report: Report, failures: u32, next: Due, patience: Duration) {
        let report = Arc::new(report);
        self.spread(News::Ended(app.into(), report.clone()));
        self.judge_store(app, &report);
        self.with(app, |entry| {
            entry.ends();
            entry.next = Some(next);
            entry.failures = failures;
            *entry.cycles.entry(report.result).or_default() += 1;
            entry.judge_time(&report, patience);
            if matches!(report.result, CycleResult::Ok | CycleResult::Drift) {
                entry.success = Some(report.ended);
            }
            if report.plan.as_ref().is_some_and(|plan| plan.error.is_none()) {
                entry.seen = Some(report.clone());
            }
            entry.last = Some(report);
        });
    }

    /// What a cycle says about the store.
    fn judge_store(&self, app: &str, report: &Report) {
        match report.result {
            CycleResult::Store => self.note_store(app, Some(report.note.clone().unwrap_or_default()), report.ended),
            CycleResult::Stopped | CycleResult::Skipped => {}
            _ => self.note_store(app, None, report.ended),
        }
    }

    /// What is wrong with the store as far as an app has to do with it; nothing where it works. Its trouble is told when it
    /// begins and when it is over, and not by every app.
    pub(super) fn note_store(&self, app: &str, trouble: Option<String>, at: Timestamp) {
        let mut state = self.state();
        let news = match (trouble, &mut state.store) {
            (Some(why), store) => {
                let why: Arc<str> = why.into();
                let new = store.is_none();
                let apps = BTreeSet::new();
                let store = store.get_or_insert(StoreTrouble { why: why.clone(), since: at, apps });
                store.apps.insert(app.into());
                new.then_some(Some(why))
            }
            (None, None) => None,
            (None, Some(store)) => {
                store.apps.remove(app);
                let over = store.apps.is_empty();
                over.then(|| state.store = None).map(|()| None)
            }
        };
        drop(state);
        match &news {
            Some(Some(why)) => {
                warn!("{why}; nothing is written to any app that needs it, and it is tried every few seconds")
            }
            Some(None) => info!("the store works again"),
            None => {}
        }
        if let Some(news) = news {
            self.spread(News::Store(news));
        }
    }

    /// How long the longest of an app's last cycles took.
    pub(super) fn longest_cycle(&self, app: &str) -> Duration {
        let state = self.state();
        state.apps.get(app).and_then(|entry| entry.took.iter().max().copied()).unwrap_or_default()
    }

    /// The app's task has died, and is due again.
    pub(super) fn died(&self, app: &str, next: Due) {
        self.with(app, |entry| {
            entry.ends();
            entry.next = Some(next);
        });
    }

    /// The app's next cycle is due at another time than was thought.
    pub(super) fn due(&self, app: &str, next: Due) {
        self.with(app, |entry| entry.next = Some(next));
    }

    pub(super) fn with(&self, app: &str, change: impl FnOnce(&mut App)) {
        // An app that the files no longer name has nothing to show.
        if let Some(entry) = self.state().apps.get_mut(app) {
            change(entry);
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Every change is whole before the lock is given back, and none of them can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The organisation's, as far as files are in force.
    pub(super) fn time_zone(&self) -> TimeZone {
        self.files.as_ref().map_or(TimeZone::UTC, |files| files.desired.settings.time_zone.clone())
    }

    /// The pause that holds what would be written to an app.
    pub(super) fn pause_of(&self, app: &str, now: Timestamp) -> Option<&Pause> {
        let of_app = self.pauses.iter().filter(|pause| pause.is_for(app) && pause.is_on(now));
        of_app.max_by_key(|pause| pause.until)
    }

    /// Pauses in force.
    pub(super) fn pauses(&self, now: Timestamp) -> impl Iterator<Item = &Pause> {
        self.pauses.iter().filter(move |pause| pause.is_on(now))
    }

    /// Why this process ought to be restarted; nothing when it works.
    pub(super) fn sickness(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.beat.elapsed() > STUCK {
            found.push(format!("the main loop has not been seen for {} s", self.beat.elapsed().as_secs()));
        }
        for (name, app) in &self.apps {
            if let (None, Some(late)) = (&app.running, app.next.and_then(|next| next.is_overdue(OVERDUE))) {
                found.push(format!("{name} has been due for {} s and has not begun", late.as_secs()));
            }
        }
        found
    }

    /// Why this daemon cannot be relied on; nothing when it can. Names no app and no path, because anybody may ask. What is
    /// held, or waits for a person, is no reason: it shows on the page, which has to be there for that.
    pub(super) fn unready(&self) -> Option<String> {
        if self.files.is_none() {
            return Some("no files are in force".into());
        }
        if self.stands_by {
            // There is nothing else for it to do, and it can do that at any time.
            return None;
        }
        if self.store.is_some() {
            return Some("the store cannot be used; the log says why".into());
        }
        let late = self.apps.values().filter(|app| !app.worked_once || app.is_behind()).count();
        (late > 0).then(|| format!("{late} of {} apps had no cycle that ended in time", self.apps.len()))
    }
}
