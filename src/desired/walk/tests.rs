//! Directories of every kind, of which only regular files are read.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::*;

struct Dir(TempDir);

impl Dir {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = Self(TempDir::new().unwrap());
        for (path, text) in files {
            dir.write(path, text);
        }
        dir
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn read(&self) -> Result<Texts, String> {
        read(self.0.path()).map_err(|problems| {
            let said: Vec<String> =
                problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect();
            said.join("\n").replace(&format!("{}/", self.0.path().display()), "")
        })
    }

    /// Reading ends, and says this and nothing else.
    fn refused(&self, expect: &[&str]) {
        assert_eq!(self.read().unwrap_err().lines().collect::<Vec<_>>(), expect);
    }

    fn names(&self) -> Vec<String> {
        self.read().unwrap().files.into_iter().map(|(path, _)| path).collect()
    }
}

#[test]
fn files_that_count_and_manifests_are_read_and_nothing_else() {
    let dir = Dir::new(&[
        ("b.yaml", "b"),
        ("people/eu/a.yml", "a"),
        ("connectors/mine.yaml", "m"),
        ("connectors/README.md", "r"),
        ("notes.txt", "n"),
        (".hidden.yaml", "h"),
        (".git/config.yaml", "g"),
    ]);
    let texts = dir.read().unwrap();
    let pair = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    assert_eq!(texts.files, [pair("b.yaml", "b"), pair("people/eu/a.yml", "a")]);
    assert_eq!(texts.manifests, BTreeMap::from([pair("connectors/mine.yaml", "m")]));
    for name in ["./connectors/mine.yaml", "connectors//mine.yaml"] {
        assert_eq!((texts.manifest(name).as_deref(), manifest(dir.0.path(), name).as_deref()), (Ok("m"), Ok("m")));
    }
    let outside = ["/etc/passwd", "../connectors/mine.yaml", "connectors/../b.yaml", "b.yaml", "connectors/.x.yaml"];
    for name in outside.into_iter().chain(["connectors/README.md", "/connectors/mine.yaml"]) {
        let said = manifest(dir.0.path(), name).unwrap_err();
        assert!(said.contains("is not under `connectors/`"), "{said}");
    }
    assert!(manifest(dir.0.path(), "connectors/none.yaml").unwrap_err().contains("there is no manifest"));
}

#[cfg(unix)]
#[test]
fn a_link_is_refused_by_its_name_wherever_it_leads_and_whatever_it_is_called() {
    use std::os::unix::fs::symlink;

    let dir = Dir::new(&[("teams: {}", "people: {}"), ("people/a.yaml", "a"), ("connectors/c.yaml", "c")]);
    let why = "is a symbolic link, and only regular files are read: put the file itself there";
    let links = [
        ("zz.yaml", "teams: {}"),
        ("people/x.yaml", "/etc/shadow"),
        ("people/loop", ".."),
        ("connectors/z.yaml", "/dev/zero"),
        ("gone.yaml", "nowhere"),
        ("README.md", "people/a.yaml"),
        ("other", "people"),
    ];
    for (link, target) in links {
        symlink(target, dir.path(link)).unwrap();
        dir.refused(&[&format!("link: `{link}` {why}")]);
        fs::remove_file(dir.path(link)).unwrap();
    }
    // An editor's own are nobody's files.
    symlink("nowhere", dir.path(".#a.yaml")).unwrap();
    assert_eq!(dir.names(), ["people/a.yaml"]);
    // The directory itself may be a link.
    let around = TempDir::new().unwrap();
    symlink(dir.0.path(), around.path().join("state")).unwrap();
    assert_eq!(read(&around.path().join("state")).unwrap(), dir.read().unwrap());
}

