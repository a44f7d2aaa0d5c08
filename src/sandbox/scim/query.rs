//! Lists: filters, and paging by index or by cursor.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Kind, Resource, Scim,
    filter::{self, Equals},
    show::{self, Wanted, bad},
};
use crate::sandbox::{
    app::{Answer, Request},
    clock,
};

/// Rows on a page where no count is given, the most a page holds, and the most where counts are clamped.
const PAGE: usize = 100;
pub(super) const LARGEST_PAGE: usize = 200;
const CLAMPED_PAGE: usize = 10;

/// Where a list ends that is cut short.
const TRUNCATED: usize = 10;

/// What a client asks a list for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Asked {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    cursor: Option<String>,
    wanted: Wanted,
}

/// A place in a list, good for the same question alone.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    /// The ordinal of the last row that was shown.
    after: u64,
    expires: Timestamp,
    asked: Asked,
}

impl Asked {
    pub(super) fn of_query(request: &Request) -> Result<Self, Answer> {
        let number = |name: &str, error: &str| match request.parameter(name) {
            None => Ok(None),
            Some(text) => {
                text.parse().map(Some).map_err(|_| bad(error, &format!("{name} must be a whole number, not `{text}`.")))
            }
        };
        let (only, without) = (request.parameter("attributes"), request.parameter("excludedAttributes"));
        Self {
            filter: request.parameter("filter"),
            start_index: number("startIndex", "invalidValue")?,
            count: number("count", "invalidCount")?,
            cursor: request.parameter("cursor"),
            wanted: Wanted::new(only.as_deref(), without.as_deref()),
        }
        .checked(only.is_some() && without.is_some())
    }

    /// From the body of a `.search`.
    pub(super) fn of_body(body: &Map<String, Value>) -> Result<Self, Answer> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let list = |name: &str| {
            let names = body.get(name).and_then(Value::as_array)?;
            Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
        };
        let (only, without) = (list("attributes"), list("excludedAttributes"));
        Self {
            filter: text("filter"),
            start_index: body.get("startIndex").and_then(Value::as_i64),
            count: body.get("count").and_then(Value::as_i64),
            cursor: text("cursor"),
            wanted: Wanted::new(only.as_deref(), without.as_deref()),
        }
        .checked(only.is_some() && without.is_some())
    }

    fn checked(self, both: bool) -> Result<Self, Answer> {
        match both {
            true => Err(bad("invalidValue", "attributes and excludedAttributes exclude each other.")),
            false => Ok(self),
        }
    }
}

pub(super) fn list(app: &mut Scim, request: &Request, kind: Kind, asked: Asked) -> Result<Answer, Answer> {
    if app.quirks.has("cursor-expires-once")
        && !app.cursor_refused
        && asked.cursor.as_ref().is_some_and(|cursor| !cursor.is_empty())
    {
        app.cursor_refused = true;
        return Err(expired());
    }
    let on = |quirk: &str| app.quirks.has(quirk);
    let filter = match &asked.filter {
        Some(text) if !on("filter-ignored") => understood(kind, text)?,
        _ => Vec::new(),
    };
    let largest = if on("count-clamped") { CLAMPED_PAGE } else { LARGEST_PAGE };
    // A negative count counts as none at all.
    let count = asked.count.map_or(PAGE, |count| usize::try_from(count).unwrap_or(0)).min(largest);
    let ids = app.all(kind).order.iter().filter_map(|id| app.all(kind).by_id.get(id));
    let found: Vec<&Resource> = ids
        .filter(|resource| app.indexed_at(resource.created) <= app.now)
        .filter(|resource| filter.iter().all(|wanted| matches(resource, wanted)))
        .collect();
    let total = found.len();
    let found = if on("list-truncated") { &found[..total.min(TRUNCATED)] } else { &found[..] };

    let by_cursor = on("cursor-paging");
    let start = match &asked.cursor {
        Some(text) if by_cursor && !text.is_empty() => {
            let after = position(app, text, &asked)?;
            found.iter().position(|resource| resource.ordinal > after).unwrap_or(found.len())
        }
        Some(_) if !by_cursor => return Err(bad("invalidCursor", "Lists are paged by index here.")),
        _ if by_cursor || on("start-index-ignored") => 0,
        _ => usize::try_from(asked.start_index.unwrap_or(1).max(1) - 1).unwrap_or(usize::MAX),
    };
    let page: Vec<&Resource> = found.iter().skip(start).take(count).copied().collect();
    let last = page.last().map(|resource| resource.ordinal);
    let more = start.saturating_add(page.len()) < found.len();

    let groups = show::groups_of(app);
    let rows: Vec<Value> = page
        .iter()
        .map(|resource| show::resource(app, request, kind, resource, &groups, &asked.wanted, true))
        .collect();
    let told = match () {
        () if on("total-is-page-size") => rows.len(),
        () if on("total-too-high") => total + 3,
        () => total,
    };
    let number = |number: usize| if on("string-totals") { json!(number.to_string()) } else { json!(number) };
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": number(told),
        "itemsPerPage": number(rows.len()),
    });
    if !by_cursor {
        body["startIndex"] = number(start.saturating_add(1));
    }
    if !rows.is_empty() || !on("no-resources-when-empty") {
        body["Resources"] = Value::Array(rows);
    }
    let repeats = on("cursor-repeats");
    if let (true, true, Some(last)) = (by_cursor, more, last) {
        let here = asked.cursor.as_ref().filter(|text| repeats && !text.is_empty()).cloned();
        body["nextCursor"] = json!(here.unwrap_or_else(|| issue(app, last, asked)));
    }
    Ok(Answer::json(200, body))
}

