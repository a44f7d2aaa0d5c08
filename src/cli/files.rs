//! Writing desired-state files: all of them or none, and never half a file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use similar::TextDiff;

use super::{exit::Failure, terminal};
use crate::desired;

/// Lines shown around a difference.
const CONTEXT: usize = 3;

/// A file that is to be written.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// Relative to the directory, with `/`.
    pub name: String,
    /// What it holds now; none when there is no such file.
    pub before: Option<String>,
    pub after: String,
}

impl Change {
    /// The difference, as `diff -u` writes it. Secrets are masked in it as in all else that is shown of a file.
    fn diff(&self) -> String {
        let before = desired::masked(self.before.as_deref().unwrap_or_default());
        let after = desired::masked(&self.after);
        let old = if self.before.is_some() { format!("a/{}", self.name) } else { "/dev/null".to_owned() };
        let diff = TextDiff::from_lines(&before, &after);
        diff.unified_diff().context_radius(CONTEXT).header(&old, &format!("b/{}", self.name)).to_string()
    }
}

/// A file that lies ready under another name.
struct Ready<'a> {
    change: &'a Change,
    path: PathBuf,
    temporary: PathBuf,
}

/// Writes a file of its own.
pub(super) fn save(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| cannot(path, &error))
}

/// Prints what the changes would do to the files, or makes them and prints which files they were.
pub(super) fn deliver(dir: &Path, changes: &[Change], only_show: bool) -> Result<(), Failure> {
    if only_show {
        return changes.iter().try_for_each(|change| terminal::print_file(&change.diff()));
    }
    write(dir, changes)?;
    changes.iter().try_for_each(|change| terminal::print(&format!("{}\n", dir.join(&change.name).display())))
}

/// Writes every change, or none when one of them cannot be prepared. A file that is no longer what it was when the change
/// was made is somebody else's work, and stops everything.
fn write(dir: &Path, changes: &[Change]) -> Result<(), Failure> {
    let mut ready = Vec::new();
    for change in changes {
        match prepare(dir, change) {
            Ok(prepared) => ready.push(prepared),
            Err(error) => {
                clean(&ready);
                return Err(cannot(&dir.join(&change.name), &error).hint("nothing was written"));
            }
        }
    }
    for (done, file) in ready.iter().enumerate() {
        if let Err(error) = fs::rename(&file.temporary, &file.path) {
            let back = undo(&ready[..done]);
            clean(&ready[done..]);
            return Err(cannot(&dir.join(&file.change.name), &error).hint(back));
        }
    }
    Ok(())
}

fn prepare<'a>(dir: &Path, change: &'a Change) -> io::Result<Ready<'a>> {
    let path = dir.join(&change.name);
    // A link stays a link; what it leads to is replaced.
    let path = fs::canonicalize(&path).unwrap_or(path);
    if now(&path)? != change.before {
        return Err(io::Error::other("somebody else changed it meanwhile; run this again"));
    }
    let folder = path.parent().unwrap_or(dir);
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A name that begins with a dot is never read as desired state.
    let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::write(&temporary, &change.after).and_then(|()| match fs::metadata(&path) {
        Ok(before) => fs::set_permissions(&temporary, before.permissions()),
        Err(_) => Ok(()),
    });
    if let Err(error) = written {
        // Best effort: the error that matters is the one above.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(Ready { change, path, temporary })
}

/// What a file holds; none when it is not there.
fn now(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts back what was replaced, and says whether that went well.
fn undo(done: &[Ready<'_>]) -> String {
    let mut stuck = Vec::new();
    for file in done.iter().rev() {
        let back = match &file.change.before {
            Some(before) => fs::write(&file.path, before),
            None => fs::remove_file(&file.path),
        };
        if back.is_err() {
            stuck.push(file.change.name.as_str());
        }
    }
    match stuck.as_slice() {
        [] => "nothing was changed".to_owned(),
        names => format!("these were changed already and could not be put back: {}", names.join(", ")),
    }
}

fn clean(ready: &[Ready<'_>]) {
    for file in ready {
        // It is hidden and ignored; staying behind does no harm.
        let _ = fs::remove_file(&file.temporary);
    }
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, before: Option<&str>, after: &str) -> Change {
        Change { name: name.into(), before: before.map(Into::into), after: after.into() }
    }

    fn hidden(dir: &Path) -> usize {
        fs::read_dir(dir)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'))
            .count()
    }

    #[test]
    fn a_file_that_somebody_changed_meanwhile_stops_all_of_them() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), "old").unwrap();
        fs::write(dir.path().join("b.yaml"), "theirs").unwrap();
        let changes = [change("a.yaml", Some("old"), "new"), change("b.yaml", Some("old"), "new")];
        assert!(write(dir.path(), &changes).is_err());
        assert_eq!(fs::read_to_string(dir.path().join("a.yaml")).unwrap(), "old");
        assert_eq!(hidden(dir.path()), 0);
        assert!(write(dir.path(), &[change("a.yaml", None, "new")]).is_err(), "there is one already");
    }

    #[test]
    fn folders_are_made_and_nothing_else_stays() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[change("apps/x/a.yaml", None, "new\n")]).unwrap();
        let folder = dir.path().join("apps/x");
        assert_eq!(fs::read_to_string(folder.join("a.yaml")).unwrap(), "new\n");
        assert_eq!(hidden(&folder), 0);
    }

    #[test]
    fn what_was_replaced_is_put_back_when_a_later_file_cannot_be() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), "old").unwrap();
        // A directory in the place of the second file can be read as no file, and not be replaced by one.
        let changes = [change("a.yaml", Some("old"), "new"), change("b.yaml", None, "new")];
        let ready: Vec<Ready<'_>> = changes.iter().map(|change| prepare(dir.path(), change).unwrap()).collect();
        fs::rename(&ready[0].temporary, &ready[0].path).unwrap();
        assert_eq!(undo(&ready[..1]), "nothing was changed");
        clean(&ready[1..]);
        assert_eq!(fs::read_to_string(dir.path().join("a.yaml")).unwrap(), "old");
        assert_eq!(hidden(dir.path()), 0);
    }
}
