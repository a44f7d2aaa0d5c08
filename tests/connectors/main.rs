//! Connectors and observation against small HTTP servers that misbehave in one way each.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever runs it")]

mod acc;
mod alteryx;
mod alteryx_webapi;
mod answers;
mod belief;
mod effort;
mod floods;
mod forecast;
#[path = "../fuzz/mod.rs"]
mod fuzz;
mod in_process;
mod keystone;
mod language;
mod makespan;
mod quiet;
mod scim;
mod support;
mod urgent;
mod waits;
mod workiva;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use insta::assert_snapshot;
use jiff::Timestamp;
use rosterd::{
    connectors::{
        Error, ErrorKind, Joiner, Lane, Override, Registry, Write,
        http::{
            Method,
            transport::{BodyFailure, HttpTransport, Transport, WireAnswer, WireFailure, WireRequest},
        },
    },
    model::{Coverage, DesiredApp, DesiredGroup, Email, FieldValue, LiveApp, MemberRead, Place, Policy, Values},
    observe::observe,
};
use serde_json::{Value, json};
use support::{Answer, Fixture, TestSecrets, app, json_answer, serve, status_answer};
use url::Url;

const WRITE: Lane = Lane::Write { unblocks: 0 };

fn user(n: usize, status: &str) -> Value {
    json!({"id": format!("u{n}"), "email": format!("P{n}@x.example"), "firstName": format!("P{n}"), "status": status})
}

fn page(rows: Vec<Value>, total: usize) -> Answer {
    json_answer(200, json!({"data": rows, "pagination": {"total": total}}))
}

/// Pages of at most 100 of `rows`, as the app should answer.
fn honest(rows: &[Value], offset: usize) -> Answer {
    page(rows.iter().skip(offset).take(100).cloned().collect(), rows.len())
}

async fn list(fixture: &Fixture) -> (usize, Coverage) {
    let listing = fixture.connector.accounts(Lane::Read).await.unwrap();
    (listing.rows.len(), listing.coverage)
}

fn incomplete(coverage: Coverage) -> String {
    match coverage {
        Coverage::Incomplete(why) | Coverage::Believed(why) => why,
        Coverage::Complete => "complete".into(),
    }
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).into(), FieldValue::from(*value))).collect()
}

fn group(name: &str, id: Option<&str>) -> DesiredGroup {
    DesiredGroup {
        name: name.into(),
        id: id.map(Into::into),
        state: Default::default(),
        mode: Default::default(),
        policy: Policy::default(),
        values: Values::new(),
        members: Default::default(),
        managed: Default::default(),
        place: Place::new("apps/x.yaml", 1, 1),
    }
}

async fn observed(fixture: &Fixture, groups: &[DesiredGroup]) -> LiveApp {
    let mut app: DesiredApp = fixture.app.clone();
    app.groups = groups.iter().map(|group| (group.name.clone(), group.clone())).collect();
    observe(fixture.connector.as_ref(), &app, &Default::default(), Timestamp::UNIX_EPOCH, &|_| {}).await.unwrap()
}

#[tokio::test]
async fn a_list_is_followed_to_its_end_with_one_request_a_page() {
    let users: Vec<_> = (0..250).map(|n| user(n, "active")).collect();
    let fixture = Fixture::autodesk(move |call| honest(&users, call.number("offset"))).await;
    assert_eq!(list(&fixture).await, (250, Coverage::Complete));
    assert_eq!(
        fixture.lines(),
        [
            "POST /authentication/v2/token",
            "GET /users?offset=0&limit=100",
            "GET /users?offset=100&limit=100",
            "GET /users?offset=200&limit=100"
        ]
    );
    assert_eq!(fixture.connector.requests(), 4);
}

#[tokio::test]
async fn smaller_pages_than_asked_for_lose_nobody() {
    let users: Vec<_> = (0..70).map(|n| user(n, "active")).collect();
    let clamped = move |offset: usize| page(users.iter().skip(offset).take(20).cloned().collect(), users.len());
    let fixture = Fixture::autodesk(move |call| clamped(call.number("offset"))).await;
    assert_eq!(list(&fixture).await, (70, Coverage::Complete));
}

