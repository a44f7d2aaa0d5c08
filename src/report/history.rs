//! `rosterd history`: what was done, when, with what result and because of which lines.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;

use super::{
    Style,
    canvas::{Canvas, Line, Paint},
    json, wording,
};
use crate::{
    model::{ActionName, short_commit},
    store::{ActionEntry, AppKey, Ending, Entry, Event, NewEntry, Run, RunEnding, Verified},
};

/// What is shown.
#[derive(Debug, Clone)]
pub struct History {
    /// The store; none where there is none yet.
    pub store: Option<String>,
    /// What was done, oldest first.
    pub chapters: Vec<Chapter>,
    /// In which days and hours are told.
    pub zone: TimeZone,
    /// There is more that is older.
    pub more: bool,
}

/// A run, and what of it is shown.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// The run; none for entries that belong to none.
    pub run: Option<Run>,
    /// What was done, oldest first.
    pub entries: Vec<Entry>,
}

/// Columns for the time of day and the sign before an action.
const TIME: usize = 2 + "14:02:11".len() + 2;

/// The history for people.
pub fn text(history: &History, style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    if history.more {
        let line = Line::new().text(Paint::Dim, "There is more that is older: `--limit N` shows more of it.");
        canvas.paragraph(0, &line);
    }
    // A daemon that finds nothing to do has runs in plenty.
    for alike in history.chapters.chunk_by(|a, b| a.is_quiet() && b.is_quiet()) {
        match alike {
            [first, .., last] if first.is_quiet() => draw_quiet(&mut canvas, history, alike.len(), last),
            chapters => chapters.iter().for_each(|chapter| draw(&mut canvas, history, chapter)),
        }
    }
    if history.chapters.is_empty() {
        canvas.say(Paint::Plain, "Nothing that fits was done.");
    }
    canvas.finish()
}

impl Chapter {
    /// A run that ended well and changed nothing.
    fn is_quiet(&self) -> bool {
        let done =
            |run: &Run| run.ended.as_ref().is_some_and(|(_, end)| end.how == RunEnding::Done && end.message.is_none());
        self.entries.is_empty() && self.run.as_ref().is_some_and(done)
    }
}

fn draw_quiet(canvas: &mut Canvas, history: &History, count: usize, last: &Chapter) {
    canvas.gap();
    let at = last.run.as_ref().map(|run| wording::moment(run.started_at, &history.zone)).unwrap_or_default();
    let mark = canvas.glyph("· ", ". ");
    let text = format!("{mark}{} that changed nothing, the last at {at}", wording::count(count, "run", "runs"));
    canvas.say(Paint::Dim, text);
}

fn draw(canvas: &mut Canvas, history: &History, chapter: &Chapter) {
    match &chapter.run {
        Some(run) => draw_run(canvas, history, run),
        None => canvas.rule(Line::new().whole(Paint::Strong, "Outside of the runs shown here")),
    }
    let mut day = chapter.run.as_ref().map(|run| wording::date(run.started_at, &history.zone));
    for entry in &chapter.entries {
        let today = wording::date(entry.entry.at, &history.zone);
        if day.as_ref() != Some(&today) {
            canvas.paragraph(2, &Line::new().text(Paint::Dim, format!("{today}:")));
            day = Some(today);
        }
        draw_entry(canvas, history, entry);
    }
}

fn draw_run(canvas: &mut Canvas, history: &History, run: &Run) {
    let begun = &run.begun;
    let title = Line::new()
        .whole(Paint::Strong, wording::moment(run.started_at, &history.zone))
        .plain("  ")
        .whole(Paint::Strong, &begun.command)
        .plain("  ");
    let title = match &run.ended {
        None => title.whole(Paint::Notice, "no end: cut off, or under way"),
        Some((at, end)) => {
            let took = at.duration_since(run.started_at).as_secs();
            let took = u64::try_from(took).map(wording::duration).unwrap_or_default();
            let paint = if end.how == RunEnding::Done { Paint::Add } else { Paint::Remove };
            title.whole(paint, end.how.as_str()).whole(Paint::Plain, format!(", {took}"))
        }
    };
    canvas.rule(title);
    let mut facts = Line::new().text(Paint::Dim, "run ").whole(Paint::Dim, &*run.id);
    facts = facts.text(Paint::Dim, format!(" on {}, process {}", begun.host, begun.pid));
    if let Some(commit) = &begun.commit {
        facts = facts.text(Paint::Dim, ", commit ").whole(Paint::Dim, short_commit(commit));
    }
    canvas.paragraph(2, &facts);
    let Some((_, end)) = &run.ended else { return };
    let counts: Vec<String> = end.counts.iter().filter(|(_, n)| **n > 0).map(|(how, n)| format!("{n} {how}")).collect();
    if !counts.is_empty() {
        canvas.paragraph(2, &Line::new().plain(counts.join(", ")));
    } else if end.how == RunEnding::Done {
        canvas.paragraph(2, &Line::new().text(Paint::Dim, "nothing was done"));
    }
    if let Some(message) = &end.message {
        canvas.paragraph(2, &Line::new().prose(Paint::Plain, message));
    }
}

