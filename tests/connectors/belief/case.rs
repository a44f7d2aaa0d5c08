//! The command as people run it, with a store, against a scripted app: its files, what it says, and what the app got.

use std::{collections::BTreeSet, fs, path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::app::{App, Dialect, Find, Hooks, State};
use crate::support::{Answer, Call};

/// What a manifest says that knows all that the app can do, short of pages and of a query.
pub(super) const MANIFEST: &str = r#"name: mine
auth: { bearer: true }
accounts:
  fields: { id: id, email: email, given_name: first, family_name: last, status: active, phone: phone }
  status: { active: true, inactive: false }
  list: { get: /users, items: data }
  read: { get: "/users/{account.id}" }
  create: { post: /users }
  update: { patch: "/users/{account.id}" }
  deactivate: { set: { status: inactive } }
  reactivate: { set: { status: active } }
  delete: { delete: "/users/{account.id}" }
groups:
  list: { get: /groups, items: data }
  read: { get: "/groups/{group.id}" }
  create: { post: /groups }
  update: { patch: "/groups/{group.id}" }
  delete: { delete: "/groups/{group.id}" }
members:
  list: { get: "/groups/{group.id}/members", items: data, account: { id: id } }
  add: { post: "/groups/{group.id}/members", body: { ids: "{account.ids}" }, at_once: 100 }
  remove: { delete: "/groups/{group.id}/members/{account.id}" }
"#;

/// The line after which a query stands.
const READ: &str = "  read: { get: \"/users/{account.id}\" }\n";

const QUERY: &str = "  find: { get: /users, query: { email: \"{email}\" }, items: data }\n";

/// An app to be, and the files about it.
pub(super) struct Setup {
    pub dialect: Dialect,
    pub state: State,
    pub hooks: Hooks,
    pub manifest: String,
    /// The app is Autodesk Construction Cloud, which a hook plays.
    pub acc: bool,
    pub options: Vec<String>,
    /// More secrets, under `auth`.
    pub secrets: String,
    /// What the app's entry says besides.
    pub app: String,
    /// What the files say besides.
    pub rest: String,
}

/// The address of a person of a series.
pub(super) fn email(n: usize) -> String {
    format!("p{n}@x.example")
}

/// `accounts:` that grants these an account.
pub(super) fn accounts(people: impl IntoIterator<Item = usize>) -> String {
    let people: Vec<_> = people.into_iter().map(|n| format!("{}: ", email(n))).collect();
    format!("accounts: {{ {} }}", people.join(", "))
}

/// `people:` of a series, who exist without having anything.
pub(super) fn people(people: impl IntoIterator<Item = usize>) -> String {
    let people: Vec<_> = people.into_iter().map(|n| format!("  {}: {{ }}\n", email(n))).collect();
    format!("people:\n{}", people.concat())
}

impl Setup {
    /// An empty app. Its manifest has no query, and its SCIM server answers filters.
    pub(super) fn of(dialect: Dialect) -> Self {
        Self {
            dialect,
            state: State::new(dialect),
            hooks: Hooks::default(),
            manifest: MANIFEST.to_owned(),
            acc: false,
            options: Vec::new(),
            secrets: String::new(),
            app: String::new(),
            rest: String::new(),
        }
    }

    /// Accounts `u1` and so on, each of the person with that number.
    pub(super) fn users(mut self, numbers: impl IntoIterator<Item = usize>) -> Self {
        for n in numbers {
            self.state.add_user(&format!("u{n}"), &email(n));
        }
        self
    }

    pub(super) fn user(mut self, id: &str, email: &str) -> Self {
        self.state.add_user(id, email);
        self
    }

    pub(super) fn group(mut self, id: &str, name: &str, members: &[&str]) -> Self {
        self.state.add_group(id, name, members);
        self
    }

    /// Rows as somebody else left them.
    pub(super) fn left(mut self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.state);
        self
    }

    /// A query by address, compared like this. A manifest gets one.
    pub(super) fn finds(mut self, find: Find) -> Self {
        self.state.find = find;
        self.says(READ, &format!("{READ}{QUERY}"))
    }

    /// Another text in the manifest.
    pub(super) fn says(mut self, old: &str, new: &str) -> Self {
        assert!(self.manifest.contains(old), "the manifest has no `{old}`");
        self.manifest = self.manifest.replacen(old, new, 1);
        self
    }

    /// One more option of the app.
    pub(super) fn option(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// One more option, where the app is spoken to as SCIM.
    pub(super) fn scim_option(self, option: &str) -> Self {
        match self.dialect {
            Dialect::Scim => self.option(option),
            Dialect::Rest => self,
        }
    }

    /// Secrets under `auth` besides the token.
    pub(super) fn secret(mut self, secret: &str) -> Self {
        self.secrets += &format!(", {secret}");
        self
    }

    pub(super) fn files(mut self, app: &str, rest: &str) -> Self {
        (self.app, self.rest) = (app.to_owned(), rest.to_owned());
        self
    }

    /// Answers in the app's place where `hook` has one.
    pub(super) fn before(mut self, hook: impl Fn(&Call, &mut State) -> Option<Answer> + Send + Sync + 'static) -> Self {
        self.hooks.before = Some(Box::new(hook));
        self
    }

    /// Shows lists as `hook` says.
    pub(super) fn listed(
        mut self,
        hook: impl Fn(&Call, super::app::Rows, Vec<Value>) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.listed = Some(Box::new(hook));
        self
    }

    /// Changes answers.
    pub(super) fn after(mut self, hook: impl Fn(&Call, Answer) -> Answer + Send + Sync + 'static) -> Self {
        self.hooks.after = Some(Box::new(hook));
        self
    }

    pub(super) async fn start(self) -> Case {
        let app = App::start(self.state, self.hooks).await;
        let place = TempDir::new().unwrap();
        fs::create_dir_all(place.path().join("desired-state/connectors")).unwrap();
        let case = Case {
            dialect: self.dialect,
            acc: self.acc,
            app,
            place,
            options: self.options.join(", "),
            secrets: self.secrets,
        };
        fs::write(case.manifest(), &self.manifest).unwrap();
        case.write(&self.app, &self.rest);
        case
    }
}

/// What the command said.
#[derive(Debug)]
pub(super) struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Whether either of its outputs has this.
    pub(super) fn has(&self, text: &str) -> bool {
        self.out.contains(text) || self.err.contains(text)
    }

    /// Stdout and stderr as one text without the breaks of lines that a width makes.
    pub(super) fn all(&self) -> String {
        format!("{}\n{}", self.out, self.err).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A running app with files about it.
pub(super) struct Case {
    pub dialect: Dialect,
    acc: bool,
    pub app: App,
    place: TempDir,
    options: String,
    secrets: String,
}

impl Case {
    /// The directory of the files.
    pub(super) fn dir(&self) -> std::path::PathBuf {
        self.place.path().join("desired-state")
    }

    pub(super) fn manifest(&self) -> std::path::PathBuf {
        self.dir().join("connectors/mine.yaml")
    }

    /// Replaces the files. People of the series and Jane whom the app's entry names are put under `people`.
    pub(super) fn write(&self, app: &str, rest: &str) {
        let rest = with_people(app, rest);
        let (connector, auth) = match (self.acc, self.dialect) {
            (true, _) => ("acc", "client_id: { env: DEMO_TOKEN }, client_secret: { env: DEMO_CODE }"),
            (false, Dialect::Scim) => ("scim", "token: { env: DEMO_TOKEN }"),
            (false, Dialect::Rest) => ("connectors/mine.yaml", "token: { env: DEMO_TOKEN }"),
        };
        let body: String = app.lines().map(|line| format!("    {line}\n")).collect();
        // Caps are another matter, unless a test brings its own.
        let policy = match app.contains("policy:") {
            true => "",
            false => "    policy: { max_creates: 1000, max_removals: 100%, min_admins: 0 }\n",
        };
        let text = format!(
            "apps:\n  demo:\n    connector: {connector}\n    url: {}\n    auth: {{ {auth}{} }}\n    \
             options: {{ {} }}\n{policy}{body}{rest}",
            self.app.server.url, self.secrets, self.options
        );
        fs::write(self.dir().join("all.yaml"), text).unwrap();
    }

    /// The files as they stand.
    pub(super) fn text(&self) -> String {
        fs::read_to_string(self.dir().join("all.yaml")).unwrap()
    }

    pub(super) async fn rosterd(&self, args: &[&str]) -> Said {
        let dir = self.dir();
        let (command, rest) = args.split_first().unwrap();
        run(self.place.path(), &[&[*command, dir.to_str().unwrap()], rest].concat()).await
    }

    /// The command with its arguments as they are.
    pub(super) async fn plainly(&self, args: &[&str]) -> Said {
        run(self.place.path(), args).await
    }

    pub(super) async fn apply(&self) -> Said {
        self.rosterd(&["apply", "--yes"]).await
    }

    /// Applies; all that could be done was done.
    pub(super) async fn applied(&self) -> Said {
        let said = self.apply().await;
        assert_eq!(said.status, 0, "{:?}: {said:?}", self.dialect);
        said
    }

    pub(super) async fn plan(&self) -> Planned {
        self.plan_with(&[]).await
    }

    pub(super) async fn plan_with(&self, more: &[&str]) -> Planned {
        let said = self.rosterd(&[&["plan", "--format", "json"], more].concat()).await;
        let plan =
            serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{:?}: {error}: {said:?}", self.dialect));
        Planned(plan)
    }

    /// The next plan has nothing to do and nothing to say against that it saw everything.
    pub(super) async fn converged(&self, what: &str) {
        let plan = self.plan().await;
        assert_eq!(plan.actions(), [""; 0], "{what}, {:?}: {:#}", self.dialect, plan.0);
        assert!(plan.is_complete(), "{what}, {:?}: {:#}", self.dialect, plan.0);
    }

    /// Whatever is left waits for a person: nothing is ready, and applying sends nothing that writes.
    pub(super) async fn rests(&self, what: &str) {
        let plan = self.plan().await;
        let ready: Vec<_> = plan.actions().into_iter().filter(|action| action.starts_with("ready")).collect();
        assert_eq!(ready, [""; 0], "{what}, {:?}: {:#}", self.dialect, plan.0);
        let before = self.writes().len();
        self.apply().await;
        assert_eq!(self.writes().len(), before, "{what}, {:?}: {:?}", self.dialect, self.writes());
    }

    /// Method and path of every request, the token's aside, with queries decoded.
    pub(super) fn lines(&self) -> Vec<String> {
        let calls = self.app.server.calls();
        let line = |call: &Call| {
            let query: Vec<_> = call.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{} {}{mark}{}", call.method, call.path, query.join("&"))
        };
        calls.iter().map(line).collect()
    }

    /// Method and path of every request that changes something.
    pub(super) fn writes(&self) -> Vec<String> {
        let reads = |line: &String| line.starts_with("GET ") || line.contains("/.search") || line.ends_with("/token");
        self.lines().into_iter().filter(|line| !reads(line)).collect()
    }

    /// How many accounts or groups were sent to be made.
    pub(super) fn made(&self, what: &str) -> usize {
        let path = format!("POST /{what}");
        self.writes().iter().filter(|line| line.eq_ignore_ascii_case(&path)).count()
    }

    /// Bodies of requests with this method, in order.
    pub(super) fn bodies(&self, method: &str) -> Vec<Value> {
        let calls = self.app.server.calls();
        calls.into_iter().filter(|call| call.method == method).map(|call| call.body).collect()
    }
}

/// What the files say besides, with everybody whom the app's entry names and nothing else does.
fn with_people(app: &str, rest: &str) -> String {
    let is_address = |c: char| c.is_alphanumeric() || "@.".contains(c);
    let named = app.split(|c: char| !is_address(c)).filter(|word| word.ends_with("@x.example"));
    let missing: BTreeSet<&str> = named.filter(|email| !rest.contains(email)).collect();
    let lines: String = missing.iter().map(|email| format!("  {email}: {{ }}\n")).collect();
    match rest.split_once("people:\n") {
        Some((before, after)) => format!("{before}people:\n{lines}{after}"),
        None if lines.is_empty() => rest.to_owned(),
        None => format!("{rest}people:\n{lines}"),
    }
}

async fn run(place: &Path, args: &[&str]) -> Said {
    let child = Command::new(env!("CARGO_BIN_EXE_rosterd"))
        .args(args)
        .current_dir(place)
        .env_remove("RUST_LOG")
        .env("COLUMNS", "100")
        .env("DEMO_TOKEN", "a-token-for-tests")
        .env("DEMO_CODE", "a-code-for-tests")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(120), child).await.expect("the command ends").unwrap();
    Said {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A plan as other programs get it.
pub(super) struct Planned(pub Value);

impl Planned {
    fn app(&self) -> &Value {
        &self.0["apps"][0]
    }

    /// The actions as `status name`, or `held(guard) name`.
    pub(super) fn actions(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let shown = |action: &Value| match action["held"]["guard"].as_str() {
            Some(guard) => format!("held({guard}) {}", text(&action["name"])),
            None => format!("{} {}", text(&action["status"]), text(&action["name"])),
        };
        self.app()["actions"].as_array().unwrap_or_else(|| panic!("{:#}", self.0)).iter().map(shown).collect()
    }

    pub(super) fn error(&self) -> Option<&str> {
        self.app()["error"].as_str()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.error().is_none() && self.app()["complete"] == true
    }

    pub(super) fn seen(&self) -> u64 {
        self.app()["observed"]["accounts"].as_u64().unwrap()
    }

    /// Every finding as `code: message`.
    pub(super) fn findings(&self) -> Vec<String> {
        let of = |value: &Value| value["findings"].as_array().cloned().unwrap_or_default();
        let all = of(self.app()).into_iter().chain(of(&self.0));
        all.map(|one| format!("{}: {}", one["code"].as_str().unwrap(), one["message"].as_str().unwrap())).collect()
    }

    /// The finding with this code whose message has this in it.
    pub(super) fn finding(&self, code: &str, has: &str) -> Option<String> {
        self.findings().into_iter().find(|one| one.starts_with(&format!("{code}: ")) && one.contains(has))
    }

    /// Everything that the plan says, for looking for a word in it.
    pub(super) fn says(&self, text: &str) -> bool {
        self.0.to_string().contains(text)
    }
}
