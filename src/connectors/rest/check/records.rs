//! Accounts and groups.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    calls::{CallBuilder, Scope, reads_first},
    mistakes::Problem,
    required, roles,
};
use crate::{
    connectors::{
        http::Method,
        rest::{
            manifest::{
                ACCOUNT, Accounts, Change, Fields, GROUP, Groups, Lookup, Naming, Places, Records, Style, Update,
            },
            template::Dotted,
            wire::{self, Lined},
        },
    },
    model::{AccountStatus, FieldName, GroupRules, Semantics},
};

/// Fields with a meaning of their own; all others are values.
const ID: &str = "id";
const EMAIL: &str = "email";
const STATUS: &str = "status";
const CREATED_AT: &str = "created_at";

pub(super) fn accounts(
    wire: wire::Accounts,
    scope: &Scope<'_>,
    lookups: &BTreeMap<Arc<str>, Lookup>,
    semantics: &mut Semantics,
) -> Result<Accounts, Problem> {
    let Lined { line, value: mut fields } = wire.fields;
    let mut need = |name: &str| fields.remove(name).ok_or_else(|| (line, format!("`accounts.fields` needs `{name}`")));
    let (id, name) = (need(ID)?, need(EMAIL)?);
    if id == name {
        // With another address it would be another account to all who know it by its id.
        semantics.fixed.insert(EMAIL.into());
    }
    let (status, created_at) = (fields.remove(STATUS), fields.remove(CREATED_AT));
    let naming = roles::naming("accounts", wire.role.as_ref(), wire.lookup, &fields, lookups)?;
    semantics.fields = fields.keys().cloned().collect();
    check_carries(&wire.list)?;
    let carries = wire.list.carries.as_ref().map(|carries| carries.iter().cloned().collect());
    semantics.carries = carries.unwrap_or_else(|| semantics.fields.clone());
    let required = wire.create.as_ref().and_then(|create| create.require.as_ref()).map_or(line, |lined| lined.line);
    check_names(semantics, [wire.list.get.line, line, required])?;
    let statuses: Vec<_> = wire.status.into_iter().flat_map(|(status, words)| each(status.into(), words)).collect();
    check_words(line, &statuses)?;
    let on_account = CallBuilder::with(scope, &[ACCOUNT.id]).about(&[ACCOUNT.id]);
    let (shown, updates) = (if status.is_some() { &*statuses } else { &[] }, wire.update.is_some());
    let change = |what: &str, wire| change(&on_account, updates, shown, what, wire);
    let deactivate = wire.deactivate.map(|wire| change("accounts.deactivate", wire)).transpose()?;
    let reactivate = wire.reactivate.map(|wire| change("accounts.reactivate", wire)).transpose()?;
    let by_email = CallBuilder::with(scope, &[EMAIL]).about(&[EMAIL]);
    let making = CallBuilder::with(scope, &[EMAIL]).fields(&fields);
    let create = wire.create.map(|wire| {
        let place = (wire.post.line, "accounts.create");
        making.write(place, [(Method::Post, Some(wire.post))], wire.body, wire.answers, wire.otherwise)
    });
    let create = create.transpose()?;
    let mut places = places(&fields, EMAIL, &name);
    places.extend(status.clone().map(|path| (STATUS.into(), path)));
    let update_line = wire.update.as_ref().map_or(line, |update| update.line);
    let update = wire.update.map(|wire| on_account.update("accounts.update", wire, places)).transpose()?;
    if let Some(update) = &update {
        let sets = [&deactivate, &reactivate].into_iter().flatten().any(|change| matches!(change, Change::Set { .. }));
        semantics.fixed.extend(fixed_by_body(update, sets, update_line)?);
    }
    let list = CallBuilder::with(scope, &[]).list("accounts.list", wire.list)?;
    let read = Some(on_account.get("accounts.read", wire.read, false)?);
    let find = wire.find.map(|find| by_email.list("accounts.find", find)).transpose()?;
    let delete = wire.delete.map(|wire| on_account.delete("accounts.delete", wire)).transpose()?;
    let wrap = wire.wrap;
    let records = Records { kind: ACCOUNT, id, name, fields, naming, wrap, read, create, update, delete };
    let role = wire.role.map(|role| role.value);
    Ok(Accounts { records, status, created_at, statuses, role, list, find, deactivate, reactivate })
}

/// Refuses names of fields that `accounts.fields` does not map: those that the list carries, that are fixed, and that a
/// creation requires, each with its line.
fn check_names(semantics: &Semantics, [carried, fixed, required]: [u64; 3]) -> Result<(), Problem> {
    let known = |name: &FieldName| semantics.fields.contains(name) || [EMAIL, STATUS, CREATED_AT].contains(&&**name);
    let of_create = semantics.create.iter().flat_map(|create| &create.require);
    let named = semantics.carries.iter().map(|name| (carried, name));
    let named = named.chain(semantics.fixed.iter().map(|name| (fixed, name)));
    match named.chain(of_create.map(|name| (required, name))).find(|(_, name)| !known(name)) {
        Some((line, name)) => {
            Err((line, format!("`{name}` is named under `accounts`, but `accounts.fields` does not map it")))
        }
        None => Ok(()),
    }
}

