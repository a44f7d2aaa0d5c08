//! Whom teams take in by rule: by attributes, and with other teams. Nobody is named there, so that what is shown is what
//! whoever comes in gets.

use std::{collections::BTreeMap, sync::Arc};

use super::Told;
use crate::model::{Desired, DesiredTeam, FieldValue, Gift, Leaning};

pub(super) fn compare(change: &Desired, before: &Desired, told: &mut Told) {
    for (name, team) in &change.teams {
        let old = before.teams.get(name);
        let gives = team.gives.iter().map(|gift| text(change, gift)).collect::<Vec<_>>();
        let administers = team.gives.iter().any(|gift| administers(change, gift));
        let takes_in = if administers { Leaning::Loosens } else { Leaning::Changes };
        let mut one = Told::at(
            None,
            team.match_place.as_ref().or(Some(&team.place)),
            old.and_then(|old| old.match_place.as_ref()),
        );
        one.gives.clone_from(&gives);
        one.say(format!("teams.{name}.match"), takes_in, old.and_then(matches), matches(team));
        told.rules.append(&mut one.rules);
        for (included, place) in &team.includes {
            if !old.is_some_and(|old| old.includes.contains_key(included)) {
                let mut one = Told::at(None, Some(place), None);
                one.gives.clone_from(&gives);
                one.say(format!("teams.{name}.includes"), takes_in, None, Some(included.to_string()));
                told.rules.append(&mut one.rules);
            }
        }
    }
    for (name, old) in &before.teams {
        let team = change.teams.get(name);
        if team.is_none() {
            let mut one = Told::at(None, None, old.match_place.as_ref());
            one.say(format!("teams.{name}.match"), Leaning::Tightens, matches(old), None);
            told.rules.append(&mut one.rules);
        }
        let stays = |included: &Arc<str>| team.is_some_and(|team| team.includes.contains_key(included));
        for (included, place) in old.includes.iter().filter(|(included, _)| !stays(included)) {
            let mut one = Told::at(None, None, Some(place));
            one.say(format!("teams.{name}.includes"), Leaning::Tightens, Some(included.to_string()), None);
            told.rules.append(&mut one.rules);
        }
    }
}

/// `department: [Design, UX]`.
fn matches(team: &DesiredTeam) -> Option<String> {
    let of = |(key, value): (&Arc<str>, &FieldValue)| format!("{key}: {value}");
    let matches: &BTreeMap<_, _> = &team.matches;
    let texts: Vec<String> = matches.iter().map(of).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// `role admin in autodesk`, `Design Team in autodesk`.
fn text(change: &Desired, gift: &Gift) -> String {
    let roles: Vec<&str> = gift.roles.iter().map(|role| &**role).collect();
    let roles = roles.join(", ");
    let what = match (&gift.group, roles.is_empty()) {
        (None, true) => "an account".to_owned(),
        (None, false) => format!("role {roles}"),
        (Some(group), true) => group.to_string(),
        (Some(group), false) => format!("{group} as {roles}"),
    };
    let admin = if administers(change, gift) { ", which administers" } else { "" };
    format!("{what} in {}{admin}", gift.app)
}

fn administers(change: &Desired, gift: &Gift) -> bool {
    let Some(app) = change.apps.get(&gift.app) else { return false };
    let role = if gift.group.is_some() { &app.semantics.members.role } else { &app.semantics.role };
    role.as_ref().is_some_and(|rule| gift.roles.iter().any(|role| rule.admin.contains(role)))
}
