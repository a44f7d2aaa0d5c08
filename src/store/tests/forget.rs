use std::path::Path;

use super::{
    readings::{account, whole},
    *,
};
use crate::model::Email;

const ANN: &str = "ann@example.com";

/// A store that knows Ann by two addresses, and Lee, of whom an entry quotes Ann.
async fn fill(database: &Database) -> (Store, Lease) {
    let (store, lease) = database.claimed().await;
    begin_run(&store, "run-1", minute(0)).await;
    let mut new = intent_of("autodesk/deactivate/Ann.Old@example.com", Some("user-1"));
    new.deed.people = vec![ANN.into()];
    let id = open_intent(&store, &lease, &new).await.unwrap();
    let used = ApprovalUse {
        approval: "autodesk/deactivate max-removals".into(),
        place: "approvals.yaml:3".into(),
        action: new.action,
        person: "Ann@example.com".into(),
        at: minute(2),
    };
    let with = Settled {
        message: Some("it was not easy".into()),
        request: Some("PATCH /users/Ann.Old%40example.com".into()),
        approvals: vec![used],
        ..settled(minute(2), Ending::Done)
    };
    close(&store, &lease, id, &with).await.unwrap();
    let id = open_intent(&store, &lease, &intent_of("autodesk/create/lee@example.com", Some("user-2"))).await.unwrap();
    let quoting = Settled {
        message: Some("the licence of ANN@example.com is free now".into()),
        ..settled(minute(3), Ending::Done)
    };
    close(&store, &lease, id, &quoting).await.unwrap();
    let id =
        open_intent(&store, &lease, &intent_of("autodesk/create/joann@example.com", Some("user-3"))).await.unwrap();
    close(&store, &lease, id, &settled(minute(3), Ending::Done)).await.unwrap();
    let seen = account("user-1 active role=Queen email=ann.old@example.com");
    let other = account("user-2 active email=lee@example.com");
    let reading = Reading { accounts: vec![seen, other], ..whole(&[], &[("user-1", "g1", "lead")]) };
    store.record_reading(&lease, minute(4), &reading).await.unwrap();
    let body = json!({ "mail": "ann@example.com" });
    let fact = Fact { account: "user-1".into(), kind: FactKind::Account, body, read_at: minute(4) };
    store.put_facts(&lease, &[fact]).await.unwrap();
    let ended = RunEnded {
        how: RunEnding::Failed,
        message: Some("ann@example.com was in the way".into()),
        counts: BTreeMap::new(),
    };
    store.end_run("run-1", minute(5), &ended).await.unwrap();
    (store, lease)
}

async fn forget(store: &Store, really: bool) -> Forgotten {
    store.forget(&Email::lenient("Ann@Example.com"), |_| false, minute(9), really).await.unwrap()
}

/// Everything in the database as a text.
async fn contents(store: &Store) -> String {
    let mut tx = store.read().await.unwrap();
    let mut all = String::new();
    let columns = [
        ("ledger", "body, action, account_id, group_id"),
        ("ledger_personal", "body"),
        ("ledger_people", "person"),
        ("runs", "message"),
        ("seen_accounts", "account, email, email_key, fields"),
        ("seen_members", "account, fields"),
        ("facts", "account, body"),
        ("approval_uses", "approval, action, person"),
        ("intents", "action, body"),
    ];
    for (table, columns) in columns {
        for column in columns.split(", ") {
            let sql = format!("SELECT {column} AS found FROM {table}");
            for (found,) in tx.rows::<(Option<String>,)>(&sql, statement::none()).await.unwrap() {
                all += &found.unwrap_or_default();
                all.push('\n');
            }
        }
    }
    tx.commit().await.unwrap();
    all.to_lowercase()
}

