//! The budget against servers that tell their quota in headers, with windows from one second to a day.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{SystemTime, UNIX_EPOCH},
};

use proptest::prelude::*;

use super::{HOUR, quota, secs};
use crate::budget::*;

/// Where the server's windows begin.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Windows {
    /// At multiples of their length.
    Aligned,
    /// With the first request after the last window.
    FirstRequest,
    /// Every interval of the length counts.
    Sliding,
}

/// How the server writes a reset.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    SecondsUp,
    SecondsDown,
    EpochUp,
    EpochDown,
    Millis,
    /// The server names no quota at all.
    Silent,
}

const TOLD: [Form; 5] = [Form::SecondsUp, Form::SecondsDown, Form::EpochUp, Form::EpochDown, Form::Millis];

/// A server with a quota, and the requests that others send to it.
#[derive(Debug, Clone)]
struct Server {
    limit: u32,
    per: Duration,
    windows: Windows,
    form: Form,
    names_limit: bool,
    /// `Remaining` leaves out the request that it answers.
    forgets_itself: bool,
    retry_after: bool,
    /// What the server's clock shows at the start.
    clock: Duration,
    /// Requests of others in a window.
    others: u32,
}

impl Server {
    fn new(limit: u32, per: Duration) -> Self {
        Self {
            limit,
            per,
            windows: Windows::Aligned,
            form: Form::SecondsUp,
            names_limit: true,
            forgets_itself: false,
            retry_after: false,
            clock: Duration::from_millis(1_795_341_600_300),
            others: 0,
        }
    }

    /// When the window ends that `now` lies in.
    fn window_end(&self, now: Duration, began: Duration) -> Duration {
        match self.windows {
            Windows::FirstRequest | Windows::Sliding => began + self.per,
            Windows::Aligned => {
                let into = (self.clock + now).as_nanos() % self.per.as_nanos();
                now + self.per - Duration::from_nanos(u64::try_from(into).unwrap())
            }
        }
    }

    /// What the headers make of a reset, read as the connectors read it.
    fn reset_in(&self, now: Duration, reset: Duration) -> Option<Duration> {
        let (clock, at, left) = (self.clock + now, self.clock + reset, (reset - now).as_secs_f64());
        let value = match self.form {
            Form::SecondsUp => left.ceil().to_string(),
            Form::SecondsDown => left.floor().to_string(),
            Form::EpochUp => at.as_secs_f64().ceil().to_string(),
            Form::EpochDown => at.as_secs().to_string(),
            Form::Millis => at.as_millis().to_string(),
            Form::Silent => return None,
        };
        let date = httpdate::fmt_http_date(UNIX_EPOCH + clock);
        // Our clock is an hour off.
        let local: SystemTime = UNIX_EPOCH + clock + HOUR;
        quota_reset(&value, Some(&date), local)
    }
}

/// Somebody who has more to send than the server allows.
#[derive(Debug, Clone)]
struct Client {
    quota: Quota,
    /// The shortest and the longest that an answer takes, in milliseconds.
    latency: (u64, u64),
}

#[derive(Debug, Default)]
struct Run {
    accepted: Vec<Duration>,
    refused: Vec<Duration>,
}

enum Event {
    Arrives(Ticket),
    Other,
    Answered(Ticket),
}

/// What the server has counted.
#[derive(Default)]
struct Counted {
    began: Option<Duration>,
    at: VecDeque<Duration>,
}

impl Counted {
    /// Whether one more fits, and what is left and until when.
    fn count(&mut self, server: &Server, now: Duration) -> (bool, u32, Duration) {
        if server.windows == Windows::Sliding {
            while self.at.front().is_some_and(|at| *at + server.per <= now) {
                self.at.pop_front();
            }
        } else if self.began.is_none_or(|began| now >= server.window_end(began, began)) {
            self.at.clear();
            self.began = Some(now);
        }
        let fits = self.at.len() < server.limit as usize;
        let before = server.limit - u32::try_from(self.at.len()).unwrap();
        if fits {
            self.at.push_back(now);
        }
        let began = if server.windows == Windows::Sliding { self.at.front().copied() } else { self.began };
        let left = if server.forgets_itself { before } else { before - u32::from(fits) };
        (fits, left, server.window_end(now, began.unwrap_or(now)))
    }
}

