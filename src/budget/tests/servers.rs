//! Simulated servers that count requests and tell their quota in headers, on a virtual clock.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{SystemTime, UNIX_EPOCH},
};

use super::{HOUR, secs};
use crate::budget::*;

/// What the server counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Counting {
    /// Windows that begin at multiples of their length.
    Aligned,
    /// Windows that begin with the first request after the last one.
    FirstRequest,
    /// Every interval of the length.
    Sliding,
    /// Tokens that come back evenly, no more than the limit; the reset is when all of them are back.
    Bucket,
    /// The same, but the reset is when the next one comes back.
    Trickle,
}

/// How it tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Dialect {
    SecondsUp,
    SecondsDown,
    EpochUp,
    EpochDown,
    Millis,
    Fraction,
    HttpDate,
    /// `RateLimit` and `RateLimit-Policy`.
    Structured,
    /// The headers' names end with the length of the window, and no reset is told.
    Suffix,
    /// What is left is told as of half a second ago.
    Lagging,
    /// What is left, but not until when.
    NoReset,
    /// An epoch without a `Date`, by a clock that is so many seconds ahead of ours.
    ClockOff(i64),
    /// Nothing but `Retry-After`, rounded up.
    RetryAfter,
    /// Nothing but `Retry-After: 0`.
    RetryAtOnce,
    Silent,
}

/// A server with a quota, and the requests that others send to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pub(super) limit: u32,
    pub(super) per: Duration,
    pub(super) counting: Counting,
    pub(super) dialect: Dialect,
    pub(super) names_limit: bool,
    /// What the server's clock shows at the start.
    pub(super) clock: Duration,
    /// Requests of others in a window.
    pub(super) others: u32,
}

impl Server {
    pub(super) fn new(limit: u32, per: Duration, counting: Counting, dialect: Dialect) -> Self {
        let clock = Duration::from_millis(1_795_341_600_300);
        Self { limit, per, counting, dialect, names_limit: true, clock, others: 0 }
    }

    /// When the window ends that began at `began`.
    fn window_end(&self, began: Duration) -> Duration {
        if self.counting != Counting::Aligned {
            return began + self.per;
        }
        let into = (self.clock + began).as_nanos() % self.per.as_nanos();
        began + self.per - Duration::from_nanos(u64::try_from(into).unwrap())
    }

    /// The headers of an answer.
    fn headers(&self, now: Duration, fits: bool, left: u32, reset: Duration) -> Vec<(String, String)> {
        let (clock, at, wait) = (self.clock + now, self.clock + reset, (reset - now).as_secs_f64());
        let reset = match self.dialect {
            Dialect::SecondsUp | Dialect::Lagging | Dialect::Structured => wait.ceil().to_string(),
            Dialect::SecondsDown => wait.floor().to_string(),
            Dialect::EpochUp | Dialect::ClockOff(_) => at.as_secs_f64().ceil().to_string(),
            Dialect::EpochDown => at.as_secs().to_string(),
            Dialect::Millis => at.as_millis().to_string(),
            Dialect::Fraction => format!("{wait:.3}"),
            Dialect::HttpDate => httpdate::fmt_http_date(UNIX_EPOCH + at),
            Dialect::NoReset | Dialect::Suffix | Dialect::Silent | Dialect::RetryAfter | Dialect::RetryAtOnce => {
                String::new()
            }
        };
        let suffix = match (self.dialect, self.per.as_secs()) {
            (Dialect::Suffix, 1) => "-second",
            (Dialect::Suffix, 60) => "-minute",
            (Dialect::Suffix, 3600) => "-hour",
            (Dialect::Suffix, 86400) => "-day",
            _ => "",
        };
        let mut headers = Vec::new();
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        if !matches!(self.dialect, Dialect::ClockOff(_)) {
            add("date", httpdate::fmt_http_date(UNIX_EPOCH + clock));
        }
        match self.dialect {
            Dialect::Silent => {}
            Dialect::RetryAtOnce if !fits => add("retry-after", "0".to_owned()),
            Dialect::RetryAfter if !fits => add("retry-after", wait.ceil().to_string()),
            Dialect::RetryAfter | Dialect::RetryAtOnce => {}
            Dialect::Structured => {
                add("ratelimit", format!("\"ours\";r={left};t={reset}"));
                add("ratelimit-policy", format!("\"ours\";q={};w={}", self.limit, self.per.as_secs()));
            }
            _ => {
                if self.names_limit {
                    add(&format!("x-ratelimit-limit{suffix}"), self.limit.to_string());
                }
                add(&format!("x-ratelimit-remaining{suffix}"), left.to_string());
                if !reset.is_empty() {
                    add("x-ratelimit-reset", reset);
                }
            }
        }
        headers
    }

    /// What those headers mean to whoever reads them as the connectors do.
    fn feedback(&self, now: Duration, fits: bool, left: u32, reset: Duration) -> Feedback {
        let headers = self.headers(now, fits, left, reset);
        let header = |name: &str| headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str());
        // Where there is a `Date`, our own clock does not matter.
        let local: SystemTime = match self.dialect {
            Dialect::ClockOff(ahead) if ahead < 0 => UNIX_EPOCH + self.clock + now + secs(ahead.unsigned_abs()),
            Dialect::ClockOff(ahead) => UNIX_EPOCH + self.clock + now - secs(ahead.unsigned_abs()),
            _ => UNIX_EPOCH + self.clock + now + HOUR,
        };
        Feedback {
            outcome: if fits { Outcome::Answered } else { Outcome::Overloaded },
            told: told(header, local),
            retry_after: header("retry-after").map(|value| retry_after(value, header("date"), local)),
        }
    }
}

