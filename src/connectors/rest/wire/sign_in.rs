//! Signing in as a manifest describes it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Dotted, one_of};

/// How to sign in: exactly one of `oauth`, `bearer`, `header`, `basic` and `login`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = one_of(["oauth", "bearer", "header", "basic", "login"])))]
pub(crate) struct Auth {
    /// OAuth client credentials: the path of the token endpoint, below the app's `url`, without `base`. The files give
    /// `client_id` and `client_secret`, and may give `token_url` and `scopes`.
    pub oauth: Option<String>,
    /// With `oauth`: where the client's id and secret are sent; `basic` unless said.
    pub client: Option<Client>,
    /// With `oauth`: the scopes to ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// `true`: a token that never changes is sent as `Authorization: Bearer …`. The files give `token`.
    #[serde(default)]
    pub bearer: bool,
    /// The header that a token that never changes is sent in. The files give `token`.
    pub header: Option<String>,
    /// `true`: HTTP Basic. The files give `username` and `password`.
    #[serde(default)]
    pub basic: bool,
    /// A call that gives a token.
    pub login: Option<Login>,
}

/// Where the client's id and secret are sent.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Client {
    /// In the header of HTTP Basic.
    Basic,
    /// In the form.
    Body,
}

/// A call that gives a token. It is made again when the token is too old or the app refuses it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The path, below the app's `url`, without `base`.
    pub post: String,
    /// The JSON to send. `{secret.NAME}` stands for a secret, which the files then give as `NAME`.
    pub body: Value,
    /// Where the answer has the token.
    pub token: Token,
    /// The header that carries the token from then on.
    pub send: String,
    /// What stands before the token in that header, its space included: `"Bearer "`.
    #[serde(default)]
    pub prefix: String,
    /// Seconds after which a token is too old; 600 unless said.
    pub life: Option<u64>,
}

/// Where an answer has a token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Token {
    /// In this header.
    Header(String),
    /// At this place of the body.
    Body(Dotted),
}
