//! Writes what was scanned, laid out.

use super::scan::{Comment, Entry, Node, Scan, Shape};

/// Lines are no longer than this, as far as that can be had by writing a flow value as a block. It leaves room for an
/// approval with its reason, which plans print on one line.
pub(in crate::desired) const WIDTH: usize = 140;

/// Each level stands this much further to the right.
const STEP: usize = 2;

pub(super) fn print(scan: &Scan<'_>) -> String {
    let mut printer = Printer { scan, out: String::new(), line: String::new(), comment: 0, after_opening: true };
    if let Some(marker) = scan.marker {
        printer.comments_before(marker, 0);
        printer.line.push_str("---");
        printer.end_line(marker + 3);
        printer.after_opening = true;
    }
    match &scan.root {
        Some(root) if root.props.is_empty() && is_block(root) => printer.children(root, 0, false),
        Some(root) => {
            printer.comments_before(root.start, 0);
            printer.value(root, 0, root.start);
        }
        None => {}
    }
    printer.comments_before(usize::MAX, 0);
    printer.out
}

struct Printer<'a, 's> {
    scan: &'a Scan<'s>,
    out: String,
    /// The line that is being written.
    line: String,
    /// The next comment.
    comment: usize,
    /// Nothing, or what opens a block, stands above: a blank line would separate nothing.
    after_opening: bool,
}

