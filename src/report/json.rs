//! The plan as JSON: what other programs build on. Every key is spelled out here, so that a field added to the model does not
//! leak into the contract; `plan.schema.json` describes the same and a test holds the two together.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    rows,
    wording::{self, sorted},
};
use crate::model::{
    Action, ActionName, Against, AppPlan, ClaimChange, Due, Finding, Place, Plan, RuleChange, Status, Summary,
};

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
        "against": plan.against.as_ref().map(|against| self::against(plan, against)),
        "snapshot": snapshot,
        "findings": findings(&plan.findings),
    }))
}

/// What the change does: its actions counted, the rules that it alters, and what it grants or takes back.
fn against(plan: &Plan, against: &Against) -> Value {
    let Summary { ready, waiting, held, manual, .. } = Summary::of(plan.by_change());
    json!({
        "reference": against.reference,
        "commit": against.commit,
        "no_longer": against.no_longer,
        "summary": { "ready": ready, "waiting": waiting, "held": held, "manual": manual },
        "rules": sorted(&against.rules).into_iter().map(rule).collect::<Value>(),
        "claims": sorted(&against.claims).into_iter().map(claim).collect::<Value>(),
    })
}

fn rule(rule: &RuleChange) -> Value {
    json!({
        "rule": rule.rule,
        "app": rule.app,
        "group": rule.group,
        "leaning": rule.leaning,
        "from": rule.from,
        "to": rule.to,
        "gives": rule.gives,
        "because": with_gone(&rule.because, &rule.gone),
    })
}

fn claim(claim: &ClaimChange) -> Value {
    json!({
        "turn": claim.turn,
        "app": claim.app,
        "account": claim.account,
        "group": claim.group,
        "from": claim.from.as_ref().map(jiff::Zoned::timestamp),
        "until": claim.until.as_ref().map(jiff::Zoned::timestamp),
        "values": claim.values,
        "administrates": claim.administrates,
        "because": places(&claim.because),
    })
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

/// The lines that ask for something, and those that are gone and asked for the opposite.
fn with_gone(because: &[Place], gone: &[Place]) -> Vec<String> {
    let gone = places(gone).into_iter().map(|place| format!("{place} (removed)"));
    places(because).into_iter().chain(gone).collect()
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

/// Why it takes something away; of everything else, what stands in its way.
pub fn reason(action: &Action) -> Option<String> {
    action.reason.as_ref().map(ToString::to_string).or_else(|| action.obstacle().map(str::to_owned))
}

/// Why it has this status, where it has it.
pub fn because_of(action: &Action, status: Status) -> Option<Value> {
    (action.status == status).then(|| json!({ "reason": action.note }))
}

pub(super) fn action(action: &Action) -> Value {
    let mut after: Vec<&ActionName> = action.after.iter().map(|edge| &edge.action).collect();
    after.sort();
    // Two rules may ask for the same order.
    after.dedup();
    let mut wire = json!({
        "name": action.name,
        "verb": action.name.verb.as_str(),
        "account": action.name.account,
        "group": action.name.group,
        "status": action.status,
        "reason": reason(action),
        "held": action.held,
        "waiting": because_of(action, Status::Waiting),
        "manual": because_of(action, Status::Manual),
        "after": after,
        "irreversible": action.irreversible,
        "reduces_access": action.reduces_access,
        "gains_admin": action.gains_admin,
        "cause": action.cause,
        "changes": sorted(&action.changes),
        "because": with_gone(&action.because, &action.gone),
    });
    if let Some(account) = action.live_as() {
        let (email, id) = rows::live(account);
        wire["live"] = json!({ "email": email, "id": id });
    }
    wire
}
