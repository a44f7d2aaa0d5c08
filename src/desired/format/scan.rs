//! Where everything in a file stands: values as the YAML parser sees them, and around them what it passes over, which is
//! comments, dashes, colons and the headers of block texts.

use std::borrow::Cow;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use crate::desired::report::line_starts;

use super::Refused;

/// A file, taken apart.
pub(in crate::desired) struct Scan<'s> {
    pub text: &'s str,
    pub root: Option<Node<'s>>,
    pub comments: Vec<Comment<'s>>,
    /// Where `---` stands.
    pub marker: Option<usize>,
    /// Where each line begins.
    lines: Vec<usize>,
    /// Where values, anchors, tags and dashes begin, in order.
    starts: Vec<usize>,
    /// What the parser read, without how it was laid out.
    says: Vec<String>,
}

/// A comment without the spaces behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::desired) struct Comment<'s> {
    pub at: usize,
    pub text: &'s str,
}

/// A value.
#[derive(Debug)]
pub(in crate::desired) struct Node<'s> {
    /// First byte, anchor and tag included; for nothing at all, where it would stand.
    pub start: usize,
    /// Behind the last byte, closing brackets included.
    pub end: usize,
    /// Anchor and tag as they were written.
    pub props: String,
    pub shape: Shape<'s>,
}

#[derive(Debug)]
pub(in crate::desired) enum Shape<'s> {
    /// Nothing was written.
    Empty,
    /// A single value or an alias. `joined` is the same on one line, where that says the same.
    Leaf {
        raw: &'s str,
        value: Cow<'s, str>,
        joined: Option<String>,
        alias: bool,
    },
    /// `|` or `>` with the lines below.
    Text {
        header: &'s str,
        lines: Vec<&'s str>,
    },
    List {
        flow: bool,
        items: Vec<Item<'s>>,
    },
    Map {
        flow: bool,
        entries: Vec<Entry<'s>>,
    },
}

#[derive(Debug)]
pub(in crate::desired) struct Item<'s> {
    /// Where it begins: its dash, in block style.
    pub at: usize,
    pub value: Node<'s>,
}

#[derive(Debug)]
pub(in crate::desired) struct Entry<'s> {
    pub key: Node<'s>,
    /// Behind the colon, where there is one: `{ a }` has none.
    pub colon: Option<usize>,
    pub value: Node<'s>,
}

impl Scan<'_> {
    /// What the file says: everything but its layout.
    pub(in crate::desired) fn says(&self) -> (&[String], Vec<&str>) {
        (&self.says, self.comments.iter().map(|comment| comment.text).collect())
    }

    /// The line, from 0, of a byte.
    pub(in crate::desired) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The column, from 0 and in characters, of a byte.
    pub(in crate::desired) fn column(&self, at: usize) -> usize {
        self.text[self.lines[self.line(at)]..at].chars().count()
    }

    /// The column at which the line of a byte begins with something.
    pub(in crate::desired) fn indent(&self, at: usize) -> usize {
        let line = &self.text[self.lines[self.line(at)]..];
        line.chars().take_while(|c| *c == ' ' || *c == '\t').count()
    }

    /// Whether nothing stands on the line above.
    pub(in crate::desired) fn is_below_blank(&self, at: usize) -> bool {
        let line = self.line(at);
        line > 0 && self.text[self.lines[line - 1]..self.lines[line]].trim().is_empty()
    }

    /// Where the next value or dash at or behind `at` begins.
    pub(in crate::desired) fn next_start(&self, at: usize) -> usize {
        let index = self.starts.partition_point(|start| *start < at);
        self.starts.get(index).copied().unwrap_or(usize::MAX)
    }

    /// Behind the comments at the end of a block whose entries stand at `own` and whose last value ends at `end`; those
    /// that stand no further in than what follows are about that.
    pub(in crate::desired) fn end_of_comments(&self, end: usize, own: usize) -> usize {
        let next = self.next_start(end);
        let outer = (next < usize::MAX).then(|| self.indent(next));
        let behind =
            self.comments.iter().skip_while(|comment| comment.at < end).take_while(|comment| comment.at < next);
        let own = behind.take_while(|comment| {
            let column = self.column(comment.at);
            let trailing = self.line(comment.at) == self.line(end.saturating_sub(1));
            trailing || (column >= own && outer.is_none_or(|outer| column > outer))
        });
        own.last().map_or(end, |comment| comment.at)
    }

    /// Whether a comment stands between two bytes.
    pub(in crate::desired) fn has_comment(&self, from: usize, to: usize) -> bool {
        let index = self.comments.partition_point(|comment| comment.at < from);
        self.comments.get(index).is_some_and(|comment| comment.at < to)
    }
}

