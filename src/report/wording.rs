//! How reports spell numbers, times, verbs and places.

use std::{borrow::Cow, collections::BTreeSet, fmt::Display};

use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::canvas::{Canvas, Line, Paint};
use crate::model::{
    Action, ActionName, AppPlan, Cause, Change, Due, DueWhat, FieldValue, Forecast, Guard, Place, Plan, Verb, grouped,
    last_day,
};

/// Longer texts are cut where they would take the room of what stands beside them.
pub(super) const LONGEST: usize = 160;

/// The text, or its beginning.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]).into(),
        None => text.into(),
    }
}

/// `9,812`.
pub(super) fn number(n: impl Display) -> String {
    grouped(n)
}

/// `1 request`, `41 requests`.
pub(super) fn count<N: Display + PartialEq + From<u8>>(n: N, one: &str, many: &str) -> String {
    let word = if n == N::from(1) { one } else { many };
    format!("{} {word}", number(n))
}

/// Counts the rest of a list.
pub(super) fn and_more(canvas: &Canvas, count: usize) -> String {
    format!("{} and {} more", canvas.glyph("…", "..."), number(count))
}

/// `28 s`, `2 min 28 s`, `3 h 5 min`, `2 d 4 h`: the two largest units, which is as exact as a forecast is.
pub fn duration(seconds: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let first = UNITS.iter().position(|(_, size)| seconds >= *size).unwrap_or(UNITS.len() - 1);
    let (unit, size) = UNITS[first];
    let mut text = format!("{} {unit}", seconds / size);
    if let Some((unit, small)) = UNITS.get(first + 1)
        && seconds % size / small > 0
    {
        text.push_str(&format!(" {} {unit}", seconds % size / small));
    }
    text
}

/// The day on which something happened.
pub(super) fn date(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).date().to_string()
}

/// An instant to the minute: `2026-11-20 14:02 CET`.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// The day something begins, or the instant when it does not begin with a day.
pub(super) fn begins(at: Timestamp, zone: &TimeZone) -> String {
    midnight(at, zone).map_or_else(|| moment(at, zone), |day| day.date().to_string())
}

/// The last day something holds when it ends with a day, else the instant it ends.
pub(super) fn ends(at: Timestamp, zone: &TimeZone) -> String {
    last_day(&at.to_zoned(zone.clone()))
}

/// The instant, where a day begins with it.
fn midnight(at: Timestamp, zone: &TimeZone) -> Option<Zoned> {
    let zoned = at.to_zoned(zone.clone());
    zoned.start_of_day().is_ok_and(|start| start == zoned).then_some(zoned)
}

/// The day of something that comes by itself: the last one, of something that ends.
pub(super) fn day(due: &Due) -> String {
    let (at, zone) = (due.at.timestamp(), due.at.time_zone());
    if due.what == DueWhat::Ends { ends(at, zone) } else { begins(at, zone) }
}

/// The sign's colour.
pub(super) fn paint(verb: Verb) -> Paint {
    match verb.sign() {
        "+" => Paint::Add,
        "~" => Paint::Change,
        _ => Paint::Remove,
    }
}

/// What made an action necessary.
pub(super) fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Change => "by this change",
        Cause::Drift => "drift",
        Cause::Time => "a date passed",
    }
}

/// The sign and the verb: `+ create`.
pub(super) fn signed(verb: Verb) -> String {
    format!("{} {verb}", verb.sign())
}

/// The group of a membership, beside its account.
pub(super) fn group(name: &ActionName) -> Option<&str> {
    name.group.as_deref().filter(|_| name.account.is_some())
}

/// The same things in order.
pub(super) fn sorted<'a, T: Ord>(things: impl IntoIterator<Item = &'a T>) -> Vec<&'a T> {
    let mut things: Vec<&T> = things.into_iter().collect();
    things.sort();
    things
}

/// The apps of a plan, by name.
pub(super) fn apps(plan: &Plan) -> Vec<&AppPlan> {
    let mut apps: Vec<&AppPlan> = plan.apps.iter().collect();
    apps.sort_by(|a, b| a.app.cmp(&b.app));
    apps
}

/// The actions of an app, by name.
pub(super) fn actions(app: &AppPlan) -> Vec<&Action> {
    let mut actions: Vec<&Action> = app.actions.iter().collect();
    actions.sort_by(|a, b| a.name.cmp(&b.name));
    actions
}

/// What all apps take together, which are worked at beside each other.
pub(super) fn total(plan: &Plan) -> Forecast {
    Forecast {
        requests: plan.apps.iter().map(|app| app.forecast.requests).sum(),
        seconds: plan.apps.iter().map(|app| app.forecast.seconds).max().unwrap_or(0),
        seats: None,
    }
}

/// What changes, roles first: what someone may do is what reviewers look for.
pub(super) fn changes(action: &Action) -> Vec<&Change> {
    let mut changes: Vec<&Change> = action.changes.iter().collect();
    changes.sort_by_key(|change| (!matches!(&*change.field, "role" | "roles"), *change));
    changes
}

/// Whom or what an action is about: the account, or the group when the action is on the group itself.
pub(super) fn subject(name: &ActionName) -> &str {
    name.account.as_deref().or(name.group.as_deref()).unwrap_or(&name.app)
}

