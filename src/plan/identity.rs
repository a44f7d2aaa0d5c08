//! Whose account is it? Live accounts are matched to identities by pin, by address and by alias; whatever does not fit
//! together is ambiguous, and nothing is done to it on a guess.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Context,
    doubt::{Doubt, is_nobody},
    repair,
    strays::{elsewhere, made, moved, moved_away, renamed, shown_elsewhere, shows_too},
};
use crate::model::{ClaimedBy, Email, LiveAccount, Place};

/// Live accounts by identity.
pub(super) struct Matched<'a> {
    /// Accounts of an identity, the most likely one first; more than one is ambiguous.
    pub accounts: HashMap<&'a Email, Vec<&'a LiveAccount>>,
    /// Identities whose accounts are not certain, and why.
    pub ambiguous: BTreeMap<&'a Email, Doubt>,
    /// Every account by its id, with the identity behind it.
    by_id: HashMap<&'a Arc<str>, (&'a LiveAccount, &'a Email)>,
    /// What action names call an account, where it is not the identity: see [`labels`].
    labels: BTreeMap<&'a Arc<str>, String>,
}

/// Matches every live account to an identity.
pub(super) fn match_accounts<'a>(cx: &Context<'a>) -> Matched<'a> {
    let mut pinned: BTreeMap<&Arc<str>, (&'a Email, &'a Place)> = BTreeMap::new();
    let mut ambiguous: BTreeMap<&'a Email, Doubt> = BTreeMap::new();
    for (identity, (id, place)) in &cx.app.ids {
        if let Some((other, other_place)) = pinned.insert(id, (identity, place)) {
            let doubt = shared_pin(id, [(other, other_place), (identity, place)]);
            ambiguous.insert(other, doubt.clone());
            ambiguous.insert(identity, doubt);
        }
    }
    let mut accounts: HashMap<&'a Email, Vec<&'a LiveAccount>> = HashMap::new();
    let mut by_id = HashMap::new();
    let (moved, made, elsewhere) = (moved(cx), made(cx), elsewhere(cx));

    for account in cx.accounts.iter().copied() {
        let by_address = cx.identity(&account.email);
        let made = made.get(&account.id).copied().filter(|_| !elsewhere.theirs.contains_key(&account.id));
        let identity = match (pinned.get(&account.id), made) {
            // An account without an address says nothing against its pin, nor does one that was made for that person, and one
            // that shows the person's elsewhere speaks for it.
            (Some((by_pin, place)), made)
                if *by_pin != by_address
                    && !is_nobody(by_address)
                    && made != Some(by_pin)
                    && !shows_too(cx, account, by_pin) =>
            {
                let doubt = disagreement(cx, account, by_pin, by_address, place);
                if cx.desired.named.contains(by_address) {
                    ambiguous.entry(by_address).or_insert_with(|| doubt.clone());
                }
                ambiguous.entry(by_pin).or_insert(doubt);
                by_pin
            }
            (Some((by_pin, _)), _) => by_pin,
            (None, Some(person)) => {
                doubt_renamed(cx, &mut ambiguous, (person, by_address), account);
                person
            }
            (None, None) => match moved.get(&account.id).map(|people| (people, people.first())) {
                Some((people, Some(first))) => {
                    for person in people {
                        ambiguous.entry(person).or_insert_with(|| moved_away(cx, person, account));
                    }
                    first
                }
                _ => elsewhere.theirs.get(&account.id).copied().unwrap_or(by_address),
            },
        };
        accounts.entry(identity).or_default().push(account);
        by_id.insert(&account.id, (account, identity));
    }

    for (person, account) in elsewhere.found {
        ambiguous.entry(person).or_insert_with(|| shown_elsewhere(cx, person, account));
    }
    doubt_accounts(cx, &mut accounts, &mut ambiguous);
    doubt_pins(cx, &accounts, &by_id, &mut ambiguous);
    let labels = labels(cx, &accounts);
    Matched { accounts, ambiguous, by_id, labels }
}

/// Doubts the account that was made for this person and has another address, and whoever has that address in the files.
fn doubt_renamed<'a>(
    cx: &Context<'a>,
    ambiguous: &mut BTreeMap<&'a Email, Doubt>,
    (person, by_address): (&'a Email, &'a Email),
    account: &LiveAccount,
) {
    let doubt = renamed(cx, person, account);
    if cx.desired.named.contains(by_address) {
        ambiguous.entry(by_address).or_insert(Doubt { all_theirs: false, ..doubt.clone() });
    }
    ambiguous.entry(person).or_insert(doubt);
}

