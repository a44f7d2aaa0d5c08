use super::{readings::whole, *};
use crate::model::{Change, FieldValue, Keep};

const DAY: i64 = 24 * 60;

fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}

fn ledger_for(days_: u64) -> Keep {
    Keep { ledger: Some(days(days_)), readings: None }
}

fn readings_for(days_: u64) -> Keep {
    Keep { ledger: None, readings: Some(days(days_)) }
}

/// What is left of the ledger: kinds, or names of actions.
async fn left(store: &Store) -> Vec<String> {
    let entries = store.entries(&Filter::default()).await.unwrap();
    let word = |entry: &Entry| {
        let name = entry.action_name().map(|name| name.to_string());
        name.unwrap_or_else(|| entry.entry.event.kind().into())
    };
    entries.iter().map(word).collect()
}

async fn whole_ledger(store: &Store) {
    let found = store.verify().await.unwrap();
    assert!(matches!(found, Verified::Whole { .. }), "{found:?}");
}

fn well() -> RunEnded {
    RunEnded { how: RunEnding::Done, message: None, counts: BTreeMap::new() }
}

async fn run(store: &Store, id: &str, from: Timestamp, to: Option<Timestamp>) {
    begin_run(store, id, from).await;
    if let Some(at) = to {
        store.end_run(id, at, &well()).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_deleted_where_the_files_say_nothing() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        done(&store, &lease, "autodesk/remove-member/ann@example.com/Design", Some("ann"), minute(0)).await;
        assert_eq!(store.sweep(&Keep::default(), minute(9999 * DAY)).await.unwrap(), Swept::default());
        assert_eq!(left(&store).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn old_entries_go_from_the_start_of_the_chain_which_holds_from_the_anchor_on() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let remove = "autodesk/remove-member/ann@example.com/Design";
        run(&store, "run-0", minute(0), Some(minute(3))).await;
        done(&store, &lease, remove, Some("ann"), minute(4)).await;
        // A run that went on for long, and one that has no end.
        run(&store, "run-2", minute(4), None).await;
        run(&store, "run-3", minute(4), None).await;
        done(&store, &lease, remove, Some("ann"), minute(20 * DAY)).await;
        store.end_run("run-2", minute(20 * DAY), &well()).await.unwrap();
        let now = minute(20 * DAY + 1);
        let swept = store.sweep(&ledger_for(10), now).await.unwrap();
        assert_eq!(swept, Swept { entries: 3, readings: 0 });
        assert_eq!(left(&store).await, ["run-begun", "run-begun", remove, "run-ended", "pruned"]);
        whole_ledger(&store).await;
        let runs = store.runs(9).await.unwrap();
        assert_eq!(runs.iter().map(|run| &*run.id).collect::<Vec<_>>(), ["run-2", "run-3"]);
        // Once a day is enough.
        let later = now + Span::new().hours(23);
        assert_eq!(store.sweep(&ledger_for(1), later).await.unwrap(), Swept::default());
        let next = store.sweep(&ledger_for(10), minute(31 * DAY + 2)).await.unwrap();
        assert_eq!(next.entries, 4, "what was kept before goes when nothing needs it any more");
        assert_eq!(left(&store).await, ["run-begun", "pruned"]);
        whole_ledger(&store).await;
        done(&store, &lease, remove, Some("ann"), minute(32 * DAY)).await;
        whole_ledger(&store).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_behind_the_anchor_and_what_was_kept_before_it_is_still_proven() {
    let kept = "the old entries that are still there are not those that were kept";
    let cases = [
        ("UPDATE ledger SET body = replace(body, 'user-1', 'user-2') WHERE seq = 1", "has another hash"),
        ("DELETE FROM ledger WHERE seq = 1", kept),
        ("UPDATE ledger SET body = replace(body, 'done', 'failed') WHERE seq = 3", "has another hash"),
        ("DELETE FROM ledger WHERE seq = 3", "it is missing"),
        ("DELETE FROM ledger WHERE seq = 4", "it is missing"),
        ("UPDATE ledger SET prev = 'x' WHERE seq = 3", "does not follow"),
    ];
    for (sql, expect) in cases {
        check(async |database| {
            let (store, lease) = database.claimed().await;
            done(&store, &lease, "autodesk/deactivate/ann@example.com", Some("user-1"), minute(0)).await;
            done(&store, &lease, "autodesk/update/ann@example.com", Some("user-1"), minute(1)).await;
            done(&store, &lease, "autodesk/update/ann@example.com", Some("user-1"), minute(30 * DAY)).await;
            store.sweep(&ledger_for(10), minute(30 * DAY)).await.unwrap();
            whole_ledger(&store).await;
            if sql.starts_with("DELETE") {
                let seq = sql.rsplit(' ').next().unwrap();
                for table in ["ledger_people", "ledger_personal"] {
                    tamper(&store, &format!("DELETE FROM {table} WHERE seq = {seq}")).await;
                }
            }
            tamper(&store, sql).await;
            let found = store.verify().await.unwrap();
            let Verified::Broken { why, .. } = &found else { panic!("{sql}: {found:?}") };
            assert!(why.contains(expect), "{sql}: {why}");
        })
        .await;
    }
}

/// What stays of old actions on Ann (`VERB` or `VERB GROUP`), and what the store still knows by them.
async fn stays(actions: &[&str], expect: &[&str]) {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        for (action, at) in actions.iter().zip(0..) {
            let (verb, group) = action.split_once(' ').unwrap_or((*action, ""));
            let name = format!("autodesk/{verb}/ann@example.com{}{group}", if group.is_empty() { "" } else { "/" });
            let mut new = intent_of(&name, Some("user-1"));
            new.deed.group_id = new.deed.group.clone();
            if verb == "update" {
                let change = Change { field: "email".into(), from: None, to: Some(FieldValue::text("a@x.io")) };
                new.deed.changes = vec![change];
            }
            let id = open_intent(&store, &lease, &new).await.unwrap();
            close(&store, &lease, id, &settled(minute(at), Ending::Done)).await.unwrap();
        }
        let of = async || {
            let own = store.own_deactivations(&autodesk()).await.unwrap();
            let invited = store.invitations(&autodesk()).await.unwrap();
            (own, invited, store.own_addresses(&autodesk()).await.unwrap())
        };
        let known = of().await;
        store.sweep(&ledger_for(10), minute(99 * DAY)).await.unwrap();
        let words = left(&store).await;
        let words: Vec<_> = words.iter().filter_map(|name| name.split('/').nth(1)).collect();
        assert_eq!(words, expect, "{actions:?}");
        if !actions.contains(&"delete") {
            assert_eq!(of().await, known, "{actions:?}");
        }
        whole_ledger(&store).await;
    })
    .await;
}

#[tokio::test]
async fn a_deactivation_stays_as_long_as_it_is_the_last_thing_that_we_did_to_the_status() {
    stays(&["deactivate"], &["deactivate"]).await;
    stays(&["deactivate", "reactivate"], &[]).await;
    stays(&["deactivate", "reactivate", "deactivate"], &["deactivate"]).await;
    stays(&["deactivate", "delete"], &[]).await;
}

#[tokio::test]
async fn an_account_that_we_made_is_remembered_until_we_delete_it() {
    stays(&["create"], &["create"]).await;
    stays(&["create", "deactivate"], &["create", "deactivate"]).await;
    stays(&["create", "delete"], &[]).await;
}

#[tokio::test]
async fn an_address_that_we_gave_is_remembered_until_we_delete_the_account() {
    stays(&["update"], &["update"]).await;
    stays(&["update", "delete"], &[]).await;
}

#[tokio::test]
async fn a_membership_that_is_believed_in_stays_with_all_that_changed_it() {
    stays(&["add-member Design", "change-member Design"], &["add-member", "change-member"]).await;
    stays(&["add-member Design", "remove-member Design"], &[]).await;
    stays(&["add-member Design", "remove-member Other"], &["add-member"]).await;
    stays(&["add-member Design", "remove-member Design", "add-member Design"], &["add-member"]).await;
    stays(&["add-member Design", "delete"], &[]).await;
}

#[tokio::test]
async fn what_caps_count_over_a_day_is_never_deleted() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let now = minute(30 * DAY);
        done(&store, &lease, "autodesk/remove-member/ann@example.com/Design", Some("ann"), minute(30 * DAY - 60)).await;
        let keep = Keep { ledger: Some(Duration::from_secs(60)), readings: Some(Duration::from_secs(60)) };
        store.record_reading(&lease, minute(0), &whole(&["ann active"], &[])).await.unwrap();
        let yesterday = minute(29 * DAY);
        let active = store.active_at(&autodesk(), yesterday).await.unwrap();
        assert_eq!(store.sweep(&keep, now).await.unwrap().entries, 0);
        assert_eq!(store.moved_since(&autodesk(), yesterday).await.unwrap().lost.len(), 1);
        assert_eq!((store.active_at(&autodesk(), yesterday).await.unwrap(), active), (active, Some(1)));
        assert_eq!(store.accounts_last_seen(&autodesk()).await.unwrap(), Some(1));
    })
    .await;
}

