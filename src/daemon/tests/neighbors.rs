//! Daemons of a town that share its store.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use secrecy::SecretString;

use super::town::{Tasks, Town};
use crate::{
    daemon::{InForce, Sharing, Undelivered, World, report::Standing, turns},
    desired::{Loaded, Problems},
    git::Lineage,
    model::{DesiredApp, FindingCode, SecretRef},
    reconcile::{Keeper, Memory, Reconciler},
    store::Store,
};

/// One of several daemons of a town.
pub(super) struct Neighbor {
    town: Arc<Town>,
    sharing: Sharing,
    /// How commits stand to each other, as far as its repository has them.
    lineage: fn(&str, &str) -> Lineage,
}

#[async_trait::async_trait]
impl World for Neighbor {
    fn directory(&self) -> &Path {
        self.town.directory()
    }

    fn load(&self) -> Result<Loaded, Problems> {
        self.town.load()
    }

    fn wants(&self, _: &DesiredApp) -> bool {
        true
    }

    fn reconciler(&self, files: &InForce, app: &str, looking: bool) -> Reconciler {
        self.town.reconciler(files, app, looking)
    }

    fn memory(&self, files: &InForce, looking: bool) -> Option<Memory> {
        self.town.memory(files, looking)
    }

    async fn lineage(&self, commit: &str, others: Vec<String>) -> Vec<Lineage> {
        others.iter().map(|other| (self.lineage)(commit, other)).collect()
    }

    fn store(&self) -> Option<&Store> {
        self.town.store()
    }

    fn sharing(&self) -> Option<&Sharing> {
        Some(&self.sharing)
    }

    async fn tell(&self, _: &SecretRef, _: &serde_json::Value) -> Result<(), Undelivered> {
        Ok(())
    }

    fn secret(&self, secret: &SecretRef) -> Result<SecretString, String> {
        self.town.secret(secret)
    }

    fn now(&self) -> Timestamp {
        self.town.now()
    }
}

/// A daemon at work. One that is dropped is killed.
pub(super) struct Daemon {
    world: Arc<Neighbor>,
    pub tasks: Tasks,
}

impl Daemon {
    pub(super) fn begin(
        town: &Arc<Town>,
        name: &str,
        files: &Arc<InForce>,
        lineage: fn(&str, &str) -> Lineage,
    ) -> Self {
        let keep = |store: &Store, id| Keeper::of_daemon(store, town.clock(), id);
        let sharing = Sharing::new(town.store.clone(), name.to_owned(), keep);
        let world = Arc::new(Neighbor { town: town.clone(), sharing, lineage });
        let tasks = Tasks::within(world.clone(), files.clone());
        Self { tasks, world }
    }

    /// Kills it, and begins it again.
    pub(super) fn begin_anew(&mut self, town: &Arc<Town>, files: &Arc<InForce>) {
        let (name, lineage) = (self.world.sharing.name(), self.world.lineage);
        *self = Self::begin(town, &name, files, lineage);
    }

    /// Brings files into force.
    pub(super) fn use_files(&mut self, files: Arc<InForce>) {
        self.tasks.status.in_force(&files);
        self.tasks.workers.use_files(files);
    }

    pub(super) fn standing(&self) -> Standing {
        self.tasks.status.snapshot().apps["intranet"].standing()
    }

    /// The finding about other files in the last cycle.
    pub(super) fn told(&self) -> Option<String> {
        let snapshot = self.tasks.status.snapshot();
        let plan = snapshot.apps["intranet"].last.clone()?.plan.clone()?;
        let finding = plan.findings.iter().find(|finding| finding.code == FindingCode::OtherFiles)?;
        Some(format!("{:?}: {}", finding.severity, finding.message))
    }

    pub(super) async fn end(self) {
        self.tasks.end().await;
        turns::leave(&*self.world).await;
    }
}

pub(super) fn nobody_knows(_: &str, _: &str) -> Lineage {
    Lineage::Unrelated
}

/// Commits are numbers, and each has all the smaller ones among its ancestors.
pub(super) fn numbers(commit: &str, other: &str) -> Lineage {
    match commit.cmp(other) {
        std::cmp::Ordering::Greater => Lineage::Newer,
        std::cmp::Ordering::Less => Lineage::Older,
        std::cmp::Ordering::Equal => Lineage::Unrelated,
    }
}