impl<'s> Printer<'_, 's> {
    /// The entries or items of a collection, each on lines of its own. `begun` when the first continues the line.
    fn children(&mut self, node: &Node<'s>, indent: usize, begun: bool) {
        match &node.shape {
            Shape::Map { entries, .. } => {
                for (i, entry) in entries.iter().enumerate() {
                    if i > 0 || !begun {
                        self.begin(entry.key.start, entry.key.start, indent);
                    }
                    self.entry(entry, indent);
                }
            }
            Shape::List { items, .. } => {
                for (i, item) in items.iter().enumerate() {
                    if i > 0 || !begun {
                        self.begin(item.at, item.value.start, indent);
                    }
                    self.line.push('-');
                    if is_block(&item.value) && item.value.props.is_empty() && !self.fits_inline(&item.value, 1) {
                        self.line.push(' ');
                        self.children(&item.value, indent + STEP, true);
                    } else {
                        self.value(&item.value, indent, item.at + 1);
                    }
                }
            }
            _ => {}
        }
        self.close(node, indent);
    }

    /// Comments that stand at the end of a collection, and not before what follows it.
    fn close(&mut self, node: &Node<'s>, indent: usize) {
        if is_flow(node) {
            self.comments_before(node.end, indent);
            return;
        }
        let first = match &node.shape {
            Shape::Map { entries, .. } => entries.first().map(|entry| entry.key.start),
            Shape::List { items, .. } => items.first().map(|item| item.at),
            _ => None,
        };
        let own = first.map_or(0, |first| self.scan.column(first));
        self.comments_while(indent, node.end, |column| column >= own);
    }

    fn entry(&mut self, entry: &Entry<'s>, indent: usize) {
        self.key(entry);
        self.value(&entry.value, indent, entry.colon.unwrap_or(entry.key.end));
        if matches!(entry.value.shape, Shape::Empty) {
            // What stands deeper below a key without a value is about what could stand there.
            let own = self.scan.column(entry.key.start);
            self.comments_while(indent + STEP, entry.value.end, |column| column > own);
        }
    }

    fn key(&mut self, entry: &Entry<'s>) {
        let key = inline(&entry.key).unwrap_or_default();
        self.line.push_str(&key);
        let alias = matches!(entry.key.shape, Shape::Leaf { alias: true, .. });
        self.line.push_str(if alias { " :" } else { ":" });
    }

    /// A value behind what stands on the line already; `opened` is where that ended.
    fn value(&mut self, node: &Node<'s>, indent: usize, opened: usize) {
        let gap = if self.line.trim().is_empty() { "" } else { " " };
        if self.fits_inline(node, gap.len()) {
            let text = inline(node).unwrap_or_default();
            if !text.is_empty() {
                self.line.push_str(gap);
                self.line.push_str(&text);
            }
            return self.end_line(node.end);
        }
        let mut gap = gap;
        if !node.props.is_empty() {
            self.line.push_str(gap);
            self.line.push_str(&node.props);
            gap = " ";
        }
        match &node.shape {
            Shape::Empty => self.end_line(node.end),
            Shape::Leaf { raw, .. } => {
                self.line.push_str(gap);
                let quoted = raw.starts_with(['"', '\'']);
                for (i, line) in raw.split('\n').enumerate() {
                    if i > 0 {
                        self.finish_line();
                        let line = line.trim_start();
                        if !line.is_empty() {
                            self.line = " ".repeat(indent + STEP);
                        }
                    }
                    let line = if i > 0 { line.trim_start() } else { line };
                    self.line.push_str(if quoted { line } else { line.trim_end() });
                }
                self.end_line(node.end);
            }
            Shape::Text { header, lines } => {
                self.line.push_str(gap);
                self.line.push_str(header);
                self.finish_line();
                let spaces = |line: &str| line.len() - line.trim_start_matches(' ').len();
                let old = lines.iter().find(|line| !line.trim().is_empty()).map_or(0, |line| spaces(line));
                for line in lines {
                    if let Some(rest) = line.get(old.min(spaces(line))..).filter(|rest| !rest.is_empty()) {
                        self.line = " ".repeat(indent + STEP) + rest;
                    }
                    self.out.push_str(&self.line);
                    self.out.push('\n');
                    self.line.clear();
                }
            }
            Shape::List { .. } | Shape::Map { .. } => {
                let behind = if node.props.is_empty() { opened } else { opened.max(node.start + node.props.len()) };
                self.open(node, behind);
                self.children(node, indent + STEP, false);
            }
        }
    }

    /// Ends the line of a key or dash whose collection follows below.
    fn open(&mut self, node: &Node<'s>, behind: usize) {
        let line = self.scan.line(node.start);
        let one_line = is_flow(node) && line == self.scan.line(node.end.saturating_sub(1));
        match self.next_comment().filter(|comment| one_line && self.scan.line(comment.at) == line) {
            // What was said behind a value that no longer fits is said of its key.
            Some(comment) => {
                self.line.push(' ');
                self.line.push_str(comment.text);
                self.comment += 1;
                self.finish_line();
            }
            None => self.end_line(behind),
        }
        self.after_opening = true;
    }

    /// Whether a value goes on the line as it is: everything that is not a block, if it is not too long.
    fn fits_inline(&self, node: &Node<'s>, gap: usize) -> bool {
        if (is_block(node) && !is_flow(node)) || (is_block(node) && self.scan.has_comment(node.start, node.end)) {
            return false;
        }
        // Only a collection can be laid out otherwise; a text on several lines is not joined.
        let several = matches!(&node.shape, Shape::Leaf { raw, .. } if raw.contains('\n'));
        let Some(text) = inline(node).filter(|_| !several) else { return false };
        !is_block(node) || self.line.chars().count() + gap + text.chars().count() <= WIDTH
    }

    /// Begins a line for what stands at `at` and has its first value at `value`.
    fn begin(&mut self, at: usize, value: usize, indent: usize) {
        self.comments_before(value.max(at), indent);
        self.blank_above(at);
        self.line = " ".repeat(indent);
    }

    fn blank_above(&mut self, at: usize) {
        let first_on_line = self.scan.text[..at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty());
        if first_on_line && !self.after_opening && self.scan.is_below_blank(at) {
            self.out.push('\n');
        }
        self.after_opening = false;
    }

    fn next_comment(&self) -> Option<Comment<'s>> {
        self.scan.comments.get(self.comment).copied()
    }

    /// Comments before `at`, each on a line of its own.
    fn comments_before(&mut self, at: usize, indent: usize) {
        while let Some(comment) = self.next_comment().filter(|comment| comment.at < at) {
            self.own_line(comment, indent);
        }
    }

    /// Comments behind `end` that are further in than what follows, as long as `is_own` accepts their column.
    fn comments_while(&mut self, indent: usize, end: usize, is_own: impl Fn(usize) -> bool) {
        let next = self.scan.next_start(end);
        let outer = (next < usize::MAX).then(|| self.scan.indent(next));
        while let Some(comment) = self.next_comment().filter(|comment| comment.at < next) {
            let column = self.scan.column(comment.at);
            if !is_own(column) || outer.is_some_and(|outer| column <= outer) {
                break;
            }
            self.own_line(comment, indent);
        }
    }

    fn own_line(&mut self, comment: Comment<'s>, indent: usize) {
        self.blank_above(comment.at);
        self.line = " ".repeat(indent) + comment.text;
        self.comment += 1;
        self.finish_line();
    }

    /// Ends the line, with the comment that stood behind what ends at `end`, in its column if there is room.
    fn end_line(&mut self, end: usize) {
        let behind = self.next_comment().filter(|comment| {
            comment.at >= end
                && self.scan.line(comment.at) == self.scan.line(end.saturating_sub(1))
                && comment.at < self.scan.next_start(end)
        });
        if let Some(comment) = behind {
            let used = self.line.chars().count();
            // Behind a value that was too long for its line there is no column worth keeping.
            let column = Some(self.scan.column(comment.at)).filter(|column| *column <= WIDTH);
            let column = column.unwrap_or_default().max(used + 1);
            self.line.push_str(&" ".repeat(column - used));
            self.line.push_str(comment.text);
            self.comment += 1;
        }
        self.finish_line();
    }

    fn finish_line(&mut self) {
        self.out.push_str(self.line.trim_end_matches(' '));
        self.out.push('\n');
        self.line.clear();
        self.after_opening = false;
    }
}

