//! The files of a desired-state directory, for every command that reads them: regular files inside the directory and
//! nothing else. Who writes the files may not choose, by a link or a device, what a machine reads, shows or waits for.

mod disk;
mod rules;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Read as _},
    path::Path,
};

use disk::{Folder, Found};
use rules::{CONNECTORS, MOST, Rules, Verdict, is_manifest, manifest_path};

pub use rules::{Kind, counts};

use super::problem::{Problem, Problems};
use crate::model::Severity;

/// The link by which Kubernetes swaps the files of a volume at once.
const SWAPPED: &str = "..data";

/// The texts of a desired-state directory, read once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// Files that count as desired state: paths relative to the directory, with `/`, and contents; sorted.
    pub files: Vec<(String, String)>,
    /// Manifests, by their paths.
    pub manifests: BTreeMap<String, String>,
}

impl Texts {
    /// The manifest that an app names.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    pub fn manifest(&self, name: &str) -> Result<String, String> {
        let path = manifest_path(name)?;
        let text = self.manifests.get(&path).cloned();
        text.ok_or_else(|| format!("there is no manifest `{path}` beside the files; fix the path, or add the file"))
    }

    /// Adds what was read of a file.
    ///
    /// # Errors
    /// What is wrong with its bytes.
    fn add(&mut self, path: String, bytes: Vec<u8>) -> Result<(), String> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
            format!("is not UTF-8 text (line {line}): save it as UTF-8")
        })?;
        if is_manifest(&path) {
            self.manifests.insert(path, text);
        } else {
            self.files.push((path, text));
        }
        Ok(())
    }
}

/// An entry of a commit.
#[derive(Debug, Clone)]
pub struct Listed<'a> {
    /// Its path from the directory.
    pub path: &'a [u8],
    /// What it is.
    pub kind: Kind,
    /// How many bytes it holds.
    pub size: u64,
}

/// The paths of a commit's entries that are read, by the rules that hold on a disk. `name` is how sentences call the entry
/// at a path, and the directory at an empty one.
///
/// # Errors
/// Everything that may not stand there.
pub fn select<'a>(
    entries: impl IntoIterator<Item = Listed<'a>>,
    name: &dyn Fn(&str) -> String,
) -> Result<BTreeSet<String>, Problems> {
    let mut rules = Rules::new(name);
    for Listed { path, kind, size } in entries {
        match std::str::from_utf8(path) {
            Ok(path) => {
                if rules.admit(path, kind) == Verdict::Read {
                    rules.weigh(path, size);
                }
            }
            Err(_) => rules.unspellable(&String::from_utf8_lossy(path)),
        }
    }
    rules.finish().map_err(|problems| Problems::new(problems, BTreeMap::new()))
}

/// Makes texts of what was read of selected entries.
///
/// # Errors
/// What is no text.
pub fn texts(
    read: impl IntoIterator<Item = (String, Vec<u8>)>,
    name: &dyn Fn(&str) -> String,
) -> Result<Texts, Problems> {
    let mut texts = Texts::default();
    let mut wrong = Vec::new();
    for (path, bytes) in read {
        let named = name(&path);
        wrong.extend(texts.add(path, bytes).err().map(|what| ("unreadable", format!("{named} {what}"))));
    }
    if wrong.is_empty() { Ok(texts) } else { Err(refused(wrong)) }
}

