//! The rows of an app, part by part.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        text::{only, requests, seats},
        wording,
    },
    counts,
    escape::{code, fenced, prose},
    table::{Class, Part, Row, Whose},
};
use crate::model::{AppPlan, Severity, Status};

/// What stands above a table of actions.
pub(super) const TABLE_HEAD: &str = "| action | who | what | asked for by |\n| --- | --- | --- | --- |\n";

/// Rows by part, each with its index among all rows.
pub(super) type Parts<'a> = BTreeMap<Part, Vec<(usize, &'a Row)>>;

pub(super) fn draw_app(app: &AppPlan, parts: &Parts<'_>, taken: &BTreeSet<usize>, several: bool) -> String {
    let counted = counts(app.summary());
    let counted = if app.error.is_some() { "could not be read".to_owned() } else { counted };
    let alarming = app.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let mut title = vec![format!("<b>{}</b>", code(&app.app))];
    title.extend((!counted.is_empty()).then_some(counted));
    title.extend((alarming > 0).then(|| wording::count(alarming, "error", "errors")));
    let mut out = format!("<details>\n<summary>{}</summary>\n\n", title.join(" · "));
    if let Some(error) = &app.error {
        out.push_str(&format!("Could not be read: {}\n\n", prose(error)));
    } else if !app.complete && only(app).is_none() {
        out.push_str("Not everything could be read, and what was not seen is not taken for absent.\n\n");
    }
    out.push_str(&own_forecast(app, several));
    out.push_str(&draw_parts(parts, taken));
    out.push_str("</details>\n\n");
    out
}

/// Whether an app has something to say besides its rows.
pub(super) fn says_more(app: &AppPlan, several: bool) -> bool {
    app.error.is_some() || !own_forecast(app, several).is_empty()
}

/// What an app takes. Where there is no other, its requests were told for the plan as a whole.
fn own_forecast(app: &AppPlan, several: bool) -> String {
    let forecast = app.forecast;
    let applying = several && app.summary().ready > 0 && forecast.requests > 0;
    let applying = applying.then(|| {
        format!("Applying takes {}, about {}.", requests(forecast.requests), wording::duration(forecast.seconds))
    });
    let said: Vec<String> = applying.into_iter().chain(seats(forecast).map(|(seats, _)| seats)).collect();
    if said.is_empty() { String::new() } else { said.join(" ") + "\n\n" }
}

pub(super) fn draw_parts(parts: &Parts<'_>, taken: &BTreeSet<usize>) -> String {
    let by = |whose: Whose| parts.iter().filter(move |(part, _)| part.whose == whose);
    let drawn = |whose: Whose| -> String { by(whose).map(|(part, rows)| draw_part(*part, rows, taken)).collect() };
    let mut out = drawn(Whose::Change);
    let others = drawn(Whose::Others);
    if !others.is_empty() {
        let count: usize = by(Whose::Others).map(|(_, rows)| rows.len()).sum();
        let count = wording::count(count, "action", "actions");
        out += &format!("<details>\n<summary>Not caused by this change: {count}</summary>\n\n{others}</details>\n\n");
    }
    out + &drawn(Whose::Nobody)
}

/// Rows of a part that has its first rows in a table above it. Lines that release those stand here.
pub(super) fn draw_rest(part: Part, rows: &[(usize, &Row)], top: &BTreeSet<usize>, taken: &BTreeSet<usize>) -> String {
    let rest: Vec<(usize, &Row)> = rows.iter().filter(|(index, _)| !top.contains(index)).copied().collect();
    draw_rows(part, &rest, taken) + &draw_releases(part, rows, taken)
}

fn draw_part(part: Part, rows: &[(usize, &Row)], taken: &BTreeSet<usize>) -> String {
    draw_rows(part, rows, taken) + &draw_releases(part, rows, taken)
}

fn draw_rows(part: Part, rows: &[(usize, &Row)], taken: &BTreeSet<usize>) -> String {
    let shown: Vec<&Row> = rows.iter().filter(|(index, _)| taken.contains(index)).map(|(_, row)| *row).collect();
    if shown.is_empty() {
        return String::new();
    }
    let by_this_change = if part.compared && part.whose != Whose::Others { " by this change" } else { "" };
    let by_this_change = if part.class.is_table() { by_this_change } else { "" };
    let first = if part.whose == Whose::First { " as well" } else { "" };
    let count = wording::number(rows.len());
    let mut out = format!("**{}{by_this_change}{first}: {count}**\n\n", part.class.title());
    if part.class.is_table() {
        out.push_str(TABLE_HEAD);
    }
    shown.iter().for_each(|row| out.push_str(&row.text));
    out.push('\n');
    if shown.len() < rows.len() {
        let more = wording::number(rows.len() - shown.len());
        out.push_str(&format!("… and {more} more.\n\n"));
    }
    out
}

/// The lines that release what is held.
fn draw_releases(part: Part, rows: &[(usize, &Row)], taken: &BTreeSet<usize>) -> String {
    let shown = rows.iter().filter(|(index, _)| taken.contains(index));
    let releases: BTreeSet<&String> = shown.filter_map(|(_, row)| row.release.as_ref()).collect();
    if part.class != Class::Actions(Status::Held) || releases.is_empty() {
        return String::new();
    }
    let this = if releases.len() == 1 { "this line" } else { "these lines, one for each," };
    let lines = fenced(&releases.into_iter().cloned().collect::<Vec<_>>());
    format!("To release what is held, add {this} under `approvals:`\n\n{lines}\n")
}
