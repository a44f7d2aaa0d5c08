use super::*;

async fn fill(store: &Store, lease: &Lease) {
    begin_run(store, "run-1", minute(0)).await;
    done(store, lease, "autodesk/deactivate/Ann@example.com", Some("user-1"), minute(2)).await;
    done(store, lease, "autodesk/add-member/lee@example.com/Design Team", Some("user-2"), minute(3)).await;
    let note = note(minute(4), &["ann@EXAMPLE.com", "kim@example.com"], "somebody else changed it");
    store.enter(lease, &[note]).await.unwrap();
    let ended =
        RunEnded { how: RunEnding::Done, message: Some("all is well".into()), counts: [("done".to_owned(), 2)].into() };
    store.end_run("run-1", minute(5), &ended).await.unwrap();
}

#[tokio::test]
async fn every_entry_follows_the_one_before_it() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let empty = store.verify().await.unwrap();
        assert_eq!(empty, Verified::Whole { entries: 0, head: "0".repeat(64) });
        fill(&store, &lease).await;
        let entries = store.entries(&Filter::default()).await.unwrap();
        assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert!(entries.windows(2).all(|pair| pair[0].hash == pair[1].prev));
        let kinds: Vec<_> = entries.iter().map(|entry| entry.entry.event.kind()).collect();
        assert_eq!(kinds, ["run-begun", "action", "action", "note", "run-ended"]);
        let head = entries[4].hash.clone();
        assert_eq!(store.verify().await.unwrap(), Verified::Whole { entries: 5, head });
    })
    .await;
}

const FORGED_RUN: &str = "INSERT INTO runs SELECT 'run-9', -1, command, started_at, revision, fingerprint, host, pid, \
                          ended_at, how, message, counts FROM runs";

/// A copy of an entry outside of the chain.
fn forged_row(seq: &str) -> String {
    format!(
        "INSERT INTO ledger SELECT {seq}, at, run, kind, app, origin, action, verb, account_id, result, made, prev, hash, \
         body, group_id FROM ledger WHERE seq = 2"
    )
}

