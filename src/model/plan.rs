//! The difference between desired and live, and what will be done about it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Action, FieldName, FieldValue, Guard, Place, Status};

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
}

/// What would change in one app.
#[derive(Debug, Clone, PartialEq)]
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

/// Something a person should know that is not an action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word for it: `unlisted-account`.
    pub code: &'static str,
    /// The account it is about.
    pub account: Option<Arc<str>>,
    /// The group it is about.
    pub group: Option<Arc<str>>,
    /// The sentence.
    pub message: String,
    /// Lines it is about.
    pub because: Vec<Place>,
}

impl Finding {
    /// The code of the finding that says that nobody but one person was looked for.
    pub const ONLY: &'static str = "only-one-person";
}

/// How bad a finding is. The order is that of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something is wrong and stops actions.
    Error,
    /// Someone should look.
    Warning,
    /// Good to know.
    Note,
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

impl Plan {
    /// Counts over all apps.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for app in &self.apps {
            let one = app.summary();
            summary.ready += one.ready;
            summary.waiting += one.waiting;
            summary.held += one.held;
            summary.manual += one.manual;
            summary.findings += one.findings;
        }
        summary
    }
}

impl AppPlan {
    /// Counts over this app.
    pub fn summary(&self) -> Summary {
        let count = |status| self.actions.iter().filter(|action| action.status == status).count();
        Summary {
            ready: count(Status::Ready),
            waiting: count(Status::Waiting),
            held: count(Status::Held),
            manual: count(Status::Manual),
            findings: self.findings.len(),
        }
    }
}
