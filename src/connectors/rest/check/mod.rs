//! From a manifest as it is written to one that can be used. The first thing that is wrong is said with its line.

mod calls;
mod effort;
mod former;
mod members;
mod mistakes;
mod records;
mod roles;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use self::{
    calls::{CallBuilder, Scope, paging, shared_answers},
    mistakes::Problem,
};
use super::{
    manifest::{AuthShape, Lookup, Manifest, ManifestError},
    options::OptionRules,
    wire::{self, Client, Lined, Rate, Role, Withdraw},
};
use crate::{
    connectors::http::ClientStyle,
    model::{
        CreateRule, DeactivateRule, DeleteRule, FieldName, Find, Limits, QuotaScope, ScopeCovers, Semantics, Verb,
    },
};

impl Manifest {
    /// Parses and checks a manifest; `file` is for errors.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its line.
    pub fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        let wire = serde_saphyr::from_str(text).map_err(|error| mistakes::of_syntax(text, error.without_snippet()));
        wire.and_then(check).map_err(|(line, message)| ManifestError { file: file.to_owned(), line, message })
    }
}

fn check(mut wire: wire::Manifest) -> Result<Manifest, Problem> {
    let members = wire.members.take().unwrap_or_default();
    let mut semantics = semantics(&wire, &members);
    let auth = auth(wire.auth)?;
    let page = wire.page.map(paging).transpose()?;
    let mut options = OptionRules { declared: wire.options, plain: BTreeSet::new() };
    let answers = shared_answers(wire.answers)?;
    let scope = Scope { options: &options, page: page.as_ref(), answers: &answers, plain: RefCell::default() };
    let base = wire.base.map(|base| CallBuilder::with(&scope, &[]).text(base)).transpose()?;
    let lookups = lookups(wire.lookups, &scope)?;
    // What options say of roles follows once the files give them.
    let rule = |role: &Lined<Role>| role.value.rule(|line, name| scope.declared(line, name).map(|_| Vec::new()));
    semantics.members.role = members.role.as_ref().map(rule).transpose()?;
    semantics.role = wire.accounts.role.as_ref().map(rule).transpose()?;
    let accounts = records::accounts(wire.accounts, &scope, &lookups, &mut semantics)?;
    let groups = records::groups(wire.groups, &scope, &mut semantics)?;
    let members = members::check(members, &scope, &lookups, &mut semantics)?;
    semantics.effort = effort::of(&accounts, &groups, &members, wire.read_back.iter().map(|verb| verb.0));
    options.plain = scope.plain.into_inner();
    let (semantics, headers) = (Arc::new(semantics), wire.headers);
    Ok(Manifest { semantics, base, options, auth, headers, lookups, accounts, groups, members })
}

/// What a manifest declares by its keys alone. Roles follow once they are checked.
fn semantics(wire: &wire::Manifest, members: &wire::Members) -> Semantics {
    let wire::Accounts { create, update, deactivate, reactivate, delete, .. } = &wire.accounts;
    let withdrawn = |by| match by {
        Withdraw::Deactivate => Verb::Deactivate,
        Withdraw::Delete => Verb::Delete,
    };
    let deactivation = |change: &Lined<wire::Change>| DeactivateRule {
        irreversible: change.value.irreversible,
        strips_members: change.value.strips_members,
    };
    Semantics {
        connector: wire.name.as_str().into(),
        account_noun: wire.accounts.noun.as_str().into(),
        group_noun: wire.groups.noun.as_deref().unwrap_or("group").into(),
        fixed: wire.accounts.fixed.iter().cloned().collect(),
        find: if wire.accounts.find.is_some() { Find::Query } else { Find::Sweep },
        create: create
            .as_ref()
            .map(|create| CreateRule { require: required(create.require.as_ref()), becomes: create.becomes.into() }),
        update: update.is_some(),
        deactivate: deactivate.as_ref().map(deactivation),
        reactivate: reactivate.is_some(),
        delete: delete.as_ref().map(|delete| DeleteRule { irreversible: delete.value.irreversible }),
        cancel_pending: wire.accounts.cancel_pending.map(withdrawn),
        inactive_keeps_seat: wire.accounts.inactive_keeps_seat,
        groups: records::group_rules(&wire.groups),
        members: members::rules(members),
        manual: wire.manual.iter().map(|(verb, text)| (verb.0, text.trim().into())).collect(),
        settle: Duration::from_secs(wire.settle),
        limits: limits(&wire.limits),
        // What the accounts' own fields and the calls themselves say follows once they are checked.
        ..Semantics::default()
    }
}

fn lookups(wire: wire::Map<wire::Lookup>, scope: &Scope<'_>) -> Result<BTreeMap<Arc<str>, Lookup>, Problem> {
    let lookup = |(key, wire): (Arc<str>, wire::Lookup)| {
        let wire::Lookup { get, query, items, page, paged, answers, id, name } = wire;
        let (carries, group, account, otherwise) = (None, None, None, None);
        let list = wire::List { get, query, items, page, paged, answers, carries, group, account, otherwise };
        Ok((key, Lookup { list: CallBuilder::with(scope, &[]).list("lookups", list)?, id, name }))
    };
    wire.into_iter().map(lookup).collect()
}

fn required(require: Option<&Lined<Vec<FieldName>>>) -> BTreeSet<FieldName> {
    require.map_or_else(BTreeSet::new, |require| require.value.iter().cloned().collect())
}

fn limits(wire: &wire::Limits) -> Limits {
    let rates = [(ScopeCovers::All, wire.all), (ScopeCovers::Reads, wire.read), (ScopeCovers::Writes, wire.write)];
    let scope = |(covers, rate): (ScopeCovers, Option<Rate>)| {
        rate.map(|Rate { requests, per }| QuotaScope { covers, requests, per })
    };
    Limits { scopes: rates.into_iter().filter_map(scope).collect(), concurrency: wire.concurrency }
}

fn auth(Lined { line, value: wire }: Lined<wire::Auth>) -> Result<AuthShape, Problem> {
    Ok(match (wire.oauth, wire.bearer, wire.header, wire.basic, wire.login) {
        (Some(path), false, None, false, None) => {
            let style = match wire.client {
                Some(Client::Body) => ClientStyle::Body,
                Some(Client::Basic) | None => ClientStyle::Basic,
            };
            AuthShape::Oauth { path, style, scopes: wire.scopes }
        }
        (None, true, None, false, None) => AuthShape::Bearer,
        (None, false, Some(header), false, None) => AuthShape::Header(header),
        (None, false, None, true, None) => AuthShape::Basic,
        (None, false, None, false, Some(login)) => AuthShape::Login(login),
        _ => return Err((line, "`auth` needs exactly one of `oauth`, `bearer`, `header`, `basic` and `login`".into())),
    })
}
