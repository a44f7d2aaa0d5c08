//! The ledger: what was done, when, why and with what result, as a chain of hashes.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AppKey, Lease, Store, StoreError,
    error::Fault,
    lease,
    open::Tx,
    row::{self, nanos, tame},
    verify,
};
use crate::model::{ActionResult, Change, Email, Verb};

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A run began.
    RunBegun,
    /// A run ended.
    RunEnded,
    /// An action ended.
    Action,
    /// Something was noticed, such as a change that somebody else made.
    Note,
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It took effect.
    Done,
    /// It did not take effect.
    Failed,
    /// Nobody can tell whether it did.
    Unknown,
    /// A person must do it.
    Manual,
    /// It was not tried, because of another action.
    Skipped,
    /// It was not tried, because the app had changed.
    Stale,
    /// It was not tried, because the run ended.
    NotStarted,
}

impl EntryKind {
    /// The word in the ledger and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunBegun => "run-begun",
            Self::RunEnded => "run-ended",
            Self::Action => "action",
            Self::Note => "note",
        }
    }
}

impl Ending {
    /// The word in the ledger and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Manual => "manual",
            Self::Skipped => "skipped",
            Self::Stale => "stale",
            Self::NotStarted => "not-started",
        }
    }
}

impl From<&ActionResult> for Ending {
    fn from(result: &ActionResult) -> Self {
        match result {
            ActionResult::Done { .. } => Self::Done,
            ActionResult::Failed { .. } => Self::Failed,
            ActionResult::Manual { .. } => Self::Manual,
            ActionResult::Skipped { .. } => Self::Skipped,
            ActionResult::Stale { .. } => Self::Stale,
            ActionResult::NotStarted { .. } => Self::NotStarted,
        }
    }
}

/// What is entered. `Default` is a note about nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewEntry {
    /// When it happened.
    pub at: Timestamp,
    /// In which run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Arc<str>>,
    /// What it is about.
    pub kind: EntryKind,
    /// The action's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Its verb.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verb: Option<String>,
    /// The account, as the action's name spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Arc<str>>,
    /// The account's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Arc<str>>,
    /// The group, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Arc<str>>,
    /// The group's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<Arc<str>>,
    /// The addresses of people who can do less or more afterwards, where that is not just `account`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Arc<str>>,
    /// Someone can do less afterwards.
    #[serde(skip_serializing_if = "not")]
    pub reduces_access: bool,
    /// Someone can do more afterwards.
    #[serde(skip_serializing_if = "not")]
    pub gains: bool,
    /// The lines that ask for it: `teams/design.yaml:9`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// The commit of the files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// `change`, `drift` or `time`, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Method and path of the request: `PATCH /users/user-123`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Ending>,
    /// The sentence that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the app showed when it was read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_back: Option<Value>,
    /// Fields, old and new.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// When the request was about to be sent, where that was written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// It was settled by looking at the app, without an answer to the request.
    #[serde(skip_serializing_if = "not")]
    pub by_looking: bool,
    /// What began, of an entry about the begin of a run. Entries of earlier versions have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begun: Option<RunBegun>,
    /// How it ended, of an entry about the end of a run. Entries of earlier versions have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<RunEnded>,
}

/// What the ledger holds about a run's begin, beside its id, the time and the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunBegun {
    /// The command.
    pub command: String,
    /// The machine it runs on.
    pub host: String,
    /// Its process.
    pub pid: u32,
    /// The plan's fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What the ledger holds about a run's end, beside its id and the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    /// How, in a word.
    pub how: String,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How many actions ended how.
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
}

impl Default for NewEntry {
    fn default() -> Self {
        Self {
            at: Timestamp::UNIX_EPOCH,
            run: None,
            kind: EntryKind::Note,
            action: None,
            verb: None,
            account: None,
            account_id: None,
            group: None,
            group_id: None,
            people: Vec::new(),
            reduces_access: false,
            gains: false,
            because: Vec::new(),
            commit: None,
            cause: None,
            request: None,
            status: None,
            result: None,
            message: None,
            read_back: None,
            changes: Vec::new(),
            sent_at: None,
            by_looking: false,
            begun: None,
            ended: None,
        }
    }
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its place in the ledger, from 1, without gaps.
    pub seq: u64,
    /// The app's name and origin; none for entries about runs.
    pub key: Option<AppKey>,
    /// The hash of the entry before it, in hexadecimal.
    pub prev: String,
    /// Its own hash.
    pub hash: String,
    /// The text that is hashed, together with `prev`: canonical JSON.
    pub text: String,
    /// What it says.
    pub entry: NewEntry,
}

/// Which entries to show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// About one of these people, compared as addresses are; about anybody, when there are none.
    pub people: Vec<String>,
    /// About this app, by name.
    pub app: Option<String>,
    /// About actions of this name or below it, as in approvals: `autodesk/deactivate`.
    pub action: Option<String>,
    /// In this run.
    pub run: Option<String>,
    /// Not before this instant.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// Not about the begin or end of a run.
    pub without_runs: bool,
    /// After this place in the ledger.
    pub after: Option<u64>,
    /// At most so many, the newest.
    pub limit: Option<u32>,
}

