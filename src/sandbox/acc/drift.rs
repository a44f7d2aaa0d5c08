//! The account as the rest of the sandbox sees it: time passing, and the side door.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Acc, Event, Joining, Person, Project, construction, hq, page, products, show};
use crate::sandbox::{
    app::{AccountPatch, AccountView, Answer, App, DriftError, GroupView, MembershipView, NewAccount, OAuth, Request},
    quirks::Quirks,
};

/// The statuses and roles of `hq`.
const STATUSES: [&str; 4] = ["active", "inactive", "pending", "not_invited"];
const ACCOUNT_ROLES: [&str; 3] = ["account_user", "account_admin", "project_admin"];

impl App for Acc {
    fn oauth(&self) -> OAuth {
        let scopes = ["account:read", "account:write", "data:read"].map(str::to_owned).to_vec();
        OAuth { path: "/authentication/v2/token", scopes, ..OAuth::default() }
    }

    fn settle(&mut self, now: Timestamp) {
        while let Some(entry) = self.events.first_entry() {
            let (due, _) = *entry.key();
            if due > now {
                break;
            }
            let event = entry.remove();
            // What hangs on the event counts from its own time, not from when somebody looks.
            self.now = due;
            match event {
                Event::Accept(id) => self.set_status(&id, "active"),
                Event::Import(project, people) => {
                    for joining in people {
                        self.join(&project, joining);
                    }
                }
            }
        }
        self.now = now;
    }

    fn set_quirks(&mut self, quirks: Quirks) {
        self.quirks = quirks;
    }

    fn refuse(&self, status: u16, _code: &str, message: &str) -> Answer {
        page::error(status, message)
    }

    fn answer(&mut self, request: &Request, scopes: &BTreeSet<String>) -> Answer {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if self.quirks.has("not-integrated") {
            return page::error(403, "The client id is not among the account's custom integrations.");
        }
        let answer = match segments.as_slice() {
            ["construction", "admin", path @ ..] => construction::answer(self, request, scopes, path),
            ["hq", "v1", path @ ..] => hq::answer(self, request, scopes, path),
            _ => Err(page::error(404, &format!("There is no {}.", request.path))),
        };
        answer.unwrap_or_else(|refused| refused)
    }

    fn accounts(&self) -> Vec<AccountView> {
        self.order.iter().filter_map(|id| self.people.get(id)).map(|person| self.view(person)).collect()
    }

    fn groups(&self) -> Vec<GroupView> {
        let view = |(id, project): (&String, &Project)| GroupView { id: id.clone(), name: project.name.clone() };
        self.projects.iter().map(view).collect()
    }

    fn membership(&self, account: &str, group: &str) -> Option<Value> {
        let id = self.find(account).ok()?;
        let mut members = self.projects.get(group)?.members.iter().enumerate();
        let (at, member) = members.find(|(_, member)| member.person == id)?;
        show::member(self, member, at)
    }

    fn add_account(&mut self, account: NewAccount) -> Result<String, DriftError> {
        if !account.email.contains('@') {
            return Err(DriftError::BadValue { field: "email", value: account.email });
        }
        if self.by_email.contains_key(&account.email.to_lowercase()) {
            return Err(DriftError::Duplicate(account.email));
        }
        let status = account.status.unwrap_or_else(|| "active".to_owned());
        known("status", &STATUSES, &status)?;
        let role = account.role.unwrap_or_else(|| "account_user".to_owned());
        known("role", &ACCOUNT_ROLES, &role)?;
        let id = self.insert(&account.email, None, &status, None);
        if let Some(person) = self.people.get_mut(&id) {
            (person.first_name, person.last_name, person.role) = (account.given_name, account.family_name, role);
        }
        Ok(id)
    }

    fn patch_account(&mut self, account: &str, patch: AccountPatch) -> Result<(), DriftError> {
        let id = self.find(account)?;
        for (field, known_words, word) in
            [("status", STATUSES.as_slice(), &patch.status), ("role", ACCOUNT_ROLES.as_slice(), &patch.role)]
        {
            word.as_ref().map_or(Ok(()), |word| known(field, known_words, word))?;
        }
        if let Some(email) = &patch.email
            && self.by_email.get(&email.to_lowercase()).is_some_and(|owner| *owner != id)
        {
            return Err(DriftError::Duplicate(email.clone()));
        }
        let raw = patch.raw.unwrap_or_default();
        let shown = show::person(self, &Person { extra: serde_json::Map::new(), ..self.people[&id].clone() });
        if let Some(field) = raw.keys().find(|field| shown.get(field.as_str()).is_some()) {
            return Err(DriftError::BadValue { field: "raw field", value: field.clone() });
        }
        if let Some(status) = &patch.status {
            self.set_status(&id, status);
        }
        let now = self.now;
        let Some(person) = self.people.get_mut(&id) else { return Err(DriftError::UnknownAccount(id)) };
        if let Some(email) = patch.email {
            self.by_email.remove(&person.email.to_lowercase());
            self.by_email.insert(email.to_lowercase(), id.clone());
            person.email = email;
        }
        person.first_name = patch.given_name.or(person.first_name.take());
        person.last_name = patch.family_name.or(person.last_name.take());
        person.role = patch.role.unwrap_or_else(|| person.role.clone());
        person.extra.extend(raw);
        person.extra.retain(|_, value| !value.is_null());
        person.updated_at = now;
        Ok(())
    }

