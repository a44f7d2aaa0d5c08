//! `rosterd why EMAIL`: what one person gets, where, until when, and which line says so.

use serde::Serialize;

use super::{
    Style,
    canvas::{Canvas, Line, Paint},
    json, wording,
};
use crate::{
    model::{Claim, FieldValue, PersonStatus, Phase, Place, Values, Window},
    why::{Grant, State, Why, WhyApp, WhyClaim, WhyPerson},
};

/// Names of groups in a wider column would push what they explain out of sight.
const WIDEST_NAME: usize = 32;

/// The answer for people.
pub fn text(why: &Why, style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    if !why.named {
        draw_unknown(&mut canvas, why);
        return canvas.finish();
    }
    draw_person(&mut canvas, why);
    for app in &why.apps {
        draw_app(&mut canvas, why, app);
    }
    if why.apps.is_empty() {
        canvas.gap();
        canvas.paragraph(0, &Line::new().plain("No line grants anything, in any app."));
    }
    canvas.finish()
}

fn draw_unknown(canvas: &mut Canvas, why: &Why) {
    let line = Line::new().whole(Paint::Strong, why.asked.as_str()).plain(" is named nowhere in the files.");
    canvas.paragraph(0, &line);
    let near = why.near.iter().enumerate().fold(Line::new().plain("Did you mean "), |line, (i, email)| {
        line.plain(if i == 0 { "" } else { " or " }).whole(Paint::Code, email.as_str())
    });
    if !why.near.is_empty() {
        canvas.paragraph(0, &near.plain("?"));
    }
}

fn draw_person(canvas: &mut Canvas, why: &Why) {
    let mut line = Line::new().whole(Paint::Strong, why.email.as_str());
    let Some(person) = &why.person else {
        let text = ": not under people, but named in an app's accounts or groups";
        canvas.paragraph(0, &line.text(Paint::Dim, text));
        return;
    };
    let names: Vec<&str> =
        [&person.entry.given_name, &person.entry.family_name].into_iter().flatten().map(|name| &**name).collect();
    if !names.is_empty() {
        line = line.plain(", ").whole(Paint::Plain, names.join(" "));
    }
    let line = line.then(by(canvas, &person.because));
    canvas.paragraph(0, &line);
    let (status, paint) = match person.status {
        PersonStatus::Active => ("active", Paint::Add),
        PersonStatus::Suspended => ("suspended: inactive everywhere, grants kept", Paint::Change),
        PersonStatus::Left => ("left: removed everywhere", Paint::Remove),
    };
    canvas.paragraph(2, &Line::new().text(paint, status).then(when(why, person.entry.window, person.phase)));
    let facts: Vec<String> =
        person.entry.attributes.iter().map(|(name, value)| format!("{name}: {}", wording::value(value))).collect();
    if !facts.is_empty() {
        canvas.paragraph(2, &Line::new().text(Paint::Dim, facts.join(", ")));
    }
    let mut aliases: Vec<&str> = person.entry.aliases.iter().map(|alias| alias.as_str()).collect();
    aliases.sort_unstable();
    if !aliases.is_empty() {
        canvas.paragraph(2, &Line::new().plain("also known as ").whole(Paint::Plain, aliases.join(", ")));
    }
}

fn draw_app(canvas: &mut Canvas, why: &Why, app: &WhyApp) {
    let mut title = Line::new().whole(Paint::Strong, &app.app);
    if app.connector != app.app {
        title = title.text(Paint::Dim, format!(" ({})", app.connector));
    }
    canvas.rule(title);
    let noun = match &*app.group_noun {
        "group" => "group".to_owned(),
        noun => format!("group ({noun})"),
    };
    let column = app.groups.iter().map(|(name, _)| Line::new().plain(name).width()).max().unwrap_or(0);
    let column = 2 + column.max("account".len()).min(WIDEST_NAME) + 2;
    if !app.account.claims.is_empty() {
        draw_grant(canvas, why, column, "account", &app.account);
    }
    if let Some((id, place)) = &app.pin {
        let head = Line::new().pad_to(2).whole(Paint::Strong, "id").pad_to(column);
        let line = Line::new().whole(Paint::Plain, id).plain(", pinned").then(by(canvas, std::slice::from_ref(place)));
        canvas.hanging(&head, &line);
    }
    if !app.groups.is_empty() {
        let count = if app.groups.len() == 1 { "1 ".to_owned() } else { format!("{} ", app.groups.len()) };
        let noun = if app.groups.len() == 1 { noun } else { plural(&app.group_noun) };
        canvas.paragraph(2, &Line::new().text(Paint::Dim, count + &noun + ":"));
    }
    for (name, grant) in &app.groups {
        draw_grant(canvas, why, column, name, grant);
    }
}

