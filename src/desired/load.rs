//! Reading the files: which of the directory's files count, and which sections each may hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::model::{ConnectorCatalogue, Desired};

use super::{
    decode, merge, nearest,
    problem::Problems,
    report::{Draft, Report, Source, Span},
    resolve, secret, spec,
    tree::{self, Kind, Node},
};

/// Where manifests live; nothing in it is desired state.
const CONNECTORS: &str = "connectors";

/// A file of 100,000 people with every key is some 40 MB. One ten times as large is something else by mistake.
const MAX_FILE: u64 = 400 * 1024 * 1024;

/// A desired state without errors.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the files ask for.
    pub desired: Desired,
    /// What is odd about them.
    pub warnings: Problems,
    /// SHA-256 of each file, and of each manifest that they name, in hexadecimal, by its path relative to the directory.
    pub files: BTreeMap<Arc<str>, String>,
}

impl Loaded {
    /// One hash over all files and their paths.
    pub fn fingerprint(&self) -> String {
        fingerprint_of(&self.files)
    }
}

/// One hash over all files in `dir` that can count and all manifests beside them, whatever they say and whether or not any
/// file names them.
///
/// # Errors
/// What could not be read.
pub fn fingerprint(dir: &Path) -> Result<String, Problems> {
    let files = files(dir)?.into_iter().filter(|(path, _)| counts(path));
    let mut hashes: BTreeMap<Arc<str>, String> =
        files.map(|(path, text)| (path.into(), hash(text.as_bytes()))).collect();
    // What is no file or cannot be read is what loading complains about.
    for manifest in fs::read_dir(dir.join(CONNECTORS)).into_iter().flatten().flatten() {
        if let Ok(bytes) = fs::read(manifest.path()) {
            hashes.insert(manifest.path().to_string_lossy().into(), hash(&bytes));
        }
    }
    Ok(fingerprint_of(&hashes))
}

fn fingerprint_of(files: &BTreeMap<Arc<str>, String>) -> String {
    let mut hash = Sha256::new();
    for (path, file) in files {
        hash.update((path.len() as u64).to_be_bytes());
        hash.update(path.as_bytes());
        hash.update(file.as_bytes());
    }
    format!("sha256:{}", hex::encode(hash.finalize()))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Reads the desired state in `dir`.
///
/// # Errors
/// Every problem of every file, when at least one of them is an error.
pub fn load(dir: &Path, catalogue: &dyn ConnectorCatalogue) -> Result<Loaded, Problems> {
    parse(files(dir)?, catalogue)
}

/// Makes the desired state from files in memory: paths relative to the directory, with `/`, and contents. Their order
/// does not matter. Files that do not count (`connectors/`, names that begin with a dot, other than `.yaml` and `.yml`)
/// are passed over.
///
/// # Errors
/// As [`load`].
pub fn parse(files: Vec<(String, String)>, catalogue: &dyn ConnectorCatalogue) -> Result<Loaded, Problems> {
    let mut sources: Vec<Source> = files
        .into_iter()
        .filter(|(path, _)| counts(path))
        .map(|(path, text)| Source { name: path.into(), text })
        .collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    if sources.is_empty() {
        let hint = "people, teams, apps, approvals and settings stand in `*.yaml` or `*.yml` files";
        return Err(Problems::placeless("no-files", "there are no YAML files here".to_owned(), Some(hint.to_owned())));
    }
    let hashes = sources.iter().map(|source| (source.name.clone(), hash(source.text.as_bytes())));
    let mut hashes: BTreeMap<Arc<str>, String> = hashes.collect();

    let mut report = Report::new(&sources);
    let mut roots = Vec::new();
    for (file, source) in (0_u32..).zip(&sources) {
        if let Some(mut root) = tree::parse(file, &source.text, &mut report) {
            secret::refuse(&mut root, &mut report);
            place_sections(&mut root, &source.name, &mut report);
            roots.push(root);
        }
    }
    let desired = match merge::merge(roots, &mut report) {
        Some(root) => {
            let wire = decode::decode(&root, &mut report);
            drop(root);
            resolve::resolve(wire, catalogue, &mut report)
        }
        None => {
            if report.all_read() {
                report.push(Draft::error("no-apps", "the files are empty").hint("declare an app under `apps`"));
            }
            return Err(report.finish());
        }
    };
    for connector in desired.apps.values().map(|app| &app.connector) {
        if let Some(text) = catalogue.manifest(connector) {
            hashes.insert(connector.clone(), hash(text.as_bytes()));
        }
    }
    let (errors, warnings) = report.finish().split_errors();
    if errors.is_empty() { Ok(Loaded { desired, warnings, files: hashes }) } else { Err(errors.join(warnings)) }
}

/// Whether a file is desired state, by its path relative to the directory.
pub fn counts(path: &str) -> bool {
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    let yaml = path.ends_with(".yaml") || path.ends_with(".yml");
    yaml && !hidden && path.split('/').next() != Some(CONNECTORS)
}

/// Takes out of a file what may not stand in it.
fn place_sections(root: &mut Node<'_>, name: &str, report: &mut Report<'_>) {
    let file = root.span.file;
    let Kind::Map(entries) = &mut root.kind else {
        let span = Span { length: 1, ..root.span };
        let sections = section_list();
        let draft =
            Draft::error("wrong-type", format!("a file holds a mapping with sections, and this is {}", root.noun()));
        report.push(draft.at(span, "").hint(format!("sections: {sections}")));
        report.set_unread(file);
        root.kind = Kind::Null;
        return;
    };
    let Some((folder, _)) = name.split_once('/') else { return };
    let Some(section) = spec::ROOT.key(folder) else {
        let span = entries.first().map_or(root.span, |entry| entry.span);
        let known = spec::ROOT.keys.iter().map(|key| key.name);
        let hint = nearest::nearest(folder, known).map_or_else(
            || format!("move it to the top, or into a folder named after its section ({})", section_list()),
            |near| format!("did you mean `{near}/`?"),
        );
        let message = format!("files under `{folder}/` are not read");
        report.push(Draft::error("wrong-folder", message).at(Span { length: 1, ..span }, "").hint(hint));
        report.set_unread(file);
        root.kind = Kind::Null;
        return;
    };
    entries.retain(|entry| {
        let fits = entry.key == section.name;
        if !fits {
            let message = format!("a file under `{folder}/` holds only `{folder}`, not `{}`", entry.key);
            let hint = if spec::ROOT.key(&entry.key).is_some() {
                format!("move it to a file at the top or under `{}/`", entry.key)
            } else if let Some(near) = nearest::nearest(&entry.key, [section.name]) {
                format!("did you mean `{near}`?")
            } else {
                format!("the file begins with `{folder}:`, and all else stands below it")
            };
            report.push(Draft::error("wrong-folder", message).at(entry.span, "").hint(hint));
            report.set_unread(file);
        }
        fits
    });
}

fn section_list() -> String {
    let names: Vec<String> = spec::ROOT.keys.iter().map(|key| format!("`{}`", key.name)).collect();
    names.join(", ")
}

/// Every file in `dir` that counts as desired state, as it is: paths relative to the directory, with `/`, and contents.
///
/// # Errors
/// What could not be read.
pub fn files(dir: &Path) -> Result<Vec<(String, String)>, Problems> {
    walk(dir, None)
}

/// The same, with links out of `dir` refused: what is wrong with a file is shown with its lines, and whoever wrote the links
/// may not choose whose lines.
///
/// # Errors
/// What could not be read.
pub fn files_within(dir: &Path) -> Result<Vec<(String, String)>, Problems> {
    walk(dir, Some(fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned())))
}

