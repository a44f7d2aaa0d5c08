//! The status as one page for people: no scripts, nothing loaded from elsewhere, readable in light and dark.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use jiff::{Timestamp, tz::TimeZone};

use super::html::{Prose, Text};
use crate::{
    daemon::{
        report::{CycleResult, Report, Standing},
        status::{App, State},
    },
    model::{Action, Status},
    report,
};

const STYLE: &str = include_str!("page.css");

/// Names below one reason. `rosterd plan` has them all.
const LISTED: usize = 15;

/// What a sub-list of an app shows of anything that is sorted by how bad it is.
const FINDINGS: usize = 8;

/// The page at `now`.
pub(in crate::daemon) fn page(state: &State, now: Timestamp) -> String {
    let zone = state.files.as_ref().map_or(TimeZone::UTC, |files| files.desired.settings.time_zone.clone());
    let mut page = Page { out: String::new(), now, zone };
    page.whole(state);
    page.out
}

struct Page {
    out: String,
    now: Timestamp,
    zone: TimeZone,
}

impl Page {
    fn whole(&mut self, state: &State) {
        let title = headline(state);
        self.put(format_args!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><meta http-equiv=\"refresh\" content=\"10\">\
             <title>{0} · rosterd</title><style>{STYLE}</style></head><body><main>\n\
             <header><h1>rosterd</h1><p>{0}</p></header>\n",
            Text(title)
        ));
        self.files(state);
        self.overview(state);
        for (name, app) in &state.apps {
            self.details(name, app);
        }
        self.put(format_args!(
            "<footer>rosterd {} · up {} · as of {} · <a href=\"api/v1/status\">JSON</a> · \
             <a href=\"metrics\">metrics</a></footer>\n</main></body></html>\n",
            env!("CARGO_PKG_VERSION"),
            self.lasting(state.started),
            self.clock(self.now),
        ));
    }

    /// Bad files are the loudest thing there is.
    fn files(&mut self, state: &State) {
        let Some(files) = &state.files else { return };
        let since = self.lasting(files.since);
        let Some(bad) = &state.bad else {
            let count = files.count;
            let noun = if count == 1 { "file" } else { "files" };
            self.put(format_args!("<p class=\"files\">{count} {noun} in force {since}.</p>\n"));
            return;
        };
        self.put(format_args!(
            "<section class=\"alarm\"><h2>The newest files are not valid</h2>\
             <p>They have had mistakes {}. The files that have been in force {since} stay in force until these are \
             mended.</p>\
             <pre>{}</pre></section>\n",
            self.lasting(bad.since),
            Text(&bad.problems)
        ));
    }

    fn overview(&mut self, state: &State) {
        if state.apps.is_empty() {
            self.put(format_args!("<p>The files name no app that this daemon works in.</p>\n"));
            return;
        }
        self.put(format_args!(
            "<div class=\"scroll\"><table><thead><tr><th>App</th><th>Standing</th><th>Differences</th>\
             <th>Last cycle</th><th>Next cycle</th></tr></thead><tbody>\n"
        ));
        for (name, app) in &state.apps {
            let standing = app.standing();
            let last = match app.last.as_deref() {
                None => "–".to_owned(),
                Some(last) => {
                    let requests = match last.requests() {
                        // Those of a reading that failed are not known.
                        0 => String::new(),
                        some => format!(" · {}", count(some, "request", "requests")),
                    };
                    let took = span(last.ended.duration_since(last.began));
                    format!("{}<small>{} · {took}{requests}</small>", self.moment(last.ended), ended(last))
                }
            };
            let next = match (&app.running, app.next) {
                (Some(running), _) => format!("under way<small>{}</small>", Text(&running.doing)),
                (None, Some(next)) if app.failures > 1 => {
                    format!("{}<small>backing off after {} failures</small>", self.moment(next), app.failures)
                }
                (None, Some(next)) => self.moment(next),
                (None, None) => "now".to_owned(),
            };
            self.put(format_args!(
                "<tr><td><a href=\"#{0}\">{0}</a><small>{1}</small></td><td>{2}</td>\
                 <td data-label=\"Differences\">{3}</td><td data-label=\"Last cycle\">{last}</td>\
                 <td data-label=\"Next cycle\">{next}</td></tr>\n",
                Text(name),
                Text(&app.connector),
                badge(standing),
                differences(app),
            ));
        }
        self.put(format_args!("</tbody></table></div>\n"));
    }

    fn details(&mut self, name: &str, app: &App) {
        self.put(format_args!("<section id=\"{0}\"><h2>{0} {1}</h2>\n", Text(name), badge(app.standing())));
        match &app.last {
            None => self.put(format_args!("<p>It was not read yet.</p>\n")),
            Some(last) => self.cycle(last),
        }
        if let Some(seen) = &app.seen {
            self.seen(seen);
        }
        self.put(format_args!("</section>\n"));
    }

    fn cycle(&mut self, last: &Report) {
        if let Some(note) = &last.note {
            let class = if matches!(last.result, CycleResult::Unread | CycleResult::Failed) { "bad" } else { "note" };
            self.put(format_args!("<p class=\"{class}\">{}</p>\n", Prose(note)));
        }
        if last.result == CycleResult::Unread {
            self.put(format_args!(
                "<p>Nothing is changed there until it can be read. The daemon goes on trying.</p>\n"
            ));
        }
        let failures: Vec<_> = last.failures().collect();
        if failures.is_empty() {
            return;
        }
        self.put(format_args!("<h3>Failed <b>{}</b></h3><ul>\n", failures.len()));
        for (name, error) in failures.iter().take(LISTED) {
            self.put(format_args!("<li><code>{}</code><br>{}</li>\n", Text(name), Prose(error)));
        }
        self.more(failures.len());
        self.put(format_args!("</ul>\n"));
    }

    fn seen(&mut self, seen: &Report) {
        if let Some(plan) = &seen.plan {
            let observed = plan.observed;
            let complete = if plan.complete { "" } else { " Not everything was seen, and what that concerns is held." };
            self.put(format_args!(
                "<p class=\"seen\">{}, {}, {} read {}.{complete}</p>\n",
                count(observed.accounts as u64, "account", "accounts"),
                count(observed.groups as u64, &plan.group_noun, &format!("{}s", plan.group_noun)),
                count(observed.memberships as u64, "membership", "memberships"),
                self.moment(seen.ended),
            ));
        }
        let open = |status| seen.open().filter(move |action| action.status == status).collect::<Vec<_>>();
        let ready = if seen.corrects { "To do in the next cycle" } else { "Drift, reported and not corrected" };
        self.actions(ready, open(Status::Ready));
        self.actions("Held", open(Status::Held));
        self.actions("For a person to do", open(Status::Manual));
        self.actions("Waiting", open(Status::Waiting));
        self.findings(seen);
    }

    /// Actions below the reason they share.
    fn actions(&mut self, title: &str, actions: Vec<&Action>) {
        if actions.is_empty() {
            return;
        }
        self.put(format_args!("<details open><summary>{title} <b>{}</b></summary>\n", actions.len()));
        let mut reasons: BTreeMap<(&str, &str), Vec<&Action>> = BTreeMap::new();
        for action in actions {
            let guard = action.held.as_ref().map_or("", |held| held.guard.as_str());
            reasons.entry((guard, action.reason.as_deref().unwrap_or_default())).or_default().push(action);
        }
        for ((guard, reason), actions) in reasons {
            let guard = if guard.is_empty() { String::new() } else { format!("<em>{}</em> ", Text(guard)) };
            if !guard.is_empty() || !reason.is_empty() {
                self.put(format_args!("<p>{guard}{}</p>\n", Prose(reason)));
            }
            self.put(format_args!("<ul>\n"));
            for action in actions.iter().take(LISTED) {
                self.put(format_args!("<li><code>{}</code></li>\n", Text(&action.name)));
            }
            self.more(actions.len());
            self.put(format_args!("</ul>\n"));
            self.way_on(&actions);
        }
        self.put(format_args!("</details>\n"));
    }

    /// What releases actions that are held for the same reason, or mends it. A cap is released by one line for all.
    fn way_on(&mut self, actions: &[&Action]) {
        let held = || actions.iter().take(LISTED).filter_map(|action| action.held.as_ref());
        let releases: BTreeSet<&str> = held().filter_map(|held| held.release.as_deref()).collect();
        let repairs: BTreeSet<&str> = held().filter_map(|held| held.repair.as_deref()).collect();
        for repair in repairs {
            self.put(format_args!("<p>To mend it: {}</p>\n", Prose(repair)));
        }
        if !releases.is_empty() {
            let this = if releases.len() == 1 { "this line" } else { "these lines, one for each," };
            self.put(format_args!("<p>To release it, add {this} under <code>approvals:</code></p>\n<pre>"));
            for release in releases {
                self.put(format_args!("{}\n", Text(release)));
            }
            self.put(format_args!("</pre>\n"));
        }
    }

    fn findings(&mut self, seen: &Report) {
        let mut findings: Vec<_> = seen.plan.iter().flat_map(|plan| &plan.findings).collect();
        if findings.is_empty() {
            return;
        }
        findings.sort_by_key(|finding| finding.severity);
        self.put(format_args!("<details><summary>Findings <b>{}</b></summary><ul>\n", findings.len()));
        for finding in findings.iter().take(FINDINGS) {
            let word = finding.severity.as_str();
            self.put(format_args!("<li><em>{word}</em> {}</li>\n", Prose(&finding.message)));
        }
        if findings.len() > FINDINGS {
            self.put(format_args!("<li>and {} more</li>\n", findings.len() - FINDINGS));
        }
        self.put(format_args!("</ul></details>\n"));
    }

    fn more(&mut self, all: usize) {
        if all > LISTED {
            self.put(format_args!("<li>and {} more; <code>rosterd plan</code> lists them all</li>\n", all - LISTED));
        }
    }

    /// How long ago or ahead; pointing at it shows the exact time.
    fn moment(&self, at: Timestamp) -> String {
        let gap = self.now.duration_since(at);
        self.time(
            at,
            &match gap.as_secs() {
                1.. => format!("{} ago", span(gap)),
                0 if gap.is_negative() => "any moment".into(),
                0 => "just now".into(),
                _ => format!("in {}", span(gap)),
            },
        )
    }

    /// How long ago, within a sentence: `for 12 s`.
    fn lasting(&self, since: Timestamp) -> String {
        self.time(since, &format!("for {}", span(self.now.duration_since(since))))
    }

    fn time(&self, at: Timestamp, text: &str) -> String {
        format!("<time datetime=\"{at}\" title=\"{}\">{text}</time>", self.clock(at))
    }

    fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(what);
    }
}

