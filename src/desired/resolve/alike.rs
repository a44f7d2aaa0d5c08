//! Names that people take for one although they are two: one of them is probably a slip.

use std::collections::BTreeMap;

use crate::{
    desired::report::{Report, Span},
    model::overlooked,
};

/// Warns of names that differ only in what is easily overlooked.
pub(super) fn warn<'n>(what: &str, names: impl Iterator<Item = (&'n str, Span)>, report: &mut Report<'_>) {
    let mut first: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    for (name, span) in names {
        let (other, place) = *first.entry(overlooked(name)).or_insert((name, span));
        if other != name {
            let message = format!("the {what} `{other}` and `{name}` differ only by blanks or case");
            let draft = report.warning("alike-names", span, message).label("one").and(place, "the other");
            draft.hint("names are compared exactly, so these are two; if they are meant to be one, spell it one way");
        }
    }
}
