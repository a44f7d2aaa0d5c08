//! Whose turn it is to be read. Where the app shows something of one account at a time only, reading all of it takes more
//! requests than a run may send, so that each run reads a part and remembers the rest. Pure: what is known goes in, what
//! to read comes out.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::budget::{Covers, Quota};

/// Part of what the lists leave of the allowance that goes into single reads. The other half is for writes, which come in
/// bursts and must not find the hour spent.
const OF_WHAT_IS_LEFT: u64 = 2;

/// Part of the whole allowance that goes into single reads even where the lists take all of it: facts that nobody renews
/// would grow old without end.
const AT_LEAST: u64 = 10;

/// How long somebody who typed a command waits for its reading before remembered facts are better than fresh ones.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Facts older than this are not believed by a command: over a working day people come, go and change teams.
const BELIEVED_FOR: Duration = Duration::from_secs(24 * 3600);

/// In which order turns are given, again and again: half of them to accounts with pending changes, a quarter to what nobody
/// read before, a quarter to what was read longest ago. A kind that has none left passes its turn on. So nothing starves:
/// whatever else happens, no more than N / (share / 4) + 1 runs pass between two readings of one of N facts.
const TURNS: [Kind; 4] = [Kind::Pending, Kind::Pending, Kind::Unread, Kind::Known];

/// How much a run reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rotation {
    /// Everything, whatever it takes.
    #[default]
    Everything,
    /// A command that somebody waits for: everything where `allowance` suffices. Otherwise what was never read, what has
    /// pending changes and what is older than `oldest`, at any cost; and of the rest a share.
    Afford {
        /// Requests that can be sent without a long wait.
        allowance: u64,
        /// Older facts are not believed.
        oldest: Duration,
    },
    /// One of many runs: a share, and never more. Only where nothing is remembered of anybody, everything that `first` suffices
    /// for: an app of ordinary size is then known after one run.
    Share {
        /// Requests that the credential may send from one run to the next.
        allowance: u64,
        /// Requests that can be sent without a long wait while none has been sent.
        first: u64,
    },
}

impl Rotation {
    /// For runs that follow each other by `every`, under this quota.
    pub fn share(quota: &Quota, every: Duration) -> Self {
        allowance(quota, |per| every.as_secs_f64() / per.as_secs_f64())
            .zip(unspent(quota))
            .map_or(Self::Everything, |(allowance, first)| Self::Share { allowance, first })
    }

    /// For a command, under an unspent quota.
    pub fn afford(quota: &Quota) -> Self {
        unspent(quota).map_or(Self::Everything, |allowance| Self::Afford { allowance, oldest: BELIEVED_FOR })
    }
}

/// The requests that may read without a long wait while nothing is spent; `None` without a limit. A window's requests may leave
/// at once, and what a shorter window lets through meanwhile comes on top.
fn unspent(quota: &Quota) -> Option<u64> {
    allowance(quota, |per| (PATIENCE.as_secs_f64() / per.as_secs_f64()).max(1.0))
}

/// The requests that may read in so many windows; `None` without a limit.
fn allowance(quota: &Quota, windows: impl Fn(Duration) -> f64) -> Option<u64> {
    let ours = 1.0 - quota.keep_free.clamp(0.0, 1.0);
    let reads = quota.scopes.iter().filter(|scope| scope.covers != Covers::Writes && !scope.per.is_zero());
    reads.map(|scope| (f64::from(scope.requests) * ours * windows(scope.per)) as u64).min()
}

/// Single reads that a run may send after `listed` requests for lists.
fn spend(allowance: u64, listed: u64) -> usize {
    let share = (allowance.saturating_sub(listed) / OF_WHAT_IS_LEFT).max(allowance / AT_LEAST);
    // With less, a kind would never have a turn.
    let share = share.max(TURNS.len() as u64);
    usize::try_from(share).unwrap_or(usize::MAX)
}

/// What a single read shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// The account itself.
    Account,
    /// The groups it is in.
    Memberships,
}

/// A single read that could be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) id: Arc<str>,
    pub(super) what: What,
    /// Something about the account is going to be changed.
    pub(super) pending: bool,
    /// When it was read last; `None` where that was never, or shows nothing any more.
    pub(super) read_at: Option<Timestamp>,
    /// What was read then lacks something that is needed now.
    pub(super) lacking: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pending,
    Unread,
    Known,
}

