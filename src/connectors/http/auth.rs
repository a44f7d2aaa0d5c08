//! Signing in: fixed credentials, and tokens that are fetched once for all who wait and renewed before they expire.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex as SyncMutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};
use url::Url;

use super::{
    Method,
    failure::Failing,
    link::Link,
    transport::{WireAnswer, WireFailure, WireRequest},
};
use crate::{
    budget::{Kind, Lane},
    connectors::{Error, ErrorKind, meaning::BY_HTTP},
};

/// How often a token is asked for before giving up. As long as a read is tried.
const ATTEMPTS: u32 = 5;

/// Taken where a token's life is not said: the shortest that is usual.
const UNSTATED_LIFE: Duration = Duration::from_secs(10 * 60);

/// A token that lives longer than this is renewed a minute early at least; a shorter one would never be used then.
const LONG_LIVED: Duration = Duration::from_secs(5 * 60);

/// How an app wants its callers to sign in.
#[derive(Debug)]
pub enum Scheme {
    /// Not at all.
    None,
    /// A fixed token: `Authorization: Bearer …`.
    Bearer(SecretString),
    /// A fixed value in a header of its own.
    Header {
        /// The header.
        name: String,
        /// Its value.
        value: SecretString,
    },
    /// User name and password with every request.
    Basic {
        /// The user name.
        username: SecretString,
        /// The password.
        password: SecretString,
    },
    /// OAuth 2.0 client credentials.
    ClientCredentials(ClientCredentials),
    /// A log-in call whose answer carries the token.
    Login(Login),
}

/// OAuth 2.0 client credentials.
#[derive(Debug)]
pub struct ClientCredentials {
    /// Where tokens are.
    pub token_url: Url,
    /// The client's name.
    pub client_id: SecretString,
    /// Its secret.
    pub client_secret: SecretString,
    /// Where both are put.
    pub style: ClientStyle,
    /// What to ask for; none: whatever the client has.
    pub scopes: Vec<String>,
}

/// Where a token request carries the client's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientStyle {
    /// In an `Authorization: Basic` header.
    Basic,
    /// In the form.
    Body,
}

/// A log-in call.
#[derive(Debug)]
pub struct Login {
    /// Where it goes.
    pub url: Url,
    /// The JSON body, with its secrets filled in.
    pub body: SecretString,
    /// Where the answer holds the token.
    pub token: TokenPlace,
    /// The header that carries it afterwards.
    pub send: String,
    /// What precedes it there, such as `Bearer `.
    pub prefix: String,
    /// How long a token lives, where the app does not say.
    pub life: Option<Duration>,
}

/// Where the answer to a log-in holds the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// In a header.
    Header(String),
    /// In the body, at a JSON pointer.
    Body(String),
}

/// What a request carries to be let in.
pub(super) struct Credential {
    pub(super) header: Option<(String, SecretString)>,
    /// Which token it is; a refused one is dropped only while it is still the current one.
    generation: u64,
    renew_at: Option<Instant>,
}

impl Credential {
    /// Whether it is too old to be sent.
    pub(super) fn is_stale(&self) -> bool {
        self.renew_at.is_some_and(|renew_at| renew_at <= Instant::now())
    }
}

/// Keeps the current token.
pub(super) struct Authenticator {
    scheme: Scheme,
    /// Held while a token is fetched, so that everyone else waits for the same one.
    token: Mutex<Token>,
    /// Scopes that the last token was asked for and does not have.
    missing: SyncMutex<BTreeSet<String>>,
}

