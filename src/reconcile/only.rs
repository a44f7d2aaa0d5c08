//! One person alone: whoever has to be offboarded now does not wait until everybody was read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::future::join_all;
use tokio::time::Instant;

use super::{Connected, Known, Reconciler, Watch, history, memory::Memory, recover};
use crate::{
    connectors::Writer,
    model::{About, DesiredApp, Email, Live, LiveApp, ReadFailure},
    observe::{self, OnProgress, Sought},
    plan::{self, AppHistory, History, Inputs},
    store::{Covered, Reading, StoreError},
};

impl Reconciler {
    /// Reads of every app what the person behind `identity` takes, all apps at the same time. A plan against it is about that
    /// person alone. Ids that earlier readings showed are tried first; what is out of date costs a request and no more.
    pub async fn observe_only(&self, identity: &Email, watch: &dyn Watch) -> Live {
        let reads = self.apps.iter().filter_map(|(name, connected)| {
            let app = self.desired.apps.get(name)?;
            Some(async move { (name.clone(), self.read_one(app, connected, identity, watch).await) })
        });
        Live { apps: join_all(reads).await.into_iter().collect() }
    }

    async fn read_one(
        &self,
        app: &DesiredApp,
        connected: &Connected,
        identity: &Email,
        watch: &dyn Watch,
    ) -> Result<LiveApp, ReadFailure> {
        let writer = connected.writer.as_ref().map_err(|error| ReadFailure { message: error.to_string() })?;
        let progress = |progress| watch.seen(&app.name, progress);
        match &self.memory {
            None => self.look_for(app, connected, &**writer, identity, &BTreeMap::new(), None, &progress).await,
            Some(memory) => self.look_for_known(memory, app, connected, &**writer, identity, &progress).await,
        }
    }

    /// Reads of one app what one person takes, with what is known of them.
    #[expect(clippy::too_many_arguments, reason = "each is one thing that the look needs, and it has two callers")]
    async fn look_for(
        &self,
        app: &DesiredApp,
        connected: &Connected,
        writer: &dyn Writer,
        identity: &Email,
        known: &BTreeMap<Email, Arc<str>>,
        history: Option<&History>,
        progress: OnProgress<'_>,
    ) -> Result<LiveApp, ReadFailure> {
        let (began, now) = (Instant::now(), self.clock.now());
        let sought = Sought::new(&self.desired, app, identity, known, now);
        let nothing = Live::default();
        let inputs = Inputs { desired: &self.desired, desired_digest: "", live: &nothing, history, now };
        let plan = |live: &LiveApp| plan::plan_one(&inputs, app, live);
        let live = observe::observe_only(writer, app, &sought, now, &plan, progress).await;
        let live = live.map_err(|error| ReadFailure { message: error.to_string() })?;
        // What was not read, or not all of it, is read again before anything is taken away.
        let read = live.accounts.iter().filter(|account| !live.unread_accounts.contains_key(&account.id));
        read.for_each(|account| connected.created_ids.saw_account(began, account.clone()));
        Ok(live)
    }

    async fn look_for_known(
        &self,
        memory: &Memory,
        app: &DesiredApp,
        connected: &Connected,
        writer: &dyn Writer,
        identity: &Email,
        progress: OnProgress<'_>,
    ) -> Result<LiveApp, ReadFailure> {
        let unkept = |error: StoreError| ReadFailure { message: format!("{}: {error}", app.name) };
        let (store, key) = (&memory.store, &connected.key);
        let mut past = connected.past.lock().await;
        past.claim(memory, app, connected).await?;
        let addresses = self.addresses(identity);
        let mut known = BTreeMap::new();
        for address in &addresses {
            if let Some(seen) = store.seen_account_by_email(key, address).await.map_err(unkept)? {
                known.insert(address.clone(), seen.account);
            }
        }
        // What is under way for others is settled by a run that reads everybody.
        let mut open = store.open_intents(key).await.map_err(unkept)?;
        open.retain(|intent| {
            intent.intent.deed.people.iter().any(|person| addresses.contains(&Email::lenient(person)))
        });
        if past.tenure.is_some() {
            recover::let_it_show(&open, writer, memory.now()).await;
        }
        let past_of_app = history::of_app(store, key, memory.now()).await.map_err(unkept)?;
        let approvals = history::approvals(store).await.map_err(unkept)?;
        let past_of_app = History {
            apps: [(app.name.clone(), past_of_app)].into(),
            private: memory.is_private(),
            approvals: approvals.clone(),
        };
        let mut live = self.look_for(app, connected, writer, identity, &known, Some(&past_of_app), progress).await?;
        let (recovered, under_way) = match &past.tenure {
            Some(tenure) => {
                recover::settle(memory, tenure, &connected.created_ids, open, writer, &live).await.map_err(unkept)?
            }
            None => (Vec::new(), recover::peek(&open, writer.semantics(), &live)),
        };
        history::recall_created(store, key, &connected.created_ids, memory.now()).await.map_err(unkept)?;
        let history = history::of_app(store, key, memory.now()).await.map_err(unkept)?;
        if let Some(tenure) = &past.tenure {
            // What one person's reading does not show, it was not looking for.
            let reading = Reading { covered: Covered::default(), ..(&live).into() };
            store.record_reading(tenure.lease(), live.observed_at, &reading).await.map_err(unkept)?;
        }
        history::believe(store, key, &mut live).await.map_err(unkept)?;
        *connected.known() = Known { history: AppHistory { under_way, ..history }, approvals, recovered, busy: false };
        Ok(live)
    }

    /// Every address of a person.
    fn addresses(&self, identity: &Email) -> BTreeSet<Email> {
        let person = self.desired.people.get(identity);
        let aliases = person.into_iter().flat_map(|person| &person.aliases);
        std::iter::once(identity).chain(aliases).cloned().collect()
    }
}

/// Makes a plan against `live`, which may hold everybody, be about one person alone.
pub fn narrow(live: &mut Live, identity: &Email) {
    for app in live.apps.values_mut().flatten() {
        app.extent.about.get_or_insert_with(|| About::among_all(identity.clone()));
    }
}
