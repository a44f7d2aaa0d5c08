//! Carrying out one action so that it surely took effect, or surely did not. A write whose outcome nobody knows is looked
//! for before it is sent again; a removal makes sure that it still meets the account it was planned for.

use std::time::Duration;

use super::{
    created_ids::CreatedIds,
    effect::Effect,
    jitter::Jitter,
    journal::{Journal, Performed, Unwritten},
    progress::{Event, Progress},
    read_back::Then,
    stop::Stop,
};
use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Joiner, Write, Writer},
    model::{Action, ActionResult, Step},
};

/// How often one write is sent before its action is given up; the next run takes it up again.
pub(super) const ATTEMPTS: u32 = 5;

/// What every action of a run is carried out with.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// The way to the app.
    pub(super) writer: &'a dyn Writer,
    /// Ids of what was made.
    pub(super) created_ids: &'a CreatedIds,
    /// Where it is written down.
    pub(super) journal: &'a dyn Journal,
    /// Chance.
    pub(super) jitter: &'a Jitter,
    /// Once it asks for an end, what has not taken effect is not sent again.
    pub(super) stop: &'a Stop,
    /// Someone who watches.
    pub(super) progress: &'a dyn Progress,
}

/// What takes longer is told to whoever watches.
const LONG: Duration = Duration::from_secs(4);

impl Run<'_> {
    /// Tells that an action is looked at for `at_most`, where that is long.
    pub(super) fn waits(&self, action: &Action, at_most: Duration) {
        if at_most > LONG {
            self.progress.event(Event::Waits(&action.name, at_most));
        }
    }
}

/// Carries out `action`.
pub(super) async fn perform(run: Run<'_>, action: &Action, lane: Lane) -> Performed {
    attempt(run, action, lane).await.unwrap_or_else(|error| failed(&error))
}

/// Carries out `action`, and leaves it to the caller what is said of an error.
///
/// # Errors
/// What went wrong, as [`failed`] takes it.
pub(super) async fn attempt(run: Run<'_>, action: &Action, lane: Lane) -> Result<Performed, Error> {
    One { run, action, lane }.run().await
}

/// The result of an error. Where nobody knows what became of the write, it stays open.
pub(super) fn failed(error: &Error) -> Performed {
    let result = not_done(error);
    if error.outcome_unknown() { Performed::open(result) } else { Performed::settled(result) }
}

/// The write of an action that is sent together with others, once it is sure that it is still right.
///
/// # Errors
/// What became of the action instead.
pub(super) async fn prepare(run: Run<'_>, action: &Action, lane: Lane) -> Result<Write, ActionResult> {
    let one = One { run, action, lane };
    match one.look_before_removing().await {
        Ok(None) => one.write().await.unwrap_or_else(|error| Err(not_done(&error))),
        Ok(Some(result)) => Err(result),
        Err(error) => Err(not_done(&error)),
    }
}

/// The result of an error after which nothing was done. What the budget did not let out was not even begun.
pub(super) fn not_done(error: &Error) -> ActionResult {
    if error.is_parked() {
        return ActionResult::NotStarted { reason: format!("{}: {}", error.app, error.detail) };
    }
    ActionResult::Failed { error: error.to_string() }
}

/// One action that is carried out.
pub(super) struct One<'a> {
    pub(super) run: Run<'a>,
    pub(super) action: &'a Action,
    pub(super) lane: Lane,
}

