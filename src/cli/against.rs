//! `--against REF`: two versions of the files, and one live state.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{
    args::Target,
    context::{self, Files, Past, Session},
    exit::Failure,
    texts,
    values::Approve,
};
use crate::{
    connectors::Registry,
    desired::{self, Loaded, Texts},
    git::{Commit, GitError},
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
    /// The commit's full id.
    commit: String,
    /// What the commit says, manifests included.
    reviewed: Arc<Texts>,
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

/// Reads both versions: that of the commit `reference`, and the one under review, which is the commit `head` or what lies in
/// the directory. Those who wrote the latter are not trusted: no manifest of theirs is used for more than to check their
/// files.
pub(super) fn compare(
    target: &Target,
    approve: &[Approve],
    reference: &str,
    head: Option<&str>,
) -> Result<Compared, Failure> {
    let dir = &target.dir;
    let at = |reference: &str| format!("{} at {reference}", dir.display());
    let commit = Commit::open(dir, reference).map_err(failure)?;
    let reviewed = texts::of_commit(&commit).map_err(|problems| context::refuse(&at(reference), &problems))?;
    let (reviewed, id) = (Arc::new(reviewed), commit.id);
    let mut before = context::checked(parsed(&reviewed), &at(reference))?;

    let (read, what) = match head {
        None => (texts::read(dir), dir.display().to_string()),
        Some(head) => (texts::of_commit(&Commit::open(dir, head).map_err(failure)?), at(head)),
    };
    let proposed = Arc::new(read.map_err(|problems| context::refuse(&what, &problems))?);
    let now: BTreeMap<&str, &str> = proposed.files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let gone = reviewed.files.iter().map(|(path, text)| {
        let lines = lines_gone(text, now.get(&**path).copied().unwrap_or_default());
        (path.clone(), lines)
    });
    let gone = gone.collect();
    let mut change = context::checked(parsed(&proposed), &what)?;

    context::check_approvals(&change.desired, approve)?;
    context::add_approvals(&mut change.desired, approve);
    context::add_approvals(&mut before.desired, approve);
    context::known_apps(&change.desired, &target.apps)?;
    // What is no path of a manifest is built in, and the same in both.
    let manifest_changed = |name: &str| proposed.manifest(name).ok() != reviewed.manifest(name).ok();
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
    Ok(Compared { reference, commit: id, reviewed, before, rules, claims, trusted, digest, files, gone })
}

/// What the change alters without a step of the plan. Both versions are compared as written: rosterd plans a new app only after
/// the merge, but tells now what the app will grant to whom.
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
        let (registry, desired) = (connectors(&self.reviewed), self.both());
        context::connected(registry, desired, self.files.clone(), self.digest.clone(), target, past).await
    }

    /// The commit's version: what it claims of accounts counts as accepted in what is shown of the change. What was accepted in
    /// fact the store knows, and `apply` goes by that.
    pub(super) fn base(&self) -> &Desired {
        &self.before.desired
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
        let digest = self.before.fingerprint();
        let earlier = reconcile::plan_against(before, &digest, live, history, Some(before), plan.created_at);
        let is_gone = |place: &Place| is_gone(&self.gone, place);
        let (change, commit) = (&self.trusted.desired, &*self.commit);
        let versions = Versions { change, before, history, commit, is_gone: &is_gone };
        let no_longer = attribute(plan, &earlier, live, versions);
        plan.findings.extend(self.trusted.findings.iter().cloned());
        plan.against = Some(Against {
            reference: self.reference.clone(),
            commit: self.commit.clone(),
            no_longer,
            rules: self.rules.clone(),
            claims: self.claims.clone(),
        });
    }
}

fn parsed(texts: &Arc<Texts>) -> Result<Loaded, desired::Problems> {
    desired::parse(texts.files.clone(), &connectors(texts))
}

/// Connectors by the manifests of one version.
fn connectors(texts: &Arc<Texts>) -> Registry {
    let texts = Arc::clone(texts);
    Registry::with_manifests(Box::new(move |name| texts.manifest(name)))
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
