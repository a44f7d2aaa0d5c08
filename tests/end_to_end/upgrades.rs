//! Upgrades: the present program opens a store and a plan that an older one wrote, settles what that one left open, and goes
//! on. `fixtures/7e35cb0/README.md` says how they were made.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use jiff::{Span, Timestamp};
use rosterd::{
    model::{Email, Pause},
    sandbox::{Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Sandbox},
    store::{AppKey, Store, Verified},
};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    history::sqlite,
    story::{Said, actions, run_with},
};

/// Where the apps were for the program that wrote the store. The sandbox stands in for it as a proxy.
const ORIGIN: &str = "http://apps.northwind.example";

/// Entries of the ledger that the older program wrote.
const ENTRIES: usize = 30;

/// A request to the sandbox that an app got, or that was made behind rosterd's back.
#[derive(Deserialize)]
struct Played {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Value,
}

/// A copy of the store, the files and the saved plan, and the apps as they were then.
struct Upgrade {
    sandbox: Sandbox,
    dir: TempDir,
}

impl Upgrade {
    async fn from_7e35cb0() -> Self {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/fixtures/7e35cb0");
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("files")).unwrap();
        for file in ["state.db", "plan.json", "files/all.yaml"] {
            fs::copy(fixture.join(file), dir.path().join(file)).unwrap();
        }
        let config = Config {
            seed: 13,
            empty: true,
            latency: Duration::ZERO,
            accept_after: Duration::from_secs(3600),
            token_life: Duration::from_secs(30 * 86_400),
            ..Config::default()
        };
        let upgrade = Self { sandbox: Sandbox::start(config).await.unwrap(), dir };
        upgrade.replay(&fs::read_to_string(fixture.join("sandbox.jsonl")).unwrap()).await;
        upgrade
    }

    /// Sends the requests again that had brought the apps to where they were. The same seed gives the same ids.
    async fn replay(&self, requests: &str) {
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut tokens: BTreeMap<String, String> = BTreeMap::new();
        for line in requests.lines() {
            let Played { method, path, headers, body } = serde_json::from_str(line).unwrap();
            let app = path.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            let mut request = http.request(method.parse().unwrap(), format!("{}{path}", self.sandbox.url()));
            for (name, value) in &headers {
                request = request.header(name, value);
            }
            let asks_token = path.ends_with("/token");
            request = match tokens.get(&app) {
                _ if asks_token => {
                    request.basic_auth(format!("{DEFAULT_CLIENT_ID}.{app}"), Some(DEFAULT_CLIENT_SECRET))
                }
                Some(token) => request.bearer_auth(token),
                // Its secret is the token.
                None => request.bearer_auth(DEFAULT_CLIENT_SECRET),
            };
            let text =
                body.as_str().map_or_else(|| body.to_string(), |text| text.replace("***", DEFAULT_CLIENT_SECRET));
            let answer = if body.is_null() { request } else { request.body(text) }.send().await.unwrap();
            let status = answer.status();
            let said = answer.text().await.unwrap();
            assert!(status.is_success(), "{line}: {status} {said}");
            if asks_token {
                let said: Value = serde_json::from_str(&said).unwrap();
                tokens.insert(app, said["access_token"].as_str().unwrap().to_owned());
            }
        }
        self.sandbox.clear_log();
    }

    async fn rosterd(&self, args: &[&str]) -> Said {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let (files, store, plan) = (path("files"), format!("sqlite:{}", path("state.db")), path("plan.json"));
        let at = format!("--sandbox={ORIGIN}");
        let mut all = vec![args[0], &files, "--store", &store];
        if matches!(args[0], "plan" | "apply") {
            all.push(&at);
        }
        all.extend(args[1..].iter().map(|arg| if *arg == "PLAN" { &plan } else { *arg }));
        let url = self.sandbox.url();
        let proxy = [("HTTP_PROXY", &*url), ("http_proxy", &*url), ("NO_PROXY", ""), ("no_proxy", "")];
        run_with(&all, &proxy).await
    }

    async fn json(&self, args: &[&str]) -> Value {
        let said = self.rosterd(&[args, &["--format", "json"]].concat()).await;
        assert_eq!(said.status, 0, "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    }
}

/// `RESULT NAME` of all that was done or given up, of all apps.
fn results(outcome: &Value) -> String {
    let apps = outcome["apps"].as_array().unwrap().iter();
    let actions = apps.flat_map(|app| app["actions"].as_array().unwrap());
    let text = |action: &Value, key: &str| action[key].as_str().map(str::to_owned);
    let mut all: Vec<String> =
        actions.filter_map(|one| Some(format!("{} {}", text(one, "result")?, text(one, "name")?))).collect();
    all.sort();
    all.join("\n")
}

/// `NAME: ENDING` of all that was found out about what the killed process left open.
fn settled(said: &Said) -> String {
    let (_, after) = said.err.split_once("was cut off with 6 actions under way").unwrap_or_else(|| panic!("{said:?}"));
    let lines = after.lines().skip(1).map_while(|line| line.strip_prefix("  "));
    lines.map(|line| line.splitn(3, ": ").take(2).collect::<Vec<_>>().join(": ")).collect::<Vec<_>>().join("\n")
}

const SETTLED: &str = "\
portal/create/lea@northwind.example: done
portal/deactivate/gus@northwind.example: done
server/create/kim@northwind.example: done
server/deactivate/gus@northwind.example: failed
site/add-member/kim@northwind.example/Bridge: done
site/change-member/finn@northwind.example/Bridge: done";

const DONE: &str = "\
done portal/add-member/lea@northwind.example/Editors
done portal/remove-member/carl@northwind.example/Editors
done server/add-member/ann@northwind.example/Analysts
done server/add-member/kim@northwind.example/Reports
done server/deactivate/gus@northwind.example
done server/remove-member/ben@northwind.example/Reports
done server/update-group/Reports
done site/deactivate/eve@northwind.example
done site/remove-member/eve@northwind.example/Bridge
done studio/add-member/ben@northwind.example/Design
done studio/create/ida@northwind.example
done studio/create/jon@northwind.example
done studio/deactivate/gus@northwind.example
done studio/deactivate/hal@northwind.example";

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_of_an_older_program_is_whole_and_knows_runs_verbs_and_people() {
    let upgrade = Upgrade::from_7e35cb0().await;
    let verified = upgrade.json(&["history", "--verify"]).await;
    // One more says that they were rewritten in a form from which people can be forgotten.
    assert_eq!((&verified["whole"], &verified["entries"]), (&true.into(), &(ENTRIES + 1).into()), "{verified}");

    let history = upgrade.json(&["history"]).await;
    let ends: Vec<_> = history["runs"].as_array().unwrap().iter().map(|run| run["ended"]["how"].as_str()).collect();
    assert_eq!(ends, [Some("done"), Some("done"), None], "{history}");
    let names = |history: &Value| -> Vec<String> {
        let entries = history["entries"].as_array().unwrap().iter();
        entries.filter_map(|entry| Some(entry["action"].as_str()?.to_owned())).collect()
    };
    let mut entries = history["entries"].as_array().unwrap().iter();
    let migrated = entries.find(|entry| entry["kind"] == "migrated").unwrap();
    assert_eq!(migrated["entries"], ENTRIES, "{migrated}");
    let all = names(&history);
    for verb in rosterd::model::Verb::ALL {
        let verb = format!("/{}/", verb.as_str());
        assert!(all.iter().any(|name| name.contains(&verb)), "{verb}: {all:?}");
    }
    // An address that an account had before leads to the same person.
    let finn = ["server/update/finn@northwind.example", "site/add-member/finn@northwind.example/Bridge"];
    for address in ["finn@northwind.example", "old.finn@northwind.example"] {
        let mut found = names(&upgrade.json(&["history", "--person", address, "--app", "server"]).await);
        found.extend(names(&upgrade.json(&["history", "--person", address, "--app", "site"]).await));
        found.retain(|name| finn.contains(&&**name));
        assert_eq!(found, finn, "{address}");
    }
    let said = upgrade.rosterd(&["history", "--person", "carl@northwind.example"]).await;
    assert!(said.out.contains("family_name: Example, given_name: Carl"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_program_left_open_is_settled_and_the_rest_is_done() {
    let upgrade = Upgrade::from_7e35cb0().await;
    let ready: Vec<String> = actions(&upgrade.json(&["plan"]).await)
        .into_iter()
        .filter_map(|action| Some(format!("done {}", action.strip_prefix("ready ")?)))
        .collect();
    assert_eq!(ready.len(), DONE.lines().count(), "{ready:?}");
    assert!(ready.iter().all(|name| DONE.contains(name)), "{ready:?}");

    let said = upgrade.rosterd(&["apply", "--yes", "--format", "json"]).await;
    assert_eq!((said.status, settled(&said).as_str()), (0, SETTLED), "{said:?}");
    assert_eq!(results(&serde_json::from_str(&said.out).unwrap()), DONE);
    // What took effect before the kill is not sent again.
    for (connector, app, email) in
        [("scim", "portal", "lea@northwind.example"), ("alteryx", "server", "kim@northwind.example")]
    {
        let accounts = upgrade.sandbox.accounts(connector, app).unwrap();
        assert_eq!(accounts.iter().filter(|account| account.email == email).count(), 1, "{accounts:?}");
    }
    let left = actions(&upgrade.json(&["plan"]).await);
    let expect = [
        "waiting studio/add-member/ida@northwind.example/Design",
        "manual studio/remove-member/eve@northwind.example/Design",
    ];
    assert_eq!(left, expect);
    let verified = upgrade.json(&["history", "--verify"]).await;
    assert_eq!(verified["whole"], true, "{verified}");
}

/// It is accepted because neither the format of saved plans nor the program's version has changed since. A program that
/// changes one of them must say that another version saved the plan, and send nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_an_older_program_saved_is_applied() {
    let upgrade = Upgrade::from_7e35cb0().await;
    let said = upgrade.rosterd(&["apply", "--yes", "--plan", "PLAN", "--format", "json"]).await;
    assert_eq!((said.status, settled(&said).as_str()), (0, SETTLED), "{said:?}");
    let outcome: Value = serde_json::from_str(&said.out).unwrap();
    // A membership of somebody who left is one that the older program did not take away, so that the plan did not show it.
    let removal = "site/remove-member/eve@northwind.example/Bridge";
    let done = DONE.replace(&format!("done {removal}\n"), "");
    assert_eq!(results(&outcome), format!("{done}\nstale {removal}"));
    assert_eq!(outcome["saved_plan"], serde_json::json!({ "changed_files": [], "left_alone": [] }), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_of_the_version_before_pauses_keeps_what_it_says_and_takes_a_pause() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/fixtures/73e3a2d");
    let dir = TempDir::new().unwrap();
    fs::copy(fixture.join("state.db"), dir.path().join("state.db")).unwrap();
    let store = Store::open(&format!("sqlite:{}", dir.path().join("state.db").display())).await.unwrap();
    assert!(matches!(store.verify().await.unwrap(), Verified::Whole { entries: 8, .. }));
    let portal = AppKey::new("portal", ORIGIN);
    let claims = store.accepted_claims(&portal).await.unwrap();
    let whose: Vec<&str> = claims.values().flatten().map(Email::key).collect();
    assert_eq!(whose, ["carl@northwind.example", "ann@northwind.example", "ben@northwind.example"]);
    assert!(store.inherited_accounts(&portal).await.unwrap().is_empty());

    let since = Timestamp::now();
    assert!(store.pauses(since).await.unwrap().is_empty());
    let until = since + Span::new().hours(2);
    let (app, by, reason) = (Some(portal.app.clone()), "ann".to_owned(), "moving".to_owned());
    let pause = Pause { app, since, until, by, reason, holds_leavers: false };
    store.pause(&pause, &portal.origin).await.unwrap();
    assert_eq!(store.pauses(since).await.unwrap(), [pause]);
    assert!(matches!(store.verify().await.unwrap(), Verified::Whole { entries: 9, .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_a_newer_program_wrote_is_refused_and_left_as_it_is() {
    let upgrade = Upgrade::from_7e35cb0().await;
    let file = upgrade.dir.path().join("state.db");
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 SELECT 999, description, success, checksum, execution_time FROM _sqlx_migrations
                 ORDER BY version DESC LIMIT 1";
    sqlite(file.to_str().unwrap(), newer).await;
    let before = fs::read(&file).unwrap();
    for args in [&["history"][..], &["history", "--verify"], &["plan"], &["apply", "--yes"]] {
        let said = upgrade.rosterd(args).await;
        assert_eq!(said.status, 1, "{args:?}: {said:?}");
        let why = said.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(why.contains("written by a newer rosterd: its schema is of version 999"), "{args:?}: {why}");
        assert!(why.contains("use that version, or a newer one"), "{args:?}: {why}");
    }
    assert!(before == fs::read(&file).unwrap(), "the store has changed");
    assert!(upgrade.sandbox.log().is_empty(), "{:?}", upgrade.sandbox.log());
}
