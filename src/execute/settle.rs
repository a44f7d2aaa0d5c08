//! What became of writes that an earlier process was about to send. Nobody heard the answer, so the app is looked at: what
//! is there was done and is adopted, what surely is not there may be sent again, and everything else waits. Nothing is
//! repeated blindly.

use std::{sync::Arc, time::Duration};

use super::read_back::{self, Membership, SETTLE, Shown, Then};
use crate::{
    budget::Lane,
    connectors::{Error, Joiner, Write, Writer},
    model::{AccountStatus, Coverage, Email, Find, LiveAccount, LiveApp, LiveGroup},
};

/// How many complete readings without it prove that what a sweep alone can show was not created_ids: paging over a list that
/// changes loses a row once, but hardly twice.
pub const ABSENCES: u32 = 2;

/// No reading that decides what became of a write begins sooner after it was sent.
pub const SHOWS_AFTER: Duration = SETTLE;

/// A reading that begins so long after a write was sent shows its effect, in an app that takes `settle` to show what it made.
pub fn shows_after(settle: Duration) -> Duration {
    read_back::shows_after(settle)
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It took effect.
    Done {
        /// How that was seen.
        note: String,
        /// The id of the account that it made.
        account: Option<Arc<str>>,
        /// The id of the group that it made.
        group: Option<Arc<str>>,
    },
    /// It did not; why that is certain.
    NotDone(String),
    /// Nobody can tell, and it does not matter: planning anew does what is left to do, and doing that twice is harmless.
    Unknown(String),
    /// This reading, which was complete, does not show what the write makes.
    Absent,
    /// What the write makes was not seen, but not everything was.
    Unclear(String),
}

impl Became {
    fn done(note: impl Into<String>) -> Self {
        Self::Done { note: note.into(), account: None, group: None }
    }
}

/// Whether repeating a write could make a second thing, such as a second invitation.
pub fn makes_something(write: &Write, joining_makes_accounts: bool) -> bool {
    match write {
        Write::CreateAccount { .. } | Write::CreateGroup { .. } => true,
        Write::AddMember { .. } => joining_makes_accounts,
        _ => false,
    }
}

