//! Comparing fields, and telling whether a change of role gives or takes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::model::{Change, FieldName, FieldValue, RoleRule, Values};

/// Fields of a live account, membership or group.
pub(super) type LiveValues = BTreeMap<FieldName, Option<FieldValue>>;

/// What came of comparing managed fields.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Fields that differ.
    pub changes: Vec<Change>,
    /// Managed fields whose live value was not seen, so that nothing can be said.
    pub unseen: Vec<FieldName>,
}

/// Compares the managed fields of something that exists.
pub(super) fn compare(managed: &BTreeSet<FieldName>, wanted: &Values, live: &LiveValues) -> Compared {
    let mut compared = Compared::default();
    for (field, to) in wanted.iter().filter(|(field, _)| managed.contains(*field)) {
        match live.get(field) {
            None => compared.unseen.push(field.clone()),
            Some(from) if to.is_shown_by(from.as_ref()) => {}
            Some(from) => {
                compared.changes.push(Change { field: field.clone(), from: from.clone(), to: Some(to.clone()) })
            }
        }
    }
    compared
}

/// The changes that bring about all of `values` from nothing.
pub(super) fn from_nothing(values: &Values) -> Vec<Change> {
    let new = |(field, value): (&FieldName, &FieldValue)| Change {
        field: field.clone(),
        from: None,
        to: Some(value.clone()),
    };
    values.iter().filter(|(_, value)| !value.is_empty()).map(new).collect()
}

/// The new values of `changes`.
pub(super) fn new_values(changes: &[Change]) -> Values {
    changes.iter().filter_map(|change| Some((change.field.clone(), change.to.clone()?))).collect()
}

/// A change of status as the plan shows it.
pub(super) fn status_change(from: &str, to: &str) -> Change {
    Change { field: "status".into(), from: Some(FieldValue::text(from)), to: Some(FieldValue::text(to)) }
}

/// What a change of fields means for what a person can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// The person can do more.
    pub adds_access: bool,
    /// The person can do less.
    pub reduces_access: bool,
}

/// Whether it changes what somebody may do.
pub(super) fn is_of_roles(change: &Change) -> bool {
    matches!(&*change.field, "role" | "roles")
}

/// Tells whether changes of roles give or take. A change between roles that cannot be compared may do both, and counts as
/// both.
pub(super) fn effect(changes: &[Change], rule: Option<&RoleRule>) -> Effect {
    let mut effect = Effect::default();
    for change in changes.iter().filter(|change| is_of_roles(change)) {
        let roles =
            |value: &Option<FieldValue>| -> BTreeSet<_> { value.iter().flat_map(FieldValue::texts).cloned().collect() };
        let (from, to) = (roles(&change.from), roles(&change.to));
        let rank = |roles: &BTreeSet<Arc<str>>| -> Option<usize> {
            let only = roles.first().filter(|_| roles.len() == 1)?;
            rule?.rank(only)
        };
        match (rank(&from), rank(&to)) {
            (Some(from), Some(to)) => {
                effect.adds_access |= to > from;
                effect.reduces_access |= to < from;
            }
            _ => {
                effect.adds_access |= !to.is_subset(&from);
                effect.reduces_access |= !from.is_subset(&to);
            }
        }
    }
    effect
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: Option<&str>, to: &str, adds_access: bool, reduces_access: bool) {
        let rule = RoleRule { ranked: ["viewer", "user", "admin"].map(Into::into).to_vec(), ..RoleRule::default() };
        let change = Change { field: "role".into(), from: from.map(Into::into), to: Some(to.into()) };
        assert_eq!(effect(&[change], Some(&rule)), Effect { adds_access, reduces_access }, "{from:?} to {to}");
    }

    #[test]
    fn a_higher_rank_gives_and_a_lower_one_takes() {
        check(Some("viewer"), "admin", true, false);
        check(Some("admin"), "user", false, true);
        check(None, "user", true, false);
    }

    #[test]
    fn roles_that_cannot_be_compared_may_give_and_take() {
        check(Some("auditor"), "user", true, true);
    }
}
