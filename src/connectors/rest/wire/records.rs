//! Accounts and groups as a manifest describes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Answers, BodyTemplate, ByHand, Delete, Dotted, Lined, List, Map, Path, Read, Role, Status, Template, Update, Wrap,
    one_of,
};
use crate::model::FieldName;

/// Who has an account, and what can be done with accounts. What is left out a person does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::connectors::rest) struct Accounts {
    /// What the app calls an account, in the singular.
    #[serde(default = "user")]
    pub noun: String,
    /// Our name for a field to where a row has it. `id` and `email` are needed; `status` and `created_at` have a meaning of
    /// their own; the files may give any other.
    #[schemars(with = "Map<Dotted>", extend("required" = ["id", "email"]))]
    pub fields: Lined<Map<Dotted>>,
    /// Fields that cannot be changed once an account exists. Without `email` among them, `update` also gives accounts that go
    /// by an alias their person's address.
    #[serde(default)]
    pub fixed: Vec<FieldName>,
    /// Our word for a status to the app's, or to a list of them, of which the first is written. One that is not here is
    /// unknown, and the account is left alone.
    #[serde(default)]
    pub status: BTreeMap<Status, Value>,
    /// How roles are held, and which there are. The field is `role` or `roles`.
    pub role: Option<Lined<Role>>,
    /// Fields that hold ids, each with the lookup that names them.
    #[serde(default)]
    pub lookup: Map<Lined<String>>,
    /// An inactive account still takes a seat of the licence.
    #[serde(default)]
    pub inactive_keeps_seat: bool,
    /// The key that single answers, and the bodies of updates and creations, are wrapped in; `{ answer: data }` and
    /// `{ body: data }` say it of one of the two alone.
    #[serde(default)]
    pub wrap: Wrap,
    /// All accounts.
    pub list: List,
    /// One account, by `{account.id}`.
    pub read: Read,
    /// The accounts with an address, by `{email}`. It may find too many. Without it the whole list is read instead.
    pub find: Option<List>,
    /// Making an account.
    pub create: Option<Create>,
    /// Changing an account's fields, by `{account.id}`.
    pub update: Option<Lined<Update>>,
    /// Making an account inactive, by `{account.id}`. Deleting never stands in for it.
    pub deactivate: Option<Lined<Change>>,
    /// Making an account active again, by `{account.id}`.
    pub reactivate: Option<Lined<Change>>,
    /// Deleting an account, by `{account.id}`.
    pub delete: Option<Lined<Delete>>,
    /// Which of the two withdraws an invitation. Without it a person does.
    pub cancel_pending: Option<Withdraw>,
}

fn user() -> String {
    "user".into()
}

/// How an invitation is withdrawn.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::connectors::rest) enum Withdraw {
    /// By what deactivates an account.
    Deactivate,
    /// By what deletes an account.
    Delete,
}

/// Making an account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::connectors::rest) struct Create {
    /// The path, below the app's `url` and `base`.
    pub post: Lined<Template>,
    /// The JSON to send, with `{email}` and `{FIELD}`. Without it, all fields that have a value, where `fields` says, in
    /// `wrap`.
    pub body: Option<Lined<BodyTemplate>>,
    /// Fields that the app refuses to do without.
    pub require: Option<Lined<Vec<FieldName>>>,
    /// The status of a new account; `pending` where it waits for an invitation to be accepted.
    #[serde(default)]
    pub becomes: Status,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    pub answers: Answers,
}

/// Deactivating or reactivating: by a field (`set`), or by a call of its own (one of `post`, `put`, `patch`, `delete`).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["set", "post", "put", "patch", "delete"])))]
pub(in crate::connectors::rest) struct Change {
    /// By `update`, with this status.
    pub set: Option<SetStatus>,
    /// The path, if it is a POST.
    pub post: Path,
    /// The path, if it is a PUT.
    pub put: Path,
    /// The path, if it is a PATCH.
    pub patch: Path,
    /// The path, if it is a DELETE.
    pub delete: Path,
    /// The JSON to send; none unless said.
    pub body: Option<Lined<BodyTemplate>>,
    /// Deactivating: nobody can undo it, so that a guard asks first.
    pub irreversible: bool,
    /// Deactivating: it takes the account out of its groups as well.
    pub strips_members: bool,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    pub answers: Answers,
}

/// A status to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::connectors::rest) struct SetStatus {
    /// One that `accounts.status` translates.
    pub status: Status,
}

/// The app's own teams, user groups or projects. What is left out a person does.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::connectors::rest) struct Groups {
    /// What the app calls a group, in the singular; `group` unless said.
    pub noun: Option<String>,
    /// Our name for a field to where a row has it. `id` and `name` are at `id` and `name` unless said; the files may give
    /// any other.
    #[serde(default)]
    pub fields: Map<Dotted>,
    /// The key that single answers, and the bodies of updates and creations, are wrapped in; `{ answer: data }` and
    /// `{ body: data }` say it of one of the two alone.
    #[serde(default)]
    pub wrap: Wrap,
    /// All groups. Without it the files pin their ids.
    pub list: Option<List>,
    /// One group, by `{group.id}`, for updates that send all there is.
    pub read: Option<Read>,
    /// Making a group.
    pub create: Option<GroupCreate>,
    /// Changing a group's fields, by `{group.id}`.
    pub update: Option<Lined<Update>>,
    /// Deleting a group, by `{group.id}`.
    pub delete: Option<Lined<Delete>>,
    /// Groups, by name, that the app fills by itself, with the reason why they are left alone.
    #[serde(default)]
    pub automatic: Map<String>,
}

/// Making a group.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::connectors::rest) struct GroupCreate {
    /// The path, below the app's `url` and `base`.
    pub post: Lined<Template>,
    /// The JSON to send, with `{group.name}` and `{FIELD}`. Without it, the name and all fields that have a value, where
    /// `fields` says, in `wrap`.
    pub body: Option<Lined<BodyTemplate>>,
    /// Fields that the app refuses to do without, besides the name.
    pub require: Option<Lined<Vec<FieldName>>>,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    pub answers: Answers,
}
