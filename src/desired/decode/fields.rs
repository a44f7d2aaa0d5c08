//! Reading the keys of a mapping, with the types that the language's description gives them.

#[cfg(test)]
use std::{cell::RefCell, collections::BTreeSet};
use std::{str::FromStr, sync::Arc};

use crate::{
    desired::{
        nearest,
        report::Span,
        secret,
        spec::{self, Key, Leaf, Names, Object, Rest, Type},
        tree::{Entry, Kind, Node},
    },
    model::{Email, FieldValue},
};

use super::{Decoder, Named};

#[cfg(test)]
thread_local! {
    /// Every key that the decoder asked for, with its object: a test compares them with the description.
    pub(in crate::desired) static ASKED: RefCell<BTreeSet<(&'static str, &'static str)>> =
        const { RefCell::new(BTreeSet::new()) };
}

/// A mapping with known keys.
pub(super) struct Fields<'a, 's> {
    entries: &'a [Entry<'s>],
    object: &'static Object,
    /// Where the mapping itself is, for what is missing in it.
    pub span: Span,
}

impl<'a, 's> Fields<'a, 's> {
    /// Opens a mapping and reports the keys it should not have. Anything but a mapping is reported and reads as an
    /// empty one. `span` is the key it stands under.
    pub(super) fn open(d: &mut Decoder<'_, 's>, node: &'a Node<'s>, object: &'static Object, span: Span) -> Self {
        let entries = match &node.kind {
            Kind::Map(entries) => entries.as_slice(),
            Kind::Null => &[],
            _ => {
                d.wrong_type(node, "a mapping");
                &[]
            }
        };
        if object.rest == Rest::Unknown {
            for entry in entries.iter().filter(|entry| object.key(&entry.key).is_none()) {
                let message = format!("unknown key `{}` in {}", entry.key, article(object.name));
                let hint = nearest::hint(&entry.key, object.names(), "known keys");
                d.report.error("unknown-key", entry.span, message).hint(hint);
            }
        }
        Self { entries, object, span }
    }

    fn key(&self, name: &'static str) -> &'static Key {
        #[cfg(test)]
        ASKED.with_borrow_mut(|asked| asked.insert((self.object.name, name)));
        // Holds for every key: a test decodes each object and would fail here.
        self.object.key(name).expect("the decoder asks only for keys that are described")
    }

    /// The entry of a key; none when it is absent or empty, which mean the same.
    pub(super) fn entry(&self, name: &'static str) -> Option<&'a Entry<'s>> {
        let _ = self.key(name);
        self.entries.iter().find(|entry| entry.key == name && !entry.value.is_null())
    }

    /// All entries.
    pub(super) fn all(&self) -> &'a [Entry<'s>] {
        self.entries
    }

    /// Keys that are not the language's own: fields of the connector.
    pub(super) fn others(&self) -> impl Iterator<Item = &'a Entry<'s>> {
        let object = self.object;
        self.entries.iter().filter(move |entry| object.key(&entry.key).is_none())
    }

