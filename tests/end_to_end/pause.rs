//! A pause stops what is written, in every process that shares the store.

use std::{fmt::Write as _, time::Duration};

use reqwest::{Method, StatusCode};
use rosterd::sandbox::Fault;
use serde_json::Value;

use crate::{
    daemon::{Running, app, settings},
    hook::Hook,
    story::{APP, Said, Story, actions, conforms, finish, quick, start},
};

/// A story with a store that its commands share.
struct Shared {
    story: Story,
    store: String,
}

impl Shared {
    fn of(story: Story) -> Self {
        let store = format!("sqlite:{}", story.dir.path().join("state.db").display());
        Self { story, store }
    }

    /// One app, in which Ann and Lea have accounts, and a store that knows them.
    async fn with_ann_and_lea() -> Self {
        let shared = Self::of(Story::with(quick(), "workiva", &body("ann"), &people("ann", "active")).await);
        shared.story.account("ann@example.com", "Viewer", true);
        shared.story.account("lea@example.com", "Viewer", true);
        shared
    }

    async fn rosterd(&self, args: &[&str]) -> Said {
        self.story.rosterd(&[args, &["--store", &self.store]].concat()).await
    }

    async fn fine(&self, args: &[&str]) -> String {
        let said = self.rosterd(args).await;
        assert_eq!(said.status, 0, "{args:?}: {said:?}");
        said.out
    }

    async fn refused(&self, args: &[&str], words: &[&str]) {
        let said = self.rosterd(args).await;
        let err = said.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.status == 1 && words.iter().all(|word| err.contains(word)), "{args:?}: {said:?}");
    }

    async fn plan(&self) -> Value {
        let plan = serde_json::from_str(&self.fine(&["plan", "--format", "json"]).await).unwrap();
        conforms(&plan);
        plan
    }
}

/// Accounts of these people.
fn body(names: &str) -> String {
    let accounts: String = names.split(' ').map(|name| format!("  {name}@example.com:\n")).collect();
    format!("options: {{ admin_roles: [Workspace Admin] }}\ndefaults: {{ role: Viewer }}\naccounts:\n{accounts}")
}

