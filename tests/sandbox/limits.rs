//! Quota, concurrency and the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rosterd::sandbox::{Config, Fault, FaultKind, Quota, ResetHeader, Sandbox};

use crate::client::{Fixture, got, quiet};

fn small(requests: u32) -> Config {
    Config { quota: Quota { requests, ..Quota::standard() }, ..quiet() }
}

fn epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

#[tokio::test]
async fn every_answer_counts_down_the_quota() {
    let app = Fixture::new(small(3)).await;
    let wrong = got(app.http.get(app.url("/users"))).await;
    assert_eq!((wrong.status, wrong.number("x-ratelimit-remaining")), (401, 2));
    let missing = app.get("/users/nobody").await;
    assert_eq!((missing.status, missing.number("x-ratelimit-remaining")), (404, 1));
    let fine = app.get("/users").await;
    assert_eq!((fine.status, fine.number("x-ratelimit-remaining"), fine.number("x-ratelimit-limit")), (200, 0, 3));
}

#[tokio::test]
async fn an_exhausted_quota_refuses_until_the_window_ends() {
    let app = Fixture::new(small(2)).await;
    app.get("/users").await;
    app.sandbox.advance(Duration::from_secs(600));
    app.get("/users").await;
    let refused = app.get("/users").await;
    assert_eq!((refused.status, refused.number("x-ratelimit-remaining")), (429, 0));
    let wait = refused.number("retry-after");
    assert!((2990..=3000).contains(&wait), "{wait}");
    let resets_in = refused.number("x-ratelimit-reset") - epoch().as_secs();
    assert!((2990..=3001).contains(&resets_in), "{resets_in}");
    app.sandbox.advance(Duration::from_secs(wait));
    let again = app.get("/users").await;
    assert_eq!((again.status, again.number("x-ratelimit-remaining")), (200, 1));
}

#[tokio::test]
async fn a_refused_write_has_no_effect() {
    let app = Fixture::new(small(1)).await;
    app.get("/users").await;
    assert_eq!(app.post("/users", serde_json::json!({ "email": "jane@example.com" })).await.status, 429);
    assert!(app.emails().is_empty());
}

#[tokio::test]
async fn waits_are_told_in_real_time() {
    let app = Fixture::new(Config { time_scale: 600.0, ..small(1) }).await;
    app.get("/users").await;
    let refused = app.get("/users").await;
    assert_eq!(refused.status, 429);
    assert!((1..=6).contains(&refused.number("retry-after")), "{refused:?}");
    assert!(refused.number("x-ratelimit-reset") <= epoch().as_secs() + 7);
}

#[tokio::test]
async fn the_reset_is_told_in_the_form_that_was_chosen() {
    for (form, range) in [
        (ResetHeader::DeltaSeconds, 3590..=3600),
        (ResetHeader::EpochSeconds, epoch().as_secs() + 3590..=epoch().as_secs() + 3605),
        (ResetHeader::EpochMilliseconds, (epoch().as_secs() + 3590) * 1000..=(epoch().as_secs() + 3605) * 1000),
    ] {
        let app = Fixture::new(Config { reset_header: form, ..quiet() }).await;
        let reset = app.get("/users").await.number("x-ratelimit-reset");
        assert!(range.contains(&reset), "{form:?} {reset}");
    }
}

#[tokio::test]
async fn tenants_do_not_share_a_quota() {
    let app = Fixture::new(small(1)).await;
    app.get("/users").await;
    assert_eq!(app.get("/users").await.status, 429);
    let other = got(app.http.get(app.sandbox.app_url("autodesk", "other") + "/users")).await;
    assert_eq!(other.status, 401, "refused for its token, not for a quota");
}

#[tokio::test]
async fn the_business_plan_allows_five_times_as_much() {
    let app = Fixture::new(Config { quota: Quota::business(), ..quiet() }).await;
    assert_eq!(app.get("/users").await.number("x-ratelimit-remaining"), 4999);
}

