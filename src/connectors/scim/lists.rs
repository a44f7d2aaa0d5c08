//! Reading lists: to their end, again where they moved, and more modestly where a server refuses the question.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    ScimApp,
    attribute::{get, text},
    paging::{Follow, Sweep, Verdict},
};
use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Listing,
        http::{Method, Request},
    },
    model::Coverage,
};

/// How often a list that moves under the reader is read before it is called incomplete.
const SWEEPS: u32 = 3;

/// The server cannot make sense of the request.
const BAD_REQUEST: u16 = 400;

/// A list to read.
#[derive(Debug, Clone)]
pub(super) struct List {
    path: &'static str,
    query: Vec<(String, String)>,
    /// The query travels in a body.
    pub(super) by_post: bool,
}

impl List {
    pub(super) fn of(path: &'static str) -> Self {
        Self { path, query: Vec::new(), by_post: false }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    fn page(&self, sweep: &Sweep) -> Request {
        let query = self.query.iter().cloned().chain(sweep.query());
        if !self.by_post {
            let mut request = Request::new(Method::Get, self.path);
            request.query = query.collect();
            return request;
        }
        let mut request = Request::new(Method::Post, format!("{}/.search", self.path));
        let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
        for (name, value) in query {
            body[&name] = match name.as_str() {
                "count" | "startIndex" => value.parse::<u64>().map_or_else(|_| value.into(), Value::from),
                _ => value.into(),
            };
        }
        request.body = Some(body);
        request
    }
}

impl ScimApp {
    /// Reads a list to its end, again where it moved meanwhile or a cursor expired, but never endlessly.
    pub(super) async fn list(&self, mut list: List, lane: Lane) -> Result<Listing<Value>, Error> {
        // Rows of all sweeps by id, the newest sight of each: where a list moves, one sweep misses what the next sees.
        let mut seen: BTreeMap<String, Value> = BTreeMap::new();
        let mut reason = String::new();
        let mut size = Some(self.profile.page_size);
        let mut round = 0;
        while round < SWEEPS {
            let mut sweep = Sweep::new(self.profile.paging, size, self.profile.trust_totals);
            let broke_off = loop {
                let request = list.page(&sweep);
                let at_start = sweep.at_start() && round == 0;
                let page = self.http.read(&request, lane).await.and_then(|answer| {
                    let mut body = answer.body.unwrap_or(Value::Null);
                    sweep
                        .take(&mut body)
                        .map_err(|why| self.http.error(&request, ErrorKind::Malformed, Some(answer.status), &why))
                });
                match page {
                    Ok(Follow::More) => {}
                    Ok(Follow::Done) => break None,
                    Err(error) if at_start && error.status == Some(BAD_REQUEST) => {
                        match self.concede(&mut list, &mut size, lane).await {
                            true => break Some(Broken::Conceded),
                            false => return Err(self.explain(error)),
                        }
                    }
                    Err(error) if at_start => return Err(self.explain(error)),
                    // What it was is not said alike everywhere, and a list that starts afresh mends all of it.
                    Err(error) if sweep.by_cursor() && error.status == Some(BAD_REQUEST) => {
                        break Some(Broken::Expired(error));
                    }
                    Err(error) => break Some(Broken::Off(error)),
                }
            };
            let (rows, verdict) = sweep.finish();
            match (broke_off, verdict) {
                (None, Verdict::Complete) => return Ok(Listing { rows, coverage: Coverage::Complete }),
                (Some(Broken::Conceded), _) => continue,
                (Some(Broken::Expired(error)), _) => {
                    merge(&mut seen, rows);
                    reason = format!("the cursor was refused each time: {error}");
                }
                (None, Verdict::Moved(why)) => {
                    merge(&mut seen, rows);
                    reason = why;
                }
                (Some(Broken::Off(error)), _) => {
                    merge(&mut seen, rows);
                    reason = error.to_string();
                    break;
                }
                (None, Verdict::Broken(why)) => {
                    merge(&mut seen, rows);
                    reason = why;
                    break;
                }
            }
            round += 1;
        }
        let reason = format!("GET {}: {reason}", list.path);
        Ok(Listing { rows: seen.into_values().collect(), coverage: Coverage::Incomplete(reason) })
    }

    /// Asks for less where a server refuses the first page as it stands: first for whole groups, then for pages of its own
    /// size. Says whether there is anything left to give up.
    async fn concede(&self, list: &mut List, size: &mut Option<u32>, lane: Lane) -> bool {
        if list.query.iter().any(|(name, _)| name == "filter") {
            // Who filters has a sweep to fall back on.
            return false;
        }
        if let Some(at) = list.query.iter().position(|(name, _)| name == EXCLUDED) {
            list.query.remove(at);
            return true;
        }
        match (*size, self.discovered(lane).await.largest_page) {
            (Some(asked), Some(largest)) if largest < asked => *size = Some(largest),
            (Some(_), _) => *size = None,
            (None, _) => return false,
        }
        true
    }
}

/// The parameter that leaves attributes out.
pub(super) const EXCLUDED: &str = "excludedAttributes";

/// Why a sweep ended before its list.
enum Broken {
    /// The first page was refused, and is asked for more modestly.
    Conceded,
    /// A cursor was refused.
    Expired(Error),
    /// Something else.
    Off(Error),
}

fn merge(seen: &mut BTreeMap<String, Value>, rows: Vec<Value>) {
    for row in rows {
        if let Some(id) = text(get(&row, "id")) {
            seen.insert(id, row);
        }
    }
}
