//! The vendor's dialect: `/webapi/v3`, bare lists without pages, DELETE that destroys.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Alteryx, Dialect, example, users};
use crate::sandbox::{
    app::{Answer, Body, Request},
    quirks::{Quirk, quirk},
    roster::{Refusal, User, json as json_body, object, wrong_method},
};

pub(super) const QUIRKS: &[Quirk] = &[
    quirk("windows-auth", "creating users is answered with 400, as where Windows decides who exists"),
    quirk("no-deactivation", "deactivating is answered with 400, as where Windows decides who is active"),
    quirk("duplicate-400", "an email that is taken is answered with 400 instead of 409"),
    quirk("email-ignored", "the filter `email` finds everyone"),
    quirk("email-contains", "the filter `email` finds every address that contains the text"),
    quirk("truncated-list", "lists end after their first 25 rows"),
];

/// What `truncated-list` leaves of a list.
const TRUNCATED: usize = 25;

const FIELDS: &[users::Field] = &{
    let [first, last, email, role] = users::NAMES;
    [
        first,
        last,
        email,
        role,
        users::plain("defaultWorkerTag", true),
        users::flag("canScheduleJobs", true),
        users::flag("canPrioritizeJobs", true),
        users::flag("canAssignJobs", true),
        users::flag("isApiEnabled", true),
        users::plain("defaultCredentialId", true),
        users::active(true),
        users::flag("isValidated", true),
        users::plain("timeZone", true),
        users::flag("canCreateCollections", false),
        users::flag("isAccountLocked", false),
        users::text("language", false),
        users::flag("canCreateAndUpdateDcm", false),
        users::flag("canShareForExecutionDcm", false),
        users::flag("canShareForCollaborationDcm", false),
        users::flag("canManageGenericVaultsDcm", false),
    ]
};

/// What a row of the list holds unless the full view is asked for.
const ROW: [&str; 10] = [
    "id",
    "firstName",
    "lastName",
    "email",
    "role",
    "isActive",
    "defaultWorkerTag",
    "canScheduleJobs",
    "canPrioritizeJobs",
    "canAssignJobs",
];

pub(super) static DIALECT: Dialect = Dialect {
    token_path: "/webapi/oauth2/token",
    fields: FIELDS,
    fixed: &["id", "dateCreated"],
    created: "dateCreated",
    updated: None,
    roles: &["NoAccess", "Viewer", "Member", "Artisan", "Curator", "Evaluated"],
    default_role: Some("Evaluated"),
    server_admin: "Curator",
    group_role: "Evaluated",
    route,
    groups: example::WEBAPI_GROUPS,
    example: example::WEBAPI,
    extras: example::WEBAPI_EXTRAS,
};

fn route(app: &mut Alteryx, request: &Request) -> Result<Answer, Refusal> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["webapi", "v3", path @ ..] = segments.as_slice() else {
        return Err(Refusal::new(404, format!("There is no {}.", request.path)));
    };
    match (request.method.as_str(), path) {
        ("GET", ["users"]) => list_users(app, request),
        ("POST", ["users"]) => create(app, request),
        (_, ["users"]) => Err(wrong_method("GET, POST")),
        ("GET", ["users", id]) => Ok(Answer::json(200, Value::Object(app.known(id)?.raw.clone()))),
        ("PUT", ["users", id]) => replace(app, request, id),
        ("DELETE", ["users", id]) => destroy(app, id),
        (_, ["users", _]) => Err(wrong_method("GET, PUT, DELETE")),
        ("POST", ["users", id, "deactivate"]) => deactivate(app, id),
        (_, ["users", _, "deactivate"]) => Err(wrong_method("POST")),
        ("GET", ["usergroups"]) => {
            let ids = app.roster.groups().map(|(id, _)| app.show_group(id, false));
            Ok(list(app, ids.collect::<Result<_, _>>()?))
        }
        ("POST", ["usergroups"]) => {
            let (name, role) = app.group_body(request, None)?;
            let id = app.roster.add_group(name, role);
            Ok(Answer::json(201, app.show_group(&id, true)?).having_effect())
        }
        (_, ["usergroups"]) => Err(wrong_method("GET, POST")),
        ("GET", ["usergroups", id]) => Ok(Answer::json(200, app.show_group(id, true)?)),
        ("PUT", ["usergroups", id]) => app.change_group(request, id),
        ("DELETE", ["usergroups", id]) => delete_group(app, request, id),
        (_, ["usergroups", _]) => Err(wrong_method("GET, PUT, DELETE")),
        ("POST", ["usergroups", id, "users"]) => add_members(app, request, id),
        (_, ["usergroups", _, "users"]) => Err(wrong_method("POST")),
        ("DELETE", ["usergroups", group, "users", user]) => {
            app.check_group(group)?;
            app.known(user)?;
            if !app.roster.leave(user, group) {
                return Err(Refusal::nothing("member"));
            }
            Ok(no_content().having_effect())
        }
        (_, ["usergroups", _, "users", _]) => Err(wrong_method("DELETE")),
        _ => Err(Refusal::new(404, format!("There is no {}.", request.path))),
    }
}

fn no_content() -> Answer {
    Answer { body: Body::Empty, ..Answer::json(204, Value::Null) }
}

fn list(app: &Alteryx, mut rows: Vec<Value>) -> Answer {
    if app.quirks.has("truncated-list") {
        rows.truncate(TRUNCATED);
    }
    Answer::json(200, Value::Array(rows))
}

