use super::*;

/// Whether a lease is still there to be renewed.
async fn renew(store: &Store, lease: &Lease) -> bool {
    store.renew_all(&[Held::Lease(lease)], None, TTL, minute(1)).await.unwrap() == [true]
}

#[tokio::test]
async fn an_app_has_one_owner_and_every_claim_raises_the_epoch() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let other = database.open().await;
        let busy = other.claim(&autodesk(), "other", TTL, minute(0)).await.unwrap();
        let Claim::Busy { owner, until } = busy else { panic!("{busy:?}") };
        assert_eq!(owner, "test");
        assert!(until > minute(0) && until <= minute(2), "{until}");
        // Another app, and the same name at another origin, are other apps.
        claim(&other, &alteryx(), "other").await;
        claim(&other, &AppKey::new("autodesk", "https://elsewhere.example.com"), "other").await;
        assert!(renew(&store, &lease).await);
        assert_eq!(lease.epoch(), 1);
        let kept = lease.clone();
        store.release(lease).await.unwrap();
        assert!(!renew(&store, &kept).await);
        let lease = claim(&other, &autodesk(), "other").await;
        assert_eq!((lease.epoch(), lease.key()), (2, &autodesk()));
        // The old lease is given back a second time, and the new one is not touched.
        store.release(kept).await.unwrap();
        assert!(renew(&other, &lease).await);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_written_under_a_lease_that_was_lost() {
    check(async |database| {
        let (store, old) = database.claimed().await;
        let id = open_intent(&store, &old, &intent("autodesk/create/ann@example.com")).await.unwrap();
        store.release(old.clone()).await.unwrap();
        let new = claim(&store, &autodesk(), "new").await;
        let note = note(minute(0), &[], "seen");
        let used = ApprovalUse {
            approval: "a".into(),
            place: "approvals.yaml:3".into(),
            action: "autodesk/delete/ann@example.com".into(),
            person: "ann@example.com".into(),
            at: minute(0),
        };
        let with = Settled { approvals: vec![used], ..settled(minute(2), Ending::Done) };
        let fact = Fact { account: "1".into(), kind: FactKind::Account, body: json!(1), read_at: minute(0) };
        let results = [
            trouble(store.check_lease(&old).await),
            trouble(open_intent(&store, &old, &intent("autodesk/create/lee@example.com")).await),
            trouble(close(&store, &old, id, &with).await),
            trouble(store.note_absence(&old, id).await),
            trouble(store.enter(&old, &[note]).await),
            trouble(store.put_facts(&old, &[fact]).await),
            trouble(store.forget_facts(&old, &["1".into()]).await),
            trouble(store.record_reading(&old, minute(0), &Reading::default()).await),
        ];
        assert_eq!(results, [Trouble::LostLease; 8]);
        let error = store.check_lease(&old).await.unwrap_err().to_string();
        assert!(error.contains("test no longer has autodesk: new has it now"), "{error}");
        let open = store.open_intents(&autodesk()).await.unwrap();
        assert_eq!(open.iter().map(|open| (open.id, open.epoch, open.absences)).collect::<Vec<_>>(), [(id, 1, 0)]);
        assert_eq!(store.entries(&Filter::default()).await.unwrap(), []);
        assert_eq!(store.used_approvals().await.unwrap(), [].into());
        assert_eq!(store.facts(&autodesk()).await.unwrap(), []);
        close(&store, &new, id, &settled(minute(2), Ending::Done)).await.unwrap();
        store.release(new).await.unwrap();
        let error = store.check_lease(&old).await.unwrap_err().to_string();
        let expected =
            "test no longer has autodesk: another process took it over meanwhile, and has given it back since";
        assert!(error.contains(expected), "{error}");
        for (row, why) in [
            ("UPDATE apps SET owner = NULL, epoch = 1", "it was given back"),
            (
                "UPDATE apps SET owner = NULL, epoch = 0",
                "the store does not know of it; it is an earlier state of itself",
            ),
            ("DELETE FROM apps", "the store does not know of it; it is an earlier state of itself"),
        ] {
            tamper(&store, row).await;
            let error = store.check_lease(&old).await.unwrap_err().to_string();
            assert!(error.contains(why), "{row}: {error}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_process_that_lives_is_never_overtaken_on_sqlite_and_one_that_died_is_at_once() {
    let database = Database::sqlite();
    let (_store, lease) = database.claimed().await;
    let other = database.open().await;
    let later = minute(24 * 60);
    assert!(matches!(other.claim(&autodesk(), "other", TTL, later).await.unwrap(), Claim::Busy { .. }));
    let kept = lease.clone();
    drop(lease);
    assert!(matches!(other.claim(&autodesk(), "other", TTL, later).await.unwrap(), Claim::Busy { .. }));
    // As it would with its process.
    drop(kept);
    assert_eq!(claim(&other, &autodesk(), "other").await.epoch(), 2);
}

#[tokio::test]
async fn a_lease_that_was_not_renewed_is_taken_over_on_a_server() {
    check(async |database| {
        let store = database.open().await;
        let short = Duration::from_nanos(1);
        let Claim::Held(old) = store.claim(&autodesk(), "old", short, minute(0)).await.unwrap() else { panic!() };
        if database.postgres {
            let new = claim(&store, &autodesk(), "new").await;
            assert_eq!(new.epoch(), 2);
            assert_eq!(trouble(store.check_lease(&old).await), Trouble::LostLease);
        }
    })
    .await;
}
