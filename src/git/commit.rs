//! The files of a commit below one directory.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use super::{GitError, Objects, command, fail, git, line, not_started};
use crate::model::short_commit;

/// Attributes by which what git lays out is not what the commit holds. Line ends are not among them: rosterd reads both alike.
pub(super) const CONVERTING: [&str; 5] = ["filter", "ident", "working-tree-encoding", "export-subst", "export-ignore"];

/// The files of one commit, seen from a directory of its working tree.
#[derive(Debug)]
pub(crate) struct Commit {
    /// The root of the working tree.
    pub(super) root: PathBuf,
    /// The directory's path below the root, with a slash at its end unless it is the root.
    pub(super) prefix: String,
    /// The commit's full id.
    pub(crate) id: String,
    /// Everything below the directory.
    pub(crate) entries: Vec<Entry>,
    /// How git is asked about it.
    pub(super) ask: fn(&Path) -> Command,
}

/// What stands under a path of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// From the directory.
    pub path: Vec<u8>,
    pub kind: Kind,
    pub size: u64,
    pub(super) object: String,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Link,
    Submodule,
}

impl Commit {
    /// The commit that `reference` names in the repository around `dir`.
    ///
    /// # Errors
    /// When there is no repository or no such commit, or when `dir` is reached through a link in the working tree.
    pub(crate) fn open(dir: &Path, reference: &str) -> Result<Self, GitError> {
        if reference.is_empty() || reference.starts_with('-') {
            return Err(fail(format!("`{reference}` does not name a commit"), None));
        }
        let root = PathBuf::from(line(&git(dir, ["rev-parse", "--show-toplevel"])?));
        let prefix = prefix(dir)?;
        refuse_links(dir, &root)?;
        let commit = format!("{reference}^{{commit}}");
        let id = git(dir, ["rev-parse", "--verify", "--quiet", &commit]).map_err(|_| {
            let hint = "name a branch, a tag or a commit that is here; in CI, fetch it first";
            fail(format!("there is no commit `{reference}` in {}", root.display()), Some(hint))
        })?;
        Self::listed(root, prefix, line(&id), command)
    }

    /// The commit `id`, with all that is in it below `prefix`.
    pub(super) fn listed(
        root: PathBuf,
        prefix: String,
        id: String,
        ask: fn(&Path) -> Command,
    ) -> Result<Self, GitError> {
        let mut args = vec!["ls-tree", "-r", "-l", "-z", "--full-tree", &id];
        let below = prefix.trim_end_matches('/');
        if !below.is_empty() {
            args.extend(["--", below]);
        }
        let listing = super::run(ask(&root), &root, args)?;
        let mut entries = Vec::new();
        for mut entry in parse_listing(&listing) {
            match entry.path.strip_prefix(prefix.as_bytes()) {
                Some(path) => entry.path = path.to_owned(),
                None => {
                    let message =
                        format!("`{below}` of {} is no directory but a link, a file or a submodule", short_commit(&id));
                    return Err(fail(message, Some("put the directory itself there")));
                }
            }
            entries.push(entry);
        }
        Ok(Self { root, prefix, id, entries, ask })
    }

    /// How sentences call what is at a path from the directory, or the directory itself.
    pub(crate) fn name(&self, path: &str) -> String {
        let path = format!("{}{path}", self.prefix);
        format!("`{}` of {}", if path.is_empty() { "." } else { path.trim_end_matches('/') }, self.short())
    }

    /// The commit's id as people quote it.
    pub(crate) fn short(&self) -> String {
        short_commit(&self.id)
    }

    /// What files below the directory hold, by their paths from it.
    ///
    /// # Errors
    /// When git does not have one of them.
    pub(crate) fn read(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, Vec<u8>)>, GitError> {
        let mut objects = Objects::begin((self.ask)(&self.root))?;
        let mut read = Vec::new();
        for entry in &self.entries {
            if let Ok(path) = std::str::from_utf8(&entry.path)
                && wanted(path)
            {
                read.push((path.to_owned(), objects.read(&entry.object)?));
            }
        }
        Ok(read)
    }

