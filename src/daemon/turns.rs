//! Turns: daemons that share a store go through an app's cycle one after the other, so that several send the requests of one.
//!
//! Whose turn it is stands in the store (`store/turn.rs`). A daemon without one goes by its own clock alone.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::{sync::Notify, time::Instant};
use tracing::{debug, info, warn};

use super::{
    InForce, World,
    cycle::Terms,
    elsewhere::Elsewhere,
    report::{CycleResult, Report},
    rivals::Rivals,
    status::DaemonStatus,
};
use crate::{
    reconcile::{Keeper, Upkeep},
    store::{AppKey, Daemon, DaemonId, Store, StoreError, Turn, TurnClaim, TurnEnd, Why},
};

/// How often the daemon looks at what others did, and whether one of them died in the middle of a cycle. The look is one short
/// query.
const LOOK: Duration = Duration::from_secs(5);

/// A cycle that somebody asked for waits for another daemon's cycle, and looks this often whether that is over.
const ASKED_PAUSE: Duration = Duration::from_secs(5);

/// An ended daemon's turns lapse by themselves, so that a store that hangs keeps it no longer than this.
const FAREWELL: Duration = Duration::from_millis(500);

/// This daemon among those that share a store.
#[derive(Clone)]
pub(crate) struct Sharing {
    store: Store,
    keeper: Keeper,
    id: DaemonId,
    name: Arc<str>,
}

impl Sharing {
    /// A daemon that shares `store` under a name for people. `keep` makes what renews all that it holds there.
    pub(crate) fn new(store: Store, name: String, keep: impl FnOnce(&Store, DaemonId) -> Keeper) -> Self {
        let id = DaemonId::new();
        Self { keeper: keep(&store, id.clone()), store, id, name: name.into() }
    }

    /// Its name for people.
    #[cfg(test)]
    pub(super) fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// What renews everything that this daemon holds.
    pub(crate) fn keeper(&self) -> Keeper {
        self.keeper.clone()
    }
}

/// One app's turns.
pub(super) struct Turns {
    app: Arc<str>,
    sharing: Option<Sharing>,
    /// The number of this daemon's last turn.
    last: Option<i64>,
    /// Whose files are in force.
    pub rivals: Rivals,
}

/// The app's turn, as far as anybody else has a say in it.
pub(super) struct Mine {
    shared: Option<(Turn, Upkeep)>,
    /// How many cycles in a row could not read the app, where another daemon's was the last.
    pub failures: Option<u32>,
}

/// What came of asking for the turn.
pub(super) enum Asked {
    Mine(Box<Mine>),
    /// It is not this daemon's turn: ask again after this.
    Later(Duration),
    /// The store fails.
    Failed(String),
}

impl Turns {
    pub(super) fn new(world: &dyn World, app: Arc<str>) -> Self {
        Self { rivals: Rivals::new(app.clone()), app, sharing: world.sharing().cloned(), last: None }
    }

    /// Asks for the app's turn; `urgent` when somebody asked for a cycle.
    pub(super) async fn take(&mut self, world: &dyn World, terms: &Terms, urgent: bool) -> Asked {
        let now = world.now();
        let shared = self.sharing.as_ref().zip(terms.files.desired.apps.get(&self.app));
        let Some((Sharing { store, id, name, keeper }, app)) = shared else {
            return Asked::Mine(Box::new(Mine { shared: None, failures: None }));
        };
        let key = AppKey::new(self.app.clone(), world.origin(app));
        let revision = world.revision(&terms.files).await;
        let (files, revision) = (&*terms.files.meaning, revision.as_deref());
        let daemon = Daemon { id, name, files, revision, writes: terms.corrects };
        let why = if urgent { Why::Asked } else { Why::Due(self.last) };
        let before = Instant::now();
        match store.take_turn(&key, daemon, why, Keeper::ttl(), now).await {
            Ok(TurnClaim::Ours { turn, cycle }) => {
                let ours_was_last = self.last.is_some_and(|last| last + 1 == turn.number());
                let failures = cycle.filter(|_| !ours_was_last).and_then(known).map(|cycle| cycle.failures);
                let upkeep = keeper.keep_turn(&turn, before);
                self.rivals.begins(&turn);
                Asked::Mine(Box::new(Mine { shared: Some((turn, upkeep)), failures }))
            }
            Ok(TurnClaim::Later(wait)) => {
                let pause = Duration::try_from(wait.at.duration_since(now)).unwrap_or_default();
                Asked::Later(if urgent && wait.under_way { pause.min(ASKED_PAUSE) } else { pause })
            }
            Err(error) => Asked::Failed(format!("the {error}")),
        }
    }

