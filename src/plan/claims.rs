//! Which claims of accounts are accepted. What the files say about whose an account is counts once somebody approved it, where
//! rosterd made the account for that very person, or where an earlier run saw it under the person's own key.

use std::{collections::BTreeMap, sync::Arc};

use super::{AppInputs, Context, identity::match_accounts};
use crate::model::{Desired, Email};

/// Whose accounts are by another version of the files, by their ids.
pub(super) fn of_version(version: &Desired, inputs: &AppInputs<'_>) -> BTreeMap<Arc<str>, Email> {
    let Some(app) = version.apps.get(&inputs.app.name) else { return BTreeMap::new() };
    let cx = Context::new(&AppInputs { desired: version, app, base: None, ..*inputs });
    let matched = match_accounts(&cx);
    let claimed = cx.accounts.iter().filter_map(|account| {
        let (identity, _) = matched.claim(&cx, account)?;
        Some((account.id.clone(), identity.clone()))
    });
    claimed.collect()
}

/// Whether an account is known to be this identity's.
pub(super) fn is_accepted(cx: &Context<'_>, account: &Arc<str>, identity: &Email) -> bool {
    let by_base = cx.base.as_ref().and_then(|base| base.get(account)) == Some(identity);
    by_base || is_recorded(cx, account, identity) || is_implied(cx, account, identity)
}

/// Whether it was written down that the account is theirs.
pub(super) fn is_recorded(cx: &Context<'_>, account: &Arc<str>, identity: &Email) -> bool {
    let history = cx.past.and_then(|past| past.history);
    history.and_then(|history| history.claims.get(account)).is_some_and(|identities| identities.contains(identity))
}

/// Whether it follows from what else was written down: rosterd made the account for this very key, whatever aliases say now,
/// or an earlier version saw it and kept no claims.
pub(super) fn is_implied(cx: &Context<'_>, account: &Arc<str>, identity: &Email) -> bool {
    let Some(history) = cx.past.and_then(|past| past.history) else { return false };
    history.inherited.contains(account) || history.made_for.get(account) == Some(identity)
}

/// Whether claims by people's own keys are judged. The first reading of an app takes them as they are: there is nothing to
/// compare them with.
pub(super) fn are_judged_by_key(cx: &Context<'_>) -> bool {
    cx.base.is_some() || cx.history.is_some_and(|history| history.accounts_last_seen.is_some())
}
