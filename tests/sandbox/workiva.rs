//! Workiva.

use std::time::Duration;

use rosterd::sandbox::{AccountPatch, Config};
use serde_json::{Value, json};

use crate::{
    client::{Got, TENANT, got, quiet},
    rest::{Rest, WORKIVA, column, summary},
};

async fn workspace(quirks: &[&str]) -> Rest {
    Rest::new(WORKIVA, quirks).await
}

fn code(got: &Got) -> (u16, &str) {
    (got.status, got.json["code"].as_str().unwrap_or_else(|| panic!("no code in {got:?}")))
}

/// The id of the role with this name, the first of them.
async fn role(app: &Rest, name: &str) -> String {
    let roles = app.get("/roles").await.json["data"].clone();
    let found = roles.as_array().unwrap().iter().find(|role| role["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {roles}"))["id"].as_str().unwrap().to_owned()
}

/// Follows page tokens to the end; gives up after `most` pages.
async fn sweep(app: &Rest, path: &str, most: usize) -> (Vec<Vec<String>>, Option<String>) {
    let mut pages = Vec::new();
    let mut token = String::new();
    while pages.len() < most {
        let page = app.get(&format!("{path}{token}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        pages.push(column(&page.json["data"], "email"));
        match page.json["nextPageToken"].as_str() {
            None | Some("") => return (pages, None),
            Some(next) => token = format!("&pageToken={next}"),
        }
    }
    (pages, Some(token))
}

fn sizes(pages: &[Vec<String>]) -> Vec<usize> {
    pages.iter().map(Vec::len).collect()
}

#[tokio::test]
async fn a_new_user_is_active_and_its_answer_whole() {
    let app = workspace(&[]).await;
    let body = json!({ "email": "jane@example.com", "firstName": "Jane", "lastName": "Doe" });
    let made = app.send("POST", "/users", body).await;
    assert_eq!(made.status, 201);
    assert!(made.id().starts_with("usr_"));
    let whole = json!({ "id": made.id(), "email": "jane@example.com", "firstName": "Jane", "lastName": "Doe",
        "displayName": "Jane Doe", "active": true, "roles": [], "createdAt": made.json["createdAt"],
        "updatedAt": made.json["updatedAt"], "workspaceId": made.json["workspaceId"] });
    assert_eq!(made.json, whole);
    assert_eq!(app.get(&format!("/users/{}", made.id())).await.json, whole);
    assert_eq!(app.view("jane@example.com").raw, whole);
}

#[tokio::test]
async fn rows_of_the_list_are_as_sparse_as_the_guides() {
    let app = workspace(&[]).await;
    let id = app.account("jane@example.com");
    app.patch(&id, AccountPatch { status: Some("inactive".into()), ..AccountPatch::default() });
    let row = json!({ "id": id, "email": "jane@example.com", "firstName": "jane", "active": false });
    assert_eq!(app.get("/users").await.json, json!({ "data": [row] }), "inactive users are there, and no token");
    app.quirks(&["roles-in-list"]);
    assert_eq!(app.get("/users").await.json["data"][0]["roles"], json!([]));
    app.quirks(&["whole-rows"]);
    assert_eq!(app.get("/users").await.json["data"][0], app.view(&id).raw);
}

#[tokio::test]
async fn a_user_that_makes_no_sense_is_refused() {
    let app = workspace(&[]).await;
    let id = app.account("jane@example.com");
    for (field, value) in [
        ("email", json!("joe")),
        ("email", json!(null)),
        ("firstName", json!("")),
        ("lastName", json!(1)),
        ("active", json!("false")),
        ("roles", json!("Editor")),
        ("roles", json!(["Editor"])),
        ("id", json!("usr_mine")),
        ("createdAt", json!("2020-01-01T00:00:00Z")),
        ("workspaceId", json!("other")),
        ("nickname", json!("J")),
    ] {
        let mut body = json!({ "email": "joe@example.com", "firstName": "Joe", "lastName": "Doe" });
        body[field] = value.clone();
        assert_eq!(code(&app.send("POST", "/users", body).await), (400, "400BadRequest"), "{field} {value}");
        let patch = json!({ field: value });
        assert_eq!(app.send("PATCH", &format!("/users/{id}"), patch).await.status, 400, "{field} {value}");
    }
    for body in [json!({ "email": "joe@example.com", "firstName": "Joe" }), json!([])] {
        assert_eq!(app.send("POST", "/users", body).await.status, 400);
    }
    let operations = json!([{ "op": "replace", "path": "/active", "value": false }]);
    assert_eq!(app.send("PATCH", &format!("/users/{id}"), operations).await.status, 400);
    assert!(app.emails() == ["jane@example.com"] && !app.effects().contains(&true));
}

#[tokio::test]
async fn an_email_is_taken_whatever_its_case_and_however_inactive_its_owner() {
    let app = workspace(&[]).await;
    let id = app.account("Jane@Example.com");
    app.send("PATCH", &format!("/users/{id}"), json!({ "active": false })).await;
    let body = json!({ "email": "jane@example.com", "firstName": "Jane", "lastName": "Doe" });
    assert_eq!(code(&app.send("POST", "/users", body).await), (409, "409Conflict"));
    let other = app.account("other@example.com");
    let answer = app.send("PATCH", &format!("/users/{other}"), json!({ "email": "JANE@example.com" })).await;
    assert_eq!(code(&answer), (409, "409Conflict"));
    let own = app.send("PATCH", &format!("/users/{id}"), json!({ "email": "jane@example.com" })).await;
    assert_eq!(own.status, 200);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_answers_with_that() {
    let app = workspace(&[]).await;
    let id = app.account("jane@example.com");
    app.set_raw(&id, json!({ "badge": 7 }));
    let before = app.view(&id).raw;
    let user = format!("/users/{id}");
    let answer = app.send("PATCH", &user, json!({ "active": false })).await;
    assert_eq!(answer.json, json!({ "id": id, "active": false, "updatedAt": answer.json["updatedAt"] }));
    app.send("PATCH", &user, json!({ "active": true })).await;
    let mut after = app.view(&id).raw;
    assert_ne!(after["updatedAt"], before["updatedAt"]);
    after["updatedAt"] = before["updatedAt"].clone();
    assert_eq!(after, before, "reversible, and nothing else is touched");
    app.send("PATCH", &user, json!({ "active": true })).await;
    assert_eq!(app.effects(), [true, true, false]);
    assert_eq!(app.send("PATCH", "/users/usr_nobody", json!({ "active": false })).await.status, 404);
}

#[tokio::test]
async fn the_display_name_follows_the_names_until_it_is_given() {
    let app = workspace(&[]).await;
    let user = format!("/users/{}", app.account("jane@example.com"));
    app.send("PATCH", &user, json!({ "firstName": "Jane", "lastName": "Doe" })).await;
    assert_eq!(app.get(&user).await.json["displayName"], "Jane Doe");
    app.send("PATCH", &user, json!({ "displayName": "JD" })).await;
    app.send("PATCH", &user, json!({ "lastName": "Roe" })).await;
    assert_eq!(app.get(&user).await.json["displayName"], "JD");
}

#[tokio::test]
async fn roles_are_a_whole_list_of_ids_of_this_workspace() {
    let app = workspace(&[]).await;
    let (editor, viewer) = (role(&app, "Editor").await, role(&app, "Viewer").await);
    let user = format!("/users/{}", app.account("jane@example.com"));
    app.send("PATCH", &user, json!({ "roles": [editor, viewer] })).await;
    assert_eq!(app.view("jane@example.com").role, "Editor, Viewer");
    app.send("PATCH", &user, json!({ "roles": [viewer] })).await;
    assert_eq!(app.view("jane@example.com").role, "Viewer");

    let elsewhere = Rest::with(WORKIVA, quiet(), "another", &[]).await;
    let stranger = role(&elsewhere, "Editor").await;
    assert_ne!(stranger, editor);
    assert_eq!(app.send("PATCH", &user, json!({ "roles": [stranger] })).await.status, 400);

    let to = |role: &str| AccountPatch { role: Some(role.into()), ..AccountPatch::default() };
    app.patch("jane@example.com", to("Approver, Editor"));
    assert_eq!(app.view("jane@example.com").role, "Approver, Editor");
    app.sandbox.patch_account("workiva", TENANT, "jane@example.com", to("Boss")).expect_err("no such role");
}

#[tokio::test]
async fn two_roles_can_have_one_name() {
    let app = workspace(&["ambiguous-roles"]).await;
    let roles = app.get("/roles").await.json;
    let editors = column(&roles["data"], "name").into_iter().filter(|name| name == "Editor").count();
    assert_eq!((editors, &roles["nextPageToken"]), (2, &Value::Null));
    app.quirks(&[]);
    assert_eq!(app.get("/roles").await.json["data"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn deletion_is_for_good() {
    let app = workspace(&[]).await;
    let id = app.account("jane@example.com");
    app.group("grp_1", "Finance", &[&id]);
    let user = format!("/users/{id}");
    let answer = app.delete(&user).await;
    assert_eq!((answer.status, answer.json), (204, Value::Null));
    for again in [app.delete(&user).await, app.get(&user).await] {
        assert_eq!(code(&again), (404, "404NotFound"));
    }
    assert_eq!(app.get("/groups/grp_1").await.json["memberCount"], 0);
}

#[tokio::test]
async fn pages_follow_opaque_tokens_to_the_end() {
    let app = workspace(&[]).await;
    app.crowd(230);
    let (pages, _) = sweep(&app, "/users?pageSize=100", 9).await;
    assert_eq!(sizes(&pages), [100, 100, 30]);
    assert_eq!(pages.concat(), app.emails());
    let (pages, _) = sweep(&app, "/users?pageSize=500", 9).await;
    assert_eq!(sizes(&pages), [100, 100, 30]);
    let (pages, _) = sweep(&app, "/users?pageSize=115", 9).await;
    assert_eq!(pages.len(), 3);
    let (pages, _) = sweep(&app, "/users?pageSize=46", 9).await;
    assert_eq!(sizes(&pages), [46; 5], "no empty page at the end");
    for query in ["pageSize=0", "pageSize=x"] {
        assert_eq!(app.get(&format!("/users?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_deletion_between_two_pages_hides_nobody() {
    let app = workspace(&[]).await;
    app.crowd(6);
    let first = app.get("/users?pageSize=3").await.json;
    app.delete(&format!("/users/{}", app.view("p000@example.com").id)).await;
    let token = first["nextPageToken"].as_str().unwrap();
    let second = app.get(&format!("/users?pageSize=3&pageToken={token}")).await.json;
    assert_eq!(column(&second["data"], "email"), ["p003@example.com", "p004@example.com", "p005@example.com"]);
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_parameters_and_for_its_life() {
    let app = Rest::with(WORKIVA, Config { page_token_life: Duration::from_secs(60), ..quiet() }, TENANT, &[]).await;
    app.crowd(5);
    let page = app.get("/users?pageSize=2").await.json;
    let token = page["nextPageToken"].as_str().unwrap();
    let next = |query: String| {
        let app = &app;
        async move { app.get(&format!("/users?{query}")).await }
    };
    let invalid = (400, "400InvalidPageToken");
    assert_eq!(code(&next(format!("pageSize=3&pageToken={token}")).await), invalid);
    assert_eq!(code(&next(format!("pageSize=2&email=p001@example.com&pageToken={token}")).await), invalid);
    assert_eq!(code(&next("pageSize=2&pageToken=made-up".into()).await), invalid);
    app.sandbox.advance(Duration::from_secs(59));
    assert_eq!(next(format!("pageSize=2&pageToken={token}")).await.status, 200);
    app.sandbox.advance(Duration::from_secs(2));
    assert_eq!(code(&next(format!("pageSize=2&pageToken={token}")).await), invalid);
}

#[tokio::test]
async fn pages_can_be_told_to_misbehave() {
    let app = workspace(&["page-repeats"]).await;
    app.crowd(5);
    let (pages, token) = sweep(&app, "/users?pageSize=2", 4).await;
    assert!(token.is_some() && pages.iter().all(|page| *page == pages[0]), "{pages:?}");

    app.quirks(&["empty-pages"]);
    let (pages, _) = sweep(&app, "/users?pageSize=2", 9).await;
    assert_eq!(sizes(&pages), [2, 0, 2, 0, 1]);
    assert_eq!(pages.concat(), app.emails());

    app.quirks(&["truncated-list"]);
    let (pages, _) = sweep(&app, "/users?pageSize=2", 9).await;
    assert_eq!(sizes(&pages), [2]);

    app.quirks(&["page-token-expires-once"]);
    let page = app.get("/users?pageSize=2").await.json;
    let rest = format!("/users?pageSize=2&pageToken={}", page["nextPageToken"].as_str().unwrap());
    assert_eq!(code(&app.get(&rest).await), (400, "400InvalidPageToken"));
    let (pages, _) = sweep(&app, "/users?pageSize=2", 9).await;
    assert_eq!(sizes(&pages), [2, 2, 1], "the second attempt gets through");
}

#[tokio::test]
async fn the_filter_finds_a_whole_address_unless_told_otherwise() {
    let app = workspace(&[]).await;
    let all = ["jane@example.com", "mary.jane@example.com"];
    for email in all {
        app.account(email);
    }
    for (quirks, query, found) in [
        (&[][..], "JANE@example.com", &["jane@example.com"][..]),
        (&[], "jane", &[]),
        (&["email-contains"], "jane@example.com", &all),
        (&["email-ignored"], "nobody@example.com", &all),
    ] {
        app.quirks(quirks);
        let page = app.get(&format!("/users?email={query}")).await;
        assert_eq!(column(&page.json["data"], "email"), found, "{quirks:?} {query}");
    }
}

#[tokio::test]
async fn groups_are_made_renamed_filled_and_emptied() {
    let app = workspace(&[]).await;
    let (jane, joe) = (app.account("jane@example.com"), app.account("joe@example.com"));
    let made = app.send("POST", "/groups", json!({ "name": "Finance" })).await;
    assert_eq!((made.status, &made.json["memberCount"]), (201, &json!(0)));
    let group = format!("/groups/{}", made.id());
    for (user, status) in [(&jane, 201), (&joe, 201), (&jane, 409), (&"usr_nobody".to_owned(), 404)] {
        let answer = app.send("POST", &format!("{group}/members"), json!({ "userId": user })).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 201 {
            assert_eq!(answer.json, json!({ "groupId": made.id(), "userId": user }));
        }
    }
    let members = app.get(&format!("{group}/members?pageSize=1")).await.json;
    assert_eq!(members["data"], json!([{ "userId": jane, "email": "jane@example.com" }]));
    let token = members["nextPageToken"].as_str().unwrap();
    let last = app.get(&format!("{group}/members?pageSize=1&pageToken={token}")).await.json;
    assert_eq!(last, json!({ "data": [{ "userId": joe, "email": "joe@example.com" }], "nextPageToken": "" }));

    let listed = json!({ "id": made.id(), "name": "Finance", "memberCount": 2 });
    assert_eq!(app.get("/groups").await.json, json!({ "data": [listed], "nextPageToken": null }));
    let renamed = app.send("PATCH", &group, json!({ "name": "Treasury" })).await;
    assert_eq!((renamed.status, &renamed.json["name"]), (200, &json!("Treasury")));
    let removal = format!("{group}/members/{jane}");
    assert_eq!((app.delete(&removal).await.status, app.delete(&removal).await.status), (204, 404));
    assert_eq!((app.view(&jane).status.as_str(), app.groups_of(&joe).len()), ("active", 1));
    assert_eq!(app.delete(&group).await.status, 405);
    app.quirks(&["wrong-member-count"]);
    assert_eq!(app.get(&group).await.json["memberCount"], 0);
}

#[tokio::test]
async fn the_built_in_group_of_everyone_cannot_be_changed() {
    let app = workspace(&["all-users-group"]).await;
    let id = app.account("jane@example.com");
    let group = app.get("/groups").await.json["data"][0].clone();
    assert_eq!((&group["name"], &group["memberCount"]), (&json!("All Users"), &json!(1)));
    let members = format!("/groups/{}/members", group["id"].as_str().unwrap());
    assert_eq!(column(&app.get(&members).await.json["data"], "userId"), std::slice::from_ref(&id));
    assert_eq!(app.send("POST", &members, json!({ "userId": id })).await.status, 400);
    assert_eq!(app.delete(&format!("{members}/{id}")).await.status, 400);
}

#[tokio::test]
async fn each_request_needs_its_scope() {
    let mut app = workspace(&[]).await;
    let id = app.account("jane@example.com");
    app.group("grp_1", "Finance", &[&id]);
    let requests = [
        ("GET", "/users".to_owned(), "iam:users:read"),
        ("GET", format!("/users/{id}"), "iam:users:read"),
        ("GET", "/roles".to_owned(), "iam:users:read"),
        ("POST", "/users".to_owned(), "iam:users:write"),
        ("PATCH", format!("/users/{id}"), "iam:users:write"),
        ("GET", "/groups".to_owned(), "iam:groups:read"),
        ("GET", "/groups/grp_1".to_owned(), "iam:groups:read"),
        ("GET", "/groups/grp_1/members".to_owned(), "iam:groups:read"),
        ("POST", "/groups".to_owned(), "iam:groups:write"),
        ("PATCH", "/groups/grp_1".to_owned(), "iam:groups:write"),
        ("POST", "/groups/grp_1/members".to_owned(), "iam:groups:write"),
        ("DELETE", format!("/groups/grp_1/members/{id}"), "iam:groups:write"),
        ("DELETE", format!("/users/{id}"), "iam:users:write"),
    ];
    for scope in ["iam:groups:read", "iam:users:read", "iam:groups:write", "iam:users:write"] {
        // Another second has its own fifty requests.
        app.sandbox.advance(Duration::from_secs(1));
        app.token = app.ask_token(&[("scope", scope)]).await.json["access_token"].as_str().unwrap().to_owned();
        for (method, path, needed) in &requests {
            let answer = got(app.request(method, path, Some(json!({})))).await;
            assert_eq!(answer.status == 403, *needed != scope, "{scope}: {method} {path} {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_token_may_grant_less_than_was_asked_and_says_so() {
    let app = workspace(&["narrow-scope"]).await;
    let answer = app.ask_token(&[("scope", "iam:users:read iam:groups:read iam:groups:write")]).await;
    assert_eq!(answer.json["scope"], "iam:groups:read iam:users:read");
    let refused = app.send("POST", "/groups", json!({ "name": "Finance" })).await;
    assert_eq!(code(&refused), (403, "403Forbidden"));
}

#[tokio::test]
async fn tokens_live_ten_minutes_at_most() {
    let mut app = workspace(&[]).await;
    assert_eq!(app.ask_token(&[]).await.json["expires_in"], 599);
    app.sandbox.advance(Duration::from_secs(590));
    assert_eq!(app.get("/users").await.status, 200);
    app.sandbox.advance(Duration::from_secs(10));
    assert_eq!(code(&app.get("/users").await), (401, "401Unauthorized"));
    app.renew().await;
    assert_eq!(app.get("/users").await.status, 200);
}

#[tokio::test]
async fn more_requests_a_second_than_fifty_are_too_many() {
    // A minute of the sandbox's second, so that the requests fit into one window however slow the machine is.
    let app = Rest::with(WORKIVA, Config { time_scale: 0.01, ..quiet() }, TENANT, &[]).await;
    for _ in 0..50 {
        let answer = app.get("/users").await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (200, None));
    }
    let refused = app.get("/users").await;
    assert_eq!(code(&refused), (429, "429TooManyRequests"));
    assert!(refused.number("retry-after") >= 1);
    app.sandbox.advance(Duration::from_secs(1));
    assert_eq!(app.get("/users").await.status, 200);
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_worded_as_the_app_would() {
    let app = workspace(&[]).await;
    for (kind, expected) in [
        ("500", (500, "500InternalServerError")),
        ("503", (503, "503ServiceUnavailable")),
        ("429", (429, "429TooManyRequests")),
    ] {
        app.sandbox.set_faults(vec![format!("kind={kind}").parse().unwrap()]);
        assert_eq!(code(&app.get("/users").await), expected);
    }
}

#[tokio::test]
async fn the_integration_falls_with_its_user() {
    let app = Rest::example(WORKIVA).await;
    let own = "rosterd@northwind.example";
    let user = format!("/users/{}", app.view(own).id);
    assert_eq!(app.get(&user).await.status, 200);
    app.patch(own, AccountPatch { role: Some("Viewer".into()), ..AccountPatch::default() });
    assert_eq!(app.get(&user).await.status, 403);
    app.patch(own, AccountPatch { role: Some("Workspace Admin".into()), ..AccountPatch::default() });
    assert_eq!(app.send("PATCH", &user, json!({ "active": false })).await.status, 200);
    assert_eq!(app.get(&user).await.status, 403);
}

#[tokio::test]
async fn the_example_has_drifted_as_its_table_says() {
    let app = Rest::example(WORKIVA).await;
    let all = summary(&app);
    let check = |name: &str, status: &str, roles: &str, groups: &[&str]| {
        let email = format!("{name}@northwind.example");
        let expected = (status.to_owned(), roles.to_owned(), groups.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(all.get(&email), Some(&expected), "{email}");
    };
    check("aisha.bello", "inactive", "Contributor", &["grp_404"]);
    check("victor.amaya", "active", "Contributor", &["grp_402", "grp_490"]);
    check("sofia.greco", "active", "Editor", &[]);
    check("david.mensah", "active", "", &["grp_401", "grp_403"]);
    check("laura.jensen", "active", "Contributor", &[]);
    check("grace.mbeki", "active", "Contributor", &[]);
    check("gwen.marsh", "active", "Contributor", &["grp_404", "grp_401"]);
    check("clara.weiss", "active", "Editor, Approver", &["grp_401", "grp_403"]);
    for name in ["edward.finch", "ruth.abebe", "camille.roy"] {
        assert!(!all.contains_key(&format!("{name}@northwind.example")), "{name}");
    }
    let active = all.values().filter(|(status, ..)| status == "active").count();
    assert_eq!((all.len(), active), (23, 21));
    assert_eq!(app.view("peter.oduya@northwind.example").given_name.as_deref(), Some("Pete"));
}
