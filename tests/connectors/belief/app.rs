//! An app that keeps what it is told, spoken to as SCIM or as a manifest describes it. What a test wants otherwise, it says in
//! hooks.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::support::{Answer, Call, Server, json_answer, serve, status_answer};

/// How an app is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Scim,
    Rest,
}

pub(super) const BOTH: [Dialect; 2] = [Dialect::Scim, Dialect::Rest];

/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    Users,
    Groups,
    Members,
}

/// How a query by address compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Find {
    /// As identities do.
    IgnoresCase,
    Exact,
    /// Whoever has the text anywhere in the address.
    Contains,
    /// Nobody, whatever is asked.
    Nobody,
}

#[derive(Debug, Clone)]
pub(super) struct Group {
    pub row: Value,
    pub members: Vec<String>,
}

/// What the app holds.
#[derive(Debug, Clone)]
pub(super) struct State {
    dialect: Dialect,
    pub users: Vec<Value>,
    pub groups: Vec<Group>,
    pub find: Find,
    next: usize,
}

type Before = Box<dyn Fn(&Call, &mut State) -> Option<Answer> + Send + Sync>;
type Listed = Box<dyn Fn(&Call, Rows, Vec<Value>) -> Option<Answer> + Send + Sync>;
type After = Box<dyn Fn(&Call, Answer) -> Answer + Send + Sync>;

/// What an app does otherwise.
#[derive(Default)]
pub(super) struct Hooks {
    /// Answers in the app's place.
    pub before: Option<Before>,
    /// Shows a list in another way.
    pub listed: Option<Listed>,
    /// Changes an answer.
    pub after: Option<After>,
}

pub(super) struct App {
    pub server: Server,
    state: Arc<Mutex<State>>,
}

