//! Writing desired-state files: all of them or none, and never half a file.

use std::{
    fs,
    io::{self, Write as _},
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

/// Writes a file of its own, which nobody else may read: it says who has what.
pub(super) fn save(path: &Path, text: &str) -> Result<(), Failure> {
    keep(path, text).map_err(|error| cannot(path, &error))
}

fn keep(path: &Path, text: &str) -> io::Result<()> {
    // A link stays a link; what it leads to is replaced.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = fs::metadata(path).ok();
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        // A pipe or a device is somebody else's, and stays what it is.
        return fs::write(path, text);
    }
    let temporary = beside(path, path.parent().unwrap_or(Path::new("")));
    // A new file under the old name: whoever has the old one open goes on reading the old one.
    let replaced = private(&temporary).and_then(|mut file| file.write_all(text.as_bytes()));
    let replaced = replaced.and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        // Best effort: the error that matters is the one above.
        let _ = fs::remove_file(&temporary);
    }
    match (replaced, before) {
        // Where no file can be made beside it, or it is mounted by itself, it is closed to others before it is filled.
        (Err(_), Some(_)) => {
            close(path)?;
            fs::write(path, text)
        }
        (replaced, _) => replaced,
    }
}

/// A new file that its owner alone may read and write.
fn private(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes from all others what they may do with a file.
#[cfg(unix)]
fn close(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

#[cfg(not(unix))]
fn close(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Where a file lies ready before it gets its name. A name that begins with a dot is never read as desired state.
fn beside(path: &Path, folder: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    folder.join(format!(".{name}.{}.tmp", std::process::id()))
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
    if now(&path)? != change.before {
        return Err(io::Error::other("somebody else changed it meanwhile; run this again"));
    }
    let folder = path.parent().unwrap_or(dir);
    fs::create_dir_all(folder)?;
    let temporary = beside(&path, folder);
    // Whoever may not read the file that is there may not read the new one either, not even before it has its name.
    let written = match fs::metadata(&path) {
        Ok(before) => private(&temporary).and_then(|mut file| {
            file.write_all(change.after.as_bytes())?;
            fs::set_permissions(&temporary, before.permissions())
        }),
        Err(_) => fs::write(&temporary, &change.after),
    };
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

    #[cfg(unix)]
    #[test]
    fn what_is_saved_is_its_owners_alone_whatever_was_there_before() {
        use std::{io::Read as _, os::unix::fs::PermissionsExt as _};

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("live.json");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        save(&path, "one").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("one", 0o600));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let mut old = fs::File::open(&path).unwrap();
        std::os::unix::fs::symlink("live.json", dir.path().join("link")).unwrap();
        save(&dir.path().join("link"), "two").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("two", 0o600));
        // Whoever had the old file open sees nothing of the new one.
        let mut text = String::new();
        old.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), hidden(dir.path())), ("one", 0));
        assert!(dir.path().join("link").is_symlink());
        // A device stays one.
        save(Path::new("/dev/null"), "x").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert!(save(&dir.path().join("none/live.json"), "x").is_err());
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
