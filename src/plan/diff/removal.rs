//! How an account is removed: deactivated, deleted, withdrawn, or by hand.

use super::fields::status_change;
use crate::{
    model::{AccountStatus, Email, LiveAccount, RemoveWith, Step, Verb},
    plan::{Context, draft::Draft, wanted::Standing},
};

/// The action that takes an account away, called by `name`; `None` when it is gone already.
pub(super) fn account(
    cx: &Context<'_>,
    account: &LiveAccount,
    identity: &Email,
    name: &str,
    standing: Standing,
) -> Option<Draft> {
    let semantics = &cx.app.semantics;
    // A suspension keeps everything, so it never deletes.
    let delete = cx.app.policy.remove_with == RemoveWith::Delete && standing != Standing::Suspended;
    let overdue = standing != Standing::Suspended && is_overdue(cx, account);
    let (verb, can) = match account.status {
        AccountStatus::Inactive if delete || overdue => (Verb::Delete, semantics.delete.is_some()),
        AccountStatus::Inactive => return None,
        AccountStatus::Pending if !delete => {
            (semantics.cancel_pending.unwrap_or(Verb::Deactivate), semantics.cancel_pending.is_some())
        }
        _ if delete => (Verb::Delete, semantics.delete.is_some()),
        _ => (Verb::Deactivate, semantics.deactivate.is_some()),
    };
    let step = match verb {
        Verb::Delete => Step::DeleteAccount(account.into()),
        _ => Step::Deactivate(account.into()),
    };
    let mut draft = Draft::new(cx, step, Some((name, identity)), None, standing);
    draft.hold_unknown_status(account);
    draft.action.reduces_access = true;
    draft.action.irreversible = match verb {
        Verb::Delete => semantics.delete.as_ref().is_some_and(|rule| rule.irreversible),
        _ => semantics.deactivate.as_ref().is_some_and(|rule| rule.irreversible),
    };
    if verb == Verb::Deactivate {
        draft = draft.changes(vec![status_change(&account.status.to_string(), "inactive")]);
    }
    if !can {
        let text = if account.status == AccountStatus::Pending && verb == Verb::Deactivate {
            format!("withdraw the open invitation: {}", semantics.by_hand(verb, "cannot"))
        } else {
            semantics.manual_text(verb)
        };
        // A suspension never deletes.
        let text = if verb == Verb::Deactivate && semantics.delete.is_some() && standing != Standing::Suspended {
            let app = &cx.app.name;
            format!("{text}; or let it be deleted: `policy: {{ remove_with: delete }}` under apps.{app}")
        } else {
            text
        };
        draft.manual(text);
    }
    Some(draft)
}

/// Whether `delete_after` has passed since we deactivated the account. What somebody else deactivated, or touched since, is
/// theirs to delete.
fn is_overdue(cx: &Context<'_>, account: &LiveAccount) -> bool {
    let Some(after) = cx.app.policy.delete_after else { return false };
    let at = cx.history.and_then(|history| history.deactivated_at.get(&account.id));
    at.and_then(|at| at.checked_add(after).ok()).is_some_and(|due| due <= cx.now)
}
