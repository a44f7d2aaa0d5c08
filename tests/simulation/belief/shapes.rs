//! Answers as JSON: where their rows are, and what else they say.

use serde_json::Value;

/// The rows of a list, wherever they are.
pub(super) fn rows(body: &mut Value) -> Option<&mut Vec<Value>> {
    if body.is_array() {
        return body.as_array_mut();
    }
    let keys = ["Resources", "data", "users", "userGroups", "results"];
    let key = keys.into_iter().find(|key| body.get(key).is_some_and(Value::is_array))?;
    body[key].as_array_mut()
}

/// Changes every row of a list, or the one object there is. Returns how many said that they changed.
pub(super) fn each_row(body: &mut Value, change: impl Fn(&mut Value) -> bool) -> u64 {
    if let Some(rows) = rows(body) {
        return rows.iter_mut().map(|row| u64::from(change(row))).sum();
    }
    if body.is_object() { u64::from(change(body)) } else { 0 }
}

/// Where lists say how many rows there are.
const TOTALS: [&str; 5] = ["/totalResults", "/pagination/total", "/pagination/totalResults", "/total", "/count"];

/// Lets totals be so much smaller, as if those rows were not there.
pub(super) fn recount(body: &mut Value, fewer: usize) {
    for place in TOTALS {
        if let Some(total) = body.pointer_mut(place)
            && let Some(number) = total.as_u64()
        {
            *total = number.saturating_sub(fewer as u64).into();
        }
    }
    if let Some(shown) = rows(body).map(|rows| rows.len())
        && let Some(size) = body.get_mut("itemsPerPage")
    {
        *size = shown.into();
    }
}

/// Says how many rows there are in all, where the list does not say so itself.
pub(super) fn say_total(body: &mut Value, all: usize) {
    if body.is_object() && TOTALS.iter().all(|place| body.pointer(place).is_none()) {
        body["total"] = all.into();
    }
}

/// Says otherwise whether somebody is active.
pub(super) fn spell_active(row: &mut Value, shape: usize) -> bool {
    let Some(active) = row.get("active").and_then(Value::as_bool) else { return false };
    row["active"] = match (shape % 3, active) {
        (0, active) => u64::from(active).into(),
        (1, true) => "1".into(),
        (1, false) => "0".into(),
        (_, true) => "True".into(),
        (_, false) => "False".into(),
    };
    true
}

/// Puts `new` wherever a text is `old`, whatever the case.
pub(super) fn reword(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(text) if text.eq_ignore_ascii_case(old) => *text = new.to_owned(),
        Value::Array(all) => all.iter_mut().for_each(|one| reword(one, old, new)),
        Value::Object(all) => all.values_mut().for_each(|one| reword(one, old, new)),
        _ => {}
    }
}
