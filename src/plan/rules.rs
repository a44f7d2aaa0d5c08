//! Rules of order: which action comes after which, and why. Every edge carries the rule that made it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Context,
    draft::{Draft, Drafts},
    guards,
    wanted::Standing,
};
use crate::model::{AccountStatus, ActionName, Email, GroupState, Rule, Seats, Status, Verb};

/// Draws every edge. Returns what it takes of the seats, where there is a cap.
pub(super) fn order(cx: &Context<'_>, drafts: &mut Drafts) -> Option<Seats> {
    let leaving = leave_with_the_account(cx, drafts);
    accounts_first(drafts);
    groups_first(leaving, drafts);
    let seats = seats(cx, drafts);
    new_admins_first(cx, drafts);
    seats
}

/// Where an account's removal goes ahead, its memberships go with it. Those that the removal takes along, and those that the
/// API takes from nobody, need no step of their own. The others follow a deactivation, or whoever makes the account active
/// again would give all of it back; a suspension keeps what it does not end. This comes after everything else: where the
/// account's removal waits, the memberships do not wait for it.
pub(super) fn subsume(cx: &Context<'_>, drafts: &mut Drafts) {
    let strips = cx.app.semantics.strips_members();
    let ending: BTreeMap<Arc<str>, ActionName> = drafts
        .actions
        .iter()
        .filter(|draft| matches!(draft.verb(), Verb::Deactivate | Verb::Delete) && draft.is(Status::Ready))
        .filter_map(|draft| Some((draft.action.step.account_id()?.clone(), draft.action.name.clone())))
        .collect();
    drafts.actions.retain_mut(|draft| {
        let group = draft.action.name.group.as_ref().and_then(|name| cx.app.groups.get(name));
        let stays = group.is_some_and(|group| group.state == GroupState::Present);
        let end = draft.action.step.account_id().and_then(|id| ending.get(id));
        let Some(end) = end.filter(|_| draft.verb() == Verb::RemoveMember && stays) else { return true };
        let goes_along = end.verb == Verb::Delete || strips;
        if goes_along || draft.is(Status::Manual) || draft.standing == Standing::Suspended {
            return false;
        }
        draft.after(end, Rule::InactiveFirst);
        true
    });
}

/// An account is made or made active before anything else is done with it; and what a reactivated account should not have
/// goes right after.
fn accounts_first(drafts: &mut Drafts) {
    let mut made: BTreeMap<Email, ActionName> = BTreeMap::new();
    let mut woken: BTreeMap<Arc<str>, (ActionName, bool)> = BTreeMap::new();
    for draft in &drafts.actions {
        let name = &draft.action.name;
        match (draft.verb(), &draft.identity, draft.action.step.account_id()) {
            (Verb::Create, Some(identity), _) => drop(made.insert(identity.clone(), name.clone())),
            (Verb::Reactivate, _, Some(id)) => drop(woken.insert(id.clone(), (name.clone(), draft.is(Status::Ready)))),
            _ => {}
        }
    }
    for draft in &mut drafts.actions {
        let first = match (draft.action.step.account_id(), &draft.identity) {
            // By the account, because the same person's other account has nothing to wait for.
            (Some(id), _) => woken.get(id).map(|(name, wakes)| (name, *wakes)),
            (None, Some(identity)) => made.get(identity).map(|name| (name, true)),
            (None, None) => None,
        };
        let Some((name, wakes)) = first else { continue };
        let rule = match (name.verb, draft.verb()) {
            (Verb::Create, Verb::AddMember) => Rule::AccountBeforeMembership,
            (Verb::Reactivate, Verb::AddMember | Verb::ChangeMember | Verb::Update) => Rule::ReactivationFirst,
            // What does not go ahead keeps nothing from being taken away.
            (Verb::Reactivate, Verb::RemoveMember) if wakes => Rule::CleanAfterReactivation,
            _ => continue,
        };
        draft.after(name, rule);
    }
}

