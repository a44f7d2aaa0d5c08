//! HTTP as all connectors use it: signing in, waiting for the budget, sending, repeating what may be repeated, and turning
//! whatever comes back into a value or a typed error. A write is sent once; what became of it is said honestly.
//!
//! [`transport`] is the only place that knows the HTTP library; everything else, time included, can be simulated.

mod auth;
mod client;
mod config;
mod failure;
mod gate;
mod link;
mod path;
mod redact;
pub mod transport;
pub mod webhook;
pub mod witness;

#[cfg(test)]
mod tests;

use std::sync::Once;

pub use auth::{ClientCredentials, ClientStyle, Login, Scheme, TokenPlace};
pub use client::{Answer, HttpClient, Request};
pub use config::HttpConfig;
pub use gate::{Gate, Parked, Permit, Visitor};
pub use path::segment;
pub use redact::Redactor;

/// A request's method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
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
