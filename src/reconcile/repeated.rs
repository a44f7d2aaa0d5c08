//! What rosterd did again and again within a day, and which run undid it each time, as far as the ledger knows.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;

use super::memory::Author;
use crate::{
    model::{Email, Scope, short_commit},
    plan::DoneLately,
    store::{AppKey, Deed, Entry, Run, RunBegun, Store, StoreError},
};

/// Returns what was done at least three times of late, by the action's name, oldest first. A quiet app costs one short query.
pub(super) async fn of_app(
    store: &Store,
    key: &AppKey,
    now: Timestamp,
) -> Result<BTreeMap<String, Vec<DoneLately>>, StoreError> {
    // The last three lie within a day, and the last of them is less than a day ago.
    let since = now.saturating_sub(DoneLately::WITHIN * 2).unwrap_or(Timestamp::MIN);
    let names = store.done_repeatedly(key, since, DoneLately::TIMES).await?;
    let mut repeated: BTreeMap<String, Vec<DoneLately>> = BTreeMap::new();
    if names.is_empty() {
        return Ok(repeated);
    }
    let entries = store.done_since(key, since).await?;
    let past = Past::of(&entries);
    let mut runs = Runs { store, known: BTreeMap::new() };
    for (index, entry) in entries.iter().enumerate() {
        let Some(action) = entry.entry.event.action() else { continue };
        let name = entry.action_name().map(|name| name.to_string()).filter(|name| names.contains(name));
        // An action without a request found its effect already there, so rosterd did not do it.
        let (Some(name), Some(_)) = (name, action.sent_at) else { continue };
        let undone_by = match past.undone(&action.deed, index) {
            Some(run) => Some(runs.name(run).await?),
            None => None,
        };
        repeated.entry(name).or_default().push(DoneLately {
            at: entry.entry.at,
            account: action.deed.account_id.clone(),
            group: action.deed.group_id.clone(),
            changes: action.deed.changes.clone(),
            undone_by,
        });
    }
    Ok(repeated)
}

/// The deeds of a ledger by what they are about, so that the opposite of each is found without a search of them all.
struct Past<'a> {
    entries: &'a [Entry],
    /// Indexes of the entries, in order.
    about: HashMap<About, Vec<usize>>,
}

/// An account or a group that a deed is about.
#[derive(PartialEq, Eq, Hash)]
enum About {
    AccountId(Arc<str>),
    Account(Email),
    GroupId(Arc<str>),
    Group(Arc<str>),
}

impl About {
    /// The accounts of a deed, or its groups if it is about no account.
    fn of(deed: &Deed) -> Vec<Self> {
        if deed.verb.scope() == Scope::Group { Self::groups(deed) } else { Self::accounts(deed) }
    }

    fn accounts(deed: &Deed) -> Vec<Self> {
        let id = deed.account_id.clone().map(Self::AccountId);
        // An account that is created again has another id.
        let email = deed.account.as_deref().map(|email| Self::Account(Email::lenient(email)));
        id.into_iter().chain(email).collect()
    }

    fn groups(deed: &Deed) -> Vec<Self> {
        let id = deed.group_id.clone().map(Self::GroupId);
        id.into_iter().chain(deed.group.clone().map(Self::Group)).collect()
    }
}

impl<'a> Past<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        let mut about: HashMap<About, Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let deed = entry.entry.event.action().map(|action| &action.deed);
            for one in deed.into_iter().flat_map(About::of) {
                about.entry(one).or_default().push(index);
            }
        }
        Self { entries, about }
    }

    /// The run that undid the deed at `index`, if it did so before the deed was done again.
    fn undone(&self, deed: &Deed, index: usize) -> Option<&'a Arc<str>> {
        // A deed about a group as a whole undoes its memberships.
        let about = About::accounts(deed).into_iter().chain(About::groups(deed));
        let indexes = about.filter_map(|one| self.about.get(&one)).flat_map(|all| {
            let later = all.partition_point(|other| *other <= index);
            all[later..].iter().copied()
        });
        let indexes: BTreeSet<usize> = indexes.collect();
        let bearing = indexes.into_iter().find_map(|later| {
            let entry = &self.entries[later];
            Some((entry, bears_on(&entry.entry.event.action()?.deed, deed)?))
        });
        bearing.filter(|(_, bears)| *bears == Bears::Undoes)?.0.entry.run.as_ref()
    }
}

