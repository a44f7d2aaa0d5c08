//! Accounts that are or go inactive lose their memberships in declared groups, unless they are merely suspended.

use super::{
    app::{BOTH, Dialect},
    case::{Case, Setup},
};
use crate::support::{Answer, json_answer, status_answer};

const STAY: &str = "  p1@x.example: { }\n";

/// An app where the first and the second are in `Design`, and the second alone in `Sole`. The files grant all of it.
fn setup(dialect: Dialect) -> Setup {
    Setup::of(dialect)
        .users([1, 2])
        .group("g1", "Design", &["u1", "u2"])
        .group("g2", "Sole", &["u2"])
        .files(&groups("p1@x.example, p2@x.example", "p2@x.example"), "")
}

fn groups(design: &str, sole: &str) -> String {
    format!("groups: {{ Design: {{ members: [{design}] }}, Sole: {{ members: [{sole}] }} }}")
}

fn rest(second: &str) -> String {
    format!("people:\n{STAY}  p2@x.example: {second}\n")
}

fn members(case: &Case) -> (Vec<String>, Vec<String>) {
    let state = case.app.state();
    (state.members("g1"), state.members("g2"))
}

fn where_is(case: &Case, method: &str, path: &str) -> Option<usize> {
    case.writes().iter().position(|line| line.to_lowercase().starts_with(&format!("{method} {path}").to_lowercase()))
}

#[tokio::test]
async fn whoever_left_loses_every_membership_after_the_deactivation_even_as_the_last_member() {
    for dialect in BOTH {
        for second in ["{ status: left }", "{ until: 2020-01-31 }"] {
            let case = setup(dialect).start().await;
            case.converged("granted").await;
            case.write(&groups("p1@x.example, p2@x.example", "p2@x.example"), &rest(second));
            let plan = case.plan().await;
            assert!(plan.is_complete());
            case.applied().await;
            assert!(!case.app.state().is_active("u2"), "{dialect:?}, {second}");
            assert_eq!(members(&case), (vec!["u1".to_owned()], vec![]), "{dialect:?}, {second}: {:?}", case.writes());
            let off = where_is(&case, "PATCH", "/users/u2").unwrap();
            let out = case.writes().iter().position(|line| line.to_lowercase().contains("/groups/")).unwrap();
            assert!(off < out, "{dialect:?}, {second}: {:?}", case.writes());
            case.converged(second).await;
            // Whoever switches the account on again gives nothing back with it.
            case.app.state().user("u2")["active"] = true.into();
            assert_eq!(members(&case).1, [""; 0]);
        }
    }
}

#[tokio::test]
async fn an_account_that_is_inactive_already_loses_its_memberships_too() {
    for dialect in BOTH {
        for (what, rest) in [("left", rest("{ status: left }")), ("no line grants it", rest("{ }"))] {
            let setup = setup(dialect).left(|state| state.user("u2")["active"] = false.into());
            let case = setup.files(&groups("p1@x.example", ""), &rest).start().await;
            case.applied().await;
            assert_eq!(members(&case).0, ["u1"], "{what}, {dialect:?}: {:?}", case.writes());
            let sole: &[&str] = if what == "left" { &[] } else { &["u2"] };
            // The last member goes with whoever left, and not because of a missing line alone.
            assert!(members(&case).1 == sole || members(&case).1.is_empty(), "{what}, {dialect:?}");
            case.rests(what).await;
            assert!(case.app.state().is_active("u1"));
        }
        // A stranger whom the policy removes.
        let files = format!(
            "policy: {{ unlisted: remove, max_removals: 100%, min_admins: 0 }}\n{}",
            groups("p1@x.example", "p1@x.example")
        );
        let case = setup(dialect).files(&files, "").start().await;
        case.applied().await;
        assert!(!case.app.state().is_active("u2"), "{dialect:?}");
        assert_eq!(members(&case), (vec!["u1".to_owned()], vec!["u1".to_owned()]), "{dialect:?}");
        case.converged("unlisted").await;
    }
}

#[tokio::test]
async fn a_suspension_keeps_memberships_and_why_says_what_is_so() {
    for dialect in BOTH {
        let case = setup(dialect).start().await;
        case.applied().await;
        case.write(&groups("p1@x.example, p2@x.example", "p2@x.example"), &rest("{ status: suspended }"));
        case.applied().await;
        assert!(!case.app.state().is_active("u2"), "{dialect:?}");
        assert_eq!(members(&case), (vec!["u1".into(), "u2".into()], vec!["u2".into()]), "{dialect:?}");
        case.converged("suspended").await;
        let said = case.plainly(&["why", "p2@x.example", "desired-state"]).await;
        assert!(!said.all().contains("removed"), "{dialect:?}: {said:?}");
        // And everything comes back.
        case.write(&groups("p1@x.example, p2@x.example", "p2@x.example"), &rest("{ }"));
        case.applied().await;
        assert!(case.app.state().is_active("u2"), "{dialect:?}");
        case.converged("back").await;
    }
}

