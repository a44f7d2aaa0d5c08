//! A small app of our own that keeps what it is told, without refusing what other apps would: spoken to as SCIM, or as a
//! generated manifest describes it, with every kind of paging.

use serde_json::{Value, json};

use super::{
    call::{About, Call, Reply},
    dialect::Paging,
    truth::{Played, Row},
};

/// Rows on a page, where lists have pages.
const PAGE: usize = 10;

pub(super) struct Mine {
    scim: bool,
    paging: Paging,
    users: Vec<Value>,
    groups: Vec<Group>,
    next: usize,
}

struct Group {
    row: Value,
    members: Vec<String>,
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Mine {
    pub(super) fn scim() -> Self {
        Self { scim: true, paging: Paging::Whole, users: Vec::new(), groups: Vec::new(), next: 100 }
    }

    pub(super) fn rest(paging: Paging) -> Self {
        Self { scim: false, paging, users: Vec::new(), groups: Vec::new(), next: 100 }
    }

    fn address_key(&self) -> &'static str {
        if self.scim { "userName" } else { "email" }
    }

    fn name_key(&self) -> &'static str {
        if self.scim { "displayName" } else { "name" }
    }

    fn id(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}{}", self.next)
    }

    fn at(&self, id: &str) -> Option<usize> {
        self.users.iter().position(|row| row["id"] == id)
    }

    fn group_at(&self, id: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.row["id"] == id)
    }

    fn show(&self, group: &Group) -> Value {
        let mut row = group.row.clone();
        if self.scim {
            row["members"] = group.members.iter().map(|id| json!({"value": id})).collect();
        }
        row
    }

    fn addresses(&self, row: &Value) -> Vec<String> {
        let emails = row["emails"].as_array().into_iter().flatten().map(|email| text(&email["value"]));
        std::iter::once(text(&row[self.address_key()])).chain(emails).collect()
    }

    fn list(&self, call: &Call, rows: Vec<Value>, paging: Paging) -> Reply {
        let all = rows.len();
        if self.scim {
            let start = call.number("startIndex").unwrap_or(1).max(1);
            let page: Vec<_> = rows.into_iter().skip(start - 1).take(call.number("count").unwrap_or(100)).collect();
            return Reply::json(
                200,
                json!({"totalResults": all, "startIndex": start, "itemsPerPage": page.len(), "Resources": page}),
            );
        }
        let number = call.number("page").unwrap_or(1).max(1);
        let from = match paging {
            Paging::Whole => return Reply::json(200, json!({"data": rows})),
            Paging::Offset => call.number("skip").unwrap_or(0),
            _ => (number - 1) * PAGE,
        };
        let page: Vec<_> = rows.into_iter().skip(from).take(PAGE).collect();
        let more = from + page.len() < all;
        let mut reply = Reply::json(200, json!({"data": page}));
        match paging {
            Paging::Offset => reply.body["total"] = all.into(),
            Paging::Token if more => reply.body["next_page"] = (number + 1).to_string().into(),
            Paging::Link if more => reply.body["next"] = format!("/users?page={}", number + 1).into(),
            Paging::Header if more => {
                let link = format!("</users?page={}>; rel=\"next\"", number + 1);
                reply = reply.with("link", link);
            }
            _ => {}
        }
        reply
    }

    fn one_user(&mut self, call: &Call, id: &str) -> Reply {
        let Some(at) = self.at(id) else { return missing() };
        match call.method {
            "PATCH" => patch(&mut self.users[at], &call.json()),
            "PUT" => {
                self.users[at] = call.json();
                self.users[at]["id"] = id.into();
            }
            "DELETE" => {
                self.remove(id);
                return Reply::json(204, Value::Null);
            }
            _ => {}
        }
        Reply::json(200, self.users[at].clone())
    }

    fn one_group(&mut self, call: &Call, id: &str) -> Reply {
        let Some(at) = self.group_at(id) else { return missing() };
        match call.method {
            "PATCH" | "PUT" => {
                let mut whole = self.show(&self.groups[at]);
                patch(&mut whole, &call.json());
                if let Some(members) = whole.as_object_mut().and_then(|row| row.remove("members")) {
                    self.groups[at].members = ids(&members);
                }
                self.groups[at].row = whole;
            }
            "DELETE" => {
                self.groups.remove(at);
                return Reply::json(204, Value::Null);
            }
            _ => {}
        }
        Reply::json(200, self.show(&self.groups[at]))
    }

    fn members(&mut self, call: &Call, id: &str) -> Reply {
        let Some(at) = self.group_at(id) else { return missing() };
        match call.method {
            "POST" => {
                for who in call.json()["ids"].as_array().into_iter().flatten().map(text) {
                    if !self.groups[at].members.contains(&who) {
                        self.groups[at].members.push(who);
                    }
                }
                Reply::json(200, json!({}))
            }
            "DELETE" => {
                let who = call.path.rsplit('/').next().unwrap_or_default();
                let before = self.groups[at].members.len();
                self.groups[at].members.retain(|member| member != who);
                if self.groups[at].members.len() < before { Reply::json(204, Value::Null) } else { missing() }
            }
            _ => {
                let rows = self.groups[at].members.iter().map(|id| json!({"id": id})).collect();
                self.list(call, rows, Paging::Whole)
            }
        }
    }
}

