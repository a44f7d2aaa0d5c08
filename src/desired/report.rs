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
#[derive(Debug, Clone)]
pub(super) struct Draft {
    severity: Severity,
    code: &'static str,
    message: String,
    at: Vec<(Span, String)>,
    hint: Option<String>,
}

impl Draft {
    pub(super) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code, message: message.into(), at: Vec::new(), hint: None }
    }

    pub(super) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Shows a place; the first one is where to mend it.
    pub(super) fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.at.push((span, text.into()));
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
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

    pub(super) fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
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
        self.drafts.iter().any(|draft| draft.severity == Severity::Error)
    }

    pub(super) fn place(&self, span: Span) -> Place {
        Place { file: self.name(span.file).clone(), line: span.line, column: span.column }
    }

    /// The directory-relative name of a file.
    pub(super) fn name(&self, file: u32) -> &'s Arc<str> {
        &self.sources[file as usize].name
    }

    /// How many characters a span covers on its first line, at least one.
    fn characters(&self, span: Span) -> u32 {
        let text = &self.sources[span.file as usize].text;
        let range = span.start as usize..(span.start + span.length) as usize;
        let first = text.get(range).and_then(|piece| piece.lines().next()).unwrap_or_default();
        u32::try_from(first.trim_end().chars().count()).unwrap_or(u32::MAX).max(1)
    }

    /// A whole file with its secrets masked.
    pub(super) fn masked(self, file: u32) -> String {
        let lines = Lines::new(self.sources, &self.secrets, &self.unread);
        let secrets = lines.secrets.get(&file).map_or(&[][..], Vec::as_slice);
        let mut out = String::new();
        let mut start = 0;
        for line in self.sources[file as usize].text.split_inclusive('\n') {
            let text = line.trim_end_matches(['\n', '\r']);
            out.push_str(&mask_line(text, start, secrets).text);
            out.push_str(&line[text.len()..]);
            start += line.len();
        }
        out
    }

    pub(super) fn finish(self) -> Problems {
        let mut lines = Lines::new(self.sources, &self.secrets, &self.unread);
        let mut shown = BTreeMap::new();
        let mut list = Vec::with_capacity(self.drafts.len());
        for draft in &self.drafts {
            let mut places = Vec::with_capacity(draft.at.len());
            for (span, text) in &draft.at {
                let place = self.place(*span);
                shown.entry((place.file.clone(), place.line)).or_insert_with(|| lines.show(span.file, span.line));
                places.push(Label { place, length: self.characters(*span), text: text.clone() });
            }
            list.push(Problem {
                severity: draft.severity,
                code: draft.code,
                message: draft.message.clone(),
                places,
                hint: draft.hint.clone(),
            });
        }
        Problems::new(list, shown)
    }
}

/// Finds and masks lines.
struct Lines<'s> {
    sources: &'s [Source],
    secrets: BTreeMap<u32, Vec<Range<usize>>>,
    starts: BTreeMap<u32, Vec<usize>>,
}

impl<'s> Lines<'s> {
    fn new(sources: &'s [Source], spans: &[Span], unread: &BTreeSet<u32>) -> Self {
        let mut secrets: BTreeMap<u32, Vec<Range<usize>>> = BTreeMap::new();
        for span in spans {
            let start = span.start as usize;
            secrets.entry(span.file).or_default().push(start..start + span.length as usize);
        }
        for &file in unread {
            secrets.entry(file).or_default().extend(super::looks::by_looks(&sources[file as usize].text));
        }
        for ranges in secrets.values_mut() {
            ranges.sort_by_key(|range| (range.start, range.end));
        }
        Self { sources, secrets, starts: BTreeMap::new() }
    }

    fn show(&mut self, file: u32, line: u32) -> Shown {
        let text = &self.sources[file as usize].text;
        let starts = self
            .starts
            .entry(file)
            .or_insert_with(|| std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect());
        let index = (line as usize).saturating_sub(1);
        let Some(&start) = starts.get(index) else { return Shown { text: String::new(), masked: Vec::new() } };
        let end = starts.get(index + 1).map_or(text.len(), |next| next - 1);
        let line = text[start..end].trim_end_matches('\r');
        let secrets = self.secrets.get(&file).map_or(&[][..], Vec::as_slice);
        mask_line(line, start, secrets)
    }
}

fn mask_line(line: &str, start: usize, secrets: &[Range<usize>]) -> Shown {
    let mut shown = Shown { text: String::with_capacity(line.len()), masked: Vec::new() };
    let mut done = 0;
    for secret in secrets {
        let from = secret.start.clamp(start, start + line.len()) - start;
        let to = secret.end.clamp(start, start + line.len()) - start;
        let from = from.max(done);
        if from >= to {
            continue;
        }
        let Some(hidden) = line.get(from..to) else { continue };
        // Spaces around it are not part of it; keeping them keeps the line recognisable.
        let lead = hidden.len() - hidden.trim_start().len();
        let hidden = hidden.trim();
        if hidden.is_empty() {
            continue;
        }
        shown.text.push_str(&line[done..from + lead]);
        shown.masked.push((line[..from + lead].chars().count(), hidden.chars().count()));
        shown.text.push_str(MASK);
        done = from + lead + hidden.len();
    }
    shown.text.push_str(&line[done..]);
    shown
}
