//! `hq/v1`: the account's users, in the older style.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{ACC_ACCOUNT, Acc, Person, construction::REGIONS, page, show};
use crate::sandbox::app::{Answer, Request};

/// Rows on a page where no limit is given, the most a page holds, and the most people in one import.
const PAGE: usize = 10;
const LARGEST_PAGE: usize = 100;
const LARGEST_IMPORT: usize = 50;

/// What can be written about a new user.
const FIELDS: [&str; 18] = [
    "email",
    "company_id",
    "nickname",
    "first_name",
    "last_name",
    "image_url",
    "address_line_1",
    "address_line_2",
    "city",
    "state_or_province",
    "postal_code",
    "country",
    "phone",
    "company",
    "job_title",
    "industry",
    "about_me",
    "default_role",
];

/// Answers a request whose path has lost its `/hq/v1`.
pub(super) fn answer(
    app: &mut Acc,
    request: &Request,
    scopes: &BTreeSet<String>,
    path: &[&str],
) -> Result<Answer, Answer> {
    let scope = if request.method == "GET" { "account:read" } else { "account:write" };
    if !scopes.contains(scope) {
        return Err(error(403, &format!("The token does not carry the scope {scope}.")));
    }
    // The old form of the address names Europe in the path; a missing region is the United States, always.
    let (region, path) = match path {
        ["regions", "eu", rest @ ..] => ("EMEA", rest),
        _ => (request.header("region").unwrap_or("US"), path),
    };
    if !REGIONS.contains(&region) {
        return Err(error(400, &format!("unknown region {region}")));
    }
    let ["accounts", account, path @ ..] = path else { return Err(no_path(request)) };
    if *account != ACC_ACCOUNT || region != app.region {
        return Err(error(404, "account not found"));
    }
    match (request.method.as_str(), path) {
        ("GET", ["users"]) => list(app, request, everyone(app, |_| true)),
        ("POST", ["users"]) => create(app, request),
        ("GET", ["users", "search"]) => search(app, request),
        ("POST", ["users", "import"]) => import(app, request),
        ("GET", ["users", id]) => {
            app.person(id).map(|person| Answer::json(200, show::person(app, person))).ok_or_else(no_user)
        }
        ("PATCH", ["users", id]) => update(app, request, id),
        ("GET", ["projects", id, "companies"]) if app.projects.contains_key(*id) => {
            let present: BTreeSet<&String> =
                app.projects[*id].members.iter().filter_map(|row| row.company.as_ref()).collect();
            list(app, request, present.iter().map(|id| json!({ "id": id, "name": app.companies.get(*id) })).collect())
        }
        (_, ["users", ..]) => Err(error(405, "method not allowed")),
        _ => Err(no_path(request)),
    }
}

fn everyone(app: &Acc, which: impl Fn(&Person) -> bool) -> Vec<Value> {
    let people = app.order.iter().filter_map(|id| app.people.get(id));
    people.filter(|person| which(person)).map(|person| show::person(app, person)).collect()
}

/// A page: a bare list, without a word about how many there are.
fn list(app: &Acc, request: &Request, mut rows: Vec<Value>) -> Result<Answer, Answer> {
    let number = |name: &str, default: usize| match request.parameter(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| error(400, &format!("{name} is not a number"))),
    };
    let limit = number("limit", PAGE)?.min(LARGEST_PAGE);
    let offset = if app.quirks.has("hq-page-repeats") { 0 } else { number("offset", 0)? };
    for key in page::list(request, "sort").unwrap_or_default().iter().rev() {
        let (field, down) = key.strip_prefix('-').map_or((key.as_str(), false), |field| (field, true));
        let text = |row: &Value| row[field].as_str().unwrap_or_default().to_lowercase();
        rows.sort_by(|a, b| if down { text(b).cmp(&text(a)) } else { text(a).cmp(&text(b)) });
    }
    let mut rows: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
    if let Some(fields) = page::list(request, "field") {
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.retain(|field, _| field == "id" || fields.contains(field));
        }
    }
    Ok(Answer::json(200, Value::Array(rows)))
}

/// Anything that fits, however loosely, unless told to be strict.
fn search(app: &Acc, request: &Request) -> Result<Answer, Answer> {
    let partial = request.parameter("partial").is_none_or(|partial| partial != "false");
    let all = match request.parameter("operator").as_deref() {
        None | Some("OR") => false,
        Some("AND") => true,
        Some(other) => return Err(error(400, &format!("unknown operator {other}"))),
    };
    let company = |person: &Person| person.company.as_ref().and_then(|id| app.companies.get(id)).cloned();
    let fits = |person: &Person| {
        let values =
            [("name", Some(person.name())), ("email", Some(person.email.clone())), ("company_name", company(person))];
        let mut results = values.into_iter().filter_map(|(name, found)| {
            let wanted = request.parameter(name)?.to_lowercase();
            let found = found.unwrap_or_default().to_lowercase();
            Some(if partial { found.contains(&wanted) } else { found == wanted })
        });
        if all { results.all(|fits| fits) } else { results.any(|fits| fits) }
    };
    list(app, request, everyone(app, fits))
}

