//! What an answer is: a page of a list, with its rows and where it says how the list goes on, or the one thing that was asked
//! for by its id.

use serde_json::Value;

use super::template::{Dotted, need};
use crate::connectors::{
    Error, ErrorKind,
    http::{Answer, HttpClient, Request},
    paging::{Page, Paging, Row},
};

/// How the pages of a list are asked for, and where they say how it goes on.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::connectors) struct Paged {
    pub(in crate::connectors) paging: Paging,
    /// Where a page has the token of the next one, or the link to it.
    pub(in crate::connectors) next: Option<Dotted>,
    /// Where a page says how many rows there are in all.
    pub(in crate::connectors) total: Option<Dotted>,
    /// Where a page has a number that may be the total, or merely the length of the page.
    pub(in crate::connectors) at_least: Option<Dotted>,
}

/// Takes a page out of an answer: its rows, which stand at `items` and have their identity at `key`, and what it says of
/// further ones.
///
/// # Errors
/// When the answer is no page.
pub(in crate::connectors) fn page(
    mut body: Value,
    items: &Dotted,
    key: &Dotted,
    paged: Option<&Paged>,
) -> Result<Page, String> {
    match items.get(&body) {
        Some(Value::Array(_)) => {}
        Some(_) => return Err(format!("`{items}` in the answer is not a list")),
        None => return Err(format!("the answer has no `{items}`")),
    }
    let at = |place: fn(&Paged) -> &Option<Dotted>| place(paged?).as_ref()?.get(&body);
    let mut page = Page {
        next: at(|paged| &paged.next).and_then(Value::as_str).filter(|next| !next.is_empty()).map(str::to_owned),
        total: at(|paged| &paged.total).and_then(Value::as_u64),
        at_least: at(|paged| &paged.at_least).and_then(Value::as_u64),
        ..Page::default()
    };
    let row = |value: Value| Row { key: need("row", key, &value).map(|id| id.to_string()), value };
    page.rows = items.take(&mut body).into_iter().map(row).collect();
    Ok(page)
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
        let dotted = |text: &str| Dotted::try_from(text.to_owned()).unwrap();
        page(body.clone(), &dotted("data"), &dotted("id"), None)
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for body in [json!({}), json!({"data": null}), json!({"data": {"id": 1}}), json!([])] {
            assert!(page_of(&body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_row_without_identity_is_told() {
        let keys = page_of(&json!({"data": [{"id": 7}, {"id": "u"}, {"name": "x"}, {"id": ""}]})).unwrap().rows;
        let keys: Vec<_> = keys.into_iter().map(|row| row.key.unwrap_or_else(|lacks| lacks)).collect();
        assert_eq!(keys, ["7", "u", "a row has no `id`", "a row has no `id`"]);
    }
}