/// What a reading that began after `write` was sent says about it.
pub fn seen_in(live: &LiveApp, write: &Write, joining_makes_accounts: bool) -> Became {
    let account = |id: &str| live.accounts.iter().find(|account| &*account.id == id);
    let gone = || match &live.accounts_coverage {
        Coverage::Complete => None,
        Coverage::Incomplete(why) | Coverage::Believed(why) => Some(why.clone()),
    };
    match write {
        Write::CreateAccount { email, .. } => created(live, email),
        Write::CreateGroup { name, .. } => match live.groups.iter().find(|group| group.name == *name) {
            Some(group) => {
                Became::Done { note: format!("found as {}", group.id), account: None, group: Some(group.id.clone()) }
            }
            None => absent(&live.groups_coverage),
        },
        Write::UpdateAccount { id, values, email } => match (account(id), gone()) {
            (Some(account), _) => of_values(read_back::account_shown(account, values, email.as_ref())),
            (None, None) => Became::NotDone("the account is gone".into()),
            (None, Some(why)) => Became::Unknown(why),
        },
        Write::Deactivate { id } | Write::DeleteAccount { id } => match (account(id), gone()) {
            (Some(LiveAccount { status: AccountStatus::Inactive, .. }), _)
                if matches!(write, Write::Deactivate { .. }) =>
            {
                Became::done("the account is inactive")
            }
            (Some(account), _) => Became::NotDone(format!("the account is {}", account.status)),
            (None, None) => Became::done("the account is gone"),
            (None, Some(why)) => Became::Unknown(why),
        },
        Write::Reactivate { id } => match (account(id), gone()) {
            (Some(account), _) if account.status == AccountStatus::Active => Became::done("the account is active"),
            (Some(account), _) => Became::NotDone(format!("the account is {}", account.status)),
            (None, None) => Became::NotDone("the account is gone".into()),
            (None, Some(why)) => Became::Unknown(why),
        },
        Write::AddMember { group, who, .. } => match in_group(live, group, who) {
            Inside::Yes(_) => Became::done("the membership is there"),
            Inside::No if joining_makes_accounts => Became::Absent,
            Inside::No => Became::NotDone("the membership is not there".into()),
            Inside::Unclear(why) if joining_makes_accounts => Became::Unclear(why),
            Inside::Unclear(why) => Became::Unknown(why),
        },
        Write::ChangeMember { group, account, values } => {
            match in_group(live, group, &Joiner::known(account.clone(), Email::lenient(""))) {
                Inside::Yes(member) => of_values(member.map_or(Shown::Hidden, |seen| read_back::shown(seen, values))),
                Inside::No => Became::NotDone("the membership is gone".into()),
                Inside::Unclear(why) => Became::Unknown(why),
            }
        }
        Write::RemoveMember { group, account } => {
            match in_group(live, group, &Joiner::known(account.clone(), Email::lenient(""))) {
                Inside::Yes(_) => Became::NotDone("the membership is still there".into()),
                Inside::No => Became::done("the membership is gone"),
                Inside::Unclear(why) => Became::Unknown(why),
            }
        }
        Write::UpdateGroup { id, values } => match group_of(live, id) {
            Some(group) => of_values(read_back::shown(&group.values, values)),
            None => Became::Unknown("the group was not seen".into()),
        },
        Write::DeleteGroup { id } => match (group_of(live, id), &live.groups_coverage) {
            (Some(_), _) => Became::NotDone("the group is still there".into()),
            (None, Coverage::Complete) => Became::done("the group is gone"),
            (None, Coverage::Incomplete(why) | Coverage::Believed(why)) => Became::Unknown(why.clone()),
        },
    }
}

/// Looks once more for what a complete reading did not show. With a query that is enough; a sweep counts as one more
/// absence, and `swept` is shared by all who need one.
///
/// # Errors
/// When the look fails; nothing is known then.
pub async fn look_again(writer: &dyn Writer, write: &Write, swept: &mut Swept, lane: Lane) -> Result<Again, Error> {
    match write {
        Write::CreateAccount { email, .. } if writer.semantics().find == Find::Query => {
            let found = read_back::for_account(writer, email, Then::MakeAgain, lane).await?;
            Ok(found.map_or(Again::Certain, |account| Again::Found(of_account(&account))))
        }
        Write::CreateAccount { email, .. } => {
            let live = swept.accounts(writer, lane).await?;
            let found = live.0.iter().find(|account| account.email == *email);
            Ok(match (found, live.1.is_complete()) {
                (Some(account), _) => Again::Found(of_account(account)),
                (None, true) => Again::AbsentAgain,
                (None, false) => Again::Unclear,
            })
        }
        Write::CreateGroup { name, .. } => Ok(match read_back::group_named(writer, name, Then::Report, lane).await? {
            Some(group) => Again::Found(Became::Done {
                note: format!("found as {}", group.id),
                account: None,
                group: Some(group.id),
            }),
            None => Again::AbsentAgain,
        }),
        Write::AddMember { group, who, .. } => Ok(match read_back::membership(writer, group, who, lane).await? {
            Membership::Member(_) => Again::Found(Became::done("the membership is there")),
            Membership::None => Again::AbsentAgain,
            Membership::Unreadable => Again::Unclear,
        }),
        // Nothing else is ever absent in a way that a second look could tell.
        _ => Ok(Again::Unclear),
    }
}

/// What a second look said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// It is there after all.
    Found(Became),
    /// The app was asked for it by name and has none.
    Certain,
    /// One more complete reading without it.
    AbsentAgain,
    /// Nothing can be said.
    Unclear,
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

fn created(live: &LiveApp, email: &Email) -> Became {
    match live.accounts.iter().find(|account| account.email == *email) {
        Some(account) => of_account(account),
        None if live.absent.contains(email) => Became::NotDone("the app was asked for the account and has none".into()),
        None => absent(&live.accounts_coverage),
    }
}

