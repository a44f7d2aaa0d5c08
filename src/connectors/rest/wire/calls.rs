//! Calls that every part of a manifest has, and the words in them.

use std::{fmt, sync::Arc};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use super::{Answers, BodyTemplate, Dotted, Lined, Map, Path, Template, one_of};
use crate::model::{AccountStatus, FieldName, Verb};

/// A call that reads one thing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::connectors::rest) struct Read {
    /// The path, below the app's `url` and `base`.
    pub get: Lined<Template>,
    /// Parameters of the query. One whose placeholder has no value is left out.
    #[serde(default)]
    pub query: Map<Template>,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    pub answers: Answers,
}

/// The keys that single answers and bodies are wrapped in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(from = "WrapText")]
#[schemars(with = "WrapText")]
pub(in crate::connectors::rest) struct Wrap {
    pub answer: Option<String>,
    pub body: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "`wrap` takes a key, or `{ answer: KEY, body: KEY }`")]
enum WrapText {
    Both(String),
    Apart(WrapKeys),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct WrapKeys {
    /// The key that single answers are wrapped in.
    answer: Option<String>,
    /// The key that the bodies of updates and creations are wrapped in.
    body: Option<String>,
}

impl From<WrapText> for Wrap {
    fn from(text: WrapText) -> Self {
        match text {
            WrapText::Both(key) => Self { answer: Some(key.clone()), body: Some(key) },
            WrapText::Apart(WrapKeys { answer, body }) => Self { answer, body },
        }
    }
}

/// What an update sends.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::connectors::rest) enum Style {
    /// What changes.
    #[default]
    Partial,
    /// All there is, with what changes: it is read right before, and looked at after.
    Replace,
    /// One operation of RFC 6902 for each field that changes.
    JsonPatch,
}

/// The operation of a JSON Patch.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::connectors::rest) enum Op {
    /// For fields that are always there.
    #[default]
    Replace,
    /// For apps that leave out fields without a value, which `replace` cannot give one.
    Add,
}

/// A call that changes fields: exactly one of `post`, `put` and `patch`. What it sends follows from `fields`, unless `body` says
/// it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["post", "put", "patch"])))]
pub(in crate::connectors::rest) struct Update {
    /// The path, if it is a POST.
    pub post: Path,
    /// The path, if it is a PUT.
    pub put: Path,
    /// The path, if it is a PATCH.
    pub patch: Path,
    /// The JSON to send, with `{account.id}` or `{group.id}` and `{FIELD}` for what changes; what does not change is left out.
    /// A field without a place in it cannot be changed.
    pub body: Option<Lined<BodyTemplate>>,
    /// What it sends; `partial` unless said.
    pub style: Style,
    /// With `style: replace`: keys that must not be sent back.
    pub omit: Vec<Dotted>,
    /// With `style: partial`: parts that the app replaces as a whole. What else is in them is read first and sent along.
    pub whole: Vec<Dotted>,
    /// With `style: json-patch`: the operation; `replace` unless said.
    pub op: Op,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    pub answers: Answers,
}

/// A call that deletes: exactly one of `delete` and `post`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["delete", "post"])))]
pub(in crate::connectors::rest) struct Delete {
    /// The path, if it is a DELETE.
    pub delete: Path,
    /// The path, if it is a POST.
    pub post: Path,
    /// The JSON to send; none unless said.
    pub body: Option<Lined<BodyTemplate>>,
    /// For an account: nobody can undo it, so that a guard asks first.
    pub irreversible: bool,
    /// `manual`: some versions of the app answer 404 or 405, and then a person does it.
    pub otherwise: Option<ByHand>,
    /// What its answers mean; these rules come before the manifest's.
    pub answers: Answers,
}

