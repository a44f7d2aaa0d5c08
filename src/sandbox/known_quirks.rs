//! Which quirks there are: names are held against the catalogue before anything is switched.

use std::collections::BTreeSet;

use super::{
    catalogue,
    quirks::{QuirkError, QuirkSet, Quirks},
};

impl Quirks {
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
