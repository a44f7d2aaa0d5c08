//! `--against`: two versions of the files in a real git repository, one live state, and a server that must hear nothing.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rosterd::sandbox::{AccountPatch, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET};
use serde_json::Value;

use crate::story::{APP, Said, Story, conforms, finish, quick, start};

/// A repository around the files of a story.
pub(crate) struct Repo<'a>(pub &'a Path);

impl Repo<'_> {
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false"];
        let output = Command::new("git").arg("-C").arg(self.0).args(identity).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What is there now becomes `main`.
    pub(crate) fn main(&self) {
        self.git(&["init", "-q", "-b", "main"]);
        self.commit("start");
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }
}

/// A server that nobody should ever call.
struct Trap {
    url: String,
    calls: Arc<AtomicUsize>,
}

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        // The thread ends with the process; the connection is closed without an answer.
        thread::spawn(move || {
            for _connection in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { url, calls }
    }

    fn calls(&self) -> usize {
        // A connection is counted a moment after it was made.
        thread::sleep(Duration::from_millis(50));
        self.calls.load(Ordering::SeqCst)
    }
}

/// `STATUS CAUSE NAME` of every action.
pub(crate) fn caused(plan: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let apps = plan["apps"].as_array().unwrap().iter();
    apps.flat_map(|app| app["actions"].as_array().unwrap())
        .map(|action| format!("{} {} {}", text(&action["status"]), text(&action["cause"]), text(&action["name"])))
        .collect()
}

