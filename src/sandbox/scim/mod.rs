//! A SCIM 2.0 service provider (RFC 7643, 7644 and 9865), strict unless told otherwise: each known deviation of real
//! servers is a quirk of its own. Where the RFCs leave a choice, this is what was decided:
//!
//! | question | decision |
//! |---|---|
//! | attributes that no schema knows | kept and shown, like those of an extension |
//! | `active` missing on create | true |
//! | `active` missing in a PUT | false, and every other attribute that is missing is cleared |
//! | answer to a PATCH | 200 with the user; 204 for a group |
//! | `remove` of `members` with a `value` | removes those members, as most servers do |
//! | `remove` of somebody who is no member | succeeds and changes nothing |
//! | two groups with one `displayName` | allowed; the schema does not forbid it |
//! | filters | `eq` and `and`, over `userName`, `externalId`, `displayName`, `id`; all else is `invalidFilter` |
//! | a page without `count` | 100 rows; more than 200 are never given |
//! | order | as created |
//! | `members` of an empty group | shown, as an empty list |
//! | a change that changes nothing | the version stays |
//! | who may call | the client secret as a static token, or tokens from `/oauth/token` |

mod api;
mod discovery;
mod drift;
mod example;
mod filter;
mod patch;
mod query;
mod show;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    app::{Answer, Body},
    chance::Chance,
    clock,
    config::Config,
    entry::{Entry, Family, per_minute},
    quirks::{Quirk, Quirks, quirk},
};

const QUIRKS: &[Quirk] = &[
    quirk("put-only", "PATCH is not supported"),
    quirk("no-group-put", "groups cannot be replaced by PUT"),
    quirk("cursor-paging", "lists are paged by cursor, also where none was asked for; startIndex is ignored"),
    quirk("cursor-repeats", "a cursor leads to the page it came with, for ever"),
    quirk("cursor-expires-once", "the first cursor that is used has expired already"),
    quirk("no-etag", "no versions; If-Match is ignored"),
    quirk("filter-ignored", "a filter is ignored: everything is listed"),
    quirk("start-index-ignored", "every page is the first"),
    quirk("count-clamped", "a page has at most 10 rows"),
    quirk("total-is-page-size", "totalResults is the number of rows on the page"),
    quirk("total-too-high", "totalResults counts three rows that do not exist"),
    quirk("list-truncated", "lists end after 10 rows; totalResults tells the truth"),
    quirk("string-booleans", "active is shown as `True` or `False`, and accepted so"),
    quirk("string-totals", "the numbers of a list answer are strings"),
    quirk("members-missing-in-list", "groups are listed without members"),
    quirk("empty-members-omitted", "a group without members is shown without the attribute"),
    quirk("members-on-request", "members are only shown where `attributes` names them"),
    quirk("members-truncated", "groups are listed with their first 5 members"),
    quirk("remove-with-value-empties-group", "`remove` of `members` ignores its value and removes everyone"),
    quirk("delete-deactivates", "DELETE makes a user inactive"),
    quirk("delete-keeps-name", "the userName of a deleted user stays taken"),
    quirk("create-adopts", "creating a user who exists answers 200 with that user"),
    quirk("patch-empty-200", "the answer to a PATCH is 200 without a body"),
    quirk("lower-case-usernames", "userName is shown in lower case"),
    quirk("no-discovery", "the three discovery endpoints do not exist"),
    quirk("html-errors", "errors are HTML pages"),
    quirk("slow-index", "a created user is missing in lists for a while (Config::index_delay)"),
    quirk("max-patch-members-100", "a PATCH changes at most 100 members, never all, and little else"),
    quirk("resource-type-plural", "meta.resourceType is `Users` or `Groups`"),
    quirk("no-resources-when-empty", "a list without rows has no Resources"),
    quirk("nested-groups", "groups can be members of groups"),
];

/// SCIM names no limits. This one is far above what a careful client needs, and says nothing until it is exceeded.
const QUOTAS: &[Family] =
    &[Family { name: "all", takes: |_| true, quota: per_minute(1000), told: false, per_client: false }];

pub(super) const ENTRY: Entry = Entry {
    connector: "scim",
    quirks: QUIRKS,
    quotas: QUOTAS,
    start: |chance, config, example, now| Box::new(Scim::new(chance, config, example, now)),
};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The users and groups of one tenant.
struct Scim {
    chance: Chance,
    quirks: Quirks,
    now: Timestamp,
    index_delay: Duration,
    cursor_life: Duration,
    time_scale: f64,
    users: Resources,
    groups: Resources,
    /// User ids by userName in lower case.
    by_name: HashMap<String, String>,
    /// userNames in lower case that deleted users left behind.
    tombstones: HashSet<String>,
    cursors: HashMap<String, query::Cursor>,
    issued_cursors: u64,
    /// Whether a cursor was refused as expired before its time.
    cursor_refused: bool,
    created: u64,
}

/// The resources of one kind, in the order of their creation.
#[derive(Default)]
struct Resources {
    order: Vec<String>,
    by_id: HashMap<String, Resource>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Group,
}

/// A user or a group.
#[derive(Debug, Clone)]
struct Resource {
    id: String,
    /// Its place in the order, for cursors.
    ordinal: u64,
    created: Timestamp,
    modified: Timestamp,
    version: u64,
    /// Every attribute that a client can write.
    body: Map<String, Value>,
}

impl Resource {
    fn text(&self, attribute: &str) -> Option<&str> {
        self.body.get(attribute).and_then(Value::as_str)
    }

    fn is_active(&self) -> bool {
        self.body.get("active") == Some(&Value::Bool(true))
    }

