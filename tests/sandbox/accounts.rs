//! Accounts and teams at Autodesk.

use std::time::Duration;

use rosterd::sandbox::AccountView;
use serde_json::{Value, json};

use crate::client::{Fixture, check, quiet};

const HOUR: Duration = Duration::from_secs(3600);

fn refused(code: &str) -> Value {
    json!({ "errorCode": code, "developerMessage": "…" })
}

#[tokio::test]
async fn a_tenant_named_otherwise_than_its_connector_starts_empty() {
    let app = Fixture::new(quiet()).await;
    check(&app.get("/users").await, 200, json!({ "data": [], "pagination": { "total": 0, "limit": 20, "offset": 0 } }));
}

#[tokio::test]
async fn a_new_account_is_pending_and_its_answer_is_sparse() {
    let app = Fixture::new(quiet()).await;
    let body = json!({ "email": "Jane.Doe@Example.com", "firstName": "Jane", "lastName": "Doe", "role": "viewer" });
    let made = app.post("/users", body).await;
    let echo = json!({ "id": "…", "email": "Jane.Doe@Example.com", "firstName": "Jane", "status": "pending", "createdAt": "…" });
    check(&made, 201, echo);
    let full = json!({ "id": "…", "email": "Jane.Doe@Example.com", "firstName": "Jane", "lastName": "Doe",
        "status": "pending", "role": "viewer", "createdAt": "…" });
    check(&app.get(&format!("/users/{}", made.id())).await, 200, full);
}

#[tokio::test]
async fn a_new_account_needs_no_more_than_an_email_and_becomes_a_user() {
    let app = Fixture::new(quiet()).await;
    let made = app.post("/users", json!({ "email": "jane@example.com" })).await;
    assert_eq!(app.get(&format!("/users/{}", made.id())).await.json["role"], "user");
}

#[tokio::test]
async fn a_body_that_makes_no_sense_is_refused_and_changes_nothing() {
    let app = Fixture::new(quiet()).await;
    for body in [
        json!({}),
        json!({ "firstName": "Jane" }),
        json!({ "email": null }),
        json!({ "email": 7 }),
        json!({ "email": "jane" }),
        json!({ "email": "jane@localhost" }),
        json!({ "email": "jane doe@example.com" }),
        json!({ "email": "a@b@example.com" }),
        json!({ "email": "jane@example.com", "role": "owner" }),
        json!({ "email": "jane@example.com", "status": "active" }),
        json!({ "email": "jane@example.com", "nickname": "J" }),
        json!([]),
    ] {
        let answer = app.post("/users", body.clone()).await;
        assert_eq!((answer.status, &answer.json["errorCode"]), (400, &json!("INVALID_REQUEST")), "{body}");
    }
    let text = app.request("POST", "/users", None).header("content-type", "text/plain").body("jane");
    assert_eq!(crate::client::got(text).await.status, 415);
    assert!(app.emails().is_empty());
    assert!(app.sandbox.log().iter().all(|request| !request.effect));
}

#[tokio::test]
async fn an_email_can_be_used_once_whatever_its_case() {
    let app = Fixture::new(quiet()).await;
    app.post("/users", json!({ "email": "Jane@Example.com" })).await;
    check(&app.post("/users", json!({ "email": "jane@example.COM" })).await, 409, refused("USER_EXISTS"));
    assert_eq!(app.emails(), ["Jane@Example.com"]);
    assert_eq!(app.sandbox.account("autodesk", app.tenant, "jane@example.com").unwrap().invitations, 1);
}

#[tokio::test]
async fn an_invitation_is_accepted_when_its_time_has_come() {
    let app = Fixture::new(quiet()).await;
    let id = app.post("/users", json!({ "email": "jane@example.com" })).await.id();
    app.sandbox.advance(HOUR * 79 / 100);
    assert_eq!(app.get(&format!("/users/{id}")).await.json["status"], "pending");
    app.sandbox.advance(HOUR * 42 / 100);
    let accepted = app.get(&format!("/users/{id}")).await.json;
    assert_eq!(accepted["status"], "active");
    assert!(accepted["lastLogin"].as_str() > accepted["createdAt"].as_str(), "{accepted}");
}

#[tokio::test]
async fn invitations_are_accepted_one_after_another_and_alike_for_the_same_seed() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let app = Fixture::new(rosterd::sandbox::Config { seed, ..quiet() }).await;
        for n in 0..6 {
            app.post("/users", json!({ "email": format!("p{n}@example.com") })).await;
        }
        let accounts = app.sandbox.accounts("autodesk", app.tenant).unwrap();
        let wait = |account: &AccountView| account.accepts_at.unwrap().duration_since(account.created_at).as_secs();
        let waits: Vec<i64> = accounts.iter().map(wait).collect();
        assert!(waits.iter().all(|wait| (2880..=4320).contains(wait)), "{waits:?}");
        runs.push(waits);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!(runs[0].windows(2).any(|pair| pair[0] != pair[1]));
}

