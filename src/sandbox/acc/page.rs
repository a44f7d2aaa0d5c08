//! What both families share: paging, text matches, chosen fields, and errors.

use serde_json::{Map, Value, json};

use super::Acc;
use crate::sandbox::app::{Answer, Request};

/// Rows on a page of `construction/admin` where no limit is given, and the most a page holds.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 200;

/// Where a list ends that is cut short.
const TRUNCATED: usize = 10;

/// One page of rows that have been filtered and sorted.
pub(super) fn page(app: &Acc, request: &Request, rows: Vec<Value>) -> Result<Answer, Answer> {
    let limit = number(request, "limit", PAGE)?.min(LARGEST_PAGE);
    if limit == 0 {
        return Err(error(400, "limit must be at least 1."));
    }
    let offset = number(request, "offset", 0)?;
    let total = rows.len();
    let end = if app.quirks.has("list-truncated") { TRUNCATED } else { usize::MAX };
    let from = if app.quirks.has("page-repeats") { 0 } else { offset };
    let shown: Vec<Value> = rows.into_iter().take(end).skip(from).take(limit).map(|row| chosen(request, row)).collect();
    let told = if app.quirks.has("total-too-high") { total + 3 } else { total };
    let mut pagination = json!({ "limit": limit, "offset": offset, "totalResults": told });
    if offset.saturating_add(limit) < told {
        pagination["nextUrl"] = json!(url_of(request, limit, offset + limit));
    }
    if offset > 0 {
        pagination["previousUrl"] = json!(url_of(request, limit, offset.saturating_sub(limit)));
    }
    Ok(Answer::json(200, json!({ "pagination": pagination, "results": shown })))
}

/// The address of another page: at a host that does not exist, as in the vendor's own example.
fn url_of(request: &Request, limit: usize, offset: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in url::form_urlencoded::parse(request.query.as_bytes()) {
        if key != "limit" && key != "offset" {
            query.append_pair(&key, &value);
        }
    }
    query.append_pair("limit", &limit.to_string()).append_pair("offset", &offset.to_string());
    format!("https://resource?{}", query.finish())
}

pub(super) fn number(request: &Request, name: &str, default: usize) -> Result<usize, Answer> {
    match request.parameter(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| error(400, &format!("{name} must be a whole number, not `{text}`."))),
    }
}

/// A list in a parameter.
pub(super) fn list(request: &Request, name: &str) -> Option<Vec<String>> {
    let text = request.parameter(name)?;
    Some(text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect())
}

/// The fields of a row that `fields` asks for, and the id.
fn chosen(request: &Request, row: Value) -> Value {
    match (list(request, "fields"), row) {
        (Some(fields), Value::Object(row)) => {
            let wanted = |field: &String| field == "id" || field == "key" || fields.contains(field);
            Value::Object(row.into_iter().filter(|(field, _)| wanted(field)).collect())
        }
        (_, row) => row,
    }
}

/// The filters of a list: how each is compared.
pub(super) enum Compared {
    /// As text, in the way `filterTextMatch` says.
    Text(&'static str),
    /// With one of several values.
    OneOf(fn(&Value) -> Vec<String>),
}

/// Keeps the rows that the request's filters let through.
pub(super) fn filtered(
    request: &Request,
    rows: Vec<Value>,
    known: &[(&'static str, Compared)],
) -> Result<Vec<Value>, Answer> {
    let how = request.parameter("filterTextMatch").unwrap_or_else(|| "contains".to_owned());
    if !["contains", "startsWith", "endsWith", "equals"].contains(&how.as_str()) {
        return Err(error(400, &format!("`{how}` is not a way to match text.")));
    }
    let either = list(request, "orFilters").unwrap_or_default();
    let mut filters = Vec::new();
    for (key, value) in url::form_urlencoded::parse(request.query.as_bytes()) {
        let Some(name) = key.strip_prefix("filter[").and_then(|key| key.strip_suffix(']')) else { continue };
        let compared = known.iter().find(|(known, _)| *known == name);
        let (_, compared) = compared.ok_or_else(|| error(400, &format!("There is no filter[{name}].")))?;
        filters.push((name.to_owned(), compared, value.into_owned()));
    }
    let lets_through = |row: &Value, (_, compared, value): &(String, &Compared, String)| match compared {
        Compared::Text(field) => {
            row[*field].as_str().is_some_and(|text| matches(&how, &text.to_lowercase(), &value.to_lowercase()))
        }
        Compared::OneOf(values) => {
            let found = values(row);
            value.split(',').any(|wanted| found.iter().any(|found| found.eq_ignore_ascii_case(wanted.trim())))
        }
    };
    let kept = |row: &Value| {
        let (any, all): (Vec<_>, Vec<_>) = filters.iter().partition(|(name, _, _)| either.contains(name));
        all.into_iter().all(|filter| lets_through(row, filter))
            && (any.is_empty() || any.into_iter().any(|filter| lets_through(row, filter)))
    };
    Ok(rows.into_iter().filter(kept).collect())
}

fn matches(how: &str, text: &str, wanted: &str) -> bool {
    match how {
        "equals" => text == wanted,
        "startsWith" => text.starts_with(wanted),
        "endsWith" => text.ends_with(wanted),
        _ => text.contains(wanted),
    }
}

/// Sorts by the fields that `sort` names, each maybe followed by `asc` or `desc`.
pub(super) fn sorted(request: &Request, mut rows: Vec<Value>, default: Option<&str>) -> Vec<Value> {
    let keys = list(request, "sort").or_else(|| default.map(|field| vec![field.to_owned()])).unwrap_or_default();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_lowercase();
    // The last key first, because a stable sort keeps the order of what it finds equal.
    for key in keys.iter().rev() {
        let (field, direction) = key.split_once(' ').unwrap_or((key, "asc"));
        rows.sort_by(|a, b| {
            let order = text(a, field).cmp(&text(b, field));
            if direction == "desc" { order.reverse() } else { order }
        });
    }
    rows
}

/// The body, which must be JSON.
pub(super) fn body(request: &Request) -> Result<Value, Answer> {
    if !request.is_of_type("application/json") {
        return Err(error(415, "The body must be application/json."));
    }
    serde_json::from_slice(&request.body).map_err(|_| error(400, "The body must be JSON."))
}

/// The body, which must be a JSON object with no other fields than these.
pub(super) fn object(value: &Value, fields: &[&str]) -> Result<Map<String, Value>, Answer> {
    let Value::Object(body) = value else { return Err(error(400, "The body must be a JSON object.")) };
    match body.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(other) => Err(error(400, &format!("{other} cannot be written."))),
        None => Ok(body.clone()),
    }
}

/// A field that is text, null or not there.
pub(super) fn text(body: &Map<String, Value>, field: &str) -> Result<Option<String>, Answer> {
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(error(400, &format!("{field} must be text."))),
    }
}

/// A refusal of `construction/admin`.
pub(super) fn error(status: u16, detail: &str) -> Answer {
    Answer::json(status, json!({ "title": status.to_string(), "detail": detail }))
}
