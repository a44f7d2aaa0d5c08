//! What a simulated app is to the rest of the sandbox: requests in, answers out, and a side door through which its
//! state is read and changed behind the client's back.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use hyper::HeaderMap;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::quirks::{QuirkError, Quirks};

/// A simulated app: the state of one tenant and the rules of its API. It sees only requests that carry a valid token
/// and fit into the quota.
pub(crate) trait App: Send {
    /// How its tokens are requested.
    fn oauth(&self) -> OAuth;

    /// Lets everything happen that is due by now, such as an invitation being accepted. Called before anything else
    /// below, so that this is the time at which the rest happens.
    fn settle(&mut self, now: Timestamp);

    /// Switches its quirks; all are among those that its entry in the catalogue lists.
    fn set_quirks(&mut self, quirks: Quirks) {
        debug_assert!(quirks.names().is_empty(), "an app with quirks takes them");
    }

    /// Words a refusal that is made on its behalf, such as of a missing token or an exhausted quota.
    fn refuse(&self, status: u16, code: &str, message: &str) -> Answer {
        Answer::json(status, json!({ "errorCode": code, "developerMessage": message }))
    }

    /// Answers a request to its API.
    fn answer(&mut self, request: &Request, scopes: &BTreeSet<String>) -> Answer;

    /// Every account, in the order in which the app lists them.
    fn accounts(&self) -> Vec<AccountView>;

    /// Every group, sorted by id.
    fn groups(&self) -> Vec<GroupView>;

    /// The app's own row of a membership, where memberships have more than a role.
    fn membership(&self, _account: &str, _group: &str) -> Option<Value> {
        None
    }

    /// Adds an account behind the client's back; returns its id.
    fn add_account(&mut self, account: NewAccount) -> Result<String, DriftError>;

    /// Changes an account, found by id or email.
    fn patch_account(&mut self, account: &str, patch: AccountPatch) -> Result<(), DriftError>;

    /// Removes an account and its memberships without a trace.
    fn remove_account(&mut self, account: &str) -> Result<(), DriftError>;

    /// Adds a group, or renames the one with this id.
    fn put_group(&mut self, group: GroupView);

    /// Adds a membership, or changes its role.
    fn put_membership(&mut self, account: &str, group: &str, role: &str) -> Result<(), DriftError>;

    /// Removes a membership.
    fn remove_membership(&mut self, account: &str, group: &str) -> Result<(), DriftError>;
}

/// How an app lets clients in.
#[derive(Debug, Clone, Default)]
pub(crate) struct OAuth {
    /// The token endpoint's path, the app's own.
    pub(crate) path: &'static str,
    /// The scopes on offer; an app without any ignores what is asked.
    pub(crate) scopes: Vec<String>,
    /// Whether a token request may leave the scopes out, and gets all of them.
    pub(crate) scope_optional: bool,
    /// Scopes that are never granted, however often they are asked for; the answer tells what was granted.
    pub(crate) withheld: Vec<String>,
    /// Where client id and secret are looked for.
    pub(crate) client: ClientAuth,
    /// The longest a token lives, where the app is stricter than [`Config::token_life`](super::Config::token_life).
    pub(crate) longest_life: Option<Duration>,
    /// Whether the client secret itself is a bearer token, one that never expires.
    pub(crate) static_token: bool,
}

/// Where a token request carries client id and secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    /// In a Basic header.
    #[default]
    Basic,
    /// In the form.
    Form,
    /// In either.
    Either,
}

/// A request, as an app sees it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path without connector and tenant, undecoded.
    pub(crate) path: String,
    /// The query, undecoded.
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// The decoded segments of the path.
    pub(crate) fn segments(&self) -> Vec<String> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// A header by its name in lower case, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the body is declared to be of this media type, parameters aside.
    pub(crate) fn is_of_type(&self, media_type: &str) -> bool {
        let declared = self.content_type.as_deref().unwrap_or_default();
        declared.split(';').next().is_some_and(|declared| declared.trim().eq_ignore_ascii_case(media_type))
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    /// Whether the app's state changed.
    pub(crate) effect: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Empty,
    Json(Value),
    Html(&'static str),
    /// Sent as JSON, whatever it is.
    Raw(String),
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body), effect: false }
    }

    pub(crate) fn html(status: u16, page: &'static str) -> Self {
        Self { status, headers: Vec::new(), body: Body::Html(page), effect: false }
    }

    pub(crate) fn with(mut self, header: &'static str, value: impl ToString) -> Self {
        self.headers.push((header, value.to_string()));
        self
    }

    /// Marks the answer as one of a request that changed something.
    pub(crate) fn having_effect(self) -> Self {
        Self { effect: true, ..self }
    }
}

/// An account as it stands, for tests and for people who watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountView {
    /// The app's id.
    pub id: String,
    /// The email, in the case in which the app keeps it.
    pub email: String,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub family_name: Option<String>,
    /// The status in the app's own words.
    pub status: String,
    /// The role in the app's own words; several roles are joined with `, `.
    pub role: String,
    /// When it was created, in sandbox time.
    pub created_at: Timestamp,
    /// The last sign-in.
    pub last_login: Option<Timestamp>,
    /// When the pending invitation will be accepted.
    pub accepts_at: Option<Timestamp>,
    /// How many invitations went to this address, over every account that ever had it.
    pub invitations: u32,
    /// The memberships, in the order in which they were made.
    pub groups: Vec<MembershipView>,
    /// The app's own object, as reading the account by its id shows it.
    pub raw: Value,
}

/// A membership as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MembershipView {
    /// The group's id.
    pub id: String,
    /// The group's name.
    pub name: String,
    /// The role in the group; empty where the app knows none.
    pub role: String,
}

/// A group as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupView {
    /// The group's id.
    pub id: String,
    /// The group's name.
    pub name: String,
}

/// An account to add behind the client's back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewAccount {
    /// The email, required.
    pub email: String,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub family_name: Option<String>,
    /// The status in the app's own words; active where nothing is said.
    pub status: Option<String>,
    /// The role in the app's own words; the app's default where nothing is said.
    pub role: Option<String>,
}

/// What to change about an account; what is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountPatch {
    /// The email.
    pub email: Option<String>,
    /// The first name.
    pub given_name: Option<String>,
    /// The last name.
    pub family_name: Option<String>,
    /// The status in the app's own words; any change goes, those included that the API refuses.
    pub status: Option<String>,
    /// The role in the app's own words.
    pub role: Option<String>,
    /// Fields of the app's own object, set as they are; null removes one. Fields that the app keeps apart, such as those
    /// above, are refused here.
    pub raw: Option<Map<String, Value>>,
}

/// Why a change behind the client's back was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriftError {
    /// The sandbox does not play this app.
    #[error("the sandbox plays no connector `{0}`; it plays: {1}")]
    UnknownConnector(String, String),
    /// No such account.
    #[error("no account has the id or email `{0}`")]
    UnknownAccount(String),
    /// No such group.
    #[error("no group has the id `{0}`")]
    UnknownGroup(String),
    /// The account is no member.
    #[error("`{account}` is not a member of `{group}`")]
    NotAMember {
        /// The account.
        account: String,
        /// The group.
        group: String,
    },
    /// The email is taken.
    #[error("an account with the email `{0}` exists")]
    Duplicate(String),
    /// The app has no such quirk.
    #[error(transparent)]
    Quirk(#[from] QuirkError),
    /// A value the app does not know.
    #[error("`{value}` is not a {field} of this app")]
    BadValue {
        /// The field.
        field: &'static str,
        /// The value.
        value: String,
    },
}
