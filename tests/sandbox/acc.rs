//! Projects and their members at Autodesk Construction Cloud, and its example organisation.

use std::time::Duration;

use rosterd::sandbox::{
    ACC_ACCOUNT, ACC_ADMIN, AccountView, Config, DEFAULT_CLIENT_SECRET, NewAccount, Quota, Sandbox,
};
use serde_json::{Value, json};

use crate::client::{Got, TENANT, got, http, quiet};

const HARBOUR: &str = "p-1";
const MUSEUM: &str = "p-2";
const EXAMPLE_RIVERSIDE: &str = "2d1e8b63-1a1f-4e9b-8e1b-6c2d7b4f8a21";
const EXAMPLE_OLD_MILL: &str = "4f30ad85-3c31-40bd-803d-8e4f9d6bac43";
const EXAMPLE_ARCHIVE: &str = "5041be96-4d42-41ce-914e-9f50ae7cbd54";

/// A sandbox with two projects, and a client that acts for the account's administrator.
pub(crate) struct Acc {
    pub sandbox: Sandbox,
    tenant: &'static str,
    http: reqwest::Client,
    token: String,
}

impl Acc {
    pub(crate) async fn new(quirks: &[&str]) -> Self {
        Self::with(quiet(), quirks).await
    }

    pub(crate) async fn with(config: Config, quirks: &[&str]) -> Self {
        let quirks = [("acc".to_owned(), quirks.iter().map(|name| (*name).to_owned()).collect())].into();
        let app = Self::of_tenant(Config { quirks, ..config }, TENANT).await;
        app.sandbox.put_group("acc", TENANT, HARBOUR, "Harbour Tower").unwrap();
        app.sandbox.put_group("acc", TENANT, MUSEUM, "Museum Extension").unwrap();
        app
    }

    async fn of_tenant(config: Config, tenant: &'static str) -> Self {
        let sandbox = Sandbox::start(config).await.unwrap();
        let mut app = Self { sandbox, tenant, http: http(), token: String::new() };
        app.token = app.fresh_token("account:read account:write").await;
        app.sandbox.clear_log();
        app
    }

    async fn fresh_token(&self, scope: &str) -> String {
        self.token_of("sandbox.acc", self.tenant, scope).await
    }

