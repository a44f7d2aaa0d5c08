//! Opening a store, and the transactions that everything else is made of.
//!
//! There is one connection, and one transaction at a time: each is short, an app is written to by one process anyway, and
//! a pool would only have writers wait for each other inside the database. A transaction that is not committed ends with
//! its connection, so that nothing half done can linger, whatever interrupted it.

mod tx;

use std::{borrow::Cow, fmt, fs::File, future::Future, path::Path, sync::Arc, time::Duration};

use sqlx::{
    AnyConnection, Connection as _, SqlStr,
    any::install_default_drivers,
    migrate::{Migration, MigrationType, Migrator},
};
use tokio::sync::Mutex;

use super::{
    StoreError, Trouble,
    address::Address,
    connection,
    error::{self, Fault},
    files,
    lock::Locks,
};

pub(super) use tx::Tx;

/// How to open a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Every operation is driven to its end on the calling thread instead of being awaited, so that a paused clock cannot
    /// advance while the database works. For simulations; SQLite only.
    pub blocking: bool,
    /// The largest number of pages the database may have, so that a full disk can be had at will; SQLite only. See also
    /// [`Store::set_max_pages`].
    pub max_pages: Option<u32>,
}

/// An open store. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    address: Address,
    /// The file that was opened, where it is one.
    file: Option<files::Identity>,
    blocking: bool,
    connection: Mutex<Slot>,
    locks: Locks,
}

/// The connection's place.
struct Slot {
    /// None when the last one came to grief.
    connection: Option<AnyConnection>,
    /// A transaction was begun and not ended.
    dirty: bool,
    max_pages: Option<u32>,
}

/// How long an operation on a server may take. It is a few short statements; what takes longer waits for a server that is
/// gone, and the lease runs out meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often, and after what pause each, it is looked whether another process has opened the store. That takes it a few
/// milliseconds, or some seconds once where a new version changes the schema.
const OPENING_TRIES: u32 = 1500;
const OPENING_PAUSE: Duration = Duration::from_millis(10);

/// At the end nobody waits long for others.
const CLOSING_PATIENCE: &str = "PRAGMA busy_timeout = 500";

/// The schema's versions, each in a file of its own.
fn migrations() -> Migrator {
    let versions = [
        (1, "store", include_str!("schema/0001_store.sql")),
        (2, "personal", include_str!("schema/0002_personal.sql")),
        (3, "groups", include_str!("schema/0003_groups.sql")),
        (4, "claims", include_str!("schema/0004_claims.sql")),
        (5, "pauses", include_str!("schema/0005_pauses.sql")),
        (7, "turns", include_str!("schema/0007_turns.sql")),
        (8, "tenants", include_str!("schema/0008_tenants.sql")),
        (9, "overtaken", include_str!("schema/0009_overtaken.sql")),
    ];
    let migration = |(version, name, sql)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, SqlStr::from_static(sql), false)
    };
    Migrator { migrations: versions.map(migration).to_vec().into(), ..Migrator::DEFAULT }
}

