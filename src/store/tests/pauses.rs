use super::*;
use crate::model::{Email, Pause};

fn pause(app: Option<&AppKey>, since: i64, until: i64) -> Pause {
    Pause {
        app: app.map(|key| key.app.clone()),
        since: minute(since),
        until: minute(until),
        by: "ann on vm-1".into(),
        reason: "lee@example.com moves the app".into(),
        holds_leavers: app.is_none(),
    }
}

async fn make(store: &Store, pause: &Pause) {
    store.pause(pause, &autodesk().origin).await.unwrap();
}

#[tokio::test]
async fn pauses_are_in_force_until_they_end_for_everybody_who_shares_the_store() {
    check(async |database| {
        let store = database.open().await;
        let (of_app, of_all) = (pause(Some(&autodesk()), 0, 10), pause(None, 1, 5));
        make(&store, &of_app).await;
        make(&store, &of_all).await;
        let other = database.open().await;
        assert_eq!(other.pauses(minute(2)).await.unwrap(), [of_all, of_app.clone()]);
        assert_eq!(other.pauses(minute(5)).await.unwrap(), [of_app]);
        assert!(other.pauses(minute(10)).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_new_pause_takes_the_place_of_the_one_before_and_an_end_comes_once() {
    check(async |database| {
        let store = database.open().await;
        let key = autodesk();
        make(&store, &pause(Some(&key), 0, 10)).await;
        let longer = pause(Some(&key), 1, 60);
        make(&store, &longer).await;
        assert_eq!(store.pauses(minute(2)).await.unwrap(), std::slice::from_ref(&longer));
        assert_eq!(store.end_pause(None, "", "ann", minute(2)).await.unwrap(), None);
        let end = async |at| store.end_pause(Some(&key.app), &key.origin, "bob", minute(at)).await.unwrap();
        assert_eq!([end(3).await, end(4).await], [Some(longer), None]);
        // One that is over by itself is not ended by anybody.
        make(&store, &pause(Some(&key), 5, 6)).await;
        assert_eq!(end(6).await, None);
    })
    .await;
}

#[tokio::test]
async fn the_ledger_tells_of_pauses_and_of_their_end_with_the_app_or_all_apps() {
    check(async |database| {
        let store = database.open().await;
        let key = autodesk();
        make(&store, &pause(Some(&key), 0, 10)).await;
        make(&store, &pause(None, 1, 10)).await;
        store.end_pause(Some(&key.app), &key.origin, "bob", minute(2)).await.unwrap();
        let told = async |app: &str| -> Vec<(&str, Option<AppKey>)> {
            let filter = Filter { app: Some(app.into()), ..Filter::default() };
            let entries = store.entries(&filter).await.unwrap();
            entries.into_iter().map(|entry| (entry.entry.event.kind(), entry.key)).collect()
        };
        assert_eq!(told("autodesk").await, [("paused", Some(key.clone())), ("paused", None), ("resumed", Some(key))]);
        assert_eq!(told("alteryx").await, [("paused", None)]);
        assert!(matches!(store.verify().await.unwrap(), Verified::Whole { entries: 3, .. }));
    })
    .await;
}

#[tokio::test]
async fn a_forgotten_person_is_quoted_by_no_pause() {
    check(async |database| {
        let store = database.open().await;
        make(&store, &pause(None, 0, 10)).await;
        store.forget(&Email::lenient("lee@example.com"), |_| false, minute(2), true).await.unwrap();
        let kept = &store.pauses(minute(3)).await.unwrap()[0];
        assert_eq!((kept.reason.as_str(), kept.by.as_str()), (FORGOTTEN, "ann on vm-1"));
        let entries = store.entries(&Filter::default()).await.unwrap();
        assert!(!format!("{entries:?}").contains("lee@example.com"), "{entries:?}");
        assert!(matches!(store.verify().await.unwrap(), Verified::Whole { .. }));
    })
    .await;
}
