//! The verbs of actions: what rosterd can do in an app.

use serde::{Deserialize, Serialize};

/// What an action does. The order is the order of reports within one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Verb {
    /// Make an account.
    Create,
    /// Change fields of an account.
    Update,
    /// Make an inactive account active.
    Reactivate,
    /// Make an account inactive.
    Deactivate,
    /// Remove an account for good.
    Delete,
    /// Put an account into a group.
    AddMember,
    /// Change fields of a membership.
    ChangeMember,
    /// Take an account out of a group.
    RemoveMember,
    /// Make a group.
    CreateGroup,
    /// Change fields of a group.
    UpdateGroup,
    /// Remove a group.
    DeleteGroup,
}

impl Verb {
    /// Every verb.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The word in action names and approvals.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What it is about.
    pub fn scope(self) -> Scope {
        match self {
            Self::Create | Self::Update | Self::Reactivate | Self::Deactivate | Self::Delete => Scope::Account,
            Self::AddMember | Self::ChangeMember | Self::RemoveMember => Scope::Membership,
            Self::CreateGroup | Self::UpdateGroup | Self::DeleteGroup => Scope::Group,
        }
    }

    /// How reports mark it: `+` where something comes, `~` where something changes, `-` where something goes.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Create | Self::Reactivate | Self::AddMember | Self::CreateGroup => "+",
            Self::Update | Self::ChangeMember | Self::UpdateGroup => "~",
            Self::Deactivate | Self::Delete | Self::RemoveMember | Self::DeleteGroup => "-",
        }
    }

    /// How a sentence says that it was done: "rosterd … Ann".
    pub fn past(self) -> &'static str {
        match self {
            Self::Create | Self::CreateGroup => "created",
            Self::Update | Self::ChangeMember | Self::UpdateGroup => "changed",
            Self::Reactivate => "reactivated",
            Self::Deactivate => "deactivated",
            Self::Delete | Self::DeleteGroup => "deleted",
            Self::AddMember => "added",
            Self::RemoveMember => "removed",
        }
    }

    /// How a sentence says it: "the API has no way to …".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Create => "create an account",
            Self::Update => "change an account",
            Self::Reactivate => "reactivate an account",
            Self::Deactivate => "deactivate an account",
            Self::Delete => "delete an account",
            Self::AddMember => "add a member",
            Self::ChangeMember => "change a membership",
            Self::RemoveMember => "remove a member",
            Self::CreateGroup => "create a group",
            Self::UpdateGroup => "change a group",
            Self::DeleteGroup => "delete a group",
        }
    }
}

/// What a verb is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// An account.
    Account,
    /// An account in a group.
    Membership,
    /// A group itself.
    Group,
}
