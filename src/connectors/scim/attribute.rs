//! Attributes of resources: where they are, whatever case the server writes their names in, and how they are set without
//! disturbing anything beside them.

use serde_json::{Map, Value, json};

/// The schema whose attributes stand at the top of a user.
pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// The schema whose attributes stand at the top of a group.
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// The attribute that holds the members of a group.
pub(super) const MEMBERS: &str = "members";

/// Where an attribute is: `title`, `name.givenName`, or with the schema of an extension before it and a colon in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    /// The extension's schema.
    schema: Option<String>,
    /// Names from the outside to the inside.
    names: Vec<String>,
}

impl Attribute {
    /// Parses `[SCHEMA:]NAME[.NAME]`.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence that begins with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (schema, names) = match text.rsplit_once(':') {
            Some((schema, names)) if schema.to_ascii_lowercase().starts_with("urn:") => (Some(schema), names),
            Some(_) => return Err("has a colon, but no schema (`urn:…`) before it".into()),
            None => (None, text),
        };
        let names: Vec<String> = names.split('.').map(str::to_owned).collect();
        let is_name = |name: &String| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "$_-".contains(c))
        };
        if names.len() > 2 || !names.iter().all(is_name) {
            return Err("is no attribute: write `title`, `name.givenName` or `urn:…:User:department`".into());
        }
        let schema = schema.filter(|schema| !schema.eq_ignore_ascii_case(USER)).map(str::to_owned);
        Ok(Self { schema, names })
    }

    /// The way it is written in a path.
    pub(super) fn path(&self) -> String {
        let names = self.names.join(".");
        self.schema.as_ref().map_or_else(|| names.clone(), |schema| format!("{schema}:{names}"))
    }

    /// Its value, if the resource has one.
    pub(super) fn get<'a>(&self, resource: &'a Value) -> Option<&'a Value> {
        self.steps().try_fold(resource, |value, name| get(value, name))
    }

    /// Puts it where it belongs, beside whatever is there.
    pub(super) fn set(&self, resource: &mut Value, value: Value) {
        let mut at = &mut *resource;
        for name in self.steps() {
            at = entry(at, name);
        }
        *at = value;
        if let Some(schema) = &self.schema {
            declare(resource, schema);
        }
    }

    fn steps(&self) -> impl Iterator<Item = &str> {
        self.schema.iter().chain(&self.names).map(String::as_str)
    }
}

/// An attribute of an object. Names are compared without case.
pub(super) fn get<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = object.as_object()?;
    fields.get(name).or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The place of an attribute in an object, made where there is none.
fn entry<'a>(object: &'a mut Value, name: &str) -> &'a mut Value {
    if !object.is_object() {
        *object = json!({});
    }
    let fields = object.as_object_mut().expect("it was made an object a line above");
    let key = fields.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned());
    fields.entry(key).or_insert(Value::Null)
}

/// Sets an attribute of an object under the name it has there.
pub(super) fn set(object: &mut Value, name: &str, value: Value) {
    *entry(object, name) = value;
}

/// Names the schema of an extension among those of a resource.
fn declare(resource: &mut Value, schema: &str) {
    let schemas = entry(resource, "schemas");
    match schemas {
        Value::Array(all) => {
            if !all.iter().any(|one| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(schema))) {
                all.push(schema.into());
            }
        }
        other => *other = json!([schema]),
    }
}

/// An id or a name.
pub(super) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A resource that is being made.
pub(super) fn new(schema: &str) -> Value {
    Value::Object(Map::from_iter([("schemas".to_owned(), json!([schema]))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn check(path: &str, resource: Value, after: Value) {
        let attribute = Attribute::parse(path).unwrap();
        let mut changed = resource;
        attribute.set(&mut changed, "x".into());
        assert_eq!(changed, after);
        assert_eq!(attribute.get(&changed), Some(&Value::from("x")));
    }

    #[test]
    fn an_attribute_is_set_beside_what_is_there() {
        check("title", json!({"id": "1"}), json!({"id": "1", "title": "x"}));
        check(
            "name.givenName",
            json!({"name": {"familyName": "Doe", "middleName": "Q"}}),
            json!({"name": {"familyName": "Doe", "middleName": "Q", "givenName": "x"}}),
        );
        check("name.givenName", json!({"name": null}), json!({"name": {"givenName": "x"}}));
    }

    #[test]
    fn names_are_compared_without_case() {
        check("title", json!({"Title": "old"}), json!({"Title": "x"}));
        check("urn:ietf:params:scim:schemas:core:2.0:User:title", json!({}), json!({"title": "x"}));
        let upper = EXTENSION.to_uppercase();
        check(
            &format!("{EXTENSION}:department"),
            json!({"schemas": [upper], upper.clone(): {"costCenter": "7"}}),
            json!({"schemas": [upper], upper: {"costCenter": "7", "department": "x"}}),
        );
    }

    #[test]
    fn an_extension_is_named_among_the_schemas() {
        check(
            &format!("{EXTENSION}:department"),
            json!({"schemas": [USER]}),
            json!({"schemas": [USER, EXTENSION], EXTENSION: {"department": "x"}}),
        );
    }

    #[test]
    fn what_is_no_attribute_is_refused() {
        for wrong in ["", "a b", "a.b.c", "x:y", "a[b]", "a."] {
            assert!(Attribute::parse(wrong).is_err(), "{wrong}");
        }
    }
}
