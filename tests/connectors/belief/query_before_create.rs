//! Where a query exists, it is asked before anybody is made, even if the list looks complete.

use serde_json::{Value, json};

use super::{
    app::{BOTH, Dialect, Find, Rows},
    case::{Setup, accounts},
};
use crate::support::{Call, json_answer};

/// An app of six, whose list lacks three of them and looks whole.
fn short(dialect: Dialect, find: Find, lacks: fn(&Value) -> bool) -> Setup {
    Setup::of(dialect).users(1..=3).finds(find).listed(move |call, what, rows| {
        let asked = call.query.contains_key("filter") || call.query.contains_key("email");
        if what != Rows::Users || asked {
            return None;
        }
        let rows: Vec<_> = rows.into_iter().filter(|row| !lacks(row)).collect();
        Some(json_answer(
            200,
            match dialect {
                Dialect::Rest => json!({"data": rows}),
                Dialect::Scim => json!({"Resources": rows, "totalResults": rows.len()}),
            },
        ))
    })
}

/// How the app spells the address of a person of the series.
type Address = fn(usize) -> String;

fn is_late(row: &Value) -> bool {
    ["u4", "u5", "u6"].contains(&row["id"].as_str().unwrap())
}

fn queries(calls: &[String]) -> usize {
    calls.iter().filter(|line| line.contains("filter=") || line.contains("email=")).count()
}

#[tokio::test]
async fn people_whom_a_list_lacks_and_a_query_finds_are_not_made() {
    let spelt: [(&str, Address); 3] = [
        ("as the files do", |n| format!("p{n}@x.example")),
        ("in capitals", |n| format!("P{n}@X.Example")),
        ("in capitals behind the sign", |n| format!("p{n}@X.EXAMPLE")),
    ];
    for dialect in BOTH {
        for (what, address) in spelt {
            let setup = short(dialect, Find::IgnoresCase, is_late).left(|state| {
                for n in 4..=6 {
                    state.add_user(&format!("u{n}"), &address(n));
                }
            });
            let case = setup.files(&accounts(1..=6), "").start().await;
            case.apply().await;
            assert_eq!(case.made("users"), 0, "{what}, {dialect:?}: {:?}", case.lines());
            assert_eq!(case.app.state().users.len(), 6);
            case.rests(what).await;
        }
    }
}

#[tokio::test]
async fn a_query_that_answers_with_others_does_not_stand_for_the_person() {
    for dialect in BOTH {
        let setup =
            short(dialect, Find::Contains, |_| false).user("u7", "xp4@x.example").user("u8", "p4@x.example.org");
        let case = setup.files(&accounts(1..=4), "");
        let case = case.start().await;
        case.apply().await;
        assert_eq!(case.made("users"), 1, "{dialect:?}: {:?}", case.lines());
        assert!(queries(&case.lines()) > 0, "{dialect:?}: {:?}", case.lines());
        case.rests("others").await;
    }
}

#[tokio::test]
async fn whoever_exists_by_an_alias_is_found_by_it() {
    for dialect in BOTH {
        let setup = short(dialect, Find::IgnoresCase, |row| row["id"] == "u4").user("u4", "old@x.example");
        let files = "people:\n  p4@x.example: { aliases: [old@x.example] }\n";
        let case = setup.files(&accounts(1..=4), files).start().await;
        case.apply().await;
        assert_eq!(case.made("users"), 0, "{dialect:?}: {:?}", case.lines());
        assert_eq!(case.app.state().users.len(), 4, "{dialect:?}");
        case.rests("an alias").await;
    }
}

#[tokio::test]
async fn whoever_has_no_account_by_list_and_query_is_made_and_asked_for_once() {
    for dialect in BOTH {
        let case = short(dialect, Find::IgnoresCase, |_| false).files(&accounts(1..=5), "").start().await;
        case.applied().await;
        assert_eq!(case.made("users"), 2, "{dialect:?}");
        let first = case.lines().iter().position(|line| line.starts_with("POST")).unwrap();
        let before = queries(&case.lines()[..first]);
        assert!((1..=4).contains(&before), "{dialect:?}: {:?}", case.lines());
        // A quiet cycle asks for nobody.
        case.app.server.clear();
        case.applied().await;
        assert_eq!(queries(&case.lines()), 0, "{dialect:?}: {:?}", case.lines());
        case.converged("made").await;
    }
}

#[tokio::test]
async fn a_query_that_fails_makes_nobody() {
    for dialect in BOTH {
        for status in [400, 500, 501] {
            let setup = short(dialect, Find::IgnoresCase, is_late).left(|state| state.add_user("u4", "p4@x.example"));
            let case = setup
                .before(move |call: &Call, _| {
                    let asked = call.query.contains_key("filter") || call.query.contains_key("email");
                    asked.then(|| json_answer(status, json!({"detail": "no filters here", "message": "no"})))
                })
                .files(&accounts(1..=4), "")
                .start()
                .await;
            case.apply().await;
            // A 409 would be found out; a server that takes the same address twice would not.
            let sent = case.app.state().users.len();
            assert_eq!(sent, 4, "{dialect:?}, {status}");
        }
    }
}
