use super::*;
use crate::model::{AccountStatus, Coverage, Email, FieldValue, LiveAccount, LiveApp, LiveGroup, LiveMember};

/// `ann active role=admin`.
pub(super) fn account(text: &str) -> LiveAccount {
    let mut parts = text.split(' ');
    let id: Arc<str> = parts.next().unwrap().into();
    let status = match parts.next().unwrap() {
        "active" => AccountStatus::Active,
        "pending" => AccountStatus::Pending,
        "inactive" => AccountStatus::Inactive,
        other => AccountStatus::Unknown(other.into()),
    };
    let mut email = Email::lenient(&format!("{id}@example.com"));
    let mut values = SeenValues::new();
    for part in parts {
        match part.split_once('=').unwrap() {
            ("email", text) => email = Email::lenient(text),
            (name, "none") => drop(values.insert(name.into(), None)),
            (name, value) => drop(values.insert(name.into(), Some(FieldValue::text(value)))),
        }
    }
    LiveAccount { other_addresses: Default::default(), id, email, status, values, created_at: None }
}

fn member(account: &str, group: &str, role: &str) -> SeenMembership {
    SeenMembership {
        account: account.into(),
        group: group.into(),
        group_name: format!("Group {group}").into(),
        status: AccountStatus::Active,
        values: [("role".into(), Some(FieldValue::text(role)))].into(),
    }
}

/// A reading of everything.
pub(super) fn whole(accounts: &[&str], members: &[(&str, &str, &str)]) -> Reading {
    let memberships: Vec<_> = members.iter().map(|(account, group, role)| member(account, group, role)).collect();
    let groups: BTreeSet<Arc<str>> = ["g1", "g2"].map(Arc::from).into();
    Reading {
        declared_groups: None,
        requests: 3,
        accounts: accounts.iter().map(|text| account(text)).collect(),
        memberships,
        covered: Covered {
            complete: true,
            accounts: true,
            all_groups: Some(groups.clone()),
            groups,
            ..Covered::default()
        },
    }
}

/// What is in the database, a line each: who, what, from which minute until which.
async fn rows(store: &Store) -> Vec<String> {
    let mut lines = Vec::new();
    let minutes = |nanos: i64| (nanos - row::nanos(minute(0))).div_euclid(60_000_000_000);
    let span = |from: i64, to: Option<i64>| {
        format!("{}..{}", minutes(from), to.map_or(String::new(), |to| minutes(to).to_string()))
    };
    let mut tx = store.read().await.unwrap();
    for (sql, between) in [
        ("SELECT account, status, fields, seen_from, seen_to FROM seen_accounts ORDER BY account, seen_from", ""),
        ("SELECT account, group_id, fields, seen_from, seen_to FROM seen_members ORDER BY 1, 2, 4", "in "),
    ] {
        let rows: Vec<(String, String, String, i64, Option<i64>)> = tx.rows(sql, statement::none()).await.unwrap();
        let line = |(account, what, fields, from, to)| format!("{account} {between}{what} {fields} {}", span(from, to));
        lines.extend(rows.into_iter().map(line));
    }
    tx.commit().await.unwrap();
    lines
}

#[tokio::test]
async fn only_what_is_different_is_written() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let first = whole(&["ann active", "lee pending"], &[("ann", "g1", "lead")]);
        for (at, reading) in [
            (0, &first),
            (10, &first),
            (20, &whole(&["ann active", "lee active"], &[("ann", "g1", "member"), ("lee", "g2", "member")])),
            (30, &whole(&["lee active"], &[("lee", "g2", "member")])),
        ] {
            store.record_reading(&lease, minute(at), reading).await.unwrap();
        }
        let expect = [
            "ann active {} 0..30",
            "lee pending {} 0..20",
            "lee active {} 20..",
            r#"ann in g1 {"role":"lead"} 0..20"#,
            r#"ann in g1 {"role":"member"} 20..30"#,
            r#"lee in g2 {"role":"member"} 20.."#,
        ];
        assert_eq!(rows(&store).await, expect);
        assert_eq!(store.accounts_last_seen(&autodesk()).await.unwrap(), Some(1));
        assert_eq!(store.accounts_last_seen(&alteryx()).await.unwrap(), None);
        let active = async |at| store.active_at(&autodesk(), minute(at)).await.unwrap();
        assert_eq!(
            [active(-1).await, active(5).await, active(20).await, active(99).await],
            [None, Some(1), Some(2), Some(1)]
        );
    })
    .await;
}