fn codes(plan: &Value) -> Vec<&str> {
    plan["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

async fn against(story: &Story, more: &[&str]) -> Value {
    let mut args = vec!["plan", "--against", "main", "--format", "json"];
    args.extend(more);
    let said = story.rosterd(&args).await;
    assert_eq!(said.status, 0, "{said:?}");
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    conforms(&plan);
    plan
}

const PEOPLE: &str = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee }\n  \
                      bob@example.com: { given_name: Bob, family_name: Lee }\n  \
                      eve@example.com: { given_name: Eve, family_name: Lee }\n";

/// Three people with an account each.
async fn settled(app: &str, rest: &str) -> Story {
    let story = Story::of(quick(), app, rest).await;
    for name in ["ann", "bob", "eve"] {
        story.account(&format!("{name}@example.com"), "user", true);
    }
    story
}

const APP_LINES: &str = "policy: { irreversible: allow }\ndefaults: { role: user }\naccounts:\n  ann@example.com:\n  \
                         bob@example.com:\n  eve@example.com:\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_the_change_causes_and_which_line_it_took_away() {
    let story = settled(APP_LINES, PEOPLE).await;
    // Drift: an account more than the files list, of somebody whom they know.
    let known = format!("{PEOPLE}  max@example.com: {{ given_name: Max, family_name: Lee }}\n");
    story.write(APP_LINES, &known);
    story.account("max@example.com", "user", true);
    Repo(story.dir.path()).main();
    let line = 1 + fs::read_to_string(story.dir.path().join("all.yaml"))
        .unwrap()
        .lines()
        .position(|line| line.trim() == "bob@example.com:")
        .unwrap();
    story.write(&APP_LINES.replace("  bob@example.com:\n", ""), &known);

    let plan = against(&story, &[]).await;
    let expect = ["ready change studio/deactivate/bob@example.com", "ready drift studio/deactivate/max@example.com"];
    assert_eq!(caused(&plan), expect);
    let because = &plan["apps"][0]["actions"][0]["because"];
    let removed = format!("all.yaml:{line} (removed)");
    assert!(because.as_array().unwrap().iter().any(|place| *place == removed), "{because} lacks {removed}");
    assert_eq!(plan["against"]["reference"], "main");

    let said = story.rosterd(&["plan", "--against", "main"]).await;
    assert!(said.out.contains("1 by this change, 1 drift") && said.out.contains(&removed), "{}", said.out);
    // Without the flag nobody knows.
    assert!(caused(&story.plan().await).iter().all(|action| action.contains("none")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_taken_out_of_the_files_leaves_an_account_behind_and_the_plan_says_so() {
    let story = settled(APP_LINES, PEOPLE).await;
    Repo(story.dir.path()).main();
    let without = |text: &str| -> String {
        text.lines().filter(|line| !line.contains("bob@")).map(|line| format!("{line}\n")).collect()
    };
    story.write(&without(APP_LINES), &without(PEOPLE));
    let plan = against(&story, &[]).await;
    assert_eq!(caused(&plan), [""; 0]);
    let findings = plan["apps"][0]["findings"].as_array().unwrap();
    let left = findings.iter().find(|finding| finding["code"] == "left-behind").unwrap()["message"].as_str().unwrap();
    assert!(left.contains("`status: left`") && left.contains("all.yaml:16 (removed)"), "{left}");

    // What it says to do does it.
    let gone = PEOPLE.replace("Bob, family_name: Lee", "Bob, family_name: Lee, status: left");
    story.write(&without(APP_LINES), &gone);
    assert_eq!(caused(&against(&story, &[]).await), ["ready change studio/deactivate/bob@example.com"]);
    let remove = APP_LINES.replace("irreversible: allow", "irreversible: allow, unlisted: remove");
    story.write(&without(&remove), &without(PEOPLE));
    let plan = against(&story, &[]).await;
    assert_eq!(caused(&plan), ["ready change studio/deactivate/bob@example.com"]);
    let because = plan["apps"][0]["actions"][0]["because"].to_string();
    assert!(because.contains("all.yaml:16 (removed)"), "{because}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_passed_is_told_apart_from_drift_and_from_the_change_that_sets_one() {
    let lapsed = APP_LINES.replace("bob@example.com:", "bob@example.com: { until: 2026-01-31 }");
    let story = settled(&lapsed, PEOPLE).await;
    Repo(story.dir.path()).main();
    story.write(&lapsed.replace("eve@example.com:", "eve@example.com: { until: 2026-01-31 }"), PEOPLE);
    let expect = ["ready time studio/deactivate/bob@example.com", "ready change studio/deactivate/eve@example.com"];
    assert_eq!(caused(&against(&story, &[]).await), expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_in_the_change_is_the_cause_of_what_it_lets_go_on() {
    let held = APP_LINES.replace("policy: { irreversible: allow }\n", "");
    let suspended = PEOPLE.replace("Bob, family_name: Lee", "Bob, family_name: Lee, status: suspended");
    let story = settled(&held, &suspended).await;
    Repo(story.dir.path()).main();
    let plan = against(&story, &[]).await;
    assert_eq!(caused(&plan), ["held drift studio/deactivate/bob@example.com"]);
    let line = plan["apps"][0]["actions"][0]["held"]["release"].as_str().unwrap().to_owned();
    story.write(&held, &format!("{suspended}approvals:\n  {line}\n"));
    let plan = against(&story, &[]).await;
    assert_eq!(caused(&plan), ["ready change studio/deactivate/bob@example.com"]);
    let last = fs::read_to_string(story.dir.path().join("all.yaml")).unwrap().lines().count();
    let because = plan["apps"][0]["actions"][0]["because"].to_string();
    assert!(because.contains(&format!("all.yaml:{last}")), "{because}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_was_used_up_releases_nothing_in_a_comparison_either_wherever_the_change_moves_it() {
    let held = APP_LINES.replace("policy: { irreversible: allow }\n", "");
    let suspended = PEOPLE.replace("Bob, family_name: Lee", "Bob, family_name: Lee, status: suspended");
    let approved = |reason: &str| {
        let line = "{ allow: studio/deactivate/bob@example.com, guard: irreversible, until: 2126-12-31, reason: ";
        format!("approvals:\n  - {line}{reason} }}\n")
    };
    let story = settled(&held, &format!("{suspended}{}", approved("HR-77"))).await;
    let dir = story.dir.path();
    fs::write(dir.join(".gitignore"), "*.db*\n").unwrap();
    Repo(dir).main();
    let store = format!("sqlite:{}", dir.join("state.db").display());
    let said = story.rosterd(&["apply", "--yes", "--store", &store]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let bob = || story.sandbox.account("autodesk", APP, "bob@example.com").unwrap().status;
    assert_eq!(bob(), "inactive");
    // Somebody has him restored, and a change is proposed that has nothing to do with it.
    let active = AccountPatch { status: Some("active".into()), ..AccountPatch::default() };
    story.sandbox.patch_account("autodesk", APP, "bob@example.com", active).unwrap();
    let more = format!("{suspended}  max@example.com: {{ given_name: Max, family_name: Lee }}\n");
    story.write(&held, &format!("{more}{}", approved("HR-77")));

    let remembering = ["--store", store.as_str()];
    let plan = against(&story, &remembering).await;
    assert_eq!(caused(&plan), ["held drift studio/deactivate/bob@example.com"]);
    let findings = plan["apps"][0]["findings"].to_string();
    assert!(findings.contains("approval-used") && findings.contains("was used for 1 person"), "{findings}");
    // It is the store that knows.
    assert_eq!(caused(&against(&story, &[]).await), ["ready drift studio/deactivate/bob@example.com"]);
    let unsure = "Nor is it known whether an approval was used up.";
    for format in ["text", "markdown"] {
        let args = ["plan", "--against", "main", "--format", format];
        assert!(story.rosterd(&args).await.out.contains(unsure), "{format}");
        let told = story.rosterd(&[&args[..], &remembering].concat()).await.out;
        assert!(!told.contains(unsure), "{told}");
    }

    // The same line elsewhere is the same approval; a new one, of which nothing was used, is the change's own.
    story.write(&held, &more);
    fs::write(dir.join("approvals.yaml"), approved("HR-77")).unwrap();
    assert_eq!(caused(&against(&story, &remembering).await), ["held drift studio/deactivate/bob@example.com"]);
    fs::write(dir.join("approvals.yaml"), approved("HR-78")).unwrap();
    assert_eq!(caused(&against(&story, &remembering).await), ["ready change studio/deactivate/bob@example.com"]);
    assert_eq!(bob(), "active", "plans change nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_makes_an_action_unnecessary_is_told_with_its_name() {
    let story = settled(&APP_LINES.replace("  bob@example.com:\n", ""), PEOPLE).await;
    Repo(story.dir.path()).main();
    story.write(APP_LINES, PEOPLE);
    let plan = against(&story, &[]).await;
    assert_eq!(caused(&plan), [""; 0]);
    assert_eq!(plan["against"]["no_longer"], serde_json::json!(["studio/deactivate/bob@example.com"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_stops_an_action_is_its_cause_and_names_the_line() {
    let held = APP_LINES.replace("policy: { irreversible: allow }\n", "");
    let suspended = PEOPLE.replace("Bob, family_name: Lee", "Bob, family_name: Lee, status: suspended");
    let line = "approvals:\n  - { allow: studio/deactivate/bob@example.com, guard: irreversible, until: 2126-12-31 }\n";
    let story = settled(&held, &format!("{suspended}{line}")).await;
    let last = fs::read_to_string(story.dir.path().join("all.yaml")).unwrap().lines().count();
    Repo(story.dir.path()).main();
    assert_eq!(caused(&against(&story, &[]).await), ["ready drift studio/deactivate/bob@example.com"]);

    let check = async |app: &str, rest: &str, place: &str| {
        story.write(app, rest);
        let plan = against(&story, &[]).await;
        assert_eq!(caused(&plan), ["held change studio/deactivate/bob@example.com"], "{place}");
        let because = plan["apps"][0]["actions"][0]["because"].to_string();
        assert!(because.contains(place), "{because} lacks {place}");
        let said = story.rosterd(&["plan", "--against", "main"]).await;
        assert!(said.out.contains("1 by this change"), "{}", said.out);
    };
    check(&held, &suspended, &format!("all.yaml:{last} (removed)")).await;
    let approved = format!("{suspended}{line}");
    let text = || fs::read_to_string(story.dir.path().join("all.yaml")).unwrap();
    let app = 1 + text().lines().position(|line| line.trim() == "studio:").unwrap();
    check(&format!("mode: observe\n{held}"), &approved, &format!("all.yaml:{app}")).await;
    check(&format!("policy: {{ protect: [bob@example.com] }}\n{held}"), &approved, &format!("all.yaml:{app}")).await;
    let freeze = "policy:\n  freeze:\n    - { from: 2026-01-01, until: 2126-01-01 }\n";
    story.write(&format!("{freeze}{held}"), &approved);
    let frozen = 1 + text().lines().position(|line| line.contains("2126-01-01")).unwrap();
    check(&format!("{freeze}{held}"), &approved, &format!("all.yaml:{frozen}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_group_that_the_change_no_longer_declares_is_not_taken_for_missing() {
    let group = "groups:\n  Design:\n    members: { ann@example.com: member, bob@example.com: member }\n";
    let story = settled(&format!("{APP_LINES}{group}"), PEOPLE).await;
    story.sandbox.put_group("autodesk", APP, "team-1", "Design").unwrap();
    story.sandbox.put_membership("autodesk", APP, "ann@example.com", "team-1", "member").unwrap();
    Repo(story.dir.path()).main();
    story.write(APP_LINES, PEOPLE);
    let plan = against(&story, &[]).await;
    assert_eq!(caused(&plan), [""; 0]);
    // Bob was missing; Ann was not.
    assert_eq!(plan["against"]["no_longer"], serde_json::json!(["studio/add-member/bob@example.com/Design"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_taken_out_while_the_app_has_that_address_is_told() {
    let aliased = PEOPLE.replace("Bob, family_name: Lee", "Bob, family_name: Lee, aliases: [rob@example.com]");
    let story = settled(&APP_LINES.replace("  eve@example.com:\n", ""), &aliased.replace("  eve@", "  eva@")).await;
    let id = story.sandbox.account("autodesk", APP, "bob@example.com").unwrap().id;
    let patch = AccountPatch { email: Some("rob@example.com".into()), ..AccountPatch::default() };
    story.sandbox.patch_account("autodesk", APP, &id, patch).unwrap();
    Repo(story.dir.path()).main();
    story.write(&APP_LINES.replace("  eve@example.com:\n", ""), PEOPLE);
    let plan = against(&story, &[]).await;
    let findings = plan["apps"][0]["findings"].to_string();
    assert!(findings.contains("rob@example.com is no alias of bob@example.com any more"), "{findings}");
}

/// The command without `--sandbox`: the files alone say where requests go.
async fn real(dir: &Path, args: &[&str]) -> Said {
    let dir = dir.to_str().unwrap();
    let (command, rest) = args.split_first().unwrap();
    let mut all = vec![*command, dir];
    all.extend(rest);
    finish(start(&all, &[("GOOD_ID", DEFAULT_CLIENT_ID), ("GOOD_SECRET", DEFAULT_CLIENT_SECRET)])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_says_about_the_way_to_the_apps_sends_nothing_anywhere_new() {
    let story = settled("", "").await;
    let (dir, trap) = (story.dir.path(), Trap::set());
    fs::create_dir(dir.join("connectors")).unwrap();
    let manifest = include_str!("../../src/connectors/rest/manifests/autodesk.yaml");
    fs::write(dir.join("connectors/mine.yaml"), manifest).unwrap();
    let files = |studio: &str, mine: &str, settings: &str| {
        let text = format!(
            "{PEOPLE}apps:\n  studio:\n    connector: autodesk\n    accounts: {{ ann@example.com: , bob@example.com: , \
             eve@example.com: }}\n    defaults: {{ role: user }}\n{studio}  mine:\n    connector: ./connectors/mine.yaml\n{mine}{settings}"
        );
        fs::write(dir.join("all.yaml"), text).unwrap();
    };
    let url = format!("    url: {}/autodesk/{APP}\n", story.sandbox.url());
    let auth = "    auth: { client_id: { env: GOOD_ID }, client_secret: { env: GOOD_SECRET } }\n";
    let good = format!("{url}{auth}");
    files(&good, &good, "");
    Repo(dir).main();
    let said = real(dir, &["plan", "--against", "main", "--format", "json"]).await;
    assert_eq!(said.status, 0, "the reviewed files work: {said:?}");

    let bad_auth = |token_url: &str| {
        format!(
            "    auth: {{ client_id: {{ env: NOT_SET }}, client_secret: {{ file: {}/all.yaml }}{token_url} }}\n",
            dir.display()
        )
    };
    let token_url = format!(", token_url: {}/token", trap.url);
    let trapped = format!("    url: {}\n", trap.url);
    // Each piece alone, and then all of them at once.
    let evil_settings =
        "settings: { store: \"sqlite:evil.db\", notify: [ { url: { env: GOOD_SECRET }, on: [drift] } ] }\n";
    let cases: Vec<(String, String, &str, bool, &[&str])> = vec![
        (format!("{trapped}{auth}"), good.clone(), "", false, &["`url` of studio"]),
        (
            format!("{url}{}", bad_auth(&token_url)),
            good.clone(),
            "",
            false,
            &["`auth.token_url` of studio", "all.yaml }"],
        ),
        (format!("{url}{}", bad_auth("")), good.clone(), "", false, &["`auth.client_secret` of studio"]),
        (
            good.clone(),
            format!("{trapped}{auth}"),
            "",
            true,
            &["`url` of mine", "the manifest `./connectors/mine.yaml`"],
        ),
        (good.clone(), good.clone(), evil_settings, false, &["`settings.notify`", "`settings.store`"]),
        (
            format!("{trapped}{}    budget: {{ requests: 9000/s, keep_free: 0% }}\n", bad_auth(&token_url)),
            format!("{trapped}{}    options: {{ allow_cleartext: true }}\n", bad_auth(&token_url)),
            evil_settings,
            true,
            &["`url` of studio", "`budget` of studio", "`options.allow_cleartext` of mine", "`settings.notify`"],
        ),
    ];
    for (studio, mine, settings, edit_manifest, told) in cases {
        files(&studio, &mine, settings);
        let edited = manifest.replace("/users", "/stolen");
        assert_ne!(edited, manifest);
        fs::write(dir.join("connectors/mine.yaml"), if edit_manifest { &edited } else { manifest }).unwrap();
        story.sandbox.clear_log();
        let said = real(dir, &["plan", "--against", "main", "--format", "json"]).await;
        assert_eq!(said.status, 0, "{said:?}");
        assert_eq!(trap.calls(), 0, "{studio}{mine}");
        let log = story.sandbox.log();
        assert!(!log.is_empty() && !log.iter().any(|request| request.path.contains("stolen")), "{log:?}");
        let plan: Value = serde_json::from_str(&said.out).unwrap();
        conforms(&plan);
        let findings = plan["findings"].to_string();
        for part in told {
            assert!(findings.contains(part), "{part} is not told: {findings}");
        }
        assert!(!dir.join("evil.db").exists());
    }
    // The trap works: without the comparison the files are believed.
    files(&format!("{trapped}{auth}"), &good, "");
    real(dir, &["plan", "--app", "studio"]).await;
    assert!(trap.calls() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_new_or_gone_is_told_and_not_connected_to() {
    let story = settled(APP_LINES, PEOPLE).await;
    let (dir, trap) = (story.dir.path(), Trap::set());
    Repo(dir).main();
    fs::create_dir_all(dir.join("apps")).unwrap();
    let new = format!(
        "apps:\n  added:\n    connector: autodesk\n    url: {}\n    auth: {{ client_id: {{ env: GOOD_ID }}, \
         client_secret: {{ env: GOOD_SECRET }} }}\n    accounts: {{ ann@example.com: {{ role: user }} }}\n",
        trap.url
    );
    fs::write(dir.join("apps/added.yaml"), &new).unwrap();
    let plan = against(&story, &[]).await;
    assert_eq!((codes(&plan), plan["apps"].as_array().unwrap().len()), (vec!["new-app"], 1));
    real(dir, &["plan", "--against", "main", "--app", "added"]).await;
    assert_eq!(trap.calls(), 0);

    fs::remove_file(dir.join("all.yaml")).unwrap();
    fs::write(dir.join("people.yaml"), PEOPLE).unwrap();
    assert_eq!(codes(&against(&story, &[]).await), ["new-app", "removed-app"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_of_a_change_show_nobody_what_lies_elsewhere() {
    let story = settled(APP_LINES, PEOPLE).await;
    let (dir, other) = (story.dir.path(), tempfile::tempdir().unwrap());
    fs::write(other.path().join("secret.txt"), "password: hunter2\n").unwrap();
    Repo(dir).main();
    fs::create_dir_all(dir.join("teams")).unwrap();
    for target in [other.path().join("secret.txt"), dir.join(".git/config")] {
        let link = dir.join("teams/x.yaml");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let said = story.rosterd(&["plan", "--against", "main"]).await;
        assert_eq!(said.status, 1, "{said:?}");
        assert!(!said.err.contains("hunter2") && !said.err.contains("repositoryformatversion"), "{}", said.err);
        assert!(said.err.contains("x.yaml` is a symbolic link"), "{}", said.err);
        fs::remove_file(link).unwrap();
    }
    let manifest = format!("connector: {}", other.path().join("secret.txt").display());
    let text = fs::read_to_string(dir.join("all.yaml")).unwrap().replace("connector: autodesk", &manifest);
    fs::write(dir.join("all.yaml"), text).unwrap();
    let said = story.rosterd(&["plan", "--against", "main"]).await;
    assert!(said.status == 1 && !said.err.contains("hunter2"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_is_not_there_is_told_with_what_to_do() {
    let story = settled(APP_LINES, PEOPLE).await;
    let said = story.rosterd(&["plan", "--against", "main"]).await;
    assert!(said.status == 1 && said.err.contains("needs a git repository"), "{said:?}");
    Repo(story.dir.path()).main();
    let said = story.rosterd(&["plan", "--against", "origin/main"]).await;
    assert!(said.status == 1 && said.err.contains("there is no commit `origin/main`"), "{said:?}");
    // Errors of the reviewed version are told as such.
    Repo(story.dir.path()).commit_broken();
    story.write(APP_LINES, PEOPLE);
    let said = story.rosterd(&["plan", "--against", "main"]).await;
    assert!(said.status == 1 && said.err.contains("at main is not valid"), "{said:?}");
}

impl Repo<'_> {
    fn commit_broken(&self) {
        fs::write(self.0.join("all.yaml"), "people: [\n").unwrap();
        self.commit("broken");
    }
}
