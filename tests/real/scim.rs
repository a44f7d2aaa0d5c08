//! `scim2-server`, which pages by index or by cursor as its configuration says: from empty to an organisation of 200 people,
//! then changed in the files, then drifted behind our back, and each time back to an empty plan.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use serde_json::{Value, json};

use crate::{
    command::{Rosterd, verbs},
    server::{Server, http, installed},
};

const TOKEN: &str = "a-token-for-tests";

/// People with accounts.
const PEOPLE: usize = 200;

/// People in the group that all of them are in, which takes more than one request to fill.
const EVERYONE: usize = 180;

fn who(n: usize) -> String {
    format!("person{n:03}@example.com")
}

/// What the files say of the organisation.
#[derive(Default)]
struct Files {
    /// People by their number, with what their line under `people` says besides their names.
    people: BTreeMap<usize, &'static str>,
    /// Members by group.
    groups: BTreeMap<&'static str, Vec<usize>>,
    /// Groups that are to go.
    absent: Vec<&'static str>,
    /// Departments of accounts.
    departments: BTreeMap<usize, &'static str>,
    options: &'static str,
}

impl Files {
    fn first(options: &'static str) -> Self {
        Self {
            people: (0..PEOPLE).map(|n| (n, "")).collect(),
            groups: [
                ("Everyone", (0..EVERYONE).collect()),
                ("Design \"Team\"", (0..PEOPLE).step_by(5).collect()),
                ("Leads", vec![0, 50, 100]),
                ("Empty", vec![]),
            ]
            .into(),
            absent: Vec::new(),
            departments: BTreeMap::new(),
            options,
        }
    }

    fn text(&self, server: &Server) -> String {
        let mut text = format!(
            "apps:\n  directory:\n    connector: scim\n    url: {}/v2\n    auth: {{ token: {{ env: SCIM_TOKEN }} }}\n    \
             options: {}\n    policy: {{ unlisted: remove, max_creates: 1000, max_removals: 50%, min_admins: 0 }}\n    \
             defaults: {{ department: Studio, title: Colleague }}\n    accounts:\n",
            server.origin, self.options
        );
        for n in self.people.keys() {
            // One line that sets a name makes names managed.
            let given = if *n == 0 { " given_name: Given000," } else { "" };
            let department = self.departments.get(n).unwrap_or(&"Studio");
            writeln!(text, "      {}: {{{given} department: {department} }}", who(*n)).unwrap();
        }
        text += "    groups:\n";
        for (name, members) in &self.groups {
            let members: Vec<_> = members.iter().map(|n| who(*n)).collect();
            writeln!(text, "      '{name}': {{ members: [{}] }}", members.join(", ")).unwrap();
        }
        for name in &self.absent {
            writeln!(text, "      '{name}': {{ state: absent }}").unwrap();
        }
        // What was made inactive behind our back was made so by somebody else.
        text += "approvals:\n  - { allow: directory/reactivate, guard: reactivation, until: 2099-12-31 }\n";
        for name in &self.absent {
            let action = format!("directory/delete-group/{name}");
            writeln!(text, "  - {{ allow: '{action}', guard: irreversible, until: 2099-12-31 }}").unwrap();
        }
        text += "people:\n";
        for (n, more) in &self.people {
            writeln!(text, "  {}: {{ given_name: Given{n:03}, family_name: Family{n:03}{more} }}", who(*n)).unwrap();
        }
        text
    }
}

/// The server's own API, as somebody else uses it.
struct Other<'a>(&'a Server);

