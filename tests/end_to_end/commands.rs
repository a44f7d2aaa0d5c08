//! Commands, exit statuses and messages.

use std::{fs, path::Path, time::Duration};

use crate::story::{APP, Story, actions, finish, quick, run, start};

const ANN: &str = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee }\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_invited_accepts_joins_its_group_and_then_nothing_is_left_to_do() {
    let story = Story::of(
        quick(),
        "defaults: { role: user }\ngroups:\n  Design: { id: team-1, members: { ann@example.com: member } }",
        ANN,
    )
    .await;
    story.sandbox.put_group("autodesk", APP, "team-1", "Design").unwrap();
    assert_eq!(
        story.actions().await,
        ["ready studio/create/ann@example.com", "waiting studio/add-member/ann@example.com/Design"]
    );

    let said = story.rosterd(&["apply", "--yes", "--detailed-exitcode"]).await;
    assert_eq!(said.status, 3, "{said:?}");
    assert_eq!(story.actions().await, ["waiting studio/add-member/ann@example.com/Design"]);

    story.sandbox.advance(Duration::from_secs(2 * 3600));
    assert_eq!(story.actions().await, ["ready studio/add-member/ann@example.com/Design"]);
    let said = story.rosterd(&["apply", "--yes", "--detailed-exitcode"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(story.actions().await.is_empty());
    assert_eq!(story.sandbox.account("autodesk", APP, "ann@example.com").unwrap().invitations, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_left_an_app_on_their_own_is_invited_again_without_a_word() {
    let story = Story::of(quick(), "defaults: { role: user }\naccounts: { ann@example.com: }", ANN).await;
    let store = format!("sqlite:{}", story.dir.path().join("state.db").display());
    let apply = ["apply", "--yes", "--store", store.as_str()];
    assert_eq!(story.rosterd(&apply).await.status, 0);
    story.sandbox.advance(Duration::from_secs(2 * 3600));
    // A run that sees the account taken up.
    assert_eq!(story.rosterd(&apply).await.status, 0);
    story.sandbox.remove_account("autodesk", APP, "ann@example.com").unwrap();
    for only in [&[][..], &["--only", "ann@example.com"]] {
        let said = story.rosterd(&[&["plan", "--store", store.as_str()], only].concat()).await;
        assert!(said.out.contains("create") && said.out.contains("[invited-before]"), "{said:?}");
        assert!(said.out.contains("account, which they had taken"), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_statuses_tell_what_is_left() {
    let story = Story::of(quick(), "accounts: { ann@example.com: }", ANN).await;
    let check = async |args: &[&str], status: i32| {
        let said = story.rosterd(args).await;
        assert_eq!(said.status, status, "{args:?}: {said:?}");
    };
    check(&["validate"], 0).await;
    check(&["plan"], 0).await;
    check(&["plan", "--detailed-exitcode"], 2).await;
    check(&["apply"], 1).await;
    check(&["apply", "--yes"], 0).await;
    check(&["plan", "--detailed-exitcode"], 0).await;
    check(&["plan", "--app", "nothing"], 1).await;
    check(&["plan", "--format", "yaml"], 64).await;
    assert_eq!(run(&["frobnicate"]).await.status, 64);
    assert_eq!(run(&["--help"]).await.status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_irreversible_deactivation_is_held_until_the_printed_line_is_added() {
    let app = "defaults: { role: user }\naccounts: { ann@example.com: }";
    let story = Story::of(quick(), app, ANN).await;
    story.rosterd(&["apply", "--yes"]).await;
    story.sandbox.advance(Duration::from_secs(2 * 3600));
    let suspended = ANN.replace("family_name: Lee", "family_name: Lee, status: suspended");
    story.write(app, &suspended);

    let plan = story.plan().await;
    let action = &plan["apps"][0]["actions"][0];
    assert_eq!((action["status"].as_str(), action["held"]["guard"].as_str()), (Some("held"), Some("irreversible")));
    let line = action["held"]["release"].as_str().unwrap();

    story.write(app, &format!("{suspended}approvals:\n  {line}\n"));
    assert_eq!(story.actions().await, ["ready studio/deactivate/ann@example.com"]);
    assert_eq!(story.rosterd(&["apply", "--yes"]).await.status, 0);
    assert!(story.actions().await.is_empty());
    assert_eq!(story.sandbox.account("autodesk", APP, "ann@example.com").unwrap().status, "inactive");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_on_the_command_line_does_the_same() {
    let app = "defaults: { role: user }\naccounts: { ann@example.com: }";
    let story = Story::of(quick(), app, ANN).await;
    story.rosterd(&["apply", "--yes"]).await;
    story.sandbox.advance(Duration::from_secs(2 * 3600));
    story.write(app, &ANN.replace("family_name: Lee", "family_name: Lee, status: suspended"));
    let said = story.rosterd(&["apply", "--yes", "--approve", "studio/deactivate/ann@example.com:irreversible"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(story.actions().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_are_shown_and_nothing_is_sent() {
    let story = Story::of(quick(), "accounts: { anne@example.com: { rol: admin } }", ANN).await;
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 1);
    assert!(said.err.contains("did you mean `role`"), "{}", said.err);
    assert!(said.err.contains("all.yaml:8"), "{}", said.err);
    assert!(story.sandbox.log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_refuses_the_credential_is_reported_with_what_to_do() {
    let config = rosterd::sandbox::Config { client_secret: "another".into(), ..quick() };
    let story = Story::of(config, "accounts: { ann@example.com: }", ANN).await;
    let said = story.rosterd(&["plan"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.out.contains("studio") && said.out.contains("check the credential under the app's `auth`"),
        "{}",
        said.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_credentials_are_named() {
    let story = Story::of(quick(), "accounts: { ann@example.com: }", ANN).await;
    let dir = story.dir.path().to_str().unwrap();
    let said = run(&["plan", dir]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.out.contains("STUDIO_ID") && said.out.contains("STUDIO_SECRET"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_planned_against_without_credentials() {
    let story = Story::of(quick(), "accounts: { ann@example.com: }", ANN).await;
    let file = story.dir.path().join("live.json");
    let said = story.rosterd(&["observe", "--out", file.to_str().unwrap()]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let before = story.sandbox.log().len();
    let dir = story.dir.path().to_str().unwrap();
    let said = run(&["plan", dir, "--live", file.to_str().unwrap(), "--detailed-exitcode"]).await;
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.out.contains("ann@example.com"), "{}", said.out);
    assert_eq!(story.sandbox.log().len(), before);
    fs::write(&file, r#"{"apps":{}}"#).unwrap();
    let said = run(&["plan", dir, "--live", file.to_str().unwrap()]).await;
    assert!(said.status == 1 && said.out.contains("does not hold this app"), "{said:?}");
    fs::write(&file, "{").unwrap();
    assert_eq!(run(&["plan", dir, "--live", file.to_str().unwrap()]).await.status, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_names_the_lines() {
    let story = Story::of(quick(), "accounts: { ann@example.com: { role: admin } }", ANN).await;
    let dir = story.dir.path().to_str().unwrap();
    let said = run(&["why", "ann@example.com", dir]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("admin") && said.out.contains("all.yaml:8"), "{}", said.out);
    let said = run(&["why", "anne@example.com", dir]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.out.contains("ann@example.com"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_one_and_accepts_every_file_of_the_example() {
    let said = run(&["schema"]).await;
    let schema: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state");
    let folders = ["", "people", "teams", "apps"].map(|folder| root.join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let value: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        if let Err(error) = validator.validate(&value) {
            panic!("{}: {error} at {}", file.display(), error.instance_path());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_of_manifests_is_one_and_accepts_every_manifest_that_is_built_in() {
    let said = run(&["schema", "--manifest"]).await;
    let schema: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, text) in rosterd::connectors::rest::BUILT_IN {
        let value: serde_json::Value = serde_saphyr::from_str(text).unwrap();
        if let Err(error) = validator.validate(&value) {
            panic!("{name}: {error} at {}", error.instance_path());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_ends_with_the_next_step_on_stderr() {
    let app = "defaults: { role: user }\naccounts: { ann@example.com: }";
    let story = Story::of(quick(), app, ANN).await;
    let said = story.rosterd(&["plan"]).await;
    let at = format!("{} --sandbox={}", story.dir.path().display(), story.sandbox.url());
    assert_eq!(said.err.trim_end(), format!("Next: `rosterd apply {at}` does this, and asks first."));

    story.rosterd(&["apply", "--yes"]).await;
    story.sandbox.advance(Duration::from_secs(2 * 3600));
    assert_eq!(story.rosterd(&["plan"]).await.err, "", "in sync, there is no next step");

    story.write(app, &ANN.replace("family_name: Lee", "family_name: Lee, status: suspended"));
    let said = story.rosterd(&["plan"]).await;
    assert!(said.err.contains("--approve studio/deactivate/ann@example.com:irreversible"), "{}", said.err);
    let said = story.rosterd(&["plan", "--format", "json"]).await;
    assert_eq!(said.err, "", "programs need no advice");
    let said = story.rosterd(&["apply"]).await;
    assert!(said.status == 0 && said.err.contains("to release what is held"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_validate_counts_what_is_wrong() {
    let story = Story::of(quick(), "accounts: { anne@example.com: { rol: admin } }\nmod: add", ANN).await;
    let dir = story.dir.path().to_str().unwrap();
    let said = run(&["validate", dir]).await;
    assert_eq!((said.status, said.out.as_str()), (1, ""));
    let end = format!("error: {dir} is not valid: 2 errors in 1 file\n");
    assert!(said.err.ends_with(&format!("\n\n{end}")), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn slips_on_the_command_line_are_answered_with_what_to_write() {
    let check = async |args: &[&str], expect: &str| {
        let said = run(args).await;
        assert_eq!((said.status, said.out.as_str()), (64, ""), "{args:?}");
        assert!(said.err.contains(expect), "{args:?}: {}", said.err);
    };
    check(&["plan", "--sandbox", "http://127.0.0.1:8480"], "write --sandbox=http://127.0.0.1:8480").await;
    check(&["plan", "--approve", "a:irreversibel"], "approvals release").await;
    check(&["sandbox", "--listen", "8480"], "such as 127.0.0.1:8480").await;
    check(&["sandbox", "--latency", "5"], "time unit needed").await;
    check(&[], "rosterd plan --sandbox").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_what_connectors_can_do_is_what_they_declare() {
    let said = run(&["connectors", "list", "--format", "markdown"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let readme = include_str!("../../README.md");
    let (_, after) =
        readme.split_once("<!-- connectors: the output of `rosterd connectors list --format markdown` -->").unwrap();
    let (table, _) = after.split_once("<!-- /connectors -->").unwrap();
    assert!(
        table.trim() == said.out.trim(),
        "README.md is stale: put the output of `rosterd connectors list --format markdown` between its two marks"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_tried_out_without_changing_anything() {
    let story = Story::of(quick(), "accounts: { ann@example.com: }", ANN).await;
    story.rosterd(&["apply", "--yes"]).await;
    story.sandbox.clear_log();
    let at = format!("--sandbox={}", story.sandbox.url());
    let said = run(&["connectors", "check", "autodesk", story.dir.path().to_str().unwrap(), &at]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("ok      list accounts: 1 seen"), "{}", said.out);
    let writes: Vec<_> = story.writes();
    assert!(writes.is_empty(), "{writes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_ones_own_is_checked_with_its_lines() {
    let story = Story::of(quick(), "accounts: { ann@example.com: }", ANN).await;
    let file = story.dir.path().join("mine.yaml");
    let check = async |text: &str| {
        fs::write(&file, text).unwrap();
        run(&["connectors", "check", file.to_str().unwrap(), story.dir.path().join("nowhere").to_str().unwrap()]).await
    };
    let good = include_str!("../../src/connectors/rest/manifests/autodesk.yaml");
    let said = check(good).await;
    assert_eq!((said.status, said.out.contains("is a valid manifest for autodesk")), (0, true), "{said:?}");
    let said = check(&good.replace("items: data", "itms: data")).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("mine.yaml:") && said.err.contains("| ") && said.err.contains("itms"), "{}", said.err);
    let said = run(&["connectors", "show", "nothing"]).await;
    assert_eq!(said.status, 1, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_leaves_out_manifests_of_ones_own_and_says_so() {
    let story = Story::of(quick(), "accounts: { ann@example.com: }", ANN).await;
    let manifest = include_str!("../../src/connectors/rest/manifests/autodesk.yaml");
    fs::create_dir(story.dir.path().join("connectors")).unwrap();
    fs::write(story.dir.path().join("connectors/mine.yaml"), manifest).unwrap();
    let app = "apps:\n  mine: { connector: ./connectors/mine.yaml, url: https://mine.example.com }\n";
    fs::create_dir(story.dir.path().join("apps")).unwrap();
    fs::write(story.dir.path().join("apps/mine.yaml"), app).unwrap();
    let said = story.rosterd(&["plan"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.err.contains("mine is left out: the sandbox does not play manifests of your own"), "{}", said.err);
    assert!(said.out.contains("create") && !said.out.contains("mine"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_option_is_told_in_one_run() {
    let story = Story::of(quick(), "options: { profil: strict, regio: US }", ANN).await;
    let said = story.rosterd(&["validate"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("`profil`") && said.err.contains("`regio`"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_somebody_made_in_the_meantime_is_adopted_and_nobody_joins_while_pending() {
    let story = Story::of(
        quick(),
        "defaults: { role: user }\ngroups:\n  Design: { id: team-1, members: { ann@example.com: member, old@example.com: member } }",
        &format!("{ANN}  old@example.com: {{ given_name: Old, family_name: Hand }}\n"),
    )
    .await;
    story.sandbox.put_group("autodesk", APP, "team-1", "Design").unwrap();
    story.account("old@example.com", "user", true);
    // Reading the old account takes so long that the new one appears between the list and the create.
    story.sandbox.set_faults(vec!["method=GET,path=*/teams,kind=slow,wait=2s".parse().unwrap()]);
    let at = format!("--sandbox={}", story.sandbox.url());
    let child = start(&["apply", story.dir.path().to_str().unwrap(), &at, "--yes"], &[]);
    while !story.sandbox.log().iter().any(|request| request.path == "/users") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let id = story.account("Ann@Example.com", "user", true);
    let said = finish(child).await;
    story.sandbox.set_faults(Vec::new());
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.err.contains(&format!("found as {id}")), "{}", said.err);
    let invited = |line: &&String| *line == "POST /users";
    assert_eq!(story.writes().iter().filter(invited).count(), 1, "{:?}", story.writes());
    story.rosterd(&["apply", "--yes"]).await;
    story.converged().await;
    let joins =
        story.sandbox.log().into_iter().filter(|request| request.method == "POST" && request.path.ends_with("/teams"));
    assert!(
        joins.into_iter().all(|request| request.status.is_some_and(|status| status < 300)),
        "nobody was sent while pending"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_joins_a_team_without_a_role_in_the_files_becomes_a_member_of_it() {
    let story = Story::of(
        quick(),
        "groups:\n  Design: { id: team-1, members: [ann@example.com, lea@example.com] }",
        "people: { ann@example.com: , lea@example.com: }",
    )
    .await;
    story.sandbox.put_group("autodesk", APP, "team-1", "Design").unwrap();
    for email in ["ann@example.com", "lea@example.com"] {
        story.account(email, "user", true);
    }
    // The role of whoever is in is none of the files' business.
    story.sandbox.put_membership("autodesk", APP, "lea@example.com", "team-1", "lead").unwrap();
    let plan = story.plan().await;
    assert_eq!(actions(&plan), ["ready studio/add-member/ann@example.com/Design"]);
    let changes = &plan["apps"][0]["actions"][0]["changes"];
    assert_eq!(*changes, serde_json::json!([{ "field": "role", "from": null, "to": "member" }]));
    assert_eq!(story.rosterd(&["apply", "--yes"]).await.status, 0);
    story.converged().await;
}
