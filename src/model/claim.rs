//! Whose a live account is: what ties it to somebody in the files, and whether that was accepted.

use std::sync::Arc;

use super::{ApprovedBy, Email};

/// What ties a live account to a person or service in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum ClaimedBy {
    /// The account's address is the person's key.
    Key,
    /// Its address is one of the person's aliases.
    Alias,
    /// A pin under `ids` has its id.
    Pin,
}

/// That an account is somebody's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentityClaim {
    /// The account's id.
    pub account: Arc<str>,
    /// The key of the person or service.
    pub identity: Email,
    /// What ties the two.
    pub by: ClaimedBy,
}

/// A claim that counts from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct AcceptedClaim {
    /// The claim.
    pub claim: IdentityClaim,
    /// The approval that released it, with the action's name that it covered.
    pub approved: Option<(ApprovedBy, String)>,
}

/// What a plan found out about claims.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claims {
    /// Those that are accepted by it, and were not before.
    pub accepted: Vec<AcceptedClaim>,
    /// Those that wait for an approval, each with the line that gives it.
    pub open: Vec<(IdentityClaim, String)>,
}
