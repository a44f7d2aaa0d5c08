//! The plan as text.

use super::{
    ASCII, BROAD, COLOR, NARROW,
    fixture::{action, app, compared, everything, finding, plan},
    snapshot,
};
use crate::{
    model::{AppPlan, Cause, FindingCode, Guard, Plan, Severity, Status},
    report::{Style, text},
};

fn check(plan: &Plan, style: &Style, has: &[&str], lacks: &[&str]) {
    let text = text::plan(plan, style);
    for part in has {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
    for part in lacks {
        assert!(!text.contains(part), "`{part}` should not be in:\n{text}");
    }
}

#[test]
fn a_plan_in_which_everything_occurs_is_read_in_a_terminal() {
    snapshot("plan-80", &text::plan(&everything(), &NARROW));
    snapshot("plan-200", &text::plan(&everything(), &BROAD));
    snapshot("plan-80-color", &text::plan(&everything(), &COLOR));
    snapshot("plan-80-ascii", &text::plan(&everything(), &ASCII));
    snapshot("plan-against-80", &text::plan(&compared(), &NARROW));
    snapshot("plan-against-200-color", &text::plan(&compared(), &Style { width: 200, ..COLOR }));
}

#[test]
fn colour_adds_escapes_and_changes_nothing_else() {
    for width in [40, 80, 120, 200] {
        let plain = text::plan(&everything(), &Style { width, ..NARROW });
        let color = text::plan(&everything(), &Style { width, ..COLOR });
        let mut stripped = String::new();
        for (i, part) in color.split('\u{1b}').enumerate() {
            stripped.push_str(if i == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(stripped, plain);
    }
}

#[test]
fn nothing_beyond_ascii_is_drawn_when_it_cannot_be_shown() {
    assert!(text::plan(&everything(), &ASCII).is_ascii());
}

#[test]
fn names_addresses_and_lines_to_copy_are_whole_at_every_width() {
    for width in [1, 40, 60, 80, 100, 119, 120, 160, 250] {
        let style = Style { width, ..NARROW };
        let plan = everything();
        let text = text::plan(&plan, &style);
        for action in plan.apps.iter().flat_map(|app| &app.actions) {
            for name in [&action.name.account, &action.name.group].into_iter().flatten() {
                assert!(text.contains(&**name), "{name} at {width}:\n{text}");
            }
            if let Some(release) = action.held.as_ref().and_then(|held| held.release.as_ref()) {
                assert!(text.lines().any(|line| line.trim() == release), "{release} at {width}:\n{text}");
            }
        }
    }
}

#[test]
fn lines_keep_to_the_width_unless_they_are_there_to_be_copied() {
    use unicode_width::UnicodeWidthStr;
    for width in [80, 100, 130, 200] {
        for line in text::plan(&everything(), &Style { width, ..NARROW }).lines() {
            assert!(line.width() <= width || line.contains("- { allow: "), "{width}: {line}");
        }
    }
}

#[test]
fn the_order_of_the_input_does_not_matter() {
    let mut mixed = everything();
    mixed.apps.reverse();
    for app in &mut mixed.apps {
        app.actions.reverse();
        app.findings.reverse();
        for action in &mut app.actions {
            action.changes.reverse();
            action.because.reverse();
        }
    }
    assert_eq!(text::plan(&mixed, &NARROW), text::plan(&everything(), &NARROW));
    assert_eq!(text::plan(&mixed, &BROAD), text::plan(&everything(), &BROAD));
}

#[test]
fn apps_in_sync_take_a_line_each() {
    let apps = vec![app("alteryx", "user group", vec![], vec![]), app("workiva", "group", vec![], vec![])];
    insta::assert_snapshot!(text::plan(&plan(apps), &Style { width: 120, ..NARROW }), @r"
    ✓ alteryx is in sync (152 accounts, 4 groups (user groups), 310 memberships, read with 6 requests)
    ✓ workiva is in sync (152 accounts, 4 groups, 310 memberships, read with 6 requests)

    Plan: nothing to do.
    ");
}

#[test]
fn an_app_in_sync_still_shows_its_findings() {
    let note = finding(Severity::Note, FindingCode::UnlistedAccount, None, "one account is named nowhere", "");
    let plan = plan(vec![app("workiva", "group", vec![], vec![note])]);
    check(
        &plan,
        &NARROW,
        &["In sync: nothing to do.", "one account is named nowhere", "nothing to do; 1 finding."],
        &[],
    );
}

#[test]
fn long_lists_are_counted_instead_of_shown() {
    let add = |i| action(&format!("a/add-member/p{i:05}@example.com/Design Team"), "teams/design.yaml:9");
    let plan = plan(vec![app("a", "team", (0..9_912).map(add).collect(), vec![])]);
    let rest = "… and 9,812 more add-member in Design Team; --format json shows all";
    check(&plan, &NARROW, &["To do: 9,912", "p00099@example.com", rest], &["p00100@example.com"]);
}

#[test]
fn what_is_not_shown_of_many_groups_is_counted_by_verb() {
    let add = |i| action(&format!("a/add-member/p{i:05}@example.com/Group {}", i % 40), "teams/design.yaml:9");
    let plan = plan(vec![app("a", "group", (0..1_000).map(add).collect(), vec![])]);
    check(&plan, &NARROW, &["… and 900 more add-member in 40 groups; --format json shows all"], &[]);
}

#[test]
fn removals_are_shown_when_additions_are_counted() {
    let mut actions: Vec<_> =
        (0..300).map(|i| action(&format!("a/add-member/b{i:05}@example.com/Design Team"), "x.yaml:1")).collect();
    actions.push(action("a/deactivate/z@example.com", "people.yaml:3").irreversible());
    actions.extend((0..600).map(|i| {
        action(&format!("a/deactivate/p{i:05}@example.com"), "x.yaml:1").irreversible().held(
            Guard::MaxRemovals,
            "601 people would lose something, and 15 may",
            "- { allow: a, guard: max-removals, up_to: 601, until: 2026-12-22 }",
            &[],
        )
    }));
    let plan = plan(vec![app("a", "team", actions, vec![])]);
    let held = "… and 100 more deactivate held by max-removals, ! cannot be undone; --format json shows all";
    check(&plan, &BROAD, &["z@example.com", "… and 200 more add-member in Design Team", held, "600 deactivate"], &[]);
}

#[test]
fn one_approval_that_releases_many_is_printed_once() {
    let release = "- { allow: a, guard: max-removals, up_to: 5, until: 2026-12-22 }";
    let held = |i| {
        let reason = "5 people would lose something, and 3 may";
        action(&format!("a/deactivate/p{i}@example.com"), "x.yaml:1").held(Guard::MaxRemovals, reason, release, &[])
    };
    let text = text::plan(&plan(vec![app("a", "team", (0..5).map(held).collect(), vec![])]), &NARROW);
    assert_eq!(text.matches(release).count(), 1, "{text}");
    assert_eq!(text.matches("5 people would lose").count(), 1, "{text}");
}

#[test]
fn a_cause_is_told_when_there_is_one() {
    let mut drift = action("a/remove-member/p@example.com/Ops", "x.yaml:1");
    drift.cause = Some(Cause::Drift);
    check(&plan(vec![app("a", "group", vec![drift], vec![])]), &NARROW, &["Ops · left · drift"], &[]);
}

#[test]
fn what_waits_without_a_reason_names_what_it_follows() {
    use crate::model::Rule;
    let mut add = action("a/add-member/p@example.com/Ops", "x.yaml:1")
        .after("a/create/p@example.com", Rule::AccountBeforeMembership);
    add.status = Status::Waiting;
    check(&plan(vec![app("a", "group", vec![add], vec![])]), &NARROW, &["after a/create/p@example.com"], &[]);
}

#[test]
fn a_hostile_name_cannot_repaint_the_terminal() {
    let plan = plan(vec![app("a", "group", vec![action("a/create/p\u{1b}[2J@example.com", "x.yaml:1")], vec![])]);
    check(&plan, &NARROW, &["p\\u{1b}[2J@example.com"], &["\u{1b}"]);
}

#[test]
fn that_one_person_alone_was_looked_for_is_said_once_for_all_apps() {
    let said = "Only ann@example.com was looked for.";
    let of = |name: &str, findings: Vec<_>| AppPlan { complete: false, ..app(name, "group", Vec::new(), findings) };
    let only = || finding(Severity::Note, FindingCode::OnlyOnePerson, Some("ann@example.com"), said, "");
    let other = finding(Severity::Warning, FindingCode::IncompleteRead, None, "page 2 did not come", "");
    let plan = plan(vec![of("a", vec![only()]), of("b", vec![only(), other])]);
    check(
        &plan,
        &NARROW,
        &["a is in sync", "1 finding.", "page 2"],
        &["Not everything could be read", "[only-one-person]"],
    );
    assert_eq!(text::plan(&plan, &NARROW).matches(said).count(), 1);
}
