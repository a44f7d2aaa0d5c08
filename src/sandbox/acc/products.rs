//! Products and the rule that ties their access levels together.

use std::collections::BTreeMap;

use serde_json::Value;

/// The product that decides who is a project administrator.
pub(super) const ADMINISTRATION: &str = "projectAdministration";

/// Keys and names of the products of ACC projects.
pub(super) const ACC: [(&str, &str); 9] = [
    ("autoSpecs", "AutoSpecs"),
    ("build", "Build"),
    ("cost", "Cost Management"),
    ("designCollaboration", "Design Collaboration"),
    ("docs", "Docs"),
    ("insight", "Insight"),
    ("modelCoordination", "Model Coordination"),
    ("projectAdministration", "Project Administration"),
    ("takeoff", "Takeoff"),
];

/// The products that a BIM 360 project has here.
pub(super) const BIM360: [(&str, &str); 3] =
    [("documentManagement", "Document Management"), ("field", "Field"), ("projectHome", "Project Home")];

pub(super) fn name(key: &str) -> &str {
    ACC.iter().chain(&BIM360).find(|(known, _)| *known == key).map_or(key, |(_, name)| name)
}

/// Access to all products of a project: an administrator's or a member's.
pub(super) fn level(products: &[&'static str], admin: bool) -> BTreeMap<String, String> {
    let access = |key: &str| match (admin, key) {
        (true, _) => "administrator",
        (false, ADMINISTRATION) => "none",
        (false, _) => "member",
    };
    products.iter().map(|key| ((*key).to_owned(), access(key).to_owned())).collect()
}

/// Reads `products` of a body on top of what there was, and checks that the levels agree.
pub(super) fn read(
    value: Option<&Value>,
    before: Option<&BTreeMap<String, String>>,
    of_project: &[&'static str],
) -> Result<BTreeMap<String, String>, String> {
    let rows = match value {
        None | Some(Value::Null) => return Ok(before.cloned().unwrap_or_else(|| level(of_project, false))),
        Some(Value::Array(rows)) => rows,
        Some(_) => return Err("products must be a list.".to_owned()),
    };
    let mut found = before.cloned().unwrap_or_default();
    for row in rows {
        let (Some(key), Some(access)) = (row["key"].as_str(), row["access"].as_str()) else {
            return Err("every product needs a key and an access.".to_owned());
        };
        let key = of_project.iter().find(|known| known.eq_ignore_ascii_case(key));
        let key = key.ok_or_else(|| format!("the product {} is not active in this project.", row["key"]))?;
        if !["administrator", "member", "none"].contains(&access) {
            return Err(format!("`{access}` is not an access level."));
        }
        found.insert((*key).to_owned(), access.to_owned());
    }
    let admin = match found.get(ADMINISTRATION).map(String::as_str) {
        Some("member") => return Err(format!("{ADMINISTRATION} knows no members.")),
        Some("administrator") => true,
        _ => false,
    };
    for key in of_project {
        let missing = if admin { "administrator" } else { "none" };
        found.entry((*key).to_owned()).or_insert_with(|| missing.to_owned());
    }
    let wrong = if admin { "member" } else { "administrator" };
    match found.iter().find(|(_, access)| *access == wrong || admin && *access == "none") {
        Some((key, access)) => Err(format!(
            "{key} cannot be `{access}` for one who is{} a project administrator.",
            if admin { "" } else { " not" }
        )),
        None => Ok(found),
    }
}
