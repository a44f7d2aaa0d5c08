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
    let file = open(database).and_then(|file| file.metadata());
    file.map(|file| Identity::of(&file)).map_err(|error| failed("cannot open", database, &error))
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
    try_lock(&beside(database, "open"))
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
pub(super) fn beside(database: &Path, what: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(format!("-lock-{what}"));
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
