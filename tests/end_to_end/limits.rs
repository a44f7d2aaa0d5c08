//! The app's own limits: quotas that end, and tokens that expire.

use std::{fmt::Write as _, time::Duration};

use rosterd::sandbox::{Config, Quota};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader};

use crate::story::{APP, Story, quick, start};

fn accounts(count: usize) -> String {
    let mut accounts = String::from("defaults: { role: user }\npolicy: { max_creates: 1000 }\naccounts:\n");
    for i in 0..count {
        writeln!(accounts, "  service-{i:03}@example.com: {{ given_name: S, family_name: N{i} }}").unwrap();
    }
    accounts
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_the_quota_has_are_spread_over_its_windows_without_one_429() {
    // An hour of the sandbox is two seconds here, and 700 accounts take 1400 requests of 1000 in an hour.
    let config = Config { time_scale: 1800.0, accept_after: Duration::MAX, ..quick() };
    let story = Story::of(config, &accounts(700), "").await;
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let log = story.sandbox.log();
    assert!(log.len() > 1400, "{}", log.len());
    assert_eq!(log.iter().filter(|request| request.status == Some(429)).count(), 0);
    assert_eq!(story.sandbox.accounts("autodesk", APP).unwrap().len(), 700);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_expire_during_a_run_are_renewed() {
    let config = Config { token_life: Duration::from_millis(300), latency: Duration::from_millis(20), ..quick() };
    let story = Story::of(config, &accounts(100), "").await;
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let tokens = story.sandbox.log().iter().filter(|request| request.path.ends_with("/token")).count();
    assert!(tokens > 1, "{tokens}");
    assert_eq!(story.sandbox.accounts("autodesk", APP).unwrap().len(), 100);
}

/// The first line that has `words`, as soon as it is written, if any has.
async fn line_with(words: &str, stream: impl AsyncBufRead + Unpin) -> Option<String> {
    let mut lines = stream.lines();
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(words) {
                return Some(line);
            }
        }
        None
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("it is said at once, or the command ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_waits_for_a_quota_says_for_which_app_and_how_to_go_on_without_it() {
    let quota = Quota { requests: 12, window: Duration::from_secs(1800), concurrency: usize::MAX };
    let story = Story::of(Config { quota, ..quick() }, &accounts(3), "").await;
    let at = format!("--sandbox={}", story.sandbox.url());
    for _ in 0..30 {
        let mut plan = start(&["plan", story.dir.path().to_str().unwrap(), &at], &[]);
        if let Some(said) = line_with("quota", BufReader::new(plan.stderr.take().unwrap())).await {
            assert!(said.contains(&format!("{APP}: its quota is spent")) && said.contains("--app"), "{said}");
            return plan.kill().await.unwrap();
        }
    }
    panic!("no plan waited");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_of_the_command_line_is_generous_unless_told_otherwise() {
    // Only the first test that asks for it sets it.
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    for (more, limit) in [(&[][..], 100_000), (&["--quotas", "guide"], 1000)] {
        let args = [&["sandbox", "--listen", "127.0.0.1:0", "--latency", "0ms"], more].concat();
        let mut sandbox = start(&args, &[]);
        let url = line_with("http://", BufReader::new(sandbox.stdout.take().unwrap())).await.unwrap();
        let asked = format!("{url}/autodesk/{APP}/authentication/v2/token");
        let form = "grant_type=client_credentials&scope=user:read organization:read";
        let token = reqwest::Client::new()
            .post(asked)
            .basic_auth("sandbox", Some("sandbox-secret"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.replace(' ', "%20"))
            .send();
        let token: serde_json::Value = serde_json::from_str(&token.await.unwrap().text().await.unwrap()).unwrap();
        let users = format!("{url}/autodesk/{APP}/organizations/v1/users?limit=1");
        let answer = reqwest::Client::new().get(users).bearer_auth(token["access_token"].as_str().unwrap());
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.headers()["x-ratelimit-limit"], limit.to_string(), "{answer:?}");
        sandbox.kill().await.unwrap();
    }
}
