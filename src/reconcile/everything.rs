//! Reading more than a plan needs, for those who look at an app as a whole.

use futures::future::join_all;

use super::{Connected, Reconciler, Watch};
use crate::{
    connectors::Error,
    model::{DesiredApp, Live, LiveApp, ReadFailure},
    observe,
};

impl Reconciler {
    /// Reads every app, and those that `whole` accepts with the groups that no line declares. What is read whole does not
    /// come out of the memory and does not go there.
    pub async fn observe_everything(&self, whole: impl Fn(&str) -> bool, watch: &dyn Watch) -> Live {
        let reads = self.apps.iter().filter_map(|(name, connected)| {
            let app = self.desired.apps.get(name)?;
            let whole = whole(name);
            Some(async move {
                let live = match whole {
                    true => self.read_everything(app, connected, watch).await,
                    false => self.read(app, connected, watch).await,
                };
                (name.clone(), live)
            })
        });
        Live { apps: join_all(reads).await.into_iter().collect() }
    }

    async fn read_everything(
        &self,
        app: &DesiredApp,
        connected: &Connected,
        watch: &dyn Watch,
    ) -> Result<LiveApp, ReadFailure> {
        let failure = |error: &Error| ReadFailure { message: error.to_string() };
        let writer = connected.writer.as_ref().map_err(failure)?;
        let progress = |progress| watch.seen(&app.name, progress);
        let live =
            observe::observe_everything(&**writer, app, &self.desired.aliases, self.clock.now(), &progress).await;
        live.map_err(|error| failure(&error))
    }
}
