//! Sees that the files changed, by looking at names, sizes and times every second. Looking works on every file system,
//! across the links by which clusters and deployments swap whole trees, and costs next to nothing for files that people
//! write. What is looked at is what loading reads, by the same walk.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::sync::Notify;
use tracing::{info, warn};

use super::status::DaemonStatus;
use crate::{desired, git};

/// How long a change goes unseen at most.
const POLL: Duration = Duration::from_secs(1);

/// Files that did not change for so long are whole. A tool that writes many of them, one after the other, takes less.
const SETTLE: Duration = Duration::from_millis(300);

/// No checkout takes this long: whoever held the lock has died.
const STALE_LOCK: Duration = Duration::from_secs(600);

/// Watches a directory, and has it read while nobody writes to it.
pub(crate) struct Watch {
    dir: PathBuf,
    /// What was read last; nothing at first.
    known: Option<u64>,
    warned: bool,
}

impl Watch {
    /// Watches `dir`.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), known: None, warned: false }
    }

    /// Returns once the files are different from what was read last, or somebody asks for them; whether somebody did.
    pub(super) async fn changed(&self, status: &DaemonStatus, asked: &Notify) -> bool {
        while self.known.is_some() {
            status.beat();
            tokio::select! {
                () = asked.notified() => return true,
                () = tokio::time::sleep(POLL) => {}
            }
            if Some(self.look().await) != self.known {
                break;
            }
        }
        false
    }

    /// What `load` makes of the files, as they were from before it began until after it ended: half of a checkout would take
    /// access away that both of its ends grant. `beat` is called while that has to be waited for.
    pub(crate) async fn whole<T>(&mut self, beat: impl Fn(), load: impl AsyncFn() -> T) -> T {
        loop {
            let before = self.settled(&beat).await;
            let loaded = load().await;
            if !self.is_being_written() && self.look().await == before {
                self.known = Some(before);
                return loaded;
            }
            info!("the files changed while they were read; they are read again");
        }
    }

    /// Waits until nobody is writing and nothing has changed for a moment.
    async fn settled(&mut self, beat: impl Fn()) -> u64 {
        let mut seen = self.look().await;
        loop {
            beat();
            tokio::time::sleep(SETTLE).await;
            let again = self.look().await;
            if again == seen && !self.is_being_written() {
                return seen;
            }
            seen = again;
        }
    }

    async fn look(&self) -> u64 {
        let dir = self.dir.clone();
        // A file system that hangs must not hang the rest. Looking cannot panic; if it did, loading would tell.
        tokio::task::spawn_blocking(move || desired::stamp(&dir)).await.unwrap_or_default()
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

/// For how long git has held the index of the repository around `dir` locked, if it does.
fn git_lock(dir: &Path) -> Option<Duration> {
    let locked = fs::metadata(git::repository(dir)?.join("index.lock")).ok()?.modified().ok()?;
    Some(SystemTime::now().duration_since(locked).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files in a repository, one of them with what `load` is to read.
    fn repository() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let root = tempfile::TempDir::new().unwrap();
        fs::create_dir(root.path().join(".git")).unwrap();
        let (file, lock) = (root.path().join("a.yaml"), root.path().join(".git/index.lock"));
        fs::write(&file, "whole").unwrap();
        (root, file, lock)
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_read_while_git_changes_the_tree_however_often_it_is_asked_for() {
        let (root, file, lock) = repository();
        let mut watch = Watch::new(root.path());
        fs::write(&lock, "").unwrap();
        fs::write(&file, "half").unwrap();
        let beats = std::cell::Cell::new(0);
        let git = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            fs::write(&file, "whole again").unwrap();
            fs::remove_file(&lock).unwrap();
        };
        let read = watch.whole(|| beats.set(beats.get() + 1), async || fs::read_to_string(&file).unwrap());
        let (read, ()) = tokio::join!(read, git);
        assert_eq!(read, "whole again");
        assert!(beats.get() > 60, "{}", beats.get());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_of_files_that_changed_meanwhile_is_read_again() {
        let (root, file, lock) = repository();
        let reads = std::cell::Cell::new(0);
        let read = async || {
            reads.set(reads.get() + 1);
            let text = fs::read_to_string(&file).unwrap();
            // git begins while this is read, and has not changed anything yet.
            if reads.get() == 1 {
                fs::write(&lock, "").unwrap();
            }
            text
        };
        let git = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            fs::write(&file, "other").unwrap();
            fs::remove_file(&lock).unwrap();
        };
        let mut watch = Watch::new(root.path());
        let (text, ()) = tokio::join!(watch.whole(|| (), read), git);
        assert_eq!((&*text, reads.get()), ("other", 2));

        // And so is what changed without a lock.
        let reads = std::cell::Cell::new(0);
        let changes = async || {
            let text = fs::read_to_string(&file).unwrap();
            if reads.replace(reads.get() + 1) == 0 {
                fs::write(&file, "another").unwrap();
            }
            text
        };
        assert_eq!(watch.whole(|| (), changes).await, "another");
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
