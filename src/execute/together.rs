//! Carrying out several memberships of one group in one request. What such a request did is seen by reading the group
//! once for all of them; whoever it left out is sent again alone. What is refused as a whole is sent again in halves and
//! then one by one, so that one bad apple spoils nothing for the others.

use std::time::Duration;

use tracing::warn;

use super::{
    after::Settling,
    effect::{Aim, Effect, Seen},
    journal::{Performed, Unwritten},
    perform::{ATTEMPTS, Run, attempt, failed, not_done, perform, prepare},
    read_back,
};
use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Listing, Write, Written},
    model::{Action, ActionResult, LiveMember},
};

/// So few that are refused together are sent alone from then on; more are sent in halves.
const FEW: usize = 8;

/// How long a request that may never have arrived is looked for.
const LOST: Duration = Duration::from_secs(15);

/// Carries out `actions`, which all add to one group or all remove from it; the results are in their order.
pub(super) async fn perform_together(run: Run<'_>, actions: &[&Action], lane: Lane) -> Vec<Performed> {
    if let [one] = actions {
        return vec![perform(run, one, lane).await];
    }
    let results = vec![None; actions.len()];
    let mut together =
        Together { run, lane, actions, results, unproven: Vec::new(), alone: Vec::new(), refused: Vec::new() };
    let mut parts = vec![together.begin().await];
    while let Some(part) = parts.pop() {
        if !part.is_empty() {
            parts.extend(together.send(part).await);
        }
    }
    let unproven = std::mem::take(&mut together.unproven);
    together.read_back(unproven, run.writer.semantics().settle).await;
    together.each_alone().await;
    together.finish()
}

struct Together<'a> {
    run: Run<'a>,
    lane: Lane,
    actions: &'a [&'a Action],
    /// What became of each action.
    results: Vec<Option<Performed>>,
    /// Whose effect has to be looked for.
    unproven: Vec<(usize, Write)>,
    /// Who is to be sent again alone.
    alone: Vec<usize>,
    /// Who was refused alone, and how.
    refused: Vec<(usize, Error)>,
}

