//! The daemon as it runs for real: the binary against a sandbox, seen over HTTP and stopped by signals.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rosterd::sandbox::{AccountPatch, Config, Fault, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::Child,
};

use crate::{
    hook::Hook,
    story::{APP, Story, actions, finish, quick, run, start},
};

/// Debug builds on busy machines take their time. What takes longer does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A daemon that serves.
pub(crate) struct Running {
    child: Child,
    /// What it logs. It is read all the time, so that a full pipe never stops the daemon.
    log: tokio::task::JoinHandle<String>,
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
}

impl Running {
    /// A daemon whose store goes with it.
    pub(crate) async fn start(dir: &Path, sandbox: &Sandbox) -> Self {
        Self::remembering(dir, sandbox, &[]).await
    }

    /// A daemon with these arguments besides.
    async fn remembering(dir: &Path, sandbox: &Sandbox, more: &[&str]) -> Self {
        Self::with(dir, sandbox, more, &[]).await
    }

    /// The same with further variables in its environment.
    pub(crate) async fn with(dir: &Path, sandbox: &Sandbox, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let at = format!("--sandbox={}", sandbox.url());
        let mut child = start(&[&["daemon", dir.to_str().unwrap(), &at], more].concat(), variables);
        let mut err = child.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut log = String::new();
            err.read_to_string(&mut log).await.unwrap();
            log
        });
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        tokio::time::timeout(PATIENCE, out.read_line(&mut line)).await.expect("it serves").unwrap();
        if !line.starts_with("http://") {
            panic!("it does not serve: {}", log.await.unwrap());
        }
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        Self { child, log, url: line.trim().to_owned(), http }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn status(&self) -> Value {
        serde_json::from_str(&self.get("/api/v1/status").await.1).unwrap()
    }

    async fn sync(&self, query: &str) -> u16 {
        let answer = self.http.post(format!("{}/api/v1/sync{query}", self.url)).send().await.unwrap();
        answer.status().as_u16()
    }

    /// Waits until the status is as it should be.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let status = self.status().await;
            if is_so(&status) {
                return status;
            }
            assert!(Instant::now() < end, "{what} does not come: {status:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Ends it, and checks that this takes no longer than promised. What it logged.
    pub(crate) async fn terminate(mut self) -> String {
        self.signal("-TERM");
        let ended = tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await;
        let status = ended.expect("it ends in time").unwrap();
        let log = self.log.await.unwrap();
        assert!(status.success(), "{status}: {log}");
        log
    }
}

pub(crate) fn app<'a>(status: &'a Value, name: &str) -> &'a Value {
    let apps = status["apps"].as_array().unwrap();
    apps.iter().find(|app| app["app"] == name).unwrap_or(&Value::Null)
}

pub(crate) fn settings(schedule: &str, more: &str) -> String {
    format!("settings:\n  schedule: {schedule}\n  daemon: {{ listen: \"127.0.0.1:0\"{more} }}\n")
}