    async fn token_of(&self, client: &str, tenant: &str, scope: &str) -> String {
        let url = self.sandbox.app_url("acc", tenant) + "/authentication/v2/token";
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        let answer = got(self.http.post(url).basic_auth(client, Some(DEFAULT_CLIENT_SECRET)).form(&form)).await;
        answer.json["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    /// A request without the acting user.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::RequestBuilder {
        let url = self.sandbox.app_url("acc", self.tenant) + path;
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token);
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Got {
        got(self.request(method, path, Some(body)).header("user-id", ACC_ADMIN)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        got(self.request("GET", path, None)).await
    }

    async fn delete(&self, path: &str) -> Got {
        got(self.request("DELETE", path, None).header("user-id", ACC_ADMIN)).await
    }

    pub(crate) fn person(&self, email: &str, status: &str) -> String {
        let account = NewAccount { email: email.to_owned(), status: Some(status.to_owned()), ..NewAccount::default() };
        self.sandbox.add_account("acc", self.tenant, account).unwrap()
    }

    pub(crate) fn put(&self, email: &str, project: &str, role: &str) {
        self.sandbox.put_membership("acc", self.tenant, email, project, role).unwrap();
    }

    pub(crate) fn view(&self, email: &str) -> AccountView {
        self.sandbox.account("acc", self.tenant, email).unwrap()
    }

    fn row(&self, email: &str, project: &str) -> Value {
        self.sandbox.membership("acc", self.tenant, email, project).unwrap()
    }

    async fn emails(&self, query: &str) -> Vec<String> {
        let page = self.get(&format!("{}{query}", users(HARBOUR))).await;
        let rows = page.json["results"].as_array().unwrap_or_else(|| panic!("{page:?}"));
        rows.iter().map(|row| row["email"].as_str().unwrap().to_owned()).collect()
    }
}

fn users(project: &str) -> String {
    format!("/construction/admin/v1/projects/{project}/users")
}

fn import(project: &str) -> String {
    format!("/construction/admin/v2/projects/{project}/users:import")
}

fn of_account(path: &str) -> String {
    format!("/construction/admin/v1/accounts/{ACC_ACCOUNT}/{path}")
}

fn people(range: std::ops::Range<usize>) -> Value {
    json!({ "users": range.map(|n| json!({ "email": format!("p{n:03}@x.example") })).collect::<Vec<_>>() })
}

fn access(row: &Value, key: &str) -> Value {
    let products = row["products"].as_array().unwrap();
    products.iter().find(|product| product["key"] == key).map_or(Value::Null, |product| product["access"].clone())
}

#[tokio::test]
async fn a_stranger_who_joins_is_invited_and_pending_until_the_acceptance() {
    let app = Acc::new(&[]).await;
    let made = app.send("POST", &users(HARBOUR), json!({ "email": "Jane@X.example" })).await;
    assert_eq!((made.status, &made.json["status"], made.json.get("autodeskId")), (201, &json!("pending"), None));
    assert!(made.json["jobId"].is_string());
    let before = app.view("jane@x.example");
    assert_eq!((before.status.as_str(), before.role.as_str(), before.invitations), ("pending", "account_user", 1));
    app.sandbox.advance(Duration::from_secs(2 * 3600));
    let read = app.get(&format!("{}/{}", users(HARBOUR), made.id())).await;
    assert_eq!((&read.json["status"], read.json["autodeskId"].is_string()), (&json!("active"), true));
    assert_eq!(app.view("jane@x.example").status, "active");
    let by_autodesk_id = format!("{}/{}", users(HARBOUR), read.json["autodeskId"].as_str().unwrap());
    assert_eq!(app.get(&by_autodesk_id).await.json, read.json);
}

#[tokio::test]
async fn whoever_has_an_account_joins_at_once_and_gets_an_email_unless_told_otherwise() {
    let app = Acc::new(&[]).await;
    app.person("ann@x.example", "active");
    app.person("bob@x.example", "not_invited");
    let quiet = json!({ "email": "ann@x.example", "suppressAdministrativeEmails": true });
    assert_eq!(app.send("POST", &users(HARBOUR), quiet).await.json["status"], "active");
    assert_eq!(app.view("ann@x.example").invitations, 0);
    assert_eq!(app.send("POST", &users(MUSEUM), json!({ "email": "ann@x.example" })).await.status, 201);
    assert_eq!(app.view("ann@x.example").invitations, 1);
    assert_eq!(app.send("POST", &users(HARBOUR), json!({ "email": "bob@x.example" })).await.json["status"], "pending");
    assert_eq!(app.view("bob@x.example").status, "pending");
    let again = app.send("POST", &users(HARBOUR), json!({ "email": "BOB@x.example" })).await;
    assert_eq!((again.status, again.json["detail"].is_string()), (409, true));
}

#[tokio::test]
async fn an_import_is_accepted_first_and_people_appear_later() {
    let app = Acc::new(&[]).await;
    app.person("p001@x.example", "active");
    app.put("p001@x.example", HARBOUR, "admin");
    let answer = app.send("POST", &import(HARBOUR), people(0..3)).await;
    assert_eq!((answer.status, answer.json["jobId"].is_string()), (202, true));
    app.sandbox.advance(Duration::from_secs(2));
    assert_eq!(app.emails("").await, ["p001@x.example"]);
    app.sandbox.advance(Duration::from_secs(1));
    assert_eq!(app.emails("").await, ["p000@x.example", "p001@x.example", "p002@x.example"]);
    assert_eq!(app.view("p001@x.example").groups[0].role, "admin", "who was there is left alone");
    app.sandbox.advance(Duration::from_secs(2 * 3600));
    assert_eq!(app.view("p002@x.example").status, "active", "the acceptance counts from the import");
}

#[tokio::test]
async fn an_import_is_checked_as_a_whole() {
    let app = Acc::new(&[]).await;
    let one = |more: Value| {
        let mut user = json!({ "email": "ann@x.example" });
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "users": [{ "email": "bob@x.example" }, user] })
    };
    for body in [
        json!({}),
        json!({ "users": [] }),
        people(0..201),
        one(json!({ "email": "bob@X.example" })),
        one(json!({ "email": "nobody" })),
        one(json!({ "roleIds": ["nothing"] })),
        one(json!({ "companyId": "nothing" })),
        one(json!({ "roleId": "nothing" })),
        one(json!({ "products": [{ "key": "glue", "access": "member" }] })),
        one(json!({ "products": [{ "key": "docs", "access": "owner" }] })),
        one(json!({ "products": [{ "key": "projectAdministration", "access": "member" }] })),
        one(json!({ "products": [{ "key": "docs", "access": "administrator" }] })),
        one(
            json!({ "products": [{ "key": "projectAdministration", "access": "administrator" }, { "key": "docs", "access": "member" }] }),
        ),
    ] {
        assert_eq!(app.send("POST", &import(HARBOUR), body.clone()).await.status, 400, "{body}");
    }
    app.sandbox.advance(Duration::from_secs(60));
    assert!(app.emails("").await.is_empty());
    assert_eq!(app.send("POST", &import(HARBOUR), people(0..200)).await.status, 202);
    let text = app.request("POST", &import(HARBOUR), None).header("user-id", ACC_ADMIN).body("users");
    assert_eq!(got(text).await.status, 415);
}

