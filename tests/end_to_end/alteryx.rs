//! Alteryx Server, from drifted to converged.

use std::time::Duration;

use rosterd::sandbox::{AccountPatch, Fault};
use serde_json::{Value, json};

use crate::story::{APP, Story, finish, quick, start};

const APP_FILE: &str = "\
defaults: { role: Member }
accounts:
  boss@example.com: { role: ServerAdmin }
  moved@example.com: { role: Creator }
groups:
  Analysts: { members: [new@example.com, kept@example.com, back@example.com] }
  Reports: { role: Viewer, members: [kept@example.com] }
";

const PEOPLE: &str = "\
people:
  boss@example.com: { given_name: B, family_name: Oss }
  moved@example.com: { given_name: M, family_name: Oved }
  new@example.com: { given_name: N, family_name: Ew }
  kept@example.com: { given_name: K, family_name: Ept }
  back@example.com: { given_name: B, family_name: Ack }
  extra@example.com: { given_name: E, family_name: Xtra }
  gone@example.com: { given_name: G, family_name: One, status: left }
approvals:
  - { allow: studio/reactivate/back@example.com, guard: reactivation, until: 2036-12-31 }
";

/// What a server keeps of a user that nobody here knows.
fn unknown() -> Value {
    json!({"timeZone": "Asia/Tokyo", "customTag": "gold", "canScheduleJobs": true, "canCreateCollections": true})
}

async fn drifted(quirks: &[&str]) -> Story {
    let story = Story::with(quick(), "alteryx", APP_FILE, PEOPLE).await;
    let sandbox = &story.sandbox;
    sandbox.set_quirks("alteryx", APP, quirks).unwrap();
    for (email, role, active) in [
        ("boss@example.com", "ServerAdmin", true),
        ("moved@example.com", "Viewer", true),
        ("kept@example.com", "Member", true),
        ("back@example.com", "Member", false),
        ("extra@example.com", "Member", true),
        ("Gone@Example.com", "Member", true),
    ] {
        story.account(email, role, active);
        let patch = AccountPatch { raw: unknown().as_object().cloned(), ..AccountPatch::default() };
        sandbox.patch_account("alteryx", APP, email, patch).unwrap();
    }
    sandbox.put_group("alteryx", APP, "ug-1", "Analysts").unwrap();
    for email in ["kept@example.com", "extra@example.com"] {
        sandbox.put_membership("alteryx", APP, email, "ug-1", "").unwrap();
    }
    story
}

