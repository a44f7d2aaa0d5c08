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
    model::{DesiredApp, LiveApp},
    observe::{self, ObserveProgress},
    plan::AppInputs,
};

/// One app that can be read.
pub(super) struct AppReader<'a> {
    pub(super) reconciler: &'a Reconciler,
    pub(super) app: &'a DesiredApp,
    pub(super) connected: &'a Connected,
    pub(super) writer: &'a dyn Writer,
    watch: &'a dyn Watch,
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
            let reader = |writer| AppReader { reconciler: self, app, connected, writer, watch };
            Some((name.clone(), writer.map(reader)))
        })
    }
}

impl AppReader<'_> {
    /// Reads with no memory.
    pub(super) async fn read(&self) -> AppReading {
        let Reconciler { desired, clock, .. } = self.reconciler;
        let live = observe::observe(self.writer, self.app, &desired.aliases, clock.now(), &self.progress()).await;
        live.map(Seen::alone).map_err(|error| Unread::from(&error))
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
        AppInputs { desired: &self.reconciler.desired, app: self.app, live, past, now }
    }

    pub(super) fn progress(&self) -> impl Fn(ObserveProgress) + Sync {
        |progress| self.watch.seen(&self.app.name, progress)
    }
}
