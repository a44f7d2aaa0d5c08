//! One reconciliation: what is live is read, the plan is made, and what is ready is carried out. Commands and the daemon
//! differ only in when they do which.
//!
//! With a [`Memory`] it is remembered what was seen and done: an app is claimed before it is read for writing, what an
//! earlier run left under way is looked at first ([`recover`]), the past is part of what the plan is made from
//! ([`history`]), and nothing is sent that was not written down before ([`ledger`]).

mod budgets;
mod everything;
mod history;
mod ledger;
mod memory;
mod only;
mod recover;

pub use budgets::{BudgetKeeper, resume};
pub use memory::{Author, Memory};
pub use only::narrow;
pub use recover::Recovered;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::debug;

use crate::{
    budget::{Lane, Quota},
    connectors::{self, Clock, Error, Writer},
    execute::{self, CreatedIds, Jitter, Journal, NoJournal, Progress, Stop, Tools, forecast},
    model::{
        AccountStatus, AppOutcome, AppPlan, Desired, DesiredApp, FactIds, Facts, Live, LiveApp, Outcome, Plan,
        ReadFailure, Status,
    },
    observe::{self, Before, ObserveProgress, Pending, Rotation},
    plan::{self, AppHistory, History, Inputs, Used},
    store::{AppKey, Covered, Intent, Reading, RunEnd, StoreError},
};
use ledger::Ledger;
use memory::Tenure;

/// The first look at open invitations; later ones are further apart.
const FIRST_POLL: Duration = Duration::from_secs(2);

/// Each look takes a request per open invitation, so they do not come more often than this for long.
const LONGEST_POLL: Duration = Duration::from_secs(30);

/// Once somebody accepted, how long others may take to accept as well before the next round, which reads everything.
const GATHER: Duration = Duration::from_secs(20);

/// Someone who watches the reading.
pub trait Watch: Sync {
    /// How far the reading of an app is.
    fn seen(&self, app: &str, progress: ObserveProgress);
}

/// Desired state with a way to each of its apps.
pub struct Reconciler {
    desired: Arc<Desired>,
    digest: String,
    apps: BTreeMap<Arc<str>, Connected>,
    memory: Option<Memory>,
    pace: Pace,
    jitter: Jitter,
    clock: Clock,
}

/// How often an app is read, which decides on how much of it is read each time where that has to be in rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Once, for somebody who waits for it.
    #[default]
    Once,
    /// Again and again, at this interval.
    Every(Duration),
}

/// One app.
struct Connected {
    writer: Result<Arc<dyn Writer>, Error>,
    /// What earlier rounds made.
    created_ids: CreatedIds,
    /// Names it in the store.
    key: AppKey,
    /// Held while the app is read or written, so that a slow reading is not overtaken by another one.
    past: tokio::sync::Mutex<Past>,
    /// What the last reading found in the store.
    known: Mutex<Known>,
}

/// What is remembered of an app between readings.
#[derive(Default)]
struct Past {
    tenure: Option<Tenure>,
    /// Read from the store once; from then on this process is the only one that changes them.
    facts: Option<Facts>,
    pending: Pending,
}

impl Past {
    /// Makes sure that the app is ours, where anything is written.
    async fn claim(&mut self, memory: &Memory, app: &DesiredApp, connected: &Connected) -> Result<(), ReadFailure> {
        if !memory.writes() || self.tenure.is_some() {
            return Ok(());
        }
        match memory.claim(&connected.key).await {
            Ok(Ok(tenure)) => self.tenure = Some(tenure),
            Ok(Err(busy)) => {
                connected.known().busy = true;
                return Err(ReadFailure { message: format!("{}: {busy}", app.name) });
            }
            Err(error) => return Err(ReadFailure { message: format!("{}: {error}", app.name) }),
        }
        Ok(())
    }
}

#[derive(Default)]
struct Known {
    history: AppHistory,
    approvals: BTreeMap<String, Used>,
    recovered: Vec<Recovered>,
    /// Somebody else was writing to the app.
    busy: bool,
}

