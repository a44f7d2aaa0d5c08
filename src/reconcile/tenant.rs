//! Whether an app of which nothing is known under its entry of the files is one that another entry was about. An app is known by
//! its accounts: who renames an entry, or spells a url another way, must not make caps forget what was taken away today.

use std::{collections::BTreeSet, sync::Arc};

use tracing::info;

use super::{
    connect::Reconciler,
    kept::Kept,
    memory::Memory,
    read::AppReader,
    readings::{AppReading, Unread},
};
use crate::{
    model::LiveApp,
    plan::Recognized,
    store::{AppKey, StoreError},
};

impl AppReader<'_> {
    /// The app that `live` shows, where the store knows it under another entry, and nothing under this one. An entry that the
    /// files still have keeps what is its own.
    pub(super) async fn recognize(&self, memory: &Memory, live: &LiveApp) -> Result<Option<Former>, StoreError> {
        let store = &memory.store;
        if live.alone().is_some() || store.accounts_last_seen(&self.key).await?.is_some() {
            return Ok(None);
        }
        let shown: BTreeSet<&Arc<str>> = live.accounts.iter().map(|account| &account.id).collect();
        let others = store.others_read_by(&self.app.connector, &self.key).await?.into_iter();
        let fitting = others.filter(|(key, _)| !self.reconciler.names(key)).filter_map(|(key, ids)| {
            let same = ids.iter().filter(|id| shown.contains(id)).count();
            (same > 0 && same * 2 >= ids.len()).then_some(Former { key, shown: same, of: ids.len() })
        });
        Ok(fitting.max_by_key(|former| former.shown))
    }

    /// Reads again with what is known of the app under its former entry, which a run that writes makes known under this one.
    pub(super) async fn go_on_as(&self, memory: &Memory, kept: &mut Kept, former: Former) -> AppReading {
        kept.facts = None;
        let key = if kept.tenure.is_some() { self.key.clone() } else { former.key.clone() };
        if let Some(tenure) = &kept.tenure {
            let unkept = |error: StoreError| self.unkept(&error);
            // Whoever still goes by the former entry must not write meanwhile.
            let before = match memory.claim(&former.key).await.map_err(unkept)? {
                Ok(before) => before,
                Err(busy) => return Err(Unread { busy: true, ..Unread::because(&former.key, busy) }),
            };
            let run = memory.run(None).await.map_err(unkept)?;
            let moved = memory.store.move_past(before.lease(), tenure.lease(), memory.now(), &run).await;
            before.end(&memory.store).await;
            if moved.map_err(unkept)? {
                info!(
                    app = &*self.key.app,
                    was = &*former.key.app,
                    origin = &*former.key.origin,
                    "the app was recognized"
                );
            }
        }
        let reader = self.under(key);
        let mut seen = reader.recollect(memory, kept).await?.map_err(|_| {
            Unread::because(&self.key, "its former entry changed while it was read; the next run looks again")
        })?;
        if let Some(past) = &mut seen.past {
            let Former { key: AppKey { app, origin }, shown, of } = former;
            past.history.recognized = Some(Recognized { app, origin, shown, of });
        }
        Ok(seen)
    }
}

impl Reconciler {
    /// Whether the files have an entry that the store knows by this key.
    fn names(&self, key: &AppKey) -> bool {
        self.desired.apps.get(&key.app).is_some_and(|app| self.key_of(app) == *key)
    }
}

/// An entry of the files that was about an app which another one is about now.
#[derive(Debug)]
pub(super) struct Former {
    key: AppKey,
    /// How many of its accounts the app shows.
    shown: usize,
    /// How many of its accounts were looked for.
    of: usize,
}
