//! The endpoints of users and groups.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{
    Kind, Resource, Scim, discovery, patch,
    query::{self, Asked},
    show::{self, Wanted, bad, error},
};
use crate::sandbox::app::{Answer, Body, Request};

pub(super) fn answer(app: &mut Scim, request: &Request) -> Answer {
    dispatch(app, request).unwrap_or_else(|refused| refused)
}

fn dispatch(app: &mut Scim, request: &Request) -> Result<Answer, Answer> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let kind = match segments.first() {
        Some(&"Users") => Kind::User,
        Some(&"Groups") => Kind::Group,
        Some(&("ServiceProviderConfig" | "ResourceTypes" | "Schemas")) if request.method == "GET" => {
            return discovery::answer(app, request, &segments);
        }
        Some(&("Me" | "Bulk")) => return Err(error(501, None, "This is not offered.")),
        _ => return Err(error(404, None, &format!("There is no {}.", request.path))),
    };
    match (request.method.as_str(), &segments[1..]) {
        ("GET", []) => query::list(app, request, kind, Asked::of_query(request)?),
        ("POST", [".search"]) => {
            let asked = Asked::of_body(&object(request)?)?;
            query::list(app, request, kind, asked)
        }
        ("POST", []) => create(app, request, kind),
        (_, [] | [".search"]) => Err(wrong_method("GET, POST")),
        ("GET", [id]) => read(app, request, kind, id),
        ("PUT", [_]) if kind == Kind::Group && app.quirks.has("no-group-put") => {
            Err(wrong_method("GET, PATCH, DELETE"))
        }
        ("PUT", [id]) => replace(app, request, kind, id),
        ("PATCH", [_]) if app.quirks.has("put-only") => Err(error(501, None, "PATCH is not supported.")),
        ("PATCH", [id]) => modify(app, request, kind, id),
        ("DELETE", [id]) => delete(app, request, kind, id),
        (_, [_]) => Err(wrong_method("GET, PUT, PATCH, DELETE")),
        _ => Err(error(404, None, &format!("There is no {}.", request.path))),
    }
}

fn create(app: &mut Scim, request: &Request, kind: Kind) -> Result<Answer, Answer> {
    let mut body = writable(kind, object(request)?)?;
    if kind == Kind::User {
        body.entry("active").or_insert(Value::Bool(true));
    }
    check(app, kind, &mut body)?;
    if let Some(name) = body.get("userName").and_then(Value::as_str).map(str::to_lowercase) {
        match app.by_name.get(&name).cloned() {
            Some(id) if app.quirks.has("create-adopts") => return Ok(shown(app, request, kind, &id, 200)),
            Some(_) => return Err(taken()),
            None if app.tombstones.contains(&name) => return Err(taken()),
            None => {}
        }
    }
    let id = app.insert(kind, None, body, app.now);
    let location = show::location(app, request, kind, &id);
    Ok(shown(app, request, kind, &id, 201).with("location", location).having_effect())
}

fn read(app: &Scim, request: &Request, kind: Kind, id: &str) -> Result<Answer, Answer> {
    let resource = found(app, kind, id)?;
    let known = request.header("if-none-match").map(|versions| versions.split(',').map(str::trim).collect::<Vec<_>>());
    if !app.quirks.has("no-etag") && known.is_some_and(|known| known.contains(&show::version(resource).as_str())) {
        let answer = Answer { status: 304, headers: Vec::new(), body: Body::Empty, effect: false };
        return Ok(answer.with("etag", show::version(resource)));
    }
    Ok(shown(app, request, kind, id, 200))
}

fn replace(app: &mut Scim, request: &Request, kind: Kind, id: &str) -> Result<Answer, Answer> {
    precondition(app, request, kind, id)?;
    let mut body = writable(kind, object(request)?)?;
    if kind == Kind::User {
        // What is missing is cleared, and nobody without `active` is active.
        body.entry("active").or_insert(Value::Bool(false));
    }
    check(app, kind, &mut body)?;
    name_is_free(app, kind, id, &body)?;
    let changed = app.set_body(kind, id, body);
    let answer = shown(app, request, kind, id, 200);
    Ok(if changed { answer.having_effect() } else { answer })
}

