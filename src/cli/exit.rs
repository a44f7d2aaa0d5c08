//! How commands end: 0 fine, 1 something failed, 2 and 3 with `--detailed-exitcode`, 64 wrong usage.

use std::fmt::Display;

/// Wrong usage, as `sysexits.h` numbers it; clap's own 2 would read as "there is something to do".
pub(super) const USAGE: u8 = 64;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Fine.
    Fine = 0,
    /// Something failed, and was reported where it belongs.
    Failed = 1,
    /// There is something that can be done.
    Ready = 2,
    /// All that remains waits on someone else.
    Waiting = 3,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    pub(super) fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), hint: None }
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
