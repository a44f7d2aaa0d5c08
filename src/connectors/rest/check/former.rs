//! Keys that manifests had before `answers`, with what to write instead.

use std::slice;

use serde_json::{Value, json};

/// What to say of a key that was one, with the rules that say the same.
pub(super) fn key(key: &str, text: &str, line: u64) -> Option<String> {
    let given = |usual: Value| value(key, text, line).unwrap_or(usual);
    let by_status = |means: &str| vec![json!({"status": one_or_several(given(json!(409))), "means": means})];
    let (rules, place) = match key {
        "duplicate" => (by_status("duplicate"), "in its place"),
        "manual_on" => (by_status("manual"), "in its place"),
        "truncated" => {
            let given = given(json!({"path": "truncated", "is": true}));
            (vec![json!({"path": given["path"], "is": [given["is"]], "means": "truncated"})], "in its place")
        }
        "expired" => {
            let given = given(json!({"status": 410}));
            let said = ["status", "path", "is"].into_iter().filter_map(|key| Some((key, given.get(key)?.clone())));
            (vec![said.chain([("means", json!("expired"))]).collect()], "beside `page`")
        }
        "expect" => {
            let given = given(json!({"ok": true}));
            (given.as_object().into_iter().flatten().map(refusal).collect(), "in its place")
        }
        _ => return None,
    };
    let rules = shown(&rules);
    Some(format!("`{key}` has become a rule of `answers`; write `answers: [ {rules} ]` {place}"))
}

/// What the key has as its value in that line and below.
fn value(key: &str, text: &str, line: u64) -> Option<Value> {
    let start: usize = text.split_inclusive('\n').take(usize::try_from(line.checked_sub(1)?).ok()?).map(str::len).sum();
    let line = text.get(start..)?;
    let at = line.find(&format!("{key}:"))?;
    let rest = &line[at + key.len() + 1..];
    match rest.trim_start_matches(' ').chars().next()? {
        // Up to the bracket that closes the first one.
        '[' | '{' => rest.match_indices([']', '}']).find_map(|(end, _)| serde_saphyr::from_str(&rest[..=end]).ok()),
        // The lines below that are indented further.
        '\n' | '#' => {
            let deeper = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > at;
            let block: Vec<_> = rest.lines().skip(1).take_while(deeper).collect();
            serde_saphyr::from_str(&block.join("\n")).ok()
        }
        _ => serde_saphyr::from_str(rest.split([',', '}', '#', '\n']).next()?).ok(),
    }
}

/// `409` for a list of one.
fn one_or_several(statuses: Value) -> Value {
    match statuses {
        Value::Array(mut all) if all.len() == 1 => all.remove(0),
        other => other,
    }
}

/// What an answer had to say becomes what one says that refuses.
fn refusal((path, good): (&String, &Value)) -> Value {
    let bad = match good {
        Value::Bool(good) => Value::Bool(!good),
        good => format!("what it says instead of {good}").into(),
    };
    json!({"path": path, "is": [bad], "means": "refused"})
}

/// Values as they are written in manifests, with commas between them.
fn shown(values: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Array(all) => format!("[{}]", shown(all)),
        Value::Object(map) => {
            let pairs: Vec<_> =
                map.iter().map(|(key, value)| format!("{key}: {}", shown(slice::from_ref(value)))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        word => {
            // Without quotes, where it means the same.
            let plain =
                |text: &&str| text.chars().all(|letter| letter.is_alphanumeric() || r#"._- ""#.contains(letter));
            let same = |text: &&str| serde_saphyr::from_str::<Value>(text).is_ok_and(|read| read == *word);
            word.as_str().filter(plain).filter(same).map_or_else(|| word.to_string(), str::to_owned)
        }
    };
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}
