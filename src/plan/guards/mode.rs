//! The app's mode, or a group's, says how far the engine may go.

use crate::{
    model::{Guard, Mode, Verb},
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
    let app = cx.app;
    let group = draft.action.name.group.as_ref().and_then(|name| app.groups.get(name));
    // The line to change: the app's mode bounds its groups'.
    let place = |mode| match group {
        Some(group) if app.mode != mode => repair::group(cx, &group.name, &group.place),
        _ => repair::app(cx),
    };
    let any = |mode| app.mode == mode || group.is_some_and(|group| group.mode == mode);
    let takes_away = draft.action.reduces_access || draft.verb() == Verb::DeleteGroup;
    if any(Mode::Observe) {
        draft.hold(
            Guard::Mode,
            "nothing is written in `mode: observe`",
            format!("set `mode: add` or `mode: enforce` under {}", place(Mode::Observe)),
        );
    } else if any(Mode::Add) && takes_away && !draft.cuts_off_leaver() {
        draft.hold(
            Guard::Mode,
            "nothing is taken away in `mode: add`",
            format!("set `mode: enforce` under {}", place(Mode::Add)),
        );
    }
}
