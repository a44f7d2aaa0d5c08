//! What the past says: who had what, who was seen when, what was ours.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use sqlx::Row as _;

use super::{
    AppKey, Entry, Event, FORGOTTEN, Store, StoreError, deactivations,
    error::Fault,
    ledger::{COVERED, ENTRIES},
    row::{self, nanos, not_negative, tame},
    sightings,
    statement::of,
};
use crate::model::{ADDRESS, AccountStatus, Email};

/// When and how an account was last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// The account's id.
    pub account: Arc<str>,
    /// Its address.
    pub email: Email,
    /// Its status then.
    pub status: AccountStatus,
    /// Since when it had been seen like that.
    pub since: Timestamp,
    /// When it was last seen, at least: an incomplete reading may have shown it later.
    pub last_seen: Timestamp,
    /// The first reading that proved it to be gone.
    pub gone_since: Option<Timestamp>,
}

/// People who lost or gained something by what we did, with the group (`None`: the account itself).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moved {
    /// Who lost something.
    pub lost: BTreeSet<(Email, Option<Arc<str>>)>,
    /// Who gained something.
    pub gained: BTreeSet<(Email, Option<Arc<str>>)>,
}

/// A deactivation of ours that is still the last thing that happened to the account's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnDeactivation {
    /// When.
    pub at: Timestamp,
    /// When a reading first showed that somebody changed the account afterwards, its status aside.
    pub touched_at: Option<Timestamp>,
}

/// An account that we made, which in many apps is an invitation.
#[derive(Debug, Clone, PartialEq)]
pub struct Invitation {
    /// The address it was made for, as the files spell it.
    pub email: Email,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The account's id, where the app told it.
    pub account_id: Option<Arc<str>>,
    /// What the readings say about it since; none when no reading has shown it.
    pub seen: Option<Sighting>,
}

/// An account that we made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The address that it was made for.
    pub email: Email,
    /// When that was entered.
    pub at: Timestamp,
}