impl Turn {
    fn kind(&self) -> Kind {
        match self {
            Self { pending: true, .. } => Kind::Pending,
            Self { read_at: None, .. } | Self { lacking: true, .. } => Kind::Unread,
            _ => Kind::Known,
        }
    }
}

/// The turns that are taken now, in the order in which they are best sent, when the lists took `listed` requests.
pub(super) fn choose(mut turns: Vec<Turn>, rotation: Rotation, listed: u64, now: Timestamp) -> Vec<Turn> {
    turns.sort_by(|a, b| (a.read_at, &a.id, a.what).cmp(&(b.read_at, &b.id, b.what)));
    let all = turns.len() as u64;
    let fits = |requests: u64| all <= requests.saturating_sub(listed);
    match rotation {
        Rotation::Everything => take(turns, usize::MAX),
        Rotation::Share { first, .. } if fits(first) && turns.iter().all(|turn| turn.read_at.is_none()) => {
            take(turns, usize::MAX)
        }
        Rotation::Share { allowance, .. } => take(turns, spend(allowance, listed)),
        Rotation::Afford { allowance, .. } if fits(allowance) => take(turns, usize::MAX),
        Rotation::Afford { allowance, oldest } => {
            let oldest = SignedDuration::try_from(oldest).unwrap_or(SignedDuration::MAX);
            let is_old = |turn: &Turn| turn.read_at.is_some_and(|at| now.duration_since(at) > oldest);
            let (must, may): (Vec<_>, Vec<_>) =
                turns.into_iter().partition(|turn| turn.kind() != Kind::Known || is_old(turn));
            let left = spend(allowance, listed).saturating_sub(must.len());
            let mut chosen = take(must, usize::MAX);
            chosen.extend(take(may, left));
            chosen
        }
    }
}

