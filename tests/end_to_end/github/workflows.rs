//! What the workflows are allowed to do, and that they fit the scripts.

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::{Value, json};

use super::{
    APPLY, DRIFT, PLAN,
    stage::{scripts, workflow},
};

/// Every script by its name.
fn all_scripts() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = fs::read_dir(scripts())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sh"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    all.sort();
    assert!(all.len() >= 7, "{all:?}");
    all
}

fn steps(workflow: &Value) -> Vec<&Value> {
    let jobs = workflow["jobs"].as_object().unwrap().values();
    jobs.flat_map(|job| job["steps"].as_array().unwrap()).collect()
}

#[test]
fn every_script_parses_stops_at_the_first_failure_and_can_be_started() {
    for (name, text) in all_scripts() {
        let checked = Command::new("bash").arg("-n").arg(scripts().join(&name)).output().unwrap();
        assert!(checked.status.success() && checked.stderr.is_empty(), "{name}: {checked:?}");
        assert!(text.starts_with("#!/usr/bin/env bash\n# ") && text.contains("\nset -euo pipefail\n"), "{name}");
        // A reader that ends early fails the pipeline that feeds it, once there is enough to be fed.
        assert!(!text.contains("| head"), "{name} pipes into head");
        assert!(!text.contains("eval "), "{name}");
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(scripts().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{name} is executable");
    }
}

#[test]
fn every_script_that_a_workflow_names_exists_and_every_script_is_named() {
    let scripts = all_scripts();
    let workflows: Vec<Value> = [APPLY, DRIFT, PLAN].map(workflow).into();
    let runs: Vec<&str> = workflows.iter().flat_map(|one| steps(one)).filter_map(|step| step["run"].as_str()).collect();
    let mut named = BTreeSet::new();
    for run in &runs {
        // What an event says may be put into variables, and never into the text of a script.
        assert!(!run.contains("${{"), "{run}");
        let (_, rest) = run.split_once("deploy/github/").unwrap();
        let name = rest.split(' ').next().unwrap();
        assert!(scripts.iter().any(|(script, _)| script == name), "{run}");
        named.insert(name.to_owned());
    }
    for (script, text) in &scripts {
        for (other, _) in &scripts {
            if text.contains(&format!("$here/{other}")) {
                named.insert(other.clone());
            }
        }
        assert!(text.contains(script), "{script} says how it is used, or what it is called in its messages");
    }
    assert_eq!(named.into_iter().collect::<Vec<_>>(), scripts.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
}

#[test]
fn actions_of_others_are_pinned_by_commit() {
    for name in [APPLY, DRIFT, PLAN] {
        let text = fs::read_to_string(scripts().join(name)).unwrap();
        let uses: Vec<&str> = text.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, uses)| uses).collect();
        assert_eq!(uses.len(), steps(&workflow(name)).iter().filter(|step| !step["uses"].is_null()).count());
        for action in uses {
            let (commit, version) = action.split_once('@').unwrap().1.split_once(" # v").unwrap();
            assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{action}");
            assert!(version.chars().all(|c| c.is_ascii_digit() || c == '.'), "{action}");
        }
        for step in steps(&workflow(name)) {
            if step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/checkout@")) {
                // The branch that the event gives, and no credential left in its configuration.
                assert_eq!(step["with"], json!({ "persist-credentials": false }), "{name}");
            }
        }
    }
}

#[test]
fn each_job_may_do_what_it_needs_and_no_more() {
    let of = |name: &str| workflow(name)["permissions"].clone();
    assert_eq!(of(APPLY), json!({ "contents": "read" }));
    assert_eq!(of(DRIFT), json!({ "contents": "read", "issues": "write" }));
    assert_eq!(of(PLAN), json!({}));
    let jobs = workflow(PLAN)["jobs"].clone();
    assert_eq!(jobs["plan"]["permissions"], json!({ "contents": "read", "actions": "read" }));
    assert_eq!(jobs["comment"]["permissions"], json!({ "contents": "read", "pull-requests": "write" }));
    assert_eq!(jobs.as_object().unwrap().len(), 2);
}

#[test]
fn secrets_are_given_to_the_main_branch_alone_and_none_to_pull_requests() {
    let plan = fs::read_to_string(scripts().join(PLAN)).unwrap();
    assert!(!plan.contains("secrets.") && !plan.contains("environment:"));
    assert_eq!(
        workflow(PLAN)["on"],
        json!({ "pull_request_target": { "branches": ["main"], "paths": ["desired-state/**"] } })
    );
    // The job with the files has no token but for fetching; the one that may write has not the files.
    for step in steps(&workflow(PLAN)) {
        let run = step["run"].as_str().unwrap_or_default();
        if run.contains("/plan.sh") {
            assert_eq!(step["env"], Value::Null);
        }
    }
    let comment = workflow(PLAN)["jobs"]["comment"].to_string();
    assert!(!comment.contains("fetch.sh") && !comment.contains("/plan.sh") && !comment.contains("refs/pull"));
    for name in [APPLY, DRIFT] {
        for job in workflow(name)["jobs"].as_object().unwrap().values() {
            assert_eq!(
                (&job["environment"], &job["if"]),
                (&json!("rosterd"), &json!("${{ github.ref == 'refs/heads/main' }}"))
            );
        }
        let on = workflow(name)["on"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        assert!(on.iter().all(|event| ["push", "schedule", "workflow_dispatch"].contains(&&**event)), "{on:?}");
    }
}