impl Store {
    /// The account that was last seen under an address: first one that is there still, then the latest.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn seen_account_by_email(&self, key: &AppKey, email: &Email) -> Result<Option<Sighting>, StoreError> {
        let seen = self.reading("looking up an account", async |tx| sightings::under(tx, key, email).await);
        Ok(sightings::latest(seen.await?))
    }

    /// Ids of all accounts that were ever seen, by the addresses they were seen under, each in the order in which they came.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn seen_under(&self, key: &AppKey) -> Result<BTreeMap<Email, Vec<Arc<str>>>, StoreError> {
        let sql = format!(
            "SELECT email, account, MIN(seen_from) AS since FROM seen_accounts
             WHERE app = $1 AND origin = $2 AND email_key <> '{FORGOTTEN}'
             GROUP BY email, account ORDER BY since, account"
        );
        let seen: Vec<(String, String, i64)> = self.find("looking up who had which address", &sql, of(key)).await?;
        let mut under: BTreeMap<Email, Vec<Arc<str>>> = BTreeMap::new();
        for (email, account, _) in seen {
            let (ids, account) = (under.entry(Email::lenient(&email)).or_default(), account.into());
            // Two spellings of one address are one address.
            if !ids.contains(&account) {
                ids.push(account);
            }
        }
        Ok(under)
    }

    /// How many accounts the last reading that showed all of them showed; none when there was no such reading.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn accounts_last_seen(&self, key: &AppKey) -> Result<Option<usize>, StoreError> {
        self.reading("looking up how many accounts there were", async |tx| {
            let sql = "SELECT accounts FROM readings WHERE app = $1 AND origin = $2 AND all_accounts = 1
                       ORDER BY at DESC LIMIT 1";
            let found = tx.row(sql, of(key)).await?;
            found.map(|(accounts,)| not_negative("accounts", accounts)).transpose()
        })
        .await
    }

    /// Whether any reading has shown a member of a group.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn has_shown_members(&self, key: &AppKey) -> Result<bool, StoreError> {
        self.reading("looking up whether members were ever shown", async |tx| {
            let sql = "SELECT account FROM seen_members WHERE app = $1 AND origin = $2 LIMIT 1";
            let found: Option<(String,)> = tx.row(sql, of(key)).await?;
            Ok(found.is_some())
        })
        .await
    }

    /// Accounts, by id, that we deactivated or deleted since that reading.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn removed_since_last_seen(&self, key: &AppKey) -> Result<BTreeSet<Arc<str>>, StoreError> {
        let sql = format!(
            "SELECT DISTINCT account_id FROM ledger
             WHERE app = $1 AND origin = $2 AND verb IN ('deactivate', 'delete')
               AND result = 'done' AND account_id IS NOT NULL
               AND at >= (SELECT MAX(at) FROM readings WHERE app = $1 AND origin = $2 AND all_accounts = 1)
               AND {COVERED}"
        );
        let removed: Vec<(String,)> = self.find("looking up whom we removed", &sql, of(key)).await?;
        Ok(removed.into_iter().map(|(account,)| account.into()).collect())
    }

    /// How many active accounts there were at `at`; none when no reading had shown all accounts by then.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn active_at(&self, key: &AppKey, at: Timestamp) -> Result<Option<usize>, StoreError> {
        self.reading("counting the accounts there were", async |tx| {
            let sql = "SELECT COUNT(*) FROM readings WHERE app = $1 AND origin = $2 AND all_accounts = 1 AND at <= $3";
            if tx.value::<i64>(sql, of(key).and(nanos(at))).await? == 0 {
                return Ok(None);
            }
            let sql = "SELECT COUNT(*) FROM seen_accounts
                       WHERE app = $1 AND origin = $2 AND status = 'active'
                         AND seen_from <= $3 AND (seen_to IS NULL OR seen_to > $3)";
            not_negative("accounts", tx.value(sql, of(key).and(nanos(at))).await?).map(Some)
        })
        .await
    }

    /// Accounts, by id, whose last deactivation was ours.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn own_deactivations(&self, key: &AppKey) -> Result<BTreeMap<Arc<str>, OwnDeactivation>, StoreError> {
        self.reading("looking up whom we deactivated", async |tx| {
            let mut own = BTreeMap::new();
            for (account, at) in deactivations::last(tx, key).await? {
                if let Some(own_one) = deactivations::still_ours(tx, key, &account, at).await? {
                    own.insert(account, own_one);
                }
            }
            Ok(own)
        })
        .await
    }

    /// People who lost or gained something since an instant, by actions of ours that took effect.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn moved_since(&self, key: &AppKey, since: Timestamp) -> Result<Moved, StoreError> {
        let mut moved = Moved::default();
        for entry in self.done_since(key, since).await? {
            let Some(action) = entry.entry.event.action() else { continue };
            let deed = &action.deed;
            let people = if deed.people.is_empty() { deed.account.as_slice() } else { &deed.people };
            let whom = people.iter().map(|person| match &**person {
                // Several who were forgotten are still several.
                FORGOTTEN => (Email::lenient(&format!("{FORGOTTEN} {}", entry.seq)), deed.group.clone()),
                known => (Email::lenient(known), deed.group.clone()),
            });
            if deed.reduces_access {
                moved.lost.extend(whom.clone());
            }
            if deed.gains {
                moved.gained.extend(whom);
            }
        }
        Ok(moved)
    }

    /// The last of each action of ours that took effect on an account or a membership, oldest first: all that tells who
    /// was changed last by what, without the whole past.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_done(&self, key: &AppKey) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "{ENTRIES}
             WHERE seq IN (
                 SELECT MAX(seq) FROM ledger
                 WHERE app = $1 AND origin = $2 AND kind = 'action' AND result = 'done'
                   AND action IS NOT NULL AND {COVERED}
                 GROUP BY action, account_id)
             ORDER BY seq"
        );
        self.find("looking up what we changed last", &sql, of(key)).await
    }

    /// Entries about what we gave somebody in an app, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn given_to(&self, key: &AppKey, person: &Email) -> Result<Vec<Entry>, StoreError> {
        let sql = format!(
            "{ENTRIES}
             WHERE app = $1 AND origin = $2 AND seq IN (SELECT seq FROM ledger_people WHERE person = $3)
               AND kind = 'action' AND result = 'done'
               AND verb IN ('create', 'reactivate', 'update', 'add-member', 'change-member')
               AND {COVERED} ORDER BY seq"
        );
        let person = tame(person.key());
        self.find("looking up what somebody was given", &sql, of(key).and(&*person)).await
    }

    /// Accounts, by id, that we gave another address, each with that address.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn own_addresses(&self, key: &AppKey) -> Result<BTreeSet<(Arc<str>, Email)>, StoreError> {
        // Most updates are about something else, and need not be read.
        let sql = format!(
            "{ENTRIES}
             WHERE app = $1 AND origin = $2 AND verb = 'update' AND result = 'done'
               AND account_id IS NOT NULL AND body LIKE '%\"{ADDRESS}\"%' AND {COVERED}"
        );
        let entries: Vec<Entry> = self.find("looking up which addresses we gave", &sql, of(key)).await?;
        let given = entries.into_iter().filter_map(|entry| {
            let Event::Action(action) = entry.entry.event else { return None };
            let deed = action.deed;
            let to = deed.changes.iter().find(|change| &*change.field == ADDRESS)?.to.as_ref()?;
            Some((deed.account_id?, Email::lenient(to.texts().next()?)))
        });
        Ok(given.collect())
    }

    /// Accounts, by id, that no reading has proven to be gone, each with the address and the status that it was seen with last.
    /// What we deleted ourselves is not among them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn accounts_there(&self, key: &AppKey) -> Result<BTreeMap<Arc<str>, (Email, AccountStatus)>, StoreError> {
        self.reading("looking up who was there", async |tx| {
            let sql = format!(
                "SELECT account, email, status FROM seen_accounts
                 WHERE app = $1 AND origin = $2 AND seen_to IS NULL AND account NOT IN (
                     SELECT account_id FROM ledger WHERE app = $1 AND origin = $2 AND verb = 'delete'
                       AND result = 'done' AND account_id IS NOT NULL AND {COVERED})"
            );
            let rows = tx.found(&sql, of(key)).await?;
            let there = rows.iter().map(|row| {
                let shown = (Email::lenient(row.try_get("email")?), row::status(row)?);
                Ok::<_, Fault>((row::shared(row, "account")?, shown))
            });
            there.collect()
        })
        .await
    }

    /// Accounts, by id, that we made and that no reading had shown before we did, each with the address that it was made for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn accounts_made(&self, key: &AppKey) -> Result<BTreeMap<Arc<str>, Made>, StoreError> {
        self.reading("looking up whom we made", async |tx| {
            let sql = format!(
                "{ENTRIES}
                 WHERE app = $1 AND origin = $2 AND verb IN ('create', 'add-member')
                   AND made = 1 AND result = 'done' AND account_id IS NOT NULL
                   AND NOT EXISTS (
                     SELECT 1 FROM seen_accounts AS seen WHERE seen.app = $1 AND seen.origin = $2
                       AND seen.account = ledger.account_id AND seen.seen_from < ledger.at)
                   AND {COVERED} ORDER BY seq"
            );
            let mut made = BTreeMap::new();
            for entry in tx.rows::<Entry>(&sql, of(key)).await? {
                let Some(deed) = entry.entry.event.action().map(|action| &action.deed) else { continue };
                let (Some(id), Some(account)) = (&deed.account_id, &deed.account) else { continue };
                if **account != *FORGOTTEN {
                    made.insert(id.clone(), Made { email: Email::lenient(account), at: entry.entry.at });
                }
            }
            Ok(made)
        })
        .await
    }

    /// Groups, by name, that we made, each with the id that the app gave it: the last one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn groups_made(&self, key: &AppKey) -> Result<BTreeMap<Arc<str>, Arc<str>>, StoreError> {
        let sql = format!(
            "{ENTRIES}
             WHERE app = $1 AND origin = $2 AND verb = 'create-group' AND result = 'done' AND {COVERED} ORDER BY seq"
        );
        let entries: Vec<Entry> = self.find("looking up which groups we made", &sql, of(key)).await?;
        let made = entries.into_iter().filter_map(|entry| match entry.entry.event {
            Event::Action(action) => action.deed.group.zip(action.deed.group_id),
            _ => None,
        });
        Ok(made.collect())
    }

    /// Accounts that we made, and memberships that made one, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn invitations(&self, key: &AppKey) -> Result<Vec<Invitation>, StoreError> {
        self.reading("looking up invitations", async |tx| {
            let sql = format!(
                "{ENTRIES}
                 WHERE app = $1 AND origin = $2 AND verb IN ('create', 'add-member')
                   AND made = 1 AND result = 'done' AND {COVERED} ORDER BY seq"
            );
            let mut invitations = Vec::new();
            for entry in tx.rows::<Entry>(&sql, of(key)).await? {
                let Event::Action(said) = entry.entry.event else { continue };
                let Some(account) = said.deed.account.filter(|account| **account != *FORGOTTEN) else { continue };
                let email = Email::lenient(&account);
                let seen = match &said.deed.account_id {
                    Some(id) => sightings::of_account(tx, key, id).await?,
                    None => sightings::under(tx, key, &email).await?,
                };
                invitations.push(Invitation {
                    email,
                    sent_at: said.sent_at.unwrap_or(entry.entry.at),
                    account_id: said.deed.account_id,
                    seen: sightings::latest(seen),
                });
            }
            Ok(invitations)
        })
        .await
    }
}