#[tokio::test]
async fn a_list_that_shifts_under_the_reader_is_read_again() {
    let calls = AtomicUsize::new(0);
    let fixture = Fixture::autodesk(move |call| {
        // Behind the first page of the first sweep, ten accounts go away.
        let gone = if calls.fetch_add(1, Ordering::SeqCst) == 0 { 0 } else { 10 };
        let users: Vec<_> = (gone..250).map(|n| user(n, "active")).collect();
        honest(&users, call.number("offset"))
    });
    let fixture = fixture.await;
    assert_eq!(list(&fixture).await, (240, Coverage::Complete));
}

#[tokio::test]
async fn a_list_that_never_stands_still_is_incomplete_after_three_sweeps() {
    let calls = AtomicUsize::new(0);
    let fixture = Fixture::autodesk(move |call| {
        let gone = calls.fetch_add(1, Ordering::SeqCst);
        let users: Vec<_> = (gone..250).map(|n| user(n, "active")).collect();
        honest(&users, call.number("offset"))
    });
    let fixture = fixture.await;
    let (seen, coverage) = list(&fixture).await;
    assert!(seen >= 249, "what any sweep saw is kept: {seen}");
    assert_snapshot!(incomplete(coverage), @"GET /users: the total went from 244 to 243 while the list was read");
    assert_eq!(fixture.lines().len(), 1 + 9);
}

#[tokio::test]
async fn totals_that_disagree_with_the_rows_make_the_list_incomplete() {
    let users: Vec<_> = (0..150).map(|n| user(n, "active")).collect();
    let fixture =
        Fixture::autodesk(move |call| page(users.iter().skip(call.number("offset")).take(100).cloned().collect(), 160));
    let fixture = fixture.await;
    let (seen, coverage) = list(&fixture).await;
    assert_eq!(seen, 150);
    assert_snapshot!(incomplete(coverage), @"GET /users: 150 of 160 rows were seen");
}

#[tokio::test]
async fn a_page_that_repeats_itself_is_incomplete_and_never_endless() {
    let users: Vec<_> = (0..100).map(|n| user(n, "active")).collect();
    let fixture = Fixture::autodesk(move |_| page(users.clone(), 1000)).await;
    let (seen, coverage) = list(&fixture).await;
    assert_eq!(seen, 100);
    assert_snapshot!(incomplete(coverage), @"GET /users: page 2 repeats rows that came before and has no others");
    assert_eq!(fixture.lines().len(), 1 + 2);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_incomplete_and_keeps_what_was_seen() {
    let users: Vec<_> = (0..250).map(|n| user(n, "active")).collect();
    let fixture = Fixture::autodesk(move |call| match call.number("offset") {
        200 => json_answer(400, json!({"message": "offset too large"})),
        offset => honest(&users, offset),
    });
    let fixture = fixture.await;
    let (seen, coverage) = list(&fixture).await;
    assert_eq!(seen, 200);
    assert_snapshot!(incomplete(coverage), @"GET /users: demo: GET /users answered 400: offset too large");
}

#[tokio::test]
async fn an_answer_without_the_list_is_an_error_and_not_an_empty_app() {
    for body in [json!({"users": []}), json!({"data": {}}), json!([]), json!("gone")] {
        let fixture = Fixture::autodesk(move |_| json_answer(200, body.clone())).await;
        let error = fixture.connector.accounts(Lane::Read).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Malformed);
    }
}

#[tokio::test]
async fn a_token_that_expires_during_a_run_is_replaced() {
    let calls = AtomicUsize::new(0);
    let users: Vec<_> = (0..150).map(|n| user(n, "active")).collect();
    let fixture = Fixture::autodesk(move |call| {
        if calls.fetch_add(1, Ordering::SeqCst) == 1 {
            return status_answer(401);
        }
        honest(&users, call.number("offset"))
    });
    let fixture = fixture.await;
    assert_eq!(list(&fixture).await, (150, Coverage::Complete));
    assert_eq!(fixture.lines().iter().filter(|line| line.contains("/token")).count(), 2);
}

/// What the transport makes of an answer, or of none.
async fn carried(url: Url, path: &str) -> Result<WireAnswer, WireFailure> {
    let transport = HttpTransport::new(&url, None, 4096).unwrap();
    let request = WireRequest { method: Method::Get, url: url.join(path).unwrap(), headers: Vec::new(), body: None };
    transport.send(request).await
}

