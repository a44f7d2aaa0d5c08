//! `rosterd history` and `rosterd why --at`: what the store says, as a user asks for it.

use std::{sync::Arc, time::Duration};

use jiff::{Span, Timestamp};
use rosterd::{
    model::{AccountStatus, Email, FieldValue, LiveAccount},
    store::{
        AppKey, Claim, Covered, Event, Lease, NewEntry, Reading, RunBegun, RunEnded, RunEnding, SeenMembership, Store,
    },
};
use serde_json::{Value, json};

use crate::story::{APP, Said, Story, quick, run};

const ANN: &str = "people:\n  ann@example.com: { given_name: Ann, family_name: Lee, aliases: [alee@example.com] }\n";

/// A story with a store of its own.
struct Past {
    story: Story,
    url: String,
}

impl Past {
    async fn new() -> Self {
        let story = Story::of(quick(), "accounts: { ann@example.com: }", ANN).await;
        let url = format!("sqlite:{}", story.dir.path().join("a store/state.db").display());
        Self { story, url }
    }

    /// A run of three days ago and one of today, and what was seen in between.
    async fn filled() -> Self {
        let past = Self::new().await;
        let store = Store::open(&past.url).await.unwrap();
        let key = AppKey::new(APP, "https://api.example.com");
        let claim = store.claim(&key, "test", Duration::from_secs(60), Timestamp::now()).await.unwrap();
        let Claim::Held(lease) = claim else { panic!("{claim:?}") };
        enter(&store, &lease, "run-1", days_ago(3), &["create/ann@example.com", "create/lee@example.com"]).await;
        see(&store, &lease, days_ago(2), Some("user")).await;
        see(&store, &lease, days_ago(1), Some("admin")).await;
        see(&store, &lease, Timestamp::now(), None).await;
        enter(&store, &lease, "run-2", Timestamp::now(), &["deactivate/ann@example.com"]).await;
        store.release(lease).await.unwrap();
        past
    }

    async fn history(&self, args: &[&str]) -> Said {
        self.story.rosterd(&[&["history", "--store", &self.url], args].concat()).await
    }

    /// The names of the actions that are shown.
    async fn actions(&self, args: &[&str]) -> Vec<String> {
        let said = self.history(&[&["--format", "json"], args].concat()).await;
        assert_eq!(said.status, 0, "{said:?}");
        let json: Value = serde_json::from_str(&said.out).unwrap();
        let entries = json["entries"].as_array().unwrap().iter();
        entries.map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
    }

    /// The roles that Ann is said to have had.
    async fn roles(&self, at: &str) -> Vec<String> {
        let args = ["why", "ANN@example.com", self.dir(), "--at", at, "--store", &self.url, "--format", "json"];
        let said = run(&args).await;
        assert_eq!(said.status, 0, "{said:?}");
        let json: Value = serde_json::from_str(&said.out).unwrap();
        let accounts = json["accounts"].as_array().unwrap().iter();
        accounts.map(|account| account["values"]["role"].as_str().unwrap().to_owned()).collect()
    }

    fn dir(&self) -> &str {
        self.story.dir.path().to_str().unwrap()
    }
}

fn days_ago(days: i64) -> Timestamp {
    Timestamp::now() - Span::new().hours(24 * days)
}

async fn enter(store: &Store, lease: &Lease, run: &str, at: Timestamp, actions: &[&str]) {
    let begun = RunBegun { command: "apply".into(), host: "vm-1".into(), pid: 7, commit: None, fingerprint: None };
    store.begin_run(run, at, &begun).await.unwrap();
    let entry = |action: &&str| {
        let (verb, account) = action.split_once('/').unwrap();
        let action = json!({ "verb": verb, "account": account, "because": ["all.yaml:8"], "result": "done" });
        let event = Event::Action(Box::new(serde_json::from_value(action).unwrap()));
        NewEntry { at, run: Some(run.into()), event }
    };
    store.enter(lease, &actions.iter().map(entry).collect::<Vec<_>>()).await.unwrap();
    let ended = RunEnded { how: RunEnding::Done, message: None, counts: [("done".to_owned(), 1)].into() };
    store.end_run(run, at, &ended).await.unwrap();
}

