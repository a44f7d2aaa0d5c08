//! `--only EMAIL`: one person alone, in an organisation that takes long to read.

use std::time::Duration;

use rosterd::sandbox::{ACC_ACCOUNT, ACC_ADMIN, AccountPatch, Config, NewAccount};

use crate::story::{APP, Story, actions, quick};

/// Accounts of a large organisation.
const MANY: usize = 10_000;

/// Where in its list the person is, from 0: on the fourth page.
const LEAVER: usize = 333;

const PAGE: usize = 100;

const LEFT: &str = "people:\n  lea@example.com: { given_name: Lea, family_name: Ng, status: left }\n  \
                    ann@example.com: { given_name: Ann, family_name: Lee }\n";

/// Files that keep one admin and some group, and know that Lea left.
const APP_BODY: &str = "defaults: { role: user }\naccounts:\n  ann@example.com: { role: admin }\ngroups:\n  Design:\n    id: \
                        team-1\n    members: { ann@example.com: member }\n";

/// An Autodesk organisation of ten thousand, most of whom no file names.
async fn large(app: &str) -> Story {
    let story = Story::of(Config { latency: Duration::ZERO, ..quick() }, app, LEFT).await;
    story.sandbox.put_group("autodesk", APP, "team-1", "Design").unwrap();
    for number in 0..MANY {
        let email = if number == LEAVER { "Lea@Example.com".to_owned() } else { format!("p{number}@example.com") };
        let (given_name, family_name) = (Some("G".into()), Some("F".into()));
        let account = NewAccount { email, given_name, family_name, status: None, role: Some("user".into()) };
        story.sandbox.add_account("autodesk", APP, account).unwrap();
    }
    story.sandbox.put_membership("autodesk", APP, "lea@example.com", "team-1", "member").unwrap();
    story.sandbox.clear_log();
    story
}

/// Requests so far as methods with paths below the tenant, ids left out.
fn requests(story: &Story) -> Vec<String> {
    let id = story.sandbox.account("autodesk", APP, "lea@example.com").unwrap().id;
    let tenant = format!("/autodesk/{APP}");
    let log = story.sandbox.log().into_iter();
    log.map(|request| format!("{} {}", request.method, request.path.replace(&tenant, "").replace(&id, "LEA"))).collect()
}

