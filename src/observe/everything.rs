//! Reading more than planning needs: every group with its members, whether or not a line declares it, and what accounts are
//! commonly told apart by. An import has to see what the files do not ask for yet.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{OnProgress, observe};
use crate::{
    connectors::{Error, Lane, Reader},
    model::{DesiredApp, DesiredGroup, Email, FieldName, GroupState, LiveApp},
};

/// Reads all of an app, and every group of it, at `now`.
///
/// # Errors
/// As [`observe`].
pub async fn observe_everything(
    reader: &dyn Reader,
    app: &DesiredApp,
    aliases: &BTreeMap<Email, Email>,
    now: Timestamp,
    progress: OnProgress<'_>,
) -> Result<LiveApp, Error> {
    let mut wide = app.clone();
    let semantics = app.semantics.clone();
    let role = semantics.role.as_ref().map(|rule| rule.field());
    let names = ["given_name", "family_name"].map(FieldName::from);
    wide.managed.extend(names.into_iter().filter(|name| semantics.fields.contains(name)).chain(role));
    // One list more than planning takes. Where it fails, the reading below says so.
    let listed = match semantics.groups.list {
        true => reader.groups(Lane::Read).await.map(|listing| listing.rows).unwrap_or_default(),
        false => Vec::new(),
    };
    let known: Vec<Arc<str>> = app.groups.values().filter_map(|group| group.id.clone()).collect();
    for group in listed.into_iter().filter(|group| !known.contains(&group.id)) {
        // The id tells apart what has the same name; a group that a line declares by name is declared already.
        if !app.groups.contains_key(&group.name) {
            let key: Arc<str> = format!("{} ({})", group.name, group.id).into();
            wide.groups.insert(key, asked(app, group.name, Some(group.id)));
        }
    }
    if wide.groups.is_empty() {
        // Where accounts show their groups, having asked for one is what makes a reading look.
        wide.groups.insert("".into(), asked(app, "".into(), None));
    }
    let role = semantics.members.role.as_ref().map(|rule| rule.field());
    for group in wide.groups.values_mut() {
        group.managed.extend(semantics.members.fields.iter().cloned().chain(role.clone()));
    }
    observe(reader, &wide, aliases, now, progress).await
}

/// A group as if a line declared it.
fn asked(app: &DesiredApp, name: Arc<str>, id: Option<Arc<str>>) -> DesiredGroup {
    DesiredGroup {
        name,
        id,
        state: GroupState::Present,
        mode: app.mode,
        policy: app.policy.clone(),
        values: BTreeMap::new(),
        members: BTreeMap::new(),
        managed: Default::default(),
        place: app.place.clone(),
    }
}
