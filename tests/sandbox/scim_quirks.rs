//! Deviations of SCIM servers, one by one.

use std::time::Duration;

use rosterd::sandbox::NewAccount;
use serde_json::{Value, json};

use crate::{
    client::{Got, TENANT, got, http},
    scim::{GROUP, Scim, USER, check_error, names, patch, query},
};

/// A server with this quirk and so many users, `p00@x.example` and on.
async fn with(quirk: &str, users: usize) -> Scim {
    let app = Scim::new(&[quirk]).await;
    for n in 0..users {
        let email = format!("p{n:02}@x.example");
        app.sandbox.add_account("scim", TENANT, NewAccount { email, ..NewAccount::default() }).unwrap();
    }
    app
}

/// A server with this quirk and a group of so many users.
async fn with_group(quirk: &str, users: usize) -> (Scim, String, Vec<String>) {
    let app = with(quirk, users).await;
    let ids: Vec<String> =
        app.sandbox.accounts("scim", TENANT).unwrap().into_iter().map(|account| account.id).collect();
    let group = app.group("Design", &ids.iter().collect::<Vec<_>>()).await;
    (app, group, ids)
}

fn first(page: &Got) -> (usize, Value) {
    (page.json["Resources"].as_array().map_or(0, Vec::len), page.json["totalResults"].clone())
}

#[tokio::test]
async fn quirks_are_switched_over_http_and_unknown_ones_refused() {
    let app = with("put-only", 1).await;
    let side = |method: &str| {
        let url = format!("{}/_sandbox/scim/{TENANT}/quirks", app.sandbox.url());
        http().request(method.parse().unwrap(), url)
    };
    let on = |list: Got| -> Vec<Value> {
        let rows = list.json["data"].as_array().unwrap().clone();
        rows.into_iter().filter(|row| row["on"] == true).map(|row| row["name"].clone()).collect()
    };
    assert_eq!(on(got(side("GET")).await), ["put-only"]);
    assert_eq!(got(side("PUT").json(&json!(["no-etag", "no-discovery"]))).await.status, 200);
    assert_eq!(on(got(side("GET")).await), ["no-etag", "no-discovery"]);
    let wrong = got(side("PUT").json(&json!(["no-etags"]))).await;
    assert!(
        wrong.status == 400 && wrong.json["error"].as_str().unwrap().contains("`no-etags` is no quirk"),
        "{wrong:?}"
    );
    assert_eq!(app.get("/Users").await.json["Resources"][0]["meta"].get("version"), None);
    app.sandbox.set_quirks("scim", TENANT, &["flat-earth"]).expect_err("unknown");
    app.sandbox.set_quirks("scim", TENANT, &[]).unwrap();
    assert_eq!(app.get("/ServiceProviderConfig").await.status, 200);
}

#[tokio::test]
async fn put_only_knows_no_patch() {
    let (app, group, ids) = with_group("put-only", 2).await;
    let put = json!({ "schemas": [GROUP], "displayName": "Design", "members": [{ "value": ids[1] }] });
    let path = format!("/Groups/{group}");
    check_error(&app.patch(&path, json!([{ "op": "remove", "path": "members" }])).await, 501, None);
    assert_eq!(app.send("PUT", &path, put).await.status, 200);
    assert_eq!(app.members(&group), ["p01@x.example"]);
    assert_eq!(app.get("/ServiceProviderConfig").await.json["patch"]["supported"], false);
}

#[tokio::test]
async fn no_group_put_leaves_patch_alone() {
    let (app, group, _) = with_group("no-group-put", 1).await;
    let path = format!("/Groups/{group}");
    assert_eq!(app.send("PUT", &path, json!({ "schemas": [GROUP], "displayName": "X" })).await.status, 405);
    assert_eq!(app.patch(&path, json!([{ "op": "replace", "path": "displayName", "value": "X" }])).await.status, 204);
}