async fn is_cut_off(story: &Story) {
    assert_eq!(story.sandbox.account("autodesk", APP, "lea@example.com").unwrap().status, "inactive");
    // Nobody else was touched, and nothing is left to do for her.
    let inactive = |account: &rosterd::sandbox::AccountView| account.status == "inactive";
    assert_eq!(story.sandbox.accounts("autodesk", APP).unwrap().into_iter().filter(inactive).count(), 1);
    let said = story.rosterd(&["plan", "--only", "lea@example.com", "--detailed-exitcode", "--format", "json"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(actions(&serde_json::from_str(&said.out).unwrap()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_whose_id_is_pinned_is_cut_off_within_three_requests_of_ten_thousand_accounts() {
    let story = large(APP_BODY).await;
    let id = story.sandbox.account("autodesk", APP, "lea@example.com").unwrap().id;
    story.write(&format!("{APP_BODY}ids: {{ lea@example.com: {id} }}\n"), LEFT);
    let said = story.rosterd(&["apply", "--yes", "--only", "lea@example.com"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(requests(&story), ["POST /authentication/v2/token", "GET /users/LEA", "PATCH /users/LEA"]);
    is_cut_off(&story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_whose_id_nobody_knows_is_cut_off_within_a_sweep_that_ends_where_she_is_found() {
    let story = large(APP_BODY).await;
    let said = story.rosterd(&["apply", "--yes", "--only", "LEA@example.com"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let requests = requests(&story);
    let pages = requests.iter().filter(|request| *request == "GET /users").count();
    assert_eq!(pages, LEAVER / PAGE + 1);
    assert_eq!(requests[pages + 1..], ["GET /users/LEA", "PATCH /users/LEA"]);
    println!("found among {MANY} accounts at {LEAVER}: {} requests", requests.len());
    is_cut_off(&story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_who_left_is_held_with_the_word_that_releases_her() {
    let story = Story::of(quick(), APP_BODY, LEFT).await;
    story.sandbox.put_group("autodesk", APP, "team-1", "Design").unwrap();
    story.account("lea@example.com", "admin", true);
    story.account("ann@example.com", "admin", true);
    let apply = ["apply", "--yes", "--only", "lea@example.com"];
    let said = story.rosterd(&apply).await;
    assert!(said.out.contains("whether other admins remain is not known"), "{said:?}");
    let release = "studio/deactivate/lea@example.com:min-admins";
    assert!(said.err.contains(&format!("`--approve {release}`")), "{said:?}");
    assert!(story.writes().is_empty());
    let said = story.rosterd(&[&apply[..], &["--approve", release]].concat()).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(story.sandbox.account("autodesk", APP, "lea@example.com").unwrap().status, "inactive");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_gets_everything_and_nobody_elses_drift_is_touched() {
    let app = "defaults: { role: Viewer }\ngroups:\n  G:\n    members: { ann@example.com: , bob@example.com: }\n";
    let rest = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee, aliases: [al@example.com] }\n  \
                bob@example.com: { given_name: Bob, family_name: Ray, status: left }\n  \
                cat@example.com: { given_name: Cat, family_name: Ray }\n";
    let app = app.replace(", bob@example.com:", ", cat@example.com:").replace("Viewer", "Member");
    let story = Story::with(quick(), "alteryx", &app, rest).await;
    story.sandbox.put_group("alteryx", APP, "g", "G").unwrap();
    story.account("bob@example.com", "Member", true);
    story.sandbox.put_membership("alteryx", APP, "bob@example.com", "g", "").unwrap();
    let said = story.rosterd(&["apply", "--yes", "--only", "al@example.com"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(story.writes().len(), 2, "{:?}", story.writes());
    let said = story.rosterd(&["plan", "--only", "ann@example.com", "--detailed-exitcode"]).await;
    assert_eq!((said.status, said.out.contains("Not everything could be read")), (0, false), "{said:?}");
    assert!(said.out.contains("Only ann@example.com was looked for"), "{said:?}");
    // The others' turn comes with a plan for everybody.
    let names = story.actions().await.join(" ");
    assert!(names.contains("deactivate/bob@example.com") && names.contains("create/cat@example.com"), "{names}");
    assert!(!names.contains("ann@"), "{names}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_app_with_a_query_takes_no_more_than_the_search_and_the_removal() {
    let check = async |connector: &'static str, role: Option<&str>, options: &str, least: &[&str]| {
        let granted = "accounts: { ann@example.com: }\ngroups:\n  G: { members: { ann@example.com: } }\n";
        let story = Story::with(quick(), connector, &format!("{options}{granted}"), LEFT).await;
        story.sandbox.put_group(connector, APP, "g", "G").unwrap();
        for who in ["lea", "ann", "eve"] {
            let (email, role) = (format!("{who}@example.com"), role.map(str::to_owned));
            let (given_name, family_name) = (Some("G".into()), Some("F".into()));
            let account = NewAccount { email, given_name, family_name, status: None, role };
            story.sandbox.add_account(connector, APP, account).unwrap();
        }
        story.sandbox.clear_log();
        let said = story.rosterd(&["apply", "--yes", "--only", "lea@example.com"]).await;
        assert_eq!(said.status, 0, "{connector}: {said:?}");
        let inactive = story.sandbox.account(connector, APP, "lea@example.com").unwrap().status == "inactive";
        assert!(inactive, "{connector}: {said:?}");
        let is_id = |part: &str| part.len() > 10 && part.contains(|c: char| c.is_ascii_digit());
        let id = |part: &str| if is_id(part) { "ID".to_owned() } else { part.to_owned() };
        let path = |path: &str| path.split('/').skip(1).map(id).collect::<Vec<_>>().join("/");
        let log = story.sandbox.log().into_iter();
        let sent: Vec<_> = log.map(|request| format!("{} {}", request.method, path(&request.path))).collect();
        assert_eq!(sent, least, "{connector}");
        let said = story.rosterd(&["plan", "--only", "lea@example.com", "--detailed-exitcode"]).await;
        assert_eq!(said.status, 0, "{connector}: {said:?}");
    };
    // What replaces a whole user is made from one that was just read.
    let replaced = ["POST oauth2/token", "GET api/v3/users", "GET api/v3/users/ID", "PUT api/v3/users/ID"];
    check("alteryx", Some("Member"), "defaults: { role: Member }\n", &replaced).await;
    let workiva = ["POST iam/v1/oauth2/token", "GET platform/v1/users", "PATCH platform/v1/users/ID"];
    check("workiva", None, "", &workiva).await;
    check("scim", None, "", &["GET Users", "GET ServiceProviderConfig", "PATCH Users/ID"]).await;
    let users = "hq/v1/accounts/ID/users";
    let acc = ["POST authentication/v2/token", &format!("GET {users}/search"), &format!("PATCH {users}/ID")];
    check("acc", None, &format!("options: {{ account_id: {ACC_ACCOUNT}, acting_user: {ACC_ADMIN} }}\n"), &acc).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_files_do_not_know_is_an_error_with_the_one_that_may_be_meant() {
    let story = Story::of(quick(), APP_BODY, LEFT).await;
    let said = story.rosterd(&["apply", "--yes", "--only", "leah@example.com"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("did you mean lea@example.com?"), "{said:?}");
    assert!(story.sandbox.log().is_empty());
    assert_eq!(story.rosterd(&["plan", "--only", "lea"]).await.status, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_hands_since_the_files_were_written_is_not_taken_away() {
    let story = Story::of(quick(), APP_BODY, LEFT).await;
    let id = story.account("lea@example.com", "user", true);
    story.write(&format!("{APP_BODY}ids: {{ lea@example.com: {id} }}\n"), LEFT);
    let patch = AccountPatch { email: Some("eve@example.com".into()), ..AccountPatch::default() };
    story.sandbox.patch_account("autodesk", APP, &id, patch).unwrap();
    let said = story.rosterd(&["apply", "--yes", "--only", "lea@example.com"]).await;
    assert!(said.out.contains("account's address is eve@example.com"), "{said:?}");
    assert!(story.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_whose_address_was_changed_in_the_app_is_held_and_not_called_in_sync() {
    let there = LEFT.replace(", status: left", "");
    let granted = APP_BODY.replace("accounts:\n", "accounts:\n  lea@example.com: { role: user }\n");
    let story = Story::of(quick(), &granted, &there).await;
    story.sandbox.put_group("autodesk", APP, "team-1", "Design").unwrap();
    story.account("ann@example.com", "admin", true);
    let id = story.account("lea@example.com", "user", true);
    let store = format!("sqlite:{}", story.dir.path().join("state.db").display());
    let apply = ["apply", "--yes", "--store", store.as_str()];
    let said = story.rosterd(&apply).await;
    assert_eq!(said.status, 0, "{said:?}");
    let patch = AccountPatch { email: Some("robin@example.com".into()), ..AccountPatch::default() };
    story.sandbox.patch_account("autodesk", APP, &id, patch).unwrap();
    story.sandbox.clear_log();

    // Still granted: nobody invites a second time.
    let said = story.rosterd(&apply).await;
    assert!(said.out.contains("address is robin@example.com now"), "{said:?}");
    assert!(story.writes().is_empty(), "{:?}", story.writes());

    story.write(APP_BODY, LEFT);
    let plan = ["plan", "--store", store.as_str(), "--format", "json"];
    let held = "held studio/deactivate/lea@example.com";
    for more in [&[][..], &["--only", "lea@example.com"]] {
        let said = story.rosterd(&[&plan[..], more].concat()).await;
        assert_eq!(actions(&serde_json::from_str(&said.out).unwrap()), [held], "{said:?}");
        let said = story.rosterd(&[&apply[..], more].concat()).await;
        assert!(!said.out.contains("in sync") && said.out.contains("ambiguous"), "{said:?}");
        assert!(said.out.contains("add `aliases: [robin@example.com]` to lea@example.com"), "{said:?}");
    }
    assert!(story.writes().is_empty(), "{:?}", story.writes());

    let mended = LEFT.replace("status: left", "status: left, aliases: [robin@example.com]");
    story.write(APP_BODY, &mended);
    let said = story.rosterd(&[&apply[..], &["--only", "lea@example.com"]].concat()).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(story.sandbox.account("autodesk", APP, &id).unwrap().status, "inactive");
}
