//! The example organisation: what the README promises.

use std::{collections::BTreeMap, time::Duration};

use rosterd::sandbox::Sandbox;
use serde_json::Value;

use crate::story::{actions, conforms, quick, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_command_of_the_readme_applies_the_example_and_ends_with_what_waits() {
    let said = run(&["apply", "--sandbox", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("invitation"), "{}", said.out);
    assert!(said.err.contains("done        autodesk/create/ingrid.solheim@northwind.example"), "{}", said.err);
}

/// How many actions of each kind an app's line `Done: 3  (2 create, 1 update)` counts, all apps together.
fn done(out: &str) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for line in out.lines().filter(|line| line.starts_with("Done: ")) {
        let (_, counts) = line.split_once('(').expect("a line of what was done counts by kind");
        for count in counts.trim_end_matches(')').split(", ") {
            let (number, verb) = count.split_once(' ').expect("a count names its kind");
            *kinds.entry(verb.to_owned()).or_default() += number.parse::<u64>().expect("a count is a number");
        }
    }
    kinds
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_command_of_the_readme_ends_with_every_kind_of_action_done() {
    let said = run(&["apply", "--sandbox", "--yes"]).await;
    let expected = [
        ("create", 14),
        ("update", 8),
        ("reactivate", 4),
        ("deactivate", 12),
        ("add-member", 24),
        ("change-member", 6),
        ("remove-member", 7),
    ];
    assert_eq!(done(&said.out), expected.map(|(verb, count)| (verb.to_owned(), count)).into(), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_that_the_readme_shows_is_the_plan() {
    let readme = include_str!("../../README.md");
    let (_, after) = readme.split_once("$ rosterd plan --sandbox --app autodesk\n").unwrap();
    let (picture, _) = after.split_once("```").unwrap();
    let said = run(&["plan", "--sandbox", "--app", "autodesk"]).await;
    let mut real = said.out.lines().chain(said.err.lines());
    for line in picture.lines().filter(|line| !line.is_empty() && line.trim() != "…") {
        assert!(real.any(|real| real == line), "not there, or not in this order: {line}\n{}", said.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_with_wait_converges_and_the_plan_after_it_is_empty() {
    let sandbox = Sandbox::start(rosterd::sandbox::Config {
        latency: Duration::ZERO,
        accept_after: Duration::from_secs(4),
        ..rosterd::sandbox::Config::default()
    })
    .await
    .unwrap();
    let at = format!("--sandbox={}", sandbox.url());
    let said = run(&["apply", &at, "--yes", "--wait", "1m", "--detailed-exitcode"]).await;
    assert_eq!(said.status, 0, "{said:?}");

    let said = run(&["plan", &at, "--detailed-exitcode", "--format", "json"]).await;
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.status, actions(&plan)), (0, vec![]), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_conforms_to_its_schema_and_comes_out_the_same_twice_but_for_times() {
    let sandbox = Sandbox::start(quick()).await.unwrap();
    let at = format!("--sandbox={}", sandbox.url());
    let mut plans = Vec::new();
    for _ in 0..2 {
        let said = run(&["plan", &at, "--format", "json"]).await;
        assert_eq!(said.status, 0, "{said:?}");
        conforms(&serde_json::from_str(&said.out).unwrap());
        plans.push(said.out.lines().filter(|line| !line.contains("\"created_at\"")).collect::<Vec<_>>().join("\n"));
    }
    similar_asserts(&plans[0], &plans[1]);
}

fn similar_asserts(a: &str, b: &str) {
    let different = a.lines().zip(b.lines()).find(|(a, b)| a != b);
    assert_eq!((different, a.len()), (None, b.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_writes_nothing() {
    let sandbox = Sandbox::start(quick()).await.unwrap();
    let at = format!("--sandbox={}", sandbox.url());
    run(&["plan", &at]).await;
    let writes: Vec<_> = sandbox
        .log()
        .into_iter()
        .filter(|request| request.method != "GET" && !request.path.ends_with("/token"))
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
}
