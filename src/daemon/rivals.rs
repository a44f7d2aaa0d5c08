//! Decides which of two daemons with different files writes. Both together would undo each other's work for ever.
//!
//! The daemon with the newer files writes. If nothing tells which are newer, the files in force stay in force. The other daemon
//! waits for longer than a roll-out takes, and then needs a person.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{info, warn};

use super::{InForce, World};
use crate::{
    git::Lineage,
    model::{OtherFiles, Stance},
    store::{FilesInForce, Rival, Store, StoreError, Turn},
};

/// Two daemons may have different files for this many intervals before a person is needed. A roll-out takes less.
const INTERVALS: u32 = 2;

/// Whose files are in force in one app.
pub(super) struct Rivals {
    app: Arc<str>,
    /// The current turn; `None` for a daemon that shares no store.
    turn: Option<Turn>,
    verdict: Verdict,
    /// The meaning of files in force that may or may not be newer than ours, and since when that has been unclear.
    unclear: Option<(String, Instant)>,
}

/// Whose files are in force for the plan at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// Ours are.
    Ours,
    /// Ours come into force: they are newer, or no living daemon uses the others.
    Take {
        /// The commits that ours replace as the newer ones.
        overtaken: Option<Vec<String>>,
    },
    /// Another daemon's are.
    Theirs(OtherFiles),
}

impl Rivals {
    pub(super) fn new(app: Arc<str>) -> Self {
        Self { app, turn: None, verdict: Verdict::Ours, unclear: None }
    }

    /// A turn begins.
    pub(super) fn begins(&mut self, turn: &Turn) {
        self.turn = Some(turn.clone());
    }

    /// Returns another daemon's files if they are in force. Otherwise it puts `files`, which are ours, into force. Files that
    /// correct nothing never come into force.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn judge(
        &mut self,
        world: &dyn World,
        files: &InForce,
        corrects: bool,
    ) -> Result<Option<OtherFiles>, StoreError> {
        let (Some(store), Some(turn), true) = (world.store(), self.turn.clone(), corrects) else { return Ok(None) };
        let verdict = self.verdict(world, store, &turn, files).await?;
        if let Verdict::Take { overtaken } = &verdict {
            store.put_in_force(&turn, &files.meaning, overtaken.as_deref()).await?;
        }
        if verdict != self.verdict {
            self.tell(&verdict);
        }
        self.verdict = verdict;
        Ok(match &self.verdict {
            Verdict::Theirs(others) => Some(others.clone()),
            Verdict::Ours | Verdict::Take { .. } => None,
        })
    }

    async fn verdict(
        &mut self,
        world: &dyn World,
        store: &Store,
        turn: &Turn,
        files: &InForce,
    ) -> Result<Verdict, StoreError> {
        let rival = match store.in_force(turn.key(), &files.meaning).await? {
            FilesInForce::Theirs(rival) => rival,
            other => {
                self.unclear = None;
                let ours = other == FilesInForce::Ours;
                return Ok(if ours { Verdict::Ours } else { Verdict::Take { overtaken: None } });
            }
        };
        let revision = world.revision(files).await;
        let lineage = self::lineage(world, revision.as_deref(), &rival).await;
        if lineage != Lineage::Unrelated {
            self.unclear = None;
        }
        let patience = INTERVALS * files.timetable.interval(world.now());
        let stance = match lineage {
            Lineage::Newer => return Ok(Verdict::Take { overtaken: Some(rival.overtaken_with_it()) }),
            Lineage::Older => Stance::Older,
            Lineage::Unrelated if self.unclear_for(&rival) <= patience => Stance::Unclear,
            Lineage::Unrelated => Stance::Unsettled,
        };
        let (by, commit) = rival.daemons.into_iter().next().unwrap_or_default();
        Ok(Verdict::Theirs(OtherFiles { by, commit, stance }))
    }

    /// Returns how long it has been unclear whether a rival's files are newer.
    fn unclear_for(&mut self, rival: &Rival) -> Duration {
        let known = self.unclear.take().filter(|(files, _)| *files == rival.files);
        let (_, since) = self.unclear.insert(known.unwrap_or_else(|| (rival.files.clone(), Instant::now())));
        since.elapsed()
    }

    fn tell(&self, verdict: &Verdict) {
        let app = &*self.app;
        match (verdict, &self.verdict) {
            (Verdict::Theirs(others), _) => warn!(app, "{}", others.message()),
            (Verdict::Take { overtaken: Some(_) }, _) => {
                info!(app, "this daemon's files are newer than those in force, and take their place");
            }
            (_, Verdict::Theirs(_)) => info!(app, "no other daemon uses different files any more"),
            (Verdict::Ours | Verdict::Take { .. }, _) => {}
        }
    }
}

/// Compares our commit with those of the daemons in force, and with the commits that these have replaced.
async fn lineage(world: &dyn World, revision: Option<&str>, rival: &Rival) -> Lineage {
    let Some(revision) = revision else { return Lineage::Unrelated };
    if rival.overtaken.iter().any(|overtaken| overtaken == revision) {
        return Lineage::Older;
    }
    let theirs: Vec<String> = rival.daemons.iter().filter_map(|(_, revision)| revision.clone()).collect();
    let all = world.lineage(revision, theirs).await;
    // A revert gives two commits the same meaning. If one of them is newer than ours, ours are the older files.
    let first = [Lineage::Older, Lineage::Newer].into_iter().find(|one| all.contains(one));
    first.unwrap_or(Lineage::Unrelated)
}
