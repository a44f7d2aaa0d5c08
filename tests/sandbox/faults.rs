//! Faults, as a client meets them.

use std::time::Duration;

use rosterd::sandbox::{Config, Fault, FaultKind};
use serde_json::json;

use crate::client::{Fixture, got, quiet};

/// A fixture whose first creation meets the fault.
async fn with_fault_on_create(kind: FaultKind) -> Fixture {
    let app = Fixture::new(quiet()).await;
    app.sandbox.set_faults(vec![Fault::at(&[1], kind).on("POST", "/users")]);
    app
}

fn create(app: &Fixture) -> reqwest::RequestBuilder {
    app.request("POST", "/users", Some(json!({ "email": "jane@example.com" })))
}

/// What the log says about the one creation: fault, status, effect; and whether the account is really there.
#[track_caller]
fn check_effect(app: &Fixture, kind: FaultKind, status: Option<u16>, effect: bool) {
    let log = app.sandbox.log();
    let created: Vec<_> = log.iter().filter(|request| request.method == "POST").collect();
    assert_eq!(created.len(), 1, "the client did not repeat the request by itself");
    assert_eq!((created[0].fault, created[0].status, created[0].effect), (Some(kind), status, effect));
    assert_eq!(app.emails().len(), usize::from(effect), "{kind}");
}

#[tokio::test]
async fn a_server_error_is_json_and_nothing_happened() {
    let app = with_fault_on_create(FaultKind::ServerError).await;
    let answer = got(create(&app)).await;
    assert_eq!((answer.status, answer.json["developerMessage"].is_string()), (500, true));
    assert_eq!(answer.number("x-ratelimit-remaining"), 999, "a failed request costs as much as any");
    check_effect(&app, FaultKind::ServerError, Some(500), false);
}

#[tokio::test]
async fn an_unavailable_server_says_when_to_return() {
    let app = with_fault_on_create(FaultKind::Unavailable).await;
    let answer = got(create(&app)).await;
    assert_eq!((answer.status, answer.number("retry-after")), (503, 1));
    check_effect(&app, FaultKind::Unavailable, Some(503), false);
}

#[tokio::test]
async fn a_429_out_of_the_blue_says_when_to_return_and_costs_nothing() {
    let app = Fixture::new(quiet()).await;
    app.sandbox.set_faults(vec!["kind=429,at=1,wait=1500ms".parse().unwrap()]);
    let answer = got(create(&app)).await;
    assert_eq!((answer.status, answer.number("retry-after"), answer.number("x-ratelimit-remaining")), (429, 2, 1000));
    check_effect(&app, FaultKind::TooMany, Some(429), false);
}

#[tokio::test]
async fn a_reset_before_the_effect_gives_no_answer_and_nothing_happened() {
    let app = with_fault_on_create(FaultKind::ResetBefore).await;
    let error = create(&app).send().await.expect_err("no answer");
    assert!(error.is_request() && !error.is_timeout() && error.status().is_none(), "{error:?}");
    assert!(format!("{error:?}").contains("ConnectionReset"), "{error:?}");
    check_effect(&app, FaultKind::ResetBefore, None, false);
    assert_eq!(got(create(&app)).await.status, 201, "the next request goes through");
}

#[tokio::test]
async fn a_reset_after_the_effect_gives_no_answer_but_it_happened() {
    let app = with_fault_on_create(FaultKind::ResetAfter).await;
    let error = create(&app).send().await.expect_err("no answer");
    assert!(format!("{error:?}").contains("ConnectionReset"), "{error:?}");
    check_effect(&app, FaultKind::ResetAfter, None, true);
    assert_eq!(got(create(&app)).await.status, 409, "a blind repetition meets the account");
}

#[tokio::test]
async fn a_reset_strikes_a_connection_in_use_as_well() {
    let app = with_fault_on_create(FaultKind::ResetAfter).await;
    // The first request leaves a connection in the client's pool.
    assert_eq!(app.get("/users").await.status, 200);
    create(&app).send().await.expect_err("no answer");
    check_effect(&app, FaultKind::ResetAfter, None, true);
}

#[tokio::test]
async fn a_slow_answer_comes_after_the_effect() {
    let app = Fixture::new(quiet()).await;
    app.sandbox.set_faults(vec!["kind=slow,wait=20s,method=POST".parse().unwrap()]);
    let error = create(&app).timeout(Duration::from_millis(300)).send().await.expect_err("too slow");
    assert!(error.is_timeout(), "{error:?}");
    check_effect(&app, FaultKind::Slow, Some(201), true);
}

#[tokio::test]
async fn a_slow_answer_is_the_true_one() {
    let app = Fixture::new(quiet()).await;
    app.sandbox.set_faults(vec!["kind=slow,wait=30ms".parse().unwrap()]);
    let start = std::time::Instant::now();
    assert_eq!(got(create(&app)).await.json["email"], "jane@example.com");
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn html_pages_come_instead_of_json() {
    for (kind, status) in [(FaultKind::Html, 200), (FaultKind::Html502, 502)] {
        let app = with_fault_on_create(kind).await;
        let answer = got(create(&app)).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, Some("text/html; charset=utf-8")));
        assert!(answer.json.as_str().is_some_and(|page| page.contains("<html>")), "{answer:?}");
        check_effect(&app, kind, Some(status), false);
    }
}

