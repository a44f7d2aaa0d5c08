//! Reading what one person takes, and no more: by id where one is known, by query where the API has one, and otherwise by a
//! sweep that ends where the account is found. A query that finds nobody proves nothing, so that the list has the last word.
//! Groups and names are read only if they can matter, because somebody who is to be cut off waits for nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{ObserveProgress, OnProgress, accounts, fact_log::Clock, memberships, vocabulary};
use crate::{
    connectors::{Error, Lane, Listing, Reader},
    model::{
        About, AccountStatus, AppPlan, Coverage, Desired, DesiredApp, Email, Extent, FoundBy, LiveAccount, LiveApp,
        PersonStatus, Status, Verb,
    },
};

/// Who is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// As the files spell it.
    identity: Email,
    /// Every address of the person, that one first.
    addresses: Vec<Email>,
    /// The id that the files pin the person to.
    pin: Option<Arc<str>>,
    /// Ids that the accounts are remembered by.
    known: BTreeSet<Arc<str>>,
    /// The person left, so that nothing may come before.
    urgent: bool,
}

impl Sought {
    /// The person behind `identity`, at `now`. `known` are ids of accounts that were the person's as earlier runs saw or made
    /// them; they may be out of date.
    pub fn new(
        desired: &Desired,
        app: &DesiredApp,
        identity: &Email,
        known: &BTreeSet<Arc<str>>,
        now: Timestamp,
    ) -> Self {
        let person = desired.people.get(identity);
        let aliases = person.into_iter().flat_map(|person| &person.aliases);
        let addresses: Vec<Email> = std::iter::once(identity).chain(aliases).cloned().collect();
        Self {
            identity: identity.clone(),
            pin: app.ids.get(identity).map(|(id, _)| id.clone()),
            known: known.clone(),
            urgent: person.is_some_and(|person| person.status_at(now) == PersonStatus::Left),
            addresses,
        }
    }

    fn lane(&self) -> Lane {
        if self.urgent { Lane::Removal } else { Lane::Read }
    }
}

/// Reads what one person takes, at `now`. What `plan` makes of the accounts decides whether anything else can matter.
///
/// # Errors
/// When it could not be found out at all whether there is an account.
pub async fn observe_only(
    reader: &dyn Reader,
    app: &DesiredApp,
    sought: &Sought,
    now: Timestamp,
    plan: &(dyn Fn(&LiveApp) -> AppPlan + Sync),
    progress: OnProgress<'_>,
) -> Result<LiveApp, Error> {
    let clock = Clock::starting(now);
    let requests = reader.requests();
    let mut search = Search::new(reader, app, sought);
    search.by_id().await;
    search.by_address().await?;
    search.by_memory();
    search.complete().await;
    progress(ObserveProgress::Listed { accounts: search.found.len() });
    let mut live = search.live(clock.now());
    if !is_settled(&plan(&live), &live) {
        memberships::of(reader, app, &live.accounts, sought.lane()).await.enter_into(&mut live);
        let (words, unread_words) = vocabulary(reader, app).await;
        live.vocabulary = words;
        live.notices.extend(unread_words);
        if let Some(about) = &mut live.extent.about {
            about.groups = true;
        }
    }
    live.observed_at = clock.now();
    live.oldest_s = clock.oldest(&live.extent, now);
    live.notices.extend(reader.notices());
    live.own_account = reader.own_account();
    live.requests = reader.requests() - requests;
    Ok(live)
}

/// Whether neither groups nor names can matter: every account of the person goes as a whole, or cannot be used and stays so.
fn is_settled(plan: &AppPlan, live: &LiveApp) -> bool {
    let comes = plan.actions.iter().any(|action| action.step.account().is_none());
    let goes = |account: &LiveAccount| {
        let mut actions = plan.actions.iter().filter(|action| action.step.account_id() == Some(&account.id));
        let takes = |verb| matches!(verb, Verb::Deactivate | Verb::Delete);
        match account.status {
            AccountStatus::Inactive if actions.clone().next().is_none() => true,
            _ => actions.any(|action| action.status == Status::Ready && takes(action.name.verb)),
        }
    };
    !comes && live.accounts.iter().all(goes)
}

/// What has been found so far.
struct Search<'a> {
    reader: &'a dyn Reader,
    app: &'a DesiredApp,
    sought: &'a Sought,
    found: BTreeMap<Arc<str>, LiveAccount>,
    /// Remembered accounts that have none of the addresses any more.
    moved: BTreeMap<Arc<str>, LiveAccount>,
    /// Ids of accounts that were read on their own.
    whole: BTreeSet<Arc<str>>,
    unread: BTreeMap<Arc<str>, String>,
    absent: BTreeSet<Email>,
    about: About,
}

impl<'a> Search<'a> {
    fn new(reader: &'a dyn Reader, app: &'a DesiredApp, sought: &'a Sought) -> Self {
        Self {
            reader,
            app,
            sought,
            found: BTreeMap::new(),
            moved: BTreeMap::new(),
            whole: BTreeSet::new(),
            unread: BTreeMap::new(),
            absent: BTreeSet::new(),
            about: About { alone: true, groups: false, ..About::among_all(sought.identity.clone()) },
        }
    }

    /// A pin says whose account it is, whatever its address. What is merely remembered has to have one of the addresses; what
    /// has another by now is kept aside.
    async fn by_id(&mut self) {
        let ids: BTreeSet<&Arc<str>> = self.sought.pin.iter().chain(&self.sought.known).collect();
        for id in ids {
            match self.reader.account(id, self.sought.lane()).await {
                // Apps answer in many ways that somebody is gone, and the list knows better.
                Err(error) => tracing::debug!(app = self.reader.app(), %error, "a look by id failed"),
                Ok(None) => drop(self.about.missing.insert(id.clone())),
                Ok(Some(account))
                    if self.sought.pin.as_ref() == Some(id) || self.sought.addresses.contains(&account.email) =>
                {
                    self.whole.insert(id.clone());
                    self.about.found_by = Some(FoundBy::Id);
                    self.found.insert(id.clone(), account);
                }
                Ok(Some(account)) => drop(self.moved.insert(id.clone(), account)),
            }
        }
    }