type Read<'s> = (Event<'s>, Span);

pub(in crate::desired) fn scan(text: &str) -> Result<Scan<'_>, Refused> {
    let events = read(text)?;
    let mut leaves: Vec<(usize, usize)> = Vec::new();
    for (event, span) in &events {
        let taken = match event {
            Event::Scalar(..) | Event::Alias(_) | Event::UnresolvedAlias(_) | Event::Anchor(..) => Some(bytes(span)),
            _ => None,
        };
        let tag = span.tag_span().filter(|_| event.is_node()).map(|span| bytes(&span));
        leaves.extend(taken.into_iter().chain(tag).filter(|(start, end)| start < end));
    }
    leaves.sort_unstable();
    leaves.dedup();

    let gaps = Gaps::between(text, &leaves)?;
    let mut starts: Vec<usize> = leaves.iter().map(|(start, _)| *start).chain(gaps.dashes.iter().copied()).collect();
    starts.sort_unstable();
    let lines = line_starts(text).collect();
    let says = events.iter().filter_map(|(event, _)| said(event)).collect();

    let mut builder = Builder { text, events: events.into_iter().peekable(), gaps: &gaps, dash: 0, header: 0 };
    let root = builder.document()?;
    Ok(Scan { text, root, comments: gaps.comments, marker: gaps.marker, lines, starts, says })
}

fn read(text: &str) -> Result<Vec<Read<'_>>, Refused> {
    let options = granit_parser::options! {
        emit_comments: false, emit_unresolved_aliases: true, emit_anchor_events: true
    };
    let refuse = |error: ScanError| {
        let at = error.marker().byte_offset().unwrap_or_default();
        Refused::new(at, format!("this is not YAML: {}", error.info()))
    };
    Parser::new_from_str_with_options(text, options).map(|event| event.map_err(refuse)).collect()
}

fn bytes(span: &Span) -> (usize, usize) {
    let start = span.start.byte_offset().unwrap_or_default();
    (start, span.end.byte_offset().unwrap_or(start).max(start))
}

/// An event without its layout: flow or block style, and `---`.
fn said(event: &Event<'_>) -> Option<String> {
    match event {
        Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => None,
        Event::SequenceStart(_, anchor, tag) => Some(format!("[ {anchor} {tag:?}")),
        Event::MappingStart(_, anchor, tag) => Some(format!("{{ {anchor} {tag:?}")),
        other => Some(format!("{other:?}")),
    }
}

/// What stands between the values.
#[derive(Default)]
struct Gaps<'s> {
    comments: Vec<Comment<'s>>,
    dashes: Vec<usize>,
    colons: Vec<usize>,
    /// `|` or `>` and the rest of its line.
    headers: Vec<(usize, &'s str)>,
    marker: Option<usize>,
}

impl<'s> Gaps<'s> {
    fn between(text: &'s str, leaves: &[(usize, usize)]) -> Result<Self, Refused> {
        let mut gaps = Self::default();
        let mut at = 0;
        let ends = leaves.iter().copied().chain([(text.len(), text.len())]);
        for (start, end) in ends {
            while at < start {
                at = gaps.take(text, at)?;
            }
            at = at.max(end);
        }
        Ok(gaps)
    }