fn walk(dir: &Path, within: Option<PathBuf>) -> Result<Vec<(String, String)>, Problems> {
    let mut walk = Walk { files: Vec::new(), problems: Vec::new(), seen: BTreeSet::new(), within };
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => walk.directory(dir, ""),
        Ok(_) => walk.problem(dir, "is a file; the desired state is a directory"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = format!("there is no directory `{}`", dir.display());
            let hint = "name the directory with the desired state, or run this where `desired-state/` is";
            return Err(Problems::placeless("no-directory", message, Some(hint.to_owned())));
        }
        Err(error) => walk.problem(dir, &format!("cannot be read: {error}")),
    }
    match walk.problems.is_empty() {
        true => Ok(walk.files),
        false => {
            let problems = walk.problems.into_iter().map(|message| Problems::placeless("unreadable", message, None));
            Err(problems.fold(Problems::default(), Problems::join))
        }
    }
}

struct Walk {
    files: Vec<(String, String)>,
    problems: Vec<String>,
    /// Real paths of the directories above and around, so that a link cannot lead in a circle.
    seen: BTreeSet<PathBuf>,
    /// Where everything has to be, whatever links say.
    within: Option<PathBuf>,
}

impl Walk {
    fn problem(&mut self, path: &Path, what: &str) {
        self.problems.push(format!("`{}` {what}", path.display()));
    }

    fn leads_out(&self, path: &Path) -> bool {
        // What cannot be told is reported when it is read.
        let Some((root, real)) = self.within.as_ref().and_then(|root| Some((root, fs::canonicalize(path).ok()?)))
        else {
            return false;
        };
        // The directory may be the repository itself, where `.git` and what CI puts beside the files are no files of ours.
        let Some(below) = real.strip_prefix(root).ok().and_then(Path::to_str) else { return true };
        let hidden = below.split(['/', '\\']).any(|part| part.starts_with('.'));
        hidden || (real.is_file() && !counts(below) && path.is_symlink())
    }

    fn directory(&mut self, dir: &Path, prefix: &str) {
        let entries = fs::canonicalize(dir).and_then(|real| {
            if self.seen.insert(real) { fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>() } else { Ok(Vec::new()) }
        });
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.problem(dir, &format!("cannot be read: {error}")),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let file_name = entry.file_name();
            let name = file_name.to_string_lossy();
            if name.starts_with('.') || (prefix.is_empty() && name == CONNECTORS) {
                continue;
            }
            let relative = format!("{prefix}{name}");
            if self.leads_out(&path) {
                self.problem(&path, "is a link out of the directory, which is not followed here");
                continue;
            }
            match fs::metadata(&path) {
                Ok(found) if found.is_dir() => self.directory(&path, &format!("{relative}/")),
                Ok(found) if counts(&relative) => self.file(&path, relative, found.len()),
                Ok(_) => {}
                Err(error) if counts(&relative) => self.problem(&path, &format!("cannot be read: {error}")),
                Err(_) => {}
            }
        }
    }

    fn file(&mut self, path: &Path, relative: String, size: u64) {
        if size > MAX_FILE {
            return self.problem(path, &format!("is larger than {} MB", MAX_FILE / 1024 / 1024));
        }
        match fs::read(path).map(String::from_utf8) {
            Ok(Ok(text)) => self.files.push((relative, text)),
            Ok(Err(error)) => {
                let line =
                    1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|&&b| b == b'\n').count();
                self.problem(path, &format!("is not UTF-8 text (line {line})"));
            }
            Err(error) => self.problem(path, &format!("cannot be read: {error}")),
        }
    }
}
