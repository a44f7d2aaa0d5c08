//! `deploy/github`: the workflows' own steps are run, against a `gh` that keeps what GitHub would hold in files.

mod hostile;
mod scripts;
mod stage;
mod told;
mod workflows;

use std::fs;

use serde_json::{Value, json};

use stage::{NUMBER, Stage, TOKEN, tools, workflow};

const DRIFT: &str = "rosterd-drift.yml";
const PLAN: &str = "rosterd-plan.yml";
const APPLY: &str = "rosterd-apply.yml";

/// The only comment on the pull request.
fn comment(stage: &Stage) -> String {
    let comments = stage.state("comments.json");
    let [one] = &comments.as_array().unwrap()[..] else { panic!("{comments}") };
    one["body"].as_str().unwrap().to_owned()
}

/// A stage with the snapshot that the drift workflow left.
async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.job(&workflow(DRIFT), "drift").passed();
    assert_eq!(stage.writes(), [""; 0], "nothing has drifted");
    stage
}

/// Plans and comments as one run of the workflow does.
fn review(stage: &Stage) -> (stage::Job, stage::Job) {
    let plan = workflow(PLAN);
    stage.forget("rosterd-comment");
    stage.write("state/seen", "");
    stage.sandbox.clear_log();
    (stage.job(&plan, "plan"), stage.job(&plan, "comment"))
}

