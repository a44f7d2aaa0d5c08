//! One cycle of one app: read, plan, carry out, report.

use std::sync::Arc;

use futures::FutureExt as _;
use tracing::{info, warn};

use super::{
    World,
    report::{CycleResult, Report, Trigger},
    status::DaemonStatus,
};
use crate::{
    execute::{Event, Progress, Stop},
    model::{AppOutcome, AppPlan, Outcome},
    observe::ObserveProgress,
    reconcile::{Reconciler, Watch},
    report::outcome::renew_reasons,
};

/// What a cycle works with.
pub(super) struct Cycle<'a> {
    pub world: &'a dyn World,
    pub status: &'a DaemonStatus,
    pub app: &'a str,
    pub reconciler: &'a Arc<Reconciler>,
    /// Whether differences are corrected, or only reported.
    pub corrects: bool,
}

impl Cycle<'_> {
    pub(super) async fn run(&self, trigger: Trigger, stop: &Stop) -> Report {
        let began = self.world.now();
        self.status.begins(self.app, began, trigger, self.reconciler);
        self.world.resume().await;
        let Work { busy, mut plan, outcome } = self.work(stop).await;
        let nothing = Outcome::default();
        let done = outcome.as_ref().unwrap_or(&nothing);
        if let Err(error) = self.reconciler.end(done, stop.asked()).await {
            warn!(app = self.app, %error, "what was done is done, but its end could not be written down");
        }
        self.reconciler.sweep().await;
        let outcome = outcome.and_then(|outcome| outcome.apps.into_iter().next());
        if let (Some(plan), Some(outcome)) = (&mut plan, &outcome) {
            renew_reasons(&mut plan.actions, outcome);
        }
        let (mut result, note) = judge(plan.as_ref(), outcome.as_ref(), self.corrects, stop.asked());
        if busy {
            (result, plan) = (CycleResult::Skipped, None);
        }
        Report { began, ended: self.world.now(), trigger, result, corrects: self.corrects, note, plan, outcome }
    }

    async fn work(&self, stop: &Stop) -> Work {
        let follower = Follower { status: self.status, app: self.app };
        let mut stopped = stop.clone();
        // Reading changes nothing, so that it can be dropped at any point.
        let readings = tokio::select! {
            readings = self.reconciler.observe(&follower).boxed() => readings,
            () = stopped.reached(1) => return Work::default(),
        };
        let busy = readings.is_busy(self.app);
        for recovered in &readings.recovered {
            let (action, sent) = (&*recovered.action, recovered.sent_at);
            info!(action, %sent, "an earlier run left this under way: {}", recovered.message);
        }
        let (reconciler, now) = (self.reconciler.clone(), self.world.now());
        self.status.doing(self.app, || "planning".into());
        // A plan of a large organisation takes long enough to keep others waiting.
        let planned = tokio::task::spawn_blocking(move || reconciler.plan(&readings, now)).await;
        let plan = match planned {
            Ok(plan) => plan,
            // A panic in planning is a panic of this cycle: whoever keeps the task restarts it.
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        };
        let mut outcome = None;
        if self.corrects && plan.summary().ready > 0 && !stop.asked() {
            outcome = Some(self.reconciler.execute(&plan, stop, &follower).boxed().await);
        }
        Work { busy, plan: plan.apps.into_iter().next(), outcome }
    }
}

/// What a cycle did. It did nothing if it was ended while it read the app.
#[derive(Default)]
struct Work {
    /// Somebody else was writing to the app.
    busy: bool,
    plan: Option<AppPlan>,
    outcome: Option<Outcome>,
}

/// How the cycle ended, and why.
fn judge(
    plan: Option<&AppPlan>,
    outcome: Option<&AppOutcome>,
    corrects: bool,
    stopped: bool,
) -> (CycleResult, Option<String>) {
    let Some(plan) = plan else {
        return (CycleResult::Stopped, Some("it was ended while the app was being read".into()));
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