#[tokio::test]
async fn what_the_chain_does_not_cover_is_never_shown() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        fill(&store, &lease).await;
        let entries = store.entries(&Filter::default()).await.unwrap();
        let (runs, last) = (store.runs(10).await.unwrap(), store.last_done(&autodesk()).await.unwrap());
        for seq in ["0", "-7", "6"] {
            tamper(&store, &forged_row(seq)).await;
        }
        tamper(&store, "INSERT INTO ledger_people (seq, person) VALUES (-7, 'kim@example.com')").await;
        tamper(&store, FORGED_RUN).await;
        assert_eq!(store.entries(&Filter::default()).await.unwrap(), entries);
        assert_eq!(store.runs(10).await.unwrap(), runs);
        assert_eq!(store.run("run-9").await.unwrap(), None);
        assert_eq!(store.last_done(&autodesk()).await.unwrap(), last);
        let kim = Filter { people: vec!["kim@example.com".into()], ..Filter::default() };
        assert_eq!(store.entries(&kim).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_first_broken_link_is_named() {
    let forged = "UPDATE ledger SET body = replace(body, 'action', 'faction'), hash = prev";
    let cases: &[(&str, u64, &str)] = &[
        (
            "UPDATE ledger SET body = replace(body, 'done', 'failed') WHERE seq = 2",
            2,
            "its text is not what was written",
        ),
        ("UPDATE ledger_personal SET body = replace(body, 'Ann', 'Eve') WHERE seq = 2", 2, "is not what was written"),
        ("UPDATE ledger_personal SET body = replace(body, 'Ann', '1') WHERE seq = 2", 2, "is not what was written"),
        ("UPDATE ledger_personal SET body = 'x' WHERE seq = 2", 2, "its text cannot be read"),
        ("INSERT INTO ledger_personal (seq, body) VALUES (1, '{\"x\":[\"k\",1]}')", 1, "does not refer to"),
        ("DELETE FROM ledger_personal WHERE seq = 5", 5, "another message"),
        ("UPDATE ledger SET group_id = 'x' WHERE seq = 2", 2, "the columns that it is found by"),
        ("UPDATE ledger SET hash = prev WHERE seq = 3", 3, "its text is not what was written"),
        ("UPDATE ledger SET prev = hash WHERE seq = 3", 3, "it does not follow the entry before it"),
        (forged, 1, "its text is not what was written"),
        ("DELETE FROM ledger WHERE seq = 1", 1, "it is missing: entry 0 is followed by entry 2"),
        ("DELETE FROM ledger WHERE seq = 5", 5, "it is missing: the last entry was 5"),
        ("UPDATE ledger SET seq = 1000000 WHERE seq = 5", 5, "it is missing: entry 4 is followed by entry 1000000"),
        ("UPDATE ledger_head SET seq = 4", 5, "it was not entered by us"),
        ("UPDATE ledger_head SET hash = 'x'", 5, "its hash is not that of the last entry"),
        ("DELETE FROM ledger_head", 5, "which entry is the last is gone"),
        ("UPDATE ledger SET at = at + 1 WHERE seq = 4", 4, "the columns that it is found by"),
        ("UPDATE ledger SET result = 'failed' WHERE seq = 3", 3, "the columns that it is found by"),
        ("UPDATE ledger SET run = NULL WHERE seq = 1", 1, "the columns that it is found by"),
        ("UPDATE ledger SET account_id = NULL WHERE seq = 2", 2, "the columns that it is found by"),
        ("UPDATE ledger SET origin = 'x' WHERE seq = 2", 2, "the columns that it is found by"),
        ("UPDATE ledger SET made = 1 WHERE seq = 2", 2, "the columns that it is found by"),
        ("UPDATE ledger_people SET person = 'eve@example.com' WHERE seq = 2", 2, "the columns that it is found by"),
        ("DELETE FROM ledger_people WHERE seq = 3", 3, "the columns that it is found by"),
        ("INSERT INTO ledger_people (seq, person) VALUES (4, 'x')", 4, "the columns that it is found by"),
        (&forged_row("0"), 0, "rows that were not entered by us"),
        (&forged_row("-7"), 0, "rows that were not entered by us"),
        ("UPDATE runs SET command = 'plan'", 1, "its run run-1 has another command"),
        ("UPDATE runs SET host = 'x'", 1, "another host"),
        ("UPDATE runs SET pid = 8", 1, "another process"),
        ("UPDATE runs SET revision = NULL", 1, "another commit"),
        ("UPDATE runs SET fingerprint = 'x'", 1, "another plan"),
        ("UPDATE runs SET seq = 3", 1, "another place in the ledger"),
        ("UPDATE runs SET how = 'failed'", 5, "another end"),
        ("UPDATE runs SET message = NULL", 5, "another message"),
        ("UPDATE runs SET counts = '{}'", 5, "another number of actions"),
        ("UPDATE runs SET ended_at = NULL", 5, "another end"),
        ("DELETE FROM runs", 1, "what is kept about its run run-1 is gone"),
        (FORGED_RUN, 0, "runs of whose begin no entry tells"),
    ];
    for (sql, first, expect) in cases {
        check(async |database| {
            let (store, lease) = database.claimed().await;
            fill(&store, &lease).await;
            if sql.starts_with("DELETE FROM ledger WHERE") || sql.starts_with("UPDATE ledger SET seq") {
                let seq = sql.rsplit(' ').next().unwrap();
                tamper(&store, &format!("DELETE FROM ledger_people WHERE seq = {seq}")).await;
                tamper(&store, &format!("DELETE FROM ledger_personal WHERE seq = {seq}")).await;
            }
            tamper(&store, sql).await;
            let found = store.verify().await.unwrap();
            let Verified::Broken { seq, why } = found else { panic!("{sql}: {found:?}") };
            assert_eq!(seq, Some(*first).filter(|first| *first > 0), "{sql}: {why}");
            assert!(why.contains(expect), "{sql}: {why}");
        })
        .await;
    }
}

#[tokio::test]
async fn entries_are_found_by_person_app_action_run_and_time() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        fill(&store, &lease).await;
        let found = async |filter: Filter| -> Vec<u64> {
            store.entries(&filter).await.unwrap().iter().map(|entry| entry.seq).collect()
        };
        let text = |text: &str| Some(text.to_owned());
        let people = |person: &str| vec![person.to_owned()];
        assert_eq!(found(Filter { people: people("ANN@example.com"), ..Filter::default() }).await, [2, 4]);
        assert_eq!(found(Filter { people: people("kim@example.com"), ..Filter::default() }).await, [4]);
        assert_eq!(found(Filter { app: text("autodesk"), ..Filter::default() }).await, [2, 3, 4]);
        assert_eq!(found(Filter { app: text("alteryx"), ..Filter::default() }).await, [0; 0]);
        assert_eq!(found(Filter { run: text("run-1"), ..Filter::default() }).await, [1, 2, 3, 5]);
        let between = Filter { since: Some(minute(2)), until: Some(minute(4)), ..Filter::default() };
        assert_eq!(found(between).await, [2, 3]);
        assert_eq!(found(Filter { without_runs: true, ..Filter::default() }).await, [2, 3, 4]);
        assert_eq!(found(Filter { limit: Some(2), ..Filter::default() }).await, [4, 5]);
        let both = Filter { people: people("ann@example.com"), limit: Some(1), ..Filter::default() };
        assert_eq!(found(both).await, [4]);
        let of_two = vec!["lee@example.com".to_owned(), "KIM@example.com".to_owned()];
        assert_eq!(found(Filter { people: of_two, ..Filter::default() }).await, [3, 4]);
    })
    .await;
}

