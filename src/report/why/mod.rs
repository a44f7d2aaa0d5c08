//! `rosterd why EMAIL`: what one person gets, where, until when, and which line says so.

mod live;

use std::{slice, sync::Arc};

use serde_json::{Value, json};

use super::{
    Style,
    canvas::{Canvas, Line, Paint, name_column},
    json, wording,
};
use crate::{
    model::{Claim, Person, PersonStatus, Phase, Place, Values, Window},
    why::{Grant, State, Why, WhyApp, WhyClaim, WhyPerson},
};

/// The answer for people.
pub fn text(why: &Why, style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    if why.named {
        draw_person(&mut canvas, why);
    } else {
        draw_unknown(&mut canvas, why);
    }
    for app in &why.apps {
        draw_app(&mut canvas, why, app);
        why.live.iter().filter(|seen| seen.app == app.app).for_each(|seen| live::draw(&mut canvas, why, seen));
    }
    for seen in why.live.iter().filter(|seen| why.apps.iter().all(|app| app.app != seen.app)) {
        canvas.rule(Line::new().whole(Paint::Strong, &*seen.app));
        live::draw(&mut canvas, why, seen);
    }
    if why.named && why.apps.is_empty() {
        canvas.gap();
        canvas.say(Paint::Plain, "No line grants anything, in any app.");
    }
    canvas.finish()
}

fn draw_unknown(canvas: &mut Canvas, why: &Why) {
    let line = Line::new().whole(Paint::Strong, why.asked.as_str()).plain(" is named nowhere in the files.");
    canvas.paragraph(0, &line);
    let near = why.near.iter().map(|email| Line::new().whole(Paint::Code, email.as_str()));
    if !why.near.is_empty() {
        let near = Line::joined(near, &Line::new().plain(" or "));
        canvas.paragraph(0, &Line::new().plain("Did you mean ").then(near).plain("?"));
    }
}

fn draw_person(canvas: &mut Canvas, why: &Why) {
    let mut line = Line::new().whole(Paint::Strong, why.email.as_str());
    let Some(person) = &why.person else {
        let text = ": not under people, but named in an app's accounts or groups";
        canvas.paragraph(0, &line.text(Paint::Dim, text));
        return;
    };
    let names = [&person.entry.given_name, &person.entry.family_name].into_iter().flatten().map(|name| &**name);
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
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
    let aliases = aliases(&person.entry);
    if !aliases.is_empty() {
        canvas.paragraph(2, &Line::new().plain("also known as ").whole(Paint::Plain, aliases.join(", ")));
    }
}

fn aliases(person: &Person) -> Vec<&str> {
    let mut aliases: Vec<&str> = person.aliases.iter().map(|alias| alias.as_str()).collect();
    aliases.sort_unstable();
    aliases
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
    let column = name_column(app.groups.iter().map(|(name, _)| &**name));
    if !app.account.claims.is_empty() {
        draw_grant(canvas, why, column, "account", &app.account, false);
    }
    if let Some((id, place)) = &app.pin {
        let head = Line::new().pad_to(2).whole(Paint::Strong, "id").pad_to(column);
        let line = Line::new().whole(Paint::Plain, id).plain(", pinned").then(by(canvas, slice::from_ref(place)));
        canvas.hanging(&head, &line);
    }
    if !app.groups.is_empty() {
        let noun = if app.groups.len() == 1 { noun } else { plural(&app.group_noun) };
        canvas.paragraph(2, &Line::new().text(Paint::Dim, format!("{} {noun}:", app.groups.len())));
    }
    for (name, grant) in &app.groups {
        draw_grant(canvas, why, column, name, grant, app.memberships_stay);
    }
}

fn plural(noun: &str) -> String {
    if noun == "group" { "groups".into() } else { format!("groups ({noun}s)") }
}

