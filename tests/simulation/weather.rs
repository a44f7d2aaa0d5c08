//! What goes wrong on the way between the engine and the apps, and how often.

use std::{ops::Range, time::Duration};

use super::chance::Chance;

/// What befalls one request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// No connection comes about.
    Refused,
    /// The connection is reset before the app sees the request.
    ResetBefore,
    /// The app carries it out; then the connection is reset.
    ResetAfter,
    /// The connection is reset, and the request arrives all the same, this much later.
    ResetThenArrives(Duration),
    /// No answer ever comes. Whether the request arrived only the app knows.
    HalfOpen { arrives: bool },
    /// The request takes so long to arrive, but never as long as anybody waits for an answer.
    SlowThere(Duration),
    /// The answer takes so long.
    Slow(Duration),
    /// Another status than the app's, whether or not the request had its effect.
    Status { status: u16, html: bool, effect: bool },
    /// 429 that we did not cause, with this `Retry-After`.
    TooMany(Option<RetryAfter>),
    /// The body breaks off.
    Cut,
    /// The body is JSON that breaks off.
    Malformed,
    /// A web page with the status 200, from something in between.
    Html,
    /// 200 without a body.
    Empty,
    /// A list lacks its last rows; its total tells the truth.
    Truncated,
    /// The page that was asked for before this one.
    PageAgain,
    /// The next page's token is the one that was just used.
    CursorAgain,
}

/// A `Retry-After`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RetryAfter {
    Seconds(u64),
    /// As a date, so many seconds from the app's now on.
    Date(i64),
    Nonsense(&'static str),
}

/// The kinds of fault that a seed may have, each as often as the others.
const KINDS: [fn(&mut Chance) -> Fault; 16] = [
    |_| Fault::Refused,
    |_| Fault::ResetBefore,
    |_| Fault::ResetAfter,
    |chance| Fault::ResetThenArrives(Duration::from_millis(chance.between(1..900))),
    |chance| Fault::HalfOpen { arrives: chance.happens(0.5) },
    |chance| Fault::SlowThere(chance.duration(Duration::from_secs(1)..Duration::from_secs(25))),
    |chance| Fault::Slow(chance.duration(Duration::from_secs(1)..Duration::from_secs(60))),
    |chance| Fault::Status {
        status: *chance.pick(&[500, 502, 503, 504, 408]),
        html: chance.happens(0.3),
        effect: chance.happens(0.4),
    },
    |chance| Fault::TooMany(retry_after(chance)),
    |_| Fault::Cut,
    |_| Fault::Malformed,
    |_| Fault::Html,
    |_| Fault::Empty,
    |_| Fault::Truncated,
    |_| Fault::PageAgain,
    |_| Fault::CursorAgain,
];

fn retry_after(chance: &mut Chance) -> Option<RetryAfter> {
    Some(match chance.below(4) {
        0 => RetryAfter::Seconds(chance.duration(Duration::from_secs(1)..Duration::from_secs(2 * 3600)).as_secs()),
        1 => RetryAfter::Date(i64::try_from(chance.between(0..600)).unwrap_or(0) - 60),
        2 => {
            RetryAfter::Nonsense(chance.word(&["soon", "", "-5", "1e9", "99999999999999999999", "Tue, 99 Foo 2026 1"]))
        }
        _ => return None,
    })
}

/// Everything that will go wrong for a seed.
pub(crate) struct Weather {
    chance: Chance,
    /// Which kinds of fault there are.
    kinds: Vec<fn(&mut Chance) -> Fault>,
    probability: f64,
    /// Times in which nearly every request to an app meets a 5xx.
    storms: Vec<(Range<Duration>, usize)>,
    /// Requests that it has struck.
    pub struck: u64,
    /// The end of all faults.
    pub over: bool,
}

impl Weather {
    pub(crate) fn of(seed: u64, apps: usize) -> Self {
        let mut chance = Chance::of(seed, "weather");
        let some = chance.happens(0.85);
        let kinds = KINDS.into_iter().filter(|_| chance.happens(0.4)).collect();
        let probability = if some { *chance.pick(&[0.01, 0.03, 0.1, 0.25]) } else { 0.0 };
        let storms = (0..chance.below(4)).map(|_| {
            let begin = chance.duration(Duration::from_secs(1)..Duration::from_secs(1800));
            let long = chance.duration(Duration::from_secs(1)..Duration::from_secs(900));
            (begin..begin + long, chance.below(apps))
        });
        let storms = storms.collect();
        Self { chance, kinds, probability, storms, struck: 0, over: false }
    }

    /// What befalls a request to this app at this time.
    pub(crate) fn strike(&mut self, at: Duration, app: usize) -> Option<Fault> {
        let fault = self.fault(at, app);
        self.struck += u64::from(fault.is_some());
        fault
    }

    fn fault(&mut self, at: Duration, app: usize) -> Option<Fault> {
        if self.over {
            return None;
        }
        let storm = self.storms.iter().any(|(time, whose)| *whose == app && time.contains(&at));
        if storm && self.chance.happens(0.9) {
            let (html, effect) = (self.chance.happens(0.3), self.chance.happens(0.1));
            return Some(Fault::Status { status: *self.chance.pick(&[500, 502, 503, 504]), html, effect });
        }
        if self.kinds.is_empty() || !self.chance.happens(self.probability) {
            return None;
        }
        let kind = *self.chance.pick(&self.kinds);
        Some(kind(&mut self.chance))
    }

    /// How long one way takes.
    pub(crate) fn way(&mut self) -> Duration {
        Duration::from_millis(self.chance.between(2..40))
    }

    /// How long the app works.
    pub(crate) fn work(&mut self) -> Duration {
        Duration::from_millis(self.chance.between(5..120))
    }
}