    /// Those of `paths` that git would lay out with other bytes than the commit holds, by the commit's own attributes; each
    /// with the attribute.
    ///
    /// # Errors
    /// When git cannot be asked.
    pub(crate) fn converted(&self, paths: &[&str]) -> Result<Vec<(String, String)>, GitError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // An index of the commit alone is how every version of git can be asked for its attributes.
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let index = std::env::temp_dir().join(format!("rosterd-{}-{number}.index", std::process::id()));
        let with_index = || {
            let mut command = (self.ask)(&self.root);
            command.env("GIT_INDEX_FILE", &index);
            command
        };
        let read = super::run(with_index(), &self.root, ["read-tree", &self.id]);
        let found = read.and_then(|_| self.attributes(with_index(), &["--cached"], paths));
        // It holds names alone; staying behind does no harm.
        let _ = std::fs::remove_file(&index);
        found
    }

    /// The attributes of `paths` that convert, as `command` sees them.
    pub(super) fn attributes(
        &self,
        mut command: Command,
        more: &[&str],
        paths: &[&str],
    ) -> Result<Vec<(String, String)>, GitError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        command.arg("check-attr").args(more).args(["-z", "--stdin"]).args(CONVERTING).stdin(Stdio::piped());
        let mut child = command.spawn().map_err(|error| not_started(&error))?;
        let ask = child.stdin.take();
        let asked: Vec<u8> = paths.iter().flat_map(|path| format!("{}{path}\0", self.prefix).into_bytes()).collect();
        // Both pipes at once, so that neither side waits on a full one. That git ended early is seen by its status.
        let output = std::thread::scope(|scope| {
            scope.spawn(move || ask.map(|mut ask| ask.write_all(&asked)));
            child.wait_with_output()
        });
        let output = output.map_err(|error| fail(format!("git cannot be read from: {error}"), None))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(fail(format!("git cannot tell the attributes of the files: {}", said.trim()), None));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let mut words = text.split('\0');
        let mut found = Vec::new();
        while let (Some(path), Some(attribute), Some(value)) = (words.next(), words.next(), words.next()) {
            if !matches!(value, "unspecified" | "unset") {
                let path = path.strip_prefix(&self.prefix).unwrap_or(path);
                found.push((path.to_owned(), attribute.to_owned()));
            }
        }
        Ok(found)
    }
}

/// The path of `dir` below the root of its repository, with a slash at its end unless it is the root.
///
/// # Errors
/// When there is no repository.
pub(crate) fn prefix(dir: &Path) -> Result<String, GitError> {
    Ok(line(&git(dir, ["rev-parse", "--show-prefix"])?))
}

/// The way to the directory decides which files of the commit are compared, so that no link of the tree may be on it.
fn refuse_links(dir: &Path, root: &Path) -> Result<(), GitError> {
    let unreadable = |error: io::Error| fail(format!("cannot read {}: {error}", dir.display()), None);
    let full = std::path::absolute(dir).map_err(unreadable)?;
    let mut links = Vec::new();
    let mut at_root = None;
    for (depth, above) in full.ancestors().enumerate() {
        // The outermost way to the root counts: a link to the root that is itself in the tree is one of the tree's.
        if above.canonicalize().map_err(unreadable)? == *root {
            at_root = Some(depth);
        }
        links.push(above.symlink_metadata().map_err(unreadable)?.is_symlink());
    }
    if at_root.is_some_and(|depth| !links[..depth].contains(&true)) {
        return Ok(());
    }
    let message = format!("{} is reached through a link, so the other version's files cannot be told", dir.display());
    Err(fail(message, Some("name the directory itself")))
}

/// `MODE KIND OBJECT SIZE\tPATH\0`.
pub(super) fn parse_listing(listing: &[u8]) -> Vec<Entry> {
    let rows = listing.split(|byte| *byte == 0);
    rows.filter_map(|row| {
        let tab = row.iter().position(|byte| *byte == b'\t')?;
        let head = std::str::from_utf8(&row[..tab]).ok()?;
        let mut head = head.split_ascii_whitespace();
        let (mode, kind, object, size) = (head.next()?, head.next()?, head.next()?, head.next()?);
        let kind = match (mode, kind) {
            ("120000", _) => Kind::Link,
            (_, "blob") => Kind::File,
            _ => Kind::Submodule,
        };
        let (path, object) = (row[tab + 1..].to_owned(), object.to_owned());
        Some(Entry { path, kind, object, size: size.parse().unwrap_or(0) })
    })
    .collect()
}
