//! `{placeholders}` and dotted paths: all the logic a manifest can have.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::connectors::http::segment;

/// A text with placeholders: `/users/{account.id}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("pattern" = r"^([^{}]|\{\s*[A-Za-z0-9_.]+\s*\})*$"))]
pub(in crate::connectors) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Hole(String),
}

/// Values of placeholders by name.
pub(super) type Bindings<'a> = BTreeMap<Cow<'a, str>, Value>;

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some(open) = rest.find(['{', '}']) {
            if rest[open..].starts_with('}') {
                return Err(format!("`{text}` has a `}}` without a `{{`"));
            }
            let close = rest[open..].find('}').ok_or_else(|| format!("`{text}` has a `{{` without a `}}`"))? + open;
            let name = rest[open + 1..close].trim();
            let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
            if name.is_empty() || !name.chars().all(fine) {
                return Err(format!(
                    "`{{{name}}}` in `{text}` is no placeholder; write a name such as `{{account.id}}`"
                ));
            }
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            parts.push(Part::Hole(name.to_owned()));
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Hole(name) => write!(f, "{{{name}}}"),
        })
    }
}

impl Template {
    /// Whether it begins with this letter, and not with a placeholder.
    pub(super) fn starts_with(&self, letter: char) -> bool {
        matches!(self.0.first(), Some(Part::Text(text)) if text.starts_with(letter))
    }

    /// The placeholders in it.
    pub(super) fn holes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Hole(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with its placeholders filled in; `None` when one has no value.
    pub(in crate::connectors) fn text(&self, bindings: &Bindings<'_>) -> Option<String> {
        let part = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Hole(name) => plain(bindings.get(name.as_str())?),
        };
        self.0.iter().map(part).collect()
    }

    /// The text as a URL path. Each value becomes one segment or part of one, whatever is in it.
    pub(super) fn path(&self, bindings: &Bindings<'_>) -> Result<String, String> {
        let part = |part: &Part| match part {
            Part::Text(text) => Ok(text.clone()),
            Part::Hole(name) => {
                let value = bindings.get(name.as_str()).and_then(plain);
                let value = value.ok_or_else(|| format!("there is no value for {{{name}}}"))?;
                segment(&value).ok_or_else(|| format!("`{value}` cannot stand for {{{name}}} in an address"))
            }
        };
        self.0.iter().map(part).collect()
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

// JSON with placeholders. A text that is nothing but a placeholder becomes the value itself, whatever its type; without a value,
// the key or element that holds it is left out. No doc comment, because the schema would show it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "Value")]
#[schemars(with = "Value")]
pub(super) enum BodyTemplate {
    Text(Template),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
    Fixed(Value),
}

impl TryFrom<Value> for BodyTemplate {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::Text(text.try_into()?),
            Value::Array(all) => Self::List(all.into_iter().map(Self::try_from).collect::<Result<_, _>>()?),
            Value::Object(map) => {
                let entry = |(key, value)| Ok::<_, String>((key, Self::try_from(value)?));
                Self::Map(map.into_iter().map(entry).collect::<Result<_, _>>()?)
            }
            fixed => Self::Fixed(fixed),
        })
    }
}

impl BodyTemplate {
    /// The placeholders in it.
    pub(super) fn holes(&self) -> Vec<&str> {
        match self {
            Self::Text(template) => template.holes().collect(),
            Self::List(all) => all.iter().flat_map(Self::holes).collect(),
            Self::Map(map) => map.iter().flat_map(|(_, value)| value.holes()).collect(),
            Self::Fixed(_) => Vec::new(),
        }
    }

    /// The JSON with its placeholders filled in.
    pub(super) fn fill(&self, bindings: &Bindings<'_>) -> Option<Value> {
        match self {
            Self::Text(template) => match template.0.as_slice() {
                [Part::Hole(name)] => bindings.get(name.as_str()).cloned(),
                _ => template.text(bindings).map(Value::String),
            },
            Self::List(all) => Some(Value::Array(all.iter().filter_map(|value| value.fill(bindings)).collect())),
            Self::Map(map) => {
                let filled = map.iter().filter_map(|(key, value)| Some((key.clone(), value.fill(bindings)?)));
                Some(Value::Object(filled.collect()))
            }
            Self::Fixed(value) => Some(value.clone()),
        }
    }
}

/// Where a value is in JSON: `pagination.total`, `emails.0.value`, `.` for the whole, or a list of keys, in which dots are no
/// more than letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "Value", extend("anyOf" = [
    { "type": "string", "pattern": r"^(\.|[^.*]+(\.[^.*]+)*)$" },
    { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 },
]))]
pub(in crate::connectors) struct Dotted(Vec<String>);

impl<'de> Deserialize<'de> for Dotted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextOrKeys)
    }
}

struct TextOrKeys;

