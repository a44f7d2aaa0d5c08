//! One step of a plan.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{AccountStatus, Change, Email, Guard, Place, Values};

/// What an action does. The order is the order of reports within one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    pub const ALL: [Self; 11] = [
        Self::Create,
        Self::Update,
        Self::Reactivate,
        Self::Deactivate,
        Self::Delete,
        Self::AddMember,
        Self::ChangeMember,
        Self::RemoveMember,
        Self::CreateGroup,
        Self::UpdateGroup,
        Self::DeleteGroup,
    ];

    /// The word in action names and approvals.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Reactivate => "reactivate",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
            Self::AddMember => "add-member",
            Self::ChangeMember => "change-member",
            Self::RemoveMember => "remove-member",
            Self::CreateGroup => "create-group",
            Self::UpdateGroup => "update-group",
            Self::DeleteGroup => "delete-group",
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

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Verb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == text).ok_or_else(|| format!("`{text}` is not a verb"))
    }
}

/// The stable, readable name of an action: `APP/VERB/EMAIL`, `APP/VERB/EMAIL/GROUP` or `APP/VERB/GROUP`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionName {
    /// The app.
    pub app: Arc<str>,
    /// What is done.
    pub verb: Verb,
    /// To which account, as the files (or, for the unlisted, the app) spell it.
    pub account: Option<Arc<str>>,
    /// In or to which group.
    pub group: Option<Arc<str>>,
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", escape(&self.app), self.verb)?;
        for part in [&self.account, &self.group].into_iter().flatten() {
            write!(f, "/{}", escape(part))?;
        }
        Ok(())
    }
}

impl Serialize for ActionName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `/` becomes `%2F`; and a `%` that would then read as such an escape becomes `%25`, so that no two names are the same
/// text.
pub(crate) fn escape(part: &str) -> String {
    part.replace("%25", "%2525").replace("%2F", "%252F").replace('/', "%2F")
}

/// What stands between an action and its being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing.
    Ready,
    /// Something outside, such as an invitation.
    Waiting,
    /// A guard.
    Held,
    /// The API cannot do it; a person must.
    Manual,
}

impl Status {
    /// The word in reports and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Manual => "manual",
        }
    }
}

/// Why an action is held, and what would let it go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The first guard that no approval released.
    pub guard: Guard,
    /// The line under `approvals` that would release it, for a guard that can be released.
    pub release: Option<String>,
    /// What to mend, for a guard that cannot.
    pub repair: Option<String>,
    /// Further guards that hold it, sorted.
    pub also: Vec<Guard>,
}

/// Why one action comes after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// An account is there before it joins a group.
    AccountBeforeMembership,
    /// A group is there before it has members.
    GroupBeforeMembers,
    /// Members leave before their group goes.
    MembersBeforeGroupGoes,
    /// A new admin is made before an old one goes.
    NewAdminFirst,
    /// A seat is freed before it is taken.
    SeatFreedFirst,
    /// An account is active before anything else is done to it.
    ReactivationFirst,
    /// What a reactivated account would wrongly have again is taken away at once.
    CleanAfterReactivation,
}

impl Rule {
    /// The rule as a sentence's end: "after X, because …".
    pub fn because(self) -> &'static str {
        match self {
            Self::AccountBeforeMembership => "an account is there before it joins a group",
            Self::GroupBeforeMembers => "a group is there before it has members",
            Self::MembersBeforeGroupGoes => "members leave before their group goes",
            Self::NewAdminFirst => "a new admin is made before an old one goes",
            Self::SeatFreedFirst => "a seat is freed before it is taken",
            Self::ReactivationFirst => "an account is active before anything else is done to it",
            Self::CleanAfterReactivation => "what a reactivated account should not have is taken away at once",
        }
    }
}

/// An action that comes first, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The action that comes first.
    pub action: ActionName,
    /// The rule that says so.
    pub rule: Rule,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its name.
    pub name: ActionName,
    /// What stands in its way.
    pub status: Status,
    /// Why it waits, is held or is manual, as a sentence.
    pub reason: Option<String>,
    /// Which guard holds it.
    pub held: Option<Held>,
    /// What it follows, sorted.
    pub after: Vec<Edge>,
    /// It cannot be undone.
    pub irreversible: bool,
    /// Someone can do less afterwards.
    pub reduces_access: bool,
    /// Someone can do more afterwards.
    pub adds_access: bool,
    /// Approvals without which a guard would hold it, sorted. Its success uses them up.
    pub approved_by: Vec<ApprovedBy>,
    /// `change`, `drift` or `time`, when it was planned against another version of the files.
    pub cause: Option<Cause>,
    /// Fields, old and new.
    pub changes: Vec<Change>,
    /// The lines that ask for it, sorted.
    pub because: Vec<Place>,
    /// Lines of the other version of the files that asked for the opposite and are there no more, sorted.
    pub gone: Vec<Place>,
    /// What carrying it out takes.
    pub target: Target,
}

impl Action {
    /// An action that nothing stands in the way of, with everything else left open.
    pub fn new(name: ActionName) -> Self {
        Self {
            name,
            status: Status::Ready,
            reason: None,
            held: None,
            after: Vec::new(),
            irreversible: false,
            reduces_access: false,
            adds_access: false,
            approved_by: Vec::new(),
            cause: None,
            changes: Vec::new(),
            because: Vec::new(),
            gone: Vec::new(),
            target: Target::default(),
        }
    }

    /// Whether both do the same to the same account and group, whatever stands in their way.
    pub fn same_step(&self, other: &Self) -> bool {
        self.name == other.name
            && self.changes == other.changes
            && self.irreversible == other.irreversible
            && self.target == other.target
    }
}

/// An approval that an action needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApprovedBy {
    /// What its use is counted under ([`super::Approval::id`]).
    pub approval: String,
    /// Its line.
    pub place: Place,
}

/// What made an action necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The change under review.
    Change,
    /// The app moved away from the files.
    Drift,
    /// A date passed.
    Time,
}

/// What carrying out an action takes, besides its name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Target {
    /// The address to send or look for; none for actions on groups.
    pub email: Option<Email>,
    /// The account's id; none when the plan itself makes the account.
    pub account_id: Option<Arc<str>>,
    /// The group's id; none when the plan itself makes the group.
    pub group_id: Option<Arc<str>>,
    /// All values to send: of the new account or group, of the membership, or the fields to change.
    pub values: Values,
    /// The address that an account gets which goes by another one.
    pub address: Option<Email>,
    /// Values of the account itself, where joining a group makes it.
    pub joins_with: Values,
    /// The status the account had when it was planned; a removal makes sure that it still has.
    pub expect: Option<AccountStatus>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_slashes_and_percent_signs_stay_apart() {
        let texts: Vec<String> = ["A/B", "A%2FB", "A%252FB", "50% off", "A%25B", "%2/"].map(escape).into();
        assert_eq!(texts, ["A%2FB", "A%252FB", "A%25252FB", "50% off", "A%2525B", "%2%2F"]);
    }
}
