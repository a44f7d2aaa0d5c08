//! The executor's journal, kept in the store: an intent before a request leaves, and what became of it in the ledger.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::memory::{Memory, Tenure};
use crate::{
    connectors::{
        Write,
        http::{Leave, Method, WRITE_TIMEOUT, witness::Sent},
    },
    execute::{CreatedIds, Journal, Performed, Unwritten},
    model::{Action, ActionResult, Desired, Email, Pause},
    store::{ActionEntry, ApprovalUse, Deed, Ending, Event, IntentId, NewEntry, NewIntent, StoreError},
};

/// One app's journal during one run.
pub(super) struct Ledger<'a> {
    pub(super) memory: &'a Memory,
    pub(super) tenure: &'a Tenure,
    pub(super) desired: &'a Desired,
    pub(super) created_ids: &'a CreatedIds,
    pub(super) fingerprint: &'a str,
    /// Intents that are open, by the action's name.
    pub(super) open: Mutex<BTreeMap<String, (IntentId, NewIntent)>>,
}

impl Ledger<'_> {
    fn open(&self) -> MutexGuard<'_, BTreeMap<String, (IntentId, NewIntent)>> {
        // Whole entries are put in and taken out.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn intent(&self, run: &Arc<str>, action: &Action, write: &Write) -> NewIntent {
        NewIntent {
            run: run.clone(),
            action: action.name.to_string(),
            deed: self.deed(action),
            payload: json!({ "write": write, "approvals": approvals_of(action) }),
            at: self.memory.now(),
        }
    }

    fn deed(&self, action: &Action) -> Deed {
        Deed {
            verb: action.name.verb,
            account: action.name.account.clone(),
            account_id: action.step.account_id().cloned(),
            live: action.live_as().map(|account| account.email.as_str().into()),
            group: action.name.group.clone(),
            group_id: action.step.group_id().cloned(),
            people: self.people(action),
            reduces_access: action.reduces_access,
            gains: action.adds_access,
            changes: action.changes.clone(),
            because: action.because.iter().map(ToString::to_string).collect(),
            commit: self.memory.commit(),
            reason: action.reason.as_ref().map(ToString::to_string),
            cause: action.cause,
        }
    }

    /// Whom an action is about, as the files spell them.
    fn people(&self, action: &Action) -> Vec<Arc<str>> {
        let spelt = || action.name.account.as_deref().map(Email::lenient);
        let email = action.step.email().cloned().or_else(spelt);
        email.iter().map(|email| self.desired.identity(email).as_str().into()).collect()
    }

    /// Why a pause that was made since the plan keeps one of these from being sent. The run then ends: the next plan shows what
    /// is held, and carries out what is not.
    async fn paused(&self, writes: &[(&Action, &Write)]) -> Result<Option<String>, StoreError> {
        let (app, now) = (&self.tenure.lease().key().app, self.memory.now());
        let mut pauses = self.memory.store.pauses(now).await?;
        pauses.retain(|pause| pause.is_for(app));
        let held = writes.iter().find_map(|(action, _)| Pause::holding(&pauses, now, action.cuts_off_leaver));
        let zone = &self.desired.settings.time_zone;
        Ok(held.map(|pause| format!("{}; nothing more is sent in this run", pause.sentence(zone))))
    }

    async fn write(&self, action: &Action, performed: &Performed, sent: &[Sent]) -> Result<(), StoreError> {
        let run = self.memory.run(Some(self.fingerprint)).await?;
        let name = action.name.to_string();
        let open = self.open().get(&name).cloned();
        match (&open, &performed.result) {
            // A later look says what became of it, and enters that.
            (Some(_), _) if performed.open => return Ok(()),
            // Nothing was tried and nothing was found out: the run's end counts it.
            (None, ActionResult::NotStarted { .. } | ActionResult::Skipped { .. }) => return Ok(()),
            _ => {}
        }
        let Evidence { request, status, read_back } = Evidence::of(sent);
        let (step, created) = (&action.step, self.created_ids);
        let account = step.account_id().cloned().or_else(|| created.account_of(step.email()?));
        let group = step.group_id().cloned().or_else(|| created.group_of(action.name.group.as_deref()?));
        let (sent_at, deed) = match &open {
            Some((_, intent)) => (Some(intent.at), intent.deed.clone()),
            None => (None, self.deed(action)),
        };
        let ended = ActionEntry {
            deed: deed.with_ids(account, group),
            ending: Ending::from(&performed.result),
            message: performed.result.message().map(str::to_owned),
            request,
            status,
            read_back,
            sent_at,
            by_looking: open.is_none(),
        };
        let (at, is_done) = (self.memory.now(), ended.ending == Ending::Done);
        let entry = NewEntry { at, run: Some(run), event: Event::Action(Box::new(ended)) };
        let (store, lease) = (&self.memory.store, self.tenure.lease());
        let Some((id, intent)) = open else { return store.enter(lease, &[entry]).await };
        let approvals = if is_done { uses_of(&intent, at) } else { Vec::new() };
        store.close_intent(lease, id, &entry, &approvals).await?;
        self.open().remove(&name);
        Ok(())
    }
}

