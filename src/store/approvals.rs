//! Approvals that were used.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Store, StoreError, error::Fault, open::Tx, row::nanos, statement::none};
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsedApproval {
    /// The people it was used for.
    pub people: BTreeSet<String>,
    /// The actions it was used for.
    pub actions: BTreeSet<String>,
}

impl Store {
    /// Every approval that was ever used, by its name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn used_approvals(&self) -> Result<BTreeMap<String, UsedApproval>, StoreError> {
        let sql = "SELECT approval, action, person FROM approval_uses";
        let mut used: BTreeMap<String, UsedApproval> = BTreeMap::new();
        for (approval, action, person) in self.find("looking up the approvals that were used", sql, none()).await? {
            let uses = used.entry(approval).or_default();
            uses.people.insert(person);
            uses.actions.insert(action);
        }
        Ok(used)
    }
}

/// Counts a use, within a transaction that has checked the lease.
pub(super) async fn count(tx: &mut Tx<'_>, used: &ApprovalUse) -> Result<(), Fault> {
    let sql = "INSERT INTO approval_uses (approval, action, person, place, first_at, last_at)
               VALUES ($1, $2, $3, $4, $5, $5)
               ON CONFLICT (approval, action, person) DO UPDATE SET place = excluded.place, last_at = excluded.last_at";
    // One person is one person, however the address is spelt.
    let person = Email::lenient(&used.person);
    let params = none().and(&*used.approval).and(&*used.action).and(person.key());
    tx.run(sql, params.and(&*used.place).and(nanos(used.at))).await.map(drop)
}
