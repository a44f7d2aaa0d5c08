//! Runs: one command, or one cycle of the daemon.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;
use sqlx::any::AnyRow;

use super::{
    Event, NewEntry, RunBegun, RunEnded, Store, StoreError, Trouble,
    error::Fault,
    ledger::{self, COVERED, Draft},
    row::{self, nanos},
};

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewRun {
    /// Its id, which no other run has had.
    pub id: Arc<str>,
    /// `apply`, `daemon`.
    pub command: String,
    /// When it began.
    pub started_at: Timestamp,
    /// The commit of the files, if they are in a repository.
    pub commit: Option<String>,
    /// The plan's fingerprint.
    pub fingerprint: Option<String>,
    /// The machine it runs on.
    pub host: String,
    /// Its process.
    pub pid: u32,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunEnd {
    /// When.
    pub at: Timestamp,
    /// How, in a word: `done`, `failed`, `interrupted`.
    pub how: String,
    /// What there is to say about it.
    pub message: Option<String>,
    /// How many actions ended how, by the words of [`Ending`](super::Ending).
    pub counts: BTreeMap<String, u64>,
}

/// A run, past or present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// How it began.
    #[serde(flatten)]
    pub begun: NewRun,
    /// How it ended; none of a run that was cut off or is still under way.
    pub ended: Option<RunEnd>,
}

impl Store {
    /// Enters a run, in the ledger as well.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_run(&self, run: &NewRun) -> Result<(), StoreError> {
        self.journal("entering that a run begins", async {
            let entry = run.entry();
            let mut tx = self.write().await?;
            let seq = ledger::append(&mut tx, &[Draft::new(None, Cow::Owned(entry))]).await?;
            let sql = "INSERT INTO runs (id, seq, command, started_at, revision, fingerprint, host, pid)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
            sqlx::query(sql)
                .bind(&*run.id)
                .bind(row::column(seq))
                .bind(&*run.command)
                .bind(nanos(run.started_at))
                .bind(run.commit.as_deref())
                .bind(run.fingerprint.as_deref())
                .bind(&*run.host)
                .bind(i64::from(run.pid))
                .execute(tx.connection()?)
                .await?;
            tx.commit().await
        })
        .await
    }

    /// Enters how a run ended, in the ledger as well.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_run(&self, id: &str, end: &RunEnd) -> Result<(), StoreError> {
        self.journal("entering that a run ended", async {
            let entry = end.entry(id);
            let mut tx = self.write().await?;
            let sql = "UPDATE runs SET ended_at = $1, how = $2, message = $3, counts = $4
                       WHERE id = $5 AND ended_at IS NULL";
            let ended = sqlx::query(sql)
                .bind(nanos(end.at))
                .bind(&*end.how)
                .bind(end.message.as_deref())
                .bind(serde_json::to_string(&end.counts)?)
                .bind(id)
                .execute(tx.connection()?)
                .await?;
            if ended.rows_affected() != 1 {
                return Err(Fault::new(Trouble::Database, format!("there is no run {id} under way")));
            }
            ledger::append(&mut tx, &[Draft::new(None, Cow::Owned(entry))]).await?;
            tx.commit().await
        })
        .await
    }

    /// The last `limit` runs, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn runs(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        let mut runs = self.find_runs(&format!("ORDER BY seq DESC LIMIT {limit}"), None).await?;
        runs.reverse();
        Ok(runs)
    }

    /// A run by its id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run(&self, id: &str) -> Result<Option<Run>, StoreError> {
        Ok(self.find_runs("AND id = $1", Some(id)).await?.pop())
    }

    /// Runs of whose begin the ledger tells; a row that somebody else has put there is none.
    async fn find_runs(&self, rest: &str, id: Option<&str>) -> Result<Vec<Run>, StoreError> {
        let sql = format!(
            "SELECT * FROM runs WHERE EXISTS (
                 SELECT 1 FROM ledger WHERE seq = runs.seq AND run = runs.id AND kind = 'run-begun' AND {COVERED}) {rest}"
        );
        self.drive("looking up runs", async {
            let mut tx = self.read().await?;
            let query = sqlx::query(&sql).persistent(false);
            let query = id.into_iter().fold(query, |query, id| query.bind(id.to_owned()));
            let rows = query.fetch_all(tx.connection()?).await?;
            tx.commit().await?;
            rows.iter().map(read).collect()
        })
        .await
    }
}

impl NewRun {
    /// The ledger's entry.
    pub(super) fn entry(&self) -> NewEntry {
        let begun = RunBegun {
            command: self.command.clone(),
            host: self.host.clone(),
            pid: self.pid,
            commit: self.commit.clone(),
            fingerprint: self.fingerprint.clone(),
        };
        NewEntry { at: self.started_at, run: Some(self.id.clone()), event: Event::RunBegun(begun) }
    }
}

impl RunEnd {
    /// The ledger's entry.
    pub(super) fn entry(&self, id: &str) -> NewEntry {
        let ended = RunEnded { how: self.how.clone(), message: self.message.clone(), counts: self.counts.clone() };
        NewEntry { at: self.at, run: Some(id.into()), event: Event::RunEnded(ended) }
    }
}

pub(super) fn read(found: &AnyRow) -> Result<Run, Fault> {
    let ended = match row::optional_time(found, "ended_at")? {
        None => None,
        Some(at) => Some(RunEnd {
            at,
            how: row::text(found, "how")?,
            message: row::optional_text(found, "message")?,
            counts: serde_json::from_str(&row::text(found, "counts")?)?,
        }),
    };
    let begun = NewRun {
        id: row::shared(found, "id")?,
        command: row::text(found, "command")?,
        started_at: row::time(found, "started_at")?,
        commit: row::optional_text(found, "revision")?,
        fingerprint: row::optional_text(found, "fingerprint")?,
        host: row::text(found, "host")?,
        pid: row::count(found, "pid")?,
    };
    Ok(Run { begun, ended })
}
