//! The side door of every app with a roster, and the frame around its API.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Refusal, Roster, Row, User, came};
use crate::sandbox::{
    app::{AccountPatch, AccountView, Answer, App, DriftError, GroupView, MembershipView, NewAccount, OAuth, Request},
    email::is_email,
    quirks::Quirks,
};

/// How an app's users are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    /// The field that says whether a user is active.
    pub(crate) active: &'static str,
    /// The field with the role or roles.
    pub(crate) role: &'static str,
    /// The field with the time of the last change.
    pub(crate) updated: Option<&'static str>,
}

/// An app whose state is a [`Roster`]; what is left to say is how it writes users, and its API.
pub(crate) trait Server: Send {
    fn roster(&self) -> &Roster;
    fn roster_mut(&mut self) -> &mut Roster;
    fn fields(&self) -> Fields;

    /// A user as the app makes one of whom only email and names are known; the id comes later.
    fn fresh(&self, email: &str, given: &str, family: &str, at: Timestamp) -> Map<String, Value>;

    /// A user's role, or roles joined with `, `.
    fn role_text(&self, user: &User) -> String;

    /// What stands in the role's field for this text.
    fn role_value(&self, text: &str) -> Result<Value, DriftError>;

    /// The role of a group that the side door adds.
    fn group_role(&self) -> &'static str;

    /// Takes out of raw fields what is not one, such as how much a user owns.
    fn take_hidden(&mut self, _user: &str, _raw: &mut Map<String, Value>) -> Result<(), DriftError> {
        Ok(())
    }

    /// Says how clients are let in.
    fn door(&self) -> OAuth;

    fn switch(&mut self, quirks: Quirks);

    fn route(&mut self, request: &Request, scopes: &BTreeSet<String>) -> Result<Answer, Refusal>;

    /// Words a refusal.
    fn word(&self, refusal: &Refusal) -> Value;

    /// Adds the users of an example organisation, oldest first.
    fn fill(&mut self, rows: &[Row]) -> Result<(), DriftError> {
        let now = self.roster().now;
        for (position, (email, (given, family), active, role, groups)) in rows.iter().enumerate() {
            let at = came(now, position, rows.len());
            let mut raw = self.fresh(email, given, family, at);
            raw.insert(self.fields().active.to_owned(), json!(active));
            raw.insert(self.fields().role.to_owned(), self.role_value(role)?);
            let roster = self.roster_mut();
            let id = roster.add(raw, at);
            roster.signed_in(&id, now - jiff::SignedDuration::from_hours(24 * (1 + i64::from(position as u8 % 5))));
            for group in *groups {
                if !roster.join(&id, group) {
                    return Err(DriftError::UnknownGroup((*group).to_owned()));
                }
            }
        }
        Ok(())
    }

    /// A user's id, from the id or the email.
    fn find(&self, account: &str) -> Result<String, DriftError> {
        let roster = self.roster();
        let id = if roster.user(account).is_some() { Some(account) } else { roster.owner_of(account) };
        id.map(str::to_owned).ok_or_else(|| DriftError::UnknownAccount(account.to_owned()))
    }

    fn view(&self, user: &User) -> AccountView {
        let roster = self.roster();
        let groups = user.memberships.iter().filter_map(|id| {
            Some(MembershipView { id: id.clone(), name: roster.group(id)?.name.clone(), role: String::new() })
        });
        let name = |field: &str| user.raw.get(field).and_then(Value::as_str).map(str::to_owned);
        AccountView {
            id: user.id.clone(),
            email: user.email().to_owned(),
            given_name: name("firstName"),
            family_name: name("lastName"),
            status: status_word(user.is(self.fields().active)).to_owned(),
            role: self.role_text(user),
            created_at: user.created_at,
            last_login: user.last_login,
            accepts_at: None,
            invitations: 0,
            groups: groups.collect(),
            raw: Value::Object(user.raw.clone()),
        }
    }
}

/// These apps know two statuses, which they write as a flag.
fn status_word(active: bool) -> &'static str {
    if active { "active" } else { "inactive" }
}

fn status(word: &str) -> Result<Value, DriftError> {
    match word {
        "active" => Ok(Value::Bool(true)),
        "inactive" => Ok(Value::Bool(false)),
        _ => Err(DriftError::BadValue { field: "status", value: word.to_owned() }),
    }
}

fn free_email(server: &impl Server, email: &str, owner: Option<&str>) -> Result<(), DriftError> {
    if !is_email(email) {
        return Err(DriftError::BadValue { field: "email", value: email.to_owned() });
    }
    match server.roster().owner_of(email) {
        Some(other) if Some(other) != owner => Err(DriftError::Duplicate(email.to_owned())),
        _ => Ok(()),
    }
}

impl<S: Server> App for S {
    fn oauth(&self) -> OAuth {
        self.door()
    }

