//! The journal: what is about to be sent, until it is known what came of it.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Row as _, any::AnyRow};

use super::{
    AppKey, ApprovalUse, Deed, Lease, NewEntry, Store, StoreError, Trouble,
    approvals::count,
    error::Fault,
    lease::{self, FOR_SHARE, FOR_UPDATE},
    ledger::{self, Draft},
    open::Tx,
    row,
    statement::{FromRow, of},
};
use crate::model::Verb;

/// What is about to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewIntent {
    /// The run that sends it.
    pub run: Arc<str>,
    /// The action's name. An app has at most one open intent for each.
    pub action: String,
    /// What the action does.
    #[serde(flatten)]
    pub deed: Deed,
    /// What is sent, and whatever else it takes to find out later whether it arrived. No secrets.
    pub payload: Value,
    /// When.
    pub at: Timestamp,
}

/// Names an intent of one app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub(super) i64);

/// An intent of which it is not known what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// The lease under which it was opened. A current lease with another epoch has to look before it repeats anything.
    pub epoch: i64,
    /// How many complete readings did not show what it makes.
    pub absences: u32,
    /// What was about to be sent.
    pub intent: NewIntent,
}

impl FromRow for Intent {
    fn from_row(row: &AnyRow) -> Result<Self, Fault> {
        Ok(Self {
            id: IntentId(row.try_get("id")?),
            epoch: row.try_get("epoch")?,
            absences: row::count(row, "absences")?,
            intent: serde_json::from_str(row.try_get("body")?)?,
        })
    }
}

impl Store {
    /// Writes down what is about to be sent in one request: all of it or nothing. It is durable when this returns.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), [`Trouble::AlreadyOpen`](super::Trouble::AlreadyOpen), or when the
    /// store fails; nothing may be sent then.
    pub async fn open_batch(&self, lease: &Lease, intents: &[NewIntent]) -> Result<Vec<IntentId>, StoreError> {
        self.journal("writing down what is about to be sent", async |tx| {
            lease::check(tx, lease, FOR_UPDATE).await?;
            let sql = "UPDATE apps SET intents = intents + $3 WHERE app = $1 AND origin = $2 RETURNING intents";
            let count = row::column(intents.len());
            let last: i64 = tx.value(sql, of(lease.key()).and(count)).await?;
            let ids: Vec<IntentId> = (last - count + 1..=last).map(IntentId).collect();
            for (intent, id) in intents.iter().zip(&ids) {
                open(tx, lease, intent, *id).await?;
            }
            Ok(ids)
        })
        .await
    }

    /// Settles an intent and enters what came of it in the ledger, with the approvals that are used up by it, at once.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease) or [`Trouble::NotOpen`](super::Trouble::NotOpen), or when the store
    /// fails; the intent is still open then.
    pub async fn close_intent(
        &self,
        lease: &Lease,
        id: IntentId,
        ended: &NewEntry,
        approvals: &[ApprovalUse],
    ) -> Result<(), StoreError> {
        self.journal("writing down what came of a request", async |tx| {
            lease::check(tx, lease, FOR_SHARE).await?;
            let sql = "DELETE FROM intents WHERE app = $1 AND origin = $2 AND id = $3 RETURNING body";
            let found: Option<(String,)> = tx.row(sql, of(lease.key()).and(id.0)).await?;
            let (body,) = found.ok_or_else(|| not_open(lease, id))?;
            let intent: NewIntent = serde_json::from_str(&body)?;
            // Where joining a group makes the account, the account was not known when the request was sent.
            let joined_anew = intent.deed.verb == Verb::AddMember && intent.deed.account_id.is_none();
            let draft = Draft::new(Some(lease.key()), Cow::Borrowed(ended));
            for used in approvals {
                count(tx, used).await?;
            }
            let makes_account = draft.makes_account || joined_anew;
            ledger::append(tx, &[Draft { makes_account, ..draft }]).await.map(drop)
        })
        .await
    }

    /// Intents of which it is not known what came of them, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open_intents(&self, key: &AppKey) -> Result<Vec<Intent>, StoreError> {
        let sql = "SELECT id, epoch, absences, body FROM intents WHERE app = $1 AND origin = $2 ORDER BY id";
        self.find("looking up what was left open", sql, of(key)).await
    }

    /// Notes that one more complete reading, begun after the request, did not show what the intent makes. Returns how many
    /// there have been.
    ///
    /// # Errors
    /// As [`Store::close_intent`].
    pub async fn note_absence(&self, lease: &Lease, id: IntentId) -> Result<u32, StoreError> {
        self.journal("noting what a reading did not show", async |tx| {
            lease::check(tx, lease, FOR_SHARE).await?;
            let sql = "UPDATE intents SET absences = absences + 1 WHERE app = $1 AND origin = $2 AND id = $3
                       RETURNING absences";
            let (absences,) = tx.row(sql, of(lease.key()).and(id.0)).await?.ok_or_else(|| not_open(lease, id))?;
            row::not_negative("absences", absences)
        })
        .await
    }

    /// Does a write of the journal. Debug builds can be killed before and after it.
    pub(super) async fn journal<T>(
        &self,
        doing: &str,
        work: impl AsyncFnOnce(&mut Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        #[cfg(debug_assertions)]
        let write = super::crash::Write::begin();
        let result = self.writing(doing, work).await;
        #[cfg(debug_assertions)]
        write.end();
        result
    }
}

async fn open(tx: &mut Tx<'_>, lease: &Lease, intent: &NewIntent, id: IntentId) -> Result<(), Fault> {
    let sql = "INSERT INTO intents (app, origin, id, epoch, absences, action, body) VALUES ($1, $2, $3, $4, 0, $5, $6)
               ON CONFLICT (app, origin, action) DO NOTHING";
    let action = row::tame(&intent.action);
    let params = of(lease.key()).and(id.0).and(lease.epoch()).and(&*action).and(serde_json::to_string(intent)?);
    if tx.run(sql, params).await? == 0 {
        return Err(Fault::new(
            Trouble::AlreadyOpen,
            format!("it is not known yet what came of an earlier request for {}", intent.action),
        ));
    }
    Ok(())
}

fn not_open(lease: &Lease, id: IntentId) -> Fault {
    Fault::new(Trouble::NotOpen, format!("intent {} of {} is not open", id.0, lease.key().app))
}