#[tokio::test]
async fn runs_tell_how_they_ended_or_that_they_did_not() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        fill(&store, &lease).await;
        // A clock that was set back does not change the order.
        let cut_off = begin_run(&store, "run-2", minute(-60)).await;
        let runs = store.runs(10).await.unwrap();
        assert_eq!(runs.iter().map(|run| &*run.id).collect::<Vec<_>>(), ["run-1", "run-2"]);
        let (at, ended) = runs[0].ended.as_ref().unwrap();
        assert_eq!((*at, ended.how, ended.counts["done"]), (minute(5), RunEnding::Done, 2));
        assert_eq!(runs[1], Run { id: "run-2".into(), started_at: minute(-60), begun: cut_off, ended: None });
        assert_eq!(store.runs(1).await.unwrap(), runs[1..]);
        assert_eq!(store.run("run-2").await.unwrap().as_ref(), runs.last());
        assert_eq!(store.run("run-3").await.unwrap(), None);
        // A run ends once.
        assert_eq!(trouble(store.end_run("run-1", *at, ended).await), Trouble::Database);
        assert_eq!(store.entries(&Filter::default()).await.unwrap().len(), 6);
    })
    .await;
}

#[tokio::test]
async fn budgets_and_facts_are_kept() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let saved = |paused_ms| crate::budget::Saved { scopes: Vec::new(), paused_ms, under_way_ms: Vec::new() };
        assert_eq!(store.load_budget("autodesk").await.unwrap(), None);
        store.save_budget("autodesk", &saved(1), minute(1)).await.unwrap();
        store.save_budget("autodesk", &saved(2), minute(2)).await.unwrap();
        assert_eq!(store.load_budget("autodesk").await.unwrap(), Some((saved(2), minute(2))));
        let fact = |account: &str, kind, body: i64| Fact {
            account: account.into(),
            kind,
            body: json!({ "n": body }),
            read_at: minute(body),
        };
        let (a, b) = (fact("b", FactKind::Memberships, 1), fact("b", FactKind::Account, 2));
        store.put_facts(&lease, &[a.clone(), b.clone()]).await.unwrap();
        let newer = fact("b", FactKind::Memberships, 3);
        let many: Vec<Fact> = (0..1200).map(|i| fact(&format!("c{i:04}"), FactKind::Account, i)).collect();
        store.put_facts(&lease, &many).await.unwrap();
        // The last of two about the same counts.
        store.put_facts(&lease, &[a, newer.clone(), fact("a", FactKind::Account, 4)]).await.unwrap();
        let facts = store.facts(&autodesk()).await.unwrap();
        assert_eq!(facts.len(), 1203);
        assert_eq!(facts[..3], [fact("a", FactKind::Account, 4), b, newer]);
        assert_eq!(facts[3..], many);
        let forget: Vec<Arc<str>> = many.iter().map(|fact| fact.account.clone()).chain(["b".into()]).collect();
        store.forget_facts(&lease, &forget).await.unwrap();
        assert_eq!(store.facts(&autodesk()).await.unwrap(), [fact("a", FactKind::Account, 4)]);
    })
    .await;
}
