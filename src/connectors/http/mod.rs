//! HTTP as all connectors use it: signing in, waiting for the budget, sending, repeating what may be repeated, and turning
//! whatever comes back into a value or a typed error. A write is sent once; what became of it is said honestly.
//!
//! [`transport`] is the only place that knows the HTTP library; everything else, time included, can be simulated.

mod auth;
mod client;
mod config;
mod failure;
mod gate;
mod leave;
mod link;
mod redact;
pub mod transport;
mod web_link;
pub mod webhook;
pub mod witness;

#[cfg(test)]
mod tests;

use std::sync::Once;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use auth::{ClientStyle, Scheme, TokenCall, TokenPlace, UNSTATED_LIFE};
pub use client::{Answer, HttpClient, Request};
pub use config::HttpConfig;
pub use gate::{Gate, Parked};
pub use leave::{Leave, WRITE_TIMEOUT, with_leave};
pub use redact::Redactor;
pub use web_link::next_link;

/// A request's method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    Get,
    /// Makes something, or anything else.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// As it goes over the wire.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Chooses the cryptography for TLS, once per process. Later calls do nothing.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that the process has a provider already, which is as good.
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("TLS was set up before");
        }
    });
}

/// What may stand in a path segment as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A value as one segment of a path, whatever is in it; `None` for what would name another resource, which encoding does
/// not help against.
pub fn segment(value: &str) -> Option<String> {
    (!matches!(value, "" | "." | "..")).then(|| utf8_percent_encode(value, SEGMENT).to_string())
}
