//! Which entry of the files the past of an app belongs to. An entry can be renamed, and its url spelt another way; the app is
//! the same one as long as it shows the same accounts.
//!
//! What is known then goes to the new entry: the rows themselves, those of the ledger included, whose columns find an entry for
//! the app that it counts for now. Its text, and with it the chain, stays as it was written. An entry of its own says which
//! name the rows before it had, so that `history --verify` can tell a move from a forgery.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use sqlx::Row as _;

use super::{
    AppKey, Event, Lease, NewEntry, NewIntent, Renamed, Store, StoreError,
    error::Fault,
    lease::{self, FOR_UPDATE},
    ledger::{self, COVERED, Draft, Text},
    open::Tx,
    personal::Personal,
    row::{column, tame},
    statement::{none, of},
};
use crate::model::escape;

/// Whether an app is the one that was seen before takes no more ids than this.
const SAMPLE: usize = 200;

/// Tables whose rows are of one app, and hold nothing else that names it.
const TABLES: [&str; 6] =
    ["facts", "readings", "seen_accounts", "seen_members", "declared_groups", "claims_to_inherit"];

impl Store {
    /// Ids of accounts that the app is known by: of those that can be used and that no reading has proven to be gone, and that
    /// we did not take off since. At most 200, from all over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn known_accounts(&self, key: &AppKey) -> Result<Vec<Arc<str>>, StoreError> {
        self.reading("looking up by which accounts an app is known", async |tx| known(tx, key).await).await
    }

    /// Notes by which connector an app is read.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn note_connector(&self, lease: &Lease, connector: &str) -> Result<(), StoreError> {
        self.leased("noting by which connector an app is read", lease, async |tx| {
            let sql = "UPDATE apps SET connector = $3
                       WHERE app = $1 AND origin = $2 AND (connector IS NULL OR connector <> $3)";
            tx.run(sql, of(lease.key()).and(connector)).await.map(drop)
        })
        .await
    }

    /// Other apps that were read to the end by a connector, each with the ids that it is known by.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn others_read_by(
        &self,
        connector: &str,
        key: &AppKey,
    ) -> Result<BTreeMap<AppKey, Vec<Arc<str>>>, StoreError> {
        self.reading("looking up which apps were read before", async |tx| {
            let sql = "SELECT app, origin FROM apps WHERE connector = $3 AND NOT (app = $1 AND origin = $2)
                       AND EXISTS (SELECT 1 FROM readings WHERE readings.app = apps.app
                                   AND readings.origin = apps.origin AND all_accounts = 1)";
            let mut others = BTreeMap::new();
            for other in tx.rows::<AppKey>(sql, of(key).and(connector)).await? {
                let ids = known(tx, &other).await?;
                others.insert(other, ids);
            }
            Ok(others)
        })
        .await
    }

    /// Makes what is known of one app that of another, which nobody has read to the end yet. Returns whether that was so.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease) of either lease, or when the store fails.
    pub async fn move_past(&self, from: &Lease, to: &Lease, at: Timestamp, run: &Arc<str>) -> Result<bool, StoreError> {
        self.journal("taking over what is known of an app under its former name", async |tx| {
            lease::check(tx, from, FOR_UPDATE).await?;
            lease::check(tx, to, FOR_UPDATE).await?;
            let (from, to) = (from.key(), to.key());
            let sql = "SELECT COUNT(*) FROM readings WHERE app = $1 AND origin = $2 AND all_accounts = 1";
            if tx.value::<i64>(sql, of(to)).await? > 0 {
                return Ok(false);
            }
            ledger::head(tx).await?;
            rows(tx, from, to).await?;
            claims(tx, from, to).await?;
            intents(tx, from, to).await?;
            entries(tx, from, to).await?;
            if from.app != to.app {
                approvals(tx, from, to).await?;
                pauses(tx, from, to).await?;
            }
            tx.run("UPDATE apps SET connector = NULL, next_due = NULL WHERE app = $1 AND origin = $2", of(from))
                .await?;
            let event = Event::Renamed(Renamed { was: from.clone() });
            let entry = NewEntry { at, run: Some(run.clone()), event };
            ledger::append(tx, &[Draft::new(Some(to), Cow::Owned(entry))]).await?;
            Ok(true)
        })
        .await
    }
}

