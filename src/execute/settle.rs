//! What became of writes that an earlier process was about to send. It died before it heard the answer, so we look at the app:
//! what is there took effect and is adopted, what surely is not there may be sent again, and everything else waits. Nothing
//! is repeated blindly.

use std::{sync::Arc, time::Duration};

pub use super::read_back::shows_after;
use super::{
    effect::{AccountAim, Aim, Effect, GroupAim, LiveValues, MemberAim, MemberIs, Seen},
    read_back::{self, SETTLE, Then},
};
use crate::{
    budget::Lane,
    connectors::{Error, Write, Writer},
    model::{Coverage, Find, LiveAccount, LiveApp, LiveGroup, LiveMember},
    store::Ending,
};

/// How many complete readings without it prove that what a sweep alone can show was not made: paging over a list that
/// changes loses a row once, but hardly twice.
pub const ABSENCES: u32 = 2;

/// No reading that decides what became of a write begins sooner after it was sent.
pub const SHOWS_AFTER: Duration = SETTLE;

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It is known, or it does not matter: planning anew does what is left to do, and doing that twice is harmless.
    Ended(Found),
    /// This reading, which was complete, does not show what the write makes.
    Absent,
    /// What the write makes was not seen, but not everything was; why.
    Unclear(String),
}

/// How a write ended, as far as that was found out by looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How.
    pub ending: Ending,
    /// How that was seen, or why it is certain.
    pub message: String,
    /// The id of the account that it made.
    pub account: Option<Arc<str>>,
    /// The id of the group that it made.
    pub group: Option<Arc<str>>,
}

impl Found {
    /// Nothing was made.
    pub fn nothing(ending: Ending, message: impl Into<String>) -> Self {
        Self { ending, message: message.into(), account: None, group: None }
    }

    /// The app surely does not have what the write makes.
    pub fn not_there() -> Self {
        Self::nothing(Ending::Failed, "it did not take effect: the app does not have it")
    }
}

/// What a reading that began after `write` was sent says about it.
pub fn seen_in(live: &LiveApp, write: &Write, joining_makes_accounts: bool) -> Became {
    let aim = Aim::of(write);
    let effect = match &aim {
        Aim::Account(aim) => aim.judge(account_in(live, aim)),
        Aim::Member(aim) => aim.judge(member_in(live, aim)),
        Aim::Group(aim) => aim.judge(group_in(live, aim)),
    };
    became(effect, &aim, joining_makes_accounts)
}

/// What a verdict means after a crash. Whatever makes nothing need not be found: planning anew repeats it without harm.
fn became(effect: Effect, aim: &Aim<'_>, joining_makes_accounts: bool) -> Became {
    let makes = aim.makes_something(joining_makes_accounts);
    let not_done = |why| Found::nothing(Ending::Failed, format!("it did not take effect: {why}"));
    Became::Ended(match effect {
        Effect::NotListed if makes => return Became::Absent,
        Effect::NotListed => not_done("the membership is not there".into()),
        Effect::Unclear(why) if makes => return Became::Unclear(why),
        Effect::Unclear(why) => Found::nothing(Ending::Unknown, why),
        Effect::Hidden => Found::nothing(Ending::Unknown, "the app does not show it"),
        Effect::NotDone(why) | Effect::Stale { why, .. } => not_done(why),
        Effect::Done(done) | Effect::Differs(done) => {
            let (account, group) = match aim {
                Aim::Group(_) => (None, done.made),
                Aim::Account(_) | Aim::Member(_) => (done.made, None),
            };
            Found { ending: Ending::Done, message: done.how, account, group }
        }
    })
}

/// Looks once more for what a complete reading did not show. With a query that is enough; a sweep counts as one more
/// absence, and `swept` is shared by all who need one.
///
/// # Errors
/// When the look fails; nothing is known then.
pub async fn look_again(writer: &dyn Writer, write: &Write, swept: &mut Swept, lane: Lane) -> Result<Became, Error> {
    let aim = Aim::of(write);
    let effect = match &aim {
        Aim::Account(made @ AccountAim::Made { .. }) if writer.semantics().find == Find::Sweep => {
            let (accounts, coverage) = swept.accounts(writer, lane).await?;
            made.judge(Seen::listed(accounts.iter().find(|account| made.is_about(account)), coverage))
        }
        Aim::Account(AccountAim::Made { .. }) => read_back::look(writer, &aim, Then::MakeAgain, lane).await?,
        Aim::Group(GroupAim::Made { .. }) | Aim::Member(MemberAim { is: MemberIs::In(_), .. }) => {
            read_back::look(writer, &aim, Then::Report, lane).await?
        }
        // Nothing else is ever absent in a way that a second look could tell.
        _ => Effect::Hidden,
    };
    Ok(match effect {
        Effect::NotListed => Became::Absent,
        // The app was asked for it by name and has none.
        Effect::NotDone(_) => Became::Ended(Found::not_there()),
        Effect::Unclear(why) => Became::Unclear(why),
        Effect::Hidden => Became::Unclear("the app does not show it".into()),
        there => became(there, &aim, writer.semantics().members.creates_account),
    })
}

