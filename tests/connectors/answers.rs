//! What answers mean where a manifest says it, for each meaning and through each kind of call.

use std::sync::atomic::{AtomicBool, Ordering};

use rosterd::{
    connectors::{Error, Lane, Registry, Write, Written},
    model::Coverage,
};
use serde_json::{Value, json};

use crate::{
    WRITE, incomplete, list,
    support::{Answer, Call, Fixture, json_answer},
};

const MANIFEST: &str = r#"
name: mine
auth: { bearer: true }
page: { token: token, next: next }
ANSWERS
accounts:
  fields: { id: id, email: email, status: on }
  status: { active: true, inactive: false }
  list: { get: /users, items: data }
  read: { get: "/users/{account.id}" }
  update: { patch: "/users/{account.id}" }
  deactivate: { set: { status: inactive }, answers: [ { status: 423, means: manual } ] }
  delete: { delete: "/users/{account.id}", OWN }
groups:
  list: { get: /groups, items: items, page: { offset: skip, total: total } }
"#;

/// An app whose manifest has these rules, and these in the call that deletes an account.
async fn mine(shared: &str, own: &str, play: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let manifest = MANIFEST.replace("ANSWERS", &format!("answers: [ {shared} ]")).replace("OWN", own);
    std::fs::write(directory.path().join("mine.yaml"), manifest).unwrap();
    Fixture::with(Registry::new(Some(directory.path().into())), "./mine.yaml", play).await
}

fn shown(result: Result<Written, Error>) -> String {
    match result {
        Ok(written) => if written.proven { "proven" } else { "accepted" }.into(),
        Err(error) => format!("{:?}: {}", error.kind, error.detail),
    }
}

/// Deletes an account under these rules, with one answer to every request.
async fn check_delete((shared, own): (&str, &str), (status, body): (u16, Value), expected: &str) {
    let answer = json_answer(status, body.clone());
    let fixture = mine(shared, own, move |_| answer.clone()).await;
    let result = fixture.connector.write(&Write::DeleteAccount { id: "u1".into() }, WRITE).await;
    assert_eq!(shown(result), expected, "{shared} {own} {status} {body}");
    assert_eq!(fixture.lines(), ["DELETE /users/u1"]);
}

#[tokio::test]
async fn a_write_fails_as_the_answer_means_whatever_its_status() {
    let said = |code: &str| json!({"code": code, "message": "says the app"});
    for (rule, (status, body), expected) in [
        (
            "{ status: [400, 422], path: code, is: [taken], means: duplicate }",
            (422, said("taken")),
            "Duplicate: says the app",
        ),
        (
            "{ status: 200, path: code, is: [taken], means: duplicate }",
            (200, said("taken")),
            "Duplicate: it says `code: \"taken\"`",
        ),
        ("{ status: 403, means: gone }", (403, said("?")), "NotFound: says the app"),
        ("{ path: code, is: [no_user], means: gone }", (200, said("no_user")), "NotFound: it says `code: \"no_user\"`"),
        ("{ status: 400, means: manual }", (400, said("?")), "Unsupported: says the app"),
        ("{ on: accounts.delete, lacks: data, means: manual }", (200, said("?")), "Unsupported: it has no `data`"),
        (
            "{ path: error, means: refused, text: error.why }",
            (200, json!({"error": {"why": "owns files"}})),
            "Refused: owns files",
        ),
        (
            "{ path: error, means: refused, text: error }",
            (200, json!({"error": {"message": "owns files"}})),
            "Refused: owns files",
        ),
        (
            "{ path: ok, is: [false, 0], means: refused, text: error }",
            (200, json!({"ok": 0})),
            "Refused: it says `ok: 0`",
        ),
        ("{ status: 500, path: code, is: [locked], means: refused }", (500, said("locked")), "Refused: says the app"),
    ] {
        check_delete((rule, ""), (status, body), expected).await;
    }
}

#[tokio::test]
async fn an_answer_that_no_rule_is_about_means_what_http_says() {
    let said = json!({"code": "x", "message": "says the app"});
    for (rule, status, expected) in [
        ("{ status: 400, path: code, is: [y], means: manual }", 400, "Refused: says the app"),
        ("{ status: 409, means: gone }", 400, "Refused: says the app"),
        ("{ status: 400, on: accounts.update, means: gone }", 400, "Refused: says the app"),
        ("{ lacks: data, means: refused }", 404, "NotFound: says the app"),
        ("{ status: 400, means: empty }", 400, "Refused: says the app"),
        ("{ path: error, means: refused }", 500, "Unknown: says the app"),
        ("{ path: error, means: refused }", 200, "accepted"),
    ] {
        check_delete((rule, ""), (status, said.clone()), expected).await;
    }
}

