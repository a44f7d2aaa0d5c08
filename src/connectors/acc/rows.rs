//! What the two families of the API show, in rosterd's words. They disagree on casing, statuses and roles.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    names::Names,
    products::{self, Level},
};
use crate::{
    connectors::{STATUS_NOT_SHOWN, addresses},
    model::{AccountStatus, Coverage, Email, FieldName, FieldValue, LiveAccount, LiveGroup, LiveMember, Reach},
};

/// An ordinary account.
pub(super) const ACCOUNT_USER: &str = "account_user";
/// An account that administers everything.
pub(super) const ACCOUNT_ADMIN: &str = "account_admin";
/// What `hq` calls an account that administers some project. Memberships say which.
const PROJECT_ADMIN: &str = "project_admin";
/// A member of a project.
pub(super) const MEMBER: &str = "member";
/// A member who administers the project.
pub(super) const ADMIN: &str = "admin";

/// The text under a key, unless it is empty.
pub(super) fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    row[key].as_str().filter(|text| !text.is_empty())
}

fn need<'a>(row: &'a Value, key: &str, what: &str) -> Result<&'a str, String> {
    text(row, key).ok_or_else(|| format!("{what} has no `{key}`"))
}

/// A field of a row: no key is not known, null and empty are known to be empty.
fn put(values: &mut BTreeMap<FieldName, Option<FieldValue>>, field: &str, row: &Value, key: &str) {
    if row.get(key).is_some() {
        values.insert(field.into(), text(row, key).map(FieldValue::from));
    }
}

/// An account as `hq` shows it.
pub(super) fn account(row: &Value, companies: &Names) -> Result<LiveAccount, String> {
    let mut values = BTreeMap::new();
    put(&mut values, "given_name", row, "first_name");
    put(&mut values, "family_name", row, "last_name");
    put(&mut values, "default_role", row, "default_role");
    if let Some(company) = company(row, ["company_id", "company_name"], companies) {
        values.insert("company".into(), company);
    }
    if let Some(role) = text(row, "role") {
        let role = if role == PROJECT_ADMIN { ACCOUNT_USER } else { role };
        values.insert("role".into(), Some(role.into()));
    }
    let status = match text(row, "status") {
        Some("active") => AccountStatus::Active,
        Some("pending" | "not_invited") => AccountStatus::Pending,
        Some("inactive") => AccountStatus::Inactive,
        other => AccountStatus::Unknown(other.unwrap_or(STATUS_NOT_SHOWN).into()),
    };
    let email = Email::lenient(row["email"].as_str().ok_or("an account has no `email`")?);
    Ok(LiveAccount {
        id: need(row, "id", "an account")?.into(),
        other_addresses: addresses::beside(row, &email),
        email,
        status,
        values,
        created_at: text(row, "created_at").and_then(|at| at.parse().ok()),
    })
}

/// The company of a row: `None` where the row does not say.
fn company(row: &Value, [id, name]: [&str; 2], companies: &Names) -> Option<Option<FieldValue>> {
    match (text(row, id), text(row, name)) {
        (Some(id), name) => {
            if let Some(name) = name {
                companies.see(id, name);
            }
            Some(Some(FieldValue::Text(companies.label(id))))
        }
        // Whom a company is not named for has none; the key may be left out then.
        (None, None) => Some(None),
        (None, Some(_)) => None,
    }
}

/// A project, and what has to be known to write to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Project {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub reach: Reach,
    /// Keys of its products; `None` where the list does not show them.
    pub products: Option<Vec<String>>,
}

pub(super) fn project(row: &Value) -> Result<Project, String> {
    let read_only = match (text(row, "platform"), text(row, "status")) {
        (Some(platform), _) if platform.eq_ignore_ascii_case("bim360") => {
            Some("the API takes no writes to BIM 360 projects")
        }
        (_, Some("archived")) => Some("the project is archived, and the API takes no writes to it"),
        (_, Some("suspended")) => Some("the project is suspended, and the API takes no writes to it"),
        _ => None,
    };
    Ok(Project {
        id: need(row, "id", "a project")?.into(),
        name: need(row, "name", "a project")?.into(),
        reach: read_only.map_or(Reach::Full, |why| Reach::ReadOnly(why.into())),
        products: products::keys(&row["products"]),
    })
}

impl Project {
    pub(super) fn group(&self) -> LiveGroup {
        LiveGroup {
            id: self.id.clone(),
            name: self.name.clone(),
            values: BTreeMap::new(),
            members: Vec::new(),
            coverage: Coverage::Incomplete("its members were not read".into()),
            reach: self.reach.clone(),
        }
    }
}

/// How far a member administers the project; `None` where the row shows neither flags nor products. Somebody whose
/// products are still being activated may have the one and not yet the other.
pub(super) fn level(row: &Value) -> Option<Level> {
    let flag = row["accessLevels"]["projectAdmin"].as_bool();
    match (flag, products::administers(row)) {
        (Some(true), _) | (_, Some(true)) => Some(Level::Admin),
        (None, None) => None,
        _ => Some(Level::Member),
    }
}

