//! The budget as something to wait at: the async shell around the state machine.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{sync::oneshot, task::AbortHandle, time::Instant};

use crate::budget::{Budget, Feedback, Kind, Lane, Next, Outcome, PARK_AFTER, Saved, Ticket};

/// How long a request may still be kept waiting once somebody wants an end: the seconds that many quotas take to open are
/// worth it, because they let what was begun be finished.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pacing waits for less all the time.
const WORTH_TELLING: Duration = Duration::from_secs(30);

/// One credential's gate. Every request of every app that uses the credential goes through it.
#[derive(Debug)]
pub struct Gate {
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    budget: Budget,
    /// In the order in which they asked, so that all are told in the same order, whatever happens.
    waiters: BTreeMap<Ticket, oneshot::Sender<Result<(), Parked>>>,
    tickets: u64,
    visitors: u64,
    /// Reads and writes that each is going to send.
    expected: BTreeMap<Visitor, [u64; 2]>,
    /// Somebody wants an end: nobody is kept waiting for long.
    hurry: bool,
    /// The last end of a long wait that was told.
    told: Option<Duration>,
    /// Wakes the gate when something may leave that could not before.
    timer: Option<(Duration, AbortHandle)>,
}

/// The quota opens only after a wait that is too long to be kept waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parked {
    /// How long.
    pub wait: Duration,
}

/// Somebody who sends requests through a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visitor(u64);

/// Leave to send one request. Dropped without a report it counts as sent: nobody knows.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    ticket: Ticket,
    reported: bool,
}

/// Takes a request out of its queue when whoever waits for it gives up.
struct Waiting<'a> {
    gate: &'a Arc<Gate>,
    ticket: Ticket,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        if state.waiters.remove(&self.ticket).is_some() {
            state.budget.cancel(self.ticket);
        }
    }
}

impl Gate {
    /// A gate with this budget, whose clock starts now.
    pub fn new(budget: Budget) -> Arc<Self> {
        let state = State { budget, ..State::default() };
        Arc::new(Self { start: Instant::now(), state: Mutex::new(state) })
    }

    /// The gate's clock.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Names one who is going to come through.
    pub fn visitor(&self) -> Visitor {
        let mut state = self.lock();
        state.visitors += 1;
        Visitor(state.visitors)
    }

