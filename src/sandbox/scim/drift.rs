//! The service provider as the rest of the sandbox sees it: who may come in, and the side door.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{GROUP, Kind, Resource, Scim, api, email, show, user_body};
use crate::sandbox::{
    app::{
        AccountPatch, AccountView, Answer, App, ClientAuth, DriftError, GroupView, MembershipView, NewAccount, OAuth,
        Request,
    },
    quirks::Quirks,
};

impl App for Scim {
    fn oauth(&self) -> OAuth {
        OAuth { path: "/oauth/token", client: ClientAuth::Either, static_token: true, ..OAuth::default() }
    }

    fn settle(&mut self, now: Timestamp) {
        self.now = now;
    }

    fn set_quirks(&mut self, quirks: Quirks) {
        self.quirks = quirks;
    }

    fn refuse(&self, status: u16, _code: &str, message: &str) -> Answer {
        self.dress(show::error(status, None, message))
    }

    fn answer(&mut self, request: &Request, _scopes: &BTreeSet<String>) -> Answer {
        let answer = api::answer(self, request);
        self.dress(answer)
    }

    fn accounts(&self) -> Vec<AccountView> {
        let groups_of = show::groups_of(self);
        let users = self.users.order.iter().filter_map(|id| self.users.by_id.get(id));
        users.map(|user| view(user, &groups_of)).collect()
    }

    fn groups(&self) -> Vec<GroupView> {
        let name = |group: &Resource| group.text("displayName").unwrap_or_default().to_owned();
        let view = |group: &Resource| GroupView { id: group.id.clone(), name: name(group) };
        let mut groups: Vec<GroupView> = self.groups.by_id.values().map(view).collect();
        groups.sort_by(|a, b| a.id.cmp(&b.id));
        groups
    }

    fn add_account(&mut self, account: NewAccount) -> Result<String, DriftError> {
        if account.email.is_empty() {
            return Err(DriftError::BadValue { field: "email", value: account.email });
        }
        if self.by_name.contains_key(&account.email.to_lowercase()) {
            return Err(DriftError::Duplicate(account.email));
        }
        let active = account.status.as_deref().map_or(Ok(true), is_active)?;
        let (given, family) = (account.given_name.as_deref(), account.family_name.as_deref());
        let mut body = user_body(&account.email, given, family, active);
        if let Some(role) = account.role {
            body.insert("roles".to_owned(), json!([{ "value": role }]));
        }
        Ok(self.insert(Kind::User, None, body, self.now))
    }

    fn patch_account(&mut self, account: &str, patch: AccountPatch) -> Result<(), DriftError> {
        let id = self.find(account)?;
        let mut body = self.users.by_id[&id].body.clone();
        let raw = patch.raw.unwrap_or_default();
        if let Some(field) =
            raw.keys().find(|field| ["id", "meta", "groups", "schemas", "userName", "active"].contains(&field.as_str()))
        {
            return Err(DriftError::BadValue { field: "raw field", value: field.clone() });
        }
        if let Some(email) = patch.email {
            if self.by_name.get(&email.to_lowercase()).is_some_and(|owner| *owner != id) {
                return Err(DriftError::Duplicate(email));
            }
            let old = body.insert("userName".to_owned(), json!(email));
            for listed in body.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten() {
                if Some(&listed["value"]) == old.as_ref() {
                    listed["value"] = json!(email);
                }
            }
        }
        for (field, value) in [("givenName", patch.given_name), ("familyName", patch.family_name)] {
            if let Some(value) = value {
                match body.entry("name").or_insert_with(|| json!({})) {
                    Value::Object(name) => drop(name.insert(field.to_owned(), json!(value))),
                    other => *other = json!({ field: value }),
                }
            }
        }
        if let Some(status) = patch.status {
            body.insert("active".to_owned(), json!(is_active(&status)?));
        }
        if let Some(role) = patch.role {
            body.insert("roles".to_owned(), json!([{ "value": role }]));
        }
        body.extend(raw);
        body.retain(|_, value| !value.is_null());
        self.set_body(Kind::User, &id, body);
        Ok(())
    }

