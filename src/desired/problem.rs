//! What is wrong with the files, as data: every problem names its places, and a collection of problems carries the lines
//! it shows with the secrets in them masked, so that nothing downstream can leak one.

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::model::{Place, Severity};

/// Something wrong with the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether it stops the files from being used.
    pub severity: Severity,
    /// A stable word for it: `unknown-key`.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
    /// Where; the first is the place to mend. Empty when it is about no place in particular.
    pub places: Vec<Label>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A place that a problem shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Where it begins.
    pub place: Place,
    /// How many characters of the line it covers.
    pub length: u32,
    /// What to write under it; may be empty.
    pub text: String,
}

/// A line of a file as problems show it: secrets are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub text: String,
    /// What was masked: first character and length in the file, each now [`MASK`].
    pub masked: Vec<(usize, usize)>,
}

/// Stands for a secret, whatever its length.
pub(super) const MASK: &str = "********";

/// Problems of a whole load, sorted by place, with the lines they show.
#[derive(Clone, Default, PartialEq, Eq)]
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

    /// One problem that has no place in any file.
    pub(super) fn placeless(code: &'static str, message: String, hint: Option<String>) -> Self {
        let severity = Severity::Error;
        Self::new(vec![Problem { severity, code, message, places: Vec::new(), hint }], BTreeMap::new())
    }

    /// Splits into errors and the rest.
    pub(super) fn split_errors(self) -> (Self, Self) {
        let (errors, rest) = self.list.into_iter().partition(|problem| problem.severity == Severity::Error);
        (Self { list: errors, lines: self.lines.clone() }, Self { list: rest, lines: self.lines })
    }

    /// Both together, sorted.
    #[must_use]
    pub(super) fn join(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        self.lines.extend(other.lines);
        Self::new(self.list, self.lines)
    }

    /// Each problem, sorted by file, line and column.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them stops the files from being used.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|problem| problem.severity == Severity::Error)
    }

    pub(super) fn line(&self, place: &Place) -> Option<&Shown> {
        self.lines.get(&(place.file.clone(), place.line))
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}

impl std::error::Error for Problems {}

impl Shown {
    /// The column (from 1) in the shown text for a column of the file.
    pub(super) fn column(&self, column: usize) -> usize {
        let at = column.saturating_sub(1);
        let mut shift: isize = 0;
        for &(start, length) in &self.masked {
            if at >= start + length {
                shift += MASK.len().cast_signed() - length.cast_signed();
            } else if at >= start {
                return (start.cast_signed() + shift).max(0).cast_unsigned() + 1;
            }
        }
        (at.cast_signed() + shift).max(0).cast_unsigned() + 1
    }
}
