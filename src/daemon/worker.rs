//! The task of one app: waits for its turn, goes through a cycle, and again.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::{
    InForce, World,
    cycle::{Cycle, Terms, by_newer, corrects},
    report::{CycleResult, Report, Trigger},
    rivals::Rivals,
    schedule::{Due, Storm},
    status::DaemonStatus,
    turns::{Asked, Ended, Turns},
};
use crate::{execute::Stop, model::Status};

/// The clocks are looked at again after so long, because one may be set, and a machine may sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// An app that another process works in is tried again this soon: `apply` takes minutes, and so does the claim of a process
/// that died.
const ELSEWHERE: Duration = Duration::from_secs(60);

/// A store that failed is tried again this soon: it is ours, asking costs little, and everything waits for it.
const STORE_AGAIN: Duration = Duration::from_secs(5);

/// A cycle may take twice as long as this, however quick the last ones were: one retry of a slow app takes half a minute.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(30);

/// One app's task.
pub(super) struct Worker {
    pub world: Arc<dyn World>,
    pub status: Arc<DaemonStatus>,
    pub app: Arc<str>,
    pub files: watch::Receiver<Arc<InForce>>,
    pub stop: Stop,
    /// When the next cycle is due.
    pub due: Due,
    /// How often newer files have come in a row.
    pub storm: Storm,
}

impl Worker {
    /// Works until the daemon ends or the files no longer name the app.
    pub(super) async fn run(mut self) {
        let mut current: Option<Terms> = None;
        let mut failures = 0;
        let mut turns = Turns::new(&*self.world, self.app.clone());
        // Somebody asked for a cycle whose turn has not come.
        let mut urgent = false;
        while let Some(trigger) = self.turn(current.as_ref().map(|terms| terms.files.number)).await {
            let before = current.as_ref().map(|terms| terms.files.meaning.clone());
            // The files no longer name the app.
            let Some(terms) = self.terms(current.take()).await else { return };
            // Files that mean the same come into force again where somebody asked for it.
            let again = trigger == Trigger::Files && before.as_ref() == Some(&terms.files.meaning);
            urgent |= trigger == Trigger::Asked || again;
            let mine = match turns.take(&*self.world, &terms, urgent).await {
                Asked::Mine(mine) => mine,
                Asked::Later(pause) => {
                    self.waits(pause, None);
                    current = Some(terms);
                    continue;
                }
                Asked::Failed(why) => {
                    self.waits(STORE_AGAIN, Some(why));
                    current = Some(terms);
                    continue;
                }
            };
            urgent = false;
            failures = mine.failures.unwrap_or(failures);
            let report = self.cycle(&terms, trigger, &mut turns.rivals).await;
            failures = match report.result {
                CycleResult::Unread => failures + 1,
                // Nothing was learnt about the app.
                CycleResult::Stopped | CycleResult::Skipped | CycleResult::Store => failures,
                _ => 0,
            };
            self.due = self.next(&terms.files, &report, failures);
            tell(&self.app, &report, failures);
            let patience = self.patience(&terms.files, &report);
            let ended = Ended { report: &report, failures, due: self.due.at, patience };
            turns.end(&*self.world, &terms.files, *mine, &ended).await;
            self.status.ended(&self.app, report, failures, self.due, patience);
            current = Some(terms);
        }
    }

    /// The app as the files in force have it; none when they no longer do. What means the same as before goes on over the
    /// same connection.
    async fn terms(&mut self, current: Option<Terms>) -> Option<Terms> {
        let files = self.files.borrow_and_update().clone();
        if let Some(current) = current.filter(|current| current.files.number == files.number) {
            return if Arc::ptr_eq(&current.files, &files) {
                Some(current)
            } else {
                by_newer(&*self.world, &self.app, &current, files).await
            };
        }
        let app = files.desired.apps.get(&self.app).filter(|app| self.world.wants(app))?;
        let corrects = corrects(&files, app);
        let reconciler = Arc::new(self.world.reconciler(&files, &self.app, !corrects));
        Some(Terms { reconciler, corrects, files: files.clone() })
    }

