use super::{
    readings::{account, whole},
    *,
};
use crate::model::{AccountStatus, Change, Email, FieldValue};

fn email(text: &str) -> Email {
    Email::lenient(text)
}

#[tokio::test]
async fn who_had_what_at_an_instant_is_known() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let other = claim(&store, &alteryx(), "test").await;
        let readings = [
            (0, whole(&["ann active role=user"], &[("ann", "g1", "lead")])),
            (10, whole(&["ann active role=admin"], &[("ann", "g1", "lead"), ("ann", "g2", "member")])),
            (20, whole(&[], &[])),
        ];
        for (at, reading) in &readings {
            store.record_reading(&lease, minute(*at), reading).await.unwrap();
        }
        let elsewhere = Reading { accounts: vec![account("77 inactive email=ANN@example.com")], ..whole(&[], &[]) };
        store.record_reading(&other, minute(5), &elsewhere).await.unwrap();
        let at = async |minutes: i64| -> Vec<String> {
            let held = store.holdings_at(&email("Ann@Example.com"), minute(minutes)).await.unwrap();
            let line = |held: &Holding| {
                let groups: Vec<String> = held
                    .groups
                    .iter()
                    .map(|group| format!("{} {:?} {}", group.name, group.values["role"], group.since))
                    .collect();
                format!(
                    "{} {} {} {:?} {} [{}]",
                    held.key.app,
                    held.account,
                    held.status,
                    held.values,
                    held.since,
                    groups.join("; ")
                )
            };
            held.iter().map(line).collect()
        };
        assert_eq!(at(-1).await, [""; 0]);
        let role = |role: &str| format!("{{\"role\": Some(Text(\"{role}\"))}}");
        let member = |name: &str, role: &str, since: i64| format!("{name} Some(Text(\"{role}\")) {}", minute(since));
        let alteryx_line = format!("alteryx 77 inactive {{}} {} []", minute(5));
        let first = format!("autodesk ann active {} {} [{}]", role("user"), minute(0), member("Group g1", "lead", 0));
        assert_eq!(at(0).await, std::slice::from_ref(&first));
        assert_eq!(at(9).await, [alteryx_line.clone(), first]);
        let both = [member("Group g1", "lead", 0), member("Group g2", "member", 10)].join("; ");
        let second = format!("autodesk ann active {} {} [{both}]", role("admin"), minute(10));
        assert_eq!(at(19).await, [alteryx_line.clone(), second]);
        assert_eq!(at(20).await, [alteryx_line]);
        let mut one = store.holdings_at(&email("ann@example.com"), minute(9)).await.unwrap();
        one.retain(|held| held.key == autodesk());
        assert_eq!(one.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_account_last_seen_under_an_address_is_one_that_is_there_still_if_there_is() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let address = email("ann@example.com");
        let seen = async || store.seen_account_by_email(&autodesk(), &address).await.unwrap();
        assert_eq!(seen().await, None);
        let at = |id: &str, rest: &str| format!("{id} {rest} email=ann@example.com");
        for (minutes, accounts) in [
            (0, vec![at("old", "pending")]),
            (10, vec![at("old", "pending") + " role=user"]),
            (20, vec![at("old", "pending") + " role=user"]),
            (30, vec![at("new", "active")]),
            (40, vec![at("new", "active")]),
        ] {
            let accounts: Vec<&str> = accounts.iter().map(|text| &**text).collect();
            store.record_reading(&lease, minute(minutes), &whole(&accounts, &[])).await.unwrap();
            if minutes == 10 {
                let pending = seen().await.unwrap();
                // It has been pending since it was first seen, although something else changed.
                assert_eq!((pending.since, pending.last_seen, pending.gone_since), (minute(0), minute(10), None));
                assert_eq!(pending.status, AccountStatus::Pending);
            }
        }
        let now = seen().await.unwrap();
        let expect = Sighting {
            account: "new".into(),
            email: address.clone(),
            status: AccountStatus::Active,
            since: minute(30),
            last_seen: minute(40),
            gone_since: None,
        };
        assert_eq!(now, expect);
        store.record_reading(&lease, minute(50), &whole(&[], &[])).await.unwrap();
        let gone = seen().await.unwrap();
        assert_eq!((&*gone.account, gone.last_seen, gone.gone_since), ("new", minute(40), Some(minute(50))));
        // A single look does not show everybody, so that it says nothing about when all were last seen.
        let partial = Reading { accounts: vec![account(&at("new", "active"))], ..Reading::default() };
        store.record_reading(&lease, minute(60), &partial).await.unwrap();
        let back = seen().await.unwrap();
        assert_eq!((back.since, back.last_seen, back.gone_since), (minute(60), minute(60), None));
        assert_eq!(store.accounts_last_seen(&autodesk()).await.unwrap(), Some(0));
    })
    .await;
}

