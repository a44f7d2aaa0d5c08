//! Workiva, from drifted to converged.

use std::time::Duration;

use rosterd::sandbox::{Config, Fault};
use serde_json::json;

use crate::story::{APP, Story, finish, quick, start};

const APP_FILE: &str = "\
options: { admin_roles: [Workspace Admin] }
defaults: { roles: [Viewer] }
accounts:
  boss@example.com: { roles: [Workspace Admin] }
  moved@example.com: { roles: [Editor, Approver] }
groups:
  Finance: { members: [new@example.com, kept@example.com, back@example.com] }
  Board: { members: [kept@example.com] }
";

const PEOPLE: &str = "\
people:
  boss@example.com: { given_name: B, family_name: Oss }
  moved@example.com: { given_name: M, family_name: Oved }
  new@example.com: { given_name: N, family_name: Ew }
  kept@example.com: { given_name: K, family_name: Ept }
  back@example.com: { given_name: B, family_name: Ack }
  gone@example.com: { given_name: G, family_name: One, status: left }
  extra@example.com: { given_name: E, family_name: Xtra }
approvals:
  - { allow: studio/reactivate/back@example.com, guard: reactivation, until: 2036-12-31 }
";

async fn drifted(config: Config, quirks: &[&str]) -> Story {
    let story = Story::with(config, "workiva", APP_FILE, PEOPLE).await;
    story.sandbox.set_quirks("workiva", APP, quirks).unwrap();
    for (email, roles, active) in [
        ("boss@example.com", "Workspace Admin", true),
        ("moved@example.com", "Viewer, Approver", true),
        ("kept@example.com", "Viewer", true),
        ("back@example.com", "Viewer", false),
        ("gone@example.com", "Editor", true),
        ("extra@example.com", "Viewer", true),
    ] {
        story.account(email, roles, active);
    }
    story.sandbox.put_group("workiva", APP, "grp_1", "Finance").unwrap();
    for email in ["kept@example.com", "extra@example.com"] {
        story.sandbox.put_membership("workiva", APP, email, "grp_1", "").unwrap();
    }
    story
}

fn roles(story: &Story, email: &str) -> String {
    story.sandbox.account("workiva", APP, email).unwrap().role
}