/// What a later deed is to an earlier one.
#[derive(PartialEq)]
enum Bears {
    Undoes,
    Repeats,
}

fn bears_on(later: &Deed, deed: &Deed) -> Option<Bears> {
    let same_account = is_same_account(later, deed);
    let same_group = is_same_group(later, deed);
    let same_target = match deed.verb.scope() {
        Scope::Account => same_account,
        Scope::Membership => same_account && same_group,
        Scope::Group => same_group,
    };
    let (scopes, signs) = ((deed.verb.scope(), later.verb.scope()), (deed.verb.sign(), later.verb.sign()));
    let undoes = match (scopes, signs) {
        // A membership ends with its account. Some apps create the account with the first membership.
        ((Scope::Membership, Scope::Account), ("+", "-")) | ((Scope::Account, Scope::Membership), ("-", "+")) => {
            same_account
        }
        ((Scope::Membership, Scope::Group), ("+", "-")) => same_group,
        ((was, is), ("+", "-") | ("-", "+")) => was == is && same_target,
        ((was, is), ("~", "~" | "+")) => was == is && same_target && sets_otherwise(later, deed),
        _ => false,
    };
    let repeats = later.verb == deed.verb && same_target && (deed.verb.sign() != "~" || sets_alike(later, deed));
    if undoes { Some(Bears::Undoes) } else { repeats.then_some(Bears::Repeats) }
}

/// Whether a field that one sets is set to something else by the other.
fn sets_otherwise(later: &Deed, deed: &Deed) -> bool {
    later.changes.iter().any(|new| deed.changes.iter().any(|old| old.field == new.field && old.to != new.to))
}

fn sets_alike(later: &Deed, deed: &Deed) -> bool {
    later.changes.iter().any(|new| deed.changes.iter().any(|old| old.field == new.field && old.to == new.to))
}

fn is_same_account(a: &Deed, b: &Deed) -> bool {
    match (&a.account_id, &b.account_id) {
        (Some(a), Some(b)) if a == b => true,
        // An account that is created again has another id.
        _ => {
            a.account.as_deref().zip(b.account.as_deref()).is_some_and(|(a, b)| Email::lenient(a) == Email::lenient(b))
        }
    }
}

fn is_same_group(a: &Deed, b: &Deed) -> bool {
    let both = |a: &Option<Arc<str>>, b: &Option<Arc<str>>| a.is_some() && a == b;
    both(&a.group_id, &b.group_id) || both(&a.group, &b.group)
}

/// Runs, by what sentences call them.
struct Runs<'a> {
    store: &'a Store,
    known: BTreeMap<Arc<str>, Arc<str>>,
}

impl Runs<'_> {
    async fn name(&mut self, id: &Arc<str>) -> Result<Arc<str>, StoreError> {
        if let Some(name) = self.known.get(id) {
            return Ok(name.clone());
        }
        let name: Arc<str> = match self.store.run(id).await? {
            Some(run) => sentence(&run).into(),
            None => format!("rosterd (run {id})").into(),
        };
        Ok(self.known.entry(id.clone()).or_insert(name).clone())
    }
}

