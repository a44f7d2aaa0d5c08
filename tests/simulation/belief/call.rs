//! A request as an app sees it, and what it is about.

use serde_json::Value;

/// What a request is about, whichever app it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    Users,
    /// A list of users, with a question about an address.
    Query(String),
    User(String),
    Groups,
    Group(String),
    /// The members of a group, or the groups of an account.
    Members(String),
    /// Tokens, roles, and what a server says of itself.
    Other,
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub method: &'static str,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Call {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.parameter(name)?.parse().ok()
    }

    /// Whether it changes something, or tries to.
    pub(super) fn writes(&self) -> bool {
        self.method != "GET" && !self.path.ends_with("/token") && !self.path.ends_with("/.search")
    }

    /// Path and query as they go over the wire.
    pub(super) fn target(&self) -> String {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }

    /// A line about it for whoever reads the story.
    pub(super) fn line(&self) -> String {
        format!("{} {} {}", self.method, self.target(), String::from_utf8_lossy(&self.body))
    }

    pub(super) fn about(&self) -> About {
        let parts: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        let is_group = |part: &str| ["groups", "usergroups", "projects"].contains(&part.to_lowercase().as_str());
        let is_user = |part: &str| part.eq_ignore_ascii_case("users");
        match parts.as_slice() {
            [.., group, id, rest, _] | [.., group, id, rest] if is_group(group) && !rest.is_empty() => {
                About::Members((*id).to_owned())
            }
            [.., user, id, "teams"] if is_user(user) => About::Members((*id).to_owned()),
            [.., user, "search"] if is_user(user) => self.asked().map_or(About::Users, About::Query),
            [.., group] if is_group(group) => About::Groups,
            [.., group, id] if is_group(group) => About::Group((*id).to_owned()),
            [.., user] if is_user(user) => self.asked().map_or(About::Users, About::Query),
            [.., user, id] if is_user(user) => About::User((*id).to_owned()),
            _ => About::Other,
        }
    }

    /// The address that a query asks for.
    fn asked(&self) -> Option<String> {
        if let Some(filter) = self.parameter("filter") {
            return filter.split('"').nth(1).map(str::to_owned);
        }
        self.parameter("email")
            .or_else(|| self.parameter("search"))
            .filter(|asked| !asked.is_empty())
            .map(str::to_owned)
    }

    /// The same without its question.
    pub(super) fn unasked(&self) -> Self {
        let mut call = self.clone();
        call.query.retain(|(key, _)| !["filter", "email", "search"].contains(&key.as_str()));
        call
    }
}

/// What comes back, before it is bytes.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
    /// Bytes before the JSON.
    pub mark: &'static str,
}

impl Reply {
    pub(super) fn json(status: u16, body: Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body, mark: "" }
    }

    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        match &self.body {
            Value::Null => Vec::new(),
            body => format!("{}{body}", self.mark).into_bytes(),
        }
    }
}
