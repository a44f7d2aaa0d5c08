//! A manifest as it is written. Every key is known here, so that a misspelt one is an error with its line.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::template::{Dotted, Template};
use crate::model::Verb;

type Path = Option<Spanned<Template>>;
type Map<T> = BTreeMap<String, T>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) base: String,
    pub(super) auth: Spanned<Auth>,
    /// Options that the files may give, used as `{options.NAME}`.
    #[serde(default)]
    pub(super) options: Map<Choice>,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) headers: Map<String>,
    /// How every list is paged that says nothing of its own.
    pub(super) page: Option<Spanned<Page>>,
    pub(super) accounts: Accounts,
    #[serde(default)]
    pub(super) groups: Groups,
    pub(super) members: Option<Members>,
    #[serde(default)]
    pub(super) manual: BTreeMap<Missing, String>,
}

/// An option of the connector.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    #[serde(default)]
    pub(super) required: bool,
    pub(super) help: String,
}

/// A verb that a person carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Missing(pub(super) Verb);

impl TryFrom<String> for Missing {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let known = || Verb::ALL.map(Verb::as_str).join(", ");
        text.parse().map(Self).map_err(|wrong: String| format!("{wrong}; there are {}", known()))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    pub(super) oauth: Option<String>,
    pub(super) client: Option<Client>,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
    #[serde(default)]
    pub(super) bearer: bool,
    pub(super) header: Option<String>,
    #[serde(default)]
    pub(super) basic: bool,
    pub(super) login: Option<Login>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Client {
    Basic,
    Body,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    pub(super) post: String,
    pub(super) body: Value,
    pub(super) token: Token,
    pub(super) send: String,
    #[serde(default)]
    pub(super) prefix: String,
    /// Seconds.
    pub(super) life: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Token {
    Header(String),
    Body(Dotted),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) all: Option<Rate>,
    pub(super) read: Option<Rate>,
    pub(super) write: Option<Rate>,
    pub(super) concurrency: Option<u32>,
}

/// `1000/h`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Rate {
    pub(super) requests: u32,
    pub(super) per: Duration,
}

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no rate; write a number, a slash and s, m, h or d: `1000/h`");
        let (requests, unit) = text.split_once('/').ok_or_else(wrong)?;
        let seconds = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return Err(wrong()),
        };
        let requests = requests.trim().parse().ok().filter(|requests| *requests > 0).ok_or_else(wrong)?;
        Ok(Self { requests, per: Duration::from_secs(seconds) })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    pub(super) offset: Option<String>,
    pub(super) number: Option<String>,
    pub(super) first: Option<u64>,
    pub(super) token: Option<String>,
    pub(super) next: Option<Dotted>,
    pub(super) link: Option<Dotted>,
    pub(super) size: Option<String>,
    pub(super) max: Option<u32>,
    pub(super) total: Option<Dotted>,
    pub(super) end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum End {
    Short,
    Empty,
}

