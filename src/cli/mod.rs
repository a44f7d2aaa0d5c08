//! The command line: which commands there are, and one file for each but the smallest.
//!
//! Data goes to stdout and everything else to stderr, so that output can be piped and progress still seen.

mod against;
mod apply;
mod args;
mod canvas;
mod codeowners;
mod connectors;
mod context;
mod daemon;
mod ending;
mod exit;
mod files;
mod fmt;
mod folder;
mod forget;
mod history;
mod import;
mod next;
mod observe;
mod output;
mod pause;
mod plan;
mod progress;
mod recovered;
mod review;
mod sandbox;
mod saved;
mod snapshot;
mod storage;
mod terminal;
mod texts;
mod tracing;
mod validate;
mod values;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{connectors::rest, desired};
use args::Global;
use exit::{Exit, Failure};

const START: &str = "Try it without credentials: `rosterd plan --sandbox`, then `rosterd apply --sandbox`.";

const PLAN_STATUS: &str = "Exit status: 0 fine, 1 an error. With --detailed-exitcode: 0 in sync, 2 something can be \
done or, with --against, the change alters rules or grants, 3 all that remains waits on someone else.";

const APPLY_STATUS: &str = "Exit status: 0 all that could be done was done, 1 something failed or an app could not be \
read, or the question was not answered with yes. Ctrl-C and SIGTERM finish what is in flight, and a second one stops at once; a lost \
terminal and a closed stdout or stderr finish it too.";

const DAEMON_SIGNALS: &str = "`settings.schedule` and `settings.daemon` of the files say when it works and where it shows \
its status. SIGHUP reads files and secrets again. SIGTERM and SIGINT finish what is in flight, within ten seconds.";

const IMPORT_HELP: &str = "An app needs its connector, url and auth in the files. What the files say already stays as it is, \
comments and order included; only what is missing is added, and all of it or nothing. An app without accounts and groups in \
the files starts in `mode: add`. Exit status: 0 fine, 1 an app could not be read or the import was refused.";

const REVIEW_HELP: &str = "A row for every account and membership that is live. `state` is granted, ungranted, unlisted (named \
nowhere), left or suspended, or says that no line declares the group. Exit status: 0 fine, 1 something could not be read and is \
not in the table.";

const FMT_STATUS: &str = "Exit status: 0 fine, 1 a file could not be laid out or, with --check, would change.";

const HISTORY_STATUS: &str = "A date is a day in the time zone of the files, or in UTC with --store; an instant of RFC 3339 and a span before \
now, such as 7d or 12h, can be written as well. Exit status: 0 fine, 1 an error, or a broken link found by --verify.";

const PAUSE_HELP: &str = "Every process that shares the store goes by it: daemons, and `rosterd apply`. It ends by itself, or with \
--end. People who left are cut off all the same, unless --all holds that as well. Exit status: 0 fine, 1 an error, or no \
pause to end.";

