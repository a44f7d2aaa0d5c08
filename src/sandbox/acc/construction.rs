//! `construction/admin`: who may come in, and the members of a project.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    ACC_ACCOUNT, Acc, Event, Joining, Member, account,
    common::{acts_for_an_admin, keys, no_user, texts},
    page::{self, Compared, error, filtered, list, object, page, sorted, text},
    products, show,
};
use crate::sandbox::{
    app::{Answer, Body, Request},
    clock,
};

/// The most people in one import.
const LARGEST_IMPORT: usize = 200;

/// An import loses every one of so many people, where it loses any.
const DROPPED: u64 = 7;

/// Regions that exist.
pub(super) const REGIONS: [&str; 8] = ["US", "EMEA", "AUS", "CAN", "DEU", "IND", "JPN", "GBR"];

/// Answers a request whose path has lost its `/construction/admin`.
pub(super) fn answer(
    app: &mut Acc,
    request: &Request,
    scopes: &BTreeSet<String>,
    path: &[&str],
) -> Result<Answer, Answer> {
    let reading = request.method == "GET";
    let scope = if reading { "account:read" } else { "account:write" };
    if !scopes.contains(scope) {
        return Err(error(403, &format!("The token does not carry the scope {scope}.")));
    }
    right_region(app, request)?;
    if !reading {
        acts_for_an_admin(app, request)?;
    }
    match (request.method.as_str(), path) {
        ("GET", ["v1", "accounts", account, rest @ ..]) => {
            if *account != ACC_ACCOUNT {
                return Err(error(404, "There is no such account."));
            }
            account::answer(app, request, rest)
        }
        (_, ["v1", "accounts", ..]) => Err(wrong_method("GET")),
        ("GET", ["v1", "projects", id]) => {
            alive(app, id)?;
            Ok(Answer::json(200, show::project(app, id, &app.projects[*id])))
        }
        (method, ["v1", "projects", id, "users"]) => {
            alive(app, id)?;
            match method {
                "GET" => members(app, request, id),
                "POST" => add(app, request, id),
                _ => Err(wrong_method("GET, POST")),
            }
        }
        (method, ["v1", "projects", id, "users", user]) => {
            alive(app, id)?;
            match method {
                "GET" => read(app, id, user),
                "PATCH" => update(app, request, id, user),
                "DELETE" => remove(app, id, user),
                _ => Err(wrong_method("GET, PATCH, DELETE")),
            }
        }
        ("POST", ["v2", "projects", id, "users:import"]) => {
            alive(app, id)?;
            import(app, request, id)
        }
        (_, ["v2", "projects", _, "users:import"]) => Err(wrong_method("POST")),
        _ => Err(error(404, &format!("There is no {}.", request.path))),
    }
}

fn right_region(app: &Acc, request: &Request) -> Result<(), Answer> {
    let region = match request.header("region") {
        Some(region) if !REGIONS.contains(&region) => return Err(error(400, &format!("There is no region {region}."))),
        Some(region) => region,
        None if app.quirks.has("region-required") => "US",
        // Routed by itself.
        None => return Ok(()),
    };
    if region == app.region { Ok(()) } else { Err(error(404, "There is no such account in this region.")) }
}

/// That a project exists and is not gone.
fn alive(app: &Acc, id: &str) -> Result<(), Answer> {
    if !app.projects.contains_key(id) {
        return Err(error(404, "There is no such project."));
    }
    if app.quirks.has("gone-project") && app.highest_project(id) {
        return Err(error(410, "Access to the project is no longer available."));
    }
    Ok(())
}

/// That a project's members can be changed.
fn writable(app: &Acc, id: &str) -> Result<(), Answer> {
    let (platform, status) = app.nature(id).ok_or_else(|| error(404, "There is no such project."))?;
    if platform == "bim360" {
        return Err(error(403, "This endpoint is not compatible with BIM 360 projects."));
    }
    if status != "active" {
        return Err(error(403, &format!("The project is {status}.")));
    }
    if app.quirks.has("project-not-ready") && app.highest_project(id) {
        return Err(error(412, "The project's products are not active yet."));
    }
    Ok(())
}