/// Whether the ledger is what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// Every link holds.
    Whole {
        /// How many entries there are.
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
            let mut entries = Vec::new();
            for found in query.fetch_all(tx.connection()?).await? {
                let (prev, hash) = (row::text(&found, "prev")?, row::text(&found, "hash")?);
                entries.push(read(row::text(&found, "body")?, prev, hash)?);
            }
            tx.commit().await?;
            entries.reverse();
            Ok(entries)
        })
        .await
    }

    /// Checks the whole chain.
    ///
    /// # Errors
    /// When the store fails; a broken chain is no error.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        self.drive("checking the ledger", async {
            let mut tx = self.read().await?;
            let verified = verify::chain(&mut tx).await?;
            tx.commit().await?;
            Ok(verified)
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
        if let Some(action) = &self.action {
            // Up to a slash, as in approvals: a name's beginning is not a prefix of every longer name.
            let below = format!("{}/", action.trim_end_matches('/'));
            let length = below.chars().count();
            wants(&format!("substr(action || '/', 1, {length}) = ?"), Wanted::Text(below));
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
        if let Some(after) = self.after {
            wants("seq > ?", Wanted::Number(row::column(after)));
        }
        if self.without_runs {
            conditions.push("kind NOT IN ('run-begun', 'run-ended')".into());
        }
        let mut sql =
            format!("SELECT body, prev, hash FROM ledger WHERE {} ORDER BY seq DESC", conditions.join(" AND "));
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

/// What is about to become an entry.
pub(super) struct Draft<'a> {
    pub(super) key: Option<&'a AppKey>,
    pub(super) entry: Cow<'a, NewEntry>,
    /// It makes an account, if it takes effect.
    pub(super) makes_account: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(key: Option<&'a AppKey>, entry: Cow<'a, NewEntry>) -> Self {
        let makes_account = entry.verb.as_deref() == Some(Verb::Create.as_str());
        Self { key, entry, makes_account }
    }

    /// What is hashed, of the entry that it becomes at a place.
    pub(super) fn text(&self, seq: u64) -> Result<String, Fault> {
        canonical(&Text {
            seq,
            app: self.key.map(|key| key.app.clone()),
            origin: self.key.map(|key| key.origin.clone()),
            makes_account: self.makes_account,
            entry: &*self.entry,
        })
    }
}

/// What is hashed: an entry and where it stands, sorted by name at every depth, without white space.
#[derive(Serialize, Deserialize)]
struct Text<E> {
    seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "not")]
    makes_account: bool,
    entry: E,
}

fn not(flag: &bool) -> bool {
    !flag
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
    pub(super) result: Option<String>,
    pub(super) made: i64,
    /// Rows of their own.
    pub(super) people: BTreeSet<String>,
}

impl Columns {
    fn of(key: Option<&AppKey>, entry: &NewEntry, makes_account: bool) -> Self {
        let tamed = |text: Option<&str>| text.map(|text| tame(text).into_owned());
        let people = entry.people.iter().chain(&entry.account);
        Self {
            at: nanos(entry.at),
            run: tamed(entry.run.as_deref()),
            kind: entry.kind.as_str().into(),
            app: tamed(key.map(|key| &*key.app)),
            origin: tamed(key.map(|key| &*key.origin)),
            action: tamed(entry.action.as_deref()),
            verb: tamed(entry.verb.as_deref()),
            account_id: tamed(entry.account_id.as_deref()),
            result: entry.result.map(|ending| ending.as_str().into()),
            made: makes_account.into(),
            people: people.map(|person| tame(Email::lenient(person).key()).into_owned()).collect(),
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
            let (key, entry) = (draft.key, &*draft.entry);
            let text = draft.text(seq)?;
            let hash = row::hash(&[&prev, &text]);
            let columns = Columns::of(key, entry, draft.makes_account);
            links.push(Link { seq, prev: std::mem::replace(&mut prev, hash.clone()), hash, text, columns });
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
struct Link {
    seq: u64,
    prev: String,
    hash: String,
    text: String,
    columns: Columns,
}

async fn insert(tx: &mut Tx<'_>, links: &[Link]) -> Result<(), Fault> {
    let sql = format!(
        "INSERT INTO ledger
         (seq, at, run, kind, app, origin, action, verb, account_id, result, made, prev, hash, body) VALUES {}",
        row::placeholders(1, links.len(), 14)
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
            .bind(columns.result.as_deref())
            .bind(columns.made)
            .bind(&*link.prev)
            .bind(&*link.hash)
            .bind(&*link.text);
    }
    query.execute(tx.connection()?).await?;
    let people: Vec<(u64, &str)> =
        links.iter().flat_map(|link| link.columns.people.iter().map(|person| (link.seq, &**person))).collect();
    for chunk in people.chunks(row::ROWS) {
        let sql = format!("INSERT INTO ledger_people (seq, person) VALUES {}", row::placeholders(1, chunk.len(), 2));
        let mut query = sqlx::query(&sql).persistent(chunk.len() == 1);
        for (seq, person) in chunk {
            query = query.bind(row::column(*seq)).bind(*person);
        }
        query.execute(tx.connection()?).await?;
    }
    Ok(())
}

/// JSON of which there is one way to write it.
fn canonical(value: &impl Serialize) -> Result<String, Fault> {
    Ok(serde_json::to_string(&sorted(serde_json::to_value(value)?))?)
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<(String, Value)> = object.into_iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        plain => plain,
    }
}

/// An entry from its text.
pub(super) fn read(text: String, prev: String, hash: String) -> Result<Entry, Fault> {
    let Text { seq, app, origin, entry, .. } = serde_json::from_str::<Text<NewEntry>>(&text)?;
    let key = app.zip(origin).map(|(app, origin)| AppKey { app, origin });
    Ok(Entry { seq, key, prev, hash, text, entry })
}

/// The place and columns that an entry's text asks for.
pub(super) fn columns(text: &str) -> Result<(u64, Columns), Fault> {
    let Text { seq, app, origin, makes_account, entry } = serde_json::from_str::<Text<NewEntry>>(text)?;
    let key = app.zip(origin).map(|(app, origin)| AppKey { app, origin });
    Ok((seq, Columns::of(key.as_ref(), &entry, makes_account)))
}
