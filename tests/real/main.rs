//! The `rosterd` command against servers that others wrote, so that not everything we are tested with was made by us.
//!
//! `make test` installs them below `target/` (see `install`). Without them `cargo test` passes, and says what it left out;
//! with `REAL_SERVERS=required`, as `make test` sets it, whatever is missing fails.

mod command;
mod keystone;
mod scim;
mod server;

#[test]
fn what_is_not_installed_is_named() {
    server::summary();
}
