//! The dialect of the guide: `/api/v3`, lists in pages, DELETE that deactivates.

use serde_json::{Map, Value, json};

use super::{Alteryx, Dialect, example, users};
use crate::sandbox::{
    app::{Answer, Request},
    quirks::{Quirk, quirk},
    roster::{Refusal, User, number, object, wrong_method},
};

pub(super) const QUIRKS: &[Quirk] = &[
    quirk("no-group-detail", "reading a single user group is answered with 404, so that members cannot be read"),
    quirk("no-member-removal", "removing a member is answered with 405"),
    quirk("no-group-changes", "creating, changing and deleting user groups is answered with 405"),
    quirk("duplicate-400", "an email that is taken is answered with 400 instead of 409"),
    quirk("page-ignored", "every page is the first"),
    quirk("unpaged", "every page holds all rows, whatever its size was to be"),
    quirk("truncated-list", "lists end after their first page"),
    quirk("count-is-total", "`count` is the number of all rows instead of those on the page"),
    quirk("count-lies", "`count` is more than there are rows"),
    quirk("search-exact", "`search` finds whole email addresses only"),
    quirk("search-ignored", "`search` finds everyone"),
    quirk("inactive-unlisted", "lists and searches leave inactive users out"),
    quirk("inactive-not-found", "reading or replacing an inactive user is answered with 404"),
];

/// Rows on a page where no size is given, and the most a page holds.
const PAGE: usize = 25;
const LARGEST_PAGE: usize = 100;

const FIELDS: &[users::Field] = &{
    let [first, last, email, role] = users::NAMES;
    [
        first,
        last,
        email,
        role,
        users::active(false),
        users::text("defaultWorkerTag", false),
        users::flag("canScheduleJobs", false),
        users::flag("canPrioritizeJobs", false),
        users::flag("canAssignJobWorkers", false),
        users::text("credentialId", false),
        // The guide does not know the rest; a server has them all the same.
        users::flag("canCreateCollections", false),
        users::text("timeZone", false),
        users::text("customTag", false),
    ]
};

pub(super) static DIALECT: Dialect = Dialect {
    token_path: "/oauth2/token",
    fields: FIELDS,
    fixed: &["id", "dateAdded", "dateUpdated"],
    created: "dateAdded",
    updated: Some("dateUpdated"),
    roles: &["NoAccess", "Viewer", "Member", "Creator", "Admin", "ServerAdmin"],
    default_role: None,
    server_admin: "ServerAdmin",
    group_role: "Member",
    route,
    groups: example::GUIDE_GROUPS,
    example: example::GUIDE,
    extras: example::GUIDE_EXTRAS,
};

fn route(app: &mut Alteryx, request: &Request) -> Result<Answer, Refusal> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["api", "v3", path @ ..] = segments.as_slice() else {
        return Err(Refusal::new(404, format!("There is no {}.", request.path)));
    };
    match (request.method.as_str(), path) {
        ("GET", ["users"]) => list_users(app, request),
        ("POST", ["users"]) => create(app, request),
        (_, ["users"]) => Err(wrong_method("GET, POST")),
        ("GET", ["users", id]) => Ok(Answer::json(200, Value::Object(readable(app, id)?.raw.clone()))),
        ("PUT", ["users", id]) => replace(app, request, id),
        ("DELETE", ["users", id]) => deactivate(app, id),
        (_, ["users", _]) => Err(wrong_method("GET, PUT, DELETE")),
        ("GET", ["usergroups"]) => list_groups(app, request),
        (_, ["usergroups"]) if app.quirks.has("no-group-changes") => Err(wrong_method("GET")),
        ("POST", ["usergroups"]) => {
            let (name, role) = app.group_body(request, None)?;
            let id = app.roster.add_group(name, role);
            Ok(Answer::json(200, app.show_group(&id, false)?).having_effect())
        }
        (_, ["usergroups"]) => Err(wrong_method("GET, POST")),
        ("GET", ["usergroups", _]) if app.quirks.has("no-group-detail") => Err(Refusal::nothing("page")),
        ("GET", ["usergroups", id]) => Ok(Answer::json(200, app.show_group(id, true)?)),
        (_, ["usergroups", _]) if app.quirks.has("no-group-changes") => Err(wrong_method("GET")),
        ("PUT", ["usergroups", id]) => app.change_group(request, id),
        ("DELETE", ["usergroups", id]) => {
            app.roster.remove_group(id).ok_or_else(|| Refusal::nothing("user group"))?;
            Ok(nothing_to_say().having_effect())
        }
        (_, ["usergroups", _]) => Err(wrong_method("GET, PUT, DELETE")),
        ("POST", ["usergroups", id, "users"]) => add_member(app, request, id),
        (_, ["usergroups", _, "users"]) => Err(wrong_method("POST")),
        (_, ["usergroups", _, "users", _]) if app.quirks.has("no-member-removal") => {
            Err(Refusal::new(405, "Nothing is allowed here."))
        }
        ("DELETE", ["usergroups", group, "users", user]) => {
            app.check_group(group)?;
            app.known(user)?;
            if !app.roster.leave(user, group) {
                return Err(Refusal::nothing("member"));
            }
            Ok(nothing_to_say().having_effect())
        }
        (_, ["usergroups", _, "users", _]) => Err(wrong_method("DELETE")),
        _ => Err(Refusal::new(404, format!("There is no {}.", request.path))),
    }
}

