//! The same tests on SQLite always, and on PostgreSQL where `ROSTERD_TEST_POSTGRES` names a server, as `make test` does.

mod claims;
mod deactivations;
mod forget;
mod golden;
mod history;
mod journal;
mod keep;
mod leases;
mod ledger;
mod migrate;
mod pauses;
mod readings;
mod repeated;
mod safety;
mod tenant;
mod turns;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use jiff::{Span, Timestamp};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use url::Url;

use super::*;
use crate::model::Verb;

/// The variable that names a server on which tests may make schemas.
const POSTGRES: &str = "ROSTERD_TEST_POSTGRES";

const TTL: Duration = Duration::from_secs(60);

/// A database of a test's own.
struct Database {
    url: String,
    postgres: bool,
    _dir: Option<TempDir>,
}

impl Database {
    fn sqlite() -> Self {
        let dir = TempDir::new().unwrap();
        let url = format!("sqlite:{}", dir.path().join("a folder/state.db").display());
        Self { url, postgres: false, _dir: Some(dir) }
    }

    async fn open(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// The store with one app claimed.
    async fn claimed(&self) -> (Store, Lease) {
        let store = self.open().await;
        let lease = claim(&store, &autodesk(), "test").await;
        (store, lease)
    }
}

/// Runs a test on every database there is.
async fn check(test: impl AsyncFn(&Database)) {
    test(&Database::sqlite()).await;
    let Ok(server) = env::var(POSTGRES) else {
        assert!(!required(), "{POSTGRES} names no server; `make test` starts one");
        return;
    };
    static SCHEMAS: AtomicU32 = AtomicU32::new(0);
    let schema = format!("test_{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&server).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut connection).await.unwrap();
    let mut url = Url::parse(&server).unwrap();
    url.query_pairs_mut().append_pair("options[search_path]", &schema);
    test(&Database { url: url.into(), postgres: true, _dir: None }).await;
    sqlx::query(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).execute(&mut connection).await.unwrap();
}

fn required() -> bool {
    env::var_os("REAL_SERVERS").is_some_and(|value| value == "required")
}

#[test]
fn tests_on_postgresql_that_are_left_out_are_named() {
    if env::var_os(POSTGRES).is_none() {
        assert!(!required(), "{POSTGRES} names no server; `make test` starts one");
        let line = "left out: the store's tests on PostgreSQL, because ROSTERD_TEST_POSTGRES names no server (`make test` \
                    starts one); all of them ran on SQLite";
        // Past the test harness; a closed stream is nobody who could miss it.
        writeln!(std::io::stderr(), "{line}").unwrap_or_default();
    }
}

fn autodesk() -> AppKey {
    AppKey::new("autodesk", "https://developer.api.autodesk.com")
}

fn alteryx() -> AppKey {
    AppKey::new("alteryx", "https://alteryx.example.com")
}

/// Noon of a day in November 2026, and so many minutes.
fn minute(minutes: i64) -> Timestamp {
    "2026-11-20T12:00:00Z".parse::<Timestamp>().unwrap() + Span::new().minutes(minutes)
}

async fn claim(store: &Store, key: &AppKey, owner: &str) -> Lease {
    match store.claim(key, owner, TTL, minute(0)).await.unwrap() {
        Claim::Held(lease) => lease,
        Claim::Busy { owner, until } => panic!("{owner} has it until {until}"),
    }
}

/// About `autodesk/VERB/PERSON`, or with a group behind it.
fn intent(name: &str) -> NewIntent {
    let parts: Vec<&str> = name.split('/').collect();
    let verb = parts[1].parse().unwrap();
    let deed = Deed {
        account: Some(parts[2].into()),
        group: parts.get(3).map(|group| (*group).into()),
        reduces_access: matches!(verb, Verb::Deactivate | Verb::Delete | Verb::RemoveMember),
        gains: matches!(verb, Verb::Create | Verb::Reactivate | Verb::AddMember),
        because: vec!["teams/design.yaml:9".into()],
        commit: Some("c0ffee".into()),
        ..deed_of(verb)
    };
    NewIntent {
        run: "run-1".into(),
        action: name.into(),
        deed,
        payload: json!({ "b": 1, "a": { "z": null, "y": [1, 2] } }),
        at: minute(1),
    }
}

/// A deed of which nothing else is known.
fn deed_of(verb: Verb) -> Deed {
    serde_json::from_value(json!({ "verb": verb })).unwrap()
}

/// An action of which no more is known than how it ended.
fn ended(deed: &Deed, ending: Ending) -> ActionEntry {
    let mut action = serde_json::to_value(deed).unwrap();
    action["result"] = json!(ending);
    serde_json::from_value(action).unwrap()
}

/// Begins a run of process 7.
async fn begin_run(store: &Store, id: &str, at: Timestamp) -> RunBegun {
    let begun = RunBegun {
        command: "apply".into(),
        host: "host".into(),
        pid: 7,
        commit: Some("c0ffee".into()),
        fingerprint: Some("sha256:12".into()),
    };
    store.begin_run(id, at, &begun).await.unwrap();
    begun
}

/// The same with the account's id.
fn intent_of(name: &str, account_id: Option<&str>) -> NewIntent {
    let new = intent(name);
    NewIntent { deed: Deed { account_id: account_id.map(Arc::from), ..new.deed }, ..new }
}

fn note(at: Timestamp, people: &[&str], message: &str) -> NewEntry {
    let people = people.iter().map(|person| (*person).into()).collect();
    NewEntry { at, run: None, event: Event::Note(Note { account: None, people, message: Some(message.into()) }) }
}

async fn open_intent(store: &Store, lease: &Lease, intent: &NewIntent) -> Result<IntentId, StoreError> {
    Ok(store.open_batch(lease, std::slice::from_ref(intent)).await?[0])
}

/// What came of an intent, beside what the intent says.
struct Settled {
    at: Timestamp,
    ending: Ending,
    message: Option<String>,
    request: Option<String>,
    account_id: Option<Arc<str>>,
    group_id: Option<Arc<str>>,
    approvals: Vec<ApprovalUse>,
}

fn settled(at: Timestamp, ending: Ending) -> Settled {
    Settled {
        at,
        ending,
        message: None,
        request: Some("PATCH /users/user-1".into()),
        account_id: None,
        group_id: None,
        approvals: Vec::new(),
    }
}

/// Closes an intent as its writer would, who knows what it says.
async fn close(store: &Store, lease: &Lease, id: IntentId, settled: &Settled) -> Result<(), StoreError> {
    let open = store.open_intents(lease.key()).await?.into_iter().find(|open| open.id == id);
    let intent = open.map_or_else(|| intent("autodesk/create/nobody@example.com"), |open| open.intent);
    let action = ActionEntry {
        message: settled.message.clone(),
        request: settled.request.clone(),
        status: Some(200),
        read_back: Some(json!({ "status": "inactive" })),
        sent_at: Some(intent.at),
        ..ended(&intent.deed.with_ids(settled.account_id.clone(), settled.group_id.clone()), settled.ending)
    };
    let event = Event::Action(Box::new(action));
    let entry = NewEntry { at: settled.at, run: Some("run-1".into()), event };
    store.close_intent(lease, id, &entry, &settled.approvals).await
}

/// Does an action: writes it down, and what came of it at `at`.
async fn done(store: &Store, lease: &Lease, name: &str, account_id: Option<&str>, at: Timestamp) {
    let id = open_intent(store, lease, &intent_of(name, account_id)).await.unwrap();
    close(store, lease, id, &settled(at, Ending::Done)).await.unwrap();
}

/// What kind of failure it was.
fn trouble<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Trouble {
    result.unwrap_err().trouble
}

/// Changes the database behind the store's back.
async fn tamper(store: &Store, sql: &str) {
    let mut tx = store.write().await.unwrap();
    sqlx::query(AssertSqlSafe(sql)).execute(tx.connection().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
}
