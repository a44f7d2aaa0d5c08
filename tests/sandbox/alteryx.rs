//! Alteryx Server as its guide describes it.

use std::time::Duration;

use rosterd::sandbox::{AccountPatch, Config};
use serde_json::{Value, json};

use crate::{
    client::{Got, TENANT, quiet},
    rest::{ALTERYX, Rest, column, summary},
};

async fn server(quirks: &[&str]) -> Rest {
    Rest::new(ALTERYX, quirks).await
}

fn jane() -> Value {
    json!({ "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com", "role": "Member" })
}

/// A page's emails.
fn emails(page: &Got) -> Vec<String> {
    column(&page.json["users"], "email")
}

#[tokio::test]
async fn a_token_is_had_for_credentials_in_the_form_and_without_scopes() {
    let app = server(&[]).await;
    let answer = app.ask_token(&[]).await;
    assert_eq!((answer.status, &answer.json["token_type"]), (200, &json!("Bearer")));
    let basic = reqwest::Client::new()
        .post(app.sandbox.app_url("alteryx", app.tenant) + "/oauth2/token")
        .basic_auth(rosterd::sandbox::DEFAULT_CLIENT_ID, Some(rosterd::sandbox::DEFAULT_CLIENT_SECRET))
        .form(&[("grant_type", "client_credentials")]);
    assert_eq!(crate::client::got(basic).await.status, 401);
    let mut stranger = app;
    stranger.token = "made up".to_owned();
    let refused = stranger.get("/users").await;
    assert_eq!((refused.status, refused.json["message"].is_string()), (401, true));
}

#[tokio::test]
async fn a_new_user_is_active_and_whole_in_every_answer() {
    let app = server(&[]).await;
    let made = app.send("POST", "/users", jane()).await;
    assert_eq!(made.status, 200);
    let whole = json!({ "id": made.id(), "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com",
        "role": "Member", "isActive": true, "defaultWorkerTag": null, "canScheduleJobs": false,
        "canPrioritizeJobs": false, "canAssignJobWorkers": false, "credentialId": null, "canCreateCollections": false,
        "timeZone": null, "customTag": null, "dateAdded": made.json["dateAdded"], "dateUpdated": made.json["dateUpdated"] });
    assert_eq!(made.json, whole);
    assert_eq!(app.get(&format!("/users/{}", made.id())).await.json, whole);
    assert_eq!(app.get("/users").await.json, json!({ "users": [whole], "count": 1 }));
    assert_eq!(app.view("jane@example.com").raw, whole);
}

#[tokio::test]
async fn a_user_that_makes_no_sense_is_refused() {
    let app = server(&[]).await;
    for (field, value) in [
        ("firstName", None),
        ("lastName", None),
        ("email", None),
        ("role", None),
        ("role", Some(json!("Artisan"))),
        ("role", Some(json!("member"))),
        ("email", Some(json!("jane"))),
        ("firstName", Some(json!(""))),
        ("isActive", Some(json!("true"))),
        ("credentialId", Some(json!(7))),
        ("nickname", Some(json!("J"))),
        ("id", Some(json!("my-own"))),
    ] {
        let mut body = jane();
        match &value {
            Some(value) => body[field] = value.clone(),
            None => drop(body.as_object_mut().unwrap().remove(field)),
        }
        assert_eq!(app.send("POST", "/users", body).await.status, 400, "{field} {value:?}");
    }
    assert_eq!(app.send("POST", "/users", json!([jane()])).await.status, 400);
    assert!(app.emails().is_empty() && !app.effects().contains(&true));
}

#[tokio::test]
async fn an_email_is_taken_whatever_its_case_and_however_inactive_its_owner() {
    for (quirks, status) in [(&[][..], 409), (&["duplicate-400"], 400)] {
        let app = server(quirks).await;
        let id = app.account("Jane@Example.com");
        app.delete(&format!("/users/{id}")).await;
        assert_eq!(app.send("POST", "/users", jane()).await.status, status);
        let other = app.account("other@example.com");
        let mut taken = app.view(&other).raw;
        taken["email"] = json!("JANE@example.com");
        assert_eq!(app.send("PUT", &format!("/users/{other}"), taken).await.status, status);
        assert_eq!(app.emails(), ["Jane@Example.com", "other@example.com"]);
    }
}

