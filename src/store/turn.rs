//! Whose turn it is: daemons that share a store go through an app's cycle one after the other, when it is due.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Row as _, any::AnyRow};

use super::{
    AppKey, Store, StoreError,
    error::Fault,
    lease::{clock, enter_app, length, local},
    open::Tx,
    row::{nanos, timestamp},
    statement::{FromRow, none, of},
};

/// How PostgreSQL locks the row of an app whose turn is asked for. A row that somebody else has locked is passed over.
const UNLESS_LOCKED: &str = " FOR UPDATE SKIP LOCKED";

/// SQL for the time since when a daemon has renewed its presence without a break; `now` is the parameter that holds the time.
pub(super) fn steady_since(now: &str) -> String {
    format!("CASE WHEN daemons.until > {now} THEN daemons.steady ELSE {now} END")
}

/// SQL that holds for a daemon that is surely dead. Parameter `$3` is now, and `$4` is how long a presence lasts. The presence has
/// lapsed, and the daemon `$5` has reached the store for that long without a break, so the silence proves something.
const DEAD: &str = "until <= $3 AND (SELECT steady FROM daemons AS me
                    WHERE me.app = $1 AND me.origin = $2 AND me.daemon = $5) <= $3 - $4";

/// An app whose row is locked is asked for again after this long. Most transactions take milliseconds.
const LOCKED: Duration = Duration::from_secs(1);

/// Names a daemon among those that share a store. No other process has ever had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonId(pub(super) Arc<str>);

impl DaemonId {
    /// A new one.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()).into())
    }
}

/// A daemon that asks for a turn.
#[derive(Debug, Clone, Copy)]
pub struct Daemon<'a> {
    /// Which one it is.
    pub id: &'a DaemonId,
    /// For people: host, process, command.
    pub name: &'a str,
    /// The files by which it goes, by their meaning.
    pub files: &'a str,
    /// Their commit, where it is known.
    pub revision: Option<&'a str>,
    /// Whether it corrects what differs in the app.
    pub writes: bool,
}

/// Why a daemon asks for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Somebody asked for a cycle.
    Asked,
    /// It is time by the daemon's own clock. The number of its own last turn, if it had one: where nobody else has had a turn
    /// since, that clock alone decides, so that one that is set back anywhere stops nothing.
    Due(Option<i64>),
}

/// The right to go through an app's cycle, until it lapses or is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub(super) key: AppKey,
    pub(super) number: i64,
}

/// What came of asking for a turn.
#[derive(Debug)]
pub enum TurnClaim {
    /// It is ours.
    Ours {
        /// The turn.
        turn: Turn,
        /// What the daemon that ended the last cycle wrote of it.
        cycle: Option<Value>,
    },
    /// Not yet.
    Later(Later),
}

/// When to ask again, and what is known of the app meanwhile.
#[derive(Debug)]
pub struct Later {
    /// When, on the caller's clock.
    pub at: Timestamp,
    /// Another daemon is in the middle of a cycle.
    pub under_way: bool,
}

/// What a turn ends with.
#[derive(Debug, Clone, Copy)]
pub struct TurnEnd<'a> {
    /// The meaning of the files by which the cycle went.
    pub files: &'a str,
    /// When the next cycle is due, on the caller's clock.
    pub next_due: Timestamp,
    /// What others are to know of it; none where nothing was learnt of the app.
    pub cycle: Option<&'a Value>,
}

/// An app as daemons share it.
#[derive(Debug)]
pub struct SharedApp {
    /// The app.
    pub key: AppKey,
    /// A daemon died in the middle of a cycle.
    pub broke_off: bool,
    /// What the daemon that ended the last cycle wrote of it.
    pub cycle: Option<Value>,
}

/// What an app's row says of turns.
struct Row {
    turns: i64,
    turn_of: Option<String>,
    turn_until: Option<i64>,
    turn_began: Option<i64>,
    next_due: Option<i64>,
    cycle: Option<String>,
    cycle_files: Option<String>,
}

const ROW: &str = "SELECT turns, turn_of, turn_until, turn_began, next_due, cycle, cycle_files FROM apps
                   WHERE app = $1 AND origin = $2";