fn member_filters() -> Vec<(&'static str, Compared)> {
    fn levels(row: &Value) -> Vec<String> {
        let levels = row["accessLevels"].as_object().into_iter().flatten();
        levels.filter(|(_, has)| **has == true).map(|(level, _)| level.clone()).collect()
    }
    vec![
        ("name", Compared::Text("name")),
        ("email", Compared::Text("email")),
        ("companyName", Compared::Text("companyName")),
        ("status", Compared::OneOf(|row| texts(&row["status"]))),
        ("id", Compared::OneOf(|row| texts(&row["id"]))),
        ("autodeskId", Compared::OneOf(|row| texts(&row["autodeskId"]))),
        ("companyId", Compared::OneOf(|row| texts(&row["companyId"]))),
        ("roleId", Compared::OneOf(|row| texts(&row["roleIds"]))),
        ("roleIds", Compared::OneOf(|row| texts(&row["roleIds"]))),
        ("products", Compared::OneOf(|row| keys(&row["products"], |product| product["access"] != "none"))),
        ("accessLevels", Compared::OneOf(levels)),
    ]
}

fn members(app: &Acc, request: &Request, id: &str) -> Result<Answer, Answer> {
    let asked = list(request, "filter[status]");
    if let Some(wrong) =
        asked.iter().flatten().find(|status| !["active", "pending", "deleted"].contains(&status.as_str()))
    {
        return Err(error(400, &format!("Members cannot be listed by the status `{wrong}`.")));
    }
    let all = app.projects[id].members.iter().enumerate();
    let mut all: Vec<Value> = all.filter_map(|(at, member)| show::member(app, member, at)).collect();
    if asked.is_none() {
        // Without a word about it, a list hides who is disabled or was removed.
        all.retain(|row| row["status"] == "active" || row["status"] == "pending");
    }
    page(app, request, sorted(request, filtered(request, all, &member_filters())?, Some("name")))
}

/// A member's place, from the ACC id or the Autodesk id.
fn place(app: &Acc, id: &str, user: &str) -> Result<usize, Answer> {
    let person = app.person(user).ok_or_else(no_user)?;
    app.projects[id].members.iter().position(|member| member.person == person.id).ok_or_else(no_user)
}

fn read(app: &Acc, id: &str, user: &str) -> Result<Answer, Answer> {
    let at = place(app, id, user)?;
    show::member(app, &app.projects[id].members[at], at).map(|row| Answer::json(200, row)).ok_or_else(no_user)
}

/// The fields of a new member, in a POST of one or a row of an import.
fn joining(app: &Acc, id: &str, body: &Map<String, Value>) -> Result<Joining, Answer> {
    let email = text(body, "email")?.ok_or_else(|| error(400, "email is required."))?;
    if !email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.')) {
        return Err(error(400, &format!("`{email}` is not an email address.")));
    }
    let products = products::read(body.get("products"), None, &app.projects[id].products);
    Ok(Joining {
        email,
        first_name: text(body, "firstName")?,
        last_name: text(body, "lastName")?,
        company: company(app, body)?,
        roles: roles(app, body)?,
        products: products.map_err(|reason| error(400, &reason))?,
        quietly: false,
    })
}

fn company(app: &Acc, body: &Map<String, Value>) -> Result<Option<String>, Answer> {
    let company = text(body, "companyId")?;
    match company.as_ref().filter(|id| !app.companies.contains_key(*id)) {
        Some(unknown) => Err(error(400, &format!("There is no company {unknown}."))),
        None => Ok(company),
    }
}

fn roles(app: &Acc, body: &Map<String, Value>) -> Result<Vec<String>, Answer> {
    let ids = match body.get("roleIds") {
        None | Some(Value::Null) => Vec::new(),
        Some(list @ Value::Array(_)) => texts(list),
        Some(_) => return Err(error(400, "roleIds must be a list.")),
    };
    match ids.iter().find(|id| !app.knows_role(id)) {
        Some(unknown) => Err(error(400, &format!("There is no role {unknown}."))),
        None => Ok(ids),
    }
}

fn quietly(body: &Map<String, Value>) -> Result<bool, Answer> {
    match body.get("suppressAdministrativeEmails") {
        None => Ok(false),
        Some(Value::Bool(quietly)) => Ok(*quietly),
        Some(_) => Err(error(400, "suppressAdministrativeEmails must be true or false.")),
    }
}

