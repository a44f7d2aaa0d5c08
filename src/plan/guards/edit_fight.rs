//! What is undone again and again: somebody else wants the opposite, and to go on for ever settles nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    model::{Action, Change, Finding, FindingCode, Guard, Status},
    plan::{
        Context, DoneLately,
        approvals::Approvals,
        draft::{Draft, Drafts},
        guards::Grounds,
    },
};

/// The most fights that the plan tells one by one. A tool that overwrites a field of every account causes hundreds.
const TOLD: usize = 5;

pub(super) fn check(cx: &Context<'_>, _: &Grounds<'_>, drafts: &mut Drafts) {
    // What this process alone knows of counts as well.
    let repeated = cx.past.and_then(|past| past.history).map(|history| &history.repeated);
    let Some(repeated) = repeated.filter(|repeated| !repeated.is_empty()) else { return };
    let approvals = Approvals::of(cx);
    let mut told = BTreeMap::new();
    // What a person does is not in the ledger.
    for draft in drafts.actions.iter_mut().filter(|draft| !draft.is(Status::Manual)) {
        let name = draft.action.name.to_string();
        let fight = repeated.get(&name).and_then(|done| fight(&draft.action, done, cx.now));
        let Some(fight) = fight else { continue };
        let reason = sentence(&draft.action, &fight);
        if draft.cuts_off_leaver() {
            let message = format!("{reason}; a person who left is cut off each time all the same");
            told.insert(name, finding(draft, message));
            continue;
        }
        if approvals.release(&name, Guard::EditFight).is_none() {
            told.insert(name, finding(draft, reason.clone()));
        }
        draft.hold_until_approved(Guard::EditFight, reason);
    }
    // No number, so that one more is no other finding.
    let more = (told.len() > TOLD).then(|| {
        let message =
            "more actions of this app than these are undone again and again; `rosterd plan --full` shows all of them";
        Finding::error(FindingCode::EditFight, message)
    });
    drafts.findings.extend(told.into_values().take(TOLD).chain(more));
}

fn finding(draft: &Draft, message: String) -> Finding {
    let name = &draft.action.name;
    let finding = Finding { account: name.account.clone(), ..Finding::error(FindingCode::EditFight, message) };
    Finding { group: name.group.clone(), ..finding.because(draft.action.because.clone()) }
}

/// What is fought about, and the last times that it was done.
struct Fight<'a> {
    /// Fields, where it is about their values.
    fields: Vec<&'a str>,
    rounds: Vec<&'a DoneLately>,
}

fn fight<'a>(action: &'a Action, done: &'a [DoneLately], now: Timestamp) -> Option<Fight<'a>> {
    let same: Vec<&DoneLately> = done.iter().filter(|done| is_about_same(action, done)).collect();
    if action.name.verb.sign() != "~" {
        return Some(Fight { fields: Vec::new(), rounds: last(same.into_iter(), now)? });
    }
    // A field that gets one new value after another is no fight.
    let sets =
        |done: &DoneLately, new: &Change| done.changes.iter().any(|old| old.field == new.field && old.to == new.to);
    let of_field = |new: &'a Change| {
        let rounds = last(same.iter().copied().filter(|done| sets(done, new)), now)?;
        Some(Fight { fields: vec![&*new.field], rounds })
    };
    action.changes.iter().filter_map(of_field).reduce(|mut all, next| {
        all.fields.extend(next.fields);
        all
    })
}

/// The last times that just this was done, if they are so close together that it is a fight, and the last is not long ago. That
/// it has to be done again says that each of them was undone.
fn last<'a>(done: impl Iterator<Item = &'a DoneLately>, now: Timestamp) -> Option<Vec<&'a DoneLately>> {
    let done: Vec<&DoneLately> = done.collect();
    let last = &done[done.len().checked_sub(DoneLately::TIMES)?..];
    let (first, latest) = (last.first()?.at, last.last()?.at);
    let is_close = |from: Timestamp, to: Timestamp| to.duration_since(from) < DoneLately::WITHIN;
    (is_close(first, latest) && is_close(latest, now)).then(|| last.to_vec())
}

/// Whether it was done to the same account or group. What is made anew has another id each time.
fn is_about_same(action: &Action, done: &DoneLately) -> bool {
    let other = |id: Option<&Arc<str>>, done: &Option<_>| id.zip(done.as_ref()).is_some_and(|(a, b)| a != b);
    !other(action.step.account_id(), &done.account) && !other(action.step.group_id(), &done.group)
}

fn sentence(action: &Action, fight: &Fight<'_>) -> String {
    let who: BTreeSet<String> = fight
        .rounds
        .iter()
        .map(|done| match &done.undone_by {
            Some(run) => format!("by {run}"),
            None => "in the app itself, by a person or another tool".to_owned(),
        })
        .collect();
    let who: Vec<String> = who.into_iter().collect();
    format!(
        "three times within 24 hours rosterd {}, and each time it was undone: {}; find out which of the two is meant, and change \
         the files or stop what undoes it",
        deed(action, &fight.fields.join(", ")),
        who.join("; ")
    )
}

/// What was done, as the end of a sentence.
fn deed(action: &Action, fields: &str) -> String {
    let name = &action.name;
    let of = if fields.is_empty() { String::new() } else { format!("{fields} of ") };
    let into = match name.verb.sign() {
        "+" => "to",
        "-" => "from",
        _ => "in",
    };
    let whom = match (&name.account, &name.group) {
        (Some(account), Some(group)) => format!("{account} {into} {group}"),
        (account, group) => account.as_ref().or(group.as_ref()).map(ToString::to_string).unwrap_or_default(),
    };
    format!("{} {of}{whom}", name.verb.past())
}