impl Store {
    /// Opens `sqlite:PATH` (made when it is not there, with its folder), `sqlite::memory:` or `postgres://…`, and brings its
    /// schema up to date.
    ///
    /// # Errors
    /// When it cannot be reached or is of a newer version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, &OpenOptions::default()).await
    }

    /// The same, with options.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(url: &str, options: &OpenOptions) -> Result<Self, StoreError> {
        let store = Self::unopened(url, options)?;
        store.drive("opening it", store.migrate()).await?;
        store.drive_on("bringing the ledger up to date", store.reform()).await?;
        Ok(store)
    }

    /// A store to which there is no connection yet.
    fn unopened(url: &str, options: &OpenOptions) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        let name = address.name();
        let fault = |fault: Fault| fault.at(&name, "opening it");
        let (file, locks) = match &address {
            Address::File(file) => (Some(files::prepare(file).map_err(fault)?), Locks::Files(file.clone())),
            Address::Memory => (None, Locks::Memory(Arc::default())),
            Address::Postgres(_) if options.blocking || options.max_pages.is_some() => {
                return Err(fault(Fault::new(Trouble::Address, "a simulation keeps its store in SQLite")));
            }
            Address::Postgres(_) => (None, Locks::None),
        };
        install_default_drivers();
        Ok(Self {
            inner: Arc::new(Inner {
                name,
                file,
                blocking: options.blocking,
                connection: Mutex::new(Slot { connection: None, dirty: false, max_pages: options.max_pages }),
                locks,
                address,
            }),
        })
    }

    /// Opens a store that is there already; none when nothing was ever stored under this address.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_existing(url: &str) -> Result<Option<Self>, StoreError> {
        let there = match Address::parse(url)? {
            Address::File(file) => file.exists(),
            Address::Memory => false,
            Address::Postgres(_) => {
                let store = Self::unopened(url, &OpenOptions::default())?;
                store.drive("opening it", store.has_schema()).await?
            }
        };
        if there { Self::open(url).await.map(Some) } else { Ok(None) }
    }

    /// The same store by a connection of its own where it is on a server, so that what is short and urgent does not wait for
    /// what is long. A file has one writer at a time as it is.
    #[must_use]
    pub fn beside(&self) -> Self {
        if !self.is_postgres() {
            return self.clone();
        }
        let inner = Inner {
            name: self.inner.name.clone(),
            address: self.inner.address.clone(),
            file: None,
            blocking: self.inner.blocking,
            connection: Mutex::new(Slot { connection: None, dirty: false, max_pages: None }),
            locks: Locks::None,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether a server has our tables.
    async fn has_schema(&self) -> Result<bool, Fault> {
        let mut tx = self.read().await?;
        let sql = "SELECT CAST(to_regclass('_sqlx_migrations') AS TEXT)";
        let found: Option<String> = sqlx::query_scalar(sql).fetch_one(tx.connection()?).await?;
        tx.commit().await?;
        Ok(found.is_some())
    }

    /// Its address, without a password.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Bounds the number of pages from now on; `None`: no bound. SQLite only. A bound below what is used already means that
    /// not one more page can be had.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_max_pages(&self, pages: Option<u32>) -> Result<(), StoreError> {
        self.drive("bounding its size", async {
            if self.is_postgres() {
                return Err(Fault::new(Trouble::Address, "only SQLite can be bounded"));
            }
            let mut tx = self.read().await?;
            tx.slot.max_pages = pages;
            connection::bound(tx.connection()?, pages).await?;
            tx.commit().await
        })
        .await
    }

    /// Makes the file hold nothing that was deleted. A server does so by itself, sooner or later.
    ///
    /// # Errors
    /// When another process uses the file, or there is no room for a copy of it.
    pub async fn shred(&self) -> Result<(), StoreError> {
        self.drive_on("writing its file anew", async {
            let mut slot = self.inner.connection.lock().await;
            let Some(connection) = slot.connection.as_mut().filter(|_| !self.is_postgres()) else { return Ok(()) };
            for statement in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] {
                sqlx::query(statement).fetch_all(&mut *connection).await?;
            }
            Ok(())
        })
        .await
    }

    /// Ends the connection, with everything in the one file that the address names, so that a copy of that file is a copy of
    /// the store. Whoever uses it afterwards connects anew; what is in memory stays.
    ///
    /// # Errors
    /// When the database refuses; nothing that was stored is lost by that.
    pub async fn close(&self) -> Result<(), StoreError> {
        if self.inner.address == Address::Memory {
            return Ok(());
        }
        self.drive("closing it", async {
            let mut slot = self.inner.connection.lock().await;
            let Some(mut connection) = slot.connection.take() else { return Ok(()) };
            if !self.is_postgres() {
                // What another process still reads or writes is moved when that one is done.
                for statement in [CLOSING_PATIENCE, "PRAGMA wal_checkpoint(TRUNCATE)"] {
                    sqlx::query(statement).fetch_all(&mut connection).await?;
                }
            }
            Ok(connection.close().await?)
        })
        .await
    }

    async fn migrate(&self) -> Result<(), Fault> {
        // Two processes that come at the same time would make the same tables; PostgreSQL's migrator has a lock of its own.
        let alone = match &self.inner.address {
            Address::File(file) => Some(self.alone(file).await?),
            Address::Memory | Address::Postgres(_) => None,
        };
        let mut slot = self.inner.connection.lock().await;
        let mut connection = connection::connect(&self.inner.address, slot.max_pages).await?;
        migrations().run_direct(None, &mut connection, false).await?;
        slot.connection = Some(connection);
        drop(alone);
        Ok(())
    }

    /// Waits until no other process is opening the same store.
    async fn alone(&self, database: &Path) -> Result<File, Fault> {
        for _ in 0..OPENING_TRIES {
            if let Some(lock) = files::try_lock_for_opening(database)? {
                return Ok(lock);
            }
            if self.inner.blocking {
                std::thread::sleep(OPENING_PAUSE);
            } else {
                tokio::time::sleep(OPENING_PAUSE).await;
            }
        }
        Err(Fault::new(Trouble::Locked, "another process has been opening it for a long time"))
    }

    /// Drives an operation to its end, in the way the store was opened for, and says what failed.
    pub(super) async fn drive<T>(
        &self,
        doing: &str,
        operation: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, StoreError> {
        if !self.is_postgres() {
            return self.drive_on(doing, operation).await;
        }
        let in_time = async {
            tokio::time::timeout(PATIENCE, operation).await.unwrap_or_else(|_| {
                Err(Fault::new(Trouble::Connect, format!("no answer within {} s", PATIENCE.as_secs())))
            })
        };
        self.drive_on(doing, in_time).await
    }

    /// The same for what goes through the whole ledger, however long that takes.
    pub(super) async fn drive_on<T>(
        &self,
        doing: &str,
        operation: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, StoreError> {
        let result = if self.inner.blocking {
            // Tokio makes a task that has done much wait for its next turn, which cannot come while it blocks the thread.
            futures::executor::block_on(tokio::task::unconstrained(operation))
        } else {
            operation.await
        };
        result.map_err(|fault| fault.at(&self.inner.name, doing))
    }

    /// A transaction that writes.
    pub(super) async fn write(&self) -> Result<Tx<'_>, Fault> {
        // SQLite would otherwise find out in mid-transaction that somebody else is writing.
        self.begin(if self.is_postgres() { "BEGIN" } else { "BEGIN IMMEDIATE" }).await
    }

    /// A transaction that reads, everything as it was at one moment.
    pub(super) async fn read(&self) -> Result<Tx<'_>, Fault> {
        self.begin(if self.is_postgres() { "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" } else { "BEGIN" }).await
    }

    async fn begin(&self, statement: &'static str) -> Result<Tx<'_>, Fault> {
        let mut slot = self.inner.connection.lock().await;
        self.inner.is_still_there()?;
        if slot.dirty
            && let Some(connection) = slot.connection.as_mut()
        {
            // Only what is in memory outlives a transaction that broke off, and it may have ended by itself.
            let _ended_before = sqlx::query("ROLLBACK").execute(connection).await;
        }
        if slot.connection.is_none() {
            slot.connection = Some(connection::connect(&self.inner.address, slot.max_pages).await?);
        }
        slot.dirty = true;
        let mut tx = Tx { slot, inner: &self.inner };
        let begun = sqlx::query(statement).execute(tx.connection()?).await;
        match begun {
            Ok(_) => Ok(tx),
            // A server that was started anew has ended the connection. Nothing was asked of it yet, so that a new one will do.
            Err(error) if self.is_postgres() && error::trouble(&error) == Trouble::Connect => {
                tx.slot.connection = Some(connection::connect(&self.inner.address, None).await?);
                sqlx::query(statement).execute(tx.connection()?).await?;
                Ok(tx)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.inner.address, Address::Postgres(_))
    }

    pub(super) fn locks(&self) -> &Locks {
        &self.inner.locks
    }
}

impl Inner {
    /// Refuses a file that is not there any more.
    fn is_still_there(&self) -> Result<(), Fault> {
        match (&self.address, &self.file) {
            (Address::File(path), Some(opened)) => files::still_there(path, opened),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.inner.name).finish()
    }
}
