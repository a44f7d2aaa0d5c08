//! Forgets a person: deletes what the store holds about them and leaves what is nobody's, such as ids that apps give.
//!
//! The ledger's chain holds afterwards, because its texts only refer to personal values. An entry says of which entries
//! values were deleted, so that a deletion that nobody asked for is found.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    AppKey, Event, FORGOTTEN, Forgot, NewEntry, Store, StoreError,
    error::Fault,
    ledger::{self, Columns, Draft, Text},
    open::Tx,
    personal::Personal,
    row::{self, column, tame},
    statement::{Params, none, of, placeholders},
    tenant::Moves,
};
use crate::model::Email;

/// Entries in memory at a time.
const PAGE: i64 = 1000;

/// What the store held about somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// The addresses by which the person is known, as addresses are compared.
    pub addresses: BTreeSet<String>,
    /// Actions about the person of which it is not known yet what came of them. As long as there are any, nothing is
    /// forgotten.
    pub under_way: Vec<String>,
    /// Entries of the ledger of which values were deleted.
    pub entries: u64,
    /// Values of those entries.
    pub values: u64,
    /// What readings had shown of the person's accounts.
    pub sightings: u64,
    /// Facts that were read of those accounts one by one.
    pub facts: u64,
    /// Uses of approvals.
    pub approvals: u64,
    /// Apps that showed an account of the person when they were last read.
    pub shown_by: BTreeSet<Arc<str>>,
}

impl Forgotten {
    /// Whether there was nothing to forget.
    pub fn is_nothing(&self) -> bool {
        self.entries == 0 && self.sightings == 0 && self.facts == 0 && self.approvals == 0
    }
}

impl Store {
    /// Deletes what is held about a person, under every address that the store knows of them, except those that `spared`
    /// says are somebody else's by now. Unless it is `really` meant, everything stays, and only what would go is told.
    ///
    /// # Errors
    /// When the store fails; nothing is deleted then.
    pub async fn forget(
        &self,
        person: &Email,
        spared: impl Fn(&str) -> bool + Send + Sync,
        at: Timestamp,
        really: bool,
    ) -> Result<Forgotten, StoreError> {
        self.drive_on("forgetting a person", async {
            let mut tx = self.write().await?;
            ledger::head(&mut tx).await?;
            let who = Who(addresses(&mut tx, person, spared).await?);
            let mut forgotten = Forgotten { under_way: under_way(&mut tx, &who).await?, ..Forgotten::default() };
            if forgotten.under_way.is_empty() {
                let entries = entries(&mut tx, &who, &mut forgotten).await?;
                messages_of_runs(&mut tx, &who).await?;
                pauses(&mut tx, &who).await?;
                accounts(&mut tx, &who, &mut forgotten).await?;
                approvals(&mut tx, &who, &mut forgotten).await?;
                if really && !forgotten.is_nothing() {
                    let entry = NewEntry { at, run: None, event: Event::Forgot(Forgot { entries }) };
                    ledger::append(&mut tx, &[Draft::new(None, Cow::Owned(entry))]).await?;
                }
            }
            forgotten.addresses = who.0;
            if really && forgotten.under_way.is_empty() {
                tx.commit().await?;
            } else {
                tx.roll_back().await?;
            }
            Ok(forgotten)
        })
        .await
    }
}

/// The addresses of a person, as addresses are compared.
struct Who(BTreeSet<String>);

impl Who {
    /// Placeholders for all addresses, from number `first` on.
    fn places(&self, first: usize) -> String {
        placeholders(first, 1, self.0.len())
    }

    fn after(&self, params: Params) -> Params {
        params.and_all(self.0.iter().map(|address| &**address))
    }

    /// Whether a text quotes one of the addresses, be it escaped as in the address of a page.
    fn is_quoted_by(&self, text: &str) -> bool {
        let text = text.to_lowercase().replace("%40", "@");
        let joins = |c: char| c.is_alphanumeric() || "._+-@".contains(c);
        self.0.iter().any(|address| {
            text.match_indices(address.as_str()).any(|(from, _)| {
                let mut after = text[from + address.len()..].chars();
                // A dot may end a sentence.
                let next = after.next().filter(|c| *c != '.' || after.next().is_some_and(char::is_alphanumeric));
                !text[..from].ends_with(joins) && !next.is_some_and(joins)
            })
        })
    }

