//! Between an app's JSON and our types, by the manifest's maps.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    dictionary::Translation,
    manifest::{Accounts, Fields, Records},
    template::{Dotted, need},
};
use crate::{
    connectors::{STATUS_NOT_SHOWN, addresses, scalar::scalar, signs::flag},
    model::{AccountStatus, Email, FieldName, FieldValue, LiveAccount},
};

/// Puts values where they belong in a body.
pub(super) fn set_all(body: &mut Value, changes: &[(Dotted, Value)]) {
    for (path, value) in changes {
        path.set(body, value.clone());
    }
}

impl Records {
    /// A body in the envelope that the app wants around it.
    pub(super) fn wrap(&self, body: Value) -> Value {
        match &self.wrap.body {
            Some(key) => json!({ key: body }),
            None => body,
        }
    }

    /// What is in the envelope of a body that was sent, where there is one.
    pub(super) fn sent<'v>(&self, body: &'v Value) -> &'v Value {
        inner(&self.wrap.body, body)
    }

    /// What is in the envelope of an answer, where there is one.
    pub(super) fn unwrap<'v>(&self, answer: &'v Value) -> &'v Value {
        inner(&self.wrap.answer, answer)
    }
}

fn inner<'v>(key: &Option<String>, whole: &'v Value) -> &'v Value {
    key.as_ref().and_then(|key| whole.get(key)).unwrap_or(whole)
}

impl Accounts {
    /// An account as a row shows it.
    ///
    /// # Errors
    /// What the row lacks.
    pub(super) fn parse(&self, row: &Value, words: &Translation) -> Result<LiveAccount, String> {
        let Records { id, name, fields, .. } = &self.records;
        let id = need("row", id, row)?;
        let email = match name.get(row) {
            Some(Value::String(email)) => Email::lenient(email),
            // It has none, and has to be shown all the same. Nothing stands in for it: planning takes an empty address for
            // nobody's and lets the account be, whereas another word in its place would be a stranger to be removed.
            Some(Value::Null) => Email::lenient(""),
            _ => return Err(format!("the row of `{id}` has no `{name}`")),
        };
        let created_at = self.created_at.as_ref().and_then(|path| path.get(row)?.as_str()?.parse().ok());
        let values = values(fields, words, row);
        let other_addresses = addresses::beside(row, &email);
        Ok(LiveAccount { id, email, other_addresses, status: self.parse_status(row), values, created_at })
    }

    fn parse_status(&self, row: &Value) -> AccountStatus {
        let Some(path) = &self.status else { return AccountStatus::Active };
        let Some(word) = path.get(row) else { return AccountStatus::Unknown(STATUS_NOT_SHOWN.into()) };
        // Yes and no have several spellings.
        let same = |theirs: &Value| theirs.is_boolean() && theirs.as_bool() == flag(word);
        let exact = self.statuses.iter().find(|(_, theirs)| theirs == word);
        let known = exact.or_else(|| self.statuses.iter().find(|(_, theirs)| same(theirs)));
        known.map_or_else(
            || AccountStatus::Unknown(word.as_str().map_or_else(|| word.to_string(), str::to_owned).into()),
            |(status, _)| status.clone(),
        )
    }

    /// The app's word for a status.
    pub(super) fn status_word(&self, status: &AccountStatus) -> Option<&Value> {
        self.statuses.iter().find(|(ours, _)| ours == status).map(|(_, theirs)| theirs)
    }

    /// The address in a row, if it shows one.
    pub(super) fn email_of(&self, row: &Value) -> Option<Email> {
        self.records.name.get(row).and_then(Value::as_str).map(Email::lenient)
    }
}

/// The fields that a row shows. One that it lacks is unknown; one that is null or empty is known to be empty.
pub(super) fn values(fields: &Fields, words: &Translation, row: &Value) -> BTreeMap<FieldName, Option<FieldValue>> {
    let value = |(name, path): (&FieldName, &Dotted)| {
        let value = words.ours(name, path.get(row)?)?;
        Some((name.clone(), field_value(&value)?))
    };
    fields.iter().filter_map(value).collect()
}

