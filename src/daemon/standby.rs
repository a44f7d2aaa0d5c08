//! Standing by: only one daemon works with a store in a file. Another one waits until that one has ended.

use std::{io::ErrorKind, time::Duration};

use tracing::{info, warn};

use super::{Refused, World, http::Door};
use crate::{model, store::SoleDaemon};

/// How often it is looked whether the other daemon has ended. The look is a lock of a file.
const LOOK: Duration = Duration::from_secs(1);

/// Whether this daemon may work.
pub(super) enum Standby {
    /// It works, for as long as this is kept.
    Over { _sole: Option<SoleDaemon> },
    /// Another daemon works with the same store.
    Waits,
}

impl Standby {
    /// Looks whether another daemon works with the store.
    pub(super) async fn begin(world: &dyn World) -> Self {
        let Some(sole) = look(world).await else {
            let store = world.store().map_or_else(String::new, |store| store.name().to_owned());
            warn!(
                store,
                "another daemon works with this store, and a file is for one: this daemon stands by until that one ends; \
                 daemons that share the work need a `postgres://` store"
            );
            return Self::Waits;
        };
        Self::Over { _sole: sole }
    }

    pub(super) fn waits(&self) -> bool {
        matches!(self, Self::Waits)
    }

    /// Returns once the other daemon has ended. It may be dropped at any time.
    pub(super) async fn over(&mut self, world: &dyn World) {
        while self.waits() {
            tokio::time::sleep(LOOK).await;
            if let Some(sole) = look(world).await {
                info!("the other daemon has ended, and this one goes on in its place");
                *self = Self::Over { _sole: sole };
            }
        }
    }

    /// Opens the door. A daemon that stands by on the same address as the other one serves once that one has ended.
    pub(super) async fn open(&mut self, world: &dyn World, settings: &model::Daemon) -> Result<Door, Refused> {
        match Door::open(world, settings).await {
            Err(Refused::Bind(address, error)) if error.kind() == ErrorKind::AddrInUse && self.waits() => {
                info!(%address, "the other daemon serves on this address; this one serves there when that one has ended");
                self.over(world).await;
                Door::open(world, settings).await
            }
            opened => opened,
        }
    }
}

/// Whether this is the only daemon of the store; none while another one is. A store that fails says so when it is used.
async fn look(world: &dyn World) -> Option<Option<SoleDaemon>> {
    let Some(store) = world.store() else { return Some(None) };
    match store.be_sole_daemon().await {
        Ok(sole) => sole.map(Some),
        Err(error) => {
            warn!(%error, "whether another daemon works with the store is not known");
            None
        }
    }
}
