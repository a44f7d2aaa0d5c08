//! The journal: what is about to be sent, until it is known what came of it.

use std::{borrow::Cow, future::Future, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ActionEntry, AppKey, ApprovalUse, Deed, Ending, Event, Lease, NewEntry, Store, StoreError, Trouble, approvals,
    error::Fault,
    lease,
    ledger::{self, Draft},
    open::Tx,
    row,
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
    /// The app.
    pub key: AppKey,
    /// The lease under which it was opened. A current lease with another epoch has to look before it repeats anything.
    pub epoch: i64,
    /// How many complete readings did not show what it makes.
    pub absences: u32,
    /// What was about to be sent.
    pub intent: NewIntent,
}

/// What came of an intent. The rest of its ledger entry is known from the intent.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// When it was known.
    pub at: Timestamp,
    /// The run that found it out, which after a crash is a later one.
    pub run: Arc<str>,
    /// What came of it.
    pub ending: Ending,
    /// The sentence that goes with it.
    pub message: Option<String>,
    /// Method and path of the request: `PATCH /users/user-123`.
    pub request: Option<String>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// What the app showed when it was read back.
    pub read_back: Option<Value>,
    /// The account's id, where it became known by this.
    pub account_id: Option<Arc<str>>,
    /// The group's id, likewise.
    pub group_id: Option<Arc<str>>,
    /// It was settled by looking at the app, without an answer to the request.
    pub by_looking: bool,
    /// Approvals that are used up by it.
    pub approvals: Vec<ApprovalUse>,
}

impl Store {
    /// Writes down what is about to be sent in one request: all of it or nothing. It is durable when this returns.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), [`Trouble::AlreadyOpen`](super::Trouble::AlreadyOpen), or when the
    /// store fails; nothing may be sent then.
    pub async fn open_batch(&self, lease: &Lease, intents: &[NewIntent]) -> Result<Vec<IntentId>, StoreError> {
        self.journal("writing down what is about to be sent", async {
            let mut tx = self.write().await?;
            let first = number(&mut tx, lease, intents.len()).await?;
            let ids: Vec<IntentId> = (first..).map(IntentId).take(intents.len()).collect();
            for (intent, id) in intents.iter().zip(&ids) {
                open(&mut tx, lease, intent, *id).await?;
            }
            tx.commit().await?;
            Ok(ids)
        })
        .await
    }

    /// Settles an intent and enters it in the ledger, at once.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease) or [`Trouble::NotOpen`](super::Trouble::NotOpen), or when the store
    /// fails; the intent is still open then.
    pub async fn close_intent(&self, lease: &Lease, id: IntentId, settled: &Settled) -> Result<(), StoreError> {
        self.journal("writing down what came of a request", async {
            let mut tx = self.write().await?;
            lease::check(&mut tx, lease).await?;
            let draft = close(&mut tx, lease, id, settled).await?;
            for used in &settled.approvals {
                approvals::count(&mut tx, used).await?;
            }
            ledger::append(&mut tx, &[draft]).await?;
            tx.commit().await
        })
        .await
    }

    /// Intents of which it is not known what came of them, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open_intents(&self, key: &AppKey) -> Result<Vec<Intent>, StoreError> {
        self.drive("looking up what was left open", async {
            let mut tx = self.read().await?;
            let sql = "SELECT id, epoch, absences, body FROM intents WHERE app = $1 AND origin = $2 ORDER BY id";
            let rows = sqlx::query(sql).bind(&*key.app).bind(&*key.origin).fetch_all(tx.connection()?).await?;
            tx.commit().await?;
            let mut intents = Vec::with_capacity(rows.len());
            for found in rows {
                intents.push(Intent {
                    id: IntentId(row::number(&found, "id")?),
                    key: key.clone(),
                    epoch: row::number(&found, "epoch")?,
                    absences: row::count(&found, "absences")?,
                    intent: serde_json::from_str(&row::text(&found, "body")?)?,
                });
            }
            Ok(intents)
        })
        .await
    }

    /// Notes that one more complete reading, begun after the request, did not show what the intent makes. Returns how many
    /// there have been.
    ///
    /// # Errors
    /// As [`Store::close_intent`].
    pub async fn note_absence(&self, lease: &Lease, id: IntentId) -> Result<u32, StoreError> {
        self.journal("noting what a reading did not show", async {
            let mut tx = self.write().await?;
            lease::check(&mut tx, lease).await?;
            let sql = "UPDATE intents SET absences = absences + 1 WHERE app = $1 AND origin = $2 AND id = $3
                       RETURNING absences";
            let found = sqlx::query(sql)
                .bind(&*lease.key().app)
                .bind(&*lease.key().origin)
                .bind(id.0)
                .fetch_optional(tx.connection()?)
                .await?;
            let absences = row::count(&found.ok_or_else(|| not_open(lease, id))?, "absences")?;
            tx.commit().await?;
            Ok(absences)
        })
        .await
    }

    /// Drives a write of the journal. Debug builds can be killed before and after it.
    pub(super) async fn journal<T: Send>(
        &self,
        doing: &str,
        operation: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, StoreError> {
        #[cfg(debug_assertions)]
        let write = super::crash::Write::begin();
        let result = self.drive(doing, operation).await;
        #[cfg(debug_assertions)]
        write.end();
        result
    }
}

