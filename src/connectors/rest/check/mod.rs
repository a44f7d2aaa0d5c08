//! From a manifest as it is written to one that can be used. The first thing that is wrong is said with its line.

mod accounts;
mod answers;
mod calls;
mod effort;
mod former;
mod groups;
mod members;
mod mistakes;
mod roles;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_saphyr::Spanned;

use self::{
    calls::{CallBuilder, Scope, paging},
    mistakes::{Problem, at},
};
use super::{
    manifest::{AuthShape, Lookup, Manifest, ManifestError},
    options::{Of, OptionRules, RolesFromOptions},
    template::BodyTemplate,
    wire,
};
use crate::{
    connectors::http::{ClientStyle, TokenPlace},
    model::{
        AccountStatus, CreateRule, DeactivateRule, DeleteRule, FieldName, Find, Limits, QuotaScope, ScopeCovers,
        Semantics, Verb,
    },
};

impl Manifest {
    /// Parses and checks a manifest; `file` is for errors.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its line.
    pub fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        let wire: wire::Manifest = serde_saphyr::from_str(text)
            .map_err(|problem| mistakes::of_syntax(file, text, problem.without_snippet()))?;
        check(wire).map_err(|problem| mistakes::of_meaning(file, problem))
    }
}

fn check(wire: wire::Manifest) -> Result<Manifest, Problem> {
    let auth = auth(&wire.auth)?;
    let page = wire.page.as_ref().map(paging).transpose()?;
    let mut semantics = semantics(&wire);
    let mut options = OptionRules::from(wire.options);
    let answers = answers::shared(wire.answers)?;
    let scope = Scope { options: &options, page: page.as_ref(), answers: &answers, plain: RefCell::default() };
    let base = wire.base.map(|base| CallBuilder::with(&scope, &[]).text(base)).transpose()?;
    let lookups = lookups(wire.lookups, &scope)?;
    let mut roles_from = RolesFromOptions::default();
    let role = wire.accounts.role.as_ref().map(|role| roles::rule(role, Of::Accounts, &scope, &mut roles_from));
    let member_role = wire.members.as_ref().and_then(|members| members.role.as_ref());
    let member_role = member_role.map(|role| roles::rule(role, Of::Members, &scope, &mut roles_from));
    semantics.members.role = member_role.transpose()?;
    semantics.role = role.transpose()?;
    let accounts = accounts::check(wire.accounts, &scope, &lookups, &mut semantics)?;
    let groups = groups::check(wire.groups, &scope, &mut semantics)?;
    let members = match wire.members {
        Some(wire) => members::check(wire, &scope, &lookups, &mut semantics)?,
        None => super::manifest::Members::default(),
    };
    semantics.effort = effort::of(&accounts, &groups, &members, wire.read_back.iter().map(|verb| verb.0));
    let plain = scope.plain.into_inner();
    options.plain = plain;
    Ok(Manifest {
        semantics: Arc::new(semantics),
        base,
        options,
        roles_from,
        auth,
        headers: wire.headers.into_iter().collect(),
        lookups,
        accounts,
        groups,
        members,
    })
}

/// What a manifest declares by its keys alone. Roles follow once they are checked.
fn semantics(wire: &wire::Manifest) -> Semantics {
    let group_noun = wire.groups.noun.as_deref().unwrap_or("group");
    let create = wire.accounts.create.as_ref();
    Semantics {
        connector: wire.name.value.as_str().into(),
        account_noun: wire.accounts.noun.as_str().into(),
        group_noun: group_noun.into(),
        // What the accounts' own fields say follows once they are checked.
        fields: BTreeSet::new(),
        carries: BTreeSet::new(),
        fixed: names(&wire.accounts.fixed),
        role: None,
        find: if wire.accounts.find.is_some() { Find::Query } else { Find::Sweep },
        create: create
            .map(|create| CreateRule { require: required(create.require.as_ref()), becomes: ours(create.becomes) }),
        update: wire.accounts.update.is_some(),
        deactivate: wire
            .accounts
            .deactivate
            .as_ref()
            .map(|change| &change.value)
            .map(|change| DeactivateRule { irreversible: change.irreversible, strips_members: change.strips_members }),
        reactivate: wire.accounts.reactivate.is_some(),
        delete: wire.accounts.delete.as_ref().map(|delete| DeleteRule { irreversible: delete.value.irreversible }),
        cancel_pending: wire.accounts.cancel_pending.map(withdrawn),
        inactive_keeps_seat: wire.accounts.inactive_keeps_seat,
        groups: groups::rules(&wire.groups),
        members: members::rules(wire.members.as_ref()),
        manual: manual(&wire.manual),
        // What the calls themselves say follows once they are checked.
        effort: BTreeMap::new(),
        address_reads: 0,
        settle: Duration::from_secs(wire.settle),
        limits: limits(&wire.limits),
    }
}

