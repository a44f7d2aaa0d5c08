//! What is worth telling: what is so now against what somebody was told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::tz::TimeZone;

use crate::{
    daemon::{
        InForce,
        report::{CycleResult, Report, Trigger},
    },
    model::{Action, ActionName, Finding, FindingCode, Guard, Pause, Severity, Status},
};

/// Corrections that are remembered for whoever cannot be told, per app. With more, how many there are matters more than
/// which.
const REMEMBERED: usize = 1000;

/// What the daemon's status was told.
#[derive(Debug)]
pub(in crate::daemon) enum News {
    /// These files are in force.
    InForce(Arc<InForce>),
    /// New files have these mistakes.
    Bad(Arc<str>),
    /// The files have no mistakes any more.
    Mended,
    /// The store cannot be used, with why, or can be used again.
    Store(Option<Arc<str>>),
    /// These pauses are in force.
    Paused(Vec<Pause>),
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
    /// What is wrong with the store.
    pub store: Option<Arc<str>>,
    /// By the app that they are of, or of all apps: until when, and what there is to say about it.
    pub pauses: BTreeMap<Option<Arc<str>>, (Pause, String)>,
}

/// What is so in one app, with why.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Differences that nobody corrects.
    pub drift: BTreeMap<ActionName, String>,
    /// What a guard holds, or a person has to do.
    pub held: BTreeMap<ActionName, String>,
    /// Findings that are errors, which no cycle can put right.
    pub wrong: BTreeMap<About, BTreeSet<String>>,
    /// Actions that failed.
    pub failed: BTreeMap<ActionName, String>,
    /// Why nothing at all could be done.
    pub unread: Option<String>,
}

/// What a finding is about: what is told of it once, in whatever words it comes again. One about the whole app is another one
/// when it says something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct About {
    code: FindingCode,
    account: Option<Arc<str>>,
    group: Option<Arc<str>>,
    message: Option<String>,
}

impl About {
    fn of(finding: &Finding) -> Self {
        let Finding { code, account, group, message, .. } = finding.clone();
        let message = (account.is_none() && group.is_none()).then_some(message);
        Self { code, account, group, message }
    }
}

impl Facts {
    fn is_failing(&self) -> bool {
        self.unread.is_some() || !self.failed.is_empty()
    }
}

/// What one cycle corrected that had come up since the one before.
pub(super) type Corrected = BTreeMap<Arc<str>, Vec<ActionName>>;

/// What became of actions that are told, by the words of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Kind {
    #[strum(serialize = "drift-corrected")]
    Corrected,
    Drift,
    Held,
    #[strum(serialize = "failure")]
    Failed,
}

/// Something to tell. What names no app is about the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Actions of one kind, each with what there is to say about it.
    Actions { kind: Kind, app: Arc<str>, actions: Vec<(ActionName, String)> },
    /// Nothing can be done with it.
    Useless { app: Option<Arc<str>>, why: String },
    /// Something is wrong in an app that only a person can put right.
    Wrong { app: Arc<str>, findings: Vec<String> },
    /// The store cannot be used, with why, or can be used again.
    Store { why: Option<Arc<str>> },
    /// Somebody paused an app, or all of them.
    Paused { pause: Pause, why: String },
    /// The pause is over.
    Resumed { app: Option<Arc<str>> },
    /// It can be worked with again.
    Recovered { app: Option<Arc<str>> },
}

/// Follows the news. It knows the last whole cycle of each app under the files in force, against which a difference is
/// new.
#[derive(Debug)]
pub(super) struct Follower {
    pub now: Now,
    before: BTreeMap<Arc<str>, Arc<Report>>,
    /// In which instants are told.
    zone: TimeZone,
}

