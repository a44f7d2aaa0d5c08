//! Reading options: each value is checked, and what is wrong with it is said at its line.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{CatalogueError, Options};

/// Options by their keys, with readers for each kind of value. A key that is not given, or is null, changes nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a>(pub(super) &'a Options);

type Checked<T> = Result<T, CatalogueError>;

impl Given<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Checked<Option<bool>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong(key, value, "is neither `true` nor `false`", None))
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Checked<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let chosen = value.as_str().and_then(|word| choices.iter().find(|(name, _)| *name == word));
        let hint = || {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
            Some(format!("it is one of {}", names.join(", ")))
        };
        chosen.map(|(_, choice)| Some(*choice)).ok_or_else(|| wrong(key, value, "is not known", hint()))
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, key: &str, least: u32, most: u32) -> Checked<Option<u32>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        let problem = || wrong(key, value, &format!("is no number from {least} to {most}"), None);
        number.map(Some).ok_or_else(problem)
    }

    /// A length of time such as `5s`.
    pub(super) fn duration(&self, key: &str) -> Checked<Option<std::time::Duration>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let duration = value.as_str().and_then(|text| humantime::parse_duration(text).ok());
        duration.map(Some).ok_or_else(|| wrong(key, value, "is no length of time", Some("write `5s` or `1m`".into())))
    }

    /// A list of names.
    pub(super) fn names(&self, key: &str) -> Checked<Option<Vec<String>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let names = value.as_array().and_then(|all| all.iter().map(|name| Some(name.as_str()?.to_owned())).collect());
        names.map(Some).ok_or_else(|| wrong(key, value, "is no list of names", Some("write `[a, b]`".into())))
    }

    /// Texts by name.
    pub(super) fn texts(&self, key: &str) -> Checked<Option<BTreeMap<String, String>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let pair = |(name, text): (&String, &Value)| Some((name.clone(), text.as_str()?.to_owned()));
        let texts = value.as_object().and_then(|all| all.iter().map(pair).collect());
        let hint = || Some("write `{ name: value }`".to_owned());
        texts.map(Some).ok_or_else(|| wrong(key, value, "is no mapping of names to texts", hint()))
    }
}

/// What is wrong with an option's value.
pub(super) fn wrong(key: &str, value: &Value, problem: &str, hint: Option<String>) -> CatalogueError {
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    CatalogueError::Option { key: key.to_owned(), message: format!("`options.{key}: {shown}` {problem}"), hint }
}
