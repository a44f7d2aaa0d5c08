//! What is worth telling: what is so now against what somebody was told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    daemon::{
        files::InForce,
        report::{CycleResult, Report, Trigger},
    },
    model::{Action, ActionName, Guard, Status},
};

/// Corrections that are remembered for whoever cannot be told, per app. With more, how many there are matters more than
/// which.
const REMEMBERED: usize = 1000;

/// What the daemon's board was told.
#[derive(Debug)]
pub(in crate::daemon) enum News {
    /// These files are in force.
    InForce(Arc<InForce>),
    /// New files have these mistakes.
    Bad(Arc<str>),
    /// The files have no mistakes any more.
    Mended,
    /// A cycle of an app has ended.
    Ended(Arc<str>, Arc<Report>),
}

/// What is so, and lasts until it is over.
#[derive(Debug, Clone, Default)]
pub(super) struct Now {
    /// By app.
    pub apps: BTreeMap<Arc<str>, Facts>,
    /// The mistakes of files that did not come into force.
    pub bad: Option<Arc<str>>,
}

/// What is so in one app, with why.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Differences that nobody corrects.
    pub drift: BTreeMap<ActionName, String>,
    /// What a guard holds, or a person has to do.
    pub held: BTreeMap<ActionName, String>,
    /// Actions that failed.
    pub failed: BTreeMap<ActionName, String>,
    /// Why nothing at all could be done.
    pub unread: Option<String>,
}

impl Facts {
    fn is_failing(&self) -> bool {
        self.unread.is_some() || !self.failed.is_empty()
    }
}

/// What one cycle corrected that had come up since the one before.
pub(super) type Corrected = BTreeMap<Arc<str>, Vec<ActionName>>;

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Corrected { app: Arc<str>, actions: Vec<ActionName> },
    Drift { app: Arc<str>, actions: Vec<(ActionName, String)> },
    Held { app: Arc<str>, actions: Vec<(ActionName, String)> },
    Failed { app: Arc<str>, actions: Vec<(ActionName, String)> },
    Unread { app: Arc<str>, why: String },
    Recovered { app: Arc<str> },
    BadFiles { problems: Arc<str> },
    GoodFiles,
}

/// Follows the news. It knows the last whole cycle of each app under the files in force, against which a difference is
/// new.
#[derive(Debug, Default)]
pub(super) struct Follower {
    pub now: Now,
    before: BTreeMap<Arc<str>, Arc<Report>>,
}

impl Follower {
    /// Takes a piece of news in, and returns what it says was corrected.
    pub(super) fn take(&mut self, news: News) -> Corrected {
        let mut corrected = Corrected::new();
        match news {
            News::InForce(files) => {
                let named = |app: &Arc<str>| files.desired.apps.contains_key(app);
                self.now.apps.retain(|app, _| named(app));
                self.before.retain(|app, _| named(app));
                self.now.bad = None;
            }
            News::Bad(problems) => self.now.bad = Some(problems),
            News::Mended => self.now.bad = None,
            News::Ended(app, report) => {
                let actions = self.ended(&app, report);
                if !actions.is_empty() {
                    corrected.insert(app, actions);
                }
            }
        }
        corrected
    }

    fn ended(&mut self, app: &Arc<str>, report: Arc<Report>) -> Vec<ActionName> {
        let facts = self.now.apps.entry(app.clone()).or_default();
        match report.result {
            // Nothing was learnt about the app.
            CycleResult::Stopped | CycleResult::Skipped => {
                if report.trigger == Trigger::Files {
                    self.before.remove(app);
                }
                return Vec::new();
            }
            CycleResult::Unread => {
                facts.unread = Some(report.note.clone().unwrap_or_default());
                return Vec::new();
            }
            CycleResult::Ok | CycleResult::Drift | CycleResult::Failed => {}
        }
        let with = |wanted: &dyn Fn(&Action) -> bool| -> BTreeMap<ActionName, String> {
            report.open().filter(|action| wanted(action)).map(|action| (action.name.clone(), why(action))).collect()
        };
        // Where nothing is corrected, what could be done is a difference, and so is what only the app's mode holds.
        let is_drift = |action: &Action| {
            let by_mode = action.held.as_ref().is_some_and(|held| held.guard == Guard::Mode);
            !report.corrects && (action.status == Status::Ready || by_mode)
        };
        facts.drift = with(&is_drift);
        facts.held = with(&|action| matches!(action.status, Status::Held | Status::Manual) && !is_drift(action));
        facts.failed = report.failures().map(|(name, error)| (name.clone(), error.to_owned())).collect();
        facts.unread = match report.result {
            CycleResult::Failed if facts.failed.is_empty() => Some(report.note.clone().unwrap_or_default()),
            _ => None,
        };
        let before = self.before.insert(app.clone(), report.clone());
        // What new files ask for is no drift, and neither is what the first cycle finds.
        let before = before.filter(|_| report.trigger != Trigger::Files);
        before.map(|before| corrected(&before, &report)).unwrap_or_default()
    }
}

