//! A manifest as it is written. Every key is known here, so that a misspelt one is an error with its line. What a key means
//! stands at its field, and nowhere else: the JSON Schema that editors show is derived from these types.
//!
//! Three notations are all the logic there is: `{placeholder}` in paths, queries and bodies; dotted paths such as
//! `emails.0.value` for places in JSON, `.` being the whole; and maps from our words to the app's. What an app has no call
//! for is left out, and a person does it, as `manual` says.

mod accounts;
mod answers;
mod groups;
mod list;
mod members;
mod parts;
mod sign_in;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::template::{Dotted, Template};

pub(super) use accounts::*;
pub(super) use answers::*;
pub(super) use groups::*;
pub(super) use list::*;
pub(super) use members::*;
pub(super) use parts::*;
pub(super) use sign_in::*;

type Path = Option<Spanned<Template>>;
type Map<T> = BTreeMap<String, T>;

/// An app's REST API, as data: how to sign in, where accounts, groups and memberships are, and which call changes what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// What the connector is called in reports.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// What stands before every path, the token's excepted; `{options.NAME}` may stand in it, slashes and all.
    #[schemars(with = "Option<Template>")]
    pub base: Option<Spanned<Template>>,
    /// How to sign in. The secrets come from the app's `auth` in the files.
    #[schemars(with = "Auth")]
    pub auth: Spanned<Auth>,
    /// Options that the files may give, used as `{options.NAME}`, or as `options.NAME` where a list of roles stands.
    #[serde(default)]
    pub options: Map<Choice>,
    /// How many requests the API takes. The files' `budget` replaces it.
    #[serde(default)]
    pub limits: Limits,
    /// Headers that every request carries.
    #[serde(default)]
    pub headers: Map<String>,
    /// How every list is paged that says nothing of its own. Without it everything comes at once.
    #[schemars(with = "Option<Page>")]
    pub page: Option<Spanned<Page>>,
    /// What answers mean, whatever the call, or with `on` to one call. A call's own rules come before these.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
    /// Seconds that an accepted write may take to show.
    #[serde(default)]
    pub settle: u64,
    /// Verbs whose answers do not show what was written, so that it is read back. An answer is always judged by what it
    /// shows: forecasts alone count by this.
    #[serde(default)]
    pub read_back: Vec<Missing>,
    /// Lists that tell names from ids. Each is read once a run, and only when a field that it names is managed, or when it
    /// takes names to tell who is an admin.
    #[serde(default)]
    pub lookups: Map<Lookup>,
    /// Who has an account, and what can be done with accounts.
    pub accounts: Accounts,
    /// The app's own teams, user groups or projects.
    #[serde(default)]
    pub groups: Groups,
    /// Who is in which group. Left out where the app has no groups.
    pub members: Option<Members>,
    /// What a person does, and where, for each verb that the app has no call for.
    #[serde(default)]
    pub manual: BTreeMap<Missing, String>,
}

/// An option of the connector.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    /// The files have to give it.
    #[serde(default)]
    pub required: bool,
    /// What holds where the files say nothing.
    pub default: Option<Value>,
    /// What it is, for people.
    pub help: String,
}

/// How many requests the API takes. Without any, only the app's own answers slow us down.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    /// Of all requests together.
    pub all: Option<Rate>,
    /// Of those that read.
    pub read: Option<Rate>,
    /// Of those that write.
    pub write: Option<Rate>,
    /// How many requests may be under way at the same time.
    pub concurrency: Option<u32>,
}

/// `1000/h`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = r"^\s*0*[1-9][0-9]*\s*/\s*[smhd]\s*$"))]
pub(super) struct Rate {
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

/// In the schema: exactly one of these keys.
fn one_of<const N: usize>(keys: [&str; N]) -> Value {
    keys.map(|key| serde_json::json!({ "required": [key] })).into_iter().collect()
}
