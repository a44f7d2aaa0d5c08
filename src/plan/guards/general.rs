//! Guards that judge each action by itself.

use std::{collections::BTreeMap, sync::Arc};

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::{
    model::{AccountStatus, Finding, Freeze, Guard, Irreversible, Mode, Phase, Policy, Severity, Verb},
    plan::{
        Context,
        approvals::{self, Approvals},
        draft::{Draft, Drafts, Release},
        repair,
        wanted::{Standing, Wanted, Wish},
    },
};

/// A reading that shows less than this share of the accounts of the last complete one is not trusted: no organisation
/// loses a quarter of its people between two runs, but a filter, a wrong tenant or a broken page does.
const SHRANK_BELOW_PERCENT: usize = 75;

/// Small apps may lose a few accounts without alarm.
const SHRANK_AT_LEAST: usize = 5;

pub(super) fn check(cx: &Context<'_>, wanted: &Wanted<'_>, drafts: &mut Drafts) {
    let mut protected: BTreeMap<Option<Arc<str>>, Option<GlobSet>> = BTreeMap::new();
    let shrank = shrank(cx);
    if let Some(reason) = shrank.as_ref().filter(|_| has_shrunk(cx)) {
        drafts.find(doubt(cx, reason));
    }
    let empty = desired_empty(cx, wanted);
    for draft in &mut drafts.actions {
        // People who left are cut off whatever the mode and season.
        let leaver = draft.standing.left() && draft.action.reduces_access;
        let policy = cx.policy(draft.action.name.group.as_ref());
        mode(cx, draft, leaver);
        let freeze = policy.freeze.iter().find(|freeze| freeze.window.phase(cx.now) == Phase::Open);
        if let Some(freeze) = freeze.filter(|_| !leaver) {
            frozen(freeze, draft);
        }
        own_account(cx, draft);
        if empty && draft.action.reduces_access && !leaver {
            draft.hold(
                Guard::DesiredEmpty,
                format!("the files grant nobody an account in {}", cx.app.name),
                format!(
                    "grant at least one account under {}; to give the app up, take it out of the files",
                    repair::app(cx)
                ),
            );
        }
        if let Some(reason) = shrank.as_ref().filter(|_| draft.action.reduces_access || draft.verb() == Verb::Create) {
            draft.hold_until_approved(Guard::Shrank, reason.clone());
        }
        if draft.action.may_lock_out() && !policy.protect.is_empty() {
            let group = draft.action.name.group.clone();
            protect(protected.entry(group).or_insert_with(|| globs(&policy.protect)).as_ref(), draft);
        }
        irreversible(policy, draft);
    }
}

fn mode(cx: &Context<'_>, draft: &mut Draft, leaver: bool) {
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
    } else if any(Mode::Add) && takes_away && !leaver {
        draft.hold(
            Guard::Mode,
            "nothing is taken away in `mode: add`",
            format!("set `mode: enforce` under {}", place(Mode::Add)),
        );
    }
}

fn frozen(freeze: &Freeze, draft: &mut Draft) {
    let reason = freeze.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    let until = freeze.window.until.map_or_else(String::new, |until| format!(" until {until}"));
    draft.hold(
        Guard::Frozen,
        format!("{} freezes changes{until}{reason}", freeze.place),
        format!("plan again when the freeze is over, or take it out at {}", freeze.place),
    );
}

fn own_account(cx: &Context<'_>, draft: &mut Draft) {
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

fn protect(protected: Option<&GlobSet>, draft: &mut Draft) {
    let addresses = draft.identity.iter().chain(draft.action.step.email());
    // A glob may spell a domain as people do, while addresses are compared by its A-labels.
    let matches = protected.is_none_or(|globs| {
        addresses
            .clone()
            .any(|email| globs.is_match(email.key()) || globs.is_match(email.as_str().trim().to_lowercase()))
    });
    if matches {
        draft.hold_until_approved(Guard::Protected, "a `protect` policy covers this address");
    }
}

fn irreversible(policy: &Policy, draft: &mut Draft) {
    let explicit_leaver = draft.standing == (Standing::Left { explicit: true }) && draft.verb() == Verb::Deactivate;
    if draft.action.irreversible && !explicit_leaver && policy.irreversible == Irreversible::Hold {
        draft.hold_until_approved(Guard::Irreversible, "this cannot be undone, and no one has approved it");
    }
}

/// Whether the reading shows too little to be believed, and nobody has approved of it for the whole app.
pub(in crate::plan) fn has_shrunk(cx: &Context<'_>) -> bool {
    shrank(cx).is_some() && !Approvals::of(cx).covers_all(cx, Guard::Shrank)
}

fn shrank(cx: &Context<'_>) -> Option<String> {
    let history = cx.history?;
    let before = history.accounts_last_seen.filter(|_| cx.live.alone().is_none())?;
    let now = cx.accounts.len();
    let is_shown = |id: &Arc<str>| cx.accounts.binary_search_by(|account| account.id.cmp(id)).is_ok();
    // Whom we took away ourselves nobody misses.
    let ours = history.removed_since.iter().filter(|id| !is_shown(id)).count();
    let expected = before.saturating_sub(ours);
    (now * 100 < expected * SHRANK_BELOW_PERCENT && expected - now >= SHRANK_AT_LEAST).then(|| {
        let ours = if ours == 0 { String::new() } else { format!(", of which rosterd removed {ours}") };
        format!("the app shows {now} accounts, and showed {before} at the last complete reading{ours}")
    })
}

/// Says how the smaller number becomes the measure of the next reading, whether anything is held or not.
fn doubt(cx: &Context<'_>, reason: &str) -> Finding {
    let allow = crate::model::escape(&cx.app.name);
    let line = approvals::line(cx, &Release { allow, up_to: None }, Guard::Shrank);
    Finding {
        severity: Severity::Warning,
        code: "shrank",
        account: None,
        group: None,
        message: format!(
            "{reason}; if the others are gone for good, add `{line}` under `approvals:`, and the smaller number counts from \
             then on; if not, find out why they are not shown"
        ),
        because: Vec::new(),
    }
}

fn desired_empty(cx: &Context<'_>, wanted: &Wanted<'_>) -> bool {
    let someone = wanted.accounts.values().any(|wish| !matches!(wish, Wish::Lapsed(_)));
    !someone && cx.accounts.iter().any(|account| account.status != AccountStatus::Inactive)
}

/// The loader refused globs that cannot be read. Should the set not come about all the same, `None` protects everyone.
fn globs(patterns: &[String]) -> Option<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        builder.add(Glob::new(&pattern.to_lowercase()).ok()?);
    }
    builder.build().ok()
}
