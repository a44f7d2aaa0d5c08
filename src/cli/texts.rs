//! The texts of the desired state, from a directory or a commit, by the same rules: what a reviewer saw in a commit is what
//! is read from its checkout, or neither is read.

use std::{collections::BTreeMap, path::Path};

use crate::{
    connectors::Registry,
    desired::{self, Kind, Listed, Loaded, Problems, Texts},
    git::{self, Altered, Checkout, Commit, Entry, GitError},
};

/// Reads what lies in a directory. In a checkout, what git made of the commit must be what the commit says; local changes
/// are the user's own.
pub(super) fn read(dir: &Path) -> Result<Texts, Problems> {
    let texts = desired::read(dir)?;
    if let Some(checkout) = git::checked_out(dir).map_err(unasked)? {
        unaltered(dir, &checkout, &texts)?;
    }
    Ok(texts)
}

/// Loads what lies in a directory.
pub(super) fn load(dir: &Path, registry: &Registry) -> Result<Loaded, Problems> {
    desired::parse(read(dir)?.files, registry)
}

/// Reads what a commit holds. Nothing is checked out, so that no attribute and no link has a say in it.
pub(super) fn of_commit(commit: &Commit) -> Result<Texts, Problems> {
    let name = |path: &str| commit.name(path);
    let chosen = desired::select(commit.entries.iter().map(listed), &name)?;
    let paths: Vec<&str> = chosen.iter().map(String::as_str).collect();
    let converted = commit.converted(&paths).map_err(unasked)?;
    if !converted.is_empty() {
        let wrong = converted.into_iter().map(|(path, by)| converts(&name(&path), &by));
        return Err(desired::refused(wrong));
    }
    desired::texts(commit.read(|path| chosen.contains(path)).map_err(unasked)?, &name)
}

fn unaltered(dir: &Path, checkout: &Checkout, texts: &Texts) -> Result<(), Problems> {
    let commit = &checkout.commit;
    let laid_out = checkout.laid_out().map_err(unasked)?;
    desired::select(laid_out.into_iter().map(listed), &|path| commit.name(path))?;
    let files = texts.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let manifests = texts.manifests.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let read: BTreeMap<&str, &str> = files.chain(manifests).collect();
    let wrong = checkout.altered(&read).map_err(unasked)?.into_iter().map(|(path, how)| {
        let name = format!("`{}`", dir.join(&path).display());
        match how {
            Altered::By(attribute) => converts(&name, &attribute),
            Altered::Unnoticed => {
                let message =
                    format!("{name} is not what {} says, although git takes it for unchanged", commit.short());
                ("altered", format!("{message}: delete it, and check it out again with `git checkout -- FILE`"))
            }
        }
    });
    let wrong: Vec<_> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(desired::refused(wrong)) }
}

fn converts(name: &str, attribute: &str) -> (&'static str, String) {
    let message =
        format!("{name} has the git attribute `{attribute}`, so a checkout may hold other bytes than its commit");
    ("attribute", format!("{message}: take it off in `.gitattributes` (`desired-state/** -{attribute}`)"))
}

fn listed(entry: &Entry) -> Listed<'_> {
    let kind = match entry.kind {
        git::Kind::File => Kind::File,
        git::Kind::Link => Kind::Link,
        git::Kind::Submodule => Kind::Submodule,
    };
    Listed { path: &entry.path, kind, size: entry.size }
}

fn unasked(error: GitError) -> Problems {
    let GitError { message, hint } = error;
    desired::refused([("git", hint.map_or(message.clone(), |hint| format!("{message}: {hint}")))])
}

#[cfg(test)]
mod tests;