impl Played for Mine {
    fn answer(&mut self, call: &Call) -> Reply {
        match (call.method, call.about()) {
            ("GET", About::Users) => self.list(call, self.users.clone(), self.paging),
            ("GET", About::Query(asked)) => {
                let is_it = |row: &&Value| self.addresses(row).iter().any(|one| one.eq_ignore_ascii_case(&asked));
                let rows = self.users.iter().filter(is_it).cloned().collect();
                self.list(call, rows, Paging::Whole)
            }
            ("GET", About::Groups) => {
                let rows = self.groups.iter().map(|group| self.show(group)).collect();
                self.list(call, rows, Paging::Whole)
            }
            ("POST", About::Users) => {
                let mut row = blank(self.scim);
                patch(&mut row, &call.json());
                row["id"] = self.id("u").into();
                self.users.push(row.clone());
                Reply::json(201, row)
            }
            ("POST", About::Groups) => {
                let (id, name) = (self.id("g"), call.json()[self.name_key()].clone());
                let row = json!({"id": id, self.name_key(): name});
                self.groups.push(Group { row, members: ids(&call.json()["members"]) });
                Reply::json(201, self.show(&self.groups[self.groups.len() - 1]))
            }
            (_, About::User(id)) => self.one_user(call, &id),
            (_, About::Group(id)) => self.one_group(call, &id),
            (_, About::Members(id)) => self.members(call, &id),
            _ => missing(),
        }
    }

    fn people(&self) -> Vec<Row> {
        let row = |user: &Value| {
            let id = text(&user["id"]);
            let groups = self.groups.iter().filter(|group| group.members.contains(&id));
            let groups = groups.map(|group| text(&group.row["id"])).collect();
            Row { active: user["active"] == true, addresses: self.addresses(user), groups, id }
        };
        self.users.iter().map(row).collect()
    }

    fn groups(&self) -> Vec<(String, String)> {
        self.groups.iter().map(|group| (text(&group.row["id"]), text(&group.row[self.name_key()]))).collect()
    }

    fn add_person(&mut self, address: &str, given: &str, active: bool) -> String {
        let mut row = blank(self.scim);
        let id = self.id("u");
        row["id"] = id.clone().into();
        row[self.address_key()] = address.into();
        row["active"] = active.into();
        if self.scim {
            row["name"] = json!({"givenName": given, "familyName": "Sim"});
        } else {
            (row["first"], row["last"]) = (given.into(), "Sim".into());
        }
        self.users.push(row);
        id
    }

    fn add_group(&mut self, id: &str, name: &str) {
        let row = json!({"id": id, self.name_key(): name});
        self.groups.push(Group { row, members: Vec::new() });
    }

    fn join(&mut self, id: &str, group: &str, _: &str) {
        let at = self.group_at(group).unwrap();
        self.groups[at].members.push(id.to_owned());
    }

    fn rename_group(&mut self, id: &str, name: &str) {
        let (at, key) = (self.group_at(id).unwrap(), self.name_key());
        self.groups[at].row[key] = name.into();
    }

    fn readdress(&mut self, id: &str, address: &str) {
        let (at, key) = (self.at(id).unwrap(), self.address_key());
        self.users[at][key] = address.into();
        if let Some(email) = self.users[at].pointer_mut("/emails/0/value") {
            *email = address.into();
        }
    }

    fn remove(&mut self, id: &str) {
        self.users.retain(|row| row["id"] != id);
        for group in &mut self.groups {
            group.members.retain(|member| member != id);
        }
    }

    fn set(&mut self, id: &str, key: &str, value: Value) {
        let at = self.at(id).unwrap();
        self.users[at][key] = value;
    }
}

fn missing() -> Reply {
    Reply::json(404, json!({"detail": "not found", "message": "not found"}))
}

/// A row with nothing in it. What a manifest names is there, because a field that a row lacks is unknown.
fn blank(scim: bool) -> Value {
    match scim {
        true => json!({"active": true}),
        false => json!({"active": true, "first": null, "last": null, "phone": null}),
    }
}

fn ids(members: &Value) -> Vec<String> {
    members.as_array().into_iter().flatten().map(|member| text(&member["value"])).collect()
}

/// SCIM's operations, or keys to replace.
fn patch(row: &mut Value, body: &Value) {
    let Some(operations) = body["Operations"].as_array() else {
        for (key, value) in body.as_object().into_iter().flatten() {
            row[key] = value.clone();
        }
        return;
    };
    for operation in operations {
        let verb = text(&operation["op"]).to_lowercase();
        let (path, value) = (operation["path"].as_str().unwrap_or_default(), &operation["value"]);
        match (verb.as_str(), path) {
            (_, "") => value.as_object().into_iter().flatten().for_each(|(key, value)| set(row, key, value.clone())),
            ("add", "members") => {
                let mut all = row["members"].as_array().cloned().unwrap_or_default();
                for member in value.as_array().into_iter().flatten() {
                    if !all.iter().any(|one| one["value"] == member["value"]) {
                        all.push(member.clone());
                    }
                }
                row["members"] = all.into();
            }
            ("remove", path) if path.starts_with("members[") => {
                let gone: Vec<_> = path.split('"').skip(1).step_by(2).map(str::to_owned).collect();
                let all = row["members"].as_array().cloned().unwrap_or_default();
                row["members"] = all.into_iter().filter(|one| !gone.contains(&text(&one["value"]))).collect();
            }
            ("remove", path) => drop(row.as_object_mut().map(|row| row.remove(path))),
            (_, path) => set(row, path, value.clone()),
        }
    }
}

fn set(row: &mut Value, path: &str, value: Value) {
    match path.split_once('.') {
        Some((outer, inner)) if !path.contains(':') => {
            if !row[outer].is_object() {
                row[outer] = json!({});
            }
            row[outer][inner] = value;
        }
        _ => row[path] = value,
    }
}
