//! Groups.

use super::{
    answers::Told,
    calls::{CallBuilder, Scope, reads_first},
    mistakes::{Problem, at},
    required,
};
use crate::{
    connectors::{
        http::Method,
        rest::{
            manifest::{Fields, Groups},
            wire,
        },
    },
    model::{GroupRules, Semantics},
};

const ID: &str = "id";
const NAME: &str = "name";

pub(super) const GROUP: &[&str] = &["group.id"];

/// What can be done with groups, but for their fields.
pub(super) fn rules(wire: &wire::Groups) -> GroupRules {
    GroupRules {
        list: wire.list.is_some(),
        create: wire.create.is_some(),
        update: wire.update.is_some(),
        delete: wire.delete.is_some(),
        require: required(wire.create.as_ref().and_then(|create| create.require.as_ref())),
        ..GroupRules::default()
    }
}

pub(super) fn check(wire: wire::Groups, scope: &Scope<'_>, semantics: &mut Semantics) -> Result<Groups, Problem> {
    let line = wire.list.as_ref().map_or(0, |list| at(&list.get));
    let mut all = wire.fields;
    // An app that calls them otherwise says so.
    let mut usual =
        |name: &str| all.remove(name).map_or_else(|| name.to_owned().try_into(), Ok).map_err(|wrong| (line, wrong));
    let (id, name) = (usual(ID)?, usual(NAME)?);
    let fields = Fields(all.into_iter().map(|(name, path)| (name.into(), path)).collect());
    semantics.groups.fields = fields.0.keys().cloned().collect();
    if let Some(field) = semantics.groups.require.difference(&semantics.groups.fields).next() {
        let require = wire.create.as_ref().and_then(|create| create.require.as_ref());
        return Err((
            require.map_or(line, at),
            format!("`{field}` is named under `groups.create.require`, but `groups.fields` does not map it"),
        ));
    }
    let on_group = CallBuilder::with(scope, GROUP).about(GROUP);
    let making = CallBuilder::with(scope, &["group.name"]).fields(&fields);
    let create = wire.create.map(|create| {
        let line = at(&create.post);
        let told = Told::new(create.answers, create.otherwise);
        making.write(line, "groups.create", [(Method::Post, Some(create.post))], create.body, told)
    });
    let create = create.transpose()?;
    let update_line = wire.update.as_ref().map_or(0, at);
    let update = wire.update.map(|wire| on_group.update("groups.update", wire)).transpose()?;
    let read = wire.read.map(|read| on_group.get("groups.read", read, false)).transpose()?;
    if read.is_none() && update.as_ref().is_some_and(reads_first) {
        return Err((
            update_line,
            "`groups.update` sends what there is, and needs `groups.read: {get: …}` to see it".into(),
        ));
    }
    Ok(Groups {
        list: wire.list.map(|list| CallBuilder::with(scope, &[]).list("groups.list", list)).transpose()?,
        delete: wire.delete.map(|wire| on_group.delete("groups.delete", wire)).transpose()?,
        automatic: wire.automatic.into_iter().map(|(name, why)| (name, why.trim().into())).collect(),
        wrap: wire.wrap,
        read,
        create,
        update,
        id,
        name,
        fields,
    })
}
