//! Whether the ledger is what was written.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Row as _, any::AnyRow};

use super::{
    Break, Entry, Event, NewEntry, Pruned, Run, Store, StoreError,
    error::Fault,
    ledger::{self, COVERED, Columns, ENTRIES, Text},
    open::Tx,
    personal::{Gone, Personal},
    row::{self, column, nanos},
    statement::{FromRow, none},
    tenant::Moves,
};

/// What the first entry follows.
pub(super) const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Entries of some places, each with its personal values.
const LINKS: &str =
    "SELECT ledger.*, (SELECT own.body FROM ledger_personal AS own WHERE own.seq = ledger.seq) AS personal
                     FROM ledger WHERE seq > $1 AND seq <= $2 ORDER BY seq";

/// Entries in memory at a time.
const PAGE: u64 = 1000;

/// Whether the ledger is what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// Every link holds.
    Whole {
        /// How many entries were made, those that were deleted because they were old included.
        entries: u64,
        /// The hash of the last one. Whoever keeps it elsewhere can prove later that nothing was cut off or written anew.
        head: String,
    },
    /// A link does not hold.
    Broken {
        /// The first entry that is wrong; none where something stands beside the chain that no entry tells of.
        seq: Option<u64>,
        /// What is wrong, as a sentence.
        why: String,
    },
}

/// What was checked, or [`Verified::Broken`].
type Checked<T> = Result<Result<T, Verified>, Fault>;

fn broken<T>(seq: impl Into<Option<u64>>, why: impl Into<String>) -> Checked<T> {
    Ok(Err(Verified::Broken { seq: seq.into(), why: why.into() }))
}

impl Store {
    /// Checks the whole chain.
    ///
    /// # Errors
    /// When the store fails; a broken chain is no error.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        self.reading("checking the ledger", async |tx| {
            let whole = chain(tx).await?.map(|(entries, head)| Verified::Whole { entries, head });
            Ok(whole.unwrap_or_else(|broken| broken))
        })
        .await
    }
}

/// Goes through the chain from its first entry, and stops at the first link that does not hold. What is kept beside the
/// chain must be what its entries say, no more and no less. Where old entries were deleted, the last of them is the
/// anchor: those of them that were kept are checked one by one and all together, and the chain begins behind it. Returns the
/// place and the hash of the last entry.
async fn chain(tx: &mut Tx<'_>) -> Checked<(u64, String)> {
    let mut walk = Walk { moves: Moves::of_ledger(tx).await?, ..Walk::default() };
    if let Some(pruned) = anchor(tx).await? {
        if let Err(broken) = walk.pages(tx, Some(pruned.through)).await? {
            return Ok(Err(broken));
        }
        if row::hash(&walk.kept.iter().map(|hash| &**hash).collect::<Vec<_>>()) != pruned.kept {
            let why = "the old entries that are still there are not those that were kept when the others were deleted";
            return broken(None, why);
        }
        walk.last = Last { seq: pruned.through, hash: pruned.hash };
    }
    if let Err(broken) = walk.pages(tx, None).await? {
        return Ok(Err(broken));
    }
    if let Err(broken) = end(tx, &walk.last).await? {
        return Ok(Err(broken));
    }
    Ok(beside(tx, &walk).await?.map(|()| (walk.last.seq, walk.last.hash)))
}

/// What the newest entry about deleted entries says. It stands behind the anchor, so that the walk proves it.
pub(super) async fn anchor(tx: &mut Tx<'_>) -> Result<Option<Pruned>, Fault> {
    let sql = format!("{ENTRIES} WHERE kind = 'pruned' AND {COVERED} ORDER BY seq DESC LIMIT 1");
    // One that cannot be read is found by the walk.
    let found = tx.found(&sql, none()).await?;
    Ok(found.first().and_then(|found| Entry::from_row(found).ok()).and_then(|entry| match entry.entry.event {
        Event::Pruned(pruned) => Some(pruned),
        _ => None,
    }))
}

/// The last entry of a chain that was followed so far.
pub(super) struct Last {
    pub(super) seq: u64,
    pub(super) hash: String,
}

impl Default for Last {
    fn default() -> Self {
        Self { seq: 0, hash: NOTHING.into() }
    }
}

impl Last {
    /// Why an entry does not follow it.
    pub(super) fn unfollowed(&self, seq: u64, prev: &str) -> Option<String> {
        if seq != self.seq + 1 {
            return Some(format!("it is missing: entry {} is followed by entry {seq}", self.seq));
        }
        (prev != self.hash).then(|| "it does not follow the entry before it: one of the two was replaced".into())
    }
}

