//! `rosterd codeowners`: who has to review which files, denied by default.

use std::path::{Component, Path, PathBuf};

use super::{
    args::DIR,
    exit::{Exit, Failure},
    terminal,
    values::directory,
};
use crate::git;

/// What may decide, beside the files, what runs with the secrets and who reviews what.
const BESIDE: [&str; 4] = ["/.github/", "/deploy/github/", "/CODEOWNERS", "/docs/CODEOWNERS"];

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The desired-state directory.
    #[arg(default_value = DIR, value_name = "DIR", value_parser = directory)]
    dir: PathBuf,
    /// Who owns everything: `@ORG/TEAM`, `@USER` or an address; may be given several times, and any one of them suffices.
    #[arg(long, value_name = "OWNER", required = true, value_parser = owner)]
    default: Vec<String>,
    /// Who owns `people/` in their place.
    #[arg(long, value_name = "OWNER", value_parser = owner)]
    people: Vec<String>,
    /// Who owns `teams/` in their place.
    #[arg(long, value_name = "OWNER", value_parser = owner)]
    teams: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let dir = in_repository(&args.dir)?;
    terminal::print(&page(&dir, args)).map(|()| Exit::Fine)
}

/// The file. The last pattern that fits a path decides, so that what is opened comes last.
fn page(dir: &str, args: &Args) -> String {
    let mut lines = vec![
        "# Who has to review which files; `rosterd codeowners` wrote it. The last line that fits a path decides."
            .to_owned(),
        "# Everything belongs to one owner, because a file at the top may hold any section.".to_owned(),
    ];
    let mut line = |path: &str, owners: &[String]| lines.push(format!("{path} {}", owners.join(" ")));
    if dir == "/" {
        // The directory is the repository.
        line("*", &args.default);
    } else {
        line(dir, &args.default);
        for path in BESIDE {
            line(path, &args.default);
        }
    }
    for (section, owners) in [("people/", &args.people), ("teams/", &args.teams)] {
        if !owners.is_empty() {
            line(&format!("{dir}{section}"), owners);
        }
    }
    lines.join("\n") + "\n"
}

/// The directory's path from the root of the repository, between slashes.
fn in_repository(dir: &Path) -> Result<String, Failure> {
    let below = match git::prefix(dir) {
        Ok(prefix) => prefix,
        // Where there is none yet, the path that was typed is meant from the root.
        Err(_) if dir.is_relative() && !dir.components().any(|part| part == Component::ParentDir) => {
            let parts = dir.components().filter(|part| *part != Component::CurDir);
            parts.collect::<PathBuf>().to_string_lossy().replace('\\', "/")
        }
        Err(error) => {
            return Err(Failure::new(&error).hint("run this in the repository, and name the directory from its root"));
        }
    };
    let below = below.trim_end_matches('/');
    // GitHub has no way to write these.
    if let Some(odd) = below.chars().find(|c| c.is_whitespace() || c.is_control() || "#!*?[]\\".contains(*c)) {
        return Err(Failure::new(format!("`{below}` holds {odd:?}, which no CODEOWNERS file can name"))
            .hint("give the directory another name"));
    }
    Ok(if below.is_empty() { "/".to_owned() } else { format!("/{below}/") })
}

/// Somebody whom a CODEOWNERS file can name.
fn owner(text: &str) -> Result<String, String> {
    let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#');
    let named = text.strip_prefix('@').map_or(text.contains('@'), |name| !name.is_empty());
    if plain && named { Ok(text.to_owned()) } else { Err("write @ORG/TEAM, @USER or an address".into()) }
}
