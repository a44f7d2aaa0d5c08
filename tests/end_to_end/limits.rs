//! The app's own limits: quotas that end, and tokens that expire.

use std::{fmt::Write as _, time::Duration};

use rosterd::sandbox::Config;

use crate::story::{APP, Story, quick};

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