#[tokio::test]
async fn an_import_can_lose_people_or_never_happen() {
    let app = Acc::new(&["import-drops"]).await;
    app.send("POST", &import(HARBOUR), people(0..6)).await;
    app.send("POST", &import(HARBOUR), people(6..15)).await;
    app.sandbox.advance(Duration::from_secs(3));
    let seen = app.emails("?limit=200").await;
    assert_eq!(seen.len(), 13);
    assert!(!seen.contains(&"p006@x.example".to_owned()) && !seen.contains(&"p013@x.example".to_owned()), "{seen:?}");

    let app = Acc::new(&["import-never"]).await;
    assert_eq!(app.send("POST", &import(HARBOUR), people(0..3)).await.status, 202);
    app.sandbox.advance(Duration::from_secs(86_400));
    assert!(app.emails("").await.is_empty());
}

#[tokio::test]
async fn products_follow_the_level_of_the_member() {
    let app = Acc::new(&[]).await;
    app.send("POST", &users(HARBOUR), json!({ "email": "ann@x.example" })).await;
    let admin = json!([{ "key": "projectAdministration", "access": "administrator" }]);
    app.send("POST", &users(HARBOUR), json!({ "email": "bob@x.example", "products": admin })).await;
    let some = json!([{ "key": "DOCS", "access": "member" }]);
    app.send("POST", &users(HARBOUR), json!({ "email": "cat@x.example", "products": some })).await;
    for (email, administration, docs, build, level) in [
        ("ann@x.example", "none", "member", "member", false),
        ("bob@x.example", "administrator", "administrator", "administrator", true),
        ("cat@x.example", "none", "member", "none", false),
    ] {
        let row = app.row(email, HARBOUR);
        let found = (access(&row, "projectAdministration"), access(&row, "docs"), access(&row, "build"));
        assert_eq!(found, (json!(administration), json!(docs), json!(build)), "{email}");
        assert_eq!(row["accessLevels"]["projectAdmin"], level, "{email}");
    }
}

#[tokio::test]
async fn a_member_is_patched_and_only_what_was_written_comes_back() {
    let app = Acc::new(&[]).await;
    app.person("ann@x.example", "active");
    app.put("ann@x.example", HARBOUR, "member, Architect, BIM Manager");
    let row = app.row("ann@x.example", HARBOUR);
    assert_eq!(
        row["roles"].as_array().unwrap().iter().map(|role| role["name"].clone()).collect::<Vec<_>>(),
        ["Architect", "BIM Manager"]
    );
    let company = app.get(&of_account("companies?filter[name]=lumen")).await.json["results"][0].clone();
    let path = format!("{}/{}", users(HARBOUR), row["id"].as_str().unwrap());
    let body = json!({ "roleIds": [row["roleIds"][1]], "companyId": company["id"] });
    let answer = app.send("PATCH", &path, body.clone()).await;
    assert_eq!(
        (answer.status, &answer.json),
        (200, &json!({ "id": row["id"], "roleIds": body["roleIds"], "companyId": company["id"] }))
    );
    let after = app.row("ann@x.example", HARBOUR);
    assert_eq!(
        (&after["companyName"], &after["roles"][0]["name"], &after["products"]),
        (&json!("Lumen Render"), &json!("BIM Manager"), &row["products"])
    );
    app.send("PATCH", &path, body).await;
    let promoted = json!({ "products": row["products"].as_array().unwrap().iter().map(|product| json!({ "key": product["key"], "access": "administrator" })).collect::<Vec<_>>() });
    assert_eq!(app.send("PATCH", &path, promoted).await.status, 200);
    assert_eq!(app.view("ann@x.example").groups[0].role, "admin");
    let mixed = json!({ "products": [{ "key": "docs", "access": "member" }] });
    for wrong in [mixed, json!({ "email": "x@x.example" }), json!({ "roleIds": "x" }), json!([])] {
        assert_eq!(app.send("PATCH", &path, wrong.clone()).await.status, 400, "{wrong}");
    }
    let patches: Vec<bool> =
        app.sandbox.log().iter().filter(|request| request.method == "PATCH").map(|request| request.effect).collect();
    assert_eq!(patches[..3], [true, false, true]);
}