/// Sorts each identity's accounts, the one that counts first, and doubts identities of which nobody can say which that is.
fn doubt_accounts<'a>(
    cx: &Context<'a>,
    accounts: &mut HashMap<&'a Email, Vec<&'a LiveAccount>>,
    ambiguous: &mut BTreeMap<&'a Email, Doubt>,
) {
    for (identity, theirs) in accounts {
        let pin = cx.app.ids.get(*identity).map(|(id, _)| id);
        theirs.sort_by_key(|account| {
            (pin != Some(&account.id), account.status.clone(), account.email != **identity, account.id.clone())
        });
        // A pin says which of several accounts counts; the others are shown, and go when the person goes.
        let settled = theirs.first().is_some_and(|account| pin == Some(&account.id));
        if is_nobody(identity) {
            ambiguous.entry(identity).or_insert_with(|| without_address(cx, theirs));
        } else if theirs.len() > 1 && !settled {
            ambiguous.entry(identity).or_insert_with(|| several(cx, identity, theirs));
        } else if let ([account], false) = (&theirs[..], settled)
            // A stranger's address stands for nobody in the files who could be confused with another.
            && cx.desired.named.contains(*identity)
            && let Some(before) = owner_before(cx, identity, account)
        {
            ambiguous.entry(identity).or_insert_with(|| used_again(cx, identity, account, before));
        }
    }
}

/// Doubts identities that are pinned to an account which is not there.
fn doubt_pins<'a>(
    cx: &Context<'a>,
    accounts: &HashMap<&'a Email, Vec<&'a LiveAccount>>,
    by_id: &HashMap<&'a Arc<str>, (&'a LiveAccount, &'a Email)>,
    ambiguous: &mut BTreeMap<&'a Email, Doubt>,
) {
    for (identity, (id, place)) in &cx.app.ids {
        let others = accounts.get(identity);
        // What a broken reading did not show may be there all the same, unless that very id was asked for; another account in
        // its place is doubtful anyhow.
        let asked = cx.live.alone().is_some_and(|about| about.missing.contains(id));
        let may_be_there = !cx.live.accounts_coverage.is_complete() && others.is_none() && !asked;
        if !by_id.contains_key(id) && !ambiguous.contains_key(identity) && !may_be_there {
            ambiguous.insert(identity, dangling(cx, id, place, others));
        }
    }
}

/// What action names call an account: the identity, as the files spell it (for the unlisted, as the app does). Where one
/// identity has several accounts, the pinned one and the one with that very address are called so, and an alias's
/// account by its own address; what is then still the same, or empty, gets the account's id: `EMAIL (ID)`. The name does
/// not depend on an account's status, so that an approval for one account never moves on to another.
fn labels<'a>(cx: &Context<'a>, accounts: &HashMap<&'a Email, Vec<&'a LiveAccount>>) -> BTreeMap<&'a Arc<str>, String> {
    let mut labels: BTreeMap<&'a Arc<str>, String> = BTreeMap::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut shared: Vec<_> =
        accounts.iter().filter(|(identity, theirs)| theirs.len() > 1 || is_nobody(identity)).collect();
    shared.sort_by_key(|(identity, _)| **identity);
    for (identity, theirs) in shared {
        let pin = cx.app.ids.get(*identity).map(|(id, _)| id);
        let base = |account: &LiveAccount| {
            let own = pin == Some(&account.id) || account.email == **identity;
            if own { identity.as_str().to_owned() } else { account.email.as_str().to_owned() }
        };
        for account in theirs {
            let mut label = base(account);
            let is_pinned = pin == Some(&account.id);
            // Names are compared as addresses are: two that differ in case alone would be taken for one.
            let same = theirs.iter().filter(|other| Email::lenient(&base(other)) == Email::lenient(&label)).count();
            if is_nobody(identity) || (!is_pinned && same > 1) {
                label = with_id(&label, account);
            }
            // Apps may call anything an address, even what looks like one of our labels.
            while taken.contains(&label) || is_somebody_else(accounts, identity, &label) {
                label = with_id(&label, account);
            }
            taken.insert(label.clone());
            labels.insert(&account.id, label);
        }
    }
    labels
}

fn with_id(label: &str, account: &LiveAccount) -> String {
    format!("{label} ({})", account.id).trim_start().to_owned()
}

fn is_somebody_else(accounts: &HashMap<&Email, Vec<&LiveAccount>>, identity: &Email, label: &str) -> bool {
    let email = Email::lenient(label);
    email != *identity && accounts.contains_key(&email)
}

fn shared_pin(id: &str, pins: [(&Email, &Place); 2]) -> Doubt {
    let [(a, a_place), (b, b_place)] = pins;
    Doubt {
        reason: format!("{a_place} and {b_place} pin {a} and {b} to the same account {id}"),
        repair: "correct one of the two pins".into(),
        all_theirs: false,
        because: vec![a_place.clone(), b_place.clone()],
    }
}

fn disagreement(cx: &Context<'_>, account: &LiveAccount, by_pin: &Email, by_address: &Email, place: &Place) -> Doubt {
    Doubt {
        reason: format!(
            "{place} pins {by_pin} to account {}, but that account's address is {}",
            account.id, account.email
        ),
        repair: if cx.desired.named.contains(by_address) {
            let own = cx.accounts.iter().find(|other| cx.identity(&other.email) == by_pin);
            let right = own.map_or_else(String::new, |own| format!("{}, or ", repair::pin(cx, by_pin, &own.id)));
            format!("{by_address} is somebody else in the files: {right}remove the pin at {place}")
        } else {
            format!(
                "if the account is still {by_pin}'s, {}; if not, remove the pin at {place}",
                repair::alias(cx, by_pin, &account.email)
            )
        },
        all_theirs: false,
        because: vec![place.clone()],
    }
}

