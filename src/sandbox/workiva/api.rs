//! The API's paths, bodies and refusals.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    ALL_USERS, Workiva,
    pages::{End, Page},
};
use crate::sandbox::{
    app::{Answer, Body, Request},
    email::is_email,
    roster::{Refusal, Server, User, object, wrong_method},
};

/// What a row of the user list holds.
const ROW: [&str; 4] = ["id", "email", "firstName", "active"];
const ROW_WITH_ROLES: [&str; 5] = ["id", "email", "firstName", "active", "roles"];
/// What a client may write.
const WRITABLE: [&str; 6] = ["email", "firstName", "lastName", "displayName", "active", "roles"];
/// What it may not.
const FIXED: [&str; 4] = ["id", "createdAt", "updatedAt", "workspaceId"];

pub(super) fn route(app: &mut Workiva, request: &Request, scopes: &BTreeSet<String>) -> Result<Answer, Refusal> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let nowhere = || Refusal::new(404, format!("There is no {}.", request.path));
    let ["platform", "v1", path @ ..] = segments.as_slice() else { return Err(nowhere()) };
    let need = |scope: &str| match scopes.contains(scope) {
        true => Ok(()),
        false => Err(Refusal::new(403, format!("The token does not carry the scope {scope}."))),
    };
    let (read_users, write_users) = (|| need("iam:users:read"), || need("iam:users:write"));
    let (read_groups, write_groups) = (|| need("iam:groups:read"), || need("iam:groups:write"));
    match (request.method.as_str(), path) {
        ("GET", ["users"]) => read_users().and_then(|()| list_users(app, request)),
        ("POST", ["users"]) => write_users().and_then(|()| create(app, request)),
        (_, ["users"]) => Err(wrong_method("GET, POST")),
        ("GET", ["users", id]) => {
            read_users()?;
            Ok(Answer::json(200, Value::Object(known(app, id)?.raw.clone())))
        }
        ("PATCH", ["users", id]) => write_users().and_then(|()| update(app, request, id)),
        ("DELETE", ["users", id]) => {
            write_users()?;
            app.roster.remove(id).ok_or_else(|| Refusal::nothing("user in this workspace"))?;
            Ok(no_content().having_effect())
        }
        (_, ["users", _]) => Err(wrong_method("GET, PATCH, DELETE")),
        ("GET", ["roles"]) => read_users().and_then(|()| list_roles(app, request)),
        (_, ["roles"]) => Err(wrong_method("GET")),
        ("GET", ["groups"]) => read_groups().and_then(|()| list_groups(app, request)),
        ("POST", ["groups"]) => {
            write_groups()?;
            let id = app.roster.add_group(group_name(request)?, String::new());
            Ok(Answer::json(201, show_group(app, &id)?).having_effect())
        }
        (_, ["groups"]) => Err(wrong_method("GET, POST")),
        ("GET", ["groups", id]) => read_groups().and_then(|()| Ok(Answer::json(200, show_group(app, id)?))),
        ("PATCH", ["groups", id]) => write_groups().and_then(|()| rename(app, request, id)),
        (_, ["groups", _]) => Err(wrong_method("GET, PATCH")),
        ("GET", ["groups", id, "members"]) => read_groups().and_then(|()| list_members(app, request, id)),
        ("POST", ["groups", id, "members"]) => write_groups().and_then(|()| add_member(app, request, id)),
        (_, ["groups", _, "members"]) => Err(wrong_method("GET, POST")),
        ("DELETE", ["groups", group, "members", user]) => {
            write_groups()?;
            check_writable(app, group)?;
            if !app.roster.leave(user, group) {
                return Err(Refusal::nothing("member"));
            }
            Ok(no_content().having_effect())
        }
        (_, ["groups", _, "members", _]) => Err(wrong_method("DELETE")),
        _ => Err(nowhere()),
    }
}

fn no_content() -> Answer {
    Answer { body: Body::Empty, ..Answer::json(204, Value::Null) }
}

fn known<'a>(app: &'a Workiva, id: &str) -> Result<&'a User, Refusal> {
    app.roster.user(id).ok_or_else(|| Refusal::nothing("user in this workspace"))
}

