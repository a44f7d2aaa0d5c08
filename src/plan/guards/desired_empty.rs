//! Files that grant nobody anything are more likely broken than meant.

use crate::{
    model::{AccountStatus, Guard},
    plan::{
        Context,
        draft::Drafts,
        guards::Grounds,
        repair,
        wanted::{Wanted, Wish},
    },
};

pub(super) fn check(cx: &Context<'_>, grounds: &Grounds<'_>, drafts: &mut Drafts) {
    if !is_empty(cx, grounds.wanted) {
        return;
    }
    let taken = drafts.actions.iter_mut().filter(|draft| draft.action.reduces_access && !draft.cuts_off_leaver());
    for draft in taken {
        draft.hold(
            Guard::DesiredEmpty,
            format!("the files grant nobody an account in {}", cx.app.name),
            format!(
                "grant at least one account under {}; to give the app up, take it out of the files",
                repair::app(cx)
            ),
        );
    }
}

fn is_empty(cx: &Context<'_>, wanted: &Wanted<'_>) -> bool {
    let someone = wanted.accounts.values().any(|wish| !matches!(wish, Wish::Lapsed(_)));
    !someone && cx.accounts.iter().any(|account| account.status != AccountStatus::Inactive)
}
