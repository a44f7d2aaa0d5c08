//! What a connector is before it is connected: what it declares, which options and secrets it takes, and how it is put
//! together for an app. A manifest is one; an API that needs logic has a module that is one.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Error, Writer,
    buckets::Buckets,
    http::{ClientStyle, HttpClient, HttpConfig, Scheme, TokenCall},
    outside::Outside,
    row_limit::{MAX_ROWS, RowLimits},
};
pub use crate::model::OptionSpec;
use crate::model::{CatalogueError, DesiredApp, Limits, Options, Semantics};

/// Secrets by the key they have under `auth`.
pub type Credentials = BTreeMap<String, SecretString>;

/// A kind of app that rosterd can manage.
pub trait Connector: Send + Sync {
    /// The options it knows, besides those that every connector has.
    fn options(&self) -> Vec<OptionSpec>;

    /// Options as most apps give them, to show by them what it can do.
    fn usual_options(&self) -> Options {
        Options::new()
    }

    /// What it declares about its API, for an app with these options.
    ///
    /// # Errors
    /// When an option makes no sense.
    fn semantics(&self, options: &Options) -> Result<Arc<Semantics>, CatalogueError>;

    /// The keys that `auth` may hold.
    fn secret_keys(&self) -> Vec<String>;

    /// How to sign in to the app.
    ///
    /// # Errors
    /// The key of a secret that is missing.
    fn scheme(&self, wiring: &Wiring<'_>) -> Result<Scheme, String>;

    /// Puts it together for an app. Nothing is sent.
    ///
    /// # Errors
    /// When something is missing that only now shows.
    fn connect(&self, wiring: &Wiring<'_>, options: &Options) -> Result<Arc<dyn Writer>, Error>;
}

/// Options that every connector has.
pub(super) const COMMON_OPTIONS: [(&str, &str); 3] = [
    ("allow_cleartext", "`true` lets the credential go over http to another machine"),
    ("ca_file", "a PEM file of authorities to trust besides the system's"),
    (MAX_ROWS, "rows that are read of one list at most, instead of three times the last complete reading"),
];

/// Everything that is wrong with which options are given: unknown ones, and missing ones that are required.
pub(super) fn check_options(known: &[OptionSpec], given: &Options) -> Vec<CatalogueError> {
    let names = || known.iter().map(|spec| spec.name.as_str()).chain(COMMON_OPTIONS.iter().map(|(name, _)| *name));
    let unknown = given.keys().filter(|key| !names().any(|name| name == &***key)).map(|key| {
        let all = || format!("there are {}", names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
        let hint = did_you_mean(key, names()).unwrap_or_else(all);
        let message = format!("the connector has no option `{key}`");
        CatalogueError::Option { key: key.to_string(), message, hint: Some(hint) }
    });
    let lacks = |spec: &&OptionSpec| given.get(spec.name.as_str()).is_none_or(|value| value.is_null());
    let missing = known.iter().filter(|spec| spec.required).filter(lacks).map(|spec| CatalogueError::Option {
        key: spec.name.clone(),
        message: format!("`options.{}` is missing", spec.name),
        hint: Some(spec.help.clone()),
    });
    unknown.chain(missing).collect()
}

/// The question about the known name that is most like `name`, when one is like it.
pub(super) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let like = |known: &str| strsim::jaro_winkler(known, name);
    let near = known.max_by(|a, b| like(a).total_cmp(&like(b))).filter(|near| like(near) > 0.8);
    near.map(|near| format!("did you mean `{near}`?"))
}

/// So much of a hash tells any number of credentials apart that one organisation can have.
const KEY_BYTES: usize = 16;

/// Everything that a connector needs from its surroundings to be put together for one app.
pub struct Wiring<'a> {
    pub(super) connector: &'a dyn Connector,
    pub(super) app: &'a DesiredApp,
    pub(super) url: &'a Url,
    pub(super) credentials: &'a Credentials,
    pub(super) token_url: Option<&'a Url>,
    /// Whether the credential is one that must not be shown.
    pub(super) secret: bool,
    pub(super) buckets: &'a Buckets,
    pub(super) outside: &'a Outside,
}

impl Wiring<'_> {
    /// The secret under a key of `auth`.
    ///
    /// # Errors
    /// The key, where there is none.
    pub fn secret(&self, key: &str) -> Result<&SecretString, String> {
        self.credentials.get(key).ok_or_else(|| key.to_owned())
    }

    /// Where tokens are: where the files say, or else below the app's own address.
    pub fn token_url(&self, path: &str) -> Url {
        self.token_url.cloned().unwrap_or_else(|| below(self.url, path))
    }

    /// OAuth 2.0 client credentials, with these `scopes` where the files name none.
    ///
    /// # Errors
    /// The key of a secret that is missing.
    pub fn client_credentials(&self, url: Url, style: ClientStyle, scopes: &[String]) -> Result<Scheme, String> {
        let (id, secret) = (self.secret("client_id")?, self.secret("client_secret")?);
        let scopes = self.app.auth.scopes.as_deref().unwrap_or(scopes);
        Ok(Scheme::Token(Box::new(TokenCall::client_credentials(url, id, secret, style, scopes.to_vec()))))
    }

