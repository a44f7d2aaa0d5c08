//! What a list lacks: whoever a look by id shows, or a query finds, is there, whatever the list says; and the list that lacks
//! them may lack others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt, stream};

use super::{
    AT_ONCE, Observation,
    accounts::{self, NOT_THERE},
    memberships,
};
use crate::{
    connectors::{Error, Lane, Listing, Reader, STATUS_NOT_SHOWN},
    model::{AccountRef, AccountStatus, AppPlan, Coverage, DesiredApp, Email, LiveAccount, LiveApp, Status, Step},
};

/// Remembered accounts that are looked at by id where a list lacks them. So many that are gone, with nobody who is not, say
/// that a complete list is right about the rest.
const LOOKS: usize = 100;

/// Joining a group gives an account by its address, so that nobody gets a second one, and one request invites hundreds. A
/// question for each of them would cost a hundred times as much. A list that lacks people lacks some of so many.
const JOINERS: usize = 50;

/// The accounts of a list, and how much of all it is.
pub(super) struct Listed {
    pub(super) accounts: Vec<LiveAccount>,
    pub(super) coverage: Coverage,
}

impl Listed {
    pub(super) fn of(Listing { mut rows, coverage }: Listing<LiveAccount>) -> Self {
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows.dedup_by(|a, b| a.id == b.id);
        Self { accounts: rows, coverage }
    }

    /// Adds an account that the list lacks. One that can be used makes the list incomplete; those that cannot be used many
    /// lists leave out.
    fn add(&mut self, account: LiveAccount, shown_by: &str) {
        let Err(at) = self.accounts.binary_search_by(|other| other.id.cmp(&account.id)) else { return };
        if is_usable(&account) {
            let why = format!("the list lacks account {}, which {shown_by}", account.id);
            let coverage = std::mem::take(&mut self.coverage);
            self.coverage = coverage.and(Coverage::Incomplete(why));
        }
        self.accounts.insert(at, account);
    }

    /// Looks by id at accounts that are remembered, the most important first, and that the list lacks. A look that fails says
    /// nothing.
    pub(super) async fn look_by_id(&mut self, reader: &dyn Reader, remembered: &[Arc<str>]) {
        let lacks = |id: &&Arc<str>| self.accounts.binary_search_by(|account| account.id.cmp(id)).is_err();
        let ids: Vec<Arc<str>> = remembered.iter().filter(lacks).take(LOOKS).cloned().collect();
        let looks = ids.into_iter().map(|id| async move { reader.account(&id, Lane::Read).await });
        let looks: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        for account in looks.into_iter().filter_map(|look| look.ok().flatten()) {
            self.add(account, "is there when it is asked for by its id");
        }
    }

    /// Where the list broke off and a query can prove that somebody is not there, asks for each granted account that was not
    /// seen, by every address of the person. Returns the addresses that have none: they can be made all the same.
    pub(super) async fn look_for_granted(
        &mut self,
        reader: &dyn Reader,
        app: &DesiredApp,
        aliases: &BTreeMap<Email, Email>,
    ) -> BTreeSet<Email> {
        if self.coverage.is_complete() || !reader.semantics().find.excludes() || !reader.asks() {
            return BTreeSet::new();
        }
        let identity = |account: &'_ LiveAccount| aliases.get(&account.email).unwrap_or(&account.email).clone();
        let seen: BTreeSet<Email> = self.accounts.iter().map(identity).collect();
        let members = app.groups.values().flat_map(|group| group.members.keys());
        let people = app.accounts.keys().chain(members).filter(|email| !seen.contains(email));
        let wanted: Vec<Email> = with_aliases(people.cloned().collect(), aliases);
        let mut absent = BTreeSet::new();
        for (email, found) in ask(reader, wanted, Lane::Read).await {
            let Ok(Listing { rows, coverage }) = found else { continue };
            if rows.is_empty() && coverage.is_complete() {
                absent.insert(email);
            }
            rows.into_iter().for_each(|account| self.add(account, "a query finds"));
        }
        absent
    }
}

fn is_usable(account: &LiveAccount) -> bool {
    match &account.status {
        AccountStatus::Active | AccountStatus::Pending => true,
        AccountStatus::Inactive => false,
        // A word that nobody knows may well mean that the account was deleted.
        AccountStatus::Unknown(word) => &**word == STATUS_NOT_SHOWN,
    }
}

