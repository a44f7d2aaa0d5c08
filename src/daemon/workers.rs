//! A task for each app, so that one app's outage delays no other.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{Id, JoinSet},
};
use tracing::error;

use super::{
    InForce, World,
    schedule::{Due, Storm},
    status::DaemonStatus,
    worker::Worker,
};
use crate::execute::Stop;

/// A task that died is begun anew after this long, so that one that always dies does not keep the machine busy.
const REVIVAL: Duration = Duration::from_secs(30);

/// The tasks at work.
pub(super) struct Workers {
    world: Arc<dyn World>,
    status: Arc<DaemonStatus>,
    stop: Stop,
    files: watch::Sender<Arc<InForce>>,
    tasks: JoinSet<()>,
    names: HashMap<Id, Arc<str>>,
    died: Option<Arc<str>>,
    /// Whether any task may begin.
    begun: bool,
}

impl Workers {
    pub(super) fn new(world: Arc<dyn World>, status: Arc<DaemonStatus>, stop: Stop, files: Arc<InForce>) -> Self {
        let (files, _) = watch::channel(files);
        Self { world, status, stop, files, tasks: JoinSet::new(), names: HashMap::new(), died: None, begun: false }
    }

    /// Begins to work.
    pub(super) fn begin(&mut self) {
        self.begun = true;
        self.status.stands_by(false);
        self.start_missing();
    }

    /// Brings new files into force. A cycle that is under way goes on by them.
    pub(super) fn use_files(&mut self, files: Arc<InForce>) {
        self.files.send_replace(files);
        self.start_missing();
    }

    /// Begins a task for every app that has none.
    pub(super) fn start_missing(&mut self) {
        let files = self.files.borrow().clone();
        let wanted = |name: &str| files.desired.apps.get(name).is_some_and(|app| self.world.wants(app));
        self.status.keep(wanted);
        let died = self.died.take();
        for (name, app) in files.desired.apps.iter().filter(|(name, _)| wanted(name)) {
            self.status.enter(name, &app.connector);
            if !self.begun || self.names.values().any(|busy| busy == name) {
                continue;
            }
            let now = self.world.now();
            let pause = if died.as_ref() == Some(name) { REVIVAL } else { Duration::ZERO };
            let due = Due::within(pause, now);
            if died.as_ref() == Some(name) {
                self.status.died(name, due);
            }
            let worker = Worker {
                world: self.world.clone(),
                status: self.status.clone(),
                app: name.clone(),
                files: self.files.subscribe(),
                stop: self.stop.clone(),
                due,
                storm: Storm::default(),
            };
            let id = self.tasks.spawn(worker.run()).id();
            self.names.insert(id, name.clone());
        }
    }

    /// Returns once a task has ended, which leaves a gap unless its app is gone.
    pub(super) async fn one_ended(&mut self) {
        let ended = match self.tasks.join_next_with_id().await {
            // There are no tasks at all.
            None => return std::future::pending().await,
            Some(ended) => ended,
        };
        match ended {
            Ok((id, ())) => drop(self.names.remove(&id)),
            Err(failed) => {
                let name = self.names.remove(&failed.id());
                error!(app = name.as_deref(), "the app's task died, and is begun anew: {failed}");
                self.died = name;
            }
        }
    }

    /// Returns once all tasks have ended.
    pub(super) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}
