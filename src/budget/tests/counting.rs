//! Our own count, against simulated servers on a virtual clock.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// How the simulated server counts.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Counting {
    /// Any interval of the window's length; no headers.
    Rolling,
    /// Windows one behind the other, the first of them begun `since` before the start; headers name reset and rest.
    Fixed { since: Duration },
    /// Any interval of the window's length; headers always name a reset that is one window away, and the rest.
    Moving,
}

struct Simulation {
    budget: Budget,
    quota: Quota,
    counting: Counting,
    /// Each request takes one of these from leaving to being counted, and again to being answered.
    latencies: Vec<Duration>,
    /// Requests that other users of the API send, by time.
    others: Vec<Duration>,
}

#[derive(Debug, Default)]
struct Run {
    /// When each ticket left, in order.
    left: Vec<(Duration, Ticket)>,
    /// When the server counted each.
    counted: Vec<Duration>,
    answered_429: usize,
    most_at_once: usize,
    end: Duration,
}

impl Simulation {
    fn new(quota: Quota) -> Self {
        let budget = Budget::new(&quota);
        Self { budget, quota, counting: Counting::Rolling, latencies: vec![Duration::from_millis(200)], others: vec![] }
    }

    /// Sends everything that `asks` asks for, at the times it says.
    fn run(mut self, mut asks: Vec<(Duration, Lane, Kind)>) -> Run {
        asks.sort_by_key(|ask| ask.0);
        let mut asks = asks.into_iter().zip(0..).peekable();
        // What happens at an instant: answers by (time, ticket).
        let mut answers: BTreeMap<(Duration, Ticket), Feedback> = BTreeMap::new();
        let mut run = Run::default();
        let mut now = Duration::ZERO;
        loop {
            while let Some(((_, lane, kind), ticket)) = asks.next_if(|((at, ..), _)| *at <= now) {
                self.budget.ask(now, Ticket(ticket), lane, kind);
            }
            while let Some(entry) = answers.first_entry().filter(|entry| entry.key().0 <= now) {
                let ((_, ticket), feedback) = entry.remove_entry();
                self.budget.answered(now, ticket, &feedback);
            }
            let wait = loop {
                match self.budget.next(now) {
                    Next::Grant(ticket) => {
                        let latency = self.latencies[run.left.len() % self.latencies.len()];
                        run.left.push((now, ticket));
                        run.most_at_once = run.most_at_once.max(self.budget.under_way());
                        let feedback = self.serve(now + latency, &mut run);
                        answers.insert((now + latency * 2, ticket), feedback);
                    }
                    Next::WaitUntil(until) => {
                        assert!(until > now, "a wait must lie ahead");
                        break Some(until);
                    }
                    Next::Idle => break None,
                }
            };
            let ask = asks.peek().map(|((at, ..), _)| *at);
            let answer = answers.first_key_value().map(|((at, _), _)| *at);
            match [ask, answer, wait].into_iter().flatten().min() {
                Some(next) => now = next,
                None => break,
            }
        }
        assert_eq!(self.budget.waiting(), 0, "nothing is left behind");
        run.end = now;
        run
    }

    /// Requests are simulated in the order in which they leave, which is near enough to the order of being counted.
    fn serve(&self, at: Duration, run: &mut Run) -> Feedback {
        let scope = self.quota.scopes[0];
        let (start, reset_in) = match self.counting {
            Counting::Rolling => (at.saturating_sub(scope.per), None),
            Counting::Moving => (at.saturating_sub(scope.per), Some(scope.per)),
            Counting::Fixed { since } => {
                let into = Duration::from_nanos(((at + since).as_nanos() % scope.per.as_nanos()) as u64);
                (at.saturating_sub(into), Some(scope.per - into))
            }
        };
        let inside = |time: &&Duration| **time > start || (start.is_zero() && time.is_zero());
        let before = run.counted.iter().filter(inside).count()
            + self.others.iter().filter(inside).filter(|time| **time <= at).count();
        let left = (scope.requests as usize).checked_sub(before + 1);
        if left.is_none() {
            run.answered_429 += 1;
            let retry_after = Some(reset_in.unwrap_or(scope.per));
            return Feedback { retry_after, ..heard(Outcome::Overloaded, Some(0), reset_in) };
        }
        run.counted.push(at);
        let remaining = reset_in.and(left).map(|left| u32::try_from(left).unwrap());
        heard(Outcome::Answered, remaining, reset_in)
    }
}

