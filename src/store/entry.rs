//! What an entry of the ledger says: the parts that all entries share, and what happened.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AppKey, personal::FORGOTTEN};
use crate::model::{ActionName, ActionResult, Cause, Change, Verb};

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place in the ledger, from 1. Places are never given twice.
    pub seq: u64,
    /// The app's name and origin, as the app is called now; none for entries about runs and about the store itself.
    pub key: Option<AppKey>,
    /// The hash of the entry before it, in hexadecimal.
    pub prev: String,
    /// Its own hash.
    pub hash: String,
    /// What it says.
    pub entry: NewEntry,
}

/// What is entered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEntry {
    /// When it happened.
    pub at: Timestamp,
    /// In which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Arc<str>>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Event {
    /// A run began.
    RunBegun(RunBegun),
    /// A run ended.
    RunEnded(RunEnded),
    /// An action ended.
    Action(Box<ActionEntry>),
    /// Something was noticed, such as a change that somebody else made.
    Note(Note),
    /// The ledger was rewritten from the form of an earlier version.
    Migrated(Migrated),
    /// Somebody's personal values were deleted.
    Forgot(Forgot),
    /// Entries that were old enough were deleted.
    Pruned(Pruned),
    /// Somebody paused what is written to an app, or to all.
    Paused(Paused),
    /// Somebody ended a pause before its time.
    Resumed(Resumed),
    /// What is known of an app became that of another entry of the files, which shows the same accounts.
    Renamed(Renamed),
}

/// What an action does, to whom, and why: what is known before it is tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deed {
    /// Its verb.
    pub verb: Verb,
    /// The account, as the action's name spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Arc<str>>,
    /// The account's id, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Arc<str>>,
    /// The address that the account went by in the app, where that is not `account`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Arc<str>>,
    /// The group, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Arc<str>>,
    /// The group's id, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<Arc<str>>,
    /// The addresses of people who can do less or more afterwards, where that is not just `account`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Arc<str>>,
    /// Someone can do less afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reduces_access: bool,
    /// Someone can do more afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gains: bool,
    /// Fields, old and new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The lines that ask for it: `teams/design.yaml:9`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// The commit of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Why it takes something away: `left`, `until 2026-06-30`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What made it necessary, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// An action that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionEntry {
    /// What it does.
    #[serde(flatten)]
    pub deed: Deed,
    /// How it ended.
    #[serde(rename = "result")]
    pub ending: Ending,
    /// The sentence that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Method and path of the request: `PATCH /users/user-123`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What the app showed when it was read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_back: Option<Value>,
    /// When the request was about to be sent, where that was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// It was settled by looking at the app, without an answer to the request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_looking: bool,
}

/// What the ledger holds about a run's begin, beside its id and the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunBegun {
    /// The command.
    pub command: String,
    /// The machine it runs on.
    pub host: String,
    /// Its process.
    pub pid: u32,
    /// The commit of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The plan's fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What the ledger holds about a run's end, beside its id and the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    /// How.
    pub how: RunEnding,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How many actions ended how.
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum RunEnding {
    /// All that could be done was done.
    Done,
    /// Something was not done.
    Failed,
    /// Somebody stopped it.
    Interrupted,
    /// Its process died, and a later run found what it left under way.
    CutOff,
}

/// Something that was noticed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// About which account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Arc<str>>,
    /// About whom else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Arc<str>>,
    /// What it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What the ledger was before it was rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrated {
    /// How many entries it had.
    pub entries: u64,
    /// The hash of the last one, as it was then.
    pub head: String,
    /// Why it was not whole, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<Break>,
}

/// Whose values were deleted is not said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgot {
    /// The places of the entries of which some value was deleted.
    pub entries: Vec<u64>,
}

/// Which entries were deleted because they were old, and what proves the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// The place of the last entry that was old enough. The chain begins behind it.
    pub through: u64,
    /// The hash of that entry, which the next one follows.
    pub hash: String,
    /// How many entries were deleted this time.
    pub deleted: u64,
    /// The hash over the hashes of the old entries that are still needed and were kept.
    pub kept: String,
}

/// A pause that somebody made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// When it ends by itself.
    pub until: Timestamp,
    /// Who made it.
    pub by: Arc<str>,
    /// Why.
    #[serde(rename = "message")]
    pub reason: Arc<str>,
    /// It keeps access of people who left as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds_leavers: bool,
}

/// A pause that somebody ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// Who ended it.
    pub by: Arc<str>,
}

/// What an app was called before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// The entry of the files that it had. Entries before this one that were written for it are about the app, too.
    pub was: AppKey,
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// The first entry that is wrong.
    pub seq: u64,
    /// What is wrong, as a sentence.
    pub why: String,
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Ending {
    /// It took effect.
    Done,
    /// It did not take effect.
    Failed,
    /// Nobody can tell whether it did.
    Unknown,
    /// A person must do it.
    Manual,
    /// It was not tried, because of another action.
    Skipped,
    /// It was not tried, because the app had changed.
    Stale,
    /// It was not tried, because the run ended.
    NotStarted,
}

impl Ending {
    /// The word in the ledger and in reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl RunEnding {
    /// The word in the ledger and in reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl From<&ActionResult> for Ending {
    fn from(result: &ActionResult) -> Self {
        match result {
            ActionResult::Done { .. } => Self::Done,
            ActionResult::Failed { .. } => Self::Failed,
            ActionResult::Manual { .. } => Self::Manual,
            ActionResult::Skipped { .. } => Self::Skipped,
            ActionResult::Stale { .. } => Self::Stale,
            ActionResult::NotStarted { .. } => Self::NotStarted,
        }
    }
}

impl Event {
    /// The word for its kind in the ledger and in reports.
    pub fn kind(&self) -> &'static str {
        self.into()
    }

    /// The action, if it is about one.
    pub fn action(&self) -> Option<&ActionEntry> {
        match self {
            Self::Action(action) => Some(action),
            _ => None,
        }
    }

    /// The addresses of those it is about, as they are spelt.
    pub(super) fn people(&self) -> impl Iterator<Item = &Arc<str>> {
        let (account, people) = match self {
            Self::Action(action) => (&action.deed.account, &action.deed.people[..]),
            Self::Note(note) => (&note.account, &note.people[..]),
            _ => (&None, &[][..]),
        };
        people.iter().chain(account).filter(|person| ***person != *FORGOTTEN)
    }
}

impl Deed {
    /// The same, with ids that became known since.
    #[must_use]
    pub fn with_ids(self, account: Option<Arc<str>>, group: Option<Arc<str>>) -> Self {
        Self { account_id: account.or(self.account_id), group_id: group.or(self.group_id), ..self }
    }

    /// The action's name.
    pub fn name(&self, app: &Arc<str>) -> ActionName {
        ActionName { app: app.clone(), verb: self.verb, account: self.account.clone(), group: self.group.clone() }
    }
}

impl Entry {
    /// The action's name, if it is about an action.
    pub fn action_name(&self) -> Option<ActionName> {
        Some(self.entry.event.action()?.deed.name(&self.key.as_ref()?.app))
    }
}
