//! What is wrong with the files, as data: every problem names its places, and a collection of problems carries the lines
//! it shows with the secrets in them masked, so that nothing downstream can leak one.

use std::{collections::BTreeMap, ops::Deref, sync::Arc};

use serde::Serialize;

use crate::model::{Place, Severity};

/// Something wrong with the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether it stops the files from being used.
    pub severity: Severity,
    /// A stable word for it: `unknown-key`.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
    /// Where; the first is the place to fix. Empty when it is about no place in particular.
    pub places: Vec<Label>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A place that a problem shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Label {
    /// Where it begins.
    #[serde(flatten)]
    pub place: Place,
    /// How many characters of the line it covers.
    pub length: u32,
    /// What to write under it; may be empty.
    pub text: String,
}

/// A line of a file as problems show it: secrets are masked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub text: String,
    /// What was masked: first character and length in the file, each now [`MASK`].
    pub masked: Vec<(usize, usize)>,
}

/// Stands for a secret, whatever its length.
pub(super) const MASK: &str = "********";

/// Problems of a whole load, sorted by place, with the lines they show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    lines: BTreeMap<(Arc<str>, u32), Shown>,
}

impl Problem {
    fn sort_key(&self) -> (Option<&Place>, &'static str, &str) {
        (self.places.first().map(|label| &label.place), self.code, &self.message)
    }
}

impl Problems {
    /// Sorts `list` by place and drops what is said twice.
    pub(super) fn new(mut list: Vec<Problem>, lines: BTreeMap<(Arc<str>, u32), Shown>) -> Self {
        list.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()).then_with(|| a.places.cmp(&b.places)));
        list.dedup();
        Self { list, lines }
    }

    /// Problems that have no place in any file, all of one kind.
    pub(super) fn placeless(code: &'static str, messages: Vec<String>, hint: Option<&str>) -> Self {
        let problem = |message| {
            let hint = hint.map(ToOwned::to_owned);
            Problem { severity: Severity::Error, code, message, places: Vec::new(), hint }
        };
        Self::new(messages.into_iter().map(problem).collect(), BTreeMap::new())
    }

    /// Whether one of them stops the files from being used.
    pub fn has_errors(&self) -> bool {
        self.iter().any(|problem| problem.severity == Severity::Error)
    }

    pub(super) fn line(&self, place: &Place) -> Option<&Shown> {
        self.lines.get(&(place.file.clone(), place.line))
    }
}

/// Each problem, sorted by file, line and column.
impl Deref for Problems {
    type Target = [Problem];

    fn deref(&self) -> &[Problem] {
        &self.list
    }
}

impl std::error::Error for Problems {}

impl Shown {
    /// The column (from 1) in the shown text for a column of the file.
    pub(super) fn column(&self, column: usize) -> usize {
        let mut at = column;
        for &(start, length) in self.masked.iter().rev() {
            if column > start + length {
                at = at + MASK.len() - length;
            } else if column > start {
                at -= column - start - 1;
            }
        }
        at
    }
}
