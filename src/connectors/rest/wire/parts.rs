//! What accounts, groups and memberships have in common.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::{Answer, Answers, Dotted, Map, Path, Template, one_of};
use crate::model::Verb;

/// Our words for statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Active,
    Pending,
    Inactive,
}

/// What a 404 or 405 means where some versions of an app lack a call that reads.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Believed {
    /// Nobody can know; what we wrote ourselves is believed.
    Believed,
}

/// What a 404 or 405 means where some versions of an app lack a call that writes.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ByHand {
    /// A person does it, as `manual` says.
    Manual,
}

/// A verb that a person carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Missing(pub Verb);

impl TryFrom<String> for Missing {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let known = || Verb::ALL.iter().map(|verb| verb.as_str()).collect::<Vec<_>>().join(", ");
        text.parse().map(Self).map_err(|_| format!("`{text}` is not a verb; there are {}", known()))
    }
}

// The verbs are the model's, so that there is nothing to derive from.
impl JsonSchema for Missing {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Verb".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Verb::ALL })
    }
}

/// How many roles an account or a membership has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Take {
    /// One, in the field `role`.
    One,
    /// Any number, in the field `roles`.
    Many,
}

/// A list of roles: written out, or `options.NAME`, where the files give it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) enum Roles {
    These(Vec<String>),
    Option(String),
}

impl TryFrom<Value> for Roles {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let texts = |all: &[Value]| all.iter().map(|role| role.as_str().map(str::to_owned)).collect::<Option<_>>();
        let read = match &value {
            Value::Array(all) => texts(all).map(Self::These),
            Value::String(text) => text.strip_prefix("options.").map(|name| Self::Option(name.to_owned())),
            _ => None,
        };
        read.ok_or_else(|| {
            format!("{value} is no list of roles; write `[a, b]`, or `options.NAME` to let the files say")
        })
    }
}

// serde sees any value and reads it itself, so that there is nothing to derive from.
impl JsonSchema for Roles {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Roles".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A list of roles: written out, or `options.NAME`, where the files give it.",
            "anyOf": [
                { "type": "array", "items": { "type": "string" } },
                { "type": "string", "pattern": "^options\\." },
            ],
        })
    }
}

/// How roles are held, and which there are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["names", "lookup"] }))]
pub(crate) struct Role {
    /// `one`, in the field `role`, or `many`, in the field `roles`.
    pub take: Take,
    /// From the least to the most powerful. Where two grants disagree, the more powerful role wins.
    #[schemars(with = "Option<Roles>")]
    pub ranked: Option<Spanned<Roles>>,
    /// Those that can administer the app.
    #[schemars(with = "Option<Roles>")]
    pub admin: Option<Spanned<Roles>>,
    /// All there are, where that is known. Others are errors in the files then.
    #[schemars(with = "Option<Roles>")]
    pub values: Option<Spanned<Roles>>,
    /// Our name for a role to the app's.
    #[serde(default)]
    pub names: Map<Value>,
    /// The lookup that tells names from ids.
    #[schemars(with = "Option<String>")]
    pub lookup: Option<Spanned<String>>,
}

/// A call that reads one thing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Read {
    /// The path, below the app's `url` and `base`.
    #[schemars(with = "Template")]
    pub get: Spanned<Template>,
    /// Parameters of the query. One whose placeholder has no value is left out.
    #[serde(default)]
    pub query: Map<Template>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
}

/// What an update sends.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Style {
    /// What changes.
    #[default]
    Partial,
    /// All there is, with what changes: it is read right before, and looked at after.
    Replace,
    /// One operation of RFC 6902 for each field that changes.
    JsonPatch,
}

/// The operation of a JSON Patch.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    /// For fields that are always there.
    #[default]
    Replace,
    /// For apps that leave out fields without a value, which `replace` cannot give one.
    Add,
}

/// A call that changes fields: exactly one of `post`, `put` and `patch`. What it sends follows from `fields`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["post", "put", "patch"])))]
pub(crate) struct Update {
    /// The path, if it is a POST.
    #[schemars(with = "Option<Template>")]
    pub post: Path,
    /// The path, if it is a PUT.
    #[schemars(with = "Option<Template>")]
    pub put: Path,
    /// The path, if it is a PATCH.
    #[schemars(with = "Option<Template>")]
    pub patch: Path,
    /// What it sends; `partial` unless said.
    #[serde(default)]
    pub style: Style,
    /// With `style: replace`: keys that must not be sent back.
    #[serde(default)]
    pub omit: Vec<Dotted>,
    /// With `style: partial`: parts that the app replaces as a whole. What else is in them is read first and sent along.
    #[serde(default)]
    pub whole: Vec<Dotted>,
    /// With `style: json-patch`: the operation; `replace` unless said.
    #[serde(default)]
    pub op: Op,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
}

/// A call that deletes: exactly one of `delete` and `post`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["delete", "post"])))]
pub(crate) struct Delete {
    /// The path, if it is a DELETE.
    #[schemars(with = "Option<Template>")]
    pub delete: Path,
    /// The path, if it is a POST.
    #[schemars(with = "Option<Template>")]
    pub post: Path,
    /// The JSON to send; none unless said.
    #[schemars(with = "Option<Value>")]
    pub body: Option<Spanned<Value>>,
    /// For an account: nobody can undo it, so that a guard asks first.
    #[serde(default)]
    pub irreversible: bool,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
}