impl Other<'_> {
    async fn send(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}/v2{path}", self.0.origin);
        let mut request = http().request(method.parse().unwrap(), url).bearer_auth(TOKEN);
        if !body.is_null() {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {path} {body} answered {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn one(&self, kind: &str, attribute: &str, value: &str) -> Value {
        let filter: String =
            url::form_urlencoded::byte_serialize(format!("{attribute} eq {}", json!(value)).as_bytes()).collect();
        let list = self.send("GET", &format!("/{kind}?filter={filter}"), Value::Null).await;
        let found = list["Resources"].as_array().cloned().unwrap_or_default();
        assert_eq!(found.len(), 1, "{kind} with {attribute} {value}: {list}");
        found[0].clone()
    }

    async fn path(&self, kind: &str, attribute: &str, value: &str) -> String {
        format!("/{kind}/{}", self.one(kind, attribute, value).await["id"].as_str().unwrap())
    }

    async fn patch(&self, path: &str, operation: Value) {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        self.send("PATCH", path, json!({"schemas": [schema], "Operations": [operation]})).await;
    }

    async fn user(&self, n: usize) -> Value {
        self.one("Users", "userName", &who(n)).await
    }

    async fn members(&self, group: &str) -> usize {
        let path = self.path("Groups", "displayName", group).await;
        self.send("GET", &path, Value::Null).await["members"].as_array().map_or(0, Vec::len)
    }
}

/// From empty to the organisation, changed, drifted and corrected.
async fn story(pagination: Option<Value>, options: &'static str) {
    let Some(installed) = installed("scim2-server") else { return };
    let config = pagination.map(|pagination| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": true},
            "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": true, "maxResults": 1000},
            "changePassword": {"supported": false},
            "sort": {"supported": false},
            "etag": {"supported": true},
            "authenticationSchemes": [],
            "pagination": pagination,
        })
    });
    let server = installed.start("/v2/ServiceProviderConfig", |port, dir| {
        let mut command = installed.program("scim2-server");
        command.args(["--port", &port.to_string(), "--bearer-token", TOKEN]);
        if let Some(config) = &config {
            let file = dir.join("config.json");
            fs::write(&file, config.to_string()).unwrap();
            command.arg("--service-provider-config").arg(file);
        }
        command
    });
    let server = server.await;
    let rosterd = Rosterd::new(&[("SCIM_TOKEN", TOKEN)]);
    let other = Other(&server);

    let mut files = Files::first(options);
    rosterd.write(&files.text(&server));
    let members = EVERYONE + PEOPLE / 5 + 3;
    assert_eq!(rosterd.plan().await, verbs(&[("create", PEOPLE), ("create-group", 4), ("add-member", members)]));
    rosterd.apply().await;
    assert_eq!(rosterd.plan().await, verbs(&[]), "{}", server.log());
    assert_eq!(other.members("Everyone").await, EVERYONE);
    let user = other.user(7).await;
    assert_eq!((&user["active"], &user["name"]["familyName"]), (&json!(true), &json!("Family007")));

    // Somebody else keeps things there that are none of our business.
    let path = other.path("Users", "userName", &who(3)).await;
    other.patch(&path, json!({"op": "replace", "path": "externalId", "value": "idp-3"})).await;
    other.patch(&path, json!({"op": "replace", "path": "nickName", "value": "Three"})).await;

    // Changed in the files: three leave, one comes, one moves, five leave a group, and a group goes.
    for n in [10, 11, 12] {
        files.people.insert(n, ", status: left");
    }
    files.people.insert(PEOPLE, "");
    files.departments.insert(3, "Research");
    files.groups.get_mut("Everyone").unwrap().retain(|n| !(20..25).contains(n));
    files.groups.get_mut("Leads").unwrap().push(PEOPLE);
    files.groups.remove("Empty");
    files.absent.push("Empty");
    rosterd.write(&files.text(&server));
    let changes =
        [("create", 1), ("update", 1), ("deactivate", 3), ("add-member", 1), ("remove-member", 5), ("delete-group", 1)];
    assert_eq!(rosterd.plan().await, verbs(&changes));
    rosterd.apply().await;
    assert_eq!(rosterd.plan().await, verbs(&[]), "{}", server.log());
    assert_eq!(other.members("Everyone").await, EVERYONE - 5);
    assert_eq!(other.user(10).await["active"], false, "deactivated, and not deleted");
    let moved = other.user(3).await;
    assert_eq!((&moved["externalId"], &moved["nickName"]), (&json!("idp-3"), &json!("Three")));

    // Drifted: somebody is switched off, somebody is renamed, somebody is deleted, a stranger comes, somebody joins, the leads are
    // emptied, and a group is deleted.
    let off = other.path("Users", "userName", &who(30)).await;
    other.patch(&off, json!({"op": "replace", "path": "active", "value": false})).await;
    let renamed = other.path("Users", "userName", &who(31)).await;
    other.patch(&renamed, json!({"op": "replace", "path": "name.givenName", "value": "Other"})).await;
    let gone = other.path("Users", "userName", &who(32)).await;
    other.send("DELETE", &gone, Value::Null).await;
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "stranger@example.com", "active": true,
    });
    other.send("POST", "/Users", user).await;
    let everyone = other.path("Groups", "displayName", "Everyone").await;
    let joins = json!([{"value": other.user(EVERYONE + 10).await["id"]}]);
    other.patch(&everyone, json!({"op": "add", "path": "members", "value": joins})).await;
    let leads = other.path("Groups", "displayName", "Leads").await;
    other.patch(&leads, json!({"op": "remove", "path": "members"})).await;
    let design = other.path("Groups", "displayName", "Design \"Team\"").await;
    other.send("DELETE", &design, Value::Null).await;
    // The leaver who was in the group with the deleted ones is inactive and comes into no group again.
    let design = (0..PEOPLE).step_by(5).filter(|n| *n != 10).count();
    let drift = rosterd.plan().await;
    let expected = [
        ("create", 1),
        ("update", 1),
        ("reactivate", 1),
        ("deactivate", 1),
        ("create-group", 1),
        ("add-member", 4 + design + 1),
        ("remove-member", 1),
    ];
    assert_eq!(drift, verbs(&expected));
    rosterd.apply().await;
    assert_eq!(rosterd.plan().await, verbs(&[]), "{}", server.log());
    // This server keeps a deleted user among the members, beside the one who was made again.
    assert_eq!(other.members("Everyone").await, EVERYONE - 5 + 1);
    assert_eq!(other.members("Leads").await, 4);
    assert_eq!(other.user(31).await["name"]["givenName"], "Given031");
}

#[tokio::test]
async fn by_index() {
    story(None, "{}").await;
}

#[tokio::test]
async fn by_cursor_in_small_pages() {
    // Nothing tells the connector how lists are paged.
    let pagination = json!({
        "cursor": true, "index": false, "defaultPaginationMethod": "cursor", "defaultPageSize": 20, "maxPageSize": 30,
        "cursorTimeout": 3600,
    });
    story(Some(pagination), "{}").await;
}

#[tokio::test]
async fn by_put_alone_in_pages_of_any_size() {
    let pagination = json!({"cursor": true, "index": true, "defaultPaginationMethod": "index", "maxPageSize": 70});
    story(Some(pagination), "{ patch: false, member_removal: replace, page_size: 500, search: body }").await;
}
