//! The difference between desired and live, and what will be done about it.

use std::sync::Arc;

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::{
    Action, ActionName, Cause, ClaimChange, Claims, FieldName, FieldValue, Finding, FindingCode, Guard, Place,
    RuleChange, Status, Values,
};

/// Everything that would change, in every app.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// When it was made.
    pub created_at: Timestamp,
    /// Hash of everything the plan was made from; two plans with the same fingerprint do the same.
    pub fingerprint: String,
    /// Guards that could not be checked, because they need a history and there is none; sorted.
    pub guards_unchecked: Vec<Guard>,
    /// By the app's name.
    pub apps: Vec<AppPlan>,
    /// The other version of the files, when there is one to compare with.
    pub against: Option<Against>,
    /// The snapshot that stood for the apps, when they were not read themselves.
    pub snapshot: Option<Snapshot>,
    /// Findings about no app in particular, or about one that is not planned; sorted.
    pub findings: Vec<Finding>,
}

/// The version of the files that a plan was compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Against {
    /// As it was asked for.
    pub reference: String,
    /// The commit it stood for.
    pub commit: String,
    /// Actions of that version's plan that are not needed any more, sorted.
    pub no_longer: Vec<ActionName>,
    /// Rules that are others with the change, sorted.
    pub rules: Vec<RuleChange>,
    /// What is granted in one version only, whatever the dates; sorted.
    pub claims: Vec<ClaimChange>,
}

/// Live state that was written down earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// When the first of its apps was read.
    pub taken_at: Timestamp,
    /// How old that was when the plan was made, in seconds.
    pub age_s: u64,
}

impl Snapshot {
    /// A day: most organisations have changed something by then.
    const OLD_S: u64 = 24 * 3600;

    /// Whether so much may have changed since that the plan says little.
    pub fn is_old(&self) -> bool {
        self.age_s > Self::OLD_S
    }
}

/// Something that a date in the files will bring about by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When, in the organisation's time zone.
    pub at: Zoned,
    /// For whom.
    pub account: Arc<str>,
    /// In which group; none for the account itself.
    pub group: Option<Arc<str>>,
    /// What.
    pub what: DueWhat,
    /// The lines, sorted.
    pub because: Vec<Place>,
}

/// What a date brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum DueWhat {
    /// It will be granted.
    Begins,
    /// It will be granted with other values.
    Changes,
    /// It will be granted no longer.
    Ends,
}

/// What would change in one app.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AppPlan {
    /// The app's name.
    pub app: Arc<str>,
    /// Its connector.
    pub connector: Arc<str>,
    /// What the app calls a group.
    pub group_noun: Arc<str>,
    /// Why it could not be read; then there are no actions.
    pub error: Option<String>,
    /// Whether everything that matters was seen.
    pub complete: bool,
    /// What was seen.
    pub observed: Observed,
    /// What applying it will take.
    pub forecast: Forecast,
    /// Sorted by name.
    pub actions: Vec<Action>,
    /// Sorted by code and subject.
    pub findings: Vec<Finding>,
    /// What dates in the files will bring about in the next two weeks; sorted.
    pub due: Vec<Due>,
    /// Whose accounts are whose, as far as that is new or waits for an approval.
    pub claims: Claims,
}

/// How much was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Observed {
    /// Accounts.
    pub accounts: usize,
    /// Groups.
    pub groups: usize,
    /// Memberships.
    pub memberships: usize,
    /// Requests it took.
    pub requests: u64,
    /// Age of the oldest fact, in seconds.
    pub oldest_s: u64,
}

/// What applying a plan will take, re-reading included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Forecast {
    /// Requests.
    pub requests: u64,
    /// Seconds at the budget.
    pub seconds: u64,
    /// Licence seats, where the files cap them.
    #[serde(default)]
    pub seats: Option<Seats>,
}

/// Licence seats that a plan takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seats {
    /// That new and returning people need, those who wait for one included.
    pub needed: u32,
    /// That nobody has, once those who go have left theirs.
    pub free: u32,
}

/// One field of an action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// The field.
    pub field: FieldName,
    /// What it is; `None` when empty or not there yet.
    pub from: Option<FieldValue>,
    /// What it will be; `None` when it goes.
    pub to: Option<FieldValue>,
}

impl Change {
    /// Whether it takes away a value that these give.
    pub fn takes_from(&self, values: &Values) -> bool {
        let (Some(from), Some(given)) = (&self.from, values.get(&self.field)) else { return false };
        let stays = |text| self.to.iter().flat_map(FieldValue::texts).any(|to| to == text);
        from == given && self.to.as_ref() != Some(given)
            || from.texts().any(|text| !stays(text) && given.texts().any(|given| given == text))
    }
}

/// How many of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Actions that can be done.
    pub ready: usize,
    /// Actions that wait on something outside.
    pub waiting: usize,
    /// Actions that a guard holds.
    pub held: usize,
    /// Actions that a person must do.
    pub manual: usize,
    /// Findings.
    pub findings: usize,
}

impl Summary {
    /// What some actions come to.
    pub fn of<'a>(actions: impl IntoIterator<Item = &'a Action>) -> Self {
        let mut summary = Self::default();
        for action in actions {
            match action.status {
                Status::Ready => summary.ready += 1,
                Status::Waiting => summary.waiting += 1,
                Status::Held => summary.held += 1,
                Status::Manual => summary.manual += 1,
            }
        }
        summary
    }
}

impl Plan {
    /// What the change under review causes; with no other version to compare with, all there is.
    pub fn by_change(&self) -> impl Iterator<Item = &Action> {
        let compared = self.against.is_some();
        let actions = self.apps.iter().flat_map(|app| &app.actions);
        actions.filter(move |action| !compared || action.cause == Some(Cause::Change))
    }

    /// Whether the change alters more than steps show: rules, or what is granted at some time.
    pub fn alters_rules(&self) -> bool {
        self.against.as_ref().is_some_and(|against| !against.rules.is_empty() || !against.claims.is_empty())
    }

    /// Counts over all apps.
    pub fn summary(&self) -> Summary {
        let of_apps = self.apps.iter().map(|app| app.findings.len()).sum::<usize>();
        let actions = self.apps.iter().flat_map(|app| &app.actions);
        Summary { findings: self.findings.len() + of_apps, ..Summary::of(actions) }
    }
}

impl AppPlan {
    /// Whether the one person who was looked for has to go and was not found.
    pub fn nobody_found(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == FindingCode::PersonNotFound)
    }

    /// Counts over this app.
    pub fn summary(&self) -> Summary {
        Summary { findings: self.findings.len(), ..Summary::of(&self.actions) }
    }
}