impl Connected {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Whole values are put in, so that a poisoned lock still holds one.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reconciler {
    /// Connects to every app that `wanted` accepts. An app that cannot be connected to fails by itself, when it is read.
    pub fn new(
        desired: impl Into<Arc<Desired>>,
        digest: String,
        wanted: impl Fn(&DesiredApp) -> bool,
        connect: impl Fn(&DesiredApp) -> Result<Arc<dyn Writer>, Error>,
    ) -> Self {
        let desired = desired.into();
        let connected = |app: &DesiredApp| Connected {
            writer: connect(app),
            created_ids: CreatedIds::default(),
            key: AppKey::new(app.name.clone(), app.url.origin().ascii_serialization()),
            past: tokio::sync::Mutex::default(),
            known: Mutex::default(),
        };
        let apps = desired.apps.values().filter(|app| wanted(app)).map(|app| (app.name.clone(), connected(app)));
        let apps = apps.collect();
        Self {
            desired,
            digest,
            apps,
            memory: None,
            pace: Pace::default(),
            jitter: Jitter::default(),
            clock: Clock::default(),
        }
    }

    /// Remembers in `memory`, where the apps' requests go to `origin` rather than to where the files say.
    #[must_use]
    pub fn remembering(mut self, memory: Memory, origin: Option<&str>) -> Self {
        if let Some(origin) = origin {
            for connected in self.apps.values_mut() {
                connected.key = AppKey::new(connected.key.app.clone(), origin);
            }
        }
        self.clock = memory.clock().clone();
        self.memory = Some(memory);
        self
    }

    /// The same, with another time of day.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Reads at this pace.
    #[must_use]
    pub fn at_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Draws chance from `jitter`.
    #[must_use]
    pub fn with_jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }

    /// Leaves alone what `apart` says: nothing of these apps is read or planned, and nothing is sent to them.
    pub fn leave_alone(&mut self, apart: impl Fn(&str) -> bool) {
        self.apps.retain(|app, _| !apart(app));
    }

    /// What the files ask for.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// The apps, in the order of their names, each with its connection or why there is none.
    pub fn writers(&self) -> impl Iterator<Item = (&DesiredApp, &Result<Arc<dyn Writer>, Error>)> {
        self.apps.iter().filter_map(|(name, connected)| Some((self.desired.apps.get(name)?, &connected.writer)))
    }

    /// Requests that were sent so far, to all apps together, token calls and repetitions included.
    pub fn requests(&self) -> u64 {
        self.writers().filter_map(|(_, writer)| writer.as_ref().ok()).map(|writer| writer.requests()).sum()
    }

    /// Reads every app, all at the same time. With a memory that writes, each is claimed first, and what an earlier run
    /// left under way is settled by what is seen.
    pub async fn observe(&self, watch: &dyn Watch) -> Live {
        let reads = self.apps.iter().filter_map(|(name, connected)| {
            let app = self.desired.apps.get(name)?;
            Some(async move { (name.clone(), self.read(app, connected, watch).await) })
        });
        Live { apps: join_all(reads).await.into_iter().collect() }
    }

    async fn read(&self, app: &DesiredApp, connected: &Connected, watch: &dyn Watch) -> Result<LiveApp, ReadFailure> {
        let failure = |error: &Error| ReadFailure { message: error.to_string() };
        let writer = connected.writer.as_ref().map_err(failure)?;
        let progress = |progress| watch.seen(&app.name, progress);
        match &self.memory {
            None => observe::observe(&**writer, app, &self.desired.aliases, self.clock.now(), &progress)
                .await
                .map_err(|error| failure(&error)),
            Some(memory) => self.read_and_remember(memory, app, connected, &**writer, &progress).await,
        }
    }

