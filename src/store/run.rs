//! Runs: one command, or one cycle of the daemon.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use sqlx::{Row as _, any::AnyRow};

use super::{
    Event, NewEntry, RunBegun, RunEnded, RunEnding, Store, StoreError, Trouble,
    error::Fault,
    ledger::{self, COVERED, Draft},
    row::{self, nanos, timestamp},
    statement::{FromRow, Params, none},
};

/// A run, past or present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id, which no other run has had.
    pub id: Arc<str>,
    /// When it began.
    pub started_at: Timestamp,
    /// What began.
    pub begun: RunBegun,
    /// When and how it ended; none of a run that was cut off or is still under way.
    pub ended: Option<(Timestamp, RunEnded)>,
}

impl Store {
    /// Enters a run, in the ledger as well.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_run(&self, id: &str, at: Timestamp, begun: &RunBegun) -> Result<(), StoreError> {
        self.journal("entering that a run begins", async |tx| {
            let entry = NewEntry { at, run: Some(id.into()), event: Event::RunBegun(begun.clone()) };
            let seq = ledger::append(tx, &[Draft::new(None, Cow::Owned(entry))]).await?;
            let sql = "INSERT INTO runs (id, seq, command, started_at, revision, fingerprint, host, pid)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
            let params = none().and(id).and(row::column(seq)).and(&*begun.command).and(nanos(at));
            let params = params.and(begun.commit.as_deref()).and(begun.fingerprint.as_deref());
            tx.run(sql, params.and(&*begun.host).and(i64::from(begun.pid))).await.map(drop)
        })
        .await
    }

    /// Enters how a run ended, in the ledger as well.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_run(&self, id: &str, at: Timestamp, ended: &RunEnded) -> Result<(), StoreError> {
        self.journal("entering that a run ended", async |tx| {
            let sql = "UPDATE runs SET ended_at = $1, how = $2, message = $3, counts = $4
                       WHERE id = $5 AND ended_at IS NULL";
            let params = none().and(nanos(at)).and(ended.how.as_str()).and(ended.message.as_deref());
            let changed = tx.run(sql, params.and(serde_json::to_string(&ended.counts)?).and(id)).await?;
            if changed != 1 {
                return Err(Fault::new(Trouble::Database, format!("there is no run {id} under way")));
            }
            let entry = NewEntry { at, run: Some(id.into()), event: Event::RunEnded(ended.clone()) };
            ledger::append(tx, &[Draft::new(None, Cow::Owned(entry))]).await.map(drop)
        })
        .await
    }

    /// The last `limit` runs, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn runs(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        let mut runs = self.find_runs(&format!("ORDER BY seq DESC LIMIT {limit}"), none()).await?;
        runs.reverse();
        Ok(runs)
    }

    /// A run by its id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run(&self, id: &str) -> Result<Option<Run>, StoreError> {
        Ok(self.find_runs("AND id = $1", none().and(id)).await?.pop())
    }

    /// Runs of whose begin the ledger tells; a row that somebody else has put there is none.
    async fn find_runs(&self, rest: &str, params: Params) -> Result<Vec<Run>, StoreError> {
        let sql = format!(
            "SELECT * FROM runs WHERE EXISTS (
                 SELECT 1 FROM ledger WHERE seq = runs.seq AND run = runs.id AND kind = 'run-begun' AND {COVERED}) {rest}"
        );
        self.find("looking up runs", &sql, params).await
    }
}

fn how(word: &str) -> Result<RunEnding, Fault> {
    word.parse().map_err(|_| Fault::corrupt(format!("`{word}` is no end of a run")))
}

impl FromRow for Run {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        let ended = match row.try_get::<Option<i64>, _>("ended_at")? {
            None => None,
            Some(at) => Some((
                timestamp(at),
                RunEnded {
                    how: how(row.try_get("how")?)?,
                    message: row.try_get("message")?,
                    counts: serde_json::from_str(row.try_get("counts")?)?,
                },
            )),
        };
        let begun = RunBegun {
            command: row.try_get("command")?,
            commit: row.try_get("revision")?,
            fingerprint: row.try_get("fingerprint")?,
            host: row.try_get("host")?,
            pid: row::count(row, "pid")?,
        };
        Ok(Self { id: row::shared(row, "id")?, started_at: row::time(row, "started_at")?, begun, ended })
    }
}
