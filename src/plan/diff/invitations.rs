//! What became of invitations: those that nobody answers, and those whose accounts are gone again.

use jiff::{SignedDuration, Timestamp};

use crate::{
    model::{AccountStatus, Email, Finding, FindingCode, LiveAccount, Severity},
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
    Some(finding(
        FindingCode::InvitationUnanswered,
        identity,
        format!(
            "{identity} has not answered the invitation of {} for {days} days; ask them, or take the grant away to withdraw it",
            day(cx, sent)
        ),
    ))
}

/// Somebody who was invited before is going to be invited again: their account is gone, and we did not remove it. The
/// reading at hand may be the first to show so.
pub(super) fn again(cx: &Context<'_>, identity: &Email) -> Option<Finding> {
    let invited = cx.history?.invitations.get(identity)?;
    let since = match invited.gone_since {
        Some(gone) => format!("since {} ", day(cx, gone)),
        None if invited.seen && cx.may_exist(identity).is_none() => String::new(),
        None => return None,
    };
    let what = if invited.accepted {
        "the account, which they had taken up, is gone"
    } else {
        "the invitation, which they had not taken up, is gone"
    };
    Some(finding(
        FindingCode::InvitedBefore,
        identity,
        format!(
            "{identity} was invited on {} already, and {since}{what}: somebody removed it, or they left on their own; the \
             next invitation is a second one",
            day(cx, invited.sent_at)
        ),
    ))
}

fn finding(code: FindingCode, identity: &Email, message: String) -> Finding {
    Finding {
        severity: Severity::Warning,
        code,
        account: Some(identity.as_str().into()),
        group: None,
        message,
        because: Vec::new(),
    }
}

/// The day of an instant, in the organisation's time zone.
fn day(cx: &Context<'_>, at: Timestamp) -> String {
    at.to_zoned(cx.desired.settings.time_zone.clone()).date().to_string()
}
