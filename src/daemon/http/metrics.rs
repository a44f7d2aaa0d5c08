//! Metrics in Prometheus' text format. They name apps and no people.

use std::fmt::{Display, Write as _};

use jiff::Timestamp;
use strum::VariantArray as _;

use crate::{
    daemon::{
        report::{CycleResult, Standing},
        status::{App, State},
    },
    model::{Severity, Status},
};

/// Everything that is counted, sorted.
pub(in crate::daemon) fn metrics(state: &State, now: Timestamp) -> String {
    let mut page = Page(String::new());
    page.family(
        "rosterd_build_info",
        "gauge",
        "The version that runs.",
        [(&[("version", env!("CARGO_PKG_VERSION"))][..], 1)],
    );
    page.family("rosterd_start_time_seconds", "gauge", "When the daemon began.", [(&[][..], seconds(state.started))]);
    page.family(
        "rosterd_files_valid",
        "gauge",
        "1 while the newest files are in force, 0 while older ones stay in force because the newest have mistakes.",
        [(&[][..], u8::from(state.bad.is_none()))],
    );
    let since = state.files.iter().map(|files| (&[][..], seconds(files.since)));
    page.family("rosterd_files_in_force_timestamp_seconds", "gauge", "When the files in force were read.", since);
    page.family(
        "rosterd_files_total",
        "counter",
        "Files that were read, by what became of them.",
        [(&[("result", "in_force")][..], state.taken_up), (&[("result", "refused")][..], state.refused)],
    );
    apps(&mut page, state, now);
    page.0
}

fn apps(page: &mut Page, state: &State, now: Timestamp) {
    // A series exists from the start, so that a rate over it sees the first event.
    page.head("rosterd_cycles_total", "counter", "Cycles, by how they ended.");
    for (name, app) in &state.apps {
        for result in CycleResult::VARIANTS {
            let count = app.cycles.get(result).copied().unwrap_or_default();
            page.sample("rosterd_cycles_total", &[("app", name), ("result", result.as_str())], count);
        }
    }
    page.head("rosterd_actions_total", "counter", "Actions that were taken up, by how they ended.");
    for (name, app) in &state.apps {
        for ((verb, result), count) in &app.actions {
            let labels = [("app", &**name), ("verb", verb.as_str()), ("result", result)];
            page.sample("rosterd_actions_total", &labels, *count);
        }
    }
    page.per_app(state, "rosterd_requests_total", "counter", "Requests that were sent to the app.", |app| {
        Some(app.requests())
    });
    page.per_app(
        state,
        "rosterd_in_sync",
        "gauge",
        "1 when the last cycle left the app as the files say, 0 when it did not.",
        |app| Some(u8::from(app.standing() == Standing::InSync)),
    );
    page.head("rosterd_plan_actions", "gauge", "What is still open after the last cycle that saw the app, by status.");
    for (name, seen) in state.apps.iter().filter_map(|(name, app)| Some((name, app.seen.as_ref()?))) {
        for status in [Status::Ready, Status::Waiting, Status::Held, Status::Manual] {
            page.sample("rosterd_plan_actions", &[("app", name), ("status", status.as_str())], seen.count(status));
        }
    }
    page.head("rosterd_findings", "gauge", "Findings of the last cycle that saw the app, by severity.");
    for (name, seen) in state.apps.iter().filter_map(|(name, app)| Some((name, app.seen.as_ref()?))) {
        for severity in [Severity::Error, Severity::Warning, Severity::Note] {
            let labels = [("app", &**name), ("severity", severity.as_str())];
            page.sample("rosterd_findings", &labels, seen.findings(severity));
        }
    }
    page.per_app(
        state,
        "rosterd_oldest_fact_seconds",
        "gauge",
        "Age of the oldest fact that the last plan was made from.",
        |app| {
            let seen = app.seen.as_ref()?;
            let since = now.duration_since(seen.ended).as_secs().max(0).unsigned_abs();
            Some(since + seen.plan.as_ref()?.observed.oldest_s)
        },
    );
    page.per_app(state, "rosterd_last_success_timestamp_seconds", "gauge", "When a cycle last ended well.", |app| {
        app.success.map(seconds)
    });
    page.per_app(state, "rosterd_last_cycle_duration_seconds", "gauge", "How long the last cycle took.", |app| {
        let last = app.last.as_ref()?;
        Some(last.ended.duration_since(last.began).as_millis() as f64 / 1000.0)
    });
    page.per_app(state, "rosterd_next_cycle_timestamp_seconds", "gauge", "When the next cycle is due.", |app| {
        app.next.map(seconds)
    });
    page.per_app(state, "rosterd_cycle_running", "gauge", "1 while a cycle is under way.", |app| {
        Some(u8::from(app.running.is_some()))
    });
    page.per_app(
        state,
        "rosterd_consecutive_failures",
        "gauge",
        "Cycles in a row that could not read the app.",
        |app| Some(app.failures),
    );
}

fn seconds(at: Timestamp) -> i64 {
    at.as_second()
}

struct Page(String);

impl Page {
    fn family<'a, V: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'a>, V)>,
    ) {
        self.head(name, kind, help);
        for (labels, value) in samples {
            self.sample(name, labels, value);
        }
    }

    fn per_app<V: Display>(
        &mut self,
        state: &State,
        name: &str,
        kind: &str,
        help: &str,
        value: impl Fn(&App) -> Option<V>,
    ) {
        self.head(name, kind, help);
        for (app, entry) in &state.apps {
            if let Some(value) = value(entry) {
                self.sample(name, &[("app", app)], value);
            }
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.0 += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        self.0 += name;
        for (i, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            // Writing to a String cannot fail.
            let _ = write!(self.0, "{}{label}=\"{text}\"", if i == 0 { '{' } else { ',' });
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

type Labels<'a> = &'a [(&'a str, &'a str)];
