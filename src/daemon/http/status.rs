//! The status as JSON, for programs.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    daemon::{
        report::Report,
        status::{App, State},
    },
    model::{Pause, Severity, Status},
    report::{self, pause::wire},
};

/// The version of the format; it changes when a key changes its meaning or goes.
const VERSION: u32 = 1;

/// Everything the page shows, without its limits.
pub(in crate::daemon) fn status(state: &State, now: Timestamp) -> Value {
    let files = state
        .files
        .as_ref()
        .map(|files| json!({ "digest": files.digest, "since": files.since.to_string(), "count": files.count }));
    let store = state.store.as_ref().map(|store| json!({ "since": store.since.to_string(), "why": &*store.why }));
    let bad = state.bad.as_ref().map(|bad| json!({ "since": bad.since.to_string(), "problems": &*bad.problems }));
    json!({
        "version": VERSION,
        "rosterd": env!("CARGO_PKG_VERSION"),
        "now": now.to_string(),
        "started": state.started.to_string(),
        "standby": state.stands_by,
        "files": { "in_force": files, "valid": state.bad.is_none(), "bad": bad },
        "store": { "works": store.is_none(), "trouble": store },
        "pauses": state.pauses(now).map(wire).collect::<Vec<_>>(),
        "apps": state.apps.iter().map(|(name, entry)| app(name, entry, state.pause_of(name, now))).collect::<Vec<_>>(),
    })
}

fn app(name: &str, app: &App, pause: Option<&Pause>) -> Value {
    json!({
        "app": name,
        "connector": &*app.connector,
        "standing": app.standing().as_ref(),
        "paused": pause.map(wire),
        "running": app.running.as_ref().map(|running| json!({
            "since": running.since.to_string(), "trigger": running.trigger.as_ref(), "doing": &*running.doing,
        })),
        "next": app.next.map(|next| next.at.to_string()),
        "finished_ago_s": app.finished_ago().map(|ago| ago.as_secs()),
        "last_success": app.success.map(|at| at.to_string()),
        "consecutive_failures": app.failures,
        "last": app.last.as_deref().map(cycle),
        "seen": app.seen.as_deref().map(seen),
        "elsewhere": app.elsewhere.as_ref().map(|cycle| json!({
            "by": &*cycle.by, "ended": cycle.ended.to_string(), "standing": cycle.standing,
        })),
    })
}

fn cycle(report: &Report) -> Value {
    let failures = report.failures().map(|(name, error)| json!({ "action": name.to_string(), "error": error }));
    json!({
        "began": report.began.to_string(),
        "ended": report.ended.to_string(),
        "trigger": report.trigger.as_ref(),
        "result": report.result.as_ref(),
        "note": report.note,
        "done": report.done(),
        "requests": report.requests(),
        "failures": failures.collect::<Vec<_>>(),
    })
}

fn seen(report: &Report) -> Value {
    let open = report.open().map(|action| {
        json!({
            "action": action.name.to_string(),
            "live": action.live_as().map(|account| json!({ "email": account.email.as_str(), "id": account.id })),
            "status": action.status.as_str(),
            "reason": report::json::reason(action),
            "held": action.held,
            "waiting": report::json::because_of(action, Status::Waiting),
            "manual": report::json::because_of(action, Status::Manual),
            "guard": action.held.as_ref().map(|held| held.guard.as_str()),
            "release": action.held.as_ref().and_then(|held| held.release.as_deref()),
            "repair": action.held.as_ref().and_then(|held| held.repair.as_deref()),
        })
    });
    let findings = report
        .plan
        .iter()
        .flat_map(|plan| &plan.findings)
        .map(|finding| json!({ "code": finding.code, "severity": finding.severity, "message": finding.message }));
    let [ready, waiting, held, manual] =
        [Status::Ready, Status::Waiting, Status::Held, Status::Manual].map(|status| report.count(status));
    json!({
        "at": report.ended.to_string(),
        "complete": report.is_complete(),
        "observed": report.plan.as_ref().map(|plan| plan.observed),
        "ready": ready,
        "waiting": waiting,
        "held": held,
        "manual": manual,
        "warnings": report.findings(Severity::Error) + report.findings(Severity::Warning),
        "open": open.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}
