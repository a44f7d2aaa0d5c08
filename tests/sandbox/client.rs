//! A sandbox with a client at its side.

use std::time::Duration;

use rosterd::sandbox::{Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Sandbox};
use serde_json::Value;

pub(crate) const ALL_SCOPES: &str = "user:read user:write organization:read";
pub(crate) const TENANT: &str = "studio";

/// No latency, invitations that nobody accepts until the clock is moved, and tokens that outlast the moving.
pub(crate) fn quiet() -> Config {
    Config {
        latency: Duration::ZERO,
        accept_after: Duration::from_secs(3600),
        token_life: Duration::from_secs(30 * 86_400),
        ..Config::default()
    }
}

pub(crate) struct Fixture {
    pub sandbox: Sandbox,
    pub http: reqwest::Client,
    pub tenant: &'static str,
    pub token: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub json: Value,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn number(&self, header: &str) -> u64 {
        let text = self.header(header).unwrap_or_else(|| panic!("no {header} in {self:?}"));
        text.parse().unwrap_or_else(|_| panic!("{header}: {text}"))
    }

    pub(crate) fn id(&self) -> String {
        self.json["id"].as_str().unwrap_or_else(|| panic!("no id in {self:?}")).to_owned()
    }
}

pub(crate) fn http() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap()
}

impl Fixture {
    pub(crate) async fn new(config: Config) -> Self {
        Self::of_tenant(config, TENANT).await
    }

    pub(crate) async fn of_tenant(config: Config, tenant: &'static str) -> Self {
        let sandbox = Sandbox::start(config).await.unwrap();
        let mut fixture = Self { sandbox, http: http(), tenant, token: String::new() };
        fixture.token = fixture.fresh_token(ALL_SCOPES).await;
        fixture.sandbox.clear_log();
        fixture
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.app_url("autodesk", self.tenant))
    }

    pub(crate) async fn ask_token(&self, scope: &str) -> Got {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        let request = self.http.post(self.url("/authentication/v2/token"));
        got(request.basic_auth(DEFAULT_CLIENT_ID, Some(DEFAULT_CLIENT_SECRET)).form(&form)).await
    }

    pub(crate) async fn fresh_token(&self, scope: &str) -> String {
        let answer = self.ask_token(scope).await;
        answer.json["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::RequestBuilder {
        let request = self.http.request(method.parse().unwrap(), self.url(path)).bearer_auth(&self.token);
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        got(self.request("GET", path, None)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Got {
        got(self.request("POST", path, Some(body))).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Got {
        got(self.request("PATCH", path, Some(body))).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        got(self.request("DELETE", path, None)).await
    }

    /// Adds an active account behind the API's back.
    pub(crate) fn active(&self, email: &str) -> String {
        let account = rosterd::sandbox::NewAccount { email: email.to_owned(), ..Default::default() };
        self.sandbox.add_account("autodesk", self.tenant, account).unwrap()
    }

    pub(crate) fn team(&self, id: &str, name: &str) {
        self.sandbox.put_group("autodesk", self.tenant, id, name).unwrap();
    }

    pub(crate) fn emails(&self) -> Vec<String> {
        let accounts = self.sandbox.accounts("autodesk", self.tenant).unwrap();
        accounts.into_iter().map(|account| account.email).collect()
    }
}

pub(crate) async fn got(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let json = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
    Got { status, headers, json }
}

/// Checks status and body, ids and times aside.
#[track_caller]
pub(crate) fn check(got: &Got, status: u16, body: Value) {
    let mut json = got.json.clone();
    if let Some(object) = json.as_object_mut() {
        for field in ["id", "userId", "createdAt", "lastLogin", "deactivatedAt", "assignedAt", "developerMessage"] {
            if object.contains_key(field) {
                object[field] = Value::String("…".to_owned());
            }
        }
    }
    assert_eq!((got.status, json), (status, body));
}
