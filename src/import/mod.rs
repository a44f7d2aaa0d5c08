//! What is live → what the files have to say for the next plan to be empty. Pure; who writes it down, and where, is the
//! command's business.
//!
//! Only what is missing is said: who is granted an account or a membership by any line is left alone, whatever is live.
//! Whoever cannot be expressed without doubt is left out and told of, because a person who is named nowhere is at worst
//! reported, while one who is named and not granted would lose what they have.

mod app;
mod fields;
mod services;
mod teams;
#[cfg(test)]
pub(crate) mod tests;
mod yaml;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use crate::model::{Desired, DesiredApp, Email, Live, LiveApp, PersonStatus, Values};

pub(crate) use teams::{Team, suggest};
pub(crate) use yaml::{Additions, people, team_lines};

/// What an import is made from.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    /// What the files say already.
    pub desired: &'a Desired,
    /// What the apps say there is.
    pub live: &'a Live,
    /// The apps to import.
    pub apps: &'a BTreeSet<Arc<str>>,
    /// Identities that are not to be named, and why.
    pub left_out: &'a BTreeMap<Email, String>,
    /// The instant at which the next plan is to be empty.
    pub now: Timestamp,
}

/// What the files lack.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Imported {
    /// People who are named nowhere yet.
    pub people: BTreeMap<Email, Names>,
    /// What is to be said in each app.
    pub apps: BTreeMap<Arc<str>, NewLines>,
    /// What is live and cannot be said, sorted.
    pub skipped: BTreeSet<Skipped>,
}

/// A person's names, as far as an app knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// First name.
    pub given: Option<Arc<str>>,
    /// Last name.
    pub family: Option<Arc<str>>,
    /// Some app has an account that can be used. Without one the person is suspended, as far as anybody can see.
    pub is_active: bool,
}

/// What one app's entry lacks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NewLines {
    /// The app is new to the files, and starts in `mode: add`.
    pub is_new: bool,
    /// The role of whoever has no other.
    pub default_role: Option<Arc<str>>,
    /// Some of the accounts go by an alias, and keep it until somebody decides otherwise.
    pub keeps_aliases: bool,
    /// Accounts, with what their lines say.
    pub accounts: BTreeMap<Email, Values>,
    /// Groups by the name under which the files know them.
    pub groups: BTreeMap<Arc<str>, NewGroup>,
    /// Pins that say which of several accounts counts.
    pub ids: BTreeMap<Email, Arc<str>>,
}

/// What one group's entry lacks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NewGroup {
    /// No line declares it yet.
    pub is_new: bool,
    /// The pin, where the name alone does not say which group is meant.
    pub id: Option<Arc<str>>,
    /// Fields of the group itself.
    pub values: Values,
    /// Members, with what their lines say.
    pub members: BTreeMap<Email, Values>,
}

/// Something live that cannot be said in the files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Skipped {
    /// The app.
    pub app: Arc<str>,
    /// The account, group or membership.
    pub what: String,
    /// Why, and what to do about it.
    pub why: String,
}

impl Imported {
    /// Everyone who is named by what is to be added.
    pub(crate) fn names(&self, identity: &Email) -> bool {
        let in_app = |app: &NewLines| {
            app.accounts.contains_key(identity) || app.groups.values().any(|group| group.members.contains_key(identity))
        };
        self.people.contains_key(identity) || self.apps.values().any(in_app)
    }
}

/// Works out what the files lack.
pub(crate) fn import(inputs: &Inputs<'_>) -> Imported {
    let mut imported = Imported::default();
    let chosen: Vec<(&DesiredApp, &LiveApp)> = inputs
        .apps
        .iter()
        .filter_map(|name| Some((inputs.desired.apps.get(name)?, inputs.live.apps.get(name)?.as_ref().ok()?)))
        .collect();
    let mut imports: Vec<app::Import<'_>> =
        chosen.iter().map(|(app, live)| app::Import::new(inputs, app, live, &mut imported.skipped)).collect();
    // Names come from all apps before any line is written: what an app's line has to say depends on what people say.
    for import in &imports {
        import.introduce(&mut imported.people);
    }
    for import in &mut imports {
        let lines = import.lines(&imported.people, &mut imported.skipped);
        imported.apps.insert(import.app.name.clone(), lines);
    }
    drop_idle(&mut imported);
    imported
}

/// People whom no line came to grant anything are not worth an entry, and with one they would count as ungranted.
fn drop_idle(imported: &mut Imported) {
    let granted: BTreeSet<Email> = imported
        .apps
        .values()
        .flat_map(|app| app.accounts.keys().chain(app.groups.values().flat_map(|group| group.members.keys())))
        .cloned()
        .collect();
    imported.people.retain(|identity, _| granted.contains(identity));
}

/// Whether the files say that this person is to have nothing, or nothing usable, now.
fn is_out(desired: &Desired, identity: &Email, now: Timestamp) -> bool {
    desired.people.get(identity).is_some_and(|person| person.status_at(now) != PersonStatus::Active)
}
