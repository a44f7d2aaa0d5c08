//! What stands around the actions: what the plan was made with, and what will come of itself.

use super::draw_findings;
use crate::{
    model::{Action, Cause, Due, DueWhat, Place, Plan},
    report::{
        canvas::{Canvas, Line, Paint},
        told::{self, Told},
        wording,
    },
};

/// Rules and grants shown before the rest is counted.
const TOLD: usize = 50;
/// Dates shown per app before the rest is counted.
const DUE: usize = 20;

/// The other version of the files, the snapshot, and what was found about them: before everything else, because all that
/// follows is to be read with it.
pub(super) fn draw_head(canvas: &mut Canvas, plan: &Plan) {
    if let Some(against) = &plan.against {
        let of = |cause| actions(plan).filter(|action| action.cause == Some(cause)).count();
        let commit = against.commit.get(..12).unwrap_or(&against.commit);
        let whole = against.commit == against.reference;
        let name = if whole { commit } else { &against.reference };
        let mut line = Line::new().plain("Compared with ").whole(Paint::Strong, name);
        if !whole {
            line = line.text(Paint::Dim, " (").whole(Paint::Dim, commit).text(Paint::Dim, ")");
        }
        let causes = [
            (Cause::Change, Paint::Strong, "by this change"),
            (Cause::Drift, Paint::Plain, "drift"),
            (Cause::Time, Paint::Plain, "because a date passed"),
        ];
        let counts = causes
            .map(|(cause, paint, words)| Line::new().whole(paint, format!("{} {words}", wording::number(of(cause)))));
        canvas.paragraph(0, &line.plain(": ").then(Line::list(counts)).plain("."));
        if !against.no_longer.is_empty() {
            let count = wording::count(against.no_longer.len(), "action", "actions");
            canvas.say(Paint::Plain, format!("{count} planned without this change would not be needed:"));
            for name in against.no_longer.iter().take(DUE) {
                canvas.line(&Line::new().pad_to(2).whole(Paint::Dim, name.to_string()));
            }
            if against.no_longer.len() > DUE {
                canvas.line(&Line::new().pad_to(2).plain(wording::and_more(canvas, against.no_longer.len() - DUE)));
            }
        }
        draw_told(canvas, "Rules changed by this change", told::rules(&against.rules));
        draw_told(
            canvas,
            "Granted or taken back by this change",
            told::claims(&against.claims, &wording::apps(plan), plan.created_at),
        );
    }
    if let Some(snapshot) = plan.snapshot {
        let at = snapshot.taken_at.strftime("%Y-%m-%d %H:%M UTC");
        let text = format!("Planned against a snapshot taken at {at}, {} earlier", wording::duration(snapshot.age_s));
        let line = Line::new().text(if snapshot.is_old() { Paint::Change } else { Paint::Dim }, text);
        let old = "; what has changed since then is not in this plan";
        let line = if snapshot.is_old() { line.text(Paint::Alarm, old) } else { line };
        canvas.paragraph(0, &line.plain("."));
    }
    draw_findings(canvas, wording::sorted(&plan.findings));
    if plan.against.is_some() || plan.snapshot.is_some() || !plan.findings.is_empty() {
        canvas.gap();
    }
}

/// What a change alters without a step of the plan.
fn draw_told(canvas: &mut Canvas, title: &str, told: Vec<Told>) {
    if told.is_empty() {
        return;
    }
    canvas.heading(&format!("{title}: {}", wording::number(told.len())));
    let all = told.len();
    // What nobody should miss comes first, and is never counted instead of shown.
    let shown = told.iter().enumerate().take_while(|(i, one)| one.grave || *i < TOLD).count();
    for one in &told[..shown] {
        let paint = match (one.grave, one.removes) {
            (true, _) => Paint::Alarm,
            (false, true) => Paint::Remove,
            (false, false) => Paint::Change,
        };
        let head = Line::new().pad_to(2).whole(paint, one.word).pad_to(12);
        let line = Line::new().prose(Paint::Plain, &one.sentence);
        let line = one.places.iter().fold(line, |line, place| line.text(Paint::Dim, " ").whole(Paint::Dim, place));
        canvas.hanging(&head, &line);
    }
    if shown < all {
        canvas.paragraph(2, &Line::new().plain(wording::and_more(canvas, all - shown)).json_shows_all());
    }
    canvas.gap();
}

fn actions(plan: &Plan) -> impl Iterator<Item = &Action> {
    plan.apps.iter().flat_map(|app| &app.actions)
}

/// What dates in the files will bring about.
pub(super) fn draw_due(canvas: &mut Canvas, due: &[Due]) {
    if due.is_empty() {
        return;
    }
    canvas.heading(&format!("By date, within 14 days: {}", wording::number(due.len())));
    for one in wording::sorted(due).into_iter().take(DUE) {
        let paint = match one.what {
            DueWhat::Begins => Paint::Add,
            DueWhat::Changes => Paint::Change,
            DueWhat::Ends => Paint::Remove,
        };
        let head = Line::new().pad_to(2).whole(Paint::Plain, wording::day(one)).plain("  ");
        let start = head.width();
        let head = head.whole(paint, <&str>::from(one.what)).pad_to(start + 9);
        let mut line = Line::new().whole(Paint::Strong, &one.account);
        if let Some(group) = &one.group {
            line = line.plain(" in ").whole(Paint::Plain, group);
        }
        for place in Place::together(&one.because) {
            line = line.text(Paint::Dim, " ").whole(Paint::Dim, place);
        }
        canvas.hanging(&head, &line);
    }
    if due.len() > DUE {
        canvas.paragraph(2, &Line::new().plain(wording::and_more(canvas, due.len() - DUE)).json_shows_all());
    }
}
