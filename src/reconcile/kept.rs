//! What is kept of an app between two rounds: the right to write to it, and what makes the next reading cheaper.

use super::{
    history,
    memory::{Memory, Tenure},
    readings::Unread,
};
use crate::{
    model::{AppPlan, FactIds, Facts},
    observe::{self, Pending},
    store::{AppKey, Intent, Store, StoreError},
};

/// What is kept of one app.
#[derive(Default)]
pub(super) struct Kept {
    /// The claim on the app, once we have it.
    pub(super) tenure: Option<Tenure>,
    /// What readings learnt, read from the store once; from then on only this process changes them.
    pub(super) facts: Option<Facts>,
    /// Whom the last plan is about.
    pub(super) pending: Pending,
}

impl Kept {
    /// Makes sure that the app is ours, where anything is written.
    pub(super) async fn claim(&mut self, memory: &Memory, key: &AppKey) -> Result<(), Unread> {
        if !memory.writes() || self.tenure.is_some() {
            return Ok(());
        }
        match memory.claim(key).await {
            Ok(Ok(tenure)) => self.tenure = Some(tenure),
            Ok(Err(busy)) => return Err(Unread { busy: true, ..Unread::because(key, busy) }),
            Err(error) => {
                memory.failed(&error);
                return Err(Unread::because(key, error));
            }
        }
        Ok(())
    }

    /// Takes the facts out for a reading, without those about accounts that a request under way may have changed. A reading
    /// that fails does not put them back, and the next one gets them from the store.
    pub(super) async fn take_facts(
        &mut self,
        memory: &Memory,
        key: &AppKey,
        open: &[Intent],
    ) -> Result<Facts, StoreError> {
        let mut facts = match self.facts.take() {
            Some(facts) => facts,
            None => history::facts(&memory.store, key).await?,
        };
        let (ids, emails) = history::concerned(open);
        let doubted = FactIds { accounts: ids.clone(), memberships: ids.clone() };
        facts.forget(&doubted);
        if let Some(tenure) = &self.tenure {
            memory.store.forget_facts(tenure.lease(), &history::to_forget(&doubted)).await?;
        }
        self.pending.ids.extend(ids);
        self.pending.emails.extend(emails);
        Ok(facts)
    }

    /// Forgets what is about to change, whatever becomes of the change and of this process.
    pub(super) async fn forget_touched(&mut self, memory: &Memory, plan: &AppPlan) -> Result<(), StoreError> {
        let Self { tenure: Some(tenure), facts, .. } = self else { return Ok(()) };
        let touched = observe::touched(plan, facts.get_or_insert_default());
        memory.store.forget_facts(tenure.lease(), &history::to_forget(&touched)).await?;
        facts.get_or_insert_default().forget(&touched);
        Ok(())
    }

    /// Lets others write to the app.
    pub(super) async fn give_back(&mut self, store: &Store) {
        if let Some(tenure) = self.tenure.take() {
            // The next owner may learn better.
            self.facts = None;
            tenure.end(store).await;
        }
    }
}
