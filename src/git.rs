//! Reading a commit without checking it out.
//!
//! Who proposes a change decides what is in the working tree, so that nothing in it may have a say here: only git's
//! plumbing is asked, which runs no hooks and no filters, and a repository that hides inside the tree is not taken for one.

mod head;

pub(crate) use head::{Head, head, repository};

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
};

/// How often one link may lead to the next; a tree that needs more is a circle.
const LINKS: usize = 8;

/// Why a commit could not be read, as a sentence, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct GitError {
    /// What went wrong.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// The files of one commit, seen from a directory of its working tree.
#[derive(Debug)]
pub(crate) struct Commit {
    /// The root of the working tree.
    root: PathBuf,
    /// The directory's path below the root, with a slash at its end unless it is the root.
    prefix: String,
    /// The commit's full id.
    pub(crate) id: String,
    /// Every file of the commit by its path from the root.
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    link: bool,
    object: String,
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
        let prefix = line(&git(dir, ["rev-parse", "--show-prefix"])?);
        refuse_links(dir, &root)?;
        let commit = format!("{reference}^{{commit}}");
        let id = git(dir, ["rev-parse", "--verify", "--quiet", &commit]).map_err(|_| {
            let hint = "name a branch, a tag or a commit that is here; in CI, fetch it first";
            fail(format!("there is no commit `{reference}` in {}", root.display()), Some(hint))
        })?;
        let id = line(&id);
        let listing = git(&root, ["ls-tree", "-r", "-z", "--full-tree", &id])?;
        Ok(Self { entries: parse_listing(&listing), root, prefix, id })
    }

    /// Files below the directory that `wanted` accepts by their path from the directory, with their texts.
    ///
    /// # Errors
    /// When a file cannot be read or is not text.
    pub(crate) fn files(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, String)>, GitError> {
        let mut objects = Objects::begin(command(&self.root))?;
        let below = self.entries.range(self.prefix.clone()..).map_while(|(path, _)| {
            let name = path.strip_prefix(&self.prefix)?;
            Some((name, path))
        });
        let wanted = below.filter(|(name, _)| wanted(name));
        wanted.map(|(name, path)| Ok((name.to_owned(), self.text(path, &mut objects)?))).collect()
    }

    /// One file, by its path from the directory, which may lead out of the directory but not out of the repository.
    /// `None` when the commit has no such file.
    ///
    /// # Errors
    /// As [`Commit::files`].
    pub(crate) fn file(&self, path: &str) -> Result<Option<String>, GitError> {
        match normal(&self.prefix, path).filter(|path| self.entries.contains_key(path)) {
            Some(path) => self.text(&path, &mut Objects::begin(command(&self.root))?).map(Some),
            None => Ok(None),
        }
    }

    fn text(&self, path: &str, objects: &mut Objects) -> Result<String, GitError> {
        let mut at = path.to_owned();
        for _ in 0..LINKS {
            let Some(entry) = self.entries.get(&at) else { break };
            let bytes = objects.read(&entry.object)?;
            let text = String::from_utf8(bytes)
                .map_err(|_| fail(format!("`{at}` of {} is not UTF-8 text", short(&self.id)), None))?;
            if !entry.link {
                return Ok(text);
            }
            let folder = at.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
            match normal(&folder, &text) {
                Some(target) => at = target,
                None => break,
            }
        }
        let message = format!("`{path}` of {} is a link to something that is no file of that commit", short(&self.id));
        Err(fail(message, Some("put the file itself there")))
    }
}

/// The first digits of a commit's id, as people quote it.
pub(crate) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
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