    /// Takes what stands at `at`, and tells where to go on.
    fn take(&mut self, text: &'s str, at: usize) -> Result<usize, Refused> {
        let rest = &text[at..];
        let line = rest.split('\n').next().unwrap_or_default();
        let begins_line = at == 0 || text[..at].ends_with('\n');
        let Some(first) = rest.chars().next() else { return Ok(text.len()) };
        let refuse = |why: &str| Err(Refused::new(at, why));
        match first {
            '#' => {
                self.comments.push(Comment { at, text: line.trim_end() });
                return Ok(at + line.len());
            }
            '|' | '>' => {
                self.headers.push((at, line.trim_end()));
                return Ok(at + line.len());
            }
            '-' if begins_line && line.starts_with("---") => {
                if self.marker.replace(at).is_some() {
                    return refuse("a second document begins here");
                }
                return Ok(at + 3);
            }
            '.' if begins_line => return refuse("a document is ended here by `...`; remove that line"),
            '%' if begins_line => return refuse("a YAML directive is not needed here; remove that line"),
            '?' => return refuse("a key is written with `?` here; write `key: value`"),
            '-' => self.dashes.push(at),
            ':' => self.colons.push(at),
            _ => {}
        }
        Ok(at + first.len_utf8())
    }

    /// Behind the colon between two bytes.
    fn colon(&self, from: usize, to: usize) -> Option<usize> {
        let index = self.colons.partition_point(|colon| *colon < from);
        self.colons.get(index).filter(|colon| **colon < to).map(|colon| colon + 1)
    }
}

struct Builder<'g, 's, I: Iterator<Item = Read<'s>>> {
    text: &'s str,
    events: std::iter::Peekable<I>,
    gaps: &'g Gaps<'s>,
    /// The next dash and the next header; they come in the order of the events.
    dash: usize,
    header: usize,
}

