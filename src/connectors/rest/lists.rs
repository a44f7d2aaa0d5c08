//! Reading lists to their end, and saying honestly whether that was all.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    dictionary::Dictionary,
    engine::{LookedUp, RestConnector},
    manifest::List,
    paging::{Follow, Sweep, Verdict},
    rows::text,
    template::{Bindings, Dotted},
};
use crate::{
    budget::Lane,
    connectors::{Error, ErrorKind, Listing, Meaning, http::Request},
    model::Coverage,
};

/// How often a list that moves under the reader, or whose page tokens grow too old, is read before it is called incomplete.
const SWEEPS: u32 = 3;

/// Rows that a call returned.
pub(super) type Rows = Listing<Value>;

/// The body of a page without rows, of an answer that means just that.
fn no_rows(mut body: Value, list: &List, first: bool) -> Value {
    list.items.set(&mut body, Value::Array(Vec::new()));
    // A first page without rows says how many there are, unless it says so itself.
    let total = list.paging.as_ref().and_then(|paging| paging.total.as_ref());
    if let Some(total) = total.filter(|total| first && body.is_object() && total.get(&body).is_none()) {
        total.set(&mut body, Value::from(0));
    }
    body
}

/// Why a sweep ended before its last page.
enum Broke {
    /// The way to the next page was too old: from the start again.
    Expired,
    /// Reading again would not help.
    Off(String),
}

impl RestConnector {
    /// Reads a list to its end, again where it moved meanwhile, but never endlessly. Stops early once `enough` says so.
    pub(super) async fn list(
        &self,
        list: &List,
        key: &Dotted,
        bindings: &Bindings<'_>,
        lane: Lane,
        enough: impl Fn(&Value) -> bool + Send + Sync,
    ) -> Result<Rows, Error> {
        let request = self.request(&list.call, bindings)?;
        // Rows of all sweeps by identity, the newest sight of each: where a list moves, one sweep misses what the next sees.
        let mut seen: BTreeMap<String, Value> = BTreeMap::new();
        let mut reason = String::new();
        for round in 0..SWEEPS {
            let mut sweep = Sweep::new(list.paging.as_ref(), &list.items, key);
            let broke = loop {
                let at_start = sweep.at_start();
                let mut body = match self.page(&request, &mut sweep, list, lane).await {
                    Ok(Some(body)) => body,
                    Ok(None) => break Some(Broke::Expired),
                    Err(error) if at_start && round == 0 => return Err(error),
                    Err(error) => break Some(Broke::Off(error.to_string())),
                };
                // Looked at before it is taken apart.
                let rows = list.items.get(&body).and_then(Value::as_array).into_iter().flatten();
                if let Some(found) = rows.into_iter().find(|row| enough(row)) {
                    return Ok(Rows { rows: vec![found.clone()], coverage: Coverage::Complete });
                }
                match sweep.take(&mut body) {
                    Ok(Follow::More) => {}
                    Ok(Follow::Done) => break None,
                    Err(wrong) => {
                        let error = self.http.error(&request, ErrorKind::Malformed, None, &wrong);
                        if at_start && round == 0 {
                            return Err(error);
                        }
                        break Some(Broke::Off(error.to_string()));
                    }
                }
            };
            let (rows, verdict) = sweep.finish();
            let again = match (broke, verdict) {
                (None, Verdict::Complete) => return Ok(Rows { rows, coverage: Coverage::Complete }),
                (None, Verdict::Moved(why)) => (why, true),
                (Some(Broke::Expired), _) => ("the way to the next page was too old when it was taken".into(), true),
                (Some(Broke::Off(why)), _) | (None, Verdict::Broken(why)) => (why, false),
            };
            for row in rows {
                if let Some(key) = text(key, &row) {
                    seen.insert(key.to_string(), row);
                }
            }
            reason = again.0;
            if !again.1 {
                break;
            }
        }
        let reason = format!("{} {}: {reason}", request.method.as_str(), request.path);
        Ok(Rows { rows: seen.into_values().collect(), coverage: Coverage::Incomplete(reason) })
    }

    /// The next page of a sweep; `None` when the way to it was too old.
    async fn page(
        &self,
        request: &Request,
        sweep: &mut Sweep<'_>,
        list: &List,
        lane: Lane,
    ) -> Result<Option<Value>, Error> {
        let mut request = request.clone();
        for (name, value) in sweep.query() {
            // A link repeats the parameters of the first page; each is sent once.
            request.query.retain(|(other, _)| *other != name);
            request.query.push((name, value));
        }
        let first = sweep.at_start();
        // The first page needs no token, so that none can be too old.
        let possible = |meaning| meaning != Meaning::Expired || !first;
        let judge = |status, body: &[u8]| list.call.answers.judge(status, body, possible);
        let answer = self.http.read_judged(&request, lane, &judge).await?;
        let good = (200..300).contains(&answer.status);
        let body = answer.body.unwrap_or(Value::Null);
        let Some(said) = answer.said else { return Ok(Some(body)) };
        match said.meaning {
            Meaning::Expired => Ok(None),
            Meaning::Empty => Ok(Some(no_rows(body, list, first))),
            Meaning::Truncated => {
                let text = said.text.as_ref().and_then(Value::as_str).map(str::to_owned);
                let sign = text.or(said.sign).unwrap_or_else(|| format!("it answered {}", answer.status));
                sweep.cut_off(sign);
                Ok(Some(if good { body } else { no_rows(Value::Null, list, false) }))
            }
            _ => Ok(Some(body)),
        }
    }

    /// The names that a lookup gives, read once until [`RestConnector::forget`]. A failure is kept as well, so that an app
    /// that refuses it is not asked for every account.
    pub(super) async fn dictionary(&self, name: &str, lane: Lane) -> LookedUp {
        let mut dictionaries = self.dictionaries.lock().await;
        if let Some(known) = dictionaries.get(name) {
            return known.clone();
        }
        let read = self.read_dictionary(name, lane).await.map(Arc::new).map_err(Arc::new);
        dictionaries.insert(name.to_owned(), read.clone());
        read
    }

    async fn read_dictionary(&self, name: &str, lane: Lane) -> Result<Dictionary, Error> {
        let Some(lookup) = self.manifest.lookups.get(name) else {
            return Err(self.lacks(&format!("look up {name}")));
        };
        let bindings = self.bindings(&[]);
        let rows = self.list(&lookup.list, &lookup.id, &bindings, lane, |_| false).await?;
        let malformed = |why: &str| {
            let request = self.request(&lookup.list.call, &bindings);
            request.map(|request| self.http.error(&request, ErrorKind::Malformed, None, why))
        };
        // A name that was not seen might be anybody's, or somebody else's as well.
        if let Coverage::Incomplete(why) = rows.coverage {
            return Err(malformed(&format!("the {name} could not be read to the end: {why}"))?);
        }
        match Dictionary::of(&rows.rows, lookup) {
            Ok(dictionary) => Ok(dictionary),
            Err(lacks) => Err(malformed(&lacks)?),
        }
    }

    /// Makes the next look at names a fresh one.
    pub(super) async fn forget(&self) {
        self.dictionaries.lock().await.clear();
    }
}