fn writes(count: usize) -> Vec<(Duration, Lane, Kind)> {
    vec![(Duration::ZERO, Lane::Write { unblocks: 0 }, Kind::Write); count]
}

/// The most requests in any interval of `per`.
fn busiest(times: &[Duration], per: Duration) -> usize {
    let mut times = times.to_vec();
    times.sort();
    (0..times.len()).map(|i| times[i..].iter().take_while(|time| **time < times[i] + per).count()).max().unwrap_or(0)
}

#[test]
fn three_thousand_requests_at_a_thousand_an_hour_take_no_longer_than_they_must() {
    for (requests, concurrency, bound) in [(1000, 10, 7200.0), (5000, 50, 24.0)] {
        for counting in [Counting::Rolling, Counting::Fixed { since: Duration::ZERO }] {
            let mut simulation = Simulation::new(quota(requests, HOUR, concurrency));
            simulation.counting = counting;
            let run = simulation.run(writes(3000));
            assert_eq!(run.answered_429, 0, "{counting:?}");
            assert_eq!(run.left.len(), 3000);
            assert!(run.end.as_secs_f64() <= bound * 1.05, "{counting:?} took {:?}, the bound is {bound} s", run.end);
        }
    }
}

#[test]
fn what_is_free_leaves_at_once() {
    let run = Simulation::new(quota(1000, HOUR, 10)).run(writes(900));
    assert!(run.end < secs(60), "{:?}", run.end);
}

#[test]
fn a_scarce_rest_is_spread_over_the_time_to_the_reset() {
    let mut simulation = Simulation::new(quota(100, HOUR, 10));
    simulation.counting = Counting::Fixed { since: Duration::ZERO };
    let run = simulation.run(writes(150));
    let first_minute = run.left.iter().filter(|(at, _)| *at < secs(60)).count();
    assert!(first_minute < 30, "{first_minute} left in the first minute");
    let first_hour = run.left.iter().filter(|(at, _)| *at < HOUR).count();
    assert_eq!(first_hour, 100, "nothing of the first window is wasted");
}

#[test]
fn a_reset_that_always_stays_ahead_slows_nothing_down() {
    let mut simulation = Simulation::new(quota(100, secs(60), 10));
    simulation.counting = Counting::Moving;
    let run = simulation.run(writes(300));
    assert_eq!(run.answered_429, 0);
    assert!(run.end < secs(2 * 60 + 20), "{:?}", run.end);
}

#[test]
fn a_removal_leaves_before_five_thousand_queued_writes() {
    let mut asks = writes(5000);
    let removal = asks.len() as u64;
    asks.push((secs(30), Lane::Removal, Kind::Write));
    let run = Simulation::new(Quota { keep_free: 0.1, ..quota(1000, HOUR, 10) }).run(asks);
    let (left, _) = run.left.iter().find(|(_, ticket)| ticket.0 == removal).unwrap();
    assert_eq!(*left, secs(30), "the share kept free is there for it");
    assert_eq!(run.left.iter().filter(|(at, _)| *at < secs(60)).count(), 900, "the tenth is left alone");
}

#[test]
fn reads_get_a_fifth_while_writes_or_removals_wait() {
    for lane in [Lane::Write { unblocks: 3 }, Lane::Removal] {
        let mut asks = vec![(Duration::ZERO, lane, Kind::Write); 400];
        asks.extend(vec![(Duration::ZERO, Lane::Read, Kind::Read); 400]);
        let run = Simulation::new(quota(100, HOUR, 1)).run(asks);
        for hundred in run.left[..400].chunks(100) {
            let reads = hundred.iter().filter(|(_, ticket)| ticket.0 >= 400).count();
            assert_eq!(reads, 20, "{lane:?}");
        }
    }
}

