//! Which commit the files are of, for the ledger.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    Objects, command,
    commit::{Entry, Kind, parse_listing},
    line, not_started, trusting,
};

/// The mark of files that are not what the commit says.
const CHANGED: &str = "+changes";

/// The mark of a commit that could only be looked up, so that the files may differ from it.
const UNCHECKED: &str = "+unchecked";

/// The commit that files are of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its id, with a mark unless the files are just what it says; none where there is no commit.
    pub commit: Option<String>,
    /// Why it is not known, or not for certain, although there is a repository; with what to do about it.
    pub trouble: Option<String>,
}

/// The commit that the files in `dir` are of.
///
/// A service runs as a user of its own, and git refuses repositories of others because of the programs that their
/// configuration may start. Of such a one only what starts no program is asked.
pub(crate) fn head(dir: &Path) -> Head {
    let Some(repository) = repository(dir) else { return Head::default() };
    let known = |commit| Head { commit, trouble: None };
    let refused = match own(dir) {
        Ok(commit) => return known(commit),
        Err(why) => why,
    };
    if let Ok(commit) = foreign(dir) {
        return known(commit);
    }
    let refused = format!("git cannot tell by which commit the files in {} are ({refused})", dir.display());
    match look_up(&repository) {
        Some(id) => Head {
            commit: Some(format!("{id}{UNCHECKED}")),
            trouble: Some(format!("{refused}, so the ledger names the one that is checked out, as not compared")),
        },
        None => Head { commit: None, trouble: Some(format!("{refused}, so the ledger names none")) },
    }
}

/// The commit of a repository that git takes for ours.
fn own(dir: &Path) -> Result<Option<String>, String> {
    let Some(id) = id(command(dir))? else { return Ok(None) };
    let changes = ask(command(dir).args(["status", "--porcelain", "--", "."]))?;
    Ok(Some(marked(id, !changes.is_empty())))
}

/// The commit of somebody else's repository. `status` would start the filters that its configuration names.
fn foreign(dir: &Path) -> Result<Option<String>, String> {
    let Some(id) = id(trusting(dir))? else { return Ok(None) };
    let others = ask(trusting(dir).args(["ls-files", "--others", "--exclude-standard", "--", "."]))?;
    let listing = ask(trusting(dir).args(["ls-tree", "-r", "-l", "-z", &id]))?;
    let mut objects = Objects::begin(trusting(dir)).map_err(|error| error.message)?;
    let mut changed = !others.is_empty();
    for entry in parse_listing(&listing).into_iter().filter(|entry| entry.kind != Kind::Submodule) {
        changed |= !same(&dir.join(&*String::from_utf8_lossy(&entry.path)), &entry, &mut objects)?;
    }
    Ok(Some(marked(id, changed)))
}

/// Whether what lies at a path is what the commit says. Nothing is opened but a file of the right size.
fn same(path: &Path, entry: &Entry, objects: &mut Objects) -> Result<bool, String> {
    let found = match (entry.kind, fs::symlink_metadata(path)) {
        (Kind::Link, Ok(_)) => fs::read_link(path).map(|target| target.into_os_string().into_encoded_bytes()),
        (Kind::File, Ok(found)) if found.is_file() && found.len() == entry.size => fs::read(path),
        _ => return Ok(false),
    };
    let said = objects.read(&entry.object).map_err(|error| error.message)?;
    Ok(found.is_ok_and(|found| found == said))
}

fn marked(id: String, changed: bool) -> String {
    if changed { id + CHANGED } else { id }
}

/// The id of what is checked out; none before the first commit.
fn id(mut command: Command) -> Result<Option<String>, String> {
    let output = command.args(["rev-parse", "--verify", "--quiet", "HEAD"]).output();
    let output = output.map_err(|error| not_started(&error).message)?;
    match (output.status.success(), output.stderr.is_empty()) {
        (true, _) => Ok(Some(line(&output.stdout))),
        (false, true) => Ok(None),
        (false, false) => Err(first_line(&output.stderr)),
    }
}

fn ask(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|error| not_started(&error).message)?;
    if output.status.success() { Ok(output.stdout) } else { Err(first_line(&output.stderr)) }
}

