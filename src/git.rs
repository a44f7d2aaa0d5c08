//! Reading a commit without checking it out, and telling whether a checkout is what its commit says.
//!
//! Who proposes a change decides what is in the working tree, so that nothing in it may have a say here: only git's
//! plumbing is asked, which runs no hooks and no filters, and a repository that hides inside the tree is not taken for one.

mod checkout;
mod commit;
mod head;
mod lineage;

pub(crate) use checkout::{Altered, Checkout, checked_out};
pub(crate) use commit::{Commit, Entry, Kind, prefix};
pub(crate) use head::{Head, head, repository};
pub(crate) use lineage::{Lineage, lineage};

use std::{
    ffi::OsStr,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

/// Why a commit could not be read, as a sentence, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct GitError {
    /// What went wrong.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

fn fail(message: String, hint: Option<&str>) -> GitError {
    GitError { message, hint: hint.map(str::to_owned) }
}

/// A command that cannot be led astray by the tree it reads, nor by variables that a hook set for another repository.
fn command(dir: &Path) -> Command {
    let mut command = Command::new("git");
    // A directory of the tree that looks like a bare repository would bring commits and configuration of its own.
    command.args(["-c", "safe.bareRepository=explicit", "--no-replace-objects", "--literal-pathspecs", "-C"]).arg(dir);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"] {
        command.env_remove(name);
    }
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// A command that takes other people's repositories as well. Their monitor is a program, and so is what fetches objects that
/// they lack.
fn trusting(dir: &Path) -> Command {
    let mut command = command(dir);
    command.args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false"]).env("GIT_NO_LAZY_FETCH", "1");
    command
}

fn git<A: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = A>) -> Result<Vec<u8>, GitError> {
    run(command(dir), dir, args)
}

fn run<A: AsRef<OsStr>>(
    mut command: Command,
    dir: &Path,
    args: impl IntoIterator<Item = A>,
) -> Result<Vec<u8>, GitError> {
    let output = command.args(args).output().map_err(|error| not_started(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().trim_start_matches("fatal: ");
    let message = format!("git cannot read the repository around {}: {said}", dir.display());
    Err(fail(message, Some("--against needs a git repository with the other version of the files in it")))
}

fn not_started(error: &io::Error) -> GitError {
    let hint = (error.kind() == io::ErrorKind::NotFound).then_some("install git, or put it on the PATH");
    fail(format!("git cannot be started: {error}"), hint)
}

fn line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']).to_owned()
}

/// A git that hands out objects, for as many of them as there are files.
struct Objects {
    child: std::process::Child,
    ask: Option<std::process::ChildStdin>,
    answer: BufReader<std::process::ChildStdout>,
}

impl Objects {
    fn begin(mut command: Command) -> Result<Self, GitError> {
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| not_started(&error))?;
        let (ask, answer) = (child.stdin.take(), child.stdout.take());
        let answer = answer.ok_or_else(|| fail("git cannot be read from".into(), None))?;
        Ok(Self { child, ask, answer: BufReader::new(answer) })
    }

    fn read(&mut self, object: &str) -> Result<Vec<u8>, GitError> {
        self.fetch(object).map_err(|error| {
            let hint = "in a shallow or partial clone, fetch the commit with its files first";
            fail(format!("git cannot read the object {object}: {error}"), Some(hint))
        })
    }

    /// One question, then its whole answer: neither side ever waits on a full pipe.
    fn fetch(&mut self, object: &str) -> io::Result<Vec<u8>> {
        let ended = || io::Error::new(io::ErrorKind::UnexpectedEof, "git ended");
        let ask = self.ask.as_mut().ok_or_else(ended)?;
        writeln!(ask, "{object}")?;
        ask.flush()?;
        let mut head = String::new();
        self.answer.read_line(&mut head)?;
        let size = head.trim_end().rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
        let size = size.ok_or_else(|| io::Error::other(head.trim_end().to_owned()))?;
        let mut bytes = vec![0; size + 1];
        self.answer.read_exact(&mut bytes)?;
        bytes.pop();
        Ok(bytes)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // The end of its input ends it; nobody is left to be told when it does not.
        drop(self.ask.take());
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests;
