//! Carrying out one action so that it surely took effect, or surely did not. A write whose outcome nobody knows is looked
//! for before it is sent again; a removal makes sure that it still meets the account it was planned for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::look;
use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Write, Writer, Written},
    model::{AccountStatus, Action, ActionResult, Email, LiveAccount, Values, Verb},
};

/// How often one write is sent before its action is given up; the next run takes it up again.
const ATTEMPTS: u32 = 5;

/// Pause before the second attempt; it doubles from there, with full jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Ids of what the run itself made, for the actions that follow.
#[derive(Debug, Default)]
pub(super) struct Made {
    accounts: Mutex<BTreeMap<Email, Arc<str>>>,
    groups: Mutex<BTreeMap<Arc<str>, Arc<str>>>,
}

impl Made {
    fn remember_account(&self, email: Email, id: Arc<str>) {
        // A poisoned lock still holds whole entries: inserting one cannot leave the map half-changed.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).insert(email, id);
    }

    fn remember_group(&self, name: Arc<str>, id: Arc<str>) {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).insert(name, id);
    }

    /// The id of the action's account: planned, or made in this run.
    fn account(&self, action: &Action) -> Option<Arc<str>> {
        let made = || {
            let email = action.target.email.as_ref()?;
            self.accounts.lock().unwrap_or_else(PoisonError::into_inner).get(email).cloned()
        };
        action.target.account_id.clone().or_else(made)
    }

    fn group(&self, action: &Action) -> Option<Arc<str>> {
        let made = || {
            let name = action.name.group.as_ref()?;
            self.groups.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
        };
        action.target.group_id.clone().or_else(made)
    }
}

/// Carries out `action`.
pub(super) async fn perform(writer: &dyn Writer, action: &Action, made: &Made, lane: Lane) -> ActionResult {
    let one = One { writer, action, made, lane };
    match one.run().await {
        Ok(result) => result,
        Err(error) => ActionResult::Failed { error: error.to_string() },
    }
}

struct One<'a> {
    writer: &'a dyn Writer,
    action: &'a Action,
    made: &'a Made,
    lane: Lane,
}

/// What looking at the app says about a write.
enum Seen {
    /// It took effect; a note for the report.
    Done(Option<String>),
    /// It did not.
    NotDone,
    /// It cannot any more, because the app changed.
    Stale(String),
}

