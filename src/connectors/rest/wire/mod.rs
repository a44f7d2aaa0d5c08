//! A manifest as it is written. Every key is known here, so that a misspelt one is an error with its line. What a key means
//! stands at its field, and nowhere else: the JSON Schema that editors show is derived from these types.
//!
//! Three notations are all the logic there is: `{placeholder}` in paths, queries and bodies; dotted paths such as
//! `emails.0.value` for places in JSON, `.` being the whole; and maps from our words to the app's. What an app has no call
//! for is left out, and a person does it, as `manual` says.

mod calls;
mod members;
mod records;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::{
    answers::Rule,
    template::{BodyTemplate, Dotted, Template},
};

pub(super) use calls::*;
pub(super) use members::*;
pub(super) use records::*;

pub(super) type Path = Option<Lined<Template>>;
pub(super) type Answers = Vec<Lined<Rule>>;
pub(super) type Map<T> = BTreeMap<Arc<str>, T>;

// A value with its line. No doc comment, because the schema would show it in place of what is said of the value.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(from = "Spanned<T>")]
#[schemars(with = "T")]
pub(super) struct Lined<T> {
    pub line: u64,
    pub value: T,
}

impl<T> From<Spanned<T>> for Lined<T> {
    fn from(spanned: Spanned<T>) -> Self {
        Self { line: spanned.referenced.line(), value: spanned.value }
    }
}

/// An app's REST API, as data: how to sign in, where accounts, groups and memberships are, and which call changes what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// What the connector is called in reports.
    pub name: String,
    /// What stands before every path, the token's excepted; `{options.NAME}` may stand in it, slashes and all.
    pub base: Option<Lined<Template>>,
    /// How to sign in. The secrets come from the app's `auth` in the files.
    pub auth: Lined<Auth>,
    /// Options that the files may give, used as `{options.NAME}`, or as `options.NAME` where a list of roles stands.
    #[serde(default)]
    pub options: Map<Choice>,
    /// How many requests the API takes. The files' `budget` replaces it.
    #[serde(default)]
    pub limits: Limits,
    /// Headers that every request carries; `{options.NAME}` may stand in them. One whose option has no value is left out.
    #[serde(default)]
    pub headers: Map<Lined<Template>>,
    /// How every list is paged that says nothing of its own; `none`: every such list comes whole. Without it everything is
    /// taken to come at once, and what looks otherwise is told.
    pub page: Option<Lined<Pages>>,
    /// What answers mean, whatever the call, or with `on` to one call. A call's own rules come before these.
    #[serde(default)]
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

/// How to sign in: exactly one of `oauth`, `bearer`, `header`, `basic` and `login`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["oauth", "bearer", "header", "basic", "login"])))]
pub(super) struct Auth {
    /// OAuth client credentials: the path of the token endpoint, below the app's `url`, without `base`. The files give
    /// `client_id` and `client_secret`, and may give `token_url` and `scopes`.
    pub oauth: Option<String>,
    /// With `oauth`: where the client's id and secret are sent; `basic` unless said.
    pub client: Option<Client>,
    /// With `oauth`: the scopes to ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// `true`: a token that never changes is sent as `Authorization: Bearer …`. The files give `token`.
    #[serde(default)]
    pub bearer: bool,
    /// The header that a token that never changes is sent in. The files give `token`.
    pub header: Option<String>,
    /// `true`: HTTP Basic. The files give `username` and `password`.
    #[serde(default)]
    pub basic: bool,
    /// A call that gives a token.
    pub login: Option<Login>,
}

/// Where the client's id and secret are sent.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Client {
    /// In the header of HTTP Basic.
    Basic,
    /// In the form.
    Body,
}

/// A call that gives a token. It is made again when the token is too old or the app refuses it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// The path, below the app's `url`, without `base`.
    pub post: String,
    /// The JSON to send. `{secret.NAME}` stands for a secret, which the files then give as `NAME`.
    pub body: BodyTemplate,
    /// Where the answer has the token.
    pub token: Token,
    /// The header that carries the token from then on.
    pub send: String,
    /// What stands before the token in that header, its space included: `"Bearer "`.
    #[serde(default)]
    pub prefix: String,
    /// Seconds after which a token is too old; 600 unless said.
    pub life: Option<u64>,
}

/// Where an answer has a token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Token {
    /// In this header.
    Header(String),
    /// At this place of the body.
    Body(Dotted),
}

/// An option of the connector.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
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

/// The JSON Schema (draft 7, which editors know best) that every manifest validates against. What a schema cannot say, such
/// as which placeholders have a value where, only [`super::Manifest::parse`] checks.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with_transform(RecursiveTransform(plain));
    let mut schema = settings.into_generator().into_root_schema_for::<Manifest>();
    schema.insert("title".into(), "rosterd manifest".into());
    schema.to_value()
}

/// Leaves out what Rust knows and JSON does not, and lets descriptions run on where the sources merely wrap.
fn plain(schema: &mut Schema) {
    schema.remove("format");
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

/// In the schema: exactly one of these keys.
fn one_of<const N: usize>(keys: [&str; N]) -> Value {
    keys.map(|key| serde_json::json!({ "required": [key] })).into_iter().collect()
}
