//! The way to each app, and what is kept of it from one round to the next.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{kept::Kept, memory::Memory};
use crate::{
    budget::Quota,
    connectors::{self, Clock, Error, Writer},
    execute::{CreatedIds, Jitter},
    model::{Desired, DesiredApp, Traffic},
    store::{AppKey, StoreError},
};

/// Desired state with a way to each of its apps.
pub struct Reconciler {
    pub(super) desired: Arc<Desired>,
    pub(super) digest: String,
    pub(super) apps: BTreeMap<Arc<str>, Arc<Connected>>,
    pub(super) memory: Option<Memory>,
    /// Where requests go, where that is not where the files say.
    pub(super) origin: Option<Arc<str>>,
    pub(super) pace: Pace,
    pub(super) jitter: Arc<Jitter>,
    pub(super) clock: Clock,
}

/// How often an app is read, which decides on how much of it is read each time where that has to be in rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Once, for somebody who waits for it.
    #[default]
    Once,
    /// Again and again, at this interval.
    Every(Duration),
}

/// One app.
pub(super) struct Connected {
    pub(super) writer: Result<Arc<dyn Writer>, Error>,
    /// What earlier rounds made.
    pub(super) created_ids: CreatedIds,
    /// Names it in the store.
    pub(super) key: AppKey,
    /// Held while the app is read or written, so that a slow reading is not overtaken by another one.
    pub(super) kept: tokio::sync::Mutex<Kept>,
}

impl Reconciler {
    /// Connects to every app that `wanted` accepts. An app that cannot be connected to fails by itself, when it is read.
    pub fn new(
        desired: impl Into<Arc<Desired>>,
        digest: String,
        wanted: impl Fn(&DesiredApp) -> bool,
        connect: impl Fn(&DesiredApp) -> Result<Arc<dyn Writer>, Error>,
    ) -> Self {
        let desired = desired.into();
        let connected = |app: &DesiredApp| {
            Arc::new(Connected {
                writer: connect(app),
                created_ids: CreatedIds::default(),
                key: AppKey::new(app.name.clone(), app.origin()),
                kept: tokio::sync::Mutex::default(),
            })
        };
        let apps = desired.apps.values().filter(|app| wanted(app)).map(|app| (app.name.clone(), connected(app)));
        let apps = apps.collect();
        Self {
            desired,
            digest,
            apps,
            memory: None,
            origin: None,
            pace: Pace::default(),
            jitter: Arc::default(),
            clock: Clock::default(),
        }
    }

    /// Remembers in `memory`, where the apps' requests go to `origin` rather than to where the files say.
    #[must_use]
    pub fn remembering(mut self, memory: Memory, origin: Option<&str>) -> Self {
        self.origin = origin.map(Arc::from);
        for (name, app) in &self.desired.apps {
            let key = self.key_of(app);
            // Nobody else has it before anything is read.
            self.apps
                .get_mut(name)
                .and_then(Arc::get_mut)
                .into_iter()
                .for_each(|connected| connected.key = key.clone());
        }
        self.clock = memory.clock().clone();
        self.memory = Some(memory);
        self
    }

    /// Names an app in the store.
    pub(super) fn key_of(&self, app: &DesiredApp) -> AppKey {
        let origin = self.origin.clone().unwrap_or_else(|| app.origin().into());
        AppKey::new(app.name.clone(), origin)
    }

    /// The same, with another time of day.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Reads at this pace.
    #[must_use]
    pub fn at_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Draws chance from `jitter`.
    #[must_use]
    pub fn with_jitter(self, jitter: Jitter) -> Self {
        Self { jitter: Arc::new(jitter), ..self }
    }

    /// Leaves alone what `apart` says: nothing of these apps is read or planned, and nothing is sent to them.
    pub fn leave_alone(&mut self, apart: impl Fn(&str) -> bool) {
        self.apps.retain(|app, _| !apart(app));
    }

    /// What the files ask for.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// The apps, in the order of their names, each with its connection or why there is none.
    pub fn writers(&self) -> impl Iterator<Item = (&DesiredApp, &Result<Arc<dyn Writer>, Error>)> {
        self.apps.iter().filter_map(|(name, connected)| Some((self.desired.apps.get(name)?, &connected.writer)))
    }

    /// How requests to all apps together were answered so far.
    pub fn traffic(&self) -> Traffic {
        let mut all = Traffic::default();
        let connected = self.writers().filter_map(|(_, writer)| writer.as_ref().ok());
        connected.for_each(|writer| all.add(&writer.traffic()));
        all
    }

    /// Why an app cannot be worked with, while it takes requests and answers none of them.
    pub fn silence(&self) -> Option<String> {
        self.writers().filter_map(|(_, writer)| writer.as_ref().ok()).find_map(|writer| writer.silence())
    }

    /// How many requests may leave now without waiting; none where nothing limits them.
    pub fn quota_left(&self) -> Option<u64> {
        self.writers().filter_map(|(_, writer)| writer.as_ref().ok()?.quota_left()).min()
    }

    /// What was wrong with the store in this round, as a sentence. It is told once.
    pub fn take_store_trouble(&self) -> Option<String> {
        self.memory.as_ref()?.trouble.take()
    }

    /// Notes that the store failed for someone who works on the same app.
    pub fn store_failed(&self, error: &StoreError) {
        if let Some(memory) = &self.memory {
            memory.failed(error);
        }
    }

    /// Requests that were sent so far, to all apps together, token calls and repetitions included.
    pub fn requests(&self) -> u64 {
        self.writers().filter_map(|(_, writer)| writer.as_ref().ok()).map(|writer| writer.requests()).sum()
    }
}

/// What an app may be sent: the connector's limits with what the files say instead.
pub(super) fn quota(app: &DesiredApp) -> Quota {
    connectors::quota(&app.budget, &app.semantics.limits)
}
