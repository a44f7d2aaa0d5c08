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

    /// Where it can be shown: a collection by how it begins.
    pub(super) fn head(&self) -> Span {
        if let Kind::Scalar { .. } = self.kind { self.span } else { self.span.head() }
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

    /// How many nodes it has.
    fn size(&self) -> usize {
        1 + match &self.kind {
            Kind::List(items) => items.iter().map(Node::size).sum::<usize>(),
            Kind::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            Kind::Null | Kind::Scalar { .. } | Kind::Hidden => 0,
        }
    }
}

/// Reads one file; `None` when it is empty or cannot be read, which is reported.
pub(super) fn parse<'s>(file: u32, text: &'s str, report: &mut Report<'s>) -> Option<Node<'s>> {
    let (stack, documents, anchors) = (Vec::new(), Vec::new(), HashMap::new());
    let mut builder =
        Builder { file, report, stack, anchors, documents, nodes: 0, aliased: 0, failed: false, stopped: false };
    let options = granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => builder.event(event, &span),
            Err(error) => builder.syntax(&error, text),
        }
        if builder.stopped {
            builder.report.set_unread(file);
            return None;
        }
    }
    builder.finish()
}

/// The tab that the line below `at` is indented with. A parser that takes such a line for the end of the value before it
/// complains of that value's line.
fn tab_below(at: Span, text: &str) -> Option<Span> {
    let here = text.get(at.start as usize..)?;
    let line_end = here.find('\n')? + 1;
    let below = &here[line_end..];
    let indent = &below[..below.len() - below.trim_start_matches([' ', '\t']).len()];
    let column = indent.find('\t')?;
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Some(Span {
        line: at.line + 1,
        column: small(column + 1),
        start: at.start + small(line_end + column),
        length: 1,
        ..at
    })
}

/// A collection that is not at its end.
struct Open<'s> {
    node: Node<'s>,
    anchor: usize,
    /// In a mapping, the key whose value comes next.
    key: Option<(Cow<'s, str>, Span)>,
}

struct Builder<'r, 's> {
    file: u32,
    report: &'r mut Report<'s>,
    stack: Vec<Open<'s>>,
    anchors: HashMap<usize, Node<'s>>,
    documents: Vec<Node<'s>>,
    nodes: usize,
    aliased: usize,
    failed: bool,
    /// Reading on makes no sense.
    stopped: bool,
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

