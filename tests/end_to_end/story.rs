//! A sandbox, a directory of files, and the command.

use std::{fs, path::Path, process::Stdio, time::Duration};

use rosterd::sandbox::{Config, NewAccount, Quota, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The app of a story's files; its tenant starts empty.
pub(crate) const APP: &str = "studio";

pub(crate) struct Story {
    pub sandbox: Sandbox,
    pub dir: TempDir,
    /// The folder that holds the files, in which the default store is.
    _home: TempDir,
    /// The connector of the story's app.
    pub connector: &'static str,
}

/// What the command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// A quick sandbox, whose invitations are accepted when the test moves the clock.
pub(crate) fn quick() -> Config {
    let plenty = Quota { requests: 100_000, window: Duration::from_secs(1), concurrency: usize::MAX };
    Config {
        latency: Duration::ZERO,
        accept_after: Duration::from_secs(3600),
        token_life: Duration::from_secs(30 * 86_400),
        // One command after the other meets a limit by the second, since none knows of the one before.
        quotas: [("workiva".to_owned(), plenty)].into(),
        ..Config::default()
    }
}

impl Story {
    /// A story with one Autodesk app whose body (groups, accounts, policy) is `app`, and `rest` for the other sections.
    pub(crate) async fn of(config: Config, app: &str, rest: &str) -> Self {
        Self::with(config, "autodesk", app, rest).await
    }

    /// A story with one app of another kind.
    pub(crate) async fn with(config: Config, connector: &'static str, app: &str, rest: &str) -> Self {
        let story = Self::without_files(config, connector).await;
        story.write(app, rest);
        story
    }

    /// A story whose files are to be written.
    pub(crate) async fn without_files(config: Config, connector: &'static str) -> Self {
        let home = TempDir::new().unwrap();
        let dir = TempDir::new_in(home.path()).unwrap();
        Self { sandbox: Sandbox::start(config).await.unwrap(), dir, _home: home, connector }
    }

    /// Replaces the files.
    pub(crate) fn write(&self, app: &str, rest: &str) {
        let body: String = app.lines().map(|line| format!("    {line}\n")).collect();
        let text = format!(
            "apps:\n  {APP}:\n    connector: {}\n    url: https://api.example.com\n    auth:\n      \
             client_id: {{ env: STUDIO_ID }}\n      client_secret: {{ env: STUDIO_SECRET }}\n{body}{rest}",
            self.connector
        );
        fs::write(self.dir.path().join("all.yaml"), text).unwrap();
    }

    /// An account of the story's app, put there behind our back.
    pub(crate) fn account(&self, email: &str, role: &str, active: bool) -> String {
        let status = if self.connector == "autodesk" {
            None
        } else {
            Some(if active { "active" } else { "inactive" }.to_owned())
        };
        let account = NewAccount {
            email: email.into(),
            given_name: Some("G".into()),
            family_name: Some("F".into()),
            status,
            role: Some(role.into()),
        };
        self.sandbox.add_account(self.connector, APP, account).unwrap()
    }

    /// What the app itself says of an account.
    pub(crate) fn raw(&self, account: &str) -> Value {
        self.sandbox.account(self.connector, APP, account).unwrap().raw
    }

    /// Method and path of every request that changed something or was meant to, token calls aside, in order.
    pub(crate) fn writes(&self) -> Vec<String> {
        let log = self.sandbox.log().into_iter();
        log.filter(|request| request.method != "GET" && !request.path.ends_with("/token"))
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    /// The next plan is empty.
    pub(crate) async fn converged(&self) {
        let said = self.rosterd(&["plan", "--detailed-exitcode"]).await;
        assert_eq!(said.status, 0, "{said:?}");
        assert_eq!(self.actions().await, Vec::<String>::new());
    }

    pub(crate) async fn rosterd(&self, args: &[&str]) -> Said {
        self.rosterd_with(args, &[]).await
    }

    /// The command with further variables in its environment.
    pub(crate) async fn rosterd_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        let sandbox = format!("--sandbox={}", self.sandbox.url());
        let dir = self.dir.path().to_str().unwrap().to_owned();
        let (command, rest) = args.split_first().unwrap();
        let mut all = vec![*command, dir.as_str()];
        if matches!(*command, "plan" | "apply" | "observe" | "daemon") {
            all.push(&sandbox);
        }
        all.extend(rest);
        run_with(&all, variables).await
    }

    /// The plan as JSON, checked against the published schema.
    pub(crate) async fn plan(&self) -> Value {
        let said = self.rosterd(&["plan", "--format", "json"]).await;
        assert_eq!(said.status, 0, "{said:?}");
        let plan: Value = serde_json::from_str(&said.out).unwrap();
        conforms(&plan);
        plan
    }

    /// The actions of the plan as `status name`.
    pub(crate) async fn actions(&self) -> Vec<String> {
        actions(&self.plan().await)
    }
}

pub(crate) fn actions(plan: &Value) -> Vec<String> {
    let apps = plan["apps"].as_array().unwrap().iter();
    apps.flat_map(|app| app["actions"].as_array().unwrap())
        .map(|action| format!("{} {}", action["status"].as_str().unwrap(), action["name"].as_str().unwrap()))
        .collect()
}

pub(crate) fn conforms(plan: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../src/report/plan.schema.json")).unwrap();
    if let Err(error) = jsonschema::validate(&schema, plan) {
        panic!("the plan does not conform to its schema: {error} at {}", error.instance_path());
    }
}

/// Runs the command from the root of the repository, without any of our environment's colours and credentials.
pub(crate) async fn run(args: &[&str]) -> Said {
    run_with(args, &[]).await
}

pub(crate) async fn run_with(args: &[&str], variables: &[(&str, &str)]) -> Said {
    finish(start(args, variables)).await
}

/// Starts the command and does not wait for it.
pub(crate) fn start(args: &[&str], variables: &[(&str, &str)]) -> Child {
    start_command(Command::new(env!("CARGO_BIN_EXE_rosterd")).args(args), variables)
}

/// Starts the command by another one, the first of `by`.
pub(crate) fn start_by(by: &[&str], args: &[&str]) -> Child {
    start_command(Command::new(by[0]).args(&by[1..]).args(args), &[])
}

fn start_command(command: &mut Command, variables: &[(&str, &str)]) -> Child {
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env_remove("RUST_LOG")
        .env("COLUMNS", "100")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// What a started command says until it ends.
pub(crate) async fn finish(child: Child) -> Said {
    let output = tokio::time::timeout(Duration::from_secs(120), child.wait_with_output());
    let output = output.await.expect("the command ends").unwrap();
    Said {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