/// How the pages of a list follow each other. Exactly one of `offset`, `number`, `token` with `next`, and `link`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["offset", "number", "token", "link"])))]
#[schemars(extend("dependencies" = { "token": ["next"], "next": ["token"] }))]
pub(in crate::connectors::rest) struct Page {
    /// The parameter that says how many rows to skip.
    pub offset: Option<String>,
    /// The parameter that says which page.
    pub number: Option<String>,
    /// The number of the first page, 1 unless said.
    pub first: Option<u64>,
    /// The parameter that takes the token of the page before.
    pub token: Option<String>,
    /// Where a page has the token of the next one.
    pub next: Option<Dotted>,
    /// Where a page has the link to the next one; `header`: in its header `Link`. It is followed below `url` and `base`.
    pub link: Option<LinkAt>,
    /// The parameter that asks for a number of rows.
    pub size: Option<String>,
    /// How many rows to ask for, 100 unless said.
    #[schemars(range(min = 1))]
    pub max: Option<u64>,
    /// How many rows come where the app ignores `size`: a page of just that length is not taken for a short one.
    pub default: Option<u64>,
    /// Where a page says how many rows there are in all.
    pub total: Option<Dotted>,
    /// Where a page has a number that some versions of the app mean as the total and others as the length of the page.
    /// Reading goes on while it promises more than came, and never ends because of it.
    pub at_least: Option<Dotted>,
    /// With `offset` and `number`: which page is the last; `empty` unless said.
    pub end: Option<End>,
}

/// Where a page has the link to the next one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(from = "Dotted")]
#[schemars(with = "Dotted")]
pub(in crate::connectors::rest) enum LinkAt {
    /// In its header `Link`, as RFC 8288 has it.
    Header,
    /// At this place of the body.
    Body(Dotted),
}

impl From<Dotted> for LinkAt {
    fn from(place: Dotted) -> Self {
        if place.to_string() == "header" { Self::Header } else { Self::Body(place) }
    }
}

// How the pages of a list follow each other, or that there are none. No doc comment, because the schema would show it.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(in crate::connectors::rest) enum Pages {
    None(Whole),
    These(Box<Page>),
}

/// `none`: the list comes whole.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::connectors::rest) enum Whole {
    None,
}

impl<'de> Deserialize<'de> for Pages {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WordOrPages)
    }
}

struct WordOrPages;

impl<'de> Visitor<'de> for WordOrPages {
    type Value = Pages;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`none`, or how pages follow each other, such as `{ offset: skip, size: limit }`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Pages, E> {
        Whole::deserialize(word.into_deserializer()).map(Pages::None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Pages, A::Error> {
        Page::deserialize(MapAccessDeserializer::new(map)).map(|page| Pages::These(Box::new(page)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::connectors::rest) enum End {
    /// A page with fewer rows than were asked for. Needs `size`.
    Short,
    /// Only a page without rows.
    Empty,
}

/// A call that lists something.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::connectors::rest) struct List {
    /// The path, below the app's `url` and `base`.
    pub get: Lined<Template>,
    /// Parameters of the query. One whose placeholder has no value is left out.
    #[serde(default)]
    pub query: Map<Template>,
    /// Where the answer has the rows; `.` where it is nothing but them.
    pub items: Dotted,
    /// Pages of its own, instead of the manifest's; `none`: it comes whole.
    pub page: Option<Lined<Pages>>,
    /// `false`: everything comes at once, whatever the manifest's `page` says.
    #[serde(default = "yes")]
    pub paged: bool,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    pub answers: Answers,
    /// In the list of accounts: fields that rows are sure to hold; what else is needed is read one account at a time. All,
    /// unless said.
    pub carries: Option<Vec<FieldName>>,
    /// In `accounts.find`: the query compares addresses as identities do (without case, the whole address), so that whom it
    /// does not find has no account. Unless said, a query may find, and finding nobody proves nothing.
    #[serde(default)]
    pub excludes: bool,
    /// In a list of an account's groups: where a row has the group.
    pub group: Option<GroupKeys>,
    /// In a list of a group's members: where a row has the account; `{ id: . }` where a row is nothing but the id.
    pub account: Option<AccountKeys>,
    /// `believed`: some versions of the app answer 404 or 405, and then nobody knows what the list would say.
    pub otherwise: Option<Believed>,
}

/// A list of what the app knows by id and people know by name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::connectors::rest) struct Lookup {
    /// The path, below the app's `url` and `base`.
    pub get: Lined<Template>,
    /// Parameters of the query. One whose placeholder has no value is left out.
    #[serde(default)]
    pub query: Map<Template>,
    /// Where the answer has the rows; `.` where it is nothing but them.
    pub items: Dotted,
    /// Pages of its own, instead of the manifest's; `none`: it comes whole.
    pub page: Option<Lined<Pages>>,
    /// `false`: everything comes at once, whatever the manifest's `page` says.
    #[serde(default = "yes")]
    pub paged: bool,
    /// What its answers mean; these rules come before the manifest's.
    #[serde(default)]
    pub answers: Answers,
    /// Where a row has the id that the app takes.
    pub id: Dotted,
    /// Where a row has the name that the files use.
    pub name: Dotted,
}

fn yes() -> bool {
    true
}

/// Where a row of an account's groups has the group.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::connectors::rest) struct GroupKeys {
    /// Where a row has the group's id.
    pub id: Dotted,
    /// Where a row has the group's name.
    pub name: Dotted,
}

/// Where a row of a group's members has the account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::connectors::rest) struct AccountKeys {
    /// Where a row has the account's id.
    pub id: Dotted,
    /// Where a row has the account's address, if it does.
    pub email: Option<Dotted>,
}

/// Our words for statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::connectors::rest) enum Status {
    #[default]
    Active,
    Pending,
    Inactive,
}

