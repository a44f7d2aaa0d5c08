//! What stands for no rows: null, a key that is left out, and a total of zero; and what does not.

use serde_json::{Value, json};

use super::{
    app::{BOTH, Dialect, Rows},
    case::{Setup, accounts},
};
use crate::support::json_answer;

const GROUP: &str = "groups: { Design: { members: [p1@x.example] } }";

/// An app whose list of `what` is this while it has no rows.
fn empty(dialect: Dialect, what: Rows, body: Value) -> Setup {
    Setup::of(dialect).listed(move |call, kind, rows| {
        let asked = call.query.contains_key("filter");
        (kind == what && rows.is_empty() && !asked).then(|| json_answer(200, body.clone()))
    })
}

#[tokio::test]
async fn an_empty_group_gets_its_first_member_whatever_stands_for_nobody() {
    let total = "items: data, page: { offset: skip, total: total, size: limit }, account: { id: id }";
    let lacks = "items: data, account: { id: id }, answers: [ { lacks: data, means: empty } ]";
    let members = "items: data, account: { id: id }";
    for (what, list, body) in [
        ("null", members, json!({"data": null})),
        ("null beside a total", members, json!({"data": null, "total": 0})),
        ("an empty list", members, json!({"data": []})),
        ("a rule about what is lacking", lacks, json!({"kind": "members"})),
        ("a rule about what is null", lacks, json!({"data": null})),
        ("a total of zero without the key", total, json!({"total": 0})),
        ("a total of zero beside null", total, json!({"total": 0, "data": null})),
        ("a total of zero that no page names", members, json!({"total_size": 0, "total": 0})),
    ] {
        let case = empty(Dialect::Rest, Rows::Members, body)
            .says(members, list)
            .users(1..=1)
            .group("g1", "Design", &[])
            .listed_more()
            .files(GROUP, "")
            .start()
            .await;
        let plan = case.plan().await;
        assert_eq!(plan.actions(), ["ready demo/add-member/p1@x.example/Design"], "{what}: {:#}", plan.0);
        case.applied().await;
        assert_eq!(case.app.state().members("g1"), ["u1"], "{what}");
        case.converged(what).await;
    }
}

impl Setup {
    /// Rows of a paged list of members are shown at once.
    fn listed_more(self) -> Self {
        let listed = self.hooks.listed.expect("a hook stands before");
        Setup { hooks: super::app::Hooks { listed: None, ..self.hooks }, ..self }.listed(move |call, what, rows| {
            let shown = listed(call, what, rows.clone());
            let later = call.query.get("skip").is_some_and(|skip| skip != "0");
            shown.or_else(|| {
                let here = if later { Vec::new() } else { rows.clone() };
                (what == Rows::Members).then(|| json_answer(200, json!({"data": here, "total": rows.len()})))
            })
        })
    }
}

#[tokio::test]
async fn an_app_without_anybody_is_empty_and_its_first_account_is_made() {
    for (dialect, what, body) in [
        (Dialect::Rest, "null", json!({"data": null})),
        (Dialect::Rest, "a total of zero", json!({"total": 0})),
        (Dialect::Scim, "null", json!({"Resources": null, "totalResults": 0})),
        (Dialect::Scim, "null without a total", json!({"Resources": null})),
        (Dialect::Scim, "a total alone", json!({"totalResults": 0})),
        (Dialect::Scim, "a total as a text", json!({"totalResults": "0"})),
    ] {
        let case = empty(dialect, Rows::Users, body).files(&accounts([1]), "").start().await;
        case.applied().await;
        assert_eq!(case.made("users"), 1, "{what}, {dialect:?}");
        case.converged(what).await;
    }
}

#[tokio::test]
async fn an_app_without_groups_gets_its_first_one() {
    for (dialect, what, body) in [
        (Dialect::Rest, "null", json!({"data": null})),
        (Dialect::Rest, "a total of zero", json!({"total": 0, "data": null})),
        (Dialect::Scim, "null", json!({"Resources": null, "totalResults": 0})),
        (Dialect::Scim, "null without a total", json!({"Resources": null})),
    ] {
        let case = empty(dialect, Rows::Groups, body).users(1..=1).files(GROUP, "").start().await;
        case.applied().await;
        assert_eq!((case.made("groups"), case.app.state().groups.len()), (1, 1), "{what}, {dialect:?}");
        case.converged(what).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_never_an_empty_app() {
    for dialect in BOTH {
        for (what, body) in [
            ("nothing", json!({})),
            ("an error in words", json!({"error": "please sign in", "data_": null})),
            ("a total above zero without rows", json!({"total": 3, "totalResults": 3})),
            ("an object in the rows' place", json!({"data": {"id": "u1"}, "Resources": {"id": "u1"}})),
            ("a text in the rows' place", json!({"data": "none", "Resources": "none"})),
            ("false in the rows' place", json!({"data": false, "Resources": false})),
        ] {
            let case = empty(dialect, Rows::Users, body).files(&accounts([1]), "").start().await;
            let plan = case.plan().await;
            assert!(!plan.is_complete(), "{what}, {dialect:?}: {:#}", plan.0);
            case.rests(what).await;
            assert_eq!(case.made("users"), 0, "{what}, {dialect:?}");
        }
    }
}