fn list_users(app: &mut Workiva, request: &Request) -> Result<Answer, Refusal> {
    let page = app.pages.open(request, &app.quirks, app.roster.now)?;
    let wanted = request.parameter("email").map(|email| email.to_lowercase());
    let fits = |user: &&User| match &wanted {
        None => true,
        Some(_) if app.quirks.has("email-ignored") => true,
        Some(wanted) if app.quirks.has("email-contains") => user.email().to_lowercase().contains(wanted),
        Some(wanted) => user.email().to_lowercase() == *wanted,
    };
    let show = |user: &User| match () {
        () if app.quirks.has("whole-rows") => Value::Object(user.raw.clone()),
        () if app.quirks.has("roles-in-list") => user.show(&ROW_WITH_ROLES),
        () => user.show(&ROW),
    };
    let rows = app.roster.users_after(page.after).filter(fits).take(page.wanted());
    let rows = rows.map(|user| (user.number, show(user))).collect();
    Ok(close(app, page, rows, End::Absent))
}

fn close(app: &mut Workiva, page: Page, rows: Vec<(u64, Value)>, end: End) -> Answer {
    app.pages.close(page, rows, end, &app.quirks, app.roster.now)
}

/// A page of rows that have no numbers of their own: they are numbered by their places, so that a row that goes moves
/// the later ones, as it does at most vendors.
fn by_place(app: &mut Workiva, request: &Request, rows: Vec<Value>, end: End) -> Result<Answer, Refusal> {
    let page = app.pages.open(request, &app.quirks, app.roster.now)?;
    let numbered = (1..).zip(rows).skip_while(|(number, _)| *number <= page.after).take(page.wanted()).collect();
    Ok(close(app, page, numbered, end))
}

fn list_roles(app: &mut Workiva, request: &Request) -> Result<Answer, Refusal> {
    let rows = app.roles.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
    by_place(app, request, rows, End::Null)
}

fn list_groups(app: &mut Workiva, request: &Request) -> Result<Answer, Refusal> {
    let built_in = app.quirks.has("all-users-group").then(|| ALL_USERS.0.to_owned());
    let ids: Vec<String> = app.roster.groups().map(|(id, _)| id.clone()).chain(built_in).collect();
    let rows = ids.iter().map(|id| show_group(app, id)).collect::<Result<_, _>>()?;
    by_place(app, request, rows, End::Null)
}

fn is_all_users(app: &Workiva, group: &str) -> bool {
    app.quirks.has("all-users-group") && group == ALL_USERS.0
}

fn show_group(app: &Workiva, id: &str) -> Result<Value, Refusal> {
    let (name, members) = match app.roster.group(id) {
        Some(group) => (group.name.as_str(), group.members().len()),
        None if is_all_users(app, id) => (ALL_USERS.1, app.roster.users().count()),
        None => return Err(Refusal::nothing("group")),
    };
    let count = if app.quirks.has("wrong-member-count") { 0 } else { members };
    Ok(json!({ "id": id, "name": name, "memberCount": count }))
}

fn list_members(app: &mut Workiva, request: &Request, group: &str) -> Result<Answer, Refusal> {
    let row = |user: &User| json!({ "userId": user.id, "email": user.email() });
    let rows = match app.roster.group(group) {
        Some(group) => group.members().iter().filter_map(|id| app.roster.user(id)).map(row).collect(),
        None if is_all_users(app, group) => app.roster.users().map(row).collect(),
        None => return Err(Refusal::nothing("group")),
    };
    by_place(app, request, rows, End::Empty)
}

/// Refuses to change what is not there or built in.
fn check_writable(app: &Workiva, group: &str) -> Result<(), Refusal> {
    if is_all_users(app, group) {
        return Err(Refusal::invalid("The members of a built-in group cannot be changed."));
    }
    app.roster.group(group).map(drop).ok_or_else(|| Refusal::nothing("group"))
}

fn group_name(request: &Request) -> Result<String, Refusal> {
    let body = object(request)?;
    match (body.get("name").and_then(Value::as_str), body.len()) {
        (Some(name), 1) if !name.trim().is_empty() => Ok(name.to_owned()),
        _ => Err(Refusal::invalid("The body must hold a name and nothing else.")),
    }
}

fn rename(app: &mut Workiva, request: &Request, group: &str) -> Result<Answer, Refusal> {
    check_writable(app, group)?;
    let name = group_name(request)?;
    let changed = app.roster.group(group).is_some_and(|group| group.name != name);
    app.roster.put_group(group, name, None);
    let answer = Answer::json(200, show_group(app, group)?);
    Ok(if changed { answer.having_effect() } else { answer })
}

