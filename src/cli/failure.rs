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

    pub(super) fn hint(self, hint: impl Display) -> Self {
        self.hinted(Some(hint))
    }

    /// The same with the hint that an error of elsewhere may come with.
    pub(super) fn hinted(mut self, hint: Option<impl Display>) -> Self {
        self.hint = hint.map(|hint| hint.to_string());
        self
    }
}
