//! Guards as a table: what each is called, what lets it go, and what it needs. `plan/guards` has the checks.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A named check that an action has to pass. The order is the order in which an action's guards are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::VariantArray)]
pub enum Guard {
    /// Nothing is written to an app in this mode.
    Mode,
    /// A freeze is on.
    Frozen,
    /// It is not certain which account is whose.
    Ambiguous,
    /// The app uses a status that the connector does not know.
    UnknownStatus,
    /// Not everything was seen.
    Incomplete,
    /// It would touch the account of our own credential.
    SelfAccount,
    /// The files ask for nothing at all.
    DesiredEmpty,
    /// The app shows much less than last time.
    Shrank,
    /// A policy protects the account.
    Protected,
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

/// What makes a guard let an action go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetsGo {
    /// An approval that names the guard.
    Approval,
    /// An approval that names the guard, and for how many people.
    CountedApproval,
    /// Only that its cause is gone; the plan prints how.
    Repair,
}

/// A guard's row of the table.
struct Row {
    name: &'static str,
    lets_go: LetsGo,
    /// It cannot do all of its work without a history. The caps count the current run even so, but not the rolling day.
    needs_history: bool,
    /// It also holds what a person would have to do by hand. Nobody is asked to do what is uncertain, or what the files
    /// forbid for now; how many people to touch and what cannot be undone, a person who does it sees without us.
    binds_handwork: bool,
    /// Reading more of the account may let the action go, which decides what a reading in rotation reads first.
    reading_helps: bool,
}

impl Row {
    const fn of(name: &'static str, lets_go: LetsGo) -> Self {
        Self { name, lets_go, needs_history: false, binds_handwork: false, reading_helps: false }
    }

    const fn needs_history(self) -> Self {
        Self { needs_history: true, ..self }
    }

    const fn binds_handwork(self) -> Self {
        Self { binds_handwork: true, ..self }
    }

    const fn reading_helps(self) -> Self {
        Self { reading_helps: true, ..self }
    }
}

impl Guard {
    /// Every guard.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The words of the guards that an approval can release, in the order of [`Self::ALL`].
    pub const RELEASABLE: [&str; Self::count_releasable()] = {
        let (mut words, mut found, mut at) = ([""; Self::count_releasable()], 0, 0);
        while at < Self::ALL.len() {
            if Self::ALL[at].releasable() {
                words[found] = Self::ALL[at].as_str();
                found += 1;
            }
            at += 1;
        }
        words
    };

    const fn count_releasable() -> usize {
        let (mut found, mut at) = (0, 0);
        while at < Self::ALL.len() {
            found += Self::ALL[at].releasable() as usize;
            at += 1;
        }
        found
    }

    const fn row(self) -> Row {
        use LetsGo::{Approval, CountedApproval, Repair};
        match self {
            Self::Mode => Row::of("mode", Repair).binds_handwork(),
            Self::Frozen => Row::of("frozen", Repair).binds_handwork(),
            Self::Ambiguous => Row::of("ambiguous", Repair).binds_handwork(),
            Self::UnknownStatus => Row::of("unknown-status", Repair).binds_handwork().reading_helps(),
            Self::Incomplete => Row::of("incomplete", Repair).binds_handwork().reading_helps(),
            Self::SelfAccount => Row::of("self", Repair).binds_handwork(),
            Self::DesiredEmpty => Row::of("desired-empty", Repair).binds_handwork(),
            Self::Shrank => Row::of("shrank", Approval).needs_history().binds_handwork(),
            Self::Protected => Row::of("protected", Approval).binds_handwork(),
            Self::MinAdmins => Row::of("min-admins", Approval).reading_helps(),
            Self::Irreversible => Row::of("irreversible", Approval),
            Self::Reactivation => Row::of("reactivation", Approval).needs_history(),
            Self::MaxRemovals => Row::of("max-removals", CountedApproval).needs_history(),
            Self::MaxCreates => Row::of("max-creates", CountedApproval).needs_history(),
        }
    }

    /// The word in approvals and reports.
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What makes it let an action go.
    pub const fn lets_go(self) -> LetsGo {
        self.row().lets_go
    }

    /// Whether an approval can release it; otherwise its cause has to go.
    pub const fn releasable(self) -> bool {
        !matches!(self.lets_go(), LetsGo::Repair)
    }

    /// Whether it is a cap, whose approval says for how many people it is.
    pub const fn counts_people(self) -> bool {
        matches!(self.lets_go(), LetsGo::CountedApproval)
    }

    /// Whether it cannot do all of its work without a history.
    pub const fn needs_history(self) -> bool {
        self.row().needs_history
    }

    /// Whether it also holds what a person would have to do by hand.
    pub const fn binds_handwork(self) -> bool {
        self.row().binds_handwork
    }

    /// Whether reading more of the account may let the action go.
    pub const fn reading_helps(self) -> bool {
        self.row().reading_helps
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Guard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let guard = Self::ALL.iter().copied().find(|guard| guard.as_str() == text);
        guard.ok_or_else(|| format!("`{text}` is not a guard"))
    }
}

impl Serialize for Guard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Guard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
