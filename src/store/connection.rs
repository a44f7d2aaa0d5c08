//! Connecting to a database, and what is asked of every connection.

use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions as _, Connection as _, any::AnyConnectOptions};

use super::{Trouble, address::Address, error::Fault};

/// The largest number of pages that SQLite can be given.
const MOST_PAGES: u32 = 4_294_967_294;

/// How every connection to SQLite begins. `FULL` makes a commit durable before it returns. Another process may take some
/// time with a large reading, but not a quarter of a minute.
const SQLITE: &[&str] = &[
    "PRAGMA busy_timeout = 15000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
];

/// How every connection to PostgreSQL begins: durable commits whatever the server's default is, and no waiting without end,
/// neither for others nor of others for us.
const POSTGRES: &[&str] = &[
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')",
    "SET lock_timeout = '15s'",
    "SET idle_in_transaction_session_timeout = '60s'",
];

pub(super) async fn connect(address: &Address, max_pages: Option<u32>) -> Result<AnyConnection, Fault> {
    let options = AnyConnectOptions::from_url(&address.url()?)?.disable_statement_logging();
    let mut connection = AnyConnection::connect_with(&options).await.map_err(|error| match Fault::from(error) {
        fault if fault.trouble == Trouble::Database => Fault::new(Trouble::Connect, fault.detail),
        fault => fault,
    })?;
    for &statement in if matches!(address, Address::Postgres(_)) { POSTGRES } else { SQLITE } {
        sqlx::query(statement).execute(&mut connection).await?;
    }
    if max_pages.is_some() {
        bound(&mut connection, max_pages).await?;
    }
    Ok(connection)
}

/// Bounds the number of pages from now on.
pub(super) async fn bound(connection: &mut AnyConnection, pages: Option<u32>) -> Result<(), Fault> {
    let statement = format!("PRAGMA max_page_count = {}", pages.unwrap_or(MOST_PAGES));
    sqlx::query(AssertSqlSafe(statement)).persistent(false).execute(connection).await?;
    Ok(())
}
