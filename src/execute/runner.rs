//! The async shell around the scheduler: starts what it says, and tells it what came of it.

use std::sync::Arc;

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::{
    created_ids::CreatedIds,
    demand::{Demand, Withdrawn},
    forecast::requests,
    jitter::Jitter,
    journal::{Journal, Unwritten},
    perform::Run,
    progress::{Event, Progress},
    scheduler::{Command, Scheduler},
    stop::Stop,
    together::perform_together,
};
use crate::{
    budget::{Kind, Lane, Quota},
    connectors::{
        Writer,
        http::{with_leave, witness::witnessed},
    },
    model::{Action, ActionName, ActionResult, AppOutcome, AppPlan, Status},
};

/// What an app's actions are carried out with.
#[derive(Clone)]
pub struct Tools<'a> {
    /// The way to the app.
    pub writer: Arc<dyn Writer>,
    /// Remembers, over several rounds, what was made.
    pub created_ids: &'a CreatedIds,
    /// What may be sent.
    pub quota: Quota,
    /// Where it is written down.
    pub journal: &'a dyn Journal,
    /// Chance.
    pub jitter: &'a Jitter,
    /// What newer files still ask for.
    pub demand: Demand,
}

/// Carries out the ready actions of one app's plan.
pub async fn execute(plan: &AppPlan, tools: &Tools<'_>, stop: Stop, progress: &dyn Progress) -> AppOutcome {
    let began = Instant::now();
    let requests = tools.writer.requests();
    let actions = run(plan, tools, stop, progress).await;
    AppOutcome {
        app: plan.app.clone(),
        error: None,
        actions,
        requests: tools.writer.requests() - requests,
        // Started seconds, so that a short run does not look like none.
        seconds: began.elapsed().as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX),
    }
}

async fn run(plan: &AppPlan, tools: &Tools<'_>, stop: Stop, progress: &dyn Progress) -> Ended {
    let Tools { created_ids, journal, jitter, .. } = *tools;
    let writer = &*tools.writer;
    let actions = &plan.actions;
    let mut scheduler = Scheduler::new(actions, &writer.semantics().members, tools.quota.concurrency);
    if stop.asked() {
        scheduler.stop();
    }
    let asked = stop.clone();
    let mut running = FuturesUnordered::new();
    let mut announced = Announced::new(writer, actions);
    let mut log = Log::new(plan, progress);
    let (mut gently, mut at_once) = (stop.clone(), stop);
    let (mut gentle, mut hurried) = (false, false);
    let mut demand = tools.demand.clone();
    loop {
        while let Some(command) = scheduler.next_command() {
            match command {
                Command::Start(batch) => {
                    let lane = scheduler.lane(batch[0]);
                    batch.iter().for_each(|index| log.started(*index));
                    announced.started(batch.iter().map(|index| &actions[*index]));
                    let run = Run { writer, created_ids, journal, jitter, stop: &asked, progress };
                    running.push(carry_out(run, actions, batch, lane));
                }
                Command::Skip { action, because } => log.skipped(action, because),
            }
        }
        if scheduler.is_done() {
            break;
        }
        tokio::select! {
            // In this order, which a simulation can repeat; and whoever asks for an end is heard first.
            biased;
            () = at_once.reached(2) => break,
            () = gently.reached(1), if !gentle => {
                gentle = true;
                scheduler.stop();
                writer.hurry();
            }
            withdrawn = demand.changed() => hurried |= withdraw(writer, &withdrawn, &mut scheduler, &mut log),
            Some((results, written)) = running.next() => {
                if let Some(why) = ends_the_run(plan, &results, written, gentle) {
                    scheduler.stop();
                    log.ended_by.get_or_insert(why);
                }
                scheduler.ended(&took_effect(&results));
                results.into_iter().for_each(|(index, result)| log.ended(index, result));
            }
        }
    }
    if hurried && !gentle {
        writer.take_time();
    }
    log.finish()
}

/// Takes out of a run what has not begun of these actions. Whether some of them are under way: then what waits for the budget is
/// not sent any more, and what was sent is heard out.
fn withdraw(writer: &dyn Writer, withdrawn: &Withdrawn, scheduler: &mut Scheduler, log: &mut Log<'_>) -> bool {
    let mut under_way = false;
    for (index, action) in log.plan.actions.iter().enumerate() {
        let Some(why) = withdrawn.get(&action.name) else { continue };
        if scheduler.withdraw(index) {
            log.ended(index, ActionResult::Skipped { reason: why.clone() });
        }
        under_way |= log.is_under_way(index);
    }
    if under_way {
        writer.hurry();
    }
    under_way
}

/// Results by the action's name, in the order in which they came.
type Ended = Vec<(ActionName, ActionResult)>;

/// Results by the index of the action.
type Results = Vec<(usize, ActionResult)>;

fn took_effect(results: &[(usize, ActionResult)]) -> Vec<(usize, bool)> {
    results.iter().map(|(index, result)| (*index, matches!(result, ActionResult::Done { .. }))).collect()
}