/// Why an entry's text is not what was written.
pub(super) fn unwritten(prev: &str, hash: &str, body: &str) -> Option<String> {
    (row::hash(&[prev, body]) != hash).then(|| "its text is not what was written: it has another hash".into())
}

/// How far the chain was followed.
#[derive(Default)]
struct Walk {
    last: Last,
    /// The hashes of the old entries that were kept.
    kept: Vec<String>,
    entries: u64,
    told: Told,
    moves: Moves,
}

impl Walk {
    /// Checks the entries behind the last one, up to the anchor: those there need not follow each other.
    async fn pages(&mut self, tx: &mut Tx<'_>, through: Option<u64>) -> Checked<()> {
        loop {
            let until = (self.last.seq + PAGE).min(through.unwrap_or(u64::MAX));
            let (after, until_place) = (column(self.last.seq), column(until));
            let rows = tx.found(LINKS, none().and(after).and(until_place)).await?;
            if rows.is_empty() && through.is_none_or(|through| until >= through) {
                return Ok(Ok(()));
            }
            let mut people = ledger::people(tx, after, column(self.last.seq + PAGE)).await?;
            let runs = runs(tx, self.last.seq).await?;
            for found in rows {
                let seq = row::count::<u64>(&found, "seq")?;
                let about = people.remove(&seq).unwrap_or_default();
                self.told.people += about.len() as u64;
                let unfollowed = self.last.unfollowed(seq, found.try_get("prev")?);
                if let Some(why) = unfollowed.filter(|_| through.is_none()) {
                    // Of a gap, the entry that is missing is the first one that is wrong.
                    return broken(seq.min(self.last.seq + 1), why);
                }
                let checked = wrong(&found, seq, about, &self.moves)?;
                if let Err(why) = checked.and_then(|checked| self.told.of(seq, checked, &runs)) {
                    return broken(seq, why);
                }
                let hash: String = found.try_get("hash")?;
                if through.is_some() {
                    self.kept.push(hash.clone());
                }
                self.entries += 1;
                self.last = Last { seq, hash };
            }
            if through.is_some() {
                self.last.seq = until;
            }
        }
    }
}

/// What an entry says and whether values of it are gone, or what is wrong with it.
fn wrong(
    found: &AnyRow,
    seq: u64,
    people: BTreeSet<String>,
    moves: &Moves,
) -> Result<Result<(NewEntry, Gone), String>, Fault> {
    let body: &str = found.try_get("body")?;
    if let Some(why) = unwritten(found.try_get("prev")?, found.try_get("hash")?, body) {
        return Ok(Err(why));
    }
    let unreadable = || Ok(Err("its text cannot be read".into()));
    let Ok(mut text) = serde_json::from_str::<Text>(body) else { return unreadable() };
    if text.seq != seq {
        return Ok(Err(format!("its text is the one of entry {}", text.seq)));
    }
    let Ok(personal) = Personal::parse(found.try_get("personal")?) else { return unreadable() };
    let gone = match personal.check(&mut text.entry)? {
        Ok(gone) => gone,
        Err(why) => return Ok(Err(why.into())),
    };
    let (key, makes_account) = (moves.now(seq, text.key()), text.makes_account);
    let Ok(entry) = text.open(personal) else { return unreadable() };
    Ok(if Columns::of(key.as_ref(), &entry, makes_account) == Columns::read(found, people)? {
        Ok((entry, gone))
    } else {
        Err("the columns that it is found by do not say what its text says".into())
    })
}

/// Runs that the next entries are about, by their id, each with the place of the entry about its begin.
async fn runs(tx: &mut Tx<'_>, after: u64) -> Result<BTreeMap<String, (u64, Run)>, Fault> {
    let sql = "SELECT * FROM runs WHERE id IN (
                   SELECT run FROM ledger WHERE seq > $1 AND seq <= $2 AND kind IN ('run-begun', 'run-ended'))";
    let rows = tx.found(sql, none().and(column(after)).and(column(after + PAGE))).await?;
    rows.iter().map(|found| Ok((found.try_get("id")?, (row::count(found, "seq")?, Run::from_row(found)?)))).collect()
}

/// What the entries tell of what is kept beside the chain.
#[derive(Default)]
struct Told {
    people: u64,
    begun: u64,
    ended: u64,
    /// Where the ledger was broken before it was rewritten.
    broken_before: Option<Break>,
    /// Entries of which values are gone.
    gone: BTreeSet<u64>,
    /// Entries of which values were forgotten.
    forgotten: BTreeSet<u64>,
}

