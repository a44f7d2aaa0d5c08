//! From what came back to a typed error that says what to do next.

use serde_json::Value;

use super::{gate::Parked, link::Link, transport::WireAnswer};
use crate::{
    budget,
    connectors::{Error, ErrorKind, Said},
};

/// The request that failed: its link and its line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failing<'a> {
    pub(super) link: &'a Link,
    /// Method and path, without the query.
    pub(super) line: &'a str,
    /// Whether it may have changed something.
    pub(super) write: bool,
}

impl Failing<'_> {
    pub(super) fn error(self, kind: ErrorKind, status: Option<u16>, detail: &str, hint: Option<&str>) -> Error {
        Error {
            kind,
            app: self.link.app.clone(),
            request: self.link.redactor.clean(self.line),
            status,
            detail: self.link.redactor.clean(detail),
            hint: hint.map(str::to_owned),
        }
    }

    /// Nothing was sent.
    pub(super) fn not_sent(self, reason: &str) -> Error {
        let hint = if reason.to_lowercase().contains("certificate") {
            "if the app's certificate comes from a private authority, name its file in `options.ca_file`"
        } else {
            "check the app's `url`, the network and any proxy"
        };
        self.error(ErrorKind::Unreachable, None, &format!("no connection: {reason}"), Some(hint))
    }

    /// Something may have been sent, and nothing usable came back.
    pub(super) fn lost(self, status: Option<u16>, reason: &str) -> Error {
        if self.write {
            let hint = "it may have been done; the next run looks first";
            return self.error(ErrorKind::Unknown, status, reason, Some(hint));
        }
        self.error(ErrorKind::Malformed, status, reason, None)
    }

    pub(super) fn parked(self, parked: Parked) -> Error {
        // Whole minutes, rounded up, so that whoever comes back then does not come too early.
        let minutes = parked.wait.as_secs().div_ceil(60);
        let wait = match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("{minutes} min"),
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        };
        let kind = ErrorKind::RateLimited { retry_after: Some(parked.wait) };
        let detail =
            format!("the quota is used up and opens in {wait}; nothing was sent, and a run after that goes on");
        self.error(kind, None, &detail, None)
    }

    pub(super) fn rate_limited(self, answer: &WireAnswer, told: Option<&Said>) -> Error {
        let asked = answer.header("retry-after");
        let local = self.link.clock.system_time();
        let retry_after = asked.map(|value| budget::retry_after(value, answer.header("date"), local));
        let hint = "someone else may use the same credential: lower the app's `budget` or raise its `keep_free`";
        let detail = told.map_or_else(|| said(answer), |told| detail(answer, told));
        self.error(ErrorKind::RateLimited { retry_after }, Some(answer.status), &detail, Some(hint))
    }

    /// An answer that is known to mean this.
    pub(super) fn meant(self, kind: ErrorKind, answer: &WireAnswer, told: &Said) -> Error {
        self.error(kind, Some(answer.status), &detail(answer, told), told.hint)
    }

    /// An answer that is neither success nor worth repeating.
    pub(super) fn refused(self, answer: &WireAnswer) -> Error {
        let status = answer.status;
        let (kind, hint) = match status {
            401 => (ErrorKind::Auth, Some("check the credential under the app's `auth`")),
            403 => (ErrorKind::Forbidden, Some("the credential lacks a right, a role or a scope for this")),
            404 | 410 => (ErrorKind::NotFound, None),
            405 | 501 => (ErrorKind::Unsupported, None),
            409 => (ErrorKind::Duplicate, None),
            // Some servers that speak SCIM answer a duplicate so.
            400 | 422 if scim_type(answer).as_deref() == Some("uniqueness") => (ErrorKind::Duplicate, None),
            300..=399 => {
                // Only this one says that the request was carried out.
                let kind = if self.write && status == 303 { ErrorKind::Unknown } else { ErrorKind::Refused };
                let origin = answer.header("location").and_then(|location| location.split(['?', '#']).next());
                let detail = format!("it points to {}, and rosterd does not follow", origin.unwrap_or("nowhere"));
                return self.error(kind, Some(status), &detail, Some("set the app's `url` to where the API is"));
            }
            505 => (ErrorKind::Refused, None),
            408 | 500..=599 if self.write => return self.lost(Some(status), &said(answer)),
            408 | 500..=599 => (ErrorKind::Server, None),
            _ => (ErrorKind::Refused, None),
        };
        self.error(kind, Some(status), &said(answer), hint)
    }
}

/// What an answer says whose meaning is known: the app's own message, or else what shows the meaning in a good answer.
fn detail(answer: &WireAnswer, told: &Said) -> String {
    let text = told.text.as_ref().map(|text| message(text).unwrap_or_else(|| text.to_string()));
    let sign = || told.sign.clone().filter(|_| answer.status < 300);
    text.or_else(sign).unwrap_or_else(|| said(answer))
}

/// What the body of an answer says, in a few words.
pub(super) fn said(answer: &WireAnswer) -> String {
    let body = match &answer.body {
        Ok(body) if body.is_empty() => return "without a word".into(),
        Ok(body) => body,
        Err(_) => return "with a body that broke off".into(),
    };
    if looks_like_html(body) {
        return "with a web page".into();
    }
    let text = String::from_utf8_lossy(body);
    let sentence = serde_json::from_str::<Value>(&text).ok().and_then(|value| message(&value));
    match (sentence, scim_type(answer)) {
        (Some(sentence), Some(kind)) => format!("{sentence} ({kind})"),
        (None, Some(kind)) => kind,
        (Some(sentence), None) => sentence,
        (None, None) => text.into_owned(),
    }
}

/// The word by which SCIM tells kinds of refusals apart.
fn scim_type(answer: &WireAnswer) -> Option<String> {
    let body: Value = serde_json::from_slice(answer.body.as_ref().ok()?).ok()?;
    body.get("scimType")?.as_str().filter(|kind| !kind.is_empty()).map(str::to_owned)
}

/// Whether a body is a page for people, as proxies and sign-in pages send.
pub(super) fn looks_like_html(body: &[u8]) -> bool {
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace());
    start.is_some_and(|start| body[start] == b'<')
}

/// The sentence in an error body, under one of the names in use.
fn message(body: &Value) -> Option<String> {
    const NAMES: [&str; 8] =
        ["error_description", "message", "detail", "developerMessage", "reason", "title", "error", "errors"];
    match body {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Object(fields) => NAMES.iter().find_map(|name| fields.get(*name).and_then(message)),
        Value::Array(all) => all.iter().find_map(message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        let answer = WireAnswer { status: 400, headers: Vec::new(), body: Ok(body.as_bytes().to_vec()) };
        assert_eq!(said(&answer), expected);
    }

    #[test]
    fn the_sentence_in_an_error_body_is_found() {
        check(r#"{"message": "no such team"}"#, "no such team");
        check(r#"{"error": "invalid_scope", "error_description": "unknown scope"}"#, "unknown scope");
        check(r#"{"errors": [{"code": 7, "detail": "too long"}]}"#, "too long");
        check(r#"{"detail": "no such cursor", "scimType": "expiredCursor"}"#, "no such cursor (expiredCursor)");
        check(r#"{"scimType": "tooMany", "status": "400"}"#, "tooMany");
        check(r#"{"code": 7}"#, r#"{"code": 7}"#);
        check("plain words", "plain words");
        check("\n <html><body>Sign in</body></html>", "with a web page");
        check("", "without a word");
    }
}
