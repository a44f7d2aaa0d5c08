//! Whose account is it? Live accounts are matched to identities by pin, by address and by alias; whatever does not fit
//! together is ambiguous, and nothing is done to it on a guess.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::Context;
use crate::model::{Email, LiveAccount, Place};

/// Live accounts by identity.
pub(super) struct Matched<'a> {
    /// Accounts of an identity, the most likely one first; more than one is ambiguous.
    pub accounts: BTreeMap<&'a Email, Vec<&'a LiveAccount>>,
    /// Identities whose accounts are not certain, and why.
    pub ambiguous: BTreeMap<&'a Email, Doubt>,
    /// The identity behind an account id.
    pub identity_of: BTreeMap<&'a Arc<str>, &'a Email>,
}

/// Why it is not certain which account is whose.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Doubt {
    /// What does not fit, naming the accounts.
    pub reason: String,
    /// What to do about it.
    pub repair: String,
    /// All accounts in doubt belong to this person alone, so that leaving still cuts them off.
    pub all_theirs: bool,
    /// Lines it is about.
    pub because: Vec<Place>,
}

/// Matches every live account to an identity.
pub(super) fn match_accounts<'a>(cx: &Context<'a>) -> Matched<'a> {
    let pinned: BTreeMap<&Arc<str>, (&'a Email, &'a Place)> =
        cx.app.ids.iter().map(|(identity, (id, place))| (id, (identity, place))).collect();
    let mut accounts: BTreeMap<&'a Email, Vec<&'a LiveAccount>> = BTreeMap::new();
    let mut identity_of = BTreeMap::new();
    let mut ambiguous: BTreeMap<&'a Email, Doubt> = BTreeMap::new();

    for account in &cx.live.accounts {
        let by_address = cx.desired.identity(&account.email);
        let identity = match pinned.get(&account.id) {
            Some((by_pin, place)) if *by_pin != by_address => {
                let doubt = disagreement(cx, account, by_pin, by_address, place);
                if cx.desired.named.contains(by_address) {
                    ambiguous.entry(by_address).or_insert_with(|| doubt.clone());
                }
                ambiguous.insert(by_pin, doubt);
                by_pin
            }
            Some((by_pin, _)) => by_pin,
            None => by_address,
        };
        accounts.entry(identity).or_default().push(account);
        identity_of.insert(&account.id, identity);
    }

    for (identity, theirs) in &mut accounts {
        let pin = cx.app.ids.get(*identity).map(|(id, _)| id);
        theirs.sort_by_key(|account| {
            (pin != Some(&account.id), account.status.clone(), account.email != **identity, account.id.clone())
        });
        // A pin says which of several accounts counts; the others are shown, and go when the person goes.
        let settled = theirs.first().is_some_and(|account| pin == Some(&account.id));
        if theirs.len() > 1 && !settled {
            ambiguous.entry(identity).or_insert_with(|| several(cx, identity, theirs));
        }
    }
    for (identity, (id, place)) in &cx.app.ids {
        if !identity_of.contains_key(id) && !ambiguous.contains_key(identity) {
            ambiguous.insert(identity, dangling(cx, id, place, accounts.get(identity)));
        }
    }
    Matched { accounts, ambiguous, identity_of }
}

fn disagreement(cx: &Context<'_>, account: &LiveAccount, by_pin: &Email, by_address: &Email, place: &Place) -> Doubt {
    Doubt {
        reason: format!(
            "{place} pins {by_pin} to account {}, but that account's address is {}",
            account.id, account.email
        ),
        repair: if cx.desired.named.contains(by_address) {
            format!("{by_address} is somebody else in the files: correct the pin under apps.{}.ids", cx.app.name)
        } else {
            format!(
                "if the account is still {by_pin}'s, add `aliases: [{}]` to that person; if not, remove the pin",
                account.email
            )
        },
        all_theirs: false,
        because: vec![place.clone()],
    }
}

fn several(cx: &Context<'_>, identity: &Email, theirs: &[&LiveAccount]) -> Doubt {
    let list: Vec<String> =
        theirs.iter().map(|account| format!("{} ({}, id {})", account.email, account.status, account.id)).collect();
    Doubt {
        reason: format!("{identity} has {} accounts: {}", theirs.len(), list.join(" and ")),
        repair: format!(
            "say which one counts with a pin, such as `ids: {{ {identity}: {} }}` under apps.{}, or remove the other in \
             the app",
            theirs.first().map_or("ID", |account| &account.id),
            cx.app.name
        ),
        all_theirs: true,
        because: Vec::new(),
    }
}

fn dangling(cx: &Context<'_>, id: &str, place: &Place, others: Option<&Vec<&LiveAccount>>) -> Doubt {
    let other = others.and_then(|accounts| accounts.first());
    Doubt {
        reason: match other {
            Some(other) => {
                format!("{place} pins account {id}, which is not there, while {} has id {}", other.email, other.id)
            }
            None => format!("{place} pins account {id}, which is not there"),
        },
        repair: match other {
            Some(other) => format!("write {} at {place} if that account is the right one", other.id),
            None => format!("remove the pin at {place}; the account is then made anew in {}", cx.app.name),
        },
        all_theirs: true,
        because: vec![place.clone()],
    }
}

impl Matched<'_> {
    /// Every identity that has a live account.
    pub(super) fn identities(&self) -> BTreeSet<&Email> {
        self.accounts.keys().copied().collect()
    }
}
