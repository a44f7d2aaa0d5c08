//! The section `teams`.

use std::sync::Arc;

use crate::{
    desired::{
        report::Span,
        spec,
        tree::{Entry, Kind},
    },
    model::{Email, FieldValue},
};

use super::{Decoder, Member, Named, fields::Fields};

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
    let name = d.named(entry, "a team")?;
    let fields = Fields::open(d, &entry.value, &spec::TEAM, entry.span);
    // A description is for readers of the files; that it is a text is all there is to check.
    let _ = fields.text(d, "description");
    let matches: Vec<_> = fields.attributes(d, "match");
    Some(Team {
        name: name.into(),
        span: entry.span,
        match_span: fields.entry("match").map(|entry| entry.span).filter(|_| !matches.is_empty()),
        matches,
        members: fields.by_email(d, "members", |d, entry| Some(team_member(d, entry))),
        includes: fields.list(d, "includes"),
        grants: fields.names(d, "grants").iter().filter_map(|entry| grant(d, entry)).collect(),
    })
}

fn team_member<'s>(d: &mut Decoder<'_, 's>, entry: &Entry<'s>) -> Member {
    if let Kind::Scalar { .. } = entry.value.kind {
        d.bad_value(
            entry.value.span,
            "a team has members, not roles",
            "give the role under the team's `grants`, by app; a member takes nothing or `{ from, until, reason }`",
        );
        return Member::default();
    }
    let fields = Fields::open(d, &entry.value, &spec::TEAM_MEMBER, entry.span);
    let window = d.window(&fields);
    let reason = fields.text(d, "reason").map(|(text, _)| text.into());
    Member { window, reason, said: super::Said::new() }
}

fn grant<'s>(d: &mut Decoder<'_, 's>, entry: &Entry<'s>) -> Option<Grant> {
    let app = Named { name: d.named(entry, "an app")?.into(), span: entry.span };
    match &entry.value.kind {
        Kind::Map(_) => {
            let fields = Fields::open(d, &entry.value, &spec::GRANT, entry.span);
            let mut groups = Vec::new();
            for group in fields.names(d, "groups") {
                let member = d.member(group);
                if let Some(name) = d.named(group, "a group") {
                    groups.push((Named { name: name.into(), span: group.span }, member));
                }
            }
            Some(Grant { app, account: d.member_of(&fields), groups })
        }
        Kind::Scalar { .. } => Some(Grant { app, account: d.role_alone(entry), groups: Vec::new() }),
        Kind::Null | Kind::Hidden => Some(Grant { app, account: Member::default(), groups: Vec::new() }),
        Kind::List(_) => {
            d.wrong_type(&entry.value, "nothing, a role or a mapping");
            None
        }
    }
}
