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
    Fine,
    /// Something failed, and was reported where it belongs.
    Failed,
    /// There is something that can be done.
    Ready,
    /// All that remains waits on someone else.
    Waiting,
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
        Ok(Exit::Fine) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::from(1),
        Ok(Exit::Ready) => ExitCode::from(2),
        Ok(Exit::Waiting) => ExitCode::from(3),
        Err(failure) => {
            terminal::error(failure.message(), failure.help());
            ExitCode::from(1)
        }
    }
}