#[tokio::test]
async fn what_a_reading_does_not_cover_does_not_end() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let all = whole(&["ann active", "lee active"], &[("ann", "g1", "x"), ("ann", "g2", "x"), ("lee", "g1", "x")]);
        let covered = |covered: Covered| Reading { covered, ..Reading::default() };
        let set = |ids: &[&str]| ids.iter().map(|id| Arc::from(*id)).collect::<BTreeSet<Arc<str>>>();
        // What each reading ends, of: both accounts and three memberships.
        let cases: [(Covered, &[&str]); 6] = [
            (Covered::default(), &[]),
            (Covered { groups: set(&["g1"]), ..Covered::default() }, &["ann in g1", "lee in g1"]),
            (Covered { groups: set(&["g1"]), unread: set(&["ann"]), ..Covered::default() }, &["lee in g1"]),
            (Covered { all_groups: Some(set(&["g1"])), ..Covered::default() }, &["ann in g2"]),
            (
                Covered { absent: [Email::lenient("ANN@example.com")].into(), ..Covered::default() },
                &["ann active", "ann in g1", "ann in g2"],
            ),
            (
                Covered { accounts: true, ..Covered::default() },
                &["ann active", "lee active", "ann in g1", "ann in g2", "lee in g1"],
            ),
        ];
        for (i, (what, expect)) in cases.into_iter().enumerate() {
            let at = i64::try_from(i).unwrap() * 10;
            store.record_reading(&lease, minute(at), &all).await.unwrap();
            store.record_reading(&lease, minute(at + 1), &covered(what.clone())).await.unwrap();
            let ended: Vec<String> = rows(&store).await;
            let ended: Vec<&str> =
                ended.iter().filter(|row| row.ends_with(&format!("..{}", at + 1))).map(|row| &**row).collect();
            assert_eq!(ended.len(), expect.len(), "{what:?}: {ended:?}");
            assert!(ended.iter().zip(expect).all(|(row, expect)| row.starts_with(expect)), "{what:?}: {ended:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_field_that_was_not_seen_holds_as_before_and_one_known_to_be_empty_does_not() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        for (at, text) in
            [(0, "ann active"), (1, "ann active role=admin"), (2, "ann active"), (3, "ann active role=none")]
        {
            store.record_reading(&lease, minute(at), &whole(&[text], &[])).await.unwrap();
        }
        let expect = ["ann active {} 0..1", r#"ann active {"role":"admin"} 1..3"#, r#"ann active {"role":null} 3.."#];
        assert_eq!(rows(&store).await, expect);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_never_makes_time_run_backwards() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        for (at, status) in [(60, "active"), (0, "inactive"), (1, "active"), (70, "inactive")] {
            store.record_reading(&lease, minute(at), &whole(&[&format!("ann {status}")], &[])).await.unwrap();
        }
        let expect = ["ann active {} 60..60", "ann inactive {} 60..60", "ann active {} 60..70", "ann inactive {} 70.."];
        assert_eq!(rows(&store).await, expect);
    })
    .await;
}

#[tokio::test]
async fn many_accounts_odd_texts_and_repeated_rows_are_kept() {
    check(async |database| {
        let (store, lease) = database.claimed().await;
        let names: Vec<String> = (0..1700).map(|i| format!("user-{i:04} active")).collect();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let ids: Vec<&str> = names.iter().map(|name| name.split(' ').next().unwrap()).collect();
        let members: Vec<(&str, &str, &str)> = ids.iter().map(|id| (*id, "g1", "member")).collect();
        store.record_reading(&lease, minute(0), &whole(&names, &members)).await.unwrap();
        store.record_reading(&lease, minute(1), &whole(&names[..600], &members[..1200])).await.unwrap();
        let rows_now = rows(&store).await;
        assert_eq!(rows_now.iter().filter(|row| row.ends_with("0..1")).count(), 1100 + 500);
        let mut odd = whole(&["a'b\"ü active", "a'b\"ü active"], &[]);
        odd.accounts[0].id = "zero\0byte".into();
        odd.accounts[0].email = Email::lenient("zero\0byte");
        odd.accounts[0].status = AccountStatus::Unknown("odd\0word".into());
        store.record_reading(&lease, minute(2), &odd).await.unwrap();
        store.record_reading(&lease, minute(3), &odd).await.unwrap();
        let now: Vec<String> = rows(&store).await.into_iter().filter(|row| row.ends_with("..")).collect();
        assert!(now.contains(&"a'b\"ü active {} 2..".to_owned()), "{now:?}");
        assert!(now.contains(&"zero\u{fffd}byte unknown:odd\u{fffd}word {} 2..".to_owned()), "{now:?}");
    })
    .await;
}

fn live() -> LiveApp {
    let group = |id: &str, coverage| LiveGroup {
        id: id.into(),
        name: format!("Group {id}").into(),
        values: BTreeMap::new(),
        members: vec![LiveMember::new("ann".into(), BTreeMap::new())],
        coverage,
        reach: crate::model::Reach::Full,
    };
    LiveApp {
        accounts: vec![LiveAccount {
            other_addresses: Default::default(),
            id: "ann".into(),
            email: Email::lenient("ann@example.com"),
            status: AccountStatus::Active,
            values: BTreeMap::new(),
            created_at: None,
        }],
        groups: vec![
            group("g1", Coverage::Complete),
            group("g2", Coverage::Incomplete("its members were not read".into())),
        ],
        absent: [Email::lenient("gone@example.com")].into(),
        requests: 4,
        ..LiveApp::empty(minute(0))
    }
}

#[test]
fn a_live_app_proves_what_was_seen_of_it_in_this_reading() {
    let set = |ids: &[&str]| ids.iter().map(|id| Arc::from(*id)).collect::<BTreeSet<Arc<str>>>();
    let reading = Reading::from(&live());
    assert_eq!((reading.requests, reading.accounts.len(), reading.memberships.len()), (4, 1, 2));
    let expect = Covered {
        complete: true,
        accounts: true,
        absent: live().absent,
        all_groups: Some(set(&["g1", "g2"])),
        groups: set(&["g1"]),
        unread: set(&[]),
    };
    assert_eq!(reading.covered, expect);
    let mut partial = live();
    partial.accounts_coverage = Coverage::Incomplete("a page is missing".into());
    partial.groups_coverage = Coverage::Believed("no list".into());
    partial.unread_memberships = set(&["a"]);
    partial.unread_accounts = [("b".into(), "404".into())].into();
    partial.extent.memberships_to_come = set(&["c"]);
    partial.extent.remembered = [("d".into(), minute(0))].into();
    let covered = Reading::from(&partial).covered;
    assert_eq!((covered.complete, covered.accounts, covered.all_groups), (false, false, None));
    assert_eq!(covered.unread, set(&["a", "b", "c", "d"]));
    // Where no group is declared, none is asked for.
    let without = LiveApp { groups: Vec::new(), ..live() };
    assert_eq!(Reading::from(&without).covered.all_groups, None);
}
