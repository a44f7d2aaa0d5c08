//! Puts the trees of all files together. Mappings merge key by key at every depth, lists are joined, and a single value
//! given twice is an error that shows both places. People do not merge: each stands in one place.

use std::{borrow::Cow, collections::HashMap};

use crate::model::Email;

use super::{
    report::{Report, Span},
    spec::{self, Type},
    tree::{Entry, Kind, Node},
};

/// Mappings up to this many keys are searched one by one, which is faster than hashing.
const SMALL: usize = 8;

/// Merges the roots of all files, in the order given, into one.
pub(super) fn merge<'s>(roots: Vec<Node<'s>>, report: &mut Report<'_>) -> Option<Node<'s>> {
    several(roots, &spec::FILES, "", report)
}

/// One value said in several places. `name` is the key in question, for the errors.
fn several<'s>(mut said: Vec<Node<'s>>, kind: &'static Type, name: &str, report: &mut Report<'_>) -> Option<Node<'s>> {
    if matches!(kind, Type::Names(names) if names.list) {
        said.iter_mut().for_each(list_to_mapping);
    }
    if said.len() > 1 {
        // "Absent and empty mean the same", so an empty value conflicts with nothing.
        said.sort_by_key(Node::is_null);
        for other in said.iter().skip(1).filter(|other| !other.is_null()) {
            let both = (&said[0].kind, &other.kind);
            if !matches!(both, (Kind::Map(_), Kind::Map(_)) | (Kind::List(_), Kind::List(_))) {
                conflict(name, &said[0], other, report);
            }
        }
        // After a conflict, what fits the language is kept, so that the rest is not reported as the wrong kind as well.
        let fits = |node: &Node<'_>| match kind {
            Type::Leaf(_) => matches!(node.kind, Kind::Scalar { .. } | Kind::Hidden),
            Type::List(_) | Type::Objects(_) => matches!(node.kind, Kind::List(_)),
            Type::Value => true,
            _ => matches!(node.kind, Kind::Map(_)),
        };
        if let Some(fitting) = said.iter().position(fits) {
            said[..=fitting].rotate_right(1);
        }
    }
    let mut said = said.into_iter();
    let first = said.next()?;
    let merged = match first.kind {
        Kind::Map(entries) => {
            let more = said.filter_map(|node| if let Kind::Map(more) = node.kind { Some(more) } else { None });
            Kind::Map(mapping(std::iter::once(entries).chain(more).collect(), kind, report))
        }
        Kind::List(mut items) => {
            for node in said {
                if let Kind::List(more) = node.kind {
                    items.extend(more);
                }
            }
            Kind::List(items.into_iter().filter_map(|item| several(vec![item], kind.of_items(), "", report)).collect())
        }
        single => single,
    };
    Some(Node { kind: merged, ..first })
}

/// Brings the values of equal keys together, in the order of their first mention.
fn mapping<'s>(maps: Vec<Vec<Entry<'s>>>, kind: &'static Type, report: &mut Report<'_>) -> Vec<Entry<'s>> {
    /// A key with all that was said of it, and the mapping that last mentioned it.
    struct Slot<'s> {
        key: Cow<'s, str>,
        span: Span,
        said: Vec<Node<'s>>,
        map: usize,
    }

    let emails = matches!(kind, Type::Names(names) if names.emails);
    let once = matches!(kind, Type::Names(names) if names.once);
    let total = maps.iter().map(Vec::len).sum();
    let mut slots: Vec<Slot<'s>> = Vec::with_capacity(total);
    let mut index: HashMap<String, usize> = HashMap::new();
    for (map, entries) in maps.into_iter().enumerate() {
        for Entry { key, span, value } in entries {
            let next = slots.len();
            let at = if emails || total > SMALL {
                let identity = if emails { Email::lenient(&key).key().to_owned() } else { key.to_string() };
                *index.entry(identity).or_insert(next)
            } else {
                slots.iter().position(|slot| slot.key == key).unwrap_or(next)
            };
            match slots.get_mut(at) {
                None => slots.push(Slot { key, span, said: vec![value], map }),
                Some(slot) if slot.map == map => {
                    let draft = report.error("duplicate-key", span, format!("`{}` is given twice here", slot.key));
                    draft.label("given again here").and(slot.span, "first given here");
                }
                Some(slot) if once => {
                    let draft = report.error("second-entry", span, format!("`{}` has a second entry", slot.key));
                    let draft = draft.label("given again here").and(slot.span, "first given here");
                    draft.hint("a person stands in one place, whose owner answers for it: say everything there");
                }
                Some(slot) => {
                    slot.map = map;
                    slot.said.push(value);
                }
            }
        }
    }
    let merged = slots.into_iter().filter_map(|Slot { key, span, said, .. }| {
        let value = several(said, kind.of_key(&key).unwrap_or(&Type::Free), &key, report)?;
        Some(Entry { key, span, value })
    });
    merged.collect()
}

/// `[a, b]` where a mapping from names is meant: the same as `{ a: , b: }`.
fn list_to_mapping(node: &mut Node<'_>) {
    let Kind::List(items) = &mut node.kind else { return };
    if !items.iter().all(|item| matches!(item.kind, Kind::Scalar { .. })) {
        return;
    }
    let entries = std::mem::take(items).into_iter().filter_map(|Node { span, kind }| match kind {
        Kind::Scalar { text, .. } => Some(Entry { key: text, span, value: Node { span, kind: Kind::Null } }),
        _ => None,
    });
    node.kind = Kind::Map(entries.collect());
}

fn conflict(name: &str, first: &Node<'_>, other: &Node<'_>, report: &mut Report<'_>) {
    let single = |node: &Node<'_>| matches!(node.kind, Kind::Scalar { .. } | Kind::Hidden);
    let (message, here, there) = if single(first) && single(other) {
        (format!("`{name}` is given twice"), "given again here".to_owned(), "first given here".to_owned())
    } else {
        let message = format!("`{name}` is {} in one place and {} in another", first.noun(), other.noun());
        (message, format!("{} here", other.noun()), format!("{} here", first.noun()))
    };
    let draft = report.error("conflict", other.head(), message).label(here).and(first.head(), there);
    draft.hint("keep one of them; files are merged, and none overrides another");
}
