//! The part of SCIM's filter language that this server understands: comparisons with `eq`, joined by `and`.

use serde_json::Value;

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Equals {
    /// The attribute without its schema, as written.
    pub(super) attribute: String,
    pub(super) value: Value,
}

/// Reads a filter; the error says what cannot be read.
pub(super) fn parse(text: &str) -> Result<Vec<Equals>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    loop {
        let (attribute, tail) = word(rest).ok_or_else(|| format!("an attribute is missing in `{text}`"))?;
        let (operator, tail) = word(tail).ok_or_else(|| format!("an operator is missing in `{text}`"))?;
        if !operator.eq_ignore_ascii_case("eq") {
            return Err(format!("the operator `{operator}` is not supported"));
        }
        let mut literals = serde_json::Deserializer::from_str(tail).into_iter::<Value>();
        let value = match literals.next() {
            Some(Ok(value @ (Value::String(_) | Value::Bool(_) | Value::Number(_)))) => value,
            _ => return Err(format!("a value is missing or malformed in `{text}`")),
        };
        let after = &tail[literals.byte_offset()..];
        found.push(Equals { attribute: without_schema(attribute).to_owned(), value });
        if after.trim().is_empty() {
            return Ok(found);
        }
        match word(after) {
            Some((and, tail)) if and.eq_ignore_ascii_case("and") && after.starts_with(' ') => rest = tail,
            _ => return Err(format!("`{}` is not supported", after.trim())),
        }
    }
}

/// The first word and what follows it. Parentheses and brackets are no part of any word that is understood here.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let (word, rest) = text.split_at(text.find(' ')?);
    let plain = |c: char| c.is_ascii_alphanumeric() || "$-_.:".contains(c);
    (!word.is_empty() && word.chars().all(plain)).then(|| (word, rest.trim_start()))
}

/// An attribute without the URN of its schema: a version has a dot, so the last colon ends the URN.
fn without_schema(attribute: &str) -> &str {
    match attribute.rsplit_once(':') {
        Some((urn, name)) if urn.to_ascii_lowercase().starts_with("urn:") => name,
        _ => attribute,
    }
}

/// Whether two values are equal; text without case where the attribute says so.
pub(super) fn same(found: &Value, wanted: &Value, case_exact: bool) -> bool {
    match (found, wanted) {
        (Value::String(found), Value::String(wanted)) if !case_exact => found.to_lowercase() == wanted.to_lowercase(),
        _ => found == wanted,
    }
}
