//! A refusal is told as one, with its status and its text, and never as something that the app accepted.

use futures::future::join_all;
use serde_json::json;

use super::{
    app::{BOTH, Dialect},
    case::{Case, Setup},
};
use crate::support::{Call, json_answer};

/// A request that the app fails at.
type Fails = fn(&Call) -> bool;

type Kind = (&'static str, Fails, &'static str, &'static str);

/// What is to be done, with the files that ask for it.
const KINDS: [Kind; 8] = [
    (
        "add-members",
        |call| call.method != "GET" && call.path.to_lowercase().starts_with("/groups/"),
        "accounts: { p2@x.example: , p3@x.example: }\ngroups: { Design: { members: [p1@x.example, p2@x.example, p3@x.example] } }",
        "",
    ),
    (
        "delete",
        |call| call.method == "DELETE" && call.path.to_lowercase().starts_with("/users/"),
        "policy: { remove_with: delete, max_removals: 100%, min_admins: 0 }\naccounts: { p1@x.example: , p3@x.example: }",
        "people:\n  p2@x.example: { }\napprovals:\n  - { allow: demo, guard: irreversible, until: 2099-12-31 }\n",
    ),
    (
        "create-group",
        |call| call.method == "POST" && call.path.eq_ignore_ascii_case("/groups"),
        "accounts: { p1@x.example: , p2@x.example: , p3@x.example: }\ngroups: { Sales: { members: [p1@x.example] } }",
        "",
    ),
    (
        "create",
        |call| call.method == "POST" && call.path.eq_ignore_ascii_case("/users"),
        "accounts: { p1@x.example: , p2@x.example: , p3@x.example: , p4@x.example: }",
        "",
    ),
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

/// Checks every kind of write with every status, all at the same time because failures are tried again after a while.
async fn every_kind(statuses: &[u16], check: impl AsyncFn(Dialect, Kind, u16)) {
    let check = &check;
    let rows = BOTH.into_iter().flat_map(|dialect| KINDS.map(|kind| (dialect, kind)));
    let rows = rows.flat_map(|(dialect, kind)| statuses.iter().map(move |status| check(dialect, kind, *status)));
    join_all(rows).await;
}

async fn failing(dialect: Dialect, status: u16, fails: Fails, app: &str, rest: &str) -> Case {
    Setup::of(dialect)
        .users(1..=3)
        .group("g1", "Design", &["u1"])
        .before(move |call, _| {
            let body =
                json!({"detail": "the moon is full", "message": "the moon is full", "status": status.to_string()});
            fails(call).then(|| json_answer(status, body))
        })
        .files(app, rest)
        .start()
        .await
}

#[tokio::test]
async fn a_failure_keeps_its_status_and_text_and_is_never_told_as_accepted() {
    every_kind(&[501, 505, 500, 502, 504], async |dialect, (what, fails, app, rest), status| {
        let case = failing(dialect, status, fails, app, rest).await;
        let said = case.apply().await;
        let all = said.all();
        let about = format!("{what}, {dialect:?}, {status}");
        // What an API does not know at all may turn out to be a person's.
        assert!(said.status == 1 || (status == 501 && all.contains("by hand")), "{about}: {said:?}");
        assert!(!all.contains("the app accepted it"), "{about}: {said:?}");
        assert!(all.contains(&format!("answered {status}")), "{about}: {said:?}");
        assert!(all.contains("the moon is full"), "{about}: {said:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_implemented_is_a_refusal_that_is_sent_once_and_not_looked_after() {
    every_kind(&[501, 505], async |dialect, (what, fails, app, rest), status| {
        let case = failing(dialect, status, fails, app, rest).await;
        case.apply().await;
        let lines = case.lines();
        let last = lines.iter().rposition(|line| !line.starts_with("GET ")).unwrap();
        // Nothing is read to find out what became of it.
        assert!(lines[last + 1..].is_empty(), "{what}, {dialect:?}, {status}: {lines:?}");
    })
    .await;
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
