//! What reading the apps found, as values that no later round changes: all that planning needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    sync::Arc,
};

use super::{memory::Memory, recover::Recovered};
use crate::{
    connectors::Error,
    model::{Live, LiveApp, ReadFailure},
    plan::{AppHistory, AppPast, History, Oversight, Used},
    store::AppKey,
};

/// What one round of reading found in all apps.
#[derive(Debug)]
pub struct Readings {
    /// What there is.
    pub live: Live,
    /// What the memory knows of the apps that were read, if there is a memory.
    pub history: Option<History>,
    /// What earlier runs left under way, and what this round saw of it.
    pub recovered: Vec<Recovered>,
    busy: BTreeSet<Arc<str>>,
}

impl Readings {
    pub(super) fn of(memory: Option<&Memory>, apps: Vec<(Arc<str>, AppReading)>) -> Self {
        let history = memory.map(|memory| History {
            apps: BTreeMap::new(),
            private: memory.is_private(),
            oversight: memory.oversight(),
            approvals: BTreeMap::new(),
        });
        let mut all = Self { live: Live::default(), history, recovered: Vec::new(), busy: BTreeSet::new() };
        for (name, reading) in apps {
            let live = match reading {
                Ok(seen) => Ok(all.take_in(&name, seen)),
                Err(unread) => {
                    all.busy.extend(unread.busy.then(|| name.clone()));
                    Err(unread.failure)
                }
            };
            all.live.apps.insert(name, live);
        }
        all
    }

    fn take_in(&mut self, name: &Arc<str>, seen: Seen) -> LiveApp {
        let Seen { live, past, recovered } = seen;
        self.recovered.extend(recovered);
        if let (Some(history), Some(past)) = (&mut self.history, past) {
            history.apps.insert(name.clone(), past.history);
            // Each app is planned with what was used before its own reading. What the reading of another app found later may
            // count a claim of this one that its history does not hold yet.
            let is_own = |approval: &str| approval.split(['/', ' ']).next() == Some(&**name);
            history.approvals.extend(past.approvals.into_iter().filter(|(approval, _)| is_own(approval)));
        }
        live
    }

    /// Whether an app was left alone because somebody else was writing to it.
    pub fn is_busy(&self, app: &str) -> bool {
        self.busy.contains(app)
    }
}

/// What reading one app found.
pub(super) type AppReading = Result<Seen, Unread>;

/// An app that was read.
pub(super) struct Seen {
    pub(super) live: LiveApp,
    /// None without a memory.
    pub(super) past: Option<Past>,
    pub(super) recovered: Vec<Recovered>,
}

impl Seen {
    /// What was seen, where nothing is remembered.
    pub(super) fn alone(live: LiveApp) -> Self {
        Self { live, past: None, recovered: Vec::new() }
    }
}

/// What the memory knows that bears on one app.
pub(super) struct Past {
    pub(super) history: AppHistory,
    pub(super) private: bool,
    pub(super) oversight: Oversight,
    pub(super) approvals: BTreeMap<String, Used>,
}

impl Past {
    pub(super) fn for_planning(&self) -> AppPast<'_> {
        let Self { history, private, oversight, approvals } = self;
        AppPast { history: Some(history), private: *private, oversight: *oversight, approvals }
    }
}

/// Why an app was not read.
pub(super) struct Unread {
    pub(super) failure: ReadFailure,
    /// Somebody else is writing to it.
    pub(super) busy: bool,
}

impl Unread {
    pub(super) fn because(key: &AppKey, why: impl Display) -> Self {
        Self { failure: ReadFailure { message: format!("{}: {why}", key.app) }, busy: false }
    }
}

impl From<&Error> for Unread {
    fn from(error: &Error) -> Self {
        Self { failure: ReadFailure { message: error.to_string() }, busy: false }
    }
}