/// `stays`: nothing ends it in the app but that the account is inactive.
fn draw_grant(canvas: &mut Canvas, why: &Why, column: usize, name: &str, grant: &Grant, stays: bool) {
    let over = why.person.as_ref().is_some_and(|person| person.phase == Phase::Lapsed);
    let (state, paint, phase) = match grant.state {
        State::Granted => ("", Paint::Add, Phase::Open),
        State::Suspended => ("inactive while suspended", Paint::Change, Phase::Open),
        State::Upcoming => ("not yet", Paint::Notice, Phase::Upcoming),
        State::Lapsed => ("over", Paint::Remove, Phase::Lapsed),
        State::Left if stays => {
            ("stays in the app, whose API takes nobody out; the account is removed", Paint::Remove, Phase::Open)
        }
        State::Left if over => ("removed, because the person's time is over", Paint::Remove, Phase::Open),
        State::Left => ("removed, because the person has left", Paint::Remove, Phase::Open),
    };
    let state = Line::new().text(paint, state);
    let mut line = Line::list(values(&grant.values).chain([state]));
    if line.is_empty() {
        line = line.text(paint, "granted");
    }
    if grant.state != State::Left {
        // Whoever has left keeps nothing, whatever the line's own dates say.
        line = line.then(when(why, grant.window, phase));
    }
    let head = canvas.name(name, column);
    // One line of the files: it stands beside what it grants. Several: each says what it gives.
    if let [only] = &grant.claims[..] {
        canvas.hanging(&head, &line.then(via(only)).then(origin(canvas, &only.claim)));
        return;
    }
    canvas.hanging(&head, &line);
    for claim in &grant.claims {
        let mut line = Line::list(values(&claim.claim.values));
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
    let places = Place::together(places);
    if places.is_empty() {
        return Line::new();
    }
    let arrow = canvas.glyph("← ", "<- ");
    Line::new().text(Paint::Dim, " ").whole(Paint::Dim, arrow).whole(Paint::Dim, places.join(", "))
}

fn values(values: &Values) -> impl Iterator<Item = Line> {
    values.iter().map(|(field, value)| wording::field(field, value))
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
    json::print(&json!({
        "version": 1,
        "email": why.email.as_str(),
        "asked": why.asked.as_str(),
        "known": why.named,
        "person": why.person.as_ref().map(person_wire),
        "apps": why.apps.iter().map(app_wire).collect::<Value>(),
        "live": why.live.iter().map(live::wire).collect::<Value>(),
        "near": why.near.iter().map(|email| email.as_str()).collect::<Value>(),
    }))
}

fn person_wire(person: &WhyPerson) -> Value {
    let entry = &person.entry;
    json!({
        "given_name": entry.given_name,
        "family_name": entry.family_name,
        "status": person.status,
        "from": entry.window.from,
        "until": entry.window.until,
        "phase": person.phase,
        "aliases": aliases(entry),
        "attributes": values_wire(&entry.attributes),
        "because": json::places(&person.because),
    })
}

fn app_wire(app: &WhyApp) -> Value {
    let pin = app.pin.as_ref().map(|(id, place)| json!({ "id": id, "because": json::places(slice::from_ref(place)) }));
    let account = Some(&app.account).filter(|account| !account.claims.is_empty());
    json!({
        "app": app.app,
        "connector": app.connector,
        "account": account.map(|grant| grant_wire(grant).collect::<Value>()),
        "groups": app.groups.iter().map(group_wire).collect::<Value>(),
        "pin": pin,
    })
}

fn group_wire((group, grant): &(Arc<str>, Grant)) -> Value {
    std::iter::once(("group", json!(group))).chain(grant_wire(grant)).collect()
}

fn grant_wire(grant: &Grant) -> impl Iterator<Item = (&'static str, Value)> {
    let entries = [
        ("state", json!(grant.state)),
        ("values", values_wire(&grant.values)),
        ("from", json!(grant.window.from)),
        ("until", json!(grant.window.until)),
        ("claims", grant.claims.iter().map(claim_wire).collect()),
    ];
    entries.into_iter()
}

fn claim_wire(WhyClaim { phase, claim, via }: &WhyClaim) -> Value {
    json!({
        "phase": phase,
        "from": claim.window.from,
        "until": claim.window.until,
        "values": values_wire(&claim.values),
        "via_group": via,
        "reason": claim.reason,
        "because": json::places(&claim.because),
    })
}

fn values_wire(values: &Values) -> Value {
    values.iter().map(|(field, value)| json!({ "field": field, "value": value })).collect()
}