fn add(app: &mut Acc, request: &Request, id: &str) -> Result<Answer, Answer> {
    let body = page::body(request)?;
    writable(app, id)?;
    let fields = ["email", "products", "companyId", "roleIds", "suppressAdministrativeEmails"];
    let body = object(&body, &fields)?;
    let joining = Joining { quietly: quietly(&body)?, ..joining(app, id, &body)? };
    let person = app.join(id, joining).ok_or_else(|| error(409, "The user is a member of this project."))?;
    let Body::Json(mut row) = read(app, id, &person)?.body else { return Err(no_user()) };
    app.counted += 1;
    row["jobId"] = json!(app.chance.uuid("job", &app.counted.to_string()));
    Ok(Answer::json(201, row).having_effect())
}

fn import(app: &mut Acc, request: &Request, id: &str) -> Result<Answer, Answer> {
    let body = page::body(request)?;
    writable(app, id)?;
    let body = object(&body, &["users", "suppressAdministrativeEmails"])?;
    let quietly = quietly(&body)?;
    let users = body.get("users").and_then(Value::as_array).filter(|users| !users.is_empty());
    let users = users.ok_or_else(|| error(400, "users must be a list that is not empty."))?;
    if users.len() > LARGEST_IMPORT {
        return Err(error(400, &format!("At most {LARGEST_IMPORT} users can be imported at once.")));
    }
    let fields = ["email", "firstName", "lastName", "userId", "companyId", "roleIds", "products"];
    let mut people = Vec::new();
    let mut seen = BTreeSet::new();
    for user in users {
        let joining = Joining { quietly, ..joining(app, id, &object(user, &fields)?)? };
        if !seen.insert(joining.email.to_lowercase()) {
            return Err(error(400, &format!("{} is named twice.", joining.email)));
        }
        people.push(joining);
    }
    let drops = app.quirks.has("import-drops");
    people.retain(|_| {
        app.imported += 1;
        !(drops && app.imported.is_multiple_of(DROPPED))
    });
    // An import that is due beyond the calendar never happens, and neither does one that is never to happen.
    if let Some(at) = clock::later(app.now, app.import_delay).filter(|_| !app.quirks.has("import-never")) {
        app.schedule(at, Event::Import(id.to_owned(), people));
    }
    app.counted += 1;
    let job = app.chance.uuid("job", &app.counted.to_string());
    Ok(Answer::json(202, json!({ "jobId": job })).having_effect())
}

fn update(app: &mut Acc, request: &Request, id: &str, user: &str) -> Result<Answer, Answer> {
    let body = page::body(request)?;
    writable(app, id)?;
    let at = place(app, id, user)?;
    let body = object(&body, &["companyId", "roleIds", "products"])?;
    if app.projects[id].members[at].status == "deleted" {
        return Err(no_user());
    }
    let before = app.projects[id].members[at].clone();
    let products = products::read(body.get("products"), Some(&before.products), &app.projects[id].products);
    let mut after = Member { products: products.map_err(|reason| error(400, &reason))?, ..before.clone() };
    if body.contains_key("companyId") {
        after.company = company(app, &body)?;
    }
    if body.contains_key("roleIds") {
        after.roles = roles(app, &body)?;
    }
    let same = |a: &Member, b: &Member| (&a.products, &a.company, &a.roles) == (&b.products, &b.company, &b.roles);
    let changed = !same(&before, &after);
    if changed {
        after.updated_at = app.now;
    }
    let row = show::member(app, &after, at).ok_or_else(no_user)?;
    if let Some(project) = app.projects.get_mut(id) {
        project.members[at] = after;
    }
    // The id and what was written, no more.
    let told = |field: &String| field == "id" || body.contains_key(field);
    let row: Map<String, Value> = row
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(field, _)| told(field))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let answer = Answer::json(if app.quirks.has("patch-201") { 201 } else { 200 }, Value::Object(row));
    Ok(if changed { answer.having_effect() } else { answer })
}

fn remove(app: &mut Acc, id: &str, user: &str) -> Result<Answer, Answer> {
    writable(app, id)?;
    let (at, now) = (place(app, id, user)?, app.now);
    let member = app.projects.get_mut(id).and_then(|project| project.members.get_mut(at));
    let member = member.filter(|member| member.status != "deleted").ok_or_else(no_user)?;
    member.status = "deleted";
    member.updated_at = now;
    Ok(Answer { status: 204, headers: Vec::new(), body: Body::Empty, effect: true })
}

fn wrong_method(allowed: &str) -> Answer {
    error(405, &format!("Allowed here: {allowed}.")).with("allow", allowed)
}
