//! Exit statuses: 0 fine, 1 something failed, 2 and 3 with `--detailed-exitcode`, 64 wrong usage.

use std::process::ExitCode;

pub(super) use super::failure::Failure;
use super::terminal;

/// Wrong usage, as `sysexits.h` numbers it; clap's own 2 would read as "there is something to do".
const USAGE: u8 = 64;

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

/// Prints what clap says and maps it: asking for help is no error.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be done about a closed stream.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// Maps how a command ended, and prints why it could not do its work.
pub(super) fn report(result: Result<Exit, Failure>) -> ExitCode {
    match result {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) => {
            terminal::error(failure.message(), failure.help());
            ExitCode::from(1)
        }
    }
}
