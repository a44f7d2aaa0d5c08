//! What an answer says of how its list goes on, beside what a connector knows to look for. Pure.

use serde_json::Value;

use super::http;

/// The links to next pages that have one meaning whoever sends them.
const NEXT_LINKS: [&str; 2] = ["@odata.nextLink", "odata.nextLink"];

/// Names under which answers say how many rows there are in all, without what sets words apart.
const COUNTS: [&str; 10] = [
    "total",
    "count",
    "totalcount",
    "totalresults",
    "totalitems",
    "totalrecords",
    "totalelements",
    "totalsize",
    "@odatacount",
    "odatacount",
];

/// Parts of an answer that are about its pages.
const ABOUT_PAGES: [&str; 6] = ["meta", "metadata", "pagination", "paging", "page", "pageinfo"];

/// So deep do answers hide what they say of pages.
const DEPTH: u32 = 3;

/// What one answer says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Signs {
    /// What leads to a next page for sure.
    pub(super) more: Option<String>,
    /// How many rows there are in all, under a usual name.
    pub(super) count: Option<u64>,
    /// What looks as if it led on, and may be anything.
    pub(super) hint: Option<String>,
}

impl Signs {
    /// The signs in an answer, of whose body the rows were taken out.
    pub(super) fn of(headers: &[(String, String)], body: &Value) -> Self {
        let header = http::next_link(headers).map(|_| "its header `Link` leads to a next page".to_owned());
        let odata = || NEXT_LINKS.iter().find(|name| body.get(*name).is_some_and(leads));
        Self {
            more: header.or_else(|| Some(format!("its `{}` leads to a next page", odata()?))),
            count: counted(body),
            hint: resembles(body, "", DEPTH),
        }
    }
}

/// The way to a next page that stands at `place`: a text or a whole number. Nothing, null, false and an empty text say that
/// there is none.
///
/// # Errors
/// When something else stands there, which proves neither.
pub(super) fn token(place: &str, value: Option<&Value>) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) if !number.is_f64() => Ok(Some(number.to_string())),
        Some(other) => {
            Err(format!("`{place}` is {other}, which is no way to a next page and does not say that there is none"))
        }
    }
}

/// A number of rows, which some write as a text.
pub(super) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Yes or no, which some write as a number or as a text.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_u64().filter(|number| *number < 2).map(|number| number == 1),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Whether an answer tells of a failure, whatever its status is: then what it lacks proves nothing.
pub(super) fn fails(body: &Value) -> bool {
    ["error", "errors"].iter().any(|key| body.get(key).is_some_and(leads))
        || ["ok", "success"].iter().any(|key| body.get(key).and_then(flag) == Some(false))
}

fn counted(body: &Value) -> Option<u64> {
    let of =
        |part: &Value| part.as_object()?.iter().find_map(|(key, value)| is(key, &COUNTS).then(|| number(value))?);
    let parts = || body.as_object()?.iter().find_map(|(key, part)| is(key, &ABOUT_PAGES).then(|| of(part))?);
    of(body).or_else(parts)
}

fn is(key: &str, words: &[&str]) -> bool {
    words.contains(&word(key).as_str())
}

/// A key without case and without what sets its words apart.
fn word(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric() || *c == '@').collect::<String>().to_lowercase()
}

fn resembles(body: &Value, at: &str, depth: u32) -> Option<String> {
    let sign = |(key, value): (&String, &Value)| {
        let (word, place) = (word(key), format!("{at}{key}"));
        let back = ["prev", "start", "first", "before"].iter().any(|way| word.contains(way));
        let onward = word.starts_with("next") || word.contains("cursor") || word.starts_with("continu");
        let says_more = ["hasmore", "hasnext", "hasnextpage", "more"].contains(&word.as_str());
        if (onward && !back && leads(value)) || (says_more && flag(value) == Some(true)) {
            return Some(place);
        }
        resembles(value, &format!("{place}."), depth.checked_sub(1)?)
    };
    body.as_object()?.iter().find_map(sign)
}

/// Whether there is anything in it.
fn leads(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_u64() != Some(0),
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(all) => all.iter().any(leads),
        Value::Object(fields) => fields.values().any(leads),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: Value, count: Option<u64>, hint: Option<&str>) {
        let signs = Signs::of(&[], &body);
        assert_eq!((signs.count, signs.hint.as_deref()), (count, hint), "{body}");
    }

    #[test]
    fn counts_are_found_at_the_top_and_among_what_is_about_pages() {
        check(json!({"total": 3}), Some(3), None);
        check(json!({"Total_Count": "13"}), Some(13), None);
        check(json!({"meta": {"total-items": 7}}), Some(7), None);
        check(json!({"@odata.count": 4}), Some(4), None);
        check(json!({"owner": {"total": 9}, "count": -1, "total": null}), None, None);
    }

    #[test]
    fn what_looks_as_if_it_led_on_is_named_and_what_leads_back_or_nowhere_is_not() {
        check(json!({"a": {"nextThing": "x"}}), None, Some("a.nextThing"));
        check(json!({"links": {"next": {"href": "/x"}}}), None, Some("links.next"));
        check(json!({"has_more": 1}), None, Some("has_more"));
        check(json!({"page": {"end_cursor": "x"}}), None, Some("page.end_cursor"));
        check(
            json!({"prevCursor": "x", "startCursor": "y", "next": null, "cursor": "", "has_more": false}),
            None,
            None,
        );
    }

    #[test]
    fn a_token_is_a_text_or_a_whole_number_and_what_is_neither_proves_nothing() {
        let of = |value: Value| token("next", Some(&value)).unwrap();
        assert_eq!([json!(2), json!("b"), json!(0)].map(of), [Some("2".into()), Some("b".into()), Some("0".into())]);
        assert_eq!([json!(null), json!(""), json!(false)].map(of), [None, None, None]);
        for odd in [json!(true), json!({}), json!([2]), json!(2.5)] {
            assert!(token("next", Some(&odd)).is_err(), "{odd}");
        }
    }

    #[test]
    fn links_of_odata_are_sure_signs() {
        let more = |body: Value| Signs::of(&[], &body).more.is_some();
        assert!(more(json!({"@odata.nextLink": "/x"})) && !more(json!({"@odata.nextLink": null})));
    }
}
