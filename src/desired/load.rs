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
    report::{Report, Source},
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
    let mut hashes: BTreeMap<Arc<str>, String> = files.map(|(path, text)| (path.into(), hash(text))).collect();
    // What is no file or cannot be read is what loading complains about.
    for manifest in fs::read_dir(dir.join(CONNECTORS)).into_iter().flatten().flatten() {
        if let Ok(bytes) = fs::read(manifest.path()) {
            hashes.insert(manifest.path().to_string_lossy().into(), hash(bytes));
        }
    }
    Ok(fingerprint_of(&hashes))
}

fn fingerprint_of(files: &BTreeMap<Arc<str>, String>) -> String {
    let mut all = Vec::new();
    for (path, file) in files {
        all.extend((path.len() as u64).to_be_bytes());
        all.extend(path.bytes().chain(file.bytes()));
    }
    format!("sha256:{}", hash(all))
}

fn hash(bytes: impl AsRef<[u8]>) -> String {
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
        return Err(Problems::placeless("no-files", vec!["there are no YAML files here".to_owned()], Some(hint)));
    }
    let mut hashes: BTreeMap<Arc<str>, String> =
        sources.iter().map(|source| (source.name.clone(), hash(&source.text))).collect();

    let mut report = Report::new(&sources);
    let mut roots = Vec::new();
    for (file, source) in (0_u32..).zip(&sources) {
        if let Some(mut root) = tree::parse(file, &source.text, &mut report) {
            secret::refuse(&mut root, &mut report);
            place_sections(&mut root, &source.name, &mut report);
            roots.push(root);
        }
    }
    let Some(root) = merge::merge(roots, &mut report) else {
        if report.all_read() {
            report.error("no-apps", None, "the files are empty").hint("declare an app under `apps`");
        }
        return Err(report.finish());
    };
    let wire = decode::decode(&root, &mut report);
    drop(root);
    let desired = resolve::resolve(wire, catalogue, &mut report);
    for connector in desired.apps.values().map(|app| &app.connector) {
        if let Some(text) = catalogue.manifest(connector) {
            hashes.insert(connector.clone(), hash(text));
        }
    }
    let problems = report.finish();
    if problems.has_errors() { Err(problems) } else { Ok(Loaded { desired, warnings: problems, files: hashes }) }
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
    let noun = root.noun();
    let sections = || spec::ROOT.keys.iter().map(|key| format!("`{}`", key.name)).collect::<Vec<_>>().join(", ");
    let Kind::Map(entries) = &mut root.kind else {
        report
            .error("wrong-type", root.span.head(), format!("a file holds a mapping with sections, and this is {noun}"))
            .hint(format!("sections: {}", sections()));
        report.set_unread(file);
        root.kind = Kind::Null;
        return;
    };
    let Some((folder, _)) = name.split_once('/') else { return };
    let Some(section) = spec::ROOT.key(folder) else {
        let span = entries.first().map_or(root.span, |entry| entry.span);
        let hint = nearest::nearest(folder, spec::ROOT.names()).map_or_else(
            || format!("move it to the top, or into a folder named after its section ({})", sections()),
            |near| format!("did you mean `{near}/`?"),
        );
        let message = format!("files under `{folder}/` are not read");
        report.error("wrong-folder", span.head(), message).hint(hint);
        report.set_unread(file);
        root.kind = Kind::Null;
        return;
    };
    for entry in entries.extract_if(.., |entry| entry.key != section.name) {
        let message = format!("a file under `{folder}/` holds only `{folder}`, not `{}`", entry.key);
        let hint = if spec::ROOT.key(&entry.key).is_some() {
            format!("move it to a file at the top or under `{}/`", entry.key)
        } else if let Some(near) = nearest::nearest(&entry.key, [section.name]) {
            format!("did you mean `{near}`?")
        } else {
            format!("the file begins with `{folder}:`, and all else stands below it")
        };
        report.error("wrong-folder", entry.span, message).hint(hint);
        report.set_unread(file);
    }
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
            return Err(Problems::placeless("no-directory", vec![message], Some(hint)));
        }
        Err(error) => walk.unreadable(dir, &error),
    }
    let Walk { files, problems, .. } = walk;
    if problems.is_empty() { Ok(files) } else { Err(Problems::placeless("unreadable", problems, None)) }
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

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.problem(path, &format!("cannot be read: {error}"));
    }

    fn leads_out(&self, path: &Path) -> bool {
        // What cannot be told is reported when it is read.
        let Some(root) = &self.within else { return false };
        let Ok(real) = fs::canonicalize(path) else { return false };
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
            Err(error) => return self.unreadable(dir, &error),
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
                Err(error) if counts(&relative) => self.unreadable(&path, &error),
                Ok(_) | Err(_) => {}
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
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
                self.problem(path, &format!("is not UTF-8 text (line {line})"));
            }
            Err(error) => self.unreadable(path, &error),
        }
    }
}
