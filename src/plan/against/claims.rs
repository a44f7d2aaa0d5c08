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

/// What lines grant to somebody: for some time, some values.
type Granted<'a> = BTreeMap<(Window, Values), Lines<'a>>;

/// The lines that grant something, and whom they name.
struct Lines<'a> {
    named: &'a Email,
    because: BTreeSet<Place>,
}

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
            found.extend(granted.into_iter().flat_map(|((group, _), claims)| tell(change, app, turn, group, claims)));
        }
    }
    found.sort();
    found
}

/// Everything that an app's lines grant to people who may use it.
fn granted<'a>(desired: &'a Desired, app: &'a DesiredApp, keys: &'a Desired) -> BTreeMap<Who<'a>, Granted<'a>> {
    let mut all: BTreeMap<Who<'a>, Granted<'a>> = BTreeMap::new();
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
            let new = || Lines { named: identity, because: BTreeSet::new() };
            let lines = granted.entry((*window, values.clone())).or_insert_with(new);
            lines.because.extend(because.iter().cloned());
        }
    }
    all
}

fn tell<'a>(
    change: &'a Desired,
    app: &'a DesiredApp,
    turn: Turn,
    group: Option<&'a Arc<str>>,
    claims: Granted<'a>,
) -> impl Iterator<Item = ClaimChange> + 'a {
    claims.into_iter().map(move |((window, values), lines)| ClaimChange {
        app: app.name.clone(),
        account: lines.named.as_str().into(),
        group: group.cloned(),
        turn,
        from: window.from.map(|at| zoned(change, at)),
        until: window.until.map(|at| zoned(change, at)),
        administrates: administrates(app, group, &values),
        values,
        because: lines.because.into_iter().collect(),
    })
}

fn zoned(change: &Desired, at: jiff::Timestamp) -> Zoned {
    at.to_zoned(change.settings.time_zone.clone())
}

/// Whether a claim lets somebody administer; what it leaves open the app's defaults say.
fn administrates(app: &DesiredApp, group: Option<&Arc<str>>, values: &Values) -> bool {
    if let Some(group) = group {
        // A group may have a role of its own, which its members get.
        let by_group = app.groups.get(group).is_some_and(|group| app.semantics.makes_admin(&group.values));
        return by_group || app.semantics.makes_group_admin(values);
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
