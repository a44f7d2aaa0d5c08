//! People, members and projects as the two families show them.

use serde_json::{Map, Value, json};

use super::{ACC_ACCOUNT, Acc, Member, Person, Project, TWIN, products};

/// A member of a project, in the words of `construction/admin`.
pub(super) fn member(app: &Acc, member: &Member, position: usize) -> Option<Value> {
    let person = app.people.get(&member.person)?;
    let roles: Vec<Value> = member
        .roles
        .iter()
        .filter_map(|id| {
            let name = app.role_name(id)?;
            // Where there are two of a name, every second holder has the other.
            let other = app.quirks.has("ambiguous-roles") && name == TWIN && position % 2 == 1;
            Some(json!({ "id": if other { app.twin() } else { id.clone() }, "name": name }))
        })
        .collect();
    let role_ids: Vec<&Value> = roles.iter().map(|role| &role["id"]).collect();
    let mut row = json!({
        "email": person.email,
        "id": person.id,
        "name": person.name(),
        "firstName": person.first_name,
        "lastName": person.last_name,
        "accessLevels": {
            "accountAdmin": person.role == "account_admin",
            "projectAdmin": member.is_admin(),
            "executive": false,
        },
        "addedOn": member.added_on,
        "updatedAt": member.updated_at,
        "roleIds": role_ids,
        "roles": roles,
        "status": status(app, member, person),
        "products": member.products.iter().map(|(key, access)| json!({ "key": key, "access": access })).collect::<Vec<_>>(),
    });
    if let Some(uid) = &person.uid {
        row["autodeskId"] = json!(uid);
    }
    if let Some(company) = &member.company {
        row["companyId"] = json!(company);
        row["companyName"] = json!(app.companies.get(company));
    }
    Some(row)
}

fn status(app: &Acc, member: &Member, person: &Person) -> &'static str {
    let disabled = app.quirks.has("inactive-disables-members") && person.status == "inactive";
    if disabled && member.status == "active" { "disabled" } else { member.status }
}

/// A project; `level` is what somebody is in it, where that was the question.
pub(super) fn project(app: &Acc, id: &str, project: &Project) -> Value {
    let (platform, status) = app.nature(id).unwrap_or((project.platform, project.status));
    let product = |key: &&str| json!({ "key": key, "name": products::name(key), "status": "active" });
    json!({
        "id": id,
        "name": project.name,
        "type": "Office",
        "classification": "production",
        "status": status,
        "platform": platform,
        "accountId": ACC_ACCOUNT,
        "memberCount": project.members.iter().filter(|member| member.status != "deleted").count(),
        "products": project.products.iter().map(product).collect::<Vec<_>>(),
        "createdAt": project.created_at,
        "updatedAt": project.created_at,
    })
}

/// An account user, in the words of `hq`.
pub(super) fn person(app: &Acc, person: &Person) -> Value {
    let name = |id: &Option<String>| id.as_ref().and_then(|id| app.companies.get(id));
    let default_role = person.default_role.as_ref().and_then(|id| app.role_name(id));
    let mut row = Map::from_iter(
        [
            ("id", json!(person.id)),
            ("account_id", json!(ACC_ACCOUNT)),
            ("role", json!(person.role)),
            ("status", json!(person.status)),
            ("company_id", json!(person.company)),
            ("company_name", json!(name(&person.company))),
            ("email", json!(person.email)),
            ("name", json!(person.name())),
            ("nickname", json!(person.name())),
            ("first_name", json!(person.first_name)),
            ("last_name", json!(person.last_name)),
            ("uid", json!(person.uid)),
            ("default_role", json!(default_role)),
            ("default_role_id", json!(person.default_role)),
            ("created_at", json!(person.created_at)),
            ("updated_at", json!(person.updated_at)),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    );
    row.extend(person.extra.clone());
    Value::Object(row)
}