    /// Reads an app with all that is known of it, and keeps what was seen.
    async fn read_and_remember(
        &self,
        memory: &Memory,
        app: &DesiredApp,
        connected: &Connected,
        writer: &dyn Writer,
        progress: observe::OnProgress<'_>,
    ) -> Result<LiveApp, ReadFailure> {
        let unkept = |error: StoreError| ReadFailure { message: format!("{}: {error}", app.name) };
        let unread = |error: Error| ReadFailure { message: error.to_string() };
        let (store, key) = (&memory.store, &connected.key);
        let mut past = connected.past.lock().await;
        connected.known().busy = false;
        past.claim(memory, app, connected).await?;
        let open = store.open_intents(key).await.map_err(unkept)?;
        let mut facts = match past.facts.take() {
            Some(facts) => facts,
            None => history::facts(store, key).await.map_err(unkept)?,
        };
        self.doubt(memory, &mut past, &mut facts, &open).await.map_err(unkept)?;
        if past.tenure.is_some() {
            recover::let_it_show(&open, writer, memory.now()).await;
        }

        let before = Before {
            facts: &facts,
            pending: &past.pending,
            rotation: self.rotation(app),
            aliases: &self.desired.aliases,
        };
        let mut seen =
            observe::observe_in_rotation(writer, app, memory.now(), &before, progress).await.map_err(unread)?;
        let (recovered, under_way) = match &past.tenure {
            Some(tenure) => recover::settle(memory, tenure, &connected.created_ids, open, writer, &seen.live)
                .await
                .map_err(unkept)?,
            None => (Vec::new(), recover::peek(&open, writer.semantics(), &seen.live)),
        };
        history::recall_created(store, key, &connected.created_ids, memory.now()).await.map_err(unkept)?;
        let history = AppHistory { under_way, ..history::of_app(store, key, memory.now()).await.map_err(unkept)? };
        let approvals = history::approvals(store).await.map_err(unkept)?;
        let history = History {
            apps: [(app.name.clone(), history)].into(),
            private: memory.is_private(),
            approvals: approvals.clone(),
        };
        let nothing = Live::default();
        let inputs = || Inputs {
            desired: &self.desired,
            desired_digest: &self.digest,
            live: &nothing,
            history: Some(&history),
            now: memory.now(),
        };
        let plan = |live: &LiveApp| plan::plan_one(&inputs(), app, live);
        seen.make_certain(writer, app, memory.now(), &plan).await;

        if let Some(tenure) = &past.tenure {
            let forgotten = history::to_forget(&seen.lapsed);
            store.forget_facts(tenure.lease(), &forgotten).await.map_err(unkept)?;
            store.put_facts(tenure.lease(), &history::to_keep(&seen.learnt)).await.map_err(unkept)?;
            let mut reading = Reading::from(&seen.live);
            if plan::is_doubtful(&inputs(), app, &seen.live) {
                // What it does not show may be there all the same, and is still there for the next reading to be compared with.
                reading.covered = Covered::default();
            }
            store.record_reading(tenure.lease(), seen.live.observed_at, &reading).await.map_err(unkept)?;
        }
        facts.forget(&seen.lapsed);
        facts.learn(seen.learnt);
        past.facts = Some(facts);
        history::believe(store, key, &mut seen.live).await.map_err(unkept)?;
        past.pending = Pending::of(&plan(&seen.live));
        let [history] = <[_; 1]>::try_from(history.apps.into_values().collect::<Vec<_>>()).unwrap_or_default();
        *connected.known() = Known { history, approvals, recovered, busy: false };
        Ok(seen.live)
    }

    /// What is known of accounts that requests under way are about may be wrong by now.
    async fn doubt(
        &self,
        memory: &Memory,
        past: &mut Past,
        facts: &mut Facts,
        open: &[Intent],
    ) -> Result<(), StoreError> {
        let (ids, emails) = history::concerned(open);
        let doubted = FactIds { accounts: ids.clone(), memberships: ids.clone() };
        facts.forget(&doubted);
        if let Some(tenure) = &past.tenure {
            memory.store.forget_facts(tenure.lease(), &history::to_forget(&doubted)).await?;
        }
        past.pending.ids.extend(ids);
        past.pending.emails.extend(emails);
        Ok(())
    }

    fn rotation(&self, app: &DesiredApp) -> Rotation {
        match self.pace {
            Pace::Once => Rotation::afford(&quota(app)),
            Pace::Every(every) => Rotation::share(&quota(app), every),
        }
    }

    /// Approvals that were used, as the last reading of any app found them.
    fn approvals(&self) -> BTreeMap<String, Used> {
        self.apps.values().flat_map(|connected| connected.known().approvals.clone()).collect()
    }

    /// What earlier runs left under way and the last reading looked for, by app.
    pub fn recovered(&self) -> Vec<(Arc<str>, Vec<Recovered>)> {
        let found = self.apps.iter().map(|(name, connected)| (name.clone(), connected.known().recovered.clone()));
        found.filter(|(_, recovered)| !recovered.is_empty()).collect()
    }

    /// Whether the last reading of an app was left alone because somebody else was writing to it.
    pub fn is_busy(&self, app: &str) -> bool {
        self.apps.get(app).is_some_and(|connected| connected.known().busy)
    }

