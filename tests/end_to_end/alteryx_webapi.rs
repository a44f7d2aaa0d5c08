//! Alteryx Server in its vendor's own dialect, from drifted to converged.

use std::time::Duration;

use rosterd::sandbox::{AccountPatch, Config, Fault};
use serde_json::json;

use crate::story::{APP, Story, finish, quick, start};

const APP_FILE: &str = "\
defaults: { role: Artisan }
accounts:
  boss@example.com: { role: Curator }
  moved@example.com:
groups:
  Analysts: { members: [new@example.com, next@example.com, back@example.com, kept@example.com] }
";

const PEOPLE: &str = "\
people:
  boss@example.com: { given_name: B, family_name: Oss }
  moved@example.com: { given_name: M, family_name: Oved }
  new@example.com: { given_name: N, family_name: Ew }
  next@example.com: { given_name: N, family_name: Ext }
  back@example.com: { given_name: B, family_name: Ack }
  kept@example.com: { given_name: K, family_name: Ept }
  gone@example.com: { given_name: G, family_name: One, status: left }
approvals:
  - { allow: studio/reactivate/back@example.com, guard: reactivation, until: 2036-12-31 }
";

async fn drifted(quirks: &[&str]) -> Story {
    let story = Story::with(quick(), "alteryx-webapi", APP_FILE, PEOPLE).await;
    let sandbox = &story.sandbox;
    sandbox.set_quirks("alteryx-webapi", APP, quirks).unwrap();
    for (email, role, active) in [
        ("boss@example.com", "Curator", true),
        ("moved@example.com", "Viewer", true),
        ("back@example.com", "Artisan", false),
        ("kept@example.com", "Artisan", true),
        ("gone@example.com", "Artisan", true),
    ] {
        story.account(email, role, active);
        let known = json!({"timeZone": "Asia/Tokyo", "canAssignJobs": true, "language": "ja-jp"});
        let patch = AccountPatch { raw: known.as_object().cloned(), ..AccountPatch::default() };
        sandbox.patch_account("alteryx-webapi", APP, email, patch).unwrap();
    }
    sandbox.put_group("alteryx-webapi", APP, "ug-1", "Analysts").unwrap();
    for email in ["kept@example.com", "gone@example.com"] {
        sandbox.put_membership("alteryx-webapi", APP, email, "ug-1", "").unwrap();
    }
    story
}

#[tokio::test(flavor = "multi_thread")]
async fn from_drifted_to_converged() {
    let story = drifted(&[]).await;
    story.sandbox.clear_log();
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    story.converged().await;

    let moved = story.raw("moved@example.com");
    let kept = (&moved["role"], &moved["timeZone"], &moved["canAssignJobs"], &moved["language"]);
    assert_eq!(kept, (&json!("Artisan"), &json!("Asia/Tokyo"), &json!(true), &json!("ja-jp")));
    let gone = story.sandbox.account("alteryx-webapi", APP, "gone@example.com").unwrap();
    assert_eq!((&gone.raw["isActive"], &gone.raw["timeZone"]), (&json!(false), &json!("Asia/Tokyo")));
    assert_eq!(gone.groups.len(), 0, "nobody who left stays a member");
    for email in ["new@example.com", "next@example.com", "back@example.com"] {
        let account = story.sandbox.account("alteryx-webapi", APP, email).unwrap();
        assert_eq!((&account.raw["isActive"], account.groups.len()), (&json!(true), 1), "{email}");
    }
    let writes = story.writes();
    assert!(!writes.iter().any(|line| line.starts_with("DELETE /webapi/v3/users/")), "{writes:?}");
    assert!(!writes.iter().any(|line| line.ends_with("/deactivate")), "{writes:?}");
    for request in story.sandbox.log().iter().filter(|request| request.path.ends_with("/usergroups/ug-1/users")) {
        assert!(request.body.is_array(), "members join by a list of ids: {}", request.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_windows_decides_is_told_to_a_person() {
    let story = drifted(&["windows-auth", "no-deactivation"]).await;
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert!(said.err.contains("give the user the role"), "{}", said.err);
    assert_eq!(said.status, 1, "nobody could be made: {said:?}");
    assert_eq!(story.raw("gone@example.com")["isActive"], true);
    assert_eq!(story.raw("back@example.com")["isActive"], true, "what can be done is done");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_ever_deleted() {
    let story = drifted(&[]).await;
    story.write(&format!("policy: {{ remove_with: delete, irreversible: allow }}\n{APP_FILE}"), PEOPLE);
    assert_eq!(
        story.actions().await.iter().filter(|action| action.contains("gone@")).collect::<Vec<_>>(),
        ["manual studio/delete/gone@example.com", "ready studio/remove-member/gone@example.com/Analysts"]
    );
    story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(story.raw("gone@example.com")["email"], "gone@example.com");
    assert!(!story.writes().iter().any(|line| line.starts_with("DELETE /webapi/v3/users")), "{:?}", story.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_made_behind_our_back_is_adopted_after_the_conflict() {
    let story = drifted(&[]).await;
    // The server answers that there are no such users, and while the answers are on their way, somebody makes one of them.
    let slow = "method=GET,path=/webapi/v3/users,at=2+3,kind=slow,wait=2s".parse::<Fault>().unwrap();
    story.sandbox.set_faults(vec![slow]);
    story.sandbox.clear_log();
    let at = format!("--sandbox={}", story.sandbox.url());
    let child = start(&["apply", story.dir.path().to_str().unwrap(), &at, "--yes"], &[]);
    while story.sandbox.log().iter().filter(|request| request.path == "/webapi/v3/users").count() < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let id = story.account("New@Example.com", "Artisan", true);
    let said = finish(child).await;
    story.sandbox.set_faults(Vec::new());
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.err.contains(&format!("found as {id}")), "{}", said.err);
    // `next` is made, and `new` is tried once and then looked for.
    assert_eq!(story.writes().iter().filter(|line| *line == "POST /webapi/v3/users").count(), 2);
    story.converged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_expire_during_a_run_are_renewed() {
    let config = Config { token_life: Duration::from_secs(1), latency: Duration::from_millis(120), ..quick() };
    let accounts: String =
        (0..40).map(|n| format!("  s{n}@example.com: {{ given_name: S, family_name: N }}\n")).collect();
    let app = format!("defaults: {{ role: Artisan }}\naccounts:\n{accounts}");
    let story = Story::with(config, "alteryx-webapi", &app, "").await;
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let tokens = story.sandbox.log().iter().filter(|request| request.path.ends_with("/token")).count();
    assert!(tokens > 1, "{tokens}");
    story.converged().await;
}
