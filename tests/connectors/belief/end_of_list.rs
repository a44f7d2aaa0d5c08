//! The end of a list needs a proof: what stands for a next page, what ends the list, and what says neither.

use serde_json::{Value, json};

use super::{
    app::{Dialect, Rows},
    case::{Case, Setup, accounts},
};
use crate::support::json_answer;

const PAGE: usize = 10;

/// An app of `count` people, a page of ten at a time. `next` makes of the number of the next page what a page says of it;
/// what it says on the last page, `last` says.
async fn app(count: usize, next: fn(usize) -> Value, last: Option<Value>) -> Case {
    Setup::of(Dialect::Rest)
        .says("items: data }\n  read", "items: data, page: { token: page, next: next_page } }\n  read")
        .users(1..=count)
        .listed(move |call, what, rows| {
            if what != Rows::Users {
                return None;
            }
            let page = call.query.get("page").map_or(1, |page| page.trim_start_matches('p').parse().unwrap());
            let rows_here: Vec<_> = rows.iter().skip((page - 1) * PAGE).take(PAGE).collect();
            let mut body = json!({"data": rows_here});
            if page * PAGE < rows.len() {
                body["next_page"] = next(page + 1);
            } else if let Some(last) = &last {
                body["next_page"] = last.clone();
            }
            Some(json_answer(200, body))
        })
        .files(&accounts(1..=count), "")
        .start()
        .await
}

#[tokio::test]
async fn numbers_and_texts_are_tokens_and_null_absent_empty_and_false_end_a_list() {
    let number: fn(usize) -> Value = |page| json!(page);
    let text: fn(usize) -> Value = |page| json!(page.to_string());
    let word: fn(usize) -> Value = |page| json!(format!("p{page}"));
    for next in [number, text, word] {
        for last in [None, Some(json!(null)), Some(json!("")), Some(json!(false))] {
            let case = app(25, next, last.clone()).await;
            let what = format!("{} … {last:?}", next(2));
            let plan = case.plan().await;
            assert!(plan.is_complete(), "{what}: {:#}", plan.0);
            assert_eq!((plan.seen(), plan.actions()), (25, vec![]), "{what}");
            case.applied().await;
            assert_eq!(case.writes(), [""; 0], "{what}");
        }
    }
}

#[tokio::test]
async fn a_check_of_the_manifest_reads_as_many_accounts_as_there_are() {
    let case = app(25, |page| json!(page), None).await;
    let said = case.plainly(&["connectors", "check", "desired-state/connectors/mine.yaml", "desired-state"]).await;
    assert!(said.has("25"), "{said:?}");
}

#[tokio::test]
async fn any_other_shape_of_a_token_makes_the_list_incomplete_with_the_reason() {
    let shapes: [fn(usize) -> Value; 5] = [
        |_| json!(true),
        |page| json!({"page": page}),
        |page| json!([page]),
        |page| json!(page as f64 + 0.5),
        |_| json!({}),
    ];
    for shape in shapes {
        let case = app(25, shape, None).await;
        let what = shape(2);
        let plan = case.plan().await;
        assert!(!plan.is_complete(), "{what}: {:#}", plan.0);
        assert!(plan.finding("incomplete-read", "next_page").is_some(), "{what}: {:?}", plan.findings());
        case.rests(&what.to_string()).await;
        assert_eq!(case.writes(), [""; 0], "{what}");
    }
}

/// A SCIM server that pages by cursors of this shape.
async fn cursors(next: fn(usize) -> Value, last: Option<Value>) -> Case {
    Setup::of(Dialect::Scim)
        .users(1..=25)
        .listed(move |call, what, rows| {
            if what != Rows::Users || call.query.contains_key("filter") {
                return None;
            }
            let page = call.query.get("cursor").map_or(1, |page| page.parse().unwrap());
            let rows_here: Vec<_> = rows.iter().skip((page - 1) * PAGE).take(PAGE).collect();
            let mut body = json!({"Resources": rows_here});
            if page * PAGE < rows.len() {
                body["nextCursor"] = next(page + 1);
            } else if let Some(last) = &last {
                body["nextCursor"] = last.clone();
            }
            Some(json_answer(200, body))
        })
        .files(&accounts(1..=25), "")
        .start()
        .await
}

#[tokio::test]
async fn cursors_of_scim_may_be_numbers_and_other_shapes_make_the_list_incomplete() {
    let good: [fn(usize) -> Value; 2] = [|page| json!(page), |page| json!(page.to_string())];
    for next in good {
        for last in [None, Some(json!(null)), Some(json!("")), Some(json!(false))] {
            let case = cursors(next, last.clone()).await;
            let plan = case.plan().await;
            assert_eq!((plan.seen(), plan.actions()), (25, vec![]), "{} … {last:?}: {:#}", next(2), plan.0);
            assert!(plan.is_complete());
        }
    }
    let bad: [fn(usize) -> Value; 3] = [|_| json!(true), |page| json!({"page": page}), |page| json!([page])];
    for next in bad {
        let case = cursors(next, None).await;
        let plan = case.plan().await;
        assert!(!plan.is_complete(), "{}: {:#}", next(2), plan.0);
        case.rests(&next(2).to_string()).await;
        assert_eq!(case.made("Users"), 0);
    }
}