/// A member of a project; `None` for one who was removed.
pub(super) fn member(row: &Value, roles: &Names, companies: &Names) -> Result<Option<LiveMember>, String> {
    let status = match text(row, "status") {
        Some("deleted") => return Ok(None),
        Some("active") => AccountStatus::Active,
        Some("pending") => AccountStatus::Pending,
        Some("disabled") => AccountStatus::Inactive,
        other => AccountStatus::Unknown(other.unwrap_or(STATUS_NOT_SHOWN).into()),
    };
    let mut values: BTreeMap<FieldName, Option<FieldValue>> = BTreeMap::new();
    if let Some(level) = level(row) {
        let word = if level == Level::Admin { ADMIN } else { MEMBER };
        values.insert("role".into(), Some(word.into()));
    }
    see_roles(row, roles);
    if let Some(ids) = role_ids(row) {
        let labels = ids.iter().map(|id| roles.label(id)).collect();
        values.insert("roles".into(), Some(FieldValue::Set(labels)));
    }
    if let Some(company) = company(row, ["companyId", "companyName"], companies) {
        values.insert("company".into(), company);
    }
    Ok(Some(LiveMember {
        account: need(row, "id", "a member")?.into(),
        email: text(row, "email").map(Email::lenient),
        status,
        values,
    }))
}

/// Learns the names of the roles that a member has.
pub(super) fn see_roles(row: &Value, roles: &Names) {
    for role in row["roles"].as_array().into_iter().flatten() {
        if let (Some(id), Some(name)) = (text(role, "id"), text(role, "name")) {
            roles.see(id, name);
        }
    }
}

/// Ids of a member's industry roles; `None` where the row does not show them.
pub(super) fn role_ids(row: &Value) -> Option<Vec<Arc<str>>> {
    let plain = || Some(row["roleIds"].as_array()?.iter().filter_map(|id| id.as_str().map(Arc::from)).collect());
    let named = || Some(row["roles"].as_array()?.iter().filter_map(|role| text(role, "id").map(Arc::from)).collect());
    plain().or_else(named)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn none() -> Names {
        Names::new(BTreeMap::new(), "")
    }

    fn shown(values: &BTreeMap<FieldName, Option<FieldValue>>) -> String {
        let value = |(name, value): (&FieldName, &Option<FieldValue>)| match value {
            Some(value) => format!("{name}={value}"),
            None => format!("{name}=∅"),
        };
        values.iter().map(value).collect::<Vec<_>>().join(" ")
    }

    fn check_account(row: &Value, expected: &str) {
        let account = account(row, &none()).unwrap();
        assert_eq!(format!("{} {}", account.status, shown(&account.values)), expected);
    }

    #[test]
    fn accounts_speak_the_older_dialect() {
        let row = |status: &str, role: &str| {
            json!({"id": "u1", "email": "jo@x.example", "status": status, "role": role, "company_id": "c1", "company_name": "Acme",
                   "default_role": "", "first_name": "Jo"})
        };
        let rest = "company=Acme default_role=∅ given_name=Jo";
        check_account(&row("active", "account_admin"), &format!("active {rest} role=account_admin"));
        check_account(&row("not_invited", "project_admin"), &format!("pending {rest} role=account_user"));
        check_account(&row("frozen", "account_user"), &format!("frozen {rest} role=account_user"));
        check_account(&json!({"id": "u1", "email": ""}), "not shown company=∅");
        assert_eq!(account(&json!({"id": "u1"}), &none()).unwrap_err(), "an account has no `email`");
    }

    fn check_member(row: Value, expected: &str) {
        let mut row = row;
        row["id"] = json!("u1");
        let member = member(&row, &none(), &none()).unwrap();
        let said = member.map(|member| format!("{} {}", member.status, shown(&member.values)));
        assert_eq!(said.as_deref().unwrap_or("none"), expected);
    }

    #[test]
    fn whoever_was_removed_is_no_member_and_whoever_is_suspended_is_one() {
        check_member(json!({"status": "deleted"}), "none");
        check_member(
            json!({"status": "disabled", "accessLevels": {"projectAdmin": false}}),
            "inactive company=∅ role=member",
        );
        check_member(json!({"status": "pending", "roleIds": []}), "pending company=∅ roles=");
    }

    #[test]
    fn a_level_shows_in_the_flags_or_in_the_products() {
        let admin = json!([{"key": "projectadministration", "access": "administrator"}]);
        check_member(json!({"status": "active", "products": admin}), "active company=∅ role=admin");
        let flags = json!({"projectAdmin": false, "accountAdmin": true});
        check_member(
            json!({"status": "active", "accessLevels": flags, "products": []}),
            "active company=∅ role=member",
        );
        check_member(json!({"status": "active"}), "active company=∅");
    }

    #[test]
    fn roles_and_companies_go_by_name() {
        let row = json!({"status": "active", "roleIds": ["r2", "r1"], "companyId": "c1", "companyName": "Acme",
                         "roles": [{"id": "r1", "name": "Architect"}, {"id": "r2", "name": "Estimator"}]});
        check_member(row, "active company=Acme roles=Architect, Estimator");
        let without_names = json!({"status": "active", "roles": [{"id": "r1"}], "companyId": "c1"});
        check_member(without_names, "active company=c1 roles=r1");
    }

    #[test]
    fn only_what_takes_writes_is_written_to() {
        let reach = |platform: &str, status: &str| {
            let row = json!({"id": "p", "name": "P", "platform": platform, "status": status, "products": [{"key": "docs"}, "build"]});
            let project = project(&row).unwrap();
            assert_eq!(project.products.as_deref(), Some(&["docs".to_owned(), "build".to_owned()][..]));
            project.reach == Reach::Full
        };
        assert!(reach("acc", "active") && reach("acc", "pending"));
        assert!(!reach("bim360", "active") && !reach("BIM360", "active"));
        assert!(!reach("acc", "archived") && !reach("acc", "suspended"));
    }
}
