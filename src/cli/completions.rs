//! `rosterd completions SHELL`.

use clap::CommandFactory as _;

use super::{
    args::{Args, Completions},
    exit::{Exit, Failure},
    terminal,
};

pub(super) fn run(args: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "rosterd", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