fn lookups(wire: BTreeMap<String, wire::Lookup>, scope: &Scope<'_>) -> Result<BTreeMap<String, Lookup>, Problem> {
    let lookup = |(name, wire): (String, wire::Lookup)| {
        let (list, id, shown) = wire.into();
        Ok((name, Lookup { list: CallBuilder::with(scope, &[]).list("lookups", list)?, id, name: shown }))
    };
    wire.into_iter().map(lookup).collect()
}

fn ours(status: wire::Status) -> AccountStatus {
    match status {
        wire::Status::Active => AccountStatus::Active,
        wire::Status::Pending => AccountStatus::Pending,
        wire::Status::Inactive => AccountStatus::Inactive,
    }
}

fn names(names: &[String]) -> BTreeSet<FieldName> {
    names.iter().map(|name| name.as_str().into()).collect()
}

fn required(require: Option<&Spanned<Vec<String>>>) -> BTreeSet<FieldName> {
    require.map_or_else(BTreeSet::new, |require| names(&require.value))
}

fn withdrawn(by: wire::Withdraw) -> Verb {
    match by {
        wire::Withdraw::Deactivate => Verb::Deactivate,
        wire::Withdraw::Delete => Verb::Delete,
    }
}

fn manual(texts: &BTreeMap<wire::Missing, String>) -> BTreeMap<Verb, Arc<str>> {
    texts.iter().map(|(verb, text)| (verb.0, text.trim().into())).collect()
}

fn limits(wire: &wire::Limits) -> Limits {
    let scope = |rate: Option<wire::Rate>, covers| {
        rate.map(|rate| QuotaScope { covers, requests: rate.requests, per: rate.per })
    };
    let scopes = [
        scope(wire.all, ScopeCovers::All),
        scope(wire.read, ScopeCovers::Reads),
        scope(wire.write, ScopeCovers::Writes),
    ];
    Limits { scopes: scopes.into_iter().flatten().collect(), concurrency: wire.concurrency }
}

fn auth(wire: &Spanned<wire::Auth>) -> Result<AuthShape, Problem> {
    let line = at(wire);
    let wire = &wire.value;
    let mut shapes = Vec::new();
    if let Some(path) = &wire.oauth {
        let style = match wire.client {
            Some(wire::Client::Body) => ClientStyle::Body,
            Some(wire::Client::Basic) | None => ClientStyle::Basic,
        };
        shapes.push(AuthShape::Oauth { path: path.clone(), style, scopes: wire.scopes.clone() });
    }
    if wire.bearer {
        shapes.push(AuthShape::Bearer);
    }
    if let Some(header) = &wire.header {
        shapes.push(AuthShape::Header(header.clone()));
    }
    if wire.basic {
        shapes.push(AuthShape::Basic);
    }
    if let Some(login) = &wire.login {
        shapes.push(AuthShape::Login {
            path: login.post.clone(),
            body: BodyTemplate::parse(login.body.clone()).map_err(|wrong| (line, wrong))?,
            token: match &login.token {
                wire::Token::Header(name) => TokenPlace::Header(name.clone()),
                wire::Token::Body(path) => TokenPlace::Body(path.pointer()),
            },
            send: login.send.clone(),
            prefix: login.prefix.clone(),
            life: login.life.map(Duration::from_secs),
        });
    }
    match (shapes.pop(), shapes.is_empty()) {
        (Some(shape), true) => Ok(shape),
        _ => Err((line, "`auth` needs exactly one of `oauth`, `bearer`, `header`, `basic` and `login`".into())),
    }
}