    fn settle(&mut self, now: Timestamp) {
        self.roster_mut().now = now;
    }

    fn set_quirks(&mut self, quirks: Quirks) {
        self.switch(quirks);
    }

    fn refuse(&self, status: u16, _code: &str, message: &str) -> Answer {
        // The codes of the shared part are not these apps' own.
        Answer::json(status, self.word(&Refusal::new(status, message)))
    }

    fn answer(&mut self, request: &Request, scopes: &BTreeSet<String>) -> Answer {
        match self.route(request, scopes) {
            Ok(answer) => answer,
            Err(refusal) => {
                let answer = Answer::json(refusal.status, self.word(&refusal));
                match refusal.allow {
                    Some(allowed) => answer.with("allow", allowed),
                    None => answer,
                }
            }
        }
    }

    fn accounts(&self) -> Vec<AccountView> {
        self.roster().users().map(|user| self.view(user)).collect()
    }

    fn groups(&self) -> Vec<GroupView> {
        let groups = self.roster().groups();
        groups.map(|(id, group)| GroupView { id: id.clone(), name: group.name.clone() }).collect()
    }

    fn add_account(&mut self, account: NewAccount) -> Result<String, DriftError> {
        free_email(self, &account.email, None)?;
        let now = self.roster().now;
        // Names are mandatory at these apps, so somebody without any gets some from the address.
        let local = account.email.split('@').next().unwrap_or_default();
        let (given, family) =
            (account.given_name.as_deref().unwrap_or(local), account.family_name.as_deref().unwrap_or("Example"));
        let mut raw = self.fresh(&account.email, given, family, now);
        if let Some(word) = &account.status {
            raw.insert(self.fields().active.to_owned(), status(word)?);
        }
        if let Some(role) = &account.role {
            raw.insert(self.fields().role.to_owned(), self.role_value(role)?);
        }
        let id = self.roster_mut().add(raw, now);
        self.roster_mut().signed_in(&id, now);
        Ok(id)
    }

    fn patch_account(&mut self, account: &str, patch: AccountPatch) -> Result<(), DriftError> {
        let id = self.find(account)?;
        let fields = self.fields();
        let mut given = Map::new();
        if let Some(email) = patch.email {
            free_email(self, &email, Some(&id))?;
            given.insert("email".to_owned(), json!(email));
        }
        for (field, name) in [("firstName", patch.given_name), ("lastName", patch.family_name)] {
            given.extend(name.map(|name| (field.to_owned(), json!(name))));
        }
        if let Some(word) = patch.status {
            given.insert(fields.active.to_owned(), status(&word)?);
        }
        if let Some(role) = patch.role {
            given.insert(fields.role.to_owned(), self.role_value(&role)?);
        }
        let mut raw = patch.raw.unwrap_or_default();
        if let Some(field) =
            raw.keys().find(|field| ["id", "email", fields.active, fields.role].contains(&field.as_str()))
        {
            return Err(DriftError::BadValue { field: "raw field", value: field.clone() });
        }
        self.take_hidden(&id, &mut raw)?;
        let now = self.roster().now;
        let mut whole = self.roster().user(&id).map(|user| user.raw.clone()).unwrap_or_default();
        whole.extend(given);
        whole.extend(fields.updated.map(|field| (field.to_owned(), json!(now))));
        // Last, so that a test can set even the time of the last change.
        let (gone, set): (Map<_, _>, Map<_, _>) = raw.into_iter().partition(|(_, value)| value.is_null());
        whole.extend(set);
        whole.retain(|field, _| !gone.contains_key(field));
        self.roster_mut().set(&id, whole);
        Ok(())
    }

    fn remove_account(&mut self, account: &str) -> Result<(), DriftError> {
        let id = self.find(account)?;
        self.roster_mut().remove(&id).map(drop).ok_or(DriftError::UnknownAccount(id))
    }

    fn put_group(&mut self, group: GroupView) {
        let role = self.roster().group(&group.id).is_none().then(|| self.group_role().to_owned());
        self.roster_mut().put_group(&group.id, group.name, role);
    }

    fn put_membership(&mut self, account: &str, group: &str, role: &str) -> Result<(), DriftError> {
        let id = self.find(account)?;
        if self.roster().group(group).is_none() {
            return Err(DriftError::UnknownGroup(group.to_owned()));
        }
        if !role.is_empty() {
            return Err(DriftError::BadValue {
                field: "role in groups (there are none: give an empty one)",
                value: role.to_owned(),
            });
        }
        // One who is a member already stays one.
        self.roster_mut().join(&id, group);
        Ok(())
    }

    fn remove_membership(&mut self, account: &str, group: &str) -> Result<(), DriftError> {
        let id = self.find(account)?;
        if self.roster_mut().leave(&id, group) {
            return Ok(());
        }
        Err(DriftError::NotAMember { account: account.to_owned(), group: group.to_owned() })
    }
}
