//! The command line: arguments, and one file per command.
//!
//! Data goes to stdout and everything else to stderr, so that output can be piped and progress still seen.

mod against;
mod apply;
mod args;
mod completions;
mod connectors;
mod context;
mod daemon;
mod exit;
mod failure;
mod files;
mod fmt;
mod forget;
mod history;
mod import;
mod next;
mod observe;
mod plan;
mod progress;
mod recovered;
mod review;
mod sandbox;
mod saved;
mod schema;
mod signals;
mod snapshot;
mod storage;
mod terminal;
mod tracing;
mod validate;
mod when;
mod why;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};
use exit::{Exit, Failure};

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::usage(&error),
    };
    tracing::start(&args.global, args.command.narrates());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(Err(Failure::new(format!("cannot start: {error}")))),
    };
    let result = runtime.block_on(async {
        let result = run(args).await;
        storage::close().await;
        result
    });
    // What an aborted run left behind must not keep the process alive.
    runtime.shutdown_background();
    exit::report(result)
}

async fn run(args: Args) -> Result<Exit, Failure> {
    let global = args.global;
    match args.command {
        Command::Validate(args) => validate::run(&args),
        Command::Plan(args) => plan::run(&args, &global).await,
        Command::Apply(args) => apply::run(&args, &global).await,
        Command::Daemon(args) => daemon::run(&args).await,
        Command::Observe(args) => observe::run(&args, &global).await,
        Command::Review(args) => review::run(&args, &global).await,
        Command::Fmt(args) => fmt::run(&args),
        Command::Import(args) => import::run(&args, &global).await,
        Command::Why(args) => why::run(&args).await,
        Command::History(args) => history::run(&args).await,
        Command::Forget(args) => forget::run(&args).await,
        Command::Connectors(args) => connectors::run(&args).await,
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Sandbox(args) => sandbox::run(&args).await,
    }
}
