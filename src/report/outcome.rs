//! What became of a plan that was applied, as text and JSON, together with what the plan leaves to others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{
    Style, brief,
    canvas::{Canvas, Line, Paint},
    json,
    since::Since,
    text as plan_text,
    text::{Kind, Section},
    wording,
};
use crate::model::{Action, ActionName, ActionResult, AppOutcome, AppPlan, Outcome, Plan, Status, Summary};

/// The report for people, to be read below the plan that was applied. What went well is counted and what still stands
/// still is listed, because `told`, the plan that was shown before, says the rest. What did not go well, and what that plan
/// did not know of, is told in full. `plan` is the latest one. `since` is what is different since the plan was saved, where
/// it was.
pub fn text(outcome: &Outcome, plan: &Plan, told: &Plan, since: Option<&Since>, style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    let (mut left, mut stopped) = (Vec::new(), 0);
    let told: BTreeSet<&ActionName> =
        told.apps.iter().flat_map(|app| &app.actions).map(|action| &action.name).collect();
    let several = outcome.apps.len() > 1;
    for (plan, outcome) in pairs(outcome, plan) {
        stopped += usize::from(outcome.error.is_some());
        let remaining = remaining(&plan, &outcome);
        // Where nothing was taken up, the plan above is the whole story.
        if !outcome.actions.is_empty() || outcome.error.is_some() {
            draw_app(&mut canvas, &plan, &outcome, &remaining, &told, several);
        }
        left.extend(remaining);
    }
    draw_summary(&mut canvas, outcome, Summary::of(&left), stopped, since);
    canvas.finish()
}

/// Every app of plan or outcome, by name; one that only the other knows is paired with an empty one.
fn pairs(outcome: &Outcome, plan: &Plan) -> Vec<(AppPlan, AppOutcome)> {
    let mut pairs: BTreeMap<Arc<str>, (AppPlan, AppOutcome)> = BTreeMap::new();
    for app in &plan.apps {
        let nothing = AppOutcome { app: app.app.clone(), error: app.error.clone(), ..AppOutcome::default() };
        pairs.insert(app.app.clone(), (app.clone(), nothing));
    }
    for app in &outcome.apps {
        let name = &app.app;
        let nothing = || AppPlan {
            app: name.clone(),
            connector: name.clone(),
            group_noun: "group".into(),
            complete: true,
            ..AppPlan::default()
        };
        pairs.entry(name.clone()).or_insert_with(|| (nothing(), app.clone())).1 = app.clone();
    }
    pairs.into_values().collect()
}

/// What the plan left to others, by name. An action that was waiting and then was done is not among it.
fn remaining(plan: &AppPlan, outcome: &AppOutcome) -> Vec<Action> {
    let taken: BTreeSet<&ActionName> = outcome.actions.iter().map(|(name, _)| name).collect();
    let left = plan.actions.iter().filter(|action| action.status != Status::Ready && !taken.contains(&action.name));
    let mut left: Vec<Action> = left.cloned().collect();
    renew_reasons(&mut left, outcome);
    left.sort_by(|a, b| a.name.cmp(&b.name));
    left
}

/// Says why actions wait after a run, of those that wait for what it did: the plan's reason was written before it.
pub fn renew_reasons(actions: &mut [Action], outcome: &AppOutcome) {
    for action in actions.iter_mut().filter(|action| action.status == Status::Waiting) {
        if let Some(note) = note_of_predecessor(action, outcome) {
            action.note = Some(format!("{note} by this run and not accepted yet"));
        }
    }
}

/// What the run said about an action that this one follows.
fn note_of_predecessor<'a>(action: &Action, outcome: &'a AppOutcome) -> Option<&'a str> {
    action.after.iter().find_map(|edge| {
        outcome.actions.iter().find_map(|(name, result)| match result {
            ActionResult::Done { note } if *name == edge.action => note.as_deref(),
            _ => None,
        })
    })
}

fn draw_app(
    canvas: &mut Canvas,
    plan: &AppPlan,
    outcome: &AppOutcome,
    remaining: &[Action],
    told: &BTreeSet<&ActionName>,
    several: bool,
) {
    plan_text::draw_title(canvas, plan);
    if let Some(error) = &outcome.error {
        plan_text::draw_error(canvas, "", error);
    }
    // One app's numbers are the sum at the end.
    if several && outcome.requests > 0 {
        canvas.say(Paint::Dim, spent(outcome.requests, outcome.seconds));
    }
    let planned: BTreeMap<&ActionName, &Action> = plan.actions.iter().map(|action| (&action.name, action)).collect();
    let with = |word: &str| -> Vec<Action> {
        let results = outcome.actions.iter().filter(|(_, result)| result.as_str() == word);
        results.map(|(name, result)| as_row(name, result, planned.get(name).copied())).collect()
    };
    let (told, news): (Vec<Action>, Vec<Action>) =
        with("done").into_iter().partition(|action| told.contains(&action.name));
    let (failed, skipped) = (with("failed"), with("skipped"));
    let (stale, not_started, by_hand) = (with("stale"), with("not-started"), with("manual"));
    brief::done(canvas, &told);
    plan_text::draw_sections(
        canvas,
        vec![
            Section::new("Done, and not in the first plan", Paint::Add, Kind::Blocks, news.iter()),
            Section::new("Failed", Paint::Alarm, Kind::TallBlocks, failed.iter()),
            Section::new("Skipped", Paint::Change, Kind::Blocks, skipped.iter()),
            Section::new("Stale, not done", Paint::Change, Kind::Blocks, stale.iter()),
            Section::new("Turned out to be by hand", Paint::Notice, Kind::TallBlocks, by_hand.iter()),
            Section::new("Not started", Paint::Change, Kind::Blocks, not_started.iter()),
        ],
    );
    let by = |status: Status| remaining.iter().filter(|action| action.status == status).collect::<Vec<_>>();
    brief::list(canvas, "Waiting", Paint::Notice, &by(Status::Waiting));
    brief::list(canvas, "Held", Paint::Change, &by(Status::Held));
    brief::list(canvas, "By hand", Paint::Notice, &by(Status::Manual));
}

