//! A manifest, checked: what the engine runs on, and the semantics that everyone else sees.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    answers::Answers,
    options::{OptionRules, RolesFromOptions},
    shape::Paged,
    template::{BodyTemplate, Dotted, Template},
};
use crate::{
    connectors::http::{ClientStyle, Method, TokenPlace},
    model::{AccountStatus, FieldName, Semantics},
};

/// A manifest that can be used.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// What it declares about its API, before the files' options have their say.
    pub semantics: Arc<Semantics>,
    pub(super) base: Option<Template>,
    pub(super) options: OptionRules,
    pub(super) roles_from: RolesFromOptions,
    pub(super) auth: AuthShape,
    pub(super) headers: Vec<(String, String)>,
    pub(super) lookups: BTreeMap<String, Lookup>,
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
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message)?,
            line => write!(f, "{}:{line}: {}", self.file, self.message)?,
        }
        match &self.hint {
            None => Ok(()),
            Some(hint) => write!(f, "; {hint}"),
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
    pub(super) answers: Answers,
}

/// A call that lists something.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) call: Call,
    pub(super) items: Dotted,
    pub(super) paging: Option<Paged>,
}

/// A list that tells names from ids.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub(super) list: List,
    pub(super) id: Dotted,
    pub(super) name: Dotted,
}

/// Fields by our name, and where the app has them.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(pub(super) BTreeMap<FieldName, Dotted>);

/// What the values of some fields are called, by us and by the app. Of other fields both use the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Naming(pub(super) BTreeMap<FieldName, Names>);

/// What the values of one field are called.
#[derive(Debug, Clone)]
pub(super) enum Names {
    /// The manifest says: our name, and the app's.
    Fixed(Vec<(Arc<str>, Value)>),
    /// The app says, in the lookup of this name.
    Lookup(String),
}

#[derive(Debug, Clone)]
pub(super) struct Accounts {
    pub(super) id: Dotted,
    pub(super) email: Dotted,
    pub(super) status: Option<Dotted>,
    pub(super) created_at: Option<Dotted>,
    pub(super) fields: Fields,
    pub(super) statuses: Vec<(AccountStatus, Value)>,
    pub(super) naming: Naming,
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
    JsonPatch { op: &'static str },
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
    pub(super) id: Dotted,
    pub(super) name: Dotted,
    pub(super) fields: Fields,
    pub(super) wrap: Option<String>,
    pub(super) list: Option<List>,
    pub(super) read: Option<Call>,
    pub(super) create: Option<Call>,
    pub(super) update: Option<Update>,
    pub(super) delete: Option<Call>,
    /// Names of groups that the app fills by itself, and why they are left alone.
    pub(super) automatic: BTreeMap<String, Arc<str>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    pub(super) fields: Fields,
    pub(super) naming: Naming,
    pub(super) list: Option<MemberList>,
    pub(super) add: Option<Call>,
    pub(super) change: Option<Call>,
    pub(super) remove: Option<Call>,
}

#[derive(Debug, Clone)]
pub(super) enum MemberList {
    PerAccount { list: List, group_id: Dotted, group_name: Dotted },
    PerGroup { list: List, account_id: Dotted, email: Option<Dotted> },
}
