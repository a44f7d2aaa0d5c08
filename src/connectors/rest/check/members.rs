//! Memberships.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    calls::{CallBuilder, Scope},
    mistakes::Problem,
    roles,
};
use crate::{
    connectors::{
        http::Method,
        rest::{
            manifest::{ACCOUNT, Call, GROUP, Lookup, MemberList, Members},
            wire::{self, Lined},
        },
    },
    model::{AccountStatus, MemberChange, MemberRead, MemberRules, Semantics},
};

/// Who a request is about where it takes several.
const SEVERAL: &str = "account.ids";

/// What can be done with memberships, but for how they are read.
pub(super) fn rules(wire: &wire::Members) -> MemberRules {
    let add = wire.add.as_ref().map(|add| &add.value);
    let change = match (&wire.change, add) {
        (Some(_), _) => MemberChange::InPlace,
        (None, Some(add)) if add.changes => MemberChange::Again,
        _ => MemberChange::Manual,
    };
    let may_join = |add: &wire::Add| match &add.when {
        Some(when) => when.iter().map(|status| (*status).into()).collect(),
        None => [AccountStatus::Active, AccountStatus::Pending].into(),
    };
    let defaults = add.into_iter().flat_map(|add| &add.defaults);
    MemberRules {
        // Which of the two it is, the list's path says.
        read: MemberRead::Nowhere,
        add: add.is_some(),
        when: add.map(may_join).unwrap_or_default(),
        change,
        remove: wire.remove.is_some(),
        // Who joins has an account: a manifest has no words for an app where joining makes it.
        creates_account: false,
        creates_with: BTreeSet::new(),
        optional: BTreeSet::new(),
        joins_as: defaults.map(|(field, value)| (field.clone(), value.as_ref().into())).collect(),
        add_at_once: add.and_then(|add| add.at_once).unwrap_or(1),
        remove_at_once: wire.remove.as_ref().and_then(|remove| remove.value.at_once).unwrap_or(1),
        role: None,
        fields: wire.fields.keys().cloned().collect(),
    }
}

pub(super) fn check(
    wire: wire::Members,
    scope: &Scope<'_>,
    lookups: &BTreeMap<Arc<str>, Lookup>,
    semantics: &mut Semantics,
) -> Result<Members, Problem> {
    let fields = wire.fields;
    let naming = roles::naming("members", wire.role.as_ref(), wire.lookup, &fields, lookups)?;
    let list = wire.list.map(|list| self::list(list, scope)).transpose()?;
    semantics.members.read = match &list {
        Some(MemberList::PerAccount(..)) => MemberRead::PerAccount,
        Some(MemberList::PerGroup(..)) => MemberRead::PerGroup,
        None => MemberRead::Nowhere,
    };
    let build = CallBuilder::with(scope, &[ACCOUNT.id, GROUP.id, SEVERAL]).fields(&fields);
    let build = build.about(&[ACCOUNT.id, SEVERAL]).about(&[GROUP.id]);
    let again = semantics.members.change == MemberChange::Again;
    let add = wire.add.map(|Lined { line, value: add }| {
        if let Some(field) = add.defaults.keys().find(|field| !fields.contains_key(*field)) {
            return Err((
                line,
                format!("`{field}` is named under `members.add.defaults`, but `members.fields` does not map it"),
            ));
        }
        let given = [(Method::Post, add.post), (Method::Put, add.put), (Method::Patch, add.patch)];
        let place = (line, "members.add");
        at_once(place, add.at_once, build.write(place, given, add.body, add.answers, add.otherwise)?)
    });
    let change = wire.change.map(|Lined { line, value: change }| {
        let given = [(Method::Post, change.post), (Method::Put, change.put), (Method::Patch, change.patch)];
        build.write((line, "members.change"), given, change.body, change.answers, change.otherwise)
    });
    let remove = wire.remove.map(|Lined { line, value: remove }| {
        let given = [(Method::Delete, remove.delete), (Method::Post, remove.post)];
        let place = (line, "members.remove");
        at_once(place, remove.at_once, build.write(place, given, remove.body, remove.answers, remove.otherwise)?)
    });
    let (add, change, remove) = (add.transpose()?, change.transpose()?, remove.transpose()?);
    let change = change.or_else(|| add.clone().filter(|_| again));
    let role = wire.role.map(|role| role.value);
    Ok(Members { fields, naming, role, list, add, change, remove })
}

fn list(mut list: wire::List, scope: &Scope<'_>) -> Result<MemberList, Problem> {
    let line = list.get.line;
    let by = |one: &str| list.get.value.holes().any(|hole| hole == one);
    match (by(ACCOUNT.id), by(GROUP.id)) {
        (true, false) => {
            let keys = list.group.take();
            let keys = keys.ok_or((line, "a list of an account's groups needs `group: {id, name}`".into()))?;
            Ok(MemberList::PerAccount(CallBuilder::with(scope, &[ACCOUNT.id]).list("members.list", list)?, keys))
        }
        (false, true) => {
            let keys = list.account.take();
            let keys = keys.ok_or((line, "a list of a group's members needs `account: {id}`".into()))?;
            Ok(MemberList::PerGroup(CallBuilder::with(scope, &[GROUP.id]).list("members.list", list)?, keys))
        }
        _ => Err((line, "`members.list` reads by {account.id} or by {group.id}".to_owned())),
    }
}

/// The call. Whoever sends several at once says where they go, and whoever has room for several says how many.
fn at_once((line, what): (u64, &str), at_once: Option<u32>, call: Call) -> Result<Call, Problem> {
    let in_body = call.body.iter().flat_map(|body| body.holes()).any(|hole| hole == SEVERAL);
    match (at_once, in_body) {
        (Some(0), _) => Err((line, format!("`{what}.at_once` must be at least 1"))),
        (Some(_), false) => Err((line, format!("`{what}.at_once` needs {{{SEVERAL}}} in the body"))),
        _ if call.path.holes().any(|hole| hole == SEVERAL) => {
            Err((line, format!("{{{SEVERAL}}} is a list and stands in bodies, not in paths")))
        }
        _ => Ok(call),
    }
}
