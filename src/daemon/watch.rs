//! Sees that the files changed, by looking at names, sizes and times every second. Looking works on every file system,
//! across the links by which clusters and deployments swap whole trees, and costs next to nothing for files that people
//! write.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tracing::warn;

use super::board::Board;

/// How long a change goes unseen at most.
const POLL: Duration = Duration::from_secs(1);

/// Files that did not change for so long are whole. A tool that writes many of them, one after the other, takes less.
const SETTLE: Duration = Duration::from_millis(300);

/// No checkout takes this long: whoever held the lock has died.
const STALE_LOCK: Duration = Duration::from_secs(600);

/// A link that leads in a circle ends here.
const DEEPEST: usize = 32;

/// Watches a directory.
pub(super) struct Watch {
    dir: PathBuf,
    /// What was last told as a change; nothing at first, because the files may have changed since they were loaded.
    known: Option<u64>,
    warned: bool,
}

impl Watch {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), known: None, warned: false }
    }

    /// Returns once the files are different and whole. It may be dropped at any time.
    pub(super) async fn changed(&mut self, board: &Board) {
        loop {
            board.beat();
            tokio::time::sleep(POLL).await;
            let mut seen = self.look().await;
            while Some(seen) != self.known && !self.is_being_written() {
                tokio::time::sleep(SETTLE).await;
                let again = self.look().await;
                if again == seen {
                    self.known = Some(seen);
                    return;
                }
                seen = again;
            }
        }
    }

    async fn look(&self) -> u64 {
        let dir = self.dir.clone();
        // A file system that hangs must not hang the rest. Looking cannot panic; if it did, loading would tell.
        tokio::task::spawn_blocking(move || stamp(&dir)).await.unwrap_or_default()
    }

    /// Whether git is in the middle of changing the tree, of which half may be new and half old.
    fn is_being_written(&mut self) -> bool {
        let Some(age) = git_lock(&self.dir) else {
            self.warned = false;
            return false;
        };
        if age < STALE_LOCK {
            return true;
        }
        if !std::mem::replace(&mut self.warned, true) {
            warn!("git has held the index of {} locked for {} s; it is passed over", self.dir.display(), age.as_secs());
        }
        false
    }
}

/// One number for all names, sizes, times and inodes below `dir`.
fn stamp(dir: &Path) -> u64 {
    // Keyed the same in every call of one process, which is as long as it is compared.
    let mut hasher = DefaultHasher::new();
    walk(dir, 0, &mut hasher);
    hasher.finish()
}

fn walk(dir: &Path, depth: usize, hasher: &mut DefaultHasher) {
    // What cannot be read is a state like any other; loading tells why.
    let Ok(entries) = fs::read_dir(dir) else { return 0_u8.hash(hasher) };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        entry.file_name().hash(hasher);
        let path = entry.path();
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() && depth < DEEPEST => walk(&path, depth + 1, hasher),
            Ok(found) => {
                (found.len(), found.modified().ok(), inode(&found)).hash(hasher);
            }
            Err(_) => 1_u8.hash(hasher),
        }
    }
    2_u8.hash(hasher);
}

#[cfg(unix)]
fn inode(found: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

/// For how long git has held the index of the repository around `dir` locked, if it does.
fn git_lock(dir: &Path) -> Option<Duration> {
    let dir = fs::canonicalize(dir).ok()?;
    let git = dir.ancestors().map(|above| above.join(".git")).find(|git| git.exists())?;
    // A worktree has a file there that says where its directory is.
    let git = match fs::read_to_string(&git) {
        Ok(text) => git.parent()?.join(text.trim().strip_prefix("gitdir: ")?),
        Err(_) => git,
    };
    let locked = fs::metadata(git.join("index.lock")).ok()?.modified().ok()?;
    Some(SystemTime::now().duration_since(locked).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_in_the_tree_changes_its_stamp() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("people")).unwrap();
        let mut seen = vec![stamp(dir.path())];
        let mut check = |what: &str| {
            let now = stamp(dir.path());
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        fs::write(path("people/a.yaml"), "a").unwrap();
        check("a new file");
        fs::write(path("people/a.yaml"), "ab").unwrap();
        check("another content");
        fs::write(path("b"), "ab").unwrap();
        fs::rename(path("b"), path("people/a.yaml")).unwrap();
        check("another file under the same name");
        fs::rename(path("people/a.yaml"), path("people/b.yaml")).unwrap();
        check("another name");
        fs::remove_file(path("people/b.yaml")).unwrap();
        fs::remove_dir(path("people")).unwrap();
        check("nothing");
        let before = stamp(dir.path());
        fs::write(path(".swp"), "x").unwrap();
        assert_eq!(stamp(dir.path()), before, "hidden files are an editor's business");
    }

    #[test]
    fn the_lock_of_git_is_found_from_below_and_in_worktrees() {
        let root = tempfile::TempDir::new().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir_all(path("main/desired-state")).unwrap();
        fs::create_dir_all(path("main/.git/worktrees/other")).unwrap();
        fs::create_dir_all(path("other/desired-state")).unwrap();
        fs::write(path("other/.git"), "gitdir: ../main/.git/worktrees/other\n").unwrap();
        let locked = || ["main", "other"].map(|name| git_lock(&path(name).join("desired-state")).is_some());
        assert_eq!(locked(), [false, false]);
        fs::write(path("main/.git/index.lock"), "").unwrap();
        assert_eq!(locked(), [true, false]);
        fs::write(path("main/.git/worktrees/other/index.lock"), "").unwrap();
        assert_eq!(locked(), [true, true]);
    }
}
