//! Looking at an app: is what was asked for there?

use std::time::Duration;

use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Joiner, Writer},
    model::{Coverage, Email, FieldName, FieldValue, Find, LiveAccount, LiveGroup, LiveMember, MemberRead, Values},
};

/// Where only a sweep can tell, an account counts as missing after this many complete sweeps without it: paging by offset
/// over a list that changes can lose a row once, but hardly twice in the same way.
const SWEEPS: u32 = 2;

/// A request whose answer got lost may still be at work. Before a look decides that something is sent again, it gets this
/// long to show its effect; and sweeps stand this far apart, so that one and the same moment does not hide a row twice.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

/// A request whose answer got lost may reach the app this much later, and only then begins what takes a while to show. Nobody
/// minds waiting a second longer for what hardly ever happens; a second invitation they do.
const LINGERS: Duration = Duration::from_secs(2);

/// How long after its answer got lost something that was made may still come to show, in an app that takes `settle` to show
/// what it made.
pub(super) fn shows_after(settle: Duration) -> Duration {
    LINGERS + settle
}

/// How often an incomplete sweep is repeated before the question is given up as unanswered.
const SWEEP_TRIES: u32 = 5;

type LiveValues = std::collections::BTreeMap<FieldName, Option<FieldValue>>;

/// The account with this id.
pub(super) async fn account(writer: &dyn Writer, id: &str, lane: Lane) -> Result<Option<LiveAccount>, Error> {
    writer.account(id, lane).await
}

/// What a look for something absent decides, and so how sure it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It is made again.
    MakeAgain,
    /// Nothing more is sent.
    Report,
}

/// The account with this address, or the certainty that there is none.
pub(super) async fn for_account(
    writer: &dyn Writer,
    email: &Email,
    then: Then,
    lane: Lane,
) -> Result<Option<LiveAccount>, Error> {
    let needed = match (writer.semantics().find, then) {
        (Find::Sweep, Then::MakeAgain) => SWEEPS,
        (Find::Query, _) | (_, Then::Report) => 1,
    };
    let mut without = 0;
    let mut why = String::new();
    for round in 0..SWEEP_TRIES {
        if round > 0 {
            tokio::time::sleep(SETTLE).await;
        }
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

/// Whether a membership is this account's. An address says so only where no id does.
pub(super) fn is_member(member: &LiveMember, who: &Joiner) -> bool {
    match &who.id {
        Some(id) => member.account == *id,
        None => member.email.as_ref() == Some(&who.email),
    }
}

/// Whether an account is in a group.
pub(super) async fn membership(
    writer: &dyn Writer,
    group: &str,
    who: &Joiner,
    lane: Lane,
) -> Result<Membership, Error> {
    let (member, coverage) = match writer.semantics().members.read {
        MemberRead::Nowhere => return Ok(Membership::Unreadable),
        MemberRead::PerAccount => {
            let Some(id) = &who.id else { return Ok(Membership::None) };
            let listing = writer.memberships(id, lane).await?;
            let member = listing.rows.into_iter().find(|row| &*row.group_id == group).map(|row| row.member);
            (member, listing.coverage)
        }
        MemberRead::PerGroup => {
            let listing = match writer.member(group, who, lane).await {
                // This version of the app has no such call.
                Err(error) if error.kind == ErrorKind::Unsupported => return Ok(Membership::Unreadable),
                read => read?,
            };
            (listing.rows.into_iter().find(|member| is_member(member, who)), listing.coverage)
        }
    };
    match (member, coverage) {
        (Some(member), _) => Ok(Membership::Member(member.values)),
        (None, Coverage::Believed(_)) => Ok(Membership::Unreadable),
        (None, Coverage::Complete) => Ok(Membership::None),
        (None, Coverage::Incomplete(why)) => Err(Error {
            kind: ErrorKind::Malformed,
            app: writer.app().to_owned(),
            request: format!("looking for {} in {group}", who.email),
            status: None,
            detail: format!("whether the membership is there is not known: {why}"),
            hint: Some("the next run looks again".into()),
        }),
    }
}

/// The group with this id, or the certainty that there is none.
pub(super) async fn group(writer: &dyn Writer, id: &str, lane: Lane) -> Result<Option<LiveGroup>, Error> {
    one_group(writer, id, |group| &*group.id == id, lane).await
}

/// The group with this name, or the certainty that there is none.
pub(super) async fn group_named(
    writer: &dyn Writer,
    name: &str,
    then: Then,
    lane: Lane,
) -> Result<Option<LiveGroup>, Error> {
    let found = one_group(writer, name, |group| &*group.name == name, lane).await?;
    if found.is_some() || then == Then::Report {
        return Ok(found);
    }
    // As for accounts: one complete list may have missed it.
    tokio::time::sleep(SETTLE).await;
    one_group(writer, name, |group| &*group.name == name, lane).await
}

async fn one_group(
    writer: &dyn Writer,
    called: &str,
    is_it: impl Fn(&LiveGroup) -> bool,
    lane: Lane,
) -> Result<Option<LiveGroup>, Error> {
    let unanswered = |why: String| Error {
        kind: ErrorKind::Malformed,
        app: writer.app().to_owned(),
        request: format!("looking for the group {called}"),
        status: None,
        detail: format!("whether the group is there is not known: {why}"),
        hint: Some("nothing is sent again on a guess; the next run looks first".into()),
    };
    if !writer.semantics().groups.list {
        return Err(unanswered("the API cannot list groups".into()));
    }
    let listing = writer.groups(lane).await?;
    let mut found: Vec<LiveGroup> = listing.rows.into_iter().filter(is_it).collect();
    match (found.len(), listing.coverage) {
        (0, Coverage::Complete) => Ok(None),
        (0, Coverage::Incomplete(why)) => Err(unanswered(why)),
        (1, _) => Ok(found.pop()),
        (several, _) => Err(unanswered(format!("{several} groups are called so"))),
    }
}

/// What a row says about values that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// It has them all.
    All,
    /// Some are not shown, and the others are as written.
    Hidden,
    /// Some are different.
    Differs,
}

/// Compares an account with what was written to it, and the address that it was given.
pub(super) fn account_shown(account: &LiveAccount, values: &Values, address: Option<&Email>) -> Shown {
    if address.is_some_and(|address| account.email != *address) {
        return Shown::Differs;
    }
    shown(&account.values, values)
}

/// Compares what is seen with what was written.
pub(super) fn shown(live: &LiveValues, written: &Values) -> Shown {
    let mut shown = Shown::All;
    for (field, value) in written {
        match live.get(field) {
            None => shown = Shown::Hidden,
            Some(Some(seen)) if seen == value => {}
            // Missing and empty are the same thing.
            Some(None) if matches!(value, FieldValue::Set(set) if set.is_empty()) => {}
            Some(_) => return Shown::Differs,
        }
    }
    shown
}
