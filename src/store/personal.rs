//! Personal values of entries stand beside the chain, so that they can be deleted while it holds.
//!
//! An entry's text has a reference in the place of each such value: the SHA-256 of a random key and the value. Key and
//! value are kept in `ledger_personal`. As long as they are there, `history --verify` proves that the value is what was
//! written. Once they are deleted, nobody can tell what it was: without the key, an address cannot be guessed either.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{error::Fault, row};

/// What is shown in the place of a value that was forgotten.
pub const FORGOTTEN: &str = "(forgotten)";

/// The only key of a reference.
const REF: &str = "ref";

/// Fields of entries that say who somebody is, or may quote it.
const PERSONAL: [&str; 8] = ["account", "because", "live", "message", "people", "read_back", "reason", "request"];

/// Ids and names that are nobody's as a rule; one with an `@` in it may be an address.
const PSEUDONYMS: [&str; 3] = ["account_id", "group", "group_id"];

/// The values that an entry refers to, each with its key.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Personal(BTreeMap<String, (String, Value)>);

impl Personal {
    /// Takes the personal values out of an entry and leaves references.
    pub(super) fn seal(entry: &mut Map<String, Value>, mut key: impl FnMut() -> String) -> Result<Self, Fault> {
        let mut personal = Self::default();
        for (name, place) in places(entry) {
            let pseudonym = PSEUDONYMS.contains(&name) && !place.as_str().is_some_and(|text| text.contains('@'));
            if pseudonym || place.is_null() {
                continue;
            }
            let (key, value) = (key(), place.take());
            let reference = reference(&key, &value)?;
            *place = json!({ REF: reference });
            personal.0.insert(reference, (key, value));
        }
        Ok(personal)
    }

    /// Puts the values back, and a placeholder where one was forgotten.
    pub(super) fn open(mut self, entry: &mut Map<String, Value>) {
        for (name, place) in places(entry) {
            let Some(reference) = referred(place) else { continue };
            *place = match (self.0.remove(reference), name) {
                (Some((_, value)), _) => value,
                (None, "because" | "people") => Value::Array(Vec::new()),
                (None, _) => FORGOTTEN.into(),
            };
        }
    }

    /// What is wrong with the values of a sealed entry, or whether some of them are gone.
    pub(super) fn check(&self, entry: &mut Map<String, Value>) -> Result<Result<Gone, &'static str>, Fault> {
        let (mut found, mut gone) = (0, Gone(false));
        for (_, place) in places(entry) {
            let Some(named) = referred(place) else { continue };
            match self.0.get(named) {
                None => gone = Gone(true),
                Some((key, value)) if reference(key, value)? == named => found += 1,
                Some(_) => return Ok(Err("a value that it refers to is not what was written")),
            }
        }
        Ok(if found == self.0.len() { Ok(gone) } else { Err("there are values beside it that it does not refer to") })
    }

    pub(super) fn parse(text: Option<String>) -> Result<Self, Fault> {
        text.map_or_else(|| Ok(Self::default()), |text| Ok(serde_json::from_str(&text)?))
    }

    /// The text to keep; none when there is nothing to keep.
    pub(super) fn text(&self) -> Result<Option<String>, Fault> {
        if self.0.is_empty() { Ok(None) } else { Ok(Some(serde_json::to_string(self)?)) }
    }

    /// Forgets the values that pass a test, and says how many there were.
    pub(super) fn forget(&mut self, wanted: impl Fn(&Value) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|_, (_, value)| !wanted(value));
        before - self.0.len()
    }
}

/// Whether values of an entry were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone(pub(super) bool);

/// A key that nobody can guess.
pub(super) fn new_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Every place of an entry that may hold a personal value, with the name of its field.
fn places(entry: &mut Map<String, Value>) -> Vec<(&str, &mut Value)> {
    let mut places = Vec::new();
    for (name, value) in entry {
        match (&**name, value) {
            (name, value) if PERSONAL.contains(&name) || PSEUDONYMS.contains(&name) => places.push((name, value)),
            ("changes", Value::Array(changes)) => {
                let values = changes.iter_mut().filter_map(Value::as_object_mut).flatten();
                places.extend(values.filter(|(name, _)| *name != "field").map(|(name, value)| (&**name, value)));
            }
            _ => {}
        }
    }
    places
}

fn referred(place: &Value) -> Option<&str> {
    place.as_object()?.get(REF)?.as_str()
}

fn reference(key: &str, value: &Value) -> Result<String, Fault> {
    Ok(row::hash(&[key, &row::canonical(value)?]))
}
