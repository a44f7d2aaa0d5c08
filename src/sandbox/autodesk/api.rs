//! The API's paths, bodies and refusals.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Account, Autodesk, Fresh, Role, Status, TEAM_ROLES};
use crate::sandbox::{
    app::{Answer, Request},
    email::is_email,
};

/// Rows on a page where no limit is given, and the most a page holds.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 100;

/// What reading an account by its id shows.
pub(super) const WHOLE: [&str; 8] =
    ["id", "email", "firstName", "lastName", "status", "role", "createdAt", "lastLogin"];

pub(super) fn answer(app: &mut Autodesk, request: &Request, scopes: &BTreeSet<String>) -> Answer {
    dispatch(app, request, scopes).unwrap_or_else(|refused| refused)
}

fn dispatch(app: &mut Autodesk, request: &Request, scopes: &BTreeSet<String>) -> Result<Answer, Answer> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let need = |scope: &str| if scopes.contains(scope) { Ok(()) } else { Err(forbidden(scope)) };
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["users"]) => need("user:read").and_then(|()| list(app, request)),
        ("POST", ["users"]) => need("user:write").and_then(|()| create(app, request)),
        (_, ["users"]) => Err(wrong_method("GET, POST")),
        ("GET", ["users", id]) => need("user:read").and_then(|()| read(app, id)),
        ("PATCH", ["users", id]) => need("user:write").and_then(|()| update(app, request, id)),
        ("DELETE", ["users", id]) => need("user:write").and_then(|()| delete(app, id)),
        (_, ["users", _]) => Err(wrong_method("GET, PATCH, DELETE")),
        ("GET", ["users", id, "teams"]) => {
            let offered = app.scopes.iter().any(|scope| scope == "organization:read");
            need(if offered { "organization:read" } else { "user:read" }).and_then(|()| teams(app, id))
        }
        ("POST", ["users", id, "teams"]) => need("user:write").and_then(|()| assign(app, request, id)),
        (_, ["users", _, "teams"]) => Err(wrong_method("GET, POST")),
        _ => Err(error(404, "NOT_FOUND", &format!("There is no {}.", request.path))),
    }
}

fn list(app: &Autodesk, request: &Request) -> Result<Answer, Answer> {
    let number = |name: &str, default: usize| match request.parameter(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| invalid(&format!("{name} must be a whole number, not `{text}`."))),
    };
    let limit = number("limit", PAGE)?.min(LARGEST_PAGE);
    if limit == 0 {
        return Err(invalid("limit must be at least 1."));
    }
    let offset = number("offset", 0)?;
    let page = app.order.iter().skip(offset).take(limit).filter_map(|id| app.accounts.get(id));
    let rows: Vec<Value> = page.map(|account| show(account, &["id", "email", "firstName", "status"])).collect();
    let pagination = json!({ "total": app.order.len(), "limit": limit, "offset": offset });
    Ok(Answer::json(200, json!({ "data": rows, "pagination": pagination })))
}

fn read(app: &Autodesk, id: &str) -> Result<Answer, Answer> {
    let account = app.accounts.get(id).ok_or_else(no_user)?;
    Ok(Answer::json(200, whole(account)))
}

/// An account as reading it by its id shows it: all that is modelled, and whatever else the side door gave it.
pub(super) fn whole(account: &Account) -> Value {
    let mut all = show(account, &WHOLE);
    if let Value::Object(all) = &mut all {
        all.extend(account.extra.clone());
    }
    all
}

fn create(app: &mut Autodesk, request: &Request) -> Result<Answer, Answer> {
    let body = object(request, &["email", "firstName", "lastName", "role", "status"])?;
    let email = text(&body, "email")?.ok_or_else(|| invalid("email is required."))?;
    if !is_email(&email) {
        return Err(invalid(&format!("`{email}` is not an email address.")));
    }
    if text(&body, "status")?.is_some_and(|status| status != Status::Pending.word()) {
        return Err(invalid("A new user is pending until the invitation is accepted."));
    }
    let role = role(&body)?.unwrap_or(Role::User);
    let (first_name, last_name) = (text(&body, "firstName")?, text(&body, "lastName")?);
    if app.by_email.contains_key(&email.to_lowercase()) {
        return Err(error(409, "USER_EXISTS", "A user with this email exists in the organization."));
    }
    *app.invited.entry(email.to_lowercase()).or_default() += 1;
    let (created_at, status) = (app.now, Status::Pending);
    let id = app.insert(Fresh { email, first_name, last_name, status, role, created_at, last_login: None });
    let account = app.accounts.get(&id).ok_or_else(no_user)?;
    Ok(Answer::json(201, show(account, &["id", "email", "firstName", "status", "createdAt"])).having_effect())
}

