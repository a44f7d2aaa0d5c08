//! A plan that was saved to be applied later: what of a fresh plan is still exactly what was looked at.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Action, ActionName, Plan, Status};

/// What a saved plan remembers of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    app: Arc<str>,
    verb: String,
    account: Option<Arc<str>>,
    group: Option<Arc<str>>,
    /// What stood in its way.
    status: Status,
    /// A hash of what it does, and to which account and group.
    does: String,
}

impl Step {
    /// The action's name.
    ///
    /// # Errors
    /// When the verb is none.
    pub fn name(&self) -> Result<ActionName, String> {
        let verb = self.verb.parse()?;
        Ok(ActionName { app: self.app.clone(), verb, account: self.account.clone(), group: self.group.clone() })
    }
}

/// An action that is not carried out, because it is not what was saved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stale {
    /// Its name.
    pub name: ActionName,
    /// Why it is not carried out.
    pub why: String,
    /// It was to be done by the saved plan and still has to be.
    pub missed: bool,
}

/// What is to be remembered of a plan.
pub fn steps(plan: &Plan) -> Vec<Step> {
    let step = |action: &Action| Step {
        app: action.name.app.clone(),
        verb: action.name.verb.to_string(),
        account: action.name.account.clone(),
        group: action.name.group.clone(),
        status: action.status,
        does: does(action),
    };
    plan.apps.iter().flat_map(|app| &app.actions).map(step).collect()
}

/// Takes out of a fresh plan whatever is to be done and is not exactly what `saved` was going to do; says what and why,
/// sorted.
///
/// # Errors
/// When what was saved does not name actions.
pub fn narrow(plan: &mut Plan, saved: &[Step]) -> Result<Vec<Stale>, String> {
    let mut remembered: BTreeMap<ActionName, &Step> = BTreeMap::new();
    for step in saved {
        remembered.insert(step.name()?, step);
    }
    let mut stale = Vec::new();
    for app in &mut plan.apps {
        let mut dropped: BTreeMap<ActionName, Stale> = BTreeMap::new();
        for action in &app.actions {
            let was = remembered.remove(&action.name);
            if let Some((why, missed)) = objection(action, was) {
                dropped.insert(action.name.clone(), Stale { name: action.name.clone(), why, missed });
            }
        }
        // What follows something that is not done is not done either, however long the chain.
        while let Some(next) = follower(&app.actions, &dropped) {
            dropped.insert(next.name.clone(), next);
        }
        app.actions.retain(|action| action.status != Status::Ready || !dropped.contains_key(&action.name));
        stale.extend(dropped.into_values());
    }
    // What is left of the saved plan has no action any more: it was done by others, or its app could not be read.
    for (name, _) in remembered.into_iter().filter(|(_, step)| step.status == Status::Ready) {
        let error = plan.apps.iter().find(|app| app.app == name.app).and_then(|app| app.error.as_ref());
        let why = error.map_or("it is not needed any more".to_owned(), |_| "the app could not be read".to_owned());
        stale.push(Stale { name, why, missed: error.is_some() });
    }
    stale.sort();
    Ok(stale)
}

fn follower(actions: &[Action], dropped: &BTreeMap<ActionName, Stale>) -> Option<Stale> {
    let open = actions.iter().filter(|action| action.status == Status::Ready && !dropped.contains_key(&action.name));
    open.filter_map(|action| {
        let first = action.after.iter().find(|edge| dropped.contains_key(&edge.action))?;
        let why = format!("it follows {}, which is not done", first.action);
        Some(Stale { name: action.name.clone(), why, missed: true })
    })
    .next()
}

/// Why an action of the fresh plan is not what was saved, and whether the saved plan was going to do it.
fn objection(action: &Action, saved: Option<&Step>) -> Option<(String, bool)> {
    let ready = action.status == Status::Ready;
    match saved {
        None if ready => Some(("it is not in the saved plan".into(), false)),
        Some(step) if ready && step.status != Status::Ready => {
            Some((format!("it was {} when the plan was saved", step.status.as_str()), false))
        }
        Some(step) if ready && step.does != does(action) => {
            Some(("what it does, or to whom, is not what the plan was saved with".into(), true))
        }
        Some(step) if !ready && step.status == Status::Ready => {
            let reason = action.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            Some((format!("it is {} now{reason}", action.status.as_str()), true))
        }
        _ => None,
    }
}

fn does(action: &Action) -> String {
    let target = &action.target;
    let changes: Vec<_> = action.changes.iter().map(|change| (&change.field, &change.from, &change.to)).collect();
    let parts = (
        action.name.to_string(),
        changes,
        (action.irreversible, action.reduces_access),
        (target.email.as_ref().map(|email| email.as_str()), &target.account_id, &target.group_id),
        (&target.values, &target.joins_with, &target.expect),
    );
    // Plain data with text keys always serialises.
    let text = serde_json::to_vec(&parts).unwrap_or_default();
    Sha256::digest(&text).iter().fold("sha256:".to_owned(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
