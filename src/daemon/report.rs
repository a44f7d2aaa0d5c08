//! What came of one cycle of one app, and what it says about the app.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;

use crate::model::{Action, ActionName, ActionResult, AppOutcome, AppPlan, FindingCode, Guard, Severity, Status};

/// One cycle, from its start to its end.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub began: Timestamp,
    pub ended: Timestamp,
    /// How long it took, whatever happened to the time of day meanwhile.
    pub took: Duration,
    pub trigger: Trigger,
    pub result: CycleResult,
    /// Whether differences are corrected in this app at all.
    pub corrects: bool,
    /// Why it ended as it did, where that needs words.
    pub note: Option<String>,
    /// What it saw, unless it saw nothing.
    pub plan: Option<AppPlan>,
    /// What it did, if it did anything.
    pub outcome: Option<AppOutcome>,
}

/// Why a cycle began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Trigger {
    Schedule,
    Files,
    Asked,
}

/// How a cycle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::AsRefStr, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
pub(super) enum CycleResult {
    /// All that could be done was done.
    Ok,
    /// There are differences, and this daemon only reports them.
    Drift,
    /// Some action failed.
    Failed,
    /// The app could not be read.
    Unread,
    /// It was ended before its end: with the daemon, or because newer files name the app no longer or say that it is elsewhere.
    Stopped,
    /// Another process is at work in this app.
    Skipped,
    /// The store failed, so that nothing was learnt about the app or nothing more could be written down.
    Store,
}

impl CycleResult {
    /// Whether the app was read, planned, and carried out as far as that goes.
    pub(super) fn is_finished(self) -> bool {
        match self {
            Self::Ok | Self::Drift | Self::Failed => true,
            Self::Unread | Self::Stopped | Self::Skipped | Self::Store => false,
        }
    }
}

/// How an app stands: the first of these that fits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::AsRefStr, strum::EnumString, strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Standing {
    /// It, or a part of it, could not be read.
    Unreadable,
    /// No cycle has ended within its time, so that nobody knows.
    Behind,
    /// Something is wrong that no cycle can put right, or could not be done.
    #[strum(serialize = "needs-a-person")]
    NeedsPerson,
    /// A guard holds something, or a person has to do it.
    Held,
    /// Something waits for somebody outside, such as an invitation.
    Waiting,
    /// Something differs and was not corrected.
    Drift,
    /// It was not read yet.
    #[strum(serialize = "not-read-yet")]
    Unknown,
    /// It is as the files say.
    #[strum(serialize = "in-sync")]
    InSync,
}

impl Report {
    /// How the app stands after it.
    pub(super) fn standing(&self) -> Standing {
        let Some(plan) = self.plan.as_ref().filter(|_| self.result != CycleResult::Unread) else {
            return if self.result == CycleResult::Unread { Standing::Unreadable } else { Standing::Unknown };
        };
        let stopped = plan.findings.iter().any(|finding| finding.code == FindingCode::IncompleteRead);
        let any = |status| self.open().any(|action| action.status == status);
        // Where nothing is corrected, what the app's mode holds is drift that nobody has to release.
        let reported = |action: &Action| {
            !self.corrects && action.held.as_ref().is_some_and(|held| held.guard == Guard::Mode && held.also.is_empty())
        };
        let held = self.open().any(|action| action.status == Status::Held && !reported(action));
        if stopped {
            Standing::Unreadable
        } else if self.findings(Severity::Error) > 0 || self.result == CycleResult::Failed {
            Standing::NeedsPerson
        } else if held || any(Status::Manual) {
            Standing::Held
        } else if any(Status::Waiting) {
            Standing::Waiting
        } else if self.open().next().is_some() {
            Standing::Drift
        } else {
            Standing::InSync
        }
    }

    /// What was planned and not done.
    pub(super) fn open(&self) -> impl Iterator<Item = &Action> {
        let done: BTreeSet<&ActionName> = self.accomplished().collect();
        let actions = self.plan.iter().flat_map(|plan| &plan.actions);
        actions.filter(move |action| !done.contains(&action.name))
    }

    /// How many of what is open have this status.
    pub(super) fn count(&self, status: Status) -> usize {
        self.open().filter(|action| action.status == status).count()
    }

    /// How many actions each guard holds.
    pub(super) fn held_by(&self) -> BTreeMap<Guard, usize> {
        let mut held = BTreeMap::new();
        for guard in self.open().filter_map(|action| Some(action.held.as_ref()?.guard)) {
            *held.entry(guard).or_default() += 1;
        }
        held
    }

    /// How many actions took effect.
    pub(super) fn done(&self) -> usize {
        self.outcome.as_ref().map_or(0, |outcome| outcome.tally().done)
    }

    /// What took effect.
    pub(super) fn accomplished(&self) -> impl Iterator<Item = &ActionName> {
        let results = self.outcome.iter().flat_map(|outcome| &outcome.actions);
        results.filter(|(_, result)| matches!(result, ActionResult::Done { .. })).map(|(name, _)| name)
    }

    /// What failed, with why.
    pub(super) fn failures(&self) -> impl Iterator<Item = (&ActionName, &str)> {
        let results = self.outcome.iter().flat_map(|outcome| &outcome.actions);
        results.filter_map(|(name, result)| match result {
            ActionResult::Failed { error } => Some((name, error.as_str())),
            _ => None,
        })
    }

    /// Whether everything that matters was seen.
    pub(super) fn is_complete(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.error.is_none() && plan.complete)
    }

    /// How many findings are as bad as this.
    pub(super) fn findings(&self, severity: Severity) -> usize {
        let findings = self.plan.iter().flat_map(|plan| &plan.findings);
        findings.filter(|finding| finding.severity == severity).count()
    }

    /// Requests that reading and writing took.
    pub(super) fn requests(&self) -> u64 {
        let read = self.plan.as_ref().map_or(0, |plan| plan.observed.requests);
        read + self.outcome.as_ref().map_or(0, |outcome| outcome.requests)
    }
}
