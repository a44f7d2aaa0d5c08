//! What the values of fields are called: the app's words, and ours.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    manifest::{Fields, Lookup},
    template::{Dotted, need},
};
use crate::{
    connectors::Error,
    model::{FieldName, FieldValue, Values, Words},
};

/// The names that a lookup gave for the ids that an app takes.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    /// What the app takes for a word, which is a name, or an id whose name is the name of something else as well.
    by_word: BTreeMap<Arc<str>, Value>,
    /// The word for an id, as text.
    by_id: BTreeMap<Arc<str>, Arc<str>>,
    /// Names of several things, with their ids.
    ambiguous: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

impl Dictionary {
    /// The dictionary that rows of a lookup make.
    ///
    /// # Errors
    /// What a row lacks.
    pub(super) fn of(rows: &[Value], lookup: &Lookup) -> Result<Self, String> {
        let mut by_name: BTreeMap<Arc<str>, Vec<(Arc<str>, Value)>> = BTreeMap::new();
        for row in rows {
            let (id, name) = (need("row", &lookup.id, row)?, need("row", &lookup.name, row)?);
            let wire = lookup.id.get(row).cloned().unwrap_or(Value::Null);
            by_name.entry(name).or_default().push((id, wire));
        }
        let mut dictionary = Self::default();
        for (name, ids) in &by_name {
            let several = ids.len() > 1;
            for (id, wire) in ids {
                let word = if several { id } else { name };
                dictionary.by_id.insert(id.clone(), word.clone());
                // An id that is the name of something else stands for that.
                if !several || !by_name.contains_key(id) {
                    dictionary.by_word.insert(word.clone(), wire.clone());
                }
            }
            if several {
                dictionary.ambiguous.insert(name.clone(), ids.iter().map(|(id, _)| id.clone()).collect());
            }
        }
        Ok(dictionary)
    }

    /// What the app takes for a word that stands for exactly one thing.
    ///
    /// # Errors
    /// Why it does not.
    pub(super) fn wire(&self, word: &str) -> Result<&Value, String> {
        match (self.by_word.get(word), self.ambiguous.get(word)) {
            (Some(wire), _) => Ok(wire),
            (None, Some(ids)) => Err(format!("the app has {} of the name `{word}`: {}", ids.len(), ids.join(", "))),
            (None, None) => Err(format!("the app has nothing of the name `{word}`")),
        }
    }

    /// What the files may say.
    pub(super) fn vocabulary(&self) -> Words {
        let known = self.by_word.keys().cloned().collect();
        Words { known, ambiguous: self.ambiguous.clone(), repair: REPAIR.into() }
    }
}

/// What to do about a name that an app does not know.
const REPAIR: &str = "write a name that the app knows, spelt just so";

/// How one field's values are translated.
#[derive(Debug, Clone)]
pub(super) enum Wording {
    /// As the manifest says: our name, and the app's.
    Fixed(BTreeMap<Arc<str>, Value>),
    /// As the app says.
    Looked(Arc<Dictionary>),
    /// Its names are not known, because nobody needs them or because they could not be read.
    Unknown(Option<Arc<Error>>),
}

/// How the values of fields are translated. Those of other fields are the same for us and for the app.
#[derive(Debug, Clone, Default)]
pub(super) struct Translation(pub(super) BTreeMap<FieldName, Wording>);

/// Why a value cannot be sent.
#[derive(Debug)]
pub(super) enum Unsendable {
    /// The manifest does not map the field.
    Unmapped(FieldName),
    /// The value's name stands for nothing, or for several things.
    Word(FieldName, String),
    /// The names could not be read.
    Unread(Arc<Error>),
}

impl Translation {
    /// A row's value as we call it; `None` when nobody can tell.
    pub(super) fn ours(&self, field: &str, value: &Value) -> Option<Value> {
        match self.0.get(field) {
            None => Some(value.clone()),
            Some(Wording::Unknown(_)) => None,
            Some(wording) => Some(match value {
                Value::Array(all) => all.iter().map(|one| our_word(wording, one)).collect(),
                one => our_word(wording, one),
            }),
        }
    }

    /// A value as the app takes it.
    pub(super) fn theirs(&self, field: &FieldName, value: &FieldValue) -> Result<Value, Unsendable> {
        let word = |word: &Arc<str>| match self.0.get(field) {
            // No word stands for no value.
            Some(_) if word.is_empty() => Ok(Value::Null),
            None => Ok(Value::from(&**word)),
            Some(Wording::Fixed(names)) => Ok(names.get(word).cloned().unwrap_or_else(|| Value::from(&**word))),
            Some(Wording::Looked(dictionary)) => {
                dictionary.wire(word).cloned().map_err(|why| Unsendable::Word(field.clone(), why))
            }
            Some(Wording::Unknown(Some(error))) => Err(Unsendable::Unread(error.clone())),
            Some(Wording::Unknown(None)) => Err(Unsendable::Word(field.clone(), "its names were not read".into())),
        };
        match value {
            FieldValue::Flag(flag) => Ok(Value::from(*flag)),
            FieldValue::Number(number) => Ok(Value::from(*number)),
            FieldValue::Text(text) => word(text),
            FieldValue::Set(set) => set.iter().map(word).collect(),
        }
    }

