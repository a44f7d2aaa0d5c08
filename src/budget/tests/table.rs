//! The law of the budget, over kinds of servers, lengths of windows, dialects of headers, declared budgets and concurrency:
//! at most one refusal while it learns, most of the allowance used, and no stall longer than the window.

use proptest::prelude::*;

use super::{quota, secs, servers::*};
use crate::budget::*;

const LENGTHS: [u64; 6] = [1, 2, 10, 60, 3600, 86400];

/// What is declared, compared with what the server allows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Declared {
    Nothing,
    Lower,
    Equal,
    Above,
    FarAbove,
    /// As many in windows a tenth as long.
    Shorter,
    /// The same rate in windows ten times as long.
    Longer,
}

const WINDOWS: [Counting; 3] = [Counting::Aligned, Counting::FirstRequest, Counting::Sliding];

const DECLARED: [Declared; 7] = [
    Declared::Nothing,
    Declared::Lower,
    Declared::Equal,
    Declared::Above,
    Declared::FarAbove,
    Declared::Shorter,
    Declared::Longer,
];

fn client(server: &Server, declared: Declared, at_once: u32) -> Client {
    let (limit, per) = (server.limit, server.per);
    let mut quota = match declared {
        Declared::Nothing => Quota { concurrency: Some(at_once), ..Quota::default() },
        Declared::Lower => quota(limit / 2, per, at_once),
        Declared::Equal => quota(limit, per, at_once),
        Declared::Above => quota(limit * 3, per, at_once),
        Declared::FarAbove => quota(limit * 100, per, at_once),
        Declared::Longer => quota(limit * 10, per * 10, at_once),
        Declared::Shorter => quota(limit, per / 10, at_once),
    };
    quota.keep_free = 0.1;
    Client { quota, latency: (5, 200) }
}

/// Requests a second that are free for us.
fn allowance(server: &Server, client: &Client) -> f64 {
    let rate = |requests: u32, per: Duration| {
        let requests = f64::from(requests);
        (requests - (requests * client.quota.keep_free).floor()) / per.as_secs_f64()
    };
    let declared = client.quota.scopes.iter().map(|scope| rate(scope.requests, scope.per));
    let trip = (client.latency.0 + client.latency.1) as f64 / 2000.0;
    let at_once = f64::from(client.quota.concurrency.unwrap()) / trip;
    declared.fold(rate(server.limit, server.per).min(at_once), f64::min)
}

#[derive(Debug)]
struct Seen {
    refused: usize,
    used: f64,
    /// The longest time between two requests, in windows.
    stall: f64,
}

fn seen(server: &Server, client: &Client) -> Seen {
    let per = client.quota.scopes.iter().map(|scope| scope.per).fold(server.per, Duration::max);
    let (from, length) = (per * 2, per * 8);
    let run = run(server, client, length);
    let sent = run.accepted.iter().filter(|at| **at >= from).count() as f64;
    let all: Vec<_> = [Duration::ZERO].iter().chain(&run.accepted).chain([&length]).copied().collect();
    let stall = all.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or_default();
    Seen {
        refused: run.refused.len(),
        used: sent / (length - from).as_secs_f64() / allowance(server, client),
        stall: (stall.as_secs_f64() - 2.0) / per.as_secs_f64(),
    }
}

/// The cells in which the budget does worst.
const WORST: [&str; 13] = [
    "Sliding 10 s Millis Nothing 1 at once, limit named true",
    "Sliding 10 s EpochUp Nothing 8 at once, limit named true",
    "Aligned 2 s SecondsUp Nothing 8 at once, limit named true",
    "Aligned 2 s SecondsUp Longer 8 at once, limit named false",
    "Sliding 10 s EpochUp Longer 1 at once, limit named false",
    "Bucket 10 s SecondsDown Above 1 at once, limit named false",
    "Bucket 10 s EpochUp Above 1 at once, limit named false",
    "Bucket 10 s EpochUp FarAbove 1 at once, limit named false",
    "Trickle 60 s SecondsUp Shorter 20 at once, limit named true",
    "FirstRequest 10 s ClockOff(3) Above 1 at once, limit named false",
    "FirstRequest 60 s ClockOff(3) Above 20 at once, limit named false",
    "Sliding 10 s ClockOff(-3) Above 1 at once, limit named false",
    "Sliding 1 s NoReset Equal 8 at once, limit named false",
];

/// Of the others, one in so many is tried. It divides no side of a table, so that every row and column gets its turn.
const ONE_IN: usize = 31;

/// The cells of a table.
struct Table {
    counting: Vec<Counting>,
    dialects: Vec<Dialect>,
    declared: Vec<Declared>,
    /// Requests of others in a window of 25.
    others: u32,
}

/// What holds in all cells of a table.
struct Law {
    refused: usize,
    used: f64,
    stall: f64,
}

/// The law as such. A second is the least that a header can tell, and it takes a request to find out.
const LAW: Law = Law { refused: 1, used: 0.7, stall: 1.05 };