#[tokio::test(flavor = "multi_thread")]
async fn from_drifted_to_converged() {
    let story = drifted(quick(), &[]).await;
    story.sandbox.clear_log();
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    story.converged().await;

    let mut moved: Vec<_> = roles(&story, "moved@example.com").split(", ").map(str::to_owned).collect();
    moved.sort();
    assert_eq!(moved, ["Approver", "Editor"]);
    assert_eq!(roles(&story, "new@example.com"), "Viewer");
    for (email, active) in [("gone@example.com", false), ("extra@example.com", false), ("back@example.com", true)] {
        assert_eq!(story.raw(email)["active"], active, "{email}");
    }
    let kept = story.sandbox.account("workiva", APP, "kept@example.com").unwrap();
    assert_eq!(kept.groups.len(), 2, "the new group too: {kept:?}");
    let writes = story.writes();
    assert!(!writes.iter().any(|line| line.starts_with("DELETE") && !line.contains("/members/")), "{writes:?}");
    let runs = story.sandbox.log();
    let count = |path: &str| runs.iter().filter(|request| request.path == path && request.method == "GET").count();
    // One look at the roles in each of the three runs above.
    assert_eq!(count("/platform/v1/roles"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_stands_for_two_roles_is_held_and_everything_else_goes_on() {
    let story = drifted(quick(), &["ambiguous-roles"]).await;
    let actions = story.actions().await;
    assert!(actions.contains(&"held studio/update/moved@example.com".to_owned()), "{actions:?}");
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("2 roles called Editor") || said.err.contains("2 roles called Editor"), "{said:?}");
    assert_eq!(story.actions().await, ["held studio/update/moved@example.com"]);
    assert_eq!(roles(&story, "new@example.com"), "Viewer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_finds_more_and_rows_that_show_more_change_nothing() {
    for quirks in [&["email-contains", "roles-in-list"][..], &["email-ignored", "whole-rows", "empty-pages"]] {
        let story = drifted(quick(), quirks).await;
        let said = story.rosterd(&["apply", "--yes"]).await;
        assert_eq!(said.status, 0, "{quirks:?}: {said:?}");
        story.converged().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_tokens_that_expire_are_taken_from_the_start() {
    let story = drifted(quick(), &[]).await;
    for n in 0..150 {
        story.account(&format!("other{n}@example.com"), "Viewer", false);
    }
    story.sandbox.set_quirks("workiva", APP, &["page-token-expires-once"]).unwrap();
    let plan = story.plan().await;
    assert_eq!(plan["apps"][0]["complete"], true, "{plan}");
    let log = story.sandbox.log().into_iter();
    let lists = log.filter(|request| request.path == "/platform/v1/users" && !request.query.contains("email="));
    assert_eq!(lists.count(), 2 + 2, "from the start once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_repeats_itself_is_incomplete_and_never_endless() {
    let story = drifted(quick(), &[]).await;
    for n in 0..150 {
        story.account(&format!("other{n}@example.com"), "Viewer", false);
    }
    story.sandbox.set_quirks("workiva", APP, &["page-repeats"]).unwrap();
    story.sandbox.clear_log();
    let plan = story.plan().await;
    assert_eq!(plan["apps"][0]["complete"], false);
    let log = story.sandbox.log().into_iter();
    let lists = log.filter(|request| request.path == "/platform/v1/users" && !request.query.contains("email="));
    assert_eq!(lists.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_was_not_granted_is_told_before_anything_fails_for_it() {
    let story = drifted(quick(), &["narrow-scope"]).await;
    let findings = story.plan().await["apps"][0]["findings"].to_string();
    assert!(findings.contains("have iam:groups:write granted to the credential"), "{findings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_group_of_everyone_is_left_alone() {
    let story = drifted(quick(), &["all-users-group"]).await;
    story.write(&format!("{APP_FILE}  All Users: {{ members: [new@example.com] }}\n"), PEOPLE);
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(!story.writes().iter().any(|line| line.contains("grp_all")), "{:?}", story.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_made_behind_our_back_is_adopted_after_the_conflict() {
    let story = drifted(quick(), &[]).await;
    // The server answers that there is no such user, and while the answer is on its way, somebody makes the user.
    let slow = "method=GET,path=/platform/v1/users,at=2,kind=slow,wait=2s".parse::<Fault>().unwrap();
    story.sandbox.set_faults(vec![slow]);
    story.sandbox.clear_log();
    let at = format!("--sandbox={}", story.sandbox.url());
    let child = start(&["apply", story.dir.path().to_str().unwrap(), &at, "--yes"], &[]);
    while story.sandbox.log().iter().filter(|request| request.path == "/platform/v1/users").count() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let id = story.account("New@Example.com", "Viewer", true);
    let said = finish(child).await;
    story.sandbox.set_faults(Vec::new());
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.err.contains(&format!("found as {id}")), "{}", said.err);
    assert_eq!(story.writes().iter().filter(|line| *line == "POST /platform/v1/users").count(), 1);
    story.converged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_expire_during_a_run_are_renewed() {
    // Longer than the quota of 50 requests a second makes anybody wait, shorter than the run.
    let config = Config { token_life: Duration::from_secs(1), latency: Duration::from_millis(60), ..quick() };
    let accounts: String =
        (0..48).map(|n| format!("  s{n}@example.com: {{ given_name: S, family_name: N }}\n")).collect();
    let story = Story::with(config, "workiva", &format!("accounts:\n{accounts}"), "").await;
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let tokens = story.sandbox.log().iter().filter(|request| request.path.ends_with("/token")).count();
    assert!(tokens > 1, "{tokens}");
    assert!(story.sandbox.account("workiva", APP, "s7@example.com").unwrap().raw["roles"] == json!([]));
    story.converged().await;
}