#[async_trait]
impl Journal for Ledger<'_> {
    async fn begin(&self, writes: &[(&Action, &Write)]) -> Result<(), Unwritten> {
        let unwritten = |error: StoreError| {
            self.memory.failed(&error);
            Unwritten(format!(
                "what is about to be sent could not be written down, so that nothing more is sent: {error}"
            ))
        };
        if let Some(paused) = self.paused(writes).await.map_err(unwritten)? {
            return Err(Unwritten(paused));
        }
        let run = self.memory.run(Some(self.fingerprint)).await.map_err(unwritten)?;
        let new = writes.iter().filter(|(action, _)| !self.open().contains_key(&action.name.to_string()));
        let intents: Vec<NewIntent> = new.map(|(action, write)| self.intent(&run, action, write)).collect();
        if !intents.is_empty() {
            let ids = self.memory.store.open_batch(self.tenure.lease(), &intents).await.map_err(unwritten)?;
            let opened = ids.into_iter().zip(intents);
            self.open().extend(opened.map(|(id, intent)| (intent.action.clone(), (id, intent))));
        }
        // Writing takes time, so that the claim is looked at last.
        self.tenure.may_send(WRITE_TIMEOUT).map_err(Unwritten)
    }

    fn leave(&self) -> Option<Leave> {
        Some(self.tenure.leave())
    }

    async fn end(&self, action: &Action, performed: &Performed, sent: &[Sent]) -> Result<(), Unwritten> {
        self.write(action, performed, sent).await.map_err(|error| {
            self.memory.failed(&error);
            Unwritten(format!(
                "what became of {} could not be written down, so that nothing more is sent; the next run looks at it first: \
                 {error}",
                action.name
            ))
        })
    }
}

/// What requests say about an action.
struct Evidence {
    /// The last request that changed something: `PATCH /users/17`.
    request: Option<String>,
    status: Option<u16>,
    /// What was read afterwards.
    read_back: Option<Value>,
}

impl Evidence {
    fn of(sent: &[Sent]) -> Self {
        let last = sent.iter().rposition(|sent| sent.method != Method::Get);
        let Some(last) = last else {
            let looked = sent.last().map(|sent| Value::String(sent.line()));
            return Self { request: None, status: None, read_back: looked };
        };
        let write = &sent[last];
        Self {
            request: Some(format!("{} {}", write.method.as_str(), write.path)),
            status: write.status,
            read_back: sent[last + 1..].last().map(|sent| Value::String(sent.line())),
        }
    }
}

/// The approvals that an action needs, for whoever settles it after a crash.
fn approvals_of(action: &Action) -> Vec<(String, String)> {
    action.approved_by.iter().map(|approved| (approved.approval.clone(), approved.place.to_string())).collect()
}

/// The approvals that an action has used up, once it took effect.
pub(super) fn uses_of(intent: &NewIntent, at: jiff::Timestamp) -> Vec<ApprovalUse> {
    let listed = intent.payload.get("approvals").cloned().unwrap_or_default();
    let listed: Vec<(String, String)> = serde_json::from_value(listed).unwrap_or_default();
    let person = intent.deed.people.first().map_or_else(|| intent.action.clone(), ToString::to_string);
    let of =
        |(approval, place)| ApprovalUse { approval, place, action: intent.action.clone(), person: person.clone(), at };
    listed.into_iter().map(of).collect()
}