#[tokio::test]
async fn what_was_done_last_to_each_account_and_membership_is_known_and_nothing_that_failed() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let add = "autodesk/add-member/lee@example.com/Design";
        done(&store, &lease, "autodesk/update/lee@example.com", Some("lee"), minute(1)).await;
        done(&store, &lease, add, Some("lee"), minute(2)).await;
        done(&store, &lease, "autodesk/update/lee@example.com", Some("lee"), minute(3)).await;
        done(&store, &lease, "autodesk/update/lee@example.com", Some("another lee"), minute(4)).await;
        done(&store, &lease, "autodesk/create/kim@example.com", None, minute(5)).await;
        let failed = open_intent(&store, &lease, &intent(add)).await.unwrap();
        close(&store, &lease, failed, &settled(minute(6), Ending::Failed)).await.unwrap();
        let last = store.last_done(&autodesk()).await.unwrap();
        let told = last.iter().map(|one| {
            let id = one.entry.event.action().unwrap().deed.account_id.as_deref();
            format!("{} {id:?} {}", one.action_name().unwrap(), one.entry.at)
        });
        let expect = [
            format!("{add} Some(\"lee\") {}", minute(2)),
            format!("autodesk/update/lee@example.com Some(\"lee\") {}", minute(3)),
            format!("autodesk/update/lee@example.com Some(\"another lee\") {}", minute(4)),
            format!("autodesk/create/kim@example.com None {}", minute(5)),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expect);
        assert_eq!(store.last_done(&alteryx()).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn who_lost_or_gained_something_is_counted_by_what_took_effect() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        done(&store, &lease, "autodesk/deactivate/old@example.com", None, minute(5)).await;
        done(&store, &lease, "autodesk/deactivate/Ann@example.com", None, minute(10)).await;
        done(&store, &lease, "autodesk/add-member/lee@example.com/Design", None, minute(11)).await;
        let failed = open_intent(&store, &lease, &intent("autodesk/deactivate/sam@example.com")).await.unwrap();
        close(&store, &lease, failed, &settled(minute(12), Ending::Failed)).await.unwrap();
        let deed = Deed {
            people: vec!["kim@example.com".into(), "lee@example.com".into()],
            group: Some("Old Team".into()),
            reduces_access: true,
            ..deed_of(Verb::DeleteGroup)
        };
        let group = NewIntent { deed, ..intent("autodesk/delete-group/Old Team") };
        let id = open_intent(&store, &lease, &group).await.unwrap();
        close(&store, &lease, id, &settled(minute(13), Ending::Done)).await.unwrap();
        let moved = store.moved_since(&autodesk(), minute(10)).await.unwrap();
        let old_team = Some(Arc::from("Old Team"));
        let lost = [
            (email("ann@example.com"), None),
            (email("kim@example.com"), old_team.clone()),
            (email("lee@example.com"), old_team),
        ];
        assert_eq!(moved.lost, lost.into());
        assert_eq!(moved.gained, [(email("lee@example.com"), Some("Design".into()))].into());
        assert_eq!(store.moved_since(&alteryx(), minute(0)).await.unwrap(), Moved::default());
    })
    .await;
}