#[cfg(unix)]
#[test]
fn the_links_of_a_volume_in_kubernetes_are_followed_and_none_that_only_look_like_them() {
    use std::os::unix::fs::symlink;

    let dir = Dir::new(&[
        ("..2026_11_29/a.yaml", "old"),
        ("..2026_11_29/people/p.yaml", "p"),
        ("..2026_11_30/a.yaml", "new"),
        ("..2026_11_30/people/p.yaml", "p"),
        ("..2026_11_30/connectors/c.yaml", "c"),
    ]);
    for name in ["a.yaml", "people"] {
        symlink(format!("..data/{name}"), dir.path(name)).unwrap();
    }
    let swap = |to: &str| {
        symlink(to, dir.path("..data_tmp")).unwrap();
        fs::rename(dir.path("..data_tmp"), dir.path("..data")).unwrap();
    };
    swap("..2026_11_29");
    let before = stamp(dir.0.path());
    assert_eq!(dir.read().unwrap().files[0].1, "old");
    swap("..2026_11_30");
    assert_ne!(stamp(dir.0.path()), before);
    assert_eq!(dir.read().unwrap().files[0].1, "new");
    assert_eq!(dir.names(), ["a.yaml", "people/p.yaml"]);
    symlink("..data/connectors", dir.path("connectors")).unwrap();
    assert_eq!(manifest(dir.0.path(), "connectors/c.yaml").as_deref(), Ok("c"));

    let why = "is a symbolic link, and only regular files are read: put the file itself there";
    // Inside the volume, under another name, deeper, and where `..data` leads out.
    symlink("/etc/passwd", dir.path("..2026_11_30/people/x.yaml")).unwrap();
    dir.refused(&[&format!("link: `people/x.yaml` {why}")]);
    fs::remove_file(dir.path("..2026_11_30/people/x.yaml")).unwrap();
    symlink("..data/a.yaml", dir.path("b.yaml")).unwrap();
    dir.refused(&[&format!("link: `b.yaml` {why}")]);
    fs::remove_file(dir.path("b.yaml")).unwrap();
    for target in ["..", "/etc", "../elsewhere", "..data", "people", "..2026_11_30/people"] {
        swap(target);
        let said = dir.read().unwrap_err();
        assert!(said.starts_with(&format!("link: `a.yaml` {why}")), "{target}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_and_a_socket_are_refused_without_being_opened_and_nothing_waits_for_them() {
    let dir = Dir::new(&[("a.yaml", "a")]);
    let fifo = |name: &str| {
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path(name), rustix::fs::Mode::RUSR).unwrap();
    };
    fifo("pipe.yaml");
    let _socket = std::os::unix::net::UnixListener::bind(dir.path("socket.yml")).unwrap();
    dir.refused(&[
        "no-file: `pipe.yaml` is a FIFO, and only regular files are read: remove it",
        "no-file: `socket.yml` is a socket, and only regular files are read: remove it",
    ]);
    // One that takes a file's place after it was looked at is not waited for either.
    let folder = disk::Folder::open(dir.0.path()).unwrap();
    assert!(folder.file(OsStr::new("pipe.yaml")).unwrap_err().to_string().contains("no regular file"));
    fs::remove_file(dir.path("pipe.yaml")).unwrap();
    fs::remove_file(dir.path("socket.yml")).unwrap();
    // What cannot count is nobody's business.
    fifo("pipe");
    assert_eq!(dir.names(), ["a.yaml"]);
}

#[test]
fn depth_and_size_are_bounded_and_the_bound_is_told() {
    let dir = Dir::new(&[("a.yaml", "a")]);
    fs::create_dir_all(dir.path(&vec!["d"; 50].join("/"))).unwrap();
    let folders = vec!["d"; rules::DEEPEST + 1].join("/");
    dir.refused(&[&format!("too-deep: `{folders}` lies below {} folders: move it up", rules::DEEPEST)]);
    fs::remove_dir_all(dir.path("d")).unwrap();
    // It has no blocks on the disk, and would have filled the memory.
    fs::File::create(dir.path("big.yaml")).unwrap().set_len(rules::LARGEST + 1).unwrap();
    dir.refused(&["too-large: `big.yaml` is larger than 100 MB: split it"]);
}

#[test]
fn a_commits_entries_are_held_to_the_same_rules() {
    let name = |path: &str| format!("`{path}`");
    let check = |entries: &[(&str, Kind, u64)], expect: Result<&[&str], &[&str]>| {
        let listed =
            entries.iter().map(|(path, kind, size)| Listed { path: path.as_bytes(), kind: *kind, size: *size });
        let found = select(listed, &name);
        let found = found.map_err(|all| all.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>());
        let expect = expect.map(|paths| paths.iter().map(|path| (*path).to_owned()).collect());
        assert_eq!(found, expect.map_err(|said| said.iter().map(|line| (*line).to_owned()).collect()), "{entries:?}");
    };
    let file = |path| (path, Kind::File, 1);
    check(
        &[file("a.yaml"), file("x.md"), file(".b.yaml"), file("connectors/c.yaml")],
        Ok(&["a.yaml", "connectors/c.yaml"]),
    );
    check(
        &[("l", Kind::Link, 1), ("s", Kind::Submodule, 0), (".l", Kind::Link, 1)],
        Err(&[
            "`l` is a symbolic link, and only regular files are read: put the file itself there",
            "`s` is a submodule, and only regular files are read: put its files there",
        ]),
    );
    check(
        &[file("A.yaml"), file("a.yaml")],
        Err(&["`A.yaml` and `a.yaml` are one name on many disks: rename all but one"]),
    );
    check(
        &[file("People/b.md"), file("people/a.yaml")],
        Err(&["`People` and `people` are one name on many disks: rename all but one"]),
    );
    check(
        &[file("e\u{301}.yaml"), file("\u{e9}.yaml")],
        Err(&["`e\u{301}.yaml` and `\u{e9}.yaml` are one name on many disks: rename all but one"]),
    );
    check(&[file("README.md"), file("readme.md")], Ok(&[]));
    check(&[("a.yaml", Kind::File, rules::LARGEST + 1)], Err(&["`a.yaml` is larger than 100 MB: split it"]));
    let many: Vec<String> = (0..5).map(|n| format!("{n}.yaml")).collect();
    let many: Vec<_> = many.iter().map(|path| (path.as_str(), Kind::File, rules::LARGEST)).collect();
    check(&many, Err(&["the files in `` hold more than 400 MB: name a directory that holds the desired state alone"]));
    let deep = format!("{}a.yaml", "d/".repeat(rules::DEEPEST));
    check(&[file(&deep)], Err(&[&format!("`{deep}` lies below 20 folders: move it up")]));
    let odd = select([Listed { path: b"\xff.yaml", kind: Kind::File, size: 1 }], &name).unwrap_err();
    assert!(odd[0].message.contains("is not UTF-8: rename it"), "{odd}");
    let all: Vec<String> = (0..=MOST).map(|n| n.to_string()).collect();
    let all = all.iter().map(|path| Listed { path: path.as_bytes(), kind: Kind::File, size: 0 });
    let full = select(all, &name).unwrap_err();
    assert!(full[0].message.contains("holds more than 200000 files and folders") && full.len() == 1, "{full}");
}

#[test]
fn whatever_changes_about_what_is_read_changes_the_stamp() {
    let dir = Dir::new(&[]);
    let mut seen = vec![stamp(dir.0.path())];
    let mut check = |what: &str| {
        let now = stamp(dir.0.path());
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    dir.write("people/a.yaml", "a");
    check("a new file");
    dir.write("people/a.yaml", "ab");
    check("another content");
    dir.write("b", "ab");
    fs::rename(dir.path("b"), dir.path("people/a.yaml")).unwrap();
    check("another file under the same name");
    fs::rename(dir.path("people/a.yaml"), dir.path("people/b.yaml")).unwrap();
    check("another name");
    dir.write("connectors/c.yaml", "c");
    check("a manifest");
    let before = stamp(dir.0.path());
    for other in [".swp", "README.md"] {
        dir.write(other, "x");
        assert_eq!(stamp(dir.0.path()), before, "{other} is not read");
    }
    fs::remove_dir_all(dir.0.path()).unwrap();
    check("nothing");
    fs::create_dir(dir.0.path()).unwrap();
}