#[tokio::test]
async fn cursors_lead_through_the_list_and_survive_deletions() {
    let app = with("cursor-paging", 7).await;
    let config = app.get("/ServiceProviderConfig").await.json["pagination"].clone();
    assert_eq!((&config["defaultPaginationMethod"], &config["cursorTimeout"]), (&json!("cursor"), &json!(600)));
    let (mut seen, mut path) = (Vec::new(), "/Users?count=3".to_owned());
    loop {
        let page = app.get(&path).await;
        assert_eq!((page.status, page.json.get("startIndex")), (200, None), "{page:?}");
        seen.extend(names(&page));
        app.sandbox.remove_account("scim", TENANT, &seen[0]).ok();
        match page.json["nextCursor"].as_str() {
            Some(cursor) => path = format!("/Users?count=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..7).map(|n| format!("p{n:02}@x.example")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_expires_and_fits_its_own_question_only() {
    let app = with("cursor-paging", 5).await;
    let page = app.get("/Users?count=2&cursor=&startIndex=4").await;
    assert_eq!(names(&page)[0], "p00@x.example", "startIndex means nothing here");
    let page = app.get("/Users?count=2&cursor=").await;
    let cursor = page.json["nextCursor"].as_str().unwrap();
    check_error(&app.get(&format!("/Users?count=3&cursor={cursor}")).await, 400, Some("invalidCount"));
    let other = format!("/Users?count=2&cursor={cursor}&attributes=id");
    check_error(&app.get(&other).await, 400, Some("invalidCursor"));
    check_error(&app.get("/Users?cursor=invented").await, 400, Some("invalidCursor"));
    app.sandbox.advance(Duration::from_secs(599));
    assert_eq!(app.get(&format!("/Users?count=2&cursor={cursor}")).await.status, 200);
    app.sandbox.advance(Duration::from_secs(1));
    check_error(&app.get(&format!("/Users?count=2&cursor={cursor}")).await, 400, Some("expiredCursor"));
}

#[tokio::test]
async fn a_cursor_can_lead_in_circles() {
    let app = with("cursor-paging", 6).await;
    app.sandbox.set_quirks("scim", TENANT, &["cursor-paging", "cursor-repeats"]).unwrap();
    let cursor = app.get("/Users?count=2").await.json["nextCursor"].as_str().unwrap().to_owned();
    let second = app.get(&format!("/Users?count=2&cursor={cursor}")).await;
    assert_eq!(second.json["nextCursor"], json!(cursor));
}

#[tokio::test]
async fn a_cursor_can_expire_before_its_time_but_only_once() {
    let app = with("cursor-paging", 6).await;
    app.sandbox.set_quirks("scim", TENANT, &["cursor-paging", "cursor-expires-once"]).unwrap();
    let cursor = app.get("/Users?count=2").await.json["nextCursor"].as_str().unwrap().to_owned();
    let path = format!("/Users?count=2&cursor={cursor}");
    check_error(&app.get(&path).await, 400, Some("expiredCursor"));
    assert_eq!(app.get(&path).await.status, 200);
}

#[tokio::test]
async fn lists_can_mislead() {
    for (quirk, path, rows, total) in [
        ("filter-ignored", format!("/Users{}", query("userName eq \"p03@x.example\"")), 12, json!(12)),
        ("count-clamped", "/Users?count=50".to_owned(), 10, json!(12)),
        ("total-is-page-size", "/Users?count=5".to_owned(), 5, json!(5)),
        ("total-too-high", "/Users".to_owned(), 12, json!(15)),
        ("list-truncated", "/Users".to_owned(), 10, json!(12)),
        ("list-truncated", "/Users?startIndex=11".to_owned(), 0, json!(12)),
        ("string-totals", "/Users".to_owned(), 12, json!("12")),
        ("start-index-ignored", "/Users?startIndex=11".to_owned(), 12, json!(12)),
    ] {
        assert_eq!(first(&with(quirk, 12).await.get(&path).await), (rows, total), "{quirk}");
    }
    let app = with("no-resources-when-empty", 0).await;
    let empty = app.get("/Users").await.json;
    assert_eq!((empty.get("Resources"), &empty["totalResults"]), (None, &json!(0)));
}

#[tokio::test]
async fn members_can_be_missing_on_request_or_truncated() {
    for (quirk, in_list, asked_in_list, by_id, asked_by_id) in [
        ("members-missing-in-list", None, None, Some(7), Some(7)),
        ("members-on-request", None, Some(7), None, Some(7)),
        ("members-truncated", Some(5), Some(5), Some(7), Some(7)),
        ("no-etag", Some(7), Some(7), Some(7), Some(7)),
    ] {
        let (app, group, _) = with_group(quirk, 7).await;
        let count = |group: &Value| group.get("members").map(|members| members.as_array().unwrap().len());
        let list = app.get("/Groups").await.json["Resources"][0].clone();
        let asked = app.get("/Groups?attributes=displayName,members").await.json["Resources"][0].clone();
        assert_eq!((count(&list), count(&asked)), (in_list, asked_in_list), "{quirk}");
        let read = app.get(&format!("/Groups/{group}")).await.json;
        let asked = app.get(&format!("/Groups/{group}?attributes=members")).await.json;
        assert_eq!((count(&read), count(&asked)), (by_id, asked_by_id), "{quirk}");
        let without = app.get("/Groups?excludedAttributes=members").await.json["Resources"][0].clone();
        assert_eq!(count(&without), None, "{quirk}");
    }
}

#[tokio::test]
async fn an_empty_group_can_be_shown_without_members() {
    let (app, group, _) = with_group("empty-members-omitted", 0).await;
    assert_eq!(app.get(&format!("/Groups/{group}")).await.json.get("members"), None);
    app.sandbox.set_quirks("scim", TENANT, &[]).unwrap();
    assert_eq!(app.get(&format!("/Groups/{group}")).await.json["members"], json!([]));
}

#[tokio::test]
async fn removing_with_a_value_can_empty_the_group_but_a_filter_never_does() {
    let (app, group, ids) = with_group("remove-with-value-empties-group", 4).await;
    let path = format!("/Groups/{group}");
    app.patch(&path, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[0]) }])).await;
    assert_eq!(app.members(&group).len(), 3);
    app.patch(&path, json!([{ "op": "remove", "path": "members", "value": [{ "value": ids[1] }] }])).await;
    assert!(app.members(&group).is_empty());
}

