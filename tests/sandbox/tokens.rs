//! Access tokens.

use std::time::Duration;

use rosterd::sandbox::{Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET};
use serde_json::json;

use crate::client::{ALL_SCOPES, Fixture, got, quiet};

#[tokio::test]
async fn client_credentials_buy_a_bearer_token() {
    let app = Fixture::new(Config::default()).await;
    let answer = app.ask_token(ALL_SCOPES).await;
    assert_eq!(answer.status, 200);
    assert_eq!((&answer.json["token_type"], &answer.json["expires_in"]), (&json!("Bearer"), &json!(3599)));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn the_token_endpoint_refuses_what_is_not_a_proper_request() {
    let app = Fixture::new(quiet()).await;
    let url = app.url("/authentication/v2/token");
    let good = [("grant_type", "client_credentials"), ("scope", "user:read")];
    let post = || app.http.post(&url).basic_auth(DEFAULT_CLIENT_ID, Some(DEFAULT_CLIENT_SECRET));
    let in_body = [("client_id", DEFAULT_CLIENT_ID), ("client_secret", DEFAULT_CLIENT_SECRET)];
    for (request, status, error) in [
        (app.http.post(&url).form(&good), 401, "invalid_client"),
        (app.http.post(&url).form(&[good.as_slice(), &in_body].concat()), 401, "invalid_client"),
        (app.http.post(&url).basic_auth(DEFAULT_CLIENT_ID, Some("wrong")).form(&good), 401, "invalid_client"),
        (app.http.post(&url).basic_auth("wrong", Some(DEFAULT_CLIENT_SECRET)).form(&good), 401, "invalid_client"),
        (post().form(&[("grant_type", "password"), ("scope", "user:read")]), 400, "unsupported_grant_type"),
        (post().form(&[("scope", "user:read")]), 400, "invalid_request"),
        (post().form(&[("grant_type", "client_credentials")]), 400, "invalid_scope"),
        (post().form(&[("grant_type", "client_credentials"), ("scope", "user:read data:read")]), 400, "invalid_scope"),
        (post().json(&json!({ "grant_type": "client_credentials", "scope": "user:read" })), 400, "invalid_request"),
        (post().form(&[good.as_slice(), &good[..1]].concat()), 400, "invalid_request"),
        (app.http.get(&url), 405, "invalid_request"),
    ] {
        let answer = got(request).await;
        assert_eq!((answer.status, &answer.json["error"]), (status, &json!(error)), "{answer:?}");
    }
}

#[tokio::test]
async fn a_scope_that_is_not_on_offer_fails_the_whole_request() {
    let scopes = vec!["user:read".to_owned(), "user:write".to_owned()];
    let sandbox = rosterd::sandbox::Sandbox::start(Config { autodesk_scopes: scopes, ..quiet() }).await.unwrap();
    let mut app = Fixture { sandbox, http: crate::client::http(), tenant: crate::client::TENANT, token: String::new() };
    assert_eq!(app.ask_token(ALL_SCOPES).await.status, 400);
    app.token = app.fresh_token("user:read").await;
    let id = app.active("jane@example.com");
    assert_eq!(app.get(&format!("/users/{id}/teams")).await.status, 200, "user:read reads teams when nothing else can");
}

#[tokio::test]
async fn requests_without_a_valid_token_are_unauthorised() {
    let app = Fixture::new(quiet()).await;
    let users = app.url("/users");
    for request in [
        app.http.get(&users),
        app.http.get(&users).bearer_auth("invented"),
        app.http.get(&users).basic_auth(DEFAULT_CLIENT_ID, Some(DEFAULT_CLIENT_SECRET)),
    ] {
        let answer = got(request).await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").is_some_and(|scheme| scheme.starts_with("Bearer")));
    }
}

#[tokio::test]
async fn a_token_of_one_tenant_opens_no_other() {
    let app = Fixture::new(quiet()).await;
    let other = app.sandbox.app_url("autodesk", "other") + "/users";
    assert_eq!(got(app.http.get(other).bearer_auth(&app.token)).await.status, 401);
}

#[tokio::test]
async fn each_request_needs_its_scope() {
    let mut app = Fixture::new(quiet()).await;
    let id = app.active("jane@example.com");
    let requests = [
        ("GET", "/users".to_owned(), "user:read"),
        ("GET", format!("/users/{id}"), "user:read"),
        ("GET", format!("/users/{id}/teams"), "organization:read"),
        ("POST", "/users".to_owned(), "user:write"),
        ("PATCH", format!("/users/{id}"), "user:write"),
        ("POST", format!("/users/{id}/teams"), "user:write"),
        ("DELETE", format!("/users/{id}"), "user:write"),
    ];
    for scope in ["user:read", "user:write", "organization:read"] {
        app.token = app.fresh_token(scope).await;
        for (method, path, needed) in &requests {
            let answer = got(app.request(method, path, Some(json!({ "email": "jane@example.com" })))).await;
            assert_eq!(answer.status == 403, *needed != scope, "{scope}: {method} {path} {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_token_ends_with_its_life() {
    let app = Fixture::new(Config { token_life: Duration::from_secs(60), ..quiet() }).await;
    app.sandbox.advance(Duration::from_secs(50));
    assert_eq!(app.get("/users").await.status, 200);
    app.sandbox.advance(Duration::from_secs(10));
    assert_eq!(app.get("/users").await.status, 401);
}

#[tokio::test]
async fn the_life_of_a_token_is_told_in_real_seconds() {
    let app = Fixture::new(Config { time_scale: 60.0, ..Config::default() }).await;
    assert_eq!(app.ask_token("user:read").await.json["expires_in"], 59);
}

#[tokio::test]
async fn token_requests_draw_on_a_quota_of_their_own() {
    let app = Fixture::new(Config { token_requests: 2, ..quiet() }).await;
    assert_eq!(app.ask_token("user:read").await.status, 200);
    let refused = app.ask_token("user:read").await;
    assert_eq!(refused.status, 429);
    assert!((50..=60).contains(&refused.number("retry-after")), "{refused:?}");
    let answer = app.get("/users").await;
    assert_eq!((answer.status, answer.number("x-ratelimit-remaining")), (200, 999));
    app.sandbox.advance(Duration::from_secs(60));
    assert_eq!(app.ask_token("user:read").await.status, 200);
}

#[tokio::test]
async fn secrets_stay_out_of_the_log() {
    let app = Fixture::new(quiet()).await;
    let form = [("client_id", "me"), ("client_secret", "do-not-tell")];
    got(app.http.post(app.url("/authentication/v2/token")).form(&form)).await;
    app.ask_token("user:read").await;
    let log = serde_json::to_string(&app.sandbox.log()).unwrap();
    assert!(!log.contains("do-not-tell") && !log.contains(DEFAULT_CLIENT_SECRET) && !log.contains(&app.token), "{log}");
    assert!(log.contains("client_secret=***"), "{log}");
}

#[tokio::test]
async fn a_client_id_may_be_told_apart_by_what_follows_a_dot() {
    let app = Fixture::new(quiet()).await;
    for (suffix, status) in [("", 200), (".autodesk", 200), (".a.b", 200), (".", 401), ("autodesk", 401)] {
        let form = [("grant_type", "client_credentials"), ("scope", "user:read")];
        let request = app.http.post(app.url("/authentication/v2/token")).form(&form);
        let id = format!("{DEFAULT_CLIENT_ID}{suffix}");
        assert_eq!(got(request.basic_auth(&id, Some(DEFAULT_CLIENT_SECRET))).await.status, status, "{id}");
    }
}
