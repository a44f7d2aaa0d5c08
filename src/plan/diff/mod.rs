//! The difference itself: which actions would make live equal to desired, before any order or guard.

mod accounts;
mod fields;
mod findings;
mod found;
mod groups;
mod invitations;
mod members;
mod reasons;
mod removal;
mod renamed_groups;
mod renames;
mod vocabulary;

pub(in crate::plan) use accounts::may_be_live_admin;
pub(super) use renamed_groups::declared_groups;

use super::{Context, draft::Drafts, identity::Matched, wanted::Wanted};

/// Finds every difference.
pub(super) fn diff(cx: &Context<'_>, matched: &Matched<'_>, wanted: &Wanted<'_>) -> Drafts {
    let mut drafts = Drafts::default();
    let joining = groups::joinable(cx, wanted);
    accounts::diff(cx, matched, wanted, &joining, &mut drafts);
    renames::find(cx, matched, &mut drafts);
    let groups = groups::diff(cx, matched, &mut drafts);
    members::diff(cx, matched, wanted, &groups, &mut drafts);
    vocabulary::hold_unknown(cx, &mut drafts);
    drafts
}
