//! One app.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Inputs, Names, NewGroup, NewLines, Skipped, fields, is_out, services};
use crate::model::{
    AccountStatus, Aliases, Coverage, DesiredApp, DesiredGroup, Email, FieldName, FieldValue, GroupState, LiveAccount,
    LiveApp, LiveGroup, LiveMember, Reach, Values,
};

/// One app's part of an import.
pub(super) struct Import<'a> {
    inputs: &'a Inputs<'a>,
    pub(super) app: &'a DesiredApp,
    live: &'a LiveApp,
    /// No line grants anything here yet.
    is_new: bool,
    /// Accounts that lines can be written for, by identity.
    owners: BTreeMap<Email, &'a LiveAccount>,
    /// Identities with further accounts, which a pin tells apart.
    several: BTreeSet<Email>,
    by_id: BTreeMap<&'a Arc<str>, Email>,
}

impl<'a> Import<'a> {
    /// Finds out whose the accounts are.
    pub(super) fn new(
        inputs: &'a Inputs<'a>,
        app: &'a DesiredApp,
        live: &'a LiveApp,
        skipped: &mut BTreeSet<Skipped>,
    ) -> Self {
        let is_new = app.groups.is_empty() && app.accounts.is_empty();
        let mut import = Self {
            inputs,
            app,
            live,
            is_new,
            owners: BTreeMap::new(),
            several: BTreeSet::new(),
            by_id: BTreeMap::new(),
        };
        if let Coverage::Incomplete(why) = &live.accounts_coverage {
            import.skip(skipped, "accounts", format!("not all were seen: {why}; import again once they are"));
        }
        let mut all: BTreeMap<Email, Vec<&'a LiveAccount>> = BTreeMap::new();
        for account in &live.accounts {
            all.entry(import.identity(account)).or_default().push(account);
        }
        for (identity, accounts) in all {
            match import.owner(&identity, &accounts) {
                Ok(Some(account)) => {
                    if accounts.len() > 1 {
                        import.several.insert(identity.clone());
                    }
                    import.by_id.insert(&account.id, identity.clone());
                    import.owners.insert(identity, account);
                }
                Ok(None) => {}
                Err(why) => {
                    let what = match accounts.first().filter(|_| identity.key().is_empty()) {
                        Some(account) => format!("account {}", account.id),
                        None => identity.to_string(),
                    };
                    import.skip(skipped, what, why);
                }
            }
        }
        import
    }

    fn skip(&self, skipped: &mut BTreeSet<Skipped>, what: impl Into<String>, why: impl Into<String>) {
        skipped.insert(Skipped { app: self.app.name.clone(), what: what.into(), why: why.into() });
    }

    /// The identity behind an account, spelt as in the files when they know it.
    fn identity(&self, account: &LiveAccount) -> Email {
        let desired = self.inputs.desired;
        if let Some((identity, _)) = self.app.ids.iter().find(|(_, (id, _))| *id == account.id) {
            return identity.clone();
        }
        let identity = desired.identity(&account.email);
        let known = desired.people.get_key_value(identity).map(|(key, _)| key);
        match known.or_else(|| desired.named.get(identity)) {
            Some(known) => known.clone(),
            // Some apps echo addresses in the case that they were given; one of us suffices.
            None if identity.as_str().is_ascii() => Email::lenient(&identity.as_str().trim().to_ascii_lowercase()),
            None => identity.clone(),
        }
    }

