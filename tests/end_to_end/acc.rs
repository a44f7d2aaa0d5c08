//! Autodesk Construction Cloud: projects and their members, imports that promise more than they say, and an account whose
//! users live behind an older part of the API.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path, time::Duration};

use rosterd::sandbox::{ACC_ACCOUNT, ACC_ADMIN, Config, LoggedRequest, NewAccount};
use serde_json::Value;

use crate::story::{APP, Said, Story, actions, quick};

/// The projects of the example, with who should be in them: role, industry role and company by address.
const EXAMPLE: [(&str, &str, &str, &str); 3] = [
    (
        "Harbour Tower",
        "gwen.marsh",
        "Architect",
        "amara.okafor camille.roy daniel.fischer elif.demir freya.nilsen henrik.aas ingrid.solheim isabel.moreno \
         kenji.watanabe leila.haddad lucia.ferri nils.dahl nora.lindqvist owen.pritchard samuel.osei tomas.novak tove.lund \
         zofia.kaminska",
    ),
    (
        "Riverside School",
        "simon.clarke",
        "Interior Designer",
        "anna.virtanen chiara.ricci emeka.nwosu julia.steiner maya.cohen pavel.horak sanne.vries theo.laurent yuna.choi",
    ),
    (
        "Museum Extension",
        "laura.jensen",
        "Structural Engineer",
        "adam.kovacs beatriz.santos dev.mehta erik.johansen grace.mbeki liam.byrne marcus.thorne mateus.cardoso \
         oscar.wennberg rana.aziz samir.rahimi wei.zhang",
    ),
];

/// An imported crowd shows after a second here, so that the first look back is too early.
fn slow_imports() -> Config {
    Config { import_delay: Duration::from_millis(1500), ..quick() }
}

fn head(name: &str) -> String {
    format!(
        "apps:\n  {name}:\n    connector: acc\n    url: https://developer.api.autodesk.com\n    auth:\n      client_id: \
         {{ env: ACC_ID }}\n      client_secret: {{ env: ACC_SECRET }}\n    options: {{ account_id: b.{ACC_ACCOUNT}, \
         acting_user: {ACC_ADMIN}, import_wait: 6s }}\n"
    )
}

/// A story about one app called [`APP`], whose tenant is empty at first.
async fn story(config: Config, body: &str, rest: &str) -> Story {
    let story = Story::without_files(config, "acc").await;
    write(&story, body, rest);
    story
}

fn write(story: &Story, body: &str, rest: &str) {
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    fs::write(story.dir.path().join("all.yaml"), format!("{}{body}{rest}", head(APP))).unwrap();
}

/// The example organisation's people, and its projects as they should be.
async fn example() -> Story {
    let story = Story::without_files(slow_imports(), "acc").await;
    let people = story.dir.path().join("people");
    fs::create_dir(&people).unwrap();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state/people")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), people.join(file.file_name())).unwrap();
    }
    let mut text = head("acc");
    // An industry role taken away is a loss as well, so that five people of 43 lose something.
    text += "    policy: { max_removals: 5, aliases: keep }\n    defaults: { role: account_user }\n    accounts:\n";
    for admin in ["jonas.weber", "priya.nair"] {
        writeln!(text, "      {admin}@northwind.example: {{ role: account_admin }}").unwrap();
    }
    text += "    groups:\n";
    for (project, admin, role, members) in EXAMPLE {
        let mut lines = vec![(format!("{admin}@northwind.example"), "admin", "Project Manager", "Northwind Studio")];
        lines.extend(
            members.split(' ').map(|name| (format!("{name}@northwind.example"), "member", role, "Northwind Studio")),
        );
        if project == "Museum Extension" {
            for name in ["noor.jansen", "rafael.costa"] {
                lines.push((format!("{name}@lumenrender.example"), "member", "", "Lumen Render"));
            }
        }
        writeln!(text, "      {project}:\n        members:").unwrap();
        for (email, level, role, company) in lines {
            writeln!(text, "          {email}: {{ role: {level}, roles: [{role}], company: {company} }}").unwrap();
        }
    }
    text += "approvals:\n  - allow: acc/reactivate/kenji.watanabe@northwind.example\n    guard: reactivation\n    until: 2036-12-31\n";
    fs::write(story.dir.path().join("acc.yaml"), text).unwrap();
    let nora =
        "approvals:\n  - { allow: acc/update/nora.lindqvist@northwind.example, guard: identity, until: 2999-01-01 }\n";
    fs::write(story.dir.path().join("approvals.yaml"), nora).unwrap();
    story
}

