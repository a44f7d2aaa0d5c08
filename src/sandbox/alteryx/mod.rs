//! Alteryx Server's user management, in both of its dialects: `guide` is what the guide describes (`/api/v3`), `webapi`
//! what the vendor's own pages do (`/webapi/v3`). Beware of DELETE: in the guide it deactivates, at the vendor it destroys.
//!
//! Where the guide is silent, this is what was decided:
//!
//! | question | decision |
//! |---|---|
//! | what a PUT does to fields it leaves out | flags become false, other optional fields null; `isActive` becomes true, as the guide's example shows |
//! | required fields left out of a PUT | 400 |
//! | `id`, `dateAdded`, `dateUpdated` in a PUT | fine as they are, 400 with any other value |
//! | fields nobody knows, in any body | 400 |
//! | duplicate email on create, or by PUT | 409, or 400 by quirk; an inactive user's email is not free |
//! | status of an answer to a create | 200 in the guide's dialect, 201 at the vendor |
//! | `count` in a list | the rows on the page, or the total by quirk |
//! | a `pageSize` above 100 | taken as 100 |
//! | `search` | partial, without case, over names and email |
//! | reading an inactive user, listing one | goes, as long as no quirk hides them |
//! | DELETE of an inactive user | 200 `{}`; changes nothing |
//! | memberships of a user deactivated by PUT, or by the guide's DELETE | kept |
//! | adding a member again | 200; changes nothing |
//! | removing one who is no member | 404 |
//! | a second group of the same name | 409 |
//! | deleting a group that has members | goes in the guide's dialect; at the vendor 400 without `forceDelete=true` |
//! | requests at once | 4, then 429: such a server is somebody's own machine |
//! | the owner of the API key is inactive or no server admin any more | 403 for everything (example organisation) |

mod example;
mod guide;
mod users;
mod webapi;

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    app::{Answer, App, ClientAuth, DriftError, OAuth, Request},
    chance::Chance,
    config::Quota,
    entry::{Entry, Family},
    quirks::Quirks,
    roster::{Fields, Refusal, Roster, Row, Server, User},
};
use users::Field;

/// One Alteryx Server.
struct Alteryx {
    dialect: &'static Dialect,
    roster: Roster,
    quirks: Quirks,
    /// How many workflows users own, where they own any.
    owned: HashMap<String, u64>,
    /// Whose key the clients use, where that is known.
    key_owner: Option<String>,
}

/// What the two dialects do not share.
struct Dialect {
    token_path: &'static str,
    /// The users' fields.
    fields: &'static [Field],
    /// Fields that only the server writes.
    fixed: &'static [&'static str],
    created: &'static str,
    updated: Option<&'static str>,
    roles: &'static [&'static str],
    /// The role of a user of whom none is given, where that is allowed.
    default_role: Option<&'static str>,
    /// The role that a key's owner must have.
    server_admin: &'static str,
    /// The role of a group that the side door adds.
    group_role: &'static str,
    route: fn(&mut Alteryx, &Request) -> Result<Answer, Refusal>,
    groups: &'static [(&'static str, &'static str, &'static str)],
    example: &'static [Row],
    /// What sets the example's people apart beyond the usual fields.
    extras: &'static [(&'static str, &'static [(&'static str, &'static str)])],
}

/// No limit is published; only what is in flight at once is bounded, and no header tells of it.
const QUOTAS: &[Family] = &[Family {
    name: "all",
    takes: |_| true,
    quota: Quota { requests: u32::MAX, window: Duration::from_secs(60), concurrency: 4 },
    told: false,
    per_client: false,
}];

/// Server as its guide describes it.
pub(crate) const GUIDE: Entry = Entry {
    connector: "alteryx",
    quirks: guide::QUIRKS,
    quotas: QUOTAS,
    start: |chance, _, example, now| start(&guide::DIALECT, chance, example, now),
};

/// Server as the vendor's pages describe it.
pub(crate) const WEBAPI: Entry = Entry {
    connector: "alteryx-webapi",
    quirks: webapi::QUIRKS,
    quotas: QUOTAS,
    start: |chance, _, example, now| start(&webapi::DIALECT, chance, example, now),
};

fn start(dialect: &'static Dialect, chance: Chance, with_example: bool, now: Timestamp) -> Box<dyn App> {
    let new_id = |chance: &Chance, about: &str| chance.uuid("alteryx", about);
    let mut app = Alteryx {
        dialect,
        roster: Roster::new(chance, now, new_id),
        quirks: Quirks::default(),
        owned: HashMap::new(),
        key_owner: None,
    };
    if with_example {
        example::fill(&mut app).expect("the example names groups and roles of its own making only");
    }
    Box::new(app)
}

impl Alteryx {
    /// Refuses everything once the key's owner may not do it any more.
    fn check_key(&self) -> Result<(), Refusal> {
        let Some(owner) = &self.key_owner else { return Ok(()) };
        let admin = self.dialect.server_admin;
        match self.roster.user(owner) {
            Some(user) if user.is("isActive") && user.text("role") == admin => Ok(()),
            _ => Err(Refusal::new(403, format!("The owner of this API key is not an active {admin}."))),
        }
    }

