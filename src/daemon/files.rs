//! The files that are in force.

use std::{
    collections::BTreeSet,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    sync::Arc,
};

use jiff::Timestamp;

use super::schedule::Timetable;
use crate::{desired::Loaded, model::Desired};

/// Files without mistakes, by which cycles go.
#[derive(Debug)]
pub struct InForce {
    /// What they ask for.
    pub desired: Arc<Desired>,
    /// Hash of all of them.
    pub digest: String,
    /// A number that is another one when they or the manifests that they name are others.
    pub(super) identity: u64,
    /// When they were read.
    pub since: Timestamp,
    /// How many files there are.
    pub count: usize,
    /// When cycles begin.
    pub timetable: Timetable,
    /// Counts the files that were in force in this process.
    pub number: u64,
}

impl InForce {
    /// What was loaded from `dir`.
    ///
    /// # Errors
    /// When the settings make no sense to the daemon.
    pub fn new(loaded: Loaded, dir: &Path, now: Timestamp) -> Result<Self, String> {
        let digest = loaded.fingerprint();
        let identity = identity(&digest, &loaded.desired, dir);
        let timetable = Timetable::new(&loaded.desired.settings)?;
        let count = loaded.files.len();
        Ok(Self { desired: Arc::new(loaded.desired), digest, identity, since: now, count, timetable, number: 0 })
    }
}

fn identity(digest: &str, desired: &Desired, dir: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    digest.hash(&mut hasher);
    let connectors: BTreeSet<&str> = desired.apps.values().map(|app| &*app.connector).collect();
    for name in connectors {
        // A built-in connector has no file, and one that went missing was reported by loading.
        fs::read(dir.join(name)).ok().hash(&mut hasher);
    }
    hasher.finish()
}
