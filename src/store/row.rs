//! Between values and columns: one form of each in both databases.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::{Row as _, any::AnyRow};

use super::{SeenValues, error::Fault};
use crate::model::AccountStatus;

pub(super) fn shared(row: &AnyRow, column: &str) -> Result<Arc<str>, Fault> {
    Ok(row.try_get::<String, _>(column)?.into())
}

/// A number that cannot be negative.
pub(super) fn count<T: TryFrom<i64>>(row: &AnyRow, column: &str) -> Result<T, Fault> {
    not_negative(column, row.try_get(column)?)
}

pub(super) fn not_negative<T: TryFrom<i64>>(column: &str, number: i64) -> Result<T, Fault> {
    T::try_from(number).map_err(|_| Fault::corrupt(format!("{column} is {number}")))
}

pub(super) fn time(row: &AnyRow, column: &str) -> Result<Timestamp, Fault> {
    Ok(timestamp(row.try_get(column)?))
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

const UNKNOWN: &str = "unknown:";

pub(super) fn status_text(status: &AccountStatus) -> String {
    match status {
        AccountStatus::Unknown(word) => format!("{UNKNOWN}{}", tame(word)),
        known => known.to_string(),
    }
}

/// What a row says of the status of what was seen.
pub(super) fn status(row: &AnyRow) -> Result<AccountStatus, Fault> {
    match row.try_get("status")? {
        "active" => Ok(AccountStatus::Active),
        "pending" => Ok(AccountStatus::Pending),
        "inactive" => Ok(AccountStatus::Inactive),
        other => match other.strip_prefix(UNKNOWN) {
            Some(word) => Ok(AccountStatus::Unknown(word.into())),
            None => Err(Fault::corrupt(format!("`{other}` is not a status"))),
        },
    }
}

/// What a row says of the fields of what was seen.
pub(super) fn fields(row: &AnyRow) -> Result<SeenValues, Fault> {
    Ok(serde_json::from_str(row.try_get("fields")?)?)
}

/// SHA-256 in hexadecimal.
pub(super) fn hash(parts: &[&str]) -> String {
    hex::encode(Sha256::digest(parts.join("\0")))
}

/// JSON of which there is one way to write it.
pub(super) fn canonical(value: &impl Serialize) -> Result<String, Fault> {
    let mut value = serde_json::to_value(value)?;
    value.sort_all_objects();
    Ok(value.to_string())
}
