//! Retention: deletes entries and readings that are older than they are to be kept, except what is still needed.
//!
//! Old entries go from the start of the chain. The hash of the last of them and that of those that stay are written into
//! the chain, so that `history --verify` can begin there. An old entry stays as long as something that the engine knows
//! rests on it alone: that a deactivation was ours, whom we invited, which members we put into a group that cannot be
//! read, which address we gave. Of readings stays what tells whether somebody touched an account that we deactivated,
//! and whose an address was before.

use std::{borrow::Cow, collections::BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    AppKey, Event, NewEntry, Pruned, Store, StoreError, deactivations,
    error::Fault,
    ledger::{self, Draft},
    open::Tx,
    row::{self, nanos},
    statement::{none, of},
    verify,
};
use crate::model::{ADDRESS, Keep};

/// It is done so often.
const EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Guards count over a rolling day. Nothing is deleted before it is twice as old.
const LEAST: SignedDuration = SignedDuration::from_hours(48);

/// Rows that one transaction deletes at most, about, so that nobody else waits long for it.
const BATCH: i64 = 5000;

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Entries of the ledger.
    pub entries: u64,
    /// Readings, and what they had shown.
    pub readings: u64,
}

impl Store {
    /// Deletes what is old enough, at most once a day.
    ///
    /// # Errors
    /// When the store fails. What was deleted by then stays deleted, and the next day goes on.
    pub async fn sweep(&self, keep: &Keep, now: Timestamp) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let before = |keep: std::time::Duration| {
            let age = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX).max(LEAST);
            now.checked_sub(age).map_or(i64::MIN, nanos)
        };
        if *keep == Keep::default() || !self.is_time_to_sweep(now).await? {
            return Ok(swept);
        }
        let doing = "deleting what is older than it is to be kept";
        if let Some(before) = keep.readings.map(before) {
            for sql in [members(), accounts()] {
                loop {
                    let spans = async |tx: &mut Tx<'_>| tx.run(&sql, none().and(before).and(BATCH)).await;
                    let deleted = self.writing(doing, spans).await?;
                    swept.readings += deleted;
                    if deleted == 0 {
                        break;
                    }
                }
            }
            swept.readings += self.writing(doing, async |tx| delete_readings(tx, before).await).await?;
        }
        if let Some(before) = keep.ledger.map(before) {
            while let Some(deleted) = self.writing(doing, async |tx| prune(tx, before, now).await).await? {
                swept.entries += deleted;
            }
        }
        Ok(swept)
    }

    /// Whether nobody has done it for a day. Whoever is told so does it.
    async fn is_time_to_sweep(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.writing("looking up when old entries were deleted last", async |tx| {
            let sql = "UPDATE ledger_head SET swept_at = $1 WHERE one = 1 AND (swept_at IS NULL OR swept_at <= $2)";
            let last = now.checked_sub(EVERY).map_or(i64::MIN, nanos);
            Ok(tx.run(sql, none().and(nanos(now)).and(last)).await? > 0)
        })
        .await
    }
}

/// Deletes entries about readings, except the last one of everything, and the first one of everything behind a
/// deactivation of ours, which tells whether it was undone at once.
async fn delete_readings(tx: &mut Tx<'_>, before: i64) -> Result<u64, Fault> {
    let mut deleted = 0;
    for key in tx.rows::<AppKey>("SELECT app, origin FROM apps", none()).await? {
        let mut needed = BTreeSet::new();
        for at in deactivations::last(tx, &key).await?.into_values() {
            let sql = "SELECT MIN(at) FROM readings WHERE app = $1 AND origin = $2 AND all_accounts = 1 AND at > $3";
            needed.extend(tx.value::<Option<i64>>(sql, of(&key).and(at)).await?);
        }
        let sql = "SELECT at FROM readings WHERE app = $1 AND origin = $2 AND at < (
                       SELECT MAX(at) FROM readings WHERE app = $1 AND origin = $2 AND all_accounts = 1 AND at < $3)";
        let mut old: Vec<(i64,)> = tx.rows(sql, of(&key).and(before)).await?;
        old.retain(|(at,)| !needed.contains(at));
        let sql = "DELETE FROM readings WHERE app = $1 AND origin = $2 AND at IN {}";
        deleted += tx.run_each(sql, || of(&key), &old, |params, (at,)| Ok(params.and(*at))).await?;
    }
    Ok(deleted)
}

/// Deletes some of the oldest entries, and says how many; none when no more are old enough.
async fn prune(tx: &mut Tx<'_>, before: i64, now: Timestamp) -> Result<Option<u64>, Fault> {
    let (head, _) = ledger::head(tx).await?;
    let start = verify::anchor(tx).await?.map_or(0, |pruned| row::column(pruned.through));
    let sql = "SELECT MIN(seq) FROM ledger WHERE seq > $1 AND at >= $2";
    let young: Option<i64> = tx.value(sql, none().and(start).and(before)).await?;
    let through = (young.unwrap_or(row::column(head + 1)) - 1).min(start + BATCH);
    let sql = "SELECT COUNT(*) FROM ledger WHERE seq > $1 AND seq <= $2 AND kind <> 'pruned'";
    if tx.value::<i64>(sql, none().and(start).and(through)).await? == 0 {
        return Ok(None);
    }
    let hash = tx.value("SELECT hash FROM ledger WHERE seq = $1", none().and(through)).await?;
    let deleted = delete_entries(tx, through).await?;
    let sql = "SELECT hash FROM ledger WHERE seq >= 1 AND seq <= $1 ORDER BY seq";
    let kept: Vec<(String,)> = tx.rows(sql, none().and(through)).await?;
    let kept = row::hash(&kept.iter().map(|(hash,)| &**hash).collect::<Vec<_>>());
    let through = u64::try_from(through).unwrap_or_default();
    let entry = NewEntry { at: now, run: None, event: Event::Pruned(Pruned { through, hash, deleted, kept }) };
    ledger::append(tx, &[Draft::new(None, Cow::Owned(entry))]).await?;
    Ok(Some(deleted))
}

