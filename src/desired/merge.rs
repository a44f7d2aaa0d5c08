//! Puts the trees of all files together. Mappings merge key by key at every depth, lists are joined, and a single value
//! given twice is an error that shows both places.

use std::collections::HashMap;

use crate::model::Email;

use super::{
    report::{Draft, Report, Span},
    spec::{self, Type},
    tree::{Entry, Kind, Node},
};

/// Mappings up to this many keys are searched one by one, which is faster than hashing.
const SMALL: usize = 8;

/// Merges the roots of all files, in the order given, into one.
pub(super) fn merge<'s>(roots: Vec<Node<'s>>, report: &mut Report<'_>) -> Option<Node<'s>> {
    let mut roots = roots.into_iter();
    let first = roots.next()?;
    Some(several(first, roots.collect(), &spec::FILES, "", report))
}

/// One value said in several places. `name` is the key in question, for the errors.
fn several<'s>(
    first: Node<'s>,
    rest: Vec<Node<'s>>,
    kind: &'static Type,
    name: &str,
    report: &mut Report<'_>,
) -> Node<'s> {
    if rest.is_empty() {
        return joined(first, Vec::new(), kind, report);
    }
    // "Absent and empty mean the same", so an empty value conflicts with nothing.
    let (empty, mut said): (Vec<_>, Vec<_>) = std::iter::once(first).chain(rest).partition(Node::is_null);
    if takes_lists(kind) {
        said.iter_mut().for_each(list_to_mapping);
    }
    if let [first, others @ ..] = said.as_slice() {
        for other in others {
            let both = (&first.kind, &other.kind);
            if !matches!(both, (Kind::Map(_), Kind::Map(_)) | (Kind::List(_), Kind::List(_))) {
                report.push(conflict(name, first, other));
            }
        }
    }
    // After a conflict, what fits the language is kept, so that the rest is not reported as the wrong kind as well.
    let wanted = |node: &Node<'_>| match kind {
        Type::Leaf(_) => matches!(node.kind, Kind::Scalar { .. } | Kind::Hidden),
        Type::List(_) | Type::Objects(_) => matches!(node.kind, Kind::List(_)),
        Type::Value => true,
        _ => matches!(node.kind, Kind::Map(_)),
    };
    if let Some(fitting) = said.iter().position(wanted) {
        said[..=fitting].rotate_right(1);
    }
    let mut said = said.into_iter().chain(empty);
    match said.next() {
        Some(first) => joined(first, said.collect(), kind, report),
        // Not reached: `first` itself is in one of the two parts.
        None => Node { span: Span { file: 0, line: 1, column: 1, start: 0, length: 0 }, kind: Kind::Null },
    }
}

/// `first`, with the keys or items of those of `rest` that are of its kind.
fn joined<'s>(mut first: Node<'s>, rest: Vec<Node<'s>>, kind: &'static Type, report: &mut Report<'_>) -> Node<'s> {
    if takes_lists(kind) {
        list_to_mapping(&mut first);
    }
    match first.kind {
        Kind::Map(entries) => {
            let more =
                rest.into_iter().filter_map(|node| if let Kind::Map(more) = node.kind { Some(more) } else { None });
            Node { kind: Kind::Map(mapping(entries, more.collect(), kind, report)), ..first }
        }
        Kind::List(mut items) => {
            for node in rest {
                if let Kind::List(more) = node.kind {
                    items.extend(more);
                }
            }
            let item_kind = if let Type::Objects(_) = kind { kind } else { &Type::Free };
            let items = items.into_iter().map(|item| joined(item, Vec::new(), item_kind, report)).collect();
            Node { kind: Kind::List(items), ..first }
        }
        _ => first,
    }
}

/// Brings the values of equal keys together, in the order of their first mention.
fn mapping<'s>(
    first: Vec<Entry<'s>>,
    rest: Vec<Vec<Entry<'s>>>,
    kind: &'static Type,
    report: &mut Report<'_>,
) -> Vec<Entry<'s>> {
    /// A key with what was said of it beyond its first mention, and the mapping that last mentioned it.
    struct Slot<'s> {
        entry: Entry<'s>,
        more: Vec<Node<'s>>,
        map: usize,
    }

    let emails = matches!(kind, Type::Names(names) if names.emails);
    let total = first.len() + rest.iter().map(Vec::len).sum::<usize>();
    let mut slots: Vec<Slot<'s>> = Vec::with_capacity(total);
    let mut index: HashMap<String, usize> = HashMap::new();
    for (map, entries) in std::iter::once(first).chain(rest).enumerate() {
        for entry in entries {
            let known = if emails || total > SMALL {
                let identity = if emails { Email::lenient(&entry.key).key().to_owned() } else { entry.key.to_string() };
                let next = slots.len();
                let at = *index.entry(identity).or_insert(next);
                (at < next).then_some(at)
            } else {
                slots.iter().position(|slot| slot.entry.key == entry.key)
            };
            match known.and_then(|at| slots.get_mut(at)) {
                None => slots.push(Slot { entry, more: Vec::new(), map }),
                Some(slot) if slot.map == map => {
                    let draft = Draft::error("duplicate-key", format!("`{}` is given twice here", slot.entry.key))
                        .at(entry.span, "given again here")
                        .at(slot.entry.span, "first given here");
                    report.push(draft);
                }
                Some(slot) => {
                    slot.map = map;
                    slot.more.push(entry.value);
                }
            }
        }
    }
    let merged = slots.into_iter().map(|Slot { entry, more, .. }| {
        let value = several(entry.value, more, of_key(kind, &entry.key), &entry.key, report);
        Entry { value, ..entry }
    });
    merged.collect()
}

/// What the value of a key in a mapping of this type is.
fn of_key(kind: &'static Type, key: &str) -> &'static Type {
    match kind {
        Type::Names(names) => &names.value,
        _ => kind.object().and_then(|object| object.key(key)).map_or(&Type::Free, |key| &key.value),
    }
}

fn takes_lists(kind: &Type) -> bool {
    matches!(kind, Type::Names(names) if names.list)
}

/// `[a, b]` where a mapping from names is meant: the same as `{ a: , b: }`.
fn list_to_mapping(node: &mut Node<'_>) {
    let Kind::List(items) = &mut node.kind else { return };
    if !items.iter().all(|item| matches!(item.kind, Kind::Scalar { .. })) {
        return;
    }
    let entries = std::mem::take(items).into_iter().filter_map(|item| match item.kind {
        Kind::Scalar { text, .. } => {
            Some(Entry { key: text, span: item.span, value: Node { span: item.span, kind: Kind::Null } })
        }
        _ => None,
    });
    node.kind = Kind::Map(entries.collect());
}

fn conflict(name: &str, first: &Node<'_>, other: &Node<'_>) -> Draft {
    let single = |node: &Node<'_>| matches!(node.kind, Kind::Scalar { .. } | Kind::Hidden);
    let both_single = single(first) && single(other);
    let (message, here, there) = if both_single {
        (format!("`{name}` is given twice"), "given again here".to_owned(), "first given here".to_owned())
    } else {
        let message = format!("`{name}` is {} in one place and {} in another", first.noun(), other.noun());
        (message, format!("{} here", other.noun()), format!("{} here", first.noun()))
    };
    let short = |node: &Node<'_>| match node.kind {
        Kind::Scalar { .. } => node.span,
        _ => Span { length: 1, ..node.span },
    };
    Draft::error("conflict", message)
        .at(short(other), here)
        .at(short(first), there)
        .hint("keep one of them; files are merged, and none overrides another")
}