impl Default for Follower {
    fn default() -> Self {
        Self { now: Now::default(), before: BTreeMap::new(), zone: TimeZone::UTC }
    }
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
                self.zone = files.desired.settings.time_zone.clone();
            }
            News::Bad(problems) => self.now.bad = Some(problems),
            News::Mended => self.now.bad = None,
            News::Store(trouble) => self.now.store = trouble,
            News::Paused(pauses) => {
                let told = |pause: Pause| {
                    let why = pause.sentence(&self.zone);
                    (pause.app.clone(), (pause, why))
                };
                self.now.pauses = pauses.into_iter().map(told).collect();
            }
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
            CycleResult::Stopped | CycleResult::Skipped | CycleResult::Store => {
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
        let held_by = |action: &Action, guard| action.held.as_ref().is_some_and(|held| held.guard == guard);
        // Where nothing is corrected, what could be done is a difference, and so is what only the app's mode or a pause holds.
        let is_drift = |action: &Action| {
            let in_general =
                held_by(action, Guard::Mode) || held_by(action, Guard::Paused) || held_by(action, Guard::OtherFiles);
            !report.corrects && (action.status == Status::Ready || in_general)
        };
        // A pause is told once, and not for each action, and so are other files that are in force; an edit fight is told as what
        // is wrong.
        let told_elsewhere = |action: &Action| {
            let in_general = |guard: &Guard| matches!(guard, Guard::Paused | Guard::OtherFiles | Guard::EditFight);
            action.held.as_ref().is_some_and(|held| in_general(&held.guard) && held.also.iter().all(in_general))
        };
        let errors = report.plan.iter().flat_map(|plan| &plan.findings);
        facts.wrong = BTreeMap::new();
        for finding in errors.filter(|finding| finding.severity == Severity::Error) {
            facts.wrong.entry(About::of(finding)).or_default().insert(finding.message.clone());
        }
        facts.drift = with(&is_drift);
        facts.held = with(&|action| {
            let is_held = action.status == Status::Held && !told_elsewhere(action);
            (is_held || action.status == Status::Manual) && !is_drift(action)
        });
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
    guard + action.obstacle().unwrap_or_default()
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
            (None, Some(problems)) => items.push(Item::Useless { app: None, why: problems.to_string() }),
            (Some(_), None) => items.push(Item::Recovered { app: None }),
            _ => {}
        }
        if told.store.is_some() != now.store.is_some() {
            items.push(Item::Store { why: now.store.clone() });
        }
    }
    if wants("held") {
        items.extend(paused(told, now));
    }
    for (app, facts) in &now.apps {
        let before = told.apps.get(app).unwrap_or(&nothing);
        let fresh = |now: &BTreeMap<ActionName, String>, told: &BTreeMap<ActionName, String>| -> Vec<_> {
            let fresh = now.iter().filter(|(name, _)| !told.contains_key(name));
            fresh.map(|(name, why)| (name.clone(), why.clone())).collect()
        };
        let of = |kind: Kind, actions: Vec<(ActionName, String)>| {
            (!actions.is_empty()).then(|| Item::Actions { kind, app: app.clone(), actions })
        };
        if wants("failure") {
            let unread = facts.unread.clone().filter(|_| before.unread.is_none());
            items.extend(unread.map(|why| Item::Useless { app: Some(app.clone()), why }));
            items.extend(of(Kind::Failed, fresh(&facts.failed, &before.failed)));
            let recovered = before.is_failing() && !facts.is_failing();
            items.extend(recovered.then(|| Item::Recovered { app: Some(app.clone()) }));
        }
        if wants("drift") {
            let corrected = corrected.get(app).into_iter().flatten();
            items.extend(of(Kind::Corrected, corrected.map(|name| (name.clone(), String::new())).collect()));
            items.extend(of(Kind::Drift, fresh(&facts.drift, &before.drift)));
        }
        let wrong = facts.wrong.iter().filter(|(about, _)| !before.wrong.contains_key(about));
        let wrong: Vec<String> = wrong.flat_map(|(_, messages)| messages).cloned().collect();
        if wants("held") {
            let item = Item::Wrong { app: app.clone(), findings: wrong.clone() };
            items.extend((!wrong.is_empty()).then_some(item));
            items.extend(of(Kind::Held, fresh(&facts.held, &before.held)));
        }
    }
    items
}