/// `None` for what no field can hold.
fn field_value(value: &Value) -> Option<Option<FieldValue>> {
    let Value::Array(all) = value else { return scalar(value) };
    let set = all.iter().map(|value| value.as_str().map(Arc::from)).collect::<Option<_>>()?;
    Some(Some(FieldValue::Set(set)))
}

/// Whether an answer carries all that was sent, with the same values. Lists are sets, and what is empty is shown as null or
/// as empty.
pub(super) fn echoes(sent: &Value, echo: &Value) -> bool {
    match (sent, echo) {
        (Value::Object(sent), Value::Object(echo)) => {
            sent.iter().all(|(key, value)| echo.get(key).is_some_and(|other| echoes(value, other)))
        }
        (Value::Array(sent), Value::Array(echo)) => {
            sent.len() == echo.len() && sent.iter().all(|value| echo.iter().any(|other| echoes(value, other)))
        }
        (sent, echo) => sent == echo || is_nothing(sent) && is_nothing(echo),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::rest::Manifest;

    fn check(row: &Value, expected: &str) {
        let manifest = Manifest::parse("autodesk.yaml", include_str!("manifests/autodesk.yaml")).unwrap();
        let shown = manifest.accounts.parse(row, &Translation::default()).map_or_else(
            |lacks| lacks,
            |account| {
                let value = |(name, value): (&FieldName, &Option<FieldValue>)| match value {
                    Some(value) => format!("{name}={value}"),
                    None => format!("{name}=∅"),
                };
                let values: Vec<_> = account.values.iter().map(value).collect();
                format!("{} {} {} {}", account.id, account.email, account.status, values.join(" "))
            },
        );
        assert_eq!(shown.trim_end(), expected);
    }

    #[test]
    fn what_a_row_lacks_is_unknown_and_what_is_null_is_empty() {
        check(
            &json!({"id": "u1", "email": "Jo@x.example", "firstName": "Jo", "status": "active"}),
            "u1 Jo@x.example active given_name=Jo",
        );
        check(
            &json!({"id": "u1", "email": "jo@x.example", "lastName": null, "firstName": "", "status": "active"}),
            "u1 jo@x.example active family_name=∅ given_name=∅",
        );
    }

    #[test]
    fn a_status_that_nobody_knows_stays_visible() {
        check(&json!({"id": "u1", "email": "jo@x.example", "status": "frozen"}), "u1 jo@x.example frozen");
        check(&json!({"id": 7, "email": "jo@x.example"}), "7 jo@x.example not shown");
    }

    #[test]
    fn an_account_without_an_address_is_nobodys_and_one_that_hides_it_is_no_account() {
        check(&json!({"id": "robot", "email": null, "status": "active"}), "robot  active");
        check(&json!({"id": "robot", "email": "", "status": "active"}), "robot  active");
        check(&json!({"id": "u1", "status": "active"}), "the row of `u1` has no `email`");
        check(&json!({"email": "jo@x.example"}), "a row has no `id`");
    }

    #[test]
    fn an_echo_confirms_only_what_it_carries() {
        let sent = json!({"role": "admin", "tags": ["a", "b"]});
        assert!(echoes(&sent, &json!({"id": 1, "role": "admin", "tags": ["b", "a"]})));
        assert!(!echoes(&sent, &json!({"role": "admin"})));
        assert!(!echoes(&sent, &json!({"role": "user", "tags": ["a", "b"]})));
        let emptied = json!({"phone": "", "tags": []});
        assert!(echoes(&emptied, &json!({"phone": null, "tags": null})));
        assert!(!echoes(&emptied, &json!({"phone": "4711", "tags": []})));
        // What is left out may be there all the same.
        assert!(!echoes(&emptied, &json!({"tags": []})));
    }
}
