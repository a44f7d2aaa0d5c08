//! Approvals that were used.

use jiff::Timestamp;

use super::{Lease, Store, StoreError};

/// One use of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalUse {
    /// Names the approval: a text or hash that stays the same as long as the approval says the same.
    pub approval: String,
    /// Where it stands, for people: `approvals.yaml:3`.
    pub place: String,
    /// The action that needed it.
    pub action: String,
    /// Whom the action was about, to count people; the action's name where there is nobody.
    pub person: String,
    /// When.
    pub at: Timestamp,
}

/// An approval that was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedApproval {
    /// Names the approval.
    pub approval: String,
    /// Where it stood when it was last used.
    pub place: String,
    /// How many people it was used for.
    pub people: u32,
    /// The actions it was used for, sorted.
    pub actions: Vec<String>,
    /// When it was first used.
    pub first: Timestamp,
    /// When it was last used.
    pub last: Timestamp,
}

impl Store {
    /// Counts a use of an approval. [`Settled::approvals`](super::Settled::approvals) does the same together with the
    /// action's result.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn use_approval(&self, _lease: &Lease, _use_of_it: &ApprovalUse) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Every approval that was ever used, by its name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn used_approvals(&self) -> Result<Vec<UsedApproval>, StoreError> {
        unimplemented!()
    }
}