fn nothing_to_say() -> Answer {
    Answer::json(200, json!({}))
}

fn list_users(app: &Alteryx, request: &Request) -> Result<Answer, Refusal> {
    let wanted = request.parameter("search").map(|wanted| wanted.to_lowercase());
    let found = |user: &&User| match &wanted {
        _ if app.quirks.has("inactive-unlisted") && !user.is("isActive") => false,
        None => true,
        Some(_) if app.quirks.has("search-ignored") => true,
        Some(wanted) if app.quirks.has("search-exact") => user.email().to_lowercase() == *wanted,
        Some(wanted) => {
            ["firstName", "lastName", "email"].iter().any(|field| user.text(field).to_lowercase().contains(wanted))
        }
    };
    let rows: Vec<&User> = app.roster.users().filter(found).collect();
    page(app, request, "users", &rows, |user| Value::Object(user.raw.clone()))
}

fn list_groups(app: &Alteryx, request: &Request) -> Result<Answer, Refusal> {
    let rows: Vec<Value> =
        app.roster.groups().map(|(id, group)| json!({ "id": id, "name": group.name, "role": group.role })).collect();
    page(app, request, "userGroups", &rows, Value::clone)
}

fn page<T>(
    app: &Alteryx,
    request: &Request,
    name: &str,
    rows: &[T],
    show: impl Fn(&T) -> Value,
) -> Result<Answer, Refusal> {
    let on = |quirk: &str| app.quirks.has(quirk);
    let page = number(request, "page", 1)?;
    let size = number(request, "pageSize", PAGE)?.min(LARGEST_PAGE);
    let (page, size) = match () {
        () if on("unpaged") => (1, rows.len()),
        () if on("page-ignored") => (1, size),
        () => (page, size),
    };
    let there = if on("truncated-list") { &rows[..rows.len().min(size)] } else { rows };
    let shown: Vec<Value> = there.iter().skip((page - 1).saturating_mul(size)).take(size).map(show).collect();
    let count = match () {
        // As many more as would fill another page.
        () if on("count-lies") => rows.len() + size,
        () if on("count-is-total") => rows.len(),
        () => shown.len(),
    };
    Ok(Answer::json(200, json!({ name: shown, "count": count })))
}

fn readable<'a>(app: &'a Alteryx, id: &str) -> Result<&'a User, Refusal> {
    let user = app.known(id)?;
    if app.quirks.has("inactive-not-found") && !user.is("isActive") {
        return Err(Refusal::nothing("user"));
    }
    Ok(user)
}

fn create(app: &mut Alteryx, request: &Request) -> Result<Answer, Refusal> {
    let raw = users::created(app, object(request)?)?;
    let id = app.roster.add(raw, app.roster.now);
    Ok(Answer::json(200, Value::Object(app.known(&id)?.raw.clone())).having_effect())
}

fn replace(app: &mut Alteryx, request: &Request, id: &str) -> Result<Answer, Refusal> {
    let body = object(request)?;
    let raw = users::replaced(app, readable(app, id)?, &body)?;
    let changed = app.store(id, raw);
    let answer = Answer::json(200, Value::Object(app.known(id)?.raw.clone()));
    Ok(if changed { answer.having_effect() } else { answer })
}

/// DELETE leaves the user where they are, inactive.
fn deactivate(app: &mut Alteryx, id: &str) -> Result<Answer, Refusal> {
    let mut raw: Map<String, Value> = app.known(id)?.raw.clone();
    raw.insert("isActive".to_owned(), Value::Bool(false));
    let changed = app.store(id, raw);
    Ok(if changed { nothing_to_say().having_effect() } else { nothing_to_say() })
}

fn add_member(app: &mut Alteryx, request: &Request, group: &str) -> Result<Answer, Refusal> {
    app.check_group(group)?;
    let body = object(request)?;
    let user = match (body.get("userId"), body.len()) {
        (Some(Value::String(user)), 1) => user.clone(),
        _ => return Err(Refusal::invalid("The body must be {\"userId\": …} and nothing else.")),
    };
    app.known(&user)?;
    let joined = app.roster.join(&user, group);
    Ok(if joined { nothing_to_say().having_effect() } else { nothing_to_say() })
}
