//! What can go wrong between us and an app, in terms the executor can act on.

use std::time::Duration;

/// A failed request, with everything a person needs to act on it.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{app}: {request}{}: {detail}{}",
    status.map(|status| format!(" answered {status}")).unwrap_or_default(),
    hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default()
)]
pub struct Error {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// The app.
    pub app: String,
    /// Method and path: `PATCH /users/user-123`. Never a query value, a header or a body, which may be secret.
    pub request: String,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// What the app said or what was wrong, shortened, without secrets.
    pub detail: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// Kinds of failure that call for different reactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The credential is missing, wrong or expired.
    Auth,
    /// The credential may not do this.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// There is one already.
    Duplicate,
    /// The app has no such method (405, 501), or a manifest's `otherwise` applies.
    Unsupported,
    /// The app refused the request as it stands; sending it again is useless.
    Refused,
    /// The quota is used up, and waiting in bounds did not help.
    RateLimited {
        /// How long the app asks to wait, if it said so.
        retry_after: Option<Duration>,
    },
    /// The app is failing (5xx), and it is known that nothing was done or that repeating is harmless.
    Server,
    /// No connection, so nothing was sent.
    Unreachable,
    /// A write was sent, and nobody knows whether it took effect: no answer, half an answer, one that makes no sense, or
    /// a server error.
    Unknown,
    /// The answer to a read could not be understood, or did not come.
    Malformed,
    /// Something on our side: a missing variable, a manifest that lacks a key.
    Setup,
}

impl Error {
    /// Something on our side, found before anything was sent.
    pub(super) fn setup(app: impl Into<String>, detail: impl Into<String>, hint: Option<&str>) -> Self {
        Self {
            kind: ErrorKind::Setup,
            app: app.into(),
            request: "connecting".into(),
            status: None,
            detail: detail.into(),
            hint: hint.map(str::to_owned),
        }
    }

    /// The same with what to do next.
    #[must_use]
    pub(super) fn hinted(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Whether the write may have taken effect although no answer says so. Look first, then repeat.
    pub fn outcome_unknown(&self) -> bool {
        self.kind == ErrorKind::Unknown
    }

    /// Whether nothing was sent because the quota opens only after a wait that is too long to be kept waiting.
    pub fn is_parked(&self) -> bool {
        // A refusal by the app itself has a status.
        matches!(self.kind, ErrorKind::RateLimited { .. }) && self.status.is_none()
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::RateLimited { .. }
                | ErrorKind::Server
                | ErrorKind::Unreachable
                | ErrorKind::Unknown
                | ErrorKind::Malformed
        )
    }
}
