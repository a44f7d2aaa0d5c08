//! The section `apps`.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use crate::{
    desired::{
        nearest,
        report::Span,
        spec,
        tree::{Entry, Kind, Node},
    },
    model::{Auth, BudgetSpec, Email, FieldName, FieldValue, GroupState, Mode, Options, Policy},
};

use super::{
    Decoder, Member, Named, Said,
    fields::Fields,
    policy,
    values::{plain_value, rate, share},
};

/// An app as the files describe it.
#[derive(Debug)]
pub(in crate::desired) struct App {
    pub name: Arc<str>,
    pub span: Span,
    /// A key that is none was probably meant to be `groups`: what it seems to lack may stand there.
    pub groups_misspelt: bool,
    pub connector: Option<Named<Arc<str>>>,
    pub url: Option<url::Url>,
    pub auth: Auth,
    pub options: Options,
    /// Where each option is said, and where all are.
    pub option_spans: BTreeMap<Arc<str>, Span>,
    pub options_span: Option<Span>,
    pub budget: BudgetSpec,
    pub mode: Mode,
    pub seats: Option<u32>,
    pub self_account: Option<Named<Email>>,
    pub policy: Policy,
    pub defaults: Said,
    pub grantable: Bounds,
    pub accounts: Vec<(Named<Email>, Member)>,
    pub groups: Vec<Group>,
    pub ids: Vec<(Named<Email>, Named<Arc<str>>)>,
}

/// What teams may grant in an app, and where that is said. What is not in it has no bound.
#[derive(Debug, Default)]
pub(in crate::desired) struct Bounds {
    pub span: Option<Span>,
    pub accounts: FieldBounds,
    pub groups: Option<Bound>,
    pub members: FieldBounds,
}

/// The values that may be granted, and where they are listed.
pub(in crate::desired) type Bound = (Vec<Named<Arc<str>>>, Span);

/// By `roles`, or the name of another field.
pub(in crate::desired) type FieldBounds = BTreeMap<FieldName, Bound>;

/// A declared group.
#[derive(Debug)]
pub(in crate::desired) struct Group {
    pub name: Arc<str>,
    pub span: Span,
    pub id: Option<Named<Arc<str>>>,
    pub state: GroupState,
    pub state_span: Option<Span>,
    pub mode: Mode,
    pub policy: Policy,
    pub said: Said,
    pub members: Vec<(Named<Email>, Member)>,
}

pub(super) fn app<'s>(d: &mut Decoder<'_, 's>, entry: &Entry<'s>) -> Option<App> {
    let Named { name, span } = d.named(entry, "an app")?;
    let fields = Fields::open(d, &entry.value, &spec::APP, span);
    let connector = fields.name(d, "connector");
    let url = fields.parsed(d, "url", web_address).map(|(url, _)| url);
    if d.report.all_read() {
        for (key, hint) in [
            ("connector", "add `connector:` with a connector's name or a manifest's path"),
            ("url", "add `url:` with the origin of the app's API"),
        ] {
            fields.require(d, key, format!("app `{name}` has no `{key}`"), hint);
        }
    }
    let options = options(d, &fields);
    let grantable = grantable(d, &fields);
    let mode = fields.word(d, "mode").map(|(mode, _)| mode).unwrap_or_default();
    let policy = policy::decode(d, &fields, &d.policy.clone());
    Some(App {
        name,
        span,
        groups_misspelt: fields.others().any(|entry| nearest::nearest(&entry.key, spec::APP.names()) == Some("groups")),
        connector,
        url,
        auth: auth(d, &fields),
        options: options.iter().map(|entry| (Arc::from(&*entry.key), json(&entry.value))).collect(),
        option_spans: options.iter().map(|entry| (Arc::from(&*entry.key), entry.span)).collect(),
        options_span: fields.entry("options").map(|entry| entry.span),
        budget: budget(d, &fields),
        mode,
        seats: fields.count(d, "seats").map(|(seats, _)| seats),
        self_account: fields.text(d, "self").and_then(|(text, span)| Some(Named { name: d.email(text, span)?, span })),
        defaults: fields.object(d, "defaults").map_or_else(Said::new, |fields| d.said(&fields)),
        grantable,
        accounts: fields.by_email(d, "accounts", |d, entry| Some(d.member(entry))),
        groups: fields.names(d, "groups").iter().filter_map(|entry| group(d, entry, mode, &policy)).collect(),
        ids: fields.by_email(d, "ids", |d, entry| {
            Some(Named { name: d.text(&entry.value, &spec::TEXT)?.into(), span: entry.value.span })
        }),
        policy,
    })
}

fn grantable<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Bounds {
    let Some(bounds) = fields.object(d, "grantable") else { return Bounds::default() };
    let members = bounds.object(d, "members");
    Bounds {
        span: fields.entry("grantable").map(|entry| entry.span),
        accounts: field_bounds(d, &bounds),
        groups: bounds.entry("groups").map(|entry| (bounds.list(d, "groups"), entry.span)),
        members: members.map_or_else(FieldBounds::new, |members| field_bounds(d, &members)),
    }
}

