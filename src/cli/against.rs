//! `--against REF`: two versions of the files, and one live state.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{
    args::Target,
    context::{self, Files, Past, Session},
    exit::Failure,
    values::Approve,
};
use crate::{
    connectors::{ManifestSource, Registry},
    desired::{self, Loaded},
    git::{self, Commit, GitError},
    model::{Against, ClaimChange, Desired, Live, Place, Plan, RuleChange},
    plan::{
        History,
        against::{Trusted, Versions, attribute, claims, rules, trust},
    },
    reconcile,
};

/// The files under review beside those of a commit.
pub(super) struct Compared {
    reference: String,
    commit: Arc<Commit>,
    /// The commit's files.
    before: Loaded,
    /// Rules that the change alters, and what it grants or takes back, whatever the dates.
    rules: Vec<RuleChange>,
    claims: Vec<ClaimChange>,
    /// The files under review, with all that reaches the network from the commit.
    pub trusted: Trusted,
    /// A hash of both versions.
    pub digest: String,
    /// SHA-256 of each of the files under review.
    pub files: Files,
    /// Lines of the commit that are not in the files under review.
    gone: BTreeMap<String, BTreeSet<u32>>,
}

/// Reads both versions. Those who wrote the files under review are not trusted: links out of the directory are not
/// followed, and no manifest of theirs is used for more than to check their files.
pub(super) fn compare(target: &Target, approve: &[Approve], reference: &str) -> Result<Compared, Failure> {
    let dir = &target.dir;
    let commit = Arc::new(Commit::open(dir, reference).map_err(failure)?);
    let files = commit.files(desired::counts).map_err(failure)?;
    let texts: BTreeMap<String, String> = files.iter().cloned().collect();
    let what = format!("{} at {reference}", dir.display());
    let mut before = context::checked(desired::parse(files, &reviewed(&commit)), &what)?;

    let read = desired::files_within(dir);
    let mut gone = BTreeMap::new();
    let parsed = read.and_then(|files| {
        let now: BTreeMap<&str, &str> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
        for (path, text) in &texts {
            gone.insert(path.clone(), lines_gone(text, now.get(&**path).copied().unwrap_or_default()));
        }
        desired::parse(files, &under_review(dir, &commit))
    });
    let mut change = context::checked(parsed, &dir.display().to_string())?;

    context::check_approvals(&change.desired, approve)?;
    context::add_approvals(&mut change.desired, approve);
    context::add_approvals(&mut before.desired, approve);
    context::known_apps(&change.desired, &target.apps)?;
    let manifest_changed = |name: &str| {
        let here = manifest(dir, &commit, name).ok();
        // What is no path of a manifest is built in, and the same in both.
        (here.is_some() || is_path(name)) && here != commit.file(name).ok().flatten()
    };
    let trusted = trust(&change.desired, &before.desired, manifest_changed);
    let (mut rules, claims) = altered(&change.desired, &before.desired, &trusted);
    let is_gone = |place: &Place| is_gone(&gone, place);
    rules.iter_mut().for_each(|rule| rule.gone.retain(is_gone));
    let digest = format!("{} {}", change.fingerprint(), before.fingerprint());
    let (reference, mut files) = (reference.to_owned(), change.files);
    // Requests are made from the commit's manifests, so a plan that is saved is about those.
    files.extend(
        before.files.iter().filter(|(path, _)| !desired::counts(path)).map(|(p, hash)| (p.clone(), hash.clone())),
    );
    Ok(Compared { reference, commit, before, rules, claims, trusted, digest, files, gone })
}

/// What the change alters without a step of the plan. It is compared as it was written: an app that is new is planned once the
/// change is merged, and yet it is told now whom it will give what.
fn altered(change: &Desired, before: &Desired, trusted: &Trusted) -> (Vec<RuleChange>, Vec<ClaimChange>) {
    let mut rules = rules(change, before);
    rules.extend(trusted.rules.iter().cloned());
    rules.sort();
    (rules, claims(change, before))
}

fn is_gone(gone: &BTreeMap<String, BTreeSet<u32>>, place: &Place) -> bool {
    gone.get(&*place.file).is_some_and(|lines| lines.contains(&place.line))
}

