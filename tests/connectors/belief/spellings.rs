//! What servers put before and into JSON that means the same: a byte order mark, and other words for true and false.

use serde_json::{Value, json};

use super::{
    app::{BOTH, Dialect},
    case::{Setup, accounts, people},
};
use crate::support::Answer;

#[tokio::test]
async fn a_byte_order_mark_before_json_is_skipped() {
    for dialect in BOTH {
        for mark in ["\u{feff}", "\u{feff}\r\n", "\u{feff}  "] {
            let case = Setup::of(dialect)
                .users([1, 2])
                .group("g1", "Design", &["u2"])
                .after(move |_, answer| match answer {
                    Answer::Json(status, body) => {
                        let text = format!("{mark}{body}");
                        Answer::Raw(
                            status,
                            vec![("content-type".into(), "application/json; charset=utf-8".into())],
                            text,
                        )
                    }
                    other => other,
                })
                .files(
                    &format!("{}\ngroups: {{ Design: {{ members: [p1@x.example] }} }}", accounts([1, 3])),
                    &people([2]),
                )
                .start()
                .await;
            let said = case.apply().await;
            assert_eq!(said.status, 0, "{dialect:?}, {mark:?}: {said:?}");
            assert!(!case.app.state().is_active("u2"), "{dialect:?}");
            assert_eq!(case.made("users"), 1);
            case.converged("a mark").await;
        }
    }
}

/// An app that shows whether an account is active in its own words.
fn spelt(dialect: Dialect, yes: Value, no: Value) -> Setup {
    Setup::of(dialect).users([1, 2]).after(move |_, answer| {
        super::app::changed(answer, |body| {
            let spell = |row: &mut Value| match row.get("active").and_then(Value::as_bool) {
                Some(true) => row["active"] = yes.clone(),
                Some(false) => row["active"] = no.clone(),
                None => {}
            };
            for key in ["data", "Resources"] {
                body.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(spell);
            }
            spell(body);
        })
    })
}

#[tokio::test]
async fn active_is_understood_as_numbers_and_texts() {
    let table = [
        (json!(1), json!(0)),
        (json!("1"), json!("0")),
        (json!("true"), json!("false")),
        (json!("True"), json!("False")),
        (json!(true), json!(false)),
    ];
    for dialect in BOTH {
        for (yes, no) in &table {
            let what = format!("{dialect:?}, {yes} and {no}");
            let case = spelt(dialect, yes.clone(), no.clone()).files(&accounts([1, 2]), "").start().await;
            let plan = case.plan().await;
            assert_eq!((plan.actions(), plan.findings()), (vec![], vec![]), "{what}");
            case.applied().await;
            case.write(&accounts([1]), "people:\n  p2@x.example: { status: left }\n");
            let plan = case.plan().await;
            assert_eq!(plan.actions(), ["ready demo/deactivate/p2@x.example"], "{what}");
            let said = case.apply().await;
            assert_eq!(said.status, 0, "{what}: {said:?}");
            assert_eq!(case.app.state().user("u2")["active"], false, "{what}");
            case.converged(&what).await;
        }
    }
}
