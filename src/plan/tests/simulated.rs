//! An app in memory, which does what a plan says as the semantics allow, and refuses what a real one would refuse.

use std::collections::BTreeSet;

use super::fixture::World;
use crate::model::*;

/// Carries out the ready actions of the world's plan, in some order that respects `after`; `visit` sees the world before
/// each. Returns how many were done.
pub(super) fn carry_out(world: &mut World, seed: u64, mut visit: impl FnMut(&World, &Action)) -> usize {
    let plan = world.plan();
    let mut open: Vec<&Action> = plan.actions.iter().filter(|action| action.status == Status::Ready).collect();
    open.sort_by_key(|action| mix(seed, &action.name.to_string()));
    let count = open.len();
    let mut done: BTreeSet<&ActionName> = BTreeSet::new();
    while !open.is_empty() {
        let next = open
            .iter()
            .position(|action| action.after.iter().all(|edge| done.contains(&edge.action)))
            .expect("what is ready follows only what is ready, without a cycle");
        let action = open.remove(next);
        visit(world, action);
        carry_out_one(world, action);
        done.insert(&action.name);
    }
    count
}

/// Somebody clicks on every link.
pub(super) fn accept_invitations(world: &mut World) -> usize {
    let pending = world.live.accounts.iter_mut().filter(|account| account.status == AccountStatus::Pending);
    pending.map(|account| account.status = AccountStatus::Active).count()
}

/// Any order will do, as long as the seed decides it.
pub(super) fn mix(seed: u64, text: &str) -> u64 {
    text.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn carry_out_one(world: &mut World, action: &Action) {
    let semantics = world.desired.apps["a"].semantics.clone();
    let (name, step) = (&action.name, &action.step);
    assert_eq!(name.verb, step.verb(), "{name}: its step does something else");
    let live = &mut world.live;
    let seen = || step.values().iter().map(|(field, value)| (field.clone(), Some(value.clone())));
    let account_id = || match step.account_id() {
        Some(id) => id.clone(),
        None => {
            let email = step.email().expect("an account is sought by its address");
            let account = live.accounts.iter().find(|account| account.email == *email);
            account.unwrap_or_else(|| panic!("{name}: nobody has this address")).id.clone()
        }
    };
    match name.verb {
        Verb::Create => {
            let rule = semantics.create.as_ref().expect("the API can");
            let email = step.email().cloned().expect("it has an address");
            assert!(live.accounts.iter().all(|account| account.email != email), "{name}: the address is taken");
            let mut values = std::collections::BTreeMap::from([("role".into(), None)]);
            values.extend(seen());
            live.accounts.push(LiveAccount {
                other_addresses: Default::default(),
                id: format!("new-{email}").into(),
                email,
                status: rule.becomes.clone(),
                values,
                created_at: None,
            });
        }
        Verb::Update => {
            assert!(semantics.update, "{name}");
            if let Some(address) = step.address() {
                assert!(!semantics.fixed.contains("email"), "{name}: addresses stay as they are");
                assert!(live.accounts.iter().all(|account| account.email != *address), "{name}: the address is taken");
            }
            let updated = account(live, &account_id());
            updated.values.extend(seen());
            updated.email = step.address().cloned().unwrap_or_else(|| updated.email.clone());
        }
        Verb::Reactivate => {
            assert!(semantics.reactivate, "{name}");
            account(live, &account_id()).status = AccountStatus::Active;
        }
        Verb::Deactivate => {
            let rule = semantics.deactivate.as_ref().expect("the API can");
            let id = account_id();
            account(live, &id).status = AccountStatus::Inactive;
            if rule.strips_members {
                live.groups.iter_mut().for_each(|group| group.members.retain(|member| member.account != id));
            }
            if let Some(history) = &mut world.history {
                history.deactivated_by_us.insert(id);
            }
        }
        Verb::Delete => {
            let id = account_id();
            let pending = account(live, &id).status == AccountStatus::Pending;
            assert!(semantics.delete.is_some() || pending && semantics.cancel_pending == Some(Verb::Delete), "{name}");
            live.accounts.retain(|account| account.id != id);
            live.groups.iter_mut().for_each(|group| group.members.retain(|member| member.account != id));
        }
        Verb::AddMember => {
            assert!(semantics.members.add, "{name}");
            let id = account_id();
            let status = account(live, &id).status.clone();
            assert!(semantics.members.when.contains(&status), "{name}: accounts that are {status} cannot join");
            let group = group(live, action);
            assert!(group.members.iter().all(|member| member.account != id), "{name}: is a member already");
            let mut values = std::collections::BTreeMap::from([("role".into(), None)]);
            values.extend(seen());
            group.members.push(LiveMember::new(id, values));
        }
        Verb::ChangeMember => {
            assert_ne!(semantics.members.change, MemberChange::Manual, "{name}");
            let id = account_id();
            let member = group(live, action).members.iter_mut().find(|member| member.account == id);
            member.expect("it is a member").values.extend(seen());
        }
        Verb::RemoveMember => {
            assert!(semantics.members.remove, "{name}");
            let id = account_id();
            let group = group(live, action);
            assert!(group.members.iter().any(|member| member.account == id), "{name}: is no member");
            group.members.retain(|member| member.account != id);
        }
        Verb::CreateGroup => {
            assert!(semantics.groups.create, "{name}");
            let group = name.group.clone().expect("it has a name");
            assert!(live.groups.iter().all(|other| other.name != group), "{name}: the name is taken");
            live.groups.push(LiveGroup {
                id: format!("new-{group}").into(),
                name: group,
                values: seen().collect(),
                members: Vec::new(),
                coverage: Coverage::Complete,
                reach: Reach::Full,
            });
        }
        Verb::UpdateGroup => {
            assert!(semantics.groups.update, "{name}");
            group(live, action).values.extend(seen());
        }
        Verb::DeleteGroup => {
            assert!(semantics.groups.delete, "{name}");
            let id = group(live, action).id.clone();
            live.groups.retain(|group| group.id != id);
        }
    }
}

fn account<'a>(live: &'a mut LiveApp, id: &str) -> &'a mut LiveAccount {
    live.accounts.iter_mut().find(|account| &*account.id == id).unwrap_or_else(|| panic!("there is no account {id}"))
}

/// The group an action is about; where groups cannot be listed, a pinned one that nobody was in appears with its first
/// member.
fn group<'a>(live: &'a mut LiveApp, action: &Action) -> &'a mut LiveGroup {
    let name = action.name.group.as_ref().expect("it is about a group");
    let id = action.step.group_id().cloned();
    let at = live.groups.iter().position(|group| id.as_ref().map_or(group.name == *name, |id| group.id == *id));
    let at = at.unwrap_or_else(|| {
        live.groups.push(LiveGroup {
            id: id.unwrap_or_else(|| panic!("{}: there is no such group", action.name)),
            name: name.clone(),
            values: std::collections::BTreeMap::new(),
            members: Vec::new(),
            coverage: Coverage::Complete,
            reach: Reach::Full,
        });
        live.groups.len() - 1
    });
    &mut live.groups[at]
}
