//! Collects problems while the files are read, and turns them into [`Problems`] with the lines they show.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use crate::model::{Place, Severity};

use super::problem::{Label, MASK, Problem, Problems, Shown};

/// One file as it was read.
pub(super) struct Source {
    pub name: Arc<str>,
    pub text: String,
}

/// A piece of a file. Lines and columns count from 1, columns in characters; `start` and `length` are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Span {
    pub file: u32,
    pub line: u32,
    pub column: u32,
    pub start: u32,
    pub length: u32,
}

/// A problem whose places are still spans.
#[derive(Debug)]
pub(super) struct Draft {
    problem: Problem,
    at: Vec<(Span, String)>,
}

impl Draft {
    /// What to write under the place that was named last.
    pub(super) fn label(&mut self, text: impl Into<String>) -> &mut Self {
        if let Some((_, label)) = self.at.last_mut() {
            *label = text.into();
        }
        self
    }

    /// Shows one more place.
    pub(super) fn and(&mut self, span: Span, text: impl Into<String>) -> &mut Self {
        self.at.push((span, text.into()));
        self
    }

    pub(super) fn hint(&mut self, hint: impl Into<String>) {
        self.problem.hint = Some(hint.into());
    }
}

pub(super) struct Report<'s> {
    sources: &'s [Source],
    drafts: Vec<Draft>,
    secrets: Vec<Span>,
    unread: BTreeSet<u32>,
}

impl<'s> Report<'s> {
    pub(super) fn new(sources: &'s [Source]) -> Self {
        Self { sources, drafts: Vec::new(), secrets: Vec::new(), unread: BTreeSet::new() }
    }

    /// Takes over what another report of the same files found.
    pub(super) fn append(&mut self, other: Self) {
        self.drafts.extend(other.drafts);
        self.secrets.extend(other.secrets);
        self.unread.extend(other.unread);
    }

    /// Notes what stops the files from being used. `at` is the place to fix, if there is one.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        at: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> &mut Draft {
        self.draft(Severity::Error, code, at.into(), message.into())
    }

    /// Notes what is odd.
    pub(super) fn warning(&mut self, code: &'static str, at: Span, message: impl Into<String>) -> &mut Draft {
        self.draft(Severity::Warning, code, Some(at), message.into())
    }

    fn draft(&mut self, severity: Severity, code: &'static str, at: Option<Span>, message: String) -> &mut Draft {
        let problem = Problem { severity, code, message, places: Vec::new(), hint: None };
        let index = self.drafts.len();
        self.drafts.push(Draft { problem, at: at.map(|span| (span, String::new())).into_iter().collect() });
        &mut self.drafts[index]
    }

    /// Never shows this piece of a file.
    pub(super) fn mask(&mut self, span: Span) {
        self.secrets.push(span);
    }

    /// A file could not be read to its end. What it says is missing, so nothing that refers to it is reported, and its
    /// lines are searched for secrets by their looks.
    pub(super) fn set_unread(&mut self, file: u32) {
        self.unread.insert(file);
    }

    /// Whether every file was read: only then does a name that is not there mean anything.
    pub(super) fn all_read(&self) -> bool {
        self.unread.is_empty()
    }

    pub(super) fn has_errors(&self) -> bool {
        self.drafts.iter().any(|draft| draft.problem.severity == Severity::Error)
    }

    pub(super) fn place(&self, span: Span) -> Place {
        Place { file: self.sources[span.file as usize].name.clone(), line: span.line, column: span.column }
    }

    /// A whole file with its secrets masked.
    pub(super) fn masked(&self, file: u32) -> String {
        let lines = self.lines(file);
        let masked = (1..).zip(lines.text.split_inclusive('\n')).flat_map(|(number, line)| {
            let end = line.trim_end_matches(['\n', '\r']).len();
            [lines.show(number).text, line[end..].to_owned()]
        });
        masked.collect()
    }

    pub(super) fn finish(mut self) -> Problems {
        let drafts = std::mem::take(&mut self.drafts);
        let mut files = BTreeMap::new();
        let mut shown = BTreeMap::new();
        let list = drafts.into_iter().map(|Draft { problem, at }| {
            let places = at.into_iter().map(|(span, text)| {
                let place = self.place(span);
                let lines = files.entry(span.file).or_insert_with(|| self.lines(span.file));
                shown.entry((place.file.clone(), place.line)).or_insert_with(|| lines.show(span.line));
                Label { place, length: lines.characters(span), text }
            });
            Problem { places: places.collect(), ..problem }
        });
        let list = list.collect();
        Problems::new(list, shown)
    }

    fn lines(&self, file: u32) -> Lines<'s> {
        let text = &self.sources[file as usize].text;
        let spans = self.secrets.iter().filter(|span| span.file == file);
        let mut secrets: Vec<_> = spans.map(|span| span.bytes()).collect();
        if self.unread.contains(&file) {
            secrets.extend(super::looks::by_looks(text));
        }
        secrets.sort_by_key(|range| (range.start, range.end));
        Lines { text, secrets, starts: line_starts(text).collect() }
    }
}

impl Span {
    /// Its first character, which is enough to show where something long begins.
    pub(super) fn head(self) -> Self {
        Self { length: 1, ..self }
    }

    fn bytes(self) -> Range<usize> {
        self.start as usize..(self.start + self.length) as usize
    }
}

/// Where each line begins.
pub(super) fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1))
}

/// The lines of one file, which may have secrets in them.
struct Lines<'s> {
    text: &'s str,
    secrets: Vec<Range<usize>>,
    starts: Vec<usize>,
}

impl Lines<'_> {
    /// How many characters a span covers on its first line, at least one.
    fn characters(&self, span: Span) -> u32 {
        let first = self.text.get(span.bytes()).and_then(|piece| piece.lines().next()).unwrap_or_default();
        u32::try_from(first.trim_end().chars().count()).unwrap_or(u32::MAX).max(1)
    }

    /// A line, by its number, with its secrets masked.
    fn show(&self, number: u32) -> Shown {
        let index = (number as usize).saturating_sub(1);
        let mut shown = Shown::default();
        let Some(&start) = self.starts.get(index) else { return shown };
        let end = self.starts.get(index + 1).map_or(self.text.len(), |next| next - 1);
        let line = self.text[start..end].trim_end_matches('\r');
        let mut done = 0;
        for secret in &self.secrets {
            let from = secret.start.saturating_sub(start).max(done);
            let to = secret.end.saturating_sub(start).min(line.len());
            let on_line = line.get(from..to).filter(|hidden| !hidden.trim().is_empty());
            let Some(hidden) = on_line else { continue };
            // Spaces around it are not part of it; keeping them keeps the line recognisable.
            let from = to - hidden.trim_start().len();
            let hidden = hidden.trim();
            shown.text.push_str(&line[done..from]);
            shown.masked.push((line[..from].chars().count(), hidden.chars().count()));
            shown.text.push_str(MASK);
            done = from + hidden.len();
        }
        shown.text.push_str(&line[done..]);
        shown
    }
}
