//! Carrying out several memberships of one group in one request. What such a request did is seen by reading the group
//! once for all of them; whoever it left out is sent again alone, so that one bad apple spoils nothing for the others.

use std::time::Duration;

use tracing::warn;

use super::{
    journal::{Performed, Unwritten},
    perform::{ATTEMPTS, Run, Settling, not_done, perform, prepare},
    read_back,
};
use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Joiner, Write, Written},
    model::{Action, ActionResult, Coverage, LiveMember, Verb},
};

/// So many in a row that are refused alone as they were together settle it for the rest of them.
const CONVINCING: usize = 3;

/// How long a request that may never have arrived is looked for.
const LOST: Duration = Duration::from_secs(15);

/// Carries out `actions`, which all add to one group or all remove from it; the results are in their order.
pub(super) async fn perform_together(run: Run<'_>, actions: &[&Action], lane: Lane) -> Vec<Performed> {
    if let [one] = actions {
        return vec![perform(run, one, lane).await];
    }
    Together { run, lane }.run(actions).await
}

struct Together<'a> {
    run: Run<'a>,
    lane: Lane,
}

impl Together<'_> {
    async fn run(&self, actions: &[&Action]) -> Vec<Performed> {
        let Run { writer, journal, stop, .. } = self.run;
        let mut results: Vec<Option<Performed>> = vec![None; actions.len()];
        let mut writes = Vec::new();
        for (index, action) in actions.iter().enumerate() {
            match prepare(self.run, action, self.lane).await {
                Ok(write) => writes.push((index, write)),
                Err(result) => results[index] = Some(Performed::settled(result)),
            }
        }
        let noted: Vec<_> = writes.iter().map(|(index, write)| (actions[*index], write)).collect();
        if let Err(Unwritten(why)) = journal.begin(&noted).await {
            for (index, _) in writes.drain(..) {
                results[index] = Some(Performed::settled(ActionResult::NotStarted { reason: why.clone() }));
            }
        }
        let (mut alone, mut told) = (Vec::new(), None);
        if !writes.is_empty() {
            let mut settle = writer.semantics().settle;
            let unproven = match self.send(&writes).await {
                Ok(answers) => {
                    let mut unproven = Vec::new();
                    for ((index, write), answer) in writes.into_iter().zip(answers) {
                        match answer {
                            Ok(written) if written.proven => results[index] = Some(done()),
                            Ok(_) => unproven.push((index, write)),
                            Err(_) => alone.push(index),
                        }
                    }
                    unproven
                }
                // Whether it did anything is seen in the group. An app that did not say that it took the request has less time
                // to show it: whoever is missing is then sent alone, which an app that took both refuses as a duplicate.
                Err(error) if error.outcome_unknown() => {
                    settle = settle.min(LOST);
                    warn!(%error, people = writes.len(), "looking in the group for what became of it");
                    tokio::time::sleep(read_back::SETTLE).await;
                    writes
                }
                // Nothing was done, and it may be for one of them; each one alone finds out whom the app does not take.
                Err(error) if only_for_some(error.kind) => {
                    told = Some(error.to_string());
                    alone.extend(writes.into_iter().map(|(index, _)| index));
                    Vec::new()
                }
                // What is said of the request as a whole is true of each, and asking for each would only repeat it.
                Err(error) => {
                    for (index, _) in writes {
                        results[index] = Some(Performed::settled(not_done(&error)));
                    }
                    Vec::new()
                }
            };
            self.read_back(unproven, settle, &mut results, &mut alone).await;
        }
        let mut refused = 0;
        for index in alone {
            let result = if let (true, Some(told)) = (refused == CONVINCING, &told) {
                Performed::settled(ActionResult::Failed {
                    error: format!("{told}; {CONVINCING} others alone met the same, so that this was not sent"),
                })
            } else if stop.asked() {
                let reason = "the run was stopped first; the next run takes it up".into();
                Performed::settled(ActionResult::NotStarted { reason })
            } else {
                perform(self.run, actions[index], self.lane).await
            };
            // One that succeeds shows that it is not about all of them.
            refused = match result.result {
                ActionResult::Failed { .. } if refused != usize::MAX => refused + 1,
                _ => usize::MAX,
            };
            results[index] = Some(result);
        }
        results
            .into_iter()
            .zip(actions)
            .map(|(result, action)| {
                result.unwrap_or_else(|| {
                    let error = format!("{}: whether it was done is not known; plan again", action.name);
                    Performed::open(ActionResult::Failed { error })
                })
            })
            .collect()
    }

    /// Sends the request; again where it is certain that nothing was done and that this may pass.
    async fn send(&self, writes: &[(usize, Write)]) -> Result<Vec<Result<Written, Error>>, Error> {
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

    /// Reads the group until everyone is seen to be as they should, or the time that the app may take is over. Whoever is
    /// missing then is told by name, as an action of their own.
    async fn read_back(
        &self,
        mut open: Vec<(usize, Write)>,
        settle: Duration,
        results: &mut [Option<Performed>],
        alone: &mut Vec<usize>,
    ) {
        let mut looks = Settling::new(settle);
        while let Some((_, first)) = open.first() {
            let listing = match self.run.writer.members(group_of(first), self.lane).await {
                Ok(listing) => listing,
                Err(error) => {
                    if error.is_transient() && !self.run.stop.asked() && looks.wait().await {
                        continue;
                    }
                    for (index, _) in open {
                        results[index] = Some(unread(&error));
                    }
                    return;
                }
            };
            open.retain(|(index, write)| {
                let seen = is_done(write, &listing.rows, &listing.coverage);
                if seen {
                    results[*index] = Some(done());
                }
                !seen
            });
            if open.is_empty() {
                return;
            }
            if self.run.stop.asked() || !looks.wait().await {
                break;
            }
        }
        // Sent once more alone: an app that dropped somebody from the crowd may take them by themselves, and if not, the
        // answer says why.
        alone.extend(open.into_iter().map(|(index, _)| index));
    }
}