impl Together<'_> {
    /// Writes down what is about to be sent: the writes by the index of their actions, without those that it is too late for.
    async fn begin(&mut self) -> Vec<(usize, Write)> {
        let mut writes = Vec::new();
        for (index, action) in self.actions.iter().enumerate() {
            match prepare(self.run, action, self.lane).await {
                Ok(write) => writes.push((index, write)),
                Err(result) => self.results[index] = Some(Performed::settled(result)),
            }
        }
        let noted: Vec<_> = writes.iter().map(|(index, write)| (self.actions[*index], write)).collect();
        if let Err(Unwritten(why)) = self.run.journal.begin(&noted).await {
            for (index, _) in writes.drain(..) {
                self.results[index] = Some(Performed::settled(ActionResult::NotStarted { reason: why.clone() }));
            }
        }
        writes
    }

    /// Sends them in one request. Returns the parts in which they are to be sent instead, the last one first.
    async fn send(&mut self, writes: Vec<(usize, Write)>) -> Vec<Vec<(usize, Write)>> {
        if self.run.stop.asked() {
            for (index, _) in writes {
                self.results[index] = Some(stopped());
            }
            return Vec::new();
        }
        match self.request(&writes).await {
            Ok(answers) => {
                for ((index, write), answer) in writes.into_iter().zip(answers) {
                    match answer {
                        Ok(written) if written.proven => self.results[index] = Some(done()),
                        Ok(_) => self.unproven.push((index, write)),
                        Err(_) => self.alone.push(index),
                    }
                }
            }
            // Whether it did anything is seen in the group. An app that did not say that it took the request has less time
            // to show it: whoever is missing is then sent alone, which an app that took both refuses as a duplicate.
            Err(error) if error.outcome_unknown() => {
                warn!(%error, people = writes.len(), "looking in the group for what became of it");
                tokio::time::sleep(read_back::SETTLE).await;
                self.read_back(writes, self.run.writer.semantics().settle.min(LOST)).await;
            }
            // Nothing was done, and it may be for one of them; sending fewer finds out whom the app does not take.
            Err(error) if only_for_some(error.kind) && writes.len() > FEW => {
                let mut first = writes;
                let second = first.split_off(first.len() / 2);
                return vec![second, first];
            }
            Err(error) if only_for_some(error.kind) => self.alone.extend(writes.into_iter().map(|(index, _)| index)),
            // What is said of the request as a whole is true of each, and asking for each would only repeat it.
            Err(error) => {
                for (index, _) in writes {
                    self.results[index] = Some(Performed::settled(not_done(&error)));
                }
            }
        }
        Vec::new()
    }

    /// Sends the request; again where it is certain that nothing was done and that this may pass.
    async fn request(&self, writes: &[(usize, Write)]) -> Result<Vec<Result<Written, Error>>, Error> {
        let sent: Vec<Write> = writes.iter().map(|(_, write)| write.clone()).collect();
        let mut attempt = 0;
        loop {
            match self.run.writer.write_together(&sent, self.lane).await {
                Err(error) if error.is_transient() && !error.outcome_unknown() && !error.is_parked() => {
                    attempt += 1;
                    if attempt == ATTEMPTS || self.run.stop.asked() {
                        return Err(error);
                    }
                    tokio::time::sleep(self.run.jitter.pause(attempt)).await;
                }
                answer => return answer,
            }
        }
    }

    /// Reads the group until everyone is seen to be as they should, or the time that the app may take is over.
    async fn read_back(&mut self, mut open: Vec<(usize, Write)>, settle: Duration) {
        let (mut looks, mut told) = (Settling::new(settle), false);
        while let Some(group) = open.first().and_then(|(_, write)| group_of(write)) {
            let listing = match self.run.writer.members(group, self.lane).await {
                Ok(listing) => listing,
                Err(error) => {
                    if error.is_transient() && !self.run.stop.asked() && looks.wait().await {
                        continue;
                    }
                    for (index, _) in open {
                        self.results[index] = Some(unread(&error));
                    }
                    return;
                }
            };
            open.retain(|(index, write)| {
                let seen = shown(write, &listing);
                let open = seen.is_none();
                self.results[*index] = seen.or_else(|| self.results[*index].take());
                open
            });
            if open.is_empty() {
                return;
            }
            // Of those that one request was about, one is named.
            if let Some((index, _)) = open.first().filter(|_| !std::mem::replace(&mut told, true)) {
                self.run.waits(self.actions[*index], settle);
            }
            if self.run.stop.asked() || !looks.wait().await {
                break;
            }
        }
        // Sent once more alone: an app that dropped somebody from the crowd may take them by themselves, and if not, the
        // answer says why.
        self.alone.extend(open.into_iter().map(|(index, _)| index));
    }

    async fn each_alone(&mut self) {
        for index in std::mem::take(&mut self.alone) {
            if self.run.stop.asked() {
                self.results[index] = Some(stopped());
                continue;
            }
            match attempt(self.run, self.actions[index], self.lane).await {
                Ok(performed) => self.results[index] = Some(performed),
                Err(error) => self.refused.push((index, error)),
            }
        }
    }

    fn finish(mut self) -> Vec<Performed> {
        let is_done = |performed: &Performed| matches!(performed.result, ActionResult::Done { .. });
        let some_are_done = self.results.iter().flatten().any(is_done);
        for (index, mut error) in self.refused {
            // A credential that may not do it could not have done it for the others either.
            if error.kind == ErrorKind::Forbidden && some_are_done {
                error.hint = Some("the app took others in the same group, so that it is about this one".into());
            }
            self.results[index] = Some(failed(&error));
        }
        let unknown = |action: &Action| {
            let error = format!("{}: whether it was done is not known; plan again", action.name);
            Performed::open(ActionResult::Failed { error })
        };
        self.results
            .into_iter()
            .zip(self.actions)
            .map(|(result, action)| result.unwrap_or_else(|| unknown(action)))
            .collect()
    }
}

/// Whether an answer to several writes may be due to one of them, or to their being several.
fn only_for_some(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Refused | ErrorKind::Forbidden | ErrorKind::Duplicate | ErrorKind::Unsupported | ErrorKind::NotFound
    )
}

fn stopped() -> Performed {
    Performed::settled(ActionResult::NotStarted {
        reason: "the run was stopped first; the next run takes it up".into(),
    })
}

fn done() -> Performed {
    Performed::settled(ActionResult::Done { note: None })
}

/// The group that the memberships are of: the scheduler puts nothing else together.
fn group_of(write: &Write) -> Option<&str> {
    match Aim::of(write) {
        Aim::Member(aim) => Some(aim.group),
        Aim::Account(_) | Aim::Group(_) => None,
    }
}

fn unread(error: &Error) -> Performed {
    // This version of the app cannot show who is in a group.
    if error.kind == ErrorKind::Unsupported {
        return believed();
    }
    let error = format!("the app accepted it, but it could not be read back: {error}");
    Performed::open(ActionResult::Failed { error })
}

fn believed() -> Performed {
    let note = Some("the app took it, but does not show it; believed".into());
    Performed::settled(ActionResult::Done { note })
}

/// What a listing of the group's members shows of a write that took effect.
fn shown(write: &Write, members: &Listing<LiveMember>) -> Option<Performed> {
    let Aim::Member(aim) = Aim::of(write) else { return None };
    let found = members.rows.iter().find(|member| read_back::is_member(member, &aim.who)).map(|member| &member.values);
    match aim.judge(Seen::listed(found, &members.coverage)) {
        Effect::Done(_) => Some(done()),
        Effect::Hidden => Some(believed()),
        _ => None,
    }
}
