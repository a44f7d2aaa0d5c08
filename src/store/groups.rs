//! Groups that the files declared: under which id the app has each, and by which name the files called it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    AppKey, Deed, Entry, Event, Store, StoreError,
    error::Fault,
    ledger::{COVERED, ENTRIES},
    open::Tx,
    row::tame,
    statement::{none, of},
};
use crate::model::Verb;

impl Store {
    /// The groups that the files declared, by id, each with its name in them: as the last reading found them, and those that
    /// we made since. What we deleted is not among them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn declared_groups(&self, key: &AppKey) -> Result<BTreeMap<Arc<str>, Arc<str>>, StoreError> {
        self.reading("looking up declared groups", async |tx| {
            let mut known = current(tx, key).await?;
            let sql = format!(
                "{ENTRIES}
                 WHERE app = $1 AND origin = $2 AND verb IN ('create-group', 'delete-group')
                   AND result = 'done' AND {COVERED} ORDER BY seq"
            );
            for entry in tx.rows::<Entry>(&sql, of(key)).await? {
                let Event::Action(action) = entry.entry.event else { continue };
                match action.deed {
                    Deed { verb: Verb::CreateGroup, group: Some(name), group_id: Some(id), .. } => {
                        known.entry(id).or_insert(name);
                    }
                    Deed { verb: Verb::DeleteGroup, group_id: Some(id), .. } => drop(known.remove(&id)),
                    _ => {}
                }
            }
            Ok(known)
        })
        .await
    }
}

async fn current(tx: &mut Tx<'_>, key: &AppKey) -> Result<BTreeMap<Arc<str>, Arc<str>>, Fault> {
    let sql = "SELECT group_id, name FROM declared_groups WHERE app = $1 AND origin = $2";
    let rows: Vec<(String, String)> = tx.rows(sql, of(key)).await?;
    Ok(rows.into_iter().map(|(id, name)| (id.into(), name.into())).collect())
}

/// Makes `declared` what is known. Only what is different from before is written.
pub(super) async fn keep(tx: &mut Tx<'_>, key: &AppKey, declared: &BTreeMap<Arc<str>, Arc<str>>) -> Result<(), Fault> {
    let before = current(tx, key).await?;
    let tamed: BTreeMap<String, String> =
        declared.iter().map(|(id, name)| (tame(id).into_owned(), tame(name).into_owned())).collect();
    let gone: Vec<_> = before.iter().filter(|(id, name)| tamed.get(&***id).is_none_or(|now| *now != ***name)).collect();
    let sql = "DELETE FROM declared_groups WHERE app = $1 AND origin = $2 AND group_id IN {}";
    tx.run_each(sql, || of(key), &gone, |params, (id, _)| Ok(params.and(&***id))).await?;
    let new: Vec<_> =
        tamed.iter().filter(|(id, name)| before.get(id.as_str()).is_none_or(|was| **was != ***name)).collect();
    let sql = "INSERT INTO declared_groups (app, origin, group_id, name) VALUES {}";
    tx.run_each(sql, none, &new, |params, (id, name)| {
        Ok(params.and(&*key.app).and(&*key.origin).and(id.as_str()).and(name.as_str()))
    })
    .await
    .map(drop)
}
