//! Metrics in Prometheus' text format. They name apps and no people.

use std::fmt::{Display, Write as _};

use jiff::Timestamp;
use strum::VariantArray as _;

use crate::{
    daemon::{
        report::{CycleResult, Standing},
        status::{App, State},
    },
    model::{BOUNDS_MS, Severity, Status, Verb},
};

/// Everything that is counted, sorted.
pub(in crate::daemon) fn metrics(state: &State, now: Timestamp) -> String {
    let mut page = Page { text: String::new(), state };
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    page.family("rosterd_build_info", "The version that runs.", [(version, 1)]);
    page.family("rosterd_start_time_seconds", "When the daemon began.", [([], state.started.as_second())]);
    page.family(
        "rosterd_files_valid",
        "1 while the newest files are in force, 0 while older ones stay in force because the newest have mistakes.",
        [([], u8::from(state.bad.is_none()))],
    );
    let since = state.files.iter().map(|files| ([], files.since.as_second()));
    page.family("rosterd_files_in_force_timestamp_seconds", "When the files in force were read.", since);
    let commit = state.files.iter().filter_map(|files| Some(([("commit", files.commit.as_deref()?)], 1)));
    page.family("rosterd_files_in_force_info", "The commit of the files in force.", commit);
    let works = u8::from(state.store.is_none());
    page.family("rosterd_store_works", "1 while the store can be used, 0 while it cannot.", [([], works)]);
    let failures = [([], state.webhook_failures)];
    page.family("rosterd_webhook_failures_total", "Times that a webhook could not be told what is new.", failures);
    let files = [([("result", "in_force")], state.taken_up), ([("result", "refused")], state.refused)];
    page.family("rosterd_files_total", "Files that were read, by what became of them.", files);
    counts(&mut page);
    page.per_app("rosterd_requests_total", "Requests that were sent to the app.", |app| Some(app.requests()));
    traffic(&mut page);
    page.per_app("rosterd_quota_left", "Requests that could leave at once after the last cycle.", |app| app.quota_left);
    page.per_app("rosterd_in_sync", "1 while the app is known to be as the files say, 0 while it is not.", |app| {
        Some(u8::from(app.standing() == Standing::InSync))
    });
    let standings = state.apps.iter().flat_map(|(name, app)| {
        let now = app.standing();
        Standing::VARIANTS
            .iter()
            .map(move |one| ([("app", &**name), ("standing", one.as_ref())], u8::from(*one == now)))
    });
    page.family("rosterd_standing", "1 for how the app stands, 0 for every other standing.", standings);
    page.per_app("rosterd_finished_cycle_age_seconds", "How long ago a cycle last came to its end.", |app| {
        app.finished_ago().map(|ago| ago.as_secs())
    });
    last_seen(&mut page, now);
    let pauses = state.apps.keys().map(|app| ([("app", &**app)], u8::from(state.pause_of(app, now).is_some())));
    page.family("rosterd_paused", "1 while a pause holds what would be written to the app.", pauses);
    page.per_app("rosterd_last_success_timestamp_seconds", "When a cycle last ended well.", |app| {
        app.success.map(Timestamp::as_second)
    });
    page.per_app("rosterd_last_cycle_duration_seconds", "How long the last cycle took.", |app| {
        let last = app.last.as_ref()?;
        Some(last.took.as_millis() as f64 / 1000.0)
    });
    page.per_app("rosterd_next_cycle_timestamp_seconds", "When the next cycle is due.", |app| {
        app.next.map(|next| next.at.as_second())
    });
    page.per_app("rosterd_cycle_running", "1 while a cycle is under way.", |app| Some(u8::from(app.running.is_some())));
    page.per_app("rosterd_consecutive_failures", "Cycles in a row that could not read the app.", |app| {
        Some(app.failures)
    });
    page.text
}

