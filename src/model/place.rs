//! Where in the files something is said.

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A position in a desired-state file: the answer to "which line asks for this?".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Path relative to the desired-state directory, with `/` as separator.
    pub file: Arc<str>,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl Place {
    /// A place at `line` and `column` (both from 1) of `file`.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32) -> Self {
        Self { file: file.into(), line, column }
    }

    /// Places in order, each once.
    pub fn sorted<'a>(places: impl IntoIterator<Item = &'a Self>) -> Vec<Self> {
        let places: BTreeSet<&Self> = places.into_iter().collect();
        places.into_iter().cloned().collect()
    }
}

/// `teams/design.yaml:9`, the form every report uses.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
