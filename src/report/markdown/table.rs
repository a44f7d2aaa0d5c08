//! What a comment is made of: a row for each action, finding and date, with what it costs to leave it out.

use std::collections::BTreeSet;

use super::{
    super::{rows, wording},
    escape::{code, prose},
};
use crate::model::{
    Action, ActionName, AppPlan, Cause, Change, Due, FieldValue, Finding, Place, Severity, Status, Verb,
};

/// Longer sentences are cut: one finding must not take the room of all others.
const SENTENCE: usize = 600;

/// A part of an app's section: rows of one kind under one title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub whose: Whose,
    pub class: Class,
    /// Whether there is another version to compare with.
    pub compared: bool,
}

/// Who made it necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    /// What nobody should miss, by the change under review or, without one, by whatever: it is never folded away.
    First,
    /// The change under review, or, without one, all there is.
    Change,
    /// Drift, and dates that passed.
    Others,
    /// It is no action.
    Nobody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Actions(Status),
    Findings,
    Due,
}

impl Class {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Actions(Status::Ready) => "To do",
            Self::Actions(Status::Waiting) => "Waiting",
            Self::Actions(Status::Held) => "Held",
            Self::Actions(Status::Manual) => "By hand",
            Self::Findings => "Findings",
            Self::Due => "By date, within 14 days",
        }
    }

    pub(super) fn is_table(self) -> bool {
        matches!(self, Self::Actions(_))
    }
}

/// How much a reader misses when a row is left out; the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gravity {
    Error,
    /// It makes an administrator, changes an address or cannot be undone.
    First,
    Removal,
    Other,
    Warning,
    Date,
    Note,
}

/// The order in which rows get their room: this change before what is not its doing, what will happen before what waits or is
/// held, and then by gravity.
pub(super) type Rank = (bool, Standing, Gravity);

/// Whether it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Happens,
    Stands,
}

pub(super) struct Row {
    /// Which app; none for what is about the plan as a whole.
    pub app: Option<usize>,
    pub part: Part,
    pub rank: Rank,
    /// Of an action.
    pub verb: Option<Verb>,
    pub text: String,
    /// The line that releases it.
    pub release: Option<String>,
}

impl Row {
    /// A row that no action stands behind.
    fn of_nobody(app: Option<usize>, class: Class, gravity: Gravity, text: String) -> Self {
        let part = Part { whose: Whose::Nobody, class, compared: false };
        // What is found is read with the change, dates and notes after all actions.
        let later = matches!(gravity, Gravity::Date | Gravity::Note);
        let rank = (later, if later { Standing::Stands } else { Standing::Happens }, gravity);
        Self { app, part, rank, verb: None, text, release: None }
    }

    pub(super) fn cost(&self) -> usize {
        self.text.len() + self.release.as_ref().map_or(0, |line| line.len() + 1)
    }
}

pub(super) fn of_actions(index: usize, app: &AppPlan, compared: bool, first: &BTreeSet<&ActionName>) -> Vec<Row> {
    let mut actions: Vec<&Action> = app.actions.iter().collect();
    actions.sort_by(|a, b| (wording::subject(&a.name), &a.name).cmp(&(wording::subject(&b.name), &b.name)));
    let row = |action: &Action| {
        let others = is_of_others(action, compared);
        let first = first.contains(&action.name);
        let whose = match (first, others) {
            (true, _) => Whose::First,
            (false, true) => Whose::Others,
            (false, false) => Whose::Change,
        };
        Row {
            // What stands above the apps names its own.
            app: (!first).then_some(index),
            part: Part { whose, class: Class::Actions(action.status), compared },
            rank: rank(action, others),
            verb: Some(action.name.verb),
            text: action_row(action, first, others),
            release: action.held.as_ref().and_then(|held| held.release.clone()),
        }
    };
    actions.into_iter().map(row).collect()
}

/// Whether it is not the doing of the change under review.
fn is_of_others(action: &Action, compared: bool) -> bool {
    compared && action.cause != Some(Cause::Change)
}

fn rank(action: &Action, others: bool) -> Rank {
    let standing = if action.status == Status::Ready { Standing::Happens } else { Standing::Stands };
    (others, standing, gravity(action))
}

/// The actions that stand above the apps: all of the change that nobody should miss, and so many more of it that there are
/// `at_least` so many.
pub(super) fn first<'a>(apps: &[&'a AppPlan], compared: bool, at_least: usize) -> BTreeSet<&'a ActionName> {
    let ours = apps.iter().flat_map(|app| &app.actions).filter(|action| !is_of_others(action, compared));
    let (grave, mut others): (Vec<&Action>, Vec<&Action>) = ours.partition(|action| action.weighs_most());
    others.sort_by_key(|action| (rank(action, false), wording::subject(&action.name), &action.name));
    // What is gained is as much to be approved as what is lost, so that neither stands there alone.
    let (mut losses, mut gains) = (0, 0);
    let mut in_turn = |action: &Action| {
        let turn = if gravity(action) == Gravity::Removal { &mut losses } else { &mut gains };
        *turn += 1;
        *turn
    };
    others.sort_by_cached_key(|action| in_turn(action));
    let more = at_least.saturating_sub(grave.len());
    grave.into_iter().chain(others.into_iter().take(more)).map(|action| &action.name).collect()
}

