//! Whether what lies in a checkout is what its commit says. git may lay files out with other bytes than the commit holds, and a
//! link as a file; whoever approved the commit has seen neither.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use super::{Commit, Entry, GitError, Kind, Objects, command, fail, line, run, trusting};

/// How often one link may lead to the next.
const HOPS: usize = 40;

/// The commit that is checked out around a directory.
#[derive(Debug)]
pub(crate) struct Checkout {
    dir: PathBuf,
    pub(crate) commit: Commit,
}

/// A file that is not what the commit says, although nobody changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Altered {
    /// git converts it by this attribute.
    By(String),
    /// It differs, and git takes it for unchanged.
    Unnoticed,
}

/// The commit that is checked out around `dir`; none where there is none, or where git cannot tell, which
/// [`head`](super::head) says. In a repository of somebody else nothing is asked that starts a program.
///
/// # Errors
/// When a link that the repository holds leads to `dir`: what it leads to was never reviewed as the desired state.
pub(crate) fn checked_out(dir: &Path) -> Result<Option<Checkout>, GitError> {
    if let Some(link) = tracked_link(dir) {
        let message = format!("{} is a link that the repository holds, and none is followed", link.display());
        return Err(fail(message, Some("put the directory itself there, or name the one that it leads to")));
    }
    let asked = |args: &[&str]| run(trusting(dir), dir, args).map(|said| line(&said)).ok();
    let Some(root) = asked(&["rev-parse", "--show-toplevel"]).filter(|root| !root.is_empty()) else { return Ok(None) };
    let Some(id) = asked(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) else { return Ok(None) };
    let Some(prefix) = asked(&["rev-parse", "--show-prefix"]) else { return Ok(None) };
    let commit = Commit::listed(root.into(), prefix, id, trusting)?;
    Ok(Some(Checkout { dir: dir.to_owned(), commit }))
}

impl Checkout {
    /// The commit's entries as far as they are still laid out: whoever replaces one by a file of their own changes the files,
    /// as one may. A link that became a file of its target's name was not replaced.
    pub(crate) fn laid_out(&self) -> Result<Vec<&Entry>, GitError> {
        let mut objects = Objects::begin((self.commit.ask)(&self.commit.root))?;
        let mut entries = Vec::new();
        for entry in &self.commit.entries {
            let path = self.dir.join(&*String::from_utf8_lossy(&entry.path));
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            let still = match entry.kind {
                Kind::File => true,
                Kind::Submodule => found.is_dir(),
                Kind::Link if found.is_symlink() => true,
                Kind::Link if found.is_file() && found.len() == entry.size => {
                    fs::read(&path).is_ok_and(|text| objects.read(&entry.object).is_ok_and(|target| text == target))
                }
                Kind::Link => false,
            };
            if still {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// Which of the files that were read are not what the commit says, by their paths, although nobody changed them.
    ///
    /// # Errors
    /// When git cannot be asked.
    pub(crate) fn altered(&self, read: &BTreeMap<&str, &str>) -> Result<Vec<(String, Altered)>, GitError> {
        let tracked: BTreeSet<&[u8]> = self.commit.entries.iter().map(|entry| &entry.path[..]).collect();
        let paths: Vec<&str> = read.keys().copied().filter(|path| tracked.contains(path.as_bytes())).collect();
        let mut by = BTreeSet::new();
        // The attributes' file may be converted itself, so that both what was laid out and what git knows of it are asked.
        for source in [&[][..], &["--cached"]] {
            by.extend(self.commit.attributes((self.commit.ask)(&self.commit.root), source, &paths)?);
        }
        let mut altered: Vec<_> = by.into_iter().map(|(path, attribute)| (path, Altered::By(attribute))).collect();
        let said = self.commit.read(|path| read.contains_key(path))?;
        let differs =
            |(path, bytes): &(String, Vec<u8>)| !read.get(&**path).is_some_and(|text| alike(bytes, text.as_bytes()));
        let differing: Vec<String> = said.iter().filter(|file| differs(file)).map(|(path, _)| path.clone()).collect();
        if differing.is_empty() {
            return Ok(altered);
        }
        // Of somebody else's repository this is not asked, because it starts the filters that its configuration names.
        let Ok(changed) = self.changed() else { return Ok(altered) };
        altered.extend(
            differing.into_iter().filter(|path| !changed.contains(path)).map(|path| (path, Altered::Unnoticed)),
        );
        Ok(altered)
    }

    /// Files that git sees as changed, by their paths from the directory.
    fn changed(&self) -> Result<BTreeSet<String>, GitError> {
        let Commit { root, prefix, .. } = &self.commit;
        let said = run(command(root), root, ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=no"])?;
        let rows = said.split(|byte| *byte == 0).filter_map(|row| row.get(3..));
        let paths = rows.map(|path| String::from_utf8_lossy(path).into_owned());
        Ok(paths.filter_map(|path| path.strip_prefix(prefix.as_str()).map(str::to_owned)).collect())
    }
}

/// Whether two texts are the same but for line ends, which git may write either way.
fn alike(one: &[u8], other: &[u8]) -> bool {
    let unified = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    one == other || unified(one) == unified(other)
}

/// A link on the way to `dir` that a repository holds.
fn tracked_link(dir: &Path) -> Option<PathBuf> {
    let parts =
        |path: &Path| -> Vec<OsString> { path.components().rev().map(|part| part.as_os_str().to_owned()).collect() };
    let mut rest = parts(&std::path::absolute(dir).ok()?);
    let (mut at, mut hops) = (PathBuf::new(), 0);
    while let Some(part) = rest.pop() {
        match Path::new(&part).components().next() {
            Some(Component::ParentDir) => drop(at.pop()),
            Some(Component::Normal(_)) => {
                let next = at.join(&part);
                if next.is_symlink() {
                    let held = run(trusting(&at), &at, ["ls-tree", "-z", "HEAD", "--", &part.to_string_lossy()]);
                    if held.is_ok_and(|row| row.starts_with(b"120000")) {
                        return Some(next);
                    }
                    hops += 1;
                    if hops > HOPS {
                        return None;
                    }
                    rest.extend(parts(&fs::read_link(&next).ok()?));
                } else {
                    at = next;
                }
            }
            _ => at.push(&part),
        }
    }
    None
}
