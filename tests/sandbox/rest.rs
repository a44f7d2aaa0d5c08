//! A client of the apps with flat users and user groups: Alteryx in both dialects, and Workiva.

use rosterd::sandbox::{
    AccountPatch, AccountView, Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, NewAccount, Sandbox,
};
use serde_json::Value;

use crate::client::{Got, TENANT, got, http, quiet};

/// Connector, the path of its tokens, and what its API's paths begin with.
pub(crate) type App = (&'static str, &'static str, &'static str);

pub(crate) const ALTERYX: App = ("alteryx", "/oauth2/token", "/api/v3");
pub(crate) const WEBAPI: App = ("alteryx-webapi", "/webapi/oauth2/token", "/webapi/v3");
pub(crate) const WORKIVA: App = ("workiva", "/iam/v1/oauth2/token", "/platform/v1");

pub(crate) struct Rest {
    pub sandbox: Sandbox,
    pub connector: &'static str,
    pub tenant: &'static str,
    pub token: String,
    app: App,
    http: reqwest::Client,
}

impl Rest {
    pub(crate) async fn new(app: App, quirks: &[&str]) -> Self {
        Self::with(app, quiet(), TENANT, quirks).await
    }

    /// The tenant with the example organisation.
    pub(crate) async fn example(app: App) -> Self {
        Self::with(app, quiet(), app.0, &[]).await
    }

    pub(crate) async fn with(app: App, config: Config, tenant: &'static str, quirks: &[&str]) -> Self {
        let sandbox = Sandbox::start(config).await.unwrap();
        sandbox.set_quirks(app.0, tenant, quirks).unwrap();
        let mut rest = Self { sandbox, connector: app.0, tenant, token: String::new(), app, http: http() };
        rest.renew().await;
        rest.sandbox.clear_log();
        rest
    }

    /// Fetches a token that carries everything.
    pub(crate) async fn renew(&mut self) {
        let answer = self.ask_token(&[]).await;
        self.token = answer.json["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    }

    pub(crate) async fn ask_token(&self, more: &[(&str, &str)]) -> Got {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", DEFAULT_CLIENT_ID),
            ("client_secret", DEFAULT_CLIENT_SECRET),
        ];
        form.extend(more);
        let url = self.sandbox.app_url(self.connector, self.tenant) + self.app.1;
        got(self.http.post(url).form(&form)).await
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::RequestBuilder {
        let url = format!("{}{}{path}", self.sandbox.app_url(self.connector, self.tenant), self.app.2);
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token);
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        got(self.request("GET", path, None)).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Got {
        got(self.request(method, path, Some(body))).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        got(self.request("DELETE", path, None)).await
    }

    /// Adds an account behind the API's back; returns its id.
    pub(crate) fn account(&self, email: &str) -> String {
        let account = NewAccount { email: email.to_owned(), ..NewAccount::default() };
        self.sandbox.add_account(self.connector, self.tenant, account).unwrap()
    }

    /// Adds so many accounts: `p000@example.com`, `p001@example.com` and so on.
    pub(crate) fn crowd(&self, size: usize) {
        for n in 0..size {
            self.account(&format!("p{n:03}@example.com"));
        }
    }

    pub(crate) fn group(&self, id: &str, name: &str, members: &[&String]) {
        self.sandbox.put_group(self.connector, self.tenant, id, name).unwrap();
        for member in members {
            self.sandbox.put_membership(self.connector, self.tenant, member, id, "").unwrap();
        }
    }

    pub(crate) fn patch(&self, account: &str, patch: AccountPatch) {
        self.sandbox.patch_account(self.connector, self.tenant, account, patch).unwrap();
    }

    /// Sets raw fields behind the API's back.
    pub(crate) fn set_raw(&self, account: &str, raw: Value) {
        let raw = raw.as_object().cloned();
        self.patch(account, AccountPatch { raw, ..AccountPatch::default() });
    }

    pub(crate) fn view(&self, account: &str) -> AccountView {
        self.sandbox.account(self.connector, self.tenant, account).unwrap()
    }

    pub(crate) fn emails(&self) -> Vec<String> {
        let accounts = self.sandbox.accounts(self.connector, self.tenant).unwrap();
        accounts.into_iter().map(|account| account.email).collect()
    }

    /// The ids of the groups that an account is in.
    pub(crate) fn groups_of(&self, account: &str) -> Vec<String> {
        self.view(account).groups.into_iter().map(|group| group.id).collect()
    }

    pub(crate) fn quirks(&self, quirks: &[&str]) {
        self.sandbox.set_quirks(self.connector, self.tenant, quirks).unwrap();
    }

    /// Whether each request since the log was cleared had an effect.
    pub(crate) fn effects(&self) -> Vec<bool> {
        self.sandbox.log().iter().map(|request| request.effect).collect()
    }
}

/// One field of every row.
pub(crate) fn column(rows: &Value, field: &str) -> Vec<String> {
    let rows = rows.as_array().unwrap_or_else(|| panic!("no rows: {rows}"));
    rows.iter().map(|row| row[field].as_str().unwrap_or_else(|| panic!("no {field}: {row}")).to_owned()).collect()
}

/// Every account of an example organisation by its name before the `@`: status, role, ids of groups.
pub(crate) fn summary(rest: &Rest) -> std::collections::BTreeMap<String, (String, String, Vec<String>)> {
    let accounts = rest.sandbox.accounts(rest.connector, rest.tenant).unwrap();
    let row = |account: AccountView| {
        let groups = account.groups.into_iter().map(|group| group.id).collect();
        (account.email, (account.status, account.role, groups))
    };
    accounts.into_iter().map(row).collect()
}
