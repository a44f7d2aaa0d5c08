//! Which requests an action takes when all goes well: what forecasts count and budgets are told beforehand.

use crate::{
    budget::Kind,
    model::{Action, Semantics},
};

/// The requests of actions that are carried out together, in order.
pub(super) fn requests<'a>(actions: impl Iterator<Item = &'a Action>, semantics: &Semantics) -> Vec<Kind> {
    let mut requests = Vec::new();
    let mut verb = None;
    for action in actions {
        // The account that loses something, or its address, is looked at first, each on its own.
        if action.may_lock_out() && action.step.account().is_some() {
            requests.push(Kind::Read);
        }
        if action.step.address().is_some() {
            requests.extend((0..semantics.address_reads).map(|_| Kind::Read));
        }
        verb = Some(action.name.verb);
    }
    let Some(verb) = verb else { return requests };
    let effort = semantics.effort.get(&verb).copied().unwrap_or_default();
    requests.extend((0..effort.before).map(|_| Kind::Read));
    requests.push(Kind::Write);
    requests.extend((0..effort.after).map(|_| Kind::Read));
    requests
}

/// How many of them read, and how many write.
pub(super) fn count(requests: &[Kind]) -> (u64, u64) {
    let writes = requests.iter().filter(|kind| **kind == Kind::Write).count() as u64;
    (requests.len() as u64 - writes, writes)
}
