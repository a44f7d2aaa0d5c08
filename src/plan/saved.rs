//! A plan that was saved to be applied later: what of a fresh plan is still exactly what was looked at.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Action, ActionName, AppPlan, Email, FindingCode, Plan, Status, Verb};

/// What a saved plan remembers of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedStep {
    app: Arc<str>,
    verb: Verb,
    account: Option<Arc<str>>,
    group: Option<Arc<str>>,
    /// What stood in its way.
    status: Status,
    /// A hash of what it does, and to which account and group.
    does: String,
}

impl SavedStep {
    fn name(&self) -> ActionName {
        let Self { app, verb, account, group, .. } = self.clone();
        ActionName { app, verb, account, group }
    }
}

/// An action that is not carried out, because it is not what was saved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stale {
    /// Its name.
    pub name: ActionName,
    /// Why it is not carried out.
    pub why: String,
    /// What that leaves undone.
    pub leaves: Leaves,
}

/// What is left undone when an action is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaves {
    /// Nothing: nobody needs it any more.
    Nothing,
    /// Something that the saved plan was not going to do.
    News,
    /// Something that the saved plan was going to do and that, as far as anybody can tell, still has to be done.
    Missed,
}

/// Codes of findings that say that something was not read, so that what is not in a plan may be needed all the same.
const UNREAD: [FindingCode; 2] = [FindingCode::IncompleteRead, FindingCode::NotReadYet];

/// What is to be remembered of a plan.
pub fn steps(plan: &Plan) -> Vec<SavedStep> {
    let step = |action: &Action| SavedStep {
        app: action.name.app.clone(),
        verb: action.name.verb,
        account: action.name.account.clone(),
        group: action.name.group.clone(),
        status: action.status,
        does: does(action),
    };
    plan.apps.iter().flat_map(|app| &app.actions).map(step).collect()
}

/// Takes out of a fresh plan whatever is to be done and is not exactly what `saved` was going to do; says what and why,
/// sorted. `apart` are apps that are left alone as a whole, each with the reason.
pub fn narrow(plan: &mut Plan, saved: &[SavedStep], apart: &BTreeMap<Arc<str>, String>) -> Vec<Stale> {
    plan.apps.retain(|app| !apart.contains_key(&app.app));
    let mut remembered: BTreeMap<ActionName, &SavedStep> = saved.iter().map(|step| (step.name(), step)).collect();
    let mut stale = Vec::new();
    for app in &mut plan.apps {
        let mut dropped: BTreeMap<ActionName, Stale> = BTreeMap::new();
        for action in &app.actions {
            let was = remembered.remove(&action.name);
            if let Some((why, leaves)) = objection(action, was) {
                dropped.insert(action.name.clone(), Stale { name: action.name.clone(), why, leaves });
            }
        }
        // What follows something that is not done is not done either, however long the chain.
        while let Some(next) = follower(&app.actions, &dropped) {
            dropped.insert(next.name.clone(), next);
        }
        app.actions.retain(|action| action.status != Status::Ready || !dropped.contains_key(&action.name));
        stale.extend(dropped.into_values());
    }
    // What is left of the saved plan has no action any more.
    for (name, _) in remembered.into_iter().filter(|(_, step)| step.status == Status::Ready) {
        let (why, leaves) = match apart.get(&name.app) {
            Some(why) => (why.clone(), Leaves::Missed),
            None => absence(plan.apps.iter().find(|app| app.app == name.app)),
        };
        stale.push(Stale { name, why, leaves });
    }
    stale.sort();
    stale
}

/// Why the fresh plan does not have an action that was saved.
fn absence(app: Option<&AppPlan>) -> (String, Leaves) {
    let Some(app) = app.filter(|app| app.error.is_none()) else {
        return ("the app could not be read".to_owned(), Leaves::Missed);
    };
    if app.findings.iter().any(|finding| UNREAD.contains(&finding.code)) {
        let why = "it is not in the fresh plan, and not all of the app was read, so that it may be needed still";
        return (why.to_owned(), Leaves::Missed);
    }
    ("it is not needed any more".to_owned(), Leaves::Nothing)
}

fn follower(actions: &[Action], dropped: &BTreeMap<ActionName, Stale>) -> Option<Stale> {
    let mut open =
        actions.iter().filter(|action| action.status == Status::Ready && !dropped.contains_key(&action.name));
    open.find_map(|action| {
        let first = action.after.iter().find(|edge| dropped.contains_key(&edge.action))?;
        let why = format!("it follows {}, which is not done", first.action);
        Some(Stale { name: action.name.clone(), why, leaves: Leaves::Missed })
    })
}

/// Why an action of the fresh plan is not what was saved.
fn objection(action: &Action, saved: Option<&SavedStep>) -> Option<(String, Leaves)> {
    let ready = action.status == Status::Ready;
    match saved {
        None if ready => Some(("it is not in the saved plan".into(), Leaves::News)),
        Some(step) if ready && step.status != Status::Ready => {
            Some((format!("it was {} when the plan was saved", step.status.as_str()), Leaves::News))
        }
        Some(step) if ready && step.does != does(action) => {
            Some(("what it does, or to whom, is not what the plan was saved with".into(), Leaves::Missed))
        }
        Some(step) if !ready && step.status == Status::Ready => {
            let reason = action.obstacle().map(|reason| format!(": {reason}")).unwrap_or_default();
            Some((format!("it is {} now{reason}", action.status.as_str()), Leaves::Missed))
        }
        _ => None,
    }
}

/// A hash of all that the executor sends or checks for an action. What released its guards, and what it follows, is not part
/// of it: neither changes what it does, and the fresh plan has judged both anew.
pub(super) fn does(action: &Action) -> String {
    let step = &action.step;
    let changes: Vec<_> = action.changes.iter().map(|change| (&change.field, &change.from, &change.to)).collect();
    let parts = (
        action.name.to_string(),
        changes,
        (action.irreversible, action.reduces_access),
        (step.email().map(Email::as_str), step.account_id(), step.group_id()),
        (step.values(), step.joining(), step.account().map(|account| &account.status)),
        step.address().map(Email::as_str),
    );
    hash(&parts)
}

/// A hash of plain data, which has text keys alone.
pub fn hash(parts: &impl Serialize) -> String {
    // Such data always serialises.
    format!("sha256:{}", hex::encode(Sha256::digest(serde_json::to_vec(parts).unwrap_or_default())))
}
