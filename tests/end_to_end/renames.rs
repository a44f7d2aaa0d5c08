//! People whose address changes: their accounts get the new one where the API can do that, and a person is asked elsewhere.

use std::fs;

use rosterd::sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::story::{APP, Story, quick};

const ALIAS: &str = ", aliases: [ann.lee@example.com]";

/// Ann, who was `ann.lee` when her account was made, and Bob, who has always been Bob.
fn write(story: &Story, app: &str, alias: &str) {
    let auth = match story.connector {
        "scim" => "{ token: { env: STUDIO_TOKEN } }",
        _ => "{ client_id: { env: STUDIO_ID }, client_secret: { env: STUDIO_SECRET } }",
    };
    let options = match story.connector {
        "workiva" => "    options: { admin_roles: [Workspace Admin] }\n",
        "alteryx" => "    defaults: { role: Viewer }\n",
        _ => "",
    };
    let text = format!(
        "people:\n  ann@example.com: {{ given_name: Ann, family_name: Lee{alias} }}\n  bob@example.com: {{ given_name: Bob, \
         family_name: Lee }}\napps:\n  {APP}:\n    connector: {}\n    url: https://api.example.com\n    auth: {auth}\n{options}    \
         accounts: {{ ann@example.com: , bob@example.com: }}\n{app}",
        story.connector
    );
    fs::write(story.dir.path().join("all.yaml"), text).unwrap();
    accept(story);
}

/// Somebody who may approve has said that accounts which go by an alias are their people's.
fn accept(story: &Story) {
    let line = format!("approvals:\n  - {{ allow: {APP}, guard: identity, up_to: 9, until: 2999-01-01 }}\n");
    fs::write(story.dir.path().join("approvals.yaml"), line).unwrap();
}

async fn told(connector: &'static str, app: &str) -> Story {
    let story = Story::with(quick(), connector, "", "").await;
    write(&story, app, ALIAS);
    let role = match connector {
        "workiva" | "alteryx" | "alteryx-webapi" => "Viewer",
        "autodesk" => "user",
        _ => "",
    };
    for email in ["ann.lee@example.com", "bob@example.com"] {
        story.account(email, role, true);
    }
    if connector == "autodesk" {
        for email in ["ann.lee@example.com", "bob@example.com"] {
            let patch = rosterd::sandbox::AccountPatch { status: Some("active".into()), ..Default::default() };
            story.sandbox.patch_account(connector, APP, email, patch).unwrap();
        }
    }
    story
}

