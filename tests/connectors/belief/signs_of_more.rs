//! What says that a list goes on where nobody follows it: sure signs make it incomplete, a mere resemblance is told.

use serde_json::{Value, json};

use super::{
    app::{BOTH, Dialect, Rows, headed},
    case::{Case, Setup, accounts},
};
use crate::support::{Answer, json_answer};

/// People whom the files name, of whom the app shows the first ten.
const ALL: usize = 13;

const SHOWN: usize = 10;

const LIST: &str = "list: { get: /users, items: data }";

type Show = fn(&[Value]) -> Answer;

/// An app that shows some of its users in its own way.
async fn app(dialect: Dialect, list: Option<&str>, show: Show) -> Case {
    let setup = Setup::of(dialect).users(1..=ALL);
    let setup = match (dialect, list) {
        (Dialect::Rest, Some(list)) => setup.says(LIST, list),
        (Dialect::Rest | Dialect::Scim, _) => setup,
    };
    setup
        .listed(move |call, what, rows| {
            (what == Rows::Users && !call.query.contains_key("filter")).then(|| show(&rows[..SHOWN.min(rows.len())]))
        })
        .files(&accounts(1..=ALL), "")
        .start()
        .await
}

/// Nobody is made, because who else is there nobody knows.
async fn is_incomplete(case: Case, what: &str) {
    let plan = case.plan().await;
    assert!(!plan.is_complete(), "{what}, {:?}: {:#}", case.dialect, plan.0);
    assert!(plan.finding("incomplete-read", "").is_some(), "{what}, {:?}: {:?}", case.dialect, plan.findings());
    case.rests(what).await;
    assert_eq!(case.made("users"), 0, "{what}, {:?}", case.dialect);
}

#[tokio::test]
async fn sure_signs_of_more_make_a_list_of_a_manifest_incomplete() {
    let table: [(&str, Option<&str>, Show); 9] = [
        ("a link header that nobody follows", None, |rows| {
            let link = [("Link", "<https://api.x.example/users?page=2>; rel=\"next\"")];
            headed(json_answer(200, json!({"data": rows})), &link)
        }),
        ("a link header among others", None, |rows| {
            let link = [("link", "</users?page=1>; rel=prev, </users?page=2>; title=\"a, b\"; rel=\"last next\"")];
            headed(json_answer(200, json!({"data": rows})), &link)
        }),
        (
            "a full page, and no answer ever had the key of the next",
            Some("list: { get: /users, items: data, page: { token: page, next: meta.next, size: limit, max: 10 } }"),
            |rows| json_answer(200, json!({"data": rows, "paging": {"next": "p2"}})),
        ),
        (
            "a full page, and no answer ever had the link to the next",
            Some("list: { get: /users, items: data, page: { link: links.next, size: limit, max: 10 } }"),
            |rows| json_answer(200, json!({"data": rows})),
        ),
        ("a total above the rows", None, |rows| json_answer(200, json!({"data": rows, "total": ALL}))),
        ("a count above the rows", None, |rows| json_answer(200, json!({"data": rows, "count": ALL}))),
        (
            "a total that the page names, in a list that is not paged",
            Some("list: { get: /users, items: data, paged: false, page: { number: page, total: meta.all } }"),
            |rows| json_answer(200, json!({"data": rows, "meta": {"all": ALL}})),
        ),
        ("the next link of OData", None, |rows| {
            json_answer(200, json!({"data": rows, "@odata.nextLink": "https://x.example/users?$skiptoken=2"}))
        }),
        ("the count of OData", None, |rows| json_answer(200, json!({"data": rows, "@odata.count": ALL}))),
    ];
    for (what, list, show) in table {
        is_incomplete(app(Dialect::Rest, list, show).await, what).await;
    }
}

#[tokio::test]
async fn sure_signs_of_more_make_a_list_of_scim_incomplete() {
    let table: [(&str, Show); 4] = [
        ("a link header that nobody follows", |rows| {
            let link = [("Link", "<https://api.x.example/Users?page=2>; rel=\"next\"")];
            headed(json_answer(200, json!({"Resources": rows, "totalResults": SHOWN})), &link)
        }),
        ("a total above the rows, and the same page again", |rows| {
            json_answer(200, json!({"Resources": rows, "totalResults": ALL}))
        }),
        ("a total as a text", |rows| json_answer(200, json!({"Resources": rows, "totalResults": ALL.to_string()}))),
        ("the next link of OData", |rows| {
            json_answer(200, json!({"Resources": rows, "totalResults": SHOWN, "@odata.nextLink": "/Users?$skip=10"}))
        }),
    ];
    for (what, show) in table {
        is_incomplete(app(Dialect::Scim, None, show).await, what).await;
    }
}