fn update(app: &mut Autodesk, request: &Request, id: &str) -> Result<Answer, Answer> {
    let known = app.accounts.get(id).ok_or_else(no_user)?.status;
    let body = object(request, &["email", "firstName", "lastName", "role", "status"])?;
    if body.contains_key("email") {
        return Err(invalid("The email cannot be changed by PATCH."));
    }
    if body.is_empty() {
        return Err(invalid("Nothing to change was given."));
    }
    let role = role(&body)?;
    let (first_name, last_name) = (text(&body, "firstName")?, text(&body, "lastName")?);
    let status = match text(&body, "status")? {
        None => None,
        Some(word) => match (Status::parse(&word), known) {
            (Some(Status::Inactive), _) => Some(Status::Inactive),
            (Some(Status::Active), Status::Active) => None,
            (Some(Status::Active), Status::Pending) => {
                return Err(error(409, "INVITATION_OPEN", "The user has not accepted the invitation yet."));
            }
            (Some(Status::Active), Status::Inactive) => {
                return Err(error(409, "USER_INACTIVE", "A deactivated user can only be restored by support."));
            }
            (Some(Status::Pending), _) => return Err(invalid("A user cannot be made pending.")),
            (None, _) => return Err(invalid(&format!("`{word}` is not a status."))),
        },
    };
    let account = app.accounts.get_mut(id).ok_or_else(no_user)?;
    let before = (account.first_name.clone(), account.last_name.clone(), account.role, account.status);
    // Null clears a name; a name that is not given stays.
    if body.contains_key("firstName") {
        account.first_name = first_name;
    }
    if body.contains_key("lastName") {
        account.last_name = last_name;
    }
    account.role = role.unwrap_or(account.role);
    if let Some(status) = status {
        app.set_status(id, status);
    }
    let account = app.accounts.get(id).ok_or_else(no_user)?;
    let changed = before != (account.first_name.clone(), account.last_name.clone(), account.role, account.status);
    let fields: &[&str] = match status {
        Some(_) => &["id", "status", "deactivatedAt"],
        None => &["id", "email", "firstName", "role", "status"],
    };
    let answer = Answer::json(200, show(account, fields));
    Ok(if changed { answer.having_effect() } else { answer })
}

fn delete(app: &mut Autodesk, id: &str) -> Result<Answer, Answer> {
    app.delete(id).ok_or_else(no_user)?;
    Ok(Answer::json(200, json!({ "success": true, "message": "User deleted" })).having_effect())
}

fn teams(app: &Autodesk, id: &str) -> Result<Answer, Answer> {
    let account = app.accounts.get(id).ok_or_else(no_user)?;
    let rows: Vec<Value> = account
        .memberships
        .iter()
        .map(|(team, role)| json!({ "id": team, "name": app.teams.get(team), "role": role }))
        .collect();
    Ok(Answer::json(200, json!({ "data": rows })))
}

fn assign(app: &mut Autodesk, request: &Request, id: &str) -> Result<Answer, Answer> {
    let now = app.now;
    let account = app.accounts.get_mut(id).ok_or_else(no_user)?;
    let body = object(request, &["teamId", "role"])?;
    let team = text(&body, "teamId")?.ok_or_else(|| invalid("teamId is required."))?;
    let role = text(&body, "role")?.ok_or_else(|| invalid("role is required."))?;
    if !app.teams.contains_key(&team) {
        return Err(error(404, "NOT_FOUND", "There is no such team."));
    }
    if !TEAM_ROLES.contains(&role.as_str()) {
        return Err(invalid(&format!("`{role}` is not a role in this team.")));
    }
    match account.status {
        Status::Active => {}
        Status::Pending => {
            return Err(error(409, "INVITATION_OPEN", "A pending user cannot be assigned to teams."));
        }
        Status::Inactive => return Err(error(409, "USER_INACTIVE", "A deactivated user cannot be assigned to teams.")),
    }
    if account.memberships.iter().any(|(member_of, _)| *member_of == team) {
        return Err(error(409, "ALREADY_MEMBER", "The user is a member of this team."));
    }
    account.memberships.push((team.clone(), role.clone()));
    let echo = json!({ "userId": account.id, "teamId": team, "role": role, "assignedAt": now });
    Ok(Answer::json(201, echo).having_effect())
}

/// The named fields of an account; what it does not have is left out, not null.
fn show(account: &Account, fields: &[&str]) -> Value {
    let value = |field: &str| match field {
        "id" => Some(json!(account.id)),
        "email" => Some(json!(account.email)),
        "firstName" => account.first_name.as_ref().map(|name| json!(name)),
        "lastName" => account.last_name.as_ref().map(|name| json!(name)),
        "status" => Some(json!(account.status.word())),
        "role" => Some(json!(account.role.word())),
        "createdAt" => Some(json!(account.created_at)),
        "lastLogin" => account.last_login.map(|at| json!(at)),
        "deactivatedAt" => account.deactivated_at.map(|at| json!(at)),
        _ => None,
    };
    Value::Object(fields.iter().filter_map(|field| Some(((*field).to_owned(), value(field)?))).collect::<Map<_, _>>())
}

/// The body, which must be a JSON object with no other fields than these.
fn object(request: &Request, fields: &[&str]) -> Result<Map<String, Value>, Answer> {
    if !request.is_of_type("application/json") {
        return Err(error(415, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json."));
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(&request.body) else {
        return Err(invalid("The body must be a JSON object."));
    };
    match body.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(other) => Err(invalid(&format!("{other} cannot be written."))),
        None => Ok(body),
    }
}

/// A field that is text, null or not there.
fn text(body: &Map<String, Value>, field: &str) -> Result<Option<String>, Answer> {
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(invalid(&format!("{field} must be text."))),
    }
}

fn role(body: &Map<String, Value>) -> Result<Option<Role>, Answer> {
    let word = text(body, "role")?;
    word.map(|word| Role::parse(&word).ok_or_else(|| invalid(&format!("`{word}` is not a role.")))).transpose()
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, json!({ "errorCode": code, "developerMessage": message }))
}

fn invalid(message: &str) -> Answer {
    error(400, "INVALID_REQUEST", message)
}

fn no_user() -> Answer {
    error(404, "NOT_FOUND", "There is no such user.")
}

fn forbidden(scope: &str) -> Answer {
    error(403, "INSUFFICIENT_SCOPE", &format!("The token does not carry the scope {scope}."))
}

fn wrong_method(allowed: &str) -> Answer {
    error(405, "METHOD_NOT_ALLOWED", &format!("Allowed here: {allowed}.")).with("allow", allowed)
}