#[tokio::test]
async fn the_transport_tells_apart_how_an_answer_can_fail_to_come() {
    let server = serve(|call| match call.path.as_str() {
        "/reset" => Answer::Reset,
        "/cut" => Answer::CutOff,
        "/huge" => json_answer(200, json!("x".repeat(5000))),
        "/endless" => Answer::Endless("x"),
        _ => Answer::Text(200, "<!doctype html>"),
    });
    let server = server.await;
    let url = server.url.clone();
    assert!(matches!(carried(url.clone(), "/reset").await, Err(WireFailure::Lost(_))));
    assert!(matches!(carried(url.clone(), "/cut").await.unwrap().body, Err(BodyFailure::Cut(_))));
    assert_eq!(carried(url.clone(), "/huge").await.unwrap().body, Err(BodyFailure::TooLarge { most: 4096 }));
    assert_eq!(carried(url.clone(), "/endless").await.unwrap().body, Err(BodyFailure::TooLarge { most: 4096 }));
    assert_eq!(carried(url.clone(), "/page").await.unwrap().body, Ok(b"<!doctype html>".to_vec()));
    let nowhere = server.close().await;
    assert!(matches!(carried(nowhere, "/").await, Err(WireFailure::NotSent(_))));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_sent_once_and_its_outcome_unknown() {
    for fault in [Answer::Reset, Answer::CutOff, Answer::Text(200, "<html>"), status_answer(500), status_answer(503)] {
        let fixture = Fixture::autodesk(move |_| fault.clone()).await;
        let create = Write::CreateAccount { email: Email::lenient("new@x.example"), values: Values::new() };
        let error = fixture.connector.write(&create, WRITE).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unknown, "{error}");
        assert_eq!(fixture.lines(), ["POST /authentication/v2/token", "POST /users"]);
    }
}

#[tokio::test]
async fn no_credential_follows_a_redirect_to_another_host() {
    let elsewhere = serve(|_| json_answer(200, json!({"data": []}))).await;
    let target = format!("{}users", elsewhere.url);
    let fixture = Fixture::autodesk(move |_| Answer::Redirect(302, target.clone())).await;
    let error = fixture.connector.accounts(Lane::Read).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert_eq!(error.hint.as_deref(), Some("set the app's `url` to where the API is"));
    assert_eq!(elsewhere.lines().len(), 0);
}

#[tokio::test]
async fn what_a_write_proves_is_what_its_answer_carries() {
    let fixture = Fixture::autodesk(|call| match (call.method.as_str(), call.path.as_str()) {
        ("POST", "/users") => {
            let mut echo = call.body.clone();
            echo["id"] = json!("u9");
            echo["status"] = json!("pending");
            // Sparse, as the real one is: the role is not shown.
            echo.as_object_mut().unwrap().remove("role");
            json_answer(201, echo)
        }
        ("PATCH", "/users/u1") => {
            let mut echo = call.body.clone();
            echo["id"] = json!("u1");
            json_answer(200, echo)
        }
        ("PATCH", _) => json_answer(200, json!({"id": "someone-else", "role": "admin"})),
        ("POST", "/users/u1/teams") => {
            json_answer(200, json!({"userId": "u1", "teamId": "t1", "role": "member", "assignedAt": "now"}))
        }
        ("DELETE", _) => json_answer(200, json!({"success": true, "message": "User deleted"})),
        _ => status_answer(404),
    });
    let fixture = fixture.await;
    let email = || Email::lenient("New@x.example");
    let (u1, u2): (Arc<str>, Arc<str>) = ("u1".into(), "u2".into());
    for (write, proven) in [
        (Write::CreateAccount { email: email(), values: values(&[("given_name", "Jo")]) }, true),
        (Write::CreateAccount { email: email(), values: values(&[("given_name", "Jo"), ("role", "user")]) }, false),
        (Write::UpdateAccount { id: u1.clone(), values: values(&[("role", "admin")]), email: None }, true),
        (Write::UpdateAccount { id: u2, values: values(&[("role", "admin")]), email: None }, false),
        (Write::Deactivate { id: u1.clone() }, true),
        (
            Write::AddMember {
                group: "t1".into(),
                who: Joiner::known(u1.clone(), Email::lenient("u1@x.io")),
                values: values(&[("role", "member")]),
            },
            true,
        ),
        (
            Write::AddMember {
                group: "t1".into(),
                who: Joiner::known(u1.clone(), Email::lenient("u1@x.io")),
                values: values(&[("role", "lead")]),
            },
            false,
        ),
        (Write::DeleteAccount { id: u1 }, true),
    ] {
        let written = fixture.connector.write(&write, WRITE).await.unwrap();
        assert_eq!(written.proven, proven, "{write:?}");
    }
    assert_eq!(
        fixture.bodies(),
        [
            json!({"email": "New@x.example", "firstName": "Jo"}),
            json!({"email": "New@x.example", "firstName": "Jo", "role": "user"}),
            json!({"role": "admin"}),
            json!({"role": "admin"}),
            json!({"status": "inactive"}),
            json!({"teamId": "t1", "role": "member"}),
            json!({"teamId": "t1", "role": "lead"}),
        ]
    );
}

