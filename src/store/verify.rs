//! Whether the ledger is what was written.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::any::AnyRow;

use super::{
    Break, Event, NewEntry, Pruned, Run, Store, StoreError,
    error::Fault,
    ledger::{self, COVERED, Columns, ENTRIES, Text},
    open::Tx,
    personal::{Gone, Personal},
    row::{self, nanos},
    run,
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

impl Store {
    /// Checks the whole chain.
    ///
    /// # Errors
    /// When the store fails; a broken chain is no error.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        self.drive("checking the ledger", async {
            let mut tx = self.read().await?;
            let verified = chain(&mut tx).await?;
            tx.commit().await?;
            Ok(verified)
        })
        .await
    }
}

/// Goes through the chain from its first entry, and stops at the first link that does not hold. What is kept beside the
/// chain must be what its entries say, no more and no less. Where old entries were deleted, the last of them is the
/// anchor: those of them that were kept are checked one by one and all together, and the chain begins behind it.
pub(super) async fn chain(tx: &mut Tx<'_>) -> Result<Verified, Fault> {
    let anchor = anchor(tx).await?;
    let mut walk = Walk::default();
    for pruned in anchor.iter() {
        if let Some(broken) = walk.pages(tx, Some(pruned.through)).await? {
            return Ok(broken);
        }
        if walk.kept.hash() != pruned.kept {
            let why = "the old entries that are still there are not those that were kept when the others were deleted";
            return Ok(Verified::Broken { seq: None, why: why.into() });
        }
        walk.last = Link { seq: pruned.through, hash: pruned.hash.clone() };
    }
    if let Some(broken) = walk.pages(tx, None).await? {
        return Ok(broken);
    }
    let verified = end(tx, &walk.last).await?;
    Ok(match verified {
        Verified::Whole { .. } => beside(tx, &walk).await?.unwrap_or(verified),
        Verified::Broken { .. } => verified,
    })
}

/// What the newest entry about deleted entries says. It stands behind the anchor, so that the walk proves it.
pub(super) async fn anchor(tx: &mut Tx<'_>) -> Result<Option<Pruned>, Fault> {
    let sql = format!("{ENTRIES} WHERE kind = 'pruned' AND {COVERED} ORDER BY seq DESC LIMIT 1");
    let found = sqlx::query(&sql).fetch_optional(tx.connection()?).await?;
    // One that cannot be read is found by the walk.
    Ok(found.and_then(|found| ledger::read(&found).ok()).and_then(|entry| match entry.entry.event {
        Event::Pruned(pruned) => Some(pruned),
        _ => None,
    }))
}

/// A hash over hashes, in their order.
#[derive(Default)]
pub(super) struct Kept(Vec<String>);

impl Kept {
    pub(super) fn add(&mut self, hash: String) {
        self.0.push(hash);
    }

    pub(super) fn hash(&self) -> String {
        row::hash(&self.0.iter().map(|hash| &**hash).collect::<Vec<_>>())
    }
}

/// The last entry that was found whole.
struct Link {
    seq: u64,
    hash: String,
}

impl Default for Link {
    fn default() -> Self {
        Self { seq: 0, hash: NOTHING.into() }
    }
}

/// How far the chain was followed.
#[derive(Default)]
struct Walk {
    last: Link,
    kept: Kept,
    entries: u64,
    told: Told,
}

impl Walk {
    /// Checks the entries behind the last one, up to the anchor: those there need not follow each other.
    async fn pages(&mut self, tx: &mut Tx<'_>, through: Option<u64>) -> Result<Option<Verified>, Fault> {
        loop {
            let until = (self.last.seq + PAGE).min(through.unwrap_or(u64::MAX));
            let query = sqlx::query(LINKS).bind(row::column(self.last.seq)).bind(row::column(until));
            let rows = query.fetch_all(tx.connection()?).await?;
            if rows.is_empty() && through.is_none_or(|through| until >= through) {
                return Ok(None);
            }
            let mut people = people(tx, self.last.seq).await?;
            let runs = runs(tx, self.last.seq).await?;
            for found in rows {
                let seq = row::count::<u64>(&found, "seq")?;
                let about = people.remove(&seq).unwrap_or_default();
                self.told.people += about.len() as u64;
                if through.is_none()
                    && let Some(why) = out_of_place(&found, seq, &self.last)?
                {
                    // Of a gap, the entry that is missing is the first one that is wrong.
                    return Ok(Some(Verified::Broken { seq: Some(seq.min(self.last.seq + 1)), why }));
                }
                let checked = wrong(&found, seq, about)?;
                if let Err(why) = checked.and_then(|checked| self.told.of(seq, checked, &runs)) {
                    return Ok(Some(Verified::Broken { seq: Some(seq), why }));
                }
                let hash = row::text(&found, "hash")?;
                if through.is_some() {
                    self.kept.add(hash.clone());
                }
                self.entries += 1;
                self.last = Link { seq, hash };
            }
            if through.is_some() {
                self.last.seq = until;
            }
        }
    }
}

