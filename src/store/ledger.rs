//! The ledger: what was done, when, why and with what result, as a chain of hashes.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::any::AnyRow;

use super::{
    AppKey, Entry, Lease, NewEntry, Store, StoreError,
    error::Fault,
    lease,
    open::Tx,
    personal::{self, FORGOTTEN, Personal},
    row::{self, nanos, tame},
};
use crate::model::{Email, Verb};

/// Which entries to show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// About one of these people, compared as addresses are; about anybody, when there are none.
    pub people: Vec<String>,
    /// About this app, by name.
    pub app: Option<String>,
    /// In this run.
    pub run: Option<String>,
    /// Not before this instant.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// Not about the begin or end of a run.
    pub without_runs: bool,
    /// At most so many, the newest.
    pub limit: Option<u32>,
}

impl Store {
    /// Enters what took no intent: an action that was never sent, something that was noticed.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn enter(&self, lease: &Lease, entries: &[NewEntry]) -> Result<(), StoreError> {
        let drafts: Vec<Draft<'_>> =
            entries.iter().map(|entry| Draft::new(Some(lease.key()), Cow::Borrowed(entry))).collect();
        self.drive("entering something in the ledger", async {
            let mut tx = self.write().await?;
            lease::check(&mut tx, lease).await?;
            append(&mut tx, &drafts).await?;
            tx.commit().await
        })
        .await
    }

    /// Entries that pass the filter, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, StoreError> {
        let (sql, values) = filter.statement();
        self.drive("reading the ledger", async {
            let mut tx = self.read().await?;
            let mut query = sqlx::query(&sql).persistent(false);
            for value in &values {
                query = match value {
                    Wanted::Text(text) => query.bind(text.as_str()),
                    Wanted::Number(number) => query.bind(*number),
                };
            }
            let rows = query.fetch_all(tx.connection()?).await?;
            tx.commit().await?;
            rows.iter().rev().map(read).collect()
        })
        .await
    }
}

/// A value of a condition.
enum Wanted {
    Text(String),
    Number(i64),
}

impl Filter {
    /// The statement that finds what passes, newest first.
    fn statement(&self) -> (String, Vec<Wanted>) {
        let mut values: Vec<Wanted> = Vec::new();
        let mut conditions = vec![COVERED.to_owned()];
        if !self.people.is_empty() {
            let people = self.people.iter().map(|person| tame(Email::lenient(person).key()).into_owned());
            values.extend(people.map(Wanted::Text));
            let places = row::placeholders(1, 1, values.len());
            conditions.push(format!("seq IN (SELECT seq FROM ledger_people WHERE person IN {places})"));
        }
        let mut wants = |condition: &str, value: Wanted| {
            values.push(value);
            conditions.push(condition.replace('?', &format!("${}", values.len())));
        };
        if let Some(app) = &self.app {
            wants("app = ?", Wanted::Text(app.clone()));
        }
        if let Some(run) = &self.run {
            wants("run = ?", Wanted::Text(run.clone()));
        }
        if let Some(since) = self.since {
            wants("at >= ?", Wanted::Number(nanos(since)));
        }
        if let Some(until) = self.until {
            wants("at < ?", Wanted::Number(nanos(until)));
        }
        if self.without_runs {
            conditions.push("kind NOT IN ('run-begun', 'run-ended')".into());
        }
        let mut sql = format!("{ENTRIES} WHERE {} ORDER BY seq DESC", conditions.join(" AND "));
        if let Some(limit) = self.limit {
            sql += &format!(" LIMIT {limit}");
        }
        (sql, values)
    }
}

/// The condition that every query of the ledger has: a whole number between the first entry and the one that the head names.
/// Whatever else somebody has put into the table is no part of the chain, and must not pass for something that happened.
/// The sign keeps the databases from choosing an index by it that finds nothing.
pub(super) const COVERED: &str =
    "+seq BETWEEN 1 AND (SELECT seq FROM ledger_head WHERE one = 1) AND CAST(seq AS BIGINT) = +seq";

/// Selects entries, each with its personal values.
pub(super) const ENTRIES: &str = "SELECT ledger.seq AS place, ledger.body AS body, prev, hash,
     (SELECT own.body FROM ledger_personal AS own WHERE own.seq = ledger.seq) AS personal FROM ledger";

