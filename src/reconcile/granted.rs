//! What granted, as far as the ledger knows, what a plan takes away because no line grants it any more.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::{
    model::{Action, ActionName, AppPlan, Change, Email, Former, Known, Place, Reason, Values},
    store::{AppKey, Deed, Entry, Store, StoreError},
};

/// The lookup covers this many people. A plan that takes something away from more does not show every row either.
const PEOPLE: usize = 500;

/// The lines that once granted what `planned` takes away, by the action's name, and how that is known.
pub(super) async fn before(
    store: &Store,
    key: &AppKey,
    planned: &AppPlan,
    zone: &TimeZone,
) -> Result<BTreeMap<String, Former>, StoreError> {
    let unexplained = |action: &&Action| action.reason.as_ref().is_some_and(Reason::is_unexplained);
    let actions: Vec<&Action> = planned.actions.iter().filter(unexplained).collect();
    let people: BTreeSet<Email> = actions
        .iter()
        .filter_map(|action| Some(Email::lenient(action.name.account.as_deref()?)))
        .take(PEOPLE)
        .collect();
    let mut before = BTreeMap::new();
    for person in &people {
        let entries = store.given_to(key, person).await?;
        let theirs = actions.iter().filter(|action| is_about(&action.name, person));
        before.extend(theirs.filter_map(|action| Some((action.name.to_string(), last(&entries, action, zone)?))));
    }
    Ok(before)
}

fn is_about(name: &ActionName, person: &Email) -> bool {
    name.account.as_deref().is_some_and(|account| Email::lenient(account) == *person)
}

/// The lines of the last entry that gave it. Where no entry is about the account itself, a membership gave it.
fn last(entries: &[Entry], action: &Action, zone: &TimeZone) -> Option<Former> {
    let given = || entries.iter().rev().filter_map(|entry| Some((entry.entry.at, given(entry, action)?)));
    let of_account = action.name.group.is_none() && action.name.verb.sign() == "-";
    let (at, deed) = given().find(|(_, deed)| is_it(deed, action)).or_else(|| given().find(|_| of_account))?;
    let places: Vec<Place> = deed.because.iter().filter_map(|place| place.parse().ok()).collect();
    let known = match &deed.commit {
        Some(commit) => Known::AtCommit(commit.clone()),
        None => Known::On(at.to_zoned(zone.clone()).date()),
    };
    (!places.is_empty()).then(|| Former { places: Place::sorted(&places), known })
}

/// What an entry says was given to the account that the action is about.
fn given<'a>(entry: &'a Entry, action: &Action) -> Option<&'a Deed> {
    let deed = &entry.entry.event.action()?.deed;
    let is_other = deed.account_id.as_ref().zip(action.step.account_id()).is_some_and(|(id, own)| id != own);
    (deed.gains && !is_other).then_some(deed)
}

/// Whether an entry gave exactly what the action takes away.
fn is_it(deed: &Deed, action: &Action) -> bool {
    let same_group = match (&deed.group_id, action.step.group_id()) {
        (Some(id), Some(own)) => id == own,
        _ => deed.group == action.name.group,
    };
    let gave = |change: &Change| {
        let values: Values = change.to.iter().map(|to| (change.field.clone(), to.clone())).collect();
        action.changes.iter().any(|taken| taken.takes_from(&values))
    };
    same_group && (action.name.verb.sign() == "-" || deed.changes.iter().any(gave))
}
