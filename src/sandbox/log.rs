//! The request log: what arrived, what was answered, and whether anything changed because of it.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{app::Request, fault::FaultKind};

/// One request to a simulated app. Admin requests are not logged.
#[derive(Debug, Clone, Serialize)]
pub struct LoggedRequest {
    /// When it was answered, in sandbox time.
    pub at: Timestamp,
    /// The connector it was for, such as `autodesk`.
    pub app: String,
    /// The tenant it was for.
    pub tenant: String,
    /// The HTTP method.
    pub method: String,
    /// The path as the app sees it: without connector and tenant.
    pub path: String,
    /// The query, undecoded; empty when there was none.
    pub query: String,
    /// The headers that make a difference to some app, by their names in lower case.
    pub headers: BTreeMap<&'static str, String>,
    /// The body: JSON where it is JSON, else its text; null when it was empty. Client secrets are masked.
    pub body: Value,
    /// The status that was answered; nothing when the connection was reset instead.
    pub status: Option<u16>,
    /// The fault that was injected.
    pub fault: Option<FaultKind>,
    /// Whether the app's state changed, whatever the answer said.
    pub effect: bool,
}

/// How many requests are remembered. A sandbox left running for weeks must not eat the memory; a test never gets here.
const KEPT: usize = 200_000;

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<LoggedRequest>,
}

impl Log {
    pub(crate) fn push(&mut self, entry: LoggedRequest) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(crate) fn entries(&self) -> Vec<LoggedRequest> {
        self.entries.iter().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

/// Headers worth remembering; credentials are none of them.
const HEADERS: [&str; 5] = ["content-type", "if-match", "if-none-match", "region", "user-id"];

/// The headers as they go into the log.
pub(crate) fn headers(request: &Request) -> BTreeMap<&'static str, String> {
    HEADERS.into_iter().filter_map(|name| Some((name, request.header(name)?.to_owned()))).collect()
}

/// A body as it goes into the log.
pub(crate) fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    if let Ok(json) = serde_json::from_slice(bytes) {
        return json;
    }
    let text = String::from_utf8_lossy(bytes);
    // Token requests may carry the secret in the form; the log is served to anyone who asks.
    let masked: Vec<String> = text
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key @ ("client_secret" | "client_assertion" | "assertion" | "password"), _)) => format!("{key}=***"),
            _ => pair.to_owned(),
        })
        .collect();
    Value::String(masked.join("&"))
}
