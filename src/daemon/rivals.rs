//! Two daemons with different files would undo each other's work for ever. The one whose files are newer writes. Where nobody
//! can tell, the one whose files were in force last goes on, and the other one waits for longer than a roll-out takes before it
//! asks for a person.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{info, warn};

use super::{InForce, World};
use crate::{
    git::Lineage,
    model::{OtherFiles, Stance},
    store::{self, Rival, Store, StoreError, Turn},
};

/// How many intervals the files of two daemons may differ before a person is needed. A roll-out is over by then.
const INTERVALS: u32 = 2;

/// Whose files are in force in one app.
pub(super) struct Rivals {
    app: Arc<str>,
    /// The turn at hand; none where nobody else has a say.
    turn: Option<Turn>,
    verdict: Verdict,
    /// By their meaning, the other files that are in force and of which nobody can tell whether they are newer, and since when
    /// this is so.
    unclear: Option<(String, Instant)>,
}

/// Whose files are in force for the plan at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// Ours are.
    Ours,
    /// Ours come into force. They are newer than others, which end to be in force, or nobody who lives goes by those.
    Take {
        /// All the commits that were overtaken.
        overtaken: Option<Vec<String>>,
    },
    /// Others are.
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

    /// Finds out whose files are in force where `files` are ours, puts those into force unless others are, and returns the
    /// others. Files that only look at the app come never into force.
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
            store::InForce::Theirs(rival) => rival,
            other => {
                self.unclear = None;
                let ours = other == store::InForce::Ours;
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

    /// For how long nobody has been able to tell whether a rival's files are newer.
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
            (_, Verdict::Theirs(_)) => info!(app, "no other daemon goes by other files any more"),
            (Verdict::Ours | Verdict::Take { .. }, _) => {}
        }
    }
}

/// How files of a commit stand to those that are in force: to each of the commits by which daemons go, and to those that these
/// overtook.
async fn lineage(world: &dyn World, revision: Option<&str>, rival: &Rival) -> Lineage {
    let Some(revision) = revision else { return Lineage::Unrelated };
    if rival.overtaken.iter().any(|overtaken| overtaken == revision) {
        return Lineage::Older;
    }
    let theirs: Vec<String> = rival.daemons.iter().filter_map(|(_, revision)| revision.clone()).collect();
    let all = world.lineage(revision, theirs).await;
    // Files may come back to what they were: a later commit of theirs counts more than an earlier one.
    let first = [Lineage::Older, Lineage::Newer].into_iter().find(|one| all.contains(one));
    first.unwrap_or(Lineage::Unrelated)
}
