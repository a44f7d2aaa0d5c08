//! What a scope learns from an answer.

use std::time::Duration;

use super::{MOST_EARLY, ROUNDING, SAME_WINDOW, SHORT, ServerCount, Window};
use crate::budget::{Feedback, Outcome, Told};

impl Window {
    /// A request came back that left at `sent`, with what the server told of this scope.
    pub(in crate::budget) fn answered(&mut self, now: Duration, sent: Duration, feedback: &Feedback, told: Told) {
        self.in_flight -= 1;
        if feedback.outcome == Outcome::NotSent {
            return;
        }
        let overloaded = feedback.outcome == Outcome::Overloaded;
        // A refusal that names only when the window ends says that nothing is left in it.
        let over = overloaded && feedback.retry_after.is_none() && told.reset_in.is_some();
        let said = told.remaining.or(over.then_some(0)).map(i64::from);
        if overloaded && (told.remaining == Some(0) || feedback.told.len() == 1) {
            self.refused(sent);
        }
        self.hear_limit(told.limit, said);
        self.heard(now, sent, told.reset_in, said);
        // Whether a refusal counts as well is known to a server that names its count.
        if !(overloaded && said.is_some()) {
            self.spent.extend(self.requests.map(|_| now.saturating_add(self.per)));
            self.counted.extend(self.server.is_some().then_some(now).or(said.map(|_| now)));
        }
        let Some(server) = &mut self.server else {
            self.server = said.map(|remaining| self.count(remaining, now, told.reset_in));
            return;
        };
        let newer = sent >= server.heard;
        match said {
            // Of two counts whose order is not known the smaller holds.
            Some(said) if newer || said < server.remaining => self.server = Some(self.count(said, now, told.reset_in)),
            Some(_) => {}
            // A server that no longer counts is not held to what it said.
            None if server.stale.is_some() && newer && !overloaded => self.server = None,
            None => server.remaining -= 1,
        }
    }

    /// Learns from a refusal that nothing foretold.
    fn refused(&mut self, sent: Duration) {
        let Some(server) = self.server else { return };
        match server.stale {
            // What left its window did not come back.
            Some(since) if server.remaining <= self.server_reserve() && sent >= since => {
                self.early += 1;
                self.counted.clear();
            }
            // Others were quicker.
            _ => self.margin = (self.margin + 1).min(self.limit.map_or(1, |limit| i64::from(limit) / 5)),
        }
    }

    /// The limit is what the server names, or else the most that we saw left.
    fn hear_limit(&mut self, named: Option<u32>, said: Option<i64>) {
        let most = said.and_then(|said| u32::try_from(said + 1).ok());
        self.names_limit |= named.is_some();
        self.limit = if self.names_limit { named.or(self.limit) } else { self.limit.max(most) };
    }

    fn count(&self, remaining: i64, now: Duration, reset_in: Option<Duration>) -> ServerCount {
        let latest = reset_in.map(|reset_in| reset_in + ROUNDING * (self.early.min(MOST_EARLY) + 1));
        let until =
            self.reset.unwrap_or_else(|| now.saturating_add(self.length().min(latest.unwrap_or(Duration::MAX))));
        ServerCount { remaining, until, heard: now, stale: None }
    }

    /// Learns from an answer when the server's window ends, and whether it is a new one.
    fn heard(&mut self, now: Duration, sent: Duration, reset_in: Option<Duration>, said: Option<i64>) {
        let server = self.server.filter(|server| sent >= server.heard);
        // A count falls within a window. One that rises shows that the server gave something back.
        let rose = server.zip(said).filter(|(server, said)| *said > server.remaining);
        let freed = rose.map_or(0, |(server, said)| said + 1 - server.remaining);
        let due = self.reset.is_none_or(|reset| now.saturating_add(SAME_WINDOW) >= reset);
        self.proven |= freed > 0 && server.is_some_and(|server| server.stale.is_some_and(|since| sent >= since));
        let turned = due && freed > 0;
        if let (true, Some(said), Some(server), Some(limit)) = (turned, said, server, self.limit)
            && server.stale.is_some()
        {
            // A new window has room for nearly all; where windows slide, only what was sent first is free again.
            self.slides = (said + 1) * 4 < i64::from(limit) * 3;
        }
        if turned {
            self.turned = true;
            // What the server gave back we give back, the oldest first. In a short window it is soon old enough, and a count
            // that lags behind rises late.
            let freed = usize::try_from(freed).unwrap_or(usize::MAX);
            let long = self.told >= SHORT;
            if long || !self.names_limit {
                self.counted.drain(..freed.min(self.counted.len()));
            }
            if (long || self.per >= SHORT) && self.is_ours() && self.told <= self.per.saturating_add(2 * ROUNDING) {
                self.spent.drain(..freed.min(self.spent.len()));
            }
            self.pace_until = Duration::ZERO;
        }
        let Some(reset_in) = reset_in else { return };
        self.told = self.told.max(reset_in).max(Duration::from_millis(1));
        if self.told < SHORT && self.requests.is_none_or(|_| self.per < SHORT) {
            return;
        }
        let reset = now.saturating_add(reset_in + ROUNDING * (self.early.min(MOST_EARLY) + 1));
        let moved = self.reset.is_some_and(|old| old.abs_diff(reset) > SAME_WINDOW);
        self.slides |= moved && !due && Some(reset) > self.reset;
        let spent = said.is_some_and(|said| said <= self.server_reserve());
        if turned || moved || self.reset.is_none_or(|old| spent && old < reset) {
            self.reset = Some(reset);
        }
    }
}
