//! What both halves of the API ask of a request.

use serde_json::Value;

use super::{Acc, page::error};
use crate::sandbox::app::{Answer, Request};

pub(super) fn acts_for_an_admin(app: &Acc, request: &Request) -> Result<(), Answer> {
    let Some(id) = request.header("user-id") else {
        return Err(error(403, "A two-legged token needs the User-Id header here."));
    };
    match app.person(id) {
        Some(person) if person.role == "account_admin" && person.status == "active" => Ok(()),
        _ => Err(error(403, "The acting user is not an account administrator.")),
    }
}

/// A text, or every text of a list.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => other.as_str().map(str::to_owned).into_iter().collect(),
    }
}

pub(super) fn keys(products: &Value, which: fn(&Value) -> bool) -> Vec<String> {
    let products = products.as_array().into_iter().flatten();
    products.filter(|product| which(product)).flat_map(|product| texts(&product["key"])).collect()
}

pub(super) fn no_user() -> Answer {
    error(404, "There is no such user.")
}
