//! The `rosterd` command against servers that others wrote, so that not everything we are tested with was made by us, and
//! its pages in a browser.
//!
//! `make test` installs them below `target/` (see `install`). Without them `cargo test` passes, and says what it left out;
//! with `REAL_SERVERS=required`, as `make test` sets it, whatever is missing fails.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "figures for whoever runs it")]

mod browser;
mod command;
mod comment;
mod keystone;
mod scim;
mod server;
mod status_page;

#[test]
fn what_is_not_installed_is_named() {
    server::summary(browser::is_installed());
}
