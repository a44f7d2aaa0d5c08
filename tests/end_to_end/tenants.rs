//! What caps remember belongs to the app, not to what the files call it, where they say that it is, or where the shell stands.

use std::{fs, path::Path, process::Stdio};

use rosterd::sandbox::{NewAccount, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::story::{Said, finish, quick};

/// Ten accounts of a Workiva tenant, and a folder with files, without `--sandbox`: so that names and addresses are the files' own.
struct Place {
    sandbox: Sandbox,
    folder: TempDir,
}

/// The tenant in the sandbox, whatever the files call the app.
const TENANT: &str = "studio";

impl Place {
    async fn new() -> Self {
        let sandbox = Sandbox::start(quick()).await.unwrap();
        for n in 0..10 {
            let account = NewAccount {
                email: person(n),
                given_name: Some("G".into()),
                family_name: Some("F".into()),
                status: Some("active".into()),
                role: Some("Viewer".into()),
            };
            sandbox.add_account("workiva", TENANT, account).unwrap();
        }
        Self { sandbox, folder: TempDir::new().unwrap() }
    }

    /// Files that call the app so, at this host, and grant accounts to all but the first `gone`.
    fn files(&self, app: &str, host: &str, gone: usize) {
        let url = self.sandbox.url().replace("127.0.0.1", host);
        let mut text = format!(
            "settings:\n  store: sqlite:.rosterd/state.db\n  policy: {{ max_removals: {{ share: 50%, at_least: 3 }} }}\napps:\n  {app}:\n    connector: workiva\n    \
             url: {url}/workiva/{TENANT}\n    auth:\n      client_id: {{ env: STUDIO_ID }}\n      \
             client_secret: {{ file: secrets/studio }}\n    defaults: {{ role: Viewer }}\n    accounts:\n"
        );
        (gone..10).for_each(|n| text += &format!("      {}:\n", person(n)));
        text += "people:\n";
        for n in 0..10 {
            let left = if n < gone { ", status: left" } else { "" };
            text += &format!("  {}: {{ given_name: G, family_name: F{left} }}\n", person(n));
        }
        let dir = self.folder.path().join("desired-state");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("all.yaml"), text).unwrap();
        let secrets = self.folder.path().join("secrets");
        fs::create_dir_all(&secrets).unwrap();
        fs::write(secrets.join("studio"), "sandbox-secret\n").unwrap();
    }

    /// The command in the folder that has the files.
    async fn rosterd(&self, args: &[&str]) -> Said {
        self.rosterd_from(self.folder.path(), args).await
    }

    /// The same with the shell somewhere else.
    async fn rosterd_from(&self, shell: &Path, args: &[&str]) -> Said {
        let (command, rest) = args.split_first().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_rosterd"))
            .arg(command)
            .arg(self.folder.path().join("desired-state"))
            .args(rest)
            .current_dir(shell)
            .env_remove("RUST_LOG")
            .env("STUDIO_ID", "sandbox")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        finish(child).await
    }

    /// How many people the app lets in.
    fn active(&self) -> usize {
        let accounts = self.sandbox.accounts("workiva", TENANT).unwrap();
        accounts.iter().filter(|account| account.status == "active").count()
    }

    /// Three people go, as many as may within the first day.
    async fn three_go(&self) {
        self.files("studio", "127.0.0.1", 3);
        let said = self.rosterd(&["apply", "--yes"]).await;
        assert_eq!((said.status, self.active()), (0, 7), "{said:?}");
    }
}

fn person(n: usize) -> String {
    format!("p{n}@example.com")
}