#[tokio::test]
async fn where_deactivation_strips_memberships_itself_nothing_more_is_sent() {
    let case = setup(Dialect::Rest)
        .says(
            "deactivate: { set: { status: inactive } }",
            "deactivate: { post: \"/users/{account.id}/off\", strips_members: true }",
        )
        .before(|call, state| {
            (call.path == "/users/u2/off").then(|| {
                state.user("u2")["active"] = false.into();
                state.groups.iter_mut().for_each(|group| group.members.retain(|member| member != "u2"));
                json_answer(200, state.user("u2").clone())
            })
        })
        .start()
        .await;
    case.applied().await;
    case.write(&groups("p1@x.example, p2@x.example", "p2@x.example"), &rest("{ status: left }"));
    case.applied().await;
    assert_eq!(case.writes(), ["POST /users/u2/off"]);
    assert_eq!(members(&case), (vec!["u1".to_owned()], vec![]));
    case.converged("stripped").await;
}

const REMOVE: &str = "  remove: { delete: \"/groups/{group.id}/members/{account.id}\" }\n";

#[tokio::test]
async fn where_members_cannot_be_removed_one_note_says_that_they_stay() {
    let case = setup(Dialect::Rest).says(REMOVE, "").start().await;
    case.applied().await;
    case.write(&groups("p1@x.example, p2@x.example", "p2@x.example"), &rest("{ status: left }"));
    case.applied().await;
    assert!(!case.app.state().is_active("u2"));
    let plan = case.plan().await;
    assert_eq!(plan.actions(), [""; 0], "no manual steps: {:#}", plan.0);
    let notes: Vec<_> = plan.findings().into_iter().filter(|one| one.starts_with("memberships-stay: ")).collect();
    assert_eq!(notes.len(), 1, "{:?}", plan.findings());
    case.rests("they stay").await;
}

#[tokio::test]
async fn a_refusal_for_a_member_who_is_inactive_counts_as_gone_after_a_read_back() {
    for dialect in BOTH {
        for (status, is_gone) in [(404, true), (409, true), (404, false), (409, false)] {
            let case = setup(dialect)
                .before(move |call, state| {
                    let path = call.path.to_lowercase();
                    let removes = path.starts_with("/groups/") && (call.method == "DELETE" || call.method == "PATCH");
                    let adds = call.body.to_string().contains("\"add\"");
                    if !removes || adds || state.is_active("u2") {
                        return None;
                    }
                    if is_gone {
                        // The app shows nobody who is inactive, and says that there is nobody to remove.
                        state.groups.iter_mut().for_each(|group| group.members.retain(|member| member != "u2"));
                    }
                    Some(json_answer(
                        status,
                        serde_json::json!({"detail": "no such member", "message": "no such member"}),
                    ))
                })
                .start()
                .await;
            case.applied().await;
            case.write(&groups("p1@x.example, p2@x.example", "p2@x.example"), &rest("{ status: left }"));
            let said = case.apply().await;
            let what = format!("{dialect:?}, {status}, {is_gone}");
            assert!(!case.app.state().is_active("u2"), "{what}");
            assert_eq!(said.status, i32::from(!is_gone), "{what}: {said:?}");
            if is_gone {
                case.converged(&what).await;
            } else {
                let plan = case.rosterd(&["plan"]).await;
                assert!(!plan.all().contains("in sync"), "{what}: {plan:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_cycle_in_which_nothing_changes_asks_no_more_because_of_whoever_is_inactive() {
    for dialect in BOTH {
        let case = setup(dialect).start().await;
        case.applied().await;
        case.app.server.clear();
        case.applied().await;
        let quiet = case.lines().len();
        case.write(&groups("p1@x.example, p2@x.example", "p2@x.example"), &rest("{ status: left }"));
        case.applied().await;
        case.app.server.clear();
        case.applied().await;
        assert!(case.lines().len() <= quiet, "{dialect:?}: {:?}", case.lines());
    }
}

#[tokio::test]
async fn why_says_of_a_leaver_what_is_so() {
    for dialect in BOTH {
        // The app refuses to let anybody go.
        let case = setup(dialect)
            .before(|call, _| {
                let path = call.path.to_lowercase();
                let refuses =
                    path.starts_with("/groups/") && matches!(call.method.as_str(), "DELETE" | "PATCH" | "PUT");
                refuses.then(|| status_answer(400) as Answer)
            })
            .start()
            .await;
        case.applied().await;
        case.write(&groups("p1@x.example, p2@x.example", "p2@x.example"), &rest("{ status: left }"));
        case.apply().await;
        assert_eq!(members(&case).1, ["u2"], "{dialect:?}");
        let said = case.rosterd(&["plan"]).await;
        assert!(!said.all().contains("in sync"), "{dialect:?}: {said:?}");
    }
}
