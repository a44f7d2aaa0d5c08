//! Between values and columns: one form of each in both databases.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{Row as _, any::AnyRow};

use super::{SeenValues, error::Fault};
use crate::model::AccountStatus;

/// Rows that one statement writes at most. SQLite takes 32766 parameters in a statement, PostgreSQL 65535, and a row has
/// less than 20.
pub(super) const ROWS: usize = 500;

pub(super) fn text(row: &AnyRow, column: &str) -> Result<String, Fault> {
    Ok(row.try_get(column)?)
}

pub(super) fn shared(row: &AnyRow, column: &str) -> Result<Arc<str>, Fault> {
    Ok(text(row, column)?.into())
}

pub(super) fn optional_text(row: &AnyRow, column: &str) -> Result<Option<String>, Fault> {
    Ok(row.try_get(column)?)
}

pub(super) fn number(row: &AnyRow, column: &str) -> Result<i64, Fault> {
    Ok(row.try_get(column)?)
}

pub(super) fn optional_number(row: &AnyRow, column: &str) -> Result<Option<i64>, Fault> {
    Ok(row.try_get(column)?)
}

/// A number that cannot be negative.
pub(super) fn count<T: TryFrom<i64>>(row: &AnyRow, column: &str) -> Result<T, Fault> {
    let number = number(row, column)?;
    T::try_from(number).map_err(|_| Fault::corrupt(format!("{column} is {number}")))
}

pub(super) fn time(row: &AnyRow, column: &str) -> Result<Timestamp, Fault> {
    Ok(timestamp(number(row, column)?))
}

pub(super) fn optional_time(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, Fault> {
    Ok(optional_number(row, column)?.map(timestamp))
}

/// Nanoseconds since 1970. What lies beyond the year 2262 is "far away", and stays so.
pub(super) fn nanos(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX })
}

pub(super) fn timestamp(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX)
}

/// Turns a number into a column's; what does not fit is as large as can be.
pub(super) fn column(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// PostgreSQL takes no zero bytes in a text, and apps may send them.
pub(super) fn tame(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// `rows` groups of `columns` placeholders from number `first` on: `($1,$2),($3,$4)`.
pub(super) fn placeholders(first: usize, rows: usize, columns: usize) -> String {
    let mut text = String::new();
    for row in 0..rows {
        for column in 0..columns {
            let before = match (row, column) {
                (0, 0) => "(",
                (_, 0) => "),(",
                _ => ",",
            };
            text.push_str(before);
            text.push('$');
            text.push_str(&(first + row * columns + column).to_string());
        }
    }
    text.push(')');
    text
}

const UNKNOWN: &str = "unknown:";

pub(super) fn status_text(status: &AccountStatus) -> String {
    match status {
        AccountStatus::Unknown(word) => format!("{UNKNOWN}{}", tame(word)),
        known => known.to_string(),
    }
}

pub(super) fn status(text: &str) -> Result<AccountStatus, Fault> {
    match text {
        "active" => Ok(AccountStatus::Active),
        "pending" => Ok(AccountStatus::Pending),
        "inactive" => Ok(AccountStatus::Inactive),
        other => match other.strip_prefix(UNKNOWN) {
            Some(word) => Ok(AccountStatus::Unknown(word.into())),
            None => Err(Fault::corrupt(format!("`{other}` is not a status"))),
        },
    }
}

/// Sorted by name, so that equal values are equal texts.
pub(super) fn values_text(values: &SeenValues) -> Result<String, Fault> {
    Ok(serde_json::to_string(values)?)
}

pub(super) fn values(text: &str) -> Result<SeenValues, Fault> {
    Ok(serde_json::from_str(text)?)
}

/// SHA-256 in hexadecimal.
pub(super) fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            hasher.update([0]);
        }
        hasher.update(part.as_bytes());
    }
    hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// JSON of which there is one way to write it.
pub(super) fn canonical(value: &impl Serialize) -> Result<String, Fault> {
    Ok(serde_json::to_string(&sorted(serde_json::to_value(value)?))?)
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut fields: Vec<(String, Value)> = object.into_iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        plain => plain,
    }
}