impl FromRow for Row {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        Ok(Self {
            turns: row.try_get("turns")?,
            turn_of: row.try_get("turn_of")?,
            turn_until: row.try_get("turn_until")?,
            turn_began: row.try_get("turn_began")?,
            next_due: row.try_get("next_due")?,
            cycle: row.try_get("cycle")?,
            cycle_files: row.try_get("cycle_files")?,
        })
    }
}

impl Turn {
    /// The app.
    pub fn key(&self) -> &AppKey {
        &self.key
    }

    /// Counts the turns of an app.
    pub fn number(&self) -> i64 {
        self.number
    }
}

impl Row {
    /// Whether another daemon is in the middle of a cycle, and until when at least.
    fn taken(&self, daemon: &DaemonId, clock: i64) -> Option<i64> {
        self.turn_until.filter(|until| *until > clock && self.turn_of.as_deref() != Some(&*daemon.0))
    }

    /// Until when nothing is due; none when something is.
    fn quiet_until(&self, daemon: Daemon<'_>, why: Why, clock: i64, oldest: i64) -> Option<i64> {
        let ours_was_last = why == Why::Due(Some(self.turns));
        // Whoever had the last turn has died, and left undone what it was at.
        let broke_off = self.turn_of.is_some();
        let other_files = self.cycle_files.as_deref() != Some(daemon.files);
        // The last turn began later than now: the clock was set back since.
        let unknown_age = self.turn_began.is_none_or(|began| began < oldest || began > clock);
        if why == Why::Asked || ours_was_last || broke_off || other_files || unknown_age {
            return None;
        }
        self.next_due.filter(|due| *due > clock)
    }
}

impl Store {
    /// Asks for an app's turn, for `ttl`, and lets others know that this daemon lives for as long.
    ///
    /// A turn is due when its time has come, when a cycle broke off or went by other files, and when none has begun since the
    /// first of the daemons that live was started. So a daemon that starts alone begins at once, and one that joins others
    /// does not.
    ///
    /// # Errors
    /// When the store fails; that it is somebody else's turn is no error.
    pub async fn take_turn(
        &self,
        key: &AppKey,
        daemon: Daemon<'_>,
        why: Why,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<TurnClaim, StoreError> {
        self.writing("asking for an app's turn", async |tx| {
            let clock = clock(tx, now).await?;
            enter_app(tx, key).await?;
            follow_clock(tx, key, ttl, clock).await?;
            announce(tx, key, daemon, ttl, clock).await?;
            let later =
                |at: i64, under_way| Ok(TurnClaim::Later(Later { at: timestamp(local(at, clock, now)), under_way }));
            let sql = format!("{ROW}{}", tx.lock_rows(UNLESS_LOCKED));
            let Some(row) = tx.row::<Row>(&sql, of(key)).await? else {
                return later(clock.saturating_add(length(LOCKED)), true);
            };
            if let Some(until) = row.taken(daemon.id, clock) {
                return later(until, true);
            }
            let oldest = oldest(tx, key, clock).await?;
            if let Some(until) = row.quiet_until(daemon, why, clock, oldest) {
                return later(until, false);
            }
            let sql = "UPDATE apps SET turns = turns + 1, turn_of = $3, turn_until = $4, turn_began = $5
                       WHERE app = $1 AND origin = $2 RETURNING turns";
            let params = of(key).and(&*daemon.id.0).and(clock.saturating_add(length(ttl))).and(clock);
            let number = tx.value(sql, params).await?;
            let cycle = row.cycle.as_deref().map(serde_json::from_str).transpose()?;
            Ok(TurnClaim::Ours { turn: Turn { key: key.clone(), number }, cycle })
        })
        .await
    }

    /// Gives a turn back, with what came of the cycle. One that was lost already is given back without complaint.
    ///
    /// # Errors
    /// When the store fails; the turn then lapses by itself.
    pub async fn end_turn(&self, turn: &Turn, ended: TurnEnd<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.writing("giving an app's turn back", async |tx| {
            let clock = clock(tx, now).await?;
            let TurnEnd { files, next_due, cycle } = ended;
            let sql = "UPDATE apps SET turn_of = NULL, turn_until = NULL, next_due = $4, cycle = COALESCE($5, cycle),
                       cycle_files = $6
                       WHERE app = $1 AND origin = $2 AND turns = $3";
            let due = clock.saturating_add(nanos(next_due).saturating_sub(nanos(now)));
            let params = of(&turn.key).and(turn.number).and(due).and(cycle.map(Value::to_string)).and(files);
            tx.run(sql, params).await.map(drop)
        })
        .await
    }

    /// The apps that a daemon has asked for, as other daemons see them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn shared_apps(&self, daemon: &DaemonId, now: Timestamp) -> Result<Vec<SharedApp>, StoreError> {
        self.reading("looking up what other daemons did", async |tx| {
            let clock = clock(tx, now).await?;
            let sql = "SELECT apps.app, apps.origin, turn_until, cycle FROM apps JOIN daemons
                       ON apps.app = daemons.app AND apps.origin = daemons.origin WHERE daemon = $1";
            let rows: Vec<(String, String, Option<i64>, Option<String>)> = tx.rows(sql, none().and(&*daemon.0)).await?;
            let shared = |(app, origin, until, cycle): (String, String, Option<i64>, Option<String>)| {
                let cycle = cycle.as_deref().map(serde_json::from_str).transpose()?;
                let broke_off = until.is_some_and(|until| until <= clock);
                Ok(SharedApp { key: AppKey::new(app, origin), broke_off, cycle })
            };
            rows.into_iter().map(shared).collect()
        })
        .await
    }

