//! One step of a plan.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Change, Email, Guard, KnownAccount, Place, Reason, Step, Verb};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
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
        self.into()
    }
}

/// Why an action is held, and what would let it go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The first guard that no approval released.
    pub guard: Guard,
    /// Why that guard holds it, as a sentence.
    pub reason: String,
    /// The line under `approvals` that would release it, for a guard that can be released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// What to fix, for a guard that cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<String>,
    /// Further guards that hold it, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
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
    /// An account is made inactive before it leaves its groups, because that ends its access at once.
    InactiveFirst,
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
            Self::InactiveFirst => "an account is made inactive before it leaves its groups",
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
    /// Why it takes something away. Every step that does has a reason.
    pub reason: Option<Reason>,
    /// Why it waits or what a person has to do, as a sentence; after a run, what became of it.
    pub note: Option<String>,
    /// Which guard holds it, and why.
    pub held: Option<Held>,
    /// What it follows, sorted.
    pub after: Vec<Edge>,
    /// It cannot be undone.
    pub irreversible: bool,
    /// Someone can do less afterwards.
    pub reduces_access: bool,
    /// Someone can do more afterwards.
    pub adds_access: bool,
    /// Someone can administer the app or the group afterwards who could not before.
    pub gains_admin: bool,
    /// It takes something away from somebody who left: such people are cut off whatever else is held.
    pub cuts_off_leaver: bool,
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
    pub step: Step,
}

impl Action {
    /// An action that nothing stands in the way of, of which no more is known than what its name says.
    pub fn new(name: ActionName) -> Self {
        let step = Step::named(&name);
        Self::of(name, step)
    }

    /// An action that nothing stands in the way of, with everything else left open.
    pub fn of(name: ActionName, step: Step) -> Self {
        Self {
            name,
            status: Status::Ready,
            reason: None,
            note: None,
            held: None,
            after: Vec::new(),
            irreversible: false,
            reduces_access: false,
            adds_access: false,
            gains_admin: false,
            cuts_off_leaver: false,
            approved_by: Vec::new(),
            cause: None,
            changes: Vec::new(),
            because: Vec::new(),
            gone: Vec::new(),
            step,
        }
    }

    /// Whether both do the same to the same account and group, whatever stands in their way.
    pub fn same_step(&self, other: &Self) -> bool {
        self.name == other.name
            && self.changes == other.changes
            && self.irreversible == other.irreversible
            && self.step == other.step
    }

    /// Whether somebody or something loses access by it, or is gone afterwards.
    pub fn takes_away(&self) -> bool {
        self.reduces_access || self.name.verb.sign() == "-"
    }

    /// What stands in its way, as a sentence: why a guard holds it, why it waits, or what a person has to do.
    pub fn obstacle(&self) -> Option<&str> {
        self.held.as_ref().map(|held| &*held.reason).or(self.note.as_deref())
    }

    /// Whether nobody should miss it: it makes an administrator, gives an account another address, or cannot be undone.
    pub fn weighs_most(&self) -> bool {
        self.gains_admin || self.irreversible || self.step.address().is_some()
    }

    /// The live account that it touches, where that does not go by the name that the files give its person.
    pub fn live_as(&self) -> Option<&KnownAccount> {
        let account = self.step.account()?;
        let called = self.name.account.as_deref().unwrap_or_default();
        (account.email != Email::lenient(called)).then_some(account)
    }

    /// Whether someone can do less afterwards, or has to sign in by another address.
    pub fn may_lock_out(&self) -> bool {
        self.reduces_access || self.step.address().is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_slashes_and_percent_signs_stay_apart() {
        let texts: Vec<String> = ["A/B", "A%2FB", "A%252FB", "50% off", "A%25B", "%2/"].map(escape).into();
        assert_eq!(texts, ["A%2FB", "A%252FB", "A%25252FB", "50% off", "A%2525B", "%2%2F"]);
    }
}