/// What ended how.
fn counts(page: &mut Page<'_>) {
    // A series exists from the start, so that a rate over it sees the first event.
    let cycles = page.state.apps.iter().flat_map(|(name, app)| {
        let count = |result| app.cycles.get(result).copied().unwrap_or_default();
        CycleResult::VARIANTS.iter().map(move |result| ([("app", &**name), ("result", result.as_ref())], count(result)))
    });
    page.family("rosterd_cycles_total", "Cycles, by how they ended.", cycles);
    let actions = page.state.apps.iter().flat_map(|(name, app)| {
        let labels = |verb: Verb, result| [("app", &**name), ("verb", verb.as_str()), ("result", result)];
        app.actions.iter().map(move |((verb, result), count)| (labels(*verb, *result), *count))
    });
    page.family("rosterd_actions_total", "Actions that were taken up, by how they ended.", actions);
}

/// What the last cycles that saw the apps leave.
fn last_seen(page: &mut Page<'_>, now: Timestamp) {
    let seen = || page.state.apps.iter().filter_map(|(name, app)| Some((&**name, app.seen.as_deref()?)));
    let open = seen().flat_map(|(name, seen)| {
        let all = [Status::Ready, Status::Waiting, Status::Held, Status::Manual];
        all.map(|status| ([("app", name), ("status", status.as_str())], seen.count(status)))
    });
    let findings = seen().flat_map(|(name, seen)| {
        let all = [Severity::Error, Severity::Warning, Severity::Note];
        all.map(|severity| ([("app", name), ("severity", severity.as_str())], seen.findings(severity)))
    });
    page.family("rosterd_plan_actions", "What is still open after the last cycle that saw the app, by status.", open);
    let held = seen().flat_map(|(name, seen)| {
        seen.held_by().into_iter().map(move |(guard, count)| ([("app", name), ("guard", guard.as_str())], count))
    });
    page.family("rosterd_held_actions", "What guards hold after the last cycle that saw the app, by guard.", held);
    page.family("rosterd_findings", "Findings of the last cycle that saw the app, by severity.", findings);
    page.per_app("rosterd_oldest_fact_seconds", "Age of the oldest fact that the last plan was made from.", |app| {
        let seen = app.seen.as_ref()?;
        let since = now.duration_since(seen.ended).as_secs().max(0).unsigned_abs();
        Some(since + seen.plan.as_ref()?.observed.oldest_s)
    });
}

/// How requests were answered, and how long that took.
fn traffic(page: &mut Page<'_>) {
    const NAME: &str = "rosterd_request_duration_seconds";
    page.text +=
        &format!("# HELP {NAME} How long requests took, by the status of the answer.\n# TYPE {NAME} histogram\n");
    for (app, entry) in &page.state.apps {
        for (status, latency) in entry.traffic().0 {
            let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            let labels = format!("app=\"{}\",status=\"{status}\"", escaped(app));
            let bounds = BOUNDS_MS.iter().map(|ms| (*ms as f64 / 1000.0).to_string());
            let buckets = bounds.zip(latency.within).chain([("+Inf".to_owned(), latency.count)]);
            for (bound, count) in buckets {
                page.text += &format!("{NAME}_bucket{{{labels},le=\"{bound}\"}} {count}\n");
            }
            page.text += &format!("{NAME}_sum{{{labels}}} {}\n", latency.sum_ms as f64 / 1000.0);
            page.text += &format!("{NAME}_count{{{labels}}} {}\n", latency.count);
        }
    }
}

/// A label's value as the format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

struct Page<'a> {
    text: String,
    state: &'a State,
}

impl<'a> Page<'a> {
    /// A metric with its samples, each under its labels. What counts has the name of a total.
    fn family<const LABELS: usize, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = ([(&'a str, &'a str); LABELS], V)>,
    ) {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        self.text += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (labels, value) in samples {
            self.text += name;
            for (i, (label, text)) in labels.iter().enumerate() {
                let text = escaped(text);
                // Writing to a String cannot fail.
                let _ = write!(self.text, "{}{label}=\"{text}\"", if i == 0 { '{' } else { ',' });
            }
            let end = if LABELS > 0 { "}" } else { "" };
            let _ = writeln!(self.text, "{end} {value}");
        }
    }

    fn per_app<V: Display>(&mut self, name: &str, help: &str, value: impl Fn(&App) -> Option<V>) {
        let apps = self.state.apps.iter();
        self.family(name, help, apps.filter_map(|(app, entry)| Some(([("app", &**app)], value(entry)?))));
    }
}
