//! Memberships as a manifest describes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::{Answer, Answers, ByHand, Dotted, List, Map, Path, Role, Status, Template, one_of};

/// Who is in which group. What is left out a person does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Members {
    /// Our name for a field of a membership to where a row has it.
    #[serde(default)]
    pub fields: Map<Dotted>,
    /// How roles in a group are held, and which there are. The field is `role` or `roles`.
    #[schemars(with = "Option<Role>")]
    pub role: Option<Spanned<Role>>,
    /// Fields that hold ids, each with the lookup that names them.
    #[serde(default)]
    #[schemars(with = "Map<String>")]
    pub lookup: Map<Spanned<String>>,
    /// The members of a group, by `{group.id}`, or the groups of an account, by `{account.id}`: which of the two, its path
    /// says. Without it nobody can know who is a member, and what we wrote ourselves is believed.
    pub list: Option<List>,
    /// Adding an account to a group.
    #[schemars(with = "Option<Add>")]
    pub add: Option<Spanned<Add>>,
    /// Changing the fields of a membership.
    #[schemars(with = "Option<MemberChange>")]
    pub change: Option<Spanned<MemberChange>>,
    /// Taking an account out of a group.
    #[schemars(with = "Option<Remove>")]
    pub remove: Option<Spanned<Remove>>,
}

/// Adding an account to a group, with `{group.id}`, `{account.id}` and `{FIELD}`: exactly one of `post`, `put` and `patch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["post", "put", "patch"])))]
pub(crate) struct Add {
    /// The path, if it is a POST.
    #[schemars(with = "Option<Template>")]
    pub post: Path,
    /// The path, if it is a PUT.
    #[schemars(with = "Option<Template>")]
    pub put: Path,
    /// The path, if it is a PATCH.
    #[schemars(with = "Option<Template>")]
    pub patch: Path,
    /// The JSON to send; none unless said. `{account.id}` is who joins; `{account.ids}` a list of who joins, as many as
    /// `at_once` allows.
    #[schemars(with = "Option<Value>")]
    pub body: Option<Spanned<Value>>,
    /// Statuses of accounts that may join; `[active, pending]` unless said. Others are waited for.
    pub when: Option<Vec<Status>>,
    /// Values, by field, that a new member gets where the files say nothing, because the app refuses to do without.
    #[serde(default)]
    pub defaults: BTreeMap<String, String>,
    /// Adding a member again with other values changes the membership.
    #[serde(default)]
    pub changes: bool,
    /// How many a request can add, with `{account.ids}` in the body; 1 unless said.
    #[schemars(range(min = 1))]
    pub at_once: Option<u32>,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
}

/// Changing the fields of a membership, with `{group.id}`, `{account.id}` and `{FIELD}`: exactly one of `post`, `put` and
/// `patch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["post", "put", "patch"])))]
pub(crate) struct MemberChange {
    /// The path, if it is a POST.
    #[schemars(with = "Option<Template>")]
    pub post: Path,
    /// The path, if it is a PUT.
    #[schemars(with = "Option<Template>")]
    pub put: Path,
    /// The path, if it is a PATCH.
    #[schemars(with = "Option<Template>")]
    pub patch: Path,
    /// The JSON to send; none unless said.
    #[schemars(with = "Option<Value>")]
    pub body: Option<Spanned<Value>>,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
}

/// Taking an account out of a group, with `{group.id}` and `{account.id}`: exactly one of `delete` and `post`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["delete", "post"])))]
pub(crate) struct Remove {
    /// The path, if it is a DELETE.
    #[schemars(with = "Option<Template>")]
    pub delete: Path,
    /// The path, if it is a POST.
    #[schemars(with = "Option<Template>")]
    pub post: Path,
    /// The JSON to send; none unless said.
    #[schemars(with = "Option<Value>")]
    pub body: Option<Spanned<Value>>,
    /// How many a request can remove, with `{account.ids}` in the body; 1 unless said.
    #[schemars(range(min = 1))]
    pub at_once: Option<u32>,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    #[schemars(with = "Vec<Answer>")]
    pub answers: Answers,
}
