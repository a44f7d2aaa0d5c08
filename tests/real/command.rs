//! The command in a directory of files, against a server that listens for real.

use std::{collections::BTreeMap, fs, path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// How long a command may take at most. Generous: a server of others may take a tenth of a second for each request, and more
/// while the machine is busy.
const PATIENCE: Duration = Duration::from_secs(300);

/// Files, and the variables that they refer to.
pub(crate) struct Rosterd {
    dir: TempDir,
    variables: BTreeMap<&'static str, String>,
}

/// What the command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Rosterd {
    pub(crate) fn new(variables: &[(&'static str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { dir: TempDir::new().unwrap(), variables }
    }

    /// Replaces the files.
    pub(crate) fn write(&self, text: &str) {
        fs::write(self.dir.path().join("all.yaml"), text).unwrap();
    }

    /// Puts another file beside them.
    pub(crate) fn place(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().expect("it is below the directory")).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Puts all files of a directory of the repository into it.
    pub(crate) fn place_all(&self, directory: &str) {
        fn copy(from: &Path, to: &Path) {
            fs::create_dir_all(to).unwrap();
            for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
                let to = to.join(entry.file_name());
                if entry.path().is_dir() {
                    copy(&entry.path(), &to);
                } else {
                    fs::copy(entry.path(), to).unwrap();
                }
            }
        }
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory), self.dir.path());
    }

    /// Takes a file away.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.dir.path().join(name)).unwrap();
    }

    /// Where a file of that name is.
    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) async fn run(&self, command: &str, args: &[&str]) -> Said {
        let child = Command::new(env!("CARGO_BIN_EXE_rosterd"))
            .arg(command)
            .arg(self.dir.path())
            .args(args)
            .args(matches!(command, "plan" | "apply").then_some("--store"))
            .args(matches!(command, "plan" | "apply").then(|| format!("sqlite:{}/state.db", self.dir.path().display())))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .env_remove("RUST_LOG")
            .env("COLUMNS", "100")
            .envs(&self.variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the command ends").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Applies the files; everything that was ready was done.
    pub(crate) async fn apply(&self) -> Said {
        let said = self.run("apply", &["--yes"]).await;
        assert_eq!(said.status, 0, "{said:?}");
        said
    }

    /// How many actions of each verb the plan has; all of them are ready. Nothing, where nothing is to be done.
    pub(crate) async fn plan(&self) -> BTreeMap<String, usize> {
        let said = self.run("plan", &["--format", "json"]).await;
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{}", said.out);
        let plan: Value = serde_json::from_str(&said.out).unwrap();
        let app = &plan["apps"][0];
        assert_eq!((&app["error"], &app["complete"]), (&Value::Null, &Value::Bool(true)), "{}", said.out);
        let mut verbs = BTreeMap::new();
        for action in app["actions"].as_array().unwrap() {
            assert_eq!(action["status"], "ready", "{action}");
            *verbs.entry(action["verb"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        verbs
    }
}

/// What [`Rosterd::plan`] should say.
pub(crate) fn verbs(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(verb, count)| ((*verb).to_owned(), *count)).collect()
}
