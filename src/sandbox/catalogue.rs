//! Who is played: every connector of the sandbox. A new app is one more entry here.

use super::{acc, alteryx, autodesk, entry::Entry, scim, workiva};

/// Everyone, in the order in which messages list them.
pub(crate) const CATALOGUE: &[Entry] =
    &[autodesk::ENTRY, acc::ENTRY, alteryx::GUIDE, alteryx::WEBAPI, workiva::ENTRY, scim::ENTRY];

pub(crate) fn entry(connector: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.connector == connector)
}

pub(crate) fn names() -> String {
    CATALOGUE.iter().map(|entry| entry.connector).collect::<Vec<_>>().join(", ")
}