fn field_bounds<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> FieldBounds {
    let others = d.other_fields(fields).into_iter().map(|(field, (value, span))| {
        let texts: Vec<Arc<str>> = match value {
            FieldValue::Set(texts) => texts.into_iter().collect(),
            other => vec![other.to_string().into()],
        };
        (field, (texts.into_iter().map(|name| Named { name, span }).collect(), span))
    });
    let mut bounds: FieldBounds = others.collect();
    if let Some(entry) = fields.entry("roles") {
        bounds.insert("roles".into(), (fields.list(d, "roles"), entry.span));
    }
    bounds
}

/// A group of an app that has this mode and this policy.
fn group<'s>(d: &mut Decoder<'_, 's>, entry: &Entry<'s>, mode: Mode, policy: &Policy) -> Option<Group> {
    let Named { name, span } = d.named(entry, "a group")?;
    let fields = Fields::open(d, &entry.value, &spec::GROUP, span);
    let state = fields.word(d, "state");
    Some(Group {
        name,
        span,
        id: fields.name(d, "id"),
        state: state.map(|(state, _)| state).unwrap_or_default(),
        state_span: state.map(|(_, span)| span),
        mode: fields.word(d, "mode").map_or(mode, |(mode, _)| mode),
        policy: policy::decode(d, &fields, policy),
        said: d.other_fields(&fields),
        members: fields.by_email(d, "members", |d, entry| Some(d.member(entry))),
    })
}

/// An address that requests can go to, without a slash at its end.
fn web_address(text: &str) -> Result<url::Url, String> {
    const HINT: &str = "write the whole address, such as `https://api.example.com`";
    let url: url::Url = text.trim_end_matches('/').parse().map_err(|_| HINT)?;
    let problem = if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        HINT
    } else if url.query().is_some() || url.fragment().is_some() {
        "leave out what follows `?` or `#`"
    } else if !url.username().is_empty() {
        "leave out the user; credentials go under `auth`"
    } else {
        return Ok(url);
    };
    Err(problem.to_owned())
}

fn auth<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> Auth {
    let Some(fields) = fields.object(d, "auth") else { return Auth::default() };
    let secrets = ["client_id", "client_secret", "token", "username", "password"];
    let secrets = secrets.into_iter().filter_map(|key| Some((key.into(), fields.secret(d, key)?))).collect();
    let token_url = fields.parsed(d, "token_url", web_address).map(|(url, _)| url);
    let scopes = fields.texts(d, "scopes").into_iter().map(|(text, _)| text.to_owned()).collect();
    Auth { secrets, token_url, scopes: fields.entry("scopes").map(|_| scopes) }
}

fn budget<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>) -> BudgetSpec {
    let Some(fields) = fields.object(d, "budget") else { return BudgetSpec::default() };
    let requests = fields.parsed(d, "requests", rate);
    let read = fields.parsed(d, "read", rate);
    let write = fields.parsed(d, "write", rate);
    if let (Some((_, all)), Some((_, part))) = (requests, read.or(write)) {
        let message = "`requests` replaces all quotas; it cannot stand beside `read` or `write`";
        d.report.error("conflict", part, message).and(all, "").hint("keep `requests`, or `read` and `write`");
    }
    let concurrency = fields.count(d, "concurrency");
    if let Some((0, span)) = concurrency {
        d.bad_value(span, "with a concurrency of 0 nothing can be sent", "write 1 or more");
    }
    let keep_free = fields.parsed(d, "keep_free", share);
    if let Some((percent, span)) = keep_free
        && percent >= 100.0
    {
        d.bad_value(span, "this leaves nothing to us", "write less than 100%");
    }
    BudgetSpec {
        requests: requests.map(|(rate, _)| rate),
        read: read.map(|(rate, _)| rate),
        write: write.map(|(rate, _)| rate),
        concurrency: concurrency.map(|(count, _)| count),
        keep_free_percent: keep_free.map(|(percent, _)| percent),
    }
}

/// The options, of which the language knows one.
fn options<'a, 's>(d: &mut Decoder<'_, 's>, fields: &Fields<'a, 's>) -> &'a [Entry<'s>] {
    let Some(options) = fields.object(d, "options") else { return &[] };
    // The connector reads it with the others. Here it is only checked.
    options.parsed(d, "max_rows", |text| match text.parse::<u64>() {
        Ok(rows) if rows > 0 => Ok(rows),
        _ => Err("write how many rows a list may have, such as `50000`".to_owned()),
    });
    options.all()
}

/// YAML as JSON: what the connectors read their options from. There, `True` is a text.
fn json(node: &Node<'_>) -> Value {
    match &node.kind {
        Kind::Null | Kind::Hidden => Value::Null,
        Kind::Scalar { text, plain: true } if !matches!(&**text, "True" | "TRUE" | "False" | "FALSE") => {
            json!(plain_value(text))
        }
        Kind::Scalar { text, .. } => Value::from(&**text),
        Kind::List(items) => items.iter().map(json).collect(),
        Kind::Map(entries) => entries.iter().map(|entry| (&*entry.key, json(&entry.value))).collect(),
    }
}