fn only(plan: &Value) -> &Value {
    let actions = plan["apps"][0]["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 1, "{actions:#?}");
    &actions[0]
}

const CAN: [(&str, &[&str]); 6] = [
    ("scim", &[]),
    ("scim", &["put-only"]),
    ("scim", &["no-etag", "patch-empty-200"]),
    ("scim", &["lower-case-usernames", "string-booleans"]),
    ("workiva", &[]),
    ("alteryx", &[]),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_account_gets_its_persons_new_address_where_the_api_can_and_the_plan_after_it_is_empty() {
    for (connector, quirks) in CAN {
        let story = told(connector, "").await;
        story.sandbox.set_quirks(connector, APP, quirks).unwrap();
        let id = story.sandbox.account(connector, APP, "ann.lee@example.com").unwrap().id;
        let plan = story.plan().await;
        let update = only(&plan);
        assert_eq!((&update["name"], &update["status"]), (&json!("studio/update/ann@example.com"), &json!("ready")));
        let to = json!([{ "field": "email", "from": "ann.lee@example.com", "to": "ann@example.com" }]);
        assert_eq!(update["changes"], to);
        assert!(update["because"].as_array().unwrap().contains(&json!("all.yaml:2")), "{update:#}");

        let said = story.rosterd(&["apply", "--yes"]).await;
        assert_eq!(said.status, 0, "{connector} {quirks:?}: {said:?}");
        let ann = story.sandbox.account(connector, APP, "ann@example.com").unwrap();
        assert_eq!((ann.id, ann.status.as_str()), (id, "active"), "{connector} {quirks:?}");
        assert!(story.sandbox.account(connector, APP, "ann.lee@example.com").is_err(), "{connector} {quirks:?}");
        story.converged().await;
        // The alias has done its work.
        write(&story, "", "");
        story.converged().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_user_beside_the_address_stays() {
    let story = told("scim", "").await;
    let emails = json!([
        { "value": "ann.lee@example.com", "type": "work", "primary": true },
        { "value": "ann@home.example", "type": "home" },
    ]);
    let patch = rosterd::sandbox::AccountPatch {
        raw: json!({ "emails": emails, "title": "Architect" }).as_object().cloned(),
        ..Default::default()
    };
    story.sandbox.patch_account("scim", APP, "ann.lee@example.com", patch).unwrap();
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let raw = story.raw("ann@example.com");
    assert_eq!(
        raw["emails"],
        json!([
            { "value": "ann@example.com", "type": "work", "primary": true },
            { "value": "ann@home.example", "type": "home" },
        ])
    );
    assert_eq!((&raw["userName"], &raw["title"]), (&json!("ann@example.com"), &json!("Architect")));
    story.converged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_request_of_a_rename_does_no_harm() {
    let kinds =
        [FaultKind::ServerError, FaultKind::ResetBefore, FaultKind::ResetAfter, FaultKind::CutOff, FaultKind::Empty];
    for (connector, method) in [("scim", "PATCH"), ("workiva", "PATCH"), ("alteryx", "PUT")] {
        for kind in kinds {
            let story = told(connector, "").await;
            story.sandbox.set_faults(vec![Fault { at: vec![1], method: Some(method.into()), ..Fault::new(kind) }]);
            let said = story.rosterd(&["apply", "--yes"]).await;
            assert_eq!(said.status, 0, "{connector} {kind:?}: {said:?}");
            story.sandbox.set_faults(Vec::new());
            story.converged().await;
            assert!(story.sandbox.account(connector, APP, "ann@example.com").is_ok(), "{connector} {kind:?}");
            assert_eq!(story.sandbox.accounts(connector, APP).unwrap().len(), 2, "{connector} {kind:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_by_an_account_that_is_not_shown_is_told_in_clear_words() {
    let story = told("scim", "").await;
    // Somebody who was deleted still has it.
    story.sandbox.set_quirks("scim", APP, &["delete-keeps-name"]).unwrap();
    story.account("ann@example.com", "", true);
    let id = story.sandbox.account("scim", APP, "ann@example.com").unwrap().id;
    let delete = story.rosterd(&["plan"]).await;
    assert!(delete.out.contains("has 2 accounts"), "{delete:?}");
    let url = format!("{}/Users/{id}", story.sandbox.app_url("scim", APP));
    rosterd::connectors::http::install_tls();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let gone = http.delete(url).bearer_auth(rosterd::sandbox::DEFAULT_CLIENT_SECRET).send().await.unwrap();
    assert!(gone.status().is_success());
    let said = story.rosterd(&["apply", "--yes"]).await;
    let told = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.status == 1 && told.contains("another account seems to have the address ann@example.com"), "{said:?}");
    assert!(told.contains("aliases: keep"), "{said:?}");
    write(&story, "    policy: { aliases: keep }\n", ALIAS);
    story.converged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_api_cannot_a_person_is_asked_until_a_line_says_that_it_stays() {
    for (connector, words) in [
        ("autodesk", "the person changes it in their own Autodesk profile"),
        ("alteryx-webapi", "cannot change email; do it in the app's admin pages"),
    ] {
        let story = told(connector, "").await;
        let plan = story.plan().await;
        let update = only(&plan);
        assert_eq!((&update["name"], &update["status"]), (&json!("studio/update/ann@example.com"), &json!("manual")));
        assert!(update["reason"].as_str().unwrap().contains(words), "{update:#}");
        let said = story.rosterd(&["plan", "--detailed-exitcode"]).await;
        assert!(said.status == 3 && said.out.contains("ann.lee@example.com → ann@example.com"), "{said:?}");
        story.sandbox.clear_log();
        let said = story.rosterd(&["apply", "--yes"]).await;
        assert!(said.status == 0 && story.writes().is_empty(), "{said:?}");
        write(&story, "    policy: { aliases: keep }\n", ALIAS);
        story.converged().await;
        // Or somebody does it.
        write(&story, "", ALIAS);
        let patch = rosterd::sandbox::AccountPatch { email: Some("ann@example.com".into()), ..Default::default() };
        story.sandbox.patch_account(connector, APP, "ann.lee@example.com", patch).unwrap();
        story.converged().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_with_the_old_one_as_its_alias_is_the_whole_of_a_rename() {
    let story = told("workiva", "").await;
    let store = format!("sqlite:{}", story.dir.path().join("state.db").display());
    let said = story.rosterd(&["apply", "--yes", "--store", &store]).await;
    assert_eq!(said.status, 0, "{said:?}");
    // Ann marries, and becomes somebody else to the files.
    let text = fs::read_to_string(story.dir.path().join("all.yaml")).unwrap();
    let text = text.replace("ann@example.com", "ann.roe@example.com").replace("ann.lee@example.com", "ann@example.com");
    fs::write(story.dir.path().join("all.yaml"), text).unwrap();
    let said = story.rosterd(&["plan", "--store", &store, "--format", "json"]).await;
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(only(&plan)["name"], "studio/update/ann.roe@example.com");
    let said = story.rosterd(&["apply", "--yes", "--store", &store]).await;
    assert_eq!(said.status, 0, "{said:?}");
    story.converged().await;
    let args = ["history", story.dir.path().to_str().unwrap(), "--store", &store, "--person", "ann.roe@example.com"];
    let said = crate::story::run(&args).await;
    assert!(said.status == 0 && words(&said.out).contains("ann@example.com → ann.roe@example.com"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_goes_from_one_person_to_another_in_two_steps_and_leaves_no_doubt_behind() {
    let story = Story::with(quick(), "scim", "", "").await;
    let store = format!("sqlite:{}", story.dir.path().join("state.db").display());
    for email in ["x@example.com", "ann.lee@example.com"] {
        story.account(email, "", true);
    }
    let people = |story: &Story, people: &str, accounts: &str| {
        let text = format!(
            "people: {people}\napps:\n  {APP}:\n    connector: scim\n    url: https://api.example.com\n    auth: {{ token: \
             {{ env: STUDIO_TOKEN }} }}\n    accounts: {accounts}\n"
        );
        fs::write(story.dir.path().join("all.yaml"), text).unwrap();
        accept(story);
    };
    let steps = [
        ("{ ann.lee@example.com: , x@example.com: }", "{ ann.lee@example.com: , x@example.com: }", 0),
        (
            "{ ann.lee@example.com: , bob@example.com: { aliases: [x@example.com] } }",
            "{ ann.lee@example.com: , bob@example.com: }",
            1,
        ),
        (
            "{ x@example.com: { aliases: [ann.lee@example.com] }, bob@example.com: }",
            "{ x@example.com: , bob@example.com: }",
            1,
        ),
        // Nobody needs to remember.
        ("{ x@example.com: , bob@example.com: }", "{ x@example.com: , bob@example.com: }", 0),
    ];
    for (names, accounts, changes) in steps {
        people(&story, names, accounts);
        story.sandbox.clear_log();
        let said = story.rosterd(&["apply", "--yes", "--store", &store]).await;
        assert_eq!((said.status, story.writes().len()), (0, changes), "{names}: {said:?}");
        let said = story.rosterd(&["plan", "--detailed-exitcode", "--store", &store]).await;
        assert!(said.status == 0 && !said.out.contains("error"), "{names}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_lost_first_and_the_new_address_comes_with_the_next_run() {
    let story = told("alteryx", "").await;
    let patch = rosterd::sandbox::AccountPatch { role: Some("Creator".into()), ..Default::default() };
    story.sandbox.patch_account("alteryx", APP, "ann.lee@example.com", patch).unwrap();
    let plan = story.plan().await;
    let update = only(&plan);
    assert_eq!(update["changes"], json!([{ "field": "role", "from": "Creator", "to": "Viewer" }]));
    let told = &plan["apps"][0]["findings"][0];
    assert_eq!((&told["code"], &told["severity"]), (&json!("address-later"), &json!("note")), "{plan:#}");
    for _ in 0..2 {
        let said = story.rosterd(&["apply", "--yes"]).await;
        assert_eq!(said.status, 0, "{said:?}");
    }
    story.converged().await;
    assert!(story.sandbox.account("alteryx", APP, "ann@example.com").is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_emails_are_identities_an_account_stays_its_persons_who_had_the_new_address_beside_the_old_one() {
    for quirks in [&[][..], &["put-only"]] {
        let story = told("scim", "    options: { identity: email }\n").await;
        story.sandbox.set_quirks("scim", APP, quirks).unwrap();
        let emails = json!([
            { "value": "ann.lee@example.com", "type": "other", "primary": true },
            { "value": "ann@example.com", "type": "home" },
            { "value": "zz@example.com", "type": "work" },
        ]);
        let raw = json!({ "emails": emails }).as_object().cloned();
        let patch = rosterd::sandbox::AccountPatch { raw, ..Default::default() };
        story.sandbox.patch_account("scim", APP, "ann.lee@example.com", patch).unwrap();
        let said = story.rosterd(&["apply", "--yes"]).await;
        assert_eq!(said.status, 0, "{quirks:?}: {said:?}");
        story.converged().await;
        assert_eq!(story.sandbox.accounts("scim", APP).unwrap().len(), 2);
    }
}

/// The words of a text, however its lines are broken.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
