//! Keys that manifests had before `answers`, with what to write instead.

use serde_json::{Value, json};

/// What to say of a key that was one, and the rules that say the same.
pub(super) fn key(key: &str, text: &str, line: u64) -> Option<(String, String)> {
    let value = || value(key, text, line);
    let (rules, place) = match key {
        "duplicate" => (by_status(value(), "duplicate"), "in its place"),
        "manual_on" => (by_status(value(), "manual"), "in its place"),
        "truncated" => (truncated(value()), "in its place"),
        "expired" => (expired(value()), "beside `page`"),
        "expect" => (expect(value()), "in its place"),
        _ => return None,
    };
    Some((
        format!("`{key}` has become a rule of `answers`"),
        format!("write `answers: [ {} ]` {place}", rules.join(", ")),
    ))
}

/// What the key has as its value in that line and below.
fn value(key: &str, text: &str, line: u64) -> Option<Value> {
    let start: usize = text.split_inclusive('\n').take(usize::try_from(line.checked_sub(1)?).ok()?).map(str::len).sum();
    let line = text.get(start..)?;
    let at = line.find(&format!("{key}:"))?;
    let rest = &line[at + key.len() + 1..];
    let snippet = match rest.trim_start_matches(' ').chars().next()? {
        '[' | '{' => flow(rest),
        '\n' | '#' => block(rest, at),
        _ => rest.split([',', '}', '#', '\n']).next()?.to_owned(),
    };
    serde_saphyr::from_str(&snippet).ok()
}

/// From the opening bracket to the one that closes it.
fn flow(rest: &str) -> String {
    let mut depth = 0;
    let end = rest.find(|letter| {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => return false,
        }
        depth == 0
    });
    rest[..end.map_or(rest.len(), |end| end + 1)].to_owned()
}

/// The lines below that are indented further.
fn block(rest: &str, indent: usize) -> String {
    let deeper = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > indent;
    rest.lines().skip(1).take_while(deeper).collect::<Vec<_>>().join("\n")
}

/// `409` for a list of one.
fn one_or_several(statuses: Value) -> Value {
    match statuses {
        Value::Array(mut all) if all.len() == 1 => all.remove(0),
        other => other,
    }
}

fn by_status(value: Option<Value>, means: &str) -> Vec<String> {
    let statuses = value.map_or(json!(409), one_or_several);
    vec![format!("{{ status: {}, means: {means} }}", spaced(&statuses))]
}

fn truncated(value: Option<Value>) -> Vec<String> {
    let value = value.unwrap_or_else(|| json!({"path": "truncated", "is": true}));
    vec![format!("{{ path: {}, is: [{}], means: truncated }}", word(&value["path"]), value["is"])]
}

fn expired(value: Option<Value>) -> Vec<String> {
    let value = value.unwrap_or_else(|| json!({"status": 410}));
    let says = value
        .get("path")
        .map_or_else(String::new, |path| format!(" path: {}, is: {},", word(path), spaced(&value["is"])));
    vec![format!("{{ status: {},{says} means: expired }}", value["status"])]
}

/// What an answer had to say becomes what one says that refuses.
fn expect(value: Option<Value>) -> Vec<String> {
    let value = value.unwrap_or_else(|| json!({"ok": true}));
    let refusal = |(path, good): (&String, &Value)| match good {
        Value::Bool(good) => format!("{{ path: {path}, is: [{}], means: refused }}", !good),
        good => format!("{{ path: {path}, is: [what it says instead of {good}], means: refused }}"),
    };
    value.as_object().into_iter().flatten().map(refusal).collect()
}

/// Without quotes, where it means the same.
fn word(value: &Value) -> String {
    let plain = |text: &&str| text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-'));
    let same = |text: &&str| serde_saphyr::from_str::<Value>(text).is_ok_and(|read| read == *value);
    value.as_str().filter(plain).filter(same).map_or_else(|| value.to_string(), str::to_owned)
}

/// As lists are written in manifests.
fn spaced(value: &Value) -> String {
    match value {
        Value::Array(all) => format!("[{}]", all.iter().map(word).collect::<Vec<_>>().join(", ")),
        one => one.to_string(),
    }
}
