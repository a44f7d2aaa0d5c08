//! What cannot be undone needs somebody's word.

use crate::{
    model::{Guard, Irreversible, Verb},
    plan::{
        Context,
        draft::Drafts,
        wanted::{Standing, Wanted},
    },
};

pub(super) fn check(cx: &Context<'_>, _: &Wanted<'_>, drafts: &mut Drafts) {
    for draft in drafts.actions.iter_mut().filter(|draft| draft.action.irreversible) {
        let policy = cx.policy(draft.action.name.group.as_ref()).irreversible;
        let explicit_leaver = draft.standing == (Standing::Left { explicit: true }) && draft.verb() == Verb::Deactivate;
        if !explicit_leaver && policy == Irreversible::Hold {
            draft.hold_until_approved(Guard::Irreversible, "this cannot be undone, and no one has approved it");
        }
    }
}
