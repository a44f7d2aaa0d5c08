//! The ledger: what was done, when, why and with what result, as a chain of hashes.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::{Row as _, any::AnyRow};

use super::{
    AppKey, Entry, Lease, NewEntry, Store, StoreError,
    error::Fault,
    open::Tx,
    personal::{self, FORGOTTEN, Personal},
    row::{self, nanos, tame},
    statement::{FromRow, Params, ROWS, none, placeholders},
};
use crate::model::{Email, Verb};

/// Which entries to show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// About one of these people, compared as addresses are; about anybody, when there are none.
    pub people: Vec<String>,
    /// About this app, by name, or about all apps.
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
        self.leased("entering something in the ledger", lease, async |tx| append(tx, &drafts).await.map(drop)).await
    }

    /// Entries that pass the filter, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, StoreError> {
        let (sql, params) = filter.statement();
        let mut entries: Vec<Entry> = self.find("reading the ledger", &sql, params).await?;
        entries.reverse();
        Ok(entries)
    }
}

impl Filter {
    /// The statement that finds what passes, newest first.
    fn statement(&self) -> (String, Params) {
        let (mut params, mut count) = (none(), 0);
        let mut conditions = vec![COVERED.to_owned()];
        if !self.people.is_empty() {
            count = self.people.len();
            params = params.and_all(self.people.iter().map(|person| tame(Email::lenient(person).key()).into_owned()));
            let places = placeholders(1, count, 1);
            conditions.push(format!("seq IN (SELECT seq FROM ledger_people WHERE person IN {places})"));
        }
        let mut next = |condition: &str| {
            count += 1;
            conditions.push(condition.replace("{}", &format!("${count}")));
        };
        for (condition, text) in [(OF_APP, &self.app), ("run = {}", &self.run)] {
            if let Some(text) = text {
                next(condition);
                params = params.and(&**text);
            }
        }
        for (condition, at) in [("at >= {}", self.since), ("at < {}", self.until)] {
            if let Some(at) = at {
                next(condition);
                params = params.and(nanos(at));
            }
        }
        if self.without_runs {
            conditions.push("kind NOT IN ('run-begun', 'run-ended')".into());
        }
        let limit = self.limit.map_or_else(String::new, |limit| format!(" LIMIT {limit}"));
        (format!("{ENTRIES} WHERE {} ORDER BY seq DESC{limit}", conditions.join(" AND ")), params)
    }
}

/// The condition that every query of the ledger has: a whole number between the first entry and the one that the head names.
/// Whatever else somebody has put into the table is no part of the chain, and must not pass for something that happened.
/// The sign keeps the databases from choosing an index by it that finds nothing.
pub(super) const COVERED: &str =
    "+seq BETWEEN 1 AND (SELECT seq FROM ledger_head WHERE one = 1) AND CAST(seq AS BIGINT) = +seq";

/// The condition that finds entries about an app: what is paused in all apps is paused in this one.
const OF_APP: &str = "(app = {} OR (app IS NULL AND kind IN ('paused', 'resumed')))";

/// Selects entries, each with its personal values.
pub(super) const ENTRIES: &str = "SELECT ledger.seq AS place, ledger.app AS app, ledger.origin AS origin,
     ledger.body AS body, prev, hash,
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
    at: i64,
    /// Of [`TEXTS`], in that order.
    texts: Vec<Option<String>>,
    made: i64,
    /// Rows of their own.
    pub(super) people: BTreeSet<String>,
}

const TEXTS: [&str; 9] = ["run", "kind", "app", "origin", "action", "verb", "account_id", "group_id", "result"];

impl Columns {
    pub(super) fn of(key: Option<&AppKey>, entry: &NewEntry, makes_account: bool) -> Self {
        let action = entry.event.action();
        let deed = action.map(|action| &action.deed);
        let known = |text: &&Arc<str>| ***text != *FORGOTTEN;
        // Somebody who was forgotten is in no name either.
        let named = deed.filter(|deed| [&deed.account, &deed.group].into_iter().flatten().all(|part| known(&part)));
        let name = named.zip(key).map(|(deed, key)| deed.name(&key.app).to_string());
        let id = |id: Option<&Option<Arc<str>>>| id.and_then(Option::as_ref).filter(known).cloned();
        let (account_id, group_id) = (id(deed.map(|deed| &deed.account_id)), id(deed.map(|deed| &deed.group_id)));
        let texts: [Option<&str>; 9] = [
            entry.run.as_deref(),
            Some(entry.event.kind()),
            key.map(|key| &*key.app),
            key.map(|key| &*key.origin),
            name.as_deref(),
            deed.map(|deed| deed.verb.as_str()),
            account_id.as_deref(),
            group_id.as_deref(),
            action.map(|action| action.ending.as_str()),
        ];
        Self {
            at: nanos(entry.at),
            texts: texts.map(|text| text.map(|text| tame(text).into_owned())).into(),
            made: makes_account.into(),
            people: entry.event.people().map(|person| tame(Email::lenient(person).key()).into_owned()).collect(),
        }
    }

