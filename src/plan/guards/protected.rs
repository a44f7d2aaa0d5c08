//! A policy protects accounts by their address.

use std::{collections::BTreeMap, sync::Arc};

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::{
    model::Guard,
    plan::{
        Context,
        draft::{Draft, Drafts},
        wanted::Wanted,
    },
};

pub(super) fn check(cx: &Context<'_>, _: &Wanted<'_>, drafts: &mut Drafts) {
    // By the group whose policy it is, so that each list of globs is compiled once.
    let mut compiled: BTreeMap<Option<Arc<str>>, Option<GlobSet>> = BTreeMap::new();
    for draft in &mut drafts.actions {
        let group = &draft.action.name.group;
        let patterns = &cx.policy(group.as_ref()).protect;
        if draft.action.may_lock_out() && !patterns.is_empty() {
            judge(compiled.entry(group.clone()).or_insert_with(|| globs(patterns)).as_ref(), draft);
        }
    }
}

fn judge(protected: Option<&GlobSet>, draft: &mut Draft) {
    let addresses = draft.identity.iter().chain(draft.action.step.email());
    // A glob may spell a domain as people do, while addresses are compared by its A-labels.
    let matches = protected.is_none_or(|globs| {
        addresses
            .clone()
            .any(|email| globs.is_match(email.key()) || globs.is_match(email.as_str().trim().to_lowercase()))
    });
    if matches {
        draft.hold_until_approved(Guard::Protected, "a `protect` policy covers this address");
    }
}

/// The loader refused globs that cannot be read. Should the set not come about all the same, `None` protects everyone.
fn globs(patterns: &[String]) -> Option<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        builder.add(Glob::new(&pattern.to_lowercase()).ok()?);
    }
    builder.build().ok()
}
