use std::{fs, future::poll_fn, path::Path, task::Poll};

use super::*;

/// Bodies as the first form had them.
const BEGUN: &str = r#"{"entry":{"at":"2026-11-20T12:00:00Z","begun":{"command":"apply","fingerprint":"sha256:12","host":"host","pid":7},"commit":"c0ffee","kind":"run-begun","message":"apply on host, process 7, plan sha256:12","run":"run-1"},"seq":1}"#;
const ACTION: &str = r#"{"app":"autodesk","entry":{"account":"Ann@example.com","account_id":"user-1","action":"autodesk/create/Ann@example.com","at":"2026-11-20T12:02:00Z","because":["teams/design.yaml:9"],"cause":"drift","changes":[{"field":"role","from":null,"to":"admin"}],"commit":"c0ffee","gains":true,"kind":"action","people":["ann@example.com"],"read_back":{"status":"active"},"request":"POST /users","result":"done","run":"run-1","sent_at":"2026-11-20T12:01:00Z","status":201,"verb":"create"},"makes_account":true,"origin":"https://developer.api.autodesk.com","seq":2}"#;
const ENDED: &str = r#"{"entry":{"at":"2026-11-20T12:05:00Z","ended":{"counts":{"done":1},"how":"done","message":"all is well"},"kind":"run-ended","message":"done; 1 done; all is well","run":"run-1"},"seq":3}"#;

/// Makes a store's ledger what an earlier version wrote, and returns its head.
async fn make_old(store: &Store, bodies: &[String]) -> String {
    tamper(store, "UPDATE ledger_head SET form = 1, seq = 3").await;
    let run = format!(
        "INSERT INTO runs (id, seq, command, started_at, revision, fingerprint, host, pid, ended_at, how, message, counts)
         VALUES ('run-1', 1, 'apply', {}, 'c0ffee', 'sha256:12', 'host', 7, {}, 'done', 'all is well', '{{\"done\":1}}')",
        row::nanos(minute(0)),
        row::nanos(minute(5))
    );
    tamper(store, &run).await;
    let mut prev = "0".repeat(64);
    for (body, seq) in bodies.iter().zip(1..) {
        let hash = row::hash(&[&prev, body]);
        let row = format!(
            "INSERT INTO ledger (seq, at, kind, made, prev, hash, body) VALUES ({seq}, 0, 'x', 0, '{prev}', '{hash}', '{body}')"
        );
        tamper(store, &row).await;
        prev = hash;
    }
    tamper(store, "INSERT INTO ledger_people (seq, person) VALUES (2, 'ann@example.com')").await;
    tamper(store, &format!("UPDATE ledger_head SET hash = '{prev}'")).await;
    prev
}

fn bodies() -> Vec<String> {
    [BEGUN, ACTION, ENDED].map(str::to_owned).into()
}

#[tokio::test]
async fn a_ledger_of_the_first_form_is_rewritten_once_and_says_the_same() {
    check(async |database| {
        let old_head = make_old(&database.open().await, &bodies()).await;
        let store = database.open().await;
        let entries = store.entries(&Filter::default()).await.unwrap();
        let head = entries[3].hash.clone();
        assert_eq!(store.verify().await.unwrap(), Verified::Whole { entries: 4, head });
        let migrated = Migrated { entries: 3, head: old_head, broken: None };
        assert_eq!(entries[3].entry.event, Event::Migrated(migrated));
        let begun = RunBegun {
            command: "apply".into(),
            host: "host".into(),
            pid: 7,
            commit: Some("c0ffee".into()),
            fingerprint: Some("sha256:12".into()),
        };
        assert_eq!(entries[0].entry.event, Event::RunBegun(begun));
        assert_eq!(entries[1].action_name().unwrap().to_string(), "autodesk/create/Ann@example.com");
        let said = serde_json::to_value(&entries[1].entry).unwrap();
        let before: serde_json::Value = serde_json::from_str(ACTION).unwrap();
        for (name, value) in before["entry"].as_object().unwrap().iter().filter(|(name, _)| *name != "action") {
            assert_eq!(said[name], *value, "{name}");
        }
        assert_eq!(store.invitations(&autodesk()).await.unwrap().len(), 1);
        let ann = Filter { people: vec!["ann@example.com".into()], ..Filter::default() };
        assert_eq!(store.entries(&ann).await.unwrap(), entries[1..2]);
        // It is not rewritten again.
        assert_eq!(database.open().await.entries(&Filter::default()).await.unwrap(), entries);
    })
    .await;
}

