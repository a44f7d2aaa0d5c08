//! Teams that seem to be there: people who have the very same groups, over all imported apps. A suggestion to read, never
//! written, because only people know whether it is a team or chance.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::Imported;
use crate::model::{Desired, Email, Values};

/// Fewer people who happen to have the same are no team.
const LEAST: usize = 3;

/// More suggestions than this nobody reads.
const MOST: usize = 10;

/// People who have the very same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Team {
    /// A name made of what its members have in common.
    pub name: String,
    /// Who they are.
    pub members: BTreeSet<Email>,
    /// What they have, by app.
    pub grants: BTreeMap<Arc<str>, Grant>,
}

/// What a team's members have in one app.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grant {
    /// Fields of their accounts.
    pub values: Values,
    /// Their groups, with the fields of the memberships.
    pub groups: BTreeMap<Arc<str>, Values>,
}

/// The largest sets of people with identical groups and roles. Admins are in none: what they have is theirs by name.
pub(crate) fn suggest(desired: &Desired, imported: &Imported) -> Vec<Team> {
    let mut holdings: BTreeMap<&Email, BTreeMap<Arc<str>, Grant>> = BTreeMap::new();
    let mut admins: BTreeSet<&Email> = BTreeSet::new();
    for (app, lines) in &imported.apps {
        let semantics = desired.apps.get(app).map(|app| &app.semantics);
        for (identity, values) in &lines.accounts {
            if semantics.is_some_and(|semantics| semantics.makes_admin(values)) {
                admins.insert(identity);
            }
            holdings.entry(identity).or_default().entry(app.clone()).or_default().values = values.clone();
        }
        for (name, group) in &lines.groups {
            for (identity, values) in &group.members {
                let grant = holdings.entry(identity).or_default().entry(app.clone()).or_default();
                grant.groups.insert(name.clone(), values.clone());
            }
        }
    }
    let mut teams: BTreeMap<BTreeMap<Arc<str>, Grant>, BTreeSet<Email>> = BTreeMap::new();
    for (identity, grants) in holdings {
        let is_person = imported.people.contains_key(identity) || desired.people.contains_key(identity);
        let in_groups = grants.values().any(|grant| !grant.groups.is_empty());
        if is_person && in_groups && !admins.contains(identity) {
            teams.entry(grants).or_default().insert(identity.clone());
        }
    }
    let mut teams: Vec<_> = teams.into_iter().filter(|(_, members)| members.len() >= LEAST).collect();
    teams.sort_by(|(a, a_members), (b, b_members)| b_members.len().cmp(&a_members.len()).then_with(|| a.cmp(b)));
    let mut taken = BTreeSet::new();
    let named = teams.into_iter().take(MOST).map(|(grants, members)| {
        let name = name(&grants, &mut taken);
        Team { name, members, grants }
    });
    named.collect()
}

/// The name of the first group in small letters and dashes, with a number where it is taken.
fn name(grants: &BTreeMap<Arc<str>, Grant>, taken: &mut BTreeSet<String>) -> String {
    let group = grants.values().find_map(|grant| grant.groups.keys().next()).map_or("team", |name| &**name);
    let words: Vec<String> =
        group.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let base = if words.is_empty() { "team".to_owned() } else { words.join("-") };
    let mut name = base.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}