fn of_account(account: &LiveAccount) -> Became {
    match &account.status {
        AccountStatus::Active | AccountStatus::Pending => {
            let invited = if account.status == AccountStatus::Pending { "; invitation sent" } else { "" };
            let note = format!("found as {}{invited}", account.id);
            Became::Done { note, account: Some(account.id.clone()), group: None }
        }
        other => Became::NotDone(format!("there is an account {}, which is {other}", account.id)),
    }
}

fn absent(coverage: &Coverage) -> Became {
    match coverage {
        Coverage::Complete => Became::Absent,
        Coverage::Incomplete(why) | Coverage::Believed(why) => Became::Unclear(why.clone()),
    }
}

fn of_values(shown: Shown) -> Became {
    match shown {
        Shown::All => Became::done("it is so"),
        Shown::Differs => Became::NotDone("it is not so".into()),
        Shown::Hidden => Became::Unknown("the app does not show it".into()),
    }
}

fn group_of<'a>(live: &'a LiveApp, id: &str) -> Option<&'a LiveGroup> {
    live.groups.iter().find(|group| &*group.id == id)
}

type Values = std::collections::BTreeMap<crate::model::FieldName, Option<crate::model::FieldValue>>;

enum Inside<'a> {
    Yes(Option<&'a Values>),
    No,
    Unclear(String),
}

fn in_group<'a>(live: &'a LiveApp, group: &str, who: &Joiner) -> Inside<'a> {
    let Some(group) = group_of(live, group) else {
        return match &live.groups_coverage {
            Coverage::Complete => Inside::No,
            Coverage::Incomplete(why) | Coverage::Believed(why) => Inside::Unclear(why.clone()),
        };
    };
    if let Some(member) = group.members.iter().find(|member| read_back::is_member(member, who)) {
        return Inside::Yes(Some(&member.values));
    }
    // Who had no account when the request left may have got one by it.
    let by_address = |member: &&crate::model::LiveMember| member.email.as_ref() == Some(&who.email);
    if !who.email.key().is_empty()
        && let Some(member) = group.members.iter().find(by_address)
    {
        return Inside::Yes(Some(&member.values));
    }
    let unread = |id: &Arc<str>| live.unread_memberships.contains(id) || live.extent.remembered.contains_key(id);
    if let Some(id) = who.id.as_ref().filter(|id| unread(id)) {
        return Inside::Unclear(format!("the groups of {id} are not known"));
    }
    match &group.coverage {
        Coverage::Complete => Inside::No,
        Coverage::Incomplete(why) | Coverage::Believed(why) => Inside::Unclear(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Values as Written;

    fn account(id: &str, email: &str, status: AccountStatus) -> LiveAccount {
        LiveAccount {
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
            Became::Done { note, account, .. } => {
                format!("done: {note}{}", account.map_or(String::new(), |id| format!(" [{id}]")))
            }
            Became::NotDone(why) => format!("not done: {why}"),
            Became::Unknown(why) => format!("unknown: {why}"),
            Became::Absent => "absent".into(),
            Became::Unclear(why) => format!("unclear: {why}"),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_there_was_made() {
        check(&live(true), &create("Ann@x.io"), "done: found as 1; invitation sent [1]");
        check(&live(false), &create("ann@x.io"), "done: found as 1; invitation sent [1]");
        check(&live(true), &create("bob@x.io"), "not done: there is an account 2, which is inactive");
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
        check(&live(true), &Write::Deactivate { id: "1".into() }, "not done: the account is pending");
        check(&live(true), &Write::Deactivate { id: "9".into() }, "done: the account is gone");
        check(&live(false), &Write::Deactivate { id: "9".into() }, "unknown: page 2 failed");
        check(&live(true), &Write::DeleteAccount { id: "2".into() }, "not done: the account is inactive");
    }
}
