//! The task of one app: waits for its turn, goes through a cycle, and again.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{
    InForce, World,
    cycle::Cycle,
    report::{CycleResult, Report, Trigger},
    schedule::later,
    status::DaemonStatus,
};
use crate::{
    execute::Stop,
    model::{DesiredApp, Drift, Mode, Status},
    reconcile::Reconciler,
};

/// The clock is looked at again after so long, because it may be set, and a machine may sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// An app that another process works in is tried again this soon: `apply` takes minutes, and so does the claim of a process
/// that died.
const ELSEWHERE: Duration = Duration::from_secs(60);

/// One app's task.
pub(super) struct Worker {
    pub world: Arc<dyn World>,
    pub status: Arc<DaemonStatus>,
    pub app: Arc<str>,
    pub files: watch::Receiver<Arc<InForce>>,
    pub stop: Stop,
    /// When the first cycle is due.
    pub due: Timestamp,
}

/// Files and connection of one app.
struct Work {
    files: Arc<InForce>,
    reconciler: Arc<Reconciler>,
    corrects: bool,
}

impl Worker {
    /// Works until the daemon ends or the files no longer name the app.
    pub(super) async fn run(mut self) {
        let mut current: Option<Work> = None;
        let mut failures = 0;
        let mut due = self.due;
        while let Some(trigger) = self.turn(due).await {
            if trigger == Trigger::Files || current.is_none() {
                current = self.take_up();
            }
            // The files no longer name the app.
            let Some(work) = &current else { return };
            let report = self.cycle(work.reconciler.clone(), work.corrects, trigger).await;
            failures = match report.result {
                CycleResult::Unread => failures + 1,
                // Nothing was learnt about the app.
                CycleResult::Stopped | CycleResult::Skipped => failures,
                _ => 0,
            };
            due = self.next(&work.files, &report, failures);
            tell(&self.app, &report, failures);
            self.status.ended(&self.app, report, failures, due);
        }
    }

    /// The app as the files in force have it; none when they no longer do.
    fn take_up(&mut self) -> Option<Work> {
        let files = self.files.borrow_and_update().clone();
        let app = files.desired.apps.get(&self.app).filter(|app| self.world.wants(app))?;
        let corrects = corrects(&files, app);
        let reconciler = Arc::new(self.world.reconciler(&files, &self.app, !corrects));
        Some(Work { reconciler, corrects, files: files.clone() })
    }

    /// Waits for the app's turn, and says why it came; none when the daemon ends.
    async fn turn(&mut self, due: Timestamp) -> Option<Trigger> {
        // An app that is gone from the status is gone from the files as well.
        let nudge = self.status.nudge_of(&self.app)?;
        loop {
            let left = Duration::try_from(due.duration_since(self.world.now())).unwrap_or_default();
            tokio::select! {
                biased;
                () = self.stop.reached(1) => return None,
                // Whoever gives out files is gone when the daemon ends.
                changed = self.files.changed() => return changed.ok().map(|()| Trigger::Files),
                () = nudge.clone().notified_owned() => return Some(Trigger::Asked),
                () = tokio::time::sleep(left.min(LONGEST_SLEEP)) => {
                    if left <= LONGEST_SLEEP {
                        return Some(Trigger::Schedule);
                    }
                }
            }
        }
    }

    /// Goes through a cycle. What is not begun when newer files come into force is not begun any more: the cycle would go on
    /// with what somebody has just taken back.
    async fn cycle(&mut self, reconciler: Arc<Reconciler>, corrects: bool, trigger: Trigger) -> Report {
        let (ask, stop) = Stop::new();
        let Self { world, status, app, files, stop: daemon, .. } = self;
        let cycle = Cycle { world: &**world, status, app, reconciler: &reconciler, corrects };
        let run = cycle.run(trigger, &stop);
        tokio::pin!(run);
        let mut asked = 0;
        let mut newer = false;
        loop {
            tokio::select! {
                report = &mut run => return report,
                () = daemon.reached(asked + 1), if asked < 2 => {
                    asked += 1;
                    ask.send_replace(asked);
                }
                () = changed(files), if !newer => {
                    newer = true;
                    ask.send_if_modified(|level| std::mem::replace(level, (*level).max(1)) == 0);
                }
            }
        }
    }

    fn next(&self, files: &InForce, report: &Report, failures: u32) -> Timestamp {
        let table = &files.timetable;
        let now = self.world.now();
        let due = table.next(report.began, now, rand::random());
        if report.result == CycleResult::Skipped {
            return due.min(later(now, ELSEWHERE));
        }
        if failures == 0 { due } else { table.after_failures(failures, report.began, due, rand::random()) }
    }
}

/// Returns once newer files are in force, without taking note of them.
async fn changed(files: &mut watch::Receiver<Arc<InForce>>) {
    if files.changed().await.is_ok() {
        files.mark_changed();
    } else {
        std::future::pending::<()>().await;
    }
}

/// Whether this daemon corrects what differs in an app.
fn corrects(files: &InForce, app: &DesiredApp) -> bool {
    files.desired.settings.daemon.drift == Drift::Correct && app.mode != Mode::Observe
}

/// One line for each cycle.
fn tell(app: &str, report: &Report, failures: u32) {
    let [ready, waiting, held, manual] =
        [Status::Ready, Status::Waiting, Status::Held, Status::Manual].map(|status| report.count(status));
    let (result, trigger, note) = (report.result.as_ref(), report.trigger.as_ref(), report.note.as_deref());
    let took = format!("{:.1} s", report.ended.duration_since(report.began).as_secs_f64());
    let (done, failed) = (report.done(), report.failures().count());
    match report.result {
        CycleResult::Unread => warn!(app, trigger, took, failures, note, "the app could not be read"),
        CycleResult::Failed => {
            warn!(app, trigger, took, done, failed, ready, waiting, held, manual, note, "cycle ended: {result}");
        }
        _ => info!(app, trigger, took, done, ready, waiting, held, manual, note, "cycle ended: {result}"),
    }
}