#[tokio::test]
async fn a_person_is_forgotten_under_every_address_and_the_ledger_is_whole_before_and_after() {
    check(async |database| {
        let (store, _lease) = fill(database).await;
        assert!(matches!(store.verify().await.unwrap(), Verified::Whole { entries: 5, .. }));
        let before = contents(&store).await;
        let told = forget(&store, false).await;
        assert_eq!(contents(&store).await, before, "nothing is forgotten that was not meant");
        let forgotten = forget(&store, true).await;
        assert_eq!(told, forgotten);
        assert_eq!(forgotten.addresses, [ANN.to_owned(), "ann.old@example.com".into()].into());
        let numbers = (forgotten.entries, forgotten.sightings, forgotten.facts, forgotten.approvals);
        assert_eq!(numbers, (3, 2, 1, 1), "{forgotten:?}");
        assert_eq!(forgotten.shown_by, ["autodesk".into()].into());
        let after = contents(&store).await;
        let left: Vec<_> = after.lines().filter(|line| line.replace("joann", "").contains("ann")).collect();
        assert_eq!(left, [""; 0]);
        for gone in ["ann.old", "queen", "it was not easy", "%40"] {
            assert!(before.contains(gone) && !after.contains(gone), "{gone}");
        }
        assert!(after.contains("joann@example.com") && after.contains("lee@example.com"), "{after}");
        assert!(matches!(store.verify().await.unwrap(), Verified::Whole { entries: 6, .. }));
        for address in [ANN, "ann.old@example.com"] {
            let filter = Filter { people: vec![address.into()], ..Filter::default() };
            assert_eq!(store.entries(&filter).await.unwrap(), []);
        }
        let entries = store.entries(&Filter::default()).await.unwrap();
        let name = |place: usize| entries[place].action_name().unwrap().to_string();
        assert_eq!((&*name(1), &*name(2)), ("autodesk/deactivate/(forgotten)", "autodesk/create/lee@example.com"));
        let said = entries[2].entry.event.action().unwrap();
        assert_eq!(said.message.as_deref(), Some(FORGOTTEN));
        assert!(said.request.is_some(), "only what quotes the person is gone");
        assert_eq!(entries[5].entry.event, Event::Forgot(Forgot { entries: vec![2, 3, 5] }));
        // What guards count does not shrink by it.
        assert!(store.own_deactivations(&autodesk()).await.unwrap().is_empty(), "it was seen active afterwards");
        assert_eq!(store.moved_since(&autodesk(), minute(0)).await.unwrap().lost.len(), 1);
        let used = store.used_approvals().await.unwrap();
        assert_eq!(used.values().map(|used| used.people.len()).collect::<Vec<_>>(), [1]);
        assert!(forget(&store, true).await.is_nothing(), "it is forgotten once");
        assert_eq!(store.entries(&Filter::default()).await.unwrap().len(), 6);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_forgotten_while_a_request_about_the_person_is_under_way() {
    check(async |database| {
        let (store, lease) = fill(database).await;
        let mut new = intent("autodesk/delete/lee@example.com");
        new.payload = json!({ "write": { "to": "Ann@example.com" } });
        open_intent(&store, &lease, &new).await.unwrap();
        let before = contents(&store).await;
        let refused = forget(&store, true).await;
        assert_eq!(refused.under_way, ["autodesk/delete/lee@example.com"]);
        assert_eq!(contents(&store).await, before);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_somebody_elses_by_now_is_left_alone() {
    check(async |database| {
        let (store, _lease) = fill(database).await;
        let spared = |address: &str| address == "ann.old@example.com";
        let forgotten = store.forget(&Email::lenient(ANN), spared, minute(9), true).await.unwrap();
        assert_eq!(forgotten.addresses, [ANN.to_owned()].into());
        assert_eq!(forgotten.sightings, 0);
        let old = Filter { people: vec!["ann.old@example.com".into()], ..Filter::default() };
        assert_eq!(store.entries(&old).await.unwrap().len(), 1);
        assert!(matches!(store.verify().await.unwrap(), Verified::Whole { .. }));
    })
    .await;
}

#[tokio::test]
async fn the_file_holds_nothing_of_what_was_forgotten() {
    let database = Database::sqlite();
    let (store, lease) = fill(&database).await;
    forget(&store, true).await;
    store.shred().await.unwrap();
    store.release(lease).await.unwrap();
    store.close().await.unwrap();
    let file = database.url.strip_prefix("sqlite:").unwrap();
    let bytes = std::fs::read(file).unwrap();
    let text = String::from_utf8_lossy(&bytes).to_lowercase().replace("joann", "");
    assert!(!text.contains("ann@example") && !text.contains("ann.old@"));
    assert!(!Path::new(&format!("{file}-wal")).exists());
}

#[tokio::test]
async fn values_that_are_gone_although_nobody_was_forgotten_break_the_ledger() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        store.enter(&lease, &[note(minute(0), &[], "seen")]).await.unwrap();
        tamper(&store, "DELETE FROM ledger_personal").await;
        let found = store.verify().await.unwrap();
        let Verified::Broken { seq: Some(1), why } = found else { panic!("{found:?}") };
        assert!(why.contains("no entry says that somebody was forgotten"), "{why}");
    })
    .await;
}
