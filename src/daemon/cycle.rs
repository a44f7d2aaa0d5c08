//! One cycle of one app: read, plan, carry out, report.

use std::{sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::{sync::watch, time::Instant};
use tracing::{debug, info};

use super::{
    InForce, World,
    report::{CycleResult, Report, Trigger},
    rivals::Rivals,
    status::DaemonStatus,
};
use crate::{
    execute::{Demand, Event, Progress, Stop},
    model::{AppOutcome, AppPlan, DesiredApp, Drift, Mode, Outcome, Plan},
    observe::ObserveProgress,
    reconcile::{Readings, Reconciler, Watch, withdrawn},
    report::outcome::renew_reasons,
};

/// The files that a cycle goes by, with the way to its app.
#[derive(Clone)]
pub(super) struct Terms {
    pub files: Arc<InForce>,
    pub reconciler: Arc<Reconciler>,
    /// Whether differences are corrected, or only reported.
    pub corrects: bool,
}

/// What a cycle works with.
pub(super) struct Cycle<'a> {
    pub world: &'a dyn World,
    pub status: &'a DaemonStatus,
    pub app: &'a str,
    /// Files that come into force meanwhile.
    pub newest: watch::Receiver<Arc<InForce>>,
    /// Whose files are in force.
    pub rivals: &'a mut Rivals,
}

impl Cycle<'_> {
    /// Reads by `terms`, and goes on by the newest files. `ask` is what `stop` hears, for an end that newer files call for.
    pub(super) async fn run(mut self, trigger: Trigger, terms: &Terms, ask: &watch::Sender<u8>, stop: &Stop) -> Report {
        let (began, timer) = (self.world.now(), Instant::now());
        self.status.begins(self.app, began, trigger, &terms.reconciler);
        self.world.resume().await;
        let Work { busy, silent, planned, outcome } = self.work(terms, ask, stop).await;
        let (by, mut plan) = match planned {
            Some((by, plan)) => (by, Some(plan)),
            None => (terms.clone(), None),
        };
        let nothing = Outcome::default();
        let done = outcome.as_ref().unwrap_or(&nothing);
        if let Err(error) = by.reconciler.end(done, stop.asked()).await {
            debug!(app = self.app, %error, "what was done is done, but its end could not be written down");
        }
        let store = by.reconciler.take_store_trouble();
        if store.is_none() {
            by.reconciler.sweep().await;
        }
        let outcome = outcome.and_then(|outcome| outcome.apps.into_iter().next());
        if let (Some(plan), Some(outcome)) = (&mut plan, &outcome) {
            renew_reasons(&mut plan.actions, outcome);
        }
        let (mut result, mut note) = judge(plan.as_ref(), outcome.as_ref(), by.corrects, stop.asked());
        if busy {
            (result, plan) = (CycleResult::Skipped, None);
        }
        if let Some(why) = silent {
            (result, note) = (CycleResult::Unread, Some(why));
        }
        if let Some(why) = store {
            // What could not be read because of the store says nothing about the app.
            plan = plan.filter(|plan| plan.error.is_none());
            (result, note) = (CycleResult::Store, Some(why));
        }
        // What newer files ask for is as little drift as what they asked for at the start of a cycle.
        let trigger = if by.files.number == terms.files.number { trigger } else { Trigger::Files };
        let (ended, took, corrects) = (self.world.now(), timer.elapsed(), by.corrects);
        Report { began, ended, took, trigger, result, corrects, note, plan, outcome }
    }

    async fn work(&mut self, terms: &Terms, ask: &watch::Sender<u8>, stop: &Stop) -> Work {
        let follower = Follower { status: self.status, app: self.app };
        let mut stopped = stop.clone();
        // Reading changes nothing, so that it can be dropped at any point.
        let readings = tokio::select! {
            readings = terms.reconciler.observe(&follower).boxed() => Arc::new(readings),
            () = stopped.reached(1) => return Work::default(),
            why = silence(&terms.reconciler) => return Work { silent: Some(why), ..Work::default() },
        };
        let busy = readings.is_busy(self.app);
        for recovered in &readings.recovered {
            let (action, sent) = (&*recovered.action, recovered.sent_at);
            info!(action, %sent, "an earlier run left this under way: {}", recovered.message);
        }
        // What is live does not depend on the files: it is planned with the newest.
        let Some(by) = self.newest_terms(terms).await else { return Work { busy, ..Work::default() } };
        self.status.doing(self.app, || "planning".into());
        let Some(plan) = self.plan(&by, terms, &readings).await else { return Work { busy, ..Work::default() } };
        let mut work = Work { busy, ..Work::default() };
        let mut newest = None;
        if by.corrects && plan.summary().ready > 0 && !stop.asked() {
            let (demands, demand) = Demand::new();
            let run = by.reconciler.execute_demanded(&plan, stop, &demand, &follower).boxed();
            tokio::pin!(run);
            work.outcome = loop {
                let newer = self.newer_plan(newest.as_ref().map_or(&by, |(by, _)| by), terms, &readings);
                tokio::select! {
                    outcome = &mut run => break Some(outcome),
                    newer = newer => match newer {
                        Some((by, newer)) => {
                            let of_app = plan.apps.iter().zip(&newer.apps);
                            demands.send_replace(Arc::new(of_app.flat_map(|(a, b)| withdrawn(a, b)).collect()));
                            newest = Some((by, newer));
                        }
                        // The app is gone from the files, or is elsewhere by them: nothing more begins.
                        None => {
                            ask.send_if_modified(|level| std::mem::replace(level, (*level).max(1)) == 0);
                            break Some(run.await);
                        }
                    },
                }
            };
        }
        let (by, plan) = newest.unwrap_or((by, plan));
        work.planned = plan.apps.into_iter().next().map(|plan| (by, plan));
        work
    }

    /// Waits for newer files than those of `by`, and plans the same reading with them; none when they cannot be gone on with.
    async fn newer_plan(&mut self, by: &Terms, read_by: &Terms, readings: &Arc<Readings>) -> Option<(Terms, Plan)> {
        loop {
            if self.newest.changed().await.is_err() {
                // Nobody gives out files any more: the daemon ends, which the run hears of itself.
                std::future::pending::<()>().await;
            }
            if self.newest.borrow().number != by.files.number {
                break;
            }
        }
        let by = self.newest_terms(by).await?;
        let plan = self.plan(&by, read_by, readings).await?;
        Some((by, plan))
    }

    /// The newest files, where they name the app as `terms` do and can be gone on with.
    async fn newest_terms(&mut self, terms: &Terms) -> Option<Terms> {
        let files = self.newest.borrow_and_update().clone();
        if files.number == terms.files.number {
            return Some(terms.clone());
        }
        by_newer(self.world, self.app, terms, files).await
    }

    /// Plans a reading, which was made by the files of `read_by`; nothing when the store cannot say whose files are in force.
    async fn plan(&mut self, by: &Terms, read_by: &Terms, readings: &Arc<Readings>) -> Option<Plan> {
        let others = self.rivals.judge(self.world, &by.files, by.corrects).await;
        let others = others.inspect_err(|error| by.reconciler.store_failed(error)).ok()?;
        let (reconciler, read_by, readings) = (by.reconciler.clone(), read_by.reconciler.clone(), readings.clone());
        let now = self.world.now();
        // A plan of a large organisation takes long enough to keep others waiting.
        let planned =
            tokio::task::spawn_blocking(move || reconciler.plan_over(&readings, &read_by, others.as_ref(), now)).await;
        match planned {
            Ok(plan) => Some(plan),
            // A panic in planning is a panic of this cycle: whoever keeps the task restarts it.
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }
}

