//! What was live when it was last seen, from the store alone: for questions that are worth no request.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::memory::Memory;
use crate::{
    model::{
        ADDRESS, AccountStatus, Coverage, Desired, DesiredApp, Email, FieldName, FieldValue, Live, LiveAccount,
        LiveApp, LiveGroup, LiveMember, Semantics, Verb,
    },
    store::{AppKey, Deed, LastSeen, StoreError},
};

/// What the last readings of the apps showed, with what we did since. An app that was never read is not in it. `origin` is
/// where the requests of an app went.
///
/// # Errors
/// When the store fails.
pub async fn last_seen(
    memory: &Memory,
    desired: &Desired,
    origin: impl Fn(&DesiredApp) -> String,
) -> Result<Live, StoreError> {
    let mut live = Live::default();
    for app in desired.apps.values() {
        let key = AppKey::new(app.name.clone(), origin(app));
        let Some(seen) = memory.store.last_seen(&key).await? else { continue };
        let declared = memory.store.declared_groups(&key).await?;
        live.apps.insert(app.name.clone(), Ok(app_of(seen, declared, &app.semantics)));
    }
    Ok(live)
}

fn app_of(seen: LastSeen, declared: BTreeMap<Arc<str>, Arc<str>>, semantics: &Semantics) -> LiveApp {
    let named = |id: Arc<str>, name: Arc<str>| LiveGroup::named(id, name, Coverage::Complete);
    let mut groups: BTreeMap<Arc<str>, LiveGroup> =
        declared.into_iter().map(|(id, name)| (id.clone(), named(id, name))).collect();
    let mut live = LiveApp::empty(seen.at);
    for holding in seen.holdings {
        for group in holding.groups {
            let there = groups.entry(group.group.clone()).or_insert_with(|| named(group.group, group.name.clone()));
            // The name that the app has for it, which may be another one than the files'.
            there.name = group.name;
            let (account, status, values) = (holding.account.clone(), group.status, group.values);
            there.members.push(LiveMember { account, email: None, status, values });
        }
        live.accounts.push(LiveAccount {
            id: holding.account,
            email: holding.email,
            status: holding.status,
            other_addresses: BTreeSet::new(),
            values: holding.values,
            created_at: None,
        });
    }
    if !seen.has_all {
        live.accounts_coverage = Coverage::Incomplete("no reading that showed all accounts is on record".into());
    }
    live.groups = groups.into_values().collect();
    for entry in &seen.unread {
        if let Some(action) = entry.entry.event.action() {
            Since { live: &mut live, deed: &action.deed, at: entry.entry.at }.redo(semantics);
        }
    }
    live
}

/// Something that we did after what was seen.
struct Since<'a> {
    live: &'a mut LiveApp,
    deed: &'a Deed,
    at: Timestamp,
}

impl Since<'_> {
    fn redo(&mut self, semantics: &Semantics) {
        let Some(id) = self.account() else { return self.redo_group() };
        match self.deed.verb {
            Verb::Create => {
                let becomes = semantics.create.as_ref().map(|rule| rule.becomes.clone());
                self.make(id, becomes.unwrap_or(AccountStatus::Active), self.values().collect());
            }
            Verb::Update => self.update(&id),
            Verb::Reactivate => self.put(&id, AccountStatus::Active),
            Verb::Deactivate => self.put(&id, AccountStatus::Inactive),
            Verb::Delete => self.live.accounts.retain(|account| account.id != id),
            Verb::AddMember => {
                if semantics.members.creates_account && !self.live.accounts.iter().any(|account| account.id == id) {
                    self.make(id.clone(), AccountStatus::Active, BTreeMap::new());
                }
                let member = LiveMember::new(id, self.values().collect());
                self.group().into_iter().for_each(|group| group.members.push(member.clone()));
            }
            Verb::ChangeMember => {
                let values: Vec<_> = self.values().collect();
                let members = self.group().into_iter().flat_map(|group| &mut group.members);
                members.filter(|member| member.account == id).for_each(|member| member.values.extend(values.clone()));
            }
            Verb::RemoveMember => {
                self.group().into_iter().for_each(|group| group.members.retain(|member| member.account != id));
            }
            // Of a group, which no account stands behind.
            _ => {}
        }
    }

    fn redo_group(&mut self) {
        let Deed { verb, group, group_id, .. } = self.deed;
        let (Some(name), Some(id)) = (group, group_id) else { return };
        match verb {
            Verb::CreateGroup => {
                self.live.groups.push(LiveGroup::named(id.clone(), name.clone(), Coverage::Complete));
            }
            Verb::DeleteGroup => self.live.groups.retain(|group| group.id != *id),
            _ => {}
        }
    }

    /// The id of the account. One that the app has not told yet is called by its address.
    fn account(&self) -> Option<Arc<str>> {
        let called = self.deed.live.as_ref().or(self.deed.account.as_ref())?;
        let email = Email::lenient(called);
        let seen =
            || self.live.accounts.iter().find(|account| account.email == email).map(|account| account.id.clone());
        self.deed.account_id.clone().or_else(seen).or_else(|| Some(called.clone()))
    }

    fn values(&self) -> impl Iterator<Item = (FieldName, Option<FieldValue>)> {
        self.deed.changes.iter().map(|change| (change.field.clone(), change.to.clone()))
    }

    fn make(&mut self, id: Arc<str>, status: AccountStatus, values: BTreeMap<FieldName, Option<FieldValue>>) {
        let email = Email::lenient(self.deed.account.as_deref().unwrap_or_default());
        self.live.accounts.retain(|account| account.id != id);
        let (other_addresses, created_at) = (BTreeSet::new(), Some(self.at));
        self.live.accounts.push(LiveAccount { id, email, status, other_addresses, values, created_at });
    }

    fn update(&mut self, id: &Arc<str>) {
        let values: Vec<_> = self.values().collect();
        for account in self.live.accounts.iter_mut().filter(|account| account.id == *id) {
            for (field, value) in values.clone() {
                match value.as_ref().and_then(|value| value.texts().next()) {
                    Some(address) if &*field == ADDRESS => account.email = Email::lenient(address),
                    _ => drop(account.values.insert(field, value)),
                }
            }
        }
    }

    fn put(&mut self, id: &Arc<str>, status: AccountStatus) {
        let theirs = self.live.accounts.iter_mut().filter(|account| account.id == *id);
        theirs.for_each(|account| account.status = status.clone());
    }

    fn group(&mut self) -> Option<&mut LiveGroup> {
        let Deed { group, group_id, .. } = self.deed;
        self.live.groups.iter_mut().find(|there| match group_id {
            Some(id) => there.id == *id,
            None => group.as_ref() == Some(&there.name),
        })
    }
}
