//! The two families of the API: what sends their requests, and how their lists are paged. Pages are asked for by how many
//! rows came before; the addresses that pages give for their successors are never followed, because they may lead to
//! another host.

use async_trait::async_trait;
use serde_json::Value;

use super::{explained, rows::text};
use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Listing,
        http::{Answer, HttpClient, Request},
        paging::{self, Answered, Ask, Cursor, Pages, Paging, Totals},
        rest::{
            shape::{self, Paged},
            template::Dotted,
        },
        row_limit::{ListName, RowLimits},
    },
};

/// One family of the API: its client, and its own ways.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) http: HttpClient,
    /// The statuses that say that there is no such thing.
    absent: &'static [u16],
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
    pub(super) fn construction(http: HttpClient) -> Self {
        const TOTAL: &str = "pagination.totalResults";
        let paging = Paging { max: Some(200), totals: Totals::Stated(TOTAL.into()), ..counted() };
        // 410 is about the project.
        Self::of(http, &[404], "results", paging, Some(TOTAL))
    }

    /// `hq`: a bare array without a total, which ends with a short page.
    pub(super) fn hq(http: HttpClient) -> Self {
        // A page of the length `default` may come from a server that ignored what was asked for.
        let paging = Paging { max: Some(100), default: Some(10), ends_short: true, ..counted() };
        Self::of(http, &[404, 410], ".", paging, None)
    }

    fn of(http: HttpClient, absent: &'static [u16], items: &str, paging: Paging, total: Option<&str>) -> Self {
        let paged = Paged { paging, next: None, total: total.map(dotted), at_least: None };
        Self { http, absent, paged, items: dotted(items), key: dotted("id") }
    }

    /// Reads a list to its end.
    ///
    /// # Errors
    /// When not even the first page came.
    pub(super) async fn list(&self, name: ListName, request: &Request, lane: Lane) -> Result<Listing<Value>, Error> {
        paging::read(&mut Reading { family: self, name, request, lane }).await.map_err(explained)
    }

    /// Reads what has this id, which is one `what`; `None` when there is none.
    pub(super) async fn row(
        &self,
        request: &Request,
        id: &str,
        what: &str,
        lane: Lane,
    ) -> Result<Option<Value>, Error> {
        let read = match self.http.read(request, lane).await {
            Err(error) if error.status.is_some_and(|status| self.absent.contains(&status)) => return Ok(None),
            read => read.map_err(explained),
        };
        let answer = shape::one(&self.http, request, read, what, |row| text(row, "id") == Some(id))?;
        Ok(answer.and_then(|answer| answer.body))
    }

    /// Sends a write.
    pub(super) async fn send(&self, request: &Request, lane: Lane) -> Result<Answer, Error> {
        self.http.write(request, lane).await.map_err(explained)
    }

    pub(super) fn error(&self, request: &Request, kind: ErrorKind, detail: &str) -> Error {
        self.http.error(request, kind, None, detail)
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
    name: ListName,
    request: &'a Request,
    lane: Lane,
}

#[async_trait]
impl Pages for Reading<'_> {
    fn paging(&self) -> &Paging {
        &self.family.paged.paging
    }

    fn name(&self) -> ListName {
        self.name.clone()
    }

    fn limits(&self) -> &RowLimits {
        self.family.http.rows()
    }

    fn line(&self) -> String {
        self.request.line()
    }

    async fn page(&self, ask: &Ask) -> Result<Answered, Error> {
        let Family { http, paged, items, key, .. } = self.family;
        let answer = http.read(&ask.added_to(self.request), self.lane).await?;
        let status = answer.status;
        let page = shape::page(answer, items, key, paged, ask.received);
        let malformed = |why: String| http.error(self.request, ErrorKind::Malformed, Some(status), &why);
        page.map(Answered::Page).map_err(malformed)
    }
}
