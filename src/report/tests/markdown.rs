//! The plan as a comment on a pull request, and as a graph.

use super::{
    fixture::{action, app, compared, everything, finding, plan},
    snapshot,
};
use crate::{
    model::{Cause, FindingCode, Forecast, Guard, Seats, Severity, Status},
    report::{dot, markdown},
};

/// What GitHub takes.
const GITHUB: usize = 65_536;

#[test]
fn a_plan_in_which_everything_occurs_is_read_on_a_pull_request() {
    snapshot("plan-markdown", &markdown::plan(&everything()));
    snapshot("plan-markdown-against", &markdown::plan(&compared()));
    snapshot("plan-dot", &dot::plan(&everything()));
}

#[test]
fn an_empty_plan_is_two_lines() {
    let text = markdown::plan(&plan(vec![app("autodesk", "team", vec![], vec![])]));
    assert_eq!(text, "<!-- rosterd: plan -->\n### rosterd: nothing to do\n\nIn sync: <code>autodesk</code>.\n\n");
}

#[test]
fn the_same_plan_gives_the_same_bytes_whenever_it_is_made() {
    let mut later = everything();
    later.created_at = "2027-01-01T00:00:00Z".parse().unwrap();
    later.fingerprint = "sha256:other".into();
    later.apps.reverse();
    for app in &mut later.apps {
        app.actions.reverse();
        app.findings.reverse();
        app.observed.requests += 7;
    }
    assert_eq!(markdown::plan(&later), markdown::plan(&everything()));
    assert_eq!(dot::plan(&later), dot::plan(&everything()));
}

#[test]
fn what_is_true_of_every_app_is_told_once() {
    let said = "only ann@example.com was looked for";
    let only = || finding(Severity::Note, FindingCode::OnlyOnePerson, Some("ann@example.com"), said, "");
    let ann = action("autodesk/deactivate/ann@example.com", "people.yaml:7");
    let mut apps = vec![
        app("alteryx", "group", vec![], vec![only()]),
        app("autodesk", "team", vec![ann], vec![only()]),
        app("workiva", "group", vec![], vec![only()]),
    ];
    apps.iter_mut().for_each(|app| app.complete = false);
    let text = markdown::plan(&plan(apps));
    assert_eq!(text.matches("was looked for").count(), 1, "{text}");
    assert!(text.contains("only <code>ann<wbr>&#64;example.com</code> was looked for\n\n| app |"), "{text}");
    assert!(
        text.contains("In sync: <code>alteryx</code>, <code>workiva</code>.") && !text.contains("Findings"),
        "{text}"
    );
    assert!(!text.contains("Not everything could be read"), "{text}");
}

#[test]
fn seats_are_told_as_needed_and_free_and_who_waits_for_one() {
    let check = |needed: u32, free: u32, several: bool, line: &str| {
        let mut one = app("autodesk", "team", vec![action("autodesk/create/ann@example.com", "people.yaml:7")], vec![]);
        one.forecast = Forecast { requests: 41, seconds: 148, seats: Some(Seats { needed, free }) };
        let apps = if several { vec![one, app("alteryx", "group", vec![], vec![])] } else { vec![one] };
        let text = markdown::plan(&plan(apps));
        assert_eq!(text.matches("Seats: ").count(), usize::from(!line.is_empty()), "{text}");
        assert!(text.contains(line), "{text}");
    };
    check(0, 4, false, "");
    check(1, 4, false, "</summary>\n\nSeats: 1 needed, 4 free.\n\n</details>");
    check(1, 0, false, "Seats: 1 needed, 0 free; 1 person waits for one.\n");
    check(
        3,
        1,
        true,
        "\n\nApplying takes 41 requests, about 2 min 28 s. Seats: 3 needed, 1 free; 2 people wait for one.\n",
    );
}