#[tokio::test]
async fn the_groups_and_members_behind_a_sign_are_not_believed_to_be_absent() {
    for dialect in BOTH {
        let link = [("Link", "</next>; rel=\"next\"")];
        let case = Setup::of(dialect)
            .users(1..=2)
            .group("g1", "Design", &["u1"])
            .group("g2", "Sales", &["u2"])
            .listed(move |_, what, rows| match (dialect, what) {
                (Dialect::Rest, Rows::Groups) => Some(headed(json_answer(200, json!({"data": rows[..1]})), &link)),
                (Dialect::Scim, Rows::Groups) => {
                    Some(headed(json_answer(200, json!({"Resources": rows[..1], "totalResults": 1})), &link))
                }
                _ => None,
            })
            .files("groups: { Design: { members: [p1@x.example] }, Sales: { members: [p2@x.example] } }", "")
            .start()
            .await;
        let plan = case.plan().await;
        assert!(!plan.is_complete(), "{dialect:?}: {:#}", plan.0);
        case.rests("groups").await;
        assert_eq!(case.made("groups"), 0, "{dialect:?}");
    }
    let case = Setup::of(Dialect::Rest)
        .users(1..=2)
        .group("g1", "Design", &["u1", "u2"])
        .listed(|_, what, rows| {
            (what == Rows::Members).then(|| json_answer(200, json!({"data": rows[..1], "total": 2})))
        })
        .files("groups: { Design: { members: [p1@x.example] } }", "people:\n  p2@x.example: { }\n")
        .start()
        .await;
    let plan = case.plan().await;
    assert!(plan.finding("incomplete-read", "").is_some(), "{:#}", plan.0);
}

/// As many people as the app shows, in an answer that `show` makes.
async fn whole(count: usize, list: Option<&str>, show: Show) -> Case {
    let setup = Setup::of(Dialect::Rest).users(1..=count);
    let setup = list.map_or(Setup::of(Dialect::Rest).users(1..=count), |list| setup.says(LIST, list));
    setup
        .listed(move |_, what, rows| (what == Rows::Users).then(|| show(&rows)))
        .files(&accounts(1..=count), "")
        .start()
        .await
}

#[tokio::test]
async fn what_merely_resembles_a_next_page_is_told_and_ends_where_the_manifest_says_that_the_list_is_whole() {
    let table: [(&str, usize, Show); 7] = [
        ("a key that begins with next", 3, |rows| json_answer(200, json!({"data": rows, "nextThing": "abc"}))),
        ("a cursor", 3, |rows| json_answer(200, json!({"data": rows, "meta": {"end_cursor": "abc"}}))),
        ("has_more", 3, |rows| json_answer(200, json!({"data": rows, "has_more": true}))),
        ("twenty rows", 20, |rows| json_answer(200, json!({"data": rows}))),
        ("25 rows", 25, |rows| json_answer(200, json!({"data": rows}))),
        ("fifty rows", 50, |rows| json_answer(200, json!({"data": rows}))),
        ("a hundred rows", 100, |rows| json_answer(200, json!({"data": rows}))),
    ];
    for (what, count, show) in table {
        let case = whole(count, None, show).await;
        let plan = case.plan().await;
        assert!(plan.finding("app-notice", "page: none").is_some(), "{what}: {:?}", plan.findings());
        assert_eq!(plan.actions(), [""; 0], "{what}");
        let check = ["connectors", "check", "desired-state/connectors/mine.yaml", "desired-state"];
        let said = case.plainly(&check).await;
        let doubt = said.out.lines().any(|line| line.contains("doubt") && line.contains("accounts"));
        assert!(doubt, "{what}: {said:?}");

        let case = whole(count, Some("list: { get: /users, items: data, page: none }"), show).await;
        let plan = case.plan().await;
        assert_eq!(plan.findings(), [""; 0], "{what}");
        assert_eq!((plan.actions(), plan.is_complete()), (vec![], true), "{what}");
        let said = case.plainly(&check).await;
        assert!(!said.out.lines().any(|line| line.contains("doubt") && line.contains("accounts")), "{what}: {said:?}");
    }
}

#[tokio::test]
async fn a_list_without_any_sign_is_whole() {
    let table: [(&str, usize, Show); 5] = [
        ("nothing but rows", 3, |rows| json_answer(200, json!({"data": rows}))),
        ("a total that fits", 3, |rows| json_answer(200, json!({"data": rows, "total": 3}))),
        ("a next that is null", 3, |rows| json_answer(200, json!({"data": rows, "next": null, "cursor": ""}))),
        ("has_more is false", 3, |rows| json_answer(200, json!({"data": rows, "has_more": false}))),
        ("a link to the page before", 3, |rows| {
            headed(json_answer(200, json!({"data": rows})), &[("Link", "</users?page=1>; rel=\"prev\"")])
        }),
    ];
    for (what, count, show) in table {
        let case = whole(count, None, show).await;
        let plan = case.plan().await;
        assert_eq!((plan.findings(), plan.is_complete()), (vec![], true), "{what}");
        case.converged(what).await;
    }
}
