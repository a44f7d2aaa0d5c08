//! What may stand in a desired-state directory, whether it lies on a disk or in a commit. One place decides, so that a plan of
//! a commit and a run on its checkout refuse the same things.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;

use super::super::problem::Problem;
use crate::model::Severity;

/// Where manifests live; nothing in it is desired state.
pub(super) const CONNECTORS: &str = "connectors";

/// Folders above a file. Organisations nest five or six; whoever has three times as many has a loop or a whole disk here.
pub(super) const DEEPEST: usize = 20;

/// Files and folders, those that do not count included: a file for each of 100,000 people, and as much again beside them.
pub(super) const MOST: usize = 200_000;

/// A file of 100,000 people with every key is some 40 MB.
pub(super) const LARGEST: u64 = 100 * 1024 * 1024;

/// All files together: ten times such a file. What is read stays in memory until it is planned.
pub(super) const LARGEST_SUM: u64 = 400 * 1024 * 1024;

/// What stands under a name, on a disk or in a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Folder,
    /// A symbolic link.
    Link,
    /// Another repository's commit.
    Submodule,
    /// A pipe with a name.
    Fifo,
    /// A socket.
    Socket,
    /// A device.
    Device,
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is read.
    Read,
    /// What is in it is looked at.
    Enter,
    /// It does not count, or is refused.
    Pass,
}

/// Whether a file is desired state, by its path relative to the directory.
pub fn counts(path: &str) -> bool {
    is_page(path) && !is_manifest(path)
}

/// Whether a file may be a manifest, by its path relative to the directory.
pub(super) fn is_manifest(path: &str) -> bool {
    is_page(path) && path.split_once('/').is_some_and(|(folder, _)| folder == CONNECTORS)
}

/// The path from the directory of the manifest that an app names.
pub(super) fn manifest_path(name: &str) -> Result<String, String> {
    let parts = || name.split('/').filter(|part| !matches!(*part, "" | "."));
    let path = parts().collect::<Vec<_>>().join("/");
    if name.starts_with('/') || parts().any(|part| part == "..") || !is_manifest(&path) {
        return Err(format!(
            "the manifest `{name}` is not under `connectors/` in the desired-state directory: move it there, and write \
             `connector: ./connectors/NAME.yaml`"
        ));
    }
    Ok(path)
}

fn is_page(path: &str) -> bool {
    (path.ends_with(".yaml") || path.ends_with(".yml")) && !is_hidden(path)
}

/// Whether a file looks as if it were read, and is not.
fn is_nearly_page(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    !is_page(path) && (lower.ends_with(".yaml") || lower.ends_with(".yml"))
}

fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}

