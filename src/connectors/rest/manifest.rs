//! A manifest, checked: what the engine runs on, and the semantics that everyone else sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use serde_saphyr::Spanned;

use super::{
    calls::{CallBuilder, Problem, at, delete, one_of, paging, pairs, update},
    paging::Paging,
    template::{BodyTemplate, Dotted, Template},
    wire,
};
use crate::{
    connectors::{
        OptionSpec,
        http::{ClientStyle, Method, TokenPlace},
    },
    model::{
        AccountStatus, CreateRule, DeactivateRule, DeleteRule, FieldName, Find, GroupRules, Limits, MemberRead,
        MemberRules, QuotaScope, RoleRule, ScopeCovers, Semantics, Step, Verb,
    },
};

/// Fields with a meaning of their own; all others are values.
const ID: &str = "id";
const EMAIL: &str = "email";
const STATUS: &str = "status";
const CREATED_AT: &str = "created_at";
const NAME: &str = "name";

/// A manifest that can be used.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// What it declares about its API.
    pub semantics: Arc<Semantics>,
    pub(super) base: String,
    pub(super) options: Vec<OptionSpec>,
    pub(super) auth: AuthShape,
    pub(super) headers: Vec<(String, String)>,
    pub(super) accounts: Accounts,
    pub(super) groups: Groups,
    pub(super) members: Members,
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    /// The file.
    pub file: String,
    /// Line, counted from 1; 0 when the error is about the whole.
    pub line: u64,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for ManifestError {}

/// How to sign in, without the secrets.
#[derive(Debug, Clone)]
pub(super) enum AuthShape {
    Oauth { path: String, style: ClientStyle, scopes: Vec<String> },
    Bearer,
    Header(String),
    Basic,
    Login { path: String, body: BodyTemplate, token: TokenPlace, send: String, prefix: String, life: Option<Duration> },
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: Template,
    pub(super) query: Vec<(String, Template)>,
    pub(super) body: Option<BodyTemplate>,
    /// What a good answer must say.
    pub(super) expect: Vec<(Dotted, Value)>,
    /// Statuses that mean: there is one already.
    pub(super) duplicate: Vec<u16>,
    /// 404 and 405 mean that this version of the app has no such call.
    pub(super) may_lack: bool,
}

/// A call that lists something.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) call: Call,
    pub(super) items: Dotted,
    pub(super) paging: Option<Paging>,
}

/// Fields by our name, and where the app has them.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(pub(super) BTreeMap<FieldName, Dotted>);

/// Our names of roles and the app's.
#[derive(Debug, Clone, Default)]
pub(super) struct RoleNames(pub(super) Vec<(Arc<str>, Value)>);

#[derive(Debug, Clone)]
pub(super) struct Accounts {
    pub(super) id: Dotted,
    pub(super) email: Dotted,
    pub(super) status: Option<Dotted>,
    pub(super) created_at: Option<Dotted>,
    pub(super) fields: Fields,
    pub(super) statuses: Vec<(AccountStatus, Value)>,
    pub(super) role: RoleNames,
    pub(super) wrap: Option<String>,
    pub(super) list: List,
    pub(super) read: Call,
    pub(super) find: Option<List>,
    pub(super) create: Option<Call>,
    pub(super) update: Option<Update>,
    pub(super) deactivate: Option<Change>,
    pub(super) reactivate: Option<Change>,
    pub(super) delete: Option<Call>,
}

#[derive(Debug, Clone)]
pub(super) struct Update {
    pub(super) call: Call,
    pub(super) replace: bool,
    pub(super) omit: Vec<Dotted>,
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    Set(AccountStatus),
    Call(Call),
}

#[derive(Debug, Clone)]
pub(super) struct Groups {
    pub(super) id: Dotted,
    pub(super) name: Dotted,
    pub(super) fields: Fields,
    pub(super) wrap: Option<String>,
    pub(super) list: Option<List>,
    pub(super) create: Option<Call>,
    pub(super) update: Option<Call>,
    pub(super) delete: Option<Call>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    pub(super) fields: Fields,
    pub(super) role: RoleNames,
    pub(super) list: Option<MemberList>,
    pub(super) add: Option<Call>,
    pub(super) change: Option<Call>,
    pub(super) remove: Option<Call>,
}

#[derive(Debug, Clone)]
pub(super) enum MemberList {
    PerAccount { list: List, group_id: Dotted, group_name: Dotted },
    PerGroup { list: List, account_id: Dotted },
}

