//! `rosterd why EMAIL --at DATE`: what a person really had then, from what was seen.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    Style,
    canvas::{Canvas, Line, Paint, name_column},
    json, wording,
};
use crate::{
    model::{AccountStatus, ActionName, Email},
    store::{AppKey, Entry, Holding, HoldingGroup, SeenValues, Standing},
};

/// What a person had.
#[derive(Debug, Clone)]
pub struct Past {
    /// The person, as they are called here.
    pub email: Email,
    /// When.
    pub at: Timestamp,
    /// In which days and hours are told.
    pub zone: TimeZone,
    /// The accounts there were under any of the person's addresses, and what we did that was not read back by then.
    pub standing: Standing,
    /// Apps that had been read by then and showed none.
    pub without: Vec<Arc<str>>,
    /// Apps of which it is not known, because no reading had shown all accounts by then.
    pub unread: Vec<Arc<str>>,
}

/// The answer for people.
pub fn text(past: &Past, style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    let line = Line::new().whole(Paint::Strong, past.email.as_str()).plain(" at ");
    canvas.paragraph(
        0,
        &line.whole(Paint::Plain, wording::moment(past.at, &past.zone)).plain(", by what had been seen until then"),
    );
    for key in past.apps() {
        canvas.rule(Line::new().whole(Paint::Strong, &*key.app));
        past.standing.holdings.iter().filter(|holding| holding.key == *key).for_each(|holding| {
            draw(&mut canvas, past, holding);
        });
        past.unread_of(key).for_each(|entry| draw_unread(&mut canvas, past, entry));
    }
    canvas.gap();
    if past.apps().is_empty() && past.without.is_empty() && past.unread.is_empty() {
        canvas.say(Paint::Plain, "No app had shown an account of this person.");
    }
    if !past.without.is_empty() {
        canvas
            .paragraph(0, &Line::new().plain("No account in ").whole(Paint::Plain, past.without.join(", ")).plain("."));
    }
    if !past.unread.is_empty() {
        let line = Line::new().text(Paint::Notice, "Not known of ").whole(Paint::Plain, past.unread.join(", "));
        canvas.paragraph(0, &line.plain(": not all accounts there had been read by then."));
    }
    canvas.finish()
}

fn draw(canvas: &mut Canvas, past: &Past, holding: &Holding) {
    let column = name_column(holding.groups.iter().map(|group| &*group.name));
    let status = Line::new().whole(paint(&holding.status), holding.status.to_string());
    let line = Line::list([status, values(&holding.values)]);
    let line = line.text(Paint::Dim, ", since ").whole(Paint::Dim, wording::moment(holding.since, &past.zone));
    canvas.hanging(&Line::new().pad_to(2).whole(Paint::Strong, "account").pad_to(column), &line);
    let mut id = Line::new().text(Paint::Dim, format!("id {}", holding.account));
    if holding.email.as_str() != past.email.as_str() {
        id = id.text(Paint::Dim, format!(", as {}", holding.email));
    }
    canvas.paragraph(column, &id);
    for group in &holding.groups {
        draw_group(canvas, past, column, group);
    }
}

/// A change of ours that the readings did not show yet, so that it rests on the app's answer alone.
fn draw_unread(canvas: &mut Canvas, past: &Past, entry: &Entry) {
    let Some(action) = entry.entry.event.action() else { return };
    let (verb, name) = (action.deed.verb, entry.action_name().as_ref().map(ActionName::to_string));
    let line = Line::new()
        .text(Paint::Notice, "by our own change of ")
        .whole(Paint::Notice, wording::moment(entry.entry.at, &past.zone))
        .text(Paint::Notice, ", not read back since: ");
    let line = line.whole(wording::paint(verb), verb.sign()).plain(" ");
    canvas.paragraph(2, &line.whole(Paint::Plain, name.unwrap_or_default()));
}

fn draw_group(canvas: &mut Canvas, past: &Past, column: usize, group: &HoldingGroup) {
    let mut line = values(&group.values);
    if group.status != AccountStatus::Active || line.is_empty() {
        let status = if group.status == AccountStatus::Active { "member".into() } else { group.status.to_string() };
        line = Line::list([Line::new().whole(paint(&group.status), status), line]);
    }
    let line = line.text(Paint::Dim, ", since ").whole(Paint::Dim, wording::moment(group.since, &past.zone));
    let head = canvas.name(&group.name, column);
    canvas.hanging(&head, &line);
}

fn values(values: &SeenValues) -> Line {
    Line::list(values.iter().filter_map(|(field, value)| Some(wording::field(field, value.as_ref()?))))
}

fn paint(status: &AccountStatus) -> Paint {
    match status {
        AccountStatus::Active => Paint::Add,
        AccountStatus::Pending => Paint::Notice,
        AccountStatus::Inactive => Paint::Remove,
        AccountStatus::Unknown(_) => Paint::Change,
    }
}

impl Past {
    /// The apps of which there is something to say.
    pub fn apps(&self) -> BTreeSet<&AppKey> {
        let held = self.standing.holdings.iter().map(|holding| &holding.key);
        held.chain(self.standing.unread.iter().filter_map(|entry| entry.key.as_ref())).collect()
    }

    /// Whether there is an account in an app, or may be one by what we did last.
    pub fn may_have(&self, key: &AppKey) -> bool {
        let held = self.standing.holdings.iter().any(|holding| holding.key == *key);
        held || self.unread_of(key).any(|entry| entry.entry.event.action().is_some_and(|action| action.deed.gains))
    }

    fn unread_of<'a, 'k>(&'a self, key: &'k AppKey) -> impl Iterator<Item = &'a Entry> + use<'a, 'k> {
        self.standing.unread.iter().filter(move |entry| entry.key.as_ref() == Some(key))
    }
}

/// The answer as JSON. `changes` are our own ones that were not read back by then; `accounts` shows what they did to
/// accounts that were seen before.
pub fn to_json(past: &Past) -> String {
    json::print(&json!({
        "version": 1,
        "email": past.email.as_str(),
        "at": past.at,
        "accounts": past.standing.holdings,
        "changes": past.standing.unread.iter().map(change_wire).collect::<Value>(),
        "without": past.without,
        "unread": past.unread,
    }))
}

fn change_wire(entry: &Entry) -> Value {
    json!({
        "app": entry.key.as_ref().map(|key| &key.app),
        "at": entry.entry.at,
        "action": entry.action_name(),
        "run": entry.entry.run,
        "seq": entry.seq,
    })
}