/// Refuses a list that may not show addresses.
fn check_carries(list: &wire::List) -> Result<(), Problem> {
    if list.carries.as_ref().is_none_or(|carries| carries.iter().any(|name| **name == *EMAIL)) {
        return Ok(());
    }
    let why = "an account that a list shows without its address is nobody's";
    Err((list.get.line, format!("`carries` under `accounts.list` needs `email`: {why}")))
}

/// Refuses a word that stands for two statuses.
fn check_words(line: u64, statuses: &[(AccountStatus, Value)]) -> Result<(), Problem> {
    for (index, (status, word)) in statuses.iter().enumerate() {
        if let Some((other, _)) = statuses[..index].iter().find(|(_, same)| same == word) {
            let message =
                format!("`accounts.status` says {word} for {other} and for {status}, so nobody can tell them apart");
            return Err((line, message));
        }
    }
    Ok(())
}

/// How an account's status is changed: by a call of its own, or through the update, if there is one. `statuses` are the app's
/// words, where rows show a status.
fn change(
    calls: &CallBuilder<'_>,
    updates: bool,
    statuses: &[(AccountStatus, Value)],
    what: &str,
    Lined { line, value: change }: Lined<wire::Change>,
) -> Result<Change, Problem> {
    let given = [
        (Method::Post, change.post),
        (Method::Put, change.put),
        (Method::Patch, change.patch),
        (Method::Delete, change.delete),
    ];
    let Some(set) = change.set else {
        let call = calls.write((line, what), given, change.body, change.answers, change.otherwise)?;
        return Ok(Change::Call(call));
    };
    if given.iter().any(|(_, path)| path.is_some()) || change.body.is_some() {
        let says = "goes through `accounts.update`; leave out the call and its `body`";
        return Err((line, format!("`set` under `{what}` {says}")));
    }
    if !updates {
        return Err((line, "`set` writes through `accounts.update`, which is missing".into()));
    }
    let status = set.status.into();
    if !statuses.iter().any(|(known, _)| *known == status) {
        let needs = "needs `status` in `accounts.fields` and `accounts.status`";
        return Err((line, format!("`set: {{status: {status}}}` {needs}")));
    }
    Ok(Change::Set { status, answers: calls.answers(what, change.answers, change.otherwise.is_some())? })
}

/// The placeholders for what an update changes.
fn places(fields: &Fields, name: &str, at: &Dotted) -> Places {
    let fields = fields.iter().map(|(field, path)| (field.clone(), path.clone()));
    fields.chain([(name.into(), at.clone())]).collect()
}

/// What an update with a body of its own has no place for.
fn unsent(update: &Update) -> BTreeSet<FieldName> {
    let Style::Body { places } = &update.style else { return BTreeSet::new() };
    let holes: Vec<&str> = update.call.holes().collect();
    places.keys().filter(|name| !holes.contains(&&***name)).cloned().collect()
}

/// Fields of accounts that an update with a body of its own cannot change. `sets`: statuses are written through it.
fn fixed_by_body(update: &Update, sets: bool, line: u64) -> Result<BTreeSet<FieldName>, Problem> {
    let mut unsent = unsent(update);
    if unsent.remove(STATUS) && sets {
        return Err((line, "`set` writes the status, so the `body` of `accounts.update` needs {status}".into()));
    }
    Ok(unsent)
}

/// A status with each of the app's words for it.
fn each(status: AccountStatus, words: Value) -> Vec<(AccountStatus, Value)> {
    let words = match words {
        Value::Array(words) => words,
        word => vec![word],
    };
    words.into_iter().map(|word| (status.clone(), word)).collect()
}

/// What can be done with groups, but for their fields.
pub(super) fn group_rules(wire: &wire::Groups) -> GroupRules {
    GroupRules {
        list: wire.list.is_some(),
        create: wire.create.is_some(),
        update: wire.update.is_some(),
        rename: wire.update.is_some(),
        delete: wire.delete.is_some(),
        require: required(wire.create.as_ref().and_then(|create| create.require.as_ref())),
        ..GroupRules::default()
    }
}

pub(super) fn groups(wire: wire::Groups, scope: &Scope<'_>, semantics: &mut Semantics) -> Result<Groups, Problem> {
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
    let places = places(&fields, GROUP.name, &name);
    let update = wire.update.map(|wire| on_group.update("groups.update", wire, places)).transpose()?;
    if let Some(field) =
        update.as_ref().and_then(|update| unsent(update).into_iter().find(|name| **name != *GROUP.name))
    {
        return Err((
            update_line,
            format!("the `body` of `groups.update` has no place for `{{{field}}}`; give it one"),
        ));
    }
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
