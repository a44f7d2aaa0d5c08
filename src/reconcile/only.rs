//! One person alone: whoever has to be offboarded now does not wait until everybody was read.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Reconciler, Watch};
use crate::{
    connectors::{Error, Writer},
    model::{About, DesiredApp, Email, Live, LiveApp, ReadFailure},
    observe::{self, Sought},
    plan::{self, Inputs},
};

/// Ids of accounts by app and address, as earlier readings showed them. What is out of date costs a request and no more.
pub type KnownIds = BTreeMap<Arc<str>, BTreeMap<Email, Arc<str>>>;

impl Reconciler {
    /// Reads of every app what the person behind `identity` takes, all apps at the same time. A plan against it is about that
    /// person alone.
    pub async fn observe_only(&self, identity: &Email, known: &KnownIds, watch: &dyn Watch) -> Live {
        let reads = self.apps.iter().filter_map(|(name, writer)| {
            let app = self.desired.apps.get(name)?;
            Some(async move { (name.clone(), self.read_only(app, writer, identity, known, watch).await) })
        });
        Live { apps: join_all(reads).await.into_iter().collect() }
    }

    async fn read_only(
        &self,
        app: &DesiredApp,
        writer: &Result<Arc<dyn Writer>, Error>,
        identity: &Email,
        known: &KnownIds,
        watch: &dyn Watch,
    ) -> Result<LiveApp, ReadFailure> {
        let failure = |error: &Error| ReadFailure { message: error.to_string() };
        let writer = writer.as_ref().map_err(failure)?;
        let (began, now) = (Instant::now(), Timestamp::now());
        let none = BTreeMap::new();
        let sought = Sought::new(&self.desired, app, identity, known.get(&app.name).unwrap_or(&none), now);
        let nothing = Live::default();
        let inputs = Inputs { desired: &self.desired, desired_digest: "", live: &nothing, history: None, now };
        let plan = |live: &LiveApp| plan::plan_one(&inputs, app, live);
        let progress = |progress| watch.seen(&app.name, progress);
        let live = observe::observe_only(&**writer, app, &sought, now, &plan, &progress).await;
        let live = live.map_err(|error| failure(&error))?;
        if let Some(made) = self.made.get(&app.name) {
            // What was not read, or not all of it, is read again before anything is taken away.
            let read = live.accounts.iter().filter(|account| !live.unread_accounts.contains_key(&account.id));
            read.for_each(|account| made.saw_account(began, account.clone()));
        }
        Ok(live)
    }
}

/// Makes a plan against `live`, which may hold everybody, be about one person alone.
pub fn narrow(live: &mut Live, identity: &Email) {
    for app in live.apps.values_mut().flatten() {
        app.extent.about.get_or_insert_with(|| About::among_all(identity.clone()));
    }
}
