//! Rewrites a ledger of the first form, whose hashed bodies held personal values, so that these can be forgotten.
//!
//! The old chain is checked on the way. What it was, and whether it held, stands in an entry of its own at the end: a
//! ledger that was tampered with before does not become whole by this.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value};
use sqlx::any::AnyRow;

use super::{
    AppKey, Break, Event, Migrated, NewEntry, Store,
    error::Fault,
    ledger::{self, Draft, Link, Text},
    open::Tx,
    personal::Personal,
    row, run,
    verify::NOTHING,
};

/// The form of the bodies that this version writes.
const FORM: i64 = 2;

impl Store {
    /// Rewrites the ledger where an earlier version wrote it. All of it happens in one transaction: a process that is killed
    /// leaves the old ledger, and the next one begins anew.
    pub(super) async fn reform(&self) -> Result<(), Fault> {
        let mut tx = self.read().await?;
        let found = sqlx::query("SELECT form FROM ledger_head WHERE one = 1").fetch_optional(tx.connection()?).await?;
        tx.commit().await?;
        let is_old = |found: AnyRow| Ok::<_, Fault>(row::number(&found, "form")? < FORM);
        // Without a head there is nothing to go by. `history --verify` says that it is gone.
        if !found.map_or(Ok(false), is_old)? {
            return Ok(());
        }
        let mut tx = self.write().await?;
        let lock = tx.lock_rows(" FOR UPDATE");
        let sql = format!("SELECT seq, hash, form FROM ledger_head WHERE one = 1{lock}");
        let head = sqlx::query(&sql).fetch_one(tx.connection()?).await?;
        if is_old(head)? {
            rewrite(&mut tx).await?;
        }
        tx.commit().await
    }
}

async fn rewrite(tx: &mut Tx<'_>) -> Result<(), Fault> {
    let head = sqlx::query("SELECT seq, hash FROM ledger_head WHERE one = 1").fetch_one(tx.connection()?).await?;
    let (head_seq, head) = (row::count::<u64>(&head, "seq")?, row::text(&head, "hash")?);
    let mut old = Old { seq: 0, hash: NOTHING.into(), entries: 0, broken: None };
    let mut prev = NOTHING.to_owned();
    loop {
        let sql = "SELECT seq, prev, hash, body FROM ledger WHERE seq > $1 ORDER BY seq LIMIT 500";
        let rows = sqlx::query(sql).bind(row::column(old.seq)).fetch_all(tx.connection()?).await?;
        if rows.is_empty() {
            break;
        }
        let first = old.seq;
        let mut links = Vec::with_capacity(rows.len());
        for found in &rows {
            let text = row::text(found, "body")?;
            old.follow(found, &text)?;
            let unreadable = |fault: Fault| {
                Fault::corrupt(format!("entry {} of the ledger cannot be read: {}", old.seq, fault.detail))
            };
            let (key, makes_account, entry) = said(tx, &text).await.map_err(unreadable)?;
            let draft = Draft { makes_account, ..Draft::new(key.as_ref(), Cow::Owned(entry)) };
            links.push(Link::new(&draft, old.seq, &mut prev)?);
        }
        for table in ["ledger_people", "ledger"] {
            let sql = format!("DELETE FROM {table} WHERE seq > $1 AND seq <= $2");
            let query = sqlx::query(&sql).bind(row::column(first)).bind(row::column(old.seq));
            query.execute(tx.connection()?).await?;
        }
        ledger::insert(tx, &links).await?;
    }
    if head_seq != old.seq || head != old.hash {
        let why = format!("the last entry was said to be {head_seq}, with another hash or place");
        old.broken.get_or_insert(Break { seq: head_seq, why });
    }
    let sql = format!("UPDATE ledger_head SET seq = $1, hash = $2, form = {FORM} WHERE one = 1");
    sqlx::query(&sql).bind(row::column(old.seq)).bind(prev).execute(tx.connection()?).await?;
    if old.entries > 0 {
        let event = Event::Migrated(Migrated { entries: old.entries, head, broken: old.broken });
        // No caller is there who could say when: a store is opened by every command.
        let entry = NewEntry { at: Timestamp::now(), run: None, event };
        ledger::append(tx, &[Draft::new(None, Cow::Owned(entry))]).await?;
    }
    Ok(())
}

/// The chain of the first form, as far as it was followed.
struct Old {
    seq: u64,
    hash: String,
    entries: u64,
    broken: Option<Break>,
}

impl Old {
    /// Goes on to the next entry, and notes where the chain breaks first.
    fn follow(&mut self, found: &AnyRow, text: &str) -> Result<(), Fault> {
        let seq = row::count::<u64>(found, "seq")?;
        let (prev, hash) = (row::text(found, "prev")?, row::text(found, "hash")?);
        let why = if seq != self.seq + 1 {
            Some(format!("it is missing: entry {} is followed by entry {seq}", self.seq))
        } else if prev != self.hash {
            Some("it does not follow the entry before it: one of the two was replaced".into())
        } else if row::hash(&[&prev, text]) != hash {
            Some("its text is not what was written: it has another hash".into())
        } else {
            None
        };
        if let Some(why) = why {
            self.broken.get_or_insert(Break { seq: self.seq + 1, why });
        }
        (self.seq, self.hash, self.entries) = (seq, hash, self.entries + 1);
        Ok(())
    }
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
    let found = sqlx::query("SELECT * FROM runs WHERE id = $1").bind(id).fetch_optional(tx.connection()?).await?;
    let run = run::read(&found.ok_or_else(|| Fault::corrupt(format!("what is kept about its run {id} is gone")))?)?;
    let kept = match (part, &run.ended) {
        ("ended", Some(end)) => end.entry(id),
        _ => run.begun.entry(),
    };
    let kept = serde_json::to_value(&kept.event)?;
    entry.extend(kept.as_object().cloned().unwrap_or_default());
    Ok(())
}
