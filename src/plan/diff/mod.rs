//! The difference itself: which actions would make live equal to desired, before any order or guard.

mod accounts;
mod fields;
mod findings;
mod groups;
mod invitations;
mod members;
mod removal;
mod renames;
mod vocabulary;

pub(super) use accounts::is_live_admin;

use super::{
    Context,
    draft::Drafts,
    identity::Matched,
    wanted::{Standing, Wanted},
};

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

/// Why an account or membership that exists should not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surplus {
    /// The person is suspended: the account goes inactive, the memberships stay.
    Suspended,
    /// The person left.
    Left,
    /// The person is named, but no line grants it.
    Ungranted,
    /// The person is named nowhere.
    Unlisted,
}

impl Surplus {
    fn of(standing: Standing) -> Self {
        match standing {
            Standing::Suspended => Self::Suspended,
            Standing::Left { .. } => Self::Left,
            Standing::Active => Self::Ungranted,
            Standing::Unlisted => Self::Unlisted,
        }
    }
}
