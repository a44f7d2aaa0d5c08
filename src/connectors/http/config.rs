//! What a client is made of.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

use super::auth::Scheme;
use crate::connectors::{Clock, row_limit::RowLimits};

/// What an [`HttpClient`] is made of.
#[derive(Debug)]
pub struct HttpConfig {
    /// The app's name, for errors and logs.
    pub app: String,
    /// Origin, maybe with a path; every request's path is appended.
    pub base: Url,
    /// How to sign in.
    pub auth: Scheme,
    /// Everything that must not be shown.
    pub secrets: Vec<SecretString>,
    /// Authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Headers that every request carries.
    pub headers: Vec<(String, String)>,
    /// How long an answer may take; to a request that changes something [`super::WRITE_TIMEOUT`] at most.
    pub timeout: Duration,
    /// No larger body is read, in bytes.
    pub largest_body: usize,
    /// How long the app's lists may be.
    pub(in crate::connectors) rows: RowLimits,
    /// Makes the pauses between repetitions repeatable.
    pub seed: Option<u64>,
    /// Against which dates in headers are measured, where an answer has no date of its own.
    pub clock: Clock,
}

impl HttpConfig {
    /// A configuration with the usual bounds: half a minute, 64 MiB. (An app without paging sends 100,000 accounts of
    /// 500 bytes in one answer.)
    pub fn new(app: impl Into<String>, base: Url, auth: Scheme) -> Self {
        Self {
            app: app.into(),
            base,
            auth,
            secrets: Vec::new(),
            ca_file: None,
            headers: Vec::new(),
            timeout: Duration::from_secs(30),
            largest_body: 64 << 20,
            rows: RowLimits::default(),
            seed: None,
            clock: Clock::default(),
        }
    }
}
