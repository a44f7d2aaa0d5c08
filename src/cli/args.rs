//! What can be typed.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};

use crate::model::Guard;

/// Keeps the accounts, groups and memberships of your apps equal to the YAML files in a git repository.
#[derive(Debug, Parser)]
#[command(name = "rosterd", version, propagate_version = true, max_term_width = 100)]
pub(super) struct Args {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Global {
    /// Say more on stderr; twice for every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How log lines on stderr are written.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the files; no network.
    Validate(Validate),
    /// Show what would change; writes nothing to an app.
    Plan(Plan),
    /// Plan, ask, and make it so.
    Apply(Apply),
    /// Write a snapshot of what is live.
    Observe(Observe),
    /// Show everything a person gets, where, until when, and which lines say so.
    Why(Why),
    /// Print the JSON Schema of the files, for editors.
    Schema,
    /// Print a completion script.
    Completions(Completions),
    /// Serve simulated apps over HTTP, to try things without credentials.
    Sandbox(Sandbox),
}

/// Where the files are.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Dir {
    /// The desired-state directory.
    #[arg(default_value = "desired-state", value_name = "DIR")]
    pub dir: PathBuf,
}

/// Which apps, and where they are.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Target {
    /// Only this app; may be given several times.
    #[arg(long = "app", value_name = "APP")]
    pub apps: Vec<String>,
    /// Use simulated apps instead of the real ones: started here, or those of a running `rosterd sandbox` at URL.
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub sandbox: Option<String>,
}

/// How a plan is made.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Planning {
    /// Plan against a snapshot that `rosterd observe` wrote; needs no credentials and no network.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub live: Option<PathBuf>,
    /// Release one guard for this run, as an `approvals:` line would; NAME is an action or a prefix of one.
    #[arg(long = "approve", value_name = "NAME:GUARD[:UP_TO]", value_parser = approval)]
    pub approve: Vec<Approve>,
    /// Exit 2 when something can be done, 3 when all that remains waits on someone else, 0 when in sync.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// One guard released on the command line.
#[derive(Debug, Clone)]
pub(super) struct Approve {
    pub allow: String,
    pub guard: Guard,
    pub up_to: Option<u32>,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Validate {
    #[command(flatten)]
    pub dir: Dir,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Plan {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub planning: Planning,
    /// How the plan is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Apply {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub target: Target,
    /// Release one guard for this run, as an `approvals:` line would; NAME is an action or a prefix of one.
    #[arg(long = "approve", value_name = "NAME:GUARD[:UP_TO]", value_parser = approval)]
    pub approve: Vec<Approve>,
    /// Do it without asking.
    #[arg(long, short)]
    pub yes: bool,
    /// Stay this long for invitations to be accepted, and finish what waited for them.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub wait: Option<Duration>,
    /// Exit 3 when all was done and something still waits on someone else.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// How the outcome is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Observe {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub target: Target,
    /// Where to write the snapshot; stdout when not given.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Why {
    /// The person's address, or one of their aliases.
    pub email: String,
    #[command(flatten)]
    pub dir: Dir,
    /// How the answer is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Completions {
    /// For which shell.
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Sandbox {
    /// Address to serve on.
    #[arg(long, default_value = "127.0.0.1:8480", value_name = "HOST:PORT")]
    pub listen: SocketAddr,
    /// Everything that is left to chance follows from this number.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// How many seconds pass in the sandbox for each real one; quotas and invitations go faster with it.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = factor)]
    pub time_scale: f64,
    /// How long after an invitation it is accepted, in the sandbox's time; `never` keeps them open.
    #[arg(long, default_value = "20s", value_name = "DURATION", value_parser = accept_after)]
    pub accept_after: Duration,
    /// Make requests fail, for example `every=7,kind=status-500` or `at=3,kind=reset-after`; may be given several times.
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<crate::sandbox::Fault>,
    /// Start without the example organisation.
    #[arg(long)]
    pub empty: bool,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

fn approval(text: &str) -> Result<Approve, String> {
    let mut parts = text.rsplitn(3, ':').collect::<Vec<_>>();
    parts.reverse();
    // Group names may hold colons, so the guard is looked for from the end.
    let (allow, guard, up_to) = match parts[..] {
        [allow, guard, up_to] if up_to.parse::<u32>().is_ok() => (allow.to_owned(), guard, up_to.parse().ok()),
        [a, b, guard] => (format!("{a}:{b}"), guard, None),
        [allow, guard] => (allow.to_owned(), guard, None),
        _ => return Err("write NAME:GUARD, such as autodesk/deactivate/jane@example.com:irreversible".into()),
    };
    let guard: Guard = guard.parse()?;
    if !guard.releasable() {
        return Err(format!("no approval releases `{guard}`; the plan says what to mend"));
    }
    Ok(Approve { allow, guard, up_to })
}

fn accept_after(text: &str) -> Result<Duration, String> {
    if text == "never" {
        return Ok(Duration::MAX);
    }
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err("a number above 0, such as 60".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn an_approval_may_name_a_group_with_a_colon() {
        let check = |text: &str, allow: &str, up_to| {
            let approve = approval(text).unwrap();
            assert_eq!((approve.allow.as_str(), approve.up_to), (allow, up_to));
        };
        check("a/deactivate/x@y.z:irreversible", "a/deactivate/x@y.z", None);
        check("a/remove-member/x@y.z/Ops: night:protected", "a/remove-member/x@y.z/Ops: night", None);
        check("a:max-removals:40", "a", Some(40));
        assert!(approval("a:self").unwrap_err().contains("no approval releases"));
        assert!(approval("a").is_err());
    }
}