#[tokio::test]
async fn the_first_rule_that_matches_wins_and_a_calls_own_come_first() {
    let said = || (403, json!({"code": "x", "message": "says the app"}));
    let gone = "{ status: 403, means: gone }";
    let manual = "{ path: code, is: [x], means: manual }";
    check_delete((&format!("{gone}, {manual}"), ""), said(), "NotFound: says the app").await;
    check_delete((&format!("{manual}, {gone}"), ""), said(), "Unsupported: says the app").await;
    check_delete((gone, &format!("answers: [ {manual} ]")), said(), "Unsupported: says the app").await;
    // What holds of versions that lack the call comes last.
    let missing = || (404, json!({"code": "no_user", "message": "says the app"}));
    let own = "answers: [ { status: 404, path: code, is: [no_user], means: gone } ], otherwise: manual";
    check_delete(("", own), missing(), "NotFound: says the app").await;
    check_delete(("", "otherwise: manual"), missing(), "Unsupported: says the app").await;
}

#[tokio::test]
async fn a_deletion_is_proven_by_an_answer_that_says_otherwise_where_it_would_refuse() {
    let own = "answers: [ { path: ok, is: [false], means: refused } ]";
    check_delete(("", own), (200, json!({"ok": true})), "proven").await;
    check_delete(("", own), (200, json!({"ok": false})), "Refused: it says `ok: false`").await;
    check_delete(("", own), (200, json!({})), "accepted").await;
    check_delete(("", own), (202, json!({"ok": true})), "accepted").await;
    check_delete(("{ path: ok, is: [false], means: refused }", ""), (200, json!({"ok": true})), "accepted").await;
}

#[tokio::test]
async fn an_update_that_sets_a_status_means_what_either_call_says() {
    for (rule, status, expected) in [
        ("", 423, "Unsupported: locked"),
        ("{ status: 403, on: accounts.deactivate, means: manual }", 403, "Unsupported: locked"),
        ("{ status: 403, on: accounts.update, means: gone }", 403, "NotFound: locked"),
    ] {
        let fixture = mine(rule, "", move |_| json_answer(status, json!({"message": "locked"}))).await;
        let result = fixture.connector.write(&Write::Deactivate { id: "u1".into() }, WRITE).await;
        assert_eq!(shown(result), expected, "{rule}");
    }
}

