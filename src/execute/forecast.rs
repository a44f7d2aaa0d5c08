//! What applying a plan will take: the executor's own scheduler and budget, run on a virtual clock.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    time::Duration,
};

use super::scheduler::{Command, Scheduler};
use crate::{
    budget::{Budget, Feedback, Kind, Lane, Next, Quota, Ticket},
    model::{Action, AppPlan, Forecast, Semantics},
};

/// How long an answer takes. Typical for an API across the internet; with hourly quotas it hardly matters.
const LATENCY: Duration = Duration::from_millis(200);

/// The requests that actions take which are carried out together, in order, when all goes well: budgets are told of them
/// beforehand.
pub(super) fn requests<'a>(actions: impl Iterator<Item = &'a Action>, semantics: &Semantics) -> Vec<Kind> {
    let mut requests = Vec::new();
    let mut verb = None;
    for action in actions {
        // The account that loses something, or its address, is looked at first, each on its own.
        if action.may_lock_out() && action.step.account().is_some() {
            requests.push(Kind::Read);
        }
        if action.step.address().is_some() {
            requests.extend((0..semantics.address_reads).map(|_| Kind::Read));
        }
        verb = Some(action.name.verb);
    }
    let Some(verb) = verb else { return requests };
    let effort = semantics.effort.get(&verb).copied().unwrap_or_default();
    requests.extend((0..effort.before).map(|_| Kind::Read));
    requests.push(Kind::Write);
    requests.extend((0..effort.after).map(|_| Kind::Read));
    requests
}

/// Forecasts what applying `plan` takes, reading everything once more included.
pub fn forecast(plan: &AppPlan, semantics: &Semantics, quota: &Quota) -> Forecast {
    let mut simulation = Simulation { budget: Budget::known(quota), ..Simulation::default() };
    for _ in 0..plan.observed.requests {
        simulation.ask(Owner::Reading, Lane::Read, Kind::Read);
    }
    while simulation.answer().is_some() {}

    let mut scheduler = Scheduler::new(&plan.actions, &semantics.members, quota.concurrency);
    let mut left: BTreeMap<usize, (Vec<usize>, VecDeque<Kind>)> = BTreeMap::new();
    loop {
        while let Some(command) = scheduler.next_command() {
            // Every action of a forecast takes effect, so nothing is skipped.
            if let Command::Start(batch) = command {
                let together = batch.iter().map(|index| &plan.actions[*index]);
                let mut requests: VecDeque<Kind> = requests(together, semantics).into();
                // The batch goes by the name of its first action; the scheduler starts none without one.
                let index = batch[0];
                if let Some(first) = requests.pop_front() {
                    simulation.ask(Owner::Action(index), scheduler.lane(index), first);
                }
                left.insert(index, (batch, requests));
            }
        }
        let Some(owner) = simulation.answer() else { break };
        let Owner::Action(index) = owner else { continue };
        let Some((batch, requests)) = left.get_mut(&index) else { continue };
        match requests.pop_front() {
            Some(kind) => simulation.ask(owner, scheduler.lane(index), kind),
            None => scheduler.ended(&batch.iter().map(|index| (*index, true)).collect::<Vec<_>>()),
        }
    }
    Forecast {
        requests: simulation.sent,
        seconds: simulation.now.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX),
        seats: plan.forecast.seats,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Reading,
    Action(usize),
}

/// A server that answers everything after [`LATENCY`], behind the real budget.
#[derive(Default)]
struct Simulation {
    budget: Budget,
    now: Duration,
    tickets: u64,
    owners: BTreeMap<Ticket, Owner>,
    answers: BinaryHeap<Reverse<(Duration, Ticket)>>,
    sent: u64,
}

impl Simulation {
    fn ask(&mut self, owner: Owner, lane: Lane, kind: Kind) {
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        self.owners.insert(ticket, owner);
        self.budget.ask(self.now, ticket, lane, kind);
    }

    /// Lets time pass until the next answer; `None` when nothing is asked any more.
    fn answer(&mut self) -> Option<Owner> {
        loop {
            let wake = loop {
                match self.budget.next(self.now) {
                    Next::Grant(ticket) => {
                        self.sent += 1;
                        self.answers.push(Reverse((self.now + LATENCY, ticket)));
                    }
                    Next::WaitUntil(at) => break Some(at),
                    Next::Idle => break None,
                }
            };
            let next = self.answers.peek().map(|Reverse((at, _))| *at);
            match (next, wake) {
                (Some(at), Some(wake)) if wake < at => self.now = wake,
                (Some(at), _) => {
                    self.now = at;
                    let Reverse((_, ticket)) = self.answers.pop()?;
                    self.budget.answered(self.now, ticket, &Feedback::default());
                    return self.owners.remove(&ticket);
                }
                // A budget that asks to wait for no time would stop the clock.
                (None, Some(wake)) => self.now = wake.max(self.now + Duration::from_millis(1)),
                (None, None) => return None,
            }
        }
    }
}