impl<'de> Visitor<'de> for TextOrKeys {
    type Value = Dotted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path: names with dots between them, or a list of names such as `[a.b, c]`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Dotted, E> {
        Dotted::try_from(text.to_owned()).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Dotted, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_bool<E: Error>(self, word: bool) -> Result<Dotted, E> {
        self.visit_str(&word.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut keys: A) -> Result<Dotted, A::Error> {
        let mut all: Vec<String> = Vec::new();
        while let Some(key) = keys.next_element()? {
            all.push(key);
        }
        if all.is_empty() || all.iter().any(String::is_empty) {
            return Err(A::Error::custom("a path that is a list has at least one key, and none that is empty"));
        }
        Ok(Dotted(all))
    }
}

impl TryFrom<String> for Dotted {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "." {
            return Ok(Self(Vec::new()));
        }
        let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
        if text.contains('*') {
            return Err(format!(
                "`{text}` has a `*`, which means nothing in a path; name one place, such as `emails.0.value`"
            ));
        }
        if parts.iter().any(String::is_empty) {
            return Err(format!("`{text}` is no path; write names with dots between them, or `.` for the whole"));
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Dotted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { "" })?;
        f.write_str(&self.0.join("."))
    }
}

impl Dotted {
    /// The value there; `None` when there is no such key, which is not the same as null.
    pub(in crate::connectors) fn get<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, part| match value {
            Value::Array(all) => all.get(part.parse::<usize>().ok()?),
            other => other.get(part),
        })
    }

    /// Whether the place lies within `other`, and is not the whole of it.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }

    /// Puts a value there, making objects on the way.
    pub(super) fn set(&self, target: &mut Value, value: Value) {
        let mut place = target;
        for part in &self.0 {
            let index = part.parse::<usize>().ok().filter(|index| place.get(index).is_some());
            place = match index {
                Some(index) => &mut place[index],
                None => {
                    if !place.is_object() {
                        *place = Value::Object(Map::new());
                    }
                    &mut place[part]
                }
            };
        }
        *place = value;
    }

    /// Takes the list there out of a value; empty when there is none.
    pub(super) fn take(&self, value: &mut Value) -> Vec<Value> {
        match value.pointer_mut(&self.pointer()).map(Value::take) {
            Some(Value::Array(rows)) => rows,
            _ => Vec::new(),
        }
    }

    /// Takes the key there out of an object.
    pub(super) fn remove(&self, value: &mut Value) {
        let Some((last, way)) = self.0.split_last() else { return };
        if let Some(Value::Object(map)) = value.pointer_mut(&pointer(way)) {
            map.shift_remove(last);
        }
    }

    /// The path as a JSON pointer.
    pub(super) fn pointer(&self) -> String {
        pointer(&self.0)
    }
}

fn pointer(parts: &[String]) -> String {
    parts.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

/// An id or a name.
pub(super) fn text(path: &Dotted, row: &Value) -> Option<Arc<str>> {
    match path.get(row)? {
        Value::String(text) if !text.is_empty() => Some(text.as_str().into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// An id or a name, without which the row is none; `what` is for the sentence that says so.
pub(super) fn need(what: &str, path: &Dotted, row: &Value) -> Result<Arc<str>, String> {
    text(path, row).ok_or_else(|| format!("a {what} has no `{path}`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bindings() -> Bindings<'static> {
        let pairs = [
            ("account.id", json!("a/b?c#d é")),
            ("number", json!(7)),
            ("roles", json!(["x", "y"])),
            ("dots", json!("..")),
        ];
        pairs.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect()
    }

    fn check_path(template: &str, expected: Result<&str, &str>) {
        let path = Template::try_from(template.to_owned()).unwrap().path(&bindings());
        assert_eq!(path.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn a_value_cannot_leave_its_path_segment() {
        check_path("/users/{account.id}/teams", Ok("/users/a%2Fb%3Fc%23d%20%C3%A9/teams"));
        check_path("/users/{ number }", Ok("/users/7"));
        check_path("/users/{dots}", Err("`..` cannot stand for {dots} in an address"));
        check_path("/users/{nobody}", Err("there is no value for {nobody}"));
    }

    #[test]
    fn malformed_templates_are_refused() {
        for text in ["/users/{id", "/users/id}", "/users/{}", "/users/{a b}"] {
            assert!(Template::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn bodies_keep_types_and_leave_out_what_has_no_value() {
        let body = json!({"n": "{number}", "text": "no. {number}", "roles": "{roles}", "gone": "{x}", "ids": ["{number}", "{x}"], "on": true});
        let filled = BodyTemplate::try_from(body).unwrap().fill(&bindings()).unwrap();
        assert_eq!(filled, json!({"n": 7, "text": "no. 7", "roles": ["x", "y"], "ids": [7], "on": true}));
    }

    #[test]
    fn dotted_paths_read_and_write() {
        let path = |text: &str| Dotted::try_from(text.to_owned()).unwrap();
        let mut value = json!({"a": {"b": null}, "list": [{"v": 1}]});
        assert_eq!(path("a.b").get(&value), Some(&Value::Null));
        assert_eq!(path("a.c").get(&value), None);
        assert_eq!(path("list.0.v").get(&value), Some(&json!(1)));
        assert_eq!(path(".").get(&value), Some(&value));
        path("a.b.c").set(&mut value, json!("x"));
        path("list.0.v").set(&mut value, json!(2));
        assert_eq!(value, json!({"a": {"b": {"c": "x"}}, "list": [{"v": 2}]}));
        assert!(Dotted::try_from("a..b".to_owned()).is_err());
        assert!(Dotted::try_from("a.*.b".to_owned()).is_err());
    }
}