/// `terms` with newer files, over the same connection; none when they do not name the app as before. A cycle that only reads
/// has no claim on the app and does not begin to write.
pub(super) async fn by_newer(world: &dyn World, app: &str, terms: &Terms, files: Arc<InForce>) -> Option<Terms> {
    let wanted = files.desired.apps.get(app).filter(|app| world.wants(app))?;
    let corrects = terms.corrects && corrects(&files, wanted);
    let memory = world.memory(&files, !terms.corrects);
    let reconciler = terms.reconciler.by_newer(files.desired.clone(), files.digest.clone(), memory).await?;
    Some(Terms { files: files.clone(), reconciler: Arc::new(reconciler), corrects })
}

/// Whether this daemon corrects what differs in an app.
pub(super) fn corrects(files: &InForce, app: &DesiredApp) -> bool {
    files.desired.settings.daemon.drift == Drift::Correct && app.mode != Mode::Observe
}

/// What a cycle did. It did nothing if it was ended while it read the app.
#[derive(Default)]
struct Work {
    /// Somebody else was writing to the app.
    busy: bool,
    /// Why it was not read to the end: the app answers nothing.
    silent: Option<String>,
    /// The plan by the newest files.
    planned: Option<(Terms, AppPlan)>,
    outcome: Option<Outcome>,
}

/// Returns why there is no sense in reading on once the app has left a request unanswered for all of its time, and answered
/// no other meanwhile. Each further attempt would take as long, and nobody would be told before the last.
async fn silence(reconciler: &Reconciler) -> String {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(why) = reconciler.silence() {
            return why;
        }
    }
}

/// How the cycle ended, and why.
fn judge(
    plan: Option<&AppPlan>,
    outcome: Option<&AppOutcome>,
    corrects: bool,
    stopped: bool,
) -> (CycleResult, Option<String>) {
    let Some(plan) = plan else {
        return (
            CycleResult::Stopped,
            Some("it was ended before the app was planned; the next one begins at once".into()),
        );
    };
    if let Some(error) = &plan.error {
        return (CycleResult::Unread, Some(error.clone()));
    }
    let tally = outcome.map(AppOutcome::tally).unwrap_or_default();
    if let Some(error) = outcome.and_then(|outcome| outcome.error.as_ref()) {
        return (CycleResult::Failed, Some(error.clone()));
    }
    if tally.failed > 0 {
        return (CycleResult::Failed, None);
    }
    if tally.not_started > 0 || stopped && outcome.is_none() && plan.summary().ready > 0 {
        return (CycleResult::Stopped, Some("it was ended before everything was done; the next one goes on".into()));
    }
    if !corrects && !plan.actions.is_empty() {
        return (CycleResult::Drift, None);
    }
    (CycleResult::Ok, None)
}

/// Tells the status how far a cycle is.
struct Follower<'a> {
    status: &'a DaemonStatus,
    app: &'a str,
}

impl Watch for Follower<'_> {
    fn seen(&self, _: &str, progress: ObserveProgress) {
        self.status.doing(self.app, || match progress {
            ObserveProgress::Listed { accounts } => format!("reading: {accounts} accounts listed"),
            ObserveProgress::Accounts { done, of } => format!("reading: {done} of {of} accounts"),
            ObserveProgress::Memberships { done, of } => format!("reading: {done} of {of} memberships"),
        });
    }

    fn told(&self, _: &str, sentence: &str) {
        self.status.doing(self.app, || sentence.to_owned());
    }
}

impl Progress for Follower<'_> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Began { actions, .. } => self.status.doing(self.app, || format!("carrying out {actions} actions")),
            Event::Waits(name, _) => self.status.doing(self.app, || format!("waiting for {name} to show")),
            Event::Ended(name, result) => self.status.action_ended(self.app, name.verb, result),
            Event::Started(_) | Event::Finished { .. } => {}
        }
    }
}
