//! The SCIM service provider as the RFCs have it, and its example organisation.

use std::time::Duration;

use rosterd::sandbox::{AccountPatch, Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, NewAccount, Sandbox};
use serde_json::{Value, json};

use crate::client::{Got, TENANT, got, http, quiet};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A sandbox and a client with the static token.
pub(crate) struct Scim {
    pub sandbox: Sandbox,
    pub tenant: &'static str,
    http: reqwest::Client,
}

impl Scim {
    pub(crate) async fn new(quirks: &[&str]) -> Self {
        Self::with(quiet(), quirks).await
    }

    pub(crate) async fn with(config: Config, quirks: &[&str]) -> Self {
        let names = quirks.iter().map(|name| (*name).to_owned()).collect();
        let quirks = [(format!("scim/{TENANT}"), names)].into();
        Self::of_tenant(Config { quirks, ..config }, TENANT).await
    }

    pub(crate) async fn of_tenant(config: Config, tenant: &'static str) -> Self {
        Self { sandbox: Sandbox::start(config).await.unwrap(), tenant, http: http() }
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::RequestBuilder {
        let url = self.sandbox.app_url("scim", self.tenant) + path;
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(DEFAULT_CLIENT_SECRET);
        match body {
            Some(body) => request.json(&body).header("content-type", "application/scim+json"),
            None => request,
        }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Got {
        got(self.request(method, path, Some(body))).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        got(self.request("GET", path, None)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        got(self.request("DELETE", path, None)).await
    }

    /// Creates a user and returns the id.
    pub(crate) async fn user(&self, name: &str) -> String {
        let made = self.send("POST", "/Users", json!({ "schemas": [USER], "userName": name })).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.id()
    }

    /// Creates a group with these members and returns the id.
    pub(crate) async fn group(&self, name: &str, members: &[&String]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
        let made = self.send("POST", "/Groups", body).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.id()
    }

    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Got {
        self.send("PATCH", path, patch(operations)).await
    }

    /// The members of a group, as they really are.
    pub(crate) fn members(&self, group: &str) -> Vec<String> {
        let accounts = self.sandbox.accounts("scim", self.tenant).unwrap();
        let is_in = |account: &&rosterd::sandbox::AccountView| account.groups.iter().any(|found| found.id == group);
        accounts.iter().filter(is_in).map(|account| account.email.clone()).collect()
    }

    pub(crate) fn raw(&self, account: &str) -> Value {
        self.sandbox.account("scim", self.tenant, account).unwrap().raw
    }
}

pub(crate) fn patch(operations: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

/// The userNames on a page.
pub(crate) fn names(page: &Got) -> Vec<String> {
    let rows = page.json["Resources"].as_array().unwrap_or_else(|| panic!("{page:?}"));
    rows.iter().map(|row| row["userName"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn query(filter: &str) -> String {
    url::form_urlencoded::Serializer::new("?".to_owned()).append_pair("filter", filter).finish()
}

/// Checks that an answer is a SCIM error of this kind.
#[track_caller]
pub(crate) fn check_error(got: &Got, status: u16, scim_type: Option<&str>) {
    assert_eq!((got.status, &got.json["status"]), (status, &json!(status.to_string())), "{got:?}");
    assert_eq!(got.json["scimType"].as_str(), scim_type, "{got:?}");
    assert_eq!(got.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
}

#[tokio::test]
async fn a_created_user_is_answered_whole_with_its_address_and_version() {
    let app = Scim::new(&[]).await;
    let body = json!({ "schemas": [USER], "userName": "Jane@Example.com", "externalId": "E1", "password": "secret",
        "name": { "givenName": "Jane" }, "favouriteTea": "Assam", "groups": [{ "value": "x" }], "id": "mine" });
    let made = app.send("POST", "/Users", body).await;
    assert_eq!((made.status, made.header("etag")), (201, Some("W/\"1\"")));
    assert_eq!(made.header("content-type"), Some("application/scim+json"));
    assert_ne!(made.id(), "mine");
    assert_eq!(made.json["meta"]["location"].as_str(), made.header("location"));
    assert_eq!((&made.json["active"], &made.json["favouriteTea"]), (&json!(true), &json!("Assam")));
    assert!(made.json.get("password").is_none() && made.json.get("groups").is_none(), "{made:?}");
    let read = got(http().get(made.header("location").unwrap()).bearer_auth(DEFAULT_CLIENT_SECRET)).await;
    assert_eq!((read.status, &read.json), (200, &made.json));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let app = Scim::new(&[]).await;
    for (body, scim_type) in [
        (json!({ "userName": "jane" }), "invalidSyntax"),
        (json!({ "schemas": [USER] }), "invalidValue"),
        (json!({ "schemas": [USER], "userName": " " }), "invalidValue"),
        (json!({ "schemas": [USER], "userName": "jane", "active": "True" }), "invalidValue"),
        (json!({ "schemas": [USER], "userName": "jane", "name": "Jane" }), "invalidValue"),
        (json!({ "schemas": [USER], "userName": "jane", "emails": ["jane@example.com"] }), "invalidValue"),
        (
            json!({ "schemas": [USER], "userName": "jane",
                "emails": [{ "value": "a", "primary": true }, { "value": "b", "primary": true }] }),
            "invalidValue",
        ),
        (json!([]), "invalidSyntax"),
    ] {
        check_error(&app.send("POST", "/Users", body).await, 400, Some(scim_type));
    }
    let members = json!({ "schemas": [GROUP], "displayName": "Design", "members": [{ "value": "nobody" }] });
    check_error(&app.send("POST", "/Groups", members).await, 400, Some("invalidValue"));
    let text = app.request("POST", "/Users", None).header("content-type", "text/plain").body("jane");
    assert_eq!(got(text).await.status, 415);
    check_error(&app.send("POST", "/Bulk", json!({})).await, 501, None);
    check_error(&app.get("/Nothing").await, 404, None);
    assert_eq!(app.send("PUT", "/Users", json!({})).await.header("allow"), Some("GET, POST"));
    assert!(app.sandbox.accounts("scim", TENANT).unwrap().is_empty());
    assert!(app.sandbox.log().iter().all(|request| !request.effect));
}

#[tokio::test]
async fn a_user_name_can_be_used_once_whatever_its_case() {
    let app = Scim::new(&[]).await;
    app.user("Jane@Example.com").await;
    let joe = app.user("joe@example.com").await;
    let body = json!({ "schemas": [USER], "userName": "jane@example.COM" });
    check_error(&app.send("POST", "/Users", body.clone()).await, 409, Some("uniqueness"));
    check_error(&app.send("PUT", &format!("/Users/{joe}"), body).await, 409, Some("uniqueness"));
    let rename = json!([{ "op": "replace", "path": "userName", "value": "JANE@example.com" }]);
    check_error(&app.patch(&format!("/Users/{joe}"), rename).await, 409, Some("uniqueness"));
    assert_eq!(app.send("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "A" })).await.status, 201);
    assert_eq!(app.send("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "A" })).await.status, 201);
}

#[tokio::test]
async fn filters_compare_as_each_attribute_says() {
    let app = Scim::new(&[]).await;
    let id = app.user("o\"neil+x@example.com").await;
    app.user("joe@example.com").await;
    let with_id = json!([{ "op": "add", "path": "externalId", "value": "Ext-1" }]);
    assert_eq!(app.patch(&format!("/Users/{id}"), with_id).await.status, 200);
    for (filter, found) in [
        (r#"userName eq "O\"Neil+X@example.com""#.to_owned(), 1),
        (r#"USERNAME EQ "joe@example.com""#.to_owned(), 1),
        (format!(r#"{USER}:userName eq "joe@example.com""#), 1),
        (r#"externalId eq "Ext-1""#.to_owned(), 1),
        (r#"externalId eq "ext-1""#.to_owned(), 0),
        (format!(r#"id eq "{id}""#), 1),
        (format!(r#"id eq "{}""#, id.to_uppercase()), 0),
        (format!(r#"id eq "{id}" and externalId eq "Ext-1""#), 1),
        (format!(r#"id eq "{id}" and userName eq "joe@example.com""#), 0),
        (r#"userName eq "nobody@example.com""#.to_owned(), 0),
    ] {
        let page = app.get(&format!("/Users{}", query(&filter))).await;
        assert_eq!((page.status, &page.json["totalResults"]), (200, &json!(found)), "{filter} {page:?}");
        assert_eq!(page.json["Resources"].as_array().unwrap().len(), found, "{filter}");
    }
    for filter in [
        "userName",
        "userName eq",
        "userName eq jane",
        r#"userName co "jane""#,
        r#"userName pr"#,
        r#"userName eq "a" or userName eq "b""#,
        r#"not (userName eq "a")"#,
        r#"(userName eq "a")"#,
        r#"emails[type eq "work"]"#,
        r#"emails.value eq "a""#,
        r#"userName eq "a" userName eq "b""#,
        r#"userName eq "o"neil""#,
        "",
    ] {
        check_error(&app.get(&format!("/Users{}", query(filter))).await, 400, Some("invalidFilter"));
    }
    let search = json!({ "filter": "userName eq \"joe@example.com\"", "attributes": ["userName"] });
    let found = app.send("POST", "/Users/.search", search).await;
    assert_eq!(
        found.json["Resources"][0].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["id", "schemas", "userName"]
    );
}

#[tokio::test]
async fn lists_are_paged_from_one() {
    let app = Scim::new(&[]).await;
    for n in 0..205 {
        let email = format!("p{n:03}@example.com");
        app.sandbox.add_account("scim", TENANT, NewAccount { email, ..NewAccount::default() }).unwrap();
    }
    for (query, rows, start, first) in [
        ("", 100, 1, Some("p000")),
        ("?startIndex=0&count=2", 2, 1, Some("p000")),
        ("?startIndex=3&count=2", 2, 3, Some("p002")),
        ("?startIndex=201", 5, 201, Some("p200")),
        ("?count=500", 200, 1, Some("p000")),
        ("?startIndex=206", 0, 206, None),
        ("?count=0", 0, 1, None),
        ("?count=-4", 0, 1, None),
    ] {
        let page = app.get(&format!("/Users{query}")).await;
        let found =
            (page.json["totalResults"].as_u64(), page.json["itemsPerPage"].as_u64(), page.json["startIndex"].as_u64());
        assert_eq!(found, (Some(205), Some(rows), Some(start)), "{query}");
        assert_eq!(names(&page).first().map(|name| &name[..4]), first, "{query}");
        assert!(page.json.get("nextCursor").is_none());
    }
    check_error(&app.get("/Users?startIndex=one").await, 400, Some("invalidValue"));
    check_error(&app.get("/Users?count=many").await, 400, Some("invalidCount"));
    check_error(&app.get("/Users?cursor=").await, 400, Some("invalidCursor"));
    check_error(&app.get("/Users?attributes=id&excludedAttributes=meta").await, 400, Some("invalidValue"));
}

#[tokio::test]
async fn a_put_clears_what_it_does_not_carry_and_disables_who_is_not_called_active() {
    let app = Scim::new(&[]).await;
    let jane = app.user("jane@example.com").await;
    let full = json!({ "schemas": [USER, ENTERPRISE], "userName": "jane@example.com", "active": true, "title": "Dr",
        ENTERPRISE: { "department": "Design" } });
    let put = app.send("PUT", &format!("/Users/{jane}"), full).await;
    assert_eq!(
        (put.status, put.header("etag"), &put.json[ENTERPRISE]["department"]),
        (200, Some("W/\"2\""), &json!("Design"))
    );
    let bare = json!({ "schemas": [USER], "userName": "jane@example.com" });
    let put = app.send("PUT", &format!("/Users/{jane}"), bare.clone()).await;
    assert_eq!((&put.json["active"], put.json.get("title"), put.json.get(ENTERPRISE)), (&json!(false), None, None));
    assert_eq!(app.sandbox.account("scim", TENANT, &jane).unwrap().status, "inactive");
    let again = app.send("PUT", &format!("/Users/{jane}"), bare.clone()).await;
    assert_eq!(again.header("etag"), Some("W/\"3\""), "nothing changed");
    assert_eq!(app.send("PUT", "/Users/nobody", bare).await.status, 404);
}

#[tokio::test]
async fn patches_of_a_user_do_what_the_rfc_says() {
    let app = Scim::new(&[]).await;
    let work = json!({ "value": "jane@example.com", "type": "work", "primary": true });
    let home = json!({ "value": "jane@home.example", "type": "home", "primary": true });
    let steps = [
        (json!({ "op": "add", "path": "emails", "value": [work] }), "/emails/0/value", json!("jane@example.com")),
        (json!({ "op": "Add", "path": "emails", "value": home }), "/emails/0/primary", json!(false)),
        (json!({ "op": "add", "path": "emails", "value": [home] }), "/emails/2", Value::Null),
        (
            json!({ "op": "replace", "path": "emails[type eq \"Work\"].value", "value": "j@example.com" }),
            "/emails/0/value",
            json!("j@example.com"),
        ),
        (json!({ "op": "remove", "path": "emails[type eq \"home\"]" }), "/emails/1", Value::Null),
        (json!({ "op": "replace", "path": "name.givenName", "value": "Jane" }), "/name/givenName", json!("Jane")),
        (
            json!({ "op": "replace", "path": "name", "value": { "familyName": "Doe" } }),
            "/name/givenName",
            json!("Jane"),
        ),
        (
            json!({ "op": "replace", "value": { "active": false, "title": "Dr", "groups": [] } }),
            "/active",
            json!(false),
        ),
        (
            json!({ "op": "replace", "value": { "name.familyName": "Roe", "ACTIVE": true } }),
            "/name/familyName",
            json!("Roe"),
        ),
        (
            json!({ "op": "add", "path": format!("{ENTERPRISE}:department"), "value": "Design" }),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department",
            json!("Design"),
        ),
        (
            json!({ "op": "add", "value": { ENTERPRISE: { "costCenter": "7" } } }),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department",
            json!("Design"),
        ),
        (json!({ "op": "remove", "path": "title" }), "/title", Value::Null),
        (
            json!({ "op": "replace", "path": format!("{USER}:userName"), "value": "jane.doe@example.com" }),
            "/userName",
            json!("jane.doe@example.com"),
        ),
    ];
    let jane = format!("/Users/{}", app.user("jane@example.com").await);
    for (operation, pointer, expected) in steps {
        let answer = app.patch(&jane, json!([operation])).await;
        assert_eq!(answer.status, 200, "{operation} {answer:?}");
        assert_eq!(answer.json.pointer(pointer).unwrap_or(&Value::Null), &expected, "{operation} {answer:?}");
    }
    assert_eq!(app.get(&jane).await.json["active"], true);
}

#[tokio::test]
async fn a_patch_is_all_or_nothing() {
    let app = Scim::new(&[]).await;
    let jane = format!("/Users/{}", app.user("jane@example.com").await);
    let before = app.get(&jane).await;
    let fine = json!({ "op": "replace", "path": "active", "value": false });
    for (operation, scim_type) in [
        (json!({ "op": "merge", "path": "title", "value": "Dr" }), "invalidSyntax"),
        (json!({ "op": "remove" }), "noTarget"),
        (json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "x" }), "noTarget"),
        (json!({ "op": "replace", "path": "id", "value": "x" }), "mutability"),
        (json!({ "op": "add", "path": "groups", "value": [{ "value": "x" }] }), "mutability"),
        (json!({ "op": "add", "path": "emails.value", "value": "x" }), "invalidPath"),
        (json!({ "op": "add", "path": "a b", "value": "x" }), "invalidPath"),
        (json!({ "op": "replace", "path": "emails[type ne \"work\"]", "value": {} }), "invalidFilter"),
        (json!({ "op": "replace", "path": "active", "value": "False" }), "invalidValue"),
        (json!({ "op": "remove", "path": "userName" }), "invalidValue"),
        (json!({ "op": "add", "path": "title" }), "invalidValue"),
        (json!({ "op": "add", "value": "x" }), "invalidValue"),
    ] {
        check_error(&app.patch(&jane, json!([fine, operation])).await, 400, Some(scim_type));
    }
    check_error(&app.patch(&jane, json!([])).await, 400, Some("invalidSyntax"));
    check_error(&app.send("PATCH", &jane, json!({ "Operations": [fine] })).await, 400, Some("invalidSyntax"));
    assert_eq!(app.get(&jane).await.json, before.json);
}

#[tokio::test]
async fn members_are_added_and_removed_one_by_one() {
    let app = Scim::new(&[]).await;
    let (ann, bob, cat) =
        (app.user("ann@x.example").await, app.user("bob@x.example").await, app.user("cat@x.example").await);
    let group = app.group("Design", &[&ann]).await;
    let path = format!("/Groups/{group}");
    let one = |id: &str| format!("members[value eq \"{id}\"]");
    for (operation, members) in [
        (json!({ "op": "add", "path": "members", "value": [{ "value": bob }, { "value": ann }] }), vec!["ann", "bob"]),
        (json!({ "op": "add", "value": { "members": [{ "value": cat }] } }), vec!["ann", "bob", "cat"]),
        (json!({ "op": "remove", "path": one(&bob) }), vec!["ann", "cat"]),
        (json!({ "op": "remove", "path": one(&bob) }), vec!["ann", "cat"]),
        (json!({ "op": "remove", "path": "members", "value": [{ "value": ann }] }), vec!["cat"]),
        (json!({ "op": "replace", "path": "members", "value": [{ "value": ann }] }), vec!["ann"]),
        (json!({ "op": "replace", "path": "displayName", "value": "Studio" }), vec!["ann"]),
        (json!({ "op": "remove", "path": "members" }), vec![]),
    ] {
        let answer = app.patch(&path, json!([operation])).await;
        assert_eq!((answer.status, &answer.json), (204, &Value::Null), "{operation}");
        let members: Vec<String> = members.iter().map(|name| format!("{name}@x.example")).collect();
        assert_eq!(app.members(&group), members, "{operation}");
    }
    let stranger = json!([{ "op": "add", "path": "members", "value": [{ "value": ann }, { "value": "nobody" }] }]);
    check_error(&app.patch(&path, stranger).await, 400, Some("invalidValue"));
    let changed = json!([{ "op": "replace", "path": format!("{}.value", one(&ann)), "value": bob }]);
    check_error(&app.patch(&path, changed).await, 400, Some("mutability"));
    assert!(app.members(&group).is_empty());
    let echo = app
        .patch(&format!("{path}?attributes=displayName"), json!([{ "op": "add", "path": "externalId", "value": "x" }]))
        .await;
    assert_eq!((echo.status, &echo.json["displayName"]), (200, &json!("Studio")));
}

#[tokio::test]
async fn a_user_shows_groups_that_only_the_group_can_change() {
    let app = Scim::new(&[]).await;
    let ann = app.user("ann@x.example").await;
    let group = app.group("Design", &[&ann]).await;
    let user = format!("/Users/{ann}");
    let shown = app.get(&user).await.json["groups"].clone();
    assert_eq!(shown, json!([{ "value": group, "display": "Design", "type": "direct" }]));
    let put = app.send("PUT", &user, json!({ "schemas": [USER], "userName": "ann@x.example", "groups": [] })).await;
    assert_eq!(put.json["groups"], shown);
    assert_eq!(app.delete(&user).await.status, 204);
    assert_eq!(app.get(&format!("/Groups/{group}")).await.json["members"], json!([]));
    for gone in [app.get(&user).await, app.delete(&user).await] {
        check_error(&gone, 404, None);
    }
    assert_ne!(app.user("ann@x.example").await, ann, "an id is never used again");
    assert_eq!(app.delete(&format!("/Groups/{group}")).await.status, 204);
    assert_eq!(app.get("/Groups").await.json["totalResults"], 0);
}

#[tokio::test]
async fn versions_guard_writes() {
    let app = Scim::new(&[]).await;
    let jane = format!("/Users/{}", app.user("jane@example.com").await);
    let old = app.get(&jane).await.header("etag").unwrap().to_owned();
    assert_eq!(got(app.request("GET", &jane, None).header("if-none-match", &old)).await.status, 304);
    let write = |method: &str, version: &str, body: Value| {
        got(app.request(method, &jane, Some(body)).header("if-match", version.to_owned()))
    };
    let title = |word: &str| patch(json!([{ "op": "add", "path": "title", "value": word }]));
    assert_eq!(write("PATCH", &old, title("Dr")).await.status, 200);
    assert_eq!(got(app.request("GET", &jane, None).header("if-none-match", &old)).await.status, 200);
    check_error(&write("PATCH", &old, title("Prof")).await, 412, None);
    check_error(&write("PUT", &old, json!({ "schemas": [USER], "userName": "jane@example.com" })).await, 412, None);
    check_error(&got(app.request("DELETE", &jane, None).header("if-match", &old)).await, 412, None);
    assert_eq!(write("PATCH", "*", title("Prof")).await.status, 200);
    let change = AccountPatch { given_name: Some("Janet".to_owned()), ..AccountPatch::default() };
    app.sandbox.patch_account("scim", TENANT, "jane@example.com", change).unwrap();
    assert_eq!(app.get(&jane).await.header("etag"), Some("W/\"4\""), "a change behind the back makes a version, too");
    let sent = app.sandbox.log().into_iter().filter_map(|request| request.headers.get("if-match").cloned());
    assert_eq!(sent.collect::<Vec<_>>(), [&old, &old, &old, &old, "*"]);
}

#[tokio::test]
async fn discovery_tells_what_is_true() {
    let app = Scim::new(&[]).await;
    let config = app.get("/ServiceProviderConfig").await.json;
    for (pointer, value) in [
        ("/patch/supported", json!(true)),
        ("/etag/supported", json!(true)),
        ("/bulk/supported", json!(false)),
        ("/filter/maxResults", json!(200)),
        ("/pagination/cursor", json!(false)),
        ("/pagination/index", json!(true)),
    ] {
        assert_eq!(config.pointer(pointer), Some(&value), "{pointer}");
    }
    assert_eq!(app.get("/ResourceTypes").await.json["Resources"][1]["endpoint"], "/Groups");
    assert_eq!(app.get("/Schemas").await.json["totalResults"], 3);
    assert_eq!(app.get(&format!("/Schemas/{USER}")).await.json["name"], "User");
    check_error(&app.get("/Schemas?filter=id+pr").await, 403, None);
}

#[tokio::test]
async fn a_static_token_and_tokens_that_expire_both_open_the_door() {
    let app = Scim::with(Config { token_life: Duration::from_secs(60), ..quiet() }, &[]).await;
    let url = app.sandbox.app_url("scim", TENANT);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "sandbox.intranet"),
        ("client_secret", DEFAULT_CLIENT_SECRET),
    ];
    let in_form = got(http().post(format!("{url}/oauth/token")).form(&form)).await;
    let basic = http().post(format!("{url}/oauth/token")).basic_auth(DEFAULT_CLIENT_ID, Some(DEFAULT_CLIENT_SECRET));
    assert_eq!(got(basic.form(&form[..1])).await.status, 200);
    let token = in_form.json["access_token"].as_str().unwrap();
    let users = || http().get(format!("{url}/Users"));
    assert_eq!(got(users().bearer_auth(token)).await.status, 200);
    app.sandbox.advance(Duration::from_secs(60));
    check_error(&got(users().bearer_auth(token)).await, 401, None);
    check_error(&got(users()).await, 401, None);
    assert_eq!(app.get("/Users").await.status, 200, "the static token does not expire");
    let log = serde_json::to_string(&app.sandbox.log()).unwrap();
    assert!(!log.contains(DEFAULT_CLIENT_SECRET), "{log}");
}

#[tokio::test]
async fn the_quota_is_not_told_before_it_is_exceeded() {
    let quota = rosterd::sandbox::Quota { requests: 1, ..rosterd::sandbox::Quota::standard() };
    let app = Scim::with(Config { quotas: [("scim/all".to_owned(), quota)].into(), ..quiet() }, &[]).await;
    assert_eq!(app.get("/Users").await.header("x-ratelimit-remaining"), None);
    let refused = app.get("/Users").await;
    check_error(&refused, 429, None);
    assert!(refused.number("retry-after") > 0);
}

#[tokio::test]
async fn raw_attributes_can_be_changed_behind_the_back() {
    let app = Scim::new(&[]).await;
    app.user("jane@example.com").await;
    let raw = |raw: Value| AccountPatch { raw: raw.as_object().cloned(), ..AccountPatch::default() };
    let change = |patch: AccountPatch| app.sandbox.patch_account("scim", TENANT, "jane@example.com", patch);
    change(raw(json!({ "title": "Dr", "favouriteTea": { "kind": "Assam" } }))).unwrap();
    assert_eq!(app.raw("jane@example.com")["favouriteTea"]["kind"], "Assam");
    change(raw(json!({ "title": null }))).unwrap();
    assert_eq!(app.raw("jane@example.com").get("title"), None);
    change(raw(json!({ "active": false }))).expect_err("there is a field for that");
    change(AccountPatch { status: Some("inactive".to_owned()), ..AccountPatch::default() }).unwrap();
    assert_eq!(app.raw("jane@example.com")["active"], false);
}

#[tokio::test]
async fn the_example_intranet_has_drifted_as_its_table_says() {
    let app = Scim::of_tenant(quiet(), "scim").await;
    let accounts = app.sandbox.accounts("scim", "scim").unwrap();
    let status =
        |email: &str| accounts.iter().find(|account| account.email == email).map(|account| account.status.as_str());
    let at = |name: &str| format!("{name}@northwind.example");
    for name in ["hana.sato", "yuna.choi", "chiara.ricci", "nora.lindqvist"] {
        assert_eq!(status(&at(name)), None, "{name}");
    }
    for name in ["tariq.hassan", "ben.ashworth"] {
        assert_eq!(status(&at(name)), Some("inactive"), "{name}");
    }
    for name in ["dora.keller", "victor.amaya", "nora.berg", "reception"] {
        assert_eq!(status(&at(name)), Some("active"), "{name}");
    }
    assert_eq!(accounts.iter().filter(|account| account.status == "active").count(), 30);
    let everyone = ["priya.nair", "jonas.weber", "mina.park", "tariq.hassan", "gwen.marsh"].map(at);
    assert_eq!(app.members("grp-103"), everyone);
    for (name, group) in [("julia.steiner", "grp-106"), ("camille.roy", "grp-105")] {
        assert!(!app.members(group).contains(&at(name)), "{name}");
    }
    assert_eq!(app.members("grp-190"), ["laura.jensen", "dora.keller"].map(at));
    let pavel = app.raw(&at("pavel.horak"));
    assert_eq!((&pavel["name"]["givenName"], &pavel["title"]), (&json!("Pawel"), &json!("Interiors lead")));
    let listed = app.get("/Users").await;
    assert_eq!(names(&listed).len(), accounts.len());
}

#[tokio::test]
async fn the_api_can_mend_every_drift_of_the_example() {
    let app = Scim::of_tenant(quiet(), "scim").await;
    let at = |name: &str| format!("{name}@northwind.example");
    let id = |name: &str| app.sandbox.account("scim", "scim", &at(name)).unwrap().id;
    for (name, given, family, group) in [
        ("hana.sato", "Hana", "Sato", "grp-102"),
        ("yuna.choi", "Yuna", "Choi", "grp-106"),
        ("chiara.ricci", "Chiara", "Ricci", "grp-106"),
    ] {
        let body =
            json!({ "schemas": [USER], "userName": at(name), "name": { "givenName": given, "familyName": family } });
        assert_eq!(app.send("POST", "/Users", body).await.status, 201);
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id(name) }] }]);
        assert_eq!(app.patch(&format!("/Groups/{group}"), add).await.status, 204);
    }
    for (name, operation) in [
        ("tariq.hassan", json!({ "op": "replace", "path": "active", "value": true })),
        ("pavel.horak", json!({ "op": "replace", "path": "name.givenName", "value": "Pavel" })),
        ("dora.keller", json!({ "op": "replace", "path": "active", "value": false })),
        ("victor.amaya", json!({ "op": "replace", "path": "active", "value": false })),
    ] {
        let before = app.raw(&at(name));
        let after = app.patch(&format!("/Users/{}", id(name)), json!([operation])).await;
        assert_eq!(
            (after.status, &after.json["externalId"], &after.json[ENTERPRISE]),
            (200, &before["externalId"], &before[ENTERPRISE])
        );
    }
    for (group, op, path, value) in [
        ("grp-106", "add", "members".to_owned(), json!([{ "value": id("julia.steiner") }])),
        ("grp-105", "add", "members".to_owned(), json!([{ "value": id("camille.roy") }])),
        ("grp-103", "remove", format!("members[value eq \"{}\"]", id("gwen.marsh")), Value::Null),
    ] {
        let operations = json!([{ "op": op, "path": path, "value": value }]);
        assert_eq!(app.patch(&format!("/Groups/{group}"), operations).await.status, 204);
    }
    let lead = |group: &str| app.members(group).len();
    assert_eq!(["grp-101", "grp-102", "grp-103", "grp-104", "grp-105", "grp-106"].map(lead), [4, 8, 4, 3, 5, 9]);
    let active = app.sandbox.accounts("scim", "scim").unwrap().into_iter().filter(|account| account.status == "active");
    assert_eq!(active.count(), 30 + 3 + 1 - 2);
    assert!(app.sandbox.log().iter().filter(|request| request.method != "GET").all(|request| request.effect));
}