#[tokio::test]
async fn refusals_of_writes_keep_their_meaning() {
    let fixture = Fixture::autodesk(|call| match call.method.as_str() {
        "POST" => json_answer(422, json!({"message": "email is taken"})),
        "DELETE" => json_answer(200, json!({"success": false})),
        _ => status_answer(404),
    });
    let fixture = fixture.await;
    let kind = async |write: Write| fixture.connector.write(&write, WRITE).await.unwrap_err().kind;
    let create = Write::CreateAccount { email: Email::lenient("a@x.example"), values: Values::new() };
    assert_eq!(kind(create).await, ErrorKind::Duplicate);
    assert_eq!(kind(Write::DeleteAccount { id: "u1".into() }).await, ErrorKind::Refused);
    assert_eq!(kind(Write::Deactivate { id: "u1".into() }).await, ErrorKind::NotFound);
    assert_eq!(kind(Write::Reactivate { id: "u1".into() }).await, ErrorKind::Unsupported);
    assert_eq!(kind(Write::RemoveMember { group: "t".into(), account: "u".into() }).await, ErrorKind::Unsupported);
    let unmapped = Write::UpdateAccount { id: "u1".into(), values: values(&[("shoe_size", "42")]), email: None };
    assert_eq!(kind(unmapped).await, ErrorKind::Setup);
}

#[tokio::test]
async fn an_id_cannot_name_another_resource() {
    let fixture = Fixture::autodesk(|_| status_answer(404)).await;
    assert_eq!(fixture.connector.account("a/../b?x=1", Lane::Read).await.unwrap(), None);
    assert_eq!(fixture.lines()[1], "GET /users/a%2F..%2Fb%3Fx%3D1");
    assert_eq!(fixture.connector.account("..", Lane::Read).await.unwrap_err().kind, ErrorKind::Setup);
}

#[tokio::test]
async fn a_search_by_sweep_stops_at_the_first_match_and_says_when_it_saw_everything() {
    let users: Vec<_> = (0..350).map(|n| user(n, "active")).collect();
    let fixture = Fixture::autodesk(move |call| honest(&users, call.number("offset"))).await;
    let found = fixture.connector.find(&Email::lenient("p150@X.example"), Lane::Read).await.unwrap();
    assert_eq!(found.rows.iter().map(|account| &*account.id).collect::<Vec<_>>(), ["u150"]);
    assert_eq!(fixture.lines().len(), 1 + 2);
    let missing = fixture.connector.find(&Email::lenient("nobody@x.example"), Lane::Read).await.unwrap();
    assert_eq!((missing.rows.len(), missing.coverage), (0, Coverage::Complete));
}

/// Three accounts; single reads add the role; `u0` leads the design team.
fn small_organisation(call: &support::Call) -> Answer {
    let users = [user(0, "active"), user(1, "pending"), user(2, "inactive")];
    match call.path.strip_prefix("/users").unwrap_or_default() {
        "" => honest(&users, call.number("offset")),
        "/u0/teams" => json_answer(200, json!({"data": [{"id": "t1", "name": "Design", "role": "lead"}]})),
        one => match users.iter().find(|user| Some(user["id"].as_str().unwrap()) == one.strip_prefix('/')) {
            Some(user) => {
                let mut user = user.clone();
                user["role"] = json!("user");
                user["createdAt"] = json!("2026-11-20T08:00:00Z");
                json_answer(200, user)
            }
            None => status_answer(404),
        },
    }
}

