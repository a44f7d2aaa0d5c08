//! One season of an office that keeps its access in git: what is live becomes files, a branch changes three of them, somebody
//! clicks about in the apps meanwhile, and the reviewer sees which is which.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use rosterd::sandbox::{AccountPatch, NewAccount, Sandbox};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    against::{Repo, caused},
    story::{Said, actions, conforms, finish, quick},
};

/// A clone of the office's repository, and the apps that it is about.
struct Office {
    sandbox: Sandbox,
    clone: TempDir,
}

const WIKI: &str = "apps:\n  wiki:\n    connector: scim\n    url: https://wiki.example.com/scim/v2\n    \
                    auth: { token: { env: WIKI_TOKEN } }\n";
const STUDIO: &str = "apps:\n  studio:\n    connector: autodesk\n    url: https://developer.api.autodesk.com\n    \
                      auth: { client_id: { env: STUDIO_ID }, client_secret: { env: STUDIO_SECRET } }\n";

/// Who has been clicked together over the years: address, given name, role in the studio.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("clara@x.example", "Clara", "user"),
    ("edward@x.example", "Edward", "user"),
    ("gina@x.example", "Gina", "user"),
    ("mina@x.example", "Mina", "admin"),
];

const PRESS: &str = "\
teams:
  press:
    description: Whoever writes the news
    members:
      clara@x.example:
      mina@x.example:
    grants:
      wiki: { groups: [Editors] }
";

impl Office {
    async fn with_years_of_click_work() -> Self {
        let office = Self { sandbox: Sandbox::start(quick()).await.unwrap(), clone: TempDir::new().unwrap() };
        for (email, given, role) in PEOPLE {
            for (connector, app, role) in [("scim", "wiki", None), ("autodesk", "studio", Some(role.to_owned()))] {
                let (given_name, family_name) = (Some(given.to_owned()), Some("Lee".to_owned()));
                let account = NewAccount { email: email.into(), given_name, family_name, status: None, role };
                office.sandbox.add_account(connector, app, account).unwrap();
            }
        }
        let apps = &office.sandbox;
        for (id, name) in [("editors", "Editors"), ("finance", "Finance")] {
            apps.put_group("scim", "wiki", id, name).unwrap();
        }
        for (group, members) in [("editors", &["clara", "mina"][..]), ("finance", &["clara", "edward", "gina"])] {
            for name in members {
                apps.put_membership("scim", "wiki", &format!("{name}@x.example"), group, "member").unwrap();
            }
        }
        office.write(".gitignore", "/.rosterd/\n/live.json\n");
        office.write("desired-state/apps/studio.yaml", STUDIO);
        office.write("desired-state/apps/wiki.yaml", WIKI);
        office.git().main();
        office
    }

    fn git(&self) -> Repo<'_> {
        Repo(self.clone.path())
    }

    fn path(&self, file: &str) -> PathBuf {
        self.clone.path().join(file)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
        fs::write(self.path(file), text).unwrap();
    }

    /// Edits a file as a person does: these words become those.
    fn edit(&self, file: &str, edits: &[(&str, &str)]) {
        let mut text = self.read(file);
        for (old, new) in edits {
            assert_eq!(text.matches(old).count(), 1, "{old:?} in {file}:\n{text}");
            text = text.replace(old, new);
        }
        self.write(file, &text);
    }

    /// The command as it is typed in the clone.
    async fn types(&self, command: &str) -> Said {
        let mut words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        assert_eq!(words.remove(0), "rosterd");
        // What reaches the apps reaches the simulated ones, and the store is as it is with real apps.
        if words[0] != "history" && !command.contains("--live") {
            words.push(format!("--sandbox={}", self.sandbox.url()));
        }
        if ["plan", "apply", "history"].contains(&&*words[0]) {
            words.extend(["--store".to_owned(), "sqlite:.rosterd/state.db".to_owned()]);
        }
        let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_rosterd"))
            .args(&words)
            .current_dir(self.clone.path())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        finish(child).await
    }

    async fn succeeds(&self, command: &str) -> Said {
        let said = self.types(command).await;
        assert_eq!(said.status, 0, "{command}: {said:?}");
        said
    }

    async fn plans(&self, command: &str) -> Value {
        let plan = serde_json::from_str(&self.succeeds(&format!("{command} --format json")).await.out).unwrap();
        conforms(&plan);
        plan
    }

    async fn is_in_sync(&self) {
        let plan = self.plans("rosterd plan --detailed-exitcode").await;
        assert_eq!(actions(&plan), [""; 0]);
    }
}

