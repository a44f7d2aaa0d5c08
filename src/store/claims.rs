//! Whose accounts are, as far as that was accepted.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    AppKey, ApprovalUse, Lease, Store, StoreError, approvals,
    row::{nanos, tame},
    statement::{none, of},
};
use crate::model::{Email, IdentityClaim};

/// A claim that counts from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct NewClaim {
    /// The claim.
    pub claim: IdentityClaim,
    /// The use of the approval that released it.
    pub approval: Option<ApprovalUse>,
}

impl Store {
    /// Every claim that was accepted, by the account's id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn accepted_claims(&self, key: &AppKey) -> Result<BTreeMap<Arc<str>, BTreeSet<Email>>, StoreError> {
        let sql = "SELECT account, identity FROM claims WHERE app = $1 AND origin = $2";
        let rows: Vec<(String, String)> = self.find("looking up whose accounts are", sql, of(key)).await?;
        let mut claims: BTreeMap<Arc<str>, BTreeSet<Email>> = BTreeMap::new();
        for (account, identity) in rows {
            claims.entry(account.into()).or_default().insert(Email::lenient(&identity));
        }
        Ok(claims)
    }

    /// Ids of the accounts that an earlier version saw last, where no run has taken over what the files claim of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn inherited_accounts(&self, key: &AppKey) -> Result<BTreeSet<Arc<str>>, StoreError> {
        let sql = "SELECT account FROM seen_accounts WHERE app = $1 AND origin = $2 AND seen_to IS NULL
                   AND EXISTS (SELECT 1 FROM claims_to_inherit WHERE app = $1 AND origin = $2)";
        let rows: Vec<(String,)> = self.find("looking up whom an earlier version saw", sql, of(key)).await?;
        Ok(rows.into_iter().map(|(account,)| account.into()).collect())
    }

    /// Accepts claims, and counts the uses of the approvals that released them. `all_seen`: the reading was whole, so that
    /// there is nothing left to inherit.
    ///
    /// # Errors
    /// [`Trouble::LostLease`](super::Trouble::LostLease), or when the store fails.
    pub async fn accept_claims(
        &self,
        lease: &Lease,
        at: Timestamp,
        claims: &[NewClaim],
        all_seen: bool,
    ) -> Result<(), StoreError> {
        self.leased("entering whose accounts are", lease, async |tx| {
            let key = lease.key();
            if all_seen {
                tx.run("DELETE FROM claims_to_inherit WHERE app = $1 AND origin = $2", of(key)).await?;
            }
            let sql = "INSERT INTO claims (app, origin, account, identity, claimed_by, place, accepted_at) VALUES {}
                       ON CONFLICT (app, origin, account, identity) DO NOTHING";
            tx.run_each(sql, none, claims, |params, NewClaim { claim, approval }| {
                let params = params
                    .and(&*key.app)
                    .and(&*key.origin)
                    .and(tame(&claim.account).into_owned())
                    .and(tame(claim.identity.key()).into_owned());
                let place = approval.as_ref().map(|used| &*used.place);
                Ok(params.and(<&str>::from(claim.by)).and(place).and(nanos(at)))
            })
            .await?;
            for used in claims.iter().filter_map(|claim| claim.approval.as_ref()) {
                approvals::count(tx, used).await?;
            }
            Ok(())
        })
        .await
    }
}
