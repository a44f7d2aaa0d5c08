//! Everything that can go wrong on the wire, while an organisation is applied: the end is the right state or a clear
//! report; nobody is invited twice and no action is lost.

use std::{fmt::Write as _, time::Duration};

use rosterd::sandbox::{Config, Fault};

use crate::story::{APP, Story, quick};

const PEOPLE: usize = 25;

/// People to invite, one to remove, and a team to join.
fn files() -> (String, String) {
    let mut people = String::from("people:\n");
    let mut members = String::new();
    for i in 0..PEOPLE {
        writeln!(people, "  p{i:02}@example.com: {{ given_name: P, family_name: N{i} }}").unwrap();
        writeln!(members, "      p{i:02}@example.com: member").unwrap();
    }
    people += "  gone@example.com: { given_name: G, family_name: One, status: left }\n";
    let app = format!("defaults: {{ role: user }}\ngroups:\n  Design:\n    id: team-1\n    members:\n{members}");
    (app, people)
}

async fn check(fault: &str) {
    check_all(&[fault]).await;
}

async fn check_all(faults: &[&str]) {
    let fault = faults.join(" and ");
    let (app, people) = files();
    // The quota is not what is tested here.
    let config = Config { quota: rosterd::sandbox::Quota::business(), ..quick() };
    let story = Story::of(config, &app, &people).await;
    story.sandbox.put_group("autodesk", APP, "team-1", "Design").unwrap();
    story
        .sandbox
        .add_account(
            "autodesk",
            APP,
            rosterd::sandbox::NewAccount { email: "gone@example.com".into(), ..Default::default() },
        )
        .unwrap();

    story.sandbox.set_faults(faults.iter().map(|fault| fault.parse::<Fault>().unwrap()).collect());
    let first = story.rosterd(&["apply", "--yes", "--format", "json"]).await;
    story.sandbox.advance(Duration::from_secs(2 * 3600));
    let second = story.rosterd(&["apply", "--yes", "--format", "json"]).await;
    let injected = story.sandbox.log().iter().filter(|request| request.fault.is_some()).count();
    assert!(injected > 3, "{fault}: only {injected} faults hit");
    for said in [&first, &second] {
        // Whatever was not done has been told, with a message.
        let outcome: serde_json::Value =
            serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{fault}: {said:?}"));
        let told = outcome.to_string();
        assert!(said.status == 0 || told.contains("\"error\":\"") || told.contains("failed"), "{fault}: {said:?}");
    }

    // Without faults whatever is left is done, and then there is nothing to do.
    story.sandbox.set_faults(Vec::new());
    let third = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(third.status, 0, "{fault}: {third:?}");
    story.sandbox.advance(Duration::from_secs(2 * 3600));
    let fourth = story.rosterd(&["apply", "--yes", "--detailed-exitcode"]).await;
    assert_eq!(fourth.status, 0, "{fault}: {fourth:?}");
    assert!(story.actions().await.is_empty(), "{fault}");

    let accounts = story.sandbox.accounts("autodesk", APP).unwrap();
    assert_eq!(accounts.len(), PEOPLE + 1, "{fault}: nobody twice, nobody missing");
    for account in accounts {
        let expected = if account.email == "gone@example.com" { (0, "inactive", 0) } else { (1, "active", 1) };
        let found = (account.invitations, account.status.as_str(), account.groups.len());
        assert_eq!(found, expected, "{fault}: {account:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_errors() {
    check("every=5,kind=500").await;
    check("every=5,kind=html-502").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests() {
    check("every=20,kind=429,wait=1s").await;
    check("every=20,kind=503,wait=1s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resets_before_the_effect() {
    check("every=5,kind=reset-before").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resets_after_the_effect() {
    check("every=5,kind=reset-after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_answers() {
    check("every=15,kind=slow,wait=1s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_instead_of_json() {
    check("every=5,kind=html").await;
    check("every=5,kind=html,effect=yes").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_break_off_or_are_missing() {
    check("every=5,kind=cut-off").await;
    check("every=5,kind=malformed").await;
    check("every=5,kind=empty").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_at_once() {
    check_all(&[
        "every=7,kind=reset-after",
        "every=11,kind=500",
        "every=13,kind=html,effect=yes",
        "every=17,kind=cut-off",
        "every=19,kind=reset-before",
        "every=23,kind=empty",
    ])
    .await;
}

/// What one person's account does wrong is that person's trouble.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_read_stops_nobody_else() {
    let account = |email: &str, role: &str| rosterd::sandbox::NewAccount {
        email: email.into(),
        role: Some(role.into()),
        ..Default::default()
    };
    let app = "defaults: { role: user }\naccounts:\n  odd@example.com:\n  two@example.com:\n  new@example.com:\n";
    let people =
        "people:\n  odd@example.com:\n  two@example.com:\n  new@example.com:\n  gone@example.com: { status: left }\n";
    let story = Story::of(quick(), app, people).await;
    let odd = story.sandbox.add_account("autodesk", APP, account("odd@example.com", "admin")).unwrap();
    story.sandbox.add_account("autodesk", APP, account("two@example.com", "viewer")).unwrap();
    story.sandbox.add_account("autodesk", APP, account("gone@example.com", "user")).unwrap();
    story.sandbox.add_account("autodesk", APP, account("chief@example.com", "admin")).unwrap();
    let fault = format!("method=GET,path=/users/{odd},kind=html");
    story.sandbox.set_faults(vec![fault.parse::<Fault>().unwrap()]);

    let plan = story.plan().await;
    assert_eq!(
        crate::story::actions(&plan),
        [
            "ready studio/create/new@example.com",
            "ready studio/update/two@example.com",
            "ready studio/deactivate/gone@example.com",
        ],
        "nothing is held, and nothing is done to whom nobody could read: {plan}"
    );
    let findings = plan["apps"][0]["findings"].to_string();
    assert!(findings.contains("role of odd@example.com could not be read"), "{findings}");
    assert!(findings.contains(&format!("GET /users/{odd}")), "which request failed: {findings}");
    assert_eq!(plan["apps"][0]["complete"], false);
}

/// Nothing that signs us in is ever shown, however much is asked to be logged.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_logged() {
    let (app, people) = files();
    let story = Story::of(quick(), &app, &people).await;
    story.sandbox.put_group("autodesk", APP, "team-1", "Design").unwrap();
    story.sandbox.set_faults(vec!["every=7,kind=500".parse::<Fault>().unwrap()]);
    let said = story.rosterd(&["apply", "--yes", "-vvv"]).await;
    let traced = story.rosterd_with(&["plan", "-vvv"], &[("RUST_LOG", "trace")]).await;
    assert!(said.err.contains("request") && traced.err.len() > said.err.len(), "both log something");
    let secret = rosterd::sandbox::DEFAULT_CLIENT_SECRET;
    for text in [&said.err, &said.out, &traced.err, &traced.out] {
        assert!(!text.contains(secret), "the client's secret");
        let bearer = text.lines().find(|line| line.contains("Bearer ") || line.contains("Basic "));
        assert!(bearer.is_none(), "{bearer:?}");
        assert!(!text.contains("access_token"), "the answer with the token");
    }
}
