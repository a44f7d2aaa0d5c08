//! An app always keeps enough admins.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    model::{AccountStatus, Guard, Status},
    plan::{
        Context,
        draft::{Draft, Drafts},
    },
};

pub(super) fn check(cx: &Context<'_>, drafts: &mut Drafts) {
    let Balance { remaining, made, .. } = balance(cx, drafts);
    let least = cx.app.policy.min_admins as usize;
    if remaining + made >= least {
        return;
    }
    let reason = match cx.live.alone() {
        // To count them would take everybody's role.
        Some(about) => format!(
            "whether other admins remain is not known, because only {} was looked for, and `min_admins` asks for {least}",
            about.identity
        ),
        None => format!("{} admin(s) would remain, and `min_admins` asks for {least}", remaining + made),
    };
    for draft in drafts.actions.iter_mut().filter(|draft| going(draft) && draft.loses_admin) {
        draft.hold_until_approved(Guard::MinAdmins, reason.clone());
    }
}

/// How the number of usable admins changes.
pub(in crate::plan) struct Balance {
    /// Admins that are there and stay.
    pub remaining: usize,
    /// Admins that are made.
    pub made: usize,
}

/// Counts admins before and after what is going on.
pub(in crate::plan) fn balance(cx: &Context<'_>, drafts: &Drafts) -> Balance {
    let lost: BTreeSet<&Arc<str>> = drafts
        .actions
        .iter()
        .filter(|draft| going(draft) && draft.loses_admin)
        .filter_map(|draft| draft.action.step.account_id())
        .collect();
    let remaining = cx
        .accounts
        .iter()
        .filter(|account| account.status == AccountStatus::Active && cx.app.semantics.is_admin(account))
        .filter(|account| !lost.contains(&account.id))
        .count();
    Balance { remaining, made: drafts.actions.iter().filter(|draft| going(draft) && draft.makes_admin).count() }
}

fn going(draft: &Draft) -> bool {
    draft.is(Status::Ready) && draft.holds.is_empty()
}