    /// Asks for every address that no account has shown yet. A sweep is worth it only where nothing else has found one.
    async fn by_address(&mut self) -> Result<(), Error> {
        let shown = |address: &&Email| self.found.values().any(|account| account.email == **address);
        let (shown, open): (Vec<&Email>, Vec<&Email>) = self.sought.addresses.iter().partition(shown);
        let open: Vec<Email> = open.into_iter().cloned().collect();
        if open.is_empty() {
            return Ok(());
        }
        if self.reader.asks() {
            let asked = self.by_query(&open).await;
            let proven = asked && self.reader.semantics().find.excludes() && self.about.coverage.is_complete();
            if proven {
                let miss: Vec<Email> = open.into_iter().filter(|address| !self.is_found(address)).collect();
                self.absent.extend(miss);
            } else if self.found.is_empty() {
                self.by_list(&open).await?;
            }
        } else if shown.is_empty() {
            self.by_list(&open).await?;
        } else {
            self.about.unasked = open;
        }
        Ok(())
    }

    fn is_found(&self, address: &Email) -> bool {
        self.found.values().any(|account| account.email == *address)
    }

    /// Asks for each address, spelt in one way after another until somebody is found. Returns whether the query answered.
    async fn by_query(&mut self, addresses: &[Email]) -> bool {
        for address in addresses {
            let spellings =
                if self.reader.semantics().find.excludes() { vec![address.clone()] } else { address.spellings() };
            for spelling in spellings {
                let listing = match self.reader.find(&spelling, self.sought.lane()).await {
                    Ok(listing) => listing,
                    Err(error) => {
                        tracing::debug!(app = self.reader.app(), %error, "a query failed, so that the list is read");
                        return false;
                    }
                };
                // A server that turned out to have no query has shown its whole list.
                self.take_in(listing, if self.reader.asks() { FoundBy::Query } else { FoundBy::List });
                if self.is_found(address) {
                    break;
                }
            }
        }
        true
    }

    /// Looks through the list.
    async fn by_list(&mut self, addresses: &[Email]) -> Result<(), Error> {
        let sweeps = !self.reader.semantics().find.asks();
        let listing = if sweeps {
            self.reader.find_any(addresses, self.sought.lane()).await?
        } else {
            let mut listing = self.reader.accounts(self.sought.lane()).await?;
            let ids: Vec<&Arc<str>> = self.sought.pin.iter().chain(&self.sought.known).collect();
            listing.rows.retain(|account| addresses.contains(&account.email) || ids.contains(&&account.id));
            listing
        };
        self.take_in(listing, FoundBy::List);
        let (hit, miss): (Vec<Email>, Vec<Email>) =
            addresses.iter().cloned().partition(|address| self.is_found(address));
        if sweeps && !hit.is_empty() {
            self.about.unasked = miss;
        } else if self.about.coverage.is_complete() {
            self.absent.extend(miss);
        }
        Ok(())
    }

    fn take_in(&mut self, listing: Listing<LiveAccount>, by: FoundBy) {
        let before = std::mem::take(&mut self.about.coverage);
        self.about.coverage = match by {
            // Whatever a query left open, the list settles.
            FoundBy::List => listing.coverage,
            FoundBy::Id | FoundBy::Query => before.and(listing.coverage),
        };
        if !listing.rows.is_empty() {
            self.about.found_by.get_or_insert(by);
        }
        for account in listing.rows {
            self.found.entry(account.id.clone()).or_insert(account);
        }
    }

    /// Where no address led to an account, shows what is remembered as this person's whatever its address is now: planning
    /// says what becomes of it.
    fn by_memory(&mut self) {
        if self.found.is_empty() && !self.moved.is_empty() {
            self.about.found_by = Some(FoundBy::Id);
            self.found = std::mem::take(&mut self.moved);
            self.whole.extend(self.found.keys().cloned());
        }
    }

    /// Reads on their own the accounts whose rows do not hold all that is needed.
    async fn complete(&mut self) {
        let semantics = self.reader.semantics();
        let needed = accounts::needed_fields(self.app, semantics);
        for (id, account) in &mut self.found {
            if self.whole.contains(id) || !accounts::lacks(account, &needed, semantics) {
                continue;
            }
            match self.reader.account(id, self.sought.lane()).await {
                Ok(Some(whole)) => accounts::complete_with(account, whole),
                Ok(None) => drop(self.unread.insert(id.clone(), accounts::NOT_THERE.to_owned())),
                Err(error) => drop(self.unread.insert(id.clone(), error.to_string())),
            }
        }
    }

    /// The app as far as it was looked at.
    fn live(self, observed_at: Timestamp) -> LiveApp {
        let only = format!("only {} was looked for", self.sought.identity);
        let why = self.about.coverage.gap().unwrap_or(&only).to_owned();
        let unread_memberships = self.found.keys().cloned().collect();
        LiveApp {
            observed_at,
            accounts: self.found.into_values().collect(),
            accounts_coverage: Coverage::Incomplete(why),
            groups_coverage: Coverage::Incomplete(only),
            unread_accounts: self.unread,
            unread_memberships,
            absent: self.absent,
            extent: Extent { about: Some(self.about), ..Extent::default() },
            ..LiveApp::default()
        }
    }
}
