use super::*;

/// What was done at least three times since an instant.
async fn repeated(store: &Store, since: i64) -> Vec<String> {
    store.done_repeatedly(&autodesk(), minute(since), 3).await.unwrap().into_iter().collect()
}

#[tokio::test]
async fn what_took_effect_again_and_again_is_known_by_its_name() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let add = "autodesk/add-member/ann@example.com/Design";
        for at in [1, 2, 3] {
            done(&store, &lease, add, Some("ann"), minute(at)).await;
            done(&store, &lease, &format!("autodesk/create/p{at}@example.com"), None, minute(at)).await;
            assert_eq!(repeated(&store, 0).await, if at < 3 { vec![] } else { vec![add] });
        }
        assert_eq!(repeated(&store, 2).await, [""; 0], "the first is too old");
        assert_eq!(store.done_repeatedly(&alteryx(), minute(0), 3).await.unwrap(), [].into());
        let done = store.done_since(&autodesk(), minute(3)).await.unwrap();
        let names = done.iter().map(|entry| entry.action_name().unwrap().to_string());
        assert_eq!(names.collect::<Vec<_>>(), [add, "autodesk/create/p3@example.com"]);
    })
    .await;
}

#[tokio::test]
async fn what_took_no_effect_is_not_done_and_whoever_is_forgotten_has_no_name() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let name = "autodesk/reactivate/ann@example.com";
        for (at, ending) in [(1, Ending::Done), (2, Ending::Failed), (3, Ending::Unknown), (4, Ending::Done)] {
            let id = open_intent(&store, &lease, &intent(name)).await.unwrap();
            close(&store, &lease, id, &settled(minute(at), ending)).await.unwrap();
        }
        assert_eq!(repeated(&store, 0).await, [""; 0]);
        done(&store, &lease, name, None, minute(5)).await;
        assert_eq!(repeated(&store, 0).await, [name]);
        let ann = crate::model::Email::lenient("ann@example.com");
        store.forget(&ann, |_| false, minute(6), true).await.unwrap();
        assert_eq!(repeated(&store, 0).await, [""; 0]);
    })
    .await;
}