impl Compared {
    /// Connects as the commit says, to read what either version asks about.
    pub(super) async fn session(&self, target: &Target, past: Past<'_>) -> Result<Session, Failure> {
        let (registry, desired) = (reviewed(&self.commit), self.both());
        context::connected(registry, desired, self.files.clone(), self.digest.clone(), target, past).await
    }

    /// What to read by: the groups that either version declares. A group that was not read looks empty, as if the other
    /// version had everything in it still to do.
    fn both(&self) -> Desired {
        let mut desired = self.trusted.desired.clone();
        for (name, app) in &mut desired.apps {
            let Some(before) = self.before.desired.apps.get(name) else { continue };
            for (group, declared) in &before.groups {
                app.groups.entry(group.clone()).or_insert_with(|| declared.clone());
            }
        }
        desired
    }

    /// Says of every action what caused it, and what the change would change about the way to the apps.
    pub(super) fn tell(&self, plan: &mut Plan, live: &Live, history: Option<&History>) {
        let before = &self.before.desired;
        let earlier = reconcile::plan_against(before, &self.before.fingerprint(), live, history, plan.created_at);
        let is_gone = |place: &Place| is_gone(&self.gone, place);
        let versions = Versions { change: &self.trusted.desired, before, history, is_gone: &is_gone };
        let no_longer = attribute(plan, &earlier, live, versions);
        plan.findings.extend(self.trusted.findings.iter().cloned());
        plan.against = Some(Against {
            reference: self.reference.clone(),
            commit: self.commit.id.clone(),
            no_longer,
            rules: self.rules.clone(),
            claims: self.claims.clone(),
        });
    }
}

/// Connectors of the commit: its manifests, wherever in the repository.
fn reviewed(commit: &Arc<Commit>) -> Registry {
    let commit = Arc::clone(commit);
    Registry::with_manifests(Box::new(move |name| match commit.file(name) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(format!("there is no manifest `{name}` at {}", git::short(&commit.id))),
        Err(error) => Err(error.to_string()),
    }))
}

/// Connectors of the files under review, to check those files by.
fn under_review(dir: &Path, commit: &Arc<Commit>) -> Registry {
    let (dir, commit) = (dir.to_owned(), Arc::clone(commit));
    let source: ManifestSource = Box::new(move |name| manifest(&dir, &commit, name));
    Registry::with_manifests(source)
}

/// A manifest as the files under review would have it. A file that is no manifest is shown with what is wrong with it, so
/// that a path may lead to the directory's own files alone: beside them lie snapshots, `.git` and whatever else CI put
/// there. A path out of the directory means the commit's file.
fn manifest(dir: &Path, commit: &Commit, name: &str) -> Result<String, String> {
    let path = dir.join(name);
    let unread = |error: std::io::Error| format!("the manifest {} cannot be read: {error}", path.display());
    let inside = dir.canonicalize().and_then(|dir| Ok((path.canonicalize()?, dir)));
    match inside {
        Ok((real, dir)) if real.strip_prefix(&dir).is_ok_and(is_page) => fs::read_to_string(real).map_err(unread),
        Err(error) if !name.contains("..") => Err(unread(error)),
        _ => match commit.file(name) {
            Ok(Some(text)) => Ok(text),
            _ => Err(format!("the manifest {} is not in {}", path.display(), dir.display())),
        },
    }
}

/// Whether a path of the directory may be a manifest.
fn is_page(path: &Path) -> bool {
    let hidden = path.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
    !hidden && path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn is_path(name: &str) -> bool {
    name.contains('/') || name.ends_with(".yaml") || name.ends_with(".yml")
}

/// Numbers of the lines of `before` that are not in `after`.
fn lines_gone(before: &str, after: &str) -> BTreeSet<u32> {
    if before == after {
        return BTreeSet::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let changes = capture_diff_slices(Algorithm::Patience, &old, &new);
    let gone = changes.into_iter().filter(|change| !matches!(change, DiffOp::Equal { .. }));
    gone.flat_map(|change| change.old_range()).filter_map(|line| u32::try_from(line + 1).ok()).collect()
}

fn failure(error: GitError) -> Failure {
    Failure::new(&error).hinted(error.hint)
}

#[cfg(test)]
mod tests;