/// Nobody more has gone, and the plan says that six would.
fn holds_six(said: &Said) {
    assert!(said.out.contains("6 people would lose something"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_renamed_or_spelled_another_way_takes_the_caps_along() {
    for (app, host) in [("atelier", "127.0.0.1"), ("studio", "localhost"), ("atelier", "localhost")] {
        let place = Place::new().await;
        place.three_go().await;
        place.files(app, host, 6);
        for command in [&["plan"][..], &["apply", "--yes"], &["apply", "--yes"]] {
            let said = place.rosterd(command).await;
            holds_six(&said);
            assert_eq!(place.active(), 7, "{app} at {host}: {said:?}");
        }
        let told = place.rosterd(&["history", "--verify"]).await;
        assert_eq!(told.status, 0, "{told:?}");
        let told = place.rosterd(&["history", "--app", app]).await;
        assert!(told.out.contains("was recognized") && told.out.contains(&person(0)), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_that_recognizes_an_app_says_so_once() {
    let place = Place::new().await;
    place.three_go().await;
    place.files("atelier", "127.0.0.1", 3);
    let codes = async |command: &[&str]| {
        let said = place.rosterd(&[command, &["--format", "json"]].concat()).await;
        let plan: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
        let findings = plan["apps"][0]["findings"].as_array().unwrap().iter();
        findings.filter(|finding| finding["code"] == "same-app").count()
    };
    assert_eq!(codes(&["plan"]).await, 1);
    assert_eq!(codes(&["plan"]).await, 1, "a plan changes nothing");
    assert_eq!(place.rosterd(&["apply", "--yes"]).await.status, 0);
    assert_eq!(codes(&["plan"]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_restored_counts_what_happened_since() {
    let place = Place::new().await;
    place.files("studio", "127.0.0.1", 0);
    assert_eq!(place.rosterd(&["apply", "--yes"]).await.status, 0);
    let store = place.folder.path().join(".rosterd/state.db");
    let backup = fs::read(&store).unwrap();
    place.three_go().await;
    for beside in ["-wal", "-shm"] {
        fs::remove_file(store.with_file_name(format!("state.db{beside}"))).unwrap_or_default();
    }
    fs::write(&store, backup).unwrap();
    place.files("studio", "127.0.0.1", 6);
    for _ in 0..2 {
        let said = place.rosterd(&["apply", "--yes"]).await;
        holds_six(&said);
        assert_eq!(place.active(), 7, "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_keeps_nothing_removes_no_more_than_a_few_unless_somebody_saw_the_plan() {
    let place = Place::new().await;
    place.files("studio", "127.0.0.1", 4);
    for store in ["sqlite::memory:".to_owned(), format!("sqlite:{}", place.folder.path().join("new.db").display())] {
        let said = place.rosterd(&["apply", "--yes", "--store", &store]).await;
        assert!(said.out.contains("no reading of the app that is a day old"), "{said:?}");
        assert!(said.out.contains("guard: max-removals, up_to: 4"), "{said:?}");
        assert_eq!(place.active(), 10, "{said:?}");
    }
    let saved = place.folder.path().join("plan.json");
    let said = place.rosterd(&["plan", "--out", saved.to_str().unwrap()]).await;
    assert_eq!(said.status, 0, "{said:?}");
    let said = place.rosterd(&["apply", "--yes", "--plan", saved.to_str().unwrap()]).await;
    assert_eq!((said.status, place.active()), (0, 6), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_and_secrets_are_where_the_files_are_wherever_the_shell_is() {
    let (place, elsewhere) = (Place::new().await, TempDir::new().unwrap());
    place.three_go().await;
    place.files("studio", "127.0.0.1", 6);
    let said = place.rosterd_from(elsewhere.path(), &["apply", "--yes"]).await;
    holds_six(&said);
    assert_eq!(place.active(), 7);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0, "no second store is made");
    // One that an earlier version made there is named.
    let [ours, other] = [place.folder.path(), elsewhere.path()].map(|folder| folder.join(".rosterd"));
    fs::create_dir(&other).unwrap();
    fs::copy(ours.join("state.db"), other.join("state.db")).unwrap();
    let said = place.rosterd_from(elsewhere.path(), &["plan"]).await;
    assert!(said.status == 0 && said.err.contains("is another one, and is not used"), "{said:?}");
    fs::remove_dir_all(&ours).unwrap();
    for command in [&["plan"][..], &["apply", "--yes"], &["history"]] {
        let said = place.rosterd_from(elsewhere.path(), command).await;
        // A plan can do without a past.
        let refused = said.status == 1 && said.err.contains("move it there");
        assert!(refused || command == ["plan"], "{said:?}");
        assert!(said.err.contains(other.join("state.db").to_str().unwrap()), "{said:?}");
    }
    assert!(!ours.exists());
}