/// The example organisation, with a schedule of its own.
fn example(schedule: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state");
    copy(&from, dir.path());
    let path = dir.path().join("settings.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("schedule:")).collect();
    let text = kept.join("\n") + &format!("\n  schedule: {schedule}\n  daemon: {{ listen: \"127.0.0.1:0\" }}\n");
    fs::write(path, text).unwrap();
    dir
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_made_behind_its_back_in_each_of_the_five_apps_is_corrected_in_the_next_cycle() {
    let sandbox = Sandbox::start(quick()).await.unwrap();
    // Autodesk shows roles and teams of one account at a time. A cycle reads as many of them as a share of the budget over
    // the interval allows, which in an hour is everybody.
    let files = example("{ every: 1h }");
    let daemon = Running::start(files.path(), &sandbox).await;
    let settled = |status: &Value, word: &[&str]| {
        let apps = status["apps"].as_array().unwrap();
        apps.len() == 5 && apps.iter().all(|app| word.contains(&app["standing"].as_str().unwrap()))
    };
    daemon.until("the first reading", |status| settled(status, &["in-sync", "waiting"])).await;
    assert_eq!(daemon.get("/readyz").await.0, 200);
    sandbox.advance(Duration::from_secs(2 * 3600));
    assert_eq!(daemon.sync("").await, 202);
    daemon.until("an organisation in sync", |status| settled(status, &["in-sync"])).await;

    let left = [
        ("autodesk", "autodesk", "samuel.osei@northwind.example", "BIM Standards"),
        ("acc", "acc", "laura.jensen@northwind.example", "Museum Extension"),
        ("alteryx", "alteryx", "samuel.osei@northwind.example", "Model Data"),
        ("scim", "intranet", "mina.park@northwind.example", "Intranet Editors"),
        ("workiva", "workiva", "clara.weiss@northwind.example", "Board Pack"),
    ];
    let group = |connector: &str, tenant: &str, name: &str| {
        let groups = sandbox.groups(connector, tenant).unwrap();
        groups.into_iter().find(|group| group.name == name).unwrap_or_else(|| panic!("no {name}")).id
    };
    let is_member = |connector: &str, tenant: &str, email: &str, name: &str| {
        let account = sandbox.account(connector, tenant, email).unwrap();
        account.groups.iter().any(|group| group.name == name)
    };
    for (connector, tenant, email, name) in left {
        let id = group(connector, tenant, name);
        assert!(is_member(connector, tenant, email, name));
        sandbox.remove_membership(connector, tenant, email, &id).unwrap();
    }
    let somebody = AccountPatch { family_name: Some("Drifted".into()), ..AccountPatch::default() };
    sandbox.patch_account("workiva", "workiva", "clara.weiss@northwind.example", somebody).unwrap();
    let drifted = jiff::Timestamp::now();
    assert_eq!(daemon.sync("").await, 202);

    // The cycle that begins after the change is the next one.
    for (connector, tenant, email, name) in left {
        let status = daemon
            .until("the next cycle", |status| {
                let began = app(status, tenant)["last"]["began"].as_str().unwrap();
                began.parse::<jiff::Timestamp>().unwrap() > drifted
            })
            .await;
        assert_eq!(app(&status, tenant)["last"]["result"], "ok", "{status:#}");
        assert!(is_member(connector, tenant, email, name), "{tenant}");
    }
    let clara = sandbox.account("workiva", "workiva", "clara.weiss@northwind.example").unwrap();
    assert_eq!(clara.family_name.as_deref(), Some("Weiss"), "{clara:?}");
    daemon.terminate().await;

    let at = format!("--sandbox={}", sandbox.url());
    let said = run(&["plan", files.path().to_str().unwrap(), &at, "--format", "json"]).await;
    assert_eq!(actions(&serde_json::from_str(&said.out).unwrap()), [""; 0], "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_are_told_the_last_good_ones_stay_in_force_and_mended_ones_are_taken_up_at_once() {
    let story = Story::of(quick(), "defaults: { role: user }\naccounts: { a@example.com: }", "").await;
    let settings = settings("{ every: 1h }", "");
    story.write("defaults: { role: user }\naccounts: { a@example.com: }", &settings);
    let daemon = Running::start(story.dir.path(), &story.sandbox).await;
    daemon.until("the first cycle", |status| app(status, APP)["last"]["done"] == 1).await;

    let bad = story.dir.path().join("bad.yaml");
    fs::write(&bad, "peple: {}\n").unwrap();
    let status = daemon.until("the complaint", |status| status["files"]["valid"] == false).await;
    let problems = status["files"]["bad"]["problems"].as_str().unwrap();
    assert!(problems.contains("bad.yaml:1:1") && problems.contains("did you mean `people`?"), "{problems}");
    assert!(daemon.get("/metrics").await.1.contains("\nrosterd_files_valid 0\n"));
    let (_, page) = daemon.get("/").await;
    assert!(page.contains("did you mean `people`?") && page.contains("stay in force"), "{page}");
    assert_eq!(daemon.get("/readyz").await.0, 200, "it goes on by the last good files");

    // By which drift is corrected all the while.
    let drift = AccountPatch { role: Some("viewer".into()), ..AccountPatch::default() };
    story.sandbox.patch_account("autodesk", APP, "a@example.com", drift).unwrap();
    assert_eq!(daemon.sync("").await, 202);
    daemon.until("the correction", |status| app(status, APP)["last"]["trigger"] == "asked").await;
    assert_eq!(story.sandbox.account("autodesk", APP, "a@example.com").unwrap().role, "user");

    fs::remove_file(bad).unwrap();
    story.write("defaults: { role: user }\naccounts: { a@example.com: , b@example.com: }", &settings);
    let status = daemon.until("the new files", |status| app(status, APP)["last"]["trigger"] == "files").await;
    assert_eq!(status["files"]["valid"], true);
    assert!(story.sandbox.account("autodesk", APP, "b@example.com").is_ok());
    let metrics = daemon.get("/metrics").await.1;
    assert!(metrics.contains("\nrosterd_files_valid 1\n"), "{metrics}");
    assert!(!metrics.contains("\nrosterd_files_total{result=\"refused\"} 0\n"), "{metrics}");
    assert!(metrics.contains("rosterd_actions_total{app=\"studio\",verb=\"create\",result=\"done\"} 2\n"), "{metrics}");
    let log = daemon.terminate().await;
    assert!(log.contains("the last good ones stay in force") && log.contains("bad.yaml:1:1"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_with_bad_files_ends_with_what_is_wrong() {
    let story = Story::of(quick(), "accounts: { a@example.com: }", "peple: {}\n").await;
    let said = story.rosterd(&["daemon"]).await;
    assert_eq!((said.status, said.out.as_str()), (1, ""));
    assert!(said.err.contains("did you mean `people`?"), "{}", said.err);
}

const PEOPLE: usize = 30;

fn many(people: usize) -> String {
    let mut text = String::from("defaults: { role: user }\naccounts:\n");
    for i in 0..people {
        writeln!(text, "  service-{i:02}@example.com:").unwrap();
    }
    text
}

/// A daemon whose first cycle invites many people, each of whom takes `wait` to be answered and has been invited by then.
async fn inviting(wait: &str, more: &[&str]) -> (Story, Running) {
    let story = Story::of(quick(), &many(PEOPLE), &settings("{ every: 1h }", "")).await;
    let slow = format!("method=POST,path=/users,kind=slow,wait={wait}").parse::<Fault>().unwrap();
    story.sandbox.set_faults(vec![slow]);
    let daemon = Running::remembering(story.dir.path(), &story.sandbox, more).await;
    while story.sandbox.accounts("autodesk", APP).unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (story, daemon)
}

/// Another daemon finishes what the first one left, and invites nobody again.
async fn taken_up_again(story: &Story, more: &[&str]) -> String {
    story.sandbox.set_faults(Vec::new());
    let daemon = Running::remembering(story.dir.path(), &story.sandbox, more).await;
    daemon.until("the rest", |status| app(status, APP)["standing"] == "in-sync").await;
    let log = daemon.terminate().await;
    let accounts = story.sandbox.accounts("autodesk", APP).unwrap();
    assert_eq!(accounts.len(), PEOPLE);
    assert!(accounts.iter().all(|account| account.invitations == 1), "{accounts:?}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_in_mid_cycle_it_finishes_what_is_in_flight_and_sends_nothing_new() {
    let (story, daemon) = inviting("1s", &[]).await;
    let log = daemon.terminate().await;
    let made = story.sandbox.accounts("autodesk", APP).unwrap().len();
    assert!(made < PEOPLE, "the rest was not begun");
    let done = log.lines().filter(|line| line.contains("done action=")).count();
    assert_eq!(done, made, "{log}");
    assert!(!log.contains("not all that is in flight"), "{log}");
    taken_up_again(&story, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_does_not_answer_keeps_it_for_no_more_than_ten_seconds() {
    let (story, daemon) = inviting("60s", &[]).await;
    let log = daemon.terminate().await;
    assert!(log.contains("not all that is in flight came to an end in time"), "{log}");
    taken_up_again(&story, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_while_its_store_is_being_opened_it_ends_well_and_says_so() {
    let story = Story::of(quick(), "accounts: { a@example.com: }", &settings("{ every: 1h }", "")).await;
    // A server that takes connections and says nothing.
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = format!("--store=postgres://nobody@{}/db", server.local_addr().unwrap());
    let at = format!("--sandbox={}", story.sandbox.url());
    let child = start(&["daemon", story.dir.path().to_str().unwrap(), &at, &store], &[]);
    let _silent = tokio::time::timeout(PATIENCE, server.accept()).await.expect("it opens its store").unwrap();
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let said = tokio::time::timeout(Duration::from_secs(10), finish(child)).await.expect("it ends in time");
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.err.contains("ended before it began to work"), "{said:?}");
}

/// A store that outlives a process, in a directory of its own.
fn store() -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    let address = format!("--store=sqlite:{}", dir.path().join("state.db").display());
    (dir, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_mid_cycle_and_started_again_it_loses_nothing_and_invites_nobody_twice() {
    let (_kept, store) = store();
    let (story, mut daemon) = inviting("1s", &[&store]).await;
    daemon.signal("-KILL");
    daemon.child.wait().await.unwrap();
    let made = story.sandbox.accounts("autodesk", APP).unwrap().len();
    assert!(made > 0 && made < PEOPLE, "{made}");
    let log = taken_up_again(&story, &[&store]).await;
    let found = log.lines().filter(|line| line.contains("an earlier run left this under way")).count();
    assert!(found > 0, "what was under way was looked for: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_somebody_applies_to_is_left_alone_until_they_are_done() {
    let story = Story::of(quick(), &many(PEOPLE), &settings("{ every: 1s }", "")).await;
    let (_kept, store) = store();
    let slow = "method=POST,path=/users,kind=slow,wait=1s".parse::<Fault>().unwrap();
    story.sandbox.set_faults(vec![slow]);
    let at = format!("--sandbox={}", story.sandbox.url());
    let applying = start(&["apply", story.dir.path().to_str().unwrap(), &at, &store, "--yes"], &[]);
    while story.sandbox.accounts("autodesk", APP).unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let daemon = Running::remembering(story.dir.path(), &story.sandbox, &[&store]).await;
    let status = daemon.until("the note", |status| app(status, APP)["last"]["result"] == "skipped").await;
    let note = app(&status, APP)["last"]["note"].as_str().unwrap();
    assert!(note.contains("rosterd apply on") && note.contains("is writing to this app"), "{note}");
    let said = finish(applying).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(daemon.sync("").await, 202);
    daemon.until("its turn", |status| app(status, APP)["standing"] == "in-sync").await;
    daemon.terminate().await;
    let accounts = story.sandbox.accounts("autodesk", APP).unwrap();
    assert!(accounts.iter().all(|account| account.invitations == 1), "{accounts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_newer_files_take_back_is_not_begun_by_a_cycle_that_is_under_way_and_the_cycle_ends_well() {
    let (story, daemon) = inviting("1s", &[]).await;
    // Only those who are invited by now stay in the files, with one more.
    let made = story.sandbox.accounts("autodesk", APP).unwrap().len();
    story.write(&many(made), &settings("{ every: 1h }", ""));
    daemon.until("the new files", |status| app(status, APP)["last"]["trigger"] == "files").await;
    story.sandbox.set_faults(Vec::new());
    let accounts = story.sandbox.accounts("autodesk", APP).unwrap();
    assert!(accounts.len() < PEOPLE, "{} of {PEOPLE} were invited all the same", accounts.len());
    let metrics = daemon.get("/metrics").await.1;
    assert!(metrics.contains("rosterd_cycles_total{app=\"studio\",result=\"stopped\"} 0\n"), "{metrics}");
    assert!(metrics.contains("rosterd_actions_total{app=\"studio\",verb=\"create\",result=\"skipped\"}"), "{metrics}");
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outage_of_one_app_delays_no_other() {
    let story = Story::of(quick(), "accounts: { a@example.com: }", "").await;
    let two = "accounts: { a@example.com: }\n";
    let other = format!(
        "  other:\n    connector: autodesk\n    url: https://api.example.com\n    auth:\n      \
         client_id: {{ env: OTHER_ID }}\n      client_secret: {{ env: OTHER_SECRET }}\n{}",
        settings("{ every: 1s }", "")
    );
    story.write(two, &other);
    let broken = format!("tenant={APP},kind=500").parse::<Fault>().unwrap();
    story.sandbox.set_faults(vec![broken]);
    let daemon = Running::start(story.dir.path(), &story.sandbox).await;
    // Retrying alone takes the broken app longer than three cycles take the other.
    daemon.until("three cycles", |status| app(status, "other")["standing"] == "in-sync").await;
    let cycles = |metrics: &str, app: &str| -> u64 {
        let line = format!("rosterd_cycles_total{{app=\"{app}\",result=\"ok\"}} ");
        metrics.lines().find_map(|found| found.strip_prefix(&line)?.parse().ok()).unwrap()
    };
    while cycles(&daemon.get("/metrics").await.1, "other") < 3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(cycles(&daemon.get("/metrics").await.1, APP), 0);
    assert_eq!(daemon.get("/readyz").await.0, 503);
    daemon.until("the outage", |status| app(status, APP)["standing"] == "unreadable").await;
    assert_eq!(daemon.get("/healthz").await.0, 200, "an app's outage is not the daemon's");

    story.sandbox.set_faults(Vec::new());
    assert_eq!(daemon.sync(&format!("?app={APP}")).await, 202);
    daemon.until("the end of the outage", |status| app(status, APP)["standing"] == "in-sync").await;
    assert_eq!(daemon.get("/readyz").await.0, 200);
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_drift_is_only_reported_nothing_is_written() {
    let story = Story::of(quick(), "accounts: { a@example.com: }", &settings("{ every: 1s }", ", drift: report")).await;
    let observed = "mode: observe\naccounts: { a@example.com: }";
    for (app_body, rest) in [
        ("accounts: { a@example.com: }", settings("{ every: 1s }", ", drift: report")),
        (observed, settings("{ every: 1s }", "")),
    ] {
        let hook = Hook::start().await;
        story.write(app_body, &format!("{}\n  notify: [ {{ url: {{ env: HOOK }} }} ]\n", rest.trim_end()));
        let daemon = Running::with(story.dir.path(), &story.sandbox, &[], &[("HOOK", &hook.url)]).await;
        let status = daemon.until("the drift", |status| app(status, APP)["standing"] == "drift").await;
        assert_eq!(app(&status, APP)["last"]["result"], "drift");
        assert_eq!(app(&status, APP)["seen"]["open"][0]["action"], format!("{APP}/create/a@example.com"));
        assert!(daemon.get("/").await.1.contains(&format!("{APP}/create/a@example.com")));
        let thrice = |metrics: &str| {
            let line = format!("rosterd_cycles_total{{app=\"{APP}\",result=\"drift\"}} ");
            let count = metrics.lines().find_map(|found| found.strip_prefix(&line)?.parse::<u64>().ok());
            count.is_some_and(|count| count >= 3)
        };
        while !thrice(&daemon.get("/metrics").await.1) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        daemon.terminate().await;
        let told = hook.take();
        assert_eq!(told.len(), 1, "once, whatever cycles there were: {told:?}");
        assert!(told[0].starts_with(":mag: *studio*: 1 new difference, reported and not corrected"), "{told:?}");
        assert_eq!(story.writes(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_guards_the_status_and_the_trigger_and_sighup_reads_it_again() {
    let token = TempDir::new().unwrap();
    let path = token.path().join("token");
    fs::write(&path, "token-4711-of-the-daemon\n").unwrap();
    let more = format!(", token: {{ file: {} }}", path.display());
    let story = Story::of(quick(), "accounts: { a@example.com: }", &settings("{ every: 1h }", &more)).await;
    let daemon = Running::start(story.dir.path(), &story.sandbox).await;
    let ask = async |method: reqwest::Method, path: &str, token: Option<&str>| {
        let mut request = daemon.http.request(method, format!("{}{path}", daemon.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().status().as_u16()
    };
    for path in ["/", "/api/v1/status", "/metrics"] {
        assert_eq!(ask(reqwest::Method::GET, path, None).await, 401, "{path}");
        assert_eq!(ask(reqwest::Method::GET, path, Some("token-4712-of-the-daemon")).await, 401, "{path}");
        assert_eq!(ask(reqwest::Method::GET, path, Some("token-4711-of-the-daemon")).await, 200, "{path}");
    }
    assert_eq!(ask(reqwest::Method::GET, "/healthz", None).await, 200, "probes show no names and need no token");
    assert_eq!(ask(reqwest::Method::POST, "/api/v1/sync", None).await, 401);
    assert_eq!(ask(reqwest::Method::POST, "/api/v1/sync", Some("token-4711-of-the-daemon")).await, 202);
    assert_eq!(ask(reqwest::Method::POST, "/api/v1/sync?app=nowhere", Some("token-4711-of-the-daemon")).await, 404);
    assert_eq!(ask(reqwest::Method::GET, "/api/v1/sync", Some("token-4711-of-the-daemon")).await, 405);
    assert_eq!(ask(reqwest::Method::GET, "/nothing", None).await, 404);

    fs::write(&path, "token-4712-of-the-daemon\n").unwrap();
    daemon.signal("-HUP");
    let end = Instant::now() + PATIENCE;
    while ask(reqwest::Method::GET, "/", Some("token-4712-of-the-daemon")).await != 200 {
        assert!(Instant::now() < end, "the new token is not taken up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(ask(reqwest::Method::GET, "/", Some("token-4711-of-the-daemon")).await, 401);
    let log = daemon.terminate().await;
    assert!(!log.contains("token-471"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_start_where_others_could_reach_it_without_a_token() {
    let story = Story::of(Config { empty: true, ..quick() }, "", "").await;
    let check = async |settings: &str, expect: &str| {
        story.write("accounts: { a@example.com: }", settings);
        let said = story.rosterd(&["daemon"]).await;
        assert_eq!((said.status, said.out.as_str()), (1, ""));
        assert!(said.err.contains(expect), "{}", said.err);
        assert_eq!(story.writes(), [""; 0]);
    };
    let open = "settings: { daemon: { listen: \"0.0.0.0:0\" } }\n";
    check(open, "there is no token").await;
    let missing = "settings: { daemon: { listen: \"0.0.0.0:0\", token: { env: NO_SUCH_TOKEN } } }\n";
    check(missing, "the variable NO_SUCH_TOKEN is not set").await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    check(&format!("settings: {{ daemon: {{ listen: \"127.0.0.1:{port}\" }} }}\n"), "cannot serve on").await;
    let cron = "settings: { schedule: { cron: \"0 25 * * *\" } }\n";
    check(cron, "cron does not know it").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_shown_with_the_line_that_releases_it() {
    let left = "people: { a@example.com: {} }\n";
    let granted = "accounts: { b@example.com: }";
    let untold = "  notify: [ { url: { env: NO_SUCH_HOOK } } ]\n";
    let story = Story::of(quick(), granted, &format!("{left}{}{untold}", settings("{ every: 1h }", ""))).await;
    story.account("a@example.com", "user", true);
    story.account("b@example.com", "user", true);
    let daemon = Running::start(story.dir.path(), &story.sandbox).await;
    let status = daemon.until("the guard", |status| app(status, APP)["standing"] == "held").await;
    let open = &app(&status, APP)["seen"]["open"][0];
    assert_eq!(open["guard"], "irreversible", "{status:#}");
    let release = open["release"].as_str().unwrap();
    assert!(release.contains(&format!("allow: {APP}/deactivate/a@example.com")), "{release}");
    let page = daemon.get("/").await.1;
    assert!(page.contains(release) && page.contains("irreversible"), "{page}");

    // That line, as it is, releases it.
    let approvals = format!("{left}approvals:\n  {release}\n{}", settings("{ every: 1h }", ""));
    story.write(granted, &approvals);
    daemon.until("the release", |status| app(status, APP)["standing"] == "in-sync").await;
    let log = daemon.terminate().await;
    let complaints = log.lines().filter(|line| line.contains("NO_SUCH_HOOK is not set")).count();
    assert_eq!(complaints, 2, "at the start, and when there was something to tell: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_told_of_drift_of_what_is_held_and_of_failures_each_once() {
    let hook = Hook::start().await;
    let webhook = "\n  notify: [ { url: { env: HOOK } } ]";
    let rest = |people: &str| format!("{people}{}{webhook}\n", settings("{ every: 1h }", "").trim_end());
    let both = "defaults: { role: user }\naccounts: { a@example.com: , b@example.com: }";
    let story = Story::of(quick(), both, &rest("")).await;
    story.account("a@example.com", "user", true);
    let daemon = Running::with(story.dir.path(), &story.sandbox, &[], &[("HOOK", &hook.url)]).await;
    // Goes through one more cycle, and waits until the webhook has been told so much in all.
    let cycle = async |trigger: &str, in_all: usize| {
        let began = jiff::Timestamp::now();
        if trigger == "asked" {
            assert_eq!(daemon.sync("").await, 202);
        }
        daemon
            .until("the cycle", |status| {
                let last = &app(status, APP)["last"];
                let after = last["began"].as_str().is_some_and(|at| at.parse::<jiff::Timestamp>().unwrap() >= began);
                if trigger == "asked" { after } else { last["trigger"] == trigger }
            })
            .await;
        hook.wait(in_all).await;
    };
    // What the first cycle does is what the files ask for.
    cycle("schedule", 0).await;
    let drift = AccountPatch { role: Some("viewer".into()), ..AccountPatch::default() };
    story.sandbox.patch_account("autodesk", APP, "a@example.com", drift).unwrap();
    cycle("asked", 1).await;
    cycle("asked", 1).await;

    // An outage, whose second cycle is no news, and its end.
    story.sandbox.set_faults(vec![format!("tenant={APP},kind=reset-before").parse::<Fault>().unwrap()]);
    cycle("asked", 2).await;
    cycle("asked", 2).await;
    story.sandbox.set_faults(Vec::new());
    cycle("asked", 3).await;

    // What new files ask for is no drift; what a guard holds of it is told.
    story.write(
        "defaults: { role: user }\naccounts: { b@example.com: , c@example.com: }",
        &rest("people: { a@example.com: {} }\n"),
    );
    cycle("files", 4).await;
    cycle("asked", 4).await;

    // A webhook that refuses is told again after the next cycle.
    hook.answer(404);
    fs::write(story.dir.path().join("bad.yaml"), "peple: {}\n").unwrap();
    hook.wait(5).await;
    hook.answer(200);
    cycle("asked", 6).await;
    cycle("asked", 6).await;

    let told = hook.take();
    let mistakes = ":x: *The newest files have mistakes*, and the last good ones stay in force";
    let expected = [
        ":wrench: *studio*: 1 difference has come up and been corrected\n• `update a@example.com`",
        ":x: *studio* cannot be worked with, and nothing is changed there meanwhile",
        ":white_check_mark: *studio* works again",
        ":raised_hand: *studio*: 1 action waits for a person\n• `deactivate a@example.com`: irreversible: ",
        mistakes,
        mistakes,
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
    let log = daemon.terminate().await;
    assert!(log.contains("told a webhook what is new") && log.contains("it answered 404"), "{log}");
    assert!(!log.contains(hook.secret()), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_as_they_are_sent_whatever_becomes_of_the_cycle() {
    let app_lines = "defaults: { role: user }\naccounts: [a@example.com]";
    let story = Story::of(quick(), app_lines, &settings("{ every: 1h }", "")).await;
    let daemon = Running::start(story.dir.path(), &story.sandbox).await;
    let sent = async || {
        let (_, page) = daemon.get("/metrics").await;
        let line = page.lines().find(|line| line.starts_with("rosterd_requests_total")).unwrap();
        line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()
    };
    daemon.until("the first cycle", |status| app(status, APP)["last"]["done"] == 1).await;
    assert_eq!(sent().await, story.sandbox.log().len());

    // A cycle that sees nothing of the app.
    let fault = |kind: &str| story.sandbox.set_faults(vec![format!("tenant={APP},kind={kind}").parse().unwrap()]);
    fault("500");
    assert_eq!(daemon.sync("").await, 202);
    daemon.until("the failure", |status| app(status, APP)["last"]["result"] == "unread").await;
    let after = sent().await;
    assert_eq!(after, story.sandbox.log().len());

    // One that waits for an answer which does not come.
    fault("stalled");
    assert_eq!(daemon.sync("").await, 202);
    let end = Instant::now() + PATIENCE;
    while sent().await == after {
        assert!(Instant::now() < end, "nothing is counted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let status = daemon.status().await;
    assert_eq!(app(&status, APP)["running"]["trigger"], "asked", "the cycle is still under way: {status:#}");
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_deleted_under_the_daemon_stops_its_writing_and_everybody_is_told() {
    let hook = Hook::start().await;
    let rest = settings("{ every: 1h }", "").trim_end().to_owned() + "\n  notify: [ { url: { env: HOOK } } ]\n";
    let story = Story::of(quick(), "defaults: { role: user }\naccounts: [a@example.com]", &rest).await;
    let stores = TempDir::new().unwrap();
    let file = stores.path().join("state.db");
    let store = format!("--store=sqlite:{}", file.display());
    let daemon = Running::with(story.dir.path(), &story.sandbox, &[&store], &[("HOOK", &hook.url)]).await;
    daemon.until("the first cycle", |status| app(status, APP)["last"]["done"] == 1).await;
    let drift = |role: &str| {
        let patch = AccountPatch { role: Some(role.into()), ..AccountPatch::default() };
        story.sandbox.patch_account("autodesk", APP, "a@example.com", patch).unwrap();
    };
    drift("viewer");
    let aside = stores.path().join("aside.db");
    fs::rename(&file, &aside).unwrap();
    assert_eq!(daemon.sync("").await, 202);
    let status = daemon.until("the failure", |status| status["store"]["works"] == false).await;
    let before = app(&status, APP)["last"]["began"].clone();
    let words = "its file was deleted while it was open (nothing can be written down: put the same file back";
    assert!(status.to_string().contains(words), "{status:#}");
    hook.wait(1).await;
    assert!(hook.take()[0].contains("The store cannot be used"));
    assert_eq!(daemon.get("/readyz").await.0, 503);
    assert_eq!(story.writes().len(), 1, "{:?}", story.writes());
    assert!(!file.exists());

    // With its file back it goes on where it was.
    fs::rename(&aside, &file).unwrap();
    assert_eq!(daemon.sync("").await, 202);
    let corrected = |last: &Value| last["done"] == 1 && last["began"] != before;
    daemon.until("the correction", |status| corrected(&app(status, APP)["last"])).await;
    hook.wait(1).await;
    let log = daemon.terminate().await;
    assert_eq!(log.matches("it is tried every few seconds").count(), 1, "told once: {log}");
    assert!(log.contains("the store works again") && log.contains(words), "{log}");
    let said = story.rosterd(&["history", &store, "--verify"]).await;
    assert_eq!(said.status, 0, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_repository_has_a_commit_and_every_run_looks_whether_the_files_are_in_it() {
    let story = Story::of(quick(), "accounts: { a@example.com: }", "").await;
    let dir = story.dir.path();
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false"];
        let output = Command::new("git").arg("-C").arg(dir).args(identity).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q"]);
    git(&["commit", "-q", "--allow-empty", "-m", "Begin"]);
    story.write("defaults: { role: user }\naccounts: { a@example.com: }", &settings("{ every: 1h }", ""));
    let stores = TempDir::new().unwrap();
    let file = stores.path().join("state.db");
    let store = format!("--store=sqlite:{}", file.display());
    // What git's own tests have a repository look like another user's with.
    let foreign = [("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")];
    let daemon = Running::with(dir, &story.sandbox, &[&store], &foreign).await;
    daemon.until("the first cycle", |status| app(status, APP)["last"]["done"] == 1).await;
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "Take somebody in"]);
    // A cycle that finds nothing to do is no run.
    let drift = AccountPatch { role: Some("viewer".into()), ..AccountPatch::default() };
    story.sandbox.patch_account("autodesk", APP, "a@example.com", drift).unwrap();
    assert_eq!(daemon.sync("").await, 202);
    daemon.until("the next cycle", |status| app(status, APP)["last"]["trigger"] == "asked").await;
    let log = daemon.terminate().await;
    // What the daemon leaves behind is one file.
    assert!(!stores.path().join("state.db-wal").exists(), "{log}");
    let said = story.rosterd(&["history", &store, "--format", "json"]).await;
    let json: Value = serde_json::from_str(&said.out).unwrap();
    let commits: Vec<&str> =
        json["runs"].as_array().unwrap().iter().map(|run| run["commit"].as_str().unwrap()).collect();
    let expect = [git(&["rev-parse", "HEAD^"]) + "+changes", git(&["rev-parse", "HEAD"])];
    assert_eq!([commits.first(), commits.last()], [Some(&&*expect[0]), Some(&&*expect[1])], "{commits:?} {log}");
}
