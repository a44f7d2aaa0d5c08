//! Planning with what was read: with the past, and with the forecast of what applying the plan would take.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    connect::{Reconciler, quota},
    granted, history,
    memory::Memory,
    readings::Readings,
    recover,
};
use crate::{
    execute::forecast,
    model::{Desired, DesiredApp, Live, OtherFiles, Plan},
    plan::{self, AppHistory, AppInputs, AppPast, History, Inputs},
    store::{AppKey, StoreError},
};

impl Reconciler {
    /// Plans with what was read.
    pub fn plan(&self, readings: &Readings, now: Timestamp) -> Plan {
        self.plan_beside(readings, None, now)
    }

    /// Plans with what was read, while another daemon's files may be in force.
    pub(super) fn plan_beside(&self, readings: &Readings, others: Option<&OtherFiles>, now: Timestamp) -> Plan {
        let (desired, live, history) = (&*self.desired, &readings.live, readings.history.as_ref());
        forecasted(&Inputs { desired, desired_digest: &self.digest, live, history, base: None, others, now })
    }
}

/// Plans against `live`, wherever it comes from, with the forecast of what applying the plan would take. `base` is the version
/// of the files whose claims of accounts are taken as accepted, where a change of it is planned.
pub fn plan_against(
    desired: &Desired,
    digest: &str,
    live: &Live,
    history: Option<&History>,
    base: Option<&Desired>,
    now: Timestamp,
) -> Plan {
    forecasted(&Inputs { desired, desired_digest: digest, live, history, base, others: None, now })
}

fn forecasted(inputs: &Inputs<'_>) -> Plan {
    let mut plan = plan::plan(inputs);
    for app in &mut plan.apps {
        if let Some(desired) = inputs.desired.apps.get(&app.app) {
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
    let (private, oversight) = (memory.is_private(), memory.oversight());
    let approvals = history::approvals(&memory.store).await?;
    let mut apps = BTreeMap::new();
    for (name, seen) in &mut live.apps {
        let (Some(app), Ok(seen)) = (desired.apps.get(name), seen) else { continue };
        let key = AppKey::new(name.clone(), origin(app));
        let under_way = recover::peek(&memory.store.open_intents(&key).await?, &app.semantics, seen);
        let history = history::of_app(&memory.store, &key, memory.now()).await?;
        history::believe(&memory.store, &key, seen).await?;
        let mut history = AppHistory { under_way, ..history };
        history.lost_today.extend(history::went_off(&memory.store, &key, (desired, app), seen, memory.now()).await?);
        let past = Some(AppPast { history: Some(&history), private, oversight, approvals: &approvals });
        let planned =
            plan::plan_one(&AppInputs { desired, app, live: seen, past, base: None, others: None, now: memory.now() });
        let zone = &desired.settings.time_zone;
        history.granted_before = granted::before(&memory.store, &key, &planned, zone).await?;
        apps.insert(name.clone(), history);
    }
    Ok(History { apps, private, oversight, approvals })
}