/// Holds entries to the rules, and keeps what is wrong with them.
pub(super) struct Rules<'a> {
    /// How sentences call the entry at a path from the directory.
    name: &'a dyn Fn(&str) -> String,
    seen: usize,
    sum: u64,
    problems: Vec<Problem>,
    /// How each path, and each folder above it, is spelt, by what a disk takes for the same.
    spellings: BTreeMap<String, BTreeSet<String>>,
    /// Paths that are read.
    read: BTreeSet<String>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(name: &'a dyn Fn(&str) -> String) -> Self {
        Self { name, seen: 0, sum: 0, problems: Vec::new(), spellings: BTreeMap::new(), read: BTreeSet::new() }
    }

    /// What becomes of an entry.
    pub(super) fn admit(&mut self, path: &str, kind: Kind) -> Verdict {
        if is_hidden(path) || self.is_full() {
            return Verdict::Pass;
        }
        self.seen += 1;
        if self.is_full() {
            let message = format!("{} holds more than {MOST} files and folders", (self.name)(""));
            self.refuse("too-many", format!("{message}: name a directory that holds the desired state alone"));
            return Verdict::Pass;
        }
        self.spell(path);
        let pages = counts(path) || is_manifest(path);
        if path.matches('/').count() >= DEEPEST && (kind == Kind::Folder || pages) {
            self.wrong("too-deep", path, &format!("lies below {DEEPEST} folders: move it up"));
            return Verdict::Pass;
        }
        let why = match kind {
            Kind::Folder => return Verdict::Enter,
            Kind::File if pages => {
                self.read.insert(path.to_owned());
                return Verdict::Read;
            }
            Kind::Link => "is a symbolic link, and only regular files are read: put the file itself there",
            Kind::Submodule => "is a submodule, and only regular files are read: put its files there",
            Kind::Fifo if pages => "is a FIFO, and only regular files are read: remove it",
            Kind::Socket if pages => "is a socket, and only regular files are read: remove it",
            Kind::Device if pages => "is a device, and only regular files are read: remove it",
            Kind::File if is_nearly_page(path) => {
                "has an ending in capitals, and only `.yaml` and `.yml` are read: rename it"
            }
            Kind::File | Kind::Fifo | Kind::Socket | Kind::Device => return Verdict::Pass,
        };
        let code = match kind {
            Kind::Link => "link",
            Kind::Submodule => "submodule",
            Kind::File => "name",
            _ => "no-file",
        };
        self.wrong(code, path, why);
        Verdict::Pass
    }

    /// What of a name that is not UTF-8 becomes. It is nobody's section, and would be spelt differently wherever it is read.
    pub(super) fn unspellable(&mut self, path: &str) {
        if !is_hidden(path) {
            self.wrong("name", path, "has a name that is not UTF-8: rename it");
        }
    }

    /// How many bytes may be read of a file, one more than it may hold.
    pub(super) fn allowance(&self) -> u64 {
        LARGEST.min(LARGEST_SUM.saturating_sub(self.sum)) + 1
    }

    /// Whether a file of this size may be kept in memory.
    pub(super) fn weigh(&mut self, path: &str, size: u64) -> bool {
        let mb = |bytes: u64| bytes / 1024 / 1024;
        if size > LARGEST {
            self.wrong("too-large", path, &format!("is larger than {} MB: split it", mb(LARGEST)));
            return false;
        }
        let before = self.sum;
        self.sum = self.sum.saturating_add(size);
        if self.sum > LARGEST_SUM && before <= LARGEST_SUM {
            let message = format!("the files in {} hold more than {} MB", (self.name)(""), mb(LARGEST_SUM));
            self.refuse("too-large", format!("{message}: name a directory that holds the desired state alone"));
        }
        self.sum <= LARGEST_SUM
    }

    /// Whether nothing more is looked at.
    pub(super) fn is_full(&self) -> bool {
        self.seen > MOST
    }

    /// Keeps what is wrong with one entry.
    pub(super) fn wrong(&mut self, code: &'static str, path: &str, what: &str) {
        self.refuse(code, format!("{} {what}", (self.name)(path)));
    }

    fn refuse(&mut self, code: &'static str, message: String) {
        self.problems.push(Problem { severity: Severity::Error, code, message, places: Vec::new(), hint: None });
    }

    fn spell(&mut self, path: &str) {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            let spelt = &path[..end];
            self.spellings.entry(folded(spelt)).or_default().insert(spelt.to_owned());
        }
    }

    /// Everything that is wrong, or the paths that are read.
    pub(super) fn finish(mut self) -> Result<BTreeSet<String>, Vec<Problem>> {
        let mut twins = BTreeSet::new();
        for path in &self.read {
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            twins.extend(ends.map(|end| folded(&path[..end])).filter(|spelt| self.spellings[spelt].len() > 1));
        }
        for folded in twins {
            let names: Vec<String> = self.spellings[&folded].iter().map(|path| (self.name)(path)).collect();
            let message = format!("{} are one name on many disks: rename all but one", names.join(" and "));
            self.refuse("twins", message);
        }
        if self.problems.is_empty() { Ok(self.read) } else { Err(self.problems) }
    }
}

/// What disks that ignore case, or how letters are composed, take for the same.
fn folded(path: &str) -> String {
    // Upper case first, because a disk folds more than lower case alone does: a long s is an s, and a sharp s two of them.
    path.nfc().collect::<String>().to_uppercase().to_lowercase().nfc().collect()
}