/// Takes at most `share` of turns that are sorted by age.
fn take(turns: Vec<Turn>, share: usize) -> Vec<Turn> {
    let mut queues: [VecDeque<Turn>; 3] = Default::default();
    for turn in turns {
        queues[turn.kind() as usize].push_back(turn);
    }
    let mut chosen = Vec::new();
    for kind in TURNS.into_iter().cycle() {
        if chosen.len() >= share || queues.iter().all(VecDeque::is_empty) {
            break;
        }
        chosen.extend(queues[kind as usize].pop_front());
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::budget::Scope;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// A turn as a word: `p` pending, `u` never read, `l` lacking, and the second of the last reading.
    fn turn(word: &str) -> Turn {
        let read_at = word.trim_start_matches(char::is_alphabetic).parse().ok().map(at);
        Turn {
            id: word.into(),
            what: What::Account,
            pending: word.starts_with('p'),
            read_at,
            lacking: word.starts_with('l'),
        }
    }

    fn check(turns: &str, rotation: Rotation, listed: u64, expected: &str) {
        let chosen = choose(turns.split(' ').map(turn).collect(), rotation, listed, at(100_000));
        let words: Vec<&str> = chosen.iter().map(|turn| &*turn.id).collect();
        assert_eq!(words.join(" "), expected);
    }

    fn share(allowance: u64) -> Rotation {
        Rotation::Share { allowance, first: 0 }
    }

    #[test]
    fn pending_changes_get_half_of_the_turns_and_nobody_starves() {
        check("k1 k2 p5 p6 p7 p8 u l3", share(16), 0, "p5 p6 u k1 p7 p8 l3 k2");
        check("k1 k2 k3 p5 u", share(8), 0, "p5 u k1 k2");
        check("p1 p2 p3 p4 p5 k9", share(10), 0, "p1 p2 k9 p3 p4");
    }

    #[test]
    fn half_of_what_the_lists_leave_is_spent_and_never_nothing() {
        check("k1 k2 k3 k4 k5 k6 k7", share(14), 4, "k1 k2 k3 k4 k5");
        check("k1 k2 k3 k4 k5 k6 k7", share(60), 80, "k1 k2 k3 k4 k5 k6");
        check("k1 k2 k3 k4 k5 k6 k7", share(0), 40, "k1 k2 k3 k4");
    }

    #[test]
    fn a_first_run_reads_everything_where_that_takes_no_long_wait() {
        let first = |first| Rotation::Share { allowance: 8, first };
        check("u u u u u u", first(8), 2, "u u u u u u");
        check("u u u u u u", first(7), 2, "u u u u");
        check("u u u u u k1", first(8), 2, "u k1 u u");
    }

    #[test]
    fn everything_is_read_where_that_is_asked_for_or_affordable() {
        check("k1 p2 u", Rotation::Everything, 0, "p2 u k1");
        let afford = |allowance| Rotation::Afford { allowance, oldest: BELIEVED_FOR };
        check("k1 k90000 u", afford(5), 2, "u k1 k90000");
        // What is missing, pending or too old is read at any cost; what is fresh only within the share.
        check("k1 k90000 k90001 k90002 u p99999", afford(5), 4, "p99999 u k1 k90000");
        check("k1 k90000 k90001 u p99998 p99999", afford(5), 4, "p99998 p99999 u k1");
    }

    #[test]
    fn the_allowance_follows_from_the_quota() {
        let quota = |requests, per, covers| Quota {
            scopes: vec![Scope { covers, requests, per: Duration::from_secs(per) }],
            concurrency: None,
            keep_free: 0.1,
        };
        let hourly = quota(1000, 3600, Covers::All);
        assert_eq!(Rotation::share(&hourly, Duration::from_secs(900)), Rotation::Share { allowance: 225, first: 900 });
        assert_eq!(Rotation::afford(&hourly), Rotation::Afford { allowance: 900, oldest: BELIEVED_FOR });
        let quick = quota(50, 1, Covers::Reads);
        assert_eq!(Rotation::afford(&quick), Rotation::Afford { allowance: 13_500, oldest: BELIEVED_FOR });
        assert_eq!(Rotation::share(&quota(9, 60, Covers::Writes), Duration::from_secs(60)), Rotation::Everything);
        assert_eq!(Rotation::share(&Quota::default(), Duration::from_secs(60)), Rotation::Everything);
    }

    proptest! {
        /// Many runs over people who come, go and get pending changes, with the share of each run told as it is.
        #[test]
        fn everybody_is_read_within_a_bounded_age_pending_ones_first_and_the_share_is_never_exceeded(
            people in 1usize..120,
            allowance in 8u64..80,
            listed in 0u64..60,
            changes in prop::collection::vec((0usize..120, 0usize..120), 1..400),
        ) {
            let limit = spend(allowance, listed);
            // What is known may wait for as many runs as it takes to give a quarter of the turns to all of it.
            let bound = people.div_ceil(limit / TURNS.len()) + 1;
            let mut read: BTreeMap<usize, i64> = BTreeMap::new();
            let mut met: BTreeMap<usize, i64> = BTreeMap::new();
            for (run, (pending_from, pending_to)) in changes.into_iter().enumerate() {
                let run = run as i64;
                let is_pending = |who: usize| (pending_from..pending_to).contains(&who);
                let turns: Vec<Turn> = (0..people)
                    .map(|who| Turn {
                        id: who.to_string().into(),
                        what: What::Account,
                        pending: is_pending(who),
                        read_at: read.get(&who).map(|run| at(*run)),
                        lacking: false,
                    })
                    .collect();
                let chosen = choose(turns.clone(), share(allowance), listed, at(run));
                prop_assert!(chosen.len() == limit.min(people), "{} of {limit}", chosen.len());
                let who = |turn: &Turn| turn.id.parse::<usize>().unwrap();
                let now: BTreeSet<usize> = chosen.iter().map(who).collect();
                prop_assert_eq!(now.len(), chosen.len());
                // Whoever has pending changes and was left out was left out for others who have, or for their half.
                let left_out = (0..people).any(|who| is_pending(who) && !now.contains(&who));
                let pending = chosen.iter().filter(|turn| turn.pending).count();
                prop_assert!(!left_out || pending * 2 >= limit, "{pending} of {limit}");
                prop_assert!(chosen.first().is_none_or(|turn| turn.pending) || !turns.iter().any(|turn| turn.pending));
                for who in 0..people {
                    met.entry(who).or_insert(run);
                    if now.contains(&who) {
                        read.insert(who, run);
                    }
                    let since = read.get(&who).copied().unwrap_or(met[&who]);
                    prop_assert!(run - since <= bound as i64, "{who} has waited for {} of {bound}", run - since);
                }
            }
        }
    }
}
