//! Empty text and no value are one thing, wherever they come from.

use serde_json::{Value, json};

use super::{
    app::{BOTH, Dialect, Rows},
    case::{Setup, accounts, email},
};
use crate::support::json_answer;

fn field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Scim => "title",
        Dialect::Rest => "phone",
    }
}

/// What a row has in the field's place; `None` where the key is missing.
fn shown() -> [Option<Value>; 4] {
    [None, Some(json!(null)), Some(json!("")), Some(json!("  "))]
}

#[tokio::test]
async fn an_empty_default_plans_no_update_of_who_has_nothing() {
    for dialect in BOTH {
        for value in shown().into_iter().take(3) {
            for empty in ["\"\"", "null", "''"] {
                let key = field(dialect);
                let seen = value.clone();
                let setup = Setup::of(dialect).users(1..=5).left(move |state| {
                    for row in &mut state.users {
                        match &seen {
                            Some(value) => row[key] = value.clone(),
                            None => drop(row.as_object_mut().unwrap().remove(key)),
                        }
                    }
                });
                let one = format!("accounts: {{ p1@x.example: {{ {key}: {empty} }}, p2@x.example: }}");
                for files in [format!("defaults: {{ {key}: {empty} }}\n{}", accounts(1..=5)), one] {
                    // A field that a line merely mentions has to have a value for everybody; null may say that it has none.
                    let setup = Setup {
                        hooks: Default::default(),
                        manifest: setup.manifest.clone(),
                        state: setup.state.clone(),
                        ..Setup::of(dialect)
                    };
                    let case = setup.files(&files, "").start().await;
                    let valid = case.rosterd(&["validate"]).await;
                    if valid.status == 1 {
                        assert!(
                            !files.starts_with("defaults: { phone: \"\"")
                                && !files.starts_with("defaults: { title: \"\""),
                            "{valid:?}"
                        );
                        continue;
                    }
                    let what = format!("{value:?}, {files}");
                    let plan = case.plan().await;
                    let updates = plan.actions().into_iter().filter(|action| action.contains("/update/")).count();
                    assert_eq!(updates, 0, "{dialect:?}, {what}: {:#}", plan.0);
                    case.apply().await;
                    assert!(!case.writes().iter().any(|line| line.starts_with("PATCH")), "{dialect:?}, {what}");
                    case.rests(&what).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn an_empty_value_empties_a_field_once_and_the_plan_after_it_is_empty() {
    for dialect in BOTH {
        // The app keeps what is emptied in its own way.
        for kept in [json!(""), json!(null), Value::Bool(false)] {
            let key = field(dialect);
            let after = kept.clone();
            let case = Setup::of(dialect)
                .users(1..=2)
                .left(|state| state.user("u1")[key] = json!("4711"))
                .after(move |_, answer| {
                    super::app::changed(answer, |body| {
                        let spell = |row: &mut Value| {
                            let Some(row) = row.as_object_mut() else { return };
                            if row.get(key).is_some_and(|value| value == "" || value.is_null()) {
                                match &after {
                                    Value::Bool(_) => drop(row.remove(key)),
                                    other => drop(row.insert(key.into(), other.clone())),
                                }
                            }
                        };
                        for list in ["data", "Resources"] {
                            body.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().for_each(spell);
                        }
                        spell(body);
                    })
                })
                .files(&format!("defaults: {{ {key}: \"\" }}\n{}", accounts(1..=2)), "")
                .start()
                .await;
            case.applied().await;
            let updates = case.writes().iter().filter(|line| line.starts_with("PATCH")).count();
            assert_eq!(updates, 1, "{dialect:?}, {kept}: {:?}", case.writes());
            case.converged(&kept.to_string()).await;
        }
    }
}

#[tokio::test]
async fn a_field_of_a_membership_that_is_empty_fails_no_add() {
    for shown in [None, Some(json!("")), Some(json!(null))] {
        for note in ["\"\"", "null"] {
            let seen = shown.clone();
            let all: Vec<_> = (1..=6).map(|n| format!("{}: {{ note: {note} }}", email(n))).collect();
            let case = Setup::of(Dialect::Rest)
                .says("members:\n", "members:\n  fields: { note: note }\n")
                .says("body: { ids: \"{account.ids}\" }", "body: { ids: \"{account.ids}\", note: \"{note}\" }")
                .users(1..=6)
                .group("g1", "Design", &[])
                .listed(move |_, what, rows| {
                    (what == Rows::Members).then(|| {
                        let noted = rows.iter().map(|row| match &seen {
                            Some(value) => json!({"id": row["id"], "note": value}),
                            None => row.clone(),
                        });
                        json_answer(200, json!({"data": noted.collect::<Vec<_>>()}))
                    })
                })
                .files(&format!("groups: {{ Design: {{ members: {{ {} }} }} }}", all.join(", ")), "")
                .start()
                .await;
            let valid = case.rosterd(&["validate"]).await;
            if note == "null" && valid.status == 1 {
                continue;
            }
            let said = case.apply().await;
            assert_eq!(said.status, 0, "{shown:?}, {note}: {said:?}");
            assert_eq!(case.app.state().members("g1").len(), 6);
            case.converged(note).await;
        }
    }
}

#[tokio::test]
async fn a_person_with_one_name_is_possible_where_names_are_managed() {
    for dialect in BOTH {
        for person in ["{ given_name: Sukarno, family_name: \"\" }", "{ given_name: \"\", family_name: Sukarno }"] {
            let rest =
                format!("people:\n  p1@x.example: {{ given_name: Ann, family_name: Lee }}\n  p2@x.example: {person}\n");
            // A line that sets names makes them managed.
            let app = "accounts: { p1@x.example: { given_name: Ann, family_name: Lee }, p2@x.example: }";
            let case = Setup::of(dialect).files(app, &rest).start().await;
            let said = case.apply().await;
            assert_eq!(said.status, 0, "{dialect:?}, {person}: {said:?}");
            assert_eq!(case.made("users"), 2, "{dialect:?}, {person}");
            case.converged(person).await;
        }
    }
}