fn list_users(app: &Alteryx, request: &Request) -> Result<Answer, Refusal> {
    let full = match request.parameter("view").as_deref() {
        None | Some("Default") => false,
        Some("Full") => true,
        Some(other) => return Err(Refusal::invalid(format!("view must be Default or Full, not `{other}`."))),
    };
    let active = match request.parameter("active").as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => return Err(Refusal::invalid(format!("active must be true or false, not `{other}`."))),
    };
    let moment = |name: &str| {
        let text = request.parameter(name);
        let parse = |text: String| text.parse::<Timestamp>();
        text.map(parse).transpose().map_err(|_| Refusal::invalid(format!("{name} must be a time.")))
    };
    let (after, before) = (moment("createdAfter")?, moment("createdBefore")?);
    let texts: Vec<(&str, String)> = ["email", "role", "firstName", "lastName"]
        .into_iter()
        .filter_map(|name| Some((name, request.parameter(name)?.to_lowercase())))
        .collect();
    let fits = |user: &User, name: &str, wanted: &str| {
        let there = user.text(name).to_lowercase();
        match name {
            "email" if app.quirks.has("email-ignored") => true,
            "email" if app.quirks.has("email-contains") => there.contains(wanted),
            _ => there == wanted,
        }
    };
    let found = app.roster.users().filter(|user| {
        active.is_none_or(|active| user.is("isActive") == active)
            && after.is_none_or(|after| user.created_at > after)
            && before.is_none_or(|before| user.created_at < before)
            && texts.iter().all(|(name, wanted)| fits(user, name, wanted))
    });
    let rows = found.map(|user| if full { whole(user) } else { user.show(&ROW) });
    Ok(list(app, rows.collect()))
}

/// The full view: all there is, and the last sign-in, which nothing else shows.
fn whole(user: &User) -> Value {
    let mut raw = user.raw.clone();
    raw.insert("lastLogin".to_owned(), json!(user.last_login));
    Value::Object(raw)
}

fn create(app: &mut Alteryx, request: &Request) -> Result<Answer, Refusal> {
    let body = object(request)?;
    if app.quirks.has("windows-auth") {
        return Err(Refusal::invalid("Users cannot be created with Windows authentication."));
    }
    let raw = users::created(app, body)?;
    let id = app.roster.add(raw, app.roster.now);
    Ok(Answer::json(201, Value::Object(app.known(&id)?.raw.clone())).having_effect())
}

fn replace(app: &mut Alteryx, request: &Request, id: &str) -> Result<Answer, Refusal> {
    let mut body = object(request)?;
    let user = app.known(id)?;
    // The full view shows it, so it comes back with everything else.
    if let Some(told) = body.remove("lastLogin")
        && told != json!(user.last_login)
    {
        return Err(Refusal::invalid("lastLogin cannot be changed."));
    }
    let raw = users::replaced(app, user, &body)?;
    if user.is("isActive") && raw.get("isActive") == Some(&Value::Bool(false)) {
        check_may_deactivate(app)?;
    }
    let changed = app.store(id, raw);
    let answer = Answer::json(200, Value::Object(app.known(id)?.raw.clone()));
    Ok(if changed { answer.having_effect() } else { answer })
}

fn check_may_deactivate(app: &Alteryx) -> Result<(), Refusal> {
    if app.quirks.has("no-deactivation") {
        return Err(Refusal::invalid("Users cannot be deactivated with Windows authentication."));
    }
    Ok(())
}

/// Takes the user out of all groups as well, and says which they were: the only trace of them.
fn deactivate(app: &mut Alteryx, id: &str) -> Result<Answer, Refusal> {
    let mut raw: Map<String, Value> = app.known(id)?.raw.clone();
    check_may_deactivate(app)?;
    raw.insert("isActive".to_owned(), Value::Bool(false));
    let changed = app.store(id, raw);
    let groups = app.roster.leave_all(id);
    let changed = changed || !groups.is_empty();
    let answer = Answer::json(200, json!(groups));
    Ok(if changed { answer.having_effect() } else { answer })
}

fn destroy(app: &mut Alteryx, id: &str) -> Result<Answer, Refusal> {
    app.known(id)?;
    if !app.roster.memberships(id).is_empty() {
        return Err(Refusal::invalid("The user is in a user group."));
    }
    if app.owned.get(id).is_some_and(|owned| *owned > 0) {
        return Err(Refusal::invalid("The user owns assets, which have to be transferred first."));
    }
    app.roster.remove(id);
    Ok(Answer::json(200, json!({})).having_effect())
}

fn delete_group(app: &mut Alteryx, request: &Request, id: &str) -> Result<Answer, Refusal> {
    let group = app.roster.group(id).ok_or_else(|| Refusal::nothing("user group"))?;
    let forced = request.parameter("forceDelete").as_deref() == Some("true");
    if !group.members().is_empty() && !forced {
        return Err(Refusal::invalid("The user group has members."));
    }
    app.roster.remove_group(id);
    Ok(Answer::json(200, json!({})).having_effect())
}

/// All of the listed users, or none when one of them does not exist.
fn add_members(app: &mut Alteryx, request: &Request, group: &str) -> Result<Answer, Refusal> {
    app.check_group(group)?;
    let wrong = || Refusal::invalid("The body must be a list of user ids.");
    let Value::Array(ids) = json_body(request)? else { return Err(wrong()) };
    let ids: Vec<String> =
        ids.iter().map(|id| id.as_str().map(str::to_owned)).collect::<Option<_>>().ok_or_else(wrong)?;
    if ids.is_empty() {
        return Err(wrong());
    }
    for id in &ids {
        app.known(id)?;
    }
    let joined = ids.iter().filter(|id| app.roster.join(id, group)).count();
    let answer = Answer::json(200, json!({}));
    Ok(if joined > 0 { answer.having_effect() } else { answer })
}
