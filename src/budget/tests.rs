//! The budget against simulated servers on a virtual clock.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

mod servers;

const HOUR: Duration = Duration::from_secs(3600);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn quota(requests: u32, per: Duration, concurrency: u32) -> Quota {
    let scopes = vec![Scope { covers: Covers::All, requests, per }];
    Quota { scopes, concurrency: Some(concurrency), keep_free: 0.0 }
}

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
            return Feedback { outcome: Outcome::Overloaded, limit: None, remaining: Some(0), reset_in, retry_after };
        }
        run.counted.push(at);
        let remaining = reset_in.and(left).map(|left| u32::try_from(left).unwrap());
        Feedback { outcome: Outcome::Answered, remaining, reset_in, ..Feedback::default() }
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
fn a_window_that_begins_anew_a_little_early_is_a_new_window() {
    let mut budget = Budget::new(&quota(100, HOUR, 200));
    let mut tickets = 0..;
    let mut send = |budget: &mut Budget, now: Duration, wanted: u64| {
        let mut sent: Vec<Ticket> = Vec::new();
        for _ in 0..wanted {
            budget.ask(now, Ticket(tickets.next().unwrap()), Lane::Removal, Kind::Write);
        }
        while let Next::Grant(ticket) = budget.next(now) {
            sent.push(ticket);
        }
        sent
    };
    // We think that the window ends after an hour. It ends two seconds earlier, as an answer shows that was on its way.
    let answer =
        |remaining, reset_in| Feedback { remaining: Some(remaining), reset_in: Some(reset_in), ..Feedback::default() };
    for (left, ticket) in (1..100).rev().zip(send(&mut budget, Duration::ZERO, 99)) {
        budget.answered(secs(1), ticket, &answer(left, HOUR - secs(1)));
    }
    let late = send(&mut budget, HOUR - secs(2), 1);
    budget.answered(HOUR - secs(1), late[0], &answer(99, HOUR));
    assert_eq!(send(&mut budget, HOUR - secs(1), 120).len(), 99);
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
fn what_unblocks_more_leaves_first() {
    let mut budget = Budget::new(&quota(10, HOUR, 10));
    for (ticket, unblocks) in [(1, 0), (2, 7), (3, 0), (4, 9)] {
        budget.ask(Duration::ZERO, Ticket(ticket), Lane::Write { unblocks }, Kind::Write);
    }
    let order = std::iter::from_fn(|| match budget.next(Duration::ZERO) {
        Next::Grant(Ticket(ticket)) => Some(ticket),
        _ => None,
    });
    assert_eq!(order.collect::<Vec<_>>(), [4, 2, 1, 3]);
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
fn a_scope_that_is_spent_does_not_stop_the_other_kind() {
    let scope = |covers, requests| Scope { covers, requests, per: HOUR };
    let scopes = vec![scope(Covers::Reads, 100), scope(Covers::Writes, 2)];
    let mut budget = Budget::new(&Quota { scopes, concurrency: None, keep_free: 0.0 });
    for ticket in 0..3 {
        budget.ask(Duration::ZERO, Ticket(ticket), Lane::Write { unblocks: 0 }, Kind::Write);
    }
    budget.ask(Duration::ZERO, Ticket(3), Lane::Read, Kind::Read);
    let granted: Vec<_> = (0..3).map(|_| budget.next(Duration::ZERO)).collect();
    assert_eq!(granted, [0, 1, 3].map(|ticket| Next::Grant(Ticket(ticket))));
    assert_eq!(budget.next(Duration::ZERO), Next::Idle, "the rest waits for an answer");
    budget.answered(secs(1), Ticket(0), &Feedback::default());
    assert_eq!(budget.next(secs(1)), Next::WaitUntil(secs(3601)));
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
fn too_many_requests_pause_the_whole_bucket_and_one_goes_ahead() {
    let mut budget = Budget::new(&quota(1000, HOUR, 10));
    for ticket in 0..4 {
        budget.ask(Duration::ZERO, Ticket(ticket), Lane::Removal, Kind::Write);
    }
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    let refused = Feedback { outcome: Outcome::Overloaded, retry_after: Some(secs(7)), ..Feedback::default() };
    budget.answered(secs(1), Ticket(0), &refused);
    assert_eq!(budget.next(secs(1)), Next::WaitUntil(secs(8)));
    assert_eq!(budget.next(secs(8)), Next::Grant(Ticket(1)));
    assert_eq!(budget.next(secs(8)), Next::Idle, "the others wait for what the first one meets");
    budget.answered(secs(9), Ticket(1), &Feedback::default());
    assert_eq!(budget.next(secs(9)), Next::Grant(Ticket(2)));
    assert_eq!(budget.next(secs(9)), Next::Grant(Ticket(3)));
}

#[test]
fn pauses_without_a_length_double_and_are_bounded() {
    let mut budget = Budget::new(&quota(1000, HOUR, 10));
    let mut now = Duration::ZERO;
    let mut pauses = Vec::new();
    for ticket in 0..9 {
        budget.ask(now, Ticket(ticket), Lane::Read, Kind::Read);
        assert_eq!(budget.next(now), Next::Grant(Ticket(ticket)));
        budget.answered(now, Ticket(ticket), &Feedback { outcome: Outcome::Overloaded, ..Feedback::default() });
        budget.ask(now, Ticket(100 + ticket), Lane::Read, Kind::Read);
        let Next::WaitUntil(until) = budget.next(now) else { panic!("no pause") };
        budget.cancel(Ticket(100 + ticket));
        pauses.push((until - now).as_secs());
        now = until;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn a_wait_above_an_hour_is_told_from_one_below() {
    let too_long = |wait: Duration| {
        let mut budget = Budget::new(&quota(1000, HOUR, 10));
        (0..2).for_each(|ticket| budget.ask(secs(5), Ticket(ticket), Lane::Removal, Kind::Read));
        assert_eq!(budget.next(secs(5)), Next::Grant(Ticket(0)));
        let asked = Feedback { outcome: Outcome::Overloaded, retry_after: Some(wait), ..Feedback::default() };
        budget.answered(secs(5), Ticket(0), &asked);
        budget.too_long(secs(5), PARK_AFTER)
    };
    assert_eq!(too_long(HOUR + secs(1)), []);
    assert_eq!(too_long(HOUR * 2), [(Ticket(1), HOUR * 2)]);
}

#[test]
fn a_kind_that_has_to_wait_for_days_is_told_while_another_goes_on() {
    let scope = |covers, requests, per| Scope { covers, requests, per };
    let scopes = vec![scope(Covers::Reads, 1, secs(60)), scope(Covers::Writes, 1, HOUR * 24)];
    let mut budget = Budget::new(&Quota { scopes, concurrency: None, keep_free: 0.0 });
    for (ticket, kind) in [Kind::Write, Kind::Read, Kind::Write, Kind::Read].into_iter().enumerate() {
        budget.ask(Duration::ZERO, Ticket(ticket as u64), Lane::Write { unblocks: 0 }, kind);
    }
    for ticket in 0..2 {
        assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(ticket)));
        budget.answered(secs(1), Ticket(ticket), &Feedback::default());
    }
    assert_eq!(budget.next(secs(1)), Next::WaitUntil(secs(61)), "a read may leave then");
    assert_eq!(budget.too_long(secs(1), PARK_AFTER), [(Ticket(2), HOUR * 24)]);
}

#[test]
fn a_refusal_that_names_only_the_end_of_the_window_stops_everything_until_then() {
    let mut budget = Budget::new(&quota(1000, HOUR, 10));
    (0..2).for_each(|ticket| budget.ask(Duration::ZERO, Ticket(ticket), Lane::Removal, Kind::Read));
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    let refused = Feedback { outcome: Outcome::Overloaded, reset_in: Some(secs(600)), ..Feedback::default() };
    budget.answered(secs(1), Ticket(0), &refused);
    assert_eq!(budget.next(secs(2)), Next::WaitUntil(secs(601)));
}

#[test]
fn what_is_announced_paces_what_goes_out_before_it() {
    let sent_at_once = |announced| {
        let mut budget = Budget::new(&quota(100, HOUR, 100));
        let said = Feedback { remaining: Some(50), reset_in: Some(secs(1000)), ..Feedback::default() };
        (0..10).for_each(|ticket| budget.ask(Duration::ZERO, Ticket(ticket), Lane::Read, Kind::Read));
        assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
        budget.answered(Duration::ZERO, Ticket(0), &said);
        budget.expect(Kind::Write, announced);
        std::iter::from_fn(|| matches!(budget.next(secs(1)), Next::Grant(_)).then_some(())).count()
    };
    assert_eq!((sent_at_once(0), sent_at_once(40), sent_at_once(1000)), (9, 9, 1));
}

#[test]
fn a_server_without_declared_quota_is_still_heard() {
    let mut budget = Budget::new(&Quota::default());
    for ticket in 0..3 {
        budget.ask(Duration::ZERO, Ticket(ticket), Lane::Read, Kind::Read);
    }
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    let said = Feedback { remaining: Some(1), reset_in: Some(secs(20)), ..Feedback::default() };
    budget.answered(secs(1), Ticket(0), &said);
    assert_eq!(budget.next(secs(1)), Next::Grant(Ticket(1)));
    assert_eq!(budget.next(secs(1)), Next::WaitUntil(secs(21)));
}

#[test]
fn an_empty_window_without_a_reset_is_tried_with_one_request() {
    let mut budget = Budget::new(&Quota { keep_free: 0.1, ..quota(100, HOUR, 10) });
    for ticket in 0..5 {
        budget.ask(Duration::ZERO, Ticket(ticket), Lane::Read, Kind::Read);
    }
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    budget.answered(Duration::ZERO, Ticket(0), &Feedback { remaining: Some(0), ..Feedback::default() });
    assert_eq!(budget.next(Duration::ZERO), Next::WaitUntil(secs(60)));
    assert_eq!(budget.next(secs(60)), Next::Grant(Ticket(1)));
    assert_eq!(budget.next(secs(60)), Next::WaitUntil(secs(120)));
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

#[test]
fn a_lost_request_keeps_its_place_for_a_moment_and_for_the_next_process_as_well() {
    let quota = quota(100, HOUR, 2);
    let mut budget = Budget::new(&quota);
    let mut at = Duration::from_millis(100);
    (0..3).for_each(|ticket| budget.ask(at, Ticket(ticket), Lane::Read, Kind::Read));
    assert_eq!((budget.next(at), budget.next(at)), (Next::Grant(Ticket(0)), Next::Grant(Ticket(1))));
    budget.answered(at, Ticket(0), &Feedback { outcome: Outcome::Lost, ..Feedback::default() });
    let free = at + Duration::from_secs(1);
    assert_eq!(budget.next(at), Next::WaitUntil(free));
    // A process that dies now had one request under way, and lost another.
    at += Duration::from_millis(400);
    let saved = budget.save(at);
    assert_eq!(saved.under_way_ms, [600, 1000]);
    let mut next = Budget::restore(&quota, &saved, Duration::ZERO, Duration::from_millis(100));
    (0..2).for_each(|ticket| next.ask(Duration::ZERO, Ticket(ticket), Lane::Read, Kind::Read));
    assert_eq!(next.next(Duration::ZERO), Next::WaitUntil(Duration::from_millis(500)));
    assert_eq!(next.next(Duration::from_millis(500)), Next::Grant(Ticket(0)));
    // The one that lives counts its own once, whatever it reads of them.
    budget.resume(&saved, at, Duration::ZERO);
    assert_eq!(budget.next(at), Next::WaitUntil(free));
    assert_eq!(budget.next(free), Next::Grant(Ticket(2)));
}

#[test]
fn a_restart_does_not_overspend() {
    let quota = quota(100, HOUR, 100);
    let mut budget = Budget::new(&quota);
    for ticket in 0..70 {
        budget.ask(secs(10), Ticket(ticket), Lane::Read, Kind::Read);
        assert_eq!(budget.next(secs(10)), Next::Grant(Ticket(ticket)));
        if ticket < 60 {
            budget.answered(secs(10), Ticket(ticket), &Feedback::default());
        }
    }
    let stored = serde_json::to_string(&budget.save(secs(100))).unwrap();
    let saved: Saved = serde_json::from_str(&stored).unwrap();

    // The new process has a clock of its own, and was started ten minutes later.
    let mut restored = Budget::restore(&quota, &saved, secs(3), secs(600));
    for ticket in 0..50 {
        restored.ask(secs(3), Ticket(ticket), Lane::Read, Kind::Read);
    }
    let granted = std::iter::from_fn(|| matches!(restored.next(secs(3)), Next::Grant(_)).then_some(())).count();
    assert_eq!(granted, 30);
    let mut later = Budget::restore(&quota, &saved, secs(3), HOUR + secs(60));
    later.ask(secs(3), Ticket(0), Lane::Read, Kind::Read);
    assert_eq!(later.next(secs(3)), Next::Grant(Ticket(0)));
}

#[test]
fn what_the_server_said_outlives_a_restart() {
    let quota = quota(1000, HOUR, 10);
    let mut budget = Budget::new(&quota);
    budget.ask(Duration::ZERO, Ticket(0), Lane::Read, Kind::Read);
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(0)));
    let said = Feedback { remaining: Some(2), reset_in: Some(secs(600)), ..Feedback::default() };
    budget.answered(Duration::ZERO, Ticket(0), &said);
    let saved = budget.save(secs(100));
    let granted = |elapsed: u64| {
        let mut restored = Budget::restore(&quota, &saved, Duration::ZERO, secs(elapsed));
        (0..5).for_each(|ticket| restored.ask(Duration::ZERO, Ticket(ticket), Lane::Removal, Kind::Read));
        let granted = std::iter::from_fn(|| matches!(restored.next(Duration::ZERO), Next::Grant(_)).then_some(()));
        (granted.count(), restored.next(Duration::ZERO))
    };
    assert_eq!(granted(100), (2, Next::WaitUntil(secs(400))));
    assert_eq!(granted(500), (1, Next::Idle), "the window should be new, and one request goes ahead to find out");
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