impl One<'_> {
    async fn run(&self) -> Result<ActionResult, Error> {
        if let Some(result) = self.look_before_removing().await? {
            return Ok(result);
        }
        let Some(write) = self.write() else {
            return Ok(ActionResult::Failed {
                error: format!("{}: the id of its account or group is not known; plan again", self.action.name),
            });
        };
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(pause(attempt)).await;
            }
            match self.attempt(&write).await? {
                Attempt::Ended(result) => return Ok(result),
                Attempt::Again(error) => last = Some(error),
            }
        }
        let why = last.map_or_else(String::new, |error| format!(": {error}"));
        Ok(ActionResult::Failed {
            error: format!("given up after {ATTEMPTS} attempts{why}; the next run takes it up again"),
        })
    }

    async fn attempt(&self, write: &Write) -> Result<Attempt, Error> {
        let error = match self.writer.write(write, self.lane).await {
            Ok(written) => return self.confirm(write, written).await,
            Err(error) => error,
        };
        match error.kind {
            ErrorKind::Duplicate => match self.look(write, None).await? {
                Seen::Done(note) => Ok(Attempt::done(note.or_else(|| Some("it was there already".into())))),
                _ => Ok(Attempt::Ended(ActionResult::Failed {
                    error: format!("{error}; the app says there is one already, but shows none"),
                })),
            },
            ErrorKind::NotFound if matches!(write, Write::DeleteAccount { .. } | Write::RemoveMember { .. }) => {
                Ok(Attempt::done(Some("it was gone already".into())))
            }
            ErrorKind::Unknown => match self.look(write, None).await? {
                Seen::Done(note) => Ok(Attempt::done(note)),
                Seen::Stale(reason) => Ok(Attempt::Ended(ActionResult::Stale { reason })),
                Seen::NotDone => Ok(Attempt::Again(error)),
            },
            // Nothing was sent, or the app said that nothing was done.
            _ if error.is_transient() => Ok(Attempt::Again(error)),
            _ => Err(error),
        }
    }

    /// A write's own answer suffices when it carries what was written; otherwise it is read back.
    async fn confirm(&self, write: &Write, written: Written) -> Result<Attempt, Error> {
        if let (Write::CreateAccount { email, .. }, Some(id)) = (write, &written.id) {
            self.made.remember_account(email.clone(), id.clone());
        }
        if let (Write::CreateGroup { name, .. }, Some(id)) = (write, &written.id) {
            self.made.remember_group(name.clone(), id.clone());
        }
        let needs_id = matches!(write, Write::CreateAccount { .. } | Write::CreateGroup { .. }) && written.id.is_none();
        if written.proven && !needs_id {
            let note = written.account.as_ref().and_then(|account| created_note(write, account));
            return Ok(Attempt::done(note));
        }
        match self.look(write, written.id.as_ref()).await? {
            Seen::Done(note) => Ok(Attempt::done(note)),
            Seen::Stale(reason) => Ok(Attempt::Ended(ActionResult::Stale { reason })),
            Seen::NotDone => Ok(Attempt::Ended(ActionResult::Failed {
                error: format!(
                    "{}: the app accepted it, but shows no effect; look at it in the app and plan again",
                    self.action.name
                ),
            })),
        }
    }

    /// Whether a write took effect, by looking.
    async fn look(&self, write: &Write, id: Option<&Arc<str>>) -> Result<Seen, Error> {
        let Self { writer, lane, .. } = *self;
        Ok(match write {
            Write::CreateAccount { email, values } => {
                let found = match id {
                    Some(id) => look::account(writer, id, lane).await?,
                    None => look::for_account(writer, email, lane).await?,
                };
                match found {
                    None => Seen::NotDone,
                    Some(account) => {
                        self.made.remember_account(email.clone(), account.id.clone());
                        adopted(&account, values, id.is_some())
                    }
                }
            }
            Write::UpdateAccount { id, values } => match look::account(writer, id, lane).await? {
                None => Seen::Stale("the account is gone".into()),
                Some(account) if look::has_values(&account.values, values) => Seen::Done(None),
                Some(_) => Seen::NotDone,
            },
            Write::Deactivate { id } => match look::account(writer, id, lane).await? {
                None => Seen::Done(Some("the account is gone".into())),
                Some(account) if account.status == AccountStatus::Inactive => Seen::Done(None),
                Some(_) => Seen::NotDone,
            },
            Write::Reactivate { id } => match look::account(writer, id, lane).await? {
                None => Seen::Stale("the account is gone".into()),
                Some(account) if account.status == AccountStatus::Active => Seen::Done(None),
                Some(_) => Seen::NotDone,
            },
            Write::DeleteAccount { id } => match look::account(writer, id, lane).await? {
                None => Seen::Done(None),
                Some(_) => Seen::NotDone,
            },
            Write::AddMember { group, account, values } | Write::ChangeMember { group, account, values } => {
                match look::membership(writer, group, account, lane).await? {
                    look::Membership::Unreadable => {
                        Seen::Done(Some("the app cannot show memberships; believed".into()))
                    }
                    look::Membership::None => Seen::NotDone,
                    look::Membership::Member(live) if look::has_values(&live, values) => Seen::Done(None),
                    look::Membership::Member(_) => Seen::NotDone,
                }
            }
            Write::RemoveMember { group, account } => match look::membership(writer, group, account, lane).await? {
                look::Membership::Unreadable => Seen::Done(Some("the app cannot show memberships; believed".into())),
                look::Membership::None => Seen::Done(None),
                look::Membership::Member(_) => Seen::NotDone,
            },
            Write::CreateGroup { name, .. } => match look::group_named(writer, name, lane).await? {
                None => Seen::NotDone,
                Some(group) => {
                    self.made.remember_group(name.clone(), group.id);
                    Seen::Done(None)
                }
            },
            Write::UpdateGroup { id, values } => match look::group(writer, id, lane).await? {
                None => Seen::Stale("the group is gone".into()),
                Some(group) if look::has_values(&group.values, values) => Seen::Done(None),
                Some(_) => Seen::NotDone,
            },
            Write::DeleteGroup { id } => match look::group(writer, id, lane).await? {
                None => Seen::Done(None),
                Some(_) => Seen::NotDone,
            },
        })
    }

    /// A removal re-reads its own row first: the account may have changed hands or state since it was planned.
    async fn look_before_removing(&self) -> Result<Option<ActionResult>, Error> {
        let (action, target) = (self.action, &self.action.target);
        let (true, Some(id), Some(email)) = (action.reduces_access, &target.account_id, &target.email) else {
            return Ok(None);
        };
        let Some(account) = look::account(self.writer, id, self.lane).await? else {
            return Ok(Some(match action.name.verb {
                Verb::Update | Verb::ChangeMember => ActionResult::Stale { reason: "the account is gone".into() },
                _ => ActionResult::Done { note: Some("the account was gone already".into()) },
            }));
        };
        if account.email != *email {
            return Ok(Some(ActionResult::Stale {
                reason: format!("account {id} now belongs to {}; plan again", account.email),
            }));
        }
        if target.expect.as_ref().is_some_and(|expected| *expected != account.status) {
            let gone = account.status == AccountStatus::Inactive && action.name.verb == Verb::Deactivate;
            return Ok(Some(if gone {
                ActionResult::Done { note: Some("the account was inactive already".into()) }
            } else {
                ActionResult::Stale { reason: format!("the account is {} now; plan again", account.status) }
            }));
        }
        Ok(None)
    }

    /// The write that the action asks for; `None` when the id of what it is done to never became known.
    fn write(&self) -> Option<Write> {
        let Self { action, made, .. } = self;
        let values = action.target.values.clone();
        let group_name = || action.name.group.clone();
        Some(match action.name.verb {
            Verb::Create => Write::CreateAccount { email: action.target.email.clone()?, values },
            Verb::Update => Write::UpdateAccount { id: made.account(action)?, values },
            Verb::Reactivate => Write::Reactivate { id: made.account(action)? },
            Verb::Deactivate => Write::Deactivate { id: made.account(action)? },
            Verb::Delete => Write::DeleteAccount { id: made.account(action)? },
            Verb::AddMember => Write::AddMember { group: made.group(action)?, account: made.account(action)?, values },
            Verb::ChangeMember => {
                Write::ChangeMember { group: made.group(action)?, account: made.account(action)?, values }
            }
            Verb::RemoveMember => Write::RemoveMember { group: made.group(action)?, account: made.account(action)? },
            Verb::CreateGroup => Write::CreateGroup { name: group_name()?, values },
            Verb::UpdateGroup => Write::UpdateGroup { id: made.group(action)?, values },
            Verb::DeleteGroup => Write::DeleteGroup { id: made.group(action)? },
        })
    }
}

