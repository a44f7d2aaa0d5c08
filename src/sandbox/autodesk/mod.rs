//! Autodesk's user management API, as its guide describes it. Where the guide is silent, this is what was decided:
//!
//! | question | decision |
//! |---|---|
//! | duplicate email on create | 409, emails compared without case |
//! | `role` missing on create | `user` |
//! | deactivating a pending account | allowed; its invitation is withdrawn |
//! | `status: active` for a pending or inactive account | 409: acceptance and restoration are not ours to make |
//! | deactivating an inactive account | 200 with the first `deactivatedAt`; changes nothing |
//! | memberships of a deactivated account | kept |
//! | deactivated accounts in the list | kept |
//! | adding a membership that exists, in whatever role | 409: roles in teams cannot be changed |
//! | roles in teams | `member`, `lead` |
//! | a limit above 100 | taken as 100; `pagination.limit` says so |
//! | unknown or read-only fields in a body | 400 |

mod api;
mod example;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    app::{AccountPatch, AccountView, Answer, App, DriftError, GroupView, MembershipView, NewAccount, OAuth, Request},
    chance::Chance,
    clock,
    config::Config,
    email::is_email,
    entry::Entry,
};

pub(super) const ENTRY: Entry = Entry {
    connector: "autodesk",
    quirks: &[],
    quotas: &[],
    start: |chance, config, example, now| Box::new(Autodesk::new(chance, config, example, now)),
};

/// Accounts by id, in the order in which the list shows them.
struct Autodesk {
    chance: Chance,
    accept_after: Duration,
    scopes: Vec<String>,
    now: Timestamp,
    accounts: HashMap<String, Account>,
    /// The ids, oldest first: the list's order. Deleting a row moves every later one forward by one.
    order: Vec<String>,
    /// Ids by email in lower case.
    by_email: HashMap<String, String>,
    /// Team names by id.
    teams: BTreeMap<String, String>,
    /// Open invitations: when each will be accepted, and by which account.
    due: BTreeSet<(Timestamp, String)>,
    /// Invitations sent per email in lower case.
    invited: HashMap<String, u32>,
    created: u64,
}

#[derive(Debug, Clone)]
struct Account {
    id: String,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    status: Status,
    role: Role,
    created_at: Timestamp,
    last_login: Option<Timestamp>,
    deactivated_at: Option<Timestamp>,
    /// Set while an invitation is open that will be accepted one day.
    accepts_at: Option<Timestamp>,
    /// Team ids and roles, in the order in which they were given.
    memberships: Vec<(String, String)>,
    /// Fields that the guide does not know, as a later version of the API might have them.
    extra: Map<String, Value>,
}