fn sentence(run: &Run) -> String {
    let RunBegun { command, host, pid, commit, .. } = run.begun.clone();
    let of = commit.as_ref().map(|commit| format!(", commit {}", short_commit(commit))).unwrap_or_default();
    Author { command, commit, host, pid }.name() + &of
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        model::Verb,
        store::{ActionEntry, Claim, Event, Lease, NewEntry, NewIntent, OpenOptions},
    };

    const BEGINS: &str = "2026-12-01T00:00:00Z";

    /// A ledger in which a test writes what two machines did: minute by minute, `MACHINE VERB ACCOUNT`.
    struct Book {
        store: Store,
        lease: Lease,
    }

    impl Book {
        async fn new() -> Self {
            let options = OpenOptions { blocking: true, ..OpenOptions::default() };
            let store = Store::open_with("sqlite::memory:", &options).await.unwrap();
            let key = AppKey::new("a", "https://a.example.com");
            let ttl = std::time::Duration::from_secs(60);
            let claim = store.claim(&key, "test", ttl, BEGINS.parse().unwrap()).await.unwrap();
            let Claim::Held(lease) = claim else { panic!("{claim:?}") };
            for (host, pid) in [("east", 1), ("west", 2)] {
                let commit = Some(format!("{host}0123456789abcdef"));
                let begun = RunBegun { command: "daemon".into(), host: host.into(), pid, commit, fingerprint: None };
                store.begin_run(host, BEGINS.parse().unwrap(), &begun).await.unwrap();
            }
            Self { store, lease }
        }

        async fn write(&self, minute: i64, run: &str, deed: serde_json::Value, sent: bool) {
            let at = BEGINS.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(minute);
            let deed: Deed = serde_json::from_value(deed).unwrap();
            let action = deed.name(&self.lease.key().app).to_string();
            let mut said = serde_json::to_value(&deed).unwrap();
            said["result"] = json!("done");
            let said: ActionEntry = serde_json::from_value(said).unwrap();
            let event = Event::Action(Box::new(ActionEntry { sent_at: sent.then_some(at), ..said }));
            let entry = NewEntry { at, run: Some(run.into()), event };
            if !sent {
                return self.store.enter(&self.lease, &[entry]).await.unwrap();
            }
            let intent = NewIntent { run: run.into(), action, deed, payload: json!({}), at };
            let ids = self.store.open_batch(&self.lease, &[intent]).await.unwrap();
            self.store.close_intent(&self.lease, ids[0], &entry, &[]).await.unwrap();
        }

        async fn read(&self) -> BTreeMap<String, Vec<Option<Arc<str>>>> {
            let now = BEGINS.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(60);
            let repeated = of_app(&self.store, self.lease.key(), now).await.unwrap().into_iter();
            repeated.map(|(name, done)| (name, done.into_iter().map(|done| done.undone_by).collect())).collect()
        }
    }

    fn member(verb: &str, account: &str) -> serde_json::Value {
        json!({ "verb": verb, "account": account, "account_id": "1", "group": "G", "group_id": "g" })
    }

    const EAST: &str = "rosterd daemon on east, process 1, commit east01234567";
    const WEST: &str = "rosterd daemon on west, process 2, commit west01234567";

    #[tokio::test]
    async fn the_run_that_did_the_opposite_is_named_and_where_none_did_nobody_is() {
        let book = Book::new().await;
        for minute in [0, 10, 20] {
            book.write(minute, "east", member("add-member", "ann@x.io"), true).await;
            if minute != 10 {
                // By files that know her by another name.
                book.write(minute + 1, "west", member("remove-member", "ann.old@x.io"), true).await;
            }
        }
        let west = Some(WEST.into());
        assert_eq!(book.read().await, [("a/add-member/ann@x.io/G".to_owned(), vec![west.clone(), None, west])].into());
    }

    #[tokio::test]
    async fn what_was_found_done_is_not_counted_and_a_value_is_undone_by_another_value() {
        let book = Book::new().await;
        let role = |to: &str| {
            json!({ "verb": "update", "account": "ann@x.io", "account_id": "1",
                    "changes": [{ "field": "role", "from": null, "to": to }] })
        };
        for minute in [0, 10, 20] {
            book.write(minute, "east", role("user"), true).await;
            book.write(minute + 1, "west", role("admin"), true).await;
            book.write(minute + 2, "east", member("add-member", "ann@x.io"), false).await;
        }
        let (west, east) = (Some(Arc::from(WEST)), Some(Arc::from(EAST)));
        let turns = vec![west.clone(), east.clone(), west.clone(), east, west, None];
        assert_eq!(book.read().await, [("a/update/ann@x.io".to_owned(), turns)].into());
    }

    #[test]
    fn each_verb_has_an_opposite_and_another_account_or_group_has_none() {
        let deed = |verb: Verb, account: &str, group: &str| -> Deed {
            let value = json!([{ "field": "f", "from": null, "to": verb.sign() }]);
            serde_json::from_value(json!({
                "verb": verb, "account": format!("{account}@x.io"), "account_id": account, "group": group, "group_id": group,
                "changes": value,
            }))
            .unwrap()
        };
        let undoes = |later: &Deed, verb| bears_on(later, &deed(verb, "1", "g")) == Some(Bears::Undoes);
        for verb in Verb::ALL {
            let opposite = |account: &str, group: &str| {
                let other = |later: Verb| {
                    let mut later = deed(later, account, group);
                    later.changes[0].to = Some("other".into());
                    undoes(&later, *verb)
                };
                Verb::ALL.iter().any(|later| other(*later))
            };
            assert!(opposite("1", "g"), "{verb}");
            assert!(!opposite("2", "h"), "{verb}");
            assert!(!undoes(&deed(*verb, "1", "g"), *verb), "{verb}: that is the same once more");
        }
    }
}
