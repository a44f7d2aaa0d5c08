//! Our own credential must not cut itself off.

use crate::{
    model::Guard,
    plan::{
        Context,
        draft::{Draft, Drafts},
        repair,
        wanted::Wanted,
    },
};

pub(super) fn check(cx: &Context<'_>, _: &Wanted<'_>, drafts: &mut Drafts) {
    for draft in &mut drafts.actions {
        judge(cx, draft);
    }
}

fn judge(cx: &Context<'_>, draft: &mut Draft) {
    if !draft.identity.as_ref().is_some_and(|identity| cx.is_self(identity)) {
        return;
    }
    let app = repair::app(cx);
    if draft.action.step.address().is_some() {
        draft.hold(
            Guard::SelfAccount,
            "our own credential acts as this account, and may not be able to sign in by another address",
            format!("change the address in the app yourself, or set `policy: {{ aliases: keep }}` under {app}"),
        );
    } else if draft.action.reduces_access {
        draft.hold(
            Guard::SelfAccount,
            "our own credential acts as this account, and would cut itself off",
            // What the connector knows of its own account, no line can correct.
            if cx.own.is_some() {
                format!("grant it what it would lose, or manage the app as another account: `auth` and `options` of {app}")
            } else {
                format!("grant it what it would lose; or, if the credential acts as another account, name that one in `self` of {app}")
            },
        );
    }
}