/// An enumeration and its words, so that parsing and printing cannot drift apart.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum $name { $($variant),+ }

        impl $name {
            fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words!(Status { Pending = "pending", Active = "active", Inactive = "inactive" });
words!(Role { Viewer = "viewer", User = "user", Admin = "admin" });

/// The roles a team knows.
const TEAM_ROLES: [&str; 2] = ["member", "lead"];

impl Autodesk {
    fn new(chance: Chance, config: &Config, with_example: bool, now: Timestamp) -> Self {
        let mut app = Self {
            chance,
            accept_after: config.accept_after,
            scopes: config.autodesk_scopes.clone(),
            now,
            accounts: HashMap::new(),
            order: Vec::new(),
            by_email: HashMap::new(),
            teams: BTreeMap::new(),
            due: BTreeSet::new(),
            invited: HashMap::new(),
            created: 0,
        };
        if with_example {
            example::fill(&mut app);
        }
        app
    }

    /// Adds a row at the end of the list. The caller has checked that the email is free.
    fn insert(&mut self, new: Fresh) -> String {
        self.created += 1;
        let id = self.chance.uuid("account", &self.created.to_string());
        let account = Account {
            id: id.clone(),
            email: new.email,
            first_name: new.first_name,
            last_name: new.last_name,
            status: new.status,
            role: new.role,
            created_at: new.created_at,
            last_login: new.last_login,
            deactivated_at: None,
            accepts_at: None,
            memberships: Vec::new(),
            extra: Map::new(),
        };
        self.by_email.insert(account.email.to_lowercase(), id.clone());
        self.order.push(id.clone());
        self.accounts.insert(id.clone(), account);
        if new.status == Status::Pending {
            self.open_invitation(&id);
        }
        id
    }

    /// Plans when the invitation will be accepted; beyond the calendar means never.
    fn open_invitation(&mut self, id: &str) {
        let wait = self.chance.around(self.accept_after, "acceptance", id);
        if let (Some(due), Some(account)) = (clock::later(self.now, wait), self.accounts.get_mut(id)) {
            account.accepts_at = Some(due);
            self.due.insert((due, id.to_owned()));
        }
    }

    /// Gives an account a status, with everything that hangs on it.
    fn set_status(&mut self, id: &str, status: Status) {
        let now = self.now;
        let Some(account) = self.accounts.get_mut(id) else { return };
        if account.status == status {
            return;
        }
        account.status = status;
        account.deactivated_at = (status == Status::Inactive).then_some(now);
        if let Some(due) = account.accepts_at.take() {
            self.due.remove(&(due, id.to_owned()));
        }
        if status == Status::Pending {
            self.open_invitation(id);
        }
    }

    fn delete(&mut self, id: &str) -> Option<Account> {
        let account = self.accounts.remove(id)?;
        self.by_email.remove(&account.email.to_lowercase());
        self.order.retain(|other| other != id);
        if let Some(due) = account.accepts_at {
            self.due.remove(&(due, id.to_owned()));
        }
        Some(account)
    }

    /// An account's id, from its id or its email.
    fn find(&self, account: &str) -> Result<String, DriftError> {
        if self.accounts.contains_key(account) {
            return Ok(account.to_owned());
        }
        let found = self.by_email.get(&account.to_lowercase());
        found.cloned().ok_or_else(|| DriftError::UnknownAccount(account.to_owned()))
    }

    fn find_mut(&mut self, account: &str) -> Result<&mut Account, DriftError> {
        let id = self.find(account)?;
        self.accounts.get_mut(&id).ok_or(DriftError::UnknownAccount(id))
    }

    fn view(&self, account: &Account) -> AccountView {
        let groups = account.memberships.iter().map(|(team, role)| MembershipView {
            id: team.clone(),
            name: self.teams.get(team).cloned().unwrap_or_default(),
            role: role.clone(),
        });
        AccountView {
            id: account.id.clone(),
            email: account.email.clone(),
            given_name: account.first_name.clone(),
            family_name: account.last_name.clone(),
            status: account.status.word().to_owned(),
            role: account.role.word().to_owned(),
            created_at: account.created_at,
            last_login: account.last_login,
            accepts_at: account.accepts_at,
            invitations: self.invited.get(&account.email.to_lowercase()).copied().unwrap_or(0),
            groups: groups.collect(),
            raw: api::whole(account),
        }
    }
}

/// What a new row starts with.
struct Fresh {
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    status: Status,
    role: Role,
    created_at: Timestamp,
    last_login: Option<Timestamp>,
}

impl App for Autodesk {
    fn oauth(&self) -> OAuth {
        OAuth { path: "/authentication/v2/token", scopes: self.scopes.clone(), ..OAuth::default() }
    }

    fn settle(&mut self, now: Timestamp) {
        self.now = now;
        while let Some((due, id)) = self.due.first().cloned() {
            if due > now {
                break;
            }
            self.due.pop_first();
            if let Some(account) = self.accounts.get_mut(&id) {
                account.status = Status::Active;
                account.accepts_at = None;
                // Accepting an invitation is the first sign-in.
                account.last_login = Some(due);
            }
        }
    }

    fn answer(&mut self, request: &Request, scopes: &BTreeSet<String>) -> Answer {
        api::answer(self, request, scopes)
    }

    fn accounts(&self) -> Vec<AccountView> {
        self.order.iter().filter_map(|id| self.accounts.get(id)).map(|account| self.view(account)).collect()
    }

    fn groups(&self) -> Vec<GroupView> {
        self.teams.iter().map(|(id, name)| GroupView { id: id.clone(), name: name.clone() }).collect()
    }

    fn add_account(&mut self, account: NewAccount) -> Result<String, DriftError> {
        if !is_email(&account.email) {
            return Err(DriftError::BadValue { field: "email", value: account.email });
        }
        if self.by_email.contains_key(&account.email.to_lowercase()) {
            return Err(DriftError::Duplicate(account.email));
        }
        let status = account.status.as_deref().map_or(Ok(Status::Active), status)?;
        let role = account.role.as_deref().map_or(Ok(Role::User), role)?;
        Ok(self.insert(Fresh {
            email: account.email,
            first_name: account.given_name,
            last_name: account.family_name,
            status,
            role,
            created_at: self.now,
            last_login: (status != Status::Pending).then_some(self.now),
        }))
    }

    fn patch_account(&mut self, account: &str, patch: AccountPatch) -> Result<(), DriftError> {
        let id = self.find(account)?;
        let status = patch.status.as_deref().map(status).transpose()?;
        let role = patch.role.as_deref().map(role).transpose()?;
        if let Some(email) = &patch.email {
            if !is_email(email) {
                return Err(DriftError::BadValue { field: "email", value: email.clone() });
            }
            if self.by_email.get(&email.to_lowercase()).is_some_and(|owner| *owner != id) {
                return Err(DriftError::Duplicate(email.clone()));
            }
        }
        let raw = patch.raw.unwrap_or_default();
        if let Some(field) = raw.keys().find(|field| api::WHOLE.contains(&field.as_str())) {
            return Err(DriftError::BadValue { field: "raw field", value: field.clone() });
        }
        let account = self.find_mut(&id)?;
        account.extra.extend(raw);
        account.extra.retain(|_, value| !value.is_null());
        if let Some(email) = patch.email {
            let old = std::mem::replace(&mut account.email, email.clone());
            self.by_email.remove(&old.to_lowercase());
            self.by_email.insert(email.to_lowercase(), id.clone());
        }
        let account = self.find_mut(&id)?;
        account.first_name = patch.given_name.or(account.first_name.take());
        account.last_name = patch.family_name.or(account.last_name.take());
        account.role = role.unwrap_or(account.role);
        if let Some(status) = status {
            self.set_status(&id, status);
        }
        Ok(())
    }

    fn remove_account(&mut self, account: &str) -> Result<(), DriftError> {
        let id = self.find(account)?;
        self.delete(&id).map(drop).ok_or(DriftError::UnknownAccount(id))
    }

    fn put_group(&mut self, group: GroupView) {
        self.teams.insert(group.id, group.name);
    }

    fn put_membership(&mut self, account: &str, group: &str, role: &str) -> Result<(), DriftError> {
        if !self.teams.contains_key(group) {
            return Err(DriftError::UnknownGroup(group.to_owned()));
        }
        if !TEAM_ROLES.contains(&role) {
            return Err(DriftError::BadValue { field: "role in teams", value: role.to_owned() });
        }
        let memberships = &mut self.find_mut(account)?.memberships;
        match memberships.iter_mut().find(|(team, _)| team == group) {
            Some((_, old)) => *old = role.to_owned(),
            None => memberships.push((group.to_owned(), role.to_owned())),
        }
        Ok(())
    }

    fn remove_membership(&mut self, account: &str, group: &str) -> Result<(), DriftError> {
        let found = self.find_mut(account)?;
        let before = found.memberships.len();
        found.memberships.retain(|(team, _)| team != group);
        if found.memberships.len() == before {
            return Err(DriftError::NotAMember { account: account.to_owned(), group: group.to_owned() });
        }
        Ok(())
    }
}

fn status(word: &str) -> Result<Status, DriftError> {
    Status::parse(word).ok_or_else(|| DriftError::BadValue { field: "status", value: word.to_owned() })
}

fn role(word: &str) -> Result<Role, DriftError> {
    Role::parse(word).ok_or_else(|| DriftError::BadValue { field: "role", value: word.to_owned() })
}
