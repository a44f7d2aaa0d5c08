//! Reading one app with a memory: the reader claims the app if it may write, settles by what it sees what an earlier run
//! left under way, and keeps what it saw for the next reading.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    connect::{Pace, Reconciler, quota},
    granted, history,
    kept::Kept,
    memory::{Memory, Tenure},
    read::AppReader,
    readings::{AppReading, Past, Seen, Unread},
    recover::{self, Recovered},
    tenant::Former,
};
use crate::{
    model::{AcceptedClaim, AppPlan, Claims, LiveApp},
    observe::{self, Before, Observation, Pending, Rotation},
    plan::{self, AppHistory},
    store::{ApprovalUse, Covered, Intent, NewClaim, Reading, StoreError},
};

impl AppReader<'_> {
    /// Reads with all that the memory knows of the app, and keeps what it saw.
    pub(super) async fn remember(&self, memory: &Memory) -> AppReading {
        let mut kept = self.connected.kept.lock().await;
        self.claim(memory, &mut kept).await?;
        match self.recollect(memory, &mut kept).await? {
            Ok(seen) => Ok(seen),
            Err(former) => self.go_on_as(memory, &mut kept, former).await,
        }
    }

    /// Claims the app, where anything is written. That somebody else has it is told at once: other apps may take minutes to read.
    pub(super) async fn claim(&self, memory: &Memory, kept: &mut Kept) -> Result<(), Unread> {
        let claimed = kept.claim(memory, &self.key).await;
        if let Err(Unread { busy: true, failure }) = &claimed {
            let message = &*failure.message;
            let why = message.strip_prefix(&format!("{}: ", self.key.app)).unwrap_or(message);
            self.watch.told(&self.app.name, &format!("the app is left alone: {why}"));
        }
        claimed
    }

    /// The same, unless the app turns out to be one that the memory knows under another entry.
    pub(super) async fn recollect(&self, memory: &Memory, kept: &mut Kept) -> Result<Result<Seen, Former>, Unread> {
        let unkept = |error: StoreError| self.unkept(&error);
        let (store, key) = (&memory.store, &self.key);
        let open = store.open_intents(key).await.map_err(unkept)?;
        let mut facts = kept.take_facts(memory, key, &open).await.map_err(unkept)?;
        self.let_it_show(memory, kept, &open).await;
        self.recall_seen(memory).await.map_err(unkept)?;

        let (pending, aliases) = (&kept.pending, &self.reconciler.desired.aliases);
        let Reconciler { desired, .. } = self.reconciler;
        let remembered = history::remembered(store, key, desired, self.app, memory.now()).await.map_err(unkept)?;
        let before = Before { facts: &facts, pending, rotation: self.rotation(), aliases, remembered: &remembered };
        let seen = observe::observe_in_rotation(self.writer, self.app, memory.now(), &before, &self.progress()).await;
        let mut seen = seen.map_err(|error| Unread::from(&error))?;
        if let Some(former) = self.recognize(memory, &seen.live).await.map_err(unkept)? {
            return Ok(Err(former));
        }

        let (recovered, mut past) = self.settle(memory, kept, open, &seen.live).await.map_err(unkept)?;
        let plan = |live: &LiveApp| plan::plan_one(&self.inputs(live, Some(&past), memory.now()));
        seen.make_certain(self.writer, self.app, aliases, memory.now(), &plan).await;
        if let Some(tenure) = &kept.tenure {
            self.write_down(memory, tenure, &seen, &past).await.map_err(unkept)?;
        }
        facts.forget(&seen.lapsed);
        facts.learn(seen.learnt);
        kept.facts = Some(facts);
        history::believe(store, key, &mut seen.live).await.map_err(unkept)?;
        let planned = plan(&seen.live);
        if let Some(tenure) = &kept.tenure {
            self.accept(memory, tenure, &planned.claims, &seen.live).await.map_err(unkept)?;
        }
        kept.pending = Pending::of(&planned);
        self.recall(memory, &mut past, &planned).await.map_err(unkept)?;
        Ok(Ok(Seen { live: seen.live, past: Some(past), recovered }))
    }

    /// Gives what an earlier run sent time to show, where this reading may settle it.
    pub(super) async fn let_it_show(&self, memory: &Memory, kept: &Kept, open: &[Intent]) {
        if kept.tenure.is_none() || open.is_empty() {
            return;
        }
        let left = recover::time_to_show(open, self.writer, memory.now());
        if left > recover::SHORT {
            let (requests, seconds) = (open.len(), left.as_secs());
            self.watch.told(
                &self.app.name,
                &format!(
                    "an earlier run was cut off with {requests} request(s) under way, whose effect may take {seconds} s more to \
                     show; the app is read then"
                ),
            );
        }
        tokio::time::sleep(left).await;
    }

    /// A server that has once shown a member shows an empty group as it is, also when nobody is in any group any more. And how
    /// many accounts there were tells a list that floods from one that grows.
    pub(super) async fn recall_seen(&self, memory: &Memory) -> Result<(), StoreError> {
        if let Some(accounts) = memory.store.accounts_last_seen(&self.key).await? {
            self.writer.recall_accounts(accounts as u64);
        }
        if !self.writer.shows_members() && memory.store.has_shown_members(&self.key).await? {
            self.writer.recall_shown_members();
        }
        Ok(())
    }

    /// Settles by `live` what was under way, where the app is ours. Returns that, and what the memory then knows.
    pub(super) async fn settle(
        &self,
        memory: &Memory,
        kept: &Kept,
        open: Vec<Intent>,
        live: &LiveApp,
    ) -> Result<(Vec<Recovered>, Past), StoreError> {
        let (key, created_ids) = (&self.key, &self.connected.created_ids);
        let (recovered, under_way) = match &kept.tenure {
            Some(tenure) => recover::settle(memory, tenure, created_ids, open, self.writer, live).await?,
            None => (Vec::new(), recover::peek(&open, self.writer.semantics(), live)),
        };
        history::recall_created(&memory.store, key, created_ids, memory.now()).await?;
        let mut past = self.past(memory, under_way).await?;
        let desired = &self.reconciler.desired;
        past.history
            .lost_today
            .extend(history::went_off(&memory.store, key, (desired, self.app), live, memory.now()).await?);
        Ok((recovered, past))
    }

    /// What the memory knows that bears on the app.
    pub(super) async fn past(&self, memory: &Memory, under_way: BTreeMap<String, String>) -> Result<Past, StoreError> {
        let history = history::of_app(&memory.store, &self.key, memory.now()).await?;
        let approvals = history::approvals(&memory.store).await?;
        let (private, oversight) = (memory.is_private(), memory.oversight());
        Ok(Past { history: AppHistory { under_way, ..history }, private, oversight, approvals })
    }

    /// Looks up what granted what this plan takes away, for the plan that is shown.
    pub(super) async fn recall(&self, memory: &Memory, past: &mut Past, planned: &AppPlan) -> Result<(), StoreError> {
        let zone = &self.reconciler.desired.settings.time_zone;
        past.history.granted_before = granted::before(&memory.store, &self.key, planned, zone).await?;
        Ok(())
    }

    /// Writes down what was learnt of the app and how it was seen.
    async fn write_down(
        &self,
        memory: &Memory,
        tenure: &Tenure,
        seen: &Observation,
        past: &Past,
    ) -> Result<(), StoreError> {
        let (store, lease) = (&memory.store, tenure.lease());
        store.note_connector(lease, &self.app.connector).await?;
        store.forget_facts(lease, &history::to_forget(&seen.lapsed)).await?;
        store.put_facts(lease, &history::to_keep(&seen.learnt)).await?;
        let mut reading = Reading::from(&seen.live);
        let inputs = self.inputs(&seen.live, Some(past), memory.now());
        if plan::is_doubtful(&inputs) {
            // What it does not show may be there all the same, and is still there for the next reading to be compared with.
            reading.covered = Covered::default();
        } else {
            reading.declared_groups = Some(plan::declared_groups(&inputs));
        }
        store.record_reading(lease, seen.live.observed_at, &reading).await
    }

    /// Writes down whose accounts are, as far as the files of this run and earlier runs settle that. The plan of this run does
    /// not build upon it, only later ones do.
    pub(super) async fn accept(
        &self,
        memory: &Memory,
        tenure: &Tenure,
        claims: &Claims,
        live: &LiveApp,
    ) -> Result<(), StoreError> {
        let at = memory.now();
        let new: Vec<NewClaim> = claims.accepted.iter().map(|accepted| new_claim(accepted, at)).collect();
        let inherits = !memory.store.inherited_accounts(&self.key).await?.is_empty();
        let all_seen = live.alone().is_none() && live.accounts_coverage.is_complete();
        if new.is_empty() && !(inherits && all_seen) {
            return Ok(());
        }
        memory.store.accept_claims(tenure.lease(), at, &new, all_seen).await
    }

    /// How much is read now of what takes a request for each account.
    fn rotation(&self) -> Rotation {
        match self.reconciler.pace {
            Pace::Once => Rotation::afford(&quota(self.app)),
            Pace::Every(every) => Rotation::share(&quota(self.app), every),
        }
    }

    pub(super) fn unkept(&self, error: &StoreError) -> Unread {
        self.reconciler.memory.iter().for_each(|memory| memory.failed(error));
        Unread::because(&self.key, error)
    }
}

fn new_claim(accepted: &AcceptedClaim, at: Timestamp) -> NewClaim {
    let approval = accepted.approved.as_ref().map(|(approved, action)| ApprovalUse {
        approval: approved.approval.clone(),
        place: approved.place.to_string(),
        action: action.clone(),
        person: accepted.claim.identity.to_string(),
        at,
    });
    NewClaim { claim: accepted.claim.clone(), approval }
}