#[tokio::test]
async fn an_eleventh_request_in_flight_is_refused_and_room_returns_when_clients_go_away() {
    let app = Fixture::new(quiet()).await;
    let slow = Fault { wait: Duration::from_secs(25), ..Fault::new(FaultKind::Slow) };
    app.sandbox.set_faults(vec![slow]);
    let waiting: Vec<_> = (0..10).map(|_| tokio::spawn(app.request("GET", "/users", None).send())).collect();
    let arrived = async {
        while app.sandbox.log().len() < 10 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), arrived).await.expect("ten requests arrive");

    let refused = app.get("/users").await;
    assert_eq!((refused.status, refused.number("retry-after")), (429, 1));
    assert_eq!(refused.number("x-ratelimit-remaining"), 990, "it cost nothing");

    app.sandbox.set_faults(Vec::new());
    for request in waiting {
        request.abort();
    }
    let room = async {
        while app.get("/users").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), room).await.expect("abandoned requests make room");
}

#[tokio::test]
async fn time_runs_as_fast_as_the_scale_says_and_can_be_moved() {
    let sandbox = Sandbox::start(Config { time_scale: 1000.0, ..quiet() }).await.unwrap();
    let start = sandbox.now();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!((sandbox.now() - start).get_seconds() >= 20);
    let before = sandbox.now();
    sandbox.advance(Duration::from_secs(86_400));
    assert!(sandbox.now().duration_since(before).as_secs() >= 86_400);
}

#[tokio::test]
async fn a_clock_that_stands_still_is_refused() {
    for time_scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = Sandbox::start(Config { time_scale, ..quiet() }).await.err().expect("refused");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{time_scale}");
    }
}

#[tokio::test]
async fn every_answer_takes_at_least_the_latency() {
    let app = Fixture::new(Config { latency: Duration::from_millis(80), ..quiet() }).await;
    let start = std::time::Instant::now();
    app.get("/users").await;
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn a_stopped_sandbox_finishes_what_is_open_and_then_refuses_connections() {
    let app = Fixture::new(Config { latency: Duration::from_millis(200), ..quiet() }).await;
    let url = app.url("/users");
    let open = tokio::spawn(app.request("GET", "/users", None).send());
    // The connection has to be there before the sandbox stops; the latency leaves it ample time.
    tokio::time::sleep(Duration::from_millis(80)).await;
    app.sandbox.stop().await;
    assert_eq!(open.await.unwrap().unwrap().status(), 200);
    assert!(app.http.get(url).send().await.expect_err("nobody listens").is_connect());
}

#[tokio::test]
async fn an_app_can_have_another_quota_than_the_rest() {
    let quota = Quota { requests: 2, ..Quota::standard() };
    let app = Fixture::new(Config { quotas: [("autodesk".to_owned(), quota)].into(), ..quiet() }).await;
    assert_eq!(app.get("/users").await.number("x-ratelimit-limit"), 2);
    app.get("/users").await;
    assert_eq!(app.get("/users").await.status, 429);
}

#[tokio::test]
async fn a_quirk_that_no_app_knows_keeps_the_sandbox_from_starting() {
    for key in ["autodesk", "autodesk/studio", "slack"] {
        let quirks = [(key.to_owned(), ["mood-swings".to_owned()].into())].into();
        let error = Sandbox::start(Config { quirks, ..quiet() }).await.err().expect("an error").to_string();
        assert!(
            error.contains(if key == "slack" { "no connector `slack`" } else { "`mood-swings` is no quirk" }),
            "{error}"
        );
    }
}

#[test]
fn quirks_are_read_from_text() {
    let read = |text: &str| rosterd::sandbox::parse_quirks(text);
    let set = read("scim/acme=no-etag, put-only").unwrap();
    assert_eq!(set["scim/acme"].iter().collect::<Vec<_>>(), ["no-etag", "put-only"]);
    for (text, says) in [
        ("no-etag", "reads like `scim=no-etag`"),
        ("scim=no-tags", "`no-tags` is no quirk of `scim`; it has: put-only, "),
        ("slack=no-etag", "plays no connector `slack`"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