impl From<Status> for AccountStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Pending => Self::Pending,
            Status::Inactive => Self::Inactive,
        }
    }
}

/// What a 404 or 405 means where some versions of an app lack a call that reads.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::connectors::rest) enum Believed {
    /// Nobody can know; what we wrote ourselves is believed.
    Believed,
}

/// What a 404 or 405 means where some versions of an app lack a call that writes.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::connectors::rest) enum ByHand {
    /// A person does it, as `manual` says.
    Manual,
}

// A verb that a person carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", inline, extend("enum" = Verb::ALL))]
pub(in crate::connectors::rest) struct Missing(pub Verb);

impl TryFrom<String> for Missing {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let known = || Verb::ALL.iter().map(|verb| verb.as_str()).collect::<Vec<_>>().join(", ");
        text.parse().map(Self).map_err(|_| format!("`{text}` is not a verb; there are {}", known()))
    }
}

/// How many roles an account or a membership has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::connectors::rest) enum Take {
    /// One, in the field `role`.
    One,
    /// Any number, in the field `roles`.
    Many,
}

/// A list of roles: written out, or `options.NAME`, where the files give it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "Value")]
#[schemars(with = "Value", extend("anyOf" = [
    { "type": "array", "items": { "type": "string" } },
    { "type": "string", "pattern": "^options\\." },
]))]
pub(in crate::connectors::rest) enum Roles {
    These(Vec<Arc<str>>),
    Option(String),
}

impl TryFrom<Value> for Roles {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let read = match &value {
            Value::Array(all) => {
                all.iter().map(|role| role.as_str().map(Arc::from)).collect::<Option<_>>().map(Self::These)
            }
            Value::String(text) => text.strip_prefix("options.").map(|name| Self::Option(name.to_owned())),
            _ => None,
        };
        read.ok_or_else(|| {
            format!("{value} is no list of roles; write `[a, b]`, or `options.NAME` to let the files say")
        })
    }
}

/// How roles are held, and which there are.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["names", "lookup"] }))]
pub(in crate::connectors::rest) struct Role {
    /// `one`, in the field `role`, or `many`, in the field `roles`.
    pub take: Take,
    /// From the least to the most powerful. Where two grants disagree, the more powerful role wins.
    pub ranked: Option<Lined<Roles>>,
    /// Those that can administer the app.
    pub admin: Option<Lined<Roles>>,
    /// All there are, where that is known. Others are errors in the files then.
    pub values: Option<Lined<Roles>>,
    /// Our name for a role to the app's.
    #[serde(default)]
    pub names: Map<Value>,
    /// The lookup that tells names from ids.
    pub lookup: Option<Lined<String>>,
}