#[tokio::test]
async fn deleting_can_deactivate_or_leave_the_name_taken() {
    let app = with("delete-deactivates", 1).await;
    let id = app.sandbox.accounts("scim", TENANT).unwrap()[0].id.clone();
    assert_eq!(app.delete(&format!("/Users/{id}")).await.status, 204);
    assert_eq!(app.get(&format!("/Users/{id}")).await.json["active"], false);

    let app = with("delete-keeps-name", 1).await;
    let id = app.sandbox.accounts("scim", TENANT).unwrap()[0].id.clone();
    app.delete(&format!("/Users/{id}")).await;
    assert_eq!(first(&app.get(&format!("/Users{}", query("userName eq \"p00@x.example\""))).await), (0, json!(0)));
    let again = app.send("POST", "/Users", json!({ "schemas": [USER], "userName": "P00@x.example" })).await;
    check_error(&again, 409, Some("uniqueness"));
}

#[tokio::test]
async fn creating_somebody_who_exists_can_pass_for_success() {
    let app = with("create-adopts", 1).await;
    let before = app.raw("p00@x.example");
    let body = json!({ "schemas": [USER], "userName": "P00@x.example", "title": "Dr" });
    let adopted = app.send("POST", "/Users", body).await;
    assert_eq!((adopted.status, adopted.id()), (200, before["id"].as_str().unwrap().to_owned()));
    assert_eq!(app.raw("p00@x.example"), before);
}

#[tokio::test]
async fn answers_can_be_shaped_otherwise() {
    let path = |app: &Scim| format!("/Users/{}", app.sandbox.accounts("scim", TENANT).unwrap()[0].id);
    let app = with("patch-empty-200", 1).await;
    let answer = app.patch(&path(&app), json!([{ "op": "replace", "path": "active", "value": false }])).await;
    assert_eq!((answer.status, answer.json), (200, Value::Null));
    assert_eq!(app.raw("p00@x.example")["active"], false);

    let app = with("string-booleans", 1).await;
    assert_eq!(app.get(&path(&app)).await.json["active"], "True");
    let answer = app.patch(&path(&app), json!([{ "op": "replace", "path": "active", "value": "False" }])).await;
    assert_eq!(answer.json["active"], "False");
    assert_eq!(app.raw("p00@x.example")["active"], false);

    let app = Scim::new(&["lower-case-usernames"]).await;
    let made = app.send("POST", "/Users", json!({ "schemas": [USER], "userName": "Jane@X.example" })).await;
    assert_eq!(made.json["userName"], "jane@x.example");

    let app = with("resource-type-plural", 1).await;
    assert_eq!(app.get(&path(&app)).await.json["meta"]["resourceType"], "Users");

    let app = with("no-discovery", 0).await;
    for endpoint in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        check_error(&app.get(endpoint).await, 404, None);
    }

    let app = with("html-errors", 0).await;
    let page = app.get("/Users/nobody").await;
    assert_eq!((page.status, page.header("content-type")), (404, Some("text/html; charset=utf-8")));
    assert_eq!(page.json.as_str().map(|page| page.starts_with("<!doctype")), Some(true));
}

