//! Whether the ledger is what was written.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::any::AnyRow;

use super::{
    EntryKind, NewEntry, Run, Verified,
    error::Fault,
    ledger::{self, Columns},
    open::Tx,
    row::{self, nanos},
    run,
};

/// What the first entry follows.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Entries in memory at a time.
const PAGE: u64 = 1000;

/// Goes through the chain from its first entry, and stops at the first link that does not hold. What is kept beside the
/// chain must be what its entries say, no more and no less.
pub(super) async fn chain(tx: &mut Tx<'_>) -> Result<Verified, Fault> {
    let mut last = Link { seq: 0, hash: NOTHING.into() };
    let mut told = Told::default();
    loop {
        let rows = sqlx::query("SELECT * FROM ledger WHERE seq > $1 AND seq <= $2 ORDER BY seq")
            .bind(row::column(last.seq))
            .bind(row::column(last.seq + PAGE))
            .fetch_all(tx.connection()?)
            .await?;
        if rows.is_empty() {
            break;
        }
        let mut people = people(tx, last.seq).await?;
        let runs = runs(tx, last.seq).await?;
        for found in rows {
            let seq = row::count::<u64>(&found, "seq")?;
            let about = people.remove(&seq).unwrap_or_default();
            told.people += about.len() as u64;
            if let Some(why) = wrong(&found, seq, &last, about)? {
                // Of a gap, the entry that is missing is the first one that is wrong.
                return Ok(Verified::Broken { seq: Some(seq.min(last.seq + 1)), why });
            }
            let entry = ledger::read(row::text(&found, "body")?, String::new(), String::new())?.entry;
            if let Some(why) = told.about_run(seq, &entry, &runs) {
                return Ok(Verified::Broken { seq: Some(seq), why });
            }
            last = Link { seq, hash: row::text(&found, "hash")? };
        }
    }
    let verified = end(tx, last).await?;
    Ok(match verified {
        Verified::Whole { entries, .. } => beside(tx, entries, &told).await?.unwrap_or(verified),
        Verified::Broken { .. } => verified,
    })
}

/// The last entry that was found whole.
struct Link {
    seq: u64,
    hash: String,
}

/// What is wrong with an entry.
fn wrong(found: &AnyRow, seq: u64, last: &Link, people: BTreeSet<String>) -> Result<Option<String>, Fault> {
    let (prev, hash, text) = (row::text(found, "prev")?, row::text(found, "hash")?, row::text(found, "body")?);
    if seq != last.seq + 1 {
        return Ok(Some(format!("it is missing: entry {} is followed by entry {seq}", last.seq)));
    }
    if prev != last.hash {
        return Ok(Some("it does not follow the entry before it: one of the two was replaced".into()));
    }
    if row::hash(&[&prev, &text]) != hash {
        return Ok(Some("its text is not what was written: it has another hash".into()));
    }
    let Ok((place, said)) = ledger::columns(&text) else {
        return Ok(Some("its text cannot be read".into()));
    };
    if place != seq {
        return Ok(Some(format!("its text is the one of entry {place}")));
    }
    let shown = Columns {
        at: row::number(found, "at")?,
        run: row::optional_text(found, "run")?,
        kind: row::text(found, "kind")?,
        app: row::optional_text(found, "app")?,
        origin: row::optional_text(found, "origin")?,
        action: row::optional_text(found, "action")?,
        verb: row::optional_text(found, "verb")?,
        account_id: row::optional_text(found, "account_id")?,
        result: row::optional_text(found, "result")?,
        made: row::number(found, "made")?,
        people,
    };
    Ok((said != shown).then(|| "the columns that it is found by do not say what its text says".into()))
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

/// How much the entries tell of what is kept beside the chain.
#[derive(Default)]
struct Told {
    people: u64,
    begun: u64,
    ended: u64,
}

impl Told {
    /// What is wrong with a run that an entry is about.
    fn about_run(&mut self, seq: u64, entry: &NewEntry, runs: &BTreeMap<String, (u64, Run)>) -> Option<String> {
        match entry.kind {
            EntryKind::RunBegun => self.begun += 1,
            EntryKind::RunEnded => self.ended += 1,
            EntryKind::Action | EntryKind::Note => return None,
        }
        let id = entry.run.as_deref().unwrap_or_default();
        let Some((begun_at, run)) = runs.get(id) else {
            return Some(format!("what is kept about its run {id} is gone"));
        };
        let differs = match (entry.kind, &run.ended) {
            (EntryKind::RunBegun, _) if *begun_at != seq => Some("place in the ledger"),
            (EntryKind::RunBegun, _) => difference(entry, &run.begun.entry()),
            (_, Some(end)) => difference(entry, &end.entry(id)),
            (_, None) => Some("end"),
        };
        differs.map(|what| format!("what is kept about its run {id} has another {what} than the entry"))
    }
}

/// The first thing that is kept about a run and that is not what the entry says.
fn difference(said: &NewEntry, kept: &NewEntry) -> Option<&'static str> {
    // Entries of earlier versions say the rest in a sentence only.
    let (begun, ended) = (said.begun.as_ref().zip(kept.begun.as_ref()), said.ended.as_ref().zip(kept.ended.as_ref()));
    let checks = [
        ("time", nanos(said.at) == nanos(kept.at)),
        ("command", begun.is_none_or(|(said, kept)| said.command == kept.command)),
        ("commit", said.commit == kept.commit),
        ("host", begun.is_none_or(|(said, kept)| said.host == kept.host)),
        ("process", begun.is_none_or(|(said, kept)| said.pid == kept.pid)),
        ("plan", begun.is_none_or(|(said, kept)| said.fingerprint == kept.fingerprint)),
        ("end", ended.is_none_or(|(said, kept)| said.how == kept.how)),
        ("message", ended.is_none_or(|(said, kept)| said.message == kept.message)),
        ("number of actions", ended.is_none_or(|(said, kept)| said.counts == kept.counts)),
        ("description", said.message == kept.message),
    ];
    checks.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
}

/// What stands beside a chain that is whole, and that no entry of it tells of.
async fn beside(tx: &mut Tx<'_>, entries: u64, told: &Told) -> Result<Option<Verified>, Fault> {
    let broken = |why: String| Ok(Some(Verified::Broken { seq: None, why }));
    let rows = count(tx, "ledger").await?;
    if rows != entries {
        let more = rows.saturating_sub(entries);
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
async fn end(tx: &mut Tx<'_>, last: Link) -> Result<Verified, Fault> {
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
    Ok(Verified::Whole { entries: last.seq, head: last.hash })
}
