//! Which fields lines have to set. A field is managed as soon as any line of the app sets it, and then everyone needs a
//! value, so that it is set for all or for none.

use std::{collections::BTreeSet, sync::Arc};

use crate::model::{ADDRESS, DesiredApp, FieldName, FieldValue, LiveAccount, LiveMember, Values};

/// What a line can say of a live value; none where there is nothing to write. No roles at all can be written: `roles: []`.
fn sayable(value: Option<&Option<FieldValue>>, many: bool) -> Option<FieldValue> {
    match value {
        Some(Some(value)) => Some(value.clone()),
        Some(None) if many => Some(FieldValue::Set(BTreeSet::new())),
        _ => None,
    }
}

/// The account fields that are managed once the import is done. `services` says whether lines of services have to carry
/// names.
pub(super) fn of_accounts(
    app: &DesiredApp,
    is_new: bool,
    live: &[&LiveAccount],
    services: bool,
) -> BTreeSet<FieldName> {
    let mut managed = app.managed.clone();
    if is_new && let Some(rule) = &app.semantics.role {
        let field = rule.field();
        if live.iter().any(|account| account.values.get(&field).is_some_and(Option::is_some)) {
            managed.insert(field);
        }
    }
    if services {
        managed.extend(required_names(app));
    }
    // People's entries give names, and defaults give what everybody has.
    let own = |field: &&FieldName| !is_name(field) && !app.defaults.contains_key(*field);
    managed.extend(required(app).filter(own).cloned());
    managed
}

/// Fields without which the app makes no account, its address aside.
pub(super) fn required(app: &DesiredApp) -> impl Iterator<Item = &FieldName> {
    let require = app.semantics.create.as_ref().map(|rule| &rule.require);
    require.into_iter().flatten().filter(|field| ***field != *ADDRESS)
}

fn is_name(field: &str) -> bool {
    matches!(field, "given_name" | "family_name")
}

/// Names without which the app makes no account.
pub(super) fn required_names(app: &DesiredApp) -> BTreeSet<FieldName> {
    required(app).filter(|field| is_name(field)).cloned().collect()
}

/// The fields of memberships that are managed once the import is done: those that are, or, where none is granted yet, all
/// that everyone has a value of.
pub(super) fn of_members(app: &DesiredApp, members: &[&LiveMember]) -> BTreeSet<FieldName> {
    if app.groups.values().any(|group| !group.members.is_empty()) {
        return app.groups.values().flat_map(|group| group.managed.iter().cloned()).collect();
    }
    let rules = &app.semantics.members;
    let role = rules.role.as_ref().map(|rule| rule.field());
    let known: BTreeSet<FieldName> = rules.fields.iter().cloned().chain(role).collect();
    let everyone_has =
        |field: &FieldName| !members.is_empty() && members.iter().all(|member| value_of(member, field).is_some());
    known.into_iter().filter(|field| !matches!(&**field, "email" | "status")).filter(everyone_has).collect()
}

/// The value of a membership's field as a line says it.
pub(super) fn value_of(member: &LiveMember, field: &str) -> Option<FieldValue> {
    sayable(member.values.get(field), field == "roles")
}

/// The role that most have, for `defaults`; nobody is an admin by default.
pub(super) fn most_common_role(app: &DesiredApp, live: &[&LiveAccount]) -> Option<Arc<str>> {
    let rule = app.semantics.role.as_ref().filter(|rule| !rule.many)?;
    let mut counts: std::collections::BTreeMap<Arc<str>, usize> = std::collections::BTreeMap::new();
    for account in live {
        if let Some(Some(FieldValue::Text(role))) = account.values.get(&rule.field())
            && !rule.admin.contains(role)
        {
            *counts.entry(role.clone()).or_default() += 1;
        }
    }
    // Of two that are as common, the first by name, so that the same input gives the same files.
    let most = counts.values().copied().max().filter(|many| *many > 1)?;
    counts.into_iter().find(|(_, many)| *many == most).map(|(role, _)| role)
}

/// What is written of an account's role and other fields: everything managed but what `provided` gives already. An error
/// names the field that the app does not show.
pub(super) fn line(
    managed: &BTreeSet<FieldName>,
    account: &LiveAccount,
    provided: impl Fn(&str) -> Option<FieldValue>,
) -> Result<Values, FieldName> {
    let mut values = Values::new();
    for field in managed {
        let live = account.values.get(field);
        let provided = provided(field);
        match sayable(live, &**field == "roles") {
            Some(value) if provided.as_ref() == Some(&value) => {}
            Some(value) => {
                values.insert(field.clone(), value);
            }
            // What was not seen is not changed either, as long as there is a value.
            None if live.is_none() && provided.is_some() => {}
            None => return Err(field.clone()),
        }
    }
    Ok(values)
}