    fn event(&mut self, event: Event<'s>, span: &granit_parser::Span) {
        let span = self.span(span);
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.stop("too-large", span, "this file has too many values");
            return;
        }
        if self.stack.len() > MAX_DEPTH {
            return self.too_deep(span);
        }
        if let Some(tag) = event.tag().filter(|tag| !tag.is_yaml_core_schema()) {
            self.fail("tag", span, format!("the tag `{tag}` means nothing here")).hint("remove the tag");
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let null = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let key_is_due =
                    self.stack.last().is_some_and(|open| matches!(open.node.kind, Kind::Map(_)) && open.key.is_none());
                let kind = if null && (!key_is_due || text.is_empty() || text == "~") {
                    Kind::Null
                } else {
                    Kind::Scalar { text, plain }
                };
                self.put(Node { span, kind }, anchor);
            }
            Event::SequenceStart(_, anchor, _) => self.open(Node { span, kind: Kind::List(Vec::new()) }, anchor),
            Event::MappingStart(_, anchor, _) => self.open(Node { span, kind: Kind::Map(Vec::new()) }, anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { mut node, anchor, .. }) = self.stack.pop() {
                    if let Kind::Map(entries) = &mut node.kind {
                        self.merge_keys(entries);
                    }
                    self.put(node, anchor);
                }
            }
            Event::Alias(id) => self.alias(id, span),
            Event::UnresolvedAlias(name) => {
                self.fail("alias", span, format!("there is no anchor `&{name}` above this line"));
                self.put(Node { span, kind: Kind::Null }, 0);
            }
            _ => {}
        }
    }

    fn open(&mut self, node: Node<'s>, anchor: usize) {
        self.stack.push(Open { node, anchor, key: None });
    }

    fn alias(&mut self, id: usize, span: Span) {
        let Some(node) = self.anchors.get(&id) else {
            self.stop("alias", span, "an alias inside the very value that it stands for");
            return;
        };
        self.aliased += node.size();
        if self.aliased > MAX_ALIASED {
            let message = format!("the aliases in this file stand for more than {MAX_ALIASED} values");
            let draft = self.stop("too-large", span, message);
            draft.label("too many from here on").hint("write the values out, or split them up");
            return;
        }
        let node = node.clone();
        self.put(node, 0);
    }

    /// Puts a finished value where it belongs: as a key, a value, an item or a document.
    fn put(&mut self, node: Node<'s>, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.stack.last_mut() else { return self.documents.push(node) };
        match (&mut open.node.kind, open.key.take()) {
            (Kind::List(items), _) => items.push(node),
            // An empty key was reported when it was read.
            (Kind::Map(entries), Some((key, span))) if !key.is_empty() => {
                entries.push(Entry { key, span, value: node });
            }
            (_, None) => {
                let (span, noun) = (node.span, node.noun());
                let key = if let Kind::Scalar { text, .. } = node.kind { text } else { Cow::Borrowed("") };
                let empty = key.is_empty();
                open.key = Some((key, span));
                if empty {
                    self.fail("key", span, format!("a key has to be a text, and this is {noun}"));
                }
            }
            _ => {}
        }
    }

    /// Expands `<<: *anchor`: keys of the mapping itself win, then those of earlier sources.
    fn merge_keys(&mut self, entries: &mut Vec<Entry<'s>>) {
        for merge in entries.extract_if(.., |entry| entry.key == "<<").collect::<Vec<_>>() {
            let sources = match merge.value.kind {
                Kind::List(items) => items,
                _ => vec![merge.value],
            };
            for source in sources {
                let Kind::Map(inherited) = source.kind else {
                    self.fail("merge-key", source.span, format!("`<<` takes mappings, and this is {}", source.noun()));
                    continue;
                };
                for entry in inherited {
                    if !entries.iter().any(|known| known.key == entry.key) {
                        entries.push(entry);
                    }
                }
            }
        }
    }

    fn syntax(&mut self, error: &ScanError, text: &str) {
        let marker = *error.marker();
        let start = marker.byte_offset().unwrap_or_default().min(text.len());
        let span = self.span(&granit_parser::Span::empty(marker.with_byte_offset(Some(start))));
        if let Some(tab) = tab_below(span, text) {
            self.stop("syntax", tab, "this is not YAML: a tab stands where the line is indented")
                .hint("indent with spaces");
            return;
        }
        let hint = match error.kind() {
            ErrorKind::RecursionLimitExceeded => return self.too_deep(span),
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
        let draft = self.stop("syntax", span, format!("this is not YAML: {}", error.info()));
        hint.into_iter().for_each(|hint| draft.hint(hint));
    }

    fn fail(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Draft {
        self.failed = true;
        self.report.error(code, span, message)
    }

    fn stop(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Draft {
        self.stopped = true;
        self.fail(code, span, message)
    }

    fn too_deep(&mut self, span: Span) {
        let message = format!("values are nested more than {MAX_DEPTH} deep");
        self.stop("too-deep", span, message).label("too deep from here on");
    }

    fn finish(mut self) -> Option<Node<'s>> {
        self.documents.retain(|document| !document.is_null());
        if let Some(second) = self.documents.get(1) {
            let span = second.span.head();
            self.fail("documents", span, "a second document begins here; a file holds one")
                .hint("remove the `---`, or put this into a file of its own");
        }
        if self.failed {
            self.report.set_unread(self.file);
        }
        self.documents.into_iter().next()
    }
}
