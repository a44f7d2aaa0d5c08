//! Pauses: what this daemon makes and ends when it is asked over HTTP, and a look at what others have made.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tracing::{info, warn};

use super::{World, status::DaemonStatus};
use crate::store::{Store, StoreError};

/// How often the daemon looks for pauses that others made or ended. The look is one short query.
const EVERY: Duration = Duration::from_secs(10);

/// Shows pauses in the status as they come and go, until the task is ended. An app whose pause is over gets a cycle.
pub(super) async fn follow(world: Arc<dyn World>, status: Arc<DaemonStatus>) {
    let Some(store) = world.store().cloned() else { return };
    let mut failing = false;
    loop {
        match look(&store, &status, world.now()).await {
            Ok(()) => failing = false,
            // Cycles ask the store themselves, and nothing is sent that it does not let pass.
            Err(error) if !failing => {
                failing = true;
                warn!(%error, "what is paused is not known, so that the status shows what was known last");
            }
            Err(_) => {}
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Takes up what is paused now.
///
/// # Errors
/// When the store fails.
pub(super) async fn look(store: &Store, status: &DaemonStatus, now: Timestamp) -> Result<(), StoreError> {
    let _only = status.looking.lock().await;
    let zone = status.time_zone();
    let change = status.paused(store.pauses(now).await?);
    for pause in &change.begun {
        info!(app = pause.app.as_deref(), "{}", pause.sentence(&zone));
    }
    for pause in &change.ended {
        info!(app = pause.app.as_deref(), "the pause is over");
        // What it held is due.
        status.nudge(pause.app.as_deref());
    }
    Ok(())
}
