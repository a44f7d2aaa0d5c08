//! What the sandbox knows of an app before it plays it.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    app::{App, Request},
    chance::Chance,
    config::{Config, Quota},
    quirks::Quirk,
};

/// One app of the catalogue.
pub(crate) struct Entry {
    /// The connector it is, and the first segment of its paths.
    pub(crate) connector: &'static str,
    /// The deviations it can be told to show.
    pub(crate) quirks: &'static [Quirk],
    /// Its request quotas; a request counts in the first that takes it, and one that none takes is free. Empty where
    /// all requests together draw on [`Config::quota`].
    pub(crate) quotas: &'static [Family],
    /// Brings a tenant to life, with the example organisation or empty.
    pub(crate) start: fn(Chance, &Config, bool, Timestamp) -> Box<dyn App>,
}

/// Requests that share a quota.
pub(crate) struct Family {
    /// Its name, as in [`Config::quotas`].
    pub(crate) name: &'static str,
    /// Whether a request belongs to it.
    pub(crate) takes: fn(&Request) -> bool,
    /// The quota unless [`Config::quotas`] has another.
    pub(crate) quota: Quota,
    /// Whether every answer carries the standing in `X-RateLimit-…` headers.
    pub(crate) told: bool,
    /// Whether a client id has it once, for all the tenants that it speaks to.
    pub(crate) per_client: bool,
}

/// A family's quota without a limit on requests in flight, which most vendors do not state.
pub(crate) const fn per_minute(requests: u32) -> Quota {
    Quota { requests, window: Duration::from_secs(60), concurrency: usize::MAX }
}
