//! Which reads go with a write, as far as a manifest says.

use std::collections::BTreeMap;

use crate::{
    connectors::rest::manifest::{Accounts, Call, Change, Groups, Members, Style, Update},
    model::{Effort, Verb},
};

/// The effort of each verb. `read_back` are those whose answers do not show what was written.
pub(super) fn of(
    accounts: &Accounts,
    groups: &Groups,
    members: &Members,
    read_back: impl Iterator<Item = Verb>,
) -> BTreeMap<Verb, Effort> {
    let status = |change: &Change| match change {
        Change::Set { .. } => accounts.records.update.as_ref().and_then(update),
        Change::Call(_) => Some(Effort::LOOK),
    };
    let known = [
        (Verb::Update, accounts.records.update.as_ref().and_then(update)),
        (Verb::Deactivate, accounts.deactivate.as_ref().and_then(status)),
        (Verb::Reactivate, accounts.reactivate.as_ref().and_then(status)),
        (Verb::Delete, accounts.records.delete.as_ref().and_then(deletion)),
        (Verb::RemoveMember, members.remove.as_ref().and_then(deletion)),
        (Verb::UpdateGroup, groups.records.update.as_ref().and_then(update)),
        (Verb::DeleteGroup, groups.records.delete.as_ref().and_then(deletion)),
    ];
    let mut effort: BTreeMap<_, _> = known.into_iter().filter_map(|(verb, effort)| Some((verb, effort?))).collect();
    for verb in read_back {
        effort.entry(verb).or_default().after = 1;
    }
    effort
}

/// What is sent is read first.
const READ_FIRST: Effort = Effort { before: 1, after: 0 };

fn update(update: &Update) -> Option<Effort> {
    matches!(update.style, Style::Replace { .. }).then_some(READ_FIRST)
}

/// That something is gone, only an answer proves that could have said that it is not.
fn deletion(call: &Call) -> Option<Effort> {
    (!call.answers.can_prove()).then_some(Effort::LOOK)
}
