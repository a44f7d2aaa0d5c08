//! What became of invitations: those that nobody answers, and those whose accounts are gone again.

use jiff::SignedDuration;

use crate::{
    model::{AccountStatus, Email, Finding, FindingCode, LiveAccount},
    plan::Context,
};

/// An invitation that is open for so long is worth a question: most people answer within a week or two, and many apps let
/// invitations lapse after a month.
const UNANSWERED: i64 = 14;

/// An invitation that nobody has answered for long.
pub(super) fn unanswered(cx: &Context<'_>, identity: &Email, account: &LiveAccount) -> Option<Finding> {
    if account.status != AccountStatus::Pending {
        return None;
    }
    let sent = account.created_at.or_else(|| Some(cx.history?.invitations.get(identity)?.sent_at))?;
    let waits = cx.now.duration_since(sent);
    if waits < SignedDuration::from_hours(24 * UNANSWERED) {
        return None;
    }
    let days = waits.as_hours() / 24;
    let message = format!(
        "{identity} has not answered the invitation of {} for {days} days; ask them, or take the grant away to withdraw it",
        cx.day(sent)
    );
    Some(Finding::warning(FindingCode::InvitationUnanswered, message).account(identity.as_str()))
}

/// Somebody who was invited before is going to be invited again: their account is gone, and we did not remove it. The
/// reading at hand may be the first to show so.
pub(super) fn again(cx: &Context<'_>, identity: &Email) -> Option<Finding> {
    let invited = cx.history?.invitations.get(identity)?;
    let since = match invited.gone_since {
        Some(gone) => format!("since {} ", cx.day(gone)),
        None if invited.seen && cx.may_exist(identity).is_none() => String::new(),
        None => return None,
    };
    let what = if invited.accepted {
        "the account, which they had taken up, is gone"
    } else {
        "the invitation, which they had not taken up, is gone"
    };
    let message = format!(
        "{identity} was invited on {} already, and {since}{what}: somebody removed it, or they left on their own; the next \
         invitation is a second one",
        cx.day(invited.sent_at)
    );
    Some(Finding::warning(FindingCode::InvitedBefore, message).account(identity.as_str()))
}
