//! What the apps say there is, and how much of it was seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Email, FieldName, FieldValue, Severity};

/// The live state of every app that was read, by the app's name in the files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Each app's state, or why it could not be read.
    pub apps: BTreeMap<Arc<str>, Result<LiveApp, ReadFailure>>,
}

/// Why an app could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFailure {
    /// What went wrong, naming the request, and what to do next.
    pub message: String,
}

/// One app as it was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveApp {
    /// When the reading was finished.
    pub observed_at: Timestamp,
    /// Accounts, in the order of their ids.
    pub accounts: Vec<LiveAccount>,
    /// Whether all accounts were seen.
    pub accounts_coverage: Coverage,
    /// Groups, in the order of their ids.
    pub groups: Vec<LiveGroup>,
    /// Whether all groups were seen.
    pub groups_coverage: Coverage,
    /// Accounts, by id, that could not be read on their own, and why. What only such a reading shows is unknown of them.
    #[serde(default)]
    pub unread_accounts: BTreeMap<Arc<str>, String>,
    /// Ids of accounts whose memberships were not read, where memberships are read account by account.
    pub unread_memberships: BTreeSet<Arc<str>>,
    /// Addresses that a query, and not merely a list that broke off, showed to have no account.
    #[serde(default)]
    pub absent: BTreeSet<Email>,
    /// Addresses of which nobody can say whether there is an account, and why: the query that was to tell failed.
    #[serde(default)]
    pub unanswered: BTreeMap<Email, String>,
    /// The id of the account that our own credential acts as, where the connector knows it.
    #[serde(default)]
    pub own_account: Option<Arc<str>>,
    /// Names that the app has for values which it knows by id.
    #[serde(default)]
    pub vocabulary: Vocabulary,
    /// What the connector came across that a person should know.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// How many requests the reading took.
    pub requests: u64,
    /// Age of the oldest fact in it, in seconds.
    pub oldest_s: u64,
    /// How far the reading went.
    #[serde(default)]
    pub extent: Extent,
}

/// How far a reading went: not everything has to be read every time, nor everybody.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Extent {
    /// The one person that it is about; none where it is about everybody.
    #[serde(default)]
    pub about: Option<About>,
    /// Accounts, by id, that have to be read on their own and whose turn has not come. What only that shows is unknown.
    #[serde(default)]
    pub accounts_to_come: BTreeSet<Arc<str>>,
    /// Accounts, by id, whose memberships have not had their turn. They are among `unread_memberships` too.
    #[serde(default)]
    pub memberships_to_come: BTreeSet<Arc<str>>,
    /// Accounts of which something was not read this time but remembered, each with the time of the oldest such fact.
    #[serde(default)]
    pub remembered: BTreeMap<Arc<str>, Timestamp>,
}

impl Extent {
    /// Whether all that is known was seen in this reading, and all that could be seen is known.
    pub fn is_certain(&self) -> bool {
        self.accounts_to_come.is_empty() && self.memberships_to_come.is_empty() && self.remembered.is_empty()
    }

    /// Whether something of the account has not had its turn to be read.
    pub fn is_to_come(&self, id: &Arc<str>) -> bool {
        self.accounts_to_come.contains(id) || self.memberships_to_come.contains(id)
    }

    /// Whether something of the account was not seen in this reading and is remembered, or has its turn later.
    pub fn is_uncertain(&self, id: &Arc<str>) -> bool {
        self.remembered.contains_key(id) || self.is_to_come(id)
    }
}

/// The one person that a plan is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The person, as the files spell them.
    pub identity: Email,
    /// Nobody else was looked for, so that nobody can be counted.
    pub alone: bool,
    /// Groups were looked at. They are not where the person's accounts go as a whole.
    pub groups: bool,
    /// Whether all that is there of this person was seen.
    pub coverage: Coverage,
    /// What led to an account of the person; none where nothing did.
    #[serde(default)]
    pub found_by: Option<FoundBy>,
    /// Addresses of the person that were not looked for, because an account was found without.
    #[serde(default)]
    pub unasked: Vec<Email>,
    /// Ids that were asked for, and that no account has.
    #[serde(default)]
    pub missing: BTreeSet<Arc<str>>,
}

impl About {
    /// For a plan about one person where everybody was looked for.
    pub fn among_all(identity: Email) -> Self {
        let coverage = Coverage::Complete;
        let (unasked, missing) = (Vec::new(), BTreeSet::new());
        Self { identity, alone: false, groups: true, coverage, found_by: None, unasked, missing }
    }
}

/// What led to an account of a person who was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
pub enum FoundBy {
    /// An id that a pin has or that is remembered.
    #[strum(to_string = "by id")]
    Id,
    /// A query.
    #[strum(to_string = "by a query")]
    Query,
    /// The list of all accounts.
    #[strum(to_string = "by reading the list")]
    List,
}

