//! One app as the status knows it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::Notify, time::Instant};

use crate::{
    daemon::{
        elsewhere::Elsewhere,
        report::{CycleResult, Report, Standing, Trigger},
        schedule::Due,
    },
    model::{Traffic, Verb},
    reconcile::Reconciler,
};

/// Cycles whose length tells how long the next may take.
const REMEMBERED: usize = 5;

/// One app.
#[derive(Clone, Default)]
pub(in crate::daemon) struct App {
    pub(in crate::daemon) connector: Arc<str>,
    /// The cycle that is under way.
    pub(in crate::daemon) running: Option<Running>,
    /// When the next one is due.
    pub(in crate::daemon) next: Option<Due>,
    /// The last one that ended.
    pub(in crate::daemon) last: Option<Arc<Report>>,
    /// The last one that saw the app.
    pub(in crate::daemon) seen: Option<Arc<Report>>,
    /// When a cycle last ended well.
    pub(in crate::daemon) success: Option<Timestamp>,
    /// When a cycle last came to its end, on the clock that nobody sets.
    finished: Option<Instant>,
    /// Another cycle should have ended by then.
    deadline: Option<Instant>,
    /// Whether a cycle ever came to its end, here or in another process.
    pub(super) worked_once: bool,
    /// How long the last cycles took that came to an end.
    pub(super) took: VecDeque<Duration>,
    /// How requests of cycles that have ended were answered.
    traffic: Traffic,
    /// How many requests could leave after the last cycle; none where nothing limits them.
    pub(in crate::daemon) quota_left: Option<u64>,
    /// How many cycles in a row could not read the app.
    pub(in crate::daemon) failures: u32,
    /// How many cycles ended how.
    pub(in crate::daemon) cycles: BTreeMap<CycleResult, u64>,
    /// How many actions ended how.
    pub(in crate::daemon) actions: BTreeMap<(Verb, &'static str), u64>,
    /// Requests that cycles sent which have ended.
    pub(super) sent: u64,
    /// What another daemon that shares the store knows of it.
    pub(in crate::daemon) elsewhere: Option<Elsewhere>,
    /// Wakes the app's task.
    pub(super) nudge: Arc<Notify>,
    /// Wakes it for a cycle that another daemon broke off.
    pub(in crate::daemon) wake: Arc<Notify>,
}

/// A cycle that is under way.
#[derive(Clone)]
pub(in crate::daemon) struct Running {
    pub(in crate::daemon) since: Timestamp,
    pub(in crate::daemon) trigger: Trigger,
    /// What it is doing.
    pub(in crate::daemon) doing: Arc<str>,
    /// Counts what it sends.
    pub(super) reconciler: Arc<Reconciler>,
    /// What earlier cycles sent by the same connection.
    pub(super) sent_before: u64,
    pub(super) traffic_before: Traffic,
}

impl Running {
    /// How many requests it has sent so far.
    fn sent(&self) -> u64 {
        self.reconciler.requests().saturating_sub(self.sent_before)
    }

    fn traffic(&self) -> Traffic {
        self.reconciler.traffic().since(&self.traffic_before)
    }
}

impl App {
    /// Its cycle is over, however it ended.
    pub(super) fn ends(&mut self) {
        let Some(running) = self.running.take() else { return };
        self.sent += running.sent();
        self.traffic.add(&running.traffic());
        self.quota_left = running.reconciler.quota_left();
    }

    /// Whether the app keeps up: a cycle that was dropped, or could not be carried out, counts for nothing.
    pub(super) fn judge_time(&mut self, report: &Report, patience: Duration) {
        let now = Instant::now();
        let finished = report.result.is_finished();
        if finished {
            self.finished = Some(now);
            self.took.push_front(report.took);
            self.took.truncate(REMEMBERED);
        }
        // Where another process is at work, it is there that cycles end.
        let elsewhere = report.result == CycleResult::Skipped;
        if finished || elsewhere || self.deadline.is_none() {
            self.deadline = Some(now + patience);
        }
        self.worked_once |= finished || elsewhere;
    }

    /// What another daemon says of its last cycle. One that came to its end counts like one of this daemon.
    pub(in crate::daemon) fn hear(&mut self, elsewhere: Elsewhere) {
        let new = self.elsewhere.as_ref().is_none_or(|known| known.ended != elsewhere.ended);
        if new && (elsewhere.finished || self.deadline.is_none()) {
            self.deadline = Some(Instant::now() + Duration::from_secs(elsewhere.patience_s));
        }
        if new && elsewhere.finished {
            self.finished = Some(Instant::now());
            self.worked_once = true;
        }
        self.elsewhere = Some(elsewhere);
    }

    /// How long ago a cycle last came to its end; none when none has.
    pub(in crate::daemon) fn finished_ago(&self) -> Option<Duration> {
        self.finished.map(|at| at.elapsed())
    }

    /// Whether no cycle has come to its end in time.
    pub(in crate::daemon) fn is_behind(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() > deadline)
    }

    /// Requests that were sent to it, up to this moment.
    pub(in crate::daemon) fn requests(&self) -> u64 {
        self.sent + self.running.as_ref().map_or(0, Running::sent)
    }

    /// How they were answered.
    pub(in crate::daemon) fn traffic(&self) -> Traffic {
        let mut all = self.traffic.clone();
        self.running.iter().for_each(|running| all.add(&running.traffic()));
        all
    }

    /// How the app stands, as far as anybody knows.
    pub(in crate::daemon) fn standing(&self) -> Standing {
        let known =
            |report: &Option<Arc<Report>>| report.as_ref().map_or(Standing::Unknown, |report| report.standing());
        let last = self.last.as_ref().map(|report| report.ended);
        let newer = self.elsewhere.as_ref().filter(|elsewhere| Some(elsewhere.ended) > last);
        let known = match newer.map_or_else(|| known(&self.last), Elsewhere::standing) {
            // One that was cut short or left to others changes nothing about what was seen before.
            Standing::Unknown => known(&self.seen),
            known => known,
        };
        if self.is_behind() { known.min(Standing::Behind) } else { known }
    }
}