async fn known(tx: &mut Tx<'_>, key: &AppKey) -> Result<Vec<Arc<str>>, Fault> {
    let sql = format!(
        "SELECT account FROM seen_accounts AS seen
         WHERE app = $1 AND origin = $2 AND seen_to IS NULL AND status <> 'inactive'
           AND NOT EXISTS (
               SELECT 1 FROM ledger WHERE ledger.app = seen.app AND ledger.origin = seen.origin
                 AND ledger.account_id = seen.account AND verb IN ('deactivate', 'delete') AND result = 'done'
                 AND ledger.at >= seen.seen_from AND {COVERED})
         ORDER BY account"
    );
    let ids: Vec<(String,)> = tx.rows(&sql, of(key)).await?;
    let every = ids.len().div_ceil(SAMPLE).max(1);
    Ok(ids.into_iter().step_by(every).map(|(id,)| id.into()).collect())
}

/// What was read of the new one so far was never all of it, and is read again.
async fn rows(tx: &mut Tx<'_>, from: &AppKey, to: &AppKey) -> Result<(), Fault> {
    for table in TABLES {
        tx.run(&format!("DELETE FROM {table} WHERE app = $1 AND origin = $2"), of(to)).await?;
        let sql = format!("UPDATE {table} SET app = $3, origin = $4 WHERE app = $1 AND origin = $2");
        tx.run(&sql, of(from).and(&*to.app).and(&*to.origin)).await?;
    }
    Ok(())
}

async fn claims(tx: &mut Tx<'_>, from: &AppKey, to: &AppKey) -> Result<(), Fault> {
    // What was accepted under both names was accepted.
    let sql = "DELETE FROM claims WHERE app = $1 AND origin = $2 AND EXISTS (
                   SELECT 1 FROM claims AS same WHERE same.app = $3 AND same.origin = $4
                     AND same.account = claims.account AND same.identity = claims.identity)";
    let both = || of(from).and(&*to.app).and(&*to.origin);
    tx.run(sql, both()).await?;
    tx.run("UPDATE claims SET app = $3, origin = $4 WHERE app = $1 AND origin = $2", both()).await.map(drop)
}

/// What is under way goes by the new name, so that the plan knows it by the names of its own actions.
async fn intents(tx: &mut Tx<'_>, from: &AppKey, to: &AppKey) -> Result<(), Fault> {
    let sql = "SELECT id, action, body FROM intents WHERE app = $1 AND origin = $2 ORDER BY id";
    let open: Vec<(i64, String, String)> = tx.rows(sql, of(from)).await?;
    for (id, action, body) in open {
        let mut intent: NewIntent = serde_json::from_str(&body)?;
        let name = intent.deed.name(&to.app).to_string();
        let sql = "SELECT COUNT(*) FROM intents WHERE app = $1 AND origin = $2 AND action = $3";
        let is_free = tx.value::<i64>(sql, of(to).and(tame(&name).into_owned())).await? == 0;
        // Two of one name are two requests; both are looked for, and the next run sends the action again at the earliest.
        intent.action = if is_free { name } else { action };
        let sql = "UPDATE apps SET intents = intents + 1 WHERE app = $1 AND origin = $2 RETURNING intents";
        let next: i64 = tx.value(sql, of(to)).await?;
        let sql = "UPDATE intents SET app = $4, origin = $5, id = $6, action = $7, body = $8
                   WHERE app = $1 AND origin = $2 AND id = $3";
        let params = of(from).and(id).and(&*to.app).and(&*to.origin).and(next);
        let params = params.and(tame(&intent.action).into_owned()).and(serde_json::to_string(&intent)?);
        tx.run(sql, params).await?;
    }
    Ok(())
}

