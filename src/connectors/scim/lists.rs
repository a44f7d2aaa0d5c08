//! Lists of a server: the request for a page, the page in an answer, and what to give up where a server refuses the question.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    ScimApp,
    attribute::{get, set, text},
};
use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Listing,
        http::{Answer, Method, Request},
        paging::{self, Answered, Ask, Cursor, Page, Pages, Paging, Place, Row, Totals},
        row_limit::{ListName, RowLimits},
        signs::{self, Signs},
    },
};

/// What marks an answer as a list, whatever else it lacks.
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// The parameter that asks for a page size.
const SIZE: &str = "count";

/// The parameter that asks for a page by its first row.
const INDEX: &str = "startIndex";

/// The parameter that asks for a page by a cursor.
const CURSOR: &str = "cursor";

/// The parameter that asks for some users only.
pub(super) const FILTER: &str = "filter";

/// The parameter that leaves attributes out.
pub(super) const EXCLUDED: &str = "excludedAttributes";

/// The server cannot make sense of the request.
const BAD_REQUEST: u16 = 400;

/// The request for a page as a search in a body.
fn by_post(request: Request) -> Request {
    let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
    for (name, value) in request.query {
        body[&name] = match name.as_str() {
            SIZE | INDEX => value.parse::<u64>().map_or_else(|_| value.into(), Value::from),
            // The only one with several values, which an address has with commas between them.
            EXCLUDED => value.split(',').map(Value::from).collect(),
            _ => value.into(),
        };
    }
    Request::new(Method::Post, format!("{}/.search", request.path)).with_body(body)
}

/// How pages are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    /// As the server likes it.
    #[default]
    Auto,
    /// By the number of the first row.
    Index,
    /// By a cursor that each page gives.
    Cursor,
}

impl Style {
    fn cursor(self) -> Cursor {
        match self {
            Self::Auto => Cursor::Either { row: INDEX.into(), first: 1, token: CURSOR.into() },
            Self::Index => Cursor::Row { parameter: INDEX.into(), first: 1 },
            Self::Cursor => Cursor::Token { parameter: CURSOR.into(), opening: Some(String::new()) },
        }
    }
}

/// Which lists are asked for in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Search {
    /// None: everything is said in the address.
    #[default]
    Url,
    /// Those with a filter, which no proxy logs then.
    Filtered,
    /// All of them, for servers that read no page numbers in an address.
    Always,
}

/// One reading of a list.
struct Reading<'a> {
    app: &'a ScimApp,
    name: ListName,
    request: Request,
    paging: Paging,
    lane: Lane,
}

impl ScimApp {
    /// Reads a list to its end.
    pub(super) async fn list(&self, name: ListName, request: Request, lane: Lane) -> Result<Listing<Value>, Error> {
        let profile = &self.profile;
        let paging = Paging {
            cursor: profile.paging.cursor(),
            size: Some(SIZE.into()),
            max: Some(profile.page_size.into()),
            default: None,
            ends_short: false,
            totals: if profile.trust_totals { Totals::Guessed } else { Totals::Unsaid },
        };
        let mut reading = Reading { app: self, name, request, paging, lane };
        paging::read(&mut reading).await.map_err(|error| self.explain(error))
    }
}

#[async_trait]
impl Pages for Reading<'_> {
    fn paging(&self) -> &Paging {
        &self.paging
    }

    fn name(&self) -> ListName {
        self.name.clone()
    }

    fn limits(&self) -> &RowLimits {
        self.app.http.rows()
    }

    fn line(&self) -> String {
        self.request.line()
    }

    async fn page(&self, ask: &Ask) -> Result<Answered, Error> {
        let mut request = ask.added_to(&self.request);
        let in_body = match self.app.profile.search {
            Search::Url => false,
            Search::Filtered => is_filtered(&request),
            Search::Always => true,
        };
        if in_body {
            request = by_post(request);
        }
        let http = &self.app.http;
        match http.read(&request, self.lane).await {
            Ok(Answer { status, headers, body, size, .. }) => page(body.unwrap_or(Value::Null), &headers, ask.received)
                .map(|page| Answered::Page(Page { bytes: size, ..page }))
                .map_err(|why| http.error(&request, ErrorKind::Malformed, Some(status), &why)),
            // Servers say in different ways that a cursor is too old. Starting afresh helps against all other causes too.
            Err(error) if ask.place == Place::Given && error.status == Some(BAD_REQUEST) => {
                Ok(Answered::Expired(format!("the cursor was refused each time: {error}")))
            }
            Err(error) => Err(error),
        }
    }

    /// Gives up first that whole groups stay out, then the page size, where a server refuses the first page as it stands.
    async fn concede(&mut self, refusal: &Error) -> bool {
        // Who filters has the whole list to fall back on.
        if refusal.status != Some(BAD_REQUEST) || is_filtered(&self.request) {
            return false;
        }
        let query = &mut self.request.query;
        if let Some(at) = query.iter().position(|(name, _)| name == EXCLUDED) {
            query.remove(at);
            return true;
        }
        let Some(asked) = self.paging.max else { return false };
        let largest = self.app.discovered(self.lane).await.largest_page.map(u64::from);
        self.paging.max = largest.filter(|largest| *largest < asked);
        true
    }
}