#[tokio::test]
async fn a_removed_member_is_hidden_but_not_gone() {
    let app = Acc::new(&[]).await;
    let id = app.person("ann@x.example", "active");
    app.put("ann@x.example", HARBOUR, "admin, Architect");
    let path = format!("{}/{id}", users(HARBOUR));
    assert_eq!(app.delete(&path).await.status, 204);
    assert!(app.emails("").await.is_empty());
    assert_eq!(app.emails("?filter[status]=deleted").await, ["ann@x.example"]);
    assert_eq!(app.get(&path).await.json["status"], "deleted");
    assert_eq!(app.delete(&path).await.status, 404);
    assert_eq!(app.send("PATCH", &path, json!({ "roleIds": [] })).await.status, 404);
    assert_eq!(app.send("POST", &users(HARBOUR), json!({ "email": "ann@x.example" })).await.status, 201);
    let row = app.row("ann@x.example", HARBOUR);
    assert_eq!(
        (&row["status"], &row["roles"], &row["accessLevels"]["projectAdmin"]),
        (&json!("active"), &json!([]), &json!(false))
    );
    assert_eq!(app.emails("?filter[status]=deleted,active,pending").await, ["ann@x.example"], "one row for one person");
    assert_eq!(app.get(&format!("{}?filter[status]=disabled", users(HARBOUR))).await.status, 400);
}

#[tokio::test]
async fn filters_contain_unless_told_to_equal() {
    let app = Acc::new(&[]).await;
    for (email, role) in
        [("ann@x.example", "admin, Architect"), ("joann@x.example", "member"), ("bob@x.example", "member, Architect")]
    {
        app.person(email, "active");
        app.put(email, HARBOUR, role);
    }
    let architect = app.row("bob@x.example", HARBOUR)["roleIds"][0].as_str().unwrap().to_owned();
    for (query, found) in [
        ("?filter[email]=ANN@x.example".to_owned(), vec!["ann", "joann"]),
        ("?filter[email]=ann@x.example&filterTextMatch=equals".to_owned(), vec!["ann"]),
        ("?filter[email]=ann&filterTextMatch=startsWith".to_owned(), vec!["ann"]),
        (format!("?filter[roleIds]={architect}"), vec!["ann", "bob"]),
        ("?filter[accessLevels]=projectAdmin".to_owned(), vec!["ann"]),
        (format!("?filter[roleId]={architect}&filter[email]=bob"), vec!["bob"]),
        (
            format!("?filter[roleId]={architect}&filter[email]=joann&orFilters=roleId,email"),
            vec!["ann", "bob", "joann"],
        ),
        ("?sort=email desc".to_owned(), vec!["joann", "bob", "ann"]),
        ("?filter[products]=projectAdministration".to_owned(), vec!["ann"]),
    ] {
        let found: Vec<String> = found.iter().map(|name| format!("{name}@x.example")).collect();
        assert_eq!(app.emails(&query).await, found, "{query}");
    }
    for query in ["?filter[mood]=good", "?filterTextMatch=sounds", "?limit=0", "?offset=x"] {
        assert_eq!(app.get(&format!("{}{query}", users(HARBOUR))).await.status, 400, "{query}");
    }
    let sparse = app.get(&format!("{}?fields=email&limit=1", users(HARBOUR))).await.json["results"][0].clone();
    assert_eq!(sparse.as_object().unwrap().keys().collect::<Vec<_>>(), ["email", "id"]);
}

