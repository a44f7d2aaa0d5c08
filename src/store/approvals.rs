//! Approvals that were used.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Store, StoreError, error::Fault, open::Tx, row};
use crate::model::Email;

/// One use of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalUse {
    /// Names the approval: a text or hash that stays the same as long as the approval says the same.
    pub approval: String,
    /// Where it stands, for people: `approvals.yaml:3`.
    pub place: String,
    /// The action that needed it.
    pub action: String,
    /// Whom the action was about, to count people; the action's name where there is nobody.
    pub person: String,
    /// When.
    pub at: Timestamp,
}

/// An approval that was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedApproval {
    /// Names the approval.
    pub approval: String,
    /// Where it stood when it was last used.
    pub place: String,
    /// How many people it was used for.
    pub people: u32,
    /// The actions it was used for, sorted.
    pub actions: Vec<String>,
    /// When it was first used.
    pub first: Timestamp,
    /// When it was last used.
    pub last: Timestamp,
}

impl Store {
    /// Every approval that was ever used, by its name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn used_approvals(&self) -> Result<Vec<UsedApproval>, StoreError> {
        self.drive("looking up the approvals that were used", async {
            let mut tx = self.read().await?;
            let sql = "SELECT approval, action, person, place, first_at, last_at FROM approval_uses";
            let rows = sqlx::query(sql).fetch_all(tx.connection()?).await?;
            tx.commit().await?;
            let mut used: BTreeMap<String, Uses> = BTreeMap::new();
            for found in rows {
                let uses = used.entry(row::text(&found, "approval")?).or_default();
                uses.people.insert(row::text(&found, "person")?);
                uses.actions.insert(row::text(&found, "action")?);
                uses.first.push(row::time(&found, "first_at")?);
                uses.last.push((row::time(&found, "last_at")?, row::text(&found, "place")?));
            }
            Ok(used.into_iter().map(|(approval, uses)| uses.sum(approval)).collect())
        })
        .await
    }
}

/// The uses of one approval.
#[derive(Default)]
struct Uses {
    people: BTreeSet<String>,
    actions: BTreeSet<String>,
    first: Vec<Timestamp>,
    last: Vec<(Timestamp, String)>,
}

impl Uses {
    fn sum(self, approval: String) -> UsedApproval {
        let (last, place) = self.last.into_iter().max().unwrap_or_default();
        UsedApproval {
            approval,
            place,
            people: u32::try_from(self.people.len()).unwrap_or(u32::MAX),
            actions: self.actions.into_iter().collect(),
            first: self.first.into_iter().min().unwrap_or(last),
            last,
        }
    }
}

/// Counts a use, within a transaction that has checked the lease.
pub(super) async fn count(tx: &mut Tx<'_>, used: &ApprovalUse) -> Result<(), Fault> {
    let sql = "INSERT INTO approval_uses (approval, action, person, place, first_at, last_at)
               VALUES ($1, $2, $3, $4, $5, $5)
               ON CONFLICT (approval, action, person) DO UPDATE SET place = excluded.place, last_at = excluded.last_at";
    sqlx::query(sql)
        .bind(&*used.approval)
        .bind(&*used.action)
        // One person is one person, however the address is spelt.
        .bind(Email::lenient(&used.person).key())
        .bind(&*used.place)
        .bind(row::nanos(used.at))
        .execute(tx.connection()?)
        .await?;
    Ok(())
}