/// Keeps the accounts, groups and memberships of your apps equal to the YAML files in a git repository.
#[derive(Debug, Parser)]
#[command(name = "rosterd", version, propagate_version = true, max_term_width = 100, after_help = START)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the files; no network.
    Validate(validate::Args),
    /// Show what would change; writes nothing to an app.
    #[command(after_help = PLAN_STATUS)]
    Plan(plan::Args),
    /// Show what would change, ask, and do it.
    #[command(after_help = APPLY_STATUS)]
    Apply(apply::Args),
    /// Keep the apps as the files say: on a schedule, when the files change, and when asked.
    #[command(after_help = DAEMON_SIGNALS)]
    Daemon(daemon::Args),
    /// Write a snapshot of what is live.
    Observe(observe::Args),
    /// Write YAML for what is live, so that the next plan is empty.
    #[command(after_help = IMPORT_HELP)]
    Import(import::Args),
    /// Write who has what and why as CSV, for people who review access.
    #[command(after_help = REVIEW_HELP)]
    Review(review::Args),
    /// Lay out the files in the one canonical way; comments and the order of entries stay.
    #[command(after_help = FMT_STATUS)]
    Fmt(fmt::Args),
    /// Print a CODEOWNERS file for the desired state: everything for one owner, but `people/` and `teams/`.
    Codeowners(codeowners::Args),
    /// Show everything a person gets, where, until when, and which lines say so.
    Why(why::Args),
    /// Show what was done, when, with what result and because of which lines.
    #[command(after_help = HISTORY_STATUS)]
    History(history::Args),
    /// Write nothing to an app, or to any, for a time; without --for and --end, show what is paused.
    #[command(after_help = PAUSE_HELP)]
    Pause(pause::Args),
    /// Delete what the store holds about a person who is gone, and leave the ledger whole.
    Forget(forget::Args),
    /// Show what each connector can do, or try one out.
    #[command(subcommand)]
    Connectors(connectors::Action),
    /// Print the JSON Schema of the files, for editors.
    Schema {
        /// That of a connector's manifest instead.
        #[arg(long)]
        manifest: bool,
    },
    /// Print a completion script.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Serve simulated apps over HTTP, to try things without credentials.
    Sandbox(sandbox::Args),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be done about a closed stream. Asking for help is no error.
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    // The daemon has nothing but its log to tell by.
    tracing::start(&cli.global, matches!(cli.command, Command::Daemon(_)));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(Err(Failure::new(format!("cannot start: {error}")))),
    };
    let result = runtime.block_on(async {
        let result = run(cli.command, &cli.global).await;
        storage::close().await;
        result
    });
    // What an aborted run left behind must not keep the process alive.
    runtime.shutdown_background();
    report(result)
}

async fn run(command: Command, global: &Global) -> Result<Exit, Failure> {
    match command {
        Command::Validate(args) => validate::run(&args),
        Command::Plan(args) => plan::run(&args, global).await,
        Command::Apply(args) => apply::run(args, global).await,
        Command::Daemon(args) => daemon::run(args).await,
        Command::Observe(args) => observe::run(&args, global).await,
        Command::Review(args) => review::run(&args, global).await,
        Command::Fmt(args) => fmt::run(&args),
        Command::Codeowners(args) => codeowners::run(&args),
        Command::Import(args) => import::run(&args, global).await,
        Command::Why(args) => why::run(&args).await,
        Command::History(args) => history::run(&args).await,
        Command::Pause(args) => pause::run(&args).await,
        Command::Forget(args) => forget::run(&args).await,
        Command::Connectors(action) => connectors::run(&action).await,
        Command::Schema { manifest } => {
            let schema = if manifest { rest::schema() } else { desired::schema() };
            terminal::print(&format!("{schema:#}\n")).map(|()| Exit::Fine)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "rosterd", &mut script);
            terminal::print(&String::from_utf8_lossy(&script)).map(|()| Exit::Fine)
        }
        Command::Sandbox(args) => sandbox::run(args).await,
    }
}

/// Maps how a command ended, and prints why it could not do its work.
fn report(result: Result<Exit, Failure>) -> ExitCode {
    match result {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) => {
            terminal::error(&failure.message, failure.hint.as_deref());
            ExitCode::from(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_faults_that_the_help_names_can_be_made() {
        let help = Cli::command().find_subcommand_mut("sandbox").unwrap().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, kinds) = help.split_once("Kinds: ").unwrap();
        let (kinds, _) = kinds.split_once(" --").unwrap();
        assert!(kinds.split(", ").count() > 5, "{kinds}");
        for kind in kinds.split(", ").map(|kind| kind.split(' ').next().unwrap()) {
            let wait = if kind == "slow" { ",wait=3s" } else { "" };
            format!("every=7,kind={kind}{wait}").parse::<crate::sandbox::Fault>().unwrap();
        }
    }
}
