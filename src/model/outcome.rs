//! What became of a plan that was applied.

use std::{collections::BTreeSet, sync::Arc};

use super::ActionName;

/// What became of every action that was taken up, app by app.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// By the app's name.
    pub apps: Vec<AppOutcome>,
}

/// What became of one app's actions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AppOutcome {
    /// The app's name.
    pub app: Arc<str>,
    /// What stopped the app as a whole, such as that it could not be read; each action still has a result of its own.
    pub error: Option<String>,
    /// Every action that the executor took up, in the order in which they ended.
    pub actions: Vec<(ActionName, ActionResult)>,
    /// Requests that were sent, those that only read included.
    pub requests: u64,
    /// Seconds from the first request to the last answer.
    pub seconds: u64,
}

/// What became of one action.
#[derive(Debug, Clone, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum ActionResult {
    /// It took effect.
    Done {
        /// What a person should know about it, such as that an invitation was sent.
        note: Option<String>,
    },
    /// It was tried and did not take effect, or nobody can tell whether it did.
    Failed {
        /// What went wrong and what to do next.
        error: String,
    },
    /// It was tried, and this version of the app has no such call: a person must do it.
    Manual {
        /// What to do, and where.
        todo: String,
    },
    /// It was not tried, because something it follows did not take effect.
    Skipped {
        /// Which action that was.
        reason: String,
    },
    /// It was not tried, because the app no longer is what the plan was made from.
    Stale {
        /// What is different.
        reason: String,
    },
    /// It was not tried, because the run ended first.
    NotStarted {
        /// What ended the run.
        reason: String,
    },
}

impl ActionResult {
    /// The word in reports and JSON.
    pub fn as_str(&self) -> &'static str {
        self.into()
    }

    /// The same of an action whose end could not be written down. Only what took effect would be taken for finished.
    #[must_use]
    pub fn unwritten(self) -> Self {
        match self {
            Self::Done { note } => {
                let but = "it took effect, but the store has no record of that; the next run looks at it first";
                Self::Done { note: Some(note.map_or_else(|| but.to_owned(), |note| format!("{note}; {but}"))) }
            }
            other => other,
        }
    }

    /// The sentence that goes with it.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Done { note } => note.as_deref(),
            Self::Failed { error } => Some(error),
            Self::Manual { todo } => Some(todo),
            Self::Skipped { reason } | Self::Stale { reason } | Self::NotStarted { reason } => Some(reason),
        }
    }
}

/// How many actions ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Took effect.
    pub done: usize,
    /// Did not.
    pub failed: usize,
    /// Turned out to be a person's to do.
    pub manual: usize,
    /// Were not tried because of another.
    pub skipped: usize,
    /// Were not tried because the app had changed.
    pub stale: usize,
    /// Were not tried because the run ended.
    pub not_started: usize,
}

impl Tally {
    fn of<'a>(apps: impl IntoIterator<Item = &'a AppOutcome>) -> Self {
        let mut tally = Self::default();
        for (_, result) in apps.into_iter().flat_map(|app| &app.actions) {
            match result {
                ActionResult::Done { .. } => tally.done += 1,
                ActionResult::Failed { .. } => tally.failed += 1,
                ActionResult::Manual { .. } => tally.manual += 1,
                ActionResult::Skipped { .. } => tally.skipped += 1,
                ActionResult::Stale { .. } => tally.stale += 1,
                ActionResult::NotStarted { .. } => tally.not_started += 1,
            }
        }
        tally
    }
}

impl AppOutcome {
    /// Counts over this app.
    pub fn tally(&self) -> Tally {
        Tally::of([self])
    }
}

impl Outcome {
    /// Counts over all apps.
    pub fn tally(&self) -> Tally {
        Tally::of(&self.apps)
    }

    /// Whether everything that could be done was done, which decides the exit status of `apply`. An app that could not even
    /// be planned counts only if it has an entry here, with its error.
    pub fn is_clean(&self) -> bool {
        let tally = self.tally();
        let left = tally.failed + tally.skipped + tally.stale + tally.not_started;
        left == 0 && self.apps.iter().all(|app| app.error.is_none())
    }

    /// Adds what a later round did. An action that was taken up again counts as what became of it last.
    pub fn extend(&mut self, later: Self) {
        for app in later.apps {
            match self.apps.iter_mut().find(|have| have.app == app.app) {
                None => self.apps.push(app),
                Some(have) => {
                    let again: BTreeSet<&ActionName> = app.actions.iter().map(|(name, _)| name).collect();
                    have.actions.retain(|(name, _)| !again.contains(name));
                    have.actions.extend(app.actions.iter().cloned());
                    have.error = app.error;
                    have.requests += app.requests;
                    have.seconds += app.seconds;
                }
            }
        }
    }
}
