//! Pages that are reached by links: in a header as RFC 8288 has it, in keys with dots, and in paths.

use serde_json::{Value, json};

use super::{
    app::{Dialect, Rows, headed},
    case::{Case, Setup, accounts},
};
use crate::support::{Answer, Call, json_answer, serve};

const LIST: &str = "list: { get: /users, items: data }";

/// Three pages of four. `link` makes the link to a page out of the app's origin.
async fn app(page: &str, link: impl Fn(&str, usize, Vec<Value>) -> Answer + Send + Sync + 'static) -> Case {
    Setup::of(Dialect::Rest)
        .says(LIST, &format!("list: {{ get: /users, items: data, page: {page} }}"))
        .users(1..=12)
        .before(|call, state| {
            // Pages whose token is in the path.
            let page = call.path.strip_prefix("/users/after/")?;
            let rows = state.users.clone();
            let at: usize = page.parse().unwrap();
            let mut body = json!({"data": rows.iter().skip((at - 1) * 4).take(4).collect::<Vec<_>>()});
            if at < 3 {
                body["next"] = json!(format!("/users/after/{}", at + 1));
            }
            Some(json_answer(200, body))
        })
        .listed(move |call, what, rows| {
            if what != Rows::Users {
                return None;
            }
            let page: usize = call.query.get("page").map_or(1, |page| page.parse().unwrap());
            let here: Vec<_> = rows.iter().skip((page - 1) * 4).take(4).cloned().collect();
            let next = if page < 3 { page + 1 } else { 0 };
            Some(link(&origin(call), next, here))
        })
        .files(&accounts(1..=12), "")
        .start()
        .await
}

fn origin(call: &Call) -> String {
    format!("http://{}", call.headers["host"])
}

fn rows(rows: Vec<Value>) -> Answer {
    json_answer(200, json!({"data": rows}))
}

/// Everybody is seen, and nothing is to do.
async fn is_whole(case: Case, what: &str) {
    let plan = case.plan().await;
    assert_eq!((plan.error(), plan.seen()), (None, 12), "{what}: {:#}", plan.0);
    case.converged(what).await;
    case.applied().await;
    assert_eq!(case.writes(), [""; 0], "{what}");
}

#[tokio::test]
async fn links_in_a_header_are_followed_as_the_standard_has_them() {
    type Header = fn(&str, usize) -> String;
    let table: [(&str, Header); 9] = [
        ("quoted", |origin, n| format!("<{origin}/users?page={n}>; rel=\"next\"")),
        ("unquoted", |origin, n| format!("<{origin}/users?page={n}>; rel=next")),
        ("relative", |_, n| format!("</users?page={n}>; rel=\"next\"")),
        ("a query alone", |_, n| format!("<?page={n}>; rel=\"next\"")),
        ("the second of several", |origin, n| {
            format!("<{origin}/users?page=1>; rel=\"first\", <{origin}/users?page={n}>; rel=\"next\"")
        }),
        ("several relations", |origin, n| format!("<{origin}/users?page={n}>; rel=\"last next\"")),
        ("capitals", |origin, n| format!("<{origin}/users?page={n}>; Rel=\"NEXT\"")),
        ("other parameters first, with a comma and a semicolon", |origin, n| {
            format!("<{origin}/users?page={n}>; title=\"a, b; rel=prev\"; rel=\"next\"")
        }),
        ("blanks", |origin, n| format!("  <{origin}/users?page={n}>  ;  rel = \"next\"")),
    ];
    for (what, header) in table {
        let case = app("{ link: header }", move |origin, next, here| match next {
            0 => rows(here),
            next => headed(rows(here), &[("Link", &header(origin, next))]),
        });
        is_whole(case.await, what).await;
    }
    let case = app("{ link: header }", |origin, next, here| {
        let first = format!("<{origin}/users?page=1>; rel=\"first\"");
        match next {
            0 => headed(rows(here), &[("Link", &first)]),
            next => {
                let link = format!("<{origin}/users?page={next}>; rel=\"next\"");
                headed(rows(here), &[("Link", &first), ("Link", &link)])
            }
        }
    });
    is_whole(case.await, "several headers").await;
}