#[test]
fn ten_thousand_actions_fit_into_a_comment_and_the_gravest_are_shown() {
    let long = "Étage supérieur | <b>x</b> @team";
    let mut actions = Vec::new();
    for i in 0..10_000 {
        actions.push(action(&format!("big/add-member/person{i:05}@example.com/{long}"), "teams/everyone.yaml:12"));
    }
    for i in 0..40 {
        actions.push(action(&format!("big/deactivate/gone{i:02}@example.com"), "people.yaml:7").irreversible());
        actions.push(action(&format!("big/remove-member/less{i:02}@example.com/{long}"), "people.yaml:8"));
        actions.push(action(&format!("big/update/kept{i:02}@example.com"), "people.yaml:9").held(
            Guard::Protected,
            "the policy protects this account",
            &format!("- {{ allow: big/update/kept{i:02}@example.com, guard: protected, until: 2026-12-22 }}"),
            &[],
        ));
    }
    let notes =
        (0..3_000).map(|i| finding(Severity::Note, FindingCode::UnlistedAccount, None, &format!("stranger {i}"), ""));
    let text = markdown::plan(&plan(vec![app("big", "group", actions, notes.collect())]));
    assert!(text.len() < GITHUB, "{}", text.len());
    assert!(text.len() > GITHUB / 2, "most of the room is used: {}", text.len());
    for i in 0..40 {
        for who in ["gone", "less", "kept"] {
            assert!(text.contains(&format!("<code>{who}{i:02}<wbr>&#64;example.com</code>")), "{who}{i:02} is missing");
        }
        assert!(text.contains(&format!("allow: big/update/kept{i:02}@example.com")));
    }
    let shown = text.matches("➕ add-member").count();
    let left = 10_000 - shown;
    let thousands = format!("{},{:03}", left / 1000, left % 1000);
    assert!(
        text.contains(&format!("of 10,120 actions are shown, the gravest first. Left out: {thousands} add-member."))
    );
    assert!(text.contains(&format!("… and {thousands} more.")), "the section counts what it leaves out");
    // Folds that are opened are closed.
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
}

#[test]
fn a_thousand_apps_fit_into_a_comment() {
    let apps = (0..1_000).map(|i| {
        let name = format!("app{i:04}");
        let actions = (0..3).map(|k| action(&format!("{name}/create/p{k}@example.com"), "a.yaml:1")).collect();
        app(&name, "group", actions, vec![])
    });
    let text = markdown::plan(&plan(apps.collect()));
    assert!(text.len() < GITHUB, "{}", text.len());
    assert!(text.contains("### rosterd: 3,000 to do") && text.contains(" apps more") || text.contains("more."));
}

#[test]
fn names_that_people_chose_format_nothing_and_call_nobody() {
    let evil = "x|y `z` </details><img src=q> @admins #1 **b**\n| a | b |";
    let mut one = action(&format!("a/add-member/me@example.com/{}", evil.replace('/', "%2F")), "t.yaml:1")
        .sets("role", "[l](https://evil.example)")
        .held(Guard::Protected, "see @admins, `<b>` and https://evil.example", "- { allow: \"a/```\\n@x\" }", &[]);
    one.cause = Some(Cause::Drift);
    let text = markdown::plan(&plan(vec![app(
        "a",
        "group",
        vec![one],
        vec![finding(Severity::Warning, FindingCode::AppNotice, Some("@everyone"), "<script> | @org/team", "")],
    )]));
    for raw in ["<img", "<script>", "@admins", "@org", "@everyone", "https://", "](", "**b**", "`z`", "#1 "] {
        assert!(!text.contains(raw), "`{raw}` is in\n{text}");
    }
    let cells = |line: &&str| line.starts_with("| ");
    let odd: Vec<&str> =
        text.lines().filter(cells).filter(|line| ![5, 9].contains(&line.matches('|').count())).collect();
    assert_eq!(odd, [""; 0]);
    assert_eq!(text.matches("</details>").count(), 1);
}

#[test]
fn what_the_change_causes_stands_before_the_fold_of_all_else() {
    let text = markdown::plan(&compared());
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("`{part}` is missing in\n{text}"));
    assert!(at("**By this change: 1**") < at("Not caused by this change:"));
    assert!(at("**1 by this change**") < at("<details>"));
    assert!(text.contains("<code>teams/design.yaml&#58;9</code> (removed)"), "{text}");
}

#[test]
fn the_graph_has_every_action_and_every_edge_once() {
    let graph = dot::plan(&everything());
    let actions: usize = everything().apps.iter().map(|app| app.actions.len()).sum();
    assert_eq!(graph.matches("fillcolor=").count(), actions);
    assert_eq!(graph.matches(" -> ").count(), 1);
    let odd = action("a/create/\"x\\\"@example.com", "t.yaml:1").status(Status::Waiting, "later");
    let graph = dot::plan(&plan(vec![app("a", "group", vec![odd], vec![])]));
    assert!(
        graph.contains(r#""a/create/\"x\\\"@example.com" [label="+ create\n\"x\\\"@example.com\nwaiting""#),
        "{graph}"
    );
}
