//! Lists as a manifest describes them: the request for a page, and the page in an answer.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    dictionary::Dictionary,
    engine::{Enough, LookedUp, RestConnector, TO_THE_END},
    manifest::List,
    shape,
    template::{Bindings, Dotted},
};
use crate::{
    budget::Lane,
    connectors::{
        Error, ErrorKind, Listing, Meaning,
        http::{Answer, Request},
        paging::{self, Answered, Ask, Cursor, Page, Pages, Paging, Place},
        row_limit::{ListName, RowLimits},
    },
    model::Coverage,
};

/// One reading of a list, as its manifest describes it.
struct Reading<'a> {
    app: &'a RestConnector,
    name: ListName,
    list: &'a List,
    /// Where a row's identity is.
    key: &'a Dotted,
    request: Request,
    lane: Lane,
    enough: Enough<'a>,
}

/// The body of a page without rows, of an answer that means just that.
fn no_rows(mut body: Value, list: &List, first: bool) -> Value {
    list.items.set(&mut body, Value::Array(Vec::new()));
    // A first page without rows says how many there are, unless it says so itself.
    let total = list.paged.total.as_ref();
    if let Some(total) = total.filter(|total| first && body.is_object() && total.get(&body).is_none()) {
        total.set(&mut body, Value::from(0));
    }
    body
}

#[async_trait]
impl Pages for Reading<'_> {
    fn paging(&self) -> &Paging {
        &self.list.paged.paging
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
        let List { call, items, paged } = self.list;
        let first = ask.place == Place::Start;
        // The first page needs no token, so that none can be too old.
        let possible = |meaning| meaning != Meaning::Expired || !first;
        let judge = |status, body: &[u8]| call.answers.judge(status, body, possible);
        let request = ask.added_to(&self.request);
        let mut answer = self.app.http.read_judged(&request, self.lane, &judge).await?;
        let good = (200..300).contains(&answer.status);
        let mut body = answer.body.take().unwrap_or(Value::Null);
        let mut cut_off = None;
        match answer.said.take() {
            Some(said) if said.meaning == Meaning::Expired => {
                return Ok(Answered::Expired("the way to the next page was too old when it was taken".into()));
            }
            Some(said) if said.meaning == Meaning::Empty => body = no_rows(body, self.list, first),
            Some(said) if said.meaning == Meaning::Truncated => {
                let text = said.text.as_ref().and_then(Value::as_str).map(str::to_owned);
                let sign = text.or(said.sign).unwrap_or_else(|| format!("it answered {}", answer.status));
                cut_off = Some(format!("the app cut the list off: {sign}"));
                if !good {
                    body = no_rows(Value::Null, self.list, false);
                }
            }
            _ => {}
        }
        let mut page = shape::page(Answer { body: Some(body), ..answer }, items, self.key, paged, ask.received)
            .map_err(|wrong| self.app.http.error(&self.request, ErrorKind::Malformed, None, &wrong))?;
        if paged.paging.cursor == Cursor::Link {
            match page.next.take().map(|link| self.app.http.below(&request, &link)).transpose() {
                Ok(way) => page.next = way,
                Err(why) => page.cut_off = Some(why),
            }
        }
        Ok(Answered::Page(Page { cut_off: cut_off.or(page.cut_off.take()), ..page }))
    }

    fn doubt(&self, why: &str) {
        self.app.note(format!("GET {}: {why}", self.list.call.path));
    }

    fn enough(&self, row: &Value) -> bool {
        (self.enough)(row)
    }
}

impl RestConnector {
    /// Reads a list to its end, or to the first row that is `enough`. A list without a name goes by its request.
    pub(super) async fn list(
        &self,
        name: Option<ListName>,
        list: &List,
        key: &Dotted,
        bindings: &Bindings<'_>,
        lane: Lane,
        enough: Enough<'_>,
    ) -> Result<Listing<Value>, Error> {
        let request = self.request(&list.call, bindings)?;
        let name = name.unwrap_or_else(|| ListName::Other(request.asks_for()));
        paging::read(&mut Reading { app: self, name, list, key, request, lane, enough }).await
    }

    /// The names that a lookup gives, read once in a reading of the app. A failure is kept as well, so that an app
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
        let rows = self.list(None, &lookup.list, &lookup.id, &bindings, lane, TO_THE_END).await?;
        let read = match &rows.coverage {
            Coverage::Complete | Coverage::Believed(_) => Dictionary::of(&rows.rows, lookup),
            // A name that was not seen might be anybody's, or somebody else's as well.
            Coverage::Incomplete(why) => Err(format!("the {name} could not be read to the end: {why}")),
        };
        let request = self.request(&lookup.list.call, &bindings)?;
        read.map_err(|why| self.http.error(&request, ErrorKind::Malformed, None, &why))
    }
}