/// A value as a person reads it: sets in brackets, texts that would be misread in quotes.
pub(super) fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Set(set) if set.len() == 1 => set.iter().map(|text| quoted(text)).collect(),
        FieldValue::Set(set) => {
            let texts: Vec<String> = set.iter().map(|text| quoted(text)).collect();
            format!("[{}]", texts.join(", "))
        }
        FieldValue::Text(text) => quoted(text),
        FieldValue::Flag(_) | FieldValue::Number(_) => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let misread = text.is_empty()
        || text != text.trim()
        || text == "none"
        || text.chars().any(|c| c.is_control() || matches!(c, ',' | '[' | ']' | '"' | '·' | '→'));
    if misread { format!("{text:?}") } else { text.into() }
}

/// Whether a set has nothing in it.
pub(super) fn is_empty(value: &FieldValue) -> bool {
    matches!(value, FieldValue::Set(set) if set.is_empty())
}

/// A field and its value: `role: admin`.
pub(super) fn field(field: &str, of: &FieldValue) -> Line {
    Line::new().whole(Paint::Dim, format!("{field}: ")).whole(Paint::Plain, value(of))
}

/// A change of a field as a plain text: `role: user → admin`.
pub(super) fn change_text(change: &Change) -> String {
    let of = |side: &Option<FieldValue>| {
        side.as_ref().filter(|value| !is_empty(value)).map_or_else(|| "none".to_owned(), value)
    };
    let from = change.from.as_ref().map(|_| format!("{} → ", of(&change.from))).unwrap_or_default();
    format!("{}: {from}{}", change.field, of(&change.to))
}

/// Old and new value of a field.
pub(super) fn change(change: &Change, arrow: &str) -> Line {
    /// A shorter change is not worth breaking in two.
    const SHORT: usize = 32;
    let none = |line: Line| line.whole(Paint::Dim, "none");
    let to = |line: Line| match &change.to {
        Some(to) if !is_empty(to) => line.whole(Paint::Add, value(to)),
        _ => none(line),
    };
    let line = Line::new().whole(Paint::Dim, format!("{}: ", change.field));
    match (&change.from, &change.to) {
        (None, None) => none(line),
        (None, Some(new)) if is_empty(new) => none(line),
        (None, Some(new)) => line.whole(Paint::Plain, value(new)),
        (Some(from), _) => {
            let line = if is_empty(from) { none(line) } else { line.whole(Paint::Remove, value(from)) };
            let short = to(line.clone().whole(Paint::Dim, format!(" {arrow} ")));
            if short.width() <= SHORT { short } else { to(line.text(Paint::Dim, format!(" {arrow} "))) }
        }
    }
}

/// Places that were written down as texts, the lines of each file together. What is no place stays as it is.
pub(super) fn together(places: &[String]) -> Vec<String> {
    match places.iter().map(|place| place.parse()).collect::<Result<Vec<Place>, _>>() {
        Ok(parsed) => Place::together(&parsed),
        Err(_) => places.to_vec(),
    }
}

/// What nobody could look at because nothing is known of the past.
pub(super) fn unchecked(plan: &Plan) -> Option<String> {
    // Guards are about actions: where there are none, nothing was left unchecked.
    let mut actions = plan.apps.iter().flat_map(|app| &app.actions).peekable();
    actions.peek()?;
    let guards: BTreeSet<Guard> = plan.guards_unchecked.iter().copied().collect();
    if guards.is_empty() {
        return None;
    }
    let guards: Vec<&str> = guards.into_iter().map(Guard::as_str).collect();
    let mut text =
        format!("No earlier run is on record, so that these guards judge by this one alone: {}.", guards.join(", "));
    if actions.any(|action| !action.approved_by.is_empty()) {
        text.push_str(" Nor is it known whether an approval was used up.");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        for (seconds, text) in
            [(0, "0 s"), (28, "28 s"), (60, "1 min"), (148, "2 min 28 s"), (3_605, "1 h"), (90_061, "1 d 1 h")]
        {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn an_end_at_midnight_is_told_as_the_last_day() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(ends(at("2027-11-30T23:00:00Z"), &zone), "2027-11-30");
        assert_eq!(begins(at("2026-11-30T23:00:00Z"), &zone), "2026-12-01");
        assert_eq!(ends(at("2027-11-30T12:30:00Z"), &zone), "2027-11-30 13:30 CET");
    }

    #[test]
    fn values_that_could_be_misread_are_quoted() {
        assert_eq!(value(&"a, b".into()), "\"a, b\"");
        assert_eq!(value(&"".into()), "\"\"");
        assert_eq!(value(&"none".into()), "\"none\"");
        assert_eq!(value(&FieldValue::Set(["b".into(), "a".into()].into())), "[a, b]");
    }

    #[test]
    fn lines_of_one_file_are_named_together() {
        let places = [Place::new("b.yaml", 2, 1), Place::new("a.yaml", 14, 1), Place::new("a.yaml", 9, 1)];
        assert_eq!(Place::together(&places), ["a.yaml:9,14", "b.yaml:2"]);
        let texts = ["b.yaml:2", "a.yaml:14", "a.yaml:9", "b.yaml:2"].map(str::to_owned);
        assert_eq!(together(&texts), ["a.yaml:9,14", "b.yaml:2"]);
        assert_eq!(together(&["by hand".to_owned()]), ["by hand"]);
    }
}
