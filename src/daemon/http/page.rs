//! The status as one page for people: no scripts, nothing loaded from elsewhere, readable in light and dark. `page.html` lays
//! out what is said here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use askama::Template;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{
    daemon::{
        report::{CycleResult, Report, Standing},
        status::{App, State},
    },
    model::{Action, ActionName, AppPlan, Finding, Held, Pause, Status},
    report,
};

const STYLE: &str = include_str!("page.css");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Names below one reason. `rosterd plan` has them all.
const LISTED: usize = 15;

/// What a sub-list of an app shows of anything that is sorted by how bad it is.
const FINDINGS: usize = 8;

/// The page at `now`.
#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    state: &'a State,
    now: Timestamp,
    zone: TimeZone,
}

/// The page at `now`.
///
/// # Errors
/// Never in practice: it is written to memory.
pub(in crate::daemon) fn page(state: &State, now: Timestamp) -> Result<String, askama::Error> {
    Page { state, now, zone: state.time_zone() }.render()
}

impl Page<'_> {
    /// What matters most, in one line.
    fn headline(&self) -> String {
        let apps = &self.state.apps;
        let of = |(wanted, word)| (apps.values().filter(|app| app.standing() == wanted).count(), word);
        let words = [
            (Standing::Unreadable, "unreadable"),
            (Standing::Behind, "behind"),
            (Standing::NeedsPerson, "needing a person"),
            (Standing::Held, "held"),
            (Standing::Waiting, "waiting"),
            (Standing::Drift, "with drift"),
            (Standing::Unknown, "not read yet"),
            (Standing::InSync, "in sync"),
        ];
        if self.state.stands_by {
            return "standing by: another daemon works with this store".into();
        }
        let bad_files = self.state.bad.as_ref().map(|_| "bad files".to_owned());
        let store = self.state.store.as_ref().map(|_| "no store".to_owned());
        let parts: Vec<String> = store.into_iter().chain(bad_files).chain(counted(words.map(of))).collect();
        match apps.len() {
            0 => parts.join(", "),
            apps => format!("{}: {}", count(&apps, "app", "apps"), parts.join(", ")),
        }
    }

    /// Who paused what, until when and why.
    fn pauses(&self) -> Vec<(&str, String)> {
        let told = |pause: &Pause| format!("{}; {}.", pause.sentence(&self.zone), pause.goes_on());
        let pauses = self.state.pauses(self.now);
        pauses.map(|pause| (pause.app.as_deref().unwrap_or("Every app"), told(pause))).collect()
    }

    /// How long ago or ahead.
    fn moment(&self, at: &Timestamp) -> String {
        let gap = self.now.duration_since(*at);
        match gap.as_secs() {
            1.. => format!("{} ago", span(gap)),
            0 if gap.is_negative() => "any moment".into(),
            0 => "just now".into(),
            _ => format!("in {}", span(gap)),
        }
    }

    /// How long ago, within a sentence: `for 12 s`.
    fn lasting(&self, since: &Timestamp) -> String {
        format!("for {}", span(self.now.duration_since(*since)))
    }

    fn clock(&self, at: &Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }
}

/// The class, the mark and the word of a standing.
fn badge(standing: &Standing) -> (&'static str, &'static str, String) {
    let (class, mark) = match standing {
        Standing::InSync => ("good", "✓"),
        Standing::Waiting => ("wait", "…"),
        Standing::Held => ("held", "‖"),
        Standing::Drift => ("drift", "≠"),
        Standing::Unreadable | Standing::Behind | Standing::NeedsPerson => ("bad", "✗"),
        Standing::Unknown => ("wait", "?"),
    };
    (class, mark, standing.as_ref().replace('-', " "))
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
        CycleResult::Store => "the store failed".into(),
    }
}

/// How long a cycle took, and how many requests. Those of a reading that failed are not known.
fn took(report: &Report) -> String {
    let took = span(SignedDuration::try_from(report.took).unwrap_or_default());
    match report.requests() {
        0 => took,
        some => format!("{took} · {}", count(&some, "request", "requests")),
    }
}

fn is_bad(report: &Report) -> bool {
    matches!(report.result, CycleResult::Unread | CycleResult::Failed)
}

fn failures(report: &Report) -> Vec<(&ActionName, &str)> {
    report.failures().collect()
}

/// `1 account, 2 teams, 3 memberships`.
fn observed(plan: &AppPlan) -> String {
    let seen = plan.observed;
    let parts = [
        count(&seen.accounts, "account", "accounts"),
        count(&seen.groups, &plan.group_noun, &format!("{}s", plan.group_noun)),
        count(&seen.memberships, "membership", "memberships"),
    ];
    parts.join(", ")
}

fn ready_title(seen: &Report) -> &'static str {
    if seen.corrects { "To do in the next cycle" } else { "Drift, reported and not corrected" }
}

fn open<'a>(status: &Status, seen: &'a Report) -> Vec<&'a Action> {
    seen.open().filter(|action| action.status == *status).collect()
}

/// What the plan's row says of an action beside its name.
fn said(action: &Action) -> Vec<report::Said> {
    report::said(action)
}

/// Actions below the guard and the reason they share.
fn by_reason<'a>(actions: &[&'a Action]) -> BTreeMap<(&'a str, &'a str), Vec<&'a Action>> {
    let mut reasons: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for action in actions {
        let guard = action.held.as_ref().map_or("", |held| held.guard.as_str());
        reasons.entry((guard, action.obstacle().unwrap_or_default())).or_default().push(*action);
    }
    reasons
}

/// What fixes actions that are held for the same reason.
fn repairs<'a>(actions: &[&'a Action]) -> BTreeSet<&'a str> {
    held(actions).filter_map(|held| held.repair.as_deref()).collect()
}

/// What releases them. A cap is released by one line for all.
fn releases<'a>(actions: &[&'a Action]) -> BTreeSet<&'a str> {
    held(actions).filter_map(|held| held.release.as_deref()).collect()
}

fn held<'a>(actions: &[&'a Action]) -> impl Iterator<Item = &'a Held> {
    actions.iter().take(LISTED).filter_map(|action| action.held.as_ref())
}

/// The worst first.
fn findings(seen: &Report) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = seen.plan.iter().flat_map(|plan| &plan.findings).collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// How many there are of which kind, without the kinds of which there are none.
fn counted<const N: usize>(words: [(usize, &str); N]) -> impl Iterator<Item = String> {
    words.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"))
}

fn count(n: &(impl fmt::Display + From<u8> + PartialEq), one: &str, many: &str) -> String {
    format!("{n} {}", if *n == 1.into() { one } else { many })
}

/// `3 min 12 s`.
fn span(gap: SignedDuration) -> String {
    match gap.unsigned_abs().as_secs() {
        0 => "under 1 s".into(),
        seconds => report::duration(seconds),
    }
}