    /// The ids of a group's members, in their order.
    fn members(&self) -> impl Iterator<Item = &str> {
        let members = self.body.get("members").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        members.iter().filter_map(|member| member["value"].as_str())
    }
}

impl Kind {
    fn schema(self) -> &'static str {
        match self {
            Kind::User => USER,
            Kind::Group => GROUP,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
        }
    }

    fn endpoint(self) -> &'static str {
        match self {
            Kind::User => "Users",
            Kind::Group => "Groups",
        }
    }

    /// Attributes that clients cannot write.
    fn read_only(self) -> &'static [&'static str] {
        match self {
            Kind::User => &["id", "meta", "groups"],
            Kind::Group => &["id", "meta"],
        }
    }
}

impl Scim {
    fn new(chance: Chance, config: &Config, with_example: bool, now: Timestamp) -> Self {
        let mut app = Self {
            chance,
            quirks: Quirks::default(),
            now,
            index_delay: config.index_delay,
            cursor_life: config.page_token_life,
            time_scale: config.time_scale,
            users: Resources::default(),
            groups: Resources::default(),
            by_name: HashMap::new(),
            tombstones: HashSet::new(),
            cursors: HashMap::new(),
            issued_cursors: 0,
            cursor_refused: false,
            created: 0,
        };
        if with_example {
            example::fill(&mut app);
        }
        app
    }

    fn all(&self, kind: Kind) -> &Resources {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }

    fn all_mut(&mut self, kind: Kind) -> &mut Resources {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
        }
    }

    /// Adds a resource whose body has been checked; returns its id.
    fn insert(&mut self, kind: Kind, id: Option<String>, body: Map<String, Value>, created: Timestamp) -> String {
        self.created += 1;
        let id = id.unwrap_or_else(|| self.chance.uuid(kind.name(), &self.created.to_string()));
        if let (Kind::User, Some(name)) = (kind, body.get("userName").and_then(Value::as_str)) {
            self.by_name.insert(name.to_lowercase(), id.clone());
        }
        let ordinal = self.created;
        let resource = Resource { id: id.clone(), ordinal, created, modified: created, version: 1, body };
        let all = self.all_mut(kind);
        all.order.push(id.clone());
        all.by_id.insert(id.clone(), resource);
        id
    }

    /// Gives a resource another body, which has been checked; says whether that changed anything.
    fn set_body(&mut self, kind: Kind, id: &str, body: Map<String, Value>) -> bool {
        let now = self.now;
        let Some(resource) = self.all_mut(kind).by_id.get_mut(id) else { return false };
        if resource.body == body {
            return false;
        }
        let old_name = resource.text("userName").map(str::to_lowercase);
        resource.body = body;
        resource.version += 1;
        resource.modified = now;
        let name = resource.text("userName").map(str::to_lowercase);
        if let (Kind::User, Some(old), Some(new)) = (kind, old_name, name) {
            self.by_name.remove(&old);
            self.by_name.insert(new, id.to_owned());
        }
        true
    }

    /// Removes a resource, and a member from every group it is in.
    fn remove(&mut self, kind: Kind, id: &str) -> Option<Resource> {
        let all = self.all_mut(kind);
        let resource = all.by_id.remove(id)?;
        all.order.retain(|other| other != id);
        if let (Kind::User, Some(name)) = (kind, resource.text("userName").map(str::to_lowercase)) {
            self.by_name.remove(&name);
        }
        let groups: Vec<String> = self.groups.order.clone();
        for group in groups {
            self.change_members(&group, |members| members.retain(|member| member["value"] != id));
        }
        Some(resource)
    }

    fn change_members(&mut self, group: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let Some(resource) = self.groups.by_id.get(group) else { return };
        let mut body = resource.body.clone();
        let mut members = match body.shift_remove("members") {
            Some(Value::Array(members)) => members,
            _ => Vec::new(),
        };
        change(&mut members);
        if !members.is_empty() {
            body.insert("members".to_owned(), Value::Array(members));
        }
        self.set_body(Kind::Group, group, body);
    }
}

/// A user's address: the userName where it is one, else the primary or first of the emails.
fn email(user: &Resource) -> &str {
    let name = user.text("userName").unwrap_or_default();
    if name.contains('@') {
        return name;
    }
    let emails = user.body.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let primary = emails.iter().find(|email| email["primary"] == true).or(emails.first());
    primary.and_then(|email| email["value"].as_str()).unwrap_or(name)
}

/// What a user starts with, as a client would have sent it.
fn user_body(user_name: &str, given: Option<&str>, family: Option<&str>, active: bool) -> Map<String, Value> {
    let mut body = json!({ "schemas": [USER], "userName": user_name });
    if given.is_some() || family.is_some() {
        body["name"] = json!({});
        for (field, value) in [("givenName", given), ("familyName", family)] {
            if let Some(value) = value {
                body["name"][field] = json!(value);
            }
        }
    }
    body["emails"] = json!([{ "value": user_name, "type": "work", "primary": true }]);
    body["active"] = json!(active);
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

impl Scim {
    /// The last touch to every answer: the media type, and errors as pages where they are.
    fn dress(&self, answer: Answer) -> Answer {
        const PAGE: &str = "<!doctype html><html><head><title>Error</title></head><body><h1>Error</h1></body></html>";
        if answer.status >= 400 && self.quirks.has("html-errors") {
            return Answer { body: Body::Html(PAGE), ..answer };
        }
        match answer.body {
            Body::Json(_) => answer.with("content-type", "application/scim+json"),
            _ => answer,
        }
    }

    /// When what was created at this time appears in lists.
    fn indexed_at(&self, created: Timestamp) -> Timestamp {
        if self.quirks.has("slow-index") {
            clock::later(created, self.index_delay).unwrap_or(Timestamp::MAX)
        } else {
            created
        }
    }
}