/// These people's addresses, aliases too.
fn with_aliases(people: BTreeSet<Email>, aliases: &BTreeMap<Email, Email>) -> Vec<Email> {
    let others = aliases.iter().filter(|(_, person)| people.contains(person)).map(|(alias, _)| alias);
    people.iter().chain(others).collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// Asks for each address, and returns them in their order.
async fn ask(reader: &dyn Reader, emails: Vec<Email>, lane: Lane) -> Vec<(Email, Result<Listing<LiveAccount>, Error>)> {
    let asks = emails.into_iter().map(|email| async move {
        let found = reader.find(&email, lane).await;
        (email, found)
    });
    stream::iter(asks).buffered(AT_ONCE).collect().await
}

/// Whom a plan is about to make, and of those who get an account by joining a group the first [`JOINERS`].
fn made(plan: &AppPlan) -> BTreeSet<Email> {
    let steps = || plan.actions.iter().filter(|action| action.status == Status::Ready).map(|action| &action.step);
    let created = steps().filter_map(|step| match step {
        Step::CreateAccount { email, .. } => Some(email),
        _ => None,
    });
    let joining = steps().filter_map(|step| match step {
        Step::AddMember { account: AccountRef::Created(email), joining: Some(_), .. } => Some(email),
        _ => None,
    });
    created.chain(joining.collect::<BTreeSet<_>>().into_iter().take(JOINERS)).cloned().collect()
}

impl Observation {
    /// Where there is a query, asks for whoever the plan is about to make: a list can lack rows and look whole. Whom a query
    /// finds is there; of whom it fails, nobody knows.
    pub(super) async fn ask_before_creating(
        &mut self,
        reader: &dyn Reader,
        app: &DesiredApp,
        aliases: &BTreeMap<Email, Email>,
        plan: &(dyn Fn(&LiveApp) -> AppPlan + Sync),
    ) {
        if !reader.asks() {
            return;
        }
        let people = made(&plan(&self.live));
        // What was asked already for want of a complete list needs no second question.
        let open = |email: &Email| !self.live.absent.contains(email);
        let wanted: Vec<Email> = with_aliases(people, aliases).into_iter().filter(open).collect();
        let requests = reader.requests();
        // Somebody waits for the account.
        let asked = ask(reader, wanted, Lane::Write { unblocks: 1 }).await;
        let live = &mut self.live;
        let mut listed = Listed {
            accounts: std::mem::take(&mut live.accounts),
            coverage: std::mem::take(&mut live.accounts_coverage),
        };
        let mut new = Vec::new();
        for (email, found) in asked {
            match found {
                Ok(Listing { rows, .. }) => {
                    new.extend(rows.iter().map(|account| account.id.clone()));
                    rows.into_iter().for_each(|account| listed.add(account, "a query finds"));
                }
                Err(error) => drop(live.unanswered.insert(email, error.to_string())),
            }
        }
        (live.accounts, live.accounts_coverage) = (listed.accounts, listed.coverage);
        for id in new {
            self.complete_found(reader, app, &id).await;
        }
        self.live.requests += reader.requests() - requests;
    }

    /// Reads on its own an account that a query found, where its row does not hold all that is needed. Its memberships nobody
    /// has read, where they take a request for each account.
    async fn complete_found(&mut self, reader: &dyn Reader, app: &DesiredApp, id: &Arc<str>) {
        let live = &mut self.live;
        let semantics = reader.semantics();
        if memberships::per_account(semantics, app) {
            live.unread_memberships.insert(id.clone());
        }
        let Ok(at) = live.accounts.binary_search_by(|account| account.id.cmp(id)) else { return };
        let account = &mut live.accounts[at];
        if !accounts::lacks(account, &accounts::needed_fields(app, semantics), semantics) {
            return;
        }
        match reader.account(id, Lane::Write { unblocks: 1 }).await {
            Ok(Some(whole)) => accounts::complete_with(account, whole),
            Ok(None) => drop(live.unread_accounts.insert(id.clone(), NOT_THERE.to_owned())),
            Err(error) => drop(live.unread_accounts.insert(id.clone(), error.to_string())),
        }
    }
}