    /// What a row of the ledger has, about these people.
    pub(super) fn read(row: &AnyRow, people: BTreeSet<String>) -> Result<Self, Fault> {
        let texts = TEXTS.iter().map(|column| row.try_get(*column)).collect::<Result<_, _>>()?;
        Ok(Self { at: row.try_get("at")?, texts, made: row.try_get("made")?, people })
    }

    pub(super) fn text(&self, column: &str) -> Option<&str> {
        let place = TEXTS.iter().position(|text| *text == column)?;
        self.texts[place].as_deref()
    }
}

/// Adds entries to the chain, within a transaction that has checked the lease where there is one. Returns the place of the
/// first.
pub(super) async fn append(tx: &mut Tx<'_>, drafts: &[Draft<'_>]) -> Result<u64, Fault> {
    let (head, mut prev) = head(tx).await?;
    let first = head + 1;
    let mut seq = first;
    for chunk in drafts.chunks(ROWS) {
        let mut links = Vec::with_capacity(chunk.len());
        for draft in chunk {
            links.push(Link::new(draft, seq, &mut prev)?);
            seq += 1;
        }
        insert(tx, &links).await?;
    }
    let sql = "UPDATE ledger_head SET seq = $1, hash = $2 WHERE one = 1";
    tx.run(sql, none().and(row::column(seq - 1)).and(prev)).await?;
    Ok(first)
}

/// The place and the hash of the last entry. Nobody else adds one until the transaction ends.
pub(super) async fn head(tx: &mut Tx<'_>) -> Result<(u64, String), Fault> {
    let lock = tx.lock_rows(" FOR UPDATE");
    let (seq, hash) = tx.one(&format!("SELECT seq, hash FROM ledger_head WHERE one = 1{lock}"), none()).await?;
    Ok((row::not_negative("seq", seq)?, hash))
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
    let sql = format!("INSERT INTO ledger (seq, at, {}, made, prev, hash, body) VALUES {{}}", TEXTS.join(", "));
    tx.run_each(&sql, none, links, |params, link| {
        let Link { seq, prev, hash, text, columns, .. } = link;
        let params = params.and(row::column(*seq)).and(columns.at).and_all(columns.texts.iter().map(Option::as_deref));
        Ok(params.and(columns.made).and(&**prev).and(&**hash).and(&**text))
    })
    .await?;
    let beside: Vec<_> = links.iter().map(|link| (link.seq, link.personal.as_deref(), &link.columns)).collect();
    insert_beside(tx, &beside).await
}

/// Enters the values that entries refer to, and whom they are about.
pub(super) async fn insert_beside(tx: &mut Tx<'_>, entries: &[(u64, Option<&str>, &Columns)]) -> Result<(), Fault> {
    let personal: Vec<_> = entries.iter().filter_map(|(seq, personal, _)| Some((*seq, (*personal)?))).collect();
    let people = entries.iter().flat_map(|(seq, _, columns)| columns.people.iter().map(|person| (*seq, &**person)));
    let people: Vec<_> = people.collect();
    for (table, pairs) in [("ledger_personal (seq, body)", personal), ("ledger_people (seq, person)", people)] {
        let sql = format!("INSERT INTO {table} VALUES {{}}");
        tx.run_each(&sql, none, &pairs, |params, (seq, text)| Ok(params.and(row::column(*seq)).and(*text))).await?;
    }
    Ok(())
}

/// Whom the entries behind one place, up to another, are about.
pub(super) async fn people(tx: &mut Tx<'_>, after: i64, until: i64) -> Result<BTreeMap<u64, BTreeSet<String>>, Fault> {
    let sql = "SELECT seq, person FROM ledger_people WHERE seq > $1 AND seq <= $2";
    let mut people: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for (seq, person) in tx.rows(sql, none().and(after).and(until)).await? {
        people.entry(row::not_negative("seq", seq)?).or_default().insert(person);
    }
    Ok(people)
}

impl FromRow for Entry {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        let place: i64 = row.try_get("place")?;
        let entry = || {
            let text: Text = serde_json::from_str(row.try_get("body")?)?;
            let seq = text.seq;
            let column = |name: &str| row.try_get::<Option<String>, _>(name);
            let key = column("app")?.zip(column("origin")?).map(|(app, origin)| AppKey::new(app, origin));
            let entry = text.open(Personal::parse(row.try_get("personal")?)?)?;
            Ok(Self { seq, key, prev: row.try_get("prev")?, hash: row.try_get("hash")?, entry })
        };
        entry().map_err(|fault: Fault| {
            Fault::corrupt(format!("entry {place} of the ledger cannot be read: {}", fault.detail))
        })
    }
}