    /// Announces how many reads and writes somebody is going to send, besides those that wait already.
    pub fn expect(self: &Arc<Self>, visitor: Visitor, reads: u64, writes: u64) {
        {
            let mut state = self.lock();
            match [reads, writes] {
                [0, 0] => drop(state.expected.remove(&visitor)),
                some => drop(state.expected.insert(visitor, some)),
            }
            let all = |kind: usize| state.expected.values().map(|expected| expected[kind]).sum();
            let [reads, writes] = [all(0), all(1)];
            state.budget.expect(Kind::Read, reads);
            state.budget.expect(Kind::Write, writes);
        }
        // Where less will come than was thought, there may be no reason to pace any more. Outside a runtime nobody waits.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.pump();
        }
    }

    /// Looks at the budget, or changes it.
    pub fn with_budget<T>(&self, look: impl FnOnce(&mut Budget, Duration) -> T) -> T {
        let now = self.now();
        look(&mut self.lock().budget, now)
    }

    /// What the bucket has spent, to be stored.
    pub fn saved(&self) -> Saved {
        self.with_budget(|budget, now| budget.save(now))
    }

    /// Takes in what was stored `elapsed` ago.
    pub fn resume(&self, saved: &Saved, elapsed: Duration) {
        self.with_budget(|budget, now| budget.resume(saved, now, elapsed));
    }

    /// Waits until a request may leave.
    ///
    /// # Errors
    /// When that takes too long to be kept waiting.
    pub async fn enter(self: &Arc<Self>, lane: Lane, kind: Kind) -> Result<Permit, Parked> {
        let (sender, receiver) = oneshot::channel();
        let ticket = {
            let mut state = self.lock();
            state.tickets += 1;
            let ticket = Ticket(state.tickets);
            state.budget.ask(self.now(), ticket, lane, kind);
            state.waiters.insert(ticket, sender);
            ticket
        };
        let waiting = Waiting { gate: self, ticket };
        self.pump();
        let granted = receiver.await;
        drop(waiting);
        match granted {
            Ok(Ok(())) => Ok(Permit { gate: self.clone(), ticket, reported: false }),
            Ok(Err(parked)) => Err(parked),
            // The sender lives in the gate until it is used, and the gate lives as long as we do.
            Err(_) => Err(Parked { wait: Duration::ZERO }),
        }
    }

    /// How long everybody who waits still has to, if that is long and was not asked before.
    pub fn untold_wait(&self) -> Option<Duration> {
        let mut state = self.lock();
        let (until, _) = *state.timer.as_ref()?;
        let wait = until.checked_sub(self.now()).filter(|wait| *wait >= WORTH_TELLING)?;
        (state.told.replace(until) != Some(until)).then_some(wait)
    }

    /// Refuses from now on whoever would have to wait long, those who wait already among them.
    pub fn hurry(self: &Arc<Self>) {
        self.lock().hurry = true;
        self.pump();
    }

    /// Ends the hurry: what was stopped is followed by more.
    pub fn take_time(&self) {
        self.lock().hurry = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between calls, and the budget never panics half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go whatever may leave, and sets the timer for what may leave next.
    fn pump(self: &Arc<Self>) {
        let mut state = self.lock();
        loop {
            let now = self.now();
            let next = state.budget.next(now);
            if let Next::Grant(ticket) = next {
                let told = state.waiters.remove(&ticket).is_some_and(|waiter| waiter.send(Ok(())).is_ok());
                if !told {
                    let unused = Feedback { outcome: Outcome::NotSent, ..Feedback::default() };
                    state.budget.answered(now, ticket, &unused);
                }
                continue;
            }
            let longest = if state.hurry { PATIENCE } else { PARK_AFTER };
            let parked = state.budget.too_long(now, longest);
            if parked.is_empty() {
                if let Next::WaitUntil(until) = next {
                    self.set_timer(&mut state, until);
                }
                return;
            }
            for (ticket, wait) in parked {
                state.budget.cancel(ticket);
                if let Some(waiter) = state.waiters.remove(&ticket) {
                    // Whoever stopped waiting need not be told.
                    let _gone = waiter.send(Err(Parked { wait }));
                }
            }
        }
    }

    fn set_timer(self: &Arc<Self>, state: &mut State, until: Duration) {
        if let Some((earlier, timer)) = &state.timer {
            if *earlier == until && !timer.is_finished() {
                return;
            }
            timer.abort();
        }
        let gate: Weak<Self> = Arc::downgrade(self);
        let at = self.start + until;
        let task = tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            if let Some(gate) = gate.upgrade() {
                gate.lock().timer = None;
                gate.pump();
            }
        });
        state.timer = Some((until, task.abort_handle()));
    }

    fn report(self: &Arc<Self>, ticket: Ticket, feedback: &Feedback) {
        let now = self.now();
        self.lock().budget.answered(now, ticket, feedback);
        self.pump();
    }
}

impl Permit {
    /// Reports what became of the request.
    pub fn answered(mut self, feedback: &Feedback) {
        self.reported = true;
        self.gate.report(self.ticket, feedback);
    }

    /// Reports that no answer came.
    pub fn lost(self) {
        self.answered(&Feedback { outcome: Outcome::Lost, ..Feedback::default() });
    }

