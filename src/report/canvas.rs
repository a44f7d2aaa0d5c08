//! A page of styled text: spans, lines, wrapping and measuring. What comes from apps and files is made harmless here, once,
//! because a name may hold an escape sequence that would repaint the terminal or hide what a plan does.

use std::{borrow::Cow, fmt::Write as _};

use owo_colors::Style as Ansi;
use unicode_width::UnicodeWidthStr;

use super::Style;

/// Below this many columns nothing can be laid out; the terminal may wrap as it likes.
const NARROWEST: usize = 40;
/// Rules end here, because a line across a very wide terminal separates nothing that is next to it.
const LONGEST_RULE: usize = 100;

/// Longer names of groups stand on lines of their own.
const WIDEST_NAME: usize = 32;

/// Sentences are not wider than this, because eyes lose the line.
const WIDEST_SENTENCE: usize = 120;

/// What a piece of text means, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    /// What a line is about.
    Strong,
    /// What most readers skip.
    Dim,
    /// Something is added, or went well.
    Add,
    /// Something changes, or someone should look.
    Change,
    /// Something is taken away, or went wrong.
    Remove,
    /// It cannot be undone, or it stops everything.
    Alarm,
    /// Something waits or is for a person to do.
    Notice,
    /// Text to copy.
    Code,
}

impl Paint {
    fn ansi(self) -> Ansi {
        let style = Ansi::new();
        match self {
            Self::Plain => style,
            Self::Strong => style.bold(),
            Self::Dim => style.dimmed(),
            Self::Add => style.green(),
            Self::Change => style.yellow(),
            Self::Remove => style.red(),
            Self::Alarm => style.red().bold(),
            Self::Notice => style.cyan(),
            Self::Code => style.magenta(),
        }
    }
}

#[derive(Debug, Clone)]
struct Span {
    text: String,
    paint: Paint,
    /// Never broken at its spaces.
    whole: bool,
}

/// One line, or a paragraph before it is wrapped.
#[derive(Debug, Clone, Default)]
pub(super) struct Line(Vec<Span>);

impl Line {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Text that may be wrapped at its spaces.
    pub(super) fn text(mut self, paint: Paint, text: impl AsRef<str>) -> Self {
        self.0.push(Span { text: harmless(text.as_ref()), paint, whole: false });
        self
    }

    /// A name, an address or a line to copy: moves to the next line as a whole.
    pub(super) fn whole(mut self, paint: Paint, text: impl AsRef<str>) -> Self {
        self.0.push(Span { text: harmless(text.as_ref()), paint, whole: true });
        self
    }

    /// A sentence, in which `code in backticks` is not broken.
    pub(super) fn prose(self, paint: Paint, text: &str) -> Self {
        spans(text).fold(self, |line, (is_code, part)| {
            if is_code { line.whole(Paint::Code, format!("`{part}`")) } else { line.text(paint, part) }
        })
    }

    pub(super) fn plain(self, text: impl AsRef<str>) -> Self {
        self.text(Paint::Plain, text)
    }

    /// Spaces up to `column`.
    pub(super) fn pad_to(self, column: usize) -> Self {
        let missing = column.saturating_sub(self.width());
        self.whole(Paint::Plain, " ".repeat(missing))
    }

    pub(super) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// What is not empty of `parts`, with `joint` between them.
    pub(super) fn joined(parts: impl IntoIterator<Item = Self>, joint: &Self) -> Self {
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.reduce(|line, part| line.then(joint.clone()).then(part)).unwrap_or_default()
    }

    /// The same with commas.
    pub(super) fn list(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, &Self::new().plain(", "))
    }

    /// Says where the rest of a list is, at the end of a line that counts it.
    pub(super) fn json_shows_all(self) -> Self {
        self.text(Paint::Dim, "; ").whole(Paint::Dim, "--format json").text(Paint::Dim, " shows all")
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|span| span.text.is_empty())
    }

    /// Columns it takes in a terminal.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|span| span.text.width()).sum()
    }

    /// The same text in lines of at most `width` columns, as far as its words allow.
    pub(super) fn wrap(&self, width: usize) -> Vec<Self> {
        let mut lines: Vec<Self> = Vec::new();
        let mut line = Self::new();
        for atom in self.atoms() {
            let gap = usize::from(!line.is_empty());
            if gap == 1 && line.width() + gap + atom.width() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                let ends = line.0.last().map(|span| span.paint);
                let same = ends == atom.0.first().map(|span| span.paint);
                line = line.text(ends.filter(|_| same).unwrap_or(Paint::Plain), " ");
            }
            line = line.then(atom);
        }
        if !line.is_empty() || lines.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// Columns of the longest part that cannot be wrapped.
    pub(super) fn longest_atom(&self) -> usize {
        self.atoms().iter().map(Self::width).max().unwrap_or(0)
    }

    /// What stays together: runs without a space in breakable text.
    fn atoms(&self) -> Vec<Self> {
        let mut atoms = Vec::new();
        let mut atom = Self::new();
        for span in &self.0 {
            if span.whole {
                atom.0.push(span.clone());
                continue;
            }
            for (i, word) in span.text.split(' ').enumerate() {
                if i > 0 && !atom.is_empty() {
                    atoms.push(std::mem::take(&mut atom));
                }
                if !word.is_empty() {
                    atom.0.push(Span { text: word.into(), ..*span });
                }
            }
        }
        if !atom.is_empty() {
            atoms.push(atom);
        }
        atoms
    }
}

/// Where a report is drawn.
pub(super) struct Canvas {
    pub(super) style: Style,
    out: String,
}

impl Canvas {
    pub(super) fn new(style: &Style) -> Self {
        Self { style: Style { width: style.width.max(NARROWEST), ..*style }, out: String::new() }
    }