/// The columns that find the ledger's entries.
async fn entries(tx: &mut Tx<'_>, from: &AppKey, to: &AppKey) -> Result<(), Fault> {
    // An action's name begins with the app's.
    let rest = column(escape(&from.app).chars().count() + 1);
    let sql = "UPDATE ledger SET app = $3, origin = $4, action = $5 || substr(action, CAST($6 AS INTEGER))
               WHERE app = $1 AND origin = $2";
    let params = of(from).and(&*to.app).and(&*to.origin).and(escape(&to.app)).and(rest);
    tx.run(sql, params).await.map(drop)
}

/// An approval that was used is used under the new name as well.
async fn approvals(tx: &mut Tx<'_>, from: &AppKey, to: &AppKey) -> Result<(), Fault> {
    let (before, now) = (escape(&from.app), escape(&to.app));
    let renamed = |text: &str| {
        let rest = text.strip_prefix(&*before).filter(|rest| rest.starts_with(['/', ' ']))?;
        Some(format!("{now}{rest}"))
    };
    let uses: Vec<(String, String, String)> =
        tx.rows("SELECT approval, action, person FROM approval_uses", none()).await?;
    for (approval, action, person) in uses {
        let Some(new) = renamed(&approval) else { continue };
        let new_action = renamed(&action).unwrap_or_else(|| action.clone());
        let sql = "INSERT INTO approval_uses (approval, action, person, place, first_at, last_at)
                   SELECT $4, $5, person, place, first_at, last_at FROM approval_uses
                   WHERE approval = $1 AND action = $2 AND person = $3
                   ON CONFLICT (approval, action, person) DO NOTHING";
        let params = none().and(&*approval).and(&*action).and(&*person);
        tx.run(sql, params.and(new).and(new_action)).await?;
    }
    Ok(())
}

/// A pause goes on, unless the new name has one that lasts longer.
async fn pauses(tx: &mut Tx<'_>, from: &AppKey, to: &AppKey) -> Result<(), Fault> {
    let both = || none().and(&*from.app).and(&*to.app);
    let sql = "DELETE FROM pauses WHERE app = $2 AND until < (SELECT MAX(until) FROM pauses WHERE app = $1)";
    tx.run(sql, both()).await?;
    let sql = "UPDATE pauses SET app = $2 WHERE app = $1 AND NOT EXISTS (SELECT 1 FROM pauses WHERE app = $2)";
    tx.run(sql, both()).await.map(drop)
}

/// Under which name the ledger's entries are found now.
#[derive(Default)]
pub(super) struct Moves(Vec<(u64, AppKey, AppKey)>);

impl Moves {
    pub(super) async fn of_ledger(tx: &mut Tx<'_>) -> Result<Self, Fault> {
        let sql = format!("SELECT body FROM ledger WHERE kind = 'renamed' AND {COVERED} ORDER BY seq");
        let mut moves = Vec::new();
        for found in tx.found(&sql, none()).await? {
            // One that cannot be read is found by whoever goes through the chain.
            let Ok(text) = serde_json::from_str::<Text>(found.try_get("body")?) else { continue };
            let (seq, key) = (text.seq, text.key());
            let event = text.open(Personal::default()).map(|entry| entry.event);
            if let (Ok(Event::Renamed(Renamed { was })), Some(now)) = (event, key) {
                moves.push((seq, was, now));
            }
        }
        Ok(Self(moves))
    }

    /// The app that an entry counts for now, by that for which it was written.
    pub(super) fn now(&self, seq: u64, written_for: Option<AppKey>) -> Option<AppKey> {
        let later = self.0.iter().filter(|(at, ..)| *at > seq);
        written_for.map(|key| later.fold(key, |key, (_, was, now)| if key == *was { now.clone() } else { key }))
    }
}
