//! The apps without a network, on the runtime's clock.

use std::time::Duration;

use rosterd::sandbox::{Config, Quota, Reply, ResetHeader, Response, Sandbox};
use serde_json::Value;

const TOKEN: &str = "/autodesk/one/authentication/v2/token";

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.clone())
}

fn whole(reply: Reply) -> Response {
    match reply {
        Reply::Whole(response) => response,
        other => panic!("{other:?}"),
    }
}

fn token(sandbox: &Sandbox) -> Vec<(String, String)> {
    let basic = "Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA==";
    let headers = [("authorization", basic), ("content-type", "application/x-www-form-urlencoded")]
        .map(|(n, v)| (n.into(), v.into()));
    let form = b"grant_type=client_credentials&scope=user:read%20user:write";
    let answer = whole(sandbox.call("POST", TOKEN, &headers, form).answer());
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    vec![("authorization".into(), format!("Bearer {}", body["access_token"].as_str().unwrap()))]
}

#[tokio::test(start_paused = true)]
async fn the_apps_answer_without_a_network_on_the_clock_that_they_are_given() {
    let begins = "2026-11-22T10:00:00Z".parse().unwrap();
    let quota = Quota { requests: 2, concurrency: 1, ..Quota::standard() };
    let reset_header = ResetHeader::EpochSeconds;
    let config = Config { begins: Some(begins), quota, reset_header, empty: true, ..Config::default() };
    let sandbox = Sandbox::without_network(config).unwrap();
    let ask =
        |bearer: &[(String, String)]| whole(sandbox.call("GET", "/autodesk/one/users?limit=10", bearer, b"").answer());

    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(sandbox.now(), "2026-11-22T10:01:00Z".parse().unwrap());
    let bearer = token(&sandbox);
    let first = ask(&bearer);
    assert_eq!(
        (first.status, header(&first, "content-type").as_deref()),
        (200, Some("application/json; charset=utf-8"))
    );
    // An hour after 10:01.
    assert_eq!(header(&first, "x-ratelimit-reset"), Some((begins.as_second() + 3660).to_string()));

    // What is in flight counts until it is answered or given up.
    let open = sandbox.call("GET", "/autodesk/one/users", &bearer, b"");
    assert_eq!(ask(&bearer).status, 429);
    drop(open);
    assert_eq!((ask(&bearer).status, ask(&bearer).status), (200, 429), "two an hour");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    // The quota is new and the token is old.
    assert_eq!(ask(&bearer).status, 401);
    assert_eq!(ask(&token(&sandbox)).status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_path_that_leads_nowhere_is_not_found() {
    let sandbox = Sandbox::without_network(Config::default()).unwrap();
    for path in ["/", "/autodesk", "/nowhere/one/users"] {
        assert_eq!(whole(sandbox.call("GET", path, &[], b"").answer()).status, 404, "{path}");
    }
}
