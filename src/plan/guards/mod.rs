//! Guards: named checks that an action has to pass. Each looks at the drafts and objects; approvals take back the
//! objections they name; whatever is left holds the action.

mod caps;
mod general;
mod min_admins;

pub(super) use general::has_shrunk;
pub(super) use min_admins::balance;

use super::{Context, approvals, approvals::Approvals, draft::Drafts, wanted::Wanted};
use crate::model::Guard;

/// Puts every action through every guard.
pub(super) fn hold(cx: &Context<'_>, wanted: &Wanted<'_>, drafts: &mut Drafts) {
    let approvals = Approvals::of(cx);
    general::check(cx, wanted, drafts);
    release(&approvals, drafts);
    // The order matters: a new admin counts only if nothing else holds it, and a removal that is held anyway does not use
    // up the cap.
    caps::check(cx, &approvals, Guard::MaxCreates, drafts);
    min_admins::check(cx, drafts);
    release(&approvals, drafts);
    caps::check(cx, &approvals, Guard::MaxRemovals, drafts);
    // What the cap holds may be what was to make an admin.
    min_admins::check(cx, drafts);
    release(&approvals, drafts);
    approvals::review(cx, drafts);
    for draft in &mut drafts.actions {
        draft.conclude(|release, guard| approvals::line(cx, release, guard));
    }
}

fn release(approvals: &Approvals<'_>, drafts: &mut Drafts) {
    for draft in drafts.actions.iter_mut().filter(|draft| !draft.holds.is_empty()) {
        let name = draft.action.name.to_string();
        let counted = |guard| matches!(guard, Guard::MaxCreates | Guard::MaxRemovals);
        let approved_by = &mut draft.action.approved_by;
        draft.holds.retain(|hold| {
            if !hold.guard.releasable() || counted(hold.guard) {
                return true;
            }
            let approved = approvals.release(&name, hold.guard);
            approved_by.extend(approved.clone());
            approved.is_none()
        });
    }
}