impl Manifest {
    /// Parses and checks a manifest; `file` is for errors.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its line.
    pub fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        let error = |line, message| ManifestError { file: file.to_owned(), line, message };
        let wire: wire::Manifest = serde_saphyr::from_str(text).map_err(|problem| {
            let line = problem.location().map_or(0, |location| location.line());
            error(line, problem.to_string())
        })?;
        Self::check(wire).map_err(|(line, message)| error(line, message))
    }

    fn check(wire: wire::Manifest) -> Result<Self, Problem> {
        let auth = auth(&wire.auth)?;
        let page = wire.page.as_ref().map(paging).transpose()?;
        let page = page.as_ref();
        let group_noun = wire.groups.noun.as_deref().unwrap_or("group");
        let mut semantics = Semantics {
            connector: wire.name.value.as_str().into(),
            account_noun: wire.accounts.noun.as_str().into(),
            group_noun: group_noun.into(),
            fields: BTreeSet::new(),
            fixed: names(&wire.accounts.fixed),
            role: wire.accounts.role.as_ref().map(role_rule),
            find: if wire.accounts.find.is_some() { Find::Query } else { Find::Sweep },
            carries: BTreeSet::new(),
            hides: wire.accounts.list.hides.iter().map(|status| ours(*status)).collect(),
            create: wire
                .accounts
                .create
                .as_ref()
                .map(|create| CreateRule { require: names(&create.require), becomes: ours(create.becomes) }),
            update: wire.accounts.update.is_some(),
            deactivate: wire.accounts.deactivate.as_ref().map(|change| DeactivateRule {
                irreversible: change.irreversible,
                strips_members: change.strips_members,
            }),
            reactivate: wire.accounts.reactivate.is_some(),
            delete: wire.accounts.delete.as_ref().map(|delete| DeleteRule { irreversible: delete.irreversible }),
            cancel_pending: wire.accounts.cancel_pending.as_ref().map(cancel_pending).transpose()?,
            inactive_keeps_seat: wire.accounts.inactive_keeps_seat,
            groups: GroupRules {
                list: wire.groups.list.is_some(),
                create: wire.groups.create.is_some(),
                update: wire.groups.update.is_some(),
                delete: wire.groups.delete.is_some(),
                fields: BTreeSet::new(),
            },
            members: member_rules(wire.members.as_ref()),
            manual: manual(&wire.manual),
            settle: Duration::ZERO,
            limits: limits(&wire.limits),
        };
        let accounts = accounts(wire.accounts, page, &mut semantics)?;
        let groups = groups(wire.groups, page)?;
        semantics.groups.fields = groups.fields.0.keys().cloned().collect();
        let members = match wire.members {
            Some(wire) => members(wire, page, &mut semantics)?,
            None => Members::default(),
        };
        Ok(Self {
            semantics: Arc::new(semantics),
            base: wire.base.trim_end_matches('/').to_owned(),
            options: options(wire.options),
            auth,
            headers: wire.headers.into_iter().collect(),
            accounts,
            groups,
            members,
        })
    }
}