    fn check_role(&self, role: &str) -> Result<(), Refusal> {
        if self.dialect.roles.contains(&role) {
            return Ok(());
        }
        Err(Refusal::invalid(format!("`{role}` is not a role; the roles are {}.", self.dialect.roles.join(", "))))
    }

    fn known(&self, id: &str) -> Result<&User, Refusal> {
        self.roster.user(id).ok_or_else(|| Refusal::nothing("user"))
    }

    fn check_group(&self, id: &str) -> Result<(), Refusal> {
        self.roster.group(id).map(drop).ok_or_else(|| Refusal::nothing("user group"))
    }

    fn show_group(&self, id: &str, with_members: bool) -> Result<Value, Refusal> {
        let group = self.roster.group(id).ok_or_else(|| Refusal::nothing("user group"))?;
        let mut shown = json!({ "id": id, "name": group.name, "role": group.role });
        if with_members {
            shown["memberIds"] = json!(group.members());
        }
        Ok(shown)
    }

    /// Name and role of a group, from a body that must hold both and nothing else.
    fn group_body(&self, request: &Request, renaming: Option<&str>) -> Result<(String, String), Refusal> {
        let body = super::roster::object(request)?;
        if let Some(other) = body.keys().find(|key| !["name", "role"].contains(&key.as_str())) {
            return Err(Refusal::invalid(format!("A user group has no {other} that could be written.")));
        }
        let text = |field: &str| match body.get(field).and_then(Value::as_str) {
            Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
            _ => Err(Refusal::invalid(format!("{field} is required."))),
        };
        let (name, role) = (text("name")?, text("role")?);
        self.check_role(&role)?;
        let same = renaming.and_then(|id| self.roster.group(id)).is_some_and(|group| group.name == name);
        if !same && self.roster.has_group_named(&name) {
            return Err(Refusal::new(409, "A user group with this name exists."));
        }
        Ok((name, role))
    }

    fn change_group(&mut self, request: &Request, id: &str) -> Result<Answer, Refusal> {
        self.check_group(id)?;
        let (name, role) = self.group_body(request, Some(id))?;
        let before = self.show_group(id, false)?;
        self.roster.put_group(id, name, Some(role));
        let after = self.show_group(id, false)?;
        let answer = Answer::json(200, after.clone());
        Ok(if before == after { answer } else { answer.having_effect() })
    }

    /// Sets a user's object, with the time of the change if it is one; says whether it was.
    fn store(&mut self, id: &str, mut raw: Map<String, Value>) -> bool {
        let changed = self.roster.user(id).is_some_and(|user| user.raw != raw);
        if changed {
            raw.extend(self.dialect.updated.map(|field| (field.to_owned(), json!(self.roster.now))));
            self.roster.set(id, raw);
        }
        changed
    }
}

impl Server for Alteryx {
    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn roster_mut(&mut self) -> &mut Roster {
        &mut self.roster
    }

    fn fields(&self) -> Fields {
        Fields { active: "isActive", role: "role", updated: self.dialect.updated }
    }

    fn fresh(&self, email: &str, given: &str, family: &str, at: Timestamp) -> Map<String, Value> {
        let mut raw = users::unset(self.dialect);
        let role = self.dialect.default_role.unwrap_or("Member");
        for (field, text) in [("email", email), ("firstName", given), ("lastName", family), ("role", role)] {
            raw.insert(field.to_owned(), json!(text));
        }
        for field in std::iter::once(self.dialect.created).chain(self.dialect.updated) {
            raw.insert(field.to_owned(), json!(at));
        }
        raw
    }

    fn role_text(&self, user: &User) -> String {
        user.text("role").to_owned()
    }

    fn role_value(&self, text: &str) -> Result<Value, DriftError> {
        let bad = || DriftError::BadValue { field: "role", value: text.to_owned() };
        self.dialect.roles.contains(&text).then(|| json!(text)).ok_or_else(bad)
    }

    fn group_role(&self) -> &'static str {
        self.dialect.group_role
    }

    /// `ownedWorkflows` is a number that no answer shows, but which keeps a user from being deleted.
    fn take_hidden(&mut self, user: &str, raw: &mut Map<String, Value>) -> Result<(), DriftError> {
        let Some(owned) = raw.remove("ownedWorkflows") else { return Ok(()) };
        let bad = || DriftError::BadValue { field: "ownedWorkflows", value: owned.to_string() };
        self.owned.insert(user.to_owned(), owned.as_u64().ok_or_else(bad)?);
        Ok(())
    }

    fn door(&self) -> OAuth {
        // There are no scopes: the role of the key's owner decides.
        OAuth { path: self.dialect.token_path, client: ClientAuth::Form, ..OAuth::default() }
    }

    fn switch(&mut self, quirks: Quirks) {
        self.quirks = quirks;
    }

    fn route(&mut self, request: &Request, _: &BTreeSet<String>) -> Result<Answer, Refusal> {
        self.check_key()?;
        (self.dialect.route)(self, request)
    }

    fn word(&self, refusal: &Refusal) -> Value {
        json!({ "message": refusal.message })
    }
}
