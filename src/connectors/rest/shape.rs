//! What an answer is: a page of a list, with its rows and where it says how the list goes on, or the one thing that was asked
//! for by its id.

use serde_json::Value;

use super::template::{Dotted, need};
use crate::connectors::{
    Error, ErrorKind,
    http::{Answer, HttpClient, Request, next_link},
    paging::{Cursor, Page, Paging, Row},
    signs::{self, Signs},
};

/// How the pages of a list are asked for, and where they say how it goes on.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::connectors) struct Paged {
    pub(in crate::connectors) paging: Paging,
    /// Where a page has the token of the next one, or the link to it; a link without such a place is in a header.
    pub(in crate::connectors) next: Option<Dotted>,
    /// Where a page says how many rows there are in all.
    pub(in crate::connectors) total: Option<Dotted>,
    /// Where a page has a number that may be the total, or merely the length of the page.
    pub(in crate::connectors) at_least: Option<Dotted>,
}

impl Paged {
    /// Where the way to the next page is in an answer, and whether it has a place for one.
    fn next(&self, body: &Value, headers: &[(String, String)]) -> (Result<Option<String>, String>, bool) {
        match (&self.next, &self.paging.cursor) {
            (Some(place), _) => {
                let value = place.get(body);
                (signs::token(&place.to_string(), value), value.is_some())
            }
            (None, Cursor::Link) => (Ok(next_link(headers)), headers.iter().any(|(name, _)| name == "link")),
            (None, _) => (Ok(None), false),
        }
    }
}

/// Takes a page out of an answer that comes after `received` rows: its own rows, which stand at `items` and have their identity
/// at `key`, and what it says of further ones.
///
/// # Errors
/// When the answer is no page.
pub(in crate::connectors) fn page(
    answer: Answer,
    items: &Dotted,
    key: &Dotted,
    paged: &Paged,
    received: u64,
) -> Result<Page, String> {
    let Answer { headers, body, size, .. } = answer;
    let (headers, mut body) = (&headers, body.unwrap_or(Value::Null));
    let at = |place: &Option<Dotted>| place.as_ref()?.get(&body).and_then(signs::number);
    let (total, at_least) = (at(&paged.total), at(&paged.at_least));
    let found = items.get(&body).map(|rows| rows.is_array() || (rows.is_null() && !signs::fails(&body)));
    let rows = items.take(&mut body);
    let signs = Signs::of(headers, &body);
    // A total that the manifest names is the one that counts.
    let unnamed = signs.count.filter(|_| paged.total.is_none() && paged.at_least.is_none());
    let all = total.or(at_least).or(unnamed);
    match found {
        Some(true) => {}
        Some(false) => return Err(format!("`{items}` in the answer is not a list")),
        None if all.is_some_and(|all| all <= received) && !signs::fails(&body) => {}
        None => return Err(format!("the answer has no `{items}`")),
    }
    let (next, has_next) = paged.next(&body, headers);
    let row = |value: Value| Row { key: need("row", key, &value).map(|id| id.to_string()), value };
    Ok(Page {
        rows: rows.into_iter().map(row).collect(),
        cut_off: next.as_ref().err().cloned().or(signs.more),
        next: next.ok().flatten(),
        has_next,
        total,
        at_least: at_least.or(unnamed),
        hint: signs.hint,
        bytes: size,
    })
}

/// What the answer to a read by id means: what was asked for, or `None` when there is no such thing. `is_it` tells whether an
/// answer is about the one that was asked for, and `what` is its name in the sentence that says that it is not.
///
/// # Errors
/// When the app did not answer, or about something else.
pub(in crate::connectors) fn one(
    http: &HttpClient,
    request: &Request,
    read: Result<Answer, Error>,
    what: &str,
    is_it: impl Fn(&Value) -> bool,
) -> Result<Option<Answer>, Error> {
    match read {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Ok(answer) if !answer.body.as_ref().is_some_and(is_it) => {
            let detail = format!("the answer is about another {what}, or does not say about which");
            Err(http.error(request, ErrorKind::Malformed, Some(answer.status), &detail))
        }
        read => read.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page_of(body: &Value) -> Result<Page, String> {
        page_after(0, body)
    }

    fn page_after(received: u64, body: &Value) -> Result<Page, String> {
        let dotted = |text: &str| Dotted::try_from(text.to_owned()).unwrap();
        let paged = Paged { paging: Paging::at_once(Cursor::Undeclared), next: None, total: None, at_least: None };
        let answer = Answer { status: 200, headers: Vec::new(), body: Some(body.clone()), said: None, size: 0 };
        page(answer, &dotted("data"), &dotted("id"), &paged, received)
    }

    #[test]
    fn a_page_beyond_the_total_needs_no_place_for_rows() {
        assert_eq!(page_after(3, &json!({"total": 3})).unwrap().rows, []);
        assert!(page_after(2, &json!({"total": 3})).is_err());
        assert!(page_after(3, &json!({})).is_err());
        assert!(page_after(3, &json!({"total": 3, "ok": false})).is_err());
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for body in [
            json!({}),
            json!({"data": {"id": 1}}),
            json!([]),
            json!({"total": 3}),
            json!({"data": null, "errors": ["sign in"]}),
            json!({"total": 0, "ok": false}),
        ] {
            assert!(page_of(&body).is_err(), "{body}");
        }
    }

    #[test]
    fn no_rows_are_a_list_null_and_a_total_of_zero() {
        for body in [json!({"data": []}), json!({"data": null, "error": null}), json!({"total": 0, "errors": []})] {
            assert_eq!(page_of(&body).unwrap().rows, [], "{body}");
        }
    }

    #[test]
    fn a_row_without_identity_is_told() {
        let keys = page_of(&json!({"data": [{"id": 7}, {"id": "u"}, {"name": "x"}, {"id": ""}]})).unwrap().rows;
        let keys: Vec<_> = keys.into_iter().map(|row| row.key.unwrap_or_else(|lacks| lacks)).collect();
        assert_eq!(keys, ["7", "u", "a row has no `id`", "a row has no `id`"]);
    }
}
