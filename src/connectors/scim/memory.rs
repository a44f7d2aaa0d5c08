//! What a run learns about a server while it speaks to it. It ends with the run, but the store can tell the next run that the
//! server shows members.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use super::attribute::{MEMBERS, get, text};
use crate::model::{Email, Notice};

/// A resource as it was last seen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sight {
    /// Its version.
    pub(super) version: String,
    /// Whose it was, if it is a user.
    pub(super) address: Option<Email>,
}

/// What is remembered during a run.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// By path.
    pub(super) sights: HashMap<String, Sight>,
    /// Filters are ignored or refused.
    pub(super) filter_useless: bool,
    /// Users, or groups, that have no PATCH.
    pub(super) no_patch: HashSet<&'static str>,
    /// A removal by value took everybody out of a group.
    pub(super) values_ignored: bool,
    /// Some group has shown a member, or some user a group: who shows none, has none.
    pub(super) members_shown: bool,
    /// Groups that were made a moment ago and never written to: that they are empty needs no proof.
    pub(super) made: HashSet<String>,
    /// Groups show their members only when these are asked for by name.
    pub(super) members_on_request: bool,
    /// Who says to be in a group, by its id, as users showed it when all of them were listed. A group that was written to
    /// since is left out.
    pub(super) claims: HashMap<String, BTreeSet<String>>,
    /// Groups whose members are not all shown, and why.
    pub(super) truncated: BTreeMap<String, String>,
    pub(super) notices: BTreeSet<Notice>,
}

impl Memory {
    /// Takes in which groups users say they are in. What was found out about groups before is old with it.
    pub(super) fn claim<'a>(&mut self, users: impl Iterator<Item = &'a Value>) {
        self.claims.clear();
        self.truncated.clear();
        self.notices.clear();
        for user in users {
            let Some(id) = text(get(user, "id")) else { continue };
            for group in groups_of(user) {
                self.members_shown = true;
                self.claims.entry(group).or_default().insert(id.clone());
            }
        }
    }

    /// Takes in whether a group shows any member.
    pub(super) fn see_members(&mut self, group: &Value) {
        self.members_shown |= get(group, MEMBERS).and_then(Value::as_array).is_some_and(|members| !members.is_empty());
    }

    /// Whether a group that shows nobody is known to have no members.
    pub(super) fn knows_members(&self, group: &str) -> bool {
        self.members_shown || self.made.contains(group)
    }

    /// Something was written to a group, so that what users said of it is old.
    pub(super) fn forget_claims(&mut self, group: &str) {
        self.claims.remove(group);
    }
}

/// Whose turn it is to read and write a whole resource.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// The lock of the resource at `path`.
    pub(super) fn of(&self, path: &str) -> Arc<tokio::sync::Mutex<()>> {
        // A lock is put in whole or not at all, so that a poisoned map is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(path.to_owned()).or_default().clone()
    }
}

/// Ids of the groups that a user says to be in, not counting those that come from nesting.
pub(super) fn groups_of(user: &Value) -> impl Iterator<Item = String> {
    let groups = get(user, "groups").and_then(Value::as_array).into_iter().flatten();
    let direct = |group: &&Value| text(get(group, "type")).is_none_or(|kind| !kind.eq_ignore_ascii_case("indirect"));
    groups.filter(direct).filter_map(|group| text(get(group, "value")))
}