impl App {
    pub(super) async fn start(state: State, hooks: Hooks) -> Self {
        let state = Arc::new(Mutex::new(state));
        let kept = state.clone();
        let server = serve(move |call| kept.lock().unwrap().play(call, &hooks)).await;
        Self { server, state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// The body of an answer, changed.
pub(super) fn changed(answer: Answer, change: impl Fn(&mut Value)) -> Answer {
    match answer {
        Answer::Json(status, mut body) => {
            change(&mut body);
            Answer::Json(status, body)
        }
        other => other,
    }
}

/// An answer with these headers.
pub(super) fn headed(answer: Answer, headers: &[(&str, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    match answer {
        Answer::Json(status, body) => Answer::Raw(status, headers, body.to_string()),
        other => panic!("{other:?} takes no headers"),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl State {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, users: Vec::new(), groups: Vec::new(), find: Find::IgnoresCase, next: 100 }
    }

    fn address_key(&self) -> &'static str {
        match self.dialect {
            Dialect::Scim => "userName",
            Dialect::Rest => "email",
        }
    }

    pub(super) fn name_key(&self) -> &'static str {
        match self.dialect {
            Dialect::Scim => "displayName",
            Dialect::Rest => "name",
        }
    }

    /// Adds an account behind our back.
    pub(super) fn add_user(&mut self, id: &str, email: &str) {
        let mut row = self.blank_user();
        row["id"] = id.into();
        row[self.address_key()] = email.into();
        self.users.push(row);
    }

    /// A row with nothing in it. What a manifest names is there, because a field that a row lacks is unknown.
    fn blank_user(&self) -> Value {
        match self.dialect {
            Dialect::Scim => json!({"active": true}),
            Dialect::Rest => json!({"active": true, "first": null, "last": null, "phone": null}),
        }
    }

    pub(super) fn add_group(&mut self, id: &str, name: &str, members: &[&str]) {
        let row = json!({"id": id, self.name_key(): name});
        self.groups.push(Group { row, members: members.iter().map(|id| (*id).to_owned()).collect() });
    }

    pub(super) fn user(&mut self, id: &str) -> &mut Value {
        self.users.iter_mut().find(|row| row["id"] == id).unwrap_or_else(|| panic!("there is no user {id}"))
    }

    pub(super) fn group(&mut self, id: &str) -> &mut Group {
        self.groups.iter_mut().find(|group| group.row["id"] == id).unwrap_or_else(|| panic!("there is no group {id}"))
    }

    pub(super) fn is_active(&self, id: &str) -> bool {
        self.users.iter().any(|row| row["id"] == id && row["active"] == true)
    }

    pub(super) fn members(&self, id: &str) -> Vec<String> {
        self.groups.iter().find(|group| group.row["id"] == id).unwrap().members.clone()
    }

    fn id(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}{}", self.next)
    }

    fn play(&mut self, call: &Call, hooks: &Hooks) -> Answer {
        let early = hooks.before.as_ref().and_then(|before| before(call, self));
        let answer = early.unwrap_or_else(|| self.answer(call, hooks));
        match &hooks.after {
            Some(after) => after(call, answer),
            None => answer,
        }
    }

    fn answer(&mut self, call: &Call, hooks: &Hooks) -> Answer {
        let parts: Vec<_> = call.path.split('/').skip(1).map(str::to_owned).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let kind = parts[0].to_lowercase();
        match (call.method.as_str(), kind.as_str(), &parts[1..]) {
            ("GET", "users", []) => {
                let rows = self.users.iter().filter(|row| self.is_asked_for(call, row)).cloned().collect();
                self.list(call, Rows::Users, rows, hooks)
            }
            ("GET", "groups", []) => {
                let rows = self.groups.iter().filter(|group| self.is_named(call, group)).map(|group| self.show(group));
                let rows = rows.collect();
                self.list(call, Rows::Groups, rows, hooks)
            }
            ("GET", "groups", [id, "members"]) => match self.find_group(id) {
                Some(at) => {
                    let rows = self.groups[at].members.iter().map(|id| json!({"id": id})).collect();
                    self.list(call, Rows::Members, rows, hooks)
                }
                None => status_answer(404),
            },
            ("POST", "users", []) => self.create_user(call),
            ("POST", "groups", []) => self.create_group(call),
            ("POST", "groups", [id, "members"]) => self.join(call, id),
            ("DELETE", "groups", [id, "members", who]) => match self.find_group(id) {
                Some(at) if self.groups[at].members.iter().any(|member| member == who) => {
                    self.groups[at].members.retain(|member| member != who);
                    Answer::Text(204, "")
                }
                _ => status_answer(404),
            },
            (method, "users", [id]) => self.one_user(method, id, call),
            (method, "groups", [id]) => self.one_group(method, id, call),
            _ => status_answer(404),
        }
    }

    /// Whether a query, if there is one, finds this user.
    fn is_asked_for(&self, call: &Call, row: &Value) -> bool {
        let Some((key, asked)) = asked(call) else { return true };
        let of = |key: &str| row.get(key).map(text).into_iter().collect::<Vec<_>>();
        let values = match key.as_str() {
            "emails" | "emails.value" => {
                let emails = row["emails"].as_array().cloned().unwrap_or_default();
                emails.iter().map(|email| text(&email["value"])).collect()
            }
            "email" | "userName" => of(self.address_key()),
            other => of(other),
        };
        values.iter().any(|value| match self.find {
            Find::IgnoresCase => value.to_lowercase() == asked.to_lowercase(),
            Find::Exact => *value == asked,
            Find::Contains => value.to_lowercase().contains(&asked.to_lowercase()),
            Find::Nobody => false,
        })
    }

    fn is_named(&self, call: &Call, group: &Group) -> bool {
        asked(call).is_none_or(|(_, name)| text(&group.row[self.name_key()]) == name)
    }

    fn show(&self, group: &Group) -> Value {
        let mut row = group.row.clone();
        if self.dialect == Dialect::Scim {
            let members: Vec<_> = group.members.iter().map(|id| json!({"value": id})).collect();
            row["members"] = members.into();
        }
        row
    }

    fn list(&self, call: &Call, what: Rows, rows: Vec<Value>, hooks: &Hooks) -> Answer {
        if let Some(listed) = &hooks.listed
            && let Some(answer) = listed(call, what, rows.clone())
        {
            return answer;
        }
        match self.dialect {
            Dialect::Rest => json_answer(200, json!({"data": rows})),
            Dialect::Scim => {
                let number = |name: &str| call.query.get(name).and_then(|value| value.parse::<usize>().ok());
                let (start, count) = (number("startIndex").unwrap_or(1).max(1), number("count").unwrap_or(100));
                let page: Vec<_> = rows.iter().skip(start - 1).take(count).collect();
                let body = json!({"totalResults": rows.len(), "startIndex": start, "itemsPerPage": page.len(),
                                  "Resources": page});
                json_answer(200, body)
            }
        }
    }

    fn create_user(&mut self, call: &Call) -> Answer {
        let address = text(&call.body[self.address_key()]).to_lowercase();
        if self.users.iter().any(|row| text(&row[self.address_key()]).to_lowercase() == address) {
            return json_answer(409, json!({"detail": "it exists already", "message": "it exists already"}));
        }
        let mut row = self.blank_user();
        for (key, value) in call.body.as_object().into_iter().flatten() {
            row[key] = value.clone();
        }
        row["id"] = self.id("u").into();
        self.users.push(row.clone());
        json_answer(201, row)
    }

    fn create_group(&mut self, call: &Call) -> Answer {
        let name = &call.body[self.name_key()];
        if self.groups.iter().any(|group| group.row[self.name_key()] == *name) {
            return json_answer(409, json!({"detail": "it exists already", "message": "it exists already"}));
        }
        let id = self.id("g");
        let group = Group { row: json!({"id": id, self.name_key(): name}), members: ids(&call.body["members"]) };
        let shown = self.show(&group);
        self.groups.push(group);
        json_answer(201, shown)
    }

    fn join(&mut self, call: &Call, id: &str) -> Answer {
        let Some(at) = self.find_group(id) else { return status_answer(404) };
        let joining: Vec<_> = call.body["ids"].as_array().into_iter().flatten().map(text).collect();
        for who in joining {
            if !self.groups[at].members.contains(&who) {
                self.groups[at].members.push(who);
            }
        }
        json_answer(200, json!({}))
    }

    fn find_group(&self, id: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.row["id"] == id)
    }

    fn one_user(&mut self, method: &str, id: &str, call: &Call) -> Answer {
        let Some(at) = self.users.iter().position(|row| row["id"] == id) else { return status_answer(404) };
        match method {
            "GET" => {}
            "PUT" => {
                self.users[at] = call.body.clone();
                self.users[at]["id"] = id.into();
            }
            "PATCH" => patch(&mut self.users[at], &call.body),
            _ => {
                self.users.remove(at);
                for group in &mut self.groups {
                    group.members.retain(|member| member != id);
                }
                return Answer::Text(204, "");
            }
        }
        json_answer(200, self.users[at].clone())
    }

    fn one_group(&mut self, method: &str, id: &str, call: &Call) -> Answer {
        let Some(at) = self.find_group(id) else { return status_answer(404) };
        match method {
            "GET" => {}
            "PUT" => {
                self.groups[at].members = ids(&call.body["members"]);
                let name = self.name_key();
                self.groups[at].row[name] = call.body[name].clone();
            }
            "PATCH" => {
                let mut whole = self.show(&self.groups[at]);
                patch(&mut whole, &call.body);
                if self.dialect == Dialect::Scim {
                    self.groups[at].members = ids(&whole["members"]);
                    whole.as_object_mut().unwrap().remove("members");
                }
                self.groups[at].row = whole;
            }
            _ => {
                self.groups.remove(at);
                return Answer::Text(204, "");
            }
        }
        json_answer(200, self.show(&self.groups[at]))
    }
}

fn ids(members: &Value) -> Vec<String> {
    members.as_array().into_iter().flatten().map(|member| text(&member["value"])).collect()
}

/// The attribute and the value of a query.
fn asked(call: &Call) -> Option<(String, String)> {
    if let Some(filter) = call.query.get("filter") {
        let (key, rest) = filter.split_once(" eq ")?;
        return Some((key.to_owned(), serde_json::from_str(rest).unwrap_or_else(|_| rest.to_owned())));
    }
    call.query.get("email").map(|email| ("email".to_owned(), email.clone()))
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
        let value = &operation["value"];
        let path = operation["path"].as_str().unwrap_or_default();
        match (verb.as_str(), path) {
            (_, "") => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    set(row, key, value.clone());
                }
            }
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
                let kept = all.into_iter().filter(|member| !gone.contains(&text(&member["value"])));
                row["members"] = kept.collect();
            }
            ("remove", path) => {
                row.as_object_mut().unwrap().remove(path);
            }
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
