//! A member's products. The API knows a level for each product, and allows two combinations only: administrator of all, or
//! member of all and of the administration nothing. So one word, admin or member, says everything.

use serde_json::{Value, json};

/// Products whose level the API takes, in the spelling of its reference; besides these, projects show products that are
/// only read.
const WRITABLE: [&str; 8] =
    ["autoSpecs", "build", "cost", "designCollaboration", "docs", "insight", "modelCoordination", "takeoff"];

/// The product that makes a member a project admin.
const ADMINISTRATION: &str = "projectAdministration";

/// What a member may do in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Member,
    Admin,
}

impl Level {
    /// The access to the administration, and the access to everything else.
    fn access(self) -> (&'static str, &'static str) {
        match self {
            Self::Member => ("none", "member"),
            Self::Admin => ("administrator", "administrator"),
        }
    }
}

/// The keys of a list of products, which may be texts or objects with a key.
pub(super) fn keys(products: &Value) -> Option<Vec<String>> {
    let all = products.as_array()?;
    let key = |product: &Value| product.as_str().or_else(|| product["key"].as_str()).map(str::to_owned);
    Some(all.iter().filter_map(key).collect())
}

/// Which of a project's products can be written. Their spelling varies from list to list.
fn writable(project: &[String]) -> impl Iterator<Item = &'static str> {
    WRITABLE.into_iter().filter(|key| project.iter().any(|has| has.eq_ignore_ascii_case(key)))
}

/// The products of a member with this level, in a project with these products.
pub(super) fn of(level: Level, project: &[String]) -> Value {
    let (administration, others) = level.access();
    let first = json!({"key": ADMINISTRATION, "access": administration});
    let others = writable(project).map(|key| json!({"key": key, "access": others}));
    std::iter::once(first).chain(others).collect()
}

/// What can be sent back of the products that a member has.
pub(super) fn kept(member: &Value) -> Option<Value> {
    let all = member["products"].as_array()?;
    let keep = |product: &Value| {
        let key = product["key"].as_str()?;
        let key = WRITABLE.into_iter().chain([ADMINISTRATION]).find(|known| known.eq_ignore_ascii_case(key))?;
        Some(json!({"key": key, "access": product["access"].as_str()?}))
    };
    Some(all.iter().filter_map(keep).collect())
}

/// Whether a member has administrator access to the administration; `None` when no products are shown, as to callers who
/// are merely member managers.
pub(super) fn administers(member: &Value) -> Option<bool> {
    member["products"].is_array().then(|| access(member, ADMINISTRATION) == Some("administrator"))
}

fn access<'a>(member: &'a Value, key: &str) -> Option<&'a str> {
    let all = member["products"].as_array()?;
    all.iter().find(|product| is(product, key))?["access"].as_str()
}

fn is(product: &Value, key: &str) -> bool {
    product["key"].as_str().is_some_and(|shown| shown.eq_ignore_ascii_case(key))
}

/// Whether a member has just the products that the level gives in this project. Who shows none says nothing.
pub(super) fn fit(member: &Value, level: Level, project: &[String]) -> bool {
    let (_, expected) = level.access();
    !member["products"].is_array() || writable(project).all(|key| access(member, key) == Some(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(level: Level, project: &[&str], expected: &str) {
        let project: Vec<String> = project.iter().map(|key| (*key).to_owned()).collect();
        let products = of(level, &project);
        let shown: Vec<String> = products
            .as_array()
            .unwrap()
            .iter()
            .map(|product| format!("{}={}", product["key"].as_str().unwrap(), product["access"].as_str().unwrap()))
            .collect();
        assert_eq!(shown.join(" "), expected);
        assert!(fit(&json!({"products": products}), level, &project), "what is sent is what is expected");
    }

    #[test]
    fn the_level_decides_on_every_product_of_the_project() {
        check(Level::Member, &["docs", "build"], "projectAdministration=none build=member docs=member");
        check(
            Level::Admin,
            &["docs", "build"],
            "projectAdministration=administrator build=administrator docs=administrator",
        );
        check(Level::Member, &[], "projectAdministration=none");
    }

    #[test]
    fn keys_are_compared_without_case_and_only_those_that_can_be_written_are_sent() {
        check(
            Level::Member,
            &["autospecs", "DOCS", "projectadministration", "financials", "glue"],
            "projectAdministration=none autoSpecs=member docs=member",
        );
        let member =
            json!({"products": [{"key": "autospecs", "access": "member"}, {"key": "workshopxr", "access": "member"}]});
        assert_eq!(kept(&member), Some(json!([{"key": "autoSpecs", "access": "member"}])));
    }

    #[test]
    fn mixed_levels_do_not_fit_and_hidden_ones_say_nothing() {
        let project = ["docs".to_owned(), "cost".to_owned()];
        let mixed = json!({"products": [{"key": "docs", "access": "member"}, {"key": "cost", "access": "none"}]});
        assert!(!fit(&mixed, Level::Member, &project));
        assert!(fit(&json!({}), Level::Member, &project));
        assert_eq!((administers(&mixed), administers(&json!({}))), (Some(false), None));
    }
}
