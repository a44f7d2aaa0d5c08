//! Guards: named checks that an action has to pass. Each looks at the drafts and objects; approvals take back the
//! objections they name; whatever is left holds the action.
//!
//! A new guard is a row in `model/guard.rs`, a file here, and an arm of [`check_of`]; the compiler asks for each.

mod caps;
mod desired_empty;
mod frozen;
mod irreversible;
mod min_admins;
mod mode;
mod own_account;
mod protected;
mod shrank;

pub(super) use min_admins::balance;
pub(super) use shrank::has_shrunk;

use super::{Context, approvals, approvals::Approvals, draft::Drafts, wanted::Wanted};
use crate::model::Guard;

/// Where a guard makes its objections.
enum Check {
    /// In `plan/diff`, at the comparison that raises the question.
    InDiff,
    /// Here, action by action; the order among these guards does not matter.
    Actions(fn(&Context<'_>, &Wanted<'_>, &mut Drafts)),
    /// In [`hold`], which counts what the others let pass, so that the order matters.
    Counted,
}

fn check_of(guard: Guard) -> Check {
    match guard {
        Guard::Ambiguous | Guard::UnknownStatus | Guard::Incomplete | Guard::Reactivation => Check::InDiff,
        Guard::Mode => Check::Actions(mode::check),
        Guard::Frozen => Check::Actions(frozen::check),
        Guard::SelfAccount => Check::Actions(own_account::check),
        Guard::DesiredEmpty => Check::Actions(desired_empty::check),
        Guard::Shrank => Check::Actions(shrank::check),
        Guard::Protected => Check::Actions(protected::check),
        Guard::Irreversible => Check::Actions(irreversible::check),
        Guard::MinAdmins | Guard::MaxRemovals | Guard::MaxCreates => Check::Counted,
    }
}

/// Puts every action through every guard.
pub(super) fn hold(cx: &Context<'_>, wanted: &Wanted<'_>, drafts: &mut Drafts) {
    let approvals = Approvals::of(cx);
    for guard in Guard::ALL {
        if let Check::Actions(check) = check_of(*guard) {
            check(cx, wanted, drafts);
        }
    }
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
        let approved_by = &mut draft.action.approved_by;
        draft.holds.retain(|hold| {
            if !hold.guard.releasable() || hold.guard.counts_people() {
                return true;
            }
            let approved = approvals.release(&name, hold.guard);
            approved_by.extend(approved.clone());
            approved.is_none()
        });
    }
}
