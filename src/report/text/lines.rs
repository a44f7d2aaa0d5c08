//! Rows of actions: whom it is about, sign, verb, what becomes what, and which line of the files asks for it.
//!
//! Where there is room an account is a column beside its rows, otherwise a heading above them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{Action, Guard, Status, Verb},
    report::{
        canvas::{Canvas, Line, Paint},
        rows::{self, Part, Tone},
        wording,
    },
};

/// From this width on accounts have a column of their own even when some rows take two lines: the usual address, verb,
/// group and place fit beside each other. On narrower terminals they do when everything fits.
const WIDE: usize = 120;
/// Longer addresses stand above their rows even there.
const WIDEST_ACCOUNT: usize = 44;
/// Details in a wider column would tear the place away from what it explains.
const WIDEST_DETAIL: usize = 70;
/// With less room than this for details, places go to a line of their own.
const NARROWEST_DETAIL: usize = 24;
/// Room for a sign, the longest verb and the spaces around them.
const VERB: usize = 17;

/// Rows shown per app and status before the rest is counted instead. More is not read but scrolled past.
const SHOWN: usize = 100;
/// The same for what takes something away, cannot be undone or is held: long enough to hold what a cap lets through in
/// an app of some thousand people.
const SHOWN_GRAVE: usize = 500;
/// Lines that count what is not shown. With more groups than that, only verbs are told apart.
const FOLD_LINES: usize = 12;

/// Actions in the order of reports: what nobody should miss, and then by whom they are about, groups first.
pub(super) fn in_order<'a>(actions: impl Iterator<Item = &'a Action>) -> Vec<&'a Action> {
    let mut actions: Vec<&Action> = actions.collect();
    actions.sort_by(|a, b| key(a).cmp(&key(b)));
    actions
}

fn key(action: &Action) -> (bool, bool, &str, Verb, Option<&str>) {
    let name = &action.name;
    (!action.weighs_most(), name.account.is_some(), wording::subject(name), name.verb, name.group.as_deref())
}

/// What is shown of a list, and how many of which kind are not.
pub(super) struct Folded<'a> {
    pub(super) shown: Vec<&'a Action>,
    pub(super) rest: Vec<&'a Action>,
}

/// Splits a list that is too long to be read. What is to do and nobody should miss is always shown.
pub(super) fn fold<'a>(actions: &[&'a Action]) -> Folded<'a> {
    let (mut plain, mut grave) = (0, 0);
    let (shown, rest) = actions.iter().copied().partition(|action| {
        if action.weighs_most() && action.status != Status::Held {
            return true;
        }
        let (seen, bound) = if is_grave(action) { (&mut grave, SHOWN_GRAVE) } else { (&mut plain, SHOWN) };
        *seen += 1;
        *seen <= bound
    });
    Folded { shown, rest }
}

fn is_grave(action: &Action) -> bool {
    action.status == Status::Held || action.irreversible || action.reduces_access || action.name.verb.sign() == "-"
}

/// What a line that counts tells apart.
type Kind<'a> = (Option<Guard>, Verb, bool, Option<&'a str>);

/// Lines that count what is not shown.
pub(super) fn draw_rest(canvas: &mut Canvas, rest: &[&Action]) {
    let kinds = |by_group: bool| {
        let mut kinds: BTreeMap<Kind<'_>, (usize, BTreeSet<&str>)> = BTreeMap::new();
        for action in rest {
            let guard = action.held.as_ref().map(|held| held.guard);
            let group = wording::group(&action.name);
            let kind = (guard, action.name.verb, action.irreversible, group.filter(|_| by_group));
            let (count, groups) = kinds.entry(kind).or_default();
            *count += 1;
            groups.extend(group);
        }
        kinds
    };
    let mut counts = kinds(true);
    if counts.len() > FOLD_LINES {
        counts = kinds(false);
    }
    let last = counts.len().saturating_sub(1);
    for (i, ((guard, verb, irreversible, group), (count, groups))) in counts.into_iter().enumerate() {
        let mut line =
            Line::new().plain(wording::and_more(canvas, count) + " ").whole(wording::paint(verb), verb.as_str());
        if let Some(group) = group {
            line = line.plain(" in ").whole(Paint::Plain, group);
        } else if !groups.is_empty() {
            line = line.plain(format!(" in {}", wording::count(groups.len(), "group", "groups")));
        }
        if let Some(guard) = guard {
            line = line.plain(" held by ").whole(Paint::Plain, guard.as_str());
        }
        if irreversible {
            line = line.plain(", ").text(Paint::Alarm, "! cannot be undone");
        }
        if i == last {
            line = line.json_shows_all();
        }
        canvas.paragraph(2, &line);
    }
}

/// How many of each verb: `3 create, 5 add-member`.
pub(super) fn tally(actions: &[&Action]) -> Line {
    let mut counts: BTreeMap<Verb, usize> = BTreeMap::new();
    for action in actions {
        *counts.entry(action.name.verb).or_default() += 1;
    }
    let count = |(verb, count): (Verb, usize)| {
        Line::new().whole(wording::paint(verb), format!("{} {verb}", wording::number(count)))
    };
    Line::joined(counts.into_iter().map(count), &Line::new().text(Paint::Dim, ", "))
}

/// The columns of one app's rows.
pub(super) struct Columns {
    /// Width of the column of accounts; `None` when they stand above their rows.
    account: Option<usize>,
    /// The deepest indent at which the column of accounts begins.
    indent: usize,
    detail: usize,
    place: usize,
}

