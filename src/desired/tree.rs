//! YAML → a tree in which every key and value knows where it is. What a file says about itself is settled here: syntax,
//! depth and size, anchors and aliases, merge keys. What keys mean is settled later.

use std::{borrow::Cow, collections::HashMap};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError};

use super::report::{Draft, Report, Span};

/// Deeper than any sensible file (ours need nine levels), shallow enough that recursion over a tree cannot overflow.
const MAX_DEPTH: usize = 64;

/// Nodes that aliases may add to one file. Enough to share a policy among many apps, too few for a bomb.
const MAX_ALIASED: usize = 100_000;

/// Nodes of one file. A person with every key takes about 20, so that several hundred thousand people fit.
const MAX_NODES: usize = 10_000_000;

/// A value.
#[derive(Debug, Clone)]
pub(super) struct Node<'s> {
    pub span: Span,
    pub kind: Kind<'s>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind<'s> {
    Null,
    /// `plain` when it stands without quotes, so that `true` and `5` may be more than text.
    Scalar {
        text: Cow<'s, str>,
        plain: bool,
    },
    List(Vec<Node<'s>>),
    Map(Vec<Entry<'s>>),
    /// A single value that was reported and taken out, because it is or may be a secret.
    Hidden,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry<'s> {
    pub key: Cow<'s, str>,
    pub span: Span,
    pub value: Node<'s>,
}

impl<'s> Node<'s> {
    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// The noun for what it is: "expected a mapping, found …".
    pub(super) fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Scalar { .. } | Kind::Hidden => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    pub(super) fn entries(&self) -> &[Entry<'s>] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// How many nodes it has, counted no further than `limit`.
    fn size(&self, limit: usize) -> usize {
        let mut size = 1;
        let children: Box<dyn Iterator<Item = &Node<'s>>> = match &self.kind {
            Kind::List(items) => Box::new(items.iter()),
            Kind::Map(entries) => Box::new(entries.iter().map(|entry| &entry.value)),
            Kind::Null | Kind::Scalar { .. } | Kind::Hidden => return size,
        };
        for child in children {
            if size >= limit {
                break;
            }
            size += child.size(limit - size);
        }
        size
    }
}

/// Reads one file; `None` when it is empty or cannot be read, which is reported.
pub(super) fn parse<'s>(file: u32, text: &'s str, report: &mut Report<'s>) -> Option<Node<'s>> {
    let mut builder = Builder {
        file,
        report,
        stack: Vec::new(),
        anchors: HashMap::new(),
        documents: Vec::new(),
        nodes: 0,
        aliased: 0,
        failed: false,
    };
    let options = granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true };
    for event in Parser::new_from_str_with_options(text, options) {
        let going_on = match event {
            Ok((event, span)) => builder.event(event, &span),
            Err(error) => builder.syntax(&error, text),
        };
        if !going_on {
            builder.report.set_unread(file);
            return None;
        }
    }
    builder.finish()
}

enum Frame<'s> {
    List { span: Span, anchor: usize, items: Vec<Node<'s>> },
    Map { span: Span, anchor: usize, entries: Vec<Entry<'s>>, key: Option<(Cow<'s, str>, Span)> },
}

struct Builder<'r, 's> {
    file: u32,
    report: &'r mut Report<'s>,
    stack: Vec<Frame<'s>>,
    anchors: HashMap<usize, Node<'s>>,
    documents: Vec<Node<'s>>,
    nodes: usize,
    aliased: usize,
    failed: bool,
}