#[tokio::test]
async fn invitations_are_accounts_that_we_made_and_what_was_seen_of_them() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        done(&store, &lease, "autodesk/create/Ann@example.com", Some("ann"), minute(2)).await;
        done(&store, &lease, "autodesk/create/lee@example.com", None, minute(3)).await;
        done(&store, &lease, "autodesk/add-member/sam@example.com/Design", None, minute(4)).await;
        // Whoever is known by id was there before.
        done(&store, &lease, "autodesk/add-member/kim@example.com/Design", Some("kim"), minute(5)).await;
        let failed = open_intent(&store, &lease, &intent("autodesk/create/tom@example.com")).await.unwrap();
        close(&store, &lease, failed, &settled(minute(6), Ending::Failed)).await.unwrap();
        let zoe = ended(&intent("autodesk/create/zoe@example.com").deed, Ending::NotStarted);
        let never_sent = NewEntry { at: minute(7), run: None, event: Event::Action(Box::new(zoe)) };
        store.enter(&lease, &[never_sent]).await.unwrap();
        store
            .record_reading(&lease, minute(10), &whole(&["ann pending email=renamed@example.com", "lee active"], &[]))
            .await
            .unwrap();
        let invited = store.invitations(&autodesk()).await.unwrap();
        let line = |invited: &Invitation| {
            let seen = invited.seen.as_ref().map(|seen| format!("{} {}", seen.account, seen.status));
            format!("{} {}", invited.email, seen.unwrap_or_default())
        };
        let lines: Vec<String> = invited.iter().map(line).collect();
        let expect = ["Ann@example.com ann pending", "lee@example.com lee active", "sam@example.com "];
        assert_eq!(lines, expect);
        assert_eq!(invited[0].sent_at, minute(1));
    })
    .await;
}

#[tokio::test]
async fn an_address_that_we_gave_is_remembered_once_it_took_effect() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let update = async |who: &str, field: &str, to: &str, ending: Ending| {
            let change = Change { field: field.into(), from: None, to: Some(FieldValue::text(to)) };
            let mut intent = intent_of(&format!("autodesk/update/{who}@example.com"), Some(who));
            intent.deed.changes = vec![change];
            let id = open_intent(&store, &lease, &intent).await.unwrap();
            close(&store, &lease, id, &settled(minute(2), ending)).await.unwrap();
        };
        update("ann", "email", "Ann@Example.com", Ending::Done).await;
        update("ann", "given_name", "email", Ending::Done).await;
        update("bob", "email", "bob@example.com", Ending::Failed).await;
        update("cy", "given_name", "Cy", Ending::Done).await;
        let given = store.own_addresses(&autodesk()).await.unwrap();
        assert_eq!(given, [("ann".into(), email("ann@example.com"))].into());
        assert_eq!(store.own_addresses(&alteryx()).await.unwrap(), [].into());
    })
    .await;
}

#[tokio::test]
async fn what_we_did_after_the_last_reading_counts_until_the_next_one() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let seen = |status: &str| whole(&[&format!("ann {status} email=ann@example.com")], &[("ann", "g1", "lead")]);
        store.record_reading(&lease, minute(0), &seen("active")).await.unwrap();
        done(&store, &lease, "autodesk/remove-member/ann@example.com/Group g1", Some("ann"), minute(4)).await;
        done(&store, &lease, "autodesk/deactivate/ann@example.com", Some("ann"), minute(5)).await;
        done(&store, &lease, "autodesk/create/lee@example.com", None, minute(5)).await;
        store.record_reading(&lease, minute(9), &seen("active")).await.unwrap();
        done(&store, &lease, "autodesk/delete/ann@example.com", Some("ann"), minute(12)).await;
        let at = async |person: &str, minutes: i64| {
            let standing = store.standing_at([&email(person)], minute(minutes)).await.unwrap();
            let held = standing.holdings.iter();
            let held: Vec<String> =
                held.map(|held| format!("{} {} {}", held.status, held.since, held.groups.len())).collect();
            (held.join(", "), standing.unread.iter().map(|entry| entry.seq).collect::<Vec<_>>())
        };
        assert_eq!(at("ann@example.com", 3).await, (format!("active {} 1", minute(0)), vec![]));
        assert_eq!(at("ann@example.com", 4).await, (format!("active {} 0", minute(0)), vec![1]));
        assert_eq!(at("Ann@example.com", 5).await, (format!("inactive {} 0", minute(5)), vec![1, 2]));
        assert_eq!(at("lee@example.com", 5).await, (String::new(), vec![3]));
        // The app has the last word, whatever we did before.
        assert_eq!(at("ann@example.com", 9).await, (format!("active {} 1", minute(0)), vec![]));
        assert_eq!(at("lee@example.com", 9).await, (String::new(), vec![]));
        assert_eq!(at("ann@example.com", 12).await, (String::new(), vec![4]));
    })
    .await;
}