#[tokio::test]
async fn delete_deactivates_and_leaves_everything_else() {
    let app = server(&[]).await;
    let id = app.account("jane@example.com");
    app.group("ug-1", "Analysts", &[&id]);
    let user = format!("/users/{id}");
    for effect in [true, false] {
        let answer = app.delete(&user).await;
        assert_eq!((answer.status, answer.json), (200, json!({})));
        assert_eq!(app.effects().last(), Some(&effect));
    }
    assert_eq!(app.get(&user).await.json["isActive"], false);
    assert_eq!(emails(&app.get("/users").await), ["jane@example.com"]);
    assert_eq!(app.groups_of(&id), ["ug-1"]);
    assert_eq!(app.delete("/users/nobody").await.status, 404);
}

#[tokio::test]
async fn put_keeps_what_it_is_given_and_resets_what_it_is_not() {
    let app = server(&[]).await;
    let id = app.account("jane@example.com");
    let extras = json!({ "timeZone": "Europe/Oslo", "canScheduleJobs": true, "credentialId": "c-1", "customTag": "x",
        "badge": 7, "beta": true });
    app.set_raw(&id, extras.clone());
    let user = format!("/users/{id}");

    let mut whole = app.get(&user).await.json;
    whole["role"] = json!("Creator");
    let answer = app.send("PUT", &user, whole.clone()).await;
    assert_eq!(answer.status, 200);
    whole["dateUpdated"] = answer.json["dateUpdated"].clone();
    assert_eq!(answer.json, whole, "nothing but the role has changed");

    let bare = app.send("PUT", &user, jane()).await.json;
    for (field, left) in [
        ("timeZone", Value::Null),
        ("canScheduleJobs", json!(false)),
        ("credentialId", Value::Null),
        ("customTag", Value::Null),
        ("badge", Value::Null),
        ("beta", json!(false)),
        ("role", json!("Member")),
    ] {
        assert_eq!(bare[field], left, "{field}");
    }
}

#[tokio::test]
async fn a_put_that_says_nothing_of_is_active_brings_a_user_back() {
    let app = server(&[]).await;
    let id = app.account("jane@example.com");
    let user = format!("/users/{id}");
    app.delete(&user).await;
    assert_eq!(app.send("PUT", &user, jane()).await.json["isActive"], true);
    let mut inactive = jane();
    inactive["isActive"] = json!(false);
    assert_eq!(app.send("PUT", &user, inactive).await.json["isActive"], false);
    assert_eq!(app.view(&id).status, "inactive");
}

#[tokio::test]
async fn put_refuses_partial_users_unknown_fields_and_changes_of_what_is_fixed() {
    let app = server(&[]).await;
    let id = app.account("jane@example.com");
    let before = app.view(&id).raw;
    for body in
        [json!({ "isActive": false }), json!({ "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com" })]
    {
        assert_eq!(app.send("PUT", &format!("/users/{id}"), body).await.status, 400);
    }
    for (field, value) in
        [("id", "other"), ("dateAdded", "2020-01-01T00:00:00Z"), ("dateUpdated", ""), ("nickname", "J")]
    {
        let mut body = jane();
        body[field] = json!(value);
        assert_eq!(app.send("PUT", &format!("/users/{id}"), body).await.status, 400, "{field}");
    }
    assert_eq!(app.send("PATCH", &format!("/users/{id}"), json!({ "isActive": false })).await.status, 405);
    assert_eq!(app.view(&id).raw, before);
}

