//! Whether a deactivation of ours is still the last thing that happened to an account's status. In doubt it is not: what
//! others deactivated is not ours to delete or to undo.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    AppKey, FORGOTTEN, OwnDeactivation, Store, StoreError,
    error::Fault,
    ledger::COVERED,
    open::Tx,
    row::{nanos, tame, timestamp},
    sightings::{self, Span},
    statement::of,
};
use crate::model::{AccountStatus, Email, Verb};

impl Store {
    /// Accounts, by id, that readings showed to be active at `since` or later, each with its address. Those that we took off
    /// since they were seen so are not among them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn on_lately(&self, key: &AppKey, since: Timestamp) -> Result<BTreeMap<Arc<str>, Email>, StoreError> {
        let sql = format!(
            "SELECT account, email FROM seen_accounts AS seen
             WHERE app = $1 AND origin = $2 AND status = 'active' AND (seen_to IS NULL OR seen_to >= $3)
               AND NOT EXISTS (
                   SELECT 1 FROM ledger WHERE ledger.app = seen.app AND ledger.origin = seen.origin
                     AND ledger.account_id = seen.account AND verb IN ('deactivate', 'delete') AND result = 'done'
                     AND ledger.at >= seen.seen_from AND {COVERED})
             ORDER BY seen_from"
        );
        let doing = "looking up whose accounts were on";
        let on: Vec<(String, String)> = self.find(doing, &sql, of(key).and(nanos(since))).await?;
        let on = on.into_iter().map(|(account, email)| {
            // Several who were forgotten are still several.
            let email = if email == FORGOTTEN { format!("{FORGOTTEN} {account}") } else { email };
            (account.into(), Email::lenient(&email))
        });
        Ok(on.collect())
    }
}

/// Accounts of which a deactivation is the last thing that we did to their status, with when that was.
pub(super) async fn last(tx: &mut Tx<'_>, key: &AppKey) -> Result<BTreeMap<Arc<str>, i64>, Fault> {
    let sql = format!(
        "SELECT account_id, verb, at FROM ledger
         WHERE app = $1 AND origin = $2 AND verb IN ('create', 'reactivate', 'deactivate', 'delete')
           AND result = 'done' AND account_id IS NOT NULL AND {COVERED} ORDER BY seq"
    );
    let mut last = BTreeMap::new();
    for (account, verb, at) in tx.rows::<(String, String, i64)>(&sql, of(key)).await? {
        if verb == Verb::Deactivate.as_str() {
            last.insert(account.into(), at);
        } else {
            last.remove(&*account);
        }
    }
    Ok(last)
}

/// What became of a deactivation of ours; none when somebody else changed the status afterwards.
pub(super) async fn still_ours(
    tx: &mut Tx<'_>,
    key: &AppKey,
    account: &str,
    at: i64,
) -> Result<Option<OwnDeactivation>, Fault> {
    let spans = sightings::spans_of(tx, key, account).await?;
    let (before, after) = spans.split_at(spans.partition_point(|span| span.from <= at));
    let inactive = |span: &&Span| span.status == AccountStatus::Inactive;
    let held = before.last().filter(|span| span.to.is_none_or(|to| to > at));
    if let Some(held) = held.filter(|held| !inactive(held)) {
        // A reading of everything that came later and still showed it as it was: it was undone in between.
        let until = held.to.or(after.first().map(|next| next.from)).unwrap_or(i64::MAX);
        if was_read(tx, key, at, until).await? {
            return Ok(None);
        }
    }
    if !after.iter().all(|span| inactive(&span)) {
        return Ok(None);
    }
    let shown: Vec<&Span> = held.filter(inactive).into_iter().chain(after).collect();
    let touched = shown.windows(2).find(|pair| pair[0].differs(pair[1])).map(|pair| pair[1].from);
    // Before any reading showed what we had left, somebody may have been there already.
    let at_once = held
        .filter(|held| !inactive(held))
        .zip(after.first())
        .filter(|(held, first)| held.differs_beside_access(first))
        .map(|(_, first)| first.from);
    let joined = joined_after(tx, key, account, at).await?;
    let touched = [touched, at_once, joined].into_iter().flatten().min().map(timestamp);
    Ok(Some(OwnDeactivation { at: timestamp(at), touched_at: touched }))
}

/// When the account was first seen in a group that it was not in when we deactivated it: a deactivation may take somebody
/// out of groups, and puts nobody in. Groups that nobody had looked at by then tell nothing.
async fn joined_after(tx: &mut Tx<'_>, key: &AppKey, account: &str, at: i64) -> Result<Option<i64>, Fault> {
    let sql = "SELECT MIN(joined.seen_from) FROM seen_members AS joined
               WHERE joined.app = $1 AND joined.origin = $2 AND joined.account = $3 AND joined.seen_from > $4
                 AND NOT EXISTS (SELECT 1 FROM seen_members AS held
                                 WHERE held.app = $1 AND held.origin = $2 AND held.account = $3
                                   AND held.group_id = joined.group_id AND held.seen_from <= $4
                                   AND (held.seen_to IS NULL OR held.seen_to > $4))
                 AND EXISTS (SELECT 1 FROM seen_members AS known
                             WHERE known.app = $1 AND known.origin = $2 AND known.group_id = joined.group_id
                               AND known.seen_from <= $4)";
    tx.value(sql, of(key).and(&*tame(account)).and(at)).await
}

/// Whether all accounts were read between two instants.
async fn was_read(tx: &mut Tx<'_>, key: &AppKey, after: i64, before: i64) -> Result<bool, Fault> {
    let sql = "SELECT COUNT(*) FROM readings
               WHERE app = $1 AND origin = $2 AND all_accounts = 1 AND at > $3 AND at < $4";
    Ok(tx.value::<i64>(sql, of(key).and(after).and(before)).await? > 0)
}
