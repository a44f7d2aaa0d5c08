//! Rules of order: which action comes after which, and why. Every edge carries the rule that made it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Context,
    draft::{Draft, Drafts},
    guards,
};
use crate::model::{AccountStatus, ActionName, Email, GroupState, Rule, Status, Verb};

/// Draws every edge.
pub(super) fn order(cx: &Context<'_>, drafts: &mut Drafts) {
    subsume(cx, drafts);
    accounts_first(drafts);
    groups_first(drafts);
    new_admins_first(cx, drafts);
    seats(cx, drafts);
}

/// Where an account's removal goes ahead, its memberships go with it: taking them away one by one would only cost requests.
/// They are looked at again should the account ever become active.
fn subsume(cx: &Context<'_>, drafts: &mut Drafts) {
    let ending: BTreeSet<Arc<str>> = drafts
        .actions
        .iter()
        .filter(|draft| matches!(draft.verb(), Verb::Deactivate | Verb::Delete) && draft.is(Status::Ready))
        .filter_map(|draft| draft.action.target.account_id.clone())
        .collect();
    drafts.actions.retain(|draft| {
        let group = draft.action.name.group.as_ref().and_then(|name| cx.app.groups.get(name));
        let stays = group.is_some_and(|group| group.state == GroupState::Present);
        let ends = draft.action.target.account_id.as_ref().is_some_and(|id| ending.contains(id));
        !(draft.verb() == Verb::RemoveMember && stays && ends)
    });
}

/// An account is made or made active before anything else is done with it; and what a reactivated account should not have
/// goes right after.
fn accounts_first(drafts: &mut Drafts) {
    let first: BTreeMap<Email, (ActionName, Verb)> = drafts
        .actions
        .iter()
        .filter(|draft| matches!(draft.verb(), Verb::Create | Verb::Reactivate))
        .filter_map(|draft| Some((draft.identity.clone()?, (draft.action.name.clone(), draft.verb()))))
        .collect();
    for draft in &mut drafts.actions {
        let Some((name, verb)) = draft.identity.as_ref().and_then(|identity| first.get(identity)) else { continue };
        let rule = match (verb, draft.verb()) {
            (Verb::Create, Verb::AddMember) => Rule::AccountBeforeMembership,
            (Verb::Reactivate, Verb::AddMember | Verb::ChangeMember | Verb::Update) => Rule::ReactivationFirst,
            (Verb::Reactivate, Verb::RemoveMember) => Rule::CleanAfterReactivation,
            _ => continue,
        };
        draft.after(name, rule);
    }
}

fn groups_first(drafts: &mut Drafts) {
    let mut made: BTreeMap<Arc<str>, ActionName> = BTreeMap::new();
    let mut leaving: BTreeMap<Arc<str>, Vec<ActionName>> = BTreeMap::new();
    for draft in &drafts.actions {
        let Some(group) = draft.action.name.group.clone() else { continue };
        match draft.verb() {
            Verb::CreateGroup => {
                made.insert(group, draft.action.name.clone());
            }
            Verb::RemoveMember => leaving.entry(group).or_default().push(draft.action.name.clone()),
            _ => {}
        }
    }
    for draft in &mut drafts.actions {
        let Some(group) = draft.action.name.group.clone() else { continue };
        match draft.verb() {
            Verb::AddMember => {
                if let Some(name) = made.get(&group) {
                    draft.after(name, Rule::GroupBeforeMembers);
                }
            }
            Verb::DeleteGroup => {
                for name in leaving.get(&group).into_iter().flatten() {
                    draft.after(name, Rule::MembersBeforeGroupGoes);
                }
            }
            _ => {}
        }
    }
}

/// When the admins that stay would be too few by themselves, those who go wait for those who come.
fn new_admins_first(cx: &Context<'_>, drafts: &mut Drafts) {
    let balance = guards::balance(cx, drafts);
    if balance.remaining >= cx.app.policy.min_admins as usize {
        return;
    }
    let ready = |draft: &&Draft| draft.is(Status::Ready);
    let makers: Vec<ActionName> = drafts
        .actions
        .iter()
        .filter(ready)
        .filter(|draft| draft.makes_admin)
        .map(|draft| draft.action.name.clone())
        .collect();
    for draft in drafts.actions.iter_mut().filter(|draft| draft.is(Status::Ready) && draft.loses_admin) {
        for maker in &makers {
            draft.after(maker, Rule::NewAdminFirst);
        }
    }
}

/// Where seats are full, each new account takes the seat of one that goes; for whom none is left waits.
fn seats(cx: &Context<'_>, drafts: &mut Drafts) {
    let Some(seats) = cx.app.seats else { return };
    let semantics = &cx.app.semantics;
    let takes_seat = |status: &AccountStatus| *status != AccountStatus::Inactive || semantics.inactive_keeps_seat;
    let used = cx.live.accounts.iter().filter(|account| takes_seat(&account.status)).count();
    let mut free = (seats as usize).saturating_sub(used);
    let frees = |draft: &Draft| match draft.verb() {
        Verb::Deactivate => !semantics.inactive_keeps_seat,
        Verb::Delete => draft.action.target.expect.as_ref().is_some_and(takes_seat),
        _ => false,
    };
    let freed: Vec<ActionName> = drafts
        .actions
        .iter()
        .filter(|draft| draft.is(Status::Ready) && frees(draft))
        .map(|draft| draft.action.name.clone())
        .collect();
    let mut freed = freed.iter();
    let takes = |draft: &Draft| match draft.verb() {
        Verb::Create => true,
        Verb::Reactivate => !semantics.inactive_keeps_seat,
        _ => false,
    };
    for draft in drafts.actions.iter_mut().filter(|draft| draft.is(Status::Ready) && takes(draft)) {
        if free > 0 {
            free -= 1;
        } else if let Some(name) = freed.next() {
            draft.after(name, Rule::SeatFreedFirst);
        } else {
            draft.wait(format!("no seat: all {seats} are taken"));
        }
    }
}
