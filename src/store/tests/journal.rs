use super::*;

#[tokio::test]
async fn an_intent_is_there_for_whoever_comes_next_until_it_is_settled() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let new = intent("autodesk/create/ann@example.com");
        let id = open_intent(&store, &lease, &new).await.unwrap();
        drop((store, lease));
        let store = database.open().await;
        let open = store.open_intents(&autodesk()).await.unwrap();
        assert_eq!(open, [Intent { id, epoch: 1, absences: 0, intent: new.clone() }]);
        assert_eq!(store.open_intents(&alteryx()).await.unwrap(), []);
        if database.postgres {
            // Nobody gave it back; on a server it would end by itself.
            tamper(&store, "UPDATE apps SET owner = NULL").await;
        }
        let lease = claim(&store, &autodesk(), "next").await;
        assert_eq!(store.note_absence(&lease, id).await.unwrap(), 1);
        assert_eq!(store.note_absence(&lease, id).await.unwrap(), 2);
        let found = Settled { account_id: Some("user-1".into()), ..settled(minute(5), Ending::Done) };
        close(&store, &lease, id, &found).await.unwrap();
        assert_eq!(store.open_intents(&autodesk()).await.unwrap(), []);
        let [entry] = &store.entries(&Filter::default()).await.unwrap()[..] else { panic!() };
        assert_eq!(entry.key, Some(autodesk()));
        let expect = ActionEntry {
            deed: Deed { account_id: Some("user-1".into()), ..new.deed },
            ending: Ending::Done,
            message: None,
            request: found.request,
            status: Some(200),
            read_back: Some(json!({ "status": "inactive" })),
            sent_at: Some(minute(1)),
            by_looking: false,
        };
        let event = Event::Action(Box::new(expect));
        assert_eq!(entry.entry, NewEntry { at: minute(5), run: Some("run-1".into()), event });
        assert_eq!(entry.action_name().unwrap().to_string(), new.action);
        assert_eq!(trouble(close(&store, &lease, id, &settled(minute(6), Ending::Done)).await), Trouble::NotOpen);
        assert_eq!(trouble(store.note_absence(&lease, id).await), Trouble::NotOpen);
    })
    .await;
}

#[tokio::test]
async fn an_action_is_open_once_at_a_time() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let new = intent("autodesk/create/ann@example.com");
        let first = open_intent(&store, &lease, &new).await.unwrap();
        let again = open_intent(&store, &lease, &new).await;
        assert_eq!(trouble(again), Trouble::AlreadyOpen);
        close(&store, &lease, first, &settled(minute(2), Ending::Failed)).await.unwrap();
        let second = open_intent(&store, &lease, &new).await.unwrap();
        assert_ne!(first, second);
        // Another app has numbers of its own.
        let other = claim(&store, &alteryx(), "test").await;
        open_intent(&store, &other, &new).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn several_in_one_request_are_written_down_all_or_none() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let group = |who: &str| intent(&format!("autodesk/add-member/{who}@example.com/Design"));
        let batch = [group("ann"), group("lee"), group("sam")];
        let ids = store.open_batch(&lease, &batch).await.unwrap();
        assert_eq!(trouble(store.open_batch(&lease, &[group("kim"), group("lee")]).await), Trouble::AlreadyOpen);
        assert_eq!(store.open_intents(&autodesk()).await.unwrap().len(), 3);
        for id in [ids[2], ids[0]] {
            close(&store, &lease, id, &settled(minute(2), Ending::Done)).await.unwrap();
        }
        let left = store.open_intents(&autodesk()).await.unwrap();
        assert_eq!(left.iter().map(|open| open.id).collect::<Vec<_>>(), [ids[1]]);
        let entries = store.entries(&Filter::default()).await.unwrap();
        let people: Vec<_> = entries.iter().flat_map(|entry| entry.entry.event.people()).map(|one| &**one).collect();
        assert_eq!(people, ["sam@example.com", "ann@example.com"]);
        assert_eq!(store.open_batch(&lease, &[]).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn an_approval_is_used_up_together_with_the_action() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let used = |action: &str, person: &str, at: i64| ApprovalUse {
            approval: "autodesk/delete until 2026-12-01".into(),
            place: format!("approvals.yaml:{at}"),
            action: action.into(),
            person: person.into(),
            at: minute(at),
        };
        let use_up = async |name: &str, person: &str, at: i64| {
            let id = open_intent(&store, &lease, &intent(name)).await.unwrap();
            let with = Settled { approvals: vec![used(name, person, at)], ..settled(minute(at), Ending::Done) };
            close(&store, &lease, id, &with).await.unwrap();
            let again = Settled { approvals: vec![used("x", "y", 9)], ..settled(minute(3), Ending::Done) };
            assert_eq!(trouble(close(&store, &lease, id, &again).await), Trouble::NotOpen);
        };
        use_up("autodesk/delete/ann@example.com", "Ann@example.com", 3).await;
        use_up("autodesk/delete/ann@example.com", "ann@example.com", 4).await;
        use_up("autodesk/deactivate/ann@example.com", "ann@EXAMPLE.com", 5).await;
        use_up("autodesk/delete/lee@example.com", "lee@example.com", 2).await;
        let expect = UsedApproval {
            people: ["ann@example.com", "lee@example.com"].map(str::to_owned).into(),
            actions: ["deactivate/ann", "delete/ann", "delete/lee"]
                .map(|action| format!("autodesk/{action}@example.com"))
                .into(),
        };
        let expect = [("autodesk/delete until 2026-12-01".to_owned(), expect)].into();
        assert_eq!(store.used_approvals().await.unwrap(), expect);
    })
    .await;
}
