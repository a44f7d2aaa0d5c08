//! Fixed-window request quotas, as API gateways keep them: one for all requests of a tenant, or one per family of them.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    app::Request,
    clock,
    config::{Config, Quota},
    entry::{Entry, Family},
};

/// The window in force and what is left of it.
#[derive(Debug)]
pub(crate) struct Window {
    limit: u32,
    length: Duration,
    used: u32,
    ends: Option<Timestamp>,
}

/// What a quota tells a client: the limit, what remains of it, and when (sandbox time) the window ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) resets: Timestamp,
}

impl Window {
    pub(crate) fn new(limit: u32, length: Duration) -> Self {
        Self { limit, length, used: 0, ends: None }
    }

    /// Spends one request: `Ok` when there was one left. A refused request costs nothing.
    pub(crate) fn take(&mut self, now: Timestamp) -> Result<Standing, Standing> {
        let standing = self.look(now);
        if standing.remaining == 0 {
            return Err(standing);
        }
        self.ends = Some(standing.resets);
        self.used += 1;
        Ok(Standing { remaining: standing.remaining - 1, ..standing })
    }

    /// The standing without spending anything.
    pub(crate) fn look(&mut self, now: Timestamp) -> Standing {
        if self.ends.is_none_or(|ends| now >= ends) {
            self.ends = None;
            self.used = 0;
        }
        let resets = self.ends.or_else(|| clock::later(now, self.length)).unwrap_or(Timestamp::MAX);
        Standing { limit: self.limit, remaining: self.limit - self.used, resets }
    }
}

/// Which quota a request draws on: its place among the app's families, or nothing where it is free.
pub(crate) type Meter = Option<usize>;

/// The quotas of one tenant.
pub(crate) struct Quotas {
    families: &'static [Family],
    counters: Vec<Counter>,
}

/// A quota at work.
struct Counter {
    window: Window,
    cap: usize,
    in_flight: usize,
    told: bool,
    quota: Quota,
    per_client: bool,
}

impl Quotas {
    pub(crate) fn new(part: &Entry, config: &Config) -> Self {
        let whole = config.quotas.get(part.connector);
        let counter = |quota: Quota, told: bool, per_client: bool| Counter {
            window: Window::new(config.quota_size.of(quota.requests), quota.window),
            cap: quota.concurrency,
            in_flight: 0,
            told,
            quota: Quota { requests: config.quota_size.of(quota.requests), ..quota },
            per_client,
        };
        let own = |family: &Family| {
            let named = config.quotas.get(&format!("{}/{}", part.connector, family.name));
            counter(*named.or(whole).unwrap_or(&family.quota), family.told, family.per_client)
        };
        let counters = match part.quotas {
            [] => vec![counter(*whole.unwrap_or(&config.quota), true, false)],
            families => families.iter().map(own).collect(),
        };
        Self { families: part.quotas, counters }
    }

    pub(crate) fn meter(&self, request: &Request) -> Meter {
        match self.families {
            [] => Some(0),
            families => families.iter().position(|family| (family.takes)(request)),
        }
    }

    /// Counts a request as in flight; `false` when there are too many.
    pub(crate) fn enter(&mut self, meter: Meter) -> bool {
        let Some(counter) = self.counter(meter) else { return true };
        let free = counter.in_flight < counter.cap;
        counter.in_flight += usize::from(free);
        free
    }

    /// The opposite of [`enter`](Quotas::enter).
    pub(crate) fn leave(&mut self, meter: Meter) {
        if let Some(counter) = self.counter(meter) {
            counter.in_flight -= 1;
        }
    }

    /// Spends one request of the quota, if it has one left.
    pub(crate) fn take(&mut self, meter: Meter, now: Timestamp) -> Result<Option<Standing>, Standing> {
        self.counter(meter).map(|counter| counter.window.take(now)).transpose()
    }

    /// The standing without spending anything.
    pub(crate) fn look(&mut self, meter: Meter, now: Timestamp) -> Option<Standing> {
        self.counter(meter).map(|counter| counter.window.look(now))
    }

    /// The quota that a client id has once, for all tenants, where this is one.
    pub(crate) fn per_client(&self, meter: Meter) -> Option<Quota> {
        let counter = self.counters.get(meter?)?;
        counter.per_client.then_some(counter.quota)
    }

    /// Whether answers carry the standing.
    pub(crate) fn told(&self, meter: Meter) -> bool {
        meter.and_then(|meter| self.counters.get(meter)).is_some_and(|counter| counter.told)
    }

    fn counter(&mut self, meter: Meter) -> Option<&mut Counter> {
        self.counters.get_mut(meter?)
    }
}