/// Why an entry does not follow the one before it.
fn out_of_place(found: &AnyRow, seq: u64, last: &Link) -> Result<Option<String>, Fault> {
    if seq != last.seq + 1 {
        return Ok(Some(format!("it is missing: entry {} is followed by entry {seq}", last.seq)));
    }
    let follows = row::text(found, "prev")? == last.hash;
    Ok((!follows).then(|| "it does not follow the entry before it: one of the two was replaced".into()))
}

/// What an entry says and whether values of it are gone, or what is wrong with it.
fn wrong(found: &AnyRow, seq: u64, people: BTreeSet<String>) -> Result<Result<(NewEntry, Gone), String>, Fault> {
    let (prev, hash, body) = (row::text(found, "prev")?, row::text(found, "hash")?, row::text(found, "body")?);
    if row::hash(&[&prev, &body]) != hash {
        return Ok(Err("its text is not what was written: it has another hash".into()));
    }
    let unreadable = || Ok(Err("its text cannot be read".into()));
    let Ok(mut text) = serde_json::from_str::<Text>(&body) else { return unreadable() };
    if text.seq != seq {
        return Ok(Err(format!("its text is the one of entry {}", text.seq)));
    }
    let Ok(personal) = Personal::parse(row::optional_text(found, "personal")?) else { return unreadable() };
    let gone = match personal.check(&mut text.entry)? {
        Ok(gone) => gone,
        Err(why) => return Ok(Err(why.into())),
    };
    let (key, makes_account) = (text.key(), text.makes_account);
    let Ok(entry) = text.open(personal) else { return unreadable() };
    let shown = Columns {
        at: row::number(found, "at")?,
        run: row::optional_text(found, "run")?,
        kind: row::text(found, "kind")?,
        app: row::optional_text(found, "app")?,
        origin: row::optional_text(found, "origin")?,
        action: row::optional_text(found, "action")?,
        verb: row::optional_text(found, "verb")?,
        account_id: row::optional_text(found, "account_id")?,
        group_id: row::optional_text(found, "group_id")?,
        result: row::optional_text(found, "result")?,
        made: row::number(found, "made")?,
        people,
    };
    let agree = Columns::of(key.as_ref(), &entry, makes_account) == shown;
    Ok(if agree {
        Ok((entry, gone))
    } else {
        Err("the columns that it is found by do not say what its text says".into())
    })
}

/// Whom the next entries are about.
async fn people(tx: &mut Tx<'_>, after: u64) -> Result<BTreeMap<u64, BTreeSet<String>>, Fault> {
    let rows = sqlx::query("SELECT seq, person FROM ledger_people WHERE seq > $1 AND seq <= $2")
        .bind(row::column(after))
        .bind(row::column(after + PAGE))
        .fetch_all(tx.connection()?)
        .await?;
    let mut people: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for found in rows {
        people.entry(row::count(&found, "seq")?).or_default().insert(row::text(&found, "person")?);
    }
    Ok(people)
}

/// Runs that the next entries are about, by their id.
async fn runs(tx: &mut Tx<'_>, after: u64) -> Result<BTreeMap<String, (u64, Run)>, Fault> {
    let sql = "SELECT * FROM runs WHERE id IN (
                   SELECT run FROM ledger WHERE seq > $1 AND seq <= $2 AND kind IN ('run-begun', 'run-ended'))";
    let rows =
        sqlx::query(sql).bind(row::column(after)).bind(row::column(after + PAGE)).fetch_all(tx.connection()?).await?;
    let pair = |found: &AnyRow| Ok((row::text(found, "id")?, (row::count(found, "seq")?, run::read(found)?)));
    rows.iter().map(pair).collect()
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
            Event::Action(_) | Event::Note(_) | Event::Pruned(_) => {}
        }
        if !matches!(entry.event, Event::RunBegun(_) | Event::RunEnded(_)) {
            return Ok(());
        }
        let id = entry.run.as_deref().unwrap_or_default();
        let Some((begun_at, run)) = runs.get(id) else {
            return Err(format!("what is kept about its run {id} is gone"));
        };
        let differs = match (&entry.event, &run.ended) {
            (Event::RunBegun(_), _) if *begun_at != seq => Some("place in the ledger"),
            (Event::RunBegun(_), _) => difference(&entry, &run.begun.entry()),
            (_, Some(end)) => difference(&entry, &end.entry(id)),
            (_, None) => Some("end"),
        };
        let wrong = |what| Err(format!("what is kept about its run {id} has another {what} than the entry"));
        differs.map_or(Ok(()), wrong)
    }
}

