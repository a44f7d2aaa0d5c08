//! After a crash: what was about to be sent, and what became of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
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
        settle::{self, ABSENCES, Became, Found, SHOWS_AFTER, Swept},
    },
    model::{LiveApp, Semantics},
    store::{ActionEntry, Ending, Event, Intent, IntentId, NewEntry, NewIntent, RunEnded, RunEnding, StoreError},
};

/// How long a run stays for something of an earlier one that is slow to show. What takes longer is left for the next run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Nobody has to be told of a wait that is no longer.
pub(super) const SHORT: Duration = Duration::from_secs(2);

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
    /// That run was cut off, so that nobody heard what the app answered.
    pub cut_off: bool,
}

/// How long it takes until what was sent by the writer of these intents shows, as far as somebody can be kept waiting.
pub(super) fn time_to_show(open: &[Intent], writer: &dyn Writer, now: Timestamp) -> Duration {
    let Some(last) = open.iter().map(|intent| intent.intent.at).max() else { return Duration::ZERO };
    let shows_after = settle::shows_after(writer.semantics().settle);
    let passed = Duration::try_from(now.duration_since(last)).unwrap_or_default();
    // Clocks may have been set meanwhile; a moment is always waited for.
    shows_after.saturating_sub(passed).clamp(SHOWS_AFTER, PATIENCE)
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
    let cut_off = end_runs(memory, open.iter().map(|intent| &intent.intent.run).collect()).await?;
    for Intent { id, intent, .. } in open {
        let judged = judge(memory, tenure, id, &intent, writer, live, &mut swept).await?;
        let (ending, message) = match &judged {
            Ok(found) => (Some(found.ending), found.message.clone()),
            Err(why) => (None, why.clone()),
        };
        let (action, run, sent_at) = (intent.action.clone(), intent.run.clone(), intent.at);
        let cut_off = cut_off.contains(&run);
        recovered.push(Recovered { action, run, sent_at, ending, message, cut_off });
        match judged {
            Err(why) => drop(under_way.insert(intent.action, why)),
            Ok(found) => {
                remember(created_ids, &intent, &found);
                let now = memory.now();
                let approvals = if found.ending == Ending::Done { uses_of(&intent, now) } else { Vec::new() };
                let action = ActionEntry {
                    ending: found.ending,
                    message: Some(found.message),
                    request: None,
                    status: None,
                    read_back: None,
                    sent_at: Some(intent.at),
                    by_looking: true,
                    deed: intent.deed.with_ids(found.account, found.group),
                };
                let event = Event::Action(Box::new(action));
                let entry = NewEntry { at: now, run: Some(memory.run(None).await?), event };
                memory.store.close_intent(tenure.lease(), id, &entry, &approvals).await?;
            }
        }
    }
    Ok((recovered, under_way))
}

/// Enters that runs which left something under way were cut off: the app is ours now, so that they are over. Returns those
/// that were, and not those that ended and left a question.
async fn end_runs(memory: &Memory, runs: BTreeSet<&Arc<str>>) -> Result<BTreeSet<Arc<str>>, StoreError> {
    let ours = memory.begun().await;
    let mut cut_off = BTreeSet::new();
    for run in runs.into_iter().filter(|run| Some(*run) != ours.as_ref()) {
        let ended = async || Ok::<_, StoreError>(memory.store.run(run).await?.map(|run| run.ended));
        let under_way = async || Ok::<_, StoreError>(matches!(ended().await?, Some(None)));
        match ended().await? {
            Some(None) => cut_off.insert(run.clone()),
            Some(Some((_, ended))) if ended.how == RunEnding::CutOff => {
                cut_off.insert(run.clone());
                continue;
            }
            _ => continue,
        };
        let ended = RunEnded { how: RunEnding::CutOff, message: None, counts: BTreeMap::new() };
        // Apps are read at the same time: another one that the run touched may have ended it in between.
        if let Err(error) = memory.store.end_run(run, memory.now(), &ended).await
            && under_way().await?
        {
            return Err(error);
        }
    }
    Ok(cut_off)
}