#[tokio::test]
async fn pages_name_the_next_one_at_a_host_that_is_none() {
    let app = Acc::new(&[]).await;
    app.sandbox.clear_log();
    app.send("POST", &import(HARBOUR), people(0..200)).await;
    app.send("POST", &import(HARBOUR), people(200..205)).await;
    app.sandbox.advance(Duration::from_secs(3));
    for (query, rows, limit, next) in [
        ("", 20, 20, true),
        ("?limit=500", 200, 200, true),
        ("?limit=200&offset=200", 5, 200, false),
        ("?offset=205", 0, 20, false),
    ] {
        let page = app.get(&format!("{}{query}", users(HARBOUR))).await.json;
        assert_eq!(page["results"].as_array().unwrap().len(), rows, "{query}");
        assert_eq!((&page["pagination"]["limit"], &page["pagination"]["totalResults"]), (&json!(limit), &json!(205)));
        assert_eq!(page["pagination"].get("nextUrl").is_some(), next, "{query}");
    }
    let page = app.get(&format!("{}?filter%5Bemail%5D=p0&limit=50", users(HARBOUR))).await.json;
    assert_eq!(page["pagination"]["nextUrl"], "https://resource?filter%5Bemail%5D=p0&limit=50&offset=50");
}

#[tokio::test]
async fn pages_can_mislead() {
    for (quirk, query, rows, total) in [
        ("page-repeats", "?limit=5&offset=10", 5, 12),
        ("total-too-high", "?offset=12", 0, 15),
        ("list-truncated", "", 10, 12),
    ] {
        let app = Acc::new(&[quirk]).await;
        app.send("POST", &import(HARBOUR), people(0..12)).await;
        app.sandbox.advance(Duration::from_secs(3));
        let page = app.get(&format!("{}{query}", users(HARBOUR))).await.json;
        let found = (page["results"].as_array().unwrap().len(), page["pagination"]["totalResults"].as_u64());
        assert_eq!(found, (rows, Some(total)), "{quirk}");
        assert_eq!(rows == 5, page["results"][0]["email"] == "p000@x.example" && quirk == "page-repeats", "{quirk}");
    }
}

#[tokio::test]
async fn writes_need_an_administrator_to_act_for() {
    let app = Acc::new(&[]).await;
    let ann = app.person("ann@x.example", "active");
    let body = || Some(json!({ "email": "bob@x.example" }));
    assert_eq!(got(app.request("POST", &users(HARBOUR), body())).await.status, 403);
    for (id, status) in [(ann.as_str(), 403), ("nobody", 403), (ACC_ADMIN, 201)] {
        assert_eq!(
            got(app.request("POST", &users(HARBOUR), body()).header("user-id", id)).await.status,
            status,
            "{id}"
        );
    }
    let products = of_account(&format!("users/{ann}/products"));
    assert_eq!(got(app.request("GET", &products, None).header("user-id", &ann)).await.status, 403);
    assert_eq!(app.get(&products).await.status, 200);
    let log = app.sandbox.log();
    assert_eq!(log[1].headers.get("user-id"), Some(&ann));
}

#[tokio::test]
async fn each_scope_opens_its_half() {
    let mut app = Acc::new(&[]).await;
    app.token = app.fresh_token("account:read").await;
    assert_eq!(app.get(&users(HARBOUR)).await.status, 200);
    assert_eq!(app.send("POST", &users(HARBOUR), json!({ "email": "bob@x.example" })).await.status, 403);
    app.token = app.fresh_token("account:write").await;
    assert_eq!(app.get(&users(HARBOUR)).await.status, 403);
    assert_eq!(app.send("POST", &users(HARBOUR), json!({ "email": "bob@x.example" })).await.status, 201);
}

#[tokio::test]
async fn a_region_is_found_by_itself_unless_it_is_named_wrongly() {
    let config = || Config { acc_region: "EMEA".to_owned(), ..quiet() };
    for (quirk, none, emea, us, mars) in [("no quirk", 200, 200, 404, 400), ("region-required", 404, 200, 404, 400)] {
        let app = Acc::with(config(), if quirk == "no quirk" { &[] } else { &["region-required"] }).await;
        assert_eq!(app.get(&users(HARBOUR)).await.status, none, "{quirk}");
        for (region, status) in [("EMEA", emea), ("US", us), ("MARS", mars)] {
            let request = app.request("GET", &users(HARBOUR), None).header("region", region);
            assert_eq!(got(request).await.status, status, "{quirk} {region}");
        }
    }
}

