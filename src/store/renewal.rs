//! Renewing leases and turns: all that a process holds, by one statement.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use sqlx::{Row as _, any::AnyRow};

use super::{
    AppKey, DaemonId, Lease, Store, StoreError, Turn,
    error::Fault,
    lease::{clock, length},
    open::Tx,
    statement::{FromRow, ROWS, none},
    turn::steady_since,
};

/// Something that is renewed.
#[derive(Debug, Clone, Copy)]
pub enum Held<'a> {
    /// The right to write to an app.
    Lease(&'a Lease),
    /// The right to go through its cycle.
    Turn(&'a Turn),
}

impl Store {
    /// Lets everything last for `ttl` from now on, by one statement, and lets others know that this daemon lives, if it is one.
    /// Returns what is not lost, in the order given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn renew_all(
        &self,
        held: &[Held<'_>],
        daemon: Option<&DaemonId>,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        self.writing("renewing what is held", async |tx| {
            let clock = clock(tx, now).await?;
            let until = clock.saturating_add(length(ttl));
            if let Some(daemon) = daemon {
                let steady = steady_since("$3");
                let sql = format!("UPDATE daemons SET steady = {steady}, until = $2 WHERE daemon = $1");
                tx.run(&sql, none().and(&*daemon.0).and(until).and(clock)).await?;
            }
            let mut rows = Vec::new();
            for chunk in held.chunks(ROWS) {
                rows.extend(renew(tx, chunk, until).await?);
            }
            Ok(held.iter().map(|one| rows.iter().any(|row| row.has(one))).collect())
        })
        .await
    }
}

/// A row after a renewal.
struct Renewed {
    app: String,
    origin: String,
    owner: Option<String>,
    epoch: i64,
    turn_of: Option<String>,
    turns: i64,
}

impl FromRow for Renewed {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        Ok(Self {
            app: row.try_get("app")?,
            origin: row.try_get("origin")?,
            owner: row.try_get("owner")?,
            epoch: row.try_get("epoch")?,
            turn_of: row.try_get("turn_of")?,
            turns: row.try_get("turns")?,
        })
    }
}

impl Renewed {
    fn has(&self, held: &Held<'_>) -> bool {
        let key = held.key();
        let ours = match held {
            Held::Lease(lease) => self.owner.is_some() && self.epoch == lease.epoch(),
            Held::Turn(turn) => self.turn_of.is_some() && self.turns == turn.number,
        };
        ours && *self.app == *key.app && *self.origin == *key.origin
    }
}

impl Held<'_> {
    fn key(&self) -> &AppKey {
        match self {
            Self::Lease(lease) => lease.key(),
            Self::Turn(turn) => turn.key(),
        }
    }
}

async fn renew(tx: &mut Tx<'_>, held: &[Held<'_>], until: i64) -> Result<Vec<Renewed>, Fault> {
    /// No epoch and no turn is counted so.
    const NONE: i64 = -1;
    // A row is updated once, whatever is held of it.
    let mut apps: BTreeMap<&AppKey, (i64, i64)> = BTreeMap::new();
    for one in held {
        let (epoch, turn) = apps.entry(one.key()).or_insert((NONE, NONE));
        match one {
            Held::Lease(lease) => *epoch = lease.epoch(),
            Held::Turn(of) => *turn = of.number,
        }
    }
    let row = |row: usize| {
        let first = 2 + 4 * row;
        let [a, o, e, t] = [first, first + 1, first + 2, first + 3];
        format!("(CAST(${a} AS TEXT), CAST(${o} AS TEXT), CAST(${e} AS BIGINT), CAST(${t} AS BIGINT))")
    };
    let rows: Vec<String> = (0..apps.len()).map(row).collect();
    let sql = format!(
        "WITH held (held_app, held_origin, held_epoch, held_turn) AS (VALUES {})
         UPDATE apps SET
             lease_until = CASE WHEN owner IS NOT NULL AND epoch = held_epoch THEN $1 ELSE lease_until END,
             turn_until = CASE WHEN turn_of IS NOT NULL AND turns = held_turn THEN $1 ELSE turn_until END
         FROM held WHERE app = held_app AND origin = held_origin
         RETURNING app, origin, owner, epoch, turn_of, turns",
        rows.join(", ")
    );
    let params = apps.into_iter().fold(none().and(until), |params, (key, (epoch, turn))| {
        params.and(&*key.app).and(&*key.origin).and(epoch).and(turn)
    });
    tx.rows(&sql, params).await
}