fn writes(log: &[LoggedRequest]) -> Vec<String> {
    let writes = log.iter().filter(|request| request.method != "GET" && !request.path.ends_with("/token"));
    let mut lines: Vec<_> = writes.map(|request| format!("{} {}", request.method, request.path)).collect();
    lines.sort();
    lines
}

fn finding_codes(plan: &Value) -> BTreeSet<String> {
    let findings = plan["apps"][0]["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

async fn apply(story: &Story) -> Said {
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drifted_account_becomes_what_the_files_say() {
    let story = example().await;
    let planned = story.actions().await;
    insta::assert_snapshot!(planned.join("\n"), @"
    ready acc/reactivate/kenji.watanabe@northwind.example
    ready acc/deactivate/marcus.thorne@northwind.example
    ready acc/deactivate/victor.amaya@northwind.example
    ready acc/add-member/chiara.ricci@northwind.example/Riverside School
    ready acc/add-member/ingrid.solheim@northwind.example/Harbour Tower
    ready acc/add-member/mateus.cardoso@northwind.example/Museum Extension
    ready acc/add-member/oscar.wennberg@northwind.example/Museum Extension
    ready acc/add-member/tove.lund@northwind.example/Harbour Tower
    ready acc/add-member/yuna.choi@northwind.example/Riverside School
    ready acc/change-member/julia.steiner@northwind.example/Riverside School
    ready acc/change-member/nils.dahl@northwind.example/Harbour Tower
    ready acc/change-member/noor.jansen@lumenrender.example/Museum Extension
    ready acc/change-member/pavel.horak@northwind.example/Riverside School
    ready acc/change-member/simon.clarke@northwind.example/Riverside School
    ready acc/remove-member/victor.amaya@northwind.example/Museum Extension
    ready acc/remove-member/wei.zhang@northwind.example/Riverside School
    ");
    let reading = story.sandbox.log().len();

    let said = apply(&story).await;
    let log = story.sandbox.log();
    for request in &log[reading..] {
        let (hq, line) = (request.path.starts_with("/hq/"), format!("{} {}", request.method, request.path));
        let region = request.headers.get("region").map(String::as_str);
        if request.path.ends_with("/token") {
            continue;
        }
        assert_eq!(region, hq.then_some("US"), "{line}");
        assert_eq!(request.headers.contains_key("user-id"), !hq, "{line}");
        assert!(!(hq && request.method == "DELETE"), "accounts are never deleted: {line}");
        if request.method == "PATCH" && !hq {
            let keys: Vec<_> = request.body.as_object().unwrap().keys().map(String::as_str).collect();
            assert!(keys.contains(&"roleIds") && keys.contains(&"products"), "the whole set is sent: {keys:?}");
        }
    }
    assert_eq!(log.iter().filter(|request| request.status == Some(429)).count(), 0);
    let imports = writes(&log).iter().filter(|line| line.ends_with("users:import")).count();
    assert_eq!(imports, 3, "each project gains several people at once");
    // Two projects take no writes, and nobody declares them.
    assert!(!writes(&log).iter().any(|line| line.contains("4f30ad85") || line.contains("5041be96")));

    let at = |email: &str, project: &str| story.sandbox.membership("acc", "acc", email, project).unwrap();
    let riverside = "2d1e8b63-1a1f-4e9b-8e1b-6c2d7b4f8a21";
    let levels = |row: &Value| -> BTreeSet<String> {
        let all = row["products"].as_array().unwrap().iter();
        all.map(|product| product["access"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(levels(&at("simon.clarke@northwind.example", riverside)), ["administrator".to_owned()].into());
    assert_eq!(levels(&at("julia.steiner@northwind.example", riverside)), ["member", "none"].map(str::to_owned).into());
    assert_eq!(at("chiara.ricci@northwind.example", riverside)["status"], "active", "whoever was removed came back");
    let ingrid = story.sandbox.account("acc", "acc", "ingrid.solheim@northwind.example").unwrap();
    assert_eq!((ingrid.given_name.as_deref(), ingrid.invitations), (Some("Ingrid"), 1), "joining made the account");
    let leila = story.sandbox.account("acc", "acc", "leila.haddad@northwind.example").unwrap();
    assert_eq!(leila.invitations, 1, "no second invitation: {leila:?}");

    let plan = story.plan().await;
    assert_eq!(actions(&plan), [""; 0], "{said:?}");
    assert!(finding_codes(&plan).contains("unlisted-member"), "{plan}");
}

/// So many people who should be in one project.
fn crowd(people: usize) -> (String, String) {
    let mut body = String::from("policy: { max_creates: 1000 }\ngroups:\n  Tower:\n    members:\n");
    let mut rest = String::from("people:\n");
    for i in 0..people {
        writeln!(body, "      p{i:03}@example.com: {{ role: member, company: Lumen Render }}").unwrap();
        writeln!(rest, "  p{i:03}@example.com: {{ given_name: P, family_name: N{i} }}").unwrap();
    }
    (body, rest)
}

async fn crowd_story(people: usize, quirks: &[&str]) -> Story {
    let (body, rest) = crowd(people);
    let story = story(slow_imports(), &body, &rest).await;
    story.sandbox.put_group("acc", APP, "p1", "Tower").unwrap();
    story.sandbox.set_quirks("acc", APP, quirks).unwrap();
    story
}

fn members(story: &Story) -> usize {
    let accounts = story.sandbox.accounts("acc", APP).unwrap();
    accounts.iter().filter(|account| account.groups.iter().any(|group| group.id == "p1")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_an_import_drops_is_seen_to_be_missing_and_added_alone() {
    let story = crowd_story(250, &["import-drops"]).await;
    apply(&story).await;
    assert_eq!(members(&story), 250);
    let log = story.sandbox.log();
    let sizes: Vec<usize> = log
        .iter()
        .filter(|request| request.path.ends_with("users:import"))
        .map(|request| request.body["users"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [200, 50], "no import holds more than the API takes");
    let alone = log.iter().filter(|request| request.method == "POST" && request.path.ends_with("/p1/users")).count();
    assert_eq!(alone, 250 / 7, "every seventh was dropped without a word");
    assert_eq!(story.actions().await, [""; 0]);
    let invitations = story.sandbox.accounts("acc", APP).unwrap().iter().map(|account| account.invitations).max();
    assert_eq!(invitations, Some(1), "nobody is invited twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_after_which_nobody_appears_ends_and_everyone_is_added_alone() {
    let story = crowd_story(5, &["import-never"]).await;
    apply(&story).await;
    assert_eq!(members(&story), 5);
    assert_eq!(writes(&story.sandbox.log()).len(), 1 + 5);
    assert_eq!(story.actions().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_expire_during_a_run_are_renewed_for_both_families() {
    let (body, rest) = crowd(4);
    let config =
        Config { token_life: Duration::from_millis(300), latency: Duration::from_millis(30), ..slow_imports() };
    let story = story(config, &body, &rest).await;
    story.sandbox.put_group("acc", APP, "p1", "Tower").unwrap();
    apply(&story).await;
    let tokens = story.sandbox.log().iter().filter(|request| request.path.ends_with("/token")).count();
    assert!(tokens > 1, "{tokens}");
    assert_eq!((members(&story), story.actions().await), (4, vec![]));
}

/// What a plan says about two people who should join a project, one of whom is there already, under a quirk.
async fn planned(quirk: &str) -> (Vec<String>, BTreeSet<String>) {
    let (mut body, rest) = crowd(2);
    body += "  Other:\n    members: { p000@example.com: { role: member, company: Lumen Render } }\n";
    let story = story(quick(), &body, &rest).await;
    story.sandbox.put_group("acc", APP, "p1", "Tower").unwrap();
    story.sandbox.put_group("acc", APP, "p2", "Other").unwrap();
    let seen = NewAccount { email: "p001@example.com".into(), ..NewAccount::default() };
    story.sandbox.add_account("acc", APP, seen).unwrap();
    story.sandbox.put_membership("acc", APP, "p001@example.com", "p1", "member,Architect").unwrap();
    story.sandbox.set_quirks("acc", APP, &[quirk]).unwrap();
    let plan = story.plan().await;
    (actions(&plan), finding_codes(&plan))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_takes_no_writes_is_somebodys_work_and_one_that_is_gone_is_nobodys() {
    let rest = ["ready studio/add-member/p000@example.com/Other"];
    for quirk in ["bim360-project", "archived-project"] {
        let (actions, findings) = planned(quirk).await;
        let by_hand =
            ["manual studio/add-member/p000@example.com/Tower", "manual studio/change-member/p001@example.com/Tower"];
        assert!(findings.contains("group-read-only"), "{quirk}: {findings:?}");
        for name in rest.iter().chain(&by_hand) {
            assert!(actions.iter().any(|action| action == name), "{quirk}: {name} in {actions:?}");
        }
    }
    let (actions, findings) = planned("gone-project").await;
    assert!(findings.contains("group-gone"), "{findings:?}");
    assert!(!actions.iter().any(|action| action.ends_with("/Other")), "{actions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_trusted_proves_nobodys_absence() {
    for quirk in ["total-too-high", "page-repeats"] {
        let story = crowd_story(3, &[]).await;
        apply(&story).await;
        story.sandbox.remove_membership("acc", APP, "p002@example.com", "p1").unwrap();
        // Of more rows than a page holds, a page that repeats itself hides some.
        if quirk == "page-repeats" {
            for i in 0..201 {
                let extra = NewAccount { email: format!("x{i:03}@example.com"), ..NewAccount::default() };
                story.sandbox.add_account("acc", APP, extra).unwrap();
                story.sandbox.put_membership("acc", APP, &format!("x{i:03}@example.com"), "p1", "member").unwrap();
            }
        }
        story.sandbox.set_quirks("acc", APP, &[quirk]).unwrap();
        let plan = story.plan().await;
        let adds: Vec<_> = actions(&plan).into_iter().filter(|action| action.contains("/add-member/")).collect();
        assert_eq!(adds, ["held studio/add-member/p002@example.com/Tower"], "{quirk}");
        assert!(finding_codes(&plan).contains("incomplete-read"), "{quirk}");
        assert!(story.sandbox.log().len() < 200, "{quirk}: never endless");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_whose_id_nobody_has_shown_is_asked_for_and_never_guessed() {
    let people = "people:\n  p000@example.com: { given_name: P, family_name: N }\n";
    let body = "groups:\n  Tower:\n    members: { p000@example.com: { roles: [Architect] } }\n";
    let story = story(quick(), body, people).await;
    story.sandbox.put_group("acc", APP, "p1", "Tower").unwrap();
    assert_eq!(story.actions().await, ["held studio/add-member/p000@example.com/Tower"]);
    let said = story.rosterd(&["plan"]).await;
    assert!(said.out.contains("options.roles"), "{}", said.out);
    let boss = "rosterd@northwind.example";
    story.sandbox.put_membership("acc", APP, boss, "p1", "admin,Architect").unwrap();
    assert_eq!(story.actions().await, ["ready studio/add-member/p000@example.com/Tower"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_another_region_is_told_so() {
    let story = story(Config { acc_region: "EMEA".into(), ..quick() }, "", "").await;
    let said = story.rosterd(&["plan"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    let told = format!("{}{}", said.out, said.err);
    assert!(told.contains("options.region"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_not_ready_is_tried_again_within_bounds_and_by_the_next_run() {
    let story = crowd_story(1, &["project-not-ready"]).await;
    let said = story.rosterd(&["apply", "--yes"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("the project is not ready for this yet"), "{}", said.err);
    assert!(writes(&story.sandbox.log()).len() <= 5, "{:?}", writes(&story.sandbox.log()));
    story.sandbox.set_quirks("acc", APP, &[]).unwrap();
    apply(&story).await;
    assert_eq!((members(&story), story.actions().await), (1, vec![]));
}