fn draw_entry(canvas: &mut Canvas, history: &History, entry: &Entry) {
    let time = entry.entry.at.to_zoned(history.zone.clone()).strftime("%H:%M:%S").to_string();
    let head = Line::new().pad_to(2).whole(Paint::Dim, time).pad_to(TIME);
    match &entry.entry.event {
        Event::Action(action) => draw_action(canvas, head, entry, action),
        event => {
            let head = head.pad_to(TIME + 2);
            let (about, message) = told(entry, event, &history.zone);
            canvas.hanging(&head, &Line::new().whole(Paint::Strong, about));
            if let Some(message) = message {
                canvas.paragraph(head.width(), &Line::new().prose(Paint::Plain, &message));
            }
        }
    }
}

fn draw_action(canvas: &mut Canvas, head: Line, entry: &Entry, action: &ActionEntry) {
    let deed = &action.deed;
    let head = head.whole(wording::paint(deed.verb), deed.verb.sign()).plain(" ");
    let name = entry.action_name().as_ref().map(ActionName::to_string).unwrap_or_default();
    let mut line = Line::new().whole(Paint::Strong, name);
    if action.ending != Ending::Done {
        line = line.plain(": ").whole(paint(action.ending), action.ending.as_str());
    }
    if let Some(live) = &deed.live {
        line = line.text(Paint::Alarm, ", live as ").whole(Paint::Alarm, live);
    }
    let arrow = canvas.glyph("→", "->");
    for change in &deed.changes {
        line = line.plain(", ").then(wording::change(change, arrow));
    }
    if let Some(reason) = &deed.reason {
        line = line.plain(", ").text(Paint::Plain, reason);
    }
    if action.by_looking {
        line = line.text(Paint::Dim, ", found by looking");
    }
    canvas.hanging(&head, &line.then(because(canvas, &deed.because)));
    if let Some(message) = &action.message {
        canvas.paragraph(head.width(), &Line::new().prose(Paint::Plain, message));
    }
    let failed = matches!(action.ending, Ending::Failed | Ending::Unknown);
    if let Some(request) = action.request.as_ref().filter(|_| failed) {
        let status = action.status.map(|status| format!(": {status}")).unwrap_or_default();
        canvas.paragraph(head.width(), &Line::new().whole(Paint::Dim, format!("{request}{status}")));
    }
}

/// What an entry is about that is about no action, and what it says.
fn told(entry: &Entry, event: &Event, zone: &TimeZone) -> (String, Option<String>) {
    let app = entry.key.as_ref().map(|key| key.app.clone());
    match event {
        Event::Note(note) => {
            let parts: Vec<_> = app.iter().chain(&note.account).chain(&note.people).map(|part| &**part).collect();
            (parts.join(" "), note.message.clone())
        }
        Event::Migrated(migrated) => {
            let how =
                migrated.broken.as_ref().map(|found| format!(" It was broken: entry {}: {}.", found.seq, found.why));
            let entries = wording::count(migrated.entries, "entry", "entries");
            let message = format!("It had {entries}, and its head was {}.{}", migrated.head, how.unwrap_or_default());
            ("the ledger was rewritten by a newer rosterd".into(), Some(message))
        }
        Event::Forgot(forgot) => {
            let count = wording::count(forgot.entries.len(), "entry", "entries");
            ("a person was forgotten".into(), Some(format!("Values of {count} were deleted.")))
        }
        Event::Pruned(pruned) => {
            let entries = wording::count(pruned.deleted, "entry", "entries");
            let message =
                format!("{entries} up to entry {} were deleted; the ledger begins behind it.", pruned.through);
            ("old entries were deleted".into(), Some(message))
        }
        Event::Paused(paused) => {
            let until = wording::moment(paused.until, zone);
            let leavers = if paused.holds_leavers { ", also for people who left" } else { "" };
            let message = format!("By {}, until {until}{leavers}: {}", paused.by, paused.reason);
            (format!("{} paused", subject(app.as_deref())), Some(message))
        }
        Event::Resumed(resumed) => (
            format!("the pause of {} ended", app.as_deref().unwrap_or("all apps")),
            Some(format!("By {}.", resumed.by)),
        ),
        Event::Renamed(renamed) => {
            let AppKey { app: was, origin } = &renamed.was;
            let message =
                format!("It shows the accounts of {was} at {origin}, whose history, caps and claims go on here.");
            (format!("{} was recognized", app.as_deref().unwrap_or("an app")), Some(message))
        }
        other => (other.kind().into(), None),
    }
}

/// `studio was`, `all apps were`.
fn subject(app: Option<&str>) -> String {
    app.map_or_else(|| "all apps were".to_owned(), |app| format!("{app} was"))
}