fn plural(noun: &str) -> String {
    if noun == "group" { "groups".into() } else { format!("groups ({noun}s)") }
}

fn draw_grant(canvas: &mut Canvas, why: &Why, column: usize, name: &str, grant: &Grant) {
    let over = why.person.as_ref().is_some_and(|person| person.phase == Phase::Lapsed);
    let (state, paint) = match grant.state {
        State::Granted => ("", Paint::Add),
        State::Suspended => ("inactive while suspended", Paint::Change),
        State::Upcoming => ("not yet", Paint::Notice),
        State::Lapsed => ("over", Paint::Remove),
        State::Left if over => ("removed, because the person's time is over", Paint::Remove),
        State::Left => ("removed, because the person has left", Paint::Remove),
    };
    let phase = match grant.state {
        State::Upcoming => Phase::Upcoming,
        State::Lapsed => Phase::Lapsed,
        State::Granted | State::Suspended | State::Left => Phase::Open,
    };
    let mut line = Line::new();
    let mut join = |line: Line, part: Line| if line.is_empty() { part } else { line.plain(", ").then(part) };
    line = values(&grant.values).into_iter().fold(line, &mut join);
    if !state.is_empty() {
        line = join(line, Line::new().text(paint, state));
    }
    if line.is_empty() {
        line = line.text(paint, "granted");
    }
    if grant.state != State::Left {
        // Whoever has left keeps nothing, whatever the line's own dates say.
        line = line.then(when(why, grant.window, phase));
    }
    let head = Line::new().pad_to(2).whole(Paint::Strong, name).plain("  ");
    let head = if head.width() <= column {
        head.pad_to(column)
    } else {
        canvas.line(&head);
        Line::new().pad_to(column)
    };
    // One line of the files: it stands beside what it grants. Several: each says what it gives.
    if let [only] = &grant.claims[..] {
        canvas.hanging(&head, &line.then(via(only)).then(origin(canvas, &only.claim)));
        return;
    }
    canvas.hanging(&head, &line);
    for claim in &grant.claims {
        let mut line = Line::new();
        for part in values(&claim.claim.values) {
            line = if line.is_empty() { part } else { line.plain(", ").then(part) };
        }
        if line.is_empty() {
            line = line.text(Paint::Dim, "granted");
        }
        let mark = match claim.phase {
            Phase::Open => canvas.glyph("• ", "* "),
            Phase::Upcoming | Phase::Lapsed => canvas.glyph("◦ ", "o "),
        };
        let head = Line::new().pad_to(column + 2).text(Paint::Dim, mark);
        let line = line.then(via(claim)).then(when(why, claim.claim.window, claim.phase));
        canvas.hanging(&head, &line.then(origin(canvas, &claim.claim)));
    }
}

fn via(claim: &WhyClaim) -> Line {
    match &claim.via {
        Some(group) => Line::new().plain(" as a member of ").whole(Paint::Plain, group),
        None => Line::new(),
    }
}

/// The reason a line gives, and the lines.
fn origin(canvas: &Canvas, claim: &Claim) -> Line {
    let mut line = Line::new();
    if let Some(reason) = &claim.reason {
        line = line.plain(" (").plain(reason).plain(")");
    }
    line.then(by(canvas, &claim.because))
}

/// ` ← teams/design.yaml:9,14`.
fn by(canvas: &Canvas, places: &[Place]) -> Line {
    let places = wording::places(places);
    if places.is_empty() {
        return Line::new();
    }
    let arrow = canvas.glyph("← ", "<- ");
    Line::new().text(Paint::Dim, " ").whole(Paint::Dim, arrow).whole(Paint::Dim, places.join(", "))
}

fn values(values: &Values) -> Vec<Line> {
    let line = |(field, value): (&std::sync::Arc<str>, &FieldValue)| {
        Line::new().whole(Paint::Dim, format!("{field}: ")).whole(Paint::Plain, wording::value(value))
    };
    values.iter().map(line).collect()
}

/// `, from 2026-12-01 until 2027-11-30`; what has begun does not tell when.
fn when(why: &Why, window: Window, phase: Phase) -> Line {
    let mut line = Line::new();
    if let (Phase::Upcoming, Some(from)) = (phase, window.from) {
        line = line.plain(", ").whole(Paint::Notice, format!("from {}", wording::begins(from, &why.time_zone)));
    }
    if let Some(until) = window.until {
        let (word, paint) = if phase == Phase::Lapsed { ("ended", Paint::Remove) } else { ("until", Paint::Change) };
        let joint = if line.is_empty() { ", " } else { " " };
        line = line.plain(joint);
        line = line.whole(paint, format!("{word} {}", wording::ends(until, &why.time_zone)));
    }
    line
}

