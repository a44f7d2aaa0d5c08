//! Reading options: each value is checked, and what is wrong with it is said at its line.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use serde_json::Value;

use crate::model::{CatalogueError, Options};

/// Options by their keys, with readers for each kind of value. A key that is not given, or is null, changes nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a>(pub(super) &'a Options);

type Checked<T> = Result<T, CatalogueError>;

impl Given<'_> {
    /// An option as `read` understands it; a value that it does not understand is what `problem` says.
    fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Value) -> Option<T>,
        problem: &str,
        hint: Option<&str>,
    ) -> Checked<Option<T>> {
        let Some(value) = self.0.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| wrong(key, value, problem, hint))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Checked<Option<bool>> {
        self.read(key, Value::as_bool, "is neither `true` nor `false`", None)
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Checked<Option<T>> {
        let chosen = |value: &Value| choices.iter().find(|(name, _)| value == name).map(|(_, choice)| *choice);
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
        self.read(key, chosen, "is not known", Some(&format!("it is one of {}", names.join(", "))))
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, key: &str, bounds: RangeInclusive<u32>) -> Checked<Option<u32>> {
        let number = |value: &Value| value.as_u64()?.try_into().ok().filter(|number| bounds.contains(number));
        self.read(key, number, &format!("is no number from {} to {}", bounds.start(), bounds.end()), None)
    }

    /// A length of time such as `5s`.
    pub(super) fn duration(&self, key: &str) -> Checked<Option<Duration>> {
        let duration = |value: &Value| humantime::parse_duration(value.as_str()?).ok();
        self.read(key, duration, "is no length of time", Some("write `5s` or `1m`"))
    }

    /// A list of names.
    pub(super) fn names<T: for<'a> From<&'a str>>(&self, key: &str) -> Checked<Option<Vec<T>>> {
        let names = |value: &Value| value.as_array()?.iter().map(|name| Some(name.as_str()?.into())).collect();
        self.read(key, names, "is no list of names", Some("write `[a, b]`"))
    }

    /// Texts by name.
    pub(super) fn texts(&self, key: &str) -> Checked<Option<BTreeMap<String, String>>> {
        let pair = |(name, text): (&String, &Value)| Some((name.clone(), text.as_str()?.to_owned()));
        let texts = |value: &Value| value.as_object()?.iter().map(pair).collect();
        self.read(key, texts, "is no mapping of names to texts", Some("write `{ name: value }`"))
    }
}

/// What is wrong with an option's value.
pub(super) fn wrong(key: &str, value: &Value, problem: &str, hint: Option<&str>) -> CatalogueError {
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let message = format!("`options.{key}: {shown}` {problem}");
    CatalogueError::Option { key: key.to_owned(), message, hint: hint.map(str::to_owned) }
}
