//! Forgets a person: deletes what the store holds about them and leaves what is nobody's, such as ids that apps give.
//!
//! The ledger's chain holds afterwards, because its texts only refer to personal values. An entry says of which entries
//! values were deleted, so that a deletion that nobody asked for is found.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Any, any::AnyArguments, query::Query};

use super::{
    AppKey, Event, FORGOTTEN, Forgot, NewEntry, Store, StoreError,
    error::Fault,
    ledger::{self, Columns, Draft, Text},
    open::Tx,
    personal::Personal,
    row::{self, tame},
};
use crate::model::Email;

type Statement<'q> = Query<'q, Any, AnyArguments<'q>>;

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
            let lock = tx.lock_rows(" FOR UPDATE");
            sqlx::query(&format!("SELECT seq FROM ledger_head WHERE one = 1{lock}"))
                .fetch_one(tx.connection()?)
                .await?;
            let who = Who(addresses(&mut tx, person, spared).await?);
            let mut forgotten = Forgotten { under_way: under_way(&mut tx, &who).await?, ..Forgotten::default() };
            if forgotten.under_way.is_empty() {
                let entries = entries(&mut tx, &who, &mut forgotten).await?;
                messages_of_runs(&mut tx, &who).await?;
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
        row::placeholders(first, 1, self.0.len())
    }

    fn bind<'q>(&'q self, query: Statement<'q>) -> Statement<'q> {
        self.0.iter().fold(query, |query, address| query.bind(&**address))
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
    let rows = sqlx::query(sql).bind(&*key).fetch_all(tx.connection()?).await?;
    let mut found = rows.iter().map(|found| row::text(found, "address")).collect::<Result<BTreeSet<_>, _>>()?;
    found.retain(|address| address != FORGOTTEN && !spared(address));
    found.insert(key.into_owned());
    Ok(found)
}

