//! What a cycle sends, while it is under way and however it ends.

use std::{fmt, sync::Arc};

use crate::reconcile::Reconciler;

/// Counts the requests of one cycle.
#[derive(Clone)]
pub(super) struct Meter {
    reconciler: Arc<Reconciler>,
    /// What earlier cycles sent by the same connection.
    before: u64,
}

impl Meter {
    /// From now on.
    pub(super) fn start(reconciler: &Arc<Reconciler>) -> Self {
        Self { before: reconciler.requests(), reconciler: reconciler.clone() }
    }

    /// How many so far.
    pub(super) fn sent(&self) -> u64 {
        self.reconciler.requests().saturating_sub(self.before)
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meter").field(&self.sent()).finish()
    }
}