    fn is_quoted_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.is_quoted_by(text),
            Value::Array(items) => items.iter().any(|item| self.is_quoted_in(item)),
            Value::Object(fields) => {
                fields.iter().any(|(name, value)| self.is_quoted_by(name) || self.is_quoted_in(value))
            }
            _ => false,
        }
    }
}

/// Every address by which the person is known: those that stand beside this one in entries about one account, and those
/// under which the same accounts were seen.
async fn addresses(tx: &mut Tx<'_>, person: &Email, spared: impl Fn(&str) -> bool) -> Result<BTreeSet<String>, Fault> {
    let key = tame(person.key());
    let sql = "SELECT DISTINCT beside.person AS address FROM ledger_people AS own
               JOIN ledger ON ledger.seq = own.seq JOIN ledger_people AS beside ON beside.seq = own.seq
               WHERE own.person = $1 AND ledger.kind = 'action'
                 AND ledger.verb NOT IN ('create-group', 'update-group', 'delete-group')
               UNION
               SELECT DISTINCT other.email_key AS address FROM seen_accounts AS own
               JOIN seen_accounts AS other
                 ON other.app = own.app AND other.origin = own.origin AND other.account = own.account
               WHERE own.email_key = $1";
    let found: Vec<(String,)> = tx.rows(sql, none().and(&*key)).await?;
    let mut found: BTreeSet<String> = found.into_iter().map(|(address,)| address).collect();
    found.retain(|address| address != FORGOTTEN && !spared(address));
    found.insert(key.into_owned());
    Ok(found)
}

/// Names of open actions that are about the person, or that name them.
async fn under_way(tx: &mut Tx<'_>, who: &Who) -> Result<Vec<String>, Fault> {
    let mut open = Vec::new();
    for (action, body) in tx.rows::<(String, String)>("SELECT action, body FROM intents", none()).await? {
        let body: Value = serde_json::from_str(&body)?;
        if who.is_quoted_by(&action) || who.is_quoted_in(&body) {
            open.push(action);
        }
    }
    Ok(open)
}

/// Forgets every value of entries that are about nobody else, and of others those that quote an address. Returns the
/// places of the entries.
async fn entries(tx: &mut Tx<'_>, who: &Who, forgotten: &mut Forgotten) -> Result<Vec<u64>, Fault> {
    let (mut last, mut changed) = (-1, Vec::new());
    let moves = Moves::of_ledger(tx).await?;
    loop {
        let sql = "SELECT ledger.seq, ledger.body, own.body FROM ledger_personal AS own
                   JOIN ledger ON ledger.seq = own.seq WHERE own.seq > $1 ORDER BY own.seq LIMIT $2";
        let rows: Vec<(i64, String, Option<String>)> = tx.rows(sql, none().and(last).and(PAGE)).await?;
        let Some((end, ..)) = rows.last() else { return Ok(changed) };
        let people = ledger::people(tx, last, *end).await?;
        last = *end;
        for (seq, body, personal) in rows {
            let seq = row::not_negative("seq", seq)?;
            let mut personal = Personal::parse(personal)?;
            let alone = people.get(&seq).is_some_and(|people| people.is_subset(&who.0));
            let values = personal.forget(|value| alone || who.is_quoted_in(value));
            if values > 0 {
                keep(tx, seq, &body, personal, &moves).await?;
                forgotten.values += values as u64;
                forgotten.entries += 1;
                changed.push(seq);
            }
        }
    }
}

/// Keeps what is left of an entry's values, and what is left to find it by.
async fn keep(tx: &mut Tx<'_>, seq: u64, body: &str, personal: Personal, moves: &Moves) -> Result<(), Fault> {
    let place = column(seq);
    tx.run("DELETE FROM ledger_personal WHERE seq = $1", none().and(place)).await?;
    tx.run("DELETE FROM ledger_people WHERE seq = $1", none().and(place)).await?;
    let left = personal.text()?;
    let text: Text = serde_json::from_str(body)?;
    let (key, makes_account) = (moves.now(seq, text.key()), text.makes_account);
    let columns = Columns::of(key.as_ref(), &text.open(personal)?, makes_account);
    let params = none().and(place).and_all(["action", "account_id", "group_id"].map(|column| columns.text(column)));
    tx.run("UPDATE ledger SET action = $2, account_id = $3, group_id = $4 WHERE seq = $1", params).await?;
    ledger::insert_beside(tx, &[(seq, left.as_deref(), &columns)]).await
}

