//! What can go wrong with the store, in terms a person can act on.

use sqlx::migrate::MigrateError;

/// A failed operation of the store.
#[derive(Debug, thiserror::Error)]
#[error("store {store}: {doing}: {detail}{}", hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct StoreError {
    /// The store, without a password.
    pub store: String,
    /// What was being done: `opening it`, `writing down what is about to be sent`.
    pub doing: String,
    /// What kind of failure it is.
    pub trouble: Trouble,
    /// What the database said.
    pub detail: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// Kinds of failure that call for different reactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The address of the store makes no sense.
    Address,
    /// It cannot be reached or opened.
    Connect,
    /// The disk, or the space that the database may use, is full. What was stored before is still there.
    Full,
    /// Another process holds the database for too long.
    Locked,
    /// It was written by a newer version of this program.
    Newer,
    /// The lease was claimed by someone else meanwhile: nothing was written, and nothing more may be sent.
    LostLease,
    /// There is an open intent for the same action already; it has to be settled first.
    AlreadyOpen,
    /// The intent is not open any more.
    NotOpen,
    /// What is stored makes no sense.
    Corrupt,
    /// Anything else that the database refuses.
    Database,
}

impl StoreError {
    /// Whether the app belongs to another owner by now.
    pub fn is_lost_lease(&self) -> bool {
        self.trouble == Trouble::LostLease
    }

    /// Whether the store cannot be used, rather than that somebody else was faster.
    pub fn is_of_the_store(&self) -> bool {
        match self.trouble {
            Trouble::LostLease | Trouble::AlreadyOpen | Trouble::NotOpen => false,
            Trouble::Address
            | Trouble::Connect
            | Trouble::Full
            | Trouble::Locked
            | Trouble::Newer
            | Trouble::Corrupt
            | Trouble::Database => true,
        }
    }
}

/// What went wrong, before it is said where.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) trouble: Trouble,
    pub(super) detail: String,
    pub(super) hint: Option<&'static str>,
}

impl Fault {
    pub(super) fn new(trouble: Trouble, detail: impl Into<String>) -> Self {
        Self { trouble, detail: detail.into(), hint: hint(trouble) }
    }

    pub(super) fn corrupt(detail: impl Into<String>) -> Self {
        Self::new(Trouble::Corrupt, detail)
    }

    pub(super) fn with_hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(super) fn at(self, store: &str, doing: &str) -> StoreError {
        StoreError {
            store: store.to_owned(),
            doing: doing.to_owned(),
            trouble: self.trouble,
            detail: self.detail,
            hint: self.hint.map(str::to_owned),
        }
    }
}

fn hint(trouble: Trouble) -> Option<&'static str> {
    match trouble {
        Trouble::Address => Some("write sqlite:PATH or postgres://USER@HOST/DATABASE"),
        Trouble::Connect => Some("check that the store is there and that this user may use it, and try again"),
        Trouble::Full => Some("make room and run again; what was stored before is still there"),
        Trouble::Locked => Some("another process holds it; try again when that one is done"),
        Trouble::Newer => Some("use that version, or a newer one"),
        Trouble::LostLease => Some("another process has taken the app over and goes on with it"),
        Trouble::AlreadyOpen => Some("what came of the earlier request has to be found out first"),
        Trouble::NotOpen => Some("it was settled already"),
        Trouble::Corrupt => {
            Some("do not go on with it: keep a copy, and run `rosterd history --verify` or restore a backup")
        }
        Trouble::Database => None,
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::new(trouble(&error), error.to_string())
    }
}

/// What kind of failure the driver reports.
pub(super) fn trouble(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::Database(database) => {
            database.code().map_or(Trouble::Database, |code| by_code(&code, database.message()))
        }
        sqlx::Error::Configuration(_) => Trouble::Address,
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            Trouble::Connect
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Trouble::Corrupt,
        _ => Trouble::Database,
    }
}

/// PostgreSQL's codes have five characters; SQLite's are numbers below 10000, with the primary code in the lowest byte.
fn by_code(code: &str, message: &str) -> Trouble {
    if code.len() == 5 {
        return match code {
            "53100" => Trouble::Full,
            "55P03" | "40P01" | "40001" => Trouble::Locked,
            "57P01" | "57P02" | "57P03" | "53300" | "3D000" => Trouble::Connect,
            _ if code.starts_with("28") || code.starts_with("08") => Trouble::Connect,
            _ => Trouble::Database,
        };
    }
    // The names of these codes in SQLite's list of results.
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const READONLY: u32 = 8;
    const CORRUPT: u32 = 11;
    const FULL: u32 = 13;
    const CANTOPEN: u32 = 14;
    const NOTADB: u32 = 26;
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(BUSY | LOCKED) => Trouble::Locked,
        Ok(FULL) => Trouble::Full,
        Ok(CANTOPEN | READONLY) => Trouble::Connect,
        Ok(CORRUPT | NOTADB) => Trouble::Corrupt,
        // The worker reports what fails before a code is known by its text alone.
        _ if message.contains("disk is full") => Trouble::Full,
        _ => Trouble::Database,
    }
}

impl From<MigrateError> for Fault {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            MigrateError::VersionMissing(version) => Self::new(
                Trouble::Newer,
                format!("it was written by a newer rosterd: its schema is of version {version}"),
            ),
            other => Self::corrupt(other.to_string()),
        }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::corrupt(format!("a stored text is not what was written: {error}"))
    }
}