/// What a plan that writes nothing may say of open intents: whatever is not seen yet waits for a run that looks.
pub(super) fn peek(open: &[Intent], semantics: &Semantics, live: &LiveApp) -> BTreeMap<String, String> {
    let joining = semantics.members.creates_account;
    let waits = |intent: &Intent| {
        let seen = settle::seen_in(live, &write_of(&intent.intent)?, joining);
        matches!(seen, Became::Absent | Became::Unclear(_)).then(|| {
            let why = format!(
                "a request for it was sent at {:.0}, and whether it took effect is not known; `apply` looks for it first",
                intent.intent.at
            );
            (intent.intent.action.clone(), why)
        })
    };
    open.iter().filter_map(waits).collect()
}

/// What became of an intent, or why nobody can tell yet.
async fn judge(
    memory: &Memory,
    tenure: &Tenure,
    id: IntentId,
    intent: &NewIntent,
    writer: &dyn Writer,
    live: &LiveApp,
    swept: &mut Swept,
) -> Result<Result<Found, String>, StoreError> {
    let Some(write) = write_of(intent) else {
        // A later version wrote it. What it made is found by planning anew, as far as it shows.
        let message = "it is not known what was sent; look at it in the app";
        return Ok(Ok(Found::nothing(Ending::Unknown, message)));
    };
    let sent = format!("sent at {:.0}", intent.at);
    match settle::seen_in(live, &write, writer.semantics().members.creates_account) {
        Became::Unclear(why) => return Ok(Err(format!("{sent}, and whether it was done could not be seen: {why}"))),
        Became::Ended(found) => return Ok(Ok(found)),
        Became::Absent => {}
    }
    let patience_is_over = {
        let since = Duration::try_from(memory.now().duration_since(intent.at));
        let shows_after = settle::shows_after(writer.semantics().settle);
        shows_after <= PATIENCE || since.is_ok_and(|since| since >= shows_after)
    };
    if !patience_is_over {
        return Ok(Err(format!("{sent}, and it may still take effect")));
    }
    let absent = async || memory.store.note_absence(tenure.lease(), id).await;
    if absent().await? >= ABSENCES {
        return Ok(Ok(Found::not_there()));
    }
    let again = settle::look_again(writer, &write, swept, Lane::Write { unblocks: 1 }).await;
    Ok(match again {
        Ok(Became::Ended(found)) => Ok(found),
        Ok(Became::Absent) if absent().await? >= ABSENCES => Ok(Found::not_there()),
        Ok(Became::Absent | Became::Unclear(_)) => {
            Err(format!("{sent}; not there, but that was seen only once; the next run looks again"))
        }
        Err(error) => {
            warn!(%error, action = intent.action, "what became of it could not be looked at");
            Err(format!("{sent}, and whether it was done could not be seen: {error}"))
        }
    })
}

fn write_of(intent: &NewIntent) -> Option<Write> {
    serde_json::from_value(intent.payload.get("write")?.clone()).ok()
}

/// What was made before is known to the actions that follow, although a list may not show it for a while.
fn remember(created_ids: &CreatedIds, intent: &NewIntent, found: &Found) {
    match (write_of(intent), found) {
        (Some(Write::CreateAccount { email, .. }), Found { account: Some(id), .. }) => {
            created_ids.remember_account(email, id.clone());
        }
        (Some(Write::CreateGroup { name, .. }), Found { group: Some(id), .. }) => {
            created_ids.remember_group(name, id.clone());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connectors::Clock,
        reconcile::Author,
        store::{RunBegun, Store},
    };

    #[tokio::test]
    async fn apps_that_one_run_left_open_may_end_it_at_the_same_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}", dir.path().join("state.db").display())).await.unwrap();
        let begun = RunBegun { command: "apply".into(), host: "here".into(), pid: 7, commit: None, fingerprint: None };
        store.begin_run("killed", Timestamp::UNIX_EPOCH, &begun).await.unwrap();
        let author = Author { command: "apply".into(), commit: None, host: "here".into(), pid: 8 };
        let memory = Memory::writing(store.clone(), author, Clock::new(|| Timestamp::UNIX_EPOCH));
        let run: Arc<str> = "killed".into();
        for ended in futures::future::join_all((0..8).map(|_| end_runs(&memory, [&run].into()))).await {
            ended.unwrap();
        }
        let (_, ended) = store.run("killed").await.unwrap().unwrap().ended.unwrap();
        assert_eq!(ended.how, RunEnding::CutOff);
    }
}