    /// What the last reading found in the memory, if there is one.
    pub fn history(&self) -> Option<History> {
        let known = |(name, connected): (&Arc<str>, &Connected)| (name.clone(), connected.known().history.clone());
        let memory = self.memory.as_ref()?;
        Some(History {
            apps: self.apps.iter().map(known).collect(),
            private: memory.is_private(),
            approvals: self.approvals(),
        })
    }

    /// Plans against `live`, with the forecast of what applying the plan would take.
    pub fn plan(&self, live: &Live, now: Timestamp) -> Plan {
        plan_against(&self.desired, &self.digest, live, self.history().as_ref(), now)
    }

    /// Carries out what is ready, all apps at the same time.
    pub async fn execute(&self, plan: &Plan, stop: &Stop, progress: &dyn Progress) -> Outcome {
        let runs = plan.apps.iter().map(|app| self.execute_app(app, &plan.fingerprint, stop.clone(), progress));
        Outcome { apps: join_all(runs).await }
    }

    async fn execute_app(&self, plan: &AppPlan, fingerprint: &str, stop: Stop, progress: &dyn Progress) -> AppOutcome {
        let failed = |error: String| AppOutcome {
            app: plan.app.clone(),
            error: Some(error),
            actions: Vec::new(),
            requests: 0,
            seconds: 0,
        };
        let connected = (self.desired.apps.get(&plan.app), self.apps.get(&plan.app));
        let (Some(app), Some(connected @ Connected { writer: Ok(writer), created_ids, .. })) = connected else {
            return failed(plan.error.clone().unwrap_or_else(|| "there is no connection to this app".into()));
        };
        if let Some(error) = &plan.error {
            return failed(error.clone());
        }
        let (quota, jitter) = (quota(app), &self.jitter);
        let tools = |journal| Tools { writer: writer.clone(), created_ids, quota: quota.clone(), journal, jitter };
        let Some(memory) = &self.memory else {
            return execute::execute(plan, &tools(&NoJournal), stop, progress).await;
        };
        let mut past = connected.past.lock().await;
        if let Err(error) = forget_touched(memory, &mut past, plan).await {
            return failed(format!("{}: nothing was sent: {error}", plan.app));
        }
        let Some(tenure) = &past.tenure else {
            return failed(format!("{}: nothing was sent, because this run has no claim on the app", plan.app));
        };
        let ledger = Ledger::new(memory, tenure, &self.desired, created_ids, fingerprint);
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
        let ended = memory.end_run(run_end(outcome, interrupted, memory.now())).await;
        for connected in self.apps.values() {
            let mut past = connected.past.lock().await;
            if let Some(tenure) = past.tenure.take() {
                // Whoever has the app next may come to know better.
                past.facts = None;
                tenure.end(&memory.store).await;
            }
        }
        ended
    }

    /// Stays until invitations that actions of `plan` wait for have been accepted, at most until `deadline`. Returns
    /// whether any was, so that another round is worth its requests.
    pub async fn wait_for_invitations(&self, plan: &Plan, deadline: Instant, stop: &Stop) -> bool {
        let mut open = open_invitations(plan);
        let mut first_accepted: Option<Instant> = None;
        let mut pause = FIRST_POLL;
        while !open.is_empty() && !stop.asked() {
            let now = Instant::now();
            let gathered = first_accepted.is_some_and(|at| now >= at + GATHER);
            if now >= deadline || gathered {
                break;
            }
            let mut stop = stop.clone();
            tokio::select! {
                biased;
                () = stop.reached(1) => break,
                () = tokio::time::sleep_until((now + pause).min(deadline)) => {}
            }
            pause = (pause * 2).min(LONGEST_POLL);
            let before = open.len();
            // A look may have to wait for the budget; neither time nor patience runs out unnoticed meanwhile.
            tokio::select! {
                biased;
                () = self.drop_accepted(&mut open) => {}
                () = tokio::time::sleep_until(deadline) => break,
                () = stop.reached(1) => break,
            }
            if open.len() < before {
                first_accepted.get_or_insert_with(Instant::now);
                // Others are about to accept as well, or nobody will for a while: look again soon, but not for long.
                pause = FIRST_POLL;
            }
        }
        first_accepted.is_some()
    }