    /// Waits for the app's turn, and says why it came; none when the daemon ends. `done` is the number of the files that the
    /// last cycle began with.
    async fn turn(&mut self, done: Option<u64>) -> Option<Trigger> {
        // An app that is gone from the status is gone from the files as well.
        let nudge = self.status.nudge_of(&self.app)?;
        let mut first = true;
        let wake = self.status.wake_of(&self.app)?;
        loop {
            let newer = done.is_some_and(|done| self.files.borrow_and_update().number != done);
            if std::mem::take(&mut first) {
                self.storm.goes_on(newer);
            }
            let schedule = if newer { Trigger::Files } else { Trigger::Schedule };
            let now = self.world.now();
            let left = self.due.left(now).min(if newer { self.pause_of_storm() } else { Duration::MAX });
            tokio::select! {
                biased;
                () = self.stop.reached(1) => return None,
                () = nudge.clone().notified_owned() => return Some(if newer { Trigger::Files } else { Trigger::Asked }),
                // Whoever gives out files is gone when the daemon ends.
                changed = self.files.changed() => changed.ok()?,
                () = wake.clone().notified_owned() => return Some(schedule),
                () = tokio::time::sleep(left.min(LONGEST_SLEEP)) => {
                    if left <= LONGEST_SLEEP {
                        return Some(schedule);
                    }
                    self.follow_the_clock();
                }
            }
        }
    }

    /// The turn has not come, or the store could not say.
    fn waits(&mut self, pause: Duration, trouble: Option<String>) {
        let now = self.world.now();
        self.due = Due::within(pause, now);
        self.status.due(&self.app, self.due);
        self.status.note_store(&self.app, trouble, now);
    }

    /// How long newer files wait. Those that no longer name the app do not.
    fn pause_of_storm(&self) -> Duration {
        let files = self.files.borrow();
        let named = files.desired.apps.get(&self.app).is_some_and(|app| self.world.wants(app));
        if named { self.storm.left() } else { Duration::ZERO }
    }

    /// A clock that was set changes when a cycle is shown to be due, and moves what goes by the time of day.
    fn follow_the_clock(&mut self) {
        let now = self.world.now();
        if self.due.follow(&self.files.borrow().timetable, now) {
            info!(app = &*self.app, next = %self.due.at, "the clock was set; the pause goes on as it was");
            self.status.due(&self.app, self.due);
        }
    }

    /// Goes through a cycle.
    async fn cycle(&mut self, terms: &Terms, trigger: Trigger, rivals: &mut Rivals) -> Report {
        let (ask, stop) = Stop::new();
        let Self { world, status, app, files, stop: daemon, storm, .. } = self;
        if trigger == Trigger::Files {
            storm.begins(terms.files.timetable.interval(world.now()));
        }
        let cycle = Cycle { world: &**world, status, app, newest: files.clone(), rivals };
        let run = cycle.run(trigger, terms, &ask, &stop);
        tokio::pin!(run);
        let mut asked = 0;
        loop {
            tokio::select! {
                report = &mut run => return report,
                () = daemon.reached(asked + 1), if asked < 2 => {
                    asked += 1;
                    ask.send_replace(asked);
                }
            }
        }
    }

    fn next(&self, files: &InForce, report: &Report, failures: u32) -> Due {
        let (table, now) = (&files.timetable, self.world.now());
        let due = Due::after(table, failures, report.took, now, rand::random());
        match report.result {
            CycleResult::Skipped => due.or_in(ELSEWHERE, now),
            CycleResult::Store => due.or_in(STORE_AGAIN, now),
            _ => due,
        }
    }

    /// How long the next cycle may take to end before the app is behind: the longest pause until it begins, and twice what
    /// the last ones took.
    fn patience(&self, files: &InForce, report: &Report) -> Duration {
        let now = self.world.now();
        let longest = self.status.longest_cycle(&self.app).max(report.took);
        let pause = Due::after(&files.timetable, 0, report.took, now, 1.0).left(now);
        pause + 2 * longest.max(SHORTEST_PATIENCE)
    }
}

/// One line for each cycle.
fn tell(app: &str, report: &Report, failures: u32) {
    let [ready, waiting, held, manual] =
        [Status::Ready, Status::Waiting, Status::Held, Status::Manual].map(|status| report.count(status));
    let (result, trigger, note) = (report.result.as_ref(), report.trigger.as_ref(), report.note.as_deref());
    let took = format!("{:.1} s", report.took.as_secs_f64());
    let (done, failed) = (report.done(), report.failures().count());
    match report.result {
        // Told once, for all apps together.
        CycleResult::Store => debug!(app, trigger, took, note, "the store failed"),
        CycleResult::Unread => warn!(app, trigger, took, failures, note, "the app could not be read"),
        CycleResult::Failed => {
            warn!(app, trigger, took, done, failed, ready, waiting, held, manual, note, "cycle ended: {result}");
        }
        _ => info!(app, trigger, took, done, ready, waiting, held, manual, note, "cycle ended: {result}"),
    }
}
