//! Accounts that are not known by the address of the person whose they may be: the address was changed in the app, or stands
//! somewhere else in the row.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{
    Context,
    doubt::{Doubt, is_nobody},
    repair,
};
use crate::model::{AccountStatus, Email, LiveAccount};

/// Accounts, by id, that have a stranger's address and were the last to be seen under the address of somebody whom the files
/// name, each with that person. An address that was changed in the app takes an account out of sight, but not out of the
/// person's hands. Who shows another account, or is pinned, is not looked for.
pub(super) fn moved<'a>(cx: &Context<'a>) -> HashMap<&'a Arc<str>, BTreeSet<&'a Email>> {
    let mut moved: HashMap<&'a Arc<str>, BTreeSet<&'a Email>> = HashMap::new();
    let Some(history) = cx.history else { return moved };
    let is_named = |identity: &Email| cx.desired.named.contains(identity);
    let identities = || cx.accounts.iter().map(|account| (*account, cx.identity(&account.email)));
    let strangers: HashMap<&Arc<str>, &LiveAccount> = identities()
        .filter(|(_, identity)| !is_named(identity) && !is_nobody(identity))
        .map(|(account, _)| (&account.id, account))
        .collect();
    if strangers.is_empty() {
        return moved;
    }
    let shown: HashSet<&Email> = identities().map(|(_, identity)| identity).collect();
    for (address, ids) in &history.seen_under {
        let identity = cx.identity(address);
        if !is_named(identity) || shown.contains(identity) || cx.app.ids.contains_key(identity) {
            continue;
        }
        if let Some((id, account)) = ids.last().and_then(|id| strangers.get_key_value(id))
            // What nobody can use matters only where another account would be made beside it.
            && (account.status != AccountStatus::Inactive || cx.app.grants(identity))
        {
            moved.entry(id).or_default().insert(identity);
        }
    }
    moved
}

pub(super) fn moved_away(cx: &Context<'_>, person: &Email, account: &LiveAccount) -> Doubt {
    Doubt {
        reason: format!(
            "account {} was {person}'s when rosterd saw it earlier, but that account's address is {} now",
            account.id, account.email
        ),
        repair: format!(
            "if the account is still {person}'s, {}; if it is somebody else's, {}; if they have left, {}",
            repair::alias(cx, person, &account.email),
            repair::grant(cx, &account.email, account),
            repair::left(&account.email)
        ),
        all_theirs: false,
        because: cx.people.get(person).map(|person| person.place.clone()).into_iter().collect(),
    }
}

/// People whom the files name, who show no account by their address, and whose address some account shows all the same: as
/// another email, a login, or an alias.
pub(super) struct Elsewhere<'a> {
    /// Each with the first such account.
    pub found: BTreeMap<&'a Email, &'a LiveAccount>,
    /// By the id of an account that is nobody else's in the files: the person whose it may be.
    pub theirs: HashMap<&'a Arc<str>, &'a Email>,
}

pub(super) fn elsewhere<'a>(cx: &Context<'a>) -> Elsewhere<'a> {
    let mut elsewhere = Elsewhere { found: BTreeMap::new(), theirs: HashMap::new() };
    let others = || cx.accounts.iter().copied().filter(|account| !account.other_addresses.is_empty());
    if others().next().is_none() {
        return elsewhere;
    }
    let pinned: HashSet<&Arc<str>> = cx.app.ids.values().map(|(id, _)| id).collect();
    let shown: HashSet<&Email> = cx.accounts.iter().map(|account| cx.identity(&account.email)).collect();
    for account in others().filter(|account| !pinned.contains(&account.id)) {
        let by_address = cx.identity(&account.email);
        for address in &account.other_addresses {
            let person = cx.identity(address);
            let sought = cx.desired.named.contains(person) && !shown.contains(person);
            // What nobody can use matters only where another account would be made beside it.
            let matters = account.status != AccountStatus::Inactive || cx.app.grants(person);
            if !sought || !matters || cx.app.ids.contains_key(person) {
                continue;
            }
            elsewhere.found.entry(person).or_insert(account);
            if !cx.desired.named.contains(by_address) {
                elsewhere.theirs.entry(&account.id).or_insert(person);
            }
        }
    }
    elsewhere
}

pub(super) fn shown_elsewhere(cx: &Context<'_>, person: &Email, account: &LiveAccount) -> Doubt {
    let known = match account.email.as_str() {
        "" => "has no address that counts".to_owned(),
        email => format!("is known by {email}"),
    };
    Doubt {
        reason: format!("account {} {known}, and its row shows {person}'s address too", account.id),
        repair: format!(
            "if the account is {person}'s, {}; if it is somebody else's, take the address out of it in the app",
            repair::pin(cx, person, &account.id)
        ),
        all_theirs: false,
        because: cx.people.get(person).map(|person| person.place.clone()).into_iter().collect(),
    }
}

/// Whether an account that nobody else in the files is known by shows an address of this person beside its own.
pub(super) fn shows_too(cx: &Context<'_>, account: &LiveAccount, person: &Email) -> bool {
    let is_free = !cx.desired.named.contains(cx.identity(&account.email));
    is_free && account.other_addresses.iter().any(|address| cx.identity(address) == person)
}

/// Accounts, by id, that we made for somebody whom the files name and that never had an address of theirs since: the app calls
/// them otherwise, and they are that person's all the same.
pub(super) fn made<'a>(cx: &Context<'a>) -> HashMap<&'a Arc<str>, &'a Email> {
    let mut made = HashMap::new();
    let Some(history) = cx.past.and_then(|past| past.history) else { return made };
    for (id, address) in &history.made_for {
        let person = cx.identity(address);
        let Ok(at) = cx.accounts.binary_search_by(|account| account.id.cmp(id)) else { continue };
        let had = |address: &Email| history.seen_under.get(address).is_some_and(|ids| ids.contains(id));
        if cx.desired.named.contains(person)
            && cx.identity(&cx.accounts[at].email) != person
            && !cx.addresses(person).any(had)
        {
            made.insert(id, person);
        }
    }
    made
}

pub(super) fn renamed(cx: &Context<'_>, person: &Email, account: &LiveAccount) -> Doubt {
    let pin = repair::pin(cx, person, &account.id);
    let (calls, repair) = match Email::parse(account.email.as_str()) {
        Ok(address) => {
            let alias = repair::alias(cx, person, &address);
            (format!("but the app calls it {address}"), format!("if that is {person} too, {alias}; or {pin}"))
        }
        Err(_) if is_nobody(&account.email) => ("but the app shows it without an address".to_owned(), pin),
        Err(_) => (format!("but the app calls it {}", account.email), pin),
    };
    Doubt {
        reason: format!("rosterd made account {} for {person}, {calls}", account.id),
        repair,
        all_theirs: true,
        because: cx.people.get(person).map(|person| person.place.clone()).into_iter().collect(),
    }
}