/// What is about to become an entry.
pub(super) struct Draft<'a> {
    pub(super) key: Option<&'a AppKey>,
    pub(super) entry: Cow<'a, NewEntry>,
    /// It makes an account, if it takes effect.
    pub(super) makes_account: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(key: Option<&'a AppKey>, entry: Cow<'a, NewEntry>) -> Self {
        let makes_account = entry.event.action().is_some_and(|action| action.deed.verb == Verb::Create);
        Self { key, entry, makes_account }
    }

    /// What is hashed, of the entry that it becomes at a place, and the personal values that it refers to.
    pub(super) fn text(&self, seq: u64, key: impl FnMut() -> String) -> Result<(String, Personal), Fault> {
        let mut entry = match serde_json::to_value(&*self.entry)? {
            Value::Object(entry) => entry,
            _ => Map::new(),
        };
        let personal = Personal::seal(&mut entry, key)?;
        let text = row::canonical(&Text {
            seq,
            app: self.key.map(|key| key.app.clone()),
            origin: self.key.map(|key| key.origin.clone()),
            makes_account: self.makes_account,
            entry,
        })?;
        Ok((text, personal))
    }
}

/// What is hashed: an entry and where it stands, sorted by name at every depth, without white space.
#[derive(Serialize, Deserialize)]
pub(super) struct Text {
    pub(super) seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) makes_account: bool,
    pub(super) entry: Map<String, Value>,
}

impl Text {
    pub(super) fn key(&self) -> Option<AppKey> {
        let (app, origin) = (self.app.clone()?, self.origin.clone()?);
        Some(AppKey { app, origin })
    }

    /// What it says, with its personal values.
    pub(super) fn open(mut self, personal: Personal) -> Result<NewEntry, Fault> {
        personal.open(&mut self.entry);
        Ok(serde_json::from_value(Value::Object(self.entry))?)
    }
}

/// The columns beside an entry's text, which find it.
#[derive(Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) at: i64,
    pub(super) run: Option<String>,
    pub(super) kind: String,
    pub(super) app: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) action: Option<String>,
    pub(super) verb: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) group_id: Option<String>,
    pub(super) result: Option<String>,
    pub(super) made: i64,
    /// Rows of their own.
    pub(super) people: BTreeSet<String>,
}

impl Columns {
    pub(super) fn of(key: Option<&AppKey>, entry: &NewEntry, makes_account: bool) -> Self {
        let tamed = |text: &str| tame(text).into_owned();
        let action = entry.event.action();
        let deed = action.map(|action| &action.deed);
        let known = |text: &&Arc<str>| ***text != *FORGOTTEN;
        // Somebody who was forgotten is in no name either.
        let named = deed.filter(|deed| [&deed.account, &deed.group].into_iter().flatten().all(|part| known(&part)));
        Self {
            at: nanos(entry.at),
            run: entry.run.as_deref().map(tamed),
            kind: entry.event.kind().into(),
            app: key.map(|key| tamed(&key.app)),
            origin: key.map(|key| tamed(&key.origin)),
            action: named.zip(key).map(|(deed, key)| tamed(&deed.name(&key.app).to_string())),
            verb: deed.map(|deed| deed.verb.as_str().into()),
            account_id: deed.and_then(|deed| deed.account_id.as_ref()).filter(known).map(|id| tamed(id)),
            group_id: deed.and_then(|deed| deed.group_id.as_ref()).filter(known).map(|id| tamed(id)),
            result: action.map(|action| action.ending.as_str().into()),
            made: makes_account.into(),
            people: entry.event.people().map(|person| tamed(Email::lenient(person).key())).collect(),
        }
    }
}

/// Adds entries to the chain, within a transaction that has checked the lease where there is one. Returns the place of the
/// first.
pub(super) async fn append(tx: &mut Tx<'_>, drafts: &[Draft<'_>]) -> Result<u64, Fault> {
    let lock = tx.lock_rows(" FOR UPDATE");
    let sql = format!("SELECT seq, hash FROM ledger_head WHERE one = 1{lock}");
    let head = sqlx::query(&sql).fetch_one(tx.connection()?).await?;
    let first = row::count::<u64>(&head, "seq")? + 1;
    let mut prev = row::text(&head, "hash")?;
    let mut seq = first;
    for chunk in drafts.chunks(row::ROWS) {
        let mut links = Vec::with_capacity(chunk.len());
        for draft in chunk {
            links.push(Link::new(draft, seq, &mut prev)?);
            seq += 1;
        }
        insert(tx, &links).await?;
    }
    sqlx::query("UPDATE ledger_head SET seq = $1, hash = $2 WHERE one = 1")
        .bind(row::column(seq - 1))
        .bind(prev)
        .execute(tx.connection()?)
        .await?;
    Ok(first)
}