    /// Lets others know that a daemon ends, and gives back the turns that it has.
    ///
    /// # Errors
    /// When the store fails; others find out by themselves.
    pub async fn leave(&self, daemon: &DaemonId) -> Result<(), StoreError> {
        self.writing("leaving the other daemons", async |tx| {
            // A cycle that was cut short is due for whoever looks next.
            tx.run("UPDATE apps SET turn_until = 0 WHERE turn_of = $1", none().and(&*daemon.0)).await?;
            tx.run("DELETE FROM daemons WHERE daemon = $1", none().and(&*daemon.0)).await.map(drop)
        })
        .await
    }
}

/// Corrects times that lie too far ahead. They were written before the clock was set back, and would keep every daemon waiting
/// until the clock shows them again.
async fn follow_clock(tx: &mut Tx<'_>, key: &AppKey, ttl: Duration, clock: i64) -> Result<(), Fault> {
    let latest = clock.saturating_add(length(ttl));
    let sql = "UPDATE apps SET turn_until = $3 WHERE app = $1 AND origin = $2 AND turn_until > $3";
    tx.run(sql, of(key).and(latest)).await?;
    let sql = "UPDATE daemons SET until = CASE WHEN until > $3 THEN $3 ELSE until END,
               since = CASE WHEN since > $4 THEN $4 ELSE since END, steady = CASE WHEN steady > $4 THEN $4 ELSE steady END
               WHERE app = $1 AND origin = $2 AND (until > $3 OR since > $4 OR steady > $4)";
    tx.run(sql, of(key).and(latest).and(clock)).await.map(drop)
}

/// Records that a daemon has an app in its files, and deletes daemons that are surely dead.
async fn announce(tx: &mut Tx<'_>, key: &AppKey, daemon: Daemon<'_>, ttl: Duration, clock: i64) -> Result<(), Fault> {
    let sql = format!(
        "INSERT INTO daemons (app, origin, daemon, name, files, writes, since, until, revision, steady)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $7)
         ON CONFLICT (app, origin, daemon) DO UPDATE SET name = excluded.name, files = excluded.files,
         writes = excluded.writes, until = excluded.until, revision = excluded.revision,
         steady = {}",
        steady_since("$7")
    );
    let params = of(key).and(&*daemon.id.0).and(daemon.name).and(daemon.files).and(i64::from(daemon.writes));
    tx.run(&sql, params.and(clock).and(clock.saturating_add(length(ttl))).and(daemon.revision)).await?;
    let sql = format!("DELETE FROM daemons WHERE app = $1 AND origin = $2 AND {DEAD}");
    tx.run(&sql, of(key).and(clock).and(length(ttl)).and(&*daemon.id.0)).await.map(drop)
}

/// When the first of the daemons that live was started.
async fn oldest(tx: &mut Tx<'_>, key: &AppKey, clock: i64) -> Result<i64, Fault> {
    let sql = "SELECT MIN(since) FROM daemons WHERE app = $1 AND origin = $2 AND until > $3";
    let oldest: Option<i64> = tx.value(sql, of(key).and(clock)).await?;
    Ok(oldest.unwrap_or(clock))
}
