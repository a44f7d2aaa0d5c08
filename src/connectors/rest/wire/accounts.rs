//! Accounts as a manifest describes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::{Answer, Answers, ByHand, Delete, Dotted, List, Map, Path, Read, Role, Status, Template, Update, one_of};

/// Who has an account, and what can be done with accounts. What is left out a person does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accounts {
    /// What the app calls an account, in the singular.
    #[serde(default = "user")]
    pub noun: String,
    /// Our name for a field to where a row has it. `id` and `email` are needed; `status` and `created_at` have a meaning of
    /// their own; the files may give any other.
    #[schemars(with = "Map<Dotted>", extend("required" = ["id", "email"]))]
    pub fields: Spanned<Map<Dotted>>,
    /// Fields that cannot be changed once an account exists. Without `email` among them, `update` also gives accounts that go
    /// by an alias their person's address.
    #[serde(default)]
    pub fixed: Vec<String>,
    /// Our word for a status to the app's, or to a list of them, of which the first is written. One that is not here is
    /// unknown, and the account is left alone.
    #[serde(default)]
    pub status: BTreeMap<Status, Value>,
    /// How roles are held, and which there are. The field is `role` or `roles`.
    #[schemars(with = "Option<Role>")]
    pub role: Option<Spanned<Role>>,
    /// Fields that hold ids, each with the lookup that names them.
    #[serde(default)]
    #[schemars(with = "Map<String>")]
    pub lookup: Map<Spanned<String>>,
    /// An inactive account still takes a seat of the licence.
    #[serde(default)]
    pub inactive_keeps_seat: bool,
    /// The key that single answers, and the bodies of updates and creations, are wrapped in.
    pub wrap: Option<String>,
    /// All accounts.
    pub list: List,
    /// One account, by `{account.id}`.
    pub read: Read,
    /// The accounts with an address, by `{email}`. It may find too many. Without it the whole list is read instead.
    pub find: Option<List>,
    /// Making an account.
    pub create: Option<Create>,
    /// Changing an account's fields, by `{account.id}`.
    #[schemars(with = "Option<Update>")]
    pub update: Option<Spanned<Update>>,
    /// Making an account inactive, by `{account.id}`. Deleting never stands in for it.
    #[schemars(with = "Option<Change>")]
    pub deactivate: Option<Spanned<Change>>,
    /// Making an account active again, by `{account.id}`.
    #[schemars(with = "Option<Change>")]
    pub reactivate: Option<Spanned<Change>>,
    /// Deleting an account, by `{account.id}`.
    #[schemars(with = "Option<Delete>")]
    pub delete: Option<Spanned<Delete>>,
    /// Which of the two withdraws an invitation. Without it a person does.
    pub cancel_pending: Option<Withdraw>,
}

fn user() -> String {
    "user".into()
}

/// How an invitation is withdrawn.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Withdraw {
    /// By what deactivates an account.
    Deactivate,
    /// By what deletes an account.
    Delete,
}

/// Making an account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    /// The path, below the app's `url` and `base`.
    #[schemars(with = "Template")]
    pub post: Spanned<Template>,
    /// The JSON to send, with `{email}` and `{FIELD}`. Without it, all fields that have a value, where `fields` says, in
    /// `wrap`.
    #[schemars(with = "Option<Value>")]
    pub body: Option<Spanned<Value>>,
    /// Fields that the app refuses to do without.
    #[schemars(with = "Option<Vec<String>>")]
    pub require: Option<Spanned<Vec<String>>>,
    /// The status of a new account; `pending` where it waits for an invitation to be accepted.
    #[serde(default = "active")]
    pub becomes: Status,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
}

fn active() -> Status {
    Status::Active
}

/// Deactivating or reactivating: by a field (`set`), or by a call of its own (one of `post`, `put`, `patch`, `delete`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["set", "post", "put", "patch", "delete"])))]
pub(crate) struct Change {
    /// By `update`, with this status.
    pub set: Option<SetStatus>,
    /// The path, if it is a POST.
    #[schemars(with = "Option<Template>")]
    pub post: Path,
    /// The path, if it is a PUT.
    #[schemars(with = "Option<Template>")]
    pub put: Path,
    /// The path, if it is a PATCH.
    #[schemars(with = "Option<Template>")]
    pub patch: Path,
    /// The path, if it is a DELETE.
    #[schemars(with = "Option<Template>")]
    pub delete: Path,
    /// The JSON to send; none unless said.
    #[schemars(with = "Option<Value>")]
    pub body: Option<Spanned<Value>>,
    /// Deactivating: nobody can undo it, so that a guard asks first.
    #[serde(default)]
    pub irreversible: bool,
    /// Deactivating: it takes the account out of its groups as well.
    #[serde(default)]
    pub strips_members: bool,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
}

/// A status to write.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetStatus {
    /// One that `accounts.status` translates.
    pub status: Status,
}