#[tokio::test]
async fn some_projects_refuse_writes_or_everything() {
    let body = || json!({ "email": "ann@x.example" });
    for (quirk, project, read, write) in [
        ("bim360-project", HARBOUR, 200, 403),
        ("archived-project", HARBOUR, 200, 403),
        ("gone-project", MUSEUM, 410, 410),
        ("project-not-ready", MUSEUM, 200, 412),
        ("not-integrated", HARBOUR, 403, 403),
    ] {
        let app = Acc::new(&[quirk]).await;
        app.person("bob@x.example", "active");
        app.put("bob@x.example", project, "member");
        let bob = format!("{}/{}", users(project), app.view("bob@x.example").id);
        assert_eq!(app.get(&users(project)).await.status, read, "{quirk}");
        assert_eq!(app.send("POST", &users(project), body()).await.status, write, "{quirk}");
        assert_eq!(app.send("POST", &import(project), people(0..1)).await.status, write, "{quirk}");
        assert_eq!(app.send("PATCH", &bob, json!({ "roleIds": [] })).await.status, write, "{quirk}");
        assert_eq!(app.delete(&bob).await.status, write, "{quirk}");
        assert!(app.sandbox.log().iter().all(|request| !request.effect));
        let other = if project == HARBOUR { MUSEUM } else { HARBOUR };
        let expected = if quirk == "not-integrated" { 403 } else { 201 };
        assert_eq!(app.send("POST", &users(other), body()).await.status, expected, "{quirk}");
    }
    let app = Acc::new(&[]).await;
    assert_eq!(app.get(&users("nothing")).await.status, 404);
    assert_eq!(app.get("/construction/admin/v1/accounts/other/projects").await.status, 404);
    assert_eq!(app.send("PUT", &users(HARBOUR), body()).await.status, 405);
}

#[tokio::test]
async fn what_one_person_has_is_told_by_product_project_and_role() {
    let app = Acc::new(&[]).await;
    let id = app.person("ann@x.example", "active");
    app.put("ann@x.example", HARBOUR, "admin, Architect");
    app.put("ann@x.example", MUSEUM, "member");
    let ask = |what: &str| of_account(&format!("users/{id}/{what}"));
    let products = app.get(&ask("products?filter[key]=docs,projectAdministration&sort=name")).await.json;
    let told: Vec<_> = products["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].clone(), row["projectIds"].clone()))
        .collect();
    assert_eq!(told, [(json!("Docs"), json!([HARBOUR, MUSEUM])), (json!("Project Administration"), json!([HARBOUR]))]);
    let admin_of = app.get(&ask("projects?filter[accessLevels]=projectAdmin")).await.json;
    assert_eq!((&admin_of["pagination"]["totalResults"], &admin_of["results"][0]["id"]), (&json!(1), &json!(HARBOUR)));
    let roles = app.get(&ask("roles")).await.json["results"].clone();
    assert_eq!((&roles[0]["name"], &roles[0]["projectIds"]), (&json!("Architect"), &json!([HARBOUR])));
    assert_eq!(app.get(&of_account("users/nobody/roles")).await.status, 404);
    let projects = app.get(&of_account("projects?filter[name]=Museum&filterTextMatch=startsWith")).await.json;
    assert_eq!(
        (&projects["results"][0]["platform"], &projects["results"][0]["memberCount"]),
        (&json!("acc"), &json!(1))
    );
}

#[tokio::test]
async fn an_inactive_account_can_disable_its_rows() {
    for (quirks, listed, status) in [(vec![], 1, "active"), (vec!["inactive-disables-members"], 0, "disabled")] {
        let app = Acc::new(&quirks).await;
        app.person("ann@x.example", "inactive");
        app.put("ann@x.example", HARBOUR, "member");
        assert_eq!(app.emails("").await.len(), listed);
        assert_eq!(app.row("ann@x.example", HARBOUR)["status"], status);
        assert_eq!(app.send("POST", &users(HARBOUR), json!({ "email": "ann@x.example" })).await.status, 409);
    }
}

#[tokio::test]
async fn two_roles_can_have_one_name() {
    let app = Acc::new(&["ambiguous-roles"]).await;
    for email in ["ann@x.example", "bob@x.example"] {
        app.person(email, "active");
        app.put(email, HARBOUR, "member, Architect");
    }
    let (ann, bob) =
        (app.row("ann@x.example", HARBOUR)["roles"][0].clone(), app.row("bob@x.example", HARBOUR)["roles"][0].clone());
    assert_eq!(ann["name"], bob["name"]);
    assert_ne!(ann["id"], bob["id"]);
    let body = json!({ "email": "cat@x.example", "roleIds": [bob["id"]] });
    assert_eq!(app.send("POST", &users(MUSEUM), body).await.status, 201);
}

#[tokio::test]
async fn reads_writes_and_hq_have_quotas_of_their_own() {
    let quota = |requests| Quota { requests, ..Quota::standard() };
    let quotas = [("acc/read", 2), ("acc/write", 1), ("acc/hq", 1)];
    let quotas = quotas.map(|(family, requests)| (family.to_owned(), quota(requests))).into();
    let app = Acc::with(Config { quotas, ..quiet() }, &[]).await;
    let hq = format!("/hq/v1/accounts/{ACC_ACCOUNT}/users");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let read = app.get(&users(HARBOUR)).await;
        assert_eq!(read.header("x-ratelimit-remaining"), None);
        let write = app.send("POST", &users(HARBOUR), json!({})).await;
        let old = app.get(&hq).await;
        statuses.push([read.status, write.status, old.status]);
    }
    assert_eq!(statuses, [[200, 400, 200], [200, 429, 429], [429, 429, 429]]);
    assert!(app.get(&hq).await.number("retry-after") > 3000);
}