fn keeps_unknown(story: &Story, email: &str) {
    let raw = story.raw(email);
    for (key, value) in unknown().as_object().unwrap() {
        assert_eq!(&raw[key], value, "{email}: {key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_drifted_to_converged() {
    let story = drifted(&[]).await;
    assert_eq!(
        story.actions().await,
        [
            "ready studio/create/new@example.com",
            "ready studio/update/moved@example.com",
            "ready studio/reactivate/back@example.com",
            "ready studio/deactivate/extra@example.com",
            "ready studio/deactivate/gone@example.com",
            "ready studio/add-member/back@example.com/Analysts",
            "ready studio/add-member/kept@example.com/Reports",
            "ready studio/add-member/new@example.com/Analysts",
            "ready studio/remove-member/extra@example.com/Analysts",
            "ready studio/create-group/Reports",
        ],
    );
    story.sandbox.clear_log();
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    story.converged().await;

    for (email, role, active) in [
        ("moved@example.com", "Creator", true),
        ("gone@example.com", "Member", false),
        ("back@example.com", "Member", true),
        ("extra@example.com", "Member", false),
    ] {
        let raw = story.raw(email);
        assert_eq!((&raw["role"], &raw["isActive"]), (&json!(role), &json!(active)), "{email}");
        keeps_unknown(&story, email);
    }
    let writes = story.writes();
    assert!(!writes.iter().any(|line| line.starts_with("DELETE /api/v3/users")), "{writes:?}");
    assert_eq!(writes.iter().filter(|line| line.starts_with("PUT")).count(), 4, "{writes:?}");
    assert_eq!(writes.iter().filter(|line| *line == "POST /api/v3/users").count(), 1, "{writes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_too_many_is_taken_out_where_the_server_can_and_told_of_where_it_cannot() {
    for (quirks, done) in [(&[][..], true), (&["no-member-removal"][..], false)] {
        let story = drifted(quirks).await;
        story.write(&APP_FILE.replace("  moved@", "  extra@example.com:\n  moved@"), PEOPLE);
        let said = story.rosterd(&["apply", "--yes"]).await;
        assert_eq!(said.status, 0, "{said:?}");
        let groups = story.sandbox.account("alteryx", APP, "extra@example.com").unwrap().groups;
        assert_eq!(groups.is_empty(), done, "{groups:?}");
        if done {
            story.converged().await;
        } else {
            assert!(said.err.contains("Admin pages, under User Groups"), "what a person does, and where: {}", said.err);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_members_cannot_be_seen_whoever_should_be_in_is_added_and_the_rest_is_told() {
    let story = drifted(&["no-group-detail"]).await;
    let actions = story.actions().await;
    for who in ["new", "kept", "back"] {
        let add = format!("ready studio/add-member/{who}@example.com/Analysts");
        assert!(actions.contains(&add), "{add}: {actions:?}");
    }
    assert!(!actions.iter().any(|action| action.contains("remove-member")), "who else is in is not known: {actions:?}");
    let plan = story.plan().await;
    let findings = plan["apps"][0]["findings"].as_array().unwrap();
    let told = findings.iter().filter(|finding| finding["code"] == "believed-members").count();
    assert_eq!(told, 1, "once for the group: {findings:?}");
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let kept = story.sandbox.account("alteryx", APP, "kept@example.com").unwrap().groups;
    assert!(kept.iter().any(|group| group.name == "Analysts"), "{kept:?}");
    assert!(!story.writes().iter().any(|line| line.starts_with("DELETE")));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_made_behind_our_back_is_adopted_after_the_conflict() {
    for quirk in [None, Some("duplicate-400")] {
        let story = drifted(&quirk.into_iter().collect::<Vec<_>>()).await;
        // The server answers that there is no such user, and while the answer is on its way, somebody makes the user.
        let slow = "method=GET,path=/api/v3/users,at=2,kind=slow,wait=2s".parse::<Fault>().unwrap();
        story.sandbox.set_faults(vec![slow]);
        story.sandbox.clear_log();
        let at = format!("--sandbox={}", story.sandbox.url());
        let child = start(&["apply", story.dir.path().to_str().unwrap(), &at, "--yes"], &[]);
        while story.sandbox.log().iter().filter(|request| request.path == "/api/v3/users").count() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let id = story.account("New@Example.com", "Member", true);
        let said = finish(child).await;
        story.sandbox.set_faults(Vec::new());
        assert_eq!(said.status, 0, "{said:?}");
        assert!(said.err.contains(&format!("found as {id}")), "{}", said.err);
        assert_eq!(story.writes().iter().filter(|line| *line == "POST /api/v3/users").count(), 1);
        let adopted = story.sandbox.account("alteryx", APP, &id).unwrap();
        assert_eq!(adopted.groups.len(), 1, "who was found joins: {adopted:?}");
        story.converged().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_with_somebody_nobody_can_see_fails_once_and_does_not_loop() {
    let story = drifted(&["inactive-unlisted"]).await;
    story.account("new@example.com", "Member", false);
    story.sandbox.clear_log();
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("another account seems to have the address new@example.com"), "{}", said.err);
    // One for `new` and one for `back`, who is hidden just so.
    assert_eq!(story.writes().iter().filter(|line| *line == "POST /api/v3/users").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_cannot_be_right_hold_what_needs_certainty() {
    for quirk in ["count-lies", "unpaged"] {
        let story = drifted(&[]).await;
        for n in 0..120 {
            story.account(&format!("other{n}@example.com"), "Member", true);
        }
        story.sandbox.set_quirks("alteryx", APP, &[quirk]).unwrap();
        story.sandbox.clear_log();
        let plan = story.plan().await;
        assert_eq!(plan["apps"][0]["complete"], false, "{quirk}");
        assert!(story.sandbox.log().len() < 40, "{quirk}: never endless");
        let actions = crate::story::actions(&plan);
        assert!(actions.contains(&"ready studio/deactivate/gone@example.com".to_owned()), "{quirk}: {actions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_expire_during_a_run_are_renewed() {
    let config =
        rosterd::sandbox::Config { token_life: Duration::from_secs(1), latency: Duration::from_millis(120), ..quick() };
    let accounts: String =
        (0..40).map(|n| format!("  s{n}@example.com: {{ given_name: S, family_name: N }}\n")).collect();
    let app = format!("defaults: {{ role: Member }}\naccounts:\n{accounts}");
    let story = Story::with(config, "alteryx", &app, "").await;
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let tokens = story.sandbox.log().iter().filter(|request| request.path.ends_with("/token")).count();
    assert!(tokens > 1, "{tokens}");
    story.converged().await;
}