/// What was done and had not been open before, nor been due by a date.
fn corrected(before: &Report, report: &Report) -> Vec<ActionName> {
    let open: BTreeSet<&ActionName> = before.open().map(|action| &action.name).collect();
    let due = before.plan.iter().flat_map(|plan| &plan.due).filter(|due| due.at.timestamp() <= report.ended);
    let due: BTreeSet<(&str, Option<&str>)> = due.map(|due| (&*due.account, due.group.as_deref())).collect();
    let is_due = |name: &ActionName| {
        let account = name.account.as_deref().unwrap_or_default();
        due.contains(&(account, None)) || due.contains(&(account, name.group.as_deref()))
    };
    let fresh = |name: &&ActionName| !open.contains(name) && !is_due(name);
    report.accomplished().filter(fresh).cloned().collect()
}

fn why(action: &Action) -> String {
    let guard = action.held.as_ref().map(|held| format!("{}: ", held.guard)).unwrap_or_default();
    guard + action.reason.as_deref().unwrap_or_default()
}

/// Adds corrections to those that somebody has still to be told of.
pub(super) fn remember(pending: &mut Corrected, more: &Corrected) {
    for (app, actions) in more {
        let known = pending.entry(app.clone()).or_default();
        let room = REMEMBERED.saturating_sub(known.len());
        known.extend(actions.iter().take(room).cloned());
    }
}

/// What somebody who was told `told`, and wants to know of what is in `on`, has to be told.
pub(super) fn items(told: &Now, now: &Now, corrected: &Corrected, on: &BTreeSet<String>) -> Vec<Item> {
    let wants = |kind: &str| on.contains(kind);
    let nothing = Facts::default();
    let mut items = Vec::new();
    if wants("failure") {
        match (&told.bad, &now.bad) {
            (None, Some(problems)) => items.push(Item::BadFiles { problems: problems.clone() }),
            (Some(_), None) => items.push(Item::GoodFiles),
            _ => {}
        }
    }
    for (app, facts) in &now.apps {
        let (app, before) = (app.clone(), told.apps.get(app).unwrap_or(&nothing));
        let fresh = |now: &BTreeMap<ActionName, String>, told: &BTreeMap<ActionName, String>| -> Vec<_> {
            let fresh = now.iter().filter(|(name, _)| !told.contains_key(name));
            fresh.map(|(name, why)| (name.clone(), why.clone())).collect()
        };
        if wants("failure") {
            if let Some(why) = facts.unread.as_ref().filter(|_| before.unread.is_none()) {
                items.push(Item::Unread { app: app.clone(), why: why.clone() });
            }
            let actions = fresh(&facts.failed, &before.failed);
            if !actions.is_empty() {
                items.push(Item::Failed { app: app.clone(), actions });
            }
            if before.is_failing() && !facts.is_failing() {
                items.push(Item::Recovered { app: app.clone() });
            }
        }
        if wants("drift") {
            if let Some(actions) = corrected.get(&app).filter(|actions| !actions.is_empty()) {
                items.push(Item::Corrected { app: app.clone(), actions: actions.clone() });
            }
            let actions = fresh(&facts.drift, &before.drift);
            if !actions.is_empty() {
                items.push(Item::Drift { app: app.clone(), actions });
            }
        }
        if wants("held") {
            let actions = fresh(&facts.held, &before.held);
            if !actions.is_empty() {
                items.push(Item::Held { app, actions });
            }
        }
    }
    items
}