#[tokio::test]
async fn a_cut_off_body_ends_before_its_announced_length() {
    let app = with_fault_on_create(FaultKind::CutOff).await;
    let mut response = create(&app).send().await.expect("the head arrives");
    assert_eq!(response.status(), 201);
    let announced = response.content_length().expect("a length");
    let first = response.chunk().await.expect("the first part arrives").expect("some bytes");
    assert!(first.starts_with(b"{") && (first.len() as u64) < announced, "{first:?} of {announced}");
    response.chunk().await.expect_err("the rest does not");
    check_effect(&app, FaultKind::CutOff, Some(201), true);
}

#[tokio::test]
async fn an_empty_answer_hides_what_happened() {
    let app = with_fault_on_create(FaultKind::Empty).await;
    let response = create(&app).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (200, ""));
    check_effect(&app, FaultKind::Empty, Some(200), true);
}

#[tokio::test]
async fn malformed_json_hides_what_happened() {
    let app = with_fault_on_create(FaultKind::Malformed).await;
    let response = create(&app).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.starts_with('{') && serde_json::from_str::<serde_json::Value>(&text).is_err(), "{text}");
    check_effect(&app, FaultKind::Malformed, Some(201), true);
}

#[tokio::test]
async fn a_fault_may_strike_on_the_other_side_of_the_effect() {
    let app = Fixture::new(quiet()).await;
    app.sandbox.set_faults(vec!["kind=500,effect=yes,method=POST,at=1".parse().unwrap()]);
    assert_eq!(got(create(&app)).await.status, 500);
    check_effect(&app, FaultKind::ServerError, Some(500), true);

    let app = Fixture::new(quiet()).await;
    app.sandbox.set_faults(vec!["kind=cut-off,effect=no,method=POST,at=1".parse().unwrap()]);
    create(&app).send().await.unwrap().bytes().await.expect_err("cut off");
    check_effect(&app, FaultKind::CutOff, Some(200), false);
}

#[tokio::test]
async fn every_nth_request_is_struck() {
    let app = Fixture::new(Config { faults: vec![Fault::every(3, FaultKind::ServerError)], ..quiet() }).await;
    // The token was the first request.
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(app.get("/users").await.status);
    }
    assert_eq!(statuses, [200, 500, 200, 200, 500, 200]);
}

#[tokio::test]
async fn only_matching_requests_are_counted_and_struck() {
    let app = Fixture::new(quiet()).await;
    app.sandbox.set_faults(vec![
        "kind=503,at=2,method=get,path=/users/*/teams".parse().unwrap(),
        "kind=500,tenant=elsewhere".parse().unwrap(),
        "kind=500,app=workiva".parse().unwrap(),
    ]);
    let id = app.active("jane@example.com");
    let mut statuses = Vec::new();
    for path in [format!("/users/{id}/teams"), "/users".into(), format!("/users/{id}"), format!("/users/{id}/teams")] {
        statuses.push(app.get(&path).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 503]);
}

#[tokio::test]
async fn token_requests_meet_faults_too() {
    let app = Fixture::new(quiet()).await;
    app.sandbox.set_faults(vec![Fault::new(FaultKind::Html502).on("POST", "/authentication/*")]);
    assert_eq!(app.ask_token("user:read").await.status, 502);
}

#[test]
fn a_fault_reads_back_as_it_was_written() {
    for text in [
        "kind=500",
        "every=7,kind=reset-after",
        "at=1+3+9,method=POST,path=/users/*/teams,kind=cut-off",
        "app=autodesk,tenant=studio,wait=200ms,kind=slow",
        "effect=yes,kind=html-502",
    ] {
        assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
    }
    for kind in FaultKind::ALL {
        assert_eq!(format!("kind={kind}").parse::<Fault>().unwrap(), Fault::new(kind));
    }
}

#[test]
fn a_fault_that_makes_no_sense_says_why() {
    for (text, message) in [
        ("", "`` is not of the form key=value; a fault reads like `every=7,kind=reset-after`"),
        (
            "every=7",
            "a fault needs a kind, one of 500, 503, 429, reset-before, reset-after, slow, stalled, html, html-502, cut-off, empty, malformed",
        ),
        (
            "kind=reset",
            "unknown kind `reset`, expected one of 500, 503, 429, reset-before, reset-after, slow, stalled, html, html-502, cut-off, empty, malformed",
        ),
        ("kind=500,every=0", "`every=0`: expected a number from 1"),
        ("kind=500,at=1+x", "`at=x`: expected a number from 1"),
        ("kind=500,kind=503", "`kind` is given twice"),
        ("kind=500,whom=me", "unknown key `whom`; known are kind, every, at, method, path, app, tenant, wait, effect"),
        ("kind=slow,wait=long", "`wait=long`: expected a duration such as 5s or 200ms"),
        ("kind=500,effect=maybe", "`effect=maybe`: expected yes or no"),
        ("kind=reset-after,effect=no", "`effect=no`: expected none here: choose kind=reset-before or kind=reset-after"),
    ] {
        assert_eq!(text.parse::<Fault>().unwrap_err().to_string(), message, "{text}");
    }
}
