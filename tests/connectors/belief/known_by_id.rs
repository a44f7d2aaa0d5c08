//! An account that the store knows by its id and that a look by id still shows is there, whatever a list says.

use serde_json::{Value, json};

use super::{
    app::{BOTH, Dialect, Find, Rows},
    case::{Case, Setup, accounts, email},
};
use crate::support::{Call, json_answer};

/// Which rows a list leaves out, once it does.
type Hide = fn(&Value) -> bool;

/// An app of four that hides some rows of its list from the moment on that `phone` of the first says so. Totals fit what is
/// shown.
fn hiding(dialect: Dialect, find: Option<Find>, hide: Hide) -> Setup {
    let setup = Setup::of(dialect).users(1..=4).files(&accounts(1..=4), "");
    let setup = match find {
        Some(find) => setup.finds(find),
        None => setup.scim_option("filter: false"),
    };
    setup.listed(move |call: &Call, what, rows| {
        let asked = call.query.contains_key("filter") || call.query.contains_key("email");
        if what != Rows::Users || asked || !rows.iter().any(|row| row["hiding"] == true) {
            return None;
        }
        let shown: Vec<_> = rows.into_iter().filter(|row| !hide(row)).collect();
        Some(match dialect {
            Dialect::Rest => json_answer(200, json!({"data": shown})),
            Dialect::Scim => json_answer(200, json!({"totalResults": shown.len(), "Resources": shown})),
        })
    })
}

fn begin_hiding(case: &Case) {
    case.app.state().user("u1")["hiding"] = json!(true);
}

#[tokio::test]
async fn who_is_missing_from_a_list_and_shown_by_id_is_not_made_again() {
    let table: [(&str, Hide); 4] = [
        ("the last row", |row| row["id"] == "u4"),
        ("the first row", |row| row["id"] == "u1"),
        ("all but one", |row| row["id"] != "u2"),
        ("everybody", |_| true),
    ];
    for dialect in BOTH {
        for (what, hide) in table {
            // Where a query finds nobody, the look by id is all there is.
            for find in [None, Some(Find::Nobody)] {
                let case = hiding(dialect, find, hide).start().await;
                // The store learns the ids.
                case.applied().await;
                begin_hiding(&case);
                let plan = case.plan().await;
                assert!(!plan.is_complete(), "{what}, {dialect:?}, {find:?}: {:#}", plan.0);
                assert!(plan.finding("incomplete-read", "").is_some(), "{what}, {dialect:?}: {:?}", plan.findings());
                assert!(!plan.says("made earlier in this run"), "{what}, {dialect:?}");
                case.rests(what).await;
                assert_eq!(case.made("users"), 0, "{what}, {dialect:?}, {find:?}");
                assert_eq!(case.app.state().users.len(), 4);
            }
        }
    }
}

#[tokio::test]
async fn who_was_made_by_us_and_is_left_out_of_the_list_is_not_made_again() {
    for dialect in BOTH {
        let setup = hiding(dialect, None, |row| row["id"] == "u101");
        let case = setup.files(&accounts(1..=5), "").start().await;
        case.applied().await;
        assert_eq!(case.made("users"), 1);
        begin_hiding(&case);
        for _ in 0..3 {
            case.rests("who was made").await;
        }
        assert_eq!(case.made("users"), 1, "{dialect:?}: {:?}", case.writes());
    }
}

#[tokio::test]
async fn a_leaver_who_is_missing_from_the_list_and_shown_by_id_is_cut_off_or_the_plan_is_not_in_sync() {
    for dialect in BOTH {
        let case = hiding(dialect, None, |row| row["id"] == "u3").start().await;
        case.applied().await;
        begin_hiding(&case);
        let left = format!("people:\n  {}: {{ status: left }}\n", email(3));
        case.write(&accounts([1, 2, 4]), &left);
        let plan = case.plan().await;
        let acts = plan.actions().iter().any(|action| action.contains("/deactivate/p3@"));
        assert!(acts || !plan.is_complete(), "{dialect:?}: {:#}", plan.0);
        let said = case.apply().await;
        let active = case.app.state().is_active("u3");
        assert!(!(active && said.all().contains("in sync")), "{dialect:?}: {said:?}");
    }
}

#[tokio::test]
async fn who_is_gone_by_id_as_well_is_made_again() {
    for dialect in BOTH {
        let case = hiding(dialect, None, |_| false).start().await;
        case.applied().await;
        case.app.state().users.retain(|row| row["id"] != "u3");
        case.applied().await;
        assert_eq!(case.made("users"), 1, "{dialect:?}");
        case.converged("made again").await;
    }
}