enum Attempt {
    Ended(ActionResult),
    Again(Error),
}

impl Attempt {
    fn done(note: Option<String>) -> Self {
        Self::Ended(ActionResult::Done { note })
    }
}

/// An account that is there after a create: ours, with or without all values; what differs is the next plan's business.
fn adopted(account: &LiveAccount, values: &Values, just_made: bool) -> Seen {
    let status = match &account.status {
        AccountStatus::Pending => Some("invitation sent".to_owned()),
        AccountStatus::Active => None,
        other => Some(format!("the account is {other}")),
    };
    let complete = look::has_values(&account.values, values);
    let differs = (!complete).then(|| "some of its fields differ; the next run corrects them".to_owned());
    let found = (!just_made).then(|| format!("found as {}", account.id));
    let notes: Vec<String> = [found, status, differs].into_iter().flatten().collect();
    Seen::Done((!notes.is_empty()).then(|| notes.join("; ")))
}

fn created_note(write: &Write, account: &LiveAccount) -> Option<String> {
    let created = matches!(write, Write::CreateAccount { .. });
    (created && account.status == AccountStatus::Pending).then(|| "invitation sent".to_owned())
}

/// Exponential back-off with full jitter, so that many failed actions do not come back together.
fn pause(attempt: u32) -> Duration {
    let ceiling = LONGEST_PAUSE.min(FIRST_PAUSE * 2u32.saturating_pow(attempt));
    ceiling.mul_f64(rand::random::<f64>())
}
