//! Carrying out a plan, and entering how the run went.

use std::{collections::BTreeMap, sync::Mutex};

use futures::future::join_all;

use super::{
    connect::{Connected, Reconciler, quota},
    ledger::Ledger,
};
use crate::{
    execute::{self, Demand, Journal, NoJournal, Progress, Stop, Tools},
    model::{AppOutcome, AppPlan, Outcome, Plan},
    store::{RunEnded, RunEnding, StoreError},
};

impl Reconciler {
    /// Carries out what is ready, all apps at the same time.
    pub async fn execute(&self, plan: &Plan, stop: &Stop, progress: &dyn Progress) -> Outcome {
        self.execute_demanded(plan, stop, &Demand::unchanging(), progress).await
    }

    /// The same, less what `demand` takes back meanwhile.
    pub async fn execute_demanded(
        &self,
        plan: &Plan,
        stop: &Stop,
        demand: &Demand,
        progress: &dyn Progress,
    ) -> Outcome {
        let fingerprint = &plan.fingerprint;
        let runs = plan.apps.iter().map(|app| self.execute_app(app, fingerprint, (stop, demand), progress));
        Outcome { apps: join_all(runs).await }
    }

    async fn execute_app(
        &self,
        plan: &AppPlan,
        fingerprint: &str,
        (stop, demand): (&Stop, &Demand),
        progress: &dyn Progress,
    ) -> AppOutcome {
        let failed = |error: String| AppOutcome { app: plan.app.clone(), error: Some(error), ..AppOutcome::default() };
        let connected = (self.desired.apps.get(&plan.app), self.apps.get(&plan.app).map(AsRef::as_ref));
        let (Some(app), Some(connected @ Connected { writer: Ok(writer), created_ids, .. })) = connected else {
            return failed(plan.error.clone().unwrap_or_else(|| "there is no connection to this app".into()));
        };
        if let Some(error) = &plan.error {
            return failed(error.clone());
        }
        let (quota, jitter, stop) = (quota(app), &*self.jitter, stop.clone());
        let tools = |journal| {
            let (writer, quota, demand) = (writer.clone(), quota.clone(), demand.clone());
            Tools { writer, created_ids, quota, journal, jitter, demand }
        };
        let Some(memory) = &self.memory else {
            return execute::execute(plan, &tools(&NoJournal), stop, progress).await;
        };
        let mut kept = connected.kept.lock().await;
        if let Err(error) = kept.forget_touched(memory, plan).await {
            memory.failed(&error);
            return failed(format!("{}: nothing was sent: {error}", plan.app));
        }
        let Some(tenure) = &kept.tenure else {
            return failed(format!("{}: nothing was sent, because this run has no claim on the app", plan.app));
        };
        let desired = &self.desired;
        let ledger = Ledger { memory, tenure, desired, created_ids, fingerprint, open: Mutex::default() };
        let journal: &dyn Journal = &ledger;
        execute::execute(plan, &tools(journal), stop, progress).await
    }

    /// Enters the run, even when nothing comes of it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn enter_run(&self, plan: &Plan) -> Result<(), StoreError> {
        match &self.memory {
            Some(memory) if memory.writes() => memory.run(Some(&plan.fingerprint)).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Enters how the run ended, if it was entered, and lets others write to the apps. What is read and done from then on is
    /// another run.
    ///
    /// # Errors
    /// When the store fails. The apps are given back all the same.
    pub async fn end(&self, outcome: &Outcome, interrupted: bool) -> Result<(), StoreError> {
        let Some(memory) = self.memory.as_ref().filter(|memory| memory.writes()) else { return Ok(()) };
        let ended = memory.end_run(&run_ended(outcome, interrupted)).await;
        for connected in self.apps.values() {
            connected.kept.lock().await.give_back(&memory.store).await;
        }
        ended.inspect_err(|error| memory.failed(error))
    }
}

fn run_ended(outcome: &Outcome, interrupted: bool) -> RunEnded {
    let mut counts = BTreeMap::new();
    for (_, result) in outcome.apps.iter().flat_map(|app| &app.actions) {
        *counts.entry(result.as_str().to_owned()).or_insert(0) += 1;
    }
    let errors: Vec<&str> = outcome.apps.iter().filter_map(|app| app.error.as_deref()).collect();
    let how = match (interrupted, outcome.is_clean()) {
        (true, _) => RunEnding::Interrupted,
        (false, true) => RunEnding::Done,
        (false, false) => RunEnding::Failed,
    };
    RunEnded { how, message: (!errors.is_empty()).then(|| errors.join("; ")), counts }
}
