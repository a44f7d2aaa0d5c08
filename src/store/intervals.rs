//! From when until when something was seen: what a reading changes about that.
//!
//! A row begins with the first reading that showed it so, and ends with the first that showed it otherwise or proved it
//! gone. A reading that shows what was there before writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sqlx::any::AnyRow;

use super::{
    AppKey, Covered, Reading, SeenAccount, SeenMembership, SeenValues,
    error::Fault,
    open::Tx,
    row::{self, tame},
};

/// A membership's place: the account and the group.
type Place = (Arc<str>, Arc<str>);

/// What holds as far as anybody knows.
#[derive(Default)]
pub(super) struct Current {
    accounts: BTreeMap<Arc<str>, Account>,
    members: BTreeMap<Place, Member>,
}

/// An account as it was last seen, in the form of its columns.
#[derive(Debug, Clone, PartialEq)]
struct Account {
    email: String,
    email_key: String,
    status: String,
    fields: SeenValues,
}

/// A membership, likewise.
#[derive(Debug, Clone, PartialEq)]
struct Member {
    group_name: String,
    status: String,
    fields: SeenValues,
}

/// What a reading changes.
#[derive(Default)]
pub(super) struct Changes {
    ended_accounts: Vec<Arc<str>>,
    begun_accounts: Vec<(Arc<str>, Account)>,
    ended_members: Vec<Place>,
    begun_members: Vec<(Place, Member)>,
}

/// Reads what holds.
pub(super) async fn current(tx: &mut Tx<'_>, key: &AppKey) -> Result<Current, Fault> {
    let mut current = Current::default();
    let sql = "SELECT account, email, email_key, status, fields FROM seen_accounts
               WHERE app = $1 AND origin = $2 AND seen_to IS NULL";
    for found in sqlx::query(sql).bind(&*key.app).bind(&*key.origin).fetch_all(tx.connection()?).await? {
        current.accounts.insert(row::shared(&found, "account")?, Account::read(&found)?);
    }
    let sql = "SELECT account, group_id, group_name, status, fields FROM seen_members
               WHERE app = $1 AND origin = $2 AND seen_to IS NULL";
    for found in sqlx::query(sql).bind(&*key.app).bind(&*key.origin).fetch_all(tx.connection()?).await? {
        let place = (row::shared(&found, "account")?, row::shared(&found, "group_id")?);
        current.members.insert(place, Member::read(&found)?);
    }
    Ok(current)
}

impl Account {
    fn read(found: &AnyRow) -> Result<Self, Fault> {
        Ok(Self {
            email: row::text(found, "email")?,
            email_key: row::text(found, "email_key")?,
            status: row::text(found, "status")?,
            fields: row::values(&row::text(found, "fields")?)?,
        })
    }

    fn new(seen: &SeenAccount, before: Option<&Self>) -> Self {
        Self {
            email: tame(seen.email.as_str()).into_owned(),
            email_key: tame(seen.email.key()).into_owned(),
            status: row::status_text(&seen.status),
            fields: known(&seen.values, before.map(|before| &before.fields)),
        }
    }
}

impl Member {
    fn read(found: &AnyRow) -> Result<Self, Fault> {
        Ok(Self {
            group_name: row::text(found, "group_name")?,
            status: row::text(found, "status")?,
            fields: row::values(&row::text(found, "fields")?)?,
        })
    }

    fn new(seen: &SeenMembership, before: Option<&Self>) -> Self {
        Self {
            group_name: tame(&seen.group_name).into_owned(),
            status: row::status_text(&seen.status),
            fields: known(&seen.values, before.map(|before| &before.fields)),
        }
    }
}

/// What was not seen this time holds as it did before.
fn known(seen: &SeenValues, before: Option<&SeenValues>) -> SeenValues {
    let mut fields = before.cloned().unwrap_or_default();
    fields.extend(seen.iter().map(|(name, value)| (name.clone(), value.clone())));
    fields
}

fn id(id: &Arc<str>) -> Arc<str> {
    if id.contains('\0') { tame(id).into() } else { id.clone() }
}

