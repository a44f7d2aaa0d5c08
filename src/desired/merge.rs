//! Puts the trees of all files together. Mappings merge key by key at every depth, lists are joined, and a single value
//! given twice is an error that shows both places.

use std::{borrow::Cow, collections::HashMap};

use crate::model::Email;

use super::{
    report::{Draft, Report, Span},
    spec::{self, Names, Type},
    tree::{Entry, Kind, Node},
};

/// Mappings up to this many keys are searched one by one, which is faster than hashing.
const SMALL: usize = 8;

/// Merges the roots of all files, in the order given, into one.
pub(super) fn merge<'s>(roots: Vec<Node<'s>>, report: &mut Report<'_>) -> Option<Node<'s>> {
    if roots.is_empty() { None } else { Some(nodes(roots, &spec::FILES, "", report)) }
}

/// One value said in several places (or in one). `name` is the key in question, for the errors.
fn nodes<'s>(mut all: Vec<Node<'s>>, kind: &'static Type, name: &str, report: &mut Report<'_>) -> Node<'s> {
    if let Type::Names(names) = kind
        && names.list
    {
        all.iter_mut().for_each(list_to_mapping);
    }
    if all.len() > 1 && all.iter().any(|node| !node.is_null()) {
        // "Absent and empty mean the same", so an empty value conflicts with nothing.
        all.retain(|node| !node.is_null());
    }
    if let [first, rest @ ..] = all.as_slice() {
        for other in rest {
            let agree = matches!(
                (&first.kind, &other.kind),
                (Kind::Map(_), Kind::Map(_)) | (Kind::List(_), Kind::List(_)) | (Kind::Null, Kind::Null)
            );
            if !agree {
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
    if let Some(fitting) = all.iter().position(wanted) {
        all[..=fitting].rotate_right(1);
    }
    let mut parts = all.into_iter();
    // `all` is never empty: the callers collect at least one value.
    let Some(first) = parts.next() else {
        return Node { span: Span { file: 0, line: 1, column: 1, start: 0, length: 0 }, kind: Kind::Null };
    };
    let span = first.span;
    match first.kind {
        Kind::Map(entries) => {
            let mut maps = vec![entries];
            maps.extend(parts.filter_map(|node| if let Kind::Map(entries) = node.kind { Some(entries) } else { None }));
            Node { span, kind: Kind::Map(mapping(maps, kind, report)) }
        }
        Kind::List(mut items) => {
            for part in parts {
                if let Kind::List(more) = part.kind {
                    items.extend(more);
                }
            }
            let item = match kind {
                Type::Objects(object) => object,
                _ => return Node { span, kind: Kind::List(items) },
            };
            let items = items.into_iter().map(|node| {
                if let Kind::Map(entries) = node.kind {
                    let merged = object_mapping(vec![entries], item, report);
                    Node { span: node.span, kind: Kind::Map(merged) }
                } else {
                    node
                }
            });
            Node { span, kind: Kind::List(items.collect()) }
        }
        kind => Node { span, kind },
    }
}

fn mapping<'s>(maps: Vec<Vec<Entry<'s>>>, kind: &'static Type, report: &mut Report<'_>) -> Vec<Entry<'s>> {
    match kind {
        Type::Names(names) => group(maps, Some(names), report, |_| &names.value),
        _ => match kind.object() {
            Some(object) => object_mapping(maps, object, report),
            None => group(maps, None, report, |_| &Type::Free),
        },
    }
}

fn object_mapping<'s>(
    maps: Vec<Vec<Entry<'s>>>,
    object: &'static spec::Object,
    report: &mut Report<'_>,
) -> Vec<Entry<'s>> {
    group(maps, None, report, |name| object.key(name).map_or(&Type::Free, |key| &key.value))
}

/// Brings the values of equal keys together, in the order of their first mention.
fn group<'s>(
    maps: Vec<Vec<Entry<'s>>>,
    names: Option<&'static Names>,
    report: &mut Report<'_>,
    kind: impl Fn(&str) -> &'static Type,
) -> Vec<Entry<'s>> {
    struct Slot<'s> {
        key: Cow<'s, str>,
        span: Span,
        map: usize,
        values: Vec<Node<'s>>,
    }

    let total: usize = maps.iter().map(Vec::len).sum();
    let mut slots: Vec<Slot<'s>> = Vec::with_capacity(total);
    let emails = names.is_some_and(|names| names.emails);
    let identity = |key: &str| if emails { Email::lenient(key).key().to_owned() } else { key.to_owned() };
    let mut index: HashMap<String, usize> = HashMap::new();
    for (map, entries) in maps.into_iter().enumerate() {
        for entry in entries {
            let known = if emails || total > SMALL {
                let next = slots.len();
                let at = *index.entry(identity(&entry.key)).or_insert(next);
                (at < next).then_some(at)
            } else {
                slots.iter().position(|slot| slot.key == entry.key)
            };
            match known.and_then(|at| slots.get_mut(at)) {
                None => slots.push(Slot { key: entry.key, span: entry.span, map, values: vec![entry.value] }),
                Some(slot) if slot.map == map => {
                    let draft = Draft::error("duplicate-key", format!("`{}` is given twice here", slot.key))
                        .at(entry.span, "given again here")
                        .at(slot.span, "first given here");
                    report.push(draft);
                }
                Some(slot) => {
                    slot.map = map;
                    slot.values.push(entry.value);
                }
            }
        }
    }
    let merged = slots.into_iter().map(|slot| {
        let value = nodes(slot.values, kind(&slot.key), &slot.key, report);
        Entry { key: slot.key, span: slot.span, value }
    });
    merged.collect()
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