/// An entry with its place in the chain.
pub(super) struct Link {
    seq: u64,
    prev: String,
    hash: String,
    text: String,
    personal: Option<String>,
    columns: Columns,
}

impl Link {
    /// The link that follows the one with the hash `prev`, which becomes this one's.
    pub(super) fn new(draft: &Draft<'_>, seq: u64, prev: &mut String) -> Result<Self, Fault> {
        let (text, personal) = draft.text(seq, personal::new_key)?;
        let hash = row::hash(&[prev, &text]);
        let columns = Columns::of(draft.key, &draft.entry, draft.makes_account);
        let prev = std::mem::replace(prev, hash.clone());
        Ok(Self { seq, prev, hash, text, personal: personal.text()?, columns })
    }
}

pub(super) async fn insert(tx: &mut Tx<'_>, links: &[Link]) -> Result<(), Fault> {
    let sql = format!(
        "INSERT INTO ledger
         (seq, at, run, kind, app, origin, action, verb, account_id, group_id, result, made, prev, hash, body) VALUES {}",
        row::placeholders(1, links.len(), 15)
    );
    // Almost all statements are about one entry.
    let mut query = sqlx::query(&sql).persistent(links.len() == 1);
    for link in links {
        let columns = &link.columns;
        query = query
            .bind(row::column(link.seq))
            .bind(columns.at)
            .bind(columns.run.as_deref())
            .bind(&*columns.kind)
            .bind(columns.app.as_deref())
            .bind(columns.origin.as_deref())
            .bind(columns.action.as_deref())
            .bind(columns.verb.as_deref())
            .bind(columns.account_id.as_deref())
            .bind(columns.group_id.as_deref())
            .bind(columns.result.as_deref())
            .bind(columns.made)
            .bind(&*link.prev)
            .bind(&*link.hash)
            .bind(&*link.text);
    }
    query.execute(tx.connection()?).await?;
    let beside: Vec<_> = links.iter().map(|link| (link.seq, link.personal.as_deref(), &link.columns)).collect();
    insert_beside(tx, &beside).await
}

/// Enters the values that entries refer to, and whom they are about.
pub(super) async fn insert_beside(tx: &mut Tx<'_>, entries: &[(u64, Option<&str>, &Columns)]) -> Result<(), Fault> {
    let personal = entries.iter().filter_map(|(seq, personal, _)| Some((*seq, (*personal)?))).collect();
    insert_pairs(tx, "ledger_personal (seq, body)", personal).await?;
    let people = entries.iter().flat_map(|(seq, _, columns)| columns.people.iter().map(|person| (*seq, &**person)));
    insert_pairs(tx, "ledger_people (seq, person)", people.collect()).await
}

async fn insert_pairs(tx: &mut Tx<'_>, table: &str, pairs: Vec<(u64, &str)>) -> Result<(), Fault> {
    for chunk in pairs.chunks(row::ROWS) {
        let sql = format!("INSERT INTO {table} VALUES {}", row::placeholders(1, chunk.len(), 2));
        let mut query = sqlx::query(&sql).persistent(chunk.len() == 1);
        for (seq, text) in chunk {
            query = query.bind(row::column(*seq)).bind(*text);
        }
        query.execute(tx.connection()?).await?;
    }
    Ok(())
}

/// An entry from its row.
pub(super) fn read(found: &AnyRow) -> Result<Entry, Fault> {
    let unreadable = |fault: Fault| match row::number(found, "place") {
        Ok(seq) => Fault::corrupt(format!("entry {seq} of the ledger cannot be read: {}", fault.detail)),
        Err(fault) => fault,
    };
    let entry = || {
        let text: Text = serde_json::from_str(&row::text(found, "body")?)?;
        let (seq, key) = (text.seq, text.key());
        let entry = text.open(Personal::parse(row::optional_text(found, "personal")?)?)?;
        Ok(Entry { seq, key, prev: row::text(found, "prev")?, hash: row::text(found, "hash")?, entry })
    };
    entry().map_err(unreadable)
}