fn options(wire: BTreeMap<String, wire::Choice>) -> Vec<OptionSpec> {
    let spec =
        |(name, choice): (String, wire::Choice)| OptionSpec { name, required: choice.required, help: choice.help };
    wire.into_iter().map(spec).collect()
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

fn role_rule(role: &wire::Role) -> RoleRule {
    let mut values: BTreeSet<Arc<str>> = names(&role.values);
    values.extend(role.names.keys().map(|name| name.as_str().into()));
    RoleRule {
        many: role.take == wire::Take::Many,
        ranked: role.ranked.iter().map(|role| role.as_str().into()).collect(),
        admin: names(&role.admin),
        values,
    }
}

fn role_names(role: Option<&wire::Role>) -> RoleNames {
    let names =
        role.map(|role| role.names.iter().map(|(ours, theirs)| (ours.as_str().into(), theirs.clone())).collect());
    RoleNames(names.unwrap_or_default())
}

fn cancel_pending(word: &Spanned<String>) -> Result<Verb, Problem> {
    match word.value.as_str() {
        "deactivate" => Ok(Verb::Deactivate),
        "delete" => Ok(Verb::Delete),
        other => Err((at(word), format!("`cancel_pending: {other}`: write `deactivate` or `delete`, or leave it out"))),
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

const ACCOUNT: &[&str] = &["account.id"];
const GROUP: &[&str] = &["group.id"];
const MEMBER: &[&str] = &["account.id", "group.id"];

fn accounts(wire: wire::Accounts, page: Option<&Paging>, semantics: &mut Semantics) -> Result<Accounts, Problem> {
    let line = at(&wire.fields);
    let mut all = wire.fields.value;
    let mut need = |name: &str| all.remove(name).ok_or_else(|| (line, format!("`accounts.fields` needs `{name}`")));
    let (id, email) = (need(ID)?, need(EMAIL)?);
    let (status, created_at) = (all.remove(STATUS), all.remove(CREATED_AT));
    let fields = Fields(all.into_iter().map(|(name, path)| (name.into(), path)).collect());
    semantics.fields = fields.0.keys().cloned().collect();
    semantics.carries = match &wire.list.carries {
        Some(carries) => names(carries),
        None => semantics.fields.clone(),
    };
    if let Some(role) = &semantics.role
        && !semantics.fields.contains(&role.field())
    {
        return Err((line, format!("`accounts.role` needs the field `{}`", role.field())));
    }
    let known = |name: &FieldName| semantics.fields.contains(name) || [EMAIL, STATUS, CREATED_AT].contains(&&**name);
    let required = semantics.create.iter().flat_map(|create| &create.require);
    if let Some(name) = semantics.carries.iter().chain(&semantics.fixed).chain(required).find(|name| !known(name)) {
        return Err((line, format!("`{name}` is named under `accounts`, but `accounts.fields` does not map it")));
    }
    let statuses: Vec<_> = wire.status.into_iter().map(|(status, word)| (ours(status), word)).collect();
    let change = |change: wire::Change| -> Result<Change, Problem> {
        if let Some(set) = change.set {
            let set = ours(set.status);
            if status.is_none() || !statuses.iter().any(|(status, _)| *status == set) {
                return Err((
                    line,
                    format!("`set: {{status: {set}}}` needs `status` in `accounts.fields` and `accounts.status`"),
                ));
            }
            return Ok(Change::Set(set));
        }
        let given = [
            (Method::Post, change.post),
            (Method::Put, change.put),
            (Method::Patch, change.patch),
            (Method::Delete, change.delete),
        ];
        let (method, path) = one_of(line, "deactivate` or `reactivate", given)?;
        let build = CallBuilder::with(ACCOUNT);
        let body = build.body(change.body)?;
        Ok(Change::Call(Call { body, expect: pairs(change.expect), ..build.call(method, path)? }))
    };
    let (deactivate, reactivate) =
        (wire.deactivate.map(&change).transpose()?, wire.reactivate.map(&change).transpose()?);
    let sets = |change: &Option<Change>| matches!(change, Some(Change::Set(_)));
    if (sets(&deactivate) || sets(&reactivate)) && wire.update.is_none() {
        return Err((line, "`set` writes through `accounts.update`, which is missing".into()));
    }
    let read = CallBuilder::with(ACCOUNT).call(Method::Get, wire.read.get)?;
    let create = wire.create.map(|create| {
        let build = CallBuilder::with(&[EMAIL]).fields(&fields);
        let body = build.body(create.body)?;
        let call = build.call(Method::Post, create.post)?;
        Ok::<_, Problem>(Call { body, expect: pairs(create.expect), duplicate: create.duplicate, ..call })
    });
    Ok(Accounts {
        list: CallBuilder::with(&[]).list(wire.list, page)?,
        read: Call { query: wire.read.query.into_iter().collect(), ..read },
        find: wire.find.map(|find| CallBuilder::with(&[EMAIL]).list(find, page)).transpose()?,
        create: create.transpose()?,
        update: wire.update.map(|wire| update(line, wire, ACCOUNT)).transpose()?,
        delete: wire.delete.map(|wire| delete(line, "accounts.delete", wire, ACCOUNT)).transpose()?,
        role: role_names(wire.role.as_ref()),
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

fn groups(wire: wire::Groups, page: Option<&Paging>) -> Result<Groups, Problem> {
    let line = wire.list.as_ref().map_or(0, |list| at(&list.get));
    let mut all = wire.fields;
    // An app that calls them otherwise says so.
    let mut usual =
        |name: &str| all.remove(name).map_or_else(|| name.to_owned().try_into(), Ok).map_err(|wrong| (line, wrong));
    let (id, name) = (usual(ID)?, usual(NAME)?);
    let fields = Fields(all.into_iter().map(|(name, path)| (name.into(), path)).collect());
    let create = wire.create.map(|create| {
        let build = CallBuilder::with(&["group.name"]).fields(&fields);
        let body = build.body(create.body)?;
        let call = build.call(Method::Post, create.post)?;
        Ok::<_, Problem>(Call { body, expect: pairs(create.expect), duplicate: create.duplicate, ..call })
    });
    Ok(Groups {
        list: wire.list.map(|list| CallBuilder::with(&[]).list(list, page)).transpose()?,
        create: create.transpose()?,
        update: wire.update.map(|wire| update(line, wire, GROUP)).transpose()?.map(|update| update.call),
        delete: wire.delete.map(|wire| delete(line, "groups.delete", wire, GROUP)).transpose()?,
        wrap: wire.wrap,
        id,
        name,
        fields,
    })
}

fn member_rules(wire: Option<&wire::Members>) -> MemberRules {
    let add = wire.and_then(|wire| wire.add.as_ref());
    let change = match (wire.and_then(|wire| wire.change.as_ref()), add) {
        (Some(_), _) => Step::InPlace,
        (None, Some(add)) if add.changes => Step::Again,
        _ => Step::Manual,
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
        remove: wire.is_some_and(|wire| wire.remove.is_some()),
        creates_account: wire.is_some_and(|wire| wire.creates_account),
        creates_with: BTreeSet::new(),
        add_at_once: 1,
        remove_at_once: 1,
        role: wire.and_then(|wire| wire.role.as_ref()).map(role_rule),
        fields: wire.map_or_else(BTreeSet::new, |wire| wire.fields.keys().map(|name| name.as_str().into()).collect()),
    }
}

fn members(wire: wire::Members, page: Option<&Paging>, semantics: &mut Semantics) -> Result<Members, Problem> {
    let fields = Fields(wire.fields.into_iter().map(|(name, path)| (name.into(), path)).collect());
    let line = wire.list.as_ref().map_or(0, |list| at(&list.get));
    if let Some(role) = &semantics.members.role
        && !fields.0.contains_key(&role.field())
    {
        return Err((line, format!("`members.role` needs `{}` under `members.fields`", role.field())));
    }
    let list = wire.list.map(|mut list| {
        let holes: BTreeSet<_> = list.get.value.holes().collect();
        match (holes.contains("account.id"), holes.contains("group.id")) {
            (true, false) => {
                let keys = list
                    .group
                    .take()
                    .ok_or((line, "a list of an account's groups needs `group: {id, name}`".into()))?;
                let list = CallBuilder::with(ACCOUNT).list(list, page)?;
                Ok(MemberList::PerAccount { list, group_id: keys.id, group_name: keys.name })
            }
            (false, true) => {
                let keys =
                    list.account.take().ok_or((line, "a list of a group's members needs `account: {id}`".into()))?;
                let list = CallBuilder::with(GROUP).list(list, page)?;
                Ok(MemberList::PerGroup { list, account_id: keys.id })
            }
            _ => Err((line, "`members.list` reads by {account.id} or by {group.id}".to_owned())),
        }
    });
    let list = list.transpose()?;
    semantics.members.read = match &list {
        Some(MemberList::PerAccount { .. }) => MemberRead::PerAccount,
        Some(MemberList::PerGroup { .. }) => MemberRead::PerGroup,
        None => MemberRead::Nowhere,
    };
    let call = |what, given, body, expect| {
        let (method, path) = one_of(line, what, given)?;
        let build = CallBuilder::with(MEMBER).fields(&fields);
        let body = build.body(body)?;
        Ok::<_, Problem>(Call { body, expect: pairs(expect), ..build.call(method, path)? })
    };
    let add = wire.add.map(|add| {
        let given = [(Method::Post, add.post), (Method::Put, add.put), (Method::Patch, add.patch)];
        call("members.add", given, add.body, add.expect)
    });
    let change = wire.change.map(|change| {
        let given = [(Method::Post, change.post), (Method::Put, change.put), (Method::Patch, change.patch)];
        call("members.change", given, change.body, change.expect)
    });
    let again = semantics.members.change == Step::Again;
    let add = add.transpose()?;
    Ok(Members {
        change: change.transpose()?.or_else(|| add.clone().filter(|_| again)),
        remove: wire.remove.map(|wire| delete(line, "members.remove", wire, MEMBER)).transpose()?,
        role: role_names(wire.role.as_ref()),
        list,
        add,
        fields,
    })
}
