//! The executor's journal, kept in the store: an intent before a request leaves, and what became of it in the ledger.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::memory::{Memory, Tenure};
use crate::{
    connectors::{
        Write,
        http::{Method, witness::Sent},
    },
    execute::{CreatedIds, Journal, Performed, Unwritten},
    model::{Action, ActionResult, Desired, Email},
    store::{ActionEntry, ApprovalUse, Deed, Ending, Event, IntentId, NewEntry, NewIntent, Settled, StoreError},
};

/// One app's journal during one run.
pub(super) struct Ledger<'a> {
    pub(super) memory: &'a Memory,
    pub(super) tenure: &'a Tenure,
    pub(super) desired: &'a Desired,
    pub(super) created_ids: &'a CreatedIds,
    pub(super) fingerprint: &'a str,
    /// Intents that are open, by the action's name.
    open: Mutex<BTreeMap<String, IntentId>>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(
        memory: &'a Memory,
        tenure: &'a Tenure,
        desired: &'a Desired,
        created_ids: &'a CreatedIds,
        fingerprint: &'a str,
    ) -> Self {
        Self { memory, tenure, desired, created_ids, fingerprint, open: Mutex::default() }
    }

    fn is_open(&self, name: &str) -> Option<IntentId> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
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
            group: action.name.group.clone(),
            group_id: action.step.group_id().cloned(),
            people: self.people(action),
            reduces_access: action.reduces_access,
            gains: action.adds_access,
            changes: action.changes.clone(),
            because: action.because.iter().map(ToString::to_string).collect(),
            commit: self.memory.commit(),
            cause: action.cause,
        }
    }

    /// Whom an action is about, as the files spell them.
    fn people(&self, action: &Action) -> Vec<Arc<str>> {
        let spelt = || action.name.account.as_deref().map(Email::lenient);
        let email = action.step.email().cloned().or_else(spelt);
        email.iter().map(|email| self.desired.identity(email).as_str().into()).collect()
    }

    /// The approvals that an action has used up, once it took effect.
    fn uses(&self, action: &Action, ending: Ending) -> Vec<ApprovalUse> {
        let of = action.approved_by.iter().filter(|_| ending == Ending::Done);
        let name = action.name.to_string();
        let people = self.people(action);
        of.map(|approved| ApprovalUse {
            approval: approved.approval.clone(),
            place: approved.place.to_string(),
            action: name.clone(),
            person: people.first().map_or_else(|| name.clone(), ToString::to_string),
            at: self.memory.now(),
        })
        .collect()
    }

    async fn write(&self, action: &Action, performed: &Performed, sent: &[Sent]) -> Result<(), StoreError> {
        let name = action.name.to_string();
        let run = self.memory.run(Some(self.fingerprint)).await?;
        let evidence = Evidence::of(sent);
        let message = performed.result.message().map(str::to_owned);
        let ending = Ending::from(&performed.result);
        let account_id =
            action.step.account_id().cloned().or_else(|| self.created_ids.account_of(action.step.email()?));
        let group_id =
            action.step.group_id().cloned().or_else(|| self.created_ids.group_of(action.name.group.as_deref()?));
        let (store, lease) = (&self.memory.store, self.tenure.lease());
        match self.is_open(&name) {
            // A later look says what became of it, and enters that.
            Some(_) if performed.open => Ok(()),
            Some(id) => {
                let settled = Settled {
                    at: self.memory.now(),
                    run,
                    ending,
                    message,
                    request: evidence.request,
                    status: evidence.status,
                    read_back: evidence.read_back,
                    account_id,
                    group_id,
                    by_looking: false,
                    approvals: self.uses(action, ending),
                };
                store.close_intent(lease, id, &settled).await?;
                self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
                Ok(())
            }
            // Nothing was tried and nothing was found out: the run's end counts it.
            None if matches!(performed.result, ActionResult::NotStarted { .. } | ActionResult::Skipped { .. }) => {
                Ok(())
            }
            None => {
                let action = ActionEntry {
                    deed: Deed { account_id, group_id, ..self.deed(action) },
                    ending,
                    message,
                    request: evidence.request,
                    status: evidence.status,
                    read_back: evidence.read_back,
                    sent_at: None,
                    by_looking: true,
                };
                let event = Event::Action(Box::new(action));
                let entry = NewEntry { at: self.memory.now(), run: Some(run), event };
                store.enter(lease, &[entry]).await
            }
        }
    }
}

#[async_trait]
impl Journal for Ledger<'_> {
    async fn begin(&self, writes: &[(&Action, &Write)]) -> Result<(), Unwritten> {
        let unwritten = |error: StoreError| {
            Unwritten(format!(
                "what is about to be sent could not be written down, so that nothing more is sent: {error}"
            ))
        };
        let run = self.memory.run(Some(self.fingerprint)).await.map_err(unwritten)?;
        let new = writes.iter().filter(|(action, _)| self.is_open(&action.name.to_string()).is_none());
        let intents: Vec<NewIntent> = new.map(|(action, write)| self.intent(&run, action, write)).collect();
        if !intents.is_empty() {
            let ids = self.memory.store.open_batch(self.tenure.lease(), &intents).await.map_err(unwritten)?;
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.extend(intents.into_iter().map(|intent| intent.action).zip(ids));
        }
        // Writing takes time, so that the claim is looked at last.
        self.tenure.may_send().map_err(Unwritten)
    }

    async fn end(&self, action: &Action, performed: &Performed, sent: &[Sent]) -> Result<(), Unwritten> {
        self.write(action, performed, sent).await.map_err(|error| {
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

/// The uses of approvals of an action that was found to have taken effect.
pub(super) fn uses_of(intent: &NewIntent, at: jiff::Timestamp) -> Vec<ApprovalUse> {
    let listed = intent.payload.get("approvals").cloned().unwrap_or_default();
    let listed: Vec<(String, String)> = serde_json::from_value(listed).unwrap_or_default();
    let person = intent.deed.people.first().map_or_else(|| intent.action.clone(), ToString::to_string);
    let of =
        |(approval, place)| ApprovalUse { approval, place, action: intent.action.clone(), person: person.clone(), at };
    listed.into_iter().map(of).collect()
}