/// What matters most, in one line.
fn headline(state: &State) -> String {
    let of = |(wanted, word): (Standing, _)| (state.apps.values().filter(|app| app.standing() == wanted).count(), word);
    let mut parts = Vec::new();
    if state.bad.is_some() {
        parts.push("bad files".to_owned());
    }
    let words = [
        (Standing::Failing, "failing"),
        (Standing::Drift, "with drift"),
        (Standing::Held, "held"),
        (Standing::Waiting, "waiting"),
        (Standing::Unknown, "not read yet"),
        (Standing::InSync, "in sync"),
    ];
    parts.extend(counted(words.map(of)));
    match state.apps.len() {
        0 => parts.join(", "),
        apps => format!("{}: {}", count(apps as u64, "app", "apps"), parts.join(", ")),
    }
}

fn badge(standing: Standing) -> String {
    let (class, mark) = match standing {
        Standing::InSync => ("good", "✓"),
        Standing::Waiting => ("wait", "…"),
        Standing::Held => ("held", "‖"),
        Standing::Drift => ("drift", "≠"),
        Standing::Failing => ("bad", "✗"),
        Standing::Unknown => ("wait", "?"),
    };
    format!("<span class=\"badge {class}\">{mark} {}</span>", standing.as_ref())
}

/// `2 held, 1 waiting`.
fn differences(app: &App) -> String {
    let Some(seen) = &app.seen else { return "–".into() };
    let words =
        [(Status::Ready, "open"), (Status::Held, "held"), (Status::Manual, "by hand"), (Status::Waiting, "waiting")];
    let parts: Vec<String> = counted(words.map(|(status, word)| (seen.count(status), word))).collect();
    if parts.is_empty() { "none".into() } else { parts.join(", ") }
}

fn ended(report: &Report) -> String {
    let done = report.done();
    match report.result {
        CycleResult::Ok if done > 0 => format!("{done} done"),
        CycleResult::Ok if report.open().next().is_some() => "nothing that could be done".into(),
        CycleResult::Ok => "nothing to do".into(),
        CycleResult::Drift => "reported".into(),
        CycleResult::Failed => format!("{done} done, {} failed", report.failures().count()),
        CycleResult::Unread => "could not be read".into(),
        CycleResult::Stopped => "cut short".into(),
        CycleResult::Skipped => "left to another process".into(),
    }
}

/// How many there are of which kind, without the kinds of which there are none.
fn counted<const N: usize>(words: [(usize, &str); N]) -> impl Iterator<Item = String> {
    words.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"))
}

fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `3 min 12 s`.
fn span(gap: jiff::SignedDuration) -> String {
    match gap.unsigned_abs().as_secs() {
        0 => "under 1 s".into(),
        seconds => report::duration(seconds),
    }
}
