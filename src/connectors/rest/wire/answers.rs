//! What answers mean, as a manifest describes it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::Dotted;
use crate::connectors::{Meaning, rest::answers::CALLS};

/// Rules in their order.
pub(crate) type Answers = Vec<Spanned<Answer>>;

/// Answers that mean something. Every condition that is given has to hold; the first rule that matches wins.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("dependencies" = { "is": ["path"] }))]
#[schemars(extend("anyOf" = [{ "required": ["status"] }, { "required": ["path"] }, { "required": ["lacks"] }]))]
pub struct Answer {
    /// The answer's status, or a list of them; every status unless said, and with `lacks` every good one.
    pub status: Option<Statuses>,
    /// In the manifest's own list: the call that the rule is about, or a list of them; every call unless said.
    pub on: Option<Calls>,
    /// Where the answer says it. Without `is`, anything but null will do.
    pub path: Option<Dotted>,
    /// What stands at `path` then: one of these.
    #[schemars(with = "Option<Vec<Value>>", length(min = 1))]
    pub is: Option<Words>,
    /// What a good answer of this kind does not have.
    pub lacks: Option<Dotted>,
    /// Where the app's own message is, for people.
    pub text: Option<Dotted>,
    /// What such an answer means.
    pub means: Meaning,
}

/// Values that can stand at a place.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
pub struct Words(pub Vec<Value>);

impl TryFrom<Value> for Words {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Array(all) => Ok(Self(all)),
            one => Err(format!("`is` takes a list of values; write `is: [{one}]`")),
        }
    }
}

/// One status, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "`status` is a number such as 409, or a list of them")]
pub enum Statuses {
    One(u16),
    Many(Vec<u16>),
}

impl From<Statuses> for Vec<u16> {
    fn from(statuses: Statuses) -> Self {
        match statuses {
            Statuses::One(status) => vec![status],
            Statuses::Many(all) => all,
        }
    }
}

// Written out, because neither derives what the other needs.
impl JsonSchema for Statuses {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Statuses".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        one_or_several(&serde_json::json!({ "type": "integer", "minimum": 200, "maximum": 599 }))
    }
}

/// One call by its name, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "`on` is the name of a call such as `accounts.read`, or a list of them")]
pub enum Calls {
    One(String),
    Many(Vec<String>),
}

impl From<Calls> for Vec<String> {
    fn from(calls: Calls) -> Self {
        match calls {
            Calls::One(call) => vec![call],
            Calls::Many(all) => all,
        }
    }
}

impl JsonSchema for Calls {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Calls".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        one_or_several(&serde_json::json!({ "type": "string", "enum": CALLS.map(|(name, _)| name) }))
    }
}

fn one_or_several(one: &Value) -> Schema {
    json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
}
