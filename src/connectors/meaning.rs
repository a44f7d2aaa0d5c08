//! What an answer means, where more is known of it than HTTP says.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::ErrorKind;

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// The app has too much to do and did nothing. Everything that uses the credential pauses.
    Overload,
    /// What the call is about does not exist.
    Gone,
    /// It exists already.
    Duplicate,
    /// The list has no rows.
    Empty,
    /// The app cut the list off.
    Truncated,
    /// The token or link to this page is too old.
    Expired,
    /// The API cannot do it here; a person has to.
    Manual,
    /// The app refused it.
    Refused,
}

impl Meaning {
    /// The failure that it is; `None` for what a list takes in.
    pub(super) fn failure(self) -> Option<ErrorKind> {
        match self {
            Self::Overload => Some(ErrorKind::RateLimited { retry_after: None }),
            Self::Gone => Some(ErrorKind::NotFound),
            Self::Duplicate => Some(ErrorKind::Duplicate),
            Self::Manual => Some(ErrorKind::Unsupported),
            Self::Refused => Some(ErrorKind::Refused),
            Self::Empty | Self::Truncated | Self::Expired => None,
        }
    }
}

/// The meaning of one answer, and what shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// What it means.
    pub meaning: Meaning,
    /// The part of the body that shows it, such as `` it says `ok: false` ``; `None` where the status alone does.
    pub sign: Option<String>,
    /// The app's own message.
    pub text: Option<Value>,
    /// What to tell people besides.
    pub hint: Option<&'static str>,
}

/// Reads the meaning of an answer from its status and its body.
pub type Judge<'a> = &'a (dyn Fn(u16, &[u8]) -> Option<Said> + Sync);

/// For connectors that HTTP tells enough.
pub(super) const BY_HTTP: Judge<'static> = &|_, _| None;