#[tokio::test]
async fn a_ledger_that_was_broken_before_it_was_rewritten_is_broken_for_ever() {
    check(async |database| {
        let store = database.open().await;
        make_old(&store, &bodies()).await;
        tamper(&store, "UPDATE ledger SET body = replace(body, 'Ann', 'Eve') WHERE seq = 2").await;
        let found = database.open().await.verify().await.unwrap();
        let Verified::Broken { seq: Some(2), why } = found else { panic!("{found:?}") };
        assert!(
            why.contains("when an earlier version's ledger was rewritten: its text is not what was written"),
            "{why}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_entry_of_the_first_form_that_cannot_be_read_is_named_and_nothing_is_rewritten() {
    check(async |database| {
        let store = database.open().await;
        let [begun, action, ended] = [BEGUN, ACTION, ENDED].map(str::to_owned);
        make_old(&store, &[begun, action.replace("\"verb\":\"create\"", "\"verb\":\"invent\""), ended]).await;
        let error = Store::open(&database.url).await.unwrap_err();
        assert_eq!(error.trouble, Trouble::Corrupt);
        assert!(error.to_string().contains("entry 2 of the ledger cannot be read"), "{error}");
        let mut tx = store.read().await.unwrap();
        let form: i64 = tx.value("SELECT form FROM ledger_head", statement::none()).await.unwrap();
        assert_eq!(form, 1);
    })
    .await;
}

#[tokio::test]
async fn runs_of_which_an_early_entry_tells_in_a_sentence_only_are_taken_from_the_table() {
    check(async |database| {
        let without = |body: &str, part: &str| {
            let mut text: serde_json::Value = serde_json::from_str(body).unwrap();
            text["entry"].as_object_mut().unwrap().remove(part);
            text.to_string()
        };
        let bodies = [without(BEGUN, "begun"), ACTION.to_owned(), without(ENDED, "ended")];
        make_old(&database.open().await, &bodies).await;
        let store = database.open().await;
        assert!(matches!(store.verify().await.unwrap(), Verified::Whole { entries: 4, .. }));
        let kinds = store.entries(&Filter::default()).await.unwrap();
        let kinds: Vec<_> = kinds.iter().map(|entry| entry.entry.event.kind()).collect();
        assert_eq!(kinds, ["run-begun", "action", "run-ended", "migrated"]);
    })
    .await;
}

/// Opens a store, and gives up after so many steps of it. Says whether it was open by then.
async fn open_for(url: &str, steps: u32) -> bool {
    let mut opening = Box::pin(Store::open(url));
    let mut left = steps;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        opening.as_mut().poll(context).map(|opened| opened.is_ok())
    })
    .await
}

/// The form of a ledger, and how many entries it has, for a program that knows nothing of forms.
async fn form_and_entries(url: &str) -> (i64, i64) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let mut snapshot = connection.begin().await.unwrap();
    // The first schema had no such column.
    let form = sqlx::query_scalar("SELECT form FROM ledger_head").fetch_one(&mut *snapshot).await.unwrap_or(1);
    let entries = sqlx::query_scalar("SELECT COUNT(*) FROM ledger").fetch_one(&mut *snapshot).await.unwrap();
    (form, entries)
}

#[tokio::test]
async fn a_migration_that_breaks_off_at_any_step_leaves_the_old_ledger_and_the_next_one_does_all_of_it() {
    let written = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/end_to_end/fixtures/7e35cb0/state.db")
        .canonicalize()
        .unwrap();
    let dir = TempDir::new().unwrap();
    let mut left_behind = BTreeMap::new();
    for steps in 0.. {
        let file = dir.path().join(format!("{steps}.db"));
        fs::copy(&written, &file).unwrap();
        let url = format!("sqlite:{}", file.display());
        let is_open = open_for(&url, steps).await;
        let found = form_and_entries(&url).await;
        // One more entry says that the others were rewritten.
        assert!(matches!(found, (1, 30) | (2, 31)), "after {steps} steps: {found:?}");
        *left_behind.entry(found.0).or_insert(0) += 1;
        let verified = Store::open(&url).await.unwrap().verify().await.unwrap();
        assert!(matches!(verified, Verified::Whole { entries: 31, .. }), "after {steps} steps: {verified:?}");
        if is_open {
            break;
        }
    }
    // It broke off within the migrations of the schema, between the statements that rewrite the ledger, and after them.
    assert!(left_behind[&1] > 20 && left_behind[&2] > 0, "{left_behind:?}");
}
