//! Where in the files something is said.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

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

/// Lines of one file that are named; nobody opens more of them.
const NAMED: usize = 10;

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

    /// `teams/design.yaml:9,14`: the first lines of each file together, files and lines sorted.
    pub fn together(places: &[Self]) -> Vec<String> {
        let mut lines: Vec<(&str, u32)> = places.iter().map(|place| (&*place.file, place.line)).collect();
        lines.sort_unstable();
        lines.dedup();
        let one_file = |lines: &[(&str, u32)]| {
            let numbers: Vec<String> = lines.iter().take(NAMED).map(|(_, line)| line.to_string()).collect();
            let more = if lines.len() > NAMED { ",…" } else { "" };
            format!("{}:{}{more}", lines[0].0, numbers.join(","))
        };
        lines.chunk_by(|a, b| a.0 == b.0).map(one_file).collect()
    }
}

/// A place as [`Place`] is shown: `teams/design.yaml:9`.
impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (file, line) = text.rsplit_once(':').ok_or(NoPlace)?;
        Ok(Self::new(file, line.parse().map_err(|_| NoPlace)?, 1))
    }
}

/// A text that is no `FILE:LINE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no file and line, such as `teams/design.yaml:9`")]
pub struct NoPlace;

/// `teams/design.yaml:9`, the form every report uses.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