impl Columns {
    /// Columns that suit all rows of an app, drawn behind at most `indent` columns.
    pub(super) fn fit(canvas: &Canvas, indent: usize, actions: &[&Action]) -> Self {
        let width = canvas.style.width;
        let widest = |of: &dyn Fn(&Action) -> usize| actions.iter().map(|action| of(action)).max().unwrap_or(0);
        let accounts = actions.iter().map(|action| heading(action).width());
        let column = accounts.clone().filter(|w| *w <= WIDEST_ACCOUNT).max().unwrap_or(0);
        let details = widest(&|action| detail(canvas, action).width());
        let places = widest(&|action| why(action).width());
        let one_line = indent + accounts.max().unwrap_or(0) + 2 + VERB + details + 2 + places;
        let account = (width >= WIDE || one_line <= width).then_some(column);
        let start = indent + account.map_or(2, |account| account + 2) + VERB;
        // Places of one action share a line where there is room, and stand below each other where there is not.
        let longest = widest(&|action| why(action).longest_atom());
        let place = places.min(width / 4).max(longest).min(width * 2 / 5);
        let room = width.saturating_sub(start + 2 + place);
        let detail = details.min(WIDEST_DETAIL);
        if room < NARROWEST_DETAIL && detail > room {
            return Self { account, indent, detail: width.saturating_sub(start), place: 0 };
        }
        Self { account, indent, detail: detail.min(room), place }
    }

    /// Draws actions that are in order.
    pub(super) fn draw(&self, canvas: &mut Canvas, indent: usize, actions: &[&Action]) {
        for same in actions.chunk_by(|a, b| wording::subject(&a.name) == wording::subject(&b.name)) {
            let mut beside = heading(same[0]);
            let column = match self.account {
                Some(account) => {
                    if beside.width() > account {
                        canvas.line(&Line::new().pad_to(indent).then(std::mem::take(&mut beside)));
                    }
                    self.indent + account + 2
                }
                None => {
                    canvas.line(&Line::new().pad_to(indent).then(std::mem::take(&mut beside)));
                    indent + 2
                }
            };
            for action in same {
                let head = Line::new().pad_to(indent).then(std::mem::take(&mut beside)).pad_to(column);
                self.row(canvas, head, action);
            }
        }
    }

    fn row(&self, canvas: &mut Canvas, head: Line, action: &Action) {
        let verb = action.name.verb;
        let start = head.width() + VERB;
        let mut head = head.text(wording::paint(verb), wording::signed(verb)).pad_to(start);
        let (mut details, mut places) = (detail(canvas, action).wrap(self.detail), why(action).wrap(self.place));
        let fits = |lines: &[Line], width: usize| lines.iter().all(|line| line.width() <= width);
        // Below each other, details and places have all the room for themselves, and may so take fewer lines.
        let room = canvas.style.width.saturating_sub(start);
        let below = detail(canvas, action).wrap(room);
        let fewer = below.len() + why(action).wrap(room).len() < details.len().max(places.len());
        let beside = fits(&details, self.detail) && fits(&places, self.place) && !fewer;
        if !beside {
            details = below;
            places.clear();
        }
        details.reverse();
        places.reverse();
        while !details.is_empty() || !places.is_empty() {
            let mut line = std::mem::take(&mut head).pad_to(start).then(details.pop().unwrap_or_default());
            if let Some(place) = places.pop() {
                line = line.pad_to(start + self.detail + 2).then(place);
            }
            canvas.line(&line);
        }
        if !beside {
            canvas.paragraph(start, &why(action));
        }
    }
}

fn heading(action: &Action) -> Line {
    let subject = Line::new().whole(Paint::Strong, wording::subject(&action.name));
    if action.name.account.is_some() { subject } else { subject.text(Paint::Dim, " (group)") }
}

fn why(action: &Action) -> Line {
    let places = rows::places(action);
    let last = places.len().saturating_sub(1);
    places.into_iter().enumerate().fold(Line::new(), |line, (i, place)| {
        let comma = if i == last { "" } else { "," };
        line.text(Paint::Dim, if i == 0 { "" } else { " " }).whole(Paint::Dim, place + comma)
    })
}

fn detail(canvas: &Canvas, action: &Action) -> Line {
    let arrow = canvas.glyph("→", "->");
    let mut parts: Vec<Line> = rows::parts(action).iter().map(|part| drawn(part, arrow)).collect();
    parts.extend(action.cause.map(|cause| Line::new().whole(Paint::Notice, wording::cause(cause))));
    let separator = canvas.glyph(" · ", "; ");
    Line::joined(parts, &Line::new().whole(Paint::Dim, separator.trim_end()).plain(" "))
}

fn drawn(part: &Part<'_>, arrow: &str) -> Line {
    match part {
        Part::Live(account) => {
            let (address, id) = rows::live(account);
            let line = Line::new().text(Paint::Alarm, "! live as ");
            let line = address.map_or(line.clone(), |address| line.whole(Paint::Alarm, address).plain(", "));
            line.text(Paint::Dim, "id ").whole(Paint::Alarm, id)
        }
        Part::Group(group) => Line::new().whole(Paint::Plain, group),
        Part::Field(change) => wording::change(change, arrow),
        Part::Why(reason) => Line::new().text(Paint::Plain, reason),
        Part::Says(text, Tone::Alarm) => Line::new().whole(Paint::Alarm, format!("! {text}")),
        Part::Says(text, Tone::Removal) => Line::new().whole(Paint::Remove, text),
    }
}