#[tokio::test]
async fn an_invitation_that_takes_forever_is_never_accepted() {
    let app = Fixture::new(rosterd::sandbox::Config { accept_after: Duration::MAX, ..quiet() }).await;
    let id = app.post("/users", json!({ "email": "jane@example.com" })).await.id();
    app.sandbox.advance(HOUR * 24 * 365);
    app.sandbox.advance(Duration::ZERO);
    assert_eq!(app.sandbox.account("autodesk", app.tenant, &id).unwrap().status, "pending");
}

#[tokio::test]
async fn list_rows_are_sparse_and_pages_hold_twenty_or_at_most_a_hundred() {
    let app = Fixture::new(quiet()).await;
    for n in 0..130 {
        app.active(&format!("p{n:03}@example.com"));
    }
    for (query, rows, limit, offset) in [
        ("", 20, 20, 0),
        ("?limit=7", 7, 7, 0),
        ("?limit=500", 100, 100, 0),
        ("?limit=100&offset=100", 30, 100, 100),
        ("?offset=130", 0, 20, 130),
    ] {
        let page = app.get(&format!("/users{query}")).await.json;
        assert_eq!(page["data"].as_array().unwrap().len(), rows, "{query}");
        assert_eq!(page["pagination"], json!({ "total": 130, "limit": limit, "offset": offset }), "{query}");
    }
    let first = app.get("/users?limit=1").await.json["data"][0].clone();
    assert_eq!(
        first.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["id", "email", "status"],
        "a row without a name"
    );
    for query in ["?limit=0", "?limit=many", "?offset=-1"] {
        assert_eq!(app.get(&format!("/users{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_deletion_between_two_pages_hides_a_survivor() {
    let app = Fixture::new(quiet()).await;
    let ids: Vec<String> = (0..6).map(|n| app.active(&format!("p{n}@example.com"))).collect();
    let emails =
        |page: Value| page["data"].as_array().unwrap().iter().map(|row| row["email"].clone()).collect::<Vec<_>>();
    let mut seen = emails(app.get("/users?limit=3").await.json);
    app.delete(&format!("/users/{}", ids[0])).await;
    seen.extend(emails(app.get("/users?limit=3&offset=3").await.json));
    assert_eq!(seen, ["p0@example.com", "p1@example.com", "p2@example.com", "p4@example.com", "p5@example.com"]);
}

#[tokio::test]
async fn names_and_role_can_be_changed_and_the_answer_lacks_the_last_name() {
    let app = Fixture::new(quiet()).await;
    let id = app.active("jane@example.com");
    let answer =
        app.patch(&format!("/users/{id}"), json!({ "firstName": "Jane", "lastName": "Doe", "role": "admin" })).await;
    let echo =
        json!({ "id": "…", "email": "jane@example.com", "firstName": "Jane", "role": "admin", "status": "active" });
    check(&answer, 200, echo);
    assert_eq!(app.get(&format!("/users/{id}")).await.json["lastName"], "Doe");
    let again = app.patch(&format!("/users/{id}"), json!({ "role": "admin" })).await;
    assert_eq!(again.status, 200);
    assert_eq!(app.sandbox.log().iter().map(|request| request.effect).collect::<Vec<_>>(), [true, false, false]);
}

#[tokio::test]
async fn an_email_or_an_unknown_field_cannot_be_patched() {
    let app = Fixture::new(quiet()).await;
    let id = app.active("jane@example.com");
    for body in [
        json!({ "email": "other@example.com" }),
        json!({ "id": "x" }),
        json!({}),
        json!({ "status": "pending" }),
        json!({ "status": "gone" }),
        json!({ "role": "user", "status": 1 }),
    ] {
        assert_eq!(app.patch(&format!("/users/{id}"), body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(app.emails(), ["jane@example.com"]);
}

#[tokio::test]
async fn a_deactivated_account_stays_in_the_list_keeps_its_teams_and_never_comes_back() {
    let app = Fixture::new(quiet()).await;
    app.team("team-1", "Design");
    let id = app.active("jane@example.com");
    app.post(&format!("/users/{id}/teams"), json!({ "teamId": "team-1", "role": "member" })).await;
    let user = format!("/users/{id}");
    let answer = app.patch(&user, json!({ "status": "inactive" })).await;
    check(&answer, 200, json!({ "id": "…", "status": "inactive", "deactivatedAt": "…" }));
    app.sandbox.advance(HOUR);
    let again = app.patch(&user, json!({ "status": "inactive" })).await;
    assert_eq!(again.json, answer.json, "the first deactivation is the one that counts");
    check(&app.patch(&user, json!({ "status": "active" })).await, 409, refused("USER_INACTIVE"));
    assert_eq!(app.get("/users").await.json["data"][0]["status"], "inactive");
    assert_eq!(app.get(&format!("{user}/teams")).await.json["data"][0]["name"], "Design");
}

#[tokio::test]
async fn a_pending_account_cannot_be_activated_but_its_invitation_can_be_withdrawn() {
    let app = Fixture::new(quiet()).await;
    let user = format!("/users/{}", app.post("/users", json!({ "email": "jane@example.com" })).await.id());
    check(&app.patch(&user, json!({ "status": "active" })).await, 409, refused("INVITATION_OPEN"));
    assert_eq!(app.patch(&user, json!({ "status": "inactive" })).await.json["status"], "inactive");
    app.sandbox.advance(HOUR * 2);
    assert_eq!(app.get(&user).await.json["status"], "inactive");
}

#[tokio::test]
async fn a_deleted_account_is_gone_and_its_email_free_again() {
    let app = Fixture::new(quiet()).await;
    let user = format!("/users/{}", app.post("/users", json!({ "email": "jane@example.com" })).await.id());
    check(&app.delete(&user).await, 200, json!({ "success": true, "message": "User deleted" }));
    for answer in [app.get(&user).await, app.delete(&user).await, app.patch(&user, json!({ "role": "user" })).await] {
        check(&answer, 404, refused("NOT_FOUND"));
    }
    assert_eq!(app.post("/users", json!({ "email": "jane@example.com" })).await.status, 201);
    assert_eq!(app.sandbox.account("autodesk", app.tenant, "jane@example.com").unwrap().invitations, 2);
}

#[tokio::test]
async fn ids_are_compared_byte_for_byte() {
    let app = Fixture::new(quiet()).await;
    let id = app.active("jane@example.com");
    assert_eq!(app.get(&format!("/users/{}", id.to_uppercase())).await.status, 404);
    assert_eq!(app.get("/users/jane@example.com").await.status, 404);
}

#[tokio::test]
async fn a_team_takes_active_accounts_only_and_each_once() {
    let app = Fixture::new(quiet()).await;
    app.team("team-1", "Design");
    let active = app.active("active@example.com");
    let inactive = app.active("inactive@example.com");
    app.patch(&format!("/users/{inactive}"), json!({ "status": "inactive" })).await;
    let pending = app.post("/users", json!({ "email": "pending@example.com" })).await.id();

    let join = |role: &str| json!({ "teamId": "team-1", "role": role });
    let joined = app.post(&format!("/users/{active}/teams"), join("member")).await;
    check(&joined, 201, json!({ "userId": "…", "teamId": "team-1", "role": "member", "assignedAt": "…" }));
    for (id, role, code) in [
        (&active, "member", "ALREADY_MEMBER"),
        (&active, "lead", "ALREADY_MEMBER"),
        (&pending, "member", "INVITATION_OPEN"),
        (&inactive, "member", "USER_INACTIVE"),
    ] {
        check(&app.post(&format!("/users/{id}/teams"), join(role)).await, 409, refused(code));
    }
    let teams = app.get(&format!("/users/{active}/teams")).await;
    check(&teams, 200, json!({ "data": [{ "id": "team-1", "name": "Design", "role": "member" }] }));
    app.sandbox.advance(HOUR * 2);
    assert_eq!(app.post(&format!("/users/{pending}/teams"), join("lead")).await.status, 201);
}

#[tokio::test]
async fn a_team_assignment_needs_a_known_team_a_role_and_a_known_account() {
    let app = Fixture::new(quiet()).await;
    app.team("team-1", "Design");
    let id = app.active("jane@example.com");
    for (who, body, status) in [
        (id.as_str(), json!({ "teamId": "team-2", "role": "member" }), 404),
        ("nobody", json!({ "teamId": "team-1", "role": "member" }), 404),
        (&id, json!({ "teamId": "team-1" }), 400),
        (&id, json!({ "role": "member" }), 400),
        (&id, json!({ "teamId": "team-1", "role": "boss" }), 400),
    ] {
        assert_eq!(app.post(&format!("/users/{who}/teams"), body.clone()).await.status, status, "{who} {body}");
    }
    assert_eq!(app.get("/users/nobody/teams").await.status, 404);
}

#[tokio::test]
async fn teams_can_neither_be_listed_nor_left() {
    let app = Fixture::new(quiet()).await;
    app.team("team-1", "Design");
    let id = app.active("jane@example.com");
    app.sandbox.put_membership("autodesk", app.tenant, &id, "team-1", "member").unwrap();
    assert_eq!(app.get("/teams").await.status, 404);
    assert_eq!(app.delete(&format!("/users/{id}/teams/team-1")).await.status, 404);
    let refused = app.delete(&format!("/users/{id}/teams")).await;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, POST")));
    assert_eq!(app.delete("/users").await.status, 405);
    assert_eq!(app.post(&format!("/users/{id}"), json!({})).await.status, 405);
    assert_eq!(app.sandbox.account("autodesk", app.tenant, &id).unwrap().groups.len(), 1);
}
