//! What newer files still ask for of a run that is under way.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

use crate::model::ActionName;

/// Actions of a plan that are not begun any more, each with why.
pub type Withdrawn = Arc<BTreeMap<ActionName, String>>;

/// Tells a run which of its actions newer files have taken back.
#[derive(Debug, Clone)]
pub struct Demand(watch::Receiver<Withdrawn>);

impl Demand {
    /// A demand, and the sender that takes actions out of it.
    pub fn new() -> (watch::Sender<Withdrawn>, Self) {
        let (sender, receiver) = watch::channel(Withdrawn::default());
        (sender, Self(receiver))
    }

    /// A demand that nobody changes.
    pub fn unchanging() -> Self {
        Self::new().1
    }

    /// What was taken back, once it is something else than before; never, when nobody can take anything back any more.
    pub(super) async fn changed(&mut self) -> Withdrawn {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.0.borrow_and_update().clone()
    }
}
