//! One reconciliation: what is live is read, the plan is made, and what is ready is carried out. Commands and the daemon
//! differ only in when they do which.

mod only;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::debug;

use crate::{
    budget::{Lane, Quota},
    connectors::{self, Clock, Error, Writer},
    execute::{self, Jitter, Made, NoJournal, Progress, Stop, Tools, forecast},
    model::{
        AccountStatus, AppOutcome, AppPlan, Desired, DesiredApp, Live, LiveApp, Outcome, Plan, ReadFailure, Status,
    },
    observe::{self, ObserveProgress},
    plan::{self, Inputs},
};

pub use only::{KnownIds, narrow};

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
    desired: Desired,
    digest: String,
    apps: BTreeMap<Arc<str>, Result<Arc<dyn Writer>, Error>>,
    /// What earlier rounds made.
    made: BTreeMap<Arc<str>, Made>,
    clock: Clock,
}

impl Reconciler {
    /// Connects to every app that `wanted` accepts. An app that cannot be connected to fails by itself, when it is read.
    pub fn new(
        desired: Desired,
        digest: String,
        wanted: impl Fn(&DesiredApp) -> bool,
        connect: impl Fn(&DesiredApp) -> Result<Arc<dyn Writer>, Error>,
    ) -> Self {
        let apps: BTreeMap<_, _> =
            desired.apps.values().filter(|app| wanted(app)).map(|app| (app.name.clone(), connect(app))).collect();
        let made = apps.keys().map(|name| (name.clone(), Made::default())).collect();
        Self { desired, digest, apps, made, clock: Clock::default() }
    }

    /// The same, with another time of day.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// What the files ask for.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// The apps, in the order of their names, each with its connection or why there is none.
    pub fn writers(&self) -> impl Iterator<Item = (&DesiredApp, &Result<Arc<dyn Writer>, Error>)> {
        self.apps.iter().filter_map(|(name, writer)| Some((self.desired.apps.get(name)?, writer)))
    }

    /// Reads every app, all at the same time.
    pub async fn observe(&self, watch: &dyn Watch) -> Live {
        let reads = self.apps.iter().filter_map(|(name, writer)| {
            let app = self.desired.apps.get(name)?;
            Some(async move { (name.clone(), read(app, writer, self.clock.now(), watch).await) })
        });
        Live { apps: join_all(reads).await.into_iter().collect() }
    }

    /// Plans against `live`, with the forecast of what applying the plan would take.
    pub fn plan(&self, live: &Live, now: Timestamp) -> Plan {
        plan_against(&self.desired, &self.digest, live, now)
    }

    /// Carries out what is ready, all apps at the same time.
    pub async fn execute(&self, plan: &Plan, stop: &Stop, progress: &dyn Progress) -> Outcome {
        let runs = plan.apps.iter().map(|app| self.execute_app(app, stop.clone(), progress));
        Outcome { apps: join_all(runs).await }
    }

    async fn execute_app(&self, plan: &AppPlan, stop: Stop, progress: &dyn Progress) -> AppOutcome {
        let connected = (self.desired.apps.get(&plan.app), self.apps.get(&plan.app), self.made.get(&plan.app));
        match (&plan.error, connected) {
            (None, (Some(app), Some(Ok(writer)), Some(made))) => {
                let jitter = Jitter::default();
                let quota = quota(app);
                let tools = Tools { writer: writer.clone(), made, quota, journal: &NoJournal, jitter: &jitter };
                execute::execute(plan, &tools, stop, progress).await
            }
            (error, ..) => AppOutcome {
                app: plan.app.clone(),
                error: error.clone().or_else(|| Some("there is no connection to this app".into())),
                actions: Vec::new(),
                requests: 0,
                seconds: 0,
            },
        }
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
            let Some(Ok(writer)) = self.apps.get(app) else { return false };
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
pub fn plan_against(desired: &Desired, digest: &str, live: &Live, now: Timestamp) -> Plan {
    let mut plan = plan::plan(&Inputs { desired, desired_digest: digest, live, history: None, now });
    for app in &mut plan.apps {
        if let Some(desired) = desired.apps.get(&app.app) {
            app.forecast = forecast(app, &desired.semantics, &quota(desired));
        }
    }
    plan
}

/// What an app may be sent: the connector's limits with what the files say instead.
fn quota(app: &DesiredApp) -> Quota {
    connectors::quota(&app.budget, &app.semantics.limits)
}

async fn read(
    app: &DesiredApp,
    writer: &Result<Arc<dyn Writer>, Error>,
    now: Timestamp,
    watch: &dyn Watch,
) -> Result<LiveApp, ReadFailure> {
    let failure = |error: &Error| ReadFailure { message: error.to_string() };
    let writer = writer.as_ref().map_err(failure)?;
    let progress = |progress| watch.seen(&app.name, progress);
    observe::observe(&**writer, app, now, &progress).await.map_err(|error| failure(&error))
}

/// Accounts that have been invited, and that some action waits for.
fn open_invitations(plan: &Plan) -> Vec<(Arc<str>, Arc<str>)> {
    let mut open: Vec<(Arc<str>, Arc<str>)> = plan
        .apps
        .iter()
        .flat_map(|app| app.actions.iter().map(move |action| (&app.app, action)))
        .filter(|(_, action)| action.status == Status::Waiting && action.target.expect == Some(AccountStatus::Pending))
        .filter_map(|(app, action)| Some((app.clone(), action.target.account_id.clone()?)))
        .collect();
    open.sort();
    open.dedup();
    open
}