/// Problems that stand in no file: a code and a sentence each.
pub fn refused(problems: impl IntoIterator<Item = (&'static str, String)>) -> Problems {
    let problem =
        |(code, message)| Problem { severity: Severity::Error, code, message, places: Vec::new(), hint: None };
    Problems::new(problems.into_iter().map(problem).collect(), BTreeMap::new())
}

/// Every text in `dir`, as it is.
///
/// # Errors
/// Everything that may not stand there, and what could not be read.
pub fn read(dir: &Path) -> Result<Texts, Problems> {
    gather(dir, None)
}

/// One manifest in `dir`, by the name that an app gives it.
///
/// # Errors
/// A sentence that says why there is none.
pub fn manifest(dir: &Path, name: &str) -> Result<String, String> {
    // A name that may be none is refused before anything is looked at.
    manifest_path(name)?;
    gather(dir, Some(OsStr::new(CONNECTORS))).map_err(|problems| first(&problems))?.manifest(name)
}

fn gather(dir: &Path, only: Option<&OsStr>) -> Result<Texts, Problems> {
    let mut texts = Texts::default();
    walk(dir, only, &mut |rules, at| {
        let read = at.folder.file(at.name).and_then(|file| {
            let mut bytes = Vec::new();
            file.take(rules.allowance()).read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        match read {
            Ok(bytes) => {
                if rules.weigh(at.path, bytes.len() as u64)
                    && let Err(what) = texts.add(at.path.to_owned(), bytes)
                {
                    rules.wrong("unreadable", at.path, &what);
                }
            }
            Err(error) => rules.wrong("unreadable", at.path, &format!("cannot be read: {error}")),
        }
    })?;
    Ok(texts)
}

fn first(problems: &Problems) -> String {
    problems.iter().map(|problem| problem.message.clone()).next().unwrap_or_default()
}

/// One number for all that counts in `dir`: its names, sizes, times and places on the disk. Nothing is opened.
pub fn stamp(dir: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let walked = walk(dir, None, &mut |_, at| (at.path, at.found.stamp).hash(&mut hasher));
    // What may not be read is a state like any other; loading tells why.
    walked.err().map(|problems| first(&problems)).hash(&mut hasher);
    hasher.finish()
}

/// A file that counts.
struct At<'a> {
    path: &'a str,
    folder: &'a Folder,
    name: &'a OsStr,
    found: &'a Found,
}

/// What is done with each file that counts.
type Visit<'a> = dyn FnMut(&mut Rules<'_>, At<'_>) + 'a;

/// Goes through the directory, or through `only` one of its folders.
fn walk(dir: &Path, only: Option<&OsStr>, visit: &mut Visit<'_>) -> Result<(), Problems> {
    let name = |path: &str| format!("`{}`", if path.is_empty() { dir.to_owned() } else { dir.join(path) }.display());
    let top = match Folder::open(dir) {
        Ok(top) => top,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = format!("there is no directory {}", name(""));
            let hint = "name the directory with the desired state, or run this where `desired-state/` is";
            return Err(Problems::placeless("no-directory", vec![message], Some(hint)));
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            let message = format!("{} is a file; the desired state is a directory", name(""));
            return Err(refused([("unreadable", message)]));
        }
        Err(error) => return Err(refused([("unreadable", format!("{} cannot be read: {error}", name("")))])),
    };
    let mut rules = Rules::new(&name);
    match only {
        Some(name) if top.look(name).is_ok() => entry(&top, "", name, &mut rules, visit),
        Some(_) => {}
        None => enter(&top, "", &mut rules, visit),
    }
    rules.finish().map(drop).map_err(|problems| Problems::new(problems, BTreeMap::new()))
}

/// Goes through a folder, and those in it; [`Rules`] bound how deep that is.
fn enter(folder: &Folder, prefix: &str, rules: &mut Rules<'_>, visit: &mut Visit<'_>) {
    let mut names = match folder.names(MOST + 1) {
        Ok(names) => names,
        Err(error) => return rules.wrong("unreadable", prefix, &format!("cannot be read: {error}")),
    };
    names.sort();
    for name in &names {
        if rules.is_full() {
            return;
        }
        entry(folder, prefix, name, rules, visit);
    }
}

fn entry(folder: &Folder, prefix: &str, name: &OsStr, rules: &mut Rules<'_>, visit: &mut Visit<'_>) {
    let Some(text) = name.to_str() else {
        return rules.unspellable(&format!("{prefix}{}", name.to_string_lossy()));
    };
    if text.starts_with('.') {
        return;
    }
    let path = format!("{prefix}{text}");
    let mounted = if prefix.is_empty() { mounted(folder, name) } else { None };
    let folder = mounted.as_ref().unwrap_or(folder);
    let found = match folder.look(name) {
        Ok(found) => found,
        Err(error) => return rules.wrong("unreadable", &path, &format!("cannot be read: {error}")),
    };
    match rules.admit(&path, found.kind) {
        Verdict::Read => visit(rules, At { path: &path, folder, name, found: &found }),
        Verdict::Enter => match folder.folder(name) {
            Ok(inner) => enter(&inner, &format!("{path}/"), rules, visit),
            Err(error) => rules.wrong("unreadable", &path, &format!("cannot be read: {error}")),
        },
        Verdict::Pass => {}
    }
}

/// The folder of a Kubernetes volume in which an entry really is: `x.yaml` leads to `..data/x.yaml`, and `..data` to a folder
/// of the same volume such as `..2026_11_29`. Nothing else by these names is followed.
fn mounted(top: &Folder, name: &OsStr) -> Option<Folder> {
    if top.look(name).ok()?.kind != Kind::Link {
        return None;
    }
    let target = top.target(name).ok()?;
    if target.to_str()? != format!("{SWAPPED}/{}", name.to_str()?) {
        return None;
    }
    let real = top.target(OsStr::new(SWAPPED)).ok()?;
    let inside =
        real.to_str().is_some_and(|real| real.starts_with("..") && real.len() > 2 && !real.contains(['/', '\\']));
    if inside && real != SWAPPED { top.folder(&real).ok() } else { None }
}