fn gravity(action: &Action) -> Gravity {
    if action.weighs_most() {
        Gravity::First
    } else if action.reduces_access || action.name.verb.sign() == "-" {
        Gravity::Removal
    } else {
        Gravity::Other
    }
}

fn action_row(action: &Action, names_app: bool, others: bool) -> String {
    let name = &action.name;
    let mut what: Vec<String> = rows::parts(action).iter().map(part).collect();
    what.extend(action.cause.filter(|_| others).map(|cause| wording::cause(cause).to_owned()));
    let mut cell = what.join(" · ");
    for sentence in why_not(action) {
        if !cell.is_empty() {
            cell.push_str("<br>");
        }
        cell.push_str(&sentence);
    }
    let places: Vec<String> = rows::places(action).iter().map(|place| self::place(place)).collect();
    let mut who = code(&wording::cut(wording::subject(name)));
    if name.account.is_none() {
        who += " (group)";
    }
    if names_app {
        who += &format!("<br>in {}", code(&name.app));
    }
    let status = match action.status {
        Status::Ready => "",
        // Beside others, which may be of another status.
        _ if names_app => &format!("**{}** ", <&str>::from(action.status)),
        _ => "",
    };
    format!("| {status}{} {} | {who} | {cell} | {} |\n", sign(name.verb), name.verb, places.join("<br>"))
}

/// A line, and behind it whether it is there no more.
fn place(place: &str) -> String {
    match place.strip_suffix(" (removed)") {
        Some(place) => code(place) + " (removed)",
        None => code(place),
    }
}

fn part(part: &rows::Part<'_>) -> String {
    match part {
        rows::Part::Live(account) => {
            let (address, id) = rows::live(account);
            let address = address.map(|address| code(address) + ", ").unwrap_or_default();
            format!("**live as** {address}id {}", code(id))
        }
        rows::Part::Group(group) => code(&wording::cut(group)),
        rows::Part::Field(field) => change(field),
        rows::Part::Why(reason) => prose(reason),
        rows::Part::Says(text, rows::Tone::Alarm) => format!("**{text}**"),
        rows::Part::Says(text, _) => text.clone(),
    }
}

/// A sign that stays one in a cell.
fn sign(verb: Verb) -> &'static str {
    match verb.sign() {
        "+" => "➕",
        "~" => "✏️",
        _ => "❌",
    }
}

fn why_not(action: &Action) -> Vec<String> {
    let mut sentences = Vec::new();
    let reason = action.obstacle().map(sentence).unwrap_or_default();
    match &action.held {
        Some(held) => {
            let colon = if reason.is_empty() { "" } else { ": " };
            sentences.push(format!("**{}**{colon}{reason}", held.guard));
            sentences.extend(held.repair.as_deref().map(|repair| format!("What to do: {}", sentence(repair))));
            if !held.also.is_empty() {
                let also: Vec<&str> = held.also.iter().map(|guard| guard.as_str()).collect();
                sentences.push(format!("Then still held by {}", also.join(", ")));
            }
        }
        None if !reason.is_empty() => sentences.push(reason),
        None => {}
    }
    sentences
}

fn change(change: &Change) -> String {
    let value = |value: &Option<FieldValue>| {
        let value = value.as_ref().filter(|value| !wording::is_empty(value));
        value.map_or_else(|| "none".to_owned(), |value| code(&wording::cut(&wording::value(value))))
    };
    // A box around every word would leave none that stands out.
    let field = prose(&change.field);
    match &change.from {
        None => format!("{field}: {}", value(&change.to)),
        from => format!("{field}: {} → {}", value(from), value(&change.to)),
    }
}

fn sentence(text: &str) -> String {
    if text.len() <= SENTENCE {
        return prose(text);
    }
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= SENTENCE).last().unwrap_or(0);
    prose(&text[..end]) + "…"
}

pub(super) fn of_findings(app: Option<usize>, findings: Vec<&Finding>) -> Vec<Row> {
    let row = |finding: &Finding| {
        let (word, gravity) = match finding.severity {
            Severity::Error => ("**error**", Gravity::Error),
            Severity::Warning => ("**warning**", Gravity::Warning),
            Severity::Note => ("note", Gravity::Note),
        };
        let subject = finding.account.as_deref().or(finding.group.as_deref());
        let subject = subject.filter(|subject| !finding.message.contains(*subject));
        let subject = subject.map(|subject| code(subject) + ": ").unwrap_or_default();
        let text = format!("- {word}: {subject}{}{}\n", sentence(&finding.message), places(&finding.because));
        Row::of_nobody(app, Class::Findings, if app.is_none() { Gravity::Error } else { gravity }, text)
    };
    findings.into_iter().map(row).collect()
}

pub(super) fn of_due(index: usize, due: &[Due]) -> Vec<Row> {
    let row = |one: &Due| {
        let group = one.group.as_deref().map(|group| format!(" in {}", code(group))).unwrap_or_default();
        let (day, what, account) = (wording::day(one), <&str>::from(one.what), code(&one.account));
        let text = format!("- {day} **{what}** {account}{group}{}\n", places(&one.because));
        Row::of_nobody(Some(index), Class::Due, Gravity::Date, text)
    };
    wording::sorted(due).into_iter().map(row).collect()
}

fn places(places: &[Place]) -> String {
    Place::together(places).iter().map(|place| format!(" {}", code(place))).collect()
}