#[tokio::test]
async fn many_old_entries_go_in_several_steps() {
    let store = Store::open("sqlite::memory:").await.unwrap();
    let lease = claim(&store, &autodesk(), "test").await;
    let notes: Vec<NewEntry> = (0..6000).map(|_| note(minute(0), &["ann@example.com"], "seen")).collect();
    store.enter(&lease, &notes).await.unwrap();
    assert_eq!(store.sweep(&ledger_for(10), minute(99 * DAY)).await.unwrap().entries, 6000);
    assert_eq!(left(&store).await, ["pruned", "pruned"]);
    whole_ledger(&store).await;
}

#[tokio::test]
async fn what_was_seen_long_ago_goes_and_what_holds_stays() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let readings = [
            (0, whole(&["ann active role=user", "bob active"], &[("ann", "g1", "lead"), ("bob", "g1", "x")])),
            (DAY, whole(&["ann active role=admin"], &[("ann", "g1", "member")])),
            (2 * DAY, whole(&["ann active role=user"], &[("ann", "g1", "lead")])),
            (90 * DAY, whole(&["ann active role=user"], &[("ann", "g1", "lead")])),
        ];
        for (at, reading) in &readings {
            store.record_reading(&lease, minute(*at), reading).await.unwrap();
        }
        let at = minute(90 * DAY);
        let holds = async || store.holdings_at(&crate::model::Email::lenient("ann@x"), at).await.unwrap();
        let before = holds().await;
        let swept = store.sweep(&readings_for(30), at).await.unwrap();
        // Three rows of accounts, one of memberships, two readings. The first row of a group stays.
        assert_eq!(swept, Swept { entries: 0, readings: 6 }, "{before:?}");
        assert_eq!(holds().await, before);
        assert_eq!(store.accounts_last_seen(&autodesk()).await.unwrap(), Some(1));
        assert_eq!(store.active_at(&autodesk(), minute(89 * DAY)).await.unwrap(), Some(1));
    })
    .await;
}

