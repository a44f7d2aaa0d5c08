//! Guards: what each is called, what lets it go, and what it needs. `plan/guards` has the checks.

use serde::{Deserialize, Serialize};

/// A named check that an action has to pass. The order is the order in which an action's guards are shown: first those that
/// only let go when their cause is gone, from [`Guard::Shrank`] on those that an approval can release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Guard {
    /// Nothing is written to an app in this mode.
    Mode,
    /// A freeze is on.
    Frozen,
    /// Somebody paused what is written.
    Paused,
    /// Another daemon's files are in force.
    OtherFiles,
    /// It is not certain which account is whose.
    Ambiguous,
    /// The app uses a status that the connector does not know.
    UnknownStatus,
    /// Not everything was seen.
    Incomplete,
    /// It would touch the account of our own credential.
    #[serde(rename = "self")]
    #[strum(serialize = "self")]
    SelfAccount,
    /// The files ask for nothing at all.
    DesiredEmpty,
    /// The app shows much less than last time.
    Shrank,
    /// Nobody accepted that the account is this person's.
    Identity,
    /// A policy protects the account.
    Protected,
    /// It was done again and again, and undone each time.
    EditFight,
    /// Too few admins would remain.
    MinAdmins,
    /// It cannot be undone.
    Irreversible,
    /// Someone else deactivated the account.
    Reactivation,
    /// Too many people would lose something.
    MaxRemovals,
    /// Too many people would gain something.
    MaxCreates,
}

impl Guard {
    /// Every guard.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The words of the guards that an approval can release, in the order of [`Self::ALL`].
    pub const RELEASABLE: &[&str] = <Self as strum::VariantNames>::VARIANTS.split_at(Self::Shrank as usize).1;

    /// The word in approvals and reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether an approval can release it; otherwise its cause has to go, and the plan prints how.
    pub fn releasable(self) -> bool {
        self >= Self::Shrank
    }

    /// Whether it is a cap, whose approval says for how many people it is.
    pub fn counts_people(self) -> bool {
        matches!(self, Self::MaxRemovals | Self::MaxCreates)
    }

    /// Whether its approval may say for how many people it is.
    pub fn takes_number(self) -> bool {
        self.counts_people() || self == Self::Identity
    }

    /// Whether it cannot do all of its work without a history. The caps count the current run even so, but not the rolling
    /// day; and whose account it is by their own key is judged by earlier runs alone.
    pub fn needs_history(self) -> bool {
        self.takes_number() || self == Self::Shrank
    }

    /// Whether it also holds what a person would have to do by hand. Nobody is asked to do what is uncertain, or what the
    /// files forbid for now; how many people to touch and what cannot be undone, a person who does it sees without us.
    pub fn binds_handwork(self) -> bool {
        self <= Self::Protected
    }

    /// Whether reading more of the account may let the action go, which decides what a reading in rotation reads first.
    pub fn reading_helps(self) -> bool {
        matches!(self, Self::UnknownStatus | Self::Incomplete | Self::Identity | Self::MinAdmins)
    }
}