impl Table {
    fn check(&self, law: &Law) {
        let (mut cells, mut broken) = (0, Vec::new());
        for (counting, dialect) in
            self.counting.iter().flat_map(|counting| self.dialects.iter().map(move |dialect| (*counting, *dialect)))
        {
            for length in LENGTHS.into_iter().filter(|length| dialect != Dialect::Suffix || ![2, 10].contains(length)) {
                for (declared, at_once, names_limit) in self.clients() {
                    let cell = format!(
                        "{counting:?} {length} s {dialect:?} {declared:?} {at_once} at once, limit named {names_limit}"
                    );
                    cells += 1;
                    if cells % ONE_IN != 0 && !WORST.contains(&&*cell) {
                        continue;
                    }
                    let others = self.others;
                    let server = Server { names_limit, others, ..Server::new(25, secs(length), counting, dialect) };
                    let seen = seen(&server, &client(&server, declared, at_once));
                    if seen.refused > law.refused || seen.used < law.used || seen.stall > law.stall {
                        broken.push(format!("{cell}: {seen:?}"));
                    }
                }
            }
        }
        assert!(broken.is_empty(), "{} cells:\n{}", broken.len(), broken.join("\n"));
    }

    fn clients(&self) -> impl Iterator<Item = (Declared, u32, bool)> {
        let each = self.declared.iter().flat_map(|declared| [1, 8, 20].map(|at_once| (*declared, at_once)));
        each.flat_map(|(declared, at_once)| [true, false].map(|names_limit| (declared, at_once, names_limit)))
    }
}

/// Servers that say what is left, and until when or for which window.
const TOLD: [Dialect; 9] = [
    Dialect::SecondsUp,
    Dialect::SecondsDown,
    Dialect::EpochUp,
    Dialect::EpochDown,
    Dialect::Millis,
    Dialect::Fraction,
    Dialect::HttpDate,
    Dialect::Structured,
    Dialect::Suffix,
];

fn table(counting: &[Counting], dialects: &[Dialect], declared: &[Declared]) -> Table {
    let (counting, dialects, declared) = (counting.to_vec(), dialects.to_vec(), declared.to_vec());
    Table { counting, dialects, declared, others: 0 }
}

#[test]
fn windows_are_used_whatever_is_told_and_declared() {
    table(&WINDOWS, &TOLD, &DECLARED).check(&LAW);
}

#[test]
fn a_bucket_of_tokens_is_used() {
    // It has no window, and whoever takes its tokens one by one learns that only from a second refusal.
    table(&[Counting::Bucket], &TOLD, &DECLARED).check(&Law { refused: 2, stall: 1.15, ..LAW });
}

#[test]
fn a_bucket_that_tells_when_the_next_token_comes_is_used() {
    table(&[Counting::Trickle], &TOLD, &DECLARED).check(&Law { refused: 6, ..LAW });
}

#[test]
fn what_is_declared_holds_where_little_is_told_or_lags() {
    let little = [Dialect::NoReset, Dialect::Silent, Dialect::RetryAfter, Dialect::RetryAtOnce];
    let counting = [Counting::Aligned, Counting::FirstRequest, Counting::Sliding, Counting::Bucket, Counting::Trickle];
    table(&counting, &little, &[Declared::Lower, Declared::Equal]).check(&LAW);
    let counting = [Counting::Aligned, Counting::FirstRequest, Counting::Bucket, Counting::Trickle];
    table(&counting, &[Dialect::Lagging], &[Declared::Lower, Declared::Equal]).check(&LAW);
}

#[test]
fn a_clock_that_is_off_is_learned() {
    let off = [Dialect::ClockOff(3), Dialect::ClockOff(-3)];
    let law = Law { refused: 2, used: 0.55, stall: 1.1 };
    table(&WINDOWS, &off, &[Declared::Lower, Declared::Equal, Declared::Above]).check(&law);
}

#[test]
fn others_may_take_their_share() {
    let others = table(&[Counting::Aligned, Counting::FirstRequest], &TOLD, &DECLARED[..6]);
    Table { others: 2, ..others }.check(&LAW);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn a_quota_told_in_headers_is_used_and_not_overrun(
        (limit, factor) in (5_u32..200, prop_oneof![Just(0.5), Just(1.0), Just(3.0)]),
        per in prop_oneof![1_u64..12, Just(60), Just(3600), Just(86400)],
        dialect in prop::sample::select(TOLD[..5].to_vec()),
        counting in prop_oneof![Just(Counting::Aligned), Just(Counting::FirstRequest)],
        (at_once, slowest) in (2_u32..21, 10_u64..201),
        (names_limit, offset) in (any::<bool>(), 0_u64..86_400_000),
    ) {
        let mut server = Server { names_limit, ..Server::new(limit, secs(per), counting, dialect) };
        server.clock += Duration::from_millis(offset);
        let quota = quota((f64::from(limit) * factor).ceil() as u32, secs(per), at_once);
        let client = Client { quota, latency: (5, slowest) };
        // A window that is used up just as the next one begins may cost the next one: answers cross there.
        let trip = (5 + slowest) as f64 / 2000.0;
        prop_assume!(f64::from(at_once) / trip > 2.0 * f64::from(limit) / per as f64);
        let seen = seen(&server, &client);
        prop_assert!(seen.refused <= LAW.refused && seen.used >= LAW.used, "{seen:?}");
    }
}
