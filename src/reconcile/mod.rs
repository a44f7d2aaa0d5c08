//! One reconciliation: what is live is read, the plan is made, and what is ready is carried out. Commands and the daemon
//! differ only in when they do which.
//!
//! Each phase takes the value that the one before it returned: [`Reconciler::observe`] returns [`Readings`],
//! [`Reconciler::plan`] turns them into a plan, and [`Reconciler::execute`] carries it out. State that outlives a round
//! belongs to the app ([`kept`]), not to a phase.
//!
//! With a [`Memory`], the reconciler remembers what it saw and did ([`remember`]): it claims an app before it reads it for
//! writing, first settles what an earlier run left under way ([`recover`]), plans with the past ([`history`]), and sends
//! nothing that it did not write down before ([`ledger`]).

mod budgets;
mod connect;
mod execute;
mod granted;
mod history;
mod keeper;
mod kept;
mod ledger;
mod memory;
mod newer;
mod only;
mod plan;
mod read;
mod readings;
mod recover;
mod remember;
mod remembered;
mod repeated;
mod tenant;
mod trouble;
mod wait;

pub use crate::plan::withdrawn;
pub use budgets::{BudgetKeeper, resume};
pub use connect::{Pace, Reconciler};
pub use keeper::{Keeper, Upkeep};
pub use memory::{Author, Memory};
pub use only::narrow;
pub use plan::{past_of, plan_against};
pub use readings::Readings;
pub use recover::Recovered;
pub use remembered::last_seen;

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

    /// What somebody who waits should know at once: what is waited for and how long, or that the app is left alone.
    fn told(&self, _app: &str, _sentence: &str) {}
}

impl Reconciler {
    /// Reads every app, all at the same time. With a memory that writes, it claims each app first and settles by what it
    /// sees what an earlier run left under way.
    pub async fn observe(&self, watch: &dyn Watch) -> Readings {
        let reads = self.readers(watch).map(|(name, reader)| async move { (name, everybody(reader).await) });
        Readings::of(self.memory.as_ref(), join_all(reads).await)
    }

    /// Reads of every app what the person behind `identity` takes, all apps at the same time. A plan made from it is about
    /// that person alone. It tries ids that earlier readings showed first; an outdated one costs a request and no more.
    pub async fn observe_only(&self, identity: &Email, watch: &dyn Watch) -> Readings {
        let reads = self.readers(watch).map(|(name, reader)| async move { (name, person(reader, identity).await) });
        Readings::of(self.memory.as_ref(), join_all(reads).await)
    }

    /// Reads every app for somebody who looks at apps as a whole: those that `whole` accepts with the groups that no line
    /// declares, and past the memory, which neither helps with such a reading nor keeps it.
    pub async fn observe_everything(&self, whole: impl Fn(&str) -> bool, watch: &dyn Watch) -> Live {
        let reads = self.readers(watch).map(|(name, reader)| {
            let whole = whole(&name);
            async move {
                let reading = match (reader, whole) {
                    (Ok(reader), true) => reader.read_everything().await,
                    (reader, _) => everybody(reader).await,
                };
                (name, reading)
            }
        });
        Readings::of(self.memory.as_ref(), join_all(reads).await).live
    }
}

async fn everybody(reader: Result<AppReader<'_>, Unread>) -> AppReading {
    let reader = reader?;
    match &reader.reconciler.memory {
        None => reader.read().await,
        Some(memory) => reader.remember(memory).await,
    }
}

async fn person(reader: Result<AppReader<'_>, Unread>, identity: &Email) -> AppReading {
    let reader = reader?;
    match &reader.reconciler.memory {
        None => reader.read_only(identity).await,
        Some(memory) => reader.remember_only(memory, identity).await,
    }
}
