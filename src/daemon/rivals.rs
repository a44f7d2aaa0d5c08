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
    store::{AppKey, Rival, StoreError},
};

/// How many intervals the files of two daemons may differ before a person is needed. A roll-out is over by then.
const INTERVALS: u32 = 2;

/// Whose files are in force in one app.
pub(super) struct Rivals {
    app: Arc<str>,
    shared: bool,
    verdict: Verdict,
    /// By their meaning, the other files that are in force and of which nobody can tell whether they are newer, and since when
    /// this is so.
    unclear: Option<(String, Instant)>,
}

/// Whose files are in force for the plan at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// Ours, or nobody's who still lives.
    Ours,
    /// Ours come after others, which hereby end to be in force; with all the commits that were overtaken.
    Newer(Vec<String>),
    /// Others.
    Theirs(OtherFiles),
}

impl Rivals {
    pub(super) fn new(app: Arc<str>, shared: bool) -> Self {
        Self { app, shared, verdict: Verdict::Ours, unclear: None }
    }

    /// Finds out whose files are in force where `files` are ours and correct what differs, and returns another daemon's if they
    /// are.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn judge(
        &mut self,
        world: &dyn World,
        files: &InForce,
        corrects: bool,
    ) -> Result<Option<OtherFiles>, StoreError> {
        let verdict = self.verdict(world, files, corrects).await?;
        if verdict != self.verdict {
            self.tell(&verdict);
        }
        self.verdict = verdict;
        Ok(match &self.verdict {
            Verdict::Theirs(others) => Some(others.clone()),
            Verdict::Ours | Verdict::Newer(_) => None,
        })
    }

    /// Whether another daemon's files are in force by the last verdict.
    pub(super) fn yields(&self) -> bool {
        matches!(self.verdict, Verdict::Theirs(_))
    }

    /// The commits that ours came after, where they overtook any.
    pub(super) fn overtaken(&self) -> Option<&[String]> {
        match &self.verdict {
            Verdict::Newer(overtaken) => Some(overtaken),
            Verdict::Ours | Verdict::Theirs(_) => None,
        }
    }

    async fn verdict(&mut self, world: &dyn World, files: &InForce, corrects: bool) -> Result<Verdict, StoreError> {
        let app = files.desired.apps.get(&self.app);
        let (Some(store), Some(app), true) = (world.store(), app, self.shared && corrects) else {
            return Ok(Verdict::Ours);
        };
        let key = AppKey::new(self.app.clone(), world.origin(app));
        let Some(rival) = store.rival(&key, &files.meaning, world.now()).await? else {
            self.unclear = None;
            return Ok(Verdict::Ours);
        };
        let revision = world.revision(files).await;
        let lineage = self::lineage(world, revision.as_deref(), &rival).await;
        if lineage != Lineage::Unrelated {
            self.unclear = None;
        }
        let patience = INTERVALS * files.timetable.interval(world.now());
        let stance = match lineage {
            Lineage::Newer => return Ok(Verdict::Newer(rival.overtaken_with_it())),
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
            (Verdict::Newer(_), _) => {
                info!(app, "this daemon's files are newer than those in force, and take their place")
            }
            (Verdict::Ours, Verdict::Theirs(_)) => info!(app, "no other daemon goes by other files any more"),
            (Verdict::Ours, _) => {}
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