const THREE: &str = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee }\n  bob@example.com: { given_name: \
                     Bob, family_name: Lee, status: left }\n  eve@example.com: { given_name: Eve, family_name: Lee }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_gets_one_comment_which_is_edited_in_place_and_no_process_sees_a_secret() {
    if !tools() {
        return;
    }
    let mut stage = stage().await;
    let app = stage.read("clone/desired-state/apps/autodesk.yaml");
    let more = app + "      eve@example.com:\n";
    stage.pull_request(&[("desired-state/people.yaml", THREE), ("desired-state/apps/autodesk.yaml", &more)]);

    let (plan, post) = review(&stage);
    plan.passed();
    let seen = stage.read("state/seen");
    post.passed();
    assert_eq!(stage.writes(), ["POST repos/o/r/issues/7/comments"]);
    let first = comment(&stage);
    assert!(first.starts_with("<!-- rosterd: plan -->\n### rosterd: 2 to do by this change; "), "{first}");
    assert!(first.contains("**2 by this change**, 0 drift") && first.contains("people.yaml&#58;3"), "{first}");

    // Neither an app nor a secret was needed, and whatever read the files of the pull request could see none.
    assert_eq!(stage.sandbox.log().len(), 0);
    assert!(seen.contains("ROSTERD_LIVE="), "the environments of the steps are seen: {seen}");
    for secret in [TOKEN, "AUTODESK", "x-access-token", "AUTHORIZATION"] {
        assert!(!seen.contains(secret), "{secret} is in {seen}");
    }

    // The same plan again says nothing; another one is edited into the comment.
    let (plan, post) = review(&stage);
    plan.passed();
    assert!(post.passed().contains("says the same already"));
    assert_eq!(stage.writes(), [""; 0]);
    stage.pull_request(&[("desired-state/people.yaml", THREE)]);
    let (plan, post) = review(&stage);
    plan.passed();
    post.passed();
    assert_eq!(stage.writes(), ["PATCH repos/o/r/issues/comments/100"]);
    assert!(comment(&stage).contains("### rosterd: 1 to do"), "{}", comment(&stage));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_fork_writes_is_read_and_never_run_nor_believed() {
    if !tools() {
        return;
    }
    let mut stage = stage().await;
    let mark = stage.path("pwned");
    let touch = format!("touch {}", mark.display());
    // Scripts, hooks, filters, and a file that is not valid in as many ways as there are readers of what it says.
    let evil = format!(
        "people:\n  ~~~~~~: [ ##[add-mask]hunter2\n  # $({touch}) `{touch}` ${{IFS}} '; {touch} #\n  # </details> <!-- rosterd: plan --> @everyone\n"
    );
    let clone = stage.repo();
    clone.git(&["switch", "-q", "-C", "change", "main"]);
    for (file, text) in [
        ("deploy/github/plan.sh", format!("#!/bin/sh\n{touch}\n")),
        ("deploy/github/say.sh", format!("#!/bin/sh\n{touch}\n")),
        (".gitattributes", "*.sh filter=lfs text\n".to_owned()),
        (".lfsconfig", "[lfs]\n\turl = https://evil.example\n".to_owned()),
        ("desired-state/people.yaml", evil),
        (
            &format!("desired-state/$({touch}).yaml").replace('/', "_").replace("desired-state_", "desired-state/"),
            String::new(),
        ),
    ] {
        stage.command(&format!("clone/{file}"), &text);
    }
    // A machine whose git has filters for large files, as those of GitHub have.
    let filter = format!("[filter \"lfs\"]\n\tsmudge = {touch}\n\tprocess = {touch}\n\trequired = true\n");
    stage.write("gitconfig", &filter);
    clone.commit("$(touch pwned) `id`");
    stage.propose();

    let (plan, post) = review(&stage);
    plan.failed_in("Plan", "is not valid");
    assert!(plan.said.contains("##[add-mask]hunter2"), "{}", plan.said);
    assert_eq!((plan.commands(), post.commands()), (vec![], vec![]));
    post.passed();
    let said = comment(&stage);
    assert!(said.starts_with("<!-- rosterd: plan -->\n### rosterd: the files are not valid\n\n~~~~\n"), "{said}");
    assert!(said.trim_end().ends_with("\n~~~~") && said.matches("~~~").count() == 2, "no fence but ours: {said}");
    assert!(said.contains("people.yaml") && !said.contains(TOKEN), "{said}");
    assert!(!mark.exists());
    assert_eq!(stage.sandbox.log().len(), 0);

    // Of many mistakes as many are told as GitHub takes.
    let many: String = (0..3000).map(|n| format!("  wröng ~~~ {n}: {{ nö: ~~~~~~ }}\n")).collect();
    stage.pull_request(&[("desired-state/people.yaml", &format!("people:\n{many}"))]);
    let (plan, post) = review(&stage);
    plan.failed_in("Plan", "is not valid");
    post.passed();
    assert!((20_000..65_536).contains(&comment(&stage).len()), "{}", comment(&stage).len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_checkout_would_lay_out_differently_is_refused_and_the_comment_names_the_file() {
    if !tools() {
        return;
    }
    let mut stage = stage().await;
    let clone = |stage: &Stage| {
        let repo = stage.repo();
        repo.git(&["switch", "-q", "-C", "change", "main"]);
        repo.git(&["clean", "-q", "-f", "-d"]);
    };
    let refused = |stage: &Stage, words: &[&str]| {
        let (plan, post) = review(stage);
        assert_eq!(plan.failed.as_deref(), Some("Plan"), "{}", plan.said);
        post.passed();
        let said = comment(stage).split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(!said.contains("nothing to do") && !said.contains("root:"), "{said}");
    };
    // A checkout without links reads `teams: {}`, and one with links reads what makes an admin.
    clone(&stage);
    let admin = "teams:\n  trusted: { members: { ann@example.com: }, grants: { autodesk: { role: admin } } }\n";
    stage.write("clone/desired-state/teams: {}", admin);
    std::os::unix::fs::symlink("teams: {}", stage.path("clone/desired-state/zz.yaml")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", stage.path("clone/desired-state/people.yml")).unwrap();
    stage.repo().commit("Tidy");
    stage.propose();
    refused(&stage, &["desired-state/zz.yaml", "desired-state/people.yml", "is a symbolic link"]);
    // Nor does the merge do it: whoever merged all the same has the run refuse as well.
    let main = stage.repo().git(&["rev-parse", "main"]);
    stage.repo().git(&["push", "-q", "origin", "change:main"]);
    let applied = stage.job(&workflow(APPLY), "apply");
    applied.failed_in("Apply", "is a symbolic link");
    assert_eq!(stage.sandbox.account("autodesk", "studio", "ann@example.com").unwrap().role, "user");
    stage.repo().git(&["push", "-q", "-f", "origin", &format!("{main}:main")]);

    // An attribute by which the merge would be laid out with other bytes, in a file of its own far from any YAML.
    clone(&stage);
    stage.write("clone/.gitattributes", "desired-state/** ident\n");
    stage.write("clone/desired-state/teams/x.yaml", "teams: {} # $Id$\n");
    stage.repo().commit("Tidy");
    stage.propose();
    refused(&stage, &["desired-state/teams/x.yaml", "has the git attribute `ident`"]);

    // Two names that are one on other disks.
    clone(&stage);
    stage.write("clone/desired-state/Settings.yaml", "settings: { time_zone: UTC }\n");
    stage.repo().commit("Tidy");
    stage.propose();
    refused(&stage, &["desired-state/Settings.yaml", "are one name on many disks"]);

    // Another repository's files, which nobody reviews here.
    clone(&stage);
    let entry = format!("160000,{main},desired-state/teams/more");
    stage.repo().git(&["update-index", "--add", "--cacheinfo", &entry]);
    stage.repo().git(&["commit", "-q", "-m", "Tidy"]);
    stage.propose();
    refused(&stage, &["desired-state/teams/more", "is a submodule"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_merge_of_an_earlier_commit_is_not_taken_for_that_of_the_newest() {
    if !tools() {
        return;
    }
    let mut stage = stage().await;
    stage.pull_request(&[("desired-state/people.yaml", THREE)]);
    // A push after which GitHub makes no merge, since there are conflicts.
    stage.set("github.event.pull_request.head.sha", &"0".repeat(40));
    let (plan, post) = review(&stage);
    plan.failed_in("Fetch the pull request", "the newest commit of pull request 7 has no merge on trial");
    post.passed();
    assert!(comment(&stage).contains("cannot be merged as it is"), "{}", comment(&stage));
    // One that never could be merged has no such commit at all.
    stage.repo().git(&["push", "-q", "origin", &format!(":refs/pull/{NUMBER}/merge")]);
    review(&stage).0.failed_in("Fetch the pull request", "has no merge on trial");
    // And where the repository is out of reach nobody says that there are conflicts.
    fs::rename(stage.path("origin.git"), stage.path("gone.git")).unwrap();
    stage.script("fetch.sh 7 comment.md", &[]).failed_in("fetch.sh 7 comment.md", "could not be fetched");
    assert!(!stage.path("clone/comment.md").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_of_an_earlier_commit_does_not_stay_when_the_plan_fails_without_a_word() {
    if !tools() {
        return;
    }
    let mut stage = stage().await;
    stage.pull_request(&[("desired-state/people.yaml", THREE)]);
    let (plan, post) = review(&stage);
    plan.passed();
    post.passed();
    stage.writes();
    stage.set("vars.ROSTERD_SHA256", &"0".repeat(64));
    let (plan, post) = review(&stage);
    plan.failed_in("Install rosterd", "is not what was expected, and was not installed");
    post.failed_in("Comment", "the plan left no comment at");
    assert_eq!(stage.writes(), ["PATCH repos/o/r/issues/comments/100"]);
    assert!(comment(&stage).contains("could not be planned"), "{}", comment(&stage));
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_opens_an_issue_which_is_edited_and_closed_in_place() {
    if !tools() {
        return;
    }
    let stage = stage().await;
    let title = "rosterd: the apps have drifted from the files";
    // The same title by somebody else, on a pull request, and closed: none of them is ours. Ours would be on the second page.
    let others = json!([
        { "number": 1, "title": title, "state": "open", "body": "", "user": { "login": "mallory" } },
        { "number": 2, "title": title, "state": "open", "body": "", "user": { "login": "github-actions[bot]" }, "pull_request": {} },
        { "number": 3, "title": title, "state": "closed", "body": "", "user": { "login": "github-actions[bot]" } },
    ]);
    stage.set_state("issues.json", &others);
    let drift = || stage.job(&workflow(DRIFT), "drift");
    let ours = || stage.state("issues.json").as_array().unwrap()[3].clone();

    drift().passed();
    assert_eq!(stage.writes(), [""; 0]);
    stage.sandbox.remove_account("autodesk", "studio", "ann@example.com").unwrap();
    drift().passed();
    assert_eq!(stage.writes(), ["POST repos/o/r/issues"]);
    let first = ours();
    assert_eq!((first["title"].as_str(), first["number"].as_u64()), (Some(title), Some(23)));
    assert!(first["body"].as_str().unwrap().contains("ann<wbr>&#64;example.com"), "{first}");
    assert!(stage.read("state/summary").contains("ann<wbr>&#64;example.com"));

    // Somebody else's account may not be able to go on its own, which is drift as well: a guard holds it.
    stage.account("ann");
    let text = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee }\n  bob@example.com: { given_name: Bob, \
                family_name: Lee, status: suspended }\n";
    stage.write("clone/desired-state/people.yaml", text);
    stage.repo().commit("suspend");
    stage.push_main();
    drift().passed();
    assert_eq!(stage.writes(), ["PATCH repos/o/r/issues/23"]);
    assert!(ours()["body"].as_str().unwrap().contains("### rosterd: 1 held"), "{}", ours());

    stage.repo().git(&["revert", "--no-edit", "HEAD"]);
    stage.push_main();
    drift().passed();
    assert_eq!(
        (stage.writes(), ours()["state"].as_str()),
        (vec!["PATCH repos/o/r/issues/23".to_owned()], Some("closed"))
    );
    assert!(ours()["body"].as_str().unwrap().contains("nothing to do"), "{}", ours());
    assert_eq!(stage.state("issues.json").as_array().unwrap()[..3], others.as_array().unwrap()[..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_cannot_be_read_is_reported_and_fails_the_job() {
    if !tools() {
        return;
    }
    let mut stage = stage().await;
    stage.set("secrets.AUTODESK_CLIENT_SECRET", "wrong");
    stage.job(&workflow(DRIFT), "drift").failed_in("Report drift", "not every app could be read");
    assert_eq!(stage.writes(), ["POST repos/o/r/issues"]);
    // Files with mistakes are no report at all.
    stage.write("clone/desired-state/people.yaml", "people: [\n");
    stage.repo().commit("broken");
    stage.push_main();
    stage.job(&workflow(DRIFT), "drift").failed_in("Report drift", "there is no plan to report");
    assert_eq!(stage.writes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_merged_is_applied_and_a_snapshot_is_left_even_when_something_fails() {
    if !tools() {
        return;
    }
    let mut stage = stage().await;
    let live = |stage: &Stage| stage.state("artifacts.json").as_array().unwrap().len();
    let before = live(&stage);
    stage.write(
        "clone/desired-state/people.yaml",
        &THREE.lines().take(3).map(|line| format!("{line}\n")).collect::<String>(),
    );
    stage.repo().commit("Bob has left");
    stage.push_main();
    let applied = stage.job(&workflow(APPLY), "apply");
    assert_eq!(applied.commands(), [""; 0]);
    let said = applied.passed();
    assert!(said.contains("all is in sync"), "{said}");
    assert_eq!(stage.sandbox.account("autodesk", "studio", "bob@example.com").unwrap().status, "inactive");
    let summary = stage.read("state/summary");
    assert!(summary.starts_with("### rosterd apply\n\n~~~~\n") && summary.contains("bob@example.com"), "{summary}");
    assert_eq!(live(&stage), before + 1);

    // Plans of pull requests are then made against what is there now.
    stage.pull_request(&[("desired-state/new.yaml", "teams: {}\n")]);
    let (plan, post) = review(&stage);
    plan.passed();
    post.passed();
    assert!(comment(&stage).contains("### rosterd: nothing to do"), "{}", comment(&stage));

    stage.set("secrets.AUTODESK_CLIENT_SECRET", "wrong");
    stage.job(&workflow(APPLY), "apply").failed_in("Apply", "not every app could be read for the snapshot");
    let failed: Value = stage.state("artifacts.json");
    assert_eq!(
        failed.as_array().unwrap().iter().filter(|artifact| artifact["name"] == "rosterd-live").count(),
        before + 2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_script_lets_a_name_become_a_command_of_the_log() {
    if !tools() {
        return;
    }
    let mut stage = stage().await;
    stage.pull_request(&[("desired-state/new.yaml", "teams: {}\n")]);
    // Whatever is called prints what people chose, on both streams, and does not end its last line.
    let prints = "echo '::add-mask::hunter2'\necho '::add-mask::hunter2' >&2\nprintf '::add-mask::hunter2'\n";
    stage.command("bin/rosterd", &format!("#!/bin/sh\n{prints}"));
    let git = format!(
        "#!/bin/sh\ncase $* in *fetch*) {{ {prints} }} >&2; exit 1 ;; esac\nPATH=${{PATH#*:}} exec git \"$@\"\n"
    );
    let real = |stage: &Stage| stage.repo().git(&["update-ref", "refs/rosterd/change", "trial"]);
    let check = |stage: &Stage, line: &str, variables: &[(&str, &str)]| {
        let job = stage.script(line, variables);
        assert_eq!(job.commands(), [""; 0], "{line}: {}", job.said);
        assert!(job.said.contains("::add-mask::hunter2"), "{line} printed nothing: {}", job.said);
    };
    check(&stage, "apply.sh live.json", &[]);
    check(&stage, "drift.sh live.json", &[("GH_TOKEN", TOKEN)]);
    real(&stage);
    check(&stage, "plan.sh comment.md", &[]);
    stage.command("bin/git", &git);
    check(&stage, "fetch.sh 7 comment.md", &[]);
}
