//! What came of one cycle of one app, and what it says about the app.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use crate::model::{Action, ActionName, ActionResult, AppOutcome, AppPlan, Severity, Status};

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
}

/// How an app stands, as far as its last cycle knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Standing {
    /// It was not read yet.
    #[strum(serialize = "not read yet")]
    Unknown,
    /// It is as the files say.
    #[strum(serialize = "in sync")]
    InSync,
    /// Something waits for somebody outside, such as an invitation.
    Waiting,
    /// A guard or a person has to do something.
    Held,
    /// Something differs and was not corrected.
    Drift,
    /// It could not be read, or something could not be done.
    Failing,
}

impl Report {
    /// How the app stands after it.
    pub(super) fn standing(&self) -> Standing {
        if matches!(self.result, CycleResult::Failed | CycleResult::Unread) {
            return Standing::Failing;
        }
        if self.plan.is_none() {
            return Standing::Unknown;
        }
        let any = |status| self.open().any(|action| action.status == status);
        if any(Status::Ready) || (!self.corrects && self.open().next().is_some()) {
            Standing::Drift
        } else if any(Status::Held) || any(Status::Manual) {
            Standing::Held
        } else if any(Status::Waiting) {
            Standing::Waiting
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
