//! What can be typed.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};

use super::when::When;
use crate::model::{Email, Guard};

/// Where the desired state is unless an argument says otherwise.
pub(super) const DIR: &str = "desired-state";

const START: &str = "Try it without credentials: `rosterd plan --sandbox`, then `rosterd apply --sandbox`.";

const PLAN_STATUS: &str = "Exit status: 0 fine, 1 an error. With --detailed-exitcode: 0 in sync, 2 something can be \
done, 3 all that remains waits on someone else.";

const APPLY_STATUS: &str = "Exit status: 0 all that could be done was done, 1 something failed or an app could not be \
read, or the question was not answered with yes. Ctrl-C finishes what is in flight, and a second one stops at once.";

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

/// Keeps the accounts, groups and memberships of your apps equal to the YAML files in a git repository.
#[derive(Debug, Parser)]
#[command(name = "rosterd", version, propagate_version = true, max_term_width = 100, after_help = START)]
pub(super) struct Args {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

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

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the files; no network.
    Validate(Validate),
    /// Show what would change; writes nothing to an app.
    #[command(after_help = PLAN_STATUS)]
    Plan(Plan),
    /// Show what would change, ask, and do it.
    #[command(after_help = APPLY_STATUS)]
    Apply(Apply),
    /// Keep the apps as the files say: on a schedule, when the files change, and when asked.
    #[command(after_help = DAEMON_SIGNALS)]
    Daemon(Daemon),
    /// Write a snapshot of what is live.
    Observe(Observe),
    /// Write YAML for what is live, so that the next plan is empty.
    #[command(after_help = IMPORT_HELP)]
    Import(Import),
    /// Write who has what and why as CSV, for people who review access.
    #[command(after_help = REVIEW_HELP)]
    Review(Review),
    /// Lay out the files in the one canonical way; comments and the order of entries stay.
    #[command(after_help = FMT_STATUS)]
    Fmt(Fmt),
    /// Show everything a person gets, where, until when, and which lines say so.
    Why(Why),
    /// Show what was done, when, with what result and because of which lines.
    #[command(after_help = HISTORY_STATUS)]
    History(History),
    /// Delete what the store holds about a person who is gone, and leave the ledger whole.
    Forget(Forget),
    /// Show what each connector can do, or try one out.
    #[command(subcommand)]
    Connectors(Connectors),
    /// Print the JSON Schema of the files, for editors.
    Schema(Schema),
    /// Print a completion script.
    Completions(Completions),
    /// Serve simulated apps over HTTP, to try things without credentials.
    Sandbox(Sandbox),
}

impl Command {
    /// Whether the command tells by its log what it does.
    pub(super) fn narrates(&self) -> bool {
        matches!(self, Self::Daemon(_))
    }
}

/// Where the files are.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Dir {
    /// The desired-state directory.
    #[arg(default_value = DIR, value_name = "DIR", value_parser = directory)]
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

/// Where facts are kept.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Storage {
    /// Where facts are kept, in the place of `settings.store`: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
}

/// Whom it is about.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Only {
    /// This person alone, by any address that the files have: reads no more than that takes, to offboard someone now.
    #[arg(long = "only", value_name = "EMAIL", value_parser = email)]
    pub email: Option<Email>,
}

/// How a plan is made.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Planning {
    /// Plan against a snapshot that `rosterd observe` wrote; needs no credentials and no network.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub live: Option<PathBuf>,
    /// Compare with the files of a commit: say which actions this change causes, and let nothing that it changes about
    /// the way to the apps decide where requests go.
    #[arg(long, value_name = "GIT_REF")]
    pub against: Option<String>,
    #[command(flatten)]
    pub only: Only,
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
    /// As it was typed.
    pub text: String,
    pub allow: String,
    pub guard: Guard,
    pub up_to: Option<u32>,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Validate {
    #[command(flatten)]
    pub dir: Dir,
    /// How problems are written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ValidateFormat,
}

/// Where a command that looks at every group of an app, declared or not, finds what is live.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Everything {
    /// Look at a snapshot that `rosterd observe --all-groups` wrote; needs no credentials and no network.
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    pub live: Option<PathBuf>,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Import {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub everything: Everything,
    /// Write nothing; show what would be added, as a difference.
    #[arg(long)]
    pub dry_run: bool,
}