    /// The account that a line can be written for; none when there is nothing to write, and why when it cannot be.
    fn owner(&self, identity: &Email, accounts: &[&'a LiveAccount]) -> Result<Option<&'a LiveAccount>, String> {
        let usable: Vec<&LiveAccount> = accounts
            .iter()
            .copied()
            .filter(|account| matches!(account.status, AccountStatus::Active | AccountStatus::Pending))
            .collect();
        if identity.key().is_empty() {
            return Err(
                "it has no address, so nobody can tell whose it is; give it one in the app, or pin its id".into()
            );
        }
        if let Some(why) = self.inputs.left_out.get(identity) {
            return Err(why.clone());
        }
        if let Some(AccountStatus::Unknown(word)) =
            accounts.iter().map(|account| &account.status).find(|status| matches!(status, AccountStatus::Unknown(_)))
        {
            return Err(format!("its status `{word}` is not one that the connector knows; look it up in the app"));
        }
        let usable = match (usable.is_empty(), accounts) {
            (false, _) => usable,
            // Nobody can use it, and whoever switched it off may have had a reason: the person becomes suspended.
            (true, [one]) if !self.knows(identity) => vec![*one],
            (true, _) => return Ok(None),
        };
        if Email::parse(identity.as_str()).is_err() {
            return Err("what the app calls its address is none; give it one in the app".into());
        }
        if is_out(self.inputs.desired, identity, self.inputs.now) {
            return Err("the files say that this person has left or is suspended, so the account stays drift".into());
        }
        let pin = self.app.ids.get(identity).map(|(id, _)| id);
        let pinned = usable.iter().find(|account| pin == Some(&account.id)).copied();
        match (pinned, usable.as_slice()) {
            (Some(account), _) | (None, &[account]) if pin.is_none() || pinned.is_some() => Ok(Some(account)),
            (None, _) if pin.is_some() => Err("the files pin it to another account; correct the pin".into()),
            _ => {
                let list: Vec<String> =
                    usable.iter().map(|account| format!("{} (id {})", account.email, account.id)).collect();
                Err(format!(
                    "it has {} usable accounts: {}; remove one in the app, or pin the right one under `ids`",
                    usable.len(),
                    list.join(" and ")
                ))
            }
        }
    }

    /// Whether the files name the person or service already.
    fn knows(&self, identity: &Email) -> bool {
        self.inputs.desired.people.contains_key(identity) || self.inputs.desired.named.contains(identity)
    }

    /// Whether an address goes to `accounts` without an entry under `people`. Only people can be suspended.
    fn is_service(&self, identity: &Email, account: &LiveAccount) -> bool {
        let desired = self.inputs.desired;
        if desired.people.contains_key(identity) || account.status == AccountStatus::Inactive {
            return false;
        }
        let own =
            self.live.own_account.as_ref() == Some(&account.id) || self.app.self_account.as_ref() == Some(identity);
        own || desired.named.contains(identity) || services::looks_like_one(identity)
    }

    /// Gives everyone who is named nowhere an entry, with the names that this app knows.
    pub(super) fn introduce(&self, people: &mut BTreeMap<Email, Names>) {
        for (identity, account) in &self.owners {
            if self.inputs.desired.people.contains_key(identity) || self.is_service(identity, account) {
                continue;
            }
            let name = |field: &str| match account.values.get(field) {
                Some(Some(FieldValue::Text(name))) if !name.trim().is_empty() => Some(name.clone()),
                _ => None,
            };
            let names = people.entry(identity.clone()).or_default();
            names.given = names.given.take().or_else(|| name("given_name"));
            names.family = names.family.take().or_else(|| name("family_name"));
            names.is_active |= account.status != AccountStatus::Inactive;
        }
    }

    /// The lines that the app's entry lacks.
    pub(super) fn lines(&mut self, people: &BTreeMap<Email, Names>, skipped: &mut BTreeSet<Skipped>) -> NewLines {
        let mut lines = NewLines { is_new: self.is_new, ..NewLines::default() };
        self.leave_out_idle(people, skipped);
        let live: Vec<&LiveAccount> = self.owners.values().copied().collect();
        let required = fields::required_names(self.app);
        let services = !required.is_empty()
            && self.owners.iter().any(|(who, account)| self.is_service(who, account) && !self.app.grants(who));
        let managed = fields::of_accounts(self.app, self.is_new, &live, services);
        if self.is_new && !self.app.defaults.contains_key("role") && managed.contains("role") {
            lines.default_role = fields::most_common_role(self.app, &live);
        }
        let mut given_up = Vec::new();
        for (identity, account) in &self.owners {
            if self.app.grants(identity) {
                continue;
            }
            match self.account(identity, account, &managed, &required, people, lines.default_role.as_ref()) {
                Ok(values) => {
                    lines.accounts.insert(identity.clone(), values);
                    if self.several.contains(identity) && !self.app.ids.contains_key(identity) {
                        lines.ids.insert(identity.clone(), account.id.clone());
                    }
                }
                Err(field) => {
                    let why = format!("the app shows no `{field}` of it, and its line would need one");
                    self.skip(skipped, identity.as_str(), why);
                    given_up.push(identity.clone());
                }
            }
        }
        given_up.iter().for_each(|identity| self.give_up(identity));
        self.groups(&mut lines, skipped);
        lines.keeps_aliases = self.keeps_aliases();
        lines
    }

    fn give_up(&mut self, identity: &Email) {
        self.owners.remove(identity);
        self.by_id.retain(|_, owner| owner != identity);
    }

    /// Leaves out accounts that nobody can use of people who can use one in another app: a suspension holds everywhere.
    fn leave_out_idle(&mut self, people: &BTreeMap<Email, Names>, skipped: &mut BTreeSet<Skipped>) {
        let is_active = |identity: &Email| people.get(identity).is_none_or(|names| names.is_active);
        let owners = self.owners.iter();
        let idle = owners.filter(|(who, account)| account.status == AccountStatus::Inactive && is_active(who));
        let idle: Vec<Email> = idle.map(|(who, _)| who.clone()).collect();
        for identity in idle {
            let why = "its account is inactive here and not everywhere, so no line grants it";
            self.skip(skipped, identity.as_str(), why);
            self.give_up(&identity);
        }
    }

    /// Whether a policy has to say that accounts keep their aliases: a rename is for a person to ask for. Where the files say
    /// anything about it, or somebody is about to be renamed already, what is said stays as it is.
    fn keeps_aliases(&self) -> bool {
        let policy = &self.app.policy;
        if policy.aliases == Aliases::Keep || policy.places.contains_key("aliases") {
            return false;
        }
        let aliases = &self.inputs.desired.aliases;
        let by_alias = |(identity, account): &(&Email, &&LiveAccount)| {
            account.status == AccountStatus::Active
                && account.email != **identity
                && aliases.contains_key(&account.email)
        };
        let (granted, new): (Vec<_>, Vec<_>) =
            self.owners.iter().filter(by_alias).partition(|(identity, _)| self.app.grants(identity));
        granted.is_empty() && !new.is_empty()
    }

    fn account(
        &self,
        identity: &Email,
        account: &LiveAccount,
        managed: &BTreeSet<FieldName>,
        required: &BTreeSet<FieldName>,
        people: &BTreeMap<Email, Names>,
        default_role: Option<&Arc<str>>,
    ) -> Result<Values, FieldName> {
        let names = people.get(identity).cloned().or_else(|| {
            let person = self.inputs.desired.people.get(identity)?;
            let (given, family) = (person.given_name.clone(), person.family_name.clone());
            Some(Names { given, family, is_active: true })
        });
        let names = names.unwrap_or_default();
        let provided = |field: &str| {
            let name = match field {
                "given_name" => names.given.clone(),
                "family_name" => names.family.clone(),
                _ => None,
            };
            let default = || match (field, default_role) {
                ("role", Some(role)) => Some(FieldValue::Text(role.clone())),
                _ => self.app.defaults.get(field).cloned(),
            };
            name.map(FieldValue::Text).or_else(default)
        };
        let values = fields::line(managed, account, provided)?;
        // Without a name the app would not make the account again, and the files would not be valid.
        let lacking = required.iter().find(|field| provided(field).is_none() && !values.contains_key(*field));
        lacking.map_or(Ok(values), |field| Err(field.clone()))
    }

    fn groups(&self, lines: &mut NewLines, skipped: &mut BTreeSet<Skipped>) {
        if let Coverage::Incomplete(why) = &self.live.groups_coverage {
            self.skip(skipped, "groups", format!("not all were seen: {why}; import again once they are"));
        }
        let taking: Vec<(&LiveGroup, Option<&DesiredGroup>)> = self
            .live
            .groups
            .iter()
            .filter_map(|group| match self.declared(group) {
                Some(declared) if declared.state == GroupState::Absent => None,
                declared => self.can_take(group, skipped).then_some((group, declared)),
            })
            .collect();
        let mut candidates: Vec<Vec<(Email, &LiveMember)>> = Vec::new();
        for (group, declared) in &taking {
            candidates.push(self.members(group, *declared, skipped));
        }
        let everyone: Vec<&LiveMember> = candidates.iter().flatten().map(|(_, member)| *member).collect();
        let managed = fields::of_members(self.app, &everyone);
        for ((group, declared), members) in taking.into_iter().zip(candidates) {
            let mut new = NewGroup { is_new: declared.is_none(), ..NewGroup::default() };
            let name = match declared {
                Some(declared) => declared.name.clone(),
                None => {
                    let (name, pinned) = self.name_for(group, lines);
                    new.id = pinned.then(|| group.id.clone());
                    new.values = self.needed_values(group);
                    name
                }
            };
            for (identity, member) in members {
                let values: Result<Values, &FieldName> = managed
                    .iter()
                    .map(|field| fields::value_of(member, field).map(|value| (field.clone(), value)).ok_or(field))
                    .collect();
                match values {
                    Ok(values) => drop(new.members.insert(identity, values)),
                    Err(field) => {
                        let what = format!("{identity} in {}", group.name);
                        self.skip(skipped, what, format!("the app shows no `{field}` of this membership"));
                    }
                }
            }
            if new.is_new || !new.members.is_empty() {
                lines.groups.insert(name, new);
            }
        }
    }

    fn can_take(&self, group: &LiveGroup, skipped: &mut BTreeSet<Skipped>) -> bool {
        let named = if group.name.is_empty() { &group.id } else { &group.name };
        let named = format!("{} {named}", self.app.semantics.group_noun);
        let (what, why, takes) = match (&group.reach, &group.coverage) {
            (Reach::Gone(how), _) => (named, format!("it is out of reach: {how}"), false),
            _ if group.name.is_empty() => (named, "it has no name".to_owned(), false),
            (_, Coverage::Incomplete(why)) => (named, format!("not all members were seen: {why}"), false),
            (_, Coverage::Believed(why)) => {
                let why = format!("the app does not show who is in it, so list them by hand: {why}");
                (format!("members of {named}"), why, true)
            }
            _ => return true,
        };
        self.skip(skipped, what, why);
        takes
    }

    /// The line that declares a live group.
    fn declared(&self, group: &LiveGroup) -> Option<&'a DesiredGroup> {
        let by_pin = self.app.groups.values().find(|declared| declared.id.as_ref() == Some(&group.id));
        by_pin.or_else(|| {
            let unique = self.live.groups.iter().filter(|other| other.name == group.name).count() == 1;
            self.app.groups.get(&group.name).filter(|declared| declared.id.is_none() && unique)
        })
    }

    /// What a new group is called in the files, and whether it needs a pin: names may repeat in an app, keys may not.
    fn name_for(&self, group: &LiveGroup, lines: &NewLines) -> (Arc<str>, bool) {
        let repeated = self.live.groups.iter().filter(|other| other.name == group.name).count() > 1;
        let taken = self.app.groups.contains_key(&group.name) || lines.groups.contains_key(&group.name);
        let name = if taken { format!("{} ({})", group.name, group.id).into() } else { group.name.clone() };
        (name, repeated || taken || !self.app.semantics.groups.list)
    }

    /// What making the group would take, so that the files stay complete.
    fn needed_values(&self, group: &LiveGroup) -> Values {
        let require = self.app.semantics.groups.require.iter();
        require.filter_map(|field| Some((field.clone(), group.values.get(field)?.clone()?))).collect()
    }

    /// Members without a line, whose accounts can be named.
    fn members(
        &self,
        group: &'a LiveGroup,
        declared: Option<&DesiredGroup>,
        skipped: &mut BTreeSet<Skipped>,
    ) -> Vec<(Email, &'a LiveMember)> {
        let mut members: BTreeMap<Email, &LiveMember> = BTreeMap::new();
        for member in &group.members {
            let Some(identity) = self.by_id.get(&member.account) else {
                if !self.live.accounts.iter().any(|account| account.id == member.account) {
                    let what = format!("{} in {}", member.account, group.name);
                    self.skip(skipped, what, "this member is not among the accounts that the app lists");
                }
                continue;
            };
            if declared.is_none_or(|declared| !declared.members.contains_key(identity)) {
                members.entry(identity.clone()).or_insert(member);
            }
        }
        members.into_iter().collect()
    }
}