/// What the server has counted.
#[derive(Default)]
struct Counted {
    began: Option<Duration>,
    at: VecDeque<Duration>,
    /// What the count that is told does not show yet.
    latest: VecDeque<Duration>,
    tokens: f64,
    refilled: Duration,
}

impl Counted {
    fn new(server: &Server) -> Self {
        Self { tokens: f64::from(server.limit), ..Self::default() }
    }

    /// Whether one more fits, and what is left and until when.
    fn count(&mut self, server: &Server, now: Duration) -> (bool, u32, Duration) {
        let (fits, left, reset) = match server.counting {
            Counting::Bucket | Counting::Trickle => self.draw(server, now),
            _ => self.enter(server, now),
        };
        if server.dialect == Dialect::Lagging {
            self.latest.extend(fits.then_some(now));
            let window = reset.saturating_sub(server.per);
            self.latest.retain(|at| *at + Duration::from_millis(500) > now && *at >= window);
            let unseen = u32::try_from(self.latest.len()).unwrap();
            return (fits, server.limit.min(left + unseen), reset);
        }
        (fits, left, reset)
    }

    fn enter(&mut self, server: &Server, now: Duration) -> (bool, u32, Duration) {
        if server.counting == Counting::Sliding {
            while self.at.front().is_some_and(|at| *at + server.per <= now) {
                self.at.pop_front();
            }
        } else if self.began.is_none_or(|began| now >= server.window_end(began)) {
            self.at.clear();
            self.began = Some(now);
        }
        let fits = self.at.len() < server.limit as usize;
        if fits {
            self.at.push_back(now);
        }
        let began = if server.counting == Counting::Sliding { self.at.front().copied() } else { self.began };
        (fits, server.limit - u32::try_from(self.at.len()).unwrap(), server.window_end(began.unwrap_or(now)))
    }

    fn draw(&mut self, server: &Server, now: Duration) -> (bool, u32, Duration) {
        let (limit, each) = (f64::from(server.limit), server.per / server.limit);
        self.tokens = limit.min(self.tokens + (now - self.refilled).as_secs_f64() / each.as_secs_f64());
        self.refilled = now;
        let fits = self.tokens >= 1.0;
        self.tokens -= f64::from(u8::from(fits));
        let missing = if server.counting == Counting::Bucket { limit - self.tokens } else { 1.0 - self.tokens.fract() };
        (fits, self.tokens as u32, now + each.mul_f64(missing))
    }
}

/// Somebody who has more to send than the server allows.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) quota: Quota,
    /// The shortest and the longest that an answer takes, in milliseconds.
    pub(super) latency: (u64, u64),
}

#[derive(Debug, Default)]
pub(super) struct Run {
    /// When the server let a request pass.
    pub(super) accepted: Vec<Duration>,
    /// When each refused request had left.
    pub(super) refused: Vec<Duration>,
}

enum Event {
    Arrives(Ticket, Duration),
    Other,
    Answered(Ticket),
}

/// Events in the order in which they happen.
#[derive(Default)]
struct Agenda {
    events: BTreeMap<(Duration, u64), Event>,
    number: u64,
}

impl Agenda {
    fn add(&mut self, at: Duration, event: Event) {
        self.number += 1;
        self.events.insert((at, self.number), event);
    }
}

/// Sends as fast as the budget lets it, for `length`.
pub(super) fn run(server: &Server, client: &Client, length: Duration) -> Run {
    let mut budget = Budget::new(&client.quota);
    let (mut agenda, mut answers, mut run) = (Agenda::default(), BTreeMap::new(), Run::default());
    let (mut counted, mut tickets, mut now) = (Counted::new(server), 0_u64, Duration::ZERO);
    let mut random = randomly(12_345);
    if server.others > 0 {
        agenda.add(Duration::ZERO, Event::Other);
    }
    budget.expect(Kind::Write, 1_000_000);
    while now < length {
        while budget.waiting() < 3 {
            tickets += 1;
            budget.ask(now, Ticket(tickets), Lane::Write { unblocks: 0 }, Kind::Write);
        }
        let wakes = match budget.next(now) {
            Next::Grant(ticket) => {
                let trip = client.latency.0 + random(client.latency.1 - client.latency.0 + 1);
                let there = Duration::from_millis(trip).mul_f64(0.2 + random(60) as f64 / 100.0);
                agenda.add(now + there, Event::Arrives(ticket, now));
                agenda.add(now + Duration::from_millis(trip), Event::Answered(ticket));
                continue;
            }
            Next::WaitUntil(until) => Some(until),
            Next::Idle => {
                assert!(budget.under_way() > 0, "hangs at {now:?}");
                None
            }
        };
        let next = agenda.events.first_key_value().map(|((at, _), _)| *at);
        if let Some(wakes) = wakes.filter(|wakes| next.is_none_or(|next| *wakes < next)) {
            now = wakes;
            continue;
        }
        let ((at, _), event) = agenda.events.pop_first().expect("something is under way");
        now = at;
        match event {
            Event::Other => {
                counted.count(server, now);
                agenda.add(now + server.per / server.others, Event::Other);
            }
            Event::Answered(ticket) => {
                let feedback: Feedback = answers.remove(&ticket).expect("it arrived before");
                budget.answered(now, ticket, &feedback);
            }
            Event::Arrives(ticket, left_at) => {
                let (fits, left, reset) = counted.count(server, now);
                answers.insert(ticket, server.feedback(now, fits, left, reset));
                if fits { run.accepted.push(now) } else { run.refused.push(left_at) }
            }
        }
    }
    run
}

fn randomly(mut seed: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below.max(1)
    }
}