fn add_member(app: &mut Workiva, request: &Request, group: &str) -> Result<Answer, Refusal> {
    check_writable(app, group)?;
    let body = object(request)?;
    let user = match (body.get("userId").and_then(Value::as_str), body.len()) {
        (Some(user), 1) => user.to_owned(),
        _ => return Err(Refusal::invalid("The body must hold a userId and nothing else.")),
    };
    known(app, &user)?;
    if !app.roster.join(&user, group) {
        return Err(Refusal::new(409, "The user is a member of this group."));
    }
    Ok(Answer::json(201, json!({ "groupId": group, "userId": user })).having_effect())
}

fn create(app: &mut Workiva, request: &Request) -> Result<Answer, Refusal> {
    let body = object(request)?;
    check_fields(app, &body, None)?;
    let text = |field: &str| match body.get(field).and_then(Value::as_str) {
        Some(text) => Ok(text),
        None => Err(Refusal::invalid(format!("{field} is required."))),
    };
    let now = app.roster.now;
    let mut raw = app.fresh(text("email")?, text("firstName")?, text("lastName")?, now);
    raw.extend(body);
    let id = app.roster.add(raw, now);
    Ok(Answer::json(201, Value::Object(known(app, &id)?.raw.clone())).having_effect())
}

fn update(app: &mut Workiva, request: &Request, id: &str) -> Result<Answer, Refusal> {
    let before = known(app, id)?.raw.clone();
    let body = object(request)?;
    check_fields(app, &body, Some(id))?;
    if body.is_empty() {
        return Err(Refusal::invalid("Nothing to change was given."));
    }
    let mut after = before.clone();
    after.extend(body.clone());
    if before.get("displayName") == Some(&display_name(&before)) && !body.contains_key("displayName") {
        after.insert("displayName".to_owned(), display_name(&after));
    }
    let changed = after != before;
    if changed {
        after.insert("updatedAt".to_owned(), json!(app.roster.now));
        app.roster.set(id, after);
    }
    let told: Vec<&str> = ["id"].into_iter().chain(body.keys().map(String::as_str)).chain(["updatedAt"]).collect();
    let answer = Answer::json(200, known(app, id)?.show(&told));
    Ok(if changed { answer.having_effect() } else { answer })
}

/// What a user is called as long as nobody says otherwise.
fn display_name(raw: &Map<String, Value>) -> Value {
    let name = |field: &str| raw.get(field).and_then(Value::as_str).unwrap_or_default();
    json!(format!("{} {}", name("firstName"), name("lastName")))
}

/// Refuses fields that cannot be written and values that make no sense.
fn check_fields(app: &Workiva, body: &Map<String, Value>, owner: Option<&str>) -> Result<(), Refusal> {
    // What a user has beyond the guide can be written again.
    let extra = |field: &str| owner.and_then(|id| app.roster.user(id)).is_some_and(|user| user.raw.contains_key(field));
    for (field, value) in body {
        let expected = match (field.as_str(), value) {
            ("firstName" | "lastName" | "displayName", Value::String(text)) if !text.trim().is_empty() => continue,
            ("firstName" | "lastName" | "displayName", _) => "text that is not empty",
            ("active", Value::Bool(_)) => continue,
            ("active", _) => "true or false",
            ("email", Value::String(text)) if is_email(text) => continue,
            ("email", _) => "an email address",
            ("roles", Value::Array(roles)) => match roles.iter().find(|role| !is_role(app, role)) {
                None => continue,
                Some(other) => return Err(Refusal::invalid(format!("{other} is no role of this workspace."))),
            },
            ("roles", _) => "a list of role ids",
            (fixed, _) if FIXED.contains(&fixed) => {
                return Err(Refusal::invalid(format!("{fixed} cannot be written.")));
            }
            (other, _) if extra(other) => continue,
            (other, _) => {
                let known = WRITABLE.join(", ");
                return Err(Refusal::invalid(format!("{other} is unknown; what can be written is {known}.")));
            }
        };
        return Err(Refusal::invalid(format!("{field} must be {expected}.")));
    }
    match body.get("email").and_then(Value::as_str).and_then(|email| app.roster.owner_of(email)) {
        Some(other) if Some(other) != owner => {
            Err(Refusal::new(409, "The request conflicts with another: a user with this email exists."))
        }
        _ => Ok(()),
    }
}

fn is_role(app: &Workiva, role: &Value) -> bool {
    app.roles.iter().any(|(id, _)| Some(id.as_str()) == role.as_str())
}