fn without_address(cx: &Context<'_>, theirs: &[&LiveAccount]) -> Doubt {
    let ids: Vec<&str> = theirs.iter().map(|account| &*account.id).collect();
    Doubt {
        reason: format!("nobody can tell whose account it is, because it has no address (id {})", ids.join(", ")),
        repair: format!(
            "give the account an address in the app; or, if you know whose it is, pin it to that person under `ids` of {}, by \
             its id",
            repair::app(cx)
        ),
        all_theirs: false,
        because: Vec::new(),
    }
}

fn several(cx: &Context<'_>, identity: &Email, theirs: &[&LiveAccount]) -> Doubt {
    // By their ids, so that none is offered first: somebody who copies the first line would have chosen without looking.
    let mut theirs = theirs.to_vec();
    theirs.sort_by(|a, b| a.id.cmp(&b.id));
    let list: Vec<String> =
        theirs.iter().map(|account| format!("{} ({}, id {})", account.email, account.status, account.id)).collect();
    Doubt {
        reason: format!("{identity} has {} accounts: {}", theirs.len(), list.join(" and ")),
        // Only who is named in the files can be pinned.
        repair: if cx.desired.named.contains(identity) {
            let pin = |account: &&LiveAccount| {
                format!("for {} (id {}) {}", account.email, account.id, repair::pin(cx, identity, &account.id))
            };
            let ways: Vec<String> = theirs.iter().map(pin).collect();
            let others = if theirs.len() == 2 { "other" } else { "others" };
            format!("say which one counts: {}; or remove the {others} in the app", ways.join(", or "))
        } else {
            format!("remove all but one in the app; or, to have all of them removed, {}", repair::left(identity))
        },
        all_theirs: true,
        because: Vec::new(),
    }
}

/// The account that was seen under this account's address before it, where this one is new and not of our making: the
/// address may have been given to somebody else.
fn owner_before<'a>(cx: &Context<'a>, identity: &Email, account: &LiveAccount) -> Option<&'a Arc<str>> {
    let history = cx.history?;
    let before = history.seen_under.get(&account.email)?.iter().take_while(|id| **id != account.id);
    // An account that the person had by an alias before is theirs by any other of their addresses.
    let was_theirs = || {
        let others = cx.addresses(identity).filter(|address| **address != account.email);
        others.filter_map(|address| history.seen_under.get(address)).any(|ids| ids.contains(&account.id))
    };
    let is_ours = || {
        history.made_by_us.contains(&account.id)
            || history.readdressed_by_us.contains(&(account.id.clone(), account.email.clone()))
    };
    before.last().filter(|_| !is_ours() && !was_theirs())
}

fn used_again(cx: &Context<'_>, identity: &Email, account: &LiveAccount, before: &str) -> Doubt {
    Doubt {
        reason: format!(
            "{} was the address of account {before}, and now it is that of {}, which was not made by rosterd: it may be \
             somebody else's by now",
            account.email, account.id
        ),
        repair: format!(
            "if it is {identity}'s all the same, {}; if it is somebody else's, give it another address in the app",
            repair::pin(cx, identity, &account.id)
        ),
        all_theirs: false,
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
            Some(other) => {
                let identity = cx.identity(&other.email);
                format!("if {} is the right account, {}", other.email, repair::pin(cx, identity, &other.id))
            }
            None => format!("remove the pin at {place}; the account is then made anew in {}", cx.app.name),
        },
        all_theirs: true,
        because: vec![place.clone()],
    }
}

impl<'a> Matched<'a> {
    /// Whose the account is by the files, and what ties it to them. What only a service's own key says is the word of the
    /// lines that grant it.
    pub(super) fn claim(&self, cx: &Context<'a>, account: &LiveAccount) -> Option<(&'a Email, ClaimedBy)> {
        let (_, identity) = self.by_id(&account.id)?;
        let pin = cx.app.ids.get(identity).map(|(id, _)| id);
        if !cx.desired.named.contains(identity) {
            None
        } else if account.email == *identity {
            cx.people.contains_key(identity).then_some((identity, ClaimedBy::Key))
        } else if cx.identity(&account.email) == identity {
            Some((identity, ClaimedBy::Alias))
        } else {
            (pin == Some(&account.id)).then_some((identity, ClaimedBy::Pin))
        }
    }

    /// Every identity that has a live account.
    pub(super) fn identities(&self) -> impl Iterator<Item = &'a Email> {
        self.accounts.keys().copied()
    }

    /// The account with this id, and the identity behind it.
    pub(super) fn by_id(&self, id: &Arc<str>) -> Option<(&'a LiveAccount, &'a Email)> {
        self.by_id.get(id).copied()
    }

    /// What action names call an account of `identity`.
    pub(super) fn label<'b>(&'b self, account: &LiveAccount, identity: &'b Email) -> &'b str {
        self.labels.get(&account.id).map_or(identity.as_str(), String::as_str)
    }
}
