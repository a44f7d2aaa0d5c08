//! Looking at an app for what a write was to bring about, with as many requests as it takes to be sure.

use std::time::Duration;

use super::effect::{AccountAim, Aim, Effect, GroupAim, LiveValues, MemberAim, Seen};
use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Joiner, Writer},
    model::{Coverage, Email, Find, LiveAccount, LiveGroup, LiveMember, MemberRead},
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
pub fn shows_after(settle: Duration) -> Duration {
    LINGERS + settle
}

/// How often an incomplete sweep is repeated before the question is given up as unanswered.
const SWEEP_TRIES: u32 = 5;

/// What a look for something absent decides, and so how sure it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It is made again.
    MakeAgain,
    /// Nothing more is sent.
    Report,
}

/// Whether a write took effect, as the app shows it now.
///
/// # Errors
/// When the app does not answer, or when what it answers leaves the question open.
pub(super) async fn look(writer: &dyn Writer, aim: &Aim<'_>, then: Then, lane: Lane) -> Result<Effect, Error> {
    Ok(match aim {
        Aim::Account(aim @ AccountAim::Made { email, answered, .. }) => {
            let by_id = match answered {
                Some(id) => writer.account(id, lane).await?,
                None => None,
            };
            let found = match by_id {
                Some(account) if account.email == **email => Some(account),
                // The app made it, and calls it otherwise, unless there is one that has the address.
                Some(account) => for_account(writer, email, then, lane).await.unwrap_or_default().or(Some(account)),
                None => for_account(writer, email, then, lane).await?,
            };
            aim.judge(Seen::asked(found.as_ref()))
        }
        Aim::Account(
            aim @ (AccountAim::Set { id, .. }
            | AccountAim::Active { id }
            | AccountAim::Inactive { id }
            | AccountAim::Deleted { id }),
        ) => aim.judge(Seen::asked(writer.account(id, lane).await?.as_ref())),
        Aim::Member(aim) => aim.judge(membership(writer, aim, lane).await?.as_ref()),
        Aim::Group(aim) => aim.judge(group(writer, aim, then, lane).await?.as_ref()),
    })
}

/// The account with this address, or the certainty that there is none.
async fn for_account(writer: &dyn Writer, email: &Email, then: Then, lane: Lane) -> Result<Option<LiveAccount>, Error> {
    let find = writer.semantics().find;
    let needed = match (find, then) {
        (Find::Sweep, Then::MakeAgain) => SWEEPS,
        (Find::Query { .. }, _) | (_, Then::Report) => 1,
    };
    // What a query does not find may be there all the same; a list that lacks it too says that it is not.
    let and_list = then == Then::MakeAgain && find.asks() && !find.excludes();
    let unanswered = |why: &str| unanswered(writer, email.as_str(), "the account was made", why);
    let mut without = 0;
    let mut why = String::new();
    for round in 0..SWEEP_TRIES {
        if round > 0 {
            tokio::time::sleep(SETTLE).await;
        }
        let mut found = writer.find(email, lane).await?;
        if and_list && found.rows.is_empty() {
            found = writer.accounts(lane).await?;
            found.rows.retain(|account| account.email == *email);
        }
        match (found.rows.len(), found.coverage) {
            (0, Coverage::Complete) => without += 1,
            (0, Coverage::Incomplete(reason)) => why = reason,
            (1, _) => return Ok(found.rows.into_iter().next()),
            (several, _) => {
                return Err(unanswered(&format!("{several} accounts have this address")));
            }
        }
        if without == needed {
            return Ok(None);
        }
    }
    Err(unanswered(&format!("the accounts could not be read to the end: {why}")))
}

/// The error of a look that leaves the question open.
fn unanswered(writer: &dyn Writer, sought: &str, question: &str, why: &str) -> Error {
    Error {
        kind: ErrorKind::Malformed,
        app: writer.app().to_owned(),
        request: format!("looking for {sought}"),
        status: None,
        detail: format!("whether {question} is not known: {why}"),
        hint: Some("nothing is sent again on a guess; the next run looks first".into()),
    }
}

/// Whether a membership is this account's. An address says so only where no id does.
pub(super) fn is_member(member: &LiveMember, who: &Joiner) -> bool {
    match &who.id {
        Some(id) => member.account == *id,
        None => member.email.as_ref() == Some(&who.email),
    }
}

async fn membership(writer: &dyn Writer, aim: &MemberAim<'_>, lane: Lane) -> Result<Seen<LiveValues>, Error> {
    let MemberAim { group, who, .. } = aim;
    let (member, coverage) = match writer.semantics().members.read {
        MemberRead::Nowhere => return Ok(Seen::Hidden),
        MemberRead::PerAccount => {
            let Some(id) = &who.id else { return Ok(Seen::NotThere) };
            let listing = writer.memberships(id, lane).await?;
            let member = listing.rows.into_iter().find(|row| *row.group_id == **group).map(|row| row.member);
            (member, listing.coverage)
        }
        MemberRead::PerGroup => {
            let listing = match writer.member(group, who, lane).await {
                // This version of the app has no such call.
                Err(error) if error.kind == ErrorKind::Unsupported => return Ok(Seen::Hidden),
                read => read?,
            };
            (listing.rows.into_iter().find(|member| is_member(member, who)), listing.coverage)
        }
    };
    match (member, coverage) {
        (None, Coverage::Believed(_)) => Ok(Seen::Hidden),
        (None, Coverage::Incomplete(why)) => {
            let sought = format!("{} in {group}", who.email);
            let error = unanswered(writer, &sought, "the membership is there", &why);
            Err(Error { hint: Some("the next run looks again".into()), ..error })
        }
        (member, _) => Ok(Seen::asked(member.map(|member| member.values))),
    }
}

async fn group(writer: &dyn Writer, aim: &GroupAim<'_>, then: Then, lane: Lane) -> Result<Seen<LiveGroup>, Error> {
    let found = one_group(writer, aim, lane).await?;
    if found.is_some() || then == Then::Report || !matches!(aim, GroupAim::Made { .. }) {
        return Ok(Seen::asked(found));
    }
    // As for accounts: one complete list may have missed it.
    tokio::time::sleep(SETTLE).await;
    Ok(Seen::asked(one_group(writer, aim, lane).await?))
}

async fn one_group(writer: &dyn Writer, aim: &GroupAim<'_>, lane: Lane) -> Result<Option<LiveGroup>, Error> {
    let (GroupAim::Made { name: called, .. } | GroupAim::Set { id: called, .. } | GroupAim::Deleted { id: called }) =
        aim;
    let unanswered = |why: &str| unanswered(writer, &format!("the group {called}"), "the group is there", why);
    if !writer.semantics().groups.list {
        return Err(unanswered("the API cannot list groups"));
    }
    let listing = writer.groups(lane).await?;
    let mut rows = listing.rows;
    if let GroupAim::Made { answered: Some(id), .. } = aim
        && let Some(at) = rows.iter().position(|group| *group.id == **id)
    {
        return Ok(Some(rows.swap_remove(at)));
    }
    let mut found: Vec<LiveGroup> = rows.into_iter().filter(|group| aim.is_about(group)).collect();
    match (found.len(), listing.coverage) {
        (0, Coverage::Complete) => Ok(None),
        (0, Coverage::Incomplete(why)) => Err(unanswered(&why)),
        (1, _) => Ok(found.pop()),
        (several, _) => Err(unanswered(&format!("{several} groups are called so"))),
    }
}
