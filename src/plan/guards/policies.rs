//! Guards that judge each action by itself, by what the files and people allow: the mode, a freeze, a pause, our own account,
//! files that grant nothing, protected addresses, and what cannot be undone.

use std::{collections::BTreeMap, sync::Arc};

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::{
    model::{AccountStatus, Email, Guard, Irreversible, Mode, Pause, Phase, Verb},
    plan::{
        Context,
        draft::{Draft, Drafts},
        guards::Grounds,
        history, repair,
        wanted::{Standing, Wish},
    },
};

/// The app's mode, or a group's, says how far the engine may go.
pub(super) fn mode(cx: &Context<'_>, draft: &mut Draft) {
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
        let repair = format!("set `mode: add` or `mode: enforce` under {}", place(Mode::Observe));
        draft.hold(Guard::Mode, "nothing is written in `mode: observe`", repair);
    } else if any(Mode::Add) && takes_away && !draft.cuts_off_leaver() {
        let repair = format!("set `mode: enforce` under {}", place(Mode::Add));
        draft.hold(Guard::Mode, "nothing is taken away in `mode: add`", repair);
    }
}

/// A freeze forbids changes for a time.
pub(super) fn frozen(cx: &Context<'_>, draft: &mut Draft) {
    let freezes = &cx.policy(draft.action.name.group.as_ref()).freeze;
    let open = freezes.iter().find(|freeze| freeze.window.phase(cx.now) == Phase::Open);
    let Some(freeze) = open.filter(|_| !draft.cuts_off_leaver()) else { return };
    let reason = freeze.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    let until = freeze.window.until.map_or_else(String::new, |until| format!(" until {until}"));
    draft.hold(
        Guard::Frozen,
        format!("{} freezes changes{until}{reason}", freeze.place),
        format!("plan again when the freeze is over, or take it out at {}", freeze.place),
    );
}

/// Somebody paused what is written for a time.
pub(super) fn paused(cx: &Context<'_>, draft: &mut Draft) {
    let pause = Pause::holding(history::pauses(cx), cx.now, draft.cuts_off_leaver());
    let Some(pause) = pause else { return };
    let repair = format!("plan again when the pause is over, or end it with `{}`", pause.end_command());
    draft.hold(Guard::Paused, pause.sentence(&cx.desired.settings.time_zone), repair);
}

/// Our own credential must not cut itself off.
pub(super) fn own_account(cx: &Context<'_>, draft: &mut Draft) {
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

/// What cannot be undone needs somebody's word.
pub(super) fn irreversible(cx: &Context<'_>, draft: &mut Draft) {
    let policy = cx.policy(draft.action.name.group.as_ref()).irreversible;
    // Where nobody accepted that the account is this person's, `identity` holds it.
    let explicit_leaver = draft.standing == (Standing::Left { explicit: true }) && draft.verb() == Verb::Deactivate;
    let holds = match policy {
        Irreversible::Hold => !explicit_leaver,
        Irreversible::AlwaysHold => true,
        Irreversible::Allow => false,
    };
    if draft.action.irreversible && holds {
        draft.hold_until_approved(Guard::Irreversible, "this cannot be undone, and no one has approved it");
    }
}

/// Files that grant nobody anything are more likely broken than meant.
pub(super) fn desired_empty(cx: &Context<'_>, grounds: &Grounds<'_>, drafts: &mut Drafts) {
    let someone = grounds.wanted.accounts.values().any(|wish| !matches!(wish, Wish::Lapsed(_)));
    if someone || cx.accounts.iter().all(|account| account.status == AccountStatus::Inactive) {
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

/// A policy protects accounts by their address.
pub(super) fn protected(cx: &Context<'_>, _: &Grounds<'_>, drafts: &mut Drafts) {
    // By the group whose policy it is, so that each list of globs is compiled once.
    let mut compiled: BTreeMap<Option<Arc<str>>, Option<GlobSet>> = BTreeMap::new();
    for draft in drafts.actions.iter_mut().filter(|draft| draft.action.may_lock_out()) {
        let group = &draft.action.name.group;
        let patterns = &cx.policy(group.as_ref()).protect;
        if patterns.is_empty() {
            continue;
        }
        let globs = compiled.entry(group.clone()).or_insert_with(|| globs(patterns)).as_ref();
        // A glob may spell a domain as people do, while addresses are compared by its A-labels.
        let matches = |globs: &GlobSet, email: &Email| {
            globs.is_match(email.key()) || globs.is_match(email.as_str().trim().to_lowercase())
        };
        let mut addresses = draft.identity.iter().chain(draft.action.step.email());
        if globs.is_none_or(|globs| addresses.any(|email| matches(globs, email))) {
            draft.hold_until_approved(Guard::Protected, "a `protect` policy covers this address");
        }
    }
}

/// The loader refused globs that cannot be read. Should the set not come about all the same, `None` protects everyone.
fn globs(patterns: &[String]) -> Option<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        builder.add(Glob::new(&pattern.to_lowercase()).ok()?);
    }
    builder.build().ok()
}
