//! Resources and errors as JSON.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Kind, Resource, Scim};
use crate::sandbox::app::{Answer, Request};

/// Which attributes a client wants to see, in lower case and without those below them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wanted {
    pub(super) only: Vec<String>,
    pub(super) without: Vec<String>,
}

impl Wanted {
    /// From comma-separated lists of attributes.
    pub(super) fn new(only: Option<&str>, without: Option<&str>) -> Self {
        let names = |list: Option<&str>| {
            let names = list.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
            // `name.givenName` and `emails[type eq "work"]` are shown with all of what they belong to.
            names.map(|name| name.split(['.', '[']).next().unwrap_or(name).to_lowercase()).collect()
        };
        Self { only: names(only), without: names(without) }
    }

    fn shows(&self, attribute: &str) -> bool {
        let attribute = attribute.to_lowercase();
        if ["id", "schemas"].contains(&attribute.as_str()) {
            return true;
        }
        (self.only.is_empty() || self.only.contains(&attribute)) && !self.without.contains(&attribute)
    }
}

/// The groups each user is directly in: ids and names.
pub(super) type GroupsOf<'a> = HashMap<&'a str, Vec<&'a Resource>>;

pub(super) fn groups_of(app: &Scim) -> GroupsOf<'_> {
    let mut found = GroupsOf::new();
    for group in app.groups.order.iter().filter_map(|id| app.groups.by_id.get(id)) {
        for member in group.members() {
            found.entry(member).or_default().push(group);
        }
    }
    found
}

/// A resource without anything that depends on the request or the quirks.
pub(super) fn whole(kind: Kind, resource: &Resource, groups: &GroupsOf<'_>) -> Map<String, Value> {
    let mut shown = Map::from_iter([("id".to_owned(), json!(resource.id))]);
    shown.extend(resource.body.clone());
    if kind == Kind::Group {
        shown.entry("members").or_insert_with(|| json!([]));
    }
    // A password is written, never shown.
    shown.shift_remove("password");
    if let (Kind::User, Some(groups)) = (kind, groups.get(resource.id.as_str())) {
        let row =
            |group: &&Resource| json!({ "value": group.id, "display": group.text("displayName"), "type": "direct" });
        shown.insert("groups".to_owned(), groups.iter().map(row).collect());
    }
    shown.insert(
        "meta".to_owned(),
        json!({
            "resourceType": kind.name(),
            "created": resource.created,
            "lastModified": resource.modified,
            "version": version(resource),
        }),
    );
    shown
}

pub(super) fn version(resource: &Resource) -> String {
    format!("W/\"{}\"", resource.version)
}

/// How many members a list shows where it truncates them.
const SHOWN_MEMBERS: usize = 5;

/// A resource as a client sees it.
pub(super) fn resource(
    app: &Scim,
    request: &Request,
    kind: Kind,
    resource: &Resource,
    groups: &GroupsOf<'_>,
    wanted: &Wanted,
    in_list: bool,
) -> Value {
    let on = |quirk: &str| app.quirks.has(quirk);
    let mut shown = whole(kind, resource, groups);
    shown["meta"]["location"] = json!(location(app, request, kind, &resource.id));
    if on("no-etag")
        && let Some(meta) = shown["meta"].as_object_mut()
    {
        meta.shift_remove("version");
    }
    if on("resource-type-plural") {
        shown["meta"]["resourceType"] = json!(kind.endpoint());
    }
    if let (true, Some(active)) = (on("string-booleans"), shown.get_mut("active")) {
        *active = json!(if *active == true { "True" } else { "False" });
    }
    if let (true, Some(Value::String(name))) = (on("lower-case-usernames"), shown.get_mut("userName")) {
        *name = name.to_lowercase();
    }
    if on("empty-members-omitted") && shown.get("members").is_some_and(|members| *members == json!([])) {
        shown.shift_remove("members");
    }
    let asked = wanted.only.iter().any(|name| name == "members");
    if on("members-on-request") && !asked || on("members-missing-in-list") && in_list {
        shown.shift_remove("members");
    }
    if on("members-truncated")
        && in_list
        && let Some(members) = shown.get_mut("members").and_then(Value::as_array_mut)
    {
        members.truncate(SHOWN_MEMBERS);
    }
    shown.retain(|attribute, _| wanted.shows(attribute));
    Value::Object(shown)
}

/// The address of a resource, by the host the client used.
pub(super) fn location(app: &Scim, request: &Request, kind: Kind, id: &str) -> String {
    let host = request.header("host").unwrap_or("localhost");
    format!("http://{host}{}/{}/{id}", app.chance.base(), kind.endpoint())
}

/// An error in SCIM's form; its status is a string there.
pub(super) fn error(status: u16, scim_type: Option<&str>, detail: &str) -> Answer {
    let mut body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string() });
    if let Some(scim_type) = scim_type {
        body["scimType"] = json!(scim_type);
    }
    body["detail"] = json!(detail);
    Answer::json(status, body)
}

pub(super) fn bad(scim_type: &str, detail: &str) -> Answer {
    error(400, Some(scim_type), detail)
}
