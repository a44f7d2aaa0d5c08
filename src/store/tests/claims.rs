use super::{readings::whole, *};
use crate::model::{ClaimedBy, Email, IdentityClaim};

fn claim_of(account: &str, identity: &str, by: ClaimedBy) -> NewClaim {
    let claim = IdentityClaim { account: account.into(), identity: Email::lenient(identity), by };
    NewClaim { claim, approval: None }
}

#[tokio::test]
async fn claims_are_kept_for_each_app_and_their_approvals_are_used() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let used = ApprovalUse {
            approval: "autodesk/update identity".into(),
            place: "approvals.yaml:3".into(),
            action: "autodesk/update/noor@example.com".into(),
            person: "Noor@example.com".into(),
            at: minute(2),
        };
        let approved = NewClaim { approval: Some(used), ..claim_of("user-1", "Noor@example.com", ClaimedBy::Alias) };
        let all = [approved, claim_of("user-2", "lee@example.com", ClaimedBy::Key)];
        for at in [2, 3] {
            store.accept_claims(&lease, minute(at), &all, true).await.unwrap();
        }
        let kept = store.accepted_claims(&autodesk()).await.unwrap();
        let kept: Vec<_> =
            kept.iter().map(|(id, who)| (&**id, who.iter().map(Email::key).collect::<Vec<_>>())).collect();
        assert_eq!(kept, [("user-1", vec!["noor@example.com"]), ("user-2", vec!["lee@example.com"])]);
        assert!(store.accepted_claims(&alteryx()).await.unwrap().is_empty());
        let used = store.used_approvals().await.unwrap();
        assert_eq!(used["autodesk/update identity"].people, ["noor@example.com".to_owned()].into());
        // Whoever is forgotten is nobody's owner any more.
        store.forget(&Email::lenient("noor@example.com"), |_| false, minute(9), true).await.unwrap();
        let kept = store.accepted_claims(&autodesk()).await.unwrap();
        assert_eq!(kept.keys().map(|id| &**id).collect::<Vec<_>>(), ["user-2"]);
        store.release(lease.clone()).await.unwrap();
        claim(&store, &autodesk(), "other").await;
        let late = store.accept_claims(&lease, minute(9), &all, true).await;
        assert!(late.is_err_and(|error| error.is_lost_lease()));
    })
    .await;
}

#[tokio::test]
async fn what_an_earlier_version_saw_is_inherited_until_a_whole_reading() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        store.record_reading(&lease, minute(1), &whole(&["user-1 active", "user-2 active"], &[])).await.unwrap();
        store.record_reading(&lease, minute(2), &whole(&["user-1 active"], &[])).await.unwrap();
        assert!(store.inherited_accounts(&autodesk()).await.unwrap().is_empty());
        store.release(lease).await.unwrap();
        // As the version before kept it.
        for sql in
            ["DROP TABLE claims", "DROP TABLE claims_to_inherit", "DELETE FROM _sqlx_migrations WHERE version = 4"]
        {
            tamper(&store, sql).await;
        }
        store.close().await.unwrap();
        let (store, lease) = database.claimed().await;
        let inherited = store.inherited_accounts(&autodesk()).await.unwrap();
        assert_eq!(inherited, ["user-1".into()].into());
        assert!(store.inherited_accounts(&alteryx()).await.unwrap().is_empty());
        store.accept_claims(&lease, minute(3), &[], false).await.unwrap();
        assert_eq!(store.inherited_accounts(&autodesk()).await.unwrap(), inherited);
        store.accept_claims(&lease, minute(4), &[], true).await.unwrap();
        assert!(store.inherited_accounts(&autodesk()).await.unwrap().is_empty());
    })
    .await;
}
