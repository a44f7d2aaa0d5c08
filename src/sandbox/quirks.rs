//! Quirks: deviations of an app from its guide, or one of several readings of it, switched on per tenant by name.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue;

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
pub(crate) struct Quirks(BTreeSet<String>);

impl Quirks {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    pub(crate) fn names(&self) -> &BTreeSet<String> {
        &self.0
    }

    /// Checks the names against those that the connector's app knows.
    pub(crate) fn of(connector: &str, names: impl IntoIterator<Item = String>) -> Result<Self, QuirkError> {
        let part = catalogue::entry(connector)
            .ok_or_else(|| QuirkError::Connector(connector.to_owned(), catalogue::names()))?;
        let names: BTreeSet<String> = names.into_iter().collect();
        match names.iter().find(|name| !part.quirks.iter().any(|quirk| quirk.name == name.as_str())) {
            None => Ok(Self(names)),
            Some(name) => Err(QuirkError::Name {
                connector: connector.to_owned(),
                name: name.clone(),
                known: part.quirks.iter().map(|quirk| quirk.name).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// The quirks that the settings give a tenant: those for its connector and those for itself.
    pub(crate) fn configured(set: &QuirkSet, connector: &str, tenant: &str) -> Result<Self, QuirkError> {
        let both = [connector.to_owned(), format!("{connector}/{tenant}")];
        Self::of(connector, both.iter().filter_map(|key| set.get(key)).flatten().cloned())
    }
}

/// Names of quirks by `connector` (for all of its tenants) or `connector/tenant`.
pub type QuirkSet = BTreeMap<String, BTreeSet<String>>;

/// Refuses settings that name what does not exist, so that no test passes because of a slip of the pen.
pub(crate) fn check(set: &QuirkSet) -> Result<(), QuirkError> {
    set.iter().try_for_each(|(key, names)| {
        let connector = key.split('/').next().unwrap_or_default();
        Quirks::of(connector, names.iter().cloned()).map(drop)
    })
}

/// Reads `scim=no-etag,put-only` or `scim/acme=no-etag`, and checks that all of it exists.
pub fn parse_quirks(text: &str) -> Result<QuirkSet, QuirkError> {
    let (key, names) = text.split_once('=').ok_or_else(|| QuirkError::Form(text.to_owned()))?;
    let names = names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let set = QuirkSet::from([(key.trim().to_owned(), names.collect())]);
    check(&set).map(|()| set)
}

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
