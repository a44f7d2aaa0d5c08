//! Plans that are saved and applied later, and snapshots.

use std::{fs, time::Duration};

use serde_json::Value;

use crate::story::{APP, Story, quick, run};

const PEOPLE: &str = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee }\n  \
                      bob@example.com: { given_name: Bob, family_name: Lee }\n  \
                      eve@example.com: { given_name: Eve, family_name: Lee }\n";
const APP_LINES: &str = "policy: { irreversible: allow }\ndefaults: { role: user }\naccounts:\n  ann@example.com:\n  \
                         bob@example.com:\n";

/// Ann is to be invited; Bob and Eve are there, and Eve has to go.
async fn story() -> Story {
    let story = Story::of(quick(), APP_LINES, PEOPLE).await;
    for name in ["bob", "eve"] {
        story.account(&format!("{name}@example.com"), "user", true);
    }
    story
}

async fn saved(story: &Story) -> String {
    let file = story.dir.path().join("plan.json").to_str().unwrap().to_owned();
    let said = story.rosterd(&["plan", "--out", &file]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(said.err.matches("Next:").count(), 1, "{said:?}");
    let dir = story.dir.path().display();
    let command = format!("`rosterd apply {dir} --plan {file} --sandbox={}`", story.sandbox.url());
    assert!(said.err.contains(&command), "{command}: {said:?}");
    file
}

/// `RESULT NAME` of everything that became of the saved plan.
async fn apply(story: &Story, file: &str, status: i32) -> Vec<String> {
    let said = story.rosterd(&["apply", "--plan", file, "--yes", "--format", "json"]).await;
    assert_eq!(said.status, status, "{said:?}");
    let outcome: Value = serde_json::from_str(&said.out).unwrap();
    let actions = outcome["apps"][0]["actions"].as_array().unwrap().iter();
    let results = actions.filter(|action| !action["result"].is_null());
    let mut all: Vec<String> =
        results.map(|one| format!("{} {}", one["result"].as_str().unwrap(), one["name"].as_str().unwrap())).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_applied_when_nothing_has_changed() {
    let story = story().await;
    let file = saved(&story).await;
    let expect = ["done studio/create/ann@example.com", "done studio/deactivate/eve@example.com"];
    assert_eq!(apply(&story, &file, 0).await, expect);
    // A second time there is nothing left, and that is no failure.
    let said = story.rosterd(&["apply", "--plan", &file, "--yes"]).await;
    assert!(said.status == 0 && said.out.contains("not needed any more"), "{said:?}");
    assert_eq!(story.sandbox.account("autodesk", APP, "ann@example.com").unwrap().invitations, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_did_already_is_listed_as_stale_and_not_done_again() {
    let story = story().await;
    let file = saved(&story).await;
    // Somebody else invited Ann in the meantime.
    story.account("ann@example.com", "user", true);
    let expect = ["done studio/deactivate/eve@example.com", "stale studio/create/ann@example.com"];
    assert_eq!(apply(&story, &file, 0).await, expect);
    story.converged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_is_new_or_not_the_same_is_left_alone() {
    let story = story().await;
    let file = saved(&story).await;
    let text = fs::read_to_string(&file).unwrap();
    // Another account under the same address: the same name, and not the same thing.
    let mut plan: Value = serde_json::from_str(&text).unwrap();
    let steps = plan["steps"].as_array_mut().unwrap();
    let eve = steps.iter_mut().find(|step| step["account"] == "eve@example.com").unwrap();
    eve["does"] = "sha256:other".into();
    fs::write(&file, plan.to_string()).unwrap();
    let expect = ["done studio/create/ann@example.com", "stale studio/deactivate/eve@example.com"];
    assert_eq!(apply(&story, &file, 1).await, expect);
    assert_eq!(story.sandbox.account("autodesk", APP, "eve@example.com").unwrap().status, "active");

    // What was not in the saved plan is stale as well, and nobody's failure.
    let steps = plan["steps"].as_array_mut().unwrap();
    steps.retain(|step| step["account"] != "eve@example.com");
    fs::write(&file, plan.to_string()).unwrap();
    let expect = ["stale studio/create/ann@example.com", "stale studio/deactivate/eve@example.com"];
    assert_eq!(apply(&story, &file, 0).await, expect);
}

/// What `apply --plan` says as JSON, and the names of what it did and did not do, as [`apply`] gives them, of all apps; stale
/// ones with their reasons.
async fn applied(story: &Story, file: &str, status: i32) -> (Value, Vec<String>) {
    let said = story.rosterd(&["apply", "--plan", file, "--yes", "--format", "json"]).await;
    assert_eq!(said.status, status, "{said:?}");
    let outcome: Value = serde_json::from_str(&said.out).unwrap();
    let apps = outcome["apps"].as_array().unwrap().iter();
    let actions = apps.flat_map(|app| app["actions"].as_array().unwrap());
    let line = |action: &Value| {
        let [name, result] = ["name", "result"].map(|key| action[key].as_str().unwrap().to_owned());
        let why = action["message"].as_str().filter(|_| result == "stale");
        format!("{result} {name}{}", why.map(|why| format!(": {why}")).unwrap_or_default())
    };
    let mut all: Vec<String> = actions.map(line).collect();
    all.sort();
    (outcome, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_adds_nothing_to_a_saved_plan_and_what_is_the_same_is_done() {
    let story = story().await;
    let file = saved(&story).await;
    let people = format!("{PEOPLE}  dan@example.com: {{ given_name: Dan, family_name: Lee }}\n");
    story.write(&format!("{APP_LINES}  dan@example.com:\n"), &people);
    let (outcome, all) = applied(&story, &file, 0).await;
    insta::assert_snapshot!(all.join("\n"), @r"
    done studio/create/ann@example.com
    done studio/deactivate/eve@example.com
    stale studio/create/dan@example.com: it is not in the saved plan
    ");
    let changed = serde_json::json!([{ "path": "all.yaml", "change": "changed" }]);
    assert_eq!(outcome["saved_plan"]["changed_files"], changed);
    assert_eq!(outcome["saved_plan"]["left_alone"], serde_json::json!([]));
    assert_eq!(story.actions().await, ["ready studio/create/dan@example.com"]);

    // The report for people says it as well, and what to type next.
    let said = story.rosterd(&["apply", "--plan", &file, "--yes"]).await;
    assert!(said.out.contains("1 file changed since the plan was saved: all.yaml.\n"), "{said:?}");
    assert!(said.err.contains("all.yaml. Only steps that are still exactly the same are done.\n"), "{said:?}");
    assert!(said.err.contains(&format!("Next: `rosterd plan {} ", story.dir.path().display())), "{said:?}");
    assert_eq!(story.writes().len(), 2, "{:?}", story.writes());

    // Without changes there is no word of them.
    let file = saved(&story).await;
    let said = story.rosterd(&["apply", "--plan", &file, "--yes"]).await;
    assert!(said.status == 0 && !format!("{said:?}").contains("changed since"), "{said:?}");
    story.converged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_files_make_another_step_is_missed_and_what_they_ask_for_no_more_is_not() {
    let story = story().await;
    let file = saved(&story).await;
    // Another name for Ann, and Eve may stay.
    let stays = format!("{APP_LINES}  eve@example.com:\n");
    story.write(&stays, &PEOPLE.replace("Ann", "Anna"));
    let (_, all) = applied(&story, &file, 1).await;
    insta::assert_snapshot!(all.join("\n"), @r"
    stale studio/create/ann@example.com: what it does, or to whom, is not what the plan was saved with
    stale studio/deactivate/eve@example.com: it is not needed any more
    ");
    // Nobody asks for Ann any more either, so that nothing is left that was to be done.
    story.write("policy: { irreversible: allow }\naccounts: [bob@example.com, eve@example.com]\n", PEOPLE);
    let (_, all) = applied(&story, &file, 0).await;
    assert!(all.iter().all(|line| line.ends_with("it is not needed any more")), "{all:?}");
    assert!(story.writes().is_empty(), "{:?}", story.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_is_loosened_since_releases_nothing_of_a_saved_plan_and_a_tightened_one_holds() {
    let held = APP_LINES.replace("policy: { irreversible: allow }\n", "");
    let approval =
        "approvals: [ { allow: studio/deactivate/eve@example.com, guard: irreversible, until: 2099-01-01 } ]\n";
    let story = story().await;
    let (loose, approved) = (PEOPLE.to_owned(), format!("{PEOPLE}{approval}"));
    for (app, rest) in [(APP_LINES, &loose), (&held, &approved)] {
        story.write(&held, PEOPLE);
        let file = saved(&story).await;
        story.write(app, rest);
        let (_, all) = applied(&story, &file, 0).await;
        let eve = "stale studio/deactivate/eve@example.com: it was held when the plan was saved";
        assert!(all.iter().any(|line| line == eve), "{all:?}");
        assert_eq!(story.sandbox.account("autodesk", APP, "eve@example.com").unwrap().status, "active");
        let left = story.actions().await;
        assert!(left.iter().any(|line| line == "ready studio/deactivate/eve@example.com"), "{left:?}");
    }
    // The other way round it is not done either, and that is missed.
    story.write(APP_LINES, PEOPLE);
    let file = saved(&story).await;
    story.write(&held, PEOPLE);
    let (_, all) = applied(&story, &file, 1).await;
    let [eve] = &all[..] else { panic!("{all:?}") };
    assert!(eve.starts_with("stale studio/deactivate/eve@example.com: it is held now: "), "{eve}");
    assert_eq!(story.sandbox.account("autodesk", APP, "eve@example.com").unwrap().status, "active");
}

const LAB: &str = "apps:\n  lab:\n    connector: autodesk\n    url: https://api.example.com\n    auth: { client_id: \
                   { env: LAB_ID }, client_secret: { env: LAB_SECRET } }\n    options: {}\n    defaults: { role: user }\n    \
                   accounts: [ann@example.com]\n";

/// What is said of the lab when its file, or the saved plan, is other than it was; all else goes on, and nothing is sent to it.
async fn lab_left_alone(change: impl AsyncFn(&Story, &str), args: &[&str], why: &str) {
    let story = story().await;
    fs::write(story.dir.path().join("lab.yaml"), LAB).unwrap();
    let file = story.dir.path().join("plan.json").to_str().unwrap().to_owned();
    let said = story.rosterd(&[&["plan", "--out", &file], args].concat()).await;
    assert_eq!(said.status, 0, "{said:?}");
    change(&story, &file).await;
    let sent = || story.sandbox.log().into_iter().filter(|request| request.tenant == "lab").count();
    let before = sent();
    let (outcome, all) = applied(&story, &file, 1).await;
    let why = why.replace("SANDBOX", &story.sandbox.url());
    let mut expect = vec![format!("stale lab/create/ann@example.com: {why}")];
    if args.is_empty() {
        let done = ["done studio/create/ann@example.com", "done studio/deactivate/eve@example.com"];
        expect.splice(0..0, done.map(str::to_owned));
    }
    assert_eq!(all, expect);
    assert_eq!(outcome["saved_plan"]["left_alone"], serde_json::json!([{ "app": "lab", "reason": why }]));
    assert_eq!(sent(), before, "something was sent to the lab");
    let said = story.rosterd(&["apply", "--plan", &file, "--yes"]).await;
    assert!(said.status == 1 && said.err.contains(&format!("warning: lab is left alone: {why}")), "{said:?}");
    // The command that goes on is one that these files can be planned with, wherever the lab is now.
    let printed = said.err.rsplit("Next: `rosterd ").next().unwrap().split('`').next().unwrap();
    let next = run(&printed.replace("FILE", &file).split(' ').collect::<Vec<_>>()).await;
    assert!(next.err.contains("Next: saved to "), "{printed}: {next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_whose_requests_are_made_from_something_else_is_left_alone_and_the_others_go_on() {
    let rewrite = |from: &'static str, to: &'static str| {
        async move |story: &Story, _: &str| {
            assert!(LAB.contains(from));
            fs::write(story.dir.path().join("lab.yaml"), LAB.replace(from, to)).unwrap();
        }
    };
    let other = "its connector, options or auth changed since the plan was saved";
    lab_left_alone(rewrite("env: LAB_SECRET", "env: OTHER"), &[], other).await;
    lab_left_alone(rewrite("env: LAB_SECRET", "file: LAB_SECRET"), &[], other).await;
    let scopes = "auth: { scopes: ['data:read'], ";
    lab_left_alone(rewrite("auth: { ", scopes), &[], other).await;
    let token_url = "auth: { token_url: https://other.example/token, ";
    lab_left_alone(rewrite("auth: { ", token_url), &[], other).await;
    lab_left_alone(rewrite("options: {}", "options: { allow_cleartext: true }"), &[], other).await;
    let moved = async |_: &Story, file: &str| {
        let text = fs::read_to_string(file).unwrap();
        let mut plan: Value = serde_json::from_str(&text).unwrap();
        plan["ways"]["lab"]["at"] = "https://old.example/".into();
        fs::write(file, plan.to_string()).unwrap();
    };
    let why = "it was at https://old.example/ when the plan was saved and is at SANDBOX/autodesk/lab now";
    lab_left_alone(moved, &[], why).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_not_in_the_files_any_more_is_missed_also_where_the_plan_was_for_it_alone() {
    let gone = async |story: &Story, _: &str| fs::remove_file(story.dir.path().join("lab.yaml")).unwrap();
    lab_left_alone(gone, &[], "it is not in the files any more").await;
    let approve = ["--app", "lab", "--approve", "lab:max-creates:90"];
    lab_left_alone(gone, &approve, "it is not in the files any more").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_new_since_is_not_even_read() {
    let story = story().await;
    let file = saved(&story).await;
    fs::write(story.dir.path().join("lab.yaml"), LAB).unwrap();
    let (outcome, all) = applied(&story, &file, 0).await;
    assert_eq!(all, ["done studio/create/ann@example.com", "done studio/deactivate/eve@example.com"]);
    assert_eq!(outcome["saved_plan"]["changed_files"][0]["change"], "new");
    assert_eq!(outcome["saved_plan"]["left_alone"][0]["reason"], "it is not in the saved plan");
    assert!(story.sandbox.log().iter().all(|request| request.tenant == APP));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_about_somebody_whom_the_files_no_longer_name_is_not_carried_out() {
    let story = story().await;
    let file = story.dir.path().join("plan.json").to_str().unwrap().to_owned();
    let said = story.rosterd(&["plan", "--out", &file, "--only", "eve@example.com"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let without: String = PEOPLE.lines().filter(|line| !line.contains("eve")).map(|line| format!("{line}\n")).collect();
    story.write(&APP_LINES.replace("policy: { ", "policy: { unlisted: remove, "), &without);
    let (_, all) = applied(&story, &file, 1).await;
    let why = "the files no longer name eve@example.com, and the saved plan is about them alone";
    assert_eq!(all, [format!("stale studio/deactivate/eve@example.com: {why}")]);
    assert!(story.writes().is_empty(), "{:?}", story.writes());
    // Named again, it is what it was.
    story.write(APP_LINES, PEOPLE);
    let (_, all) = applied(&story, &file, 0).await;
    assert_eq!(all, ["done studio/deactivate/eve@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_with_mistakes_and_what_is_no_saved_plan_are_refused_as_a_whole() {
    let story = story().await;
    let file = saved(&story).await;
    story.write(APP_LINES, &PEOPLE.replace("given_name: Eve", "given_nam: Eve"));
    let said = story.rosterd(&["apply", "--plan", &file, "--yes"]).await;
    assert!(said.status == 1 && said.err.contains("is not valid: 1 error in 1 file"), "{said:?}");
    assert!(said.err.contains("did you mean `given_name`?"), "{said:?}");
    story.write(APP_LINES, PEOPLE);
    for (text, words) in [
        ("{}", "is not a saved plan"),
        ("nonsense", "is not a saved plan"),
        (r#"{ "rosterd_saved_plan": 1, "program": "0.1.0", "files": {} }"#, "was saved by another version of rosterd"),
    ] {
        fs::write(&file, text).unwrap();
        let said = story.rosterd(&["apply", "--plan", &file, "--yes"]).await;
        assert!(said.status == 1 && said.err.contains(words), "{said:?}");
    }
    let said = story.rosterd(&["apply", "--plan", &file, "--app", APP]).await;
    assert_eq!(said.status, 64, "{said:?}");
    assert!(story.writes().is_empty(), "{:?}", story.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_of_the_command_line_are_saved_with_the_plan() {
    let held = APP_LINES.replace("policy: { irreversible: allow }\n", "");
    let story = story().await;
    story.write(&held, PEOPLE);
    let file = story.dir.path().join("plan.json").to_str().unwrap().to_owned();
    let approve = "studio/deactivate/eve@example.com:irreversible";
    let said = story.rosterd(&["plan", "--out", &file, "--approve", approve]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let expect = ["done studio/create/ann@example.com", "done studio/deactivate/eve@example.com"];
    assert_eq!(apply(&story, &file, 0).await, expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_says_how_old_it_is_and_holds_no_secret() {
    let story = story().await;
    let dir = story.dir.path().to_str().unwrap().to_owned();
    let (live, plan) = (format!("{dir}/live.json"), format!("{dir}/plan.json"));
    let at = format!("--sandbox={}", story.sandbox.url());
    assert_eq!(run(&["observe", &dir, &at, "--out", &live]).await.status, 0);
    let said = run(&["plan", &dir, "--live", &live, "--out", &plan]).await;
    assert!(said.out.contains("Planned against a snapshot taken at ") && !said.err.contains("more than"), "{said:?}");
    for file in [&live, &plan] {
        let text = fs::read_to_string(file).unwrap();
        let secrets = [rosterd::sandbox::DEFAULT_CLIENT_SECRET, "Bearer", "access_token", "STUDIO_SECRET"];
        for secret in secrets {
            assert!(!text.contains(secret), "{file} holds {secret}");
        }
    }

    let text = fs::read_to_string(&live).unwrap();
    let mut snapshot: Value = serde_json::from_str(&text).unwrap();
    let app = snapshot["apps"][APP].as_object_mut().unwrap();
    let app = app.values_mut().next().unwrap();
    let then: jiff::Timestamp = app["observed_at"].as_str().unwrap().parse().unwrap();
    app["observed_at"] = (then - Duration::from_secs(25 * 3600)).to_string().into();
    fs::write(&live, snapshot.to_string()).unwrap();
    let said = run(&["plan", &dir, "--live", &live]).await;
    assert!(said.err.contains("warning") && said.err.contains("more than a day old"), "{said:?}");
    assert!(said.out.contains("1 d 1 h earlier"), "{}", said.out);
    let said = run(&["plan", &dir, "--live", &live, "--format", "json"]).await;
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(plan["snapshot"]["old"], true);
    let said = run(&["plan", &dir, "--live", &live, "--format", "markdown"]).await;
    assert!(said.out.contains("**more than a day old**"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_changed_makes_a_saved_plan_stale() {
    let story = story().await;
    let manifest = include_str!("../../src/connectors/rest/manifests/autodesk.yaml");
    fs::create_dir(story.dir.path().join("connectors")).unwrap();
    let path = story.dir.path().join("connectors/mine.yaml");
    fs::write(&path, manifest).unwrap();
    let text = fs::read_to_string(story.dir.path().join("all.yaml")).unwrap();
    let url = story.sandbox.app_url("autodesk", APP);
    let text = text.replace("autodesk", "./connectors/mine.yaml").replace("https://api.example.com", &url);
    fs::write(story.dir.path().join("all.yaml"), text).unwrap();
    let (dir, file) = (story.dir.path().to_str().unwrap(), story.dir.path().join("plan.json"));
    let file = file.to_str().unwrap();
    let variables = [
        ("STUDIO_ID", rosterd::sandbox::DEFAULT_CLIENT_ID),
        ("STUDIO_SECRET", rosterd::sandbox::DEFAULT_CLIENT_SECRET),
    ];
    let rosterd = async |args: &[&str]| crate::story::finish(crate::story::start(args, &variables)).await;
    let fingerprint = async || {
        let said = rosterd(&["plan", dir, "--format", "json"]).await;
        let plan: Value = serde_json::from_str(&said.out).unwrap();
        plan["fingerprint"].as_str().unwrap().to_owned()
    };
    let said = rosterd(&["plan", dir, "--out", file]).await;
    assert!(said.status == 0 && said.out.contains("deactivate"), "{said:?}");
    let before = fingerprint().await;
    // What was a change of the status takes the account away for good now.
    let other = manifest.replace(
        "deactivate: { set: { status: inactive }, irreversible: true }",
        "deactivate: { delete: '/users/{account.id}', irreversible: true }",
    );
    assert_ne!(other, manifest);
    fs::write(&path, &other).unwrap();
    let said = rosterd(&["apply", dir, "--plan", file, "--yes"]).await;
    let why = "studio is left alone: connectors/mine.yaml, which makes its requests, changed since the plan was saved";
    assert!(said.status == 1 && said.err.contains(why), "{said:?}");
    assert!(said.out.contains("Stale, not done: 2  (1 create, 1 deactivate)"), "{said:?}");
    assert!(said.out.contains("1 file changed since the plan was saved: connectors/mine.yaml.\n"), "{said:?}");
    assert!(story.writes().is_empty(), "{:?}", story.writes());
    assert_ne!(fingerprint().await, before);
    // With the manifest as it was, all of it is done.
    fs::write(&path, manifest).unwrap();
    let said = rosterd(&["apply", dir, "--plan", file, "--yes"]).await;
    assert!(said.status == 0 && !story.writes().is_empty(), "{said:?}");
    // Built-in connectors change with the program.
    let text = fs::read_to_string(file).unwrap().replace("\"program\": \"", "\"program\": \"0.0.0-");
    fs::write(file, text).unwrap();
    let said = rosterd(&["apply", dir, "--plan", file, "--yes"]).await;
    assert!(said.status == 1 && said.err.contains("saved by another version of rosterd"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_that_is_printed_applies_the_saved_plan() {
    let story = story().await;
    // Names that a shell would take apart.
    let place = story.dir.path().join("it's here");
    fs::create_dir(&place).unwrap();
    fs::rename(story.dir.path().join("all.yaml"), place.join("all.yaml")).unwrap();
    let (dir, file) = (place.to_str().unwrap(), place.join("a plan.json"));
    let (at, store) = (format!("--sandbox={}", story.sandbox.url()), format!("sqlite:{dir}/state.db"));
    let said = run(&["plan", dir, &at, "--store", &store, "--out", file.to_str().unwrap()]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let printed = said.err.split('`').nth(1).unwrap().strip_prefix("rosterd ").unwrap();
    let shell = format!("{} {printed} --yes", env!("CARGO_BIN_EXE_rosterd"));
    let done = std::process::Command::new("sh").args(["-c", &shell]).output().unwrap();
    assert!(done.status.success(), "{shell}: {done:?}");
    assert!(place.join("state.db").exists());
    assert_eq!(story.sandbox.account("autodesk", APP, "eve@example.com").unwrap().status, "inactive");
    // Apps that end with the command are no apps to apply anything to.
    let said = run(&["plan", dir, "--sandbox", "--out", file.to_str().unwrap()]).await;
    assert!(said.err.contains("the simulated apps ended with this command"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_the_command_line_is_checked_as_one_of_the_files_is() {
    let story = story().await;
    for (approve, status, words) in [
        ("nope:irreversible", 1, "there is no app `nope`"),
        ("*:irreversible", 1, "there is no app `*`"),
        ("studio/explode:irreversible", 1, "there is no verb `explode`"),
        (":irreversible", 64, "write NAME:GUARD"),
        ("studio:irreversible:3", 64, "`up_to` is for the guards max-removals, max-creates and identity"),
        ("studio:irreversible", 0, ""),
    ] {
        let said = story.rosterd(&["plan", "--approve", approve]).await;
        assert!(said.status == status && said.err.contains(words), "{approve}: {said:?}");
    }
}

/// A snapshot of the story's app, taken of the app itself, and where it is.
async fn observed(story: &Story) -> String {
    let text = fs::read_to_string(story.dir.path().join("all.yaml")).unwrap();
    let text = text.replace("https://api.example.com", &story.sandbox.app_url("autodesk", APP));
    fs::write(story.dir.path().join("all.yaml"), text).unwrap();
    let live = story.dir.path().join("live.json").to_str().unwrap().to_owned();
    let variables = [
        ("STUDIO_ID", rosterd::sandbox::DEFAULT_CLIENT_ID),
        ("STUDIO_SECRET", rosterd::sandbox::DEFAULT_CLIENT_SECRET),
    ];
    let args = ["observe", story.dir.path().to_str().unwrap(), "--out", &live];
    let said = crate::story::finish(crate::story::start(&args, &variables)).await;
    assert_eq!(said.status, 0, "{said:?}");
    live
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_another_app_is_refused_and_one_of_simulated_apps_says_so() {
    let story = story().await;
    let dir = story.dir.path().to_str().unwrap().to_owned();
    let live = observed(&story).await;
    let plan = async || run(&["plan", &dir, "--live", &live]).await;
    let said = plan().await;
    assert!(said.status == 0 && !said.err.contains("warning"), "{said:?}");
    let text = fs::read_to_string(&live).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut snapshot: Value = serde_json::from_str(&text).unwrap();
        change(&mut snapshot);
        fs::write(&live, snapshot.to_string()).unwrap();
    };
    for (field, value, words) in [
        ("url", "https://other.example", "it was taken at https://other.example, and the files say http://127.0.0.1"),
        ("connector", "scim", "it was read with the connector scim, and the files say autodesk"),
    ] {
        with(&|snapshot| snapshot["sources"][APP][field] = value.into());
        let said = plan().await;
        let out = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.status == 1 && out.contains(words) && !out.contains("deactivate"), "{said:?}");
        for command in ["import", "review"] {
            let said = run(&[command, &dir, "--live", &live]).await;
            assert!(said.status == 1 && said.err.contains(words), "{command}: {said:?}");
        }
    }
    with(&|snapshot| snapshot["version"] = 99.into());
    let said = plan().await;
    assert!(said.status == 1 && said.err.contains("a snapshot of version 99"), "{said:?}");
    with(&|snapshot| *snapshot = serde_json::json!({ "apps": snapshot["apps"] }));
    let said = plan().await;
    assert!(said.status == 0 && said.err.contains("does not say which apps it was taken of"), "{said:?}");
    with(&|snapshot| snapshot["apps"][APP]["Ok"]["observed_at"] = "2200-01-01T00:00:00Z".into());
    let said = plan().await;
    assert!(said.status == 0 && said.err.contains("was read in the future"), "{said:?}");

    let said = story.rosterd(&["observe", "--out", &live]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let said = plan().await;
    assert!(said.status == 0 && said.out.contains("deactivate"), "{said:?}");
    assert!(said.err.contains("was taken of simulated apps: it says nothing of the real ones"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_named_is_looked_at_with_a_snapshot_too() {
    let story = story().await;
    let dir = story.dir.path().to_str().unwrap().to_owned();
    let (live, store) = (format!("{dir}/live.json"), format!("sqlite:{dir}/state.db"));
    let approval =
        "approvals: [ { allow: studio/deactivate/eve@example.com, guard: irreversible, until: 2099-01-01 } ]\n";
    let held = APP_LINES.replace("policy: { irreversible: allow }\n", "");
    story.write(&held, &format!("{PEOPLE}{approval}"));
    let said = story.rosterd(&["apply", "--yes", "--store", &store]).await;
    assert_eq!(said.status, 0, "{said:?}");
    // Somebody else brings Eve back: the approval was for the first time.
    story
        .sandbox
        .patch_account(
            "autodesk",
            APP,
            "eve@example.com",
            rosterd::sandbox::AccountPatch { status: Some("active".into()), ..Default::default() },
        )
        .unwrap();
    assert_eq!(story.rosterd(&["observe", "--out", &live]).await.status, 0);
    let plan = async |more: &[&str]| {
        let args = [&["plan", &dir, "--live", &live, "--format", "json"], more].concat();
        let said = run(&args).await;
        assert_eq!(said.status, 0, "{said:?}");
        crate::story::actions(&serde_json::from_str(&said.out).unwrap())
    };
    let of_eve = |all: Vec<String>| all.into_iter().find(|action| action.contains("eve@example.com")).unwrap();
    assert_eq!(of_eve(plan(&["--store", &store]).await), "held studio/deactivate/eve@example.com");
    assert_eq!(of_eve(plan(&[]).await), "ready studio/deactivate/eve@example.com");
}
