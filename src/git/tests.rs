//! Commits of real repositories.

use std::{fs, path::PathBuf};

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

fn texts(commit: &Commit) -> Vec<(String, String)> {
    let read = commit.read(|_| true).unwrap().into_iter();
    read.map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap())).collect()
}

#[test]
fn a_commit_is_read_as_it_was_whatever_the_working_tree_holds() {
    let repo = Repo::new();
    repo.write("state/people.yaml", "people: {}\n");
    repo.write("state/teams/a.yaml", "teams: {}\n");
    repo.write("state-of-others/x.yaml", "x\n");
    let id = repo.commit();
    repo.write("state/people.yaml", "changed\n");
    fs::remove_file(repo.path("state/teams/a.yaml")).unwrap();
    let commit = Commit::open(&repo.path("state"), "main").unwrap();
    assert_eq!(commit.id, id);
    let expect = [("people.yaml", "people: {}\n"), ("teams/a.yaml", "teams: {}\n")];
    assert_eq!(texts(&commit), expect.map(|(path, text)| (path.to_owned(), text.to_owned())));
    assert_eq!(texts(&Commit::open(&repo.path("."), "main").unwrap()).len(), 3);
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
    assert_eq!(texts(&commit).len(), 1);
    assert!(!mark.exists());
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_listed_as_what_it_is() {
    let repo = Repo::new();
    repo.write("state/a.yaml", "12");
    std::os::unix::fs::symlink("a.yaml", repo.path("state/link.yaml")).unwrap();
    let id = repo.commit();
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},state/sub")]);
    repo.git(&["commit", "-q", "-m", "sub"]);
    let commit = Commit::open(&repo.path("state"), "main").unwrap();
    let kinds: Vec<_> = commit.entries.iter().map(|entry| (&entry.path[..], entry.kind, entry.size)).collect();
    let expect: [(&[u8], _, _); 3] =
        [(b"a.yaml", Kind::File, 2), (b"link.yaml", Kind::Link, 6), (b"sub", Kind::Submodule, 0)];
    assert_eq!(kinds, expect);
    // And so is what stands in the directory's own place.
    repo.git(&["rm", "-q", "--cached", "-r", "state"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},state")]);
    repo.git(&["commit", "-q", "-m", "all"]);
    let error = Commit::open(&repo.path("state"), "main").unwrap_err();
    assert!(error.message.starts_with("`state` of ") && error.message.contains("submodule"), "{error:?}");
}

#[test]
fn attributes_of_the_commit_tell_which_files_git_would_convert() {
    let repo = Repo::new();
    repo.write("state/a.yaml", "# $Id$\n");
    repo.write("state/b.yaml", "b\n");
    repo.write("state/c.yaml", "c\n");
    repo.write("pictures/c.psd", "c\n");
    repo.write(".gitattributes", "* text=auto\n*.psd filter=lfs -text\nc.yaml -ident filter=x\n");
    repo.write("state/.gitattributes", "a.yaml ident eol=crlf\nb.yaml working-tree-encoding=ISO-8859-1\n");
    repo.commit();
    let dir = repo.path("state");
    let of = |reference: &str| {
        let commit = Commit::open(&dir, reference).unwrap();
        let mut found = commit.converted(&["a.yaml", "b.yaml", "c.yaml"]).unwrap();
        found.sort();
        found
    };
    let pair = |path: &str, by: &str| (path.to_owned(), by.to_owned());
    let expect = [pair("a.yaml", "ident"), pair("b.yaml", "working-tree-encoding"), pair("c.yaml", "filter")];
    assert_eq!(of("main"), expect);
    // What the working tree says has no say.
    fs::remove_file(repo.path("state/.gitattributes")).unwrap();
    assert_eq!(of("main"), expect);
    repo.git(&["rm", "-q", "-r", "--cached", ".gitattributes", "state/.gitattributes"]);
    repo.git(&["commit", "-q", "-m", "none"]);
    repo.write(".gitattributes", "* ident\n");
    assert_eq!(of("main"), []);
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
