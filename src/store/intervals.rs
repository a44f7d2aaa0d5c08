//! From when until when something was seen: what a reading changes about that.
//!
//! A row begins with the first reading that showed it so, and ends with the first that showed it otherwise or proved it
//! gone. A reading that shows what was there before writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sqlx::Row as _;

use super::{
    AppKey, Covered, Reading, SeenMembership, SeenValues,
    error::Fault,
    open::Tx,
    row::{self, tame},
    statement::{none, of},
};
use crate::model::LiveAccount;

/// A table of what was seen.
struct Table {
    name: &'static str,
    /// The columns that say what a row is about, and the condition that it is one of several.
    about: (&'static [&'static str], &'static str),
    /// The columns that say how it was seen, beside its fields.
    shown: &'static [&'static str],
}

const ACCOUNTS: Table =
    Table { name: "seen_accounts", about: (&["account"], "account IN {}"), shown: &["email", "email_key", "status"] };

const MEMBERS: Table = Table {
    name: "seen_members",
    about: (&["account", "group_id"], "(account, group_id) IN (VALUES {})"),
    shown: &["group_name", "status"],
};

/// What a row is about: an account's id, and for a membership that of the group.
type Place = Vec<Arc<str>>;

/// How something was seen, in the form of its columns.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    texts: Vec<String>,
    fields: SeenValues,
}

/// Everything that was seen in one table.
type Rows = BTreeMap<Place, Shown>;

impl Shown {
    fn new<const N: usize>(texts: [&str; N], fields: &SeenValues) -> Self {
        Self { texts: texts.map(|text| tame(text).into_owned()).into(), fields: fields.clone() }
    }
}

fn account(seen: &LiveAccount) -> (Place, Shown) {
    let texts = [seen.email.as_str(), seen.email.key(), &row::status_text(&seen.status)];
    (vec![id(&seen.id)], Shown::new(texts, &seen.values))
}

fn member(seen: &SeenMembership) -> (Place, Shown) {
    let shown = Shown::new([&*seen.group_name, &row::status_text(&seen.status)], &seen.values);
    (vec![id(&seen.account), id(&seen.group)], shown)
}

fn id(id: &Arc<str>) -> Arc<str> {
    if id.contains('\0') { tame(id).into() } else { id.clone() }
}

/// Writes what a reading changes.
pub(super) async fn write(tx: &mut Tx<'_>, key: &AppKey, at: i64, reading: &Reading) -> Result<(), Fault> {
    let covered = &reading.covered;
    // An account that is listed twice is one account.
    let accounts: Rows = reading.accounts.iter().map(account).collect();
    let members: Rows = reading.memberships.iter().map(member).collect();
    let (held, held_members) = (ACCOUNTS.current(tx, key).await?, MEMBERS.current(tx, key).await?);
    let absent: BTreeSet<String> = covered.absent.iter().map(|email| tame(email.key()).into_owned()).collect();
    // The second text of an account is its address as addresses are compared.
    let is_absent = |shown: &Shown| absent.contains(&shown.texts[1]);
    let unseen = held.iter().filter(|(place, _)| !accounts.contains_key(*place));
    let gone: BTreeSet<&Place> =
        unseen.filter(|(_, shown)| covered.accounts || is_absent(shown)).map(|(place, _)| place).collect();
    let is_over = |place: &Place| {
        let account = place[..1].to_vec();
        // Nobody can be a member without an account. Where there never was one, the app did not show it.
        let without_account = covered.accounts && !accounts.contains_key(&account);
        gone.contains(&account) || without_account || covered.ends(&place[0], &place[1])
    };
    MEMBERS.change(tx, key, at, (&held_members, &members), is_over).await?;
    ACCOUNTS.change(tx, key, at, (&held, &accounts), |place| gone.contains(place)).await
}

impl Covered {
    /// Whether a membership that was not seen is gone, although its account is there.
    fn ends(&self, account: &Arc<str>, group: &Arc<str>) -> bool {
        if self.all_groups.as_ref().is_some_and(|groups| !groups.contains(group)) {
            return true;
        }
        self.groups.contains(group) && !self.unread.contains(account)
    }
}

impl Table {
    /// What holds as far as anybody knows.
    async fn current(&self, tx: &mut Tx<'_>, key: &AppKey) -> Result<Rows, Fault> {
        let sql = format!("SELECT * FROM {} WHERE app = $1 AND origin = $2 AND seen_to IS NULL", self.name);
        let mut current = Rows::new();
        for found in tx.found(&sql, of(key)).await? {
            let place = self.about.0.iter().map(|column| row::shared(&found, column)).collect::<Result<_, _>>()?;
            let texts = self.shown.iter().map(|column| found.try_get(*column)).collect::<Result<_, _>>()?;
            current.insert(place, Shown { texts, fields: row::fields(&found)? });
        }
        Ok(current)
    }

    /// Ends the rows that hold no longer, and begins those of what is different from before.
    async fn change(
        &self,
        tx: &mut Tx<'_>,
        key: &AppKey,
        at: i64,
        (before, now): (&Rows, &Rows),
        is_over: impl Fn(&Place) -> bool,
    ) -> Result<(), Fault> {
        let unseen = before.keys().filter(|place| !now.contains_key(*place));
        let mut ended: Vec<&Place> = unseen.filter(|place| is_over(place)).collect();
        let mut begun = Vec::new();
        for (place, seen) in now {
            let (mut seen, held) = (seen.clone(), before.get(place));
            if let Some(held) = held {
                // What was not seen this time holds as it did before.
                let unseen = held.fields.iter().filter(|(name, _)| !seen.fields.contains_key(*name));
                let unseen: Vec<_> = unseen.map(|(name, value)| (name.clone(), value.clone())).collect();
                seen.fields.extend(unseen);
            }
            if held != Some(&seen) {
                ended.extend(held.map(|_| place));
                begun.push((place, seen));
            }
        }
        let (name, (about, is_one)) = (self.name, self.about);
        let sql =
            format!("UPDATE {name} SET seen_to = $3 WHERE app = $1 AND origin = $2 AND seen_to IS NULL AND {is_one}");
        let before = || of(key).and(at);
        tx.run_each(&sql, before, &ended, |params, place| Ok(params.and_all(place.iter().map(|id| &**id)))).await?;
        let (about, shown) = (about.join(", "), self.shown.join(", "));
        let sql = format!("INSERT INTO {name} (app, origin, {about}, seen_from, {shown}, fields) VALUES {{}}");
        tx.run_each(&sql, none, &begun, |params, (place, seen)| {
            let params = params.and(&*key.app).and(&*key.origin).and_all(place.iter().map(|id| &**id)).and(at);
            Ok(params.and_all(seen.texts.iter().map(|text| &**text)).and(serde_json::to_string(&seen.fields)?))
        })
        .await?;
        Ok(())
    }
}
