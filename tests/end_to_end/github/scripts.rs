//! What the scripts do when they are started by themselves, in ways that the workflows do not start them.

use serde_json::json;

use super::stage::{Stage, TOKEN, tools};

const MARKER: &str = "<!-- rosterd: plan -->";

fn comment(id: u64, login: &str, body: &str) -> serde_json::Value {
    json!({ "id": id, "user": { "login": login }, "body": body })
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_comment_of_our_own_is_edited_on_whichever_page_it_is() {
    if !tools() {
        return;
    }
    let stage = Stage::new().await;
    let bot = "github-actions[bot]";
    let others = json!([
        comment(1, "mallory", &format!("{MARKER}\nmine")),
        { "id": 2, "user": null, "body": null },
        comment(3, bot, "another workflow's"),
        comment(4, "github-actions", MARKER),
        comment(5, bot, &format!("quoted\n{MARKER}")),
        comment(6, bot, &format!("{MARKER}\r\nold\r\n")),
        comment(7, bot, &format!("{MARKER}\nof two runs at once")),
    ]);
    stage.set_state("comments.json", &others);
    let token = [("GH_TOKEN", TOKEN)];
    let post = |text: &str| {
        stage.write("clone/c.md", text);
        stage.script("comment.sh 7 c.md", &token)
    };
    assert!(post(&format!("{MARKER}\nold\n")).passed().contains("says the same already"));
    assert!(post(&format!("{MARKER}\n$(id) `id` \"new\"\n")).passed().contains("edited the comment on #7"));
    assert_eq!(stage.writes(), ["PATCH repos/o/r/issues/comments/6"]);
    let mut expect = others;
    expect[5]["body"] = format!("{MARKER}\n$(id) `id` \"new\"\n").into();
    assert_eq!(stage.state("comments.json"), expect);

    // Of another author, when told so, and not what the author's name would do to the filter.
    let app = [("GH_TOKEN", TOKEN), ("ROSTERD_LOGIN", "x\" or true or \"")];
    stage.script("comment.sh 7 c.md", &app).passed();
    assert_eq!(stage.writes(), ["POST repos/o/r/issues/7/comments"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_the_marker_or_for_no_number_is_not_posted() {
    if !tools() {
        return;
    }
    let stage = Stage::new().await;
    let token = [("GH_TOKEN", TOKEN)];
    for text in ["", "### rosterd\n", "x <!-- rosterd: plan -->\n"] {
        stage.write("clone/c.md", text);
        stage
            .script("comment.sh 7 c.md", &token)
            .failed_in("comment.sh 7 c.md", "does not begin with <!-- rosterd: plan -->");
    }
    stage.write("clone/c.md", MARKER);
    for line in ["comment.sh 7/../8 c.md", "fetch.sh main c.md", "fetch.sh -7 c.md"] {
        stage.script(line, &token).failed_in(line, "is not the number of a pull request");
    }
    assert_eq!(stage.read("state/calls"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_not_begun_where_a_token_could_be_read() {
    if !tools() {
        return;
    }
    let stage = Stage::new().await;
    for name in ["ROSTERD_FETCH_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"] {
        stage.script("plan.sh c.md", &[(name, TOKEN)]).failed_in("plan.sh c.md", &format!("{name} is set"));
    }
    stage.script("plan.sh c.md", &[]).failed_in("plan.sh c.md", "run fetch.sh first");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_snapshot_of_the_main_branch_is_taken_and_none_of_anybody_else() {
    if !tools() {
        return;
    }
    let stage = Stage::new().await;
    let token = [("GH_TOKEN", TOKEN)];
    stage.script("snapshot.sh live", &token).failed_in("snapshot.sh live", "on main has left a snapshot yet");
    let leave = |text: &str, but: serde_json::Value| {
        stage.write("live.json", text);
        stage.upload("rosterd-live", &stage.path("live.json"), &but)
    };
    let of = |branch: &str, head: u64| json!({ "workflow_run": { "head_branch": branch, "head_repository_id": head, "repository_id": 1 } });
    leave("old", json!({}));
    leave("new", json!({}));
    leave("another branch's", of("main\") or (\"", 1));
    leave("a fork's", of("main", 2));
    leave("expired", json!({ "expired": true }));
    leave("older", json!({ "created_at": "2026-11-24T10:00:00Z" }));
    // A tag may be called main, and holds whatever workflow whoever pushed it wrote.
    let run = |key: &str, value: &str| json!({ "run": { key: value } });
    let main = stage.repo().git(&["rev-parse", "main"]);
    stage.repo().git(&["switch", "-q", "-c", "elsewhere"]);
    stage.write("clone/.github/workflows/rosterd-drift.yml", "on: push");
    stage.repo().commit("never merged");
    let tagged = stage.repo().git(&["rev-parse", "HEAD"]);
    stage.repo().git(&["switch", "-q", "main"]);
    stage.repo().git(&["push", "-q", "origin", &format!("{tagged}:refs/tags/main")]);
    leave("a tag's", run("head_sha", &tagged));
    leave("another workflow's", run("path", ".github/workflows/ci.yml"));
    leave("a workflow's that ends alike", run("path", ".github/workflows/my-rosterd-drift.yml"));
    leave("a pull request's", run("event", "pull_request_target"));
    leave("another event's", run("event", "issue_comment"));
    let said = stage.script("snapshot.sh live", &token).passed();
    assert_eq!((stage.read("clone/live/live.json").as_str(), said.contains("of 2026-11-25")), ("new", true));
    // What earlier commits of the branch left counts, and how GitHub writes the ref of the workflow does not matter.
    stage.write("clone/desired-state/people/later.yaml", "people: {}\n");
    stage.repo().commit("later");
    stage.push_main();
    leave("by an earlier commit", run("head_sha", &main));
    stage.script("snapshot.sh live", &token).passed();
    assert_eq!(stage.read("clone/live/live.json"), "by an earlier commit");
    leave(
        "by apply",
        json!({ "run": { "path": ".github/workflows/rosterd-apply.yml@refs/heads/main", "event": "push" } }),
    );
    let said = stage.script("snapshot.sh live", &token).passed();
    assert_eq!(
        (stage.read("clone/live/live.json").as_str(), said.contains("fetched the snapshot of 2026-11-25")),
        ("by apply", true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_installed_that_is_not_what_was_expected() {
    if !tools() {
        return;
    }
    let stage = Stage::new().await;
    let url = |url: &'static str| ("ROSTERD_URL", url);
    let sum = |file: &str| {
        let said = std::process::Command::new("sha256sum").arg(stage.path(file)).output().unwrap();
        String::from_utf8(said.stdout).unwrap().split(' ').next().unwrap().to_owned()
    };
    let right = sum("builds/rosterd");
    let binary = url("https://builds.example/rosterd");
    let check =
        |variables: &[(&str, &str)], words: &str| stage.script("install.sh", variables).failed_in("install.sh", words);
    check(&[], "there is no rosterd here");
    check(&[url("http://builds.example/rosterd"), ("ROSTERD_SHA256", &right)], "has to begin with https://");
    check(&[binary], "in 64 hexadecimal digits");
    check(&[binary, ("ROSTERD_SHA256", &right[1..])], "in 64 hexadecimal digits");
    check(&[binary, ("ROSTERD_SHA256", &right.replace(&right[..1], "g"))], "in 64 hexadecimal digits");
    let wrong = if right.starts_with('0') { "1" } else { "0" }.to_owned() + &right[1..];
    check(&[binary, ("ROSTERD_SHA256", &wrong)], "is not what was expected, and was not installed");
    assert!(!stage.path("home/.rosterd").exists());
    assert_eq!(stage.read("state/path"), "");

    let said = stage.script("install.sh", &[binary, ("ROSTERD_SHA256", &right.to_uppercase())]).passed();
    assert!(said.contains(&format!("rosterd {}", env!("CARGO_PKG_VERSION"))), "{said}");
    assert!(stage.read("state/path").contains("/.rosterd/bin"));

    // An archive with it in a directory, as releases have them.
    std::fs::remove_dir_all(stage.path("home/.rosterd")).unwrap();
    let (dir, archive) = (stage.dir.path(), stage.path("builds/rosterd.tar.gz"));
    let mut tar = std::process::Command::new("tar");
    assert!(tar.arg("-czf").arg(&archive).arg("-C").arg(dir).arg("builds/rosterd").status().unwrap().success());
    let right = sum("builds/rosterd.tar.gz");
    stage.script("install.sh", &[url("https://builds.example/rosterd.tar.gz"), ("ROSTERD_SHA256", &right)]).passed();
    assert!(stage.path("home/.rosterd/bin/rosterd").exists());
}
