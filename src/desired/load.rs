//! Reading the files: which of the directory's files count, and which sections each may hold.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use sha2::{Digest, Sha256};

use crate::model::{ConnectorCatalogue, Desired};

use super::{
    decode,
    meaning::meaning,
    merge, nearest,
    problem::Problems,
    report::{Report, Source},
    resolve, secret, spec,
    tree::{self, Kind, Node},
    walk::{self, counts},
};

/// A desired state without errors.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the files ask for.
    pub desired: Desired,
    /// What is odd about them.
    pub warnings: Problems,
    /// SHA-256 of each file, and of each manifest that they name, in hexadecimal, by its path relative to the directory.
    pub files: BTreeMap<Arc<str>, String>,
    /// A hash of what they ask for: equal for files that differ in comments, layout or the order of keys alone, and in where the
    /// daemon listens.
    pub meaning: String,
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
    let walk::Texts { files, manifests } = walk::read(dir)?;
    let texts = files.into_iter().chain(manifests);
    Ok(fingerprint_of(&texts.map(|(path, text)| (path.into(), hash(text))).collect()))
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
    parse(walk::read(dir)?.files, catalogue)
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
        // YAML takes both line ends for one, and git may write either: the same commit is the same text everywhere.
        .map(|(path, text)| Source { name: path.into(), text: text.replace("\r\n", "\n") })
        .collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    if sources.is_empty() {
        let hint = "people, teams, apps, approvals and settings stand in `*.yaml` or `*.yml` files";
        return Err(Problems::placeless("no-files", vec!["there are no YAML files here".to_owned()], Some(hint)));
    }
    let mut report = Report::new(&sources);
    let (mut roots, mut hashes) = (Vec::new(), BTreeMap::new());
    for Parsed { hash, root, report: of_file, name } in parse_each(&sources) {
        hashes.insert(name, hash);
        roots.extend(root);
        report.append(of_file);
    }
    let Some(root) = merge::merge(roots, &mut report) else {
        if report.all_read() {
            report.error("no-apps", None, "the files are empty").hint("declare an app under `apps`");
        }
        return Err(report.finish());
    };
    let wire = decode::decode(&root, &mut report);
    let desired = resolve::resolve(wire, catalogue, &mut report);
    let connectors = desired.apps.values().map(|app| &app.connector);
    let manifests: BTreeMap<Arc<str>, String> =
        connectors.filter_map(|name| Some((name.clone(), hash(catalogue.manifest(name)?)))).collect();
    let meaning = meaning(&root, &manifests);
    drop(root);
    hashes.extend(manifests);
    let problems = report.finish();
    if problems.has_errors() {
        Err(problems)
    } else {
        Ok(Loaded { desired, warnings: problems, files: hashes, meaning })
    }
}

/// A file by itself.
struct Parsed<'s> {
    name: Arc<str>,
    hash: String,
    root: Option<Node<'s>>,
    report: Report<'s>,
}

/// Parses every file, several at once; what comes of it is in the order of the files.
fn parse_each(sources: &[Source]) -> Vec<Parsed<'_>> {
    let numbered: Vec<(u32, &Source)> = (0..).zip(sources).collect();
    numbered.into_par_iter().map(|(file, source)| parse_one(file, source, sources)).collect()
}

fn parse_one<'s>(file: u32, source: &'s Source, sources: &'s [Source]) -> Parsed<'s> {
    let mut report = Report::new(sources);
    let mut root = tree::parse(file, &source.text, &mut report);
    if let Some(root) = &mut root {
        secret::refuse(root, &mut report);
        place_sections(root, &source.name, &mut report);
    }
    Parsed { name: source.name.clone(), hash: hash(&source.text), root, report }
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