/// A collection with something in it, which may be written as a block.
fn is_block(node: &Node<'_>) -> bool {
    match &node.shape {
        Shape::List { items, .. } => !items.is_empty(),
        Shape::Map { entries, .. } => !entries.is_empty(),
        _ => false,
    }
}

fn is_flow(node: &Node<'_>) -> bool {
    matches!(node.shape, Shape::List { flow: true, .. } | Shape::Map { flow: true, .. })
}

/// A value on one line, in flow style; `None` where that would not say the same.
pub(in crate::desired) fn inline(node: &Node<'_>) -> Option<String> {
    let text = match &node.shape {
        Shape::Empty => String::new(),
        Shape::Leaf { joined, .. } => joined.clone()?,
        Shape::Text { .. } => return None,
        Shape::List { items, .. } => {
            let items: Option<Vec<String>> = items.iter().map(|item| inline(&item.value)).collect();
            format!("[{}]", items?.join(", "))
        }
        Shape::Map { entries, .. } if entries.is_empty() => "{}".to_owned(),
        Shape::Map { entries, .. } => {
            let entries: Option<Vec<String>> = entries.iter().map(inline_entry).collect();
            format!("{{ {} }}", entries?.join(", "))
        }
    };
    let gap = if node.props.is_empty() || text.is_empty() { "" } else { " " };
    Some(format!("{}{gap}{text}", node.props))
}

fn inline_entry(entry: &Entry<'_>) -> Option<String> {
    let key = inline(&entry.key)?;
    if entry.colon.is_none() {
        return Some(key);
    }
    let colon = if matches!(entry.key.shape, Shape::Leaf { alias: true, .. }) { " :" } else { ":" };
    let value = inline(&entry.value)?;
    Some(if value.is_empty() { key + colon } else { format!("{key}{colon} {value}") })
}
