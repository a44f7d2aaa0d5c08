//! What can be set about a sandbox.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use jiff::Timestamp;

use super::{fault::Fault, quirks::QuirkSet};

/// The client id that a sandbox expects unless told otherwise.
pub const DEFAULT_CLIENT_ID: &str = "sandbox";
/// The client secret that a sandbox expects unless told otherwise. It protects nothing but simulated data.
pub const DEFAULT_CLIENT_SECRET: &str = "sandbox-secret";

/// How a sandbox behaves. Durations are sandbox time unless their description says real time; the difference is
/// [`time_scale`](Config::time_scale).
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on; port 0 (the default, on loopback) takes a free one.
    pub listen: SocketAddr,
    /// Decides ids, tokens and how long each invitation takes; the same seed and requests give the same answers.
    pub seed: u64,
    /// How many seconds of sandbox time pass in a real second; above zero. With 60, an hour's quota refills every
    /// real minute. What headers tell a client (`Retry-After`, reset times, `expires_in`) is real time.
    pub time_scale: f64,
    /// The time of day at which its clock starts, for simulations; the real one where nothing is said.
    pub begins: Option<Timestamp>,
    /// How long after it was sent an invitation is accepted, give or take a fifth (by the seed). `Duration::MAX`
    /// means never.
    pub accept_after: Duration,
    /// What goes wrong, and when. More can be set while the sandbox runs.
    pub faults: Vec<Fault>,
    /// Deviations from the guides, by connector or by `connector/tenant`. More can be set while the sandbox runs.
    pub quirks: QuirkSet,
    /// The request quota of each tenant, for apps that count all requests alike and have no quota of their own.
    pub quota: Quota,
    /// Other quotas than the apps' own: by connector, or by `connector/family` for an app that counts its requests by
    /// families (`acc/read`). One for a connector holds for each of its families.
    pub quotas: BTreeMap<String, Quota>,
    /// How large all quotas are, the token's among them.
    pub quota_size: QuotaSize,
    /// How many tokens a tenant may request in [`token_window`](Config::token_window): a quota of its own, because
    /// token endpoints are another service than the API. Its answers carry no quota headers unless they are 429.
    pub token_requests: u32,
    /// The window of the token quota.
    pub token_window: Duration,
    /// The form in which the end of the quota's window is told.
    pub reset_header: ResetHeader,
    /// How long an access token lives.
    pub token_life: Duration,
    /// How long a token or cursor for the next page of a list is good.
    pub page_token_life: Duration,
    /// How long it takes until what was written shows in lists, at apps that have a slow index.
    pub index_delay: Duration,
    /// How long after `users:import` was accepted the people appear in the ACC project.
    pub import_delay: Duration,
    /// The region in which the ACC account lives.
    pub acc_region: String,
    /// How long every answer takes at least, in real time.
    pub latency: Duration,
    /// The client id the token endpoint accepts, alone or followed by a dot and anything (`sandbox.autodesk`), so that
    /// every app can have a credential, and with it a request budget, of its own.
    pub client_id: String,
    /// The client secret the token endpoint accepts.
    pub client_secret: String,
    /// The Autodesk scopes on offer; asking for any other fails the whole token request. Without
    /// `organization:read` among them, `user:read` is enough to read teams.
    pub autodesk_scopes: Vec<String>,
    /// Start without the example organisation: every tenant is empty.
    pub empty: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: 7,
            time_scale: 1.0,
            begins: None,
            // Long enough to see a plan wait for invitations, short enough to watch them being accepted.
            accept_after: Duration::from_secs(30),
            faults: Vec::new(),
            quirks: QuirkSet::new(),
            quota: Quota::standard(),
            quotas: BTreeMap::new(),
            quota_size: QuotaSize::Guide,
            token_requests: 500,
            token_window: Duration::from_secs(60),
            reset_header: ResetHeader::EpochSeconds,
            token_life: Duration::from_secs(3599),
            page_token_life: Duration::from_secs(600),
            // What vendors call "a few seconds".
            index_delay: Duration::from_secs(5),
            // Long enough that the first look back is too early.
            import_delay: Duration::from_secs(3),
            acc_region: "US".to_owned(),
            // About a fast API's answer; enough that requests in flight overlap as they do for real.
            latency: Duration::from_millis(15),
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
            autodesk_scopes: ["user:read", "user:write", "organization:read"].map(str::to_owned).to_vec(),
            empty: false,
        }
    }
}

/// How large quotas are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaSize {
    /// A hundred times what the vendors allow, so that trying things out never waits.
    Generous,
    /// What the vendors' guides say.
    Guide,
}

impl QuotaSize {
    /// So many requests, at this size.
    pub(super) fn of(self, requests: u32) -> u32 {
        match self {
            Self::Generous => requests.saturating_mul(100),
            Self::Guide => requests,
        }
    }
}

/// How many requests a tenant may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests in one window. The window opens with the first request after the last one ended.
    pub requests: u32,
    /// The length of the window.
    pub window: Duration,
    /// Requests that may be in flight at once.
    pub concurrency: usize,
}

impl Quota {
    /// Autodesk's Standard plan: 1000 requests an hour, 10 at once.
    pub fn standard() -> Self {
        Self { requests: 1000, window: Duration::from_secs(3600), concurrency: 10 }
    }

    /// Autodesk's Business plan: 5000 requests an hour, 50 at once.
    pub fn business() -> Self {
        Self { requests: 5000, window: Duration::from_secs(3600), concurrency: 50 }
    }
}

/// The unit of `X-RateLimit-Reset`, which vendors disagree on and Autodesk's guide leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetHeader {
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Seconds from now.
    DeltaSeconds,
}