/// Sends as fast as the budget lets it, for `length`.
fn run(server: &Server, client: &Client, length: Duration) -> Run {
    let mut budget = Budget::new(&client.quota);
    let (mut events, mut number) = (BTreeMap::new(), 0_u64);
    let mut add = |events: &mut BTreeMap<(Duration, u64), Event>, at: Duration, event| {
        number += 1;
        events.insert((at, number), event);
    };
    let (mut counted, mut run, mut tickets) = (Counted::default(), Run::default(), 0_u64);
    let mut answers = BTreeMap::new();
    let mut seed = 12_345_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below.max(1)
    };
    if server.others > 0 {
        add(&mut events, Duration::ZERO, Event::Other);
    }
    budget.expect(Kind::Write, 1_000_000);
    let mut now = Duration::ZERO;
    while now < length {
        while budget.waiting() < 3 {
            tickets += 1;
            budget.ask(now, Ticket(tickets), Lane::Write { unblocks: 0 }, Kind::Write);
        }
        let wakes = match budget.next(now) {
            Next::Grant(ticket) => {
                let trip = client.latency.0 + random(client.latency.1 - client.latency.0 + 1);
                let there = Duration::from_millis(trip).mul_f64(0.2 + random(60) as f64 / 100.0);
                add(&mut events, now + there, Event::Arrives(ticket));
                add(&mut events, now + Duration::from_millis(trip), Event::Answered(ticket));
                continue;
            }
            Next::WaitUntil(until) => Some(until),
            Next::Idle => {
                assert!(budget.under_way() > 0, "hangs at {now:?}");
                None
            }
        };
        assert_eq!(budget.too_long(now, server.per.max(client.quota.scopes[0].per) + secs(65)), [], "{server:?}");
        let next = events.first_key_value().map(|((at, _), _)| *at);
        if let Some(wakes) = wakes.filter(|wakes| next.is_none_or(|next| *wakes < next)) {
            now = wakes;
            continue;
        }
        let ((at, _), event) = events.pop_first().expect("something is under way");
        now = at;
        match event {
            Event::Other => {
                counted.count(server, now);
                add(&mut events, now + server.per / server.others, Event::Other);
            }
            Event::Answered(ticket) => {
                let feedback = answers.remove(&ticket).expect("it arrived before");
                budget.answered(now, ticket, &feedback);
            }
            Event::Arrives(ticket) => {
                let (fits, left, reset) = counted.count(server, now);
                let told = server.form != Form::Silent;
                let feedback = Feedback {
                    outcome: if fits { Outcome::Answered } else { Outcome::Overloaded },
                    limit: (told && server.names_limit).then_some(server.limit),
                    remaining: told.then_some(left),
                    reset_in: server.reset_in(now, reset),
                    retry_after: (!fits && server.retry_after).then(|| secs((reset - now).as_secs())),
                };
                if fits {
                    run.accepted.push(now);
                } else {
                    run.refused.push(now);
                }
                answers.insert(ticket, feedback);
            }
        }
    }
    run
}

/// What a client could have sent after the first two windows at most, by quota and by concurrency.
fn allowance(server: &Server, client: &Client, length: Duration) -> f64 {
    let scope = client.quota.scopes[0];
    let share = 1.0 - client.quota.keep_free;
    let time = (length - server.per * 2).as_secs_f64();
    let by_server = (f64::from(server.limit) * share).ceil();
    let by_server = by_server / server.per.as_secs_f64();
    let declared = (f64::from(scope.requests) * share).ceil() / scope.per.as_secs_f64();
    let trip = (client.latency.0 + client.latency.1) as f64 / 2000.0;
    let at_once = f64::from(client.quota.concurrency.unwrap()) / trip;
    by_server.min(declared).min(at_once) * time
}

fn used(server: &Server, client: &Client, length: Duration, run: &Run) -> f64 {
    let sent = run.accepted.iter().filter(|at| **at >= server.per * 2).count();
    sent as f64 / allowance(server, client, length)
}

fn client(requests: u32, per: Duration, at_once: u32) -> Client {
    Client { quota: quota(requests, per, at_once), latency: (5, 200) }
}

/// At most one refusal while learning, besides those of a first burst that nothing could foresee, and most of the
/// allowance used.
fn check(server: &Server, client: &Client) {
    let length = server.per * 10;
    let run = run(server, client, length);
    let (declared, at_once) = (client.quota.scopes[0].requests, client.quota.concurrency.unwrap());
    let blind = if declared > server.limit { at_once.saturating_sub(server.limit) } else { 0 };
    assert!(run.refused.len() <= 1 + blind as usize, "{} refused: {server:?} {client:?}", run.refused.len());
    let used = used(server, client, length, &run);
    assert!(used >= 0.7, "used {used:.2}: {server:?} {client:?}");
}