#[tokio::test]
async fn a_client_id_has_one_quota_for_all_its_accounts() {
    let quota = Quota { requests: 2, ..Quota::standard() };
    let app = Acc::with(Config { quotas: [("acc/read".to_owned(), quota)].into(), ..quiet() }, &[]).await;
    let mut statuses = Vec::new();
    for (client, tenant) in [
        ("sandbox.acc", "one"),
        ("sandbox.acc", "two"),
        ("sandbox.acc", "one"),
        ("sandbox.acc", "two"),
        ("sandbox.other", "two"),
    ] {
        let token = app.token_of(client, tenant, "account:read").await;
        let url = app.sandbox.app_url("acc", tenant) + &of_account("projects");
        statuses.push(got(app.http.get(url).bearer_auth(token)).await.status);
    }
    assert_eq!(statuses, [200, 200, 429, 429, 200]);
}

#[tokio::test]
async fn the_example_account_has_drifted_as_its_table_says() {
    let app = Acc::of_tenant(quiet(), "acc").await;
    let at = |name: &str| format!("{name}@northwind.example");
    let accounts = app.sandbox.accounts("acc", "acc").unwrap();
    assert_eq!(accounts.iter().filter(|account| account.status == "active").count(), 43);
    for name in ["ingrid.solheim", "yuna.choi", "mateus.cardoso", "nora.lindqvist"] {
        assert!(!accounts.iter().any(|account| account.email == at(name)), "{name}");
    }
    for (name, status, groups) in [
        ("leila.haddad", "pending", "Harbour Tower member"),
        ("oscar.wennberg", "not_invited", ""),
        ("tove.lund", "active", ""),
        ("chiara.ricci", "active", ""),
        ("simon.clarke", "active", "Riverside School member"),
        ("julia.steiner", "active", "Riverside School admin"),
        ("wei.zhang", "active", "Riverside School member, Museum Extension member"),
        ("kenji.watanabe", "inactive", "Harbour Tower member"),
        ("victor.amaya", "active", "Museum Extension member"),
        ("laura.jensen", "active", "Museum Extension admin, Old Mill Refurbishment admin"),
    ] {
        let account = app.view(&at(name));
        let found: Vec<String> = account.groups.iter().map(|group| format!("{} {}", group.name, group.role)).collect();
        assert_eq!((account.status.as_str(), found.join(", ").as_str()), (status, groups), "{name}");
        assert_eq!(account.invitations, u32::from(status == "pending"), "{name}");
    }
    assert_eq!(app.row(&at("chiara.ricci"), EXAMPLE_RIVERSIDE)["status"], "deleted");
    let museum = app.view(&at("wei.zhang")).groups[1].id.clone();
    for (email, company) in [("noor.jansen", "Northwind Studio"), ("rafael.costa", "Lumen Render")] {
        assert_eq!(app.row(&format!("{email}@lumenrender.example"), &museum)["companyName"], company);
    }
    let harbour = app.view(&at("nils.dahl")).groups[0].id.clone();
    assert_eq!(app.row(&at("nils.dahl"), &harbour)["roles"][0]["name"], "Interior Designer");
    assert_eq!(app.row(&at("pavel.horak"), EXAMPLE_RIVERSIDE)["roles"], json!([]));
    for project in [EXAMPLE_OLD_MILL, EXAMPLE_ARCHIVE] {
        assert_eq!(app.get(&users(project)).await.status, 200);
        assert_eq!(app.send("POST", &users(project), json!({ "email": "ann@x.example" })).await.status, 403);
    }
    app.sandbox.advance(Duration::from_secs(2 * 3600));
    assert_eq!(app.view(&at("leila.haddad")).status, "active");
}

