//! The end report of `apply`.

use super::{
    BROAD, NARROW,
    fixture::{action, app, everything, parse, plan},
    snapshot,
};
use crate::{
    model::{ActionResult, AppOutcome, Outcome},
    report::outcome,
};

fn done(note: Option<&str>) -> ActionResult {
    ActionResult::Done { note: note.map(Into::into) }
}

fn outcome_of(actions: &[(&str, ActionResult)]) -> Outcome {
    let actions = actions.iter().map(|(name, result)| (parse(name), result.clone())).collect();
    Outcome { apps: vec![AppOutcome { app: "autodesk".into(), error: None, actions, requests: 41, seconds: 148 }] }
}

fn mixed() -> Outcome {
    let refused =
        "POST /users/user-12/teams: 409 Conflict: the team is archived; restore it or take it out of the files";
    outcome_of(&[
        ("autodesk/create/jane.doe@example.com", done(Some("invitation sent"))),
        ("autodesk/update/ann@example.com", done(None)),
        ("autodesk/add-member/sam.lee@example.com/Design Team", ActionResult::Failed { error: refused.into() }),
        (
            "autodesk/add-member/sam.lee@example.com/Platform%2FCore",
            ActionResult::Skipped { reason: "follows autodesk/add-member/sam.lee@example.com/Design Team".into() },
        ),
        (
            "autodesk/deactivate/old.hand@example.com",
            ActionResult::Stale { reason: "the account is inactive already".into() },
        ),
        ("autodesk/update/max.power@example.com", ActionResult::NotStarted { reason: "interrupted by Ctrl-C".into() }),
    ])
}

#[test]
fn a_run_with_every_result_is_told_at_its_end() {
    snapshot("outcome-80", &outcome::text(&mixed(), &everything(), &everything(), None, &NARROW));
    snapshot("outcome-200", &outcome::text(&mixed(), &everything(), &everything(), None, &BROAD));
    snapshot("outcome-json", &outcome::to_json(&mixed(), &everything(), None));
}

#[test]
fn an_action_that_waited_and_then_was_done_is_not_said_to_wait() {
    let name = "autodesk/add-member/jane.doe@example.com/Design Team";
    let before = outcome::text(&outcome_of(&[]), &everything(), &everything(), None, &NARROW);
    let after = outcome::text(&outcome_of(&[(name, done(None))]), &everything(), &everything(), None, &NARROW);
    assert!(before.contains("nothing was done; 2 waiting, 3 held, 2 by hand"), "{before}");
    assert!(after.contains("1 done; 1 waiting, 3 held, 2 by hand"), "{after}");
}

#[test]
fn an_action_that_the_plan_does_not_know_is_shown_by_its_name() {
    let outcome = outcome_of(&[("autodesk/create/new@example.com", done(None))]);
    let text = outcome::text(&outcome, &plan(vec![]), &plan(vec![]), None, &NARROW);
    assert!(text.contains("new@example.com") && text.contains("+ create"), "{text}");
}

#[test]
fn a_run_is_clean_only_when_nothing_went_wrong() {
    assert!(outcome_of(&[("a/create/x@example.com", done(None))]).is_clean());
    assert!(!mixed().is_clean());
    let mut unread = outcome_of(&[]);
    unread.apps[0].error = Some("401 Unauthorized".into());
    assert!(!unread.is_clean());
}

#[test]
fn what_went_well_is_counted_and_only_rare_notes_name_their_actions() {
    let names: Vec<String> = (1..=5).map(|n| format!("autodesk/create/p{n}@example.com")).collect();
    let mut results: Vec<(&str, ActionResult)> =
        names.iter().map(|name| (name.as_str(), done(Some("invitation sent")))).collect();
    results.push(("autodesk/delete/old@example.com", done(Some("the account was gone already"))));
    let actions = results.iter().map(|(name, _)| action(name, "people.yaml:4")).collect();
    let told = plan(vec![app("autodesk", "team", actions, vec![])]);
    let text = outcome::text(&outcome_of(&results), &told, &told, None, &NARROW);
    assert!(text.contains("Done: 6  (5 create, 1 delete)"), "{text}");
    assert!(text.contains("invitation sent: 5\n"), "{text}");
    assert!(text.contains("the account was gone already: old@example.com\n"), "{text}");
    assert!(!text.contains("p1@example.com"), "{text}");
}
