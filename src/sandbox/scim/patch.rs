//! PATCH: operations on a copy of a resource, all or nothing (RFC 7644, section 3.5.2).

use serde_json::{Map, Value, json};

use super::{
    ENTERPRISE, Kind,
    filter::{self, Equals},
    show::bad,
};
use crate::sandbox::{app::Answer, quirks::Quirks};

/// Attributes that hold a list.
const MULTI: [&str; 10] = [
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "entitlements",
    "roles",
    "x509Certificates",
    "members",
    "schemas",
];

/// Other attributes whose spelling is known, so that a name in another case means the same.
const SINGLE: [&str; 19] = [
    "id",
    "meta",
    "groups",
    "userName",
    "externalId",
    "name",
    "displayName",
    "nickName",
    "title",
    "userType",
    "active",
    "preferredLanguage",
    "locale",
    "timezone",
    "profileUrl",
    "password",
    "givenName",
    "familyName",
    "formatted",
];

/// How many members a PATCH may change where there is a limit.
const MOST_MEMBERS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

/// `attribute[filter].sub`, maybe of an extension.
struct Path {
    extension: Option<String>,
    attribute: String,
    filter: Option<Vec<Equals>>,
    sub: Option<String>,
}

/// The body after the operations.
pub(super) fn apply(
    kind: Kind,
    quirks: &Quirks,
    body: &Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<Map<String, Value>, Answer> {
    let operations = patch.iter().find(|(key, _)| key.eq_ignore_ascii_case("Operations")).map(|(_, value)| value);
    let operations = operations.and_then(Value::as_array).filter(|operations| !operations.is_empty());
    let operations = operations.ok_or_else(|| bad("invalidSyntax", "Operations must be a list that is not empty."))?;
    let mut body = body.clone();
    let mut changed_members = 0;
    for operation in operations {
        let word = operation["op"].as_str().unwrap_or_default();
        let op = match word.to_lowercase().as_str() {
            "add" => Op::Add,
            "replace" => Op::Replace,
            "remove" => Op::Remove,
            _ => return Err(bad("invalidSyntax", &format!("`{word}` is not an operation."))),
        };
        let value = operation.get("value").filter(|value| !value.is_null());
        let path = match &operation["path"] {
            Value::Null => None,
            Value::String(path) => Some(parse_path(path)?),
            _ => return Err(bad("invalidPath", "path must be text.")),
        };
        if quirks.has("max-patch-members-100") && kind == Kind::Group {
            changed_members += limited(op, path.as_ref(), value)?;
        }
        match (path, value, op) {
            (None, _, Op::Remove) => return Err(bad("noTarget", "remove needs a path.")),
            (None, Some(Value::Object(values)), _) => {
                for (name, value) in values {
                    let path = parse_path(name)?;
                    if !kind.read_only().contains(&path.attribute.as_str()) {
                        write(&mut body, kind, op, &path, value)?;
                    }
                }
            }
            (None, _, _) => return Err(bad("invalidValue", "Without a path, the value must be an object.")),
            (Some(path), value, Op::Remove) => {
                guard(kind, &path)?;
                let ignores_value = quirks.has("remove-with-value-empties-group");
                remove(&mut body, &path, value.filter(|_| !ignores_value))?;
            }
            (Some(path), None, Op::Replace) => {
                guard(kind, &path)?;
                remove(&mut body, &path, None)?;
            }
            (Some(_), None, Op::Add) => return Err(bad("invalidValue", "add needs a value.")),
            (Some(path), Some(value), _) => {
                guard(kind, &path)?;
                write(&mut body, kind, op, &path, value)?;
            }
        }
    }
    match changed_members > MOST_MEMBERS {
        true => Err(bad("tooMany", &format!("At most {MOST_MEMBERS} members can be changed at once."))),
        false => Ok(body),
    }
}

/// Refuses what AWS refuses; returns the number of members that are changed.
fn limited(op: Op, path: Option<&Path>, value: Option<&Value>) -> Result<usize, Answer> {
    let Some(path) = path else { return Ok(0) };
    if !["displayName", "externalId", "members"].contains(&path.attribute.as_str()) {
        return Err(bad("invalidPath", &format!("{} cannot be patched here.", path.attribute)));
    }
    if path.attribute != "members" {
        return Ok(0);
    }
    match (op, &path.filter, value) {
        (Op::Replace, _, _) | (Op::Remove, None, None) => {
            Err(bad("invalidValue", "All members cannot be replaced or removed at once."))
        }
        (_, _, Some(Value::Array(values))) => Ok(values.len()),
        _ => Ok(1),
    }
}

fn guard(kind: Kind, path: &Path) -> Result<(), Answer> {
    if path.extension.is_none() && kind.read_only().contains(&path.attribute.as_str()) {
        return Err(bad("mutability", &format!("{} is read-only.", path.attribute)));
    }
    if path.attribute == "members" && path.sub.is_some() {
        return Err(bad("mutability", "A member is added or removed, never changed."));
    }
    Ok(())
}

fn parse_path(text: &str) -> Result<Path, Answer> {
    let invalid = || bad("invalidPath", &format!("`{text}` is not a path that is understood here."));
    let text = text.trim();
    // An extension as a whole, as it stands in a value without a path.
    if text.eq_ignore_ascii_case(ENTERPRISE) {
        return Ok(Path { extension: None, attribute: ENTERPRISE.to_owned(), filter: None, sub: None });
    }
    let head_ends = text.find('[').unwrap_or(text.len());
    let (extension, rest) = match text[..head_ends].rfind(':') {
        Some(colon) if text.to_ascii_lowercase().starts_with("urn:") => {
            let (urn, rest) = (&text[..colon], &text[colon + 1..]);
            let core = urn.to_ascii_lowercase().contains(":schemas:core:2.0");
            ((!core).then(|| urn.to_owned()), rest)
        }
        Some(_) => return Err(invalid()),
        None => (None, text),
    };
    let (name, filter, sub) = match rest.split_once('[') {
        Some((name, tail)) => {
            let (condition, tail) = tail.rsplit_once(']').ok_or_else(invalid)?;
            let filter = filter::parse(condition).map_err(|reason| bad("invalidFilter", &reason))?;
            let sub = match tail {
                "" => None,
                _ => Some(tail.strip_prefix('.').ok_or_else(invalid)?.to_owned()),
            };
            (name, Some(filter), sub)
        }
        None => match rest.split_once('.') {
            Some((name, sub)) => (name, None, Some(sub.to_owned())),
            None => (rest, None, None),
        },
    };
    let plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "$-_".contains(c));
    if !plain(name) || sub.as_deref().is_some_and(|sub| !plain(sub)) {
        return Err(invalid());
    }
    Ok(Path { extension, attribute: spelling(name), filter, sub: sub.map(|sub| spelling(&sub)) })
}

