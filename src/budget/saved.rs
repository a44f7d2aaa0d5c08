//! A budget's state as it is stored, so that a restart does not overspend. Times are relative to the saving, because the
//! clock they were measured by does not outlive the process.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Budget,
    bucket::LINGERS,
    window::{ServerCount, Window},
};

/// Spent requests are stored in this many steps of a window. A step is counted as spent until its end.
const STEPS: u32 = 100;

/// What a budget had spent when it was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Each scope's spending.
    pub scopes: Vec<SavedScope>,
    /// How much longer the bucket pauses, in milliseconds.
    pub paused_ms: u64,
    /// In how many milliseconds requests that were under way can no longer be at work, ascending.
    #[serde(default)]
    pub under_way_ms: Vec<u64>,
}

/// What was spent of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedScope {
    /// `all`, `reads` or `writes`.
    pub covers: String,
    /// The window, in milliseconds.
    pub per_ms: u64,
    /// In how many milliseconds how many requests stop counting, ascending.
    pub spent: Vec<(u64, u32)>,
    /// In how many milliseconds the server's window begins anew, if it said so.
    pub reset_ms: Option<u64>,
    /// What the server said is left, if it did. Others may have spent the rest.
    #[serde(default)]
    pub server: Option<SavedCount>,
    /// How many requests the server allows in a window, if it said so.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A server's count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedCount {
    /// Requests left, less those that were under way.
    pub remaining: u32,
    /// For how many milliseconds it is believed.
    pub for_ms: u64,
}

impl Budget {
    /// What to store. Requests under way count as sent at this moment.
    pub fn save(&self, now: Duration) -> Saved {
        let scopes = self.windows.iter().map(|window| self.save_scope(window, now)).collect();
        let left = |until: &Duration| millis(until.saturating_sub(now));
        let lost = self.lost.iter().map(|(until, _)| left(until)).chain(self.left_behind.iter().map(left));
        let others = std::iter::repeat_n(millis(LINGERS), self.under_way.len() - self.lost.len());
        let mut under_way_ms: Vec<_> = lost.chain(others).filter(|ms| *ms > 0).collect();
        under_way_ms.sort_unstable();
        Saved { scopes, paused_ms: left(&self.paused_until), under_way_ms }
    }

    fn save_scope(&self, window: &Window, now: Duration) -> SavedScope {
        let step = millis(window.per / STEPS).max(1);
        let mut spent: Vec<(u64, u32)> = Vec::new();
        let under_way =
            std::iter::repeat_n(now.saturating_add(window.per), usize::try_from(window.in_flight).unwrap_or(0));
        for free_at in window.spent.iter().copied().chain(under_way).filter(|free_at| *free_at > now) {
            let ends = millis(free_at - now).div_ceil(step) * step;
            match spent.last_mut() {
                Some((last, count)) if *last == ends => *count += 1,
                _ => spent.push((ends, 1)),
            }
        }
        SavedScope {
            covers: <&str>::from(window.covers).to_owned(),
            per_ms: millis(window.per),
            spent,
            limit: window.known_limit(),
            reset_ms: window.reset.map(|reset| millis(reset.saturating_sub(now))),
            server: window.server.map(|server| SavedCount {
                remaining: u32::try_from((server.remaining - window.in_flight).max(0)).unwrap_or(u32::MAX),
                for_ms: millis(server.until.saturating_sub(now)),
            }),
        }
    }

    /// Takes in what was stored `elapsed` ago, by this process, by an earlier one, or by one that had the credential
    /// meanwhile. What both know of is counted once: of the two counts the larger holds at every instant.
    pub fn resume(&mut self, saved: &Saved, now: Duration, elapsed: Duration) {
        // `None` once the instant has passed meanwhile.
        let ahead = |ms: u64| {
            let left = Duration::from_millis(ms).checked_sub(elapsed).filter(|left| !left.is_zero());
            left.map(|left| now.saturating_add(left))
        };
        self.unheard = false;
        for window in &mut self.windows {
            let same =
                |scope: &&SavedScope| scope.covers == <&str>::from(window.covers) && scope.per_ms == millis(window.per);
            let Some(scope) = saved.scopes.iter().find(same) else { continue };
            window.recall_limit(scope.limit);
            let reset = scope.reset_ms.and_then(ahead);
            if scope.reset_ms.is_some() && reset.is_none() {
                // Where windows slide, a "reset" frees a part only; one request goes ahead and finds out.
                self.probing = true;
                continue;
            }
            window.reset = window.reset.max(reset);
            if window.requests.is_some() {
                let spent = scope.spent.iter().filter_map(|(ms, count)| Some((ahead(*ms)?, *count)));
                let spent = spent.flat_map(|(at, count)| std::iter::repeat_n(at, count as usize)).collect();
                window.spent = later_of(&window.spent, &spent);
            }
            if let Some((server, until)) = scope.server.and_then(|server| Some((server, ahead(server.for_ms)?))) {
                let remaining = window.server.map_or(i64::MAX, |own| own.remaining).min(i64::from(server.remaining));
                let until = window.server.map_or(until, |own| own.until.max(until));
                window.server = Some(ServerCount { remaining, until, heard: now, stale: None });
            }
        }
        // What this process has under way itself is in its own books.
        let known = self.under_way.len();
        let left_behind = saved.under_way_ms.iter().filter_map(|ms| ahead(*ms)).skip(known).collect();
        self.left_behind = later_of(&self.left_behind, &left_behind);
        if let Some(until) = ahead(saved.paused_ms) {
            self.paused_until = self.paused_until.max(until);
            self.probing = true;
        }
    }
}

/// Of two ascending lists of instants at which requests stop counting, the one that never frees anything earlier than either.
fn later_of(one: &VecDeque<Duration>, other: &VecDeque<Duration>) -> VecDeque<Duration> {
    let (long, short) = if one.len() >= other.len() { (one, other) } else { (other, one) };
    let more = long.len() - short.len();
    // The last of each belong together: what only the longer one has is older.
    let paired = long.iter().skip(more).zip(short).map(|(long, short)| *long.max(short));
    long.iter().take(more).copied().chain(paired).collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