impl<'s> Builder<'_, 's> {
    fn span(&self, span: &granit_parser::Span) -> Span {
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let start = span.start.byte_offset().unwrap_or_default();
        let end = span.end.byte_offset().unwrap_or(start);
        Span {
            file: self.file,
            line: small(span.start.line()),
            column: small(span.start.col() + 1),
            start: small(start),
            length: small(end.saturating_sub(start)),
        }
    }

    /// Takes one event; false when reading on makes no sense.
    fn event(&mut self, event: Event<'s>, span: &granit_parser::Span) -> bool {
        let span = self.span(span);
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return self.stop(Draft::error("too-large", "this file has too many values").at(span, ""));
        }
        if self.stack.len() > MAX_DEPTH {
            return self.stop(too_deep(span));
        }
        if let Some(tag) = event.tag().filter(|tag| !tag.is_yaml_core_schema()) {
            let message = format!("the tag `{tag}` means nothing here");
            self.fail(Draft::error("tag", message).at(span, "").hint("remove the tag"));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let null = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let key_is_due = matches!(self.stack.last(), Some(Frame::Map { key: None, .. }));
                let kind = if null && (!key_is_due || text.is_empty() || text == "~") {
                    Kind::Null
                } else {
                    Kind::Scalar { text, plain }
                };
                self.put(Node { span, kind }, anchor);
            }
            Event::SequenceStart(_, anchor, _) => self.stack.push(Frame::List { span, anchor, items: Vec::new() }),
            Event::MappingStart(_, anchor, _) => {
                self.stack.push(Frame::Map { span, anchor, entries: Vec::new(), key: None });
            }
            Event::SequenceEnd => {
                if let Some(Frame::List { span, anchor, items }) = self.stack.pop() {
                    self.put(Node { span, kind: Kind::List(items) }, anchor);
                }
            }
            Event::MappingEnd => {
                if let Some(Frame::Map { span, anchor, entries, .. }) = self.stack.pop() {
                    let entries = self.merge_keys(entries);
                    self.put(Node { span, kind: Kind::Map(entries) }, anchor);
                }
            }
            Event::Alias(id) => return self.alias(id, span),
            Event::UnresolvedAlias(name) => {
                let message = format!("there is no anchor `&{name}` above this line");
                self.fail(Draft::error("alias", message).at(span, ""));
                self.put(Node { span, kind: Kind::Null }, 0);
            }
            _ => {}
        }
        true
    }

    fn alias(&mut self, id: usize, span: Span) -> bool {
        let Some(node) = self.anchors.get(&id) else {
            return self.stop(Draft::error("alias", "an alias inside the very value that it stands for").at(span, ""));
        };
        self.aliased += node.size(MAX_ALIASED + 1);
        if self.aliased > MAX_ALIASED {
            let message = format!("the aliases in this file stand for more than {MAX_ALIASED} values");
            return self.stop(
                Draft::error("too-large", message)
                    .at(span, "too many from here on")
                    .hint("write the values out, or split them up"),
            );
        }
        let node = node.clone();
        self.put(node, 0);
        true
    }

    /// Puts a finished value where it belongs: as a key, a value, an item or a document.
    fn put(&mut self, node: Node<'s>, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            None => self.documents.push(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, key, .. }) => match key.take() {
                // An empty key was reported when it was read.
                Some((text, _)) if text.is_empty() => {}
                Some((text, span)) => entries.push(Entry { key: text, span, value: node }),
                None => {
                    let span = node.span;
                    if let Kind::Scalar { text, .. } = &node.kind
                        && !text.is_empty()
                    {
                        *key = Some((text.clone(), span));
                        return;
                    }
                    *key = Some((Cow::Borrowed(""), span));
                    let message = format!("a key has to be a text, and this is {}", node.noun());
                    self.fail(Draft::error("key", message).at(span, ""));
                }
            },
        }
    }

    /// Expands `<<: *anchor`: keys of the mapping itself win, then those of earlier sources.
    fn merge_keys(&mut self, entries: Vec<Entry<'s>>) -> Vec<Entry<'s>> {
        if !entries.iter().any(|entry| entry.key == "<<") {
            return entries;
        }
        let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.key == "<<");
        for merge in merges {
            let sources = match merge.value.kind {
                Kind::List(items) => items,
                _ => vec![merge.value],
            };
            for source in sources {
                let Kind::Map(inherited) = source.kind else {
                    let message = format!("`<<` takes mappings, and this is {}", source.noun());
                    self.fail(Draft::error("merge-key", message).at(source.span, ""));
                    continue;
                };
                for entry in inherited {
                    if !own.iter().any(|known| known.key == entry.key) {
                        own.push(entry);
                    }
                }
            }
        }
        own
    }

    fn syntax(&mut self, error: &ScanError, text: &str) -> bool {
        let marker = *error.marker();
        let start = marker.byte_offset().unwrap_or_default().min(text.len());
        let span = self.span(&granit_parser::Span::empty(marker.with_byte_offset(Some(start))));
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return self.stop(too_deep(span));
        }
        let draft = Draft::error("syntax", format!("this is not YAML: {}", error.info()));
        let hint = match error.kind() {
            ErrorKind::TabInBlockIndentation | ErrorKind::TabNotAllowed => Some("indent with spaces"),
            ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
                Some("is a `:` missing, or is this line indented differently from its neighbours?")
            }
            ErrorKind::ExpectedBlockMappingKey => Some("is this line indented differently from its neighbours?"),
            ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::UnexpectedEofFlowMapping => {
                Some("is a `}` or a `,` missing above?")
            }
            ErrorKind::ExpectedFlowSequenceSeparator | ErrorKind::UnexpectedEofFlowSequence => {
                Some("is a `]` or a `,` missing above?")
            }
            _ => None,
        };
        self.stop(draft.at(span, "").maybe_hint(hint))
    }

    fn fail(&mut self, draft: Draft) {
        self.failed = true;
        self.report.push(draft);
    }

    fn stop(&mut self, draft: Draft) -> bool {
        self.fail(draft);
        false
    }

    fn finish(mut self) -> Option<Node<'s>> {
        if let Some(second) = self.documents.iter().filter(|document| !document.is_null()).nth(1) {
            let span = Span { length: 1, ..second.span };
            self.report.push(
                Draft::error("documents", "a second document begins here; a file holds one")
                    .at(span, "")
                    .hint("remove the `---`, or put this into a file of its own"),
            );
            self.failed = true;
        }
        if self.failed {
            self.report.set_unread(self.file);
        }
        self.documents.into_iter().find(|document| !document.is_null())
    }
}

fn too_deep(span: Span) -> Draft {
    Draft::error("too-deep", format!("values are nested more than {MAX_DEPTH} deep")).at(span, "too deep from here on")
}