impl<'s, I: Iterator<Item = Read<'s>>> Builder<'_, 's, I> {
    fn document(&mut self) -> Result<Option<Node<'s>>, Refused> {
        let mut root = None;
        while let Some((event, _)) = self.events.peek() {
            if event.is_node() {
                root = Some(self.node()?);
            } else {
                self.events.next();
            }
        }
        Ok(root.filter(|root| !matches!(root.shape, Shape::Empty)))
    }

    fn node(&mut self) -> Result<Node<'s>, Refused> {
        let Some((event, span)) = self.events.next() else {
            return Err(Refused::new(self.text.len(), "the file ends in the middle of a value"));
        };
        let (mut start, mut end) = bytes(&span);
        let mut props: Vec<(usize, usize)> = span.tag_span().map(|span| bytes(&span)).into_iter().collect();
        if let Some((Event::Anchor(..), span)) = self.events.peek() {
            props.push(bytes(span));
            self.events.next();
        }
        props.sort_unstable();
        let shape = match event {
            Event::Scalar(value, style, ..) => match style {
                ScalarStyle::Literal | ScalarStyle::Folded => {
                    let (at, behind, shape) = self.block_text(end)?;
                    (start, end) = (start.min(at), behind);
                    shape
                }
                _ if start == end => Shape::Empty,
                _ => {
                    let raw = &self.text[start..end];
                    let joined = match raw.contains('\n') {
                        false => Some(raw.to_owned()),
                        true => (style == ScalarStyle::Plain && !value.contains('\n')).then(|| value.to_string()),
                    };
                    Shape::Leaf { raw, value, joined, alias: false }
                }
            },
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let raw = &self.text[start..end];
                Shape::Leaf { raw, value: Cow::Borrowed(raw), joined: Some(raw.to_owned()), alias: true }
            }
            Event::SequenceStart(style, ..) => {
                let (items, behind) = self.items(style)?;
                end = behind;
                start = items.first().map_or(start, |item| item.at.min(start));
                Shape::List { flow: style == StructureStyle::Flow, items }
            }
            Event::MappingStart(style, ..) => {
                let (entries, behind) = self.entries()?;
                end = behind;
                Shape::Map { flow: style == StructureStyle::Flow, entries }
            }
            _ => return Err(Refused::new(start, "a value is expected here")),
        };
        if let (Some((first, _)), Some((_, last))) = (props.first(), props.last()) {
            (start, end) = (start.min(*first), end.max(*last));
        }
        let props = props.iter().map(|(from, to)| &self.text[*from..*to]).collect::<Vec<_>>().join(" ");
        Ok(Node { start, end, props, shape })
    }

    fn items(&mut self, style: StructureStyle) -> Result<(Vec<Item<'s>>, usize), Refused> {
        let mut items: Vec<Item<'s>> = Vec::new();
        loop {
            if let Some((Event::SequenceEnd, span)) = self.events.peek() {
                let closed = bytes(span).1;
                self.events.next();
                // The end of a block is not written; it is found where the next thing begins.
                let end = items.last().map_or(closed, |item| item.value.end);
                return Ok((items, if style == StructureStyle::Flow { closed } else { end }));
            }
            let dash = self.gaps.dashes.get(self.dash).copied().filter(|_| style == StructureStyle::Block);
            self.dash += usize::from(dash.is_some());
            let mut value = self.node()?;
            if let (Shape::Empty, Some(dash), true) = (&value.shape, dash, value.props.is_empty()) {
                (value.start, value.end) = (dash, dash + 1);
            }
            items.push(Item { at: dash.unwrap_or(value.start), value });
        }
    }

    fn entries(&mut self) -> Result<(Vec<Entry<'s>>, usize), Refused> {
        let mut entries: Vec<Entry<'s>> = Vec::new();
        loop {
            if let Some((Event::MappingEnd, span)) = self.events.peek() {
                let (opened, closed) = bytes(span);
                self.events.next();
                let end = entries.last().map_or(closed, |entry| entry.value.end);
                return Ok((entries, if opened < closed { closed } else { end }));
            }
            let key = self.node()?;
            if !matches!(&key.shape, Shape::Leaf { raw, .. } if !raw.contains('\n')) {
                return Err(Refused::new(key.start, "a key has to be a text on one line"));
            }
            let mut value = self.node()?;
            let nothing = matches!(value.shape, Shape::Empty) && value.props.is_empty();
            let limit = if nothing { usize::MAX } else { value.start };
            // The key that follows has a colon as well.
            let next = self.events.peek().filter(|_| nothing).map_or(limit, |(_, span)| bytes(span).0.max(key.end + 1));
            let colon = self.gaps.colon(key.end, limit.min(next));
            if nothing {
                let at = colon.unwrap_or(key.end);
                (value.start, value.end) = (at, at);
            }
            entries.push(Entry { key, colon, value });
        }
    }

    /// The lines below the next header, with where they begin and end; their last byte is somewhere before `behind`.
    fn block_text(&mut self, behind: usize) -> Result<(usize, usize, Shape<'s>), Refused> {
        let Some(&(at, header)) = self.gaps.headers.get(self.header) else {
            return Err(Refused::new(behind, "the header of this text was not found"));
        };
        self.header += 1;
        let signs = header.split('#').next().unwrap_or_default().trim_end();
        if signs.contains(|c: char| c == '+' || c.is_ascii_digit()) {
            let why = format!("a text with `{signs}` depends on its exact layout; write `|` or `|-`");
            return Err(Refused::new(at, why));
        }
        let from = (at + header.len()).min(behind.max(at));
        let body = self.text[from..behind.max(from)].trim_end();
        let end = from + body.len();
        let body = body.split_once('\n').map_or("", |(_, body)| body);
        let lines = if body.is_empty() { Vec::new() } else { body.split('\n').collect() };
        Ok((at, end, Shape::Text { header, lines }))
    }
}