/// Carries out actions together, and writes down what became of each. That is tried for each, whatever happens to the others.
async fn carry_out(
    run: Run<'_>,
    actions: &[Action],
    batch: Vec<usize>,
    lane: Lane,
) -> (Results, Result<(), Unwritten>) {
    let together: Vec<_> = batch.iter().map(|index| &actions[*index]).collect();
    let work = witnessed(perform_together(run, &together, lane));
    let (performed, sent) = with_leave(run.journal.leave(), work).await;
    let (mut results, mut written) = (Results::new(), Ok(()));
    for ((index, action), performed) in batch.into_iter().zip(together).zip(performed) {
        let entered = run.journal.end(action, &performed, &sent).await;
        results.push((index, if entered.is_ok() { performed.result } else { performed.result.unwritten() }));
        written = written.and(entered);
    }
    (results, written)
}

/// Why nothing more may begin. What cannot be written down must not be sent. And whatever kept one action from being sent, a
/// quota that is used up or a journal that is full, keeps all that would come after it, which are no more urgent.
fn ends_the_run(
    plan: &AppPlan,
    results: &[(usize, ActionResult)],
    written: Result<(), Unwritten>,
    gentle: bool,
) -> Option<String> {
    if let Err(Unwritten(why)) = written {
        error!(app = &*plan.app, "{why}");
        return Some(why);
    }
    results.iter().find_map(|(_, result)| match result {
        ActionResult::NotStarted { reason } if !gentle => Some(reason.clone()),
        _ => None,
    })
}

/// Tells the budget what is still to come, as long as anything is.
struct Announced<'a> {
    writer: &'a dyn Writer,
    reads: u64,
    writes: u64,
}

impl<'a> Announced<'a> {
    fn new(writer: &'a dyn Writer, actions: &[Action]) -> Self {
        let mut announced = Self { writer, reads: 0, writes: 0 };
        for action in actions.iter().filter(|action| action.status == Status::Ready) {
            let (reads, writes) = announced.count(action);
            announced.reads += reads;
            announced.writes += writes;
        }
        writer.expect(announced.reads, announced.writes);
        announced
    }

    /// Each by itself: how many go together shows only when they go, and to expect too much does no harm for so long.
    fn count(&self, action: &Action) -> (u64, u64) {
        let requests = requests(std::iter::once(action), self.writer.semantics());
        let writes = requests.iter().filter(|kind| **kind == Kind::Write).count() as u64;
        (requests.len() as u64 - writes, writes)
    }

    /// From now on their requests wait at the budget themselves.
    fn started<'b>(&mut self, actions: impl Iterator<Item = &'b Action>) {
        for action in actions {
            let (reads, writes) = self.count(action);
            self.reads -= reads;
            self.writes -= writes;
        }
        self.writer.expect(self.reads, self.writes);
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.writer.expect(0, 0);
    }
}

/// Results in the order in which they came.
struct Log<'a> {
    plan: &'a AppPlan,
    results: Vec<Option<ActionResult>>,
    started: Vec<bool>,
    order: Vec<usize>,
    /// Why the run ended before all was done, where nobody asked for it.
    ended_by: Option<String>,
    progress: &'a dyn Progress,
}

impl<'a> Log<'a> {
    fn new(plan: &'a AppPlan, progress: &'a dyn Progress) -> Self {
        let ready = plan.actions.iter().filter(|action| action.status == Status::Ready).count();
        progress.event(Event::Began { app: &plan.app, actions: ready });
        let (results, started) = (vec![None; plan.actions.len()], vec![false; plan.actions.len()]);
        Self { plan, results, started, order: Vec::new(), ended_by: None, progress }
    }

    fn started(&mut self, index: usize) {
        self.started[index] = true;
        self.progress.event(Event::Started(&self.plan.actions[index].name));
    }

    fn skipped(&mut self, index: usize, because: usize) {
        let reason = format!("{} did not take effect", self.plan.actions[because].name);
        self.ended(index, ActionResult::Skipped { reason });
    }

    fn is_under_way(&self, index: usize) -> bool {
        self.started[index] && self.results[index].is_none()
    }

    fn ended(&mut self, index: usize, result: ActionResult) {
        let (name, live) = (&self.plan.actions[index].name, self.plan.actions[index].live_as());
        // A line about one account must not read as if it were about another.
        let live = live.map(|account| format!("{} ({})", account.email, account.id));
        let detail = result.message().unwrap_or_default();
        match &result {
            ActionResult::Failed { .. } => warn!(action = %name, live, detail, "failed"),
            other => info!(action = %name, live, detail, "{}", other.as_str()),
        }
        self.progress.event(Event::Ended(name, &result));
        self.results[index] = Some(result);
        self.order.push(index);
    }

    /// What never came to an end is reported as such: nothing is lost silently.
    fn finish(mut self) -> Ended {
        self.progress.event(Event::Finished { app: &self.plan.app });
        let open: Vec<usize> = (0..self.results.len())
            .filter(|index| self.results[*index].is_none() && self.plan.actions[*index].status == Status::Ready)
            .collect();
        for index in open {
            let result = if self.started[index] {
                let error = "the run was stopped while this was under way, so whether it took effect is not known; the \
                             next run looks before it does anything";
                ActionResult::Failed { error: error.into() }
            } else {
                let stopped = "the run was stopped first; the next run takes it up";
                ActionResult::NotStarted { reason: self.ended_by.clone().unwrap_or_else(|| stopped.into()) }
            };
            self.ended(index, result);
        }
        let mut results = self.results;
        self.order
            .into_iter()
            .filter_map(|index| Some((self.plan.actions[index].name.clone(), results[index].take()?)))
            .collect()
    }
}