/// The answer as JSON, with instants in place of days.
pub fn to_json(why: &Why) -> String {
    json::print(&WhyWire {
        version: 1,
        email: why.email.as_str(),
        asked: why.asked.as_str(),
        known: why.named,
        person: why.person.as_ref().map(person_wire),
        apps: why.apps.iter().map(app_wire).collect(),
        near: why.near.iter().map(|email| email.as_str()).collect(),
    })
}

#[derive(Serialize)]
struct WhyWire<'a> {
    version: u32,
    email: &'a str,
    asked: &'a str,
    known: bool,
    person: Option<PersonWire<'a>>,
    apps: Vec<AppWire<'a>>,
    near: Vec<&'a str>,
}

#[derive(Serialize)]
struct PersonWire<'a> {
    given_name: Option<&'a str>,
    family_name: Option<&'a str>,
    status: &'static str,
    from: Option<String>,
    until: Option<String>,
    phase: &'static str,
    aliases: Vec<&'a str>,
    attributes: Vec<ValueWire<'a>>,
    because: Vec<String>,
}

#[derive(Serialize)]
struct AppWire<'a> {
    app: &'a str,
    connector: &'a str,
    account: Option<GrantWire<'a>>,
    groups: Vec<GroupWire<'a>>,
    pin: Option<PinWire<'a>>,
}

#[derive(Serialize)]
struct PinWire<'a> {
    id: &'a str,
    because: Vec<String>,
}

#[derive(Serialize)]
struct GroupWire<'a> {
    group: &'a str,
    #[serde(flatten)]
    grant: GrantWire<'a>,
}

#[derive(Serialize)]
struct GrantWire<'a> {
    state: &'static str,
    values: Vec<ValueWire<'a>>,
    from: Option<String>,
    until: Option<String>,
    claims: Vec<ClaimWire<'a>>,
}

#[derive(Serialize)]
struct ClaimWire<'a> {
    phase: &'static str,
    from: Option<String>,
    until: Option<String>,
    values: Vec<ValueWire<'a>>,
    via_group: Option<&'a str>,
    reason: Option<&'a str>,
    because: Vec<String>,
}

#[derive(Serialize)]
struct ValueWire<'a> {
    field: &'a str,
    value: &'a FieldValue,
}

fn person_wire(person: &WhyPerson) -> PersonWire<'_> {
    let entry = &person.entry;
    let mut aliases: Vec<&str> = entry.aliases.iter().map(|alias| alias.as_str()).collect();
    aliases.sort_unstable();
    PersonWire {
        given_name: entry.given_name.as_deref(),
        family_name: entry.family_name.as_deref(),
        status: match person.status {
            PersonStatus::Active => "active",
            PersonStatus::Suspended => "suspended",
            PersonStatus::Left => "left",
        },
        from: entry.window.from.map(|at| at.to_string()),
        until: entry.window.until.map(|at| at.to_string()),
        phase: phase_word(person.phase),
        aliases,
        attributes: values_wire(&entry.attributes),
        because: json::places(&person.because),
    }
}

fn app_wire(app: &WhyApp) -> AppWire<'_> {
    AppWire {
        app: &app.app,
        connector: &app.connector,
        account: Some(&app.account).filter(|account| !account.claims.is_empty()).map(grant_wire),
        groups: app.groups.iter().map(|(group, grant)| GroupWire { group, grant: grant_wire(grant) }).collect(),
        pin: app
            .pin
            .as_ref()
            .map(|(id, place): &(_, Place)| PinWire { id, because: json::places(std::slice::from_ref(place)) }),
    }
}

fn grant_wire(grant: &Grant) -> GrantWire<'_> {
    GrantWire {
        state: grant.state.as_str(),
        values: values_wire(&grant.values),
        from: grant.window.from.map(|at| at.to_string()),
        until: grant.window.until.map(|at| at.to_string()),
        claims: grant.claims.iter().map(claim_wire).collect(),
    }
}

fn claim_wire(of: &WhyClaim) -> ClaimWire<'_> {
    let claim = &of.claim;
    ClaimWire {
        via_group: of.via.as_deref(),
        phase: phase_word(of.phase),
        from: claim.window.from.map(|at| at.to_string()),
        until: claim.window.until.map(|at| at.to_string()),
        values: values_wire(&claim.values),
        reason: claim.reason.as_deref(),
        because: json::places(&claim.because),
    }
}

fn values_wire(values: &Values) -> Vec<ValueWire<'_>> {
    values.iter().map(|(field, value)| ValueWire { field, value }).collect()
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Upcoming => "upcoming",
        Phase::Open => "open",
        Phase::Lapsed => "lapsed",
    }
}