/// What is said of our deactivation of Ann (on day 5) is the same after old readings are gone.
async fn still(events: &[(i64, &str)]) {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        for (day, account) in events {
            match *account {
                "deactivate" => {
                    done(&store, &lease, "autodesk/deactivate/ann@example.com", Some("ann"), minute(day * DAY)).await;
                }
                account => {
                    let group = account.split_once(" in ");
                    let members: Vec<_> = group.map(|(_, group)| ("ann", group, "x")).into_iter().collect();
                    let account = group.map_or(account, |(account, _)| account);
                    let mut reading = whole(&[account], &members);
                    reading.covered.all_groups = None;
                    store.record_reading(&lease, minute(day * DAY), &reading).await.unwrap();
                }
            }
        }
        let before = store.own_deactivations(&autodesk()).await.unwrap();
        store.sweep(&readings_for(10), minute(99 * DAY)).await.unwrap();
        assert_eq!(store.own_deactivations(&autodesk()).await.unwrap(), before, "{events:?}");
    })
    .await;
}

#[tokio::test]
async fn whether_somebody_touched_an_account_that_we_deactivated_is_not_forgotten() {
    let active = (0, "ann active role=user");
    let ours = [active, (5, "deactivate"), (6, "ann inactive role=user"), (98, "ann inactive role=user")];
    still(&ours).await;
    let touched = [active, (5, "deactivate"), (6, "ann inactive role=user"), (7, "ann inactive role=admin")];
    still(&[&touched[..], &[(8, "ann inactive role=user"), (98, "ann inactive role=user")]].concat()).await;
    let undone = [active, (5, "deactivate"), (6, "ann inactive"), (7, "ann active"), (8, "ann inactive")];
    still(&undone).await;
    // It was undone before any reading could show that it was done.
    still(&[active, (5, "deactivate"), (6, "ann active role=user"), (7, "ann inactive role=user")]).await;
    let joined = [(0, "ann active in g1"), (5, "deactivate"), (6, "ann inactive in g1"), (7, "ann inactive in g2")];
    still(&joined).await;
}

