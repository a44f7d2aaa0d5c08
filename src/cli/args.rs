//! Arguments that several commands take.

use std::path::PathBuf;

use clap::ValueEnum;

use super::values::{Approve, approval, directory, email};
use crate::model::Email;

/// Where the desired state is unless an argument says otherwise.
pub(super) const DIR: &str = "desired-state";

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Global {
    /// Log to stderr, in the place of progress bars: -v every action, -vv every request as well.
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

/// Which apps of which files, and where they are.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Target {
    /// The desired-state directory.
    #[arg(default_value = DIR, value_name = "DIR", value_parser = directory)]
    pub dir: PathBuf,
    /// Only this app; may be given several times.
    #[arg(long = "app", value_name = "APP")]
    pub apps: Vec<String>,
    /// Use simulated apps instead of the real ones: started here, or those of a running `rosterd sandbox` at URL.
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub sandbox: Option<String>,
}

impl Target {
    /// Whether an app was asked for; without names, every app was.
    pub(super) fn wants(&self, app: &str) -> bool {
        self.apps.is_empty() || self.apps.iter().any(|name| name == app)
    }
}

/// Where facts are kept.
#[derive(Debug, clap::Args)]
pub(super) struct Storage {
    /// Where facts are kept, in the place of `settings.store`: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
}

/// The files, and what was written down when they were applied.
#[derive(Debug, clap::Args)]
pub(super) struct Records {
    /// The desired-state directory.
    #[arg(default_value = DIR, value_name = "DIR", value_parser = directory)]
    pub dir: PathBuf,
    #[command(flatten)]
    pub storage: Storage,
}

/// What a command looks at that needs every group of an app, declared or not.
#[derive(Debug, clap::Args)]
pub(super) struct Everything {
    #[command(flatten)]
    pub target: Target,
    /// Look at a snapshot that `rosterd observe --all-groups` wrote; needs no credentials and no network.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub live: Option<PathBuf>,
}

/// Whom a plan is about, and what is released for it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Request {
    /// This person alone, by any address that the files have: reads no more than that takes, to offboard someone now.
    #[arg(long, value_name = "EMAIL", value_parser = email)]
    pub only: Option<Email>,
    /// Release one guard for this run, as an `approvals:` line would; NAME is an action or a prefix of one.
    #[arg(long, value_name = "NAME:GUARD[:UP_TO]", value_parser = approval)]
    pub approve: Vec<Approve>,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}
