//! Somebody else who works in the same apps while the engine does: rows come and go under a reader, and what was put right
//! is put wrong again.

use jiff::SignedDuration;
use rosterd::sandbox::{AccountPatch, AccountView, NewAccount, Sandbox};

use super::{
    chance::Chance,
    world::{App, World, alias, person},
};

/// How old an account is whose address somebody changes.
const SETTLED: SignedDuration = SignedDuration::from_mins(10);

pub(crate) struct Meddler {
    chance: Chance,
    probability: f64,
    newcomers: u64,
    /// Nobody meddles any more.
    pub gone: bool,
}

impl Meddler {
    pub(crate) fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed, "meddler");
        let probability = *chance.pick(&[0.0, 0.0, 0.01, 0.05, 0.2]);
        Self { chance, probability, newcomers: 0, gone: false }
    }

    /// Maybe does something in an app, and says what.
    pub(crate) fn act(&mut self, world: &World, sandbox: &Sandbox, app: usize) -> Option<String> {
        if self.gone || !self.chance.happens(self.probability) {
            return None;
        }
        self.does(&world.apps[app], world, sandbox)
    }

    /// Tries something in an app, and says what it did; chance may pick what cannot be done.
    pub(crate) fn does(&mut self, app: &App, world: &World, sandbox: &Sandbox) -> Option<String> {
        let (kind, tenant) = (app.kind, app.name.as_str());
        let accounts = sandbox.accounts(kind, tenant).unwrap();
        let ours: Vec<_> = accounts.iter().filter(|one| world.people.contains_key(&person(&one.email))).collect();
        let others: Vec<_> =
            accounts.iter().filter(|one| one.email.to_lowercase().ends_with("@else.example")).collect();
        let chance = &mut self.chance;
        match chance.below(8) {
            0 => {
                self.newcomers += 1;
                let account = NewAccount {
                    email: format!("newcomer{}@else.example", self.newcomers),
                    given_name: Some("New".into()),
                    family_name: Some("Comer".into()),
                    ..NewAccount::default()
                };
                let email = account.email.clone();
                sandbox.add_account(kind, tenant, account).ok()?;
                Some(format!("{email} is new in {tenant}"))
            }
            1 if !others.is_empty() => {
                let one = chance.pick(&others);
                sandbox.remove_account(kind, tenant, &one.id).ok()?;
                Some(format!("{} is deleted from {tenant}", one.email))
            }
            2 if !ours.is_empty() => {
                let one = chance.pick(&ours);
                sandbox.remove_account(kind, tenant, &one.id).ok()?;
                Some(format!("{} is deleted from {tenant}", one.email))
            }
            3 if !ours.is_empty() => {
                let one = chance.pick(&ours);
                let status = if one.status == "active" { "inactive" } else { "active" };
                let patch = AccountPatch { status: Some(status.into()), ..AccountPatch::default() };
                sandbox.patch_account(kind, tenant, &one.id, patch).ok()?;
                Some(format!("{} is {status} in {tenant}", one.email))
            }
            4 if !ours.is_empty() && !app.roles()[0].is_empty() => {
                let one = chance.pick(&ours);
                let role = chance.word(app.roles());
                let patch = AccountPatch { role: Some(role.into()), ..AccountPatch::default() };
                sandbox.patch_account(kind, tenant, &one.id, patch).ok()?;
                Some(format!("{} is {role} in {tenant}", one.email))
            }
            // Who has not accepted yet cannot be put into anything, at some apps not even by a person.
            5 if accounts.iter().any(|one| one.status == "active") && !app.groups.is_empty() => {
                let active: Vec<_> = accounts.iter().filter(|one| one.status == "active").collect();
                let (one, group) = (*chance.pick(&active), chance.pick(&app.groups));
                sandbox.put_membership(kind, tenant, &one.id, &group.id, chance.word(app.member_roles())).ok()?;
                Some(format!("{} is put into {} in {tenant}", one.email, group.name))
            }
            6 if !accounts.is_empty() && !app.groups.is_empty() => {
                let (one, group) = (chance.pick(&accounts), chance.pick(&app.groups));
                sandbox.remove_membership(kind, tenant, &one.id, &group.id).ok()?;
                Some(format!("{} is taken out of {} in {tenant}", one.email, group.name))
            }
            // Somebody goes by the old address again, or by the new one already. Nobody changes it in the moments in which an
            // account comes about; and where projects are joined by address, a request under way would meet another person.
            7 if kind != "acc" => {
                let settled = |one: &AccountView| sandbox.now().duration_since(one.created_at) > SETTLED;
                let movable: Vec<_> =
                    ours.iter().filter(|one| alias(&person(&one.email)).is_some() && settled(one)).collect();
                let one = movable.get(chance.below(movable.len().max(1)))?;
                let key = person(&one.email);
                let to = if one.email.to_lowercase() == key { alias(&key)? } else { key };
                let patch = AccountPatch { email: Some(to.clone()), ..AccountPatch::default() };
                sandbox.patch_account(kind, tenant, &one.id, patch).ok()?;
                Some(format!("{} is called {to} in {tenant}", one.email))
            }
            _ => None,
        }
    }
}