#[tokio::test]
async fn whose_an_address_was_is_known_as_long_as_somebody_else_has_it() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let reading = |text: &str| whole(&[text], &[]);
        store.record_reading(&lease, minute(0), &reading("old active email=ann@x.io")).await.unwrap();
        store.record_reading(&lease, minute(DAY), &reading("new active email=ann@x.io")).await.unwrap();
        store.record_reading(&lease, minute(2 * DAY), &reading("new active email=ann@x.io")).await.unwrap();
        let before = store.seen_under(&autodesk()).await.unwrap();
        store.sweep(&readings_for(10), minute(99 * DAY)).await.unwrap();
        assert_eq!(store.seen_under(&autodesk()).await.unwrap(), before);
        store.record_reading(&lease, minute(3 * DAY), &reading("new active email=a.lee@x.io")).await.unwrap();
        store.sweep(&readings_for(10), minute(999 * DAY)).await.unwrap();
        let under = store.seen_under(&autodesk()).await.unwrap();
        let of = |address: &str| under.get(&crate::model::Email::lenient(address)).cloned().unwrap_or_default();
        assert_eq!((of("ann@x.io"), of("a.lee@x.io")), (vec!["new".into()], vec!["new".into()]));
    })
    .await;
}

#[tokio::test]
async fn what_became_of_an_invitation_is_remembered_although_the_account_is_gone() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        done(&store, &lease, "autodesk/create/ann@example.com", Some("ann"), minute(0)).await;
        store.record_reading(&lease, minute(1), &whole(&["ann pending"], &[])).await.unwrap();
        store.record_reading(&lease, minute(2), &whole(&["ann active"], &[])).await.unwrap();
        store.record_reading(&lease, minute(3), &whole(&[], &[])).await.unwrap();
        let before = store.invitations(&autodesk()).await.unwrap();
        let swept = store.sweep(&readings_for(10), minute(99 * DAY)).await.unwrap();
        assert!(swept.readings > 0);
        let seen = |invited: &[Invitation]| {
            let seen = invited[0].seen.clone().unwrap();
            (seen.status, seen.gone_since)
        };
        assert_eq!(seen(&store.invitations(&autodesk()).await.unwrap()), seen(&before));
    })
    .await;
}
