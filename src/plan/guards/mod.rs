//! Guards: named checks that an action has to pass. Each looks at the drafts and objects; approvals take back the
//! objections they name; whatever is left holds the action.
//!
//! A new guard is a variant in `model/guard.rs`, a function here, and an arm of [`check_of`], for which the compiler asks.

mod caps;
mod edit_fight;
mod identity;
mod min_admins;
mod policies;
mod shrank;

pub(super) use min_admins::balance;
pub(super) use shrank::has_shrunk;

use super::{
    Context, approvals,
    approvals::Approvals,
    draft::{Draft, Drafts},
    identity::Matched,
    others,
    wanted::Wanted,
};
use crate::model::Guard;

/// What guards judge by, beside the actions themselves.
pub(super) struct Grounds<'a> {
    pub matched: &'a Matched<'a>,
    pub wanted: &'a Wanted<'a>,
}

/// Where a guard makes its objections.
enum Check {
    /// In `plan/diff`, at the comparison that raises the question.
    InDiff,
    /// At each action by itself; the order among these guards does not matter.
    Each(fn(&Context<'_>, &mut Draft)),
    /// At all of them, likewise.
    All(fn(&Context<'_>, &Grounds<'_>, &mut Drafts)),
    /// In [`hold`], which counts what the others let pass, so that the order matters.
    Counted,
}

fn check_of(guard: Guard) -> Check {
    match guard {
        Guard::Ambiguous | Guard::UnknownStatus | Guard::Incomplete | Guard::Reactivation => Check::InDiff,
        Guard::Mode => Check::Each(policies::mode),
        Guard::Frozen => Check::Each(policies::frozen),
        Guard::Paused => Check::Each(policies::paused),
        Guard::OtherFiles => Check::Each(others::hold),
        Guard::SelfAccount => Check::Each(policies::own_account),
        Guard::DesiredEmpty => Check::All(policies::desired_empty),
        Guard::Shrank => Check::All(shrank::check),
        Guard::Identity => Check::All(identity::check),
        Guard::Protected => Check::All(policies::protected),
        Guard::EditFight => Check::All(edit_fight::check),
        Guard::Irreversible => Check::Each(policies::irreversible),
        Guard::MinAdmins | Guard::MaxRemovals | Guard::MaxCreates => Check::Counted,
    }
}

/// Puts every action through every guard.
pub(super) fn hold(cx: &Context<'_>, grounds: &Grounds<'_>, drafts: &mut Drafts) {
    let approvals = Approvals::of(cx);
    for guard in Guard::ALL {
        match check_of(*guard) {
            Check::Each(check) => drafts.actions.iter_mut().for_each(|draft| check(cx, draft)),
            Check::All(check) => check(cx, grounds, drafts),
            Check::InDiff | Check::Counted => {}
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
            // A guard that takes a number has looked for its approvals itself.
            if !hold.guard.releasable() || hold.guard.takes_number() {
                return true;
            }
            let approved = approvals.release(&name, hold.guard);
            approved_by.extend(approved.clone());
            approved.is_none()
        });
    }
}
