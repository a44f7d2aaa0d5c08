//! Memberships.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    accounts::ACCOUNT,
    answers::Told,
    calls::{CallBuilder, Scope},
    groups::GROUP,
    mistakes::{Problem, at},
    ours, roles,
};
use crate::{
    connectors::{
        http::Method,
        rest::{
            manifest::{Call, Fields, Lookup, MemberList, Members},
            wire,
        },
    },
    model::{AccountStatus, MemberChange, MemberRead, MemberRules, Semantics, Values},
};

/// Who a request is about where it takes several.
const SEVERAL: &str = "account.ids";

/// What can be done with memberships, but for how they are read.
pub(super) fn rules(wire: Option<&wire::Members>) -> MemberRules {
    let add = wire.and_then(|wire| wire.add.as_ref()).map(|add| &add.value);
    let remove = wire.and_then(|wire| wire.remove.as_ref()).map(|remove| &remove.value);
    let change = match (wire.and_then(|wire| wire.change.as_ref()), add) {
        (Some(_), _) => MemberChange::InPlace,
        (None, Some(add)) if add.changes => MemberChange::Again,
        _ => MemberChange::Manual,
    };
    let when = add.map_or_else(BTreeSet::new, |add| match &add.when {
        Some(when) => when.iter().map(|status| ours(*status)).collect(),
        None => [AccountStatus::Active, AccountStatus::Pending].into(),
    });
    MemberRules {
        // Which of the two it is, the list's path says.
        read: MemberRead::Nowhere,
        add: add.is_some(),
        when,
        change,
        remove: remove.is_some(),
        // Who joins has an account: a manifest has no words for an app where joining makes it.
        creates_account: false,
        creates_with: BTreeSet::new(),
        joins_as: add.map_or_else(Values::new, |add| {
            add.defaults.iter().map(|(field, value)| (field.as_str().into(), value.as_str().into())).collect()
        }),
        add_at_once: add.and_then(|add| add.at_once).unwrap_or(1),
        remove_at_once: remove.and_then(|remove| remove.at_once).unwrap_or(1),
        role: None,
        fields: wire.map_or_else(BTreeSet::new, |wire| wire.fields.keys().map(|name| name.as_str().into()).collect()),
    }
}

pub(super) fn check(
    wire: wire::Members,
    scope: &Scope<'_>,
    lookups: &BTreeMap<String, Lookup>,
    semantics: &mut Semantics,
) -> Result<Members, Problem> {
    let line = wire.list.as_ref().map_or(0, |list| at(&list.get));
    let fields = Fields(wire.fields.into_iter().map(|(name, path)| (name.into(), path)).collect());
    let naming = roles::naming("members", wire.role.as_ref(), wire.lookup, &fields, lookups)?;
    let list = wire.list.map(|list| self::list(list, line, scope)).transpose()?;
    semantics.members.read = match &list {
        Some(MemberList::PerAccount { .. }) => MemberRead::PerAccount,
        Some(MemberList::PerGroup { .. }) => MemberRead::PerGroup,
        None => MemberRead::Nowhere,
    };
    let build = CallBuilder::with(scope, &["account.id", "group.id", SEVERAL]).fields(&fields);
    let build = build.about(&["account.id", SEVERAL]).about(GROUP);
    let again = semantics.members.change == MemberChange::Again;
    let add = wire.add.map(|add| {
        let (line, add) = (at(&add), add.value);
        if let Some(field) = add.defaults.keys().find(|field| !fields.0.contains_key(field.as_str())) {
            return Err((
                line,
                format!("`{field}` is named under `members.add.defaults`, but `members.fields` does not map it"),
            ));
        }
        let told = Told::new(add.answers, add.otherwise);
        let given = [(Method::Post, add.post), (Method::Put, add.put), (Method::Patch, add.patch)];
        let call = build.write(line, "members.add", given, add.body, told)?;
        at_once(line, "members.add", add.at_once, &call)?;
        Ok::<_, Problem>(call)
    });
    let change = wire.change.map(|change| {
        let (line, change) = (at(&change), change.value);
        let told = Told::new(change.answers, change.otherwise);
        let given = [(Method::Post, change.post), (Method::Put, change.put), (Method::Patch, change.patch)];
        build.write(line, "members.change", given, change.body, told)
    });
    let remove = wire.remove.map(|remove| {
        let (line, remove) = (at(&remove), remove.value);
        let told = Told::new(remove.answers, remove.otherwise);
        let given = [(Method::Delete, remove.delete), (Method::Post, remove.post)];
        let call = build.write(line, "members.remove", given, remove.body, told)?;
        at_once(line, "members.remove", remove.at_once, &call)?;
        Ok::<_, Problem>(call)
    });
    let (add, change, remove) = (add.transpose()?, change.transpose()?, remove.transpose()?);
    Ok(Members { change: change.or_else(|| add.clone().filter(|_| again)), remove, list, add, naming, fields })
}

fn list(mut list: wire::List, line: u64, scope: &Scope<'_>) -> Result<MemberList, Problem> {
    let holes: BTreeSet<_> = list.get.value.holes().collect();
    match (holes.contains("account.id"), holes.contains("group.id")) {
        (true, false) => {
            let keys =
                list.group.take().ok_or((line, "a list of an account's groups needs `group: {id, name}`".into()))?;
            let list = CallBuilder::with(scope, ACCOUNT).list("members.list", list)?;
            Ok(MemberList::PerAccount { list, group_id: keys.id, group_name: keys.name })
        }
        (false, true) => {
            let keys = list.account.take().ok_or((line, "a list of a group's members needs `account: {id}`".into()))?;
            let list = CallBuilder::with(scope, GROUP).list("members.list", list)?;
            Ok(MemberList::PerGroup { list, account_id: keys.id, email: keys.email })
        }
        _ => Err((line, "`members.list` reads by {account.id} or by {group.id}".to_owned())),
    }
}

/// Whoever sends several at once says where they go, and whoever has room for several says how many.
fn at_once(line: u64, what: &str, at_once: Option<u32>, call: &Call) -> Result<(), Problem> {
    let in_body = call.body.iter().flat_map(|body| body.holes()).any(|hole| hole == SEVERAL);
    match (at_once, in_body) {
        (Some(0), _) => Err((line, format!("`{what}.at_once` must be at least 1"))),
        (Some(_), false) => Err((line, format!("`{what}.at_once` needs {{{SEVERAL}}} in the body"))),
        _ if call.path.holes().any(|hole| hole == SEVERAL) => {
            Err((line, format!("{{{SEVERAL}}} is a list and stands in bodies, not in paths")))
        }
        _ => Ok(()),
    }
}