/// A removal that takes the account out of its groups leaves nothing to do for those of its memberships whose group goes:
/// the group follows the account's removal instead. Returns what each such group follows.
fn leave_with_the_account(cx: &Context<'_>, drafts: &mut Drafts) -> BTreeMap<Arc<str>, Vec<ActionName>> {
    let strips = cx.app.semantics.strips_members();
    let ending: BTreeMap<Arc<str>, ActionName> = drafts
        .actions
        .iter()
        .filter(|draft| draft.verb() == Verb::Delete || draft.verb() == Verb::Deactivate && strips)
        .filter(|draft| draft.is(Status::Ready))
        .filter_map(|draft| Some((draft.action.step.account_id()?.clone(), draft.action.name.clone())))
        .collect();
    let mut leaving: BTreeMap<Arc<str>, Vec<ActionName>> = BTreeMap::new();
    drafts.actions.retain(|draft| {
        let group = draft.action.name.group.as_ref().and_then(|name| cx.app.groups.get(name));
        let going = group.filter(|group| group.state == GroupState::Absent && draft.verb() == Verb::RemoveMember);
        let end = draft.action.step.account_id().and_then(|id| ending.get(id));
        let Some((group, end)) = going.zip(end) else { return true };
        leaving.entry(group.name.clone()).or_default().push(end.clone());
        false
    });
    leaving
}

fn groups_first(mut leaving: BTreeMap<Arc<str>, Vec<ActionName>>, drafts: &mut Drafts) {
    let mut made: BTreeMap<Arc<str>, Vec<ActionName>> = BTreeMap::new();
    for name in drafts.actions.iter().map(|draft| &draft.action.name) {
        match (name.verb, name.group.clone()) {
            (Verb::CreateGroup, Some(group)) => drop(made.insert(group, vec![name.clone()])),
            (Verb::RemoveMember, Some(group)) => leaving.entry(group).or_default().push(name.clone()),
            _ => {}
        }
    }
    for draft in &mut drafts.actions {
        let Some(group) = &draft.action.name.group else { continue };
        let (first, rule) = match draft.verb() {
            Verb::AddMember => (made.get(group), Rule::GroupBeforeMembers),
            Verb::DeleteGroup => (leaving.get(group), Rule::MembersBeforeGroupGoes),
            _ => continue,
        };
        first.into_iter().flatten().for_each(|name| draft.after(name, rule));
    }
}

/// When the admins that stay would be too few by themselves, those who go wait for as many new ones as it takes. A new
/// admin who can be made at once comes before one who waits for something else.
fn new_admins_first(cx: &Context<'_>, drafts: &mut Drafts) {
    let balance = guards::balance(cx, drafts);
    let missing = (cx.app.policy.min_admins as usize).saturating_sub(balance.remaining);
    if missing == 0 {
        return;
    }
    let stuck: BTreeSet<&ActionName> =
        drafts.actions.iter().filter(|draft| !draft.is(Status::Ready)).map(|draft| &draft.action.name).collect();
    let mut makers: Vec<(usize, ActionName)> = drafts
        .actions
        .iter()
        // One who waits, for a seat perhaps, is still the one that the old admin waits for when there is no other.
        .filter(|draft| matches!(draft.action.status, Status::Ready | Status::Waiting) && draft.makes_admin)
        .map(|draft| {
            let after = &draft.action.after;
            let waits = match draft.is(Status::Ready) {
                true if after.is_empty() => 0,
                true if !after.iter().any(|edge| stuck.contains(&edge.action)) => 1,
                _ => 2,
            };
            (waits, draft.action.name.clone())
        })
        .collect();
    makers.sort();
    makers.truncate(missing);
    for draft in drafts.actions.iter_mut().filter(|draft| draft.is(Status::Ready) && draft.loses_admin) {
        for (_, maker) in &makers {
            draft.after(maker, Rule::NewAdminFirst);
        }
    }
}

