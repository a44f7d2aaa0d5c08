//! What single answers are wrapped in is one thing, and what bodies are wrapped in another; and a body of an update's own.

use serde_json::{Value, json};

use super::{
    app::{Dialect, Rows},
    case::{Case, Setup, accounts, people},
};
use crate::support::{Answer, json_answer};

/// A server as Directus is: answers stand under `data`, and bodies do not. A body that is wrapped changes nothing, and nobody
/// is told.
fn directus(setup: Setup, wants_wrapped: bool) -> Setup {
    setup
        .users([1, 2])
        .group("g1", "Design", &[])
        .before(move |call, state| {
            let parts: Vec<_> = call.path.split('/').skip(1).collect();
            let body = match (wants_wrapped, call.body.get("data")) {
                (true, Some(inner)) => inner.clone(),
                (false, None) => call.body.clone(),
                // Keys that it does not know are ignored.
                (true, None) | (false, Some(_)) => json!({}),
            };
            match (call.method.as_str(), &parts[..]) {
                ("PATCH", ["users", id]) => {
                    let row = state.user(id);
                    for (key, value) in body.as_object().into_iter().flatten() {
                        row[key] = value.clone();
                    }
                    Some(json_answer(200, row.clone()))
                }
                ("POST", ["users"]) => {
                    let id = format!("u{}", 101 + state.users.len());
                    let mut row = json!({"id": id, "active": true, "first": null, "last": null});
                    row.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
                    state.users.push(row.clone());
                    Some(json_answer(201, row))
                }
                _ => None,
            }
        })
        .after(|call, answer| match answer {
            // Lists have their key already.
            Answer::Json(status, body) if body.get("data").is_none() && !call.path.ends_with("/members") => {
                json_answer(status, json!({"data": body}))
            }
            other => other,
        })
        .listed(|_, what, rows| (what != Rows::Members).then(|| json_answer(200, json!({"data": rows}))))
}

async fn works(setup: Setup, what: &str) -> Case {
    let case = setup
        .files("accounts: { p1@x.example: { given_name: Ann }, p3@x.example: { given_name: Cy } }", &people([2]))
        .start()
        .await;
    let said = case.apply().await;
    assert_eq!(said.status, 0, "{what}: {said:?} {:?}", case.bodies("PATCH"));
    assert_eq!(case.app.state().user("u1")["first"], "Ann", "{what}");
    assert!(!case.app.state().is_active("u2"), "{what}");
    let made = case.app.state().users.iter().filter(|row| row["email"] == "p3@x.example").count();
    assert_eq!(made, 1, "{what}: {:?}", case.app.state().users);
    case.converged(what).await;
    case
}

#[tokio::test]
async fn answers_and_bodies_are_wrapped_apart() {
    for (what, wrap, wants_wrapped) in [
        ("both", "data", true),
        ("answers alone", "{ answer: data }", false),
        ("both, said apart", "{ answer: data, body: data }", true),
    ] {
        let setup = Setup::of(Dialect::Rest).says("accounts:\n", &format!("accounts:\n  wrap: {wrap}\n"));
        works(directus(setup, wants_wrapped), what).await;
    }
}

#[tokio::test]
async fn bodies_alone_may_be_wrapped() {
    let setup = Setup::of(Dialect::Rest).says("accounts:\n", "accounts:\n  wrap: { body: data }\n");
    let setup = directus(setup, true);
    // Single answers are bare.
    let setup = setup.after(|_, answer| answer);
    works(setup, "bodies alone").await;
}

#[tokio::test]
async fn an_update_may_have_a_body_of_its_own() {
    for (what, update, expected) in [
        (
            "changes under a key",
            "update: { patch: \"/users/{account.id}\", body: { user: { first: \"{given_name}\", last: \"{family_name}\" } } }",
            json!({"user": {"first": "Ann"}}),
        ),
        (
            "a constant beside them",
            "update: { patch: \"/users/{account.id}\", body: { first: \"{given_name}\", reason: roster } }",
            json!({"first": "Ann", "reason": "roster"}),
        ),
        (
            "the id in the body",
            "update: { post: \"/users/update\", body: { id: \"{account.id}\", first: \"{given_name}\" } }",
            json!({"id": "u1", "first": "Ann"}),
        ),
    ] {
        let case = Setup::of(Dialect::Rest)
            .says("update: { patch: \"/users/{account.id}\" }", update)
            .says("deactivate: { set: { status: inactive } }", "deactivate: { post: \"/users/{account.id}/off\" }")
            .says("reactivate: { set: { status: active } }", "reactivate: { post: \"/users/{account.id}/on\" }")
            .users([1])
            .before(|call, state| {
                let changes = match (call.method.as_str(), call.path.as_str()) {
                    ("PATCH", "/users/u1") => call.body.get("user").unwrap_or(&call.body).clone(),
                    ("POST", "/users/update") => call.body.clone(),
                    _ => return None,
                };
                for (key, value) in changes.as_object().into_iter().flatten() {
                    state.user("u1")[key] = value.clone();
                }
                Some(json_answer(200, state.user("u1").clone()))
            })
            .files("accounts: { p1@x.example: { given_name: Ann } }", "")
            .start()
            .await;
        let said = case.apply().await;
        assert_eq!(said.status, 0, "{what}: {said:?}");
        let sent: Vec<Value> = [case.bodies("PATCH"), case.bodies("POST")].concat();
        assert_eq!(sent, [expected], "{what}");
        case.converged(what).await;
    }
}

#[tokio::test]
async fn groups_are_wrapped_as_accounts_are() {
    let case = Setup::of(Dialect::Rest)
        .says("groups:\n", "groups:\n  wrap: { answer: data }\n")
        .users([1])
        .after(|call, answer| match answer {
            Answer::Json(status, body) if call.path.starts_with("/groups") && body.get("data").is_none() => {
                json_answer(status, json!({"data": body}))
            }
            other => other,
        })
        .files(&format!("{}\ngroups: {{ Design: {{ members: [p1@x.example] }} }}", accounts([1])), "")
        .start()
        .await;
    let said = case.apply().await;
    assert_eq!(said.status, 0, "{said:?} {:?}", case.bodies("POST"));
    assert_eq!(case.bodies("POST")[0], json!({"name": "Design"}));
    case.converged("groups").await;
}
