//! Pauses. Every process that shares the store goes by them, no matter who made them.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use sqlx::{Row as _, any::AnyRow};

use super::{
    AppKey, Event, NewEntry, Paused, Resumed, Store, StoreError,
    error::Fault,
    ledger::{self, Draft},
    open::Tx,
    row::{self, nanos, tame},
    statement::{FromRow, none},
};
use crate::model::Pause;

impl FromRow for Pause {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        let app = row::shared(row, "app")?;
        Ok(Self {
            app: (!app.is_empty()).then_some(app),
            since: row::time(row, "since")?,
            until: row::time(row, "until")?,
            by: row.try_get("paused_by")?,
            reason: row.try_get("reason")?,
            holds_leavers: row.try_get::<i64, _>("holds_leavers")? != 0,
        })
    }
}

impl Store {
    /// Pauses that are in force at `now`: first that of all apps, then by app.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pauses(&self, now: Timestamp) -> Result<Vec<Pause>, StoreError> {
        let sql = "SELECT * FROM pauses WHERE until > $1 ORDER BY app";
        self.find("looking up what is paused", sql, none().and(nanos(now))).await
    }

    /// Pauses, in the place of an earlier pause of the same app or of all apps. The ledger names the app by its `origin`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pause(&self, pause: &Pause, origin: &str) -> Result<(), StoreError> {
        self.writing("pausing", async |tx| {
            // Nobody misses those that are over, and the ledger tells of them.
            tx.run("DELETE FROM pauses WHERE until <= $1", none().and(nanos(pause.since))).await?;
            remove(tx, pause.app.as_deref()).await?;
            let sql = "INSERT INTO pauses (app, since, until, paused_by, reason, holds_leavers)
                       VALUES ($1, $2, $3, $4, $5, $6)";
            let params = none().and(pause.app.as_deref().unwrap_or_default());
            let params = params.and(nanos(pause.since)).and(nanos(pause.until)).and(tame(&pause.by).into_owned());
            let params = params.and(tame(&pause.reason).into_owned()).and(i64::from(pause.holds_leavers));
            tx.run(sql, params).await?;
            let paused = Paused {
                until: pause.until,
                by: pause.by.as_str().into(),
                reason: pause.reason.as_str().into(),
                holds_leavers: pause.holds_leavers,
            };
            enter(tx, pause.app.as_ref(), origin, pause.since, Event::Paused(paused)).await
        })
        .await
    }

    /// Ends the pause of an app, or of all apps, before its time. None when there was none in force.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_pause(
        &self,
        app: Option<&Arc<str>>,
        origin: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<Pause>, StoreError> {
        self.writing("ending a pause", async |tx| {
            let ended = remove(tx, app.map(|app| &**app)).await?.filter(|pause| pause.is_on(at));
            if ended.is_some() {
                enter(tx, app, origin, at, Event::Resumed(Resumed { by: by.into() })).await?;
            }
            Ok(ended)
        })
        .await
    }
}

/// Takes the pause of an app, or of all apps, out.
async fn remove(tx: &mut Tx<'_>, app: Option<&str>) -> Result<Option<Pause>, Fault> {
    tx.row("DELETE FROM pauses WHERE app = $1 RETURNING *", none().and(app.unwrap_or_default())).await
}

async fn enter(
    tx: &mut Tx<'_>,
    app: Option<&Arc<str>>,
    origin: &str,
    at: Timestamp,
    event: Event,
) -> Result<(), Fault> {
    let key = app.map(|app| AppKey::new(app.clone(), origin));
    let entry = NewEntry { at, run: None, event };
    ledger::append(tx, &[Draft::new(key.as_ref(), Cow::Owned(entry))]).await.map(drop)
}
