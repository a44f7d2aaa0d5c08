//! One person alone: whoever has to be offboarded now does not wait until everybody was read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::time::Instant;

use super::{
    history,
    memory::Memory,
    read::AppReader,
    readings::{AppReading, Past, Seen, Unread},
};
use crate::{
    model::{About, Email, Live, LiveApp},
    observe::{self, Sought},
    plan,
    store::{Covered, Intent, Reading, StoreError},
};

impl AppReader<'_> {
    /// Reads what the person behind `identity` takes, with no memory.
    pub(super) async fn read_only(&self, identity: &Email) -> AppReading {
        self.look_for(identity, &BTreeSet::new(), None).await.map(Seen::alone)
    }

    /// Reads what the person behind `identity` takes, with what the memory knows of them. The reading that it keeps says
    /// nothing of what it does not show: it looked for nobody else.
    pub(super) async fn remember_only(&self, memory: &Memory, identity: &Email) -> AppReading {
        let unkept = |error: StoreError| self.unkept(&error);
        let (store, key) = (&memory.store, &self.key);
        let mut kept = self.connected.kept.lock().await;
        self.claim(memory, &mut kept).await?;
        let (known, open) = self.known_of(memory, identity).await.map_err(unkept)?;
        self.let_it_show(memory, &kept, &open).await;
        self.recall_seen(memory).await.map_err(unkept)?;
        let past = self.past(memory, BTreeMap::new()).await.map_err(unkept)?;
        let mut live = self.look_for(identity, &known, Some(&past)).await?;
        let (recovered, mut past) = self.settle(memory, &kept, open, &live).await.map_err(unkept)?;
        if let Some(tenure) = &kept.tenure {
            let reading = Reading { covered: Covered::default(), ..(&live).into() };
            store.record_reading(tenure.lease(), live.observed_at, &reading).await.map_err(unkept)?;
        }
        history::believe(store, key, &mut live).await.map_err(unkept)?;
        let planned = plan::plan_one(&self.inputs(&live, Some(&past), memory.now()));
        if let Some(tenure) = &kept.tenure {
            self.accept(memory, tenure, &planned.claims, &live).await.map_err(unkept)?;
        }
        self.recall(memory, &mut past, &planned).await.map_err(unkept)?;
        Ok(Seen { live, past: Some(past), recovered })
    }

    /// The ids that earlier readings showed under the person's addresses or that our creates for them gave, and what is under
    /// way for them. A run that reads everybody settles what is under way for others.
    async fn known_of(
        &self,
        memory: &Memory,
        identity: &Email,
    ) -> Result<(BTreeSet<Arc<str>>, Vec<Intent>), StoreError> {
        let (store, key) = (&memory.store, &self.key);
        let person = self.reconciler.desired.people.get(identity);
        let aliases = person.into_iter().flat_map(|person| &person.aliases);
        let addresses: BTreeSet<&Email> = std::iter::once(identity).chain(aliases).collect();
        let made = store.accounts_made(key).await?;
        let made = made.into_iter().filter(|(_, made)| addresses.contains(&made.email));
        let mut known: BTreeSet<Arc<str>> = made.map(|(id, _)| id).collect();
        for address in &addresses {
            known.extend(store.seen_account_by_email(key, address).await?.map(|seen| seen.account));
        }
        let mut open = store.open_intents(key).await?;
        open.retain(|intent| {
            intent.intent.deed.people.iter().any(|person| addresses.contains(&Email::lenient(person)))
        });
        Ok((known, open))
    }

    async fn look_for(
        &self,
        identity: &Email,
        known: &BTreeSet<Arc<str>>,
        past: Option<&Past>,
    ) -> Result<LiveApp, Unread> {
        let (began, now) = (Instant::now(), self.reconciler.clock.now());
        let sought = Sought::new(&self.reconciler.desired, self.app, identity, known, now);
        let plan = |live: &LiveApp| plan::plan_one(&self.inputs(live, past, now));
        let live = observe::observe_only(self.writer, self.app, &sought, now, &plan, &self.progress()).await;
        let live = live.map_err(|error| Unread::from(&error))?;
        // What was not read, or not all of it, is read again before anything is taken away.
        let read = live.accounts.iter().filter(|account| !live.unread_accounts.contains_key(&account.id));
        read.for_each(|account| self.connected.created_ids.saw_account(began, account.clone()));
        Ok(live)
    }
}

/// Makes a plan against `live`, which may hold everybody, be about one person alone.
pub fn narrow(live: &mut Live, identity: &Email) {
    for app in live.apps.values_mut().flatten() {
        app.extent.about.get_or_insert_with(|| About::among_all(identity.clone()));
    }
}
