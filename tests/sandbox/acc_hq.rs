//! The account's users at Autodesk Construction Cloud, through the older family of paths.

use rosterd::sandbox::{ACC_ACCOUNT, ACC_ADMIN, AccountPatch, Config};
use serde_json::{Value, json};

use crate::{
    acc::Acc,
    client::{Got, TENANT, got, quiet},
};

fn users(rest: &str) -> String {
    format!("/hq/v1/accounts/{ACC_ACCOUNT}/users{rest}")
}

fn emails(page: &Got) -> Vec<&str> {
    let rows = page.json.as_array().unwrap_or_else(|| panic!("{page:?}"));
    rows.iter().map(|row| row["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn users_come_as_a_bare_list_in_small_pages() {
    let app = Acc::new(&[]).await;
    for n in 0..24 {
        app.person(&format!("p{n:02}@x.example"), "active");
    }
    for (query, rows, first) in [
        ("", 10, Some("rosterd@northwind.example")),
        ("?limit=500", 25, Some("rosterd@northwind.example")),
        ("?limit=10&offset=20", 5, Some("p19@x.example")),
        ("?offset=25", 0, None),
        ("?sort=-email&limit=2&offset=1", 2, Some("p23@x.example")),
    ] {
        let page = app.get(&users(query)).await;
        assert_eq!((emails(&page).len(), emails(&page).first().copied()), (rows, first), "{query}");
    }
    let admin = app.get(&users(&format!("/{ACC_ADMIN}"))).await.json;
    assert_eq!((&admin["role"], &admin["status"]), (&json!("account_admin"), &json!("active")));
    assert_eq!(app.get(&users("?limit=x")).await.status, 400);
    assert_eq!(app.get(&users("/nobody")).await.status, 404);
}

#[tokio::test]
async fn a_created_user_is_not_invited_and_cannot_be_switched() {
    let app = Acc::new(&[]).await;
    let body = json!({ "email": "Ann@X.example", "first_name": "Ann", "last_name": "Lee", "phone": "7" });
    let made = app.send("POST", &users(""), body).await;
    assert_eq!(
        (made.status, &made.json["status"], &made.json["role"]),
        (201, &json!("not_invited"), &json!("account_user"))
    );
    assert_eq!(
        (&made.json["name"], &made.json["phone"], &made.json["uid"]),
        (&json!("Ann Lee"), &json!("7"), &Value::Null)
    );
    assert_eq!(app.view("ann@x.example").invitations, 0);
    for status in ["active", "inactive"] {
        let refused = app.send("PATCH", &users(&format!("/{}", made.id())), json!({ "status": status })).await;
        assert_eq!((refused.status, refused.json["message"].is_string()), (422, true), "{refused:?}");
    }
    for (body, status) in [
        (json!({ "email": "ann@x.example" }), 409),
        (json!({ "first_name": "Bob" }), 400),
        (json!({ "email": "bob@x.example", "role": "account_admin" }), 400),
        (json!({ "email": "bob@x.example", "company_id": "nothing" }), 400),
        (json!([]), 400),
    ] {
        assert_eq!(app.send("POST", &users(""), body.clone()).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn an_active_user_is_switched_off_and_on_and_keeps_the_projects() {
    let app = Acc::new(&[]).await;
    let id = app.person("ann@x.example", "active");
    app.put("ann@x.example", "p-1", "member");
    let path = users(&format!("/{id}"));
    for (body, effect) in [
        (json!({ "status": "inactive" }), true),
        (json!({ "status": "inactive" }), false),
        (json!({ "status": "active" }), true),
        (json!({ "default_role": "Architect" }), true),
    ] {
        let answer = app.send("PATCH", &path, body.clone()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(app.sandbox.log().last().unwrap().effect, effect, "{body}");
    }
    let view = app.view("ann@x.example");
    assert_eq!(
        (view.status.as_str(), view.groups.len(), &view.raw["default_role"]),
        ("active", 1, &json!("Architect"))
    );
    for body in [
        json!({ "role": "account_admin" }),
        json!({ "first_name": "Ann" }),
        json!({ "status": "pending" }),
        json!({ "default_role": "Poet" }),
    ] {
        assert_eq!(app.send("PATCH", &path, body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(app.send("DELETE", &path, json!({})).await.status, 405);
}

#[tokio::test]
async fn a_search_finds_too_much_unless_told_to_be_strict() {
    let app = Acc::new(&[]).await;
    for email in ["ann@x.example", "joann@x.example", "bob@x.example"] {
        app.person(email, "active");
    }
    for (query, found) in [
        ("?email=ann@x.example", vec!["ann@x.example", "joann@x.example"]),
        ("?email=ann@x.example&name=bob", vec!["ann@x.example", "joann@x.example", "bob@x.example"]),
        ("?email=ANN@x.example&partial=false&operator=AND", vec!["ann@x.example"]),
        ("?email=ann@x.example&name=bob&operator=AND", vec![]),
    ] {
        assert_eq!(emails(&app.get(&users(&format!("/search{query}"))).await), found, "{query}");
    }
}

#[tokio::test]
async fn an_import_can_fail_in_part_and_still_be_created() {
    let app = Acc::new(&[]).await;
    app.person("ann@x.example", "active");
    let body = json!([{ "email": "ann@x.example" }, { "email": "bob@x.example" }, { "name": "x" }]);
    let answer = app.send("POST", &users("/import"), body).await;
    assert_eq!((answer.status, &answer.json["success"], &answer.json["failure"]), (201, &json!(1), &json!(2)));
    assert_eq!(answer.json["success_items"][0]["email"], "bob@x.example");
    assert_eq!(answer.json["failure_items"][0]["item"]["email"], "ann@x.example");
    let many: Vec<Value> = (0..51).map(|n| json!({ "email": format!("p{n}@x.example") })).collect();
    assert_eq!(app.send("POST", &users("/import"), json!(many)).await.status, 400);
}

#[tokio::test]
async fn a_missing_region_means_the_united_states() {
    let app = Acc::with(Config { acc_region: "EMEA".to_owned(), ..quiet() }, &[]).await;
    assert_eq!(app.get(&users("")).await.status, 404);
    assert_eq!(got(app.request("GET", &users(""), None).header("region", "EMEA")).await.status, 200);
    assert_eq!(app.get(&format!("/hq/v1/regions/eu/accounts/{ACC_ACCOUNT}/users")).await.status, 200);
    assert_eq!(app.get("/hq/v1/accounts/other/users").await.status, 404);
}

#[tokio::test]
async fn companies_of_a_project_are_those_of_its_members() {
    let app = Acc::new(&[]).await;
    let companies = format!("/construction/admin/v1/accounts/{ACC_ACCOUNT}/companies");
    let company = app.get(&companies).await.json["results"][0].clone();
    let of_project = format!("/hq/v1/accounts/{ACC_ACCOUNT}/projects/p-1/companies");
    assert_eq!(app.get(&of_project).await.json, json!([]));
    let body = json!({ "email": "ann@x.example", "companyId": company["id"] });
    app.send("POST", "/construction/admin/v1/projects/p-1/users", body).await;
    assert_eq!(app.get(&of_project).await.json, json!([{ "id": company["id"], "name": "Harbour Construction" }]));
}

#[tokio::test]
async fn accounts_can_be_changed_behind_the_back() {
    let app = Acc::new(&[]).await;
    app.person("ann@x.example", "active");
    let change = |patch: AccountPatch| app.sandbox.patch_account("acc", TENANT, "ann@x.example", patch);
    let raw = |raw: Value| AccountPatch { raw: raw.as_object().cloned(), ..AccountPatch::default() };
    change(AccountPatch { role: Some("account_admin".to_owned()), ..raw(json!({ "phone": "7" })) }).unwrap();
    let view = app.view("ann@x.example");
    assert_eq!((view.role.as_str(), &view.raw["phone"]), ("account_admin", &json!("7")));
    change(raw(json!({ "status": "inactive" }))).expect_err("there is a field for that");
    change(AccountPatch { role: Some("king".to_owned()), ..AccountPatch::default() }).expect_err("no such role");
    app.sandbox.put_membership("acc", TENANT, "ann@x.example", "p-1", "owner").expect_err("no such level");
    app.sandbox.put_membership("acc", TENANT, "ann@x.example", "p-1", "member, Poet").expect_err("no such role");
    app.sandbox.remove_membership("acc", TENANT, "ann@x.example", "p-1").expect_err("no member");
    app.put("ann@x.example", "p-1", "admin");
    app.sandbox.remove_account("acc", TENANT, "ann@x.example").unwrap();
    assert_eq!(app.get("/construction/admin/v1/projects/p-1/users").await.json["results"], json!([]));
}

#[tokio::test]
async fn a_page_can_come_for_ever() {
    let app = Acc::new(&["hq-page-repeats"]).await;
    for n in 0..3 {
        app.person(&format!("p{n}@x.example"), "active");
    }
    let first = app.get(&users("?limit=2")).await;
    assert_eq!(app.get(&users("?limit=2&offset=40")).await.json, first.json);
}
