//! Following the lists of both families to their ends. Pages are asked for by how many rows came before; the addresses
//! that pages give for their successors are never followed, because they may lead to another host.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Listing,
        http::{HttpClient, Request},
        rest::{
            paging::{Follow, Paging, Step, Sweep, Verdict},
            template::Dotted,
        },
    },
    model::Coverage,
};

/// How often a list that moves under the reader is read before it is called incomplete.
const SWEEPS: u32 = 3;

/// How one family pages.
#[derive(Debug)]
pub(super) struct Pages {
    paging: Paging,
    items: Dotted,
    key: Dotted,
}

fn dotted(text: &str) -> Dotted {
    Dotted::try_from(text.to_owned()).expect("the paths in this file are no more than names and dots")
}

impl Pages {
    /// `construction/admin`: an envelope with a total. It makes pages smaller than were asked for without a word, so that
    /// only the total tells the end.
    pub(super) fn construction() -> Self {
        let paging = Paging {
            step: Step::Offset { parameter: "offset".into() },
            size: Some("limit".into()),
            max: 200,
            default: None,
            total: Some(dotted("pagination.totalResults")),
            at_least: None,
            ends_short: false,
        };
        Self { paging, items: dotted("results"), key: dotted("id") }
    }

    /// `hq`: a bare array without a total, which ends with a short page.
    pub(super) fn hq() -> Self {
        let paging = Paging {
            step: Step::Offset { parameter: "offset".into() },
            size: Some("limit".into()),
            max: 100,
            // A page of just that length may come from a server that did not hear what was asked for.
            default: Some(10),
            total: None,
            at_least: None,
            ends_short: true,
        };
        Self { paging, items: dotted("."), key: dotted("id") }
    }

    /// Reads a list to its end, again where it moved meanwhile, but never endlessly.
    ///
    /// # Errors
    /// When not even the first page came.
    pub(super) async fn read(&self, http: &HttpClient, request: &Request, lane: Lane) -> Result<Listing<Value>, Error> {
        // The newest sight of every row: where a list moves, one sweep misses what the next sees.
        let mut seen: BTreeMap<String, Value> = BTreeMap::new();
        let mut reason = String::new();
        for round in 0..SWEEPS {
            let mut sweep = Sweep::new(Some(&self.paging), &self.items, &self.key);
            let broke_off = loop {
                let at_start = sweep.at_start();
                match self.page(http, request, &mut sweep, lane).await {
                    Ok(Follow::More) => {}
                    Ok(Follow::Done) => break None,
                    Err(error) if at_start && round == 0 => return Err(error),
                    Err(error) => break Some(error.to_string()),
                }
            };
            let (rows, verdict) = sweep.finish();
            let (why, again) = match (broke_off, verdict) {
                (None, Verdict::Complete) => return Ok(Listing { rows, coverage: Coverage::Complete }),
                (None, Verdict::Moved(why)) => (why, true),
                (Some(why), _) | (None, Verdict::Broken(why)) => (why, false),
            };
            for row in rows {
                if let Some(id) = row["id"].as_str() {
                    seen.insert(id.to_owned(), row);
                }
            }
            reason = why;
            if !again {
                break;
            }
        }
        let reason = format!("{} {}: {reason}", request.method.as_str(), request.path);
        Ok(Listing { rows: seen.into_values().collect(), coverage: Coverage::Incomplete(reason) })
    }

    async fn page(
        &self,
        http: &HttpClient,
        request: &Request,
        sweep: &mut Sweep<'_>,
        lane: Lane,
    ) -> Result<Follow, Error> {
        let mut request = request.clone();
        request.query.extend(sweep.query());
        let answer = http.read(&request, lane).await?;
        let mut body = answer.body.unwrap_or(Value::Null);
        sweep.take(&mut body).map_err(|wrong| http.error(&request, ErrorKind::Malformed, Some(answer.status), &wrong))
    }
}

/// Turns rows into what they stand for. A row that cannot be understood makes the list incomplete.
pub(super) fn parse<T>(rows: Listing<Value>, parse: impl Fn(&Value) -> Result<Option<T>, String>) -> Listing<T> {
    let mut parsed = Vec::with_capacity(rows.rows.len());
    let mut coverage = rows.coverage;
    for row in &rows.rows {
        match parse(row) {
            Ok(value) => parsed.extend(value),
            Err(lacks) => coverage = coverage.and(Coverage::Incomplete(lacks)),
        }
    }
    Listing { rows: parsed, coverage }
}
