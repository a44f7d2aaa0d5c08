//! Whether the ledger is what was written.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::any::AnyRow;

use super::{
    Verified,
    error::Fault,
    ledger::{self, Columns},
    open::Tx,
    row,
};

/// What the first entry follows.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Entries in memory at a time.
const PAGE: u64 = 1000;

/// Goes through the chain from its first entry, and stops at the first link that does not hold.
pub(super) async fn chain(tx: &mut Tx<'_>) -> Result<Verified, Fault> {
    let mut last = Link { seq: 0, hash: NOTHING.into() };
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
        for found in rows {
            let seq = row::count::<u64>(&found, "seq")?;
            let about = people.remove(&seq).unwrap_or_default();
            if let Some(why) = wrong(&found, seq, &last, about)? {
                // Of a gap, the entry that is missing is the first one that is wrong.
                return Ok(Verified::Broken { seq: seq.min(last.seq + 1), why });
            }
            last = Link { seq, hash: row::text(&found, "hash")? };
        }
    }
    end(tx, last).await
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

/// Whether the chain ends where its head says.
async fn end(tx: &mut Tx<'_>, last: Link) -> Result<Verified, Fault> {
    let head = sqlx::query("SELECT seq, hash FROM ledger_head WHERE one = 1").fetch_optional(tx.connection()?).await?;
    let Some(head) = head else {
        return Ok(Verified::Broken { seq: last.seq, why: "the note about which entry is the last is gone".into() });
    };
    let (seq, hash) = (row::count::<u64>(&head, "seq")?, row::text(&head, "hash")?);
    // What lies behind a gap that is larger than a page was not looked at yet.
    let most = sqlx::query("SELECT MAX(seq) AS seq FROM ledger").fetch_one(tx.connection()?).await?;
    let most = row::optional_number(&most, "seq")?.unwrap_or(0);
    if most > row::column(last.seq) {
        let why = format!("it is missing: entry {} is followed by entry {most} or an earlier one", last.seq);
        return Ok(Verified::Broken { seq: last.seq + 1, why });
    }
    if seq > last.seq {
        return Ok(Verified::Broken { seq: last.seq + 1, why: format!("it is missing: the last entry was {seq}") });
    }
    if seq < last.seq {
        let why = format!("it was not entered by us: the last entry was {seq}");
        return Ok(Verified::Broken { seq: seq + 1, why });
    }
    if hash != last.hash {
        return Ok(Verified::Broken { seq, why: "its hash is not that of the last entry that was written".into() });
    }
    Ok(Verified::Whole { entries: last.seq, head: last.hash })
}
