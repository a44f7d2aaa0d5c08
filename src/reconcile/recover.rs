//! After a crash: what was about to be sent, and what became of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tracing::warn;

use super::{
    ledger::uses_of,
    memory::{Memory, Tenure},
};
use crate::{
    budget::Lane,
    connectors::{Write, Writer},
    execute::{
        CreatedIds,
        settle::{self, ABSENCES, Again, Became, SHOWS_AFTER, Swept},
    },
    model::{Email, LiveApp, Semantics},
    store::{Ending, Intent, RunEnd, Settled, StoreError},
};

/// How long a run stays for something of an earlier one that is slow to show. What takes longer is left for the next run.
const PATIENCE: Duration = Duration::from_secs(60);

/// An action that an earlier run, or an earlier round of this one, left under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The action's name.
    pub action: String,
    /// The run that began it.
    pub run: Arc<str>,
    /// When its request was about to be sent.
    pub sent_at: Timestamp,
    /// What became of it; `None` while nobody can tell.
    pub ending: Option<Ending>,
    /// The sentence that goes with it.
    pub message: String,
}

/// Waits until what was sent by the writer of these intents shows, as far as somebody can be kept waiting.
pub(super) async fn let_it_show(open: &[Intent], writer: &dyn Writer, now: Timestamp) {
    let Some(last) = open.iter().map(|intent| intent.intent.at).max() else { return };
    let shows_after = settle::shows_after(writer.semantics().settle);
    let passed = Duration::try_from(now.duration_since(last)).unwrap_or_default();
    // Clocks may have been set meanwhile; a moment is always waited for.
    let left = shows_after.saturating_sub(passed).clamp(SHOWS_AFTER, PATIENCE);
    tokio::time::sleep(left).await;
}

/// Settles open intents by what `live`, which was read afterwards, shows of them. What stays open is returned by the
/// action's name, with why.
pub(super) async fn settle(
    memory: &Memory,
    tenure: &Tenure,
    created_ids: &CreatedIds,
    open: Vec<Intent>,
    writer: &dyn Writer,
    live: &LiveApp,
) -> Result<(Vec<Recovered>, BTreeMap<String, String>), StoreError> {
    let mut swept = Swept::default();
    let (mut recovered, mut under_way) = (Vec::new(), BTreeMap::new());
    end_runs(memory, open.iter().map(|intent| &intent.intent.run).collect()).await?;
    for intent in open {
        let judged = judge(memory, tenure, &intent, writer, live, &mut swept).await?;
        let name = intent.intent.action.clone();
        let (ending, message) = match &judged {
            Judged::Ended(ending, message, ..) => (Some(*ending), message.clone()),
            Judged::Open(why) => (None, why.clone()),
        };
        recovered.push(Recovered {
            action: name.clone(),
            run: intent.intent.run.clone(),
            sent_at: intent.intent.at,
            ending,
            message,
        });
        match judged {
            Judged::Open(why) => drop(under_way.insert(name, why)),
            Judged::Ended(ending, message, account_id, group_id) => {
                remember(created_ids, &intent, account_id.as_ref(), group_id.as_ref());
                let settled = Settled {
                    at: memory.now(),
                    run: memory.run(None).await?,
                    ending,
                    message: Some(message),
                    request: None,
                    status: None,
                    read_back: None,
                    account_id,
                    group_id,
                    by_looking: true,
                    approvals: if ending == Ending::Done { uses_of(&intent.intent, memory.now()) } else { Vec::new() },
                };
                memory.store.close_intent(tenure.lease(), intent.id, &settled).await?;
            }
        }
    }
    Ok((recovered, under_way))
}

/// Enters that runs which left something under way were cut off: the app is ours now, so that they are over.
async fn end_runs(memory: &Memory, runs: BTreeSet<&Arc<str>>) -> Result<(), StoreError> {
    let ours = memory.begun().await;
    for run in runs.into_iter().filter(|run| Some(*run) != ours.as_ref()) {
        let under_way = async || Ok(memory.store.run(run).await?.is_some_and(|run| run.ended.is_none()));
        if !under_way().await? {
            continue;
        }
        let end = RunEnd { at: memory.now(), how: "cut-off".into(), message: None, counts: BTreeMap::new() };
        // Apps are read at the same time: another one that the run touched may have ended it in between.
        if let Err(error) = memory.store.end_run(run, &end).await
            && under_way().await?
        {
            return Err(error);
        }
    }
    Ok(())
}

/// What a plan that writes nothing may say of open intents: whatever is not seen yet waits for a run that looks.
pub(super) fn peek(open: &[Intent], semantics: &Semantics, live: &LiveApp) -> BTreeMap<String, String> {
    let joining = semantics.members.creates_account;
    let waits = |intent: &Intent| {
        let seen = settle::seen_in(live, &write_of(intent)?, joining);
        matches!(seen, Became::Absent | Became::Unclear(_)).then(|| {
            let why = format!(
                "a request for it was under way at {:.0}, and nobody heard the answer; `apply` looks for it first",
                intent.intent.at
            );
            (intent.intent.action.clone(), why)
        })
    };
    open.iter().filter_map(waits).collect()
}

