//! After a write: what its answer proves, and looking at the app for the rest, for as long as its effect may take to show.

use std::{sync::Arc, time::Duration};

use super::{
    effect::{Aim, Effect},
    journal::Performed,
    perform::{Attempt, One},
    read_back::{self, SETTLE, Then},
};
use crate::{
    connectors::{Error, Joiner, Write, Written},
    model::ActionResult,
};

/// What may take longer to show than this is looked for early as well: mostly it is there by then.
const SOON: Duration = Duration::from_secs(10);

impl One<'_> {
    /// A write's own answer suffices when it carries what was written; otherwise it is read back.
    pub(super) async fn confirm(&self, write: &Write, written: Written) -> Attempt {
        if let Some(Effect::Done(done)) = self.aim(write, None).answered(&written) {
            self.remember(write, done.made);
            return Attempt::done(done.note);
        }
        let name = &self.action.name;
        let open = |error: String| Attempt::Ended(Performed::open(ActionResult::Failed { error }));
        if let (Write::AddMember { .. }, Some(id)) = (write, &written.id) {
            // Whatever address the app gives the account: this is the one that joining made.
            self.remember(write, Some(id.clone()));
        }
        match self.look_until_settled(write, written.id.as_ref()).await {
            Ok(Effect::Done(done)) => Attempt::done(done.note),
            Ok(Effect::Stale { report, .. }) => Attempt::settled(ActionResult::Stale { reason: report }),
            Ok(Effect::Hidden) => Attempt::done(Some("the app took it, but does not show it; believed".into())),
            Ok(_) => {
                open(format!("{name}: the app accepted it, but shows no effect; look at it in the app and plan again"))
            }
            // What the app gave an id to is made, whether or not it can be looked at.
            Err(error) if written.id.is_some() && self.aim(write, None).makes_with_id() => {
                let id = written.id.as_deref().unwrap_or_default();
                let note = format!("made as {id}, says the app's answer; it could not be read back: {error}");
                self.remember(write, written.id.clone());
                Attempt::done(Some(note))
            }
            Err(error) => open(format!("{name}: the app accepted it, but it could not be read back: {error}")),
        }
    }

    /// Looks for the effect of a write that the app accepted, for as long as it may take to show.
    async fn look_until_settled(&self, write: &Write, id: Option<&Arc<str>>) -> Result<Effect, Error> {
        let settle = self.run.writer.semantics().settle;
        let (mut looks, mut told) = (Settling::new(settle), false);
        loop {
            let seen = self.look(write, id, Then::Report).await;
            // What is not there yet may be about to come; and so may the answer to a look that failed.
            let open = match &seen {
                Ok(effect) => !effect.is_final(),
                Err(error) => error.is_transient(),
            };
            if !open || self.run.stop.asked() {
                return seen;
            }
            if !std::mem::replace(&mut told, true) {
                self.run.waits(self.action, settle);
            }
            if !looks.wait().await {
                return seen;
            }
        }
    }

    /// Looks whether a write took effect whose answer was lost. It may be late, and what it made may then take as long to
    /// show as what the app accepted; only what does not show by then may be made again.
    pub(super) async fn look_after_loss(&self, error: &Error, write: &Write) -> Result<Effect, Error> {
        let semantics = self.run.writer.semantics();
        let makes = self.aim(write, None).makes_something(semantics.members.creates_account);
        let shows_after = if makes { read_back::shows_after(semantics.settle) } else { SETTLE };
        let first = if shows_after <= SOON { shows_after } else { SETTLE };
        tokio::time::sleep(first).await;
        let seen = self.look_after(error, write, Then::MakeAgain).await?;
        if first == shows_after || seen.is_final() {
            return Ok(seen);
        }
        self.run.waits(self.action, shows_after - first);
        let mut stop = self.run.stop.clone();
        tokio::select! {
            biased;
            () = stop.reached(1) => Ok(seen),
            () = tokio::time::sleep(shows_after - first) => self.look_after(error, write, Then::MakeAgain).await,
        }
    }

    /// Looks whether a write took effect whose answer was `error`. When looking fails too, both are told.
    pub(super) async fn look_after(&self, error: &Error, write: &Write, then: Then) -> Result<Effect, Error> {
        self.look(write, None, then).await.map_err(|looking| Error {
            detail: format!("{}; whether it was done could not be seen: {looking}", error.detail),
            ..error.clone()
        })
    }

    /// Looks whether a write took effect. `id` is the id that the app's answer gave to what was made.
    async fn look(&self, write: &Write, id: Option<&Arc<str>>, then: Then) -> Result<Effect, Error> {
        let effect = read_back::look(self.run.writer, &self.aim(write, id), then, self.lane).await?;
        if let Effect::Done(done) = &effect {
            self.remember(write, done.made.clone());
        }
        Ok(effect)
    }

    pub(super) fn aim<'a>(&self, write: &'a Write, id: Option<&'a Arc<str>>) -> Aim<'a> {
        Aim::of(write).known(self.action.step.email(), id)
    }

    /// The id of what was made is for the actions that follow.
    fn remember(&self, write: &Write, made: Option<Arc<str>>) {
        match (write, made) {
            (Write::CreateAccount { email, .. }, Some(id)) => self.run.created_ids.remember_account(email.clone(), id),
            (Write::AddMember { who: Joiner { id: None, email, .. }, .. }, Some(id)) => {
                self.run.created_ids.remember_account(email.clone(), id);
            }
            (Write::CreateGroup { name, .. }, Some(id)) => self.run.created_ids.remember_group(name.clone(), id),
            _ => {}
        }
    }
}

/// Pauses between looks for something that is slow to show: short at first, and never longer in all than was allowed.
pub(super) struct Settling {
    left: Duration,
    pause: Duration,
}

impl Settling {
    pub(super) fn new(settle: Duration) -> Self {
        Self { left: settle, pause: SETTLE }
    }

    /// Waits for the next look; `false` when the time is over.
    pub(super) async fn wait(&mut self) -> bool {
        if self.left.is_zero() {
            return false;
        }
        let pause = self.pause.min(self.left);
        self.left -= pause;
        self.pause *= 2;
        tokio::time::sleep(pause).await;
        true
    }
}
