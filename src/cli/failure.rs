//! Why a command could not do its work.

use std::fmt::Display;

/// Why a command could not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(super) fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), hint: None }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub(super) fn help(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub(super) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}
