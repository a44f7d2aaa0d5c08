//! The plan as text for a terminal: app by app what will be done, what waits, what is held and by which line it would be
//! released, and what is left to people; at the end, where the eye rests, the summary.

mod around;
mod findings;
mod lines;
mod sections;

use jiff::SignedDuration;

use super::{
    Style,
    canvas::{Canvas, Line, Paint},
    told, wording,
};
use crate::model::{Action, AppPlan, Cause, Finding, FindingCode, Forecast, Plan, Status, Summary};
use findings::draw_findings;
pub(super) use sections::{Kind, Section, draw_section_title, draw_sections};

/// The plan for people.
pub fn plan(plan: &Plan, style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    let several = plan.apps.len() > 1;
    for found in plan.apps.iter().filter_map(found) {
        canvas.say(Paint::Plain, &*found.message);
    }
    around::draw_head(&mut canvas, plan);
    // Quiet apps come first, in one block: they are read in one glance and leave the rest together.
    let (quiet, busy): (Vec<&AppPlan>, Vec<&AppPlan>) = wording::apps(plan).into_iter().partition(|app| is_quiet(app));
    for app in quiet {
        draw_quiet(&mut canvas, app);
    }
    for app in busy {
        draw_app(&mut canvas, plan, app, several);
    }
    draw_summary(&mut canvas, plan);
    canvas.finish()
}

fn is_quiet(app: &AppPlan) -> bool {
    is_in_sync(app) && app.due.is_empty()
}

/// Whether all was seen that was looked for, and nothing is to do or to say about it.
pub(super) fn is_in_sync(app: &AppPlan) -> bool {
    let said = app.complete || only(app).is_some();
    app.error.is_none() && said && app.actions.is_empty() && own_findings(app).is_empty()
}

/// What says that one person alone was looked for. It is the same for every app, so that it is told once.
pub(super) fn only(app: &AppPlan) -> Option<&Finding> {
    app.findings.iter().find(|finding| finding.code == FindingCode::OnlyOnePerson)
}

/// How the one person was found who was looked for. It stands before everything else.
fn found(app: &AppPlan) -> Option<&Finding> {
    app.findings.iter().find(|finding| finding.code == FindingCode::PersonFound)
}

/// Findings that are told with the app, sorted.
pub(super) fn own_findings(app: &AppPlan) -> Vec<&Finding> {
    let told = [FindingCode::OnlyOnePerson, FindingCode::PersonFound];
    wording::sorted(app.findings.iter().filter(|finding| !told.contains(&finding.code)))
}

fn draw_quiet(canvas: &mut Canvas, app: &AppPlan) {
    let mark = canvas.glyph("✓ ", "ok ");
    let line = Line::new()
        .text(Paint::Add, mark)
        .plain(" ")
        .whole(Paint::Strong, &app.app)
        .plain(" is in sync ")
        .text(Paint::Dim, format!("({})", observed(app)));
    canvas.paragraph(0, &line);
}

/// `152 accounts, 4 groups (teams), 310 memberships, read with 6 requests`.
fn observed(app: &AppPlan) -> String {
    let seen = &app.observed;
    let noun = match &*app.group_noun {
        "group" => String::new(),
        noun if seen.groups == 1 => format!(" ({noun})"),
        noun => format!(" ({})", plural(noun)),
    };
    let mut text = format!(
        "{}, {}{noun}, {}, read with {}",
        wording::count(seen.accounts, "account", "accounts"),
        wording::count(seen.groups, "group", "groups"),
        wording::count(seen.memberships, "membership", "memberships"),
        requests(seen.requests),
    );
    if seen.oldest_s > 0 {
        text.push_str(&format!(", the oldest fact {} old", wording::duration(seen.oldest_s)));
    }
    text
}

fn plural(noun: &str) -> String {
    if noun.ends_with('s') { noun.to_owned() } else { format!("{noun}s") }
}

pub(super) fn requests(n: u64) -> String {
    wording::count(n, "request", "requests")
}

fn forecast(forecast: Forecast) -> String {
    format!("{} with its reading, about {}", requests(forecast.requests), wording::duration(forecast.seconds))
}

