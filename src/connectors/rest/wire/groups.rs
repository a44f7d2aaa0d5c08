//! Groups as a manifest describes them.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::{Answer, Answers, ByHand, Delete, Dotted, List, Map, Read, Template, Update};

/// The app's own teams, user groups or projects. What is left out a person does.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Groups {
    /// What the app calls a group, in the singular; `group` unless said.
    pub noun: Option<String>,
    /// Our name for a field to where a row has it. `id` and `name` are at `id` and `name` unless said; the files may give
    /// any other.
    #[serde(default)]
    pub fields: Map<Dotted>,
    /// The key that single answers, and the bodies of updates and creations, are wrapped in.
    pub wrap: Option<String>,
    /// All groups. Without it the files pin their ids.
    pub list: Option<List>,
    /// One group, by `{group.id}`, for updates that send all there is.
    pub read: Option<Read>,
    /// Making a group.
    pub create: Option<GroupCreate>,
    /// Changing a group's fields, by `{group.id}`.
    #[schemars(with = "Option<Update>")]
    pub update: Option<Spanned<Update>>,
    /// Deleting a group, by `{group.id}`.
    #[schemars(with = "Option<Delete>")]
    pub delete: Option<Spanned<Delete>>,
    /// Groups, by name, that the app fills by itself, with the reason why they are left alone.
    #[serde(default)]
    pub automatic: Map<String>,
}

/// Making a group.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupCreate {
    /// The path, below the app's `url` and `base`.
    #[schemars(with = "Template")]
    pub post: Spanned<Template>,
    /// The JSON to send, with `{group.name}` and `{FIELD}`. Without it, the name and all fields that have a value, where
    /// `fields` says, in `wrap`.
    #[schemars(with = "Option<Value>")]
    pub body: Option<Spanned<Value>>,
    /// Fields that the app refuses to do without, besides the name.
    #[schemars(with = "Option<Vec<String>>")]
    pub require: Option<Spanned<Vec<String>>>,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
}