/// Whether an answer to several writes may be due to one of them, or to their being several.
fn only_for_some(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Refused | ErrorKind::Duplicate | ErrorKind::Unsupported | ErrorKind::NotFound)
}

fn done() -> Performed {
    Performed::settled(ActionResult::Done { note: None })
}

fn unread(error: &Error) -> Performed {
    // This version of the app cannot show who is in a group.
    if error.kind == ErrorKind::Unsupported {
        let note = Some("the app took it, but does not show it; believed".into());
        return Performed::settled(ActionResult::Done { note });
    }
    let error = format!("the app accepted it, but it could not be read back: {error}");
    Performed::open(ActionResult::Failed { error })
}

fn group_of(write: &Write) -> &str {
    match write {
        Write::AddMember { group, .. } | Write::RemoveMember { group, .. } => group,
        // The scheduler puts only memberships together.
        _ => "",
    }
}

fn is_done(write: &Write, members: &[LiveMember], coverage: &Coverage) -> bool {
    let same = |who: &Joiner| members.iter().find(|member| read_back::is_member(member, who));
    match write {
        Write::AddMember { who, values, .. } => {
            same(who).is_some_and(|member| read_back::shown(&member.values, values) != read_back::Shown::Differs)
        }
        Write::RemoveMember { account, .. } => {
            coverage.is_complete() && !members.iter().any(|member| member.account == *account)
        }
        _ => false,
    }
}

/// Which actions a request can carry out together: those of one kind in one group.
pub(super) fn kin(action: &Action) -> Option<(Verb, &str)> {
    let group = action.name.group.as_deref()?;
    matches!(action.name.verb, Verb::AddMember | Verb::RemoveMember).then_some((action.name.verb, group))
}