impl One<'_> {
    async fn run(&self) -> Result<Performed, Error> {
        if let Some(result) = self.look_before_removing().await? {
            return Ok(Performed::settled(result));
        }
        if let Some(result) = self.look_for_own_account().await? {
            return Ok(Performed::settled(result));
        }
        let write = match self.write().await? {
            Ok(write) => write,
            Err(unresolved) => return Ok(Performed::settled(unresolved)),
        };
        if let Write::UpdateAccount { id, email: Some(address), .. } = &write {
            // Before it is sent, because others may look at the account while it is under way.
            self.run.created_ids.remember_address(id.clone(), address.clone());
        }
        self.send(&write).await
    }

    /// The write that carries the action out, or what became of the action instead.
    ///
    /// # Errors
    /// When an account that this run made cannot be looked at.
    async fn write(&self) -> Result<Result<Write, ActionResult>, Error> {
        let Ok(mut write) = self.action.step.resolve(self.run.created_ids) else {
            let error = format!("{}: the id of its account or group is not known; plan again", self.action.name);
            return Ok(Err(ActionResult::Failed { error }));
        };
        // An app that adds people by address makes a second account where it calls the first one otherwise.
        if let (Write::AddMember { who: Joiner { id: Some(id), email, .. }, .. }, Some(_)) =
            (&mut write, self.action.step.newcomer())
            && let Some(account) = self.run.writer.account(id, self.lane).await?
        {
            *email = account.email;
        }
        Ok(Ok(write))
    }

    /// Sends the write; again, where it is certain that it took no effect and may take one yet.
    async fn send(&self, write: &Write) -> Result<Performed, Error> {
        let mut last: Option<Error> = None;
        for attempt in 0..ATTEMPTS {
            if let Some(error) = &last {
                // What is certain not to be done was looked at a moment ago; pausing now would only make that look old.
                if !error.outcome_unknown() {
                    self.pause(attempt).await;
                }
                if self.run.stop.asked() {
                    let stopped = format!("{error}; the run was stopped before it was sent again");
                    let failed = ActionResult::Failed { error: stopped };
                    // The last look may have come too early to be believed.
                    return Ok(if error.outcome_unknown() {
                        Performed::open(failed)
                    } else {
                        Performed::settled(failed)
                    });
                }
            }
            if let Err(Unwritten(why)) = self.run.journal.begin(&[(self.action, write)]).await {
                return Ok(Performed::settled(match last {
                    None => ActionResult::NotStarted { reason: why },
                    Some(error) => ActionResult::Failed { error: format!("{error}; it was not sent again: {why}") },
                }));
            }
            match self.attempt(write).await? {
                Attempt::Ended(performed) => return Ok(performed),
                Attempt::Again(error) => last = Some(error),
            }
        }
        let why = last.map_or_else(String::new, |error| format!(": {error}"));
        Ok(Performed::settled(ActionResult::Failed {
            error: format!("given up after {ATTEMPTS} attempts{why}; the next run takes it up again"),
        }))
    }

    /// Pauses before an attempt; not longer than the run goes on.
    async fn pause(&self, attempt: u32) {
        let mut stop = self.run.stop.clone();
        tokio::select! {
            biased;
            () = stop.reached(1) => {}
            () = tokio::time::sleep(self.run.jitter.pause(attempt)) => {}
        }
    }

    async fn attempt(&self, write: &Write) -> Result<Attempt, Error> {
        let error = match self.run.writer.write(write, self.lane).await {
            Ok(written) => return Ok(self.confirm(write, written).await),
            Err(error) => error,
        };
        let takes_away = self.aim(write, None).takes_away();
        match error.kind {
            ErrorKind::Duplicate => self.is_a_duplicate(&error, write).await,
            // One answer may come from a wrong path or a missing right; two that agree are believed.
            ErrorKind::NotFound if takes_away => match self.look_after(&error, write, Then::Report).await? {
                Effect::Done(_) => Ok(Attempt::done(Some("it was gone already".into()))),
                Effect::Stale { report, .. } => Ok(Attempt::settled(ActionResult::Stale { reason: report })),
                _ => Err(error),
            },
            ErrorKind::Unknown => self.is_lost(error, write).await,
            // Asking again would only be refused again.
            _ if error.is_parked() => Err(error),
            // Nothing was sent, or the app said that nothing was done.
            _ if error.is_transient() => Ok(Attempt::Again(error)),
            // The semantics promise the call, and this version of the app lacks it; or else what it is about is gone.
            ErrorKind::Unsupported if takes_away && error.status == Some(404) => {
                Ok(match self.look_after(&error, write, Then::Report).await {
                    Ok(Effect::Done(_)) => Attempt::done(Some("it was gone already".into())),
                    _ => Attempt::settled(self.by_hand(&error)),
                })
            }
            ErrorKind::Unsupported => Ok(Attempt::settled(self.by_hand(&error))),
            _ => Err(error),
        }
    }

    /// The app says that it has this already.
    async fn is_a_duplicate(&self, error: &Error, write: &Write) -> Result<Attempt, Error> {
        Ok(match self.look_after(error, write, Then::Report).await? {
            Effect::Done(done) if self.aim(write, None).takes_away() => {
                Attempt::done(done.note.or_else(|| Some("it was gone already".into())))
            }
            Effect::Done(done) => Attempt::done(done.note.or_else(|| Some("it was there already".into()))),
            Effect::Hidden => Attempt::done(Some("it was there already, says the app".into())),
            Effect::Stale { report, .. } => Attempt::settled(ActionResult::Stale { reason: report }),
            _ => {
                let (made, aliases) = match &self.action.step {
                    Step::CreateAccount { email, .. } => (Some(email), String::new()),
                    step => {
                        let app = self.run.writer.app();
                        (step.address(), format!(", or set `policy: {{ aliases: keep }}` under apps.{app}"))
                    }
                };
                let error = match made {
                    Some(address) => format!(
                        "{error}; another account seems to have the address {address}, maybe one that is not shown any more: free \
                         the address in the app{aliases}"
                    ),
                    None => format!("{error}; the app shows nothing that is as it should be"),
                };
                Attempt::settled(ActionResult::Failed { error })
            }
        })
    }

    /// The app's answer was lost.
    async fn is_lost(&self, error: Error, write: &Write) -> Result<Attempt, Error> {
        Ok(match self.look_after_loss(&error, write).await? {
            Effect::Done(done) => Attempt::done(done.note),
            Effect::Stale { report, .. } => Attempt::settled(ActionResult::Stale { reason: report }),
            // Setting the same fields twice does no harm.
            Effect::Hidden if !self.aim(write, None).sets_fields() => {
                Attempt::Ended(Performed::open(ActionResult::Failed {
                    error: format!("{error}; the app has no way to show whether it was done"),
                }))
            }
            _ => Attempt::Again(error),
        })
    }

    fn by_hand(&self, error: &Error) -> ActionResult {
        let todo = self.run.writer.semantics().manual_text(self.action.name.verb);
        ActionResult::Manual { todo: format!("{todo} ({error})") }
    }
}

/// What came of sending a write once.
pub(super) enum Attempt {
    Ended(Performed),
    Again(Error),
}

impl Attempt {
    pub(super) fn settled(result: ActionResult) -> Self {
        Self::Ended(Performed::settled(result))
    }

    pub(super) fn done(note: Option<String>) -> Self {
        Self::settled(ActionResult::Done { note })
    }
}