    /// A client for the part of the API below `base`. Where an API counts families of calls apart, each family has a
    /// client and limits of its own.
    ///
    /// # Errors
    /// When a secret is missing or TLS cannot be set up.
    pub fn client(
        &self,
        base: Url,
        headers: Vec<(String, String)>,
        family: &str,
        limits: &Limits,
    ) -> Result<HttpClient, Error> {
        let app = self.app;
        let scheme = self.connector.scheme(self).map_err(|key| {
            let hint = match key.as_str() {
                "token_url" => "write where the app issues tokens: `token_url: https://…`",
                _ => "give { env: NAME } or { file: PATH }",
            };
            self.setup(format!("`auth.{key}` is missing"), hint)
        })?;
        let mut config = HttpConfig::new(&*app.name, base, scheme);
        config.headers = headers;
        config.ca_file = app.options.get("ca_file").and_then(|file| file.as_str()).map(PathBuf::from);
        config.clock = self.outside.clock.clone();
        config.seed = self.outside.seed;
        config.rows = RowLimits::of(&app.options);
        if self.secret {
            config.secrets = worth_masking(self.credentials);
        }
        // A limit that the files give replaces all scopes of the connector, so that all families share it.
        let family = if app.budget.requests.is_some() { "" } else { family };
        let key = bucket_key(self.url, &app.connector, family, self.credentials);
        let gate = self.buckets.gate(key, &app.budget, limits);
        match &self.outside.network {
            None => HttpClient::new(config, gate),
            Some(network) => Ok(HttpClient::over(network.clone(), config, gate)),
        }
    }

    /// An error of the set-up, with what to do about it.
    pub fn setup(&self, detail: impl Into<String>, hint: &str) -> Error {
        Error::setup(&*self.app.name, detail, Some(hint))
    }
}

/// An address below another one.
pub(super) fn below(url: &Url, path: &str) -> Url {
    let mut below = url.clone();
    let joined = format!("{}/{}", url.path().trim_end_matches('/'), path.trim_start_matches('/'));
    below.set_path(joined.trim_end_matches('/'));
    below
}

/// Secrets, and the pairs that go over the wire as one word, which a server may quote.
fn worth_masking(credentials: &Credentials) -> Vec<SecretString> {
    let pair = |name: &str, secret: &str| {
        let (name, secret) = (credentials.get(name)?, credentials.get(secret)?);
        Some(SecretString::from(format!("{}:{}", name.expose_secret(), secret.expose_secret())))
    };
    let pairs = [pair("client_id", "client_secret"), pair("username", "password")];
    pairs.into_iter().flatten().chain(credentials.values().cloned()).collect()
}

/// Names a credential at an origin, for one kind of API: two APIs at one origin count apart. Names of clients and users
/// identify a credential, so that it keeps its bucket when its secret is renewed. The name is stored, so that it holds
/// no more of the credential than a hash.
fn bucket_key(url: &Url, connector: &str, family: &str, credentials: &Credentials) -> String {
    let mut hash = Sha256::new();
    match ["client_id", "username"].iter().find_map(|key| credentials.get(*key)) {
        Some(name) => hash.update(name.expose_secret()),
        None => credentials.values().for_each(|secret| hash.update(secret.expose_secret())),
    }
    let who = hex::encode(&hash.finalize()[..KEY_BYTES]);
    format!("{} {connector}/{family} {who}", url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pair_of_basic_sign_in_is_masked_too() {
        let credentials = [("client_id", "id"), ("client_secret", "s3cret")];
        let credentials = credentials.map(|(key, value)| (key.to_owned(), SecretString::from(value))).into();
        let redactor = crate::connectors::http::Redactor::new(worth_masking(&credentials));
        // What `id:s3cret` is in base64.
        assert_eq!(redactor.clean("got Basic aWQ6czNjcmV0"), "got Basic [redacted]");
    }

    #[test]
    fn one_credential_at_one_origin_is_one_bucket_for_each_api() {
        let named = |url: &str, connector: &str, id: &str| {
            let credentials = [("client_id".to_owned(), SecretString::from(id))].into();
            bucket_key(&url.parse().unwrap(), connector, "", &credentials)
        };
        let key = |url: &str, id: &str| named(url, "one", id);
        assert_eq!(key("https://a.example/x", "c"), key("https://a.example/y", "c"));
        assert_ne!(key("https://a.example", "c"), key("https://b.example", "c"));
        assert_ne!(key("https://a.example", "c"), key("https://a.example", "d"));
        assert_ne!(key("https://a.example", "c"), named("https://a.example", "two", "c"));
        let token = |token: &str| {
            let credentials = [("token".to_owned(), token.into())].into();
            bucket_key(&"https://a.example".parse().unwrap(), "one", "", &credentials)
        };
        assert_ne!(token("s3cret"), token("other"));
        assert!(!token("s3cret").contains("s3cret"));
        assert!(!key("https://a.example", "client-17").contains("client-17"));
    }

    fn check(given: &[(&str, &str)], expected: &str) {
        let known = [
            OptionSpec { name: "account_id".into(), required: true, help: "the hub's id without `b.`".into() },
            OptionSpec { name: "region".into(), required: false, help: String::new() },
        ];
        let given = given.iter().map(|(key, value)| (Arc::from(*key), serde_json::Value::from(*value))).collect();
        let said: Vec<_> = check_options(&known, &given).iter().map(ToString::to_string).collect();
        assert_eq!(if said.is_empty() { "fine".into() } else { said.join(" | ") }, expected);
    }

    #[test]
    fn options_are_known_and_those_that_are_needed_are_there() {
        check(&[("account_id", "a"), ("region", "EMEA"), ("ca_file", "x.pem")], "fine");
        check(&[("region", "US")], "`options.account_id` is missing; the hub's id without `b.`");
        check(&[("account_id", "a"), ("regoin", "US")], "the connector has no option `regoin`; did you mean `region`?");
        check(
            &[("regoin", "US")],
            "the connector has no option `regoin`; did you mean `region`? | `options.account_id` is missing; the hub's id \
             without `b.`",
        );
    }
}
