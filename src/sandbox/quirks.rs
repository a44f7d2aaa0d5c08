//! Quirks: deviations of an app from its guide, or one of several readings of it, switched on per tenant by name.

use std::collections::{BTreeMap, BTreeSet};

/// A quirk that an app knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quirk {
    /// Its name, in kebab-case.
    pub(crate) name: &'static str,
    /// What the app does because of it.
    pub(crate) does: &'static str,
}

/// Declares an app's quirks: name and effect of each.
pub(crate) const fn quirk(name: &'static str, does: &'static str) -> Quirk {
    Quirk { name, does }
}

/// The quirks that are on at a tenant; all of them are known to its app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quirks(pub(super) BTreeSet<String>);

impl Quirks {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    pub(crate) fn names(&self) -> &BTreeSet<String> {
        &self.0
    }
}

/// Names of quirks by `connector` (for all of its tenants) or `connector/tenant`.
pub type QuirkSet = BTreeMap<String, BTreeSet<String>>;

/// Why quirks were not switched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuirkError {
    /// A setting that is not `app=quirks`.
    #[error("`{0}` is not of the form app=quirk,quirk; it reads like `scim=no-etag` or `scim/acme=no-etag`")]
    Form(String),
    /// The sandbox does not play this app.
    #[error("the sandbox plays no connector `{0}`; it plays: {1}")]
    Connector(String, String),
    /// The app has no such quirk.
    #[error("`{name}` is no quirk of `{connector}`; it has: {known}")]
    Name {
        /// The connector.
        connector: String,
        /// What was asked for.
        name: String,
        /// Its quirks.
        known: String,
    },
}
