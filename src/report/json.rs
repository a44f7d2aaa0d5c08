//! The plan as JSON: what other programs build on. Every key is spelled out here, so that a field added to the model does not
//! leak into the contract; `plan.schema.json` describes the same and a test holds the two together.

use serde::Serialize;
use serde_json::{Value, json};

use super::wording::{self, sorted};
use crate::model::{Action, ActionName, AppPlan, Due, Finding, Place, Plan};

/// The JSON Schema (2020-12) of [`plan`]'s output.
pub const PLAN_SCHEMA: &str = include_str!("plan.schema.json");

/// The version of the format; it changes when a key changes its meaning or goes.
const VERSION: u32 = 1;

/// The plan as pretty-printed JSON with a newline at its end. The same plan gives the same bytes.
pub fn plan(plan: &Plan) -> String {
    let snapshot = plan
        .snapshot
        .map(|snapshot| json!({ "taken_at": snapshot.taken_at, "age_s": snapshot.age_s, "old": snapshot.is_old() }));
    print(&json!({
        "version": VERSION,
        "fingerprint": plan.fingerprint,
        "created_at": plan.created_at,
        "guards_unchecked": sorted(&plan.guards_unchecked),
        "summary": plan.summary(),
        "apps": wording::apps(plan).into_iter().map(app).collect::<Value>(),
        "against": plan.against,
        "snapshot": snapshot,
        "findings": findings(&plan.findings),
    }))
}

/// Any value as the text that leaves the program.
pub(super) fn print<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("what is printed has text keys alone and cannot fail");
    text.push('\n');
    text
}

/// `file:line` of every place, sorted as files and numbers are, each once.
pub(super) fn places(places: &[Place]) -> Vec<String> {
    let mut lines: Vec<(&str, u32)> = places.iter().map(|place| (&*place.file, place.line)).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.into_iter().map(|(file, line)| format!("{file}:{line}")).collect()
}

/// The lines that ask for an action, and those that are gone and asked for the opposite.
fn action_places(action: &Action) -> Vec<String> {
    let gone = places(&action.gone).into_iter().map(|place| format!("{place} (removed)"));
    places(&action.because).into_iter().chain(gone).collect()
}

fn app(app: &AppPlan) -> Value {
    json!({
        "app": app.app,
        "connector": app.connector,
        "error": app.error,
        "complete": app.complete,
        "observed": app.observed,
        "forecast": app.forecast,
        "actions": wording::actions(app).into_iter().map(action).collect::<Value>(),
        "findings": findings(&app.findings),
        "due": sorted(&app.due).into_iter().map(due).collect::<Value>(),
    })
}

fn findings(findings: &[Finding]) -> Value {
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| {
        (finding.code, &finding.account, &finding.group, finding.severity, &finding.message, &finding.because)
    });
    let wire = |finding: &Finding| {
        json!({
            "code": finding.code,
            "severity": finding.severity,
            "message": finding.message,
            "account": finding.account,
            "group": finding.group,
        })
    };
    findings.into_iter().map(wire).collect()
}

fn due(due: &Due) -> Value {
    json!({
        "at": due.at.timestamp(),
        "what": due.what,
        "account": due.account,
        "group": due.group,
        "because": places(&due.because),
    })
}

fn action(action: &Action) -> Value {
    let mut after: Vec<&ActionName> = action.after.iter().map(|edge| &edge.action).collect();
    after.sort();
    // Two rules may ask for the same order.
    after.dedup();
    json!({
        "name": action.name,
        "verb": action.name.verb.as_str(),
        "account": action.name.account,
        "group": action.name.group,
        "status": action.status,
        "reason": action.reason,
        "held": action.held,
        "after": after,
        "irreversible": action.irreversible,
        "reduces_access": action.reduces_access,
        "cause": action.cause,
        "changes": sorted(&action.changes),
        "because": action_places(action),
    })
}
