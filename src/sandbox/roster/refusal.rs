//! Saying no: what a request was refused for, before the app words it in its own way.

use serde_json::{Map, Value};

use crate::sandbox::app::Request;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The app's code, where the status alone does not give it.
    pub(crate) code: Option<&'static str>,
    pub(crate) message: String,
    /// The methods that are allowed, for a 405.
    pub(crate) allow: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, code: None, message: message.into(), allow: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub(crate) fn nothing(what: &str) -> Self {
        Self::new(404, format!("There is no such {what}."))
    }

    pub(crate) fn with_code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }
}

pub(crate) fn wrong_method(allowed: &'static str) -> Refusal {
    Refusal { allow: Some(allowed), ..Refusal::new(405, format!("Allowed here: {allowed}.")) }
}

/// The body, which must be declared and written as JSON.
pub(crate) fn json(request: &Request) -> Result<Value, Refusal> {
    if !request.is_of_type("application/json") {
        return Err(Refusal::new(415, "The body must be application/json."));
    }
    serde_json::from_slice(&request.body).map_err(|_| Refusal::invalid("The body is not JSON."))
}

/// The body, which must be a JSON object.
pub(crate) fn object(request: &Request) -> Result<Map<String, Value>, Refusal> {
    match json(request)? {
        Value::Object(body) => Ok(body),
        _ => Err(Refusal::invalid("The body must be a JSON object.")),
    }
}

/// A whole number from the query.
pub(crate) fn number(request: &Request, name: &str, default: usize) -> Result<usize, Refusal> {
    match request.parameter(name) {
        None => Ok(default),
        Some(text) => match text.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(Refusal::invalid(format!("{name} must be a whole number from 1, not `{text}`."))),
        },
    }
}