/// Where seats are full, each new account takes the seat of one that goes; for whom none is left waits. New admins are
/// seated first and old ones make room last, because an old one may itself have to wait for a new one.
fn seats(cx: &Context<'_>, drafts: &mut Drafts) -> Option<Seats> {
    let seats = cx.app.seats?;
    let semantics = &cx.app.semantics;
    let takes_seat = |status: &AccountStatus| *status != AccountStatus::Inactive || semantics.inactive_keeps_seat;
    let used = cx.accounts.iter().filter(|account| takes_seat(&account.status)).count();
    let frees = |draft: &Draft| match draft.verb() {
        Verb::Deactivate => !semantics.inactive_keeps_seat,
        Verb::Delete => draft.action.step.account().is_some_and(|account| takes_seat(&account.status)),
        _ => false,
    };
    let mut freed: Vec<(bool, ActionName)> = drafts
        .actions
        .iter()
        .filter(|draft| draft.is(Status::Ready) && frees(draft))
        .map(|draft| (draft.loses_admin, draft.action.name.clone()))
        .collect();
    freed.sort();
    // Where more seats are taken than there are, the first ones that become free are owed.
    let over = used.saturating_sub(seats as usize);
    let free = (seats as usize).saturating_sub(used);
    let all_free = u32::try_from(free + freed.len().saturating_sub(over)).unwrap_or(u32::MAX);
    let takes = |draft: &Draft| match draft.verb() {
        Verb::Create => true,
        Verb::Reactivate => !semantics.inactive_keeps_seat,
        _ => draft.makes_account,
    };
    let takers: Vec<&mut Draft> =
        drafts.actions.iter_mut().filter(|draft| draft.is(Status::Ready) && takes(draft)).collect();
    if let Some(about) = cx.live.alone() {
        let who = &about.identity;
        for draft in takers {
            draft.wait(format!(
                "whether one of the {seats} seats is free is not known, because only {who} was looked for; run without `--only`"
            ));
        }
        return None;
    }
    let freed = freed.into_iter().map(|(_, name)| name).collect();
    let needed = take(takers, free, freed, over, seats);
    Some(Seats { needed, free: all_free })
}

/// Seats new accounts on the `free` seats, and then on those that `freed` make free, the first `owed` of which nobody gets.
/// Returns how many seats it takes.
fn take(mut takers: Vec<&mut Draft>, mut free: usize, freed: Vec<ActionName>, owed: usize, seats: u32) -> u32 {
    let (owed, spare) = freed.split_at(owed.min(freed.len()));
    let (mut spare, mut needed) = (spare.iter(), 0);
    takers.sort_by_key(|draft| (!draft.makes_admin, draft.action.name.clone()));
    // Somebody whom joining makes takes one seat, however many groups they join; all those joinings share its fate.
    let mut seated: BTreeMap<Email, Seat> = BTreeMap::new();
    for draft in takers {
        let joins = draft.identity.clone().filter(|_| draft.makes_account);
        let known = joins.as_ref().and_then(|who| seated.get(who).cloned());
        let seat = known.unwrap_or_else(|| {
            needed += 1;
            if free > 0 {
                free -= 1;
                return Seat::Free;
            }
            spare.next().map_or(Seat::None, |name| Seat::After([name].into_iter().chain(owed).cloned().collect()))
        });
        match &seat {
            Seat::Free => {}
            Seat::After(names) => names.iter().for_each(|name| draft.after(name, Rule::SeatFreedFirst)),
            Seat::None => draft.wait(format!("no seat: all {seats} are taken")),
        }
        if let Some(who) = joins {
            seated.insert(who, seat);
        }
    }
    needed
}

/// Where a new account sits.
#[derive(Clone)]
enum Seat {
    /// On a seat that nobody has.
    Free,
    /// On one that these free.
    After(Vec<ActionName>),
    /// Nowhere yet.
    None,
}