    async fn drop_accepted(&self, open: &mut Vec<(Arc<str>, Arc<str>)>) {
        let looks = open.iter().map(async |(app, id)| {
            let Some(Connected { writer: Ok(writer), .. }) = self.apps.get(app) else { return false };
            match writer.account(id, Lane::Read).await {
                Ok(account) => account.is_some_and(|account| account.status == AccountStatus::Pending),
                Err(error) => {
                    // The next round reads everything, and reports what stays wrong.
                    debug!(%error, "an open invitation could not be looked at");
                    true
                }
            }
        });
        let still = join_all(looks).await;
        let mut still = still.into_iter();
        open.retain(|_| still.next().unwrap_or(false));
    }
}

/// Plans against `live`, wherever it comes from, with the forecast of what applying the plan would take.
pub fn plan_against(desired: &Desired, digest: &str, live: &Live, history: Option<&History>, now: Timestamp) -> Plan {
    let mut plan = plan::plan(&Inputs { desired, desired_digest: digest, live, history, now });
    for app in &mut plan.apps {
        if let Some(desired) = desired.apps.get(&app.app) {
            app.forecast = forecast(app, &desired.semantics, &quota(desired));
        }
    }
    plan
}

/// What a store knows of the apps of a snapshot, whose requests went to `origin`; members that only the store knows of are
/// put into it.
///
/// # Errors
/// When the store fails.
pub async fn past_of(
    memory: &Memory,
    desired: &Desired,
    live: &mut Live,
    origin: impl Fn(&DesiredApp) -> String,
) -> Result<History, StoreError> {
    let mut apps = BTreeMap::new();
    for (name, seen) in &mut live.apps {
        let (Some(app), Ok(seen)) = (desired.apps.get(name), seen) else { continue };
        let key = AppKey::new(name.clone(), origin(app));
        let under_way = recover::peek(&memory.store.open_intents(&key).await?, &app.semantics, seen);
        let history = history::of_app(&memory.store, &key, memory.now()).await?;
        history::believe(&memory.store, &key, seen).await?;
        apps.insert(name.clone(), AppHistory { under_way, ..history });
    }
    let approvals = history::approvals(&memory.store).await?;
    Ok(History { apps, private: memory.is_private(), approvals })
}

/// What an app may be sent: the connector's limits with what the files say instead.
fn quota(app: &DesiredApp) -> Quota {
    connectors::quota(&app.budget, &app.semantics.limits)
}

/// What is about to change is not remembered any longer, whatever becomes of the change and of this process.
async fn forget_touched(memory: &Memory, past: &mut Past, plan: &AppPlan) -> Result<(), StoreError> {
    let Past { tenure: Some(tenure), facts, .. } = past else { return Ok(()) };
    let touched = observe::touched(plan, facts.get_or_insert_default());
    memory.store.forget_facts(tenure.lease(), &history::to_forget(&touched)).await?;
    facts.get_or_insert_default().forget(&touched);
    Ok(())
}

fn run_end(outcome: &Outcome, interrupted: bool, at: Timestamp) -> RunEnd {
    let mut counts = BTreeMap::new();
    for (_, result) in outcome.apps.iter().flat_map(|app| &app.actions) {
        *counts.entry(result.as_str().to_owned()).or_insert(0) += 1;
    }
    let errors: Vec<&str> = outcome.apps.iter().filter_map(|app| app.error.as_deref()).collect();
    let how = match (interrupted, outcome.is_clean()) {
        (true, _) => "interrupted",
        (false, true) => "done",
        (false, false) => "failed",
    };
    RunEnd { at, how: how.into(), message: (!errors.is_empty()).then(|| errors.join("; ")), counts }
}

/// Accounts that have been invited, and that some action waits for.
fn open_invitations(plan: &Plan) -> Vec<(Arc<str>, Arc<str>)> {
    let mut open: Vec<(Arc<str>, Arc<str>)> = plan
        .apps
        .iter()
        .flat_map(|app| app.actions.iter().map(move |action| (&app.app, action)))
        .filter(|(_, action)| action.status == Status::Waiting)
        .filter_map(|(app, action)| Some((app, action.step.account()?)))
        .filter(|(_, account)| account.status == AccountStatus::Pending)
        .map(|(app, account)| (app.clone(), account.id.clone()))
        .collect();
    open.sort();
    open.dedup();
    open
}
