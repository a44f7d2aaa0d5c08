//! The sections `people` and `teams`.

use std::sync::Arc;

use crate::{
    desired::{
        report::Span,
        spec,
        tree::{Entry, Kind},
    },
    model::{self, Email, FieldValue},
};

use super::{Decoder, Member, Named, Said, fields::Fields, values::plain_value};

/// A person, with what stands where.
#[derive(Debug)]
pub(in crate::desired) struct Person {
    pub model: model::Person,
    pub span: Span,
    /// Where each of the aliases stands.
    pub alias_spans: Vec<Span>,
}

pub(super) fn person<'s>(d: &mut Decoder<'_, 's>, entry: &Entry<'s>) -> Option<Person> {
    let fields = Fields::open(d, &entry.value, &spec::PERSON, entry.span);
    let email = d.email(&entry.key, entry.span);
    for key in ["given_name", "family_name"] {
        refuse_unquoted(d, &fields, key);
    }
    let mut name = |key| fields.text_or_empty(d, key).map(Arc::from);
    let (given_name, family_name) = (name("given_name"), name("family_name"));
    let aliases = fields.texts(d, "aliases").into_iter();
    let (aliases, alias_spans) = aliases.filter_map(|(text, span)| Some((d.email(text, span)?, span))).unzip();
    let status = fields.word(d, "status");
    let model = model::Person {
        email: email?,
        given_name,
        family_name,
        aliases,
        attributes: fields.attributes(d, "attributes"),
        window: d.window(&fields),
        status: status.map(|(status, _)| status).unwrap_or_default(),
        place: d.report.place(entry.span),
        status_place: status.map(|(_, span)| d.report.place(span)),
        until_place: fields.entry("until").map(|entry| d.report.place(entry.span)),
    };
    Some(Person { model, span: entry.span, alias_spans })
}

/// Reports a word that YAML takes for nothing or for a truth where a name belongs: people are called so.
fn refuse_unquoted<'s>(d: &mut Decoder<'_, 's>, fields: &Fields<'_, 's>, name: &'static str) {
    let Some(entry) = fields.as_written(name) else { return };
    let reads_as = match &entry.value.kind {
        // Nothing at all is nothing to report.
        Kind::Null if entry.value.span.length > 0 => "nothing",
        Kind::Scalar { text, plain: true } if matches!(plain_value(text), FieldValue::Flag(_)) => "a truth value",
        _ => return,
    };
    let message = format!("YAML reads this `{name}` as {reads_as}, and not as a name");
    d.bad_value(
        entry.value.span,
        message,
        "put the name in quotes, as in `\"Null\"`; leave the key out if there is none",
    );
}

/// A company team.
#[derive(Debug)]
pub(in crate::desired) struct Team {
    pub name: Arc<str>,
    pub span: Span,
    /// Where `match` is said, when it is, and what it says.
    pub matches: Vec<(Arc<str>, FieldValue)>,
    pub match_span: Option<Span>,
    pub members: Vec<(Named<Email>, Member)>,
    pub includes: Vec<Named<Arc<str>>>,
    pub grants: Vec<Grant>,
}

/// What a team gets in one app.
#[derive(Debug)]
pub(in crate::desired) struct Grant {
    pub app: Named<Arc<str>>,
    pub account: Member,
    pub groups: Vec<(Named<Arc<str>>, Member)>,
}

pub(super) fn team<'s>(d: &mut Decoder<'_, 's>, entry: &Entry<'s>) -> Option<Team> {
    let Named { name, span } = d.named(entry, "a team")?;
    let fields = Fields::open(d, &entry.value, &spec::TEAM, span);
    // A description is for readers of the files; that it is a text is all there is to check.
    let _ = fields.text(d, "description");
    let matches: Vec<_> = fields.attributes(d, "match");
    Some(Team {
        name,
        span,
        match_span: fields.entry("match").map(|entry| entry.span).filter(|_| !matches.is_empty()),
        matches,
        members: fields.by_email(d, "members", |d, entry| Some(team_member(d, entry))),
        includes: fields.list(d, "includes"),
        grants: fields.names(d, "grants").iter().filter_map(|entry| grant(d, entry)).collect(),
    })
}

fn team_member<'s>(d: &mut Decoder<'_, 's>, entry: &Entry<'s>) -> Member {
    if let Kind::Scalar { .. } = entry.value.kind {
        let hint =
            "give the role under the team's `grants`, by app; a member takes nothing or `{ from, until, reason }`";
        d.bad_value(entry.value.span, "a team has members, not roles", hint);
        return Member::default();
    }
    let fields = Fields::open(d, &entry.value, &spec::TEAM_MEMBER, entry.span);
    let window = d.window(&fields);
    let reason = fields.text(d, "reason").map(|(text, _)| text.into());
    Member { window, reason, said: Said::new() }
}

fn grant<'s>(d: &mut Decoder<'_, 's>, entry: &Entry<'s>) -> Option<Grant> {
    let app = d.named(entry, "an app")?;
    let (account, fields) = d.given(entry, &spec::GRANT)?;
    let groups = fields.map_or(&[][..], |fields| fields.names(d, "groups")).iter().filter_map(|group| {
        let member = d.member(group);
        Some((d.named(group, "a group")?, member))
    });
    Some(Grant { app, account, groups: groups.collect() })
}