impl Current {
    /// What a reading changes about it.
    pub(super) fn compare(&self, reading: &Reading) -> Result<Changes, Fault> {
        let mut changes = Changes::default();
        // An account that is listed twice is one account.
        let accounts: BTreeMap<Arc<str>, &SeenAccount> =
            reading.accounts.iter().map(|account| (id(&account.id), account)).collect();
        let members: BTreeMap<Place, &SeenMembership> =
            reading.memberships.iter().map(|member| ((id(&member.account), id(&member.group)), member)).collect();
        for (id, seen) in &accounts {
            let before = self.accounts.get(id);
            let now = Account::new(seen, before);
            if before != Some(&now) {
                changes.ended_accounts.extend(before.map(|_| id.clone()));
                changes.begun_accounts.push((id.clone(), now));
            }
        }
        for (place, seen) in &members {
            let before = self.members.get(place);
            let now = Member::new(seen, before);
            if before != Some(&now) {
                changes.ended_members.extend(before.map(|_| place.clone()));
                changes.begun_members.push((place.clone(), now));
            }
        }
        let covered = &reading.covered;
        let absent: BTreeSet<String> = covered.absent.iter().map(|email| tame(email.key()).into_owned()).collect();
        let unseen = self.accounts.iter().filter(|(id, _)| !accounts.contains_key(*id));
        let gone: BTreeSet<&Arc<str>> = unseen
            .filter(|(_, account)| covered.accounts || absent.contains(&account.email_key))
            .map(|(id, _)| id)
            .collect();
        changes.ended_accounts.extend(gone.iter().map(|id| (*id).clone()));
        let unseen = self.members.keys().filter(|place| !members.contains_key(*place));
        let ended = unseen.filter(|(account, group)| {
            // Nobody can be a member without an account. Where there never was one, the app did not show it.
            let without_account = covered.accounts && !accounts.contains_key(account);
            gone.contains(account) || without_account || covered.ends(account, group)
        });
        changes.ended_members.extend(ended.cloned());
        Ok(changes)
    }
}

impl Covered {
    /// Whether a membership that was not seen is gone, although its account is there.
    fn ends(&self, account: &Arc<str>, group: &Arc<str>) -> bool {
        if self.all_groups.as_ref().is_some_and(|groups| !groups.contains(group)) {
            return true;
        }
        (self.groups.contains(group) || self.memberships_of.contains(account)) && !self.unread.contains(account)
    }
}

/// Writes what a reading changes.
pub(super) async fn write(tx: &mut Tx<'_>, key: &AppKey, at: i64, changes: &Changes) -> Result<(), Fault> {
    end_accounts(tx, key, at, &changes.ended_accounts).await?;
    end_members(tx, key, at, &changes.ended_members).await?;
    begin_accounts(tx, key, at, &changes.begun_accounts).await?;
    begin_members(tx, key, at, &changes.begun_members).await
}

async fn end_accounts(tx: &mut Tx<'_>, key: &AppKey, at: i64, ended: &[Arc<str>]) -> Result<(), Fault> {
    for chunk in ended.chunks(row::ROWS) {
        let sql = format!(
            "UPDATE seen_accounts SET seen_to = $1
             WHERE app = $2 AND origin = $3 AND seen_to IS NULL AND account IN {}",
            row::placeholders(4, 1, chunk.len())
        );
        let mut query = sqlx::query(&sql).persistent(false).bind(at).bind(&*key.app).bind(&*key.origin);
        for account in chunk {
            query = query.bind(&**account);
        }
        query.execute(tx.connection()?).await?;
    }
    Ok(())
}

async fn end_members(tx: &mut Tx<'_>, key: &AppKey, at: i64, ended: &[Place]) -> Result<(), Fault> {
    for chunk in ended.chunks(row::ROWS) {
        let sql = format!(
            "UPDATE seen_members SET seen_to = $1
             WHERE app = $2 AND origin = $3 AND seen_to IS NULL AND (account, group_id) IN (VALUES {})",
            row::placeholders(4, chunk.len(), 2)
        );
        let mut query = sqlx::query(&sql).persistent(false).bind(at).bind(&*key.app).bind(&*key.origin);
        for (account, group) in chunk {
            query = query.bind(&**account).bind(&**group);
        }
        query.execute(tx.connection()?).await?;
    }
    Ok(())
}

async fn begin_accounts(tx: &mut Tx<'_>, key: &AppKey, at: i64, begun: &[(Arc<str>, Account)]) -> Result<(), Fault> {
    for chunk in begun.chunks(row::ROWS) {
        let sql = format!(
            "INSERT INTO seen_accounts (app, origin, account, seen_from, email, email_key, status, fields) VALUES {}",
            row::placeholders(1, chunk.len(), 8)
        );
        let mut query = sqlx::query(&sql).persistent(false);
        for (id, account) in chunk {
            query = query
                .bind(&*key.app)
                .bind(&*key.origin)
                .bind(&**id)
                .bind(at)
                .bind(&*account.email)
                .bind(&*account.email_key)
                .bind(&*account.status)
                .bind(row::values_text(&account.fields)?);
        }
        query.execute(tx.connection()?).await?;
    }
    Ok(())
}

async fn begin_members(tx: &mut Tx<'_>, key: &AppKey, at: i64, begun: &[(Place, Member)]) -> Result<(), Fault> {
    for chunk in begun.chunks(row::ROWS) {
        let sql = format!(
            "INSERT INTO seen_members (app, origin, account, group_id, seen_from, group_name, status, fields) VALUES {}",
            row::placeholders(1, chunk.len(), 8)
        );
        let mut query = sqlx::query(&sql).persistent(false);
        for ((account, group), member) in chunk {
            query = query
                .bind(&*key.app)
                .bind(&*key.origin)
                .bind(&**account)
                .bind(&**group)
                .bind(at)
                .bind(&*member.group_name)
                .bind(&*member.status)
                .bind(row::values_text(&member.fields)?);
        }
        query.execute(tx.connection()?).await?;
    }
    Ok(())
}