impl Told {
    /// What is wrong with what is kept about an entry's run.
    fn of(
        &mut self,
        seq: u64,
        (entry, gone): (NewEntry, Gone),
        runs: &BTreeMap<String, (u64, Run)>,
    ) -> Result<(), String> {
        self.gone.extend(gone.0.then_some(seq));
        match &entry.event {
            Event::RunBegun(_) => self.begun += 1,
            Event::RunEnded(_) => self.ended += 1,
            Event::Migrated(migrated) => self.broken_before = migrated.broken.clone(),
            Event::Forgot(forgot) => self.forgotten.extend(&forgot.entries),
            Event::Action(_)
            | Event::Note(_)
            | Event::Pruned(_)
            | Event::Paused(_)
            | Event::Resumed(_)
            | Event::Renamed(_) => {}
        }
        if !matches!(entry.event, Event::RunBegun(_) | Event::RunEnded(_)) {
            return Ok(());
        }
        let id = entry.run.as_deref().unwrap_or_default();
        let Some((begun_at, run)) = runs.get(id) else {
            return Err(format!("what is kept about its run {id} is gone"));
        };
        match difference(&entry, seq, *begun_at, run) {
            None => Ok(()),
            Some(what) => Err(format!("what is kept about its run {id} has another {what} than the entry")),
        }
    }
}

/// The first thing that is kept about a run and that is not what an entry about its begin or end says.
fn difference(entry: &NewEntry, seq: u64, begun_at: u64, run: &Run) -> Option<&'static str> {
    let is_at = |at| ("time", nanos(entry.at) == nanos(at));
    let checks = match (&entry.event, &run.ended) {
        (Event::RunBegun(said), _) => vec![
            ("place in the ledger", begun_at == seq),
            is_at(run.started_at),
            ("command", said.command == run.begun.command),
            ("commit", said.commit == run.begun.commit),
            ("host", said.host == run.begun.host),
            ("process", said.pid == run.begun.pid),
            ("plan", said.fingerprint == run.begun.fingerprint),
        ],
        (Event::RunEnded(said), Some((at, kept))) => vec![
            is_at(*at),
            ("end", said.how == kept.how),
            ("message", said.message == kept.message),
            ("number of actions", said.counts == kept.counts),
        ],
        _ => vec![("end", false)],
    };
    checks.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
}

/// What stands beside a chain that is whole, and that no entry of it tells of.
async fn beside(tx: &mut Tx<'_>, Walk { entries, told, .. }: &Walk) -> Checked<()> {
    if let Some(Break { seq, why }) = &told.broken_before {
        return broken(*seq, format!("it was broken when an earlier version's ledger was rewritten: {why}"));
    }
    if let Some(seq) = told.gone.difference(&told.forgotten).next() {
        return broken(*seq, "values of it are gone, and no entry says that somebody was forgotten");
    }
    let rows = count(tx, "ledger").await?;
    if rows != *entries {
        let more = rows.saturating_sub(*entries);
        return broken(None, format!("outside of its chain are rows that were not entered by us, {more} of them"));
    }
    if count(tx, "ledger_people").await? != told.people {
        return broken(None, "it is noted of people that entries are about them which there are not");
    }
    if count(tx, "runs").await? != told.begun {
        return broken(None, "there are runs of whose begin no entry tells");
    }
    if count(tx, "runs WHERE ended_at IS NOT NULL").await? != told.ended {
        return broken(None, "there are runs that are said to have ended, of whose end no entry tells");
    }
    Ok(Ok(()))
}

async fn count(tx: &mut Tx<'_>, what: &str) -> Result<u64, Fault> {
    row::not_negative("found", tx.value(&format!("SELECT COUNT(*) FROM {what}"), none()).await?)
}

/// Whether the chain ends where its head says.
async fn end(tx: &mut Tx<'_>, last: &Last) -> Checked<()> {
    let head = tx.row("SELECT seq, hash FROM ledger_head WHERE one = 1", none()).await?;
    let Some((seq, hash)) = head else {
        return broken(last.seq, "the note about which entry is the last is gone");
    };
    let (seq, hash): (u64, String) = (row::not_negative("seq", seq)?, hash);
    // What lies behind a gap that is larger than a page was not looked at yet.
    let most = tx.value::<Option<i64>>("SELECT MAX(seq) FROM ledger", none()).await?.unwrap_or(0);
    if most > column(last.seq) {
        let why = format!("it is missing: entry {} is followed by entry {most} or an earlier one", last.seq);
        return broken(last.seq + 1, why);
    }
    if seq > last.seq {
        return broken(last.seq + 1, format!("it is missing: the last entry was {seq}"));
    }
    if seq < last.seq {
        return broken(seq + 1, format!("it was not entered by us: the last entry was {seq}"));
    }
    if hash != last.hash {
        return broken(seq, "its hash is not that of the last entry that was written");
    }
    Ok(Ok(()))
}
