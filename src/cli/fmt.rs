//! `rosterd fmt`.

use std::path::PathBuf;

use super::{
    args::DIR,
    context,
    exit::{Exit, Failure},
    files::{self, Change},
    terminal::{self, count},
    values::directory,
};
use crate::desired;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The desired-state directory.
    #[arg(default_value = DIR, value_name = "DIR", value_parser = directory)]
    dir: PathBuf,
    /// Write nothing; show what would change, and exit with 1 if anything would.
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let dir = &args.dir;
    let found = desired::read(dir).map_err(|problems| context::refuse(&dir.display().to_string(), &problems))?.files;
    let total = found.len();
    let mut changes = Vec::new();
    let mut failed = 0;
    for (name, before) in found {
        match desired::format(&name, &before) {
            Ok(after) if after == before => {}
            Ok(after) => changes.push(Change { name, before: Some(before), after }),
            Err(problems) => {
                failed += 1;
                context::show(&problems);
            }
        }
    }
    files::deliver(dir, &changes, args.check)?;
    terminal::say(&verdict(args.check, changes.len(), total, failed));
    Ok(if failed > 0 || (args.check && !changes.is_empty()) { Exit::Failed } else { Exit::Fine })
}

fn verdict(check: bool, changed: usize, total: usize, failed: usize) -> String {
    let files = |many: usize| count(many, "file", "files");
    let mut text = match (check, changed) {
        (_, 0) => format!("{} looked at, none to change", files(total)),
        (true, _) => format!("{} of {total} would change; `rosterd fmt` does it", files(changed)),
        (false, _) => format!("laid out {} of {total}", files(changed)),
    };
    if failed > 0 {
        text += &format!("; {} left as {}, see above", files(failed), if failed == 1 { "it was" } else { "they were" });
    }
    text
}