/// Pauses that are new, and those that are over.
fn paused(told: &Now, now: &Now) -> Vec<Item> {
    let known = |pause: &Pause| told.pauses.values().any(|(other, _)| other == pause);
    let begun = now.pauses.values().filter(|(pause, _)| !known(pause));
    let begun = begun.map(|(pause, why)| Item::Paused { pause: pause.clone(), why: why.clone() });
    let over = told.pauses.keys().filter(|app| !now.pauses.contains_key(*app));
    begun.chain(over.map(|app| Item::Resumed { app: app.clone() })).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{ActionResult, AppOutcome, AppPlan, Due, DueWhat, Held, Verb};

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_796_083_200 + hour * 3600).unwrap()
    }

    fn name(verb: Verb, who: &str) -> ActionName {
        ActionName { app: "a".into(), verb, account: Some(format!("{who}@example.com").into()), group: None }
    }

    /// A cycle at some hour that left `open` as it was and did `done`.
    fn cycle(hour: i64, trigger: Trigger, open: &[(&str, Status)], done: &[&str], due: &[(&str, i64)]) -> Arc<Report> {
        let mut actions: Vec<Action> = Vec::new();
        for (who, status) in open {
            let mut action = Action::new(name(Verb::Deactivate, who));
            action.status = *status;
            actions.push(action);
        }
        actions.extend(done.iter().map(|who| Action::new(name(Verb::Deactivate, who))));
        let due = due.iter().map(|(who, hour)| Due {
            at: at(*hour).to_zoned(TimeZone::UTC),
            account: format!("{who}@example.com").into(),
            group: None,
            what: DueWhat::Ends,
            because: Vec::new(),
        });
        let plan = AppPlan {
            app: "a".into(),
            connector: "workiva".into(),
            group_noun: "group".into(),
            complete: true,
            actions,
            due: due.collect(),
            ..AppPlan::default()
        };
        let done = done.iter().map(|who| (name(Verb::Deactivate, who), ActionResult::Done { note: None }));
        let outcome = AppOutcome { app: "a".into(), error: None, actions: done.collect(), requests: 0, seconds: 0 };
        Arc::new(Report {
            began: at(hour),
            ended: at(hour),
            took: Default::default(),
            trigger,
            result: CycleResult::Ok,
            corrects: true,
            note: None,
            plan: Some(plan),
            outcome: Some(outcome),
        })
    }

    /// Whom the last of some cycles is said to have corrected.
    fn check(cycles: Vec<Arc<Report>>, expect: &[&str]) {
        let mut follower = Follower::default();
        let last = cycles.into_iter().map(|cycle| follower.take(News::Ended("a".into(), cycle))).last().unwrap();
        let names: Vec<ActionName> = expect.iter().map(|who| name(Verb::Deactivate, who)).collect();
        assert_eq!(last.get("a").cloned().unwrap_or_default(), names);
    }

    #[test]
    fn drift_is_what_came_up_between_two_cycles_by_the_same_files() {
        use Trigger::{Files, Schedule};
        check(vec![cycle(0, Schedule, &[], &["ann"], &[])], &[]);
        check(vec![cycle(0, Schedule, &[], &[], &[]), cycle(1, Schedule, &[], &["ann"], &[])], &["ann"]);
        check(vec![cycle(0, Schedule, &[], &[], &[]), cycle(1, Files, &[], &["ann"], &[])], &[]);
    }

    #[test]
    fn what_had_waited_or_falls_due_by_a_date_is_no_drift() {
        use Trigger::Schedule;
        let waited = [("ann", Status::Waiting), ("bob", Status::Held)];
        check(
            vec![cycle(0, Schedule, &waited, &[], &[]), cycle(1, Schedule, &[], &["ann", "bob", "cy"], &[])],
            &["cy"],
        );
        let due = [("ann", 1), ("bob", 9)];
        check(vec![cycle(0, Schedule, &[], &[], &due), cycle(1, Schedule, &[], &["ann", "bob"], &[])], &["bob"]);
    }

    #[test]
    fn a_pause_and_its_end_are_told_once_and_what_it_alone_holds_is_not() {
        let (mut follower, mut told) = (Follower::default(), Now::default());
        let mut step = |news: News| {
            follower.take(news);
            let items = items(&told, &follower.now, &Corrected::new(), &["held".to_owned()].into());
            told = follower.now.clone();
            items.len()
        };
        let (since, until, by) = (at(0), at(2), "ann".to_owned());
        let pause = Pause { app: None, since, until, by, reason: "moving".into(), holds_leavers: false };
        let held = |also| {
            let mut report = cycle(0, Trigger::Schedule, &[("ann", Status::Held)], &[], &[]);
            let plan = Arc::make_mut(&mut report).plan.as_mut().unwrap();
            plan.actions[0].held =
                Some(Held { guard: Guard::Paused, reason: "paused".into(), release: None, repair: None, also });
            News::Ended("a".into(), report)
        };
        let paused = || News::Paused(vec![pause.clone()]);
        assert_eq!([step(paused()), step(held(vec![])), step(paused()), step(News::Paused(vec![]))], [1, 0, 0, 1]);
        // What another guard holds as well waits for a person.
        assert_eq!(step(held(vec![Guard::Irreversible])), 1);
    }

    #[test]
    fn what_is_held_is_told_when_it_is_new_and_again_when_it_comes_back() {
        let on: BTreeSet<String> = ["held".to_owned()].into();
        let mut follower = Follower::default();
        let mut told = Now::default();
        let mut step = |open: &[(&str, Status)]| {
            follower.take(News::Ended("a".into(), cycle(0, Trigger::Schedule, open, &[], &[])));
            let items = items(&told, &follower.now, &Corrected::new(), &on);
            told = follower.now.clone();
            items.len()
        };
        let held = [("ann", Status::Held)];
        assert_eq!([step(&held), step(&held), step(&[]), step(&held)], [1, 0, 0, 1]);
    }

    #[test]
    fn what_is_wrong_is_told_once_in_whatever_words_it_comes_again() {
        let (mut follower, mut told) = (Follower::default(), Now::default());
        let mut step = |findings: &[Finding]| {
            let mut report = cycle(0, Trigger::Schedule, &[("ann", Status::Held)], &[], &[]);
            let plan = Arc::make_mut(&mut report).plan.as_mut().unwrap();
            let (reason, guard) = ("undone by process 7".to_owned(), Guard::EditFight);
            plan.actions[0].held = Some(Held { guard, reason, release: None, repair: None, also: Vec::new() });
            plan.findings = findings.to_vec();
            follower.take(News::Ended("a".into(), report));
            let items = items(&told, &follower.now, &Corrected::new(), &["held".to_owned()].into());
            told = follower.now.clone();
            items.len()
        };
        let of = |account: &str, text: &str| Finding::error(FindingCode::EditFight, text).account(account);
        let (ann, later, bob) = (of("ann", "by process 7"), of("ann", "by process 8"), of("bob", "by process 8"));
        let all = |text: &str| Finding::error(FindingCode::EditFight, text);
        let one = std::slice::from_ref;
        assert_eq!([step(one(&ann)), step(one(&later)), step(&[later.clone(), bob])], [1, 0, 1]);
        assert_eq!([step(&[]), step(&[ann]), step(&[all("more")]), step(&[all("others")])], [0, 1, 1, 1]);
    }
}