#[tokio::test]
async fn pages_hold_twenty_five_rows_or_at_most_a_hundred() {
    let app = server(&[]).await;
    app.crowd(130);
    for (query, rows, first) in [
        ("", 25, "p000"),
        ("?page=2", 25, "p025"),
        ("?pageSize=100", 100, "p000"),
        ("?page=2&pageSize=100", 30, "p100"),
        ("?pageSize=500", 100, "p000"),
        ("?page=14&pageSize=10", 0, ""),
    ] {
        let page = app.get(&format!("/users{query}")).await;
        let seen = emails(&page);
        assert_eq!((seen.len(), page.json["count"].as_u64()), (rows, Some(rows as u64)), "{query}");
        assert!(seen.first().is_none_or(|email| email.starts_with(first)), "{query}: {seen:?}");
    }
    for query in ["?page=0", "?page=-1", "?pageSize=0", "?pageSize=many"] {
        assert_eq!(app.get(&format!("/users{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn lists_can_be_told_to_lie() {
    let app = server(&[]).await;
    app.crowd(130);
    for (quirks, rows, first, count) in [
        (&["page-ignored"][..], 100, Some("p000@example.com"), 100),
        (&["unpaged"], 130, Some("p000@example.com"), 130),
        (&["truncated-list"], 0, None, 0),
        (&["count-is-total"], 30, Some("p100@example.com"), 130),
        (&["count-is-total", "truncated-list"], 0, None, 130),
        (&["count-lies"], 30, Some("p100@example.com"), 230),
    ] {
        app.quirks(quirks);
        let page = app.get("/users?page=2&pageSize=100").await;
        let seen = emails(&page);
        assert_eq!((seen.len(), seen.first().map(String::as_str)), (rows, first), "{quirks:?}");
        assert_eq!(page.json["count"], count, "{quirks:?}");
    }
    let unknown = app.sandbox.set_quirks("alteryx", app.tenant, &["page-ignord"]).unwrap_err().to_string();
    assert!(unknown.contains("page-ignored"), "{unknown}");
}

#[tokio::test]
async fn search_is_partial_over_names_and_email() {
    let app = server(&[]).await;
    for email in ["jane@example.com", "mary.jane@example.com", "joe@example.com"] {
        app.account(email);
    }
    let named = AccountPatch { family_name: Some("O'Jane".into()), ..AccountPatch::default() };
    app.patch("joe@example.com", named);
    let exact = ["jane@example.com"];
    let all = ["jane@example.com", "mary.jane@example.com", "joe@example.com"];
    for (quirks, query, found) in [
        (&[][..], "JANE@example", &["jane@example.com", "mary.jane@example.com"][..]),
        (&[], "o%27jane", &["joe@example.com"]),
        (&[], "jane", &all),
        (&[], "nobody", &[]),
        (&["search-exact"], "Jane@example.com", &exact),
        (&["search-exact"], "jane", &[]),
        (&["search-ignored"], "nobody", &all),
    ] {
        app.quirks(quirks);
        let page = app.get(&format!("/users?search={query}")).await;
        assert_eq!(emails(&page), found, "{quirks:?} {query}");
    }
}

#[tokio::test]
async fn inactive_users_can_be_told_to_hide() {
    let app = server(&["inactive-unlisted", "inactive-not-found"]).await;
    let id = app.account("jane@example.com");
    let user = format!("/users/{id}");
    app.delete(&user).await;
    assert_eq!(app.get("/users?search=jane").await.json["count"], 0);
    assert_eq!(app.get(&user).await.status, 404);
    assert_eq!(app.send("PUT", &user, jane()).await.status, 404);
    assert_eq!(app.send("POST", "/users", jane()).await.status, 409, "hidden, yet in the way");
}

#[tokio::test]
async fn groups_are_listed_read_and_filled_one_by_one() {
    let app = server(&[]).await;
    let (jane, joe) = (app.account("jane@example.com"), app.account("joe@example.com"));
    let made = app.send("POST", "/usergroups", json!({ "name": "Analysts", "role": "Creator" })).await;
    let group = format!("/usergroups/{}", made.id());
    let row = json!({ "id": made.id(), "name": "Analysts", "role": "Creator" });
    assert_eq!(app.get("/usergroups?page=1&pageSize=100").await.json, json!({ "userGroups": [row], "count": 1 }));
    app.sandbox.clear_log();
    for (user, status) in [(jane.as_str(), 200), (&joe, 200), (&jane, 200), ("nobody", 404)] {
        let answer = app.send("POST", &format!("{group}/users"), json!({ "userId": user })).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert_eq!(app.effects(), [true, true, false, false]);
    assert_eq!(app.get(&group).await.json["memberIds"], json!([jane, joe]));
    let removal = format!("{group}/users/{jane}");
    let (first, second) = (app.delete(&removal).await, app.delete(&removal).await);
    assert_eq!((first.status, first.json, second.status), (200, json!({}), 404));
    assert_eq!(app.get(&group).await.json["memberIds"], json!([joe]));
    for body in [json!([joe]), json!({ "userId": [joe] }), json!({ "userIds": joe }), json!({})] {
        assert_eq!(app.send("POST", &format!("{group}/users"), body).await.status, 400);
    }
    assert_eq!(app.send("POST", "/usergroups/none/users", json!({ "userId": joe })).await.status, 404);
}

#[tokio::test]
async fn groups_need_a_name_of_their_own_and_a_role() {
    let app = server(&[]).await;
    app.group("ug-1", "Analysts", &[]);
    for (body, status) in [
        (json!({ "name": "Planners" }), 400),
        (json!({ "name": "Planners", "role": "Boss" }), 400),
        (json!({ "name": "Analysts", "role": "Viewer" }), 409),
        (json!({ "name": "Planners", "role": "Viewer", "size": 3 }), 400),
    ] {
        assert_eq!(app.send("POST", "/usergroups", body.clone()).await.status, status, "{body}");
    }
    let changed = app.send("PUT", "/usergroups/ug-1", json!({ "name": "Analysts", "role": "Viewer" })).await;
    assert_eq!(changed.json, json!({ "id": "ug-1", "name": "Analysts", "role": "Viewer" }));
    assert_eq!(app.delete("/usergroups/ug-1").await.status, 200);
    assert_eq!(app.get("/usergroups/ug-1").await.status, 404);
}

#[tokio::test]
async fn what_the_guide_does_not_document_may_be_missing() {
    let app = server(&["no-group-detail", "no-member-removal", "no-group-changes"]).await;
    let id = app.account("jane@example.com");
    app.group("ug-1", "Analysts", &[&id]);
    assert_eq!(app.get("/usergroups/ug-1").await.status, 404);
    assert_eq!(app.delete(&format!("/usergroups/ug-1/users/{id}")).await.status, 405);
    assert_eq!(app.send("POST", "/usergroups", json!({ "name": "New", "role": "Viewer" })).await.status, 405);
    assert_eq!(app.delete("/usergroups/ug-1").await.status, 405);
    assert_eq!(app.groups_of(&id), ["ug-1"]);
    assert_eq!(column(&app.get("/usergroups").await.json["userGroups"], "id"), ["ug-1"], "the list is documented");
}

#[tokio::test]
async fn four_requests_are_answered_at_once_and_no_header_says_so() {
    // Long enough for all five to be under way before the first is answered.
    let config = Config { latency: Duration::from_millis(500), ..quiet() };
    let app = Rest::with(ALTERYX, config, TENANT, &[]).await;
    let answers = futures::future::join_all((0..5).map(|_| app.get("/users"))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 429]);
    assert!(answers.iter().all(|answer| answer.header("x-ratelimit-limit").is_none()));
}

#[tokio::test]
async fn the_key_goes_with_the_rights_of_its_owner() {
    let app = Rest::example(ALTERYX).await;
    let owner = "rosterd@northwind.example";
    let to = |role: &str| AccountPatch { role: Some(role.into()), ..AccountPatch::default() };
    assert_eq!(app.get("/users").await.status, 200);
    app.patch(owner, to("Admin"));
    assert_eq!(app.get("/users").await.status, 403);
    app.patch(owner, to("ServerAdmin"));
    let user = format!("/users/{}", app.view(owner).id);
    assert_eq!(app.delete(&user).await.status, 200);
    assert_eq!(app.get(&user).await.status, 403);
}

#[tokio::test]
async fn the_example_has_drifted_as_its_table_says() {
    let app = Rest::example(ALTERYX).await;
    let all = summary(&app);
    let check = |name: &str, status: &str, role: &str, groups: &[&str]| {
        let email = format!("{name}@northwind.example");
        let expected = (status.to_owned(), role.to_owned(), groups.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(all.get(&email), Some(&expected), "{email}");
    };
    check("liam.byrne", "inactive", "Creator", &["ug-301"]);
    check("marcus.thorne", "active", "Creator", &["ug-301"]);
    check("dora.keller", "active", "Member", &["ug-302", "ug-390"]);
    check("ruth.abebe", "active", "Viewer", &["ug-302"]);
    check("rana.aziz", "active", "Creator", &[]);
    check("mina.park", "active", "Member", &[]);
    check("peter.oduya", "active", "Member", &["ug-302", "ug-303"]);
    check("nora.berg", "active", "Creator", &["ug-305"]);
    check("ben.ashworth", "inactive", "Creator", &[]);
    for name in ["mateus.cardoso", "hana.sato", "mei.lin"] {
        assert!(!all.contains_key(&format!("{name}@northwind.example")), "{name}");
    }
    let active = all.values().filter(|(status, ..)| status == "active").count();
    assert_eq!((all.len(), active), (47, 45));
    assert_eq!(app.view("ruth.abebe@northwind.example").raw["customTag"], "site-7");
}
