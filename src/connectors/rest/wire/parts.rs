//! Accounts, groups and memberships as a manifest describes them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::{List, Map, Otherwise, Path};
use crate::connectors::rest::template::{Dotted, Template};

/// Our words for statuses, as manifests use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Active,
    Pending,
    Inactive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    One,
    Many,
}

/// A list of roles: written out, or `options.NAME`, where the files give it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
pub enum Roles {
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

/// How roles are held, and which there are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    pub take: Take,
    /// From the least to the most powerful.
    pub ranked: Option<Spanned<Roles>>,
    /// Those that can administer the app.
    pub admin: Option<Spanned<Roles>>,
    /// All there are, where that is known.
    pub values: Option<Spanned<Roles>>,
    /// Our name for a role to the app's.
    #[serde(default)]
    pub names: Map<Value>,
    /// The lookup that tells names from ids.
    pub lookup: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    #[serde(default = "user")]
    pub noun: String,
    /// Our name for a field to where the app has it. `id` and `email` are needed.
    pub fields: Spanned<Map<Dotted>>,
    /// Fields that cannot be changed once an account exists.
    #[serde(default)]
    pub fixed: Vec<String>,
    #[serde(default)]
    pub status: BTreeMap<Status, Value>,
    pub role: Option<Spanned<Role>>,
    /// Fields that hold ids, each with the lookup that names them.
    #[serde(default)]
    pub lookup: Map<Spanned<String>>,
    #[serde(default)]
    pub inactive_keeps_seat: bool,
    /// The key that rows of single answers and bodies are wrapped in.
    pub wrap: Option<String>,
    pub list: List,
    pub read: Read,
    pub find: Option<List>,
    pub create: Option<Create>,
    pub update: Option<Spanned<Update>>,
    pub deactivate: Option<Spanned<Change>>,
    pub reactivate: Option<Spanned<Change>>,
    pub delete: Option<Spanned<Delete>>,
    /// Which of `deactivate` and `delete` withdraws an invitation.
    pub cancel_pending: Option<Spanned<String>>,
}

fn user() -> String {
    "user".into()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    pub get: Spanned<Template>,
    #[serde(default)]
    pub query: Map<Template>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    pub post: Spanned<Template>,
    pub body: Option<Spanned<Value>>,
    /// Fields that the app refuses to do without.
    pub require: Option<Spanned<Vec<String>>>,
    #[serde(default = "active")]
    pub becomes: Status,
    /// Statuses of answers that mean: there is one already.
    #[serde(default)]
    pub duplicate: Vec<u16>,
    #[serde(default)]
    pub expect: BTreeMap<Dotted, Value>,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<Otherwise>,
    /// Further statuses that mean: a person has to do it.
    #[serde(default)]
    pub manual_on: Vec<u16>,
}

fn active() -> Status {
    Status::Active
}

/// What an update sends.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// What changes.
    #[default]
    Partial,
    /// All there is, with what changes: it is read right before, and looked at after.
    Replace,
    /// One operation of RFC 6902 for each field that changes.
    JsonPatch,
}

/// The operation of a JSON Patch.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    #[default]
    Replace,
    /// For apps that leave out fields without a value, which `replace` cannot give one.
    Add,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    pub post: Path,
    pub put: Path,
    pub patch: Path,
    #[serde(default)]
    pub style: Style,
    /// Keys that a replacement must not send back.
    #[serde(default)]
    pub omit: Vec<Dotted>,
    /// Parts that a partial update replaces as a whole: what else is in them is read first and sent along.
    #[serde(default)]
    pub whole: Vec<Dotted>,
    /// With `style: json-patch`.
    #[serde(default)]
    pub op: Op,
    #[serde(default)]
    pub expect: BTreeMap<Dotted, Value>,
    pub otherwise: Option<Otherwise>,
    #[serde(default)]
    pub manual_on: Vec<u16>,
}

/// Deactivating or reactivating: by a field, or by a call of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub set: Option<SetStatus>,
    pub post: Path,
    pub put: Path,
    pub patch: Path,
    pub delete: Path,
    pub body: Option<Spanned<Value>>,
    #[serde(default)]
    pub expect: BTreeMap<Dotted, Value>,
    #[serde(default)]
    pub irreversible: bool,
    #[serde(default)]
    pub strips_members: bool,
    pub otherwise: Option<Otherwise>,
    #[serde(default)]
    pub manual_on: Vec<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetStatus {
    pub status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    pub delete: Path,
    pub post: Path,
    pub body: Option<Spanned<Value>>,
    #[serde(default)]
    pub expect: BTreeMap<Dotted, Value>,
    #[serde(default)]
    pub irreversible: bool,
    pub otherwise: Option<Otherwise>,
    #[serde(default)]
    pub manual_on: Vec<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    pub noun: Option<String>,
    #[serde(default)]
    pub fields: Map<Dotted>,
    pub wrap: Option<String>,
    pub list: Option<List>,
    /// One group, for updates that send all there is.
    pub read: Option<Read>,
    pub create: Option<GroupCreate>,
    pub update: Option<Spanned<Update>>,
    pub delete: Option<Spanned<Delete>>,
    /// Groups, by name, that the app fills by itself, with the reason why they are left alone.
    #[serde(default)]
    pub automatic: Map<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupCreate {
    pub post: Spanned<Template>,
    pub body: Option<Spanned<Value>>,
    /// Fields that the app refuses to do without, besides the name.
    pub require: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub duplicate: Vec<u16>,
    #[serde(default)]
    pub expect: BTreeMap<Dotted, Value>,
    pub otherwise: Option<Otherwise>,
    #[serde(default)]
    pub manual_on: Vec<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Members {
    #[serde(default)]
    pub fields: Map<Dotted>,
    pub role: Option<Spanned<Role>>,
    /// Fields that hold ids, each with the lookup that names them.
    #[serde(default)]
    pub lookup: Map<Spanned<String>>,
    #[serde(default)]
    pub creates_account: bool,
    pub list: Option<List>,
    pub add: Option<Spanned<Add>>,
    pub change: Option<Spanned<MemberChange>>,
    pub remove: Option<Spanned<Remove>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {
    pub post: Path,
    pub put: Path,
    pub patch: Path,
    /// `{account.id}` is who joins; `{account.ids}` a list of who joins, as many as `at_once` allows.
    pub body: Option<Spanned<Value>>,
    #[serde(default)]
    pub expect: BTreeMap<Dotted, Value>,
    pub when: Option<Vec<Status>>,
    /// Adding a member again with other values changes the membership.
    #[serde(default)]
    pub changes: bool,
    /// How many a request can add, with `{account.ids}` in the body.
    pub at_once: Option<u32>,
    pub otherwise: Option<Otherwise>,
    #[serde(default)]
    pub manual_on: Vec<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    pub post: Path,
    pub put: Path,
    pub patch: Path,
    pub body: Option<Spanned<Value>>,
    #[serde(default)]
    pub expect: BTreeMap<Dotted, Value>,
    pub otherwise: Option<Otherwise>,
    #[serde(default)]
    pub manual_on: Vec<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    pub delete: Path,
    pub post: Path,
    pub body: Option<Spanned<Value>>,
    #[serde(default)]
    pub expect: BTreeMap<Dotted, Value>,
    /// How many a request can remove, with `{account.ids}` in the body.
    pub at_once: Option<u32>,
    pub otherwise: Option<Otherwise>,
    #[serde(default)]
    pub manual_on: Vec<u16>,
}
