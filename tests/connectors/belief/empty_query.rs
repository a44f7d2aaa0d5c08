//! An empty query proves nothing: whoever has to go is looked for until found, and nobody is made because of one.

use serde_json::json;

use super::{
    app::{BOTH, Dialect, Find, Rows},
    case::{Case, Said, Setup, accounts, email},
};
use crate::support::json_answer;

const LEFT: &str = "people:\n  jane.doe@x.example: { status: left }\n";

/// An app that knows Jane as `shown`, and a few others.
fn jane(dialect: Dialect, find: Find, shown: &str) -> Setup {
    Setup::of(dialect).users(1..=3).user("u9", shown).finds(find).files(&accounts(1..=3), LEFT)
}

async fn cut_off(case: &Case) -> Said {
    case.rosterd(&["apply", "--yes", "--only", "jane.doe@x.example"]).await
}

fn first_line(said: &Said) -> &str {
    said.out.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// She is inactive, and the first line says how she was found.
async fn is_cut_off(case: Case, how: &str, what: &str) {
    let said = cut_off(&case).await;
    let dialect = case.dialect;
    assert!(!case.app.state().is_active("u9"), "{what}, {dialect:?}: {said:?} {:?}", case.lines());
    assert_eq!(said.status, 0, "{what}, {dialect:?}: {said:?}");
    assert!(first_line(&said).contains(how), "{what}, {dialect:?}, `{how}`: {said:?}");
    let others = ["u1", "u2", "u3"].into_iter().all(|id| case.app.state().is_active(id));
    assert!(others, "{what}, {dialect:?}");
    // Once more: nothing is left to do, and it is not taken for proven that nobody is there.
    let writes = case.writes().len();
    let said = cut_off(&case).await;
    assert_eq!((said.status, case.writes().len()), (0, writes), "{what}, {dialect:?}: {said:?}");
}

#[tokio::test]
async fn whoever_left_is_found_however_the_server_compares_addresses() {
    let spelt = ["jane.doe@x.example", "Jane.Doe@X.example", "JANE.DOE@X.EXAMPLE", "jane.doe@X.Example"];
    for dialect in BOTH {
        for shown in spelt {
            // A query may find her in one of several spellings; if none does, the list shows her.
            for (find, how) in [(Find::IgnoresCase, "query"), (Find::Contains, "query"), (Find::Exact, "")] {
                let case = jane(dialect, find, shown).start().await;
                is_cut_off(case, how, &format!("{shown} {find:?}")).await;
            }
            let case = jane(dialect, Find::Nobody, shown).start().await;
            is_cut_off(case, "list", &format!("{shown}, and the query finds nobody")).await;
        }
    }
}

#[tokio::test]
async fn whoever_has_a_pin_or_is_remembered_is_asked_for_by_id_first() {
    for dialect in BOTH {
        let pinned = format!("{}\nids: {{ jane.doe@x.example: u9 }}", accounts(1..=3));
        let case = jane(dialect, Find::Exact, "Jane.Doe@X.example").files(&pinned, LEFT).start().await;
        is_cut_off(case, "by id", "a pin").await;

        let granted = format!("accounts: {{ {}: , jane.doe@x.example: }}", email(1));
        let case = jane(dialect, Find::Exact, "Jane.Doe@X.example").files(&granted, "").start().await;
        case.applied().await;
        case.write(&accounts(1..=3), LEFT);
        case.app.server.clear();
        is_cut_off(case, "by id", "remembered").await;
    }
}

#[tokio::test]
async fn whoever_goes_by_an_alias_or_lost_what_was_granted_is_found_too() {
    let table = [
        ("an alias", "people:\n  jane@x.example: { status: left, aliases: [jane.doe@x.example] }\n"),
        ("a lapsed until", "people:\n  jane@x.example: { until: 2020-01-31, aliases: [jane.doe@x.example] }\n"),
        ("no line", "people:\n  jane@x.example: { aliases: [jane.doe@x.example] }\n"),
    ];
    for dialect in BOTH {
        for (what, rest) in table {
            let case = jane(dialect, Find::Exact, "Jane.Doe@X.example").files(&accounts(1..=3), rest).start().await;
            // Nobody has said yet that the alias is hers.
            let hers = ["--approve", "demo:identity"];
            let said = case.rosterd(&[&["apply", "--yes", "--only", "jane@x.example"], &hers[..]].concat()).await;
            assert!(!case.app.state().is_active("u9"), "{what}, {dialect:?}: {said:?}");
            assert_eq!(said.status, 0, "{what}, {dialect:?}: {said:?}");
        }
    }
}

#[tokio::test]
async fn where_nobody_is_found_it_is_said_and_is_no_success() {
    for dialect in BOTH {
        for find in [Find::Exact, Find::Nobody, Find::IgnoresCase] {
            let case = Setup::of(dialect).users(1..=3).finds(find).files(&accounts(1..=3), LEFT).start().await;
            let said = cut_off(&case).await;
            assert_eq!(said.status, 1, "{dialect:?}, {find:?}: {said:?}");
            let all = said.all();
            assert!(all.contains("jane.doe@x.example") && !all.contains("in sync"), "{dialect:?}, {find:?}: {said:?}");
            assert_eq!(case.writes(), [""; 0], "{dialect:?}, {find:?}");
        }
    }
}

/// An app whose list lacks the last of its people and says so, and whose query compares exactly. The last person's address
/// is spelt in capitals.
fn broken_list(dialect: Dialect, find: Find) -> Setup {
    Setup::of(dialect)
        .users(1..=3)
        .user("u4", "P4@X.EXAMPLE")
        .finds(find)
        .says(
            "list: { get: /users, items: data }",
            "list: { get: /users, items: data, page: { offset: skip, total: total } }",
        )
        .listed(move |call, what, rows| {
            let asked = call.query.contains_key("filter") || call.query.contains_key("email");
            if what != Rows::Users {
                return None;
            }
            let (rows, total) = if asked { (rows.clone(), rows.len()) } else { (rows[..3].to_vec(), rows.len()) };
            let first =
                ["skip", "startIndex"].iter().all(|name| call.query.get(*name).is_none_or(|at| at == "0" || at == "1"));
            let rows = if first { rows } else { Vec::new() };
            Some(json_answer(
                200,
                match dialect {
                    Dialect::Rest => json!({"data": rows, "total": total}),
                    Dialect::Scim => json!({"Resources": rows, "totalResults": total}),
                },
            ))
        })
        .files(&accounts(1..=4), "")
}

#[tokio::test]
async fn an_incomplete_list_and_a_query_that_finds_nobody_make_nobody() {
    for dialect in BOTH {
        for find in [Find::Exact, Find::Nobody] {
            let case = broken_list(dialect, find).start().await;
            let plan = case.plan().await;
            assert!(!plan.is_complete());
            let made = plan.actions().iter().any(|action| action == "ready demo/create/p4@x.example");
            assert!(!made, "{dialect:?}, {find:?}: {:#}", plan.0);
            case.rests("an empty query").await;
            assert_eq!(case.made("users"), 0, "{dialect:?}, {find:?}: {:?}", case.lines());
        }
        // What a query finds is there, whatever the list says.
        let case = broken_list(dialect, Find::IgnoresCase).start().await;
        case.apply().await;
        assert_eq!(case.made("users"), 0, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_query_that_is_declared_to_compare_as_identities_do_may_exclude() {
    for dialect in BOTH {
        let setup = broken_list(dialect, Find::IgnoresCase).files(&accounts(1..=5), "");
        let setup = match dialect {
            Dialect::Rest => setup.says("{email}\" }, items: data }", "{email}\" }, items: data, excludes: true }"),
            Dialect::Scim => setup.option("filter_excludes: true"),
        };
        let case = setup.start().await;
        case.apply().await;
        // The fifth has no account by any spelling; the fourth has one.
        assert_eq!(case.made("users"), 1, "{dialect:?}: {:?}", case.lines());
        assert_eq!(case.bodies("POST").len(), 1);
        case.rests("declared").await;
    }
}
