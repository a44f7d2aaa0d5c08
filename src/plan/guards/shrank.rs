//! An app that shows much less than last time is not believed.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    model::{Action, Finding, FindingCode, Guard, Verb, escape},
    plan::{
        Context,
        approvals::{self, Approvals},
        draft::{Drafts, Release},
        guards::Grounds,
    },
};

/// A reading that shows less than this share of the accounts of the last complete one is not trusted: no organisation
/// loses a quarter of its people between two runs, but a filter, a wrong tenant or a broken page does.
const SHRANK_BELOW_PERCENT: usize = 75;

/// Small apps may lose a few accounts without alarm.
const SHRANK_AT_LEAST: usize = 5;

pub(super) fn check(cx: &Context<'_>, _: &Grounds<'_>, drafts: &mut Drafts) {
    let Some(reason) = shrank(cx) else { return };
    if has_shrunk(cx) {
        drafts.findings.push(doubt(cx, &reason));
    }
    let doubtful = |action: &Action| action.reduces_access || action.name.verb == Verb::Create;
    for draft in drafts.actions.iter_mut().filter(|draft| doubtful(&draft.action)) {
        draft.hold_until_approved(Guard::Shrank, reason.clone());
    }
}

/// Whether the reading shows too little to be believed, and nobody has approved of it for the whole app.
pub(in crate::plan) fn has_shrunk(cx: &Context<'_>) -> bool {
    shrank(cx).is_some() && !Approvals::of(cx).covers_all(cx, Guard::Shrank)
}

fn shrank(cx: &Context<'_>) -> Option<String> {
    shows_fewer(cx).or_else(|| is_another(cx))
}

/// An entry of the files that leads to another tenant of the app shows accounts that nobody has ever seen, in the place of those
/// that should be there.
fn is_another(cx: &Context<'_>) -> Option<String> {
    let history = cx.history.filter(|_| cx.live.alone().is_none())?;
    let known = &history.known_accounts;
    let shown = known.iter().filter(|id| is_shown(cx, id)).count();
    if shown * 2 >= known.len() {
        return None;
    }
    let ever: BTreeSet<&Arc<str>> = history.seen_under.values().flatten().chain(history.made_for.keys()).collect();
    let new = cx.accounts.iter().filter(|account| !ever.contains(&account.id)).count();
    (new * 2 > cx.accounts.len()).then(|| {
        format!(
            "the app shows {shown} of {} accounts by which it is known, and {new} that it never showed: it looks like another \
             tenant",
            known.len()
        )
    })
}

fn is_shown(cx: &Context<'_>, id: &Arc<str>) -> bool {
    cx.accounts.binary_search_by(|account| account.id.cmp(id)).is_ok()
}

fn shows_fewer(cx: &Context<'_>) -> Option<String> {
    let history = cx.history?;
    let before = history.accounts_last_seen.filter(|_| cx.live.alone().is_none())?;
    let now = cx.accounts.len();
    // Whom we took away ourselves nobody misses.
    let ours = history.removed_since.iter().filter(|id| !is_shown(cx, id)).count();
    let expected = before.saturating_sub(ours);
    (now * 100 < expected * SHRANK_BELOW_PERCENT && expected - now >= SHRANK_AT_LEAST).then(|| {
        let ours = if ours == 0 { String::new() } else { format!(", of which rosterd removed {ours}") };
        format!("the app shows {now} accounts, and showed {before} at the last complete reading{ours}")
    })
}

/// Says how the smaller number becomes the measure of the next reading, whether anything is held or not.
fn doubt(cx: &Context<'_>, reason: &str) -> Finding {
    let allow = escape(&cx.app.name);
    let line = approvals::line(cx, &Release { allow, up_to: None }, Guard::Shrank);
    let message = format!(
        "{reason}; if the others are gone for good, add `{line}` under `approvals:`, and the smaller number counts from then \
         on; if not, find out why they are not shown"
    );
    Finding::warning(FindingCode::Shrank, message)
}
