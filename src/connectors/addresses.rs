//! Addresses anywhere in a row: an account may be somebody's whose address stands beside the one that counts.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::Email;

/// Keys under which an app says who else had to do with an account. Their addresses are other people's.
const OTHERS: [&str; 10] = [
    "manager",
    "supervisor",
    "owner",
    "inviter",
    "creator",
    "sponsor",
    "assistant",
    "delegate",
    "approver",
    "modifier",
];

/// Every address that a row shows besides the one that it is known by.
pub(super) fn beside(row: &Value, known_by: &Email) -> BTreeSet<Email> {
    let mut found = BTreeSet::new();
    collect(row, &mut found);
    found.remove(known_by);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<Email>) {
    match value {
        Value::String(text) => {
            found.extend(Some(text).filter(|text| text.contains('@')).and_then(|text| Email::parse(text).ok()))
        }
        Value::Array(all) => all.iter().for_each(|one| collect(one, found)),
        Value::Object(keys) => {
            keys.iter().filter(|(key, _)| !is_about_others(key)).for_each(|(_, one)| collect(one, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `invited_by`, `createdBy`, `managerEmail`.
fn is_about_others(key: &str) -> bool {
    let lower = key.to_lowercase();
    key.ends_with("By") || lower.ends_with("_by") || OTHERS.iter().any(|other| lower.contains(other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_address_of_the_account_counts_and_none_of_other_people() {
        let row = json!({
            "email": "A@x.example", "login": "b@x.example", "emails": [{"value": "c@x.example"}, "no address", "@"],
            "urn:x:User": {"mail": "d@x.example", "manager": {"email": "boss@x.example"}},
            "invited_by": "admin@x.example", "createdBy": {"email": "admin@x.example"}, "note": "write to e@x.example",
        });
        let found = beside(&row, &Email::lenient("a@x.example"));
        let found: Vec<&str> = found.iter().map(Email::as_str).collect();
        assert_eq!(found, ["b@x.example", "c@x.example", "d@x.example"]);
    }
}