#[tokio::test]
async fn overload_pauses_and_the_request_is_sent_again() {
    let rule = "{ status: 403, path: errors.0.reason, is: [rateLimitExceeded], means: overload }";
    let busy = AtomicBool::new(true);
    let fixture = mine(rule, "", move |call| match busy.fetch_xor(true, Ordering::SeqCst) {
        true => Answer::Headed(403, ("retry-after", "1"), json!({"errors": [{"reason": "rateLimitExceeded"}]})),
        false if call.method == "GET" => json_answer(200, json!({"data": []})),
        false => json_answer(200, json!({})),
    })
    .await;
    let start = std::time::Instant::now();
    assert_eq!(list(&fixture).await, (0, Coverage::Complete));
    let deleted = fixture.connector.write(&Write::DeleteAccount { id: "u1".into() }, WRITE).await;
    assert_eq!(shown(deleted), "accepted");
    assert_eq!(fixture.lines(), ["GET /users", "GET /users", "DELETE /users/u1", "DELETE /users/u1"]);
    assert!(start.elapsed().as_secs() >= 2, "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_account_that_is_gone_is_not_there_and_one_that_is_refused_is_a_failure() {
    for (rule, status, body, expected) in [
        ("{ status: [403, 410], on: accounts.read, means: gone }", 403, json!({}), "not there"),
        ("{ path: error, is: [not_found], means: gone }", 200, json!({"error": "not_found"}), "not there"),
        ("{ on: accounts.read, lacks: id, means: gone }", 200, json!({"data": null}), "not there"),
        ("{ status: 403, on: accounts.list, means: gone }", 403, json!({"message": "no"}), "Forbidden: no"),
        ("{ path: error, means: refused, text: error }", 200, json!({"error": "no right"}), "Refused: no right"),
    ] {
        let fixture = mine(rule, "", move |_| json_answer(status, body.clone())).await;
        let shown = match fixture.connector.account("u1", Lane::Read).await {
            Ok(account) => account.map_or("not there".to_owned(), |account| account.id.to_string()),
            Err(error) => format!("{:?}: {}", error.kind, error.detail),
        };
        assert_eq!(shown, expected, "{rule}");
    }
}

/// Reads the groups, whose first answer is this.
async fn check_groups(rule: &str, (status, body): (u16, Value), expected: &str) {
    let fixture = mine(rule, "", move |_| json_answer(status, body.clone())).await;
    let shown = match fixture.connector.groups(Lane::Read).await {
        Ok(groups) => format!("{} rows, {}", groups.rows.len(), incomplete(groups.coverage)),
        Err(error) => format!("{:?}: {}", error.kind, error.detail),
    };
    assert_eq!(shown, expected, "{rule}");
}

#[tokio::test]
async fn a_list_is_empty_where_an_answer_means_it_and_never_because_of_an_error() {
    let lacks = "{ on: groups.list, lacks: items, means: empty }";
    check_groups(lacks, (200, json!({"kind": "groups"})), "0 rows, complete").await;
    check_groups(lacks, (200, json!({"items": null})), "0 rows, complete").await;
    check_groups(lacks, (200, json!({"total": 3})), "0 rows, GET /groups: 0 of 3 rows were seen").await;
    check_groups(lacks, (403, json!({"message": "no"})), "Forbidden: no").await;
    check_groups(lacks, (200, json!([])), "Malformed: the answer has no `items`").await;
    let none = "{ status: 404, path: code, is: [no_groups], means: empty }";
    check_groups(none, (404, json!({"code": "no_groups"})), "0 rows, complete").await;
    check_groups("{ status: 403, means: empty }", (404, json!({"message": "no"})), "NotFound: no").await;
    check_groups("{ path: error, means: refused }", (200, json!({"error": "no"})), "Refused: it says `error: \"no\"`")
        .await;
    check_groups("{ status: 400, means: manual }", (400, json!({"message": "no"})), "Unsupported: no").await;
}

fn two_pages(second: (u16, Value)) -> impl Fn(&Call) -> Answer {
    move |call| match call.query.contains_key("token") {
        false => json_answer(200, json!({"data": [{"id": "u1", "email": "a@x.example", "on": true}], "next": "t1"})),
        true => json_answer(second.0, second.1.clone()),
    }
}

#[tokio::test]
async fn a_list_that_the_app_cuts_off_is_incomplete_and_keeps_its_rows() {
    let rules = "{ path: more, is: [cut], means: truncated }, { status: 400, means: truncated }, \
                 { status: 416, path: code, means: truncated, text: why }";
    let row = json!([{"id": "u2", "email": "b@x.example", "on": true}]);
    for (second, expected) in [
        ((200, json!({"data": row, "more": "cut"})), (2, "it says `more: \"cut\"`")),
        ((400, json!({"message": "too deep"})), (1, "it answered 400")),
        ((416, json!({"code": 7, "why": "only 10,000 rows"})), (1, "only 10,000 rows")),
    ] {
        let fixture = mine(rules, "", two_pages(second)).await;
        let (rows, coverage) = list(&fixture).await;
        let why = format!("GET /users: the app cut the list off: {}", expected.1);
        assert_eq!((rows, incomplete(coverage)), (expected.0, why));
    }
    let fixture = mine(rules, "", two_pages((200, json!({"data": row})))).await;
    assert_eq!(list(&fixture).await, (2, Coverage::Complete));
}

#[tokio::test]
async fn a_token_that_is_too_old_begins_the_list_again_and_a_first_page_has_none() {
    let rule = "{ path: code, is: [old], means: expired }, { status: 400, means: refused, text: why }";
    let fixture = mine(rule, "", two_pages((200, json!({"code": "old"})))).await;
    let (rows, coverage) = list(&fixture).await;
    let why = "GET /users: the way to the next page was too old when it was taken";
    assert_eq!((rows, incomplete(coverage).as_str()), (1, why));
    assert_eq!(fixture.lines(), ["GET /users", "GET /users?token=t1"].repeat(3));
    let fixture = mine(rule, "", |_| json_answer(400, json!({"code": "old", "why": "no such list"}))).await;
    let error = fixture.connector.accounts(Lane::Read).await.unwrap_err();
    assert_eq!((error.detail.as_str(), fixture.lines()), ("no such list", vec!["GET /users".to_owned()]));
}
