//! One directory at a time, by handle: no link is followed on the way, and what is looked at is what is opened, whoever
//! swaps names meanwhile.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
};

use super::rules::Kind;

pub(super) use platform::Folder;

/// What stands under a name.
pub(super) struct Found {
    pub kind: Kind,
    /// A number that changes with the content: of size, time and place on the disk.
    pub stamp: u64,
}

impl Folder {
    /// Opens a regular file, and nothing else. Opening neither waits for a writer nor takes a terminal.
    pub(super) fn file(&self, name: &OsStr) -> io::Result<File> {
        let file = self.open_file(name)?;
        // What was looked at before may have been replaced since; this is what was opened.
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
    }
}

#[cfg(unix)]
mod platform {
    use std::{
        hash::{DefaultHasher, Hash as _, Hasher as _},
        os::{fd::OwnedFd, unix::ffi::OsStringExt as _},
        path::Path,
    };

    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, open, openat, readlinkat, statat};

    use super::{File, Found, Kind, OsStr, OsString, io};

    /// An open directory.
    pub(in super::super) struct Folder(OwnedFd);

    impl Folder {
        /// Opens a directory, wherever its name leads.
        pub(in super::super) fn open(path: &Path) -> io::Result<Self> {
            Ok(Self(open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?))
        }

        /// Opens a directory in this one; a link to one is none.
        pub(in super::super) fn folder(&self, name: &OsStr) -> io::Result<Self> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(Self(openat(&self.0, name, flags, Mode::empty())?))
        }

        pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            Ok(File::from(openat(&self.0, name, flags, Mode::empty())?))
        }

        /// The names in it, at most `limit` of them, in no order.
        pub(in super::super) fn names(&self, limit: usize) -> io::Result<Vec<OsString>> {
            let mut names = Vec::new();
            for entry in Dir::read_from(&self.0)? {
                let name = entry?.file_name().to_bytes().to_owned();
                if name != b"." && name != b".." {
                    names.push(OsString::from_vec(name));
                }
                if names.len() == limit {
                    break;
                }
            }
            Ok(names)
        }

        /// What stands under a name. Nothing is opened.
        pub(in super::super) fn look(&self, name: &OsStr) -> io::Result<Found> {
            let stat = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let kind = match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                FileType::Symlink => Kind::Link,
                FileType::Fifo => Kind::Fifo,
                FileType::Socket => Kind::Socket,
                _ => Kind::Device,
            };
            // Keyed the same in every call of one process, which is as long as it is compared.
            let mut hasher = DefaultHasher::new();
            (stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_ino, stat.st_mode).hash(&mut hasher);
            Ok(Found { kind, stamp: hasher.finish() })
        }

        /// Where a link leads.
        pub(in super::super) fn target(&self, name: &OsStr) -> io::Result<OsString> {
            Ok(OsString::from_vec(readlinkat(&self.0, name, Vec::new())?.into_bytes()))
        }
    }
}

#[cfg(not(unix))]
mod platform {
    use std::{
        fs,
        hash::{DefaultHasher, Hash as _, Hasher as _},
        path::{Path, PathBuf},
    };

    use super::{File, Found, Kind, OsStr, OsString, io};

    /// A directory. Where there are no handles to go by, its path stands for it.
    pub(in super::super) struct Folder(PathBuf);

    impl Folder {
        /// A directory, wherever its name leads.
        pub(in super::super) fn open(path: &Path) -> io::Result<Self> {
            fs::read_dir(path)?;
            Ok(Self(path.to_owned()))
        }

        /// A directory in this one; a link to one is none.
        pub(in super::super) fn folder(&self, name: &OsStr) -> io::Result<Self> {
            match self.look(name)?.kind {
                Kind::Folder => Self::open(&self.0.join(name)),
                _ => Err(io::Error::other("it is no directory")),
            }
        }

        pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
            match self.look(name)?.kind {
                Kind::File => File::open(self.0.join(name)),
                _ => Err(io::Error::other("it is no regular file")),
            }
        }

        /// The names in it, at most `limit` of them, in no order.
        pub(in super::super) fn names(&self, limit: usize) -> io::Result<Vec<OsString>> {
            fs::read_dir(&self.0)?.take(limit).map(|entry| Ok(entry?.file_name())).collect()
        }

        /// What stands under a name. Nothing is opened.
        pub(in super::super) fn look(&self, name: &OsStr) -> io::Result<Found> {
            let found = fs::symlink_metadata(self.0.join(name))?;
            let kind = match found.file_type() {
                kind if kind.is_symlink() => Kind::Link,
                kind if kind.is_dir() => Kind::Folder,
                kind if kind.is_file() => Kind::File,
                _ => Kind::Device,
            };
            let mut hasher = DefaultHasher::new();
            (found.len(), found.modified().ok(), found.is_dir()).hash(&mut hasher);
            Ok(Found { kind, stamp: hasher.finish() })
        }

        /// Where a link leads.
        pub(in super::super) fn target(&self, name: &OsStr) -> io::Result<OsString> {
            Ok(fs::read_link(self.0.join(name))?.into_os_string())
        }
    }
}