#[tokio::test]
async fn keys_with_a_dot_can_be_named() {
    for (page, key) in [
        ("{ link: [\"@odata.nextLink\"] }", &["@odata.nextLink"][..]),
        ("{ link: [paging, \"next.link\"] }", &["paging", "next.link"]),
        ("{ token: page, next: [\"next.page\"] }", &["next.page"]),
    ] {
        let is_token = page.contains("token");
        let case = app(page, move |origin, next, here| {
            let mut body = json!({"data": here});
            if next > 0 {
                let link = if is_token { json!(next) } else { json!(format!("{origin}/users?page={next}")) };
                match key {
                    [outer, inner] => body[outer] = json!({ *inner: link }),
                    _ => body[key[0]] = link,
                }
            }
            json_answer(200, body)
        });
        is_whole(case.await, page).await;
    }
}

#[tokio::test]
async fn links_whose_path_is_the_token_are_followed_on_the_same_origin() {
    for what in ["absolute", "of the origin", "relative"] {
        let case = app("{ link: next }", move |origin, next, here| {
            let mut body = json!({"data": here});
            if next > 0 {
                let path = format!("/users/after/{next}");
                body["next"] = match what {
                    "absolute" => json!(format!("{origin}{path}")),
                    "relative" => json!(format!("users/after/{next}")),
                    _ => json!(path),
                };
            }
            json_answer(200, body)
        });
        is_whole(case.await, what).await;
    }
    let case = app("{ link: header }", |origin, next, here| match next {
        0 => rows(here),
        next => headed(rows(here), &[("Link", &format!("<{origin}/users/after/{next}>; rel=\"next\""))]),
    });
    let plan = case.await.plan().await;
    // The second page has no header, so that the list ends there. It is not taken for the first page again.
    assert_eq!(plan.seen(), 8, "{:#}", plan.0);
}

#[tokio::test]
async fn a_link_to_elsewhere_is_not_followed_and_the_list_is_incomplete() {
    let elsewhere = serve(|_| json_answer(200, json!({"data": []}))).await;
    let other = elsewhere.url.as_str().trim_end_matches('/').to_owned();
    for (what, page, link) in [
        ("another host in a body", "{ link: next }", format!("{other}/users/after/2")),
        ("another host in a header", "{ link: header }", format!("{other}/users/after/2")),
        ("another scheme", "{ link: next }", "ftp://x.example/users/after/2".to_owned()),
        ("credentials in it", "{ link: next }", "http://user:pw@x.example/users/after/2".to_owned()),
    ] {
        let in_header = page.contains("header");
        let case = app(page, move |_, next, here| match (next, in_header) {
            (0, _) => rows(here),
            (_, true) => headed(rows(here), &[("Link", &format!("<{link}>; rel=\"next\""))]),
            (_, false) => json_answer(200, json!({"data": here, "next": link})),
        });
        let case = case.await;
        let plan = case.plan().await;
        assert!(!plan.is_complete(), "{what}: {:#}", plan.0);
        case.rests(what).await;
        assert_eq!((case.writes(), elsewhere.lines()), (vec![], vec![]), "{what}");
    }
}

#[tokio::test]
async fn a_link_that_leaves_the_base_of_the_manifest_is_not_followed() {
    let case = Setup::of(Dialect::Rest)
        .says("name: mine\n", "name: mine\nbase: /api\n")
        .says(LIST, "list: { get: /users, items: data, page: { link: next } }")
        .users(1..=8)
        .before(|call, state| {
            assert!(call.path.starts_with("/api/"), "{} is not below the base", call.path);
            let here = &state.users[..4];
            (call.path == "/api/users").then(|| json_answer(200, json!({"data": here, "next": "/admin/users/2"})))
        })
        .files(&accounts(1..=8), "")
        .start()
        .await;
    let plan = case.plan().await;
    assert!(!plan.is_complete(), "{:#}", plan.0);
    case.rests("above the base").await;
    assert!(!case.lines().iter().any(|line| line.contains("/admin")), "{:?}", case.lines());
}