/// Our words for statuses, as manifests use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Active,
    Pending,
    Inactive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Take {
    One,
    Many,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    pub(super) take: Take,
    #[serde(default)]
    pub(super) ranked: Vec<String>,
    #[serde(default)]
    pub(super) admin: Vec<String>,
    #[serde(default)]
    pub(super) values: Vec<String>,
    /// Our name for a role to the app's.
    #[serde(default)]
    pub(super) names: Map<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accounts {
    #[serde(default = "user")]
    pub(super) noun: String,
    pub(super) fields: Spanned<Map<Dotted>>,
    #[serde(default)]
    pub(super) fixed: Vec<String>,
    #[serde(default)]
    pub(super) status: BTreeMap<Status, Value>,
    pub(super) role: Option<Role>,
    #[serde(default)]
    pub(super) inactive_keeps_seat: bool,
    /// The key that rows of single answers and bodies are wrapped in.
    pub(super) wrap: Option<String>,
    pub(super) list: List,
    pub(super) read: Read,
    pub(super) find: Option<List>,
    pub(super) create: Option<Create>,
    pub(super) update: Option<Update>,
    pub(super) deactivate: Option<Change>,
    pub(super) reactivate: Option<Change>,
    pub(super) delete: Option<Delete>,
    /// Which of `deactivate` and `delete` withdraws an invitation.
    pub(super) cancel_pending: Option<Spanned<String>>,
}

fn user() -> String {
    "user".into()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    pub(super) get: Spanned<Template>,
    #[serde(default)]
    pub(super) query: Map<Template>,
    pub(super) items: Dotted,
    pub(super) page: Option<Spanned<Page>>,
    #[serde(default = "yes")]
    pub(super) paged: bool,
    pub(super) carries: Option<Vec<String>>,
    #[serde(default)]
    pub(super) hides: Vec<Status>,
    pub(super) group: Option<GroupKeys>,
    pub(super) account: Option<AccountKeys>,
    pub(super) otherwise: Option<Otherwise>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupKeys {
    pub(super) id: Dotted,
    pub(super) name: Dotted,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountKeys {
    pub(super) id: Dotted,
}

/// What a 404 or 405 means where some versions of an app lack a call.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Otherwise {
    Believed,
    Manual,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    pub(super) get: Spanned<Template>,
    #[serde(default)]
    pub(super) query: Map<Template>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    pub(super) post: Spanned<Template>,
    pub(super) body: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) require: Vec<String>,
    #[serde(default = "active")]
    pub(super) becomes: Status,
    #[serde(default)]
    pub(super) duplicate: Vec<u16>,
    #[serde(default)]
    pub(super) expect: BTreeMap<Dotted, Value>,
}

fn active() -> Status {
    Status::Active
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Style {
    #[default]
    Partial,
    Replace,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    pub(super) post: Path,
    pub(super) put: Path,
    pub(super) patch: Path,
    #[serde(default)]
    pub(super) style: Style,
    /// Keys that a replacement must not send back.
    #[serde(default)]
    pub(super) omit: Vec<Dotted>,
    #[serde(default)]
    pub(super) expect: BTreeMap<Dotted, Value>,
}

/// Deactivating or reactivating: by a field, or by a call of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    pub(super) set: Option<SetStatus>,
    pub(super) post: Path,
    pub(super) put: Path,
    pub(super) patch: Path,
    pub(super) delete: Path,
    pub(super) body: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) expect: BTreeMap<Dotted, Value>,
    #[serde(default)]
    pub(super) irreversible: bool,
    #[serde(default)]
    pub(super) strips_members: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetStatus {
    pub(super) status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delete {
    pub(super) delete: Path,
    pub(super) post: Path,
    pub(super) body: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) expect: BTreeMap<Dotted, Value>,
    #[serde(default)]
    pub(super) irreversible: bool,
    pub(super) otherwise: Option<Otherwise>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Groups {
    pub(super) noun: Option<String>,
    #[serde(default)]
    pub(super) fields: Map<Dotted>,
    pub(super) wrap: Option<String>,
    pub(super) list: Option<List>,
    pub(super) create: Option<GroupWrite>,
    pub(super) update: Option<Update>,
    pub(super) delete: Option<Delete>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupWrite {
    pub(super) post: Spanned<Template>,
    pub(super) body: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) duplicate: Vec<u16>,
    #[serde(default)]
    pub(super) expect: BTreeMap<Dotted, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Members {
    #[serde(default)]
    pub(super) fields: Map<Dotted>,
    pub(super) role: Option<Role>,
    #[serde(default)]
    pub(super) creates_account: bool,
    pub(super) list: Option<List>,
    pub(super) add: Option<Add>,
    pub(super) change: Option<MemberChange>,
    pub(super) remove: Option<Delete>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    pub(super) post: Path,
    pub(super) put: Path,
    pub(super) patch: Path,
    pub(super) body: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) expect: BTreeMap<Dotted, Value>,
    pub(super) when: Option<Vec<Status>>,
    /// Adding a member again with other values changes the membership.
    #[serde(default)]
    pub(super) changes: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberChange {
    pub(super) post: Path,
    pub(super) put: Path,
    pub(super) patch: Path,
    pub(super) body: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) expect: BTreeMap<Dotted, Value>,
}