/// Names of open actions that are about the person, or that name them.
async fn under_way(tx: &mut Tx<'_>, who: &Who) -> Result<Vec<String>, Fault> {
    let mut open = Vec::new();
    for found in sqlx::query("SELECT action, body FROM intents").fetch_all(tx.connection()?).await? {
        let action = row::text(&found, "action")?;
        let body: Value = serde_json::from_str(&row::text(&found, "body")?)?;
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
    loop {
        let sql = "SELECT ledger.seq AS seq, ledger.body AS body, own.body AS personal FROM ledger_personal AS own
                   JOIN ledger ON ledger.seq = own.seq WHERE own.seq > $1 ORDER BY own.seq LIMIT $2";
        let rows = sqlx::query(sql).bind(last).bind(PAGE).fetch_all(tx.connection()?).await?;
        let Some(end) = rows.last() else { return Ok(changed) };
        let (first, end) = (last, row::number(end, "seq")?);
        let people = people(tx, first, end).await?;
        last = end;
        for found in rows {
            let seq = row::count::<u64>(&found, "seq")?;
            let mut personal = Personal::parse(row::optional_text(&found, "personal")?)?;
            let alone = people.get(&seq).is_some_and(|people| people.is_subset(&who.0));
            let values = personal.forget(|value| alone || who.is_quoted_in(value));
            if values > 0 {
                keep(tx, seq, &row::text(&found, "body")?, personal).await?;
                forgotten.values += values as u64;
                forgotten.entries += 1;
                changed.push(seq);
            }
        }
    }
}

/// Whom entries are about.
async fn people(tx: &mut Tx<'_>, after: i64, until: i64) -> Result<BTreeMap<u64, BTreeSet<String>>, Fault> {
    let sql = "SELECT seq, person FROM ledger_people WHERE seq > $1 AND seq <= $2";
    let mut people: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for found in sqlx::query(sql).bind(after).bind(until).fetch_all(tx.connection()?).await? {
        people.entry(row::count(&found, "seq")?).or_default().insert(row::text(&found, "person")?);
    }
    Ok(people)
}

/// Keeps what is left of an entry's values, and what is left to find it by.
async fn keep(tx: &mut Tx<'_>, seq: u64, body: &str, personal: Personal) -> Result<(), Fault> {
    let place = row::column(seq);
    sqlx::query("DELETE FROM ledger_personal WHERE seq = $1").bind(place).execute(tx.connection()?).await?;
    sqlx::query("DELETE FROM ledger_people WHERE seq = $1").bind(place).execute(tx.connection()?).await?;
    let left = personal.text()?;
    let text: Text = serde_json::from_str(body)?;
    let (key, makes_account) = (text.key(), text.makes_account);
    let columns = Columns::of(key.as_ref(), &text.open(personal)?, makes_account);
    sqlx::query("UPDATE ledger SET action = $1, account_id = $2, group_id = $3 WHERE seq = $4")
        .bind(columns.action.as_deref())
        .bind(columns.account_id.as_deref())
        .bind(columns.group_id.as_deref())
        .bind(place)
        .execute(tx.connection()?)
        .await?;
    ledger::insert_beside(tx, &[(seq, left.as_deref(), &columns)]).await
}

/// What is kept about runs says what their entries say.
async fn messages_of_runs(tx: &mut Tx<'_>, who: &Who) -> Result<(), Fault> {
    let sql = "SELECT id, message FROM runs WHERE message IS NOT NULL";
    for found in sqlx::query(sql).fetch_all(tx.connection()?).await? {
        if who.is_quoted_by(&row::text(&found, "message")?) {
            let query = sqlx::query("UPDATE runs SET message = $1 WHERE id = $2").bind(FORGOTTEN);
            query.bind(row::text(&found, "id")?).execute(tx.connection()?).await?;
        }
    }
    Ok(())
}

/// Forgets what readings showed of the person's accounts. That there was an account, by its id, and when it was active
/// stays, because guards count accounts; an id that is an address goes.
async fn accounts(tx: &mut Tx<'_>, who: &Who, forgotten: &mut Forgotten) -> Result<(), Fault> {
    let sql = format!(
        "SELECT app, origin, account, COUNT(*) - COUNT(seen_to) AS shown FROM seen_accounts
         WHERE email_key IN {} GROUP BY app, origin, account",
        who.places(1)
    );
    for found in who.bind(sqlx::query(&sql)).fetch_all(tx.connection()?).await? {
        let key = AppKey::new(row::shared(&found, "app")?, row::shared(&found, "origin")?);
        let account = row::text(&found, "account")?;
        let of = "WHERE app = $1 AND origin = $2 AND account = $3";
        let (accounts, members) = if who.is_quoted_by(&account) {
            (format!("DELETE FROM seen_accounts {of}"), format!("DELETE FROM seen_members {of}"))
        } else {
            let addresses = who.places(4);
            let set = format!("SET email = '{FORGOTTEN}', email_key = '{FORGOTTEN}', fields = '{{}}'");
            (
                format!("UPDATE seen_accounts {set} {of} AND email_key IN {addresses}"),
                format!("UPDATE seen_members SET fields = '{{}}' {of}"),
            )
        };
        let about = |sql| sqlx::query(sql).bind(&*key.app).bind(&*key.origin).bind(&*account);
        let query = if accounts.contains("$4") { who.bind(about(&accounts)) } else { about(&accounts) };
        forgotten.sightings += query.execute(tx.connection()?).await?.rows_affected();
        forgotten.sightings += about(&members).execute(tx.connection()?).await?.rows_affected();
        let facts = about(&format!("DELETE FROM facts {of}")).execute(tx.connection()?).await?;
        forgotten.facts += facts.rows_affected();
        forgotten.shown_by.extend((row::number(&found, "shown")? > 0).then_some(key.app));
    }
    Ok(())
}

/// Forgets for whom approvals were used, and leaves that they were.
async fn approvals(tx: &mut Tx<'_>, who: &Who, forgotten: &mut Forgotten) -> Result<(), Fault> {
    // Several people who were forgotten are still several.
    let nobody = format!("{FORGOTTEN} {:016x}", rand::random::<u64>());
    for found in sqlx::query("SELECT approval, action, person FROM approval_uses").fetch_all(tx.connection()?).await? {
        let [approval, action, person] = ["approval", "action", "person"].map(|column| row::text(&found, column));
        let (approval, action, person) = (approval?, action?, person?);
        let quoted = [&approval, &action, &person].map(|text| who.is_quoted_by(text));
        let sql = match quoted {
            [false, false, false] => continue,
            // The approval was given for the person alone, and was of no use to anybody else.
            [true, ..] => "DELETE FROM approval_uses WHERE approval = $1 AND action = $2 AND person = $3",
            _ => {
                "UPDATE approval_uses SET action = $4, person = $5 WHERE approval = $1 AND action = $2 AND person = $3"
            }
        };
        let parts = action.split('/').map(|part| if who.is_quoted_by(part) { &nobody } else { part });
        let (anonymous, whom) = (parts.collect::<Vec<_>>().join("/"), if quoted[2] { &nobody } else { &person });
        let query = sqlx::query(sql).bind(&*approval).bind(&*action).bind(&*person);
        let query = if quoted[0] { query } else { query.bind(&*anonymous).bind(&**whom) };
        forgotten.approvals += query.execute(tx.connection()?).await?.rows_affected();
    }
    Ok(())
}