/// `CAUSE APP VERB WHOM` of every row, by where it stands on the page: folded away under what this change does not cause,
/// or not.
fn page(markdown: &str) -> Vec<String> {
    let (mut app, mut folds, mut rows) = (String::new(), Vec::new(), Vec::new());
    for line in markdown.lines() {
        if line == "<details>" {
            folds.push(false);
        } else if line == "</details>" {
            folds.pop();
        } else if let Some(summary) = line.strip_prefix("<summary>") {
            *folds.last_mut().unwrap() = summary.starts_with("Not caused by this change");
            if let Some((_, rest)) = summary.split_once("<b><code>") {
                app = rest.split_once('<').unwrap().0.to_owned();
            }
        } else if let Some((verb, rest)) = line.strip_prefix("| ").and_then(|row| row.split_once(" | ")) {
            // Rows of the table of apps and headings name nobody.
            let whom = rest.split(" | ").next().unwrap().strip_prefix("<code>");
            let Some(whom) = whom.and_then(|whom| whom.strip_suffix("</code>")) else { continue };
            // What is most to look at stands before the apps, so that its rows name theirs.
            let (whom, app) = whom.split_once("</code><br>in <code>").unwrap_or((whom, &app));
            let cause = if folds.contains(&true) { "drift" } else { "change" };
            let verb = verb.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
            rows.push(format!("{cause} {app} {verb} {}", whom.replace("<wbr>&#64;", "@")));
        }
    }
    assert_eq!(folds, [false; 0], "every fold is closed");
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_season_of_an_office_that_keeps_its_access_in_git() {
    let office = Office::with_years_of_click_work().await;

    // On Monday what is live becomes files, and there is nothing to do.
    office.succeeds("rosterd import").await;
    office.is_in_sync().await;
    office.git().commit("Write down what is live");

    // They are ours from now on: removals too, and the news belong to a team.
    for file in ["desired-state/apps/wiki.yaml", "desired-state/apps/studio.yaml"] {
        office.edit(file, &[("    mode: add\n", "")]);
    }
    office.edit(
        "desired-state/apps/wiki.yaml",
        &[(
            "      Editors:\n        members:\n          clara@x.example:\n          mina@x.example:\n",
            "      Editors:\n",
        )],
    );
    office.write("desired-state/teams/press.yaml", PRESS);
    office.is_in_sync().await;
    office.git().commit("Take over");

    // On Tuesday a branch changes three files: Nora joins the press, which works in the studio too; Edward has left; and Gina
    // is done with Finance.
    office.git().git(&["switch", "-q", "-c", "spring"]);
    let nora = "  nora@x.example: { given_name: Nora, family_name: Lee }\n";
    let (edward, left) = ("given_name: Edward, family_name: Lee", "given_name: Edward, family_name: Lee, status: left");
    let people = office.read("desired-state/people/imported.yaml");
    office.write("desired-state/people/imported.yaml", &(people.replace(edward, left) + nora));
    office.edit(
        "desired-state/teams/press.yaml",
        &[
            ("      mina@x.example:\n", "      mina@x.example:\n      nora@x.example:\n"),
            ("[Editors] }\n", "[Editors] }\n      studio: { role: user }\n"),
        ],
    );
    let before = office.read("desired-state/apps/wiki.yaml");
    let mut lines: Vec<&str> = before.lines().collect();
    let gina = lines.iter().rposition(|line| *line == "          gina@x.example:").unwrap();
    lines.remove(gina);
    office.write("desired-state/apps/wiki.yaml", &(lines.join("\n") + "\n"));
    office.git().commit("Spring");
    assert_eq!(office.git().git(&["diff", "--name-only", "main"]).lines().count(), 3);

    // Meanwhile somebody clicks about: Clara loses the news, Mina gets Finance, and Gina can administer the studio.
    let apps = &office.sandbox;
    apps.remove_membership("scim", "wiki", "clara@x.example", "editors").unwrap();
    apps.put_membership("scim", "wiki", "mina@x.example", "finance", "member").unwrap();
    let admin = AccountPatch { role: Some("admin".into()), ..AccountPatch::default() };
    apps.patch_account("autodesk", "studio", "gina@x.example", admin).unwrap();
    office.succeeds("rosterd observe --out live.json").await;

    // On Wednesday the branch is reviewed, without a credential and without a request.
    apps.clear_log();
    let review = "rosterd plan --against main --live live.json";
    let plan = office.plans(review).await;
    assert_eq!(
        caused(&plan),
        [
            "ready change studio/create/nora@x.example",
            "ready drift studio/update/gina@x.example",
            "ready change studio/deactivate/edward@x.example",
            "ready change wiki/create/nora@x.example",
            "ready change wiki/deactivate/edward@x.example",
            "ready drift wiki/add-member/clara@x.example/Editors",
            "ready change wiki/add-member/nora@x.example/Editors",
            "ready change wiki/remove-member/edward@x.example/Finance",
            "ready change wiki/remove-member/gina@x.example/Finance",
            "ready drift wiki/remove-member/mina@x.example/Finance",
        ]
    );
    let of_gina = plan["apps"][1]["actions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|action| action["account"] == "gina@x.example" && action["verb"] == "remove-member");
    let because = of_gina.unwrap()["because"].to_string();
    assert!(because.contains(&format!("apps/wiki.yaml:{} (removed)", gina + 1)), "{because}");

    let comment = office.succeeds(&format!("{review} --format markdown")).await.out;
    assert_eq!(
        page(&comment),
        [
            "change studio create nora@x.example",
            "change studio deactivate edward@x.example",
            "change wiki add-member nora@x.example",
            "change wiki create nora@x.example",
            "change wiki deactivate edward@x.example",
            "change wiki remove-member edward@x.example",
            "change wiki remove-member gina@x.example",
            "drift studio update gina@x.example",
            "drift wiki add-member clara@x.example",
            "drift wiki remove-member mina@x.example",
        ],
        "{comment}"
    );
    let base = office.git().git(&["rev-parse", "--short=12", "main"]);
    let compared = format!("Compared with <code>main</code> (<code>{base}</code>): **7 by this change**, 3 drift, ");
    assert!(comment.contains(&compared), "{comment}");
    assert!(comment.contains("> 1 action to do by this change cannot be undone."), "{comment}");
    assert_eq!(apps.log().len(), 0);

    // What is clicked after the snapshot was taken, the snapshot cannot know; and who asks again gets the same comment.
    apps.remove_membership("scim", "wiki", "clara@x.example", "finance").unwrap();
    assert_eq!(office.succeeds(&format!("{review} --format markdown")).await.out, comment);

    // On Thursday it is merged and applied, by what is live then.
    office.git().git(&["switch", "-q", "main"]);
    office.git().git(&["merge", "-q", "--no-ff", "-m", "Merge spring", "spring"]);
    office.succeeds("rosterd apply --yes").await;
    let finance = |name: &str| {
        let account = apps.account("scim", "wiki", &format!("{name}@x.example")).unwrap();
        account.groups.iter().any(|group| group.name == "Finance")
    };
    assert_eq!(["clara", "gina", "mina", "nora"].map(finance), [true, false, false, false]);
    let of_edward = ["wiki", "studio"].map(|app| {
        let connector = if app == "wiki" { "scim" } else { "autodesk" };
        apps.account(connector, app, "edward@x.example").unwrap().status
    });
    assert_eq!(of_edward, ["inactive", "inactive"]);
    apps.advance(Duration::from_secs(2 * 3600));
    office.is_in_sync().await;
    assert_eq!(apps.account("autodesk", "studio", "nora@x.example").unwrap().invitations, 1);

    // In winter somebody asks what happened, and which commit was in force.
    let merged = office.git().git(&["rev-parse", "--short=12", "HEAD"]);
    let history = office.succeeds("rosterd history").await.out;
    assert!(history.contains(&merged), "{history}");
}
