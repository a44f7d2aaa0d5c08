//! `construction/admin`, by account: its projects and companies, and what one person has in all projects.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    Acc, Member,
    common::{acts_for_an_admin, keys, no_user, texts},
    page::{Compared, error, filtered, list, page, sorted},
    products, show,
};
use crate::sandbox::app::{Answer, Request};

/// Answers a GET whose path has lost its `v1/accounts/{id}`.
pub(super) fn answer(app: &Acc, request: &Request, path: &[&str]) -> Result<Answer, Answer> {
    let known_user = |id: &str| app.person(id).map(|person| person.id.clone()).ok_or_else(no_user);
    match path {
        ["projects"] => {
            let all = app.projects.iter().map(|(id, project)| show::project(app, id, project)).collect();
            page(app, request, sorted(request, filtered(request, all, &project_filters())?, None))
        }
        ["companies"] => {
            let row = |(id, name): (&String, &String)| json!({ "id": id, "name": name, "trade": "General" });
            let known = [("name", Compared::Text("name")), ("trade", Compared::Text("trade"))];
            let all = app.companies.iter().map(row).collect();
            page(app, request, sorted(request, filtered(request, all, &known)?, Some("name")))
        }
        ["users", id, "products"] => {
            // The one endpoint that minds who is acting even when it reads.
            if request.header("user-id").is_some() {
                acts_for_an_admin(app, request)?;
            }
            products_of(app, request, &known_user(id)?)
        }
        ["users", id, "projects"] => projects_of(app, request, &known_user(id)?),
        ["users", id, "roles"] => roles_of(app, request, &known_user(id)?),
        _ => Err(error(404, &format!("There is no {}.", request.path))),
    }
}

fn project_filters() -> Vec<(&'static str, Compared)> {
    let mut known = vec![("name", Compared::Text("name")), ("jobNumber", Compared::Text("jobNumber"))];
    known.push(("products", Compared::OneOf(|row| keys(&row["products"], |_| true))));
    known.push(("status", Compared::OneOf(|row| texts(&row["status"]))));
    known.push(("platform", Compared::OneOf(|row| texts(&row["platform"]))));
    known.push(("type", Compared::OneOf(|row| texts(&row["type"]))));
    known.push(("classification", Compared::OneOf(|row| texts(&row["classification"]))));
    known.push(("accessLevels", Compared::OneOf(|row| texts(&row["accessLevels"]))));
    known
}

/// The projects a person is in, with the row there.
fn memberships<'a>(app: &'a Acc, person: &'a str) -> impl Iterator<Item = (&'a String, usize, &'a Member)> {
    app.projects.iter().filter_map(move |(id, project)| {
        let mut members = project.members.iter().enumerate();
        let (at, member) = members.find(|(_, member)| member.person == person && member.status != "deleted")?;
        Some((id, at, member))
    })
}

fn products_of(app: &Acc, request: &Request, person: &str) -> Result<Answer, Answer> {
    let wanted = list(request, "filter[projectId]");
    let mut found: Vec<(&String, Vec<&String>)> = Vec::new();
    for (id, _, member) in memberships(app, person) {
        // Products of ACC alone are told here.
        let acc = app.nature(id).is_some_and(|(platform, _)| platform == "acc");
        if !acc || wanted.as_ref().is_some_and(|wanted| !wanted.contains(id)) {
            continue;
        }
        for (key, _) in member.products.iter().filter(|(_, access)| *access != "none") {
            match found.iter_mut().find(|(known, _)| *known == key) {
                Some((_, projects)) => projects.push(id),
                None => found.push((key, vec![id])),
            }
        }
    }
    let row = |(key, projects): (&String, Vec<&String>)| {
        json!({ "key": key, "icon": format!("https://icons.example/{key}.png"), "name": products::name(key),
            "projectIds": projects })
    };
    let all = found.into_iter().map(row).collect();
    let known = [
        ("key", Compared::OneOf(|row| texts(&row["key"]))),
        ("projectId", Compared::OneOf(|row| texts(&row["projectIds"]))),
    ];
    page(app, request, sorted(request, filtered(request, all, &known)?, None))
}

fn projects_of(app: &Acc, request: &Request, person: &str) -> Result<Answer, Answer> {
    let row = |(id, _, member): (&String, usize, &Member)| {
        let mut row = show::project(app, id, &app.projects[id]);
        row["accessLevels"] = json!([if member.is_admin() { "projectAdmin" } else { "projectMember" }]);
        row
    };
    let all = memberships(app, person).map(row).collect();
    page(app, request, sorted(request, filtered(request, all, &project_filters())?, None))
}

fn roles_of(app: &Acc, request: &Request, person: &str) -> Result<Answer, Answer> {
    let mut found: BTreeMap<String, (String, Vec<&String>)> = BTreeMap::new();
    for (id, at, member) in memberships(app, person) {
        let row = show::member(app, member, at).unwrap_or_default();
        for role in row["roles"].as_array().into_iter().flatten() {
            let (role_id, name) = (texts(&role["id"]).concat(), texts(&role["name"]).concat());
            found.entry(role_id).or_insert((name, Vec::new())).1.push(id);
        }
    }
    let row = |(id, (name, projects)): (String, (String, Vec<&String>))| {
        json!({ "id": id, "name": name, "key": name.to_lowercase().replace(' ', "_"), "status": "active",
            "projectIds": projects })
    };
    let all = found.into_iter().map(row).collect();
    let known = [
        ("name", Compared::Text("name")),
        ("status", Compared::OneOf(|row| texts(&row["status"]))),
        ("projectId", Compared::OneOf(|row| texts(&row["projectIds"]))),
    ];
    page(app, request, sorted(request, filtered(request, all, &known)?, Some("name")))
}
