//! Which store a command uses, and under whose name it writes there.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tracing::warn;

use super::{args::Storage, exit::Failure, folder, terminal};
use crate::{
    connectors::{Clock, SecretSource as _},
    git::{self, Head},
    model,
    plan::Oversight,
    reconcile::{Author, Memory},
    store::{Store, StoreError},
};
use secrecy::ExposeSecret as _;

/// A store that lives as long as the process.
pub(super) const PRIVATE: &str = "sqlite::memory:";

/// The address of the store: what was typed, or what the files say. Simulated apps have a private one unless another was
/// typed. A path in the files of `dir` begins in the folder that holds them.
pub(super) fn store_url(
    files: &model::Store,
    storage: &Storage,
    simulated: bool,
    dir: &Path,
) -> Result<String, Failure> {
    match (&storage.store, files) {
        (Some(typed), _) => Ok(typed.clone()),
        (None, _) if simulated => Ok(PRIVATE.into()),
        (None, model::Store::Url(url)) => folder::store(url, dir),
        (None, model::Store::Secret(secret)) => match folder::secrets(dir).resolve(secret) {
            Ok(url) => folder::store(url.expose_secret(), dir),
            Err(why) => Err(Failure::new(format!("`settings.store`: {why}"))
                .hint("set it, or name a store with --store sqlite:PATH")),
        },
    }
}

/// Whether there is anything at this address yet. Only a file can be missing; a server is asked.
pub(super) fn exists(url: &str) -> bool {
    match url.strip_prefix("sqlite:") {
        Some(":memory:") | None => true,
        Some(path) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            Path::new(path.split('?').next().unwrap_or(path)).exists()
        }
    }
}

/// A memory that only looks. None when there is nothing to look at, or when it cannot be reached, which is said: a plan is
/// worth having without a past.
pub(super) async fn looking(
    files: &model::Store,
    storage: &Storage,
    simulated: bool,
    dir: &Path,
) -> Result<Option<Memory>, Failure> {
    let url = match store_url(files, storage, simulated, dir) {
        Ok(url) => url,
        Err(failure) => {
            terminal::note(&format!("planning without a past: {}", failure.message));
            return Ok(None);
        }
    };
    if !exists(&url) {
        return Ok(None);
    }
    let memory = Memory::of(open(&url).await?, Clock::default()).overseen();
    Ok(Some(if url == PRIVATE { memory.private() } else { memory }))
}

/// The memory of `rosterd apply`, made when it is not there.
pub(super) async fn writing(
    files: &model::Store,
    storage: &Storage,
    simulated: bool,
    dir: &Path,
    oversight: Oversight,
) -> Result<Memory, Failure> {
    let url = store_url(files, storage, simulated, dir)?;
    let store = open(&url).await?;
    let memory = Memory::writing(store, author("apply", told_commit(dir)), Clock::default());
    // Simulated apps are there to be tried out on.
    let tries_out = simulated && url == PRIVATE;
    let memory = if tries_out || oversight == Oversight::Person { memory.overseen() } else { memory };
    Ok(if url == PRIVATE { memory.private() } else { memory })
}

/// Stores that are closed when the command is done.
static OPEN: Mutex<Vec<Store>> = Mutex::new(Vec::new());

/// Nobody waits longer than this for a server at the end; what was written is durable as it is.
const CLOSING: Duration = Duration::from_secs(5);

/// Opens a store.
pub(super) async fn open(url: &str) -> Result<Store, Failure> {
    Store::open(url).await.map(kept).map_err(Failure::new)
}

/// Opens a store that is only read. One that is not there is not made.
pub(super) async fn existing(url: &str) -> Result<Option<Store>, StoreError> {
    Ok(Store::open_existing(url).await?.map(kept))
}

fn kept(store: Store) -> Store {
    // A whole value is put in.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner).push(store.clone());
    store
}

/// Closes every store that the command has opened.
pub(super) async fn close() {
    let stores = std::mem::take(&mut *OPEN.lock().unwrap_or_else(PoisonError::into_inner));
    for store in stores {
        match tokio::time::timeout(CLOSING, store.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "the store was not closed, so that a copy of it needs all of its files"),
            Err(_) => warn!(store = store.name(), "the store was not closed: it took too long"),
        }
    }
}

/// The commit of the files, with a mark when they differ from it; none when they are in no repository. That it cannot be told
/// is said.
fn told_commit(dir: &Path) -> Option<String> {
    let Head { commit, trouble } = git::head(dir);
    if let Some(trouble) = trouble {
        terminal::note(&trouble);
    }
    commit
}

/// This process as the author of what a command writes down.
pub(super) fn author(command: &str, commit: Option<String>) -> Author {
    Author { command: command.to_owned(), commit, host: host(), pid: std::process::id() }
}

/// Who types, for people: the user and the machine.
pub(super) fn person() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    format!("{} on {}", user.unwrap_or_else(|| "somebody".into()), host())
}

/// The name of this machine, for people.
fn host() -> String {
    let file = |path| std::fs::read_to_string(path).ok();
    let name = file("/proc/sys/kernel/hostname").or_else(|| file("/etc/hostname"));
    let name = name.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".into())
}
