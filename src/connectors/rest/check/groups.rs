//! Groups.

use super::{
    calls::{CallBuilder, Scope, reads_first},
    mistakes::Problem,
    required,
};
use crate::{
    connectors::{
        http::Method,
        rest::{
            manifest::{GROUP, Groups, Naming, Records},
            wire,
        },
    },
    model::{GroupRules, Semantics},
};

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
    let line = wire.list.as_ref().map_or(0, |list| list.get.line);
    let mut fields = wire.fields;
    // An app that calls them otherwise says so.
    let mut usual =
        |name: &str| fields.remove(name).map_or_else(|| name.to_owned().try_into(), Ok).map_err(|wrong| (line, wrong));
    let (id, name) = (usual("id")?, usual("name")?);
    semantics.groups.fields = fields.keys().cloned().collect();
    if let Some(field) = semantics.groups.require.difference(&semantics.groups.fields).next() {
        let require = wire.create.as_ref().and_then(|create| create.require.as_ref());
        return Err((
            require.map_or(line, |require| require.line),
            format!("`{field}` is named under `groups.create.require`, but `groups.fields` does not map it"),
        ));
    }
    let on_group = CallBuilder::with(scope, &[GROUP.id]).about(&[GROUP.id]);
    let making = CallBuilder::with(scope, &[GROUP.name]).fields(&fields);
    let create = wire.create.map(|wire| {
        let place = (wire.post.line, "groups.create");
        making.write(place, [(Method::Post, Some(wire.post))], wire.body, wire.answers, wire.otherwise)
    });
    let create = create.transpose()?;
    let update_line = wire.update.as_ref().map_or(0, |update| update.line);
    let update = wire.update.map(|wire| on_group.update("groups.update", wire)).transpose()?;
    let read = wire.read.map(|read| on_group.get("groups.read", read, false)).transpose()?;
    if read.is_none() && update.as_ref().is_some_and(reads_first) {
        return Err((
            update_line,
            "`groups.update` sends what there is, and needs `groups.read: {get: …}` to see it".into(),
        ));
    }
    let list = wire.list.map(|list| CallBuilder::with(scope, &[]).list("groups.list", list)).transpose()?;
    let delete = wire.delete.map(|wire| on_group.delete("groups.delete", wire)).transpose()?;
    let automatic = wire.automatic.into_iter().map(|(name, why)| (name, why.trim().into())).collect();
    let (naming, wrap) = (Naming::new(), wire.wrap);
    let records = Records { kind: GROUP, id, name, fields, naming, wrap, read, create, update, delete };
    Ok(Groups { records, list, automatic })
}
