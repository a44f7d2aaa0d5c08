//! Roles, and what the values of fields are called.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_saphyr::Spanned;

use super::{
    calls::{Scope, undeclared},
    mistakes::{Problem, at},
};
use crate::{
    connectors::rest::{
        manifest::{Fields, Lookup, Names, Naming},
        options::{Of, Place, RoleList, RolesFromOptions},
        wire,
    },
    model::RoleRule,
};

/// The rule, without what options add to it, which is noted in `from`.
pub(super) fn rule(
    role: &Spanned<wire::Role>,
    of: Of,
    scope: &Scope<'_>,
    from: &mut RolesFromOptions,
) -> Result<RoleRule, Problem> {
    let role = &role.value;
    let mut list = |roles: &Option<Spanned<wire::Roles>>, list| -> Result<Vec<Arc<str>>, Problem> {
        match roles.as_ref().map(|roles| (at(roles), &roles.value)) {
            None => Ok(Vec::new()),
            Some((_, wire::Roles::These(all))) => Ok(all.iter().map(|role| role.as_str().into()).collect()),
            Some((line, wire::Roles::Option(name))) => {
                if !scope.options.specs.iter().any(|spec| spec.name == *name) {
                    return Err((line, undeclared(name)));
                }
                from.0.push((Place { of, list }, name.clone()));
                Ok(Vec::new())
            }
        }
    };
    let ranked = list(&role.ranked, RoleList::Ranked)?;
    let admin = list(&role.admin, RoleList::Admin)?;
    let mut values: BTreeSet<Arc<str>> = list(&role.values, RoleList::Values)?.into_iter().collect();
    values.extend(role.names.keys().map(|name| name.as_str().into()));
    Ok(RoleRule { many: role.take == wire::Take::Many, ranked, admin: admin.into_iter().collect(), values })
}

/// What fields are called by us and by the app. `part` is for messages.
pub(super) fn naming(
    part: &str,
    role: Option<&Spanned<wire::Role>>,
    lookup: BTreeMap<String, Spanned<String>>,
    fields: &Fields,
    lookups: &BTreeMap<String, Lookup>,
) -> Result<Naming, Problem> {
    let mut naming = Naming::default();
    if let Some((line, role)) = role.map(|role| (at(role), &role.value)) {
        let field = if role.take == wire::Take::Many { "roles" } else { "role" };
        if !fields.0.contains_key(field) {
            return Err((line, format!("`{part}.role` needs the field `{field}` under `{part}.fields`")));
        }
        match (&role.lookup, role.names.is_empty()) {
            (Some(lookup), true) => {
                naming.0.insert(field.into(), Names::Lookup(known(lookup, lookups)?));
            }
            (Some(lookup), false) => {
                return Err((at(lookup), "a role has either `names` or a `lookup`, not both".into()));
            }
            (None, false) => {
                let names = role.names.iter().map(|(ours, theirs)| (ours.as_str().into(), theirs.clone()));
                naming.0.insert(field.into(), Names::Fixed(names.collect()));
            }
            (None, true) => {}
        }
    }
    for (field, lookup) in lookup {
        if !fields.0.contains_key(field.as_str()) {
            return Err((at(&lookup), format!("`{field}` is looked up, but `{part}.fields` does not map it")));
        }
        let name = known(&lookup, lookups)?;
        if naming.0.insert(field.as_str().into(), Names::Lookup(name)).is_some() {
            return Err((at(&lookup), format!("what `{field}` is called is said by `role` already")));
        }
    }
    Ok(naming)
}

fn known(lookup: &Spanned<String>, lookups: &BTreeMap<String, Lookup>) -> Result<String, Problem> {
    if lookups.contains_key(&lookup.value) {
        return Ok(lookup.value.clone());
    }
    let names: Vec<String> = lookups.keys().map(|name| format!("`{name}`")).collect();
    let there = if names.is_empty() {
        format!("declare it: `lookups: {{ {}: {{ get: …, items: …, id: …, name: … }} }}`", lookup.value)
    } else {
        format!("there are {}", names.join(", "))
    };
    Err((at(lookup), format!("there is no lookup `{}`; {there}", lookup.value)))
}
