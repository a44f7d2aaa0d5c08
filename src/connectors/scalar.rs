//! A single value of a row. Here is decided, for every connector, that an empty text is no value.

use serde_json::Value;

use crate::model::FieldValue;

/// The value of a field, where `None` inside says that it is empty. `None` outside for what is no single value.
pub(super) fn scalar(value: &Value) -> Option<Option<FieldValue>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) if text.is_empty() => Some(None),
        Value::String(text) => Some(Some(FieldValue::text(text.as_str()))),
        Value::Bool(flag) => Some(Some(FieldValue::Flag(*flag))),
        Value::Number(number) => Some(Some(FieldValue::Number(number.as_i64()?))),
        Value::Array(_) | Value::Object(_) => None,
    }
}