#[test]
fn the_servers_count_is_believed_when_it_is_smaller() {
    let mut simulation = Simulation::new(quota(1000, HOUR, 10));
    simulation.counting = Counting::Fixed { since: secs(1800) };
    simulation.others = vec![Duration::ZERO; 700];
    let run = simulation.run(writes(600));
    assert_eq!(run.answered_429, 0);
    let before_reset = run.left.iter().filter(|(at, _)| *at < secs(1800)).count();
    assert_eq!(before_reset, 300);
    assert!(run.end < secs(1830), "{:?}", run.end);
}

#[test]
fn a_tiny_quota_with_a_share_kept_free_is_still_usable() {
    let run = Simulation::new(Quota { keep_free: 0.9, ..quota(1, secs(10), 1) }).run(writes(3));
    assert_eq!(run.left.len(), 3);
}

#[test]
fn a_request_that_never_left_costs_nothing() {
    let mut budget = Budget::new(&quota(1, HOUR, 1));
    budget.ask(Duration::ZERO, Ticket(0), Lane::Read, Kind::Read);
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    budget.answered(secs(1), Ticket(0), &Feedback { outcome: Outcome::NotSent, ..Feedback::default() });
    budget.ask(secs(1), Ticket(1), Lane::Read, Kind::Read);
    assert_eq!(budget.next(secs(1)), Next::Grant(Ticket(1)));
}

fn lane() -> impl Strategy<Value = Lane> {
    prop_oneof![Just(Lane::Removal), (0_u32..4).prop_map(|unblocks| Lane::Write { unblocks }), Just(Lane::Read),]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Read), Just(Kind::Write), Just(Kind::Token)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_window_holds_more_than_the_quota_and_all_of_it_is_used(
        requests in 1_u32..30,
        per in 1_u64..100,
        concurrency in 1_u32..8,
        latencies in prop::collection::vec(1_u64..3000, 1..6),
        asks in prop::collection::vec((0_u64..50, lane(), kind()), 1..150),
    ) {
        let per = secs(per);
        let mut simulation = Simulation::new(quota(requests, per, concurrency));
        simulation.latencies = latencies.into_iter().map(Duration::from_millis).collect();
        let slowest = simulation.latencies.iter().max().copied().unwrap() * 2;
        let count = asks.len();
        let run = simulation.run(asks.into_iter().map(|(at, lane, kind)| (secs(at), lane, kind)).collect());
        prop_assert_eq!(run.left.len(), count);
        prop_assert!(busiest(&run.counted, per) <= requests as usize);
        prop_assert_eq!(run.answered_429, 0);
        prop_assert!(run.most_at_once <= concurrency as usize);
        // Every window that was waited for carried the full quota, and every gap within was an answer's.
        let windows = (count as u32 - 1) / requests;
        let rounds = (count as u32).div_ceil(concurrency.min(requests)) + windows;
        prop_assert!(run.end <= secs(50) + per * windows + slowest * rounds + slowest);
    }

    #[test]
    fn a_server_with_fixed_windows_and_other_users_is_never_overrun(
        requests in 5_u32..40,
        since in 0_u64..3600,
        concurrency in 1_u32..8,
        count in 1_usize..150,
    ) {
        let mut simulation = Simulation::new(quota(requests, HOUR, concurrency));
        simulation.counting = Counting::Fixed { since: secs(since) };
        let run = simulation.run(writes(count));
        prop_assert_eq!(run.answered_429, 0);
        // The first window may be nearly over; each later one is used in full.
        let windows = count as u64 / u64::from(requests);
        prop_assert!(run.end <= HOUR * u32::try_from(windows).unwrap() + secs(60));
    }
}