#[tokio::test]
async fn without_versions_the_last_write_wins() {
    let app = with("no-etag", 1).await;
    let read = app.get("/Users").await.json["Resources"][0].clone();
    assert_eq!(read["meta"].get("version"), None);
    let path = format!("/Users/{}", read["id"].as_str().unwrap());
    let body = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    let written = got(app.request("PATCH", &path, Some(body)).header("if-match", "W/\"99\"")).await;
    assert_eq!((written.status, written.header("etag")), (200, None));
}

#[tokio::test]
async fn a_slow_index_finds_a_user_only_after_a_while() {
    let app = with("slow-index", 0).await;
    let id = app.user("jane@x.example").await;
    let path = format!("/Users{}", query("userName eq \"jane@x.example\""));
    assert_eq!(first(&app.get(&path).await), (0, json!(0)));
    assert_eq!(app.get(&format!("/Users/{id}")).await.status, 200);
    let again = app.send("POST", "/Users", json!({ "schemas": [USER], "userName": "jane@x.example" })).await;
    check_error(&again, 409, Some("uniqueness"));
    app.sandbox.advance(Duration::from_secs(5));
    assert_eq!(first(&app.get(&path).await), (1, json!(1)));
}

#[tokio::test]
async fn aws_changes_a_hundred_members_at_most_and_never_all() {
    let (app, group, _) = with_group("max-patch-members-100", 0).await;
    let mut ids = Vec::new();
    for n in 0..101 {
        let email = format!("q{n}@x.example");
        ids.push(app.sandbox.add_account("scim", TENANT, NewAccount { email, ..NewAccount::default() }).unwrap());
    }
    let path = format!("/Groups/{group}");
    let add = |ids: &[String]| {
        let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        json!([{ "op": "add", "path": "members", "value": members }])
    };
    check_error(&app.patch(&path, add(&ids)).await, 400, Some("tooMany"));
    assert!(app.members(&group).is_empty());
    assert_eq!(app.patch(&path, add(&ids[..100])).await.status, 204);
    for operation in
        [json!({ "op": "replace", "path": "members", "value": [] }), json!({ "op": "remove", "path": "members" })]
    {
        check_error(&app.patch(&path, json!([operation])).await, 400, Some("invalidValue"));
    }
    let other = json!([{ "op": "add", "path": "title", "value": "x" }]);
    check_error(&app.patch(&path, other).await, 400, Some("invalidPath"));
    assert_eq!(app.members(&group).len(), 100);
}

#[tokio::test]
async fn groups_can_be_nested() {
    let (app, outer, _) = with_group("nested-groups", 1).await;
    let inner = app.group("Inner", &[]).await;
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": inner }] }]);
    assert_eq!(app.patch(&format!("/Groups/{outer}"), add.clone()).await.status, 204);
    let members = app.get(&format!("/Groups/{outer}")).await.json["members"].clone();
    assert_eq!((&members[0]["type"], &members[1]["type"]), (&json!("User"), &json!("Group")));
    app.sandbox.remove_membership("scim", TENANT, &inner, &outer).unwrap();
    app.sandbox.put_membership("scim", TENANT, &inner, &outer, "").unwrap();
    app.sandbox.set_quirks("scim", TENANT, &[]).unwrap();
    check_error(
        &app.patch(
            &format!("/Groups/{inner}"),
            json!([{ "op": "add", "path": "members", "value": [{ "value": outer }] }]),
        )
        .await,
        400,
        Some("invalidValue"),
    );
}