    /// Values with the places where the app has them.
    pub(super) fn placed(&self, fields: &Fields, values: &Values) -> Result<Vec<(Dotted, Value)>, Unsendable> {
        let place = |(name, value): (&FieldName, &FieldValue)| {
            let path = fields.get(name).ok_or_else(|| Unsendable::Unmapped(name.clone()))?;
            Ok((path.clone(), self.theirs(name, value)?))
        };
        values.iter().map(place).collect()
    }
}

fn our_word(wording: &Wording, word: &Value) -> Value {
    match wording {
        Wording::Fixed(names) => {
            let known = names.iter().find(|(_, theirs)| *theirs == word);
            known.map_or_else(|| word.clone(), |(ours, _)| Value::from(&**ours))
        }
        Wording::Looked(dictionary) => {
            let id = match word {
                Value::String(id) => id.clone(),
                Value::Number(id) => id.to_string(),
                _ => return word.clone(),
            };
            // What the lookup does not show is still there; its id is all that is known of it.
            Value::from(dictionary.by_id.get(id.as_str()).map_or(id, |word| word.to_string()))
        }
        Wording::Unknown(_) => word.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::connectors::rest::template::Template;

    fn dictionary() -> Arc<Dictionary> {
        let path = |text: &str| Dotted::try_from(text.to_owned()).unwrap();
        let call = super::super::manifest::Call {
            method: crate::connectors::http::Method::Get,
            path: Template::try_from("/roles".to_owned()).unwrap(),
            query: BTreeMap::new(),
            body: None,
            answers: super::super::answers::Answers::default(),
        };
        let paging = crate::connectors::paging::Paging::at_once(crate::connectors::paging::Cursor::Whole);
        let paged = crate::connectors::rest::shape::Paged { paging, next: None, total: None, at_least: None };
        let list = super::super::manifest::List { call, items: path("."), paged };
        let lookup = Lookup { list, id: path("id"), name: path("name") };
        let rows = [
            json!({"id": 1, "name": "Owner"}),
            json!({"id": "r2", "name": "Viewer"}),
            json!({"id": "r3", "name": "Viewer"}),
        ];
        Arc::new(Dictionary::of(&rows, &lookup).unwrap())
    }

    fn translation() -> Translation {
        Translation([("roles".into(), Wording::Looked(dictionary()))].into())
    }

    fn check_sent(word: &str, expected: Result<Value, &str>) {
        let sent = translation().theirs(&"roles".into(), &FieldValue::text(word));
        match (sent, expected) {
            (Ok(sent), Ok(expected)) => assert_eq!(sent, expected),
            (Err(Unsendable::Word(_, why)), Err(expected)) => assert_eq!(why, expected),
            (sent, expected) => panic!("{sent:?} is not {expected:?}"),
        }
    }

    #[test]
    fn ids_are_shown_by_name_unless_the_name_would_be_somebody_elses_too() {
        let shown = translation().ours("roles", &json!([1, "r2", "r9"])).unwrap();
        assert_eq!(shown, json!(["Owner", "r2", "r9"]));
    }

    #[test]
    fn names_are_sent_as_the_app_spells_their_ids_and_ambiguous_ones_never() {
        check_sent("Owner", Ok(json!(1)));
        check_sent("r3", Ok(json!("r3")));
        check_sent("Viewer", Err("the app has 2 of the name `Viewer`: r2, r3"));
        check_sent("owner", Err("the app has nothing of the name `owner`"));
        // It has a name, which is what is shown; under two spellings nothing would ever be equal.
        check_sent("1", Err("the app has nothing of the name `1`"));
    }

    #[test]
    fn the_vocabulary_holds_what_can_be_sent() {
        let words = dictionary().vocabulary();
        assert_eq!(words.known, ["Owner", "r2", "r3"].map(Arc::from).into());
        assert_eq!(words.ambiguous, [(Arc::from("Viewer"), ["r2", "r3"].map(Arc::from).to_vec())].into());
    }

    #[test]
    fn a_value_whose_names_are_not_known_is_not_seen() {
        let translation = Translation([("roles".into(), Wording::Unknown(None))].into());
        assert_eq!(translation.ours("roles", &json!(["r2"])), None);
        assert_eq!(translation.ours("title", &json!("Dr")), Some(json!("Dr")));
    }
}