#[tokio::test]
async fn observation_reads_what_is_needed_and_no_more() {
    let fixture = Fixture::autodesk(small_organisation).await;
    let live = observed(&fixture, &[group("Design", None), group("Empty", Some("t9"))]).await;
    let mut lines = fixture.lines();
    lines[2..].sort();
    assert_eq!(
        lines,
        [
            "POST /authentication/v2/token",
            "GET /users?offset=0&limit=100",
            "GET /users/u0",
            // Pending accounts cannot be in a team, and inactive ones never come back.
            "GET /users/u0/teams",
            "GET /users/u1",
            "GET /users/u2",
        ]
    );
    assert_eq!(live.requests, 6);
    assert!(live.accounts_coverage.is_complete() && live.groups_coverage.is_complete());
    assert_eq!(live.accounts.iter().filter(|account| account.values.contains_key("role")).count(), 3);
    assert_eq!(live.accounts[1].created_at.unwrap().to_string(), "2026-11-20T08:00:00Z");
    assert!(live.unread_memberships.is_empty(), "what is not needed is not missing");
    let groups: Vec<_> = live
        .groups
        .iter()
        .map(|group| format!("{} {} {} {}", group.id, group.name, group.members.len(), group.coverage.is_complete()))
        .collect();
    assert_eq!(groups, ["t1 Design 1 true", "t9 Empty 0 true"]);
    assert_eq!(live.groups[0].members[0].values["role"], Some(FieldValue::from("lead")));
}

