//! How the lists of both families are paged. Pages are asked for by how many rows came before; the addresses that pages give
//! for their successors are never followed, because they may lead to another host.

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Listing,
        http::{HttpClient, Request},
        paging::{self, Answered, Ask, Cursor, Pages, Paging, Totals},
        rest::{
            shape::{self, Paged},
            template::Dotted,
        },
    },
};

/// How one family pages.
#[derive(Debug)]
pub(super) struct Family {
    paged: Paged,
    items: Dotted,
    key: Dotted,
}

fn dotted(text: &str) -> Dotted {
    Dotted::try_from(text.to_owned()).expect("the paths in this file are no more than names and dots")
}

impl Family {
    /// `construction/admin`: an envelope with a total. It makes pages smaller than were asked for without a word, so that
    /// only the total tells the end.
    pub(super) fn construction() -> Self {
        const TOTAL: &str = "pagination.totalResults";
        let paging = Paging { max: Some(200), totals: Totals::Stated(TOTAL.into()), ..counted() };
        Self::of("results", paging, Some(dotted(TOTAL)))
    }

    /// `hq`: a bare array without a total, which ends with a short page.
    pub(super) fn hq() -> Self {
        // A page of the length `default` may come from a server that ignored what was asked for.
        Self::of(".", Paging { max: Some(100), default: Some(10), ends_short: true, ..counted() }, None)
    }

    fn of(items: &str, paging: Paging, total: Option<Dotted>) -> Self {
        let paged = Paged { paging, next: None, total, at_least: None };
        Self { paged, items: dotted(items), key: dotted("id") }
    }

    /// Reads a list to its end.
    ///
    /// # Errors
    /// When not even the first page came.
    pub(super) async fn read(&self, http: &HttpClient, request: &Request, lane: Lane) -> Result<Listing<Value>, Error> {
        paging::read(&mut Reading { family: self, http, request, lane }).await
    }
}

fn counted() -> Paging {
    Paging {
        cursor: Cursor::Row { parameter: "offset".into(), first: 0 },
        size: Some("limit".into()),
        max: None,
        default: None,
        ends_short: false,
        totals: Totals::Unsaid,
    }
}

/// One reading of a list.
struct Reading<'a> {
    family: &'a Family,
    http: &'a HttpClient,
    request: &'a Request,
    lane: Lane,
}

#[async_trait]
impl Pages for Reading<'_> {
    fn paging(&self) -> Option<&Paging> {
        Some(&self.family.paged.paging)
    }

    fn line(&self) -> String {
        self.request.line()
    }

    async fn page(&self, ask: &Ask) -> Result<Answered, Error> {
        let Family { paged, items, key } = self.family;
        let answer = self.http.read(&ask.added_to(self.request), self.lane).await?;
        let page = shape::page(answer.body.unwrap_or(Value::Null), items, key, Some(paged));
        let malformed = |why: String| self.http.error(self.request, ErrorKind::Malformed, Some(answer.status), &why);
        page.map(Answered::Page).map_err(malformed)
    }
}