/// A name in the case in which the schemas spell it.
pub(super) fn spelling(name: &str) -> String {
    let known = MULTI.iter().chain(&SINGLE).find(|known| known.eq_ignore_ascii_case(name));
    known.map_or_else(|| name.to_owned(), |known| (*known).to_owned())
}

/// The object that holds the attribute: the resource, or the extension's part of it.
fn holder<'a>(body: &'a mut Map<String, Value>, path: &Path) -> Result<&'a mut Map<String, Value>, Answer> {
    let Some(urn) = &path.extension else { return Ok(body) };
    let key = body.keys().find(|key| key.eq_ignore_ascii_case(urn)).unwrap_or(urn).clone();
    let part = body.entry(key).or_insert_with(|| json!({}));
    part.as_object_mut().ok_or_else(|| bad("invalidPath", &format!("{urn} is not an object.")))
}

fn fits(element: &Value, filter: &[Equals]) -> bool {
    let case_exact = |attribute: &str| attribute.eq_ignore_ascii_case("value");
    filter.iter().all(|wanted| {
        let absent = Value::Null;
        let found = element.get(spelling(&wanted.attribute)).unwrap_or(&absent);
        // A list's value is compared exactly, as an id is; `type` and the like are not.
        filter::same(found, &wanted.value, case_exact(&wanted.attribute))
    })
}

