//! The plan as JSON: what other programs build on. The wire types spell out every key, so that a field added to the model
//! does not leak into the contract; `plan.schema.json` describes the same and a test holds the two together.

use serde::{Serialize, Serializer};

use crate::model::{
    Action, ActionName, Against, AppPlan, Cause, Change, Due, DueWhat, FieldValue, Finding, Forecast, Guard, Held,
    Observed, Place, Plan, Severity, Status, Summary,
};

/// The JSON Schema (2020-12) of [`plan`]'s output.
pub const PLAN_SCHEMA: &str = include_str!("plan.schema.json");

/// The version of the format; it changes when a key changes its meaning or goes.
const VERSION: u32 = 1;

/// The plan as pretty-printed JSON with a newline at its end. The same plan gives the same bytes.
pub fn plan(plan: &Plan) -> String {
    let mut apps: Vec<&AppPlan> = plan.apps.iter().collect();
    apps.sort_by(|a, b| a.app.cmp(&b.app));
    print(&PlanWire {
        version: VERSION,
        fingerprint: &plan.fingerprint,
        created_at: plan.created_at.to_string(),
        guards_unchecked: sorted(&plan.guards_unchecked),
        summary: plan.summary(),
        apps: apps.into_iter().map(app).collect(),
        against: plan.against.as_ref().map(against),
        snapshot: plan.snapshot.map(|snapshot| SnapshotWire {
            taken_at: snapshot.taken_at.to_string(),
            age_s: snapshot.age_s,
            old: snapshot.is_old(),
        }),
        findings: sorted_findings(&plan.findings),
    })
}

/// Any wire type as the text that leaves the program.
pub(super) fn print<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("wire types have text keys alone and cannot fail");
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

fn sorted<T: Ord>(items: &[T]) -> Vec<&T> {
    let mut items: Vec<&T> = items.iter().collect();
    items.sort();
    items
}

#[derive(Serialize)]
struct PlanWire<'a> {
    version: u32,
    fingerprint: &'a str,
    created_at: String,
    guards_unchecked: Vec<&'a Guard>,
    summary: Summary,
    apps: Vec<AppWire<'a>>,
    against: Option<AgainstWire<'a>>,
    snapshot: Option<SnapshotWire>,
    findings: Vec<FindingWire<'a>>,
}

#[derive(Serialize)]
struct AgainstWire<'a> {
    reference: &'a str,
    commit: &'a str,
    no_longer: Vec<&'a ActionName>,
}

#[derive(Serialize)]
struct SnapshotWire {
    taken_at: String,
    age_s: u64,
    old: bool,
}

#[derive(Serialize)]
struct DueWire<'a> {
    at: String,
    what: DueWhat,
    account: &'a str,
    group: Option<&'a str>,
    because: Vec<String>,
}

#[derive(Serialize)]
struct AppWire<'a> {
    app: &'a str,
    connector: &'a str,
    error: Option<&'a str>,
    complete: bool,
    observed: Observed,
    forecast: Forecast,
    actions: Vec<ActionWire<'a>>,
    findings: Vec<FindingWire<'a>>,
    due: Vec<DueWire<'a>>,
}

#[derive(Serialize)]
struct ActionWire<'a> {
    name: &'a ActionName,
    #[serde(serialize_with = "display")]
    verb: crate::model::Verb,
    account: Option<&'a str>,
    group: Option<&'a str>,
    status: Status,
    reason: Option<&'a str>,
    held: Option<HeldWire<'a>>,
    after: Vec<&'a ActionName>,
    irreversible: bool,
    reduces_access: bool,
    cause: Option<Cause>,
    changes: Vec<ChangeWire<'a>>,
    because: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct HeldWire<'a> {
    guard: Guard,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<&'a Guard>,
}

#[derive(Serialize)]
struct ChangeWire<'a> {
    field: &'a str,
    from: Option<&'a FieldValue>,
    to: Option<&'a FieldValue>,
}

#[derive(Serialize)]
struct FindingWire<'a> {
    code: &'a str,
    severity: Severity,
    message: &'a str,
    account: Option<&'a str>,
    group: Option<&'a str>,
}

fn display<T: std::fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn app(app: &AppPlan) -> AppWire<'_> {
    let mut actions: Vec<&Action> = app.actions.iter().collect();
    actions.sort_by(|a, b| a.name.cmp(&b.name));
    AppWire {
        app: &app.app,
        connector: &app.connector,
        error: app.error.as_deref(),
        complete: app.complete,
        observed: app.observed,
        forecast: app.forecast,
        actions: actions.into_iter().map(action).collect(),
        findings: sorted_findings(&app.findings),
        due: sorted(&app.due).into_iter().map(due).collect(),
    }
}

fn sorted_findings(findings: &[Finding]) -> Vec<FindingWire<'_>> {
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| {
        (finding.code, &finding.account, &finding.group, finding.severity, &finding.message, &finding.because)
    });
    findings.into_iter().map(finding).collect()
}

fn against(against: &Against) -> AgainstWire<'_> {
    AgainstWire {
        reference: &against.reference,
        commit: &against.commit,
        no_longer: against.no_longer.iter().collect(),
    }
}

fn due(due: &Due) -> DueWire<'_> {
    DueWire {
        at: due.at.timestamp().to_string(),
        what: due.what,
        account: &due.account,
        group: due.group.as_deref(),
        because: places(&due.because),
    }
}

fn action(action: &Action) -> ActionWire<'_> {
    let mut after: Vec<&ActionName> = action.after.iter().map(|edge| &edge.action).collect();
    after.sort();
    // Two rules may ask for the same order.
    after.dedup();
    ActionWire {
        name: &action.name,
        verb: action.name.verb,
        account: action.name.account.as_deref(),
        group: action.name.group.as_deref(),
        status: action.status,
        reason: action.reason.as_deref(),
        held: action.held.as_ref().map(held),
        after,
        irreversible: action.irreversible,
        reduces_access: action.reduces_access,
        cause: action.cause,
        changes: sorted(&action.changes).into_iter().map(change).collect(),
        because: action_places(action),
    }
}

pub(super) fn held(held: &Held) -> HeldWire<'_> {
    HeldWire {
        guard: held.guard,
        release: held.release.as_deref(),
        repair: held.repair.as_deref(),
        also: sorted(&held.also),
    }
}

fn change(change: &Change) -> ChangeWire<'_> {
    ChangeWire { field: &change.field, from: change.from.as_ref(), to: change.to.as_ref() }
}

fn finding(finding: &Finding) -> FindingWire<'_> {
    FindingWire {
        code: finding.code.as_str(),
        severity: finding.severity,
        message: &finding.message,
        account: finding.account.as_deref(),
        group: finding.group.as_deref(),
    }
}