enum Judged {
    Ended(Ending, String, Option<Arc<str>>, Option<Arc<str>>),
    Open(String),
}

async fn judge(
    memory: &Memory,
    tenure: &Tenure,
    intent: &Intent,
    writer: &dyn Writer,
    live: &LiveApp,
    swept: &mut Swept,
) -> Result<Judged, StoreError> {
    let Some(write) = write_of(intent) else {
        // A later version wrote it. What it made is found by planning anew, as far as it shows.
        let message = "it is not known what was sent; look at it in the app";
        return Ok(Judged::Ended(Ending::Unknown, message.into(), None, None));
    };
    let joining = writer.semantics().members.creates_account;
    let ended = |became: Became| match became {
        Became::Done { note, account, group } => Some(Judged::Ended(Ending::Done, note, account, group)),
        Became::NotDone(why) => {
            Some(Judged::Ended(Ending::Failed, format!("it did not take effect: {why}"), None, None))
        }
        Became::Unknown(why) => Some(Judged::Ended(Ending::Unknown, why, None, None)),
        Became::Absent | Became::Unclear(_) => None,
    };
    let sent = format!("sent at {:.0}", intent.intent.at);
    match settle::seen_in(live, &write, joining) {
        Became::Unclear(why) => {
            return Ok(Judged::Open(format!("{sent}, and whether it was done could not be seen: {why}")));
        }
        Became::Absent => {}
        became => return Ok(ended(became).unwrap_or(Judged::Open(sent))),
    }
    let patience_is_over = {
        let since = Duration::try_from(memory.now().duration_since(intent.intent.at));
        let shows_after = settle::shows_after(writer.semantics().settle);
        shows_after <= PATIENCE || since.is_ok_and(|since| since >= shows_after)
    };
    if !patience_is_over {
        return Ok(Judged::Open(format!("{sent}, and it may still take effect")));
    }
    let not_there = || {
        let message = "it did not take effect: the app does not have it".to_owned();
        Judged::Ended(Ending::Failed, message, None, None)
    };
    let absent = async || memory.store.note_absence(tenure.lease(), intent.id).await;
    if absent().await? >= ABSENCES {
        return Ok(not_there());
    }
    let again = settle::look_again(writer, &write, swept, Lane::Write { unblocks: 1 }).await;
    Ok(match again {
        Ok(Again::Found(became)) => ended(became).unwrap_or(Judged::Open(sent)),
        Ok(Again::Certain) => not_there(),
        Ok(Again::AbsentAgain) if absent().await? >= ABSENCES => not_there(),
        Ok(Again::AbsentAgain | Again::Unclear) => {
            Judged::Open(format!("{sent}; not there, but that was seen only once; the next run looks again"))
        }
        Err(error) => {
            warn!(%error, action = intent.intent.action, "what became of it could not be looked at");
            Judged::Open(format!("{sent}, and whether it was done could not be seen: {error}"))
        }
    })
}

fn write_of(intent: &Intent) -> Option<Write> {
    let write: &Value = intent.intent.payload.get("write")?;
    serde_json::from_value(write.clone()).ok()
}

/// What was made before is known to the actions that follow, although a list may not show it for a while.
fn remember(created_ids: &CreatedIds, intent: &Intent, account: Option<&Arc<str>>, group: Option<&Arc<str>>) {
    let write = write_of(intent);
    if let (Some(id), Some(Write::CreateAccount { email, .. })) = (account, &write) {
        created_ids.remember_account(Email::lenient(email.as_str()), id.clone());
    }
    if let (Some(id), Some(Write::CreateGroup { name, .. })) = (group, &write) {
        created_ids.remember_group(name.clone(), id.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connectors::Clock,
        reconcile::Author,
        store::{NewRun, Store},
    };

    #[tokio::test]
    async fn apps_that_one_run_left_open_may_end_it_at_the_same_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", dir.path().join("state.db").display())).await.unwrap();
        let killed = NewRun {
            id: "killed".into(),
            command: "apply".into(),
            started_at: Timestamp::UNIX_EPOCH,
            commit: None,
            fingerprint: None,
            host: "here".into(),
            pid: 7,
        };
        store.begin_run(&killed).await.unwrap();
        let author = Author { command: "apply".into(), commit: None, host: "here".into(), pid: 8 };
        let memory = Memory::writing(store.clone(), author, Clock::new(|| Timestamp::UNIX_EPOCH));
        let run: Arc<str> = "killed".into();
        for ended in futures::future::join_all((0..8).map(|_| end_runs(&memory, [&run].into()))).await {
            ended.unwrap();
        }
        assert_eq!(&*store.run("killed").await.unwrap().unwrap().ended.unwrap().how, "cut-off");
    }
}