fn is_filtered(request: &Request) -> bool {
    request.query.iter().any(|(name, _)| name == FILTER)
}

/// The page in an answer that comes after `received` rows.
///
/// # Errors
/// When the answer is no page.
fn page(mut body: Value, headers: &[(String, String)], received: u64) -> Result<Page, String> {
    const ROWS: &str = "Resources";
    let total = get(&body, "totalResults").and_then(signs::number);
    let found = get(&body, ROWS).cloned();
    if found.is_some() {
        set(&mut body, ROWS, Value::Null);
    }
    let rows = match found {
        Some(Value::Array(rows)) => rows,
        // Nothing found, and some servers leave the list out then.
        Some(Value::Null) if !signs::fails(&body) => Vec::new(),
        None if total.map_or_else(|| is_list(&body), |total| total <= received && !signs::fails(&body)) => Vec::new(),
        None => return Err("the answer has no `Resources`".into()),
        Some(_) => return Err("`Resources` in the answer is not a list".into()),
    };
    let cursor = get(&body, "nextCursor");
    let (next, signs) = (signs::token("nextCursor", cursor), Signs::of(headers, &body));
    let has_next = cursor.is_some();
    let row = |value: Value| Row { key: text(get(&value, "id")).ok_or_else(|| "a row has no `id`".into()), value };
    let rows = rows.into_iter().map(row).collect();
    let cut_off = next.as_ref().err().cloned().or(signs.more);
    Ok(Page { rows, next: next.ok().flatten(), has_next, total, at_least: None, cut_off, hint: signs.hint, bytes: 0 })
}

fn is_list(body: &Value) -> bool {
    let schemas = get(body, "schemas").and_then(Value::as_array);
    schemas.into_iter().flatten().filter_map(Value::as_str).any(|schema| schema.eq_ignore_ascii_case(LIST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_is_one_with_or_without_resources() {
        for body in [
            json!({"totalResults": 0, "Resources": []}),
            json!({"totalResults": 0}),
            json!({"schemas": [LIST]}),
            json!({"Resources": null}),
        ] {
            assert_eq!(page(body.clone(), &[], 0).unwrap().rows, [], "{body}");
        }
    }

    #[test]
    fn a_page_beyond_the_total_is_one_without_resources() {
        let beyond = json!({"totalResults": 20, "startIndex": 21, "itemsPerPage": 0});
        assert_eq!(page(beyond.clone(), &[], 20).unwrap().rows, []);
        assert!(page(beyond, &[], 19).is_err());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for body in [
            json!({}),
            json!([]),
            json!({"Resources": {}}),
            json!({"detail": "sign in"}),
            json!("x"),
            json!({"totalResults": 3}),
            json!({"Resources": null, "error": "sign in"}),
        ] {
            assert!(page(body.clone(), &[], 0).is_err(), "{body}");
        }
    }

    #[test]
    fn a_search_in_a_body_has_numbers_and_lists_where_an_address_has_texts() {
        let asked = [(INDEX, "101"), (SIZE, "100"), (EXCLUDED, "members,meta"), (FILTER, "active eq true")];
        let search = by_post(Request::new(Method::Get, "/Groups").with(&asked));
        let wanted = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "startIndex": 101, "count": 100,
            "excludedAttributes": ["members", "meta"], "filter": "active eq true",
        });
        assert_eq!((search.line().as_str(), search.body), ("POST /Groups/.search", Some(wanted)));
    }

    #[test]
    fn totals_written_as_texts_count() {
        assert_eq!(page(json!({"totalResults": "3", "Resources": []}), &[], 0).unwrap().total, Some(3));
    }

    #[test]
    fn a_row_without_id_is_told() {
        let rows = page(json!({"Resources": [{"userName": "x"}]}), &[], 0).unwrap().rows;
        assert_eq!(rows[0].key, Err("a row has no `id`".into()));
    }
}