fn git<A: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = A>) -> Result<Vec<u8>, GitError> {
    let output = command(dir).args(args).output().map_err(|error| not_started(&error))?;
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

/// `MODE blob OBJECT\tPATH\0`. Submodules are no files, and a path that is not UTF-8 is no file of ours.
fn parse_listing(listing: &[u8]) -> BTreeMap<String, Entry> {
    let rows = listing.split(|byte| *byte == 0).filter_map(|row| std::str::from_utf8(row).ok());
    rows.filter_map(|row| {
        let (head, path) = row.split_once('\t')?;
        let mut head = head.split(' ');
        let (mode, kind, object) = (head.next()?, head.next()?, head.next()?);
        let entry = Entry { link: mode == "120000", object: object.to_owned() };
        (kind == "blob").then(|| (path.to_owned(), entry))
    })
    .collect()
}

/// A path from the root, with dots taken out; `None` when it leads out of the repository.
fn normal(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
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
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    pub(super) struct Repo(TempDir);

    impl Repo {
        pub(super) fn new() -> Self {
            let repo = Self(TempDir::new().unwrap());
            repo.git(&["init", "-q", "-b", "main"]);
            repo
        }

        pub(super) fn path(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        pub(super) fn write(&self, path: &str, text: &str) {
            fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
            fs::write(self.path(path), text).unwrap();
        }

        pub(super) fn git(&self, args: &[&str]) -> String {
            let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false"];
            let output = Command::new("git").arg("-C").arg(self.0.path()).args(identity).args(args).output().unwrap();
            assert!(output.status.success(), "{args:?}: {output:?}");
            line(&output.stdout)
        }

        pub(super) fn commit(&self) -> String {
            self.git(&["add", "-A"]);
            self.git(&["commit", "-q", "-m", "x"]);
            self.git(&["rev-parse", "HEAD"])
        }
    }

    #[test]
    fn a_commit_is_read_as_it_was_whatever_the_working_tree_holds() {
        let repo = Repo::new();
        repo.write("state/people.yaml", "people: {}\n");
        repo.write("state/teams/a.yaml", "teams: {}\n");
        repo.write("shared/m.yaml", "name: m\n");
        let id = repo.commit();
        repo.write("state/people.yaml", "changed\n");
        fs::remove_file(repo.path("state/teams/a.yaml")).unwrap();
        let commit = Commit::open(&repo.path("state"), "main").unwrap();
        assert_eq!(commit.id, id);
        let files = commit.files(|path| path.ends_with(".yaml")).unwrap();
        let expect = [("people.yaml", "people: {}\n"), ("teams/a.yaml", "teams: {}\n")];
        assert_eq!(files, expect.map(|(path, text)| (path.to_owned(), text.to_owned())));
        assert_eq!(commit.file("../shared/m.yaml").unwrap().as_deref(), Some("name: m\n"));
        assert_eq!(commit.file("./teams/../people.yaml").unwrap().as_deref(), Some("people: {}\n"));
        assert_eq!(commit.file("../../etc/passwd").unwrap(), None);
        assert_eq!(commit.file("/etc/passwd").unwrap(), None);
    }

    #[test]
    fn what_names_no_commit_is_said_so() {
        let repo = Repo::new();
        repo.write("state/people.yaml", "");
        repo.commit();
        let error = Commit::open(&repo.path("state"), "mian").unwrap_err();
        assert!(error.message.starts_with("there is no commit `mian`"), "{error:?}");
        let error = Commit::open(&repo.path("state"), "--output=x").unwrap_err();
        assert!(error.message.contains("does not name a commit"), "{error:?}");
        let outside = TempDir::new().unwrap();
        assert!(Commit::open(outside.path(), "main").is_err());
    }

    #[test]
    fn filters_and_hooks_of_the_repository_do_not_run() {
        let repo = Repo::new();
        let mark = repo.path("ran");
        repo.write("state/people.yaml", "people: {}\n");
        repo.write(".gitattributes", "* filter=evil diff=evil\n");
        repo.commit();
        let evil = format!("touch {}; cat", mark.display());
        for key in ["filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv"] {
            repo.git(&["config", key, &evil]);
        }
        repo.git(&["config", "core.fsmonitor", &evil]);
        let commit = Commit::open(&repo.path("state"), "main").unwrap();
        assert_eq!(commit.files(|_| true).unwrap().len(), 1);
        assert!(!mark.exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_to_files_of_the_commit_alone() {
        use std::os::unix::fs::symlink;

        let repo = Repo::new();
        repo.write("real/people.yaml", "people: {}\n");
        repo.write("state/a.yaml", "");
        symlink("../real/people.yaml", repo.path("state/people.yaml")).unwrap();
        repo.commit();
        let files = Commit::open(&repo.path("state"), "main").unwrap().files(|_| true).unwrap();
        assert_eq!(files[1], ("people.yaml".to_owned(), "people: {}\n".to_owned()));
        symlink("/etc/passwd", repo.path("state/out.yaml")).unwrap();
        repo.commit();
        let error = Commit::open(&repo.path("state"), "main").unwrap().files(|_| true).unwrap_err();
        assert!(error.message.contains("`state/out.yaml`") && error.message.contains("is a link"), "{error:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_behind_a_link_is_refused_because_the_link_would_choose_what_is_compared() {
        let repo = Repo::new();
        repo.write("other/people.yaml", "");
        repo.commit();
        for (name, target) in [("state", "other"), ("round", "."), ("deep", "../")] {
            std::os::unix::fs::symlink(target, repo.path(name)).unwrap();
        }
        for dir in ["state", "round/other", "round"] {
            let error = Commit::open(&repo.path(dir), "main").unwrap_err();
            assert!(error.message.contains("through a link"), "{dir}: {error:?}");
        }
        assert!(Commit::open(&repo.path("other"), "main").is_ok());
    }

    #[test]
    fn a_repository_that_hides_in_the_tree_is_not_taken_for_the_one_around_it() {
        let repo = Repo::new();
        repo.write("state/people.yaml", "trusted\n");
        let id = repo.commit();
        // A bare repository made of ordinary files, with a `main` of its own.
        let other = Repo::new();
        other.write("people.yaml", "theirs\n");
        other.commit();
        for part in ["HEAD", "config", "refs/heads/main"] {
            repo.write(&format!("state/{part}"), &fs::read_to_string(other.path(".git").join(part)).unwrap());
        }
        fs::create_dir_all(repo.path("state/objects")).unwrap();
        // git either looks further up or refuses; it never reads theirs.
        if let Ok(commit) = Commit::open(&repo.path("state"), "main") {
            assert_eq!(commit.id, id);
        }
    }
}