fn modify(app: &mut Scim, request: &Request, kind: Kind, id: &str) -> Result<Answer, Answer> {
    precondition(app, request, kind, id)?;
    let operations = object(request)?;
    let declared = operations.get("schemas").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !declared.iter().any(|schema| schema == "urn:ietf:params:scim:api:messages:2.0:PatchOp") {
        return Err(bad("invalidSyntax", "schemas must name the PatchOp message."));
    }
    let mut body = patch::apply(kind, &app.quirks, &found(app, kind, id)?.body, &operations)?;
    check(app, kind, &mut body)?;
    name_is_free(app, kind, id, &body)?;
    let changed = app.set_body(kind, id, body);
    let empty = |status| Answer { status, headers: Vec::new(), body: Body::Empty, effect: false };
    let answer = match (app.quirks.has("patch-empty-200"), kind, request.parameter("attributes")) {
        (true, _, _) => empty(200),
        (false, Kind::Group, None) => empty(204),
        _ => shown(app, request, kind, id, 200),
    };
    Ok(if changed { answer.having_effect() } else { answer })
}

fn delete(app: &mut Scim, request: &Request, kind: Kind, id: &str) -> Result<Answer, Answer> {
    precondition(app, request, kind, id)?;
    let answer = Answer { status: 204, headers: Vec::new(), body: Body::Empty, effect: false };
    if kind == Kind::User && app.quirks.has("delete-deactivates") {
        let mut body = found(app, kind, id)?.body.clone();
        body.insert("active".to_owned(), json!(false));
        let changed = app.set_body(kind, id, body);
        return Ok(if changed { answer.having_effect() } else { answer });
    }
    let gone = app.remove(kind, id).ok_or_else(unknown)?;
    if let (true, Some(name)) = (app.quirks.has("delete-keeps-name"), gone.text("userName")) {
        app.tombstones.insert(name.to_lowercase());
    }
    Ok(answer.having_effect())
}

/// The answer that shows a resource.
fn shown(app: &Scim, request: &Request, kind: Kind, id: &str, status: u16) -> Answer {
    let Ok(resource) = found(app, kind, id) else { return unknown() };
    let (only, without) = (request.parameter("attributes"), request.parameter("excludedAttributes"));
    let wanted = Wanted::new(only.as_deref(), without.as_deref());
    let body = show::resource(app, request, kind, resource, &show::groups_of(app), &wanted, false);
    let answer = Answer::json(status, body);
    if app.quirks.has("no-etag") { answer } else { answer.with("etag", show::version(resource)) }
}

fn found<'a>(app: &'a Scim, kind: Kind, id: &str) -> Result<&'a Resource, Answer> {
    app.all(kind).by_id.get(id).ok_or_else(unknown)
}

/// That the resource exists, in the version the client means.
fn precondition(app: &Scim, request: &Request, kind: Kind, id: &str) -> Result<(), Answer> {
    let resource = found(app, kind, id)?;
    let Some(wanted) = request.header("if-match").filter(|_| !app.quirks.has("no-etag")) else { return Ok(()) };
    let version = show::version(resource);
    match wanted.split(',').map(str::trim).any(|wanted| wanted == "*" || wanted == version) {
        true => Ok(()),
        false => Err(error(412, None, &format!("The resource has changed; its version is {version}."))),
    }
}

/// The body, which must be a JSON object of a known media type.
fn object(request: &Request) -> Result<Map<String, Value>, Answer> {
    if !request.is_of_type("application/scim+json") && !request.is_of_type("application/json") {
        return Err(error(415, None, "The body must be application/scim+json."));
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) => Ok(body),
        _ => Err(bad("invalidSyntax", "The body must be a JSON object.")),
    }
}

