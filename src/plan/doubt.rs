//! Why it is not certain which account is whose.

use crate::model::{Email, Place};

/// Why it is not certain which account is whose.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Doubt {
    /// What does not fit, naming the accounts.
    pub reason: String,
    /// What to do about it.
    pub repair: String,
    /// All accounts in doubt belong to this person alone, so that leaving still cuts them off.
    pub all_theirs: bool,
    /// Lines it is about.
    pub because: Vec<Place>,
}

/// An empty address is nobody's.
pub(super) fn is_nobody(identity: &Email) -> bool {
    identity.key().is_empty()
}
