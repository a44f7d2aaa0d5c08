//! Where relative paths in the files begin: in the folder that holds the desired-state directory, wherever the shell is.

use std::{
    env, fs,
    path::{self, Path, PathBuf},
};

use super::{exit::Failure, terminal};
use crate::connectors::ProcessSecrets;

/// The folder that holds a desired-state directory.
pub(super) fn of(dir: &Path) -> PathBuf {
    // The directory's own name may be a link that somebody swaps; the folder is the one where it has that name.
    let named = path::absolute(dir).ok().filter(|whole| whole.file_name().is_some());
    let whole = named.or_else(|| fs::canonicalize(dir).ok()).unwrap_or_else(|| dir.to_owned());
    whole.parent().map_or_else(|| whole.clone(), Path::to_owned)
}

/// The secrets that the files of a directory name.
pub(super) fn secrets(dir: &Path) -> ProcessSecrets {
    ProcessSecrets::beside(of(dir))
}

/// The address of a store that the files of a directory name. One that an earlier version made in the shell's folder is named,
/// and no other one is begun beside it: what caps count is in there.
pub(super) fn store(url: &str, dir: &Path) -> Result<String, Failure> {
    let Some(path) = url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path)) else {
        return Ok(url.to_owned());
    };
    let (folder, relative) = (of(dir), Path::new(path));
    let shell = env::current_dir().unwrap_or_default();
    if path == ":memory:" || relative.is_absolute() || is_same(&folder, &shell) {
        return Ok(url.to_owned());
    }
    let (ours, other) = (folder.join(relative), shell.join(relative));
    if is_file(&other) && !is_same(&ours, &other) {
        let (at, there) = (ours.display(), other.display());
        if !is_file(&ours) {
            let why = format!(
                "a store is at {there}, where earlier versions looked for it, and none is at {at}, where the files have it now"
            );
            return Err(Failure::new(why).hint(format!(
                "move it there with its folder; or, if it is another one, name one with --store sqlite:{at}"
            )));
        }
        terminal::note(&format!("the store is {at}; {there} is another one, and is not used"));
    }
    Ok(format!("sqlite:{}", ours.display()))
}

fn is_file(path: &Path) -> bool {
    path.is_file()
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_one_that_holds_the_directory_however_it_is_written() {
        let here = env::current_dir().unwrap();
        let check = |dir: &str, expect: &Path| assert_eq!(of(Path::new(dir)), expect, "{dir}");
        check("desired-state", &here);
        check("./desired-state/", &here);
        check("src/..", here.parent().unwrap());
        check(".", here.parent().unwrap());
        check("/etc/rosterd/desired-state", Path::new("/etc/rosterd"));
        check("/", Path::new("/"));
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_is_a_link_is_in_the_folder_that_has_the_link() {
        let (place, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let link = place.path().join("desired-state");
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        assert_eq!(of(&link), place.path());
    }
}
