//! The files of a store in SQLite.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{Trouble, error::Fault};

/// Which file it is, whatever it is called. An inode's number may be given to another file once nobody has the first one open,
/// so that its birth counts as well, where the disk knows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    #[cfg(unix)]
    inode: (u64, u64),
    born: Option<SystemTime>,
}

impl Identity {
    fn of(file: &fs::Metadata) -> Self {
        Self {
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt as _;
                (file.dev(), file.ino())
            },
            born: file.created().ok(),
        }
    }
}

/// Makes sure that a database is still the file that was opened. SQLite goes on with one that was deleted, and all that it
/// writes is lost; whoever makes a new one in its place would be a second writer who knows nothing of the first.
pub(super) fn still_there(database: &Path, opened: &Identity) -> Result<(), Fault> {
    let what = match fs::metadata(database) {
        Ok(file) if Identity::of(&file) == *opened => return Ok(()),
        Ok(_) => "another file was put in the place of the one that was opened",
        Err(error) if error.kind() == io::ErrorKind::NotFound => "its file was deleted while it was open",
        Err(error) => return Err(failed("cannot look at", database, &error)),
    };
    Err(Fault::new(Trouble::Connect, what).with_hint(
        "nothing can be written down: put the same file back, or start rosterd again to go on with what is there",
    ))
}

/// The folder of a store unless the files say otherwise. Nothing in it is anybody else's.
const OWN: &str = ".rosterd";

/// Makes the database's file and folder where they are not there, and says which file it is. Nobody else may read them: a
/// ledger says who has what. A folder that is rosterd's own keeps itself out of git.
pub(super) fn prepare(database: &Path) -> Result<Identity, Fault> {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new = !folder.exists();
    if new {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| failed("cannot make the folder", folder, &error))?;
    }
    if new || folder.file_name().is_some_and(|name| name == OWN) {
        keep_to_ourselves(folder);
    }
    let there = || fs::exists(database).map_err(|error| failed("cannot look at", database, &error));
    if !there()? {
        begin(database).map_err(|error| failed("cannot make", database, &error))?;
    }
    let file = open(database).and_then(|file| file.metadata());
    let file = file.map_err(|error| failed("cannot open", database, &error))?;
    if file.len() == 0 {
        // SQLite would take it for a new one, and all that was remembered would be gone without a word.
        return Err(Fault::corrupt("its file is empty, and a store never is").with_hint(
            "put a backup in its place; if there never was anything in it, delete the file, and the next run begins anew",
        ));
    }
    Ok(Identity::of(&file))
}

/// The size of a page of a new database.
const PAGE: usize = 4096;

/// Makes a database with nothing in it. The file is whole from the moment that it has its name, so that one without content is
/// never a store that somebody was about to make.
fn begin(database: &Path) -> io::Result<()> {
    let fresh = beside(database, &format!("-new-{:016x}", rand::random::<u64>()));
    let written = open(&fresh).and_then(|mut file| {
        file.write_all(&empty_database())?;
        file.sync_all()
    });
    let named = written.and_then(|()| match fs::hard_link(&fresh, database) {
        // Somebody else made one at the same time.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Not every disk can give a file two names.
        Err(_) => fs::rename(&fresh, database),
        Ok(()) => Ok(()),
    });
    // Where it was renamed it is not there any more.
    let _ = fs::remove_file(&fresh);
    named
}

/// What SQLite's file format says of a database that has no table: its header, and the root of a table of tables that is empty.
fn empty_database() -> Vec<u8> {
    let mut page = vec![0; PAGE];
    let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"SQLite format 3\0");
    put(16, &[0x10, 0x00, 1, 1, 0, 64, 32, 32]);
    // One change, which made one page.
    put(24, &[0, 0, 0, 1, 0, 0, 0, 1]);
    // The form of the schema, and UTF-8.
    put(44, &[0, 0, 0, 4]);
    put(56, &[0, 0, 0, 1]);
    put(92, &[0, 0, 0, 1]);
    // A leaf without cells, whose content begins at the end of the page.
    put(100, &[0x0d, 0, 0, 0, 0, 0x10, 0x00, 0]);
    page
}

/// Closes a folder to others, and to git. What cannot be done is left: the files in it are closed themselves, and the folder
/// may belong to somebody else, who decides.
fn keep_to_ourselves(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
        if open {
            let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
        }
    }
    // One that is there is somebody's own.
    let _ = File::create_new(folder.join(".gitignore")).and_then(|mut file| file.write_all(b"*\n"));
}

/// Makes sure that no other process is opening the same store; none while one is.
pub(super) fn try_lock_for_opening(database: &Path) -> Result<Option<File>, Fault> {
    try_lock(&lock_of(database, "open"))
}

/// Locks a file until it is closed; none when another process, or another part of this one, holds it.
pub(super) fn try_lock(path: &Path) -> Result<Option<File>, Fault> {
    let file = open(path).map_err(|error| failed("cannot open", path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(failed("cannot lock", path, &error)
            .with_hint("put the store on a disk of this machine; not every network drive can lock")),
    }
}

/// The name of a lock that goes with a database. These files stay: to remove one is to race with its next user.
pub(super) fn lock_of(database: &Path, what: &str) -> PathBuf {
    beside(database, &format!("-lock-{what}"))
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(ending);
    name.into()
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Fault {
    let trouble = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Trouble::Full,
        _ => Trouble::Connect,
    };
    Fault::new(trouble, format!("{what} {}: {error}", path.display()))
}
