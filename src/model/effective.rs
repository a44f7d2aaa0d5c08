//! What several lines that grant the same thing come to.

use std::collections::BTreeSet;

use super::{Claim, FieldName, FieldValue, RoleRule, Values};

/// The values that claims, all of which hold, come to together: sets add up, and of two single roles the higher one wins.
/// `defaults` fill managed fields that no claim names.
///
/// Any other disagreement is refused when the files are loaded; here the greater value wins, so that the order of the
/// claims never matters.
pub fn effective<'a>(
    claims: impl IntoIterator<Item = &'a Claim>,
    role: Option<&RoleRule>,
    managed: &BTreeSet<FieldName>,
    defaults: &Values,
) -> Values {
    let mut values = Values::new();
    for claim in claims {
        for (field, value) in &claim.values {
            let merged = match values.remove(field) {
                Some(other) => stronger(other, value.clone(), role),
                None => value.clone(),
            };
            values.insert(field.clone(), merged);
        }
    }
    for (field, value) in defaults {
        if managed.contains(field) && !values.contains_key(field) {
            values.insert(field.clone(), value.clone());
        }
    }
    values
}

fn stronger(a: FieldValue, b: FieldValue, role: Option<&RoleRule>) -> FieldValue {
    if matches!(a, FieldValue::Set(_)) || matches!(b, FieldValue::Set(_)) {
        return FieldValue::Set(a.texts().chain(b.texts()).cloned().collect());
    }
    let rank = |value: &FieldValue| value.texts().next().and_then(|text| role?.rank(text));
    match rank(&a).cmp(&rank(&b)).then_with(|| a.cmp(&b)) {
        std::cmp::Ordering::Less => b,
        _ => a,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Window;

    fn check(claims: &[(&str, FieldValue)], role: &RoleRule, expect: &[(&str, FieldValue)]) {
        let claims: Vec<Claim> = claims
            .iter()
            .map(|(field, value)| Claim {
                window: Window::ALWAYS,
                values: [((*field).into(), value.clone())].into(),
                because: Vec::new(),
                reason: None,
            })
            .collect();
        let managed = ["role".into(), "roles".into()].into();
        let defaults = [("role".into(), "user".into()), ("company".into(), "Acme".into())].into();
        let expect: Values = expect.iter().map(|(field, value)| ((*field).into(), value.clone())).collect();
        assert_eq!(effective(&claims, Some(role), &managed, &defaults), expect);
        assert_eq!(effective(claims.iter().rev(), Some(role), &managed, &defaults), expect, "in the other order");
    }

    fn ranked() -> RoleRule {
        RoleRule { ranked: vec!["viewer".into(), "user".into(), "admin".into()], ..RoleRule::default() }
    }

    #[test]
    fn the_higher_of_two_roles_wins() {
        check(&[("role", "viewer".into()), ("role", "admin".into())], &ranked(), &[("role", "admin".into())]);
    }

    #[test]
    fn defaults_fill_managed_fields_alone() {
        check(&[], &ranked(), &[("role", "user".into())]);
    }

    #[test]
    fn sets_add_up() {
        let set = |texts: &[&str]| FieldValue::Set(texts.iter().map(|text| (*text).into()).collect());
        check(
            &[("roles", set(&["a"])), ("roles", set(&["b", "a"]))],
            &ranked(),
            &[("role", "user".into()), ("roles", set(&["a", "b"]))],
        );
    }
}
