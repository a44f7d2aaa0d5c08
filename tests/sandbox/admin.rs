//! The side door under `/_sandbox/`.

use rosterd::sandbox::AccountPatch;
use serde_json::{Value, json};

use crate::client::{Fixture, Got, got, quiet};

async fn admin(app: &Fixture, method: &str, path: &str, body: Option<Value>) -> Got {
    let request = app.http.request(method.parse().unwrap(), format!("{}/_sandbox{path}", app.sandbox.url()));
    got(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

#[tokio::test]
async fn the_status_shows_what_runs() {
    let app = Fixture::new(quiet()).await;
    let status = admin(&app, "GET", "/", None).await;
    assert_eq!(status.status, 200);
    assert_eq!((&status.json["seed"], &status.json["time_scale"]), (&json!(7), &json!(1.0)));
    assert_eq!(
        (&status.json["connectors"][0], &status.json["tenants"]),
        (&json!("autodesk"), &json!(["autodesk/studio"]))
    );
    assert!(status.json["now"].as_str().is_some_and(|now| now.parse::<jiff::Timestamp>().is_ok()));
}

#[tokio::test]
async fn the_log_shows_requests_to_apps_alone_and_can_be_cleared() {
    let app = Fixture::new(quiet()).await;
    app.get("/users?limit=5").await;
    app.post("/users", json!({ "email": "jane@example.com" })).await;
    admin(&app, "GET", "/", None).await;
    let mut log = admin(&app, "GET", "/log", None).await.json["data"].clone();
    for entry in log.as_array_mut().unwrap() {
        assert!(entry["at"].take().is_string());
    }
    assert_eq!(
        log,
        json!([
            { "at": null, "app": "autodesk", "tenant": "studio", "method": "GET", "path": "/users", "query": "limit=5",
              "headers": {}, "body": null, "status": 200, "fault": null, "effect": false },
            { "at": null, "app": "autodesk", "tenant": "studio", "method": "POST", "path": "/users", "query": "",
              "headers": { "content-type": "application/json" }, "body": { "email": "jane@example.com" }, "status": 201, "fault": null, "effect": true },
        ])
    );
    admin(&app, "DELETE", "/log", None).await;
    assert!(app.sandbox.log().is_empty());
}

#[tokio::test]
async fn faults_are_set_as_text_or_as_objects() {
    let app = Fixture::new(quiet()).await;
    let faults = json!(["every=9,kind=slow", { "at": [1, 2], "kind": 503, "path": "/users", "effect": true }]);
    let set = admin(&app, "POST", "/faults", Some(faults)).await;
    let told = json!(["every=9,kind=slow", "at=1+2,path=/users,effect=yes,kind=503"]);
    assert_eq!((set.status, &set.json["data"]), (200, &told));
    assert_eq!(app.get("/users").await.status, 503);
    let wrong = admin(&app, "POST", "/faults", Some(json!(["kind=boom"]))).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.json["error"].as_str().unwrap().contains("unknown kind `boom`"), "{wrong:?}");
    assert_eq!(admin(&app, "GET", "/faults", None).await.json["data"], told, "a wrong list changes nothing");
    admin(&app, "POST", "/faults", Some(json!([]))).await;
    assert_eq!(app.get("/users").await.status, 200);
}

#[tokio::test]
async fn the_clock_can_be_moved_forward_only() {
    let app = Fixture::new(quiet()).await;
    app.post("/users", json!({ "email": "jane@example.com" })).await;
    assert_eq!(admin(&app, "POST", "/advance", Some(json!({ "seconds": 7200 }))).await.status, 200);
    assert_eq!(app.get("/users").await.json["data"][0]["status"], "active");
    for body in [json!({ "seconds": -1 }), json!({ "seconds": "1h" }), json!({})] {
        assert_eq!(admin(&app, "POST", "/advance", Some(body.clone())).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn accounts_can_be_added_changed_and_removed_behind_the_back() {
    let app = Fixture::new(quiet()).await;
    let new = json!({ "email": "Jane@example.com", "given_name": "Jane", "role": "admin" });
    let id = admin(&app, "POST", "/autodesk/studio/accounts", Some(new.clone())).await.id();
    assert_eq!(admin(&app, "POST", "/autodesk/studio/accounts", Some(new)).await.status, 409);
    let account = format!("/autodesk/studio/accounts/{id}");
    let shown = admin(&app, "GET", "/autodesk/studio/accounts/jane@example.com", None).await.json;
    assert_eq!((&shown["id"], &shown["status"], &shown["role"]), (&json!(id), &json!("active"), &json!("admin")));

    admin(&app, "PATCH", &account, Some(json!({ "status": "inactive", "email": "jane.doe@example.com" }))).await;
    admin(&app, "PATCH", &account, Some(json!({ "status": "active", "role": "viewer" }))).await;
    let row = app.get(&format!("/users/{id}")).await.json;
    assert_eq!(
        (&row["email"], &row["status"], &row["role"]),
        (&json!("jane.doe@example.com"), &json!("active"), &json!("viewer"))
    );
    assert_eq!(admin(&app, "GET", "/autodesk/studio/accounts", None).await.json["data"].as_array().unwrap().len(), 1);

    assert_eq!(admin(&app, "DELETE", &account, None).await.status, 200);
    assert_eq!(admin(&app, "DELETE", &account, None).await.status, 404);
    assert!(app.emails().is_empty());
}

#[tokio::test]
async fn fields_that_the_guide_does_not_know_can_be_set_and_taken_away() {
    let app = Fixture::new(quiet()).await;
    let id = app.active("jane@example.com");
    let account = format!("/autodesk/studio/accounts/{id}");
    let set = |raw: Value| admin(&app, "PATCH", &account, Some(json!({ "raw": raw })));
    set(json!({ "costCentre": 7, "badge": "A" })).await;
    set(json!({ "badge": null })).await;
    let row = app.get(&format!("/users/{id}")).await.json;
    assert_eq!((&row["costCentre"], row.get("badge")), (&json!(7), None));
    assert_eq!(app.sandbox.account("autodesk", "studio", &id).unwrap().raw, row);
    assert_eq!(set(json!({ "role": "admin" })).await.status, 400, "the patch has a field of its own for that");
}

#[tokio::test]
async fn groups_and_memberships_can_be_changed_behind_the_back() {
    let app = Fixture::new(quiet()).await;
    let id = app.active("jane@example.com");
    admin(&app, "POST", "/autodesk/studio/groups", Some(json!({ "id": "team-1", "name": "Design" }))).await;
    assert_eq!(
        admin(&app, "GET", "/autodesk/studio/groups", None).await.json["data"],
        json!([{ "id": "team-1", "name": "Design" }])
    );
    let membership = format!("/autodesk/studio/accounts/{id}/groups/team-1");
    assert_eq!(admin(&app, "PUT", &membership, Some(json!({ "role": "lead" }))).await.status, 200);
    assert_eq!(app.get(&format!("/users/{id}/teams")).await.json["data"][0]["role"], "lead");
    assert_eq!(admin(&app, "PUT", &membership, Some(json!({ "role": "boss" }))).await.status, 400);
    let elsewhere = format!("/autodesk/studio/accounts/{id}/groups/team-2");
    assert_eq!(admin(&app, "PUT", &elsewhere, Some(json!({ "role": "lead" }))).await.status, 404);
    assert_eq!(admin(&app, "DELETE", &membership, None).await.status, 200);
    assert_eq!(admin(&app, "DELETE", &membership, None).await.status, 404);
}

#[tokio::test]
async fn the_side_door_is_free_and_stays_out_of_the_log() {
    let app = Fixture::new(quiet()).await;
    for _ in 0..5 {
        admin(&app, "GET", "/autodesk/studio/accounts", None).await;
    }
    assert_eq!(app.get("/users").await.number("x-ratelimit-remaining"), 999);
    assert_eq!(app.sandbox.log().len(), 1);
}

#[tokio::test]
async fn unknown_paths_apps_and_fields_say_so() {
    let app = Fixture::new(quiet()).await;
    assert_eq!(admin(&app, "GET", "/nothing", None).await.status, 404);
    assert_eq!(admin(&app, "GET", "/autodesk/studio/nothing", None).await.status, 404);
    let unknown = admin(&app, "GET", "/slack/studio/accounts", None).await;
    let error = unknown.json["error"].as_str().unwrap();
    assert!(error.starts_with("the sandbox plays no connector `slack`; it plays: autodesk, "), "{error}");
    let field = admin(&app, "POST", "/autodesk/studio/accounts", Some(json!({ "mail": "jane@example.com" }))).await;
    assert_eq!(field.status, 400);
    assert!(field.json["error"].as_str().unwrap().contains("unknown field `mail`"), "{field:?}");
    let elsewhere = got(app.http.get(app.sandbox.app_url("slack", "studio") + "/users")).await;
    assert_eq!(elsewhere.status, 404);
    assert_eq!(got(app.http.get(app.sandbox.url())).await.status, 404);
}

#[tokio::test]
async fn a_change_of_email_may_not_take_another_accounts() {
    let app = Fixture::new(quiet()).await;
    let id = app.active("jane@example.com");
    app.active("joe@example.com");
    let patch = |email: &str| AccountPatch { email: Some(email.to_owned()), ..AccountPatch::default() };
    let change = |email: &str| app.sandbox.patch_account("autodesk", app.tenant, &id, patch(email));
    change("JOE@example.com").expect_err("taken");
    change("nonsense").expect_err("no email");
    change("JANE@example.com").expect("its own, in another case");
    assert_eq!(app.emails(), ["JANE@example.com", "joe@example.com"]);
}