/// What is kept about runs says what their entries say.
async fn messages_of_runs(tx: &mut Tx<'_>, who: &Who) -> Result<(), Fault> {
    let sql = "SELECT id, message FROM runs WHERE message IS NOT NULL";
    for (id, message) in tx.rows::<(String, String)>(sql, none()).await? {
        if who.is_quoted_by(&message) {
            tx.run("UPDATE runs SET message = $1 WHERE id = $2", none().and(FORGOTTEN).and(id)).await?;
        }
    }
    Ok(())
}

/// A pause goes on when the person it quotes is forgotten.
async fn pauses(tx: &mut Tx<'_>, who: &Who) -> Result<(), Fault> {
    let sql = "SELECT app, paused_by, reason FROM pauses";
    for (app, by, reason) in tx.rows::<(String, String, String)>(sql, none()).await? {
        let kept = |text: String| if who.is_quoted_by(&text) { FORGOTTEN.to_owned() } else { text };
        let sql = "UPDATE pauses SET paused_by = $1, reason = $2 WHERE app = $3";
        tx.run(sql, none().and(kept(by)).and(kept(reason)).and(app)).await?;
    }
    Ok(())
}

/// Forgets what readings showed of the person's accounts. That there was an account, by its id, and when it was active
/// stays, because guards count accounts; an id that is an address goes.
async fn accounts(tx: &mut Tx<'_>, who: &Who, forgotten: &mut Forgotten) -> Result<(), Fault> {
    let sql = format!(
        "SELECT app, origin, account, COUNT(*) - COUNT(seen_to) FROM seen_accounts
         WHERE email_key IN {} GROUP BY app, origin, account",
        who.places(1)
    );
    forgotten.sightings +=
        tx.run(&format!("DELETE FROM claims WHERE identity IN {}", who.places(1)), who.after(none())).await?;
    for (app, origin, account, shown) in tx.rows::<(String, String, String, i64)>(&sql, who.after(none())).await? {
        let key = AppKey::new(app, origin);
        let about = || of(&key).and(&*account);
        let of = "WHERE app = $1 AND origin = $2 AND account = $3";
        if who.is_quoted_by(&account) {
            for table in ["seen_accounts", "seen_members", "claims"] {
                forgotten.sightings += tx.run(&format!("DELETE FROM {table} {of}"), about()).await?;
            }
        } else {
            let set = format!("SET email = '{FORGOTTEN}', email_key = '{FORGOTTEN}', fields = '{{}}'");
            let sql = format!("UPDATE seen_accounts {set} {of} AND email_key IN {}", who.places(4));
            forgotten.sightings += tx.run(&sql, who.after(about())).await?;
            forgotten.sightings += tx.run(&format!("UPDATE seen_members SET fields = '{{}}' {of}"), about()).await?;
        }
        forgotten.facts += tx.run(&format!("DELETE FROM facts {of}"), about()).await?;
        forgotten.shown_by.extend((shown > 0).then_some(key.app));
    }
    Ok(())
}

/// Forgets for whom approvals were used, and leaves that they were.
async fn approvals(tx: &mut Tx<'_>, who: &Who, forgotten: &mut Forgotten) -> Result<(), Fault> {
    // Several people who were forgotten are still several.
    let nobody = format!("{FORGOTTEN} {:016x}", rand::random::<u64>());
    let uses: Vec<(String, String, String)> =
        tx.rows("SELECT approval, action, person FROM approval_uses", none()).await?;
    for (approval, action, person) in uses {
        let quoted = [&approval, &action, &person].map(|text| who.is_quoted_by(text));
        let one = none().and(&*approval).and(&*action).and(&*person);
        let of = "WHERE approval = $1 AND action = $2 AND person = $3";
        forgotten.approvals += match quoted {
            [false, false, false] => continue,
            // The approval was given for the person alone, and was of no use to anybody else.
            [true, ..] => tx.run(&format!("DELETE FROM approval_uses {of}"), one).await?,
            _ => {
                let parts = action.split('/').map(|part| if who.is_quoted_by(part) { &nobody } else { part });
                let (anonymous, whom) =
                    (parts.collect::<Vec<_>>().join("/"), if quoted[2] { &nobody } else { &person });
                let sql = format!("UPDATE approval_uses SET action = $4, person = $5 {of}");
                tx.run(&sql, one.and(anonymous).and(&**whom)).await?
            }
        };
    }
    Ok(())
}
