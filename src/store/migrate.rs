//! Rewrites a ledger of the first form, whose hashed bodies held personal values, so that these can be forgotten.
//!
//! The old chain is checked on the way. What it was, and whether it held, stands in an entry of its own at the end: a
//! ledger that was tampered with before does not become whole by this.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    AppKey, Break, Event, Migrated, NewEntry, Run, Store,
    error::Fault,
    ledger::{self, Draft, Link, Text},
    open::Tx,
    personal::Personal,
    row::{self, column},
    statement::none,
    verify::{self, Last, NOTHING},
};

/// The form of the bodies that this version writes.
const FORM: i64 = 2;

impl Store {
    /// Rewrites the ledger where an earlier version wrote it. All of it happens in one transaction: a process that is killed
    /// leaves the old ledger, and the next one begins anew.
    pub(super) async fn reform(&self) -> Result<(), Fault> {
        // Without a head there is nothing to go by. `history --verify` says that it is gone.
        let is_old = async |tx: &mut Tx<'_>| {
            let form = tx.row("SELECT form FROM ledger_head WHERE one = 1", none()).await?;
            Ok::<_, Fault>(form.is_some_and(|(form,): (i64,)| form < FORM))
        };
        if !self.read().await?.through(is_old).await? {
            return Ok(());
        }
        let rewrite_if_old = async |tx: &mut Tx<'_>| {
            let head = ledger::head(tx).await?;
            // Another process may have done it meanwhile.
            if is_old(tx).await? { rewrite(tx, head).await } else { Ok(()) }
        };
        self.write().await?.through(rewrite_if_old).await
    }
}

async fn rewrite(tx: &mut Tx<'_>, (head_seq, head): (u64, String)) -> Result<(), Fault> {
    let (mut last, mut entries, mut broken) = (Last::default(), 0, None);
    let mut prev = NOTHING.to_owned();
    loop {
        let sql = "SELECT seq, prev, hash, body FROM ledger WHERE seq > $1 ORDER BY seq LIMIT 500";
        let rows: Vec<(i64, String, String, String)> = tx.rows(sql, none().and(column(last.seq))).await?;
        if rows.is_empty() {
            break;
        }
        let first = last.seq;
        let mut links = Vec::with_capacity(rows.len());
        for (seq, old_prev, hash, text) in rows {
            let seq = row::not_negative("seq", seq)?;
            let wrong = last.unfollowed(seq, &old_prev).or_else(|| verify::unwritten(&old_prev, &hash, &text));
            broken = broken.or(wrong.map(|why| Break { seq: last.seq + 1, why }));
            (last, entries) = (Last { seq, hash }, entries + 1);
            let unreadable =
                |fault: Fault| Fault::corrupt(format!("entry {seq} of the ledger cannot be read: {}", fault.detail));
            let (key, makes_account, entry) = said(tx, &text).await.map_err(unreadable)?;
            let draft = Draft { makes_account, ..Draft::new(key.as_ref(), Cow::Owned(entry)) };
            links.push(Link::new(&draft, seq, &mut prev)?);
        }
        for table in ["ledger_people", "ledger"] {
            let sql = format!("DELETE FROM {table} WHERE seq > $1 AND seq <= $2");
            tx.run(&sql, none().and(column(first)).and(column(last.seq))).await?;
        }
        ledger::insert(tx, &links).await?;
    }
    if head_seq != last.seq || head != last.hash {
        let why = format!("the last entry was said to be {head_seq}, with another hash or place");
        broken.get_or_insert(Break { seq: head_seq, why });
    }
    let sql = format!("UPDATE ledger_head SET seq = $1, hash = $2, form = {FORM} WHERE one = 1");
    tx.run(&sql, none().and(column(last.seq)).and(prev)).await?;
    if entries > 0 {
        let event = Event::Migrated(Migrated { entries, head, broken });
        // No caller is there who could say when: a store is opened by every command.
        let entry = NewEntry { at: Timestamp::now(), run: None, event };
        ledger::append(tx, &[Draft::new(None, Cow::Owned(entry))]).await?;
    }
    Ok(())
}

/// What a body of the first form says.
async fn said(tx: &mut Tx<'_>, text: &str) -> Result<(Option<AppKey>, bool, NewEntry), Fault> {
    let mut text: Text = serde_json::from_str(text)?;
    let (key, makes_account) = (text.key(), text.makes_account);
    let entry = &mut text.entry;
    match entry.get("kind").and_then(Value::as_str) {
        Some("run-begun") => about_run(tx, entry, "begun").await?,
        Some("run-ended") => about_run(tx, entry, "ended").await?,
        _ => {}
    }
    Ok((key, makes_account, text.open(Personal::default())?))
}

/// Entries about runs held the parts under a name of their own, beside a sentence made of them. The earliest had the sentence
/// only, and the rest in the table of runs.
async fn about_run(tx: &mut Tx<'_>, entry: &mut Map<String, Value>, part: &str) -> Result<(), Fault> {
    entry.remove("message");
    if let Some(Value::Object(parts)) = entry.remove(part) {
        entry.extend(parts);
        return Ok(());
    }
    let id = entry.get("run").and_then(Value::as_str).unwrap_or_default();
    let found = tx.row::<Run>("SELECT * FROM runs WHERE id = $1", none().and(id)).await?;
    let run = found.ok_or_else(|| Fault::corrupt(format!("what is kept about its run {id} is gone")))?;
    let kept = match (part, run.ended) {
        ("ended", Some((_, ended))) => Event::RunEnded(ended),
        _ => Event::RunBegun(run.begun),
    };
    entry.extend(serde_json::to_value(kept)?.as_object().cloned().unwrap_or_default());
    Ok(())
}