/// A second sweep, made once for all who need it.
#[derive(Debug, Default)]
pub struct Swept(Option<(Vec<LiveAccount>, Coverage)>);

impl Swept {
    async fn accounts(&mut self, writer: &dyn Writer, lane: Lane) -> Result<&(Vec<LiveAccount>, Coverage), Error> {
        if self.0.is_none() {
            // One and the same moment must not hide a row twice.
            tokio::time::sleep(SETTLE).await;
            let listing = writer.accounts(lane).await?;
            self.0 = Some((listing.rows, listing.coverage));
        }
        // It was filled a moment ago.
        Ok(self.0.get_or_insert_with(|| (Vec::new(), Coverage::Complete)))
    }
}

fn account_in<'a>(live: &'a LiveApp, aim: &AccountAim<'_>) -> Seen<&'a LiveAccount> {
    match (live.accounts.iter().find(|account| aim.is_about(account)), aim) {
        (None, AccountAim::Made { email, .. }) if live.absent.contains(*email) => Seen::NotThere,
        (found, _) => Seen::listed(found, &live.accounts_coverage),
    }
}

fn group_in<'a>(live: &'a LiveApp, aim: &GroupAim<'_>) -> Seen<&'a LiveGroup> {
    match (live.groups.iter().find(|group| aim.is_about(group)), aim) {
        (None, GroupAim::Set { .. }) => Seen::Unseen("the group was not seen".into()),
        (found, _) => Seen::listed(found, &live.groups_coverage),
    }
}

fn member_in<'a>(live: &'a LiveApp, aim: &MemberAim<'_>) -> Seen<&'a LiveValues> {
    let who = &aim.who;
    let Some(group) = live.groups.iter().find(|group| *group.id == *aim.group) else {
        return Seen::listed(None, &live.groups_coverage);
    };
    // Who had no account when the request left may have got one by it.
    let by_address = |member: &&LiveMember| !who.email.key().is_empty() && member.email.as_ref() == Some(&who.email);
    let by_id = group.members.iter().find(|member| read_back::is_member(member, who));
    let found = by_id.or_else(|| group.members.iter().find(by_address)).map(|member| &member.values);
    let unread = |id: &Arc<str>| live.unread_memberships.contains(id) || live.extent.remembered.contains_key(id);
    match (found, who.id.as_ref().filter(|id| unread(id))) {
        (None, Some(id)) => Seen::Unseen(format!("the groups of {id} are not known")),
        (found, _) => Seen::listed(found, &group.coverage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountStatus, Email, Values as Written};

    fn account(id: &str, email: &str, status: AccountStatus) -> LiveAccount {
        LiveAccount {
            other_addresses: Default::default(),
            id: id.into(),
            email: Email::lenient(email),
            status,
            values: Default::default(),
            created_at: None,
        }
    }

    fn live(complete: bool) -> LiveApp {
        let coverage = if complete { Coverage::Complete } else { Coverage::Incomplete("page 2 failed".into()) };
        LiveApp {
            accounts: vec![
                account("1", "ann@x.io", AccountStatus::Pending),
                account("2", "bob@x.io", AccountStatus::Inactive),
            ],
            accounts_coverage: coverage.clone(),
            groups_coverage: coverage,
            ..LiveApp::empty(jiff::Timestamp::UNIX_EPOCH)
        }
    }

    fn create(email: &str) -> Write {
        Write::CreateAccount { email: Email::lenient(email), values: Written::new() }
    }

    fn check(live: &LiveApp, write: &Write, expected: &str) {
        let text = match seen_in(live, write, false) {
            Became::Ended(Found { ending, message, account, .. }) => {
                format!("{}: {message}{}", ending.as_str(), account.map_or(String::new(), |id| format!(" [{id}]")))
            }
            Became::Absent => "absent".into(),
            Became::Unclear(why) => format!("unclear: {why}"),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_there_was_made() {
        check(&live(true), &create("Ann@x.io"), "done: found as 1; invitation sent [1]");
        check(&live(false), &create("ann@x.io"), "done: found as 1; invitation sent [1]");
        check(
            &live(true),
            &create("bob@x.io"),
            "failed: it did not take effect: there is an account 2, which is inactive",
        );
    }

    #[test]
    fn what_is_not_there_may_only_not_have_been_seen() {
        check(&live(true), &create("cyd@x.io"), "absent");
        check(&live(false), &create("cyd@x.io"), "unclear: page 2 failed");
        let group = Write::CreateGroup { name: "G".into(), values: Written::new() };
        check(&live(true), &group, "absent");
        check(&live(false), &group, "unclear: page 2 failed");
    }

    #[test]
    fn a_removal_is_done_when_nothing_is_left_of_it() {
        check(&live(true), &Write::Deactivate { id: "2".into() }, "done: the account is inactive");
        check(
            &live(true),
            &Write::Deactivate { id: "1".into() },
            "failed: it did not take effect: the account is pending",
        );
        check(&live(true), &Write::Deactivate { id: "9".into() }, "done: the account is gone");
        check(&live(false), &Write::Deactivate { id: "9".into() }, "unknown: page 2 failed");
        check(
            &live(true),
            &Write::DeleteAccount { id: "2".into() },
            "failed: it did not take effect: the account is inactive",
        );
    }
}
