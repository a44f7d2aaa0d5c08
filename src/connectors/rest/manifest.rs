//! A manifest, checked: what the engine runs on, and the semantics that everyone else sees.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    answers::Answers,
    options::OptionRules,
    shape::Paged,
    template::{BodyTemplate, Dotted, Template},
    wire::{AccountKeys, GroupKeys, Login, Op, Role, Wrap},
};
use crate::{
    connectors::http::{ClientStyle, Method},
    model::{AccountStatus, FieldName, Semantics},
};

/// A manifest that can be used.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// What it declares about its API, before the files' options have their say.
    pub semantics: Arc<Semantics>,
    pub(super) base: Option<Template>,
    pub(super) options: OptionRules,
    pub(super) auth: AuthShape,
    pub(super) headers: BTreeMap<Arc<str>, Template>,
    pub(super) lookups: BTreeMap<Arc<str>, Lookup>,
    pub(super) accounts: Accounts,
    pub(super) groups: Groups,
    pub(super) members: Members,
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {message}", place(*.line))]
pub struct ManifestError {
    /// The file.
    pub file: String,
    /// Line, counted from 1; 0 when the error is about the whole.
    pub line: u64,
    /// What is wrong, and behind a semicolon what to write instead.
    pub message: String,
}

fn place(line: u64) -> String {
    if line == 0 { String::new() } else { format!(":{line}") }
}

/// How to sign in, without the secrets.
#[derive(Debug, Clone)]
pub(super) enum AuthShape {
    Oauth { path: String, style: ClientStyle, scopes: Vec<String> },
    Bearer,
    Header(String),
    Basic,
    Login(Login),
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: Template,
    pub(super) query: BTreeMap<Arc<str>, Template>,
    pub(super) body: Option<BodyTemplate>,
    pub(super) answers: Answers,
}

impl Call {
    /// The placeholders in it.
    pub(super) fn holes(&self) -> impl Iterator<Item = &str> {
        let query = self.query.values().flat_map(Template::holes);
        self.path.holes().chain(query).chain(self.body.iter().flat_map(BodyTemplate::holes))
    }
}

/// A call that lists something.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) call: Call,
    pub(super) items: Dotted,
    pub(super) paged: Paged,
}

/// A list that tells names from ids.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub(super) list: List,
    pub(super) id: Dotted,
    pub(super) name: Dotted,
}

/// Fields by our name, and where the app has them.
pub(super) type Fields = BTreeMap<FieldName, Dotted>;

/// Placeholders, and where a row has what stands for them.
pub(super) type Places = BTreeMap<Arc<str>, Dotted>;

/// What the values of some fields are called, by us and by the app. Of other fields both use the same.
pub(super) type Naming = BTreeMap<FieldName, Names>;

/// What the values of one field are called.
#[derive(Debug, Clone)]
pub(super) enum Names {
    /// The manifest says: our name, and the app's.
    Fixed(BTreeMap<Arc<str>, Value>),
    /// The app says, in the lookup of this name.
    Lookup(String),
}

/// What the records of an app are: accounts, or groups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// One of them, in messages.
    pub(super) one: &'static str,
    /// The placeholder for its id.
    pub(super) id: &'static str,
    /// The placeholder for what a new one is called.
    pub(super) name: &'static str,
}

pub(super) const ACCOUNT: Kind = Kind { one: "an account", id: "account.id", name: "email" };
pub(super) const GROUP: Kind = Kind { one: "a group", id: "group.id", name: "group.name" };

/// Where the rows of accounts or groups have what, and the calls about one of them.
#[derive(Debug, Clone)]
pub(super) struct Records {
    pub(super) kind: Kind,
    pub(super) id: Dotted,
    /// The address of an account, the name of a group.
    pub(super) name: Dotted,
    pub(super) fields: Fields,
    pub(super) naming: Naming,
    pub(super) wrap: Wrap,
    pub(super) read: Option<Call>,
    pub(super) create: Option<Call>,
    pub(super) update: Option<Update>,
    pub(super) delete: Option<Call>,
}

#[derive(Debug, Clone)]
pub(super) struct Accounts {
    pub(super) records: Records,
    pub(super) status: Option<Dotted>,
    pub(super) created_at: Option<Dotted>,
    pub(super) statuses: Vec<(AccountStatus, Value)>,
    pub(super) role: Option<Role>,
    pub(super) list: List,
    pub(super) find: Option<List>,
    pub(super) deactivate: Option<Change>,
    pub(super) reactivate: Option<Change>,
}

#[derive(Debug, Clone)]
pub(super) struct Update {
    pub(super) call: Call,
    pub(super) style: Style,
}

/// What an update sends.
#[derive(Debug, Clone)]
pub(super) enum Style {
    /// What changes, and the rest of these parts.
    Partial { whole: Vec<Dotted> },
    /// All there is but these.
    Replace { omit: Vec<Dotted> },
    /// Operations of this kind.
    JsonPatch { op: Op },
    /// What the call's body says, with what changes in these places.
    Body { places: Places },
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    /// By an update, whose answers mean this.
    Set {
        status: AccountStatus,
        answers: Answers,
    },
    Call(Call),
}

#[derive(Debug, Clone)]
pub(super) struct Groups {
    pub(super) records: Records,
    pub(super) list: Option<List>,
    /// Names of groups that the app fills by itself, and why they are left alone.
    pub(super) automatic: BTreeMap<Arc<str>, Arc<str>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    pub(super) fields: Fields,
    pub(super) naming: Naming,
    pub(super) role: Option<Role>,
    pub(super) list: Option<MemberList>,
    pub(super) add: Option<Call>,
    pub(super) change: Option<Call>,
    pub(super) remove: Option<Call>,
}

#[derive(Debug, Clone)]
pub(super) enum MemberList {
    PerAccount(List, GroupKeys),
    PerGroup(List, AccountKeys),
}