fn because(canvas: &Canvas, because: &[String]) -> Line {
    if because.is_empty() {
        return Line::new();
    }
    let arrow = canvas.glyph("← ", "<- ");
    let places = wording::together(because).join(", ");
    let line = Line::new().text(Paint::Dim, " ").whole(Paint::Dim, arrow);
    // Together on a line of their own, unless they need more than one.
    if TIME + 4 + places.len() <= canvas.style.width {
        line.whole(Paint::Dim, places)
    } else {
        line.text(Paint::Dim, places)
    }
}

fn paint(ending: Ending) -> Paint {
    match ending {
        Ending::Done => Paint::Add,
        Ending::Failed | Ending::Unknown => Paint::Remove,
        Ending::Manual => Paint::Notice,
        Ending::Skipped | Ending::Stale | Ending::NotStarted => Paint::Change,
    }
}

/// The history as JSON: runs and entries. Of an entry, what has no value is left out.
pub fn to_json(history: &History) -> String {
    let runs = history.chapters.iter().filter_map(|chapter| chapter.run.as_ref());
    let entries = history.chapters.iter().flat_map(|chapter| &chapter.entries);
    json::print(&json!({
        "version": 1,
        "store": history.store,
        "more": history.more,
        "runs": runs.map(run_wire).collect::<Vec<_>>(),
        "entries": entries.map(entry_wire).collect::<Vec<_>>(),
    }))
}

fn run_wire(run: &Run) -> serde_json::Value {
    let begun = &run.begun;
    let ended = run.ended.as_ref();
    json!({
        "id": run.id,
        "command": begun.command,
        "started_at": run.started_at,
        "commit": begun.commit,
        "fingerprint": begun.fingerprint,
        "host": begun.host,
        "pid": begun.pid,
        "ended": ended.map(|(at, end)| json!({ "at": at, "how": end.how, "message": end.message, "counts": end.counts })),
    })
}

#[derive(Serialize)]
struct EntryWire<'a> {
    seq: u64,
    app: Option<&'a str>,
    origin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<ActionName>,
    #[serde(flatten)]
    entry: &'a NewEntry,
    prev: &'a str,
    hash: &'a str,
}

fn entry_wire(entry: &Entry) -> EntryWire<'_> {
    let (app, origin) = entry.key.as_ref().map(|key| (&*key.app, &*key.origin)).unzip();
    let (action, Entry { seq, prev, hash, entry, .. }) = (entry.action_name(), entry);
    EntryWire { seq: *seq, app, origin, action, entry, prev, hash }
}

/// Whether the ledger is whole, for people.
pub fn verified_text(store: &str, verified: &Verified, style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    match verified {
        // That nothing is wrong with nothing proves nothing.
        Verified::Whole { entries: 0, .. } => {
            let line = Line::new().text(Paint::Notice, "The ledger is empty").plain(" in ").whole(Paint::Plain, store);
            canvas.paragraph(0, &line.plain(": it has no entries, so that there is nothing to check."));
            let text = "If anything was ever done with this store, it was emptied, or this is another one.";
            canvas.say(Paint::Plain, text);
        }
        Verified::Whole { entries, head } => {
            let line = Line::new().text(Paint::Add, "The ledger is whole").plain(" in ").whole(Paint::Plain, store);
            canvas.paragraph(0, &line.plain(format!(": {}.", wording::count(*entries, "entry", "entries"))));
            canvas.paragraph(0, &Line::new().plain("Its head is ").whole(Paint::Code, head).plain("."));
            let text = "Keep the head somewhere else: a ledger that is whole and has it still, at that number of entries, \
                    was neither cut off nor written anew.";
            canvas.say(Paint::Dim, text);
        }
        Verified::Broken { seq, why } => {
            let line = Line::new().text(Paint::Alarm, "The ledger is broken").plain(" in ").whole(Paint::Plain, store);
            let line = match seq {
                Some(seq) => line.plain(", first at entry ").whole(Paint::Strong, seq.to_string()),
                None => line.plain(", beside its entries"),
            };
            canvas.paragraph(0, &line.plain(": "));
            canvas.paragraph(2, &Line::new().plain(why).plain("."));
            let text = "Keep a copy of the store as it is, find out who can write to it, and compare with a backup.";
            canvas.say(Paint::Plain, text);
        }
    }
    canvas.finish()
}

/// The same as JSON.
pub fn verified_json(store: &str, verified: &Verified) -> String {
    let (whole, entries, head, seq, why) = match verified {
        Verified::Whole { entries, head } => (true, Some(*entries), Some(&**head), None, None),
        Verified::Broken { seq, why } => (false, None, None, *seq, Some(&**why)),
    };
    json::print(&json!({
        "version": 1,
        "store": store,
        "whole": whole,
        "entries": entries,
        "head": head,
        "broken_at": seq,
        "why": why,
    }))
}