/// What of a body a client may write, under the names the schemas give it. Null and unassigned are the same.
fn writable(kind: Kind, body: Map<String, Value>) -> Result<Map<String, Value>, Answer> {
    let body: Map<String, Value> = body.into_iter().map(|(name, value)| (patch::spelling(&name), value)).collect();
    let declared = body.get("schemas").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !declared.iter().any(|schema| schema == kind.schema()) {
        return Err(bad("invalidSyntax", &format!("schemas must name {}.", kind.schema())));
    }
    let kept = body.into_iter().filter(|(name, value)| !value.is_null() && !kind.read_only().contains(&name.as_str()));
    Ok(kept.collect())
}

/// Checks a body, and brings it into the form in which it is kept.
fn check(app: &Scim, kind: Kind, body: &mut Map<String, Value>) -> Result<(), Answer> {
    // Null, an empty list and nothing at all mean the same.
    body.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    let required = match kind {
        Kind::User => "userName",
        Kind::Group => "displayName",
    };
    let name = body.get(required).and_then(Value::as_str).unwrap_or_default();
    if name.trim().is_empty() {
        return Err(bad("invalidValue", &format!("{required} is required.")));
    }
    if kind == Kind::User {
        let active = match body.get("active") {
            None => false,
            Some(Value::Bool(active)) => *active,
            Some(Value::String(word)) if app.quirks.has("string-booleans") => word.eq_ignore_ascii_case("true"),
            Some(_) => return Err(bad("invalidValue", "active must be true or false.")),
        };
        body.insert("active".to_owned(), Value::Bool(active));
    }
    for (name, list) in body.iter().filter_map(|(name, value)| Some((name, value.as_array()?))) {
        if list.iter().filter(|element| element["primary"] == true).count() > 1 {
            return Err(bad("invalidValue", &format!("{name} has more than one primary value.")));
        }
    }
    if body.get("name").is_some_and(|name| !name.is_object()) {
        return Err(bad("invalidValue", "name must be an object."));
    }
    if body.get("emails").is_some_and(|emails| {
        emails.as_array().is_none_or(|emails| emails.iter().any(|email| !email["value"].is_string()))
    }) {
        return Err(bad("invalidValue", "emails must be a list of objects with a value."));
    }
    match body.get("members") {
        Some(members) if kind == Kind::Group => {
            let members = checked_members(app, members)?;
            body.insert("members".to_owned(), members);
        }
        _ => {}
    }
    Ok(())
}

/// Members once each, with their type; everyone must exist.
fn checked_members(app: &Scim, members: &Value) -> Result<Value, Answer> {
    let members = members.as_array().ok_or_else(|| bad("invalidValue", "members must be a list."))?;
    let (mut seen, mut kept) = (HashSet::new(), Vec::new());
    for member in members {
        let id = member["value"].as_str().ok_or_else(|| bad("invalidValue", "Every member needs a value."))?;
        let nested = app.quirks.has("nested-groups") && app.groups.by_id.contains_key(id);
        if !nested && !app.users.by_id.contains_key(id) {
            return Err(bad("invalidValue", &format!("There is no user `{id}` to be a member.")));
        }
        if seen.insert(id) {
            let kind = if nested { Kind::Group } else { Kind::User };
            kept.push(json!({ "value": id, "type": kind.name() }));
        }
    }
    Ok(Value::Array(kept))
}

fn name_is_free(app: &Scim, kind: Kind, id: &str, body: &Map<String, Value>) -> Result<(), Answer> {
    let Some(name) = body.get("userName").and_then(Value::as_str).filter(|_| kind == Kind::User) else {
        return Ok(());
    };
    let name = name.to_lowercase();
    match app.by_name.get(&name) {
        Some(owner) if owner != id => Err(taken()),
        None if app.tombstones.contains(&name) => Err(taken()),
        _ => Ok(()),
    }
}

fn taken() -> Answer {
    error(409, Some("uniqueness"), "A user with this userName exists.")
}

fn unknown() -> Answer {
    error(404, None, "There is no such resource.")
}

fn wrong_method(allowed: &str) -> Answer {
    error(405, None, &format!("Allowed here: {allowed}.")).with("allow", allowed)
}
