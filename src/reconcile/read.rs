//! Reading one app.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Watch,
    connect::{Connected, Reconciler},
    readings::{AppReading, Past, Seen, Unread},
};
use crate::{
    connectors::Writer,
    model::{DesiredApp, Facts, LiveApp},
    observe::{self, Before, ObserveProgress, Pending, Rotation},
    plan::{self, AppInputs},
    store::AppKey,
};

/// One app that can be read.
pub(super) struct AppReader<'a> {
    pub(super) reconciler: &'a Reconciler,
    pub(super) app: &'a DesiredApp,
    pub(super) connected: &'a Connected,
    /// What the store calls the app.
    pub(super) key: AppKey,
    pub(super) writer: &'a dyn Writer,
    pub(super) watch: &'a dyn Watch,
}

impl Reconciler {
    /// The apps, each with a reader or why there is none.
    pub(super) fn readers<'a>(
        &'a self,
        watch: &'a dyn Watch,
    ) -> impl Iterator<Item = (Arc<str>, Result<AppReader<'a>, Unread>)> {
        self.apps.iter().filter_map(move |(name, connected)| {
            let app = self.desired.apps.get(name)?;
            let writer = connected.writer.as_deref().map_err(Unread::from);
            let reader =
                |writer| AppReader { reconciler: self, app, connected, key: connected.key.clone(), writer, watch };
            Some((name.clone(), writer.map(reader)))
        })
    }
}

impl<'a> AppReader<'a> {
    /// The same, for which the store has another name.
    pub(super) fn under(&self, key: AppKey) -> AppReader<'a> {
        let Self { reconciler, app, connected, writer, watch, .. } = *self;
        AppReader { reconciler, app, connected, key, writer, watch }
    }

    /// Reads with no memory.
    pub(super) async fn read(&self) -> AppReading {
        let Reconciler { desired, clock, .. } = self.reconciler;
        let (facts, pending, aliases) = (&Facts::default(), &Pending::default(), &desired.aliases);
        let before = Before { facts, pending, rotation: Rotation::Everything, aliases, remembered: &[] };
        let seen = observe::observe_in_rotation(self.writer, self.app, clock.now(), &before, &self.progress()).await;
        let mut seen = seen.map_err(|error| Unread::from(&error))?;
        let plan = |live: &LiveApp| plan::plan_one(&self.inputs(live, None, clock.now()));
        seen.make_certain(self.writer, self.app, aliases, clock.now(), &plan).await;
        Ok(Seen::alone(seen.live))
    }

    /// Reads with the groups that no line declares, and with no memory.
    pub(super) async fn read_everything(&self) -> AppReading {
        let Reconciler { desired, clock, .. } = self.reconciler;
        let (writer, aliases, progress) = (self.writer, &desired.aliases, self.progress());
        let live = observe::observe_everything(writer, self.app, aliases, clock.now(), &progress).await;
        live.map(Seen::alone).map_err(|error| Unread::from(&error))
    }

    /// What the app's part of a plan is made from.
    pub(super) fn inputs<'b>(&'b self, live: &'b LiveApp, past: Option<&'b Past>, now: Timestamp) -> AppInputs<'b> {
        let past = past.map(Past::for_planning);
        AppInputs { desired: &self.reconciler.desired, app: self.app, live, past, base: None, others: None, now }
    }

    pub(super) fn progress(&self) -> impl Fn(ObserveProgress) + Sync {
        |progress| self.watch.seen(&self.app.name, progress)
    }
}
