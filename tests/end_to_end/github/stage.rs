//! A machine that runs the workflows of `deploy/github` as GitHub would: their own steps, in their order and with their own
//! variables, against a repository in a directory, a `gh` that keeps GitHub's side in files, and the simulated app.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use rosterd::sandbox::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, NewAccount, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{against::Repo, story::quick};

/// What GitHub gives to the run, and nobody else may have.
pub(super) const TOKEN: &str = "ghs_token_of_the_run";

/// The number of the pull request.
pub(super) const NUMBER: &str = "7";

/// The scripts as they are in this repository.
pub(super) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/github")
}

/// A workflow as it is in this repository.
pub(super) fn workflow(name: &str) -> Value {
    let text = fs::read_to_string(scripts().join(name)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Whether everything is there that the scripts are run with. Where it must be, its absence is an error.
pub(super) fn tools() -> bool {
    let missing: Vec<&str> = ["bash", "git", "jq", "unzip", "zip", "curl"]
        .into_iter()
        .filter(|tool| Command::new(tool).arg("--help").output().is_err())
        .collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("REAL_SERVERS").is_none_or(|it| it != "required"), "install {missing:?}");
    eprintln!("left out: there is no {missing:?} here");
    false
}

pub(super) struct Stage {
    pub dir: TempDir,
    pub sandbox: Sandbox,
    clone: PathBuf,
    /// What `${{ … }}` stands for.
    values: BTreeMap<String, String>,
}

/// How a job ended, and what it said.
#[derive(Debug)]
pub(super) struct Job {
    /// The step that failed.
    pub failed: Option<String>,
    pub said: String,
}

impl Job {
    pub(super) fn passed(self) -> String {
        assert_eq!(self.failed, None, "{}", self.said);
        self.said
    }

    /// Lines of the log that GitHub would take for commands.
    pub(super) fn commands(&self) -> Vec<&str> {
        let mut stopped_until: Option<String> = None;
        let mut commands = Vec::new();
        for line in self.said.lines() {
            if let Some(until) = &stopped_until {
                if line == until {
                    stopped_until = None;
                }
            } else if let Some(word) = line.strip_prefix("::stop-commands::") {
                assert_eq!(word.len(), 32, "nobody guesses {word}");
                stopped_until = Some(format!("::{word}::"));
            } else if line.trim_start().starts_with("::") || line.contains("##[") {
                commands.push(line);
            }
        }
        assert_eq!(stopped_until, None, "{}", self.said);
        commands
    }

    /// The job failed in this step and said so.
    pub(super) fn failed_in(&self, step: &str, words: &str) {
        assert!(self.failed.as_deref() == Some(step) && self.said.contains(words), "{self:?}");
    }
}

impl Stage {
    /// A machine with the scripts, and no files yet.
    async fn empty() -> Self {
        let dir = TempDir::new().unwrap();
        let sandbox = Sandbox::start(quick()).await.unwrap();
        let values = BTreeMap::from([
            ("github.token".to_owned(), TOKEN.to_owned()),
            ("github.event.pull_request.number".into(), NUMBER.into()),
            ("github.event.repository.default_branch".into(), "main".into()),
            ("secrets.AUTODESK_CLIENT_ID".into(), DEFAULT_CLIENT_ID.into()),
            ("secrets.AUTODESK_CLIENT_SECRET".into(), DEFAULT_CLIENT_SECRET.into()),
            ("vars.ROSTERD_URL".into(), "https://builds.example/rosterd".into()),
        ]);
        let clone = dir.path().join("clone");
        let mut stage = Self { dir, sandbox, clone, values };
        for (file, text) in [("comments.json", "[]"), ("issues.json", "[]"), ("artifacts.json", "[]"), ("calls", "")] {
            stage.write(&format!("state/{file}"), text);
        }
        stage.install_fakes();

        fs::create_dir_all(stage.path("clone/deploy/github")).unwrap();
        for file in fs::read_dir(scripts()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), stage.path("clone/deploy/github").join(file.file_name())).unwrap();
        }
        stage
    }

    /// The example organisation, whose apps are as its files say, with a snapshot of them.
    pub(super) async fn example() -> Self {
        let stage = Self::empty().await;
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state");
        let copied = Command::new("cp").arg("-R").arg(example).arg(stage.path("clone")).status().unwrap();
        assert!(copied.success());
        stage.found();
        stage.rosterd(&["apply", "--yes"]);
        stage.rosterd(&["observe", "--out", stage.path("live.json").to_str().unwrap()]);
        stage
    }

    /// A command in the clone, about the simulated apps. Returns what it said.
    pub(super) fn rosterd(&self, args: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_rosterd"))
            .args(args)
            .arg(format!("--sandbox={}", self.sandbox.url()))
            .current_dir(self.path("clone"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        said
    }

    /// The repository of an organisation with one app, in which Ann and Bob have accounts, as the files say.
    pub(super) async fn new() -> Self {
        let stage = Self::empty().await;
        for name in ["ann", "bob"] {
            stage.account(name);
        }
        let app = format!(
            "apps:\n  autodesk:\n    connector: autodesk\n    url: {}/autodesk/studio\n    auth:\n      client_id: {{ env: \
             AUTODESK_CLIENT_ID }}\n      client_secret: {{ env: AUTODESK_CLIENT_SECRET }}\n    defaults: {{ role: user }}\n    \
             accounts:\n      ann@example.com:\n      bob@example.com:\n",
            stage.sandbox.url()
        );
        stage.write("clone/desired-state/apps/autodesk.yaml", &app);
        let person = |given: &str| {
            format!("  {}@example.com: {{ given_name: {given}, family_name: Lee }}\n", given.to_lowercase())
        };
        stage.write("clone/desired-state/people.yaml", &format!("people:\n{}{}", person("Ann"), person("Bob")));
        stage.write("clone/desired-state/settings.yaml", "settings:\n  store: \"sqlite:.rosterd.db\"\n");
        stage.found();
        stage
    }

    /// Commits the files, and gives the repository its place on the server.
    fn found(&self) {
        self.repo().main();
        self.repo().git(&["init", "-q", "--bare", "-b", "main", self.path("origin.git").to_str().unwrap()]);
        self.repo().git(&["remote", "add", "origin", &self.origin()]);
        self.push_main();
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
        fs::write(self.path(file), text).unwrap();
    }

    pub(super) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }

    /// What GitHub holds.
    pub(super) fn state(&self, file: &str) -> Value {
        serde_json::from_str(&self.read(&format!("state/{file}"))).unwrap()
    }

    pub(super) fn set_state(&self, file: &str, value: &Value) {
        self.write(&format!("state/{file}"), &value.to_string());
    }

    /// Whatever a script asked GitHub for since the last time, reading aside.
    pub(super) fn writes(&self) -> Vec<String> {
        let calls = self.read("state/calls");
        self.write("state/calls", "");
        calls.lines().filter(|call| !call.starts_with("GET ")).map(str::to_owned).collect()
    }

    pub(super) fn account(&self, name: &str) {
        let account = NewAccount {
            email: format!("{name}@example.com"),
            given_name: Some(name[..1].to_uppercase() + &name[1..]),
            family_name: Some("Lee".into()),
            status: None,
            role: Some("user".into()),
        };
        self.sandbox.add_account("autodesk", "studio", account).unwrap();
    }

    /// Where commits are made.
    pub(super) fn repo(&self) -> Repo<'_> {
        Repo(&self.clone)
    }

    fn origin(&self) -> String {
        format!("file://{}", self.path("origin.git").display())
    }

    pub(super) fn push_main(&self) {
        self.repo().git(&["push", "-q", "origin", "main"]);
    }

    /// A pull request with these files, and the merge that GitHub makes of it on trial.
    pub(super) fn pull_request(&mut self, files: &[(&str, &str)]) {
        let clone = self.repo();
        clone.git(&["switch", "-q", "-C", "change", "main"]);
        for (file, text) in files {
            self.write(&format!("clone/{file}"), text);
        }
        clone.commit("change");
        self.propose();
    }

    /// Makes a pull request of what is committed on the branch `change`.
    pub(super) fn propose(&mut self) {
        let head = self.repo().git(&["rev-parse", "change"]);
        self.values.insert("github.event.pull_request.head.sha".into(), head);
        let clone = self.repo();
        clone.git(&["switch", "-q", "-C", "trial", "main"]);
        clone.git(&["merge", "-q", "--no-ff", "-m", "trial", "change"]);
        clone.git(&["push", "-q", "-f", "origin", &format!("trial:refs/pull/{NUMBER}/merge")]);
        clone.git(&["switch", "-q", "main"]);
    }

    /// Another value for `${{ name }}`.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.into(), value.into());
    }

    /// Commands that stand for what is not here: GitHub, a place to download from, and a rosterd that tells what it and the
    /// processes above it can see of the environment.
    fn install_fakes(&mut self) {
        let gh = include_str!("gh").replace("state=STATE", &format!("state='{}'", self.path("state").display()));
        self.command("bin/gh", &gh);
        let rosterd = format!(
            "#!/usr/bin/env bash\npid=$$\nwhile [ \"$pid\" -gt 1 ]; do\n    tr '\\0' '\\n' <\"/proc/$pid/environ\" >>'{seen}' \
             2>/dev/null || true\n    pid=$(sed -n 's/^PPid:[^0-9]*//p' \"/proc/$pid/status\")\ndone\nexec '{real}' \"$@\"\n",
            seen = self.path("state/seen").display(),
            real = env!("CARGO_BIN_EXE_rosterd"),
        );
        self.command("builds/rosterd", &rosterd);
        let sum = Command::new("sha256sum").arg(self.path("builds/rosterd")).output().unwrap();
        let sum = String::from_utf8(sum.stdout).unwrap();
        self.set("vars.ROSTERD_SHA256", sum.split(' ').next().unwrap());
        let curl = format!(
            "#!/usr/bin/env bash\nset -euo pipefail\nwhile [ $# -gt 1 ]; do\n    [ \"$1\" = --output ] && out=$2\n    \
             shift\ndone\ncp \"{}/${{1#https://builds.example/}}\" \"$out\"\n",
            self.path("builds").display()
        );
        self.command("bin/curl", &curl);
    }

    pub(super) fn command(&self, file: &str, text: &str) {
        self.write(file, text);
        fs::set_permissions(self.path(file), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The environment of a step, without anything of ours.
    fn bash(&self, workspace: &Path, script: &str) -> Command {
        let mut command = Command::new("bash");
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        command.args(["-e", "-c", script]).current_dir(workspace).env_clear();
        command.envs([("PATH", path.as_str()), ("GITHUB_REPOSITORY", "o/r"), ("ROSTERD_WAITS", "0 0")]);
        command.env("GIT_CONFIG_GLOBAL", self.path("gitconfig"));
        command.env("HOME", self.path("home")).env("RUNNER_TEMP", self.path("temp"));
        command.env("GITHUB_STEP_SUMMARY", self.path("state/summary")).env("GITHUB_PATH", self.path("state/path"));
        command
    }

    /// One script by itself, from the root of the repository.
    pub(super) fn script(&self, line: &str, variables: &[(&str, &str)]) -> Job {
        fs::create_dir_all(self.path("temp")).unwrap();
        fs::create_dir_all(self.path("home")).unwrap();
        let mut command = self.bash(&self.path("clone"), &format!("deploy/github/{line}"));
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Job { failed: (!output.status.success()).then(|| line.to_owned()), said }
    }

    /// A job on a machine of its own.
    pub(super) fn job(&self, workflow: &Value, name: &str) -> Job {
        for place in ["temp", "work", "home"] {
            // A machine that was never used has nothing to forget.
            let _ = fs::remove_dir_all(self.path(place));
            fs::create_dir_all(self.path(place)).unwrap();
        }
        for file in ["state/path", "state/summary"] {
            self.write(file, "");
        }
        let mut job = Job { failed: None, said: String::new() };
        for step in workflow["jobs"][name]["steps"].as_array().unwrap() {
            let always = step["if"] == "always()";
            assert!(always || step["if"].is_null(), "{step}");
            if job.failed.is_some() && !always {
                continue;
            }
            let named = step["name"].as_str().or(step["uses"].as_str()).unwrap();
            job.said += &format!("--- {named}\n");
            let done = match step["uses"].as_str() {
                Some(action) => self.action(action, &step["with"]),
                None => self.run(step, &mut job.said),
            };
            if !done && step["continue-on-error"] != true && job.failed.is_none() {
                job.failed = Some(named.to_owned());
            }
        }
        job
    }

    fn run(&self, step: &Value, said: &mut String) -> bool {
        let mut script = "export PATH=\"$(tr '\\n' ':' <\"$GITHUB_PATH\")$PATH\"\n".to_owned();
        script += step["run"].as_str().unwrap();
        let mut command = self.bash(&self.path("work"), &script);
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            command.env(name, self.expand(value.as_str().unwrap()));
        }
        let output = command.output().unwrap();
        *said += &String::from_utf8_lossy(&output.stdout);
        *said += &String::from_utf8_lossy(&output.stderr);
        output.status.success()
    }

    fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (name, after) = after.split_once("}}").unwrap();
            let temp = self.path("temp").display().to_string();
            let value = if name.trim() == "runner.temp" { &temp } else { self.values.get(name.trim()).expect(name) };
            out += before;
            out += value;
            rest = after;
        }
        out + rest
    }

    /// GitHub's own actions, as far as they are used.
    fn action(&self, action: &str, with: &Value) -> bool {
        let path = |key: &str| {
            let path = PathBuf::from(self.expand(with[key].as_str().unwrap()));
            if path.is_absolute() { path } else { self.path("work").join(path) }
        };
        match action.split('@').next().unwrap() {
            "actions/checkout" => {
                let clone = ["clone", "-q", "--depth=1", "-b", "main", &self.origin()].map(str::to_owned);
                Command::new("git").args(clone).arg(self.path("work")).status().unwrap().success()
            }
            "actions/upload-artifact" => {
                let (file, name) = (path("path"), with["name"].as_str().unwrap());
                if file.exists() {
                    self.upload(name, &file, &json!({}));
                }
                file.exists() || with["if-no-files-found"] == "ignore"
            }
            "actions/download-artifact" => {
                let artifacts = self.state("artifacts.json");
                let of = |one: &&Value| one["name"] == with["name"];
                let Some(found) = artifacts.as_array().unwrap().iter().rev().find(of) else { return false };
                let zip = self.path(&format!("state/{}.zip", found["id"]));
                Command::new("unzip")
                    .args(["-q", "-o"])
                    .arg(zip)
                    .arg("-d")
                    .arg(path("path"))
                    .status()
                    .unwrap()
                    .success()
            }
            other => panic!("nobody plays {other}"),
        }
    }

    /// Leaves an artifact, newer than those before it, of a run of the main branch unless `but` says otherwise.
    pub(super) fn upload(&self, name: &str, file: &Path, but: &Value) -> u64 {
        let mut artifacts = self.state("artifacts.json");
        let all = artifacts.as_array_mut().unwrap();
        let zips = fs::read_dir(self.path("state")).unwrap();
        let zips = zips.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "zip"));
        let id = 10 + zips.count() as u64;
        let zip = self.path(&format!("state/{id}.zip"));
        assert!(Command::new("zip").args(["-q", "-j"]).arg(zip).arg(file).status().unwrap().success());
        let mut artifact = json!({
            "id": id, "name": name, "expired": false, "created_at": format!("2026-11-25T10:00:{id}Z"),
            "workflow_run": { "id": 1000 + id, "head_branch": "main", "head_repository_id": 1, "repository_id": 1 },
            "run": {
                "path": ".github/workflows/rosterd-drift.yml", "event": "schedule",
                "head_sha": self.repo().git(&["rev-parse", "main"]),
            },
        });
        for (key, value) in but.as_object().unwrap() {
            match value.as_object() {
                Some(parts) => parts.iter().for_each(|(part, value)| artifact[key][part] = value.clone()),
                None => artifact[key] = value.clone(),
            }
        }
        all.push(artifact);
        self.set_state("artifacts.json", &artifacts);
        id
    }

    /// Forgets the artifacts of this name, as a run sees none of another run.
    pub(super) fn forget(&self, name: &str) {
        let mut artifacts = self.state("artifacts.json");
        artifacts.as_array_mut().unwrap().retain(|artifact| artifact["name"] != name);
        self.set_state("artifacts.json", &artifacts);
    }
}
