//! What apps with users and user groups have in common: users kept as the app's own JSON objects, so that no field is
//! lost that nobody modelled, in the order in which they came; groups; and who is in which.
//!
//! `server` plays the side door for all of these apps; `refusal` holds what their APIs say no with.

mod refusal;
mod server;

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

pub(crate) use refusal::{Refusal, json, number, object, wrong_method};
pub(crate) use server::{Fields, Server};

use super::chance::Chance;

/// The users and groups of one tenant.
pub(crate) struct Roster {
    pub(crate) chance: Chance,
    pub(crate) now: Timestamp,
    new_id: fn(&Chance, &str) -> String,
    users: HashMap<String, User>,
    /// Ids by the number under which each came: the order of every list, which no deletion disturbs.
    order: BTreeMap<u64, String>,
    /// Ids by email in lower case.
    by_email: HashMap<String, String>,
    groups: BTreeMap<String, Group>,
    created: u64,
    grouped: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    /// The place in the order.
    pub(crate) number: u64,
    /// The object as reading it by its id shows it.
    pub(crate) raw: Map<String, Value>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_login: Option<Timestamp>,
    /// Group ids, in the order in which they were joined.
    memberships: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// The role that members get, where groups carry one.
    pub(crate) role: String,
    /// User ids, in the order in which they joined.
    members: Vec<String>,
}

impl User {
    /// A field's text; empty when it has none.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.raw.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn is(&self, field: &str) -> bool {
        self.raw.get(field) == Some(&Value::Bool(true))
    }

    pub(crate) fn email(&self) -> &str {
        self.text("email")
    }

    /// The named fields, as far as it has them.
    pub(crate) fn show(&self, fields: &[&str]) -> Value {
        let shown = fields.iter().filter_map(|field| Some(((*field).to_owned(), self.raw.get(*field)?.clone())));
        Value::Object(shown.collect())
    }
}

impl Group {
    pub(crate) fn members(&self) -> &[String] {
        &self.members
    }
}

impl Roster {
    /// A roster without anyone. `new_id` makes the id of a user or group from what kind it is and its number.
    pub(crate) fn new(chance: Chance, now: Timestamp, new_id: fn(&Chance, &str) -> String) -> Self {
        Self {
            chance,
            now,
            new_id,
            users: HashMap::new(),
            order: BTreeMap::new(),
            by_email: HashMap::new(),
            groups: BTreeMap::new(),
            created: 0,
            grouped: 0,
        }
    }

    /// Adds a user at the end. The caller has checked that the email is free; the id is put into the object.
    pub(crate) fn add(&mut self, mut raw: Map<String, Value>, created_at: Timestamp) -> String {
        self.created += 1;
        let id = (self.new_id)(&self.chance, &format!("user {}", self.created));
        raw.insert("id".to_owned(), Value::String(id.clone()));
        let user =
            User { id: id.clone(), number: self.created, raw, created_at, last_login: None, memberships: Vec::new() };
        self.by_email.insert(user.email().to_lowercase(), id.clone());
        self.order.insert(self.created, id.clone());
        self.users.insert(id.clone(), user);
        id
    }

    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        self.users.get(id)
    }

    /// Replaces a user's object, its email included.
    pub(crate) fn set(&mut self, id: &str, raw: Map<String, Value>) {
        let Some(user) = self.users.get_mut(id) else { return };
        let before = user.email().to_lowercase();
        user.raw = raw;
        let after = user.email().to_lowercase();
        if before != after {
            self.by_email.remove(&before);
            self.by_email.insert(after, id.to_owned());
        }
    }

    pub(crate) fn signed_in(&mut self, id: &str, at: Timestamp) {
        if let Some(user) = self.users.get_mut(id) {
            user.last_login = Some(at);
        }
    }

    /// Whose email this is, compared without case.
    pub(crate) fn owner_of(&self, email: &str) -> Option<&str> {
        self.by_email.get(&email.to_lowercase()).map(String::as_str)
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &User> {
        self.users_after(0)
    }

    /// The users who came later than the one with this number.
    pub(crate) fn users_after(&self, number: u64) -> impl Iterator<Item = &User> {
        self.order.range(number + 1..).filter_map(|(_, id)| self.users.get(id))
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<User> {
        let user = self.users.remove(id)?;
        self.order.remove(&user.number);
        self.by_email.remove(&user.email().to_lowercase());
        for group in &user.memberships {
            if let Some(group) = self.groups.get_mut(group) {
                group.members.retain(|member| member != id);
            }
        }
        Some(user)
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = (&String, &Group)> {
        self.groups.iter()
    }

    pub(crate) fn group(&self, id: &str) -> Option<&Group> {
        self.groups.get(id)
    }

    pub(crate) fn has_group_named(&self, name: &str) -> bool {
        self.groups.values().any(|group| group.name == name)
    }

    /// Adds a group under an id of the app's making.
    pub(crate) fn add_group(&mut self, name: String, role: String) -> String {
        self.grouped += 1;
        let id = (self.new_id)(&self.chance, &format!("group {}", self.grouped));
        self.put_group(&id, name, Some(role));
        id
    }

    /// Adds a group under this id, or changes the one that has it; a role that is not given stays.
    pub(crate) fn put_group(&mut self, id: &str, name: String, role: Option<String>) {
        let group = self.groups.entry(id.to_owned()).or_default();
        group.name = name;
        if let Some(role) = role {
            group.role = role;
        }
    }

    /// Removes a group and all memberships in it.
    pub(crate) fn remove_group(&mut self, id: &str) -> Option<Group> {
        let group = self.groups.remove(id)?;
        for member in &group.members {
            if let Some(user) = self.users.get_mut(member) {
                user.memberships.retain(|group| group != id);
            }
        }
        Some(group)
    }

    /// Makes a user a member; `false` when that was so before, or when there is no such user or group.
    pub(crate) fn join(&mut self, user: &str, group: &str) -> bool {
        let (Some(member), Some(joined)) = (self.users.get_mut(user), self.groups.get_mut(group)) else { return false };
        let new = !member.memberships.iter().any(|id| id == group);
        if new {
            member.memberships.push(group.to_owned());
            joined.members.push(user.to_owned());
        }
        new
    }

    /// Ends a membership; `false` when there was none.
    pub(crate) fn leave(&mut self, user: &str, group: &str) -> bool {
        let (Some(member), Some(left)) = (self.users.get_mut(user), self.groups.get_mut(group)) else { return false };
        let before = member.memberships.len();
        member.memberships.retain(|id| id != group);
        left.members.retain(|id| id != user);
        member.memberships.len() < before
    }

    /// Ends all memberships of a user; says which they were.
    pub(crate) fn leave_all(&mut self, user: &str) -> Vec<String> {
        let groups = self.memberships(user).to_vec();
        for group in &groups {
            self.leave(user, group);
        }
        groups
    }

    /// The groups a user is in.
    pub(crate) fn memberships(&self, user: &str) -> &[String] {
        self.users.get(user).map_or(&[], |user| &user.memberships)
    }
}

/// A user of an example organisation: email, names, whether active, role, groups.
pub(crate) type Row = (&'static str, (&'static str, &'static str), bool, &'static str, &'static [&'static str]);

/// When the example's user at this place came, the first one first: one every two weeks, the last of them last week.
pub(crate) fn came(now: Timestamp, position: usize, of: usize) -> Timestamp {
    let weeks = i64::try_from(2 * (of - position) - 1).unwrap_or(1);
    now - SignedDuration::from_hours(24 * 7 * weeks)
}
