//! The `rosterd` command: parse, start tracing, map the outcome to an exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    rosterd::cli::main()
}