fn elements(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        other => vec![other.clone()],
    }
}

/// Adds or replaces.
fn write(body: &mut Map<String, Value>, kind: Kind, op: Op, path: &Path, value: &Value) -> Result<(), Answer> {
    let no_target = || bad("noTarget", &format!("Nothing in {} fits the filter.", path.attribute));
    let holder = holder(body, path)?;
    let name = path.attribute.as_str();
    if let Some(filter) = &path.filter {
        let list = holder.get_mut(name).and_then(Value::as_array_mut).ok_or_else(no_target)?;
        let chosen: Vec<usize> = (0..list.len()).filter(|at| fits(&list[*at], filter)).collect();
        if chosen.is_empty() {
            return Err(no_target());
        }
        for at in &chosen {
            match &path.sub {
                Some(sub) => list[*at][sub] = value.clone(),
                None => merge(&mut list[*at], value),
            }
        }
        only_one_primary(list, &chosen);
        return Ok(());
    }
    if let Some(sub) = &path.sub {
        if MULTI.contains(&name) {
            return Err(bad("invalidPath", &format!("{name} is a list; a filter has to choose from it.")));
        }
        let object = holder.entry(name).or_insert_with(|| json!({}));
        let object = object.as_object_mut().ok_or_else(|| bad("invalidPath", &format!("{name} has no parts.")))?;
        object.insert(sub.clone(), value.clone());
        return Ok(());
    }
    let multi = MULTI.contains(&name) || holder.get(name).is_some_and(Value::is_array);
    if name == "members" && kind == Kind::User {
        return Err(bad("invalidPath", "A user has no members."));
    }
    if !multi {
        let old = holder.entry(name).or_insert(Value::Null);
        merge(old, value);
        return Ok(());
    }
    let mut list = match (op, holder.get(name)) {
        (Op::Add, Some(Value::Array(list))) => list.clone(),
        _ => Vec::new(),
    };
    let mut added = Vec::new();
    for element in elements(value) {
        let known = list.iter().any(|old| *old == element || name == "members" && old["value"] == element["value"]);
        if !known {
            added.push(list.len());
            list.push(element);
        }
    }
    if op == Op::Add {
        only_one_primary(&mut list, &added);
    }
    holder.insert(name.to_owned(), Value::Array(list));
    Ok(())
}

/// Objects are merged part by part; anything else is replaced.
fn merge(old: &mut Value, new: &Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => old.extend(new.clone()),
        (old, new) => *old = new.clone(),
    }
}

/// An element that became primary takes that from the others.
fn only_one_primary(list: &mut [Value], written: &[usize]) {
    let Some(primary) = written.iter().rev().copied().find(|at| list[*at]["primary"] == true) else { return };
    for (at, element) in list.iter_mut().enumerate() {
        if at != primary && element["primary"] == true {
            element["primary"] = json!(false);
        }
    }
}

fn remove(body: &mut Map<String, Value>, path: &Path, value: Option<&Value>) -> Result<(), Answer> {
    let holder = holder(body, path)?;
    let name = path.attribute.as_str();
    match (&path.filter, &path.sub) {
        (Some(filter), None) => {
            if let Some(list) = holder.get_mut(name).and_then(Value::as_array_mut) {
                list.retain(|element| !fits(element, filter));
            }
        }
        (Some(filter), Some(sub)) => {
            for element in holder.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
                if let (true, Some(object)) = (fits(element, filter), element.as_object_mut()) {
                    object.shift_remove(sub);
                }
            }
        }
        (None, Some(sub)) => {
            if let Some(object) = holder.get_mut(name).and_then(Value::as_object_mut) {
                object.shift_remove(sub);
            }
        }
        (None, None) => match (value, holder.get_mut(name)) {
            (Some(value), Some(Value::Array(list))) => {
                let gone = elements(value);
                list.retain(|old| !gone.iter().any(|gone| old == gone || old["value"] == gone["value"]));
            }
            _ => drop(holder.shift_remove(name)),
        },
    }
    Ok(())
}