    /// One of two spellings, by whether more than ASCII can be shown.
    pub(super) fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.style.unicode { unicode } else { ascii }
    }

    /// A name at the head of a line, on a line of its own where it is wider than its column.
    pub(super) fn name(&mut self, name: &str, column: usize) -> Line {
        let head = Line::new().pad_to(2).whole(Paint::Strong, name).plain("  ");
        if head.width() <= column {
            return head.pad_to(column);
        }
        self.line(&head);
        Line::new().pad_to(column)
    }

    /// A line as it is.
    pub(super) fn line(&mut self, line: &Line) {
        let mut text = String::new();
        for same in line.0.chunk_by(|a, b| a.paint == b.paint) {
            let run: String = same.iter().map(|span| &*span.text).collect();
            if self.style.color && same[0].paint != Paint::Plain && !run.trim().is_empty() {
                // Writing to a string does not fail.
                let _ = write!(text, "{}", same[0].paint.ansi().style(run));
            } else {
                text.push_str(&run);
            }
        }
        self.out.push_str(text.trim_end_matches(' '));
        self.out.push('\n');
    }

    /// A paragraph behind `indent` columns.
    pub(super) fn paragraph(&mut self, indent: usize, line: &Line) {
        self.hanging(&Line::new().pad_to(indent), line);
    }

    /// A paragraph behind `head`, its further lines below its first.
    pub(super) fn hanging(&mut self, head: &Line, line: &Line) {
        let width = self.style.width.min(WIDEST_SENTENCE.max(head.width() + NARROWEST));
        self.wrapped(head, line, width);
    }

    /// The same across all columns there are.
    pub(super) fn full_width(&mut self, head: &Line, line: &Line) {
        self.wrapped(head, line, self.style.width);
    }

    fn wrapped(&mut self, head: &Line, line: &Line, width: usize) {
        let indent = head.width();
        for (i, wrapped) in line.wrap(width.saturating_sub(indent)).into_iter().enumerate() {
            let start = if i == 0 { head.clone() } else { Line::new().pad_to(indent) };
            self.line(&start.then(wrapped));
        }
    }

    /// One empty line, unless nothing has been drawn or there is one already.
    pub(super) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A sentence at the margin.
    pub(super) fn say(&mut self, paint: Paint, sentence: impl AsRef<str>) {
        self.paragraph(0, &Line::new().text(paint, sentence));
    }

    /// The title of what follows, set off from what was before.
    pub(super) fn heading(&mut self, title: &str) {
        self.gap();
        self.paragraph(0, &Line::new().whole(Paint::Strong, title));
    }

    /// A rule with a title in it.
    pub(super) fn rule(&mut self, title: Line) {
        self.gap();
        let dash = self.glyph("─", "-");
        let line = Line::new().text(Paint::Dim, dash.repeat(2)).plain(" ").then(title).plain(" ");
        let rest = self.style.width.min(LONGEST_RULE).saturating_sub(line.width());
        self.line(&line.text(Paint::Dim, dash.repeat(rest)));
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// Where what is said of an account and of the groups with these names begins.
pub(super) fn name_column<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    let widest = names.map(|name| Line::new().plain(name).width()).max().unwrap_or(0);
    2 + widest.max("account".len()).min(WIDEST_NAME) + 2
}

/// The text with every character that steers a terminal or reorders text spelt out.
pub(super) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Lines are the canvas's own affair: a break inside a value is shown, one in a sentence is a space.
            '\n' | '\t' | '\r' => out.push(' '),
            c if steers(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// The parts of a sentence, and whether each is `code in backticks`.
pub fn spans(text: &str) -> impl Iterator<Item = (bool, Cow<'_, str>)> {
    let parts: Vec<&str> = text.split('`').collect();
    let last = parts.len() - 1;
    parts.into_iter().enumerate().map(move |(i, part)| match (i % 2 == 1, i == last) {
        // A backtick that is never closed is just a character.
        (true, true) => (false, format!("`{part}").into()),
        (is_code, _) => (is_code, part.into()),
    })
}

/// Text of several lines in which only the breaks between them steer a terminal.
pub fn printable(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(harmless).collect();
    lines.join("\n")
}

/// Whether a character steers whatever shows it: a control character, or a mark that changes direction or takes no room, with
/// which one name can pass for another.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
            // Letters that are blank.
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &Line, width: usize, expect: &str) {
        let mut canvas = Canvas::new(&Style { color: false, width: 80, unicode: true });
        for line in line.wrap(width) {
            canvas.line(&line);
        }
        assert_eq!(canvas.finish(), expect);
    }

    #[test]
    fn sentences_wrap_and_names_do_not() {
        check(&Line::new().plain("one two three"), 8, "one two\nthree\n");
        check(
            &Line::new().plain("in ").whole(Paint::Strong, "Design Team").plain(", now"),
            12,
            "in\nDesign Team,\nnow\n",
        );
        check(&Line::new().prose(Paint::Plain, "add `ids: { a: b }`, or `c"), 9, "add\n`ids: { a: b }`,\nor `c\n");
        check(&Line::new().plain("a-word-that-is-long b"), 5, "a-word-that-is-long\nb\n");
    }

    #[test]
    fn wide_characters_count_as_two_columns() {
        assert_eq!(Line::new().plain("設計").width(), 4);
        check(&Line::new().plain("設計 設計 ab"), 9, "設計 設計\nab\n");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        check(&Line::new().whole(Paint::Plain, "a\u{1b}[2Jb\u{202e}c\rd"), 80, "a\\u{1b}[2Jb\\u{202e}c d\n");
    }
}
