//! What the values of fields are called: the app's words, and ours.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    manifest::{Fields, Lookup},
    template::{Dotted, text},
};
use crate::{
    connectors::Error,
    model::{FieldName, FieldValue, Values, Words},
};

/// The names that a lookup gave for the ids that an app takes.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    /// Name by id, as text; ids of things without a name stand for themselves.
    by_id: BTreeMap<Arc<str>, Arc<str>>,
    /// Ids by name, as text and as the app sends them.
    by_name: BTreeMap<Arc<str>, Vec<(Arc<str>, Value)>>,
}

impl Dictionary {
    /// The dictionary that rows of a lookup make.
    ///
    /// # Errors
    /// What a row lacks.
    pub(super) fn of(rows: &[Value], lookup: &Lookup) -> Result<Self, String> {
        let mut dictionary = Self::default();
        for row in rows {
            let need = |path: &Dotted| text(path, row).ok_or_else(|| format!("a row has no `{path}`"));
            let (id, name) = (need(&lookup.id)?, need(&lookup.name)?);
            let wire = lookup.id.get(row).cloned().unwrap_or(Value::Null);
            dictionary.by_id.insert(id.clone(), name.clone());
            dictionary.by_name.entry(name).or_default().push((id, wire));
        }
        Ok(dictionary)
    }

    /// The name of an id, where it is the name of nothing else. An id without such a name stands for itself.
    fn shown(&self, id: &str) -> Option<Arc<str>> {
        let name = self.by_id.get(id)?;
        Some(if self.is_ambiguous(name) { id.into() } else { name.clone() })
    }

    fn is_ambiguous(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|ids| ids.len() > 1)
    }

    /// What the app takes for a name, or for an id whose name would be ambiguous.
    fn wire(&self, word: &str) -> Result<Value, String> {
        match self.by_name.get(word).map(Vec::as_slice) {
            Some([(_, wire)]) => return Ok(wire.clone()),
            Some(several) => {
                let ids: Vec<&str> = several.iter().map(|(id, _)| &**id).collect();
                return Err(format!("the app has {} of the name `{word}`: {}", ids.len(), ids.join(", ")));
            }
            None => {}
        }
        let name = self.by_id.get(word).filter(|name| self.is_ambiguous(name));
        let ids = name.and_then(|name| self.by_name.get(name)).into_iter().flatten();
        let wire = ids.filter(|(id, _)| &**id == word).map(|(_, wire)| wire.clone()).next();
        wire.ok_or_else(|| format!("the app has nothing of the name `{word}`"))
    }

    /// What the files may say.
    pub(super) fn vocabulary(&self) -> Words {
        let mut words = Words { repair: REPAIR.into(), ..Words::default() };
        for (name, ids) in &self.by_name {
            let all: Vec<Arc<str>> = ids.iter().map(|(id, _)| id.clone()).collect();
            if all.len() == 1 {
                words.known.insert(name.clone());
            } else {
                words.known.extend(all.iter().filter(|id| !self.by_name.contains_key(*id)).cloned());
                words.ambiguous.insert(name.clone(), all);
            }
        }
        words
    }

    /// Whether a word stands for exactly one thing.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn knows(&self, word: &str) -> Result<(), String> {
        self.wire(word).map(|_| ())
    }
}

/// What to do about a name that an app does not know.
const REPAIR: &str = "write a name that the app knows, spelt just so";

/// How one field's values are translated.
#[derive(Debug, Clone)]
pub(super) enum Wording {
    /// As the manifest says: our name, and the app's.
    Fixed(Vec<(Arc<str>, Value)>),
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
            None => Ok(Value::from(&**word)),
            Some(Wording::Fixed(names)) => {
                let known = names.iter().find(|(name, _)| name == word);
                Ok(known.map_or_else(|| Value::from(&**word), |(_, theirs)| theirs.clone()))
            }
            Some(Wording::Looked(dictionary)) => {
                dictionary.wire(word).map_err(|why| Unsendable::Word(field.clone(), why))
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
            let path = fields.0.get(name).ok_or_else(|| Unsendable::Unmapped(name.clone()))?;
            Ok((path.clone(), self.theirs(name, value)?))
        };
        values.iter().map(place).collect()
    }
}

fn our_word(wording: &Wording, word: &Value) -> Value {
    match wording {
        Wording::Fixed(names) => {
            let known = names.iter().find(|(_, theirs)| theirs == word);
            known.map_or_else(|| word.clone(), |(ours, _)| Value::from(&**ours))
        }
        Wording::Looked(dictionary) => {
            let id = match word {
                Value::String(id) => id.clone(),
                Value::Number(id) => id.to_string(),
                _ => return word.clone(),
            };
            // What the lookup does not show is still there; its id is all that is known of it.
            Value::from(dictionary.shown(&id).map_or(id, |name| name.to_string()))
        }
        Wording::Unknown(_) => word.clone(),
    }
}

/// Which looked-up fields of an app matter, so that their names are worth a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) accounts: BTreeSet<FieldName>,
    pub(super) members: BTreeSet<FieldName>,
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
            query: Vec::new(),
            body: None,
            answers: super::super::answers::Answers::default(),
        };
        let list = super::super::manifest::List { call, items: path("."), paging: None };
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
