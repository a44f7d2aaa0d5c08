//! What budgets have spent, kept in the store, so that a restart does not spend it again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::task::AbortHandle;
use tracing::warn;

use crate::{
    budget::Saved,
    connectors::{Clock, Registry},
    store::{Store, StoreError},
};

/// How often spending is written down while requests are sent. What a killed process sent after the last time is unknown to
/// the next one; the share kept free covers it, and where the app tells what remains, its first answer puts it right.
const EVERY: Duration = Duration::from_secs(1);

/// Writes down what the buckets of a registry spend, until it is ended or dropped.
#[must_use = "nothing is written down any more once this is dropped"]
pub struct BudgetKeeper {
    registry: Arc<Registry>,
    store: Store,
    clock: Clock,
    task: AbortHandle,
}

impl BudgetKeeper {
    /// Takes in what earlier processes spent, and goes on writing down what this one does. To be called once the apps are
    /// connected, before anything is sent.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(registry: Arc<Registry>, store: Store, clock: Clock) -> Result<Self, StoreError> {
        resume(&registry, &store, &clock).await?;
        let (of, into, at) = (registry.clone(), store.clone(), clock.clone());
        let task = tokio::spawn(async move {
            let (mut written, mut failing) = (BTreeMap::new(), false);
            loop {
                tokio::time::sleep(EVERY).await;
                let saved = save(&of, &into, &at, &mut written).await;
                // It is tried every second, and told once.
                if let (Err(error), false) = (&saved, failing) {
                    warn!(%error, "what the budgets have spent was not written down, until it can be again");
                }
                failing = saved.is_err();
            }
        });
        Ok(Self { registry, store, clock, task: task.abort_handle() })
    }

    /// Writes down what was spent for the last time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(self) -> Result<(), StoreError> {
        self.task.abort();
        save(&self.registry, &self.store, &self.clock, &mut BTreeMap::new()).await
    }
}

impl Drop for BudgetKeeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes in what other processes spent meanwhile.
///
/// # Errors
/// When the store fails.
pub async fn resume(registry: &Registry, store: &Store, clock: &Clock) -> Result<(), StoreError> {
    for key in registry.buckets.keys() {
        if let Some((saved, at)) = store.load_budget(&key).await? {
            // A clock that was set back makes it look younger than it is, which spends less.
            let elapsed = Duration::try_from(clock.now().duration_since(at)).unwrap_or_default();
            registry.buckets.resume(&key, &saved, elapsed);
        }
    }
    Ok(())
}

async fn save(
    registry: &Registry,
    store: &Store,
    clock: &Clock,
    written: &mut BTreeMap<String, Saved>,
) -> Result<(), StoreError> {
    for (key, saved) in registry.buckets.saved() {
        // An idle bucket that only empties by itself has nothing to add.
        let quiet = saved.paused_ms == 0 && saved.under_way_ms.is_empty();
        let idle = quiet && saved.scopes.iter().all(|scope| scope.spent.is_empty());
        let news = !idle || written.contains_key(&key);
        if news && written.get(&key) != Some(&saved) {
            store.save_budget(&key, &saved, clock.now()).await?;
            written.insert(key, saved);
        }
    }
    Ok(())
}