/// A filter over the attributes that can be searched here.
fn understood(kind: Kind, text: &str) -> Result<Vec<Equals>, Answer> {
    let known: &[&str] = match kind {
        Kind::User => &["id", "externalId", "userName", "displayName"],
        Kind::Group => &["id", "externalId", "displayName"],
    };
    let filter = filter::parse(text).map_err(|reason| bad("invalidFilter", &reason))?;
    let canonical = |equals: Equals| match known.iter().find(|name| name.eq_ignore_ascii_case(&equals.attribute)) {
        Some(name) => Ok(Equals { attribute: (*name).to_owned(), ..equals }),
        None => Err(bad("invalidFilter", &format!("{} cannot be searched.", equals.attribute))),
    };
    filter.into_iter().map(canonical).collect()
}

fn matches(resource: &Resource, wanted: &Equals) -> bool {
    let id = Value::String(resource.id.clone());
    let found = if wanted.attribute == "id" { Some(&id) } else { resource.body.get(&wanted.attribute) };
    let case_exact = matches!(wanted.attribute.as_str(), "id" | "externalId");
    found.is_some_and(|found| filter::same(found, &wanted.value, case_exact))
}

fn issue(app: &mut Scim, after: u64, asked: Asked) -> String {
    let now = app.now;
    // Those that ran out long ago may be forgotten; a young one still has to be told apart from an invented one.
    app.cursors.retain(|_, cursor| clock::later(cursor.expires, app.cursor_life).is_none_or(|end| end > now));
    app.issued_cursors += 1;
    let text = app.chance.token("cursor", &app.issued_cursors.to_string());
    let expires = clock::later(now, app.cursor_life).unwrap_or(Timestamp::MAX);
    app.cursors.insert(text.clone(), Cursor { after, expires, asked: Asked { cursor: None, ..asked } });
    text
}

fn expired() -> Answer {
    bad("expiredCursor", "The cursor has expired; begin again.")
}

/// The ordinal after which a cursor's page begins.
fn position(app: &Scim, text: &str, asked: &Asked) -> Result<u64, Answer> {
    let cursor = app.cursors.get(text).ok_or_else(|| bad("invalidCursor", "The cursor is unknown."))?;
    if cursor.expires <= app.now {
        return Err(expired());
    }
    if cursor.asked.count != asked.count {
        return Err(bad("invalidCount", "The count differs from the one the cursor was made with."));
    }
    if cursor.asked != (Asked { cursor: None, ..asked.clone() }) {
        return Err(bad("invalidCursor", "The cursor belongs to another question."));
    }
    Ok(cursor.after)
}