    fn remove_account(&mut self, account: &str) -> Result<(), DriftError> {
        let id = self.find(account)?;
        self.remove(Kind::User, &id).map(drop).ok_or(DriftError::UnknownAccount(id))
    }

    fn put_group(&mut self, group: GroupView) {
        match self.groups.by_id.get(&group.id).map(|known| known.body.clone()) {
            Some(mut body) => {
                body.insert("displayName".to_owned(), json!(group.name));
                self.set_body(Kind::Group, &group.id, body);
            }
            None => {
                let body = Map::from_iter([
                    ("schemas".to_owned(), json!([GROUP])),
                    ("displayName".to_owned(), json!(group.name)),
                ]);
                self.insert(Kind::Group, Some(group.id), body, self.now);
            }
        }
    }

    fn put_membership(&mut self, account: &str, group: &str, role: &str) -> Result<(), DriftError> {
        if !self.groups.by_id.contains_key(group) {
            return Err(DriftError::UnknownGroup(group.to_owned()));
        }
        if !role.is_empty() && role != "member" {
            return Err(DriftError::BadValue { field: "role in groups", value: role.to_owned() });
        }
        let (kind, id) = self.find_member(account)?;
        self.change_members(group, |members| {
            if !members.iter().any(|member| member["value"] == *id) {
                members.push(json!({ "value": id, "type": kind.name() }));
            }
        });
        Ok(())
    }

    fn remove_membership(&mut self, account: &str, group: &str) -> Result<(), DriftError> {
        let (_, id) = self.find_member(account)?;
        let found = self.groups.by_id.get(group).ok_or_else(|| DriftError::UnknownGroup(group.to_owned()))?;
        if !found.members().any(|member| member == id) {
            return Err(DriftError::NotAMember { account: account.to_owned(), group: group.to_owned() });
        }
        self.change_members(group, |members| members.retain(|member| member["value"] != *id));
        Ok(())
    }
}

impl Scim {
    /// A user's id, from the id, the userName or an email.
    fn find(&self, account: &str) -> Result<String, DriftError> {
        if self.users.by_id.contains_key(account) {
            return Ok(account.to_owned());
        }
        let by_email = || self.users.by_id.values().find(|user| email(user).eq_ignore_ascii_case(account));
        let found = self.by_name.get(&account.to_lowercase()).cloned().or_else(|| Some(by_email()?.id.clone()));
        found.ok_or_else(|| DriftError::UnknownAccount(account.to_owned()))
    }

    /// Like [`find`](Scim::find); where groups can be members, a group's id will do too.
    fn find_member(&self, account: &str) -> Result<(Kind, String), DriftError> {
        if self.quirks.has("nested-groups") && self.groups.by_id.contains_key(account) {
            return Ok((Kind::Group, account.to_owned()));
        }
        Ok((Kind::User, self.find(account)?))
    }
}

fn is_active(status: &str) -> Result<bool, DriftError> {
    match status {
        "active" => Ok(true),
        "inactive" => Ok(false),
        _ => Err(DriftError::BadValue { field: "status", value: status.to_owned() }),
    }
}

fn view(user: &Resource, groups_of: &show::GroupsOf<'_>) -> AccountView {
    let of_name = |field: &str| user.body.get("name").and_then(|name| name[field].as_str()).map(str::to_owned);
    let roles = user.body.get("roles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let groups = groups_of.get(user.id.as_str()).map(Vec::as_slice).unwrap_or_default();
    let memberships = groups.iter().map(|group| MembershipView {
        id: group.id.clone(),
        name: group.text("displayName").unwrap_or_default().to_owned(),
        role: String::new(),
    });
    AccountView {
        id: user.id.clone(),
        email: email(user).to_owned(),
        given_name: of_name("givenName"),
        family_name: of_name("familyName"),
        status: if user.is_active() { "active" } else { "inactive" }.to_owned(),
        role: roles.iter().filter_map(|role| role["value"].as_str()).collect::<Vec<_>>().join(", "),
        created_at: user.created,
        last_login: None,
        accepts_at: None,
        invitations: 0,
        groups: memberships.collect(),
        raw: Value::Object(show::whole(Kind::User, user, groups_of)),
    }
}
