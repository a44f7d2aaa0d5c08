//! A manifest as it is written. Every key is known here, so that a misspelt one is an error with its line. What a key means
//! stands at its field.
//!
//! Three notations are all the logic there is: `{placeholder}` in paths, queries and bodies; dotted paths such as
//! `emails.0.value` for places in JSON, `.` being the whole; and maps from our words to the app's. What an app has no call
//! for is left out, and a person does it, as `manual` says.

mod list;
mod parts;

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::template::{Dotted, Template};
use crate::model::Verb;

pub use list::*;
pub use parts::*;

type Path = Option<Spanned<Template>>;
type Map<T> = BTreeMap<String, T>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub name: Spanned<String>,
    /// What stands before every path, the token's excepted; `{options.NAME}` may stand in it, slashes and all.
    pub base: Option<Spanned<Template>>,
    pub auth: Spanned<Auth>,
    /// Options that the files may give, used as `{options.NAME}`, or as `options.NAME` where a list of roles stands.
    #[serde(default)]
    pub options: Map<Choice>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub headers: Map<String>,
    /// How every list is paged that says nothing of its own.
    pub page: Option<Spanned<Page>>,
    /// Seconds that an accepted write may take to show.
    #[serde(default)]
    pub settle: u64,
    /// Lists that tell names from ids. Each is read once a run, and only when a field that it names is managed, or when it
    /// takes names to tell who is an admin.
    #[serde(default)]
    pub lookups: Map<Lookup>,
    pub accounts: Accounts,
    #[serde(default)]
    pub groups: Groups,
    pub members: Option<Members>,
    /// What a person does, and where, for each verb that the app has no call for.
    #[serde(default)]
    pub manual: BTreeMap<Missing, String>,
}

/// An option of the connector.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    #[serde(default)]
    pub required: bool,
    /// What holds where the files say nothing.
    pub default: Option<Value>,
    pub help: String,
}

/// What a 404 or 405 means where some versions of an app lack a call: nobody can know, or a person does it.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    Believed,
    Manual,
}

/// A verb that a person carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Missing(pub Verb);

impl TryFrom<String> for Missing {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let known = || Verb::ALL.map(Verb::as_str).join(", ");
        text.parse().map(Self).map_err(|wrong: String| format!("{wrong}; there are {}", known()))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub oauth: Option<String>,
    pub client: Option<Client>,
    #[serde(default)]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub bearer: bool,
    pub header: Option<String>,
    #[serde(default)]
    pub basic: bool,
    pub login: Option<Login>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Client {
    Basic,
    Body,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub post: String,
    pub body: Value,
    pub token: Token,
    pub send: String,
    #[serde(default)]
    pub prefix: String,
    /// Seconds.
    pub life: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Token {
    Header(String),
    Body(Dotted),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub all: Option<Rate>,
    pub read: Option<Rate>,
    pub write: Option<Rate>,
    pub concurrency: Option<u32>,
}

/// `1000/h`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Rate {
    pub requests: u32,
    pub per: Duration,
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no rate; write a number, a slash and s, m, h or d: `1000/h`");
        let (requests, unit) = text.split_once('/').ok_or_else(wrong)?;
        let seconds = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return Err(wrong()),
        };
        let requests = requests.trim().parse().ok().filter(|requests| *requests > 0).ok_or_else(wrong)?;
        Ok(Self { requests, per: Duration::from_secs(seconds) })
    }
}