#[tokio::test]
async fn no_credential_leaves_for_another_machine_in_the_clear() {
    let registry = Registry::default();
    let connect = |url: &str, change: &dyn Fn(&mut rosterd::model::DesiredApp)| {
        let mut app = app("autodesk", url, &registry);
        change(&mut app);
        registry.connect(&app, &TestSecrets::all(), None).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_snapshot!(connect("http://app.example/x", &|_| {}).unwrap_err(), @"demo: connecting: http://app.example would carry the credential unencrypted (write https://, or `options: { allow_cleartext: true }` if nobody can listen in between)");
    assert!(connect("https://app.example", &|app| app.auth.token_url = "http://t.example/x".parse().ok()).is_err());
    let allowed =
        |app: &mut rosterd::model::DesiredApp| drop(app.options.insert("allow_cleartext".into(), json!(true)));
    assert_eq!(connect("http://app.example", &allowed), Ok(()));
    assert_eq!(connect("http://localhost:1", &|_| {}), Ok(()));
}

#[tokio::test]
async fn without_declared_groups_no_membership_is_read() {
    let fixture = Fixture::autodesk(small_organisation).await;
    let live = observed(&fixture, &[]).await;
    assert!(!fixture.lines().iter().any(|line| line.contains("/teams")));
    assert!(live.groups.is_empty());
}

#[tokio::test]
async fn an_account_that_the_list_shows_is_not_taken_for_gone_because_one_read_finds_nothing() {
    let fixture = Fixture::autodesk(|call| match call.path.as_str() {
        "/users/u0" | "/users/u1" | "/users/u2" => status_answer(404),
        _ => small_organisation(call),
    });
    let live = observed(&fixture.await, &[]).await;
    assert_eq!(live.accounts.len(), 3, "to believe it would be to invite everyone again");
}

#[tokio::test]
async fn one_read_that_fails_does_not_fail_the_app() {
    let fixture = Fixture::autodesk(|call| match call.path.as_str() {
        "/users/u0/teams" => json_answer(403, json!({"message": "not yours"})),
        "/users/u1" => json_answer(403, json!({"message": "hidden"})),
        _ => small_organisation(call),
    });
    let fixture = fixture.await;
    let live = observed(&fixture, &[group("Design", None)]).await;
    assert_eq!(live.accounts.len(), 3);
    assert!(!live.accounts[1].values.contains_key("role"), "what was not read is not known");
    assert_eq!(live.unread_memberships, ["u0".into()].into());
    assert!(live.groups.iter().all(|group| group.coverage.is_complete()), "but for that one account");
    assert!(live.accounts_coverage.is_complete(), "that the account is there, the list has shown");
    assert_snapshot!(incomplete(live.groups_coverage), @"the groups of 1 of 1 accounts are not known; u0: demo: GET /users/u0/teams answered 403: not yours (the credential lacks a right, a role or a scope for this)");
}

#[tokio::test]
async fn progress_is_told_to_the_end() {
    let fixture = Fixture::autodesk(small_organisation).await;
    let told = std::sync::Mutex::new(Vec::new());
    let mut app = fixture.app.clone();
    app.groups = [("Design".into(), group("Design", None))].into();
    observe(fixture.connector.as_ref(), &app, &Default::default(), Timestamp::UNIX_EPOCH, &|progress| {
        told.lock().unwrap().push(format!("{progress:?}"))
    })
    .await
    .unwrap();
    assert_eq!(
        told.into_inner().unwrap(),
        [
            "Listed { accounts: 3 }",
            "Accounts { done: 1, of: 3 }",
            "Accounts { done: 2, of: 3 }",
            "Accounts { done: 3, of: 3 }",
            "Memberships { done: 1, of: 1 }"
        ]
    );
}

#[tokio::test]
async fn a_missing_secret_is_named_with_its_app_key_and_variable() {
    let registry = Registry::default();
    let app = app("autodesk", "https://api.example", &registry);
    let Err(error) = registry.connect(&app, &TestSecrets::none(), None) else { panic!("connected") };
    assert_snapshot!(error, @"demo: connecting: `auth.client_id`: the variable DEMO_CLIENT_ID is not set; `auth.client_secret`: the variable DEMO_CLIENT_SECRET is not set");
}

#[tokio::test]
async fn a_ca_file_that_cannot_be_read_is_said_before_anything_is_sent() {
    let registry = Registry::default();
    let mut app = app("autodesk", "https://api.example", &registry);
    app.options.insert("ca_file".into(), json!("no-such-file.pem"));
    let Err(error) = registry.connect(&app, &TestSecrets::all(), None) else { panic!("connected") };
    assert_eq!(error.kind, ErrorKind::Setup);
    assert!(error.detail.starts_with("the CA file no-such-file.pem cannot be read"), "{error}");
}

#[tokio::test]
async fn an_override_sends_everything_elsewhere_and_reads_no_secret() {
    let server = serve(|_| page(vec![user(1, "active")], 1)).await;
    let registry = Registry::default();
    let mut app = app("autodesk", "https://api.example", &registry);
    app.auth.token_url = Some("https://tokens.example/".parse().unwrap());
    let instead = Override {
        url: format!("{}sandbox", server.url).parse().unwrap(),
        client_id: "play".into(),
        client_secret: "play-secret".to_owned().into(),
    };
    let connector = registry.connect(&app, &TestSecrets::none(), Some(&instead)).unwrap();
    assert_eq!(connector.accounts(Lane::Read).await.unwrap().rows.len(), 1);
    assert_eq!(server.lines(), ["POST /sandbox/authentication/v2/token", "GET /sandbox/users?offset=0&limit=100"]);
}

#[tokio::test]
async fn apps_with_one_credential_share_one_bucket() {
    let registry = Registry::default();
    for (name, url, buckets) in
        [("a", "https://api.example/x", 1), ("b", "https://api.example/y", 1), ("c", "https://other.example", 2)]
    {
        let mut app = app("autodesk", url, &registry);
        app.name = name.into();
        registry.connect(&app, &TestSecrets::all(), None).unwrap();
        assert_eq!(registry.buckets.keys().len(), buckets);
    }
}

/// A second app, in a manifest that a user could have written: numbered pages, full replacement, members per group.
const OTHER: &str = r#"
name: other
base: /api/v3
auth: { header: X-Api-Key }
page: { number: page, size: pageSize, max: 2, end: short }
accounts:
  fields: { id: id, email: email, given_name: name.first, role: role, status: isActive }
  status: { active: true, inactive: false }
  role: { take: one, admin: [boss], names: { boss: Curator, user: Artisan } }
  list: { get: /users, items: users }
  read: { get: "/users/{account.id}" }
  find: { get: /users, query: { search: "{email}" }, items: users }
  update: { put: "/users/{account.id}", style: replace, omit: [dateAdded] }
  deactivate: { set: { status: inactive } }
  reactivate: { set: { status: active } }
groups:
  list: { get: /usergroups, items: . , paged: false }
members:
  list: { get: "/usergroups/{group.id}", items: memberIds, account: { id: . }, paged: false }
  add: { post: "/usergroups/{group.id}/users", body: ["{account.id}"] }
  remove: { delete: "/usergroups/{group.id}/users/{account.id}", otherwise: manual }
"#;

#[tokio::test]
async fn another_app_is_one_page_of_yaml() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("other.yaml"), OTHER).unwrap();
    let full = |n: usize, role: &str| {
        json!({"id": n, "email": format!("p{n}@x.example"), "name": {"first": "Jo", "middle": "Q"}, "role": role,
               "isActive": true, "dateAdded": "2020", "unknown": [1, 2]})
    };
    let fixture = Fixture::with(Registry::new(Some(directory.path().into())), "./other.yaml", move |call| {
        let users = [full(1, "Curator"), full(2, "Artisan"), full(3, "Viewer")];
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/api/v3/users") => {
                let from = (call.number("page") - 1) * 2;
                json_answer(200, json!({"users": users.iter().skip(from).take(2).collect::<Vec<_>>()}))
            }
            ("GET", "/api/v3/users/1") => json_answer(200, users[0].clone()),
            ("PUT", _) => json_answer(200, call.body.clone()),
            ("GET", "/api/v3/usergroups") => {
                json_answer(200, json!([{"id": "g1", "name": "A"}, {"id": "g2", "name": "B"}]))
            }
            ("GET", "/api/v3/usergroups/g1") => json_answer(200, json!({"memberIds": [1, 3]})),
            ("POST", _) => json_answer(200, json!({})),
            _ => status_answer(405),
        }
    });
    let fixture = fixture.await;
    assert_eq!(fixture.connector.semantics().members.read, MemberRead::PerGroup);
    let live = observed(&fixture, &[group("A", None)]).await;
    assert!(live.accounts_coverage.is_complete() && live.groups_coverage.is_complete());
    let roles: Vec<_> =
        live.accounts.iter().map(|account| account.values["role"].clone().unwrap().to_string()).collect();
    assert_eq!(roles, ["boss", "user", "Viewer"]);
    assert_eq!(live.groups[0].members.iter().map(|member| &*member.account).collect::<Vec<_>>(), ["1", "3"]);
    assert!(!live.groups[1].coverage.is_complete(), "nobody asked for that group's members");
    assert_eq!(
        fixture.lines(),
        [
            "GET /api/v3/users?page=1&pageSize=2",
            "GET /api/v3/users?page=2&pageSize=2",
            "GET /api/v3/usergroups",
            "GET /api/v3/usergroups/g1",
        ]
    );

    // A query may answer with what merely resembles.
    let found = fixture.connector.find(&Email::lenient("P2@x.example"), Lane::Read).await.unwrap();
    assert_eq!(found.rows.iter().map(|account| &*account.id).collect::<Vec<_>>(), ["2"]);

    let written = fixture.connector.write(&Write::Deactivate { id: "1".into() }, Lane::Removal).await.unwrap();
    assert!(written.proven);
    let mut kept = full(1, "Curator");
    kept["isActive"] = json!(false);
    kept.as_object_mut().unwrap().remove("dateAdded");
    assert_eq!(fixture.bodies().last(), Some(&kept));

    let update =
        Write::UpdateAccount { id: "1".into(), values: values(&[("role", "user"), ("given_name", "Al")]), email: None };
    fixture.connector.write(&update, WRITE).await.unwrap();
    assert_eq!(fixture.bodies().last().unwrap()["role"], "Artisan");
    assert_eq!(fixture.bodies().last().unwrap()["name"], json!({"first": "Al", "middle": "Q"}));

    let add = Write::AddMember {
        group: "g1".into(),
        who: Joiner::known("2", Email::lenient("two@x.io")),
        values: Values::new(),
    };
    assert!(!fixture.connector.write(&add, WRITE).await.unwrap().proven, "an empty answer proves nothing");
    assert_eq!(fixture.bodies().last(), Some(&json!(["2"])));
    let remove = Write::RemoveMember { group: "g1".into(), account: "1".into() };
    let error: Error = fixture.connector.write(&remove, Lane::Removal).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
}