/// The first thing that is kept about a run and that is not what the entry says.
fn difference(said: &NewEntry, kept: &NewEntry) -> Option<&'static str> {
    let at = ("time", nanos(said.at) == nanos(kept.at));
    let checks = match (&said.event, &kept.event) {
        (Event::RunBegun(said), Event::RunBegun(kept)) => vec![
            at,
            ("command", said.command == kept.command),
            ("commit", said.commit == kept.commit),
            ("host", said.host == kept.host),
            ("process", said.pid == kept.pid),
            ("plan", said.fingerprint == kept.fingerprint),
        ],
        (Event::RunEnded(said), Event::RunEnded(kept)) => vec![
            at,
            ("end", said.how == kept.how),
            ("message", said.message == kept.message),
            ("number of actions", said.counts == kept.counts),
        ],
        _ => vec![("kind", false)],
    };
    checks.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
}

/// What stands beside a chain that is whole, and that no entry of it tells of.
async fn beside(tx: &mut Tx<'_>, Walk { entries, told, .. }: &Walk) -> Result<Option<Verified>, Fault> {
    if let Some(Break { seq, why }) = &told.broken_before {
        let why = format!("it was broken when an earlier version's ledger was rewritten: {why}");
        return Ok(Some(Verified::Broken { seq: Some(*seq), why }));
    }
    let broken = |why: String| Ok(Some(Verified::Broken { seq: None, why }));
    if let Some(seq) = told.gone.difference(&told.forgotten).next() {
        let why = "values of it are gone, and no entry says that somebody was forgotten".into();
        return Ok(Some(Verified::Broken { seq: Some(*seq), why }));
    }
    let rows = count(tx, "ledger").await?;
    if rows != *entries {
        let more = rows.saturating_sub(*entries);
        return broken(format!("outside of its chain are rows that were not entered by us, {more} of them"));
    }
    if count(tx, "ledger_people").await? != told.people {
        return broken("it is noted of people that entries are about them which there are not".into());
    }
    if count(tx, "runs").await? != told.begun {
        return broken("there are runs of whose begin no entry tells".into());
    }
    if count(tx, "runs WHERE ended_at IS NOT NULL").await? != told.ended {
        return broken("there are runs that are said to have ended, of whose end no entry tells".into());
    }
    Ok(None)
}

async fn count(tx: &mut Tx<'_>, what: &str) -> Result<u64, Fault> {
    let sql = format!("SELECT COUNT(*) AS found FROM {what}");
    row::count(&sqlx::query(&sql).fetch_one(tx.connection()?).await?, "found")
}

/// Whether the chain ends where its head says.
async fn end(tx: &mut Tx<'_>, last: &Link) -> Result<Verified, Fault> {
    let head = sqlx::query("SELECT seq, hash FROM ledger_head WHERE one = 1").fetch_optional(tx.connection()?).await?;
    let Some(head) = head else {
        return Ok(Verified::Broken {
            seq: Some(last.seq),
            why: "the note about which entry is the last is gone".into(),
        });
    };
    let (seq, hash) = (row::count::<u64>(&head, "seq")?, row::text(&head, "hash")?);
    // What lies behind a gap that is larger than a page was not looked at yet.
    let most = sqlx::query("SELECT MAX(seq) AS seq FROM ledger").fetch_one(tx.connection()?).await?;
    let most = row::optional_number(&most, "seq")?.unwrap_or(0);
    if most > row::column(last.seq) {
        let why = format!("it is missing: entry {} is followed by entry {most} or an earlier one", last.seq);
        return Ok(Verified::Broken { seq: Some(last.seq + 1), why });
    }
    if seq > last.seq {
        return Ok(Verified::Broken {
            seq: Some(last.seq + 1),
            why: format!("it is missing: the last entry was {seq}"),
        });
    }
    if seq < last.seq {
        let why = format!("it was not entered by us: the last entry was {seq}");
        return Ok(Verified::Broken { seq: Some(seq + 1), why });
    }
    if hash != last.hash {
        return Ok(Verified::Broken {
            seq: Some(seq),
            why: "its hash is not that of the last entry that was written".into(),
        });
    }
    Ok(Verified::Whole { entries: last.seq, head: last.hash.clone() })
}
