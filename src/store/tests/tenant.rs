use super::{readings::whole, *};
use crate::model::{ClaimedBy, Email, IdentityClaim, Pause};

fn renamed() -> AppKey {
    AppKey::new("design/apps", "https://api.example.com")
}

/// Eight accounts, of whom Ann was deactivated and Bob's invitation is under way.
async fn used(database: &Database) -> (Store, Lease) {
    let (store, lease) = database.claimed().await;
    store.note_connector(&lease, "autodesk").await.unwrap();
    let accounts = ["ann active", "c1 active", "c2 active", "c3 active", "c4 active", "off inactive", "p1 pending"];
    store.record_reading(&lease, minute(0), &whole(&accounts, &[("c1", "g1", "member")])).await.unwrap();
    let claim = IdentityClaim { account: "c1".into(), identity: Email::lenient("c1@example.com"), by: ClaimedBy::Key };
    store.accept_claims(&lease, minute(0), &[NewClaim { claim, approval: None }], true).await.unwrap();
    begin_run(&store, "run-1", minute(0)).await;
    let id = open_intent(&store, &lease, &intent_of("autodesk/deactivate/ann@example.com", Some("ann"))).await.unwrap();
    let approval = ApprovalUse {
        approval: "autodesk/deactivate max-removals up_to 4".into(),
        place: "approvals.yaml:3".into(),
        action: "autodesk/deactivate/ann@example.com".into(),
        person: "ann@example.com".into(),
        at: minute(2),
    };
    close(&store, &lease, id, &Settled { approvals: vec![approval], ..settled(minute(2), Ending::Done) })
        .await
        .unwrap();
    open_intent(&store, &lease, &intent("autodesk/create/bob@example.com")).await.unwrap();
    (store, lease)
}

async fn moved(store: &Store, from: &Lease) -> Lease {
    let to = claim(store, &renamed(), "test").await;
    assert!(store.move_past(from, &to, minute(5), &"run-1".into()).await.unwrap());
    to
}

#[tokio::test]
async fn an_app_is_known_by_the_accounts_that_should_be_there() {
    check(async |database| {
        let (store, _lease) = used(database).await;
        let ids = |ids: Vec<Arc<str>>| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(ids(store.known_accounts(&autodesk()).await.unwrap()), "c1 c2 c3 c4 p1");
        let others = store.others_read_by("autodesk", &renamed()).await.unwrap();
        assert_eq!(others.into_keys().collect::<Vec<_>>(), [autodesk()]);
        assert!(store.others_read_by("autodesk", &autodesk()).await.unwrap().is_empty(), "not itself");
        assert!(store.others_read_by("workiva", &renamed()).await.unwrap().is_empty(), "of another connector");
        let lease = claim(&store, &alteryx(), "test").await;
        let many: Vec<String> = (0..999).map(|n| format!("a{n:03} active")).collect();
        let many: Vec<&str> = many.iter().map(|text| &**text).collect();
        store.record_reading(&lease, minute(0), &whole(&many, &[])).await.unwrap();
        let sample = store.known_accounts(&alteryx()).await.unwrap();
        assert!((150..=200).contains(&sample.len()) && *sample[sample.len() - 1] > *"a990", "{sample:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_known_of_an_app_goes_to_its_new_entry_and_the_ledger_stays_whole() {
    check(async |database| {
        let (store, lease) = used(database).await;
        let to = moved(&store, &lease).await;
        let (old, new) = (autodesk(), renamed());
        assert_eq!(store.accounts_last_seen(&old).await.unwrap(), None);
        assert_eq!(store.accounts_last_seen(&new).await.unwrap(), Some(7));
        assert!(store.has_shown_members(&new).await.unwrap());
        let lost = store.moved_since(&new, minute(0)).await.unwrap().lost;
        assert_eq!(lost, [(Email::lenient("ann@example.com"), None)].into());
        assert!(store.own_deactivations(&new).await.unwrap().contains_key("ann"));
        assert!(store.accepted_claims(&new).await.unwrap().contains_key("c1"));
        let open = store.open_intents(&new).await.unwrap();
        assert_eq!(
            open.iter().map(|open| &*open.intent.action).collect::<Vec<_>>(),
            ["design%2Fapps/create/bob@example.com"]
        );
        let used = store.used_approvals().await.unwrap();
        let again = &used["design%2Fapps/deactivate max-removals up_to 4"];
        assert_eq!(again.actions, ["design%2Fapps/deactivate/ann@example.com".to_owned()].into());
        let of_app = Filter { app: Some("design/apps".into()), ..Filter::default() };
        let names: Vec<_> = store.entries(&of_app).await.unwrap().iter().filter_map(Entry::action_name).collect();
        assert_eq!(
            names.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["design%2Fapps/deactivate/ann@example.com"]
        );
        assert!(matches!(store.verify().await.unwrap(), Verified::Whole { .. }), "{:?}", store.verify().await);
        close(&store, &to, open[0].id, &settled(minute(6), Ending::Done)).await.unwrap();
        store.forget(&Email::lenient("ann@example.com"), |_| false, minute(9), true).await.unwrap();
        assert!(matches!(store.verify().await.unwrap(), Verified::Whole { .. }), "{:?}", store.verify().await);
        // Who has no such entry to show for it has moved nothing.
        tamper(&store, "UPDATE ledger SET app = 'other' WHERE account_id IS NULL AND kind = 'action'").await;
        assert!(matches!(store.verify().await.unwrap(), Verified::Broken { .. }));
    })
    .await;
}

#[tokio::test]
async fn it_goes_back_with_the_name_and_never_over_a_past_of_its_own() {
    check(async |database| {
        let (store, lease) = used(database).await;
        let to = moved(&store, &lease).await;
        assert!(store.move_past(&to, &lease, minute(6), &"run-1".into()).await.unwrap());
        assert_eq!(store.accounts_last_seen(&autodesk()).await.unwrap(), Some(7));
        assert_eq!(store.moved_since(&autodesk(), minute(0)).await.unwrap().lost.len(), 1);
        assert!(matches!(store.verify().await.unwrap(), Verified::Whole { .. }), "{:?}", store.verify().await);
        store.record_reading(&to, minute(7), &whole(&["x active"], &[])).await.unwrap();
        assert!(!store.move_past(&lease, &to, minute(8), &"run-1".into()).await.unwrap());
        store.release(lease.clone()).await.unwrap();
        assert!(
            store.move_past(&lease, &to, minute(8), &"run-1".into()).await.is_err_and(|error| error.is_lost_lease())
        );
    })
    .await;
}

#[tokio::test]
async fn a_pause_goes_on_under_the_new_name() {
    check(async |database| {
        let (store, lease) = used(database).await;
        let pause = Pause {
            app: Some(autodesk().app),
            since: minute(0),
            until: minute(60),
            by: "ann on vm-1".into(),
            reason: "moving".into(),
            holds_leavers: false,
        };
        store.pause(&pause, &autodesk().origin).await.unwrap();
        moved(&store, &lease).await;
        let now = store.pauses(minute(5)).await.unwrap();
        assert_eq!(now, [Pause { app: Some(renamed().app), ..pause }]);
    })
    .await;
}
