//! A server's own API, as somebody else uses it.

use serde_json::{Value, json};

use super::kind::{Kind, TOKEN};
use crate::server::{Server, http};

pub(super) struct Other<'a> {
    pub(super) server: &'a Server,
    pub(super) kind: &'a Kind,
}

impl Other<'_> {
    pub(super) async fn send(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}{}{path}", self.server.origin, self.kind.base);
        let mut request = http().request(method.parse().unwrap(), url).bearer_auth(TOKEN);
        if !body.is_null() {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {path} {body} answered {status}: {text}\n{}", self.server.log());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        let list = self.send("GET", path, Value::Null).await;
        list["Resources"].as_array().cloned().unwrap_or_default()
    }

    async fn asked(&self, kind: &str, attribute: &str, value: &str) -> Vec<Value> {
        let filter = format!("{attribute} eq {}", json!(value));
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        self.list(&format!("/{kind}?filter={filter}")).await
    }

    /// Those users whose name is `name`, up to case where the server takes it so.
    pub(super) async fn named(&self, name: &str) -> Vec<Value> {
        self.asked("Users", "userName", name).await
    }

    /// The one user of that name.
    pub(super) async fn user(&self, name: &str) -> Value {
        let found = self.named(name).await;
        let [user] = &found[..] else { panic!("users of the name {name}: {found:?}") };
        user.clone()
    }

    pub(super) async fn user_path(&self, name: &str) -> String {
        format!("/Users/{}", self.user(name).await["id"].as_str().unwrap())
    }

    pub(super) async fn group_path(&self, name: &str) -> String {
        let mut found = if self.kind.finds_groups {
            self.asked("Groups", "displayName", name).await
        } else {
            self.list("/Groups").await
        };
        found.retain(|group| group["displayName"] == name);
        let [group] = &found[..] else { panic!("groups of the name {name}: {found:?}") };
        format!("/Groups/{}", group["id"].as_str().unwrap())
    }

    pub(super) async fn members(&self, group: &str) -> Vec<Value> {
        let path = self.group_path(group).await;
        self.send("GET", &path, Value::Null).await["members"].as_array().cloned().unwrap_or_default()
    }

    /// Makes a user who has nothing but a name and an address.
    pub(super) async fn create(&self, name: &str) {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true,
            "emails": [{"value": name, "primary": true}],
        });
        self.send("POST", "/Users", user).await;
    }

    /// Writes a user as a whole, with one attribute changed: every server knows PUT, and what each takes in a PATCH differs.
    pub(super) async fn put(&self, name: &str, pointer: &str, value: Value) {
        let path = self.user_path(name).await;
        let mut user = self.send("GET", &path, Value::Null).await;
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        user.pointer_mut(parent).unwrap()[key] = value;
        self.send("PUT", &path, user).await;
    }

    /// Puts a user into a group.
    pub(super) async fn join(&self, group: &str, name: &str) {
        let value = json!([{"value": self.user(name).await["id"]}]);
        self.patch(group, json!({"op": "add", "path": "members", "value": value})).await;
    }

    /// Takes everybody out of a group.
    pub(super) async fn empty(&self, group: &str) {
        let mut operation = json!({"op": "remove", "path": "members"});
        if self.kind.removes_by_value {
            let members = self.members(group).await;
            operation["value"] = members.iter().map(|member| json!({"value": member["value"]})).collect();
        }
        self.patch(group, operation).await;
    }

    async fn patch(&self, group: &str, operation: Value) {
        let path = self.group_path(group).await;
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        self.send("PATCH", &path, json!({"schemas": [schema], "Operations": [operation]})).await;
    }
}
