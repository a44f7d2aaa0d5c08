//! The bucket of one credential: queues, what is under way, and who goes next.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{Covers, Feedback, Kind, Lane, Next, Outcome, Quota, Ticket, Told, window::Window};

/// Waits above this park an app: it is told instead of being kept waiting. A little more than an hour, so that an hourly
/// window that has just begun, with its reset rounded up, does not count.
pub(crate) const PARK_AFTER: Duration = Duration::from_secs(61 * 60);

/// One read leaves after this many other requests, which makes its guaranteed fifth.
const OTHERS_PER_READ: u32 = 4;

/// The pause after the first 429 or 503 that does not say how long; it doubles from one to the next.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// No pause of our own choosing is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a request whose connection broke may still be at work: most servers answer within a second, and whoever lost many
/// connections has reason to slow down.
pub(super) const LINGERS: Duration = Duration::from_secs(1);

/// The window of a scope that only the server's headers make known.
const UNDECLARED_WINDOW: Duration = Duration::from_secs(60);

/// Before anything was answered nobody knows whether the server allows what is declared: no more than this part of it
/// leaves together.
const UNHEARD_PART: u32 = 100;

const KINDS: [Kind; 3] = [Kind::Read, Kind::Write, Kind::Token];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Removal,
    Write,
    Read,
}

/// Where a request stands in its queue: what unblocks more goes first, then who asked first.
type Position = (Reverse<u32>, u64);

/// The requests of one class and kind.
type Queue = BTreeMap<Position, Ticket>;

/// The budget of one credential.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    pub(super) windows: Vec<Window>,
    concurrency: Option<u32>,
    /// By class, then by kind, because a scope may stop writes and let reads pass.
    queues: [[Queue; 3]; 3],
    waiting: BTreeMap<Ticket, (Class, Kind, Position)>,
    /// Waiting requests by kind.
    waiting_by_kind: [u64; 3],
    /// With when each left.
    pub(super) under_way: BTreeMap<Ticket, (Kind, Duration)>,
    /// Until when those of them that were lost may be at work, the first one first.
    pub(super) lost: VecDeque<(Duration, Ticket)>,
    /// The same of an earlier process's requests, which are counted as sent already.
    pub(super) left_behind: VecDeque<Duration>,
    asked: u64,
    /// Nothing was answered yet.
    pub(super) unheard: bool,
    /// Requests that the caller knows will come, by kind, besides those that wait.
    forecast: [u64; 3],
    pub(super) paused_until: Duration,
    /// Pauses in a row without a good answer between them.
    strikes: u32,
    /// One request goes ahead of the others: after a pause, and where a new window should have begun.
    pub(super) probing: bool,
    writes_since_read: u32,
    removals_since_read: u32,
}

impl Budget {
    /// An unspent budget.
    pub fn new(quota: &Quota) -> Self {
        let mut windows: Vec<_> = quota.scopes.iter().map(|scope| Window::new(*scope, quota.keep_free)).collect();
        if windows.is_empty() {
            windows.push(Window::unlimited(Covers::All, UNDECLARED_WINDOW, quota.keep_free));
        }
        Self {
            windows,
            concurrency: quota.concurrency.map(|concurrency| concurrency.max(1)),
            unheard: true,
            ..Self::default()
        }
    }

    /// An unspent budget of a quota that is known to be what the server allows.
    pub fn known(quota: &Quota) -> Self {
        Self { unheard: false, ..Self::new(quota) }
    }

    /// Keeps to `quota` as well: of every limit the smaller one holds. So several apps can share a credential that each
    /// of them gives other limits.
    pub fn narrow(&mut self, quota: &Quota) {
        for scope in &quota.scopes {
            let same = |window: &&mut Window| window.covers == scope.covers && window.per == scope.per;
            match self.windows.iter_mut().find(same) {
                Some(window) => window.narrow(*scope, quota.keep_free),
                None => self.windows.push(Window::new(*scope, quota.keep_free)),
            }
        }
        self.concurrency = self.concurrency.into_iter().chain(quota.concurrency.map(|at_once| at_once.max(1))).min();
    }

    /// Announces how many requests of a kind will come besides those that wait already, so that the bucket knows when to
    /// pace.
    pub fn expect(&mut self, kind: Kind, requests: u64) {
        self.forecast[kind as usize] = requests;
    }

    /// Puts a request into its queue. Asking twice with one ticket changes nothing.
    pub fn ask(&mut self, now: Duration, ticket: Ticket, lane: Lane, kind: Kind) {
        self.refresh(now);
        if self.waiting.contains_key(&ticket) || self.under_way.contains_key(&ticket) {
            return;
        }
        let (class, unblocks) = match lane {
            Lane::Removal => (Class::Removal, 0),
            Lane::Write { unblocks } => (Class::Write, unblocks),
            Lane::Read => (Class::Read, 0),
        };
        let position = (Reverse(unblocks), self.asked);
        self.asked += 1;
        self.queues[class as usize][kind as usize].insert(position, ticket);
        self.waiting.insert(ticket, (class, kind, position));
        self.waiting_by_kind[kind as usize] += 1;
    }