/// Deletes entries up to a place, with all that stands beside them, except those that are needed.
async fn delete_entries(tx: &mut Tx<'_>, through: i64) -> Result<u64, Fault> {
    let sql = format!("SELECT seq FROM ledger WHERE seq >= 1 AND seq <= $1 AND ({}) IS NOT TRUE", needed());
    let old: Vec<(i64,)> = tx.rows(&sql, none().and(through)).await?;
    for table in ["ledger_people", "ledger_personal", "runs", "ledger"] {
        let sql = format!("DELETE FROM {table} WHERE seq IN {{}}");
        tx.run_each(&sql, none, &old, |params, (seq,)| Ok(params.and(*seq))).await?;
    }
    Ok(old.len() as u64)
}

/// Whether we did something of these kinds to the same account later.
fn later(verbs: &str, more: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM ledger AS later WHERE later.app = ledger.app AND later.origin = ledger.origin
                 AND later.account_id = ledger.account_id AND later.seq > ledger.seq AND later.result = 'done'
                 AND later.verb IN ({verbs}) {more})"
    )
}

/// The condition for an old entry (up to place `$1`) that something still rests on.
fn needed() -> String {
    let deleted = later("'delete'", "");
    let status = later("'create', 'reactivate', 'deactivate', 'delete'", "");
    let left = later("'remove-member'", "AND later.group_id = ledger.group_id");
    format!(
        "kind IN ('migrated', 'forgot', 'renamed')
         OR (kind IN ('run-begun', 'run-ended') AND (
             EXISTS (SELECT 1 FROM ledger AS later WHERE later.run = ledger.run AND later.seq > $1)
             OR EXISTS (SELECT 1 FROM runs WHERE runs.id = ledger.run AND runs.ended_at IS NULL)))
         OR (result = 'done' AND (
             (made = 1 AND NOT {deleted})
             OR (account_id IS NOT NULL AND NOT {deleted} AND (
                 (verb = 'deactivate' AND NOT {status})
                 OR (verb = 'update' AND body LIKE '%\"{ADDRESS}\"%')
                 OR (verb IN ('add-member', 'change-member') AND group_id IS NOT NULL AND NOT {left}
                     AND NOT EXISTS (SELECT 1 FROM ledger AS gone WHERE gone.app = ledger.app
                         AND gone.origin = ledger.origin AND gone.verb = 'delete-group' AND gone.seq > ledger.seq
                         AND gone.group_id = ledger.group_id AND gone.result = 'done'))))
             OR (verb IN ('deactivate', 'delete') AND at >= (
                 SELECT MAX(readings.at) FROM readings WHERE readings.app = ledger.app
                     AND readings.origin = ledger.origin AND all_accounts = 1))))"
    )
}

/// The condition that a row `seen` shows an account since we deactivated it, where that is the last thing we did to it.
fn shows_what_we_deactivated() -> String {
    format!(
        "EXISTS (SELECT 1 FROM ledger WHERE ledger.app = seen.app AND ledger.origin = seen.origin
                 AND ledger.account_id = seen.account AND verb = 'deactivate' AND result = 'done'
                 AND ledger.at < seen.seen_to AND NOT {})",
        later("'create', 'reactivate', 'deactivate', 'delete'", "")
    )
}

/// Deletes memberships that were last seen before `$1`. The first row of a group tells since when it is looked at.
fn members() -> String {
    format!(
        "DELETE FROM seen_members WHERE (app, origin, account, group_id, seen_from) IN (
             SELECT app, origin, account, group_id, seen_from FROM seen_members AS seen
             WHERE seen_to < $1 AND NOT {}
               AND EXISTS (SELECT 1 FROM seen_members AS first WHERE first.app = seen.app AND first.origin = seen.origin
                   AND first.group_id = seen.group_id AND first.seen_from < seen.seen_from) LIMIT $2)",
        shows_what_we_deactivated()
    )
}

/// Deletes what accounts were before `$1`: except what an account that is there was called, whose the address of one was
/// before, and what became of one that we made.
fn accounts() -> String {
    format!(
        "DELETE FROM seen_accounts WHERE (app, origin, account, seen_from) IN (
             SELECT app, origin, account, seen_from FROM seen_accounts AS seen
             WHERE seen_to < $1 AND NOT {}
               AND NOT EXISTS (SELECT 1 FROM seen_accounts AS now WHERE now.app = seen.app AND now.origin = seen.origin
                   AND now.seen_to IS NULL AND ((now.account = seen.account AND now.email_key <> seen.email_key)
                                                OR (now.account <> seen.account AND now.email_key = seen.email_key)))
               AND (EXISTS (SELECT 1 FROM seen_accounts AS later WHERE later.app = seen.app AND later.origin = seen.origin
                        AND later.account = seen.account AND later.seen_from > seen.seen_from)
                    OR NOT EXISTS (SELECT 1 FROM ledger WHERE ledger.app = seen.app AND ledger.origin = seen.origin
                        AND verb IN ('create', 'add-member') AND made = 1 AND result = 'done'
                        AND (account_id = seen.account OR (account_id IS NULL AND ledger.seq IN (
                            SELECT seq FROM ledger_people WHERE person = seen.email_key)))))
             LIMIT $2)",
        shows_what_we_deactivated()
    )
}