    /// Gives the turn back after a cycle, and lets others know what came of it and when the next one is due.
    pub(super) async fn end(&mut self, world: &dyn World, files: &InForce, mine: Mine, ended: &Ended<'_>) {
        let (Some(sharing), Some((turn, upkeep))) = (&self.sharing, mine.shared) else { return };
        let Ended { report, due, .. } = *ended;
        let cycle = serde_json::to_value(ended.told_by(sharing, &files.meaning)).unwrap_or_default();
        let (next_due, cycle) = match report.result {
            CycleResult::Stopped => (world.now(), None),
            CycleResult::Skipped | CycleResult::Store => (due, None),
            CycleResult::Ok | CycleResult::Drift | CycleResult::Failed | CycleResult::Unread => (due, Some(&cycle)),
        };
        let ended = TurnEnd { files: &files.meaning, next_due, cycle };
        drop(upkeep);
        match sharing.store.end_turn(&turn, ended, world.now()).await {
            Ok(()) => self.last = Some(turn.number()),
            // It lapses, and the cycle is gone through again.
            Err(error) => warn!(app = &*self.app, %error, "the app's turn could not be given back"),
        }
    }
}

/// A cycle that has ended.
#[derive(Clone, Copy)]
pub(super) struct Ended<'a> {
    pub report: &'a Report,
    pub failures: u32,
    pub due: Timestamp,
    pub patience: Duration,
}

impl Ended<'_> {
    /// What others are to know of it.
    fn told_by(&self, sharing: &Sharing, files: &str) -> Elsewhere {
        let Ended { report, failures, patience, .. } = *self;
        Elsewhere {
            daemon: sharing.id.clone(),
            by: sharing.name.clone(),
            files: files.into(),
            ended: report.ended,
            standing: report.standing().as_ref().to_owned(),
            finished: report.result.is_finished(),
            patience_s: patience.as_secs(),
            failures,
        }
    }
}

fn known(cycle: Value) -> Option<Elsewhere> {
    // Another version may say more or less.
    serde_json::from_value(cycle).ok()
}

/// Shows in the status what other daemons did, and wakes the tasks of apps that one of them left in the middle of a cycle,
/// until the task is ended.
pub(super) async fn follow(world: Arc<dyn World>, status: Arc<DaemonStatus>) {
    let Some(Sharing { store, id, .. }) = world.sharing().cloned() else { return };
    let store = store.beside();
    let mut failing = false;
    loop {
        tokio::time::sleep(LOOK).await;
        match look(&store, &id, &status, world.now()).await {
            Ok(()) => failing = false,
            // Cycles say what is wrong with the store.
            Err(error) if !failing => {
                failing = true;
                debug!(%error, "what other daemons do is not known");
            }
            Err(_) => {}
        }
    }
}

async fn look(store: &Store, id: &DaemonId, status: &DaemonStatus, now: Timestamp) -> Result<(), StoreError> {
    let (mut cycles, meaning) = (BTreeMap::new(), status.meaning());
    for app in store.shared_apps(id, now).await? {
        if app.broke_off && status.wake(&app.key.app) {
            info!(app = &*app.key.app, "a daemon left this app in the middle of a cycle; it is taken over");
        }
        // What another one finds by other files says nothing about these.
        let ours = |cycle: &Elsewhere| cycle.daemon != *id && Some(&*cycle.files) == meaning.as_deref();
        let cycle = app.cycle.and_then(known).filter(ours);
        cycles.extend(cycle.map(|cycle| (app.key.app, cycle)));
    }
    status.elsewhere(cycles);
    Ok(())
}

/// Lets others take over at once what this daemon leaves.
pub(super) async fn leave(world: &dyn World) {
    let Some(Sharing { store, id, .. }) = world.sharing() else { return };
    // Otherwise all of it lapses by itself.
    match tokio::time::timeout(FAREWELL, store.leave(id)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(%error, "other daemons were not told that this one ends"),
        Err(_) => warn!("other daemons were not told that this one ends: the store does not answer"),
    }
}

impl DaemonStatus {
    /// What wakes it for a cycle that another daemon broke off.
    pub(super) fn wake_of(&self, app: &str) -> Option<Arc<Notify>> {
        self.state().apps.get(app).map(|entry| entry.wake.clone())
    }

    /// Wakes the app's task for a cycle that another daemon broke off; whether there is one that waits.
    pub(super) fn wake(&self, app: &str) -> bool {
        let state = self.state();
        let waits = state.apps.get(app).filter(|entry| entry.running.is_none());
        waits.inspect(|entry| entry.wake.notify_one()).is_some()
    }

    /// The meaning of the files in force.
    fn meaning(&self) -> Option<String> {
        self.state().files.as_ref().map(|files| files.meaning.clone())
    }

    /// What other daemons know of apps.
    pub(super) fn elsewhere(&self, cycles: BTreeMap<Arc<str>, Elsewhere>) {
        for (app, cycle) in cycles {
            self.with(&app, |entry| entry.hear(cycle));
        }
    }
}