    fn remove_account(&mut self, account: &str) -> Result<(), DriftError> {
        let id = self.find(account)?;
        let person = self.people.remove(&id).ok_or_else(|| DriftError::UnknownAccount(id.clone()))?;
        self.by_email.remove(&person.email.to_lowercase());
        self.order.retain(|other| *other != id);
        self.events.retain(|_, event| !matches!(event, Event::Accept(who) if *who == id));
        for project in self.projects.values_mut() {
            project.members.retain(|member| member.person != id);
        }
        Ok(())
    }

    fn put_group(&mut self, group: GroupView) {
        let now = self.now;
        let fresh = || Project {
            name: String::new(),
            platform: "acc",
            status: "active",
            products: products::ACC.iter().map(|(key, _)| *key).collect(),
            created_at: now,
            members: Vec::new(),
        };
        self.projects.entry(group.id).or_insert_with(fresh).name = group.name;
    }

    /// The role is `admin` or `member`; names of industry roles may follow, each after a comma.
    fn put_membership(&mut self, account: &str, group: &str, role: &str) -> Result<(), DriftError> {
        let id = self.find(account)?;
        let project = self.projects.get(group).ok_or_else(|| DriftError::UnknownGroup(group.to_owned()))?;
        let wrong = |field, value: &str| DriftError::BadValue { field, value: value.to_owned() };
        let mut words = role.split(',').map(str::trim);
        let admin = match words.next() {
            Some("admin") => true,
            Some("member") => false,
            _ => return Err(wrong("role in projects", role)),
        };
        let role_id = |name: &str| {
            let found = self.roles.iter().find(|(_, known)| *known == name).map(|(id, _)| id.clone());
            found.ok_or_else(|| wrong("industry role", name))
        };
        let roles = words.map(role_id).collect::<Result<Vec<_>, _>>()?;
        let products = products::level(&project.products, admin);
        let (now, email) = (self.now, self.people[&id].email.clone());
        let members = self.projects.get_mut(group).map(|project| &mut project.members);
        let there = members.into_iter().flatten().find(|member| member.person == id && member.status != "deleted");
        match there {
            Some(member) => {
                (member.products, member.updated_at) = (products, now);
                if !roles.is_empty() {
                    member.roles = roles;
                }
            }
            // No email goes out for what happens behind the back.
            None => drop(self.join(group, Joining { email, roles, products, quietly: true, ..Joining::default() })),
        }
        Ok(())
    }

    fn remove_membership(&mut self, account: &str, group: &str) -> Result<(), DriftError> {
        let (id, now) = (self.find(account)?, self.now);
        let project = self.projects.get_mut(group).ok_or_else(|| DriftError::UnknownGroup(group.to_owned()))?;
        let member = project.members.iter_mut().find(|member| member.person == id && member.status != "deleted");
        let not_a_member = || DriftError::NotAMember { account: account.to_owned(), group: group.to_owned() };
        let member = member.ok_or_else(not_a_member)?;
        (member.status, member.updated_at) = ("deleted", now);
        Ok(())
    }
}

fn known(field: &'static str, words: &[&str], word: &str) -> Result<(), DriftError> {
    match words.contains(&word) {
        true => Ok(()),
        false => Err(DriftError::BadValue { field, value: word.to_owned() }),
    }
}

impl Acc {
    /// A person's id, from the ACC id, the Autodesk id or the email.
    fn find(&self, account: &str) -> Result<String, DriftError> {
        let by_email = || self.by_email.get(&account.to_lowercase()).cloned();
        let found = self.person(account).map(|person| person.id.clone()).or_else(by_email);
        found.ok_or_else(|| DriftError::UnknownAccount(account.to_owned()))
    }

    fn view(&self, person: &Person) -> AccountView {
        let groups = self.projects.iter().filter_map(|(id, project)| {
            let mut members = project.members.iter();
            let member = members.find(|member| member.person == person.id && member.status != "deleted")?;
            let role = if member.is_admin() { "admin" } else { "member" }.to_owned();
            Some(MembershipView { id: id.clone(), name: project.name.clone(), role })
        });
        AccountView {
            id: person.id.clone(),
            email: person.email.clone(),
            given_name: person.first_name.clone(),
            family_name: person.last_name.clone(),
            status: person.status.clone(),
            role: person.role.clone(),
            created_at: person.created_at,
            last_login: None,
            accepts_at: person.accepts_at,
            invitations: self.invited.get(&person.email.to_lowercase()).copied().unwrap_or(0),
            groups: groups.collect(),
            raw: json!(show::person(self, person)),
        }
    }
}
