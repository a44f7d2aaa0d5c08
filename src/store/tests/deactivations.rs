use super::{readings::whole, *};

/// What happens, in order: `10 reading ann active`, `12 deactivate`, and what is said of Ann at the end.
async fn ours(events: &[(i64, &str)], expect: Option<Option<i64>>) {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        for (at, event) in events {
            match event.split_once(' ') {
                Some(("reading", "nobody")) => {
                    store.record_reading(&lease, minute(*at), &whole(&[], &[])).await.unwrap();
                }
                Some(("reading", account)) => {
                    store.record_reading(&lease, minute(*at), &whole(&[account], &[])).await.unwrap();
                }
                _ => done(&store, &lease, &format!("autodesk/{event}/ann@example.com"), Some("ann"), minute(*at)).await,
            }
        }
        let own = store.own_deactivations(&autodesk()).await.unwrap();
        let own = own.get("ann").map(|own| own.touched_at);
        assert_eq!(own, expect.map(|touched| touched.map(minute)), "{events:?}");
    })
    .await;
}

#[tokio::test]
async fn a_deactivation_is_ours_until_somebody_else_changes_the_status() {
    let before = [(0, "reading ann active"), (5, "deactivate")];
    let then = |later: &[(i64, &'static str)]| [&before, later].concat();
    ours(&then(&[]), Some(None)).await;
    ours(&then(&[(10, "reading ann inactive"), (20, "reading ann inactive")]), Some(None)).await;
    // An app may hide who is inactive.
    ours(&then(&[(10, "reading nobody")]), Some(None)).await;
    ours(&then(&[(10, "reading ann inactive"), (20, "reading ann active")]), None).await;
    let again = [(10, "reading ann inactive"), (20, "reading ann active"), (30, "reading ann inactive")];
    ours(&then(&again), None).await;
    ours(&then(&[(10, "reading ann odd")]), None).await;
    // It was undone before any reading could show that it was done, and done again by somebody else.
    ours(&then(&[(10, "reading ann active")]), None).await;
    ours(&then(&[(10, "reading ann active"), (20, "reading ann inactive")]), None).await;
}

#[tokio::test]
async fn what_we_did_ourselves_afterwards_counts() {
    let before = [(0, "reading ann active"), (5, "deactivate"), (10, "reading ann inactive")];
    let then = |later: &[(i64, &'static str)]| [&before, later].concat();
    ours(&then(&[(11, "reactivate")]), None).await;
    ours(&then(&[(11, "delete")]), None).await;
    let again = [(11, "reactivate"), (20, "reading ann active"), (21, "deactivate"), (30, "reading ann inactive")];
    ours(&then(&again), Some(None)).await;
    ours(&[(0, "reading ann inactive")], None).await;
}

#[tokio::test]
async fn an_account_that_somebody_changed_afterwards_was_touched() {
    let before = [(0, "reading ann active role=user"), (5, "deactivate"), (10, "reading ann inactive role=none")];
    let then = |later: &[(i64, &'static str)]| [&before, later].concat();
    // What changed together with the status may be the deactivation's own doing.
    ours(&then(&[(20, "reading ann inactive role=none")]), Some(None)).await;
    ours(&then(&[(20, "reading ann inactive role=admin"), (30, "reading ann inactive role=user")]), Some(Some(20)))
        .await;
    ours(&then(&[(20, "reading ann inactive email=other@example.com")]), Some(Some(20))).await;
    // What is merely learnt is no change.
    ours(&then(&[(20, "reading ann inactive company=Acme")]), Some(None)).await;
}

#[tokio::test]
async fn an_account_that_somebody_changed_before_any_reading_was_touched() {
    let before = [(0, "reading ann active role=user given_name=Ann"), (5, "deactivate")];
    let then = |later: &[(i64, &'static str)]| [&before, later].concat();
    ours(&then(&[(10, "reading ann inactive role=user given_name=Anna")]), Some(Some(10))).await;
    ours(&then(&[(10, "reading ann inactive role=admin given_name=Ann")]), Some(Some(10))).await;
    ours(&then(&[(10, "reading ann inactive email=other@example.com")]), Some(Some(10))).await;
    ours(&then(&[(10, "reading ann inactive role=user given_name=Ann")]), Some(None)).await;
    // What gives access may go with it.
    ours(&then(&[(10, "reading ann inactive role=none given_name=Ann")]), Some(None)).await;
}

#[tokio::test]
async fn an_account_that_joined_a_group_afterwards_was_touched() {
    let touched = async |before: &[(&str, &str, &str)], after: &[(&str, &str, &str)]| {
        let touched = std::cell::Cell::new(None);
        check(async |database| {
            let (store, lease) = database.claimed().await;
            let accounts = |status: &str| [format!("ann {status}"), "bob active".to_owned()];
            let [ann, bob] = accounts("active");
            store.record_reading(&lease, minute(0), &whole(&[&ann, &bob], before)).await.unwrap();
            done(&store, &lease, "autodesk/deactivate/ann@example.com", Some("ann"), minute(5)).await;
            let [ann, bob] = accounts("inactive");
            store.record_reading(&lease, minute(10), &whole(&[&ann, &bob], after)).await.unwrap();
            touched.set(store.own_deactivations(&autodesk()).await.unwrap()["ann"].touched_at);
        })
        .await;
        touched.get()
    };
    let (ann, bob) = (("ann", "g1", "member"), ("bob", "g2", "member"));
    assert_eq!(touched(&[ann, bob], &[ann, bob]).await, None);
    // A deactivation may take memberships, or change them.
    assert_eq!(touched(&[ann, bob], &[bob]).await, None);
    assert_eq!(touched(&[ann, bob], &[("ann", "g1", "none"), bob]).await, None);
    assert_eq!(touched(&[ann, bob], &[ann, bob, ("ann", "g2", "member")]).await, Some(minute(10)));
    // A group that nobody had looked at may have had her as a member all along.
    assert_eq!(touched(&[ann], &[ann, ("ann", "g2", "member")]).await, None);
}

#[tokio::test]
async fn whom_we_removed_since_all_were_last_seen_is_known() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let removed = async || store.removed_since_last_seen(&autodesk()).await.unwrap();
        let act = async |event: &str, id: &str, at| {
            done(&store, &lease, &format!("autodesk/{event}/{id}@example.com"), Some(id), minute(at)).await;
        };
        act("delete", "old", 1).await;
        assert!(removed().await.is_empty(), "nobody was seen yet");
        store.record_reading(&lease, minute(10), &whole(&["ann active", "bob active"], &[])).await.unwrap();
        act("delete", "ann", 11).await;
        act("deactivate", "bob", 12).await;
        act("reactivate", "lee", 13).await;
        // A look at somebody shows nothing of the rest.
        store.record_reading(&lease, minute(14), &Reading::default()).await.unwrap();
        assert_eq!(removed().await, ["ann", "bob"].map(Arc::from).into());
        store.record_reading(&lease, minute(20), &whole(&[], &[])).await.unwrap();
        assert!(removed().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn whose_account_was_on_lately_and_that_we_did_not_take_off_is_known() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let on = async |since| {
            let on = store.on_lately(&autodesk(), minute(since)).await.unwrap();
            on.into_keys().map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
        };
        let accounts = ["ann active", "bob active", "cat active", "lee inactive", "new pending"];
        store.record_reading(&lease, minute(10), &whole(&accounts, &[])).await.unwrap();
        done(&store, &lease, "autodesk/deactivate/ann@example.com", Some("ann"), minute(11)).await;
        assert_eq!(on(0).await, "bob cat");
        // Somebody took Bob off, and Ann on and off again.
        store
            .record_reading(&lease, minute(15), &whole(&["ann inactive", "bob active", "cat active"], &[]))
            .await
            .unwrap();
        let accounts = ["ann active", "bob inactive", "cat active"];
        store.record_reading(&lease, minute(20), &whole(&accounts, &[])).await.unwrap();
        store
            .record_reading(&lease, minute(30), &whole(&["ann inactive", "bob inactive", "cat active"], &[]))
            .await
            .unwrap();
        assert_eq!(on(0).await, "ann bob cat");
        assert_eq!(on(25).await, "ann cat", "it is over for Bob after a day");
        assert_eq!(on(31).await, "cat");
    })
    .await;
}