#[tokio::test]
async fn the_api_can_mend_every_drift_of_the_example() {
    let app = Acc::of_tenant(quiet(), "acc").await;
    let at = |name: &str| format!("{name}@northwind.example");
    let project = |name: &str| {
        let groups = app.sandbox.groups("acc", "acc").unwrap();
        groups.into_iter().find(|group| group.name == name).unwrap().id
    };
    let (harbour, riverside, museum) =
        (project("Harbour Tower"), project("Riverside School"), project("Museum Extension"));
    // Roles are known from those who hold them; companies have a list.
    let role = |name: &str, project: &str| app.row(&at(name), project)["roleIds"].clone();
    let architect = role("elif.demir", &harbour);
    let (designer, engineer) = (role("maya.cohen", &riverside), role("dev.mehta", &museum));
    let joining = [
        (&harbour, &architect, vec!["ingrid.solheim", "tove.lund"]),
        (&riverside, &designer, vec!["yuna.choi", "chiara.ricci"]),
        (&museum, &engineer, vec!["mateus.cardoso", "oscar.wennberg"]),
    ];
    for (project, roles, names) in joining {
        let users: Vec<Value> = names.iter().map(|name| json!({ "email": at(name), "roleIds": roles })).collect();
        assert_eq!(app.send("POST", &import(project), json!({ "users": users })).await.status, 202);
    }
    let companies = app.get(&of_account("companies?filter[name]=Lumen Render&filterTextMatch=equals")).await.json;
    let level = |name: &str, project: &str, access: &str, administration: &str| {
        let products = app.row(&at(name), project)["products"].as_array().unwrap().clone();
        let access =
            |key: &Value| if key == "projectAdministration" { administration.to_owned() } else { access.to_owned() };
        json!({ "products": products.iter().map(|row| json!({ "key": row["key"], "access": access(&row["key"]) })).collect::<Vec<_>>() })
    };
    let noor = "noor.jansen@lumenrender.example".to_owned();
    for (email, project, body) in [
        (at("nils.dahl"), &harbour, json!({ "roleIds": architect })),
        (at("pavel.horak"), &riverside, json!({ "roleIds": designer })),
        (at("simon.clarke"), &riverside, level("simon.clarke", &riverside, "administrator", "administrator")),
        (at("julia.steiner"), &riverside, level("julia.steiner", &riverside, "member", "none")),
        (noor.clone(), &museum, json!({ "companyId": companies["results"][0]["id"] })),
    ] {
        let path = format!("{}/{}", users(project), app.view(&email).id);
        assert_eq!(app.send("PATCH", &path, body).await.status, 200, "{email}");
    }
    for (name, project) in [("wei.zhang", &riverside), ("victor.amaya", &museum)] {
        assert_eq!(app.delete(&format!("{}/{}", users(project), app.view(&at(name)).id)).await.status, 204);
    }
    for (name, status) in [("kenji.watanabe", "active"), ("marcus.thorne", "inactive"), ("victor.amaya", "inactive")] {
        let path = format!("/hq/v1/accounts/{ACC_ACCOUNT}/users/{}", app.view(&at(name)).id);
        assert_eq!(app.send("PATCH", &path, json!({ "status": status })).await.status, 200);
    }
    app.sandbox.advance(Duration::from_secs(2 * 3600));
    let accounts = app.sandbox.accounts("acc", "acc").unwrap();
    let members = |project: &str, role: &str| {
        let is_in =
            |account: &&AccountView| account.groups.iter().any(|group| group.id == project && group.role == role);
        accounts.iter().filter(is_in).count()
    };
    let found = [&harbour, &riverside, &museum].map(|project| (members(project, "admin"), members(project, "member")));
    // All of architecture; all of interiors; all of structures, Lumen Render's two and the stranger.
    assert_eq!(found, [(1, 18), (1, 9), (1, 12 + 3)]);
    assert_eq!(accounts.iter().filter(|account| account.status == "pending").count(), 0);
    assert!(accounts.iter().all(|account| account.invitations <= 1));
    assert_eq!(app.row(&noor, &museum)["companyName"], "Lumen Render");
}