#[derive(Default)]
struct Token {
    generation: u64,
    current: Option<(SecretString, Instant)>,
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl Authenticator {
    pub(super) fn new(scheme: Scheme) -> Self {
        Self { scheme, token: Mutex::default(), missing: SyncMutex::default() }
    }

    /// Scopes that were asked for and not granted, as far as the app says what it grants.
    pub(super) fn missing_scopes(&self) -> Vec<String> {
        // A poisoned lock still holds a whole set: replacing it cannot leave half of one.
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Whether a refused credential can be replaced by a new one.
    pub(super) fn renewable(&self) -> bool {
        matches!(self.scheme, Scheme::ClientCredentials(_) | Scheme::Login(_))
    }

    /// What the next request has to carry.
    pub(super) async fn credential(&self, link: &Link) -> Result<Credential, Error> {
        let fixed = |header| Ok(Credential { header, generation: 0, renew_at: None });
        match &self.scheme {
            Scheme::None => fixed(None),
            Scheme::Bearer(token) => fixed(Some(bearer(token.expose_secret()))),
            Scheme::Header { name, value } => fixed(Some((name.clone(), value.clone()))),
            Scheme::Basic { username, password } => fixed(Some(basic(username, password))),
            Scheme::ClientCredentials(client) => self.token(link, bearer, || client.request(), client).await,
            Scheme::Login(login) => {
                let header = |text: &str| (login.send.clone(), format!("{}{text}", login.prefix).into());
                self.token(link, header, || login.request(), login).await
            }
        }
    }

    /// Drops a token that the app refused, unless someone replaced it already.
    pub(super) async fn reject(&self, refused: &Credential) {
        let mut token = self.token.lock().await;
        if token.generation == refused.generation {
            token.current = None;
        }
    }

    async fn token(
        &self,
        link: &Link,
        header: impl Fn(&str) -> (String, SecretString),
        request: impl Fn() -> WireRequest,
        source: &impl TokenSource,
    ) -> Result<Credential, Error> {
        let mut token = self.token.lock().await;
        let usable = token.current.clone().filter(|(_, renew_at)| *renew_at > Instant::now());
        let (text, renew_at) = match usable {
            Some(current) => current,
            None => {
                let asked = Instant::now();
                let Granted { token: text, life, missing } = fetch(link, &request, source).await?;
                *self.missing.lock().unwrap_or_else(PoisonError::into_inner) = missing;
                link.redactor.add_token(text.clone());
                let current = (text, asked + life.saturating_sub(early(life)));
                token.generation += 1;
                token.current = Some(current.clone());
                current
            }
        };
        let header = Some(header(text.expose_secret()));
        Ok(Credential { header, generation: token.generation, renew_at: Some(renew_at) })
    }
}

/// How long before its end a token is renewed: a tenth of its life, and a minute at least if it lives long.
fn early(life: Duration) -> Duration {
    let tenth = life / 10;
    if life > LONG_LIVED { tenth.max(Duration::from_secs(60)) } else { tenth }
}

/// What a token call granted.
#[derive(Debug)]
struct Granted {
    token: SecretString,
    life: Duration,
    /// Scopes that were asked for and are not among what the answer says it grants.
    missing: BTreeSet<String>,
}

/// Reads a token and its life from an answer; an error says what is missing.
trait TokenSource {
    fn read(&self, answer: &WireAnswer, body: &Value) -> Result<Granted, &'static str>;
}

async fn fetch(link: &Link, request: &impl Fn() -> WireRequest, source: &impl TokenSource) -> Result<Granted, Error> {
    let line = {
        let request = request();
        format!("{} {}", request.method.as_str(), request.url.path())
    };
    let failing = Failing { link, line: &line, write: false };
    let mut attempt = 0;
    loop {
        // Nothing at all can leave without a token, so it goes ahead of everything.
        let permit = link.enter(Lane::Removal, Kind::Token).await.map_err(|parked| failing.parked(parked))?;
        let error = match link.send(permit, request(), BY_HTTP).await {
            Err(WireFailure::NotSent(reason)) => failing.not_sent(&reason),
            Err(WireFailure::Lost(reason)) => failing.lost(None, &reason),
            Ok((answer, _)) => match (answer.status, &answer.body) {
                (200..=299, Ok(body)) => {
                    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
                    match source.read(&answer, &body) {
                        Ok(token) => return Ok(token),
                        Err(missing) => failing.lost(Some(answer.status), missing),
                    }
                }
                (200..=299, Err(_)) => failing.lost(Some(answer.status), "the answer broke off"),
                (429, _) => failing.rate_limited(&answer, None),
                (408 | 500..=599, _) => failing.refused(&answer),
                _ => return Err(sign_in_refused(failing, &answer)),
            },
        };
        attempt += 1;
        if attempt == ATTEMPTS {
            return Err(error);
        }
        link.back_off(attempt - 1).await;
    }
}

/// A refused token call is about the credential, whatever status says so.
fn sign_in_refused(failing: Failing<'_>, answer: &WireAnswer) -> Error {
    let refused = failing.refused(answer);
    let about_scopes = refused.detail.to_lowercase().contains("scope");
    let hint = match answer.status {
        404 | 405 | 300..=399 => "check the app's `url` and `auth.token_url`",
        _ if about_scopes => "the app does not know a scope that is asked for: set `auth.scopes`",
        _ => "check the credential under the app's `auth`",
    };
    Error { kind: ErrorKind::Auth, hint: Some(hint.into()), ..refused }
}

fn bearer(token: &str) -> (String, SecretString) {
    ("authorization".into(), format!("Bearer {token}").into())
}

fn basic(username: &SecretString, password: &SecretString) -> (String, SecretString) {
    let pair = format!("{}:{}", username.expose_secret(), password.expose_secret());
    ("authorization".into(), format!("Basic {}", STANDARD.encode(pair)).into())
}

/// A life in seconds, as a number or a text.
fn life(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::String(text) => text.trim().parse().ok()?,
        number => number.as_f64()?,
    };
    Duration::try_from_secs_f64(seconds).ok().filter(|life| !life.is_zero())
}

impl ClientCredentials {
    fn request(&self) -> WireRequest {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        let mut headers: Vec<(String, SecretString)> = vec![
            ("content-type".into(), "application/x-www-form-urlencoded".to_owned().into()),
            ("accept".into(), "application/json".to_owned().into()),
        ];
        match self.style {
            ClientStyle::Basic => headers.push(basic(&self.client_id, &self.client_secret)),
            ClientStyle::Body => {
                form.append_pair("client_id", self.client_id.expose_secret());
                form.append_pair("client_secret", self.client_secret.expose_secret());
            }
        }
        let body = Some(form.finish().into());
        WireRequest { method: Method::Post, url: self.token_url.clone(), headers, body }
    }
}

impl TokenSource for ClientCredentials {
    fn read(&self, _: &WireAnswer, body: &Value) -> Result<Granted, &'static str> {
        let token = body.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let token = token.ok_or("the answer has no `access_token`")?;
        // An answer that says nothing of scopes grants what was asked for.
        let granted: Option<BTreeSet<&str>> = match body.get("scope") {
            Some(Value::String(scopes)) => Some(scopes.split_whitespace().collect()),
            Some(Value::Array(scopes)) => Some(scopes.iter().filter_map(Value::as_str).collect()),
            _ => None,
        };
        let missing = |granted: BTreeSet<&str>| {
            self.scopes.iter().filter(|scope| !granted.contains(scope.as_str())).cloned().collect()
        };
        Ok(Granted {
            token: token.to_owned().into(),
            life: life(body.get("expires_in")).unwrap_or(UNSTATED_LIFE),
            missing: granted.map(missing).unwrap_or_default(),
        })
    }
}

impl Login {
    fn request(&self) -> WireRequest {
        let headers = vec![
            ("content-type".into(), "application/json".to_owned().into()),
            ("accept".into(), "application/json".to_owned().into()),
        ];
        WireRequest { method: Method::Post, url: self.url.clone(), headers, body: Some(self.body.clone()) }
    }
}

impl TokenSource for Login {
    fn read(&self, answer: &WireAnswer, body: &Value) -> Result<Granted, &'static str> {
        let token = match &self.token {
            TokenPlace::Header(name) => answer.header(&name.to_lowercase()),
            TokenPlace::Body(pointer) => body.pointer(pointer).and_then(Value::as_str),
        };
        let token = token.filter(|token| !token.is_empty()).ok_or("the answer has no token where it should be")?;
        Ok(Granted {
            token: token.to_owned().into(),
            life: self.life.unwrap_or(UNSTATED_LIFE),
            missing: BTreeSet::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(life: u64, early_by: u64) {
        assert_eq!(early(Duration::from_secs(life)).as_secs(), early_by);
    }

    #[test]
    fn tokens_are_renewed_before_they_expire_however_short_they_live() {
        check(3599, 359);
        check(599, 60);
        check(60, 6);
    }
}