fn people(names: &str, lea: &str) -> String {
    let mut people = format!("people:\n  lea@example.com: {{ given_name: Lea, family_name: Lee, status: {lea} }}\n");
    for name in names.split(' ') {
        writeln!(people, "  {name}@example.com: {{ given_name: {name}, family_name: Lee }}").unwrap();
    }
    people
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_all_but_what_cuts_off_leavers_until_it_is_ended() {
    let shared = Shared::with_ann_and_lea().await;
    shared.story.write(&body("ann lea"), &people("ann", "active"));
    shared.fine(&["apply", "--yes"]).await;
    shared.story.write(&body("ann new"), &people("ann new", "left"));
    let before = shared.story.writes().len();

    let out = shared.fine(&["pause", "--app", APP, "--for", "2h", "--reason", "the tenant is moved"]).await;
    assert!(out.starts_with(&format!("{APP}: paused until")) && out.contains("the tenant is moved"), "{out}");
    let plan = shared.plan().await;
    assert_eq!(
        actions(&plan),
        [format!("held {APP}/create/new@example.com"), format!("ready {APP}/deactivate/lea@example.com")]
    );
    let held = &plan["apps"][0]["actions"][0]["held"];
    assert_eq!((&held["guard"], &held["release"]), (&"paused".into(), &Value::Null), "{held}");
    assert!(held["repair"].as_str().unwrap().contains(&format!("`rosterd pause --end --app {APP}`")), "{held}");
    let findings = plan["apps"][0]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["code"] == "paused"), "{findings:?}");

    let out = shared.fine(&["apply", "--yes"]).await;
    assert!(out.contains("the tenant is moved"), "{out}");
    let writes = shared.story.writes().split_off(before);
    assert_eq!(writes.len(), 1, "Lea is cut off, and nothing else is written: {writes:?}");
    assert_eq!(shared.story.raw("lea@example.com")["active"], false);

    let listed: Value = serde_json::from_str(&shared.fine(&["pause", "--format", "json"]).await).unwrap();
    assert_eq!((&listed["pauses"][0]["app"], &listed["pauses"][0]["holds_leavers"]), (&APP.into(), &false.into()));
    shared.fine(&["pause", "--app", APP, "--end"]).await;
    assert_eq!(shared.fine(&["pause"]).await, "Nothing is paused.\n");
    shared.fine(&["apply", "--yes"]).await;
    assert!(actions(&shared.plan().await).is_empty());

    let history = shared.fine(&["history", "--app", APP]).await;
    for words in [format!("{APP} was paused"), format!("the pause of {APP} ended"), "the tenant is moved".into()] {
        assert!(history.contains(&words), "{words}: {history}");
    }
    shared.fine(&["history", "--verify"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_all_apps_may_hold_leavers_and_ends_by_itself() {
    let shared = Shared::with_ann_and_lea().await;
    shared.story.write(&body("ann lea"), &people("ann", "active"));
    shared.fine(&["apply", "--yes"]).await;
    shared.story.write(&body("ann"), &people("ann", "left"));
    shared.fine(&["pause", "--for", "30d", "--reason", "audit", "--all"]).await;
    let leaver = format!("{APP}/deactivate/lea@example.com");
    assert_eq!(actions(&shared.plan().await), [format!("held {leaver}")]);
    // A new one takes its place, and is over soon.
    shared.fine(&["pause", "--for", "1s", "--reason", "audit", "--all"]).await;
    let over = async { while shared.fine(&["pause"]).await != "Nothing is paused.\n" {} };
    tokio::time::timeout(Duration::from_secs(60), over).await.expect("it ends by itself");
    assert_eq!(actions(&shared.plan().await), [format!("ready {leaver}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_paused_is_refused_with_what_to_do() {
    let shared = Shared::with_ann_and_lea().await;
    let pause = ["pause", "--for", "2h", "--reason", "moving"];
    shared.refused(&pause, &["no store is at", "`rosterd apply` and the daemon make theirs"]).await;
    assert!(!shared.story.dir.path().join("state.db").exists());
    let said = shared.story.rosterd(&[&pause[..], &["--store", "sqlite::memory:"]].concat()).await;
    assert!(said.status == 1 && said.err.contains("nobody else sees it"), "{said:?}");

    shared.fine(&["apply", "--yes"]).await;
    shared.refused(&[&pause[..], &["--app", "studoi"]].concat(), &["there is no app `studoi`", APP]).await;
    shared.refused(&["pause", "--end"], &["there is no pause of all apps to end", "no pause is in force"]).await;
    shared.fine(&[&pause[..], &["--app", APP]].concat()).await;
    shared.refused(&["pause", "--end"], &[&format!("`rosterd pause --end --app {APP}` ends the one")]).await;
    for (args, words) in [
        (&["--for", "-2h", "--reason", "x"][..], "such as 30m, 2h or 1d"),
        (&["--for", "0s", "--reason", "x"], "over at once"),
        (&["--for", "400d", "--reason", "x"], "30d at most"),
        (&["--for", "2h", "--reason", " "], "say why"),
        (&["--for", "2h"], "--reason"),
        (&["--reason", "x"], "--for"),
        (&["--end", "--for", "2h", "--reason", "x"], "cannot be used with"),
    ] {
        let said = shared.rosterd(&[&["pause"], args].concat()).await;
        assert!(said.status == 64 && said.err.contains(words), "{args:?}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_paused_while_the_files_are_broken() {
    let shared = Shared::with_ann_and_lea().await;
    shared.fine(&["apply", "--yes"]).await;
    shared.story.write(&body("ann"), "people: [\n");
    let pause = ["pause", "--for", "2h", "--reason", "the files are broken"];
    shared
        .refused(&[&pause[..], &["--app", APP]].concat(), &["is not valid", "name the store by `--store` and no app"])
        .await;
    assert!(shared.fine(&pause).await.starts_with("every app: paused until"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_writing_stops_when_somebody_pauses_and_loses_nothing() {
    const PEOPLE: usize = 30;
    let mut app = String::from("budget: { concurrency: 2 }\ndefaults: { role: user }\naccounts:\n");
    for i in 0..PEOPLE {
        writeln!(app, "  service-{i:02}@example.com:").unwrap();
    }
    let shared = Shared::of(Story::of(quick(), &app, "").await);
    let slow = "method=POST,path=/users,kind=slow,wait=1s".parse::<Fault>().unwrap();
    shared.story.sandbox.set_faults(vec![slow]);
    let (dir, at) = (shared.story.dir.path().to_str().unwrap(), format!("--sandbox={}", shared.story.sandbox.url()));
    let child = start(&["apply", dir, &at, "--yes", "--store", &shared.store], &[]);
    let accounts = || shared.story.sandbox.accounts("autodesk", APP).unwrap();
    while accounts().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shared.fine(&["pause", "--for", "1h", "--reason", "stop, something is wrong"]).await;
    let said = finish(child).await;
    assert_eq!(said.status, 1, "{said:?}");
    let out = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(out.contains("stop, something is wrong; nothing more is sent in this run"), "{said:?}");
    let made = accounts().len();
    assert!(made < PEOPLE, "{made} were made");

    shared.story.sandbox.set_faults(Vec::new());
    let held = actions(&shared.plan().await);
    assert!(held.len() == PEOPLE - made && held.iter().all(|action| action.starts_with("held ")), "{held:?}");
    shared.fine(&["apply", "--yes"]).await;
    assert_eq!(accounts().len(), made);
    shared.fine(&["pause", "--end"]).await;
    shared.fine(&["apply", "--yes"]).await;
    assert!(accounts().len() == PEOPLE && accounts().iter().all(|account| account.invitations == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_is_paused_over_http_by_who_has_the_token_and_everybody_is_told_once() {
    let hook = Hook::start().await;
    let secrets = [("HOOK", &*hook.url), ("TOKEN", "a-token-of-the-daemon")];
    let daemon_settings = settings("{ every: 1h }", ", token: { env: TOKEN }");
    let rest = format!("{}\n  notify: [ {{ url: {{ env: HOOK }} }} ]\n", daemon_settings.trim_end());
    let story = Story::of(quick(), "defaults: { role: user }\naccounts: { a@example.com: }", &rest).await;
    let daemon = Running::with(story.dir.path(), &story.sandbox, &[], &secrets).await;
    let ask = async |method: Method, path: &str, token: Option<&str>| -> (StatusCode, Value) {
        let mut request = daemon.http.request(method, format!("{}{path}", daemon.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    };
    let token = Some("a-token-of-the-daemon");
    let status = async || ask(Method::GET, "/api/v1/status", token).await.1;
    let until = async |what: &str, is_so: &dyn Fn(&Value) -> bool| {
        let wait = async {
            while !is_so(&status().await) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(90), wait).await.unwrap_or_else(|_| panic!("{what} does not come"));
    };
    until("the first cycle", &|status| app(status, APP)["last"]["done"] == 1).await;

    let pause = "/api/v1/pause?for=2h&reason=the+tenant+is+moved&by=ann";
    for (method, path) in [(Method::POST, pause), (Method::DELETE, "/api/v1/pause")] {
        assert_eq!(ask(method, path, None).await.0, StatusCode::UNAUTHORIZED);
    }
    for (path, code, words) in [
        ("/api/v1/pause?for=2h", StatusCode::BAD_REQUEST, "`reason` is missing"),
        ("/api/v1/pause?reason=x", StatusCode::BAD_REQUEST, "`for` is missing"),
        ("/api/v1/pause?for=9y&reason=x", StatusCode::BAD_REQUEST, "30d at most"),
        ("/api/v1/pause?for=2h&reason=x&app=nobody", StatusCode::NOT_FOUND, "there is no app `nobody`"),
    ] {
        let (status, said) = ask(Method::POST, path, token).await;
        assert!(status == code && said["error"].as_str().unwrap().contains(words), "{path}: {said}");
    }
    assert_eq!(ask(Method::DELETE, "/api/v1/pause", token).await.0, StatusCode::NOT_FOUND);
    let (code, said) = ask(Method::POST, pause, token).await;
    assert_eq!((code, &said["paused"]["by"]), (StatusCode::OK, &"ann by the API".into()), "{said}");

    let shown = status().await;
    assert_eq!(shown["pauses"][0]["reason"], "the tenant is moved", "{shown:#}");
    assert_eq!(app(&shown, APP)["paused"]["by"], "ann by the API", "{shown:#}");
    let gauge = format!("rosterd_paused{{app=\"{APP}\"}} 1");
    assert!(ask(Method::GET, "/metrics", token).await.1.as_str().unwrap().contains(&gauge));
    let page = ask(Method::GET, "/", token).await.1.to_string();
    assert!(page.contains("Every app is paused") && page.contains("the tenant is moved"), "{page}");
    hook.wait(1).await;

    story.write("defaults: { role: user }\naccounts: { a@example.com: , b@example.com: }", &rest);
    until("the plan of the new files", &|status| app(status, APP)["seen"]["held"] == 1).await;
    assert_eq!(app(&status().await, APP)["seen"]["open"][0]["guard"], "paused");
    assert_eq!(story.writes().len(), 1, "{:?}", story.writes());

    // What it held is done at once, and not an hour later.
    assert_eq!(ask(Method::DELETE, "/api/v1/pause", token).await.0, StatusCode::OK);
    until("what was held", &|status| app(status, APP)["last"]["done"] == 1).await;
    hook.wait(2).await;
    let told = hook.take();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with(":double_vertical_bar: *every app*: paused until"), "{told:?}");
    assert!(told[0].contains("the tenant is moved") && told[1].ends_with("the pause is over"), "{told:?}");
    daemon.terminate().await;
}
