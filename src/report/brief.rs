//! What a plan already told in full, told again in short: the report after it names who and where, and not once more what
//! changes and which line asks for it.

use std::collections::BTreeMap;

use super::{
    canvas::{Canvas, Line, Paint},
    text, wording,
};
use crate::model::{Action, ActionName};

/// Names that are listed for one reason before the rest is counted. The plan above names more of them.
const LISTED: usize = 20;
/// A longer address stands in the way of the groups beside all the others.
const WIDEST_SUBJECT: usize = 44;
/// Notes that so many actions share say how many they are; rarer ones say whose they are.
const FEW: usize = 3;

/// `Done: 14  (5 create, 9 add-member)`, and below it what is worth knowing about some of them.
pub(super) fn done(canvas: &mut Canvas, actions: &[Action]) {
    if actions.is_empty() {
        return;
    }
    text::draw_section_title(canvas, "Done", Paint::Add, &actions.iter().collect::<Vec<_>>());
    let mut notes: BTreeMap<&str, Vec<&Action>> = BTreeMap::new();
    for action in actions {
        if let Some(note) = action.note.as_deref() {
            notes.entry(note).or_default().push(action);
        }
    }
    for (note, actions) in notes {
        let line = Line::new().prose(Paint::Plain, note);
        let line = if actions.len() > FEW {
            line.whole(Paint::Plain, format!(": {}", wording::number(actions.len())))
        } else {
            line.plain(": ").then(Line::list(actions.iter().map(|action| {
                let subject = Line::new().whole(Paint::Plain, wording::subject(&action.name));
                let group = wording::group(&action.name).into_iter();
                group.fold(subject, |line, group| line.plain(" in ").whole(Paint::Plain, group))
            })))
        };
        canvas.paragraph(2, &line);
    }
}

/// Actions under a title, below the reason they share, a line for each.
pub(super) fn list(canvas: &mut Canvas, title: &'static str, paint: Paint, actions: &[&Action]) {
    if actions.is_empty() {
        return;
    }
    text::draw_section_title(canvas, title, paint, actions);
    let mut reasons: BTreeMap<String, Vec<&ActionName>> = BTreeMap::new();
    for action in actions {
        let guard = action.held.as_ref().map(|held| format!("{}: ", held.guard)).unwrap_or_default();
        let reason = guard + action.obstacle().unwrap_or_default();
        reasons.entry(reason).or_default().push(&action.name);
    }
    let verbs = actions.iter().any(|action| action.name.verb != actions[0].name.verb);
    for (reason, mut names) in reasons {
        if !reason.is_empty() {
            canvas.paragraph(2, &Line::new().prose(Paint::Plain, &reason));
        }
        names.sort();
        let subjects = names.iter().map(|name| Line::new().plain(wording::subject(name)).width());
        let column = subjects.filter(|width| *width <= WIDEST_SUBJECT).max().unwrap_or(0) + 6;
        for name in names.iter().take(LISTED) {
            canvas.line(&row(name, column, verbs));
        }
        if names.len() > LISTED {
            canvas.paragraph(4, &Line::new().plain(wording::and_more(canvas, names.len() - LISTED)));
        }
    }
}

fn row(name: &ActionName, column: usize, verbs: bool) -> Line {
    let line = Line::new().pad_to(4).whole(Paint::Strong, wording::subject(name));
    let group = wording::group(name);
    if !verbs && group.is_none() {
        return line;
    }
    let start = line.width().max(column - 2) + 2;
    let line = line.pad_to(start);
    let signed = || line.clone().whole(wording::paint(name.verb), wording::signed(name.verb)).pad_to(start + VERB);
    let line = if verbs { signed() } else { line };
    group.map_or(line.clone(), |group| line.whole(Paint::Plain, group))
}

/// Room for a sign, the longest verb and the spaces around them.
const VERB: usize = 17;