/// Checks what is to become a user.
fn fresh(app: &Acc, value: &Value) -> Result<Map<String, Value>, Answer> {
    let Value::Object(body) = value else { return Err(error(400, "a user must be an object")) };
    if let Some(other) = body.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        return Err(error(400, &format!("unknown field {other}")));
    }
    if let Some((field, _)) = body.iter().find(|(_, value)| !value.is_string() && !value.is_null()) {
        return Err(error(400, &format!("{field} must be text")));
    }
    let email = body.get("email").and_then(Value::as_str).unwrap_or_default();
    if !email.contains('@') {
        return Err(error(400, "email is required"));
    }
    if app.by_email.contains_key(&email.to_lowercase()) {
        return Err(error(409, "a user with this email exists in the account"));
    }
    let company = body.get("company_id").and_then(Value::as_str);
    if company.is_some_and(|id| !app.companies.contains_key(id)) {
        return Err(error(400, "unknown company"));
    }
    let role = body.get("default_role").and_then(Value::as_str);
    if role.is_some_and(|name| role_id(app, name).is_none()) {
        return Err(error(400, "unknown role"));
    }
    Ok(body.clone())
}

fn role_id(app: &Acc, name: &str) -> Option<String> {
    app.roles.iter().find(|(_, known)| *known == name).map(|(id, _)| id.clone())
}

/// Makes somebody a user, whom nobody invites yet.
fn insert(app: &mut Acc, mut body: Map<String, Value>) -> Value {
    let mut take = |field: &str| match body.shift_remove(field) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let email = take("email").unwrap_or_default();
    let (first, last, company, role) =
        (take("first_name"), take("last_name"), take("company_id"), take("default_role"));
    let id = app.insert(&email, None, "not_invited", None);
    let role = role.and_then(|name| role_id(app, &name));
    body.retain(|_, value| !value.is_null());
    if let Some(person) = app.people.get_mut(&id) {
        (person.first_name, person.last_name, person.company, person.default_role) = (first, last, company, role);
        person.extra = body;
    }
    app.people.get(&id).map(|person| show::person(app, person)).unwrap_or_default()
}

fn create(app: &mut Acc, request: &Request) -> Result<Answer, Answer> {
    let body = fresh(app, &body(request)?)?;
    Ok(Answer::json(201, insert(app, body)).having_effect())
}

fn import(app: &mut Acc, request: &Request) -> Result<Answer, Answer> {
    let Value::Array(users) = body(request)? else { return Err(error(400, "the body must be a list")) };
    if users.len() > LARGEST_IMPORT {
        return Err(error(400, &format!("at most {LARGEST_IMPORT} users can be imported at once")));
    }
    let (mut made, mut failed) = (Vec::new(), Vec::new());
    for user in users {
        match fresh(app, &user) {
            Ok(body) => made.push(insert(app, body)),
            Err(refused) => {
                let why = match refused.body {
                    crate::sandbox::app::Body::Json(why) => why["message"].clone(),
                    _ => Value::Null,
                };
                failed.push(json!({ "item": user, "error": why }));
            }
        }
    }
    let body =
        json!({ "success": made.len(), "failure": failed.len(), "success_items": made, "failure_items": failed });
    let answer = Answer::json(201, body);
    Ok(if made.is_empty() { answer } else { answer.having_effect() })
}

fn update(app: &mut Acc, request: &Request, id: &str) -> Result<Answer, Answer> {
    let known = app.person(id).ok_or_else(no_user)?.clone();
    let Value::Object(body) = body(request)? else { return Err(error(400, "the body must be an object")) };
    if let Some(other) = body.keys().find(|key| !["status", "company_id", "default_role"].contains(&key.as_str())) {
        return Err(error(400, &format!("{other} cannot be changed")));
    }
    let status = match body.get("status").map(|status| status.as_str().unwrap_or_default()) {
        None => None,
        Some(status @ ("active" | "inactive")) => match known.status.as_str() {
            "active" | "inactive" => Some(status),
            now => return Err(error(422, &format!("the status of a user who is {now} cannot be changed"))),
        },
        Some(_) => return Err(error(400, "status must be active or inactive")),
    };
    let company = body.get("company_id").map(|id| id.as_str().map(str::to_owned));
    if company.iter().flatten().any(|id| !app.companies.contains_key(id)) {
        return Err(error(400, "unknown company"));
    }
    let role = match body.get("default_role").map(Value::as_str) {
        None => None,
        Some(None) => Some(None),
        Some(Some(name)) => Some(Some(role_id(app, name).ok_or_else(|| error(400, "unknown role"))?)),
    };
    let changed = status.is_some_and(|status| status != known.status)
        || company.as_ref().is_some_and(|company| *company != known.company)
        || role.as_ref().is_some_and(|role| *role != known.default_role);
    let now = app.now;
    if let Some(person) = app.people.get_mut(&known.id).filter(|_| changed) {
        person.company = company.unwrap_or(person.company.take());
        person.default_role = role.unwrap_or(person.default_role.take());
        person.updated_at = now;
    }
    if let Some(status) = status {
        app.set_status(&known.id, status);
    }
    let person = app.people.get(&known.id).ok_or_else(no_user)?;
    let answer = Answer::json(200, show::person(app, person));
    Ok(if changed { answer.having_effect() } else { answer })
}

fn body(request: &Request) -> Result<Value, Answer> {
    if !request.is_of_type("application/json") {
        return Err(error(400, "the body must be application/json"));
    }
    serde_json::from_slice(&request.body).map_err(|_| error(400, "the body must be JSON"))
}

/// A refusal of `hq`, whose errors look otherwise than those of `construction/admin`.
pub(super) fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, json!({ "code": 1000 + u32::from(status), "message": message }))
}

fn no_user() -> Answer {
    error(404, "user not found")
}

fn no_path(request: &Request) -> Answer {
    error(404, &format!("there is no {}", request.path))
}
