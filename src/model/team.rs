//! Company teams, and how far their grants may go.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{FieldName, FieldValue, Place};

/// What teams may grant in an app. What is not in it has no bound, except that roles which administer are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grantable {
    /// Values of account fields: by `roles`, or the name of another field.
    pub accounts: BTreeMap<FieldName, BTreeSet<Arc<str>>>,
    /// Groups.
    pub groups: Option<BTreeSet<Arc<str>>>,
    /// The same as `accounts`, of memberships.
    pub members: BTreeMap<FieldName, BTreeSet<Arc<str>>>,
    /// Where it is said.
    pub place: Option<Place>,
}

/// A company team: whom it takes in by rule, and what being in it gives. Its members are in the apps' claims.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredTeam {
    /// Attributes that make somebody a member.
    pub matches: BTreeMap<Arc<str>, FieldValue>,
    /// Where they are said.
    pub match_place: Option<Place>,
    /// Teams whose members are members here too, with the line of each.
    pub includes: BTreeMap<Arc<str>, Place>,
    /// What members get, by this team and by those that include it.
    pub gives: Vec<Gift>,
    /// Where the team is.
    pub place: Place,
}

/// What a team gives its members in one app: the account, or membership in a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gift {
    /// The app.
    pub app: Arc<str>,
    /// The group; none for the account.
    pub group: Option<Arc<str>>,
    /// Roles, where any are named.
    pub roles: BTreeSet<Arc<str>>,
}