/// When the last action takes effect, if applying begins when the plan was made. Of what takes minutes, how long it takes
/// says enough.
fn lands(plan: &Plan, forecast: Forecast) -> Option<String> {
    /// From here on people ask when, and not how long.
    const LONG: u64 = 15 * 60;
    let seconds = i64::try_from(forecast.seconds).ok().filter(|_| forecast.seconds >= LONG)?;
    let at = plan.created_at.checked_add(SignedDuration::from_secs(seconds)).ok()?;
    Some(at.strftime("on %Y-%m-%d at %H:%M UTC").to_string())
}

/// The rule that begins an app.
pub(super) fn draw_title(canvas: &mut Canvas, app: &AppPlan) {
    let title = Line::new().whole(Paint::Strong, &app.app);
    let other = app.connector != app.app;
    canvas.rule(if other { title.text(Paint::Dim, format!(" ({})", app.connector)) } else { title });
}

/// What stopped a whole app.
pub(super) fn draw_error(canvas: &mut Canvas, what: &str, error: &str) {
    let head = Line::new().text(Paint::Alarm, canvas.glyph("✗ ", "! "));
    canvas.hanging(&head, &Line::new().text(Paint::Alarm, what).prose(Paint::Remove, error));
}

fn draw_app(canvas: &mut Canvas, plan: &Plan, app: &AppPlan, several: bool) {
    draw_title(canvas, app);
    if let Some(error) = &app.error {
        // The title names the app already.
        let error = error.strip_prefix(&*app.app).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(error);
        draw_error(canvas, "could not be read: ", error);
        let after = if several { "Nothing is planned here; the other apps go on." } else { "Nothing is planned." };
        canvas.say(Paint::Dim, after);
    } else {
        let mut line = observed(app);
        if several && app.forecast.requests > 0 {
            line.push_str(&format!("; applying takes {}", forecast(app.forecast)));
            if let Some(at) = lands(plan, app.forecast) {
                line.push_str(&format!(", and the last action lands {at}"));
            }
        }
        canvas.say(Paint::Dim, line);
        if let Some((text, short)) = seats(app.forecast) {
            canvas.say(if short { Paint::Change } else { Paint::Dim }, text);
        }
        if !app.complete && only(app).is_none() {
            canvas.say(Paint::Change, "Not everything could be read, and what was not seen is not taken for absent.");
        }
        if app.actions.is_empty() {
            let all_seen = (app.complete || only(app).is_some()) && !app.nobody_found();
            canvas.say(
                Paint::Add,
                if all_seen { "In sync: nothing to do." } else { "Nothing to do about what was seen." },
            );
        }
    }
    draw_actions(canvas, app, plan.against.is_some());
    draw_findings(canvas, own_findings(app));
    around::draw_due(canvas, &app.due);
}

/// `Seats: 3 needed, 1 free; 2 people wait for one.`, and whether anybody does.
pub(super) fn seats(forecast: Forecast) -> Option<(String, bool)> {
    let seats = forecast.seats.filter(|seats| seats.needed > 0)?;
    let text = format!("Seats: {} needed, {} free", wording::number(seats.needed), wording::number(seats.free));
    Some(match seats.needed.saturating_sub(seats.free) {
        0 => (format!("{text}."), false),
        1 => (format!("{text}; 1 person waits for one."), true),
        short => (format!("{text}; {} people wait for one.", wording::number(short)), true),
    })
}

fn draw_actions(canvas: &mut Canvas, app: &AppPlan, compared: bool) {
    let sections = |own: bool, titles: [&'static str; 4]| {
        let of = move |action: &&Action| !compared || own == (action.cause == Some(Cause::Change));
        let by = |status: Status| app.actions.iter().filter(of).filter(move |action| action.status == status);
        let [ready, waiting, held, manual] = titles;
        vec![
            Section::new(ready, Paint::Strong, Kind::Rows, by(Status::Ready)),
            Section::new(waiting, Paint::Notice, Kind::Blocks, by(Status::Waiting)),
            Section::new(held, Paint::Change, Kind::TallBlocks, by(Status::Held)),
            Section::new(manual, Paint::Notice, Kind::TallBlocks, by(Status::Manual)),
        ]
    };
    if !compared {
        draw_sections(canvas, sections(true, ["To do", "Waiting", "Held", "By hand"]));
        return;
    }
    let own = ["To do by this change", "Waiting by this change", "Held by this change", "By hand by this change"];
    let others = ["To do without this change", "Waiting anyway", "Held anyway", "By hand anyway"];
    let mut all = sections(true, own);
    all.extend(sections(false, others));
    draw_sections(canvas, all);
}

