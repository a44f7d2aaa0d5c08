//! A user's fields, and what creating and replacing do with them, in both dialects.

use serde_json::{Map, Value, json};

use super::{Alteryx, Dialect};
use crate::sandbox::{
    email::is_email,
    roster::{Refusal, User},
};

/// A field of a user that clients write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    name: &'static str,
    kind: Kind,
    /// Whether a PUT must hold it.
    on_put: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Text that must not be empty; always required.
    Name,
    Email,
    /// Required on create unless the dialect has a role for whom none is given.
    Role,
    /// True unless something else is said.
    Active,
    /// False unless something else is said.
    Flag,
    /// Text or null.
    Text,
    /// Text, empty unless something else is said.
    Plain,
}

pub(super) const NAMES: [Field; 4] = [
    required("firstName", Kind::Name),
    required("lastName", Kind::Name),
    required("email", Kind::Email),
    required("role", Kind::Role),
];

const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, on_put: true }
}

pub(super) const fn active(on_put: bool) -> Field {
    Field { name: "isActive", kind: Kind::Active, on_put }
}

pub(super) const fn flag(name: &'static str, on_put: bool) -> Field {
    Field { name, kind: Kind::Flag, on_put }
}

pub(super) const fn text(name: &'static str, on_put: bool) -> Field {
    Field { name, kind: Kind::Text, on_put }
}

pub(super) const fn plain(name: &'static str, on_put: bool) -> Field {
    Field { name, kind: Kind::Plain, on_put }
}

impl Field {
    /// The value of a field that is not given.
    fn unset(&self, dialect: &Dialect) -> Value {
        match self.kind {
            Kind::Name | Kind::Email | Kind::Text => Value::Null,
            Kind::Role => dialect.default_role.map_or(Value::Null, |role| json!(role)),
            Kind::Active => Value::Bool(true),
            Kind::Flag => Value::Bool(false),
            Kind::Plain => json!(""),
        }
    }

    fn on_create(&self, dialect: &Dialect) -> bool {
        match self.kind {
            Kind::Name | Kind::Email => true,
            Kind::Role => dialect.default_role.is_none(),
            _ => false,
        }
    }

    fn check(&self, app: &Alteryx, value: &Value) -> Result<(), Refusal> {
        let wrong = |expected: &str| Err(Refusal::invalid(format!("{} must be {expected}.", self.name)));
        match (self.kind, value) {
            (Kind::Name, Value::String(text)) if !text.trim().is_empty() => Ok(()),
            (Kind::Name, _) => wrong("text that is not empty"),
            (Kind::Email, Value::String(text)) if is_email(text) => Ok(()),
            (Kind::Email, _) => wrong("an email address"),
            (Kind::Role, Value::String(role)) => app.check_role(role),
            (Kind::Role, _) => wrong("a role"),
            (Kind::Active | Kind::Flag, Value::Bool(_)) | (Kind::Plain, Value::String(_)) => Ok(()),
            (Kind::Active | Kind::Flag, _) => wrong("true or false"),
            (Kind::Text, Value::String(_) | Value::Null) => Ok(()),
            (Kind::Text, _) => wrong("text or null"),
            (Kind::Plain, _) => wrong("text"),
        }
    }
}

/// A user of whom nothing is given.
pub(super) fn unset(dialect: &Dialect) -> Map<String, Value> {
    dialect.fields.iter().map(|field| (field.name.to_owned(), field.unset(dialect))).collect()
}

/// The user that a create's body describes, who is not there yet.
pub(super) fn created(app: &Alteryx, body: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let dialect = app.dialect;
    if let Some(other) = body.keys().find(|key| !dialect.fields.iter().any(|field| field.name == key.as_str())) {
        return Err(Refusal::invalid(format!("{other} cannot be written.")));
    }
    let mut raw = unset(dialect);
    for field in dialect.fields {
        match body.get(field.name) {
            Some(value) => {
                field.check(app, value)?;
                raw.insert(field.name.to_owned(), value.clone());
            }
            None if field.on_create(dialect) => return Err(Refusal::invalid(format!("{} is required.", field.name))),
            None => {}
        }
    }
    check_free(app, &raw, None)?;
    for field in std::iter::once(dialect.created).chain(dialect.updated) {
        raw.insert(field.to_owned(), json!(app.roster.now));
    }
    Ok(raw)
}

/// What a PUT makes of a user: everything that the body leaves out is as if it had never been set.
pub(super) fn replaced(app: &Alteryx, user: &User, body: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let dialect = app.dialect;
    if let Some(other) = body.keys().find(|key| !user.raw.contains_key(*key) && !is_fixed(dialect, key)) {
        return Err(Refusal::invalid(format!("{other} cannot be written.")));
    }
    if let Some(field) = dialect.fields.iter().find(|field| field.on_put && !body.contains_key(field.name)) {
        return Err(Refusal::invalid(format!("{} is required: PUT replaces the whole user.", field.name)));
    }
    let mut raw = Map::new();
    for (name, before) in &user.raw {
        let given = body.get(name);
        let field = dialect.fields.iter().find(|field| field.name == name);
        let after = match (given, field) {
            _ if is_fixed(dialect, name) => {
                if given.is_some_and(|given| given != before) {
                    return Err(Refusal::invalid(format!("{name} cannot be changed.")));
                }
                before.clone()
            }
            (Some(given), Some(field)) => {
                field.check(app, given)?;
                given.clone()
            }
            (None, Some(field)) => field.unset(dialect),
            (Some(given), None) => given.clone(),
            // Of a field that is not in the guide, its kind is known by its value alone.
            (None, None) if before.is_boolean() => Value::Bool(false),
            (None, None) => Value::Null,
        };
        raw.insert(name.clone(), after);
    }
    check_free(app, &raw, Some(&user.id))?;
    Ok(raw)
}

fn is_fixed(dialect: &Dialect, field: &str) -> bool {
    dialect.fixed.contains(&field)
}

/// Refuses an email that another user has.
fn check_free(app: &Alteryx, raw: &Map<String, Value>, owner: Option<&str>) -> Result<(), Refusal> {
    let email = raw.get("email").and_then(Value::as_str).unwrap_or_default();
    match app.roster.owner_of(email) {
        Some(other) if Some(other) != owner => {
            let status = if app.quirks.has("duplicate-400") { 400 } else { 409 };
            Err(Refusal::new(status, "A user with this email exists."))
        }
        _ => Ok(()),
    }
}
