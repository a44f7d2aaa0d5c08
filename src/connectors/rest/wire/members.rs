//! Memberships as a manifest describes them.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answers, BodyTemplate, ByHand, Dotted, Lined, List, Map, Path, Role, Status, one_of};

/// Who is in which group. What is left out a person does.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::connectors::rest) struct Members {
    /// Our name for a field of a membership to where a row has it.
    pub fields: Map<Dotted>,
    /// How roles in a group are held, and which there are. The field is `role` or `roles`.
    pub role: Option<Lined<Role>>,
    /// Fields that hold ids, each with the lookup that names them.
    pub lookup: Map<Lined<String>>,
    /// The members of a group, by `{group.id}`, or the groups of an account, by `{account.id}`: which of the two, its path
    /// says. Without it nobody can know who is a member, and what we wrote ourselves is believed.
    pub list: Option<List>,
    /// Adding an account to a group.
    pub add: Option<Lined<Add>>,
    /// Changing the fields of a membership.
    pub change: Option<Lined<MemberChange>>,
    /// Taking an account out of a group.
    pub remove: Option<Lined<Remove>>,
}

/// Adding an account to a group, with `{group.id}`, `{account.id}` and `{FIELD}`: exactly one of `post`, `put` and `patch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["post", "put", "patch"])))]
pub(in crate::connectors::rest) struct Add {
    /// The path, if it is a POST.
    pub post: Path,
    /// The path, if it is a PUT.
    pub put: Path,
    /// The path, if it is a PATCH.
    pub patch: Path,
    /// The JSON to send; none unless said. `{account.id}` is who joins; `{account.ids}` a list of who joins, as many as
    /// `at_once` allows.
    pub body: Option<Lined<BodyTemplate>>,
    /// Statuses of accounts that may join; `[active, pending]` unless said. Others are waited for.
    pub when: Option<Vec<Status>>,
    /// Values, by field, that a new member gets where the files say nothing, because the app refuses to do without.
    #[serde(default)]
    pub defaults: Map<Arc<str>>,
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
    pub answers: Answers,
}

/// Changing the fields of a membership, with `{group.id}`, `{account.id}` and `{FIELD}`: exactly one of `post`, `put` and
/// `patch`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["post", "put", "patch"])))]
pub(in crate::connectors::rest) struct MemberChange {
    /// The path, if it is a POST.
    pub post: Path,
    /// The path, if it is a PUT.
    pub put: Path,
    /// The path, if it is a PATCH.
    pub patch: Path,
    /// The JSON to send; none unless said.
    pub body: Option<Lined<BodyTemplate>>,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    pub answers: Answers,
}

/// Taking an account out of a group, with `{group.id}` and `{account.id}`: exactly one of `delete` and `post`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["delete", "post"])))]
pub(in crate::connectors::rest) struct Remove {
    /// The path, if it is a DELETE.
    pub delete: Path,
    /// The path, if it is a POST.
    pub post: Path,
    /// The JSON to send; none unless said.
    pub body: Option<Lined<BodyTemplate>>,
    /// How many a request can remove, with `{account.ids}` in the body; 1 unless said.
    #[schemars(range(min = 1))]
    pub at_once: Option<u32>,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    pub answers: Answers,
}
