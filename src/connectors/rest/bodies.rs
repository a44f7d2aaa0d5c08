//! Bodies of writes: values put into place, and the envelope around them.

use serde_json::{Value, json};

use super::template::Dotted;

/// Accepted is not done.
pub(super) const ACCEPTED: u16 = 202;

pub(super) fn set_all(body: &mut Value, changes: &[(Dotted, Value)]) {
    for (path, value) in changes {
        path.set(body, value.clone());
    }
}

pub(super) fn wrap(body: Value, key: Option<&str>) -> Value {
    match key {
        Some(key) => json!({ key: body }),
        None => body,
    }
}
