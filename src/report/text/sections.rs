//! Actions under titles: row after row, or below the reason that they share.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::{self, Columns, Folded};
use crate::{
    model::{Action, Guard},
    report::{
        canvas::{Canvas, Line, Paint},
        wording,
    },
};

/// How a section's actions are laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Kind {
    /// Row after row.
    Rows,
    /// Below the reason they share.
    Blocks,
    /// The same, with room between reasons, because each takes several lines.
    TallBlocks,
}

/// Actions of one app that go under one title.
pub(in crate::report) struct Section<'a> {
    title: &'static str,
    paint: Paint,
    kind: Kind,
    actions: Vec<&'a Action>,
}

impl<'a> Section<'a> {
    pub(in crate::report) fn new(
        title: &'static str,
        paint: Paint,
        kind: Kind,
        actions: impl Iterator<Item = &'a Action>,
    ) -> Self {
        Self { title, paint, kind, actions: lines::in_order(actions) }
    }
}

/// Draws the sections that have something in them, with the same columns in all of them.
pub(in crate::report) fn draw_sections(canvas: &mut Canvas, mut sections: Vec<Section<'_>>) {
    sections.retain(|section| !section.actions.is_empty());
    let folded: Vec<Folded<'_>> = sections.iter().map(|section| lines::fold(&section.actions)).collect();
    let shown: Vec<&Action> = folded.iter().flat_map(|folded| folded.shown.iter().copied()).collect();
    let columns = Columns::fit(canvas, 4, &shown);
    for (section, folded) in sections.into_iter().zip(folded) {
        draw_section_title(canvas, section.title, section.paint, &section.actions);
        if section.kind == Kind::Rows {
            columns.draw(canvas, 2, &folded.shown);
        } else {
            for (i, (block, actions)) in blocks(folded.shown).into_iter().enumerate() {
                if i > 0 && section.kind == Kind::TallBlocks {
                    canvas.gap();
                }
                block.draw(canvas, &columns, &actions);
            }
        }
        lines::draw_rest(canvas, &folded.rest);
    }
}

/// `To do: 3  (1 create, 2 update)`.
pub(in crate::report) fn draw_section_title(canvas: &mut Canvas, title: &str, paint: Paint, actions: &[&Action]) {
    canvas.gap();
    let count = wording::number(actions.len());
    let title = Line::new().whole(paint, format!("{title}: {count}  "));
    let tally = lines::tally(actions);
    canvas.hanging(&title, &Line::new().text(Paint::Dim, "(").then(tally).text(Paint::Dim, ")"));
}

/// Actions that stand still for the same reason are told of together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Block<'a> {
    guard: Option<Guard>,
    reason: String,
    repair: Option<&'a str>,
    also: &'a [Guard],
}

fn blocks(actions: Vec<&Action>) -> BTreeMap<Block<'_>, Vec<&Action>> {
    let mut blocks: BTreeMap<Block<'_>, Vec<&Action>> = BTreeMap::new();
    for action in actions {
        let held = action.held.as_ref();
        let block = Block {
            guard: held.map(|held| held.guard),
            reason: action.obstacle().map_or_else(|| after(action), str::to_owned),
            repair: held.and_then(|held| held.repair.as_deref()),
            also: held.map_or(&[], |held| &held.also),
        };
        blocks.entry(block).or_default().push(action);
    }
    blocks
}

fn after(action: &Action) -> String {
    let names: Vec<String> = action.after.iter().map(|edge| edge.action.to_string()).collect();
    if names.is_empty() { String::new() } else { format!("after {}", names.join(", ")) }
}

impl Block<'_> {
    fn draw(&self, canvas: &mut Canvas, columns: &Columns, actions: &[&Action]) {
        let mut head = Line::new();
        if let Some(guard) = self.guard {
            head = head.whole(Paint::Change, format!("{guard}: "));
        }
        head = head.prose(Paint::Plain, &self.reason);
        canvas.paragraph(2, &head);
        columns.draw(canvas, 4, actions);
        if let Some(repair) = self.repair {
            canvas.paragraph(4, &Line::new().text(Paint::Notice, "What to do: ").prose(Paint::Plain, repair));
        }
        let releases: BTreeSet<&str> =
            actions.iter().filter_map(|action| action.held.as_ref()?.release.as_deref()).collect();
        if !releases.is_empty() {
            let this = if releases.len() == 1 { "this line" } else { "these lines, one for each," };
            canvas
                .paragraph(4, &Line::new().text(Paint::Notice, format!("To release it, add {this} under approvals:")));
            for release in releases {
                // Never wrapped: it is there to be copied.
                canvas.line(&Line::new().pad_to(6).whole(Paint::Code, release));
            }
        }
        if !self.also.is_empty() {
            let also: Vec<&str> = self.also.iter().map(|guard| guard.as_str()).collect();
            canvas.paragraph(4, &Line::new().text(Paint::Change, format!("Then still held by {}.", also.join(", "))));
        }
    }
}
