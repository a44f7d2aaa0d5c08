//! What a line says of fields → values as the connector knows them: known fields, known roles, `role` or `roles`.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use crate::{
    desired::{
        decode::Said,
        nearest,
        report::{Report, Span},
    },
    model::{FieldName, FieldValue, RoleRule, Semantics, Values},
};

use super::{Line, missing::Managed};

/// What a line says of a field that a membership may be without.
const NO_VALUE: &str = "none";

static NONE: BTreeSet<FieldName> = BTreeSet::new();

/// The fields of accounts, memberships or groups of one app.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    fields: &'a BTreeSet<FieldName>,
    /// Those that may be `none`.
    optional: &'a BTreeSet<FieldName>,
    pub role: Option<&'a RoleRule>,
    /// `accounts`, `members` or `groups`, for the errors.
    of: &'static str,
    connector: &'a str,
}

impl<'a> Rules<'a> {
    pub(super) fn accounts(semantics: &'a Semantics) -> Self {
        let role = semantics.role.as_ref();
        Self { fields: &semantics.fields, optional: &NONE, role, of: "accounts", connector: &semantics.connector }
    }

    pub(super) fn members(semantics: &'a Semantics) -> Self {
        let members = &semantics.members;
        let role = members.role.as_ref();
        let optional = &members.optional;
        Self { fields: &members.fields, optional, role, of: "members", connector: &semantics.connector }
    }

    pub(super) fn groups(semantics: &'a Semantics) -> Self {
        let (fields, connector) = (&semantics.groups.fields, &semantics.connector);
        Self { fields, optional: &NONE, role: None, of: "groups", connector }
    }

    fn knows(&self, field: &str) -> bool {
        self.fields.contains(field) || self.role.is_some_and(|rule| *rule.field() == *field)
    }

    /// The values of one line; those that are wrong are reported and left out. What it sets is managed from then on.
    pub(super) fn line(&self, said: &Said, span: Span, managed: &mut Managed, report: &mut Report<'_>) -> Rc<Line> {
        let mut line = Line { values: Values::new(), spans: BTreeMap::new(), span };
        for (name, (value, at)) in said {
            let Some((field, value)) = self.field(name, value, *at, report) else { continue };
            if let Some(rule) = self.role.filter(|rule| *rule.field() == *field) {
                value.texts().for_each(|role| self.check_role(rule, role, *at, report));
            }
            match (line.values.get_mut(&field), value) {
                // `role` and `roles` on one line both end up in `roles`.
                (Some(FieldValue::Set(known)), FieldValue::Set(more)) => known.extend(more),
                (_, value) => {
                    line.values.insert(field.clone(), value);
                }
            }
            line.spans.insert(field, *at);
        }
        for (field, &at) in &line.spans {
            let first = managed.entry(field.clone()).or_insert(at);
            *first = at.min(*first);
        }
        Rc::new(line)
    }

    /// The field a name stands for in this app, with its value in the field's form.
    pub(super) fn field(
        &self,
        name: &FieldName,
        value: &FieldValue,
        at: Span,
        report: &mut Report<'_>,
    ) -> Option<(FieldName, FieldValue)> {
        if self.optional.contains(name) && *value == FieldValue::text(NO_VALUE) {
            return Some((name.clone(), FieldValue::text("")));
        }
        if self.knows(name) && !matches!(&**name, "status" | "email") {
            return Some((name.clone(), value.clone()));
        }
        let Self { connector, of, .. } = *self;
        let mut refuse = |code, message: String, hint: &str| {
            report.error(code, at, message).hint(hint);
            None
        };
        match (&**name, value) {
            ("role", FieldValue::Text(role)) if self.knows("roles") => {
                Some(("roles".into(), FieldValue::Set(BTreeSet::from([Arc::clone(role)]))))
            }
            ("roles", FieldValue::Set(roles)) if self.knows("role") => match roles.first() {
                Some(role) if roles.len() == 1 => Some(("role".into(), FieldValue::Text(Arc::clone(role)))),
                _ => {
                    let message = format!("{of} of `{connector}` have one role, not {}", roles.len());
                    refuse("bad-role", message, "write `role: …`")
                }
            },
            ("role" | "roles", _) => refuse("bad-role", format!("{of} of `{connector}` have no roles"), "remove it"),
            ("status" | "email", _) => {
                let hint = if &**name == "status" {
                    "a person's `status` stands under `people`; an account goes when no line grants it"
                } else {
                    "the address is the key; other addresses of a person are `aliases` under `people`"
                };
                refuse("unknown-field", format!("`{name}` cannot be set on a line of {of}"), hint)
            }
            _ => {
                let known = self.known();
                let hint = nearest::hint(name, known.iter().map(|name| &**name), "known keys");
                refuse("unknown-field", format!("{of} of `{connector}` have no field `{name}`"), &hint)
            }
        }
    }

    /// Everything a line may say.
    fn known(&self) -> BTreeSet<FieldName> {
        let language: &[&str] = match self.of {
            "groups" => &["id", "state", "members", "mode", "policy"],
            _ => &["from", "until", "reason"],
        };
        let mut known: BTreeSet<FieldName> = language.iter().map(|&name| name.into()).collect();
        known.extend(self.fields.iter().filter(|name| !matches!(&***name, "status" | "email")).cloned());
        known.extend(self.role.map(RoleRule::field));
        known
    }

    /// Whether there is such a role.
    pub(super) fn check_role(&self, rule: &RoleRule, role: &str, at: Span, report: &mut Report<'_>) {
        if !rule.values.is_empty() && !rule.values.contains(role) {
            let message = format!("{} of `{}` have no role `{role}`", self.of, self.connector);
            let hint = nearest::hint(role, rule.values.iter().map(|role| &**role), "roles");
            report.error("bad-role", at, message).hint(hint);
        }
    }
}
