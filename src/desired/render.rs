//! Draws problems: a header, the lines of each place with what is underlined there, and what to do.

use std::fmt::{self, Write};

use owo_colors::{OwoColorize, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::Severity;

use super::problem::{Label, Problem, Problems, Shown};

/// Wide enough for most lines, and what a terminal is when nothing is known of it.
const DEFAULT_WIDTH: usize = 100;

/// Narrower than this nothing can be shown sensibly.
const LEAST_WIDTH: usize = 40;

struct Paint {
    color: bool,
}

impl Paint {
    fn put(&self, text: &str, style: Style) -> String {
        if self.color && !text.is_empty() { text.style(style).to_string() } else { text.to_owned() }
    }

    fn frame(&self, text: &str) -> String {
        self.put(text, Style::new().bright_blue())
    }

    fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Error => Style::new().bright_red().bold(),
            Severity::Warning => Style::new().yellow().bold(),
            Severity::Note => Style::new().cyan().bold(),
        }
    }
}

impl Problems {
    /// Draws every problem with the lines it is about, for a terminal of `width` columns.
    pub fn render(&self, color: bool, width: usize) -> String {
        let paint = Paint { color };
        let mut out = String::new();
        for problem in self.iter() {
            one(&mut out, self, problem, &paint, width.max(LEAST_WIDTH));
            out.push('\n');
        }
        out
    }
}

/// The form without colours.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false, DEFAULT_WIDTH).trim_end())
    }
}

fn one(out: &mut String, problems: &Problems, problem: &Problem, paint: &Paint, width: usize) {
    let style = paint.severity(problem.severity);
    let head: &str = problem.severity.into();
    let text = wrap(&clean(&problem.message), head.len() + 2, width);
    let _ = writeln!(out, "{}: {}", paint.put(head, style), paint.put(&text, Style::new().bold()));

    let gutter = problem.places.iter().map(|label| label.place.line.to_string().len()).max().unwrap_or(1);
    for (i, label) in problem.places.iter().enumerate() {
        let arrow = if i == 0 { "-->" } else { ":::" };
        let place = &label.place;
        let style = if i == 0 { style } else { Style::new().bright_blue() };
        let before = i.checked_sub(1).map(|before| &problem.places[before].place);
        if let Some(shown) = problems.line(place)
            && before.is_some_and(|before| before.file == place.file && before.line == place.line)
            && shown.text.chars().count() <= room(width, gutter)
        {
            // The line stands right above.
            snippet(out, shown, label, &Drawing { paint, style, gutter, width, again: true });
            continue;
        }
        let _ = writeln!(out, "{:gutter$}{} {}:{}:{}", "", paint.frame(arrow), place.file, place.line, place.column);
        if let Some(shown) = problems.line(place) {
            snippet(out, shown, label, &Drawing { paint, style, gutter, width, again: false });
        }
    }
    if let Some(hint) = &problem.hint {
        let text = wrap(&clean(hint), gutter + 9, width);
        let _ = writeln!(out, "{:gutter$} {} {text}", "", paint.frame("= help:"));
    }
}

/// How a line is drawn.
struct Drawing<'a> {
    paint: &'a Paint,
    style: Style,
    /// Width of the line numbers.
    gutter: usize,
    width: usize,
    /// The line itself was drawn just before.
    again: bool,
}

/// Columns left for a line of a file.
fn room(width: usize, gutter: usize) -> usize {
    width.saturating_sub(gutter + 3)
}

fn snippet(out: &mut String, shown: &Shown, label: &Label, drawing: &Drawing<'_>) {
    let &Drawing { paint, style, gutter, width, again } = drawing;
    let start = shown.column(label.place.column as usize) - 1;
    let end = shown.column((label.place.column + label.length) as usize) - 1;
    let characters: Vec<char> = shown.text.chars().map(visible).collect();
    let (characters, start, end) = crop(characters, start, end, room(width, gutter));

    let line: String = characters.iter().collect();
    let columns = |to: usize| characters.iter().take(to).map(|c| c.width().unwrap_or(0)).sum::<usize>();
    let indent = columns(start) + start.saturating_sub(characters.len());
    let length = (columns(end) - columns(start)).max(1);
    let bar = paint.frame("|");

    if !again {
        let number = paint.frame(&format!("{:>gutter$}", label.place.line));
        let _ = writeln!(out, "{:gutter$} {bar}\n{number} {bar} {}", "", line.trim_end());
    }
    let under = paint.put(&"^".repeat(length), style);
    let text = clean(&label.text);
    let gap = if text.is_empty() { "" } else { " " };
    let _ = writeln!(out, "{:gutter$} {bar} {:indent$}{under}{gap}{}", "", "", paint.put(&text, style));
}

/// Cuts a line that is wider than the terminal down to the part around what is underlined.
fn crop(mut line: Vec<char>, start: usize, end: usize, room: usize) -> (Vec<char>, usize, usize) {
    if line.len() <= room {
        let end = end.min(line.len()).max(start);
        return (line, start, end);
    }
    // Some of what stands before helps to recognise the line.
    let from = if start < room / 2 { 0 } else { start.saturating_sub(room / 4) };
    let to = (from + room).min(line.len());
    let cut = to < line.len();
    line.truncate(to);
    line.drain(..from);
    if from > 0 {
        line[0] = '…';
    }
    if let Some(last) = line.last_mut().filter(|_| cut) {
        *last = '…';
    }
    let start = start - from;
    let end = (end - from).min(line.len()).max(start);
    (line, start, end)
}

/// Terminals act on control characters, so none reaches them from a file.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        // These reorder what follows them on the screen.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        c => c,
    }
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { visible(c) }).collect()
}

/// Breaks at spaces, so that no line is wider than `width` when the first begins at `indent`.
fn wrap(text: &str, indent: usize, width: usize) -> String {
    let mut out = String::new();
    for (i, paragraph) in text.split('\n').enumerate() {
        if i > 0 {
            let _ = write!(out, "\n{:indent$}", "");
        }
        let mut column = indent;
        for (j, word) in paragraph.split(' ').enumerate() {
            let size = word.width();
            if j > 0 && column + 1 + size > width {
                let _ = write!(out, "\n{:indent$}", "");
                column = indent;
            } else if j > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += size;
        }
    }
    out
}