    /// Takes a waiting request out of its queue. One that has left must be reported as answered instead.
    pub fn cancel(&mut self, ticket: Ticket) {
        if let Some((class, kind, position)) = self.waiting.remove(&ticket) {
            self.queues[class as usize][kind as usize].remove(&position);
            self.waiting_by_kind[kind as usize] -= 1;
        }
    }

    /// What to do at `now`.
    pub fn next(&mut self, now: Duration) -> Next {
        self.refresh(now);
        if self.waiting.is_empty() {
            return Next::Idle;
        }
        if self.paused_until > now {
            return Next::WaitUntil(self.paused_until);
        }
        if self.at_once().is_some_and(|at_once| self.under_way() >= at_once as usize) {
            return self.given_up_at().map_or(Next::Idle, Next::WaitUntil);
        }
        let mut opens_at: Option<Duration> = None;
        for class in self.order() {
            let mut heads: [Option<(Position, Kind, Ticket)>; 3] = KINDS.map(|kind| {
                let head = self.queues[class as usize][kind as usize].first_key_value();
                head.map(|(position, ticket)| (*position, kind, *ticket))
            });
            heads.sort_by_key(|head| head.map(|(position, ..)| position));
            for (_, kind, ticket) in heads.into_iter().flatten() {
                let removal = class == Class::Removal;
                if self.covering(kind).all(|(window, demand)| window.admits(now, removal, demand)) {
                    self.grant(now, ticket, class, kind);
                    return Next::Grant(ticket);
                }
                // An instant that is not ahead of us means that only an answer helps.
                let opens = self.opens_at(now, kind, removal).filter(|opens| *opens > now);
                opens_at = opens_at.into_iter().chain(opens).min();
            }
        }
        // No answer to a lost request will wake us, so its end must.
        opens_at.into_iter().chain(self.given_up_at()).min().map_or(Next::Idle, Next::WaitUntil)
    }

    /// When the first of the requests whose answer was lost stops counting as under way.
    fn given_up_at(&self) -> Option<Duration> {
        let lost = self.lost.front().map(|(until, _)| *until);
        lost.into_iter().chain(self.left_behind.front().copied()).min()
    }

    fn at_once(&self) -> Option<u32> {
        if self.probing {
            return Some(1);
        }
        let declared = self.windows.iter().filter(|_| self.unheard).filter_map(|window| window.requests);
        declared.map(|all| all.div_ceil(UNHEARD_PART)).chain(self.concurrency).min()
    }

    /// When the next request of a kind may leave; `None` when that depends on answers.
    fn opens_at(&self, now: Duration, kind: Kind, removal: bool) -> Option<Duration> {
        // Blocked by several scopes, it opens when the last of them does.
        self.covering(kind)
            .map(|(window, demand)| window.opens_at(now, removal, demand))
            .try_fold(now, |latest, opens| opens.map(|opens| latest.max(opens)))
    }

    /// Everything that would have to wait longer than `longest`, each with how long. One kind may have to while another
    /// need not, where they are counted apart.
    pub fn too_long(&self, now: Duration, longest: Duration) -> Vec<(Ticket, Duration)> {
        let mut found = Vec::new();
        for (class, kinds) in [Class::Removal, Class::Write, Class::Read].into_iter().zip(&self.queues) {
            for (kind, queue) in KINDS.into_iter().zip(kinds).filter(|(_, queue)| !queue.is_empty()) {
                let opens = self.opens_at(now, kind, class == Class::Removal).unwrap_or(now).max(self.paused_until);
                let wait = opens.saturating_sub(now);
                if wait > longest {
                    found.extend(queue.values().map(|ticket| (*ticket, wait)));
                }
            }
        }
        found
    }

