//! `rosterd validate`.

use std::path::PathBuf;

use super::{
    args::DIR,
    context,
    exit::{Exit, Failure},
    terminal::{self, count},
    texts,
    values::directory,
};
use crate::desired::Problems;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The desired-state directory.
    #[arg(default_value = DIR, value_name = "DIR", value_parser = directory)]
    dir: PathBuf,
    /// How problems are written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// How problems of the files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// Annotations that GitHub shows beside the lines of a pull request; run it at the root of the repository.
    Github,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let dir = &args.dir;
    let registry = context::registry(dir);
    let loaded = if args.format == Format::Text {
        context::load(dir, &registry)?
    } else {
        let show = |problems: &Problems| match args.format {
            Format::Github => terminal::print(&problems.to_github(&dir.to_string_lossy().replace('\\', "/"))),
            _ => terminal::print(&problems.to_json()),
        };
        let loaded = texts::load(dir, &registry);
        show(loaded.as_ref().map_or_else(|problems| problems, |loaded| &loaded.warnings))?;
        loaded.map_err(|problems| context::verdict(&dir.display().to_string(), &problems))?
    };
    let desired = &loaded.desired;
    let verdict = format!(
        "{} is valid: {}, {}",
        dir.display(),
        count(desired.people.len(), "person", "people"),
        count(desired.apps.len(), "app", "apps"),
    );
    match args.format {
        Format::Text => terminal::print(&(verdict + "\n"))?,
        // What programs read has nothing else on its stream.
        _ => terminal::say(&verdict),
    }
    Ok(Exit::Fine)
}
