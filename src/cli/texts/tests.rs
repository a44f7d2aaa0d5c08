//! What a plan of a commit reads, and what a run on its checkout reads, are the same bytes, or neither is read.

use std::{fs, path::Path, process::Command};

use proptest::{collection::vec, option, prelude::*, sample::select};
use tempfile::TempDir;

use super::*;

/// What one path of a commit holds.
#[derive(Debug, Clone)]
enum Held {
    File(&'static [u8]),
    Link(&'static str),
    Submodule,
}

/// A commit, and a machine that checks it out.
#[derive(Debug, Clone)]
struct Case {
    entries: Vec<(&'static str, Held)>,
    /// `.gitattributes` at the root, and in the directory.
    attributes: [Vec<&'static str>; 2],
    autocrlf: &'static str,
    symlinks: bool,
    /// Whether the machine knows the filter that attributes may name.
    filter: bool,
    fifo: Option<&'static str>,
}

static PATHS: [&str; 17] = [
    "a.yaml",
    "b.yaml",
    "c.yml",
    "A.yaml",
    "people/p.yaml",
    "People/q.yaml",
    "people",
    "teams/t.yml",
    "teams: {}",
    "connectors/c.yaml",
    "notes.txt",
    "deep/er/z.yaml",
    "\u{e9}.yaml",
    "e\u{301}.yaml",
    ".hidden.yaml",
    "sub",
    "..data",
];

static TEXTS: [&[u8]; 9] = [
    b"a: 1\nb: 2\n",
    b"a: 1\r\nb: 2\r\n",
    b"a: 1\r\nb: 2\n",
    b"# $Id$\na: 1\n",
    b"# $Format:%H$\n",
    "é: ü\n".as_bytes(),
    b"lone\rcr\n\r\r\n",
    b"",
    b"\xff\xfe\x00",
];

static TARGETS: [&str; 5] = ["teams: {}", "a.yaml", "/etc/passwd", "..data/a.yaml", "../outside"];

static ATTRIBUTES: [&str; 9] = [
    "* text=auto",
    "*.yaml text eol=crlf",
    "*.yaml ident",
    "* filter=upper",
    "a.yaml working-tree-encoding=UTF-16",
    "people/** export-subst",
    "*.yaml -ident !filter",
    "[attr]odd ident",
    "*.yml odd",
];

fn held() -> impl Strategy<Value = Held> {
    prop_oneof![
        8 => select(&TEXTS[..]).prop_map(Held::File),
        1 => select(&TARGETS[..]).prop_map(Held::Link),
        1 => Just(Held::Submodule),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let attributes = || prop_oneof![2 => Just(Vec::new()), 1 => vec(select(&ATTRIBUTES[..]), 1..3)];
    let entries = vec((select(&PATHS[..]), held()), 1..5);
    let fifo = option::weighted(0.1, select(vec!["pipe.yaml", "fifos/x.yml"]));
    let machine = (select(vec!["false", "input", "true"]), any::<bool>(), any::<bool>(), fifo);
    (entries, attributes(), attributes(), machine).prop_map(|(entries, root, inner, machine)| {
        let (autocrlf, symlinks, filter, fifo) = machine;
        Case { entries, attributes: [root, inner], autocrlf, symlinks, filter, fifo }
    })
}

fn git(dir: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false"];
    let output = Command::new("git").arg("-C").arg(dir).args(identity).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository with `state/base.yaml`.
fn repository() -> TempDir {
    let repo = TempDir::new().unwrap();
    git(repo.path(), &["init", "-q", "-b", "main"]);
    fs::create_dir(repo.path().join("state")).unwrap();
    fs::write(repo.path().join("state/base.yaml"), "base: 1\n").unwrap();
    git(repo.path(), &["add", "-A"]);
    git(repo.path(), &["commit", "-q", "-m", "base"]);
    repo
}

/// Commits the case as the branch `change`, by the plumbing, which takes what no disk could hold.
fn propose(repo: &Path, case: &Case) {
    let blob = |bytes: &[u8]| {
        fs::write(repo.join(".git/blob"), bytes).unwrap();
        git(repo, &["hash-object", "-w", "--no-filters", ".git/blob"])
    };
    let head = git(repo, &["rev-parse", "HEAD"]);
    let put = |mode: &str, object: &str, path: &str| {
        let entry = format!("{mode},{object},{path}");
        git(repo, &["update-index", "--add", "--replace", "--cacheinfo", &entry]);
    };
    for (path, lines) in [".gitattributes", "state/.gitattributes"].into_iter().zip(&case.attributes) {
        if !lines.is_empty() {
            put("100644", &blob((lines.join("\n") + "\n").as_bytes()), path);
        }
    }
    for (path, held) in &case.entries {
        let path = format!("state/{path}");
        match held {
            Held::File(bytes) => put("100644", &blob(bytes), &path),
            Held::Link(target) => put("120000", &blob(target.as_bytes()), &path),
            Held::Submodule => put("160000", &head, &path),
        }
    }
    let tree = git(repo, &["write-tree"]);
    let commit = git(repo, &["commit-tree", &tree, "-p", "HEAD", "-m", "change"]);
    git(repo, &["update-ref", "refs/heads/change", &commit]);
    git(repo, &["read-tree", "HEAD"]);
}

/// Lays the branch `change` out on the case's machine.
fn check_out(repo: &Path, place: &Path, case: &Case) {
    let mut clone = Command::new("git");
    clone.args(["clone", "-q", "-b", "change", "-c"]).arg(format!("core.autocrlf={}", case.autocrlf));
    clone.args(["-c", &format!("core.symlinks={}", case.symlinks)]);
    if case.filter {
        clone.args(["-c", "filter.upper.smudge=tr a-z A-Z", "-c", "filter.upper.clean=tr A-Z a-z"]);
    }
    let output = clone.arg(repo).arg(place).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    #[cfg(unix)]
    if let Some(fifo) = case.fifo {
        let path = place.join("state").join(fifo);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR).unwrap();
    }
}

/// All that was read, as it is understood.
fn bytes(texts: &Texts) -> BTreeMap<String, String> {
    let manifests = texts.manifests.iter().map(|(path, text)| (path.clone(), text.clone()));
    let files = texts.files.iter().cloned().chain(manifests);
    files.map(|(path, text)| (path, text.replace("\r\n", "\n"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_commit_and_its_checkout_are_read_as_the_same_bytes_or_both_are_refused(case in case()) {
        let (repo, around) = (repository(), TempDir::new().unwrap());
        propose(repo.path(), &case);
        let planned = of_commit(&Commit::open(&repo.path().join("state"), "change").unwrap());
        check_out(repo.path(), &around.path().join("clone"), &case);
        let applied = read(&around.path().join("clone/state"));
        match (&planned, &applied) {
            (Ok(planned), Ok(applied)) => prop_assert_eq!(bytes(planned), bytes(applied)),
            (Err(_), Err(_)) => {}
            // No commit holds a FIFO; it lies in the way of the run alone.
            (Ok(_), Err(_)) if case.fifo.is_some() => {}
            _ => prop_assert!(false, "the plan reads {planned:?}, and the run {applied:?}"),
        }
    }
}

fn said(read: Result<Texts, Problems>) -> String {
    let problems = read.unwrap_err();
    problems.iter().map(|problem| format!("{}\n", problem.message)).collect()
}

#[test]
fn local_changes_are_the_users_own_and_what_git_made_of_a_file_is_not() {
    let repo = repository();
    let (root, state) = (repo.path(), repo.path().join("state"));
    fs::write(state.join("base.yaml"), "base: 2\n").unwrap();
    fs::write(state.join("new.yaml"), "new: 1\n").unwrap();
    assert_eq!(read(&state).unwrap().files.len(), 2);
    // git is told to look away.
    git(root, &["update-index", "--assume-unchanged", "state/base.yaml"]);
    assert!(said(read(&state)).contains("base.yaml` is not what "));
    git(root, &["update-index", "--no-assume-unchanged", "state/base.yaml"]);
    // An attribute that converts, whether or not there is something to convert yet.
    fs::write(root.join(".gitattributes"), "state/* ident\n").unwrap();
    assert!(said(read(&state)).contains("base.yaml` has the git attribute `ident`"));
    fs::write(root.join(".gitattributes"), "*.psd filter=lfs -text\n* text=auto\n").unwrap();
    assert_eq!(read(&state).unwrap().files[0].1, "base: 2\n");
}

#[cfg(unix)]
#[test]
fn a_link_that_a_checkout_made_a_file_is_refused_until_it_is_replaced() {
    let repo = repository();
    let state = repo.path().join("state");
    std::os::unix::fs::symlink("teams: {}", state.join("zz.yaml")).unwrap();
    git(repo.path(), &["add", "-A"]);
    git(repo.path(), &["commit", "-q", "-m", "link"]);
    git(repo.path(), &["config", "core.symlinks", "false"]);
    fs::remove_file(state.join("zz.yaml")).unwrap();
    git(repo.path(), &["checkout", "-q", "--", "state"]);
    assert_eq!(fs::read_to_string(state.join("zz.yaml")).unwrap(), "teams: {}");
    let refused = said(read(&state));
    assert!(refused.contains("`state/zz.yaml` of ") && refused.contains("is a symbolic link"), "{refused}");
    fs::write(state.join("zz.yaml"), "teams: {}\n").unwrap();
    assert_eq!(read(&state).unwrap().files.len(), 2);
}

#[cfg(unix)]
#[test]
fn a_directory_behind_a_link_of_the_repository_is_refused_and_behind_one_of_the_machine_it_is_not() {
    use std::os::unix::fs::symlink;

    let (repo, around) = (repository(), TempDir::new().unwrap());
    symlink(repo.path(), around.path().join("repository")).unwrap();
    symlink("repository/state", around.path().join("state")).unwrap();
    assert_eq!(read(&around.path().join("state")).unwrap().files.len(), 1);
    fs::create_dir(repo.path().join("evil")).unwrap();
    fs::write(repo.path().join("evil/base.yaml"), "evil: 1\n").unwrap();
    fs::remove_dir_all(repo.path().join("state")).unwrap();
    symlink("evil", repo.path().join("state")).unwrap();
    git(repo.path(), &["add", "-A"]);
    git(repo.path(), &["commit", "-q", "-m", "link"]);
    for dir in [repo.path().join("state"), around.path().join("state")] {
        let refused = said(read(&dir));
        assert!(refused.contains("state is a link that the repository holds"), "{refused}");
    }
}
