//! The same tests on SQLite always, and on PostgreSQL where `ROSTERD_TEST_POSTGRES` names a server, as `make test` does.

mod deactivations;
mod history;
mod journal;
mod leases;
mod ledger;
mod readings;
mod safety;

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
use sqlx::{AnyConnection, Connection as _};
use tempfile::TempDir;
use url::Url;

use super::*;

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
    sqlx::query(&format!("CREATE SCHEMA {schema}")).execute(&mut connection).await.unwrap();
    let mut url = Url::parse(&server).unwrap();
    url.query_pairs_mut().append_pair("options[search_path]", &schema);
    test(&Database { url: url.into(), postgres: true, _dir: None }).await;
    sqlx::query(&format!("DROP SCHEMA {schema} CASCADE")).execute(&mut connection).await.unwrap();
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
    NewIntent {
        run: "run-1".into(),
        action: name.into(),
        verb: parts[1].into(),
        account: Some(parts[2].into()),
        account_id: None,
        group: parts.get(3).map(|group| (*group).into()),
        group_id: None,
        people: Vec::new(),
        reduces_access: matches!(parts[1], "deactivate" | "delete" | "remove-member"),
        gains: matches!(parts[1], "create" | "reactivate" | "add-member"),
        payload: json!({ "b": 1, "a": { "z": null, "y": [1, 2] } }),
        changes: Vec::new(),
        because: vec!["teams/design.yaml:9".into()],
        commit: Some("c0ffee".into()),
        cause: None,
        at: minute(1),
    }
}

fn settled(at: Timestamp, ending: Ending) -> Settled {
    Settled {
        at,
        run: "run-1".into(),
        ending,
        message: None,
        request: Some("PATCH /users/user-1".into()),
        status: Some(200),
        read_back: Some(json!({ "status": "inactive" })),
        account_id: None,
        group_id: None,
        by_looking: false,
        approvals: Vec::new(),
    }
}

/// Does an action: writes it down, and what came of it at `at`.
async fn done(store: &Store, lease: &Lease, name: &str, account_id: Option<&str>, at: Timestamp) {
    let intent = NewIntent { account_id: account_id.map(Arc::from), ..intent(name) };
    let id = store.open_intent(lease, &intent).await.unwrap();
    store.close_intent(lease, id, &settled(at, Ending::Done)).await.unwrap();
}

/// What kind of failure it was.
fn trouble<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Trouble {
    result.unwrap_err().trouble
}

/// Changes the database behind the store's back.
async fn tamper(store: &Store, sql: &str) {
    let mut tx = store.write().await.unwrap();
    sqlx::query(sql).execute(tx.connection().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
}
