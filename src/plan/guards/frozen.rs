//! A freeze forbids changes for a time.

use crate::{
    model::{Freeze, Guard, Phase},
    plan::{
        Context,
        draft::{Draft, Drafts},
        wanted::Wanted,
    },
};

pub(super) fn check(cx: &Context<'_>, _: &Wanted<'_>, drafts: &mut Drafts) {
    for draft in drafts.actions.iter_mut().filter(|draft| !draft.cuts_off_leaver()) {
        let freezes = &cx.policy(draft.action.name.group.as_ref()).freeze;
        if let Some(freeze) = freezes.iter().find(|freeze| freeze.window.phase(cx.now) == Phase::Open) {
            hold(freeze, draft);
        }
    }
}

fn hold(freeze: &Freeze, draft: &mut Draft) {
    let reason = freeze.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    let until = freeze.window.until.map_or_else(String::new, |until| format!(" until {until}"));
    draft.hold(
        Guard::Frozen,
        format!("{} freezes changes{until}{reason}", freeze.place),
        format!("plan again when the freeze is over, or take it out at {}", freeze.place),
    );
}
