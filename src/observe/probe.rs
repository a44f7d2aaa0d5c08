//! Trying out a connector against its app without changing anything: every kind of read once, on the first thing it finds.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    connectors::{Error, Lane, Listing, Looked, Reader, STATUS_NOT_SHOWN},
    model::{AccountStatus, Coverage, LiveAccount, MemberRead, Severity},
};

/// What came of one kind of read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What was read.
    pub what: &'static str,
    /// What was seen.
    pub result: Result<String, String>,
    /// Something a person should look at although the read succeeded.
    pub doubt: Option<String>,
    /// Requests that it took.
    pub requests: u64,
}

/// Tries every read that the connector declares.
pub async fn probe(reader: &dyn Reader) -> Vec<Tried> {
    let mut run = Run { reader, tried: Vec::new(), before: reader.requests(), told: BTreeSet::new() };
    let listed = reader.accounts(Lane::Read).await;
    let accounts = run.listing("list accounts", listed);
    run.look_through(accounts.as_deref().unwrap_or_default());
    let first = accounts.and_then(|accounts| accounts.into_iter().next());
    if let Some(account) = &first {
        run.account(account).await;
    }
    let mut first_group: Option<Arc<str>> = None;
    if reader.semantics().groups.list {
        let listed = reader.groups(Lane::Read).await;
        let groups = run.listing("list groups", listed);
        first_group = groups.and_then(|groups| groups.into_iter().next()).map(|group| group.id);
    }
    run.names().await;
    match (reader.semantics().members.read, first_group, &first) {
        (MemberRead::PerGroup, Some(group), _) => {
            let listed = reader.members(&group, Lane::Read).await;
            run.listing("list the members of a group", listed);
        }
        (MemberRead::PerAccount, _, Some(account)) => {
            let listed = reader.memberships(&account.id, Lane::Read).await;
            run.listing("list the groups of an account", listed);
        }
        _ => {}
    }
    run.tried
}

struct Run<'a> {
    reader: &'a dyn Reader,
    tried: Vec<Tried>,
    before: u64,
    /// Notices that stand with what brought them about.
    told: BTreeSet<Arc<str>>,
}

impl Run<'_> {
    fn add(&mut self, what: &'static str, result: Result<String, String>, doubt: Option<String>) {
        let now = self.reader.requests();
        let warnings = self.reader.notices().into_iter().filter(|notice| notice.severity != Severity::Note);
        let messages = warnings.map(|notice| Arc::<str>::from(notice.message));
        let new: Vec<Arc<str>> = messages.filter(|message| self.told.insert(message.clone())).collect();
        let doubt =
            doubt.into_iter().chain(new.iter().map(ToString::to_string)).reduce(|all, one| format!("{all}; {one}"));
        self.tried.push(Tried { what, result, doubt, requests: now - self.before });
        self.before = now;
    }

    fn listing<T>(&mut self, what: &'static str, listed: Result<Listing<T>, Error>) -> Option<Vec<T>> {
        match listed {
            Err(error) => {
                self.add(what, Err(error.to_string()), None);
                None
            }
            Ok(listing) => {
                let doubt = match &listing.coverage {
                    Coverage::Complete => None,
                    Coverage::Incomplete(why) => Some(format!("not complete: {why}")),
                    Coverage::Believed(why) => Some(format!("the app does not show them: {why}")),
                };
                self.add(what, Ok(format!("{} seen", listing.rows.len())), doubt);
                Some(listing.rows)
            }
        }
    }

    /// Adds what the rows of the list make doubtful: words that no line of the connector knows, and fields that it
    /// promises and no row has.
    fn look_through(&mut self, accounts: &[LiveAccount]) {
        let Some(last) = self.tried.last_mut() else { return };
        let mut doubts: Vec<String> = last.doubt.take().into_iter().collect();
        if accounts.is_empty() && last.result.is_ok() {
            doubts.push("an app without accounts shows nothing about the rest".into());
        }
        let words: BTreeSet<&str> = accounts
            .iter()
            .filter_map(|account| match &account.status {
                AccountStatus::Unknown(word) if **word != *STATUS_NOT_SHOWN => Some(&**word),
                _ => None,
            })
            .collect();
        doubts.extend(words.iter().map(|word| format!("the status `{word}` is none that the connector knows")));
        let semantics = self.reader.semantics();
        let fields = semantics.carries.iter().filter(|field| semantics.fields.contains(*field));
        let absent = fields.filter(|field| !accounts.iter().any(|account| account.values.contains_key(*field)));
        if !accounts.is_empty() {
            doubts.extend(absent.map(|field| format!("no row has the field `{field}`")));
        }
        last.doubt = (!doubts.is_empty()).then(|| doubts.join("; "));
    }

    /// Looks up the names of everything that the app knows by id.
    async fn names(&mut self) {
        let semantics = self.reader.semantics().clone();
        let looked = Looked { accounts: &semantics.fields, members: &semantics.members.fields };
        let (result, doubt) = match self.reader.vocabulary(&looked, Lane::Read).await {
            Err(error) => (Err(error.to_string()), None),
            Ok(vocabulary) => {
                let words = || vocabulary.accounts.values().chain(vocabulary.members.values());
                if words().next().is_none() {
                    return;
                }
                let known = words().map(|words| words.known.len()).sum::<usize>();
                let several: Vec<&str> = words().flat_map(|words| words.ambiguous.keys()).map(|name| &**name).collect();
                let doubt = (!several.is_empty()).then(|| format!("several are called {}", several.join(", ")));
                (Ok(format!("{known} known")), doubt)
            }
        };
        self.add("look up names of roles and the like", result, doubt);
    }

    /// Reads an account by its id and by its address, and compares both with its row in the list.
    async fn account(&mut self, listed: &LiveAccount) {
        let read = self.reader.account(&listed.id, Lane::Read).await;
        let (result, doubt) = match read {
            Err(error) => (Err(error.to_string()), None),
            Ok(None) => (Err(format!("{} is listed, but not there when it is read by its id", listed.id)), None),
            Ok(Some(account)) => {
                let fields: Vec<&str> = account.values.keys().map(|field| &**field).collect();
                let shown = format!("{}, {}, with {}", account.id, account.status, fields.join(", "));
                let other = account.email != listed.email && !account.email.key().is_empty();
                (Ok(shown), other.then(|| "its address is not the one that the list shows".to_owned()))
            }
        };
        self.add("read an account by its id", result, doubt);
        if !self.reader.semantics().find.asks() || listed.email.key().is_empty() {
            return;
        }
        let found = self.reader.find(&listed.email, Lane::Read).await;
        let (result, doubt) = match found {
            Err(error) => (Err(error.to_string()), None),
            Ok(found) => {
                let same = found.rows.len() == 1 && found.rows[0].id == listed.id;
                let shown = format!("{} found", found.rows.len());
                (Ok(shown), (!same).then(|| format!("that is not {} alone", listed.id)))
            }
        };
        self.add("find an account by its address", result, doubt);
    }
}