/// The action with its result's sentence in the place of what stood in its way. One that the plan does not hold, because it became
/// possible while the run waited, shows what its name says.
fn as_row(name: &ActionName, result: &ActionResult, planned: Option<&Action>) -> Action {
    let mut action = planned.cloned().unwrap_or_else(|| Action::new(name.clone()));
    action.status = Status::Ready;
    action.held = None;
    action.note = result.message().map(Into::into);
    action
}

fn spent(requests: u64, seconds: u64) -> String {
    format!("{} in {}, after reading", plan_text::requests(requests), wording::duration(seconds))
}

fn draw_summary(canvas: &mut Canvas, outcome: &Outcome, left: Summary, stopped: usize, since: Option<&Since>) {
    let tally = outcome.tally();
    let mut line = plan_text::counts(&[
        (tally.done, "done", Paint::Add),
        (tally.failed, "failed", Paint::Alarm),
        (tally.skipped, "skipped", Paint::Change),
        (tally.stale, "stale", Paint::Change),
        (tally.not_started, "not started", Paint::Change),
        (tally.manual, "turned out to be by hand", Paint::Notice),
    ]);
    if line.is_empty() {
        line = line.plain("nothing was done");
    }
    let rest = plan_text::counts(&[
        (left.waiting, "waiting", Paint::Notice),
        (left.held, "held", Paint::Change),
        (left.manual, "by hand", Paint::Notice),
    ]);
    if !rest.is_empty() {
        line = line.plain("; ").then(rest);
    }
    if stopped > 0 {
        let text = format!("{} stopped by an error", wording::count(stopped, "app", "apps"));
        line = line.plain("; ").whole(Paint::Alarm, text);
    }
    canvas.gap();
    canvas.paragraph(0, &Line::new().text(Paint::Strong, "Applied: ").then(line).plain("."));
    let requests = outcome.apps.iter().map(|app| app.requests).sum();
    if requests > 0 {
        // Apps are worked on side by side.
        let seconds = outcome.apps.iter().map(|app| app.seconds).max().unwrap_or(0);
        canvas.say(Paint::Plain, format!("{}.", spent(requests, seconds)));
    }
    if let Some(files) = since.and_then(Since::files_sentence) {
        canvas.say(Paint::Plain, files + ".");
    }
    let plan = "`rosterd plan`";
    let how = match (left.held > 0, left.manual > 0) {
        (true, true) => format!("{plan} says how to release what is held, and what to do by hand."),
        (true, false) => format!("{plan} says how to release what is held."),
        (false, true) => format!("{plan} says what to do by hand."),
        (false, false) => String::new(),
    };
    if !how.is_empty() {
        canvas.say(Paint::Dim, how);
    }
    // What a saved plan leaves takes another plan, and only the command knows how that is made.
    let stale = if since.is_none() { tally.stale } else { 0 };
    if tally.failed + tally.skipped + stale + tally.not_started > 0 {
        canvas.say(Paint::Plain, "The next `rosterd apply` plans afresh and takes up what is left.");
    } else if left.waiting > 0 {
        canvas.say(Paint::Dim, "What waits is taken up by a later `rosterd apply`; `--wait 10m` stays for it.");
    }
}

/// The report as JSON.
pub fn to_json(outcome: &Outcome, plan: &Plan, since: Option<&Since>) -> String {
    let tally = outcome.tally();
    let pairs = pairs(outcome, plan);
    let remaining: Vec<Vec<Action>> = pairs.iter().map(|(plan, outcome)| remaining(plan, outcome)).collect();
    let left = Summary::of(remaining.iter().flatten());
    let apps = pairs.iter().zip(&remaining).map(|((_, outcome), remaining)| app_wire(outcome, remaining));
    json::print(&json!({
        "version": 1,
        "fingerprint": plan.fingerprint,
        "summary": {
            "done": tally.done,
            "failed": tally.failed,
            "skipped": tally.skipped,
            "stale": tally.stale,
            "not_started": tally.not_started,
            "waiting": left.waiting,
            "held": left.held,
            "manual": left.manual + tally.manual,
        },
        "apps": apps.collect::<Value>(),
        "saved_plan": since.map(Since::wire),
    }))
}

fn app_wire(outcome: &AppOutcome, remaining: &[Action]) -> Value {
    let mut results: Vec<&(ActionName, ActionResult)> = outcome.actions.iter().collect();
    results.sort_by(|a, b| a.0.cmp(&b.0));
    let result = |(name, result): &(ActionName, ActionResult)| json!({ "name": name, "result": result.as_str(), "message": result.message() });
    let left = |action: &Action| {
        json!({
            "name": action.name,
            "status": action.status,
            "reason": json::reason(action),
            "held": action.held,
            "waiting": json::because_of(action, Status::Waiting),
            "manual": json::because_of(action, Status::Manual),
        })
    };
    json!({
        "app": outcome.app,
        "error": outcome.error,
        "requests": outcome.requests,
        "seconds": outcome.seconds,
        "actions": results.into_iter().map(result).collect::<Value>(),
        "remaining": remaining.iter().map(left).collect::<Value>(),
    })
}