    /// How many requests may leave now, whatever they are, without touching what is kept free; none where nothing limits them.
    pub fn left(&mut self, now: Duration) -> Option<u64> {
        self.windows.iter_mut().for_each(|window| _ = window.refresh(now));
        let usable = self.windows.iter().map(Window::usable).filter(|usable| *usable < i64::MAX / 2).min()?;
        u64::try_from(usable).ok()
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many are under way, for all we know.
    pub fn under_way(&self) -> usize {
        self.under_way.len() + self.left_behind.len()
    }

    /// Takes in what became of a granted request. A ticket that is not under way is ignored.
    pub fn answered(&mut self, now: Duration, ticket: Ticket, feedback: &Feedback) {
        self.refresh(now);
        if feedback.outcome == Outcome::Lost {
            if self.under_way.contains_key(&ticket) {
                self.lost.push_back((now.saturating_add(LINGERS), ticket));
            }
            return;
        }
        self.settle(now, ticket, feedback);
    }

    fn settle(&mut self, now: Duration, ticket: Ticket, feedback: &Feedback) {
        let Some((kind, sent)) = self.under_way.remove(&ticket) else { return };
        self.unheard &= feedback.outcome == Outcome::NotSent;
        let told: Vec<_> = feedback.told.iter().map(|told| (self.spoken_of(kind, told), told)).collect();
        for (index, window) in self.windows.iter_mut().enumerate().filter(|(_, window)| window.counts(kind)) {
            let told = told.iter().find(|(of, _)| *of == Some(index)).map(|(_, told)| **told);
            window.answered(now, sent, feedback, told.unwrap_or_default());
        }
        match feedback.outcome {
            Outcome::Overloaded => self.pause(now, feedback),
            // An answer that arrives within a pause was on its way before, and proves nothing.
            Outcome::Answered if now >= self.paused_until => {
                self.strikes = 0;
                self.probing = false;
            }
            Outcome::Answered | Outcome::Lost | Outcome::NotSent => {}
        }
    }

    fn pause(&mut self, now: Duration, feedback: &Feedback) {
        // Requests that were under way together count as one strike.
        if now >= self.paused_until {
            self.strikes += 1;
        }
        let doubled = FIRST_PAUSE.saturating_mul(1 << (self.strikes - 1).min(16)).min(LONGEST_PAUSE);
        let pause = match feedback.retry_after {
            // A server that says "at once", or refuses again and again, is not believed.
            Some(asked) if self.strikes > 1 || asked.is_zero() => asked.max(doubled),
            Some(asked) => asked,
            None => doubled,
        };
        self.paused_until = self.paused_until.max(now.saturating_add(pause));
        self.probing = true;
    }

    /// Which scope a server speaks of: the one of the length that it names, which may be news to us, or else the shortest
    /// window that reaches to the reset, and of two such the narrower.
    fn spoken_of(&mut self, kind: Kind, told: &Told) -> Option<usize> {
        let reset_in = told.reset_in.unwrap_or_default();
        let covering = self.windows.iter().enumerate().filter(|(_, window)| window.counts(kind));
        let (index, _) = covering.min_by_key(|(_, window)| {
            let other_length = told.per.is_some_and(|per| per != window.per);
            let too_short = window.per + Duration::from_secs(2) < reset_in;
            let length = if too_short { Duration::MAX - window.per } else { window.per };
            (other_length, too_short, length, window.covers == Covers::All)
        })?;
        let Some(per) = told.per else { return Some(index) };
        let like = &mut self.windows[index];
        if like.per == per {
            like.named = true;
            return Some(index);
        }
        let mut window = Window::unlimited(like.covers, per, like.keep_free);
        window.named = true;
        // Besides those under way, the one whose answer tells of it.
        let counted = self.under_way.values().filter(|(kind, _)| window.counts(*kind)).count();
        window.in_flight = i64::try_from(counted).unwrap_or(i64::MAX - 1) + 1;
        self.windows.push(window);
        Some(self.windows.len() - 1)
    }

    fn refresh(&mut self, now: Duration) {
        for window in &mut self.windows {
            // Where windows slide, a "reset" frees a part only; one request goes ahead and finds out.
            self.probing |= window.refresh(now);
        }
        while let Some(&(until, ticket)) = self.lost.front().filter(|(until, _)| *until <= now) {
            self.lost.pop_front();
            self.settle(until, ticket, &Feedback::default());
        }
        self.left_behind.retain(|until| *until > now);
    }

    fn order(&self) -> [Class; 3] {
        if self.removals_since_read >= OTHERS_PER_READ {
            [Class::Read, Class::Removal, Class::Write]
        } else if self.writes_since_read >= OTHERS_PER_READ {
            [Class::Removal, Class::Read, Class::Write]
        } else {
            [Class::Removal, Class::Write, Class::Read]
        }
    }

    /// The scopes that cover a kind, each with the demand on it.
    fn covering(&self, kind: Kind) -> impl Iterator<Item = (&Window, u64)> {
        self.windows.iter().filter(move |window| window.counts(kind)).map(|window| (window, self.demand(window.covers)))
    }

    fn demand(&self, covers: Covers) -> u64 {
        let covered = KINDS.into_iter().filter(|kind| covers.includes(*kind)).map(|kind| kind as usize);
        covered.fold(0, |sum, kind| sum.saturating_add(self.waiting_by_kind[kind]).saturating_add(self.forecast[kind]))
    }

    fn grant(&mut self, now: Duration, ticket: Ticket, class: Class, kind: Kind) {
        self.cancel(ticket);
        self.under_way.insert(ticket, (kind, now));
        let demands: Vec<_> = self.windows.iter().map(|window| self.demand(window.covers)).collect();
        for (window, demand) in self.windows.iter_mut().zip(demands) {
            if window.counts(kind) {
                window.sent(now, demand);
            }
        }
        match class {
            Class::Removal => self.removals_since_read += 1,
            Class::Write => self.writes_since_read += 1,
            Class::Read => {
                self.removals_since_read = 0;
                self.writes_since_read = 0;
            }
        }
    }
}