/// `12 to do, 2 waiting`: what there is none of is left out.
pub(super) fn counts(parts: &[(usize, &str, Paint)]) -> Line {
    let parts = parts.iter().filter(|(count, _, _)| *count > 0);
    Line::list(
        parts.map(|(count, word, paint)| Line::new().whole(*paint, format!("{} {word}", wording::number(*count)))),
    )
}

/// What the change alone does.
fn draw_change(canvas: &mut Canvas, plan: &Plan) {
    let counted = of_actions(Summary::of(plan.by_change()));
    let altered = told::alterations(plan);
    let mut line = Line::new().text(Paint::Strong, "This change: ");
    line = match (counted.is_empty(), altered.is_empty()) {
        (true, true) => line.plain("nothing to do"),
        (true, false) => line.plain(format!("nothing to do now, {}", altered.join(", "))),
        (false, true) => line.then(counted),
        (false, false) => line.then(counted).plain(format!(", {}", altered.join(", "))),
    };
    canvas.paragraph(0, &line.plain("."));
}

fn of_actions(summary: Summary) -> Line {
    counts(&[
        (summary.ready, "to do", Paint::Add),
        (summary.waiting, "waiting", Paint::Notice),
        (summary.held, "held", Paint::Change),
        (summary.manual, "by hand", Paint::Notice),
    ])
}

fn draw_summary(canvas: &mut Canvas, plan: &Plan) {
    let unread = plan.apps.iter().filter(|app| app.error.is_some()).count();
    let summary = plan.summary();
    canvas.gap();
    if plan.against.is_some() {
        draw_change(canvas, plan);
    }
    let mut counts = of_actions(summary);
    if counts.is_empty() {
        counts = counts.plain(match unread {
            0 => "nothing to do",
            all if all == plan.apps.len() => "none",
            _ => "nothing to do in what could be read",
        });
    }
    let title = if plan.against.is_some() { "With all else: " } else { "Plan: " };
    let mut line = Line::new().text(Paint::Strong, title).then(counts);
    let findings = plan.apps.iter().map(|app| own_findings(app).len()).sum::<usize>() + plan.findings.len();
    if findings > 0 {
        line = line.plain("; ").whole(Paint::Plain, wording::count(findings, "finding", "findings"));
    }
    if unread > 0 {
        let text = format!("{} could not be read", wording::count(unread, "app", "apps"));
        line = line.plain("; ").whole(Paint::Alarm, text);
    }
    canvas.paragraph(0, &line.plain("."));
    let gone = plan.by_change().filter(|action| action.status == Status::Ready && action.irreversible).count();
    if gone > 0 {
        let by = if plan.against.is_some() { " by this change" } else { "" };
        canvas.say(Paint::Alarm, format!("! {} of what is to do{by} cannot be undone.", wording::number(gone)));
    }
    if summary.ready > 0 {
        // Apps are worked on side by side: requests add up, and the slowest app says when all is done.
        let total = wording::total(plan);
        if total.requests > 0 {
            let lands = lands(plan, total).map(|at| format!("; begun now, the last action lands {at}"));
            let text = format!("Applying takes {} at the budget{}.", forecast(total), lands.unwrap_or_default());
            canvas.say(Paint::Plain, text);
        }
    }
    if let Some(only) = plan.apps.iter().find_map(only) {
        canvas.paragraph(0, &Line::new().prose(Paint::Notice, &only.message));
    }
    if let Some(text) = wording::unchecked(plan) {
        canvas.say(Paint::Dim, text);
    }
}