    fn leaf(&self, name: &'static str) -> &'static Leaf {
        match self.key(name).value {
            Type::Leaf(leaf) | Type::List(leaf) | Type::Either(leaf, _) => leaf,
            _ => panic!("`{name}` is not a single value"),
        }
    }

    /// Reports a key that has to be there and is not.
    pub(super) fn require(&self, d: &mut Decoder<'_, 's>, name: &'static str, message: String, hint: &str) {
        if self.entry(name).is_none() {
            d.report.error("missing", self.span, message).hint(hint);
        }
    }

    /// A single value, trimmed and not empty.
    pub(super) fn text(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> Option<(&'a str, Span)> {
        let leaf = self.leaf(name);
        let entry = self.entry(name)?;
        Some((d.text(&entry.value, leaf)?, entry.value.span))
    }

    /// A single value, trimmed; `""` says that there is none.
    pub(super) fn text_or_empty(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> Option<&'a str> {
        match &self.entry(name)?.value.kind {
            Kind::Scalar { text, .. } if text.trim().is_empty() => Some(""),
            _ => self.text(d, name).map(|(text, _)| text),
        }
    }

    /// The entry of a key, even one that holds nothing.
    pub(super) fn as_written(&self, name: &'static str) -> Option<&'a Entry<'s>> {
        self.entries.iter().find(|entry| entry.key == name)
    }

    /// A single value that `parse` understands; what it returns as an error is the hint.
    pub(super) fn parsed<T>(
        &self,
        d: &mut Decoder<'_, 's>,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<(T, Span)> {
        let leaf = self.leaf(name);
        let (text, span) = self.text(d, name)?;
        match parse(text) {
            Ok(value) => Some((value, span)),
            Err(hint) => {
                // What is masked in the line is not told in the sentence either.
                let text =
                    if std::ptr::eq(leaf, &raw const spec::URL) { secret::shown_url(text) } else { text.to_owned() };
                d.bad_value(span, format!("`{text}` is not {}", leaf.what), &hint);
                None
            }
        }
    }

    /// One of a fixed set of words, all of which `T` reads.
    pub(super) fn word<T: FromStr>(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> Option<(T, Span)> {
        let leaf = self.leaf(name);
        let (text, span) = self.text(d, name)?;
        Some((d.word(name, text, span, leaf)?.parse().ok()?, span))
    }

    /// A whole number that fits.
    pub(super) fn count(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> Option<(u32, Span)> {
        self.parsed(d, name, |text| text.parse().map_err(|_| format!("write a whole number from 0 to {}", u32::MAX)))
    }

    /// A single value with where it stands.
    pub(super) fn name(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> Option<Named<Arc<str>>> {
        self.text(d, name).map(|(text, span)| Named { name: text.into(), span })
    }

    /// The items of [`Self::texts`], each with where it stands.
    pub(super) fn list(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> Vec<Named<Arc<str>>> {
        self.texts(d, name).into_iter().map(|(text, span)| Named { name: text.into(), span }).collect()
    }

    /// Entries whose keys are addresses, each with what `decode` makes of it.
    pub(super) fn by_email<T>(
        &self,
        d: &mut Decoder<'_, 's>,
        name: &'static str,
        decode: impl Fn(&mut Decoder<'_, 's>, &'a Entry<'s>) -> Option<T>,
    ) -> Vec<(Named<Email>, T)> {
        let entries = self.names(d, name).iter();
        let entry = |entry: &'a Entry<'s>| {
            let value = decode(d, entry);
            let email = d.email(&entry.key, entry.span);
            Some((Named { name: email?, span: entry.span }, value?))
        };
        entries.filter_map(entry).collect()
    }

    /// Attributes or the fields that `match` looks at.
    pub(super) fn attributes<T: FromIterator<(Arc<str>, FieldValue)>>(
        &self,
        d: &mut Decoder<'_, 's>,
        name: &'static str,
    ) -> T {
        let entries = self.names(d, name).iter();
        entries.filter_map(|entry| Some((Arc::from(&*entry.key), d.field_value(&entry.value)?))).collect()
    }

    /// The items of a list of single values; a single one stands for a list.
    pub(super) fn texts(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> Vec<(&'a str, Span)> {
        let leaf = self.leaf(name);
        let Some(entry) = self.entry(name) else { return Vec::new() };
        let items = match &entry.value.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        items.iter().filter_map(|item| Some((d.text(item, leaf)?, item.span))).collect()
    }

    /// The entries of a mapping from names.
    pub(super) fn names(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> &'a [Entry<'s>] {
        let Type::Names(names) = &self.key(name).value else { panic!("`{name}` is not a mapping from names") };
        let Some(entry) = self.entry(name) else { return &[] };
        match &entry.value.kind {
            // A section is always a mapping.
            Kind::List(items) if items.is_empty() && self.object.name != spec::ROOT.name => {}
            Kind::Map(_) => {}
            _ => d.wrong_type(&entry.value, &names.expected()),
        }
        entry.value.entries()
    }

    /// The mappings of a list of mappings; a single one stands for a list.
    pub(super) fn objects(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> Vec<Fields<'a, 's>> {
        let Type::Objects(object) = self.key(name).value else { panic!("`{name}` is not a list of mappings") };
        let Some(entry) = self.entry(name) else { return Vec::new() };
        // A mapping in a list is shown by its first key.
        let span = |item: &Node<'s>| item.entries().first().map_or(item.span.head(), |entry| entry.span);
        match &entry.value.kind {
            Kind::List(items) => items.iter().map(|item| Fields::open(d, item, object, span(item))).collect(),
            _ => vec![Fields::open(d, &entry.value, object, entry.span)],
        }
    }

    /// A mapping with known keys.
    pub(super) fn object(&self, d: &mut Decoder<'_, 's>, name: &'static str) -> Option<Fields<'a, 's>> {
        let Type::Object(object) = self.key(name).value else { panic!("`{name}` is not a mapping") };
        let entry = self.entry(name)?;
        Some(Fields::open(d, &entry.value, object, entry.span))
    }
}

impl<'s> Decoder<'_, 's> {
    pub(super) fn wrong_type(&mut self, node: &Node<'s>, expected: &str) {
        // What is hidden was reported when it was hidden.
        if !matches!(node.kind, Kind::Hidden) {
            let message = format!("expected {expected}, found {}", node.noun());
            self.report.error("wrong-type", node.head(), message);
        }
    }

    /// Reports a value that is right by its looks and wrong by its meaning.
    pub(super) fn bad_value(&mut self, span: Span, message: impl Into<String>, hint: &str) {
        self.report.error("bad-value", span, message).hint(hint);
    }

    /// A single value, trimmed; anything else, and an empty one, is reported.
    pub(super) fn text<'a>(&mut self, node: &'a Node<'s>, leaf: &Leaf) -> Option<&'a str> {
        match &node.kind {
            Kind::Scalar { text, .. } if !text.trim().is_empty() => return Some(text.trim()),
            Kind::Scalar { .. } | Kind::Null => {
                self.report.error("empty", node.span, format!("expected {}, found nothing", leaf.what));
            }
            _ => self.wrong_type(node, leaf.what),
        }
        None
    }

    /// One of a key's fixed set of words.
    pub(super) fn word(&mut self, key: &str, text: &str, span: Span, leaf: &'static Leaf) -> Option<&'static str> {
        let known = leaf.words.iter().copied().find(|word| *word == text);
        if known.is_none() {
            let hint = nearest::hint(text, leaf.words.iter().copied(), "values");
            self.bad_value(span, format!("`{text}` is not a value of `{key}`"), &hint);
        }
        known
    }

    /// An address as a key or a value; what is none is reported.
    pub(super) fn email(&mut self, text: &str, span: Span) -> Option<Email> {
        let refuse = |error| {
            self.report.error("bad-email", span, format!("`{text}` is not an email address: {error}"));
        };
        Email::parse(text).map_err(refuse).ok()
    }

    /// The name that an entry gives to what it describes. An empty one can be typed by accident and means nothing.
    pub(super) fn named(&mut self, entry: &Entry<'s>, what: &str) -> Option<Named<Arc<str>>> {
        if entry.key.trim().is_empty() {
            self.report.error("empty", entry.span, format!("{what} needs a name"));
            return None;
        }
        Some(Named { name: (&*entry.key).into(), span: entry.span })
    }
}

fn article(name: &str) -> String {
    match name {
        "settings" | "defaults" | "grantable" | "auth" | "options" => format!("`{name}`"),
        "files" => "the files".to_owned(),
        _ if name.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

impl Names {
    /// What a value has to be, for the errors.
    fn expected(&self) -> String {
        let noun = self.what.trim_start_matches("an ").trim_start_matches("a ");
        let plural = if noun.ends_with("address") { "es" } else { "s" };
        format!("a mapping whose keys are {noun}{plural}")
    }
}
