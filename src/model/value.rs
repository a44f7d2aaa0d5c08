//! Values of account and membership fields.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

/// A field of an account, membership or group: `role`, `roles`, `given_name`, or one the connector declares.
pub type FieldName = Arc<str>;

/// Field values by name.
pub type Values = BTreeMap<FieldName, FieldValue>;

/// A value as the files and the apps give it. A list is a set: order and repetition mean nothing in access rights.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text, compared exactly.
    Text(Arc<str>),
    /// A set of texts.
    Set(BTreeSet<Arc<str>>),
}

impl FieldValue {
    /// Whether it is a text or a list without anything in it, which is the same as no value.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Set(set) => set.is_empty(),
            Self::Flag(_) | Self::Number(_) => false,
        }
    }

    /// Whether an app that shows `live` has this value. An empty value and none are the same thing.
    pub fn is_shown_by(&self, live: Option<&Self>) -> bool {
        match live {
            Some(live) => live == self || live.is_empty() && self.is_empty(),
            None => self.is_empty(),
        }
    }

    /// A text value.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Every text in it: the one, or the set's. Empty for flags and numbers.
    pub fn texts(&self) -> impl Iterator<Item = &Arc<str>> {
        let (one, many) = match self {
            Self::Text(text) => (Some(text), None),
            Self::Set(set) => (None, Some(set)),
            Self::Flag(_) | Self::Number(_) => (None, None),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

impl From<&str> for FieldValue {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Set(set) => {
                for (i, text) in set.iter().enumerate() {
                    write!(f, "{}{text}", if i == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}
