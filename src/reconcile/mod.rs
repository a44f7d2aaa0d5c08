//! One reconciliation: what is live is read, the plan is made, and what is ready is carried out. Commands and the daemon
//! differ only in when they do which.
//!
//! Each phase takes the value that the one before it returned: [`Reconciler::observe`] returns [`Readings`],
//! [`Reconciler::plan`] makes a plan of them, and [`Reconciler::execute`] carries it out ([`execute`]). What lives from one
//! round to the next ([`kept`]) lies with the app ([`connect`]) and is no phase's result.
//!
//! With a [`Memory`] it is remembered what was seen and done ([`remember`]): an app is claimed before it is read for
//! writing, what an earlier run left under way is looked at first ([`recover`]), the past is part of what the plan is made
//! from ([`history`]), and nothing is sent that was not written down before ([`ledger`]).

mod budgets;
mod connect;
mod execute;
mod history;
mod kept;
mod ledger;
mod memory;
mod only;
mod plan;
mod read;
mod readings;
mod recover;
mod remember;
mod wait;

pub use budgets::{BudgetKeeper, resume};
pub use connect::{Pace, Reconciler};
pub use memory::{Author, Memory};
pub use only::narrow;
pub use plan::{past_of, plan_against};
pub use readings::Readings;
pub use recover::Recovered;

use std::sync::Arc;

use futures::future::join_all;

use crate::{
    model::{Email, Live},
    observe::ObserveProgress,
};
use read::AppReader;
use readings::{AppReading, Unread};

/// Someone who watches the reading.
pub trait Watch: Sync {
    /// How far the reading of an app is.
    fn seen(&self, app: &str, progress: ObserveProgress);
}

impl Reconciler {
    /// Reads every app, all at the same time. With a memory that writes, each is claimed first, and what an earlier run
    /// left under way is settled by what is seen.
    pub async fn observe(&self, watch: &dyn Watch) -> Readings {
        let reads = self.readers(watch).map(|(name, reader)| async move { (name, self.read(reader).await) });
        self.readings(join_all(reads).await)
    }

    /// Reads of every app what the person behind `identity` takes, all apps at the same time. A plan against it is about that
    /// person alone. Ids that earlier readings showed are tried first; what is out of date costs a request and no more.
    pub async fn observe_only(&self, identity: &Email, watch: &dyn Watch) -> Readings {
        let reads =
            self.readers(watch).map(|(name, reader)| async move { (name, self.read_only(reader, identity).await) });
        self.readings(join_all(reads).await)
    }

    /// Reads every app, and those that `whole` accepts with the groups that no line declares, for those who look at an app
    /// as a whole. What is read whole does not come out of the memory and does not go there.
    pub async fn observe_everything(&self, whole: impl Fn(&str) -> bool, watch: &dyn Watch) -> Live {
        let reads = self.readers(watch).map(|(name, reader)| {
            let whole = whole(&name);
            async move {
                let reading = match (reader, whole) {
                    (Ok(reader), true) => reader.read_everything().await,
                    (reader, _) => self.read(reader).await,
                };
                (name, reading)
            }
        });
        self.readings(join_all(reads).await).live
    }

    async fn read(&self, reader: Result<AppReader<'_>, Unread>) -> AppReading {
        match &self.memory {
            None => reader?.read().await,
            Some(memory) => reader?.remember(memory).await,
        }
    }

    async fn read_only(&self, reader: Result<AppReader<'_>, Unread>, identity: &Email) -> AppReading {
        match &self.memory {
            None => reader?.read_only(identity).await,
            Some(memory) => reader?.remember_only(memory, identity).await,
        }
    }

    fn readings(&self, apps: Vec<(Arc<str>, AppReading)>) -> Readings {
        Readings::of(self.memory.as_ref(), apps)
    }
}
