//! What one version of the files grants and the other does not, whatever the dates: a grant that begins in a month is no
//! step of a plan yet, and yet whoever approves the change approves it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Zoned;

use crate::model::{
    Claim, ClaimChange, Desired, DesiredApp, Email, FieldName, GroupState, PersonStatus, Place, Turn, Values, Window,
};

/// What lines grant, by whom they grant it to: for some time, some values, because of some lines.
type Granted = BTreeMap<(Window, Values), BTreeSet<Place>>;

/// In which group, and for whom.
type Who<'a> = (Option<&'a Arc<str>>, &'a Email);

/// Every claim of one version that the other does not have, sorted.
pub fn claims(change: &Desired, before: &Desired) -> Vec<ClaimChange> {
    let mut found = Vec::new();
    let names: BTreeSet<&Arc<str>> = change.apps.keys().chain(before.apps.keys()).collect();
    for name in names {
        let (now, old) = (change.apps.get(name), before.apps.get(name));
        // A person who has a new key in the change is still the same.
        let mut new = now.map(|app| granted(change, app, change)).unwrap_or_default();
        let mut was = old.map(|app| granted(before, app, change)).unwrap_or_default();
        for (who, claims) in &mut new {
            if let Some(was) = was.get_mut(who) {
                let same: Vec<_> = claims.keys().filter(|key| was.contains_key(*key)).cloned().collect();
                same.iter().for_each(|key| drop((claims.remove(key), was.remove(key))));
            }
        }
        let sides = [(Turn::Added, now, new), (Turn::Removed, old, was)];
        for (turn, app, granted) in sides {
            let Some(app) = app else { continue };
            found.extend(granted.into_iter().flat_map(|(who, claims)| tell(change, app, turn, who, claims)));
        }
    }
    found.sort();
    found
}

/// Everything that an app's lines grant to people who may use it.
fn granted<'a>(desired: &'a Desired, app: &'a DesiredApp, keys: &'a Desired) -> BTreeMap<Who<'a>, Granted> {
    let mut all: BTreeMap<Who<'a>, Granted> = BTreeMap::new();
    let accounts = app.accounts.iter().map(|(identity, account)| (None, identity, &account.claims));
    let groups = app.groups.values().filter(|group| group.state == GroupState::Present);
    let members = groups
        .flat_map(|group| group.members.iter().map(move |(identity, claims)| (Some(&group.name), identity, claims)));
    for (group, identity, claims) in accounts.chain(members) {
        if desired.people.get(identity).is_some_and(|person| person.status != PersonStatus::Active) {
            continue;
        }
        let granted = all.entry((group, keys.identity(identity))).or_default();
        for Claim { window, values, because, .. } in claims {
            granted.entry((*window, values.clone())).or_default().extend(because.iter().cloned());
        }
    }
    all
}

fn tell<'a>(
    change: &'a Desired,
    app: &'a DesiredApp,
    turn: Turn,
    (group, identity): Who<'a>,
    claims: Granted,
) -> impl Iterator<Item = ClaimChange> + 'a {
    claims.into_iter().map(move |((window, values), because)| ClaimChange {
        app: app.name.clone(),
        account: identity.as_str().into(),
        group: group.cloned(),
        turn,
        from: window.from.map(|at| zoned(change, at)),
        until: window.until.map(|at| zoned(change, at)),
        administrates: administrates(app, group.is_some(), &values),
        values,
        because: because.into_iter().collect(),
    })
}

fn zoned(change: &Desired, at: jiff::Timestamp) -> Zoned {
    at.to_zoned(change.settings.time_zone.clone())
}

/// Whether a claim lets somebody administer; what it leaves open the app's defaults say.
fn administrates(app: &DesiredApp, membership: bool, values: &Values) -> bool {
    if membership {
        return app.semantics.makes_group_admin(values);
    }
    let open = |field: &&FieldName| app.managed.contains(*field) && !values.contains_key(*field);
    let defaults: Values = app
        .defaults
        .keys()
        .filter(open)
        .filter_map(|field| Some((field.clone(), app.defaults.get(field)?.clone())))
        .collect();
    app.semantics.makes_admin(values) || app.semantics.makes_admin(&defaults)
}