#[test]
fn twenty_five_a_second_told_in_whole_seconds_are_used() {
    for form in TOLD {
        for at_once in [1, 4, 20] {
            check(&Server { form, ..Server::new(25, secs(1)) }, &client(25, secs(1), at_once));
        }
    }
}

#[test]
fn windows_from_a_second_to_a_day_are_used_however_their_reset_is_told() {
    for per in [1, 2, 5, 10, 60, 3600, 86400] {
        for (windows, form) in [Windows::Aligned, Windows::FirstRequest].into_iter().flat_map(|w| TOLD.map(|f| (w, f)))
        {
            for (limit, declared) in [(5_u32, 5), (5, 20), (25, 25), (25, 13), (100, 400)] {
                let names_limit = limit != 25;
                let server = Server { windows, form, names_limit, ..Server::new(limit, secs(per)) };
                check(&server, &client(declared, secs(per), 4));
                check(&server, &client(declared, secs(per), 20));
            }
        }
    }
}

#[test]
fn windows_that_slide_are_used() {
    for per in [1, 2, 5, 10, 60, 3600, 86400] {
        for form in TOLD {
            for (limit, declared) in [(25, 25), (25, 13), (100, 100)] {
                let server = Server { windows: Windows::Sliding, form, ..Server::new(limit, secs(per)) };
                check(&server, &client(declared, secs(per), 4));
            }
        }
    }
}

#[test]
fn a_server_that_names_nothing_is_used() {
    for (per, windows) in [1, 10, 3600].into_iter().flat_map(|per| [(per, Windows::Aligned), (per, Windows::Sliding)]) {
        let server = Server { windows, form: Form::Silent, ..Server::new(25, secs(per)) };
        check(&server, &client(25, secs(per), 4));
    }
}

#[test]
fn a_count_that_leaves_out_its_own_request_is_no_trap() {
    let server = Server { forgets_itself: true, ..Server::new(25, secs(1)) };
    check(&server, &client(25, secs(1), 4));
}

#[test]
fn a_share_of_what_the_server_allows_is_kept_free_for_others() {
    for per in [10, 60, 3600, 86400] {
        let server = Server { others: 20, ..Server::new(100, secs(per)) };
        let mut client = client(400, secs(per), 4);
        client.quota.keep_free = 0.25;
        check(&server, &client);
    }
}

#[test]
fn of_a_smaller_limit_than_declared_its_own_share_is_kept_free() {
    let quota = Quota { keep_free: 0.1, ..quota(60_000, secs(60), 1000) };
    let mut budget = Budget::new(&quota);
    let sent = |budget: &mut Budget| {
        (0..539).for_each(|ticket| budget.ask(secs(1), Ticket(ticket), Lane::Read, Kind::Read));
        std::iter::from_fn(|| matches!(budget.next(secs(1)), Next::Grant(_)).then_some(())).count()
    };
    budget.ask(Duration::ZERO, Ticket(1000), Lane::Read, Kind::Read);
    assert_eq!(budget.next(Duration::ZERO), Next::Grant(Ticket(1000)));
    let said = Feedback { limit: Some(600), remaining: Some(599), reset_in: Some(secs(60)), ..Feedback::default() };
    budget.answered(secs(1), Ticket(1000), &said);
    let mut restored = Budget::restore(&quota, &budget.save(secs(1)), secs(1), Duration::ZERO);
    assert_eq!(sent(&mut budget), 539, "sixty of the 600 are kept free");
    assert_eq!(sent(&mut restored), 539, "the limit outlives a restart");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn a_quota_told_in_headers_is_used_and_not_overrun(
        (limit, factor) in (5_u32..200, prop_oneof![Just(0.5), Just(1.0), Just(3.0)]),
        per in prop_oneof![1_u64..12, Just(60), Just(3600), Just(86400)],
        form in prop::sample::select(TOLD.to_vec()),
        windows in prop_oneof![Just(Windows::Aligned), Just(Windows::FirstRequest)],
        (at_once, slowest) in (2_u32..21, 10_u64..201),
        (names_limit, retry_after, offset) in (any::<bool>(), any::<bool>(), 0_u64..86_400_000),
    ) {
        let mut server = Server { windows, form, names_limit, retry_after, ..Server::new(limit, secs(per)) };
        server.clock += Duration::from_millis(offset);
        let mut client = client((f64::from(limit) * factor).ceil() as u32, secs(per), at_once);
        client.latency.1 = slowest;
        // A window that is used up just as the next one begins may cost the next one: answers cross there.
        let trip = (5 + slowest) as f64 / 2000.0;
        prop_assume!(f64::from(at_once) / trip > 2.0 * f64::from(limit) / per as f64);
        check(&server, &client);
    }
}