impl LiveApp {
    /// An app that was read completely at `at`, and in which there is nothing.
    pub fn empty(at: Timestamp) -> Self {
        Self { observed_at: at, ..Self::default() }
    }

    /// The one person that was looked for, where nobody else was.
    pub fn alone(&self) -> Option<&About> {
        self.extent.about.as_ref().filter(|about| about.alone)
    }
}

/// Names that the app has, at this moment, for values which it knows by id; only of fields that are looked up so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// By field of an account.
    pub accounts: BTreeMap<FieldName, Words>,
    /// By field of a membership.
    pub members: BTreeMap<FieldName, Words>,
}

/// The names of one field's values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Words {
    /// Names, and ids, that stand for one value.
    pub known: BTreeSet<Arc<str>>,
    /// Names that stand for several, with the ids.
    pub ambiguous: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// What to do about a name that is not known, as a sentence.
    pub repair: Arc<str>,
}

impl LiveMember {
    /// A membership that can be used.
    pub fn new(account: Arc<str>, values: BTreeMap<FieldName, Option<FieldValue>>) -> Self {
        Self { account, email: None, status: AccountStatus::Active, values }
    }
}

/// Something that a connector came across while it read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Notice {
    /// How bad it is.
    pub severity: Severity,
    /// The group it is about, by name.
    pub group: Option<Arc<str>>,
    /// The sentence.
    pub message: String,
}

/// A person, or a service, in an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveAccount {
    /// The app's immutable id.
    pub id: Arc<str>,
    /// The login, as the app spells it.
    pub email: Email,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// Addresses that its row shows besides the one that it is known by.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub other_addresses: BTreeSet<Email>,
    /// Fields that were seen. No key: not known. `None`: known to be empty.
    pub values: BTreeMap<FieldName, Option<FieldValue>>,
    /// When it was made, which for a pending account is when it was invited.
    pub created_at: Option<Timestamp>,
}

/// Whether an account can be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AccountStatus {
    /// It can.
    Active,
    /// It will, once the person accepts an invitation.
    Pending,
    /// It cannot.
    Inactive,
    /// The app used a word that its connector does not know.
    #[strum(to_string = "{0}")]
    Unknown(Arc<str>),
}

/// A group as it was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveGroup {
    /// The app's immutable id.
    pub id: Arc<str>,
    /// Its name, compared exactly.
    pub name: Arc<str>,
    /// Fields that were seen, as for accounts.
    pub values: BTreeMap<FieldName, Option<FieldValue>>,
    /// Members that were seen, in the order of their account ids.
    pub members: Vec<LiveMember>,
    /// Whether all members were seen.
    pub coverage: Coverage,
    /// How far the group can be managed.
    #[serde(default)]
    pub reach: Reach,
}

impl LiveGroup {
    /// A group of which no more is known than what it is called, and how much of it was seen.
    pub fn named(id: Arc<str>, name: Arc<str>, coverage: Coverage) -> Self {
        Self { id, name, values: BTreeMap::new(), members: Vec::new(), coverage, reach: Reach::Full }
    }
}

/// How far a group can be managed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// As far as the API goes.
    #[default]
    Full,
    /// It can be read; writes are refused, and the text says why.
    ReadOnly(Arc<str>),
    /// The app has withdrawn it, and the text says how: nothing about it is planned.
    Gone(Arc<str>),
}

/// A membership as the account's side shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountGroup {
    /// The group's id.
    pub group_id: Arc<str>,
    /// The group's name.
    pub group_name: Arc<str>,
    /// The membership; its `account` is the account that was asked for.
    pub member: LiveMember,
}

/// A membership as it was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveMember {
    /// The id of the account.
    pub account: Arc<str>,
    /// The account's address, where a membership shows it.
    #[serde(default)]
    pub email: Option<Email>,
    /// Whether the membership can be used, where it has a status of its own.
    #[serde(default = "active")]
    pub status: AccountStatus,
    /// Fields that were seen, the role among them, as for accounts.
    pub values: BTreeMap<FieldName, Option<FieldValue>>,
}

fn active() -> AccountStatus {
    AccountStatus::Active
}

/// Whether a listing holds everything there is. Absence from a listing that is not complete means nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Coverage {
    /// Pages were followed to the end, totals agree, and nothing came twice.
    #[default]
    Complete,
    /// Something was missing; the text says what.
    Incomplete(String),
    /// The app has no way to show it, and never will; the text says how it answered. What is known is what the ledger
    /// says that we did.
    Believed(String),
}

impl Coverage {
    /// Whether all was seen.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// What was missing, or cannot be shown.
    pub fn gap(&self) -> Option<&str> {
        match self {
            Self::Complete => None,
            Self::Incomplete(why) | Self::Believed(why) => Some(why),
        }
    }

    /// Complete only if both are; the first reason is kept.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.is_complete() { other } else { self }
    }
}