async fn see(store: &Store, lease: &Lease, at: Timestamp, role: Option<&str>) {
    let account = |role: &str| LiveAccount {
        other_addresses: Default::default(),
        id: "user-1".into(),
        email: Email::parse("alee@example.com").unwrap(),
        status: AccountStatus::Active,
        values: [("role".into(), Some(FieldValue::text(role)))].into(),
        created_at: None,
    };
    let member = |_| SeenMembership {
        account: "user-1".into(),
        group: "team-1".into(),
        group_name: "Design".into(),
        status: AccountStatus::Active,
        values: [(Arc::from("role"), Some(FieldValue::text("lead")))].into(),
    };
    let reading = Reading {
        declared_groups: None,
        requests: 1,
        accounts: role.map(account).into_iter().collect(),
        memberships: role.map(member).into_iter().collect(),
        covered: Covered { accounts: true, ..Covered::default() },
    };
    store.record_reading(lease, at, &reading).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_found_by_person_app_run_and_time() {
    let past = Past::filled().await;
    let ann = ["studio/create/ann@example.com", "studio/deactivate/ann@example.com"];
    assert_eq!(past.actions(&[]).await, [ann[0], "studio/create/lee@example.com", ann[1]]);
    assert_eq!(past.actions(&["--person", "Ann@Example.com"]).await, ann);
    // She was called otherwise once, and is known by both addresses.
    assert_eq!(past.actions(&["--person", "ALee@example.com"]).await, ann);
    assert_eq!(past.actions(&["--app", "elsewhere"]).await, [""; 0]);
    assert_eq!(past.actions(&["--run", "run-2"]).await, [ann[1]]);
    assert_eq!(past.actions(&["--since", "2d"]).await, [ann[1]]);
    assert_eq!(past.actions(&["--until", "1d", "--app", APP]).await, [ann[0], "studio/create/lee@example.com"]);
    assert_eq!(past.actions(&["--limit", "1"]).await, [ann[1]]);
    let said = past.history(&["--person", "ann@example.com"]).await;
    assert_eq!((said.status, &*said.err), (0, ""));
    for part in [
        "apply",
        "run run-1 on vm-1, process 7",
        "+ studio/create/ann@example.com ← all.yaml:8",
        "- studio/deactivate/",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(!said.out.contains("lee@example.com") && !said.out.contains('\u{1b}'), "{}", said.out);
    assert_eq!(past.history(&["--since", "yesterday"]).await.status, 64);
    assert_eq!(past.history(&["--verify", "--run", "x"]).await.status, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_link_is_named() {
    let past = Past::filled().await;
    let said = past.history(&["--verify"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("The ledger is whole") && said.out.contains("7 entries"), "{}", said.out);
    let file = past.url.strip_prefix("sqlite:").unwrap();
    // As somebody would who wants an entry to say something else.
    let sql = "UPDATE ledger_personal SET body = replace(body, 'lee@', 'eve@') WHERE seq = 3";
    sqlite(file, sql).await;
    let said = past.history(&["--verify"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.out.contains("first at entry 3"), "{}", said.out);
    let said = past.history(&["--verify", "--format", "json"]).await;
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.status, &json["broken_at"], &json["whole"]), (1, &3.into(), &false.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_no_store_or_empty_is_not_called_whole() {
    let past = Past::new().await;
    let file = past.url.strip_prefix("sqlite:").unwrap();
    Store::open(&past.url).await.unwrap();
    let said = past.history(&["--verify"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("The ledger is empty") && !said.out.contains("whole"), "{}", said.out);
    std::fs::remove_dir_all(std::path::Path::new(file).parent().unwrap()).unwrap();
    std::fs::create_dir(std::path::Path::new(file).parent().unwrap()).unwrap();
    std::fs::write(file, "this was a database once, and is none any more ".repeat(50)).unwrap();
    let said = past.history(&["--verify"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("restore a backup") && !said.err.contains("--verify"), "{}", said.err);
    let said = past.history(&[]).await;
    assert!(said.err.contains("--verify"), "{}", said.err);
}

/// Changes one row of a store, as somebody could who has the file.
pub(crate) async fn sqlite(file: &str, sql: &str) {
    use sqlx::Connection as _;
    let mut connection =
        sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.replace(' ', "%20"))).await.unwrap();
    assert_eq!(sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap().rows_affected(), 1);
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_there_is_not_made_and_nothing_is_claimed_of_it() {
    let past = Past::new().await;
    let said = past.history(&[]).await;
    assert_eq!((said.status, &*said.out), (0, ""));
    assert!(said.err.contains("there is no history yet"), "{}", said.err);
    let said = past.history(&["--verify"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    let said = run(&["why", "ann@example.com", past.dir(), "--at", "1d", "--store", &past.url]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("nothing is known of the past"), "{}", said.err);
    assert!(!past.story.dir.path().join("a store").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_say_where_the_store_is() {
    let past = Past::filled().await;
    past.story
        .write("accounts: { ann@example.com: }", &format!("{ANN}settings: {{ store: {{ env: HISTORY_STORE }} }}\n"));
    let said = past.story.rosterd_with(&["history"], &[("HISTORY_STORE", &past.url)]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("studio/deactivate/ann@example.com"), "{}", said.out);
    let said = past.story.rosterd(&["history"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("HISTORY_STORE is not set"), "{}", said.err);
    let secret = "postgres://ros:hunter2@127.0.0.1:1/rosterd";
    let said = past.story.rosterd_with(&["history"], &[("HISTORY_STORE", secret)]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("postgres://ros@127.0.0.1:1/rosterd") && !said.err.contains("hunter2"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_had_what_then_is_told_from_what_was_seen() {
    let past = Past::filled().await;
    assert_eq!(past.roles("36h").await, ["user"]);
    assert_eq!(past.roles("12h").await, ["admin"]);
    assert_eq!(past.roles("4d").await, [""; 0]);
    let said =
        async |at: &str| run(&["why", "ann@example.com", past.dir(), "--at", at, "--store", &past.url]).await.out;
    let then = said("36h").await;
    for part in
        ["studio", "account", "active, role: user, since ", "id user-1, as alee@example.com", "Design", "role: lead"]
    {
        assert!(then.contains(part), "{part}: {then}");
    }
    let unknown = said("4d").await;
    assert!(unknown.contains("Not known of studio"), "{unknown}");
    let now = said(&Timestamp::now().to_string()).await;
    assert!(now.contains("No account in studio."), "{now}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_apply_did_is_in_the_history() {
    let past = Past::new().await;
    past.story.write("defaults: { role: user }\naccounts: { ann@example.com: }", ANN);
    let store = ["--store", &past.url];
    let applied = past.story.rosterd(&[&["apply", "--yes"], &store[..]].concat()).await;
    assert_eq!(applied.status, 0, "{applied:?}");
    let said = past.history(&[]).await;
    assert_eq!((said.status, &*said.err), (0, ""), "{said:?}");
    for part in ["UTC  apply  done, ", "+ studio/create/ann@example.com", "all.yaml:"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let whole = past.history(&["--verify"]).await;
    assert!(whole.status == 0 && whole.out.contains("The ledger is whole"), "{whole:?}");
    // The one file is the whole store.
    let file = past.url.strip_prefix("sqlite:").unwrap();
    assert!(!std::path::Path::new(&format!("{file}-wal")).exists());
    let copy = past.story.dir.path().join("copy.db");
    std::fs::copy(file, &copy).unwrap();
    let args = ["history", "--verify", "--store", &format!("sqlite:{}", copy.display())];
    assert_eq!(past.story.rosterd(&args).await.out.lines().nth(1), whole.out.lines().nth(1));
    // A later run sees the account, and from then on it is known that she had it.
    past.story.sandbox.advance(Duration::from_secs(2 * 3600));
    past.story.rosterd(&[&["apply", "--yes"], &store[..]].concat()).await;
    let now = Timestamp::now().to_string();
    assert_eq!(past.roles(&now).await, ["user"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_gone_from_the_files_is_forgotten_and_the_ledger_is_whole() {
    let past = Past::filled().await;
    let forget = async |args: &[&str]| {
        run(&[&["forget", "ann@example.com", past.dir(), "--store", &past.url], args].concat()).await
    };
    let said = forget(&["--yes"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("all.yaml:") && said.err.contains("still names ann@example.com"), "{}", said.err);
    past.story.write("accounts: {}", "people: {}\n");
    let asked = forget(&[]).await;
    assert!(asked.status == 1 && asked.err.contains("add --yes"), "{asked:?}");
    assert_eq!(past.actions(&["--person", "ann@example.com"]).await.len(), 2);
    let said = forget(&["--yes"]).await;
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.out.contains("Forgotten: ") && said.out.contains("in 2 entries of the ledger"), "{}", said.out);
    let shown = past.history(&["--person", "ann@example.com"]).await;
    assert!(shown.out.contains("Nothing that fits was done."), "{shown:?}");
    let all = past.history(&[]).await.out;
    assert!(all.contains("studio/create/(forgotten)") && all.contains("a person was forgotten"), "{all}");
    assert!(all.contains("lee@example.com") && !all.contains("ann@"), "{all}");
    assert_eq!(past.history(&["--verify"]).await.status, 0);
    let bytes = std::fs::read(past.url.strip_prefix("sqlite:").unwrap()).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).to_lowercase().contains("ann@example.com"));
    let again = forget(&["--yes"]).await;
    assert!(again.status == 0 && again.out.contains("holds nothing about"), "{again:?}");
}

/// No app is asked: the store knows what was seen last, and what was done since.
#[tokio::test(flavor = "multi_thread")]
async fn why_shows_what_was_seen_last_and_what_was_done_since() {
    let past = Past::new().await;
    let store = Store::open(&past.url).await.unwrap();
    let key = AppKey::new(APP, "https://api.example.com");
    let claim = store.claim(&key, "test", Duration::from_secs(60), Timestamp::now()).await.unwrap();
    let Claim::Held(lease) = claim else { panic!("{claim:?}") };
    let why = async || run(&["why", "ann@example.com", past.dir(), "--store", &past.url]).await;
    assert!(!why().await.out.contains("seen"), "an app that was never read says nothing");
    see(&store, &lease, days_ago(1), Some("admin")).await;
    let said = why().await;
    assert!(said.out.contains("live, as alee@example.com") && said.out.contains("in Design, role: lead"), "{said:?}");
    enter(&store, &lease, "run-1", Timestamp::now(), &["deactivate/alee@example.com"]).await;
    let said = why().await;
    assert!(said.out.contains("inactive, as alee@example.com"), "{said:?}");
    // She is granted the account, so that the next plan would make it active again; somebody has to say that it may.
    assert!(said.out.contains("+ reactivate"), "{said:?}");
    store.release(lease).await.unwrap();
}
