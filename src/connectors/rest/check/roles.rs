//! Roles, and what the values of fields are called.

use std::{collections::BTreeMap, sync::Arc};

use super::mistakes::Problem;
use crate::connectors::rest::{
    manifest::{Fields, Lookup, Names, Naming},
    wire::{Lined, Map, Role, Take},
};

/// What fields are called by us and by the app. `part` is for messages.
pub(super) fn naming(
    part: &str,
    role: Option<&Lined<Role>>,
    lookup: Map<Lined<String>>,
    fields: &Fields,
    lookups: &BTreeMap<Arc<str>, Lookup>,
) -> Result<Naming, Problem> {
    let mut naming = Naming::new();
    if let Some(Lined { line, value: role }) = role {
        let field = if role.take == Take::Many { "roles" } else { "role" };
        if !fields.contains_key(field) {
            return Err((*line, format!("`{part}.role` needs the field `{field}` under `{part}.fields`")));
        }
        let names = match (&role.lookup, role.names.is_empty()) {
            (Some(lookup), true) => Some(known(lookup, lookups)?),
            (Some(Lined { line, .. }), false) => {
                return Err((*line, "a role has either `names` or a `lookup`, not both".into()));
            }
            (None, false) => Some(Names::Fixed(role.names.clone())),
            (None, true) => None,
        };
        naming.extend(names.map(|names| (field.into(), names)));
    }
    for (field, lookup) in lookup {
        let wrong = |message| Err((lookup.line, message));
        if !fields.contains_key(&field) {
            return wrong(format!("`{field}` is looked up, but `{part}.fields` does not map it"));
        }
        let names = known(&lookup, lookups)?;
        if naming.insert(field.clone(), names).is_some() {
            return wrong(format!("what `{field}` is called is said by `role` already"));
        }
    }
    Ok(naming)
}

fn known(Lined { line, value: name }: &Lined<String>, lookups: &BTreeMap<Arc<str>, Lookup>) -> Result<Names, Problem> {
    if lookups.contains_key(name.as_str()) {
        return Ok(Names::Lookup(name.clone()));
    }
    let names: Vec<String> = lookups.keys().map(|name| format!("`{name}`")).collect();
    let there = if names.is_empty() {
        format!("declare it: `lookups: {{ {name}: {{ get: …, items: …, id: …, name: … }} }}`")
    } else {
        format!("there are {}", names.join(", "))
    };
    Err((*line, format!("there is no lookup `{name}`; {there}")))
}