/// Numbers for new intents, the first of which is returned. The lease is checked, and held until the transaction ends.
async fn number(tx: &mut Tx<'_>, lease: &Lease, intents: usize) -> Result<i64, Fault> {
    lease::check_to_write(tx, lease).await?;
    let sql = "UPDATE apps SET intents = intents + $1 WHERE app = $2 AND origin = $3 RETURNING intents";
    let count = row::column(intents);
    let found = sqlx::query(sql)
        .bind(count)
        .bind(&*lease.key().app)
        .bind(&*lease.key().origin)
        .fetch_one(tx.connection()?)
        .await?;
    Ok(row::number(&found, "intents")? - count + 1)
}

async fn open(tx: &mut Tx<'_>, lease: &Lease, intent: &NewIntent, id: IntentId) -> Result<(), Fault> {
    let sql = "INSERT INTO intents (app, origin, id, epoch, absences, action, body) VALUES ($1, $2, $3, $4, 0, $5, $6)
               ON CONFLICT (app, origin, action) DO NOTHING";
    let opened = sqlx::query(sql)
        .bind(&*lease.key().app)
        .bind(&*lease.key().origin)
        .bind(id.0)
        .bind(lease.epoch())
        .bind(&*row::tame(&intent.action))
        .bind(serde_json::to_string(intent)?)
        .execute(tx.connection()?)
        .await?;
    if opened.rows_affected() == 0 {
        return Err(Fault::new(
            Trouble::AlreadyOpen,
            format!("it is not known yet what came of an earlier request for {}", intent.action),
        ));
    }
    Ok(())
}

async fn close<'a>(tx: &mut Tx<'_>, lease: &'a Lease, id: IntentId, settled: &Settled) -> Result<Draft<'a>, Fault> {
    let sql = "DELETE FROM intents WHERE app = $1 AND origin = $2 AND id = $3 RETURNING body";
    let found = sqlx::query(sql)
        .bind(&*lease.key().app)
        .bind(&*lease.key().origin)
        .bind(id.0)
        .fetch_optional(tx.connection()?)
        .await?;
    let found = found.ok_or_else(|| not_open(lease, id))?;
    let intent: NewIntent = serde_json::from_str(&row::text(&found, "body")?)?;
    // Where joining a group makes the account, the account was not known when the request was sent.
    let joined_anew = intent.deed.verb == Verb::AddMember && intent.deed.account_id.is_none();
    let draft = Draft::new(Some(lease.key()), Cow::Owned(intent.settled(settled)));
    Ok(Draft { makes_account: draft.makes_account || joined_anew, ..draft })
}

fn not_open(lease: &Lease, id: IntentId) -> Fault {
    Fault::new(Trouble::NotOpen, format!("intent {} of {} is not open", id.0, lease.key().app))
}

impl NewIntent {
    /// The ledger's entry.
    fn settled(self, settled: &Settled) -> NewEntry {
        let deed = Deed {
            account_id: settled.account_id.clone().or(self.deed.account_id),
            group_id: settled.group_id.clone().or(self.deed.group_id),
            ..self.deed
        };
        let action = ActionEntry {
            deed,
            ending: settled.ending,
            message: settled.message.clone(),
            request: settled.request.clone(),
            status: settled.status,
            read_back: settled.read_back.clone(),
            sent_at: Some(self.at),
            by_looking: settled.by_looking,
        };
        NewEntry { at: settled.at, run: Some(settled.run.clone()), event: Event::Action(Box::new(action)) }
    }
}
