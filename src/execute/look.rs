//! Looking at an app: is what was asked for there?

use std::sync::Arc;

use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Writer},
    model::{Coverage, Email, FieldName, FieldValue, Find, LiveAccount, LiveGroup, MemberRead, Values},
};

/// Where only a sweep can tell, an account counts as missing after this many complete sweeps without it: paging by offset
/// over a list that changes can lose a row once, but hardly twice in the same way.
const SWEEPS: u32 = 2;

/// How often an incomplete sweep is repeated before the question is given up as unanswered.
const SWEEP_TRIES: u32 = 5;

type LiveValues = std::collections::BTreeMap<FieldName, Option<FieldValue>>;

/// The account with this id.
pub(super) async fn account(writer: &dyn Writer, id: &str, lane: Lane) -> Result<Option<LiveAccount>, Error> {
    writer.account(id, lane).await
}

/// The account with this address, or the certainty that there is none.
pub(super) async fn for_account(writer: &dyn Writer, email: &Email, lane: Lane) -> Result<Option<LiveAccount>, Error> {
    let needed = match writer.semantics().find {
        Find::Query => 1,
        Find::Sweep => SWEEPS,
    };
    let mut without = 0;
    let mut why = String::new();
    for _ in 0..SWEEP_TRIES {
        let found = writer.find(email, lane).await?;
        match (found.rows.len(), found.coverage) {
            (0, Coverage::Complete) => without += 1,
            (0, Coverage::Incomplete(reason)) => why = reason,
            (1, _) => return Ok(found.rows.into_iter().next()),
            (several, _) => {
                return Err(unanswered(writer, email, &format!("{several} accounts have this address")));
            }
        }
        if without == needed {
            return Ok(None);
        }
    }
    Err(unanswered(writer, email, &format!("the accounts could not be read to the end: {why}")))
}

fn unanswered(writer: &dyn Writer, email: &Email, why: &str) -> Error {
    Error {
        kind: ErrorKind::Malformed,
        app: writer.app().to_owned(),
        request: format!("looking for {email}"),
        status: None,
        detail: format!("whether the account was made is not known: {why}"),
        hint: Some("nothing is sent again on a guess; the next run looks first".into()),
    }
}

/// What is known of one membership.
pub(super) enum Membership {
    /// The API shows no memberships.
    Unreadable,
    /// There is none.
    None,
    /// There is one, with these fields.
    Member(LiveValues),
}

/// Whether an account is in a group.
pub(super) async fn membership(
    writer: &dyn Writer,
    group: &str,
    account: &Arc<str>,
    lane: Lane,
) -> Result<Membership, Error> {
    let (member, coverage) = match writer.semantics().members.read {
        MemberRead::Nowhere => return Ok(Membership::Unreadable),
        MemberRead::PerAccount => {
            let listing = writer.memberships(account, lane).await?;
            let member = listing.rows.into_iter().find(|row| &*row.group_id == group).map(|row| row.member);
            (member, listing.coverage)
        }
        MemberRead::PerGroup => {
            let listing = writer.members(group, lane).await?;
            (listing.rows.into_iter().find(|member| member.account == *account), listing.coverage)
        }
    };
    match (member, coverage) {
        (Some(member), _) => Ok(Membership::Member(member.values)),
        (None, Coverage::Complete) => Ok(Membership::None),
        (None, Coverage::Incomplete(why)) => Err(Error {
            kind: ErrorKind::Malformed,
            app: writer.app().to_owned(),
            request: format!("looking for {account} in {group}"),
            status: None,
            detail: format!("whether the membership is there is not known: {why}"),
            hint: Some("the next run looks again".into()),
        }),
    }
}

/// The group with this id.
pub(super) async fn group(writer: &dyn Writer, id: &str, lane: Lane) -> Result<Option<LiveGroup>, Error> {
    Ok(writer.groups(lane).await?.rows.into_iter().find(|group| &*group.id == id))
}

/// The group with this name.
pub(super) async fn group_named(writer: &dyn Writer, name: &str, lane: Lane) -> Result<Option<LiveGroup>, Error> {
    Ok(writer.groups(lane).await?.rows.into_iter().find(|group| &*group.name == name))
}

/// Whether every value that was written is seen. A field that was not shown says nothing against it.
pub(super) fn has_values(live: &LiveValues, written: &Values) -> bool {
    written.iter().all(|(field, value)| match live.get(field) {
        None => true,
        Some(seen) => seen.as_ref() == Some(value),
    })
}
