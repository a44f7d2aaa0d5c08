//! An API that nobody here plays in the sandbox, by a manifest alone: OpenStack Keystone v3, as far as a small server can
//! stand for it.

use std::sync::Arc;

use rosterd::{
    connectors::{ErrorKind, Lane, Registry, Write},
    model::{AccountStatus, Coverage, DesiredApp, Email, SecretRef, Values},
};
use serde_json::{Value, json};

use crate::{
    WRITE, group, incomplete, observed,
    support::{Answer, Call, Fixture, json_answer, status_answer},
};

/// Rows that the server sends at most.
const LIMIT: usize = 5;

fn user(n: usize) -> Value {
    json!({"id": format!("id{n:02}"), "name": format!("p{n}@x.example"), "enabled": n != 3, "domain_id": "default"})
}

/// A page that follows a marker, with the link to the next one.
fn page(call: &Call, what: &str, rows: &[Value]) -> Answer {
    let from = call
        .query
        .get("marker")
        .map_or(0, |marker| 1 + rows.iter().position(|row| row["id"].as_str() == Some(marker)).unwrap());
    let shown: Vec<_> = rows.iter().skip(from).take(LIMIT).cloned().collect();
    let more = from + shown.len() < rows.len();
    let next = shown.last().filter(|_| more).map(|last| {
        format!("http://keystone.internal:5000{}?domain_id=default&marker={}", call.path, last["id"].as_str().unwrap())
    });
    let mut body = json!({what: shown, "links": {"next": next, "self": "x", "previous": null}});
    if more {
        body["truncated"] = json!(true);
    }
    json_answer(200, body)
}

fn keystone(call: &Call) -> Answer {
    if call.path == "/v3/auth/tokens" {
        assert_eq!(call.body["auth"]["identity"]["password"]["user"]["name"], "value of DEMO_USERNAME");
        return Answer::Headed(201, ("X-Subject-Token", "gAAAA"), json!({"token": {}}));
    }
    if call.headers.get("x-auth-token").map(String::as_str) != Some("gAAAA") {
        return status_answer(401);
    }
    let users: Vec<_> = (0..12).map(user).collect();
    match (call.method.as_str(), call.path.strip_prefix("/v3").unwrap()) {
        ("GET", "/users") => match call.query.get("name") {
            Some(name) => {
                page(call, "users", &users.into_iter().filter(|user| user["name"] == **name).collect::<Vec<_>>())
            }
            None => page(call, "users", &users),
        },
        ("GET", "/groups") => {
            page(call, "groups", &[json!({"id": "g1", "name": "Big"}), json!({"id": "g2", "name": "Small"})])
        }
        // Real servers ignore the marker here.
        ("GET", "/groups/g1/users") => {
            json_answer(200, json!({"users": users[..LIMIT], "truncated": true, "links": {"next": "?marker=id04"}}))
        }
        ("GET", "/groups/g2/users") => json_answer(200, json!({"users": users[..2], "links": {"next": null}})),
        ("POST", "/users") if call.body["user"]["name"] == "p1@x.example" => {
            json_answer(409, json!({"error": {"code": 409, "message": "it is there", "title": "Conflict"}}))
        }
        ("POST", "/users") => {
            let mut made = call.body.clone();
            made["user"]["id"] = json!("id99");
            made["user"]["enabled"] = json!(true);
            json_answer(201, made)
        }
        ("PATCH", "/users/id01") => {
            let mut shown = user(1);
            shown.as_object_mut().unwrap().extend(call.body["user"].as_object().unwrap().clone());
            json_answer(200, json!({"user": shown}))
        }
        ("PUT" | "DELETE", _) => json_answer(200, Value::Null),
        _ => json_answer(404, json!({"error": {"code": 404, "message": "not found", "title": "Not Found"}})),
    }
}

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("keystone.yaml"), include_str!("keystone.yaml")).unwrap();
    let registry = Registry::new(Some(directory.path().into()));
    let secrets = |app: &mut DesiredApp| {
        let secret = |key: &str| (Arc::from(key), SecretRef::Env(format!("DEMO_{}", key.to_uppercase())));
        app.auth.secrets.extend(["username", "password"].map(secret));
    };
    Fixture::wired(registry, "./keystone.yaml", &Value::Null, secrets, keystone).await
}

#[tokio::test]
async fn users_are_followed_by_their_markers_and_a_group_that_is_cut_off_is_never_complete() {
    let fixture = fixture().await;
    let live = observed(&fixture, &[group("Big", None), group("Small", None)]).await;
    assert_eq!((live.accounts.len(), live.accounts_coverage), (12, Coverage::Complete));
    assert_eq!(live.accounts[3].status, AccountStatus::Inactive);
    assert_eq!(live.groups[0].members.len(), LIMIT);
    assert_eq!(
        incomplete(live.groups[0].coverage.clone()),
        "GET /groups/g1/users: the app cut the list off: it says `truncated: true`"
    );
    assert_eq!((live.groups[1].members.len(), &live.groups[1].coverage), (2, &Coverage::Complete));
    let mut lines = fixture.lines();
    lines[5..].sort();
    assert_eq!(
        lines,
        [
            "POST /v3/auth/tokens",
            "GET /v3/users?domain_id=default",
            "GET /v3/users?domain_id=default&marker=id04",
            "GET /v3/users?domain_id=default&marker=id09",
            "GET /v3/groups?domain_id=default",
            "GET /v3/groups/g1/users",
            "GET /v3/groups/g2/users",
        ]
    );
}

#[tokio::test]
async fn users_are_made_found_and_switched_off_in_their_envelopes() {
    let fixture = fixture().await;
    let create = |email: &str| Write::CreateAccount { email: Email::lenient(email), values: Values::new() };
    let made = fixture.connector.write(&create("new@x.example"), WRITE).await.unwrap();
    assert_eq!((made.id.as_deref(), made.proven), (Some("id99"), true));
    let taken = fixture.connector.write(&create("p1@x.example"), WRITE).await.unwrap_err();
    assert_eq!((taken.kind, taken.detail.as_str()), (ErrorKind::Duplicate, "it is there"));
    let found = fixture.connector.find(&Email::lenient("p1@x.example"), Lane::Read).await.unwrap();
    assert_eq!(found.rows[0].id, "id01".into());
    let off = fixture.connector.write(&Write::Deactivate { id: "id01".into() }, WRITE).await.unwrap();
    assert!(off.proven);
    assert_eq!(fixture.bodies().pop().unwrap(), json!({"user": {"enabled": false}}));
    fixture.connector.write(&Write::RemoveMember { group: "g2".into(), account: "id01".into() }, WRITE).await.unwrap();
    assert_eq!(fixture.lines().pop().unwrap(), "DELETE /v3/groups/g2/users/id01");
}