fn first_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().next().unwrap_or("it says nothing").trim_start_matches("fatal: ").to_owned()
}

/// The repository around a directory: its `.git`, wherever that leads.
pub(crate) fn repository(dir: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(dir).ok()?;
    let found = real.ancestors().map(|above| above.join(".git")).find(|path| path.exists())?;
    if found.is_dir() {
        return Some(found);
    }
    // Of a further working tree it is a file that names the place.
    let text = fs::read_to_string(&found).unwrap_or_default();
    match text.trim().strip_prefix("gitdir: ") {
        Some(place) => Some(found.parent().unwrap_or(&found).join(place)),
        None => Some(found),
    }
}

/// What is checked out, without git.
fn look_up(repository: &Path) -> Option<String> {
    let read = |path: &Path| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let common = read(&repository.join("commondir")).map_or(repository.to_owned(), |place| repository.join(place));
    let head = read(&repository.join("HEAD"))?;
    let Some(reference) = head.strip_prefix("ref: ") else { return Some(head).filter(|id| is_id(id)) };
    let loose = [repository, &common].into_iter().find_map(|place| read(&place.join(reference)));
    let packed = || {
        let lines = read(&common.join("packed-refs"))?;
        let mut pairs = lines.lines().filter_map(|line| line.split_once(' '));
        pairs.find(|(_, name)| *name == reference).map(|(id, _)| id.to_owned())
    };
    loose.or_else(packed).filter(|id| is_id(id))
}

/// SHA-1 or SHA-256 in hexadecimal.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::tests::Repo;

    #[test]
    fn other_peoples_files_are_compared_without_their_filters() {
        let repo = Repo::new();
        let dir = repo.path("state");
        repo.write("state/people.yaml", "people: {}\n");
        // A filter of the repository's own would be started by `status` as soon as a file looks changed.
        repo.write("state/.gitattributes", "* filter=evil\n");
        let id = repo.commit();
        repo.git(&["config", "filter.evil.clean", "touch started; cat"]);
        repo.git(&["config", "core.fsmonitor", "touch started"]);
        let commit = |mark: &str| Ok(Some(format!("{id}{mark}")));
        assert_eq!(foreign(&dir), commit(""));
        repo.write("state/people.yaml", "people: {}\n#\n");
        assert_eq!(foreign(&dir), commit("+changes"));
        repo.write("state/people.yaml", "people: {}\n");
        assert_eq!(foreign(&dir), commit(""));
        repo.write("state/more.yaml", "");
        assert_eq!(foreign(&dir), commit("+changes"));
        fs::remove_file(repo.path("state/more.yaml")).unwrap();
        fs::remove_file(repo.path("state/people.yaml")).unwrap();
        assert_eq!(foreign(&dir), commit("+changes"));
        assert!(!repo.path("started").exists() && !repo.path("state/started").exists());
    }

    #[test]
    fn what_is_checked_out_is_found_without_git() {
        let repo = Repo::new();
        let place = || repository(&repo.path("state")).unwrap();
        repo.write("state/people.yaml", "");
        assert_eq!(look_up(&place()), None);
        assert_eq!(head(&repo.path("state")), Head::default());
        let id = Some(repo.commit());
        assert_eq!(look_up(&place()), id);
        repo.git(&["pack-refs", "--all"]);
        assert_eq!(look_up(&place()), id);
        repo.git(&["checkout", "-q", "--detach"]);
        assert_eq!(look_up(&place()), id);
        repo.git(&["worktree", "add", "-q", "-b", "other", "tree"]);
        assert_eq!(look_up(&repository(&repo.path("tree/state")).unwrap()), id);
    }

    #[test]
    fn a_repository_that_cannot_be_read_is_not_passed_over() {
        let repo = Repo::new();
        repo.write("people.yaml", "");
        repo.commit();
        fs::remove_file(repo.path(".git/HEAD")).unwrap();
        let head = head(&repo.path("."));
        assert_eq!(head.commit, None);
        assert!(head.trouble.unwrap().contains("not a git repository"));
    }
}
