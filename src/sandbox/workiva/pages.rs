//! Pages by opaque tokens: what a token stands for, and how long.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sandbox::{
    app::{Answer, Request},
    chance::Chance,
    clock,
    quirks::Quirks,
    roster::{Refusal, number},
};

/// Rows on a page where no size is given, and the most a page holds.
const PAGE: usize = 100;

/// Tokens that are remembered before those that expired are swept out.
const SWEEP_AT: usize = 1_000;

/// The page tokens a workspace has given out.
pub(super) struct Pages {
    chance: Chance,
    life: Duration,
    issued: HashMap<String, Issued>,
    count: u64,
    /// How many tokens came back.
    used: u64,
}

#[derive(Clone)]
struct Issued {
    expires: Timestamp,
    /// The path and parameters it is good for.
    about: String,
    /// The next page begins behind the row with this number.
    after: u64,
    /// Whether that page is an empty one.
    empty: bool,
}

/// What the end of a list looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Absent,
    Null,
    Empty,
}

/// A page to be filled.
pub(super) struct Page {
    about: String,
    /// The token this page was asked for with.
    token: Option<String>,
    /// It begins behind the row with this number.
    pub(super) after: u64,
    size: usize,
    empty: bool,
}

impl Page {
    /// How many rows are worth showing: one more than fit tells that there is another page.
    pub(super) fn wanted(&self) -> usize {
        self.size + 1
    }
}

impl Pages {
    pub(super) fn new(chance: Chance, life: Duration) -> Self {
        Self { chance, life, issued: HashMap::new(), count: 0, used: 0 }
    }

    /// Begins to count used tokens anew, when quirks change.
    pub(super) fn restart(&mut self) {
        self.used = 0;
    }

    /// Which page a request asks for.
    pub(super) fn open(&mut self, request: &Request, quirks: &Quirks, now: Timestamp) -> Result<Page, Refusal> {
        let size = number(request, "pageSize", PAGE)?.min(PAGE);
        let about = about(request);
        let Some(token) = request.parameter("pageToken").filter(|token| !token.is_empty()) else {
            return Ok(Page { about, token: None, after: 0, size, empty: false });
        };
        self.used += 1;
        let invalid = |why: &str| Refusal::invalid(why).with_code("400InvalidPageToken");
        let issued = self.issued.get(&token).cloned().ok_or_else(|| invalid("The page token is unknown."))?;
        if issued.about != about {
            return Err(invalid("The page token was given for other parameters."));
        }
        if issued.expires <= now || (quirks.has("page-token-expires-once") && self.used == 1) {
            return Err(invalid("The page token has expired."));
        }
        let after = if quirks.has("page-repeats") { 0 } else { issued.after };
        Ok(Page { about, token: Some(token), after, size, empty: issued.empty })
    }

    /// Answers with a page. `rows` are those behind `page.after`, [`Page::wanted`] of them if there are as many, each with
    /// its number.
    pub(super) fn close(
        &mut self,
        page: Page,
        mut rows: Vec<(u64, Value)>,
        end: End,
        quirks: &Quirks,
        now: Timestamp,
    ) -> Answer {
        let more = rows.len() > page.size;
        rows.truncate(page.size);
        let last = rows.last().map_or(page.after, |(number, _)| *number);
        let next = match () {
            // It was only put in between; what was to come still is.
            () if page.empty => Some(self.issue(page.about, page.after, false, now)),
            () if quirks.has("truncated-list") || !more => None,
            // The same page and the same token, for as long as anybody asks.
            () if quirks.has("page-repeats") && page.token.is_some() => page.token,
            () => Some(self.issue(page.about, last, quirks.has("empty-pages"), now)),
        };
        let data: Vec<Value> = if page.empty { Vec::new() } else { rows.into_iter().map(|(_, row)| row).collect() };
        let mut body = Map::from_iter([("data".to_owned(), Value::Array(data))]);
        let told = match (next, end) {
            (Some(token), _) => Some(json!(token)),
            (None, End::Absent) => None,
            (None, End::Null) => Some(Value::Null),
            (None, End::Empty) => Some(json!("")),
        };
        body.extend(told.map(|token| ("nextPageToken".to_owned(), token)));
        Answer::json(200, Value::Object(body))
    }

    fn issue(&mut self, about: String, after: u64, empty: bool, now: Timestamp) -> String {
        if self.issued.len() >= SWEEP_AT {
            self.issued.retain(|_, issued| issued.expires > now);
        }
        self.count += 1;
        let token = self.chance.token("page token", &self.count.to_string());
        let expires = clock::later(now, self.life).unwrap_or(Timestamp::MAX);
        self.issued.insert(token.clone(), Issued { expires, about, after, empty });
        token
    }
}

/// The path and all parameters but the page token, sorted: a token is good for these alone.
fn about(request: &Request) -> String {
    let pairs = url::form_urlencoded::parse(request.query.as_bytes());
    let mut pairs: Vec<String> =
        pairs.filter(|(key, _)| key != "pageToken").map(|(key, value)| format!("{key}={value}")).collect();
    pairs.sort();
    format!("{}?{}", request.path, pairs.join("&"))
}
