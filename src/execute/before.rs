//! Before a write: whether it is still right, and still needed. The account may have changed hands or state since it was
//! planned, or be the one that an earlier round of this run made.

use super::{
    effect::{Shown, account_shown},
    perform::One,
};
use crate::{
    connectors::{Error, ErrorKind},
    model::{AccountStatus, ActionResult, KnownAccount, LiveAccount, Step},
};

impl One<'_> {
    /// A round that comes after one which made this very account looks at it by its id: a list may show a new account late,
    /// and a second create could be a second invitation.
    pub(super) async fn look_for_own_account(&self) -> Result<Option<ActionResult>, Error> {
        let Step::CreateAccount { email, .. } = &self.action.step else { return Ok(None) };
        let Some(id) = self.run.created_ids.account_of(email) else { return Ok(None) };
        // Whatever the app calls it, it is the one that was made.
        let there = self.run.writer.account(&id, self.lane).await?.is_some();
        let note = format!("made earlier in this run as {id}; the app's list does not show it yet");
        Ok(there.then_some(ActionResult::Done { note: Some(note) }))
    }

    /// A removal re-reads its own row first. So does what gives another address, which takes the old way of signing in away.
    pub(super) async fn look_before_removing(&self) -> Result<Option<ActionResult>, Error> {
        let step = &self.action.step;
        let Some(planned) = step.account() else { return Ok(None) };
        let seen = self.run.created_ids.just_seen(&planned.id);
        if !self.action.may_lock_out() {
            return Ok(None);
        }
        let read = match seen {
            Some(account) => Some(account),
            None => self.account(planned).await?,
        };
        Ok(match (read, step) {
            (Some(account), _) => self.still_right(planned, &account),
            (None, Step::UpdateAccount { .. } | Step::ChangeMember { .. }) => stale("the account is gone".into()),
            // The removal itself asks once more, so that not one answer alone says that nothing is left to do.
            (None, _) => None,
        })
    }

    /// The account as it is now. Where the app fails to show it by its id, the answer to its address, or else the list, shows
    /// it: one broken page must not keep a leaver active.
    ///
    /// # Errors
    /// What the look by id says, when the account is not seen elsewhere.
    async fn account(&self, planned: &KnownAccount) -> Result<Option<LiveAccount>, Error> {
        let failed = match self.run.writer.account(&planned.id, self.lane).await {
            Err(error) if matches!(error.kind, ErrorKind::Server | ErrorKind::Malformed) => error,
            read => return read,
        };
        let found = self.run.writer.find(&planned.email, self.lane).await;
        let seen = found.ok().and_then(|found| found.rows.into_iter().find(|account| account.id == planned.id));
        seen.map(Some).ok_or(failed)
    }

    /// What becomes of the action instead, if the account is not what it was when the action was planned.
    fn still_right(&self, planned: &KnownAccount, account: &LiveAccount) -> Option<ActionResult> {
        let step = &self.action.step;
        let is_new = step.address() == Some(&account.email)
            || self.run.created_ids.address_of(&planned.id).is_some_and(|address| address == account.email);
        if account.email != planned.email && !is_new {
            return stale(format!("account {} now belongs to {}; plan again", planned.id, account.email));
        }
        // Whoever was made inactive first loses the membership all the same.
        let leaves = matches!(step, Step::RemoveMember { .. }) && account.status == AccountStatus::Inactive;
        if account.status != planned.status && !leaves {
            return if account.status == AccountStatus::Inactive && matches!(step, Step::Deactivate(_)) {
                done("the account was inactive already")
            } else {
                stale(format!("the account is {} now; plan again", account.status))
            };
        }
        let Step::UpdateAccount { values, address, .. } = step else { return None };
        if account_shown(account, values, address.as_ref()) == Shown::All {
            return done("it was so already");
        }
        // From another role than the planned one, the same write might give instead of take.
        let moved = self.action.changes.iter().find(|change| {
            let seen = account.values.get(&change.field);
            seen.is_some_and(|seen| *seen != change.from && *seen != change.to)
        });
        moved.and_then(|change| stale(format!("{} has been changed since it was read; plan again", change.field)))
    }
}

fn stale(reason: String) -> Option<ActionResult> {
    Some(ActionResult::Stale { reason })
}

fn done(note: &str) -> Option<ActionResult> {
    Some(ActionResult::Done { note: Some(note.into()) })
}
