//! The `rosterd` command as a user runs it, against the sandbox over real HTTP: each test is a story that ends with a plan.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever runs it")]

mod acc;
mod against;
mod alteryx;
mod alteryx_webapi;
mod codeowners;
mod commands;
mod daemon;
mod deploy;
mod example;
mod faults;
mod fmt;
mod git_story;
#[cfg(target_os = "linux")]
mod github;
mod guards;
mod history;
mod hook;
mod import;
mod interrupts;
mod killed;
mod limits;
mod only;
mod pause;
#[cfg(target_os = "linux")]
mod port;
#[cfg(unix)]
mod private;
mod quiet;
mod reasons;
mod renames;
mod saved;
mod scim;
mod secrets;
mod story;
mod tenants;
mod told;
mod upgrades;
#[cfg(unix)]
mod walk;
mod workiva;
