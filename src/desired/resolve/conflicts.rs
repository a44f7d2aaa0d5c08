//! Lines that disagree: two values for a field that holds one, at the same time.

use std::collections::BTreeMap;

use crate::{
    desired::report::{Report, Span},
    model::{Email, FieldName, FieldValue, RoleRule},
};

use super::Claimed;

/// Two lines that disagree, and for whom.
pub(super) struct Conflicts<'a> {
    app: &'a str,
    /// By the two lines: one clash of two grants is one problem, however many people have both.
    found: BTreeMap<(Span, Span), Clash>,
}

struct Clash {
    field: FieldName,
    values: (FieldValue, FieldValue),
    person: Email,
    group: Option<String>,
    others: usize,
}

impl<'a> Conflicts<'a> {
    pub(super) fn new(app: &'a str) -> Self {
        Self { app, found: BTreeMap::new() }
    }

    /// Looks at everything one person is given in one place; `role` ranks its roles, if they can be ranked.
    pub(super) fn look(&mut self, person: &Email, group: Option<&str>, claims: &[Claimed], role: Option<&RoleRule>) {
        for (i, one) in claims.iter().enumerate() {
            for other in &claims[i + 1..] {
                if std::rc::Rc::ptr_eq(&one.line, &other.line) {
                    continue;
                }
                for (field, value) in &one.line.values {
                    let Some(second) = other.line.values.get(field) else { continue };
                    if value == second
                        || matches!(value, FieldValue::Set(_))
                        || ranked(role, field, value, second)
                        || !one.claim.window.overlaps(other.claim.window)
                    {
                        continue;
                    }
                    let at = |claimed: &Claimed| claimed.line.spans.get(field).copied().unwrap_or(claimed.line.span);
                    let (a, b) = (at(one), at(other));
                    let (key, values) = if a <= b {
                        ((a, b), (value.clone(), second.clone()))
                    } else {
                        ((b, a), (second.clone(), value.clone()))
                    };
                    let new = || Clash {
                        field: field.clone(),
                        values,
                        person: person.clone(),
                        group: group.map(ToOwned::to_owned),
                        others: 0,
                    };
                    let clash = self.found.entry(key).or_insert_with(new);
                    clash.others += usize::from(clash.person != *person);
                }
            }
        }
    }

    pub(super) fn report(self, report: &mut Report<'_>) {
        for ((first, second), clash) in self.found {
            let Clash { field, values: (a, b), person, group, others } = clash;
            let place = match group {
                Some(group) => format!("group `{group}` of app `{}`", self.app),
                None => format!("app `{}`", self.app),
            };
            let more = match others {
                0 => String::new(),
                1 => " (and one more person)".to_owned(),
                n => format!(" (and {n} more people)"),
            };
            let message = format!("`{person}` gets two values of `{field}` in {place}{more}");
            let draft = report.error("conflict", second, message).label(format!("`{b}` here"));
            draft.and(first, format!("`{a}` here")).hint("the app takes one, and nothing says which is higher; change one of the lines, or let their windows not meet");
        }
    }
}

/// Whether the connector can tell which of two roles is the higher one.
fn ranked(role: Option<&RoleRule>, field: &str, a: &FieldValue, b: &FieldValue) -> bool {
    let Some(rule) = role.filter(|rule| *rule.field() == *field) else { return false };
    let rank = |value: &FieldValue| value.texts().next().and_then(|role| rule.rank(role));
    rank(a).is_some() && rank(b).is_some()
}
