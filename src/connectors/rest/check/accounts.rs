//! Accounts.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::{
    answers::Told,
    calls::{CallBuilder, Scope},
    mistakes::{Problem, at},
    names, ours, roles,
};
use crate::{
    connectors::{
        http::Method,
        rest::{
            manifest::{Accounts, Change, Fields, Lookup},
            wire,
        },
    },
    model::{AccountStatus, FieldName, Semantics},
};

/// Fields with a meaning of their own; all others are values.
const ID: &str = "id";
const EMAIL: &str = "email";
const STATUS: &str = "status";
const CREATED_AT: &str = "created_at";

pub(super) const ACCOUNT: &[&str] = &["account.id"];

pub(super) fn check(
    wire: wire::Accounts,
    scope: &Scope<'_>,
    lookups: &BTreeMap<String, Lookup>,
    semantics: &mut Semantics,
) -> Result<Accounts, Problem> {
    let line = at(&wire.fields);
    let mut all = wire.fields.value;
    let mut need = |name: &str| all.remove(name).ok_or_else(|| (line, format!("`accounts.fields` needs `{name}`")));
    let (id, email) = (need(ID)?, need(EMAIL)?);
    if id == email {
        // With another address it would be another account to all who know it by its id.
        semantics.fixed.insert(EMAIL.into());
    }
    let (status, created_at) = (all.remove(STATUS), all.remove(CREATED_AT));
    let fields = Fields(all.into_iter().map(|(name, path)| (name.into(), path)).collect());
    let naming = roles::naming("accounts", wire.role.as_ref(), wire.lookup, &fields, lookups)?;
    semantics.fields = fields.0.keys().cloned().collect();
    semantics.carries = match &wire.list.carries {
        Some(carries) => names(carries),
        None => semantics.fields.clone(),
    };
    let known = |name: &FieldName| semantics.fields.contains(name) || [EMAIL, STATUS, CREATED_AT].contains(&&**name);
    let require = wire.create.as_ref().and_then(|create| create.require.as_ref());
    for (line, mut named) in [
        (at(&wire.list.get), semantics.carries.iter().collect::<Vec<_>>()),
        (line, semantics.fixed.iter().collect()),
        (require.map_or(line, at), semantics.create.iter().flat_map(|create| &create.require).collect()),
    ] {
        named.retain(|name| !known(name));
        if let Some(name) = named.first() {
            return Err((line, format!("`{name}` is named under `accounts`, but `accounts.fields` does not map it")));
        }
    }
    let statuses: Vec<_> = wire.status.into_iter().flat_map(|(status, words)| each(ours(status), words)).collect();
    let updates = wire.update.is_some();
    for (index, (status, word)) in statuses.iter().enumerate() {
        if let Some((other, _)) = statuses[..index].iter().find(|(_, same)| same == word) {
            let message =
                format!("`accounts.status` says {word} for {other} and for {status}, so nobody can tell them apart");
            return Err((line, message));
        }
    }
    let on_account = CallBuilder::with(scope, ACCOUNT).about(ACCOUNT);
    let change = |what: &str, change: Spanned<wire::Change>| -> Result<Change, Problem> {
        let (line, change) = (at(&change), change.value);
        if let Some(set) = change.set {
            let paths = [&change.post, &change.put, &change.patch, &change.delete];
            if paths.iter().any(|path| path.is_some()) || change.body.is_some() {
                let says = "goes through `accounts.update`; leave out the call and its `body`";
                return Err((line, format!("`set` under `{what}` {says}")));
            }
            if !updates {
                return Err((line, "`set` writes through `accounts.update`, which is missing".into()));
            }
            let set = ours(set.status);
            if status.is_none() || !statuses.iter().any(|(status, _)| *status == set) {
                return Err((
                    line,
                    format!("`set: {{status: {set}}}` needs `status` in `accounts.fields` and `accounts.status`"),
                ));
            }
            let answers = on_account.answers(what, Told::new(change.answers, change.otherwise))?;
            return Ok(Change::Set { status: set, answers });
        }
        let given = [
            (Method::Post, change.post),
            (Method::Put, change.put),
            (Method::Patch, change.patch),
            (Method::Delete, change.delete),
        ];
        let told = Told::new(change.answers, change.otherwise);
        Ok(Change::Call(on_account.write(line, what, given, change.body, told)?))
    };
    let deactivate = wire.deactivate.map(|wire| change("accounts.deactivate", wire)).transpose()?;
    let reactivate = wire.reactivate.map(|wire| change("accounts.reactivate", wire)).transpose()?;
    let by_email = CallBuilder::with(scope, &[EMAIL]).about(&[EMAIL]);
    let making = CallBuilder::with(scope, &[EMAIL]).fields(&fields);
    let create = wire.create.map(|create| {
        let told = Told::new(create.answers, create.otherwise);
        making.write(at(&create.post), "accounts.create", [(Method::Post, Some(create.post))], create.body, told)
    });
    let update = wire.update.map(|wire| on_account.update("accounts.update", wire)).transpose()?;
    Ok(Accounts {
        list: CallBuilder::with(scope, &[]).list("accounts.list", wire.list)?,
        read: on_account.get("accounts.read", wire.read, false)?,
        find: wire.find.map(|find| by_email.list("accounts.find", find)).transpose()?,
        create: create.transpose()?,
        update,
        delete: wire.delete.map(|wire| on_account.delete("accounts.delete", wire)).transpose()?,
        naming,
        wrap: wire.wrap,
        id,
        email,
        status,
        created_at,
        fields,
        statuses,
        deactivate,
        reactivate,
    })
}

/// A status with each of the app's words for it.
fn each(status: AccountStatus, words: Value) -> Vec<(AccountStatus, Value)> {
    let words = match words {
        Value::Array(words) => words,
        word => vec![word],
    };
    words.into_iter().map(|word| (status.clone(), word)).collect()
}
