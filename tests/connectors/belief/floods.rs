//! A list that never ends, told to the real command: it ends, nothing is done because of it, and the plan says what to do.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use super::{
    app::{BOTH, Dialect, Rows},
    case::{Setup, accounts, email},
};
use crate::support::json_answer;

const PAGE: usize = 500;

/// A page of people nobody knows, that leads to the next one.
fn endless(dialect: Dialect, page: usize) -> Value {
    let row = |n: usize| {
        let (id, address) = (format!("f{n}"), format!("f{n}@x.example"));
        match dialect {
            Dialect::Scim => json!({"id": id, "userName": address, "displayName": address, "active": true}),
            Dialect::Rest => json!({"id": id, "email": address, "name": address, "status": true}),
        }
    };
    let rows: Vec<_> = (page * PAGE..(page + 1) * PAGE).map(row).collect();
    let next = (page + 1).to_string();
    json!({"data": rows, "Resources": rows, "nextCursor": next, "next_page": next, "totalResults": 1_000_000_000_000_u64})
}

/// An app of three people whose list of `what` has no end once the flag is set.
fn flooding(dialect: Dialect, what: Rows, flood: &Arc<AtomicBool>) -> Setup {
    const PAGED: &str = ", page: { token: page, next: next_page } }\n";
    let flood = flood.clone();
    Setup::of(dialect)
        .says("get: /users, items: data }\n", &format!("get: /users, items: data{PAGED}"))
        .says("get: /groups, items: data }\n", &format!("get: /groups, items: data{PAGED}"))
        .users(1..=3)
        .listed(move |call, of, _| {
            let asked = ["page", "cursor"].iter().find_map(|name| call.query.get(*name)?.parse().ok());
            let is_list = of == what && !call.query.contains_key("filter");
            (is_list && flood.load(Ordering::SeqCst)).then(|| json_answer(200, endless(dialect, asked.unwrap_or(0))))
        })
}

#[tokio::test]
async fn an_app_that_floods_is_read_to_three_times_what_it_was_and_nobody_loses_or_gets_anything() {
    for dialect in BOTH {
        let flood = Arc::new(AtomicBool::new(false));
        let case = flooding(dialect, Rows::Users, &flood).files(&accounts(1..=3), "").start().await;
        case.applied().await;
        flood.store(true, Ordering::SeqCst);
        case.write(&accounts(1..=2), "");
        case.app.server.clear();
        let plan = case.plan().await;
        let told = "10,500 rows came, and rosterd reads 10,000 (3 came when the list was last complete); set `options.max_rows`";
        assert!(plan.finding("incomplete-read", told).is_some(), "{dialect:?}: {:?}", plan.findings());
        assert!(!plan.is_complete());
        let is_page = |line: &&String| {
            let line = line.to_lowercase();
            line.split('?').next() == Some("get /users") && !line.contains("filter")
        };
        assert_eq!(case.lines().iter().filter(is_page).count(), 21, "{dialect:?}: {:?}", case.lines());
        case.rests("a flood").await;
        // The flood is nothing that a later list could grow from.
        let plan = case.plan().await;
        assert!(plan.finding("incomplete-read", told).is_some(), "{dialect:?}: {:?}", plan.findings());
        // And once it ends all is as before.
        flood.store(false, Ordering::SeqCst);
        case.write(&accounts(1..=3), "");
        case.converged("after the flood").await;
    }
}

#[tokio::test]
async fn groups_without_an_end_are_read_as_far_as_the_files_say() {
    for dialect in BOTH {
        let flood = Arc::new(AtomicBool::new(true));
        let files = format!("{}\ngroups: {{ Ops: {{ members: [{}] }} }}", accounts(1..=3), email(1));
        let case = flooding(dialect, Rows::Groups, &flood).option("max_rows: 1200").files(&files, "").start().await;
        let plan = case.plan().await;
        let told = "1,500 rows came, and `options.max_rows` lets rosterd read 1,200; raise it";
        assert!(plan.says(told), "{dialect:?}: {:#}", plan.0);
        assert!(!plan.is_complete());
        case.rests("a flood of groups").await;
        assert_eq!(case.made("groups"), 0, "a group that was not seen may be there");
    }
}

#[tokio::test]
async fn a_limit_that_is_no_number_of_rows_is_an_error_at_its_line() {
    for wrong in ["0", "-1", "many", "1.5", "[5]"] {
        let setup = Setup::of(Dialect::Scim).option(&format!("max_rows: {wrong}")).files("", "");
        let said = setup.start().await.rosterd(&["validate"]).await;
        assert_eq!(said.status, 1, "{wrong}: {said:?}");
        assert!(said.all().contains("all.yaml:6:"), "{wrong}: {said:?}");
    }
    let said =
        Setup::of(Dialect::Scim).option("max_rows: 50000").files("", "").start().await.rosterd(&["validate"]).await;
    assert_eq!(said.status, 0, "{said:?}");
}
