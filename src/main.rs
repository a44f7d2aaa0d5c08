//! The `rosterd` command: parse, start tracing, map the outcome to an exit status.

use std::process::ExitCode;

/// Planning makes and drops millions of small values on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rosterd::cli::main()
}