    /// Gives the permit back unused.
    pub fn unused(self) {
        self.answered(&Feedback { outcome: Outcome::NotSent, ..Feedback::default() });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // Outside a runtime nobody waits any more, and a timer could not be set.
        if !self.reported && tokio::runtime::Handle::try_current().is_ok() {
            self.gate.report(self.ticket, &Feedback::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Covers, Quota, Scope, Told};

    fn gate(requests: u32, per: u64, concurrency: u32) -> Arc<Gate> {
        let scopes = vec![Scope { covers: Covers::All, requests, per: Duration::from_secs(per) }];
        Gate::new(Budget::new(&Quota { scopes, concurrency: Some(concurrency), keep_free: 0.0 }))
    }

    #[tokio::test(start_paused = true)]
    async fn requests_wait_for_the_window_on_the_virtual_clock() {
        let gate = gate(2, 60, 10);
        let mut left = Vec::new();
        for _ in 0..5 {
            let permit = gate.enter(Lane::Read, Kind::Read).await.unwrap();
            left.push(gate.now().as_secs());
            permit.answered(&Feedback::default());
        }
        assert_eq!(left, [0, 0, 60, 60, 120]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_all_announce_paces_everyone_but_removals_until_it_is_less_than_remains() {
        let gate = gate(100, 3600, 10);
        let reset_in = Some(Duration::from_secs(1000));
        let told = vec![Told { remaining: Some(50), reset_in, ..Told::default() }];
        let said = Feedback { told, ..Feedback::default() };
        gate.enter(Lane::Read, Kind::Read).await.unwrap().answered(&said);
        let (one, other) = (gate.visitor(), gate.visitor());
        gate.expect(one, 10, 30);
        gate.expect(other, 0, 30);
        let passes = async |lane| {
            let start = gate.now();
            for _ in 0..3 {
                gate.enter(lane, Kind::Write).await.unwrap().answered(&Feedback::default());
            }
            (gate.now() - start).as_secs()
        };
        assert!(passes(Lane::Write { unblocks: 0 }).await > 20);
        assert_eq!(passes(Lane::Removal).await, 0);
        gate.expect(other, 0, 0);
        assert_eq!(passes(Lane::Write { unblocks: 0 }).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_waiting_frees_their_place() {
        let gate = gate(10, 60, 1);
        let held = gate.enter(Lane::Read, Kind::Read).await.unwrap();
        let given_up = tokio::time::timeout(Duration::from_secs(1), gate.enter(Lane::Removal, Kind::Write)).await;
        assert!(given_up.is_err());
        assert_eq!(gate.with_budget(|budget, _| budget.waiting()), 0);
        drop(held);
        gate.enter(Lane::Read, Kind::Read).await.unwrap().unused();
        assert_eq!(gate.with_budget(|budget, _| budget.under_way()), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_is_told_once() {
        let gate = gate(2, 1200, 10);
        for _ in 0..2 {
            gate.enter(Lane::Read, Kind::Read).await.unwrap().answered(&Feedback::default());
        }
        let waits: Vec<_> = (0..3)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move { gate.enter(Lane::Read, Kind::Read).await.map(Permit::unused) })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(gate.untold_wait(), Some(Duration::from_secs(1195)));
        assert_eq!(gate.untold_wait(), None);
        futures::future::join_all(waits).await;
        assert_eq!(gate.untold_wait(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_above_an_hour_is_refused_at_once() {
        let gate = gate(10, 60, 1);
        let wait = Duration::from_secs(3 * 60 * 60);
        let feedback = Feedback { outcome: Outcome::Overloaded, retry_after: Some(wait), ..Feedback::default() };
        gate.enter(Lane::Read, Kind::Read).await.unwrap().answered(&feedback);
        assert_eq!(gate.enter(Lane::Read, Kind::Read).await.unwrap_err(), Parked { wait });
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_hurry_nobody_is_kept_waiting_for_long_and_what_may_leave_still_leaves() {
        let gate = gate(2, 60, 10);
        gate.enter(Lane::Read, Kind::Read).await.unwrap().answered(&Feedback::default());
        gate.enter(Lane::Read, Kind::Read).await.unwrap().answered(&Feedback::default());
        let waits = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter(Lane::Removal, Kind::Write).await.map(Permit::unused) }
        });
        while gate.with_budget(|budget, _| budget.waiting()) == 0 {
            tokio::task::yield_now().await;
        }
        gate.hurry();
        assert_eq!(waits.await.unwrap().unwrap_err(), Parked { wait: Duration::from_secs(60) });
        tokio::time::sleep(Duration::from_secs(55)).await;
        // Five seconds are worth waiting.
        gate.enter(Lane::Read, Kind::Read).await.unwrap().unused();
    }

    #[tokio::test(start_paused = true)]
    async fn waiters_leave_in_order_of_urgency() {
        let gate = gate(1000, 3600, 1);
        let held = gate.enter(Lane::Read, Kind::Read).await.unwrap();
        let left = Arc::new(Mutex::new(Vec::new()));
        let tasks = (0..100_u32).map(|unblocks| {
            let (gate, left) = (gate.clone(), left.clone());
            tokio::spawn(async move {
                let permit = gate.enter(Lane::Write { unblocks }, Kind::Write).await.unwrap();
                left.lock().unwrap().push(unblocks);
                permit.answered(&Feedback::default());
            })
        });
        let tasks: Vec<_> = tasks.collect();
        while gate.with_budget(|budget, _| budget.waiting()) < tasks.len() {
            tokio::task::yield_now().await;
        }
        held.answered(&Feedback::default());
        futures::future::join_all(tasks).await;
        assert!(left.lock().unwrap().is_sorted_by(|a, b| a > b));
    }
}