/// How problems of the files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ValidateFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// Annotations that GitHub shows beside the lines of a pull request; run it at the root of the repository.
    Github,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Review {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub everything: Everything,
    #[command(flatten)]
    pub storage: Storage,
    /// Where to write the table; stdout when not given.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Fmt {
    #[command(flatten)]
    pub dir: Dir,
    /// Write nothing; show what would change, and exit with 1 if anything would.
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Plan {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub planning: Planning,
    #[command(flatten)]
    pub storage: Storage,
    /// How the plan is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: PlanFormat,
    /// Save the plan, for `rosterd apply --plan FILE`. It holds addresses, and no secret.
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Apply {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub storage: Storage,
    #[command(flatten)]
    pub only: Only,
    /// Release one guard for this run, as an `approvals:` line would; NAME is an action or a prefix of one.
    #[arg(long = "approve", value_name = "NAME:GUARD[:UP_TO]", value_parser = approval)]
    pub approve: Vec<Approve>,
    /// Do what is ready in a saved plan, as far as it is still the same, and nothing else; whatever changed since, in the
    /// files or in the apps, is listed as stale.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["apps", "email", "approve", "wait"])]
    pub plan: Option<PathBuf>,
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
pub(super) struct Daemon {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub storage: Storage,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Observe {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub target: Target,
    /// Read the members of every group, also of those that no line declares; `rosterd import --live` needs them.
    #[arg(long)]
    pub all_groups: bool,
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
    /// What the person really had then, from what was seen: at the end of a day (2026-11-20), at an instant of RFC 3339, or
    /// a span ago (7d).
    #[arg(long, value_name = "DATE")]
    pub at: Option<When>,
    #[command(flatten)]
    pub storage: Storage,
    /// How the answer is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct History {
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub storage: Storage,
    /// Only what was about this person.
    #[arg(long, value_name = "EMAIL", value_parser = email)]
    pub person: Option<Email>,
    /// Only what was done to this app.
    #[arg(long, value_name = "APP")]
    pub app: Option<String>,
    /// Only from this day or instant on.
    #[arg(long, value_name = "DATE")]
    pub since: Option<When>,
    /// Only up to this day, which is included, or this instant.
    #[arg(long, value_name = "DATE")]
    pub until: Option<When>,
    /// Only this run.
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// At most so many actions, the newest.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: u32,
    /// Check the whole ledger's chain of hashes instead, and name the first link that is broken.
    #[arg(long, conflicts_with_all = ["person", "app", "since", "until", "run"])]
    pub verify: bool,
    /// How it is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Forget {
    /// The person, by any address that the store knows; the files must not name them any more.
    #[arg(value_name = "EMAIL", value_parser = email)]
    pub email: Email,
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub storage: Storage,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Connectors {
    /// Every connector that comes with rosterd.
    List(ConnectorsList),
    /// What one connector can do, cannot do, and hands to a person.
    Show(ConnectorsShow),
    /// Check a manifest, and read with it from every app of the files that uses it; nothing is changed.
    Check(ConnectorsCheck),
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ConnectorsList {
    /// How the list is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ConnectorFormat,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ConnectorsShow {
    /// A connector's name, or the path of a manifest.
    pub name: String,
    /// How it is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ConnectorFormat,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ConnectorsCheck {
    /// The path of a manifest, or the name of a connector.
    #[arg(value_name = "FILE")]
    pub name: String,
    #[command(flatten)]
    pub dir: Dir,
    #[command(flatten)]
    pub target: Target,
}

/// How what connectors can do is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ConnectorFormat {
    /// For people.
    Text,
    /// A table for documents.
    Markdown,
    /// For programs.
    Json,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Schema {
    /// That of a connector's manifest instead.
    #[arg(long)]
    pub manifest: bool,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Completions {
    /// For which shell.
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Sandbox {
    /// Address to serve on.
    #[arg(long, default_value = "127.0.0.1:8480", value_name = "IP:PORT", value_parser = address)]
    pub listen: SocketAddr,
    /// Everything that is left to chance follows from this number.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// How long every answer takes, in real time: real apps answer in 100 to 500 ms.
    #[arg(long, default_value = "15ms", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub latency: Duration,
    /// How many seconds pass in the sandbox for each real one; quotas and invitations go faster with it.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = factor)]
    pub time_scale: f64,
    /// How long after an invitation it is accepted, in the sandbox's time; `never` keeps them open.
    #[arg(long, default_value = "20s", value_name = "DURATION", value_parser = accept_after)]
    pub accept_after: Duration,
    /// Make requests fail; may be given several times. `every=7,kind=500` fails every seventh request, `at=3` the third.
    /// Kinds: 500, 503, 429, reset-before, reset-after, slow (with `wait=3s`), stalled, html, html-502, cut-off, empty, malformed.
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<crate::sandbox::Fault>,
    /// Make an app deviate from its guide: `scim=no-etag,put-only` for all tenants of an app, `scim/acme=…` for one.
    /// What there is: http://…/_sandbox/APP/TENANT/quirks.
    #[arg(long = "quirk", value_name = "APP=QUIRKS", value_parser = crate::sandbox::parse_quirks)]
    pub quirks: Vec<crate::sandbox::QuirkSet>,
    /// Start without the example organisation.
    #[arg(long)]
    pub empty: bool,
}

/// How a plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PlanFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For a comment on a pull request, short enough for one.
    Markdown,
    /// The graph of actions, for Graphviz.
    Dot,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// An address in the place of the directory is a slip of the `=` that an optional value needs.
fn directory(text: &str) -> Result<PathBuf, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        return Err(format!("this is an address and not a directory; for a running sandbox write --sandbox={text}"));
    }
    Ok(text.into())
}

pub(super) fn email(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|error| error.to_string())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = named.as_deref().unwrap_or(text).parse();
    address.map_err(|_| "write an IP address and a port, such as 127.0.0.1:8480".to_owned())
}

pub(super) fn approval(text: &str) -> Result<Approve, String> {
    let mut parts = text.rsplitn(3, ':').collect::<Vec<_>>();
    parts.reverse();
    // Group names may hold colons, so the guard is looked for from the end.
    let (allow, guard, up_to) = match parts[..] {
        [allow, guard, up_to] if up_to.parse::<u32>().is_ok() => (allow.to_owned(), guard, up_to.parse().ok()),
        [a, b, guard] => (format!("{a}:{b}"), guard, None),
        [allow, guard] => (allow.to_owned(), guard, None),
        _ => return Err("write NAME:GUARD, such as autodesk/deactivate/jane@example.com:irreversible".into()),
    };
    let guard: Guard = guard.parse().map_err(|_| {
        let mut known = Guard::RELEASABLE.to_vec();
        known.sort_unstable();
        format!("`{guard}` is not a guard; approvals release {}", known.join(", "))
    })?;
    if !guard.releasable() {
        return Err(format!("no approval releases `{guard}`; the plan says what to mend"));
    }
    if allow.trim().is_empty() {
        return Err("write NAME:GUARD, such as autodesk/deactivate/jane@example.com:irreversible".into());
    }
    if up_to.is_some() && !guard.counts_people() {
        return Err("`up_to` is for the guards max-removals and max-creates; remove it".into());
    }
    Ok(Approve { text: text.to_owned(), allow, guard, up_to })
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
        assert!(approval(":irreversible").unwrap_err().contains("write NAME:GUARD"));
        assert!(approval("a:irreversible:3").unwrap_err().contains("`up_to` is for the guards"));
        let refused = approval("a:irreversibel").unwrap_err();
        assert!(refused.contains("approvals release") && refused.contains("irreversible"), "{refused}");
    }

    #[test]
    fn an_address_in_the_place_of_the_directory_is_sent_to_its_flag() {
        assert!(directory("http://127.0.0.1:8480").unwrap_err().contains("--sandbox=http://127.0.0.1:8480"));
        assert_eq!(directory("files").unwrap(), PathBuf::from("files"));
    }

    #[test]
    fn the_faults_that_the_help_names_can_be_made() {
        let help = Args::command().find_subcommand_mut("sandbox").unwrap().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, kinds) = help.split_once("Kinds: ").unwrap();
        let (kinds, _) = kinds.split_once(" --").unwrap();
        assert!(kinds.split(", ").count() > 5, "{kinds}");
        for kind in kinds.split(", ").map(|kind| kind.split(' ').next().unwrap()) {
            let wait = if kind == "slow" { ",wait=3s" } else { "" };
            format!("every=7,kind={kind}{wait}").parse::<crate::sandbox::Fault>().unwrap();
        }
    }

    #[test]
    fn the_sandbox_listens_where_it_is_told() {
        assert_eq!(address("localhost:80").unwrap(), address("127.0.0.1:80").unwrap());
        assert!(address("example.com:80").unwrap_err().contains("IP address"));
    }
}
