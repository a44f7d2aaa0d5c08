//! A refusal is told as one, with its status and its text, and never as something that the app accepted.

use serde_json::json;

use super::{
    app::{BOTH, Dialect},
    case::{Case, Setup},
};
use crate::support::{Call, json_answer};

/// A request that the app fails at.
type Fails = fn(&Call) -> bool;

/// What is to be done, with the files that ask for it.
const KINDS: [(&str, Fails, &str, &str); 4] = [
    (
        "deactivate",
        |call| call.method != "GET" && call.path.to_lowercase().starts_with("/users/"),
        "accounts: { p1@x.example: , p3@x.example: }\ngroups: { Design: { members: [p1@x.example] } }",
        "people:\n  p2@x.example: { }\n",
    ),
    (
        "update",
        |call| call.method != "GET" && call.path.to_lowercase().starts_with("/users/"),
        "accounts: { p1@x.example: { given_name: Ann }, p2@x.example: { given_name: Bob }, p3@x.example: { given_name: Cy } }",
        "",
    ),
    (
        "add-member",
        |call| call.method != "GET" && call.path.to_lowercase().starts_with("/groups/"),
        "accounts: { p2@x.example: , p3@x.example: }\ngroups: { Design: { members: [p1@x.example, p2@x.example] } }",
        "",
    ),
    (
        "remove-member",
        |call| call.method != "GET" && call.path.to_lowercase().starts_with("/groups/"),
        "accounts: { p1@x.example: , p2@x.example: , p3@x.example: }\ngroups: { Design: { members: [p2@x.example] } }",
        "people:\n  p1@x.example: { }\n",
    ),
];

async fn failing(dialect: Dialect, status: u16, fails: Fails, app: &str, rest: &str) -> Case {
    Setup::of(dialect)
        .users(1..=3)
        .group("g1", "Design", &["u1"])
        .before(move |call, _| {
            let body = json!({"detail": "the moon is full", "message": "the moon is full", "status": status.to_string()});
            fails(call).then(|| json_answer(status, body))
        })
        .files(app, rest)
        .start()
        .await
}

#[tokio::test]
async fn a_failure_keeps_its_status_and_text_and_is_never_told_as_accepted() {
    for dialect in BOTH {
        for (what, fails, app, rest) in KINDS {
            for status in [501, 505, 500, 502, 504] {
                let case = failing(dialect, status, fails, app, rest).await;
                let said = case.apply().await;
                let all = said.all();
                let about = format!("{what}, {dialect:?}, {status}");
                // What an API does not know at all may turn out to be a person's.
                assert!(said.status == 1 || (status == 501 && all.contains("by hand")), "{about}: {said:?}");
                assert!(!all.contains("the app accepted it"), "{about}: {said:?}");
                assert!(all.contains(&format!("answered {status}")), "{about}: {said:?}");
                assert!(all.contains("the moon is full"), "{about}: {said:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_implemented_is_a_refusal_that_is_sent_once_and_not_looked_after() {
    for dialect in BOTH {
        for (what, fails, app, rest) in KINDS {
            for status in [501, 505] {
                let case = failing(dialect, status, fails, app, rest).await;
                case.apply().await;
                let lines = case.lines();
                let last = lines.iter().rposition(|line| !line.starts_with("GET ")).unwrap();
                // Nothing is read to find out what became of it.
                assert!(lines[last + 1..].is_empty(), "{what}, {dialect:?}, {status}: {lines:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_status_behind_which_the_change_is_there_is_a_success() {
    for dialect in BOTH {
        let case = Setup::of(dialect)
            .users(1..=2)
            .after(|call, answer| {
                let is_update = call.method == "PATCH" && call.path.to_lowercase().starts_with("/users/");
                if is_update { json_answer(500, json!({"detail": "oops", "message": "oops"})) } else { answer }
            })
            .files("accounts: { p1@x.example: }", "people:\n  p2@x.example: { }\n")
            .start()
            .await;
        case.applied().await;
        assert!(!case.app.state().is_active("u2"), "{dialect:?}");
        case.converged("done behind a 500").await;
    }
}

#[tokio::test]
async fn for_a_removal_that_scim_does_not_know_the_option_that_would_help_is_named() {
    for status in [501, 400, 500] {
        let case = Setup::of(Dialect::Scim)
            .users(1..=2)
            .group("g1", "Design", &["u1", "u2"])
            .before(move |call, _| {
                let filtered = call.body.to_string().contains("members[");
                let body = json!({"detail": "filtered paths are not supported", "status": status.to_string()});
                // Whole groups cannot be written either.
                (call.method == "PUT" || filtered).then(|| json_answer(status, body))
            })
            .files(
                "accounts: { p1@x.example: , p2@x.example: }\ngroups: { Design: { members: [p2@x.example] } }",
                "people:\n  p1@x.example: { }\n",
            )
            .start()
            .await;
        let said = case.apply().await;
        assert!(said.all().contains("member_removal: value"), "{status}: {said:?}");
    }
}
